"""Fitting survey models: names to arrays, one engine call, the answer wrapped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from scipy import stats

from masar_research.engine import glm as engine
from masar_research.engine.families import Kind, named
from masar_research.engine.firth import at_least_model_based, fit_firth
from masar_research.engine.margins import unit_totals
from masar_research.engine.negative_binomial import fit_negative_binomial
from masar_research.engine.refits import refits
from masar_research.engine.scoring import aliased
from masar_research.engine.variance import covariance
from masar_research.errors import ModelError
from masar_research.models.coefficients import Encoding, coefficient_frame
from masar_research.models.formula import Matrix, build, one_sided, parse
from masar_research.models.model import Asked, SurveyModel, frozen

if TYPE_CHECKING:
    from masar_research.survey import Survey

Penalty = Literal["firth"]
Collinear = Literal["raise", "drop"]


def glm(
    survey: Survey,
    formula: str,
    family: str = "gaussian",
    reference: Mapping[str, Any] | None = None,
    level: float = 0.95,
    *,
    link: str | None = None,
    exposure: str | None = None,
    penalty: Penalty | None = None,
    collinear: Collinear = "raise",
) -> SurveyModel:
    """Survey-weighted generalised linear model.

    Parameters
    ----------
    survey : Survey
        With its subpopulation, if any.
    formula : str
        ``"employed ~ C(sex) * C(education) + bs(age, df=4) + offset(log(years))"``. Variables the
        codebook calls nominal are categorical with or without ``C()``; what splines and
        polynomials learn from the fitted rows is kept for predictions.
    family : str
        "gaussian", "binomial", "poisson", "gamma" or "negative_binomial"; "probit" and "cloglog"
        are binomial with that link.
    reference : mapping, optional
        Categorical variable → code or label of its reference level; otherwise its first level.
    level : float
        Confidence level.
    link : str, optional
        gaussian: identity, log, inverse; binomial: logit, probit, cloglog, cauchit, log; poisson:
        log, sqrt, identity; gamma: log, inverse, identity; negative_binomial: log. The first of
        each by default.
    exposure : str, optional
        Variable whose logarithm is an offset; for a log link.
    penalty : "firth", optional
        Firth's penalised likelihood, for a logit: finite also where the outcome is separated.
    collinear : {"raise", "drop"}
        What becomes of columns that repeat others: an error that names them, or they are left out
        and ``note["dropped"]`` says which and why.

    Returns
    -------
    SurveyModel

    Raises
    ------
    ModelError
        An outcome outside the family's range or that does not vary, collinear terms, separation, a
        formula that cannot be read.

    References
    ----------
    Binder (1983), Int. Stat. Review 51; Lumley (2010), *Complex Surveys*, ch. 5–6.

    Examples
    --------
    >>> import pandas as pd, masar_research as mr
    >>> frame = pd.DataFrame({"w": [1.0, 2.0] * 10, "psu": list(range(10)) * 2,
    ...                       "region": ["north", "south"] * 10, "visits": [0, 1, 2, 0, 4] * 4,
    ...                       "years": [1.0, 2.0, 1.0, 1.0] * 5})
    >>> survey = mr.Survey(frame, weights="w", psu="psu")
    >>> model = survey.glm("visits ~ region", family="poisson", exposure="years")
    >>> model.frame["term"].tolist(), model.note["family"], model.note["offset"]
    (['Intercept', 'region[T.south]'], 'poisson', 'log(years)')
    """
    check_level(level)
    kind = _kind(family, link, penalty, exposure)
    asked = Asked(formula, family, dict(reference or {}), level, link, exposure, penalty, collinear)
    parsed = parse(formula if exposure is None else f"{formula} + offset(log({exposure}))")
    matrix = build(survey, parsed, reference or {})
    check_outcome(parsed.outcome, kind.label, np.unique(matrix.y[matrix.used]))
    matrix, dropped = _independent(matrix, survey.design.weights, collinear)
    try:
        fitted = _fit(kind, penalty, matrix, survey.design.weights)
    except engine.SeparationError as error:
        cells = one_sided(matrix.spec, matrix.references, matrix.data, matrix.y[matrix.used])
        raise separated(error, cells, firth=kind.label == "binomial") from error
    design = survey.design
    vcov = covariance(design, _totals(design, fitted, kind, penalty, matrix))
    p = fitted.coef.size
    df = _degrees(design, fitted) + 1 - p
    note = {
        **survey.facts(), **model_facts(formula, parsed.outcome, kind.label, matrix),
        "link": kind.link, "offset": " + ".join(parsed.offset) or None,
        "rows": fitted.n_used, "iterations": fitted.iterations, "df": df,
        "df_rule": df_rule(design), "level": level,
    }  # fmt: skip
    if dropped:
        note["dropped"] = dropped
    if fitted.nuisance is not None:
        note["dispersion"] = _dispersion(fitted.nuisance, vcov[p, p], df, level)
        vcov = vcov[:p, :p]
    if penalty is not None:
        scale = fitted.weights.sum() / fitted.n_used
        vcov = at_least_model_based(vcov, fitted.bread * scale)
        note["penalty"] = ("Firth, weights scaled to the number of fitted rows; generalised design "
                           "effects below one raised to one")
    label = kind.label
    frame = coefficient_frame(survey.codebook, matrix, fitted.coef, vcov, df, level, label)
    return SurveyModel(survey, formula, label, frame, vcov, frozen(note), level, fitted, matrix, df, asked)


def _kind(family: str, link: str | None, penalty: str | None, exposure: str | None) -> Kind:
    kind = named(family, link)
    if penalty is not None and (penalty != "firth" or kind.label != "binomial"):
        raise ModelError(
            f"penalty={penalty!r} is not offered for a {kind.label} model.",
            remedy="Firth's penalty, penalty='firth', is offered for logit models.",
            ar="جزاء فيرث (penalty='firth') متاح للنموذج اللوجستي وحده.",
        )
    if exposure is not None and kind.link != "log":
        raise ModelError(
            f"exposure={exposure!r} enters as a logarithm; the {kind.link} link has no such offset.",
            remedy="Use a log link, or write offset(...) in the formula on the scale of the link.",
            ar="يدخل التعرّض exposure لوغاريتماً، فاستعمل دالة الربط اللوغاريتمية أو اكتب offset(...) في الصيغة.",
        )
    return kind


def _independent(matrix: Matrix, weights: np.ndarray, collinear: str) -> tuple[Matrix, dict[str, str]]:
    """The matrix less its collinear columns, and what was dropped, where that is asked for."""
    if collinear not in ("raise", "drop"):
        raise ModelError(f"collinear={collinear!r} is not known.", remedy="Use 'raise' or 'drop'.")
    if collinear == "raise":
        return matrix, {}
    w = np.where(matrix.used, weights, 0.0)
    found = aliased(matrix.X.T @ (matrix.X * w[:, None]), matrix.names)
    if not found:
        return matrix, {}
    return matrix.without(found), {matrix.names[j]: why for j, why in found.items()}


def _fit(
    kind: Kind, penalty: str | None, matrix: Matrix, weights: np.ndarray,
    near: engine.GLMFit | None = None,
) -> engine.GLMFit:  # fmt: skip
    """One fit; ``near`` is that of nearly the same weights."""
    common = {"mask": matrix.used, "names": matrix.names, "offset": matrix.offset,
              "start": None if near is None else near.coef}
    if penalty is not None:
        return fit_firth(matrix.X, matrix.y, weights, **common)
    if kind.name == "negative_binomial":
        theta = None if near is None else near.family.theta
        return fit_negative_binomial(matrix.X, matrix.y, weights, theta=theta, **common)
    return engine.fit(matrix.X, matrix.y, weights, family=kind, **common)


def fit_columns(model: SurveyModel, X: np.ndarray) -> engine.GLMFit:
    """Other columns (n, q) fitted to the rows, weights, outcome and offset of a model."""
    matrix, old = model.matrix, model.fit
    kind = named(model.asked.family, model.asked.link)
    if kind.name == "negative_binomial":
        return fit_negative_binomial(X, matrix.y, old.weights, mask=old.used, offset=matrix.offset)
    return engine.fit(X, matrix.y, old.weights, family=kind, mask=old.used, offset=matrix.offset)


def _dispersion(nuisance: engine.Nuisance, variance: float, df: int, level: float) -> dict[str, float]:
    """α = 1/θ, its standard error by the delta method, and its interval, formed for ln α."""
    error = float(np.sqrt(max(variance, 0.0)))
    alpha = float(np.exp(-nuisance.value))
    reach = float(stats.t.ppf((1 + level) / 2, df)) * error if df > 0 else np.nan
    return {"alpha": alpha, "std_error": alpha * error, "conf_low": alpha * np.exp(-reach),
            "conf_high": alpha * np.exp(reach), "theta": 1 / alpha}


def check_level(level: float) -> None:
    """Refuse what is no confidence level."""
    if not 0 < level < 1:
        raise ModelError(f"level={level!r} is not a confidence level.",
                         remedy="Give a fraction between 0 and 1, for instance 0.95.")


def check_outcome(outcome: str, family: str, observed: np.ndarray) -> None:
    """Refuse a 0/1 model of anything else; ``observed`` are the smallest distinct values, sorted."""
    binary = family.split(" ")[0] in ("binomial", "probit", "cloglog")
    if binary and not set(observed) <= {0.0, 1.0}:
        raise ModelError(
            f"{outcome} holds {observed[:6].tolist()}; a {family} model needs 0 and 1.",
            remedy="Use a variable coded 1 (yes) and 0 (no), or derive one in the survey card.",
            ar="يحتاج النموذج إلى متغير مرمّز بصفر وواحد.",
        )


def separated(
    error: engine.SeparationError, cells: Sequence[str], firth: bool = False, streamed: bool = False
) -> ModelError:
    """A separation, with the groups that hold one outcome only; ``firth`` where a penalty would help."""
    found = f" Groups with one outcome only: {'; '.join(cells)}." if cells else ""
    remedy, ar = error.remedy, error.ar
    if firth:
        where = " on a survey in memory" if streamed else ""
        remedy = f"{remedy.rstrip('.')}, or ask for finite estimates with penalty='firth'{where}."
        ar = ar.rstrip(".") + "، أو اطلب تقديرات منتهية بالخيار \u2066penalty='firth'\u2069"
        ar += " لمسح محمّل في الذاكرة." if streamed else "."
    return ModelError(error.what + found, remedy=remedy, ar=ar)


def in_replicate(replicate: int, error: ModelError) -> ModelError:
    """What went wrong, and in which replicate (from 0)."""
    return ModelError(f"In replicate {replicate + 1}: {error.what}", remedy=error.remedy)


def refuse_negative(weights: np.ndarray) -> None:
    """Refuse replicate weights below zero."""
    if (weights < 0).any():
        raise ModelError(
            "Some replicate weights are negative; no likelihood can be fitted with them.",
            remedy="Estimate means, totals and ratios with them, or ask the producer for others.",
        )


def model_facts(formula: str, outcome: str, family: str, matrix: Encoding) -> dict[str, Any]:
    """What a model's note says of its data."""
    return {
        "formula": formula, "outcome": outcome, "family": family,
        "missing": matrix.lost, "missing_by_variable": dict(matrix.missing),
        "references": dict(matrix.references), "levels_without_rows": dict(matrix.absent),
    }  # fmt: skip


def _totals(
    design: Any, fitted: engine.GLMFit, kind: Kind, penalty: str | None, matrix: Matrix
) -> np.ndarray:
    """What the covariance of the coefficients, and of a dispersion after them, is made of."""
    if design.replicates is None:
        return unit_totals(
            design, lambda codes, k, by: engine.parameter_sums(fitted, matrix.X, codes, k, by)
        )
    full = _parameters(fitted)
    return design.replicates.deviations(_replicated(design, fitted, kind, penalty, matrix), full)


def _parameters(fitted: engine.GLMFit) -> np.ndarray:
    beside = fitted.nuisance
    return fitted.coef if beside is None else np.append(fitted.coef, beside.value)


def _replicated(
    design: Any, fitted: engine.GLMFit, kind: Kind, penalty: str | None, matrix: Matrix
) -> np.ndarray:
    """(R, q) parameters in each replicate: all at once where the score is that of a plain GLM."""
    replicates = design.replicates

    def weights_of(r: int) -> np.ndarray:
        weights = replicates.weights.rows(design, r)
        refuse_negative(weights)
        return weights

    out = np.empty((replicates.number, _parameters(fitted).size))
    left = range(replicates.number)
    if penalty is None and fitted.nuisance is None:
        rows = slice(None) if fitted.used.all() else np.flatnonzero(fitted.used)
        out, settled = refits(
            matrix.X[rows], matrix.y[rows], lambda r: weights_of(r)[rows], replicates.number,
            fitted.coef, family=kind, offset=None if matrix.offset is None else matrix.offset[rows],
        )  # fmt: skip
        left = np.flatnonzero(~settled)
    for r in left:
        try:
            out[r] = _parameters(_fit(kind, penalty, matrix, weights_of(r), fitted))
        except ModelError as error:
            raise in_replicate(int(r), error) from error
    return out


def df_rule(design: Any) -> str:
    """Whence the degrees of freedom of a model."""
    if design.phases is not None:
        return "units minus strata with fitted rows, of the phase that has fewer, plus 1, minus coefficients"
    if design.replicates is None:
        return "PSUs minus strata with fitted rows, plus 1, minus coefficients (as R svyglm)"
    return f"{design.replicates.facts['df']}; plus 1, minus coefficients (as R svyglm)"


def _degrees(design: Any, fitted: engine.GLMFit) -> int:
    """PSUs minus strata among those with a fitted row; with replicates, theirs."""
    if design.replicates is not None:
        return design.replicates.degrees_among(design, fitted.used)
    rows = np.bincount(design.unit[fitted.used], minlength=design.n_units)
    return int(design.structure.degrees_of_freedom(rows[:, None] > 0)[0])
