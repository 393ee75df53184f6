"""Krippendorff's alpha of units coded by any number of coders, with its derivative.

Everything follows from the coincidences: o_ck = Σ_u w_u n_uc (n_uk − δ_ck) / (m_u − 1), where n_uc
counts the codings c of unit u and m_u all its codings; units with fewer than two codings hold no
pair and take no part.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from masar_research.errors import EstimationError

Floats = NDArray[np.float64]
Scale = Literal["nominal", "ordinal", "interval", "ratio"]
SCALES: tuple[Scale, ...] = get_args(Scale)
#: Distinct codes up to which the coincidences are held.
MOST = 2_000


@dataclass(frozen=True, slots=True, eq=False)
class Codings:
    """Units and their codings, counted.

    Attributes
    ----------
    counts : ndarray (n, K)
        How often unit u was given code k; rows of pairable units only.
    values : ndarray (K,)
        The codes, ascending; ranks 0 … K − 1 where codes are no numbers.
    units : ndarray of int (n,)
        Which rows of what was given these are.
    scale : str
    """

    counts: Floats
    values: Floats
    units: NDArray[np.intp]
    scale: Scale

    @property
    def sizes(self) -> Floats:
        """(n,) codings of each unit, two or more."""
        return self.counts.sum(axis=1)


def count(codes: NDArray[np.intp], values: Floats, scale: Scale) -> Codings:
    """Count codings per unit.

    Parameters
    ----------
    codes : ndarray of int (n, m)
        Place of each coding among `values`; −1 where a coder did not code the unit.
    values : ndarray (K,)
        Distinct codes, ascending.
    scale : {"nominal", "ordinal", "interval", "ratio"}

    Raises
    ------
    EstimationError
        An unknown scale, no unit with two codings, more than 2,000 distinct codes, or negative
        values on a ratio scale.

    Examples
    --------
    >>> count(np.array([[0, 0], [1, -1], [0, 1]]), np.array([1.0, 2.0]), "nominal").counts
    array([[2., 0.],
           [1., 1.]])
    """
    if scale not in SCALES:
        raise EstimationError(
            f"scale={scale!r} is not a scale of measurement.",
            remedy=f"Choose one of {', '.join(SCALES)}.",
            ar="مقياس القياس غير معروف؛ اختر nominal أو ordinal أو interval أو ratio.",
        )
    if len(values) > MOST:
        raise EstimationError(
            f"{len(values):,} distinct codes; at most {MOST:,} are compared pair by pair.",
            remedy="Round the codes, or group them.",
            ar="عدد القيم المختلفة كبير جداً؛ قرّب القيم أو اجمعها في فئات.",
        )
    if scale == "ratio" and len(values) and values[0] < 0:
        raise EstimationError(
            f"A ratio scale has no values below zero; found {values[0]:g}.",
            remedy="Use scale='interval'.",
            ar="لا قيم دون الصفر في المقياس النسبي؛ استعمل scale='interval'.",
        )
    units = np.flatnonzero((codes >= 0).sum(axis=1) >= 2)
    if not len(units):
        raise EstimationError(
            "No unit was coded by two coders or more, so there is nothing to compare.",
            remedy="Have a part of the material coded by two coders independently.",
            ar="لا توجد وحدة رمّزها مرمّزان أو أكثر، فلا شيء يُقارن؛ اطلب ترميز جزء من المادة مرتين باستقلال.",
        )
    kept = codes[units]
    counts = np.zeros((len(units), len(values)))
    rows, columns = np.nonzero(kept >= 0)
    np.add.at(counts, (rows, kept[rows, columns]), 1.0)
    return Codings(counts, np.asarray(values, float), units, scale)


def coincidences(codings: Codings, weights: Floats | None = None) -> Floats:
    """(K, K) symmetric matrix o; its sum is the number of pairable codings."""
    n = codings.counts
    factor = (1.0 if weights is None else weights) / (codings.sizes - 1)
    return (n * np.asarray(factor)[:, None]).T @ n - np.diag(n.T @ (np.ones(len(n)) * factor))


def distances(codings: Codings, marginals: Floats) -> Floats:
    """(K, K) squared differences δ² of the scale; those of ranks depend on how often codes occur."""
    k = len(marginals)
    if codings.scale == "nominal":
        return 1.0 - np.eye(k)
    if codings.scale == "ratio":
        x = codings.values
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.nan_to_num((x[:, None] - x) / (x[:, None] + x)) ** 2
    place = codings.values
    if codings.scale == "ordinal":
        place = _midranks(marginals)
    return (place[:, None] - place) ** 2


def _midranks(marginals: Floats) -> Floats:
    return np.cumsum(marginals) - marginals / 2


def alpha(codings: Codings, weights: Floats | None = None) -> float:
    """Krippendorff's ``α = 1 − (n − 1) Σ o δ² / Σ n_c n_k δ²``.

    Parameters
    ----------
    codings : Codings
    weights : ndarray (n,), optional
        Of the pairable units. The factor (n − 1)/n is that of the codings at hand, so α does not
        depend on the unit of the weights.

    Returns
    -------
    float
        NaN where all codings are the same: nothing was there to agree upon.

    Examples
    --------
    >>> codes = np.array([[0, 0], [1, 1], [0, 1], [0, 0]])
    >>> round(alpha(count(codes, np.array([0.0, 1.0]), "nominal")), 6)
    0.533333
    """
    o = coincidences(codings, weights)
    return _alpha(codings, o, float(codings.sizes.sum() if weights is None else codings.sizes[weights > 0].sum()))


def _alpha(codings: Codings, o: Floats, n: float) -> float:
    marginals = o.sum(axis=1)
    delta = distances(codings, marginals)
    expected = float(marginals @ delta @ marginals)
    if not expected > 0:
        return float("nan")
    return 1 - (n - 1) / n * float(marginals.sum()) * float((o * delta).sum()) / expected


def derivative(codings: Codings, weights: Floats) -> tuple[float, Floats]:
    """α and its derivative by the weight of each unit, (n,).

    ``dα = −f (m_u A + n dA − n A dB / B) / B`` with A = Σ o δ², B = Σ n_c n_k δ² and f = (n₀ − 1)/n₀;
    on an ordinal scale dA and dB hold the movement of the ranks too.
    """
    n_u, m_u = codings.counts, codings.sizes
    o = coincidences(codings, weights)
    marginals = o.sum(axis=1)
    delta = distances(codings, marginals)
    total, first = float(marginals.sum()), float((o * delta).sum())
    second = float(marginals @ delta @ marginals)
    if not second > 0:
        return float("nan"), np.zeros(len(n_u))
    d_first = ((n_u @ delta) * n_u).sum(axis=1) / (m_u - 1)
    d_second = 2 * n_u @ (delta @ marginals)
    if codings.scale == "ordinal":
        place = _midranks(marginals)
        moved = np.cumsum(n_u, axis=1) - n_u / 2
        d_first = d_first + moved @ (4 * (marginals * place - o @ place))
        d_second = d_second + moved @ (4 * (total * marginals * place - marginals * (marginals @ place)))
    pairs = float(m_u[weights > 0].sum())
    factor = (pairs - 1) / pairs
    value = 1 - factor * total * first / second
    slope = m_u * first / second + total * d_first / second - total * first * d_second / second**2
    return value, -factor * slope


def by_category(codings: Codings, o: Floats | None = None) -> Floats:
    """(K,) nominal α of each code against all others together: ``1 − (n − 1)(n_c − o_cc) / (n_c (n − n_c))``."""
    o = coincidences(codings) if o is None else o
    marginals = o.sum(axis=-1)
    n = marginals.sum(axis=-1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        own = np.diagonal(o, axis1=-2, axis2=-1)
        return np.where(
            (marginals > 0) & (n > marginals), 1 - (n - 1) * (marginals - own) / (marginals * (n - marginals)), np.nan
        )


def bootstrap(codings: Codings, draws: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """α and per-category α of `draws` samples of the units with replacement: (B,) and (B, K).

    References
    ----------
    Zapf, Castell, Morawietz and Karch (2016), *BMC Medical Research Methodology* 16:93.
    """
    n, k = codings.counts.shape
    whole, parts = np.empty(draws), np.empty((draws, k))
    for b in range(draws):
        weights = np.bincount(rng.integers(0, n, n), minlength=n).astype(float)
        o = coincidences(codings, weights)
        whole[b] = _alpha(codings, o, float(o.sum()))
        parts[b] = by_category(codings, o)
    return whole, parts


@dataclass(frozen=True, slots=True)
class Pair:
    """Two coders on the units both coded: how many, the share coded alike, Cohen's κ, α."""

    first: int
    second: int
    n: int
    same: float
    kappa: float
    alpha: float


def pairs(codes: NDArray[np.intp], values: Floats, scale: Scale) -> list[Pair]:
    """Every pair of coders that share a unit.

    Examples
    --------
    >>> codes = np.array([[0, 0], [1, 1], [0, 1], [0, 0]])
    >>> found = pairs(codes, np.array([0.0, 1.0]), "nominal")[0]
    >>> found.n, found.same, found.kappa
    (4, 0.75, 0.5)
    """
    out = []
    for i in range(codes.shape[1]):
        for j in range(i + 1, codes.shape[1]):
            both = codes[(codes[:, i] >= 0) & (codes[:, j] >= 0)][:, [i, j]]
            if len(both):
                found = alpha(count(both, values, scale))
                out.append(Pair(i, j, len(both), float(np.mean(both[:, 0] == both[:, 1])), cohen(both), found))
    return out


def cohen(codes: NDArray[np.intp]) -> float:
    """Cohen's unweighted κ of two coders, codes (n, 2) without gaps; NaN where chance alone gives 1."""
    k = int(codes.max()) + 1
    shares = [np.bincount(codes[:, j], minlength=k) / len(codes) for j in (0, 1)]
    chance = float(shares[0] @ shares[1])
    same = float(np.mean(codes[:, 0] == codes[:, 1]))
    return (same - chance) / (1 - chance) if chance < 1 else float("nan")


def fleiss(codings: Codings) -> float:
    """Fleiss' κ; NaN unless every unit has as many codings as the others."""
    m = codings.sizes
    if not len(m) or np.any(m != m[0]):
        return float("nan")
    n = codings.counts
    agreed = float(np.mean(((n * (n - 1)).sum(axis=1)) / (m * (m - 1))))
    shares = n.sum(axis=0) / n.sum()
    chance = float(shares @ shares)
    return (agreed - chance) / (1 - chance) if chance < 1 else float("nan")
