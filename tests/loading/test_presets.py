"""Presets: the design of each programme found in a file shaped like it, and in the real files."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import masar_research as mr
from masar_research import codebook
from masar_research.errors import CardError
from masar_research.loading.presets import ROLES, all_presets

HERE = Path(__file__).parent
REAL = os.environ.get("MASAR_REAL_DATA")
real = pytest.mark.skipif(not REAL, reason="MASAR_REAL_DATA names no folder")

CARD = """\
study: shaped
title: {{en: "Generated", ar: "مولّد"}}
synthetic: true
notice: {{en: "Generated for a test", ar: "مولّد لاختبار"}}
population: {{en: "Adults", ar: "البالغون", nationality: all_residents, age_min: 15}}
design: {design}
waves:
{waves}
variables:
  y: {{from: {y}, level: numeric, label: {{en: "Outcome", ar: "النتيجة"}}}}
{more}
disclosure:
"""
CARD += "".join(
    f'  {item}: {{{{en: "None", ar: "لا شيء"}}}}\n'
    for item in ("strategy", "sponsor", "tools", "population", "sample", "mode", "processing", "limitations")
)


@pytest.fixture
def load(tmp_path):
    """Frames (one per wave) and a design → the survey; a name instead of a frame is a real file."""

    def make(design: str, *files, y: str = "y", more: str = "", wave=None) -> mr.Survey:
        lines = []
        for k, file in enumerate(files):
            name = file
            if isinstance(file, pd.DataFrame):
                name = f"wave_{k}.csv"
                file.to_csv(tmp_path / name, index=False)
            lines.append(f"  {2020 + k}: {{file: {name}, fieldwork: {{start: {2020 + k}-01-01}}}}")
        path = tmp_path / "shaped.yml"
        path.write_text(CARD.format(design=design, waves="\n".join(lines), y=y, more=more), encoding="utf-8")
        return mr.load(path, wave=wave, cache=False)

    return make


def people(seed: int = 1, strata: int = 3, psus: int = 4, rows: int = 5, offset: int = 0) -> pd.DataFrame:
    """Rows with columns h (stratum), p (PSU id unique over strata), w and y."""
    rng = np.random.default_rng(seed)
    psu = np.repeat(np.arange(strata * psus), rows)
    y = rng.normal(0, 2, strata * psus)[psu] + rng.normal(10, 1, len(psu))
    return pd.DataFrame(
        {"h": psu // psus + 1, "p": psu + 1 + offset, "w": np.round(rng.uniform(0.5, 2, len(psu)), 6), "y": y}
    )


def same(survey: mr.Survey, by_hand: mr.Survey) -> None:
    found, expected = survey.mean("y").frame, by_hand.mean("y").frame
    for column in ("estimate", "std_error", "df"):
        np.testing.assert_allclose(found[column], expected[column], rtol=1e-12)


def dhs(frame: pd.DataFrame, prefix: str = "v") -> pd.DataFrame:
    """A recode: weight with six implied decimals, stratum, PSU."""
    return pd.DataFrame(
        {
            f"{prefix}001": frame["p"], f"{prefix}005": np.round(frame["w"] * 1e6).astype(int),
            f"{prefix}021": frame["p"], f"{prefix}022": frame["h"], f"{prefix}023": (frame["h"] > 1) + 1,
            f"{prefix}024": (frame["h"] + 1) // 2, f"{prefix}025": (frame["h"] - 1) % 2 + 1, "y": frame["y"],
        }
    )  # fmt: skip


@pytest.mark.parametrize(("prefix", "variant"), [("v", "women"), ("mv", "men"), ("hv", "households")])
def test_each_recode_of_a_dhs_file_is_recognised_and_its_weight_divided(load, prefix, variant):
    frame = people()
    survey = load("{preset: dhs}", dhs(frame, prefix))
    assert survey.card.design.variant == variant
    assert survey.design.weights.sum() == pytest.approx(frame["w"].sum(), rel=1e-12)
    same(survey, mr.Survey(frame, weights="w", strata="h", psu="p"))
    note = survey.codebook["design_weight"].note
    assert f"{prefix}005 / 1,000,000" in note["en"] and f"{prefix}005" in note["ar"]
    assert "dhs" in survey.mean("y").note["preset"]


def test_a_couples_file_takes_the_weight_of_the_man(load):
    frame = people()
    both = dhs(frame, "mv").assign(v005=999_999, v021=frame["p"], v022=frame["h"])
    survey = load("{preset: dhs}", both)
    assert survey.card.design.variant == "couples"
    same(survey, mr.Survey(frame, weights="w", strata="h", psu="p"))


def test_a_module_weight_is_used_when_the_card_asks_for_it(load):
    frame = people()
    file = dhs(frame).assign(d005=np.round(frame["w"] * 3e6))
    assert load("{preset: dhs}", file).design.weights.sum() == pytest.approx(frame["w"].sum())
    asked = load("{preset: dhs, variant: domestic_violence}", file)
    assert asked.design.weights.sum() == pytest.approx(3 * frame["w"].sum())


@pytest.mark.parametrize(
    ("change", "strata"),
    [
        ({}, "h"),
        ({"v022": np.nan}, "v023"),
        ({"v022": 1}, "v023"),
        ({"v022": np.nan, "v023": 0}, "crossed"),
    ],
    ids=["v022", "v022 blank", "v022 constant", "v023 constant"],
)
def test_strata_that_are_blank_or_constant_give_way_to_the_next_candidate(load, change, strata):
    frame = people()
    file = dhs(frame).assign(**change)
    frame = frame.assign(v023=(frame["h"] > 1) + 1, crossed=file["v024"] * 10 + file["v025"])
    same(load("{preset: dhs}", file), mr.Survey(frame, weights="w", strata=strata, psu="p"))


def test_a_stratum_with_one_psu_is_centred_as_the_programme_does_and_the_card_can_say_otherwise(load):
    frame = people()
    frame.loc[frame["p"] == 1, "h"] = 9
    by_hand = {"weights": "w", "strata": "h", "psu": "p"}
    same(load("{preset: dhs}", dhs(frame)), mr.Survey(frame, **by_hand, lonely_psu="centre"))
    same(load("{preset: dhs, lonely_psu: scale}", dhs(frame)), mr.Survey(frame, **by_hand, lonely_psu="scale"))


def test_mics_reads_stratum_or_region_by_area_and_the_cluster(load):
    frame = people()
    file = pd.DataFrame(
        {"HH1": frame["p"], "wmweight": frame["w"], "HH7": (frame["h"] + 1) // 2, "HH6": (frame["h"] - 1) % 2 + 1,
         "y": frame["y"]}
    )  # fmt: skip
    by_hand = mr.Survey(frame, weights="w", strata="h", psu="p")
    same(load("{preset: mics}", file), by_hand)
    same(load("{preset: mics}", file.assign(stratum=frame["h"], HH7=1, HH6=1)), by_hand)
    assert load("{preset: mics}", file.rename(columns={"wmweight": "mnweight"})).card.design.variant == "men"


def test_a_file_that_fits_two_kinds_asks_which(load):
    frame = people()
    file = pd.DataFrame(
        {"HH1": frame["p"], "wmweight": frame["w"], "mnweight": 1.0, "stratum": frame["h"], "y": frame["y"]}
    )
    with pytest.raises(CardError, match=r"fits several kinds of the preset mics: women, men.*\n.*variant: women"):
        load("{preset: mics}", file)
    same(load("{preset: mics, variant: women}", file), mr.Survey(frame, weights="w", strata="h", psu="p"))


@pytest.mark.parametrize("weight", ["wt", "WT"])
def test_arab_barometer_has_no_psu_and_says_so_in_both_languages(load, weight):
    frame = people()
    file = frame.rename(columns={"w": weight})[[weight, "y"]].assign(country=8)
    survey = load("{preset: arab_barometer}", file)
    same(survey, mr.Survey(frame, weights="w"))
    design = survey.card.design
    assert not design.clustered and "ignore clustering" in design.note["en"] and "العنقدة" in design.note["ar"]
    assert "Nor does it name strata" in design.note["en"]


def test_arab_barometer_countries_are_strata_and_a_psu_is_used_where_released(load):
    frame = people()
    file = pd.DataFrame({"wt": frame["w"], "country": frame["h"], "y": frame["y"]})
    same(load("{preset: arab_barometer}", file), mr.Survey(frame, weights="w", strata="h"))
    released = load("{preset: arab_barometer}", file.assign(PSU=frame["p"]))
    same(released, mr.Survey(frame, weights="w", strata="h", psu="p"))
    assert released.card.design.clustered and released.card.design.note is None


def test_world_values_survey_takes_the_country_weight_or_the_one_asked_for(load):
    frame = people()
    file = pd.DataFrame(
        {"W_WEIGHT": frame["w"], "S018": np.where(frame["h"] == 1, 2.0, 0.5), "pwght": frame["h"] * 1.5,
         "B_COUNTRY": frame["h"], "y": frame["y"]}
    )  # fmt: skip
    frame = frame.assign(equal=frame["w"] * file["S018"], people=frame["w"] * file["pwght"])
    for variant, weights in ((None, "w"), ("equal_countries", "equal"), ("populations", "people")):
        said = "{preset: wvs}" if variant is None else f"{{preset: wvs, variant: {variant}}}"
        same(load(said, file), mr.Survey(frame, weights=weights, strata="h"))
    assert load("{preset: wvs}", file.rename(columns={"W_WEIGHT": "S017"})).card.design.variant == "country_original"


def test_ess_nests_strata_and_units_in_countries(load):
    """Two countries number their strata and units alike; neither may be merged."""
    one, two = people(1), people(2)
    frame = pd.concat([one.assign(c="AT"), two.assign(c="BE")], ignore_index=True)
    file = pd.DataFrame(
        {"cntry": frame["c"], "stratum": frame["h"], "psu": frame["p"], "anweight": frame["w"], "y": frame["y"]}
    )
    nested = frame.assign(h=frame["c"] + frame["h"].astype(str), p=frame["c"] + frame["p"].astype(str))
    by_hand = mr.Survey(nested, weights="w", strata="h", psu="p")
    survey = load("{preset: ess}", file)
    assert (survey.design.n_units, survey.design.n_strata) == (24, 6)
    same(survey, by_hand)
    split = file.rename(columns={"anweight": "pspwght"}).assign(pweight=np.where(frame["c"] == "AT", 0.25, 4.0))
    split["pspwght"] = split["pspwght"] / split["pweight"]
    same(load("{preset: ess}", split), by_hand)


def test_ess_of_an_early_round_without_the_design_file_says_what_is_missing(load):
    frame = people()
    file = pd.DataFrame({"cntry": "AT", "pspwght": frame["w"], "pweight": 1.0, "y": frame["y"]})
    with pytest.raises(CardError, match=r"looks for strata in stratum, stratify; .* none of them"):
        load("{preset: ess}", file)
    weights_only = load("{preset: ess, strata: null, psu: null}", file)
    same(weights_only, mr.Survey(frame, weights="w"))
    assert not weights_only.card.design.clustered


def quarters() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Two quarters in which half of the PSUs of every stratum are the same."""
    first, second = people(1), people(2, offset=2)
    second["h"] = first["h"]
    return first, second


def renamed(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.rename(columns={"h": "stratum", "p": "cluster", "w": "weight"})


def test_quarters_of_a_labour_force_survey_carry_the_covariance_of_shared_psus(load):
    first, second = quarters()
    survey = load("{preset: labour_force}", renamed(first), renamed(second))
    both = pd.concat([first.assign(wave=2020.0), second.assign(wave=2021.0)], ignore_index=True)
    by_hand = mr.Survey(both, weights="w", strata="h", psu="p", wave="wave")
    found, expected = survey.mean("y", by="wave"), by_hand.mean("y", by="wave")
    np.testing.assert_allclose(found.vcov, expected.vcov, rtol=1e-12)
    assert found.vcov[0, 1] != 0
    assert survey.design.describe()["common_psus"] == {"2020–2021": 6}


def test_the_template_of_the_page_for_jordans_quarterly_survey_loads(tmp_path):
    """Blocks are text ids of the frame; half of them are in both quarters."""
    page = (HERE.parents[1] / "docs" / "survey_cards.md").read_text(encoding="utf-8")
    template = next(part for part in page.split("```") if "eus_2026_q1" in part).removeprefix("yaml\n")
    waves, variables = template.replace(".sav", ".csv").split("waves:\n")[1].split("variables:\n")
    design = template.split("\n")[0].removeprefix("design: ")
    both = []
    for quarter, frame in zip((1, 2), quarters(), strict=True):
        ids = "101." + frame["p"].astype(str)
        file = pd.DataFrame({"rweight": frame["w"], "gov": 11, "urban": frame["h"], "block": ids, "y": frame["y"]})
        file.to_csv(tmp_path / f"eus_2026_q{quarter}.csv", index=False)
        both.append(file.assign(wave=quarter))
    card = tmp_path / "eus.yml"
    card.write_text(CARD.format(design=design, waves=waves.rstrip(), y="y", more=variables), encoding="utf-8")
    survey = mr.load(card, cache=False)
    by_hand = mr.Survey(
        pd.concat(both, ignore_index=True), weights="rweight", strata="urban", psu="block", wave="wave",
        lonely_psu="centre",
    )  # fmt: skip
    found, expected = survey.mean("y", by="wave"), by_hand.mean("y", by="wave")
    np.testing.assert_allclose(found.vcov, expected.vcov, rtol=1e-12)
    assert found.vcov[0, 1] != 0
    assert {"101.1", "101.10"} & set(survey.frame["block"]) == {"101.1", "101.10"}
    assert "11 × 1" in set(survey.frame["stratum"])
    assert list(survey.design.describe()["common_psus"]) == ["2026q1–2026q2"]


def test_rounds_of_other_programmes_are_independent_samples_though_they_number_units_alike(load):
    first, second = quarters()
    survey = load("{preset: dhs}", dhs(first), dhs(second))
    estimates = survey.mean("y", by="wave")
    assert estimates.vcov[0, 1] == 0
    assert survey.design.describe()["common_psus"] == {"2020–2021": 0}
    kept = load("{preset: dhs, shared_psus: true}", dhs(first), dhs(second))
    assert kept.mean("y", by="wave").vcov[0, 1] != 0


def test_a_card_may_say_the_same_of_its_own_variables(load):
    first, second = quarters()
    more = "".join(
        f'  {name}: {{from: {column}, level: numeric, label: {{en: "{name}", ar: "{name}"}}}}\n'
        for name, column in (("base", "weight"), ("strat", "stratum"), ("unit", "cluster"))
    )
    said = "{weights: base, strata: strat, psu: unit, shared_psus: false}"
    survey = load(said, renamed(first), renamed(second), more=more)
    assert survey.design.describe()["common_psus"] == {"2020–2021": 0}


def test_unit_ids_that_are_text_stay_text(load):
    """Silent error 30: "122.10" and "122.1" are two units."""
    frame = people(psus=2)
    ids = {p: text for p, text in enumerate(["122.1", "122.10", "7.1", "7.10", "007", "7"], 1)}
    file = renamed(frame).assign(cluster=frame["p"].map(ids))
    survey = load("{preset: labour_force}", file)
    assert set(survey.frame["design_psu"]) == set(ids.values())
    assert survey.design.n_units == 6
    same(survey, mr.Survey(frame, weights="w", strata="h", psu="p"))
    pooled = load("{preset: labour_force, shared_psus: false}", file, file)
    assert pooled.design.n_units == 12
    assert "2020: 122.10" in set(pooled.frame["design_psu"])


def test_roles_the_card_names_itself_go_before_the_preset(load):
    frame = people()
    more = '  mine: {from: h, level: numeric, label: {en: "Mine", ar: "لي"}}\n'
    file = dhs(frame).assign(v022=1, v023=1, v024=1, v025=1, h=frame["h"])
    survey = load("{preset: dhs, strata: mine}", file, more=more)
    same(survey, mr.Survey(frame, weights="w", strata="h", psu="p"))
    assert "design_stratum" not in survey.frame


@pytest.mark.parametrize(
    ("design", "change", "says"),
    [
        ("{preset: mics}", {}, "holds no weight the preset mics knows; tried wmweight"),
        ("{preset: dhss}", {}, "'dhss' is not a preset"),
        ("{preset: dhs, variant: wommen}", {}, "is not a variant of the preset dhs"),
        ("{variant: women, weights: y, psu: y}", {}, "variant: belongs to a preset"),
        ("{strata: y}", {}, "weights is missing"),
        ("{preset: dhs}", {"v021": np.nan, "v001": np.nan}, "looks for psu in v021, v001"),
    ],
)
def test_what_cannot_be_found_names_what_was_tried(load, design, change, says):
    with pytest.raises(CardError, match=says) as error:
        load(design, dhs(people()).assign(**change))
    assert error.value.remedy and error.value.ar


def test_waves_that_hold_different_designs_are_not_pooled_in_silence(load):
    frame = people()
    with_psu = frame.rename(columns={"w": "wt", "p": "psu"})[["wt", "psu", "y"]]
    with pytest.raises(CardError, match="do not hold the same design: design_psu"):
        load("{preset: arab_barometer}", with_psu, with_psu.drop(columns="psu"))
    without = load("{preset: arab_barometer, psu: null}", with_psu, with_psu.drop(columns="psu"))
    assert len(without) == 2 * len(frame)


def test_columns_combine_by_product_and_by_crossing(load):
    frame = people()
    more = (
        '  both: {combine: {columns: [a, b]}, level: text, label: {en: "Both", ar: "كلاهما"}}\n'
        '  area: {combine: {columns: [b, w], by: product, divide: 2}, label: {en: "Product", ar: "الجداء"}}\n'
    )
    file = renamed(frame).assign(a=["x", "y", "z"] * 20, b=[1.0, 2.5] * 30, w=frame["w"])
    file.loc[0, "a"] = None
    survey = load("{preset: labour_force}", file, more=more)
    assert survey.frame["both"].isna().tolist() == [True] + [False] * (len(frame) - 1)
    assert survey.frame["both"].iloc[1:4].tolist() == ["y × 2.5", "z × 1", "x × 2.5"]
    np.testing.assert_allclose(survey.values("area"), file["b"] * file["w"] / 2, rtol=1e-15)


def test_the_page_names_every_preset_variant_to_be_asked_for_and_weight():
    page = (HERE.parents[1] / "docs" / "survey_cards.md").read_text(encoding="utf-8")
    for row in mr.presets().itertuples():
        assert f"`{row.preset}`" in page
        assert row.chosen_by != "variant:" or f"`{row.variant}`" in page
        assert row.weights.split(" /")[0].split(", ")[0] in page, (row.preset, row.variant)


def test_the_table_of_presets_is_whole():
    table = mr.presets()
    assert set(table["preset"]) == {"dhs", "mics", "arab_barometer", "wvs", "ess", "labour_force"}
    for column in ("title", "title_ar", "weights", "strata", "psu", "note", "note_ar", "source"):
        assert (table[column].str.len() > 0).all(), column
    for preset in all_presets().values():
        assert any("\u0600" <= letter <= "\u06ff" for letter in preset.title["ar"] + preset.note["ar"])
        for variant in preset.variants.values():
            assert "weights" in variant.required and set(variant.required) <= set(ROLES)
    assert isinstance(all_presets()["dhs"].title, codebook.Text)


@real
@pytest.mark.parametrize("strata", ["v022", "v024_v025"])
def test_the_dhs_model_file_gives_the_figures_of_r(load, strata):
    expected = json.loads((HERE / "presets.json").read_text())[strata]
    more = (
        '  edu: {from: mv106, level: numeric, label: {en: "Education", ar: "التعليم"}}\n'
        '  higher: {cases: [{code: 1, when: "edu == 3"}, {code: 0, otherwise: true}],\n'
        '    codes: {0: {en: "No", ar: "لا"}, 1: {en: "Yes", ar: "نعم"}}, label: {en: "Higher", ar: "عالٍ"}}\n'
        '  place: {from: mv025, codes: {1: {en: "Urban", ar: "حضر"}, 2: {en: "Rural", ar: "ريف"}},\n'
        '    label: {en: "Residence", ar: "الإقامة"}}\n'
    )
    file = "ZZMR61FL.DTA"
    if strata != "v022":
        whole = mr.read(next(Path(REAL).rglob(file)), cache=False).frame
        file = whole[["mv005", "mv021", "mv024", "mv025", "mv012", "mv106"]]
    survey = load("{preset: dhs}", file, y="mv012", more=more)
    assert survey.card.design.variant == "men"
    found = {
        "age": survey.mean("y"), "higher": survey.proportion("higher"),
        "urban": survey.where("place == 1").mean("y"), "rural": survey.where("place == 2").mean("y"),
        "total": survey.total("higher"),
    }  # fmt: skip
    for name, estimates in found.items():
        row = estimates.frame.iloc[0]
        np.testing.assert_allclose([row["estimate"], row["std_error"]], expected[name], rtol=1e-8, err_msg=name)
    assert survey.design.df == expected["df"]


@real
def test_arab_barometer_wave_three_loads_by_its_preset(load):
    survey = load("{preset: arab_barometer}", "ABIII_English.sav", y="q1001")
    assert len(survey) == 14_809 and survey.design.n_strata == 12
    assert not survey.card.design.clustered
    assert survey.codebook["design_weight"].source == ("wt",)
