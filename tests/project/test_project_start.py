"""A fresh process starts quickly: what is heavy is imported when it is used."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from masar_research.loading import card_copies, cards
from masar_research.errors import CardError

ROOT = Path(__file__).parents[2]
HEAVY = (
    "matplotlib", "geopandas", "statsmodels", "formulaic", "scipy.stats", "scipy.optimize",
    "scipy.sparse", "scipy.linalg", "openpyxl", "pyreadstat", "IPython",
)  # fmt: skip
SESSION = (
    "import masar_research as mr\n"
    "survey = mr.load('data/surveys/masar_demo.yml', wave=2026)\n"
    "print(survey.mean('age'))\n"
)


def python(code: str) -> str:
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_mean_from_the_cache_imports_nothing_heavy():
    python(SESSION)
    seen = f"import sys, json\nprint(json.dumps([m for m in {HEAVY!r} if m in sys.modules]))"
    # Newer SciPy imports scipy.linalg with scipy.special, which every estimate needs.
    alone = json.loads(python(f"import pandas, scipy.special\n{seen}").splitlines()[-1])
    told = python(f"{SESSION}{seen}")
    assert json.loads(told.splitlines()[-1]) == [name for name in HEAVY if name in alone]
    assert "95% confidence interval" in told


def test_a_card_is_the_same_from_its_copy(tmp_path, monkeypatch):
    monkeypatch.setenv("MASAR_HOME", str(tmp_path))
    monkeypatch.delenv("MASAR_NO_CACHE", raising=False)
    path = ROOT / "data" / "surveys" / "masar_demo.yml"
    cards._checked.cache_clear()
    first = cards.read_card(path)
    assert card_copies.fetch(path.read_bytes()) is not None
    cards._checked.cache_clear()
    monkeypatch.setattr(cards, "read_yaml", lambda path: pytest.fail("the copy was not used"))
    assert cards.read_card(path) == first
    cards._checked.cache_clear()


def test_a_damaged_copy_is_no_copy_and_a_wrong_one_never_hides_the_line(tmp_path, monkeypatch):
    monkeypatch.setenv("MASAR_HOME", str(tmp_path))
    monkeypatch.delenv("MASAR_NO_CACHE", raising=False)
    text = (ROOT / "data" / "surveys" / "masar_demo.yml").read_text(encoding="utf-8")
    path = tmp_path / "study.yml"
    path.write_text(text.replace("synthetic: true", "synthetic: perhaps"), encoding="utf-8")
    card_copies.store(path.read_bytes(), {"study": "x"})
    with pytest.raises(CardError, match="line"):
        cards.read_card(path)
    next((tmp_path / ".cache" / "cards").iterdir()).write_text("{", encoding="utf-8")
    assert card_copies.fetch(path.read_bytes()) is None


def test_dates_and_number_keys_survive_the_copy(tmp_path, monkeypatch):
    import datetime as dt

    monkeypatch.setenv("MASAR_HOME", str(tmp_path))
    monkeypatch.delenv("MASAR_NO_CACHE", raising=False)
    tree = {1: "a", 2.5: [dt.date(2026, 3, 1), None, True, {"x": -1}], "d": dt.datetime(2026, 3, 1, 5)}
    card_copies.store(b"one", tree)
    assert card_copies.fetch(b"one") == tree
    monkeypatch.setenv("MASAR_NO_CACHE", "1")
    assert card_copies.fetch(b"one") is None
