"""What is imputed, what never is, and that the same seed gives the same bits."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import masar_research as mr
from masar_research.codebook import Category, Codebook, Variable
from masar_research.errors import ModelError

REFUSED, ASIDE, UNASKED = 99.0, -9991.0, -9992.0


def words(text):
    return {"en": text, "ar": f"«{text}»"}


def book():
    gone = (Category(REFUSED, words("Refused"), "refused"), Category(ASIDE, words("n/a"), "not_applicable"),
            Category(UNASKED, words("not asked"), "not_asked"))
    yes = (Category(1, words("Yes")), Category(2, words("No")))
    return Codebook([
        Variable("sex", words("Sex"), level="nominal", categories=(Category(1, words("M")), Category(2, words("F")))),
        Variable("works", words("Works"), level="nominal", categories=(*yes, *gone)),
        Variable("wage", words("Wage"), level="numeric", categories=gone, universe="works == 1"),
        Variable("view", words("View"), level="ordinal", categories=(*[Category(k, words(str(k))) for k in range(1, 6)], *gone)),
        Variable("age", words("Age")), Variable("low", words("Low"), level="nominal"),
    ])


def frame(n=400, seed=1):
    rng = np.random.default_rng(seed)
    out = pd.DataFrame({"id": np.arange(n), "w": rng.uniform(1, 3, n), "stratum": np.arange(n) % 4, "psu": np.arange(n) % 40,
                        "sex": rng.integers(1, 3, n).astype(float), "age": rng.integers(18, 65, n).astype(float)})
    works = np.where(rng.random(n) < 0.6, 1.0, 2.0)
    wage = np.round(200 + 4 * out["age"] + rng.normal(0, 40, n))
    out["wage"] = np.where(works == 1, wage, ASIDE)
    out["works"] = works
    out.loc[rng.random(n) < 0.1, "works"] = REFUSED
    out.loc[out["works"] == REFUSED, "wage"] = ASIDE
    out.loc[(rng.random(n) < 0.2) & (out["works"] == 1), "wage"] = REFUSED
    view = np.clip(np.round(rng.normal(3, 1, n)), 1, 5)
    view[rng.random(n) < 0.1] = REFUSED
    view[:50] = UNASKED
    out["view"] = view
    return out


def declare(data=None):
    return mr.Survey(frame() if data is None else data, weights="w", strata="stratum", psu="psu", codebook=book())


def rng(seed=7):
    return np.random.default_rng(seed)


@pytest.fixture(scope="module")
def imputed():
    return declare().impute(["works", "wage", "view"], predictors=["sex", "age"], m=4, iterations=4, rng=rng(),
                            derived={"low": "wage < 300"})


def test_silently_missing_dropped_refusals_are_answered_in_every_completion(imputed):
    before = declare().frame
    for survey in imputed.surveys():
        assert not (survey.frame["works"] == REFUSED).any() and not (survey.frame["view"] == REFUSED).any()
        assert not (survey.frame["wage"] == REFUSED).any()
        for name in ("works", "wage", "view"):
            kept = ~before[name].isin([REFUSED, ASIDE])
            assert (survey.frame[name][kept] == before[name][kept]).all()


def test_silently_not_asked_imputed_stays_not_asked(imputed):
    for survey in imputed.surveys():
        assert (survey.frame["view"][:50] == UNASKED).all()


def test_silently_universe_ignored_not_applicable_follows_the_imputed_parent(imputed):
    before = declare().frame
    unsure, answered_no = before["works"] == REFUSED, before["works"] == 2
    drawn = set()
    for survey in imputed.surveys():
        after = survey.frame
        drawn |= set(after["works"][unsure])
        assert ((after["wage"] == ASIDE) == (after["works"] == 2)).all()
        assert (after["wage"][answered_no] == ASIDE).all()
        assert set(after["wage"][unsure & (after["works"] == 1)]) <= set(before["wage"]) - {ASIDE, REFUSED}
    assert drawn == {1.0, 2.0}


def test_what_follows_from_imputed_values_is_made_again(imputed):
    for survey in imputed.surveys():
        wage = survey.values("wage")
        known = ~np.isnan(wage)
        assert (survey.values("low")[known] == (wage[known] < 300)).all()
        assert np.isnan(survey.values("low")[~known]).all()


def test_what_cannot_be_made_again_says_so():
    data = frame()
    data["score"] = data["view"] * 2
    made = Variable("score", words("Score"), source=("view",))
    survey = mr.Survey(data, weights="w", codebook=book().add(made))
    found = survey.impute("view", predictors="age", m=2, iterations=2, rng=rng())
    with pytest.raises(ModelError, match="follows from 'view'") as told:
        found.mean("score")
    assert "مشتق" in str(told.value)
    assert "score" in survey.frame


def test_the_same_seed_gives_the_same_bits_and_the_order_of_rows_changes_nothing(imputed):
    data = frame()
    order = rng(3).permutation(len(data))
    other = declare(data.iloc[order].reset_index(drop=True)).impute(
        ["works", "wage", "view"], predictors=["sex", "age"], m=4, iterations=4, rng=rng(), derived={"low": "wage < 300"})
    for number in (1, 4):
        one = imputed.completed(number).frame
        two = other.completed(number).frame.sort_values("id").reset_index(drop=True)
        pd.testing.assert_frame_equal(one[["works", "wage", "view"]], two[["works", "wage", "view"]], check_exact=True)
    again = declare().impute(["works", "wage", "view"], predictors=["sex", "age"], m=4, iterations=4, rng=rng(8))
    assert not np.array_equal(again.cells["wage"], imputed.cells["wage"])


def test_only_imputed_cells_are_kept_and_no_record_is_printed(imputed):
    assert imputed.cells["view"].shape == (4, int((frame()["view"] == REFUSED).sum()))
    text = repr(imputed) + imputed._repr_html_()
    assert "4 imputations" in text and "عدد التعويضات: 4" in text
    assert f"{frame()['w'].iloc[0]:.3f}" not in text


def test_the_summary_counts_every_kind(imputed):
    table, before = imputed.summary().set_index("variable"), frame()
    view = table.loc["view"]
    assert view["refused"] == (before["view"] == REFUSED).sum() == view["imputed"]
    assert view["not_asked"] == 50 and view["answered"] == before["view"].between(1, 5).sum()
    assert table.loc["works", "method"] == "logit" and table.loc["view", "method"] == "ordered"
    assert table.loc["wage", "method"] == "pmm" and np.isfinite(table.loc["wage", "r_hat_mean"])


def test_persons_without_any_answer_are_no_interviews():
    data = frame()
    data.loc[:9, ["works", "wage", "view"]] = np.nan
    found = declare(data).impute(["works", "wage", "view"], predictors="age", m=2, iterations=1, rng=rng())
    assert found.plan.facts["no_interview"] == 10
    assert found.completed(1).frame.loc[:9, ["works", "wage", "view"]].isna().all(axis=None)


def test_silently_stale_sibling_of_the_same_column_is_not_left_half_imputed():
    survey = mr.load("masar_demo", wave=2026)
    found = survey.impute("trust_news", predictors=["sex", "age"], among="status == 1", m=2, iterations=1, rng=rng())
    cards = survey.card.variables
    siblings = {n for n, c in cards.items() if c.from_ == cards["trust_news"].from_ and n != "trust_news"}
    assert siblings <= set(found.plan.stale)


def test_a_variable_is_not_predicted_by_what_its_own_answer_opens(imputed):
    assert "wage" not in imputed.plan.used["works"] and "works" in imputed.plan.used["wage"]


def test_a_formula_is_the_whole_model_beside_the_design():
    plain = declare().impute({"view": "age + C(sex)", "works": None}, predictors="sex", m=2, iterations=2, rng=rng())
    assert plain.plan.used["view"] == ("sex", "age")
    same = declare().impute({"view": None}, predictors=["age", "sex"], m=2, iterations=2, rng=rng())
    formula = declare().impute({"view": "age + C(sex)"}, m=2, iterations=2, rng=rng())
    np.testing.assert_array_equal(same.cells["view"].mean() > 0, formula.cells["view"].mean() > 0)
    with pytest.raises(ModelError, match="universe depends"):
        declare().impute({"works": "wage", "wage": None}, m=2, rng=rng())


def test_the_design_is_in_the_models_unless_it_is_left_out():
    found = declare().impute("view", predictors="age", m=2, iterations=1, rng=rng())
    plan = found.plan
    assert plan.strata.max() == 3 and plan.unit.max() == 39 and plan.log_weight is not None
    bare = declare().impute("view", predictors="age", m=2, iterations=1, design=(), rng=rng()).plan
    assert bare.strata is bare.unit is bare.log_weight is None and bare.facts["left_out"] == ("strata", "weight", "psu")


@pytest.mark.parametrize(("given", "message"), [
    ({"variables": "sex"}, "Nothing is missing"),
    ({"variables": "view", "predictors": "works"}, "itself missing"),
    ({"variables": "view", "methods": {"view": "logit"}}, "a logit has two"),
    ({"variables": "view", "methods": {"view": "magic"}}, "no method"),
    ({"variables": "view", "design": ["household"]}, "no part of a design"),
    ({"variables": "view", "m": 1}, "m=1"),
    ({"variables": "view", "methods": {"age": "pmm"}}, "not imputed"),
    ({"variables": "psu"}, "design is not imputed"),
    ({"variables": "wage", "predictors": "low", "derived": {"low": "wage < 300"}}, "cannot predict"),
    ({"variables": {"view": "age +"}}, "formula"),
])  # fmt: skip
def test_what_cannot_be_imputed_is_said_in_both_languages(given, message):
    data = frame().assign(low=0.0)
    with pytest.raises(ModelError, match=message) as told:
        declare(data).impute(**{"m": 2, "iterations": 1, "rng": rng(), **given})
    assert told.value.ar != ModelError.general


def test_nobody_answered_and_everybody_the_same():
    data = frame().assign(view=REFUSED)
    with pytest.raises(ModelError, match="0 persons"):
        declare(data).impute("view", predictors="age", rng=rng())
    data = frame()
    data["view"] = np.where(data["view"] == REFUSED, REFUSED, 3.0)
    with pytest.raises(ModelError, match="the same answer"):
        declare(data).impute("view", predictors="age", rng=rng())


def test_a_subpopulation_is_taken_of_the_result():
    with pytest.raises(ModelError, match="whole survey"):
        declare().where("sex == 1").impute("view", rng=rng())


def test_few_donors_collinear_predictors_and_separation_are_flagged():
    data = frame()
    answered = data.index[data["view"].between(1, 5)]
    data.loc[answered[14:], "view"] = REFUSED
    data["twice"] = data["age"] * 2
    found = declare(data).impute("view", predictors=["age", "twice"], methods={"view": "pmm"}, donors=8, m=2, iterations=1,
                                 design=(), rng=rng())
    assert found.flags["view"] == ("few_donors",)
    data = frame()
    told = data["works"] != REFUSED
    data["works"] = np.where(told, np.where(data["age"] > 40, 1.0, 2.0), REFUSED)
    found = declare(data).impute("works", predictors="age", m=2, iterations=2, design=(), rng=rng())
    assert found.flags["works"] == ("separated",) and "separated" in str(found.proportion("works").note["imputation"])


def test_a_constant_departure_moves_the_mean_by_its_share_and_tips():
    found = declare().impute("view", predictors="age", methods={"view": "norm"}, m=3, iterations=2, rng=rng())
    base = found.mean("view").frame["estimate"].iloc[0]
    moved = found.delta("view", [-5, 0, 5], lambda s: s.mean("view"))
    survey, kinds = declare(), frame()["view"]
    w, inside = survey.design.weights, kinds != UNASKED
    share = w[kinds == REFUSED].sum() / w[inside].sum()
    np.testing.assert_allclose(moved.frame["estimate"], base + np.array([-5, 0, 5]) * share, rtol=1e-10)
    tips = moved.tipping(base).set_index("side")
    assert tips.loc["below", "amount"] == -5 and tips.loc["above", "amount"] == 5
    assert np.isnan(moved.tipping(base + 100).set_index("side").loc["above", "amount"])
    assert "لو اختلف من لم يجيبوا" in moved.table("ar") and moved.plot("ar", null=base).png[:4] == b"\x89PNG"


def test_odds_of_those_who_did_not_answer():
    found = declare().impute("works", predictors="age", m=3, iterations=2, rng=rng())
    moved = found.delta("works", [0.01, 1, 100], lambda s: s.proportion("works"), scale="odds", where="sex == 2")
    no = moved.frame[moved.frame["row"] == 1]["estimate"].to_numpy()
    assert no[0] < no[1] < no[2]
    with pytest.raises(ModelError, match="does not fit"):
        found.delta("works", [1], lambda s: s.proportion("works"))
    with pytest.raises(ModelError, match="above nought"):
        found.delta("works", [-1, 1], lambda s: s.proportion("works"), scale="odds")


def test_a_subpopulation_by_an_imputed_variable_changes_its_members(imputed):
    found = imputed.where("works == 1").count().frame.iloc[0]
    assert found["between"] > 0


@pytest.mark.parametrize("lang", ["en", "ar"])
def test_pictures_in_both_languages(imputed, lang):
    for art in (imputed.plot("wage", lang), imputed.plot("view", lang), imputed.plot_trace("wage", lang)):
        assert art.png[:4] == b"\x89PNG" and len(art.texts) > 3
    assert "<img" in imputed.report() and "nan" not in imputed._repr_html_()


def test_replicate_weights_keep_the_design_of_the_imputation():
    survey = declare().with_replicates(mr.replicates.JKn())
    found = survey.impute("view", predictors="age", m=3, iterations=2, rng=rng()).mean("view").frame.iloc[0]
    plain = declare().impute("view", predictors="age", m=3, iterations=2, rng=rng()).mean("view").frame.iloc[0]
    assert found["estimate"] == pytest.approx(plain["estimate"], rel=1e-12)
    assert found["std_error"] == pytest.approx(plain["std_error"], rel=0.02)
