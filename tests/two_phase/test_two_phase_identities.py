"""Two-phase variances against double sums over pairs, over all samples, and one phase alone."""

from __future__ import annotations

from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from masar_research import engine
from masar_research.engine.two_phase_design import independent_subsample, subsample


def check_form(strata, units, fraction):
    """(n, n) (π_kl − π_k π_l) / π_kl of stratified sampling of units, written pair by pair.

    Rows of units that were sampled but are not among these rows count in `sizes`.
    """
    n = len(units)
    sizes = {h: len({u for s, u in zip(strata[0], units[0], strict=True) if s == h}) for h in set(strata[0])}
    rows = strata[1]
    out = np.zeros((n, n))
    h, u = strata[0], units[0]
    for k in range(n):
        for l in range(n):
            if h[k] != h[l]:
                continue
            f, m = fraction[k], sizes[h[k]]
            out[k, l] = 1 - f if u[k] == u[l] else -(1 - f) / (m - 1)
    return out[np.ix_(rows, rows)]


def dense(strata, units, fraction):
    n = len(units)
    sizes = {h: len({u for s, u in zip(strata, units, strict=True) if s == h}) for h in set(strata)}
    out = np.zeros((n, n))
    for k, l in product(range(n), range(n)):
        if strata[k] == strata[l]:
            m = sizes[strata[k]]
            out[k, l] = 1 - fraction[k] if units[k] == units[l] else -(1 - fraction[k]) / (m - 1)
    return out


def double_sum(totals, first, second):
    """Σ_kl (1 − (1 − D_1)(1 − D_2)) t_k t_l."""
    return totals @ (first + second - first * second) @ totals


def sample(rng, n_psu=8, per=5, strata=2):
    psu = np.repeat(np.arange(n_psu), per)
    h = psu % strata
    group = rng.integers(0, 2, len(psu))
    inside = np.zeros(len(psu), dtype=bool)
    for g in (0, 1):
        members = np.flatnonzero(group == g)
        inside[rng.choice(members, max(3, len(members) // 2), replace=False)] = True
    return psu, h, group, inside, rng.normal(3, 1, len(psu)) + psu / 4


@pytest.mark.parametrize("seed", range(4))
def test_elements_of_clusters_agree_with_the_double_sum(seed):
    rng = np.random.default_rng(seed)
    psu, h, group, inside, y = sample(rng)
    fpc = np.where(h == 0, 11.0, 9.0)
    first = engine.declare(fpc / 4, strata=h, psu=psu, fpc=fpc)
    both = subsample(first, inside, strata=group)
    found = engine.total(both, np.where(inside, y, np.nan))
    t = both.weights * y
    one = dense(h, psu, 4 / fpc)
    share = np.array([inside[group == g].mean() for g in (0, 1)])[group]
    two = np.zeros_like(one)
    rows = np.flatnonzero(inside)
    two[np.ix_(rows, rows)] = dense(group[rows], rows, share[rows])
    expected = double_sum(np.where(inside, t, 0.0), one, two)
    assert engine.covariance(both, found.totals)[0, 0] == pytest.approx(expected, rel=1e-10)
