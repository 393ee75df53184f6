"""Indicators: the registry, its one engine, and the published facts they are set beside."""

from masar_research.indicators import facts
from masar_research.indicators.compute import Lacking, available, compute
from masar_research.indicators.registry import Defined, Indicator, Registry, read, registry

__all__ = [
    "Defined",
    "Indicator",
    "Lacking",
    "Registry",
    "available",
    "compute",
    "facts",
    "read",
    "registry",
]
