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
    """Colour every governorate by its own cell, or by that of its region."""
    from masar_research.briefs.compose.figures import mark

    found: dict[int, Mark] = {}
    for place, row in zip(block.places, block.rows, strict=True):
        column, code = place.split(":")
        if row.cell is None:
            raise BriefError(f"A row of map {block.id!r} has no cell.", remedy="Pass a handle.")
        value = mark(voice, row.cell, "plain")
        for governorate in places.governorates():
            own = governorate.code if column == "governorate" else governorate.region.code
            if own == int(code):
                found[governorate.code] = value
    by_region = bool(block.places) and block.places[0].startswith("region")
    frame = places.boundaries("governorate")
    tiles = frame is None
    shapes = places.tile_grid() if frame is None else frame
    return charts.map(shapes, found, voice.lang, width=width, tiles=tiles, by_region=by_region)
