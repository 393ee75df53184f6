"""Coverage of nominal 95 % intervals over simulated two-phase samples.

A 99 % Monte Carlo range of the coverage that lies outside 93–97 % altogether fails; the designs have
30 or more degrees of freedom, so none is excepted. `full` draws 4,000 samples.
"""

from __future__ import annotations

import numpy as np
import pytest

from masar_research import engine
from masar_research.engine import intervals
from masar_research.engine.auxiliary import Calibration
from masar_research.engine.calibration import linear
from masar_research.engine.two_phase import PhaseTwoCalibration
from masar_research.engine.two_phase_design import independent_subsample, subsample

VILLAGES, PER = 400, 12
N = 600
RNG = np.random.default_rng(20)
VILLAGE = np.repeat(np.arange(VILLAGES), PER)
REGION = (VILLAGE % 5 < 2).astype(int)
OF_REGION = [np.unique(VILLAGE[REGION == r]) for r in (0, 1)]
LEVEL = RNG.normal(0, 1, VILLAGES)[VILLAGE]
X = RNG.gamma(4, 1, len(VILLAGE)) + 0.5 * LEVEL
SCREEN = np.digitize(X + RNG.normal(0, 1, len(X)), [4, 7])
Y = 5 + 2 * SCREEN + X + LEVEL + RNG.normal(0, 2, len(X))
WOMAN = RNG.integers(0, 2, len(X))
TRUTH = np.array([Y.mean(), Y.sum(), Y.sum() / X.sum(), Y[WOMAN == 1].mean(),
                  Y[WOMAN == 1].mean() - Y[WOMAN == 0].mean()])  # fmt: skip
NAMES = ("mean", "total", "ratio", "domain mean", "contrast")
SHARES = np.array([0.15, 0.3, 0.8])


def screened(rng, rows):
    """A stratified second phase by SCREEN."""
    inside = np.zeros(len(rows), dtype=bool)
    for value, share in enumerate(SHARES):
        members = np.flatnonzero(SCREEN[rows] == value)
        inside[rng.choice(members, max(2, round(share * len(members))), replace=False)] = True
    return inside


def of_villages(rng):
    """60 of 400 villages in two strata, all their people; one in four people examined by screening."""
    drawn = np.concatenate([rng.choice(members, 30, replace=False) for members in OF_REGION])
    rows = np.flatnonzero(np.isin(VILLAGE, drawn))
    fpc = np.where(REGION == 0, 240, 160)[rows]
    first = engine.declare(fpc / 30, strata=REGION[rows], psu=VILLAGE[rows], fpc=fpc)
    inside = screened(rng, rows)
    return subsample(first, inside, strata=SCREEN[rows]), rows, inside


def of_persons(rng):
    """600 of 4,800 people; examined by chances of their own."""
    rows = rng.choice(len(Y), N, replace=False)
    first = engine.declare(np.full(N, len(Y) / N), fpc=np.full(N, len(Y)))
    inside = rng.random(N) < SHARES[SCREEN[rows]]
    return independent_subsample(first, inside, SHARES[SCREEN[rows]]), rows, inside


def calibrated(rng):
    """Villages again, the second phase calibrated to the first by x and sex."""
    design, rows, inside = of_villages(rng)
    matrix = np.stack([np.ones(len(rows)), X[rows], WOMAN[rows]], axis=1)
    totals = design.phases.alone.weights @ matrix
    done = linear(design.weights, matrix=matrix, totals=totals)
    assert isinstance(done.calibration, Calibration)
    return design.reweight(done.weights, PhaseTwoCalibration(done.calibration)), rows, inside


def approximate(rng):
    """600 people by simple random sampling, screened, under R's "approx"."""
    rows = rng.choice(len(Y), N, replace=False)
    first = engine.declare(np.full(N, len(Y) / N), fpc=np.full(N, len(Y)))
    inside = screened(rng, rows)
    return subsample(first, inside, strata=SCREEN[rows], method="approx"), rows, inside


def covered(draw, times, seed):
    rng = np.random.default_rng(seed)
    hits = np.zeros(len(TRUTH))
    for _ in range(times):
        design, rows, inside = draw(rng)
        y, x, woman = np.where(inside, Y[rows], np.nan), X[rows], WOMAN[rows]
        found = engine.stack(
            engine.mean(design, y), engine.total(design, y), engine.ratio(design, y, x),
            engine.mean(design, y, domain=woman, n_domains=2),
        )  # fmt: skip
        vcov = engine.covariance(design, found.totals)
        gap = np.array([0, 0, 0, -1.0, 1.0])
        estimate = np.array([*found.estimate[:3], found.estimate[4], gap @ found.estimate])
        spread = np.array([*np.diag(vcov)[:3], vcov[4, 4], gap @ vcov @ gap])
        df = np.array([*found.df[:3], found.df[4], found.df[0]])
        low, high = intervals.wald(estimate, np.sqrt(spread), df, 0.95)
        hits += (low <= TRUTH) & (TRUTH <= high)
    return hits / times


@pytest.mark.parametrize("draw", [of_villages, of_persons, calibrated, approximate])
@pytest.mark.parametrize("times", [1000, pytest.param(4000, marks=pytest.mark.full)])
def test_coverage(draw, times):
    share = covered(draw, times, seed=9)
    reach = 2.576 * np.sqrt(share * (1 - share) / times)
    for name, p, e in zip(NAMES, share, reach, strict=True):
        assert p + e >= 0.93 and p - e <= 0.97, f"{name}: {p:.4f} ± {e:.4f} over {times} samples"
