"""Points and commas in numbers of a text table: which is decimal, which groups thousands, and when nobody can know."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from masar_research.errors import DataError
from masar_research.loading.numbers import BLANKS, western
from masar_research.loading.raw import Note

Decimal = str | Mapping[str, str] | None
WAYS = (".", ",", "text")

_SIGN, _DIGITS = r"^[+-]?", r"\d+"
_PLAIN = rf"{_SIGN}\d+$"
_GAP = "'"
# no-break spaces and apostrophes part thousands; the Arabic comma is used like the Latin one
_MARKS = str.maketrans({"\u00a0": "'", "\u202f": "'", "\u2009": "'", "’": "'", "،": ",", "٪": "%"})


def _numbers(mark: str, other: str) -> str:
    """The pattern of numbers whose decimal sign is `mark` and whose thousands the other parts, if any does."""
    m, o = (r"\." if each == "." else each for each in (mark, other))
    tail = r"(?:[eE][+-]?\d+)?(?: ?%)?$"
    grouped = f"[1-9]\\d{{0,2}}(?:(?:{o}\\d{{3}})+|(?:{_GAP}\\d{{3}})+)"
    fits = rf"{_SIGN}(?:{_DIGITS}(?:{m}\d*)?|{m}\d+|{grouped}(?:{m}\d*)?){tail}"
    return fits


_DOT, _COMMA = _numbers(".", ","), _numbers(",", ".")


@dataclass(frozen=True, slots=True)
class _Seen:
    """What the values of one column allow: as decimal-point numbers, as decimal-comma numbers."""

    dot: bool
    comma: bool
    certain: str | None


def settle(
    frame: pd.DataFrame, decimal: Decimal = None, *, semicolons: bool = False, exempt: Collection[str] = ()
) -> tuple[pd.DataFrame, list[Note]]:
    """The text columns with decimal commas and thousands marks rewritten as numbers are written: 1234.5.

    A column is rewritten only if all its values are numbers one way. Its own values decide where they can:
    ``12,5``, ``0,250`` and ``1.234,56`` have a decimal comma, ``1,234.5`` and ``1,234,567`` have not. Where every
    value fits both (``1,234``), the other columns of the file decide, and where they are silent or disagree
    nobody can know.

    Parameters
    ----------
    frame : pandas.DataFrame
        As read, text.
    decimal : {".", ",", "text"} or mapping, optional
        The decimal sign of all columns, or column → sign; ``"text"`` leaves a column as it is.
    semicolons : bool
        Whether the file's fields are parted by semicolons, as programs do where the comma is decimal.
    exempt : collection of str
        Columns a form knows to be text or codes.

    Returns
    -------
    frame, notes

    Raises
    ------
    DataError
        If a column reads as two different sets of numbers and `decimal` does not decide, or decides against
        its values.
    """
    given = _given(decimal, frame)
    seen: dict[str, _Seen] = {}
    for name in map(str, frame.columns):
        if name not in exempt and given.get(name) != "text" and (found := _look(frame[name])) is not None:
            seen[name] = found
    _check_named(decimal, frame, seen, exempt)
    lists = {n for n, s in seen.items() if s.certain == "," and not semicolons and n not in given and _like_lists(frame[n])}
    signs = {s.certain for n, s in seen.items() if s.certain is not None and n not in lists}
    file = next(iter(signs)) if len(signs) == 1 else None
    changed, read_as, doubtful = {}, {}, []
    for name, found in seen.items():
        if name in lists:
            continue  # 1,2 beside 3,4 where commas part the fields: answers listed, not decimals
        sign = given.get(name) or found.certain
        if sign is None:
            sign = file if file is not None and (found.comma if file == "," else found.dot) else None
        if sign is None and not signs and not semicolons and not _has(frame[name], ","):
            sign = "."  # 1.234 alone, in a file where nothing speaks for a decimal comma
        if sign is None:
            doubtful.append(name)
            continue
        fits = found.comma if sign == "," else found.dot
        if name in given and not fits:
            raise DataError(
                f"decimal={sign!r} was given for {name!r}, whose values are no such numbers ({_example(frame[name])}).",
                remedy=f'Leave it out, or write decimal={{"{name}": "text"}} to keep the column as it is.',
                ar=f"أُعطيت decimal={sign!r} للعمود {name} وقيمه لا تُقرأ بها ({_example(frame[name])}).",
            )
        changed[name] = _rewritten(frame[name], sign)
        read_as.setdefault(sign, []).append(name)
    if doubtful:
        raise _doubt(doubtful, frame)
    moved = {name: column for name, column in changed.items() if not column.equals(frame[name])}
    percent = [name for name in moved if _all(_texts(frame[name]), "%$")]
    return (frame.assign(**moved) if moved else frame), _notes(read_as, moved, percent)


def _given(decimal: Decimal, frame: pd.DataFrame) -> dict[str, str]:
    names = [str(name) for name in frame.columns]
    asked = decimal if isinstance(decimal, Mapping) else {} if decimal is None else dict.fromkeys(names, decimal)
    for name, way in asked.items():
        if way not in WAYS:
            raise DataError(
                f"decimal={way!r} is not known.", remedy='Use ".", "," or "text", or a mapping of columns to these.',
                ar=f"القيمة decimal={way!r} غير معروفة؛ استعمل النقطة أو الفاصلة أو text.",
            )  # fmt: skip
        if name not in names:
            raise DataError(
                f"decimal= names the column {name!r}, which the file has not.", remedy=f"Its columns: {', '.join(names[:12])}.",
                ar=f"يسمّي decimal العمود {name} وليس في الملف.",
            )  # fmt: skip
    if isinstance(decimal, Mapping):
        return dict(asked)
    # one sign for the whole file decides numbers, and leaves text alone
    return {n: w for n, w in asked.items() if w == "text" or ((f := _look(frame[n])) is not None and (f.comma if w == "," else f.dot))}


def _check_named(decimal: Decimal, frame: pd.DataFrame, seen: Mapping[str, _Seen], exempt: Collection[str]) -> None:
    """A sign given for a column by name must have something to decide there."""
    for name, way in decimal.items() if isinstance(decimal, Mapping) else ():
        array = None if way == "text" or name in seen else _texts(frame[name])
        if name in exempt or (array is not None and not _all(array, _PLAIN)):
            raise DataError(
                f"decimal={way!r} was given for {name!r}, which holds no numbers to be decided.",
                remedy="Leave the column out of decimal=.",
                ar=f"أُعطيت decimal={way!r} للعمود {name} وليست قيمه أعداداً؛ احذفه من decimal=.",
            )


def _texts(column: pd.Series) -> pa.Array | None:
    if column.dtype.kind in "fiubMm" or isinstance(column.dtype, pd.CategoricalDtype):
        return None
    values = [value for value in column.dropna().unique()]
    if not values or not all(isinstance(value, str) for value in values):
        return None
    array = pa.array(values, pa.string())
    if not pc.all(pc.string_is_ascii(array)).as_py():
        array = pa.array([_ascii(text) for text in values], pa.string())
    array = pc.utf8_trim_whitespace(array)
    array = array.filter(pc.invert(pc.is_in(array, pa.array(BLANKS))))
    return array if len(array) else None


def _ascii(text: str) -> str:
    return western(text.translate(_MARKS)).strip()


def _all(array: pa.Array, pattern: str) -> bool:
    return pc.all(pc.match_substring_regex(array, pattern)).as_py()


def _any(array: pa.Array, pattern: str) -> bool:
    return pc.any(pc.match_substring_regex(array, pattern)).as_py()


def _look(column: pd.Series) -> _Seen | None:
    """None where the column is no numbers, or has neither point nor comma nor gap."""
    array = _texts(column)
    if array is None or not _any(array, f"[.,%]|{_GAP}"):
        return None
    dot, comma = _all(array, _DOT), _all(array, _COMMA)
    if not dot and not comma:
        return None
    if dot != comma:
        return _Seen(dot, comma, "." if dot else ",")
    return _Seen(True, True, None if _any(array, "[.,]") else ".")


def _has(column: pd.Series, mark: str) -> bool:
    return _any(_texts(column), r"\." if mark == "." else mark)


def _like_lists(column: pd.Series) -> bool:
    return _all(_texts(column), r"^\d{1,2}(?:,\d{1,2})?$")


def _rewritten(column: pd.Series, sign: str) -> pd.Series:
    other = "," if sign == "." else "."

    def write(text: str) -> str:
        plain = _ascii(text)
        for mark in (other, "'", "%"):
            plain = plain.replace(mark, "")
        return plain.replace(sign, ".").strip()

    table = {text: write(text) for text in column.dropna().unique() if text.strip() not in BLANKS}
    return column.map(lambda v: table.get(v, v), na_action="ignore").astype(column.dtype)


def _example(column: pd.Series) -> str:
    return ", ".join(map(str, list(column.dropna().unique())[:3]))


def _doubt(names: list[str], frame: pd.DataFrame) -> DataError:
    first = names[0]
    value = next(t for t in frame[first].dropna().unique() if "," in str(t) or "." in str(t))
    shown = ", ".join(names[:8])
    return DataError(
        f"Is {value} in {first!r} a thousand and more, or a number with three decimals? Nothing in the file tells, for: {shown}.",
        remedy=f'Say it: decimal="." or decimal="," for the file, or column by column: decimal={{"{first}": ","}}; '
        '"text" leaves a column as it is. In a card: decimal: under the wave.',
        ar=f"هل {value} في {first} ألف وأكثر أم عدد بثلاث منازل عشرية؟ لا يدل الملف على ذلك في: {'، '.join(names[:8])}. "
        f'بيّنه: decimal="." أو decimal="," أو لكل عمود decimal={{"{first}": ","}}.',
    )


def _notes(read_as: dict[str, list[str]], moved: Collection[str], percent: list[str]) -> list[Note]:
    words = {",": ("comma", "الفاصلة"), ".": ("point", "النقطة")}
    out = []
    if percent:
        en, ar = ", ".join(percent[:12]), "، ".join(percent[:12])
        out.append(Note("percent", f"Read without their percent sign: {en}.", f"قُرئت دون علامة النسبة المئوية: {ar}.", tuple(percent)))
    for sign, names in read_as.items():
        told = [name for name in names if name in moved and name not in percent]
        if told:
            out.append(
                Note(
                    "decimal",
                    f"Read with a decimal {words[sign][0]}: {', '.join(told[:12])}{', …' if len(told) > 12 else ''}.",
                    f"قُرئت و{words[sign][1]} علامتها العشرية: {'، '.join(told[:12])}{'، …' if len(told) > 12 else ''}.",
                    tuple(told),
                )
            )
    return out
