"""One engine for every indicator: identities with the survey's own verbs, bases, what is lacking."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

import masar_research as mr
from masar_research import indicators
from masar_research.codebook import Category, Codebook, Variable
from masar_research.errors import DataError, EstimationError


def frame(n: int = 1200, seed: int = 11) -> pd.DataFrame:
    """A clustered sample with labour items (unemployed blank outside the labour force) and efficacy."""
    rng = np.random.default_rng(seed)
    psu = np.repeat(np.arange(n // 12), 12)
    effect = rng.normal(0, 0.6, n // 12)[psu]
    active = (rng.normal(0.2, 1, n) + effect > 0).astype(float)
    employed = np.where(active == 1, (rng.uniform(size=n) < 0.8), 0).astype(float)
    return pd.DataFrame({
        "w": rng.uniform(0.5, 3.0, n), "stratum": psu % 6, "psu": psu,
        "sex": rng.integers(1, 3, n).astype(float), "region": rng.integers(1, 4, n).astype(float),
        "age": rng.integers(15, 80, n).astype(float),
        "jordanian": (rng.uniform(size=n) < 0.7).astype(float),
        "in_labour_force": active, "employed": employed,
        "unemployed": np.where(active == 1, 1 - employed, np.nan),
        "eff_say": rng.choice([1, 2, 3, 4, 5, 98, 99], n, p=[0.2, 0.2, 0.2, 0.15, 0.1, 0.1, 0.05]).astype(float),
        "eff_infl": rng.choice([1, 2, 3, 4, 5, 98, 99], n, p=[0.3, 0.2, 0.2, 0.1, 0.1, 0.05, 0.05]).astype(float),
    })  # fmt: skip


@pytest.fixture(scope="module")
def survey() -> mr.Survey:
    return mr.Survey(frame(), weights="w", strata="stratum", psu="psu")


def same(first: mr.Estimates, second: mr.Estimates) -> None:
    for column in ("estimate", "std_error", "df", "n", "n_eff", "conf_low", "conf_high"):
        np.testing.assert_allclose(
            first.frame[column].to_numpy(float), second.frame[column].to_numpy(float), rtol=1e-12
        )


def test_a_proportion_is_the_surveys_own_proportion_in_the_universe(survey: mr.Survey) -> None:
    found = indicators.compute(survey, "WE02", by=["sex"], base="jordanians")
    by_hand = survey.where("age >= 15 and in_labour_force == 1 and jordanian == 1").proportion(
        "unemployed", by="sex"
    )
    same(found, by_hand)
    assert found.kind == "proportion" and found.by == ("sex",)
    assert found.note["indicator"] == "WE02" and found.note["nationality_base"] == "jordanians"


def test_employment_is_participation_times_what_is_not_unemployment(survey: mr.Survey) -> None:
    value = {i: indicators.compute(survey, i).frame["estimate"].iloc[0] for i in ("WE01", "WE01b", "WE02")}
    assert value["WE01b"] == pytest.approx(value["WE01"] * (1 - value["WE02"]), rel=1e-12)


def test_the_universe_leaves_children_out(survey: mr.Survey) -> None:
    young = frame()
    young.loc[::5, "age"] = 12
    found = indicators.compute(mr.Survey(young, weights="w", strata="stratum", psu="psu"), "WE01")
    assert found.frame["n"].iloc[0] == (young["age"] >= 15).sum()


def test_bases_narrow_the_universe_and_unknown_ones_are_refused(survey: mr.Survey) -> None:
    everybody = indicators.compute(survey, "WE01")
    residents = indicators.compute(survey, "WE01", base="all_residents")
    nationals = indicators.compute(survey, "WE01", base="jordanians")
    same(everybody, residents)
    assert nationals.frame["n"].iloc[0] < residents.frame["n"].iloc[0]
    with pytest.raises(DataError, match="jordanians, all_residents"):
        indicators.compute(survey, "WE01", base="syrians")


def test_a_subpopulation_stays_one(survey: mr.Survey) -> None:
    women = indicators.compute(survey.where("sex == 2"), "WE01").frame.iloc[0]
    both = indicators.compute(survey, "WE01", by="sex").frame.set_index("sex").loc[2]
    assert women["estimate"] == pytest.approx(both["estimate"], rel=1e-12)
    assert women["std_error"] == pytest.approx(both["std_error"], rel=1e-12)


def test_sdg_16_7_2_worked_example() -> None:
    """70 and 54 of a hundred: 62 % (SDG 16.7.2 metadata)."""
    first = [3] * 26 + [4] * 34 + [5] * 10 + [1] * 20 + [2] * 10
    second = [3] * 26 + [4] * 14 + [5] * 14 + [1] * 40 + [2] * 6
    data = pd.DataFrame({"w": 1.0, "age": 30.0, "eff_say": first, "eff_infl": second}).astype(float)
    found = indicators.compute(mr.Survey(data, weights="w"), "GO04")
    assert found.frame["estimate"].iloc[0] == pytest.approx(0.62, abs=1e-12)
    assert found.kind == "mean_of_shares"


def test_with_everybody_answering_the_mean_of_shares_is_the_mean_of_the_two_answers() -> None:
    data = frame().query("eff_say < 90 and eff_infl < 90").reset_index(drop=True)
    data["both"] = (data["eff_say"].isin([3, 4, 5]).astype(float) + data["eff_infl"].isin([3, 4, 5])) / 2
    survey = mr.Survey(data, weights="w", strata="stratum", psu="psu")
    found = indicators.compute(survey, "GO04", by="region")
    mean = survey.where("age >= 18").mean("both", by="region")
    for column in ("estimate", "std_error", "conf_low", "conf_high", "df", "n"):
        np.testing.assert_allclose(found.frame[column], mean.frame[column], rtol=1e-12)
    np.testing.assert_allclose(found.vcov, mean.vcov, atol=1e-15)


def test_each_item_has_its_own_denominator_and_the_error_includes_their_covariance(
    survey: mr.Survey,
) -> None:
    data = survey.frame
    a = np.where(data["eff_say"] < 90, data["eff_say"].isin([3, 4, 5]), np.nan).astype(float)
    b = np.where(data["eff_infl"] < 90, data["eff_infl"].isin([3, 4, 5]), np.nan).astype(float)
    adult = (data["age"] >= 18).to_numpy()
    w = data["w"].to_numpy()
    found = indicators.compute(survey, "GO04")
    influence, shares = np.zeros(len(data)), []
    for y in (a, b):
        use = adult & np.isfinite(y)
        share = np.average(y[use], weights=w[use])
        shares.append(share)
        influence[use] += w[use] * (y[use] - share) / w[use].sum() / 2
    totals = pd.DataFrame({"t": influence, "h": data["stratum"], "p": data["psu"]}).groupby(["h", "p"])["t"].sum()
    variance = sum(len(t) / (len(t) - 1) * ((t - t.mean()) ** 2).sum() for _, t in totals.groupby("h"))
    row = found.frame.iloc[0]
    assert row["estimate"] == pytest.approx(np.mean(shares), rel=1e-12)
    assert row["std_error"] == pytest.approx(np.sqrt(variance), rel=1e-10)
    assert row["n"] == min((adult & np.isfinite(a)).sum(), (adult & np.isfinite(b)).sum())


def test_an_empty_cell_does_not_spoil_the_others(survey: mr.Survey) -> None:
    data = survey.frame
    data = data.assign(eff_say=np.where(data["region"] == 3, 98.0, data["eff_say"]))
    broken = mr.Survey(data, weights="w", strata="stratum", psu="psu")
    found = indicators.compute(broken, "GO04", by="region").frame.set_index("region")
    whole = indicators.compute(survey, "GO04", by="region").frame.set_index("region")
    assert np.isnan(found.loc[3, "estimate"]) and np.isnan(found.loc[3, "std_error"])
    for region in (1, 2):
        assert found.loc[region, "std_error"] == pytest.approx(whole.loc[region, "std_error"], rel=1e-12)


def made(survey: mr.Survey, **fields: object) -> indicators.Indicator:
    record = indicators.registry().ready("WE01").model_dump(exclude={"variable"}, exclude_unset=True)
    return indicators.Indicator.model_validate({**record, "bases": {}, **fields})


def test_a_share_of_chosen_codes_a_mean_and_a_ratio(survey: mr.Survey) -> None:
    share = made(survey, variable="region", positive=[1, 3])
    found = indicators.compute(survey, share, by="sex")
    data = survey.with_columns({"chosen": survey.frame["region"].isin([1, 3]).astype(float)},
                               Variable("chosen", {"en": "Chosen", "ar": "مختار"}))  # fmt: skip
    same(found, data.where("age >= 15").proportion("chosen", by="sex"))
    assert set(found.frame["variable"]) == {"region"}
    mean = indicators.compute(survey, made(survey, kind="mean", unit="mean", variable="age"))
    same(mean, survey.where("age >= 15").mean("age"))
    ratio = made(survey, kind="ratio", unit="ratio", numerator="employed", denominator="in_labour_force")
    same(indicators.compute(survey, ratio), survey.where("age >= 15").ratio("employed", "in_labour_force"))


def test_a_zero_one_variable_with_missing_codes_gives_one_row() -> None:
    data = frame()
    data.loc[::50, "employed"] = 9
    book = Codebook([
        Variable("employed", {"en": "Employed", "ar": "مشتغل"}, level="nominal", categories=(
            Category(0, {"en": "No", "ar": "لا"}), Category(1, {"en": "Yes", "ar": "نعم"}),
            Category(9, {"en": "Refused", "ar": "رفض"}, missing="refused"))),
    ])  # fmt: skip
    found = indicators.compute(mr.Survey(data, weights="w", codebook=book), "WE01b")
    assert len(found.frame) == 1 and found.frame["n"].iloc[0] == (data["employed"] != 9).sum()


def test_level_changes_the_interval_only(survey: mr.Survey) -> None:
    for name in ("WE01", "GO04"):
        wide = indicators.compute(survey, name, level=0.99).frame.iloc[0]
        usual = indicators.compute(survey, name).frame.iloc[0]
        assert wide["conf_low"] < usual["conf_low"] and wide["estimate"] == usual["estimate"]


def test_what_a_survey_lacks_is_said_with_the_reason(survey: mr.Survey) -> None:
    ids, lacking = indicators.available(survey)
    assert ids == ("WE01", "WE01b", "WE02", "YO02", "GO04") and lacking == ()
    data = survey.frame.drop(columns="eff_infl").assign(unemployed=np.nan)
    poorer = mr.Survey(data, weights="w", strata="stratum", psu="psu")
    poorer.card = SimpleNamespace(lacks=(
        SimpleNamespace(indicator="WE05", reason={"en": "No wages.", "ar": "لا تتوفر الأجور."}),
        SimpleNamespace(indicator=None, reason={"en": "x", "ar": "x"}),
        SimpleNamespace(indicator="WE01b", reason={"en": "One question only.", "ar": "سؤال واحد فقط."}),
    ))  # fmt: skip
    ids, lacking = indicators.available(poorer)
    assert ids == ("WE01",)
    reasons = {lack.indicator: lack.reason for lack in lacking}
    assert set(reasons) == {"WE01b", "WE02", "YO02", "GO04", "WE05"}
    poorer.card = SimpleNamespace(lacks=(
        SimpleNamespace(indicator="WE01", reason={"en": "Self-declared.", "ar": "بحسب التصريح."}),))  # fmt: skip
    without = {lack.indicator: lack.reason["en"] for lack in indicators.available(poorer)[1]}
    assert without["WE01"] == without["WE01b"] == "Self-declared."
    assert reasons["WE05"]["ar"] == "لا تتوفر الأجور." and reasons["WE01b"]["en"] == "One question only."
    assert "eff_infl" in reasons["GO04"]["en"] and "eff_infl" in reasons["GO04"]["ar"]
    old = mr.Survey(survey.frame.assign(age=70.0), weights="w", strata="stratum", psu="psu")
    assert "YO02" in {lack.indicator for lack in indicators.available(old)[1]}


def test_errors_name_what_is_missing(survey: mr.Survey) -> None:
    with pytest.raises(DataError, match="eff_say"):
        indicators.compute(mr.Survey(survey.frame.drop(columns="eff_say"), weights="w"), "GO04")
    with pytest.raises(DataError, match="no engine fields"):
        indicators.compute(survey, "WE05")
    with pytest.raises(DataError, match="Did you mean"):
        indicators.compute(survey, "WE1")
    with pytest.raises(EstimationError, match="Nobody"):
        indicators.compute(mr.Survey(survey.frame.assign(age=3.0), weights="w"), "WE01")
