"""Weighted generalised linear models by iteratively reweighted least squares.

Pseudo-maximum likelihood: the weighted score Σ w ∂ℓ/∂β = 0 is solved, and what the variance
engine needs is kept: the inverse of the weighted information and a score factor per row.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from masar_research.engine.auxiliary import cell_sums, row_sums
from masar_research.engine.families import Family, Kind
from masar_research.engine.scoring import (
    FAMILIES,
    Answer,
    Evaluate,
    Linked,
    Question,
    SeparationError,
    Solution,
    block_rows,
    check_rows,
    drive,
    iterate,
    linear_predictor,
    of_block,
    pieces,
    response,
    response_slope,
)
from masar_research.errors import ModelError

__all__ = [
    "FAMILIES", "Family", "GLMFit", "Nuisance", "SeparationError", "fit", "influence_rows",
    "influence_sums", "parameter_sums", "response", "response_slope",
]  # fmt: skip

_SAMPLE = 20_000


@dataclass(frozen=True, slots=True, eq=False)
class Nuisance:
    """A parameter estimated beside the coefficients, whose uncertainty they carry.

    Parameters
    ----------
    name : str
    value : float
    score : (n,) float array
        weight × ∂ℓ/∂parameter of each row; 0 outside.
    across : (p,) float array
        Its block of the inverse of the joint information with the coefficients.
    own : float
        Its diagonal element there.
    """

    name: str
    value: float
    score: np.ndarray
    across: np.ndarray
    own: float


@dataclass(frozen=True, slots=True, eq=False)
class GLMFit:
    """A fitted weighted GLM.

    Attributes
    ----------
    coef : (p,) float array
    bread : (p, p) float array
        Inverse of the weighted expected information Σ w X'WX.
    score : (n,) float array
        weight × ∂ℓ/∂η of each row, so that score_i · x_i is the weighted score; 0 outside.
    eta, mu : (n,) float arrays
        Linear predictor and fitted mean; NaN outside.
    weights : (n,) float array
        Weights as used: 0 outside the fitted rows.
    used : (n,) bool array
        Rows that were fitted.
    family : str
    iterations : int
        Passes over all fitted rows.
    log_likelihood : float
        Weighted, up to a constant (minus half the deviance; logit: the log-likelihood itself).
    offset : (n,) float array or None
        Part of the linear predictor that is not estimated.
    nuisance : Nuisance or None
    penalty : str or None
        "firth" when the score is penalised; `score` then holds the penalised one.
    """

    coef: np.ndarray
    bread: np.ndarray
    score: np.ndarray
    eta: np.ndarray
    mu: np.ndarray
    weights: np.ndarray
    used: np.ndarray
    family: Family
    iterations: int
    log_likelihood: float
    offset: np.ndarray | None = None
    nuisance: Nuisance | None = None
    penalty: str | None = None

    @property
    def n_used(self) -> int:
        """Number of fitted rows."""
        return int(self.used.sum())


@dataclass(frozen=True, slots=True)
class Problem:
    """Checked arrays of a fit; ``used`` is None when every row counts."""

    X: np.ndarray
    y: np.ndarray
    w: np.ndarray
    offset: np.ndarray | None
    used: np.ndarray | None
    family: Family


def fit(
    X: np.ndarray,
    y: np.ndarray,
    weights: np.ndarray,
    *,
    family: Family = "binomial",
    mask: np.ndarray | None = None,
    offset: np.ndarray | None = None,
    names: Sequence[str] | None = None,
    start: np.ndarray | None = None,
    max_iter: int = 40,
    tol: float = 1e-5,
) -> GLMFit:
    """Fit a weighted GLM.

    Solves Σ w x (y − μ) μ'(η) / V(μ) = 0 by Fisher scoring over blocks of rows. With many rows
    a thinned sample supplies the starting values.

    Parameters
    ----------
    X : (n, p) float array
        Design matrix; a row with a NaN is left out.
    y : (n,) float array
        Outcome; NaN is left out. 0…1 for the binomial families, ≥ 0 for poisson, > 0 for gamma.
    weights : (n,) float array
        ≥ 0; rows of weight 0 are left out.
    family : {"binomial", "probit", "cloglog", "poisson", "gaussian", "gamma"} or Kind
        Logit, probit and complementary log-log links for a binomial outcome, log for poisson and
        gamma, identity for gaussian; other links, and the negative binomial of a given θ, as a
        `families.Kind`.
    mask : (n,) bool array, optional
        Subpopulation to fit.
    offset : (n,) float array, optional
        Added to the linear predictor.
    names : sequence of str, optional
        Column names for messages.
    start : (p,) float array, optional
        Coefficients to start from, those of nearly the same weights; found anew by default.
    max_iter : int
        Most passes over the data.
    tol : float
        The step, in information-weighted root mean squares of the columns, after which one last
        pass is made; links that are not canonical converge linearly and take ``tol`` × 1e-5.

    Returns
    -------
    GLMFit

    Raises
    ------
    ModelError
        No rows, fewer rows than columns, an outcome outside its range or without variation,
        collinear columns (named, with what they duplicate), no convergence.
    SeparationError
        A combination of columns predicts the outcome without error; the columns are named.

    References
    ----------
    Binder (1983), Int. Stat. Review 51; McCullagh and Nelder (1989), ch. 2.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.array([[1.0, 0.0], [1.0, 0.0], [1.0, 1.0], [1.0, 1.0]])
    >>> out = fit(X, np.array([0.0, 1.0, 1.0, 0.0]), np.array([3.0, 1.0, 1.0, 1.0]))
    >>> (1 / (1 + np.exp(-out.coef[0]))).round(6)
    np.float64(0.25)
    """
    problem, names = checked(X, y, weights, family, mask, offset, names)
    begin = _start(problem) if start is None else start
    scoring = iterate(family, names, start=begin, max_iter=max_iter, tol=tol)
    return _finished(problem, drive(scoring, lambda question: _answer(problem, question)))


def influence_sums(
    fitted: GLMFit, X: np.ndarray, codes: np.ndarray, n_codes: int, factor: np.ndarray | None = None
) -> np.ndarray:
    """Sums of weight × influence of the coefficients by any row code.

    The influence of row i is (Σ w X'WX)⁻¹ x_i ∂ℓ_i/∂η.

    Parameters
    ----------
    fitted : GLMFit
    X : (n, p) float array
        The matrix of the fit.
    codes : (n,) int array
        Row codes, −1 left out; the unit codes of a design give its unit totals.
    n_codes : int
    factor : (n,) float array, optional
        Multiplies each row.

    Returns
    -------
    (n_codes, p) float array
    """
    score = fitted.score if factor is None else fitted.score * factor
    out = row_sums(codes, score, X, n_codes) @ fitted.bread
    beside = fitted.nuisance
    if beside is not None:
        own = beside.score if factor is None else beside.score * factor
        out += cell_sums(codes, own, n_codes)[:, None] * beside.across
    return out


def parameter_sums(
    fitted: GLMFit, X: np.ndarray, codes: np.ndarray, n_codes: int, factor: np.ndarray | None = None
) -> np.ndarray:
    """Sums of weight × influence of the coefficients and, after them, of a `Nuisance`.

    Parameters
    ----------
    fitted, X, codes, n_codes, factor
        As for :func:`influence_sums`.

    Returns
    -------
    (n_codes, p) or (n_codes, p + 1) float array
    """
    out = influence_sums(fitted, X, codes, n_codes, factor)
    beside = fitted.nuisance
    if beside is None:
        return out
    score, own = fitted.score, beside.score
    if factor is not None:
        score, own = score * factor, own * factor
    last = row_sums(codes, score, X, n_codes) @ beside.across + cell_sums(codes, own, n_codes) * beside.own
    return np.column_stack([out, last])


def influence_rows(fitted: GLMFit, X: np.ndarray, rows: np.ndarray | slice) -> np.ndarray:
    """(m, p) weight × influence of the coefficients, of some rows.

    Parameters
    ----------
    fitted : GLMFit
    X : (n, p) float array
        The matrix of the fit.
    rows : (m,) int array or slice
    """
    out = (X[rows] @ fitted.bread) * fitted.score[rows, None]
    if fitted.nuisance is not None:
        out += fitted.nuisance.score[rows, None] * fitted.nuisance.across
    return out


def blocks(problem: Problem) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray | None]]:
    """X, y, weights and offset of the rows that count, some at a time."""
    size = block_rows(problem.X.shape[1])
    for first in range(0, problem.y.size, size):
        rows = slice(first, first + size)
        X, y, w = problem.X[rows], problem.y[rows], problem.w[rows]
        offset = None if problem.offset is None else problem.offset[rows]
        if problem.used is not None:
            keep = problem.used[rows]
            if not keep.any():
                continue
            X, y, w = X[keep], y[keep], w[keep]
            offset = None if offset is None else offset[keep]
        yield X, y, w, offset


def _answer(problem: Problem, question: Question) -> Answer:
    told = None
    for X, y, w, offset in blocks(problem):
        part = of_block(question, X, y, w, offset, problem.family)
        told = part if told is None else told.merge(part)
    return told


def _start(problem: Problem) -> np.ndarray | None:
    """Coefficients of a thinned sample, where there are rows for one and it converges."""
    thin = problem.y.size // _SAMPLE
    if thin < 5:
        return None
    rows = slice(None, None, thin)
    return sample_start(
        np.ascontiguousarray(problem.X[rows]), problem.y[rows], problem.w[rows],
        None if problem.offset is None else problem.offset[rows],
        None if problem.used is None else problem.used[rows], problem.family,
    )  # fmt: skip


def sample_start(
    X: np.ndarray, y: np.ndarray, w: np.ndarray, offset: np.ndarray | None,
    used: np.ndarray | None, family: Family,
) -> np.ndarray | None:  # fmt: skip
    """(p,) coefficients to start from, of a thinned sample; None where it does not settle.

    Parameters
    ----------
    X : (n, p) float array
    y, w : (n,) float arrays
    offset : (n,) float array or None
    used : (n,) bool array or None
        Rows of the sample that are fitted; None for all.
    family : Family
    """
    part, p = Problem(X, y, w, offset, used, family), X.shape[1]
    if used is not None and used.sum() <= 50 * p:
        return None
    coef = _first_step(part)
    for _ in range(6):
        now = _answer(part, Evaluate(coef))
        step = np.linalg.lstsq(now.information, now.score, rcond=1e-10)[0]
        if not np.isfinite(step).all() or np.abs(part.X @ step).max() > 10:
            return None
        coef = coef + step
        if np.abs(part.X @ step).max() < 1e-2:
            return coef
    return None


def _first_step(problem: Problem) -> np.ndarray:
    """One least-squares step on the linked, shrunken outcome, as R's glm starts."""
    told = _answer(problem, Linked())
    return np.linalg.lstsq(told.information, told.score, rcond=1e-12)[0]


def _finished(problem: Problem, solved: Solution) -> GLMFit:
    coef = solved.coef
    n = problem.y.size
    used = np.ones(n, bool) if problem.used is None else problem.used
    score, eta, mu = np.zeros(n), np.full(n, np.nan), np.full(n, np.nan)
    size = block_rows(coef.size)
    for first in range(0, n, size):
        rows = slice(first, first + size)
        keep = used[rows]
        whole = bool(keep.all())
        X = problem.X[rows] if whole else problem.X[rows][keep]
        offset = None if problem.offset is None else problem.offset[rows][keep]
        linear = linear_predictor(X, coef, offset)
        factor, _, _ = pieces(linear, problem.y[rows][keep], problem.w[rows][keep], problem.family)
        target = np.flatnonzero(keep) + first if not whole else rows
        score[target], eta[target] = factor, linear
        mu[target] = response(linear, problem.family)
    weights = np.where(used, problem.w, 0.0)
    return GLMFit(coef, solved.bread(), score, eta, mu, weights, used, problem.family,
                  solved.passes, solved.sums.log_likelihood, problem.offset)


def checked(
    X: np.ndarray, y: np.ndarray, weights: np.ndarray, family: Family, mask: np.ndarray | None,
    offset: np.ndarray | None, names: Sequence[str] | None,
) -> tuple[Problem, Sequence[str]]:  # fmt: skip
    """Arrays as a fit takes them, with the rows that count; parameters as for :func:`fit`."""
    if not isinstance(family, Kind) and family not in FAMILIES:
        raise ModelError(f"family={family!r} is not known.",
                         remedy=f"Use one of {', '.join(FAMILIES)}.")
    X = np.ascontiguousarray(X, dtype=float)
    y, w = np.asarray(y, dtype=float), np.asarray(weights, dtype=float)
    if X.ndim != 2 or y.shape != (X.shape[0],) or w.shape != y.shape:
        raise ModelError(f"Shapes do not fit: X {X.shape}, y {y.shape}, weights {w.shape}.",
                         remedy="Give one row of X, one outcome and one weight per person.")
    names = list(names) if names is not None else [f"column {j}" for j in range(X.shape[1])]
    used = (w > 0) & np.isfinite(y) & np.isfinite(X @ np.ones(X.shape[1]))
    if mask is not None:
        used &= mask
    if offset is not None:
        offset = np.asarray(offset, dtype=float)
        used &= np.isfinite(offset)
    observed = y[used]
    check_rows(observed.size, X.shape[1], observed.min(initial=np.inf),
               observed.max(initial=-np.inf), family)
    everyone = bool(used.all())
    return Problem(X, y, w, offset, None if everyone else used, family), names
