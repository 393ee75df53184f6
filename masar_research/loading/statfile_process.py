"""Files of statistics packages are read in a process of their own: a damaged one may end it, not the session.

The C library that reads them can crash on a damaged file or grow without end. A worker process
(:mod:`masar_research.loading.statfile_worker`) is started at the first such file and kept for the next.
Large SPSS files are cut by rows among as many workers as there are processors, four at most.
"""

from __future__ import annotations

import atexit
import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

SCRIPT = Path(__file__).with_name("statfile_worker.py")
SPLIT = (".sav", ".zsav")
CELLS = 2_000_000
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
    done: Callable[[float], None] = lambda share: None,
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
    done : callable
        Called with the share of the rows that is read.

    Raises
    ------
    ReadingFailed
        If the library refuses the file, crashes on it, or takes far longer or more memory than its size allows.
    """
    request = {"encoding": encoding, "usecols": columns, "catalog": str(catalog) if catalog else None}
    with tempfile.TemporaryDirectory(prefix="masar-", ignore_cleanup_errors=True) as folder:
        cuts = _cuts(path, encoding, columns)
        files = [Path(folder) / f"{k}.bin" for k in range(max(len(cuts) - 1, 1))]
        if len(cuts) < 2:
            parts = [_ask(path, request | {"out": str(files[0])})]
        else:
            requests = [
                request | {"out": str(file), "row_offset": low, "row_limit": high - low}
                for file, low, high in zip(files, cuts, cuts[1:], strict=False)
            ]
            finished: list[int] = []

            def one(each: dict[str, Any]) -> dict[str, Any]:
                answer = _ask(path, each)
                finished.append(1)
                done(len(finished) / len(requests))
                return answer

            with ThreadPoolExecutor(_processors()) as threads:
                parts = list(threads.map(one, requests))
        return _joined(parts, files)


def _cuts(path: Path, encoding: str | None, columns: list[str] | None) -> list[int]:
    if path.suffix.lower() not in SPLIT or _processors() < 2 or path.stat().st_size < CELLS:
        return []
    facts = describe(path, encoding)
    rows, width = facts["rows"] or 0, len(columns or facts["names"])
    if rows < 1000 or rows * width < CELLS:
        return []
    pieces = _processors()
    return [rows * k // pieces for k in range(pieces + 1)]


def _processors() -> int:
    return min(os.cpu_count() or 1, 4)


def _joined(parts: list[dict[str, Any]], files: list[Path]) -> Found:
    first = parts[0]
    kinds = [(name, kind) for name, kind, _ in first["columns"]]
    if any([(name, kind) for name, kind, _ in part["columns"]] != kinds for part in parts):
        raise ReadingFailed("columns", "its rows disagree about the types of its columns")
    numeric = [name for name, kind in kinds if kind == "numbers"]
    total = sum(part["n"] for part in parts)
    block, where = np.empty((len(numeric), total)), {name: k for k, name in enumerate(numeric)}
    places = {name: np.empty(total, "<i4") for name, kind in kinds if kind == "values"}
    known: dict[str, dict[Any, int]] = {name: {} for name in places}
    low = 0
    for part, file in zip(parts, files, strict=True):
        high = low + part["n"]
        with file.open("rb") as stream:
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
    facts = {key: value for key, value in first.items() if key not in ("columns", "n")}
    # letters of missing values are those the rows read hold
    facts["tags"] = {
        name: sorted({tag for part in parts for tag in part["tags"].get(name, ())})
        for name in {name for part in parts for name in part["tags"]}
    }
    return Found(facts, block, where, {n: Coded(places[n], list(known[n])) for n in places}, total)


def _ask(path: Path, request: dict[str, Any]) -> dict[str, Any]:
    size = path.stat().st_size
    whole = request | {
        "path": str(path.resolve()), "suffix": path.suffix.lower(), "memory": MEMORY + MEMORY_A_BYTE * size,
    }  # fmt: skip
    seconds, keep = SECONDS + size / BYTES_A_SECOND, size < 50_000_000
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
        )  # fmt: skip

    def ask(self, request: dict[str, Any], seconds: float, *, keep: bool) -> dict[str, Any]:
        self.used, late = True, threading.Event()

        def stop() -> None:
            late.set()
            self.process.kill()

        timer = threading.Timer(seconds, stop)
        timer.daemon = True
        timer.start()
        try:
            print(json.dumps(request), file=self.process.stdin, flush=True)
            line = self.process.stdout.readline()
        except OSError:
            line = ""
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
            self.process.kill()
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
