"""Pólya–Gamma variables, by which the posterior of a logit is drawn from without approximation.

Given ω ~ PG(1, η) the likelihood of a logit is that of normal answers (y − ½)/ω with precision ω, so
that coefficients, unit intercepts and their variance are drawn as in a linear model.
"""

from __future__ import annotations

import numpy as np
from scipy.special import log_ndtr

#: Where the two halves of the proposal meet (Devroye 2009).
_MEET = 0.64


def polya_gamma(eta: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(n,) draws of PG(1, eta): mean tanh(η/2)/(2η), ¼ at nought.

    Devroye's exact rejection: an inverse Gaussian left of 0.64, an exponential right of it, accepted by
    the alternating series of the density.

    Parameters
    ----------
    eta : (n,) float array
    rng : numpy.random.Generator

    References
    ----------
    Polson, Scott and Windle (2013), JASA 108; Devroye (2009), Statistics and Probability Letters 79.

    Examples
    --------
    >>> polya_gamma(np.zeros(100_000), np.random.default_rng(1)).mean().round(2)
    np.float64(0.25)
    """
    tilt = np.abs(np.asarray(eta, float)) / 2
    out = np.empty(tilt.size)
    left = np.arange(tilt.size)
    while left.size:
        c = tilt[left]
        x = _proposed(c, rng)
        taken = _taken(x, rng)
        out[left[taken]] = x[taken] / 4
        left = left[~taken]
    return out


def _proposed(c: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    rate = np.pi**2 / 8 + c**2 / 2
    root = np.sqrt(_MEET)
    start = np.log(rate) + rate * _MEET
    near = np.exp(start - c + log_ndtr((_MEET * c - 1) / root)) + np.exp(start + c + log_ndtr(-(_MEET * c + 1) / root))
    far = rng.random(c.size) < 1 / (1 + 4 / np.pi * near)
    x = np.empty(c.size)
    x[far] = _MEET + rng.standard_exponential(int(far.sum())) / rate[far]
    x[~far] = _cut_inverse_gaussian(c[~far], rng)
    return x


def _cut_inverse_gaussian(c: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Inverse Gaussian of mean 1/c and shape 1, below 0.64."""
    x = np.empty(c.size)
    left = np.flatnonzero(c < 1 / _MEET)
    while left.size:
        e = rng.standard_exponential(left.size)
        tried = _MEET / (1 + _MEET * e) ** 2
        fits = e**2 <= 2 * rng.standard_exponential(left.size) / _MEET
        fits &= rng.random(left.size) <= np.exp(-(c[left] ** 2) * tried / 2)
        x[left[fits]] = tried[fits]
        left = left[~fits]
    left = np.flatnonzero(c >= 1 / _MEET)
    while left.size:
        tried = rng.wald(1 / c[left], 1.0)
        fits = tried < _MEET
        x[left[fits]] = tried[fits]
        left = left[~fits]
    return x


def _term(k: int, x: np.ndarray) -> np.ndarray:
    half = k + 0.5
    small = x <= _MEET
    with np.errstate(under="ignore"):
        low = (2 / (np.pi * x)) ** 1.5 * np.exp(-2 * half**2 / x)
        high = np.exp(-(half**2) * np.pi**2 * x / 2)
    return np.pi * half * np.where(small, low, high)


def _taken(x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(n,) bool: below the density's alternating series, whose partial sums bound it from both sides."""
    series = _term(0, x)
    mark = rng.random(x.size) * series
    taken = np.zeros(x.size, bool)
    open_ = np.arange(x.size)
    k = 0
    while open_.size:
        k += 1
        series[open_] += (-1) ** k * _term(k, x[open_])
        below = mark[open_] <= series[open_]
        if k % 2:
            taken[open_[below]] = True
            open_ = open_[~below]
        else:
            open_ = open_[below]
    return taken
