"""The Word file: both scripts named, directions set, nothing torn apart."""

from __future__ import annotations

import io
import re
import zipfile

import docx
import pytest
from docx.oxml.ns import qn

from masar_research.briefs.document import Figure, Table, plain
from masar_research.briefs.exporters import to_docx
from masar_research.present.ooxml import _PARAGRAPH_ORDER, _RUN_ORDER, _TABLE_ORDER

RTL = re.compile("[\u0590-\u08ff]")


def word(lang: str, help_, hostile: bool = False):
    return docx.Document(io.BytesIO(help_.rendered(lang, "docx", hostile=hostile)))


def parts(document):
    return [document.element.body, document.sections[0].footer._element]


def test_arabic_paragraphs_are_bidirectional_and_english_are_not(lang: str, help_) -> None:
    for part in parts(word(lang, help_)):
        for paragraph in part.iter(qn("w:p")):
            if not "".join(paragraph.itertext()).strip():
                continue
            bidi = paragraph.find(f"{qn('w:pPr')}/{qn('w:bidi')}")
            assert (bidi is not None) == (lang == "ar")


def test_arabic_runs_are_right_to_left_and_numerals_left_to_right(help_) -> None:
    seen = set()
    for part in parts(word("ar", help_)):
        for run in part.iter(qn("w:r")):
            text = "".join(t.text or "" for t in run.iter(qn("w:t")))
            rtl = run.find(f"{qn('w:rPr')}/{qn('w:rtl')}")
            if RTL.search(text):
                assert rtl is not None and rtl.get(qn("w:val")) == "1", text
                assert not re.search("[0-9]", text), text
            elif re.search("[0-9]", text) and run.find(qn("w:fldChar")) is None:
                assert rtl is not None and rtl.get(qn("w:val")) == "0", text
                seen.add(help_.normal(text))
    assert {"14.9%", "38.1%–57.0%", "−14.9", "15–24"} <= seen


def test_tables_are_mirrored_in_arabic_only(lang: str, help_) -> None:
    tables = list(word(lang, help_).element.body.iter(qn("w:tbl")))
    mirrored = [t.find(f"{qn('w:tblPr')}/{qn('w:bidiVisual')}") is not None for t in tables]
    assert tables and set(mirrored) == {lang == "ar"}


def test_cells_stand_in_logical_order_and_heads_repeat(lang: str, help_) -> None:
    brief = help_.sample().build(lang)
    model = next(item for item in brief.elements if isinstance(item, Table))
    table = next(t for t in word(lang, help_).tables if len(t.rows) == len(model.rows) + 1)
    found = [[help_.normal(cell.text) for cell in row.cells] for row in table.rows]
    assert found[0] == [plain(column.head) for column in model.columns]
    assert found[1:] == [[plain(cell) for cell in row] for row in model.rows]
    header = table.rows[0]._tr.find(f"{qn('w:trPr')}/{qn('w:tblHeader')}")
    assert header is not None


def test_pictures_have_alternative_text(lang: str, help_) -> None:
    brief = help_.sample().build(lang)
    wanted = [plain(item.alt) for item in brief.elements if isinstance(item, Figure)]
    found = [node.get("descr") for node in word(lang, help_).element.body.iter(qn("wp:docPr"))]
    assert found == wanted


def test_captions_stay_with_their_pictures(lang: str, help_) -> None:
    document = word(lang, help_)
    captions = 0
    for paragraph in document.element.body.iter(qn("w:p")):
        style = paragraph.find(f"{qn('w:pPr')}/{qn('w:pStyle')}")
        if style is None:
            continue
        name = document.styles.element.find(
            f"{qn('w:style')}[@{qn('w:styleId')}='{style.get(qn('w:val'))}']/{qn('w:name')}"
        )
        if name.get(qn("w:val")).lower() == "caption":
            captions += 1
            assert paragraph.find(f"{qn('w:pPr')}/{qn('w:keepNext')}") is not None
    elements = help_.sample().build(lang).elements
    assert captions == sum(isinstance(item, Figure | Table) for item in elements)
    for name in ("Heading 1", "Heading 2", "Picture"):
        assert document.styles[name].paragraph_format.keep_with_next


def test_styles_name_both_scripts_and_track_no_letters(lang: str, help_) -> None:
    document = word(lang, help_)
    used = {p.style.style_id for p in document.paragraphs} | {"Title", "Subtitle"}
    for style in document.styles:
        if style.style_id not in used:
            continue
        rpr = style.element.rPr
        assert rpr.find(qn("w:rFonts")).get(qn("w:cs"))
        assert not [k for k in rpr.find(qn("w:rFonts")).attrib if "heme" in k]
        assert rpr.find(qn("w:szCs")).get(qn("w:val")) == rpr.find(qn("w:sz")).get(qn("w:val"))
        assert rpr.find(qn("w:bCs")).get(qn("w:val")) == rpr.find(qn("w:b")).get(qn("w:val"))
        assert rpr.find(qn("w:spacing")).get(qn("w:val")) == "0"
        assert rpr.find(qn("w:i")).get(qn("w:val")) == "0"


def test_footer_counts_pages_and_carries_the_notice(lang: str, help_) -> None:
    footer = word(lang, help_).sections[0].footer
    fields = [node.text.strip() for node in footer._element.iter(qn("w:instrText"))]
    assert fields == ["PAGE", "NUMPAGES"]
    text = help_.normal(" ".join(p.text for p in footer.paragraphs))
    assert help_.normal(plain(help_.sample().build(lang).notice)) in text


def test_properties_and_section(lang: str, help_) -> None:
    document = word(lang, help_)
    core = document.core_properties
    brief = help_.sample().build(lang)
    assert core.title == plain(brief.title)
    assert core.language == ("ar-JO" if lang == "ar" else "en-GB")
    assert core.created.date().isoformat() == brief.date
    section = document.sections[0]
    assert (section._sectPr.find(qn("w:bidi")) is not None) == (lang == "ar")
    assert round(section.page_width.mm) == 210 and round(section.page_height.mm) == 297


def test_every_line_of_the_brief_is_there_in_order(lang: str, help_) -> None:
    body = word(lang, help_).element.body
    text = help_.normal("\n".join(
        "".join(t.text or "" for t in p.iter(qn("w:t"))) for p in body.iter(qn("w:p"))
    ))  # fmt: skip
    place = 0
    for line in help_.expected(help_.sample().build(lang)):
        found = text.find(help_.normal(line), place)
        assert found >= 0, line
        place = found + len(help_.normal(line))


def test_hostile_labels_come_out_literally(lang: str, help_) -> None:
    document = word(lang, help_, hostile=True)
    texts = ["".join(t.text or "" for t in p.iter(qn("w:t"))) for p in document.element.body.iter(qn("w:p"))]
    assert sum(help_.HOSTILE in help_.normal(text) for text in texts) >= 15


@pytest.mark.parametrize(
    ("tag", "order"), [("w:pPr", _PARAGRAPH_ORDER), ("w:rPr", _RUN_ORDER), ("w:tblPr", _TABLE_ORDER)]
)
def test_properties_stand_in_the_order_of_the_schema(tag: str, order: list[str], lang: str, help_) -> None:
    document = word(lang, help_)
    for part in (*parts(document), document.styles.element):
        for properties in part.iter(qn(tag)):
            ranks = [order.index(child.tag.rpartition("}")[2]) for child in properties]
            assert ranks == sorted(ranks)


def test_the_typeface_is_inside(lang: str, help_) -> None:
    archive = zipfile.ZipFile(io.BytesIO(help_.rendered(lang, "docx")))
    fonts = [name for name in archive.namelist() if name.endswith(".odttf")]
    assert len(fonts) == 2
    table = archive.read("word/fontTable.xml").decode()
    key = re.search(r'w:embedRegular r:id="\w+" w:fontKey="\{([^}]+)\}"', table)[1]
    guid = bytes.fromhex(key.replace("-", ""))[::-1]
    data = archive.read("word/fonts/font1.odttf")
    head = bytes(byte ^ guid[index % 16] for index, byte in enumerate(data[:32]))
    assert head[:4] == b"\x00\x01\x00\x00"


def test_same_document_same_content(lang: str, help_) -> None:
    first = zipfile.ZipFile(io.BytesIO(help_.rendered(lang, "docx")))
    second = zipfile.ZipFile(io.BytesIO(to_docx(help_.sample().build(lang))))
    assert first.namelist() == second.namelist()
    assert all(first.read(name) == second.read(name) for name in first.namelist())
