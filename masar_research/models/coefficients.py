"""The table of a model's coefficients, with terms in words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import pandas as pd
from scipy import stats

from masar_research.engine import intervals
from masar_research.models.matrix import names_in

if TYPE_CHECKING:
    from masar_research.codebook import Codebook


class Encoding(Protocol):
    """What a table of coefficients must know of how the predictors became columns."""

    @property
    def names(self) -> tuple[str, ...]: ...
    @property
    def references(self) -> Mapping[str, Any]: ...
    @property
    def absent(self) -> Mapping[str, tuple[Any, ...]]: ...
    @property
    def missing(self) -> Mapping[str, int]: ...
    @property
    def lost(self) -> int: ...
    @property
    def data(self) -> pd.DataFrame: ...


DUMMY = re.compile(r"^(?:C\()?(\w+)\)?\[(?:T\.)?(.+)\]$")
_CONSTANT = {"en": "Constant", "ar": "الثابت"}
#: Family → columns of exp(coefficient), its interval after it.
_RATIOS = {
    "binomial": ("odds_ratio", "odds_low", "odds_high"),
    "binomial (log link)": ("risk_ratio", "ratio_low", "ratio_high"),
    "poisson": ("rate_ratio", "ratio_low", "ratio_high"),
    "negative_binomial": ("rate_ratio", "ratio_low", "ratio_high"),
    "gamma": ("mean_ratio", "ratio_low", "ratio_high"),
    "gaussian (log link)": ("mean_ratio", "ratio_low", "ratio_high"),
}


def coefficient_frame(
    codebook: Codebook, matrix: Encoding, coef: np.ndarray, vcov: np.ndarray, df: int,
    level: float, family: str,
) -> pd.DataFrame:  # fmt: skip
    """The table of a model's coefficients, `df` those of their t statistics."""
    known = np.full(coef.size, float(df) if df > 0 else np.nan)
    std_error = np.sqrt(np.maximum(np.diag(vcov), 0.0))
    low, high = intervals.wald(coef, std_error, known, level)
    with np.errstate(divide="ignore", invalid="ignore"):
        statistic = coef / std_error
    frame = pd.DataFrame({
        "term": matrix.names,
        "label_en": [_words(codebook, matrix, name, "en") for name in matrix.names],
        "label_ar": [_words(codebook, matrix, name, "ar") for name in matrix.names],
        "estimate": coef, "std_error": std_error, "conf_low": low, "conf_high": high,
        "statistic": statistic, "df": df,
        "p_value": 2 * stats.t.sf(np.abs(statistic), known),
    })  # fmt: skip
    if family in _RATIOS:
        values = (np.exp(coef), np.exp(low), np.exp(high))
        frame = frame.assign(**dict(zip(_RATIOS[family], values, strict=True)))
    return frame


def _words(codebook: Codebook, matrix: Encoding, term: str, lang: str) -> str:
    """A term through the codebook: 'Sex: Female × Age'; '' where a wording is absent."""
    if term == "Intercept":
        return _CONSTANT[lang]
    parts = []
    for piece in term.split(":"):
        match = DUMMY.match(piece)
        name = match.group(1) if match else piece
        if name not in codebook:
            parts.append(_transformed(codebook, piece, lang))
            continue
        variable = codebook[name]
        words = variable.label.get(lang)
        if match and words is not None and name in matrix.references:
            words = _category(matrix, variable, match.group(2), words, lang)
        parts.append(words)
    return "" if any(part is None for part in parts) else " × ".join(parts)


def _category(matrix, variable, level: str, words: str, lang: str) -> str | None:
    code = next((c for c in matrix.data[variable.name].cat.categories if str(c) == level), None)
    label = next((c.label for c in variable.categories if c.code == code), None)
    if label is None:
        return f"{words}: {level}"
    return None if label.get(lang) is None else f"{words}: {label[lang]}"


def _transformed(codebook: Codebook, piece: str, lang: str) -> str | None:
    """'Age: bs(age, df=4)[1]' for a function of one variable of the codebook."""
    try:
        names = names_in(re.sub(r"\[[^\]]*\]$", "", piece))
    except SyntaxError:
        names = set()
    known = [name for name in names if name in codebook]
    words = codebook[known[0]].label.get(lang) if len(names) == len(known) == 1 else None
    if words is None:
        return piece if lang == "en" else None
    return f"{words}: \u2066{piece}\u2069" if lang == "ar" else f"{words}: {piece}"
