"""The codebook as a page and as DDI: true frequencies, nothing disclosed, nothing run."""

import re

import numpy as np
import pandas as pd
import pytest
from lxml import etree, html
from masar_research import Survey
from masar_research.codebook import Category, Codebook, MissingRange, ResponseSet, Variable
from masar_research.errors import DataError, DesignError
from masar_research.loading.codebook_apply import apply_waves, waves_to_excel
from masar_research.loading.codebook_counts import all_counts, withheld
from masar_research.loading.codebook_ddi import NAMESPACE, to_xml
from masar_research.loading.codebook_page import page
from masar_research.loading.raw import make_raw
from typer.testing import CliRunner

HOSTILE = "<script>alert('x')</script> & \"quoted\" \x07"
D = f"{{{NAMESPACE}}}"


@pytest.fixture(scope="module")
def survey():
    n, rng = 200, np.random.default_rng(4)
    frame = pd.DataFrame(
        {
            "w": rng.uniform(1, 3, n), "stratum": np.repeat([1.0, 2], n // 2), "psu": np.repeat(np.arange(20.0), n // 20),
            "sex": np.where(np.arange(n) < 3, 3.0, np.where(np.arange(n) < 90, 1.0, 2.0)), "pay": rng.integers(1, 60, n) * 10.0,
            "phone": [f"07912345{k:02}" for k in range(100)] * 2, "why": ["because"] * n, "uses_a": rng.integers(0, 2, n) * 1.0,
            "uses_b": rng.integers(0, 2, n) * 1.0, "form": np.arange(n) + 1000.0,
        }
    )  # fmt: skip
    frame.loc[10:29, "sex"], frame.loc[30:31, "sex"], frame.loc[:9, "pay"] = 9.0, np.nan, 9999
    yes_no = (Category(0, {"en": "No", "ar": "لا"}), Category(1, {"en": "Yes", "ar": "نعم"}))
    book = Codebook(
        [
            Variable("sex", {"en": HOSTILE, "ar": "الجنس"}, {"en": "Sex?", "ar": "ما الجنس؟"}, "nominal",
                     (Category(1, {"en": HOSTILE, "ar": "ذكر"}), Category(2, {"en": "Female", "ar": "أنثى"}), Category(3, {"en": "Rare"}),
                      Category(9, {"en": "Refused", "ar": "رفض"}, "refused")), universe="pay > 0"),
            Variable("pay", {"en": "Pay", "ar": "الأجر"}, missing_ranges=(MissingRange(9990, 9999, "dont_know"),), unit={"en": "dinars"}),
            Variable("phone", {"en": "Telephone"}, level="text"), Variable("why", {"en": "Why"}, level="text", note={"en": HOSTILE}),
            Variable("uses_a", {"en": "A"}, level="nominal", categories=yes_no), Variable("uses_b", {"en": "B"}, level="nominal", categories=yes_no),
        ],
        [ResponseSet("uses", {"en": "Uses", "ar": "الاستخدامات"}, ("uses_a", "uses_b"))],
    )  # fmt: skip
    return Survey(frame, weights="w", strata="stratum", psu="psu", codebook=book)


@pytest.mark.parametrize("counts, hidden", [
    ([3, 40, 60], [1, 1, 0]), ([1, 1, 60], [1, 1, 1]), ([4, 4, 60], [1, 1, 0]), ([0, 40, 60], [0, 0, 0]), ([2], [1]), ([], []),
    ([3, 0, 9, 7], [1, 0, 0, 1]),
])  # fmt: skip
def test_what_would_give_a_small_count_away_is_withheld(counts, hidden):
    assert withheld(counts) == [bool(each) for each in hidden]


def test_frequencies_are_those_of_the_survey(survey):
    found = {each.variable.name: each for each in all_counts(survey)}
    shares = survey.proportion("uses_a").frame
    cell = next(c for c in found["uses_a"].cells if c.category.code == 1)
    assert cell.share == pytest.approx(shares["estimate"].iloc[-1]) and cell.n == int(survey.frame["uses_a"].sum())
    assert dict(found["pay"].stats)["mean"] == pytest.approx(survey.mean("pay").frame["estimate"].item())
    assert [(c.category.code, c.n) for c in found["pay"].cells] == [(9999.0, 10)] and found["pay"].valid == 190
    sex = {c.category.code: c for c in found["sex"].cells}
    assert sex[3.0].n is None and sex[1.0].n is None and sex[9.0].n == 20 and sex[2.0].share is not None
    assert found["psu"].shown == "design" and found["w"].is_weight and found["form"].shown == "count"
    assert found["phone"].shown == "personal" and found["why"].shown == "count"
    part = {each.variable.name: each for each in all_counts(survey.where("uses_b == 1"))}
    assert part["uses_b"].valid == int(survey.frame["uses_b"].sum())


def test_the_page_stands_alone_and_gives_nothing_away(survey):
    text = page(survey)
    assert "0791234" not in text and "because" not in text and "<script>alert" not in text
    assert text.count("<script") == 1 and not re.search(r'(?:src|href)="(?!data:)', text)
    tree = html.fromstring(text)
    arabic, english = tree.findall(".//main")
    assert (arabic.get("dir"), arabic.get("lang")) == ("rtl", "ar") and english.get("dir") == "ltr"
    assert len(arabic.findall(".//article")) == len(english.findall(".//article")) == 10
    said = arabic.text_content()
    for words in ("الجنس", "ما الجنس؟", "رفض", "محجوب", "النسبة المرجّحة", "الاستخدامات", "بيانات شخصية", "لا يعرف", "pay > 0"):
        assert words in said
    assert "Female" in english.text_content() and "withheld" in english.text_content()
    only = page(survey, "en")
    assert "<main" in only and only.count("<main") == 1 and 'dir="rtl"><head' not in only
    with pytest.raises(DataError):
        page(survey, "fr")


def test_ddi_reads_back(survey):
    root = etree.fromstring(to_xml(survey))
    variables = {each.get("name"): each for each in root.iter(f"{D}var")}
    lang = "{http://www.w3.org/XML/1998/namespace}lang"
    sex = variables["sex"]
    assert {each.get(lang): each.text for each in sex.findall(f"{D}labl")}["ar"] == "الجنس"
    assert {each.get(lang): each.text for each in sex.findall(f"{D}qstn/{D}qstnLit")} == {"en": "Sex?", "ar": "ما الجنس؟"}
    entries = {each.find(f"{D}catValu").text: each for each in sex.findall(f"{D}catgry")}
    assert entries["9"].get("missing") == "Y" and entries["9"].get("missType") == "refused" and "missing" not in entries["1"].attrib
    assert entries["3"].find(f"{D}catStat") is None and entries["2"].find(f"{D}catStat[@type='percent']").get("wgtd") == "wgtd"
    assert sex.find(f"{D}universe").text == "pay > 0" and sex.get("wgt-var") == variables["w"].get("ID")
    assert variables["w"].get("wgt") == "wgt" and variables["pay"].find(f"{D}invalrng/{D}range").attrib == {"min": "9990", "max": "9999"}
    group = root.find(f".//{D}varGrp")
    assert group.get("type") == "multipleResp" and group.get("var").split() == [variables[v].get("ID") for v in ("uses_a", "uses_b")]
    assert variables["phone"].find(f"{D}security") is not None and b"0791234" not in to_xml(survey)
    text = variables["why"].find(f"{D}notes").text
    assert "<script>" in text and "\x07" not in text


def test_a_survey_takes_an_edited_workbook(survey, tmp_path):
    import openpyxl

    path = survey.codebook.to_excel(tmp_path / "b.xlsx")
    work = openpyxl.load_workbook(path)
    work["Variables"]["B2"].value = "gender"
    codes = work["Codes"]
    codes["C2"].value, codes["C3"].value = 2, 1
    work.save(path)
    changed = survey.apply_codebook(path)
    before, after = survey.proportion("sex").frame, changed.proportion("gender").frame
    assert sorted(before["estimate"]) == pytest.approx(sorted(after["estimate"])) and "sex" not in changed.frame
    assert changed.codebook.category("gender", 1, "en") == "Female" and not survey.edits
    pd.testing.assert_frame_equal(changed.edits[-1].restored(changed.frame), survey.frame)
    assert "ما تغيّر" in changed.edits[-1]._repr_html_()
    with pytest.raises(DesignError, match="whole survey"):
        survey.where("sex == 1").apply_codebook(path)


def test_a_workbook_does_not_recode_the_design(tmp_path):
    frame = pd.DataFrame({"w": 1.0, "h": [1.0, 1, 2, 2], "p": [1.0, 2, 3, 4], "y": 1.0})
    book = Codebook([Variable("h", {"en": "H"}, level="nominal", categories=(Category(1, {"en": "a"}), Category(2, {"en": "b"})))])
    survey = Survey(frame, weights="w", strata="h", psu="p", codebook=book)
    import openpyxl

    path = survey.codebook.to_excel(tmp_path / "b.xlsx")
    work = openpyxl.load_workbook(path)
    work["Variables"]["B2"].value = "layer"
    work.save(path)
    assert survey.apply_codebook(path).roles["strata"] == "layer"
    work["Codes"]["C2"].value = 5
    work.save(path)
    with pytest.raises(DesignError, match="part of the design"):
        survey.apply_codebook(path)


def test_waves_are_pooled_as_one_workbook_says(tmp_path):
    def raw(name, codes, extra=()):
        categories = tuple(Category(code, {"en": words}) for code, words in codes.items())
        variables = [Variable(name, {"en": "Sex"}, level="nominal", categories=categories), *(Variable(e, {"en": e}) for e in extra)]
        frame = pd.DataFrame({name: [float(code) for code in codes], **dict.fromkeys(extra, 7.0)})
        return make_raw(frame, Codebook(variables), ())

    waves = {2022: raw("v5", {0: "Male", 1: "Female"}), 2024: raw("q1", {1: "Male", 2: "Female"}, ["income"])}
    import openpyxl

    path = waves_to_excel(tmp_path / "waves.xlsx", waves)
    work = openpyxl.load_workbook(path)
    for line in work["Variables"].iter_rows(min_row=2):
        line[2].value = "sex" if line[1].value in ("v5", "q1") else None
    for line in work["Codes"].iter_rows(min_row=2):
        line[3].value = line[2].value + 1 if line[1].value == "v5" else None
    work.save(path)
    pooled = apply_waves(path, waves)
    assert pooled.frame["sex"].tolist() == [1, 2, 1, 2] and pooled.frame["wave"].tolist() == [2022, 2022, 2024, 2024]
    assert pooled.codebook["sex"].source == ("v5", "q1")
    asked = pooled.codebook.missing_kinds("income")
    assert list(asked.values()) == ["not_asked"] and pooled.frame["income"].iloc[0] in asked
    assert set(pooled.report()["wave"]) == {"2022", "2024"}


def test_the_command_writes_each_kind(tmp_path):
    from masar_research.cli import app

    for name, start in (("book.xlsx", b"PK"), ("book.xml", b"<?xml")):
        done = CliRunner().invoke(app, ["codebook", "masar_demo", "--wave", "2026", "--out", str(tmp_path / name)])
        assert done.exit_code == 0, done.output
        assert (tmp_path / name).read_bytes().startswith(start)
    refused = CliRunner().invoke(app, ["codebook", "data/demo/masar_demo_2026.sav", "--out", str(tmp_path / "raw.html")])
    assert refused.exit_code == 1
