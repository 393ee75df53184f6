"""A finished report put in its place as a whole, or not at all; several builds may run at once."""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from masar_research.briefs import locks
from masar_research.briefs.locations import office
from masar_research.errors import from_outside


@contextmanager
def workplace(out: Path, slug: str) -> Iterator[Path]:
    """A folder for building, on the same disk as `out`; removed afterwards whatever happens.

    Raises
    ------
    BriefError
        The system refused to read or write, here or in the body of the ``with``.
    """
    home = office(out) / "building"
    folder = home / f"{slug}-{uuid.uuid4().hex[:12]}"
    lock = _lock(folder)
    try:
        with ExitStack() as stack:
            home.mkdir(parents=True, exist_ok=True)
            with turn(out):
                restore(out)
                stack.callback(lock.unlink, missing_ok=True)
                stack.enter_context(locks.held(lock))
                folder.mkdir()
                stack.callback(shutil.rmtree, folder, ignore_errors=True)
            yield folder
    except OSError as error:
        raise from_outside(error) from error


@contextmanager
def turn(out: Path) -> Iterator[None]:
    """Held while reports under `out` are moved: two builds that end together follow each other."""
    home = office(out)
    home.mkdir(parents=True, exist_ok=True)
    with locks.held(home / "publish.lock"):
        yield


def publish(built: Path, out: Path, slug: str) -> Path:
    """Move a finished folder to ``out/slug``; the earlier report stays until that moment.

    To be called in one's `turn`. Two renames on one disk. If the process dies between them, the earlier report lies in
    ``.office/replaced`` and `restore` puts it back at the next build.
    """
    target = out / slug
    kept = office(out) / "replaced" / slug
    kept.parent.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(kept, ignore_errors=True)
    if target.exists():
        os.rename(target, kept)
    try:
        os.rename(built, target)
    except OSError:
        if kept.exists():
            os.rename(kept, target)
        raise
    shutil.rmtree(kept, ignore_errors=True)
    return target


def restore(out: Path) -> None:
    """Put back a report whose replacement was interrupted between its two renames."""
    kept = office(out) / "replaced"
    if kept.is_dir():
        for folder in kept.iterdir():
            if not (out / folder.name).exists():
                os.rename(folder, out / folder.name)
            else:
                shutil.rmtree(folder, ignore_errors=True)


def clear_leftovers(out: Path) -> None:
    """Remove half-built folders of processes that were killed; those of living ones stay."""
    home = office(out) / "building"
    if not home.is_dir():
        return
    with turn(out):
        for folder in [path for path in home.iterdir() if path.is_dir()]:
            if not locks.is_held(_lock(folder)):
                shutil.rmtree(folder, ignore_errors=True)
        for lock in home.glob("*.lock"):
            if not lock.with_suffix("").exists() and not locks.is_held(lock):
                lock.unlink(missing_ok=True)


def _lock(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.lock")
