"""A frame's schema from its codebook, in pandera's terms: types, codes, ages and dates."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import pandera.pandas as pa

from masar_research.codebook import Codebook, Variable

IN_LIST, AGE, DATE, TYPE = "in_list", "age", "fieldwork", "type"


def build_schema(
    codebook: Codebook,
    columns: list[str],
    *,
    age: str | None = None,
    ages: tuple[float, float] = (0.0, 115.0),
    dates: tuple[str, ...] = (),
    fieldwork: tuple[dt.date | None, dt.date | None] = (None, None),
) -> pa.DataFrameSchema:
    """What a frame must be to fit its codebook.

    Parameters
    ----------
    codebook : Codebook
    columns : list of str
        Columns to describe; every one may be blank.
    age : str, optional
        Column of ages, which must lie within `ages`.
    ages : (float, float)
    dates : tuple of str
        Columns of days of interview, which must lie within `fieldwork`.
    fieldwork : (date or None, date or None)
        First and last day; None leaves that side open.

    Returns
    -------
    pandera.pandas.DataFrameSchema
        Columns the codebook lists codes for accept these and no others; numbers are numbers.

    Examples
    --------
    >>> from masar_research.codebook import Category
    >>> book = Codebook([Variable("sex", {"en": "Sex"}, level="nominal", categories=(Category(1, {"en": "Male"}),))])
    >>> build_schema(book, ["sex"]).columns["sex"].checks[0].name
    'in_list'
    """
    out = {}
    for name in columns:
        variable = codebook.get(name)
        checks = _checks(variable)
        if name == age:
            gone = list(codebook.missing_codes(name))
            checks.append(pa.Check(lambda s, gone=gone: s.between(*ages) | s.isin(gone), name=AGE))
        if name in dates:
            checks.append(pa.Check(lambda s: _within(s, fieldwork), name=DATE))
        numbers = variable is not None and variable.level == "numeric"
        if numbers:
            checks.insert(0, pa.Check(_is_number, name=TYPE))
        out[name] = pa.Column(None, checks=checks, nullable=True, required=True)
    return pa.DataFrameSchema(out, strict=False)


def failures(schema: pa.DataFrameSchema, frame: pd.DataFrame) -> pd.DataFrame:
    """Where a frame does not fit: columns ``column``, ``check``, ``failure_case``, ``index``.

    Parameters
    ----------
    schema : pandera.pandas.DataFrameSchema
    frame : pandas.DataFrame
        With a plain index 0 … n−1.
    """
    try:
        schema.validate(frame, lazy=True)
    except pa.errors.SchemaErrors as error:
        return error.failure_cases[["column", "check", "failure_case", "index"]]
    return pd.DataFrame({"column": [], "check": [], "failure_case": [], "index": []})


def _checks(variable: Variable | None) -> list[pa.Check]:
    """A list of codes binds where every answer has a label: nominal and ordinal items."""
    if variable is None or variable.level not in ("nominal", "ordinal") or not variable.valid:
        return []
    codes = [category.code for category in variable.categories]
    return [pa.Check(lambda s, codes=codes: s.isin(codes), name=IN_LIST)]


def _is_number(column: pd.Series) -> pd.Series:
    if column.dtype.kind in "fiub":
        return pd.Series(True, index=column.index)
    return pd.to_numeric(column, errors="coerce").notna()


def _within(column: pd.Series, fieldwork: tuple[dt.date | None, dt.date | None]) -> pd.Series:
    days = pd.to_datetime(column, errors="coerce").dt.normalize()
    first, last = fieldwork
    good = days.notna()
    if first is not None:
        good &= days >= pd.Timestamp(first)
    if last is not None:
        good &= days <= pd.Timestamp(last)
    return good
