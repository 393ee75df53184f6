"""Set-up on a Python that is wrong or bare says in one line of each language what to install."""

from __future__ import annotations

import builtins
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from masar_research import bootstrap

ROOT = Path(__file__).resolve().parents[2]
ARABIC = re.compile("[\u0621-\u064a]{2}")


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A clone without an environment; nothing may be installed or run."""
    for name in ("requirements.lock", "pyproject.toml"):
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    venv = tmp_path / ".venv"
    for name, value in {
        "ROOT": tmp_path, "VENV": venv, "LOCK": tmp_path / "requirements.lock", "STAMP": venv / ".masar-stamp",
    }.items():  # fmt: skip
        monkeypatch.setattr(bootstrap, name, value)
    monkeypatch.delenv("CONDA_DEFAULT_ENV", raising=False)
    monkeypatch.setattr(bootstrap.subprocess, "run", lambda *a, **k: pytest.fail(f"ran {a}"))
    return tmp_path


def told(capsys: pytest.CaptureFixture[str]) -> tuple[str, str]:
    """The two last lines: English and Arabic, and nothing after them."""
    english, arabic = capsys.readouterr().out.strip().splitlines()[-2:]
    assert not ARABIC.search(english) and ARABIC.search(arabic)
    return english, arabic


@pytest.mark.parametrize("version", [(3, 6, 15), (3, 10, 9), (3, 14, 0)])
def test_a_python_the_lock_does_not_serve(
    bare: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], version: tuple[int, ...]
) -> None:
    text = ".".join(map(str, version))
    fake = SimpleNamespace(version_info=version, version=f"{text} (main)", stdout=sys.stdout, prefix="/usr", executable="p")
    monkeypatch.setattr(bootstrap, "sys", fake)
    with pytest.raises(SystemExit) as stop:
        bootstrap.perform("briefs", [])
    assert stop.value.code == 1
    for line in told(capsys):
        assert text in line and "python3.11-venv" in line and "make PYTHON=python3.11" in line
    assert not (bare / ".venv").exists()


@pytest.mark.parametrize("module", ["venv", "ensurepip"])
def test_a_python_without_venv(
    bare: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], module: str
) -> None:
    real = builtins.__import__

    def without(name: str, *more: object, **named: object) -> object:
        if name == module:
            raise ImportError(name)
        return real(name, *more, **named)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(SystemExit) as stop:
        bootstrap.perform("briefs", [])
    monkeypatch.undo()
    assert stop.value.code == 1
    package = f"sudo apt install python{sys.version_info[0]}.{sys.version_info[1]}-venv"
    assert all(package in line for line in told(capsys))
    assert not (bare / ".venv").exists()


def test_a_lock_that_is_gone(bare: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (bare / "requirements.lock").unlink()
    with pytest.raises(SystemExit):
        bootstrap.perform("briefs", [])
    assert all("git checkout requirements.lock" in line for line in told(capsys))


def test_a_disk_that_cannot_be_written(
    bare: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse() -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(bootstrap, "make_venv", refuse)
    with pytest.raises(SystemExit):
        bootstrap.perform("briefs", [])
    english, _ = told(capsys)
    assert "Read-only file system" in english and "run the same command again" in english


def test_an_installation_that_fails_leaves_no_stamp(
    bare: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(bootstrap, "make_venv", lambda: (bare / ".venv").mkdir())
    monkeypatch.setattr(bootstrap.subprocess, "run", lambda *a, **k: SimpleNamespace(returncode=1))
    with pytest.raises(SystemExit):
        bootstrap.perform("briefs", [])
    english, _ = told(capsys)
    assert "is there a network?" in english and not bootstrap.is_ready()


def made(bare: Path) -> Path:
    """An environment as an earlier run left it."""
    python = bootstrap.venv_python()
    python.parent.mkdir(parents=True)
    python.write_text("")
    bootstrap.STAMP.write_text(bootstrap.stamp_text(), encoding="utf-8")
    return python


@pytest.mark.parametrize("offline", [False, True])
def test_a_second_run_starts_at_once_and_offline(
    bare: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], offline: bool
) -> None:
    """With the stamp in place nothing is asked of pip or the network: only the task itself runs."""
    python = made(bare)
    if offline:
        monkeypatch.setenv("PIP_NO_INDEX", "1")
        monkeypatch.setenv("UV_OFFLINE", "1")
    ran: list[list[str]] = []
    monkeypatch.setattr(bootstrap.subprocess, "run", lambda words, **k: ran.append(words) or SimpleNamespace(returncode=7))
    assert bootstrap.perform("briefs", ["--date", "2026-06-01"]) == 7
    assert ran == [[str(python), "-m", "masar_research.cli", "briefs", "--date", "2026-06-01"]]
    assert capsys.readouterr().out == ""


def test_another_lock_or_another_place_is_set_up_again(bare: Path) -> None:
    made(bare)
    assert bootstrap.is_ready()
    stamp = bootstrap.STAMP.read_text(encoding="utf-8")
    bootstrap.LOCK.write_text("other==1\n", encoding="utf-8")
    assert not bootstrap.is_ready()
    bootstrap.STAMP.write_text(stamp.replace(str(bare), "/elsewhere"), encoding="utf-8")
    assert not bootstrap.is_ready()


@pytest.mark.parametrize(("status", "usable"), [(0, True), (1, False)])
def test_an_environment_of_a_wrong_python_is_made_again(
    bare: Path, monkeypatch: pytest.MonkeyPatch, status: int, usable: bool
) -> None:
    made(bare)
    asked: list[str] = []
    monkeypatch.setattr(
        bootstrap.subprocess, "run", lambda words, **k: asked.append(words[-1]) or SimpleNamespace(returncode=status)
    )
    assert bootstrap.is_usable() is usable
    for version, fits in (((3, 10), False), ((3, 11), True), ((3, 13), True), ((3, 14), False)):
        code = asked[0].replace("import pip, sys;", "").replace("sys.version_info[:2]", repr(version)).strip()
        with pytest.raises(SystemExit) as stop:
            exec(code, {"sys": sys})
        assert (not stop.value.code) is fits


def test_a_terminal_without_arabic_is_no_reason_to_fail() -> None:
    code = "from masar_research import bootstrap; bootstrap.say('مرحبا … done')"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env={"PYTHONIOENCODING": "ascii", "PATH": ""}, capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0 and "done" in done.stdout


@pytest.mark.parametrize("name", ["__init__", "__main__", "bootstrap"])
def test_what_runs_first_can_be_read_by_an_old_python(name: str) -> None:
    """No future import, and no annotation that an old Python would evaluate and refuse."""
    import ast

    tree = ast.parse((ROOT / "masar_research" / f"{name}.py").read_text(encoding="utf-8"), feature_version=(3, 6))
    for node in ast.walk(tree):
        assert not (isinstance(node, ast.ImportFrom) and node.module == "__future__")
        if isinstance(node, ast.FunctionDef):
            written = [node.returns, *(arg.annotation for arg in (*node.args.args, *node.args.kwonlyargs))]
            assert not any(isinstance(part, ast.Subscript | ast.BinOp) for part in written), node.name
