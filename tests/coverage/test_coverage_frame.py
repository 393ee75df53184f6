"""The frame itself: what is excepted, and that it catches wrong variances."""

from __future__ import annotations

import numpy as np
import pytest
from coverage_designs import TRIALS, raked
from coverage_judge import CONSERVATIVE, ENOUGH, EXCEPTIONS, FIRM, Cell, simulate, wrong
from coverage_statistics import CHANGES, MORE, STATISTICS

from masar_research import engine

KINDS = {statistic.name: statistic.kind for statistic in STATISTICS + CHANGES + MORE}


def cell(coverage: float, statistic: str = "mean", design: str = "pairs", samples: int = 1000) -> Cell:
    return Cell(design, "linearised", statistic, 0, samples, coverage, 1.0, 0)


def test_what_is_firm_is_excepted_nowhere_with_30_degrees_of_freedom():
    for entry in EXCEPTIONS:
        designs = TRIALS if entry.designs == ("*",) else entry.designs
        for design in designs:
            firm = [name for name in entry.statistics if KINDS[name] in FIRM]
            assert TRIALS[design].df < ENOUGH or not firm, (design, firm)


def test_every_entry_is_of_use_and_has_a_source():
    for entry in EXCEPTIONS + CONSERVATIVE:
        assert any(year in entry.reason for year in map(str, range(1970, 2026))), entry
        for design in TRIALS if entry.designs == ("*",) else entry.designs:
            tried = {s.name for statistics in TRIALS[design].tried.values() for s in statistics}
            assert entry.designs == ("*",) or tried & set(entry.statistics), (design, entry)
        for name in entry.statistics:
            assert name in KINDS


@pytest.mark.parametrize("coverage, samples, fails", [
    (0.95, 1000, False), (0.915, 1000, False), (0.905, 1000, True), (0.915, 4000, True),
    (0.98, 1000, False), (0.985, 1000, True), (0.975, 4000, False), (0.98, 4000, True),
])  # fmt: skip
def test_the_whole_range_of_the_error_must_lie_outside(coverage, samples, fails):
    assert bool(wrong([cell(coverage, samples=samples)])) is fails


def test_an_exception_still_asks_for_88_and_a_conservative_interval_for_93():
    gini = "Gini and S80/S20"
    assert not wrong([cell(0.88, gini)]) and wrong([cell(0.84, gini)])
    beta = "share near 0.1, beta"
    assert not wrong([cell(1.0, beta)]) and wrong([cell(0.9, beta)])


def caught(trial: str, change, *names: str, samples: int = 400) -> list[str]:
    """What is wrong when the package is told another design than the one drawn."""
    right = TRIALS[trial]
    statistics = tuple(s for s in STATISTICS + CHANGES if s.name in names)

    right_draw = raked(right.people, 2, 8, {}) if trial == "raked" else right.draw

    def draw(rng):
        rows, added, designs = right_draw(rng)
        return rows, added, {"linearised": change(designs["linearised"], rows)}

    spoiled = type(right)(
        right.name, right.words, right.df, right.people, draw, {"linearised": statistics}
    )
    return wrong(c for cells in simulate(spoiled, samples, 3).values() for c in cells)


def without_clusters(design, rows):
    """Strata of equal size, and every person a unit of its own."""
    n, strata = len(rows), design.n_strata
    return engine.declare(design.weights, strata=np.repeat(np.arange(strata), n // strata))


def without_strata(design, rows):
    return engine.declare(design.weights, psu=design.unit)


def as_if_given(design, rows):
    """Raked weights taken as they are."""
    return design.reweight(design.weights)


def waves_apart(design, rows):
    """Strata crossed with waves: PSUs in common lose their covariance."""
    stratum = np.repeat(np.arange(20), len(rows) // 20)
    wave = np.tile(np.repeat([0, 1], len(rows) // 40), 20)
    return engine.declare(design.weights, strata=stratum * 2 + wave, psu=design.unit)


@pytest.mark.parametrize("trial, change, name", [
    ("pairs", without_clusters, "mean"), ("pairs", without_strata, "mean"),
    ("fpc", without_clusters, "mean"), ("two waves", waves_apart, "change in the mean"),
    ("raked", as_if_given, "total"),
])  # fmt: skip
def test_a_design_told_wrongly_is_caught(trial, change, name):
    assert caught(trial, change, name)


def test_the_normal_quantile_in_place_of_t_is_caught(monkeypatch):
    from masar_research.engine import intervals

    right = intervals.t_quantile
    monkeypatch.setattr(intervals, "t_quantile", lambda df, level: right(np.full(np.shape(df), 1e9), level))
    assert caught("few PSUs", lambda design, rows: design, "mean", "total", samples=1000)
