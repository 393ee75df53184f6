"""Ways replicate variances have been silently wrong elsewhere, each a test named after it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import masar_research as mr
from masar_research import replicates
from masar_research.errors import DesignError, EstimationError

# Two strata of four PSUs, one row each; weights 10 and 20.
TINY = pd.DataFrame(
    {"h": [1, 1, 1, 1, 2, 2, 2, 2], "p": [1, 2, 3, 4, 1, 2, 3, 4], "w": [10.0] * 4 + [20.0] * 4,
     "y": [1.0, 3.0, 2.0, 6.0, 5.0, 9.0, 4.0, 2.0], "one": 1.0, "g": [1, 2, 1, 2, 1, 2, 1, 2]}
)  # fmt: skip
# Σ_h n/(n−1) Σ_i (t_hi − t̄_h)²: (4/3)(100·14 + 400·26), by hand.
BY_HAND = 4 / 3 * (100 * 14 + 400 * 26)


def tiny(frame: pd.DataFrame = TINY) -> mr.Survey:
    return mr.Survey(frame, weights="w", strata="h", psu="p")


def jackknifed() -> tuple[pd.DataFrame, list[float]]:
    """The eight JKn replicates written out: drop one, raise the rest of its stratum by 4/3."""
    columns = {}
    for j in range(8):
        weight = TINY["w"].to_numpy().copy()
        weight[(TINY["h"] == TINY["h"][j]).to_numpy()] *= 4 / 3
        weight[j] = 0.0
        columns[f"rw{j}"] = weight
    return TINY.assign(**columns), [3 / 4] * 8


def variance(survey: mr.Survey, name: str = "y") -> float:
    return float(survey.total(name).frame["std_error"][0] ** 2)


def test_silent_error_02_jkn_is_scaled_stratum_by_stratum_not_by_r_minus_1_over_r():
    made = tiny().with_replicates(replicates.JKn())
    assert variance(made) == pytest.approx(BY_HAND, rel=1e-12)
    frame, rscales = jackknifed()
    given = mr.Survey(frame, weights="w", replicates=replicates.JKn("rw*", rscales=rscales))
    assert variance(given) == pytest.approx(BY_HAND, rel=1e-12)
    # The global factor is wrong by 7/6 of the variance, and is not assumed for given weights.
    assert variance(given) * (7 / 8) / (3 / 4) == pytest.approx(BY_HAND * 7 / 6)
    with pytest.raises(DesignError, match="need rscales"):
        replicates.JKn("rw*")


FAMILIES = {
    "BRR": replicates.BRR, "Fay": replicates.Fay, "JK1": replicates.JK1, "JK2": replicates.JK2,
    "Bootstrap": replicates.Bootstrap, "SuccessiveDifference": replicates.SuccessiveDifference,
    "JKn": lambda columns, mse: replicates.JKn(columns, mse=mse, rscales=[0.7] * 8),
}  # fmt: skip


@pytest.mark.parametrize("family", FAMILIES)
def test_silent_error_03_mse_centring_is_honoured_by_every_family(family):
    rng = np.random.default_rng(3)
    factors = rng.uniform(0.2, 1.9, (8, 8))
    frame = TINY.assign(**{f"rw{j}": TINY["w"] * factors[j] for j in range(8)})
    totals = (factors * (TINY["w"] * TINY["y"]).to_numpy()).sum(axis=1)
    full = float((TINY["w"] * TINY["y"]).sum())
    found = {}
    for mse in (False, True):
        kind = FAMILIES[family]("rw*", mse=mse)
        survey = mr.Survey(frame, weights="w", replicates=kind)
        centre = full if mse else totals.mean()
        rscales = 0.7 if family == "JKn" else 1.0
        expected = kind.own_scale(8) * rscales * ((totals - centre) ** 2).sum()
        found[mse] = variance(survey)
        assert found[mse] == pytest.approx(expected, rel=1e-12)
    assert found[True] > found[False] * 1.001


@pytest.mark.parametrize("mse", [False, True])
@pytest.mark.parametrize(
    ("kind", "rng"),
    [(replicates.JKn, None), (replicates.RaoWu, 5), (replicates.Bootstrap, 5)],
)
def test_silent_error_03_mse_centring_is_honoured_by_made_replicates(kind, rng, mse):
    made = tiny().with_replicates(kind(mse=mse), *([np.random.default_rng(rng)] if rng else []))
    found = made.design.replicates
    weights = np.stack([found.weights.rows(made.design, r) for r in range(found.number)])
    ratios = (weights @ TINY["y"].to_numpy()) / weights.sum(axis=1)
    row = made.mean("y").frame.iloc[0]
    centre = row["estimate"] if mse else ratios.mean()
    expected = (found.scales * (ratios - centre) ** 2).sum()
    assert row["std_error"] ** 2 == pytest.approx(expected, rel=1e-11)


ESTIMATORS = {
    "mean": lambda s: s.mean("y"), "total": lambda s: s.total("y"), "ratio": lambda s: s.ratio("y", "p"),
    "count": lambda s: s.count(by="g"), "proportion": lambda s: s.proportion("g"),
    "difference": lambda s: s.mean("y", by="g").contrast("2 - 1"),
    "regression": lambda s: s.glm("y ~ p"),
    "marginal effect": lambda s: s.glm("y ~ C(g)").margins("g"),
}  # fmt: skip


@pytest.mark.parametrize("name", ESTIMATORS)
def test_silent_error_14_the_producers_scale_reaches_every_estimator(name):
    frame, rscales = jackknifed()

    def error(**scales) -> np.ndarray:
        survey = mr.Survey(frame, weights="w", replicates=replicates.JK1("rw*", **scales))
        result = ESTIMATORS[name](survey)
        return result.frame["std_error"].to_numpy()

    plain, producer = error(), error(scale=0.14)
    assert producer == pytest.approx(plain * np.sqrt(0.14 / (7 / 8)), rel=1e-9)
    uneven = error(scale=1.0, rscales=[0.5, 0.5, 0.1, *[0.0] * 5])
    assert not np.allclose(uneven, plain)
    assert uneven == pytest.approx(error(scale=0.1, rscales=[5, 5, 1, *[0.0] * 5]), rel=1e-9)


def test_silent_error_29_a_unit_drawn_twice_counts_twice():
    made = tiny().with_replicates(replicates.RaoWu(4000), rng=np.random.default_rng(29))
    factors = made.design.replicates.weights.factors
    times = np.rint(factors * 3 / 4).astype(int)      # three draws of four units
    assert np.allclose(times * 4 / 3, factors)
    assert np.all(times.reshape(-1, 2, 4).sum(axis=2) == 3)
    assert times.max() == 3  # of which a 0/1 factor would know nothing
    assert variance(made) == pytest.approx(BY_HAND, rel=0.08)
    plain = tiny().with_replicates(replicates.Bootstrap(number=4000), rng=np.random.default_rng(29))
    assert variance(plain) == pytest.approx(BY_HAND, rel=0.08)


def test_silent_error_16_weights_changed_after_the_replicates_are_refused():
    made = tiny().with_replicates(replicates.JKn())
    with pytest.raises(DesignError, match="Weight the survey first"):
        made.weighting.poststratify({"g": {1: 60.0, 2: 60.0}}).apply()


def test_silent_error_16_calibration_shrinks_the_replicate_variance_as_it_does_the_linearised():
    weighted = tiny().weighting.poststratify({"g": {1: 60.0, 2: 60.0}}).apply()
    made = weighted.with_replicates(replicates.JKn())
    assert made.count(by="g").frame["std_error"].to_numpy() == pytest.approx([0, 0], abs=1e-9)
    # Replicates of the final weights without the step would leave the counts uncertain.
    factors_only = mr.Survey(
        TINY.assign(w=weighted.design.weights), weights="w", strata="h", psu="p"
    ).with_replicates(replicates.JKn())
    assert factors_only.count(by="g").frame["std_error"].min() > 10


def test_silent_error_05_degrees_of_freedom_are_those_of_the_domain():
    big = pd.concat([TINY.assign(h=TINY["h"] + 2 * k) for k in range(3)], ignore_index=True)
    big["third"] = np.repeat([1, 2, 3], 8)
    made = tiny(big).with_replicates(replicates.JKn())
    by = made.mean("y", by="third").frame
    assert by["df"].tolist() == [6, 6, 6] and made.design.df == 18
    for code in (1, 2, 3):
        alone = made.where(f"third == {code}").mean("y").frame.iloc[0]
        assert [alone["std_error"], alone["df"]] == pytest.approx(
            by.iloc[code - 1][["std_error", "df"]].tolist()
        )


def test_silent_error_01_a_missing_outcome_is_zero_weighted_in_every_replicate():
    frame = TINY.assign(y=[np.nan, 3.0, 2.0, 6.0, 5.0, 9.0, 4.0, 2.0])
    made = tiny(frame).with_replicates(replicates.JKn())
    known = tiny(frame.assign(known=[0, *[1] * 7], y=frame["y"].fillna(0.0)))
    domain = known.with_replicates(replicates.JKn()).where("known == 1").mean("y").frame
    found = made.mean("y").frame
    assert found[["estimate", "std_error", "df"]].to_numpy() == pytest.approx(
        domain[["estimate", "std_error", "df"]].to_numpy()
    )
    assert found["n_missing"][0] == 1


def test_an_estimate_that_a_replicate_cannot_give_has_no_standard_error():
    frame = TINY.assign(rare=[1, 0, 0, 0, 0, 0, 0, 0])
    made = tiny(frame).with_replicates(replicates.JKn())
    row = made.where("rare == 1").mean("y").frame.iloc[0]
    assert row["estimate"] == 1.0 and np.isnan(row["std_error"])


def test_unit_totals_never_pass_for_replicate_deviations():
    made = tiny().with_replicates(replicates.JKn())
    from masar_research.engine import covariance

    with pytest.raises(EstimationError, match="one row per replicate"):
        covariance(made.design, np.ones((3, 1)))
