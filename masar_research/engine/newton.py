"""Newton's method for weighted log-likelihoods, with what to say when there is no maximum."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from masar_research.engine.scoring import SeparationError, refuse_aliased
from masar_research.errors import ModelError

_EXTREME = 12.0
_SEPARATED_STEP = 0.3
_IDLE = 1e-5


@dataclass(frozen=True, slots=True, eq=False)
class Slope:
    """A log-likelihood at one point.

    Attributes
    ----------
    value : float
        −inf outside the parameter space.
    score : (q,) float array
    information : (q, q) float array
        Minus the second derivatives.
    reach : float
        Largest |linear predictor|, from the outcome's middle.
    """

    value: float
    score: np.ndarray
    information: np.ndarray
    reach: float


@dataclass(frozen=True, slots=True, eq=False)
class LikelihoodFit:
    """A weighted likelihood at its maximum.

    Attributes
    ----------
    coef : (q,) float array
    bread : (q, q) float array
        Inverse of minus the second derivatives of Σ w ℓ.
    scores : (n, q) float array
        weight × ∂ℓ/∂coef of each row; 0 outside the fitted rows. ``scores @ bread`` is weight ×
        influence.
    weights : (n,) float array
        As used: 0 outside the fitted rows.
    used : (n,) bool array
    log_likelihood : float
        Weighted.
    iterations : int
    """

    coef: np.ndarray
    bread: np.ndarray
    scores: np.ndarray
    weights: np.ndarray
    used: np.ndarray
    log_likelihood: float
    iterations: int

    @property
    def influence(self) -> np.ndarray:
        """(n, q) weight × influence of the coefficients."""
        return self.scores @ self.bread

    @property
    def n_used(self) -> int:
        """Number of fitted rows."""
        return int(np.count_nonzero(self.used))


class Reach(Protocol):
    """How far a step of the parameters moves the linear predictor of some row, per parameter."""

    def __call__(self, step: np.ndarray) -> np.ndarray:
        """(q,) step → (q,) largest movements."""
        ...


def maximise(
    evaluate: Callable[[np.ndarray], Slope],
    start: np.ndarray,
    *,
    names: Sequence[str],
    moves: Reach,
    weight: float,
    max_iter: int = 60,
    tol: float = 1e-9,
) -> tuple[np.ndarray, Slope, int]:
    """The maximum of a log-likelihood, to the last digits.

    Parameters
    ----------
    evaluate : callable
    start : (q,) float array
    names : sequence of str
        Of the parameters, for messages.
    moves : Reach
    weight : float
        Sum of the weights: what a gain of the likelihood is small against.
    max_iter : int
    tol : float
        A step below it, in units of the linear predictor, is the last but one.

    Returns
    -------
    coef : (q,) float array
    slope : Slope
        There.
    iterations : int

    Raises
    ------
    SeparationError
        The likelihood rises for ever along some parameters; they are named.
    ModelError
        No convergence.
    """
    coef = np.array(start, dtype=float)
    now = evaluate(coef)
    last = False
    for iteration in range(1, max_iter + 1):
        step = solve_scaled(now.information, now.score)
        if step is None:
            raise _unfinished(names, None, iteration)
        size, shrink = moves(step), 1.0
        trial = evaluate(coef + step)
        while not trial.value >= now.value - 1e-12 * abs(now.value) and shrink > 1e-6:
            shrink /= 2
            trial = evaluate(coef + shrink * step)
        if shrink <= 1e-6:
            if size.max(initial=0.0) < 1e-5:
                return coef, now, iteration
            raise _unfinished(names, size, iteration)
        gained = trial.value - now.value
        coef, now = coef + shrink * step, trial
        if last or size.max(initial=0.0) == 0.0:
            return coef, now, iteration
        last = shrink == 1.0 and size.max(initial=0.0) < tol
        running = now.reach > _EXTREME and gained < _IDLE * weight
        if running and size.max(initial=0.0) > _SEPARATED_STEP:
            raise _unfinished(names, size, iteration)
    raise _unfinished(names, size, max_iter)


def solve_scaled(information: np.ndarray, score: np.ndarray) -> np.ndarray | None:
    """information⁻¹ score after scaling to unit diagonal; None where it is singular."""
    scale = np.sqrt(np.maximum(np.diag(information), 1e-300))
    try:
        step = np.linalg.solve(information / np.outer(scale, scale), score / scale) / scale
    except np.linalg.LinAlgError:
        return None
    return step if np.isfinite(step).all() else None


def inverse_scaled(information: np.ndarray) -> np.ndarray:
    """(q, q) inverse, symmetric to the last digit."""
    scale = np.sqrt(np.diag(information))
    inverse = np.linalg.inv(information / np.outer(scale, scale)) / np.outer(scale, scale)
    return (inverse + inverse.T) / 2


def refuse_duplicates(
    X: np.ndarray, weights: np.ndarray, names: Sequence[str], *, constant: bool
) -> None:
    """Refuse columns that are combinations of others; with ``constant``, of ones too.

    Parameters
    ----------
    X : (n, p) float array
        The fitted rows.
    weights : (n,) float array
    names : sequence of str
    constant : bool
        Whether the model has a constant beside the columns of X.
    """
    if not X.shape[1]:
        return
    if not constant:
        refuse_aliased(X.T @ (X * weights[:, None]), names)
        return
    whole = np.column_stack([np.ones(len(X)), X])
    refuse_aliased(whole.T @ (whole * weights[:, None]), ["the constant", *names])


def _unfinished(names: Sequence[str], size: np.ndarray | None, passes: int) -> ModelError:
    moving = [] if size is None else [names[j] for j in np.flatnonzero(size > _SEPARATED_STEP)]
    if moving:
        return SeparationError(
            "Separation: the outcome is predicted without error for some rows, so no finite "
            f"estimate exists. Terms that run away: {', '.join(moving)}.",
            remedy="Merge the categories in which an outcome never occurs, or leave the term out.",
            ar="فصل تام: بعض الفئات تخلو من إحدى النتائج فلا تقدير محدوداً لها؛ ادمجها أو احذف المتغيّر.",
        )
    return ModelError(
        f"The model did not converge in {passes} passes.",
        remedy="Rescale the predictors (age in decades, income in thousands) or simplify it.",
        ar="لم يستقر تقدير النموذج؛ غيّر مقياس المتغيّرات (العمر بالعقود، الدخل بالآلاف) أو بسّط النموذج.",
    )
