"""Logit draws with few events against the exact posterior on a grid; Pólya–Gamma variables against their moments."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from scipy.special import expit, log_expit

from masar_research.engine import imputation_draws as draws
from masar_research.engine.imputation_polya import polya_gamma

NONE = np.zeros(0, int)


@pytest.mark.parametrize("eta", [0.0, 0.3, -2.0, 6.0, 25.0])
def test_polya_gamma_has_its_moments_and_transform(eta):
    """E ω, var ω, and E exp(−ω t) = cosh(η/2) / cosh(√((η² + 2t)/ 4 · 1)) of PG(1, η)."""
    drawn = polya_gamma(np.full(60_000, eta), np.random.default_rng(3))
    a = abs(eta)
    mean = 0.25 if a == 0 else np.tanh(a / 2) / (2 * a)
    variance = 1 / 24 if a == 0 else (np.sinh(a) - a) / (4 * a**3 * np.cosh(a / 2) ** 2)
    assert abs(drawn.mean() - mean) < 4 * np.sqrt(variance / drawn.size)
    assert drawn.var() == pytest.approx(variance, rel=0.06)
    t = 2.0
    transform = np.cosh(a / 2) / np.cosh(np.sqrt((a**2 + 2 * t) / 4))
    seen = np.exp(-t * drawn)
    assert abs(seen.mean() - transform) < 4 * seen.std() / np.sqrt(drawn.size)


def rare(events, seed, n=200):
    """`events` ones among n, more likely where x is high."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n)
    y = np.zeros(n)
    y[np.argsort(-(x + rng.gumbel(size=n) * 1.2))[:events]] = 1.0
    return np.column_stack([np.ones(n), x]), y


def separated(n=60):
    x = np.linspace(-1, 1, n)
    return np.column_stack([np.ones(n), x]), (x > 0.6).astype(float)


def exact(X, y, ahead):
    """Mean and quantiles of P(y = 1 | ahead) under the posterior, on a fine grid of both coefficients."""
    centre, size = X[:, 1].mean(), X[:, 1].std()
    z = (X[:, 1] - centre) / size
    a, b = np.meshgrid(np.linspace(-24, 6, 300), np.linspace(-5, 12, 240), indexing="ij")
    like = -0.5 * (a / draws.CONSTANT) ** 2 - 0.5 * (b / draws.PRIOR) ** 2
    for one, answer in zip(z, y, strict=True):
        like += log_expit((a + b * one) if answer else -(a + b * one))
    mass = np.exp(like - like.max()).ravel()
    mass /= mass.sum()
    out = []
    for point in ahead:
        chance = expit(a + b * (point[1] - centre) / size).ravel()
        order = np.argsort(chance)
        at = np.searchsorted(np.cumsum(mass[order]), [0.1, 0.5, 0.9])
        out.append([mass @ chance, *chance[order][at]])
    return np.array(out)


def problem(X, y, ahead):
    return draws.Problem(X, y, ahead, NONE, NONE, 0, np.zeros(len(ahead)))


def chain(X, y, ahead, times, seed):
    """(times, q) chances from short chains, as an imputation runs them: three rounds each."""
    rng, out = np.random.default_rng(seed), []
    for _ in range(times):
        state = draws.State()
        for _ in range(3):
            eta = draws.logit_draw(problem(X, y, ahead), state, rng)
        out.append(expit(eta))
    return np.array(out)


@pytest.mark.parametrize(("name", "X", "y"), [("5 of 200", *rare(5, 1)), ("15 of 200", *rare(15, 2)), ("separated", *separated())])
def test_few_events_are_drawn_from_the_exact_posterior(name, X, y):
    ahead = np.array([[1.0, X[:, 1].mean()], [1.0, X[:, 1].max()], [1.0, 0.5]])
    told, found = exact(X, y, ahead), chain(X, y, ahead, 400, 4)
    for q in range(3):
        away = found[:, q].std() / np.sqrt(len(found))
        assert abs(found[:, q].mean() - told[q, 0]) < 4 * away + 1e-6, (name, q)
        below = (found[:, q][:, None] <= told[q, 1:]).mean(0)
        assert (np.abs(below - [0.1, 0.5, 0.9]) < 4 * np.sqrt(0.25 / len(found)) * np.array([0.6, 1, 0.6])).all(), (name, q, below)


def test_the_normal_approximation_would_be_wrong_there():
    """Five events of 200: about the mode the mean chance is a tenth too high; sharpness of the test above."""
    X, y = rare(5, 1)
    ahead = np.array([[1.0, X[:, 1].mean()]])
    s = draws.scaled(X, ahead)
    mode = draws.logit_mode(s.X, problem(X, y, ahead), 0.1, np.array([draws.CONSTANT**-2.0, draws.PRIOR**-2.0]))
    rng = np.random.default_rng(1)
    normal = np.array([expit(s.ahead @ mode.draw(rng)[0])[0] for _ in range(4000)])
    told = exact(X, y, ahead)[0]
    assert normal.mean() > 1.1 * told[0]
    assert abs((normal <= told[1]).mean() - 0.1) > 0.03


def test_a_constant_alone_is_a_beta():
    """With the constant's wide prior the chance is nearly Beta(s, n − s): its mean s/n, no more."""
    y = np.r_[np.ones(6), np.zeros(194)]
    X = np.ones((200, 1))
    found = chain(X, y, X[:1], 900, 8)[:, 0]
    assert abs(found.mean() - 0.03) < 4 * stats.beta(6, 194).std() / np.sqrt(900) + 3e-4
    assert found.std() == pytest.approx(stats.beta(6, 194).std(), rel=0.1)


def test_intercepts_of_units_and_their_variance_against_quadrature():
    """Constant and τ drawn with unit intercepts; the chance of a new unit's answer integrated over both."""
    rng = np.random.default_rng(11)
    sizes, hits = rng.integers(2, 7, 14), []
    b = rng.normal(0, 1.2, 14)
    hits = rng.binomial(sizes, expit(-0.8 + b))
    unit = np.repeat(np.arange(14), sizes)
    y = np.concatenate([np.r_[np.ones(h), np.zeros(n - h)] for n, h in zip(sizes, hits, strict=True)])
    at, mass = np.polynomial.hermite_e.hermegauss(60)
    mass = mass / mass.sum()
    a, tau = np.meshgrid(np.linspace(-7, 5, 160), np.linspace(0.005, np.sqrt(10), 160), indexing="ij")
    eta = a[..., None] + tau[..., None] * at
    like = -0.5 * (a / draws.CONSTANT) ** 2
    for n, h in zip(sizes, hits, strict=True):
        like += np.log(np.exp(h * log_expit(eta) + (n - h) * log_expit(-eta)) @ mass)
    post = np.exp(like - like.max())
    post /= post.sum()
    told_a, told_tau = (post * a).sum(), (post * tau).sum()
    X, one = np.ones((unit.size, 1)), draws.State()
    case = draws.Problem(X, y, X[:1], unit, unit[:1], 14, np.zeros(1))
    seen = []
    for _ in range(2000):
        draws.logit_draw(case, one, rng)
        seen.append((one.coef[0], np.sqrt(one.tau2)))
    found = np.array(seen[100:])
    assert found[:, 0].mean() == pytest.approx(told_a, abs=0.12)
    assert found[:, 1].mean() == pytest.approx(told_tau, rel=0.12)


def shares(chance):
    above = np.cumprod(1 - chance, axis=0)
    return -np.diff(above, axis=0, prepend=1.0, append=0.0)


@pytest.mark.parametrize("category", [0, 2, 3])
def test_a_named_answer_s_odds_are_multiplied_and_the_rest_keep_their_proportions(category):
    chance = np.random.default_rng(2).uniform(0.05, 0.9, (3, 40))
    shift = np.full(40, np.log(3.0))
    before, after = shares(chance), shares(draws.moved(chance, shift, category))
    np.testing.assert_allclose(after.sum(0), 1, rtol=1e-12)
    odds = lambda p: p / (1 - p)  # noqa: E731
    np.testing.assert_allclose(odds(after[category]), 3 * odds(before[category]), rtol=1e-9)
    rest = [k for k in range(4) if k != category]
    np.testing.assert_allclose(after[rest] / after[rest].sum(0), before[rest] / before[rest].sum(0), rtol=1e-9)


def test_every_cumulative_logit_is_shifted_alike():
    chance = np.random.default_rng(2).uniform(0.05, 0.9, (4, 40))
    before, after = shares(chance), shares(draws.moved(chance, np.full(40, -1.3), -1))
    logit = lambda p: np.log(p / (1 - p))  # noqa: E731
    for k in range(1, 5):
        np.testing.assert_allclose(logit(after[k:].sum(0)), logit(before[k:].sum(0)) - 1.3, rtol=1e-7, atol=1e-8)
    assert draws.moved(chance, np.zeros(40), -1) is chance


def test_certain_answers_stay_certain_and_huge_departures_stay_chances():
    chance = np.array([[0.0, 1.0, 0.3], [1.0, 0.5, 0.0]])
    for category in (-1, 0, 1, 2):
        for size in (-800.0, -2.0, 2.0, 800.0):
            with np.errstate(all="raise", under="ignore"):
                got = draws.moved(chance, np.full(3, size), category)
            assert ((got >= 0) & (got <= 1)).all() and np.isfinite(got).all()
            assert shares(got)[1, 0] == pytest.approx(1.0) and shares(got)[0, 1] == pytest.approx(1.0)
