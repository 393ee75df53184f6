"""Colours of the pages, as names the three writers share."""

from __future__ import annotations

from types import MappingProxyType

PALETTE = MappingProxyType(
    {
        "ink": "#17262c",
        "muted": "#51606a",
        "deep": "#0f5257",
        "warm": "#97480f",
        "pale": "#e9f2f1",
        "amber": "#fcf3e4",
        "grey": "#f2f4f5",
        "rule": "#d3dbde",
    }
)
