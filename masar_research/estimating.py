"""From names to arrays to one engine call, and the answer wrapped as `Estimates`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from masar_research.columns import Columns, Domains
from masar_research.engine import intervals, linearized, variance
from masar_research.engine.design import Design
from masar_research.engine.influences import Linearized, stack
from masar_research.errors import EstimationError
from masar_research.estimates import Estimates, Kind, assemble

INTERVALS = ("logit", "xlogit", "beta", "wilson", "arcsine", "likelihood", "wald")
_METHODS = {
    "logit": intervals.logit, "xlogit": intervals.logit, "wilson": intervals.wilson,
    "arcsine": intervals.arcsine, "likelihood": intervals.likelihood,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Answer:
    """What a call asked for: the survey's arrays, the outcome and domain names, the level."""

    columns: Columns
    design: Design
    mask: np.ndarray | None
    variables: tuple[str, ...]
    by: tuple[str, ...]
    level: float
    note: Mapping[str, Any]

    def cells(self, domains: Domains) -> dict[str, Any]:
        return {"domain": domains.codes, "n_domains": domains.count, "mask": self.mask}


Engine = Callable[..., Sequence[Linearized]]
"""``(design, columns, **cells)`` → one result per column."""


def each(engine: Callable[..., Linearized]) -> Engine:
    """An engine of one column as one of several."""
    return lambda design, columns, **cells: [engine(design, one, **cells) for one in columns]


def answer_statistic(asked: Answer, kind: Kind, engine: Engine) -> Estimates:
    """Means, totals and ratios: one row per domain and variable."""
    any_variable(asked.variables)
    domains = asked.columns.domains(asked.by)
    columns = [asked.columns.values(name) for name in asked.variables]
    parts = engine(asked.design, columns, **asked.cells(domains))
    head = by_variable(domains.keys, asked.variables)
    missing = sum(int(part.n_missing.sum()) for part in parts)
    return _wrap(asked, kind, [head], parts, missing, interval="wald")


def answer_count(asked: Answer) -> Estimates:
    """Estimated numbers of persons: one row per domain."""
    domains = asked.columns.domains(asked.by)
    part = linearized.count(asked.design, **asked.cells(domains))
    return _wrap(asked, "count", [domains.keys.assign(variable="persons")], [part], 0, "wald")


def answer_proportion(asked: Answer, interval: str) -> Estimates:
    """Shares: the ones of a 0/1 variable, every category of any other."""
    check_interval(interval)
    any_variable(asked.variables)
    domains = asked.columns.domains(asked.by)
    heads, parts, counts, missing = [], [], [], 0
    for name in asked.variables:
        coded = asked.columns.coded(name)
        if is_binary(name, coded.levels):
            values = asked.columns.values(name)
            parts.append(linearized.mean(asked.design, values, **asked.cells(domains)))
            heads.append(domains.keys.assign(variable=name, category=1))
            counts.append(_cases(asked, domains, np.where(values == 1, 0, -1), 1))
            missing += int(parts[-1].n_missing.sum())
            continue
        levels = coded.levels
        parts.append(
            linearized.proportion(asked.design, coded.codes, len(levels), **asked.cells(domains))
        )
        heads.append(by_level(domains.keys, name, levels))
        counts.append(_cases(asked, domains, coded.codes, len(levels)))
        missing += int(parts[-1].n_missing[:: len(levels)].sum())
    return _wrap(asked, "proportion", heads, parts, missing, interval, np.concatenate(counts))


def is_binary(name: str, levels: tuple[Any, ...]) -> bool:
    """Whether a variable is coded 0/1, so that its share is that of the ones."""
    if not levels:
        raise EstimationError(
            f"Nobody in the survey answered {name!r}: it has no categories and no values.",
            remedy="Check whom it was asked of, and in which wave.",
            ar=f"لا إجابات في المسح عن «{name}»؛ تحقق ممن سُئل عنه وفي أي جولة.",
        )
    return set(levels) <= {0, 1} and 1 in levels


def by_variable(keys: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """The rows of a table of several variables: every domain of the first, then of the next."""
    repeated = keys.take(np.tile(np.arange(len(keys)), len(names))).reset_index(drop=True)
    return repeated.assign(variable=[name for name in names for _ in range(len(keys))])


def by_level(keys: pd.DataFrame, name: str, levels: tuple[Any, ...]) -> pd.DataFrame:
    """The rows of a table of shares: every level in every domain."""
    repeated = keys.loc[keys.index.repeat(len(levels))].reset_index(drop=True)
    return repeated.assign(variable=name, category=list(levels) * len(keys))


def any_variable(names: tuple[str, ...]) -> None:
    if not names:
        raise EstimationError(
            "No variable was named.",
            remedy="Name at least one variable of the survey.",
            ar="لم يُذكر أي متغيّر؛ اذكر متغيّراً واحداً على الأقل.",
        )


def check_interval(interval: str) -> None:
    """Raise unless it names an interval for shares."""
    if interval not in INTERVALS:
        raise EstimationError(
            f"interval={interval!r} is not an interval for proportions.",
            remedy=f"Choose one of {', '.join(INTERVALS)}.",
        )


def _cases(asked: Answer, domains: Domains, codes: np.ndarray, n_levels: int) -> np.ndarray:
    """Interviews behind each share, unweighted (domain-major): disclosure control counts people."""
    inside = (codes >= 0) & (asked.design.weights > 0)
    if asked.mask is not None:
        inside &= asked.mask
    cell = codes
    if domains.codes is not None:
        inside &= domains.codes >= 0
        cell = domains.codes * n_levels + codes
    return np.bincount(cell if inside.all() else cell[inside], minlength=domains.count * n_levels)


def _wrap(
    asked: Answer, kind: Kind, heads: list[pd.DataFrame], parts: Sequence[Linearized], missing: int,
    interval: str, cases: np.ndarray | None = None, outside: int | None = None,
) -> Estimates:  # fmt: skip
    """Results of the engine as one table under one covariance, `heads` naming their rows.

    `outside` is counted here unless the caller, who read the rows in blocks, has counted it.
    """
    result = parts[0] if len(parts) == 1 else stack(*parts)
    head = heads[0] if len(heads) == 1 else pd.concat(heads, ignore_index=True)
    vcov = variance.covariance(asked.design, result.totals)
    spread = np.diag(vcov).copy()
    std_error = np.sqrt(np.where(spread < 0, np.nan, spread))
    std_error = np.where((result.n > 0) & (result.df > 0), std_error, np.nan)
    estimate = np.where(result.n > 0, result.estimate, np.nan)
    if kind in ("total", "count"):
        estimate = np.where(result.n > 0, result.estimate, 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        deff = np.where(result.srs_variance > 0, spread / result.srs_variance, np.nan)
        if kind == "proportion":
            n_eff = np.where(spread > 0, estimate * (1 - estimate) / spread, result.n)
        else:
            n_eff = np.where(deff > 0, result.n / deff, result.n)
    deff, n_eff = (np.where(result.df > 0, each, np.nan) for each in (deff, n_eff))
    low, high = _interval(interval, estimate, std_error, result, asked.level)
    statistics = {
        "estimate": estimate, "std_error": std_error, "conf_low": low, "conf_high": high,
        "df": result.df, "n": result.n, "n_eff": n_eff, "deff": deff,
        "n_missing": result.n_missing,
    }  # fmt: skip
    if cases is not None:
        statistics["count"] = cases
    note = {
        **asked.note,
        "interval": interval if kind == "proportion" else "Wald, t",
        "level": asked.level,
        "df": _df_rule(asked.design),
        "deff": "against simple random sampling with replacement",
        "missing": missing,
        "outside": _outside(asked) if outside is None else outside,
    }
    return assemble(
        head, statistics, vcov, kind=kind, by=asked.by, note=note,
        codebook=asked.columns.codebook, level=asked.level, totals=result.totals,
    )  # fmt: skip


def _outside(asked: Answer) -> int:
    """Rows of the subpopulation with a weight that no domain holds: a variable of `by` is missing."""
    known = asked.columns.frame.columns
    parts = [asked.columns.coded(name).codes for name in asked.by if name in known]
    unknown = [codes < 0 for codes in parts if codes.min(initial=0) < 0]
    if not unknown:
        return 0
    lost = np.logical_or.reduce(unknown) & (asked.design.weights > 0)
    return int(np.count_nonzero(lost if asked.mask is None else lost & asked.mask))


def _df_rule(design: Design) -> str:
    if design.phases is not None:
        return "units minus strata with answers in the domain, of the phase that has fewer"
    if design.replicates is None:
        return "PSUs minus strata with answers in the domain"
    return str(design.replicates.facts["df"])


def _interval(
    method: str, estimate: np.ndarray, std_error: np.ndarray, result: Linearized, level: float
) -> tuple[np.ndarray, np.ndarray]:
    df = np.where(result.df > 0, result.df, np.nan)
    if method == "wald":
        return intervals.wald(estimate, std_error, df, level)
    inside = (estimate > 0) & (estimate < 1)
    if method != "beta" and inside.all():
        return _METHODS[method](estimate, std_error, df, level)
    low, high, _ = intervals.korn_graubard(estimate, std_error, result.n, df, level)
    if method == "beta":
        return low, high
    middle = np.where(inside, estimate, 0.5)
    other_low, other_high = _METHODS[method](middle, std_error, df, level)
    return np.where(inside, other_low, low), np.where(inside, other_high, high)
