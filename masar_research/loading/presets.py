"""Designs of survey programmes: where DHS, MICS and others keep weight, strata and units.

The table is ``presets.yml``; a card that says ``design: {preset: dhs}`` has its variables found in
the file when it is loaded.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pandas as pd

from masar_research.codebook import Text

ROLES = ("weights", "strata", "psu")

Candidate = tuple[str, ...]
"""Columns that stand for a role together: multiplied (weights) or crossed (strata)."""


@dataclass(frozen=True, slots=True)
class Variant:
    """One kind of file of a programme.

    Attributes
    ----------
    weights, strata, psu : tuple of Candidate
        In order of preference.
    divide : float
        What the weight is divided by.
    within : Candidate
        Columns, such as the country, above strata and units; the first the file has is used.
    when : tuple of str
        Columns by which the variant is recognised.
    asked : bool
        Whether only the card's ``variant:`` chooses it.
    required : tuple of str
        Roles without which the file is not what the preset describes.
    shared_psus : bool
        Whether unit ids are common to the waves.
    """

    weights: tuple[Candidate, ...]
    strata: tuple[Candidate, ...]
    psu: tuple[Candidate, ...]
    divide: float
    within: Candidate
    when: tuple[str, ...]
    asked: bool
    required: tuple[str, ...]
    shared_psus: bool


@dataclass(frozen=True, slots=True)
class Preset:
    """A programme: its title, its rule for strata with one PSU, its variants, sources and note."""

    title: Text
    lonely_psu: str
    variants: Mapping[str, Variant]
    source: tuple[str, ...]
    note: Text


@lru_cache(maxsize=1)
def all_presets() -> Mapping[str, Preset]:
    """Every preset by name."""
    from ruamel.yaml import YAML

    tree = YAML(typ="safe").load(Path(__file__).with_name("presets.yml"))
    return MappingProxyType({name: _preset(facts) for name, facts in tree.items()})


def presets() -> pd.DataFrame:
    """The presets a survey card may name under ``design: {preset: …}``, one row per kind of file.

    Returns
    -------
    pandas.DataFrame
        Columns preset, variant, title, title_ar, weights, strata, psu, within (candidates in order
        of preference), chosen_by, lonely_psu, shared_psus, note, note_ar, source.

    Examples
    --------
    >>> table = presets().set_index(["preset", "variant"])
    >>> table.loc[("dhs", "men"), "weights"]
    'mv005 / 1,000,000'
    >>> table.loc[("dhs", "men"), "strata"]
    'mv022, mv023, mv024 × mv025'
    """
    rows = [
        {
            "preset": name, "variant": kind, "title": preset.title["en"], "title_ar": preset.title["ar"],
            "weights": told(variant.weights) + (f" / {variant.divide:,.0f}" if variant.divide != 1 else ""),
            "strata": told(variant.strata), "psu": told(variant.psu), "within": ", ".join(variant.within),
            "chosen_by": "variant:" if variant.asked else " and ".join(variant.when) or "nothing else fitting",
            "lonely_psu": preset.lonely_psu, "shared_psus": variant.shared_psus,
            "note": preset.note["en"], "note_ar": preset.note["ar"], "source": "; ".join(preset.source),
        }
        for name, preset in all_presets().items()
        for kind, variant in preset.variants.items()
    ]  # fmt: skip
    return pd.DataFrame(rows)


def told(candidates: tuple[Candidate, ...]) -> str:
    """Candidates in words: ``v022, v023, v024 × v025``."""
    return ", ".join(" × ".join(columns) for columns in candidates)


def _preset(facts: Mapping[str, Any]) -> Preset:
    variants = {name: _variant(given, facts) for name, given in facts["variants"].items()}
    return Preset(
        Text(**facts["title"]), facts["lonely_psu"], MappingProxyType(variants), tuple(facts["source"]),
        Text(**facts["note"]),
    )  # fmt: skip


def _variant(given: Mapping[str, Any], preset: Mapping[str, Any]) -> Variant:
    def candidates(role: str) -> tuple[Candidate, ...]:
        return tuple((each,) if isinstance(each, str) else tuple(each) for each in given[role])

    return Variant(
        weights=candidates("weights"), strata=candidates("strata"), psu=candidates("psu"),
        divide=float(given.get("divide", 1)), within=tuple(given.get("within", ())),
        when=tuple(given.get("when", ())), asked=bool(given.get("asked", False)),
        required=tuple(given.get("required", preset["required"])),
        shared_psus=bool(given.get("shared_psus", preset["shared_psus"])),
    )  # fmt: skip
