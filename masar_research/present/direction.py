"""Keep numbers, ranges and Latin words in their own order inside right-to-left text.

The bidirectional algorithm shows ``-0.6`` after an Arabic letter as ``0.6-`` and ``15–24`` as
``24–15``. A first-strong isolate does not help; a left-to-right isolate (U+2066 … U+2069)
around the token does, in every renderer measured.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Literal

Lang = Literal["ar", "en"]

LRI = "\u2066"
PDI = "\u2069"
RLM = "\u200f"
CONTROLS = "\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"

_ISOLATED = re.compile(f"{LRI}[^{PDI}]*{PDI}")
_NUMBER = r"[+\-−±]?\d(?:[\d.,٫٬]*\d)?(?:[eE][+\-−]?\d+)?(?:\s?[%٪])?"
_TOKEN = re.compile(rf"[\[(]{_NUMBER}\s?[,،–-]\s?{_NUMBER}[\])]|{_NUMBER}(?:[–\-/:×]{_NUMBER})*")
_MARKS = re.compile("[\u064b-\u0652\u0670\u0640]")
_CONTROL = re.compile(f"[{CONTROLS}]")


def isolate(token: str) -> str:
    """A token between U+2066 and U+2069; one that already is stays as it is.

    Examples
    --------
    >>> isolate("21.4%") == "\\u206621.4%\\u2069"
    True
    """
    return token if token.startswith(LRI) and token.endswith(PDI) else f"{LRI}{token}{PDI}"


def bare(text: str) -> str:
    """The text without directional controls."""
    return _CONTROL.sub("", text)


def embed(text: str, lang: Lang) -> str:
    """Text ready for a renderer: in Arabic every number, sign, range and interval isolated.

    A string whose first strong letter is Latin gets U+200F in front, so that its paragraph
    runs from the right all the same. English text is returned as it is.

    Examples
    --------
    >>> embed("من 15–24 سنة", "ar") == "من \\u206615–24\\u2069 سنة"
    True
    >>> embed("15–24", "en")
    '15–24'
    """
    if lang != "ar":
        return text
    out, end = [], 0
    for kept in _ISOLATED.finditer(text):
        out += [_TOKEN.sub(_isolated, text[end : kept.start()]), kept.group()]
        end = kept.end()
    out.append(_TOKEN.sub(_isolated, text[end:]))
    joined = "".join(out)
    return RLM + joined if _first_strong(joined) == "L" else joined


def unmarked(text: str) -> str:
    """Arabic without optional marks (short vowels, tanwin, shadda, dagger alif) and kashida.

    Some PDF writers put a mark before its letter in the text layer, which breaks searching
    and copying; the words read the same without.

    Examples
    --------
    >>> unmarked("لم يتغيّر إحصائياً")
    'لم يتغير إحصائيا'
    """
    return _MARKS.sub("", text)


def _isolated(match: re.Match[str]) -> str:
    return isolate(match.group())


def _first_strong(text: str) -> str:
    outside = _ISOLATED.sub("", text)
    for character in outside:
        kind = unicodedata.bidirectional(character)
        if kind == "L":
            return "L"
        if kind in ("R", "AL"):
            return "R"
    return ""
