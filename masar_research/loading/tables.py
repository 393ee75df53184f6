"""CSV, TSV and Excel: plain tables without a codebook of their own."""

from __future__ import annotations

import csv
import io
import re
import zipfile
import zlib
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv as pacsv

from masar_research.codebook import Codebook, Variable
from masar_research.errors import DataError
from masar_research.loading.kobo_guard import check_workbook
from masar_research.loading.numbers import as_numbers
from masar_research.loading.raw import Note, clean, has_arabic, words_of
from masar_research.loading.repair import unmixed

# What openpyxl and the modules under it raise for damaged workbooks.
_DAMAGED = (
    zipfile.BadZipFile, zlib.error, SyntaxError, KeyError, ValueError, OSError, EOFError, TypeError, AttributeError,
    IndexError, OverflowError, NotImplementedError, RuntimeError,
)  # fmt: skip

_WHY_AR = {
    "leading zeros": "أصفار في البداية",
    "more than 15 digits": "أكثر من 15 رقماً",
    "codes that look like exponents": "رموز تشبه الأسس العددية",
    "trailing zeros": "أصفار في النهاية",
    "different spellings of one number": "كتابات مختلفة لعدد واحد",
}


@dataclass(frozen=True, slots=True)
class TextTable:
    """A text file as text columns, what parts its fields, and notes."""

    frame: pd.DataFrame
    separator: str
    notes: list[Note]


def read_text_table(path: Path) -> tuple[pd.DataFrame, list[Note]]:
    """The columns and notes of `text_table`."""
    table = text_table(path)
    return table.frame, table.notes


def text_table(path: Path) -> TextTable:
    """A CSV or TSV file as text columns, blanks missing.

    The encoding is UTF-8 (with or without byte-order mark), UTF-16 with one, else cp1256 or cp1252, whichever
    gives Arabic letters; the separator is found in the header line.

    Raises
    ------
    DataError
        If the file is empty, holds bytes of no text, or a row has more or fewer fields than the header.
    """
    text, notes = decode(path)
    if not text.strip():
        raise DataError(
            f"{path.name} is empty.", remedy="Export it again.", ar=f"الملف {path.name} فارغ؛ صدّره من جديد."
        )
    if "\x00" in text[:4096]:
        raise DataError(
            f"{path.name} is not a text table; it holds binary data.",
            remedy="Give the file its right extension (.sav, .dta, .xlsx …) or export it as CSV.",
        )
    first = text.lstrip("\n\r").split("\n", 1)[0]
    counts = {mark: first.count(mark) for mark in ",;\t|"}
    mark = "\t" if path.suffix.lower() == ".tsv" and counts["\t"] else max(counts, key=counts.get)
    if not counts[mark]:
        mark = ","
    try:
        header = next(csv.reader(io.StringIO(text.lstrip("\n\r"), newline=""), delimiter=mark))
    except (csv.Error, StopIteration):
        raise DataError(
            f"The header line of {path.name} cannot be read as column names.",
            remedy="Check the file in a text editor; export it again.",
            ar=f"لا يمكن قراءة السطر الأول من {path.name} أسماءً للأعمدة؛ صدّر الملف من جديد.",
        ) from None
    keys = [f"c{k}" for k in range(len(header))]
    quoted = first.lstrip().startswith('"')
    try:
        table = pacsv.read_csv(
            io.BytesIO(text.lstrip("\n\r").encode("utf-8", "surrogatepass")),
            read_options=pacsv.ReadOptions(column_names=keys, skip_rows=1, block_size=1 << 26),
            parse_options=pacsv.ParseOptions(delimiter=mark, newlines_in_values=True),
            convert_options=pacsv.ConvertOptions(
                column_types=dict.fromkeys(keys, pa.string()),
                null_values=["", "NA"] if quoted else [""],
                strings_can_be_null=True,
                quoted_strings_can_be_null=False,
            ),
        )
    except pa.ArrowInvalid as error:
        found = re.search(r"(?:Row #(\d+): )?Expected (\d+) columns, got (\d+)", str(error))
        if found:
            row = f"row {found[1]}" if found[1] else "a row"
            raise DataError(
                f"{path.name}: {row} has {found[3]} fields where the header has {found[2]}.",
                remedy="Look for a separator or a line break inside an unquoted answer, and put it in quotes.",
            ) from None
        raise DataError(
            f"{path.name} cannot be read as a table: {str(error).splitlines()[0]}.",
            remedy="Check the file in a text editor; export it again.",
        ) from None
    frame = pd.DataFrame({key: table.column(key).to_pandas() for key in keys}).astype("str")
    names, more = tidy_names(header)
    frame.columns = names
    return TextTable(frame, mark, notes + more)


def decode(path: Path) -> tuple[str, list[Note]]:
    """A text file as text, with a note where its encoding had to be found out."""
    raw = path.read_bytes()
    for mark, encoding in ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"), (b"\xef\xbb\xbf", "utf-8-sig")):
        if raw.startswith(mark):
            try:
                return raw.decode(encoding), []
            except UnicodeDecodeError:
                break
    try:
        return raw.decode("utf-8"), []
    except UnicodeDecodeError:
        pass
    arabic = raw.decode("cp1256", errors="replace")
    letters = sum(map(has_arabic, arabic))
    encoding = "cp1256" if letters * 2 > sum(letter > "\x7f" for letter in arabic) else "cp1252"
    text = arabic if encoding == "cp1256" else raw.decode("cp1252", errors="replace")
    return text, [
        Note(
            "encoding",
            f"The file is not UTF-8; its letters were read as {encoding}.",
            f"الملف ليس بترميز UTF-8؛ قُرئت حروفه بترميز {encoding}.",
        )
    ]


def read_excel(path: Path, sheet: str | None) -> tuple[pd.DataFrame, list[Note]]:
    """One sheet of a workbook as cells: text, numbers, dates.

    Raises
    ------
    DataError
        If the workbook is damaged, has no such sheet, or the sheet is empty.
    """
    if path.suffix.lower() == ".xls":
        raise DataError(
            f"{path.name} is in the Excel format of before 2007.",
            remedy="Open it in a spreadsheet program and save it as .xlsx (LibreOffice: soffice --convert-to xlsx), then read that.",
            ar=f"الملف {path.name} بصيغة Excel لما قبل 2007؛ افتحه في برنامج جداول واحفظه بصيغة ‎.xlsx‎ ثم اقرأه.",
        )
    check_workbook(path)
    try:
        from openpyxl import load_workbook

        book = load_workbook(path, read_only=True, data_only=True)
    except _DAMAGED as error:
        raise DataError(
            f"{path.name} is not a readable Excel workbook ({_line(error)}).",
            remedy="Open it in a spreadsheet program and save it again as .xlsx.",
        ) from None
    with closing(book):
        names = book.sheetnames
        if not names:
            raise DataError(
                f"{path.name} is not a readable Excel workbook (it has no sheet).",
                remedy="Open it in a spreadsheet program and save it again as .xlsx.",
            )
        if sheet is not None and sheet not in names:
            raise DataError(
                f"{path.name} has no sheet {sheet!r}.", remedy=f"Its sheets are: {', '.join(names)}."
            )
        chosen = sheet or names[0]
        try:
            rows = [row for row in book[chosen].iter_rows(values_only=True)]
        except _DAMAGED as error:
            raise DataError(
                f"Sheet {chosen!r} of {path.name} is damaged ({_line(error)}).",
                remedy="Open it in a spreadsheet program and save it again as .xlsx.",
            ) from None
    while rows and all(cell is None for cell in rows[-1]):
        rows.pop()
    if not rows or all(cell is None for cell in rows[0]):
        raise DataError(
            f"Sheet {chosen!r} of {path.name} has no header row.",
            remedy="Put the column names into the first row.",
        )
    width = max(k + 1 for k, cell in enumerate(rows[0]) if cell is not None)
    beyond = sum(any(cell is not None for cell in row[width:]) for row in rows[1:])
    if beyond:
        raise DataError(
            f"Sheet {chosen!r} of {path.name}: {beyond} rows have cells to the right of the last column name.",
            remedy="Name every column in the first row.",
        )
    header = ["" if cell is None else str(cell) for cell in rows[0][:width]]
    unique, notes = tidy_names(header)
    frame = pd.DataFrame([row[:width] for row in rows[1:]], columns=unique, dtype=object)
    if sheet is None and len(names) > 1:
        notes.append(
            Note(
                "sheets",
                f"Sheet {chosen!r} was read; not read: {', '.join(names[1:])}.",
                f"قُرئت الورقة «{chosen}»؛ لم تُقرأ: {'، '.join(names[1:])}.",
            )
        )
    return frame, notes


def typed(frame: pd.DataFrame) -> tuple[pd.DataFrame, list[Note]]:
    """Columns as float64, text or datetime64[us]; identifiers stay text.

    Returns
    -------
    frame : pandas.DataFrame
    notes : list of Note
        Which columns stayed text although they look like numbers, and why.
    """
    columns, kept = {}, {}
    for name in frame.columns:
        columns[name], why = typed_column(frame[name])
        if why not in (None, "text", "empty"):
            kept.setdefault(why, []).append(str(name))
    notes = [
        Note(
            "kept_as_text",
            f"Kept as text ({why} would be lost): {', '.join(names)}.",
            f"أُبقيت نصاً لئلا تضيع أرقام ({_WHY_AR[why]}): {'، '.join(names)}.",
            tuple(names),
        )
        for why, names in kept.items()
    ]
    return pd.DataFrame(columns, index=frame.index), notes


def typed_column(column: pd.Series, *, ids: bool = True) -> tuple[pd.Series, str | None]:
    """One column as float64, text or datetime64[us], and why it stayed text; `ids` as for `as_numbers`."""
    if column.dtype.kind == "M":
        return (column.dt.tz_convert("UTC").dt.tz_localize(None) if column.dt.tz else column).astype(
            "datetime64[us]"
        ), None
    if column.dtype.kind in "fiub":
        return column.astype("float64"), None
    if isinstance(column.dtype, pd.CategoricalDtype):
        column = column.astype(column.cat.categories.dtype)
        if column.dtype.kind in "fiub":
            return column.astype("float64"), None
    if not isinstance(column.dtype, pd.StringDtype):
        present = column.dropna()
        kinds = set(map(type, present))
        if kinds and all(hasattr(value, "year") for value in present):
            return pd.Series(pd.to_datetime(column).to_numpy("datetime64[us]"), index=column.index), None
        if kinds and all(issubclass(kind, int | float | np.number | np.bool_) for kind in kinds):
            return pd.to_numeric(column).astype("float64"), None
        if kinds != {str}:
            column = column.map(_cell, na_action="ignore")
    text = column.astype("str")
    text = text.mask(text.str.strip() == "")
    answer = as_numbers(text, ids=ids)
    if answer.values is not None:
        return pd.Series(answer.values, index=column.index), None
    if answer.why == "empty":
        return pd.Series(np.full(len(text), np.nan), index=column.index), "empty"
    return text, answer.why


def _cell(value: object) -> str:
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def tidy_names(header: list[str]) -> tuple[list[str], list[Note]]:
    """Column names without byte-order marks and stray blanks, each unique."""
    plain = [re.sub(r"^(?:ï»¿|X\.U\.FEFF\.)", "", clean(name)) for name in header]
    names = [unmixed(name) or f"column_{k + 1}" for k, name in enumerate(plain)]
    turned = tuple(new for new, old in zip(names, plain, strict=True) if old and new != old)
    seen: Counter[str] = Counter()
    out, renamed = [], []
    for name in names:
        seen[name] += 1
        unique = name
        while seen[name] > 1 and (unique := f"{name}__{seen[name]}") in names:
            seen[name] += 1
        if unique != name:
            renamed.append(unique)
        out.append(unique)
    notes = (
        [
            Note(
                "renamed",
                f"Column names that stood twice were numbered: {', '.join(renamed)}.",
                f"رُقّمت أسماء أعمدة مكررة: {'، '.join(renamed)}.",
                tuple(renamed),
            )
        ]
        if renamed
        else []
    )
    if turned:
        notes.append(
            Note(
                "labels_repaired",
                f"Column names whose letters had been mixed up were turned back: {', '.join(turned[:12])}.",
                f"أُعيدت أسماء أعمدة اختلطت حروفها إلى ما كُتبت به: {'، '.join(turned[:12])}.",
                turned,
            )
        )
    return out, notes


def plain_codebook(frame: pd.DataFrame) -> Codebook:
    """A codebook for a table that brings none: each column labelled with its own name."""
    level = {"M": "date", "f": "numeric"}
    return Codebook(
        Variable(
            str(name), words_of(name), level=level.get(frame[name].dtype.kind, "text"), source=(str(name),)
        )
        for name in frame.columns
    )


def _line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
