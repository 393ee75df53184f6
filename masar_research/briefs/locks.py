"""One process at a time: locks that the system takes back when their holder dies."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

PAUSE = 0.05


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Hold the lock of a file, waiting for whoever has it.

    Parameters
    ----------
    path : Path
        Made where it is not there; its folder must be.
    """
    with path.open("a+b") as file:
        while not _taken(file):
            time.sleep(PAUSE)
        try:
            yield
        finally:
            _give_back(file)


def is_held(path: Path) -> bool:
    """Whether a living process holds the lock of a file; one that is not there is free."""
    if not path.exists():
        return False
    with path.open("a+b") as file:
        if not _taken(file):
            return True
        _give_back(file)
        return False


if os.name == "nt":
    import msvcrt

    def _taken(file: IO[bytes]) -> bool:
        file.seek(0)
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

    def _give_back(file: IO[bytes]) -> None:
        file.seek(0)
        msvcrt.locking(file.fileno(), msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    def _taken(file: IO[bytes]) -> bool:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _give_back(file: IO[bytes]) -> None:
        fcntl.flock(file, fcntl.LOCK_UN)
