"""The figures' data as CSV: displayed precision, labels in both languages, gated like the page."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass

from masar_research.briefs.blocks import FigureBlock
from masar_research.briefs.document import Document, Figure, Lang, plain
from masar_research.briefs.gate import Cell, Gated
from masar_research.present import numbers
from masar_research.release import words as release_words

MARK = "*"
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%")
_UNITS = {"share": "percent", "points": "percentage points", "number": "number"}
HEAD = (
    "label_en", "label_ar", "series_en", "series_ar", "estimate", "low", "high", "unit", "n",
    "status", "note",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class DataFile:
    """One ``data/<figure>.csv``: its name and its content."""

    name: str
    text: str

    @classmethod
    def of(cls, block: FigureBlock, gated: Gated, documents: Mapping[Lang, Document]) -> DataFile:
        """The figure's rows, one line each; a suppressed one has its reason and no number."""
        tables = {
            lang: next(
                element.data
                for element in document.elements
                if isinstance(element, Figure) and element.id == block.id
            )
            for lang, document in documents.items()
        }
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(HEAD)
        for number, row in enumerate(block.rows):
            lines = {lang: table.rows[number] for lang, table in tables.items()}
            has_series = len(lines["en"]) == 5
            labels = [safe(plain(lines[lang][0])) for lang in ("en", "ar")]
            series = [safe(plain(lines[lang][1])) if has_series else "" for lang in ("en", "ar")]
            writer.writerow([*labels, *series, *_numbers(gated[row.cell] if row.cell else None)])
        return cls(block.id, out.getvalue())


def _numbers(cell: Cell | None) -> list[str]:
    if cell is None:
        return ["", "", "", "", "", "reference", ""]
    unit = _UNITS[cell.block.unit]
    if cell.hidden:
        return [MARK, "", "", unit, "", "suppressed", release_words(cell.reason, "en")]
    row = cell.row
    note = release_words(cell.note, "en") if cell.note else ""
    ends = [_rounded(value, cell.block.unit) for value in (row.estimate, row.conf_low, row.conf_high)]
    return [*ends, unit, "" if row.n is None else str(row.n), "shown", note]


def _rounded(value: float | None, unit: str) -> str:
    """The value as it is displayed, without separators: a plain number for programs."""
    if value is None:
        return ""
    if unit == "number":
        return numbers.number(value, "en", 2).replace(",", "").replace("−", "-")
    return numbers.percent(value, "en", 1).removesuffix("%").replace("−", "-")


def safe(text: str) -> str:
    """A text no spreadsheet runs as a formula: an apostrophe goes in front of one.

    Examples
    --------
    >>> safe("=cmd()"), safe("Women")
    ("'=cmd()", 'Women')
    """
    return f"'{text}" if text.lstrip().startswith(_FORMULA) else text
