"""Weighted generalised linear models by iteratively reweighted least squares.

Pseudo-maximum likelihood: the weighted score Σ w ∂ℓ/∂β = 0 is solved, and what the variance
engine needs is kept: the inverse of the weighted information and a score factor per row.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.special import expit
from statsmodels.genmod import families

from masar_research.engine.auxiliary import row_sums
from masar_research.errors import ModelError

Family = Literal["binomial", "probit", "cloglog", "poisson", "gaussian"]
FAMILIES: tuple[Family, ...] = ("binomial", "probit", "cloglog", "poisson", "gaussian")
class SeparationError(ModelError):
    """The outcome is predicted without error for some rows: no finite estimate exists."""


_CANONICAL: tuple[Family, ...] = ("binomial", "poisson", "gaussian")
_ONE_THREAD = 250_000
_SAMPLE = 20_000
_ALIASED = 1e-10
_SEPARATED_STEP = 0.3
_EXTREME = 12.0


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
        Weighted, up to a constant (gaussian: minus half the weighted sum of squares).
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

    @property
    def n_used(self) -> int:
        """Number of fitted rows."""
        return int(self.used.sum())


@dataclass(frozen=True, slots=True)
class _Problem:
    X: np.ndarray
    y: np.ndarray
    w: np.ndarray
    offset: np.ndarray | None
    used: np.ndarray | None
    family: Family


@dataclass(frozen=True, slots=True)
class _Pass:
    information: np.ndarray
    score: np.ndarray
    log_likelihood: float
    reach: float
    mass: float


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
        Outcome; NaN is left out. 0…1 for the binomial families, ≥ 0 for poisson.
    weights : (n,) float array
        ≥ 0; rows of weight 0 are left out.
    family : {"binomial", "probit", "cloglog", "poisson", "gaussian"}
        Logit, probit and complementary log-log links for a binomial outcome, log for poisson,
        identity for gaussian.
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
    problem, names = _checked(X, y, weights, family, mask, offset, names)
    coef = _start(problem) if start is None else np.array(start, dtype=float)
    passes, now = 0, None
    scale, last = None, False
    enough = tol if family in _CANONICAL else tol * 1e-5
    while True:
        trial = _evaluate(problem, coef)
        passes += 1
        if now is not None and not trial.log_likelihood >= now.log_likelihood - abs(
            now.log_likelihood
        ) * 1e-10:
            if passes >= max_iter:
                _refuse_unconverged(problem, names, step, passes)
            step = step / 2
            coef = before + step
            continue
        now = trial
        if scale is None:
            scale = np.sqrt(np.diag(now.information) / now.mass)
            _refuse_aliased(now.information, names)
        step = _solve(now.information, now.score, problem, names)
        size = float(np.max(np.abs(step) * scale, initial=0.0))
        if last or size == 0.0 or (family == "gaussian" and passes > 1):
            break
        last = size < enough
        extreme = family not in ("gaussian", "poisson") and now.reach > _EXTREME
        if passes >= max_iter or (extreme and _stuck(problem, step)):
            _refuse_unconverged(problem, names, step, passes)
        before, coef = coef, coef + step
    return _finished(problem, coef, now, passes)


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
    return row_sums(codes, score, X, n_codes) @ fitted.bread


def response(eta: np.ndarray, family: Family) -> np.ndarray:
    """Inverse link: the mean at a linear predictor."""
    if family == "binomial":
        return expit(eta)
    return eta if family == "gaussian" else _FAMILY[family].link.inverse(eta)


def response_slope(eta: np.ndarray, mu: np.ndarray, family: Family) -> np.ndarray:
    """dμ/dη at a linear predictor."""
    if family == "binomial":
        return mu * (1.0 - mu)
    if family == "gaussian":
        return np.ones_like(eta)
    return _FAMILY[family].link.inverse_deriv(eta)


_FAMILY = {
    "probit": families.Binomial(families.links.Probit()),
    "cloglog": families.Binomial(families.links.CLogLog()),
    "poisson": families.Poisson(),
}


def _block_rows(p: int) -> int:
    """Rows per block: small enough for BLAS to keep a product in one thread.

    Sums then do not depend on the number of threads, and a busy machine does not wait for them.
    """
    return int(np.clip(_ONE_THREAD // (p * p), 64, 4096))


def _blocks(problem: _Problem):
    size = _block_rows(problem.X.shape[1])
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


def _linear(X: np.ndarray, coef: np.ndarray, offset: np.ndarray | None) -> np.ndarray:
    """Linear predictor; a second, empty column keeps BLAS from splitting the product."""
    eta = np.ascontiguousarray((X @ np.stack([coef, np.zeros_like(coef)], axis=1))[:, 0])
    return eta if offset is None else eta + offset


def _evaluate(problem: _Problem, coef: np.ndarray) -> _Pass:
    p = coef.size
    sums, total = np.zeros((p, p + 1)), 0.0
    reach = mass = 0.0
    room = np.empty((_block_rows(p), p + 1))
    for X, y, w, offset in _blocks(problem):
        eta = _linear(X, coef, offset)
        factor, curvature, likelihood = _pieces(eta, y, w, problem.family)
        both = room[: eta.size]
        np.multiply(X, curvature[:, None], out=both[:, :p])
        both[:, p] = factor
        sums += X.T @ both
        total += likelihood
        reach = max(reach, float(eta.max()), -float(eta.min()))
        mass += float(curvature.sum())
    return _Pass(sums[:, :p], sums[:, p], total, reach, mass)


def _pieces(eta, y, w, family: Family) -> tuple[np.ndarray, np.ndarray, float]:
    """weight × ∂ℓ/∂η, weight × expected −∂²ℓ/∂η², log-likelihood of a block."""
    if family == "binomial":
        small = np.exp(-np.abs(eta))
        whole = 1.0 + small
        mu = np.where(eta >= 0.0, 1.0, small) / whole
        likelihood = float(w @ (y * eta - np.maximum(eta, 0.0) - np.log(whole)))
        return w * (y - mu), w * small / (whole * whole), likelihood
    if family == "gaussian":
        return w * (y - eta), w, -0.5 * float(w @ (y - eta) ** 2)
    shape = _FAMILY[family]
    with np.errstate(all="ignore"):
        mu = shape.link.inverse(eta)
        slope = shape.link.inverse_deriv(eta)
        variance = shape.variance(mu)
        factor = np.where(variance > 0, slope / variance, 0.0)
        likelihood = -0.5 * float(np.sum(w * shape.resid_dev(y, mu) ** 2))
    return w * (y - mu) * factor, w * slope * factor, likelihood


def _start(problem: _Problem) -> np.ndarray:
    p = problem.X.shape[1]
    n = problem.y.size
    thin = n // _SAMPLE
    if thin >= 5:
        rows = slice(None, None, thin)
        part = _Problem(
            np.ascontiguousarray(problem.X[rows]), problem.y[rows], problem.w[rows],
            None if problem.offset is None else problem.offset[rows],
            None if problem.used is None else problem.used[rows], problem.family,
        )
        if part.used is None or part.used.sum() > 50 * p:
            coef = _first_step(part, p)
            for _ in range(6):
                now = _evaluate(part, coef)
                step = np.linalg.lstsq(now.information, now.score, rcond=1e-10)[0]
                if not np.isfinite(step).all() or np.abs(part.X @ step).max() > 10:
                    return _first_step(problem, p)
                coef = coef + step
                if np.abs(part.X @ step).max() < 1e-2:
                    return coef
    return _first_step(problem, p)


def _first_step(problem: _Problem, p: int) -> np.ndarray:
    """One least-squares step on the linked, shrunken outcome, as R's glm starts."""
    gram, cross = np.zeros((p, p)), np.zeros(p)
    for X, y, w, offset in _blocks(problem):
        if problem.family == "gaussian":
            target = y
        elif problem.family == "poisson":
            target = np.log(y + 0.1)
        else:
            target = 4.0 * ((y + 0.5) / 2.0 - 0.5)
        if offset is not None:
            target = target - offset
        gram += X.T @ (X * w[:, None])
        cross += X.T @ (w * target)
    return np.linalg.lstsq(gram, cross, rcond=1e-12)[0]


def _solve(information, score, problem, names) -> np.ndarray:
    scale = np.sqrt(np.maximum(np.diag(information), 1e-300))
    try:
        step = np.linalg.solve(information / np.outer(scale, scale), score / scale) / scale
    except np.linalg.LinAlgError:
        step = np.full(score.size, np.nan)
    if not np.isfinite(step).all():
        _refuse_unconverged(problem, names, np.nan_to_num(step, nan=1e6), 0)
    return step


def _refuse_aliased(information: np.ndarray, names: Sequence[str]) -> None:
    """Columns that are a combination of earlier ones, from the weighted cross-products."""
    p = information.shape[0]
    diagonal = np.diag(information)
    kept: list[int] = []
    found = []
    for j in range(p):
        if not diagonal[j] > 0:
            found.append(f"{names[j]} is zero on every fitted row")
            continue
        if kept:
            scale = np.sqrt(diagonal[kept])
            gram = information[np.ix_(kept, kept)] / np.outer(scale, scale)
            slope = np.linalg.solve(gram, information[kept, j] / scale)
            left = diagonal[j] - slope @ (information[kept, j] / scale)
            if left <= _ALIASED * diagonal[j]:
                share = np.abs(slope) / np.sqrt(diagonal[j])
                others = [names[k] for k, s in zip(kept, share, strict=True) if s > 1e-6]
                found.append(f"{names[j]} duplicates {' and '.join(others)}")
                continue
        kept.append(j)
    if found:
        raise ModelError(
            "The predictors are collinear: " + "; ".join(found) + ".",
            remedy="Leave these terms out of the formula or merge their categories.",
            ar="بعض المتغيرات المفسرة مكررة خطيًا؛ احذفها من الصيغة.",
        )


def _stuck(problem: _Problem, step: np.ndarray) -> bool:
    return any(float(np.abs(X @ step).max()) > _SEPARATED_STEP for X, _, _, _ in _blocks(problem))


def _refuse_unconverged(problem, names, step, passes) -> None:
    reach = np.zeros(step.size)
    for X, _, _, _ in _blocks(problem):
        reach = np.maximum(reach, np.abs(X * step).max(axis=0))
    moving = [names[j] for j in np.flatnonzero(reach > _SEPARATED_STEP)]
    if moving and problem.family not in ("gaussian",):
        raise SeparationError(
            "Separation: the outcome is predicted without error for some rows, so no finite "
            f"estimate exists. Terms that run away: {', '.join(moving)}.",
            remedy="Merge the categories that hold only one outcome, or leave the term out.",
            ar="فصل تام: بعض الفئات لا تحوي إلا نتيجة واحدة؛ ادمجها أو احذف المتغير.",
        )
    raise ModelError(
        f"The model did not converge in {passes} passes.",
        remedy="Rescale the predictors (age in decades, income in thousands) or simplify it.",
    )


def _finished(problem: _Problem, coef: np.ndarray, now: _Pass, passes: int) -> GLMFit:
    n = problem.y.size
    used = np.ones(n, bool) if problem.used is None else problem.used
    score, eta, mu = np.zeros(n), np.full(n, np.nan), np.full(n, np.nan)
    size = _block_rows(coef.size)
    for first in range(0, n, size):
        rows = slice(first, first + size)
        keep = used[rows]
        whole = bool(keep.all())
        X = problem.X[rows] if whole else problem.X[rows][keep]
        offset = None if problem.offset is None else problem.offset[rows][keep]
        linear = _linear(X, coef, offset)
        factor, _, _ = _pieces(linear, problem.y[rows][keep], problem.w[rows][keep], problem.family)
        target = np.flatnonzero(keep) + first if not whole else rows
        score[target], eta[target] = factor, linear
        mu[target] = response(linear, problem.family)
    weights = np.where(used, problem.w, 0.0)
    scale = np.sqrt(np.diag(now.information))
    bread = np.linalg.inv(now.information / np.outer(scale, scale)) / np.outer(scale, scale)
    return GLMFit(coef, (bread + bread.T) / 2, score, eta, mu, weights, used, problem.family,
                  passes, now.log_likelihood)


def _checked(X, y, weights, family, mask, offset, names) -> tuple[_Problem, Sequence[str]]:
    if family not in FAMILIES:
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
    count = int(used.sum())
    if count <= X.shape[1]:
        raise ModelError(
            f"{count} rows with a weight and no missing value are left for {X.shape[1]} "
            "coefficients.",
            remedy="Check the missing values and the subpopulation, or use fewer terms.",
        )
    observed = y[used]
    if family in ("binomial", "probit", "cloglog") and (observed.min() < 0 or observed.max() > 1):
        raise ModelError(
            f"The outcome runs from {observed.min():g} to {observed.max():g}; a binomial model "
            "needs 0 and 1.",
            remedy="Recode the outcome to 1 (yes) and 0 (no).",
        )
    if family == "poisson" and observed.min() < 0:
        raise ModelError("The outcome has negative values; a poisson model needs counts.",
                         remedy="Use family='gaussian' or recode.")
    if family != "gaussian" and observed.min() == observed.max():
        raise ModelError(
            f"The outcome is {observed[0]:g} on all {count} fitted rows.",
            remedy="Choose an outcome that varies in this subpopulation.",
            ar="لا يتغير المتغير التابع في هذه الفئة.",
        )
    everyone = bool(used.all())
    return _Problem(X, y, w, offset, None if everyone else used, family), names
