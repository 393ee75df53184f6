"""Calibration by every distance: published table, identities, soft targets, households, other surveys."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

import masar_research as mr
from masar_research import replicates
from masar_research.engine.auxiliary import Calibrated
from masar_research.engine.calibrating import Numbers, Softness, calibrate
from masar_research.engine.calibration import rake
from masar_research.engine.design import declare
from masar_research.engine.distances import Distance
from masar_research.engine.infeasibility import UnmetTargets
from masar_research.engine.linearized import mean, total
from masar_research.engine.variance import covariance
from masar_research.errors import DesignError, WeightingError

SAMPLE = np.array([[20, 50, 100, 30], [40, 140, 50, 100], [40, 310, 50, 70]])
POPULATION = np.array([[80, 60, 170, 55], [40, 150, 60, 165], [55, 340, 200, 125]])


@pytest.mark.parametrize(
    ("distance", "published"),
    [
        (Distance("raking"), [[1.81, 1.45, 2.02], [1.08, 0.87, 1.21], [2.20, 1.76, 2.45], [1.83, 1.47, 2.04]]),
        (Distance("linear"), [[1.82, 1.50, 1.97], [1.09, 0.78, 1.24], [2.19, 1.88, 2.34], [1.83, 1.52, 1.98]]),
        (Distance("logit", 0.5, 2.2), [[1.87, 1.46, 1.98], [1.08, 0.74, 1.27], [2.17, 2.09, 2.18], [1.89, 1.49, 1.99]]),
        (Distance("linear", 0.5, 2.2), [[1.81, 1.48, 1.99], [1.08, 0.75, 1.26], [2.20, 2.00, 2.20], [1.83, 1.50, 2.00]]),
    ],
)  # fmt: skip
def test_kalton_and_flores_cervantes(distance, published):
    b, a = (np.repeat(v.ravel(), SAMPLE.ravel()) for v in np.indices(SAMPLE.shape))
    done = calibrate(np.ones(a.size), [(a, POPULATION.sum(0)), (b, POPULATION.sum(1))], distance=distance)
    cells = [[done.weights[(a == i) & (b == j)].mean() for j in range(3)] for i in range(4)]
    np.testing.assert_array_equal(np.round(cells, 2), published)


# --- identities ------------------------------------------------------------------------

DISTANCES = [Distance("linear"), Distance("raking"), Distance("logit", 0.2, 4.0), Distance("linear", 0.3, 3.0),
             Distance("raking", 0.3, 3.0)]  # fmt: skip


def drawn(seed, n=400):
    rng = np.random.default_rng(seed)
    codes = [np.r_[np.arange(k), rng.integers(0, k, n - k)] for k in (4, 2)]
    weights = rng.uniform(0.5, 3.0, n)
    truth = weights * rng.uniform(0.85, 1.15, n) * (1 + 0.1 * codes[1])
    x = rng.gamma(4.0, 2.0, (n, 2))
    margins = [(c, np.bincount(c, truth, k)) for c, k in zip(codes, (4, 2), strict=True)]
    return rng, weights, margins, Numbers(x, truth @ x, ("income", "land"))


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000), which=st.integers(0, len(DISTANCES) - 1))
def test_totals_are_met_and_order_and_scale_do_not_matter(seed, which):
    rng, weights, margins, numbers = drawn(seed)
    distance = DISTANCES[which]
    done = calibrate(weights, margins, numbers, distance=distance)
    for codes, targets in margins:
        np.testing.assert_allclose(np.bincount(codes, done.weights), targets, rtol=1e-8)
    np.testing.assert_allclose(done.weights @ numbers.matrix, numbers.totals, rtol=1e-8)
    assert (done.g >= np.min(distance.low) - 1e-12).all() and (done.g <= np.max(distance.high) + 1e-12).all()
    order = rng.permutation(weights.size)
    again = calibrate(
        weights[order], [(c[order], t) for c, t in margins[::-1]],
        Numbers(numbers.matrix[order][:, ::-1] * 1000, numbers.totals[::-1] * 1000), distance=distance)
    np.testing.assert_allclose(again.weights, done.weights[order], rtol=1e-6)
    twice = calibrate(np.tile(weights, 2), [(np.tile(c, 2), 2 * t) for c, t in margins],
                      Numbers(np.tile(numbers.matrix, (2, 1)), 2 * numbers.totals), distance=distance)
    np.testing.assert_allclose(twice.weights, np.tile(done.weights, 2), rtol=1e-6)


def test_shuffled_categories_give_the_same_weights():
    rng, weights, margins, _ = drawn(1)
    plain = calibrate(weights, margins, distance=Distance("logit", 0.2, 4.0)).weights
    order = rng.permutation(4)
    (codes, targets), other = margins
    shuffled = (np.argsort(order)[codes], targets[order])
    np.testing.assert_allclose(
        calibrate(weights, [shuffled, other], distance=Distance("logit", 0.2, 4.0)).weights, plain, rtol=1e-8)


def test_raking_is_calibration_with_the_raking_distance():
    _, weights, margins, _ = drawn(2)
    np.testing.assert_allclose(calibrate(weights, margins, distance=Distance("raking")).weights,
                               rake(weights, margins, tol=1e-13).weights, rtol=1e-9)


def test_linear_calibration_is_the_regression_estimator():
    rng, weights, margins, numbers = drawn(3)
    y = rng.normal(size=weights.size) + numbers.matrix[:, 0]
    done = calibrate(weights, margins, numbers)
    x = np.column_stack([np.eye(4)[margins[0][0]], np.eye(2)[margins[1][0]][:, 1], numbers.matrix])
    targets = np.r_[margins[0][1], margins[1][1][1], numbers.totals]
    slope = np.linalg.solve(x.T @ (x * weights[:, None]), x.T @ (weights * y))
    assert done.weights @ y == pytest.approx(weights @ y + (targets - weights @ x) @ slope, rel=1e-10)


def test_collinear_auxiliaries_change_nothing():
    _, weights, margins, numbers = drawn(4)
    more = Numbers(np.column_stack([numbers.matrix, numbers.matrix.sum(axis=1), np.ones(400)]),
                   np.r_[numbers.totals, numbers.totals.sum(), margins[0][1].sum()])
    for distance in DISTANCES:
        np.testing.assert_allclose(calibrate(weights, margins, more, distance=distance).weights,
                                   calibrate(weights, margins, numbers, distance=distance).weights, rtol=1e-6)


def test_derivatives_and_integrals_of_the_distances():
    u, h = np.linspace(-3, 3, 41) + 0.0123, 1e-6
    for distance in DISTANCES:
        rise = (distance.integral(u + h) - distance.integral(u - h)) / (2 * h)
        np.testing.assert_allclose(rise, distance.factor(u), rtol=1e-6, atol=1e-8)
        slope = (distance.factor(u + h) - distance.factor(u - h)) / (2 * h)
        np.testing.assert_allclose(slope, distance.slope(u), rtol=1e-5, atol=1e-7)
        assert distance.factor(np.zeros(1))[0] == pytest.approx(1.0)
        assert distance.integral(np.zeros(1))[0] == pytest.approx(0.0, abs=1e-15)


def variance_of(design, done, y):
    made = design.reweight(done.weights, done.calibration)
    return covariance(made, mean(made, y).totals)[0, 0]


def test_mixed_auxiliaries_have_the_variance_of_one_dense_matrix():
    rng, weights, margins, numbers = drawn(5)
    design = declare(weights, psu=rng.integers(0, 60, weights.size))
    y = numbers.matrix[:, 0] + rng.normal(size=weights.size)
    mixed = calibrate(weights, margins, numbers, distance=Distance("raking"))
    dense = calibrate(weights, (), Numbers(
        np.column_stack([np.eye(4)[margins[0][0]], np.eye(2)[margins[1][0]], numbers.matrix]),
        np.r_[margins[0][1], margins[1][1], numbers.totals]), distance=Distance("raking"))
    np.testing.assert_allclose(mixed.weights, dense.weights, rtol=1e-8)
    assert variance_of(design, mixed, y) == pytest.approx(variance_of(design, dense, y), rel=1e-8)


# --- soft targets ----------------------------------------------------------------------


def objective(weights, x, targets, cost):
    """Mean squared change of weights plus what the gaps cost, minimised over g by brute force."""
    def value(g):
        gap = (weights * g) @ x / targets - 1
        return 0.5 * weights @ (g - 1) ** 2 / weights.sum() + 0.5 * cost @ gap**2
    return minimize(value, np.ones(weights.size), method="BFGS", options={"gtol": 1e-10, "maxiter": 2000}).x


def test_costs_are_the_penalised_minimum():
    rng = np.random.default_rng(6)
    weights, x = rng.uniform(1, 2, 15), rng.uniform(1, 3, (15, 2))
    targets, cost = weights @ x * np.array([1.1, 0.95]), np.array([0.5, 3.0])
    soft = Softness(np.zeros(2), cost)
    done = calibrate(weights, (), Numbers(x, targets), softness=soft)
    np.testing.assert_allclose(done.g, objective(weights, x, targets, cost), rtol=1e-4)
    dear = calibrate(weights, (), Numbers(x, targets), softness=Softness(np.zeros(2), np.full(2, 1e9)))
    np.testing.assert_allclose(dear.weights, calibrate(weights, (), Numbers(x, targets)).weights, rtol=1e-5)


@pytest.mark.parametrize("distance", DISTANCES)
def test_tolerances_are_kept_and_used(distance):
    _, weights, margins, numbers = drawn(7)
    numbers = Numbers(numbers.matrix, numbers.totals * 1.06, numbers.names)
    targets = np.r_[margins[0][1], margins[1][1], numbers.totals]
    soft = Softness(np.r_[np.zeros(6), 0.02 * numbers.totals], np.full(8, np.inf))
    done = calibrate(weights, margins, numbers, distance=distance, softness=soft)
    gap = (done.weights @ numbers.matrix) / numbers.totals - 1
    assert (np.abs(gap) <= 0.02 * (1 + 1e-8)).all() and np.abs(gap).max() > 0.0195
    np.testing.assert_allclose(np.bincount(margins[0][0], done.weights), margins[0][1], rtol=1e-8)
    firm = calibrate(weights, margins, numbers, distance=distance)
    assert kish_n(done.weights) > kish_n(firm.weights)
    wide = calibrate(weights, margins, numbers, distance=distance,
                     softness=Softness(np.full(8, 1e3) * targets, np.full(8, np.inf)))
    np.testing.assert_allclose(wide.g, 1.0, atol=1e-4)


def kish_n(w):
    return w.sum() ** 2 / (w @ w)


def test_the_error_of_soft_weights_is_the_derivative_in_the_base_weights():
    rng, weights, margins, numbers = drawn(8)
    design = declare(weights, psu=np.arange(400) // 10)
    y = numbers.matrix[:, 0] ** 1.5
    soft = Softness(np.zeros(8), np.r_[np.full(6, np.inf), 0.3, 2.0])
    done = calibrate(weights, margins, numbers, softness=soft)
    made = design.reweight(done.weights, done.calibration)
    answer = total(made, y)
    # The derivative has w = g d where the residual's regression has d: they agree where g = 1.
    near = calibrate(weights, [(c, np.bincount(c, weights, t.size)) for c, t in margins],
                     Numbers(numbers.matrix, weights @ numbers.matrix), softness=soft)
    base = declare(weights, psu=np.arange(400) // 10).reweight(near.weights, near.calibration)
    for unit in (0, 11, 39):
        moved = []
        for h in (1e-5, -1e-5):
            d = weights * (1 + h * (design.unit == unit))
            again = calibrate(d, [(c, np.bincount(c, weights, t.size)) for c, t in margins],
                              Numbers(numbers.matrix, weights @ numbers.matrix), softness=soft)
            moved.append(again.weights @ y)
        assert (moved[0] - moved[1]) / 2e-5 == pytest.approx(total(base, y).totals[unit, 0], rel=1e-4, abs=1e-3)
    assert covariance(made, answer.totals)[0, 0] > 0


# --- households ------------------------------------------------------------------------


def household_frame(seed=9, households=250):
    rng = np.random.default_rng(seed)
    size = rng.integers(1, 7, households)
    home = np.repeat(np.arange(households), size)
    n = home.size
    frame = pd.DataFrame({
        "home": home + 1.0, "psu": home // 10, "w": rng.uniform(50, 150, households)[home],
        "sex": rng.integers(1, 3, n).astype(float), "age": rng.integers(0, 80, n).astype(float),
        "tenure": rng.integers(1, 3, households)[home].astype(float), "rooms": rng.integers(1, 6, households)[home].astype(float),
    })
    return frame, (~frame["home"].duplicated()).to_numpy()


@pytest.mark.parametrize(("method", "bounds"), [("linear", None), ("raking", None), ("logit", (0.3, 3.0))])
def test_one_weight_per_household_meets_persons_and_households(method, bounds):
    frame, first = household_frame()
    persons = frame["w"].sum()
    homes = frame["w"][first].sum()
    survey = mr.Survey(frame, weights="w", psu="psu")
    done = survey.weighting.calibrate(
        {"sex": {1: 0.5 * persons, 2: 0.5 * persons}, "age": 1.02 * (frame["w"] * frame["age"]).sum()},
        method=method, bounds=bounds, household="home",
        household_targets={"tenure": {1: 0.52 * homes, 2: 0.48 * homes}, "rooms": 3.05 * homes},
    ).apply()
    w = pd.Series(done.design.weights)
    assert w.groupby(frame["home"]).nunique().max() == 1
    assert w[frame["sex"] == 1].sum() == pytest.approx(0.5 * persons, rel=1e-8)
    assert (w * frame["age"]).sum() == pytest.approx(1.02 * (frame["w"] * frame["age"]).sum(), rel=1e-8)
    one = w[first]
    assert one[frame["tenure"][first] == 1].sum() == pytest.approx(0.52 * homes, rel=1e-8)
    assert (one * frame["rooms"][first]).sum() == pytest.approx(3.05 * homes, rel=1e-8)
    calibrated = done.count(by="sex").frame
    assert (calibrated["std_error"] < 1e-5 * calibrated["estimate"]).all()


def test_what_households_refuse():
    frame, _ = household_frame()
    build = lambda f: mr.Survey(f, weights="w", psu="psu").weighting  # noqa: E731
    people = {"sex": {1: 4e4, 2: 4e4}}
    refuses("weights differ within", lambda: build(frame.assign(w=np.linspace(1, 2, len(frame)))).calibrate(
        people, household="home").apply())
    refuses("sex differs among members", lambda: build(frame).calibrate(
        {"age": 3e6}, household="home", household_targets={"sex": {1: 1e4, 2: 1e4}}).apply())
    refuses("belong to no household", lambda: build(frame.assign(home=frame["home"].where(frame.index > 3))).calibrate(
        people, household="home").apply())
    refuses("without household=", lambda: build(frame).calibrate(people, household_targets={"tenure": {1: 1.0, 2: 1.0}}))


# --- another survey's estimates --------------------------------------------------------


@pytest.fixture
def pair():
    rng = np.random.default_rng(10)
    def one(n, psus):
        sex = rng.integers(1, 3, n).astype(float)
        x = rng.gamma(3, 10, n)
        return pd.DataFrame({"sex": sex, "x": x, "y": 2 * x + 5 * sex + rng.normal(0, 5, n), "w": 5000 / n,
                             "psu": rng.permutation(np.arange(n) % psus)})
    return (mr.Survey(one(600, 60), weights="w", psu="psu"), mr.Survey(one(1500, 100), weights="w", psu="psu"))


def test_totals_of_another_survey_bring_their_errors(pair):
    ours, theirs = pair
    count, total_x = theirs.count(by="sex"), theirs.total("x")
    known = ours.weighting.calibrate({"sex": dict(zip(count.frame["sex"], count.frame["estimate"], strict=True)),
                                      "x": float(total_x.frame["estimate"][0])}, method="linear").apply()
    done = ours.weighting.calibrate([total_x, count], method="linear", source=theirs).apply()
    np.testing.assert_allclose(done.design.weights, known.design.weights, rtol=1e-10)
    np.testing.assert_allclose(done.count(by="sex").vcov, count.vcov, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(done.total("x").frame["std_error"], total_x.frame["std_error"], rtol=1e-8)
    x = np.column_stack([np.eye(2)[ours.values("sex").astype(int) - 1], ours.values("x")])
    d = ours.design.weights
    slope = np.linalg.solve(x.T @ (x * d[:, None]), x.T @ (d * ours.values("y")))
    both = covariance(theirs.design, np.hstack([count.totals, total_x.totals]))
    apart = ours.weighting.calibrate([count, total_x], method="linear", source="independent").apply()
    assert apart.total("y").vcov[0, 0] != pytest.approx(done.total("y").vcov[0, 0], rel=1e-3)
    assert done.total("y").vcov[0, 0] == pytest.approx(known.total("y").vcov[0, 0] + slope @ both @ slope, rel=1e-8)
    gap = done.mean("y", by="sex").contrast("2 - 1").frame["std_error"][0]
    assert gap > known.mean("y", by="sex").contrast("2 - 1").frame["std_error"][0] - 1e-12


def test_replicates_move_the_targets_too(pair):
    ours, theirs = pair
    count = theirs.count(by="sex")
    done = ours.weighting.calibrate(count).apply()
    for kind in (replicates.JKn(), replicates.JK1()):
        made = done.with_replicates(kind)
        np.testing.assert_allclose(made.count(by="sex").frame["std_error"], count.frame["std_error"], rtol=1e-5)
        np.testing.assert_allclose(made.count(by="sex").vcov, count.vcov, rtol=1e-4, atol=1e-2 * count.vcov.max())
    few = mr.Survey(ours.frame.assign(psu=ours.frame["psu"] % 2), weights="w", psu="psu")
    with pytest.raises(DesignError, match="need at least 3 replicates"):
        few.weighting.calibrate([count, theirs.total("x")], source=theirs).apply().with_replicates(replicates.JK1())


def test_a_covariance_is_checked(pair):
    ours, theirs = pair
    targets = {"sex": {1: 2500.0, 2: 2500.0}}
    refuses("shape (3, 3)", lambda: ours.weighting.calibrate(targets, covariance=np.eye(3)))
    refuses("negative variance", lambda: ours.weighting.calibrate(targets, covariance=-np.eye(2)))
    refuses("are no targets", lambda: ours.weighting.calibrate(theirs.mean("x")))
    refuses("need the covariance between", lambda: ours.weighting.calibrate([theirs.count(by="sex"), theirs.total("x")]))
    refuses("goes with Estimates", lambda: ours.weighting.calibrate(targets, source=theirs))
    refuses("bring their covariance", lambda: ours.weighting.calibrate(theirs.count(by="sex"), covariance=np.eye(2)))
    refuses("cannot have a covariance", lambda: ours.weighting.calibrate(
        {"sex": {1: 0.5, 2: 0.5}}, covariance=np.eye(2), total="current"))
    shares = ours.weighting.calibrate({"sex": {1: 0.5, 2: 0.5}}, covariance=1e-4 * np.array([[1.0, -1], [-1, 1]]),
                                      total=5000.0).apply()
    assert shares.count(by="sex").frame["std_error"].tolist() == pytest.approx([50.0, 50.0], rel=1e-6)


# --- steps and replicates --------------------------------------------------------------


@pytest.mark.parametrize("settings_", [
    {"method": "raking"}, {"method": "logit", "bounds": (0.3, 3.0)}, {"method": "linear", "tolerance": {"sex": 0.01}},
    {"method": "linear", "cost": {"x": 5.0}},
])
def test_replicates_take_the_step_again_and_agree_with_the_linearised_error(pair, settings_):
    ours, _ = pair
    totals = {"sex": {1: 2450.0, 2: 2550.0}, "x": 1.01 * float(ours.design.weights @ ours.values("x"))}
    done = ours.weighting.calibrate(totals, **settings_).apply()
    jack = done.with_replicates(replicates.JK1())
    assert jack.total("y").frame["std_error"][0] == pytest.approx(done.total("y").frame["std_error"][0], rel=0.06)


def test_categories_alone_are_kept_as_factors_per_cell(pair):
    ours, _ = pair
    done = ours.weighting.calibrate({"sex": {1: 2450.0, 2: 2550.0}}, method="linear").apply()
    made = done.with_replicates(replicates.RaoWu(20), rng=np.random.default_rng(1))
    assert "per cell" in str(made.mean("y").note)
    assert (made.count(by="sex").frame["std_error"] < 1e-6).all()


def test_limits_hold_the_weights_themselves(pair):
    ours, _ = pair
    done = ours.weighting.calibrate({"sex": {1: 2400.0, 2: 2600.0}, "x": 1.2e5 * 1.3},
                                    limits=(7.5, 10.0)).apply()
    w = done.design.weights
    assert w.min() >= 7.5 - 1e-9 and w.max() == pytest.approx(10.0)
    assert w @ ours.values("x") == pytest.approx(1.56e5, rel=1e-8)


def test_every_wave_meets_the_targets_by_itself():
    rng = np.random.default_rng(11)
    frame = pd.DataFrame({"wave": np.repeat([2024.0, 2026.0], 200), "sex": rng.integers(1, 3, 400).astype(float),
                          "x": rng.gamma(3, 1, 400), "w": 5.0, "psu": np.arange(400) // 5})
    done = mr.Survey(frame, weights="w", psu="psu", wave="wave").weighting.calibrate(
        {"sex": {1: 480.0, 2: 520.0}, "x": 3100.0}).apply()
    w = pd.Series(done.design.weights)
    for _, rows in frame.groupby("wave"):
        assert w[rows.index][rows["sex"] == 1].sum() == pytest.approx(480.0, rel=1e-8)
        assert (w[rows.index] * rows["x"]).sum() == pytest.approx(3100.0, rel=1e-8)


def test_words_and_facts_of_the_step(pair):
    ours, _ = pair
    done = ours.weighting.calibrate({"sex": {1: 2450.0, 2: 2550.0}, "x": 1.6e5}, bounds=(0.5, 2), population=5000).apply()
    log = done.history[-1]
    assert "Calibration (raking) to sex; x; population" in log.text["en"] and "معايرة" in log.text["ar"]
    assert log.facts["numbers"][0][0] == "x" and log.facts["numbers"][0][3] == pytest.approx(1.6e5)
    assert log.facts["margins"][0].name == "sex"


# --- entropy ---------------------------------------------------------------------------


def test_entropy_balancing_gives_means_deviations_and_shares(pair):
    ours, _ = pair
    done = ours.weighting.entropy({"x": (32.0, 18.0), "sex": {1: 0.45, 2: 0.55}}).apply()
    w, x = done.design.weights, done.values("x")
    assert w.sum() == pytest.approx(ours.design.weights.sum(), rel=1e-9)
    assert np.average(x, weights=w) == pytest.approx(32.0, rel=1e-8)
    assert np.sqrt(np.average((x - 32.0) ** 2, weights=w)) == pytest.approx(18.0, rel=1e-8)
    assert w[done.values("sex") == 1].sum() / w.sum() == pytest.approx(0.45, rel=1e-8)
    known = calibrate(ours.design.weights, (), Numbers(
        np.column_stack([np.ones(600), x, (x - 32) ** 2, done.values("sex") == 1]),
        np.r_[5000.0, 5000 * 32.0, 5000 * 18.0**2, 2250.0]), distance=Distance("raking"))
    np.testing.assert_allclose(w, known.weights, rtol=1e-7)


def test_a_group_takes_the_moments_of_another(pair):
    ours, _ = pair
    done = ours.weighting.balance("sex", 1, numbers=["x"], moments=2).apply()
    w, x, sex = done.design.weights, done.values("x"), done.values("sex")
    np.testing.assert_array_equal(w[sex == 1], ours.design.weights[sex == 1])
    for power in (1, 2):
        means = [np.average(x[sex == k] ** power, weights=w[sex == k]) for k in (1, 2)]
        assert means[0] == pytest.approx(means[1], rel=1e-8)
    assert w[sex == 2].sum() == pytest.approx(ours.design.weights[sex == 2].sum(), rel=1e-9)
    means = done.mean("x", by="sex")
    across = np.array([-1.0, 1.0])
    assert abs(across @ means.frame["estimate"].to_numpy()) < 1e-7
    assert abs(across @ means.vcov @ across) < 1e-9 * means.vcov[0, 0]


def test_errors_of_a_balanced_group_are_derivatives_in_the_base_weights():
    """Exact where the weights need no change: then regression with d and with w are one."""
    rng = np.random.default_rng(12)
    x = np.tile(rng.gamma(3, 1, 150), 2)
    frame = pd.DataFrame({"g": np.repeat([1.0, 2.0], 150), "x": x, "y": x**1.5 + rng.normal(size=300), "w": 2.0,
                          "psu": rng.permutation(np.arange(300) % 30)})
    survey = mr.Survey(frame, weights="w", psu="psu")
    done = survey.weighting.balance("g", 1, numbers=["x"]).apply()
    np.testing.assert_allclose(done.design.weights, 2.0, rtol=1e-9)
    answer = total(done.design, frame["y"].to_numpy(), domain=(frame["g"] - 1).astype(int).to_numpy(), n_domains=2)
    for psu in (0, 7, 21):
        unit = done.design.unit[np.flatnonzero(frame["psu"] == psu)[0]]
        sums = []
        for h in (1e-5, -1e-5):
            moved = mr.Survey(frame.assign(w=2.0 * (1 + h * (frame["psu"] == psu))), weights="w", psu="psu")
            again = moved.weighting.balance("g", 1, numbers=["x"]).apply().design.weights
            sums.append([again[frame["g"] == k] @ frame["y"][frame["g"] == k] for k in (1.0, 2.0)])
        np.testing.assert_allclose((np.array(sums[0]) - sums[1]) / 2e-5, answer.totals[unit], rtol=1e-4, atol=1e-3)


def test_balance_names_what_the_group_cannot_show(pair):
    ours, _ = pair
    frame = ours.frame.assign(kind=np.where(ours.frame["sex"] == 1, 1.0, 2.0 + (ours.frame["x"] > 30)))
    survey = mr.Survey(frame, weights="w", psu="psu")
    with pytest.raises(UnmetTargets, match="kind = ") as caught:
        survey.weighting.balance("sex", 1, categories=["kind"]).apply()
    assert "المجموعة" in caught.value.ar
    refuses("no code 7", lambda: survey.weighting.balance("sex", 7, numbers=["x"]).apply())
    refuses("No variable to balance", lambda: survey.weighting.balance("sex", 1))
    refuses("is not 1, 2 or 3", lambda: survey.weighting.balance("sex", 1, numbers="x", moments=4))


# --- what cannot be met ----------------------------------------------------------------


def refuses(words, call):
    with pytest.raises(WeightingError) as caught:
        call()
    assert words in caught.value.what and caught.value.remedy


def conflicted(n=300, **more):
    rng = np.random.default_rng(13)
    frame = pd.DataFrame({"sex": rng.integers(1, 3, n).astype(float), "area": rng.integers(1, 4, n).astype(float),
                          "x": rng.uniform(0, 10, n), "w": 10.0})
    frame["coast"] = (frame["area"] == 1) + 1.0
    return mr.Survey(frame.assign(**more), weights="w").weighting


def test_a_conflict_names_the_smallest_set_the_nearest_targets_and_their_price():
    targets = {"sex": {1: 1500, 2: 1500}, "area": {1: 900, 2: 1000, 3: 1100}, "coast": {1: 1800, 2: 1200}}
    for call in (conflicted().calibrate(targets), conflicted().rake(targets, max_iter=50)):
        with pytest.raises(UnmetTargets) as caught:
            call.apply()
        found = caught.value.conflict
        assert {variable for variable, _ in found.conflicting} == {"area", "coast"}
        assert len(found.conflicting) == 2
        changed = {(t.variable, t.level): t.nearest for t in found.nearest}
        assert changed[("coast", "1")] == pytest.approx(2100) or changed[("area", "1")] == pytest.approx(1200)
        ways = {way.variable: way for way in found.ways}
        coast = {t.level: t.nearest for t in ways["coast"].targets}
        assert coast == pytest.approx({"1": 2100.0, "2": 900.0}, rel=1e-6)
        assert 0 < ways["coast"].n_eff <= 300 and 0 < ways["area"].n_eff <= 300
        assert found.path[0][0] == pytest.approx(1.05 * found.least_tolerance)
        assert "area = 1" in caught.value.what and "effective n" in caught.value.what
        assert "حجم العينة الفعّال" in caught.value.ar and "tolerance" in caught.value.remedy
    reached = conflicted().calibrate(targets, tolerance=found.path[1][0]).apply()
    assert kish_n(reached.design.weights) == pytest.approx(found.path[1][1], rel=0.05)


def test_a_number_out_of_reach_is_named():
    with pytest.raises(UnmetTargets) as caught:
        conflicted().calibrate({"x": 3000 * 11.0}, population=3000.0).apply()
    assert caught.value.conflict.conflicting == (("x", ""), ("population", ""))
    with pytest.raises(UnmetTargets, match="sex = 2"):
        conflicted().calibrate({"sex": {1: 600, 2: 2400}}, bounds=(0.5, 1.2)).apply()


def test_negative_weights_are_named_with_the_remedy():
    with pytest.raises(WeightingError) as caught:
        conflicted().calibrate({"sex": {1: 1500, 2: 1500}, "x": 3000 * 8.5}, method="linear").apply()
    assert "x from" in caught.value.what and 'method="raking"' in caught.value.remedy
    assert "سالبًا" in caught.value.ar
    bounded = conflicted().calibrate({"sex": {1: 1500, 2: 1500}, "x": 3000 * 8.5}, method="linear", bounds=(0, 9)).apply()
    assert bounded.design.weights.min() >= 0


def test_what_the_verb_refuses():
    build = conflicted()
    good = {"sex": {1: 1500, 2: 1500}}
    refuses("is not a distance", lambda: build.calibrate(good, method="exp"))
    refuses("needs finite bounds", lambda: build.calibrate(good, method="logit").apply())
    refuses("leave no room", lambda: build.calibrate(good, bounds=(2, 1)))
    refuses("not a pair", lambda: build.calibrate(good, bounds=3))
    refuses("given no targets", lambda: build.calibrate({}))
    refuses("which is no target", lambda: build.calibrate(good, tolerance={"age": 0.1}))
    refuses("tolerance of sex is 0", lambda: build.calibrate(good, tolerance={"sex": 0}))
    refuses("a tolerance and a cost", lambda: build.calibrate(good, tolerance=0.1, cost=2.0))
    refuses("one number as its target", lambda: build.calibrate({("sex", "area"): 3.0}))
    refuses("totals of the margins disagree", lambda: build.calibrate(
        {"sex": {1: 1500, 2: 1500}, "area": {1: 1000, 2: 1000, 3: 1001}}).apply())
    refuses("with a target but without data: 3", lambda: build.calibrate({"sex": {1: 1500, 2: 1400, 3: 100}}).apply())
    refuses("in the data but without target: 2", lambda: build.calibrate({"sex": {1: 3000}}).apply())
    refuses("targets must be positive", lambda: build.calibrate({"sex": {1: 3000, 2: 0}}).apply())
    refuses("no value of x (1 rows)", lambda: conflicted(x=np.r_[np.nan, np.ones(299)]).calibrate({"x": 3000.0}).apply())
    refuses("was given no means", lambda: build.entropy({}))


def test_margins_that_disagree_may_be_soft():
    done = conflicted().calibrate({"sex": {1: 1500, 2: 1500}, "area": {1: 1000, 2: 1000, 3: 1010}},
                                  tolerance={"area": 0.01}).apply()
    assert done.design.weights.sum() == pytest.approx(3000, rel=1e-8)


def test_the_outcome_is_frozen():
    _, weights, margins, _ = drawn(14)
    done = calibrate(weights, margins)
    assert isinstance(done, Calibrated)
    with pytest.raises(AttributeError):
        done.weights = weights
