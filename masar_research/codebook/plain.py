"""A codebook as plain values for JSON, and back; and the signature of its variables and codes."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from typing import Any

from masar_research.codebook.book import Codebook
from masar_research.codebook.entries import Category, MissingRange, ResponseSet, Variable


def to_plain(book: Codebook) -> dict[str, Any]:
    """Everything a codebook holds, as lists, dictionaries, texts and numbers.

    Codes travel as typed pairs: keys of JSON would turn numbers into text.
    """
    return {"variables": [_variable(v) for v in book.values()], "sets": [_set(s) for s in book.sets.values()]}


def from_plain(facts: Mapping[str, Any]) -> Codebook:
    """The codebook that `to_plain` took apart.

    Examples
    --------
    >>> book = Codebook([Variable("q", {"en": "Q"}, categories=(Category(1, {"en": "Yes"}),))])
    >>> from_plain(to_plain(book)) == book
    True
    """
    return Codebook(
        (_variable_of(v) for v in facts["variables"]),
        sets=(
            ResponseSet(s["name"], s["label"], s["variables"], None if s["counted"] is None else s["counted"][1])
            for s in facts["sets"]
        ),
    )


def signature(books: Mapping[str, Codebook]) -> str:
    """A digest of variables and their codes, wave by wave; labels do not count, order does not either.

    Parameters
    ----------
    books : mapping
        Wave → codebook.

    Returns
    -------
    str
        ``sha256-codes:`` and 64 hexadecimal digits.
    """
    facts = [
        [wave, sorted([v.name, sorted(_code(c.code) for c in v.categories)] for v in book.values())]
        for wave, book in sorted(books.items())
    ]
    text = json.dumps(facts, ensure_ascii=True)
    return f"sha256-codes:{hashlib.sha256(text.encode()).hexdigest()}"


def _code(code: float | str) -> list[str]:
    return ["t", code] if isinstance(code, str) else ["n", repr(code + 0.0)]


def _pair(code: float | str) -> list[Any]:
    return ["t" if isinstance(code, str) else "n", code]


def _end(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _words(text: Mapping[str, str] | None) -> dict[str, str] | None:
    return None if text is None else dict(text)


def _variable(variable: Variable) -> dict[str, Any]:
    return {
        "name": variable.name,
        "label": _words(variable.label),
        "question": _words(variable.question),
        "level": variable.level,
        "universe": variable.universe,
        "unit": _words(variable.unit),
        "source": list(variable.source),
        "note": _words(variable.note),
        "categories": [[*_pair(c.code), _words(c.label), c.missing] for c in variable.categories],
        "missing_ranges": [[_end(r.low), _end(r.high), r.missing] for r in variable.missing_ranges],
        "personal": variable.personal,
    }


def _variable_of(facts: Mapping[str, Any]) -> Variable:
    return Variable(
        facts["name"],
        facts["label"],
        facts["question"],
        facts["level"],
        tuple(
            Category(code if kind == "t" else float(code), label, missing)
            for kind, code, label, missing in facts["categories"]
        ),
        facts["universe"],
        facts["unit"],
        tuple(facts["source"]),
        facts["note"],
        tuple(
            MissingRange(-math.inf if low is None else low, math.inf if high is None else high, kind)
            for low, high, kind in facts["missing_ranges"]
        ),
        facts["personal"],
    )


def _set(each: ResponseSet) -> dict[str, Any]:
    return {
        "name": each.name,
        "label": _words(each.label),
        "variables": list(each.variables),
        "counted": None if each.counted is None else _pair(each.counted),
    }
