"""How long interviews took, when, and whether one interviewer held two at once."""

from __future__ import annotations

import numpy as np
import pandas as pd

from masar_research.codebook import Text
from masar_research.quality.findings import Checked, Desk, skipped
from masar_research.quality.material import Material

SHORT, LONG = 1 / 3, 5.0
NIGHT = (22, 6)
OVERLAP_MINUTES = 2.0


def minutes(material: Material) -> np.ndarray | None:
    """Length of each interview in minutes, NaN where unknown; from start and end, else as recorded.

    Parameters
    ----------
    material : Material

    Returns
    -------
    ndarray of float, shape (n,), or None
    """
    start, end = times(material, "start"), times(material, "end")
    if start is not None and end is not None:
        length = (end - start) / np.timedelta64(1, "s") / 60
        return np.where(np.isnat(start) | np.isnat(end), np.nan, length).astype(float)
    recorded = material.role("duration")
    if recorded is None or recorded.dtype.kind not in "fiu":
        return None
    out = recorded.astype(float)
    return np.where(np.isin(out, list(material.kinds(material.roles.duration))), np.nan, out)


def times(material: Material, role: str) -> np.ndarray | None:
    """A role's column as times, if it holds any; (n,) datetime64."""
    values = material.role(role)
    if values is None:
        return None
    if values.dtype.kind != "M":
        if values.dtype.kind not in "OU" and not pd.api.types.is_string_dtype(values):
            return None
        parsed = pd.to_datetime(pd.Series(values), errors="coerce", utc=True).dt.tz_localize(None)
        if parsed.notna().sum() < 0.9 * pd.Series(values).notna().sum():
            return None
        values = parsed.to_numpy()
    return values.astype("datetime64[us]")


def overlapping(start: np.ndarray, end: np.ndarray, who: np.ndarray, slack: float = OVERLAP_MINUTES) -> np.ndarray:
    """Interviews that began before an earlier one of the same person had ended.

    Parameters
    ----------
    start, end : ndarray of datetime64, shape (n,)
    who : ndarray of int, shape (n,)
        Interviewer codes, −1 unknown.
    slack : float
        Minutes two interviews may share.

    Returns
    -------
    ndarray of bool, shape (n,)

    Examples
    --------
    >>> at = np.array(["2026-04-01T10:00", "2026-04-01T10:20", "2026-04-01T11:00"], dtype="datetime64[us]")
    >>> overlapping(at, at + np.timedelta64(30, "m"), np.array([7, 7, 7])).tolist()
    [False, True, False]
    """
    out = np.zeros(start.size, bool)
    use = np.flatnonzero((who >= 0) & ~np.isnat(start) & ~np.isnat(end) & (end >= start))
    order = use[np.lexsort((start[use], who[use]))]
    latest: np.datetime64 | None = None
    before = -1
    gap = np.timedelta64(int(slack * 60), "s")
    for k in order:
        if who[k] != before:
            before, latest = who[k], None
        if latest is not None and start[k] + gap < latest:
            out[k] = True
        latest = end[k] if latest is None or end[k] > latest else latest
    return out


def check_durations(material: Material) -> Checked:
    """Interviews far below or above the median length, ended before they began, at night, or at once."""
    length = minutes(material)
    if length is None or not np.isfinite(length[material.interviewed]).any():
        return skipped("durations", "The file has neither start and end nor a length of the interview.",
                       "لا يتضمن الملف وقت بداية المقابلة ونهايتها ولا مدتها.")  # fmt: skip
    desk = Desk("durations", material.rows)
    known = material.finished & np.isfinite(length)
    negative = material.interviewed & (length < 0)
    good = length[known & (length >= 0)]
    if good.size == 0:
        good = np.zeros(1)
    median = float(np.median(good))
    quarter, three = (float(q) for q in np.quantile(good, [0.25, 0.75]))
    desk.figures |= {"n": int(good.size), "median": median, "q1": quarter, "q3": three,
                     "minutes": np.round(np.clip(good, 0, 4 * median if median else None), 1).tolist()}  # fmt: skip
    desk.say(
        f"Median length {median:.0f} minutes, half of the interviews between {quarter:.0f} and {three:.0f} ({good.size:,} interviews).",
        f"وسيط مدة المقابلة بالدقائق {median:.0f}، ونصف المقابلات بين {quarter:.0f} و{three:.0f} (عدد المقابلات {good.size:,}).",
    )
    if negative.any():
        desk.find(
            "negative", "error",
            Text(en=f"{int(negative.sum()):,} interviews end before they start.", ar=f"مقابلات تنتهي قبل أن تبدأ: {int(negative.sum()):,}."),
            Text(en="Check the clocks of the tablets; leave these lengths out.", ar="تحقق من ساعات الأجهزة، واستبعد هذه المدد."), at=negative,
        )  # fmt: skip
    _extremes(desk, known, length, median, three)
    _clock(desk, material)
    return desk.done()


def _extremes(desk: Desk, known: np.ndarray, length: np.ndarray, median: float, three: float) -> None:
    short = known & (length >= 0) & (length < SHORT * median)
    long = known & (length > max(LONG * median, 120.0, 3 * three))
    if short.any():
        share = short.sum() / known.sum()
        desk.find(
            "too_short", "warning",
            Text(en=f"{int(short.sum()):,} interviews ({share:.1%}) took less than a third of the median ({SHORT * median:.0f} minutes).",
                 ar=f"مقابلات استغرقت أقل من ثلث الوسيط ({SHORT * median:.0f} دقيقة): {int(short.sum()):,} ({share:.1%})."),
            Text(en="Call these households back; look whether few interviewers hold them.",
                 ar="عاود الاتصال بهذه الأسر، وانظر هل تتركز لدى قلة من الباحثين."), at=short,
        )  # fmt: skip
    if long.any():
        desk.find(
            "too_long", "note",
            Text(en=f"{int(long.sum()):,} interviews were open for more than {max(LONG * median, 120, 3 * three):.0f} minutes.",
                 ar=f"مقابلات بقيت مفتوحة أكثر من {max(LONG * median, 120, 3 * three):.0f} دقيقة: {int(long.sum()):,}."),
            Text(en="Usually a form left open or finished later; leave the length out, keep the interview.",
                 ar="غالباً استمارة تُركت مفتوحة أو أُكملت لاحقاً؛ استبعد المدة وأبقِ المقابلة."), at=long,
        )  # fmt: skip


def _clock(desk: Desk, material: Material) -> None:
    start, end, groups = times(material, "start"), times(material, "end"), material.groups("enumerator")
    if start is None:
        return
    known = material.interviewed & ~np.isnat(start)
    of_day = (start - start.astype("datetime64[D]")).astype("timedelta64[m]").astype(float) / 60
    if known.any() and np.ptp(of_day[known]) > 0:
        night = known & ((of_day >= NIGHT[0]) | (of_day < NIGHT[1]))
        desk.figures["night"] = int(night.sum())
        if night.any():
            grave = "warning" if night.sum() / known.sum() < 0.2 else "note"
            desk.find(
                "night", grave,
                Text(en=f"{int(night.sum()):,} interviews began between {NIGHT[0]}:00 and 0{NIGHT[1]}:00.",
                     ar=f"مقابلات بدأت ليلاً، بعد الساعة {NIGHT[0]}:00 أو قبل الساعة 0{NIGHT[1]}:00، عددها {int(night.sum()):,}."),
                Text(en="Check the clock and time zone of the tablet first, then the interview.",
                     ar="تحقق أولاً من ساعة الجهاز ومنطقته الزمنية ثم من المقابلة."), at=night,
            )  # fmt: skip
    if end is None or groups is None:
        return
    at_once = overlapping(start, end, np.where(material.interviewed, groups[0], -1))
    desk.figures["overlapping"] = int(at_once.sum())
    if at_once.any():
        desk.find(
            "overlapping", "warning",
            Text(en=f"{int(at_once.sum()):,} interviews began before an earlier one of the same interviewer had ended.",
                 ar=f"مقابلات بدأت قبل انتهاء مقابلة سابقة للباحث نفسه: {int(at_once.sum()):,}."),
            Text(en="A form left open does this too; ask whether two tablets ran under one number.",
                 ar="قد يكون السبب استمارة تُركت مفتوحة؛ اسأل هل استُخدم جهازان برقم باحث واحد."), at=at_once,
        )  # fmt: skip
