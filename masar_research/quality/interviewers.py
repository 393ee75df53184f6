"""What depends on who held the interview: intraclass correlation, answers unlike colleagues', workload."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

from masar_research.codebook import Text
from masar_research.quality.durations import minutes, times
from masar_research.quality.findings import Checked, Desk, skipped
from masar_research.quality.material import Material

FEWEST_ENUMERATORS, FEWEST_INTERVIEWS = 4, 10
FALSE_SHARE = 0.01
LARGE_STEP, LARGE_ICC = 0.5, 0.10
PER_DAY = 15


def intraclass(values: np.ndarray, who: np.ndarray) -> float:
    r"""Intraclass correlation of one-way analysis of variance.

    .. math:: \rho=\frac{MSB-MSW}{MSB+(n_0-1)MSW},\qquad n_0=\frac{1}{k-1}\Big(N-\frac{\sum n_g^2}{N}\Big)

    Parameters
    ----------
    values : ndarray of float, shape (n,)
        Without NaN.
    who : ndarray of int, shape (n,)
        Group codes, 0 or more.

    Returns
    -------
    float
        May be below zero by chance; NaN where groups or spread do not allow it.

    Examples
    --------
    >>> intraclass(np.array([1., 1, 5, 5]), np.array([0, 0, 1, 1]))
    1.0
    """
    n = np.bincount(who).astype(float)
    n = n[n > 0]
    who = np.unique(who, return_inverse=True)[1]
    k, total = n.size, n.sum()
    if k < 2 or total <= k:
        return float("nan")
    means = np.bincount(who, values) / n
    between = (n * (means - values.mean()) ** 2).sum() / (k - 1)
    within = ((values - means[who]) ** 2).sum() / (total - k)
    typical = (total - (n**2).sum() / total) / (k - 1)
    below = between + (typical - 1) * within
    return float((between - within) / below) if below > 0 else float("nan")


@dataclass(frozen=True, slots=True)
class Deviations:
    """Each interviewer against colleagues of the same area.

    Attributes
    ----------
    z : ndarray of float, shape (k,)
        (observed − expected sum) / its permutation standard deviation; NaN where there are no colleagues.
    step : ndarray of float, shape (k,)
        Difference of means from colleagues in standard deviations of the item.
    n : ndarray of int, shape (k,)
        Interviews that have colleagues to compare with.
    """

    z: np.ndarray
    step: np.ndarray
    n: np.ndarray


def deviations(values: np.ndarray, who: np.ndarray, area: np.ndarray, k: int) -> Deviations:
    r"""Interviewers' sums against what a random share-out of their area's interviews would give.

    In area *a* with :math:`N_a` interviews of mean :math:`m_a` and variance :math:`s_a^2`, an interviewer with
    :math:`n_a` of them expects :math:`n_a m_a` with variance :math:`n_a(N_a-n_a)s_a^2/(N_a-1)`; sums go over areas.

    Parameters
    ----------
    values : ndarray of float, shape (n,)
    who, area : ndarray of int, shape (n,)
        Codes of 0 or more.
    k : int
        Number of interviewers.
    """
    areas = int(area.max()) + 1 if area.size else 1
    cell = area * k + who
    n = np.bincount(cell, minlength=areas * k).reshape(areas, k).astype(float)
    sums = np.bincount(cell, values, minlength=areas * k).reshape(areas, k)
    whole = n.sum(axis=1, keepdims=True)
    mean = sums.sum(axis=1, keepdims=True) / np.maximum(whole, 1)
    square = np.bincount(area, values**2, minlength=areas)[:, None]
    spread = np.maximum(square / np.maximum(whole, 1) - mean**2, 0)
    apart = (n > 0) & (n < whole)
    expected = np.where(apart, n * mean, 0).sum(axis=0)
    seen = np.where(apart, sums, 0).sum(axis=0)
    variance = np.where(apart, n * (whole - n) * spread / np.maximum(whole - 1, 1), 0).sum(axis=0)
    used = np.where(apart, n, 0).sum(axis=0)
    rest = np.where(apart, n * (whole - n) / np.maximum(whole, 1), 0).sum(axis=0)
    scale = values.std()
    with np.errstate(invalid="ignore", divide="ignore"):
        z = np.where(variance > 0, (seen - expected) / np.sqrt(variance), np.nan)
        step = np.where((rest > 0) & (scale > 0), (seen - expected) / (rest * scale), np.nan)
    return Deviations(z, step, used.astype(int))


def calibrated(z: np.ndarray) -> np.ndarray:
    """z divided by its own robust spread where that exceeds 1: clusters make honest differences wider.

    The spread is the median of ``|z|`` over 0.6745, so that a few odd interviewers do not hide themselves.
    """
    known = np.abs(z[np.isfinite(z)])
    return z / max(1.0, float(np.median(known)) / 0.6745) if known.size else z


def false_discoveries(p: np.ndarray, share: float) -> np.ndarray:
    """Which p values stand at a false discovery rate (Benjamini and Hochberg 1995); NaN never does."""
    out = np.zeros(p.size, bool)
    known = np.flatnonzero(np.isfinite(p))
    order = known[np.argsort(p[known])]
    passes = np.flatnonzero(p[order] <= share * np.arange(1, order.size + 1) / max(order.size, 1))
    if passes.size:
        out[order[: passes[-1] + 1]] = True
    return out


def names_of(values: list) -> list[str]:
    """What an interviewer is called in a report: a number as it is, text (it may be a name) as E1, E2 …"""
    return [f"{v:g}" if isinstance(v, float | int | np.number) else f"E{k + 1}" for k, v in enumerate(values)]


def check_interviewers(material: Material) -> Checked:
    """Interviewer effects on answers, and workload."""
    groups = material.groups("enumerator")
    if groups is None:
        return skipped("interviewers", "No column says who held the interview.", "لا عمود يبيّن من أجرى المقابلة.")
    who, values = groups
    use = material.finished & (who >= 0)
    if len(np.unique(who[use])) < FEWEST_ENUMERATORS:
        return skipped("interviewers", f"Fewer than {FEWEST_ENUMERATORS} interviewers cannot be compared.",
                       f"لا تصح المقارنة بين أقل من {FEWEST_ENUMERATORS} باحثين.")  # fmt: skip
    desk = Desk("interviewers", material.rows)
    names, k = names_of(values), len(values)
    area = _areas(material, who)
    unlike, tested, largest = _answers(desk, material, use, who, area, k, names)
    _workload(desk, material, who, names, unlike, tested)
    desk.figures["icc"] = [{"item": name, "icc": icc} for icc, name in largest[:15]]
    return desk.done()


def _areas(material: Material, who: np.ndarray) -> np.ndarray:
    """The parts of the country in which interviewers are compared; one part where none is known."""
    groups = material.groups("area")
    return np.zeros(who.size, int) if groups is None else np.maximum(groups[0], -1) + 1


def _numeric(material: Material, name: str) -> np.ndarray | None:
    """An item as numbers: the scale as it is, a nominal item as its commonest answer against the rest."""
    good = material.substantive(name)
    column, variable = material.frame[name], material.codebook.get(name)
    values = column.to_numpy()
    categories = 0 if variable is None else len(variable.categories) - len(material.kinds(name))
    if values.dtype.kind in "fiub" and (categories == 0 or variable.level in ("ordinal", "numeric") or categories <= 2):
        numbers = values.astype(float)
        if categories == 0 and good.any():
            low, high = np.quantile(numbers[good], [0.01, 0.99])
            numbers = np.clip(numbers, low, high)
        return np.where(good, numbers, np.nan)
    answers = column[good].value_counts()
    if answers.size < 2:
        return None
    return np.where(good, (values == answers.index[0]).astype(float), np.nan)


def _assigned(material: Material, name: str, here: np.ndarray, who: np.ndarray) -> bool:
    """Whether a column is the same within every interviewer or cluster: given by the design, no answer."""
    codes = np.unique(material.frame[name].to_numpy()[here].astype(str), return_inverse=True)[1]
    cluster = material.groups("psu")
    for group in (who, cluster[0] if cluster is not None else None):
        if group is not None:
            pairs = np.unique(np.column_stack([group[here], codes]), axis=0)
            if len(pairs) == len(np.unique(pairs[:, 0])):
                return True
    return False


def _answers(desk, material, use, who, area, k, names):
    rows, largest, tests = [], [], []
    for name in material.items:
        values = _numeric(material, name)
        if values is None:
            continue
        here = use & np.isfinite(values)
        if here.sum() < 50 or np.ptp(values[here]) == 0 or _assigned(material, name, here, who):
            continue
        counts = np.bincount(who[here], minlength=k)
        mean = np.bincount(area[here], values[here]) / np.maximum(np.bincount(area[here]), 1)
        icc = intraclass(values[here] - mean[area[here]], who[here])
        if np.isfinite(icc) and (counts >= FEWEST_INTERVIEWS).sum() >= FEWEST_ENUMERATORS:
            largest.append((icc, name))
        one = deviations(values[here], who[here], area[here], k)
        z = calibrated(np.where(one.n >= FEWEST_INTERVIEWS, one.z, np.nan))
        for e in np.flatnonzero(np.isfinite(z)):
            rows.append((e, name, float(one.step[e])))
            tests.append(2 * stats.norm.sf(abs(z[e])))
    largest.sort(reverse=True)
    stands = false_discoveries(np.array(tests), FALSE_SHARE)
    unlike: dict[int, list[str]] = {}
    for (e, name, step), ok in zip(rows, stands, strict=True):
        if ok and abs(step) >= LARGE_STEP:
            unlike.setdefault(e, []).append(name)
    tested = np.bincount([row[0] for row in rows], minlength=k) if rows else np.zeros(k, int)
    _say_icc(desk, largest, rows)
    for e, items in sorted(unlike.items(), key=lambda pair: -len(pair[1])):
        shown = ", ".join(items[:6]) + (" …" if len(items) > 6 else "")
        desk.find(
            "unlike_colleagues", "warning" if len(items) > 2 else "note",
            Text(en=f"Interviewer {names[e]}: answers to {len(items)} of {tested[e]} items lie half a standard deviation or more from colleagues in the same area ({shown}).",
                 ar=f"الباحث رقم {names[e]}: إجابات {len(items)} من {tested[e]} من الأسئلة تبعد نصف انحراف معياري فأكثر عن إجابات زملائه في المنطقة نفسها ({shown})."),
            Text(en="Listen in, check back, retrain; see whether the blocks given to this interviewer explain it.",
                 ar="رافق الباحث أو دقّق عينة من مقابلاته أو أعد تدريبه، وانظر هل تفسّر البلوكات المسندة إليه هذا الفرق."),
            at=use & (who == e), variable=items[0],
        )  # fmt: skip
    return unlike, tested, largest


def _say_icc(desk: Desk, largest: list[tuple[float, str]], rows: list) -> None:
    if not largest:
        return
    median = float(np.median([icc for icc, _ in largest]))
    desk.figures |= {"icc_median": median, "tests": len(rows)}
    desk.say(
        f"Intraclass correlation by interviewer, area means taken out: median {median:.3f} over {len(largest)} items, largest {largest[0][0]:.3f} ({largest[0][1]}). "
        "Where one interviewer works one cluster it holds the cluster's likeness too.",
        f"معامل الارتباط داخل مقابلات الباحث الواحد بعد استبعاد متوسط المنطقة: الوسيط {median:.3f} على {len(largest)} سؤالاً، وأعلاه {largest[0][0]:.3f} ({largest[0][1]}). "
        "وإذا عمل باحث واحد في كل عنقود فإنه يتضمن تشابه أهل العنقود أيضاً.",
    )
    desk.say(
        f"{len(rows):,} comparisons of an interviewer with colleagues in the same area, at a false discovery rate of {FALSE_SHARE:.0%}.",
        f"مقارنات باحث بزملائه في المنطقة نفسها: {len(rows):,}، بنسبة اكتشافات خاطئة {FALSE_SHARE:.0%}.",
    )
    high = [(icc, name) for icc, name in largest if icc > LARGE_ICC]
    if high:
        shown = ", ".join(f"{name} {icc:.2f}" for icc, name in high[:6])
        desk.find(
            "large_icc", "note",
            Text(en=f"{len(high)} items have an intraclass correlation by interviewer above {LARGE_ICC:.2f}: {shown}.",
                 ar=f"أسئلة يزيد معامل ارتباطها داخل مقابلات الباحث الواحد على {LARGE_ICC:.2f}: {len(high)} ({shown})."),
            Text(en="Standard errors must know the interviewer or the cluster; look at how these items are asked.",
                 ar="ينبغي أن تراعي الأخطاء المعيارية الباحث أو العنقود؛ وراجع طريقة طرح هذه الأسئلة."),
            variable=high[0][1], count=len(high),
        )  # fmt: skip


def _workload(desk: Desk, material: Material, who: np.ndarray, names: list[str], unlike: dict, tested: np.ndarray) -> None:
    k, held = len(names), material.finished & (who >= 0)
    length = minutes(material)
    days = times(material, "start") if material.roles.start else times(material, "date")
    if days is None:
        days = times(material, "date")
    table: list[dict[str, Any]] = []
    busy = np.zeros(who.size, bool)
    for e in range(k):
        mine = held & (who == e)
        most = None
        if days is not None:
            when = days[mine & ~np.isnat(days)].astype("datetime64[D]")
            if when.size:
                dates, count = np.unique(when, return_counts=True)
                most = int(count.max())
                busy |= mine & np.isin(days.astype("datetime64[D]"), dates[count > PER_DAY])
        good = length[mine & np.isfinite(length)] if length is not None else np.empty(0)
        table.append({"enumerator": names[e], "interviews": int(mine.sum()), "most_a_day": most,
                      "median_minutes": float(np.median(good)) if good.size else None,
                      "unlike": len(unlike.get(e, ())), "tested": int(tested[e])})  # fmt: skip
    desk.figures["enumerators"] = table
    count = np.array([row["interviews"] for row in table])
    desk.say(
        f"{k} interviewers; {int(np.median(count))} interviews each at the median, {int(count.max())} at most.",
        f"عدد الباحثين {k}؛ وسيط ما أجراه الواحد منهم {int(np.median(count))} مقابلة وأكثره {int(count.max())}.",
    )
    if busy.any():
        desk.find(
            "busy_day", "note",
            Text(en=f"{int(busy.sum()):,} interviews fall on days on which one interviewer held more than {PER_DAY}.",
                 ar=f"مقابلات في أيام أجرى فيها باحث واحد أكثر من {PER_DAY} مقابلة: {int(busy.sum()):,}."),
            Text(en="Compare with the length of the questionnaire and the way to the households.",
                 ar="قارن ذلك بطول الاستبانة والطريق إلى الأسر."), at=busy,
        )  # fmt: skip
