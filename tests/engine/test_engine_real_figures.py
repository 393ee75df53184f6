"""Published figures on published data; runs where MASAR_REAL_DATA names the folder that holds them."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import numpy as np
import pytest

from masar_research import engine
from masar_research.errors import DesignError

ROOT = Path(os.environ.get("MASAR_REAL_DATA", "/nonexistent"))
needs_r_survey = pytest.mark.skipif(not (ROOT / "r_survey").is_dir(), reason="MASAR_REAL_DATA/r_survey is not here")
needs_lohr = pytest.mark.skipif(not (ROOT / "lohr").is_dir(), reason="MASAR_REAL_DATA/lohr is not here")


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
    ("rule", "expected"), [("remove", 5.8058), ("certainty", 5.8058), ("centre", 5.8281), ("scale", 6.0096)]
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
    plain, finite = engine.declare(d["weight"], **given), engine.declare(d["weight"], fpc=d["Nh"], **given)
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
