"""Two-phase variances against double sums over pairs, over all samples, and one phase alone."""

from __future__ import annotations

from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from masar_research import engine
from masar_research.engine.two_phase_design import independent_subsample, subsample


def pairs(strata, units, fraction):
    """(n, n) (π_kl − π_k π_l) / π_kl of simple random sampling of units in strata, pair by pair."""
    n = len(units)
    sizes = {h: len({u for s, u in zip(strata, units, strict=True) if s == h}) for h in set(strata)}
    out = np.zeros((n, n))
    for k, j in product(range(n), range(n)):
        if strata[k] == strata[j]:
            m = sizes[strata[k]]
            out[k, j] = 1 - fraction[k] if units[k] == units[j] else -(1 - fraction[k]) / (m - 1)
    return out


def double_sum(t, first, second):
    """Σ_kj (1 − (1 − D_1)(1 − D_2)) t_k t_j."""
    return t @ (first + second - first * second) @ t


def total_of(design, y):
    found = engine.total(design, y)
    return float(found.estimate[0]), float(engine.covariance(design, found.totals)[0, 0])


def variance(design, y):
    return total_of(design, y)[1]


def villages(seed, n_psu=8, per=5):
    rng = np.random.default_rng(seed)
    psu = np.repeat(np.arange(n_psu), per)
    group = rng.integers(0, 2, len(psu))
    inside = np.zeros(len(psu), dtype=bool)
    for g in (0, 1):
        members = np.flatnonzero(group == g)
        inside[rng.choice(members, max(3, len(members) // 2), replace=False)] = True
    return rng, psu, psu % 2, group, inside, rng.normal(3, 1, len(psu)) + psu / 4


# --- the double sum over pairs of rows -----------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
def test_persons_drawn_across_villages(seed):
    _, psu, h, group, inside, y = villages(seed)
    fpc = np.where(h == 0, 11.0, 9.0)
    first = engine.declare(fpc / 4, strata=h, psu=psu, fpc=fpc)
    both = subsample(first, inside, strata=group, method="full")
    rows = np.flatnonzero(inside)
    share = np.array([inside[group == g].mean() for g in (0, 1)])[group]
    second = pairs(group[rows], rows, share[rows])
    one = pairs(h, psu, 4 / fpc)[np.ix_(rows, rows)]
    t = (both.weights * y)[rows]
    assert variance(both, np.where(inside, y, np.nan)) == pytest.approx(double_sum(t, one, second), rel=1e-10)


@pytest.mark.parametrize("seed", range(3))
def test_villages_then_persons_in_the_second_phase(seed):
    rng, psu, h, _, _, y = villages(seed)
    first = engine.declare(np.full(len(psu), 3.0), strata=h, psu=psu, fpc=np.full(len(psu), 12.0))
    person = np.arange(len(psu))
    chosen = np.concatenate([rng.choice([0, 2, 4, 6], 2, False), rng.choice([1, 3, 5, 7], 3, False)])
    inside = np.zeros(len(psu), dtype=bool)
    for village in chosen:
        inside[rng.choice(np.flatnonzero(psu == village), 3, False)] = True
    both = subsample(first, inside, strata=h, psu=[psu, person], method="full")
    rows = np.flatnonzero(inside)
    upper = pairs(h[rows], psu[rows], np.where(h == 0, 2 / 4, 3 / 4)[rows])
    lower = pairs(psu[rows], rows, np.full(len(rows), 3 / 5))
    second = 1 - (1 - upper) * (1 - lower)
    one = pairs(h, psu, np.full(len(psu), 4 / 12))[np.ix_(rows, rows)]
    t = (both.weights * y)[rows]
    assert variance(both, np.where(inside, y, np.nan)) == pytest.approx(double_sum(t, one, second), rel=1e-10)


@pytest.mark.parametrize("seed", range(3))
def test_poisson_second_phase_of_persons_in_villages(seed):
    rng, psu, h, _, _, y = villages(seed)
    first = engine.declare(np.full(len(psu), 3.0), strata=h, psu=psu, fpc=np.full(len(psu), 12.0))
    p = rng.uniform(0.3, 1, len(psu))
    inside = rng.random(len(psu)) < p
    both = independent_subsample(first, inside, p, method="full")
    rows = np.flatnonzero(inside)
    one = pairs(h, psu, np.full(len(psu), 4 / 12))[np.ix_(rows, rows)]
    t = (both.weights * y)[rows]
    expected = double_sum(t, one, np.diag(1 - p[rows]))
    assert variance(both, np.where(inside, y, np.nan)) == pytest.approx(expected, rel=1e-10)


def test_units_of_the_second_phase_may_span_psus_of_the_first():
    """Clinics are drawn in the second phase; the first drew persons. No nesting either way."""
    rng = np.random.default_rng(5)
    clinic = rng.integers(0, 8, 40)
    inside = clinic < 4
    y = rng.normal(5, 1, 40)
    both = subsample(engine.declare(np.full(40, 5.0), fpc=np.full(40, 200.0)), inside, psu=[clinic],
                     method="full")  # fmt: skip
    rows = np.flatnonzero(inside)
    one = pairs(np.zeros(40), np.arange(40), np.full(40, 0.2))[np.ix_(rows, rows)]
    second = pairs(np.zeros(len(rows)), clinic[rows], np.full(len(rows), 0.5))
    t = (both.weights * y)[rows]
    assert variance(both, np.where(inside, y, np.nan)) == pytest.approx(double_sum(t, one, second), rel=1e-10)


# --- over all samples of a tiny population -------------------------------------------------

Y = np.array([3.0, 7.0, 1.0, 12.0, 5.0, 9.0, 4.0, 6.0])
Z = np.array([0, 1, 0, 1, 1, 0, 1, 1])
CLUSTER = np.array([0, 0, 1, 1, 1, 2, 2, 3])
SCREENED = 2
"""Units drawn per stratum in the second phase, all if there are fewer."""


def draws(groups, take):
    """Every choice of `take` (or all) members of every group, as arrays."""
    each = [list(combinations(members, min(take, len(members)))) for members in groups]
    return [np.array(sum(choice, ())) for choice in product(*each)]


def screened(first_rows, first):
    """Designs of all second phases stratified by Z, each as likely as the others."""
    z = Z[first_rows]
    options = draws([np.flatnonzero(z == v).tolist() for v in np.unique(z)], SCREENED)
    for option in options:
        inside = np.isin(np.arange(len(z)), option)
        yield 1 / len(options), subsample(first, inside, strata=z, method="full"), inside


def persons():
    samples = list(combinations(range(7), 5))
    for rows in map(np.array, samples):
        first = engine.declare(np.full(5, 7 / 5), fpc=np.full(5, 7))
        for p, design, inside in screened(rows, first):
            yield p / len(samples), design, inside, rows


def strata_of_persons():
    samples = list(product(combinations(range(3), 2), combinations(range(3, 7), 3)))
    for a, b in samples:
        rows = np.array([*a, *b])
        stratum = (rows >= 3).astype(int)
        fpc = np.where(stratum == 0, 3, 4)
        first = engine.declare(fpc / np.where(stratum == 0, 2, 3), strata=stratum, fpc=fpc)
        for p, design, inside in screened(rows, first):
            yield p / len(samples), design, inside, rows


def clusters():
    samples = list(combinations(range(4), 3))
    for drawn in samples:
        rows = np.flatnonzero(np.isin(CLUSTER, drawn))
        first = engine.declare(np.full(len(rows), 4 / 3), psu=CLUSTER[rows], fpc=np.full(len(rows), 4))
        for p, design, inside in screened(rows, first):
            yield p / len(samples), design, inside, rows


def clusters_of_clusters():
    samples = list(combinations(range(4), 3))
    for drawn in samples:
        rows = np.flatnonzero(np.isin(CLUSTER, drawn))
        first = engine.declare(np.full(len(rows), 4 / 3), psu=CLUSTER[rows], fpc=np.full(len(rows), 4))
        for kept in combinations(drawn, 2):
            inside = np.isin(CLUSTER[rows], kept)
            both = subsample(first, inside, psu=[CLUSTER[rows]], method="full")
            yield 1 / (3 * len(samples)), both, inside, rows


def poisson():
    chance = np.array([0.5, 0.9, 0.3, 0.7, 0.6, 1.0])
    samples = list(combinations(range(6), 4))
    for rows in map(np.array, samples):
        first = engine.declare(np.full(4, 6 / 4), fpc=np.full(4, 6))
        p = chance[rows]
        for pick in product((False, True), repeat=4):
            inside = np.array(pick)
            weight = float(np.prod(np.where(inside, p, 1 - p))) / len(samples)
            both = independent_subsample(first, inside, p, method="full") if inside.any() else None
            yield weight, both, inside, rows


@pytest.mark.parametrize(
    ("samples", "size"),
    [(persons, 7), (strata_of_persons, 7), (clusters, 8), (clusters_of_clusters, 8), (poisson, 6)],
)
def test_over_all_samples_the_total_and_its_variance_are_unbiased(samples, size):
    chances, estimates, variances = [], [], []
    for p, design, inside, rows in samples():
        found = (0.0, 0.0) if design is None else total_of(design, np.where(inside, Y[rows], np.nan))
        chances.append(p)
        estimates.append(found[0])
        variances.append(found[1])
    chances, estimates, variances = map(np.array, (chances, estimates, variances))
    truth = Y[:size].sum()
    assert chances.sum() == pytest.approx(1, rel=1e-12)
    assert chances @ estimates == pytest.approx(truth, rel=1e-12)
    assert chances @ variances == pytest.approx(chances @ (estimates - truth) ** 2, rel=1e-10)


# --- one phase alone -----------------------------------------------------------------------


@pytest.mark.parametrize("method", ["difference", "full", "approx"])
@pytest.mark.parametrize("clustered", [False, True])
def test_everybody_in_the_second_phase_is_one_phase(clustered, method):
    rng, psu, h, group, _, y = villages(1)
    design = {"strata": h, "psu": psu if clustered else None, "fpc": np.full(40, 60.0)}
    one = engine.declare(rng.uniform(2, 3, 40), **design)
    everybody = np.ones(40, dtype=bool)
    unit = [psu] if clustered and method == "approx" else []
    both = subsample(one, everybody, strata=None if unit else group, psu=unit, method=method)
    for statistic in (engine.total, engine.mean):
        left, right = statistic(one, y), statistic(both, y)
        assert right.estimate == pytest.approx(left.estimate, rel=1e-12)
        assert engine.covariance(both, right.totals) == pytest.approx(
            engine.covariance(one, left.totals), rel=1e-10
        )
    assert engine.mean(both, y).df[0] == min(one.df, 40 - 2 if not unit else 7)


@pytest.mark.parametrize("method", ["difference", "full"])
def test_a_first_phase_of_everybody_leaves_a_stratified_sample(method):
    _, _, _, group, inside, y = villages(2)
    both = subsample(engine.declare(np.ones(40), fpc=np.full(40, 40)), inside, strata=group,
                     method=method)  # fmt: skip
    n = np.bincount(group)[group]
    alone = engine.declare(both.weights[inside], strata=group[inside], fpc=n[inside])
    assert variance(both, np.where(inside, y, np.nan)) == pytest.approx(variance(alone, y[inside]), rel=1e-10)


@pytest.mark.parametrize("method", ["difference", "full"])
def test_a_sample_within_every_cluster_is_two_stage_sampling(method):
    rng, psu, h, _, _, y = villages(3)
    inside = np.zeros(40, dtype=bool)
    for village in range(8):
        inside[rng.choice(np.flatnonzero(psu == village), 3, False)] = True
    fpc = np.full(40, 10.0)
    both = subsample(engine.declare(np.full(40, 2.5), strata=h, psu=psu, fpc=fpc), inside, strata=psu,
                     method=method)  # fmt: skip
    stages = engine.declare(
        both.weights[inside], strata=h[inside], psu=[psu[inside], np.arange(24)],
        fpc=[fpc[inside], np.full(24, 5.0)],
    )  # fmt: skip
    assert variance(both, np.where(inside, y, np.nan)) == pytest.approx(variance(stages, y[inside]), rel=1e-10)


@pytest.mark.parametrize("method", ["difference", "full"])
def test_a_subsample_of_an_endless_simple_sample_is_a_smaller_simple_sample(method):
    rng = np.random.default_rng(4)
    y, inside = rng.normal(10, 2, 60), np.arange(60) < 24
    both = subsample(engine.declare(np.ones(60)), inside, method=method)
    found = engine.mean(both, np.where(inside, y, np.nan))
    assert engine.covariance(both, found.totals)[0, 0] == pytest.approx(y[:24].var(ddof=1) / 24, rel=1e-10)


def test_of_persons_drawn_one_by_one_the_difference_changes_terms_of_order_one_over_n():
    """Σ_h e² π is what either leaves of the strata; the rest is the centre of the first phase."""
    rng = np.random.default_rng(8)
    group, y = rng.integers(0, 3, 600), rng.normal(10, 2, 600)
    inside = rng.random(600) < 0.3
    first = engine.declare(np.full(600, 5.0), fpc=np.full(600, 3000))
    full, difference = (
        variance(subsample(first, inside, strata=group, method=method), np.where(inside, y + group, np.nan))
        for method in ("full", "difference")
    )
    assert difference == pytest.approx(full, rel=2 / 600)


def test_in_clusters_the_difference_has_the_same_expectation_and_a_third_of_the_spread():
    """Villages of 20, the second phase drawn across them: the total of y + 10, over 300 draws."""
    rng = np.random.default_rng(11)
    psu = np.repeat(np.arange(200), 20)
    y = 10 + rng.normal(0, 1, 200)[psu] + rng.normal(0, 2, 4000)
    found = {"full": [], "difference": []}
    for _ in range(300):
        rows = np.flatnonzero(np.isin(psu, rng.choice(200, 40, False)))
        first = engine.declare(np.full(800, 5.0), psu=psu[rows], fpc=np.full(800, 200))
        inside = np.zeros(800, dtype=bool)
        inside[rng.choice(800, 200, False)] = True
        for method, values in found.items():
            values.append(variance(subsample(first, inside, method=method), np.where(inside, y[rows], np.nan)))
    full, difference = (np.array(found[name]) for name in ("full", "difference"))
    error = np.std(full - difference) / np.sqrt(300)
    assert abs(full.mean() - difference.mean()) < 3 * error
    assert difference.std() < full.std() / 2


def test_thin_strata_of_the_second_phase_share_one_prediction():
    """Twenty strata of five that cross thirty villages: "full" covers half the time, this does not."""
    rng = np.random.default_rng(3)
    psu = np.repeat(np.arange(100), 20)
    group = (psu * 7 + np.arange(2000) % 20) % 20
    y = 10 + rng.normal(0, 1, 100)[psu] + rng.normal(0, 2, 2000) + group / 5
    estimates, variances = [], []
    for _ in range(300):
        rows = np.flatnonzero(np.isin(psu, rng.choice(100, 30, False)))
        inside = np.zeros(600, dtype=bool)
        for value in range(20):
            inside[rng.choice(np.flatnonzero(group[rows] == value), 5, False)] = True
        first = engine.declare(np.full(600, 100 / 30), psu=psu[rows], fpc=np.full(600, 100))
        found = total_of(subsample(first, inside, strata=group[rows]), np.where(inside, y[rows], np.nan))
        estimates.append(found[0])
        variances.append(found[1])
    estimates, variances = np.array(estimates), np.array(variances)
    assert 0.75 < variances.mean() / estimates.var() < 1.33
    assert np.mean(np.abs(estimates - y.sum()) < 2.045 * np.sqrt(variances)) > 0.9


# --- sums and names ------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["difference", "full"])
def test_domains_add_up_and_a_domain_mean_is_a_ratio(method):
    rng, psu, h, group, inside, y = villages(6)
    both = subsample(engine.declare(np.full(40, 3.0), strata=h, psu=psu), inside, strata=group,
                     method=method)  # fmt: skip
    domain = rng.integers(0, 3, 40)
    seen = np.where(inside, y, np.nan)
    parts = engine.total(both, seen, domain=domain, n_domains=3)
    assert engine.covariance(both, parts.totals).sum() == pytest.approx(variance(both, seen), rel=1e-10)
    mean = engine.mean(both, seen, domain=domain, n_domains=3)
    flag = np.where(inside, (domain == 1) * 1.0, np.nan)
    ratio = engine.ratio(both, seen * flag, flag)
    assert engine.covariance(both, mean.totals)[1, 1] == pytest.approx(
        engine.covariance(both, ratio.totals)[0, 0], rel=1e-10
    )


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), scale=st.floats(0.01, 100))
def test_row_order_label_names_and_weight_scale_do_not_matter(seed, scale):
    rng, psu, h, group, inside, y = villages(seed)
    weights = rng.uniform(1, 4, 8)[psu]

    def answer(order, names, factor):
        label = np.array([f"{names}{i}" for i in range(50)])
        first = engine.declare(factor * weights[order], strata=label[h][order], psu=label[psu][order])
        both = subsample(first, inside[order], strata=label[group][order],
                         first_strata=label[h][order])  # fmt: skip
        found = engine.mean(both, np.where(inside, y, np.nan)[order])
        return found.estimate[0], engine.covariance(both, found.totals)[0, 0], found.df[0]

    plain = answer(np.arange(40), "a", 1.0)
    assert answer(rng.permutation(40), "z", scale) == pytest.approx(plain, rel=1e-9)


def test_a_household_number_that_repeats_between_strata_of_the_first_phase_is_not_merged():
    h = np.repeat([0, 1], 8)
    household = np.tile(np.repeat(np.arange(4), 2), 2)
    inside = np.isin(household, [0, 1]) & (h == 0) | np.isin(household, [2, 3]) & (h == 1)
    first = engine.declare(np.ones(16), strata=h)
    both = subsample(first, inside, psu=[household], first_strata=h)
    assert both.structure.facts["phase_two_units"] == 4
    assert both.weights[inside] == pytest.approx(np.full(8, 2.0))
