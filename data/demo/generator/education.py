"""Final education by sex, birth cohort and nationality, and what has been reached at an age.

Levels: 1 illiterate, 2 below secondary, 3 secondary, 4 diploma, 5 bachelor's degree or higher.
All shares are assumptions except that illiteracy of women comes out near F015 and F018.
"""

from __future__ import annotations

import numpy as np
from scipy.special import ndtri

COHORTS = (25, 40, 60)  # cohort 0: under 25 in 2022, 1: 25-39, 2: 40-59, 3: 60 and over

# cumulative shares of levels 1..4, by cohort
_MEN = {
    1: ((.010, .430, .660, .715), (.015, .520, .705, .780), (.025, .540, .705, .805), (.110, .700, .815, .890)),
    2: ((.030, .760, .900, .925), (.050, .800, .900, .930), (.080, .810, .900, .930), (.250, .890, .940, .960)),
    3: ((.020, .640, .840, .900), (.030, .660, .830, .890), (.060, .690, .830, .890), (.180, .790, .880, .920)),
    4: ((.060, .560, .880, .930), (.110, .620, .900, .940), (.200, .740, .920, .950), (.350, .840, .940, .960)),
    5: ((.015, .330, .560, .640), (.020, .360, .560, .640), (.040, .400, .580, .670), (.100, .500, .660, .750)),
}
_WOMEN = {
    1: ((.010, .310, .580, .645), (.020, .390, .615, .705), (.105, .540, .740, .860), (.520, .840, .905, .960)),
    2: ((.030, .720, .880, .910), (.070, .790, .895, .930), (.140, .830, .920, .955), (.480, .950, .975, .985)),
    3: ((.020, .560, .790, .860), (.030, .580, .780, .860), (.090, .660, .830, .910), (.420, .870, .930, .965)),
    4: ((.030, .450, .760, .820), (.080, .520, .790, .860), (.200, .680, .880, .920), (.500, .880, .950, .970)),
    5: ((.015, .310, .540, .610), (.030, .380, .590, .680), (.070, .460, .650, .750), (.280, .680, .800, .880)),
}


def final_education(rng: np.random.Generator, sex: np.ndarray, age: np.ndarray, nationality: np.ndarray,
                    wealth: np.ndarray) -> np.ndarray:
    """Level (n,) each person reaches in the end; better-off households reach further."""
    cohort = np.searchsorted(COHORTS, age, side="right")
    z = 0.62 * wealth + np.sqrt(1 - 0.62**2) * rng.standard_normal(sex.size)
    level = np.ones(sex.size, np.int8)
    table = np.empty((3, 6, 4, 4))
    for n in range(1, 6):
        table[1, n], table[2, n] = _MEN[n], _WOMEN[n]
    cut = ndtri(table[1:])
    for k in range(4):
        level += z > cut[sex - 1, nationality, cohort, k]
    return level


def attained(final: np.ndarray, age: np.ndarray) -> np.ndarray:
    """Level (n,) reached at this age on the way to the final one."""
    out = final.copy()
    out[(final >= 3) & (age < 18)] = 2
    out[(final >= 4) & (age >= 18) & (age < 20)] = 3
    out[(final == 5) & (age >= 20) & (age < 22)] = 3
    return out


def attending(rng: np.random.Generator, final: np.ndarray, age: np.ndarray) -> np.ndarray:
    """True (n,) for those at school, college or university in the wave."""
    u = rng.random(final.size)
    school = (age < 18) & np.where(final >= 3, u < 0.97, (final == 2) & (u < np.where(age <= 15, 0.92, np.where(age == 16, 0.80, 0.62))))
    college = (final == 4) & (age >= 18) & (age < 20) & (u < 0.93)
    university = (final == 5) & (age >= 18) & (age < 22) & (u < 0.95)
    later = (final == 5) & (age >= 22) & (age < 30) & (u < np.where(age < 25, 0.24, 0.06))
    retake = (final <= 3) & (final >= 2) & (age >= 18) & (age < 21) & (u < 0.36)
    return school | college | university | later | retake
