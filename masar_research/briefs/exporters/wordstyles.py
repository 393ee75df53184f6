"""The paragraph styles of a brief in Word, for both scripts."""

from __future__ import annotations

from dataclasses import dataclass

from docx.document import Document as Word
from docx.enum.style import WD_STYLE_TYPE
from docx.oxml.ns import qn
from docx.shared import Pt

from masar_research.briefs.document import Lang
from masar_research.briefs.exporters.style import PALETTE
from masar_research.present import ooxml
from masar_research.present.wordfonts import FONT


# The typeface leaves room for Arabic above and below; Latin lines need less of it.
LATIN_LINE = 0.86
# A line less than single would cut a drawing standing in it.
PICTURE = "Picture"


@dataclass(frozen=True, slots=True)
class _Style:
    """Size, space before and after in points; line as a multiple of the font's own height."""

    name: str
    size: float
    bold: bool = False
    colour: str = "ink"
    before: float = 0
    after: float = 0
    line: float = 1.0
    keep_next: bool = False
    parent: str | None = "Normal"
    outline: int | None = None


_STYLES = (
    _Style("Normal", 9.5, parent=None),
    _Style("Body Text", 9.5, after=6, line=1.02),
    _Style("Lead", 10.8, after=8, line=1.04),
    _Style("Small print", 8, colour="muted", after=4),
    _Style("Kicker", 8.8, bold=True, colour="warm"),
    _Style("Title", 20, bold=True, before=0, after=2, line=0.84),
    _Style("Subtitle", 9.8, colour="muted", after=7),
    _Style("Heading 1", 13, bold=True, colour="deep", before=9, after=3, keep_next=True),
    _Style("Heading 2", 11, bold=True, before=7, after=3, keep_next=True),
    _Style("Notice", 9, bold=True, colour="warm"),
    _Style("Key figure", 24, bold=True, colour="deep", line=0.84, keep_next=True),
    _Style("Key sentence", 9.3, line=1.0),
    _Style("Caption", 9.8, bold=True, before=6, after=3, keep_next=True),
    _Style(PICTURE, 9.5, keep_next=True),
    _Style("Base", 7.5, colour="muted"),
    _Style("Table head", 8.8, bold=True, colour="deep"),
    _Style("Table text", 8.8),
    _Style("Box title", 9.8, bold=True, colour="muted", after=2, keep_next=True, outline=0),
    _Style("Box title warning", 9.8, bold=True, colour="warm", after=2, keep_next=True, outline=0),
    _Style("Box title evidence", 9.8, bold=True, colour="deep", after=2, keep_next=True, outline=0),
    _Style("Box text", 8.9, after=2),
    _Style("Items title", 10, bold=True, colour="deep", before=4, after=4, keep_next=True, outline=0),
    _Style("Item term", 7.6, bold=True, keep_next=True),
    _Style("Item text", 7.6, colour="muted", after=3),
    _Style("Footer", 7.6, colour="muted"),
    _Style("Footer notice", 7.6, colour="warm"),
    _Style("Gap", 2),
)

_KEPT = {"Default Paragraph Font", "Normal Table", "No List", "Header"}


def style_ids(word: Word) -> dict[str, str]:
    """Name → id of the styles of a brief, looked up once."""
    return {style.name: style.style_id for style in word.styles}


def prepare_styles(word: Word, lang: Lang) -> None:
    """Set every style a brief uses; those Word does not have are made, the others go.

    The default template's Title tracks its letters, which tears Arabic apart: every style
    here sets the letter-spacing to none.
    """
    rtl = lang == "ar"
    defaults = word.styles.element.find(qn("w:docDefaults"))
    if defaults is not None:
        for language in defaults.iter(qn("w:lang")):
            language.set(qn("w:val"), "en-GB")
            language.set(qn("w:bidi"), "ar-JO")
    wanted = {look.name for look in _STYLES} | _KEPT
    for style in list(word.styles):
        if style.name not in wanted:
            style.delete()
    known = {style.name for style in word.styles}
    for look in _STYLES:
        if look.name in known:
            style = word.styles[look.name]
        else:
            style = word.styles.add_style(look.name, WD_STYLE_TYPE.PARAGRAPH)
        if look.parent:
            style.base_style = word.styles[look.parent]
        style.quick_style = True
        _apply(style, look, rtl)


def _apply(style, look: _Style, rtl: bool) -> None:
    properties = style.element.find(qn("w:pPr"))
    if properties is not None:
        style.element.remove(properties)
    ooxml.font_properties(
        style.element.get_or_add_rPr(),
        latin=FONT,
        arabic=FONT,
        size=look.size,
        bold=look.bold,
        colour=PALETTE[look.colour],
    )
    settings = style.paragraph_format
    settings.space_before, settings.space_after = Pt(look.before), Pt(look.after)
    settings.line_spacing = look.line * (1.0 if rtl or look.name == PICTURE else LATIN_LINE)
    settings.keep_with_next = look.keep_next
    settings.widow_control = True
    if rtl:
        ooxml.style_property(style, "bidi")
    if look.outline is not None:
        ooxml.style_property(style, "outlineLvl", val=str(look.outline))
    elif look.name in ("Heading 1", "Heading 2"):
        ooxml.style_property(style, "outlineLvl", val=str(int(look.name[-1]) - 1))
