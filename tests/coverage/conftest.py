"""Makes the frame of the coverage tests importable, and keeps the tables of a run."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))


@pytest.fixture(scope="session")
def coverage_tables(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Writes the coverage of every design simulated to a temporary file; `-s` shows it."""
    yield
    from coverage_judge import SIMULATED
    from coverage_report import tables

    path = tmp_path_factory.mktemp("coverage") / "coverage.md"
    path.write_text(tables(SIMULATED), encoding="utf-8")
    print(f"\n{tables(SIMULATED)}\nwritten to {path}")
