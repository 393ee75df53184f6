"""Two-phase samples against R's survey package (two_phase.R wrote two_phase.json).

Tolerance 1e-8 relative: both sides are double-precision closed forms. Where R differs by definition
the test says how, and checks the difference itself.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import masar_research as mr
from masar_research.phases import Stratified

HERE = Path(__file__).parent
R = json.loads((HERE / "two_phase.json").read_text(encoding="utf-8"))
FRAME = pd.read_csv(HERE / "two_phase.csv")
FRAME["ywoman"] = FRAME["y"] * (FRAME["sex"] == 2)
FRAME["one"] = 1.0
CLOSE = {"rel": 1e-8, "abs": 1e-12}


def weighted(kind: str) -> pd.DataFrame:
    """The frame with first-phase weights, and without outcomes where the second phase has none."""
    rows = {"whole": "drawn", "lonely": "lonely"}.get(kind, "sampled")
    counts = FRAME.groupby("region")["region"].transform("size")
    villages = FRAME["villages"] / 20
    weight = {
        "srs": FRAME["fpc_person"] / len(FRAME),
        "lonely": FRAME["fpc_person"] / len(FRAME),
        "stratified": FRAME["fpc_region"] / counts,
        "clusters": villages,
        "whole": villages,
        "stages": villages
        * FRAME["persons"]
        / FRAME.groupby("village_id")["village_id"].transform("size"),
    }[kind]
    known = FRAME[rows] == 1
    outcomes = {name: FRAME[name].where(known) for name in ("y", "ywoman", "z")}
    return FRAME.assign(w=weight, known=known.astype(int), **outcomes)


def declared(name: str) -> mr.Survey:
    kind, method = name.split("_")
    method = "full" if method == "full" else "approx"
    first = {
        "srs": {"fpc": "fpc_person"},
        "lonely": {"fpc": "fpc_person"},
        "stratified": {"strata": "region", "fpc": "fpc_region"},
        "clusters": {"strata": "region", "psu": "village", "fpc": "villages"},
        "stages": {
            "strata": "region",
            "psu": ["village", "person"],
            "fpc": ["villages", "persons"],
        },
        "whole": {"strata": "region", "psu": "village", "fpc": "villages"},
    }[kind]
    second = {
        "lonely": Stratified("known", strata="alone", lonely_psu="centre", method=method),
        "whole": Stratified("known", strata="kind", psu="village", method=method),
    }.get(kind, Stratified("known", strata="screen", method=method))
    return mr.Survey(weighted(kind), weights="w", second_phase=second, **first)


DESIGNS = [
    "srs_full", "srs_approx", "srs_simple", "stratified_full", "stratified_approx", "stratified_simple",
    "clusters_full", "stages_full", "whole_full", "whole_approx", "lonely_full", "lonely_approx",
]  # fmt: skip


def close(found, expected):
    return np.ravel(found) == pytest.approx(np.ravel(expected), **CLOSE)


def same_vcov(found, expected, rel=1e-8):
    """Entries relative to the standard errors they belong to: a covariance may be 0, a total certain."""
    found = np.asarray(found)
    expected = np.reshape(expected, found.shape)
    size = np.sqrt(np.outer(np.diag(expected), np.diag(expected)).clip(min=0))
    return bool(np.all(np.abs(found - expected) <= rel * size + 1e-14 * np.max(np.diag(expected))))


@pytest.mark.parametrize("name", DESIGNS)
def test_means_totals_and_ratios(name):
    survey, expected = declared(name), R[name]
    mean = survey.mean(["y", "x"])
    assert close(mean.frame["estimate"], expected["mean"])
    assert same_vcov(mean.vcov, expected["mean_vcov"])
    total = survey.total(["y", "ywoman", "one"])
    assert close(total.frame["estimate"], expected["total"])
    assert same_vcov(total.vcov, expected["total_vcov"])
    ratio = survey.ratio("y", "x")
    assert close(ratio.frame["estimate"], expected["ratio"])
    assert close(ratio.vcov, expected["ratio_var"])
    assert mean.frame["n"].iloc[0] == expected["n"]


@pytest.mark.parametrize("name", DESIGNS)
def test_the_part_of_each_phase(name):
    survey, expected = declared(name), R[name]["total_phases"]
    parts = survey.phase_variances(survey.total("y"))
    assert close(parts["first"], expected["phase1"])
    assert close(parts["second"], expected["phase2"])


@pytest.mark.parametrize("name", [name for name in DESIGNS if "by" in R[name]])
def test_means_by_domain(name):
    survey, expected = declared(name), R[name]
    by = survey.mean("y", by="sex").frame
    assert close(by["estimate"], expected["by"])
    assert close(by["std_error"], expected["by_se"])
    where = survey.where("sex == 2").mean("y").frame
    assert close(where["std_error"], expected["by_se"][1])


@pytest.mark.parametrize("name", [name for name in DESIGNS if "linear" in R[name]])
def test_regression(name):
    survey, expected = declared(name), R[name]
    linear = survey.glm("y ~ x + C(sex)")
    assert close(linear.frame["estimate"], expected["linear"])
    assert close(np.sort(np.ravel(linear.vcov)), np.sort(expected["linear_vcov"]))
    logistic = survey.logit("z ~ x + C(sex)")
    order = [list(logistic.frame["term"]).index(t) for t in linear.frame["term"]]
    assert logistic.frame["estimate"].to_numpy()[order] == pytest.approx(
        expected["logistic"], rel=1e-7
    )
    assert np.sort(np.ravel(logistic.vcov)) == pytest.approx(
        np.sort(expected["logistic_vcov"]), rel=1e-7
    )


@pytest.mark.parametrize("name", ["srs_full", "srs_approx", "whole_full", "lonely_full"])
def test_degrees_of_freedom_are_those_of_the_second_phase_where_it_has_fewer(name):
    assert declared(name).design.df == R[name]["df"]
    assert declared(name).mean("y").frame["df"].iloc[0] == R[name]["df"]


def test_with_few_first_phase_psus_the_degrees_of_freedom_are_theirs():
    """R takes units minus strata of the second phase even where the first has 40 villages."""
    survey = declared("clusters_full")
    assert R["clusters_full"]["df"] > 200
    assert survey.mean("y").frame["df"].iloc[0] == survey.first_phase().design.df == 38


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("regression", {"categories": "sex", "numbers": "x"}),
        ("poststratified", {"categories": [("sex", "screen")]}),
        ("raked", {"categories": ["sex", "screen"], "method": "rake"}),
    ],
)
def test_calibration_to_the_first_phase(name, options):
    survey, expected = declared("srs_full").calibrate_second_phase(**options), R[name]
    mean, total = survey.mean(["y", "x"]), survey.total(["y", "ywoman", "one"])
    assert close(mean.frame["estimate"], expected["mean"])
    assert close(total.frame["estimate"], expected["total"])
    assert close(survey.ratio("y", "x").vcov, expected["ratio_var"])
    assert same_vcov(mean.vcov, expected["mean_vcov"])
    assert same_vcov(total.vcov, expected["total_vcov"])
    parts = survey.phase_variances(survey.total("y"))
    assert close(parts["first"], expected["total_phases"]["phase1"])
    assert close(parts["second"], expected["total_phases"]["phase2"])


@pytest.fixture(scope="module")
def nwtco(tmp_path_factory) -> pd.DataFrame:
    """R's own copy of the study; no row of it is kept here."""
    if shutil.which("Rscript") is None:
        pytest.skip("Rscript is not installed: nwtco")
    path = tmp_path_factory.mktemp("nwtco") / "nwtco.csv"
    code = f"write.csv(survival::nwtco, '{path.as_posix()}', row.names = FALSE)"
    if subprocess.run(["Rscript", "-e", code], capture_output=True, check=False).returncode:
        pytest.skip("R's survival package is not installed: nwtco")
    frame = pd.read_csv(path)
    frame["w"] = 1.0
    frame["sub"] = ((frame["in.subcohort"]) | (frame["rel"] == 1)).astype(int)
    return frame


def wilms(frame: pd.DataFrame, method: str) -> mr.Survey:
    return mr.Survey(frame, weights="w", second_phase=Stratified("sub", strata="rel", method=method))


@pytest.mark.parametrize("theirs", ["approx", "simple"])
def test_national_wilms_tumor_study(nwtco, theirs):
    survey, expected = wilms(nwtco, "approx"), R["real"][f"nwtco_{theirs}"]
    mean = survey.mean(["edrel", "age"])
    assert close(mean.frame["estimate"], expected["mean"])
    assert same_vcov(mean.vcov, expected["mean_vcov"])
    assert close(survey.total("edrel").vcov, expected["total_var"])
    model = survey.glm("edrel ~ C(histol) + age")
    assert close(np.sort(model.frame["estimate"]), np.sort(expected["linear"]))
    assert close(np.sort(np.ravel(model.vcov)), np.sort(expected["linear_vcov"]))
    assert mean.frame["df"].iloc[0] == expected["df"]


@pytest.mark.parametrize("statistic", ["mean", "total"])
def test_an_endless_first_phase_differs_from_r_by_centring_alone(nwtco, statistic):
    """Without an fpc R's "full" sums squares about zero, ours about the mean with n / (n − 1):
    V_1 = n / (n − 1) [V_1(R) − (t² − V_2) / n]."""
    survey = wilms(nwtco, "full")
    theirs, n = R["real"]["nwtco_full"][f"{statistic}_phases"], len(nwtco)
    found = getattr(survey, statistic)("edrel")
    t = float(found.totals.sum())
    parts = survey.phase_variances(found)
    assert parts["second"].iloc[0] == pytest.approx(theirs["phase2"], rel=1e-8)
    expected = n / (n - 1) * (theirs["phase1"] - (t**2 - theirs["phase2"]) / n)
    assert parts["first"].iloc[0] == pytest.approx(expected, rel=1e-8)


def test_two_stages_as_two_phases_in_mu284():
    """As in R's help page of twophase: clusters in full, then a sample within every cluster."""
    folder = os.environ.get("MASAR_REAL_DATA")
    if not folder or not (Path(folder) / "r_survey/mu284.csv").exists():
        pytest.skip("MASAR_REAL_DATA is not set: r_survey/mu284.csv")
    stages = pd.read_csv(Path(folder) / "r_survey/mu284.csv")
    stages["w"] = stages["n1"] / 5 * stages["n2"] / 3
    one = mr.Survey(stages, weights="w", psu=["id1", "id2"], fpc=["n1", "n2"])
    rest = stages.iloc[np.repeat(np.arange(5), stages["n2"].iloc[:5] - 3)]
    both = pd.concat([stages.assign(sub=1), rest.assign(sub=0, y1=np.nan)], ignore_index=True)
    both["w"] = both["n1"] / 5
    two = mr.Survey(both, weights="w", psu="id1", fpc="n1", second_phase=Stratified("sub", strata="id1", method="full"))
    expected = R["real"]["mu284"]
    for statistic in ("total", "mean"):
        found = getattr(two, statistic)("y1").frame.iloc[0]
        assert found["estimate"] == pytest.approx(expected[statistic], rel=1e-8)
        assert found["std_error"] == pytest.approx(expected[f"{statistic}_se"], rel=1e-8)
        same = getattr(one, statistic)("y1").frame.iloc[0]
        assert found["std_error"] == pytest.approx(same["std_error"], rel=1e-10)
