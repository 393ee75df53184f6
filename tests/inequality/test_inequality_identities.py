"""Inequality measures by hand, by identity, and by perturbing the weights of one PSU."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import masar_research as mr
from masar_research.engine import declare
from masar_research.engine import inequality as measures
from masar_research.engine.functional import functional
from masar_research.errors import EstimationError


def sample(n: int = 300, seed: int = 3) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    psu = rng.integers(0, 24, n)
    return pd.DataFrame(
        {
            "w": rng.uniform(1, 5, n), "h": psu % 4, "p": psu, "sex": rng.integers(1, 3, n) * 1.0,
            "income": np.exp(rng.normal(5, 0.6, n) + rng.normal(0, 0.3, 24)[psu]),
        }
    )  # fmt: skip


def survey_of(frame: pd.DataFrame) -> mr.Survey:
    return mr.Survey(frame, weights="w", strata="h", psu="p")


amounts = st.lists(st.floats(0.01, 1e4), min_size=2, max_size=30)


def value(y, w=None) -> float:
    y = np.asarray(y, dtype=float)
    return float(measures.gini(np.ones(len(y)) if w is None else np.asarray(w, float), y)[0])


def test_gini_by_hand():
    assert value([1, 2, 3]) == pytest.approx(2 / 9)  # pairs: (1 + 2 + 1) · 2 / (2 · 9 · 2)
    assert value([0, 0, 0, 8]) == pytest.approx(0.75)
    assert value([4, 4, 4]) == 0
    assert value([1, 3], [3, 1]) == pytest.approx(value([1, 1, 1, 3]))


def test_gini_of_equal_incomes_has_no_error_either():
    frame = sample().assign(income=7.5)
    row = survey_of(frame).gini("income").frame.iloc[0]
    assert row["estimate"] == 0 and row["std_error"] == pytest.approx(0, abs=1e-12)


@settings(max_examples=60, deadline=None)
@given(amounts, st.floats(0.01, 1000))
def test_gini_is_scale_invariant_and_additions_shrink_it(y, factor):
    assert value(np.array(y) * factor) == pytest.approx(value(y), abs=1e-9)
    mean = np.mean(y)
    assert value(np.array(y) + mean) == pytest.approx(value(y) / 2, abs=1e-9)


@settings(max_examples=60, deadline=None)
@given(amounts, st.floats(0.05, 0.5))
def test_a_transfer_from_rich_to_poor_lowers_it(y, part):
    y = np.sort(np.array(y))
    gift = part * (y[-1] - y[0])
    after = y.copy()
    after[0] += gift
    after[-1] -= gift
    assert value(after) <= value(y) + 1e-12


@settings(max_examples=60, deadline=None)
@given(amounts)
def test_lorenz_is_convex_monotone_and_gini_is_one_less_twice_its_area(y):
    y = np.array(y)
    weights = np.linspace(1, 3, len(y))
    order = np.argsort(y, kind="stable")
    points = np.cumsum(weights[order]) / weights.sum()
    curve = np.r_[0.0, measures.lorenz(weights, y, points)[0]]
    at = np.r_[0.0, points]
    assert (np.diff(curve) >= -1e-12).all() and curve[-1] == pytest.approx(1)
    slopes = np.diff(curve) / np.diff(at)
    assert (np.diff(slopes) >= -1e-7).all()
    area = np.sum(np.diff(at) * (curve[1:] + curve[:-1]) / 2)
    assert value(y, weights) == pytest.approx(1 - 2 * area, abs=1e-10)


def test_quintile_ratio_is_of_lorenz_ordinates():
    survey = survey_of(sample())
    curve = survey.lorenz("income", shares=[0.2, 0.8]).frame["estimate"].to_numpy()
    ratio = survey.quintile_ratio("income").frame["estimate"].iloc[0]
    assert ratio == pytest.approx((1 - curve[1]) / curve[0], rel=1e-12)
    y = np.array([1.0, 2, 3, 4, 10])
    assert measures.share_ratio(np.ones(5), y, 0.2, 0.2)[0] == pytest.approx(10)


ANSWERS = {
    "gini": measures.gini,
    "lorenz": lambda w, y: measures.lorenz(w, y, np.array([0.37])),
    "s80s20": lambda w, y: measures.share_ratio(w, y, 0.2, 0.2),
}


@pytest.mark.parametrize("name", list(ANSWERS))
def test_unit_totals_are_derivatives_by_the_weights_of_a_psu(name):
    """Perturb one PSU's weights: the central difference is its influence total to 1e-6."""
    frame = sample()
    y, w = frame["income"].to_numpy(), frame["w"].to_numpy()
    design = declare(w, strata=frame["h"].to_numpy(), psu=frame["p"].to_numpy())
    totals = functional(design, [y], ANSWERS[name]).totals[:, 0]
    scale = np.abs(totals).max()
    for unit in range(design.n_units):
        inside = design.unit == unit
        h = 1e-5
        up, down = (
            float(np.squeeze(ANSWERS[name](w * (1 + s * h * inside), y)[0])) for s in (1, -1)
        )
        assert abs((up - down) / (2 * h) - totals[unit]) < 1e-6 * scale, unit


def test_rows_order_splitting_and_scale_of_weights_change_nothing():
    frame = sample()
    reference = survey_of(frame).gini("income", by="sex").frame
    shuffled = frame.sample(frac=1, random_state=1)
    split = pd.concat([frame.assign(w=frame["w"] / 2)] * 2, ignore_index=True)
    for other in (shuffled, split, frame.assign(w=frame["w"] * 1000)):
        found = survey_of(other).gini("income", by="sex").frame
        for column in ("estimate", "std_error", "df"):
            np.testing.assert_allclose(found[column], reference[column], rtol=1e-9)


def test_missing_amounts_are_zero_weighted_and_counted():
    frame = sample()
    frame.loc[:9, "income"] = np.nan
    survey = survey_of(frame)
    found = survey.gini("income")
    known = survey.where("not missing(income)").gini("income").frame.iloc[0]
    assert found.note["missing"] == 10 and found.frame["n"].iloc[0] == 290
    for column in ("estimate", "std_error", "df"):
        assert found.frame[column].iloc[0] == pytest.approx(known[column], rel=1e-12)
    curve = survey.lorenz("income")
    assert curve.note["missing"] == 10


def test_negative_amounts_are_flagged_in_both_languages():
    frame = sample()
    frame.loc[:4, "income"] *= -1
    note = survey_of(frame).gini("income").note
    assert note["negative"] == 5
    assert "5" in note["warning"]["en"] and "5" in note["warning"]["ar"]
    assert "warning" not in survey_of(sample()).gini("income").note


def test_amounts_without_a_positive_total_have_no_gini():
    frame = sample()
    frame.loc[frame["sex"] == 2, "income"] = 0.0
    found = survey_of(frame).gini("income", by="sex")
    rows = found.frame.set_index("sex")
    assert np.isnan(rows.loc[2, "estimate"]) and np.isnan(rows.loc[2, "std_error"])
    assert rows.loc[1, "std_error"] > 0
    assert np.isnan(found.vcov[1]).all() and np.isfinite(found.vcov[0, 0])


def test_an_empty_domain_harms_no_other():
    frame = sample()
    frame.loc[frame["sex"] == 2, "income"] = np.nan
    rows = survey_of(frame).gini("income", by="sex").frame.set_index("sex")
    assert rows.loc[2, "n"] == 0 and np.isnan(rows.loc[2, "estimate"])
    assert np.isfinite(rows.loc[1, "std_error"])


def test_shares_must_be_shares():
    survey = survey_of(sample())
    with pytest.raises(EstimationError, match="cumulative"):
        survey.lorenz("income", shares=[0.5, 1.5])
    with pytest.raises(EstimationError, match="part of the population"):
        survey.quintile_ratio("income", top=20)
