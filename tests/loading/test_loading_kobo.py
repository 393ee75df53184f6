"""KoBo and ODK exports with their XLSForm, in the spellings met in the field."""

import numpy as np
import openpyxl
import pytest

from masar_research.errors import DataError
from masar_research.expressions import parse, truth
from masar_research.loading import read
from masar_research.loading.xlsform import language_of, read_form


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


SURVEY = [
    ["type", "name", "label::English (en)", "label::Arabic (ar)", "relevant"],
    ["start", "start", None, None, None],
    ["deviceid", "deviceid", None, None, None],
    ["begin_group", "person", "Person", "الشخص", None],
    ["text", "full_name", "Full name", "الاسم الكامل", None],
    ["text", "remark", "What is your mobile number?", "ما رقم الهاتف؟", None],
    ["integer", "age", "Age", "العمر", None],
    ["select_one sex", "sex", "Sex", "الجنـــس", None],
    ["end_group", None, None, None, None],
    ["begin group", "work", "Work", "العمل", "${age} >= 15"],
    ["select_one yn", "worked", "Worked?", "هل عملت؟", None],
    [
        "select_multiple how",
        "search",
        "How did you look?",
        "كيف بحثت؟",
        "${worked} = '2' and ${sex} != 'male'",
    ],
    ["text", "other", "Other way", "طريقة أخرى", "selected(${search}, 'other')"],
    [
        "select_one yn",
        "own_mobile",
        "Own a mobile phone?",
        "هل تملك هاتفاً محمولاً؟",
        "not(selected(${search}, 'cv'))",
    ],
    ["end group", None, None, None, None],
    ["geopoint", "where", "Where", "أين", None],
    ["note", "thanks", "Thank you", "شكراً", None],
]
CHOICES = [
    ["list_name", "name", "label::English (en)", "label::Arabic (ar)"],
    ["sex", "male", "Male", "ذكر"],
    ["sex", "female", "Female", "أنثى"],
    ["yn", 1, "Yes", "نعم"],
    ["yn", 2, "No", "لا"],
    ["how", "cv", "Sent a CV", "أرسلت سيرة"],
    ["how", "other", "Other", "أخرى"],
]
HEADER = [
    "start",
    "deviceid",
    "person/full_name",
    "person/remark",
    "person/age",
    "person/sex",
    "work/worked",
    "work/search",
    "work/search/cv",
    "work/search/other",
    "work/other",
    "work/own_mobile",
    "where",
    "_where_latitude",
    "_where_longitude",
    "_id",
    "_uuid",
    "_submitted_by",
]
ROWS = [
    [
        "2026-03-01T10:00:00.000+03:00",
        "dev1",
        "A B",
        "0791234567",
        34,
        "female",
        2,
        "cv other",
        1,
        1,
        "asked",
        1,
        "31.9 35.9 0 0",
        31.9,
        35.9,
        1,
        "u1",
        "me",
    ],
    [
        "2026-03-01T11:00:00.000+03:00",
        "dev2",
        "C D",
        "0791234568",
        20,
        "male",
        1,
        None,
        None,
        None,
        None,
        2,
        "31.9 35.9 0 0",
        31.9,
        35.9,
        2,
        "u2",
        "me",
    ],
    [
        "2026-03-02T11:00:00.000+03:00",
        "dev3",
        "E F",
        "0791234569",
        12,
        "female",
        None,
        None,
        None,
        None,
        None,
        None,
        None,
        None,
        None,
        3,
        "u3",
        "me",
    ],
]


@pytest.fixture
def form(tmp_path):
    return workbook(tmp_path / "form.xlsx", survey=SURVEY, choices=CHOICES, settings=[["form_title"], ["x"]])


def export(tmp_path, header=HEADER, rows=ROWS, name="export.xlsx"):
    return workbook(tmp_path / name, data=[header, *rows])


def test_names_labels_codes_and_types(tmp_path, form):
    raw = read(export(tmp_path), form=form)
    assert {
        "start",
        "age",
        "sex",
        "worked",
        "search",
        "search__cv",
        "search__other",
        "own_mobile",
        "_id",
        "_uuid",
    } == set(raw.frame.columns)
    assert raw.codebook.label("sex", "ar") == "الجنس" and raw.codebook.question("sex", "en") == "Sex"
    assert raw.frame["worked"].dtype == float and raw.codebook.category("worked", 1, "ar") == "نعم"
    assert (
        raw.frame["sex"].tolist() == ["female", "male", "female"]
        and raw.codebook.category("sex", "female", "en") == "Female"
    )
    assert raw.frame["start"].dtype == "datetime64[us]"
    assert raw.codebook.label("search__cv", "ar") == "كيف بحثت؟: أرسلت سيرة"
    assert np.array_equal(raw.frame["search__cv"], [1, np.nan, np.nan], equal_nan=True)


def test_personal_columns_are_set_aside_and_named(tmp_path, form):
    raw = read(export(tmp_path), form=form)
    aside = next(note for note in raw.notes if note.kind == "set_aside")
    assert set(aside.columns) == {
        "deviceid",
        "person/full_name",
        "person/remark",
        "work/other",
        "where",
        "_where_latitude",
        "_where_longitude",
        "_submitted_by",
    }
    assert "own_mobile" in raw.frame.columns
    content = raw.frame.astype("str").to_csv()
    assert not any(secret in content for secret in ("0791234567", "A B", "dev1", "31.9"))


@pytest.mark.parametrize(
    "respell",
    [
        lambda h: h,
        lambda h: h.replace("/", "."),
        lambda h: h.replace("/", "-"),
        lambda h: h.replace("person/", "").replace("work/", ""),
    ],
)
def test_group_prefixes_in_every_spelling(tmp_path, form, respell):
    raw = read(export(tmp_path, [respell(h) for h in HEADER]), form=form)
    reference = read(export(tmp_path, name="b.xlsx"), form=form)
    assert raw.frame.equals(reference.frame)


def test_true_and_false_and_unsplit_multiselects_agree(tmp_path, form):
    reference = read(export(tmp_path), form=form).frame
    words = [
        [{1: "TRUE", 0: "FALSE"}.get(cell, cell) if k in (8, 9) else cell for k, cell in enumerate(row)]
        for row in ROWS
    ]
    assert read(export(tmp_path, rows=words, name="b.xlsx"), form=form).frame.equals(reference)
    keep = [k for k in range(len(HEADER)) if k not in (8, 9)]
    joined = read(
        export(tmp_path, [HEADER[k] for k in keep], [[row[k] for k in keep] for row in ROWS], "c.xlsx"),
        form=form,
    ).frame
    assert joined["search__cv"].equals(reference["search__cv"]) and joined["search__other"].equals(
        reference["search__other"]
    )


def test_csv_export_and_form_sheets_as_csv(tmp_path, form):
    import csv

    for name, rows in (("survey.csv", SURVEY), ("choices.csv", CHOICES), ("export.csv", [HEADER, *ROWS])):
        with (tmp_path / name).open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([["" if cell is None else cell for cell in row] for row in rows])
    raw = read(tmp_path / "export.csv", form=(tmp_path / "survey.csv", tmp_path / "choices.csv"))
    other = read(export(tmp_path), form=form)
    assert raw.checksum == other.checksum


def test_labels_instead_of_names_are_understood(tmp_path, form):
    header = ["Age" if h == "person/age" else "الجنس" if h == "person/sex" else h for h in HEADER]
    rows = [[{"female": "أنثى", "male": "Male"}.get(cell, cell) for cell in row] for row in ROWS]
    raw = read(export(tmp_path, header, rows), form=form)
    assert raw.frame["sex"].tolist() == ["female", "male", "female"] and raw.frame["age"].tolist() == [
        34,
        20,
        12,
    ]


def test_conditions_become_universes(tmp_path, form):
    raw = read(export(tmp_path), form=form)
    assert raw.codebook["worked"].universe == "age >= 15"
    assert (
        raw.codebook["search__cv"].universe
        == "age >= 15 and (worked == 2 and (missing(sex) or sex != 'male'))"
    )
    assert raw.codebook["own_mobile"].universe == "age >= 15 and (missing(search__cv) or search__cv != 1)"
    columns = {name: raw.frame[name].to_numpy() for name in raw.frame.columns}
    for name in ("worked", "search__cv"):
        asked = truth(raw.codebook[name].universe, columns)
        assert not raw.frame[name][~asked].notna().any() and raw.frame[name][asked].notna().all()


@pytest.mark.parametrize(
    "name, lang",
    [
        ("Arabic (ar)", "ar"),
        ("English (en)", "en"),
        ("Arabic", "ar"),
        ("english", "en"),
        ("العربية", "ar"),
        ("العربية (ar)", "ar"),
        ("ar", "ar"),
        ("EN", "en"),
        ("Arabic (ar-JO)", "ar"),
        ("French (fr)", None),
    ],
)
def test_language_names(name, lang):
    assert language_of(name) == lang


@pytest.mark.parametrize(
    "columns",
    [
        ("label::English (en)", "label::Arabic (ar)"),
        ("label:English", "label:Arabic"),
        ("label::en", "label::ar"),
        ("Label :: English", "LABEL::العربية"),
        ("label", "label::Arabic"),
    ],
)
def test_label_columns_in_every_spelling(tmp_path, columns):
    survey = [["type", "name", *columns], ["integer", "age", "Age", "العمر"]]
    form = read_form(workbook(tmp_path / "f.xlsx", survey=survey))
    assert dict(form.questions[0].label) == {"en": "Age", "ar": "العمر"}


def test_a_plain_label_takes_the_form_default_language_or_its_letters(tmp_path):
    form = read_form(
        workbook(
            tmp_path / "f.xlsx",
            survey=[["type", "name", "label"], ["text", "a", "Alpha"]],
            settings=[["default_language"], ["Arabic (ar)"]],
        )
    )
    assert dict(form.questions[0].label) == {"ar": "Alpha"}
    form = read_form(
        workbook(
            tmp_path / "g.xlsx",
            survey=[["type", "name", "label"], ["text", "a", "عمر"], ["text", "b", "Age"]],
        )
    )
    assert [dict(q.label) for q in form.questions] == [{"ar": "عمر"}, {"en": "Age"}]


def test_strange_codes_and_double_codes_are_noted_not_dropped(tmp_path):
    form = workbook(
        tmp_path / "f.xlsx",
        survey=[["type", "name", "label"], ["select_one l", "q", "Q"]],
        choices=[["list name", "name", "label"], ["l", "a", "One"], ["l", "a", "Uno"], ["l", "b", "Two"]],
    )
    raw = read(workbook(tmp_path / "d.xlsx", data=[["q"], ["a"], ["zz"], [None], ["NA"]]), form=form)
    assert raw.frame["q"].fillna("-").tolist() == ["a", "zz", "-", "-"]
    assert {note.kind for note in raw.notes} == {"choice_twice", "not_in_list"}
    assert raw.codebook.category("q", "a", "en") == "One / Uno"


def test_a_name_two_groups_share_keeps_its_groups(tmp_path):
    survey = [
        ["type", "name", "label"],
        ["begin_group", "g", ""],
        ["integer", "n", "N"],
        ["end_group", None, None],
        ["begin_group", "h", ""],
        ["integer", "n", "N"],
        ["end_group", None, None],
    ]
    raw = read(
        workbook(tmp_path / "d.xlsx", data=[["g/n", "h/n"], [1, 2]]),
        form=workbook(tmp_path / "f.xlsx", survey=survey),
    )
    assert raw.frame.to_dict("list") == {"g__n": [1.0], "h__n": [2.0]}


def test_two_exports_with_other_time_stamps_are_one_content(tmp_path, form):
    first, second = read(export(tmp_path), form=form), read(export(tmp_path, name="b.xlsx"), form=form)
    assert first.checksum == second.checksum


@pytest.mark.parametrize(
    "sheets, word",
    [
        ({"questions": [["a"], [1]]}, "no sheet 'survey'"),
        ({"survey": [["kind", "name"], ["text", "a"]]}, "no column type"),
        ({"survey": [["type", "name"], ["begin_group", "g"], ["text", "a"]]}, "does not close"),
        ({"survey": [["type", "name"], ["end_group", None], ["text", "a"]]}, "not opened"),
        ({"survey": [["type", "name"], ["select_one gone", "a"]]}, "'gone'"),
        (
            {
                "survey": [["type", "name"], ["select_one l", "a"]],
                "choices": [["list_name", "label"], ["l", "x"]],
            },
            "no column name",
        ),
    ],
)
def test_broken_forms_are_errors(tmp_path, sheets, word):
    with pytest.raises(DataError, match=word) as caught:
        read_form(workbook(tmp_path / "f.xlsx", **sheets))
    assert caught.value.remedy


def test_an_export_without_its_form_still_keeps_personal_columns_out(tmp_path):
    raw = read(export(tmp_path))
    aside = next(note for note in raw.notes if note.kind == "set_aside")
    assert {"deviceid", "person/full_name", "_where_latitude", "_submitted_by"} <= set(aside.columns)
    assert any(note.kind == "no_form" for note in raw.notes) and "person/age" in raw.frame.columns
    plain = read(workbook(tmp_path / "d.xlsx", data=[["name", "x"], ["Adams", 1]]))
    assert list(plain.frame.columns) == ["x"] and [note.kind for note in plain.notes] == ["set_aside"]
    asked = read(tmp_path / "d.xlsx", personal=["name"])
    assert list(asked.frame.columns) == ["name", "x"]


def test_a_repeat_group_is_read_from_its_own_sheet(tmp_path):
    survey = [
        ["type", "name", "label"],
        ["integer", "n", "N"],
        ["begin_repeat", "roster", "R"],
        ["integer", "years", "Age"],
        ["end_repeat", None, None],
    ]
    form = workbook(tmp_path / "f.xlsx", survey=survey)
    path = workbook(
        tmp_path / "d.xlsx", main=[["n"], [2]], roster=[["roster/years", "_parent_index"], [4, 1], [40, 1]]
    )
    assert read(path, form=form).frame.to_dict("list") == {"n": [2.0]}
    rows = read(path, form=form, sheet="roster")
    assert rows.frame["years"].tolist() == [4, 40] and rows.codebook.label("years", "en") == "Age"


def test_form_and_data_of_two_projects(tmp_path, form):
    with pytest.raises(DataError, match="No column"):
        read(workbook(tmp_path / "d.xlsx", data=[["x", "y"], [1, 2]]), form=form)


def test_a_multiselect_that_holds_neither_yes_nor_no(tmp_path, form):
    rows = [[("maybe" if k == 8 else cell) for k, cell in enumerate(row)] for row in ROWS]
    with pytest.raises(DataError, match="of the form xxxxx"):
        read(export(tmp_path, rows=rows), form=form)


def test_a_form_belongs_to_an_export(tmp_path, form):
    (tmp_path / "a.sav").write_bytes(b"$FL2")
    with pytest.raises(DataError, match="not a KoBo"):
        read(tmp_path / "a.sav", form=form)
    with pytest.raises(DataError, match="no file"):
        read(export(tmp_path), form=tmp_path / "gone.xlsx")
    with pytest.raises(DataError, match="1 files"):
        read(export(tmp_path), form=(form,))
