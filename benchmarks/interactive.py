"""Every estimate on 5,000 rows, as a researcher asks for it: 25 strata, 250 PSUs, 12 domains.

Run by ``make bench``, or alone:  python -m benchmarks.interactive
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

import masar_research as mr

ROWS, PSU_ROWS, STRATUM_PSUS, REPEATS = 5_000, 20, 10, 25
TARGET_MS = 5.0


def survey() -> mr.Survey:
    """The data: seeded, without missing values."""
    rng = np.random.default_rng(20260101)
    psu = np.arange(ROWS) // PSU_ROWS
    whole = lambda low, high: rng.integers(low, high + 1, ROWS)  # noqa: E731
    frame = pd.DataFrame({
        "weight": rng.uniform(50, 500, ROWS), "stratum": psu // STRATUM_PSUS, "psu": psu,
        "domain": whole(1, 12), "sex": whole(1, 2), "education": whole(1, 5), "age": whole(1, 4),
        "income": np.exp(rng.normal(6, 0.6, ROWS)), "household": whole(1, 8).astype(float),
        "employed": (rng.random(ROWS) < 0.4).astype(float),
        "d1": whole(0, 1), "d2": whole(0, 1), "d3": whole(0, 1),
    })  # fmt: skip
    return mr.Survey(frame, weights="weight", strata="stratum", psu="psu")


def tasks(s: mr.Survey) -> dict[str, Callable[[], Any]]:
    """Estimate → call."""
    income, rate = s.mean("income", by="domain"), s.proportion("employed", by="sex")
    population = {1: 0.3, 2: 0.3, 3: 0.2, 4: 0.2}
    return {
        "mean": lambda: s.mean("income"),
        "mean by 12 domains": lambda: s.mean("income", by="domain"),
        "total by domain": lambda: s.total("income", by="domain"),
        "proportion": lambda: s.proportion("education"),
        "proportion by domain": lambda: s.proportion("education", by="domain"),
        "ratio by domain": lambda: s.ratio("income", "household", by="domain"),
        "count by domain": lambda: s.count(by="domain"),
        "subpopulation": lambda: s.where("sex == 2").mean("income"),
        "three quantiles": lambda: s.quantile("income", (0.25, 0.5, 0.75)),
        "median by domain": lambda: s.median("income", by="domain"),
        "variance by domain": lambda: s.variance("income", by="domain"),
        "covariance": lambda: s.covariance("income", "household"),
        "correlation by domain": lambda: s.correlation("income", "household", by="domain"),
        "percent table 12 × 5": lambda: s.percent_table("domain", "education"),
        "multi-response by domain": lambda: s.multi_response(["d1", "d2", "d3"], by="domain"),
        "standardised rate by domain": lambda: s.standardise("employed", "age", population, by="domain"),
        "chi-square 12 × 5": lambda: s.chi_square("domain", "education"),
        "goodness of fit": lambda: s.goodness_of_fit("education", dict.fromkeys(range(1, 6), 0.2)),
        "t test": lambda: s.t_test("income", by="sex"),
        "rank test": lambda: s.rank_test("income", by="sex"),
        "Gini by domain": lambda: s.gini("income", by="domain"),
        "Lorenz curve": lambda: s.lorenz("income"),
        "quintile ratio by domain": lambda: s.quintile_ratio("income", by="domain"),
        "poverty rate by domain": lambda: s.fgt("income", 300.0, by="domain"),
        "Alkire–Foster by domain": lambda: s.alkire_foster(["d1", "d2", "d3"], by="domain"),
        "pay gap": lambda: s.pay_gap("income", by="sex"),
        "diagnostics by domain": lambda: s.diagnostics("income", by="domain"),
        "contrast": lambda: rate.contrast("2 - 1"),
        "ratio of two rows": lambda: rate.ratio(2, 1),
        "odds ratio": lambda: rate.odds_ratio(2, 1),
        "equivalence": lambda: rate.contrast("2 - 1").equivalence(-0.05, 0.05),
        "66 pairs": lambda: income.pairwise(),
        "trend": lambda: income.trend(over="domain"),
        "joint test": lambda: rate.joint(["2 - 1"]),
    }


def clock(call: Callable[[], Any]) -> float:
    """Least seconds of the calls after the first: what a busy machine adds is not ours."""
    call()
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return min(times)


def main() -> int:
    took = {name: clock(call) * 1000 for name, call in tasks(survey()).items()}
    for name, value in took.items():
        print(f"{name:<30}{value:>8.2f} ms{'' if value <= TARGET_MS else '   above 5 ms'}")
    print(f"slowest {max(took.values()):.2f} ms, target {TARGET_MS:.0f} ms")
    print(json.dumps({"rows": ROWS, "fastest_ms": took}))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
