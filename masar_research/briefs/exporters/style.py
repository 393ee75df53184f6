"""Colours of the pages, as names the three writers share; the hues are the house theme's."""

from __future__ import annotations

from types import MappingProxyType

from masar_research.present import theme

PALETTE = MappingProxyType(
    {
        "ink": theme.INK,
        "muted": "#4f5e5d",  # theme.MUTED, darkened to 4.5:1 on every ground below
        "deep": theme.TEAL,
        "warm": "#8f3a1b",  # theme.ACCENT, darkened likewise
        "pale": theme.tint(theme.TEAL, 0.09),
        "amber": theme.tint(theme.OCHRE, 0.13),
        "grey": theme.WASH,
        "rule": theme.LINE,
        "paper": theme.PAPER,
    }
)
