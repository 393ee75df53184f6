"""Hostile and damaged workbooks, text tables and forms: a clear error or a reading, never anything else."""

import io
import random
import tempfile
import zipfile
from pathlib import Path

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from masar_research.errors import DataError
from masar_research.loading import read
from masar_research.loading.xlsform import read_form
from masar_research.loading.xlsform_relevance import Answer, universe


@pytest.fixture(autouse=True)
def no_cache(monkeypatch):
    monkeypatch.setenv("MASAR_NO_CACHE", "1")


def book(**sheets):
    out = openpyxl.Workbook()
    out.remove(out.active)
    for name, rows in sheets.items():
        sheet = out.create_sheet(name)
        for row in rows:
            sheet.append(row)
    stream = io.BytesIO()
    out.save(stream)
    return stream.getvalue()


FORM = book(
    survey=[["type", "name", "label"], ["select_one l", "q", "سؤال"], ["integer", "n", "N"]],
    choices=[["list_name", "name", "label"], ["l", "a", "أ"], ["l", "b", "ب"]],
)
DATA = book(data=[["q", "n", "_uuid"], *([["a", k, f"u{k}"] for k in range(20)])])


def reads_or_says(path, **options):
    try:
        read(path, **options)
    except DataError as error:
        assert error.remedy and len(str(error)) < 3000


@pytest.mark.parametrize("seed", range(25))
@pytest.mark.parametrize("content, suffix", [(DATA, ".xlsx"), (FORM, ".xlsx")])
def test_bits_flipped_and_ends_cut(tmp_path, content, suffix, seed):
    rng = random.Random(seed)
    damaged = bytearray(content)
    if seed % 2:
        damaged = damaged[: rng.randrange(5, len(damaged))]
    for _ in range(rng.randrange(1, 30)):
        damaged[rng.randrange(4, len(damaged))] ^= 1 << rng.randrange(8)
    path = tmp_path / f"damaged{suffix}"
    path.write_bytes(damaged)
    reads_or_says(path)
    try:
        read_form(path)
    except DataError as error:
        assert error.remedy


@pytest.mark.parametrize("seed", range(25))
def test_xml_damaged_inside_a_sound_archive(tmp_path, seed):
    rng = random.Random(seed)
    path = tmp_path / "inside.xlsx"
    with zipfile.ZipFile(io.BytesIO(DATA)) as source, zipfile.ZipFile(path, "w") as target:
        for part in source.namelist():
            content = bytearray(source.read(part))
            if rng.random() < 0.5:
                for _ in range(rng.randrange(1, 6)):
                    content[rng.randrange(len(content))] = rng.randrange(256)
            target.writestr(part, bytes(content))
    reads_or_says(path)


def replaced(path, part, content):
    with zipfile.ZipFile(io.BytesIO(DATA)) as source, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            target.writestr(name, content if name == part else source.read(name))
    return path


def test_a_zip_bomb_is_refused_before_it_unpacks(tmp_path):
    path = replaced(tmp_path / "bomb.xlsx", "xl/worksheets/sheet1.xml", b" " * (150 << 20))
    with pytest.raises(DataError, match="unpacks to"):
        read(path)


def test_a_billion_laughs_are_refused(tmp_path):
    entities = "".join(f'<!ENTITY a{k} "{f"&a{k - 1};" * 10}">' for k in range(1, 10))
    laughs = f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a0 "ha">{entities}]><x>&a9;</x>'
    with pytest.raises(DataError, match="entities"):
        read(replaced(tmp_path / "laughs.xlsx", "xl/worksheets/sheet1.xml", laughs.encode()))


def test_formulas_are_text_or_their_stored_value_never_run(tmp_path):
    path = tmp_path / "f.csv"
    path.write_text('x,y\n"=cmd|\'/c calc\'!A1",1\n=1+1,2\n', encoding="utf-8")
    assert read(path).frame["x"].tolist() == ["=cmd|'/c calc'!A1", "=1+1"]


@pytest.mark.full
def test_twenty_thousand_columns(tmp_path):
    path = tmp_path / "wide.csv"
    path.write_text(",".join(f"c{k}" for k in range(20_000)) + "\n" + ",".join(["1"] * 20_000) + "\n")
    assert read(path).frame.shape == (1, 20_000)


def test_a_very_long_cell(tmp_path):
    path = tmp_path / "long.csv"
    path.write_text("x,y\n" + "a" * 5_000_000 + ",1\n")
    assert len(read(path).frame["x"][0]) == 5_000_000


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=400))
def test_any_bytes_as_csv(content):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "any.csv"
        path.write_bytes(content)
        reads_or_says(path, cache=False)


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="${}ab()'\"=!<>+-*, andornotselected1.2/if", max_size=80))
def test_any_condition_ends_in_an_expression_or_a_reason(text):
    answers = {"a": Answer("a", "number"), "b": Answer("b", "text", codes=("x",))}
    asked = universe([text], answers)
    assert asked.text is None or asked.why is None


def test_conditions_that_nest_or_branch_without_end():
    for text in ("(" * 5000 + "1=1", "not(" * 5000, "-" * 5000 + "1 = 1", "if(" * 40 + "1=1" + ",1=1,1=2)" * 40):
        assert universe([text], {}).why
    assert universe([" or ".join(["${a} = 1"] * 5000)], {"a": Answer("a", "number")}).why
