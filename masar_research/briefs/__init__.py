"""Briefs: blocks written in a notebook, gated, put into words in both languages, traced.

The names a brief notebook needs are here; the runner, the ledger and the exporters are
modules of this room.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from masar_research.briefs.authoring import Brief, open_brief
    from masar_research.briefs.chartrows import change_row, row, show
    from masar_research.briefs.words import Change, Choice, Gap, Level, Phrase, Text

_HOMES = {
    **dict.fromkeys(("Brief", "open_brief"), "masar_research.briefs.authoring"),
    **dict.fromkeys(("change_row", "row", "show"), "masar_research.briefs.chartrows"),
    **dict.fromkeys(
        ("Change", "Choice", "Gap", "Level", "Phrase", "Text"), "masar_research.briefs.words"
    ),
}

__all__ = [
    "Brief", "Change", "Choice", "Gap", "Level", "Phrase", "Text", "change_row", "open_brief", "row",
    "show",
]  # fmt: skip


def __getattr__(name: str) -> object:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'masar_research.briefs' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
