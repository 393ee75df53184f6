"""Fifty million rows under two gigabytes of memory: raking and a logistic regression.

    python benchmarks/larger_than_memory_models.py [--rows 50000000] [--limit-gb 2]

As `larger_than_memory.py`: files of a million rows in a temporary place, and a process of its own
whose data segment is limited before it imports anything. The coefficients are compared with those
the outcomes were drawn from, and the raked counts with their targets.
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
STRATA, PSUS = 24, 2_000
DESIGN = {"weights": "weight", "strata": "stratum", "psu": "psu"}
FORMULA = "employed ~ C(sex) + C(education) + age + I(age ** 2) + C(urban) + married + children"
TRUE = {"Intercept": -3.0, "C(sex)[T.2]": -1.2, "age": 0.2, "I(age ** 2)": -0.0025, "married": 0.2,
        "children": -0.1, "C(urban)[T.2]": -0.15}  # fmt: skip
EDUCATION = (0.0, 0.1, 0.3, 0.5, 0.8)


def generate(directory: Path, rows: int, seed: int = 2026) -> None:
    """Write the files."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    rng = np.random.default_rng(seed)
    effect = rng.normal(0, 0.3, PSUS)
    for part, first in enumerate(range(0, rows, PART)):
        n = min(PART, rows - first)
        psu = rng.integers(0, PSUS, n)
        age, sex = rng.integers(15, 65, n), rng.integers(1, 3, n)
        urban, married = rng.integers(1, 3, n), rng.integers(0, 2, n)
        children = rng.poisson(1.5, n)
        education = rng.choice(5, n, p=[0.1, 0.35, 0.3, 0.15, 0.1])
        eta = (
            TRUE["Intercept"] + TRUE["C(sex)[T.2]"] * (sex == 2) + TRUE["age"] * age
            + TRUE["I(age ** 2)"] * age**2 + TRUE["C(urban)[T.2]"] * (urban == 2)
            + TRUE["married"] * married + TRUE["children"] * children
            + np.array(EDUCATION)[education] + effect[psu]
        )  # fmt: skip
        employed = (rng.random(n) < 1 / (1 + np.exp(-eta))).astype(float)
        employed[rng.random(n) < 0.02] = np.nan
        table = pa.table({
            "weight": rng.uniform(0.5, 3.0, n), "stratum": pa.array(psu % STRATA, pa.int16()),
            "psu": pa.array(psu, pa.int32()), "age": pa.array(age, pa.int8()),
            "age_group": pa.array(age // 10, pa.int8()), "sex": pa.array(sex, pa.int8()),
            "urban": pa.array(urban, pa.int8()), "married": pa.array(married, pa.int8()),
            "children": pa.array(children, pa.int8()), "education": pa.array(education, pa.int8()),
            "employed": employed,
        })  # fmt: skip
        pq.write_table(table, directory / f"part_{part:04d}.parquet", row_group_size=250_000)


def measure(directory: Path) -> dict[str, Any]:
    """Seconds of each estimate and peak memory of this process."""
    import masar_research as mr
    from benchmarks.peers.timing import memory

    seconds: dict[str, float] = {}

    def timed(name: str, call: Any) -> Any:
        begin = time.perf_counter()
        found = call()
        seconds[name] = round(time.perf_counter() - begin, 2)
        return found

    survey = timed("declare", lambda: mr.scan(directory, **DESIGN))
    counts = survey.count().frame["estimate"].iloc[0]
    shares = {
        "sex": {1: 0.52, 2: 0.48}, "education": {0: 0.12, 1: 0.33, 2: 0.3, 3: 0.15, 4: 0.1},
        "stratum": {code: 1 / STRATA for code in range(STRATA)},
        ("age_group", "urban"): {group: {1: 0.12, 2: 0.08} if group in (2, 3, 4) else
                                 ({1: 0.06, 2: 0.04} if group == 1 else {1: 0.09, 2: 0.06})
                                 for group in range(1, 7)},
    }  # fmt: skip
    total = sum(sum(cell.values()) for cell in shares[("age_group", "urban")].values())
    for cell in shares[("age_group", "urban")].values():
        cell |= {code: share / total for code, share in cell.items()}
    raked = timed("rake to four margins", lambda: survey.weighting.rake(shares, total=counts).apply())
    by_sex = timed("counts by sex, raked", lambda: raked.count(by="sex"))
    timed("mean by education, raked", lambda: raked.mean("employed", by="education"))
    model = timed("logistic regression", lambda: survey.logit(FORMULA))
    frame = model.frame.set_index("term")
    return {
        "rows": len(survey), "seconds": seconds,
        "peak_mb": round(memory()[1]),
        "history": str(raked.history[0]), "passes": int(model.note["iterations"]),
        "gap": float(abs(by_sex.frame["estimate"] / counts / [0.52, 0.48] - 1).max()),
        "coefficients": {
            term: (frame["estimate"][term], value, frame["std_error"][term])
            for term, value in TRUE.items()
        },
    }  # fmt: skip


def main() -> None:
    """Generate, measure, compare, print."""
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    ask.add_argument("--rows", type=int, default=50_000_000)
    ask.add_argument("--limit-gb", type=float, default=2.0)
    ask.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    given = ask.parse_args()
    limit = int(given.limit_gb * 2**30)
    if given.measure is not None:
        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
        print(json.dumps(measure(given.measure)))
        return
    environment = {
        **os.environ, "PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1",
        "ARROW_DEFAULT_MEMORY_POOL": "system",
    }  # fmt: skip
    with tempfile.TemporaryDirectory() as place:
        directory = Path(place)
        generate(directory, given.rows)
        size = sum(path.stat().st_size for path in directory.rglob("*.parquet"))
        command = [sys.executable, __file__, "--measure", place, "--limit-gb", str(given.limit_gb)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr[-4000:])
    found = json.loads(done.stdout.splitlines()[-1])
    print(f"{found['rows']:,} rows, {size / 1e9:.2f} GB of Parquet, limit {given.limit_gb:g} GB")
    for name, seconds in found["seconds"].items():
        print(f"  {name:<45} {seconds:>8.2f} s")
    print(f"  {'peak resident memory':<45} {found['peak_mb']:>8,} MB")
    print(f"  {'largest relative gap of a raked count':<45} {found['gap']:>8.0e}")
    print(f"  {found['history']}")
    print(f"  {'passes of the model after the first look':<45} {found['passes']:>8}")
    for term, (estimate, value, error) in found["coefficients"].items():
        print(f"  {term:<16} {estimate:>10.4f} ± {error:.4f}, drawn from {value}")


if __name__ == "__main__":
    main()
