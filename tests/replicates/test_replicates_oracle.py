"""Replicate designs against R's survey package on an invented sample (replicates.R wrote the JSON).

Tolerance 1e-8 relative: closed forms in double precision, the JSON carries 15 digits. Raked weights
are solved by iteration on both sides: 1e-7.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import masar_research as mr
from masar_research import replicates

HERE = Path(__file__).parent
REFERENCE = json.loads((HERE / "replicates.json").read_text(encoding="utf-8"))
DATA = pd.read_csv(HERE.parent / "oracles" / "jordan_like.csv")
DATA["unit"] = DATA["stratum"].astype(str) + " " + DATA["psu"].astype(str)
PAIRS = DATA.iloc[np.array(REFERENCE["pairs"]["row"]) - 1].reset_index(drop=True)
RSCALES = tuple(np.linspace(0.5, 1.5, 40))
BOTH = ("", "_mse")


def spread(data: pd.DataFrame, factors: list) -> pd.DataFrame:
    """Factors per PSU, in the order of their first row, as columns of the data."""
    psu = pd.factorize(data["unit"])[0]
    table = np.array(factors, dtype=float)[psu]
    names = [f"rep_{r}" for r in range(1, table.shape[1] + 1)]
    return pd.concat([data, pd.DataFrame(table, columns=names)], axis=1)


def given(kind, mse: bool) -> mr.Survey:
    return mr.Survey(
        {"brr": spread(PAIRS, REFERENCE["pairs"]["brr"]), "fay": spread(PAIRS, REFERENCE["pairs"]["fay"]),
         "boot": spread(DATA, REFERENCE["boot_factors"])}[kind[0]],
        weights="weight", replicates=kind[1]("rep_*", mse=mse, combined=False, **kind[2]),
    )  # fmt: skip


GIVEN = {
    "BRR": ("brr", replicates.BRR, {}),
    "Fay": ("fay", replicates.Fay, {"rho": 0.3}),
    "Bootstrap": ("boot", replicates.Bootstrap, {}),
    "SuccessiveDifference": ("boot", replicates.SuccessiveDifference, {}),
    "JK2": ("boot", replicates.JK2, {}),
    "JK1_scaled": ("boot", replicates.JK1, {"scale": 0.11, "rscales": RSCALES}),
    "JKn_given": ("boot", replicates.JKn, {"rscales": RSCALES}),
}


def declared(kind: str) -> mr.Survey:
    if kind == "JK1":
        return mr.Survey(DATA, weights="weight", psu="unit")
    fpc = "fpc1" if kind == "JKn_fpc" else None
    return mr.Survey(DATA, weights="weight", strata="stratum", psu="psu", fpc=fpc)


def made(kind: str, mse: bool) -> mr.Survey:
    type_ = replicates.JK1 if kind == "JK1" else replicates.JKn
    return declared(kind).with_replicates(type_(mse=mse))


def check(survey: mr.Survey, expected: dict, rel: float = 1e-8) -> None:
    def same(found: mr.Estimates, estimate, error) -> None:
        assert found.frame["estimate"].to_numpy() == pytest.approx(np.atleast_1d(estimate), rel=rel)
        assert found.frame["std_error"].to_numpy() == pytest.approx(np.atleast_1d(error), rel=rel)

    same(survey.mean("income"), *expected["mean"])
    same(survey.total("employed"), *expected["total"])
    same(survey.ratio("income", "hours"), *expected["ratio"])
    same(survey.proportion("education"), expected["share"], expected["share_se"])
    same(survey.where("sex == 2").mean("income"), *expected["women"])
    region = survey.mean("income", by="region")
    same(region, expected["region"], expected["region_se"])
    same(region.contrast("1 - 2"), *expected["gap"])


@pytest.mark.parametrize("tag", BOTH)
@pytest.mark.parametrize("name", GIVEN)
def test_given_replicates_agree_with_r(name, tag):
    survey = given(GIVEN[name], bool(tag))
    expected = REFERENCE[name + tag]
    check(survey, expected)
    assert survey.design.df == expected["df"]
    assert survey.where("sex == 2").mean("sex").frame["df"][0] == expected["df_women"]


@pytest.mark.parametrize("tag", BOTH)
@pytest.mark.parametrize("kind", ["JKn", "JKn_fpc", "JK1"])
def test_made_jackknives_agree_with_r(kind, tag):
    survey = made(kind, bool(tag))
    check(survey, REFERENCE[kind + tag])
    assert survey.design.df == REFERENCE[kind + tag]["df"]


@pytest.mark.parametrize("name", ["JKn", "Fay"])
def test_models_are_fitted_again_in_every_replicate(name):
    survey = made("JKn", False) if name == "JKn" else given(GIVEN["Fay"], False)
    model = survey.logit("employed ~ C(sex) + age")
    expected = REFERENCE[name]["model"]
    assert model.frame["estimate"].to_numpy() == pytest.approx(expected["coef"], rel=1e-8)
    assert model.frame["std_error"].to_numpy() == pytest.approx(expected["se"], rel=1e-8)
    assert model.df == expected["df"]


SEX, REGION = {1: 5000.0, 2: 5300.0}, {1: 4700.0, 2: 3600.0, 3: 2000.0}


def test_raking_is_done_again_in_every_replicate():
    weighted = declared("JKn").weighting.rake({"sex": SEX, "region": REGION}, tol=1e-12).apply()
    check(weighted.with_replicates(replicates.JKn()), REFERENCE["raked"], rel=1e-7)


def test_poststratification_is_done_again_in_every_replicate():
    weighted = declared("JKn").weighting.poststratify({"sex": SEX}).apply()
    check(weighted.with_replicates(replicates.JKn()), REFERENCE["poststratified"])
