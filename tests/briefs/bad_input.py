"""What every bad input must come to: told in two languages, no traceback, nothing half-written."""

from __future__ import annotations

import re
from pathlib import Path

from typer.testing import CliRunner, Result

from masar_research.cli import app

ARABIC = re.compile("[\u0621-\u064a]{2}")


def command(*words: object) -> Result:
    """One command of ``masar`` in this process, on a wide terminal."""
    return CliRunner().invoke(app, [str(word) for word in words], env={"COLUMNS": "400"})


def assert_told(answer: Result, *words: str, status: int = 1) -> None:
    """A panel with the words, a remedy and Arabic, the exit status, and no traceback."""
    text = answer.output
    assert answer.exit_code == status, text
    assert answer.exception is None or isinstance(answer.exception, SystemExit), repr(answer.exception)
    assert "Traceback" not in text and "unexpected" not in text.casefold(), text
    for word in words:
        assert word in text, f"{word!r} is not in:\n{text}"
    assert ARABIC.search(text), text
    if status == 1:
        assert re.search("→ .{8}", text), text


def assert_nothing_half_written(home: Path) -> None:
    """No report, no page, no part of one, no folder of a build."""
    reports = home / "reports"
    left = [p for p in reports.rglob("*") if p.is_file()] if reports.exists() else []
    assert [p for p in left if p.suffix in (".html", ".pdf", ".docx", ".part", ".csv")] == []
    building = reports / ".office" / "building"
    assert not building.exists() or not any(building.iterdir())


def build(*more: object) -> Result:
    """The tiny brief of the tiny study."""
    return command("brief", "build", "tiny", "--survey", "tiny", *more)
