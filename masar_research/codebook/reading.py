"""An edited codebook workbook, read as rows of plain values; nothing in it is evaluated."""

from __future__ import annotations

import difflib
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from openpyxl import load_workbook

from masar_research.codebook.book import Codebook
from masar_research.codebook.columns_of_workbook import COLUMNS, HIDDEN, SHEETS, VERSION
from masar_research.codebook.plain import signature
from masar_research.errors import DataError

LARGEST, MOST_ROWS = 400_000_000, 300_000


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a sheet: where it stands, and its values by column key; an absent column has no key."""

    where: str
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Sheets:
    """What an edited workbook says: rows of variables, codes and sets."""

    variables: tuple[Row, ...]
    codes: tuple[Row, ...]
    sets: tuple[Row, ...]


def read_workbook(path: str | Path, books: Mapping[str, Codebook]) -> Sheets:
    """Read a workbook that `write_workbook` made from these codebooks.

    Raises
    ------
    DataError
        If it is no workbook, was not written by `write_workbook`, belongs to other variables or
        codes, has a column nobody knows, or holds a formula.
    """
    path = Path(path)
    book = _open(path)
    _signed(path, book, books)
    found = {}
    for name, titles in SHEETS.items():
        sheet = next((book[title] for title in titles.values() if title in book.sheetnames), None)
        if name in COLUMNS:
            if sheet is None and name != "sets":
                raise DataError(
                    f"{path.name} has no sheet {titles['en']!r}.",
                    remedy="Write the workbook again and move the edits into it.",
                    ar=f"لا توجد في الملف {path.name} صفحة «{titles['ar']}»؛ أعد كتابة الملف وانقل التعديلات إليه.",
                )
            found[name] = tuple(_rows(sheet, name)) if sheet is not None else ()
    return Sheets(found["variables"], found["codes"], found["sets"])


def _open(path: Path) -> Any:
    if not path.is_file():
        raise DataError(f"There is no file {path}.", remedy="Check the path.", ar=f"الملف {path.name} غير موجود.")
    try:
        with zipfile.ZipFile(path) as packed:
            size = sum(part.file_size for part in packed.infolist())
        if size > LARGEST:
            raise DataError(
                f"{path.name} unpacks to {size / 1e6:,.0f} MB, far more than a codebook holds.",
                remedy="Check where the file comes from.",
                ar=f"حجم الملف {path.name} بعد فك ضغطه أكبر بكثير من أي دليل ترميز؛ تحقق من مصدره.",
            )
        return load_workbook(path)
    except DataError:
        raise
    except Exception as error:
        raise DataError(
            f"{path.name} cannot be read as an Excel workbook: {error}",
            remedy="Save it as .xlsx from the program it was edited in.",
            ar=f"تعذّرت قراءة الملف {path.name} كجدول Excel؛ احفظه بصيغة ‎.xlsx‎ من البرنامج الذي عُدّل فيه.",
        ) from error


def _signed(path: Path, book: Any, books: Mapping[str, Codebook]) -> None:
    try:
        facts = json.loads(book[HIDDEN]["A1"].value)
        sign, version, waves = facts["signature"], facts["version"], list(facts["waves"])
    except (KeyError, TypeError, ValueError):
        raise DataError(
            f"{path.name} carries no signature: it is not a codebook workbook, or its hidden sheet was lost.",
            remedy="Write the workbook again with codebook.to_excel(...) and move the edits into it.",
            ar=f"لا يحمل الملف {path.name} توقيعاً: ليس ملف دليل ترميز، أو فُقدت صفحته المخفية. "
            "أعد كتابته بالأمر codebook.to_excel وانقل التعديلات إليه.",
        ) from None
    if version != VERSION:
        raise DataError(
            f"{path.name} was written in version {version} of this form; version {VERSION} is read.",
            remedy="Write the workbook again and move the edits into it.",
            ar=f"كُتب الملف {path.name} بإصدار آخر من هذا النموذج؛ أعد كتابته وانقل التعديلات إليه.",
        )
    if sign != signature(books):
        listed = {str(row.values.get("variable")) for row in _rows(_variables_sheet(book), "variables")}
        known = {name for each in books.values() for name in each}
        only = {"in the workbook only": sorted(listed - known), "in the codebook only": sorted(known - listed)}
        told = "; ".join(f"{where}: {', '.join(names[:6])}" for where, names in only.items() if names)
        waves_told = f" Its waves: {', '.join(map(str, waves))}." if waves != list(books) else ""
        raise DataError(
            f"{path.name} was made from other variables or codes than these"
            f" ({told or 'the codes differ'}).{waves_told}",
            remedy="Apply it to the survey it was written from, or write the workbook again and move the edits into it.",
            ar=f"أُعدّ الملف {path.name} من متغيرات أو رموز غير هذه. طبّقه على المسح الذي كُتب منه، أو أعد كتابته وانقل "
            "التعديلات إليه.",
        )


def _variables_sheet(book: Any) -> Any:
    return next((book[title] for title in SHEETS["variables"].values() if title in book.sheetnames), None)


def _rows(sheet: Any, name: str) -> list[Row]:
    if sheet is None:
        return []
    if (sheet.max_row or 0) > MOST_ROWS:
        raise DataError(
            f"Sheet {sheet.title!r} has {sheet.max_row:,} rows.",
            remedy="Delete the empty rows at its end and save it again.",
            ar=f"في الصفحة «{sheet.title}» صفوف أكثر مما ينبغي؛ احذف الصفوف الفارغة في آخرها.",
        )
    keys = _keys(sheet, name)
    out = []
    for line in sheet.iter_rows(min_row=2):
        values = {}
        for key, cell in zip(keys, line, strict=False):
            if key is None:
                continue
            if cell.data_type in ("f", "e"):
                what = "a formula" if cell.data_type == "f" else f"the error {cell.value}"
                raise DataError(
                    f"Sheet {sheet.title!r}, cell {cell.coordinate} holds {what}.",
                    remedy="Paste its value instead; put an apostrophe in front of a text that begins with =.",
                    ar=f"في الصفحة «{sheet.title}»، الخلية {cell.coordinate}: معادلة أو خطأ. ضع القيمة نفسها مكانها، "
                    "وابدأ النص الذي أوله = بفاصلة عليا.",
                )
            values[key] = cell.value
        if any(value is not None and value != "" for value in values.values()):
            out.append(Row(f"{sheet.title}, row {line[0].row}", values))
    return out


def _keys(sheet: Any, name: str) -> list[str | None]:
    columns = COLUMNS[name]
    by_words = {head.key: head.key for head in columns}
    for head in columns:
        by_words |= {words: head.key for words in head.title.values()}
    keys: list[str | None] = []
    for cell in next(sheet.iter_rows(min_row=1, max_row=1), ()):
        text = "" if cell.value is None else str(cell.value).strip()
        key = next((by_words[part] for part in (text, *reversed(text.split("\n"))) if part.strip() in by_words), None)
        if text and key is None:
            near = difflib.get_close_matches(text, [head.key for head in columns], n=1)
            raise DataError(
                f"Sheet {sheet.title!r} has a column {text!r} that is not known.",
                remedy=f"Did you mean {near[0]}? " * bool(near)
                + f"The columns are: {', '.join(head.key for head in columns)}. Delete others.",
                ar=f"في الصفحة «{sheet.title}» عمود غير معروف: «{text}». احذفه أو صحّح عنوانه.",
            )
        if key is not None and key in keys:
            raise DataError(
                f"Sheet {sheet.title!r} has the column {key!r} twice.",
                remedy="Delete one of them.",
                ar=f"العمود «{key}» مكرر في الصفحة «{sheet.title}»؛ احذف أحدهما.",
            )
        keys.append(key)
    needed = {"variables": ("variable",), "codes": ("variable", "code"), "sets": ("set",)}[name]
    absent = [key for key in needed if key not in keys]
    if absent:
        raise DataError(
            f"Sheet {sheet.title!r} has no column {', '.join(absent)}.",
            remedy="Put the heading back as it was written.",
            ar=f"ينقص الصفحة «{sheet.title}» العمود {'، '.join(absent)}؛ أعد العنوان كما كان.",
        )
    return keys
