"""A brief as DOCX: to be edited and sent on, in either direction.

Word decides about fonts and sizes per script, so every style names both; Arabic paragraphs
are bidirectional, Arabic runs right to left, tables mirrored. Numerals are runs of their own,
left to right, between direction marks, so that LibreOffice shows them in order as well.
"""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Iterable
from functools import lru_cache

from docx import Document as new_word
from docx.shared import Mm, Pt
from docx.table import _Cell
from docx.text.paragraph import Paragraph as WordParagraph

from masar_research.briefs.document import (
    Box,
    Document,
    Element,
    Figure,
    Heading,
    Items,
    Lang,
    Line,
    Messages,
    Paragraph,
    Table,
    plain,
)
from masar_research.briefs.exporters.grouping import paired
from masar_research.briefs.exporters.labels import LABELS
from masar_research.briefs.exporters.segments import clean, joined, segments, together
from masar_research.briefs.exporters.style import PALETTE
from masar_research.briefs.exporters.wordstyles import prepare_styles, style_ids
from masar_research.errors import BriefError
from masar_research.present import ooxml
from masar_research.present.wordfonts import embed_fonts

WIDTH = 170.0
# Word sets the pages, not we: a brief with many drawings has them a little smaller.
FEW_FIGURES, CLOSER = 4, 0.8
_LETTER = 1.85  # average width of a letter in a table, millimetres
_LRM = "\u200e"
_MM = 72 / 25.4
_TONES = {
    "plain": ("grey", "muted"),
    "warning": ("amber", "warm"),
    "evidence": ("pale", "deep"),
}


def to_docx(document: Document) -> bytes:
    """Write a brief as a Word file.

    Parameters
    ----------
    document : Document
        A brief in one language.

    Returns
    -------
    bytes
        The parts inside are the same for the same document; the archive around them carries
        the time of writing.

    Raises
    ------
    BriefError
        If an element is unknown or the date is not ISO 8601.

    Examples
    --------
    >>> from masar_research.briefs.document import Document, Run
    >>> text = (Run("Half of all women"),)
    >>> brief = Document("demo", "en", text, text, text, None, text, (), "2026-03-01")
    >>> to_docx(brief)[:2]
    b'PK'
    """
    writer = _Writer(document)
    writer.write()
    out = io.BytesIO()
    writer.word.save(out)
    return out.getvalue()


@lru_cache(maxsize=2)
def _template(lang: Lang) -> bytes:
    """An empty file with the styles and fonts of a brief."""
    word = new_word()
    prepare_styles(word, lang)
    embed_fonts(word)
    out = io.BytesIO()
    word.save(out)
    return out.getvalue()


class _Writer:
    def __init__(self, document: Document) -> None:
        self.document = document
        self.lang = document.lang
        self.rtl = document.direction == "rtl"
        self.words = LABELS[document.lang]
        self.word = new_word(io.BytesIO(_template(document.lang)))
        self.styles = style_ids(self.word)
        figures = sum(isinstance(item, Figure) for item in document.elements)
        self.drawing = 1.0 if figures <= FEW_FIGURES else CLOSER

    def write(self) -> None:
        self._page()
        self._properties()
        document = self.document
        self.paragraph(self.word, document.kicker, "Kicker")
        self.paragraph(self.word, document.title, "Title")
        self.paragraph(self.word, document.subtitle, "Subtitle")
        if document.notice:
            cell = self.framed("amber", "warm", self.words["notice"])
            self.paragraph(cell, document.notice, "Notice", first=True)
            self.gap(self.word, 6)
        for item in paired(document.elements):
            self.element(item)
        self._footer()
        ooxml.section_direction(self.word, rtl=self.rtl)

    # --- the whole ---------------------------------------------------------------------

    def _page(self) -> None:
        section = self.word.sections[0]
        section.page_width, section.page_height = Mm(210), Mm(297)
        section.left_margin = section.right_margin = Mm((210 - WIDTH) / 2)
        section.top_margin, section.bottom_margin = Mm(17), Mm(20)
        section.footer_distance = Mm(9)

    def _properties(self) -> None:
        document, core = self.document, self.word.core_properties
        try:
            day = dt.datetime.fromisoformat(document.date)
        except ValueError as error:
            raise BriefError(
                f"The date of {document.name!r} should read YYYY-MM-DD; found {document.date!r}.",
                remedy="Give the brief's date in ISO 8601, such as 2026-03-01.",
            ) from error
        core.title = clean(plain(document.title))[:255]
        core.subject = clean(plain(document.subtitle))[:255]
        core.author = core.last_modified_by = document.meta.get("author", "masar_research")[:255]
        core.keywords = ", ".join(document.keywords)[:255]
        core.language = "ar-JO" if self.lang == "ar" else "en-GB"
        core.comments = clean(plain(document.notice))[:255] if document.notice else ""
        core.created = core.modified = day
        core.revision = 1

    def _footer(self) -> None:
        footer = self.word.sections[0].footer
        footer.is_linked_to_previous = False
        paragraph = footer.paragraphs[0]
        self._style(paragraph, "Footer")
        self._direct(paragraph)
        tabs = ooxml.paragraph_property(paragraph, "tabs")
        ooxml.tab_stops(tabs, clear=(4320, 8640), end=round(WIDTH * _MM * 20))
        self.runs(paragraph, self.document.footer)
        self._text(paragraph, "\t")
        before, between, after = self.words["page"]
        self._text(paragraph, before)
        ooxml.field(paragraph, "PAGE", "ltr")
        self._text(paragraph, between)
        ooxml.field(paragraph, "NUMPAGES", "ltr")
        if after:
            self._text(paragraph, after)
        if self.document.notice:
            self.paragraph(footer, self.document.notice, "Footer notice")

    # --- lines -------------------------------------------------------------------------

    def _style(self, paragraph: WordParagraph, name: str) -> None:
        paragraph._p.style = self.styles[name]

    def _direct(self, paragraph: WordParagraph) -> None:
        if self.rtl:
            ooxml.paragraph_property(paragraph, "bidi")

    def _text(self, paragraph: WordParagraph, text: str) -> None:
        ooxml.run_direction(paragraph.add_run(text), "rtl" if self.rtl else "ltr")

    def runs(self, paragraph: WordParagraph, line: Line, *, words: float | None = None) -> None:
        """Write a line's segments, each in its own direction; `words` sizes all but numerals."""
        flow = "rtl" if self.rtl else "ltr"
        for segment in segments(line, self.lang):
            text = segment.text
            if segment.direction == "ltr" and self.rtl:
                text = f"{_LRM}{text}{_LRM}"
            run = paragraph.add_run(text)
            ooxml.run_direction(run, segment.direction or flow, strong=segment.run.strong)
            if words and not segment.numeral:
                ooxml.run_size(run, words)

    def paragraph(self, place, line: Line, style: str, *, first: bool = False,
                  keep: bool = False) -> WordParagraph:  # fmt: skip
        """A paragraph in the body, a cell or a footer; `first` takes a cell's empty one."""
        paragraph = place.paragraphs[0] if first else place.add_paragraph()
        self._style(paragraph, style)
        self._direct(paragraph)
        self.runs(paragraph, line)
        if keep:
            paragraph.paragraph_format.keep_with_next = True
        return paragraph

    def gap(self, place, points: float, *, keep: bool = False) -> None:
        """A thin empty paragraph, which Word wants between and after tables."""
        paragraph = place.add_paragraph()
        self._style(paragraph, "Gap")
        self._direct(paragraph)
        paragraph.paragraph_format.line_spacing = Pt(points)
        paragraph.paragraph_format.keep_with_next = keep

    # --- elements ----------------------------------------------------------------------

    def element(self, item: Element | tuple[Figure, Figure]) -> None:
        match item:
            case (Figure(), Figure()):
                self.pair(item)
            case Paragraph():
                style = {"body": "Body Text", "lead": "Lead", "small": "Small print"}[item.style]
                self.paragraph(self.word, item.line, style)
            case Heading():
                self.paragraph(self.word, item.line, f"Heading {item.level}")
            case Messages():
                self.messages(item)
            case Figure():
                self.figure(self.word, item, WIDTH)
            case Table():
                self.table(item)
            case Box():
                self.box(item)
            case Items():
                self.items(item)
            case _:
                raise BriefError(
                    f"The writers know no element of type {type(item).__name__}.",
                    remedy="Use the elements of masar_research.briefs.document.",
                )

    def grid(self, rows: int, widths: Iterable[float], description: str):
        """A table without borders; widths in millimetres."""
        widths = tuple(widths)
        table = self.word.add_table(rows, len(widths))
        ooxml.table_frame(table, [width * _MM for width in widths], rtl=self.rtl,
                          description=description)  # fmt: skip
        return table

    def framed(self, fill: str, edge: str, description: str) -> _Cell:
        """A one-cell table with a ground and an edge on the side where lines begin."""
        table = self.grid(1, (WIDTH,), description)
        ooxml.row_flags(table.rows[0])
        cell = table.rows[0].cells[0]
        ooxml.shade(cell, PALETTE[fill])
        ooxml.cell_borders(cell, left=(2.5, PALETTE[edge]))
        ooxml.cell_margins(cell, top=5, bottom=5, sides=10)
        return cell

    def messages(self, item: Messages) -> None:
        count = len(item.figures)
        gutter = 4.0
        card = (WIDTH - gutter * (count - 1)) / count
        widths = [card if index % 2 == 0 else gutter for index in range(2 * count - 1)]
        table = self.grid(1, widths, self.words["messages"])
        ooxml.row_flags(table.rows[0])
        for index, (figure, line) in enumerate(zip(item.figures, item.lines, strict=True)):
            cell = table.rows[0].cells[2 * index]
            ooxml.shade(cell, PALETTE["pale"])
            ooxml.cell_borders(cell, top=(2, PALETTE["deep"]))
            ooxml.cell_margins(cell, top=4, bottom=7, sides=10)
            self.runs(self.paragraph(cell, (), "Key figure", first=True), figure, words=11)
            self.paragraph(cell, line, "Key sentence")
        self.gap(self.word, 5)

    def figure(self, place, item: Figure, width: float, *, first: bool = False) -> None:
        self.paragraph(place, item.title, "Caption", first=first, keep=True)
        paragraph = place.add_paragraph()
        self._style(paragraph, "Picture")
        self._direct(paragraph)
        run = paragraph.add_run()
        drawn = min(item.art.width * self.drawing, width)
        run.add_picture(io.BytesIO(item.art.png), width=Mm(drawn))
        ooxml.alt_text(run, clean(plain(item.alt)), item.id)
        below = [item.base, *([item.question] if item.question else [])]
        if item.notes:
            below.append(joined(item.notes, "\u2003"))
        for index, line in enumerate(below):
            last = index == len(below) - 1
            note = self.paragraph(place, line, "Base", keep=not last)
            if last:
                note.paragraph_format.space_after = Pt(10)

    def pair(self, item: tuple[Figure, Figure]) -> None:
        half, gutter = 82.0, WIDTH - 164.0
        description = " · ".join(clean(plain(figure.title)) for figure in item)
        table = self.grid(1, (half, gutter, half), description)
        ooxml.row_flags(table.rows[0])
        for cell, figure in zip(table.rows[0].cells[::2], item, strict=True):
            ooxml.cell_margins(cell, top=0, bottom=0, sides=0)
            self.figure(cell, figure, half, first=True)
        self.gap(self.word, 4)

    def table(self, item: Table) -> None:
        self.paragraph(self.word, item.caption, "Caption", keep=True)
        table = self.grid(len(item.rows) + 1, _column_widths(item), clean(plain(item.caption)))
        deep, rule = PALETTE["deep"], PALETTE["rule"]
        whole = len(item.rows) <= 18
        for number, row in enumerate(table.rows):
            ooxml.row_flags(row, header=number == 0)
            last = number == len(item.rows)
            lines = [column.head for column in item.columns] if number == 0 else item.rows[number - 1]
            for cell, column, line in zip(row.cells, item.columns, lines, strict=True):
                ooxml.cell_margins(cell, top=2, bottom=2, sides=6)
                ooxml.cell_borders(
                    cell,
                    top=(1.25, deep) if number == 0 else (0.5, deep if number == 1 else rule),
                    bottom=(1, deep) if last else None,
                )
                if number == 0:
                    ooxml.shade(cell, PALETTE["pale"])
                paragraph = self.paragraph(
                    cell, line, "Table head" if number == 0 else "Table text", first=True,
                    keep=whole and (not last or bool(item.notes)),
                )  # fmt: skip
                if column.numeric and not self.rtl:
                    ooxml.paragraph_property(paragraph, "jc", val="right")
        if item.notes:
            self.paragraph(self.word, joined(item.notes, "\u2003"), "Base")
        self.gap(self.word, 5)

    def box(self, item: Box) -> None:
        fill, edge = _TONES[item.tone]
        cell = self.framed(fill, edge, clean(plain(item.title)))
        style = {"plain": "Box title", "warning": "Box title warning", "evidence": "Box title evidence"}
        title = self.paragraph(cell, item.title, style[item.tone], first=True)
        if item.badge:
            self._text(title, " · ")
            self.runs(title, item.badge)
        for line in together(item.lines):
            self.paragraph(cell, line, "Box text")
        self.gap(self.word, 5)

    def items(self, item: Items) -> None:
        self.paragraph(self.word, item.title, "Items title")
        half = (len(item.items) + 1) // 2
        table = self.grid(1, (82.0, 6.0, 82.0), clean(plain(item.title)))
        for cell, part in zip(
            table.rows[0].cells[::2], (item.items[:half], item.items[half:]), strict=True
        ):
            ooxml.cell_margins(cell, top=0, bottom=0, sides=0)
            first = True
            for term, text in part:
                self.paragraph(cell, term, "Item term", first=first, keep=True)
                self.paragraph(cell, text, "Item text")
                first = False
        self.gap(self.word, 6)


def _column_widths(item: Table) -> list[float]:
    """Millimetres per column: short ones as wide as they need, the long ones share the rest."""
    need = []
    for index, column in enumerate(item.columns):
        words = max((len(word) for word in plain(column.head).split()), default=1) + 2
        cells = [len(plain(row[index])) for row in item.rows]
        need.append(max(words, len(plain(column.head)) * 0.6, *cells, 3) * _LETTER + 5.0)
    short = [width <= 30.0 and index > 0 for index, width in enumerate(need)]
    taken = sum(width for width, small in zip(need, short, strict=True) if small)
    rest = (WIDTH - taken) / (sum(need) - taken)
    return [
        width if small else width * rest for width, small in zip(need, short, strict=True)
    ]
