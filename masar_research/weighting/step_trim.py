"""Trimming: extreme weights brought back to a bound, alone or together with margins."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

from masar_research import expressions
from masar_research.codebook import Text
from masar_research.engine.trimming import rake_within
from masar_research.errors import DataError, WeightingError
from masar_research.weighting.ground import Ground, Taken, num
from masar_research.weighting.matching import matched_margin, of_current
from masar_research.weighting.measures import level_off, per_copy, quantile, shift_off
from masar_research.weighting.step_scale import domains
from masar_research.weighting.targets import MarginSpec

SPREADS = (True, False, "equal")
_PERCENTILE = re.compile(r"\bp(\d{1,2}(?:_\d+)?)\b")
_TAIL = 0.01


@dataclass(frozen=True, slots=True)
class Trim:
    """Extreme weights brought back to a bound.

    Attributes
    ----------
    upper, lower : float, str or None
        A number or a rule of the positive weights (of each wave) in ``median, mean, iqr, n``,
        ``rms`` (√(Σw²/n): ``"3.16*rms"`` is the NAEP rule with c = 10), ``potter`` (the weight beyond
        which Potter's distribution leaves 1 %) and percentiles such as ``p99`` or ``p99_5``.
    redistribute : bool or "equal"
        Keep the sum: True scales the weights inside the bounds, "equal" adds the same to each (as
        R's ``trimWeights(strict=TRUE)``), False lets the sum go.
    within : tuple of str
        The sum is kept in each cell of these variables, not only in each wave.
    max_deff : float or None
        The upper bound is the largest at which Kish's design effect is at most this.
    margins : tuple of MarginSpec
        Totals that hold together with the bounds: trimmed and raked until both do.
    total : float, "current" or None
        As for :class:`Rake`.

    References
    ----------
    Potter (1990), ASA Survey Research Methods, 225–230; Liu, Ferraro, Wilson and Brick (2004).
    """

    upper: float | str | None = None
    lower: float | str | None = None
    redistribute: bool | str = True
    within: tuple[str, ...] = ()
    max_deff: float | None = None
    margins: tuple[MarginSpec, ...] = ()
    total: float | str | None = None

    def __post_init__(self) -> None:
        if self.upper is None and self.lower is None and self.max_deff is None:
            raise WeightingError("Trimming was given no bound.",
                                 remedy='Give upper= or lower=, e.g. upper="median + 6*iqr", or max_deff=.')
        if self.redistribute not in SPREADS:
            raise WeightingError(f"redistribute={self.redistribute!r} is not known.",
                                 remedy='Use True, "equal" or False.')
        clashes = {
            "within= without redistribution": self.within and self.redistribute is False,
            "within= and margins, which keep their own sums": self.within and self.margins,
            "redistribute= and margins, which say where the weight goes":
                self.margins and self.redistribute is not True,
            "total= without margins": self.total is not None and not self.margins,
            "max_deff= and upper=": self.max_deff is not None and self.upper is not None,
        }  # fmt: skip
        for what, clash in clashes.items():
            if clash:
                raise WeightingError(f"Trimming was given {what}: one of them would change nothing.",
                                     remedy="Leave one of the two out.")
        if self.max_deff is not None and not self.max_deff > 1:
            raise WeightingError(f"max_deff={self.max_deff!r} cannot be reached: equal weights have 1.",
                                 remedy="Give a number above 1, for instance 1.5.")

    def run(self, ground: Ground) -> Taken:
        """Clip, and scale the rest or rake."""
        times = ground.copies()
        each = per_copy(ground.weights, times)
        after = each.copy()
        low, high = np.zeros_like(each), np.full_like(each, np.inf)
        bounds = []
        for part in ground.parts():
            inner = [rows & part for rows in domains(ground, self.within)]
            inner = [rows for rows in inner if rows.any()]
            lower, upper = self._bounds(each, times, part, inner)
            low[part], high[part] = lower, upper
            bounds.append((lower, upper))
            if not self.margins:
                for rows in inner:
                    after[rows] = self._moved(each[rows], times[rows], lower, upper)
        calibration, more = None, {}
        if self.margins:
            matched = [matched_margin(ground, spec, self.total) for spec in self.margins]
            caps = np.where(times > 0, high, 0.0) * times
            done = of_current(rake_within(ground.weights, matched, low * times, caps), ground, matched, self.total)
            after, calibration = per_copy(done.weights, times), done.calibration
            more = {"margins": tuple(matched), "iterations": done.iterations, "max_gap": done.max_gap}
        outside = (each > 0) & ((each < low) | (each > high))
        weights = after * times
        return Taken(weights, calibration, *self._said(ground, each, outside, low, high, bounds, more))

    def _bounds(self, each, times, part, inner) -> tuple[float, float]:
        w, m = each[part], times[part]
        low, high = _bound(self.lower, w, m, 0.0), _bound(self.upper, w, m, np.inf)
        if self.max_deff is not None:
            high = self._cap_of_deff(each, times, part, inner, low)
        if not low < high:
            raise WeightingError(f"The bounds cross: lower {low:g}, upper {high:g}.",
                                 remedy="Choose lower below upper.")
        return low, high

    def _moved(self, w: np.ndarray, m: np.ndarray, low: float, high: float) -> np.ndarray:
        if self.redistribute is False:
            return np.clip(w, low, high)
        if not ((w < low) | (w > high)).any():
            return w
        mean = float(m @ w / m.sum())
        if not low <= mean <= high:
            raise WeightingError(
                f"The mean weight {mean:,.4g} lies outside the bounds {low:,.4g} to "
                f"{high:,.4g}, so the sum of weights cannot be kept.",
                remedy="Choose an upper bound above the mean weight, or redistribute=False.",
                ar="حد التقليم أدنى من متوسط الأوزان، فلا يمكن الحفاظ على مجموعها.",
            )
        return (shift_off if self.redistribute == "equal" else level_off)(w, low, high, m)

    def _cap_of_deff(self, each, times, part, inner, low) -> float:
        def deff(cap: float) -> float:
            out = each.copy()
            for rows in inner:
                out[rows] = self._moved(each[rows], times[rows], low, cap)
            w, m = out[part], times[part]
            return float(m.sum() * (m @ w**2) / (m @ w) ** 2)

        high = float(each[part].max())
        if deff(high) <= self.max_deff:
            return high
        means = [float(times[r] @ each[r] / times[r].sum()) for r in inner]
        floor = max(low, max(means)) * (1 + 1e-12) if self.redistribute is not False else max(low, high * 1e-6)
        if deff(floor) > self.max_deff:
            raise WeightingError(
                f"No bound brings the design effect to {self.max_deff:g}: it stays at {deff(floor):.3f} "
                "because the classes' own means differ.",
                remedy="Raise max_deff, or leave within= out.",
                ar="لا يوجد حد تقليم يحقق أثر التصميم المطلوب.",
            )
        for _ in range(80):
            middle = 0.5 * (floor + high)
            floor, high = (middle, high) if deff(middle) <= self.max_deff else (floor, middle)
        return floor

    def _said(self, ground, each, outside, low, high, bounds, more) -> tuple[Text, dict[str, Any]]:
        changed, positive = ground.count(outside), ground.count(ground.weights > 0)
        moved = float(np.abs(np.clip(each, low, high) - each).sum())
        facts = {
            "trimmed": changed, "trimmed_share": changed / positive,
            "weight_moved_share": moved / float(each.sum()), "bounds": tuple(bounds),
            "rows": np.flatnonzero(outside), **more,
        }  # fmt: skip
        caps = ", ".join(f"{upper:,.4g}" if np.isfinite(upper) else f"≥ {lower:,.4g}"
                         for lower, upper in bounds)
        what = _what(self)
        if not changed and not more:
            return Text(
                en=f"Trimming: no weight lies beyond the bound {caps}; nothing changed.",
                ar=f"تقليم الأوزان: لا وزن يتجاوز الحد \u2066{caps}\u2069؛ لم يتغير شيء.",
            ), facts
        return Text(
            en=f"Trimming: {changed:,} of {positive:,} weights ({changed / positive:.1%}) brought "
            f"to the bound {caps}; {what[0]}.",
            ar=f"تقليم الأوزان: أُعيد {num(changed)} وزنًا من {num(positive)} إلى الحد "
            f"\u2066{caps}\u2069{what[1]}.",
        ), facts


def _what(step: Trim) -> tuple[str, str]:
    if step.margins:
        names = "; ".join(spec.name for spec in step.margins)
        return (f"raked at once to {len(step.margins)} margins ({names})",
                f"، مع ضبط الأوزان معاً على \u2066{names}\u2069")
    over = f" in each cell of {' × '.join(step.within)}" if step.within else ""
    over_ar = f" في كل خلية من \u2066{' × '.join(step.within)}\u2069" if step.within else ""
    if step.redistribute is False:
        return "sum not kept", ""
    how = "the same added to the rest" if step.redistribute == "equal" else "the rest scaled"
    return f"{how} to keep the sum{over}", f"، مع الحفاظ على المجموع{over_ar}" if over else ""


def _bound(rule: float | str | None, w: np.ndarray, m: np.ndarray, default: float) -> float:
    if rule is None:
        return default
    if isinstance(rule, str):
        known = _measures(w, m, rule)
        try:
            value = expressions.evaluate(rule, {k: np.array([v]) for k, v in known.items()}).value
            rule = float(np.ravel(value)[0])
        except DataError as error:
            raise WeightingError(f"The trimming rule {rule!r} cannot be read: {error.what}",
                                 remedy=f"Use numbers and {', '.join(known)}, or a percentile such as p99.") from error
    if not np.isfinite(rule) or rule < 0:
        raise WeightingError(f"The bound {rule!r} is not a positive number.",
                             remedy='Give a number, or a rule such as "median + 6*iqr".')
    return float(rule)


def _measures(w: np.ndarray, m: np.ndarray, rule: str) -> dict[str, float]:
    """What a rule may name; ``m`` says how often each weight counts."""
    n = float(m.sum())
    mean, square = float(m @ w) / n, float(m @ w**2) / n
    low, middle, high = (quantile(w, m, share) for share in (0.25, 0.5, 0.75))
    known = {"median": middle, "mean": mean, "iqr": high - low, "n": n, "rms": float(np.sqrt(square))}
    if re.search(r"\bpotter\b", rule):
        known["potter"] = potter(n, mean, (square - mean**2) * n / (n - 1))
    for name in _PERCENTILE.findall(rule):
        known[f"p{name}"] = quantile(w, m, float(name.replace("_", ".")) / 100)
    return known


def potter(n: float, mean: float, variance: float) -> float:
    """The weight beyond which Potter's distribution of weights leaves one per cent.

    1/(n w) follows a beta distribution whose parameters meet the mean and variance of the weights.

    Parameters
    ----------
    n, mean, variance : float
        Of the weights; n · mean > 1 and variance > 0.

    References
    ----------
    Potter (1990), section 3.

    Examples
    --------
    >>> round(potter(1000.0, 100.0, 2500.0), 1)
    280.1
    """
    if not (variance > 0 and n * mean > 1):
        raise WeightingError("The weights do not vary, so Potter's rule has no bound.",
                             remedy="Leave the trimming out, or give a number.")
    alpha = mean * (n * mean - 1) / (n * variance) + 2
    beta = (n * mean - 1) * (mean * (n * mean - 1) / (n * variance) + 1)
    return float(1 / (n * stats.beta.ppf(_TAIL, alpha, beta)))
