"""Personal data: found in any file, set aside, named in both languages, absent from frame, cache, errors and display."""

import csv
import re

import numpy as np
import pandas as pd
import pyreadstat
import pytest

from masar_research.errors import DataError
from masar_research.loading import read
from masar_research.loading.personal_patterns import by_label, by_name

N = 40
SECRETS = ("Salma", "سلمى", "079123", "98510", "secret.person", "31.95", "رأيي الخاص")


def planted():
    rng = np.random.default_rng(1)
    return pd.DataFrame(
        {
            "الاسم": [f"سلمى محمد {chr(0x627 + k % 20)}" for k in range(N)],
            "q2": [f"Salma Ahmad {chr(97 + k % 26)}{chr(97 + k // 26)}" for k in range(N)],
            "q3": [f"079123{k:04d}" for k in range(N)],
            "q4": [9851000000.0 + 7 * k for k in range(N)],
            "contact": [f"secret.person{k}@example.org" for k in range(N)],
            "a1": 31.95 + rng.random(N) / 10,
            "a2": 35.91 + rng.random(N) / 10,
            "why": [f"رأيي الخاص في الأمر هو رقم {k} ولا أحب غيره" for k in range(N)],
            "weight": rng.uniform(0.2, 4, N),
            "household": [2026010000.0 + k for k in range(N)],
            "governorate_name": ["Amman", "Irbid", "Al Mafraq", "محافظة جرش"] * (N // 4),
            "mobile_yn": ["yes", "no"] * (N // 2),
            "income": rng.integers(100, 900, N).astype(float),
        }
    )


PERSONAL = {"الاسم", "q2", "q3", "q4", "contact", "a1", "a2", "why"}


@pytest.fixture
def files(tmp_path, monkeypatch):
    monkeypatch.setenv("MASAR_HOME", str(tmp_path))
    monkeypatch.delenv("MASAR_NO_CACHE", raising=False)
    frame = planted()
    latin = frame.rename(columns={"الاسم": "name_ar"})
    frame.to_csv(tmp_path / "d.csv", index=False)
    frame.to_excel(tmp_path / "d.xlsx", index=False)
    frame.to_parquet(tmp_path / "d.parquet")
    pyreadstat.write_sav(latin, str(tmp_path / "d.sav"))
    pyreadstat.write_dta(latin, str(tmp_path / "d.dta"), version=14)
    return tmp_path


@pytest.mark.parametrize("suffix", ["csv", "xlsx", "parquet", "sav", "dta"])
def test_planted_secrets_reach_neither_frame_nor_cache_nor_display(files, suffix):
    path = files / f"d.{suffix}"
    for raw in (read(path), read(path)):  # the second from the cache
        kept = {"weight", "household", "governorate_name", "mobile_yn", "income"}
        assert set(raw.frame.columns) == kept
        shown = raw.frame.to_csv() + raw._repr_html_() + repr(raw.notes) + repr(raw.codebook)
        assert not any(secret in shown for secret in SECRETS)
    kept = [file for file in (files / ".cache").rglob("*") if file.is_file()]
    assert kept
    for file in kept:
        frame = pd.read_parquet(file)
        assert frame.shape == (N, 5)
        assert not any(secret.encode() in file.read_bytes() for secret in SECRETS)


def test_what_was_set_aside_is_said_in_both_languages_with_the_way_to_ask(files):
    note = next(note for note in read(files / "d.csv").notes if note.kind == "set_aside")
    assert set(note.columns) == PERSONAL
    assert "personal=[" in note.en and "personal=[" in note.ar and "keep_personal" in note.en
    assert re.search("[\u0621-\u064a]", note.ar)


def test_a_column_asked_for_by_name_is_loaded_and_never_cached(files):
    raw = read(files / "d.csv", personal=["q3"])
    assert raw.frame["q3"][0] == "0791230000" and "q2" not in raw.frame
    assert set(read(files / "d.csv", personal=["coordinates"]).frame.columns) >= {"a1", "a2"}
    assert not (files / ".cache").exists()
    with pytest.raises(DataError, match="'nothing_such'"):
        read(files / "d.csv", personal=["nothing_such"])


@pytest.mark.parametrize(
    "words, kind",
    [
        ("الاسم", "name"), ("اسم المستجيب", "name"), ("ما اسمك؟", "name"), ("رقم الهاتف", "phone"), ("الرقم الوطني", "national_number"),
        ("العنوان", "address"), ("البريد الإلكتروني", "email"), ("إحداثيات الموقع", "coordinates"), ("Name of the respondent", "name"),
        ("اسم المحافظة", None), ("ما اسم المدرسة؟", None), ("Name of governorate", None), ("Survey weight", None), ("رقم العنقود", None),
        ("عدد أفراد الأسرة", None), ("How should the government address poverty?", None),
    ],
)  # fmt: skip
def test_words_of_labels(words, kind):
    assert by_label(words) == kind


@pytest.mark.parametrize(
    "name, kind",
    [
        ("head_name", "name"), ("fullName", "name"), ("hh/tel_no", "phone"), ("GPS_Latitude", "coordinates"), ("X_submitted_by", "device"),
        ("national_id", "national_number"), ("governorate_name", None), ("weight", None), ("precision", None), ("address", "address"),
        ("psu", None), ("education_level", None), ("village_name", None),
    ],
)  # fmt: skip
def test_names_of_columns(name, kind):
    assert by_name(name) == kind


def test_errors_do_not_repeat_answers(tmp_path):
    path = tmp_path / "short.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([["name", "phone"], ["Salma", "0791234567"], ["Salma", "0791234567", "x"]])
    with pytest.raises(DataError) as error:
        read(path, cache=False)
    assert "Salma" not in str(error.value) and "079" not in str(error.value)


@pytest.mark.parametrize(("words", "kind"), [("أسماء أفراد الأسرة", "name"), ("أسماء المستجيبين", "name"), ("اسم القضاء", None), ("اسم اللواء", None), ("أسماء الألوية والأقضية", None)])
def test_words_with_a_lone_hamza(words, kind):
    assert by_label(words) == kind
