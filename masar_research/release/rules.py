"""The rules of the profiles, applied to columns of cells of one kind."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from masar_research.engine import intervals
from masar_research.engine.distributions import t_quantile
from masar_research.release.profiles import (
    Cases,
    HalfWidth,
    ModelBased,
    ProportionWidths,
    RelativeWidth,
    Rule,
    Sturdy,
    Variation,
)

Tests = list[tuple[str, np.ndarray]]


@dataclass(frozen=True, slots=True)
class Numbers:
    """The columns a rule reads, (m,) float each, for cells of one kind."""

    kind: str
    estimate: np.ndarray
    std_error: np.ndarray
    n: np.ndarray
    n_eff: np.ndarray
    df: np.ndarray
    count: np.ndarray

    @property
    def steady(self) -> np.ndarray:
        """Whether there is an estimate with a standard error and degrees of freedom."""
        return np.isfinite(self.estimate) & np.isfinite(self.std_error) & (self.df > 0)


def korn_graubard(numbers: Numbers) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """95 % limits and the effective sample size p(1−p)/SE² (n at 0 and 1)."""
    p, se, n = numbers.estimate, numbers.std_error, numbers.n
    usable = np.isfinite(p) & np.isfinite(se) & (numbers.df > 0) & (n > 1)
    low, high = np.full(p.shape, np.nan), np.full(p.shape, np.nan)
    if usable.any():
        low[usable], high[usable], _ = intervals.korn_graubard(
            p[usable], se[usable], n[usable], numbers.df[usable], 0.95
        )
    with np.errstate(divide="ignore", invalid="ignore"):
        n_eff = np.where((p > 0) & (p < 1) & (se > 0), p * (1 - p) / se**2, n)
    return low, high, n_eff


def judge(
    rule: Rule, numbers: Numbers, low: np.ndarray, high: np.ndarray, zero_means_none: bool
) -> tuple[np.ndarray, np.ndarray]:
    match rule:
        case ProportionWidths():
            tests, notes = _proportion_widths(rule, numbers, high - low)
        case RelativeWidth():
            tests, notes = _relative_width(rule, numbers)
        case Sturdy():
            tests, notes = _sturdy(rule, numbers, zero_means_none)
        case Variation():
            tests, notes = _variation(rule, numbers)
        case Cases():
            tests = [("n", numbers.n < rule.hide)]
            notes = [("caution", numbers.n < rule.caution)]
        case HalfWidth():
            tests, notes = _half_width(rule, numbers, high - low)
        case ModelBased():
            tests, notes = _model_based(rule, numbers)
    tests = [*tests[:1], ("no_df", ~numbers.steady), *tests[1:]]
    return _first(tests, len(numbers.n)), _first(notes, len(numbers.n))


def _first(tests: Tests, length: int) -> np.ndarray:
    """The first code whose condition holds, or an empty string. NaN conditions must be resolved."""
    answer = np.full(length, "", dtype=object)
    for code, holds in reversed(tests):
        answer[holds] = code
    return answer


def _small(values: np.ndarray, least: float) -> np.ndarray:
    """Below `least`, or not known to be otherwise."""
    return ~(values >= least)


def _proportion_widths(rule: ProportionWidths, x: Numbers, width: np.ndarray) -> tuple[Tests, Tests]:
    _, _, n_eff = korn_graubard(x)
    with np.errstate(divide="ignore", invalid="ignore"):
        wide_of_p = width / x.estimate > rule.relative
        wide_of_q = width / (1 - x.estimate) > rule.complement
    between = (width > rule.always) & (width < rule.never)
    inside = (x.estimate > 0) & (x.estimate < 1)
    tests = [
        ("n", _small(x.n, rule.min_n)),
        ("n_eff", _small(n_eff, rule.min_n_eff)),
        ("width", inside & (width >= rule.never)),
        ("relative_width", inside & between & wide_of_p),
        ("review_df", x.df < rule.min_df),
        ("review_extreme", ~inside),
    ]
    return tests, [("complement", inside & between & wide_of_q)]


def _relative_width(rule: RelativeWidth, x: Numbers) -> tuple[Tests, Tests]:
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = t_quantile(0.975, np.where(x.df > 0, x.df, np.nan)) * x.std_error / x.estimate
        width = np.where(x.std_error == 0, 0.0, 2 * np.sinh(np.minimum(spread, 50.0)))
    tests = [
        ("n", _small(x.n, rule.min_n) | (x.count < rule.min_n)),
        ("relative_width", ~(width <= rule.relative) | ~(x.estimate > 0)),
        ("review_df", x.df < rule.min_df),
    ]
    return tests, []


def _sturdy(rule: Sturdy, x: Numbers, zero_means_none: bool) -> tuple[Tests, Tests]:
    tests = [
        ("n", _small(x.n, rule.min_n)),
        ("n_eff", _small(x.n_eff, rule.min_n_eff)),
        ("df", x.df < rule.min_df),
    ]
    if zero_means_none:
        tests.append(("rse", ~(x.std_error <= rule.max_rse * np.abs(x.estimate))))
    return tests, []


def _variation(rule: Variation, x: Numbers) -> tuple[Tests, Tests]:
    with np.errstate(divide="ignore", invalid="ignore"):
        cv = np.where(x.std_error == 0, 0.0, x.std_error / np.abs(x.estimate))
    tests = [("n", _small(x.n, rule.min_n)), ("cv", ~(cv <= rule.limit))]
    return tests, [("caution", cv >= rule.caution)]


def _half_width(rule: HalfWidth, x: Numbers, width: np.ndarray) -> tuple[Tests, Tests]:
    _, _, n_eff = korn_graubard(x)
    headline = x.n >= rule.min_n
    tests = [
        ("n", _small(x.n, rule.chart_n)),
        ("n_eff", headline & _small(n_eff, rule.min_n_eff)),
        ("half_width", headline & ~(width / 2 <= rule.max_half)),
    ]
    return tests, [("chart_only", ~headline)]


def _model_based(rule: ModelBased, x: Numbers) -> tuple[Tests, Tests]:
    """A figure without own interviews is told from one with some, whatever its error."""
    with np.errstate(divide="ignore", invalid="ignore"):
        relative = np.where(x.std_error == 0, 0.0, x.std_error / np.abs(x.estimate))
        width = 2 * t_quantile(0.975, np.where(x.df > 0, x.df, np.nan)) * x.std_error
        wide_of_p = width / x.estimate > rule.relative
    if x.kind == "model_based_proportion":
        between = (width > rule.always) & (width < rule.never)
        tests = [("width", width >= rule.never), ("relative_width", between & wide_of_p)]
        careful = width >= rule.caution_width
    else:
        tests = [("rse", ~(relative <= rule.max_rse))]
        careful = relative >= rule.caution
    everywhere = np.ones(len(x.n), dtype=bool)
    return tests, [("model_based_synthetic", x.n == 0), ("model_based_caution", careful), ("model_based", everywhere)]
