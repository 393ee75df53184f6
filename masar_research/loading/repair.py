"""Single labels whose UTF-8 bytes were once read as Western European letters: «Ø§Ù„Ø¬Ù†Ø³» is «الجنس»."""

from __future__ import annotations

import re

from masar_research.loading.raw import has_arabic

# the letters that begin an Arabic letter's two bytes, each followed by a byte that cannot begin one
_SIGN = re.compile("[ØÙÚÛ][\u0080-\u00bf\u0152\u0153\u0160\u0161\u0178\u017d\u017e\u0192\u02c6\u02dc\u2013-\u203a\u20ac\u2122]")


def unmixed(text: str) -> str:
    """The text as it was written, where turning it back is certain; else the text itself.

    It is turned back only if every letter has a byte in cp1252, the bytes are strict UTF-8, and
    Arabic comes out: ordinary text, French or Arabic, never meets all three.

    Examples
    --------
    >>> unmixed("Ø§Ù„Ø¬Ù†Ø³")
    'الجنس'
    >>> unmixed("Øresund"), unmixed("الجنس")
    ('Øresund', 'الجنس')
    """
    if not _SIGN.search(text) or has_arabic(text):
        return text
    try:
        found = b"".join(_byte(letter) for letter in text).decode("utf-8")
    except (UnicodeEncodeError, UnicodeDecodeError):
        return text
    return found if has_arabic(found) else text


def _byte(letter: str) -> bytes:
    # cp1252 leaves five bytes without a letter; programs pass them through
    return letter.encode("latin-1") if letter in "\x81\x8d\x8f\x90\x9d" else letter.encode("cp1252")
