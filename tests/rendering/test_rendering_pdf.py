"""The PDF: tagged, set in our fonts only, and its Arabic copies out as it went in."""

from __future__ import annotations

import re
import zlib
from dataclasses import replace
from difflib import SequenceMatcher

import numpy as np
import pypdfium2
import pytest

from masar_research.briefs.document import Box, Figure, Heading, Paragraph, Run, plain
from masar_research.briefs.exporters import layout, to_pdf
from masar_research.errors import BriefError


def inside(pdf: bytes) -> bytes:
    """The file with its compressed streams opened."""
    streams = []
    for match in re.finditer(rb"stream\r?\n(.*?)\r?\nendstream", pdf, re.S):
        try:
            streams.append(zlib.decompress(match[1]))
        except zlib.error:
            streams.append(match[1])
    return pdf + b"\n".join(streams)


def words_of(texts: list[str], help_) -> list[str]:
    return [word for text in texts for word in help_.OPTIONAL.sub("", help_.normal(text)).split()]


def in_order(wanted: list[str], found: list[str]) -> float:
    blocks = SequenceMatcher(None, wanted, found, autojunk=False).get_matching_blocks()
    return sum(block.size for block in blocks) / len(wanted)


def test_tagged_for_accessibility_with_language_and_title(lang: str, help_) -> None:
    pdf = help_.rendered(lang, "pdf")
    raw = inside(pdf)
    assert b"<pdfuaid:part>1</pdfuaid:part>" in raw
    assert b"/StructTreeRoot" in raw and re.search(rb"/Marked\s+true", raw)
    assert re.search(rb"/Lang\s*\(" + lang.encode(), raw)
    read = pypdfium2.PdfDocument(pdf)
    brief = help_.sample().build(lang)
    assert read.is_tagged()
    assert read.get_metadata_dict()["Title"] == plain(brief.title)
    figures = sum(isinstance(item, Figure) for item in brief.elements)
    assert len(re.findall(rb"/Alt\s*[(<]", raw)) >= figures


def test_two_to_four_pages_numbered_with_the_notice_in_every_foot(lang: str, help_) -> None:
    read = pypdfium2.PdfDocument(help_.rendered(lang, "pdf"))
    assert 2 <= len(read) <= 4
    notice = help_.normal(plain(help_.sample().build(lang).notice))
    notice = help_.OPTIONAL.sub("", notice)
    for number, page in enumerate(read, start=1):
        text = help_.normal(page.get_textpage().get_text_range())
        pattern = rf"صفحة {number} من {len(read)}" if lang == "ar" else rf"Page {number} of {len(read)}"
        assert pattern in text
        assert notice in text


def test_fonts_are_ours_and_embedded(lang: str, help_) -> None:
    raw = inside(help_.rendered(lang, "pdf"))
    names = {name.decode() for name in re.findall(rb"/FontName\s*/(?:[A-Z]{6}\+)?([\w-]+)", raw)}
    assert names and names <= {
        "Amiri-Regular", "Amiri-Bold", "IBMPlexSansArabic-Regular", "IBMPlexSansArabic-SemiBold",
        "IBMPlexSansArabic-Bold",
    }  # fmt: skip
    assert len(re.findall(rb"/FontFile[23]?\s", raw)) == len(re.findall(rb"/FontName\s*/", raw))


def test_words_come_out_in_order(lang: str, help_) -> None:
    wanted = words_of(help_.expected(help_.sample().build(lang)), help_)
    text = re.sub(r"(\w)-\n(\w)", r"\1-\2", help_.pdf_text(help_.rendered(lang, "pdf")))
    assert in_order(wanted, help_.normal(text).split()) >= 0.98


def test_every_arabic_word_and_figure_comes_out_whole(help_) -> None:
    wanted = words_of(help_.expected(help_.sample().build("ar")), help_)
    found = set(help_.normal(help_.pdf_text(help_.rendered("ar", "pdf"))).split())
    assert [word for word in wanted if word not in found] == []


LETTERS = (
    "كتب الطلاب والأساتذة مؤلفات لا تُحصى، وسُئلوا: لماذا؟ فأجابوا؛ لأن في العلم نوراً (وهدى). "
    "ثم قال: «إنّ الإحصاءات الرسمية، بما فيها مئوية الأجور والأسر وآثار ضغوط غلاء المعيشة، ذات صلة». "
    "بلغت النسبة 21.4%، وبلغ الهامش ±2.5، والفئة 15–24، والقيمة −0.6: من 14.0% إلى 15.1%؛ ن = 3,612. "
    "وفق AAPOR RR3، تظهر ظروف صعبة خلال جولة 2026. حسناً، شكراً جزيلاً للمجيبين."
)


def test_letters_joins_and_signs_of_arabic_come_out(help_) -> None:
    box = Box("letters", (Run("حروف"),), (tuple([Run(LETTERS)]),) * 3)
    brief = replace(help_.sample().build("ar"), elements=(box,))
    wanted = words_of([LETTERS], help_) * 3
    found = help_.normal(help_.pdf_text(to_pdf(brief))).split()
    assert in_order(wanted, found) == 1.0


def test_pdfium_reads_the_same_arabic_words(help_) -> None:
    wanted = words_of(help_.expected(help_.sample().build("ar")), help_)
    pages = pypdfium2.PdfDocument(help_.rendered("ar", "pdf"))
    text = help_.normal(" ".join(page.get_textpage().get_text_range() for page in pages))
    arabic = re.compile("[\u0621-\u064a]+")
    letters = [word for token in wanted for word in arabic.findall(token)]
    assert in_order(letters, arabic.findall(text)) >= 0.99


def test_same_document_same_bytes(lang: str, help_) -> None:
    brief = help_.sample().build(lang)
    assert to_pdf(brief) == help_.rendered(lang, "pdf")
    assert to_pdf(replace(brief, date="2026-11-24")) != help_.rendered(lang, "pdf")


def test_hostile_labels_come_out_literally(lang: str, help_) -> None:
    text = help_.normal(help_.pdf_text(help_.rendered(lang, "pdf", hostile=True), "-raw"))
    squeezed = re.sub(r"\s", "", text)
    for part in ("#setpage(fill:red)", "$x^2$", "*bold*", "@ref", "&amp;", "{{7*7}}", r"\u{41}"):
        assert squeezed.count(part) >= 15, part
    assert "49" not in re.sub("49.", "", squeezed)


def test_nothing_runs_into_the_margins(lang: str, help_) -> None:
    for hostile in (False, True):
        read = pypdfium2.PdfDocument(help_.rendered(lang, "pdf", hostile=hostile))
        for page in read:
            shown = page.render(scale=1.0, grayscale=True).to_numpy().squeeze()
            edge = round(17 / 25.4 * 72)
            below_band = shown[20:, :]
            sides = np.concatenate([below_band[:, :edge], below_band[:, -edge:]], axis=1)
            assert (sides > 250).all()
            foot = shown[-round(8 / 25.4 * 72) :, :]
            assert hostile or (foot > 250).all()


def test_a_figure_stays_with_its_title_base_and_question(lang: str, help_) -> None:
    brief = help_.sample().build(lang)
    pages = [help_.OPTIONAL.sub("", help_.normal(page)) for page in
             help_.pdf_text(help_.rendered(lang, "pdf")).split("\f")]  # fmt: skip

    def page_of(line) -> set[int]:
        key = " ".join(words_of([plain(line)], help_)[:4])
        return {i for i, page in enumerate(pages) if key in " ".join(page.split())}

    for item in brief.elements:
        if isinstance(item, Figure):
            home = page_of(item.title)
            assert len(home) == 1
            for line in (item.base, *filter(None, [item.question]), *item.notes):
                assert home <= page_of(line)


def test_a_character_without_a_glyph_is_named(help_) -> None:
    brief = replace(help_.sample().build("en"), title=(Run("Women at work 🙂"),))
    with pytest.raises(BriefError, match=r"U\+1F642.*title"):
        to_pdf(brief)


def test_a_date_that_is_no_date_is_named(help_) -> None:
    with pytest.raises(BriefError, match="March 2026"):
        to_pdf(replace(help_.sample().build("en"), date="March 2026"))


def test_a_drawing_that_is_no_svg_is_an_error(help_) -> None:
    brief = help_.sample().build("en")
    figure = next(item for item in brief.elements if isinstance(item, Figure))
    broken = replace(figure, art=replace(figure.art, svg="<svg"))
    with pytest.raises(BriefError, match="could not be set"):
        to_pdf(replace(brief, elements=(broken,)))


def test_a_longer_brief_is_set_more_closely_to_keep_to_four_pages(
    lang: str, help_, monkeypatch: pytest.MonkeyPatch
) -> None:
    brief = help_.sample().build(lang)
    figure = next(item for item in brief.elements if isinstance(item, Figure))
    more = tuple(replace(figure, id=f"more-{number}") for number in range(5))
    brief = replace(brief, elements=brief.elements[:6] + more + brief.elements[6:])
    assert len(pypdfium2.PdfDocument(to_pdf(brief))) == 4
    monkeypatch.setattr(layout, "DENSITIES", layout.DENSITIES[:1])
    assert len(pypdfium2.PdfDocument(to_pdf(brief))) == 5


def tall_section(help_, *between: str):
    """A heading, the texts between, a drawing almost a page tall, and a paragraph after it."""
    brief = help_.sample().build("en")
    full = next(item for item in brief.elements if isinstance(item, Figure) and item.width == "full")
    art = help_.sample().art("en", height=190.0)
    tall = replace(full, id="tall", art=art, title=(Run("Tall drawing"),))
    texts = [Paragraph((Run(text),)) for text in between]
    after = Paragraph((Run("What follows the tall drawing fills the page."),))
    opening = Heading((Run("Heading of the section"),))
    elements = (*brief.elements[:2], opening, *texts, tall, after, *brief.elements[8:10])
    return replace(brief, elements=elements)


def pages_of(brief, help_, *keys: str) -> list[int]:
    found = help_.pdf_text(to_pdf(brief)).split("\f")
    return [next(i for i, page in enumerate(found) if key in page) for key in keys]


@pytest.mark.parametrize("most", [4, 1])
def test_a_drawing_that_does_not_fit_takes_its_heading_and_sentence_along(
    help_, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    """Heading, sentence and drawing are read together, also when pages run short."""
    monkeypatch.setattr(layout, "MOST_PAGES", most)
    monkeypatch.setattr(layout, "DENSITIES", layout.DENSITIES[:1])
    keys = ("Heading of the section", "One sentence leads", "Tall drawing", "What follows the tall")
    brief = tall_section(help_, "One sentence leads to the drawing.")
    assert pages_of(brief, help_, *keys) == [1, 1, 1, 1]
    without = tall_section(help_)
    assert pages_of(without, help_, keys[0], *keys[2:]) == [1, 1, 1]


def test_a_drawing_that_does_not_fit_lets_the_text_go_on_only_to_save_a_page(
    help_, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The hole a tall drawing leaves inside a section is filled by what follows it, if pages run short."""
    brief = tall_section(help_, "A first paragraph.", "A second paragraph.")
    keys = ("Heading of the section", "A second paragraph", "Tall drawing", "What follows the tall")
    assert pages_of(brief, help_, *keys) == [0, 0, 1, 1]
    monkeypatch.setattr(layout, "MOST_PAGES", 1)
    monkeypatch.setattr(layout, "DENSITIES", layout.DENSITIES[:1])
    assert pages_of(brief, help_, *keys) == [0, 0, 1, 0]
