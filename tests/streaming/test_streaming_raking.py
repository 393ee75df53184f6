"""Raking on a file read in blocks gives the weights, variances and refusals of memory."""

import numpy as np
import pandas as pd
import pytest

import masar_research as mr
from masar_research.codebook import Category, Codebook, Variable
from masar_research.errors import DesignError, WeightingError
from masar_research.streaming.survey import scan

DESIGNS = {
    "strata": {"strata": "h", "psu": "psu"},
    "rows": {},
    "fpc": {"strata": "h", "psu": "psu", "fpc": "pop"},
    "waves": {"strata": "h", "psu": "psu", "wave": "wave"},
}
SEX = {1: 5200.0, 2: 4800.0}
REGION = {1: 2000.0, 2: 3000.0, 3: 5000.0}
EDUCATION = {"none": 2500.0, "school": 4400.0, "university": 3000.0, "doctorate": 100.0}
STEPS = {
    "rake": lambda w: w.rake({"sex": SEX, "region": REGION, "education": EDUCATION}),
    "shares": lambda w: w.rake({"sex": {1: 0.5, 2: 0.5}, "region": {1: 0.2, 2: 0.3, 3: 0.5}}, total="current"),
    "poststratify": lambda w: w.poststratify(
        {("sex", "region"): {1: {1: 900.0, 2: 1500.0, 3: 2600.0}, 2: {1: 1100.0, 2: 1500.0, 3: 2400.0}}}
    ),
    "chain": lambda w: w.nonresponse("status == 1", ["region"], eligible="status != 3").rake(
        {"sex": SEX, "region": REGION}
    ),
    "merged": lambda w: w.nonresponse("status == 1", ["region", "education"], min_cell=30),
}


def persons(n: int = 2000, seed: int = 4) -> pd.DataFrame:
    """Persons in 48 PSUs of 8 strata; a level of education only in the last rows."""
    rng = np.random.default_rng(seed)
    psu = np.sort(rng.integers(0, 48, n))
    frame = pd.DataFrame({
        "psu": psu, "h": psu // 6, "pop": 30 + psu // 6, "wave": rng.integers(2024, 2026, n),
        "w": rng.gamma(2.0, size=n) + 0.2, "sex": rng.integers(1, 3, n).astype(float),
        "region": rng.integers(1, 4, n), "education": rng.choice(["none", "school", "university"], n),
        "status": rng.choice([1.0, 1.0, 1.0, 2.0, 3.0], n),
    })  # fmt: skip
    frame.loc[frame.index[-30:], "education"] = "doctorate"
    frame["income"] = 100 * frame["sex"] + 40 * frame["region"] + rng.normal(0, 30, 48)[psu] + rng.normal(0, 60, n)
    frame.loc[rng.random(n) < 0.04, "income"] = np.nan
    frame.loc[rng.random(n) < 0.03, "w"] = 0.0
    return frame


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    return persons()


def written(frame, home, parts=4):
    size = -(-len(frame) // parts)
    for k in range(parts):
        frame.iloc[k * size : (k + 1) * size].to_parquet(home / f"part{k}.parquet", row_group_size=150)
    return home


@pytest.fixture(scope="module")
def files(frame, tmp_path_factory):
    return written(frame, tmp_path_factory.mktemp("persons"))


def both(frame, files, block_rows=400, **design):
    return (mr.Survey(frame, weights="w", **design),
            scan(files, weights="w", block_rows=block_rows, **design))


def same(memory, streamed, rtol=1e-10):
    frames = [memory.frame, streamed.frame]
    # A raked margin has a variance of zero up to rounding, and no design effect worth comparing.
    fixed = frames[0]["std_error"] < 1e-9 * frames[0]["estimate"].abs()
    for each in frames:
        each.loc[fixed, ["std_error", "deff", "n_eff", "cv", "conf_low", "conf_high"]] = 0.0
    pd.testing.assert_frame_equal(*frames, rtol=rtol, atol=1e-12)
    zero = (rtol * frames[0]["estimate"].abs().max()) ** 2
    np.testing.assert_allclose(
        streamed.vcov, memory.vcov, rtol=rtol, atol=zero + rtol * np.nanmax(np.abs(memory.vcov))
    )
    assert streamed.note["steps"] == memory.note["steps"]
    assert _facts(streamed) == _facts(memory)


def _facts(estimates):
    """Facts of the design; the cells that replicates are kept by are told apart more finely in memory."""
    facts = dict(estimates.note["design"])
    if "replicates" in facts:
        facts["replicates"] = {k: v for k, v in facts["replicates"].items() if k != "kept_as"}
    return facts


def estimates(survey):
    yield survey.mean("income", by=["sex", "region"])
    yield survey.total("income")
    yield survey.proportion("region", by="status")
    yield survey.where("region >= 2").ratio("income", "sex")
    yield survey.count(by="education")


@pytest.mark.parametrize(
    ("steps", "design"),
    [*(("chain", design) for design in ("strata", "fpc", "waves")), ("rake", "rows"), *((steps, "strata") for steps in STEPS if steps != "chain"),
     ("shares", "waves")],
)
def test_a_weighted_file_gives_the_numbers_of_memory(frame, files, design, steps):
    weighted = [STEPS[steps](s.weighting).apply() for s in both(frame, files, **DESIGNS[design])]
    for memory, streamed in zip(estimates(weighted[0]), estimates(weighted[1]), strict=True):
        same(memory, streamed)


@pytest.mark.parametrize("block_rows", [173, pytest.param(10_000, marks=pytest.mark.full)])
def test_the_size_of_blocks_changes_nothing(frame, files, block_rows):
    memory, streamed = (
        STEPS["chain"](s.weighting).apply().mean("income", by="education")
        for s in both(frame, files, block_rows, strata="h", psu="psu")
    )
    same(memory, streamed)


def test_a_raked_margin_is_met_and_has_no_variance(files):
    raked = STEPS["rake"](scan(files, weights="w", strata="h", psu="psu").weighting).apply()
    counted = raked.count(by="education").frame
    assert counted["estimate"].tolist() == pytest.approx(
        [EDUCATION[level] for level in counted["education"]], rel=1e-9
    )
    assert (counted["std_error"].dropna() < 1e-6).all()


def test_raking_twice_is_raking_in_one_chain(frame, files):
    memory, streamed = both(frame, files, strata="h", psu="psu")
    weighted = [
        s.weighting.nonresponse("status == 1", ["region"]).apply().weighting.rake({"sex": SEX}).apply()
        for s in (memory, streamed)
    ]
    same(*(w.mean("income", by="region") for w in weighted))
    assert [str(step) for step in weighted[1].history] == [str(step) for step in weighted[0].history]


def test_made_replicates_take_the_steps_again(frame, files):
    for kind in (mr.replicates.RaoWu(20), mr.replicates.JKn()):
        rng = {"rng": np.random.default_rng(8)} if kind.kind != "JKn" else {}
        weighted = []
        for survey in both(frame, files, strata="h", psu="psu"):
            rng = {"rng": np.random.default_rng(8)} if rng else {}
            weighted.append(STEPS["chain"](survey.weighting).apply().with_replicates(kind, **rng))
        for memory, streamed in zip(estimates(weighted[0]), estimates(weighted[1]), strict=True):
            same(memory, streamed)


def test_models_know_the_raking(frame, files):
    memory, streamed = (
        s.weighting.rake({"sex": SEX, "region": REGION}).apply()
        for s in both(frame, files, strata="h", psu="psu")
    )
    asked = "income ~ C(sex) + education"
    pd.testing.assert_frame_equal(memory.glm(asked).frame, streamed.glm(asked).frame, rtol=1e-10)
    made = [s.with_replicates(mr.replicates.RaoWu(5), rng=np.random.default_rng(1))
            for s in (memory, streamed)]
    a, b = (s.glm("income ~ C(sex)").frame for s in made)
    pd.testing.assert_frame_equal(a, b, rtol=1e-10)


def test_medians_know_the_raking(frame, files):
    memory, streamed = (
        STEPS["rake"](s.weighting).apply() for s in both(frame, files, strata="h", psu="psu")
    )
    pd.testing.assert_frame_equal(
        memory.median("income", by="sex").frame, streamed.median("income", by="sex").frame, rtol=1e-10
    )


def labelled():
    def text(en, ar):
        return {"en": en, "ar": ar}

    return Codebook([
        Variable("sex", text("Sex", "الجنس"), level="nominal", categories=(
            Category(1, text("Male", "ذكر")), Category(2, text("Female", "أنثى")),
            Category(9, text("Refused", "رفض"), missing="refused"))),
        Variable("status", text("Result", "النتيجة"), level="nominal", categories=(
            Category(1, text("Completed", "مكتملة")), Category(2, text("Refused", "رفض")))),
    ])  # fmt: skip


def test_targets_are_matched_by_label(frame, files):
    memory, streamed = both(frame, files, psu="psu", codebook=labelled())
    targets = {"sex": {"Male": 10.0, "أنثى": 12.0}}
    same(memory.weighting.rake(targets).apply().mean("income"),
         streamed.weighting.rake(targets).apply().mean("income"))


REFUSED = {
    "no data": lambda w: w.rake({"sex": {**SEX, 3: 10.0}}),
    "no target": lambda w: w.rake({"region": {1: 5.0, 2: 5.0}}),
    "missing values": lambda w: w.rake({"gone": {1: 5.0}}),
    "totals disagree": lambda w: w.rake({"sex": SEX, "region": {1: 1.0e3, 2: 2.0e3, 3: 3.0e3}}),
    "shares": lambda w: w.rake({"sex": {1: 0.5, 2: 0.5}}),
    "zero target": lambda w: w.rake({"sex": {1: 0.0, 2: 10.0}}),
    "no convergence": lambda w: w.rake({"sex": SEX, "region": REGION}, max_iter=1, tol=1e-15),
    "one table": lambda w: w.poststratify({"sex": SEX, "region": REGION}),
    "unknown status": lambda w: w.nonresponse("gone == 1", ["sex"]),
    "strange status": lambda w: w.nonresponse("status == 1", ["sex"]),
    "missing class": lambda w: w.nonresponse("status2 == 1", ["gone"]),
    "nobody": lambda w: w.nonresponse("status2 == 7", ["sex"]),
    "nobody in a class": lambda w: w.nonresponse("region == 1", ["region"]),
    "thin classes": lambda w: w.nonresponse("status2 == 1", ["region"], min_cell=10_000),
    "no variable": lambda w: w.rake({"nowhere": {1: 5.0}}),
    "no step": lambda w: w,
}


@pytest.mark.parametrize("why", REFUSED)
def test_a_refusal_is_that_of_memory(frame, tmp_path, why):
    gone = np.where(frame.index % 7 == 0, np.nan, 1.0)
    more = frame.assign(gone=gone, status2=frame["status"])
    memory, streamed = both(more, written(more, tmp_path), psu="psu", codebook=labelled())
    with pytest.raises(mr.MasarError) as told:
        REFUSED[why](memory.weighting).apply()
    with pytest.raises(type(told.value)) as again:
        REFUSED[why](streamed.weighting).apply()
    expected = told.value.what.split(" (first: row")[0].rstrip(".")
    assert again.value.what.rstrip(".") == expected
    assert again.value.ar == told.value.ar


@pytest.mark.parametrize(
    "step", [lambda w: w.trim(upper=3.0), lambda w: w.normalise(), lambda w: w.base("w * 2")]
)
def test_a_step_that_needs_every_row_is_refused_in_both_languages(files, step):
    with pytest.raises(WeightingError, match="every row at once") as told:
        step(scan(files, weights="w", psu="psu").weighting).apply()
    assert "في الذاكرة" in told.value.ar


def test_a_subpopulation_and_replicates_are_not_weighted(files):
    survey = scan(files, weights="w", strata="h", psu="psu")
    with pytest.raises(WeightingError, match="whole survey"):
        survey.where("sex == 1").weighting.rake({"sex": {1: 5.0}}).apply()
    made = survey.with_replicates(mr.replicates.JKn())
    with pytest.raises(WeightingError, match="Weight first|as they stand"):
        made.weighting.rake({"sex": SEX}).apply()
    with pytest.raises(WeightingError, match="history"):
        survey.weighting.report()


def test_a_replicate_without_a_category_is_named(frame, tmp_path):
    few = frame.assign(rare=np.where(frame["psu"] == 0, 1.0, 2.0))
    streamed = scan(written(few, tmp_path), weights="w", strata="h", psu="psu")
    raked = streamed.weighting.rake({"rare": {1: 100.0, 2: 900.0}}).apply()
    memory = mr.Survey(few, weights="w", strata="h", psu="psu")
    again = memory.weighting.rake({"rare": {1: 100.0, 2: 900.0}}).apply()
    told = []
    for survey in (again, raked):
        with pytest.raises(DesignError, match="In replicate 1 .*without data") as found:
            survey.with_replicates(mr.replicates.JKn())
        told.append(str(found.value))
    assert told[0] == told[1]


def test_a_column_named_by_directories_can_be_raked_to_and_modelled(frame, tmp_path):
    for wave, rows in frame.groupby("wave"):
        home = tmp_path / f"wave={wave}"
        home.mkdir()
        rows.drop(columns="wave").to_parquet(home / "part.parquet")
    design = {"weights": "w", "strata": "h", "psu": "psu", "wave": "wave"}
    memory = mr.Survey(frame.sort_values("wave", kind="stable", ignore_index=True), **design)
    streamed = scan(tmp_path, block_rows=300, **design)
    targets = {("wave", "sex"): {2024: {1: 600.0, 2: 500.0}, 2025: {1: 800.0, 2: 700.0}}}
    raked = [s.weighting.rake(targets).apply() for s in (memory, streamed)]
    same(*(s.mean("income", by="wave") for s in raked))
    asked = "income ~ C(wave) + sex"
    pd.testing.assert_frame_equal(raked[0].glm(asked).frame, raked[1].glm(asked).frame, rtol=1e-10)
