"""Employment status of every person in every wave.

Participation and unemployment follow latent scores made of age, schooling, marriage, children,
governorate, block, household and person; thresholds are set so that the shares by sex,
nationality and (for Jordanians) graduates equal the published ones exactly.
"""

from __future__ import annotations

import numpy as np

from .facts import FACTS

EMPLOYED, UNEMPLOYED, OUTSIDE = 1, 2, 3

# participation and unemployment of Jordanians by wave: (men, women); graduates, both sexes
PARTICIPATION = {
    2022: (FACTS["F116"], FACTS["F117"]),
    2024: (FACTS["F122"], 14.9),
    2026: (53.5, 17.0),
}
UNEMPLOYMENT = {
    2022: (FACTS["F138"], FACTS["F139"], FACTS["F140"]),
    2024: (FACTS["F146"], FACTS["F147"], FACTS["F113"]),
    2026: (17.4, 33.3, 25.0),
}
WOMEN_GRADUATES_RATIO = 1.08  # assumed: unemployment of women graduates over that of all women

# assumed, by nationality: participation men, women; unemployment men, women (per cent)
NON_JORDANIANS = {
    2: (61.0, 7.0, 11.8, 18.6),
    3: (59.0, 10.5, 14.9, 22.3),
    4: (93.0, 18.0, 3.6, 7.4),
    5: (66.0, 29.0, 8.8, 11.2),
}

# additive scores by governorate for participation of women and for unemployment (assumed, with
# the high and low governorates of F156-F165: Mafraq and Ma'an high, Aqaba and Amman low)
_WOMEN_PLACE = {11: .10, 12: .06, 13: -.22, 14: .02, 21: -.02, 22: -.28, 23: -.04, 24: .06, 31: .22, 32: .18, 33: -.02,
                34: .06}
_JOBLESS_PLACE = {11: -.04, 12: .05, 13: .06, 14: .08, 21: .02, 22: .20, 23: -.02, 24: .02, 31: .08, 32: .10, 33: .26,
                  34: -.24}
_AGE_KNOTS = (15, 18, 20, 23, 27, 33, 40, 47, 55, 60, 66, 75, 95)
_MEN_AGE = (-1.5, -0.5, 0.45, 1.15, 1.45, 1.5, 1.25, 0.70, 0.10, -0.50, -1.1, -1.8, -2.6)
_WOMEN_AGE = (-1.8, -1.0, -0.1, 0.65, 0.85, 0.75, 0.65, 0.40, -0.20, -0.7, -1.3, -1.9, -2.6)
_JOBLESS_AGE = (.85, .80, .75, .60, .30, .05, -.15, -.25, -.35, -.50, -0.8, -1.0, -1.1)


def _by_code(table: dict[int, float], code: np.ndarray) -> np.ndarray:
    look = np.zeros(max(table) + 1)
    for key, value in table.items():
        look[key] = value
    return look[code]


def participation_score(sex, age, education, married, young_child, studies, governorate, place, home, person, noise):
    """Latent score (n,): higher takes part in the labour force first."""
    woman = sex == 2
    score = np.where(woman, np.interp(age, _AGE_KNOTS, _WOMEN_AGE), np.interp(age, _AGE_KNOTS, _MEN_AGE))
    score += np.where(woman, np.take([0, -.6, -.2, 0, .45, .9], education), np.take([0, -.5, 0, 0, .1, .2], education))
    score += np.where(married, np.where(woman, -.45, .35), 0.0)
    score -= np.where(woman & young_child, .30, 0.0)
    score -= np.where(studies, 1.5, 0.0)
    score += np.where(woman, _by_code(_WOMEN_PLACE, governorate), 0.0)
    return score + .36 * place + .30 * home + .70 * person + .75 * noise


def unemployment_score(sex, age, education, married, governorate, place, home, person, noise):
    """Latent score (n,): higher is unemployed first among those in the labour force."""
    score = np.interp(age, _AGE_KNOTS, _JOBLESS_AGE) * np.where(sex == 2, 1.45, 1.0)
    score += np.where(married & (sex == 1), -.20, 0.0)
    score += np.where((education == 2) | (education == 3), .08, 0.0)
    score += _by_code(_JOBLESS_PLACE, governorate)
    return score + .34 * place + .22 * home + .35 * person + .80 * noise


def _top(score: np.ndarray, share: float) -> np.ndarray:
    """True for the highest ``share`` of the scores (ties cannot occur: scores are continuous)."""
    count = int(round(share * score.size))
    chosen = np.zeros(score.size, bool)
    if count:
        chosen[np.argpartition(score, score.size - count)[score.size - count:]] = True
    return chosen


def _graduate_rates(wave: int, force: dict[tuple[int, bool], int]) -> dict[tuple[int, bool], float]:
    """Unemployment of Jordanians by sex and graduation that gives the published totals."""
    men, women, graduates = (v / 100 for v in UNEMPLOYMENT[wave])
    rate = {(2, True): women * WOMEN_GRADUATES_RATIO}
    both = force[1, True] + force[2, True]
    rate[1, True] = (graduates * both - rate[2, True] * force[2, True]) / force[1, True]
    for sex, overall in ((1, men), (2, women)):
        total = force[sex, True] + force[sex, False]
        rate[sex, False] = (overall * total - rate[sex, True] * force[sex, True]) / force[sex, False]
    return rate


def statuses(wave: int, sex, nationality, education, adult, score_in, score_out) -> np.ndarray:
    """Employment status (n,) int8: 1 employed, 2 unemployed, 3 outside; 0 where ``adult`` is False.

    Parameters
    ----------
    wave : int
    sex, nationality, education : ndarray (n,)
    adult : ndarray (n,) of bool
        Present in the wave and 15 or over.
    score_in, score_out : ndarray (n,)
        Latent scores of participation and of unemployment.
    """
    force = np.zeros(sex.size, bool)
    jobless = np.zeros(sex.size, bool)
    graduate = education == 5
    sizes: dict[tuple[int, bool], int] = {}
    shares = {1: FACTS["F168"] / 100, 2: FACTS["F167"] / 100}
    for s in (1, 2):
        people = adult & (sex == s) & (nationality == 1)
        wanted = PARTICIPATION[wave][s - 1] / 100 * people.sum()
        for g in (True, False):
            rows = np.flatnonzero(people & (graduate == g))
            part = shares[s] if g else 1 - shares[s]
            share = min(1.0, wanted * part / rows.size)
            force[rows[_top(score_in[rows], share)]] = True
            sizes[s, g] = int(force[rows].sum())
    for (s, g), rate in _graduate_rates(wave, sizes).items():
        rows = np.flatnonzero(force & (sex == s) & (nationality == 1) & (graduate == g))
        jobless[rows[_top(score_out[rows], rate)]] = True
    for n, (men, women, men_out, women_out) in NON_JORDANIANS.items():
        for s, share, rate in ((1, men, men_out), (2, women, women_out)):
            rows = np.flatnonzero(adult & (sex == s) & (nationality == n))
            force[rows[_top(score_in[rows], share / 100)]] = True
            rows = rows[force[rows]]
            jobless[rows[_top(score_out[rows], rate / 100)]] = True
    status = np.where(force, np.where(jobless, UNEMPLOYED, EMPLOYED), OUTSIDE)
    return np.where(adult, status, 0).astype(np.int8)
