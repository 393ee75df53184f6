"""An export with its form or the versions of its form: main table, repeat groups, questions split by version."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pandas as pd

from masar_research.errors import DataError
from masar_research.loading.decimals import Decimal
from masar_research.loading.kobo import apply_form
from masar_research.loading.kobo_columns import belonging, final_names
from masar_research.loading.kobo_repeats import read_repeats
from masar_research.loading.raw import Note, Raw, make_raw
from masar_research.loading.xlsform import Form, read_form
from masar_research.loading.xlsform_versions import Split, merged

_VERSION = ("__version__", "_version_", "formdef_version", "formversion", "__system/formversion", "meta/version", "_version")
FormFiles = Path | tuple[Path, Path]


def whole_form(files: tuple[FormFiles, ...], decide: Mapping[str, str]) -> tuple[Form, tuple[Split, ...]]:
    """One form out of its versions, oldest first.

    Raises
    ------
    DataError
        If a form cannot be read, or the versions disagree where nothing was decided.
    """
    return merged([read_form(each) for each in files], decide)


def read_export(
    path: Path, table: pd.DataFrame, notes: list[Note], form: Form, splits: tuple[Split, ...], sheet: str | None,
    wanted: tuple[str, ...], decimal: Decimal = None,
) -> Raw:  # fmt: skip
    """A table as its form says, with the repeat groups beside it.

    Parameters
    ----------
    path : Path
    table : pandas.DataFrame
        The main table as exported.
    notes : list of Note
        What was noticed in reading it.
    form : Form
    splits : tuple of Split
        Questions that mean different things in different versions.
    sheet : str or None
        A sheet asked for by name: repeat groups are then left alone.
    wanted : tuple of str
        Personal columns asked for.
    decimal : {".", ",", "text"} or mapping, optional
        The decimal sign of the file; repeat groups take it where it is given for the whole file.
    """
    if splits:
        table, more = _split(table, form, splits, path.name)
        notes = [*notes, *more]
    frame, codebook, more = apply_form(table, form, path.name, wanted)
    raw = make_raw(frame.reset_index(drop=True).copy(), codebook, [*notes, *more])
    if sheet is not None or not any(question.repeat for question in form.questions):
        return raw
    tables, more = read_repeats(path, form, table.reset_index(drop=True), (raw.frame, codebook), wanted, decimal)
    kept = [note for note in raw.notes if note.kind != "sheets" or not tables]
    return replace(raw, related=tables, notes=(*kept, *more))


def _split(table: pd.DataFrame, form: Form, splits: tuple[Split, ...], where: str) -> tuple[pd.DataFrame, list[Note]]:
    """The table with the answers of older versions in columns of their own."""
    by_name = {str(c).strip().lower(): str(c) for c in table.columns}
    column = next((by_name[name] for name in _VERSION if name in by_name), None)
    if column is None:
        raise DataError(
            f"{where} does not say which version of the form each row was filled in with.",
            remedy='Export it with the version column (__version__, formdef_version, FormVersion), or decide "same".',
            ar=f"لا يذكر {where} نسخة الاستمارة لكل صف؛ صدّره مع عمود النسخة أو قرّر same.",
        )
    said = table[column].map(lambda v: re.sub(r"\.0$", "", str(v)).strip(), na_action="ignore")
    questions = [q for q in form.questions if q.name in {s.question for s in splits}]
    columns = belonging(table, questions, final_names(questions))
    table, notes = table.copy(), []
    for each in splits:
        rows = said.isin(each.versions).to_numpy(bool)
        held = [(c, each.name) for c in columns.found.get(each.question, [])]
        held += [(c, f"{each.name}/{code}") for code, c in columns.options.get(each.question, {}).items()]
        for source, target in held:
            values = table[source].astype(object)
            table[target] = values.where(rows, None)
            table[source] = values.where(~rows, None)
        count = int(rows.sum())
        notes.append(
            Note(
                "version_split",
                f"{each.name} holds the answers to {each.question} in version {', '.join(each.versions)}: {count} rows.",
                f"يضم {each.name} إجابات {each.question} في النسخة {'، '.join(each.versions)}: {count} من الصفوف.",
                (each.question, each.name),
            )
        )
    return table, notes
