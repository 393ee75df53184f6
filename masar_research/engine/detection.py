"""Signal detection: telling true statements from false ones, apart from the readiness to believe.

Each respondent judges some true and some false statements. Hits are true ones judged true, false
alarms are false ones judged true.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Detection:
    """Scores of n respondents, NaN where too little was answered.

    Attributes
    ----------
    d_prime : ndarray (n,)
        Sensitivity, ``z(H) − z(F)`` with corrected rates; 0 is guessing.
    criterion : ndarray (n,)
        Bias, ``−(z(H) + z(F)) / 2``; above 0 readier to call statements false.
    hit_rate, false_alarm_rate : ndarray (n,)
        Shares judged true among the true and the false ones answered, uncorrected.
    difference : ndarray (n,)
        Mean rating of the true minus that of the false statements.
    area : ndarray (n,)
        Probability that a true statement is rated above a false one, ties counting half.
    n_true, n_false : ndarray (n,)
        Statements answered.
    """

    d_prime: Floats
    criterion: Floats
    hit_rate: Floats
    false_alarm_rate: Floats
    difference: Floats
    area: Floats
    n_true: Floats
    n_false: Floats


def corrected(yes: Floats, n: Floats) -> Floats:
    """Log-linear correction ``(yes + 0.5) / (n + 1)``: rates that are never 0 or 1.

    Examples
    --------
    >>> corrected(np.array([16.0, 20.0]), np.array([20.0, 20.0])).round(4)
    array([0.7857, 0.9762])
    """
    return (yes + 0.5) / (n + 1.0)


def detect(hits: Floats, n_true: Floats, alarms: Floats, n_false: Floats) -> tuple[Floats, Floats]:
    """d′ and c from counts, log-linear corrected.

    References
    ----------
    Hautus (1995), *Behavior Research Methods* 27, 46–51; Stanislaw and Todorov (1999), *Behavior
    Research Methods* 31, 137–149.

    Examples
    --------
    >>> d, c = detect(np.array([16.0]), np.array([20.0]), np.array([6.0]), np.array([20.0]))
    >>> round(float(d[0]), 4), round(float(c[0]), 4)
    (1.2888, -0.1472)
    """
    hit, alarm = ndtri(corrected(hits, n_true)), ndtri(corrected(alarms, n_false))
    return hit - alarm, -(hit + alarm) / 2


def score(
    true_yes: Floats, false_yes: Floats, true_ratings: Floats, false_ratings: Floats, least: int = 1
) -> Detection:
    """Scores of every respondent from his own answers.

    Parameters
    ----------
    true_yes, false_yes : ndarray (n, a), (n, b)
        1 judged true, 0 judged false, NaN not answered or not shown.
    true_ratings, false_ratings : ndarray (n, a), (n, b)
        The same answers as ratings, higher for truer; NaN as above.
    least : int
        Answered statements of each kind a score needs.

    Examples
    --------
    >>> yes, no = np.array([[1.0, 1.0]]), np.array([[0.0, np.nan]])
    >>> found = score(yes, no, yes, no)
    >>> round(float(found.d_prime[0]), 4), float(found.area[0]), float(found.n_false[0])
    (1.6419, 1.0, 1.0)
    """
    n_true, n_false = ((~np.isnan(part)).sum(axis=1).astype(float) for part in (true_yes, false_yes))
    hits, alarms = (np.nansum(part, axis=1) for part in (true_yes, false_yes))
    enough = (n_true >= least) & (n_false >= least)
    d_prime, criterion = detect(hits, n_true, alarms, n_false)
    with np.errstate(invalid="ignore", divide="ignore"):
        rates = hits / n_true, alarms / n_false
        rated = [(~np.isnan(part)).sum(axis=1) for part in (true_ratings, false_ratings)]
        sums = [np.nansum(part, axis=1) for part in (true_ratings, false_ratings)]
        difference = sums[0] / rated[0] - sums[1] / rated[1]
        area = _above(true_ratings, false_ratings) / (rated[0] * rated[1])
    scores = (d_prime, criterion, *rates, difference, area)
    return Detection(*(np.where(enough, one, np.nan) for one in scores), n_true, n_false)


def _above(true_ratings: Floats, false_ratings: Floats) -> Floats:
    """(n,) pairs in which the true statement is rated higher, ties half."""
    total = np.zeros(len(true_ratings))
    for j in range(true_ratings.shape[1]):
        apart = true_ratings[:, [j]] - false_ratings
        total += np.nansum(np.where(np.isnan(apart), np.nan, (apart > 0) + 0.5 * (apart == 0)), axis=1)
    return total


def pooled(
    weights: Floats, hits: Floats, n_true: Floats, alarms: Floats, n_false: Floats
) -> tuple[Floats, Floats]:
    """d′ and c of a whole group from its pooled rates, (2,), with the influence of each row, (n, 2).

    H = Σ w hits / Σ w n_true, F likewise; infinite z where a rate is 0 or 1 makes both NaN.
    """
    sums = weights @ n_true, weights @ n_false
    rates = weights @ hits / sums[0], weights @ alarms / sums[1]
    if not (0 < rates[0] < 1 and 0 < rates[1] < 1):
        return np.full(2, np.nan), np.zeros((len(weights), 2))
    z = ndtri(np.array(rates))
    density = np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)
    moves = (
        (hits - rates[0] * n_true) / sums[0] / density[0],
        (alarms - rates[1] * n_false) / sums[1] / density[1],
    )
    influence = np.column_stack([moves[0] - moves[1], -(moves[0] + moves[1]) / 2])
    return np.array([z[0] - z[1], -(z[0] + z[1]) / 2]), influence
