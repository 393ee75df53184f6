"""The finite population: blocks, households, persons and their state in each wave."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, fields
from functools import lru_cache
from pathlib import Path

import numpy as np

from . import education, households, labour
from .facts import NATIONALITIES, SEED, WAVES
from .geography import GOVERNORATES, HOUSEHOLDS, MEAN_BLOCK, nationality_mix, strata

TRAITS = ("norms", "efficacy", "engagement", "trust", "skill", "digital", "wellbeing", "answering")
_SOURCES = ("facts.py", "geography.py", "households.py", "education.py", "labour.py", "population.py")


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


def _households_by_stratum(rng: np.random.Generator, mean_size: np.ndarray) -> list[np.ndarray]:
    """Number of households by nationality for each stratum, filling its blocks."""
    mix = nationality_mix() / mean_size[None, :]
    row = {g.code: k for k, g in enumerate(GOVERNORATES)}
    counts = []
    for s in strata():
        share = mix[row[s.governorate]] / mix[row[s.governorate]].sum()
        total = s.blocks * MEAN_BLOCK
        exact = share * total
        whole = np.floor(exact).astype(int)
        whole[np.argsort(-(exact - whole), kind="stable")[: total - whole.sum()]] += 1
        counts.append(whole)
    return counts


def build(rng: np.random.Generator) -> Population:
    """Make the population from nothing but a generator of random numbers."""
    sizes = np.empty(5)
    for k, group in enumerate(NATIONALITIES):
        probe = households.simulate(np.random.default_rng([SEED, group]), group, 40_000)
        sizes[k] = (probe.young.sum() + (probe.age >= 15).sum()) / 40_000
    by_stratum = _households_by_stratum(rng, sizes)
    pools = [households.simulate(rng, group, int(sum(c[k] for c in by_stratum)))
             for k, group in enumerate(NATIONALITIES)]

    nationality, source, stratum_block = [], [], []
    used = np.zeros(5, int)
    block_stratum, block_governorate, block_urban, block_houses = [], [], [], []
    first_block = 0
    for s, counts in zip(strata(), by_stratum, strict=True):
        nat = np.repeat(np.array(NATIONALITIES, np.int8), counts)
        src = np.concatenate([np.arange(used[k], used[k] + counts[k]) for k in range(5)])
        used += counts
        weights = np.clip(rng.gamma(18, 1 / 18, s.blocks), 0.5, 1.75)
        edges = np.round(np.cumsum(weights) / weights.sum() * nat.size).astype(int)
        houses = np.diff(np.r_[0, edges])
        block_houses.append(houses)
        block_stratum += [s.code] * s.blocks
        block_governorate += [s.governorate] * s.blocks
        urban = np.ones(s.blocks, np.int8)
        urban[rng.permutation(s.blocks)[: s.rural_blocks]] = 2
        block_urban.append(urban)
        nationality.append(nat)
        source.append(src)
        stratum_block.append((first_block, s.blocks))
        first_block += s.blocks

    # Households that resemble each other live together: sorted by a score that mixes wealth,
    # nationality and chance, then cut into blocks whose order is shuffled.
    nat_all, src_all, block_all, wealth_all = [], [], [], []
    for (start, n_blocks), nat, src, houses in zip(stratum_block, nationality, source, block_houses, strict=True):
        wealth = rng.standard_normal(nat.size) + np.take([0, .12, -.55, -.30, -.60, .35], nat)
        score = 0.50 * wealth + np.take([0, 0, -.55, -.45, -.25, .35], nat) + 0.95 * rng.standard_normal(nat.size)
        order = np.argsort(score, kind="stable")
        blocks = np.repeat(rng.permutation(n_blocks), houses[rng.permutation(n_blocks)])
        nat_all.append(nat[order])
        src_all.append(src[order])
        wealth_all.append(wealth[order])
        block_all.append(start + blocks)
    nat = np.concatenate(nat_all)
    src = np.concatenate(src_all)
    wealth = np.concatenate(wealth_all)
    block = np.concatenate(block_all)
    order = np.argsort(block, kind="stable")
    nat, src, wealth, block = nat[order], src[order], wealth[order], block[order].astype(np.int32)
    n_blocks = first_block
    block_start = np.searchsorted(block, np.arange(n_blocks + 1))
    listed = np.diff(block_start)
    size = np.maximum(20, np.round(listed * np.exp(rng.normal(0, 0.10, n_blocks)))).astype(np.int32)

    members = _gather(pools, nat, src)
    governorate = np.array(block_governorate, np.int8)
    return _evolve(rng, members, dict(
        block_stratum=np.array(block_stratum, np.int16), block_governorate=governorate,
        block_urban=np.concatenate(block_urban), block_size=size, block_start=block_start.astype(np.int32),
        house_block=block, house_nationality=nat, house_wealth=wealth.astype(np.float32)))


def _gather(pools, nat, src) -> dict[str, np.ndarray]:
    """Members of the pools in the order of the households, with their counts."""
    n_persons = np.zeros(nat.size, np.int64)
    starts = []
    for k, pool in enumerate(pools):
        start = np.searchsorted(pool.household, np.arange(pool.young.shape[0] + 1))
        starts.append(start)
        mine = nat == k + 1
        n_persons[mine] = np.diff(start)[src[mine]]
    house_start = np.r_[0, np.cumsum(n_persons)]
    out = {name: np.empty(house_start[-1], np.int8) for name in ("sex", "age", "marital", "role", "marriage_age")}
    young = np.empty((nat.size, 15), np.int8)
    fertile = np.empty(nat.size)
    for k, pool in enumerate(pools):
        mine = np.flatnonzero(nat == k + 1)
        counts = n_persons[mine]
        inside = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        to = np.repeat(house_start[mine], counts) + inside
        frm = np.repeat(starts[k][src[mine]], counts) + inside
        for name, target in out.items():
            target[to] = getattr(pool, name)[frm]
        young[mine] = pool.young[src[mine]]
        fertile[mine] = pool.fertile[src[mine]]
    return out | {"house_start": house_start.astype(np.int32), "young": young, "fertile": fertile}


_DEATH = ((15, 40, 60, 70, 80), (0.0006, 0.0016, 0.010, 0.034, 0.085, 0.22))  # in two years


def _evolve(rng: np.random.Generator, m: dict[str, np.ndarray], frame: dict[str, np.ndarray]) -> Population:
    """State of every person and household in each wave."""
    n = m["sex"].size
    n_house = frame["house_block"].size
    house = np.repeat(np.arange(n_house, dtype=np.int32), np.diff(m["house_start"]))
    block = frame["house_block"][house]
    sex, age0 = m["sex"], m["age"].astype(np.int16)
    nat = frame["house_nationality"][house]
    wealth = frame["house_wealth"][house].astype(float)
    final = education.final_education(rng, sex, age0, nat, wealth)
    traits = _traits(rng, sex, age0, final, nat, wealth, house, block, n_house, frame["block_size"].size)
    place, place_out = rng.standard_normal((2, frame["block_size"].size))
    home = rng.standard_normal(n_house)
    person = rng.standard_normal(n)
    governorate = frame["block_governorate"][block]

    marital = m["marital"].copy()
    marriage_age = m["marriage_age"].copy()
    alive = np.ones(n, bool)
    shape = (len(WAVES), n)
    present, maritals, studies = np.zeros(shape, bool), np.zeros(shape, np.int8), np.zeros(shape, bool)
    employment = np.zeros(shape, np.int8)
    adults, youngs, smalls = (np.zeros((len(WAVES), n_house), np.int8) for _ in range(3))
    births = np.zeros((n_house, len(WAVES)), np.int64)
    for t, wave in enumerate(WAVES):
        years = wave - WAVES[0]
        age = age0 + years
        if t:
            alive, marital, marriage_age = _two_years(rng, alive, sex, age, marital, marriage_age, m["role"], house)
            births[:, t] = rng.poisson(2 * m["fertile"])
        adult = alive & (age >= 15)
        level = education.attained(final, age)
        learns = education.attending(rng, final, age) & adult
        young = m["young"][:, : 15 - years].sum(axis=1) + births.sum(axis=1)
        small = m["young"][:, : max(0, 6 - years)].sum(axis=1) + births.sum(axis=1)
        married = marital == 2
        score_in = labour.participation_score(sex, age, level, married, (small > 0)[house], learns, governorate,
                                              place[block], home[house], person, rng.standard_normal(n))
        score_out = labour.unemployment_score(sex, age, level, married, governorate, place_out[block], home[house],
                                              person, rng.standard_normal(n))
        present[t], maritals[t], studies[t] = adult, marital, learns
        employment[t] = labour.statuses(wave, sex, nat, level, adult, score_in, score_out)
        adults[t] = np.bincount(house[adult], minlength=n_house)
        youngs[t], smalls[t] = young, small
    return Population(**frame, house_start=m["house_start"], house_adults=adults, house_young=youngs,
                      house_small=smalls, sex=sex, age=m["age"], role=m["role"], final=final,
                      marriage_age=marriage_age, traits=traits, present=present, marital=maritals,
                      studies=studies, employment=employment)


def _two_years(rng, alive, sex, age, marital, marriage_age, role, house):
    """Deaths, widowhood, divorce and first marriages between two waves."""
    risk = np.take(_DEATH[1], np.searchsorted(_DEATH[0], age, side="right"))
    dies = alive & (rng.random(age.size) < risk * np.where(sex == 2, 0.85, 1.1))
    parts = (role == households.HEAD) & (sex == 1) & (marital == 2) & (rng.random(age.size) < 0.006)
    alive = alive & ~dies & ~parts
    marital, marriage_age = marital.copy(), marriage_age.copy()
    n_house = int(house[-1]) + 1
    husband_died = np.zeros(n_house, bool)
    husband_left = np.zeros(n_house, bool)
    head = (role == households.HEAD) & (sex == 1) & (marital == 2)
    husband_died[house[head & dies]] = True
    husband_left[house[head & parts]] = True
    wife = (role == households.SPOUSE) & (marital == 2)
    marital[wife & husband_died[house]] = 4
    marital[wife & husband_left[house]] = 3
    wife_died = np.zeros(n_house, bool)
    wife_died[house[(role == households.SPOUSE) & dies]] = True
    marital[head & wife_died[house]] = 4
    centre = np.where(sex == 2, 25.0, 30.0)
    hazard = 0.10 * np.exp(-(((age - centre) / 5.5) ** 2))
    weds = alive & (marital == 1) & (role == households.CHILD) & (age >= 16) & (rng.random(age.size) < hazard)
    marital[weds] = 2
    marriage_age[weds] = age[weds] - 1
    return alive, marital, marriage_age


# (woman, age per ten years from 35, education per level from 3, wealth, household, block, person)
_TRAIT_WEIGHTS = {
    "norms": (.45, -.10, .14, .10, .40, .26, .80),
    "efficacy": (-.08, .02, .12, .15, .20, .18, .90),
    "engagement": (-.30, .00, .15, .02, .25, .24, .85),
    "trust": (.05, .10, -.06, -.02, .25, .28, .85),
    "skill": (-.02, -.08, .26, .10, .20, .16, .85),
    "digital": (-.12, -.26, .25, .25, .30, .18, .70),
    "wellbeing": (.05, -.04, .10, .30, .35, .22, .80),
    "answering": (-.12, -.05, .15, .00, .10, .10, .90),
}


def _traits(rng, sex, age, final, nat, wealth, house, block, n_house, n_block) -> np.ndarray:
    """Persistent dispositions (8, n), standardised over the population."""
    out = np.empty((len(TRAITS), sex.size), np.float32)
    for k, name in enumerate(TRAITS):
        woman, ten, school, rich, home, place, own = _TRAIT_WEIGHTS[name]
        value = woman * (sex == 2) + ten * (age - 35) / 10 + school * (final - 3.0) + rich * wealth
        value += home * rng.standard_normal(n_house)[house] + place * rng.standard_normal(n_block)[block]
        value += own * rng.standard_normal(sex.size)
        if name == "norms":
            value -= 0.25 * (nat == 2)
        out[k] = (value - value.mean()) / value.std()
    return out
