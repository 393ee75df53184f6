"""The report of a file: both languages, JSON, the command line; what must never stand in it."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from lxml import html
from typer.testing import CliRunner

import masar_research as mr
from masar_research.cli import app
from masar_research.codebook import Text
from masar_research.quality.page import _mixed
from masar_research.quality.sources import _published

ROOT = Path(__file__).resolve().parents[2]
DEMO = ROOT / "data" / "demo"
REAL = os.environ.get("MASAR_REAL_DATA")


@pytest.fixture(scope="module")
def demo():
    return mr.check(ROOT / "data" / "surveys" / "masar_demo.yml", wave=2026)


def test_the_demo_survey_has_no_error_and_its_response_rate(demo):
    assert demo.count("error") == 0 and demo.count("warning") <= 3
    figures = demo.check("outcomes").figures
    frame = mr.load(ROOT / "data" / "surveys" / "masar_demo.yml", wave=2026).frame
    assert figures["rates"]["RR2"] == pytest.approx(frame["status"].isin([1, 2]).mean())
    assert figures["quoted"] == "RR2" and figures["substitution"] is False
    assert len(demo.check("margins").figures["margins"]) == 4


@pytest.mark.parametrize("lang", ["en", "ar"])
def test_a_page_needs_nothing_from_outside_and_reads_in_its_direction(demo, lang):
    text = demo.to_html(lang)
    tree = html.fromstring(text)
    assert tree.get("dir") == {"en": "ltr", "ar": "rtl"}[lang] and tree.get("lang") == lang
    assert not tree.xpath("//script|//link|//img|//iframe") and "http://" not in re.sub(r'xmlns="[^"]+"', "", text)
    assert "https://" not in text and len(tree.xpath("//section")) == 12
    if lang == "ar":
        loose = "".join(tree.xpath("//main//p//text()[not(ancestor::bdi)]"))
        assert not re.search(r"[A-Za-z0-9]", loose)


def test_json_says_the_same_as_the_findings(demo):
    plain = json.loads(demo.to_json())
    told = [finding for each in plain["checks"] for finding in each["findings"]]
    assert len(told) == len(demo.findings) == len(demo.frame) and plain["counts"]["warning"] == demo.count("warning")
    assert all({"en", "ar"} <= set(finding["what"]) & set(finding["remedy"]) for finding in told)
    assert demo.to_json() == demo.to_json()


def test_a_survey_lends_its_checks_and_the_card_gives_the_same():
    survey = mr.load(ROOT / "data" / "surveys" / "masar_demo.yml", wave=2022)
    assert survey.check().to_json() == mr.check("masar_demo", wave=2022).to_json()


@pytest.mark.full
def test_a_raw_export_with_its_form_is_checked():
    quality = mr.check(DEMO / "masar_demo_2026_kobo.xlsx", form=DEMO / "masar_demo_xlsform.xlsx", country="JO")
    assert quality.count("error") == 0 and quality.check("skips").figures["answered_not_asked"] == 0
    assert quality.check("skips").figures["conditions"] > 150


@pytest.fixture
def spoilt(tmp_path):
    rng = np.random.default_rng(4)
    n = 80
    frame = pd.DataFrame({
        "_uuid": [f"u{k}" for k in range(n)], "respondent_name": [f"Salma Haddad {k}" for k in range(n)], "enumerator": np.arange(n) % 5,
        "_position_latitude": 31.9 + rng.normal(0, 0.003, n).round(5), "_position_longitude": 35.9 + rng.normal(0, 0.003, n).round(5),
        "cluster": np.arange(n) // 10, "age": rng.integers(18, 70, n), "q1": rng.integers(1, 4, n),
    })  # fmt: skip
    frame.loc[3, "_uuid"] = "u4"
    frame.loc[5, ["_position_latitude", "_position_longitude"]] = [30.1234, 35.4321]
    frame.loc[6, "age"] = 177
    path = tmp_path / "export.csv"
    frame.to_csv(path, index=False)
    return path, frame


def test_names_and_coordinates_stand_in_no_report(spoilt, tmp_path):
    path, frame = spoilt
    quality = mr.check(path, country="JO")
    assert {"repeated_key", "far_from_cluster", "implausible_age"} <= set(quality.frame["kind"])
    every = quality.to_html("en") + quality.to_html("ar") + quality.to_json() + repr(quality.findings) + quality._repr_html_()
    every = re.sub(r"url\(data:[^)]*\)", "", every)
    assert "Salma" not in every
    for name in ("_position_latitude", "_position_longitude"):
        assert not any(f"{value:.4f}"[:7] in every for value in frame[name])


def test_the_command_line_writes_the_report_and_its_status(spoilt, tmp_path):
    path, _ = spoilt
    out = tmp_path / "out"
    answer = CliRunner().invoke(app, ["check", str(path), "--out", str(out), "--country", "JO"])
    assert answer.exit_code == 1 and "identifier" in answer.output
    assert sorted(each.name for each in out.iterdir()) == ["quality.ar.html", "quality.en.html", "quality.json"]
    wrong = CliRunner().invoke(app, ["check", str(path), "--role", "boss=q1"])
    assert wrong.exit_code == 1 and "not a role" in wrong.output and "Traceback" not in wrong.output


@pytest.mark.skipif(not REAL, reason="MASAR_REAL_DATA is not set")
def test_the_iraq_export_and_the_arab_barometer_are_checked():
    folder = Path(REAL) / "kobo_iraq"
    form = (folder / "cleaningtools_survey.csv", folder / "cleaningtools_choices.csv")
    quality = mr.check(folder / "cleaningtools_raw_data.csv", form=form)
    assert quality.facts["rows"] == 632 and quality.count("error") <= 2
    assert quality.check("durations").figures["overlapping"] > 0 and quality.facts["roles"]["enumerator"] == "enumerator_num"
    barometer = mr.check("arab_barometer_3_jordan")
    assert barometer.facts["rows"] == 1795 and barometer.count("error") == 0


def test_arabic_isolates_conditions_with_brackets_and_counts_after_a_colon():
    said = _mixed("بعد الساعة 06:00: 42 (sex == 2 and (age <= 49)) (3.2%) (عدد 5)", "ar")
    assert re.findall(r'<bdi dir="ltr">(.*?)</bdi>', said) == ["06:00", "42", "(sex == 2 and (age &lt;= 49))", "(3.2%)", "5"]
    assert html.fromstring(f"<p>{said}</p>").text_content() == "بعد الساعة 06:00: 42 (sex == 2 and (age <= 49)) (3.2%) (عدد 5)"


def test_margins_of_the_card_stand_cell_by_cell_and_the_others_say_why_not(demo):
    figures = demo.check("margins").figures
    assert {each["margin"] for each in figures["not_compared"]} == {"sex_residents_2025", "jordanian_residents_2015"}
    assert all("15" in each["why"]["en"] and "15" in each["why"]["ar"] for each in figures["not_compared"])
    for table in figures["margins"]:
        assert sum(cell["sample"] for cell in table["cells"]) == pytest.approx(1) == sum(cell["target"] for cell in table["cells"])
    for lang, name in (("en", "Amman"), ("ar", "العاصمة")):
        section = html.fromstring(demo.to_html(lang)).xpath("//section[@id='margins']")[0]
        assert len(section.xpath(".//table")) == 4 and name in section.text_content()


def test_a_published_margin_is_compared_where_it_counts_the_same_people():
    survey = mr.load(ROOT / "data" / "surveys" / "masar_demo.yml", wave=2026)
    everyone = survey.card.model_copy(update={"population": survey.card.population.model_copy(update={"age_min": 0}), "weighting": ()})
    found, unfit = _published(replace_card(survey, everyone), set())
    assert not unfit and {each.variables for each in found} == {("governorate",), ("sex",), ("nationality",), ("jordanian",)}
    assert all(each.source for each in found)
    narrower = everyone.population.model_copy(update={"excluded": (Text(en="camps", ar="المخيمات"),)})
    found, unfit = _published(replace_card(survey, everyone.model_copy(update={"population": narrower})), set())
    assert not unfit and all("camps" in each.coverage["en"] and "المخيمات" in each.coverage["ar"] for each in found)
    taken, _ = _published(replace_card(survey, everyone), {frozenset({"sex"})})
    assert ("sex",) not in {each.variables for each in taken}


class replace_card:
    """A survey seen with another card."""

    def __init__(self, survey, card):
        self.card, self.frame, self.codebook = card, survey.frame, survey.codebook
