"""Cards of files nobody in this project made: their published figures and their own counts come out through the card.

The files are found through MASAR_REAL_DATA; without it these tests skip. `test_cards_real_lookalikes.py` proves the same
traps on files made here.
"""

import os
from pathlib import Path

import numpy as np
import pytest

from masar_research.errors import CardError
from masar_research.loading import harmonisation_report, load, raw_rows, read, read_card, source_of
from masar_research.loading.load import read_wave

REAL = Path(os.environ["MASAR_REAL_DATA"]) if os.environ.get("MASAR_REAL_DATA") else None
FILES = {
    "anes_2020": "anes2020/anes_2020_stata_example.dta",
    "dhs_model_men": "dhs_model/ZZMR61FL.DTA",
    "tal_afar_water_2021": "kobo_iraq/cleaningtools_raw_data.csv",
    "arab_barometer_3_jordan": "arab_barometer_3/ABIII_English.sav",
}


def real(name):
    path = REAL / name if REAL else None
    if path is None or not path.exists():
        pytest.skip(f"{name} needs MASAR_REAL_DATA")
    return path


@pytest.fixture(scope="module")
def loaded():
    held = {}

    def get(study):
        real(FILES[study])
        if study not in held:
            held[study] = load(study)
        return held[study]

    return get


def share(estimates, category):
    frame = estimates.frame
    return float(frame.loc[frame["category"] == category, "estimate"].iloc[0])


@pytest.mark.parametrize("study", FILES)
def test_every_row_is_accounted_for_and_nothing_is_wrong(study):
    real(FILES[study])
    report = harmonisation_report(study)
    assert report.raise_errors() is report
    for (_, wave), part in report.codes.groupby(["variable", "wave"]):
        assert part["n"].sum() == report.rows[wave]
    assert not [r for r in report.remarks if r.kind == "kept"], "a refusal or don't-know counted as an answer"
    lacking = report.frame[report.frame["status"] == "lacks"]
    assert (lacking["reason_en"] != "").all() and (lacking["reason_ar"] != "").all()


@pytest.mark.parametrize("study", FILES)
def test_cards_of_real_files_say_what_they_must_in_both_languages(study):
    card = read_card(Path(__file__).parents[2] / "data" / "surveys" / f"{study}.yml")
    for words in (card.title, card.population.text, card.design.note or card.title, *(words for _, words in card.disclosure)):
        assert words is None or (words["en"] and any("\u0600" <= letter <= "\u06ff" for letter in words["ar"]))
    for variable in card.variables.values():
        for words in (variable.label, variable.question or variable.label):
            assert any("\u0600" <= letter <= "\u06ff" or letter.isdigit() for letter in words["ar"])
            assert not any("\u0660" <= letter <= "\u0669" for letter in words["ar"])


def test_anes_published_figures_come_out_through_the_card(loaded):
    survey = loaded("anes_2020")
    assert survey.values("weight").sum() == pytest.approx(231_592_693, rel=1e-8)
    graduates = survey.where("sex == 2 and degree == 5").count()
    assert graduates.frame["estimate"].iloc[0] == pytest.approx(15_108_636, abs=1)
    assert np.isnan(survey.values("party")).sum() == 25
    assert share(survey.proportion("party"), 1) == pytest.approx(0.219, abs=5e-4)
    assert share(survey.where("voted_2020 == 1").proportion("party"), 7) == pytest.approx(0.224, abs=5e-4)
    both = survey.proportion("voted_both", interval="logit").frame.iloc[0]
    assert both[["estimate", "conf_low", "conf_high"]].tolist() == pytest.approx([0.626, 0.607, 0.645], abs=1.5e-3)
    assert survey.proportion("early_vote").frame["deff"].iloc[0] == pytest.approx(2.27, abs=0.01)
    wald = survey.chi_square("party", "trust_government", statistic="wald")
    assert (wald.statistic, wald.df_num, wald.df_den) == pytest.approx((15.134, 24, 51), abs=5e-4)
    test = survey.where("voted_2020 == 1").chi_square("party", "early_vote")
    assert (test.statistic, test.df_num, test.df_den) == pytest.approx((5.105, 5.1053, 260.3680), rel=1e-3)


def test_the_logit_of_anes_comes_out_through_the_card(loaded):
    table = loaded("anes_2020").where("voted_2020 == 1").logit("early_vote ~ C(party_side)").frame
    assert table["estimate"].tolist() == pytest.approx([-2.67899, -0.51358, -0.29793], abs=5e-6)
    assert table["std_error"].tolist() == pytest.approx([0.09883, 0.16661, 0.31133], abs=5e-6)


@pytest.mark.parametrize("study", FILES)
def test_the_card_names_the_edition_of_its_file(study):
    real(FILES[study])
    card = read_card(Path(__file__).parents[2] / "data" / "surveys" / f"{study}.yml")
    ((wave, facts),) = card.waves.items()
    assert facts.checksum == read_wave(card, wave, cache=False).checksum


def test_another_edition_of_a_file_is_refused_with_both_checksums():
    real(FILES["dhs_model_men"])
    card = read_card(Path(__file__).parents[2] / "data" / "surveys" / "dhs_model_men.yml")
    other = card.waves[2015].model_copy(update={"checksum": "sha256-content:" + "0" * 64})
    with pytest.raises(CardError, match="not the one declared") as caught:
        read_wave(card.model_copy(update={"waves": {2015: other}}), 2015)
    assert card.waves[2015].checksum in str(caught.value) and "another edition" in str(caught.value)


def test_anes_negative_codes_are_missing_of_their_kind(loaded):
    survey = loaded("anes_2020")
    assert survey.codebook.missing_kinds("education") == {-9: "refused", -8: "dont_know", 95: "missing"}
    assert np.nanmin(survey.values("age")) == 18 and (survey.frame["age"] == -9).sum() == 294
    # -1 inapplicable in the two half samples: nobody is asked twice, and nobody of them is lost
    assert np.isfinite(survey.values("voted_2016")).sum() == 7453 - 21
    trust = source_of(survey, "trust_government")
    assert {(r, c) for r, c in zip(trust.table["raw"], trust.table["code"]) if c > 0} == {
        ("1", 5.0), ("2", 4.0), ("3", 3.0), ("4", 2.0), ("5", 1.0)
    }  # fmt: skip
    assert trust.of(5.0)["n"].tolist() == [80] and trust.of(1.0)["n"].tolist() == [702]


def test_dhs_men_in_the_frame(loaded):
    survey = loaded("dhs_model_men")
    facts = survey.design.describe()
    assert (facts["rows"], facts["strata"], facts["psus"]) == (3621, 27, 217)
    assert survey.values("design_weight").sum() == pytest.approx(3621, abs=0.01)
    counts = {name: survey.frame[name].value_counts().to_dict() for name in ("marital", "urban", "wealth5", "isco1")}
    assert counts["marital"] == {1: 1425, 2: 1954 + 122, 3: 38 + 67, 4: 15}
    assert counts["urban"] == {1: 1525, 2: 2096} and counts["wealth5"] == {1: 741, 2: 688, 3: 711, 4: 777, 5: 704}
    assert counts["isco1"][1] == 2 + 7 + 3 and counts["isco1"][8] == 25 + 4 + 149
    # 0 is "not working" in the file and the armed forces in the classification: the two never meet
    assert counts["isco1"][0] == 20 and counts["isco1"][-9991] == 726
    assert survey.codebook.category("isco1", -9991, "en") == "Not working"
    education = survey.frame["education"].value_counts().to_dict()
    assert education[3] == 354 and education[5] == 221 and education[1] + education[2] == 3614 - 354 - 221
    # 8 is don't know here, an answer elsewhere
    assert survey.codebook.missing_kinds("beat_out")[8] == "dont_know" and (survey.frame["schooling"] == 8).sum() == 259


def test_the_kobo_export_through_its_form_and_card(loaded):
    survey = loaded("tal_afar_water_2021")
    frame = survey.frame
    assert len(frame) == 632 and frame["interview_date"].min().isoformat()[:10] == "2021-07-04"
    assert frame["head_sex"].value_counts().to_dict() == {1: 594, 2: 38}
    assert frame["dwelling"].value_counts().to_dict() == {1: 464, 2: 94, 3: 33, -9991: 26, 4: 14, 5: 1}
    assert frame["property_title"].value_counts().to_dict() == {1: 405, 0: 59, -9991: 632 - 464}
    assert frame["drinking_water"].value_counts().to_dict() == {1: 558, 4: 60, 2: 8, 5: 6}
    # 3e+05 is a number, a neighbourhood is not
    assert (frame["expenses"] == 300_000).sum() == 71 and frame["neighbourhood"].dtype.kind != "f"
    rows = raw_rows(survey, "dwelling")
    assert set(rows.loc[rows["dwelling"] == 3, "shelter_occupation"]) == {
        "granted_family", "granted_others", "granted_organisation"
    }  # fmt: skip
    assert not {"deviceid", "X_submitted_by"} & set(survey.codebook)


def test_spss_oddities_are_read_as_they_are():
    for name in ("hebrews.sav", "tegulu.sav", "sample_missing.sav", "missing_char.sav", "sample.por", "sample.zsav"):
        raw = read(real(f"spss_oddities/{name}"))
        assert raw.checksum == read(real(f"spss_oddities/{name}")).checksum and len(raw.frame.columns)
    ranges = read(real("spss_oddities/missing_test.sav")).codebook
    assert any(variable.missing_ranges or ranges.missing_codes(name) for name, variable in ranges.items())
