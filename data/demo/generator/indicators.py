"""True values of the indicators, from the answers everybody would give.

Values are national, among all residents in the indicator's universe, and among Jordanians, men
and women of it. Definitions follow the indicator list; what it leaves open is said in ``docs/demo_survey.md``.
"""

from __future__ import annotations

import numpy as np
from scipy.special import ndtri

from .answers import Answers
from .population import WaveView
from .questionnaire import ITEMS
from .questionnaire.media import HEADLINES
from .questionnaire.women import RIGHTS_KEY

# One answer is enough: indicator → question and the codes that count.
SIMPLE: dict[str, tuple[str, tuple[int, ...]]] = {
    "WE09_house": ("own_house", (1, 2, 3)), "WE09_land": ("own_land", (1, 2, 3)), "WE11": ("phone", (1,)),
    "WE13_saved": ("saved", (1,)), "WE13_borrowed": ("borrowed", (1,)),
    "YO08": ("interest", (1, 2)), "YO09": ("understands", (4, 5)), "YO10_member": ("party", (1,)), "YO10_consider": ("party", (2,)),
    "YO12_ideal": ("move_ideal", (1,)), "YO12_thought": ("move_thought", (1,)), "YO13_intention": ("will_start", (1,)),
    "YO18": ("future", (4, 5)),
    "MI03": ("avoids", (1, 2)), "MI04": ("trust_news", (4, 5)), "MI05_statetv": ("trust_statetv", (1, 2)),
    "MI05_private": ("trust_private", (1, 2)), "MI05_press": ("trust_press", (1, 2)), "MI05_social": ("trust_social", (1, 2)),
    "MI06": ("seen_false", (1, 2)), "MI07": ("concern", (4, 5)), "MI09": ("shared", (1,)), "MI14": ("internet", (1,)),
    "MI16_akeed": ("know_akeed", (1, 2)), "MI16_misbar": ("know_misbar", (1, 2)), "MI16_fatabyyano": ("know_fatabyyano", (1, 2)),
    "GO03": ("meeting", (1,)), "GO05_government": ("trust_government", (1, 2)), "GO05_parliament": ("trust_parliament", (1, 2)),
    "GO05_courts": ("trust_courts", (1, 2)), "GO05_municipality": ("trust_municipality", (1, 2)), "GO05_police": ("trust_police", (1, 2)),
    "GO05_parties": ("trust_parties", (1, 2)), "GO05_army": ("trust_army", (1, 2)), "GO06_health": ("sat_health", (1, 2)),
    "GO06_school": ("sat_school", (1, 2)), "GO06_office": ("sat_office", (1, 2)), "GO07": ("corruption", (1, 2)), "GO08": ("bribe", (1,)),
    "GO09": ("expression", (1, 2)), "GO10_quota": ("quota", (4, 5)), "GO10_leader": ("woman_leader", (4, 5)), "GO11": ("people", (1,)),
}
_DECISIONS = ("dec_health", "dec_purchases", "dec_visits")
_BEATING = ("beat_out", "beat_children", "beat_argues", "beat_insults", "beat_food")
_HOURS = ("hours_cooking", "hours_cleaning", "hours_children", "hours_others")
_NORMS = ("norm_leaders", "norm_final", "norm_university", "norm_jobs", "norm_work")
_ABLE = tuple(f"able_{k}" for k in range(1, 9))
_GO = ("go_market", "go_clinic", "go_relatives", "go_training")
_CHECK = ("check_source", "check_date", "check_other", "check_image", "check_checker", "check_expert")
_RATED = tuple(f"headline_{k}" for k in range(1, 11))
_TRUST = ("trust_government", "trust_parliament", "trust_courts", "trust_municipality", "trust_police", "trust_parties", "trust_army")
NEEDED = frozenset((
    *_DECISIONS, "marriage_age", *_BEATING, "account", "wallet", *_HOURS, *_NORMS, *_ABLE, *_GO, *RIGHTS_KEY, "more_hours", "registered",
    "wage", "job_satisfaction", "civic", "volunteer_org", "volunteer_direct", "vote", "starting", "business_months", "ladder_now",
    "ladder_future", *_CHECK, *_RATED, "skill", "contacted", "say", "influence", *_TRUST, "discriminated", "news_week"))
_OPTIONS = {item.name: [int(c.rsplit("_", 1)[1]) for c in item.columns()] for item in ITEMS if item.several}


def _groups(view: WaveView) -> dict[str, np.ndarray]:
    return {"all_residents": np.ones(view.rows.size, bool), "jordanians": view.jordanian == 1, "men": view.sex == 1, "women": view.sex == 2}


def _mean(view: WaveView, inside: np.ndarray, value: np.ndarray) -> dict[str, float]:
    """Mean of ``value`` (m,) over ``inside`` (m,) for each group in which anybody is."""
    out = {}
    for name, group in _groups(view).items():
        chosen = inside & group
        if chosen.any():
            out[name] = float(np.mean(value[chosen], dtype=float))
    return out


def _table(a: Answers, names: tuple[str, ...]) -> np.ndarray:
    return np.stack([a.raw(name) for name in names])


def indicator_truths(view: WaveView, answers: Answers, items: dict[str, dict]) -> dict[str, dict]:
    """All indicators of a wave.

    Parameters
    ----------
    view : WaveView
    answers : Answers
        After the interview has run, with :data:`NEEDED` kept.
    items : dict
        Truths of single questions (``truths.item_truth``).

    Returns
    -------
    dict
        Indicator → group (all_residents, jordanians, men, women) → value.
    """
    out = {}
    for name, (item, codes) in SIMPLE.items():
        if item in items:
            out[name] = {g: sum(shares.get(str(c), 0.0) for c in codes) for g, shares in items[item].items() if g != "asked"}
    return out | _work(view, answers) | _women(view, answers) | _youth(view, answers) | _media(view, answers) | _society(view, answers)


def _work(v: WaveView, a: Answers) -> dict[str, dict]:
    everybody = np.ones(v.rows.size, bool)
    employed, force = v.employment == 1, v.employment < 3
    potential = ~force & ((a.raw("looked") == 1) | (a.raw("starts") == 1) | ((a.raw("wants_work") == 1) & (a.raw("available") == 1)))
    under = employed & (a.raw("hours") < 35) & (a.raw("more_hours") == 1)
    status = a.raw("work_status")
    informal = (status == 4) | ((status == 1) & (a.raw("social_security") == 2)) | (np.isin(status, (2, 3)) & (a.raw("registered") == 2))
    paid = a.raw("wage") >= 0
    hourly = a.raw("wage") / (np.maximum(a.raw("hours"), 1) * 4.345)
    gap = {}
    for base, inside in (("all_residents", paid), ("jordanians", paid & (v.jordanian == 1))):
        men, women = hourly[inside & (v.sex == 1)].mean(dtype=float), hourly[inside & (v.sex == 2)].mean(dtype=float)
        gap[base] = (men - women) / men
    return {
        "WE01": _mean(v, everybody, force), "WE02": _mean(v, force, v.employment == 2),
        "WE03": _mean(v, force | potential, (v.employment == 2) | potential | under), "WE04": _mean(v, employed, informal),
        "WE05_gap": gap, "WE05_hourly": _mean(v, paid, hourly),
    }


def _women(v: WaveView, a: Answers) -> dict[str, dict]:
    woman = v.sex == 2
    adult = v.age >= 18
    decided = _table(a, _DECISIONS)
    beating = _table(a, _BEATING)
    married_by = a.raw("marriage_age")
    young = woman & (v.age >= 20) & (v.age <= 24)
    wed = v.marital > 1
    norms = _table(a, _NORMS).astype(np.float32)
    norms[4] = 5 - norms[4]
    able = _table(a, _ABLE).sum(axis=0)
    right = np.mean([a.raw(name) == key for name, key in RIGHTS_KEY.items()], axis=0)
    hours = _table(a, _HOURS).sum(axis=0, dtype=np.float32)
    return {
        "WE07": _mean(v, decided[0] >= 0, np.isin(decided, (1, 3)).all(axis=0)),
        "WE08": _mean(v, beating[0] >= 0, (beating == 1).any(axis=0)),
        "WE12": _mean(v, np.ones(v.rows.size, bool), (a.raw("account") == 1) | (a.raw("wallet") == 1)),
        "WE15_18": _mean(v, young, wed & (married_by < 18)), "WE15_15": _mean(v, young, wed & (married_by < 15)),
        "WE16": _mean(v, np.ones(v.rows.size, bool), hours / 24),
        "WE18": _mean(v, adult, (norms - 1).mean(axis=0) / 3 * 100),
        "WE19": _mean(v, np.ones(v.rows.size, bool), able >= 32),
        "WE20": _mean(v, woman, np.isin(_table(a, _GO), (1, 2)).all(axis=0)),
        "WE22": _mean(v, adult, right * 100),
    }


def _youth(v: WaveView, a: Answers) -> dict[str, dict]:
    neet = (v.employment != 1) & (a.raw("q_attending") == 2)
    employed = v.employment == 1
    settled = employed & (a.raw("q_attending") == 2) & (
        ((a.raw("work_status") == 1) & (a.raw("contract") == 1)) | np.isin(a.raw("job_satisfaction"), (1, 2)))
    moving = ~settled & (employed | (v.employment == 2) | ((a.raw("wants_work") == 1) & (a.raw("q_attending") == 2)))
    under25, under30 = v.age <= 24, v.age <= 29
    acts = (a.raw("civic")[:, [_OPTIONS["civic"].index(k) for k in range(1, 8)]] == 1).sum(axis=1)
    citizen = (a.raw("vote") > 0) & (a.raw("vote") < 3)
    business = (a.raw("starting") == 1) | ((a.raw("owner_manager") == 1) & (a.raw("business_months") <= 42))
    everybody = np.ones(v.rows.size, bool)
    return {
        "YO01_15_24": _mean(v, under25, neet), "YO01_15_29": _mean(v, under30, neet),
        "YO02": _mean(v, under25 & (v.employment < 3), v.employment == 2), "YO03": _mean(v, under25, v.employment == 2),
        "YO04_transited": _mean(v, under30, settled), "YO04_in_transition": _mean(v, under30, moving),
        "YO05_any": _mean(v, v.age <= 30, acts >= 1), "YO05_three": _mean(v, v.age <= 30, acts >= 3),
        "YO06": _mean(v, everybody, (a.raw("volunteer_org") == 1) | (a.raw("volunteer_direct") == 1)),
        "YO07": _mean(v, citizen, a.raw("vote") == 1),
        "YO13": _mean(v, (v.age >= 18) & (v.age <= 64), business),
        "YO16": _mean(v, everybody, (a.raw("ladder_now") >= 7) & (a.raw("ladder_future") >= 8)),
    }


def _media(v: WaveView, a: Answers) -> dict[str, dict]:
    everybody = np.ones(v.rows.size, bool)
    net = a.raw("internet") == 1
    check = _table(a, _CHECK).astype(np.float32)
    rated = _table(a, _RATED).astype(np.float32)
    true = np.array([h[0] for h in HEADLINES])
    hits = ((rated[true] >= 3).sum(axis=0) + 0.5) / (true.sum() + 1)
    alarms = ((rated[~true] >= 3).sum(axis=0) + 0.5) / ((~true).sum() + 1)
    skills = a.raw("skill")
    at = {k: skills[:, j] == 1 for j, k in enumerate(_OPTIONS["skill"])}
    areas = np.stack([at[7] | at[8], at[2], at[1] | at[3] | at[4], at[6], at[5] | at[9] | at[10]])
    return {
        "MI02": {str(k): _mean(v, everybody, a.raw("news_week")[:, j] == 1) for j, k in enumerate(_OPTIONS["news_week"])},
        "MI08": _mean(v, check[0] > 0, (check - 1).mean(axis=0) / 4 * 100),
        "MI10": _mean(v, net, rated[true].mean(axis=0) - rated[~true].mean(axis=0)),
        "MI11_d": _mean(v, net, ndtri(hits) - ndtri(alarms)), "MI11_c": _mean(v, net, -(ndtri(hits) + ndtri(alarms)) / 2),
        "MI13": _mean(v, net, areas.all(axis=0)),
    }


def _society(v: WaveView, a: Answers) -> dict[str, dict]:
    adult = v.age >= 18
    trust = _table(a, _TRUST).astype(np.float32)
    say, influence = (_mean(v, adult, a.raw(name) >= 3) for name in ("say", "influence"))
    none = {name: a.raw(name)[:, _OPTIONS[name].index(0)] for name in ("contacted", "discriminated")}
    return {
        "GO02": _mean(v, adult, none["contacted"] == 0),
        "GO04_say": say, "GO04_influence": influence, "GO04": {g: (say[g] + influence[g]) / 2 for g in say},
        "GO05_index": _mean(v, adult, (4 - trust).mean(axis=0) / 3 * 100),
        "GO12": _mean(v, adult, none["discriminated"] == 0),
    }
