"""Calibration and balancing as a user writes them, made into steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.linalg import block_diag

from masar_research.engine.distances import METHODS
from masar_research.engine.variance import covariance
from masar_research.errors import WeightingError
from masar_research.estimates import Estimates
from masar_research.weighting.calibrating import POPULATION, Balance, Calibrate, Entropy
from masar_research.weighting.targets import MarginSpec, margin

if TYPE_CHECKING:
    from masar_research.survey import Survey


def calibration_step(
    targets: Any,
    method: str,
    bounds: Sequence[float] | None,
    limits: Sequence[float] | None,
    population: float | None,
    household: str | None,
    household_targets: Mapping[Any, Any] | None,
    tolerance: float | Mapping[Any, float] | None,
    cost: float | Mapping[Any, float] | None,
    vcov: Any,
    source: Survey | str | None,
    total: float | str | None,
    max_iter: int,
    tol: float,
) -> Calibrate:
    """The step from what a user writes; see :meth:`Weighting.calibrate`."""
    if method not in METHODS:
        raise WeightingError(f"method={method!r} is not a distance of calibration.",
                             remedy=f"Choose one of {', '.join(METHODS)}.",
                             ar="طريقة المعايرة غير معروفة؛ اختر إحدى الطرق المذكورة أعلاه.")
    if not isinstance(targets, Mapping):
        if vcov is not None:
            raise WeightingError("Estimates bring their covariance with them.",
                                 remedy="Leave covariance= out, or give the targets as a mapping.")
        margins, numbers, vcov = from_estimates(targets, source)
    elif source is not None:
        raise WeightingError("source= goes with Estimates as targets only.",
                             remedy="Pass the Estimates, or covariance= beside a mapping of targets.")
    else:
        margins, numbers = _read(targets)
    persons = len(margins), len(numbers)
    of_household: frozenset[str] = frozenset()
    if household_targets:
        if household is None:
            raise WeightingError("Targets of households were given without household=.",
                                 remedy="Name the variable whose values are households.",
                                 ar="حدّد متغيّر الأسرة household=.")
        more, counts = _read(household_targets)
        of_household = frozenset([spec.name for spec in more] + [name for name, _ in counts])
        names = [spec.name for spec in margins] + [name for name, _ in numbers]
        twice = sorted(of_household.intersection(names))
        if twice:
            raise WeightingError(f"{', '.join(twice)} is a target of persons and of households.",
                                 remedy="Copy the variable under another name for one of them.")
        margins, numbers = (*margins, *more), (*numbers, *counts)
    if vcov is not None and (len(margins), len(numbers)) != persons:
        raise WeightingError("Targets with a covariance cannot be joined by targets of households here.",
                             remedy="Calibrate to them in two steps.")
    if not margins and not numbers and population is None:
        raise WeightingError("Calibration was given no targets.",
                             remedy="Write {'sex': {1: …, 2: …}, 'income': 1.2e9}.",
                             ar="لا أهداف للمعايرة.")
    names = [spec.name for spec in margins] + [name for name, _ in numbers]
    if population is not None:
        names.append(POPULATION)
    soft, costs = _by_name(tolerance, names, "tolerance"), _by_name(cost, names, "cost")
    both = sorted({name for name, _ in soft} & {name for name, _ in costs})
    if both:
        raise WeightingError(f"{', '.join(both)} has a tolerance and a cost.",
                             remedy="Give one of them: a tolerance is kept for certain, a cost is weighed.")
    size = sum(len(spec.targets) for spec in margins) + len(numbers)
    return Calibrate(
        tuple(margins), tuple(numbers), method,
        (-np.inf, np.inf) if bounds is None else _pair(bounds, "bounds"),
        (0.0, np.inf) if limits is None else _pair(limits, "limits"),
        population, household, of_household, soft, costs,
        None if vcov is None else _covariance(vcov, size, total), total, max_iter, tol,
    )  # fmt: skip


def from_estimates(
    given: Any, source: Survey | str | None
) -> tuple[tuple[MarginSpec, ...], tuple[tuple[str, float], ...], np.ndarray]:
    """Targets and covariance from another survey's counts by domain and totals.

    Parameters
    ----------
    given : Estimates or sequence of Estimates
        ``count(by=…)``: a margin; ``total(variable)``: numbers.
    source : Survey, "independent" or None
        The survey all of them come from, or that each comes from another; needed for several.
    """
    several = (given,) if isinstance(given, Estimates) else tuple(given)
    if not several or not all(isinstance(one, Estimates) for one in several):
        raise WeightingError(
            "Targets must be a mapping of variables to targets, or Estimates of another survey.",
            remedy="Write {'sex': {1: 5.9e6, 2: 5.2e6}, 'income': 1.2e9}, or pass census.count(by='sex').",
        )
    several = tuple(sorted(several, key=lambda one: one.kind != "count"))
    margins, numbers = [], []
    for one in several:
        values = one.frame["estimate"].to_numpy(float)
        if one.kind == "count" and one.by:
            keys = one.frame[list(one.by)].itertuples(index=False, name=None)
            margins.append(margin(one.by, dict(zip(keys, values, strict=True)), "estimates of another survey"))
        elif one.kind == "total" and not one.by:
            numbers += list(zip(one.frame["variable"].astype(str), values.tolist(), strict=True))
        else:
            raise WeightingError(
                f"Estimates of kind {one.kind!r} by {', '.join(one.by) or 'nothing'} are no targets.",
                remedy="Pass count(by=…) for categories and total(variable) for numbers.",
                ar="أعطِ تقديرات أعداد حسب فئة count(by=…) أو مجاميع total(…).",
            )
    return tuple(margins), tuple(numbers), _joint(several, source)


def _joint(several: tuple[Estimates, ...], source: Survey | str | None) -> np.ndarray:
    if len(several) == 1:
        return np.asarray(several[0].vcov, dtype=float)
    if isinstance(source, str) and source == "independent":
        return block_diag(*(one.vcov for one in several))
    totals = [one.totals for one in several]
    if source is None or isinstance(source, str) or any(part is None for part in totals):
        raise WeightingError(
            f"{len(several)} tables of estimates need the covariance between them.",
            remedy='Give source=, the survey all of them come from, or source="independent" if each comes from '
            "another one.",
            ar='أعطِ source= المسح الذي جاءت منه هذه التقديرات كلها، أو source="independent" إن كان لكل منها مسح.',
        )
    return np.asarray(covariance(source.design, np.hstack(totals)), dtype=float)


def entropy_step(targets: Mapping[Any, Any], max_iter: int, tol: float) -> Entropy:
    """The step from what a user writes; see :meth:`Weighting.entropy`."""
    shares, means = [], []
    if not isinstance(targets, Mapping) or not targets:
        raise WeightingError("Entropy balancing was given no means or shares.",
                             remedy="Write {'age': 38.5, 'income': (410, 220), 'sex': {1: 0.52, 2: 0.48}}.")
    for names, value in targets.items():
        if isinstance(names, str) and isinstance(value, int | float | np.number):
            means.append((names, float(value), None))
        elif isinstance(names, str) and isinstance(value, tuple) and len(value) == 2:
            means.append((names, float(value[0]), float(value[1])))
        else:
            shares.append(margin((names,) if isinstance(names, str) else tuple(names), value))
    return Entropy(tuple(shares), tuple(means), max_iter, tol)


def balance_step(
    group: str, reference: float | str, categories: Sequence[str] | str, numbers: Sequence[str] | str,
    moments: int, max_iter: int, tol: float,
) -> Balance:  # fmt: skip
    """The step from what a user writes; see :meth:`Weighting.balance`."""
    names = (categories,) if isinstance(categories, str) else tuple(categories)
    numeric = (numbers,) if isinstance(numbers, str) else tuple(numbers)
    if not names and not numeric:
        raise WeightingError("No variable to balance was named.",
                             remedy='Name them: categories=["education"], numbers=["age"].')
    if moments not in (1, 2, 3):
        raise WeightingError(f"moments={moments!r} is not 1, 2 or 3.",
                             remedy="1 balances means, 2 variances too, 3 skewness too.")
    return Balance(group, reference, names, numeric, moments, max_iter, tol)


def _read(targets: Mapping[Any, Any]) -> tuple[tuple[MarginSpec, ...], tuple[tuple[str, float], ...]]:
    margins, numbers = [], []
    for names, value in targets.items():
        if isinstance(value, int | float | np.number) and not isinstance(value, bool):
            if not isinstance(names, str):
                raise WeightingError(f"{names!r} has one number as its target.",
                                     remedy="A crossing of variables needs a target per cell.")
            numbers.append((names, float(value)))
        else:
            margins.append(margin((names,) if isinstance(names, str) else tuple(names), value))
    return tuple(margins), tuple(numbers)


def _by_name(
    given: float | Mapping[Any, float] | None, names: list[str], what: str
) -> tuple[tuple[str, float], ...]:
    if given is None:
        return ()
    if not isinstance(given, Mapping):
        given = dict.fromkeys(names, given)
    out = []
    for key, value in given.items():
        name = key if isinstance(key, str) else " × ".join(key)
        if name not in names:
            raise WeightingError(f"{what}= names {name}, which is no target.",
                                 remedy=f"The targets are: {', '.join(names)}.")
        if not value > 0:
            raise WeightingError(f"The {what} of {name} is {value!r}.",
                                 remedy=f"Give a positive number, or leave {name} out: it is then met.")
        out.append((name, float(value)))
    return tuple(out)


def _pair(given: Sequence[float], what: str) -> tuple[float, float]:
    try:
        low, high = (float(edge) for edge in given)
    except (TypeError, ValueError):
        raise WeightingError(f"{what}={given!r} is not a pair of numbers.",
                             remedy=f"Write {what}=(0.4, 3.0).") from None
    if not low < high:
        raise WeightingError(f"{what}=({low:g}, {high:g}) leave no room.",
                             remedy="Give the lower one first.")
    return low, high


def _covariance(given: Any, size: int, total: Any) -> tuple[tuple[float, ...], ...]:
    matrix = np.asarray(given, dtype=float)
    wrong = matrix.shape != (size, size)
    if wrong or not np.isfinite(matrix).all() or not np.allclose(matrix, matrix.T, rtol=1e-8):
        raise WeightingError(
            f"The covariance of {size} targets has shape {matrix.shape}, or is not symmetric and finite.",
            remedy="One row and column per target, in the order in which they are written.",
        )
    if np.linalg.eigvalsh(matrix).min(initial=0.0) < -1e-8 * max(np.abs(matrix).max(initial=0.0), 1e-300):
        raise WeightingError("The covariance of the targets has a negative variance in some direction.",
                             remedy="Give the covariance matrix, not correlations or standard errors.")
    if total == "current":
        raise WeightingError("Shares of the current sum of weights cannot have a covariance.",
                             remedy="Give total= as a number, or targets in persons.")
    return tuple(tuple(float(v) for v in row) for row in (matrix + matrix.T) / 2)
