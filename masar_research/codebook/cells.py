"""Texts in cells of a workbook: nothing a spreadsheet would run or mangle, and back without loss."""

from __future__ import annotations

import re
from typing import Any

from masar_research.errors import DataError

LONGEST = 32_000
_RISKY = ("=", "+", "-", "@", "\t", "'")
# what XML cannot hold or would change, what spreadsheets take for an escape, and the brackets of ours
_ESCAPED = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff⟦⟧]|_(?=x[0-9A-Fa-f]{4}_)|x(?=005F_)"
)
_BACK = re.compile("⟦([0-9A-F]{4})⟧")


def to_cell(text: str) -> str:
    """A text as it may stand in a cell.

    A text that a spreadsheet would run as a formula gets an apostrophe in front; characters it
    cannot hold stand as ``⟦0007⟧``.

    Raises
    ------
    DataError
        If it is longer than a cell can be.

    Examples
    --------
    >>> to_cell("=1+1"), from_cell(to_cell("=1+1"))
    ("'=1+1", '=1+1')
    """
    out = _ESCAPED.sub(lambda found: f"⟦{ord(found[0]):04X}⟧", text)
    if out.startswith(_RISKY) or out != out.strip():
        out = "'" + out
    if len(out) > LONGEST:
        raise DataError(
            f"A text of {len(text):,} characters does not fit into a cell ({text[:40]!r}…).",
            remedy="Shorten it in the codebook before writing the workbook.",
            ar="نص أطول مما تتسع له خلية في الجدول؛ اختصره في دليل الترميز أولاً.",
        )
    return out


def from_cell(value: Any) -> str:
    """The text that `to_cell` wrote; "" for an empty cell."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        value = int(value)
    text = str(value)
    text = text[1:] if text.startswith("'") else text.strip()
    return _BACK.sub(lambda found: chr(int(found[1], 16)), text)
