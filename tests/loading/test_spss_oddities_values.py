"""Every value of the odd SPSS and Stata files is pyreadstat's; missing ranges, names, dates and widths by figure."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pyreadstat
import pytest

from masar_research.codebook import MissingRange
from masar_research.loading import read

REAL = Path(os.environ["MASAR_REAL_DATA"]) if os.environ.get("MASAR_REAL_DATA") else None
NAMES = (
    "hebrews.sav", "missing_char.sav", "missing_test.sav", "missing_test.dta", "ordered_category.sav", "sample.dta", "sample.por",
    "sample.sav", "sample.zsav", "sample_large.sav", "sample_missing.sav", "simple_alltypes.sav", "tegulu.sav", "test_width.sav",
)  # fmt: skip


@pytest.fixture(autouse=True)
def no_cache(monkeypatch):
    monkeypatch.setenv("MASAR_NO_CACHE", "1")


def odd(name):
    path = REAL / "spss_oddities" / name if REAL else None
    if path is None or not path.exists():
        pytest.skip(f"spss_oddities/{name} needs MASAR_REAL_DATA")
    return path


@pytest.mark.parametrize("name", NAMES)
def test_every_value_is_the_one_pyreadstat_reads(name):
    path = odd(name)
    reader = {".por": pyreadstat.read_por, ".dta": pyreadstat.read_dta}.get(path.suffix, pyreadstat.read_sav)
    frame, meta = reader(str(path), **({} if path.suffix == ".por" else {"user_missing": True}))
    ours = read(path)
    assert list(ours.frame) == list(frame) and len(ours.frame) == len(frame)
    for column in frame:
        mine, theirs = ours.frame[column], frame[column]
        if mine.dtype.kind == "M":
            if theirs.dtype.kind == "f":  # quarters, which pyreadstat leaves as seconds
                theirs = pd.Timestamp(1582, 10, 14).as_unit("us") + pd.to_timedelta(theirs, "s")
            assert mine.equals(pd.Series(theirs.tolist(), name=column).astype("datetime64[us]"))
        elif mine.dtype.kind == "f":
            letters = theirs.map(lambda v: isinstance(v, str))
            assert mine[letters].tolist() == [-9801.0 - (ord(v) - ord("a")) for v in theirs[letters]]
            assert np.array_equal(mine[~letters], theirs[~letters].astype(float), equal_nan=True)
        else:
            plain = [None if v is None or v != v or str(v) == "" else str(v) for v in theirs]
            assert [None if v != v else v for v in mine] == plain
        labels = meta.variable_value_labels.get(column, {})
        said = {c.code: next(iter(c.label.values()), None) for c in ours.codebook[column].categories}
        assert {said[code] for code in labels if not isinstance(code, str) or code in said} <= set(labels.values())


def test_ranges_and_single_codes_declared_missing():
    book = read(odd("sample_missing.sav")).codebook
    assert book["mynum"].missing_ranges == (MissingRange(2000.0, 3000.0, "missing"),)
    assert book.missing_codes("mynum") == {-1.0, 2500.0} and book["mynum"].level == "numeric"
    assert book.missing_codes("mylabl") == {-1.0} and book.category("mylabl", -1, "en") == "undetermined"
    assert book["myord"].level == "ordinal" and book.missing_codes("myord") == {-1.0, -2.0, -3.0}
    mixed = read(odd("simple_alltypes.sav"))
    assert mixed.codebook["z"].missing_ranges == (MissingRange(-999.0, 0.0, "missing"),)
    assert mixed.codebook.missing_kinds("z") == {-9.0: "missing", 999.0: "not_applicable"}
    assert mixed.codebook.missing_codes("x") == {7.0, 8.0, 99.0}
    assert mixed.frame["x"].isna().sum() == 0, "declared codes stay in the frame"


def test_a_text_code_declared_missing_keeps_its_type():
    book = read(odd("missing_char.sav")).codebook
    assert book.missing_codes("mychar") == {"Z"} and book.category("mychar", "a", "en") == "labeled"


def test_a_labelled_code_declared_missing_leaves_a_number():
    book = read(odd("missing_test.sav")).codebook
    assert book["var1"].level == "numeric" and book.missing_codes("var1") == {1.0}


def test_letters_of_stata_are_codes_of_their_own_and_the_plain_point_is_blank():
    raw = read(odd("missing_test.dta"))
    assert raw.frame.iloc[0, :6].tolist() == [-9801.0, -9802.0, -9803.0, -9824.0, -9825.0, -9826.0]
    assert raw.frame.iloc[0, 6:8].isna().all() and raw.frame.iloc[0, 8] == 1
    assert raw.codebook.category("var1", -9801, "en") == "missing"


def test_hebrew_names_and_telugu_text():
    raw = read(odd("hebrews.sav"))
    (name,) = raw.frame
    assert name == "ותק_ב" and len(raw.frame) == 99 and raw.codebook[name].level == "numeric"
    assert raw.frame[name].notna().all() and raw.frame[name].eq(raw.frame[name].round()).all()
    text = read(odd("tegulu.sav"))
    assert text.frame.shape == (1, 2)
    assert all("\u0c00" <= letter <= "\u0c7f" for letter in text.frame.iloc[0, 1] if not letter.isspace())


def test_dates_before_the_calendar_of_pandas_nanoseconds_and_times():
    for name in ("sample.sav", "sample.dta", "sample.por", "sample_large.sav"):
        frame = read(odd(name)).frame.rename(columns=str.lower)
        assert frame["mydate"].min() == pd.Timestamp(1583, 1, 1) and frame["mydate"].dtype == "datetime64[us]"
        assert set(frame["mytime"].dropna()) == {"10:10:10", "23:10:10", "00:00:00", "16:10:10"}
    assert len(read(odd("sample_large.sav")).frame) == 485


def test_wide_text_columns_are_whole():
    raw = read(odd("test_width.sav"))
    assert raw.frame["StartDate"].str.len().eq(19).all() and raw.frame["ResponseId"].str.len().eq(17).all()
    assert raw.frame["Duration__in_seconds_"].sum() == 7410
    assert raw.codebook["Finished"].level == "nominal" and raw.codebook.label("Duration__in_seconds_", "en") == "Duration (in seconds)"
