"""The content of files by their digest; a large file that has not been touched since is not read again for it.

A digest is noted beside a file's size, times, inode and device. It is believed only while all of them are what
they were, and only if the last change lay well before the digest was made: a change in the same tick of the
clock would leave no trace. The time of the last change of the inode (ctime) moves with every writing and cannot
be set back as the date of a file can.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

from masar_research.errors import DataError
from masar_research.loading.places_of_files import home

# Smaller files are read for their digest every time: it costs less than 50 ms.
LARGE = 16_000_000
TICK = 2_000_000_000
# What a process left half written when it was killed goes after a day (s).
ABANDONED = 86_400.0


def stamp(paths: Iterable[Path]) -> tuple[tuple[int, ...], ...]:
    """Size, times in nanoseconds, inode and device of files."""
    return tuple((s.st_size, s.st_mtime_ns, s.st_ctime_ns, s.st_ino, s.st_dev) for s in map(os.stat, paths))


def settled(found: tuple[tuple[int, ...], ...], now: int) -> bool:
    """Whether the last change of every file lies so long before `now` (ns) that a later one would show.

    Examples
    --------
    >>> settled(((10, 0, 0, 1, 1),), 3_000_000_000), settled(((10, 0, 0, 1, 1),), 1_000_000_000)
    (True, False)
    """
    return all(now - max(mtime, ctime) > TICK for _, mtime, ctime, _, _ in found)


def known(path: Path) -> str | None:
    """The digest noted of a large file, if nothing about the file has changed since; None elsewhere."""
    (found,) = stamp([path])
    # on Windows st_ctime is the time of creation, which says nothing
    if found[0] < LARGE or os.name != "posix":
        return None
    try:
        noted = json.loads(_place(path).read_text(encoding="utf-8"))
        return str(noted["digest"]) if tuple(noted["stamp"]) == found else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def content(path: Path) -> str:
    """The SHA-256 of a file's bytes, 64 hexadecimal digits.

    Raises
    ------
    DataError
        If the file keeps changing while it is read.
    """
    noted = known(path)
    if noted is not None:
        return noted
    for _ in range(3):
        before, now = stamp([path]), time.time_ns()
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        if stamp([path]) == before:
            if before[0][0] >= LARGE and os.name == "posix" and settled(before, now):
                _note(path, before[0], digest)
            return digest
    raise changing(path)


def changing(path: Path) -> DataError:
    """The error of a file that is being written."""
    return DataError(
        f"{path.name} changed while it was being read.",
        remedy="Read it again when the program that writes it has finished.",
        ar=f"تغيّر الملف {path.name} أثناء قراءته؛ اقرأه من جديد بعد أن ينتهي البرنامج الذي يكتبه.",
    )


def write_whole(path: Path, write) -> bool:
    """Write a file of the cache under another name, then give it its own: there is never half of one.

    Parameters
    ----------
    path : Path
    write : callable
        Called with the temporary path.

    Returns
    -------
    bool
        False where it could not be written: a full disk or a folder that is not ours is no error of a reading.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _sweep(path.parent)
        handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".part")
        os.close(handle)
        try:
            write(temporary)
            os.replace(temporary, path)
        finally:
            Path(temporary).unlink(missing_ok=True)
    except OSError:
        return False
    return True


def _sweep(folder: Path) -> None:
    for left in folder.glob("*.part"):
        try:
            if time.time() - left.stat().st_mtime > ABANDONED:
                left.unlink()
        except OSError:
            continue


def _note(path: Path, found: tuple[int, ...], digest: str) -> None:
    text = json.dumps({"stamp": found, "digest": digest})
    write_whole(_place(path), lambda temporary: Path(temporary).write_text(text, encoding="utf-8"))


def _place(path: Path) -> Path:
    name = hashlib.sha256(os.fsencode(path.resolve())).hexdigest()[:40]
    return home() / ".cache" / "read" / "seen" / f"{name}.json"
