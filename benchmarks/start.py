"""A fresh process that imports the package, loads 5,000 cached rows and prints one mean.

Run by ``make bench``, or alone:  python -m benchmarks.start
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

ROWS, REPEATS = 5_000, 5
TEXT = "{en: Bench, ar: قياس}"
CARD = f"""\
study: bench
title: {TEXT}
synthetic: true
notice: {TEXT}
population: {{en: Everybody, ar: الجميع, nationality: all_residents, age_min: 15, excluded: []}}
design: {{weights: weight, strata: stratum, psu: psu, lonely_psu: raise, clustered: true}}
waves:
  2026: {{file: bench.sav, fieldwork: {{start: 2026-03-01, end: 2026-04-15}}}}
variables:
  weight: {{from: weight, label: {TEXT}, level: numeric}}
  stratum: {{from: stratum, label: {TEXT}, level: numeric}}
  psu: {{from: psu, label: {TEXT}, level: numeric}}
  income: {{from: income, label: {TEXT}, level: numeric}}
disclosure: {{strategy: {TEXT}, sponsor: {TEXT}, tools: {TEXT}, population: {TEXT}, sample: {TEXT},
  mode: {TEXT}, processing: {TEXT}, limitations: {TEXT}}}
"""
MEAN = "import masar_research as mr; print(mr.load({card!r}).mean('income'))"


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="masar-bench-") as scratch:
        card = Path(scratch) / "bench.yml"
        card.write_text(CARD, encoding="utf-8")
        write(Path(scratch) / "bench.sav")
        mean = MEAN.format(card=str(card))
        # The first run fills the cache of read files and of compiled modules.
        run(mean)
        took = {"bare": [], "pandas": [], "mean": []}
        for _ in range(REPEATS):
            took["bare"].append(run("pass"))
            took["pandas"].append(run("import pandas"))
            took["mean"].append(run(mean))
    bare, pandas, whole = (min(took[name]) for name in ("bare", "pandas", "mean"))
    allowed = 1.5 * (pandas - bare) + 0.5
    met = "met" if whole <= allowed else "MISSED"
    print(f"import of pandas {pandas - bare:.2f} s; process that prints a mean {whole:.2f} s")
    print(f"1.5 × pandas + 0.5 s = {allowed:.2f} s: {met}")
    print(json.dumps({"pandas_s": pandas - bare, "process_s": whole, "allowed_s": allowed}))
    return 0


def write(path: Path) -> None:
    """5,000 rows as a file of a survey."""
    import pyreadstat

    rng = np.random.default_rng(20260101)
    psu = np.arange(ROWS) // 20
    frame = pd.DataFrame({
        "weight": rng.uniform(50, 500, ROWS), "stratum": psu // 10, "psu": psu,
        "income": np.exp(rng.normal(6, 0.6, ROWS)),
    })  # fmt: skip
    pyreadstat.write_sav(frame, str(path))


def run(code: str) -> float:
    """Seconds a fresh interpreter takes."""
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
    return time.perf_counter() - start


if __name__ == "__main__":
    raise SystemExit(main())
