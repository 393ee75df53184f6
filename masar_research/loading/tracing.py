"""From a harmonised variable back to the file: its columns, the codes behind each code, the rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from masar_research.codebook import Codebook
from masar_research.errors import DataError
from masar_research.expressions import parse
from masar_research.loading.cards import SurveyCard
from masar_research.loading.harmonise import selected
from masar_research.loading.load import read_wave
from masar_research.loading.resolve import resolve
from masar_research.loading.yaml_lines import did_you_mean

if TYPE_CHECKING:
    from masar_research.survey import Survey

ROW = "row of the file"
FEW, MOST, MOST_KEYS = 40, 120, 100_000


@dataclass(frozen=True, slots=True)
class Source:
    """Where a harmonised variable comes from.

    Attributes
    ----------
    variable : str
    columns : mapping
        Wave → the columns of its file the variable is made of; empty where it was not asked.
    table : pandas.DataFrame
        wave, source, raw, raw_en, raw_ar, code, label_en, label_ar, meaning, n: every combination of
        raw codes and the harmonised code it became, with the rows that hold it. A raw column of many
        values is told as its range, ``"18..29"``; ``code`` is NaN or None where the result is blank.
    """

    variable: str
    columns: Mapping[int | str, tuple[str, ...]]
    table: pd.DataFrame

    def of(self, code: float | str) -> pd.DataFrame:
        """The raw codes behind one harmonised code."""
        return self.table[self.table["code"] == code].reset_index(drop=True)

    def _repr_html_(self) -> str:
        from masar_research.loading.harmonisation_html import codes_table

        return codes_table(self.table, None)


def source_of(survey: Survey, variable: str) -> Source:
    """The columns and raw codes behind a variable of a loaded survey, per wave.

    Parameters
    ----------
    survey : Survey
        As `masar_research.load` gives it; the files are read again (from the cache).
    variable : str
        A variable of its card.

    Returns
    -------
    Source

    Raises
    ------
    DataError
        If the survey was not loaded from a card, the variable is not of the card, or the files are
        no longer the ones the survey was loaded from.

    Examples
    --------
    >>> survey.source_of("education").of(5)[["wave", "raw", "n"]]    # doctest: +SKIP
    """
    columns, tables = {}, []
    for wave, frame, book, values in _waves(survey, variable):
        names = _columns_of(survey, wave, variable, frame)
        columns[wave] = names
        tables.append(crossed(wave, names, frame, book, values, variable, survey.codebook))
    return Source(variable, columns, pd.concat(tables, ignore_index=True))


def raw_rows(survey: Survey, variable: str) -> pd.DataFrame:
    """Every row of the survey with its row in the file and the raw codes behind a variable.

    Parameters
    ----------
    survey : Survey
    variable : str

    Returns
    -------
    pandas.DataFrame, shape (n, 3 + raw columns)
        In the order of ``survey.frame``: ``wave``, ``row of the file`` (from 0), the variable, and
        the columns of the file (blank where a wave has another column).

    Raises
    ------
    DataError
        As for `source_of`.

    Examples
    --------
    >>> survey.raw_rows("sex").query("sex == 2")    # doctest: +SKIP
    """
    parts = []
    for wave, frame, _, values in _waves(survey, variable):
        names = _columns_of(survey, wave, variable, frame)
        # a column of the file may bear the variable's own name
        renamed = {name: f"{name} (file)" if name in (variable, "wave") else name for name in names}
        part = frame[[ROW, *names]].rename(columns=renamed)
        part.insert(0, "wave", wave)
        part.insert(2, variable, values)
        parts.append(part)
    return pd.concat(parts, ignore_index=True)


def crossed(
    wave: int | str, names: tuple[str, ...], frame: pd.DataFrame, book: Codebook, values: np.ndarray,
    variable: str, harmonised: Codebook,
) -> pd.DataFrame:  # fmt: skip
    """Raw codes crossed with what they became.

    Parameters
    ----------
    wave : int or str
    names : tuple of str
        Columns of the file.
    frame : pandas.DataFrame, n rows
        The file's rows of the study.
    book : Codebook
        Of the file.
    values : ndarray (n,)
        The harmonised variable.
    variable : str
    harmonised : Codebook

    Returns
    -------
    pandas.DataFrame
        As ``Source.table``.
    """
    return pd.DataFrame(crossed_rows(wave, names, frame, book, values, variable, harmonised), columns=list(Became._fields))


class Became(NamedTuple):
    """One line of `crossed`: a combination of raw codes, the code it became, and how many rows hold it."""

    wave: int | str
    source: str
    raw: str
    raw_en: str
    raw_ar: str
    code: float | str | None
    label_en: str
    label_ar: str
    meaning: str
    n: int


def crossed_rows(
    wave: int | str, names: tuple[str, ...], frame: pd.DataFrame, book: Codebook, values: np.ndarray,
    variable: str, harmonised: Codebook,
) -> list[Became]:  # fmt: skip
    """As `crossed`, line by line: a card has hundreds of variables."""
    # what people wrote is counted, not listed
    listed = variable not in harmonised or harmonised[variable].level not in ("text", "date")
    codes = _plain(values, harmonised.missing_codes(variable), listed)
    columns = {name: _raw_column(frame[name], book.missing_codes(name), listed) for name in names}
    keys = [codes]
    for column in columns.values():
        keys += [column.told, column.blank] if column.many else [column.told]
    group, first, counts = _groups(keys)
    if first.size > MOST:
        source = " × ".join(names[:3]) + (f" × … ({len(names)})" if len(names) > 3 else "")
        columns, (group, first, counts) = {}, _groups([codes])
    else:
        source = " × ".join(names)
    rows = []
    for place, at in enumerate(first.tolist()):
        label, meaning = _meaning(harmonised, variable, codes[at], values)
        parts = [_told(name, column, at, book, group, place) for name, column in columns.items()]
        before = _joined(parts) if parts else ("", "", "")
        rows.append(Became(wave, source, *before, codes[at], label.get("en", ""), label.get("ar", ""), meaning, int(counts[place])))
    return rows


class _Column(NamedTuple):
    """A column of the file; `told` holds what stands for itself, blank where `many` values are told as a range."""

    held: pd.Series
    told: np.ndarray
    blank: np.ndarray
    many: bool


def _raw_column(held: pd.Series, missing: frozenset, listed: bool) -> _Column:
    many = not listed or held.dtype.kind == "M" or held.nunique() > FEW
    # missing codes stand for themselves also where the rest is a range
    shown = held.where(held.isin(list(missing))) if many else held
    told = shown.astype(object).to_numpy() if held.dtype.kind == "M" else shown.to_numpy()
    return _Column(held, told, held.isna().to_numpy(), many)


def _groups(columns: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Group of every row, in the order of the columns' values (blank last); the first row and the rows of each group."""
    n = len(columns[0])
    key, size = np.zeros(n, np.int64), 1
    for column in columns:
        code, levels = pd.factorize(column, sort=True)
        key = key * (len(levels) + 1) + np.where(code < 0, len(levels), code)
        size *= len(levels) + 1
        if size > MOST_KEYS:
            held, key = np.unique(key, return_inverse=True)
            size = held.size
    counts = np.bincount(key, minlength=size)
    held = np.flatnonzero(counts)
    place, first = np.zeros(size, np.int64), np.zeros(size, np.int64)
    place[held] = np.arange(held.size)
    first[key[::-1]] = np.arange(n - 1, -1, -1)
    return place[key], first[held], counts[held]


def _joined(told: list[tuple[str, str, str]]) -> tuple[str, str, str]:
    """One code as it is; several side by side, the other language where one is absent."""
    if len(told) == 1:
        return told[0]
    shown = [raw for raw, _, _ in told]
    english = [en or ar or raw for raw, en, ar in told]
    arabic = [ar or en or raw for raw, en, ar in told]
    return " × ".join(shown), " × ".join(english), " × ".join(arabic)


def _plain(values: np.ndarray, missing: frozenset, listed: bool) -> np.ndarray:
    """The harmonised codes; one word for the answers where there are many or none is to be listed."""
    column = pd.Series(values)
    if listed and column.nunique() <= FEW:
        return column.to_numpy()
    gone = column.isin(list(missing))
    out = np.where(column.isna(), None, "(value)").astype(object)
    out[gone.to_numpy()] = column[gone].to_numpy()
    return out


def _meaning(book: Codebook, variable: str, code: object, values: np.ndarray) -> tuple[Mapping[str, str], str]:
    if code is None or code != code:
        return {"en": "(blank)", "ar": "(فارغ)"}, "missing"
    for category in book[variable].categories if variable in book else ():
        if isinstance(category.code, str) == isinstance(code, str) and category.code == code:
            return category.label, category.missing or ""
    if code != "(value)":
        return {}, ""
    size = int(pd.Series(values).nunique())
    return {"en": f"({size:,} values)", "ar": f"({size:,} قيمة)"}, ""


def _told(name: str, column: _Column, at: int, book: Codebook, group: np.ndarray, place: int) -> tuple[str, str, str]:
    """A raw code and its labels; a range where the column has many values."""
    if column.blank[at]:
        return "(blank)", "(blank)", "(فارغ)"
    raw = column.told[at]
    if column.many and (raw is None or raw != raw):
        held = column.held[group == place]
        if held.dtype.kind in "fiu":
            low, high = held.min(), held.max()
            return f"{low:.15g}..{high:.15g}" if low != high else f"{low:.15g}", "", ""
        if held.dtype.kind == "M":
            return f"{held.min():%Y-%m-%d}..{held.max():%Y-%m-%d}", "", ""
        return f"({held.nunique():,})", "(text)", "(نص)"
    label: Mapping[str, str] = {}
    for category in book[name].categories if name in book else ():
        if isinstance(category.code, str) == isinstance(raw, str) and category.code == raw:
            label = category.label
    shown = raw if isinstance(raw, str) else f"{raw:.15g}" if isinstance(raw, float | int) else str(raw)
    return shown, label.get("en", ""), label.get("ar", "")


def raw_columns(card: SurveyCard, wave: int | str, name: str, columns: Iterable[str], _open: tuple[str, ...] = ()) -> tuple[str, ...]:
    """The columns of a wave's file a variable's values are made of, through whatever variables lie between.

    Columns that only say whom it applies to (``universe:``) are not among them.

    Parameters
    ----------
    card : SurveyCard
        Its preset resolved.
    wave : int or str
    name : str
        A variable of the card.
    columns : iterable of str
        What the file has.
    """
    columns = list(columns)
    variable = card.variables[name]
    own = variable.waves.get(wave)
    if own is not None and own.not_asked:
        return ()
    source = (own.from_ if own is not None else None) or variable.from_
    found: list[str] = [source] if source is not None else []
    found += variable.combine.columns if variable.combine is not None else ()
    for each in variable.names(universe=False):
        if each in card.variables and each != name and each not in _open:
            found += raw_columns(card, wave, each, columns, (*_open, name))
        elif each in columns:
            found.append(each)
    return tuple(dict.fromkeys(found))


def with_rows(card: SurveyCard, raw) -> pd.DataFrame:
    """The file's rows of the study, each with its place in the file."""
    numbered = raw.frame.assign(**{ROW: np.arange(len(raw.frame))})
    return selected(replace(raw, frame=numbered), card)


def _waves(survey: Survey, variable: str):
    card = survey.card
    if card is None:
        raise DataError(
            "The survey was not loaded from a card, so there is no record of what became what.",
            remedy="Load it with masar_research.load(card).",
            ar="لم يُحمَّل المسح من بطاقة، فلا سجل لما تحوّل إليه كل رمز. حمّله بالأمر masar_research.load.",
        )
    if variable not in card.variables:
        raise DataError(
            f"{variable!r} is not a variable of the card {card.study}.",
            remedy=did_you_mean(variable, card.variables),
            ar=f"«{variable}» ليس من متغيرات البطاقة {card.study}.",
        )
    frame = survey.frame
    for wave in card.waves:
        mine = (frame["wave"].astype(str) if frame["wave"].dtype.kind != "f" else frame["wave"]) == (
            str(wave) if frame["wave"].dtype.kind != "f" else wave
        )
        if not mine.any():
            continue
        raw = read_wave(card, wave)
        rows = with_rows(card, raw)
        if len(rows) != int(mine.sum()):
            raise DataError(
                f"The file of wave {wave} holds {len(rows):,} rows of the study, the survey {int(mine.sum()):,}.",
                remedy="Load the survey again: the file has changed, or rows were left out by hand.",
                ar=f"عدد سجلات ملف الجولة {wave} لا يوافق عدد سجلات المسح؛ حمّل المسح من جديد.",
            )
        yield wave, rows, raw.codebook, frame.loc[mine, variable].to_numpy()


def _columns_of(survey: Survey, wave: int | str, variable: str, frame: pd.DataFrame) -> tuple[str, ...]:
    return raw_columns(survey.card, wave, variable, frame.columns)
