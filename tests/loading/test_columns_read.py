"""Some columns of a file are what the whole gives for them, and personal ones stay out; a bar shows long readings."""

import io
import sys
import time

import numpy as np
import pandas as pd
import pyreadstat
import pytest

from masar_research.errors import DataError
from masar_research.loading import content_checksum, progress, read, readers, statfile_process, statfiles


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("MASAR_HOME", str(tmp_path))
    monkeypatch.delenv("MASAR_NO_CACHE", raising=False)
    return tmp_path


ROWS = 40
FRAME = pd.DataFrame(
    {
        "sex": np.tile([1.0, 2.0, 9.0, np.nan], 10),
        "age": np.linspace(15, 90, ROWS).round(),
        "town": np.resize(["عمّان", "إربد", ""], ROWS),
        "day": pd.date_range("2026-01-01", periods=ROWS),
        "lat": np.linspace(31.1234567, 32.3456789, ROWS),
        "urban": np.tile([1.0, 2.0], 20),
        "lon": np.linspace(35.5234567, 36.4345678, ROWS),
        "phone": [f"079{5551234 + 7919 * k:07d}" for k in range(ROWS)],
        "weight": np.linspace(0.5, 2.5, ROWS),
    }
)
LABELS = {"sex": "Sex", "age": "العمر", "town": "Town", "urban": "Urban", "weight": "Weight", "day": "Day of interview"}
VALUES = {"sex": {1.0: "Male", 2.0: "أنثى", 9.0: "Refused"}, "urban": {1.0: "Urban", 2.0: "Rural"}}


def sav(path, **more):
    pyreadstat.write_sav(
        FRAME, str(path), column_labels=LABELS, variable_value_labels=VALUES, missing_ranges={"sex": [9.0]}, **more
    )
    return path


def dta(path):
    pyreadstat.write_dta(FRAME, str(path), column_labels=LABELS, variable_value_labels={"urban": {1: "Urban", 2: "Rural"}})
    return path


def others(home, kind):
    path = home / f"a.{kind}"
    {"csv": FRAME.to_csv, "parquet": FRAME.to_parquet, "xlsx": FRAME.to_excel}[kind](path, index=False)
    return path


@pytest.mark.parametrize("kind", ["sav", "zsav", "dta", "csv", "parquet", "xlsx"])
@pytest.mark.parametrize("names", [["age"], ["town", "sex"], ["day", "weight", "urban"]])
def test_columns_are_those_of_the_whole_file_copied_or_not(home, kind, names):
    make = {"sav": sav, "zsav": lambda p: sav(p, compress=True), "dta": dta}.get(kind)
    path = make(home / f"a.{kind}") if make else others(home, kind)
    whole = read(path, cache=False)
    apart = read(path, columns=names, cache=False)
    before = read(path, columns=names)
    assert read(path).checksum == whole.checksum
    after = read(path, columns=names)
    for part in (apart, before, after):
        pd.testing.assert_frame_equal(part.frame, whole.frame[names])
        assert part.codebook == whole.codebook.only(names).ordered(*names)
        assert part.checksum == content_checksum(whole.frame[names], whole.codebook.only(names))


def test_a_statistics_file_is_not_read_whole_for_a_column(home, monkeypatch):
    path, asked = sav(home / "a.sav"), []
    real = statfile_process._ask
    monkeypatch.setattr(statfile_process, "_ask", lambda path, request: asked.append(request) or real(path, request))
    read(path, columns=["age"])
    assert [request.get("usecols") for request in asked if "out" in request] == [["age"]]
    assert not list((home / ".cache" / "read").glob("*.parquet")), "a part is no copy of the file"


def test_the_copy_is_not_read_whole_for_a_column(home, monkeypatch):
    from masar_research.loading import cache

    path, seen = sav(home / "a.sav"), []
    read(path)
    real = cache.pq.ParquetFile.read
    monkeypatch.setattr(cache.pq.ParquetFile, "read", lambda self, columns: seen.append(columns) or real(self, columns=columns))
    read(path, columns=["age", "day"])
    assert sorted(name for columns in seen for name in columns) == ["c1", "c3"]


@pytest.mark.parametrize("copied", [True, False])
@pytest.mark.parametrize("name", ["lat", "lon", "phone"])
def test_a_personal_column_alone_is_personal_still(home, copied, name):
    path = sav(home / "a.sav")
    if copied:
        assert name not in read(path).frame
    with pytest.raises(DataError, match="may identify people") as error:
        read(path, columns=[name])
    assert name in error.value.ar
    with pytest.raises(DataError, match="may identify people"):
        read(path, columns=["age", name], cache=False)
    shown = read(path, columns=["age", name], personal=[name])
    assert list(shown.frame) == ["age", name] and shown.frame[name].notna().all()


def test_half_a_position_under_another_name_is_found_by_its_other_half(home):
    frame = pd.DataFrame({"a1": FRAME["lat"], "sex": FRAME["sex"], "a2": FRAME["lon"], "z": np.arange(40.0)})
    pyreadstat.write_sav(frame, str(home / "b.sav"), variable_value_labels={"sex": VALUES["sex"]})
    assert list(read(home / "b.sav", cache=False).frame) == ["sex", "z"]
    for name in ("a1", "a2"):
        with pytest.raises(DataError, match="may identify people"):
            read(home / "b.sav", columns=[name])
    assert read(home / "b.sav", columns=["z", "sex"]).frame.shape == (40, 2)


def test_columns_that_are_not_there_are_named_with_a_near_one(home):
    path = sav(home / "a.sav")
    for _ in range(2):
        with pytest.raises(DataError, match="'wieght'.*") as error:
            read(path, columns=["wieght"])
        assert "weight" in str(error.value) and "wieght" in error.value.ar
        read(path)
    with pytest.raises(DataError, match="empty") as error:
        read(path, columns=[])
    assert error.value.ar
    assert list(read(path, columns="age").frame) == ["age"]


def test_letters_of_one_column_are_judged_by_the_labels_of_all(home):
    path = home / "old.sav"
    mixed = {name: text.encode("cp1256").decode("cp1252") for name, text in {"a": "العمر بالسنوات", "b": "منطقة السكن"}.items()}
    pyreadstat.write_sav(pd.DataFrame({"a": [1.0], "b": [2.0], "c": [3.0]}), str(path), column_labels={**mixed, "c": "ok"})
    whole = read(path, cache=False)
    part = read(path, columns=["a"], cache=False)
    assert part.codebook["a"] == whole.codebook["a"] and part.codebook.label("a", "ar") == "العمر بالسنوات"


class Screen(io.StringIO):
    def __init__(self, is_terminal):
        super().__init__()
        self.is_terminal = is_terminal

    def isatty(self):
        return self.is_terminal


def shown(monkeypatch, action, terminal=True, after=0.05):
    screen = Screen(terminal)
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setattr(progress, "AFTER", after)
    monkeypatch.setenv("TERM", "xterm")
    action()
    return screen.getvalue()


def long(name="survey_[2026].sav"):
    with progress.told(name) as done:
        if done is not None:
            done(0.4)
        time.sleep(0.4)


def test_a_bar_in_both_languages_on_a_terminal_only(monkeypatch, capsys):
    said = shown(monkeypatch, long)
    assert "Reading" in said and "قراءة" in said and "survey_[2026].sav" in said
    assert shown(monkeypatch, long, terminal=False) == ""
    assert shown(monkeypatch, long, after=60.0) == ""
    assert capsys.readouterr().out == ""


def test_a_bar_ends_with_an_error_and_leaves_it_alone(monkeypatch):
    def fails():
        with progress.told("a.sav"):
            time.sleep(0.3)
            raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        shown(monkeypatch, fails)


def test_what_is_read_is_told_in_shares(home, monkeypatch):
    frame = pd.DataFrame(np.arange(40_000.0).reshape(4000, 10), columns=[f"v{k}" for k in range(10)])
    pyreadstat.write_sav(frame, str(home / "big.sav"))
    monkeypatch.setattr(statfile_process, "CELLS", 1)
    monkeypatch.setattr(statfile_process, "BYTES", 1)
    monkeypatch.setattr(statfile_process, "LOOK", 0.002)
    shares = []
    found, _, _ = statfiles.read_statfile(home / "big.sav", done=shares.append)
    assert found.shape == (4000, 10) and shares and all(0 <= share <= 1 for share in shares)
    assert shares == sorted(shares)


def test_an_interrupted_reading_never_answers_for_the_next_file(home, monkeypatch):
    one, two = sav(home / "one.sav"), home / "two.sav"
    pyreadstat.write_sav(pd.DataFrame({"x": [1.0, 2.0]}), str(two))
    read(two, cache=False)  # a worker waits
    (worker,) = statfile_process._WORKERS.idle[-1:]

    class Interrupted:
        def __init__(self, pipe):
            self.pipe = pipe

        def readline(self):
            raise KeyboardInterrupt

        def close(self):
            self.pipe.close()

    worker.process.stdout = Interrupted(worker.process.stdout)
    with pytest.raises(KeyboardInterrupt):
        read(one, cache=False)
    assert worker.process.poll() is not None
    assert list(read(two, cache=False).frame) == ["x"]


def test_a_reading_on_no_screen_takes_no_part_in_it(home, monkeypatch):
    monkeypatch.setattr(progress, "watched", lambda: False)
    told = []
    real = readers._read
    monkeypatch.setattr(readers, "_read", lambda *a: told.append(a[-1]) or real(*a))
    read(sav(home / "a.sav"))
    assert told == [None]
