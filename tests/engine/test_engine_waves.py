"""Pooled waves: own strata for each wave, covariance from the PSUs two waves share."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from masar_research import engine
from masar_research.engine import contrasts
from masar_research.errors import DesignError


def pooled(rng, kept: int, n_psu: int = 4, strata: int = 5, rows: int = 6):
    """Two waves of `n_psu` PSUs per stratum, the last `kept` of wave 1 kept in wave 2."""
    wave, stratum, psu = [], [], []
    for w in (0, 1):
        for h in range(strata):
            for k in range(n_psu):
                wave += [2024 + 2 * w] * rows
                stratum += [h] * rows
                psu += [k + w * (n_psu - kept)] * rows
    wave, stratum, psu = np.array(wave), np.array(stratum), np.array(psu)
    block = rng.normal(0, 2, (strata, 2 * n_psu))[stratum, psu]
    y = 10 + block + 0.5 * (wave == 2026) + rng.normal(0, 1, len(wave))
    return {"weights": rng.uniform(1, 3, len(wave)), "wave": wave, "strata": stratum, "psu": psu}, y


def by_wave(design, y, wave):
    result = engine.mean(design, y, domain=(wave == 2026).astype(int), n_domains=2)
    return result, engine.covariance(design, result.totals)


def test_each_wave_alone_has_the_variance_of_its_own_file():
    given, y = pooled(np.random.default_rng(1), kept=2)
    result, vcov = by_wave(engine.declare(**given), y, given["wave"])
    for i, wave in enumerate((2024, 2026)):
        rows = given["wave"] == wave
        alone = engine.declare(
            given["weights"][rows], strata=given["strata"][rows], psu=given["psu"][rows]
        )
        single = engine.mean(alone, y[rows])
        assert result.estimate[i] == pytest.approx(single.estimate[0], rel=1e-14)
        assert vcov[i, i] == pytest.approx(engine.covariance(alone, single.totals)[0, 0], rel=1e-12)
        assert result.df[i] == single.df[0]


def test_covariance_is_the_formula_summed_by_hand():
    given, y = pooled(np.random.default_rng(2), kept=2)
    w, wave, stratum, psu = (given[k] for k in ("weights", "wave", "strata", "psu"))
    _, vcov = by_wave(engine.declare(**given), y, wave)
    influence = np.zeros(len(y))
    for code in (2024, 2026):
        rows = wave == code
        influence[rows] = w[rows] * (y[rows] - np.average(y[rows], weights=w[rows])) / w[rows].sum()
    by_hand = 0.0
    for h in range(5):
        common = [2, 3]
        u = [
            [influence[(wave == c) & (stratum == h) & (psu == k)].sum() for k in common]
            for c in (2024, 2026)
        ]
        u1, u2 = np.array(u)
        by_hand += 2 / 1 * np.sum((u1 - u1.mean()) * (u2 - u2.mean()))
    assert vcov[0, 1] == pytest.approx(by_hand, rel=1e-12)
    assert vcov[1, 0] == vcov[0, 1]


def test_waves_without_common_psus_are_independent():
    given, y = pooled(np.random.default_rng(3), kept=0)
    design = engine.declare(**given)
    _, vcov = by_wave(design, y, given["wave"])
    assert vcov[0, 1] == 0
    assert design.df == 2 * 5 * 4 - 2 * 5


def test_keeping_every_psu_is_the_clustered_design_that_ignores_waves():
    """With all PSUs common the pooled variance is that of PSUs crossing both waves."""
    given, y = pooled(np.random.default_rng(4), kept=4)
    waves = engine.declare(**given)
    plain = engine.declare(given["weights"], strata=given["strata"], psu=given["psu"])
    (a, va), (b, vb) = by_wave(waves, y, given["wave"]), by_wave(plain, y, given["wave"])
    np.testing.assert_allclose(a.estimate, b.estimate, rtol=1e-14)
    np.testing.assert_allclose(va, vb, rtol=1e-12)
    assert waves.df == plain.df == 15


def test_nothing_changed_between_waves_has_no_error():
    given, y = pooled(np.random.default_rng(5), kept=4)
    half = len(y) // 2
    given["weights"][half:], y[half:] = given["weights"][:half], y[:half]
    result, vcov = by_wave(engine.declare(**given), y, given["wave"])
    change = contrasts.linear([-1, 1], result.estimate, vcov, 15)
    assert change.estimate[0] == pytest.approx(0, abs=1e-12)
    assert change.vcov[0, 0] == pytest.approx(0, abs=1e-15)


def test_shared_psus_make_a_change_more_precise():
    given, y = pooled(np.random.default_rng(6), kept=3)
    result, vcov = by_wave(engine.declare(**given), y, given["wave"])
    change = contrasts.linear([-1, 1], result.estimate, vcov, 30)
    assert change.std_error[0] < np.sqrt(np.trace(vcov))


def test_one_common_psu_carries_nothing_and_is_said():
    given, y = pooled(np.random.default_rng(7), kept=1)
    design = engine.declare(**given)
    _, vcov = by_wave(design, y, given["wave"])
    assert vcov[0, 1] == 0
    facts = design.describe()
    assert facts["common_psus"] == {"2024–2026": 5}
    assert facts["base_strata_with_one_common_psu"] == 5
    assert facts["waves"] == {"2024": 20, "2026": 20}


def test_one_common_psu_collapses_as_declared():
    given, y = pooled(np.random.default_rng(8), kept=1, strata=4)
    groups = given["strata"] // 2
    design = engine.declare(**given, lonely_psu="collapse", collapse=groups)
    assert design.n_strata == 8  # no stratum is lonely: variances keep their own strata
    assert design.describe()["base_strata_with_one_common_psu"] == 0
    _, vcov = by_wave(design, y, given["wave"])
    w, wave, stratum, psu = (given[k] for k in ("weights", "wave", "strata", "psu"))
    u = np.zeros((2, 4))
    for i, code in enumerate((2024, 2026)):
        rows = wave == code
        centre = np.average(y[rows], weights=w[rows])
        for h in range(4):
            cell = rows & (stratum == h) & (psu == 3)
            u[i, h] = np.sum(w[cell] * (y[cell] - centre)) / w[rows].sum()
    by_hand = sum(
        2 * np.sum((u[0, g] - u[0, g].mean()) * (u[1, g] - u[1, g].mean()))
        for g in (slice(0, 2), slice(2, 4))
    )
    assert vcov[0, 1] == pytest.approx(by_hand, rel=1e-12)


def test_a_lonely_stratum_of_one_wave_is_named_with_its_wave():
    with pytest.raises(DesignError, match=r"hold one: b \(wave 2026\)"):
        engine.declare(
            np.ones(7),
            strata=list("aabbaab"),
            psu=[1, 2, 1, 2, 1, 2, 1],
            wave=[2024] * 4 + [2026] * 3,
        )


def overlapping_samples(population: int, n: int, kept: int):
    """Every pair of samples: n of the population, then `kept` of these and n − kept of the others."""
    everyone = set(range(population))
    for first in combinations(range(population), n):
        for stay in combinations(first, kept):
            for fresh in combinations(sorted(everyone - set(first)), n - kept):
                yield first, (*stay, *fresh)


@pytest.mark.parametrize(("population", "n", "kept"), [(5, 3, 2), (6, 3, 3), (6, 4, 2)])
def test_with_finite_populations_the_variance_of_a_change_is_right_on_average_over_all_samples(
    population, n, kept
):
    """Brute force: the mean of the estimate over every pair of samples is the true variance."""
    rng = np.random.default_rng(11)
    before = rng.normal(10, 2, population)
    after = before + rng.normal(1, 1, population)
    changes, estimates, between = [], [], []
    for first, second in overlapping_samples(population, n, kept):
        y = np.concatenate([before[list(first)], after[list(second)]])
        wave = np.repeat([0, 1], n)
        design = engine.declare(
            np.full(2 * n, population / n), strata=np.zeros(2 * n), psu=[*first, *second], wave=wave,
            fpc=np.full(2 * n, population),
        )  # fmt: skip
        total = engine.total(design, y, domain=wave, n_domains=2)
        vcov = engine.covariance(design, total.totals)
        changes.append(total.estimate)
        estimates.append(vcov[0, 0] + vcov[1, 1] - 2 * vcov[0, 1])
        between.append(vcov[0, 1])
    changes = np.array(changes)
    assert np.mean(estimates) == pytest.approx(np.var(changes[:, 1] - changes[:, 0]), rel=1e-10)
    assert np.mean(between) == pytest.approx(np.cov(changes.T, bias=True)[0, 1], rel=1e-9)


def test_with_every_psu_kept_and_finite_populations_it_is_the_clustered_design():
    given, y = pooled(np.random.default_rng(12), kept=4)
    count = np.where(given["strata"] == 0, 4, 9)
    waves = engine.declare(**given, fpc=count)
    plain = engine.declare(given["weights"], strata=given["strata"], psu=given["psu"], fpc=count)
    (a, va), (_, vb) = by_wave(waves, y, given["wave"]), by_wave(plain, y, given["wave"])
    np.testing.assert_allclose(va, vb, rtol=1e-12)
    assert a.df[0] == 15
    unlimited = engine.declare(**given, fpc=np.full(len(y), np.inf))
    np.testing.assert_array_equal(
        by_wave(unlimited, y, given["wave"])[1], by_wave(engine.declare(**given), y, given["wave"])[1]
    )


def test_collapsed_overlaps_take_the_populations_of_their_strata_together():
    given, y = pooled(np.random.default_rng(8), kept=1, strata=4)
    groups = given["strata"] // 2
    free = engine.declare(**given, lonely_psu="collapse", collapse=groups)
    counted = engine.declare(**given, lonely_psu="collapse", collapse=groups, fpc=np.full(len(y), 40))
    shrink = 1 - 8 * 8 / (2 * 80)
    found, full = by_wave(counted, y, given["wave"])[1], by_wave(free, y, given["wave"])[1]
    assert found[0, 1] == pytest.approx(shrink * full[0, 1], rel=1e-12)


def test_what_finite_populations_do_not_allow_over_waves_is_refused_in_both_languages():
    given, y = pooled(np.random.default_rng(13), kept=2)
    differing = np.where(given["wave"] == 2024, 20, 30)
    with pytest.raises(DesignError, match=r"share PSUs in strata .* different populations: 0, 1") as frames:
        engine.declare(**given, fpc=differing)
    row = np.arange(len(y))
    with pytest.raises(DesignError, match="for PSUs alone") as stages:
        engine.declare(**given | {"psu": [given["psu"], row]}, fpc=np.full(len(y), 20))
    for error in (frames, stages):
        assert "الجول" in error.value.ar
    alone, y = pooled(np.random.default_rng(13), kept=0)
    design = engine.declare(**alone, fpc=np.where(alone["wave"] == 2024, 20, 30))
    assert by_wave(design, y, alone["wave"])[1][0, 1] == 0


def test_three_waves_share_psus_pairwise():
    """Chained rotation: waves 1–2 and 2–3 overlap, 1–3 do not."""
    rng = np.random.default_rng(9)
    wave = np.repeat([1, 2, 3], 4 * 3 * 5)
    stratum = np.tile(np.repeat(np.arange(3), 20), 3)
    psu = np.tile(np.repeat(np.arange(4), 5), 9) + 2 * (wave - 1)
    y = rng.normal(size=len(wave)) + rng.normal(0, 2, (3, 8))[stratum, psu]
    design = engine.declare(np.ones(len(wave)), strata=stratum, psu=psu, wave=wave)
    assert design.describe()["common_psus"] == {"1–2": 6, "1–3": 0, "2–3": 6}
    result = engine.mean(design, y, domain=wave - 1, n_domains=3)
    vcov = engine.covariance(design, result.totals)
    assert vcov[0, 2] == 0
    assert vcov[0, 1] != 0 != vcov[1, 2]
    assert design.df == 3 * 8 - 3  # 8 distinct PSUs per base stratum, the three waves linked


def test_the_covariance_between_waves_is_unbiased_over_repeated_samples():
    """Overlapping with-replacement samples from a known population: mean estimate ≈ truth.

    One stratum; wave 1 takes 6 PSUs with replacement, wave 2 keeps 3 of them and draws 3 new.
    The covariance of the two sample means is 3/36 of the PSU covariance.
    """
    rng = np.random.default_rng(10)
    population = rng.multivariate_normal([0, 0], [[4, 3], [3, 5]], size=400)
    truth = 3 / 36 * np.cov(population.T, bias=True)[0, 1]
    wave = np.repeat([1, 2], 6)
    draws = 3000
    design = engine.declare(
        np.ones(12), psu=[0, 1, 2, 3, 4, 5, 3, 4, 5, 6, 7, 8], wave=wave, strata=np.zeros(12)
    )
    # one column of totals per draw and wave, so that all draws share a single call
    chosen = rng.integers(0, 400, (draws, 9))
    first, second = population[chosen[:, :6], 0], population[chosen[:, 3:9], 1]
    estimates = np.empty(draws)
    for i in range(draws):
        totals = np.zeros((12, 2))
        totals[design.unit[:6], 0] = first[i] / 6
        totals[design.unit[6:], 1] = second[i] / 6
        estimates[i] = engine.covariance(design, totals)[0, 1]
    margin = 4 * estimates.std() / np.sqrt(draws)
    assert abs(estimates.mean() - truth) < margin
    assert margin < 0.25 * truth
