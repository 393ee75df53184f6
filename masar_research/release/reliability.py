"""Is a figure steady enough to be shown? One answer per cell, by the rule of its kind."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from masar_research.engine.intervals import korn_graubard
from masar_research.errors import ReleaseError
from masar_research.release.profiles import (
    Cases,
    HalfWidth,
    Profile,
    ProportionWidths,
    RelativeWidth,
    Rule,
    Sturdy,
    Variation,
    profile as find_profile,
)

NEEDED = ("kind", "estimate", "std_error", "n", "n_eff", "df")
REVIEW = frozenset({"review_df", "review_extreme"})


@dataclass(frozen=True, slots=True)
class Approval:
    """A named person's decision to release a figure under review.

    Attributes
    ----------
    address : str
        The cell's address.
    who, why : str
        Printed in the office's ledger; neither may be empty.
    """

    address: str
    who: str
    why: str

    def __post_init__(self) -> None:
        for name in ("address", "who", "why"):
            if not getattr(self, name).strip():
                raise ReleaseError(
                    f"An approval has an empty {name!r}.",
                    remedy="Say which cell is released, who answers for it, and why.",
                    ar="الموافقة على النشر تحتاج إلى عنوان الخلية واسم المسؤول والسبب.",
                )


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


def assess(
    cells: pd.DataFrame,
    profile: str | Profile = "nchs",
    approved: Iterable[Approval] = (),
) -> pd.DataFrame:
    """Judge each cell's reliability by the profile's rule for its kind.

    Parameters
    ----------
    cells : DataFrame, m rows
        Columns ``kind, estimate, std_error, n, n_eff, df``; proportions as fractions;
        optionally ``count_min`` (smallest unweighted class count) and ``address``.
    profile : str or Profile
        ``nchs`` (default), ``statcan``, ``dhs``, ``strict_ngo``.
    approved : iterable of Approval
        Releases of cells under review (matched by ``address``, or by the index without one).

    Returns
    -------
    DataFrame
        The same index: ``status`` (show, flag, suppress), ``reason`` (code, empty when shown),
        ``note_code`` (code of the footnote, or empty), ``kg_low``, ``kg_high`` (Korn–Graubard
        95 % limits of proportions, NaN elsewhere).

    Notes
    -----
    What the standards call *review* is suppressed unless a named person approved it. A cell
    without degrees of freedom has no interval and is suppressed under every profile.
    Differences are never judged by their own error: here they carry ``sides_unknown``, and
    `decide` replaces that by the answer for their sides.

    Examples
    --------
    >>> cell = pd.DataFrame({"kind": ["proportion"], "estimate": [0.2], "std_error": [0.02],
    ...                      "n": [800], "n_eff": [400.0], "df": [60]})
    >>> assess(cell)["status"].tolist()
    ['show']
    """
    chosen = find_profile(profile)
    _require(cells)
    out = pd.DataFrame(
        {"status": "suppress", "reason": "sides_unknown", "note_code": ""}, index=cells.index
    ).astype(object)
    out["kg_low"] = np.nan
    out["kg_high"] = np.nan
    reasons = out["reason"].to_numpy(object, copy=True)
    notes = out["note_code"].to_numpy(object, copy=True)
    low, high = np.full(len(cells), np.nan), np.full(len(cells), np.nan)
    kinds = cells["kind"].to_numpy(object)
    for kind in dict.fromkeys(kinds):
        rows = np.flatnonzero(kinds == kind)
        rule = chosen.rule(kind)
        if rule is None:
            continue
        numbers = _numbers(cells.iloc[rows], kind)
        if kind == "proportion":
            low[rows], high[rows], _ = _korn_graubard(numbers)
        reasons[rows], notes[rows] = _judge(
            rule, numbers, low[rows], high[rows], kind in chosen.zero_means_none
        )
    names = cells["address"] if "address" in cells.columns else cells.index
    released = {approval.address for approval in approved}
    may = np.array([reason in REVIEW for reason in reasons], dtype=bool)
    let_out = may & np.array([str(name) in released for name in names], dtype=bool)
    reasons[let_out] = ""
    notes[let_out] = "approved"
    out["status"] = np.where(reasons != "", "suppress", np.where(notes != "", "flag", "show"))
    out["reason"], out["note_code"] = reasons, notes
    out.loc[out["status"] == "suppress", "note_code"] = ""
    out["kg_low"], out["kg_high"] = low, high
    return out


def _require(cells: pd.DataFrame) -> None:
    lacking = [name for name in NEEDED if name not in cells.columns]
    if lacking:
        raise ReleaseError(
            f"The release gate needs the columns {', '.join(NEEDED)}; {', '.join(lacking)} "
            "is not there.",
            remedy="Pass the frame of an Estimates, with its kind as a column.",
        )


def _numbers(part: pd.DataFrame, kind: str) -> Numbers:
    def column(name: str) -> np.ndarray:
        return pd.to_numeric(part[name], errors="coerce").to_numpy(dtype=float)

    count = column("count_min") if "count_min" in part.columns else np.full(len(part), np.nan)
    named = {name: column(name) for name in NEEDED if name != "kind"}
    return Numbers(kind=kind, count=count, **named)


def _korn_graubard(numbers: Numbers) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """95 % limits and the effective sample size p(1−p)/SE², at most n (n itself at 0 and 1)."""
    p, se, n = numbers.estimate, numbers.std_error, numbers.n
    usable = np.isfinite(p) & np.isfinite(se) & (numbers.df > 0) & (n > 1)
    low, high = np.full(p.shape, np.nan), np.full(p.shape, np.nan)
    if usable.any():
        low[usable], high[usable], _ = korn_graubard(
            p[usable], se[usable], n[usable], numbers.df[usable], 0.95
        )
    with np.errstate(divide="ignore", invalid="ignore"):
        n_eff = np.where((p > 0) & (p < 1) & (se > 0), p * (1 - p) / se**2, n)
    return low, high, np.minimum(n_eff, n)


def _judge(
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
    tests = [*tests[:1], ("no_df", ~numbers.steady), *tests[1:]]
    return _first(tests, len(numbers.n)), _first(notes, len(numbers.n))


Tests = list[tuple[str, np.ndarray]]


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
    _, _, n_eff = _korn_graubard(x)
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
        spread = stats.t.ppf(0.975, np.where(x.df > 0, x.df, np.nan)) * x.std_error / x.estimate
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
    _, _, n_eff = _korn_graubard(x)
    headline = x.n >= rule.min_n
    tests = [
        ("n", _small(x.n, rule.chart_n)),
        ("n_eff", headline & _small(n_eff, rule.min_n_eff)),
        ("half_width", headline & ~(width / 2 <= rule.max_half)),
    ]
    return tests, [("chart_only", ~headline)]
