"""Repeat groups of an export: sheets beside the first, CSV files beside the main one, or columns numbered 1, 2, 3."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from masar_research.codebook import Codebook
from masar_research.loading.decimals import Decimal, settle
from masar_research.loading.kobo import apply_form
from masar_research.loading.kobo_columns import undecidable
from masar_research.loading.raw import Note, Related
from masar_research.loading.related import related
from masar_research.loading.repair_values import repaired
from masar_research.loading.tables import read_excel, text_table
from masar_research.loading.xlsform import Form

_SHEET = 31  # Excel cuts names of sheets here


def read_repeats(
    path: Path, form: Form, table: pd.DataFrame, main: tuple[pd.DataFrame, Codebook], wanted: tuple[str, ...], decimal: Decimal = None
) -> tuple[dict[str, Related], list[Note]]:
    """The repeat groups of an export.

    Parameters
    ----------
    path : Path
        The export; other sheets of a workbook, or ``<name>-<repeat>.csv`` beside a CSV, are looked at.
    form : Form
    table : pandas.DataFrame
        The main table as exported, for repeats written side by side (``age_1``, ``age_2``).
    main : frame, codebook
        The main table as read.
    wanted : tuple of str
        Personal columns asked for.
    decimal : {".", ",", "text"} or mapping, optional
        The decimal sign of the file; a mapping is of columns of the main table and is left alone here.

    Returns
    -------
    related, notes
    """
    out: dict[str, Related] = {}
    notes: list[Note] = []
    absent: list[str] = []
    chains = dict.fromkeys(question.repeat for question in form.questions if question.repeat)
    for chain in sorted(chains, key=len):
        name, parent = chain[-1], chain[-2] if len(chain) > 1 and chain[-2] in out else None
        cells, semicolons = _cells(path, name)
        if cells is None and len(chain) == 1:
            cells = _wide(form, name, table, main[0])
        if cells is None:
            absent.append(name)
            continue
        inside = Form(tuple(q for q in form.questions if q.repeat == chain), ())
        cells, _, mended = repaired(cells)
        sign = decimal if isinstance(decimal, str) else None
        cells, read_as = settle(cells, sign, semicolons=semicolons, exempt=undecidable(cells, list(inside.questions)))
        notes += [*mended, *read_as]
        frame, codebook, more = apply_form(cells, inside, f"{path.name} ({name})", wanted)
        above = main[0] if parent is None else out[parent].frame
        tied = related(parent, frame, codebook, above)
        if tied is None:
            notes.append(
                Note(
                    "repeats_untied",
                    f"The entries of {name} name no interview; export them with _parent_index and _index, or "
                    "PARENT_KEY and KEY.",
                    f"لا تسمّي صفوف {name} مقابلاتها؛ صدّرها مع _parent_index و_index، أو مع PARENT_KEY وKEY.",
                    (name,),
                )
            )
            continue
        out[name] = tied
        notes += [replace(note, en=f"{name}: {note.en}", ar=f"{name}: {note.ar}") for note in more]
    if absent:
        shown, ar = ", ".join(absent), "، ".join(absent)
        notes.append(
            Note(
                "repeats_absent",
                f"Repeat groups of the form that are not beside the data: {shown}.",
                f"مجموعات متكررة في الاستمارة ليست بجانب البيانات: {ar}.",
                tuple(absent),
            )
        )
    return out, notes


def _cells(path: Path, name: str) -> tuple[pd.DataFrame | None, bool]:
    """The table of a repeat group, None where there is none; and whether semicolons part its fields."""
    if path.suffix.lower() in (".csv", ".tsv", ".txt"):
        for other in (f"{path.stem}-{name}{path.suffix}", f"{path.stem}_{name}{path.suffix}"):
            if (path.parent / other).is_file():
                table = text_table(path.parent / other)
                return table.frame, table.separator == ";"
        return None, False
    for sheet in sheet_names(path)[1:]:
        if sheet.casefold() == name[:_SHEET].casefold():
            return read_excel(path, sheet)[0], False
    return None, False


def sheet_names(path: Path) -> list[str]:
    """The sheets of a workbook that has been read once already."""
    from openpyxl import load_workbook

    book = load_workbook(path, read_only=True)
    names = list(book.sheetnames)
    book.close()
    return names


def _wide(form: Form, name: str, table: pd.DataFrame, main: pd.DataFrame) -> pd.DataFrame | None:
    """Rows out of columns: ``age_1 age_2`` become two entries per interview where either holds an answer."""
    keys = [column for column in ("KEY", "_index", "_uuid", "_id") if column in main.columns and main[column].is_unique]
    questions = {q.name: q for q in form.questions if q.repeat == (name,)}
    found: dict[int, dict[str, str]] = {}
    for column in map(str, table.columns):
        match = re.fullmatch(r"(?:.*[/.:])?(\w+?)_(\d{1,3})", column)
        if match and match[1] in questions and int(match[2]):
            found.setdefault(int(match[2]), {})[match[1]] = column
    if not found or not keys:
        return None
    link = {"KEY": "PARENT_KEY", "_index": "_parent_index", "_uuid": "_submission__uuid", "_id": "_submission__id"}[keys[0]]
    parts = []
    for number, columns in sorted(found.items()):
        part = pd.DataFrame({q: table[column].astype(object) for q, column in columns.items()}, index=table.index)
        part[link] = main[keys[0]].to_numpy()
        part["_entry"] = float(number)
        blank = part[list(columns)].map(lambda v: v is None or v != v or not str(v).strip()).to_numpy()
        parts.append(part[~blank.all(axis=1)])
    long = pd.concat(parts, ignore_index=False)
    return long.iloc[np.argsort(long.index.to_numpy(), kind="stable")].reset_index(drop=True)
