"""What a file declares beyond labels: ranges of missing codes, sets of answers, and levels its data bear out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from masar_research.codebook import Category, Codebook, MissingRange, ResponseSet
from masar_research.loading.raw import words_of

FIRST_ROWS = 2000


def declared_ranges(spans: list[dict[str, Any]] | None, categories: tuple[Category, ...]) -> tuple[MissingRange, ...]:
    """The ranges of an SPSS variable; single codes are categories and no ranges.

    Parameters
    ----------
    spans : list of {"lo", "hi"}, or None
        As pyreadstat gives them; ±1.8e308 stands for the lowest and the highest number.
    categories : tuple of Category
        A range is of the kind its labelled codes agree on, else ``"missing"``.
    """
    out = []
    for span in spans or ():
        low, high = span["lo"], span["hi"]
        if isinstance(low, str) or isinstance(high, str) or low == high:
            continue
        low = -np.inf if low < -1e300 else low
        high = np.inf if high > 1e300 else high
        kinds = {
            c.missing for c in categories if c.missing and not isinstance(c.code, str) and low <= c.code <= high and c.label
        }
        out.append(MissingRange(low, high, kinds.pop() if len(kinds) == 1 else "missing"))
    return tuple(out)


def declared_sets(found: Mapping[str, Mapping[str, Any]] | None, names: Mapping[str, str]) -> list[ResponseSet]:
    """The multiple-response sets (MRSETS) of an SPSS file.

    Parameters
    ----------
    found : mapping or None
        Set name → ``type, is_dichotomy, counted_value, label, variable_list`` of pyreadstat.
    names : mapping
        Name in the file, in lower case → column. A variable the file has not is left out, and a
        set of which fewer than two remain.
    """
    out = []
    for name, facts in (found or {}).items():
        listed = (names.get(str(each).casefold()) for each in facts["variable_list"])
        columns = tuple(dict.fromkeys(each for each in listed if each))
        if len(columns) < 2:
            continue
        label = words_of(facts.get("label") or "") or words_of(str(name).lstrip("$"))
        out.append(ResponseSet(str(name).lstrip("$"), label, columns, _counted(facts)))
    return out


def _counted(facts: Mapping[str, Any]) -> float | str | None:
    if not facts.get("is_dichotomy"):
        return None
    value = facts.get("counted_value")
    try:
        return float(value)
    except (TypeError, ValueError):
        return 1.0 if value is None else str(value)


def borne_out(book: Codebook, frame: pd.DataFrame) -> Codebook:
    """The codebook with levels the data bear out: categories only where every observed value has a label.

    A variable with labels for some of its values only (0 and 10 of a scale, 97 "97 and over" of an
    age) is a number; text whose every value has a label is categories. Ordered categories stay as
    the file declares them.

    Parameters
    ----------
    book : Codebook
    frame : pandas.DataFrame

    Returns
    -------
    Codebook
    """
    changed = []
    for variable in book.values():
        if variable.level not in ("nominal", "text") or not variable.valid or variable.name not in frame.columns:
            continue
        column = frame[variable.name]
        codes = {category.code for category in variable.categories}
        full = _all_labelled(column, codes, variable.missing_ranges)
        plain = "numeric" if column.dtype.kind in "fiu" else "text"
        level = "nominal" if full else plain
        if level != variable.level:
            changed.append(replace(variable, level=level))
    return book.add(*changed) if changed else book


def _all_labelled(column: pd.Series, codes: set[float | str], spans: tuple[MissingRange, ...]) -> bool:
    def labelled(part: pd.Series) -> bool:
        return all(value in codes or any(value in span for span in spans) for value in part.dropna().unique())

    if column.dtype.kind == "f" and len(codes) <= 40:
        values = column.to_numpy()
        among = sum(np.count_nonzero(values == code) for code in codes if not isinstance(code, str))
        if among + np.count_nonzero(np.isnan(values)) == len(values):
            return True
    # most that fail fail at once
    return labelled(column.iloc[:FIRST_ROWS]) and labelled(column)
