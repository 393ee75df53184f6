"""Repeat groups: sheets, CSV files beside the main one, columns side by side; persons made from households."""

import csv

import openpyxl
import pytest

from masar_research.errors import DataError
from masar_research.loading import read, rows_of
from masar_research.survey import Survey

SURVEY = [
    ["type", "name", "label::English (en)", "label::Arabic (ar)", "relevant"],
    ["integer", "size", "Household size", "حجم الأسرة", None],
    ["begin_repeat", "member", "Member", "الفرد", None],
    ["text", "first_name", "First name", "الاسم الأول", None],
    ["integer", "years", "Age", "العمر", None],
    ["select_one yn", "works", "Works?", "يعمل؟", "${years} >= 15"],
    ["begin_repeat", "job", "Job", "عمل", None],
    ["integer", "hours", "Hours", "الساعات", None],
    ["end_repeat", None, None, None, None],
    ["end_repeat", None, None, None, None],
]
CHOICES = [["list_name", "name", "label::English (en)", "label::Arabic (ar)"], ["yn", 1, "Yes", "نعم"], ["yn", 2, "No", "لا"]]
MAIN = [["size", "weight", "_index"], [2, 1.5, 1], [1, 2.5, 2], [3, 4.5, 3]]
MEMBERS = [
    ["member/first_name", "member/years", "member/works", "_index", "_parent_index"],
    ["Salma", 40, 1, 1, 1],
    ["Omar", 10, None, 2, 1],
    ["Rami", 30, 2, 3, 2],
]
JOBS = [["member/job/hours", "_index", "_parent_index"], [35, 1, 1], [8, 2, 1], [20, 3, 3]]


@pytest.fixture(autouse=True)
def no_cache(monkeypatch):
    monkeypatch.setenv("MASAR_NO_CACHE", "1")


def workbook(path, **sheets):
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    book.save(path)
    return path


def write(path, rows):
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([["" if cell is None else cell for cell in row] for row in rows])
    return path


@pytest.fixture
def form(tmp_path):
    return workbook(tmp_path / "form.xlsx", survey=SURVEY, choices=CHOICES)


def test_sheets_become_related_frames_that_join(tmp_path, form):
    raw = read(workbook(tmp_path / "d.xlsx", main=MAIN, member=MEMBERS, job=JOBS), form=form)
    assert raw.frame["size"].tolist() == [2, 1, 3] and set(raw.related) == {"member", "job"}
    assert raw.related["job"].parent == "member" and raw.related["member"].parent is None
    people = rows_of(raw, "member")
    assert people.frame[["years", "size", "weight"]].values.tolist() == [[40, 2, 1.5], [10, 2, 1.5], [30, 1, 2.5]]
    assert people.codebook.label("size", "ar") == "حجم الأسرة" and people.codebook["works"].universe == "years >= 15"
    jobs = rows_of(raw, "job")
    assert jobs.frame[["hours", "years", "size"]].values.tolist() == [[35, 40, 2], [8, 40, 2], [20, 30, 1]]
    assert "Salma" not in people.frame.astype("str").to_csv()


def test_a_survey_of_persons(tmp_path, form):
    raw = read(workbook(tmp_path / "d.xlsx", main=MAIN, member=MEMBERS, job=JOBS), form=form)
    people = rows_of(raw, "member")
    survey = Survey(people.frame, weights="weight", psu="parent___index", codebook=people.codebook)
    assert survey.mean("years").frame["estimate"][0] == pytest.approx((40 * 1.5 + 10 * 1.5 + 30 * 2.5) / 5.5)
    assert survey.design.n_units == 2


def test_csv_files_beside_the_main_one(tmp_path, form):
    write(tmp_path / "hh.csv", [["size", "weight", "KEY"], [2, 1.5, "uuid:a"], [1, 2.5, "uuid:b"]])
    write(
        tmp_path / "hh-member.csv",
        [["first_name", "years", "works", "PARENT_KEY", "KEY"], ["Salma", 40, 1, "uuid:a", "uuid:a/1"], ["X", 30, 2, "uuid:gone", "y"]],
    )
    raw = read(tmp_path / "hh.csv", form=form)
    people = rows_of(raw, "member")
    assert people.frame["years"].tolist() == [40] and people.frame["size"].tolist() == [2]
    assert next(note for note in people.notes if note.kind == "orphans").en.startswith("1 entries")
    assert next(note for note in raw.notes if note.kind == "repeats_absent").columns == ("job",)


def test_columns_side_by_side(tmp_path, form):
    rows = [
        ["size", "KEY", "first_name_1", "years_1", "works_1", "first_name_2", "years_2", "works_2"],
        [2, "uuid:a", "Salma", 40, 1, "Omar", 10, None],
        [1, "uuid:b", "Rami", 30, 2, None, None, None],
    ]
    raw = read(write(tmp_path / "wide.csv", rows), form=form)
    people = rows_of(raw, "member")
    assert people.frame["years"].tolist() == [40, 10, 30] and people.frame["size"].tolist() == [2, 2, 1]
    assert people.frame["_entry"].tolist() == [1, 2, 1]
    everything = raw.frame.astype("str").to_csv() + people.frame.astype("str").to_csv()
    assert not any(name in everything for name in ("Salma", "Omar", "Rami"))


def test_a_repeat_without_links_or_of_no_such_name(tmp_path, form):
    raw = read(workbook(tmp_path / "d.xlsx", main=MAIN, member=[["member/years"], [4]]), form=form)
    assert not raw.related and any(note.kind == "repeats_untied" for note in raw.notes)
    raw = read(workbook(tmp_path / "e.xlsx", main=MAIN), form=form)
    with pytest.raises(DataError, match="no repeat group 'x'"):
        rows_of(raw, "x")


def test_a_wave_of_a_card_may_be_persons_and_keep_a_personal_column(tmp_path, form):
    from types import SimpleNamespace

    from masar_research.loading.card_parts import Wave
    from masar_research.loading.load import read_wave

    workbook(tmp_path / "d.xlsx", main=MAIN, member=MEMBERS, job=JOBS)
    facts = {"file": "d.xlsx", "form": "form.xlsx", "fieldwork": {"start": "2026-03-01", "end": "2026-03-02"}}
    plain = Wave(**facts, repeat="member")
    named = Wave(**facts, repeat="member", keep_personal=("first_name",))
    card = SimpleNamespace(waves={1: plain, 2: named}, path=tmp_path / "card.yml")
    assert len(read_wave(card, 1).frame) == 3 and "first_name" not in read_wave(card, 1).frame
    assert read_wave(card, 2).frame["first_name"].tolist() == ["Salma", "Omar", "Rami"]


def test_decimal_commas_of_a_repeat_group(tmp_path):
    form = workbook(
        tmp_path / "f.xlsx",
        survey=[["type", "name", "label"], ["integer", "size", "Size"], ["begin_repeat", "plot", "Plot"], ["decimal", "area", "Area"],
                ["text", "crop", "Crop"], ["end_repeat", None, None]],
    )  # fmt: skip
    (tmp_path / "d.csv").write_text("size;KEY\n2;a\n")
    (tmp_path / "d-plot.csv").write_text("area;crop;PARENT_KEY;KEY\n1,5;1,234;a;a1\n0,25;2,345;a;a2\n")
    plots = read(tmp_path / "d.csv", form=form).related["plot"].frame
    assert plots["area"].tolist() == [1.5, 0.25] and plots["crop"].tolist() == ["1,234", "2,345"]
    (tmp_path / "d-plot.csv").write_text("area;crop;PARENT_KEY;KEY\n1,500;x;a;a1\n")
    with pytest.raises(DataError, match="decimal="):
        read(tmp_path / "d.csv", form=form)
    assert read(tmp_path / "d.csv", form=form, decimal=",").related["plot"].frame["area"].tolist() == [1.5]
