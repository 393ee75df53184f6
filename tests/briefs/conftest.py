"""A tiny generated study with a tiny notebook, in a project folder of its own."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

from tiny_project import make_project  # noqa: E402

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def tiny_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project folder all tests of the session share; read-only by agreement."""
    home = make_project(tmp_path_factory.mktemp("tiny"), REPOSITORY)
    return home


@pytest.fixture
def tiny(tiny_home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The tiny project as the current one."""
    monkeypatch.setenv("MASAR_HOME", str(tiny_home))
    monkeypatch.setenv("MASAR_NO_CACHE", "1")
    return tiny_home


@pytest.fixture
def own_tiny(tiny_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the tiny project that a test may change."""
    home = tmp_path / "project"
    shutil.copytree(tiny_home, home, ignore=shutil.ignore_patterns("reports"))
    monkeypatch.setenv("MASAR_HOME", str(home))
    monkeypatch.setenv("MASAR_NO_CACHE", "1")
    return home


@pytest.fixture(scope="session")
def built_tiny(tiny_home: Path) -> Path:
    """The tiny brief built once; the folder of its report."""
    from masar_research.briefs.runner import build

    before = {name: os.environ.get(name) for name in ("MASAR_HOME", "MASAR_NO_CACHE")}
    os.environ.update(MASAR_HOME=str(tiny_home), MASAR_NO_CACHE="1")
    try:
        return build("tiny", survey="tiny", date="2026-06-01", out=tiny_home / "reports").path
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
