"""Time and memory from one to ten million rows, each size in a process of its own.

Run by ``make bench``, or alone:  python -m benchmarks.growth
"""

from __future__ import annotations

import json
import subprocess
import sys

SIZES = (1_000_000, 10_000_000)
REPEATS = 3


def child(rows: int) -> None:
    """Time each task and the peak of resident memory above the data, and print them."""
    import time

    import numpy as np
    import pandas as pd

    import masar_research as mr
    from benchmarks.peers.timing import memory, reset_peak

    rng = np.random.default_rng([20260101, rows])
    psu = rng.permutation(np.arange(rows) % 2_000)
    frame = pd.DataFrame({
        "weight": rng.uniform(50, 500, rows), "stratum": psu // 10, "psu": psu,
        "domain": rng.integers(1, 25, rows), "education": rng.integers(1, 6, rows),
        "income": np.exp(rng.normal(6, 0.6, rows)),
    })  # fmt: skip
    del psu
    survey = mr.Survey(frame, weights="weight", strata="stratum", psu="psu")
    tasks = {
        "mean": lambda s: s.mean("income"),
        "mean by 24 domains": lambda s: s.mean("income", by="domain"),
        "proportion, 5 levels, 24 domains": lambda s: s.proportion("education", by="domain"),
        "median by 24 domains": lambda s: s.median("income", by="domain"),
        "500 Rao–Wu replicates, mean by 24": lambda s: s.with_replicates(
            mr.replicates.RaoWu(500), rng=np.random.default_rng(2026)
        ).mean("income", by="domain"),
    }
    out = {}
    for name, task in tasks.items():
        before = memory()[0]
        reset_peak()
        task(survey)
        times = []
        for _ in range(REPEATS):
            start = time.perf_counter()
            task(survey)
            times.append(time.perf_counter() - start)
        out[name] = {"s": min(times), "extra_mb": max(memory()[1] - before, 0.0)}
    print(json.dumps(out))


def main() -> int:
    if len(sys.argv) > 1:
        child(int(sys.argv[1]))
        return 0
    found = {}
    for rows in SIZES:
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.growth", str(rows)],
            check=True, capture_output=True, text=True,
        )  # fmt: skip
        found[rows] = json.loads(done.stdout)
    small, large = (found[rows] for rows in SIZES)
    print(f"{'':<35}{'1 million':>18}{'10 million':>20}   times ten million over one")
    for name, first in small.items():
        last = large[name]
        print(
            f"{name:<35}{first['s'] * 1000:>9,.1f} ms{first['extra_mb']:>4,.0f} MB"
            f"{last['s'] * 1000:>10,.1f} ms{last['extra_mb']:>5,.0f} MB"
            f"   × {last['s'] / first['s']:.1f} time"
        )
    print(json.dumps({str(rows): tasks for rows, tasks in found.items()}))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
