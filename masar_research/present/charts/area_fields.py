"""Maps of many areas: two of shares on one scale, and beneath them how uncertain each figure is.

Fifty areas have no room for their names and figures; colours say where, a table says how much. A dot
marks a figure to be read with caution.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import shapely

from masar_research.errors import ParameterError
from masar_research.present import numbers, theme
from masar_research.present.art import Art
from masar_research.present.canvas import Canvas, house_settings, line_height, wrap
from masar_research.present.charts import areas as one
from masar_research.present.charts.rows import Mark
from masar_research.present.charts.words import say
from masar_research.present.direction import Lang
from masar_research.present.scale import class_of, classes

if TYPE_CHECKING:
    import geopandas as gpd

_BETWEEN = 6.0
_ROW = 5.0
_DOT = "•"
_DOUBT = {
    1: ("#b9a06a",), 2: ("#dccfae", "#8b6f35"), 3: ("#ece4cd", "#b9a06a", "#6b5222"),
    4: ("#ece4cd", "#cdb983", "#9a7f45", "#57421a"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Field:
    """One row of maps: what colours the areas of each panel, in which classes."""

    head: str
    values: tuple[Mapping[object, float | None], Mapping[object, float | None]]
    limits: tuple[float, ...]
    colours: Sequence[str]
    legend: tuple[one._Item, ...]
    flagged: tuple[frozenset[object], frozenset[object]] = (frozenset(), frozenset())


def area_fields(
    shapes: gpd.GeoDataFrame, panels: tuple[tuple[str, Mapping[object, Mark]], tuple[str, Mapping[object, Mark]]],
    lang: Lang, *, width: float = theme.FULL_WIDTH, height: float = 78.0, outlines: gpd.GeoDataFrame | None = None,
) -> Art:  # fmt: skip
    """Draw two maps of shares and, beneath, half the width of every interval.

    Parameters
    ----------
    shapes : GeoDataFrame
        As for `areas`; any number of them.
    panels : two of (heading, marks)
        Fractions with their intervals, one mark for each shape; the first stands where reading begins.
        The maps themselves are never mirrored.
    lang : {"ar", "en"}
    width, height : float
        Millimetres of the sheet, and of one map. Below 120 mm the maps stand one beneath the other.
    outlines : GeoDataFrame, optional
        Heavier borders (governorates).

    Returns
    -------
    Art

    Raises
    ------
    ParameterError
        If a shape has no mark, or a mark no shape.
    """
    return draw(shapes, panels, lang, width=width, height=height, outlines=outlines).finish()


@house_settings()
def draw(
    shapes: gpd.GeoDataFrame, panels: tuple[tuple[str, Mapping[object, Mark]], tuple[str, Mapping[object, Mark]]],
    lang: Lang, *, width: float, height: float, outlines: gpd.GeoDataFrame | None,
) -> Canvas:  # fmt: skip
    """The sheet of `area_fields`."""
    if len(panels) != 2:
        raise ParameterError(f"Two maps stand side by side; found {len(panels)}.", remedy="Pass two panels.")
    for _, marks in panels:
        one._check(shapes, marks, lang, 4)  # type: ignore[arg-type]
    fields = (_shares(panels, lang), _doubt(panels, lang))
    stacked = width < 120.0
    room = width if stacked else (width - _BETWEEN) / 2
    west, south, east, north = shapes.total_bounds
    squeeze = one._squeeze(shapes)
    factor = min((room - 1.0) / ((east - west) * squeeze), (height - 1.0) / (north - south))
    wide, tall = (east - west) * squeeze * factor, (north - south) * factor
    heads = [[wrap(title, room, lang, theme.HEAD, theme.SEMIBOLD) for title, _ in panels], [[], []]]
    sub = [wrap(field.head, width, lang, theme.TEXT) for field in fields]
    legends = [one._legend_rows(field.legend, width, lang) for field in fields]
    tops, total = [], 0.0
    for at in (0, 1):
        head = max(len(lines) for lines in heads[at]) * line_height(theme.HEAD)
        begin = len(sub[at]) * line_height(theme.TEXT) + 1.5
        maps = (2 if stacked else 1) * (tall + head + 2.0)
        tops.append((total, total + begin, total + begin + maps + 1.0, head))
        total += begin + maps + 1.0 + one._rows_height(legends[at]) + (_ROW if at == 0 else 0.0)
    canvas = Canvas(width, total, lang, mirror=False)
    for field, lines, titles, rows, (top, begin, under, head) in zip(fields, sub, heads, legends, tops, strict=True):
        for number, words in enumerate(lines):
            canvas.text(
                width if lang == "ar" else 0.0, top + line_height(theme.TEXT) * (number + 0.5), words, size=theme.TEXT,
                colour=theme.MUTED, anchor="end" if lang == "ar" else "start",
            )  # fmt: skip
        for number, (values, title) in enumerate(zip(field.values, titles, strict=True)):
            column = 0 if stacked else (1 - number if lang == "ar" else number)
            left, down = column * (room + _BETWEEN), begin + (number * (tall + head + 2.0) if stacked else 0.0)
            for at, words in enumerate(title):
                canvas.text(
                    left + room / 2, down + line_height(theme.HEAD) * (at + 0.5), words, size=theme.HEAD,
                    weight=theme.SEMIBOLD, anchor="middle",
                )  # fmt: skip
            corner = (left + (room - wide) / 2 - west * squeeze * factor, down + head + 1.0 + north * factor)
            _paint(canvas, shapes, outlines, values, field, (squeeze * factor, factor), corner, field.flagged[number])
        one._draw_legend(canvas, rows, (0.0, under), width)
    return canvas


def _shares(
    panels: Sequence[tuple[str, Mapping[object, Mark]]], lang: Lang
) -> _Field:
    values = tuple({code: mark.value for code, mark in marks.items()} for _, marks in panels)
    shown = [value for each in values for value in each.values() if value is not None]
    limits = classes(shown, 4, 0.05) if shown else ()
    both = {(at, code): mark for at, (_, marks) in enumerate(panels) for code, mark in marks.items()}
    legend = [
        item for item in one._legend(both, limits, lang, {key: "" for key in both})  # type: ignore[arg-type]
        if not item.words.startswith((say("all_modelled", lang), "( )"))
    ]  # fmt: skip
    flagged = [frozenset(code for code, mark in marks.items() if mark.status == "flag") for _, marks in panels]
    if any(flagged):
        words = f"{_DOT} {say('caution_words', lang)}"
        legend.append(one._Item(words, [words]))
    return _Field(
        say("field_shares", lang), (values[0], values[1]), limits, one._COLOURS.get(len(limits) - 1, ()), tuple(legend),
        (flagged[0], flagged[1]),
    )  # fmt: skip


def _doubt(panels: Sequence[tuple[str, Mapping[object, Mark]]], lang: Lang) -> _Field:
    values = tuple({code: _half(mark) for code, mark in marks.items()} for _, marks in panels)
    shown = [value for each in values for value in each.values() if value is not None]
    limits = classes(shown, 4, 0.01) if shown else ()
    colours = _DOUBT.get(len(limits) - 1, ())
    step = limits[1] - limits[0] if len(limits) > 1 else 0.0
    digits = 0 if abs(round(step * 100) - step * 100) < 1e-9 else 1
    items = []
    for index, colour in enumerate(colours):
        low, high = (numbers.number(100 * limits[index + at], lang, digits) for at in (0, 1))
        words = f"{low} {say('to' if index == len(limits) - 2 else 'under', lang)} {high}"
        items.append(one._Item(words, [words], colour))
    return _Field(say("field_doubt", lang), (values[0], values[1]), limits, colours, tuple(items))


def _half(mark: Mark) -> float | None:
    """Half the width of the interval of a figure that is shown."""
    if mark.value is None or mark.low is None or mark.high is None:
        return None
    return (mark.high - mark.low) / 2


def _paint(
    canvas: Canvas, shapes: gpd.GeoDataFrame, outlines: gpd.GeoDataFrame | None, values: Mapping[object, float | None],
    field: _Field, factors: tuple[float, float], corner: tuple[float, float], flagged: frozenset[object],
) -> None:  # fmt: skip
    def place(points):  # type: ignore[no-untyped-def]
        return points * [factors[0], -factors[1]] + list(corner)

    for code, shape in zip(shapes["code"], shapes.geometry, strict=True):
        value = values[code]
        fill = one._HIDDEN if value is None else field.colours[class_of(value, field.limits)]
        drawn = shapely.transform(shape, place)
        for polygon in one._polygons(drawn):
            canvas.outline(one._rings(polygon), fill=fill, edge=theme.PAPER, weight=0.5, hatched=value is None)
        if code in flagged:
            spot = drawn.representative_point()
            canvas.dot(spot.x, spot.y, "o", theme.readable_on(fill), size=1.6)
    for shape in [] if outlines is None else outlines.geometry:
        for polygon in one._polygons(shapely.transform(shape, place)):
            canvas.outline(one._rings(polygon), fill="none", edge=theme.INK, weight=0.8, layer=3)
