"""From 2022 to 2026: age, death, marriage, schooling and work; and persistent dispositions."""

from __future__ import annotations

import numpy as np

from . import education, households, labour
from .facts import WAVES
from .population import TRAITS, Population

_DEATH = ((15, 40, 60, 70, 80), (0.0006, 0.0016, 0.010, 0.034, 0.085, 0.22))  # in two years


def evolve(rng: np.random.Generator, m: dict[str, np.ndarray], frame: dict[str, np.ndarray]) -> Population:
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
