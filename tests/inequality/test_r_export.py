"""The R code that is written repeats the estimate: run with Rscript where it is installed."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import masar_research as mr
from masar_research import replicates
from masar_research.codebook import Codebook, Variable
from masar_research.engine.calibration import rake
from masar_research.errors import DataError, DesignError, EstimationError

FRAME = pd.read_csv(Path(__file__).parents[1] / "oracles" / "jordan_like.csv")


def has_survey() -> bool:
    if shutil.which("Rscript") is None:
        return False
    command = ["Rscript", "-e", "quit(status = !requireNamespace('survey', quietly = TRUE))"]
    return subprocess.run(command, capture_output=True).returncode == 0


needs_r = pytest.mark.skipif(not has_survey(), reason="Rscript with the survey package is not installed")


def survey_of(kind: str) -> mr.Survey:
    options = {
        "wr": {"psu": "psu"},
        "two_stage": {"psu": ["psu", "household"], "fpc": ["fpc1", "fpc2"]},
        "raked": {"psu": "psu"},
        "lonely": {"psu": "psu", "lonely_psu": "centre"},
        "waves": {"psu": "psu", "wave": "wave"},
        "replicates": {"psu": "psu"},
    }[kind]
    frame = FRAME[FRAME["keep_lonely"] == 1] if kind == "lonely" else FRAME
    if kind == "waves":
        # Each wave has PSUs of its own: what R sees as strata crossed with waves.
        second = frame.assign(wave=2, psu=frame["psu"] + 10_000, income=frame["income"] * 1.1)
        frame = pd.concat([frame.assign(wave=1), second], ignore_index=True)
    survey = mr.Survey(frame, weights="weight", strata="stratum", **options)
    if kind == "replicates":
        return survey.with_replicates(replicates.RaoWu(40), rng=np.random.default_rng(7))
    if kind != "raked":
        return survey
    region, sex = (survey.values(name).astype(int) - 1 for name in ("region", "sex"))
    margins = [(region, np.array([18000.0, 15000, 9000])), (sex, np.array([22000.0, 20000]))]
    made = rake(survey.design.weights, margins)
    return survey.with_weights(made.weights, made.calibration, "raked")


def run(script: Path) -> pd.DataFrame:
    done = subprocess.run(
        ["Rscript", script.name], cwd=script.parent, capture_output=True, text=True, encoding="utf-8"
    )
    assert done.returncode == 0, done.stderr
    rows = [line.split("\t") for line in done.stdout.splitlines()[1:]]
    return pd.DataFrame(rows, columns=["what", "estimate", "std_error"]).astype(
        {"estimate": float, "std_error": float}
    )


CALLS = {
    "wr mean": ("wr", "sex == 2", lambda s: s.mean(["income", "hours"], by="region")),
    "wr total": ("wr", "", lambda s: s.total("income", by=["region", "sex"])),
    "two_stage shares": ("two_stage", "", lambda s: s.proportion(["education", "employed"], by="sex")),
    "raked ratio": ("raked", "", lambda s: s.ratio("income", "hours", by="region")),
    "raked share": ("raked", "age < 40", lambda s: s.proportion("employed", by="sex")),
    "lonely count": ("lonely", "", lambda s: s.count(by="region")),
    "wr logit": ("wr", "age > 20", lambda s: s.logit("employed ~ C(sex) * C(region) + age")),
    "wr medians": ("wr", "sex == 1", lambda s: s.median("income", by="region")),
    "wr quantiles": (
        "wr", "", lambda s: s.quantile("hours", (0.25, 0.5, 0.9), by="sex", rule="math", interval="beta"),
    ),
    "wr quantiles, xlogit": ("wr", "", lambda s: s.quantile("income", 0.8, rule="hf7", interval="xlogit")),
    "raked median": ("raked", "", lambda s: s.median("income", level=0.9)),
    "two_stage variance": ("two_stage", "", lambda s: s.variance("income", by="sex")),
    "wr covariance": ("wr", "", lambda s: s.covariance("income", "hours", by="region")),
    "row percents": ("wr", "", lambda s: s.percent_table("region", "education")),
    "cell percents": ("wr", "", lambda s: s.percent_table("region", "education", "cell", by="sex")),
    "waves mean": ("waves", "", lambda s: s.mean("income", by=["wave", "sex"])),
    "replicates mean": ("replicates", "age > 30", lambda s: s.mean("income", by="region")),
    "replicates share": ("replicates", "", lambda s: s.proportion("education", by="sex")),
    "replicates ratio": ("replicates", "", lambda s: s.ratio("income", "hours")),
    "raked logit": ("raked", "", lambda s: s.logit("employed ~ C(education) + age")),
}

DEFAULT = ("wr mean", "raked share", "wr logit", "wr quantiles", "cell percents", "replicates mean")
TESTS = {
    "chi-square F": lambda s: s.chi_square("region", "education"),
    "chi-square Wald": lambda s: s.chi_square("region", "education", statistic="adjusted_wald"),
    "fit": lambda s: s.goodness_of_fit("education", dict.fromkeys(s.coded("education").levels, 1.0)),
    "t of two groups": lambda s: s.t_test("income", by="sex"),
    "t of one mean": lambda s: s.t_test("hours", null=20.0),
}


@needs_r
@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=[] if n in DEFAULT else pytest.mark.full) for n in CALLS]
)
def test_r_repeats_it(name, tmp_path):
    kind, where, call = CALLS[name]
    survey = survey_of(kind).where(where) if where else survey_of(kind)
    result = call(survey)
    with pytest.warns(UserWarning, match="persons"):
        script = survey.as_r_script(result, tmp_path / "out")
    found = run(script)
    assert len(found) == len(result.frame)
    for column in ("estimate", "std_error"):
        np.testing.assert_allclose(found[column], result.frame[column], rtol=1e-8, err_msg=name)


@needs_r
@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=[] if n == "chi-square F" else pytest.mark.full) for n in TESTS]
)
@pytest.mark.parametrize("kind", ["wr", pytest.param("raked", marks=pytest.mark.full)])
def test_r_repeats_the_test(name, kind, tmp_path):
    survey = survey_of(kind)
    result = TESTS[name](survey)
    with pytest.warns(UserWarning, match="persons"):
        found = run(survey.as_r_script(result, tmp_path / "out"))
    np.testing.assert_allclose(found["std_error"], [result.p_value], rtol=1e-7, atol=1e-12)
    # R prints Pearson's X² where ours is what it is referred to.
    if name != "fit":
        np.testing.assert_allclose(found["estimate"], [result.statistic], rtol=1e-7)


def test_only_the_columns_used_are_written_and_places_lose_their_names(tmp_path):
    survey = survey_of("wr")
    with pytest.warns(UserWarning, match="بيانات أفراد"):
        script = survey.as_r_script(survey.mean("income", by="sex"), tmp_path)
    written = pd.read_csv(script.parent / "data.csv")
    assert set(written) == {"weight", "stratum", "psu1", "sex", "income", "in_base"}
    assert len(written) == len(survey)
    assert sorted(set(written["stratum"])) == list(range(1, survey.design.n_strata + 1))


def test_text_is_refused(tmp_path):
    book = Codebook([Variable("hours", {"en": "Hours", "ar": "ساعات"}, level="text")])
    survey = mr.Survey(FRAME, weights="weight", strata="stratum", psu="psu", codebook=book)
    with pytest.raises(DataError, match="text"):
        survey.as_r_script(survey.mean("hours"), tmp_path)
    assert not list(tmp_path.iterdir())


def test_what_r_cannot_repeat_is_refused(tmp_path):
    survey = survey_of("wr")
    with pytest.raises(EstimationError, match="another survey"):
        survey.where("sex == 1").as_r_script(survey.mean("income"), tmp_path)
    with pytest.raises(EstimationError, match="difference"):
        survey.as_r_script(survey.mean("income", by="sex").contrast("1 - 2"), tmp_path)
    with pytest.raises(EstimationError, match="log"):
        survey.as_r_script(survey.logit("employed ~ log(age)"), tmp_path)
    waves = pd.concat([FRAME.assign(wave=1), FRAME.assign(wave=2)], ignore_index=True)
    pooled = mr.Survey(waves, weights="weight", strata="stratum", psu="psu", wave="wave")
    with pytest.raises(DesignError, match="Waves"):
        pooled.as_r_script(pooled.mean("income"), tmp_path)
    made = survey.with_replicates(replicates.JKn())
    with pytest.raises(EstimationError, match="linear approximation"):
        made.as_r_script(made.median("income"), tmp_path)
    with pytest.raises(EstimationError, match="convey"):
        survey.as_r_script(survey.gini("income"), tmp_path)
    with pytest.raises(EstimationError, match="correlation"):
        survey.as_r_script(survey.correlation("income", "hours"), tmp_path)
    with pytest.raises(EstimationError, match="replicates"):
        made.as_r_script(made.chi_square("sex", "region"), tmp_path)
    with pytest.raises(EstimationError, match="tied"):
        survey.as_r_script(survey.rank_test("income", by="sex"), tmp_path)
    with pytest.raises(EstimationError, match="svychisq has"):
        survey.as_r_script(survey.chi_square("sex", "region", statistic="working"), tmp_path)


def test_a_poverty_rate_is_no_share_of_a_column(tmp_path):
    rng = np.random.default_rng(2)
    frame = pd.DataFrame({"w": rng.uniform(1, 2, 60), "income": rng.gamma(2, 3, 60)})
    survey = mr.Survey(frame, weights="w")
    with pytest.raises(EstimationError, match="fgt"):
        survey.as_r_script(survey.fgt("income", line=4.0), tmp_path)
