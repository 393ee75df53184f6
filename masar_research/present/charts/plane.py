"""Groups in a plane of two measures, each with its interval in both directions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from masar_research.errors import ParameterError
from masar_research.present import theme
from masar_research.present.art import Art
from masar_research.present.canvas import Canvas, house_settings, measure, wrap
from masar_research.present.charts import parts
from masar_research.present.charts.placing import apart
from masar_research.present.charts.words import say
from masar_research.present.direction import Lang
from masar_research.present.scale import ticks

Span = tuple[float, float, float]
_NAMES = 0.3
_LINE = 3.9


@dataclass(frozen=True, slots=True)
class Place:
    """One group that may be shown.

    Attributes
    ----------
    label : str
    across, up : (low, value, high)
    flagged : bool
        Drawn hollow, to be read with caution.
    """

    label: str
    across: Span
    up: Span
    flagged: bool = False

    def __post_init__(self) -> None:
        for span in (self.across, self.up):
            if list(span) != sorted(span):
                raise ParameterError(f"An interval holds its value; found {span}.",
                                     remedy="Give low, value, high in order.")  # fmt: skip


def plane(
    places: Sequence[Place], lang: Lang, *, across: tuple[str, str, str], up: str,
    hidden: Sequence[str] = (), width: float = theme.FULL_WIDTH, height: float = 92.0,
) -> Art:  # fmt: skip
    """Draw groups by two measures; zero of both is on the sheet.

    Parameters
    ----------
    places : sequence of Place
    lang : {"ar", "en"}
        Never mirrored: both directions are numbers.
    across : (title, word below zero, word above zero)
        The horizontal measure.
    up : str
        Title of the vertical one.
    hidden : sequence of str
        Groups that may not be shown: named beneath.
    width, height : float
        Millimetres.

    Raises
    ------
    ParameterError
        Without places.
    """
    if not places:
        raise ParameterError("A chart needs at least one group.", remedy="Pass groups that may be shown.")
    return _draw(places, lang, across, up, hidden, width, height).finish()


@house_settings()
def _draw(
    places: Sequence[Place], lang: Lang, across: tuple[str, str, str], up: str, hidden: Sequence[str],
    width: float, height: float,
) -> Canvas:  # fmt: skip
    room = _NAMES * width
    names = [wrap(place.label, room, lang, theme.TEXT, theme.SEMIBOLD) for place in places]
    widest = max(measure(line, lang, theme.TEXT, theme.SEMIBOLD) for lines in names for line in lines)
    words = f"{say('not_shown_short', lang)}: {', '.join(hidden) if lang == 'en' else '، '.join(hidden)}"
    beneath = wrap(words, width, lang, theme.SMALL) if hidden else []
    needed = _LINE * 1.15 * sum(len(lines) for lines in names) + 30
    height = max(height, needed) + 4.2 * len(beneath)
    canvas = Canvas(width, height, lang, mirror=False)
    key = parts.key_lines(width, lang, _key(canvas, places))
    head = parts.key_height(key) + 5.0
    bottom = height - 16.4 - 4.2 * len(beneath)
    steps = [_steps([end for place in places for end in getattr(place, name)]) for name in ("up", "across")]
    side = max(measure(parts.tick_text(v, steps[0][1] - steps[0][0], lang, "number"), lang, theme.SMALL) for v in steps[0]) + 3.0
    vertical = parts.Axis(steps[0][0], steps[0][-1], bottom, head + 2.0)
    level = parts.Axis(steps[1][0], steps[1][-1], side, width - widest - 8.0)
    _draw_key(canvas, key, lang)
    canvas.text(0, head - 3.0, up, size=theme.SMALL, colour=theme.MUTED)
    _grid(canvas, steps, vertical, level, lang)
    middle = (level.start + level.end) / 2
    canvas.text(level.start, bottom + 9.0, across[1], size=theme.SMALL, colour=theme.MUTED)
    canvas.text(middle, bottom + 9.0, across[0], size=theme.SMALL, colour=theme.MUTED, anchor="middle")
    canvas.text(level.end, bottom + 9.0, across[2], size=theme.SMALL, colour=theme.MUTED, anchor="end")
    order = sorted(range(len(places)), key=lambda k: -places[k].up[1])
    for place in places:
        _cross(canvas, place, level, vertical)
    _names(canvas, [places[k] for k in order], [names[k] for k in order], level, vertical, (head, bottom))
    for number, line in enumerate(beneath):
        canvas.text(0 if lang == "en" else width, bottom + 13.6 + 4.2 * number, line, size=theme.SMALL,
                    colour=theme.MUTED, anchor="start" if lang == "en" else "end")  # fmt: skip
    return canvas


def _steps(ends: Sequence[float]) -> tuple[float, ...]:
    low, high = min(0.0, *ends), max(0.0, *ends)
    return ticks(low, max(high, low + 0.05), 5)


def _grid(
    canvas: Canvas, steps: Sequence[Sequence[float]], vertical: parts.Axis, level: parts.Axis, lang: Lang
) -> None:
    for value in steps[0]:
        zero = abs(value) < 1e-9
        y = vertical.at(value)
        canvas.line((level.start, y), (level.end, y), colour=theme.MUTED if zero else theme.FAINT, layer=1)
        text = parts.tick_text(value, steps[0][1] - steps[0][0], lang, "number")
        canvas.text(level.start - 2.0, y, text, size=theme.SMALL, colour=theme.MUTED, anchor="end", is_scale=True)
    for value in steps[1]:
        zero = abs(value) < 1e-9
        x = level.at(value)
        canvas.line((x, vertical.start), (x, vertical.end), colour=theme.MUTED if zero else theme.FAINT, layer=1)
        text = parts.tick_text(value, steps[1][1] - steps[1][0], lang, "number")
        canvas.text(x, vertical.start + 4.4, text, size=theme.SMALL, colour=theme.MUTED, anchor="middle", is_scale=True)


def _cross(canvas: Canvas, place: Place, level: parts.Axis, vertical: parts.Axis) -> None:
    x, y = level.at(place.across[1]), vertical.at(place.up[1])
    faint = theme.tint(theme.TEAL, 0.55)
    canvas.line((level.at(place.across[0]), y), (level.at(place.across[2]), y), colour=faint, weight=1.4, cap="round", layer=4)
    canvas.line((x, vertical.at(place.up[0])), (x, vertical.at(place.up[2])), colour=faint, weight=1.4, cap="round", layer=4)
    canvas.dot(x, y, "o", theme.TEAL, hollow=place.flagged)


def _names(
    canvas: Canvas, places: Sequence[Place], names: Sequence[list[str]], level: parts.Axis,
    vertical: parts.Axis, room: tuple[float, float],
) -> None:  # fmt: skip
    """Names beside the plane, in the order of height, with a thin line to each point."""
    most = max(len(lines) for lines in names)
    wanted = [vertical.at(place.up[1]) for place in places]
    placed = apart(wanted, _LINE * most + 0.8, low=room[0] + 2.0, high=room[1])
    for place, lines, y in zip(places, names, placed, strict=True):
        start = (level.at(place.across[2]) + 0.8, vertical.at(place.up[1]))
        canvas.line(start, (level.end + 3.4, y), colour=theme.LINE, weight=0.5, layer=2)
        for i, words in enumerate(lines):
            canvas.text(level.end + 4.2, y + (i - (len(lines) - 1) / 2) * _LINE, words, weight=theme.SEMIBOLD, colour=theme.TEAL)


def _key(canvas: Canvas, places: Sequence[Place]) -> list[parts.KeyItem]:
    items = [parts.interval_item(canvas, theme.TEAL)]
    if any(place.flagged for place in places):
        items.append(parts.caution_item(canvas))
    return items


def _draw_key(canvas: Canvas, lines: Sequence[Sequence[parts.KeyItem]], lang: Lang) -> None:
    """The key; from the right in Arabic, though the plane itself is not mirrored."""
    for number, line in enumerate(lines):
        y = 2.4 + number * 4.4
        x = 0.0
        if lang == "ar":
            x = canvas.width - sum(parts.item_width(item, lang) + 5 for item in line) + 5
        for item in line:
            wide = parts.item_width(item, lang)
            sign = x + wide - item.width if lang == "ar" else x
            item.draw(sign, y)
            at, anchor = (sign - 1.2, "end") if lang == "ar" else (x + item.width + 1.2, "start")
            canvas.text(at, y, item.words, size=theme.SMALL, colour=item.colour, anchor=anchor)
            x += wide + 5
