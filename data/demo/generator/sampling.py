"""Drawing blocks, households, persons and their response.

Stage 1. Within each stratum the blocks are put in random order and 2 n of them are drawn by
systematic sampling with probability proportional to the frame's measure of size (Hartley and
Rao 1962); at random they are split into four panels of n/2. Wave 1 uses panels A and B, wave 2
B and C, wave 3 C and D: half the blocks stay from one wave to the next, and in each wave a block
of size m is in the sample with probability n m / M exactly.
Stage 2. In each block sixteen households are drawn from a fresh listing without replacement.
Stage 3. One person 15 and over is drawn with equal probability among those of the household.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from . import education
from .facts import WAVES
from .geography import strata
from .population import Population, WaveView, the_population, wave_index

HOUSEHOLDS_PER_BLOCK = 16
COMPLETED, PARTIAL, HOUSEHOLD_REFUSED, PERSON_REFUSED, NO_CONTACT, PERSON_ABSENT = 1, 2, 3, 4, 5, 6

# Assumed response. Contact and the household's consent depend on place; the person's consent on
# sex and age. Factors multiply.
_CONTACT = {"capital": 0.885, "zarqa": 0.905, "urban": 0.935, "rural": 0.962}
_CONSENT = {"capital": 0.880, "zarqa": 0.905, "urban": 0.935, "rural": 0.965}
_PERSON = np.array([[0.0, 0.0, 0.0, 0.0, 0.0], [0, .880, .815, .875, .935], [0, .935, .950, .950, .940]])
_ABSENT_SHARE = np.array([0.0, 0.55, 0.25])  # of those lost at the person stage, by sex
_BREAK_OFF = 0.012


@dataclass(frozen=True, slots=True)
class Plan:
    """The blocks of a study: ``panels`` four arrays of block rows; ``probability`` (b,) of a block in a wave."""

    panels: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]
    probability: np.ndarray

    def blocks(self, wave: int) -> np.ndarray:
        """Rows of the blocks sampled in a wave, sorted."""
        t = wave_index(wave)
        return np.sort(np.concatenate([self.panels[t], self.panels[t + 1]]))


def draw_plan(pop: Population, rng: np.random.Generator) -> Plan:
    """Draw the blocks of all three waves."""
    panels: list[list[np.ndarray]] = [[], [], [], []]
    probability = np.zeros(pop.block_size.size)
    for s in strata():
        rows = np.flatnonzero(pop.block_stratum == s.code)
        size = pop.block_size[rows].astype(float)
        probability[rows] = s.sampled * size / size.sum()
        draws = 2 * s.sampled
        order = rng.permutation(rows.size)
        ladder = np.cumsum(size[order]) / size.sum() * draws
        ticks = rng.random() + np.arange(draws)
        taken = rows[order[np.minimum(np.searchsorted(ladder, ticks, side="left"), rows.size - 1)]]
        taken = taken[rng.permutation(draws)]
        for k in range(4):
            panels[k].append(taken[k * s.sampled // 2: (k + 1) * s.sampled // 2])
    return Plan(tuple(np.concatenate(p) for p in panels), probability)


def _places(pop: Population, block: np.ndarray) -> np.ndarray:
    gov, urban = pop.block_governorate[block], pop.block_urban[block]
    kind = np.where(urban == 2, 3, np.where(gov == 11, 0, np.where(gov == 13, 1, 2)))
    return kind


def _households(pop: Population, t: int, blocks: np.ndarray, rng: np.random.Generator):
    """Sixteen occupied households of each block and the number listed there."""
    start, stop = pop.block_start[blocks], pop.block_start[blocks + 1]
    count = stop - start
    which = np.repeat(np.arange(blocks.size), count)
    house = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count) + np.repeat(start, count)
    occupied = pop.house_adults[t, house] > 0
    which, house = which[occupied], house[occupied]
    listed = np.bincount(which, minlength=blocks.size)
    order = np.lexsort((rng.random(house.size), which))
    first = np.r_[0, np.cumsum(listed)[:-1]]
    rank = np.arange(house.size) - first[which[order]]
    chosen = order[rank < HOUSEHOLDS_PER_BLOCK]
    return house[chosen], which[chosen], listed


def _persons(pop: Population, t: int, house: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """One person 15 and over of each household."""
    start = pop.house_start[house]
    count = pop.house_start[house + 1] - start
    which = np.repeat(np.arange(house.size), count)
    person = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count) + np.repeat(start, count)
    key = np.where(pop.present[t, person], rng.random(person.size), -1.0)
    first = np.cumsum(count) - count
    best = np.maximum.reduceat(key, first)
    return person[key == best[which]]


def respond(pop: Population, t: int, house: np.ndarray, person: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Final disposition (r,) of each sampled person."""
    kind = _places(pop, pop.house_block[house])
    contact = np.array(list(_CONTACT.values()))[kind]
    consent = np.array(list(_CONSENT.values()))[kind]
    sex = pop.sex[person]
    age = pop.age[person] + (WAVES[t] - WAVES[0])
    band = 1 + np.searchsorted((25, 40, 60), age, side="right")
    u = rng.random((5, house.size))
    status = np.full(house.size, COMPLETED, np.int8)
    status[u[4] < _BREAK_OFF] = PARTIAL
    lost = u[2] >= _PERSON[sex, band]
    status[lost] = np.where(u[3] < _ABSENT_SHARE[sex], PERSON_ABSENT, PERSON_REFUSED)[lost]
    status[u[1] >= consent] = HOUSEHOLD_REFUSED
    status[u[0] >= contact] = NO_CONTACT
    return status


def draw_sample(pop: Population | WaveView, wave: int, rng: np.random.Generator, *, plan: Plan | None = None,
                response: bool = True) -> pd.DataFrame:
    """Draw one wave's sample.

    Parameters
    ----------
    pop : Population or WaveView
    wave : int
    rng : numpy.random.Generator
    plan : Plan, optional
        The blocks of a study (:func:`draw_plan`); a new plan is drawn when absent.
    response : bool
        ``False`` makes everybody respond.

    Returns
    -------
    pandas.DataFrame
        One row per sampled household (about 4,800) under the harmonised names; ``base_weight`` is
        the inverse of the selection probability over all stages. What only the roster or the
        interview tells is NaN where it was not reached.
    """
    if isinstance(pop, WaveView):
        pop = the_population()
    t = wave_index(wave)
    plan = draw_plan(pop, rng) if plan is None else plan
    blocks = plan.blocks(wave)
    house, which, listed = _households(pop, t, blocks, rng)
    person = _persons(pop, t, house, rng)
    status = respond(pop, t, house, person, rng) if response else np.full(house.size, COMPLETED, np.int8)
    adults = pop.house_adults[t, house].astype(float)
    block = blocks[which]
    take = np.minimum(HOUSEHOLDS_PER_BLOCK, listed[which])
    weight = 1 / plan.probability[block] * listed[which] / take * adults

    known = np.isin(status, (COMPLETED, PARTIAL, PERSON_REFUSED, PERSON_ABSENT))
    asked = np.isin(status, (COMPLETED, PARTIAL))

    def where(mask, values):
        return np.where(mask, np.asarray(values, float), np.nan)

    age = pop.age[person].astype(np.int16) + (wave - WAVES[0])
    nationality = pop.house_nationality[house]
    employment = pop.employment[t, person]
    governorate = pop.block_governorate[block].astype(float)
    force = employment != 3
    return pd.DataFrame({
        "wave": float(wave), "status": status.astype(float), "governorate": governorate,
        "region": governorate // 10, "urban": pop.block_urban[block].astype(float),
        "stratum": pop.block_stratum[block].astype(float), "psu": (block + 1).astype(float),
        "base_weight": weight, "household_adults": adults, "sex": where(known, pop.sex[person]),
        "age": where(known, age),
        "age_labour": where(known, 1 + np.searchsorted((25, 40, 60), age, side="right")),
        "education": where(asked, education.attained(pop.final[person], age)),
        "marital": where(asked, pop.marital[t, person]),
        "nationality": where(asked, nationality), "jordanian": where(asked, nationality == 1),
        "employment": where(asked, employment), "in_labour_force": where(asked, force),
        "employed": where(asked, employment == 1), "unemployed": where(asked & force, employment == 2),
        "_house": house, "_person": person,
    })


def draw_study(pop: Population, rng: np.random.Generator, *, response: bool = True) -> dict[int, pd.DataFrame]:
    """Draw all three waves of one study on the same panels of blocks."""
    plan = draw_plan(pop, rng)
    return {wave: draw_sample(pop, wave, rng, plan=plan, response=response) for wave in WAVES}
