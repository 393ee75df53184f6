"""Variance inflation of the coefficients of a fitted GLM, plain and by the design."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from masar_research.engine.auxiliary import row_sums
from masar_research.engine.design import Design
from masar_research.engine.glm import GLMFit
from masar_research.engine.margins import unit_totals
from masar_research.engine.variance import covariance

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Inflation:
    """Variance inflation factors.

    Parameters
    ----------
    plain : (p,) float array
        1 / (1 − R²) of each column on the others, with the weights of the fit (weight × W).
    design : (p,) float array
        Design-based variance of the coefficient over that of one whose column is uncorrelated with
        the others, the scores of the fit staying as they are; the covariance itself and not residual
        totals of calibration.
    """

    plain: Floats
    design: Floats


def inflation(design: Design, fitted: GLMFit, X: np.ndarray, constant: int | None) -> Inflation:
    """Variance inflation factors of every column.

    With x̃_k the column less its weighted mean (where there is a constant), e_k what the other columns
    leave of it, ω = weight × W and s the scores:
    plain ``Σωx̃² / Σωe²``; design ``Var(Σ s e / Σωe²) / Var(Σ s x̃ / Σωx̃²)``.

    Parameters
    ----------
    design : Design
    fitted : GLMFit
    X : (n, p) float array
    constant : int or None
        Column of ones, whose own factors are NaN.

    References
    ----------
    Liao and Valliant (2012), Survey Methodology 38, 53–62.

    Examples
    --------
    >>> from masar_research.engine.design import declare
    >>> from masar_research.engine.glm import fit
    >>> X = np.column_stack([np.ones(4), [-1.0, -1, 1, 1], [-1.0, 1, -1, 1]])
    >>> fitted = fit(X, np.array([0.0, 1.0, 1.0, 3.0]), np.ones(4), family="gaussian")
    >>> inflation(declare(np.ones(4)), fitted, X, 0).plain.round(9).tolist()
    [nan, 1.0, 1.0]
    """
    p = X.shape[1]
    information = np.linalg.inv(fitted.bread)
    centred = np.eye(p)
    if constant is not None:
        centred[constant] -= information[constant] / information[constant, constant]
        centred[constant, constant] = 1.0
    # Column k of `left` turns X into e_k: proportional to the bread's column, 1 in place k.
    left = fitted.bread / np.diag(fitted.bread)
    own = np.einsum("jk,ji,ik->k", centred, information, centred)
    rest = np.einsum("jk,ji,ik->k", left, information, left)
    turned = np.column_stack([left / rest, centred / own])
    totals = unit_totals(
        design,
        lambda codes, k, by: row_sums(codes, fitted.score if by is None else fitted.score * by, X, k) @ turned,
    )
    variance = np.diag(covariance(design, totals))
    with np.errstate(divide="ignore", invalid="ignore"):
        plain, designed = own / rest, variance[:p] / variance[p:]
    if constant is not None:
        plain[constant] = designed[constant] = np.nan
    return Inflation(plain, designed)


def generalised(fitted: GLMFit, columns: list[int], constant: int | None) -> float:
    """Fox and Monette's generalised factor of several columns together.

    ``det R_in · det R_out / det R`` of the correlations of the estimates; 1 / (1 − R²) for one column.

    Parameters
    ----------
    fitted : GLMFit
    columns : list of int
    constant : int or None
        Left out of the correlations.

    References
    ----------
    Fox and Monette (1992), JASA 87, 178–183.
    """
    used = [j for j in range(len(fitted.coef)) if j != constant]
    scale = np.sqrt(np.diag(fitted.bread))
    correlations = fitted.bread / np.outer(scale, scale)

    def logarithm(which: list[int]) -> float:
        return float(np.linalg.slogdet(correlations[np.ix_(which, which)])[1]) if which else 0.0

    others = [j for j in used if j not in columns]
    return float(np.exp(logarithm(columns) + logarithm(others) - logarithm(used)))
