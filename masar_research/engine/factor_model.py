"""Confirmatory factor models in one or several groups: maximum likelihood on weighted moments.

``Σ_g = Λ_g Ψ_g Λ_g' + Θ_g`` and ``μ_g = ν_g + Λ_g α_g``. What rows do to the parameters goes
through the moments of their group, so that the design's covariance of moments is all it takes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from masar_research.errors import EstimationError

Array = NDArray[np.generic]
Floats = NDArray[np.float64]
Level = Literal["configural", "metric", "scalar", "strict"]

#: What groups share, from nothing to everything but the factors themselves.
LEVELS: tuple[Level, ...] = ("configural", "metric", "scalar", "strict")
_ROUNDS = 500


@dataclass(frozen=True, slots=True, eq=False)
class Moments:
    """Weighted moments of G groups on p items.

    ``weight`` (G,) sums of weights, ``mean`` (G, p), ``covariance`` (G, p, p) divided by the sum
    of weights, ``n`` (G,) rows.
    """

    weight: Floats
    mean: Floats
    covariance: Floats
    n: Floats

    @property
    def share(self) -> Floats:
        """(G,) shares of the groups in the weights."""
        return self.weight / self.weight.sum()


@dataclass(frozen=True, slots=True, eq=False)
class Places:
    """Where each parameter stands: numbers of parameters, −1 where an element is fixed.

    ``loading`` (G, p, k), ``factor`` (G, k, k) and ``residual`` (G, p, p) below and on the
    diagonal, ``intercept`` (G, p), ``mean`` (G, k). Fixed factor variances are 1, all else 0.
    """

    loading: NDArray[np.intp]
    factor: NDArray[np.intp]
    residual: NDArray[np.intp]
    intercept: NDArray[np.intp]
    mean: NDArray[np.intp]
    size: int


@dataclass(frozen=True, slots=True, eq=False)
class Fitted:
    """A fitted model: ``theta`` (q,), the minimum ``loss`` of F, and what inference needs.

    ``pull`` (q, G (p + p(p+1)/2 + 1)) turns weighted sums of (y − m, vech(…), 1) of each group
    into changes of theta; ``within`` is the weight matrix W and ``slopes`` the Jacobian Δ of the
    moments.
    """

    places: Places
    moments: Moments
    theta: Floats
    loss: float
    pull: Floats
    within: Floats
    slopes: Floats

    @property
    def df(self) -> int:
        """Moments less parameters."""
        return len(self.slopes) - self.places.size


def moments(weights: Floats, items: Floats, group: NDArray[np.intp], n_groups: int) -> Moments:
    """Weighted moments by group; items (n, p), group (n,) from 0, complete rows only."""
    p = items.shape[1]
    weight, mean = np.zeros(n_groups), np.zeros((n_groups, p))
    covariance, n = np.zeros((n_groups, p, p)), np.zeros(n_groups)
    for g in range(n_groups):
        inside = group == g
        w, y = weights[inside], items[inside]
        weight[g], n[g] = w.sum(), inside.sum()
        mean[g] = w @ y / weight[g]
        z = y - mean[g]
        covariance[g] = (z * w[:, None]).T @ z / weight[g]
    return Moments(weight, mean, covariance, n)


def places(
    factors: Sequence[Sequence[int]], n_items: int, n_groups: int, level: Level = "configural", *,
    free: Sequence[int] = (), residuals: Sequence[tuple[int, int]] = (),
) -> Places:  # fmt: skip
    """Number the parameters: factors with variance 1 and mean 0 in the first group.

    Parameters
    ----------
    factors : sequence of sequences of int
        Items of each factor.
    level : Level
        Equal in all groups: nothing; loadings (factor variances then free after the first
        group); and intercepts (factor means then free); and residual variances.
    free : sequence of int
        Items left out of every equality (partial invariance).
    residuals : sequence of pairs of int
        Residual covariances, free in every group.
    """
    rank, k, loose = LEVELS.index(level), len(factors), set(free)
    loading = np.full((n_groups, n_items, k), -1)
    factor, residual = np.full((n_groups, k, k), -1), np.full((n_groups, n_items, n_items), -1)
    intercept, mean = np.full((n_groups, n_items), -1), np.full((n_groups, k), -1)
    count = 0

    def number(into: Array, at: tuple[int, ...], equal: bool) -> None:
        nonlocal count
        for g in range(n_groups):
            if equal and g:
                into[(g, *at)] = into[(0, *at)]
            else:
                into[(g, *at)] = count
                count += 1

    for j, items in enumerate(factors):
        for i in items:
            number(loading, (i, j), rank >= 1 and i not in loose)
    for a in range(k):
        for b in range(a):
            number(factor, (a, b), False)
    for i in range(n_items):
        number(residual, (i, i), rank >= 3 and i not in loose)
        number(intercept, (i,), rank >= 2 and i not in loose)
    for a, b in residuals:
        number(residual, (max(a, b), min(a, b)), False)
    for g in range(1, n_groups):
        for a in range(k):
            if rank >= 1:
                factor[g, a, a], count = count, count + 1
            if rank >= 2:
                mean[g, a], count = count, count + 1
    return Places(loading, factor, residual, intercept, mean, count)


def matrices(at: Places, theta: Array, g: int) -> tuple[Array, ...]:
    """Λ, Ψ, Θ, ν, α of group g."""

    def fill(index: NDArray[np.intp], fixed: float | Array = 0.0) -> Array:
        return np.where(index >= 0, theta[np.maximum(index, 0)], fixed)

    def both(lower: Array) -> Array:
        return lower + np.tril(lower, -1).T

    return (
        fill(at.loading[g]), both(fill(at.factor[g], np.eye(len(at.factor[g])))), both(fill(at.residual[g])),
        fill(at.intercept[g]), fill(at.mean[g]),
    )  # fmt: skip


def implied(at: Places, theta: Array, g: int) -> tuple[Array, Array]:
    """μ and Σ of group g."""
    loading, factor, residual, intercept, mean = matrices(at, theta, g)
    return intercept + loading @ mean, loading @ factor @ loading.T + residual


def _slopes(at: Places, theta: Array, g: int) -> tuple[Array, Array]:
    """(q, p) and (q, p, p) derivatives of μ and Σ of group g."""
    loading, factor, _, _, mean = matrices(at, theta, g)
    p = len(loading)
    mu, sigma = np.zeros((at.size, p), theta.dtype), np.zeros((at.size, p, p), theta.dtype)
    through = factor @ loading.T
    for i, j in np.argwhere(at.loading[g] >= 0):
        one = at.loading[g, i, j]
        sigma[one, i, :] += through[j]
        sigma[one, :, i] += through[j]
        mu[one, i] += mean[j]
    for a, b in np.argwhere(at.factor[g] >= 0):
        outer = np.outer(loading[:, a], loading[:, b])
        sigma[at.factor[g, a, b]] += outer if a == b else outer + outer.T
    for a, b in np.argwhere(at.residual[g] >= 0):
        one = at.residual[g, a, b]
        sigma[one, a, b] += 1
        if a != b:
            sigma[one, b, a] += 1
    for (i,) in np.argwhere(at.intercept[g] >= 0):
        mu[at.intercept[g, i], i] += 1
    for (a,) in np.argwhere(at.mean[g] >= 0):
        mu[at.mean[g, a]] += loading[:, a]
    return mu, sigma


def _group_gradient(at: Places, of: Moments, theta: Array, g: int) -> Array:
    mu, sigma = implied(at, theta, g)
    by_mu, by_sigma = _slopes(at, theta, g)
    inverse, gap = np.linalg.inv(sigma), of.mean[g] - mu
    rest = inverse @ (of.covariance[g] + np.outer(gap, gap) - sigma) @ inverse
    return -np.einsum("ab,kab->k", rest, by_sigma) - 2 * by_mu @ (inverse @ gap)


def gradient(at: Places, of: Moments, theta: Array) -> Array:
    """(q,) derivative of :func:`loss`."""
    return sum(share * _group_gradient(at, of, theta, g) for g, share in enumerate(of.share))


def loss(at: Places, of: Moments, theta: Floats) -> float:
    """``F = Σ π_g (log|Σ| − log|S| + tr(S Σ⁻¹) − p + (m − μ)' Σ⁻¹ (m − μ))``; inf outside."""
    value = 0.0
    for g, share in enumerate(of.share):
        mu, sigma = implied(at, theta, g)
        try:
            root = np.linalg.cholesky(sigma)
        except np.linalg.LinAlgError:
            return np.inf
        inverse, gap, observed = np.linalg.inv(sigma), of.mean[g] - mu, of.covariance[g]
        known = np.linalg.slogdet(observed)[1]
        value += share * float(
            2 * np.log(np.diag(root)).sum() - known + np.sum(observed * inverse) - len(mu) + gap @ inverse @ gap
        )
    return value


def _expected(at: Places, of: Moments, theta: Floats) -> Floats:
    """(q, q) expected second derivatives of F."""
    total = np.zeros((at.size, at.size))
    for g, share in enumerate(of.share):
        _, sigma = implied(at, theta, g)
        by_mu, by_sigma = _slopes(at, theta, g)
        inverse = np.linalg.inv(sigma)
        turned = inverse @ by_sigma
        total += share * (np.einsum("kab,lba->kl", turned, turned) + 2 * by_mu @ inverse @ by_mu.T)
    return total


def _start(at: Places, of: Moments) -> Floats:
    theta = np.zeros(at.size)
    for g in range(len(of.weight) - 1, -1, -1):
        spread = np.diag(of.covariance[g])
        for j in range(at.loading.shape[2]):
            items = np.flatnonzero(at.loading[g, :, j] >= 0)
            part = of.covariance[g][np.ix_(items, items)] / np.sqrt(np.outer(spread[items], spread[items]))
            first = np.linalg.eigh(part)[1][:, -1]
            first = first * (1 if first.sum() >= 0 else -1)
            theta[at.loading[g, items, j]] = np.sign(first) * np.sqrt(spread[items] / 2)
        own = np.diag(at.residual[g])
        theta[own] = spread / 2
        theta[at.intercept[g]] = of.mean[g]
        inside = np.diag(at.factor[g])
        theta[inside[inside >= 0]] = 1.0
    return theta


def fit(at: Places, of: Moments) -> Fitted:
    """Fisher scoring with halved steps, then the exact second derivatives.

    Raises
    ------
    EstimationError
        More parameters than moments, moments that are singular, a model that is not identified or
        does not settle.

    Examples
    --------
    >>> corr = np.full((3, 3), 0.49) + 0.51 * np.eye(3)
    >>> of = Moments(np.ones(1), np.zeros((1, 3)), corr[None], np.array([100.0]))
    >>> fit(places([(0, 1, 2)], 3, 1), of).theta[:3].round(6).tolist()
    [0.7, 0.7, 0.7]
    """
    p = of.mean.shape[1]
    if at.size > len(of.weight) * (p + p * (p + 1) // 2):
        raise _unidentified()
    for g in range(len(of.weight)):
        scale = np.sqrt(np.diag(of.covariance[g]))
        if not (scale > 0).all() or np.linalg.eigvalsh(of.covariance[g] / np.outer(scale, scale))[0] < 1e-8:
            raise EstimationError(
                f"Group {g + 1}: an item is constant, or the sum of others, so the covariances are singular.",
                remedy="Drop that item, or merge small groups.",
                ar=f"المجموعة {g + 1}: بند ثابت أو مطابق لتركيبة من بنود أخرى؛ استبعده أو ادمج المجموعات الصغيرة.",
            )
    theta = _start(at, of)
    value = loss(at, of, theta)
    for _ in range(_ROUNDS):
        slope = gradient(at, of, theta)
        curve = _expected(at, of, theta)
        scale = np.sqrt(np.maximum(np.diag(curve), 1e-300))
        if np.linalg.cond(curve / np.outer(scale, scale)) > 1e12:
            raise _unidentified()
        step, size = -np.linalg.solve(curve, slope), 1.0
        while size > 1e-6 and not loss(at, of, theta + size * step) <= value + 1e-14:
            size /= 2
        theta = theta + size * step
        value = loss(at, of, theta)
        if np.max(np.abs(slope) / scale) < 1e-10:
            break
    else:
        raise EstimationError(
            "The factor model does not settle.",
            remedy="Use more items per factor, or fewer factors; look at the correlations first.",
            ar="لم يستقر نموذج العوامل؛ استعمل بنوداً أكثر لكل عامل أو عوامل أقل، وراجع الارتباطات أولاً.",
        )
    return Fitted(at, of, theta, value, *_inference(at, of, theta))


def _unidentified() -> EstimationError:
    return EstimationError(
        "The factor model is not identified: its items cannot tell its parameters apart.",
        remedy="Give each factor three items or more (two where it goes with other factors), "
        "fewer residual covariances, or fewer free items.",
        ar="لا تكفي البنود لتحديد معالم نموذج العوامل؛ اجعل لكل عامل ثلاثة بنود على الأقل، وقلّل التغايرات المتبقية "
        "والبنود المحرَّرة.",
    )


def _inference(at: Places, of: Moments, theta: Floats) -> tuple[Floats, Floats, Floats]:
    q, p = at.size, of.mean.shape[1]
    low = np.tril_indices(p)
    twice = np.where(low[0] == low[1], 1.0, 2.0)
    hessian = np.empty((q, q))
    for k in range(q):
        moved = theta.astype(complex)
        moved[k] += 1e-30j
        hessian[k] = gradient(at, of, moved).imag / 1e-30
    try:
        solved = np.linalg.inv((hessian + hessian.T) / 4)
    except np.linalg.LinAlgError as error:
        raise _unidentified() from error
    basis = np.zeros((len(low[0]), p, p))
    basis[np.arange(len(low[0])), low[0], low[1]] = 1
    basis[np.arange(len(low[0])), low[1], low[0]] = 1
    pulls, slopes, size = [], [], p + len(low[0])
    within = np.zeros((len(of.weight) * size,) * 2)
    for g, share in enumerate(of.share):
        mu, sigma = implied(at, theta, g)
        by_mu, by_sigma = _slopes(at, theta, g)
        inverse, gap = np.linalg.inv(sigma), of.mean[g] - mu
        around = inverse @ by_sigma @ inverse
        constant = -_group_gradient(at, of, theta, g) / 2
        pulls.append(np.column_stack([around @ gap + by_mu @ inverse, around[:, low[0], low[1]] * twice / 2, constant]))
        slopes.append(np.column_stack([by_mu, by_sigma[:, low[0], low[1]]]).T)
        turned = inverse @ basis
        place = slice(g * size, g * size + p), slice(g * size + p, (g + 1) * size)
        within[place[0], place[0]] = share * inverse
        within[place[1], place[1]] = share * np.einsum("iab,jba->ij", turned, turned) / 2
    pull = solved @ np.column_stack(pulls) / of.weight.sum()
    return pull, within, np.vstack(slopes)


def row_moments(items: Floats, of: Moments, g: int) -> Floats:
    """(r, p + p(p+1)/2 + 1) what rows of group g add to ``(y − m, vech((y − m)(y − m)' − S), 1)``."""
    low = np.tril_indices(items.shape[1])
    z = items - of.mean[g]
    return np.column_stack([z, z[:, low[0]] * z[:, low[1]] - of.covariance[g][low], np.ones(len(z))])


def omega(weights: Floats, *items: Floats) -> tuple[float, Floats]:
    """McDonald's omega of one factor, ``(Σλ)² / ((Σλ)² + Σθ)``, and its influence.

    Parameters and answer as in :func:`masar_research.engine.reliability.alpha`; NaN where the
    model of one factor cannot be fitted.

    References
    ----------
    McDonald (1999), *Test Theory*, chapter 6.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> factor = rng.normal(size=20000)
    >>> round(omega(np.ones(20000), *(factor + rng.normal(size=(4, 20000))))[0], 2)
    0.8
    """
    y = np.column_stack(items)
    p = y.shape[1]
    of = moments(weights, y, np.zeros(len(y), np.intp), 1)
    try:
        found = fit(places([tuple(range(p))], p, 1), of)
    except (EstimationError, np.linalg.LinAlgError):
        return np.nan, np.full(len(y), np.nan)
    sum_loading = found.theta[found.places.loading[0, :, 0]].sum()
    sum_residual = found.theta[np.diag(found.places.residual[0])].sum()
    whole = sum_loading**2 + sum_residual
    slope = np.zeros(found.places.size)
    slope[found.places.loading[0, :, 0]] = 2 * sum_loading * sum_residual / whole**2
    slope[np.diag(found.places.residual[0])] = -(sum_loading**2) / whole**2
    return float(sum_loading**2 / whole), row_moments(y, of, 0) @ (slope @ found.pull)
