"""Wealth index: R, identities, anchoring, fifths, words."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import masar_research as mr
from masar_research.engine import principal
from masar_research.errors import EstimationError

HERE = Path(__file__).with_name("oracles")
R = json.loads((HERE / "measurement.json").read_text(encoding="utf-8"))["wealth"]
DATA = pd.read_csv(HERE / "measurement.csv")
ASSETS = [f"a{j}" for j in range(1, 6)]
DEMO = ["as_computer", "as_car", "as_washer", "as_conditioner", "as_solar", "as_dishwasher", "as_heating", "as_fixed"]


@pytest.fixture(scope="module")
def survey():
    return mr.Survey(DATA, weights="w", strata="stratum", psu="psu")


@pytest.fixture(scope="module")
def found(survey):
    return survey.wealth_index(ASSETS, ["rooms"])


def test_against_r(found):
    frame = found.frame
    np.testing.assert_allclose(frame["loading"], R["first"], rtol=1e-10)
    np.testing.assert_allclose(frame["mean"], R["center"], rtol=1e-12)
    np.testing.assert_allclose(frame["sd"], R["sd"], rtol=1e-12)
    assert found.shares["common"] == pytest.approx(R["eigen"][0] / 6, rel=1e-10)
    # svyprcomp of weighted z-scores, to its own precision; its sign is its own.
    np.testing.assert_allclose(np.abs(frame["loading"]), np.abs(R["svyprcomp"]), rtol=1e-4)


def test_unweighted_is_prcomp():
    plain = mr.Survey(DATA.assign(w=1.0), weights="w").wealth_index(ASSETS, ["rooms"])
    np.testing.assert_allclose(plain.frame["loading"], np.abs(R["prcomp"]), rtol=1e-10)
    assert plain.shares["common"] * 6 == pytest.approx(R["prcomp_sdev"][0] ** 2, rel=1e-10)


def test_score_is_standardised_and_adds_up(found):
    score = found.survey.values("wealth_index_score")
    w = DATA["w"].to_numpy()
    assert np.average(score, weights=w) == pytest.approx(0, abs=1e-12)
    assert np.average(score**2, weights=w) == pytest.approx(1)
    effect = found.frame.set_index("asset")["effect"]
    one = DATA.assign(a1=1 - DATA["a1"])
    ours = (DATA[[*ASSETS, "rooms"]] - found.frame["mean"].to_numpy()) @ effect[[*ASSETS, "rooms"]].to_numpy()
    np.testing.assert_allclose(score, ours, atol=1e-12)
    turned = mr.Survey(one, weights="w").wealth_index(ASSETS, ["rooms"]).frame.set_index("asset")["loading"]
    assert turned["a1"] == pytest.approx(-found.frame.set_index("asset")["loading"]["a1"])


def test_two_rows_are_a_weight_of_two():
    once = DATA.assign(w=2.0)
    twice = pd.concat([DATA, DATA], ignore_index=True).assign(w=1.0)
    a, b = (mr.Survey(frame, weights="w").wealth_index(ASSETS) for frame in (once, twice))
    np.testing.assert_allclose(a.frame["loading"], b.frame["loading"], rtol=1e-12)
    np.testing.assert_array_equal(a.survey.values("wealth_index5"), b.survey.values("wealth_index5")[: len(DATA)])


def test_fifths_hold_a_fifth_of_the_members(survey):
    found = survey.wealth_index(ASSETS, ["rooms"], members="size")
    mass = DATA["w"] * DATA["size"]
    score, fifth = found.survey.values("wealth_index_score"), found.survey.values("wealth_index5")
    shares = np.array([mass[fifth == k].sum() for k in range(1, 6)]) / mass.sum()
    np.testing.assert_allclose(found.note["shares_of_groups"], shares)
    assert abs(shares - 0.2).max() <= found.note["largest_tie"] + 1e-9
    for k in range(1, 5):
        assert score[fifth == k].max() < score[fifth == k + 1].min()
    plain = survey.wealth_index(ASSETS, ["rooms"]).survey.values("wealth_index5")
    assert (plain != fifth).any()


def test_equal_scores_are_never_parted():
    codes, cuts = principal.fractions(np.array([1.0, 1, 1, 2, 3, np.nan]), np.ones(6), 2)
    assert codes.tolist() == [1, 1, 1, 2, 2, 0] and cuts.tolist() == [1.0]


def test_anchoring_by_area(survey):
    found = survey.wealth_index(ASSETS, ["rooms"], area="area")
    assert set(found.frame["part"]) == {"common", "area=1", "area=2"}
    common = survey.wealth_index(ASSETS, ["rooms"]).survey.values("wealth_index_score")
    score, w = found.survey.values("wealth_index_score"), DATA["w"].to_numpy()
    for code in (1, 2):
        here = (DATA["area"] == code).to_numpy()
        own = mr.Survey(DATA[here], weights="w").wealth_index(ASSETS, ["rooms"]).survey.values("wealth_index_score")
        slope, start = np.polyfit(own, common[here], 1, w=np.sqrt(w[here]))
        np.testing.assert_allclose(score[here], start + slope * own, atol=1e-9)
        assert found.note["anchoring"][f"area={code}"]["slope"] == pytest.approx(slope)
        # Regression keeps the mean of the common score within each area.
        assert np.average(score[here], weights=w[here]) == pytest.approx(np.average(common[here], weights=w[here]))
    alone = mr.Survey(DATA.assign(one=1), weights="w").wealth_index(ASSETS, ["rooms"], area="one")
    np.testing.assert_allclose(alone.survey.values("wealth_index_score"), common, atol=1e-10)


def test_answers_of_several_kinds_and_gaps(survey):
    frame = DATA.assign(floor=np.digitize(DATA["rooms"], [2, 4])).astype(float)
    frame.loc[:39, "a1"] = np.nan
    frame.loc[0, [*ASSETS, "floor"]] = np.nan
    held = mr.Survey(frame, weights="w")
    mean, none, left = (held.wealth_index([*ASSETS, "floor"], missing=how) for how in ("mean", "none", "left_out"))
    assert (mean.frame["asset"] == "floor").sum() == 3
    assert mean.note["rows_without_score"] == 1 and left.note["rows_without_score"] == 40
    gaps = frame["w"][1:40].sum() / frame["w"][1:].sum()
    assert mean.frame.set_index("asset").loc["a1", "missing"] == pytest.approx(gaps)
    a1 = none.survey.values("a1_is_1")
    assert a1[:40].max() == 0 and none.survey.values("wealth_index_score")[5] < mean.survey.values("wealth_index_score")[5]


def test_coherence_is_the_survey_s_own_share(found):
    direct = found.survey.proportion(["a1_is_1"], by="wealth_index5").frame
    ours = found.coherence.frame.query("variable == 'a1_is_1'")
    np.testing.assert_allclose(ours["estimate"], direct["estimate"])
    np.testing.assert_allclose(ours["std_error"], direct["std_error"])
    assert (np.diff(ours["estimate"]) > 0).all()


def test_an_asset_of_the_poor_is_named(survey):
    frame = DATA.assign(firewood=1 - DATA["a2"], sign=np.where(np.arange(len(DATA)) % 17 == 0, 1 - DATA["a3"], DATA["a3"]))
    told = mr.Survey(frame, weights="w").wealth_index([*ASSETS, "firewood"])
    assert "firewood" in " ".join(told.reading("en")) and "firewood" in " ".join(told.reading("ar"))
    assert told.frame.set_index("asset").loc["firewood", "loading"] < 0


def test_on_the_demonstration_survey():
    demo = mr.load("data/surveys/masar_demo.yml", wave=2026)
    found = demo.wealth_index(DEMO, area="urban", name="made")
    plain = demo.wealth_index(DEMO)
    card, ours = demo.values("wealth_score"), plain.survey.values("wealth_index_score")
    both = np.isfinite(card) & np.isfinite(ours)
    assert np.corrcoef(card[both], ours[both])[0, 1] > 0.9999
    for lang in ("en", "ar"):
        assert found.plot(lang).png[:4] == b"\x89PNG"
    assert "الخُمس الأفقر" in str(found.table("ar")) and "*" in str(found.table("en"))
    assert found.survey.codebook["made5"].categories[4].label["ar"] == "الخُمس الأغنى"


REAL = os.environ.get("MASAR_REAL_DATA")


@pytest.mark.skipif(REAL is None or not (Path(REAL) / "dhs_model" / "ZZMR61FL.DTA").exists(), reason="needs the DHS model file of men")
def test_fifths_of_the_dhs_factor_score():
    file = mr.read(Path(REAL) / "dhs_model" / "ZZMR61FL.DTA").frame
    score, fifth = file["mv191"].to_numpy(float), file["mv190"].to_numpy(float)
    codes, _ = principal.fractions(score, (file["mv005"] * file["mv136"]).to_numpy(float), 5)
    # The published fifths are those of all households, which the file of men does not hold; men's differ
    # by one step at most.
    assert np.mean(codes == fifth) > 0.65 and np.abs(codes - fifth).max() <= 1
    assert np.corrcoef(codes, fifth)[0, 1] > 0.94
    # Cut where the published ones lie, they are the same.
    cuts = [score[fifth == k].max() for k in range(1, 5)]
    np.testing.assert_array_equal(1 + np.searchsorted(cuts, score, side="left"), fifth)


@pytest.mark.skipif(REAL is None or not (Path(REAL) / "recs2015" / "recs.csv").exists(), reason="needs RECS 2015")
def test_an_index_of_american_homes_under_brr():
    file = pd.read_csv(Path(REAL) / "recs2015" / "recs.csv")
    file = file.assign(ac=file["ACUsed"].astype(float), urban=np.where(file["Urbanicity"] == "Rural", 2, 1))
    survey = mr.Survey(file, weights="NWEIGHT", replicates=mr.replicates.BRR("BRRWT*", fay=0.5, mse=True))
    found = survey.wealth_index(["ac"], ["TOTSQFT_EN", "DOLLAREL"], area="urban", groups=4)
    w = file["NWEIGHT"].to_numpy()
    X = file[["ac", "TOTSQFT_EN", "DOLLAREL"]].to_numpy(float)
    correlation = np.cov(X.T, aweights=w, bias=True)
    spread = np.sqrt(np.diag(correlation))
    values, vectors = np.linalg.eigh(correlation / np.outer(spread, spread))
    common = found.frame[found.frame["part"] == "common"]
    np.testing.assert_allclose(np.abs(common["loading"]), np.abs(vectors[:, -1]), rtol=1e-9)
    assert found.shares["common"] == pytest.approx(values[-1] / 3)
    assert (found.coherence.frame["std_error"] > 0).all() and np.ptp(found.note["shares_of_groups"]) < 0.01


@pytest.mark.parametrize(("arguments", "words"), [
    (dict(assets="a1"), "list of two assets"),
    (dict(assets=["a1", "a1"]), "each named once"),
    (dict(assets=["a1", "a2"], missing="zero"), "missing answers"),
    (dict(assets=["a1", "a2"], groups=1), "number of groups"),
    (dict(assets=["a1", "a2"]), "can be told apart"),
    (dict(assets=["rooms", "size"]), "two answers"),
    (dict(assets=["a1", "odd"]), "means owned"),
    (dict(assets=[*ASSETS], members="none"), "positive number"),
    (dict(assets=[*ASSETS], name="taken"), "already has"),
    (dict(assets=["a1", "same"]), "two indicators"),
])  # fmt: skip
def test_bad_input_says_what_to_do_in_both_languages(arguments, words):
    frame = DATA.assign(odd=np.where(DATA["a1"] == 1, 7, 9), none=0, taken_score=0.0, same=1)
    with pytest.raises(EstimationError, match=words) as raised:
        mr.Survey(frame, weights="w").wealth_index(**arguments)
    assert raised.value.remedy and any("\u0600" < letter < "\u06ff" for letter in raised.value.ar)


def test_polychoric_component_and_scores_are_those_of_r():
    here = Path(__file__).parent / "oracles"
    theirs = json.loads((here / "wealth_polychoric.json").read_text(encoding="utf-8"))
    data = pd.read_csv(here / "wealth_polychoric.csv")
    found = mr.Survey(data, weights="w").wealth_index(["car", "pc", "floor"], ["rooms"], correlations="polychoric")
    assert found.frame["loading"].to_numpy() == pytest.approx(theirs["loading"], abs=1e-6)
    assert found.shares["common"] == pytest.approx(theirs["values"][0] / 4, abs=1e-6)
    assert found.survey.values("wealth_index_score") == pytest.approx(theirs["score"], abs=1e-6)
    turned = mr.Survey(data.assign(floor=5 - data["floor"]), weights="w")
    again = turned.wealth_index(["car", "pc", "floor"], ["rooms"], correlations="polychoric")
    assert again.survey.values("wealth_index_score") == pytest.approx(found.survey.values("wealth_index_score"), abs=1e-7)
    assert "polychoric" in found.note["method"]
    gaps = data.assign(rooms=np.where(np.arange(len(data)) % 7 == 0, np.nan, data["rooms"]))
    holes = mr.Survey(gaps, weights="w").wealth_index(["car", "pc", "floor"], ["rooms"], correlations="polychoric")
    assert np.isfinite(holes.survey.values("wealth_index_score")).all()


@pytest.mark.parametrize("more", [
    {"correlations": "spearman"}, {"numeric": ["size"], "correlations": "polychoric"},
    {"assets": ["car", "same"], "correlations": "polychoric"},
])  # fmt: skip
def test_what_polychoric_correlations_cannot_hold_is_refused(more):
    data = pd.read_csv(Path(__file__).parent / "oracles" / "wealth_polychoric.csv")
    base = mr.Survey(data.assign(size=np.arange(len(data)), same=data["car"]), weights="w")
    with pytest.raises(EstimationError) as caught:
        base.wealth_index(**({"assets": ["car", "pc"]} | more))
    assert caught.value.ar and caught.value.remedy
