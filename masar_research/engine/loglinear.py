"""Log-linear models of weighted tables, and Rao–Scott tests of nested ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from masar_research.engine.newton import Slope, inverse_scaled, maximise, refuse_duplicates
from masar_research.engine.quadratic_forms import tail
from masar_research.errors import ModelError


@dataclass(frozen=True, slots=True, eq=False)
class LoglinearFit:
    """A log-linear model of C cell shares.

    Attributes
    ----------
    coef : (p,) float array
    bread : (p, p) float array
        ``(X'(diag π − ππ')X)⁻¹``.
    shares, fitted : (C,) float arrays
        Observed weighted shares and fitted ones.
    X : (C, p) float array
    by_cell : (C, p) float array
        Derivative of `coef` by the share of each cell: ``(x_c − X'π) · bread``.
    iterations : int
    """

    coef: np.ndarray
    bread: np.ndarray
    shares: np.ndarray
    fitted: np.ndarray
    X: np.ndarray
    by_cell: np.ndarray
    iterations: int


@dataclass(frozen=True, slots=True, eq=False)
class NestedTest:
    """Rao–Scott test of a log-linear model within a larger one.

    Attributes
    ----------
    value : float
        The deviance or Pearson statistic at n rows.
    q : int
        Coefficients in which the models differ.
    statistic, df_num, df_den : float
        Second-order corrected F: value / Σλ on (Σλ)²/Σλ² and that times the df of the design.
    p : float
    p_first_order, p_mixture : float
        Of χ²_q after division by the mean λ; of Σ λ χ²_1 over χ²_df_den / df_den (integration).
    eigenvalues : (q,) float array
        Generalised design effects λ.
    """

    value: float
    q: int
    statistic: float
    df_num: float
    df_den: float
    p: float
    p_first_order: float
    p_mixture: float
    eigenvalues: np.ndarray


def fit(
    shares: np.ndarray, X: np.ndarray, *, names: Sequence[str] | None = None,
    start: np.ndarray | None = None,
) -> LoglinearFit:  # fmt: skip
    """Fit ``log π_c = constant + x_c'θ`` to the shares of a table.

    Pseudo-maximum likelihood: X'p̂ = X'π.

    Parameters
    ----------
    shares : (C,) float array
        Weighted shares of the cells, summing to 1.
    X : (C, p) float array
        Without a constant.
    names : sequence of str, optional
        Of the columns of X.
    start : (p,) float array, optional

    Raises
    ------
    ModelError
        Collinear columns, more of them than cells.
    SeparationError
        A margin of the model that is empty.

    References
    ----------
    Rao and Scott (1984), *Annals of Statistics* 12, 46–60.

    Examples
    --------
    >>> table = fit(np.array([0.25, 0.75]), np.array([[0.0], [1.0]]))
    >>> table.coef.round(4)
    array([1.0986])
    """
    p = X.shape[1]
    names = list(names) if names is not None else [f"column {j}" for j in range(p)]
    refuse_duplicates(X, np.ones(len(X)), names, constant=True)
    size = np.abs(X).max(axis=0, initial=0.0)

    def evaluate(coef: np.ndarray) -> Slope:
        fitted, level = _softmax(X @ coef)
        value = float(shares @ (X @ coef) - level)
        reach = -float(np.log(np.maximum(fitted, 1e-300)).min())
        return Slope(value, X.T @ (shares - fitted), _information(X, fitted), reach)

    begin = np.zeros(p) if start is None else start
    coef, slope, passes = maximise(evaluate, begin, names=names, moves=lambda step: np.abs(step) * size,
                                   weight=1.0)
    fitted, _ = _softmax(X @ coef)
    bread = inverse_scaled(slope.information) if p else np.zeros((0, 0))
    return LoglinearFit(coef, bread, shares, fitted, X, (X - fitted @ X) @ bread, passes)


def nested(
    small: LoglinearFit, large: LoglinearFit, vcov: np.ndarray, n: int, df: int, *, pearson: bool
) -> NestedTest:
    """Test a model within a larger one of the same table.

    With C the columns of the larger model less their projection (in the metric of its fitted
    shares) on those of the smaller, D = diag p̂ − p̂p̂' and V the design's covariance of p̂, λ are the
    eigenvalues of ``(C'DC / n)⁻¹ C'VC``. The deviance is ``2 n Σ p̂ log(π_large / π_small)``,
    Pearson's statistic ``n Σ (π_large − π_small)² / π_small``.

    Parameters
    ----------
    small, large : LoglinearFit
    vcov : (C, C) float array
    n : int
        Rows behind the table.
    df : int
        Degrees of freedom of the design.
    pearson : bool
        Pearson's statistic instead of the deviance.

    Raises
    ------
    ModelError
        The smaller model is not within the larger one, or does not differ from it; no degrees
        of freedom.
    """
    ones = np.ones((len(small.shares), 1))
    inner, outer = np.hstack([ones, small.X]), np.hstack([ones, large.X])
    rank = [np.linalg.matrix_rank(m) for m in (inner, outer, np.hstack([inner, outer]))]
    if rank[2] != rank[1] or rank[0] >= rank[1]:
        raise ModelError(
            "Neither model lies within the other.",
            remedy="Compare models of the same variables of which one has all terms of the other and more.",
            ar="لا يتضمن أحد النموذجين الآخر؛ قارن نموذجين يحوي أحدهما كل حدود الآخر ويزيد.",
        )
    if df <= 0:
        raise ModelError(
            "The design has no degrees of freedom among the fitted rows.",
            remedy="Use a larger subpopulation, or collapse strata in the design.",
            ar="لا درجات حرية في التصميم لهذه الفئة؛ وسّع الفئة أو ادمج الطبقات.",
        )
    q = int(rank[1] - rank[0])
    basis = _beyond(inner, outer, large.fitted, q)
    within = basis.T @ (basis * large.shares[:, None]) - np.outer(basis.T @ large.shares, basis.T @ large.shares)
    lower = np.linalg.cholesky(within / n)
    half = np.linalg.solve(lower, basis.T @ vcov @ basis)
    eigenvalues = np.linalg.eigvalsh(np.linalg.solve(lower, half.T))[::-1]
    gap = large.fitted - small.fitted
    if pearson:
        value = float(n * np.sum(gap**2 / small.fitted))
    else:
        value = float(2 * n * (large.shares @ np.log(large.fitted / small.fitted)))
    total, squares = float(eigenvalues.sum()), float((eigenvalues**2).sum())
    d = total**2 / squares
    return NestedTest(
        value, q, value / total, d, d * df, float(stats.f.sf(value / total, d, d * df)),
        float(stats.chi2.sf(value * q / total, q)),
        tail(value, eigenvalues, d * df, "integration"), eigenvalues,
    )  # fmt: skip


def adjusted_residuals(of: LoglinearFit, vcov: np.ndarray) -> np.ndarray:
    """(C,) observed less fitted shares over their design-based standard error; NaN where it is 0."""
    spread = np.diag(of.fitted) - np.outer(of.fitted, of.fitted)
    keep = np.eye(len(of.fitted)) - spread @ of.X @ of.bread @ of.X.T
    variance = np.diag(keep @ vcov @ keep.T)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(variance > 1e-14 * np.diag(vcov).max(), (of.shares - of.fitted) / np.sqrt(np.maximum(variance, 0)), np.nan)


def _softmax(eta: np.ndarray) -> tuple[np.ndarray, float]:
    top = float(eta.max())
    raised = np.exp(eta - top)
    whole = float(raised.sum())
    return raised / whole, top + np.log(whole)


def _information(X: np.ndarray, fitted: np.ndarray) -> np.ndarray:
    mean = fitted @ X
    return X.T @ (X * fitted[:, None]) - np.outer(mean, mean)


def _beyond(inner: np.ndarray, outer: np.ndarray, weight: np.ndarray, q: int) -> np.ndarray:
    """(C, q) basis of what the larger model has beyond the smaller, orthogonal in the metric."""
    root = np.sqrt(weight)[:, None]
    base, _ = np.linalg.qr(inner * root)
    left = outer * root - base @ (base.T @ (outer * root))
    made, _, _ = np.linalg.svd(left, full_matrices=False)
    return made[:, :q] / root
