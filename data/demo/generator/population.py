"""The finite population: blocks, households, persons and their state in each wave."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, fields
from functools import lru_cache
from pathlib import Path

import numpy as np

from . import education
from .facts import SEED, WAVES

TRAITS = ("norms", "efficacy", "engagement", "trust", "skill", "digital", "wellbeing", "answering")
_SOURCES = ("facts.py", "geography.py", "households.py", "education.py", "labour.py", "settlement.py", "ageing.py", "population.py")


@dataclass(frozen=True, slots=True)
class Population:
    """All arrays of the population. Persons are sorted by block and household.

    Blocks (b,): ``block_stratum`` code, ``block_governorate``, ``block_urban`` 1/2,
    ``block_size`` the frame's measure of size, ``block_start`` (b+1,) first household.
    Households (h,): ``house_block``, ``house_start`` (h+1,) first person, ``house_nationality``,
    ``house_wealth``, and by wave (3, h) ``house_adults`` persons 15+, ``house_young`` under 15,
    ``house_small`` under 6.
    Persons (n,): ``sex``, ``age`` in 2022, ``role``, ``final`` education, ``marriage_age``,
    ``traits`` (8, n) standard scores; by wave (3, n) ``present`` (alive and 15+), ``marital``,
    ``studies``, ``employment``.
    """

    block_stratum: np.ndarray
    block_governorate: np.ndarray
    block_urban: np.ndarray
    block_size: np.ndarray
    block_start: np.ndarray
    house_block: np.ndarray
    house_start: np.ndarray
    house_nationality: np.ndarray
    house_wealth: np.ndarray
    house_adults: np.ndarray
    house_young: np.ndarray
    house_small: np.ndarray
    sex: np.ndarray
    age: np.ndarray
    role: np.ndarray
    final: np.ndarray
    marriage_age: np.ndarray
    traits: np.ndarray
    present: np.ndarray
    marital: np.ndarray
    studies: np.ndarray
    employment: np.ndarray

    @property
    def person_house(self) -> np.ndarray:
        """Row of the household (n,) of each person."""
        return np.repeat(np.arange(self.house_block.size, dtype=np.int32), np.diff(self.house_start))


@dataclass(frozen=True, slots=True)
class WaveView:
    """One wave's persons 15 and over, for computing true values.

    ``rows`` (m,) rows of :class:`Population`; the rest (m,) under the survey's own names.
    """

    wave: int
    rows: np.ndarray
    house: np.ndarray
    block: np.ndarray
    sex: np.ndarray
    age: np.ndarray
    age_labour: np.ndarray
    education: np.ndarray
    nationality: np.ndarray
    jordanian: np.ndarray
    governorate: np.ndarray
    region: np.ndarray
    urban: np.ndarray
    marital: np.ndarray
    studies: np.ndarray
    employment: np.ndarray
    wealth: np.ndarray
    small: np.ndarray
    marriage_age: np.ndarray
    traits: np.ndarray


def wave_index(wave: int) -> int:
    """Position of a wave; an unknown one is an error."""
    if wave not in WAVES:
        raise ValueError(f"wave {wave!r} was not surveyed; the waves are {WAVES}")
    return WAVES.index(wave)


def _code_key() -> str:
    here = Path(__file__).parent
    digest = hashlib.sha256(np.__version__.split(".")[0].encode())
    for name in _SOURCES:
        digest.update((here / name).read_bytes())
    return digest.hexdigest()[:16]


def cache_path() -> Path:
    """Where the built population is kept: ``.cache/`` of the project, or ``MASAR_CACHE``."""
    root = Path(os.environ.get("MASAR_CACHE", Path(__file__).parents[3] / ".cache"))
    return root / "masar_demo" / f"population-{_code_key()}.npz"


@lru_cache(maxsize=1)
def the_population(*, cached: bool = True) -> Population:
    """The population, from the cache where it has been built before (about half a minute otherwise)."""
    from .settlement import build

    path = cache_path()
    if cached and path.exists():
        with np.load(path) as stored:
            return Population(**{f.name: stored[f.name] for f in fields(Population)})
    made = build(np.random.default_rng(SEED))
    if cached:
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f"{path.stem}.{os.getpid()}.part.npz")
        np.savez(part, **{f.name: getattr(made, f.name) for f in fields(Population)})
        part.replace(path)
        for old in set(path.parent.glob("population-*.npz")) - {path}:
            old.unlink(missing_ok=True)
    return made


@lru_cache(maxsize=1)
def population(wave: int) -> WaveView:
    """One wave's persons 15 and over (about 2 million rows)."""
    return view(the_population(), wave)


def view(pop: Population, wave: int) -> WaveView:
    """Select a wave's persons 15 and over."""
    t = wave_index(wave)
    rows = np.flatnonzero(pop.present[t])
    house = pop.person_house[rows]
    block = pop.house_block[house]
    age = (pop.age[rows] + (wave - WAVES[0])).astype(np.int16)
    nationality = pop.house_nationality[house]
    governorate = pop.block_governorate[block]
    return WaveView(
        wave=wave, rows=rows, house=house, block=block, sex=pop.sex[rows], age=age,
        age_labour=(1 + np.searchsorted((25, 40, 60), age, side="right")).astype(np.int8),
        education=education.attained(pop.final[rows], age), nationality=nationality,
        jordanian=(nationality == 1).astype(np.int8), governorate=governorate,
        region=(governorate // 10).astype(np.int8), urban=pop.block_urban[block], marital=pop.marital[t][rows],
        studies=pop.studies[t][rows], employment=pop.employment[t][rows], wealth=pop.house_wealth[house],
        small=pop.house_small[t][house], marriage_age=pop.marriage_age[rows], traits=pop.traits[:, rows],
    )
