"""A rate over the waves, its interval as a band; time runs left to right in both languages."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from masar_research.errors import ParameterError
from masar_research.present import theme
from masar_research.present.art import Art
from masar_research.present.canvas import Canvas, house_settings, measure, wrap
from masar_research.present.charts import parts
from masar_research.present.charts.placing import Rectangle, apart, first_free
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
    suppressed waves are named in words beneath. Years stand at their true distance.
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
    marks = [point.mark for one in series for point in one.points if point.mark.shown]
    high = max([end for mark in marks for end in mark.span], default=1.0)
    steps = ticks(0.0, max(high, 0.02), 5)
    canvas = Canvas(width, height, lang, mirror=False)
    side = max(measure(parts.tick_text(v, steps[1], lang, "percent"), lang, theme.SMALL) for v in steps) + 2.0
    key = parts.key_lines(width, lang, _key(canvas, marks))
    head = parts.key_height(key)
    hidden = [line for one in series for line in _hidden(one, width, lang)]
    bottom = height - 5.6 - 4.2 * len(hidden)
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
        canvas.text(across.at(year), bottom + 3.2, str(year), size=theme.SMALL, colour=theme.MUTED, anchor="middle", is_scale=True)
    for one in series:
        _line(canvas, one, across, up)
    _figures(canvas, series, across, up, digits)
    _names(canvas, series, names, across.end + 10.0 + 2.0, up)
    for i, (look, words) in enumerate(hidden):
        canvas.text(
            width if lang == "ar" else 0.0, height - 2.2 - 4.2 * (len(hidden) - 1 - i), words,
            size=theme.SMALL, colour=theme.group(look).colour, anchor="end" if lang == "ar" else "start",
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


def _hidden(one: Series, width: float, lang: Lang) -> list[tuple[str, str]]:
    years = [str(point.year) for point in one.points if not point.mark.shown]
    if not years:
        return []
    listed = ("، " if lang == "ar" else ", ").join(years)
    words = f"{one.label}: {say('not_shown', lang)} ({listed})"
    return [(one.group, line) for line in wrap(words, width, lang, theme.SMALL)]


def _figures(canvas: Canvas, series: Sequence[Series], across: parts.Axis, up: parts.Axis, digits: int) -> None:
    shown = [(one.group, point) for one in series for point in one.points if point.mark.shown]
    taken: list[Rectangle] = []
    for _, point in shown:
        x, (low, high) = across.at(point.year), point.mark.span
        y = up.at(point.mark.value or 0.0)
        taken += [(x - 1.2, y - 1.2, x + 1.2, y + 1.2), (x - 0.3, up.at(high), x + 0.3, up.at(low))]
    texts: list[Rectangle] = []
    for key, point in sorted(shown, key=lambda item: (item[1].year, -(item[1].mark.value or 0.0))):
        words = parts.figure_text(point.mark.value or 0.0, canvas.lang, "percent", digits)
        half = measure(words, canvas.lang, theme.SMALL, theme.SEMIBOLD) / 2
        x, (low, high) = across.at(point.year), point.mark.span
        y = up.at(point.mark.value or 0.0)
        above, below = min(up.at(high), y - 1.2) - 2.0, max(up.at(low), y + 1.2) + 2.0
        spots = [(x, above), (x, below), (x + half + 2.2, y), (x - half - 2.2, y)]
        spots += [(x, above - 3.6 * i) for i in range(1, 8)] + [(x, below + 3.6 * i) for i in range(1, 8)]
        inside = [
            (a, b) for a, b in spots
            if up.end - 2.6 <= b <= up.start - 1.9 and a - half >= across.start - 8.0 and a + half <= across.end + 9.0
        ]  # fmt: skip
        frames = [(a - half - 0.4, b - 1.6, a + half + 0.4, b + 1.6) for a, b in inside]
        chosen = first_free(frames, taken, texts)
        texts.append(frames[chosen])
        canvas.text(
            *inside[chosen], words, size=theme.SMALL, weight=theme.SEMIBOLD, anchor="middle",
            colour=theme.group(key).colour,
        )  # fmt: skip


def _names(canvas: Canvas, series: Sequence[Series], names: dict[str, list[str]], x: float, up: parts.Axis) -> None:
    ends = []
    for one in series:
        last = [point.mark.value for point in one.points if point.mark.value is not None]
        if last:
            ends.append((up.at(last[-1]), one))
    ends.sort(key=lambda item: item[0])
    tall = max((len(lines) for lines in names.values()), default=1) * 4.2
    for place, (_, one) in zip(apart([y for y, _ in ends], tall, low=up.end, high=up.start), ends, strict=True):
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
