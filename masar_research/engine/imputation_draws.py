"""One draw of missing values from a regression of what was answered: linear, matched, logistic.

Every model may hold a random intercept per sampling unit. Its coefficients and intercepts are drawn
together from their normal posterior, of logits given Pólya–Gamma variables; its variance after them.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy.linalg import solve_triangular
from scipy.special import expit

from masar_research.engine.auxiliary import cell_sums, row_sums
from masar_research.engine.imputation_polya import polya_gamma

#: Prior standard deviations of logit coefficients: of columns scaled to one, and of the constant.
PRIOR, CONSTANT = 2.5, 10.0
#: Sweeps of a logit's sampler at the first draw of a chain, and at each one after.
FIRST, LATER = 10, 3
_FLAT = 1e-10


@dataclass(slots=True)
class State:
    """What a chain remembers of one variable's model: variances, and the mode to start from.

    Attributes
    ----------
    tau2 : float
        Variance of the units' intercepts.
    sigma2 : float
        Residual variance of a linear model; NaN before the first draw.
    coef, effects : float arrays or None
        Last draw of a logit.
    separated : bool
        Whether a combination of columns told the answers apart without error.
    """

    tau2: float = 0.1
    sigma2: float = float("nan")
    coef: np.ndarray | None = None
    effects: np.ndarray | None = None
    separated: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Problem:
    """A regression to draw from.

    Attributes
    ----------
    X : (n, p) float array
        Predictors of those who answered; the first column is the constant.
    y : (n,) float array
    ahead : (q, p) float array
        Predictors of those to impute.
    unit, unit_ahead : (n,), (q,) int arrays
        Sampling units.
    n_units : int
        0: no intercepts per unit.
    shift : (q,) float array
        Added to the value (linear, matched) or the log odds (logit) of those to impute: of several
        answers, of ``category``, or of any higher answer.
    category : int
        Place among the answers of the one whose odds ``shift`` moves; −1: cumulative odds.
    """

    X: np.ndarray
    y: np.ndarray
    ahead: np.ndarray
    unit: np.ndarray
    unit_ahead: np.ndarray
    n_units: int
    shift: np.ndarray
    category: int = -1


@dataclass(frozen=True, slots=True, eq=False)
class Scaled:
    """Columns centred and scaled, those that others imply left out: ``X``, ``ahead``; ``kept`` indices."""

    X: np.ndarray
    ahead: np.ndarray
    kept: np.ndarray


@dataclass(frozen=True, slots=True, eq=False)
class Posterior:
    """Centre of coefficients and unit intercepts, and the factors by which they are drawn."""

    coef: np.ndarray
    effects: np.ndarray
    lower: np.ndarray
    own: np.ndarray
    across: np.ndarray = field(repr=False)

    def draw(self, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Coefficients (p,) and intercepts (units,) from their joint normal distribution."""
        coef = self.coef + solve_triangular(self.lower.T, rng.standard_normal(self.coef.size), lower=False)
        if not self.own.size:
            return coef, self.effects
        away = rng.standard_normal(self.own.size) / np.sqrt(self.own)
        return coef, self.effects - (self.across @ (coef - self.coef)) / self.own + away


def scaled(X: np.ndarray, ahead: np.ndarray, tol: float = 1e-7) -> Scaled:
    """Columns about their mean in standard deviations; constant and implied ones dropped in order."""
    centre = X[:, 1:].mean(axis=0)
    size = np.sqrt(((X[:, 1:] - centre) ** 2).mean(axis=0))
    varies = size > 1e-12 * (1 + np.abs(centre))
    columns = 1 + np.flatnonzero(varies)
    Z = (X[:, columns] - centre[varies]) / size[varies]
    kept = _independent(Z.T @ Z / max(len(Z), 1), tol)
    columns = columns[kept]
    mean, spread = centre[columns - 1], size[columns - 1]
    ones = np.ones((len(ahead), 1))
    return Scaled(
        np.hstack([np.ones((len(X), 1)), Z[:, kept]]),
        np.hstack([ones, (ahead[:, columns] - mean) / spread]), np.concatenate([[0], columns]),
    )  # fmt: skip


def _independent(gram: np.ndarray, tol: float) -> np.ndarray:
    """Indices of the columns that those before them do not imply, by Cholesky in their order."""
    p = len(gram)
    left = gram.copy()
    kept = []
    for j in range(p):
        pivot = left[j, j]
        if pivot <= tol:
            continue
        kept.append(j)
        row = left[j, j:] / pivot
        left[j:, j:] -= np.outer(left[j:, j], row)
    return np.array(kept, int)


def posterior(
    X: np.ndarray, y: np.ndarray, weight: np.ndarray, unit: np.ndarray, n_units: int, tau2: float,
    prior: np.ndarray,
) -> Posterior:  # fmt: skip
    """Of y ~ N(Xβ + b[unit], 1/weight), b ~ N(0, tau2), β ~ N(0, 1/prior), by the Schur complement.

    Parameters
    ----------
    X : (n, p) float array
    y, weight : (n,) float arrays
    unit : (n,) int array
    n_units : int
        0: no intercepts.
    tau2 : float
    prior : (p,) float array
        Precisions.
    """
    WX = X * weight[:, None]
    A, c = X.T @ WX + np.diag(prior), WX.T @ y
    if not n_units:
        lower = np.linalg.cholesky(A)
        coef = solve_triangular(lower.T, solve_triangular(lower, c, lower=True), lower=False)
        return Posterior(coef, np.zeros(0), lower, np.zeros(0), np.zeros((0, X.shape[1])))
    own = cell_sums(unit, weight, n_units) + 1 / tau2
    across = row_sums(unit, weight, X, n_units)
    answer = cell_sums(unit, weight * y, n_units)
    lower = np.linalg.cholesky(A - across.T @ (across / own[:, None]))
    right = c - across.T @ (answer / own)
    coef = solve_triangular(lower.T, solve_triangular(lower, right, lower=True), lower=False)
    return Posterior(coef, (answer - across @ coef) / own, lower, own, across)


def _tau2(effects: np.ndarray, rng: np.random.Generator) -> float:
    """Under a flat prior of the standard deviation: Σb² / χ² of one less than the units."""
    return float(max(effects @ effects, 1e-8) / rng.chisquare(effects.size - 1))


def linear(p: Problem, state: State, rng: np.random.Generator) -> np.ndarray:
    """(q,) draws of the Bayesian linear model, `shift` added."""
    X, _, _, ahead, coef, effects = _linear_draw(p, state, rng)
    middle = ahead @ coef + _of(effects, p.unit_ahead)
    return middle + np.sqrt(state.sigma2) * rng.standard_normal(len(middle)) + p.shift


def matched(p: Problem, state: State, rng: np.random.Generator, donors: int) -> np.ndarray:
    """(q,) answers of respondents whose prediction is near: type-1 predictive mean matching.

    Answers are predicted by the posterior mean, missing ones by a draw; one of the `donors` nearest
    lends its answer, `shift` added.
    """
    X, centre, middle, ahead, coef, effects = _linear_draw(p, state, rng)
    lent = X @ centre + _of(middle, p.unit)
    wanted = ahead @ coef + _of(effects, p.unit_ahead)
    return p.y[nearest(lent, wanted, donors, rng)] + p.shift


def nearest(
    lent: np.ndarray, wanted: np.ndarray, donors: int, rng: np.random.Generator
) -> np.ndarray:
    """(q,) places in `lent` of a random one among the `donors` nearest to each of `wanted`.

    Equal predictions come in random order, so that none is preferred.
    """
    shuffled = rng.permutation(lent.size)
    order = shuffled[np.argsort(lent[shuffled], kind="stable")]
    held = lent[order]
    k = min(donors, lent.size)
    at = np.searchsorted(held, wanted)
    around = at[:, None] + np.arange(-k, k)[None, :]
    inside = (around >= 0) & (around < lent.size)
    far = np.abs(held[np.clip(around, 0, lent.size - 1)] - wanted[:, None])
    far = np.where(inside, far, np.inf)
    chosen = np.argsort(far, axis=1, kind="stable")[np.arange(wanted.size), rng.integers(0, k, wanted.size)]
    return order[around[np.arange(wanted.size), chosen]]


def _linear_draw(p: Problem, state: State, rng: np.random.Generator):
    s = scaled(p.X, p.ahead)
    n, k = s.X.shape
    flat = np.full(k, _FLAT)
    if not p.n_units:
        found = posterior(s.X, p.y, np.ones(n), p.unit, 0, 1.0, 0 * flat)
        residual = p.y - s.X @ found.coef
        state.sigma2 = float(max(residual @ residual, 1e-12) / rng.chisquare(max(n - k, 1)))
        coef = found.coef + np.sqrt(state.sigma2) * solve_triangular(
            found.lower.T, rng.standard_normal(k), lower=False)  # fmt: skip
        return s.X, found.coef, found.effects, s.ahead, coef, found.effects
    sweeps = 1
    if np.isnan(state.sigma2):
        state.sigma2 = float(max(p.y.var(), 1e-12))
        state.tau2, sweeps = 0.1 * state.sigma2, 10
    for _ in range(sweeps):
        found = posterior(
            s.X, p.y, np.full(n, 1 / state.sigma2), p.unit, p.n_units, state.tau2, flat / state.sigma2)
        coef, effects = found.draw(rng)
        residual = p.y - s.X @ coef - effects[p.unit]
        state.sigma2 = float(max(residual @ residual, 1e-12) / rng.chisquare(n))
        state.tau2 = max(_tau2(effects, rng), 1e-6 * state.sigma2)
    return s.X, found.coef, found.effects, s.ahead, coef, effects


def logit(p: Problem, state: State, rng: np.random.Generator) -> np.ndarray:
    """(q,) zeros and ones: a draw of the logit's coefficients, then of each answer.

    Coefficients of scaled columns are N(0, 2.5²) beforehand, so that separation has an answer; it is
    remembered in the state.
    """
    eta = logit_draw(p, state, rng) + (-p.shift if p.category == 0 else p.shift)
    return (rng.random(len(eta)) < expit(eta)).astype(float)


def logit_draw(p: Problem, state: State, rng: np.random.Generator) -> np.ndarray:
    """(q,) linear predictors of those to impute under one draw of the coefficients.

    The first draw of a chain starts from the normal approximation about the mode; sweeps of the
    Pólya–Gamma sampler of Polson, Scott and Windle (2013) lead from there, and from every draw to the
    next, to the exact posterior of coefficients, intercepts and their variance.
    """
    s = scaled(p.X, p.ahead)
    k = s.X.shape[1]
    prior = np.full(k, 1 / PRIOR**2)
    prior[0] = 1 / CONSTANT**2
    warm = state.coef is not None and state.coef.size == k and state.effects.size == p.n_units
    coef, effects = state.coef, state.effects
    if not warm:
        mode = logit_mode(s.X, p, state.tau2, prior)
        coef, effects = mode.draw(rng)
        state.separated = bool(((2 * p.y - 1) * (s.X @ mode.coef) > 0).all())
    for _ in range(LATER if warm else FIRST):
        omega = polya_gamma(s.X @ coef + _of(effects, p.unit), rng)
        found = posterior(s.X, (p.y - 0.5) / omega, omega, p.unit, p.n_units, state.tau2, prior)
        coef, effects = found.draw(rng)
        if p.n_units:
            state.tau2 = min(max(_tau2(effects, rng), 1e-6), 10.0)
    state.coef, state.effects = coef, effects
    return s.ahead @ coef + _of(effects, p.unit_ahead)


def logit_mode(X: np.ndarray, p: Problem, tau2: float, prior: np.ndarray) -> Posterior:
    """The normal approximation about the mode of coefficients and intercepts given their variance, by Newton."""
    coef, effects = np.zeros(X.shape[1]), np.zeros(p.n_units)
    eta = X @ coef + _of(effects, p.unit)
    for _ in range(30):
        mu = expit(eta)
        weight = np.maximum(mu * (1 - mu), 1e-9)
        found = posterior(X, eta + (p.y - mu) / weight, weight, p.unit, p.n_units, tau2, prior)
        step = X @ found.coef + _of(found.effects, p.unit) - eta
        far = float(np.abs(step).max(initial=0.0))
        eta = eta + step * min(1.0, 4.0 / far) if far > 0 else eta
        if far < 1e-6:
            break
    return found


def ordered(p: Problem, n_levels: int, state: State, rng: np.random.Generator) -> np.ndarray:
    """(q,) codes 0…n_levels−1 by the sequential logit: P(y = k | y ≥ k), one set of slopes, a constant each."""
    rows, stops, answer = [], [], []
    for k in range(n_levels - 1):
        at = np.flatnonzero(p.y >= k)
        rows.append(at)
        stops.append(np.full(at.size, k))
        answer.append((p.y[at] == k).astype(float))
    row, stop = np.concatenate(rows), np.concatenate(stops)
    step = np.eye(n_levels - 1)[:, 1:]
    q = len(p.ahead)
    many, cut = np.tile(np.arange(q), n_levels - 1), np.repeat(np.arange(n_levels - 1), q)
    eta = logit_draw(
        Problem(
            np.hstack([p.X[row], step[stop]]), np.concatenate(answer),
            np.hstack([p.ahead[many], step[cut]]), _at(p.unit, row), _at(p.unit_ahead, many), p.n_units,
            np.zeros(many.size),
        ), state, rng,
    )  # fmt: skip
    return _stopped(moved(expit(eta).reshape(n_levels - 1, q), p.shift, p.category), rng)


def multinomial(
    p: Problem, n_levels: int, states: list[State], rng: np.random.Generator
) -> np.ndarray:
    """(q,) codes 0…n_levels−1: P(y = k | y ≥ k) by a logit of its own for every level."""
    chance = np.zeros((n_levels - 1, len(p.ahead)))
    for k in range(n_levels - 1):
        at = p.y >= k
        answer = (p.y[at] == k).astype(float)
        if at.sum() == 0 or answer.min() == answer.max():
            chance[k] = answer[0] if at.any() else 0.0
            continue
        part = Problem(p.X[at], answer, p.ahead, _at(p.unit, at), p.unit_ahead, p.n_units,
                       np.zeros(len(p.ahead)))
        chance[k] = expit(logit_draw(part, states[k], rng))
    return _stopped(moved(chance, p.shift, p.category), rng)


def moved(chance: np.ndarray, shift: np.ndarray, category: int) -> np.ndarray:
    """Chances of stopping under a departure: of one answer's log odds, or of those of every higher answer.

    Parameters
    ----------
    chance : (levels − 1, q) float array
        P(y = k | y ≥ k).
    shift : (q,) float array
        Added to logit P(y = category), the other answers keeping their proportions; or to
        logit P(y > k) for every k.
    category : int
        −1 for the second kind.

    Returns
    -------
    (levels − 1, q) float array
        The same array where nothing moves.
    """
    if not shift.any():
        return chance
    above = np.cumprod(1 - chance, axis=0)
    factor = np.exp(-np.clip(shift, -500.0, 500.0))
    if category < 0:
        above = above / (above + (1 - above) * factor)
        share = -np.diff(above, axis=0, prepend=1.0, append=0.0)
    else:
        share = -np.diff(above, axis=0, prepend=1.0, append=0.0)
        own = share[category]
        named = own / (own + (1 - own) * factor)
        rest = np.where(own < 1, (1 - named) / np.where(own < 1, 1 - own, 1.0), 0.0)
        share = share * rest
        share[category] = named
    left = np.cumsum(share[::-1], axis=0)[::-1][:-1]
    return np.where(left > 0, share[:-1] / np.where(left > 0, left, 1.0), 1.0)


def _stopped(chance: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The first level at which each person stops, by the chances of stopping (levels − 1, q)."""
    hit = rng.random(chance.shape) < chance
    return np.where(hit.any(axis=0), hit.argmax(axis=0), len(chance)).astype(float)


def _of(effects: np.ndarray, unit: np.ndarray) -> np.ndarray | float:
    return effects[unit] if effects.size else 0.0


def _at(unit: np.ndarray, rows: np.ndarray) -> np.ndarray:
    return unit[rows] if unit.size else unit
