"""Group means and rank scores, and the tests that the groups do not differ."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from masar_research.engine.design import Design
from masar_research.engine.linearized import mean
from masar_research.engine.variance import covariance
from masar_research.errors import EstimationError

Floats = NDArray[np.float64]
RankTest = Literal["wilcoxon", "vanderwaerden", "median", "kruskal"]
RANK_TESTS: tuple[RankTest, ...] = ("wilcoxon", "vanderwaerden", "median", "kruskal")


@dataclass(frozen=True, slots=True, eq=False)
class GroupTest:
    """Differences between groups, and the test that all are zero.

    Parameters
    ----------
    difference, std_error : ndarray (g − 1,)
        Mean of each later group minus that of the first.
    statistic : float
        t for two groups; F for more.
    df_num, df_den, p : float
    n : ndarray of int (g,)
        Rows with an answer, per group.
    """

    difference: Floats
    std_error: Floats
    statistic: float
    df_num: float
    df_den: float
    p: float
    n: NDArray[np.intp]


def scores(
    y: ArrayLike, weights: ArrayLike, test: RankTest, *, mask: NDArray[np.bool_] | None = None
) -> Floats:
    """Scores of weighted mid-ranks.

    The rank of a value v is ``Σ_{y<v} w + ½ Σ_{y=v} w``, its score ``rank / N`` (Wilcoxon and
    Kruskal–Wallis), ``Φ⁻¹(rank / N)`` (van der Waerden) or ``rank > N / 2`` (median), N = Σ w.

    Parameters
    ----------
    y, weights : array_like (n,)
        NaN and weights of zero take no part.
    mask : ndarray of bool (n,), optional

    Returns
    -------
    ndarray (n,)
        NaN where a row takes no part.

    Notes
    -----
    Tied values share one rank whatever the order of the rows. R's ``svyranktest`` averages
    cumulative weights without weights, so that with ties and unequal weights its answer depends
    on the order of the rows; ours is the mean of R's over all orders.

    Examples
    --------
    >>> scores([3.0, 1.0, 1.0], [2.0, 1.0, 1.0], "wilcoxon")
    array([0.75, 0.25, 0.25])
    """
    value, weight = np.asarray(y, dtype=float), np.asarray(weights, dtype=float)
    known = ~np.isnan(value) & (weight > 0)
    if mask is not None:
        known &= mask
    out = np.full(len(value), np.nan)
    if not known.any():
        return out
    _, place = np.unique(value[known], return_inverse=True)
    mass = np.bincount(place, weight[known])
    above = np.cumsum(mass)
    share = ((above - mass / 2) / above[-1])[place]
    if test == "vanderwaerden":
        share = stats.norm.ppf(share)
    elif test == "median":
        share = (share > 0.5).astype(float)
    elif test not in RANK_TESTS:
        raise EstimationError(
            f"test={test!r} is not a rank test.",
            remedy=f"Choose one of {', '.join(RANK_TESTS)}.",
        )
    out[known] = share
    return out


def compare(
    design: Design, y: ArrayLike, group: ArrayLike, n_groups: int,
    *, mask: NDArray[np.bool_] | None = None,
) -> GroupTest:  # fmt: skip
    """Test that the weighted means of y are the same in all groups.

    The differences are the coefficients of the regression on group indicators. Two groups:
    ``t = d / SE(d)`` on df − 1; g groups: ``d' V⁻¹ d / (g − 1)`` on (g − 1, df − g + 1), df the
    PSUs minus strata with an answer in any group (R's svyttest, svyranktest).

    Parameters
    ----------
    y : array_like (n,)
        Outcome or scores; NaN is missing.
    group : array_like of int (n,)
        0 … n_groups − 1, −1 outside.
    mask : ndarray of bool (n,), optional

    Raises
    ------
    EstimationError
        Fewer than two groups with answers, or not enough degrees of freedom.

    References
    ----------
    Lumley and Scott (2013), *Biometrika* 100, 831–842.
    """
    codes = np.asarray(group)
    inside = codes >= 0 if mask is None else mask & (codes >= 0)
    means = mean(design, y, domain=codes, n_domains=n_groups, mask=mask)
    df = int(mean(design, y, mask=inside).df[0])
    q = n_groups - 1
    if q < 1 or (means.n == 0).any():
        raise EstimationError(
            f"Expected answers in two groups or more; found them in {int((means.n > 0).sum())}.",
            remedy="Choose a grouping that varies within this population.",
        )
    if df - q <= 0:
        raise EstimationError(
            f"Comparing {n_groups} groups needs more than {q} degrees of freedom; found {df}.",
            remedy="Merge groups, or use a larger subpopulation.",
        )
    contrast = np.hstack([-np.ones((q, 1)), np.eye(q)])
    difference = contrast @ means.estimate
    vcov = contrast @ covariance(design, means.totals) @ contrast.T
    error = np.sqrt(np.diag(vcov))
    if not (error > 0).all() or np.linalg.matrix_rank(vcov / np.outer(error, error)) < q:
        raise EstimationError(
            "The group means have no sampling variance that a test could use.",
            remedy="Check whether the outcome varies within the groups and PSUs.",
        )
    freedom = float(df - q)
    if q == 1:
        statistic = float(difference[0] / error[0])
        p = float(2 * stats.t.sf(abs(statistic), freedom))
    else:
        statistic = float(difference @ np.linalg.solve(vcov, difference)) / q
        p = float(stats.f.sf(statistic, q, freedom))
    return GroupTest(difference, error, statistic, float(q), freedom, p, means.n)
