"""Which code made a brief: ``git describe`` where there is a repository, and the source's hash."""

from __future__ import annotations

import hashlib
import subprocess
from functools import lru_cache
from pathlib import Path

import masar_research

_SUFFIXES = (".py", ".yml", ".yaml", ".csv", ".typ", ".css", ".html", ".j2")


@lru_cache(maxsize=1)
def code_version() -> dict[str, str]:
    """``version`` (printed in the brief), ``git`` ("" without a repository) and ``tree``.

    ``tree`` is the SHA-256 of the package's source files, line ends normalised, so that the
    same code has the same name on every system.
    """
    tree = _tree(Path(masar_research.__file__).resolve().parent)
    git = _git(Path(masar_research.__file__).resolve().parents[1])
    return {"version": masar_research.__version__, "git": git, "tree": tree}


def _tree(package: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(package.rglob("*"), key=lambda item: item.relative_to(package).as_posix()):
        if path.suffix in _SUFFIXES and "__pycache__" not in path.parts:
            digest.update(path.relative_to(package).as_posix().encode())
            digest.update(path.read_bytes().replace(b"\r\n", b"\n"))
    return digest.hexdigest()[:16]


def _git(folder: Path) -> str:
    try:
        answer = subprocess.run(
            ["git", "describe", "--always", "--dirty", "--tags"],
            cwd=folder, capture_output=True, text=True, timeout=10, check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return answer.stdout.strip() if answer.returncode == 0 else ""
