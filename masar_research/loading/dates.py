"""Dates as the field writes them."""

from __future__ import annotations

import datetime as dt
import re

import numpy as np
import pandas as pd

from masar_research.errors import DataError
from masar_research.loading.numbers import masked, western

_EXCEL = np.datetime64("1899-12-30", "us")
_SLASH = re.compile(r"^(\d{1,2})[/.\-](\d{1,2})[/.\-](\d{4})(?:[ T]+(\d{1,2}):(\d{2})(?::(\d{2}))?)?$")
_FORMATS = (
    "%b %d, %Y %I:%M:%S %p",
    "%b %d, %Y %H:%M:%S",
    "%b %d, %Y",
    "%d %b %Y",
    "%d-%b-%Y",
    "%d-%b-%y",
    "%B %d, %Y",
)


def to_dates(column: pd.Series, *, serials: bool = True) -> np.ndarray:
    """Dates from ISO text (an offset is kept as local time), ``Oct 14, 2016 12:31:00 PM``, ``d/m/yyyy``
    or Excel serial numbers.

    Parameters
    ----------
    column : pandas.Series, shape (n,)
    serials : bool
        Whether numbers are Excel serials (days since 1899-12-30).

    Returns
    -------
    ndarray of datetime64[us], shape (n,)

    Raises
    ------
    DataError
        If a value is no date, or day and month cannot be told apart.
    """
    if column.dtype.kind == "M":
        return column.to_numpy("datetime64[us]")
    if column.dtype.kind in "fiu":
        values = column.to_numpy("float64")
        good = np.isfinite(values)
        if good.any() and (not serials or values[good].min() < 1 or values[good].max() > 2_958_465):
            raise DataError(
                f"{column.name!r} holds numbers that are no dates: days since 1899-12-30, from 1 to 2,958,465, were expected.",
                remedy="Read it with level: numeric, or correct the column.",
                ar=f"في {column.name} أعداد ليست تواريخ؛ اقرأه بـ level: numeric أو صحّح العمود.",
            )
        out = np.full(len(values), np.datetime64("NaT", "us"))
        out[good] = _EXCEL + np.round(values[good] * 86_400e6).astype("int64").astype("timedelta64[us]")
        return out
    codes, uniques = pd.factorize(column)
    texts = [western(str(text)).strip() for text in uniques]
    day_first = _day_first(texts, str(column.name))
    table = np.array(
        [_one(text, day_first, str(column.name)) for text in texts] + [None], dtype="datetime64[us]"
    )
    return table[codes]


def _day_first(texts: list[str], name: str) -> bool:
    pairs = [(int(m[1]), int(m[2])) for m in map(_SLASH.match, texts) if m]
    first, second = any(a > 12 for a, _ in pairs), any(b > 12 for _, b in pairs)
    if first and second:
        raise DataError(f"{name!r} mixes day/month and month/day.", remedy="Write its dates as 2026-03-31.")
    return not second


def _one(text: str, day_first: bool, name: str) -> dt.datetime | None:
    if not text or text in ("NA", "NaN"):
        return None
    match = _SLASH.match(text)
    try:
        if match:
            a, b, year = int(match[1]), int(match[2]), int(match[3])
            day, month = (a, b) if day_first else (b, a)
            return dt.datetime(year, month, day, int(match[4] or 0), int(match[5] or 0), int(match[6] or 0))
        return dt.datetime.fromisoformat(text).replace(tzinfo=None)
    except ValueError:
        pass
    for pattern in _FORMATS:
        try:
            return dt.datetime.strptime(text, pattern)
        except ValueError:
            continue
    raise DataError(
        f"{name!r} holds a value of the form {masked(text)!r} (0 for a digit, x for a letter), which is no date.",
        remedy="Write dates as 2026-03-31, or read the column as text.",
        ar=f"في {name} قيمة ليست تاريخاً؛ اكتب التواريخ على صورة 2026-03-31 أو اقرأ العمود نصاً.",
    )
