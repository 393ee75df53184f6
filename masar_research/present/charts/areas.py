"""Maps: boundaries or tiles, coloured by class, with names and figures written on them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from math import cos, radians
from typing import TYPE_CHECKING

import numpy as np
import shapely
from shapely.geometry import MultiPolygon, Point, Polygon
from shapely.geometry import box as rectangle
from shapely.geometry.base import BaseGeometry

from masar_research.errors import ParameterError
from masar_research.present import numbers, theme
from masar_research.present.art import Art
from masar_research.present.canvas import Canvas, house_settings, line_height, measure, wrap
from masar_research.present.charts.placing import apart
from masar_research.present.charts.rows import Mark
from masar_research.present.charts.words import say
from masar_research.present.direction import Lang
from masar_research.present.scale import class_of, classes

if TYPE_CHECKING:
    import geopandas as gpd

_COLOURS = {
    1: ("#62a8a2",), 2: ("#a3cbc5", "#1f6f6d"), 3: ("#c4ded9", "#62a8a2", "#0e5a5a"),
    4: theme.SEQUENTIAL[:4], 5: theme.SEQUENTIAL,
}  # fmt: skip
_HIDDEN = "#f3f5f5"
_LEGEND_ROW = 5.0
_ROOMY = 120.0
_COLUMN = 24.0
_CLEAR = 12.0


@dataclass(frozen=True, slots=True)
class _Label:
    name: list[str]
    figure: str
    interval: str
    wide: float
    tall: float
    size: float


@dataclass(frozen=True, slots=True)
class _Area:
    code: object
    shape: BaseGeometry
    mark: Mark
    label: _Label
    spot: Point | None

    def moved(self, shift: float, down: float = 0.0) -> _Area:
        spot = None if self.spot is None else Point(self.spot.x + shift, self.spot.y + down)
        return replace(self, shape=shapely.transform(self.shape, lambda xy: xy + [shift, down]), spot=spot)


def areas(
    shapes: gpd.GeoDataFrame, values: Mapping[int, Mark], lang: Lang, *,
    width: float = theme.HALF_WIDTH, height: float = 92.0, digits: int = 1, most_classes: int = 4,
    least_class: float = 0.05, outlines: gpd.GeoDataFrame | None = None,
    inner: gpd.GeoDataFrame | None = None,
) -> Art:  # fmt: skip
    """Draw a map of shares: boundaries, or the tiles that stand for them.

    Parameters
    ----------
    shapes : GeoDataFrame
        Columns ``code``, ``en``, ``ar``, ``geometry`` (polygons), y upwards.
    values : mapping of code to Mark
        One for every shape, fractions; a suppressed mark has no value.
    lang : {"ar", "en"}
        Chooses the names; a map is never mirrored.
    width, height : float
        Millimetres for map and legend; the legend stands beside the map where there is room,
        else beneath.
    digits : int
    most_classes : int
        Equal classes with round limits, at most so many (1–5), from the shown values alone.
    least_class : float
        Narrowest class, so that small differences do not get a colour each.
    outlines : GeoDataFrame, optional
        Heavier borders over the map (regions); same coordinates.
    inner : GeoDataFrame, optional
        Fine borders inside the shapes (the governorates of a map of regions).

    Returns
    -------
    Art

    Raises
    ------
    ParameterError
        If a shape has no value, a value no shape, or a name is missing.

    Notes
    -----
    A shape that may not be shown is hatched grey; a flagged figure stands in brackets. A label that
    does not fit in its shape stands beside the map with a line to it. The legend says which figures a
    model made.
    """
    return draw(
        shapes, values, lang, width=width, height=height, digits=digits, most_classes=most_classes,
        least_class=least_class, outlines=outlines, inner=inner,
    ).finish()  # fmt: skip


@house_settings()
def draw(
    shapes: gpd.GeoDataFrame, values: Mapping[int, Mark], lang: Lang, *, width: float, height: float,
    digits: int, most_classes: int, least_class: float, outlines: gpd.GeoDataFrame | None,
    inner: gpd.GeoDataFrame | None,
) -> Canvas:  # fmt: skip
    """The sheet of `areas`."""
    _check(shapes, values, lang, most_classes)
    shown = [mark.value for mark in values.values() if mark.value is not None]
    limits = classes(shown, most_classes, least_class) if shown else ()
    legend = _legend(values, limits, lang, dict(zip(shapes["code"], shapes[lang], strict=True)))
    narrow = [replace(item, lines=wrap(item.words, _COLUMN, lang, theme.SMALL)) for item in legend]
    column = max((_item_width(item, lang) for item in narrow), default=0.0)
    beside = _layout(shapes, values, lang, digits, width - column - 8.0, height, inner)
    if beside.width + 8.0 + column <= width and not beside.dropped:
        layout, rows = beside, [[item] for item in narrow]
        side = beside.width + 8.0 + column
        shift = (width - side) / 2
        legend_at = (shift + beside.width + 8.0, max(2.0, beside.height - _rows_height(rows)))
        tall = max(layout.height, _rows_height(rows) + 2.0)
        legend_end = legend_at[0] + column
    else:
        rows = _legend_rows(legend, width, lang)
        layout = _layout(shapes, values, lang, digits, width, height - _rows_height(rows) - 3.0, inner)
        shift = (width - layout.width) / 2
        legend_at = (0.0, layout.height + 3.0)
        tall = layout.height + 3.0 + _rows_height(rows)
        legend_end = width
    canvas = Canvas(width, tall, lang, mirror=False)
    paint(canvas, layout, limits, (shift, 0.0), outlines, inner)
    _draw_legend(canvas, rows, legend_at, legend_end)
    return canvas


def paint(
    canvas: Canvas, layout: _Layout, limits: Sequence[float], at: tuple[float, float],
    outlines: gpd.GeoDataFrame | None, inner: gpd.GeoDataFrame | None,
) -> None:  # fmt: skip
    """A laid-out map on the sheet, its upper left corner `at`."""
    found = [area.moved(*at) for area in layout.areas]
    for area in found:
        _fill(canvas, area, limits)
    for borders, colour, weight in ((inner, theme.PAPER, 0.5), (outlines, theme.INK, 1.3)):
        for shape in [] if borders is None else borders.geometry:
            placed = shapely.transform(shapely.transform(shape, layout.place), lambda xy: xy + list(at))
            for polygon in _polygons(placed):
                canvas.outline(_rings(polygon), fill="none", edge=colour, weight=weight, layer=3)
    for area in found:
        if area.spot is not None:
            _write(canvas, area, limits)
    _beside(canvas, [area for area in found if area.spot is None and area.code not in layout.dropped], found)


@dataclass(frozen=True, slots=True)
class _Layout:
    areas: tuple[_Area, ...]
    place: Callable[[np.ndarray], np.ndarray]
    width: float
    height: float
    dropped: frozenset[object]


def _layout(
    shapes: gpd.GeoDataFrame, values: Mapping[int, Mark], lang: Lang, digits: int, width: float,
    height: float, inner: gpd.GeoDataFrame | None, intervals: bool = False,
) -> _Layout:  # fmt: skip
    """The map in the upper left corner, with room at its sides for labels that do not fit."""
    names = dict(zip(shapes["code"], shapes[lang], strict=True))
    west, south, east, north = shapes.total_bounds
    squeeze = _squeeze(shapes)
    margins = (0.0, 0.0)
    for _ in range(3):
        factor = min(
            (width - sum(margins) - 1.0) / ((east - west) * squeeze), (height - 1.0) / (north - south)
        )
        left = 0.5 + margins[0]

        def place(points: np.ndarray, factor: float = factor, left: float = left) -> np.ndarray:
            x = left + (points[:, 0] - west) * squeeze * factor
            return np.column_stack([x, 0.5 + (north - points[:, 1]) * factor])

        lines = None if inner is None else shapely.transform(shapely.union_all(inner.boundary), place)
        seats = () if inner is None else tuple(shapely.transform(g.centroid, place) for g in inner.geometry)
        found = []
        for code, shape in zip(shapes["code"], shapes.geometry, strict=True):
            drawn = shapely.transform(shape, place)
            label = (str(names[code]), lang, digits, intervals)
            found.append(_labelled(code, drawn, values[code], label, lines, seats))
        wide = (east - west) * squeeze * factor + 1.0 + sum(margins)
        outside = [area for area in found if area.spot is None]
        dropped = frozenset(area.code for area in outside if area.mark.value is None and width < _ROOMY)
        kept = [area for area in outside if area.code not in dropped]
        middle = left + (east - west) * squeeze * factor / 2
        needed = tuple(
            max((_beside_width(area, lang) + 4.0 for area in kept if _on_left(area, middle) == side), default=0.0)
            for side in (True, False)
        )
        if needed[0] <= margins[0] and needed[1] <= margins[1]:
            break
        margins = (max(margins[0], needed[0]), max(margins[1], needed[1]))
    tall = max((north - south) * factor + 1.0, len(kept) * 4.4)
    return _Layout(tuple(found), place, wide, tall, dropped)


def _on_left(area: _Area, middle: float) -> bool:
    return area.shape.representative_point().x < middle


def _check(shapes: gpd.GeoDataFrame, values: Mapping[int, Mark], lang: Lang, most: int) -> None:
    absent = {"code", "en", "ar", "geometry"} - set(shapes.columns)
    if absent:
        raise ParameterError(
            f"A map needs the columns code, en, ar, geometry; {sorted(absent)} are missing.",
            remedy="Take the shapes from masar_research.places.",
        )
    codes = list(shapes["code"])
    if set(codes) != set(values) or len(codes) != len(set(codes)):
        raise ParameterError(
            f"Each shape needs one value: shapes {sorted(map(str, codes))}, values {sorted(map(str, values))}.",
            remedy="Pass a suppressed Mark for a place without a figure.",
        )
    if not all(isinstance(name, str) and name.strip() for name in shapes[lang]):
        raise ParameterError(f"A place has no name in {lang!r}.", remedy="Fill the name column.")
    if most not in _COLOURS:
        raise ParameterError(f"most_classes is {most}.", remedy="Use 1 to 5 classes.")


def _squeeze(shapes: gpd.GeoDataFrame) -> float:
    if shapes.crs is None or not shapes.crs.is_geographic:
        return 1.0
    _, south, _, north = shapes.total_bounds
    return cos(radians((south + north) / 2))


def _labelled(
    code: object, shape: BaseGeometry, mark: Mark, label: tuple[str, Lang, int, bool],
    lines: BaseGeometry | None, seats: tuple[Point, ...],
) -> _Area:  # fmt: skip
    area = _Area(code, shape, mark, _label(mark, theme.TEXT, *label), None)
    spot = _spot(area, lines, seats)
    if spot is None:
        area = replace(area, label=_label(mark, theme.SMALL, *label))
        spot = _spot(area, lines, seats)
    return replace(area, spot=spot)


def _label(mark: Mark, size: float, name: str, lang: Lang, digits: int, intervals: bool) -> _Label:
    figure = interval = ""
    if intervals and mark.value is not None and mark.low is not None and mark.high is not None:
        low, high = (numbers.number(100 * end, lang, 0) for end in (mark.low, mark.high))
        interval = f"{low}–{high}"
    if mark.value is not None:
        figure = numbers.percent(mark.value, lang, digits)
        figure = f"({figure})" if mark.status == "flag" else figure
    lines = wrap(name, 26.0, lang, theme.SMALL)
    wide = max(
        [measure(line, lang, theme.SMALL) for line in lines]
        + [measure(figure, lang, size, theme.SEMIBOLD) if figure else 0.0]
        + [measure(interval, lang, theme.SMALL) if interval else 0.0]
    )
    tall = len(lines) * line_height(theme.SMALL) * 0.9 + (line_height(size) if figure else 0.0)
    tall += line_height(theme.SMALL) * 0.9 if interval else 0.0
    return _Label(lines, figure, interval, wide, tall, size)


def _spot(area: _Area, lines: BaseGeometry | None, seats: tuple[Point, ...]) -> Point | None:
    """Where the label's box lies wholly inside, clear of borders and near the middle."""
    pad = 0.5
    wide, tall = area.label.wide / 2 + pad, area.label.tall / 2 + pad
    west, north, east, south = area.shape.bounds
    centre = area.shape.centroid
    columns = [centre.x, *np.linspace(west + wide, east - wide, 15)]
    rows = [centre.y, *np.linspace(north + tall, south - tall, 15)]
    best, score = None, -np.inf
    for x, y in [*((seat.x, seat.y) for seat in seats), *product(columns, rows)]:
        frame = rectangle(x - wide, y - tall, x + wide, y + tall)
        if not area.shape.contains(frame):
            continue
        value = -0.15 * np.hypot(x - centre.x, y - centre.y)
        value += min(area.shape.boundary.distance(Point(x, y)), _CLEAR)
        if lines is not None:
            value -= 2 * _CLEAR if frame.intersects(lines) else 0.0
            value += min(lines.distance(Point(x, y)), _CLEAR)
        if value > score + 1e-9:
            best, score = Point(x, y), value
    return best


def _fill(canvas: Canvas, area: _Area, limits: Sequence[float]) -> None:
    hidden = area.mark.value is None
    fill = _HIDDEN if hidden else _colour(area.mark, limits)
    for polygon in _polygons(area.shape):
        canvas.outline(_rings(polygon), fill=fill, edge=theme.PAPER, weight=1.2, hatched=hidden)


def _colour(mark: Mark, limits: Sequence[float]) -> str:
    assert mark.value is not None
    return _COLOURS[len(limits) - 1][class_of(mark.value, limits)]


def _write(canvas: Canvas, area: _Area, limits: Sequence[float]) -> None:
    label, spot = area.label, area.spot
    assert spot is not None
    colour = theme.MUTED
    if area.mark.value is not None:
        colour = theme.readable_on(_colour(area.mark, limits))
    step = line_height(theme.SMALL) * 0.9
    y = spot.y - label.tall / 2 + step / 2
    for words in label.name:
        canvas.text(spot.x, y, words, size=theme.SMALL, colour=colour, anchor="middle", backed=not label.figure)
        y += step
    if label.figure:
        canvas.text(
            spot.x, y - step / 2 + line_height(label.size) / 2, label.figure, size=label.size,
            weight=theme.SEMIBOLD, colour=colour, anchor="middle",
        )  # fmt: skip
    if label.interval:
        canvas.text(
            spot.x, spot.y + label.tall / 2 - step / 2, label.interval, size=theme.SMALL, colour=colour,
            anchor="middle",
        )  # fmt: skip


def _beside_width(area: _Area, lang: Lang) -> float:
    wide = measure(_name(area), lang, theme.SMALL)
    return wide + (measure(area.label.figure, lang, theme.SMALL, theme.SEMIBOLD) + 1.5 if area.label.figure else 0)


def _name(area: _Area) -> str:
    """What stands before the figure of a label beside the map."""
    name = " ".join(area.label.name)
    return f"{name} ({area.label.interval})" if area.label.interval else name


def _beside(canvas: Canvas, outside: Sequence[_Area], found: Sequence[_Area]) -> None:
    lang = canvas.lang
    west = min(area.shape.bounds[0] for area in found)
    east = max(area.shape.bounds[2] for area in found)
    for left in (True, False):
        side = [area for area in outside if _on_left(area, (west + east) / 2) == left]
        side.sort(key=lambda area: area.shape.representative_point().y)
        places = apart([area.shape.representative_point().y for area in side], 4.4, low=2.2)
        for area, y in zip(side, places, strict=True):
            target = area.shape.representative_point()
            name = _name(area)
            full = _beside_width(area, lang)
            begin = west - 3.0 - full if left else east + 3.0
            hidden = area.mark.value is None
            name_x, figure_x, anchors = begin, begin + full, ("start", "end")
            if lang == "ar":
                name_x, figure_x, anchors = begin + full, begin, ("end", "start")
            canvas.text(name_x, y, name, size=theme.SMALL, colour=theme.MUTED if hidden else theme.INK, anchor=anchors[0])
            if area.label.figure:
                canvas.text(
                    figure_x, y, area.label.figure, size=theme.SMALL, weight=theme.SEMIBOLD, anchor=anchors[1]
                )
            edge = begin + full + 0.8 if left else begin - 0.8
            canvas.line((edge, y), (target.x, target.y), colour=theme.MUTED, weight=0.5, layer=4)
            canvas.dot(target.x, target.y, "o", theme.INK, size=2.0)


@dataclass(frozen=True, slots=True)
class _Item:
    words: str
    lines: list[str]
    colour: str = ""
    hatched: bool = False


def _legend(
    values: Mapping[int, Mark], limits: Sequence[float], lang: Lang, names: Mapping[int, str]
) -> list[_Item]:
    items = []
    step = limits[1] - limits[0] if len(limits) > 1 else 0.0
    digits = next((d for d in range(4) if abs(round(step * 100, d) - step * 100) < 1e-9), 4)
    for index, colour in enumerate(_COLOURS.get(len(limits) - 1, ())):
        low, high = (numbers.percent(limits[index + i], lang, digits) for i in (0, 1))
        words = f"{low} {say('to' if index == len(limits) - 2 else 'under', lang)} {high}"
        items.append(_Item(words, [words], colour))
    if any(mark.value is None for mark in values.values()):
        items.append(_Item(say("hatched", lang), [say("hatched", lang)], _HIDDEN, hatched=True))
    if any(mark.status == "flag" for mark in values.values()):
        words = f"( ) {say('caution_words', lang)}"
        items.append(_Item(words, [words]))
    modelled = [str(names[code]) for code, mark in values.items() if mark.shown and mark.modelled]
    if modelled:
        words = say("all_modelled", lang)
        if len(modelled) < sum(mark.shown for mark in values.values()):
            words += ": " + ("، " if lang == "ar" else ", ").join(modelled)
        items.append(_Item(words, [words]))
    return items


def _item_width(item: _Item, lang: Lang) -> float:
    words = max(measure(line, lang, theme.SMALL) for line in item.lines)
    return (6.4 if item.colour else 0.0) + words


def _legend_rows(items: Sequence[_Item], width: float, lang: Lang) -> list[list[_Item]]:
    rows: list[list[_Item]] = []
    used = 0.0
    for item in items:
        wide = _item_width(item, lang)
        if rows and used + 4.0 + wide <= width:
            rows[-1].append(item)
            used += 4.0 + wide
        else:
            rows.append([item])
            used = wide
    return rows


def _row_height(row: Sequence[_Item]) -> float:
    return _LEGEND_ROW + (max(len(item.lines) for item in row) - 1) * line_height(theme.SMALL)


def _rows_height(rows: Sequence[Sequence[_Item]]) -> float:
    return sum(_row_height(row) for row in rows)


def _draw_legend(
    canvas: Canvas, rows: Sequence[Sequence[_Item]], at: tuple[float, float], end: float
) -> None:
    rtl = canvas.lang == "ar"
    y = at[1] + 2.2
    for row in rows:
        x = 0.0
        for item in row:
            if item.colour:
                canvas.box(
                    end - x - 5.2 if rtl else at[0] + x + 0.2, y - 1.7, 5.0, 3.4, fill=item.colour,
                    edge=theme.LINE, hatched=item.hatched,
                )  # fmt: skip
            start = x + (6.6 if item.colour else 0.0)
            for i, words in enumerate(item.lines):
                canvas.text(
                    end - start if rtl else at[0] + start, y + i * line_height(theme.SMALL), words,
                    size=theme.SMALL, colour=theme.MUTED, anchor="end" if rtl else "start",
                    is_scale=bool(item.colour) and not item.hatched,
                )  # fmt: skip
            x += _item_width(item, canvas.lang) + 4.0
        y += _row_height(row)


def _polygons(shape: BaseGeometry) -> list[Polygon]:
    if isinstance(shape, Polygon):
        return [shape]
    if isinstance(shape, MultiPolygon):
        return list(shape.geoms)
    return [part for part in getattr(shape, "geoms", []) if isinstance(part, Polygon)]


def _rings(polygon: Polygon) -> list[np.ndarray]:
    oriented = shapely.geometry.polygon.orient(polygon)
    return [np.asarray(ring.coords)[:, :2] for ring in (oriented.exterior, *oriented.interiors)]
