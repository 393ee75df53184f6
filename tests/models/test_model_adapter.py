"""What another package reads of a fitted model, and marginaleffects itself where it is installed."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import masar_research as mr
from masar_research.errors import ModelError
from masar_research.models.adapter import WEIGHT, for_marginaleffects, readable


@pytest.fixture(scope="module")
def survey():
    rng = np.random.default_rng(21)
    n = 600
    frame = pd.DataFrame({
        "w": rng.uniform(1, 4, n), "psu": np.repeat(np.arange(60), 10), "sex": rng.integers(1, 3, n).astype(float),
        "place": rng.integers(1, 4, n).astype(float), "age": rng.uniform(18, 65, n), "years": rng.uniform(1, 5, n),
        "urban": rng.integers(1, 3, n).astype(float),
    })
    eta = -0.4 + 0.7 * (frame["sex"] == 2) + 0.02 * (frame["age"] - 40)
    frame["works"] = (rng.uniform(size=n) < 1 / (1 + np.exp(-eta))).astype(float)
    frame["pay"] = 100 + 3 * frame["age"] + rng.normal(0, 20, n)
    frame["trips"] = rng.poisson(frame["years"])
    frame["mood"] = np.clip(np.round(2 + 0.5 * (frame["sex"] == 1) + rng.normal(0, 0.8, n)), 1, 3)
    frame.loc[frame.index % 13 == 0, "age"] = np.nan
    return mr.Survey(frame, weights="w", psu="psu")


def _models(survey):
    return {
        "logit": survey.logit("works ~ C(sex) * C(place) + age", reference={"sex": 2}),
        "linear": survey.linear("pay ~ C(sex) + age"),
        "offset": survey.poisson("trips ~ C(sex) + age", exposure="years"),
        "spline": survey.where("urban == 1").logit("works ~ bs(age, df=4) + C(sex)"),
        "ordinal": survey.ordinal("mood ~ C(sex) + age"),
        "multinomial": survey.multinomial("mood ~ C(sex) + age", baseline=2),
        "dropped": survey.linear("pay ~ age + I(2 * age) + C(sex)", collinear="drop"),
    }


@pytest.fixture(scope="module")
def models(survey):
    return _models(survey)


def _columns(found):
    return {name: found.data[name].tolist() for name in found.predictors}


def test_the_fitted_values_come_back(models):
    for name, model in models.items():
        found = readable(model)
        predicted = found.predict(found.coef, found.matrix(_columns(found)))
        w = found.data[WEIGHT].to_numpy()
        average = (w @ predicted) / w.sum()
        if found.groups is None:
            own = (model.fit.mu[model.fit.used] @ w) / w.sum()
        else:
            own = model.predictions().frame["estimate"].to_numpy()
            assert found.groups == tuple(f"{level:g}" for level in model.outcome.levels)
        assert average == pytest.approx(own, rel=1e-10), name
        assert found.coef == pytest.approx(model.frame["estimate"].to_numpy())
        assert found.vcov is not None and found.vcov.shape == (found.coef.size,) * 2


def test_differences_of_predictions_are_our_marginal_effects(models):
    for name in ("logit", "offset", "ordinal", "multinomial", "spline"):
        model = models[name]
        found = readable(model)
        levels, n = found.levels("sex"), len(found.data)
        w = found.data[WEIGHT].to_numpy()
        worlds = [found.predict(found.coef, found.matrix(_columns(found) | {"sex": [level] * n})) for level in levels]
        effect = (w @ (worlds[1] - worlds[0])) / w.sum()
        assert np.atleast_1d(effect) == pytest.approx(model.margins("sex").frame["estimate"].to_numpy(), rel=1e-9)


def test_coefficients_given_are_the_coefficients_used(models):
    found = readable(models["linear"])
    matrix = found.matrix(_columns(found))
    moved = found.coef + np.array([1.0, 0.0, 2.0])
    change = found.predict(moved, matrix) - found.predict(found.coef, matrix)
    assert change == pytest.approx(1 + 2 * found.data["age"].to_numpy())


def test_data_hold_reference_first_and_the_weights(survey, models):
    found = readable(models["logit"], columns=["urban"])
    assert found.levels("sex") == ("2", "1") and found.levels("age") is None
    assert found.data[WEIGHT].to_numpy() == pytest.approx(survey.frame["w"].to_numpy()[models["logit"].fit.used])
    assert set(found.data["urban"]) == {"1", "2"} and found.df == models["logit"].df


def test_what_cannot_be_read_is_refused(survey, models):
    for model in (survey.quantile_regression("pay ~ age"), survey.two_stage("pay ~ works | age")):
        with pytest.raises(ModelError, match="no predictions") as caught:
            readable(model)
        assert caught.value.ar
    found = readable(models["linear"])
    with pytest.raises(ModelError, match="not fitted"):
        found.matrix({"sex": ["7"], "age": [30.0]})
    with pytest.raises(ModelError, match="lack age"):
        found.matrix({"sex": ["1"]})
    renamed = survey.with_columns({"term": survey.values("age")})
    with pytest.raises(ModelError, match="keeps for itself"):
        readable(renamed.linear("pay ~ term"))


def test_without_the_package_the_error_says_what_to_install(models):
    try:
        import marginaleffects  # noqa: F401
    except ImportError:
        with pytest.raises(ModelError, match="marginaleffects") as caught:
            models["linear"].for_marginaleffects()
        assert "pip install" in caught.value.remedy and caught.value.ar
    else:
        pytest.skip("marginaleffects is installed")


def test_marginaleffects_agrees(models):
    package = pytest.importorskip("marginaleffects", reason="marginaleffects is not installed")
    for name in ("logit", "linear", "offset", "ordinal", "multinomial", "spline"):
        model = models[name]
        adapted = for_marginaleffects(model, columns=["urban"])
        theirs = package.avg_comparisons(adapted, variables={"sex": "reference"}, wts=WEIGHT)
        ours = model.margins("sex").frame
        estimates = np.sort(theirs["estimate"].to_numpy())
        assert estimates == pytest.approx(np.sort(ours["estimate"].to_numpy()), rel=1e-6), name
        if name == "spline":
            with pytest.raises(ModelError, match="could not be built"):
                package.avg_slopes(adapted, variables="age", wts=WEIGHT)
            continue
        slope = np.sort(package.avg_slopes(adapted, variables="age", wts=WEIGHT)["estimate"].to_numpy())
        own = np.sort(model.margins("age").frame["estimate"].to_numpy())
        assert slope == pytest.approx(own, rel=1e-5, abs=1e-9), name
    linear = for_marginaleffects(models["linear"])
    # Its own step for derivatives loses five figures where coefficients are large.
    theirs = package.avg_comparisons(linear, variables="sex", wts=WEIGHT, eps_vcov=1e-4)
    ours = models["linear"].margins("sex").frame.iloc[0]
    for column in ("estimate", "std_error", "conf_low", "conf_high"):
        assert theirs[column][0] == pytest.approx(ours[column], rel=1e-6)
