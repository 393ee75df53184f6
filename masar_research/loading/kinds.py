"""Kinds of missing values, the codes loading gives them, and a harmonised column."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from masar_research.codebook import Text
from masar_research.loading.raw import NOT_APPLICABLE, NOT_ASKED

RESERVED = {
    "not_applicable": NOT_APPLICABLE,
    "not_asked": NOT_ASKED,
    "refused": -9993.0,
    "dont_know": -9994.0,
    "missing": -9995.0,
}
WORDS = {
    "refused": Text("Refused", "رفض الإجابة"),
    "dont_know": Text("Don't know", "لا أعرف"),
    "not_applicable": Text("Not applicable", "لا ينطبق"),
    "not_asked": Text("Not asked in this wave", "لم يُسأل في هذه الجولة"),
    "missing": Text("No answer", "لا إجابة"),
}
SKIPPED = ("not_asked", "not_applicable")


@dataclass(frozen=True, slots=True)
class Column:
    """A harmonised column: ``values`` (n,), the kinds of its missing codes, where it came from."""

    values: np.ndarray
    kinds: Mapping[float | str, str]
    source: tuple[str, ...]
