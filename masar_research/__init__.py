"""masar_research: from a survey file to a bilingual evidence brief.

Importing the package is light: names are resolved when first used, so that
``python -m masar_research setup`` runs on a bare Python before anything is installed.
"""

from importlib import import_module
from typing import TYPE_CHECKING

__version__ = "0.1.0"

if TYPE_CHECKING:
    from masar_research.codebook import Codebook, Variable
    from masar_research.errors import MasarError
    from masar_research.estimates import Estimates
    from masar_research import phases, replicates
    from masar_research.loading import load, presets, read
    from masar_research.models.comparison import compare_models
    from masar_research.statistics import sample_size
    from masar_research.streaming.survey import scan
    from masar_research.survey import Survey
    from masar_research.weighting.reference import margins

_HOMES = {
    "check": "masar_research.quality",
    "Codebook": "masar_research.codebook",
    "Estimates": "masar_research.estimates",
    "MasarError": "masar_research.errors",
    "Survey": "masar_research.survey",
    "Variable": "masar_research.codebook",
    "compare_models": "masar_research.models.comparison",
    "load": "masar_research.loading",
    "margins": "masar_research.weighting.reference",
    "presets": "masar_research.loading",
    "read": "masar_research.loading",
    "scan": "masar_research.streaming.survey",
}

_MODULES = {
    "phases": "masar_research.phases", "replicates": "masar_research.replicates",
    "sample_size": "masar_research.statistics.sample_size",
}  # fmt: skip

__all__ = [
    "Codebook", "Estimates", "MasarError", "Survey", "Variable", "check", "compare_models", "load", "margins", "phases", "presets", "read",
    "replicates", "sample_size", "scan",
]  # fmt: skip


def __getattr__(name: str) -> object:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    if name in _MODULES:
        return import_module(_MODULES[name])
    raise AttributeError(f"module 'masar_research' has no attribute {name!r}")


def __dir__() -> list:
    return sorted([*globals(), *_HOMES, *_MODULES])
