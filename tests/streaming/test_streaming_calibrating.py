"""Calibration, eligibility, attrition and scaling on a file read in blocks give the weights and errors of memory."""

import re

import numpy as np
import pandas as pd
import pytest

import masar_research as mr
from masar_research import replicates
from masar_research.errors import WeightingError
from masar_research.streaming.survey import scan

SEX, REGION = {1: 5200.0, 2: 4800.0}, {1: 2000.0, 2: 3000.0, 3: 5000.0}
ASKED = {"eligible": "status == 1", "ineligible": "status == 3", "unknown": "status == 2"}
STEPS = {
    "linear": lambda w: w.calibrate({"sex": SEX, "region": REGION}, "linear"),
    "raking, population": lambda w: w.calibrate({"sex": SEX, "region": REGION}, population=10_000.0),
    "logit": lambda w: w.calibrate({"sex": SEX, "region": REGION}, "logit", bounds=(0.4, 5.0)),
    "bounded": lambda w: w.calibrate({"sex": SEX, ("region", "sex"): {1: {1: 1100, 2: 1000}, 2: {1: 1900, 2: 1200}, 3: {1: 2200, 2: 2600}}}, "linear",
                                     bounds=(1.0, 6.0)),
    "soft": lambda w: w.calibrate({"sex": SEX, "region": {1: 2400.0, 2: 3300.0, 3: 5200.0}}, tolerance={"region": 0.1}),
    "costly": lambda w: w.calibrate({"sex": SEX, "region": {1: 2400.0, 2: 3300.0, 3: 5200.0}}, "linear", cost={"region": 20.0}),
    "estimated": lambda w: w.calibrate({"sex": SEX}, "linear", covariance=[[9e4, -2e4], [-2e4, 8e4]]),
    "current": lambda w: w.rake({"sex": {1: 0.5, 2: 0.5}, "region": {1: 0.2, 2: 0.35, 3: 0.45}}, total="current"),
    "entropy": lambda w: w.entropy({"sex": {1: 0.5, 2: 0.5}, "region": {1: 0.2, 2: 0.35, 3: 0.45}}),
    "chain": lambda w: w.eligibility(**ASKED, cells=["region"]).calibrate({"sex": SEX, "region": REGION}, "linear").normalise(1000.0),
    "attrition": lambda w: w.attrition("status == 1", cells=["sex"]).rake({"region": REGION}),
}  # fmt: skip


def persons(n=1600, seed=4):
    rng = np.random.default_rng(seed)
    psu = np.sort(rng.integers(0, 48, n))
    frame = pd.DataFrame({
        "psu": psu, "h": psu // 6, "wave": rng.integers(2024, 2026, n), "w": rng.gamma(2.0, size=n) + 0.2,
        "sex": rng.integers(1, 3, n).astype(float), "region": rng.integers(1, 4, n), "age": rng.integers(15, 90, n).astype(float),
        "status": rng.choice([1.0, 1.0, 1.0, 2.0, 3.0], n)})  # fmt: skip
    frame["income"] = 100 * frame["sex"] + 40 * frame["region"] + rng.normal(0, 30, 48)[psu] + rng.normal(0, 60, n)
    return frame


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    home, frame = tmp_path_factory.mktemp("persons"), persons()
    for k in range(4):
        frame.iloc[k * 400 : (k + 1) * 400].to_parquet(home / f"part{k}.parquet", row_group_size=150)

    def made(**more):
        design = {"weights": "w", "strata": "h", "psu": "psu", **more}
        return mr.Survey(frame, **design), scan(home, block_rows=300, **design)

    return made


def same(memory, streamed, rtol=1e-10):
    columns = ["estimate", "std_error", "df", "n"]
    largest = memory.frame["estimate"].abs().max()
    pd.testing.assert_frame_equal(memory.frame[columns], streamed.frame[columns], rtol=rtol, atol=1e-9 * largest)
    np.testing.assert_allclose(streamed.vcov, memory.vcov, rtol=rtol, atol=1e-12 * largest**2)


@pytest.mark.parametrize(("name", "waves"), [*((name, False) for name in STEPS), ("current", True), ("entropy", True)])
def test_a_calibrated_file_gives_the_numbers_of_memory(both, name, waves):
    more = {"wave": "wave"} if waves else {}
    memory, streamed = (STEPS[name](survey.weighting).apply() for survey in both(**more))
    for call in (lambda s: s.mean("income", by=["sex", "region"]), lambda s: s.total("income"), lambda s: s.count(by="sex"),
                 lambda s: s.where("region >= 2").ratio("income", "age")):  # fmt: skip
        same(call(memory), call(streamed))
    told = [[re.sub(r"largest gap \S+;", "", str(log)) for log in survey.history] for survey in (memory, streamed)]
    assert told[0] == told[1]


@pytest.mark.parametrize("name", ["linear", pytest.param("soft", marks=pytest.mark.full), "estimated", pytest.param("chain", marks=pytest.mark.full)])
def test_replicates_of_a_calibrated_file_are_those_of_memory(both, name):
    memory, streamed = (STEPS[name](survey.weighting).apply().with_replicates(replicates.JKn()) for survey in both())
    same(memory.total("income", by="region"), streamed.total("income", by="region"), 1e-8)


def test_steps_that_need_every_row_are_refused_with_what_works(both):
    streamed = both()[1]
    for call in (lambda w: w.calibrate({"sex": SEX, "age": 5e5}), lambda w: w.calibrate({"sex": SEX}, household="psu"), lambda w: w.trim(3.0),
                 lambda w: w.calibrate({"sex": SEX}, limits=(1, 9)), lambda w: w.entropy({"age": 40.0}), lambda w: w.normalise(),
                 lambda w: w.propensity("status == 1", "C(region)"), lambda w: w.combine(), lambda w: w.base("w * 2")):  # fmt: skip
        with pytest.raises(WeightingError, match="weight of every row") as caught:
            call(streamed.weighting).apply()
        assert "calibrate() to categories" in caught.value.remedy and "الذاكرة" in caught.value.ar
