"""Models without a peer in the paired run: memory of a fit, replicates fitted again, effects, intersections.

Run by ``make bench``, or alone:  python -m benchmarks.models [--rows N]
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

MILLION = 1_000_000
REPEATS = 3
FORMULA = "employed ~ " + " + ".join(f"x{k}" for k in range(1, 13))


def survey_of(rows: int) -> Any:
    """The generated survey, with three variables whose codes cross to a hundred groups."""
    import numpy as np
    import pandas as pd

    import masar_research as mr
    from benchmarks.data import generate

    frame = pd.DataFrame(generate(rows))
    rng = np.random.default_rng([7, rows])
    frame["zone"] = rng.integers(1, 11, rows)
    return mr.Survey(frame, weights="weight", strata="stratum", psu="psu")


def fastest(call: Callable[[], object], repeats: int = REPEATS) -> float:
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return min(times)


def large(rows: int) -> dict[str, dict[str, float]]:
    """A logit of a dozen predictors, and all its average effects: time, memory above the data."""
    from benchmarks.peers.timing import memory, reset_peak

    survey = survey_of(rows)
    before = memory()[0]
    reset_peak()
    model = survey.logit(FORMULA)
    extra = max(memory()[1] - before, 0.0)
    fit = fastest(lambda: survey.logit(FORMULA))
    effect = fastest(lambda: model.margins("x1"))
    every = fastest(model.margins)
    return {
        "logit, 12 predictors": {"s": fit, "extra_mb": extra, "target_mb": 500},
        "average effect of one predictor": {"s": effect, "of_fit": effect / fit, "target_of_fit": 1},
        "average effects of all twelve": {"s": every, "of_fit": every / fit, "target_of_fit": 1},
    }


def refits(rows: int, target: float) -> dict[str, dict[str, float]]:
    """Two hundred bootstrap replicates of the same regression, fitted again."""
    import numpy as np

    import masar_research as mr

    replicated = survey_of(rows).with_replicates(mr.replicates.RaoWu(200), rng=np.random.default_rng(2026))
    took = fastest(lambda: replicated.logit(FORMULA))
    return {f"200 replicates of the logit, {rows:,} rows": {"s": took, "target_s": target}}


def intersections(rows: int) -> dict[str, dict[str, float]]:
    """A hundred groups: null and adjusted models, 200 replicates, all predictions."""
    survey = survey_of(rows)
    took = fastest(lambda: survey.maihda("employed", ["sex", "education", "zone"]), 2)
    return {f"MAIHDA, 100 groups, {rows:,} rows": {"s": took, "target_s": 2.0}}


TASKS: dict[str, Callable[[int], dict[str, dict[str, float]]]] = {
    "large": large,
    "refits": lambda rows: {**refits(10_000, 0.5), **refits(100_000, 6.0)},
    "intersections": lambda rows: intersections(10_000),
}


def _line(name: str, found: dict[str, float]) -> str:
    parts = [f"{name:<45}{found['s']:>8.2f} s"]
    if "extra_mb" in found:
        parts.append(f"{found['extra_mb']:.0f} MB above the data (target {found['target_mb']:.0f})")
    if "of_fit" in found:
        wished = f" (target {found['target_of_fit']:.0f})" if "target_of_fit" in found else ""
        parts.append(f"{found['of_fit']:.2f} of the fit{wished}")
    if "target_s" in found:
        parts.append(f"target {found['target_s']:g} s")
    return "   ".join(parts)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.models", description=__doc__)
    parser.add_argument("--rows", type=int, default=MILLION)
    parser.add_argument("--task", choices=TASKS, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.task:
        print(json.dumps(TASKS[asked.task](asked.rows)))
        return 0
    found: dict[str, dict[str, float]] = {}
    for task in TASKS:
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.models", "--task", task, "--rows", str(asked.rows)],
            check=True, capture_output=True, text=True,
        )  # fmt: skip
        found |= json.loads(done.stdout)
    print(f"{asked.rows:,} rows where a line names none; fastest of repeated calls, each task in a process of its own")
    for name, one in found.items():
        print(_line(name, one))
    print(json.dumps(found))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
