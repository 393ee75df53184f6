"""Regression on a file read in blocks gives the numbers, notes and refusals of one in memory."""

import numpy as np
import pandas as pd
import pytest

import masar_research as mr
from masar_research.errors import DataError, ModelError
from masar_research.streaming.survey import scan

DESIGNS = {
    "strata": {"strata": "h", "psu": "psu"},
    "rows": {},
    "fpc": {"strata": "h", "psu": ["psu", "hh"], "fpc": ["fpc1", "fpc2"]},
    "waves": {"strata": "h", "psu": "psu", "wave": "wave"},
}
MODELS = {
    "logit": ("employed ~ C(sex) * C(region) + education + age", "binomial"),
    "linear": ("income ~ C(sex) + education + age + I(age ** 2)", "gaussian"),
    "poisson": ("children ~ C(sex) + log(age)", "poisson"),
    "probit": ("employed ~ C(sex) + age", "probit"),
    "constant": ("employed ~ 1", "binomial"),
}


def people(n: int = 2400, seed: int = 20) -> pd.DataFrame:
    """Persons in 60 PSUs of 12 strata; one level of education only in the last rows."""
    rng = np.random.default_rng(seed)
    psu = np.sort(rng.integers(0, 60, n))
    frame = pd.DataFrame({
        "psu": psu, "h": psu // 5, "hh": rng.integers(0, 8, n), "fpc1": 40 + psu // 5,
        "wave": rng.integers(2024, 2026, n), "w": rng.gamma(2.0, size=n) + 0.2,
        "sex": rng.integers(1, 3, n).astype(float), "region": rng.integers(1, 4, n),
        "education": rng.choice(["none", "school", "university"], n), "age": rng.integers(15, 70, n) + 0.5,
    })  # fmt: skip
    frame["fpc2"] = 30.0
    frame.loc[frame.index[-40:], "education"] = "doctorate"
    eta = -1 + 0.6 * (frame["sex"] == 2) + 0.02 * frame["age"] + rng.normal(0, 0.4, 60)[psu]
    frame["employed"] = (rng.random(n) < 1 / (1 + np.exp(-eta))).astype(float)
    frame["income"] = 300 + 80 * eta + rng.normal(0, 50, n)
    frame["children"] = rng.poisson(np.exp(0.2 * eta)).astype(float)
    for name, share in (("employed", 0.03), ("age", 0.05), ("sex", 0.02), ("education", 0.02)):
        frame.loc[rng.random(n) < share, name] = None
    frame.loc[rng.random(n) < 0.03, "w"] = 0.0
    return frame


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    return people()


@pytest.fixture(scope="module")
def files(frame, tmp_path_factory):
    home = tmp_path_factory.mktemp("people")
    for k in range(4):
        frame.iloc[k * 600 : (k + 1) * 600].to_parquet(home / f"part{k}.parquet", row_group_size=250)
    return home


def both(frame, files, block_rows=700, **design):
    memory = mr.Survey(frame, weights="w", **design)
    return memory, scan(files, weights="w", block_rows=block_rows, **design)


def same(memory, streamed, rtol=1e-10):
    pd.testing.assert_frame_equal(memory.frame, streamed.frame, rtol=rtol, atol=1e-12)
    np.testing.assert_allclose(streamed.vcov, memory.vcov, rtol=rtol, atol=rtol * np.abs(memory.vcov).max())
    for key, value in memory.note.items():
        assert streamed.note[key] == value, key


@pytest.mark.parametrize(
    ("model", "design"),
    [
        *(pytest.param("logit", d, marks=[pytest.mark.full] * (d == "rows")) for d in DESIGNS),
        *((model, "strata") for model in MODELS if model != "logit"),
    ],
)
def test_a_model_of_a_file_is_that_of_memory(frame, files, design, model):
    memory, streamed = both(frame, files, **DESIGNS[design])
    formula, family = MODELS[model]
    same(memory.glm(formula, family), streamed.glm(formula, family))


@pytest.mark.parametrize("block_rows", [pytest.param(251, marks=pytest.mark.full), 100_000])
def test_the_size_of_blocks_changes_nothing(frame, files, block_rows):
    memory, streamed = both(frame, files, block_rows, strata="h", psu="psu")
    formula = MODELS["logit"][0]
    same(memory.logit(formula, level=0.9), streamed.logit(formula, level=0.9))


def test_a_subpopulation_keeps_the_design(frame, files):
    memory, streamed = both(frame, files, strata="h", psu="psu")
    where = "sex == 2 and age >= 25"
    same(memory.where(where).logit("employed ~ education + age"),
         streamed.where(where).logit("employed ~ education + age"))


def test_the_reference_is_chosen_as_in_memory(frame, files):
    memory, streamed = both(frame, files, strata="h", psu="psu")
    chosen = {"reference": {"region": 3, "education": "school"}}
    same(memory.logit("employed ~ C(region) + education", **chosen),
         streamed.logit("employed ~ C(region) + education", **chosen))


def test_a_thinned_sample_to_start_from_changes_nothing(frame, files, monkeypatch):
    from masar_research.engine import glm
    from masar_research.streaming import regression

    for module in (glm, regression):
        monkeypatch.setattr(module, "_SAMPLE", 300)
    memory, streamed = both(frame, files, strata="h", psu="psu")
    same(memory.logit("employed ~ C(sex) + age"), streamed.logit("employed ~ C(sex) + age"))


def test_made_replicates_are_fitted_anew(frame, files):
    memory, streamed = both(frame, files, strata="h", psu="psu")
    kind = mr.replicates.RaoWu(10)
    made = [s.with_replicates(kind, rng=np.random.default_rng(7)) for s in (memory, streamed)]
    same(made[0].logit("employed ~ C(sex) + age"), made[1].logit("employed ~ C(sex) + age"))


def test_given_replicates_are_fitted_anew(frame, tmp_path):
    rng = np.random.default_rng(5)
    given = frame.assign(**{f"rep{k}": frame["w"] * rng.gamma(3, size=len(frame)) for k in range(9)})
    given.to_parquet(tmp_path / "given.parquet")
    kind = mr.replicates.JK1("rep*")
    memory = mr.Survey(given, weights="w", replicates=kind)
    streamed = scan(tmp_path, weights="w", replicates=kind, block_rows=500)
    same(memory.logit("employed ~ C(sex) + age"), streamed.logit("employed ~ C(sex) + age"))
    where = "age > 30"
    same(memory.where(where).glm("income ~ C(sex)"), streamed.where(where).glm("income ~ C(sex)"))


def test_labels_come_from_the_codebook(frame, files):
    sex = mr.codebook.Variable(
        "sex", {"en": "Sex", "ar": "الجنس"}, level="nominal",
        categories=(mr.codebook.Category(1, {"en": "Male", "ar": "ذكر"}),
                    mr.codebook.Category(2, {"en": "Female", "ar": "أنثى"})),
    )  # fmt: skip
    book = mr.codebook.Codebook([sex])
    memory, streamed = both(frame, files, psu="psu", codebook=book)
    same(memory.logit("employed ~ sex + age"), streamed.logit("employed ~ sex + age"))
    html = streamed.logit("employed ~ sex + age")._repr_html_()
    assert "أنثى" in html and "Female" in html


REFUSED = {
    "employed ~ age + I(age * 2)": ModelError,
    "employed ~ nowhere": DataError,
    "nowhere ~ age": DataError,
    "income ~ C(sex)": ModelError,
    "employed ~ C(one)": ModelError,
    "perfect ~ C(region) + age": ModelError,
    "employed ~ log(age - 15.5)": None,
    "employed ~ log(age - 40)": ModelError,
    "employed ~ far": ModelError,
    "employed ~ __import__('os')": ModelError,
    "never ~ age": ModelError,
    "constant ~ age": ModelError,
}


@pytest.mark.filterwarnings("ignore:divide by zero:RuntimeWarning")
@pytest.mark.parametrize("formula", REFUSED)
def test_a_refusal_is_that_of_memory(frame, tmp_path, formula):
    rng = np.random.default_rng(3)
    more = frame.assign(
        one=1.0, never=np.nan, constant=1.0, far=np.where(frame.index == 9, np.inf, 1.0),
        perfect=np.where(frame["region"] == 2, 1.0, rng.integers(0, 2, len(frame))),
    )  # fmt: skip
    for k in range(2):
        more.iloc[k * 1200 : (k + 1) * 1200].to_parquet(tmp_path / f"{k}.parquet")
    memory, streamed = both(more, tmp_path, strata="h", psu="psu")
    kind = REFUSED[formula]
    if kind is None:
        same(memory.logit(formula), streamed.logit(formula))
        return
    with pytest.raises(kind) as told, np.errstate(all="ignore"):
        memory.logit(formula)
    with pytest.raises(kind) as again, np.errstate(all="ignore"):
        streamed.logit(formula)
    assert again.value.what == told.value.what
    assert again.value.ar.replace(" لمسح محمّل في الذاكرة", "") == told.value.ar


@pytest.mark.parametrize(
    "asked", [{"reference": {"age": 1}}, {"reference": {"region": 9}}, {"level": 2}]
)
def test_arguments_are_refused_as_in_memory(frame, files, asked):
    memory, streamed = both(frame, files, psu="psu")
    with pytest.raises(ModelError) as told:
        memory.logit("employed ~ C(region) + age", **asked)
    with pytest.raises(ModelError) as again:
        streamed.logit("employed ~ C(region) + age", **asked)
    assert str(again.value) == str(told.value)


@pytest.mark.parametrize("formula", ["employed ~ scale(age)", "employed ~ bs(age, df=4)"])
def test_what_learns_from_the_whole_column_is_refused_in_both_languages(frame, files, formula):
    streamed = scan(files, weights="w", psu="psu")
    with pytest.raises(ModelError, match="whole column") as told:
        streamed.logit(formula)
    assert "العمود" in told.value.ar


def test_margins_are_refused_in_both_languages(frame, files):
    model = scan(files, weights="w", psu="psu").logit("employed ~ C(sex)")
    for asked in (model.margins, model.predictions):
        with pytest.raises(ModelError, match="does not hold its rows") as told:
            asked("sex")
        assert "الذاكرة" in told.value.ar


def test_an_unknown_family_is_refused(files):
    with pytest.raises(ModelError, match="family"):
        scan(files, weights="w", psu="psu").glm("income ~ age", family="beta")
    with pytest.raises(ModelError, match="offset"):
        scan(files, weights="w", psu="psu").glm("income ~ age + offset(age)")
