"""Fifty million rows under two gigabytes of memory: time and peak of the streamed estimates.

    python benchmarks/larger_than_memory.py [--rows 50000000] [--limit-gb 2] [--workers 2]

A directory of Parquet files is generated in a temporary place, in parts of a million rows; a
process of its own then estimates from it. Before it imports anything that process limits its
data segment (``RLIMIT_DATA``: heap, private anonymous mappings, thread stacks), so that an
allocation beyond the limit fails; its peak resident memory is read from the system at the end.
(From ``VmHWM``, which begins anew with the program; ``ru_maxrss`` would count what the process
that started this one had in memory at that moment.)
With `--workers` the means are taken again on a Dask cluster of so many processes, outside the
limit, and compared to the last bit.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PART = 1_000_000
DOMAINS, STRATA, PSUS = 24, 24, 2_000
DESIGN = {"weights": "weight", "strata": "stratum", "psu": "psu"}


def generate(directory: Path, rows: int, seed: int = 2026) -> dict[str, list[float]]:
    """Write the files; weighted totals of income and of people by domain, for comparison."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    rng = np.random.default_rng(seed)
    effect = rng.normal(0, 0.2, PSUS)
    people, income = np.zeros(DOMAINS), np.zeros(DOMAINS)
    for part, first in enumerate(range(0, rows, PART)):
        n = min(PART, rows - first)
        psu = rng.integers(0, PSUS, n)
        stratum = psu % STRATA
        domain = np.where(rng.random(n) < 0.9, stratum, rng.integers(0, DOMAINS, n))
        weight = rng.uniform(0.5, 3.0, n)
        earned = np.round(np.exp(5.5 + effect[psu] + rng.normal(0, 0.7, n)), 2)
        earned[rng.random(n) < 0.03] = np.nan
        level = rng.choice(5, n, p=[0.1, 0.35, 0.3, 0.15, 0.1])
        known = ~np.isnan(earned)
        people += np.bincount(domain[known], weight[known], DOMAINS)
        income += np.bincount(domain[known], (weight * earned)[known], DOMAINS)
        table = pa.table({
            "weight": weight, "stratum": pa.array(stratum, pa.int16()), "psu": pa.array(psu, pa.int32()),
            "governorate": pa.array(domain, pa.int16()), "income": earned,
            "education": pa.array(level, pa.int8()),
        })  # fmt: skip
        folder = directory / f"batch_{part // 10:02d}"
        folder.mkdir(parents=True, exist_ok=True)
        pq.write_table(table, folder / f"part_{part:04d}.parquet", row_group_size=250_000)
    return {"people": people.tolist(), "income": income.tolist()}


def measure(directory: Path) -> dict[str, Any]:
    """Estimate in this process; seconds of each estimate, peak memory, and some answers."""
    import numpy as np

    import masar_research as mr
    from benchmarks.peers.timing import memory

    seconds: dict[str, float] = {}

    def timed(name: str, call: Any) -> Any:
        begin = time.perf_counter()
        found = call()
        seconds[name] = round(time.perf_counter() - begin, 2)
        return found

    survey = timed("declare", lambda: mr.scan(directory, **DESIGN))
    mean = timed("mean by 24 domains", lambda: survey.mean("income", by="governorate"))
    timed("the same again", lambda: survey.mean("income", by="governorate"))
    timed("five-level proportion by 24 domains", lambda: survey.proportion("education", by="governorate"))
    median = timed("median", lambda: survey.median("income"))
    replicated = timed(
        "500 Rao–Wu replicates, mean by 24 domains",
        lambda: survey.with_replicates(
            mr.replicates.RaoWu(500), rng=np.random.default_rng(1)
        ).mean("income", by="governorate"),
    )
    return {
        "rows": len(survey),
        "seconds": seconds,
        "peak_mb": round(memory()[1]),
        "means": mean.frame["estimate"].tolist(),
        "std_errors": mean.frame["std_error"].tolist(),
        "rao_wu_over_linearised": float(
            (replicated.frame["std_error"] / mean.frame["std_error"]).mean()
        ),
        "median": median.frame[["estimate", "std_error"]].iloc[0].tolist(),
    }


def limited(directory: Path, limit_bytes: int) -> dict[str, Any]:
    """`measure` in a process that cannot have more data than `limit_bytes`."""
    environment = {
        **os.environ, "PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1",
        "ARROW_DEFAULT_MEMORY_POOL": "system",
    }  # fmt: skip
    command = [sys.executable, __file__, "--measure", str(directory), "--bytes", str(limit_bytes)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr[-4000:])
    return json.loads(done.stdout.splitlines()[-1])


def on_cluster(directory: Path, workers: int) -> dict[str, Any]:
    """The means on Dask workers."""
    from distributed import Client, LocalCluster

    import masar_research as mr

    with (
        LocalCluster(n_workers=workers, threads_per_worker=1, dashboard_address=":0") as cluster,
        Client(cluster) as client,
    ):
        survey = mr.scan(directory, client=client, **DESIGN)
        begin = time.perf_counter()
        found = survey.mean("income", by="governorate").frame
        return {
            "workers": workers, "seconds": round(time.perf_counter() - begin, 2),
            "means": found["estimate"].tolist(), "std_errors": found["std_error"].tolist(),
        }  # fmt: skip


def main() -> None:
    """Generate, measure, compare, print."""
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    ask.add_argument("--rows", type=int, default=50_000_000)
    ask.add_argument("--limit-gb", type=float, default=2.0)
    ask.add_argument("--workers", type=int, default=0)
    ask.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    ask.add_argument("--bytes", type=int, help=argparse.SUPPRESS)
    given = ask.parse_args()
    if given.measure is not None:
        resource.setrlimit(resource.RLIMIT_DATA, (given.bytes, given.bytes))
        print(json.dumps(measure(given.measure)))
        return
    with tempfile.TemporaryDirectory() as place:
        directory = Path(place)
        known = generate(directory, given.rows)
        size = sum(path.stat().st_size for path in directory.rglob("*.parquet"))
        found = limited(directory, int(given.limit_gb * 2**30))
        print(f"{found['rows']:,} rows, {size / 1e9:.2f} GB of Parquet, limit {given.limit_gb:g} GB")
        for name, seconds in found["seconds"].items():
            print(f"  {name:<45} {seconds:>8.2f} s")
        print(f"  {'peak resident memory':<45} {found['peak_mb']:>8,} MB")
        truth = [y / w for y, w in zip(known["income"], known["people"], strict=True)]
        gap = max(abs(a / b - 1) for a, b in zip(found["means"], truth, strict=True))
        print(f"  {'largest relative gap of a mean':<45} {gap:>8.0e}")
        print(f"  {'Rao–Wu over linearised standard error':<45} {found['rao_wu_over_linearised']:>8.3f}")
        if given.workers:
            cluster = on_cluster(directory, given.workers)
            same = all(cluster[key] == found[key] for key in ("means", "std_errors"))
            print(f"  mean by 24 domains on {given.workers} Dask workers: {cluster['seconds']:.2f} s, "
                  f"{'the same to the last bit' if same else 'DIFFERENT'}")


if __name__ == "__main__":
    main()
