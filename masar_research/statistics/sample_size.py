"""How many interviews a survey needs, and what a given number can detect.

The steps always come in one order: simple random sample, × design effect, finite population,
÷ response, ÷ persons per household.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from masar_research.engine.distributions import t_quantile
from masar_research.errors import ParameterError
from masar_research.present import numbers, tables
from masar_research.showing import check_language

Null = Literal["own", "pooled"]
_INF = float("inf")
_STEPS = {
    "srs": ("Simple random sample", "عيّنة عشوائية بسيطة"),
    "deff": ("× design effect", "× أثر التصميم"),
    "population": ("finite population", "بعد تصحيح المجتمع المحدود"),
    "complete": ("Completed interviews", "مقابلات مكتملة"),
    "invited": ("Persons to invite, for the response expected", "أشخاص يُدعون، بحسب الاستجابة المتوقعة"),
    "households": ("Households to visit", "أسر تُزار"),
    "clusters": ("Sampling units (clusters)", "وحدات معاينة (عناقيد)"),
}  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Plan:
    """A sample size, step by step.

    Attributes
    ----------
    complete : int
        Completed interviews, rounded up; of all groups together.
    invited : int
        Persons to invite so that as many answer.
    households : int or None
        To visit, where persons per household are given.
    clusters : int or None
        Where the take is given: completed interviews over the take, rounded up.
    steps : pandas.DataFrame
        ``step, label_en, label_ar, value`` in the order in which they were taken.
    note : mapping
        What was asked.
    """

    complete: int
    invited: int
    households: int | None
    clusters: int | None
    steps: pd.DataFrame
    note: Mapping[str, Any]

    def table(self, lang: str = "en") -> str:
        """HTML table of the steps in one language."""
        rows, columns = self._cells(lang)
        return tables.estimates_html(rows, columns, lang)

    def _cells(self, lang: str) -> tuple[list[list[str]], list[tables.Column]]:
        check_language(lang)
        heads = {"en": ("Step", "Number"), "ar": ("الخطوة", "العدد")}[lang]
        rows = [[row[f"label_{lang}"], numbers.number(row["value"], lang, 0 if row["value"] == int(row["value"]) else 1)]
                for row in self.steps.to_dict("records")]
        return rows, [tables.Column(heads[0]), tables.Column(heads[1], True)]

    def __repr__(self) -> str:
        return tables.plain_text(*self._cells("en"))

    def _repr_html_(self) -> str:
        return self.table("en") + self.table("ar")


def design_effect(take: float, rho: float, *, weights_cv: float = 0.0, take_cv: float = 0.0) -> float:
    """``(1 + [(cv_m² + 1) m − 1] ρ)(1 + cv_w²)``: clusters of take m, and unequal weights.

    Parameters
    ----------
    take : float
        Completed interviews per cluster, m ≥ 1.
    rho : float
        Intraclass correlation.
    weights_cv, take_cv : float
        Coefficients of variation of the weights and of the take.

    References
    ----------
    Kish (1965), *Survey Sampling*, 5.4 and 11.2; Eldridge, Ashby and Kerry (2006), *Int. J. Epidem.* 35.

    Examples
    --------
    >>> round(design_effect(20, 0.05), 6)
    1.95
    """
    _least("take", take, 1)
    _share("rho", rho, low=-1 / max(take - 1, 1), high=1, closed=True)
    return (1 + ((take_cv**2 + 1) * take - 1) * rho) * (1 + weights_cv**2)


def rho_of(deff: float, take: float, *, weights_cv: float = 0.0) -> float:
    """ρ that a design effect seen at a take implies: the inverse of :func:`design_effect`.

    Examples
    --------
    >>> round(rho_of(1.95, 20), 6)
    0.05
    """
    _least("take", take, 1.000001)
    return (deff / (1 + weights_cv**2) - 1) / (take - 1)


def proportion(
    p: float, margin: float, *, level: float = 0.95, deff: float = 1.0, population: float | None = None,
    response: float = 1.0, per_household: float | None = None, take: float | None = None,
) -> Plan:  # fmt: skip
    """Interviews for a share with a given margin of error.

    ``n₀ = D z² p(1 − p) / e²``, then ``n = n₀ / (1 + n₀ / N)``, then ``n / (response × persons per
    household)``.

    Parameters
    ----------
    p : float
        The share expected; 0.5 is the safest.
    margin : float
        Half the width of the interval, a fraction: 0.03 for ± 3 points.
    level : float
    deff : float
        Design effect against simple random sampling without replacement, as
        ``estimates.frame["deff"]`` of an earlier wave or :func:`design_effect` gives it.
    population : float, optional
        N; infinite by default.
    response : float
        Share of those invited that will answer.
    per_household : float, optional
        Eligible persons interviewed per household visited.
    take : float, optional
        Completed interviews per cluster.

    Returns
    -------
    Plan

    Raises
    ------
    ParameterError
        A figure outside its range.

    References
    ----------
    Cochran (1977), *Sampling Techniques*, 4.4–4.7; Kish (1965), 8.2.

    Examples
    --------
    >>> proportion(0.5, 0.05, deff=1.5, response=0.8)
    Step                                          Number
    ────────────────────────────────────────────  ──────
    Simple random sample                           384.1
    × design effect                                576.2
    Completed interviews                             577
    Persons to invite, for the response expected     722
    """
    _share("p", p)
    return _precision(p * (1 - p), margin, {"p": p}, level, deff, population, response, per_household, take)


def mean(
    sd: float, margin: float, *, level: float = 0.95, deff: float = 1.0, population: float | None = None,
    response: float = 1.0, per_household: float | None = None, take: float | None = None,
) -> Plan:  # fmt: skip
    """Interviews for a mean with a given margin of error, in the unit of `sd`.

    Other parameters as for :func:`proportion`.

    Examples
    --------
    >>> mean(120, 10, deff=2).complete
    1107
    """
    _positive("sd", sd)
    return _precision(sd**2, margin, {"sd": sd}, level, deff, population, response, per_household, take)


def difference(
    p: tuple[float, float], *, power: float = 0.8, level: float = 0.95, deff: float | tuple[float, float] = 1.0,
    share: float = 0.5, overlap: float = 0.0, correlation: float = 0.0, null: Null = "own",
    response: float = 1.0, per_household: float | None = None, take: float | None = None,
) -> Plan:  # fmt: skip
    """Interviews to detect a difference of two shares: of two groups, or of two waves.

    ``n = (z_{1−α/2} √A₀ + z_power √A)² / (p₁ − p₂)²`` with ``A = D₁p₁q₁/s + D₂p₂q₂/(1 − s)
    − 2 P ρ √(D₁p₁q₁ D₂p₂q₂) / max(s, 1 − s)``; A₀ = A, or with both shares at their weighted mean.

    Parameters
    ----------
    p : (float, float)
    power, level : float
        Two-sided.
    deff : float or (float, float)
    share : float
        Part of all interviews that is in the first group or wave.
    overlap, correlation : float
        Of the smaller wave, the part interviewed in both, and the correlation of a person's answers;
        for panels. PSUs kept with other persons have a small correlation: that of PSU totals.
    null : {"own", "pooled"}
        Variance under no difference: as in the interval of the difference, or pooled (R's
        ``power.prop.test``).

    Returns
    -------
    Plan
        ``complete`` counts both groups.

    References
    ----------
    Fleiss, Levin and Paik (2003), ch. 4; Kish (1965), 12.4; Cochran (1977), 12.10.

    Examples
    --------
    >>> difference((0.15, 0.20), deff=1.5).complete
    2708
    """
    one, two = (float(x) for x in p)
    _share("p", one)
    _share("p", two)
    if one == two:
        raise ParameterError("The two shares are equal: there is no difference to detect.",
                             remedy="Give the smallest difference that matters.",
                             ar="النسبتان متساويتان فلا فرق يُرصد؛ أعطِ أصغر فرق يهمّكم.")
    D = (deff, deff) if not isinstance(deff, tuple) else deff
    middle = share * one + (1 - share) * two
    own = _spread(one * (1 - one), two * (1 - two), D, share, overlap, correlation)
    if null not in ("own", "pooled"):
        raise ParameterError(f"null={null!r} is not known.", remedy="Use 'own' or 'pooled'.",
                             ar="طريقة التباين غير معروفة؛ استعمل own أو pooled.")
    pooled = middle * (1 - middle)
    first = own if null == "own" else _spread(pooled, pooled, D, share, overlap, correlation)
    za, zb = _z((1 + _level(level)) / 2), _z(_power(power))
    srs = _spread(one * (1 - one), two * (1 - two), (1.0, 1.0), share, 0.0, 0.0)
    n = (za * math.sqrt(first) + zb * math.sqrt(own)) ** 2 / (one - two) ** 2
    begun = (za + zb) ** 2 * srs / (one - two) ** 2
    asked = {"p": (one, two), "power": power, "level": level, "deff": D, "share": share, "overlap": overlap,
             "correlation": correlation, "null": null}
    return _finish(begun, n, None, response, per_household, take, asked)


def detectable_change(
    p: float, n: float | tuple[float, float], *, power: float = 0.8, level: float = 0.95,
    deff: float | tuple[float, float] = 1.0, overlap: float = 0.0, correlation: float = 0.0,
) -> float:  # fmt: skip
    """Smallest difference of two shares near p that n interviews in each wave or group detect.

    ``(z_{1−α/2} + z_power) √(p(1 − p)(D₁/n₁ + D₂/n₂ − 2 P ρ √(D₁D₂) / max(n₁, n₂)))``.

    Parameters
    ----------
    p : float
    n : float or (float, float)
    power, level, deff, overlap, correlation
        As for :func:`difference`.

    Returns
    -------
    float
        A fraction: 0.05 are five percentage points.

    Examples
    --------
    >>> round(detectable_change(0.15, 600, deff=2), 3)
    0.082
    """
    _share("p", p)
    first, second = n if isinstance(n, tuple) else (n, n)
    _positive("n", first)
    _positive("n", second)
    D = (deff, deff) if not isinstance(deff, tuple) else deff
    total = first + second
    spread = _spread(p * (1 - p), p * (1 - p), D, first / total, overlap, correlation) / total
    return (_z((1 + _level(level)) / 2) + _z(_power(power))) * math.sqrt(spread)


def power_of(
    p: tuple[float, float], n: float | tuple[float, float], *, level: float = 0.95,
    deff: float | tuple[float, float] = 1.0, overlap: float = 0.0, correlation: float = 0.0,
) -> float:  # fmt: skip
    """Chance that n interviews in each wave or group detect the difference of two shares.

    Parameters as for :func:`difference` and :func:`detectable_change`; the variance is the own one.

    Examples
    --------
    >>> round(power_of((0.15, 0.20), 1354, deff=1.5), 2)
    0.8
    """
    one, two = p
    _share("p", one)
    _share("p", two)
    first, second = n if isinstance(n, tuple) else (n, n)
    _positive("n", first)
    _positive("n", second)
    D = (deff, deff) if not isinstance(deff, tuple) else deff
    total = first + second
    error = math.sqrt(_spread(one * (1 - one), two * (1 - two), D, first / total, overlap, correlation) / total)
    at, cut = abs(one - two) / error, _z((1 + _level(level)) / 2)
    return float(_phi(at - cut) + _phi(-at - cut))


def detectable_effect(
    clusters: int, take: float, rho: float, *, sd: float = 1.0, r_squared: float = 0.0, power: float = 0.8,
    level: float = 0.95,
) -> float:  # fmt: skip
    """Smallest effect that clusters allotted to two equal arms detect.

    ``(t_{1−α/2, K−2} + t_{power, K−2}) √([ρ + (1 − ρ)(1 − R²)/m] · 4/K) σ``.

    Parameters
    ----------
    clusters : int
        K, of both arms together; at least 3.
    take : float
        Persons per cluster.
    rho : float
    sd : float
        Of the outcome; ``sqrt(p (1 − p))`` of a share.
    r_squared : float
        Share of the persons' variance that covariates explain.

    Examples
    --------
    >>> round(detectable_effect(40, 20, 0.05), 2)
    0.28
    """
    _least("clusters", clusters, 3)
    _least("take", take, 1)
    _share("rho", rho, closed=True)
    _share("r_squared", r_squared, closed=True)
    t = t_quantile(np.array([(1 + _level(level)) / 2, _power(power)]), clusters - 2).sum()
    return float(t * math.sqrt((rho + (1 - rho) * (1 - r_squared) / take) * 4 / clusters) * sd)


def best_take(
    cost_cluster: float, cost_person: float, rho: float, budget: float, *, p: float = 0.5, level: float = 0.95,
    takes: Sequence[int] | None = None,
) -> pd.DataFrame:  # fmt: skip
    """Clusters × take within a budget, with the margin of error each gives.

    ``m* = √(C₁/C₂ · (1 − ρ)/ρ)`` is the take of least variance for cost ``K (C₁ + m C₂)``.

    Parameters
    ----------
    cost_cluster, cost_person : float
        C₁ of reaching a cluster, C₂ of an interview.
    rho : float
        0 < ρ < 1.
    budget : float
    p : float
        Share for which the margin is given.
    takes : sequence of int, optional
        Those around the best by default.

    Returns
    -------
    pandas.DataFrame
        ``take, clusters, interviews, cost, deff, margin, best``.

    References
    ----------
    Cochran (1977), 10.6; Kish (1965), 8.3B.

    Examples
    --------
    >>> table = best_take(100, 10, 0.05, 20_000)
    >>> table.loc[table["best"], ["take", "clusters"]].values.tolist()
    [[14, 83]]
    """
    for name, value in (("cost_cluster", cost_cluster), ("cost_person", cost_person), ("budget", budget)):
        _positive(name, value)
    _share("rho", rho)
    _share("p", p)
    ideal = math.sqrt(cost_cluster / cost_person * (1 - rho) / rho)
    around = sorted({max(1, round(ideal * f)) for f in (0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0)})
    rows = []
    for m in takes if takes is not None else around:
        K = int(budget // (cost_cluster + m * cost_person))
        deff = design_effect(m, rho)
        margin = _z((1 + _level(level)) / 2) * math.sqrt(deff * p * (1 - p) / (K * m)) if K >= 2 else float("nan")
        rows.append({"take": int(m), "clusters": K, "interviews": K * int(m), "cost": K * (cost_cluster + m * cost_person),
                     "deff": deff, "margin": margin})
    table = pd.DataFrame(rows)
    if table["margin"].isna().all():
        raise ParameterError("The budget pays for fewer than two clusters.", remedy="Raise the budget or lower the take.",
                             ar="لا تكفي الميزانية لعنقودين؛ ارفعها أو قلّل عدد المقابلات في العنقود.")
    table["best"] = table["margin"] == table["margin"].min()
    return table


def _precision(variance, margin, asked, level, deff, population, response, per_household, take) -> Plan:
    _positive("margin", margin)
    _positive("deff", deff)
    begun = _z((1 + _level(level)) / 2) ** 2 * variance / margin**2
    n, N = deff * begun, None
    if population is not None:
        _least("population", population, 1)
        N, n = float(population), deff * begun / (1 + deff * begun / population)
    asked = {**asked, "margin": margin, "level": level, "deff": deff, "population": population}
    return _finish(begun, n, N, response, per_household, take, asked, deff * begun)


def _finish(begun, n, N, response, per_household, take, asked, inflated=None) -> Plan:
    _positive("response", response)
    _share("response", response, closed=True)
    if per_household is not None:
        _positive("per_household", per_household)
    if take is not None:
        _least("take", take, 1)
    complete = math.ceil(n - 1e-9)
    invited = math.ceil(complete / response - 1e-9)
    households = None if per_household is None else math.ceil(complete / (response * per_household) - 1e-9)
    clusters = None if take is None else math.ceil(complete / take - 1e-9)
    taken = [("srs", begun), ("deff", n if inflated is None else inflated)]
    taken += [("population", n)] if N is not None else []
    taken += [("complete", complete), ("invited", invited)]
    taken += [("households", households)] if households is not None else []
    taken += [("clusters", clusters)] if clusters is not None else []
    steps = pd.DataFrame([(name, *_STEPS[name], float(value)) for name, value in taken],
                         columns=["step", "label_en", "label_ar", "value"])
    note = {**asked, "response": response, "per_household": per_household, "take": take}
    return Plan(complete, invited, households, clusters, steps, note)


def _spread(v1: float, v2: float, deff, share: float, overlap: float, correlation: float) -> float:
    """n × the variance of the difference, n all interviews."""
    _share("share", share)
    _share("overlap", overlap, closed=True)
    _share("correlation", correlation, low=-1, closed=True)
    a, b = deff[0] * v1, deff[1] * v2
    _positive("deff", deff[0])
    _positive("deff", deff[1])
    return a / share + b / (1 - share) - 2 * overlap * correlation * math.sqrt(a * b) / max(share, 1 - share)


def _z(p: float) -> float:
    return float(t_quantile(p, np.inf))


def _phi(x: float) -> float:
    return 0.5 * math.erfc(-x / math.sqrt(2))


def _level(level: float) -> float:
    _share("level", level)
    return level


def _power(power: float) -> float:
    _share("power", power)
    return power


def _share(name: str, value: float, *, low: float = 0.0, high: float = 1.0, closed: bool = False) -> None:
    if not (low <= value <= high if closed else low < value < high):
        raise ParameterError(f"{name}={value!r} is outside {low:g} … {high:g}.",
                             remedy="Give a fraction: 0.15 for 15 per cent.",
                             ar=f"القيمة \u2066{name}={value!r}\u2069 خارج المدى؛ أعطِ كسراً مثل \u20660.15\u2069 بدل 15 بالمئة.")


def _positive(name: str, value: float) -> None:
    if not 0 < value < _INF:
        raise ParameterError(f"{name}={value!r} is not above zero.", remedy="Give a positive number.",
                             ar=f"القيمة \u2066{name}={value!r}\u2069 ليست أكبر من صفر.")


def _least(name: str, value: float, least: float) -> None:
    if not value >= least:
        raise ParameterError(f"{name}={value!r} is below {least:g}.", remedy=f"Give {least:g} or more.",
                             ar=f"القيمة \u2066{name}={value!r}\u2069 أقل من \u2066{least:g}\u2069.")
