"""Truncated, bit-flipped and hostile copies end in a clear error or an answer, never in the end of the session."""

import os
import random
import time

import numpy as np
import pandas as pd
import pyreadstat
import pytest

from masar_research.errors import DataError
from masar_research.loading import read
from masar_research.loading import statfile_process as apart

KINDS = (".sav", ".zsav", ".por", ".dta", ".xpt", ".csv", ".xlsx", ".parquet")


@pytest.fixture(autouse=True)
def no_cache(monkeypatch):
    monkeypatch.setenv("MASAR_NO_CACHE", "1")


@pytest.fixture(scope="module")
def seeds(tmp_path_factory):
    folder = tmp_path_factory.mktemp("seeds")
    rng = np.random.default_rng(4)
    frame = pd.DataFrame(
        {
            "SEX": rng.integers(1, 3, 40).astype(float),
            "W": rng.normal(1, 0.2, 40),
            "TOWN": rng.choice(["aa", "bb", "c" * 60], 40),
            "DAY": pd.Timestamp("2026-01-01") + pd.to_timedelta(rng.integers(0, 99, 40), unit="D"),
        }
    )
    labels = {"column_labels": {"SEX": "الجنس"}, "variable_value_labels": {"SEX": {1.0: "ذكر", 2.0: "أنثى"}}}
    pyreadstat.write_sav(frame, str(folder / "a.sav"), row_compress=True, missing_ranges={"SEX": [9.0]}, **labels)
    pyreadstat.write_sav(frame, str(folder / "a.zsav"), compress=True, **labels)
    pyreadstat.write_dta(frame, str(folder / "a.dta"), **labels)
    pyreadstat.write_xport(frame, str(folder / "a.xpt"))
    pyreadstat.write_por(frame, str(folder / "a.por"))
    frame.to_csv(folder / "a.csv", index=False)
    frame.to_excel(folder / "a.xlsx", index=False)
    frame.to_parquet(folder / "a.parquet")
    return {kind: (folder / f"a{kind}").read_bytes() for kind in KINDS}


def spoiled(content, dice):
    out, kind = bytearray(content), dice.randrange(5)
    if kind == 0:
        del out[dice.randrange(len(out)) :]
    elif kind == 1:
        for _ in range(dice.randrange(1, 4)):
            out[dice.randrange(len(out))] ^= 1 << dice.randrange(8)
    elif kind == 2:
        place = dice.randrange(min(len(out), 2500))
        out[place : place + 4] = dice.choice([b"\xff\xff\xff\xff", b"\xff\xff\xff\x7f", b"\0\0\0\x80", b"\0\0\0\0"])
    elif kind == 3:
        place, source = dice.randrange(len(out)), dice.randrange(len(out))
        out[place:place] = out[source : source + dice.randrange(200)]
    else:
        place = dice.randrange(len(out))
        del out[place : place + dice.randrange(1, 50)]
    return bytes(out)


def attempt(path):
    start = time.monotonic()
    try:
        raw = read(path)
    except DataError as error:
        assert path.name in error.what and error.remedy and error.ar
        return "error"
    finally:
        assert time.monotonic() - start < 30
    assert list(raw.codebook) == list(raw.frame.columns)
    return "answer"


@pytest.mark.parametrize("kind", KINDS)
def test_spoiled_copies(tmp_path, seeds, kind):
    path, dice = tmp_path / f"a{kind}", random.Random(20260)
    path.write_bytes(seeds[kind])
    assert attempt(path) == "answer"
    ends = []
    for _ in range(25):
        path.write_bytes(spoiled(seeds[kind], dice))
        ends.append(attempt(path))
    assert "error" in ends or kind == ".csv"


@pytest.mark.full
@pytest.mark.parametrize("kind", KINDS)
def test_many_spoiled_copies(tmp_path, seeds, kind):
    path, dice = tmp_path / f"a{kind}", random.Random(7)
    for _ in range(1000):
        path.write_bytes(spoiled(seeds[kind], dice))
        attempt(path)


BROKEN = "import os, sys\nsys.stdin.readline()\nos.abort()\n"
ASLEEP = "import sys, time\nsys.stdin.readline()\ntime.sleep(60)\n"


@pytest.mark.parametrize("program, word", [(BROKEN, "broke down"), (ASLEEP, "not read after")])
def test_a_library_that_crashes_or_hangs_is_an_error_and_the_next_file_is_read(
    tmp_path, seeds, monkeypatch, program, word
):
    path = tmp_path / "a.sav"
    path.write_bytes(seeds[".sav"])
    script = tmp_path / "worker.py"
    script.write_text(program)
    apart._WORKERS.close()
    with monkeypatch.context() as patched:
        patched.setattr(apart, "SCRIPT", script)
        patched.setattr(apart, "SECONDS", 2.0)
        with pytest.raises(DataError, match=word):
            read(path)
    assert len(read(path).frame) == 40


def test_a_worker_that_was_killed_between_files_is_replaced(tmp_path, seeds):
    path = tmp_path / "a.sav"
    path.write_bytes(seeds[".sav"])
    read(path)
    for worker in apart._WORKERS.idle:
        worker.process.kill()
        worker.process.wait()
    assert len(read(path).frame) == 40


def test_a_file_cut_among_workers_is_the_file(tmp_path, monkeypatch):
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({"a": rng.normal(size=3001), "t": rng.choice(["x", "y", "z" * 30], 3001), "b": np.arange(3001.0)})
    pyreadstat.write_sav(frame, str(tmp_path / "a.sav"), row_compress=True)
    whole = read(tmp_path / "a.sav")
    monkeypatch.setattr(apart, "CELLS", 1)
    monkeypatch.setattr(apart, "BYTES", 1)
    monkeypatch.setattr(os, "cpu_count", lambda: 3)
    cuts, joined = [], apart._joined
    monkeypatch.setattr(apart, "_joined", lambda answer, *rest: cuts.append(len(answer["parts"])) or joined(answer, *rest))
    parts = read(tmp_path / "a.sav")
    assert cuts == [12]
    pd.testing.assert_frame_equal(whole.frame, parts.frame)
    assert whole.checksum == parts.checksum and whole.frame["b"].tolist() == list(range(3001))
