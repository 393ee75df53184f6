"""What reading a file gives: a frame of codes, its codebook, notes, and a checksum of the content."""

from __future__ import annotations

import hashlib
import html
import re
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from masar_research.codebook import Category, Codebook, Text, Variable
from masar_research.present.direction import embed

NOT_APPLICABLE, NOT_ASKED = -9991.0, -9992.0
STATA_MISSING = {chr(ord("a") + k): -9801.0 - k for k in range(26)}


@dataclass(frozen=True, slots=True)
class Note:
    """Something a reader noticed, repaired or left undone.

    Attributes
    ----------
    kind : str
        A short word: ``"encoding"``, ``"kept_as_text"``, ``"set_aside"``, ``"labels_cut"`` …
    en, ar : str
        The same sentence in both languages.
    columns : tuple of str
        The columns it is about.
    """

    kind: str
    en: str
    ar: str
    columns: tuple[str, ...] = ()

    def __str__(self) -> str:
        return self.en


@dataclass(frozen=True, slots=True)
class Related:
    """The rows of a repeat group, tied to the table above them.

    Attributes
    ----------
    frame : pandas.DataFrame, shape (m, k)
    codebook : Codebook
    parent : str or None
        The repeat group around it; None for the interviews themselves.
    key, parent_key : str
        The column here that holds what stands in the column `parent_key` of the table above.
    """

    frame: pd.DataFrame
    codebook: Codebook
    parent: str | None
    key: str
    parent_key: str


@dataclass(frozen=True, slots=True)
class Raw:
    """A file as read.

    Attributes
    ----------
    frame : pandas.DataFrame, shape (n, k)
        float64 for numbers and codes (user-missing codes stay in), str for text, datetime64[us] for dates.
    codebook : Codebook
        Labels as the file has them; a language the file lacks is absent.
    notes : tuple of Note
    checksum : str
        ``sha256-content:`` and 64 hexadecimal digits over names, values and labels; not over file bytes.
    related : mapping
        Repeat group → `Related`, for exports read with their form; `rows_of` joins them.
    """

    frame: pd.DataFrame
    codebook: Codebook
    notes: tuple[Note, ...]
    checksum: str
    related: Mapping[str, Related] = field(default_factory=dict)

    def _repr_html_(self) -> str:
        notes = "".join(
            f"<li>{html.escape(note.en)}<div dir='rtl' lang='ar'>{_arabic(note.ar)}</div></li>" for note in self.notes
        )
        return (
            f"<p>{len(self.frame):,} rows × {self.frame.shape[1]:,} columns · <code>{self.checksum[:24]}…</code></p>"
            f"<ul>{notes}</ul>{self.codebook._repr_html_()}"
        )


_LATIN = re.compile(r"\w+\([ -'*-~]*\)|[A-Za-z_]\w*(?:[./:-]\w+)*(?:: \[[^\]]*\])?", re.ASCII)


def _arabic(text: str) -> str:
    """An Arabic sentence for a page: names of columns and pieces of code keep their own direction."""
    parts, end = [], 0
    for match in _LATIN.finditer(text):
        parts += [html.escape(embed(text[end : match.start()], "ar")), f"<bdi dir='ltr'>{html.escape(match[0])}</bdi>"]
        end = match.end()
    return "".join([*parts, html.escape(embed(text[end:], "ar"))])


def make_raw(frame: pd.DataFrame, codebook: Codebook, notes: Iterable[Note]) -> Raw:
    """A Raw with its checksum."""
    return Raw(frame, codebook, tuple(notes), content_checksum(frame, codebook))


def content_checksum(frame: pd.DataFrame, codebook: Codebook) -> str:
    """A checksum of content: column names, values, labels, questions and kinds of missing values.

    The same data written twice, or by another writer with other time stamps, have the same checksum;
    any changed value, name or label changes it. Row and column order count.

    Parameters
    ----------
    frame : pandas.DataFrame
    codebook : Codebook

    Returns
    -------
    str
    """
    digest = hashlib.sha256(b"masar-content-1")
    digest.update(struct.pack("<qq", *frame.shape))
    for name in frame.columns:
        _text(digest, str(name))
        _values(digest, frame[name])
        variable = codebook.get(name)
        if variable is None:
            continue
        for words in (variable.label, variable.question, variable.unit):
            _words(digest, words)
        _text(digest, variable.universe)
        for category in sorted(variable.categories, key=lambda c: (isinstance(c.code, str), c.code)):
            _text(digest, category.code if isinstance(category.code, str) else f"n:{category.code!r}")
            _words(digest, category.label)
            _text(digest, category.missing)
    return f"sha256-content:{digest.hexdigest()}"


def _text(digest, text: str | None) -> None:
    if text is None:
        digest.update(b"\xff")
    else:
        raw = text.encode("utf-8", "surrogatepass")
        digest.update(struct.pack("<q", len(raw)) + raw)


def _words(digest, words) -> None:
    for lang in ("en", "ar"):
        _text(digest, (words or {}).get(lang))


def _values(digest, column: pd.Series) -> None:
    if column.dtype.kind == "M":
        digest.update(b"d" + column.to_numpy("datetime64[us]").astype("<i8").tobytes())
    elif column.dtype.kind in "fiub":
        values = column.to_numpy("<f8", copy=True)
        values[np.isnan(values)] = np.nan
        values += 0.0  # −0 and 0 are one value
        digest.update(b"n" + values.tobytes())
    else:
        codes, uniques = pd.factorize(column, use_na_sentinel=True)
        digest.update(b"t")
        for text in uniques:
            _text(digest, str(text))
        digest.update(codes.astype("<i8").tobytes())


_ARABIC = frozenset(
    map(chr, (*range(0x0620, 0x064B), *range(0x0671, 0x06D4), *range(0xFB50, 0xFDFD), *range(0xFE70, 0xFEFD)))
)


def has_arabic(text: str) -> bool:
    """Whether a text holds an Arabic letter."""
    return any(letter in _ARABIC for letter in text)


def clean(text: object) -> str:
    """A label without line breaks, repeated blanks, tatweel, byte-order marks and direction marks."""
    out = "".join(
        letter
        for letter in str(text)
        if letter not in "\u0640\ufeff\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\x00"
    )
    return " ".join(out.split())


def words_of(text: object) -> Text:
    """A label under the language its letters belong to."""
    tidy = clean(text)
    if not tidy:
        return Text()
    return Text(ar=tidy) if has_arabic(tidy) else Text(en=tidy)


_KINDS = (
    ("refused", ("refus", "decline", "prefer not", "رفض", "يفضل عدم", "أفضل عدم")),
    (
        "dont_know",
        ("don't know", "dont know", "do not know", "don’t know", "لا أعرف", "لا اعرف", "لا أدري", "unsure"),
    ),
    ("not_applicable", ("not applicable", "inapplicable", "n/a", "لا ينطبق", "skip", "valid skip")),
    ("not_asked", ("not asked", "لم يُسأل", "لم يسأل")),
)


def guess_kind(label: object) -> str:
    """The kind of a code that a file *declares* missing, from its label; ``"missing"`` in doubt."""
    text = clean(label or "").casefold()
    return next((kind for kind, marks in _KINDS if any(mark in text for mark in marks)), "missing")


def variable_from(
    name: str,
    label: object,
    pairs: Iterable[tuple[float | str, object]],
    missing: Iterable[float | str],
    level: str,
) -> Variable:
    """A codebook entry of a raw column from code–label pairs and the codes declared missing."""
    labels = {code if isinstance(code, str) else float(code): text for code, text in pairs}
    gone = {code if isinstance(code, str) else float(code) for code in missing}
    codes = [*labels, *sorted((code for code in gone if code not in labels), key=str)]
    categories = tuple(
        Category(code, words_of(labels.get(code, "")), guess_kind(labels.get(code)) if code in gone else None)
        for code in codes
    )
    if level == "numeric" and any(category.missing is None for category in categories):
        level = "nominal"
    return Variable(name, words_of(label or ""), level=level, categories=categories, source=(name,))
