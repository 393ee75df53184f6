"""Reading in a terminal: the table and the note of an estimate, in both languages."""

from __future__ import annotations

import pandas as pd
import pytest

import masar_research as mr
from masar_research.codebook import Category, Codebook, Variable
from masar_research.note import Note

BOOK = Codebook([
    Variable("sex", {"en": "Sex", "ar": "الجنس"}, level="nominal", categories=(
        Category(1, {"en": "Men", "ar": "ذكور"}), Category(2, {"en": "Women", "ar": "إناث"}))),
])  # fmt: skip


@pytest.fixture
def estimates() -> mr.Estimates:
    n = 400
    frame = pd.DataFrame(
        {"w": [1.0, 2.0] * (n // 2), "p": [i // 8 for i in range(n)],
         "sex": [1.0 + (i % 3 == 0) for i in range(n)], "works": [float(i % 4 == 0) for i in range(n)]}
    )  # fmt: skip
    frame.loc[:4, "works"] = float("nan")
    return mr.Survey(frame, weights="w", psu="p", codebook=BOOK).where("sex > 0").proportion("works", by="sex")


def test_str_is_a_labelled_table_with_its_base(estimates):
    lines = str(estimates).splitlines()
    assert lines[0].split() == ["Sex", "Estimate", "Interval", "n"]
    assert lines[2].startswith("Men") and lines[3].startswith("Women")
    row = estimates.frame.iloc[0]
    assert f"{row['estimate']:.1%}" in lines[2] and lines[2].endswith(str(row["n"]))
    assert len({len(line) for line in lines[1:4]}) == 1
    assert "95% confidence interval" in lines[-1] and "sex > 0" in lines[-1] and "5" in lines[-1]


def test_the_arabic_table_is_arabic_with_the_same_figures(estimates):
    text = str(estimates.table("ar"))
    assert "إناث" in text and "التقدير" in text and "فترة الثقة 95%" in text
    assert f"{estimates.frame['estimate'].iloc[0]:.1%}" in text
    assert "Women" not in text


def test_the_note_is_a_mapping_that_prints_every_choice(estimates):
    note = estimates.note
    assert dict(note)["level"] == 0.95 and "weights" in note
    text = str(note)
    for name in note:
        if name != "design":
            continue
        for inner in note["design"]:
            assert any(str(line).startswith("  ") for line in note.lines()), inner
    assert len(note.lines()) == len(note) + len(note["design"])
    assert "Base: (sex > 0)" in text and "No answer or not asked: 5" in text
    arabic = note.lines("ar")
    assert len(arabic) == len(note.lines()) and any(line.startswith("الأوزان: w") for line in arabic)


def test_a_contrast_keeps_a_readable_note(estimates):
    found = estimates.contrast("2 - 1")
    assert isinstance(found.note, Note) and "Contrast: 2 - 1" in str(found.note)
    assert "p" in str(found).splitlines()[0].split()


def test_html_is_escaped_and_in_both_directions():
    html = Note({"base": "(x < 1)", "warning": {"en": "a & b", "ar": "أ"}})._repr_html_()
    assert "(x &lt; 1)" in html and "a &amp; b" in html and "dir='rtl'" in html and "أ" in html


def test_warnings_reach_the_table_in_its_language():
    frame = pd.DataFrame({"w": [1.0] * 40, "sex": [1.0, 2.0] * 20, "pay": [float(i) for i in range(1, 41)]})
    gap = mr.Survey(frame, weights="w", codebook=BOOK).pay_gap("pay")
    assert "Only people with pay" in str(gap) and "العاملين بأجر" in str(gap.table("ar"))
