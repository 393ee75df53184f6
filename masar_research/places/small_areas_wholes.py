"""What areas add up to: the country, or each larger area."""

from __future__ import annotations

import numpy as np

from masar_research.engine.small_area_benchmark import Rule, Wholes
from masar_research.errors import EstimationError
from masar_research.estimates import Estimates
from masar_research.places.small_areas_data import Covariates, Direct, names

TOTALS = ("total", "count")


def wholes_of(
    direct: Direct, known: Covariates, sampled: np.ndarray, national: Estimates | float | None, rule: Rule,
    within: str | None,
) -> tuple[Wholes, tuple[object, ...]]:  # fmt: skip
    """The wholes to be met, and the larger areas that have none."""
    k = len(sampled)
    group = np.zeros(k, dtype=int) if known.group is None else known.group
    member = (group[:, None] == np.arange(int(group.max()) + 1)).astype(float)
    weight = np.ones(k) if direct.kind in TOTALS or known.shares is None else known.shares
    held = (weight * sampled) @ member
    met = held > 0
    shares = member * weight[:, None]
    inside = shares[sampled]
    if direct.kind not in TOTALS:
        shares = shares / shares.sum(axis=0)
        inside = inside / np.where(met, held, 1.0)
    own = known.spread(direct.estimate)[sampled] @ inside
    if known.group is None:
        whole = own if national is None else np.array([_one(direct, national)])
        met = np.array([True])
    else:
        whole, met = _each(direct, known, own, met, national, str(within))
    left = tuple(code for code, yes in zip(known.groups, met, strict=False) if not yes)
    return Wholes(shares[:, met], inside[:, met], whole[met], rule), left


def _one(direct: Direct, national: Estimates | float) -> float:
    if not isinstance(national, Estimates):
        return float(national)
    if len(national) != 1 or national.kind != direct.kind:
        raise EstimationError(
            f"national= is one estimate of kind {direct.kind!r}; found {len(national)} rows of kind {national.kind!r}.",
            remedy="Pass the same estimate without by=.",
            ar="يلزم في national= تقدير وطني واحد من النوع نفسه: أعد التقدير دون by=.",
        )
    return float(national.frame["estimate"].iloc[0])


def _each(
    direct: Direct, known: Covariates, own: np.ndarray, met: np.ndarray, national: Estimates | float | None, within: str
) -> tuple[np.ndarray, np.ndarray]:
    """A whole for each larger area, (G,), and which of them have one."""
    if national is None:
        return own, met
    if not isinstance(national, Estimates) or national.kind != direct.kind or within not in national.by:
        raise EstimationError(
            f"With within={within!r}, national= takes estimates of kind {direct.kind!r} by {within!r}.",
            remedy=f"Pass the same estimate with by={within!r}, or leave national= out.",
            ar=f"مع within= يلزم أن تكون national= تقديرات من النوع نفسه بحسب «{within}»: أعد التقدير مع by={within}.",
        )
    frame = national.frame
    if direct.category is not None and "category" in frame.columns:
        frame = frame[frame["category"] == direct.category]
    if frame[within].duplicated().any():
        raise EstimationError(
            f"national= has several rows for {names(frame[within][frame[within].duplicated()].unique())}.",
            remedy=f"Estimate one figure by={within!r} alone.",
            ar=f"في national= أكثر من صف للمنطقة الواحدة؛ قدّر رقماً واحداً بحسب «{within}» وحدها.",
        )
    given = dict(zip(frame[within], frame["estimate"], strict=True))
    lacking = [code for code in known.groups if code not in given]
    if lacking:
        raise EstimationError(
            f"national= has no row for {names(lacking)}.",
            remedy=f"Give both tables the same codes of {within!r}.",
            ar=f"لا صف في national= لهذه المناطق: {names(lacking)}؛ وحّد الرموز.",
        )
    whole = np.array([float(given[code]) for code in known.groups])
    return np.where(np.isfinite(whole), whole, 0.0), np.isfinite(whole) & met
