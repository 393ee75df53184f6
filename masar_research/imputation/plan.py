"""What is to be imputed: which cells, for whom, from what, and what must stay as it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from masar_research import expressions
from masar_research.errors import ModelError
from masar_research.imputation import passive

if TYPE_CHECKING:
    from masar_research.survey import Survey

METHODS = ("norm", "pmm", "logit", "ordered", "multinomial")
PARTS = ("strata", "weight", "psu")
ITEM = ("refused", "dont_know", "missing", "blank")
#: Fewest answers from which a variable is imputed, and most strata that enter one by one.
FEWEST, MOST_STRATA = 10, 100


@dataclass(frozen=True, slots=True, eq=False)
class Target:
    """A variable to impute; arrays are of the rows taking part, in their canonical order.

    Attributes
    ----------
    name, method : str
    levels : (k,) float array or None
        Codes of a categorical variable, ascending.
    answered : (r,) bool array
    open : (r,) bool array
        Cells to impute wherever the universe holds: item-missing, or passed over because of an answer
        that is itself missing.
    universe : str or None
    outside : float
        What stands where the question does not apply.
    start : (r,) float array
        Codes as they stand in the data.
    counts : mapping
        Kind of missing value → rows, before.
    """

    name: str
    method: str
    levels: np.ndarray | None
    answered: np.ndarray
    open: np.ndarray
    universe: str | None
    outside: float
    start: np.ndarray
    counts: Mapping[str, int]


@dataclass(frozen=True, slots=True, eq=False)
class Fixed:
    """A complete predictor: ``values`` (r,) codes or numbers, ``outside`` (r,) bool, ``levels`` or None."""

    values: np.ndarray
    outside: np.ndarray
    levels: np.ndarray | None


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """Everything a chain needs but its seed.

    Attributes
    ----------
    survey : Survey
    rows : (r,) int array
        Rows of the survey that take part, in an order that depends on their content alone.
    targets : tuple of Target
        Each after those its universe names.
    fixed : mapping of str to Fixed
    recipes, stale
        As from :func:`masar_research.imputation.passive.followers`.
    formulas : mapping of str to str
    used : mapping of str to tuple of str
        Predictors of each target.
    strata : (r,) int array or None
    unit : (r,) int array or None
    log_weight : (r,) float array or None
    weight_by : tuple of str
    donors, iterations : int
    seeds : tuple of int
        One per imputation.
    facts : mapping
    """

    survey: Survey
    rows: np.ndarray
    targets: tuple[Target, ...]
    fixed: Mapping[str, Fixed]
    recipes: Mapping[str, passive.Recipe]
    stale: Mapping[str, str]
    formulas: Mapping[str, str]
    used: Mapping[str, tuple[str, ...]]
    strata: np.ndarray | None
    unit: np.ndarray | None
    log_weight: np.ndarray | None
    weight_by: tuple[str, ...]
    donors: int
    iterations: int
    seeds: tuple[int, ...]
    facts: Mapping[str, Any]


def kinds_of(survey: Survey, name: str) -> np.ndarray:
    """(n,) object: "" for an answer, the kind of missing value otherwise, "blank" for none given."""
    raw = survey.frame[name].to_numpy()
    out = np.full(len(raw), "", object)
    out[expressions.is_missing(raw)] = "blank"
    for code, kind in survey.codebook.missing_kinds(name).items():
        if isinstance(code, str) == (raw.dtype.kind == "O"):
            out[np.asarray(raw == code, bool)] = kind
    if raw.dtype.kind in "fiu" and name in survey.codebook:
        for span in survey.codebook[name].missing_ranges:
            out[(raw >= span.low) & (raw <= span.high) & (out == "")] = span.missing
    return out


def taking_part(survey: Survey, names: Sequence[str], among: str | None) -> tuple[np.ndarray, int]:
    """Rows that take part, and how many were passed over as no interviews.

    Those with a weight for which `among` holds; of several variables, rows in which none has as much as
    a code are no interviews.
    """
    mask = survey.design.weights > 0
    if among is not None:
        mask = mask & survey.truth(among)
    passed = 0
    if len(names) > 1:
        empty = np.logical_and.reduce([expressions.is_missing(survey.frame[n].to_numpy()) for n in names])
        passed = int((mask & empty).sum())
        mask = mask & ~empty
    if not mask.any():
        raise ModelError(
            "Nobody takes part in the imputation: no row has a weight, an answer and fulfils among.",
            remedy="Check among=, and that the survey has weights above nought.",
            ar="لا أحد يدخل في التعويض: لا صف له وزن وإجابة وينطبق عليه الشرط among.",
        )
    return mask, passed


def canonical(survey: Survey, mask: np.ndarray) -> np.ndarray:
    """Rows of `mask` ordered by what they hold, so that the order of the file changes no draw."""
    frame = survey.frame
    text = pd.util.hash_pandas_object(frame[mask], index=False).to_numpy()
    return np.flatnonzero(mask)[np.lexsort([survey.design.weights[mask], text])]


def target(
    survey: Survey, name: str, rows: np.ndarray, imputed: frozenset[str], method: str | None,
    recipes: Mapping[str, passive.Recipe],
) -> Target:  # fmt: skip
    """One variable to impute, checked."""
    raw = survey.frame[name].to_numpy()
    if raw.dtype.kind not in "fiub":
        raise ModelError(
            f"{name!r} holds text or dates, which cannot be imputed.",
            remedy="Give it codes in the survey card, or leave it out.",
            ar=f"«{name}» نصوص أو تواريخ ولا يمكن تعويضها؛ رمّزها في بطاقة المسح أو احذفها.",
        )
    kinds = kinds_of(survey, name)[rows]
    start = raw[rows].astype(float)
    answered = kinds == ""
    if answered.sum() < FEWEST:
        raise ModelError(
            f"{name!r} was answered by {int(answered.sum())} persons; {FEWEST} are the fewest to impute from.",
            remedy="Leave it out, or join its categories with another variable's.",
            ar=f"أجاب عن «{name}» أقل من {FEWEST} أشخاص، فلا يمكن تعويضه؛ استبعده.",
        )
    universe = survey.codebook[name].universe if name in survey.codebook else None
    item = np.isin(kinds, ITEM)
    parents = _parents(universe, imputed - {name}, recipes)
    unsure = np.zeros(len(rows), bool)
    for each in parents:
        unsure |= kinds_of(survey, each)[rows] != ""
    level = survey.codebook[name].level if name in survey.codebook else "numeric"
    levels = np.unique(start[answered])
    chosen = method or _default(level, levels)
    check_method(name, chosen, levels)
    outside = next((code for code, kind in survey.codebook.missing_kinds(name).items()
                    if kind == "not_applicable" and not isinstance(code, str)), float("nan"))
    counts = {str(k): int(c) for k, c in zip(*np.unique(kinds[~answered].astype(str), return_counts=True),
                                             strict=True)}
    return Target(
        name, chosen, levels if chosen in ("logit", "ordered", "multinomial") else None, answered,
        item | ((kinds == "not_applicable") & unsure), universe, float(outside), start, counts,
    )  # fmt: skip


def _default(level: str, levels: np.ndarray) -> str:
    if levels.size == 2 and level != "numeric":
        return "logit"
    if level == "nominal":
        return "multinomial"
    return "ordered" if level == "ordinal" and levels.size <= 7 else "pmm"


def check_method(name: str, method: str, levels: np.ndarray) -> None:
    """Raise unless `method` is known and fits the answers."""
    if method not in METHODS:
        raise ModelError(
            f"methods[{name!r}] = {method!r} is no method of imputation.", remedy=f"Use one of {', '.join(METHODS)}.",
            ar="طريقة التعويض غير معروفة؛ استعمل إحدى الطرق المذكورة أعلاه.",
        )
    if levels.size < 2:
        raise ModelError(
            f"Everybody who answered {name!r} gave the same answer.", remedy="Leave it out: it says nothing.",
            ar=f"كل من أجاب عن «{name}» أعطى الإجابة نفسها؛ استبعده.",
        )
    if method == "logit" and levels.size != 2:
        raise ModelError(
            f"{name!r} has {levels.size} answers; a logit has two.", remedy="Use 'ordered' or 'multinomial'.",
            ar=f"للمتغيّر «{name}» أكثر من إجابتين؛ استعمل ordered أو multinomial.",
        )
    if method in ("ordered", "multinomial") and levels.size > 30:
        raise ModelError(
            f"{name!r} has {levels.size} answers, too many for {method!r}.", remedy="Use 'pmm', or join categories.",
            ar=f"إجابات «{name}» كثيرة على هذه الطريقة؛ استعمل pmm أو ادمج الفئات.",
        )


def _parents(
    universe: str | None, imputed: frozenset[str], recipes: Mapping[str, passive.Recipe]
) -> frozenset[str]:
    """Imputed variables on which a universe depends, also by way of derived ones."""
    if universe is None:
        return frozenset()
    found: set[str] = set()
    left = list(expressions.parse(universe).names)
    seen: set[str] = set()
    while left:
        name = left.pop()
        if name in seen:
            continue
        seen.add(name)
        if name in imputed:
            found.add(name)
        if name in recipes:
            left += recipes[name].sources
    return frozenset(found)


def ordered_targets(
    names: Sequence[str], survey: Survey, recipes: Mapping[str, passive.Recipe]
) -> tuple[tuple[str, ...], dict[str, frozenset[str]]]:
    """The names, parents first, and the parents of each."""
    imputed = frozenset(names)
    parents = {}
    for name in names:
        universe = survey.codebook[name].universe if name in survey.codebook else None
        parents[name] = _parents(universe, imputed - {name}, recipes)
    done: list[str] = []
    left = list(names)
    while left:
        ready = [name for name in left if not (parents[name] & set(left))]
        if not ready:
            raise ModelError(
                f"The universes of {', '.join(left)} name each other.", remedy="Correct them in the codebook.",
                ar="المتغيرات المذكورة يشترط بعضها بعضاً في مجال السؤال؛ صحّح دليل الترميز.",
            )
        done.append(ready[0])
        left.remove(ready[0])
    above: dict[str, frozenset[str]] = {}
    for name in done:
        above[name] = parents[name].union(*(above[each] for each in parents[name]))
    return tuple(done), above


def fixed(survey: Survey, name: str, rows: np.ndarray) -> Fixed:
    """A predictor that is not imputed: complete among the rows, or outside its universe."""
    survey.coded(name)
    kinds = kinds_of(survey, name)[rows]
    gap = int(np.isin(kinds, ITEM).sum())
    if gap:
        raise ModelError(
            f"The predictor {name!r} is itself missing for {gap:,} of the rows to impute from.",
            remedy="Name it among the variables to impute, or restrict the rows by among=.",
            ar=f"المتغيّر المفسّر «{name}» مفقود لدى بعض الصفوف؛ أضِفه إلى المتغيرات المعوَّضة أو قيّد الصفوف بالشرط among.",
        )
    outside = kinds != ""
    level = survey.codebook[name].level if name in survey.codebook else "numeric"
    raw = survey.frame[name].to_numpy()[rows]
    if raw.dtype.kind == "O" or level in ("nominal", "text"):
        codes = survey.coded(name).codes[rows].astype(float)
        return Fixed(codes, outside, np.unique(codes[~outside]))
    numbers = np.where(outside, 0.0, survey.values(name)[rows])
    levels = np.unique(numbers[~outside])
    return Fixed(numbers, outside, levels if level == "ordinal" and levels.size <= 7 else None)
