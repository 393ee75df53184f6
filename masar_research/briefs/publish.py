"""A finished report put in its place as a whole, or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from masar_research.briefs.locations import office


@contextmanager
def workplace(out: Path, slug: str) -> Iterator[Path]:
    """A folder for building, on the same disk as `out`; removed afterwards whatever happens."""
    home = office(out) / "building"
    home.mkdir(parents=True, exist_ok=True)
    restore(out)
    folder = Path(tempfile.mkdtemp(prefix=f"{slug}-", dir=home))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def publish(built: Path, out: Path, slug: str) -> Path:
    """Move a finished folder to ``out/slug``; the earlier report stays until that moment.

    Two renames on one disk. If the process dies between them, the earlier report lies in
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
    """Remove half-built folders of processes that were killed."""
    home = office(out) / "building"
    if home.is_dir():
        for folder in home.iterdir():
            shutil.rmtree(folder, ignore_errors=True)
