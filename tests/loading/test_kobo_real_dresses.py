"""The Iraq export in other clothes: by labels in both languages, in SurveyCTO's columns, with decimal commas, in a zip."""

import csv
import os
import zipfile
from pathlib import Path

import pytest

from masar_research.loading import read
from masar_research.loading.xlsform import read_form

HERE = Path(os.environ.get("MASAR_REAL_DATA", "")) / "kobo_iraq"
pytestmark = pytest.mark.skipif(
    not os.environ.get("MASAR_REAL_DATA") or not HERE.is_dir(), reason="kobo_iraq: MASAR_REAL_DATA is not set"
)
FORM = (HERE / "cleaningtools_survey.csv", HERE / "cleaningtools_choices.csv")


@pytest.fixture(autouse=True)
def no_cache(monkeypatch):
    monkeypatch.setenv("MASAR_NO_CACHE", "1")


@pytest.fixture(scope="module")
def table():
    with (HERE / "cleaningtools_raw_data.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.reader(file))
    return rows[0], [["" if cell == "NA" else cell for cell in row] for row in rows[1:]]


@pytest.fixture(scope="module")
def plain(table, tmp_path_factory):
    os.environ["MASAR_NO_CACHE"] = "1"
    return read(write(tmp_path_factory.mktemp("xml") / "d.csv", *table), form=FORM)


def write(path, header, rows, mark=","):
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, delimiter=mark).writerows([header, *rows])
    return path


@pytest.mark.parametrize("lang", ["en", "ar"])
def test_an_export_of_labels_is_the_export_of_codes(table, plain, tmp_path, lang):
    header, rows = table
    form = {q.name: q for q in read_form(FORM).questions}
    words = [q.label.get(lang) for q in form.values()]
    names, turned = [], []
    for name in header:
        parent, _, option = name.partition(".")
        question = form.get(parent)
        label = question.label.get(lang) if question else None
        labels = {c.name: c.label.get(lang) for c in question.choices} if question else {}
        sure = label is not None and words.count(label) == 1 and None not in labels.values() and len(set(labels.values())) == len(labels)
        if option and sure and option in labels:
            names.append(f"{label}/{labels[option]}")
        elif not option and sure and len(label) > 3:
            names.append(label)
        else:
            names.append(name)
        turned.append(labels if sure and not option and question.kind == "select_one" else {})
    out = [[new.get(cell, cell) for new, cell in zip(turned, row, strict=True)] for row in rows]
    raw = read(write(tmp_path / "l.csv", names, out), form=FORM)
    assert sum(a != b for a, b in zip(names, header, strict=True)) > 150
    assert raw.frame.equals(plain.frame[raw.frame.columns]) and set(raw.frame.columns) == set(plain.frame.columns)
    assert any(note.kind == "label_headers" for note in raw.notes)


def test_surveyctos_option_columns(table, plain, tmp_path):
    header, rows = table
    multiple = {q.name for q in read_form(FORM).questions if q.kind == "select_multiple"}
    names = [name.replace(".", "_", 1) if name.partition(".")[0] in multiple else name for name in header]
    assert names != header
    raw = read(write(tmp_path / "s.csv", names, [["1" if c == "TRUE" else "0" if c == "FALSE" else c for c in row] for row in rows]), form=FORM)
    shared = [name for name in plain.frame.columns if name in raw.frame.columns]
    assert raw.frame[shared].equals(plain.frame[shared]) and len(shared) >= len(plain.frame.columns) - 5


def test_a_zip_with_semicolons_is_the_same_reading(table, plain, tmp_path):
    path = write(tmp_path / "d.csv", *table, mark=";")
    with zipfile.ZipFile(tmp_path / "d.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(path, "export/d.csv")
    assert read(tmp_path / "d.zip", form=FORM).checksum == plain.checksum
