"""After every weighting step the linearised error is that of replicates which take the step again."""

import tracemalloc

import numpy as np
import pandas as pd
import pytest

import masar_research as mr
from masar_research import replicates
from masar_research.errors import DesignError

SEX, KIND = {1: 4700.0, 2: 5300.0}, {1: 3000.0, 2: 3200.0, 3: 3800.0}
SAY = {"eligible": "status in [1, 2]", "ineligible": "status == 4", "unknown": "status == 3"}


def frame(n_psu=90, size=16, seed=11):
    rng = np.random.default_rng(seed)
    psu = np.repeat(np.arange(n_psu), size)
    n = psu.size
    kind = rng.integers(1, 4, n).astype(float)
    age = rng.uniform(18, 70, n)
    chance = 1 / (1 + np.exp(-(0.3 + 0.4 * (kind == 2) - 0.02 * (age - 40) + rng.normal(0, 0.3, n_psu)[psu])))
    status = np.where(rng.random(n) < 0.04, 4.0, np.where(rng.random(n) < 0.06, 3.0, np.where(rng.random(n) < chance, 1.0, 2.0)))
    sex = rng.integers(1, 3, n).astype(float)
    data = pd.DataFrame({
        "psu": psu, "stratum": psu // 10, "w": rng.gamma(6, 1, n_psu)[psu], "home": psu * size + np.arange(n) % size // 2, "kind": kind, "age": age, "sex": sex,
        "status": status, "p": 1 / rng.uniform(5, 8, n_psu)[psu]})  # fmt: skip
    data["y"] = 10 + 4 * kind + 0.2 * age + 3 * sex + rng.normal(0, 3, n_psu)[psu] + rng.normal(0, 5, n)
    return data


# Steps, how near the two errors must be (of total, of mean, of a subgroup's mean), how the replicates are kept.
STEPS = {
    "base": (lambda b: b.base(stages=["p"]), 0.02, None),
    "eligibility": (lambda b: b.eligibility(**SAY, cells=["kind"]), 0.02, "cell"),
    "eligibility, share": (lambda b: b.eligibility(**SAY, cells=["kind"], share=0.5), 0.02, "cell"),
    "nonresponse": (lambda b: b.nonresponse("status == 1", ["kind"], eligible="status != 4"), 0.02, "cell"),
    "merged": (lambda b: b.nonresponse("status == 1", ["kind", "sex"], min_cell=125, eligible="status != 4"), 0.06, "row"),
    "propensity": (lambda b: b.propensity("status == 1", "C(kind) + age", eligible="status != 4"), 0.02, "row"),
    "propensity, unweighted": (lambda b: b.propensity("status == 1", "C(kind) + age", eligible="status != 4", weighted=False), 0.02, "row"),
    "propensity classes": (lambda b: b.propensity("status == 1", "C(kind) + age", classes=5, eligible="status != 4"), 0.12, "row"),
    "attrition": (lambda b: b.attrition("status == 1", cells=["kind"]), 0.02, "cell"),
    "poststratify": (lambda b: b.poststratify({"sex": SEX}), 0.02, "cell"),
    "poststratify, current": (lambda b: b.poststratify({("sex", "kind"): {1: {1: .2, 2: .1, 3: .2}, 2: {1: .1, 2: .2, 3: .2}}}, "current"), 0.02, "cell"),
    "rake, current": (lambda b: b.rake({"sex": {1: .45, 2: .55}, "kind": {1: .3, 2: .3, 3: .4}}, "current"), 0.02, "cell"),
    "current after classes": (lambda b: b.nonresponse("status == 1", ["kind"]).calibrate({"sex": {1: .45, 2: .55}, "age": 330_000.0}, total="current"), 0.03, "row"),
    "trim, current": (lambda b: b.trim("3*mean", targets={"sex": {1: .45, 2: .55}, "kind": {1: .3, 2: .3, 3: .4}}, total="current"), 0.04, "row"),
    "rake": (lambda b: b.rake({"sex": SEX, "kind": KIND}), 0.02, "cell"),
    "linear": (lambda b: b.calibrate({"sex": SEX, "age": 440_000.0}, "linear"), 0.02, "row"),
    "logit": (lambda b: b.calibrate({"sex": SEX, "kind": KIND}, "logit", bounds=(0.3, 3.0)), 0.02, "cell"),
    "household": (lambda b: b.calibrate({"sex": SEX, "kind": KIND}, household="home"), 0.02, "row"),
    "soft": (lambda b: b.calibrate({"sex": SEX, "kind": KIND}, "linear", cost={"kind": 1.0}), 0.02, "cell"),
    "estimated": (lambda b: b.calibrate({"sex": SEX}, "linear", covariance=[[4e4, -1e4], [-1e4, 5e4]]), 0.03, "cell"),
    "entropy": (lambda b: b.entropy({"sex": {1: 0.5, 2: 0.5}, "age": (44.0, 15.0)}), 0.02, "row"),
    "balance": (lambda b: b.balance("sex", 1, "kind", "age"), 0.05, "row"),
    "trim": (lambda b: b.trim("p95"), 0.1, "row"),
    "trim to margins": (lambda b: b.trim(14.0, targets={"sex": SEX, "kind": KIND}), 0.03, "row"),
    "normalise": (lambda b: b.normalise(), 0.1, "row"),
    "chain": (lambda b: b.eligibility(**SAY, cells=["sex"]).propensity("status == 1", "age").rake({"sex": SEX, "kind": KIND}).trim("p97", targets={"sex": SEX, "kind": KIND}),
              0.08, "row"),
}  # fmt: skip
# Replicates merge classes anew, the linearisation takes them as they are: a gap between merged classes differs.
FIRST = {"merged": 3}
# What the linearisation says it takes as fixed: only statistics that this leaves alone are compared.
MEANS_ONLY = {"normalise", "trim"}
QUICK = ("rake, current", "eligibility", "propensity", "attrition", "entropy", "trim to margins", "chain")


def survey():
    return mr.Survey(frame(), weights="w", strata="stratum", psu="psu")


def errors(done, name):
    tables = [done.mean("y"), done.where("kind == 2").mean("y"), done.mean("y", by="sex").contrast("2 - 1")]
    if name not in MEANS_ONLY:
        tables.insert(0, done.total("y"))
    return np.array([table.frame["std_error"].iloc[0] for table in tables[: FIRST.get(name)]])


@pytest.mark.parametrize("name", [pytest.param(name, marks=() if name in QUICK else pytest.mark.full) for name in STEPS])
def test_the_two_errors_agree_after_the_step(name):
    way, near, kept = STEPS[name]
    done = way(survey().weighting).apply()
    jack = done.with_replicates(replicates.JKn())
    if kept is not None:
        assert {"cell": "per cell", "row": "every row"}[kept] in str(jack.design.describe()["replicates"]["kept_as"])
    np.testing.assert_allclose(errors(jack, name), errors(done, name), rtol=near)


@pytest.mark.full
@pytest.mark.parametrize("name", ["eligibility", "propensity", "linear", "household", "entropy", "trim to margins"])
def test_bootstrap_agrees_within_its_own_error(name):
    """400 Rao–Wu replicates: a standard error of theirs has a relative error of about 1/√800 = 3.5 %."""
    done = STEPS[name][0](survey().weighting).apply()
    boot = done.with_replicates(replicates.RaoWu(400), rng=np.random.default_rng(5))
    np.testing.assert_allclose(errors(boot, name), errors(done, name), rtol=0.12)


def test_the_memory_said_is_the_memory_taken(monkeypatch):
    """n × R × 8 bytes, named on the bar before any replicate is made and in the note; too much is refused at once."""
    said = []

    class Bar:
        def __enter__(self):
            assert tracemalloc.get_traced_memory()[0] - before < 0.3 * whole
            return lambda: None

        def __exit__(self, *_):
            return None

    monkeypatch.setattr("masar_research.streaming.progress.shown", lambda what, pieces: said.append((what, pieces)) or Bar())
    data = pd.concat([frame(seed=s).assign(psu=lambda d, s=s: d["psu"] + 1000 * s, stratum=lambda d, s=s: d["stratum"] + 100 * s) for s in range(8)],
                     ignore_index=True)  # fmt: skip
    done = mr.Survey(data, weights="w", strata="stratum", psu="psu").weighting.trim("p95").apply()
    whole = len(data) * 300 * 8
    done.mean("y")
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        boot = done.with_replicates(replicates.RaoWu(300), rng=np.random.default_rng(1))
        held, peak = (value - before for value in tracemalloc.get_traced_memory())
    finally:
        tracemalloc.stop()
    words = f"{whole / 1e6:,.0f} MB"
    assert said == [(said[0][0], 300)] and words in said[0][0]
    assert words in boot.design.describe()["replicates"]["kept_as"]
    assert 0.95 * whole < held < 1.25 * whole and peak < 1.4 * whole
    with pytest.raises(DesignError, match="Trim cannot be kept as factors per cell") as caught:
        done.with_replicates(replicates.RaoWu(30_000), rng=np.random.default_rng(1))
    assert "GB" in caught.value.what and "الذاكرة" in caught.value.ar
