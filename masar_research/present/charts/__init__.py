"""Charts from plain rows, in Arabic and English."""

from masar_research.present.charts.area_fields import area_fields
from masar_research.present.charts.area_pairs import area_pairs
from masar_research.present.charts.areas import areas
from masar_research.present.charts.bars import Stack, bars
from masar_research.present.charts.change import change
from masar_research.present.charts.dots import dots
from masar_research.present.charts.effects import effects
from masar_research.present.charts.rows import (
    Change,
    Effect,
    EffectPanel,
    Mark,
    Panel,
    Part,
    Point,
    Reference,
    Row,
    Series,
)
from masar_research.present.charts.trend import trend

__all__ = [
    "Change", "Effect", "EffectPanel", "Mark", "Panel", "Part", "Point", "Reference", "Row",
    "Series", "Stack", "area_fields", "area_pairs", "areas", "bars", "change", "dots", "effects", "trend",
]  # fmt: skip
