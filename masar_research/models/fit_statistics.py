"""How well a model fits: pseudo-R², dAIC and dBIC, the Archer–Lemeshow test, variance inflation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from masar_research.engine import linearized
from masar_research.engine.auxiliary import cell_sums
from masar_research.engine.distributions import f_tail
from masar_research.engine.inflation import generalised, inflation
from masar_research.engine.variance import covariance
from masar_research.errors import ModelError
from masar_research.models.tests import comparable, naive_covariance
from masar_research.statistics.results import TestResult

if TYPE_CHECKING:
    from masar_research.models.model import SurveyModel

_NAN = float("nan")


@dataclass(frozen=True, slots=True)
class FitStatistics:
    """Figures of a fit, weights scaled to sum to the number of fitted rows.

    Attributes
    ----------
    n : int
    deviance, null_deviance : float
        Of the model and of one with a constant (and the offset) only; twice minus the
        log-likelihood for a 0/1 outcome and a negative binomial.
    r_squared : float
        ``1 − deviance / null_deviance``: R² of a linear model, McFadden's for a 0/1 outcome.
    cox_snell, nagelkerke : float
        ``1 − exp((D − D0) / n)`` and the same over ``1 − exp(−D0 / n)``; 0/1 outcomes and counts.
    daic : float
        ``−2ℓ + 2 Σ δ``, δ the generalised design effects of the coefficients but the constant.
    effective_parameters, mean_effect : float
        Σ δ and its mean.
    """

    n: int
    deviance: float
    null_deviance: float
    r_squared: float
    cox_snell: float
    nagelkerke: float
    daic: float
    effective_parameters: float
    mean_effect: float


def fit_statistics(model: SurveyModel) -> FitStatistics:
    """Deviance, pseudo-R² and dAIC of a model.

    Parameters
    ----------
    model : SurveyModel

    Returns
    -------
    FitStatistics
        dAIC of a linear model takes σ² as estimated too: ``n (ln σ̂² + 1 + ln 2π) + 2 (Σ δ + δ_σ)``,
        δ against σ̂² times the inverse information.

    Raises
    ------
    ModelError
        A penalised fit.

    References
    ----------
    Lumley and Scott (2015), J. Survey Stat. Methodol. 3; Lumley (2017), Aust. N. Z. J. Stat. 59.

    Examples
    --------
    >>> import pandas as pd, masar_research as mr
    >>> frame = pd.DataFrame({"w": [1.0] * 60, "psu": list(range(20)) * 3, "age": range(60),
    ...                       "works": [0, 0, 1, 0, 1, 1] * 10})
    >>> model = mr.Survey(frame, weights="w", psu="psu").logit("works ~ age")
    >>> found = model.fit_statistics()
    >>> found.n, bool(0 <= found.cox_snell <= found.nagelkerke <= 1)
    (60, True)
    """
    from masar_research.models.fitting import fit_columns

    fit, n = model.fit, model.fit.n_used
    if fit.penalty is not None:
        raise ModelError("A penalised fit has no deviance: its likelihood holds the penalty.",
                         remedy="Compare models by Wald tests, model.test(term).",
                         ar="لا انحراف لنموذج معاقَب؛ قارن بين الحدود باختبار والد \u2066model.test(term)\u2069.")
    scale = n / float(fit.weights.sum())
    deviance = -2 * fit.log_likelihood * scale
    ones = fit.used.astype(float)[:, None]
    null = -2 * fit_columns(model, ones).log_likelihood * scale
    constant = constant_of(model)
    terms = [j for j in range(fit.coef.size) if j != constant]
    block = np.ix_(terms, terms)
    naive = naive_covariance(model)[block] * _dispersion(model, deviance)
    effects = np.trace(np.linalg.solve(naive, model.vcov[block])) if terms else 0.0
    mean = float(effects) / len(terms) if terms else _NAN
    minus_two, spent = deviance, float(effects)
    if model.family == "gaussian":
        minus_two, own = _gaussian(model, deviance)
        spent += own
    counts = model.family.split(" ")[0] in ("binomial", "probit", "cloglog", "poisson")
    cox = float(-np.expm1((deviance - null) / n)) if counts else _NAN
    most = float(-np.expm1(-null / n))
    return FitStatistics(n, deviance, null, 1 - deviance / null, cox, cox / most if counts else _NAN,
                         minus_two + 2 * spent if _likely(model) else _NAN, spent, mean)


def _dispersion(model: SurveyModel, deviance: float) -> float:
    """What the inverse information of the engine leaves out: the variance of a linear model."""
    return deviance / model.fit.n_used if model.family == "gaussian" else 1.0


def _likely(model: SurveyModel) -> bool:
    """Whether the fit maximises a likelihood in which nothing else is unknown."""
    return not model.family.startswith(("gamma", "gaussian (")) and model.fit.nuisance is None


def _gaussian(model: SurveyModel, deviance: float) -> tuple[float, float]:
    """−2ℓ at the estimated variance, and the design effect of that variance under weights alone."""
    fit, n = model.fit, model.fit.n_used
    used, variance = fit.used, deviance / n
    w = fit.weights[used] * n / fit.weights.sum()
    score = ((model.matrix.y[used] - fit.mu[used]) ** 2 / variance - 1) / (2 * variance)
    effect = float(w @ score**2) / (n / (2 * variance**2))
    return n * (np.log(variance) + 1 + np.log(2 * np.pi)), effect


def dbic(model: SurveyModel, maximal: SurveyModel) -> float:
    """Design-based BIC relative to a larger model that all candidates are part of.

    ``β_q' V_q⁻¹ β_q + p ln n + ln det(V0_q⁻¹ V_q) + D_max``, q the coefficients that only the maximal
    model has; compare values with one maximal model only.

    Parameters
    ----------
    model, maximal : SurveyModel
        Of the same rows; the columns of `model` are among those of `maximal`.

    References
    ----------
    Lumley and Scott (2015), J. Survey Stat. Methodol. 3.

    Examples
    --------
    >>> small.dbic(large) - large.dbic(large)                       # doctest: +SKIP
    """
    comparable(model, maximal)
    beyond = sorted(set(model.matrix.names) - set(maximal.matrix.names))
    if beyond:
        raise ModelError(f"{', '.join(beyond)} is not in the maximal model {maximal.formula!r}.",
                         remedy="Give a maximal model that holds every candidate's terms.",
                         ar="يجب أن يحوي النموذج الأكبر حدود كل نموذج مرشح.")
    n = model.fit.n_used
    index = [j for j, name in enumerate(maximal.matrix.names) if name not in model.matrix.names]
    block = np.ix_(index, index)
    deviance = fit_statistics(maximal).deviance
    most = _gaussian(maximal, deviance)[0] if maximal.family == "gaussian" else deviance
    found = model.fit.coef.size * np.log(n) + most
    if not index:
        return float(found)
    beta, vcov, naive = maximal.fit.coef[index], maximal.vcov[block], naive_covariance(maximal)[block]
    naive = naive * _dispersion(maximal, deviance)
    logdet = np.linalg.slogdet(np.linalg.solve(naive, vcov))[1]
    return float(found + beta @ np.linalg.solve(vcov, beta) + logdet)


def goodness_of_fit(model: SurveyModel, groups: int = 10) -> TestResult:
    """Archer and Lemeshow's F-adjusted mean residual test of a 0/1 model.

    Rows are put into `groups` by the weighted distribution of their predicted probability, ties
    together. With M the weighted mean residuals of the g groups and V(M) their design-based
    covariance, ``F = (f − g + 2) / (f g) · M'V(M)⁻¹M`` on g − 1 and f − g + 2 degrees of freedom,
    f the PSUs less strata.

    Parameters
    ----------
    model : SurveyModel
        Of a 0/1 outcome.
    groups : int

    Returns
    -------
    TestResult
        A small p-value says that predicted and observed shares differ somewhere.

    Raises
    ------
    ModelError
        Another outcome; fewer than three distinct groups; too few PSUs.

    References
    ----------
    Archer and Lemeshow (2006), Stata Journal 6, 97–105; Archer, Lemeshow and Hosmer (2007), CSDA 51.

    Examples
    --------
    >>> model.goodness_of_fit()                                     # doctest: +SKIP
    """
    if model.family.split(" ")[0] not in ("binomial", "probit", "cloglog"):
        raise ModelError(f"The Archer–Lemeshow test is for 0/1 outcomes, not for {model.family}.",
                         remedy="Look at model.plot_residuals(), or compare models with model.compare(other).",
                         ar="هذا الاختبار للمتغيرات الثنائية وحدها؛ انظر رسم البواقي \u2066model.plot_residuals()\u2069.")
    fit, design = model.fit, model.survey.design
    place = risk_groups(fit.mu, fit.weights, fit.used, groups)
    k = int(place.max()) + 1
    f = model.df - 1 + fit.coef.size
    freedom = f - k + 2
    if k < 3 or freedom <= 0:
        raise ModelError(
            f"{k} groups of predicted probability and {f} degrees of freedom leave nothing to test.",
            remedy="Ask for fewer groups, or add predictors.",
            ar="عدد المجموعات أو عدد وحدات المعاينة لا يكفي لهذا الاختبار؛ اطلب عدداً أقل من المجموعات.",
        )
    residual = np.where(fit.used, model.matrix.y - np.nan_to_num(fit.mu), 0.0)
    means = linearized.mean(design, residual, domain=place, n_domains=k, mask=fit.used)
    vcov = covariance(design, means.totals)
    wald = float(means.estimate @ np.linalg.solve(vcov, means.estimate))
    statistic = freedom / (f * k) * wald
    p = float(f_tail(statistic, k - 1, freedom))
    return TestResult(
        statistic, float(k - 1), float(freedom), p, "F",
        {"en": "Archer–Lemeshow goodness of fit", "ar": "اختبار آرتشر–لِمِشو لجودة التوفيق"},
        {"en": model.formula, "ar": f"\u2066{model.formula}\u2069"}, "calibration", fit.n_used,
        model.level, {**model.note, "groups": k},
    )  # fmt: skip


def risk_groups(mu: np.ndarray, weights: np.ndarray, used: np.ndarray, groups: int) -> np.ndarray:
    """(n,) group of each row by the weighted distribution of its fitted mean; −1 outside, ties together."""
    values, place = np.unique(mu[used], return_inverse=True)
    share = np.cumsum(cell_sums(place, weights[used], values.size))
    share /= share[-1]
    cuts = [values[np.searchsorted(share, q - 1e-12)] for q in np.arange(1, groups) / groups]
    out = np.full(mu.size, -1)
    _, out[used] = np.unique(np.searchsorted(np.unique(cuts), mu[used], side="left"), return_inverse=True)
    return out


def vif(model: SurveyModel) -> pd.DataFrame:
    """Variance inflation of every coefficient: plain with the weights of the fit, and by the design.

    Parameters
    ----------
    model : SurveyModel

    Returns
    -------
    pandas.DataFrame
        ``term, label_en, label_ar, vif, design_vif, of, gvif``: ``of`` is the formula's term and
        ``gvif`` its generalised factor to the power 1/(2 columns), comparable between terms (the root
        of `vif` for one column).

    References
    ----------
    Liao and Valliant (2012), Survey Methodology 38; Fox and Monette (1992), JASA 87.

    Examples
    --------
    >>> model.vif()[["term", "vif", "design_vif"]]                  # doctest: +SKIP
    """
    constant = constant_of(model)
    found = inflation(model.survey.design, model.fit, model.matrix.X, constant)
    rows = []
    for term, columns in model.matrix.terms.items():
        if term == "1" or not columns:
            continue
        power = generalised(model.fit, list(columns), constant) ** (1 / (2 * len(columns)))
        for j in columns:
            row = model.frame.iloc[j]
            rows.append((row["term"], row["label_en"], row["label_ar"], found.plain[j], found.design[j], term, power))
    return pd.DataFrame(rows, columns=["term", "label_en", "label_ar", "vif", "design_vif", "of", "gvif"])


def constant_of(model: SurveyModel) -> int | None:
    """Column of the constant."""
    found = model.matrix.terms.get("1", ())
    return found[0] if found else None
