"""Text that is numbers, and text that only looks like numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

_DIGITS = str.maketrans(
    {
        **{chr(0x0660 + d): str(d) for d in range(10)},
        **{chr(0x06F0 + d): str(d) for d in range(10)},
        "٫": ".",
        "٬": "",
        "−": "-",
        "\u200e": None,
        "\u200f": None,
        "\u00a0": " ",
    }
)
_NUMBER = r"^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?$"
BLANKS = ["", "NA", "N/A", "NaN", "nan", "NULL", "."]


@dataclass(frozen=True, slots=True)
class Numeric:
    """The answer of :func:`as_numbers`: ``values`` (n,) float64, or None with the reason ``why``."""

    values: np.ndarray | None
    why: str | None = None


def western(text: str) -> str:
    """Arabic-Indic and Persian digits and the Arabic decimal sign as ASCII.

    Examples
    --------
    >>> western("١٢٫٥")
    '12.5'
    """
    return text.translate(_DIGITS)


def masked(text: object) -> str:
    """The form of an answer without its content, for messages: digits as 0, letters as x, no more than 24 signs.

    Examples
    --------
    >>> masked("31-Feb 2026")
    '00-xxx 0000'
    """
    signs = ("0" if sign.isdigit() else "x" if sign.isalpha() else sign for sign in str(text)[:24])
    return "".join(signs) + ("…" if len(str(text)) > 24 else "")


def as_numbers(column: pd.Series, *, ids: bool = True) -> Numeric:
    """Numbers out of text, unless digits would be lost.

    Identifiers stay text: leading zeros ("007"), more than 15 digits, exponents no program writes
    ("12E4"), and decimals with meaningful trailing zeros ("122.10" beside "122.9", or "101.010" where
    every one ends in 0; "10.00" beside "12.50" are amounts).

    Parameters
    ----------
    column : pandas.Series of str, shape (n,)
    ids : bool
        False: the caller knows these are measurements; identifier rules are off.

    Returns
    -------
    Numeric
        ``values`` None where the column is text; ``why`` then says ``"text"``, ``"empty"`` or what
        digits would be lost.
    """
    codes, uniques = pd.factorize(column)
    texts = pa.array(uniques, pa.string())
    if not pc.all(pc.string_is_ascii(texts)).as_py():
        texts = pa.array([western(text) for text in texts.to_pylist()], pa.string())
    texts = pc.utf8_trim_whitespace(texts)
    blank = pc.is_in(texts, pa.array(BLANKS))
    real = texts.filter(pc.invert(blank))
    if not len(real):
        return Numeric(None, "empty")
    if not pc.all(pc.match_substring_regex(real, _NUMBER)).as_py():
        return Numeric(None, "text")
    real = pc.replace_substring_regex(real, r"^\+|\.$", "")
    if ids:
        why = _loses(real)
        if why:
            return Numeric(None, why)
    table = np.full(len(texts) + 1, np.nan)
    table[:-1][~blank.to_numpy(zero_copy_only=False)] = pc.cast(real, pa.float64()).to_numpy()
    return Numeric(table[codes])


def _loses(texts: pa.Array) -> str | None:
    def some(pattern: str) -> bool:
        return pc.any(pc.match_substring_regex(texts, pattern)).as_py()

    if some(r"^-?0\d"):
        return "leading zeros"
    if some(r"^-?\d{16}"):
        return "more than 15 digits"
    if some(r"^\d+[eE]\d+$"):
        return "codes that look like exponents"
    if some(r"^-?\d+\.\d+0$"):
        widths = pc.unique(
            pc.utf8_length(
                pc.replace_substring_regex(
                    texts.filter(pc.match_substring_regex(texts, r"^[^eE]*\.[^eE]*$")), r"^.*\.", ""
                )
            )
        )
        every = not some(r"\.(?:\d*[1-9]|0)?$") and not some(r"\.0+$")
        if len(widths) > 1 or every or some(r"^-?[1-9]\d*$"):
            return "trailing zeros"
    spellings = pc.count_distinct(pc.replace_substring_regex(texts, r"\.0$", "")).as_py()
    if pc.count_distinct(pc.cast(texts, pa.float64())).as_py() < spellings:
        return "different spellings of one number"
    return None
