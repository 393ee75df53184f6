"""Zips: ODK Central's exports, packed files, and zips nobody should open."""

import csv
import io
import random
import zipfile

import openpyxl
import pandas as pd
import pytest

from masar_research.codebook import Codebook, Variable
from masar_research.errors import DataError
from masar_research.loading import read, rows_of, write_parquet
from masar_research.loading.raw import make_raw


@pytest.fixture(autouse=True)
def no_cache(monkeypatch):
    monkeypatch.setenv("MASAR_NO_CACHE", "1")


def packed(path, files):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def lines(rows):
    out = io.StringIO()
    csv.writer(out).writerows([["" if cell is None else cell for cell in row] for row in rows])
    return out.getvalue()


@pytest.fixture
def form(tmp_path):
    book = openpyxl.Workbook()
    book.active.title = "survey"
    for row in (
        ["type", "name", "label::English (en)", "label::Arabic (ar)"],
        ["begin_group", "home", "Home", "المنزل"], ["integer", "size", "Size", "الحجم"], ["end_group", None, None, None],
        ["begin_repeat", "member", "Member", "الفرد"], ["text", "first_name", "First name", "الاسم الأول"],
        ["integer", "years", "Age", "العمر"], ["end_repeat", None, None, None],
    ):  # fmt: skip
        book.active.append(row)
    book.save(tmp_path / "form.xlsx")
    return tmp_path / "form.xlsx"


CENTRAL = {
    "hh.csv": lines([["SubmissionDate", "home-size", "KEY"], ["2026-03-01T10:00:00.000Z", 2, "uuid:a"], ["2026-03-02T10:00:00.000Z", 1, "uuid:b"]]),
    "hh-member.csv": lines([["first_name", "years", "PARENT_KEY", "KEY"], ["Salma", 40, "uuid:a", "k1"], ["Omar", 9, "uuid:a", "k2"], ["Rami", 30, "uuid:b", "k3"]]),
    "media/1.jpg": b"\xff\xd8picture",
}  # fmt: skip


def test_a_zip_of_odk_central_is_its_main_table_and_repeats(tmp_path, form):
    raw = read(packed(tmp_path / "hh.csv.zip", CENTRAL), form=form)
    assert raw.frame["size"].tolist() == [2, 1] and list(raw.related) == ["member"]
    people = rows_of(raw, "member")
    assert people.frame[["years", "size"]].values.tolist() == [[40, 2], [9, 2], [30, 1]] and "first_name" not in people.frame
    assert raw.notes[0].kind == "unpacked" and "hh-member.csv" in raw.notes[0].ar
    for name, content in CENTRAL.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    assert read(tmp_path / "hh.csv", form=form).checksum == raw.checksum


def test_one_packed_file_of_any_kind_is_read(tmp_path):
    frame = pd.DataFrame({"a": [1.0, 2.0]})
    frame.to_excel(tmp_path / "d.xlsx", index=False)
    frame.to_parquet(tmp_path / "d.parquet")
    for kind in ("xlsx", "parquet"):
        content = {f"folder/d.{kind}": (tmp_path / f"d.{kind}").read_bytes(), "readme.pdf": b"x", "__MACOSX/._d.csv": b"x"}
        assert read(packed(tmp_path / "d.zip", content)).frame["a"].tolist() == [1, 2]


def test_several_files_of_equal_rank_are_named(tmp_path):
    path = packed(tmp_path / "d.zip", {"a.csv": "x\n1\n", "b.csv": "x\n2\n"})
    with pytest.raises(DataError, match="several data files: a.csv, b.csv") as caught:
        read(path)
    assert "sheet='a.csv'" in caught.value.remedy and "عدة ملفات" in caught.value.ar
    assert read(path, sheet="b.csv").frame["x"].tolist() == [2]
    with pytest.raises(DataError, match="no file 'c.csv'"):
        read(path, sheet="c.csv")


@pytest.mark.parametrize("name", ["../a.csv", "/etc/a.csv", "x/../../a.csv", "..\\a.csv", "C:a.csv"])
def test_names_that_lead_out_are_refused_and_nothing_is_written(tmp_path, name):
    (tmp_path / "in").mkdir()
    before = sorted(tmp_path.rglob("*"))
    path = tmp_path / "in" / "d.zip"
    with pytest.raises(DataError, match="lead out") as caught:
        read(packed(path, {name: "x\n1\n"}))
    assert caught.value.ar and sorted(tmp_path.rglob("*")) == sorted([*before, path])


def test_a_bomb_is_not_unpacked(tmp_path, monkeypatch):
    monkeypatch.setattr("masar_research.loading.archives._SMALL", 1 << 20)
    path = packed(tmp_path / "d.zip", {"a.csv": "x\n" + "1\n" * 3_000_000})
    with pytest.raises(DataError, match="unpacks to 6 MB"):
        read(path)


def test_a_member_that_lies_about_its_size_is_not_unpacked_whole(tmp_path):
    path = packed(tmp_path / "d.zip", {"a.csv": "x\n" + "1\n" * 5000})
    content = path.read_bytes()
    size = (10_002).to_bytes(4, "little")
    assert content.count(size) == 2
    path.write_bytes(content.replace(size, (100).to_bytes(4, "little")))
    with pytest.raises(DataError, match="d.zip"):
        read(path)


@pytest.mark.parametrize("damage", ["cut", "garbage", "empty", "nested", "workbook"])
def test_damaged_and_strange_zips(tmp_path, damage):
    path = packed(tmp_path / "d.zip", {"a.csv": "x\n" + "1\n" * 999})
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:-60])
    elif damage == "garbage":
        path.write_bytes(b"PK\x03\x04" + b"garbage" * 40)
    elif damage == "empty":
        packed(path, {"notes.pdf": b"x"})
    elif damage == "nested":
        packed(path, {"inner.zip": path.read_bytes()})
    else:
        book = openpyxl.Workbook()
        book.save(path)
    with pytest.raises(DataError) as caught:
        read(path)
    assert caught.value.remedy and "d.zip" in str(caught.value)


def test_a_locked_zip_says_so(tmp_path):
    path = packed(tmp_path / "d.zip", {"a.csv": "x\n1\n"})
    content = bytearray(path.read_bytes())
    central = content.index(b"PK\x01\x02")
    content[6] |= 1
    content[central + 8] |= 1
    path.write_bytes(bytes(content))
    with pytest.raises(DataError, match="password"):
        read(path)


@pytest.mark.parametrize("kind", ["zip", "parquet"])
def test_spoiled_copies_end_in_an_error_or_an_answer(tmp_path, kind):
    path = tmp_path / f"x.{kind}"
    if kind == "zip":
        content = packed(path, CENTRAL).read_bytes()
    else:
        book = Codebook([Variable("المحافظة", {"ar": "المحافظة"}, level="text"), Variable("n", {"en": "N"})])
        frame = pd.DataFrame({"المحافظة": pd.Series(["إربد", "جرش", None], dtype="str"), "n": [1.0, 2.0, 3.0]})
        content = write_parquet(make_raw(frame, book, []), path).read_bytes()
    rng = random.Random(11)
    ends = {"error": 0, "answer": 0}
    for _ in range(250):
        copy = bytearray(content)
        if rng.random() < 0.3:
            copy = copy[: rng.randrange(4, len(copy))]
        for _ in range(rng.choice([0, 1, 1, 3, 30])):
            copy[rng.randrange(len(copy))] ^= 1 << rng.randrange(8)
        path.write_bytes(bytes(copy))
        try:
            read(path)
            ends["answer"] += 1
        except DataError as error:
            assert error.remedy
            ends["error"] += 1
    assert min(ends.values()) > 5
