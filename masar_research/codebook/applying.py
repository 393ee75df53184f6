"""An edited workbook applied: to a codebook, to the data beside it, and taken back."""

from __future__ import annotations

import html
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from masar_research.codebook.book import Codebook
from masar_research.codebook.changing import Change, Code, Plan, plan
from masar_research.codebook.entries import Variable
from masar_research.codebook.reading import read_workbook
from masar_research.codebook.wording import code_text
from masar_research.codebook.words import fold
from masar_research.errors import DataError

SOURCE = "__source"


@dataclass(frozen=True, slots=True)
class Applied:
    """A codebook and its data after the edits.

    Attributes
    ----------
    codebook : Codebook
    frame : pandas.DataFrame or None
        Columns under their new names and in new codes. A variable of which codes were merged
        keeps its old codes in ``name__source``. None without data.
    changes : tuple of Change
    renames : mapping
        Old name → new.
    recodes : mapping
        Old name → old code → new, for variables whose codes changed.
    """

    codebook: Codebook
    frame: pd.DataFrame | None
    changes: tuple[Change, ...]
    renames: Mapping[str, str]
    recodes: Mapping[str, Mapping[Code, Code]]

    def report(self) -> pd.DataFrame:
        """What became what: wave, variable, what, code, before, after, n."""
        return report(self.changes)

    def restored(self, frame: pd.DataFrame) -> pd.DataFrame:
        """A frame in the new names and codes (this one, or rows of it) as it was before the edits.

        Parameters
        ----------
        frame : pandas.DataFrame

        Returns
        -------
        pandas.DataFrame
            Old names and codes; columns the edits did not know stay as they are.
        """
        out, back = {}, {new: old for old, new in self.renames.items()}
        kept = {f"{self.renames.get(name, name)}{SOURCE}" for name in self.recodes} & set(frame.columns)
        for new in frame.columns:
            old = back.get(new, new)
            if new in kept:
                continue
            if f"{new}{SOURCE}" in kept:
                out[old] = frame[f"{new}{SOURCE}"]
            elif old in self.recodes:
                out[old] = _mapped(frame[new], {after: code for code, after in self.recodes[old].items()})
            else:
                out[old] = frame[new]
        return pd.DataFrame(out, index=frame.index)

    def _repr_html_(self) -> str:
        return changes_html(self.changes)


def report(changes: tuple[Change, ...]) -> pd.DataFrame:
    """Changes as a table: wave, variable, what, code, before, after, n."""
    names = ["wave", "variable", "what", "code", "before", "after", "n"]
    rows = [[getattr(change, name) for name in names] for change in changes]
    return pd.DataFrame(rows, columns=names).astype({"n": "Int64"})


def changes_html(changes: tuple[Change, ...]) -> str:
    """Changes as a table for JupyterLab, headed in both languages."""
    heads = (
        "Variable · المتغير", "What · ما تغيّر", "Code · الرمز", "Before · قبل", "After · بعد",
        "Rows · السجلات",
    )  # fmt: skip
    rows = "".join(
        "<tr>" + "".join(f'<td dir="auto" style="text-align:start">{html.escape(text)}</td>' for text in _texts(c)) + "</tr>"
        for c in changes
    )
    head = "".join(f'<th style="text-align:start">{each}</th>' for each in heads)
    return (
        f'<div style="max-height:32em;overflow:auto"><table class="masar-changes"><caption>{len(changes)} changes · '
        f"عدد التغييرات: {len(changes)}</caption><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def _texts(change: Change) -> list[str]:
    name = f"{change.wave}: {change.variable}" if change.wave else change.variable
    code = "" if change.code is None else code_text(change.code)
    return [name, change.what, code, change.before, change.after, "" if change.n is None else f"{change.n:,}"]


def apply_workbook(
    path: str | Path, books: Mapping[str, Codebook], frames: Mapping[str, pd.DataFrame] | None = None
) -> dict[str, Applied]:
    """Apply an edited workbook to the codebooks it was written from, and to their data.

    Parameters
    ----------
    path : str or Path
    books : mapping
        Wave → codebook, as given to `write_workbook`.
    frames : mapping, optional
        Wave → data.

    Returns
    -------
    dict
        Wave → Applied.

    Raises
    ------
    DataError
        If the workbook belongs to other variables or codes, or says something that cannot be.
    """
    sheets = read_workbook(path, books)
    _waves_known(sheets, books)
    plans = {wave: plan(wave, book, sheets) for wave, book in books.items()}
    agree({wave: each.codebook for wave, each in plans.items()})
    return {
        wave: _applied(wave, books[wave], each, None if frames is None else frames[wave]) for wave, each in plans.items()
    }


def _waves_known(sheets, books: Mapping[str, Codebook]) -> None:
    for row in (*sheets.variables, *sheets.codes, *sheets.sets):
        wave = row.values.get("wave")
        told = "" if wave is None else str(wave).removeprefix("'")
        if told not in books:
            raise DataError(
                f"{row.where}: there is no wave {told!r}.",
                remedy=f"The waves are: {', '.join(books)}." if list(books) != [""] else "Leave the wave empty.",
                ar=f"{row.where}: لا توجد جولة باسم «{told}».",
            )


def agree(books: Mapping[str, Codebook]) -> None:
    """Raise where waves give one variable different kinds of codes, or one code different meanings."""
    seen: dict[str, tuple[str, Variable]] = {}
    for wave, book in books.items():
        for variable in book.values():
            first, other = seen.setdefault(variable.name, (wave, variable))
            if first != wave:
                _alike(variable.name, first, other, wave, variable)


def _alike(name: str, first: str, one: Variable, wave: str, two: Variable) -> None:
    if (one.level == "numeric") != (two.level == "numeric") and one.categories and two.categories or (
        {one.level, two.level} & {"text", "date"} and one.level != two.level
    ):
        raise DataError(
            f"{name} is {one.level} in {first} and {two.level} in {wave}.",
            remedy="Give it one level in all waves, or another new name in one of them.",
            ar=f"مستوى قياس «{name}» يختلف بين الجولتين {first} و{wave}؛ وحّده أو غيّر الاسم في إحداهما.",
        )
    known = {category.code: category for category in one.categories}
    for category in two.categories:
        before = known.get(category.code)
        if before is None:
            continue
        differ = [lang for lang in before.label if lang in category.label and fold(before.label[lang]) != fold(category.label[lang])]
        if differ or before.missing != category.missing:
            lang = differ[0] if differ else ""
            told = (before.label[lang], category.label[lang]) if differ else (before.missing or "an answer", category.missing or "an answer")
            raise DataError(
                f"{name}: code {code_text(category.code)} is {told[0]!r} in {first} and {told[1]!r} in {wave}.",
                remedy="Give the codes of both waves the same new codes, labels and kinds, or give the variable "
                "another new name in one of them.",
                ar=f"للرمز {code_text(category.code)} للمتغير «{name}» معنيان مختلفان في الجولتين {first} و{wave}؛ "
                "وحّد الرموز الجديدة والأوصاف والأنواع، أو غيّر اسم المتغير في إحداهما.",
            )


def _applied(wave: str, book: Codebook, made: Plan, frame: pd.DataFrame | None) -> Applied:
    if frame is None:
        return Applied(made.codebook, None, made.changes, made.renames, made.recodes)
    columns, sources = {}, []
    for name in frame.columns:
        column, new = frame[name], made.renames.get(name, name)
        if new in columns or (new != name and new in frame.columns and new not in made.renames):
            raise DataError(
                f"{name} would be called {new}, as a column of the data is already.",
                remedy="Give it another new name.",
                ar=f"سيُسمّى «{name}» باسم «{new}»، وفي البيانات عمود بهذا الاسم؛ اختر اسماً آخر.",
            )
        mapping = made.recodes.get(name)
        if not mapping:
            columns[new] = column
            continue
        _no_stray(name, column, mapping)
        columns[new] = _mapped(column, mapping)
        if len(set(mapping.values())) < len(mapping):
            kept = f"{new}{SOURCE}"
            columns[kept] = column
            sources.append(replace(book[name], name=kept, source=book[name].source or (name,), universe=None))
    taken = [v.name for v in sources if v.name in made.codebook or v.name in frame.columns]
    if taken:
        raise DataError(
            f"Merging codes keeps the old ones in {', '.join(taken)}, and that name is taken.",
            remedy="Give that variable another new name.",
            ar=f"يُحفظ الترميز الأصلي في «{taken[0]}»، وهذا الاسم مستعمل؛ غيّر اسم ذلك المتغير.",
        )
    out = pd.DataFrame(columns, index=frame.index)
    codebook = made.codebook.add(*sources).covering(out)
    return Applied(codebook, out, tuple(_counted(frame, change) for change in made.changes), made.renames, made.recodes)


def _no_stray(name: str, column: pd.Series, mapping: Mapping[Code, Code]) -> None:
    """A value without a row must not fall together with a new code."""
    moved = {after for code, after in mapping.items() if after != code}
    seen = set(column.dropna().unique())
    stray = [value for value in seen if value in moved and value not in mapping]
    if stray:
        shown = code_text(stray[0] if isinstance(stray[0], str) else float(stray[0]))
        raise DataError(
            f"{name}: the value {shown} stands in the data without a row of its own, and another code would become {shown}.",
            remedy="Add a row for it under Codes, or choose another new code.",
            ar=f"المتغير «{name}»: القيمة {shown} في البيانات بلا صف خاص بها، وسيتحول إليها رمز آخر. أضف لها صفاً في صفحة "
            "الرموز أو اختر رمزاً آخر.",
        )


def _mapped(column: pd.Series, mapping: Mapping[Code, Code]) -> pd.Series:
    moved = {code: after for code, after in mapping.items() if code != after}
    values = column.to_numpy(copy=True)
    new = values.copy()
    for code, after in moved.items():
        new[np.asarray(values == code, bool)] = after
    return pd.Series(new, index=column.index, name=column.name).astype(column.dtype)


def _counted(frame: pd.DataFrame, change: Change) -> Change:
    if change.code is None or change.variable not in frame.columns:
        return change
    return replace(change, n=int((frame[change.variable] == change.code).sum()))
