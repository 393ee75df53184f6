"""The cache among several: writers at once, one killed in the middle, a full disk, and files that change unseen."""

import errno
import os
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pyreadstat
import pytest

from masar_research.errors import DataError
from masar_research.loading import cache, fingerprints, read, readers

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("MASAR_HOME", str(tmp_path))
    monkeypatch.delenv("MASAR_NO_CACHE", raising=False)
    return tmp_path


def write(path, values=(1.0, 9.0)):
    pyreadstat.write_sav(pd.DataFrame({"x": np.asarray(values, float)}), str(path))
    return path


def copies(home):
    folder = home / ".cache" / "read"
    return sorted(folder.glob("*.parquet")), sorted(folder.rglob("*.part"))


def started(home, code):
    environment = os.environ | {"MASAR_HOME": str(home), "PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1"}
    environment.pop("MASAR_NO_CACHE", None)
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)], env=environment, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


READ = """
    import sys
    from masar_research.loading import read
    print("ready", flush=True)
    sys.stdin.readline()
    for _ in range({times}):
        print(read({path!r}).checksum, flush=True)
"""


def test_several_processes_that_read_a_file_at_once_agree_and_leave_one_copy(home):
    path = write(home / "a.sav", np.arange(5000.0))
    readers_ = [started(home, READ.format(path=str(path), times=5)) for _ in range(3)]
    for each in readers_:
        assert each.stdout.readline() == "ready\n"
    for each in readers_:
        each.stdin.write("\n")
        each.stdin.flush()
    said = [each.communicate(timeout=120) for each in readers_]
    assert {line for out, _ in said for line in out.split()} == {read(path, cache=False).checksum}, said
    whole, half = copies(home)
    assert len(whole) == 1 and not half


def test_a_reader_meets_an_old_or_a_new_copy_while_another_writes(home):
    path = write(home / "a.sav", np.arange(20_000.0))
    raw = read(path)
    ((copy,), _) = copies(home)
    writer = started(home, f"""
        import sys
        from masar_research.loading import cache, read
        raw = read({str(path)!r})
        print("ready", flush=True)
        for _ in range(200):
            cache.store({copy.stem!r}, raw)
        """)  # fmt: skip
    assert writer.stdout.readline() == "ready\n", writer.stderr.read()
    met = 0
    while writer.poll() is None:
        found = cache.fetch(copy.stem)
        assert found is not None and found.frame["x"].sum() == raw.frame["x"].sum()
        met += 1
    assert met > 3 and writer.wait() == 0


def test_one_killed_while_it_writes_leaves_no_half_copy(home):
    path = write(home / "a.sav", np.arange(100.0))
    victim = started(home, f"""
        import sys
        from masar_research.loading import cache, read
        whole = cache.pq.write_table
        def slow(table, place, **options):
            whole(table, place, **options)
            with open(place, "r+b") as file:
                file.truncate(40)
            print(place, flush=True)
            sys.stdin.readline()
        cache.pq.write_table = slow
        read({str(path)!r})
        """)  # fmt: skip
    place = Path(victim.stdout.readline().strip())
    assert place.is_file() and place.stat().st_size == 40
    victim.kill()
    victim.communicate()
    assert copies(home)[0] == []
    assert read(path).frame["x"].tolist() == list(range(100))
    ((copy,), _) = copies(home)
    assert pq.read_table(copy).num_rows == 100
    assert place.is_file()
    old = time.time() - 2 * fingerprints.ABANDONED
    os.utime(place, (old, old))
    write(path, [7.0])
    read(path)
    assert not place.exists() and len(copies(home)[0]) == 2


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO])
def test_a_full_disk_is_no_error_and_leaves_nothing(home, monkeypatch, number):
    path = write(home / "a.sav")

    def full(table, place, **options):
        Path(place).write_bytes(b"PAR1 half")
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(cache.pq, "write_table", full)
    assert read(path).frame["x"].tolist() == [1, 9]
    assert copies(home) == ([], [])


def test_a_folder_that_cannot_be_written_is_no_error(home, monkeypatch):
    path = write(home / "a.sav")

    def refused(*a, **k):
        raise PermissionError(errno.EACCES, "denied")

    monkeypatch.setattr(fingerprints.tempfile, "mkstemp", refused)
    assert read(path).frame["x"].tolist() == [1, 9]
    assert copies(home) == ([], [])


@pytest.fixture
def large(monkeypatch):
    """Every file counts as large: its digest is noted."""
    monkeypatch.setattr(fingerprints, "LARGE", 1)
    monkeypatch.setattr(readers, "LARGE", 1)


@pytest.fixture
def aged(monkeypatch):
    """Ten minutes have gone by since every change."""
    real = time.time_ns
    monkeypatch.setattr(fingerprints.time, "time_ns", lambda: real() + 600_000_000_000)


@pytest.fixture
def digests(monkeypatch):
    seen, real = [], fingerprints.hashlib.file_digest
    monkeypatch.setattr(fingerprints.hashlib, "file_digest", lambda *a: seen.append(1) or real(*a))
    return seen


def test_silent_error_12_same_name_size_and_date_but_other_content(home, large, aged, digests):
    path = write(home / "a.sav", [1.0, 2.0])
    date = (path.stat().st_atime_ns, path.stat().st_mtime_ns)
    size = path.stat().st_size
    assert read(path).frame["x"].tolist() == [1, 2] and fingerprints.known(path)
    data = path.read_bytes()
    with path.open("r+b") as file:  # in place: the same inode
        at = data.rindex(np.float64(2).tobytes())
        file.seek(at)
        file.write(np.float64(3).tobytes())
    os.utime(path, ns=date)
    assert (path.stat().st_size, path.stat().st_mtime_ns) == (size, date[1])
    assert fingerprints.known(path) is None
    assert read(path).frame["x"].tolist() == [1, 3]
    other = write(home / "b.sav", [4.0, 2.0])
    os.utime(other, ns=date)
    os.replace(other, path)
    assert read(path).frame["x"].tolist() == [4, 2]


def test_an_untouched_large_file_is_not_read_again_and_a_touched_one_is(home, large, aged, digests):
    path = write(home / "a.sav", [1.0, 2.0])
    read(path)
    once = len(digests)
    read(path)
    read(path, columns=["x"])
    assert len(digests) == once
    os.utime(path)
    read(path)
    assert len(digests) == once + 1


def test_a_file_just_written_is_never_believed_without_a_look(home, large, digests):
    path = write(home / "a.sav", [1.0, 2.0])
    for _ in range(3):
        before = len(digests)
        read(path)
        assert len(digests) > before and fingerprints.known(path) is None


def test_a_small_file_is_read_for_its_digest_every_time(home, aged, digests):
    path = write(home / "a.sav")
    read(path)
    before = len(digests)
    read(path)
    assert len(digests) == before + 1 and not (home / ".cache" / "read" / "seen").exists()


@pytest.mark.parametrize("note", ["", "[]", "{}", '{"stamp": 3, "digest": 4}', "\x00"])
def test_a_spoiled_note_of_a_digest_is_ignored(home, large, aged, note):
    path = write(home / "a.sav", [1.0, 2.0])
    read(path)
    (kept,) = (home / ".cache" / "read" / "seen").iterdir()
    kept.write_text(note)
    assert fingerprints.known(path) is None and read(path).frame["x"].tolist() == [1, 2]


def test_a_file_that_changes_while_it_is_read_is_refused_and_not_kept(home, monkeypatch):
    path, real = write(home / "a.sav", [1.0, 2.0]), readers._read

    def changed(*arguments):
        raw = real(*arguments)
        write(path, [5.0, 6.0])
        return raw

    with monkeypatch.context() as patched:
        patched.setattr(readers, "_read", changed)
        with pytest.raises(DataError, match="changed while") as error:
            read(path)
    assert "تغيّر" in error.value.ar
    assert copies(home) == ([], []) and read(path).frame["x"].tolist() == [5, 6]


def test_a_file_that_never_stands_still_is_refused(home, monkeypatch):
    path, real = write(home / "a.sav"), fingerprints.hashlib.file_digest

    def growing(file, name):
        with path.open("ab") as more:
            more.write(b"\x00")
        return real(file, name)

    monkeypatch.setattr(fingerprints.hashlib, "file_digest", growing)
    with pytest.raises(DataError, match="changed while"):
        read(path)
