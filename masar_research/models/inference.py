"""From a fitted likelihood to a covariance, degrees of freedom and the facts of the note."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from masar_research.engine.sandwich import (
    fitted_degrees,
    influence_totals,
    replicate_estimates,
)
from masar_research.engine.variance import covariance
from masar_research.models.fitting import model_facts
from masar_research.models.model import frozen

if TYPE_CHECKING:
    from masar_research.engine.design import Design
    from masar_research.models.predictors import Predictors
    from masar_research.survey import Survey


@dataclass(frozen=True, slots=True, eq=False)
class Inference:
    """Design-based uncertainty of q parameters.

    Attributes
    ----------
    vcov : (q, q) float array
    totals : (n_units, q) float array
        What `vcov` is made of.
    df : int
        Of t statistics; 0 or less where there are none.
    replicated : (R, q) float array or None
        The parameters in every replicate of a design with replicates.
    """

    vcov: np.ndarray
    totals: np.ndarray
    df: int
    replicated: np.ndarray | None


def infer(
    survey: Survey, coef: np.ndarray, influence: np.ndarray, used: np.ndarray,
    refit: Callable[[np.ndarray], np.ndarray], *, spent: int,
) -> Inference:  # fmt: skip
    """The covariance of parameters from their influence, or from a fit in every replicate.

    Parameters
    ----------
    survey : Survey
    coef : (q,) float array
    influence : (n, q) float array
        Weight × influence.
    used : (n,) bool array
        Fitted rows.
    refit : callable
        (n,) weights → (q,) parameters, for replicates.
    spent : int
        Degrees of freedom that the parameters take from PSUs minus strata.
    """
    design = survey.design
    replicated = None
    if design.replicates is None:
        totals = influence_totals(design, influence)
    else:
        replicated = replicate_estimates(design, refit)
        totals = design.replicates.deviations(replicated, coef)
    df = fitted_degrees(design, used) - spent
    return Inference(covariance(design, totals), totals, df, replicated)


def facts(
    survey: Survey, formula: str, outcome: str, family: str, made: Predictors, *, df: int,
    level: float, more: Mapping[str, Any],
) -> Mapping[str, Any]:  # fmt: skip
    """The note of a model: weights, base, rows, references, what was left out; `more` gives ``df_rule``."""
    return frozen({
        **survey.facts(), **model_facts(formula, outcome, family, made),
        "missing_by_variable": dict(made.missing), "rows": int(made.used.sum()), "df": df,
        "level": level, **more,
    })  # fmt: skip


def df_words(design: Design, spent: str) -> str:
    """Whence the degrees of freedom of a model; `spent` says what its parameters take."""
    if design.phases is not None:
        return f"units minus strata with fitted rows, of the phase that has fewer, {spent}"
    if design.replicates is not None:
        return f"{design.replicates.facts['df']}; {spent}"
    return f"PSUs minus strata with fitted rows, {spent}"
