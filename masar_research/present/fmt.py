"""Tokens ready for running text: the same as `numbers`, isolated in Arabic."""

from __future__ import annotations

from masar_research.present import numbers
from masar_research.present.direction import Lang, isolate


def pct(x: numbers.Value, lang: Lang, digits: int = 1, *, system: numbers.System = "latn") -> str:
    """A percentage that keeps its order in right-to-left text.

    Examples
    --------
    >>> pct(0.214, "ar") == "\\u206621.4%\\u2069", pct(0.214, "en")
    (True, '21.4%')
    """
    return _token(numbers.percent(x, lang, digits, system=system), lang)


def num(x: numbers.Value, lang: Lang, digits: int = 0, *, system: numbers.System = "latn") -> str:
    """A number that keeps its order (and its sign in front) in right-to-left text."""
    return _token(numbers.number(x, lang, digits, system=system), lang)


def span(low: numbers.Value, high: numbers.Value, lang: Lang, digits: int = 1) -> str:
    """A percentage interval as one token, "14.0–15.1%", lower end first in both directions."""
    first = numbers.percent(low, lang, digits).removesuffix("%")
    return _token(f"{first}–{numbers.percent(high, lang, digits)}", lang)


def _token(text: str, lang: Lang) -> str:
    return isolate(text) if lang == "ar" else text
