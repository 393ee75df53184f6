"""Replicates of pooled waves: a PSU kept from wave to wave is drawn once, so that changes carry its covariance."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import masar_research as mr
from masar_research import engine, replicates
from masar_research.engine import replicate_making as making
from masar_research.errors import DesignError

STRATA, ROWS = 5, 4


def waves(seed: int, kept: int, first: int = 4, second: int = 4, strata: int = STRATA) -> pd.DataFrame:
    """Two waves; the last `kept` PSUs of the first are the first of the second."""
    rng = np.random.default_rng(seed)
    parts = []
    effect = rng.normal(0, 2, (strata, first + second))
    for wave, psus in ((2024, range(first)), (2026, range(first - kept, first - kept + second))):
        for h in range(strata):
            for p in psus:
                y = 10 + effect[h, p] + 0.3 * (wave == 2026) + rng.normal(0, 1, ROWS)
                parts.append(pd.DataFrame({"wave": wave, "h": h, "p": p, "y": y}))
    frame = pd.concat(parts, ignore_index=True)
    n = len(frame)
    return frame.assign(w=rng.uniform(1, 3, n), g=rng.integers(1, 4, n), works=rng.integers(0, 2, n))


def survey(frame: pd.DataFrame, **options) -> mr.Survey:
    return mr.Survey(frame, weights="w", strata="h", psu="p", **{"wave": "wave", **options})


KINDS = [
    (replicates.JKn(), 3, False),
    (replicates.RaoWu(60), 3, True),
    (replicates.Bootstrap(number=60), 3, True),
    (replicates.SuccessiveDifference(), 3, False),
    (replicates.BRR(), 2, False),
    (replicates.Fay(rho=0.3), 2, False),
    (replicates.JK2(), 2, True),
]


@pytest.mark.parametrize(("kind", "psus", "drawn"), KINDS, ids=[kind.kind for kind, *_ in KINDS])
def test_with_every_psu_kept_they_are_the_replicates_of_the_clustered_design(kind, psus, drawn):
    frame = waves(1, kept=psus, first=psus, second=psus)
    rng = {"rng": np.random.default_rng(4)} if drawn else {}
    pooled = survey(frame).with_replicates(kind, **rng)
    rng = {"rng": np.random.default_rng(4)} if drawn else {}
    plain = survey(frame, wave=None).with_replicates(kind, **rng)
    found, expected = pooled.mean("y", by="wave"), plain.mean("y", by="wave")
    np.testing.assert_allclose(found.vcov, expected.vcov, rtol=1e-10)
    assert found.vcov[0, 1] > 0
    assert found.frame["df"].tolist() == expected.frame["df"].tolist()
    assert "all its waves" in pooled.design.describe()["replicates"]["waves"]
    assert "waves" not in plain.design.describe()["replicates"]


def test_with_no_psu_kept_waves_are_independent_and_as_if_alone():
    frame = waves(2, kept=0)
    total = survey(frame).with_replicates(replicates.JKn()).total("y", by="wave")
    assert abs(total.vcov[0, 1]) < 1e-10 * total.vcov[0, 0]
    for k, wave in enumerate((2024, 2026)):
        alone = survey(frame[frame["wave"] == wave], wave=None).with_replicates(replicates.JKn())
        np.testing.assert_allclose(total.vcov[k, k], alone.total("y").vcov[0, 0], rtol=1e-10)


def by_hand(frame: pd.DataFrame) -> np.ndarray:
    """The covariance of the two totals: each wave's own, and √… √… Σ over common PSUs about own means."""
    t = (frame["w"] * frame["y"]).groupby([frame["wave"], frame["h"], frame["p"]]).sum()
    out = np.zeros((2, 2))
    for h in frame["h"].unique():
        one, two = t[2024][h], t[2026][h]
        c = [np.sqrt(len(x) / (len(x) - 1)) for x in (one, two)]
        d = [c[0] * (one - one.mean()), c[1] * (two - two.mean())]
        common = one.index.intersection(two.index)
        between = (d[0][common] * d[1][common]).sum()
        out += [[(d[0] ** 2).sum(), between], [between, (d[1] ** 2).sum()]]
    return out


@pytest.mark.parametrize(("kept", "first", "second"), [(1, 4, 4), (2, 4, 4), (3, 4, 3), (2, 3, 6)])
def test_with_some_psus_kept_totals_have_the_formula_of_the_page(kept, first, second):
    frame = waves(3, kept, first, second)
    made = survey(frame).with_replicates(replicates.JKn())
    expected = by_hand(frame)
    np.testing.assert_allclose(made.total("y", by="wave").vcov, expected, rtol=1e-10)
    linear = survey(frame).total("y", by="wave").vcov
    np.testing.assert_allclose(np.diag(expected), np.diag(linear), rtol=1e-10)
    assert made.design.replicates.number == STRATA * (first + second - kept)
    assert np.linalg.eigvalsh(expected).min() > 0


def test_a_lonely_common_psu_carries_covariance_though_linearisation_cannot_estimate_it():
    frame = waves(3, kept=1)
    assert survey(frame).total("y", by="wave").vcov[0, 1] == 0
    assert survey(frame).with_replicates(replicates.JKn()).total("y", by="wave").vcov[0, 1] != 0


@pytest.mark.parametrize(("kept", "first", "second"), [(2, 4, 4), (3, 4, 3), (1, 2, 2)])
def test_rao_wu_of_partly_shared_waves_has_the_same_formula_on_average(kept, first, second):
    frame = waves(5, kept, first, second)
    number = 6000
    made = survey(frame).with_replicates(replicates.RaoWu(number, mse=True), rng=np.random.default_rng(6))
    found, expected = made.total("y", by="wave").vcov, by_hand(frame)
    scale = np.sqrt(np.outer(np.diag(expected), np.diag(expected)))
    assert np.abs(found - expected).max() < 5 * np.sqrt(2 / number) * scale.max()
    weights = made.design.replicates.weights
    assert weights.factors.min() >= -1e-12
    assert ("damped" in made.design.describe()["replicates"]) == (first + second - kept > min(first, second))


def test_factors_of_the_jackknife_are_what_its_sums_say():
    frame = waves(7, kept=2, first=5, second=3)
    design = survey(frame).design
    made = making.jackknife(design, True).weights
    totals = np.random.default_rng(8).normal(size=(design.n_units, 3))
    block = np.vstack([made.block(slice(0, 7)), made.block(slice(7, None))])
    np.testing.assert_allclose(block @ totals, made.expand(totals), rtol=1e-10, atol=1e-10)
    assert block.min() >= 0 and block.shape == (made.number, made.n_units)
    one = made.rows(design, 4)
    np.testing.assert_allclose(one, design.weights * block[4][design.unit], rtol=1e-12)


@pytest.mark.parametrize("kind", [replicates.JKn(), replicates.RaoWu(800)], ids=["JKn", "RaoWu"])
def test_the_error_of_a_change_is_close_to_the_linearised_one(kind):
    frame = waves(9, kept=6, first=8, second=8, strata=8)
    rng = {} if isinstance(kind, replicates.JKn) else {"rng": np.random.default_rng(10)}
    made = survey(frame).with_replicates(kind, **rng)
    change = {
        name: one.mean("y", by="wave").contrast("2026 - 2024").frame["std_error"].iloc[0]
        for name, one in (("linear", survey(frame)), ("made", made), ("apart", survey(frame.assign(p=frame["p"] + frame["wave"]))))
    }
    assert change["made"] == pytest.approx(change["linear"], rel=0.12)
    assert change["made"] < 0.8 * change["apart"]


def test_weighting_steps_are_repeated_in_replicates_of_shared_psus():
    frame = waves(11, kept=3, first=6, second=5, strata=6)
    targets = {1.0: 300.0, 2.0: 400.0, 3.0: 500.0}
    raked = survey(frame).weighting.rake({"g": targets}).apply()
    made = raked.with_replicates(replicates.JKn())
    found = made.total("y", by="wave")
    linear = raked.total("y", by="wave")
    np.testing.assert_allclose(np.sqrt(np.diag(found.vcov)), np.sqrt(np.diag(linear.vcov)), rtol=0.15)
    weights = made.design.replicates.weights
    row = weights.rows(made.design, 3)
    for code, target in targets.items():
        assert row[frame["g"] == code].sum() / row.sum() == pytest.approx(target / 1200, rel=1e-6)


def test_finite_populations_are_carried_where_every_psu_is_kept():
    frame = waves(12, kept=4).assign(N=9)
    for kind in (replicates.JKn(), replicates.RaoWu(40)):
        rng = {} if isinstance(kind, replicates.JKn) else {"rng": np.random.default_rng(1)}
        made = survey(frame, fpc="N").with_replicates(kind, **rng).total("y", by="wave").vcov
        rng = {} if isinstance(kind, replicates.JKn) else {"rng": np.random.default_rng(1)}
        plain = survey(frame, fpc="N", wave=None).with_replicates(kind, **rng).total("y", by="wave").vcov
        np.testing.assert_allclose(made, plain, rtol=1e-10)
    linear = survey(frame, fpc="N").total("y", by="wave").vcov
    made = survey(frame, fpc="N").with_replicates(replicates.JKn()).total("y", by="wave").vcov
    np.testing.assert_allclose(made, linear, rtol=1e-10)


@pytest.mark.parametrize(
    ("frame", "options", "kind", "says"),
    [
        (waves(1, 2), {}, replicates.Bootstrap(number=9), "some PSUs of a stratum and not others"),
        (waves(1, 2), {}, replicates.SuccessiveDifference(), "JKn"),
        (waves(1, 1, 2, 2), {}, replicates.BRR(), "RaoWu"),
        (waves(1, 2).assign(N=20), {"fpc": "N"}, replicates.JKn(), "a wrong covariance"),
        (waves(1, 2).assign(N=20), {"fpc": "N"}, replicates.RaoWu(9), "Leave fpc= out"),
    ],
)
def test_what_partly_shared_waves_do_not_allow_names_what_does(frame, options, kind, says):
    rng = {"rng": np.random.default_rng(1)} if isinstance(kind, replicates.Bootstrap | replicates.RaoWu) else {}
    with pytest.raises(DesignError, match=says) as error:
        survey(frame, **options).with_replicates(kind, **rng)
    assert "الجولات" in error.value.ar


def test_the_variance_of_a_change_is_right_on_average_over_repeated_rotating_samples():
    """With-replacement samples of a known population, 4 of 6 PSUs kept: both ways near the truth.

    The replicate covariance centres on each wave's own PSUs and is low by (1 − m / n) / (n − 1) = 1/15.
    """
    rng = np.random.default_rng(14)
    n, kept, draws = 6, 4, 1500
    population = rng.multivariate_normal([0, 0], [[4, 3], [3, 4]], size=400)
    psu = np.concatenate([np.arange(n), np.arange(n - kept, 2 * n - kept)])
    wave = np.repeat([0, 1], n)
    design = engine.declare(np.ones(2 * n), psu=psu, strata=np.zeros(2 * n), wave=wave)
    weights = making.jackknife(design, True)
    chosen = rng.integers(0, 400, (draws, 2 * n - kept))
    totals = np.zeros((2 * n, 2 * draws))
    totals[design.unit[:n], ::2] = population[chosen[:, :n], 0].T / n
    totals[design.unit[n:], 1::2] = population[chosen[:, n - kept :], 1].T / n
    theta = weights.weights.expand(totals) - totals.sum(axis=0)
    deviations = theta * np.sqrt(weights.rscales)[:, None]
    change = deviations[:, 1::2] - deviations[:, ::2]
    estimates = (change**2).sum(axis=0)
    s = np.cov(population.T, bias=True)
    truth = (s[0, 0] + s[1, 1]) / n - 2 * kept / n**2 * s[0, 1]
    expected = truth + 2 * kept / n**2 * s[0, 1] / 15
    margin = 4 * estimates.std() / np.sqrt(draws)
    assert abs(estimates.mean() - expected) < margin
    assert margin < 0.08 * truth
    assert expected < 1.12 * truth


@pytest.mark.parametrize("psus", [4, 6], ids=["four of a stratum", "six of a stratum"])
def test_intervals_of_a_change_cover_over_repeated_rotating_samples(psus):
    """Nominal 95 %, 2,000 samples of a population of 5 strata × 300 PSUs, two thirds or half of the PSUs kept.

    Linearised intervals where the variance is negative count as failures.
    """
    rng = np.random.default_rng(15)
    strata, draws, kept = 5, 2000, psus - 2
    fresh = 2 * psus - kept
    labels = [(h, p, w) for w, at in ((0, range(psus)), (1, range(psus - kept, fresh))) for h in range(strata) for p in at]
    h, p, w = (np.array(part) for part in zip(*labels, strict=True))
    design = engine.declare(np.ones(len(h)), strata=h, psu=p, wave=w)
    population = rng.multivariate_normal([0, 0], [[4, 3], [3, 4]], size=(strata, 300)) + rng.exponential(1, (strata, 300, 2))
    chosen = rng.integers(0, 300, (draws, strata, fresh))
    totals = np.zeros((len(h), 2 * draws))
    for unit, stratum, place, wave in zip(design.unit, h, p, w, strict=True):
        totals[unit, wave::2] = population[stratum, chosen[:, stratum, place], wave] / psus
    change = (totals[:, 1::2] - totals[:, ::2]).sum(axis=0)
    truth = (population[:, :, 1] - population[:, :, 0]).mean(axis=1).sum()
    made = making.jackknife(design, True)
    deviations = (made.weights.expand(totals) - totals.sum(axis=0)) * np.sqrt(made.rscales)[:, None]
    replicate = ((deviations[:, 1::2] - deviations[:, ::2]) ** 2).sum(axis=0)
    linear = np.array(
        [[-1, 1] @ engine.covariance(design, totals[:, 2 * i : 2 * i + 2]) @ [-1, 1] for i in range(draws)]
    )
    t = stats.t.ppf(0.975, design.df)
    covered = {
        name: np.mean(np.abs(change - truth) <= t * np.sqrt(np.maximum(variance, 0)))
        for name, variance in (("replicates", replicate), ("linearised", linear))
    }
    margin = 2.576 * np.sqrt(0.95 * 0.05 / draws)
    assert covered["replicates"] + margin > 0.93 and covered["replicates"] - margin < 0.97
    assert covered["linearised"] + margin > 0.93 and covered["linearised"] - margin < 0.97
