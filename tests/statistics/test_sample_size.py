"""Sample sizes: published examples, R's power.prop.test, simulation, identities."""

import math

import numpy as np
import pytest

import masar_research as mr
from masar_research.errors import ParameterError
from masar_research.statistics import sample_size as plan

#: Level at which z is 2, as the older textbooks have it.
TWO = math.erf(2 / math.sqrt(2))


def test_cochran_and_lohr():
    """Cochran (1977), 4.4: p near 0.5, ± 5 points, 1 in 20: 400, of 3,200 islanders 356. Lohr (2010), example
    2.11: ± 3 points of 1,251 recipes: 1,067 and 576."""
    assert plan.proportion(0.5, 0.05, level=TWO).complete == 400
    assert plan.proportion(0.5, 0.05, level=TWO, population=3200).complete == 356
    lohr = plan.proportion(0.5, 0.03, population=1251)
    assert round(lohr.steps["value"].iloc[0]) == 1067 and lohr.complete == 576


@pytest.mark.parametrize("rse, net, households", [(0.12, 544, 587), (0.11, 648, 699), (0.10, 784, 846), (0.05, 3136, 3382)])
def test_the_dhs_sampling_manual(rse, net, households):
    """ICF (2012), table for p = 0.2, deft 1.4, response 0.96 × 0.92, 1.05 persons per household.

    The manual rounds the first figure to the nearest, so the second may be one below ours."""
    margin = 1.959963985 * rse * 0.2
    found = plan.proportion(0.2, margin, deff=1.4**2, response=0.96 * 0.92, per_household=1.05)
    assert round(found.steps["value"].iloc[1]) == net
    assert households <= found.households <= households + 1


def test_silent_error_22_order_of_design_effect_population_and_response():
    """The design effect multiplies before the finite population divides, and response comes last.

    A town of 2,000, ± 3 points, deff 5, response one half. Had response been taken before the finite
    population, or the population before the design effect, the sample would be wrong by up to 5 ×."""
    found = plan.proportion(0.5, 0.03, deff=5, population=2000, response=0.5)
    n0 = 5 * 1.959963985**2 * 0.25 / 0.03**2
    assert found.complete == math.ceil(n0 / (1 + n0 / 2000)) == 1455
    assert found.invited == 2 * found.complete
    assert found.steps["step"].tolist() == ["srs", "deff", "population", "complete", "invited"]
    variance = 5 * 0.25 / found.complete * (1 - found.complete / 2000)
    assert 1.959963985 * math.sqrt(variance) == pytest.approx(0.03, rel=1e-3)
    population_first = 5 * (n0 / 5) / (1 + n0 / 5 / 2000)
    assert population_first > 2000 > found.complete


def test_precision_of_one_share_table():
    """Margins in points of p = 0.5: n and design effect → published table."""
    table = {50: (13.9, 17.0, 19.6, 24.0), 100: (9.8, 12.0, 13.9, 17.0), 400: (4.9, 6.0, 6.9, 8.5),
             900: (3.3, 4.0, 4.6, 5.7), 2400: (2.0, 2.4, 2.8, 3.5)}
    for n, row in table.items():
        for deff, points in zip((1, 1.5, 2, 3), row, strict=True):
            wide = plan.proportion(0.5, (points + 0.051) / 100, deff=deff).complete
            narrow = plan.proportion(0.5, (points - 0.051) / 100, deff=deff).complete
            assert wide <= n <= narrow


@pytest.mark.parametrize("n, row", [(200, (12.3, 14.1, 17.2, 19.8)), (600, (7.1, 8.2, 9.9, 11.4)),
                                    (1200, (5.0, 5.8, 7.0, 8.1)), (2400, (3.5, 4.1, 5.0, 5.7))])
def test_smallest_detectable_change_table(n, row):
    found = [100 * plan.detectable_change(p, n, deff=d) for p in (0.15, 0.5) for d in (1.5, 2)]
    np.testing.assert_allclose(found, row, atol=0.051)


@pytest.mark.parametrize("clusters, row", [
    (20, ((0.32, 0.28), (0.37, 0.34), (0.41, 0.38), (0.50, 0.48))),
    (60, ((0.18, 0.16), (0.21, 0.19), (0.23, 0.21), (0.28, 0.27))),
    (120, ((0.13, 0.11), (0.14, 0.13), (0.16, 0.15), (0.20, 0.19))),
])  # fmt: skip
def test_smallest_effect_of_clusters_in_two_arms_table(clusters, row):
    for rho, pair in zip((0.01, 0.03, 0.05, 0.10), row, strict=True):
        found = [plan.detectable_effect(clusters, 20, rho, r_squared=r) for r in (0, 0.3)]
        np.testing.assert_allclose(found, pair, atol=0.0061)


def test_a_share_in_two_arms_of_clusters_table():
    """15 persons per cluster, worst case: points of K = 40 and 80."""
    found = [100 * plan.detectable_effect(k, 15, rho, sd=0.5) for k in (40, 80) for rho in (0.02, 0.05, 0.10)]
    np.testing.assert_allclose(found, (13.3, 15.3, 18.2, 9.3, 10.7, 12.7), atol=0.06)


@pytest.mark.parametrize("p, power, n", [((0.5, 0.75), 0.9, 76.70693), ((0.15, 0.2), 0.8, 905.36578)])
def test_pooled_variance_is_power_prop_test_of_r(p, power, n):
    """R 4.2: power.prop.test(p1 = .50, p2 = .75, power = .90) and (p1 = .15, p2 = .20, power = .80), per group."""
    found = plan.difference(p, power=power, null="pooled")
    assert found.steps["value"].iloc[1] / 2 == pytest.approx(n, rel=1e-5) and found.complete == math.ceil(2 * n)


def test_power_is_that_of_simulated_waves():
    rng = np.random.default_rng(3)
    n, p = 900, (0.15, 0.20)
    a, b = (rng.binomial(n, share, 20_000) / n for share in p)
    z = (a - b) / np.sqrt(a * (1 - a) / n + b * (1 - b) / n)
    assert np.mean(np.abs(z) > 1.959964) == pytest.approx(plan.power_of(p, n), abs=0.012)
    needed = plan.difference(p, power=0.9).complete
    assert plan.power_of(p, needed / 2) == pytest.approx(0.9, abs=0.002)


def test_a_panel_needs_fewer_and_the_variance_is_that_of_common_persons():
    apart = plan.difference((0.4, 0.5)).complete
    panel = plan.difference((0.4, 0.5), overlap=0.5, correlation=0.6).complete
    assert panel < apart * 0.75
    rng = np.random.default_rng(4)
    n, common = 400, 200
    shared = rng.normal(size=(5000, common, 1)) * math.sqrt(0.6) + rng.normal(size=(5000, common, 2)) * math.sqrt(0.4)
    one = (shared[:, :, 0].sum(1) + rng.normal(size=(5000, n - common)).sum(1)) / n
    two = (shared[:, :, 1].sum(1) + rng.normal(size=(5000, n - common)).sum(1)) / n
    spread = plan._spread(1.0, 1.0, (1.0, 1.0), 0.5, 0.5, 0.6) / (2 * n)
    assert np.var(one - two) == pytest.approx(spread, rel=0.06)


def test_design_effects_and_the_best_take():
    for take, rho in ((12, 0.03), (25, 0.1)):
        assert plan.rho_of(plan.design_effect(take, rho, weights_cv=0.4), take, weights_cv=0.4) == pytest.approx(rho)
    assert plan.design_effect(20, 0.05, take_cv=0.5) == pytest.approx(1 + (1.25 * 20 - 1) * 0.05)
    table = plan.best_take(300, 20, 0.04, 60_000, takes=range(2, 80))
    best = table.loc[table["best"], "take"].iloc[0]
    assert abs(best - math.sqrt(15 * 0.96 / 0.04)) <= 2
    assert (table["cost"] <= 60_000).all()


def test_identities():
    assert plan.mean(0.5, 0.03, deff=2, population=5000).complete == plan.proportion(0.5, 0.03, deff=2, population=5000).complete
    sizes = [plan.proportion(0.3, 0.04, population=N).complete for N in (100, 1000, 10_000, 10**9)]
    assert sizes == sorted(sizes) and sizes[0] <= 100
    assert sizes[-1] == plan.proportion(0.3, 0.04).complete
    found = plan.proportion(0.5, 0.03, deff=plan.design_effect(15, 0.04), take=15)
    assert found.clusters == math.ceil(found.complete / 15)


def test_it_is_said_in_both_languages_and_bad_figures_are_refused():
    found = mr.sample_size.proportion(0.5, 0.03, deff=1.6, population=40_000, response=0.7, per_household=1.2, take=12)
    assert "Households to visit" in repr(found) and "أسر تُزار" in found.table("ar") and "عناقيد" in found._repr_html_()
    for call in (lambda: plan.proportion(15, 0.03), lambda: plan.proportion(0.5, 0), lambda: plan.proportion(0.5, 0.03, response=0),
                 lambda: plan.proportion(0.5, 0.03, response=70), lambda: plan.difference((0.2, 0.2)),
                 lambda: plan.detectable_effect(2, 20, 0.1), lambda: plan.design_effect(0.5, 0.1),
                 lambda: plan.best_take(100, 10, 0.05, 50), lambda: plan.difference((0.2, 0.3), null="both"),
                 lambda: plan.proportion(0.5, 0.03, population=0.5), lambda: plan.difference((0.2, 0.3), overlap=2)):
        with pytest.raises(ParameterError) as caught:
            call()
        assert caught.value.remedy and any("ء" <= c <= "ي" for c in caught.value.ar)
