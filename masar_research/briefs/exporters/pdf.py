"""A brief as PDF: typst sets the pages, tagged for PDF/UA-1, with the fonts of the package only.

Text never becomes typst markup: the document travels as JSON and every string is set as it
stands. Arabic is set in Amiri without kerning, because only then do readers get back the
words that went in; see ``docs/rendering.md``.
"""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections.abc import Sequence
from typing import Any

from masar_research.briefs.document import (
    Box,
    Document,
    Figure,
    Heading,
    Items,
    Line,
    Messages,
    Paragraph,
    Table,
    lines,
    plain,
)
from masar_research.briefs.exporters import layout
from masar_research.briefs.exporters.grouping import paired
from masar_research.briefs.exporters.labels import LABELS
from masar_research.briefs.exporters.segments import MANY, clean, joined, segments, together
from masar_research.briefs.exporters.style import PALETTE
from masar_research.errors import BriefError
from masar_research.present import fonts

_OPTIONAL_MARKS = re.compile("[\u064b-\u0652\u0670\u0640]")
# Kinds of character after which text readers take the next ones for left-to-right too.
_LEADS_ON = frozenset(("L", "EN", "ES", "ET", "CS", "AN"))


def to_pdf(document: Document) -> bytes:
    """Set a brief as a PDF/UA-1 file.

    Parameters
    ----------
    document : Document
        A brief in one language.

    Returns
    -------
    bytes
        The same bytes for the same document: the creation date is the document's.

    Raises
    ------
    BriefError
        A character that no font of the package shows, a drawing that is not SVG, or a date
        that is not ISO 8601.

    Examples
    --------
    >>> from masar_research.briefs.document import Document, Run
    >>> text = (Run("Half of all women"),)
    >>> brief = Document("demo", "en", text, text, text, None, text, (), "2026-03-01")
    >>> to_pdf(brief)[:5]
    b'%PDF-'
    """
    day = _day(document)
    _check_characters(document)
    data = _payload(document, day)
    try:
        return layout.fitted(data, int(dt.datetime.combine(day, dt.time(), dt.UTC).timestamp()))
    except RuntimeError as error:
        hints = " ".join(getattr(error, "hints", ()))
        raise BriefError(
            f"The PDF of {document.name!r} ({document.lang}) could not be set: {error}",
            remedy=f"Check the drawing or text named in the message. {hints}".rstrip(),
        ) from error


def _check_characters(document: Document) -> None:
    for place, line in lines(document):
        text = clean(plain(line))
        unknown = fonts.missing([text], fonts.NASKH)
        unknown &= fonts.missing([text], fonts.SANS)
        shown = [c for c in unknown if unicodedata.category(c) not in ("Cf", "Zs")]
        if shown:
            raise BriefError(
                f"The fonts of the PDF have no glyph for {shown[0]!r} (U+{ord(shown[0]):04X}), "
                f"found in {place}: {text[:60]!r}.",
                remedy="Replace the character where the text comes from: the survey card, "
                "the codebook or the notebook.",
            )


def _day(document: Document) -> dt.date:
    try:
        return dt.date.fromisoformat(document.date)
    except ValueError as error:
        raise BriefError(
            f"The date of {document.name!r} should read YYYY-MM-DD; found {document.date!r}.",
            remedy="Give the brief's date in ISO 8601, such as 2026-03-01.",
        ) from error


def _payload(document: Document, day: dt.date) -> dict[str, Any]:
    setter = _Setter(document.lang)
    return {
        "lang": document.lang,
        "palette": dict(PALETTE),
        "title_text": setter.text(document.title),
        "author": document.meta.get("author", "masar_research"),
        "description": setter.text(document.subtitle),
        "keywords": list(document.keywords),
        "date": [day.year, day.month, day.day],
        "page_words": list(LABELS[document.lang]["page"]),
        "kicker": setter.line(document.kicker),
        "title": setter.line(document.title),
        "subtitle": setter.line(document.subtitle),
        "notice": setter.line(document.notice),
        "footer": setter.line(document.footer),
        "elements": layout.led([
            {"index": index, **setter.element(item)}
            for index, item in enumerate(paired(document.elements))
        ]),
    }


def _half(texts: Sequence[Line]) -> int:
    """Where to part lines so that two columns come out about equally long."""
    lengths = [len(plain(text)) + 40 for text in texts]
    return min(
        range(1, len(lengths) + 1),
        key=lambda cut: abs(sum(lengths[:cut]) - sum(lengths[cut:])),
        default=0,
    )


class _Setter:
    """Turns lines and elements into the plain data the template reads."""

    def __init__(self, lang: str) -> None:
        self.lang = lang

    def strip(self, text: str) -> str:
        return _OPTIONAL_MARKS.sub("", text) if self.lang == "ar" else text

    def text(self, line: Line) -> str:
        return self.strip(clean(plain(line)))

    def line(self, line: Line | None) -> list | None:
        if line is None:
            return None
        out: list[list] = []
        for segment in segments(line, self.lang):
            text = self.strip(segment.text)
            if segment.direction == "ltr":
                number = segment.numeral or len(text) <= 12
                out.append([text, "number" if number else "ltr", segment.run.strong])
            elif segment.direction == "rtl":
                out.append([text, "rtl", segment.run.strong])
            else:
                out.extend(self._flowing(text, segment.run.strong, out))
        return out

    def _flowing(self, text: str, strong: bool, before: list[list]) -> list[list]:
        """Cut out the spaces and signs that follow a number or a full stop in Arabic.

        Readers (poppler among them) count full stops, commas, colons and percent signs as
        parts of numbers and let such a stretch run on over spaces to the next letter, so that
        a copied space would change its side. A right-to-left mark after each such character
        ends the stretch.
        """
        if self.lang != "ar":
            return [[text, "text", strong]]
        last = before[-1][0][-1] if before and before[-1][0] else ""
        out: list[list] = []
        for character in text:
            kind = unicodedata.bidirectional(character)
            follows = last and unicodedata.bidirectional(last) in _LEADS_ON
            if follows and kind not in ("R", "AL", "L", "EN", "NSM"):
                out.append([character, "mark", strong])
            elif out and out[-1][1] == "text":
                out[-1][0] += character
            else:
                out.append([character, "text", strong])
            last = character
        return out

    def element(self, item) -> dict[str, Any]:
        match item:
            case (Figure() as first, Figure() as second):
                return {"type": "pair", "figures": [self.element(first), self.element(second)]}
            case Paragraph():
                return {"type": "paragraph", "line": self.line(item.line), "style": item.style}
            case Heading():
                return {"type": "heading", "line": self.line(item.line), "level": item.level}
            case Messages():
                return {
                    "type": "messages",
                    "figures": [self.line(line) for line in item.figures],
                    "lines": [self.line(line) for line in item.lines],
                }
            case Figure():
                return {
                    "type": "figure",
                    "title": self.line(item.title),
                    "svg": item.art.svg,
                    "alt": self.text(item.alt),
                    "width": item.art.width,
                    "base": self.line(item.base),
                    "question": self.line(item.question),
                    "notes": self.line(joined(item.notes, "\u2003")),
                }
            case Table():
                return {
                    "type": "table",
                    "caption": self.line(item.caption),
                    "columns": [
                        {"head": self.line(column.head), "numeric": column.numeric}
                        for column in item.columns
                    ],
                    "rows": [[self.line(cell) for cell in row] for row in item.rows],
                    "notes": self.line(joined(item.notes, "\u2003")),
                }
            case Box():
                return {
                    "type": "box",
                    "title": self.line(item.title),
                    "lines": [self.line(line) for line in together(item.lines)],
                    "badge": self.line(item.badge),
                    "tone": item.tone,
                }
            case Items():
                return {
                    "type": "items",
                    "title": self.line(item.title),
                    "split": _half([a + b for a, b in item.items]) if len(item.items) > MANY else None,
                    "items": [[self.line(term), self.line(text)] for term, text in item.items],
                }
        raise BriefError(
            f"The writers know no element of type {type(item).__name__}.",
            remedy="Use the elements of masar_research.briefs.document.",
        )
