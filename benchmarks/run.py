"""Time masar_research beside svy, samplics and R survey, and compare their answers.

Run by ``make bench``:  python -m benchmarks.run [--quick] [--no-r] [--rows N …]
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import data
from benchmarks.environment import HERE, peers_python, r_with_survey

OURS = "masar_research"


@dataclass(frozen=True, slots=True)
class Task:
    """What is timed: its target at a million rows, and how near a peer's answer must be to ours."""

    name: str
    target_ms: float | None = None
    agree: float = 1e-8


# Raking ends at each peer's own tolerance, samplics stops at 1e-4.
TASKS = (
    Task("declaring and encoding"),
    Task("mean", 10),
    Task("mean by 24 domains", 45),
    Task("proportion, 5 levels, 24 domains", 100),
    Task("ten means at once", 30),
    Task("ten means by 24 domains", 135),
    Task("median by 24 domains", 500),
    Task("500 Rao–Wu replicates, mean by 24", 500),
    Task("raking, 4 margins", 30, 1e-4),
    Task("linear calibration, 4 margins", 100, 1e-8),
    Task("linear calibration, margins and a number", 100, 1e-8),
    Task("500 Rao–Wu replicates, raked", 2000),
    Task("logistic, 12 predictors", 1600, 1e-6),
)
LIMIT_S = 900


def main() -> int:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="10 thousand rows only")
    parser.add_argument("--no-r", action="store_true", help="leave out R survey")
    parser.add_argument(
        "--rows",
        type=int,
        nargs="+",
        help="sizes; by default 10 thousand, 100 thousand and 1 million",
    )
    parser.add_argument("--threads", type=int, default=2, help="threads for everybody (default 2)")
    parser.add_argument(
        "--peers-only", action="store_true", help="leave out growth, interactive use, start-up, models and loading"
    )
    arguments = parser.parse_args()
    sizes = arguments.rows or ([10_000] if arguments.quick else [10_000, 100_000, 1_000_000])
    rscript = None if arguments.no_r else r_with_survey()
    if rscript is None and not arguments.no_r:
        print(
            "bench: Rscript with the packages survey and jsonlite was not found; going on without R."
        )
    peers = commands(peers_python(), rscript)
    results = HERE / "results"
    results.mkdir(exist_ok=True)
    differing = 0
    with tempfile.TemporaryDirectory(prefix="masar-bench-") as scratch:
        for rows in sizes:
            place = data.write(rows, Path(scratch), for_r=rscript is not None)
            runs = [run_peer(command, place, rows, arguments.threads) for command in peers.items()]
            report = compare(rows, runs)
            print(render(report))
            cells = [cell for row in report["tasks"].values() for cell in row.values()]
            differing += sum(not cell.get("agrees", True) for cell in cells)
            stamp = {
                "at": datetime.now(UTC).isoformat(timespec="seconds"),
                "machine": machine(),
                "threads": arguments.threads,
            }
            (results / f"{rows}.json").write_text(
                json.dumps(stamp | report, indent=2), encoding="utf-8"
            )
    if not arguments.peers_only:
        own = alone(arguments.quick, arguments.threads)
        (results / "alone.json").write_text(json.dumps(own, indent=2), encoding="utf-8")
    print(f"Answers that differ from ours beyond tolerance: {differing}.")
    print(f"Results: {results.relative_to(HERE.parent)}/*.json")
    return 0


def commands(foreign: Path | None, rscript: str | None) -> dict[str, list[str]]:
    """Peer → command, ours first."""
    script = lambda name: str(HERE / "peers" / name)  # noqa: E731
    out = {
        OURS: [sys.executable, script("masar.py")],
        "NumPy, bare arithmetic": [sys.executable, script("numpy_floor.py")],
    }
    if foreign is not None:
        out |= {
            "svy": [str(foreign), script("svy_peer.py")],
            "samplics": [str(foreign), script("samplics_peer.py")],
        }
    if rscript is not None:
        out |= {"R survey": [rscript, "--vanilla", script("r_survey.R")]}
    return out


def run_peer(peer: tuple[str, list[str]], place: Path, rows: int, threads: int) -> dict[str, Any]:
    """One peer in a process of its own; what it had finished when it was stopped still counts."""
    name, command = peer
    out = place / f"{name.split()[0]}.json"
    environment = {
        key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"
    }
    for key in ("OPENBLAS", "OMP", "MKL", "NUMEXPR"):
        environment[f"{key}_NUM_THREADS"] = str(threads)
    environment |= {
        "POLARS_MAX_THREADS": str(threads),
        "RAYON_NUM_THREADS": str(threads),
        "PYTHONWARNINGS": "ignore",
    }
    environment["PYTHONPATH"] = str(HERE.parent) if command[0] == sys.executable else ""
    print(f"bench: {rows:>9,} rows · {name} …", flush=True)
    repeats, budget = ("15", "10") if rows < 1_000_000 else ("9", "20")
    note = None
    try:
        done = subprocess.run(
            [*command, str(place), str(out), repeats, budget],
            env=environment,
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
        )
        if done.returncode:
            note = (done.stderr.strip().splitlines() or ["no message"])[-1][:300]
    except subprocess.TimeoutExpired:
        note = f"stopped after {LIMIT_S} s"
    found = (
        json.loads(out.read_text(encoding="utf-8"))
        if out.exists()
        else {"peer": name, "version": "?", "tasks": {}}
    )
    for task in TASKS:
        found["tasks"].setdefault(task.name, {"error": note or "not offered"})
    return found


def compare(rows: int, runs: list[dict[str, Any]]) -> dict[str, Any]:
    """Medians, ratios to ours, extra memory and agreement of the answers, by task and peer."""
    ours = next(run for run in runs if run["peer"] == OURS)["tasks"]
    tasks: dict[str, dict[str, Any]] = {}
    for task in TASKS:
        name = task.name
        tasks[name] = {}
        for run in runs:
            cell = dict(run["tasks"][name])
            answer = cell.pop("answer", None)
            reference = ours[name].get("answer")
            if answer and reference:
                cell["ratio_to_ours"] = cell["median_s"] / ours[name]["median_s"]
                for key in ("estimate", "std_error"):
                    if key in answer and key in reference:
                        cell[f"{key}_difference"] = difference(answer[key], reference[key])
                cell["agrees"] = all(
                    value <= task.agree
                    for key, value in cell.items()
                    if key.endswith("_difference")
                )
            tasks[name][run["peer"]] = cell
    return {"rows": rows, "versions": {run["peer"]: run["version"] for run in runs}, "tasks": tasks}


def difference(answer: list[float], reference: list[float]) -> float:
    """Largest difference relative to the largest reference value; infinite if the lengths differ."""
    a, b = np.ravel(answer).astype(float), np.ravel(reference).astype(float)
    if a.shape != b.shape or not np.isfinite(a).all():
        return float("inf")
    return float(np.max(np.abs(a - b)) / np.max(np.abs(b)))


def render(report: dict[str, Any]) -> str:
    """The table people read."""
    lines = [
        f"\n{report['rows']:,} rows · 200 strata · 2,000 PSUs · median of repeated calls after the first, two cores",
        f"{'task':<42}{'':<24}{'median':>11}{'fastest':>11}{'first call':>12}{'× ours':>9}{'extra MB':>10}   same answer as ours",
    ]
    targets = {task.name: task.target_ms for task in TASKS}
    for task, row in report["tasks"].items():
        for peer, cell in row.items():
            head = f"{task if peer == OURS else '':<42}{peer:<24}"
            if cell.get("error") == "not offered":
                continue
            if "error" in cell:
                lines.append(f"{head}   – {cell['error'][:90]}")
                continue
            same = agreement(cell) if "agrees" in cell and peer != OURS else ""
            if peer == OURS and report["rows"] == 1_000_000 and targets[task] is not None:
                met = cell["median_s"] * 1000 <= targets[task]
                same = f"target {targets[task]:,} ms {'met' if met else 'MISSED'}"
            lines.append(
                f"{head}{clock(cell['median_s']):>11}{clock(cell['fastest_s']):>11}{clock(cell['first_s']):>12}"
                f"{cell.get('ratio_to_ours', 1):>9.2f}"
                f"{cell['peak_extra_mb']:>10,.0f}   {same}"
            )
    lines.append(
        "versions: "
        + ", ".join(f"{peer} {version}" for peer, version in report["versions"].items())
    )
    return "\n".join(lines) + "\n"


def agreement(cell: dict[str, Any]) -> str:
    parts = [
        f"{key.split('_')[0]} {cell[key]:.0e}"
        for key in ("estimate_difference", "std_error_difference")
        if key in cell
    ]
    return ("yes (" if cell.get("agrees") else "NO (") + ", ".join(parts) + ")"


def clock(seconds: float) -> str:
    return f"{seconds * 1000:,.1f} ms" if seconds < 1 else f"{seconds:,.2f} s"


def alone(quick: bool, threads: int) -> dict[str, Any]:
    """What no peer is needed for: growth with the rows, interactive use, the start of a process."""
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    environment |= {f"{key}_NUM_THREADS": str(threads) for key in ("OPENBLAS", "OMP", "MKL")}
    environment["PYTHONPATH"] = str(HERE.parent)
    own: dict[str, Any] = {"at": datetime.now(UTC).isoformat(timespec="seconds"), "machine": machine()}
    for script in ("interactive", "start") if quick else ("interactive", "start", "models", "loading", "growth"):
        print(f"bench: {script} …", flush=True)
        done = subprocess.run(
            [sys.executable, str(HERE / f"{script}.py")],
            env=environment, capture_output=True, text=True, timeout=LIMIT_S,
        )  # fmt: skip
        if done.returncode:
            print(done.stderr)
            continue
        text, _, figures = done.stdout.rpartition("\n{")
        print(text)
        own[script] = json.loads("{" + figures)
    return own


def machine() -> str:
    return f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"


if __name__ == "__main__":
    raise SystemExit(main())
