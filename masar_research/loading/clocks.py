"""Dates and times of SPSS, Stata and SAS: numbers counted from each system's own beginning."""

from __future__ import annotations

import re

import numpy as np

_SPSS = np.datetime64("1582-10-14", "us")
_1960 = np.datetime64("1960-01-01", "us")
_DAY = 86_400.0
_SPSS_DATES = ("DATE", "ADATE", "EDATE", "JDATE", "SDATE", "QYR", "MOYR", "WKYR", "DATETIME", "YMDHMS")
_SAS_MOMENTS = re.compile(r"^(?:DATETIME|DATEAMPM|MDYAMPM|DTDATE|[EBI]S?8601D[TN]|NLDATM)")
_SAS_TIMES = re.compile(r"^(?:TIME|TIMEAMPM|HHMM|TOD|[EBI]S?8601TM)$")
_SAS_DATES = re.compile(
    r"^(?:DATE|(?:MMDDYY|DDMMYY|YYMMDD)[BCDNPS]?|WEEKDAT[EX]|WORDDAT[EX]|[EBI]S?8601DA|MONYY|MMYY[CDNPS]?"
    r"|YYMM[CDNPS]?|YYQ[CDNPS]?|YYMON|JULIAN|NLDATE\w*)$"
)
_STATA = re.compile(r"^%-?(?:t([dcCwmqh])|d)(.*)$")


def moments(numbers: np.ndarray, system: str, form: str) -> np.ndarray | None:
    """A column of numbers as dates, or as text for the time of a day, by the format it is shown in.

    Parameters
    ----------
    numbers : ndarray of float, shape (n,)
        SPSS: seconds since 14 October 1582. SAS: days, or seconds, since 1960. Stata: days,
        milliseconds, weeks, months, quarters or half-years since 1960; these last give the first day.
    system : {"spss", "stata", "sas"}
    form : str
        The format: ``"EDATE10"``, ``"%td"``, ``"YYMMDD10."``.

    Returns
    -------
    ndarray, shape (n,)
        datetime64[us]; text (``"23:10:10"``, None) for times; None where the format is no date.
        A number no calendar reaches is missing.

    Examples
    --------
    >>> moments(np.array([0.0, np.nan]), "stata", "%td").astype("datetime64[D]").astype(str).tolist()
    ['1960-01-01', 'NaT']
    >>> moments(np.array([660.0]), "stata", "%tm").astype("datetime64[D]").astype(str).tolist()
    ['2015-01-01']
    """
    if system == "stata":
        return _stata(numbers, form)
    bare = re.sub(r"[\d.]+$", "", form.upper())
    if system == "spss":
        if bare in ("TIME", "DTIME"):
            return _clock(numbers)
        return _from(_SPSS, numbers, 1.0) if bare in _SPSS_DATES else None
    if _SAS_MOMENTS.match(bare):
        return _from(_1960, numbers, 1.0)
    if _SAS_TIMES.match(bare):
        return _clock(numbers)
    return _from(_1960, numbers, _DAY) if _SAS_DATES.match(bare) else None


def is_moment(system: str, form: str) -> bool:
    """Whether columns of a format are dates or times.

    Examples
    --------
    >>> is_moment("spss", "EDATE10"), is_moment("spss", "F8.2")
    (True, False)
    """
    return moments(np.empty(0), system, form) is not None


def _stata(numbers: np.ndarray, form: str) -> np.ndarray | None:
    found = _STATA.match(form)
    if not found:
        return None
    unit = found[1] or "d"
    if unit == "d":
        return _from(_1960, numbers, _DAY)
    if unit in "cC":
        if re.fullmatch(r"(?i)hh:mm(?::ss.*)?", found[2]):
            return _clock(numbers / 1000.0)
        return _from(_1960, numbers, 0.001)
    good = np.isfinite(numbers) & (np.abs(numbers) < 1e5)
    whole = np.where(good, numbers, 0).astype("int64")
    if unit == "w":  # 52 weeks a year, the first begins on 1 January
        years, rest = np.divmod(whole, 52)
        days = (years - 10).astype("datetime64[Y]").astype("datetime64[D]") + rest * 7
        out = days.astype("datetime64[us]")
    else:
        months = whole * {"m": 1, "q": 3, "h": 6}[unit]
        out = (months - 120).astype("datetime64[M]").astype("datetime64[us]")
    return np.where(good, out, np.datetime64("NaT", "us"))


def _from(start: np.datetime64, numbers: np.ndarray, seconds: float) -> np.ndarray:
    out = np.full(len(numbers), np.datetime64("NaT", "us"))
    good = np.isfinite(numbers) & (np.abs(numbers) * seconds < 3.2e11)  # year 9999 and before
    out[good] = start + np.rint(numbers[good] * seconds * 1e6).astype("int64").astype("timedelta64[us]")
    return out


def _clock(seconds: np.ndarray) -> np.ndarray:
    def words(value: float) -> str | None:
        if not np.isfinite(value) or abs(value) >= 1e12:
            return None
        sign, (whole, micro) = "-" if value < 0 else "", divmod(round(abs(value) * 1e6), 1_000_000)
        hours, rest = divmod(whole, 3600)
        return f"{sign}{hours:02d}:{rest // 60:02d}:{rest % 60:02d}" + (f".{micro:06d}" if micro else "")

    return np.array([words(value) for value in seconds.tolist()], dtype=object)
