"""Tables that belong to another: the rows of a repeat group, such as the members of a household."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pandas as pd

from masar_research.codebook import Codebook, Variable
from masar_research.errors import DataError
from masar_research.loading.raw import Note, Raw, Related, make_raw

# Column of the repeat → column of the table it belongs to, as KoBo, ODK Central and SurveyCTO name them.
_LINKS = (
    ("PARENT_KEY", "KEY"),
    ("_parent_index", "_index"),
    ("_submission__uuid", "_uuid"),
    ("_submission__id", "_id"),
)


@dataclass(frozen=True, slots=True)
class _Link:
    own: str
    parent: str


def related(parent: str | None, frame: pd.DataFrame, codebook: Codebook, above: pd.DataFrame) -> Related | None:
    """A repeat's table with the columns that tie it to the table above; None where there are none."""
    link = _link(frame, above)
    return None if link is None else Related(frame, codebook, parent, link.own, link.parent)


def _link(frame: pd.DataFrame, above: pd.DataFrame) -> _Link | None:
    here, there = ({str(c).casefold(): str(c) for c in table.columns} for table in (frame, above))
    for own, parent in _LINKS:
        if own.casefold() in here and parent.casefold() in there:
            link = _Link(here[own.casefold()], there[parent.casefold()])
            if frame[link.own].notna().any() and above[link.parent].is_unique:
                return link
    return None


def rows_of(raw: Raw, name: str) -> Raw:
    """A reading with one row per entry of a repeat group, the interview's answers beside it.

    With it a survey of persons is made from a survey of households; the household stays a column, so that
    it can be a stage of the design.

    Parameters
    ----------
    raw : Raw
        As `read` gives it for an export with repeat groups.
    name : str
        The repeat group.

    Returns
    -------
    Raw
        A column of the interview that bears the name of one of the group's gets ``parent__`` before it (the
        name of the repeat group around it, where there is one).
        Entries of interviews that are not in the file are left out, and a note counts them.

    Raises
    ------
    DataError
        If there is no such repeat group.

    Examples
    --------
    >>> raw = read("households.xlsx", form="form.xlsx")                         # doctest: +SKIP
    >>> people = rows_of(raw, "member")                                        # doctest: +SKIP
    >>> Survey(people.frame, weights="weight", psu="psu", codebook=people.codebook)   # doctest: +SKIP
    """
    if name not in raw.related:
        raise DataError(
            f"This reading has no repeat group {name!r}.",
            remedy=f"Its repeat groups are: {', '.join(raw.related) or 'none'}.",
            ar=f"لا توجد مجموعة متكررة باسم {name}. المجموعات: {'، '.join(raw.related) or 'لا شيء'}.",
        )
    table = raw.related[name]
    above = raw if table.parent is None else rows_of(raw, table.parent)
    frame, book = above.frame, above.codebook
    renamed = {str(c): f"{table.parent or 'parent'}__{c}" for c in frame.columns if c in table.frame.columns}
    frame = frame.rename(columns=renamed)
    key = renamed.get(table.parent_key, table.parent_key)
    places = pd.Series(frame.index, index=frame[key])
    at = table.frame[table.key].map(places)
    found = at.notna().to_numpy()
    below = table.frame[found].reset_index(drop=True)
    beside = frame.loc[at[found].astype("int64")].reset_index(drop=True)
    notes = list(above.notes)
    lost = int((~found).sum())
    if lost:
        notes.append(
            Note(
                "orphans",
                f"{lost} entries of {name} belong to interviews that are not in the file; they were left out.",
                f"{lost} من صفوف {name} تعود إلى مقابلات ليست في الملف؛ استُبعدت.",
                (name,),
            )
        )
    variables = [*table.codebook.values(), *(_renamed(v, renamed) for v in book.values())]
    return make_raw(pd.concat([below, beside], axis=1), Codebook(variables), notes)


def _renamed(variable: Variable, names: dict[str, str]) -> Variable:
    if variable.name not in names:
        return variable
    return replace(variable, name=names[variable.name])
