"""Do nominal 95 % intervals from made replicates hold the truth in 95 of 100 samples?

The population and its samples are those of the engine's coverage tests: 20 strata, 6 of 100 blocks
in each, 12 persons in a block, so 100 degrees of freedom. A test fails when the 99 % Monte-Carlo
range of the coverage lies wholly outside 93–97 %, or when the mean estimated variance is off the
variance seen among the samples.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

from masar_research import engine
from masar_research.engine import contrasts, intervals
from masar_research.engine import replicate_making as making
from masar_research.engine.replicates import attach

pytestmark = pytest.mark.full

SAMPLES = 1000
KINDS = ("JKn", "RaoWu", "Bootstrap")
STATISTICS = ("mean", "total of women", "ratio", "share near 0.1", "mean by region", "gap between the sexes")


@pytest.fixture(scope="module")
def world():
    """The engine's coverage module: its population and its sampling."""
    path = Path(__file__).parent.parent / "coverage" / "test_coverage_engine.py"
    spec = importlib.util.spec_from_file_location("coverage_population", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def replicated(design: engine.Design, kind: str, rng: np.random.Generator) -> engine.Design:
    made = {
        "JKn": lambda: making.jackknife(design, stratified=True),
        "RaoWu": lambda: making.rao_wu(design, 200, rng),
        "Bootstrap": lambda: making.bootstrap(design, 200, rng),
    }[kind]()
    df = min(design.df, made.weights.number - 1)
    return attach(design, made.weights, scale=made.scale, rscales=made.rscales, mse=False, df=df, facts={})


def answers(world, rng: np.random.Generator) -> dict[tuple[str, str], tuple[np.ndarray, ...]]:
    blocks = world.draw_blocks(rng, world.TAKE)
    rows = world.draw_persons(rng, blocks.ravel()).ravel()
    p = world.POPULATION
    y, x, sex, region = p.y[rows], p.x[rows], p.sex[rows], p.region[rows]
    out = {}
    for kind in KINDS:
        design = replicated(world.ONE_WAVE, kind, rng)

        def keep(name, result, interval=intervals.wald, kind=kind, design=design):
            error = np.sqrt(np.diag(engine.covariance(design, result.totals)))
            low, high = interval(result.estimate, error, result.df, 0.95)
            out[kind, name] = (result.estimate, error, low, high)

        keep("mean", engine.mean(design, y))
        keep("total of women", engine.total(design, y, mask=sex == 1))
        keep("ratio", engine.ratio(design, y, x))
        keep("share near 0.1", engine.mean(design, p.rare[rows]), intervals.logit)
        keep("mean by region", engine.mean(design, y, domain=region, n_domains=4))
        sexes = engine.mean(design, y, domain=sex, n_domains=2)
        gap = contrasts.linear(
            [-1, 1], sexes.estimate, engine.covariance(design, sexes.totals), design.df
        )
        low, high = intervals.wald(gap.estimate, gap.std_error, gap.df, 0.95)
        out[kind, "gap between the sexes"] = (gap.estimate, gap.std_error, low, high)
    return out


@pytest.fixture(scope="module")
def simulated(world):
    rng = np.random.default_rng(2026)
    drawn = [answers(world, rng) for _ in range(SAMPLES)]
    p = world.POPULATION
    truth = {
        "mean": p.y.mean(), "total of women": p.y[p.sex == 1].sum(), "ratio": p.y.sum() / p.x.sum(),
        "share near 0.1": p.rare.mean(),
        "mean by region": np.array([p.y[p.region == r].mean() for r in range(4)]),
        "gap between the sexes": p.y[p.sex == 1].mean() - p.y[p.sex == 0].mean(),
    }  # fmt: skip
    found = {}
    for key in drawn[0]:
        estimate, error, low, high = (np.array([d[key][i] for d in drawn]) for i in range(4))
        inside = (low <= truth[key[1]]) & (truth[key[1]] <= high)
        found[key] = inside.mean(axis=0), (error**2).mean(axis=0) / estimate.var(axis=0)
    return found


@pytest.mark.parametrize("name", STATISTICS)
@pytest.mark.parametrize("kind", KINDS)
def test_replicate_intervals_cover(simulated, kind, name):
    coverage, ratio = simulated[kind, name]
    reach = 2.576 * np.sqrt(coverage * (1 - coverage) / SAMPLES)
    assert np.all(coverage + reach >= 0.93), f"covers {coverage} ± {reach}"
    assert np.all(coverage - reach <= 0.97), f"covers {coverage} ± {reach}"
    assert np.all(np.abs(ratio - 1) < 4 * np.sqrt(2 / SAMPLES)), f"variance ratio {ratio}"
