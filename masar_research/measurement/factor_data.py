"""Items, groups and the design's covariance of their moments: what factor models are fitted to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from masar_research.engine.factor_model import Moments, moments, row_moments
from masar_research.engine.sandwich import fitted_degrees, influence_totals
from masar_research.engine.variance import covariance
from masar_research.errors import EstimationError
from masar_research.measurement.scales import oriented
from masar_research.measurement.wealth_showing import variable_label

if TYPE_CHECKING:
    from masar_research.survey import Survey

Factors = Mapping[str, Sequence[str]]
Labels = Mapping[str, Mapping[str, str]]
#: Complete rows a group needs.
LEAST = 30


@dataclass(frozen=True, slots=True, eq=False)
class Battery:
    """Complete answers to p items in G groups.

    ``factors`` are places of items, ``used`` (n,) the complete rows, ``groups`` (n,) codes (−1
    outside), ``levels`` (G,) what they stand for, ``rows`` the covariance of weighted sums of
    (y − m, vech(…), 1) of each group, ``spread`` that of the moments, ``df`` its degrees of freedom.
    """

    names: tuple[str, ...]
    factor_names: tuple[str, ...]
    factors: tuple[tuple[int, ...], ...]
    labels: dict[str, dict[str, str]]
    used: np.ndarray
    groups: np.ndarray
    levels: tuple[Any, ...]
    moments: Moments
    rows: np.ndarray
    spread: np.ndarray
    df: int
    n_missing: int


def battery(
    survey: Survey, factors: Factors, labels: Labels, reverse: Sequence[str], group: str | None = None,
    reference: Any = None,
) -> Battery:  # fmt: skip
    """Read and check; the first group is the reference.

    Raises
    ------
    EstimationError
        No factors, an item named twice in one, fewer than three items in all, one group, a group
        of fewer than thirty complete rows, a reference that is none.
    """
    names = _names(factors, labels)
    columns = np.column_stack(oriented(survey, names, reverse))
    inside = survey.design.weights > 0
    inside = inside if survey.mask is None else inside & survey.mask
    complete = inside & np.isfinite(columns).all(axis=1)
    groups, levels = np.zeros(len(survey), np.intp), (None,)
    if group is not None:
        groups, levels = _groups(survey, group, complete, reference)
    used = complete & (groups >= 0)
    groups = np.where(used, groups, -1)
    counts = np.bincount(groups[used], minlength=len(levels))
    if counts.min() < LEAST:
        small = "the survey" if group is None else f"{group} = {levels[int(counts.argmin())]}"
        raise EstimationError(
            f"{small}: {counts.min()} rows with every answer; {LEAST} are needed.",
            remedy="Merge groups, leave this one out with where(), or drop items many did not answer.",
            ar=f"عدد من أجابوا عن كل البنود في إحدى المجموعات {counts.min()}، والمطلوب \u2066{LEAST}\u2069 على الأقل؛ ادمج المجموعات "
            "أو استبعد الصغيرة منها أو البنود التي قلّت إجاباتها.",
        )
    of = moments(survey.design.weights, columns, groups, len(levels))
    totals, weights = [], survey.design.weights
    for g in range(len(levels)):
        here = groups == g
        influence = np.zeros((len(survey), len(names) * (len(names) + 3) // 2 + 1))
        influence[here] = row_moments(columns[here], of, g) * weights[here, None]
        totals.append(influence_totals(survey.design, influence))
    rows = covariance(survey.design, np.column_stack(totals))
    size = rows.shape[0] // len(levels)
    kept = np.flatnonzero(np.arange(len(rows)) % size != size - 1)
    scale = np.repeat(of.weight, size - 1)
    place = {name: at for at, name in enumerate(names)}
    words = {name: variable_label(survey, name) for name in names}
    words |= {name: {lang: labels.get(name, {}).get(lang) or name for lang in ("en", "ar")} for name in factors}
    return Battery(
        tuple(names), tuple(factors), tuple(tuple(place[i] for i in items) for items in factors.values()), words,
        used, groups, levels, of, rows, rows[np.ix_(kept, kept)] / np.outer(scale, scale),
        fitted_degrees(survey.design, used), int((inside & ~used).sum()),
    )  # fmt: skip


def pairs(battery: Battery, residuals: Sequence[tuple[str, str]]) -> list[tuple[int, int]]:
    """Places of the items whose residuals may go together."""
    place = {name: at for at, name in enumerate(battery.names)}
    found = []
    for pair in residuals:
        if isinstance(pair, str) or len(set(pair)) != 2 or set(pair) - set(place):
            raise EstimationError(
                f"residuals={pair!r} is no pair of two items.", remedy='Name pairs of items: [("i1", "i2")].',
                ar="التغاير المتبقي يُذكر بزوج من بندين من بنود النموذج.",
            )  # fmt: skip
        found.append((place[pair[0]], place[pair[1]]))
    return found


def _names(factors: Factors, labels: Labels) -> list[str]:
    if not isinstance(factors, Mapping) or not factors or any(isinstance(v, str) for v in factors.values()):
        raise EstimationError(
            "Factors are named with their items.", remedy='Give {"trust": ["t1", "t2", "t3"], ...}.',
            ar='تُذكر العوامل بأسمائها وبنودها: \u2066{"trust": ["t1", "t2", "t3"]}\u2069.',
        )  # fmt: skip
    if set(labels) - set(factors):
        raise EstimationError(f"labels= names no factor: {sorted(set(labels) - set(factors))}.",
                              remedy="Label the factors that are there.", ar="اسم في labels ليس من أسماء العوامل.")  # fmt: skip
    names = list(dict.fromkeys(item for items in factors.values() for item in items))
    if len(names) < 3 or any(len(set(items)) < max(len(items), 2) for items in factors.values()):
        raise EstimationError(
            "A factor needs two different items or more, and the model three.",
            remedy="Name each item once in a factor.",
            ar="يلزم لكل عامل بندان مختلفان على الأقل وللنموذج ثلاثة بنود، ويُذكر كل بند مرة واحدة في العامل.",
        )
    return names


def _groups(survey: Survey, group: str, complete: np.ndarray, reference: Any) -> tuple[np.ndarray, tuple[Any, ...]]:
    coded = survey.coded(group)
    present = [k for k in range(len(coded.levels)) if (complete & (coded.codes == k)).any()]
    levels = [coded.levels[k] for k in present]
    if len(levels) < 2:
        raise EstimationError(f"{group!r} has one group among the rows with every answer.",
                              remedy="Name a variable of two groups or more.",
                              ar=f"في «{group}» فئة واحدة فقط بين من أجابوا عن كل البنود؛ يلزم فئتان على الأقل.")  # fmt: skip
    first = levels[0] if reference is None else reference
    if first not in levels:
        raise EstimationError(f"reference={reference!r} is no group of {group!r}: {levels}.",
                              remedy="Use one of these codes.", ar=f"الفئة المرجعية ليست من فئات «{group}».")  # fmt: skip
    order = [first, *(one for one in levels if one != first)]
    number = {coded.levels[k]: k for k in present}
    groups = np.full(len(survey), -1)
    for at, one in enumerate(order):
        groups[coded.codes == number[one]] = at
    return groups, tuple(order)
