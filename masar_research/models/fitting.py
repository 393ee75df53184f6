"""Fitting survey models: names to arrays, one engine call, the answer wrapped."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import pandas as pd
from scipy import stats

from masar_research.engine import glm as engine
from masar_research.engine import intervals
from masar_research.engine.margins import coefficient_totals
from masar_research.engine.variance import covariance
from masar_research.errors import ModelError
from masar_research.models.formula import Matrix, build, one_sided, parse
from masar_research.models.model import SurveyModel, frozen

if TYPE_CHECKING:
    from masar_research.codebook import Codebook
    from masar_research.survey import Survey


class Encoding(Protocol):
    """What a table of coefficients must know of how the predictors became columns."""

    @property
    def names(self) -> tuple[str, ...]: ...
    @property
    def references(self) -> Mapping[str, Any]: ...
    @property
    def absent(self) -> Mapping[str, tuple[Any, ...]]: ...
    @property
    def missing(self) -> Mapping[str, int]: ...
    @property
    def lost(self) -> int: ...
    @property
    def data(self) -> pd.DataFrame: ...


_DUMMY = re.compile(r"^(?:C\()?(\w+)\)?\[(?:T\.)?(.+)\]$")
_CONSTANT = {"en": "Constant", "ar": "الثابت"}


def logit(
    survey: Survey,
    formula: str,
    reference: Mapping[str, Any] | None = None,
    level: float = 0.95,
) -> SurveyModel:
    """Survey-weighted logistic regression.

    Parameters
    ----------
    survey : Survey
        With its subpopulation, if any.
    formula : str
        ``"employed ~ C(sex) * C(education) + age"``; the outcome is coded 0/1. Variables the
        codebook calls nominal are categorical with or without ``C()``.
    reference : mapping, optional
        Categorical variable → code or label of its reference level; otherwise its first level.
    level : float
        Confidence level.

    Returns
    -------
    SurveyModel

    Raises
    ------
    ModelError
        An outcome that is not 0/1 or does not vary, collinear terms, separation, a formula that
        cannot be read.

    References
    ----------
    Binder (1983), Int. Stat. Review 51; Lumley (2010), *Complex Surveys*, ch. 5–6.

    Examples
    --------
    >>> model = survey.logit("employed ~ C(sex) + age")          # doctest: +SKIP
    >>> model.frame[["term", "odds_ratio", "p_value"]]           # doctest: +SKIP
    """
    return glm(survey, formula, family="binomial", reference=reference, level=level)


def glm(
    survey: Survey,
    formula: str,
    family: engine.Family = "gaussian",
    reference: Mapping[str, Any] | None = None,
    level: float = 0.95,
) -> SurveyModel:
    """Survey-weighted generalised linear model.

    Parameters
    ----------
    survey, formula, reference, level
        As for :func:`logit`.
    family : {"gaussian", "binomial", "probit", "cloglog", "poisson"}
        Identity link for gaussian, log for poisson, the named link for a 0/1 outcome.

    Returns
    -------
    SurveyModel

    Examples
    --------
    >>> survey.glm("income ~ C(region) + age").frame             # doctest: +SKIP
    """
    check_level(level)
    parsed = parse(formula)
    matrix = build(survey, parsed, reference or {})
    check_outcome(parsed.outcome, family, np.unique(matrix.y[matrix.used]))
    try:
        fitted = engine.fit(matrix.X, matrix.y, survey.design.weights, family=family,
                            mask=matrix.used, names=matrix.names)
    except engine.SeparationError as error:
        cells = one_sided(matrix.spec, matrix.references, matrix.data, matrix.y[matrix.used])
        raise separated(error, cells) from error
    design = survey.design
    vcov = covariance(design, _totals(design, fitted, matrix))
    df = _degrees(design, fitted) + 1 - fitted.coef.size
    note = frozen({
        **survey.facts(), **model_facts(formula, parsed.outcome, family, matrix),
        "rows": fitted.n_used, "iterations": fitted.iterations, "df": df,
        "df_rule": df_rule(design), "level": level,
    })  # fmt: skip
    frame = coefficient_frame(survey.codebook, matrix, fitted.coef, vcov, df, level, family)
    return SurveyModel(survey, formula, family, frame, vcov, note, level, fitted, matrix, df)


def check_level(level: float) -> None:
    """Refuse what is no confidence level."""
    if not 0 < level < 1:
        raise ModelError(f"level={level!r} is not a confidence level.",
                         remedy="Give a fraction between 0 and 1, for instance 0.95.")


def check_outcome(outcome: str, family: str, observed: np.ndarray) -> None:
    """Refuse a 0/1 model of anything else; ``observed`` are the smallest distinct values, sorted."""
    if family not in ("gaussian", "poisson") and not set(observed) <= {0.0, 1.0}:
        raise ModelError(
            f"{outcome} holds {observed[:6].tolist()}; a {family} model needs 0 and 1.",
            remedy="Use a variable coded 1 (yes) and 0 (no), or derive one in the survey card.",
            ar="يحتاج النموذج إلى متغير مرمّز بصفر وواحد.",
        )


def separated(error: engine.SeparationError, cells: Sequence[str]) -> ModelError:
    """A separation, with the groups that hold one outcome only."""
    found = f" Groups with one outcome only: {'; '.join(cells)}." if cells else ""
    return ModelError(error.what + found, remedy=error.remedy, ar=error.ar)


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


def _totals(design: Any, fitted: engine.GLMFit, matrix: Matrix) -> np.ndarray:
    """What the covariance of the coefficients is made of; with replicates, a fit in each."""
    if design.replicates is None:
        return coefficient_totals(design, fitted, matrix.X)
    replicates = design.replicates
    coef = np.empty((replicates.number, fitted.coef.size))
    for r in range(replicates.number):
        weights = replicates.weights.rows(design, r)
        refuse_negative(weights)
        try:
            coef[r] = engine.fit(matrix.X, matrix.y, weights, family=fitted.family,
                                 mask=matrix.used, names=matrix.names, start=fitted.coef).coef
        except ModelError as error:
            raise in_replicate(r, error) from error
    return replicates.deviations(coef, fitted.coef)


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


def coefficient_frame(
    codebook: Codebook, matrix: Encoding, coef: np.ndarray, vcov: np.ndarray, df: int,
    level: float, family: str,
) -> pd.DataFrame:  # fmt: skip
    """The table of a model's coefficients, `df` those of their t statistics."""
    known = np.full(coef.size, float(df) if df > 0 else np.nan)
    std_error = np.sqrt(np.maximum(np.diag(vcov), 0.0))
    low, high = intervals.wald(coef, std_error, known, level)
    with np.errstate(divide="ignore", invalid="ignore"):
        statistic = coef / std_error
    frame = pd.DataFrame({
        "term": matrix.names,
        "label_en": [_words(codebook, matrix, name, "en") for name in matrix.names],
        "label_ar": [_words(codebook, matrix, name, "ar") for name in matrix.names],
        "estimate": coef, "std_error": std_error, "conf_low": low, "conf_high": high,
        "statistic": statistic, "df": df,
        "p_value": 2 * stats.t.sf(np.abs(statistic), known),
    })  # fmt: skip
    if family == "binomial":
        frame = frame.assign(odds_ratio=np.exp(coef), odds_low=np.exp(low), odds_high=np.exp(high))
    return frame


def _words(codebook: Codebook, matrix: Encoding, term: str, lang: str) -> str:
    """A term through the codebook: 'Sex: Female × Age'; '' where a wording is absent."""
    if term == "Intercept":
        return _CONSTANT[lang]
    parts = []
    for piece in term.split(":"):
        match = _DUMMY.match(piece)
        name = match.group(1) if match else piece
        if name not in codebook:
            parts.append(piece if lang == "en" else None)
            continue
        variable = codebook[name]
        words = variable.label.get(lang)
        if match and words is not None and name in matrix.references:
            words = _category(matrix, variable, match.group(2), words, lang)
        parts.append(words)
    return "" if any(part is None for part in parts) else " × ".join(parts)


def _category(matrix, variable, level: str, words: str, lang: str) -> str | None:
    code = next((c for c in matrix.data[variable.name].cat.categories if str(c) == level), None)
    label = next((c.label for c in variable.categories if c.code == code), None)
    if label is None:
        return f"{words}: {level}"
    return None if label.get(lang) is None else f"{words}: {label[lang]}"
