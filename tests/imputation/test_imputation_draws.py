"""Draws: the linear model's against its closed form, matching against brute force, logits against their fit."""

from __future__ import annotations

import numpy as np
import pytest

from masar_research.engine import glm
from masar_research.engine import imputation_draws as draws

NONE = np.zeros(0, int)


def problem(X, y, ahead, unit=NONE, unit_ahead=NONE, n_units=0, shift=0.0):
    return draws.Problem(X, y, ahead, unit, unit_ahead, n_units, np.full(len(ahead), shift))


def regression(n=60, seed=5):
    rng = np.random.default_rng(seed)
    X = np.column_stack([np.ones(n), rng.normal(2, 3, n), rng.integers(0, 2, n)])
    return X, X @ [1.0, 0.5, -1.0] + rng.normal(size=n), np.array([[1.0, 4.0, 1.0], [1.0, -6.0, 0.0]]), rng


def test_linear_draws_have_the_moments_of_their_predictive_distribution():
    """Student t on n − p df: mean x'β̂, variance s²(1 + x'(X'X)⁻¹x)(n − p)/(n − p − 2)."""
    X, y, ahead, rng = regression()
    drawn = np.array([draws.linear(problem(X, y, ahead), draws.State(), rng) for _ in range(3000)])
    beta = np.linalg.lstsq(X, y, rcond=None)[0]
    left = len(y) - 3
    s2 = ((y - X @ beta) ** 2).sum() / left
    lever = np.einsum("ij,jk,ik->i", ahead, np.linalg.inv(X.T @ X), ahead)
    expected = s2 * (1 + lever) * left / (left - 2)
    np.testing.assert_allclose(drawn.mean(0), ahead @ beta, atol=4 * np.sqrt(expected.max() / 3000))
    np.testing.assert_allclose(drawn.var(0), expected, rtol=0.12)


def test_unit_intercepts_are_drawn_as_by_the_whole_matrix():
    rng = np.random.default_rng(2)
    unit = rng.integers(0, 6, 80)
    X = np.column_stack([np.ones(80), rng.normal(size=80)])
    y, w = rng.normal(size=80), rng.uniform(0.5, 2, 80)
    found = draws.posterior(X, y, w, unit, 7, 0.4, np.array([0.1, 0.2]))
    whole = np.hstack([X, np.eye(7)[unit]])
    A = whole.T @ (whole * w[:, None]) + np.diag([0.1, 0.2, *[1 / 0.4] * 7])
    np.testing.assert_allclose(np.r_[found.coef, found.effects], np.linalg.solve(A, whole.T @ (w * y)), rtol=1e-10, atol=1e-12)
    many = np.array([np.concatenate(found.draw(rng)) for _ in range(20000)])
    np.testing.assert_allclose(np.cov(many.T), np.linalg.inv(A), atol=0.02)


def test_the_variance_of_unit_intercepts_is_recovered():
    rng = np.random.default_rng(8)
    unit = np.repeat(np.arange(100), 10)
    b = rng.normal(0, 0.8, 100)
    X = np.column_stack([np.ones(1000), rng.normal(size=1000)])
    y = X @ [1.0, 2.0] + b[unit] + rng.normal(0, 1.5, 1000)
    state, taus, sigmas = draws.State(), [], []
    for _ in range(150):
        draws.linear(problem(X, y, X[:3], unit, unit[:3], 100), state, rng)
        taus.append(state.tau2)
        sigmas.append(state.sigma2)
    assert np.mean(taus[20:]) == pytest.approx(b.var(), rel=0.3)
    assert np.mean(sigmas[20:]) == pytest.approx(2.25, rel=0.1)


def test_donors_are_the_nearest_by_brute_force():
    rng = np.random.default_rng(3)
    lent, wanted = np.round(rng.normal(size=70), 1), np.round(rng.normal(size=30) * 1.5, 1)
    for k in (1, 3, 5, 100):
        for _ in range(20):
            got = np.abs(lent[draws.nearest(lent, wanted, k, rng)] - wanted)
            worst = np.sort(np.abs(lent[None] - wanted[:, None]), axis=1)[:, min(k, 70) - 1]
            assert (got <= worst + 1e-12).all()


def test_every_one_of_equal_donors_is_taken():
    rng = np.random.default_rng(4)
    taken = {int(draws.nearest(np.zeros(12), np.zeros(1), 5, rng)[0]) for _ in range(600)}
    assert taken == set(range(12))


def test_matching_lends_answers_only_and_shifts_them():
    X, y, ahead, rng = regression()
    assert set(draws.matched(problem(X, y, ahead), draws.State(), rng, 5)) <= set(y)
    assert set(draws.matched(problem(X, y, ahead, shift=7.0), draws.State(), rng, 5)) <= set(y + 7.0)


def test_logit_draws_centre_on_the_fitted_chances():
    rng = np.random.default_rng(6)
    X = np.column_stack([np.ones(900), rng.normal(size=900)])
    y = (rng.random(900) < 1 / (1 + np.exp(-(0.4 + X[:, 1])))).astype(float)
    ahead = np.array([[1.0, 0.0], [1.0, 1.5]])
    eta = np.array([draws.logit_draw(problem(X, y, ahead), draws.State(), rng) for _ in range(800)])
    fit = glm.fit(X, y, np.ones(900))
    np.testing.assert_allclose(eta.mean(0), ahead @ fit.coef, atol=0.03)
    np.testing.assert_allclose(eta.var(0), np.einsum("ij,jk,ik->i", ahead, fit.bread, ahead), rtol=0.16)


def test_perfect_separation_has_an_answer_and_is_remembered():
    x = np.linspace(-1, 1, 40)
    X, state = np.column_stack([np.ones(40), x]), draws.State()
    drawn = draws.logit(problem(X, (x > 0).astype(float), X), state, np.random.default_rng(1))
    assert state.separated and set(drawn) == {0.0, 1.0}


@pytest.mark.parametrize("kind", ["ordered", "multinomial"])
def test_categories_come_in_their_shares(kind):
    rng = np.random.default_rng(9)
    y = rng.choice(4, 1500, p=[0.1, 0.4, 0.3, 0.2]).astype(float)
    X, ahead = np.ones((1500, 1)), np.ones((4000, 1))
    states = [draws.State() for _ in range(3)]
    if kind == "ordered":
        got = draws.ordered(problem(X, y, ahead), 4, states[0], rng)
    else:
        got = draws.multinomial(problem(X, y, ahead), 4, states, rng)
    np.testing.assert_allclose(np.bincount(got.astype(int), minlength=4) / 4000, np.bincount(y.astype(int)) / 1500, atol=0.05)


def test_columns_that_others_imply_are_left_out():
    X, y, ahead, rng = regression()
    twice = np.column_stack([X, X[:, 1] * 2 + 1, np.ones(60)])
    s = draws.scaled(twice, twice[:2])
    assert list(s.kept) == [0, 1, 2]
