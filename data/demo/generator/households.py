"""Households and their members in 2022, by nationality group.

A household is a couple with children (and sometimes a parent of the husband), a woman or man
alone or with children, or workers who share a dwelling. Children are born after their parents'
marriage, and grown children live at home until they marry. The parameters are assumptions,
set so that household size, sex ratio and age structure come out near the published ones.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

HEAD, SPOUSE, CHILD, OTHER = 0, 1, 2, 3
SINGLE, MARRIED, DIVORCED, WIDOWED = 1, 2, 3, 4
MALE, FEMALE = 1, 2
YOUNGEST_KEPT = 11  # reaches 15 by 2026
MOST_CHILDREN = 9


@dataclass(frozen=True, slots=True)
class Customs:
    """How households of a nationality group are made (all assumed).

    ``kinds``: shares of couple, woman with children, woman alone, man with children or alone,
    shared dwelling of workers; ``births``: mean of completed births for couples married long ago and
    its fall per year of birth of the wife; ``men_away``: grown sons and husbands living elsewhere.
    """

    kinds: tuple[float, float, float, float, float]
    husband_age: tuple[float, float, float]
    marriage_age: float
    births: float
    fall: float
    men_away: float
    workers_women: float


CUSTOMS = {
    1: Customs((0.820, 0.105, 0.030, 0.035, 0.010), (1.30, 2.60, 60), 23.6, 7.2, 0.055, 0.105, 0.3),
    2: Customs((0.815, 0.140, 0.010, 0.030, 0.005), (1.25, 3.20, 58), 20.8, 8.4, 0.040, 0.03, 0.0),
    3: Customs((0.825, 0.110, 0.025, 0.030, 0.010), (1.30, 2.70, 60), 22.6, 7.4, 0.050, 0.03, 0.0),
    4: Customs((0.160, 0.010, 0.005, 0.005, 0.820), (1.40, 3.40, 50), 21.5, 5.0, 0.030, 0.00, 0.05),
    5: Customs((0.620, 0.100, 0.040, 0.060, 0.180), (1.40, 2.70, 58), 23.8, 5.2, 0.045, 0.05, 0.35),
}


@dataclass(frozen=True, slots=True)
class Members:
    """Persons aged 11 and over in 2022, sorted by household, and younger children as counts.

    ``household`` (n,) row of the household; ``sex``, ``age`` (2022), ``marital``, ``role``,
    ``marriage_age`` (0 = never) (n,); ``young`` (households, 15) children by single year of age
    0..14 in 2022; ``fertile`` (households,) expected births per year of the household.
    """

    household: np.ndarray
    sex: np.ndarray
    age: np.ndarray
    marital: np.ndarray
    role: np.ndarray
    marriage_age: np.ndarray
    young: np.ndarray
    fertile: np.ndarray


def _left_home(age: np.ndarray, sex: np.ndarray, customs: Customs) -> np.ndarray:
    """Probability that a child of this age and sex no longer lives with the parents."""
    centre = np.where(sex == FEMALE, customs.marriage_age + 4.6, customs.marriage_age + 9.2)
    married = 0.97 / (1 + np.exp(-(age - centre) / 2.6))
    return np.where(age < 17, 0.0, married)


def simulate(rng: np.random.Generator, group: int, count: int) -> Members:
    """Draw ``count`` households of one nationality group.

    Parameters
    ----------
    rng : numpy.random.Generator
    group : int
        Nationality group 1..5.
    count : int
        Number of households.

    Returns
    -------
    Members
    """
    c = CUSTOMS[group]
    kind = rng.choice(5, size=count, p=np.array(c.kinds))
    rows: list[tuple[np.ndarray, ...]] = []
    young = np.zeros((count, 15), np.int8)
    fertile = np.zeros(count)

    def add(household, sex, age, marital, role, marriage_age):
        household = np.asarray(household)
        fill = [np.broadcast_to(np.asarray(v), household.shape) for v in (sex, age, marital, role, marriage_age)]
        rows.append((household, *fill))

    family = np.flatnonzero(kind <= 1)
    a, b, span = c.husband_age
    husband = 24.5 + rng.beta(a, b, family.size) * span
    wife = np.clip(husband - rng.normal(4.4, 3.0, family.size), 16, 85)
    wed = np.clip(rng.normal(c.marriage_age, 4.6, family.size), 13, 38)
    wed = np.minimum(wed, wife - rng.uniform(0.2, 1.5, family.size))
    wed = np.maximum(wed, 13)
    couple = kind[family] == 0
    alone_mother = ~couple
    wife = np.where(alone_mother, np.clip(wife + 9, 24, 85), wife)
    widow = rng.random(family.size) < np.clip(0.35 + (wife - 35) * 0.02, 0.3, 0.95)
    away = rng.random(family.size) < c.men_away * 0.45
    with_husband = couple & ~away
    add(family[with_husband], MALE, np.floor(husband[with_husband]), MARRIED, HEAD,
        np.floor(np.clip(wed + husband - wife, 17, 60)[with_husband]))
    add(family[couple], FEMALE, np.floor(wife[couple]), MARRIED, SPOUSE, np.floor(wed[couple]))
    add(family[alone_mother], FEMALE, np.floor(wife[alone_mother]),
        np.where(widow, WIDOWED, DIVORCED)[alone_mother], HEAD, np.floor(wed[alone_mother]))

    parity = rng.poisson(np.clip(c.births - c.fall * np.maximum(0, 62 - wife), 1.6, 7.5))
    parity = np.minimum(parity, MOST_CHILDREN)
    parity[rng.random(family.size) < 0.06] = 0
    birth = wed + 0.8 + rng.gamma(2.0, 0.5, family.size)
    for k in range(MOST_CHILDREN):
        age = wife - birth
        alive = (parity > k) & (age >= 0) & (birth < 46)
        sex = np.where(rng.random(family.size) < 0.512, MALE, FEMALE)
        stays = rng.random(family.size) >= _left_home(age, sex, c)
        stays &= ~((sex == MALE) & (rng.random(family.size) < c.men_away * np.clip((age - 18) / 9, 0, 1.3)))
        home = alive & stays
        years = np.floor(np.where(home, age, 0)).astype(int)
        small = home & (years < 15)
        np.add.at(young, (family[small], years[small]), 1)
        grown = home & (years >= YOUNGEST_KEPT)
        add(family[grown], sex[grown], years[grown], SINGLE, CHILD, 0)
        birth = birth + 1.1 + rng.gamma(2.2, 0.7, family.size)
    fertile[family] = np.where(couple & (wife < 44), np.clip((44 - wife) / 90, 0.02, 0.20), 0)

    extended = couple & (husband < 56) & (rng.random(family.size) < 0.085)
    add(family[extended], FEMALE, np.floor(np.clip(husband[extended] + 25, 45, 92)), WIDOWED, OTHER, 19)

    lonely = np.flatnonzero(kind == 2)
    age = np.floor(np.clip(rng.normal(66, 13, lonely.size), 27, 92))
    never = rng.random(lonely.size) < 0.30
    add(lonely, FEMALE, age, np.where(never, SINGLE, WIDOWED), HEAD, np.where(never, 0, 20))
    man = np.flatnonzero(kind == 3)
    age = np.floor(np.clip(rng.gamma(6, 8, man.size), 22, 90))
    state = np.where(age < 38, SINGLE, np.where(age < 60, DIVORCED, WIDOWED))
    add(man, MALE, age, state, HEAD, np.where(state == SINGLE, 0, 27))
    shared = np.flatnonzero(kind == 4)
    number = rng.integers(1, 6, shared.size)
    worker = np.repeat(shared, number)
    sex = np.where(rng.random(worker.size) < c.workers_women, FEMALE, MALE)
    age = np.floor(np.clip(19 + rng.gamma(2.6, 6.2, worker.size), 19, 64))
    married = rng.random(worker.size) < np.clip((age - 22) / 14, 0.02, 0.85)
    first = np.r_[True, worker[1:] != worker[:-1]] if worker.size else np.zeros(0, bool)
    add(worker, sex, age, np.where(married, MARRIED, SINGLE), np.where(first, HEAD, OTHER),
        np.where(married, 23, 0))

    household, sex, age, marital, role, marriage = (np.concatenate(part) for part in zip(*rows, strict=True))
    order = np.argsort(household, kind="stable")
    return Members(household[order].astype(np.int32), sex[order].astype(np.int8), age[order].astype(np.int8),
                   marital[order].astype(np.int8), role[order].astype(np.int8), marriage[order].astype(np.int8),
                   young, fertile)
