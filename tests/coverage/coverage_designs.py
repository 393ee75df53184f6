"""The designs under trial: how a sample is drawn, and how the package is told about it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

import coverage_populations as drawing
import masar_research as mr
from coverage_populations import Columns, Population, populate
from coverage_statistics import (
    CHANGES,
    LINEARISED_ONLY,
    MORE,
    STATISTICS,
    Statistic,
)
from masar_research import engine
from masar_research.engine import Design
from masar_research.engine import replicate_making as making
from masar_research.engine.replicates import attach

Draw = Callable[[np.random.Generator], tuple[np.ndarray, Columns, Mapping[str, Design]]]
"""rng → rows of the population, columns that the sample adds, the design by method."""

SETS = 20  # sets of bootstrap replicates, taken by lot: the making is random too
RAO_WU = 60


@dataclass(frozen=True, slots=True, eq=False)
class Trial:
    """One design.

    Parameters
    ----------
    name, words : str
    df : int
        Degrees of freedom of the whole sample.
    people : Population
    draw : callable
    tried : mapping
        The statistics of each way to the variance that `draw` declares.
    full : int
        Samples of the full run.
    """

    name: str
    words: str
    df: int
    people: Population
    draw: Draw
    tried: Mapping[str, tuple[Statistic, ...]]
    full: int = 4000


def labels(strata: int, psus: int, take: int) -> tuple[np.ndarray, np.ndarray]:
    return np.repeat(np.arange(strata), psus * take), np.tile(np.repeat(np.arange(psus), take), strata)


class Replicated:
    """Replicates of one structure, made once and attached to the weights of every sample."""

    def __init__(self, base: Design, kinds: tuple[str, ...], seed: int) -> None:
        rng = np.random.default_rng(seed)
        make = {
            "JKn": lambda: [making.jackknife(base, stratified=True)],
            "BRR": lambda: [making.balanced(base, 0.0)],
            "Fay": lambda: [making.balanced(base, 0.5)],
            "Rao–Wu": lambda: [making.rao_wu(base, RAO_WU, rng) for _ in range(SETS)],
            "bootstrap": lambda: [making.bootstrap(base, RAO_WU, rng) for _ in range(SETS)],
        }
        self.made = {kind: make[kind]() for kind in kinds}

    def __call__(self, design: Design, rng: np.random.Generator) -> dict[str, Design]:
        out = {"linearised": design}
        for kind, sets in self.made.items():
            one = sets[rng.integers(len(sets))]
            df = min(design.df, one.weights.number - 1)
            out[kind] = attach(
                design, one.weights, scale=one.scale, rscales=one.rscales, mse=False, df=df, facts={}
            )
        return out


def by_size(people: Population, psus: int, take: int, kinds: tuple[str, ...]) -> Draw:
    """PSUs with replacement in proportion to size, `take` persons in each."""
    strata, psu = labels(people.strata, psus, take)
    count = people.size.reshape(people.strata, people.blocks).sum(axis=1)
    design = engine.declare(count[strata] / (psus * take), strata=strata, psu=psu)
    replicated = Replicated(design, kinds, seed=people.strata)

    def draw(rng: np.random.Generator):
        blocks = drawing.by_size(people, rng, psus).ravel()
        return drawing.persons(people, rng, blocks, take), {}, replicated(design, rng)

    return draw


def at_equal_chance(people: Population, psus: int, take: int, kinds: tuple[str, ...]) -> Draw:
    """PSUs with replacement at equal chance, as many persons in each: weights go with their size."""
    strata, psu = labels(people.strata, psus, take)
    design = engine.declare(np.ones(len(strata)), strata=strata, psu=psu)
    replicated = Replicated(design, kinds, seed=people.strata)

    def draw(rng: np.random.Generator):
        blocks = drawing.at_equal_chance(people, rng, psus).ravel()
        weights = np.repeat(people.size[blocks] * people.blocks / (psus * take), take)
        rows = drawing.persons(people, rng, blocks, take)
        return rows, {}, replicated(design.reweight(weights), rng)

    return draw


def finite(people: Population, psus: int, take: int, *, told: bool, kinds: tuple[str, ...] = ()) -> Draw:
    """Blocks of one size without replacement, whole or sampled; `told` declares the populations."""
    strata, psu = labels(people.strata, psus, take)
    size, n = int(people.size[0]), len(strata)
    weights = np.full(n, people.blocks * size / (psus * take))
    person = np.tile(np.arange(take), people.strata * psus)
    first = np.full(n, people.blocks)
    if not told:
        design = engine.declare(weights, strata=strata, psu=psu)
    elif take == size:
        design = engine.declare(weights, strata=strata, psu=psu, fpc=first)
    else:
        design = engine.declare(weights, strata=strata, psu=[psu, person], fpc=[first, np.full(n, size)])
    replicated = Replicated(design, kinds, seed=people.strata)

    def draw(rng: np.random.Generator):
        blocks = drawing.without_replacement(people, rng, psus).ravel()
        return drawing.persons(people, rng, blocks, take), {}, replicated(design, rng)

    return draw


def elements(people: Population, take: int) -> Draw:
    """Persons without replacement, as many in each stratum (a stratum is one block)."""
    strata = np.repeat(np.arange(people.strata), take)
    count = people.size[strata]
    design = engine.declare(count / take, strata=strata, fpc=count)

    def draw(rng: np.random.Generator):
        rows = drawing.persons(people, rng, np.arange(people.strata), take)
        return rows, {}, {"linearised": design}

    return draw


def raked(people: Population, psus: int, take: int, kinds: Mapping[str, object]) -> Draw:
    """The sample of `at_equal_chance`, raked to sex and age; replicates rake again."""
    margins = {
        name: {float(k): float(c) for k, c in enumerate(np.bincount(people.columns[name]))}
        for name in ("sex", "age")
    }
    strata, psu = labels(people.strata, psus, take)

    def draw(rng: np.random.Generator):
        blocks = drawing.at_equal_chance(people, rng, psus).ravel()
        rows = drawing.persons(people, rng, blocks, take)
        frame = pd.DataFrame({
            "weight": np.repeat(people.size[blocks] * people.blocks / (psus * take), take),
            "stratum": strata, "psu": psu, "sex": people.columns["sex"][rows].astype(float),
            "age": people.columns["age"][rows].astype(float),
        })  # fmt: skip
        survey = mr.Survey(frame, weights="weight", strata="stratum", psu="psu")
        survey = survey.weighting.rake(margins).apply()
        designs = {"linearised": survey.design}
        for name, kind in kinds.items():
            lots = {"rng": rng} if isinstance(kind, mr.replicates.RaoWu) else {}
            designs[name] = survey.with_replicates(kind, **lots).design
        return rows, {}, designs

    return draw


def two_waves(
    people: Population, psus: int, kept: int, take: int, kinds: tuple[str, ...]
) -> Draw:
    """Two waves with `kept` of the PSUs in common, other persons in them."""
    both = 2 * psus
    strata = np.repeat(np.arange(people.strata), both * take)
    place = np.concatenate([np.arange(psus), np.arange(psus) + psus - kept])
    psu = np.tile(np.repeat(place, take), people.strata)
    wave = np.tile(np.repeat(np.arange(2), psus * take), people.strata)
    count = people.size.reshape(people.strata, people.blocks).sum(axis=1)
    design = engine.declare(count[strata] / (psus * take), strata=strata, psu=psu, wave=wave)
    replicated = Replicated(design, kinds, seed=people.strata)

    def draw(rng: np.random.Generator):
        blocks = drawing.by_size(people, rng, both - kept)[:, place].ravel()
        rows = drawing.persons(people, rng, blocks, take)
        pooled = np.where(wave == 0, people.columns["y"][rows], people.columns["y_later"][rows])
        return rows, {"wave": wave, "pooled": pooled}, replicated(design, rng)

    return draw


def lonely(people: Population, alone: int, take: int, rule: str) -> Draw:
    """Two PSUs in most strata and one in the last `alone`, under a rule for such strata."""
    of = np.concatenate([np.full(2 * (people.strata - alone), 2), np.ones(alone, int)])
    stratum = np.concatenate([np.repeat(np.arange(people.strata - alone), 2),
                              np.arange(people.strata - alone, people.strata)])  # fmt: skip
    place = np.concatenate([np.tile([0, 1], people.strata - alone), np.zeros(alone, int)])
    count = people.size.reshape(people.strata, people.blocks).sum(axis=1)
    weights = np.repeat(count[stratum] / (of * take), take)
    group = {"collapse": np.repeat((stratum + 1) // 2, take)} if rule == "collapse" else {}
    design = engine.declare(
        weights, strata=np.repeat(stratum, take), psu=np.repeat(np.arange(len(stratum)), take),
        lonely_psu=rule, **group,
    )  # fmt: skip

    def draw(rng: np.random.Generator):
        blocks = drawing.by_size(people, rng, 2)[stratum, place]
        return drawing.persons(people, rng, blocks, take), {}, {"linearised": design}

    return draw


MADE = ("JKn", "BRR", "Fay", "Rao–Wu")
ANY_SIZE = ("JKn", "Rao–Wu")
AGAIN = {"JKn": mr.replicates.JKn(), "Rao–Wu": mr.replicates.RaoWu(RAO_WU)}


def some(*names: str) -> tuple[Statistic, ...]:
    return tuple(s for s in STATISTICS if s.name in names)


def less(statistics: tuple[Statistic, ...], *names: str) -> tuple[Statistic, ...]:
    return tuple(s for s in statistics if s.name not in names)


INCOMES, RELATIVE = some("Gini and S80/S20"), some("rate below 0.6 median")
USUAL = less(STATISTICS, "share near 0.1, likelihood")  # slow: tried in one design
SUMS = less(USUAL, *LINEARISED_ONLY, *(s.name for s in INCOMES + RELATIVE))
CORE = some(
    "mean", "total", "ratio", "share near 0.1, logit", "median", "mean by region", "total of women",
    "gap between the sexes", "gap between two regions",
)  # fmt: skip
# With 4 degrees of freedom parts of the strata or of the persons have hardly any, and the share
# below the ninth decile reaches beyond 1 on its own scale, so that there often is no interval.
TOO_LITTLE = (
    "mean by region", "gap between two regions", "mean in a small domain",
    "share in a small domain, logit", "ninth decile of income",
)  # fmt: skip
FIXED = "count by age"  # by raking: without error

_PAIRS = populate(1, strata=31, blocks=60, sizes=(30, 90))
_UNEQUAL = populate(2, strata=15, blocks=80, sizes=(20, 120))
_FEW = populate(3, strata=2, blocks=150, sizes=(60, 90))
_WHOLE = populate(4, strata=20, blocks=12, sizes=(10, 10))
_PARTS = populate(5, strata=20, blocks=12, sizes=(24, 24))
_PERSONS = populate(6, strata=10, blocks=1, sizes=(300, 900))
_RAKED = populate(7, strata=31, blocks=60, sizes=(30, 90))
_WAVES = populate(8, strata=20, blocks=80, sizes=(30, 90))

TRIALS: dict[str, Trial] = {
    trial.name: trial
    for trial in (
        Trial("pairs", "31 strata, 2 PSUs in each by size with replacement, 8 persons in a PSU", 31,
              _PAIRS, by_size(_PAIRS, 2, 8, MADE),
              {"linearised": STATISTICS, "JKn": SUMS, "BRR": CORE,
               "Fay": SUMS + INCOMES + RELATIVE, "Rao–Wu": SUMS + INCOMES}),
        Trial("unequal", "15 strata, 5 PSUs in each at equal chance, 8 persons of 20 to 120 in a PSU: weights vary sixfold", 60,
              _UNEQUAL, at_equal_chance(_UNEQUAL, 5, 8, (*ANY_SIZE, "bootstrap")),
              {"linearised": USUAL + MORE, "JKn": CORE, "Rao–Wu": SUMS, "bootstrap": CORE}),
        Trial("few PSUs", "2 strata, 3 PSUs in each by size, 25 persons in a PSU", 4,
              _FEW, by_size(_FEW, 3, 25, ANY_SIZE),
              {"linearised": less(USUAL, *TOO_LITTLE), "JKn": less(SUMS, *TOO_LITTLE) + INCOMES + RELATIVE,
               "Rao–Wu": less(CORE, *TOO_LITTLE)}),
        Trial("fpc", "20 strata, 4 of 12 blocks in each without replacement, all 10 persons of a block", 60,
              _WHOLE, finite(_WHOLE, 4, 10, told=True, kinds=ANY_SIZE),
              {"linearised": USUAL, "JKn": SUMS, "Rao–Wu": CORE}),
        Trial("two-stage fpc", "20 strata, 4 of 12 blocks in each, 8 of 24 persons in a block", 60,
              _PARTS, finite(_PARTS, 4, 8, told=True), {"linearised": USUAL}),
        Trial("persons", "10 strata, 60 of 300 to 900 persons in each without replacement, no clusters", 590,
              _PERSONS, elements(_PERSONS, 60), {"linearised": USUAL}),
        Trial("raked", "31 strata, 2 PSUs in each at equal chance, 8 persons in a PSU, raked to sex and age", 31,
              _RAKED, raked(_RAKED, 2, 8, {"Fay": mr.replicates.Fay()}),
              {"linearised": less(USUAL, FIXED), "Fay": CORE + INCOMES}),
        Trial("raked again", "the same design by replicates that take longer; in the full run only", 31,
              _RAKED, raked(_RAKED, 2, 8, AGAIN), {"JKn": CORE, "Rao–Wu": CORE}, full=1000),
        Trial("two waves", "20 strata, 5 PSUs by size in each of two waves, 3 in common, 8 persons in a PSU", 80,
              _WAVES, two_waves(_WAVES, 5, 3, 8, ANY_SIZE),
              {"linearised": CHANGES, "JKn": CHANGES, "Rao–Wu": CHANGES}),
        Trial("with replacement assumed", "the samples of the two-stage fpc design, its populations not declared", 60,
              _PARTS, finite(_PARTS, 4, 8, told=False), {"linearised": CORE}),
        Trial("centre", "29 strata of 2 PSUs and 2 of one, `lonely_psu=\"centre\"`", 29,
              _PAIRS, lonely(_PAIRS, 2, 8, "centre"), {"linearised": CORE}),
        Trial("collapse", "27 strata of 2 PSUs and 4 of one, merged with a neighbour", 29,
              _PAIRS, lonely(_PAIRS, 4, 8, "collapse"), {"linearised": CORE}),
    )
}  # fmt: skip
LONG = ("raked again",)
