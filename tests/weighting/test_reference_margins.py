"""Published margins: their figures, whom they count, and their refusal by a survey of others."""

import csv
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

import masar_research as mr
from masar_research.codebook import Text
from masar_research.errors import WeightingError
from masar_research.loading.card_weighting import Margin
from masar_research.weighting import reference
from masar_research.weighting.targets import margin
from masar_research.weighting.universe import About, Universe

HOME = Path(__file__).parents[2]
COLLECTIVE = Text(en="collective housing", ar="المساكن الجماعية")


def survey(nationality="all_residents", age_min=0, age_max=None, excluded=(), card=True):
    rng = np.random.default_rng(4)
    n = 400
    frame = pd.DataFrame({
        "w": rng.uniform(1, 3, n), "sex": rng.integers(1, 3, n).astype(float),
        "nationality": np.r_[1:6, rng.integers(1, 6, n - 5)].astype(float),
        "governorate": rng.choice([11, 12, 13, 14, 21, 22, 23, 24, 31, 32, 33, 34], n).astype(float),
    })  # fmt: skip
    population = SimpleNamespace(nationality=nationality, age_min=age_min, age_max=age_max, excluded=tuple(excluded))
    made = mr.Survey(frame, weights="w")
    made.card = SimpleNamespace(population=population, path=HOME / "data" / "surveys" / "x.yml") if card else None
    return made


def facts():
    with (HOME / "data" / "reference" / "facts.csv").open(encoding="utf-8", newline="") as handle:
        return {row["fact_id"]: row for row in csv.DictReader(handle)}


def test_every_margin_rests_on_facts_that_were_found_in_a_source():
    table, rows = reference.published(), facts()
    assert len(table) >= 4 and table["source"].str.len().min() > 10
    for key in table["key"]:
        spec = reference.by_key(key)
        assert spec.about.facts and all(rows[fact]["status"] == "found" for fact in spec.about.facts)
        assert all(rows[fact]["source_url"] for fact in spec.about.facts)
        if "nationality" not in spec.name and "jordanian" not in spec.name:
            assert {rows[fact]["nationality_base"] for fact in spec.about.facts} == {spec.about.universe.nationality}
        assert set(spec.about.date) == set(spec.about.coverage) == {"en", "ar"}
        assert min(value for _, value in spec.targets) > 0


def test_the_figures_are_those_published():
    nationality = dict(mr.margins("nationality", population="all_residents", year=2015).targets)
    assert nationality[(1,)] == 6_613_587 and sum(nationality.values()) == 9_531_712
    assert nationality[(2,)] == pytest.approx(1_260_000, rel=0.005)  # published rounded
    governorate = mr.margins("governorate", population="all_residents", year=2024)
    assert dict(governorate.targets)[(11,)] == 4_920_100 and len(governorate.targets) == 12
    # The published cells fall short of the total published beside them; the note says so.
    short = float(facts()["F069"]["value"]) - governorate.sum
    assert short == 133_675 and f"{short:,.0f}" in governorate.about.note["en"] and f"{short:,.0f}" in governorate.about.note["ar"]
    assert dict(mr.margins("sex").targets) == pytest.approx({(1,): 0.529, (2,): 0.471})


def test_what_is_not_published_is_said_with_its_reason():
    table = reference.unpublished()
    assert {"governorate", "sex × age", "urban"} <= set(table["variables"])
    assert (table["reason_en"].str.len() > 20).all() and (table["reason_ar"].str.len() > 15).all()
    with pytest.raises(WeightingError) as caught:
        mr.margins(("sex", "age"))
    assert "only the broad ages of women" in caught.value.what and "single variables" in caught.value.remedy
    assert "الجنس حسب العمر" in caught.value.ar
    with pytest.raises(WeightingError, match="rounded ones"):
        mr.margins("governorate", year=2015)
    with pytest.raises(WeightingError, match="no reference margin"):
        reference.by_key("governorate_residents_1900")


def test_unverified_figures_and_totals_that_do_not_add_up_are_refused(monkeypatch):
    held = reference._held()
    entry = dict(held["margins"]["jordanian_residents_2015"])
    planted = {"margins": {
        "recalled": entry | {"targets": {1: "F086", 0: "F028"}},
        "short": entry | {"targets": {1: "F028", 0: "F033"}},
    }, "unpublished": []}  # fmt: skip
    monkeypatch.setattr(reference, "_held", lambda: planted)
    with pytest.raises(WeightingError, match="published facts only"):
        reference.by_key("recalled")
    with pytest.raises(WeightingError, match="sum to 7,873,587"):
        reference.by_key("short")


@pytest.mark.parametrize(("ours", "names", "arabic"), [
    ({"age_min": 15}, ["all residents, all ages", "all residents, 15 and over", "age range", "Not published"], "الفئة العمرية"),
    ({"nationality": "jordanians"}, ["all residents, all ages", "Jordanians, all ages", "nationality"], "الجنسية"),
    ({"nationality": "jordanians", "age_min": 18, "age_max": 29}, ["Jordanians, 18–29", "nationality and age range"], "والفئة العمرية"),
    ({"nationality": "not_documented"}, ["not documented", "nationality"], "غير موثّقة"),
])  # fmt: skip
def test_a_margin_of_others_is_refused(ours, names, arabic):
    for verb, margins in (("rake", mr.margins("governorate")), ("calibrate", {"governorate": mr.margins("governorate")})):
        with pytest.raises(WeightingError) as caught:
            getattr(survey(**ours).weighting, verb)(margins).apply()
        assert all(name in caught.value.what for name in names)
        assert "select:" in caught.value.remedy and arabic in caught.value.ar


def test_other_coverage_is_refused_until_it_is_accepted_with_a_reason():
    spec = mr.margins("governorate")
    households = survey(excluded=[COLLECTIVE])
    with pytest.raises(WeightingError) as caught:
        households.weighting.rake(spec).apply()
    assert "left out of the survey: collective housing" in caught.value.what
    assert "accepting" in caught.value.remedy and "المساكن الجماعية" in caught.value.ar
    accepted = spec.accepting(en="under one percent of persons", ar="أقل من واحد في المئة من الأشخاص")
    done = households.weighting.rake(accepted).apply()
    assert done.design.weights.sum() == pytest.approx(spec.sum)
    # Ages and nationality cannot be accepted away.
    with pytest.raises(WeightingError, match="age range"):
        survey(age_min=15, excluded=[COLLECTIVE]).weighting.rake(accepted).apply()
    # And the other way round: the margin leaves out whom the survey covers.
    narrow = margin(["sex"], {1: 0.5, 2: 0.5}, about=About(Universe("all_residents", excluded=(COLLECTIVE,))))
    with pytest.raises(WeightingError, match="In the survey, left out of the margin: collective housing"):
        survey().weighting.rake(narrow, total="current").apply()
    survey(excluded=[COLLECTIVE]).weighting.rake(narrow, total="current").apply()
    with pytest.raises(WeightingError, match="nothing to accept"):
        margin(["sex"], {1: 0.5, 2: 0.5}).accepting(en="x", ar="س")


def test_a_survey_that_does_not_say_whom_it_covers_is_refused():
    with pytest.raises(WeightingError) as caught:
        survey(card=False).weighting.rake(mr.margins("governorate")).apply()
    assert "does not say whom it covers" in caught.value.what and "card" in caught.value.remedy
    plain = survey(card=False).weighting.rake({"sex": {1: 3, 2: 4}}).apply()
    assert plain.design.weights.sum() == pytest.approx(7)


def test_margins_that_fit_weight_the_survey():
    census, sex = mr.margins("nationality"), mr.margins("sex")
    done = survey().weighting.rake([census.as_shares(), sex], total="current").apply()
    got = done.proportion("nationality").frame["estimate"].to_numpy()
    np.testing.assert_allclose(got, [value / census.sum for _, value in census.targets], rtol=1e-8)
    np.testing.assert_allclose(done.proportion("sex").frame["estimate"], [0.529, 0.471], rtol=1e-8)
    assert any("F028" in source for source in done.history[-1].facts["sources"])
    with pytest.raises(WeightingError, match="was given for nationality"):
        survey().weighting.rake({"nationality": sex})


def test_a_card_names_a_reference_margin():
    card = survey().card
    given = Margin(variables=("governorate",), reference="governorate_residents_2024", shares=True)
    assert reference.card_margin(given, card).sum == pytest.approx(1.0)
    with pytest.raises(WeightingError, match="a margin of governorate"):
        reference.card_margin(Margin(variables=("urban",), reference="governorate_residents_2024"), card)
    both = {"en": "small", "ar": "صغير"}
    accepted = Margin(variables=("sex",), reference="sex_residents_2025", accept=both)
    assert reference.card_margin(accepted, card).about.accepted["ar"] == "صغير"
    own = Margin(
        variables=("sex",), targets={1: 5.0, 2: 6.0},
        population={"en": "adults", "ar": "البالغون", "nationality": "jordanians", "age_min": 18},
    )  # fmt: skip
    spec = reference.card_margin(own, card)
    with pytest.raises(WeightingError, match="Jordanians, 18 and over; the survey covers all residents, all ages"):
        survey().weighting.rake(spec).apply()
    for wrong in ({}, {"reference": "x", "targets": {1: 1.0}}, {"reference": "x", "source": both}, {"targets": {1: 1.0}, "accept": both}):
        with pytest.raises(ValueError):
            Margin(variables=("sex",), **wrong)


def test_the_demonstration_survey_refuses_all_ages_and_keeps_its_own_margins():
    demo = mr.load(HOME / "data" / "surveys" / "masar_demo.yml", wave=2026)
    with pytest.raises(WeightingError, match="persons 15 and over by governorate"):
        demo.weighting.rake(mr.margins("governorate")).apply()
    assert demo.count().frame["estimate"].iloc[0] > 1e6
