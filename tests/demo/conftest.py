"""The generator is a program under data/demo, not part of the package: tests import it by path."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DEMO = ROOT / "data" / "demo"
if str(DEMO) not in sys.path:
    sys.path.insert(0, str(DEMO))


@pytest.fixture(scope="session")
def demo() -> Path:
    return DEMO


@pytest.fixture(scope="session")
def pop():
    from generator import the_population

    return the_population()


@pytest.fixture(scope="session")
def truths() -> dict:
    return json.loads((DEMO / "truths.json").read_text(encoding="utf-8"))["waves"]


@pytest.fixture(scope="session")
def raw() -> dict:
    """The SPSS files as they are, by wave."""
    from masar_research.loading import read

    return {wave: read(DEMO / f"masar_demo_{wave}.sav") for wave in (2022, 2024, 2026)}


@pytest.fixture(scope="session")
def card():
    from masar_research.loading.cards import read_card

    return read_card(ROOT / "data" / "surveys" / "masar_demo.yml")
