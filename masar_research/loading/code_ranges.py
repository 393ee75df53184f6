"""Ranges of codes in a card: ``"11..13"``, ``"lowest..-1"``, ``"97..highest"``; both ends are included."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, TypeVar

import numpy as np
import pandas as pd

T = TypeVar("T")
_NUMBER = r"-?\d+(?:\.\d+)?"
_RANGE = re.compile(rf"\s*(lowest|{_NUMBER})\s*\.\.\s*(highest|{_NUMBER})\s*")


def span_of(key: object) -> tuple[float, float] | None:
    """The two ends of a key that is a range; None for a single code.

    Parameters
    ----------
    key : object
        A code as a card writes it.

    Returns
    -------
    (low, high) or None
        Both ends belong to the range; an open end is infinite.

    Examples
    --------
    >>> span_of("11..13"), span_of("lowest..-1"), span_of(11.0), span_of("yes")
    ((11.0, 13.0), (-inf, -1.0), None, None)
    """
    found = _RANGE.fullmatch(key) if isinstance(key, str) else None
    if found is None:
        return None
    low, high = found.groups()
    return (-np.inf if low == "lowest" else float(low), np.inf if high == "highest" else float(high))


def check_keys(codes: dict[Any, T]) -> dict[Any, T]:
    """The same codes; ValueError where a range runs backwards or a code stands in two places."""
    spans = [(key, span) for key in codes if (span := span_of(key))]
    for key, (low, high) in spans:
        if low > high:
            raise ValueError(f"the range {key} runs backwards; write the smaller number first")
        inside = [other for other in codes if not isinstance(other, str) and low <= other <= high]
        if inside:
            raise ValueError(
                f"the code {inside[0]:g} stands alone and within {key}. Split the range so that each code has one place"
            )
    spans.sort(key=lambda pair: pair[1])
    for (first, one), (second, other) in zip(spans, spans[1:]):
        if other[0] <= one[1]:
            raise ValueError(f"the ranges {first} and {second} overlap. Give each code one place")
    return codes


def spread(codes: Mapping[Any, T], column: pd.Series) -> dict[Any, T]:
    """The codes with each range replaced by those of its numbers that stand in a column.

    Parameters
    ----------
    codes : mapping
        Code or range → anything.
    column : pandas.Series, shape (n,)

    Examples
    --------
    >>> spread({"1..3": "a", 9.0: "b"}, pd.Series([1.0, 2.5, 4.0, 9.0]))
    {9.0: 'b', 1.0: 'a', 2.5: 'a'}
    """
    out = {key: value for key, value in codes.items() if span_of(key) is None}
    spans = [(span, value) for key, value in codes.items() if (span := span_of(key))]
    if spans and column.dtype.kind in "fiu":
        for number in np.unique(column.dropna().to_numpy(float)):
            for (low, high), value in spans:
                if low <= number <= high:
                    out[float(number)] = value
    return out
