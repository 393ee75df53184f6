"""Places of Jordan: governorates, regions, what a text names, and the shapes to draw them."""

from masar_research.places.districts import districts
from masar_research.places.gazetteer import (
    Geography,
    Governorate,
    Region,
    geography,
    governorates,
    match,
    reference,
    regions,
)
from masar_research.places.geometry import boundaries, read_boundaries, regions_of, tile_grid
from masar_research.places.maps import map_estimates
from masar_research.places.small_areas_neighbours import contiguity

__all__ = [
    "Geography",
    "Governorate",
    "Region",
    "boundaries",
    "contiguity",
    "districts",
    "geography",
    "governorates",
    "map_estimates",
    "match",
    "read_boundaries",
    "reference",
    "regions",
    "regions_of",
    "tile_grid",
]
