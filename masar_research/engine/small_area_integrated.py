"""What is known of every area when the variance between areas is itself only estimated.

Given the variances of the model, an area's figure is normal. They are not given: the restricted
likelihood says how credible each value is. Integrated over it under a flat prior, the normals
become a mixture, whose quantiles are the ends of the interval (Morris 1983; Datta, Rao and Smith
2005; Morris and Tang 2011).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from masar_research.engine import small_area

_STEPS = np.geomspace(1e-6, 1e6, 241)
_SEEN = 1e-8
_HALVINGS = 45
_REACH = 9.0


@dataclass(frozen=True, slots=True)
class Mixture:
    """Normal distributions of k areas under P values of the variances.

    Attributes
    ----------
    weight : ndarray (P,)
        Restricted likelihood of each value times its width; they sum to one.
    mean, variance : ndarray (P, k)
        Of the area's figure, on the scale of the model.
    """

    weight: np.ndarray
    mean: np.ndarray
    variance: np.ndarray

    def quantile(self, probability: float) -> np.ndarray:
        """(k,): where the mixture's distribution function reaches `probability`, by halving."""
        spread = np.sqrt(self.variance)
        low = (self.mean - _REACH * spread).min(axis=0)
        high = (self.mean + _REACH * spread).max(axis=0)
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            below = self.weight @ ndtr((middle - self.mean) / np.where(spread > 0, spread, 1e-300)) < probability
            low, high = np.where(below, middle, low), np.where(below, high, middle)
        return (low + high) / 2


def integrated(y: np.ndarray, x: np.ndarray, psi: np.ndarray) -> Mixture:
    """The area-level model with ``σ²`` integrated out.

    ``p(σ² | y) ∝ L_R(σ²)``; given σ², ``θ_i ~ N(θ̂_i(σ²), g1_i + g2_i)``. Proper from three more
    areas than coefficients on.

    Parameters
    ----------
    y : ndarray (k,)
        Direct estimates; NaN in areas without one.
    x : ndarray (k, p)
    psi : ndarray (k,)

    Examples
    --------
    >>> y = np.array([1.0, 1.4, 0.7, 1.9, 1.2, 0.5, np.nan])
    >>> found = integrated(y, np.ones((7, 1)), np.full(7, 0.04))
    >>> (found.quantile(0.975) - found.quantile(0.025)).round(2).tolist()
    [0.75, 0.76, 0.76, 0.79, 0.75, 0.77, 4.42]
    """
    sampled = np.isfinite(y)
    direct, spread = y[sampled], psi[sampled]
    grid = _STEPS * (float(np.mean(spread)) + float(np.var(direct)))
    height = small_area.likelihood(grid, np.repeat(direct[None], len(grid), axis=0), x[sampled], spread, "reml")[0]
    grid, weight = seen(height + np.log(grid), grid)
    mean, gamma, q = small_area.predictions(grid, direct[None], x, spread, sampled)
    reach = (1 - gamma)[..., None] * x
    return Mixture(weight, mean, grid[:, None] * (1 - gamma) + spread_of(reach, q))


def seen(height: np.ndarray, *values: np.ndarray) -> tuple[np.ndarray, ...]:
    """Values whose weight counts, and their weights as the last: ``exp(height)``, summing to one."""
    weight = np.exp(height - height.max())
    weight /= weight.sum()
    kept = weight > _SEEN
    return (*(each[kept] for each in values), weight[kept] / weight[kept].sum())


def spread_of(reach: np.ndarray, q: np.ndarray) -> np.ndarray:
    """``d'Qd``, (P, k): what errors of the coefficients (P, p, p) do to areas they reach by d (P, k, p)."""
    return np.einsum("pia,pab,pib->pi", reach, q, reach, optimize=True)
