"""The cache: the same answer with and without, never a stale one."""

import pandas as pd
import pyreadstat
import pytest

from masar_research.loading import read, readers


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("MASAR_HOME", str(tmp_path))
    monkeypatch.delenv("MASAR_NO_CACHE", raising=False)
    return tmp_path


@pytest.fixture
def calls(monkeypatch):
    seen = []
    real = readers._read
    monkeypatch.setattr(readers, "_read", lambda *a: seen.append(a) or real(*a))
    return seen


def write(path, value=1.0):
    frame = pd.DataFrame(
        {"x": [value, 9.0], "code": ["1", None], "day": pd.to_datetime(["2026-01-01", None])}
    )
    pyreadstat.write_sav(
        frame,
        str(path),
        column_labels={"x": "سؤال"},
        variable_value_labels={"x": {1.0: "<b>", 9.0: "Refused"}, "code": {"1": "one"}},
        missing_ranges={"x": [9.0]},
    )
    return path


def test_a_cached_file_is_the_file(home, calls):
    path = write(home / "a.sav")
    fresh, kept, bare = read(path), read(path), read(path, cache=False)
    assert len(calls) == 2
    for other in (kept, bare):
        pd.testing.assert_frame_equal(fresh.frame, other.frame)
        assert (
            fresh.codebook == other.codebook
            and fresh.notes == other.notes
            and fresh.checksum == other.checksum
        )
    assert [type(c.code) for c in kept.codebook["code"].categories] == [str]
    assert [type(c.code) for c in kept.codebook["x"].categories] == [float, float]


def test_changed_content_is_read_again_and_a_copy_is_not(home, calls):
    path = write(home / "a.sav")
    read(path)
    write(path, 2.0)
    assert read(path).frame["x"].tolist() == [2, 9] and len(calls) == 2
    (home / "copy.sav").write_bytes(path.read_bytes())
    read(home / "copy.sav")
    assert len(calls) == 2


def test_cache_false_and_the_environment_leave_no_trace(home, calls, monkeypatch):
    path = write(home / "a.sav")
    read(path, cache=False)
    monkeypatch.setenv("MASAR_NO_CACHE", "1")
    read(path)
    assert not (home / ".cache").exists() and len(calls) == 2


def test_a_damaged_copy_is_ignored(home, calls):
    path = write(home / "a.sav")
    before = read(path)
    (copy,) = (home / ".cache" / "read").iterdir()
    copy.write_bytes(copy.read_bytes()[:-40])
    assert read(path).checksum == before.checksum and len(calls) == 2


def test_options_are_part_of_the_key(home, calls):
    (home / "a.csv").write_text("x\n1\n")
    (home / "a.txt").write_text("x\n1\n")
    frame = pd.DataFrame({"a": [1]})
    with pd.ExcelWriter(home / "a.xlsx") as book:
        frame.to_excel(book, sheet_name="one", index=False)
        (frame + 1).to_excel(book, sheet_name="two", index=False)
    assert read(home / "a.xlsx", sheet="one").frame["a"].tolist() == [1]
    assert read(home / "a.xlsx", sheet="two").frame["a"].tolist() == [2]
    assert len(calls) == 2


def test_a_cache_that_cannot_be_written_is_no_error(home):
    path = write(home / "a.sav")
    (home / ".cache").write_text("in the way")
    assert read(path).frame["x"].tolist() == [1, 9]
