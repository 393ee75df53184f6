"""Scales, indices and agreement: what is measured by several items, and how well."""

from __future__ import annotations

from importlib import import_module
from typing import Any

#: Public name → the module of this room that holds it.
_HOMES = {
    "Agreement": "agreement", "coder_agreement": "agreement", "coding_sheet": "agreement",
    "Discernment": "discernment", "WealthIndex": "wealth", "DIF": "dif",
    "Reliability": "reliability", "Confirmatory": "confirmatory", "Invariance": "invariance",
    "ExploratoryFactors": "factors",
}  # fmt: skip


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"masar_research.measurement.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
