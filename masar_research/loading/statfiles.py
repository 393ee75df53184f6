"""SPSS, Stata and SAS files through pyreadstat: codes stay codes, declared missing codes stay in the frame."""

from __future__ import annotations

import datetime as dt
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyreadstat

from masar_research.codebook import Codebook, Variable
from masar_research.errors import DataError
from masar_research.loading.codebook_facts import borne_out, declared_ranges, declared_sets
from masar_research.loading.raw import STATA_MISSING, Note, clean, has_arabic, variable_from, words_of

# The suffixes of readers.STATISTICAL.
READERS = {
    ".sav": pyreadstat.read_sav,
    ".zsav": pyreadstat.read_sav,
    ".por": pyreadstat.read_por,
    ".dta": pyreadstat.read_dta,
    ".sas7bdat": pyreadstat.read_sas7bdat,
    ".xpt": pyreadstat.read_xport,
}
_SPSS_EPOCH = np.datetime64("1582-10-14", "us")
_SPSS_DATES = ("DATE", "ADATE", "EDATE", "JDATE", "SDATE", "QYR", "MOYR", "WKYR", "DATETIME", "YMDHMS")


def read_statfile(path: Path) -> tuple[pd.DataFrame, Codebook, list[Note]]:
    """Read one file of a statistics package.

    Parameters
    ----------
    path : Path

    Returns
    -------
    frame, codebook, notes

    Raises
    ------
    DataError
        If pyreadstat cannot read it in any of the encodings tried.
    """
    frame, meta, notes = _decode(path)
    if frame.shape[1] == 0:
        raise DataError(
            f"{path.name} holds no variables.", remedy="Export it again from the program that made it."
        )
    columns, variables = {}, []
    for name in frame.columns:
        values, pairs, gone = _column(frame[name], meta, name)
        label = meta.column_names_to_labels.get(name)
        level = {"M": "date", "f": "numeric"}.get(values.dtype.kind, "text")
        columns[clean(name)] = values
        variable = variable_from(clean(name), label, pairs, gone, level)
        spans = declared_ranges(meta.missing_ranges.get(name), variable.categories)
        measure = meta.variable_measure.get(name)
        variables.append(_ordered(replace(variable, missing_ranges=spans), measure))
    notes += _label_notes(variables)
    names = {str(name).casefold(): clean(name) for name in frame.columns}
    frame = pd.DataFrame(columns)
    book = Codebook(variables, declared_sets(getattr(meta, "mr_sets", None), names))
    return frame, borne_out(book, frame), notes


def _decode(path: Path) -> tuple[pd.DataFrame, object, list[Note]]:
    first = None
    for encoding in (None,) if path.suffix.lower() == ".por" else (None, "cp1256", "cp1252"):
        try:
            frame, meta = _call(path, encoding)
        except (
            UnicodeDecodeError,
            pyreadstat.ReadstatError,
            pyreadstat.PyreadstatError,
            ValueError,
            OverflowError,
        ) as error:
            first = first or error
            if not _about_letters(error):
                break
            continue
        if encoding == "cp1256" and not has_arabic(_sample(frame, meta)):
            continue
        if encoding is not None:
            return frame, meta, [_encoding_note(encoding)]
        better = _misread(_sample(frame, meta))
        if better:
            try:
                frame, meta = _call(path, better)
                return frame, meta, [_encoding_note(better)]
            except (UnicodeDecodeError, pyreadstat.ReadstatError, pyreadstat.PyreadstatError):
                pass
        return frame, meta, []
    raise DataError(
        f"{path.name} cannot be read as {path.suffix.lstrip('.').upper()}: {_reason(first)}.",
        remedy="Check that the copy is complete (compare its size with the source) or export it again.",
        ar=f"تعذّرت قراءة الملف {path.name}؛ قد يكون ناقصاً أو ليس من نوعه المعلن. قارن حجمه بالأصل أو صدّره من جديد.",
    )


def _call(path: Path, encoding: str | None) -> tuple[pd.DataFrame, object]:
    reader, suffix = READERS[path.suffix.lower()], path.suffix.lower()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if suffix == ".por":
            return reader(str(path))
        if suffix == ".xpt":
            return reader(str(path), encoding=encoding)
        return reader(str(path), encoding=encoding, user_missing=True)


def _about_letters(error: Exception) -> bool:
    return isinstance(error, UnicodeDecodeError) or any(
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


def _sample(frame: pd.DataFrame, meta) -> str:
    pieces = [label for label in meta.column_names_to_labels.values() if label]
    pieces += [str(text) for labels in meta.variable_value_labels.values() for text in labels.values()]
    for name in frame.columns:
        if frame[name].dtype.kind == "O":
            pieces += [value for value in frame[name].head(50) if isinstance(value, str)]
    return " ".join(pieces)


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


def _column(column: pd.Series, meta, name: str) -> tuple[pd.Series, list, list]:
    labels = meta.variable_value_labels.get(name, {})
    pairs = [(code, text) for code, text in labels.items()]
    tags = set(meta.missing_user_values.get(name, ()) if meta.missing_user_values else ())
    declared_numeric = str(meta.readstat_variable_types.get(name, "")) != "string"
    if column.dtype.kind == "M":
        return column.astype("datetime64[us]"), [], []
    if declared_numeric:
        text_codes = (
            {value for value in column.dropna().unique() if isinstance(value, str)}
            if column.dtype.kind == "O"
            else set()
        )
        if tags or text_codes or {code for code in labels if isinstance(code, str)}:
            column = column.map(
                lambda value: STATA_MISSING.get(value.lower(), np.nan) if isinstance(value, str) else value
            )
            pairs = [
                (STATA_MISSING[code.lower()] if isinstance(code, str) else code, text)
                for code, text in pairs
                if not isinstance(code, str) or code.lower() in STATA_MISSING
            ]
            gone = [
                STATA_MISSING[tag.lower()]
                for tag in sorted(tags | text_codes)
                if tag.lower() in STATA_MISSING
            ]
            named = {code for code, _ in pairs}
            pairs += [(code, f".{_tag(code)}") for code in gone if code not in named]
        else:
            gone = []
        if _is_spss_date(meta, name) and column.dtype.kind == "f":
            return _from_spss(column), [], []
        if column.dtype.kind == "O":
            kinds = {type(value) for value in column.dropna()}
            if kinds and kinds <= {dt.date, dt.datetime, pd.Timestamp}:
                days = [None if value is None or value != value else value for value in column]
                return pd.Series(np.array(days, dtype="datetime64[us]"), index=column.index), [], []
            if kinds == {dt.time}:
                return (
                    column.map(
                        lambda value: value.isoformat() if value is not None and value == value else None
                    ).astype("str"),
                    [],
                    [],
                )
        values = pd.to_numeric(column, errors="coerce").astype("float64")
        return values, pairs, gone + _declared(values, labels, meta.missing_ranges.get(name))
    values = column.astype("str").str.rstrip()
    values = values.mask(values == "")
    gone = _declared(values, labels, meta.missing_ranges.get(name))
    return values, [(str(code).rstrip(), text) for code, text in pairs], gone


def _tag(code: float) -> str:
    return next(tag for tag, value in STATA_MISSING.items() if value == code)


def _declared(values: pd.Series, labels, ranges) -> list:
    """The codes, in the data or labelled, that lie in the ranges declared missing."""
    if not ranges:
        return []
    codes = {*values.dropna().unique(), *labels}
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


def _is_spss_date(meta, name: str) -> bool:
    kind = str((meta.original_variable_types or {}).get(name, "")).upper().rstrip("0123456789.")
    return kind in _SPSS_DATES and getattr(meta, "missing_ranges", None) is not None


def _from_spss(column: pd.Series) -> pd.Series:
    seconds = column.to_numpy("float64")
    out = np.full(len(seconds), np.datetime64("NaT", "us"))
    good = np.isfinite(seconds)
    out[good] = _SPSS_EPOCH + (seconds[good] * 1e6).astype("int64").astype("timedelta64[us]")
    return pd.Series(out, index=column.index)


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
