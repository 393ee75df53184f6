"""Several versions of a form: their union, what moved, and contradictions somebody has to decide."""

import csv

import openpyxl
import pytest

from masar_research.errors import DataError
from masar_research.loading import read


@pytest.fixture(autouse=True)
def no_cache(monkeypatch):
    monkeypatch.setenv("MASAR_NO_CACHE", "1")


def form(path, survey, choices, version=None):
    book = openpyxl.Workbook()
    book.remove(book.active)
    sheets = {
        "survey": [["type", "name", "label::English (en)", "label::Arabic (ar)", "relevant"], *survey],
        "choices": [["list_name", "name", "label::English (en)", "label::Arabic (ar)"], *choices],
        "settings": [["form_id", "version"], ["f", version]],
    }
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    book.save(path)
    return path


def data(path, rows):
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([["" if cell is None else cell for cell in row] for row in rows])
    return path


WORK = [["w", 1, "Employed", "مشتغل"], ["w", 2, "Unemployed", "متعطل"], ["w", 3, "Student", "طالب"], ["w", 8, "Other", "أخرى"]]
V1 = [
    ["integer", "age", "Age", "العمر", None], ["select_one w", "work", "Work?", "العمل؟", None],
    ["text", "gone", "Gone", "ذهب", None], ["integer", "size", "Size", "الحجم", "${age} > 10"],
]  # fmt: skip


def test_the_union_of_questions_and_choices(tmp_path):
    later = [["w", 1, "Employed.", "مشتغل"], ["w", 2, "Unemployed", "متعطّل"], ["w", 9, "Other", "أخرى"], ["w", 4, "Retired", "متقاعد"]]
    v2 = [
        ["begin_group", "g", "G", "م", None], ["decimal", "age", "Age in years", "العمر بالسنوات", None],
        ["select_one w", "work", "Work?", "العمل؟", None], ["end_group", None, None, None, None],
        ["integer", "size", "Size", "الحجم", "${age} > 15"], ["integer", "fresh", "Fresh", "جديد", None],
    ]  # fmt: skip
    forms = [form(tmp_path / "v1.xlsx", V1, WORK), form(tmp_path / "v2.xlsx", v2, later)]
    rows = [["age", "g/age", "work", "g/work", "gone", "size", "fresh"], [30, None, 3, None, "x", 4, None], [None, 40.5, None, 9, None, 5, 1]]
    raw = read(data(tmp_path / "d.csv", rows), form=forms, personal=["gone"])
    assert raw.frame["age"].tolist() == [30, 40.5] and raw.frame["work"].tolist() == [3, 9]
    assert list(raw.frame.columns) == ["age", "work", "gone", "size", "fresh"]
    assert raw.codebook.label("age", "ar") == "العمر بالسنوات"
    assert [c.code for c in raw.codebook["work"].categories] == [1, 2, 9, 4, 3, 8]
    assert raw.codebook["size"].universe == "age > 15"
    kinds = {note.kind: note for note in raw.notes}
    assert "«Other» was 8, is 9" in kinds["choices_moved"].en and "كان 8 وصار 9" in kinds["choices_moved"].ar
    assert set(kinds["versions_union"].columns) == {"gone", "fresh"}
    assert set(kinds["questions_moved"].columns) == {"age", "work"} and kinds["conditions_differ"].columns == ("size",)


CLASH = [["w", 1, "Employed", "مشتغل"], ["w", 2, "Student", "طالب"], ["w", 3, "Unemployed", "متعطل"]]
CHOOSE = [["select_one w", "work", "Work?", "العمل؟", None], ["select_multiple w", "all", "All", "الكل", None]]


def test_codes_that_mean_something_else_need_a_decision(tmp_path):
    forms = [form(tmp_path / "v1.xlsx", CHOOSE, WORK, "v1"), form(tmp_path / "v2.xlsx", CHOOSE, CLASH, "v2")]
    path = data(tmp_path / "d.csv", [["work", "all", "all/2", "__version__"], [2, "2 3", 1, "v1"], [2, "1 2", 1, "v2"]])
    with pytest.raises(DataError) as caught:
        read(path, form=forms)
    assert "code 2 of work is «Unemployed» in v1.xlsx and «Student» in v2.xlsx" in caught.value.what
    assert 'decide={"work": "same"}' in caught.value.remedy and "«متعطل»" in caught.value.ar
    with pytest.raises(DataError, match="of all is"):
        read(path, form=forms, decide={"work": "same"})
    both = read(path, form=forms, decide={"work": "same", "all": "same"})
    assert both.frame["work"].tolist() == [2, 2] and both.codebook.category("work", 2, "en") == "Student"
    raw = read(path, form=forms, decide={"work": "split", "all": "split"})
    assert raw.frame["work"].fillna(-1).tolist() == [-1, 2] and raw.frame["work__v1"].fillna(-1).tolist() == [2, -1]
    assert raw.codebook.category("work__v1", 2, "ar") == "متعطل" and raw.codebook.category("work", 2, "ar") == "طالب"
    assert raw.frame["all__v1__2"].fillna(-1).tolist() == [1, -1] and raw.frame["all__2"].fillna(-1).tolist() == [-1, 1]
    assert raw.frame["all__v1__3"].fillna(-1).tolist() == [1, -1]
    assert sum(note.kind == "version_split" for note in raw.notes) == 2


def test_three_versions_are_split_where_the_meaning_changed(tmp_path):
    one = [CHOOSE[0]]
    forms = [form(tmp_path / f"v{k}.xlsx", one, c, f"v{k}") for k, c in ((1, WORK), (2, WORK), (3, CLASH))]
    path = data(tmp_path / "d.csv", [["work", "formdef_version"], [2, "v1"], [2, "v2"], [2, "v3"]])
    raw = read(path, form=forms, decide={"work": "split"})
    assert raw.frame["work__v2"].fillna(-1).tolist() == [2, 2, -1] and raw.frame["work"].fillna(-1).tolist() == [-1, -1, 2]


def test_another_type_is_a_contradiction_and_a_calculation_is_not(tmp_path):
    v1 = form(tmp_path / "v1.xlsx", [["integer", "a", "A", "أ", None], ["integer", "b", "B", "ب", None]], [])
    v2 = form(tmp_path / "v2.xlsx", [["text", "a", "A", "أ", None], ["calculate", "b", None, None, None]], [])
    path = data(tmp_path / "d.csv", [["a", "b"], [1, 2], ["x", 3]])
    with pytest.raises(DataError, match="a is integer in v1.xlsx and text in v2.xlsx") as caught:
        read(path, form=[v1, v2])
    assert "b is" not in caught.value.what
    assert read(path, form=[v1, v2], decide={"a": "same"}).codebook.label("b", "ar") == "ب"


def test_decisions_that_decide_nothing_are_refused(tmp_path):
    v1 = form(tmp_path / "v1.xlsx", CHOOSE, WORK)
    path = data(tmp_path / "d.csv", [["work"], [1]])
    for decide, word in (({"work": "same"}, "nothing to decide"), ({"x": "same"}, "no question"), ({"work": "maybe"}, "'maybe'")):
        with pytest.raises(DataError, match=word):
            read(path, form=[v1, v1], decide=decide)
    with pytest.raises(DataError, match="only one form"):
        read(path, form=v1, decide={"work": "same"})
    with pytest.raises(DataError, match="empty list"):
        read(path, form=[])
    clash = form(tmp_path / "v2.xlsx", CHOOSE, CLASH)
    with pytest.raises(DataError, match="does not say which version it is"):
        read(path, form=[v1, clash], decide={"work": "split", "all": "same"})
    named = form(tmp_path / "v3.xlsx", CHOOSE, WORK, "v1")
    with pytest.raises(DataError, match="which version of the form each row"):
        read(path, form=[named, clash], decide={"work": "split", "all": "same"})


def test_the_same_form_twice_changes_nothing_but_a_note(tmp_path):
    v1 = form(tmp_path / "v1.xlsx", V1, WORK)
    path = data(tmp_path / "d.csv", [["age", "work", "size"], [30, 1, 4]])
    once, twice = read(path, form=v1), read(path, form=[v1, v1])
    assert once.checksum == twice.checksum and once.codebook == twice.codebook


def test_a_repeat_in_one_version_only_is_refused(tmp_path):
    v1 = form(tmp_path / "v1.xlsx", [["integer", "a", "A", "أ", None]], [])
    v2 = form(tmp_path / "v2.xlsx", [["begin_repeat", "r", "R", "ر", None], ["integer", "a", "A", "أ", None], ["end_repeat", None, None, None, None]], [])
    with pytest.raises(DataError, match="repeat group in one version"):
        read(data(tmp_path / "d.csv", [["a"], [1]]), form=[v1, v2])
