"""Time tasks in one process and write what they took and gave. Standard library and NumPy only."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path


def memory() -> tuple[float, float]:
    """(resident now, peak since the last reset) in MB; zeros where the system does not say."""
    try:
        text = Path("/proc/self/status").read_text(encoding="ascii")
    except OSError:
        return 0.0, 0.0
    found = {line.split(":")[0]: line for line in text.splitlines()}
    return tuple(float(found[key].split()[1]) / 1024 for key in ("VmRSS", "VmHWM"))  # type: ignore[return-value]


def reset_peak() -> None:
    try:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    except OSError:
        pass


def run(name: str, version: str, tasks: dict[str, Callable[[], Callable[[], dict]]]) -> None:
    """Time each task; arguments on the command line: data folder, result file, most repeats, budget in s.

    A task is prepared once (not timed), then called: the first call is reported apart, the median
    is over the calls after it (over the first, when it alone used up the budget).
    """
    _, result_file, repeats, budget = sys.argv[1:5]
    done: dict[str, dict] = {}
    for task, prepare in tasks.items():
        try:
            call = prepare()
            before = memory()[0]
            reset_peak()
            times, answer = [], {}
            began = time.perf_counter()
            while not times or (
                len(times) <= int(repeats) and time.perf_counter() - began < float(budget)
            ):
                start = time.perf_counter()
                answer = call()
                times.append(time.perf_counter() - start)
            later = sorted(times[1:]) or times
            done[task] = {
                "median_s": later[len(later) // 2], "fastest_s": later[0], "first_s": times[0], "calls": len(times),
                "peak_extra_mb": max(memory()[1] - before, 0.0), "answer": answer,
            }  # fmt: skip
        except Exception as error:  # a peer that cannot do a task is reported, not hidden
            done[task] = {"error": f"{type(error).__name__}: {error}"[:300]}
        Path(result_file).write_text(
            json.dumps({"peer": name, "version": version, "tasks": done}), encoding="utf-8"
        )


def folder() -> Path:
    """The data folder named on the command line."""
    return Path(sys.argv[1])
