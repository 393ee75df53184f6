"""A brief in one language, ready to be set: plain values, no estimates, no rules.

`compose` makes one `Document` per language after the release gate has spoken; the
exporters (HTML, PDF, DOCX) turn the same `Document` into pages. Every numeral in it is a
`Run` of its own with a `source` that says where it comes from and, for an estimate, the
address (`ref`) of its entry in the ledger; `verify_pages` reads the rendered pages back and
checks each numeral against them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from masar_research.present import Art

Lang = Literal["ar", "en"]
Source = Literal["words", "cell", "fact", "parameter", "date", "question", "label", "version"]


@dataclass(frozen=True, slots=True)
class Run:
    """A stretch of text of one origin.

    `text` is in logical order and carries no isolates: a writer isolates every run whose
    `source` is "cell", "fact", "parameter", "date" or "version" as left to right.
    """

    text: str
    source: Source = "words"
    ref: str | None = None
    strong: bool = False


Line = tuple[Run, ...]


@dataclass(frozen=True, slots=True)
class Column:
    """A table column; `numeric` cells are set left to right and aligned on the decimals."""

    head: Line
    numeric: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """A table: `rows` of cells in logical (reading) order; the writer mirrors it in Arabic.

    `head_column` tells that the first cell of a row is its header. `notes` stand beneath.
    """

    id: str
    caption: Line
    columns: tuple[Column, ...]
    rows: tuple[tuple[Line, ...], ...]
    notes: tuple[Line, ...] = ()
    head_column: bool = True


@dataclass(frozen=True, slots=True)
class Paragraph:
    line: Line
    style: Literal["body", "lead", "small"] = "body"


@dataclass(frozen=True, slots=True)
class Heading:
    """A section heading; the writer keeps it with what follows."""

    line: Line
    level: Literal[1, 2] = 1


@dataclass(frozen=True, slots=True)
class Messages:
    """The key messages: each one sentence with one number, shown as a card.

    `figures` hold the number set large, `lines` the sentence (which repeats it).
    """

    figures: tuple[Line, ...]
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Figure:
    """A chart or map with all that must stay with it on the page.

    `title` says what the picture shows as a sentence; `base` names the population and n;
    `question` the wording in the reader's language; `data` is the table of the same figures
    (a fold-out in HTML, left out of PDF and DOCX); `alt` is for screen readers; `narrow` is the
    same drawing at half the width, for phones.
    """

    id: str
    title: Line
    art: Art
    alt: Line
    base: Line
    question: Line | None
    data: Table
    notes: tuple[Line, ...] = ()
    width: Literal["full", "half"] = "full"
    narrow: Art | None = None


@dataclass(frozen=True, slots=True)
class Box:
    """A framed passage: method, strength of evidence, what the survey lacks, how to cite."""

    id: str
    title: Line
    lines: tuple[Line, ...]
    badge: Line | None = None
    tone: Literal["plain", "warning", "evidence"] = "plain"


@dataclass(frozen=True, slots=True)
class Items:
    """A definition list in small print: AAPOR disclosure items, sources, ledger address."""

    id: str
    title: Line
    items: tuple[tuple[Line, Line], ...]


Element = Paragraph | Heading | Messages | Figure | Table | Box | Items


@dataclass(frozen=True, slots=True)
class Document:
    """One brief in one language.

    Attributes
    ----------
    name : str
        The brief's name in the catalogue, e.g. ``women_empowerment``.
    lang : {"ar", "en"}
    kicker : Line
        Series and theme above the title ("Evidence brief · Women's economic participation").
    title : Line
        The finding.
    subtitle : Line
        Survey, wave, population, geography.
    notice : Line or None
        Printed as a band on the first page and in every footer: synthetic data say so here.
    footer : Line
        Running foot: who made it, version; the writer adds "page x of y".
    elements : tuple
        In reading order.
    other_lang : str or None
        File stem of the same brief in the other language, for a link in the HTML.
    """

    name: str
    lang: Lang
    kicker: Line
    title: Line
    subtitle: Line
    notice: Line | None
    footer: Line
    elements: tuple[Element, ...]
    date: str
    keywords: tuple[str, ...] = ()
    other_lang: str | None = None
    meta: dict[str, str] = field(default_factory=dict)

    @property
    def direction(self) -> Literal["rtl", "ltr"]:
        return "rtl" if self.lang == "ar" else "ltr"


def plain(line: Line) -> str:
    """The line as one string, in logical order."""
    return "".join(run.text for run in line)


def lines(document: Document) -> Iterator[tuple[str, Line]]:
    """Every line of a document with the place where it stands, in reading order."""
    for place in ("kicker", "title", "subtitle", "notice", "footer"):
        line = getattr(document, place)
        if line:
            yield place, line
    for index, element in enumerate(document.elements):
        yield from _element_lines(f"{index}", element)


def _element_lines(place: str, element: Element) -> Iterator[tuple[str, Line]]:
    match element:
        case Paragraph(line=line) | Heading(line=line):
            yield place, line
        case Messages(figures=figures, lines=sentences):
            for number, (figure, sentence) in enumerate(zip(figures, sentences, strict=True)):
                yield f"{place}.{number}", figure
                yield f"{place}.{number}", sentence
        case Table():
            yield from _table_lines(f"table:{element.id}", element)
        case Figure():
            where = f"figure:{element.id}"
            yield where, element.title
            yield where, element.alt
            yield where, element.base
            if element.question:
                yield where, element.question
            for note in element.notes:
                yield where, note
            yield from _table_lines(f"data:{element.id}", element.data)
        case Box():
            yield f"box:{element.id}", element.title
            if element.badge:
                yield f"box:{element.id}", element.badge
            for line in element.lines:
                yield f"box:{element.id}", line
        case Items():
            yield f"items:{element.id}", element.title
            for term, text in element.items:
                yield f"items:{element.id}", term
                yield f"items:{element.id}", text


def _table_lines(place: str, table: Table) -> Iterator[tuple[str, Line]]:
    yield place, table.caption
    for column in table.columns:
        yield place, column.head
    for row in table.rows:
        for cell in row:
            yield place, cell
    for note in table.notes:
        yield place, note
