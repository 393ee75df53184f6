"""Files of statistics packages are read in a process of their own: a damaged one may end it, not the session.

The C library that reads them can crash on a damaged file or grow without end. A worker process
(:mod:`masar_research.loading.statfile_worker`) is started at the first such file and kept for the next.
For a large SPSS file it forks, so that the rows are read by as many processes as there are processors, four
at most.
"""

from __future__ import annotations

import atexit
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

SCRIPT = Path(__file__).with_name("statfile_worker.py")
CELLS, BYTES = 2_000_000, 500_000
# seconds between looks at what is read
LOOK = 0.25
SECONDS, BYTES_A_SECOND = 60.0, 100_000
MEMORY, MEMORY_A_BYTE = 2 << 30, 100


class ReadingFailed(Exception):
    """A file could not be read: ``kind`` is the worker's exception, ``"crash"`` or ``"slow"``."""

    def __init__(self, kind: str, reason: str) -> None:
        super().__init__(reason)
        self.kind = kind


@dataclass(frozen=True, slots=True)
class Coded:
    """A column as ``places`` (n,) in the list ``values`` of its distinct values; −1 for none."""

    places: np.ndarray
    values: list[Any]


@dataclass(frozen=True, slots=True)
class Found:
    """A file as the worker read it.

    Attributes
    ----------
    facts : dict
        ``names labels value_labels ranges tags measures types formats sets rows encoding``.
    numbers : ndarray, shape (k, n)
        The columns of doubles.
    where : dict
        Column → its row of `numbers`.
    coded : dict of Coded
        The other columns.
    n : int
    """

    facts: dict[str, Any]
    numbers: np.ndarray
    where: dict[str, int]
    coded: dict[str, Coded]
    n: int


def describe(path: Path, encoding: str | None = None) -> dict[str, Any]:
    """The facts of a file without its rows.

    Raises
    ------
    ReadingFailed
    """
    return _ask(path, {"encoding": encoding, "metadataonly": True})


def values(
    path: Path,
    encoding: str | None = None,
    *,
    columns: list[str] | None = None,
    catalog: Path | None = None,
    converted: Callable[[str], bool] = lambda form: False,
    done: Callable[[float], None] | None = None,
) -> Found:
    """The rows of a file.

    Parameters
    ----------
    path : Path
    encoding : str, optional
        Instead of the one the file declares.
    columns : list of str, optional
        Only these.
    catalog : Path, optional
        A SAS catalogue with the labels of values.
    converted : callable
        Whether columns of a format, ``"EDATE10"``, are to become something other than numbers: they come last
        in `Found.numbers`.
    done : callable, optional
        Called now and then, from a thread, with the share of the rows that is read, where a file is cut.

    Raises
    ------
    ReadingFailed
        If the library refuses the file, crashes on it, or takes far longer or more memory than its size allows.
    """
    request = {"encoding": encoding, "usecols": columns, "catalog": str(catalog) if catalog else None}
    with tempfile.TemporaryDirectory(prefix="masar-", ignore_cleanup_errors=True) as folder, _told(Path(folder), done):
        return _joined(_ask(path, request | {"out": str(Path(folder) / "part")}), converted)


def make_ready() -> None:
    """Start a worker that waits, where none does: it comes up while the caller does something else."""
    with _WORKERS.lend():
        pass


@contextmanager
def _told(folder: Path, done: Callable[[float], None] | None) -> Iterator[None]:
    """Tell, four times a second, the share of the rows that is read."""
    if done is None:
        yield
        return
    over = threading.Event()

    def look() -> None:
        while not over.wait(LOOK):
            try:
                rows = int((folder / "part.rows").read_text())
                done(sum(int(file.read_text() or 0) for file in folder.glob("part.*.done")) / rows)
            except (OSError, ValueError, ZeroDivisionError):
                continue

    watcher = threading.Thread(target=look, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()


def _processors() -> int:
    return min(os.cpu_count() or 1, 4)


def _joined(answer: dict[str, Any], converted: Callable[[str], bool]) -> Found:
    parts = answer.pop("parts")
    kinds = [(name, kind) for name, kind, _ in parts[0]["columns"]]
    if any([(name, kind) for name, kind, _ in part["columns"]] != kinds for part in parts):
        raise ReadingFailed("columns", "its rows disagree about the types of its columns")
    numeric = [name for name, kind in kinds if kind == "numbers"]
    formats = answer["formats"]
    numeric.sort(key=lambda name: converted(str(formats.get(name) or "")))
    total = sum(part["n"] for part in parts)
    block, where = np.empty((len(numeric), total)), {name: k for k, name in enumerate(numeric)}
    places = {name: np.empty(total, "<i4") for name, kind in kinds if kind == "values"}
    known: dict[str, dict[Any, int]] = {name: {} for name in places}
    low = 0
    for part in parts:
        high = low + part["n"]
        with open(part["file"], "rb") as stream:
            for name, kind, uniques in part["columns"]:
                target = block[where[name], low:high] if kind == "numbers" else places[name][low:high]
                if stream.readinto(memoryview(target).cast("B")) != target.nbytes:
                    raise ReadingFailed("short", "its columns are of different lengths")
                if kind == "values":
                    table = known[name]
                    moved = np.array([table.setdefault(v, len(table)) for v in uniques] + [-1], "<i4")
                    if not np.array_equal(moved[:-1], np.arange(len(uniques))):
                        target[:] = moved[target]
        low = high
    # letters of missing values are those the rows read hold
    answer["tags"] = {
        name: sorted({tag for part in parts for tag in part["tags"].get(name, ())})
        for name in {name for part in parts for name in part["tags"]}
    }
    return Found(answer, block, where, {n: Coded(places[n], list(known[n])) for n in places}, total)


def _ask(path: Path, request: dict[str, Any]) -> dict[str, Any]:
    size = path.stat().st_size
    seconds = SECONDS + size / BYTES_A_SECOND
    whole = request | {
        "path": str(path.resolve()), "suffix": path.suffix.lower(), "memory": MEMORY + MEMORY_A_BYTE * size,
        "seconds": seconds, "processes": _processors(), "least_cells": CELLS, "least_bytes": BYTES,
    }  # fmt: skip
    # what a large reading left in memory goes with its process
    keep = size < 50_000_000 or bool(request.get("metadataonly") or request.get("usecols"))
    with _WORKERS.lend() as worker:
        used = worker.used
        try:
            return worker.ask(whole, seconds, keep=keep)
        except ReadingFailed as error:
            if error.kind != "crash" or not used:
                raise
    # an earlier damaged file may have harmed a worker that was kept: a new one decides
    with _WORKERS.lend(new=True) as worker:
        return worker.ask(whole, seconds, keep=keep)


class _Worker:
    """One process, one request at a time."""

    def __init__(self) -> None:
        self.used = False
        # -P: the script's own folder, where names like numbers.py stand, is not searched for modules
        self.process = subprocess.Popen(
            [sys.executable, "-P", str(SCRIPT)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            text=True, encoding="utf-8", env=os.environ | {"OPENBLAS_NUM_THREADS": "1"},
            start_new_session=True,
        )  # fmt: skip

    def kill(self) -> None:
        """End the process and what it forked."""
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except (AttributeError, OSError):
            self.process.kill()

    def ask(self, request: dict[str, Any], seconds: float, *, keep: bool) -> dict[str, Any]:
        self.used, late = True, threading.Event()

        def stop() -> None:
            late.set()
            self.kill()

        timer = threading.Timer(seconds, stop)
        timer.daemon = True
        timer.start()
        try:
            print(json.dumps(request), file=self.process.stdin, flush=True)
            line = self.process.stdout.readline()
        except OSError:
            line = ""
        except BaseException:  # interrupted: its answer would be taken for the next file's
            self.kill()
            self.close()
            raise
        finally:
            timer.cancel()
        if not line.endswith("\n"):
            self.close()
            if late.is_set():
                raise ReadingFailed("slow", f"it was not read after {seconds:.0f} seconds")
            raise ReadingFailed("crash", "the library that reads such files broke down on it")
        answer = json.loads(line)
        if not keep or answer.get("error", [""])[0] == "MemoryError":  # what it left in memory goes
            self.close()
        if "error" in answer:
            raise ReadingFailed(*answer["error"])
        return answer

    def close(self) -> None:
        for pipe in (self.process.stdin, self.process.stdout):
            try:
                pipe.close()
            except OSError:
                continue
        try:
            self.process.wait(0.2)
        except subprocess.TimeoutExpired:
            self.kill()
            self.process.wait()


class _Workers:
    """Workers that wait for a file; a forked process starts its own."""

    def __init__(self) -> None:
        self.lock, self.idle, self.owner = threading.Lock(), [], os.getpid()

    @contextmanager
    def lend(self, new: bool = False) -> Iterator[_Worker]:
        if self.owner != os.getpid():
            self.lock, self.idle, self.owner = threading.Lock(), [], os.getpid()
        with self.lock:
            worker = self.idle.pop() if self.idle and not new else None
        if worker is None or worker.process.poll() is not None:
            worker = _Worker()
        try:
            yield worker
        finally:
            if worker.process.poll() is None:
                with self.lock:
                    self.idle.append(worker)

    def close(self) -> None:
        """End those that wait."""
        if self.owner == os.getpid():
            with self.lock:
                while self.idle:
                    self.idle.pop().close()


_WORKERS = _Workers()
atexit.register(_WORKERS.close)
