"""What is refused, and the remedy it names; what a type cannot hold; what the note says."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import masar_research as mr
from masar_research import replicates
from masar_research.errors import DesignError, MasarError, ModelError

RNG = np.random.default_rng(0)
FRAME = pd.DataFrame({
    "h": np.repeat([1, 2, 3], 12), "p": np.tile(np.repeat([1, 2, 3], 4), 3), "w": 10.0,
    "y": RNG.normal(5, 1, 36), "g": np.tile([1, 2], 18), "N": 30.0, "wave": np.tile([1, 1, 2, 2], 9),
    "even": np.repeat([1, 2, 3], 12),
})  # fmt: skip
FRAME = FRAME.assign(**{f"rw{r}": 10.0 * RNG.uniform(0.5, 1.5, 36) for r in range(8)})


def design(**options) -> mr.Survey:
    return mr.Survey(FRAME, weights="w", **{"strata": "h", "psu": "p", **options})


def given(frame: pd.DataFrame = FRAME, **options) -> mr.Survey:
    return mr.Survey(frame, weights="w", replicates=replicates.JK1("rw*", **options))


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: mr.Survey(FRAME, weights="w", strata="h", replicates=replicates.JK1("rw*")), "strata="),
        (lambda: mr.Survey(FRAME, weights="w", lonely_psu="centre", replicates=replicates.JK1("rw*")),
         "lonely_psu="),
        (lambda: mr.Survey(FRAME, weights="w", replicates=replicates.JK1("none*")), "No column matches"),
        (lambda: mr.Survey(FRAME, weights="w", replicates=replicates.JK1(["rw0", "rw99"])), "rw99"),
        (lambda: mr.Survey(FRAME, weights="w", replicates=replicates.JK1(["rw0", "rw0"])), "twice"),
        (lambda: mr.Survey(FRAME, weights="w", replicates=replicates.JK1("*w*")), "themselves"),
        (lambda: mr.Survey(FRAME, weights="w", replicates=replicates.JK1()), "names no replicate"),
        (lambda: mr.Survey(FRAME, weights="w", replicates=replicates.JK1("rw0")), "at least two"),
        (lambda: given(FRAME.assign(rw1=np.nan)), "missing or infinite"),
        (lambda: given(FRAME.assign(rw1=0.0)), "zero on every row"),
        (lambda: given(FRAME.assign(rw1="a")), "not numbers"),
        (lambda: given(FRAME.assign(w=np.where(np.arange(36) < 3, 0.0, 10.0))), "whose weight is zero"),
        (lambda: given(combined=False), "look like complete weights"),
        (lambda: mr.Survey(FRAME.assign(**{f"rw{r}": FRAME[f"rw{r}"] / 10 for r in range(8)}), weights="w",
                           replicates=replicates.JK1("rw*")), "look like factors"),
        (lambda: given(rscales=[1.0] * 7), "one per replicate"),
        (lambda: given(scale=-1.0), "zero or more"),
        (lambda: design().with_replicates(replicates.JK1()), "JKn"),
        (lambda: design().with_replicates(replicates.BRR()), "two PSUs in every stratum"),
        (lambda: design().with_replicates(replicates.RaoWu(100)), "needs rng="),
        (lambda: design().with_replicates(replicates.JKn(), rng=RNG), "would change nothing"),
        (lambda: design().with_replicates(replicates.JKn("rw*", rscales=[1.0] * 8)), "columns, rscales"),
        (lambda: design().with_replicates(replicates.BRR(scale=1.0)), "with scale"),
        (lambda: design().where("g == 1").with_replicates(replicates.JKn()), "not to a subpopulation"),
        (lambda: design().with_replicates(replicates.JKn()).with_replicates(replicates.JKn()), "already"),
        (lambda: design(fpc="N").with_replicates(replicates.Bootstrap(number=9), rng=RNG), "finite population"),
        (lambda: design(psu=["p", "y"], fpc=["N", "N"]).with_replicates(replicates.JKn()), "lower stages"),
        (lambda: mr.Survey(FRAME[:-8], weights="w", strata="h", psu="p", lonely_psu="centre")
         .with_replicates(replicates.JKn()), "centre"),
        (lambda: mr.Survey(FRAME[:-4], weights="w", strata="h", psu="p")
         .with_replicates(replicates.Bootstrap(number=9), rng=RNG), "different corrections"),
        (lambda: replicates.BRR("rw*", fay=1.0), "below 1"),
        (lambda: replicates.RaoWu(1), "two or more"),
        (lambda: replicates.Bootstrap("rw*", number=500), "are counted"),
        (lambda: replicates.Bootstrap("rw*", average=0), "bootstrap samples"),
    ],
)  # fmt: skip
def test_what_cannot_be_right_is_refused_with_a_remedy(make, says):
    with pytest.raises(DesignError, match=says) as raised:
        make()
    assert raised.value.remedy


@pytest.mark.parametrize(
    ("kind", "foreign"),
    [("JK1", {"fay": 0.5}), ("JKn", {"rho": 0.5}), ("BRR", {"rho": 0.3}), ("Fay", {"fay": 0.3}),
     ("Fay", {"average": 2}), ("JK2", {"number": 5}), ("RaoWu", {"scale": 1.0}),
     ("RaoWu", {"columns": "x*"}), ("SuccessiveDifference", {"fay": 0.5})],
)  # fmt: skip
def test_a_type_cannot_hold_another_types_parameters(kind, foreign):
    with pytest.raises(TypeError, match=next(iter(foreign))):
        getattr(replicates, kind)(**foreign)


def test_types_are_frozen():
    with pytest.raises(AttributeError):
        replicates.BRR("rw*").fay = 0.3  # type: ignore[misc]


def test_a_step_that_fails_in_a_replicate_is_named_with_it():
    frame = FRAME.assign(only=np.where(np.arange(36) < 4, 1, 2))
    survey = mr.Survey(frame, weights="w", strata="h", psu="p")
    weighted = survey.weighting.poststratify({"only": {1: 50.0, 2: 400.0}}).apply()
    with pytest.raises(DesignError, match=r"In replicate 1 a weighting step .*Poststratify") as raised:
        weighted.with_replicates(replicates.JKn())
    assert "fay" in raised.value.remedy


def test_row_weights_say_what_memory_they_take_and_are_refused_beyond_it(monkeypatch):
    from masar_research.weighting import replicates as room

    trimmed = design().weighting.trim(upper=50.0).apply()
    made = trimmed.with_replicates(replicates.JKn())
    assert made.design.replicates.facts["kept_as"].startswith("weights of every row (0 MB)")
    monkeypatch.setattr(room, "_MOST_MEMORY", 1000)
    with pytest.raises(DesignError, match=r"Trim cannot be kept as factors per cell"):
        trimmed.with_replicates(replicates.JKn())


def test_a_history_that_no_longer_gives_the_weights_is_refused():
    weighted = design().weighting.poststratify({"g": {1: 200.0, 2: 160.0}}).apply()
    changed = weighted.with_columns({"g": np.tile([2, 1, 1], 12)})
    with pytest.raises(DesignError, match="do not give its weights"):
        changed.with_replicates(replicates.JKn())


def test_negative_replicate_weights_give_means_and_are_counted_but_fit_no_model():
    frame = FRAME.assign(rw0=FRAME["rw0"].where(FRAME.index > 0, -1.0))
    survey = given(frame)
    assert survey.mean("y").note["design"]["replicates"]["negative_weights"] == 1
    with pytest.raises(ModelError, match="negative"):
        survey.glm("y ~ C(g)")


def test_factors_of_rows_without_weight_are_no_matter():
    factors = {f"rw{r}": FRAME[f"rw{r}"] / 10 for r in range(8)}
    frame = FRAME.assign(w=np.where(np.arange(36) < 3, 0.0, 10.0), **factors)
    survey = given(frame, combined=False)
    alone = given(frame[3:].reset_index(drop=True), combined=False)
    for column in ("estimate", "std_error", "df", "n"):
        assert survey.mean("y").frame[column][0] == pytest.approx(alone.mean("y").frame[column][0])


def test_a_model_that_fails_in_a_replicate_says_in_which():
    frame = FRAME.assign(z=(FRAME["y"] > 5).astype(float), rare=np.where(np.arange(36) < 2, 1.0, 0.0))
    frame = frame.assign(z=frame["z"].where(frame.index > 1, [1.0, 0.0, *[np.nan] * 34]))
    frame = frame.assign(rw3=frame["rw3"].where(frame.index != 0, 0.0))
    with pytest.raises(MasarError, match="In replicate"):
        given(frame).logit("z ~ rare")


def test_the_note_states_every_choice():
    made = design().with_replicates(replicates.RaoWu(50, mse=True), rng=np.random.default_rng(1))
    note = made.mean("y").note
    facts = note["design"]["replicates"]
    assert (facts["kind"], facts["number"], facts["resampled"]) == ("RaoWu", 50, "n_h − 1 of n_h")
    assert facts["centre"] == "estimate (mse)" and facts["scale"] == pytest.approx(1 / 49)
    assert note["df"] == "PSUs minus strata with answers in the domain, at most R − 1"
    assert made.mean("y").frame["df"][0] == 6
    few = design().with_replicates(replicates.RaoWu(5), rng=np.random.default_rng(1))
    assert few.mean("y").frame["df"][0] == 4 == few.design.df
    producer = given(scale=0.3).mean("y").note
    assert producer["design"]["replicates"]["scale_from"] == "the producer"
    assert producer["df"] == "rank of the replicate weights − 1"
    margins = given().glm("y ~ C(g)").margins("g").note
    assert margins["replicates"] == "of the linear approximation, not of a new fit each"


def test_a_survey_shows_its_replicates():
    assert "8 JK1 replicates" in given()._repr_html_()
    made = design().with_replicates(replicates.JKn())
    assert "9 JKn replicates" in made._repr_html_()
    assert "9 JKn replicates" in repr(made)
    assert given().design.describe()["psus"] is None


def test_the_callers_data_stay_as_they_were():
    before = FRAME.copy(deep=True)
    survey = given()
    survey.mean("y", by="g")
    survey.glm("y ~ C(g)")
    pd.testing.assert_frame_equal(FRAME, before)
