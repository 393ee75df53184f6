"""The committed files: complete in both languages, true to the design, free of personal data."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from openpyxl import load_workbook

ROOT = Path(__file__).resolve().parents[2]
WAVES = (2022, 2024, 2026)
ARABIC = re.compile("[\u0621-\u064a]")


@pytest.fixture(scope="module")
def form(demo):
    book = load_workbook(demo / "masar_demo_xlsform.xlsx", read_only=True)
    sheets = {}
    for name in ("survey", "choices", "settings"):
        rows = list(book[name].iter_rows(values_only=True))
        sheets[name] = pd.DataFrame(rows[1:], columns=rows[0])
    return sheets


@pytest.fixture(scope="module")
def kobo(demo):
    from masar_research.loading import read

    return read(demo / "masar_demo_2026_kobo.xlsx", form=demo / "masar_demo_xlsform.xlsx")


@pytest.fixture(scope="module")
def weighted(card):
    from masar_research.loading import load
    from masar_research.weighting import from_card

    return from_card(load(card))


def test_checksums_of_the_card_are_those_of_the_files(raw, card):
    for wave in WAVES:
        assert card.waves[wave].checksum == raw[wave].checksum


def test_files_are_small_and_say_what_they_are(demo):
    import pyreadstat

    for wave in WAVES:
        path = demo / f"masar_demo_{wave}.sav"
        assert path.stat().st_size < 2_500_000
        _, meta = pyreadstat.read_sav(str(path), metadataonly=True)
        assert "SYNTHETIC" in meta.file_label and any("No record describes a person" in note for note in meta.notes)
    assert (demo / "masar_demo_2026_kobo.xlsx").stat().st_size < 4_000_000
    assert "SYNTHETIC" in (demo / "margins.yml").read_text(encoding="utf-8")
    assert "SYNTHETIC" in (demo / "README.md").read_text(encoding="utf-8") and "مصطنعة" in (demo / "README.md").read_text(encoding="utf-8")


def test_every_column_and_code_is_labelled_in_english_in_spss(raw):
    for wave in WAVES:
        for name in raw[wave].frame.columns:
            variable = raw[wave].codebook[name]
            assert variable.label.get("en"), name
            assert not ARABIC.search(variable.label["en"]), name
            values = raw[wave].frame[name]
            if variable.categories and values.dtype.kind == "f":
                labelled = {c.code for c in variable.categories if c.label.get("en")}
                if variable.level != "numeric":
                    assert set(values.dropna().unique()) <= labelled, name


def test_every_question_and_answer_exists_in_both_languages():
    from generator.questionnaire import GROUPS, ITEMS, LISTS

    assert len({item.name for item in ITEMS}) == len(ITEMS)
    for item in ITEMS:
        assert item.group in GROUPS
        assert item.en.strip() and ARABIC.search(item.ar), item.name
        assert bool(item.ask_en) == bool(item.ask_ar), item.name
        if item.model is not None:
            assert item.ask_en and ARABIC.search(item.ask_ar), item.name
        assert len(item.en) != 80 and len(item.en.encode()) < 255, item.name
    for name, rows in LISTS.items():
        codes = [code for code, _, _ in rows]
        assert len(set(codes)) == len(codes), name
        for code, en, ar in rows:
            assert en and (ARABIC.search(ar) or ar == str(code)), (name, code)


def test_the_form_is_complete(form):
    from generator.xlsform import AR, EN

    survey, choices = form["survey"], form["choices"]
    shown = survey[~survey["type"].isin(["start", "end", "today", "end_group"])]
    assert shown[EN].notna().all() and shown[AR].str.contains(ARABIC).all()
    assert choices[EN].notna().all() and choices[AR].notna().all()
    assert not choices.duplicated(["list_name", "name"]).any()
    used = survey["type"].str.extract(r"^select_(?:one|multiple) (\S+)$")[0].dropna()
    assert set(used) == set(choices["list_name"])
    opened = (survey["type"] == "begin_group").sum()
    assert opened == (survey["type"] == "end_group").sum() > 15
    names = set(survey["name"].dropna())
    for rule in pd.concat([survey["relevant"], survey["constraint"]]).dropna():
        assert set(re.findall(r"\$\{(\w+)\}", rule)) <= names, rule
    assert survey["relevant"].notna().sum() > 60 and survey["constraint"].notna().sum() > 8
    assert (survey["type"].str.startswith("select_multiple")).sum() >= 5
    titles = form["settings"].iloc[0]
    assert "SYNTHETIC" in titles["form_title"] and titles["default_language"] == "Arabic (ar)"


def test_the_first_rows_of_the_kobo_export(demo, raw):
    """Headers with group paths, and the first 150 rows cell by cell; the whole export is compared in the full run."""
    from generator.questionnaire import ITEMS
    from generator.xlsform import COMPUTED_LATER, META

    sheet = next(iter(load_workbook(demo / "masar_demo_2026_kobo.xlsx", read_only=True)))
    rows = sheet.iter_rows(max_row=151, values_only=True)
    heads = list(next(rows))
    cells = pd.DataFrame(list(rows), columns=heads)
    spss = raw[2026].frame.head(150)
    for item in ITEMS:
        if item.name in COMPUTED_LATER or item.name in META:
            continue
        for column in item.columns():
            head = f"g_{item.group}/{item.name}" + (f"/{column.rsplit('_', 1)[1]}" if item.several else "")
            assert np.array_equal(cells[head].to_numpy(float), spss[column].to_numpy(float), equal_nan=True), head
    assert {"_id", "_uuid", "_submission_time", "_submitted_by", "interview_start", "interview_end"} <= set(heads)
    assert cells["_uuid"].is_unique and cells["_uuid"].str.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}").all()
    assert cells[[h for h in heads if "location" in h]].isna().all().all()
    chosen = cells["g_civic/civic"].dropna()
    assert chosen.str.fullmatch(r"\d+( \d+)*").all() and not chosen.str.contains(r"\b0\b.+|.+ 0\b").any()


@pytest.mark.full
def test_the_kobo_export_is_the_spss_file_of_its_wave(kobo, raw):
    from generator.questionnaire import ITEMS
    from generator.xlsform import COMPUTED_LATER, META

    spss = raw[2026].frame
    assert len(kobo.frame) == len(spss)
    compared = 0
    for item in ITEMS:
        if item.name in COMPUTED_LATER or item.name in META:
            continue
        for column in item.columns():
            other = column if not item.several else f"{item.name}__{column.rsplit('_', 1)[1]}"
            assert np.array_equal(kobo.frame[other].to_numpy(float), spss[column].to_numpy(float), equal_nan=True), column
            compared += 1
    assert compared > 220
    label = kobo.codebook["dec_health"].question
    assert label.get("en") and label.get("ar")


@pytest.mark.full
def test_no_personal_data(demo, kobo, raw):
    sheet = next(iter(load_workbook(demo / "masar_demo_2026_kobo.xlsx", read_only=True)))
    rows = sheet.iter_rows(values_only=True)
    heads = list(next(rows))
    cells = pd.DataFrame(list(rows), columns=heads)
    position = [h for h in heads if re.search("location|latitude|longitude|altitude|precision", h)]
    assert position and cells[position].isna().all().all()
    assert set(cells["_submitted_by"]) == {"demonstration"}
    assert any(note.kind == "set_aside" for note in kobo.notes)
    text = [h for h in heads if cells[h].map(lambda v: isinstance(v, str)).any()]
    for head in text:
        values = cells[head].dropna().astype(str)
        if head not in ("_uuid",):
            assert not values.str.contains(r"@|\+962|\b07\d{8}\b").any(), head
    free = {h for h in text if not h.startswith("_") and not re.fullmatch(r"[\d -]*", "".join(cells[h].dropna().astype(str).head(50)))}
    assert free <= {"interview_date", "interview_start", "interview_end"}  # no free text at all
    for wave in WAVES:
        assert all(raw[wave].frame[c].dtype.kind in "fM" for c in raw[wave].frame.columns)


@pytest.mark.parametrize("wave", WAVES)
def test_skips_hold_and_silence_is_as_in_real_surveys(raw, wave):
    from generator.conditions import mask
    from generator.questionnaire import BEFORE_BREAK_OFF, FRAME_GROUPS, ITEMS

    frame = raw[wave].frame
    column = {name: frame[name].to_numpy() for name in frame.columns}
    completed = column["status"] == 1
    unknown = refused = 0
    for item in ITEMS:
        if wave not in item.waves:
            assert not set(item.columns()) & set(frame.columns), item.name
            continue
        if item.group in FRAME_GROUPS or item.model is None:
            continue
        put = mask(item.asked_if, column.__getitem__) if item.asked_if else np.ones(len(frame), bool)
        reached = completed | ((column["status"] == 2) & (item.group in BEFORE_BREAK_OFF))
        for name in item.columns():
            filled = ~np.isnan(column[name])
            assert not (filled & ~(put & reached)).any(), name
            if not item.several:
                assert (filled | ~(put & reached)).all(), name
            if not item.numeric and not item.several:
                unknown += (column[name] == 98).sum()
                refused += (column[name] == 99).sum()
    assert unknown > 500 and refused > 500
    assert ((column["wage"] == 99999) & completed).sum() > 40


def test_silence_differs_by_person(raw):
    answers = pd.concat([raw[w].frame[["status", "sel_sex", "sel_age", "q_education", "say", "bribe", "beat_out", "alone"]] for w in WAVES])
    adults = answers[(answers["status"] == 1) & (answers["sel_age"] >= 18)]
    unknown = adults["say"] == 98
    assert unknown[adults["q_education"] <= 2].mean() > 1.3 * unknown[adults["q_education"] >= 3].mean()
    assert unknown[adults["sel_sex"] == 2].mean() > unknown[adults["sel_sex"] == 1].mean()
    asked = adults["bribe"].notna()
    assert (adults.loc[asked, "bribe"] == 99).mean() > (adults["say"] == 99).mean()
    assert answers.loc[answers["alone"] == 2, "beat_out"].isna().all()


@pytest.mark.parametrize("wave", WAVES)
def test_political_items_are_asked_of_18_and_over(raw, wave):
    frame = raw[wave].frame
    minors = frame["sel_age"] < 18
    assert minors.sum() > 80
    for name in ("vote", "interest", "say", "influence", "trust_government", "trust_army", "corruption", "bribe", "quota", "norm_leaders", "expression"):
        assert frame.loc[minors, name].isna().all(), name
    assert frame.loc[frame["q_nationality"] > 1, "vote"].isna().all()
    assert frame.loc[minors & (frame["status"] == 1), "worked"].notna().all()


def test_samples_have_the_structure_promised(raw):
    blocks = {wave: set(raw[wave].frame["psu"]) for wave in WAVES}
    for wave in WAVES:
        frame = raw[wave].frame
        completed = frame["status"] == 1
        assert 3500 < completed.sum() < 3700
        assert (frame.groupby("stratum")["psu"].nunique() >= 4).all() and frame["stratum"].nunique() == 22
        assert len(blocks[wave]) == 300
        assert frame["governorate"].nunique() == 12
        assert set(frame.loc[completed, "q_nationality"]) == {1.0, 2.0, 3.0, 4.0, 5.0}
        minutes = (frame["interview_end"] - frame["interview_start"]).dt.total_seconds() / 60
        assert np.allclose(minutes[completed], frame.loc[completed, "duration"], atol=0.1)
        assert frame["interview_date"].dt.year.eq(wave).all() and not frame["interview_date"].dt.day_of_week.eq(4).any()
    assert len(blocks[2022] & blocks[2024]) == len(blocks[2024] & blocks[2026]) == 150 and not blocks[2022] & blocks[2026]


def test_fieldwork_dates_lie_in_the_period_the_card_declares(raw, card):
    for wave in WAVES:
        days, declared = raw[wave].frame["interview_date"], card.waves[wave].fieldwork
        assert declared.start <= days.min().date() and days.max().date() <= declared.end


def test_weights_add_up_to_the_population(raw, truths, demo):
    from ruamel.yaml import YAML

    margins = YAML(typ="safe").load((demo / "margins.yml").read_text(encoding="utf-8"))
    for wave in WAVES:
        everybody = truths[str(wave)]["labour"]["all_residents"]["both"]["all"]["all"]["persons"]
        assert raw[wave].frame["base_weight"].sum() == pytest.approx(everybody, rel=0.04)
        for key in ("governorate", "nationality", "urban"):
            assert sum(margins[key][wave].values()) == everybody
        assert sum(sum(cells.values()) for cells in margins["sex_age_labour"][wave].values()) == everybody
        table = truths[str(wave)]["labour"]["all_residents"]
        assert margins["sex_age_labour"][wave][2][4] == table["2"]["age_labour"]["4"]["persons"]
        assert margins["governorate"][wave][34] == table["both"]["governorate"]["34"]["persons"]


def test_weighted_margins_are_met_before_trimming_moves_them_a_little(weighted, truths):
    for wave in WAVES:
        rows = (weighted.frame["wave"] == wave).to_numpy()
        total = weighted.design.weights[rows].sum()
        assert total == pytest.approx(truths[str(wave)]["labour"]["all_residents"]["both"]["all"]["all"]["persons"], rel=0.02)


PAIRS = {
    "WE01": "in_labour_force", "WE02": "unemployed", "WE03": "labour_slack", "WE04": "informal", "WE05_hourly": "hourly_wage",
    "WE07": "decides_all", "WE08": "justifies_beating", "WE09_house": "owns_house", "WE09_land": "owns_land", "WE12": "has_account",
    "WE15_18": "married_before_18", "WE16": "unpaid_hours", "WE18": "norms_index", "WE19": "efficacious", "WE20": "moves_freely",
    "WE22": "rights_score", "YO01_15_29": "neet", "YO06": "volunteered", "YO07": "voted", "YO13": "early_business", "YO16": "thriving",
    "MI08": "checking_index", "MI10": "discernment", "MI13": "skills_all_areas", "GO02": "contacted_any", "GO04_say": "can_say",
    "GO04_influence": "can_influence", "GO05_index": "trust_index", "GO12": "discriminated_any",
}


def test_variables_of_the_card_estimate_the_true_indicators(weighted, truths):
    """Card, form, file and truths agree: no estimate is farther than five standard errors from its truth."""
    far = {}
    z_all = []
    for name, variable in PAIRS.items():
        estimates = weighted.mean(variable, by="wave").frame.set_index("wave")
        for wave in WAVES:
            true = truths[str(wave)]["indicators"][name]["all_residents"] * (24 if name == "WE16" else 1)
            row = estimates.loc[wave]
            z = (row["estimate"] - true) / row["std_error"]
            z_all.append(z)
            if abs(z) > 5:
                far[name, wave] = (true, row["estimate"], row["std_error"])
    assert not far
    assert np.mean(np.abs(z_all)) < 1.6


def test_labour_headlines_by_sex_and_base(weighted, truths):
    for base, rows in (("jordanians", "jordanian == 1"), ("all_residents", "age >= 15")):
        some = weighted.where(rows)
        for figure, variable in (("participation", "in_labour_force"), ("unemployment", "unemployed"), ("employment", "employed")):
            for _, row in some.mean(variable, by=["wave", "sex"]).frame.iterrows():
                true = truths[str(int(row["wave"]))]["labour"][base][str(int(row["sex"]))]["all"]["all"][figure]
                assert abs(row["estimate"] - true) < 4.5 * row["std_error"], (base, figure, row["wave"], row["sex"])


def test_the_card(card):
    assert card.synthetic and dict(card.notice) == {"en": "Synthetic demonstration data", "ar": "بيانات مصطنعة لأغراض العرض"}
    assert list(card.waves) == list(WAVES) and card.population.nationality == "all_residents" and len(card.population.excluded) >= 3
    frame = {"sex", "age", "age_labour", "age_adult", "education", "nationality", "jordanian", "governorate", "region", "urban", "marital",
             "employment", "in_labour_force", "employed", "unemployed", "wealth5", "disability", "psu", "stratum", "base_weight", "status",
             "interview_date"}
    assert frame <= set(card.variables)
    for name in ("strategy", "sponsor", "tools", "population", "sample", "mode", "dates", "sizes", "weighting", "processing", "limitations"):
        words = getattr(card.disclosure, name)
        assert words["en"] and ARABIC.search(words["ar"]), name
    assert len(card.disclosure.limitations["en"].split()) >= 50
    assert [step.step for step in card.weighting] == ["nonresponse", "rake", "trim"]
    for name, variable in card.variables.items():
        assert variable.label["en"] and ARABIC.search(variable.label["ar"]), name
    for name in (*PAIRS.values(), "employment", "employed", "disability", "jordanian", "transition", "civic_any"):
        words = card.variables[name].question
        assert words is not None and words["en"] and ARABIC.search(words["ar"]), name
    assert "WE14" in {lack.indicator for lack in card.lacks}


def test_the_card_is_what_the_questionnaire_writes(raw):
    from generator.card import card_yaml

    text = card_yaml({wave: raw[wave].checksum for wave in WAVES})
    assert (ROOT / "data" / "surveys" / "masar_demo.yml").read_text(encoding="utf-8") == text


def test_every_indicator_promised_has_questions_and_the_page_is_up_to_date():
    from generator.document import refresh
    from generator.questionnaire import ITEMS

    served = {indicator for item in ITEMS for indicator in item.indicators}
    women = {f"WE{k:02d}" for k in (1, 2, 3, 4, 5, 7, 8, 9, 11, 12, 13, 15, 16, 18, 19, 20, 22)}
    youth = {f"YO{k:02d}" for k in (*range(4, 14), 16, 18)} | {"YO01"}
    media = {f"MI{k:02d}" for k in range(1, 17)}
    governance = {f"GO{k:02d}" for k in range(2, 13)}
    assert women | youth | media | governance <= served and "WE14" not in served
    page = (ROOT / "docs" / "demo_survey.md").read_text(encoding="utf-8")
    assert refresh(page) == page
