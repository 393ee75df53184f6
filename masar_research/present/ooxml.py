"""WordprocessingML that python-docx has no words for: direction, fields, shading, alt text."""

from __future__ import annotations

from typing import Literal

from docx.document import Document as Word
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Pt
from docx.table import Table, _Cell
from docx.text.paragraph import Paragraph
from docx.text.run import Run

# The schema fixes the order of properties; Word refuses or ignores some that come late.
_PARAGRAPH_ORDER = (
    "pStyle keepNext keepLines pageBreakBefore framePr widowControl numPr suppressLineNumbers "
    "pBdr shd tabs suppressAutoHyphens kinsoku wordWrap overflowPunct topLinePunct autoSpaceDE "
    "autoSpaceDN bidi adjustRightInd snapToGrid spacing ind contextualSpacing mirrorIndents "
    "suppressOverlap jc textDirection textAlignment textboxTightWrap outlineLvl divId cnfStyle "
    "rPr sectPr pPrChange"
).split()
_RUN_ORDER = (
    "rStyle rFonts b bCs i iCs caps smallCaps strike dstrike outline shadow emboss imprint "
    "noProof snapToGrid vanish webHidden color spacing w kern position sz szCs highlight u "
    "effect bdr shd fitText vertAlign rtl cs em lang eastAsianLayout specVanish oMath"
).split()
_TABLE_ORDER = (
    "tblStyle tblpPr tblOverlap bidiVisual tblStyleRowBandSize tblStyleColBandSize tblW jc "
    "tblCellSpacing tblInd tblBorders shd tblLayout tblCellMar tblLook tblCaption tblDescription"
).split()
_CELL_ORDER = (
    "cnfStyle tcW gridSpan hMerge vMerge tcBorders shd noWrap tcMar textDirection tcFitText "
    "vAlign hideMark"
).split()
_SECTION_ORDER = (
    "headerReference footerReference footnotePr endnotePr type pgSz pgMar paperSrc pgBorders "
    "lnNumType pgNumType cols formProt vAlign noEndnote titlePg textDirection bidi rtlGutter "
    "docGrid"
).split()


def put(parent, tag: str, order: list[str], **attributes: str):
    """Set a property element, replacing an older one, at the place the schema gives it.

    Attributes are named without the ``w:`` prefix.
    """
    for old in parent.findall(qn(f"w:{tag}")):
        parent.remove(old)
    element = OxmlElement(f"w:{tag}")
    for name, value in attributes.items():
        element.set(qn(f"w:{name}"), str(value))
    rank = order.index(tag)
    for index, child in enumerate(parent):
        local = child.tag.rpartition("}")[2]
        if local in order and order.index(local) > rank:
            parent.insert(index, element)
            return element
    parent.append(element)
    return element


def paragraph_property(paragraph: Paragraph, tag: str, **attributes: str):
    """A property of a paragraph (``w:pPr``)."""
    return put(paragraph._p.get_or_add_pPr(), tag, _PARAGRAPH_ORDER, **attributes)


def style_property(style, tag: str, **attributes: str):
    """A paragraph property of a style."""
    return put(style.element.get_or_add_pPr(), tag, _PARAGRAPH_ORDER, **attributes)


def font_properties(
    rpr,
    *,
    latin: str,
    arabic: str,
    size: float | None = None,
    bold: bool = False,
    colour: str | None = None,
    rtl: bool = False,
) -> None:
    """Fonts, sizes and language for both scripts of a run or style.

    Word takes the complex-script ones (``cs``, ``szCs``, ``bCs``) for Arabic and ignores the
    others there. Letter-spacing is set to none: it would tear Arabic letters apart.
    """
    put(rpr, "rFonts", _RUN_ORDER, ascii=latin, hAnsi=latin, eastAsia=latin, cs=arabic)
    put(rpr, "spacing", _RUN_ORDER, val="0")
    for tag in ("b", "bCs"):
        put(rpr, tag, _RUN_ORDER, val="1" if bold else "0")
    for tag in ("i", "iCs"):
        put(rpr, tag, _RUN_ORDER, val="0")
    if colour:
        put(rpr, "color", _RUN_ORDER, val=colour.lstrip("#"))
    if size:
        for tag in ("sz", "szCs"):
            put(rpr, tag, _RUN_ORDER, val=str(round(size * 2)))
    if rtl:
        put(rpr, "rtl", _RUN_ORDER)
    put(rpr, "lang", _RUN_ORDER, val="en-GB", bidi="ar-JO", eastAsia="en-GB")


def run_direction(run: Run, direction: Literal["rtl", "ltr"], *, strong: bool = False) -> None:
    """Mark a run as right to left or not, and bold in both scripts."""
    rpr = run._r.get_or_add_rPr()
    if strong:
        put(rpr, "b", _RUN_ORDER)
        put(rpr, "bCs", _RUN_ORDER)
    put(rpr, "rtl", _RUN_ORDER, val="1" if direction == "rtl" else "0")


def run_size(run: Run, points: float) -> None:
    """The size of a run in both scripts."""
    rpr = run._r.get_or_add_rPr()
    for tag in ("sz", "szCs"):
        put(rpr, tag, _RUN_ORDER, val=str(round(points * 2)))


def field(paragraph: Paragraph, instruction: str, direction: Literal["rtl", "ltr"]) -> None:
    """A field such as PAGE or NUMPAGES."""
    for kind in ("begin", "instr", "separate", "text", "end"):
        run = paragraph.add_run()
        run_direction(run, direction)
        if kind == "instr":
            element = OxmlElement("w:instrText")
            element.set(qn("xml:space"), "preserve")
            element.text = f" {instruction} "
        elif kind == "text":
            element = OxmlElement("w:t")
            element.text = "1"
        else:
            element = OxmlElement("w:fldChar")
            element.set(qn("w:fldCharType"), kind)
        run._r.append(element)


def shade(cell: _Cell, colour: str) -> None:
    """Fill a table cell."""
    put(cell._tc.get_or_add_tcPr(), "shd", _CELL_ORDER, val="clear", color="auto",
        fill=colour.lstrip("#"))  # fmt: skip


def cell_borders(cell: _Cell, **edges: tuple[float, str] | None) -> None:
    """Borders of a cell: ``top``, ``bottom``, ``start``, ``end`` → (points, colour) or None."""
    borders = put(cell._tc.get_or_add_tcPr(), "tcBorders", _CELL_ORDER)
    for edge in ("top", "start", "left", "bottom", "end", "right"):
        if edge not in edges:
            continue
        line = edges[edge]
        element = OxmlElement(f"w:{edge}")
        if line is None:
            element.set(qn("w:val"), "nil")
        else:
            element.set(qn("w:val"), "single")
            element.set(qn("w:sz"), str(round(line[0] * 8)))
            element.set(qn("w:space"), "0")
            element.set(qn("w:color"), line[1].lstrip("#"))
        borders.append(element)


def cell_margins(cell: _Cell, *, top: float, bottom: float, sides: float) -> None:
    """Inner margins of a cell, in points."""
    margins = put(cell._tc.get_or_add_tcPr(), "tcMar", _CELL_ORDER)
    for edge, points in (("top", top), ("left", sides), ("bottom", bottom), ("right", sides)):
        _measure(margins, edge, points)


def table_frame(table: Table, widths: list[float], *, rtl: bool, description: str) -> None:
    """Direction, column widths (points), flush edges and a description of a table."""
    properties = table._tbl.tblPr
    twentieths = [round(width * 20) for width in widths]
    if rtl:
        put(properties, "bidiVisual", _TABLE_ORDER)
    put(properties, "tblW", _TABLE_ORDER, w=str(sum(twentieths)), type="dxa")
    put(properties, "tblInd", _TABLE_ORDER, w="0", type="dxa")
    put(properties, "tblLayout", _TABLE_ORDER, type="fixed")
    margins = put(properties, "tblCellMar", _TABLE_ORDER)
    for edge in ("left", "right"):
        _measure(margins, edge, 0)
    if description:
        put(properties, "tblDescription", _TABLE_ORDER, val=description)
    for column, width in zip(table._tbl.tblGrid.gridCol_lst, twentieths, strict=True):
        column.set(qn("w:w"), str(width))
    for row in table._tbl.tr_lst:
        for cell, width in zip(row.tc_lst, twentieths, strict=True):
            put(cell.get_or_add_tcPr(), "tcW", _CELL_ORDER, w=str(width), type="dxa")


def _measure(parent, edge: str, points: float) -> None:
    element = OxmlElement(f"w:{edge}")
    element.set(qn("w:w"), str(round(points * 20)))
    element.set(qn("w:type"), "dxa")
    parent.append(element)


def row_flags(row, *, header: bool = False) -> None:
    """Keep a row whole; a header row comes again on every page."""
    properties = row._tr.get_or_add_trPr()
    for tag in ("cantSplit", *(("tblHeader",) if header else ())):
        properties.append(OxmlElement(f"w:{tag}"))


def alt_text(run: Run, text: str, name: str) -> None:
    """Alternative text of the picture in a run; no wrapping distance, which would shift it."""
    for inline in run._r.iter(qn("wp:inline")):
        for edge in ("distT", "distB", "distL", "distR"):
            inline.set(edge, "0")
    for properties in run._r.iter(qn("wp:docPr")):
        properties.set("descr", text)
        properties.set("name", name)


def section_direction(word: Word, *, rtl: bool) -> None:
    """Let the sections run right to left."""
    if rtl:
        for section in word.sections:
            put(section._sectPr, "bidi", _SECTION_ORDER)


def spacing(paragraph: Paragraph, *, before: float = 0, after: float = 0, line: float) -> None:
    """Space around a paragraph in points, and its line height as a multiple."""
    settings = paragraph.paragraph_format
    settings.space_before, settings.space_after = Pt(before), Pt(after)
    settings.line_spacing = line


def tab_stops(tabs, *, clear: tuple[int, ...], end: int) -> None:
    """Take inherited tab stops away and set one at the end of the line (twentieths of a point)."""
    for kind, place in (*(("clear", stop) for stop in clear), ("right", end)):
        tab = OxmlElement("w:tab")
        tab.set(qn("w:val"), kind)
        tab.set(qn("w:pos"), str(place))
        tabs.append(tab)
