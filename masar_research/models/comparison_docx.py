"""Models side by side as a Word file whose table runs from the right in Arabic."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from docx import Document as new_word
from docx.enum.section import WD_ORIENT
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml.ns import qn
from docx.shared import Mm, Pt

from masar_research.models import comparison_words as words
from masar_research.models.comparison_html import spans
from masar_research.present import ooxml, theme
from masar_research.present.direction import Lang, bare, embed
from masar_research.present.wordfonts import FONT, embed_fonts

if TYPE_CHECKING:
    from docx.table import _Cell

    from masar_research.models.comparison import ModelTable

_PORTRAIT, _LANDSCAPE = 170.0, 257.0
_POINTS = 72 / 25.4
_SIZE, _SMALL = 8.5, 7.5


def write(table: ModelTable, path: Path, lang: Lang) -> Path:
    """Write the table; upright for up to three columns, sideways for more.

    Parameters
    ----------
    table : ModelTable
    path : pathlib.Path
        Folders above it must exist.
    lang : {"ar", "en"}
        In Arabic the first column stands on the right (``w:bidiVisual``), words run from the right,
        figures keep their order.

    Returns
    -------
    pathlib.Path
    """
    rtl = lang == "ar"
    word = new_word()
    embed_fonts(word)
    normal = word.styles["Normal"]
    ooxml.font_properties(normal.element.get_or_add_rPr(), latin=FONT, arabic=FONT, size=_SIZE, colour=theme.INK)
    normal.paragraph_format.space_after = Pt(0)
    if rtl:
        ooxml.style_property(normal, "bidi")
    section = word.sections[0]
    wide = len(table.columns) > 3
    width = _LANDSCAPE if wide else _PORTRAIT
    section.page_width, section.page_height = (Mm(297), Mm(210)) if wide else (Mm(210), Mm(297))
    section.orientation = WD_ORIENT.LANDSCAPE if wide else WD_ORIENT.PORTRAIT
    section.left_margin = section.right_margin = Mm(20)
    section.top_margin = section.bottom_margin = Mm(17)
    word.core_properties.title = words.TITLE[lang]
    word.core_properties.language = "ar-JO" if rtl else "en-GB"
    _paragraph(word.add_paragraph(), words.TITLE[lang], lang, strong=True, size=11, after=4)
    _fill(word, table, lang, width * _POINTS)
    for note in table.notes(lang):
        _paragraph(word.add_paragraph(), note, lang, size=_SMALL, after=2)
    ooxml.section_direction(word, rtl=rtl)
    word.save(str(path))
    return path


def _fill(word, table: ModelTable, lang: Lang, width: float) -> None:
    n = len(table.columns)
    several = any(column.equation is not None for column in table.columns)
    facts = table.fact_rows(lang)
    grid = word.add_table(rows=(3 if several else 2) + len(table.lines) + len(facts), cols=n + 1)
    first = width * max(0.22, 0.42 - 0.05 * n)
    described = "; ".join(name[lang] for name in table.names)
    ooxml.table_frame(grid, [first, *([(width - first) / n] * n)], rtl=lang == "ar",
                      description=f"{words.TITLE[lang]}: {described}")
    rows = list(grid.rows)
    head = rows[: 3 if several else 2]
    for row in head:
        ooxml.row_flags(row, header=True)
    _text(head[-1].cells[0], words.TERM[lang], lang, strong=True)
    _models(head[0], table, [name[lang] for name in table.names], lang, strong=True)
    if several:
        for cell, column in zip(head[1].cells[1:], table.columns, strict=True):
            _figure(cell, column.equation[lang] if column.equation else "", lang, words_only=True)
    for cell, scale in zip(head[-1].cells[1:], table.scales(lang), strict=True):
        _figure(cell, scale, lang, size=_SMALL, words_only=True)
    for cell in head[-1].cells:
        ooxml.cell_borders(cell, bottom=(1.0, theme.INK))
    place = len(head)
    for line in table.lines:
        row = rows[place]
        place += 1
        ooxml.row_flags(row)
        _text(row.cells[0], line.label[lang], lang, strong=line.key is None or not line.inside, inside=line.inside)
        for cell, column in zip(row.cells[1:], table.columns, strict=True):
            estimate, beneath = table.cell(line, column, lang)
            entry = None if line.key is None else column.entries.get(line.key)
            _figure(cell, estimate, lang, words_only=entry is not None and entry.reference)
            if beneath:
                _run(cell.add_paragraph(), beneath, lang, size=_SMALL)
        if not line.inside:
            for cell in row.cells:
                ooxml.cell_borders(cell, top=(0.5, theme.LINE))
    for index, (name, texts) in enumerate(facts):
        row = rows[place + index]
        ooxml.row_flags(row)
        if index == 0:
            for cell in row.cells:
                ooxml.cell_borders(cell, top=(1.0, theme.INK))
        _text(row.cells[0], name, lang, size=_SMALL)
        _models(row, table, texts, lang, size=_SMALL)


def _models(row, table: ModelTable, texts: list[str], lang: Lang, *, strong: bool = False, size: float = _SIZE) -> None:
    """A text per model over all its columns."""
    start = 1
    for model, span in spans(table):
        cell = row.cells[start]
        if span > 1:
            cell = cell.merge(row.cells[start + span - 1])
            del cell._tc.p_lst[1:]
        _figure(cell, texts[model], lang, strong=strong, size=size, words_only=True)
        start += span


def _text(cell: _Cell, text: str, lang: Lang, *, strong: bool = False, inside: bool = False, size: float = _SIZE) -> None:
    ooxml.cell_margins(cell, top=2, bottom=2, sides=3)
    paragraph = cell.paragraphs[0]
    _paragraph(paragraph, text, lang, strong=strong, size=size)
    if inside:
        ooxml.paragraph_property(paragraph, "ind", start="200")


def _figure(
    cell: _Cell, text: str, lang: Lang, *, strong: bool = False, size: float = _SIZE, words_only: bool = False
) -> None:  # fmt: skip
    """A figure, or words above or beneath figures, at the end of its cell."""
    ooxml.cell_margins(cell, top=2, bottom=2, sides=3)
    if words_only and lang == "ar":
        _paragraph(cell.paragraphs[0], text, lang, strong=strong, size=size)
        # Under bidi, ``end`` is the left edge, where figures set from left to right do not begin.
        ooxml.paragraph_property(cell.paragraphs[0], "jc", val="left")
        return
    _run(cell.paragraphs[0], text, lang, size=size, strong=strong)


def _run(paragraph, text: str, lang: Lang, *, size: float, strong: bool = False) -> None:
    """Text that runs from left to right, at the right edge."""
    ooxml.paragraph_property(paragraph, "bidi", val="0")
    paragraph.alignment = WD_ALIGN_PARAGRAPH.RIGHT
    ooxml.spacing(paragraph, line=1.0)
    run = paragraph.add_run(bare(text))
    ooxml.run_size(run, size)
    ooxml.run_direction(run, "ltr", strong=strong)


def _paragraph(paragraph, text: str, lang: Lang, *, strong: bool = False, size: float = _SIZE, after: float = 0) -> None:
    """Words in the direction of their language."""
    ooxml.spacing(paragraph, after=after, line=1.05)
    if lang == "ar":
        ooxml.paragraph_property(paragraph, "bidi")
    run = paragraph.add_run(embed(text, lang))
    ooxml.run_size(run, size)
    ooxml.run_direction(run, "rtl" if lang == "ar" else "ltr", strong=strong)
    for node in run._r.iter(qn("w:t")):
        node.set(qn("xml:space"), "preserve")
