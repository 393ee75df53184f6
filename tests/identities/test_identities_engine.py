"""One quantity, several ways to it: all must give the same estimate and the same standard error.

In the manner of the tests/domain.R and tests/rakecheck.R of R's survey package.
"""

from __future__ import annotations

import numpy as np
import pytest

from masar_research import engine
from masar_research.engine import calibration, contrasts


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(11)
    n, strata, psus = 600, 6, 5
    stratum = rng.integers(0, strata, n)
    psu = rng.integers(0, psus, n)
    block = rng.normal(0, 3, (strata, psus))[stratum, psu]
    return {
        "w": rng.uniform(2, 12, n),
        "stratum": stratum,
        "psu": psu,
        "sex": rng.integers(0, 2, n),
        "region": stratum // 2,
        "age": rng.integers(0, 4, n),
        "y": 20 + block + 3 * (stratum // 2) + rng.normal(0, 5, n),
        "x": rng.uniform(10, 30, n),
    }


@pytest.fixture(scope="module", params=["with replacement", "fpc", "two stages", "raked"])
def design(data, request):
    options = {"strata": data["stratum"], "psu": data["psu"]}
    if request.param == "fpc":
        options["fpc"] = np.full(600, 12)
    if request.param == "two stages":
        household = np.arange(600) // 3
        options |= {
            "psu": [data["psu"], household],
            "fpc": [np.full(600, 12), np.full(600, 80)],
            "lonely_psu": "centre",
        }
    declared = engine.declare(data["w"], **options)
    if request.param == "raked":
        raked = calibration.rake(
            data["w"],
            [
                (data["sex"], np.array([2100.0, 1900])),
                (data["age"], np.array([1200.0, 1100, 900, 800])),
            ],
        )
        declared = declared.reweight(raked.weights, raked.calibration)
    return declared


def error(design, result):
    return np.sqrt(np.maximum(np.diag(engine.covariance(design, result.totals)), 0))


def agree(design, a, b, rtol=1e-9):
    np.testing.assert_allclose(a.estimate, b.estimate, rtol=rtol)
    np.testing.assert_allclose(error(design, a), error(design, b), rtol=rtol)


def test_domain_mean_is_a_ratio_of_totals_and_a_masked_mean(design, data):
    region = data["region"]
    by = engine.mean(design, data["y"], domain=region, n_domains=3)
    inside = (region[:, None] == np.arange(3)).astype(float)
    for d in range(3):
        masked = engine.mean(design, data["y"], mask=region == d)
        quotient = engine.ratio(design, data["y"] * inside[:, d], inside[:, d])
        missing = engine.mean(design, np.where(region == d, data["y"], np.nan))
        for other in (masked, quotient, missing):
            assert by.estimate[d] == pytest.approx(other.estimate[0], rel=1e-12)
            assert error(design, by)[d] == pytest.approx(error(design, other)[0], rel=1e-9)


def test_domain_means_are_regression_coefficients(design, data):
    """Saturated weighted least squares, its influence through the general door."""
    region = data["region"]
    X = (region[:, None] == np.arange(3)).astype(float)
    w = design.weights
    bread = np.linalg.inv(X.T @ (X * w[:, None]))
    beta = bread @ (X.T @ (w * data["y"]))
    scores = (X * (data["y"] - X @ beta)[:, None]) @ bread
    fitted = engine.linearize(design, beta, scores)
    by = engine.mean(design, data["y"], domain=region, n_domains=3)
    agree(design, fitted, by)
    np.testing.assert_allclose(
        engine.covariance(design, fitted.totals),
        engine.covariance(design, by.totals),
        rtol=1e-7,
        atol=1e-12,
    )


def test_domain_mean_is_the_delta_method_on_two_totals(design, data):
    region = data["region"]
    totals = engine.stack(
        engine.total(design, data["y"], domain=region, n_domains=3),
        engine.count(design, domain=region, n_domains=3),
    )
    by = engine.mean(design, data["y"], domain=region, n_domains=3)
    vcov = engine.covariance(design, totals.totals)
    smooth = contrasts.delta(lambda t: t[:3] / t[3:], totals.estimate, vcov, design.df)
    np.testing.assert_allclose(smooth.estimate, by.estimate, rtol=1e-12)
    np.testing.assert_allclose(smooth.std_error, error(design, by), rtol=1e-6)
    size = totals.estimate[3:]
    jacobian = np.hstack([np.diag(1 / size), np.diag(-by.estimate / size)])
    agree(design, engine.transform(totals, by.estimate, jacobian), by)


def test_domain_totals_add_up_with_their_covariance(design, data):
    parts = engine.total(design, data["y"], domain=data["region"], n_domains=3)
    whole = engine.total(design, data["y"])
    added = contrasts.linear(
        [1, 1, 1], parts.estimate, engine.covariance(design, parts.totals), design.df
    )
    assert added.estimate[0] == pytest.approx(whole.estimate[0], rel=1e-12)
    assert added.std_error[0] == pytest.approx(error(design, whole)[0], rel=1e-9)


def test_shares_are_means_of_indicators_and_add_to_one(design, data):
    shares = engine.proportion(design, data["age"], 4, domain=data["region"], n_domains=3)
    vcov = engine.covariance(design, shares.totals)
    for d in range(3):
        block = slice(4 * d, 4 * d + 4)
        assert shares.estimate[block].sum() == pytest.approx(1, rel=1e-12)
        assert vcov[block, block].sum() == pytest.approx(0, abs=1e-12)
        for k in range(4):
            indicator = engine.mean(
                design, (data["age"] == k).astype(float), mask=data["region"] == d
            )
            assert shares.estimate[4 * d + k] == pytest.approx(indicator.estimate[0], rel=1e-12)
            assert error(design, shares)[4 * d + k] == pytest.approx(
                error(design, indicator)[0], rel=1e-9
            )
            assert shares.srs_variance[4 * d + k] == pytest.approx(
                indicator.srs_variance[0], rel=1e-9
            )


def test_a_count_is_the_total_of_ones(design, data):
    count = engine.count(design, domain=data["sex"], n_domains=2)
    ones = engine.total(design, np.ones(600), domain=data["sex"], n_domains=2)
    np.testing.assert_allclose(count.estimate, ones.estimate, rtol=1e-12)
    np.testing.assert_allclose(count.totals, ones.totals, atol=1e-9)
    np.testing.assert_allclose(count.srs_variance, ones.srs_variance, rtol=1e-9)


def test_a_mean_is_the_ratio_to_ones(design, data):
    a = engine.mean(design, data["y"], domain=data["sex"], n_domains=2)
    b = engine.ratio(design, data["y"], np.ones(600), domain=data["sex"], n_domains=2)
    agree(design, a, b)
    np.testing.assert_allclose(a.srs_variance, b.srs_variance, rtol=1e-9)


def test_shifting_and_scaling_the_outcome_moves_mean_and_error_with_it(design, data):
    a, b = engine.mean(design, data["y"]), engine.mean(design, 1000 - 3 * data["y"])
    assert b.estimate[0] == pytest.approx(1000 - 3 * a.estimate[0], rel=1e-12)
    assert error(design, b)[0] == pytest.approx(3 * error(design, a)[0], rel=1e-9)
    assert b.srs_variance[0] == pytest.approx(9 * a.srs_variance[0], rel=1e-9)


def test_a_stack_holds_the_covariance_between_variables(design, data):
    """Var(ȳ + x̄) from the stack is that of the mean of y + x."""
    both = engine.stack(engine.mean(design, data["y"]), engine.mean(design, data["x"]))
    added = contrasts.linear(
        [1, 1], both.estimate, engine.covariance(design, both.totals), design.df
    )
    whole = engine.mean(design, data["y"] + data["x"])
    assert added.std_error[0] == pytest.approx(error(design, whole)[0], rel=1e-9)


def test_a_raked_margin_has_no_sampling_error(data):
    declared = engine.declare(data["w"], strata=data["stratum"], psu=data["psu"])
    targets = np.array([2100.0, 1900])
    raked = calibration.rake(data["w"], [(data["sex"], targets)])
    weighted = declared.reweight(raked.weights, raked.calibration)
    margin = engine.count(weighted, domain=data["sex"], n_domains=2)
    np.testing.assert_allclose(margin.estimate, targets, rtol=1e-9)
    assert error(weighted, margin).max() < 1e-6
    assert error(declared, engine.count(declared, domain=data["sex"], n_domains=2)).min() > 1


def jackknife(declared, data, statistic):
    """Delete one PSU at a time, reweight its stratum, rake again: JKn on the raked estimate."""
    variance = 0.0
    for h in range(6):
        psus = sorted(set(data["psu"][data["stratum"] == h].tolist()))
        n = len(psus)
        estimates = []
        for left_out in psus:
            weights = data["w"].copy()
            inside = data["stratum"] == h
            weights[inside] *= np.where(data["psu"][inside] == left_out, 0.0, n / (n - 1))
            estimates.append(statistic(weights))
        estimates = np.array(estimates)
        variance += (n - 1) / n * np.sum((estimates - estimates.mean()) ** 2)
    return variance


def test_silent_error_16_linearised_variance_follows_the_calibration(data):
    """Linearised ≈ jackknife that rakes every replicate again; ignoring the raking is far off."""
    y = data["y"] + 9 * data["sex"] + 4 * data["age"]
    margins = [
        (data["sex"], np.array([2100.0, 1900])),
        (data["age"], np.array([1200.0, 1100, 900, 800])),
    ]
    declared = engine.declare(data["w"], strata=data["stratum"], psu=data["psu"])
    raked = calibration.rake(data["w"], margins)
    weighted = declared.reweight(raked.weights, raked.calibration)
    naive = declared.reweight(raked.weights)

    def raked_mean(weights):
        return np.average(y, weights=calibration.rake(weights, margins).weights)

    replicate = jackknife(declared, data, raked_mean)
    linear = error(weighted, engine.mean(weighted, y))[0] ** 2
    ignoring = error(naive, engine.mean(naive, y))[0] ** 2
    assert linear == pytest.approx(replicate, rel=0.05)
    assert ignoring > 1.2 * replicate


def test_doubled_data_in_the_same_psus_change_no_standard_error(data):
    """R's tests/doubled-data: rows entered twice, clusters as they were."""
    once = engine.declare(data["w"], strata=data["stratum"], psu=data["psu"])
    twice = engine.declare(
        np.tile(data["w"], 2), strata=np.tile(data["stratum"], 2), psu=np.tile(data["psu"], 2)
    )
    a = engine.mean(once, data["y"], domain=data["region"], n_domains=3)
    b = engine.mean(twice, np.tile(data["y"], 2), domain=np.tile(data["region"], 2), n_domains=3)
    np.testing.assert_allclose(a.estimate, b.estimate, rtol=1e-12)
    np.testing.assert_allclose(error(once, a), error(twice, b), rtol=1e-10)
    assert (a.df == b.df).all()
