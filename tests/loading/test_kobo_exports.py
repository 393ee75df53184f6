"""Exports in other clothes: labels for codes, SurveyCTO's columns, matrices, scores, ranks, choice files, strange codes."""

import csv

import openpyxl
import pytest

from masar_research.errors import DataError
from masar_research.loading import read
from masar_research.loading.kobo_answers import _taken_apart
from masar_research.loading.xlsform import read_form

SURVEY = [
    ["type", "name", "label::English (en)", "label::Arabic (ar)", "hint::English (en)", "hint::Arabic (ar)", "relevant"],
    ["begin_group", "home", "Home", "المنزل", None, None, None],
    ["select_one yn", "owns", "Owns a home?", "هل تملك منزلاً؟", "Read aloud", "اقرأ السؤال", None],
    ["select_multiple how", "search", "How did you look?", "كيف بحثت؟", None, None, "${owns} = '2'"],
    ["end_group", None, None, None, None, None, None],
    ["begin_group", "farm", "Farm", "المزرعة", None, None, None],
    ["integer", "rooms", "How many?", "كم العدد؟", None, None, None],
    ["end_group", None, None, None, None, None, None],
    ["begin_group", "shop", "Shop", "الدكان", None, None, None],
    ["integer", "staff", "How many?", "كم العدد؟", None, None, None],
    ["end_group", None, None, None, None, None, None],
]
CHOICES = [
    ["list_name", "name", "label::English (en)", "label::Arabic (ar)"],
    ["yn", 1, "Yes", "نعم"], ["yn", 2, "No", "لا"],
    ["how", 1, "Sent a CV", "أرسلت سيرة"], ["how", 2, "Asked friends", "سألت الأصدقاء"], ["how", -77, "Other", "أخرى"],
]  # fmt: skip


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


def write(path, rows, encoding="utf-8"):
    with path.open("w", newline="", encoding=encoding) as file:
        csv.writer(file).writerows([["" if cell is None else cell for cell in row] for row in rows])
    return path


@pytest.fixture
def form(tmp_path):
    return workbook(tmp_path / "form.xlsx", survey=SURVEY, choices=CHOICES)


XML = [
    ["home/owns", "home/search", "home/search/1", "home/search/2", "home/search/-77", "farm/rooms", "shop/staff"],
    [2, "1 -77", 1, 0, 1, 3, 9],
    [1, None, None, None, None, 4, 8],
    [2, "2", 0, 1, 0, 5, 7],
]
EN = [
    ["Home/Owns a home?", "Home/How did you look?", "Home/How did you look?/Sent a CV", "Home/How did you look?/Asked friends",
     "Home/How did you look?/Other", "Farm/How many?", "Shop/How many?"],
    ["No", "Sent a CV Other", 1, 0, 1, 3, 9], ["Yes", None, None, None, None, 4, 8], ["No", "Asked friends", 0, 1, 0, 5, 7],
]  # fmt: skip
AR = [
    ["هل تملك منزلاً؟", "كيف بحثت؟", "كيف بحثت؟/أرسلت سيرة", "كيف بحثت؟/سألت الأصدقاء", "كيف بحثت؟/أخرى", "farm/rooms", "shop/staff"],
    ["لا", "أرسلت سيرة أخرى", 1, 0, 1, 3, 9], ["نعم", None, None, None, None, 4, 8], ["لا", "سألت الأصدقاء", 0, 1, 0, 5, 7],
]  # fmt: skip
SURVEYCTO = [
    ["owns", "search", "search_1", "search_2", "search_-77", "rooms", "staff"],
    *XML[1:],
]
STATA = [["owns", "search", "search_1", "search_2", "search__77", "rooms", "staff"], *XML[1:]]


@pytest.mark.parametrize("rows", [EN, AR, SURVEYCTO, STATA], ids=["english", "arabic", "surveycto", "stata"])
def test_every_dress_gives_the_frame_of_the_xml_export(tmp_path, form, rows):
    plain = read(write(tmp_path / "xml.csv", XML), form=form)
    other = read(write(tmp_path / "other.csv", rows), form=form)
    assert list(plain.frame.columns) == [
        "owns", "search", "search__1", "search__2", "search___77", "rooms", "staff"]  # fmt: skip
    assert other.frame.equals(plain.frame)
    assert {n: (v.label, v.categories, v.universe) for n, v in other.codebook.items()} == {
        n: (v.label, v.categories, v.universe) for n, v in plain.codebook.items()
    }
    assert any(note.kind == "label_headers" for note in other.notes) == (rows in (EN, AR))


def test_without_option_columns_the_labels_are_taken_apart(tmp_path, form):
    plain = read(write(tmp_path / "xml.csv", XML), form=form)
    raw = read(write(tmp_path / "l.csv", [row[:2] + row[5:] for row in EN]), form=form)
    assert raw.frame.equals(plain.frame)


def test_labels_that_read_in_two_ways_are_left():
    owners = {"a b": "1", "a": "2", "b": "3", "c": "4"}
    assert _taken_apart("a b", owners) is None and _taken_apart("c, a", owners) == "4 2"
    assert _taken_apart("d", owners) is None and _taken_apart("", owners) is None


def test_a_label_two_codes_share_gives_no_code(tmp_path):
    choices = [["list_name", "name", "label"], ["w", 1, "Other"], ["w", 2, "other "], ["w", 3, "Work"]]
    form = workbook(tmp_path / "f.xlsx", survey=[["type", "name", "label"], ["select_one w", "q", "Where?"]], choices=choices)
    raw = read(write(tmp_path / "a.csv", [["q"], ["Other"], ["Work"]]), form=form)
    assert raw.frame["q"].tolist() == ["Other", "3"]
    assert next(note for note in raw.notes if note.kind == "labels_shared").columns == ("q",)


def test_hints_stand_in_the_codebook_beside_conditions(tmp_path, form):
    book = read(write(tmp_path / "xml.csv", XML), form=form).codebook
    assert dict(book["owns"].note) == {"en": "Hint: Read aloud", "ar": "إرشاد: اقرأ السؤال"}
    assert book["rooms"].note is None


def test_codes_outside_the_list_get_columns_of_their_own(tmp_path, form):
    rows = [["owns", "search", "search/1", "search/9"], [2, "1 9", 1, 1], [2, "8", 0, 0], [2, "2", 0, 0]]
    raw = read(write(tmp_path / "a.csv", rows), form=form)
    assert raw.frame["search__9"].tolist() == [1, 0, 0] and raw.frame["search__8"].tolist() == [0, 1, 0]
    assert raw.codebook.label("search__9", "ar") == "كيف بحثت؟: 9"
    assert set(raw.codebook.sets["search"].variables) >= {"search__8", "search__9"}
    assert "9, 8" in next(note.en for note in raw.notes if note.kind == "not_in_list")


def test_free_text_in_a_multi_select_makes_no_columns(tmp_path, form):
    raw = read(write(tmp_path / "a.csv", [["search"], ["1 Ahmad@home"], ["2 0791234567"]]), form=form)
    assert [c for c in raw.frame.columns if "__" in c] == ["search__1", "search__2", "search___77"]


def test_a_question_with_an_options_name_is_no_option(tmp_path):
    survey = [["type", "name", "label"], ["select_multiple how", "q", "Q"], ["integer", "q_1", "Number"]]
    form = workbook(tmp_path / "f.xlsx", survey=survey, choices=[["list_name", "name", "label"], ["how", 1, "A"], ["how", 2, "B"]])
    raw = read(write(tmp_path / "a.csv", [["q", "q_1", "q_2"], ["1 2", 7, 1], ["1", 1, 0]]), form=form)
    assert raw.frame["q_1"].tolist() == [7, 1] and raw.frame["q__1"].tolist() == [1, 1] and raw.frame["q__2"].tolist() == [1, 0]


KOBO = [
    ["type", "name", "label::English (en)", "label::Arabic (ar)", "kobo--matrix_list", "kobo--score-choices", "kobo--rank-items", "relevant"],
    ["begin_kobomatrix", "m", "Things", "أشياء", "things", None, None, None],
    ["select_one yn", "has", "Has it?", "هل يملكه؟", None, None, None, None],
    ["integer", "count", "How many?", "كم؟", None, None, None, "${has} = '1'"],
    ["end_kobomatrix", None, None, None, None, None, None, None],
    ["begin_score", "trust", "Trust", "الثقة", None, "yn", None, None],
    ["score__row", "police", "Police", "الشرطة", None, None, None, None],
    ["score__row", "courts", "Courts", "المحاكم", None, None, None, None],
    ["end_score", None, None, None, None, None, None, None],
    ["begin_rank", "needs", "Needs", "الحاجات", None, None, "things", None],
    ["rank__level", "first", "First", "الأولى", None, None, None, None],
    ["end_rank", None, None, None, None, None, None, None],
]
THINGS = [*CHOICES, ["things", "car", "Car", "سيارة"], ["things", "tv", "TV", "تلفاز"]]


def test_matrix_score_and_rank_groups_of_kobo(tmp_path):
    form = workbook(tmp_path / "f.xlsx", survey=KOBO, choices=THINGS)
    rows = [
        ["m_car/m_car_has", "m_car/m_car_count", "m_tv/m_tv_has", "m_tv/m_tv_count", "trust/police", "trust/courts", "needs/first"],
        [1, 2, 2, None, 1, 2, "tv"],
    ]
    raw = read(write(tmp_path / "a.csv", rows), form=form)
    assert raw.frame.iloc[0, :3].tolist() == [1, 2, 2] and not any(note.kind == "not_in_data" for note in raw.notes)
    assert raw.codebook.label("m_car_has", "ar") == "أشياء — سيارة: هل يملكه؟"
    assert raw.codebook["m_car_count"].universe == "m_car_has == 1" and raw.codebook["m_tv_count"].universe == "m_tv_has == 1"
    assert raw.codebook.category("police", 1, "en") == "Yes" and raw.codebook.label("courts", "ar") == "المحاكم"
    assert raw.codebook.category("first", "tv", "ar") == "تلفاز"


def test_a_score_without_its_list_is_named(tmp_path):
    form = workbook(tmp_path / "f.xlsx", survey=KOBO, choices=[row for row in THINGS if row[0] != "yn"])
    with pytest.raises(DataError, match="'yn'") as caught:
        read_form(form)
    assert "قائمة الخيارات" in str(caught.value)


FROM_FILE = [
    ["type", "name", "label", "parameters", "label::Arabic (ar)"],
    ["select_one_from_file towns.csv", "town", "Town", "value=code label=place", None],
    ["select_multiple_from_file crops.csv", "crops", "Crops", None, "المحاصيل"],
    ["select_one_external camps", "camp", "Camp", None, None],
]


def test_choices_of_files_beside_the_form(tmp_path):
    form = workbook(tmp_path / "f.xlsx", survey=FROM_FILE)
    write(tmp_path / "towns.csv", [["code", "place"], [1, "إربد"], [2, "Zarqa"]])
    write(tmp_path / "crops.csv", [["name", "label::English (en)", "label::Arabic (ar)"], ["wh", "Wheat", "قمح"], ["ol", "Olive", "زيتون"]])
    write(tmp_path / "itemsets.csv", [["list_name", "name", "label::Arabic (ar)"], ["camps", "z", "الزعتري"], ["other", "y", "لا"]])
    raw = read(write(tmp_path / "a.csv", [["town", "crops", "camp"], [1, "wh ol", "z"]]), form=form)
    book = raw.codebook
    assert book.category("town", 1, "ar") == "إربد" and book.category("town", 2, "en") == "Zarqa"
    assert raw.frame["crops__ol"].tolist() == [1] and book.label("crops__ol", "ar") == "المحاصيل: زيتون"
    assert [c.code for c in book["camp"].categories] == ["z"] and book.category("camp", "z", "ar") == "الزعتري"
    assert sum(note.kind == "choices_file" for note in raw.notes) == 3


@pytest.mark.parametrize("name", ["../secret.csv", "/etc/passwd.csv", "..\\secret.csv", "gone.csv", "map.geojson"])
def test_a_choice_file_outside_the_folder_or_absent_is_not_opened(tmp_path, name):
    (tmp_path / "in").mkdir()
    write(tmp_path / "secret.csv", [["name", "label"], [1, "SECRET"]])
    form = workbook(tmp_path / "in" / "f.xlsx", survey=[["type", "name", "label"], [f"select_one_from_file {name}", "q", "Q"]])
    raw = read(write(tmp_path / "a.csv", [["q"], [1]]), form=form)
    assert [note.kind for note in raw.notes] == ["choices_absent"] and not raw.codebook["q"].categories
    assert raw.frame["q"].tolist() == [1]


def test_an_export_with_a_choice_file_is_read_afresh_when_the_file_changes(tmp_path, monkeypatch):
    monkeypatch.delenv("MASAR_NO_CACHE")
    monkeypatch.setenv("MASAR_HOME", str(tmp_path))
    form = workbook(tmp_path / "f.xlsx", survey=FROM_FILE[:1] + [["select_one_from_file t.csv", "town", "Town", None]])
    data = write(tmp_path / "a.csv", [["town"], [1]])
    for words in ("One", "Uno"):
        write(tmp_path / "t.csv", [["name", "label"], [1, words]])
        assert read(data, form=form).codebook.category("town", 1, "en") == words


def test_arabic_notes_of_a_reading_keep_names_and_code_in_their_own_direction(tmp_path, form):
    shown = read(write(tmp_path / "a.csv", [["owns", "phone"], [9, "0791234567"], [1, "0781234567"]]), form=form)._repr_html_()
    arabic = shown[shown.index("<div dir='rtl' lang='ar'>") :]
    assert "<bdi dir='ltr'>owns</bdi>" in arabic
    assert "<bdi dir='ltr'>read(path, personal=[&quot;phone&quot;])</bdi>" in arabic
    assert "<bdi dir='ltr'>keep_personal: [phone]</bdi>" in arabic
