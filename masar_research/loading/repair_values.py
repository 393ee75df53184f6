"""Answers and codes in a table whose letters were mixed up, turned back one by one, and a note of each column."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from masar_research.codebook import Codebook, Variable
from masar_research.loading.raw import Note
from masar_research.loading.repair import SIGNS, unmixed


def repaired(frame: pd.DataFrame) -> tuple[pd.DataFrame, Mapping[str, Mapping[str, str]], list[Note]]:
    """Text columns with their mixed-up values as they were written.

    Parameters
    ----------
    frame : pandas.DataFrame, shape (n, k)

    Returns
    -------
    frame : pandas.DataFrame
        The same frame where nothing was to be done.
    turned : mapping
        Column → value as found → value as written.
    notes : list of Note
        Which columns, and how many rows each.
    """
    turned: dict[str, dict[str, str]] = {}
    columns: dict[str, pd.Series] = {}
    counts: list[str] = []
    for name in frame.columns:
        column = frame[name]
        if column.dtype.kind in "fiubMm" or isinstance(column.dtype, pd.CategoricalDtype):
            continue
        better = _of(column)
        if better:
            rows = column.isin(list(better))
            columns[name] = column.map(lambda v, better=better: better.get(v, v), na_action="ignore").astype(column.dtype)
            turned[str(name)] = better
            counts.append(f"{name} ({int(rows.sum())})")
    if not turned:
        return frame, turned, []
    more = f" (+{len(counts) - 12})" if len(counts) > 12 else ""
    note = Note(
        "values_repaired",
        f"Answers whose letters had been mixed up were turned back to what was written, by column and rows: {', '.join(counts[:12])}{more}.",
        f"أُعيدت إجابات اختلطت حروفها إلى ما كُتبت به، بحسب العمود وعدد الصفوف: {'، '.join(counts[:12])}{more}.",
        tuple(turned),
    )
    return frame.assign(**columns), turned, [note]


def codes_repaired(book: Codebook, turned: Mapping[str, Mapping[str, str]]) -> Codebook:
    """The codebook with the text codes of repaired columns turned back as the column was."""

    def new(variable: Variable) -> Variable:
        better = turned.get(variable.name, {})
        if not any(isinstance(c.code, str) for c in variable.categories):
            return variable
        codes = [better.get(c.code, unmixed(c.code)) if isinstance(c.code, str) else c.code for c in variable.categories]
        if len(set(codes)) < len(codes):
            return variable
        return replace(variable, categories=tuple(replace(c, code=code) for c, code in zip(variable.categories, codes, strict=True)))

    if not any(name in book for name in turned):
        return book
    return Codebook((new(variable) for variable in book.values()), book.sets.values())


def _of(column: pd.Series) -> dict[str, str]:
    values = column.dropna().unique()
    texts = [value for value in values if isinstance(value, str)]
    if not texts:
        return {}
    array = pa.array(texts, pa.string())
    if pc.all(pc.string_is_ascii(array)).as_py():
        return {}
    marked = array.filter(pc.match_substring_regex(array, SIGNS)).to_pylist()
    return {text: better for text in marked if (better := unmixed(text)) != text}
