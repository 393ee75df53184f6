"""A codebook as a workbook for a colleague to edit: written here, read by `reading`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from openpyxl import Workbook
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation

from masar_research.codebook.book import Codebook
from masar_research.codebook.cells import to_cell
from masar_research.codebook.columns_of_workbook import COLUMNS, GUIDE, HIDDEN, SHEETS, VERSION, Head
from masar_research.codebook.entries import LEVELS, ResponseSet, Variable
from masar_research.codebook.plain import signature
from masar_research.codebook.wording import known_language, span_text
from masar_research.errors import DataError
from masar_research.expressions import KINDS

_GREY, _HEAD = PatternFill("solid", fgColor="E9EEED"), PatternFill("solid", fgColor="0E5A5A")
MOST_LINES = 20
_CHOICES = {"level": LEVELS, "missing": KINDS, "personal": ("yes",)}


def write_workbook(path: str | Path, books: Mapping[str, Codebook], lang: str = "en") -> Path:
    """Write codebooks, one or wave by wave, to one workbook.

    Parameters
    ----------
    path : str or Path
        Ends in ``.xlsx``.
    books : mapping
        Wave → codebook; the wave ``""`` for a codebook of its own.
    lang : {"en", "ar"}

    Returns
    -------
    Path

    Raises
    ------
    DataError
        If the path has another ending, or a text does not fit into a cell.

    Notes
    -----
    A hidden sheet carries the signature of variables and codes; `read_workbook` compares it.
    """
    known_language(lang)
    path = Path(path)
    if path.suffix.lower() != ".xlsx":
        raise DataError(
            f"{path.name} does not end in .xlsx.",
            remedy="Give the workbook a name ending in .xlsx.",
            ar="يجب أن ينتهي اسم الملف بالامتداد ‎.xlsx‎.",
        )
    book = Workbook()
    book.remove(book.active)
    sign = signature(books)
    _guide(book, lang, sign)
    rows: dict[str, list[dict[str, Any]]] = {"variables": [], "codes": [], "sets": []}
    for wave, codebook in books.items():
        for place, variable in enumerate(codebook.values(), 1):
            rows["variables"].append({"wave": wave, "order": place, **_variable(variable)})
            rows["codes"] += [{"wave": wave, "variable": variable.name, **row} for row in _codes(variable)]
        rows["sets"] += [{"wave": wave, **_set(each)} for each in codebook.sets.values()]
    for name, columns in COLUMNS.items():
        if name != "sets" or rows["sets"]:
            kept = columns if list(books) != [""] else columns[1:]
            _sheet(book, SHEETS[name][lang], kept, rows[name], lang)
    hidden = book.create_sheet(HIDDEN)
    hidden.sheet_state = "veryHidden"
    hidden["A1"] = json.dumps({"version": VERSION, "signature": sign, "waves": list(books)})
    book.active = 1
    book.save(path)
    return path


def _variable(variable: Variable) -> dict[str, Any]:
    return {
        "variable": variable.name,
        **_words("label", variable.label),
        **_words("question", variable.question),
        **_words("unit", variable.unit),
        **_words("note", variable.note),
        "level": variable.level,
        "universe": variable.universe,
        "missing_ranges": "; ".join(f"{span_text(s.low, s.high)} {s.missing}" for s in variable.missing_ranges),
        "personal": "yes" if variable.personal else "",
    }


def _codes(variable: Variable) -> list[dict[str, Any]]:
    return [
        {"code": c.code, "order": place, **_words("label", c.label), "missing": c.missing}
        for place, c in enumerate(variable.categories, 1)
    ]


def _set(each: ResponseSet) -> dict[str, Any]:
    return {
        "set": each.name, **_words("label", each.label), "variables": " ".join(each.variables),
        "counted": each.counted,
    }  # fmt: skip


def _words(key: str, words: Mapping[str, str] | None) -> dict[str, str | None]:
    return {f"{key}_{lang}": (words or {}).get(lang) for lang in ("en", "ar")}


def _guide(book: Workbook, lang: str, sign: str) -> None:
    sheet = book.create_sheet(SHEETS["guide"][lang])
    sheet.sheet_view.rightToLeft = lang == "ar"
    sheet.sheet_view.showGridLines = False
    sheet.column_dimensions["A"].width = 110
    other = "en" if lang == "ar" else "ar"
    for one in (lang, other):
        for line in GUIDE:
            sheet.append([line[one]])
            sheet.cell(sheet.max_row, 1).alignment = Alignment(
                wrap_text=True, vertical="top", readingOrder=2 if one == "ar" else 1,
                horizontal="right" if one == "ar" else "left",
            )  # fmt: skip
            _heighten(sheet, sheet.max_row, [(line[one], 110)])
        sheet.append([None])
    sheet.append([sign])
    sheet.cell(sheet.max_row, 1).font = Font(color="5F6E6D", size=9)


def _sheet(book: Workbook, title: str, columns: tuple[Head, ...], rows: list[dict[str, Any]], lang: str) -> None:
    sheet = book.create_sheet(title)
    sheet.sheet_view.rightToLeft = lang == "ar"
    for place, head in enumerate(columns, 1):
        cell = sheet.cell(1, place, head.key if lang == "en" else f"{head.title['ar']}\n{head.key}")
        cell.font, cell.fill = Font(bold=True, color="FFFFFF"), _HEAD
        cell.alignment = Alignment(wrap_text=True, vertical="center", horizontal="center")
        sheet.column_dimensions[get_column_letter(place)].width = head.width
    sheet.row_dimensions[1].height = 32 if lang == "en" else 47
    for line, row in enumerate(rows, 2):
        for place, head in enumerate(columns, 1):
            _write(sheet.cell(line, place), head, row.get(head.key))
        _heighten(sheet, line, [(row.get(head.key), head.width) for head in columns])
    sheet.freeze_panes = sheet.cell(2, [head.key for head in columns].index(_key(columns)) + 2)
    sheet.auto_filter.ref = f"A1:{get_column_letter(len(columns))}{max(len(rows) + 1, 2)}"
    for place, head in enumerate(columns, 1):
        if head.key in _CHOICES:
            letter = get_column_letter(place)
            rule = DataValidation(type="list", formula1=f'"{",".join(_CHOICES[head.key])}"', allow_blank=True)
            rule.add(f"{letter}2:{letter}{len(rows) + 500}")
            sheet.add_data_validation(rule)


def _heighten(sheet: Any, row: int, cells: list[tuple[Any, float]]) -> None:
    """Room for every line of a row's wrapped texts: LibreOffice shows one line where no height is given."""
    lines = max((-(-len(text) // max(int(0.9 * width), 1)) for text, width in cells if isinstance(text, str)), default=1)
    if lines > 1:
        sheet.row_dimensions[row].height = 15.0 * min(lines, MOST_LINES)


def _key(columns: tuple[Head, ...]) -> str:
    return next(key for key in ("code", "variable", "set") if key in [head.key for head in columns])


def _write(cell: Any, head: Head, value: Any) -> None:
    if isinstance(value, str) and (value or head.key == "code"):
        cell.value = to_cell(value) or "'"
        cell.data_type = "s"
        cell.number_format = "@"
    elif value is not None and value != "":
        cell.value = int(value) if float(value).is_integer() and abs(value) < 1e15 else float(value)
    arabic = head.key.endswith("_ar")
    cell.alignment = Alignment(
        wrap_text=True, vertical="top", readingOrder=2 if arabic else 1,
        horizontal="right" if arabic else "left", indent=1,
    )  # fmt: skip
    if not head.editable:
        cell.fill = _GREY
