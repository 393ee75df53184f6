"""Groups too thin for a model are left out; a variable of which too little is left takes no rows with it."""

import numpy as np
import pandas as pd
import pytest

import masar_research as mr
from masar_research.errors import ModelError
from masar_research.models import sturdy_terms, thin_groups


def made(age, place, works):
    n = len(works)
    frame = pd.DataFrame({"w": 1.0, "p": np.arange(n), "age": age, "place": place, "works": works}, dtype=float)
    return mr.Survey(frame, weights="w", psu="p")


def cells(*counts):
    """Rows for (age, place, no, yes)."""
    rows = [(a, p, y) for a, p, no, yes in counts for y, k in ((0, no), (1, yes)) for _ in range(k)]
    return made(*(list(column) for column in zip(*rows, strict=True)))


def test_a_group_without_enough_of_either_answer_is_thin():
    survey = cells((1, 1, 20, 20), (2, 1, 20, 5), (3, 1, 20, 4), (4, 1, 0, 30))
    assert thin_groups(survey, "works", ["age"]) == (("age", 3.0), ("age", 4.0))
    assert thin_groups(survey, "works", ["age"], least=6)[0] == ("age", 2.0)
    assert thin_groups(survey.where("age < 3"), "works", ["age"]) == ()


def test_leaving_one_group_out_may_thin_another():
    survey = cells((1, 1, 20, 3), (1, 2, 20, 20), (2, 1, 20, 3), (2, 2, 20, 20), (3, 2, 3, 20))
    assert thin_groups(survey, "works", ["place", "age"]) == (("age", 3.0),)
    chained = cells((1, 1, 20, 4), (2, 1, 20, 2), (2, 2, 20, 3), (3, 2, 20, 20), (3, 1, 20, 20))
    assert thin_groups(chained, "works", ["age"]) == (("age", 1.0),)
    assert thin_groups(cells((1, 1, 9, 4), (2, 1, 9, 3), (2, 2, 9, 9)), "works", ["age", "place"])[-1] == ("place", 1.0)


def test_a_variable_with_one_group_left_is_dropped_and_keeps_its_rows():
    """Place 2 is thin, so place says nothing; its rows still inform age."""
    survey = cells((1, 1, 20, 20), (2, 1, 20, 20), (1, 2, 9, 2), (2, 2, 9, 2))
    assert thin_groups(survey, "works", ["age", "place"]) == (("place", 2.0),)
    assert sturdy_terms(survey, "works", ["age", "place"]) == (("age",), ())


def test_a_place_too_small_for_any_model_gives_no_terms():
    survey = cells((1, 1, 9, 1), (2, 1, 9, 2), (3, 2, 9, 0))
    assert sturdy_terms(survey, "works", ["age", "place"]) == ((), ())
    assert sturdy_terms(survey, "works", []) == ((), ())


def test_what_is_kept_can_be_fitted():
    survey = cells((1, 1, 20, 20), (2, 1, 20, 8), (3, 1, 9, 2), (1, 2, 9, 9), (2, 2, 12, 6))
    kept, left_out = sturdy_terms(survey, "works", ["age", "place"])
    assert (kept, left_out) == (("age", "place"), (("age", 3.0),))
    model = survey.where("age != 3").logit("works ~ C(age) + C(place)")
    assert np.isfinite(model.frame["std_error"]).all()


def test_the_outcome_is_zero_or_one():
    with pytest.raises(ModelError, match="counted for 0 and 1"):
        thin_groups(made([1, 1], [1, 1], [1, 2]), "works", ["age"])


@pytest.mark.parametrize("reference", [None, 1.0, "yes"])
def test_a_nominal_variable_coded_0_and_1_is_compared_not_differentiated(reference):
    """With and without C(): everybody at one less everybody at nought, in a model that is not linear."""
    from masar_research.codebook import Category, Codebook, Variable

    rng = np.random.default_rng(5)
    n = 400
    frame = pd.DataFrame({"w": rng.uniform(0.5, 2, n), "p": np.arange(n) // 4, "urban": rng.integers(0, 2, n),
                          "age": rng.normal(40, 10, n)}, dtype=float)  # fmt: skip
    frame["works"] = (rng.random(n) < 1 / (1 + np.exp(1.5 - 2 * frame["urban"]))).astype(float)
    words = {0.0: "no", 1.0: "yes"}
    book = Codebook([Variable("urban", {"en": "Urban"}, level="nominal",
                              categories=tuple(Category(k, {"en": v}) for k, v in words.items()))])  # fmt: skip
    survey = mr.Survey(frame, weights="w", psu="p", codebook=book)
    bare = survey.logit("works ~ urban + age").margins("urban", reference=reference)
    named = survey.logit("works ~ C(urban) + age").margins("urban", reference=reference)
    assert bare.frame["category"].tolist() == named.frame["category"].tolist()
    for column in ("estimate", "std_error", "conf_low", "conf_high"):
        assert bare.frame[column].to_numpy() == pytest.approx(named.frame[column].to_numpy(), rel=1e-8)
    # A number stays a number: the derivative, without a category.
    slope = mr.Survey(frame, weights="w", psu="p").logit("works ~ urban + age").margins("urban")
    assert slope.frame["category"].isna().all()
    assert abs(slope.frame["estimate"].iloc[0]) != pytest.approx(abs(bare.frame["estimate"].iloc[0]), rel=1e-3)
