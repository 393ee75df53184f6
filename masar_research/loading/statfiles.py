"""SPSS, Stata and SAS files through pyreadstat: codes stay codes, declared missing codes stay in the frame."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from masar_research.codebook import Codebook, Variable
from masar_research.errors import DataError
from masar_research.loading import statfile_process as apart
from masar_research.loading.assembling import frame_of
from masar_research.loading.clocks import is_moment, moments
from masar_research.loading.codebook_facts import borne_out, declared_ranges, declared_sets
from masar_research.loading.raw import STATA_MISSING, Note, clean, has_arabic, variable_from, words_of
from masar_research.loading.repair import unmixed

_SYSTEM = {".dta": "stata", ".sas7bdat": "sas", ".xpt": "sas"}


def describe(path: Path) -> dict[str, Any]:
    """What a file says about its variables, in the encoding it declares or the first that fits.

    Raises
    ------
    DataError
        If it cannot be read.
    """
    first = None
    for encoding in _encodings(path):
        try:
            return apart.describe(path, encoding)
        except apart.ReadingFailed as error:
            first = first or error
            if not _about_letters(error):
                break
    raise _refused(path, first) from None


def read_statfile(
    path: Path, *, columns: list[str] | None = None, done: Callable[[float], None] | None = None
) -> tuple[pd.DataFrame, Codebook, list[Note]]:
    """Read one file of a statistics package.

    Parameters
    ----------
    path : Path
    columns : list of str, optional
        Only these, by their names in the file.
    done : callable, optional
        Called from a thread with the share of the rows that is read.

    Returns
    -------
    frame, codebook, notes

    Raises
    ------
    DataError
        If pyreadstat cannot read it in any of the encodings tried.
    """
    found, notes = _decode(path, columns, done)
    facts = found.facts
    if not facts["names"]:
        raise DataError(
            f"{path.name} holds no variables.",
            remedy="Export it again from the program that made it.",
            ar=f"لا متغيرات في الملف {path.name}؛ صدّره من جديد من البرنامج الذي أنشأه.",
        )
    if not all(isinstance(name, str) for name in facts["names"]):
        raise DataError(
            f"{path.name} is damaged: it holds a variable without a name.",
            remedy="Copy it again, or export it again from the program that made it.",
            ar=f"الملف {path.name} تالف: فيه متغير بلا اسم؛ انسخه أو صدّره من جديد.",
        )
    notes += _repaired(facts)
    system = _SYSTEM.get(path.suffix.lower(), "spss")
    columns: dict[str, pd.Series] = {}
    rows, variables = [], []
    for name in facts["names"]:
        values, pairs, gone = _column(name, found, system)
        label = facts["labels"].get(name)
        level = {"M": "date", "f": "numeric"}.get(values.dtype.kind, "text")
        if clean(name) in columns:
            raise DataError(
                f"{path.name} has two variables named {clean(name)}.",
                remedy="Rename one in the program that made the file.",
                ar=f"في الملف {path.name} متغيران باسم واحد: {clean(name)}؛ سمِّ أحدهما باسم آخر.",
            )
        columns[clean(name)] = values
        if name in found.where and values.dtype.kind == "f":
            rows.append(found.where[name])
        variable = variable_from(clean(name), label, pairs, gone, level)
        spans = declared_ranges(facts["ranges"].get(name), variable.categories)
        variables.append(_ordered(replace(variable, missing_ranges=spans), facts["measures"].get(name)))
    notes += _label_notes(variables)
    names = {str(name).casefold(): clean(name) for name in facts["names"]}
    # numbers come first in the block, so that it becomes the frame's own memory
    block = found.numbers[: len(rows)] if rows == list(range(len(rows))) else found.numbers[rows]
    kept = {clean(name) for name in found.where}
    others = {name: values for name, values in columns.items() if name not in kept or values.dtype.kind != "f"}
    frame = frame_of(list(columns), block, others)
    book = Codebook(variables, declared_sets(facts["sets"], names))
    return frame, borne_out(book, frame), notes


def _decode(
    path: Path, columns: list[str] | None, done: Callable[[float], None] | None
) -> tuple[apart.Found, list[Note]]:
    first, catalog, system = None, _catalog(path), _SYSTEM.get(path.suffix.lower(), "spss")

    def values(encoding: str | None) -> apart.Found:
        return apart.values(
            path, encoding, columns=columns, catalog=catalog, converted=lambda form: is_moment(system, form), done=done
        )

    def sample(found: apart.Found, encoding: str | None) -> str:
        # the letters of a few columns are judged by the labels of all
        return _sample(found, found.facts if columns is None else apart.describe(path, encoding))

    for encoding in _encodings(path):
        try:
            found = values(encoding)
        except apart.ReadingFailed as error:
            first = first or error
            if not _about_letters(error):
                break
            continue
        if encoding == "cp1256" and not has_arabic(sample(found, encoding)):
            continue
        if encoding is not None:
            return found, [_encoding_note(encoding)]
        better = _misread(sample(found, encoding))
        if better:
            try:
                again = values(better)
            except apart.ReadingFailed:
                return found, []
            if _turned(found, again, better):
                return again, [_encoding_note(better)]
        return found, []
    raise _refused(path, first) from None


def _encodings(path: Path) -> tuple[str | None, ...]:
    return (None,) if path.suffix.lower() == ".por" else (None, "cp1256", "cp1252")


def _refused(path: Path, first: apart.ReadingFailed | None) -> DataError:
    return DataError(
        f"{path.name} cannot be read as {path.suffix.lstrip('.').upper()}: {_reason(first)}.",
        remedy="Check that the copy is complete (compare its size with the source) or export it again.",
        ar=f"تعذّرت قراءة الملف {path.name}؛ قد يكون ناقصاً أو ليس من نوعه المعلن. قارن حجمه بالأصل أو صدّره من جديد.",
    )


def _catalog(path: Path) -> Path | None:
    """The SAS catalogue beside a file: of its own name, or ``formats.sas7bcat``."""
    if path.suffix.lower() != ".sas7bdat":
        return None
    beside = {each.name.casefold(): each for each in path.parent.glob("*") if each.suffix.lower() == ".sas7bcat"}
    return beside.get(f"{path.stem}.sas7bcat".casefold()) or beside.get("formats.sas7bcat")


def _repaired(facts: dict[str, Any]) -> list[Note]:
    """Turn back labels whose letters were mixed up before they came into the file."""
    names = []
    for name in facts["names"]:
        label, pairs = facts["labels"].get(name), facts["value_labels"].get(name)
        better = unmixed(label) if label else label
        turned = [[code, unmixed(str(text))] for code, text in pairs or ()]
        if better != label or any(new != str(old) for (_, new), (_, old) in zip(turned, pairs or (), strict=True)):
            names.append(clean(name))
            if label:
                facts["labels"][name] = better
            if pairs:
                facts["value_labels"][name] = turned
    if not names:
        return []
    return [
        Note(
            "labels_repaired",
            f"Labels whose Arabic had been read as Western letters were turned back: {_some(tuple(names))}.",
            f"أُعيدت إلى العربية أوصاف كانت حروفها قد قُرئت لاتينية: {_some(tuple(names))}.",
            tuple(names),
        )
    ]


def _about_letters(error: Exception) -> bool:
    return getattr(error, "kind", "") == "UnicodeDecodeError" or any(
        word in str(error).casefold() for word in ("encoding", "convert string", "codec", "byte sequence")
    )


def _reason(error: Exception | None) -> str:
    return (str(error).strip().splitlines() or ["no reason given"])[0].rstrip(".")


def _encoding_note(encoding: str) -> Note:
    return Note(
        "encoding",
        f"The letters were read as {encoding}, not as the encoding the file declares.",
        f"قُرئت الحروف بترميز {encoding} لا بالترميز المعلن في الملف.",
    )


def _sample(found: apart.Found, facts: dict[str, Any]) -> str:
    return " ".join(_pieces(found, facts))


def _pieces(found: apart.Found, facts: dict[str, Any]) -> list[str]:
    pieces = list(facts["labels"].values())
    pieces += [str(text) for pairs in facts["value_labels"].values() for _, text in pairs]
    for column in found.coded.values():
        pieces += [value for value in column.values[:50] if isinstance(value, str)]
    return pieces


def _misread(text: str) -> str | None:
    """The encoding the bytes are in, where Arabic was read as Western European letters."""
    high = [letter for letter in text if "\x80" <= letter <= "\u2122"]
    letters = [letter for letter in text if letter.isalpha()]
    if len(high) < 4 or sum(letter.isalpha() for letter in high) * 3 < len(letters):
        return None
    for encoding in ("utf-8", "cp1256"):
        try:
            again = text.encode("cp1252").decode(encoding)
        except (UnicodeEncodeError, UnicodeDecodeError):
            continue
        if has_arabic(again):
            return encoding
    return None


def _turned(found: apart.Found, again: apart.Found, encoding: str) -> bool:
    """Whether a second reading gives the words the first one's letters stand for, not letters mixed up once more.

    Labels that were mixed up before they came into the file are, in an encoding that is right, mixed up still.
    """
    old, new = _words(found), _words(again)
    right = sum(b.rstrip() == a.encode("cp1252", "replace").decode(encoding, "replace").rstrip() for a, b in zip(old, new, strict=False))
    return len(old) == len(new) and 2 * right > len(old)


def _words(found: apart.Found) -> list[str]:
    return [piece for piece in _pieces(found, found.facts) if not piece.isascii()]


def _column(name: str, found: apart.Found, system: str) -> tuple[pd.Series, list, list]:
    facts = found.facts
    pairs: list[tuple[Any, Any]] = [(code, text) for code, text in facts["value_labels"].get(name, ())]
    labels = [code for code, _ in pairs]
    spans = facts["ranges"].get(name)
    if facts["types"].get(name) == "string":
        column = found.coded[name]
        texts = [str(value).rstrip() or None for value in column.values]
        values = pd.Series(pd.array([*texts, None], dtype="str").take(column.places))
        return values, [(str(code).rstrip(), text) for code, text in pairs], _declared(values, labels, spans)
    letters = {str(tag).lower() for tag in facts["tags"].get(name, ())}
    if name in found.where:
        numbers = found.numbers[found.where[name]]
    else:
        column = found.coded[name]
        letters |= {value.lower() for value in column.values if isinstance(value, str)}
        table = [STATA_MISSING.get(v.lower(), np.nan) if isinstance(v, str) else float(v) for v in column.values]
        numbers = np.array([*table, np.nan])[column.places]
    shown = moments(numbers, system, str(facts["formats"].get(name) or ""))
    if shown is not None:
        return pd.Series(shown, dtype="str" if shown.dtype.kind == "O" else "datetime64[us]"), [], []
    letters |= {code.lower() for code in labels if isinstance(code, str)}
    pairs = [
        (STATA_MISSING[code.lower()] if isinstance(code, str) else code, text)
        for code, text in pairs
        if not isinstance(code, str) or code.lower() in STATA_MISSING
    ]
    gone = sorted((STATA_MISSING[letter] for letter in letters & set(STATA_MISSING)), reverse=True)
    named = {code for code, _ in pairs}
    pairs += [(code, f".{_tag(code)}") for code in gone if code not in named]
    return pd.Series(numbers), pairs, gone + _declared(pd.Series(numbers), labels, spans)


def _tag(code: float) -> str:
    return next(tag for tag, value in STATA_MISSING.items() if value == code)


def _declared(values: pd.Series, labels, ranges) -> list:
    """The codes, in the data or labelled, that lie in the ranges declared missing."""
    if not ranges:
        return []
    wide = any(isinstance(span["lo"], str) or span["lo"] != span["hi"] for span in ranges)
    codes = {*values.dropna().unique(), *labels} if wide else set(labels)
    out = []
    for span in ranges:
        low, high = span["lo"], span["hi"]
        if isinstance(low, str):
            out += [code for code in codes if isinstance(code, str) and code.rstrip() == low.rstrip()]
            out += [low.rstrip()] if low.rstrip() and low.rstrip() not in out else []
        else:
            out += [float(code) for code in codes if not isinstance(code, str) and low <= code <= high]
            out += [float(low)] if low == high else []
    return sorted(set(out), key=str)


def _ordered(variable: Variable, measure: str | None) -> Variable:
    if variable.level == "nominal" and measure == "ordinal":
        return replace(variable, level="ordinal")
    return variable if variable.label else replace(variable, label=words_of(variable.name))


def _label_notes(variables: list[Variable]) -> list[Note]:
    notes = []
    cut = tuple(
        v.name
        for v in variables
        if any(len(words) == 80 for words in v.label.values())
        or any(len(words) == 80 for c in v.categories for words in c.label.values())
    )
    if cut:
        notes.append(
            Note(
                "labels_cut",
                f"Labels of exactly 80 characters, probably cut off, in {len(cut)} variables: {_some(cut)}.",
                f"أوصاف من 80 حرفاً تماماً، يُرجَّح أنها مبتورة، في {len(cut)} من المتغيرات: {_some(cut)}.",
                cut,
            )
        )
    lost = tuple(
        v.name
        for v in variables
        if any("???" in words for words in v.label.values())
        or any("???" in words for c in v.categories for words in c.label.values())
    )
    if lost:
        notes.append(
            Note(
                "labels_lost",
                f"Labels reduced to question marks in {len(lost)} variables: {_some(lost)}.",
                f"أوصاف تحوّلت إلى علامات استفهام في {len(lost)} من المتغيرات: {_some(lost)}.",
                lost,
            )
        )
    return notes


def _some(names: tuple[str, ...]) -> str:
    return ", ".join(names[:10]) + (", …" if len(names) > 10 else "")
