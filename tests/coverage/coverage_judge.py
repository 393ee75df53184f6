"""Many samples of one design, the coverage found, and what is asked of it."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from coverage_designs import CORE, TRIALS, Trial
from coverage_statistics import CHANGES, MORE, STATISTICS, limits

SEED = 2026
CORE_NAMES = tuple(statistic.name for statistic in CORE)
FEWEST, LOW, HIGH = 0.88, 0.93, 0.97
Z99 = 2.5758293035489004
ENOUGH = 30
FIRM = ("mean", "total", "ratio", "contrast")
"""Kinds that are never excepted in a design of `ENOUGH` degrees of freedom."""


@dataclass(frozen=True, slots=True)
class Excepted:
    """Cells that are let off the 93 % beforehand; they must still hold 88 %.

    Parameters
    ----------
    statistics, designs : tuple of str
        Names; a design of "*" is every design.
    reason : str
        With its source.
    """

    statistics: tuple[str, ...]
    designs: tuple[str, ...]
    reason: str


CLUSTERS = ("pairs", "unequal", "raked")
EXCEPTIONS: tuple[Excepted, ...] = (
    Excepted(
        ("share near 0.1, logit", "share near 0.1, wilson", "share near 0.1, arcsine",
         "share near 0.4, logit", "rows of a table", "cells of a table", "poverty rate, fixed line",
         "poverty gap, fixed line", "standardised rate", "variance", "correlation"),
        ("few PSUs",),
        "Few PSUs: the variance is estimated from a handful of totals that are neither normal nor "
        "independent of the estimate; all intervals undercover under clustering with a variance "
        "from few units (Franco, Little, Louis and Slud 2019, JSSAM 7, 334–364; Valliant and Rust "
        "2010, Journal of Official Statistics 26, 585–602).",
    ),
    Excepted(
        ("median", "median, log odds", "median income of women"), ("few PSUs",),
        "Medians from few PSUs: the share below the median has the faults of any share, and its "
        "limits fall between values (Sitter and Wu 2001, Statistics & Probability Letters 52, "
        "353–358).",
    ),
    Excepted(
        ("ninth decile of income", "ninth decile of income, log odds", "ninth decile less first"),
        ("few PSUs", "pairs", "unequal", "raked"),
        "Tails: few observations lie beyond the quantile, and fewer PSUs (Francisco and Fuller 1991, "
        "Annals of Statistics 19, 454–469; Sitter and Wu 2001).",
    ),
    Excepted(
        ("Gini and S80/S20", "Lorenz curve at 0.4 and 0.9"), ("*",),
        "Skewed populations: estimate and variance hang on the largest incomes, which most samples "
        "miss (Langel and Tillé 2013, JRSS A 176, 521–540, section 6; 2011, Survey Methodology 37).",
    ),
    Excepted(
        ("rate below 0.6 median", "gap of medians"), ("*",),
        "The linearisation needs the density of incomes at one or two places, estimated by a kernel (Graf "
        "and Tillé 2014, Survey Methodology 40, 61–79).",
    ),
    Excepted(
        ("variance", "correlation"), CLUSTERS,
        "Second moments converge slowly: linearised and replicate intervals of correlations undercover "
        "in clustered samples (Kish and Frankel 1974, JRSS B 36, 1–37; Campbell and Meyer 1978, ASA "
        "Survey Research Methods).",
    ),
)  # fmt: skip
CONSERVATIVE: tuple[Excepted, ...] = (
    Excepted(
        ("share near 0.1, beta",), ("*",),
        "Korn–Graubard: Clopper and Pearson's interval on the effective sample size covers at least "
        "what it says (Korn and Graubard 1998, Survey Methodology 24, 193–201).",
    ),
    Excepted(
        ("share in a small domain, logit", "mean in a small domain"), ("*",),
        "Degrees of freedom are counted among the PSUs and strata that have answers in the domain, "
        "while its variance comes from all of them (Korn and Graubard 1999, Analysis of Health "
        "Surveys, ch. 5).",
    ),
    Excepted(
        CORE_NAMES, ("with replacement assumed",),
        "A third of the blocks is drawn, and the variance is that of drawing with replacement "
        "(Särndal, Swensson and Wretman 1992, ch. 4).",
    ),
    Excepted(
        CORE_NAMES, ("centre", "collapse"),
        "A lonely PSU is set against zero or against a neighbouring stratum, so the difference "
        "between strata counts as variance (Wolter 2007, section 2.5; R survey, `surveyoptions`).",
    ),
)


@dataclass(frozen=True, slots=True)
class Cell:
    """Coverage of one number over all samples.

    Parameters
    ----------
    design, method, statistic : str
    part : int
        Which of the statistic's numbers.
    samples : int
    coverage : float
        Samples whose interval holds the truth; one without an interval does not.
    spread : float
        Root mean square standard error over the standard deviation of the estimates.
    without : int
        Samples without an interval.
    """

    design: str
    method: str
    statistic: str
    part: int
    samples: int
    coverage: float
    spread: float
    without: int

    @property
    def error(self) -> float:
        """Monte Carlo standard error of the coverage."""
        return float(np.sqrt(self.coverage * (1 - self.coverage) / self.samples))

    @property
    def range(self) -> tuple[float, float]:
        """The 99 % range of that error about the coverage."""
        return self.coverage - Z99 * self.error, self.coverage + Z99 * self.error


def simulate(trial: Trial, samples: int, seed: int) -> dict[tuple[str, str], list[Cell]]:
    """Cells by (method, statistic); the same samples serve all of a design's cells."""
    rng = np.random.default_rng([seed, *trial.name.encode()])
    people = trial.people.columns
    truth = {s.name: np.atleast_1d(s.truth(people)).astype(float) for t in trial.tried.values() for s in t}
    found = {
        (m, s.name): np.empty((samples, 4, len(truth[s.name])))
        for m, tried in trial.tried.items() for s in tried
    }  # fmt: skip
    for k in range(samples):
        rows, added, designs = trial.draw(rng)
        sample = {name: values[rows] for name, values in people.items()} | added
        for method, tried in trial.tried.items():
            answered: dict[Any, Any] = {}
            for statistic in tried:
                said = limits(statistic, designs[method], sample, answered)
                found[method, statistic.name][k] = said
    return {
        key: list(_cells(trial.name, *key, values, truth[key[1]])) for key, values in found.items()
    }


def _cells(
    design: str, method: str, statistic: str, values: np.ndarray, truth: np.ndarray
) -> Iterable[Cell]:
    samples = len(values)
    for part, true in enumerate(truth):
        estimate, error, low, high = values[:, :, part].T
        known = np.isfinite(low) & np.isfinite(high)
        hold = known & (low <= true) & (true <= high)
        with np.errstate(invalid="ignore", divide="ignore"):
            spread = np.sqrt(np.nanmean(error**2)) / np.nanstd(estimate)
        yield Cell(
            design, method, statistic, part, samples, float(hold.mean()),
            float(spread), int((~known).sum()),
        )  # fmt: skip


def bounds(design: str, statistic: str) -> tuple[float, float]:
    """Lowest and highest coverage asked of a statistic in a design."""
    low = FEWEST if _listed(EXCEPTIONS, design, statistic) else LOW
    return low, 1.0 if _listed(CONSERVATIVE, design, statistic) else HIGH


def _listed(entries: tuple[Excepted, ...], design: str, statistic: str) -> bool:
    return any(
        statistic in entry.statistics and (design in entry.designs or "*" in entry.designs)
        for entry in entries
    )


def wrong(cells: Iterable[Cell]) -> list[str]:
    """What is wrong: cells whose whole 99 % range lies outside what is asked."""
    out = []
    for cell in cells:
        low, high = bounds(cell.design, cell.statistic)
        least, most = cell.range
        if most < low or least > high:
            out.append(
                f"{cell.statistic} [{cell.part}], {cell.design}, {cell.method}: covers "
                f"{cell.coverage:.3f} ± {cell.error:.3f}, asked {low:.2f} to {high:.2f}; "
                f"standard error over spread {cell.spread:.2f}"
            )
    return out


SIMULATED: dict[tuple[str, int], dict[tuple[str, str], list[Cell]]] = {}


def results(design: str, samples: int) -> dict[tuple[str, str], list[Cell]]:
    """`simulate`, once per session, design and number of samples."""
    if (design, samples) not in SIMULATED:
        SIMULATED[design, samples] = simulate(TRIALS[design], samples, SEED)
    return SIMULATED[design, samples]


def cells_of(designs: Collection[str]) -> list[tuple[str, str, str]]:
    """Design, method and statistic of everything tried, in the order of the designs."""
    return [
        (name, method, statistic.name)
        for name, trial in TRIALS.items() if name in designs
        for method, tried in trial.tried.items() for statistic in tried
    ]  # fmt: skip


def judge(design: str, method: str, statistic: str, samples: int) -> None:
    """Raise AssertionError with what is wrong.

    The standard errors of means, totals, ratios and contrasts must also be those seen, within four
    Monte Carlo errors of a variance, where nothing is conservative by construction.
    """
    cells = results(design, samples)[method, statistic]
    found = wrong(cells)
    if _kind(statistic) in FIRM and bounds(design, statistic)[1] < 1:
        reach = 4 * np.sqrt(2 / samples + 2 / (samples * TRIALS[design].df))
        found += [
            f"{statistic} [{cell.part}], {design}, {method}: standard error over spread {cell.spread:.3f}"
            for cell in cells if abs(cell.spread**2 - 1) > reach
        ]  # fmt: skip
    assert not found, "\n".join(found)


def _kind(name: str) -> str:
    return next(s.kind for s in STATISTICS + CHANGES + MORE if s.name == name)
