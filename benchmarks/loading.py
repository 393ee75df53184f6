"""Reading 100,000 × 200 from an SPSS file beside plain pyreadstat: first, again, one column; and the same answers.

Run by ``make bench``, or alone:  python -m benchmarks.loading [--rows N] [--columns K] [--repeats R]
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

FIRST_TARGET, LATER_TARGET_S = 1.3, 0.5
KINDS = {"packed .sav": {"row_compress": True}, "plain .sav": {}, ".zsav": {"compress": True}}
# Plain pyreadstat as the target names it: codes as they are, user-missing codes kept.
PEER = """
import pyreadstat
frame, meta = pyreadstat.read_sav({path!r}, apply_value_formats=False, user_missing=True)
"""
OURS = """
raw = read({path!r}{more})
frame = raw.frame
"""
TIMED = """
import json, os, re, time
import pandas, pyarrow.parquet, pyreadstat
from masar_research.loading import read, statfile_process
start, before = time.perf_counter(), sum(os.times()[:4])
{code}
took = time.perf_counter() - start
statfile_process._WORKERS.close()  # what they used counts once they have ended
used = sum(os.times()[:4]) - before
try:
    peak = int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1]) / 1024
except OSError:
    peak = None
print(json.dumps({{"s": took, "cpu_s": used, "rows": len(frame), "columns": frame.shape[1], "peak_mb": peak}}))
"""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.loading", description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--columns", type=int, default=200)
    parser.add_argument("--repeats", type=int, default=3)
    asked = parser.parse_args()
    report: dict[str, Any] = {"rows": asked.rows, "columns": asked.columns, "files": {}}
    with tempfile.TemporaryDirectory(prefix="masar-bench-") as scratch:
        os.environ["MASAR_HOME"] = scratch
        os.environ.pop("MASAR_NO_CACHE", None)
        for kind, options in KINDS.items():
            path = Path(scratch) / f"survey{'.zsav' if kind == '.zsav' else '.sav'}"
            write(path, asked.rows, asked.columns, options)
            report["files"][kind] = measured(path, Path(scratch), asked.repeats)
    print(render(report))
    print(json.dumps(report))
    return 0


def write(path: Path, rows: int, columns: int, options: dict[str, bool]) -> None:
    """A file of labelled codes with user-missing codes, numbers, texts and dates; the same one every time."""
    import pyreadstat

    rng = np.random.default_rng([20260101, rows, columns])
    frame, labels, values, missing = {}, {}, {}, {}
    for k in range(columns):
        name = f"q{k:05d}"
        labels[name] = f"Question {k} · سؤال {k}"
        if k % 40 == 20:
            frame[name] = rng.choice(np.array([f"منطقة {j}" for j in range(30)], object), rows)
        elif k % 50 == 1:
            frame[name] = pd.Timestamp("2026-03-01") + pd.to_timedelta(rng.integers(0, 60, rows), "D")
        elif k % 10 == 3:
            amount = np.exp(rng.normal(6, 0.6, rows)).round(2)
            amount[rng.random(rows) < 0.05] = np.nan
            frame[name] = amount
        else:
            n = 2 + k % 8
            frame[name] = rng.choice([*range(1, n + 1), 98, 99], rows, p=[*[0.96 / n] * n, 0.02, 0.02]).astype(float)
            values[name] = {**{float(j): f"جواب {j}" for j in range(1, n + 1)}, 98.0: "لا أعرف", 99.0: "رفض"}
            missing[name] = [98.0, 99.0]
    pyreadstat.write_sav(
        pd.DataFrame(frame), str(path), column_labels=labels, variable_value_labels=values, missing_ranges=missing, **options
    )


def measured(path: Path, home: Path, repeats: int) -> dict[str, Any]:
    """Fastest of fresh processes for each way of reading, peers and ours in turns, and agreement of the answers."""
    took: dict[str, list[tuple[float, float]]] = {}
    facts: dict[str, dict[str, Any]] = {}
    peer, ours = PEER.format(path=str(path)), OURS.format(path=str(path), more="")
    column = OURS.format(path=str(path), more=', columns=["q00013"]')

    def once(name: str, code: str, before: Callable[[], None] = lambda: None) -> None:
        before()
        found = run(code)
        took.setdefault(name, []).append((found.pop("s"), found.pop("cpu_s")))
        facts[name] = found

    def forget() -> None:
        shutil.rmtree(home / ".cache", ignore_errors=True)

    path.read_bytes()
    for _ in range(repeats):
        once("pyreadstat", peer)
        once("first reading, copy written", ours, forget)
    time.sleep(2.5)  # a file changed less than two seconds ago is read for its digest each time
    run(ours)
    for _ in range(repeats):
        once("one column, no copy", column, forget)
    forget()
    run(ours)
    for _ in range(repeats):
        once("later reading", ours)
        once("one column of the copy", column)
    best = {name: tuple(map(min, zip(*pairs, strict=True))) for name, pairs in took.items()}
    base = best["pyreadstat"]
    return {
        "megabytes": path.stat().st_size / 1e6,
        "tasks": {
            name: {"fastest_s": s, "ratio": s / base[0], "cpu_s": cpu, "cpu_ratio": cpu / base[1], **facts[name]}
            for name, (s, cpu) in best.items()
        },
        "largest_difference": difference(path),
    }


def run(code: str) -> dict[str, Any]:
    """What a fresh interpreter says it took; imports are not counted."""
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    environment["PYTHONPATH"] = str(Path(__file__).resolve().parents[1])
    done = subprocess.run(
        [sys.executable, "-c", TIMED.format(code=code)], check=True, capture_output=True, text=True, env=environment
    )
    return json.loads(done.stdout)


def difference(path: Path) -> float:
    """The largest difference between our numbers and pyreadstat's; infinite where anything else differs."""
    import pyreadstat

    from masar_research import read

    frame, meta = pyreadstat.read_sav(str(path), apply_value_formats=False, user_missing=True)
    raw, largest = read(path), 0.0
    if list(raw.frame) != list(frame):
        return float("inf")
    for name in frame:
        ours, theirs = raw.frame[name], frame[name]
        if ours.dtype.kind == "f":
            a, b = ours.to_numpy(), theirs.to_numpy("float64")
            if not np.array_equal(np.isnan(a), np.isnan(b)):
                return float("inf")
            largest = max(largest, float(np.nanmax(np.abs(a - b), initial=0)))
        elif ours.dtype.kind == "M":
            if not (ours == pd.to_datetime(theirs)).all():
                return float("inf")
        elif not (ours.fillna("") == theirs.fillna("")).all():
            return float("inf")
        labels = {c.code for c in raw.codebook[name].categories}
        if labels != set(meta.variable_value_labels.get(name, {})):
            return float("inf")
    return largest


def render(report: dict[str, Any]) -> str:
    """The table people read."""
    lines = [
        f"{report['rows']:,} rows × {report['columns']:,} columns, fastest of fresh processes, imports not counted",
        f"{'':<44}{'time':>10}{'× pyreadstat':>14}{'processor':>12}{'× pyreadstat':>14}{'peak MB':>10}",
    ]
    for kind, found in report["files"].items():
        lines.append(f"{kind}, {found['megabytes']:.0f} MB; largest difference from pyreadstat {found['largest_difference']:g}")
        for task, cell in found["tasks"].items():
            met = ""
            if task.startswith("first"):
                met = f"   target {FIRST_TARGET}: {'met' if cell['ratio'] <= FIRST_TARGET else 'MISSED'}"
            elif task == "later reading":
                met = f"   target {LATER_TARGET_S} s: {'met' if cell['fastest_s'] <= LATER_TARGET_S else 'MISSED'}"
            lines.append(
                f"  {task:<42}{cell['fastest_s']:>8.2f} s{cell['ratio']:>14.2f}"
                f"{cell['cpu_s']:>10.2f} s{cell['cpu_ratio']:>14.2f}{cell['peak_mb'] or float('nan'):>10,.0f}{met}"
            )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    raise SystemExit(main())
