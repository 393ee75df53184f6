"""A rate over the waves, its interval as a band; time runs left to right in both languages."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from masar_research.errors import ParameterError
from masar_research.present import theme
from masar_research.present.art import Art
from masar_research.present.canvas import Canvas, house_settings, measure, wrap
from masar_research.present.charts import parts
from masar_research.present.charts.placing import apart
from masar_research.present.charts.rows import Point, Series
from masar_research.present.charts.words import say
from masar_research.present.direction import Lang
from masar_research.present.scale import ticks

_LABEL = 3.6


def trend(
    series: Sequence[Series], lang: Lang, *, width: float = theme.FULL_WIDTH, height: float = 62.0,
    digits: int = 1,
) -> Art:  # fmt: skip
    """Draw levels over the waves with a figure at every wave and the name at the line's end.

    Parameters
    ----------
    series : sequence of Series
        Fractions; at least two waves in all.
    lang : {"ar", "en"}
        Never mirrored.
    width, height : float
        Millimetres.
    digits : int

    Returns
    -------
    Art

    Raises
    ------
    ParameterError
        If there are fewer than two waves, or a series repeats one.

    Notes
    -----
    No line is drawn to a suppressed wave, or across a break of comparability (`Point.broken`);
    a suppressed wave is marked in words at the foot of the plot, at the same height for every
    value it may have. Years stand at their true distance.
    """
    return draw(series, lang, width=width, height=height, digits=digits).finish()


@house_settings()
def draw(
    series: Sequence[Series], lang: Lang, *, width: float, height: float, digits: int
) -> Canvas:
    """The sheet of `trend`."""
    years = sorted({point.year for one in series for point in one.points})
    if len(years) < 2:
        raise ParameterError(
            f"A trend needs at least two waves; found {years}.",
            remedy="Use a dot chart for one wave.",
        )
    for one in series:
        found = [point.year for point in one.points]
        if found != sorted(set(found)):
            raise ParameterError(
                f"The waves of {one.label!r} are {found}; each stands once, oldest first.",
                remedy="Sort the points by year and drop repetitions.",
            )
    room = 0.26 * width
    names = {one.label: wrap(one.label, room, lang, theme.TEXT, theme.SEMIBOLD) for one in series}
    room = max(measure(line, lang, theme.TEXT, theme.SEMIBOLD) for lines in names.values() for line in lines)
    hidden = [one for one in series if any(not point.mark.shown for point in one.points)]
    marks = [point.mark for one in series for point in one.points if point.mark.shown]
    high = max([end for mark in marks for end in mark.span], default=1.0)
    steps = ticks(0.0, max(high, 0.02), 5)
    canvas = Canvas(width, height, lang, mirror=False)
    side = max(measure(parts.tick_text(v, steps[1], lang, "percent"), lang, theme.SMALL) for v in steps) + 2.0
    key = parts.key_lines(width, lang, _key(canvas, marks))
    head = parts.key_height(key)
    bottom = height - 5.6 - (4.0 * len(hidden) if hidden else 0)
    across = parts.Axis(years[0], years[-1], side + 8.0, width - room - 4.0 - 8.0)
    up = parts.Axis(0.0, steps[-1], bottom, head + 3.0)
    _draw_key(canvas, key, lang)
    for value in steps:
        canvas.line((side, up.at(value)), (across.end + 8.0, up.at(value)), colour=theme.LINE if value == 0 else theme.FAINT, layer=1)
        canvas.text(
            side - 2.0, up.at(value), parts.tick_text(value, steps[1], lang, "percent"), size=theme.SMALL,
            colour=theme.MUTED, anchor="end", is_scale=True,
        )  # fmt: skip
    for year in years:
        canvas.text(across.at(year), height - 2.4, str(year), size=theme.SMALL, colour=theme.MUTED, anchor="middle", is_scale=True)
    for one in series:
        _line(canvas, one, across, up)
    _figures(canvas, series, across, up, digits)
    _names(canvas, series, names, across.end + 10.0 + 2.0, up)
    for i, one in enumerate(hidden):
        for point in one.points:
            if not point.mark.shown:
                words = f"{one.label}: {say('not_shown_short', lang)}"
                half = measure(words, lang, theme.SMALL) / 2
                middle = min(max(across.at(point.year), half), width - half)
                canvas.text(
                    middle, bottom + 3.0 + i * 4.0, words, size=theme.SMALL,
                    colour=theme.group(one.group).colour, anchor="middle",
                )  # fmt: skip
    return canvas


def _line(canvas: Canvas, one: Series, across: parts.Axis, up: parts.Axis) -> None:
    look = theme.group(one.group)
    for run in _runs(one.points):
        xs = np.array([across.at(point.year) for point in run])
        spans = np.array([point.mark.span for point in run])
        upper = np.column_stack([xs, [up.at(high) for high in spans[:, 1]]])
        lower = np.column_stack([xs, [up.at(low) for low in spans[:, 0]]])
        if len(run) > 1:
            canvas.band(upper, lower, theme.tint(look.colour, 0.16))
            for one_, other in zip(run, run[1:], strict=False):
                assert one_.mark.value is not None and other.mark.value is not None
                canvas.line(
                    (across.at(one_.year), up.at(one_.mark.value)), (across.at(other.year), up.at(other.mark.value)),
                    colour=look.colour, weight=1.6, cap="round", layer=4,
                )  # fmt: skip
        else:
            canvas.line(tuple(upper[0]), tuple(lower[0]), colour=theme.tint(look.colour, 0.45), weight=1.7, cap="round", layer=4)
        for point in run:
            assert point.mark.value is not None
            canvas.dot(across.at(point.year), up.at(point.mark.value), look.marker, look.colour, hollow=point.mark.status == "flag")


def _runs(points: Sequence[Point]) -> list[list[Point]]:
    runs: list[list[Point]] = []
    joined = False
    for point in points:
        if not point.mark.shown:
            joined = False
            continue
        if joined and not point.broken:
            runs[-1].append(point)
        else:
            runs.append([point])
        joined = True
    return runs


def _figures(canvas: Canvas, series: Sequence[Series], across: parts.Axis, up: parts.Axis, digits: int) -> None:
    for year in sorted({point.year for one in series for point in one.points}):
        here = [
            (one.group, point.mark) for one in series for point in one.points
            if point.year == year and point.mark.value is not None
        ]  # fmt: skip
        here.sort(key=lambda item: -(item[1].value or 0.0))
        taken = [(up.at(mark.span[1]) - 1.4, up.at(mark.span[0]) + 1.4) for _, mark in here]
        for index, (key, mark) in enumerate(here):
            words = parts.figure_text(mark.value or 0.0, canvas.lang, "percent", digits)
            others = taken[:index] + taken[index + 1 :]
            above, below = taken[index][0] - 1.7, taken[index][1] + 1.7
            free = [y for y in (above, below) if _clear(y, others) and y < up.start - 1.6]
            x, y, anchor = across.at(year), (free or [up.at(mark.value or 0.0)])[0], "middle"
            if not free:
                x, anchor = x + 2.6, "start"
            else:
                taken.append((y - 1.6, y + 1.6))
            canvas.text(
                x, y, words, size=theme.SMALL, weight=theme.SEMIBOLD, anchor=anchor,
                colour=theme.group(key).colour,
            )  # fmt: skip


def _clear(y: float, taken: Sequence[tuple[float, float]]) -> bool:
    return all(y + 1.6 <= top or y - 1.6 >= bottom for top, bottom in taken)


def _names(canvas: Canvas, series: Sequence[Series], names: dict[str, list[str]], x: float, up: parts.Axis) -> None:
    ends = []
    for one in series:
        last = [point.mark.value for point in one.points if point.mark.value is not None]
        if last:
            ends.append((up.at(last[-1]), one))
    ends.sort(key=lambda item: item[0])
    tall = max((len(lines) for lines in names.values()), default=1) * 4.2
    for place, (_, one) in zip(apart([y for y, _ in ends], tall), ends, strict=True):
        lines = names[one.label]
        for i, words in enumerate(lines):
            canvas.text(
                x, place + (i - (len(lines) - 1) / 2) * 4.0, words, weight=theme.SEMIBOLD,
                colour=theme.group(one.group).colour,
            )  # fmt: skip


def _key(canvas: Canvas, marks: Sequence[parts.Mark]) -> list[parts.KeyItem]:
    items = []
    if any(mark.low is not None for mark in marks):
        items.append(
            parts.KeyItem(
                words=say("band", canvas.lang), colour=theme.MUTED, width=5.0,
                draw=lambda x, y: canvas.box(x, y - 1.1, 5.0, 2.2, fill=theme.tint(theme.MUTED, 0.3)),
            )
        )  # fmt: skip
    if any(mark.status == "flag" for mark in marks):
        items.append(parts.caution_item(canvas))
    return items


def _draw_key(canvas: Canvas, key: list[list[parts.KeyItem]], lang: Lang) -> None:
    if lang == "en":
        parts.draw_key(canvas, key, 0)
        return
    for number, line in enumerate(key):
        x, y = canvas.width, 2.4 + number * 4.4
        for item in line:
            item.draw(x - item.width, y)
            canvas.text(x - item.width - 1.2, y, item.words, size=theme.SMALL, colour=item.colour, anchor="end")
            x -= parts.item_width(item, lang) + 5
