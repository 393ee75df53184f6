"""Sums of several columns in one walk: the same as one by one, whatever the blocks and threads."""

from __future__ import annotations

import concurrent.futures

import numpy as np
import pandas as pd
import pytest

from masar_research import Survey, engine
from masar_research.engine import abreast, cells, linearized
from masar_research.errors import EstimationError

N = 2 * abreast._ALONE + 12_345  # a thread for each half
LONG = 2 * abreast._BLOCK + 12_345  # several blocks in each half


def sample(rng, n=N, units=300, ordered=False):
    unit = rng.integers(0, units, n)
    unit = np.sort(unit) if ordered else unit
    return unit, rng.uniform(1, 9, n), rng.integers(0, 7, n)


@pytest.mark.parametrize("ordered", [False, True], ids=["rows in any order", "rows by unit"])
@pytest.mark.parametrize("n", [1, 2, 500, abreast._ALONE + 1, N, LONG])
@pytest.mark.parametrize("domains", [False, True], ids=["everybody", "domains"])
def test_sums_are_those_of_exact_arithmetic_within_rounding(n, ordered, domains):
    rng = np.random.default_rng(n)
    unit, w, domain = sample(rng, n, 300, ordered)
    columns = [rng.normal(size=n), np.exp(rng.normal(3, 2, n)), rng.integers(0, 2, n) * 1.0]
    cell, k = (domain, 7) if domains else (None, 1)
    found = abreast.moments(unit, 300, cell, k, w, columns)
    place = unit * k + (domain if domains else 0)
    within = domain if domains else np.zeros(n, dtype=int)
    for y, sums, square in zip(columns, found.sums, found.squares, strict=True):
        exact = np.zeros(300 * k, dtype=np.longdouble)
        np.add.at(exact, place, (w * y).astype(np.longdouble))
        scale = np.bincount(place, np.abs(w * y), 300 * k)
        assert np.all(np.abs(sums.ravel() - exact) <= 1e-13 * scale)
        both = np.zeros(k, dtype=np.longdouble)
        np.add.at(both, within, (w * y * y).astype(np.longdouble))
        assert square == pytest.approx(both.astype(float), rel=1e-12)
    assert found.missing == (None, None, None)
    again = abreast.sums(unit, 300, cell, k, w, [*columns, None])
    assert again[:3].tobytes() == found.sums.tobytes()
    assert again[3].ravel() == pytest.approx(np.bincount(place, w, 300 * k), rel=1e-12)


@pytest.mark.parametrize("ordered", [False, True], ids=["rows in any order", "rows by unit"])
@pytest.mark.parametrize("n", [1, 500, N, LONG])
@pytest.mark.parametrize("domains", [False, True], ids=["everybody", "domains"])
@pytest.mark.parametrize("where", ["everywhere", "first", "last", "all"])
def test_missing_values_are_left_out_and_what_they_leave_out_is_told(n, ordered, domains, where):
    rng = np.random.default_rng(n)
    unit, w, domain = sample(rng, n, 300, ordered)
    w[rng.random(n) < 0.2] = 0.0
    gone = rng.random(n) < 0.1 if where == "everywhere" else np.full(n, where == "all")
    gone[{"first": slice(0, 3), "last": slice(n - 3, n)}.get(where, slice(0, 0))] = True
    column = np.where(gone, np.nan, rng.normal(3, 1, n))
    cell, k = (domain, 7) if domains else (None, 1)
    whole = rng.normal(size=n)
    found = abreast.moments(unit, 300, cell, k, w, [whole, column, None])
    assert found.missing[0] is None
    assert found.missing[2] is None
    if not gone.any():
        assert found.missing[1] is None
        return
    kept, filled, within = np.where(gone, 0.0, w), np.where(gone, 0.0, column), domain * domains
    place = unit * k + within
    for got, of in ((found.sums[1], kept * filled), (found.missing[1].observed, kept), (found.sums[2], w)):
        assert got.ravel() == pytest.approx(np.bincount(place, of, 300 * k), rel=1e-11, abs=1e-12)
    assert found.squares[1] == pytest.approx(np.bincount(within, kept * filled**2, k), rel=1e-11)
    assert found.missing[1].n.tolist() == np.bincount(within, gone & (w > 0), k).tolist()
    assert found.missing[1].weight == pytest.approx(np.bincount(within, np.where(gone, w, 0.0), k), rel=1e-11)
    # Cells without an answer have no weight, not the rounding of a difference.
    assert not found.missing[1].observed.ravel()[np.bincount(place, kept, 300 * k) == 0].any()


@pytest.mark.parametrize("calibrated", [False, True], ids=["weights given", "weights raked"])
@pytest.mark.parametrize("n", [600, N])
def test_a_mean_with_missing_values_is_that_of_a_design_without_these_rows(n, calibrated):
    rng = np.random.default_rng(n + 1)
    unit, w, domain = sample(rng, n, 40)
    margin = rng.integers(0, 3, n)
    column = np.where(rng.random(n) < 0.3, np.nan, rng.normal(50 + domain, 4, n))
    frame = pd.DataFrame({"w": w, "u": unit, "d": domain, "m": margin, "y": column, "z": rng.normal(size=n)})
    survey = Survey(frame, weights="w", psu="u")
    if calibrated:
        total = w.sum()
        survey = survey.weighting.rake({"m": {0: 0.3 * total, 1: 0.3 * total, 2: 0.4 * total}}).apply()
    by = survey.mean(["z", "y"], by="d")
    answered = survey.where("not missing(y)").mean("y", by="d")
    for field in ("estimate", "std_error", "n", "df", "deff", "conf_low"):
        mine = by.frame.loc[by.frame["variable"] == "y", field].to_numpy()
        assert mine == pytest.approx(answered.frame[field].to_numpy(), rel=1e-9)
    lost = by.frame.loc[by.frame["variable"] == "y", "n_missing"].to_numpy()
    assert lost.tolist() == np.bincount(domain, np.isnan(column), 7).tolist()


def test_infinite_outcomes_are_refused_beside_missing_ones_too():
    rng = np.random.default_rng(8)
    w, y = rng.uniform(1, 9, 900), rng.normal(5, 1, 900)
    design = engine.declare(w)
    with pytest.raises(EstimationError, match="infinite"):
        linearized.mean(design, np.where(np.arange(900) == 7, np.inf, y))
    with pytest.raises(EstimationError, match="infinite"):
        linearized.mean(design, np.where(np.arange(900) < 7, [np.inf, np.nan] * 450, y))


@pytest.mark.parametrize("ordered", [False, True])
@pytest.mark.parametrize("domains", [False, True])
def test_a_mean_has_the_same_bits_alone_and_among_ten(ordered, domains):
    rng = np.random.default_rng(4)
    unit, w, domain = sample(rng, ordered=ordered)
    design = engine.declare(w, psu=unit)
    columns = [rng.normal(j, 1 + j, N) for j in range(10)]
    columns[3] = np.where(rng.random(N) < 0.1, np.nan, columns[3])
    asked = {"domain": domain, "n_domains": 7} if domains else {}
    together = linearized.means(design, columns, **asked)
    for y, one in zip(columns, together, strict=True):
        alone = linearized.mean(design, y, **asked)
        for field in ("estimate", "totals", "srs_variance", "n", "n_missing", "df"):
            assert getattr(alone, field).tobytes() == getattr(one, field).tobytes()


def test_silent_error_11_two_threads_and_one_give_the_same_bits(monkeypatch):
    class AtOnce:
        """An executor that runs what it is given before it returns."""

        def __init__(self, _workers):
            used.append(True)

        def __enter__(self):
            return self

        def __exit__(self, *_):
            return False

        def submit(self, task, *arguments):
            done = concurrent.futures.Future()
            done.set_result(task(*arguments))
            return done

    rng = np.random.default_rng(5)
    unit, w, domain = sample(rng)
    columns = [rng.normal(size=N) for _ in range(3)]
    used: list[bool] = []
    two = abreast.moments(unit, 300, domain, 7, w, columns)
    monkeypatch.setattr(concurrent.futures, "ThreadPoolExecutor", AtOnce)
    one = abreast.moments(unit, 300, domain, 7, w, columns)
    assert used == [True]
    assert two.sums.tobytes() == one.sums.tobytes()
    assert two.squares.tobytes() == one.squares.tobytes()


@pytest.mark.parametrize("shift", [0.0, 3.0, 2026.0, 1e6, 1e150])
def test_the_reference_variance_keeps_its_digits_far_from_zero(shift):
    rng = np.random.default_rng(6)
    y = shift + rng.integers(-3, 4, 4_000).astype(float) * max(shift * 1e-9, 1.0)
    w = rng.uniform(1, 9, 4_000)
    found = linearized.mean(engine.declare(w), y)
    rows, _ = cells.select(engine.declare(w), (), domain=None, n_domains=1, mask=None)
    about = cells.squares(rows, y, found.estimate)
    expected = about / w.sum() / (len(y) - 1)
    assert found.srs_variance == pytest.approx(expected, rel=1e-12)


def test_nobody_in_a_domain_leaves_the_others_as_they_are():
    rng = np.random.default_rng(7)
    w, y, domain = rng.uniform(1, 9, 900), rng.normal(5, 1, 900), rng.integers(0, 3, 900)
    design = engine.declare(w)
    with_empty = linearized.mean(design, y, domain=domain, n_domains=4)
    without = linearized.mean(design, y, domain=domain, n_domains=3)
    assert np.isnan(with_empty.estimate[3])
    assert np.isnan(with_empty.srs_variance[3])
    assert with_empty.srs_variance[:3].tobytes() == without.srs_variance.tobytes()
