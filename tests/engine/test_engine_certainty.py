"""Units sure to be sampled: nothing from the first stage, their second stage in full; and nesting at every stage."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import masar_research as mr
from masar_research import engine
from masar_research.errors import DesignError

EXPECTED = json.loads(Path(__file__).with_name("certainty.json").read_text())
PSUS, F1, F2 = (1, 1, 3, 4, 4), (1, 1, 1, 0.25, 0.4), (0.5, 0.1, 0.2, 0.3, 0.6)


def data() -> pd.DataFrame:
    """The arithmetic data of certainty.R."""
    d = pd.DataFrame(
        [(h, p, hh) for h in range(1, 6) for p in range(1, PSUS[h - 1] + 1) for hh in range(1, 7)],
        columns=["h", "p", "hh"],
    )
    i = np.arange(1, len(d) + 1)
    d = d.assign(y=(i * 37) % 23 + 3 * d["h"] + d["p"], x=(i * 11) % 7 + 1, none=0.0)
    d = d.assign(f1=d["h"].map(lambda h: F1[h - 1]), f2=d["h"].map(lambda h: F2[h - 1]))
    return d.assign(sure=(d["h"] <= 3).astype(float), w=1 / (d["f1"] * d["f2"]))


DESIGNS = {
    "two_stages": {"psu": ["p", "hh"], "fpc": ["f1", "f2"]},
    "lower_with_replacement": {"psu": ["p", "hh"], "fpc": ["f1", "none"]},
    "others_with_replacement": {"psu": ["p", "hh"], "fpc": ["sure", "f2"]},
    "first_stage_only": {"psu": "p", "fpc": "f1"},
    "unequal_probabilities": {"psu": "p", "fpc": "f1"},
}


@pytest.mark.parametrize("name", DESIGNS)
def test_certainty_strata_agree_with_r_under_the_rule_that_raises(name):
    """Strata of one PSU with a fraction of 1 are not lonely; R's brewer weights are the same where π is constant."""
    survey = mr.Survey(data(), weights="w", strata="h", **DESIGNS[name])
    found = [
        survey.total("y"), survey.mean("y"), survey.ratio("y", "x"),
        survey.where("h <= 3").mean("y"), survey.where("h >= 3 and x > 2").total("y"),
    ]  # fmt: skip
    figures = [v for each in found for v in each.frame[["estimate", "std_error"]].iloc[0]]
    np.testing.assert_allclose([*figures, survey.design.df], EXPECTED[name], rtol=1e-10, atol=1e-10)


def test_a_certainty_psu_is_a_stratum_of_its_households():
    """Variance of a fully sampled first stage = the design whose strata are the PSUs and whose PSUs are households."""
    d = data().query("h <= 3")
    two = mr.Survey(d, weights="w", strata="h", psu=["p", "hh"], fpc=["f1", "f2"])
    below = mr.Survey(d.assign(s=d["h"] * 10 + d["p"]), weights="w", strata="s", psu="hh", fpc="f2")
    for ask in (lambda s: s.total("y"), lambda s: s.mean("y", by="h"), lambda s: s.ratio("y", "x")):
        np.testing.assert_allclose(ask(two).vcov, ask(below).vcov, rtol=1e-12)


def test_by_hand_one_certainty_psu_and_one_sampled_stratum():
    y = np.array([3.0, 5, 10, 4, 8, 6, 7])
    stratum = np.array([1, 1, 1, 2, 2, 2, 2])
    psu = np.array([1, 1, 1, 1, 1, 2, 2])
    design = engine.declare(
        np.ones(7), strata=stratum, psu=[psu, np.arange(7)],
        fpc=[np.where(stratum == 1, 1.0, 0.5), np.where(stratum == 1, 0.25, 1.0)],
    )  # fmt: skip
    first = 0.5 * 2 * ((12 - 12.5) ** 2 + (13 - 12.5) ** 2)  # (1 − f) n/(n − 1) Σ (t − t̄)² of stratum 2
    second = 0.75 * 3 / 2 * np.sum((y[:3] - 6) ** 2)  # stratum 1: a = 1, its three households; stratum 2: all
    total = engine.total(design, y)
    assert engine.covariance(design, total.totals)[0, 0] == pytest.approx(first + second, rel=1e-12)


def test_a_fully_sampled_stratum_without_lower_stages_has_no_variance_and_nothing_is_lonely():
    design = engine.declare(np.ones(4), strata=[1, 1, 2, 3], psu=[1, 2, 1, 1], fpc=[2, 2, 1, 1])
    assert engine.covariance(design, engine.total(design, [1.0, 5, 9, 2]).totals)[0, 0] == 0
    assert design.describe()["lonely_strata"] == ()


def test_a_certainty_unit_inside_a_stratum_asks_for_a_stratum_of_its_own_in_both_languages():
    with pytest.raises(DesignError, match="strata of their own, with a fraction of 1") as error:
        engine.declare(np.ones(4), strata=[1] * 4, psu=[1, 2, 3, 4], fpc=[1, 0.2, 0.2, 0.2])
    assert "طبقات مستقلة" in error.value.ar


@pytest.mark.parametrize("stages", [1, 2, 3])
def test_ids_reused_across_strata_and_parents_are_different_units_at_every_stage(stages):
    """Labels 1, 2, … in every parent are the design with labels of their own; nothing merges."""
    rng = np.random.default_rng(stages)
    rows = [(h, p, s, t) for h in range(3) for p in range(3) for s in range(2) for t in range(2)]
    d = pd.DataFrame(rows, columns=["h", "p", "s", "t"])
    d = d.assign(y=rng.normal(5, 2, len(d)), w=1.0, n1=9, n2=5, n3=4)
    d["up"] = d["h"].astype(str) + "." + d["p"].astype(str)
    d["us"] = d["up"] + "." + d["s"].astype(str)
    d["ut"] = d["us"] + "." + d["t"].astype(str)
    fpc = ["n1", "n2", "n3"][:stages]
    reused = mr.Survey(d, weights="w", strata="h", psu=["p", "s", "t"][:stages], fpc=fpc)
    unique = mr.Survey(d, weights="w", strata="h", psu=["up", "us", "ut"][:stages], fpc=fpc)
    np.testing.assert_allclose(reused.mean("y").vcov, unique.mean("y").vcov, rtol=1e-12)
    assert reused.design.n_units == unique.design.n_units == (9, 18, 36)[stages - 1]


def test_ids_that_are_text_stay_text_at_every_stage():
    """Silent error 30 below the first stage: "7.1" and "7.10" are two households."""
    d = pd.DataFrame({
        "p": np.repeat(["122.1", "122.10", "122.2"], 4), "hh": ["7.1", "7.1", "7.10", "7.10"] * 3,
        "y": np.arange(12.0), "w": 1.0, "n1": 10, "n2": 8,
    })  # fmt: skip
    survey = mr.Survey(d, weights="w", psu=["p", "hh"], fpc=["n1", "n2"])
    assert (survey.design.describe()["psus"], survey.design.n_units) == (3, 6)
