"""Maps of governorates, from the user's boundaries or the tile grid."""

from __future__ import annotations

from masar_research import places
from masar_research.briefs.blocks import FigureBlock
from masar_research.briefs.compose.voice import Voice
from masar_research.errors import BriefError
from masar_research.present import art as drawn
from masar_research.present import charts
from masar_research.present.charts import Mark


def draw(voice: Voice, block: FigureBlock, width: float) -> drawn.Art:
    """Colour each governorate, or each region, by its own cell."""
    from masar_research.briefs.compose.figures import mark

    found: dict[int, Mark] = {}
    column = "governorate"
    for place, row in zip(block.places, block.rows, strict=True):
        column, code = place.split(":")
        if row.cell is None:
            raise BriefError(f"A row of map {block.id!r} has no cell.", remedy="Pass a handle.")
        found[int(code)] = mark(voice, row.cell, "plain")
    shapes = places.boundaries("governorate")
    shapes = places.tile_grid() if shapes is None else shapes
    outlines, inner = places.regions_of(shapes), None
    if column == "region":
        shapes, outlines, inner = outlines, None, shapes
    for code in shapes["code"]:
        found.setdefault(int(code), Mark(None, status="suppress"))
    return charts.areas(shapes, found, voice.lang, width=width, outlines=outlines, inner=inner)
