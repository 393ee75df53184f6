"""Curves of several groups over a score, a panel per item; the score runs left to right in both languages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from masar_research.errors import ParameterError
from masar_research.present import theme
from masar_research.present.art import Art
from masar_research.present.canvas import Canvas, house_settings, measure, wrap
from masar_research.present.charts import parts
from masar_research.present.direction import Lang
from masar_research.present.scale import ticks

#: Colour and marker of the first, second, … group; they differ in lightness too.
_LOOKS = (("#0e5a5a", "s"), ("#c2542d", "o"), ("#8a6100", "^"), ("#75589a", "D"), ("#16302f", "v"))
_APART = 8.0
_TITLE = 4.2


@dataclass(frozen=True, slots=True)
class Curve:
    """A group's line: `x` ascending, `y` fractions."""

    label: str
    x: tuple[float, ...]
    y: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class CurvePanel:
    """The lines of one item."""

    heading: str
    lines: tuple[Curve, ...]


def curves(
    panels: Sequence[CurvePanel], lang: Lang, *, across: str, up: str, width: float = theme.FULL_WIDTH,
    height: float = 52.0,
) -> Art:  # fmt: skip
    """Draw panels two by two under one scale of shares.

    Parameters
    ----------
    panels : sequence of CurvePanel
        Of at most five groups.
    lang : {"ar", "en"}
        Never mirrored; in Arabic the first panel stands on the right.
    across, up : str
        What the two directions are.
    width, height : float
        Millimetres: of the sheet, and of a row of panels.

    Raises
    ------
    ParameterError
        Without panels, or with more than five groups.
    """
    groups = list(dict.fromkeys(line.label for panel in panels for line in panel.lines))
    if not panels or not 1 <= len(groups) <= len(_LOOKS):
        raise ParameterError(f"Curves need a panel and one to {len(_LOOKS)} groups; found {len(panels)} and {len(groups)}.",
                             remedy="Name fewer groups.",
                             ar="يلزم للرسم بند واحد على الأقل ومن مجموعة إلى خمس مجموعات.")  # fmt: skip
    return _draw(panels, lang, across, up, groups, width, height).finish()


@house_settings()
def _draw(
    panels: Sequence[CurvePanel], lang: Lang, across: str, up: str, groups: Sequence[str], width: float,
    height: float,
) -> Canvas:  # fmt: skip
    columns = min(2, len(panels))
    room = (width - _APART * (columns - 1)) / columns
    heads = [wrap(panel.heading, room, lang, theme.TEXT, theme.SEMIBOLD) for panel in panels]
    rows = [range(k, min(k + columns, len(panels))) for k in range(0, len(panels), columns)]
    tops = [max(len(heads[k]) for k in row) * _TITLE + 2.0 for row in rows]
    scratch = Canvas(1, 1, lang)
    key = parts.key_lines(width, lang, _key(scratch, groups))
    head = parts.key_height(key) + 5.0
    canvas = Canvas(width, head + sum(tops) + len(rows) * height, lang, mirror=False)
    draw_key(canvas, parts.key_lines(width, lang, _key(canvas, groups)))
    canvas.text(width if lang == "ar" else 0, head - 2.4, up, size=theme.SMALL, colour=theme.MUTED,
                anchor="end" if lang == "ar" else "start")  # fmt: skip
    y = head
    for row, top in zip(rows, tops, strict=True):
        for place, k in enumerate(row):
            at = (columns - 1 - place if lang == "ar" else place) * (room + _APART)
            _panel(canvas, panels[k], heads[k], (at, room), (y, top, height), across, groups)
        y += top + height
    return canvas


def _panel(
    canvas: Canvas, panel: CurvePanel, head: Sequence[str], span: tuple[float, float],
    rows: tuple[float, float, float], across: str, groups: Sequence[str],
) -> None:  # fmt: skip
    (left, room), (top, title, height) = span, rows
    ar = canvas.lang == "ar"
    for i, words in enumerate(head):
        canvas.text(left + room if ar else left, top + 2.4 + i * _TITLE, words, weight=theme.SEMIBOLD,
                    anchor="end" if ar else "start")  # fmt: skip
    marks = ticks(0.0, 1.0, 5)
    side = measure(parts.tick_text(1.0, 0.2, canvas.lang, "percent"), canvas.lang, theme.SMALL) + 3.0
    bottom = top + title + height - 12.0
    vertical = parts.Axis(0.0, 1.0, bottom, top + title + 1.0)
    ends = [x for line in panel.lines for x in line.x]
    level = parts.Axis(min(ends), max(max(ends), min(ends) + 1), left + side, left + room - 2.0)
    for value in marks:
        y = vertical.at(value)
        canvas.line((level.start, y), (level.end, y), colour=theme.LINE if value == 0 else theme.FAINT, layer=1)
        canvas.text(level.start - 1.6, y, parts.tick_text(value, 0.2, canvas.lang, "percent"), size=theme.SMALL,
                    colour=theme.MUTED, anchor="end", is_scale=True)  # fmt: skip
    wide = max(level.high - level.low, 6.0)
    steps = [v for v in ticks(level.low, level.low + wide, 6) if level.low - 1e-9 <= v <= level.high + 1e-9]
    for value in steps:
        text = parts.tick_text(value, steps[1] - steps[0] if len(steps) > 1 else 1.0, canvas.lang, "number")
        canvas.text(level.at(value), bottom + 2.8, text, size=theme.SMALL, colour=theme.MUTED, anchor="middle", is_scale=True)
    canvas.text((level.start + level.end) / 2, bottom + 7.0, across, size=theme.SMALL, colour=theme.MUTED, anchor="middle")
    for line in panel.lines:
        colour, marker = _LOOKS[groups.index(line.label)]
        points = [(level.at(x), vertical.at(y)) for x, y in zip(line.x, line.y, strict=True)]
        for start, end in pairwise(points):
            canvas.line(start, end, colour=colour, weight=1.6, cap="round", layer=4)
        every = max(1, len(points) // 6)
        for x, y in points[::every]:
            canvas.dot(x, y, marker, colour, size=4.2)


def _key(canvas: Canvas, groups: Sequence[str]) -> list[parts.KeyItem]:
    def item(name: str, colour: str, marker: str) -> parts.KeyItem:
        return parts.KeyItem(words=name, colour=colour, width=2.6, bold=True,
                             draw=lambda x, y: canvas.dot(x + 1.3, y, marker, colour))  # fmt: skip

    return [item(name, *_LOOKS[k]) for k, name in enumerate(groups)]


def draw_key(canvas: Canvas, lines: Sequence[Sequence[parts.KeyItem]]) -> None:
    """The key; from the right in Arabic, though the panels are not mirrored."""
    for number, line in enumerate(lines):
        y, x = 2.4 + number * 4.4, 0.0
        ar = canvas.lang == "ar"
        items = list(reversed(line)) if ar else list(line)
        if ar:
            x = canvas.width - sum(parts.item_width(item, canvas.lang) + 5 for item in items) + 5
        for item in items:
            wide = parts.item_width(item, canvas.lang)
            sign = x + wide - item.width if ar else x
            item.draw(sign, y)
            at, anchor = (sign - 1.2, "end") if ar else (x + item.width + 1.2, "start")
            canvas.text(at, y, item.words, size=theme.SMALL, colour=item.colour, weight=theme.SEMIBOLD, anchor=anchor)
            x += wide + 5
