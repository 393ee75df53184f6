"""Average slopes from one pass: those of counterfactual worlds, by domain, under calibration and replicates."""

import numpy as np
import pandas as pd
import pytest

import masar_research as mr
from masar_research.errors import ModelError

FAMILIES = {"logit": "works", "linear": "pay", "poisson": "visits", "probit": "works", "gamma": "pay"}


def survey(n=1200):
    rng = np.random.default_rng(8)
    frame = pd.DataFrame({
        "w": rng.uniform(0.5, 3, n), "psu": np.arange(n) // 12, "age": rng.uniform(18, 70, n), "size": rng.poisson(3, n) * 1.0,
        "sex": rng.integers(1, 3, n), "region": rng.integers(1, 4, n),
    })  # fmt: skip
    eta = -1 + 0.03 * frame["age"] - 0.2 * frame["size"] + 0.3 * (frame["sex"] == 2)
    frame["works"] = (rng.uniform(size=n) < 1 / (1 + np.exp(-eta))) * 1.0
    frame["visits"] = rng.poisson(np.exp(0.3 * eta)) * 1.0
    frame["pay"] = rng.gamma(3, np.exp(0.2 * eta) / 3)
    return mr.Survey(frame, weights="w", psu="psu")


def by_worlds(model, name, over=None):
    above, below, apart = model.matrix.around(name)
    worlds = [{name: above}, {name: below}]
    return model._wrap(worlds, np.array([[1 / apart, -1 / apart]]), name, [None], "ame", over, {}).frame


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("over", [None, "region"])
def test_slopes_are_those_of_two_worlds(family, over):
    model = getattr(survey(), family)(f"{FAMILIES[family]} ~ age + size + C(sex)")
    both = model.margins(["size", "age"], over=over).frame
    for name in ("age", "size"):
        ours, theirs = both[both["variable"] == name], by_worlds(model, name, over)
        for column in ("estimate", "std_error", "deff"):
            np.testing.assert_allclose(ours[column], theirs[column], rtol=2e-6)
        assert ours["n"].tolist() == theirs["n"].tolist()


def test_replicates_and_offsets_take_the_same_way():
    plain = survey()
    held = plain.with_columns({"hours": np.linspace(1, 3, 1200)})
    for one in (plain.with_replicates(mr.replicates.JKn()).logit("works ~ age + size"),
                held.poisson("visits ~ age + size + offset(log(hours))")):  # fmt: skip
        frame = one.margins(["age", "size"]).frame
        for row in frame.to_dict("records"):
            theirs = by_worlds(one, row["variable"]).iloc[0]
            assert row["estimate"] == pytest.approx(theirs["estimate"], rel=1e-6)
            assert row["std_error"] == pytest.approx(theirs["std_error"], rel=1e-6)


def test_all_effects_stand_in_one_table_in_the_order_of_the_formula():
    model = survey().logit("works ~ C(sex) + age + I(size ** 2)")
    found = model.margins()
    assert found.frame["variable"].tolist() == ["sex", "age", "size"]
    for name in ("sex", "age", "size"):
        alone = model.margins(name).frame.iloc[0]
        row = found.frame[found.frame["variable"] == name].iloc[0]
        for column in ("estimate", "std_error", "conf_low", "p_value", "deff"):
            assert row[column] == pytest.approx(alone[column], rel=1e-9)
    assert found.vcov.shape == (3, 3) and np.all(np.linalg.eigvalsh(found.vcov) > 0)
    np.testing.assert_allclose(np.sqrt(np.diag(found.vcov)), found.frame["std_error"], rtol=1e-9)
    assert "Age" not in str(found) and "age" in found._repr_html_()


def test_a_predictor_in_an_interaction_keeps_its_worlds():
    model = survey().logit("works ~ age * size")
    assert model.matrix.alone("age") is None
    row = model.margins("age").frame.iloc[0]
    step = 1e-4
    frame = model.survey.frame
    mu = [model.predict(frame.assign(age=frame["age"] + s))["estimate"] for s in (step, -step)]
    assert row["estimate"] == pytest.approx(np.average((mu[0] - mu[1]) / (2 * step), weights=frame["w"]), rel=1e-5)


@pytest.mark.parametrize("more", [{"variable": []}, {"variable": ["age", "age"]}, {"reference": 1}, {"variable": ["age"], "over": "age"}])
def test_what_cannot_be_asked_together(more):
    with pytest.raises(ModelError) as caught:
        survey().logit("works ~ age + size").margins(**more)
    assert caught.value.remedy
