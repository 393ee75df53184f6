"""Logistic regression with Firth's penalty: finite estimates where the outcome is separated."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from masar_research.engine.families import LOGIT
from masar_research.engine.glm import GLMFit, Problem, blocks, checked
from masar_research.engine.scoring import linear_predictor, pieces, refuse_aliased, response
from masar_research.errors import ModelError

Floats = NDArray[np.float64]

_FARTHEST = 5.0


def fit_firth(
    X: np.ndarray,
    y: np.ndarray,
    weights: np.ndarray,
    *,
    mask: np.ndarray | None = None,
    offset: np.ndarray | None = None,
    names: Sequence[str] | None = None,
    start: np.ndarray | None = None,
    max_iter: int = 500,
) -> GLMFit:
    """Maximise the weighted log-likelihood plus half the log-determinant of its information.

    With weights v scaled to sum to the number of fitted rows, ``Σ v ℓ(β) + ½ ln |X'VWX|`` has the
    score ``Σ x_i [v_i (y_i − π_i) + h_i (½ − π_i)]``, h_i the leverages
    ``v_i W_i x_i'(X'VWX)⁻¹x_i``. The penalty is Jeffreys' prior; the scaling keeps it that of as many
    rows as were interviewed, whatever the weights sum to.

    Parameters
    ----------
    X : (n, p) float array
    y : (n,) float array
        0…1.
    weights : (n,) float array
    mask, offset, names
        As for :func:`masar_research.engine.glm.fit`.
    start : (p,) float array, optional
    max_iter : int

    Returns
    -------
    GLMFit
        ``score`` holds the penalised score, in the scale of the weights given; ``bread`` the inverse
        of the information at the penalised estimates.

    Raises
    ------
    ModelError
        As for :func:`masar_research.engine.glm.fit`, except separation.

    References
    ----------
    Firth (1993), Biometrika 80; Heinze and Schemper (2002), Statistics in Medicine 21.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.column_stack([np.ones(6), [0.0, 0, 0, 1, 1, 1]])
    >>> out = fit_firth(X, np.array([0.0, 1, 0, 1, 1, 1]), np.ones(6))
    >>> out.coef.round(6).tolist()                        # logit of 1.5/4, and of 3.5/4 less it
    [-0.510826, 2.456736]
    """
    problem, names = checked(X, y, weights, "binomial", mask, offset, names)
    counted = problem.w > 0 if problem.used is None else problem.used
    scale = float(counted.sum() / problem.w[counted].sum())
    coef = np.zeros(problem.X.shape[1]) if start is None else np.array(start, dtype=float)
    now = _sums(problem, coef, scale)
    refuse_aliased(now[1], names)
    for passes in range(1, max_iter + 1):
        value, information, _ = now
        step = np.linalg.solve(information, _score(problem, coef, scale, information))
        step *= min(1.0, _FARTHEST / max(float(np.abs(step).max()), 1e-300))
        size = float(np.max(np.abs(step) * np.sqrt(np.diag(information))))
        halved = 0
        while True:
            trial = _sums(problem, coef + step, scale)
            if trial[0] >= value - 1e-12 * abs(value) or halved == 30:
                break
            step, halved = step / 2, halved + 1
        coef, now = coef + step, trial
        if size < 1e-10:
            return _finished(problem, coef, scale, now, passes)
    raise ModelError(
        f"The penalised model did not converge in {max_iter} passes.",
        remedy="Rescale the predictors (age in decades, income in thousands) or use fewer terms.",
        ar="لم يستقر النموذج المعاقَب؛ غيّر وحدات المتغيرات أو قلّل عددها.",
    )


def at_least_model_based(vcov: Floats, naive: Floats) -> Floats:
    """A covariance whose generalised design effects below one are raised to one.

    ``V = L Q max(Λ, 1) Q' L'`` with ``naive = L L'`` and ``L⁻¹ vcov L⁻ᵀ = Q Λ Q'``.

    Parameters
    ----------
    vcov : (p, p) float array
        Design-based.
    naive : (p, p) float array
        Inverse information, weights summing to the number of rows.

    Examples
    --------
    >>> import numpy as np
    >>> at_least_model_based(np.diag([4.0, 0.0]), np.eye(2)).round(12).tolist()
    [[4.0, 0.0], [0.0, 1.0]]
    """
    root = np.linalg.cholesky((naive + naive.T) / 2)
    inner = np.linalg.solve(root, np.linalg.solve(root, vcov).T)
    effects, vectors = np.linalg.eigh((inner + inner.T) / 2)
    outer = root @ vectors
    return (outer * np.maximum(effects, 1.0)) @ outer.T


def _sums(problem: Problem, coef: Floats, scale: float) -> tuple[float, Floats, Floats]:
    """Penalised log-likelihood, information and plain score, of the scaled weights."""
    p = coef.size
    total, information, score = 0.0, np.zeros((p, p)), np.zeros(p)
    for X, y, w, offset in blocks(problem):
        factor, curvature, likelihood = pieces(linear_predictor(X, coef, offset), y, w * scale, LOGIT)
        information += X.T @ (X * curvature[:, None])
        score += X.T @ factor
        total += likelihood
    sign, logarithm = np.linalg.slogdet(information)
    return (total + 0.5 * logarithm if sign > 0 else -np.inf), information, score


def _score(problem: Problem, coef: Floats, scale: float, information: Floats) -> Floats:
    out = np.zeros(coef.size)
    root = np.linalg.cholesky(np.linalg.inv(information))
    for X, y, w, offset in blocks(problem):
        out += X.T @ _penalised(X, y, w * scale, linear_predictor(X, coef, offset), root)
    return out


def _penalised(X: Floats, y: Floats, v: Floats, eta: Floats, root: Floats) -> Floats:
    """v (y − π) + h (½ − π) of each row."""
    factor, curvature, _ = pieces(eta, y, v, LOGIT)
    leverage = curvature * np.einsum("ij,ij->i", X @ root, X @ root)
    return factor + leverage * (0.5 - response(eta, LOGIT))


def _finished(problem: Problem, coef: Floats, scale: float, now: tuple, passes: int) -> GLMFit:
    n = problem.y.size
    used = np.ones(n, bool) if problem.used is None else problem.used
    X, y, w = problem.X[used], problem.y[used], problem.w[used]
    eta_used = linear_predictor(X, coef, None if problem.offset is None else problem.offset[used])
    bread = np.linalg.inv(now[1])
    bread = (bread + bread.T) / 2
    score, eta, mu = np.zeros(n), np.full(n, np.nan), np.full(n, np.nan)
    score[used] = _penalised(X, y, w * scale, eta_used, np.linalg.cholesky(bread)) / scale
    eta[used], mu[used] = eta_used, response(eta_used, LOGIT)
    return GLMFit(coef, bread * scale, score, eta, mu, np.where(used, problem.w, 0.0), used, "binomial",
                  passes, now[0] / scale, problem.offset, None, "firth")
