"""Scales for area-level models, and sampling variances smoothed by a generalised variance function."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.optimize import brentq
from scipy.special import expit, logit

Scale = Literal["identity", "log", "logit", "arcsine"]
SCALES: tuple[Scale, ...] = ("identity", "log", "logit", "arcsine")
_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(41)
_WEIGHTS = _WEIGHTS / _WEIGHTS.sum()
LEAST_FOR_SLOPE = 20


def forward(values: np.ndarray, variances: np.ndarray, scale: Scale) -> tuple[np.ndarray, np.ndarray]:
    """Values on the scale, with variances by the delta method: ``V h'(θ)²``.

    ``log θ``, ``log θ/(1 − θ)``, ``arcsin √θ`` (slope ``1/(2√(θ(1 − θ)))``: the variance is one
    over four times the effective sample size). NaN where the scale has no such value; a variance
    that the slope makes infinite is NaN.

    Examples
    --------
    >>> z, v = forward(np.array([0.2]), np.array([0.0016]), "arcsine")
    >>> round(float(v[0]), 6)               # 1 / (4 × 100)
    0.0025
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        match scale:
            case "identity":
                return values.astype(float), variances.astype(float)
            case "log":
                out, slope = np.log(np.where(values > 0, values, np.nan)), 1 / values
            case "logit":
                inside = np.where((values > 0) & (values < 1), values, np.nan)
                out, slope = logit(inside), 1 / (inside * (1 - inside))
            case "arcsine":
                inside = np.where((values >= 0) & (values <= 1), values, np.nan)
                out, slope = np.arcsin(np.sqrt(inside)), 1 / (2 * np.sqrt(inside * (1 - inside)))
        spread = variances * slope**2
    return out, np.where(np.isfinite(spread), spread, np.nan)


def back(values: np.ndarray, scale: Scale) -> np.ndarray:
    """From the scale to the figure; arcsines outside [0, π/2] end at 0 and 1."""
    match scale:
        case "log":
            return np.exp(values)
        case "logit":
            return expit(values)
        case "arcsine":
            return np.sin(np.clip(values, 0.0, np.pi / 2)) ** 2
    return values


def expected(values: np.ndarray, variances: np.ndarray, scale: Scale) -> np.ndarray:
    """Mean of the figure when its scale is normal: the back-transformation without bias.

    ``exp(z + v/2)`` (Slud and Maiti 2006); for logit and arcsine the integral of `back` over the
    normal distribution, by 41 Gauss–Hermite nodes (Sugasawa and Kubokawa 2017; Hadam et al. 2023).

    Parameters
    ----------
    values, variances : ndarray (...)
        Mean and variance on the scale.

    Examples
    --------
    >>> round(float(expected(np.array([0.0]), np.array([0.5]), "log")[0]), 6)
    1.284025
    """
    if scale == "identity":
        return values
    if scale == "log":
        return np.exp(values + variances / 2)
    points = values[..., None] + np.sqrt(variances)[..., None] * _NODES
    return back(points, scale) @ _WEIGHTS


def slope(values: np.ndarray, variances: np.ndarray, scale: Scale) -> np.ndarray:
    """Derivative of `expected` in the values, by central differences (exact for the identity)."""
    if scale == "identity":
        return np.ones_like(values)
    step = 1e-5
    ends = [expected(values + sign * step, variances, scale) for sign in (1, -1)]
    return (ends[0] - ends[1]) / (2 * step)


@dataclass(frozen=True, slots=True)
class Smoothed:
    """Sampling variances from a generalised variance function.

    Attributes
    ----------
    variance : ndarray (m,)
        ``Δ exp(a + b log n)``.
    intercept, slope, factor : float
        a, b, Δ.
    used : int
        Areas the function was fitted on.
    """

    variance: np.ndarray
    intercept: float
    slope: float
    factor: float
    used: int


def smooth(variances: np.ndarray, n: np.ndarray, df: np.ndarray | None = None) -> Smoothed | None:
    """``E ψ̂_i = exp(a + b log n_i)``, the sum of the variances kept.

    ``ψ̂_i`` is about ``ψ_i χ²_d/d``, so a and b come from gamma regression with a logarithmic link and
    prior weights d, the degrees of freedom of the variance. Least squares on logarithms would take
    areas with few units for less variable than they are: ``E log χ²_d/d < 0``.
    ``ψ̃_i = Δ exp(â + b̂ log n_i)``, Δ the sum of the given variances over that of the fitted ones
    (Hidiroglou, Beaumont and Yung 2019). Below twenty usable areas b is −1.

    Parameters
    ----------
    variances : ndarray (m,)
        NaN or zero where there is none to learn from.
    n : ndarray (m,)
        Interviews.
    df : ndarray (m,), optional
        Units less strata of each area; alike for all if left out.

    Returns
    -------
    Smoothed, or None without a positive variance.

    Examples
    --------
    >>> n = np.array([25.0, 50.0, 100.0])
    >>> smooth(np.array([0.04, 0.0, 0.01]), n).variance.round(4).tolist()
    [0.04, 0.02, 0.01]
    """
    known = np.isfinite(variances) & (variances > 0) & (n > 0)
    if not known.any():
        return None
    size, spread = np.log(n[known]), variances[known]
    weight = np.ones(len(spread))
    if df is not None:
        weight = np.where(np.isfinite(df[known]), np.maximum(df[known], 1.0), 1.0)
    slope = -1.0
    if known.sum() >= LEAST_FOR_SLOPE and np.ptp(size) > 0:
        slope = _slope(size, spread, weight)
    intercept = float(np.log(weight @ (spread * np.exp(-slope * size)) / weight.sum()))
    factor = float(spread.sum() / np.exp(intercept + slope * size).sum())
    with np.errstate(divide="ignore"):
        fitted = np.where(n > 0, factor * np.exp(intercept + slope * np.log(np.maximum(n, 1.0))), np.nan)
    return Smoothed(fitted, intercept, slope, factor, int(known.sum()))


def _slope(size: np.ndarray, spread: np.ndarray, weight: np.ndarray) -> float:
    """b of the gamma regression: the root of ``Σ d (s − s̄_w) r`` with ``r = ψ̂ exp(−bs)``, s̄_w the mean weighted by d.

    With a at its best the deviance is convex in b, so the root is the only one.
    """

    middle = float(weight @ size / weight.sum())

    def score(slope: float) -> float:
        ratio = weight * spread * np.exp(-slope * (size - middle))
        return float(ratio @ (size - middle) / ratio.sum())

    low, high = -8.0, 8.0
    return float(brentq(score, low, high, xtol=1e-13)) if score(low) * score(high) < 0 else -1.0
