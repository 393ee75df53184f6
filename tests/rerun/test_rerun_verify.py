"""`masar verify`: the same data give the same numbers; anything planted is caught."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from tiny_project import make_project
from typer.testing import CliRunner

from masar_research.briefs import verify as verifying
from masar_research.briefs.runner import build
from masar_research.cli import app
from masar_research.errors import BriefError

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    home = make_project(tmp_path_factory.mktemp("rerun"), REPOSITORY)
    before = os.environ.get("MASAR_HOME")
    os.environ["MASAR_HOME"] = str(home)
    try:
        yield build("tiny", survey="tiny", date="2026-06-01", formats=("html",)).path
    finally:
        os.environ.pop("MASAR_HOME", None)
        if before is not None:
            os.environ["MASAR_HOME"] = before


@pytest.fixture(scope="module")
def again(report: Path) -> tuple[dict, dict]:
    """What one real rerun in a fresh process gave."""
    from masar_research.briefs import ledger

    return verifying._rerun(ledger.read(report / "ledger.json"), Path("nowhere"))


@pytest.fixture
def replayed(again, monkeypatch: pytest.MonkeyPatch) -> None:
    """Compare against that rerun instead of starting a kernel for every planted change."""
    monkeypatch.setattr(verifying, "_rerun", lambda published, register: again)


def edit(path: Path, change) -> bytes:
    """Change a JSON file; returns what stood there."""
    before = path.read_bytes()
    data = json.loads(before)
    change(data)
    path.write_text(json.dumps(data, ensure_ascii=False), encoding="utf-8")
    return before


def cell(data: dict, name: str) -> dict:
    return next(entry for entry in data["entries"] if entry.get("cell") == name)


def test_a_report_is_reproduced_number_by_number(report: Path, replayed) -> None:
    result = verifying.verify(report)
    assert result.ok and result.numbers == result.reproduced > 40 and result.precise > 8
    assert f"{result.numbers} of {result.numbers} numbers reproduced" in result.text("en")
    assert f"{result.numbers} من {result.numbers}" in result.text("ar")


def test_the_rerun_did_not_use_the_reports_files(again, report: Path) -> None:
    public, office = again
    assert public["entries"] and office["entries"]
    assert public["made"] == "2026-06-01"


@pytest.mark.parametrize(
    "plant",
    [
        lambda data: cell(data, "work[sex=2]")["displayed"]["en"].update(percent="26.6%"),
        lambda data: cell(data, "work[sex=2]")["displayed"]["ar"].update(percent="26.6%"),
        lambda data: cell(data, "place[place=4]")["decision"].update(status="show", reason=""),
        lambda data: data["entries"].pop(),
        lambda data: data["sentences"]["ar"][1].update(text="تعمل النساء أكثر من الرجال"),
        lambda data: data["sources"][0].update(checksum="sha256-content:" + "0" * 64),
    ],
    ids=["english", "arabic", "decision", "missing", "sentence", "checksum"],
)
def test_a_change_planted_in_the_public_ledger_is_caught(report: Path, replayed, plant) -> None:
    path = report / "ledger.json"
    before = edit(path, plant)
    try:
        result = verifying.verify(report)
        assert not result.ok and result.problems
        assert all(problem.en and problem.ar for problem in result.problems)
    finally:
        path.write_bytes(before)


def test_the_changed_number_is_named_with_both_values(report: Path, replayed) -> None:
    path = report / "ledger.json"
    before = edit(path, lambda data: cell(data, "work[sex=2]")["displayed"]["en"].update(percent="99.9%"))
    try:
        result = verifying.verify(report)
        text = result.text("en")
        assert "work[sex=2]" in text and "'99.9%'" in text and "26.5%" in text
        assert result.reproduced == result.numbers - 1
    finally:
        path.write_bytes(before)


def test_full_precision_is_compared_in_the_office(report: Path, replayed) -> None:
    path = report.parent / ".office" / report.name / "ledger.office.json"

    def nudge(data: dict) -> None:
        entry = next(e for e in data["entries"] if e.get("estimate"))
        entry["estimate"] *= 1 + 1e-7

    before = edit(path, nudge)
    try:
        result = verifying.verify(report)
        assert not result.ok and "estimate" in result.problems[0].en
    finally:
        path.write_bytes(before)
    path.rename(path.with_suffix(".away"))
    try:
        result = verifying.verify(report)
        assert result.ok and result.precise == 0
    finally:
        path.with_suffix(".away").rename(path)


def test_a_number_changed_on_a_page_is_caught(report: Path, replayed) -> None:
    path = report / "tiny.en.html"
    before = path.read_bytes()
    assert b"26.5%" in before
    path.write_bytes(before.replace(b"26.5%", b"36.5%"))
    try:
        result = verifying.verify(report)
        assert not result.ok and any("36.5" in problem.en for problem in result.problems)
    finally:
        path.write_bytes(before)


def test_a_change_planted_in_the_data_is_caught_by_a_real_rerun(report: Path) -> None:
    """One answer in one row is turned round; the command ends with status 1 and says what changed."""
    path = Path(os.environ["MASAR_HOME"]) / "data" / "surveys" / "tiny_2026.csv"
    before = path.read_bytes()
    frame = pd.read_csv(path)
    frame.loc[frame["sex"].eq(2).idxmax(), "works"] = 1 - frame.loc[frame["sex"].eq(2).idxmax(), "works"]
    frame.to_csv(path, index=False)
    try:
        answer = CliRunner().invoke(app, ["verify", str(report)])
    finally:
        path.write_bytes(before)
    assert answer.exit_code == 1
    assert "not those the report was made from" in answer.output and "work[sex=2]" in answer.output


def test_a_folder_without_a_ledger_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(BriefError, match="no ledger"):
        verifying.verify(tmp_path)
    (tmp_path / "ledger.json").write_text("{}", encoding="utf-8")
    with pytest.raises(BriefError, match="not the ledger of a report"):
        verifying.verify(tmp_path)


@pytest.mark.parametrize(
    ("first", "second", "equal"),
    [(0.1, 0.1, True), (0.1, 0.1 * (1 + 1e-10), True), (0.1, 0.1 * (1 + 1e-8), False), (None, None, True),
     (None, 0.0, False), (0.0, 1e-13, True), (0.0, 1e-9, False)],
)  # fmt: skip
def test_precision_is_relative_and_strict(first, second, equal: bool) -> None:
    assert verifying.same(first, second) is equal
