"""Coverage of the intervals, averaged over areas, and mean squared errors against simulated ones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest

import masar_research as mr
from masar_research.engine import (
    small_area,
    small_area_benchmark,
    small_area_integrated,
    small_area_scales,
    small_area_spatial,
    small_area_unit,
)
from masar_research.engine.distributions import t_quantile
from masar_research.places.small_areas_models import Model


@dataclass(frozen=True, slots=True)
class Seen:
    """Share of areas and samples the interval held, and estimated over true mean squared error."""

    coverage: float
    ratio: float
    unsampled: float = np.nan


def judged(
    truth: list[np.ndarray], estimate: list[np.ndarray], mse: list[np.ndarray],
    ends: list[tuple[np.ndarray, np.ndarray]], out: list[int] | None = None,
) -> Seen:  # fmt: skip
    held = np.array([(low <= true) & (true <= high) for true, (low, high) in zip(truth, ends, strict=True)])
    off = (np.array(estimate) - np.array(truth)) ** 2
    return Seen(float(held.mean()), float(np.mean(mse) / off.mean()), float(held[:, out].mean()) if out else np.nan)


def ends_of(y: np.ndarray, x: np.ndarray, psi: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    mixture = small_area_integrated.integrated(y, x, psi)
    return mixture.quantile(0.025), mixture.quantile(0.975)


def area_level(m: int, share: float, method: small_area.Method, times: int, out: list[int], seed: int = 1) -> Seen:
    """`share` is the variance between areas over the median sampling variance; areas `out` have no direct estimate."""
    rng = np.random.default_rng(seed)
    psi = np.geomspace(0.25, 2.5, m)
    variance = share * float(np.median(psi))
    truth, estimate, mse, ends = [], [], [], []
    for _ in range(times):
        x = np.column_stack([np.ones(m), rng.normal(size=m)])
        theta = x @ [1.0, 1.0] + variance**0.5 * rng.normal(size=m)
        y = theta + np.sqrt(psi) * rng.normal(size=m)
        y[out] = np.nan
        found = small_area.fit(y, x, psi, method)
        truth.append(theta)
        estimate.append(found.estimate)
        mse.append(found.mse)
        ends.append(ends_of(y, x, psi))
    return judged(truth, estimate, mse, ends, out)


@pytest.mark.parametrize(("m", "share"), [(12, 1.0), (30, 1.0)])
def test_intervals_of_areas_hold_on_average(m: int, share: float) -> None:
    seen = area_level(m, share, "reml", 120, [3])
    assert 0.93 < seen.coverage < 0.985 and 0.88 < seen.unsampled and 0.8 < seen.ratio < 1.3


@pytest.mark.full
@pytest.mark.parametrize(("m", "share"), [(m, share) for m in (12, 24, 40) for share in (0.1, 0.25, 0.5, 1.0, 4.0)])
def test_intervals_over_small_and_large_differences(m: int, share: float) -> None:
    # Seen: 95.0–98.8 %, above 97 % only where areas differ by half of the sampling variance or less, which no
    # interval can know from so few areas; 95–100 % without interviews.
    seen = area_level(m, share, "reml", 500, [4, 7])
    assert 0.94 < seen.coverage < (0.97 if share >= 1 else 0.995)
    assert seen.unsampled > 0.94


@pytest.mark.full
@pytest.mark.parametrize("method", small_area.METHODS)
@pytest.mark.parametrize(("m", "share"), [(12, 1.0), (12, 4.0), (40, 0.25), (40, 1.0), (40, 4.0)])
def test_the_errors_of_every_method(m: int, share: float, method: small_area.Method) -> None:
    seen = area_level(m, share, method, 250, [])
    # Where areas differ little the error is overstated, most by the methods that never give zero.
    assert 0.85 < seen.ratio < (1.15 if share >= 1 and m == 40 else 3.0)


@pytest.mark.full
@pytest.mark.parametrize("scale", ["identity", "log", "logit", "arcsine"])
@pytest.mark.parametrize("rule", [None, *small_area_benchmark.RULES])
def test_scales_and_benchmarks(
    scale: small_area_scales.Scale, rule: small_area_benchmark.Rule | None
) -> None:
    """By the steps of the verb, on figures drawn from the model; one area holds a third of the people."""
    # Seen: 95.5–96.1 %, areas without interviews 97–98 %, error 0.95–0.98 of the true one.
    rng = np.random.default_rng(3)
    m, out = 25, [4, 17]
    size = {"identity": 20.0, "log": 1.0, "logit": 1.0, "arcsine": 0.25}[scale]
    beta = {"identity": [9.0, 1.0], "log": [1.0, 0.2], "logit": [-1.0, 0.2], "arcsine": [0.6, 0.05]}[scale]
    sampled = np.ones(m, dtype=bool)
    sampled[out] = False
    shares = rng.uniform(1, 5, m)
    shares[0] = 35.0
    wholes = None
    if rule is not None:
        held = shares[sampled] / shares[sampled].sum()
        wholes = small_area_benchmark.Wholes((shares / shares.sum())[:, None], held[:, None], np.zeros(1), rule)
    truth, estimates, mse, ends = [], [], [], []
    for _ in range(400):
        psi = size * rng.uniform(0.01, 0.08, m)
        x = np.column_stack([np.ones(m), rng.normal(size=m)])
        z = x @ beta + (0.03 * size) ** 0.5 * rng.normal(size=m)
        y = np.where(sampled, z + np.sqrt(psi) * rng.normal(size=m), np.nan)
        fit = small_area.fit(y, x, psi)
        model = Model(
            fit, np.diag(fit.variance + psi[sampled]), (np.eye(m) * fit.variance)[:, sampled],
            fit.variance * (1 - fit.shrinkage), small_area_integrated.integrated(y, x, psi),
        )  # fmt: skip
        before = small_area_scales.expected(fit.estimate, model.inner, scale)
        errors, estimate, stretch = model.errors(scale), before, np.ones(m)
        if wholes is not None:
            direct = small_area_scales.back(y[sampled], scale)
            estimate = wholes.brought(before, direct @ wholes.held)
            slopes = (
                small_area_scales.slope(fit.estimate, model.inner, scale),
                small_area_scales.slope(y[sampled], np.zeros(len(direct)), scale),
            )
            after = small_area_benchmark.errors_after(errors, fit.matrix, model.v, model.g, before, wholes, slopes)
            stretch, errors = np.sqrt(np.diag(after) / np.diag(errors)), after
        truth.append(small_area_scales.back(z, scale))
        estimates.append(estimate)
        mse.append(np.diag(errors))
        ends.append(model.ends(0.95, m - 4.0, scale, (before, estimate), stretch))
    seen = judged(truth, estimates, mse, ends, out)
    assert 0.94 < seen.coverage < 0.97 and seen.unsampled > 0.93
    assert 0.9 < seen.ratio < 1.1
    # The expectation brings no bias, the bare inverse does.
    if rule is None:
        off = np.mean(np.array(estimates) - truth, axis=1)
        assert abs(off.mean()) < 4 * off.std() / 400**0.5


@pytest.mark.full
@pytest.mark.parametrize("weighted", [False, True])
def test_the_model_of_persons(weighted: bool) -> None:
    rng = np.random.default_rng(6)
    k, between, within = 25, 0.8, 3.0
    n = rng.integers(2, 15, k)
    area = np.repeat(np.arange(k), n)
    means = np.column_stack([np.ones(k), rng.normal(size=k)])
    truth, estimate, mse, ends = [], [], [], []
    out = [5, 11]
    area = area[~np.isin(area, out)]
    n = np.bincount(area, minlength=k)
    for _ in range(300):
        x = np.column_stack([np.ones(n.sum()), means[area, 1] + rng.normal(size=n.sum())])
        effect = between**0.5 * rng.normal(size=k)
        y = x @ [2.0, 1.0] + effect[area] + within**0.5 * rng.normal(size=n.sum())
        weights = rng.uniform(1, 3, n.sum()) if weighted else None
        found = small_area_unit.fit(y, x, area, means, weights=weights)
        truth.append(means @ [2.0, 1.0] + effect)
        estimate.append(found.estimate)
        mse.append(found.mse)
        mixture = small_area_unit.integrated(y, x, area, means, weights=weights)
        ends.append((mixture.quantile(0.025), mixture.quantile(0.975)))
    seen = judged(truth, estimate, mse, ends, out)
    assert 0.94 < seen.coverage < 0.97 and seen.unsampled > 0.94 and 0.92 < seen.ratio < 1.1


@pytest.mark.full
def test_the_model_with_neighbours() -> None:
    rng = np.random.default_rng(8)
    side = 7
    m = side**2
    place = np.array([(i, j) for i in range(side) for j in range(side)])
    w = (np.abs(place[:, None] - place[None]).sum(axis=2) == 1).astype(float)
    w /= w.sum(axis=1, keepdims=True)
    psi, x = rng.uniform(0.3, 1.2, m), np.column_stack([np.ones(m), rng.normal(size=m)])
    truth, estimate, mse, ends, edges = [], [], [], [], 0
    for _ in range(80):
        theta = x @ [1.0, 1.0] + np.linalg.solve(np.eye(m) - 0.6 * w, 0.8 * rng.normal(size=m))
        found = small_area_spatial.fit(theta + np.sqrt(psi) * rng.normal(size=m), x, psi, w)
        if found is None:
            edges += 1
            continue
        half = t_quantile(0.975, np.array([m - 2.0]))[0] * np.sqrt(found.mse)
        truth.append(theta)
        estimate.append(found.estimate)
        mse.append(found.mse)
        ends.append((found.estimate - half, found.estimate + half))
    seen = judged(truth, estimate, mse, ends)
    assert edges < 12 and 0.93 < seen.coverage < 0.975 and 0.88 < seen.ratio < 1.2


def clustered(samples: int, areas: int, blocks: tuple[int, int], variances: str, seed: int = 11) -> Seen:
    """Clustered samples of populations drawn anew each time, through the verb; shares of sixty blocks of twelve."""
    rng = np.random.default_rng(seed)
    truth, estimate, mse, ends = [], [], [], []
    for _ in range(samples):
        x, size = rng.normal(size=areas), rng.integers(*blocks, areas)
        level = 1 / (1 + np.exp(-(-0.6 + 0.35 * x + 0.25 * rng.normal(size=areas))))
        chance = np.clip(level[:, None] + 0.08 * rng.normal(size=(areas, 60)), 0.02, 0.98)
        people = rng.uniform(size=(areas, 60, 12)) < chance[..., None]
        area = np.repeat(np.arange(areas), size)
        block = np.concatenate([rng.choice(60, n, replace=False) for n in size])
        frame = pd.DataFrame({
            "w": 1.0, "area": np.repeat(area, 12), "psu": np.repeat(area * 1000 + block, 12),
            "works": people[area, block].ravel().astype(float),
        })  # fmt: skip
        direct = mr.Survey(frame, weights="w", strata="area", psu="psu").proportion("works", by="area")
        found = direct.small_area(pd.DataFrame({"area": range(areas), "x": x}), on="area", variances=variances)
        truth.append(people.mean(axis=(1, 2)))
        estimate.append(found.frame["estimate"].to_numpy())
        mse.append(np.diag(found.vcov))
        ends.append((found.frame["conf_low"].to_numpy(), found.frame["conf_high"].to_numpy()))
    return judged(truth, estimate, mse, ends)


def test_a_few_samples_of_populations_by_the_verb() -> None:
    assert clustered(12, 24, (3, 9), "smoothed").coverage > 0.9


@pytest.mark.full
@pytest.mark.parametrize(("areas", "blocks"), [(12, (3, 9)), (24, (3, 9)), (51, (2, 5))])
def test_samples_of_populations_by_the_verb(areas: int, blocks: tuple[int, int]) -> None:
    # Seen: 95–95.5 %. The areas of one population are no normal draws, and what is drawn once is judged often;
    # so populations are drawn anew.
    seen = clustered(300, areas, blocks, "smoothed")
    assert 0.935 < seen.coverage < 0.975 and 0.85 < seen.ratio < 1.35


@pytest.mark.full
def test_variances_as_estimated_from_few_blocks_are_too_short() -> None:
    """What the page says of ``variances="direct"``: three to eight blocks an area are too few for it."""
    seen = clustered(200, 24, (3, 9), "direct")
    assert seen.coverage < 0.93
