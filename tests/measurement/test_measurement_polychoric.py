"""Polychoric correlations: against R, by identities, under clusters and bad input."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings, strategies as st
from scipy.stats import multivariate_normal

import masar_research as mr
from masar_research.engine.polychoric import binormal, ordinal_alpha, polychoric
from masar_research.errors import EstimationError

HERE = Path(__file__).parent / "oracles"
R = json.loads((HERE / "polychoric.json").read_text(encoding="utf-8"))
DATA = pd.read_csv(HERE / "measurement.csv")
ITEMS = [f"i{k}" for k in range(1, 6)]
ONE = np.ones(len(DATA))
MANY = ((DATA["i1"] + DATA["i2"] + DATA["i3"]).to_numpy(float), (DATA["i4"] + DATA["i5"]).to_numpy(float))


def survey(frame=DATA, **weights):
    return mr.Survey(frame, strata="stratum", psu="psu", **({"weights": "w"} | weights))


def test_estimates_are_those_of_r():
    first, second = DATA["i1"].to_numpy(float), DATA["i2"].to_numpy(float)
    assert polychoric(ONE, first, second)[0] == pytest.approx(R["two"], abs=1e-7)
    assert polychoric(DATA["w"].to_numpy(), first, second)[0] == pytest.approx(R["weighted"], abs=1e-7)
    assert polychoric(ONE, *MANY)[0] == pytest.approx(R["many"], abs=1e-7)


def test_matrix_and_ordinal_alpha_of_a_survey_are_those_of_r():
    plain = survey(DATA.assign(w=1.0))
    pairs = plain.polychoric(ITEMS).frame
    matrix = np.array(R["matrix"])
    for row in pairs.to_dict("records"):
        want = matrix[ITEMS.index(row["variable"]), ITEMS.index(row["other"])]
        assert row["estimate"] == pytest.approx(want, abs=1e-6)
    assert len(pairs) == 10
    frame = plain.reliability(ITEMS, also=["ordinal_alpha"]).frame
    assert frame["estimate"].iloc[2] == pytest.approx(R["alpha"], abs=1e-6)
    assert frame["estimate"].iloc[2] > frame["estimate"].iloc[1]


@settings(max_examples=60, deadline=None)
@given(st.floats(-4, 4), st.floats(-4, 4), st.floats(-0.98, 0.98))
def test_binormal_probabilities(h, k, rho):
    want = multivariate_normal([0, 0], [[1, rho], [rho, 1]]).cdf([h, k])
    assert float(binormal(np.array(h), np.array(k), rho)) == pytest.approx(want, abs=2e-7)


@pytest.mark.parametrize("f", [polychoric, ordinal_alpha])
def test_influence_is_the_derivative_by_weights(f):
    weights = np.random.default_rng(1).uniform(0.5, 2, len(DATA))
    columns = MANY if f is polychoric else [DATA[i].to_numpy(float) for i in ITEMS[:3]]
    _, influence = f(weights, *columns)
    for row in range(0, 40, 7):
        step = np.zeros(len(DATA))
        step[row] = 1e-4
        slope = (f(weights + step, *columns)[0] - f(weights - step, *columns)[0]) / 2e-4
        assert influence[row] == pytest.approx(slope, rel=1e-5, abs=1e-9)


def test_what_changes_nothing_and_what_turns_the_sign():
    base = survey().polychoric(["i1", "i2"]).frame.iloc[0]
    shuffled = DATA.sample(frac=1, random_state=3).assign(w=lambda f: 7 * f["w"], i1=lambda f: np.exp(f["i1"]))
    again = survey(shuffled).polychoric(["i1", "i2"]).frame.iloc[0]
    turned = survey().polychoric(["i1", "i2"], reverse=["i2"]).frame.iloc[0]
    for column in ("estimate", "std_error", "conf_low", "conf_high"):
        assert again[column] == pytest.approx(base[column], rel=1e-8)
    assert turned["estimate"] == pytest.approx(-base["estimate"], rel=1e-8)
    assert turned["conf_low"] == pytest.approx(-base["conf_high"], rel=1e-6)


def test_a_domain_is_the_subpopulation():
    by = survey().polychoric(ITEMS[:3], by="group").frame
    one = survey().where("group == 2").polychoric(ITEMS[:3]).frame
    there = by[by["group"] == 2]
    for column in ("estimate", "std_error", "n", "conf_low"):
        assert there[column].to_numpy() == pytest.approx(one[column].to_numpy(), rel=1e-10)


def test_replicates_agree_with_linearisation():
    linear = survey().polychoric(["i1", "i2"]).frame.iloc[0]
    jack = survey().with_replicates(mr.replicates.JKn()).polychoric(["i1", "i2"]).frame.iloc[0]
    assert jack["estimate"] == pytest.approx(linear["estimate"], rel=1e-12)
    assert jack["std_error"] == pytest.approx(linear["std_error"], rel=0.05)


def test_an_empty_corner_has_no_interval():
    frame = pd.DataFrame({"w": 1.0, "a": [0, 0, 1, 1, 0, 1], "b": [0, 0, 1, 1, 0, 1]})
    row = mr.Survey(frame, weights="w").polychoric(["a", "b"]).frame.iloc[0]
    assert row["estimate"] == 1 and np.isnan(row["std_error"]) and np.isnan(row["conf_low"])
    frame["b"] = 1 - frame["a"]
    assert mr.Survey(frame, weights="w").polychoric(["a", "b"]).frame["estimate"].iloc[0] == -1


def test_measurements_and_unknown_coefficients_are_refused_in_both_languages():
    frame = pd.DataFrame({"w": 1.0, "a": np.arange(20), "b": np.arange(20) % 2})
    base = mr.Survey(frame, weights="w")
    for ask in (
        lambda: base.polychoric(["a", "b"]),
        lambda: base.polychoric(["b"]),
        lambda: base.reliability(["a", "b"], also=["ordinal_alpha"]),
        lambda: base.reliability(["a", "b"], also=["beta"]),
    ):
        with pytest.raises(EstimationError) as caught:
            ask()
        assert caught.value.ar and caught.value.remedy


@pytest.mark.parametrize("runs", [120, pytest.param(1000, marks=pytest.mark.full)])
def test_intervals_cover_under_clusters(runs):
    rng = np.random.default_rng(8)
    truth, hit = 0.5, 0
    for _ in range(runs):
        psu = np.repeat(np.arange(50), 12)
        common = np.sqrt(0.2) * rng.normal(size=(50, 2))[psu] + np.sqrt(0.8) * rng.normal(size=(600, 2))
        z = np.column_stack([common[:, 0], truth * common[:, 0] + np.sqrt(1 - truth**2) * common[:, 1]])
        frame = pd.DataFrame({"a": np.digitize(z[:, 0], [-0.8, 0.2, 1]), "b": np.digitize(z[:, 1], [-0.3, 0.9])})
        row = mr.Survey(frame.assign(w=1.0, psu=psu), weights="w", psu="psu").polychoric(["a", "b"]).frame.iloc[0]
        hit += row["conf_low"] <= truth <= row["conf_high"]
    error = np.sqrt(0.95 * 0.05 / runs)
    assert 0.93 - 2.58 * error <= hit / runs <= 0.97 + 2.58 * error
