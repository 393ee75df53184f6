"""Scoring asks for sums that add: the answers of parts of the rows are those of all rows."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from masar_research.engine import scoring
from masar_research.engine.glm import fit
from masar_research.engine.scoring import Evaluate, Linked, Move


def data(family: str, n: int = 120):
    rng = np.random.default_rng(6)
    X = np.column_stack([np.ones(n), rng.normal(size=n), rng.integers(0, 2, n)])
    y = rng.poisson(1.0, n).astype(float) if family == "poisson" else rng.integers(0, 2, n).astype(float)
    y = rng.gamma(2.0, size=n) if family == "gamma" else y
    return X, y, rng.gamma(2.0, size=n)


@pytest.mark.parametrize("family", scoring.FAMILIES)
@settings(max_examples=8, deadline=None)
@given(cut=st.integers(1, 119))
def test_answers_of_two_parts_merge_to_that_of_the_whole(family, cut):
    X, y, w = data(family)
    offset = np.linspace(-0.2, 0.2, y.size)
    for question in (Evaluate(np.array([0.1, -0.2, 0.3])), Linked(), Move(np.array([1.0, 2.0, -1.0]))):
        whole, first, second = (
            scoring.of_block(question, X[rows], y[rows], w[rows], offset[rows], family)
            for rows in (slice(None), slice(cut), slice(cut, None))
        )
        merged = first.merge(second)
        for name in whole.__dataclass_fields__:
            np.testing.assert_allclose(getattr(merged, name), getattr(whole, name), rtol=1e-12)


@pytest.mark.parametrize("family", scoring.FAMILIES)
def test_the_loop_driven_by_parts_ends_where_fit_does(family):
    X, y, w = data(family)
    known = fit(X, y, w, family=family)
    parts = [slice(0, 50), slice(50, 51), slice(51, 120)]

    def answer(question):
        told = [scoring.of_block(question, X[p], y[p], w[p], None, family) for p in parts]
        return told[0].merge(told[1]).merge(told[2])

    solved = scoring.drive(scoring.iterate(family, ["a", "b", "c"]), answer)
    np.testing.assert_allclose(solved.coef, known.coef, rtol=1e-12)
    np.testing.assert_allclose(solved.bread(), known.bread, rtol=1e-10)
    assert solved.passes == known.iterations


def test_an_empty_part_adds_nothing():
    X, y, w = data("binomial")
    none = slice(0, 0)
    for question in (Evaluate(np.zeros(3)), Linked(), Move(np.ones(3))):
        whole = scoring.of_block(question, X, y, w, None, "binomial")
        merged = scoring.of_block(question, X[none], y[none], w[none], None, "binomial").merge(whole)
        for name in whole.__dataclass_fields__:
            np.testing.assert_array_equal(getattr(merged, name), getattr(whole, name))


def test_a_very_skewed_predictor_is_not_taken_for_separation():
    """Far rows are predicted surely, and the others still settle a finite maximum."""
    rng = np.random.default_rng(0)
    found = 0
    for _ in range(60):
        x = np.exp(rng.normal(0.0, 2.5, 60))
        y = (rng.random(60) < 1 / (1 + np.exp(-(x - 1) * rng.uniform(0.2, 3)))).astype(float)
        apart = x[y == 1].min() > x[y == 0].max()
        design = np.column_stack([np.ones(60), x])
        if apart:
            with pytest.raises(scoring.SeparationError):
                fit(design, y, np.ones(60))
            continue
        found += abs(fit(design, y, np.ones(60)).eta).max() > 12
    assert found > 40
