"""The same bits whatever the number of threads and the hash seed, over every kind of answer."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import hashlib, warnings
import numpy as np, pandas as pd
import masar_research as mr
warnings.simplefilter("ignore")
d = pd.read_csv("tests/oracles/jordan_like.csv")
d["old"] = d["age"] // 15
d["k/a"], d["k/b"] = (d["age"] > 40) * 1, (d["hours"] > 20) * 1
d["wave"] = 2024 + 2 * (np.arange(len(d)) % 2)
plain = mr.Survey(d, weights="weight", strata="stratum", psu="psu")
kinds = {
    "plain": plain,
    "two stages": mr.Survey(d, weights="weight", strata="stratum", psu=["psu", "household"], fpc=["fpc1", "fpc2"]),
    "waves": mr.Survey(d, weights="weight", strata="stratum", psu="psu", wave="wave", lonely_psu="scale"),
    "raked": plain.weighting.rake({"sex": {1: 22000, 2: 21000}, "region": {1: 20000, 2: 14000, 3: 9000}}).apply(),
    "bootstrap": plain.with_replicates(mr.replicates.RaoWu(60), rng=np.random.default_rng(5)),
}
ASK = {
    "mean": lambda s: s.mean(["income", "hours"], by="governorate"),
    "total": lambda s: s.total("income", by=["region", "sex"]),
    "count": lambda s: s.count(by="governorate"),
    "ratio": lambda s: s.ratio("income", "hours", by="region"),
    "share": lambda s: s.proportion("education", by="governorate"),
    "beta": lambda s: s.proportion("employed", by="sex", interval="beta"),
    "quantile": lambda s: s.quantile("income", (0.1, 0.5), by="region"),
    "variance": lambda s: s.variance("income", by="region"),
    "correlation": lambda s: s.correlation("income", "hours", by="sex"),
    "table": lambda s: s.percent_table("education", "sex"),
    "several": lambda s: s.multi_response("k"),
    "standard": lambda s: s.standardise("employed", "region", {1: 5, 2: 3, 3: 2}, by="sex"),
    "gini": lambda s: s.gini("income", by="region"),
    "lorenz": lambda s: s.lorenz("income"),
    "poverty": lambda s: s.fgt("income", line=200, by="region"),
    "gap": lambda s: s.mean("income", by="sex").contrast("2 - 1"),
    "pairs": lambda s: s.mean("income", by="region").pairwise(),
    "odds": lambda s: s.proportion("employed", by="sex").odds_ratio(2, 1),
    "trend": lambda s: s.mean("income", by="region").trend(over="region").slope,
    "line": lambda s: s.glm("income ~ C(sex) + age + hours"),
    "logit": lambda s: s.logit("employed ~ C(education) + age"),
    "effect": lambda s: s.logit("employed ~ C(sex) + age").margins("sex"),
}
TESTS = {
    "chi-square": lambda s: s.chi_square("governorate", "old"),
    "wald": lambda s: s.chi_square("region", "sex", statistic="wald"),
    "lincom": lambda s: s.chi_square("region", "sex", statistic="lincom"),
    "t": lambda s: s.t_test("income", by="sex"),
    "rank": lambda s: s.rank_test("income", "sex"),
    "fit": lambda s: s.goodness_of_fit("region", {1: 2, 2: 1, 3: 1}),
}
for kind, survey in kinds.items():
    for name, ask in {**ASK, **TESTS}.items():
        if name == "rank" and survey.design.replicates is not None:
            continue
        found = ask(survey)
        if name in TESTS:
            said = f"{found.statistic.hex()} {found.p_value.hex()} {float(found.df_num).hex()}"
        else:
            numbers = found.frame.select_dtypes("number").to_numpy(float)
            said = hashlib.sha256(numbers.tobytes() + np.ascontiguousarray(found.vcov).tobytes()).hexdigest()
        print(kind, name, said, flush=True)
"""


def told(seed: str, threads: str) -> list[str]:
    environment = {
        **os.environ, "PYTHONHASHSEED": seed, "OPENBLAS_NUM_THREADS": threads,
        "OMP_NUM_THREADS": threads, "MKL_NUM_THREADS": threads,
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=Path(__file__).parents[2], env=environment,
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout.splitlines()


@pytest.mark.parametrize(
    "others", [[("7", "2")], pytest.param([("77", "4"), ("0", "3")], marks=pytest.mark.full)], ids=len
)
def test_silent_error_11_every_answer_is_the_same_to_the_last_bit(others):
    first = told("1", "1")
    assert len(first) == 5 * 28 - 1
    for seed, threads in others:
        again = told(seed, threads)
        assert [line for line, other in zip(first, again, strict=True) if line != other] == []
