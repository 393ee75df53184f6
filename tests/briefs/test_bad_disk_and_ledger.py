"""A disk that refuses, builds cut off or at once, and reports changed after they were built."""

from __future__ import annotations

import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from bad_input import ARABIC, assert_nothing_half_written, assert_told, build, command

from masar_research import cli
from masar_research.briefs import ledger, locks, publish, runner, site
from masar_research.briefs import verify as verifying

REPOSITORY = Path(__file__).resolve().parents[2]
posix = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")


# --- a disk that refuses ---------------------------------------------------------------


def test_reports_under_a_file_are_refused(own_tiny: Path, cells_here: SimpleNamespace) -> None:
    (own_tiny / "taken").write_text("x")
    assert_told(build("--out", own_tiny / "taken"), "refused to read or write", "taken", "--out")
    assert_told(build("--out", own_tiny / "taken" / "below"), "refused to read or write", "--out")
    assert (own_tiny / "taken").read_text() == "x"


@pytest.mark.parametrize(
    ("owner", "name", "number"),
    [
        (Path, "mkdir", errno.EROFS), (Path, "write_bytes", errno.ENOSPC), (Path, "write_text", errno.EACCES),
        (os, "rename", errno.EACCES), (shutil, "copyfile", errno.ENOSPC),
    ],
)  # fmt: skip
def test_a_disk_that_refuses_leaves_the_earlier_report(
    own_tiny: Path, built_tiny: Path, cells_here: SimpleNamespace, monkeypatch: pytest.MonkeyPatch,
    owner: object, name: str, number: int,
) -> None:  # fmt: skip
    earlier = own_tiny / "reports" / built_tiny.name
    shutil.copytree(built_tiny, earlier)
    before = contents(earlier)

    def refuse(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number), "the/place")

    real = getattr(owner, name)
    calls: Callable[..., object] = refuse if name != "write_text" else (
        lambda path, *a, **k: refuse() if "executed" not in path.name and path.suffix == ".csv" else real(path, *a, **k)
    )
    with monkeypatch.context() as patch:
        patch.setattr(owner, name, calls)
        answer = build("--date", "2026-06-09")
    assert_told(answer, os.strerror(number), "the/place", "disk has room")
    publish.restore(own_tiny / "reports")
    assert contents(earlier) == before
    assert not [p for p in (own_tiny / "reports" / ".office" / "building").rglob("*") if p.is_dir()]


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


# --- cut off ---------------------------------------------------------------------------


def test_ctrl_c_leaves_nothing_and_says_so(own_tiny: Path, cells_here: SimpleNamespace) -> None:
    cells_here.cells = ("raise KeyboardInterrupt",)
    assert_told(build(), "Stopped; nothing half-written", "توقف العمل", status=130)
    assert_nothing_half_written(own_tiny)
    assert_told(command("briefs"), "Stopped", status=130)
    assert_nothing_half_written(own_tiny)


STEPS = {"os.rename", "os.remove", "os.rmdir", "os.mkdir", "shutil.rmtree", "open"}


def killed_at(step: int, work: Callable[[], object]) -> bool:
    """Whether a child that does the work was killed at its step-th touch of the disk."""
    child = os.fork()
    if child == 0:
        left = [step]

        def hook(event: str, _: object) -> None:
            if event in STEPS:
                if left[0] == 0:
                    os.kill(os.getpid(), signal.SIGKILL)
                left[0] -= 1

        sys.addaudithook(hook)
        status = 1
        try:
            work()
            status = 0
        finally:
            os._exit(status)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
    return os.WIFSIGNALED(status)


@posix
def test_killed_at_each_step_of_publishing_a_report_is_the_old_or_the_new_whole(tmp_path: Path) -> None:
    """Every touch of the disk in turn is the last one; the next build finds one whole report."""

    def publish_new() -> None:
        with publish.workplace(tmp_path, "one") as work:
            (work / "report").mkdir()
            for name in ("a", "b", "c"):
                (work / "report" / name).write_text("new")
            with publish.turn(tmp_path):
                publish.publish(work / "report", tmp_path, "one")

    seen, step = set(), 0
    while True:
        shutil.rmtree(tmp_path / "one", ignore_errors=True)
        (tmp_path / "one").mkdir()
        for name in ("a", "b", "c"):
            (tmp_path / "one" / name).write_text("old")
        killed = killed_at(step, publish_new)
        publish.clear_leftovers(tmp_path)
        with publish.workplace(tmp_path, "one"):
            texts = {p.name: p.read_text() for p in (tmp_path / "one").iterdir()}
        assert texts in ({"a": "old", "b": "old", "c": "old"}, {"a": "new", "b": "new", "c": "new"}), step
        assert not list((tmp_path / ".office" / "building").iterdir()), step
        seen.add(texts["a"])
        if not killed:
            break
        step += 1
    assert seen == {"old", "new"} and step > 10


# --- at once ---------------------------------------------------------------------------


def test_a_lock_is_free_again_when_its_holder_is_done(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    assert not locks.is_held(path)
    with locks.held(path):
        assert locks.is_held(path)
    assert not locks.is_held(path)


def test_two_that_publish_at_once_follow_each_other(tmp_path: Path) -> None:
    """Forty publications by four threads: each is whole, none fails, nothing is left behind."""
    failures: list[BaseException] = []

    def many(who: int) -> None:
        try:
            for _ in range(10):
                with publish.workplace(tmp_path, "one") as work:
                    (work / "report").mkdir()
                    for name in ("a", "b"):
                        (work / "report" / name).write_text(str(who))
                    with publish.turn(tmp_path):
                        publish.publish(work / "report", tmp_path, "one")
                        assert len({p.read_text() for p in (tmp_path / "one").iterdir()}) == 1
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=many, args=(who,)) for who in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert {p.name for p in (tmp_path / "one").iterdir()} == {"a", "b"}
    office = tmp_path / ".office"
    assert not list((office / "building").iterdir()) and not list((office / "replaced").iterdir())


def test_the_work_of_a_living_build_is_not_cleared_away(tmp_path: Path) -> None:
    dead = tmp_path / ".office" / "building" / "two-dead"
    dead.mkdir(parents=True)
    with publish.workplace(tmp_path, "one") as work:
        publish.clear_leftovers(tmp_path)
        assert work.exists() and not dead.exists()


def test_each_kernel_has_sockets_and_complaints_of_its_own(tmp_path: Path) -> None:
    """Names in the working folder were shared: a kernel answered the client of another build."""
    from masar_research.briefs.execute import _last_words, _manager

    kernel = _manager(tmp_path)(kernel_name="python3")
    assert Path(kernel.connection_file).parent == tmp_path
    assert kernel.transport == "tcp" or Path(kernel.ip).parent == tmp_path
    assert _last_words(tmp_path) == ""
    (tmp_path / "kernel.log").write_text("one\ntwo\n")
    assert _last_words(tmp_path) == " (two)"


def test_an_interrupt_that_a_library_swallows_is_raised_at_the_next_step() -> None:
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt), cli.progress_line(quiet=True) as tell:
        step = tell("tiny")
        step("execute", 0, 1)
        try:
            signal.raise_signal(signal.SIGINT)
        except KeyboardInterrupt:
            pass
        step("write", 0, 1)
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.full
def test_two_builds_of_one_brief_at_once_and_ctrl_c(own_tiny: Path) -> None:
    words = [sys.executable, "-m", "masar_research.cli"]
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}

    def start(*more: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*words, *more, "--out", str(own_tiny / "reports")], env=environment, cwd=REPOSITORY, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
        )  # fmt: skip

    stopped = start("brief", "build", "tiny", "--survey", "tiny")
    for line in stopped.stdout or ():
        if "executing" in line:
            time.sleep(1.0)
            os.killpg(stopped.pid, signal.SIGINT)
            break
    out, err = stopped.communicate(timeout=120)
    assert stopped.returncode == 130 and "Stopped" in err and "Traceback" not in out + err
    assert_nothing_half_written(own_tiny)

    both = [start("brief", "build", "tiny", "--survey", "tiny"), start("briefs")]
    said = [process.communicate(timeout=300) for process in both]
    assert [process.returncode for process in both] == [0, 1], said
    assert all("Traceback" not in out + err for out, err in said)
    assert "sex == 9" in said[1][1] and "built" in said[1][0]
    report = own_tiny / "reports" / "tiny-tiny-2026"
    assert len(list(report.glob("tiny.*"))) == 6 and verifying.verify(report).ok
    assert not any((own_tiny / "reports" / ".office" / "building").iterdir())


# --- reports changed after they were built ----------------------------------------------


@pytest.fixture
def report(own_tiny: Path, built_tiny: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the built report; its rerun gives what the ledger said when it was built."""
    reports = own_tiny / "reports"
    shutil.copytree(built_tiny, reports / built_tiny.name)
    office = built_tiny.parent / ".office" / built_tiny.name
    shutil.copytree(office, reports / ".office" / built_tiny.name)
    again = (ledger.read(built_tiny / "ledger.json"), ledger.read(office / "ledger.office.json"))
    monkeypatch.setattr(verifying, "_rerun", lambda *_: again)
    return reports / built_tiny.name


def test_nothing_to_verify_is_said(own_tiny: Path) -> None:
    for out in (own_tiny / "reports", own_tiny / "no such folder"):
        answer = command("verify", "--out", out)
        assert answer.exit_code == 1 and "no report to verify" in answer.output and ARABIC.search(answer.output)
    assert_told(command("verify", own_tiny / "nothing"), "There is no ledger nothing/ledger.json")
    assert_told(command("verify", own_tiny / "data" / "surveys" / "tiny.yml"), "There is no ledger")


def test_a_report_as_built_is_verified(report: Path) -> None:
    answer = command("verify")
    assert answer.exit_code == 0, answer.output
    assert "numbers reproduced" in answer.output and ARABIC.search(answer.output)


LEDGERS: dict[str, Callable[[str], str | None]] = {
    "deleted": lambda text: None,
    "empty": lambda text: "",
    "cut off": lambda text: text[: len(text) // 2],
    "another thing": lambda text: "[]",
    "without entries": lambda text: json.dumps({**json.loads(text), "entries": None}),
    "entries that are none": lambda text: json.dumps({**json.loads(text), "entries": [1]}),
    "without sources": lambda text: json.dumps({**json.loads(text), "sources": "none"}),
    "of another version": lambda text: json.dumps({**json.loads(text), "version": 99}),
}


@pytest.mark.parametrize("name", LEDGERS)
def test_a_ledger_deleted_or_damaged_is_told_and_the_others_are_verified(
    report: Path, cells_here: SimpleNamespace, name: str
) -> None:
    other = report.with_name("another")
    shutil.copytree(report, other)
    path = report / "ledger.json"
    changed = LEDGERS[name](path.read_text(encoding="utf-8"))
    path.unlink() if changed is None else path.write_text(changed, encoding="utf-8")
    answer = command("verify")
    assert_told(answer, f"{report.name}/ledger.json", "numbers reproduced: another")
    index = site.write_index(report.parent).read_text(encoding="utf-8")
    assert "another/tiny.en.html" in index and (changed is None or "ليس سجل أرقام" in index or "version 99" in index)


def test_a_number_changed_in_the_ledger_is_named(report: Path) -> None:
    path = report / "ledger.json"
    text = path.read_text(encoding="utf-8")
    assert "26.5%" in text
    path.write_text(text.replace("26.5%", "27.5%"), encoding="utf-8")
    answer = command("verify")
    assert answer.exit_code == 1 and "the report shows '27.5%', the data give '26.5%'" in answer.output
    assert "في التقرير «27.5%»" in answer.output


def test_an_entry_taken_out_of_the_ledger_is_named(report: Path) -> None:
    path = report / "ledger.json"
    data = json.loads(path.read_text(encoding="utf-8"))
    gone = data["entries"].pop(5)
    path.write_text(json.dumps(data), encoding="utf-8")
    answer = command("verify")
    assert answer.exit_code == 1 and gone["address"] in answer.output and "not in the report" in answer.output


@pytest.mark.parametrize("kind", ["html", "pdf", "docx"])
def test_a_page_cut_off_is_named(report: Path, kind: str) -> None:
    path = report / f"tiny.ar.{kind}"
    path.write_bytes(path.read_bytes()[: 0 if kind == "html" else 500])
    answer = command("verify")
    assert answer.exit_code == 1 and "Traceback" not in answer.output
    assert f"tiny.ar.{kind} cannot be read" in answer.output and ARABIC.search(answer.output)


def test_a_rerun_that_fails_tells_the_error_itself(own_tiny: Path, tmp_path: Path) -> None:
    """The process that recomputes leaves its error in two languages for the one that asked."""
    job = {"brief": "tiny", "parameters": {"survey": "gone"}, "date": "2026-06-01", "register": None}
    (tmp_path / "asked.json").write_text(json.dumps(job), encoding="utf-8")
    assert verifying._child(tmp_path / "asked.json", tmp_path) == 1
    error = verifying._failed_rerun("tiny", tmp_path / "error.json", "Traceback …")
    assert "survey='gone'" in error.what and "Traceback" not in error.what
    assert "not touched" in error.remedy and ARABIC.search(error.ar)
    silent = verifying._failed_rerun("tiny", tmp_path / "none.json", "Traceback\n  File\nKilled")
    assert silent.what.endswith("failed: Killed")


def test_a_damaged_register_is_told(report: Path, cells_here: SimpleNamespace) -> None:
    """Without the record of what was released before, nothing new is released."""
    register = report.parent / ".office" / "register"
    register.mkdir(parents=True, exist_ok=True)
    (register / "tiny-tiny-2024.json").write_text("{", encoding="utf-8")
    assert_told(build(), "register of earlier releases tiny-tiny-2024.json", "Restore it")


def test_an_error_from_outside_is_told_once() -> None:
    from masar_research.errors import BriefError, from_outside

    own = BriefError("a", remedy="b")
    assert from_outside(own) is own
    told = from_outside(PermissionError(errno.EACCES, "Permission denied", "x"))
    assert "Permission denied: x" in told.what and "--out" in told.remedy and ARABIC.search(told.ar)
    assert runner.Outcome("a", {}, None, from_outside(KeyError("k"))).error.what.endswith("'k'")
