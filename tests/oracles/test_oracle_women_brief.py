"""The brief's figures agree with R's survey package on the same file.

`women_brief.json` holds what `women_brief.R` wrote. Where R is installed the script is run
again on the same data, so that the stored answers cannot drift from their source.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from ruamel.yaml import YAML

import masar_research as mr
from masar_research import weighting
from masar_research.codebook import Variable

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
COLUMNS = [
    "wave", "status", "base_weight", "stratum", "psu", "governorate", "urban", "sex", "age",
    "age_labour", "nationality", "jordanian", "education", "marital", "in_labour_force",
    "employed", "unemployed",
]  # fmt: skip
# The margins are met to 1e-10 here and 1e-13 there; errors add over 3,600 weights.
CLOSE = 1e-7


def pooled() -> mr.Survey:
    return mr.load("masar_demo")


def inputs(folder: Path) -> tuple[Path, Path]:
    survey = pooled()
    columns = {name: survey.values(name) for name in COLUMNS if name not in ("stratum", "psu")}
    frame = pd.DataFrame(columns).assign(
        stratum=survey.frame["stratum"].to_numpy(), psu=survey.frame["psu"].to_numpy()
    )
    frame.to_csv(folder / "demo.csv", index=False)
    given = YAML(typ="safe").load((ROOT / "data/demo/margins.yml").read_text(encoding="utf-8"))
    flat = {name: {str(w): {str(k): v for k, v in t.items()} for w, t in given[name].items()}
            for name in ("governorate", "nationality", "urban")}  # fmt: skip
    flat["sex_age"] = {
        str(wave): {f"{sex}_{age}": value for sex, ages in t.items() for age, value in ages.items()}
        for wave, t in given["sex_age_labour"].items()
    }
    (folder / "margins.json").write_text(json.dumps(flat), encoding="utf-8")
    return folder / "demo.csv", folder / "margins.json"


@pytest.fixture(scope="module")
def oracle(tmp_path_factory) -> dict:
    stored = json.loads((HERE / "women_brief.json").read_text(encoding="utf-8"))
    rscript = shutil.which("Rscript")
    if rscript is None:
        return stored
    folder = tmp_path_factory.mktemp("oracle")
    data, margins = inputs(folder)
    out = folder / "out.json"
    command = [rscript, str(HERE / "women_brief.R"), str(data), str(margins), str(out)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode and "there is no package called" in done.stderr:
        return stored
    assert done.returncode == 0, done.stderr
    fresh = json.loads(out.read_text(encoding="utf-8"))
    np.testing.assert_allclose(fresh["gap"]["estimate"], stored["gap"]["estimate"], rtol=1e-9)
    return fresh


@pytest.fixture(scope="module")
def survey() -> mr.Survey:
    """Weighted as the brief is: the variance knows the non-response classes and the raking."""
    return weighting.from_card(mr.load("masar_demo", wave=2026))


@pytest.fixture(scope="module")
def fixed() -> mr.Survey:
    """The same weights with the non-response factors taken as constants, as R's survey has it."""
    base = mr.load("masar_demo", wave=2026)
    adjusted = base.weighting.nonresponse(responded="status == 1", cells=["governorate", "urban"]).apply()
    frame = base.frame.assign(adjusted=adjusted.design.weights)
    declared = mr.Survey(
        frame, weights="adjusted", strata="stratum", psu="psu", codebook=base.codebook, wave="wave", card=base.card
    )
    rake = [step for step in weighting.from_card(base).history if "Raking" in str(step)]
    return weighting.Weighting(declared, tuple(applied.step for applied in rake)).apply()


def agree(ours: pd.DataFrame, theirs: dict, keys: list[str], column: str) -> None:
    table = pd.DataFrame(theirs)
    merged = ours.merge(table, on=keys, suffixes=("", "_r"))
    assert len(merged) == len(table) > 0
    np.testing.assert_allclose(merged["estimate"], merged["estimate_r"], rtol=CLOSE)
    # R prints a standard error of 0 for a domain without degrees of freedom; here it has none.
    assert (merged["std_error"].isna() == (merged["df"] <= 0)).all()
    known = merged[merged["df"] > 0]
    np.testing.assert_allclose(known["std_error"], known[column], rtol=CLOSE, atol=1e-12)


@pytest.mark.parametrize("column", ["se", "se_fixed"])
@pytest.mark.parametrize("variable", ["in_labour_force", "employed", "unemployed"])
def test_rates_and_standard_errors(survey, fixed, oracle, variable, column):
    whole = survey if column == "se" else fixed
    jordanians = whole.where("jordanian == 1 and age >= 15")
    by_sex = jordanians.proportion(variable, by="sex").frame
    agree(by_sex, oracle[f"{variable}_sex"], ["sex"], column)
    by_age = jordanians.proportion(variable, by=["sex", "age_labour"]).frame
    agree(by_age, oracle[f"{variable}_age"], ["sex", "age_labour"], column)
    everyone = whole.where("age >= 15").proportion(variable, by="sex").frame
    agree(everyone, oracle[f"{variable}_residents"], ["sex"], column)


@pytest.mark.parametrize("column", ["se", "se_fixed"])
def test_governorates(survey, fixed, oracle, column):
    women = (survey if column == "se" else fixed).where("jordanian == 1 and age >= 15 and sex == 2")
    rates = women.proportion("in_labour_force", by="governorate").frame
    agree(rates, oracle["governorate"], ["governorate"], column)


@pytest.mark.parametrize("column", ["se", "se_fixed"])
def test_gap_between_women_and_men(survey, fixed, oracle, column):
    whole = survey if column == "se" else fixed
    rates = whole.where("jordanian == 1 and age >= 15").proportion("in_labour_force", by="sex")
    gap = rates.contrast("2 - 1").frame.iloc[0]
    assert gap["estimate"] == pytest.approx(oracle["gap"]["estimate"], rel=CLOSE)
    assert gap["std_error"] == pytest.approx(oracle["gap"][column], rel=CLOSE)


def test_change_between_waves_with_the_covariance_of_shared_blocks(oracle):
    survey = weighting.from_card(pooled())
    women = survey.where("jordanian == 1 and age >= 15 and sex == 2")
    change = women.proportion("in_labour_force", by="wave").contrast("2026 - 2024").frame.iloc[0]
    assert change["estimate"] == pytest.approx(oracle["change"]["estimate"], rel=CLOSE)
    assert change["std_error"] == pytest.approx(oracle["change"]["se"], rel=CLOSE)
    assert oracle["change"]["covariance"] != 0


def test_logistic_regression(fixed, oracle):
    married = (fixed.values("marital") == 2) * 1.0
    married[np.isnan(fixed.values("marital"))] = np.nan
    ready = fixed.with_columns(
        {"e3": np.clip(fixed.values("education"), 2, 4), "married": married},
        Variable("e3", {"en": "Education, three groups", "ar": "التعليم"}, level="ordinal"),
        Variable("married", {"en": "Married", "ar": "متزوجة"}, level="nominal"),
    )
    women = ready.where("jordanian == 1 and age >= 15 and sex == 2")
    model = women.logit("in_labour_force ~ C(age_labour) + C(e3) + C(married)").frame
    np.testing.assert_allclose(model["estimate"], oracle["model"]["coef"], rtol=1e-6)
    np.testing.assert_allclose(model["std_error"], oracle["model"]["se_fixed"], rtol=1e-6)
