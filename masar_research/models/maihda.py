"""MAIHDA: how much of an outcome lies between intersections of groups, and which stand out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.special import expit

from masar_research.engine import intervals, multilevel, small_area, small_area_integrated, small_area_scales
from masar_research.engine.multilevel import Multilevel
from masar_research.engine.replicates import Replicates
from masar_research.errors import ModelError
from masar_research.estimates import Estimates
from masar_research.models import maihda_showing as showing
from masar_research.models.fitting import check_level, coefficient_frame
from masar_research.models.maihda_data import (
    Sums, checked, complete, crossed, lost, main_effects, refuse_separated, replicated, sums_of,
)

if TYPE_CHECKING:
    from masar_research.present import Art
    from masar_research.survey import Survey

#: A variance found at its bound in more replicates than this share gets no interval.
NEAR_ZERO = 0.025
_FEW = 10
_NODES, _NODES_AGAIN = 25, 15


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class MAIHDA:
    """Multilevel analysis of individual heterogeneity and discriminatory accuracy.

    Attributes
    ----------
    summary : pandas.DataFrame
        ``statistic, label_en, label_ar, estimate, std_error, conf_low, conf_high, near_zero``:
        variance between strata and its share (VPC) in both models, PCV, and the area under the
        curve (AUC) of the strata, of the additive part, and of both.
    strata : pandas.DataFrame, J rows
        One row per intersection: its codes, ``n``, ``direct``, its interval and ``std_error``;
        ``shrunken`` (adjusted model), ``additive`` (main effects alone), ``interactive``
        (stratum effect on the scale of the linear predictor) with their intervals; ``area_level``
        (the direct estimate shrunken by its design-based variance). A working file of the
        office, not gated.
    direct, shrunken : Estimates
        The design-based crossed estimates, and the model's; both stand behind the release gate.
    null, adjusted : pandas.DataFrame
        Coefficients of the two models.
    note : mapping
    level : float
    """

    survey: Survey
    outcome: str
    by: tuple[str, ...]
    family: str
    summary: pd.DataFrame
    strata: pd.DataFrame
    direct: Estimates
    shrunken: Estimates
    null: pd.DataFrame
    adjusted: pd.DataFrame
    note: Mapping[str, Any]
    level: float

    def plot(self, lang: str = "en", most: int = 30) -> Art:
        """Direct, shrunken and additive estimates of the strata on one chart, gated."""
        from masar_research.models import maihda_charts

        return maihda_charts.plot(self, lang, most)

    def plot_interaction(self, lang: str = "en", most: int = 30) -> Art:
        """What each stratum has beyond the sum of its groups' effects, gated."""
        from masar_research.models import maihda_charts

        return maihda_charts.plot_interaction(self, lang, most)

    def table(self, lang: str = "en") -> Any:
        """The summary in one language."""
        return showing.table(self, lang)

    def reading(self, lang: str = "en") -> tuple[str, ...]:
        """What the figures say and do not say, in sentences."""
        return showing.reading(self, lang)

    def __repr__(self) -> str:
        return repr(self.table("en"))

    def _repr_html_(self) -> str:
        return "".join(self.table(lang)._repr_html_() for lang in ("en", "ar"))


def maihda(
    survey: Survey,
    outcome: str,
    strata: Sequence[str],
    number: int = 200,
    seed: int = 2026,
    level: float = 0.95,
) -> MAIHDA:
    """Intersectional multilevel analysis: people within strata that cross several groups.

    Two models of ``y_ij = logit⁻¹(x_j'β + u_j)`` (of ``x_j'β + u_j + e_ij`` for an outcome that is
    not 0/1) with ``u_j ~ N(0, σ²)``: null (x a constant) and adjusted (main effects of the groups).
    Strata are all there are, not a sample of strata: they have weight 1, and the people's
    weights are scaled within each to sum to its n. Standard errors come from replicates of the
    sampling units: the survey's own, or `number` Rao–Wu ones with every weighting step taken
    again.

    Parameters
    ----------
    survey : Survey
        With its subpopulation, if any.
    outcome : str
        Coded 0/1, or a number.
    strata : list of str
        Two or more variables with codes, for instance ``["sex", "education3", "region"]``.
    number, seed : int
        Replicates to be made where the survey has none, and the seed of their lots.
    level : float

    Returns
    -------
    MAIHDA
        ``VPC = σ² / (σ² + τ²)``, τ² = π²/3 for a 0/1 outcome; ``PCV = (σ₀² − σ₁²) / σ₀²``, which
        describes and is never causal. The interval of a shrunken stratum is
        ``η̂_j ± t √(V_rep(η̂_j) + v_j²/σ²)``, v_j the variance of u_j given the data: the second
        term is what shrinking leaves out.

    Raises
    ------
    ModelError
        Fewer than two variables, one with more than 15 codes, an outcome without variation, a
        category in which all have one outcome.

    References
    ----------
    Evans, Williams, Onnela and Subramanian (2018), *Social Science & Medicine* 203, 64–73;
    Merlo (2018), ibid. 203, 74–80; Rabe-Hesketh and Skrondal (2006), *JRSS A* 169, 805–827.

    Examples
    --------
    >>> found = survey.maihda("employed", ["sex", "education3", "region"])   # doctest: +SKIP
    >>> found.summary[["statistic", "estimate", "conf_low", "conf_high"]]     # doctest: +SKIP
    """
    check_level(level)
    names = checked(survey, outcome, strata)
    y = survey.values(outcome)
    coded = [survey.coded(name) for name in names]
    stratum, keys = crossed(coded, names, complete(survey, y, coded), survey)
    used = stratum >= 0
    binary = bool(np.isin(y[used], (0.0, 1.0)).all())
    if np.ptp(y[used]) == 0:
        raise ModelError(
            f"{outcome} is {y[used][0]:g} on every fitted row.",
            remedy="Choose an outcome that varies, or another population.",
            ar=f"للمتغيّر {outcome} قيمة واحدة في جميع السجلات؛ اختر متغيّراً يتغيّر أو فئة أخرى.",
        )
    design, made = replicated(survey, number, seed)
    replicates = design.replicates
    X, encoding = main_effects(keys, coded, names)
    sums = sums_of(design, np.where(used, y, np.nan), stratum, len(keys))
    if binary:
        refuse_separated(sums, keys, outcome)
    null, full = (_fit(sums, part, binary) for part in (np.ones((len(keys), 1)), X))
    good = null.converged & full.converged
    spread = _Spread(replicates, good[1:])
    df = int(replicates.degrees_among(design, used))
    note = {
        **survey.facts(), "outcome": outcome, "family": "binomial" if binary else "gaussian",
        "formula": f"{outcome} ~ " + " + ".join(names) + f" + (1 | {' × '.join(names)})",
        "strata": len(keys), "strata_possible": int(np.prod([len(part.levels) for part in coded])),
        "rows": int(used.sum()), "missing": lost(survey, used),
        "smallest": int(sums.people[0].min()),
        "below_ten": int((sums.people[0] < _FEW).sum()),
        "weights_scaled": "within strata to sum to their n", "replicates": made,
        "replicates_without_fit": int((~good[1:]).sum()), "df": df, "level": level,
        "nodes": _NODES,
        "missing_by_variable": {}, "references": encoding.references,
    }  # fmt: skip
    vcov = [spread.covariance(model.coef) for model in (null, full)]
    family = "binomial" if binary else "gaussian"
    frames = [
        coefficient_frame(survey.codebook, part, model.coef[0], v, df, level, family)
        for part, model, v in ((encoding.constant(), null, vcov[0]), (encoding, full, vcov[1]))
    ]
    summary = _summary(sums, null, full, spread, df, level, binary)
    direct = survey.proportion(outcome, by=names, level=level) if binary else survey.mean(
        outcome, by=names, level=level)  # fmt: skip
    direct = _matched(direct, keys, names)
    frame, shrunken_vcov = _strata(keys, direct, full, sums, X, spread, df, level, binary)
    shrunken = showing.as_estimates(direct, frame, shrunken_vcov, df, note)
    return MAIHDA(survey, outcome, names, family, summary, frame, direct, shrunken, frames[0],
                  frames[1], note, level)  # fmt: skip


def _fit(sums: Sums, X: np.ndarray, binary: bool) -> Multilevel:
    """The sample first, then its replicates."""
    scaled = sums.scaled(X, not binary)
    if not binary:
        return multilevel.linear(scaled)
    first = multilevel.logistic(scaled.some(slice(0, 1)), _NODES)
    if not first.converged[0]:
        raise ModelError(
            "The multilevel model did not settle: the groups explain the outcome almost completely.",
            remedy="Merge small categories, or leave a variable out of the strata.",
            ar="لم يستقر النموذج متعدد المستويات لأن المجموعات تفسّر المتغيّر كله تقريباً؛ ادمج الفئات الصغيرة أو احذف "
            "متغيّراً.",
        )
    start = first.coef[0], float(np.sqrt(first.sigma2[0]))
    return first.beside(multilevel.logistic(scaled.some(slice(1, None)), _NODES_AGAIN, start))


@dataclass(frozen=True, slots=True)
class _Spread:
    """Variances from the replicates that have a fit."""

    replicates: Replicates
    good: np.ndarray

    def deviations(self, values: np.ndarray) -> np.ndarray:
        """√c_r (θ_r − centre); `values` (1 + R, …), the sample's own first."""
        theta = values[1:].reshape(len(values) - 1, -1)[self.good]
        own = Replicates(self.replicates.weights, self.replicates.scales[self.good],
                         self.replicates.mse, self.replicates.df, self.replicates.facts)  # fmt: skip
        return own.deviations(theta, values[0].ravel()) * np.sqrt(len(self.good) / self.good.sum())

    def covariance(self, values: np.ndarray) -> np.ndarray:
        """(m, m)."""
        found = self.deviations(values)
        return found.T @ found

    def error(self, values: np.ndarray) -> float:
        """Standard error of one number."""
        return float(np.sqrt(self.covariance(values)[0, 0]))


def _summary(
    sums: Sums, null: Multilevel, full: Multilevel, spread: _Spread, df: int, level: float,
    binary: bool,
) -> pd.DataFrame:  # fmt: skip
    with np.errstate(divide="ignore", invalid="ignore"):
        pcv = np.where(null.sigma2 > 0, (null.sigma2 - full.sigma2) / null.sigma2, np.nan)
    found = {
        "variance_null": null.sigma2, "variance_adjusted": full.sigma2,
        "vpc_null": null.vpc, "vpc_adjusted": full.vpc, "pcv": pcv,
    }  # fmt: skip
    bounded = {
        "null": _at_bound(null, spread), "adjusted": _at_bound(full, spread),
    }  # fmt: skip
    if binary:
        noughts = sums.weight - sums.ones
        scores = {
            "auc_strata": null.fixed + null.effect, "auc_additive": full.fixed,
            "auc_adjusted": full.fixed + full.effect,
        }  # fmt: skip
        found |= {name: multilevel.auc(score, sums.ones, noughts) for name, score in scores.items()}
    rows = []
    for name, values in found.items():
        rests_on = ("null", "adjusted") if name == "pcv" else (name.rpartition("_")[2],)
        near = any(bounded.get(model, False) for model in rests_on) and not name.startswith("auc")
        error = np.nan if near or not np.isfinite(values[0]) else spread.error(values)
        low, high = _interval(name, float(values[0]), error, df, level)
        rows.append((name, *showing.STATISTICS[name], values[0], error, low, high, near))
    columns = ["statistic", "label_en", "label_ar", "estimate", "std_error", "conf_low",
               "conf_high", "near_zero"]  # fmt: skip
    return pd.DataFrame(rows, columns=columns)


def _at_bound(model: Multilevel, spread: _Spread) -> bool:
    return bool(np.mean(model.sigma2[1:][spread.good] == 0) > NEAR_ZERO or model.sigma2[0] == 0)


def _interval(name: str, value: float, error: float, df: int, level: float) -> tuple[float, float]:
    """t interval: on log odds for shares, on the logarithm for variances, plain for PCV."""
    if not np.isfinite(error) or df < 1:
        return np.nan, np.nan
    if name == "pcv":
        low, high = intervals.wald(np.array([value]), np.array([error]), np.array([df]), level)
        return float(low[0]), min(float(high[0]), 1.0)
    share = not name.startswith("variance")
    slope = 1 / (value * (1 - value)) if share else 1 / value
    middle = np.log(value / (1 - value)) if share else np.log(value)
    low, high = intervals.wald(np.array([middle]), np.array([error * slope]), np.array([df]), level)
    back = expit if share else np.exp
    return float(back(low[0])), float(back(high[0]))


def _matched(direct: Estimates, keys: pd.DataFrame, names: Sequence[str]) -> Estimates:
    """The direct estimates of the strata, in their order."""
    frame = direct.frame.reset_index().merge(keys.assign(_place=range(len(keys))), on=list(names))
    frame = frame.sort_values("_place")
    at = frame["index"].to_numpy()
    kept = frame.drop(columns=["index", "_place"]).reset_index(drop=True)
    return Estimates(kept, direct.vcov[np.ix_(at, at)], direct.kind, direct.by, direct.note,
                     direct.codebook, direct.level,
                     None if direct.totals is None else direct.totals[:, at])  # fmt: skip


def _strata(
    keys: pd.DataFrame, direct: Estimates, full: Multilevel, sums: Sums, X: np.ndarray,
    spread: _Spread, df: int, level: float, binary: bool,
) -> tuple[pd.DataFrame, np.ndarray]:  # fmt: skip
    total = full.fixed + full.effect
    sigma2 = full.sigma2[0]
    left_out = full.spread[0] ** 2 / sigma2 if sigma2 > 0 else np.zeros(len(keys))
    dfs = np.full(len(keys), float(df) if df > 0 else np.nan)

    def around(values: np.ndarray, extra: np.ndarray) -> tuple[np.ndarray, ...]:
        error = np.sqrt(np.diag(spread.covariance(values)) + extra)
        return (*intervals.wald(values[0], error, dfs, level), error)

    low, high, error = around(total, left_out)
    beyond_low, beyond_high, beyond_error = around(full.effect, left_out)
    add_low, add_high, _ = around(full.fixed, np.zeros(len(keys)))
    back = expit if binary else np.asarray
    point = back(total[0])
    slope = point * (1 - point) if binary else np.ones(len(keys))
    covariance = spread.covariance(total) + np.diag(left_out)
    of_direct = direct.frame
    y, psi = of_direct["estimate"].to_numpy(float), of_direct["std_error"].to_numpy(float) ** 2
    area, area_low, area_high = _area_level(y, psi, sums.people[0], X, level, binary)
    frame = keys.assign(
        n=sums.people[0].round().astype(int), direct=y,
        direct_std_error=np.sqrt(psi), direct_low=of_direct["conf_low"].to_numpy(),
        direct_high=of_direct["conf_high"].to_numpy(),
        shrunken=point, shrunken_std_error=error * slope, shrunken_low=back(low),
        shrunken_high=back(high), additive=back(full.fixed[0]), additive_low=back(add_low),
        additive_high=back(add_high), interactive=full.effect[0],
        interactive_std_error=beyond_error, interactive_low=beyond_low,
        interactive_high=beyond_high, area_level=area, area_level_low=area_low,
        area_level_high=area_high,
    )  # fmt: skip
    return frame, covariance * np.outer(slope, slope)


def _area_level(
    y: np.ndarray, psi: np.ndarray, n: np.ndarray, X: np.ndarray, level: float, binary: bool
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Direct estimates shrunken to the main effects by their smoothed design-based variances."""
    smoothed = small_area_scales.smooth(psi, n)
    if smoothed is None or len(y) <= X.shape[1] + 2:
        return (np.full(len(y), np.nan),) * 3
    fitted = small_area.fit(y, X, smoothed.variance)
    known = small_area_integrated.integrated(y, X, smoothed.variance)
    low, high = known.quantile(0.5 - level / 2), known.quantile(0.5 + level / 2)
    if binary:
        return tuple(np.clip(part, 0.0, 1.0) for part in (fitted.estimate, low, high))
    return fitted.estimate, low, high
