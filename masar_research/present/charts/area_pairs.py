"""Two maps side by side on one scale of colours, every figure over its interval."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from masar_research.errors import ParameterError
from masar_research.present import theme
from masar_research.present.art import Art
from masar_research.present.canvas import Canvas, house_settings, line_height, wrap
from masar_research.present.charts import areas as one
from masar_research.present.charts.rows import Mark
from masar_research.present.charts.words import say
from masar_research.present.direction import Lang
from masar_research.present.scale import classes

if TYPE_CHECKING:
    import geopandas as gpd

_BETWEEN = 6.0
_HEAD = 6.0


def area_pairs(
    shapes: gpd.GeoDataFrame, panels: tuple[tuple[str, Mapping[int, Mark]], tuple[str, Mapping[int, Mark]]],
    lang: Lang, *, width: float = theme.FULL_WIDTH, height: float = 104.0, digits: int = 1,
    outlines: gpd.GeoDataFrame | None = None,
) -> Art:  # fmt: skip
    """Draw two maps of shares, such as direct and model-based estimates.

    Parameters
    ----------
    shapes : GeoDataFrame
        As for `areas`.
    panels : two of (heading, marks)
        In the order of reading: the first stands on the left in English, on the right in Arabic. The
        maps themselves are never mirrored.
    lang : {"ar", "en"}
    width, height : float
        Millimetres for both maps with their headings; the legend stands beneath.
    digits : int
    outlines : GeoDataFrame, optional

    Returns
    -------
    Art

    Raises
    ------
    ParameterError
        If a shape has no mark, or a mark no shape.

    Notes
    -----
    Classes of colour come from the shown figures of both maps. Beneath a figure stands its interval
    in whole percent. Below 120 mm of width the maps stand one beneath the other.
    """
    return draw(shapes, panels, lang, width=width, height=height, digits=digits, outlines=outlines).finish()


@house_settings()
def draw(
    shapes: gpd.GeoDataFrame, panels: tuple[tuple[str, Mapping[int, Mark]], tuple[str, Mapping[int, Mark]]],
    lang: Lang, *, width: float, height: float, digits: int, outlines: gpd.GeoDataFrame | None,
) -> Canvas:  # fmt: skip
    """The sheet of `area_pairs`."""
    if len(panels) != 2:
        raise ParameterError(f"Two maps stand side by side; found {len(panels)}.", remedy="Pass two panels.")
    for _, values in panels:
        one._check(shapes, values, lang, 4)
    shown = [mark.value for _, values in panels for mark in values.values() if mark.value is not None]
    limits = classes(shown, 4, 0.05) if shown else ()
    names = dict(zip(shapes["code"], shapes[lang], strict=True))
    both = {**panels[0][1], **{("second", code): mark for code, mark in panels[1][1].items()}}
    told = names | {("second", code): name for code, name in names.items()}
    legend = [item for item in one._legend(both, limits, lang, told) if not item.words.startswith(say("all_modelled", lang))]
    legend.append(one._Item(say("under_figure", lang), [say("under_figure", lang)]))
    rows = one._legend_rows(legend, width, lang)
    stacked = width < 120.0
    room = width if stacked else (width - _BETWEEN) / 2
    tall_one = height - _HEAD
    layouts = [one._layout(shapes, values, lang, digits, room, tall_one, None, True) for _, values in panels]
    heads = [wrap(heading, room, lang, theme.HEAD, theme.SEMIBOLD) for heading, _ in panels]
    head = max(len(lines) for lines in heads) * line_height(theme.HEAD) + 2.0
    tall = head + max(layout.height for layout in layouts)
    full = tall * 2 + 4.0 if stacked else tall
    canvas = Canvas(width, full + 3.0 + one._rows_height(rows), lang, mirror=False)
    for number, (layout, lines) in enumerate(zip(layouts, heads, strict=True)):
        column = 0 if stacked else (1 - number if lang == "ar" else number)
        left = column * (room + _BETWEEN)
        top = number * (tall + 4.0) if stacked else 0.0
        for at, words in enumerate(lines):
            canvas.text(
                left + room / 2, top + line_height(theme.HEAD) * (at + 0.5), words, size=theme.HEAD,
                weight=theme.SEMIBOLD, anchor="middle",
            )  # fmt: skip
        one.paint(canvas, layout, limits, (left + (room - layout.width) / 2, top + head), outlines, None)
    one._draw_legend(canvas, rows, (0.0, full + 3.0), width)
    return canvas
