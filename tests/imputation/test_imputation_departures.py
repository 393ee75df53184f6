"""Departures from missing at random of ordered and nominal answers."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import masar_research as mr
from masar_research.codebook import Category, Codebook, Variable
from masar_research.errors import ModelError


def words(text):
    return {"en": text, "ar": f"«{text}»"}


def declare(label="Three"):
    rng = np.random.default_rng(4)
    n = 360
    x = rng.normal(size=n)
    view = np.clip(np.round(2.5 + 0.6 * x + rng.normal(0, 0.8, n)), 1, 4)
    data = pd.DataFrame({"w": rng.uniform(1, 3, n), "stratum": np.arange(n) % 3, "psu": np.arange(n) % 36, "x": x,
                         "sex": rng.integers(1, 3, n).astype(float), "view": view, "party": view.copy()})
    for name in ("view", "party"):
        data.loc[rng.random(n) < 0.25, name] = np.nan
    answers = tuple(Category(k, words(label if k == 3 else f"answer {k}")) for k in (1, 2, 3, 4))
    return mr.Survey(data, weights="w", strata="stratum", psu="psu", codebook=Codebook([
        Variable("view", words("View"), level="ordinal", categories=answers),
        Variable("party", words("Party"), level="nominal", categories=answers),
        Variable("x", words("X"), level="numeric")]))


@pytest.fixture(scope="module")
def imputed():
    return declare().impute(["view", "party"], predictors="x", m=3, iterations=2, rng=np.random.default_rng(2))


@pytest.mark.parametrize(("name", "category"), [("view", None), ("view", 3), ("party", 1), ("party", 4)])
def test_odds_times_one_change_no_bit(imputed, name, category):
    found = imputed.delta(name, [1], lambda s: s.proportion(name), scale="odds", category=category).results[0]
    pd.testing.assert_frame_equal(found.frame, imputed.proportion(name).frame, check_exact=True)


@pytest.mark.parametrize("name", ["view", "party"])
def test_the_named_answer_grows_with_its_odds_from_nobody_to_everybody(imputed, name):
    survey, code = declare(), 3.0
    found = imputed.delta(name, [1e-12, 0.3, 1, 3, 1e12], lambda s: s.proportion(name), scale="odds", category=code)
    row = imputed.proportion(name).frame["category"].tolist().index(code)
    share = found.frame[found.frame["row"] == row].sort_values("amount")["estimate"].to_numpy()
    assert (np.diff(share) > 0).all()
    interviewed = survey.frame[["view", "party"]].notna().any(axis=1)
    w, y = survey.design.weights[interviewed], survey.frame[name][interviewed]
    np.testing.assert_allclose(share[0], w[y == code].sum() / w.sum(), rtol=1e-10)
    np.testing.assert_allclose(share[-1], w[(y == code) | y.isna()].sum() / w.sum(), rtol=1e-10)


def test_higher_answers_come_with_their_odds_and_the_conclusion_tips(imputed):
    base = imputed.mean("view").frame["estimate"].iloc[0]
    found = imputed.delta("view", [1e-3, 0.5, 1, 2, 1e3], lambda s: s.mean("view"), scale="odds")
    assert (np.diff(found.frame["estimate"]) > 0).all()
    tips = found.tipping(base).set_index("side")["amount"]
    assert tips["below"] in (1e-3, 0.5) and tips["above"] in (2, 1e3)
    far = found.tipping(base + 50).set_index("side")["amount"]
    assert far.isna().all()


def test_only_those_named_by_where_are_moved(imputed):
    found = imputed.delta("view", [1, 1e9], lambda s: s.mean("view", by="sex"), scale="odds", where="sex == 2").frame
    table = found.pivot(index="row", columns="amount", values="estimate").to_numpy()
    assert table[0, 0] == table[0, 1] or abs(table[0, 1] - table[0, 0]) < abs(table[1, 1] - table[1, 0]) / 4
    assert table[1, 1] > table[1, 0] + 0.1


def test_both_codes_of_two_answers_are_mirrors():
    survey = declare()
    two = survey.with_columns({"view": np.where(survey.frame["view"].isna(), np.nan, 1.0 + (survey.frame["view"] > 2))})
    found = two.impute("view", predictors="x", methods={"view": "logit"}, m=2, iterations=2, rng=np.random.default_rng(1))
    ask = lambda s: s.proportion("view")  # noqa: E731
    first = found.delta("view", [4], ask, scale="odds", category=1).frame
    second = found.delta("view", [0.25], ask, scale="odds").frame
    pd.testing.assert_frame_equal(first.drop(columns="amount"), second.drop(columns="amount"), rtol=1e-12)


@pytest.mark.parametrize(("name", "given", "message"), [
    ("party", {"scale": "odds"}, "have no order"),
    ("party", {"scale": "odds", "category": 9}, "Nobody"),
    ("view", {"scale": "shift"}, "does not fit"),
    ("view", {"scale": "odds", "category": 2.5}, "Nobody"),
    ("view", {"scale": "magic"}, "does not fit"),
])  # fmt: skip
def test_what_has_no_meaning_is_said_in_both_languages(imputed, name, given, message):
    with pytest.raises(ModelError, match=message) as told:
        imputed.delta(name, [1], lambda s: s.proportion(name), **given)
    assert told.value.ar != ModelError.general


def test_a_number_has_no_category():
    found = declare().impute("view", predictors="x", methods={"view": "pmm"}, m=2, iterations=1, rng=np.random.default_rng(1))
    with pytest.raises(ModelError, match="no meaning") as told:
        found.delta("view", [0], lambda s: s.mean("view"), category=2)
    assert "عدداً" in told.value.ar


def test_tables_say_whose_odds_in_both_languages_and_escape_labels():
    found = declare("<b>3</b>").impute("view", predictors="x", m=2, iterations=1, rng=np.random.default_rng(1))
    named = found.delta("view", [1, 2], lambda s: s.mean("view"), scale="odds", category=3)
    assert "Odds of “&lt;b&gt;3&lt;/b&gt;” multiplied by" in named.table("en") and "<b>3</b>" not in named._repr_html_()
    assert "مضروبة في" in named.table("ar") and named.plot("ar").png[:4] == b"\x89PNG"
    assert "Odds of a higher answer" in found.delta("view", [1], lambda s: s.mean("view"), scale="odds").table("en")
    assert named.results[1].note["imputation"]["delta"]["category"] == "3"
