"""Decompositions of the gap between two groups, with the influence of every row on every part.

Each function takes the rows of the survey as `masar_research.engine.functional.functional` hands them
over (weights, outcome, group, columns) and answers the parts and their influences. Predictors are
random: means of predictors and coefficients both move with the sample.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from masar_research.engine import glm, inequality
from masar_research.engine.poverty import density
from masar_research.errors import ModelError

Floats = NDArray[np.float64]
Link = Literal["identity", "logit"]
Reference = Literal["pooled", "first", "second", "average"]
_PAIRS = 20_000_000
REFERENCES: tuple[Reference, ...] = ("pooled", "first", "second", "average")


@dataclass(frozen=True, slots=True, eq=False)
class Dual:
    """Numbers with the influence of each row on them; arithmetic carries both.

    Attributes
    ----------
    value : ndarray (m,)
    influence : ndarray (r, m)
    """

    value: Floats
    influence: Floats

    def __add__(self, other: Dual) -> Dual:
        return Dual(self.value + other.value, self.influence + other.influence)

    def __sub__(self, other: Dual) -> Dual:
        return Dual(self.value - other.value, self.influence - other.influence)

    def __mul__(self, other: Dual) -> Dual:
        carried = self.influence * other.value + self.value * other.influence
        return Dual(self.value * other.value, carried)

    def __truediv__(self, other: Dual) -> Dual:
        value = self.value / other.value
        return Dual(value, (self.influence - value * other.influence) / other.value)

    def times(self, factor: float) -> Dual:
        """Multiplied by a constant."""
        return Dual(factor * self.value, factor * self.influence)

    def through(self, matrix: Floats) -> Dual:
        """``matrix @ value``, with matrix (k, m)."""
        return Dual(matrix @ self.value, self.influence @ matrix.T)

    def sum(self) -> Dual:
        """(1,) sum."""
        return Dual(self.value.sum(keepdims=True), self.influence.sum(axis=1, keepdims=True))


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """How columns of the design matrix are read.

    Attributes
    ----------
    means : ndarray (q, p)
        Predictors whose parts are told, from the p columns; with a column for the reference of
        each categorical one where coefficients are normalised.
    coefficients : ndarray (q, p)
        Their coefficients, from those of the p columns (Yun 2005: each categorical predictor's
        sum to zero, so that parts do not depend on the reference).
    variables : ndarray (v, q)
        1 where predictor q belongs to variable v; the constant is the last.
    """

    means: Floats
    coefficients: Floats
    variables: Floats


def layout(p: int, constant: int, variables: Sequence[Sequence[int]], categorical: Sequence[bool]) -> Layout:
    """A layout from the columns of each variable.

    Parameters
    ----------
    p : int
        Columns of the design matrix.
    constant : int
        That of the constant.
    variables : sequence of sequences of int
        Columns of each variable.
    categorical : sequence of bool
        Whether they are the dummies of a main effect, whose coefficients are normalised.
    """
    extra = sum(categorical)
    means, coefficients = np.zeros((p + extra, p)), np.zeros((p + extra, p))
    means[:p], coefficients[:p] = np.eye(p), np.eye(p)
    owner = np.zeros((len(variables) + 1, p + extra))
    owner[-1, constant] = 1
    at = p
    for v, (columns, normalised) in enumerate(zip(variables, categorical, strict=True)):
        owner[v, list(columns)] = 1
        if not normalised:
            continue
        share = np.zeros(p)
        share[list(columns)] = 1 / (len(columns) + 1)
        coefficients[list(columns)] -= share
        coefficients[constant] += share
        coefficients[at] = -share
        means[at, constant] = 1
        means[at, list(columns)] = -1
        owner[v, at] = 1
        at += 1
    return Layout(means, coefficients, owner)


def two_fold(
    weights: Floats, y: Floats, first: Floats, X: Floats, plan: Layout, reference: Reference = "pooled",
    link: Link = "identity", switch: bool = False,
) -> Dual:  # fmt: skip
    """Oaxaca–Blinder decomposition into a part explained by predictors and the rest.

    With ``M(a, b)`` the mean over group a of ``F(x'β_b)`` and β* the reference coefficients:
    ``explained = M(1, *) − M(2, *)``, ``unexplained = M(1, 1) − M(1, *) + M(2, *) − M(2, 2)``. With the
    identity link these are ``(x̄₁ − x̄₂)'β*`` and ``x̄₁'(β₁ − β*) + x̄₂'(β* − β₂)``, told by variable; with the logit link
    variables share each part by Yun's weights, ``(x̄₁ − x̄₂)_k β*_k / Σ`` and likewise.

    Parameters
    ----------
    weights, y : ndarray (r,)
    first : ndarray (r,)
        1 in the first group, 0 in the second.
    X : ndarray (r, p)
    plan : Layout
    reference : {"pooled", "first", "second", "average"}
        Pooled coefficients come from all rows with the group among the predictors (Jann 2008).
    link : {"identity", "logit"}
    switch : bool
        With the logit link, tell the explained part by variable as Fairlie (2005) does: the first
        group's people get the second group's values of one variable after the other, in their
        order; over all pairs of people instead of a random matching.

    Returns
    -------
    Dual, 5 + 2 v
        Means of the groups, difference, explained, unexplained; explained by variable, then
        unexplained by variable, the constant last in each.

    References
    ----------
    Jann (2008), *Stata Journal* 8, 453–479; Yun (2004), *Economics Letters* 82, 275–280; Yun (2005),
    *Economic Inquiry* 43, 766–772; Fairlie (2005), *Journal of Economic and Social Measurement* 30, 305–316.
    """
    groups = [first == 1, first == 0]
    own = [_coefficients(weights, y, X, rows, link) for rows in groups]
    star = _reference(weights, y, X, groups, own, reference, link)
    means = [_means(weights, X, rows).through(plan.means) for rows in groups]
    betas = [beta.through(plan.coefficients) for beta in (*own, star)]

    def predicted(rows: NDArray[np.bool_], beta: Dual) -> Dual:
        return _predicted(weights, X, rows, beta, link)

    at_own = [predicted(rows, beta) for rows, beta in zip(groups, own, strict=True)]
    at_star = [predicted(rows, star) for rows in groups]
    explained = at_star[0] - at_star[1]
    gains = at_own[0] - at_star[0], at_star[1] - at_own[1]
    by_explained = (means[0] - means[1]) * betas[2]
    by_gains = means[0] * (betas[0] - betas[2]), means[1] * (betas[2] - betas[1])
    by_explained, *by_gains = (part.through(plan.variables) for part in (by_explained, *by_gains))
    if link == "logit":
        by_explained = (
            _switched(weights, X, groups, star, plan) if switch else _shared(explained, by_explained)
        )
        by_gains = [_shared(gain, part) for gain, part in zip(gains, by_gains, strict=True)]
    unexplained = gains[0] + gains[1]
    return _joined(
        *at_own, at_own[0] - at_own[1], explained, unexplained, by_explained, by_gains[0] + by_gains[1]
    )


def three_fold(weights: Floats, y: Floats, first: Floats, X: Floats, plan: Layout) -> Dual:
    """Endowments, coefficients and their interaction, from the second group's point of view.

    ``(x̄₁ − x̄₂)'β₂ + x̄₂'(β₁ − β₂) + (x̄₁ − x̄₂)'(β₁ − β₂)``.

    Returns
    -------
    Dual, 6 + 3 v
        Means of the groups, difference, the three parts, then each by variable.
    """
    groups = [first == 1, first == 0]
    one, two = (_coefficients(weights, y, X, rows, "identity").through(plan.coefficients) for rows in groups)
    mean1, mean2 = (_means(weights, X, rows).through(plan.means) for rows in groups)
    parts = [
        part.through(plan.variables)
        for part in ((mean1 - mean2) * two, mean2 * (one - two), (mean1 - mean2) * (one - two))
    ]
    levels = (mean1 * one).sum(), (mean2 * two).sum()
    return _joined(*levels, levels[0] - levels[1], *(part.sum() for part in parts), *parts)


def rates_and_composition(weights: Floats, y: Floats, first: Floats, cell: Floats, count: int) -> Dual:
    """Kitagawa's decomposition of a difference of rates.

    With p the shares of the cells and r their rates: composition ``Σ (p₁ − p₂)(r₁ + r₂)/2``, rates
    ``Σ (r₁ − r₂)(p₁ + p₂)/2``.

    Parameters
    ----------
    cell : ndarray (r,)
        0 … count − 1; every cell with rows of both groups.

    Returns
    -------
    Dual, 5 + 2 count

    References
    ----------
    Kitagawa (1955), *JASA* 50, 1168–1194.
    """
    shares, rates, levels = [], [], []
    inside = cell[:, None] == np.arange(count)
    for rows in (first == 1, first == 0):
        total = weights[rows].sum()
        held = inside & rows[:, None]
        part = held.T.astype(float) @ weights
        share = part / total
        rate = (held.T.astype(float) @ (weights * y)) / part
        shares.append(Dual(share, rows[:, None] * (inside - share) / total))
        rates.append(Dual(rate, held * (y[:, None] - rate) / part))
        levels.append(_predicted_mean(weights, y, rows))
    half = (rates[0] + rates[1]).times(0.5), (shares[0] + shares[1]).times(0.5)
    composition = (shares[0] - shares[1]) * half[0]
    rate = (rates[0] - rates[1]) * half[1]
    return _joined(*levels, levels[0] - levels[1], composition.sum(), rate.sum(), composition, rate)


def recentred(
    weights: Floats, y: Floats, first: Floats, statistic: str, quantile: float
) -> Floats:
    """(r,) recentred influence functions of a statistic within each group.

    ``RIF = θ + influence``: its mean is the statistic. Quantile: ``q + (τ − 1[y ≤ q]) / f(q)``, f a
    Gaussian kernel density; variance: ``(y − μ)²``; Gini: by its exact influence.

    References
    ----------
    Firpo, Fortin and Lemieux (2009), *Econometrica* 77, 953–973; (2018), *Econometrics* 6(2), 28.
    """
    out = np.empty(len(y))
    for rows in (first == 1, first == 0):
        w, part = weights[rows], y[rows]
        if statistic == "quantile":
            order = np.argsort(part, kind="stable")
            below = np.cumsum(w[order])
            q = part[order][np.searchsorted(below, quantile * below[-1] * (1 - 1e-12))]
            out[rows] = q + (quantile - (part <= q)) / density(w, part, q)
        elif statistic == "variance":
            out[rows] = (part - np.average(part, weights=w)) ** 2
        else:
            value, influence = inequality.gini(w, part)
            out[rows] = value + influence * w.sum()
    return out


def _joined(*parts: Dual) -> Dual:
    return Dual(np.concatenate([part.value for part in parts]),
                np.concatenate([part.influence for part in parts], axis=1))  # fmt: skip


def _shared(whole: Dual, parts: Dual) -> Dual:
    """A part divided among variables by Yun's weights; a part that is nought by definition has none."""
    if not parts.value.any():
        return parts
    return parts / parts.sum() * whole


def _switched(
    weights: Floats, X: Floats, groups: Sequence[NDArray[np.bool_]], beta: Dual, plan: Layout
) -> Dual:
    """Explained part by variable: values of the second group taken over, one variable after the other.

    ``H_k = Σ_i Σ_j w_i w_j F(x_i^{>k}'β + x_j^{≤k}'β) / (W₁ W₂)`` over people i of the first group and j of the
    second; variable k explains ``H_{k−1} − H_k``.
    """
    p = X.shape[1]
    owner = plan.variables[:, :p] > 0
    sides = [_patterns(weights, X, rows) for rows in groups]
    (x1, w1, at1), (x2, w2, at2) = sides
    if len(x1) * len(x2) > _PAIRS:
        raise ModelError(
            f"{len(x1):,} × {len(x2):,} different people are too many to switch values between.",
            remedy="Group numeric predictors (age in bands), or tell the parts by Yun's weights.",
            ar="عدد الأشخاص المختلفين في المجموعتين كبير جداً؛ اجمع المتغيرات الرقمية في فئات أو استعمل أوزان يون.",
        )
    levels = []
    for k in range(len(owner)):
        taken = owner[:k].any(axis=0)
        kept1, kept2 = np.where(taken, 0.0, x1), np.where(taken, x2, 0.0)
        mu = expit((kept1 @ beta.value)[:, None] + kept2 @ beta.value)
        of1, of2 = mu @ w2, w1 @ mu
        value = w1 @ of1
        slope = mu * (1 - mu)
        gradient = (w1 * (slope @ w2)) @ kept1 + (w2 * (w1 @ slope)) @ kept2
        influence = (beta.influence @ gradient)[:, None]
        for (rows, side, place) in ((groups[0], of1, at1), (groups[1], of2, at2)):
            influence[rows, 0] += (side[place] - value) / weights[rows].sum()
        levels.append(Dual(np.array([value]), influence))
    parts = [before - after for before, after in zip(levels[:-1], levels[1:], strict=True)]
    nothing = Dual(np.zeros(1), np.zeros((len(X), 1)))
    return _joined(*parts, nothing)


def _patterns(
    weights: Floats, X: Floats, rows: NDArray[np.bool_]
) -> tuple[Floats, Floats, NDArray[np.intp]]:
    """Different rows of a group's predictors, their share of its weight, and each row's place."""
    unique, place = np.unique(X[rows], axis=0, return_inverse=True)
    place = place.ravel()
    share = np.bincount(place, weights[rows]) / weights[rows].sum()
    return unique, share, place


def _means(weights: Floats, X: Floats, rows: NDArray[np.bool_]) -> Dual:
    total = weights[rows].sum()
    mean = weights[rows] @ X[rows] / total
    return Dual(mean, rows[:, None] * (X - mean) / total)


def _predicted_mean(weights: Floats, values: Floats, rows: NDArray[np.bool_]) -> Dual:
    return _means(weights, values[:, None], rows)


def _predicted(weights: Floats, X: Floats, rows: NDArray[np.bool_], beta: Dual, link: Link) -> Dual:
    """Mean prediction over a group: the group's people and the coefficients both move."""
    eta = X @ beta.value
    mu = expit(eta) if link == "logit" else eta
    slope = mu * (1 - mu) if link == "logit" else np.ones_like(mu)
    people = _predicted_mean(weights, mu, rows)
    gradient = (weights * slope)[rows] @ X[rows] / weights[rows].sum()
    return Dual(people.value, people.influence + (beta.influence @ gradient)[:, None])


def _coefficients(
    weights: Floats, y: Floats, X: Floats, rows: NDArray[np.bool_], link: Link
) -> Dual:
    """Weighted fit within some rows, with ``(Σ w μ' x x')⁻¹ x (y − μ)``."""
    w, part = np.where(rows, weights, 0.0), X[rows]
    if np.linalg.matrix_rank(part) < X.shape[1]:
        raise ModelError(
            "A group lacks variation in some predictor: its coefficients cannot be told apart.",
            remedy="Leave out a predictor, or merge levels that one group does not have.",
            ar="في إحدى المجموعتين متغيّر لا يتغيّر أو مستوى غائب؛ احذف المتغيّر أو ادمج مستوياته.",
        )
    if link == "identity":
        root = np.sqrt(w)
        beta = np.linalg.lstsq(root[:, None] * X, root * y, rcond=None)[0]
        mu, slope = X @ beta, np.ones(len(y))
    else:
        beta = glm.fit(part, y[rows], weights[rows], family="binomial").coef
        mu = expit(X @ beta)
        slope = mu * (1 - mu)
    bread = np.linalg.inv((X * (w * slope)[:, None]).T @ X)
    return Dual(beta, rows[:, None] * (X * (y - mu)[:, None]) @ bread)


def _reference(
    weights: Floats, y: Floats, X: Floats, groups: Sequence[NDArray[np.bool_]], own: Sequence[Dual],
    reference: Reference, link: Link,
) -> Dual:  # fmt: skip
    if reference == "first":
        return own[0]
    if reference == "second":
        return own[1]
    if reference == "average":
        return (own[0] + own[1]).times(0.5)
    p = X.shape[1]
    with_group = np.column_stack([X, groups[0]])
    everybody = np.ones(len(y), bool)
    pooled = _coefficients(weights, y, with_group, everybody, link)
    return Dual(pooled.value[:p], pooled.influence[:, :p])
