"""Selection among unsorted rows gives what the sort of all of them gives, whatever is sampled."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from masar_research import engine
from masar_research.engine import ordering, quantiles
from masar_research.errors import EstimationError

STEPS = tuple(quantiles.STEPS)
NUMBERS = st.sampled_from([-0.0, 0.0, 1.0, 1.5, 2.0, -3.0, 5e-324, 1e-300, -1e300, 1e308]) | st.floats(
    -1e6, 1e6, allow_nan=False
)
SHARES = (0.0, 0.1, 1 / 3, 0.5, 0.9, 1.0, np.nan)


def full(values, weights, codes, k):
    counts = np.array([len(values)]) if codes is None else np.bincount(codes, minlength=k)
    return ordering.arrange(values, weights, codes, counts, ties=False)


@st.composite
def rows(draw):
    n = draw(st.integers(1, 60))
    values = np.array(draw(st.lists(NUMBERS, min_size=n, max_size=n)))
    few = st.sampled_from([0.1, 0.3, 1.0, 1.0, 2.0, 700.0])
    weights = np.array(draw(st.lists(few, min_size=n, max_size=n)))
    k = draw(st.integers(1, 4))
    codes = np.array(draw(st.lists(st.integers(0, k - 1), min_size=n, max_size=n)))
    sampled = np.array(draw(st.lists(st.booleans(), min_size=n, max_size=n)))
    return values, weights, None if k == 1 else codes, k, sampled


@settings(max_examples=50, deadline=None)
@given(rows())
def test_selected_quantiles_are_the_sorted_ones_whatever_rows_are_sampled(drawn):
    values, weights, codes, k, sampled = drawn
    chosen = ordering.select(values, weights, codes, k)
    poor = full(values[sampled], weights[sampled], None if codes is None else codes[sampled], k)
    for selection in (chosen, replace(chosen, sample=poor)):
        everybody = full(values, weights, codes, k)
        assert (selection.flat() == everybody.flat()).all()
        assert selection.whole == pytest.approx(everybody.whole, rel=1e-14)
        for p in (*SHARES, float(everybody.cumulated[len(values) // 2] / everybody.whole.max())):
            for rule in STEPS:
                found = quantiles.invert(selection, min(p, 1.0), rule)
                assert found.tobytes() == quantiles.invert(everybody, min(p, 1.0), rule).tobytes()


def columns(rng, n):
    income = np.exp(rng.normal(6, 1.5, n))
    return {
        "continuous": income,
        "heaped": np.round(income, -2),
        "half zeros": np.where(rng.random(n) < 0.5, 0.0, income),
        "codes": rng.integers(1, 6, n).astype(float),
        "by value": np.sort(income),
        "falling": np.sort(income)[::-1].copy(),
        "huge range": np.exp(rng.normal(0, 150, n)) * rng.choice([-1.0, 1.0], n),
        "missing": np.where(rng.random(n) < 0.2, np.nan, income),
        "one value": np.full(n, 7.0),
        "a wave of 32": np.where(np.arange(n) % 32 == 0, -1.0, income),
    }


@pytest.mark.parametrize("domains", [1, 24])
def test_many_rows_give_the_bits_of_the_sort(monkeypatch, domains):
    rng = np.random.default_rng(11)
    n = ordering.SELECT_FROM * 2
    psu = rng.integers(0, 200, n)
    weights = rng.uniform(1, 500, n)
    weights[rng.random(n) < 0.05] = 0.0
    design = engine.declare(weights, strata=psu // 10, psu=psu)
    # The last domain is small, the one before it empty.
    domain = np.where(np.arange(n) < 9, domains - 1, rng.integers(-1, max(domains - 2, 1), n))
    asked = {"domain": domain, "n_domains": domains} if domains > 1 else {}
    asked["mask"] = rng.random(n) < 0.9
    for what, y in columns(rng, n).items():
        answers = []
        for least in (ordering.SELECT_FROM, n + 1):
            monkeypatch.setattr(quantiles, "SELECT_FROM", least)
            ordered = quantiles.order(design, y, ties=False, **asked)
            assert isinstance(ordered, ordering.Selection) == (least < n), what
            for p, rule in ((0.5, "school"), (0.1, "math"), (0.97, "school")):
                found = quantiles.quantile(
                    design, y, ordered, p, rule=rule, interval="woodruff", level=0.95, **asked
                )
                answers.append((found.result.estimate, found.low, found.high, found.result.totals))
        half = len(answers) // 2
        for selected, sorted_ in zip(answers[:half], answers[half:], strict=True):
            for one, other in zip(selected, sorted_, strict=True):
                assert one.tobytes() == other.tobytes(), what


def test_a_zero_has_no_sign():
    ordered = full(np.array([-0.0, 0.0, -0.0]), np.ones(3), None, 1)
    assert not np.signbit(quantiles.invert(ordered, 0.5, "math")[0])


def test_interpolating_rules_want_every_row_in_order():
    y = np.arange(float(ordering.SELECT_FROM))
    design = engine.declare(np.ones(len(y)))
    with pytest.raises(EstimationError, match="ties=True"):
        quantiles.invert(quantiles.order(design, y, ties=False), 0.5, "hf7")
    assert isinstance(quantiles.order(design, y), ordering.Ordered)


def test_infinite_outcomes_are_refused_before_anything_is_selected():
    y = np.arange(float(ordering.SELECT_FROM))
    y[5] = np.inf
    with pytest.raises(EstimationError, match="infinite"):
        quantiles.order(engine.declare(np.ones(len(y))), y, ties=False)
