"""Published figures on published data; runs where MASAR_REAL_DATA names the folder that holds them."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import numpy as np
import pytest

from masar_research import engine
from masar_research.engine import intervals
from masar_research.errors import DesignError

ROOT = Path(os.environ.get("MASAR_REAL_DATA", "/nonexistent"))
needs_r_survey = pytest.mark.skipif(
    not (ROOT / "r_survey").is_dir(), reason="MASAR_REAL_DATA/r_survey is not here"
)
needs_lohr = pytest.mark.skipif(
    not (ROOT / "lohr").is_dir(), reason="MASAR_REAL_DATA/lohr is not here"
)


def columns(folder: str, name: str) -> dict[str, np.ndarray]:
    with open(ROOT / folder / f"{name}.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    out = {}
    for key in rows[0]:
        values = [row[key] for row in rows]
        try:
            out[key] = np.array([float(v) if v not in ("", "NA") else np.nan for v in values])
        except ValueError:
            out[key] = np.array(values)
    return out


def answer(design, result):
    return result.estimate, np.sqrt(np.diag(engine.covariance(design, result.totals)))


@needs_r_survey
@pytest.mark.parametrize(
    ("rule", "expected"),
    [("remove", 5.8058), ("certainty", 5.8058), ("centre", 5.8281), ("scale", 6.0096)],
)
def test_apiclus1_with_a_lonely_stratum(rule, expected):
    d = columns("r_survey", "apiclus1")
    design = engine.declare(d["pw"], strata=d["dnum"], lonely_psu=rule)
    estimate, error = answer(design, engine.mean(design, d["api00"]))
    assert estimate[0] == pytest.approx(644.17, abs=0.005)
    assert error[0] == pytest.approx(expected, abs=5e-5)


@needs_r_survey
def test_apiclus1_raises_and_names_stratum_413():
    d = columns("r_survey", "apiclus1")
    with pytest.raises(DesignError, match="hold one: 413"):
        engine.declare(d["pw"], strata=d["dnum"])


@needs_r_survey
def test_fpc_data_with_and_without_replacement_and_by_domain():
    d = columns("r_survey", "fpc")
    given = {"strata": d["stratid"], "psu": d["psuid"]}
    plain, finite = (
        engine.declare(d["weight"], **given),
        engine.declare(d["weight"], fpc=d["Nh"], **given),
    )
    estimate, error = answer(plain, engine.mean(plain, d["x"]))
    assert (estimate[0], error[0]) == pytest.approx((5.4481, 0.7413), abs=5e-5)
    assert answer(finite, engine.mean(finite, d["x"]))[1][0] == pytest.approx(0.616, abs=5e-5)
    by = engine.mean(plain, d["x"], domain=(d["x"] > 4).astype(int), n_domains=2)
    estimate, error = answer(plain, by)
    assert estimate == pytest.approx([3.314286, 6.195], abs=5e-6)
    assert error == pytest.approx([0.3117042, 0.7555], abs=5e-5)


@needs_r_survey
def test_mu284_two_stage_with_both_population_counts():
    d = columns("r_survey", "mu284")
    design = engine.declare(
        d["n1"] / 5 * d["n2"] / 3, psu=[d["id1"], d["id2"]], fpc=[d["n1"], d["n2"]]
    )
    estimate, error = answer(design, engine.total(design, d["y1"]))
    assert estimate[0] == pytest.approx(15080, rel=1e-12)
    assert error[0] == pytest.approx(2274.3, abs=0.05)


@needs_lohr
def test_lohr_simple_random_sample_of_counties():
    d = columns("lohr", "agsrs")
    design = engine.declare(np.full(300, 3078 / 300), fpc=np.full(300, 3078))
    estimate, error = answer(design, engine.mean(design, d["acres92"]))
    assert (estimate[0], error[0]) == pytest.approx((297_897, 18_898), abs=0.5)
    estimate, error = answer(design, engine.total(design, d["acres92"]))
    assert (estimate[0], error[0]) == pytest.approx((916_927_110, 58_169_381), abs=0.5)


@needs_lohr
def test_lohr_stratified_sample_of_counties():
    d = columns("lohr", "agstrat")
    population = np.array([{"NC": 1054, "NE": 220, "S": 1382, "W": 422}[r] for r in d["region"]])
    sampled = np.array([{"NC": 103, "NE": 21, "S": 135, "W": 41}[r] for r in d["region"]])
    design = engine.declare(population / sampled, strata=d["region"], fpc=population)
    estimate, error = answer(design, engine.mean(design, d["acres92"]))
    assert (estimate[0], error[0]) == pytest.approx((295_561, 16_380), abs=0.5)
    estimate, error = answer(design, engine.total(design, d["acres92"]))
    assert (estimate[0], error[0]) == pytest.approx((909_736_035, 50_417_248), abs=0.5)


needs_anes = pytest.mark.skipif(
    not (ROOT / "anes2020").is_dir(), reason="MASAR_REAL_DATA/anes2020 is not here"
)


def election_study():
    d = columns("anes2020", "shortcourse_anes_2020")
    return d, engine.declare(
        d["Weight"] / d["Weight"].sum() * 231_592_693, strata=d["Stratum"], psu=d["VarUnit"]
    )


def coded(values, *levels):
    """1 for the levels, 0 for others, NaN for blanks."""
    return np.where(values == "", np.nan, np.isin(values, levels).astype(float))


@needs_anes
def test_anes_count_of_women_with_a_graduate_degree():
    d, design = election_study()
    women = engine.count(design, mask=(d["Gender"] == "Female") & (d["Education"] == "Graduate"))
    assert women.estimate[0] == pytest.approx(15_108_636, abs=0.5)
    assert design.df == 51


@needs_anes
def test_anes_party_shares_leave_out_the_25_without_an_answer():
    d, design = election_study()
    strong = engine.mean(design, coded(d["PartyID"], "Strong democrat"))
    assert strong.estimate[0] == pytest.approx(0.219, abs=5e-4)
    assert strong.n_missing[0] == 25
    voters = engine.mean(
        design, coded(d["PartyID"], "Strong republican"), mask=d["VotedPres2020"] == "Yes"
    )
    assert voters.estimate[0] == pytest.approx(0.224, abs=5e-4)


@needs_anes
def test_anes_voted_in_both_elections_with_both_intervals():
    d, design = election_study()
    both = np.where(
        (d["VotedPres2016"] == "Yes") & (d["VotedPres2020"] == "Yes"), 1.0,
        np.where((d["VotedPres2016"] == "") | (d["VotedPres2020"] == ""), np.nan, 0.0),
    )  # fmt: skip
    estimate, error = answer(design, result := engine.mean(design, both))
    assert estimate[0] == pytest.approx(0.626, abs=5e-4)
    low, high = intervals.wald(estimate, error, result.df, 0.95)
    assert (low[0], high[0]) == pytest.approx((0.607, 0.645), abs=5e-4)
    # R 4.2.2, survey 4.1.1, svyciprop(method = "logit") on the same file
    low, high = intervals.logit(estimate, error, result.df, 0.95)
    assert (low[0], high[0]) == pytest.approx((0.60688901, 0.64435460), abs=5e-8)


@needs_anes
def test_anes_design_effect_of_early_voting():
    d, design = election_study()
    early = engine.mean(design, coded(d["EarlyVote2020"], "Yes"))
    deff = engine.covariance(design, early.totals)[0, 0] / early.srs_variance[0]
    assert deff == pytest.approx(2.27, abs=0.005)
