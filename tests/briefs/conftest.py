"""A tiny generated study with a tiny notebook, in a project folder of its own."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

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


@pytest.fixture
def cells_here(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The tiny notebook's cells run in this process instead of a kernel; a test may change ``.cells``.

    What comes before and after the kernel is what a user runs.
    """
    from tiny_project import NUMBERS, TAIL, WORDS

    from masar_research import briefs
    from masar_research.briefs import authoring, blocks, runner
    from masar_research.briefs.emit import Collected

    held = SimpleNamespace(cells=(NUMBERS, WORDS, TAIL), blocks=())

    def execute(path: Path, output: Path, parameters: dict, progress: Callable) -> dict:
        if not path.exists():
            return real(path, output, parameters, progress)
        kept = Collected()
        brief = authoring.open_brief("tiny", emit=kept, **parameters)
        names = {name: getattr(briefs, name) for name in briefs.__all__} | {"brief": brief}
        for cell in held.cells:
            exec(cell, names)
        output.write_text("{}", encoding="utf-8")
        held.blocks = blocks.with_sources([blocks.load(blocks.dump(block)) for block in kept.blocks])
        return {}

    real = runner.execute
    monkeypatch.setattr(runner, "execute", execute)
    monkeypatch.setattr(runner, "block_store", SimpleNamespace(collect=lambda notebook: tuple(held.blocks)))
    return held


@contextmanager
def at(home: Path) -> Iterator[None]:
    """The tiny project as the current one, for fixtures that outlive a test."""
    before = {name: os.environ.get(name) for name in ("MASAR_HOME", "MASAR_NO_CACHE")}
    os.environ.update(MASAR_HOME=str(home), MASAR_NO_CACHE="1")
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@pytest.fixture(scope="session")
def built_tiny(tiny_home: Path) -> Path:
    """The tiny brief built once; the folder of its report."""
    from masar_research.briefs.runner import build

    with at(tiny_home):
        return build("tiny", survey="tiny", date="2026-06-01", out=tiny_home / "reports").path


@pytest.fixture(scope="session")
def tiny_blocks(tiny_home: Path) -> tuple:
    """The blocks of the tiny brief, emitted in this process and read back from JSON."""
    from tiny_project import NUMBERS, TAIL, WORDS

    from masar_research import briefs
    from masar_research.briefs import authoring, blocks
    from masar_research.briefs.emit import Collected

    with at(tiny_home):
        kept = Collected()
        brief = authoring.open_brief("tiny", survey="tiny", wave=2026, emit=kept)
        names = {name: getattr(briefs, name) for name in briefs.__all__} | {"brief": brief}
        for cell in (NUMBERS, WORDS, TAIL):
            exec(cell, names)
        return tuple(blocks.with_sources([blocks.load(blocks.dump(block)) for block in kept.blocks]))


@pytest.fixture(scope="session")
def tiny_composed(tiny_home: Path, tiny_blocks: tuple):
    """The tiny brief gated and composed."""
    from masar_research.briefs import gate
    from masar_research.briefs.compose import compose

    with at(tiny_home):
        return compose(tiny_blocks, gate.decide(tiny_blocks), date="2026-06-01")
