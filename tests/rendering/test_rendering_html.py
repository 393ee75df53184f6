"""The web page: one file, one direction per piece, nothing fetched, everything escaped."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from lxml import html

from masar_research.briefs.document import Figure, Run, lines, plain
from masar_research.briefs.exporters import to_html
from masar_research.briefs.exporters.style import PALETTE
from masar_research.briefs.exporters.svg import inline_svg
from masar_research.errors import BriefError

DIGITS = re.compile("(?<![A-Za-z])[0-9٠-٩]")


def tree(page: str):
    return html.fromstring(page)


def test_language_and_direction(lang: str, help_) -> None:
    root = tree(help_.rendered(lang, "html"))
    assert (root.get("lang"), root.get("dir")) == (lang, "rtl" if lang == "ar" else "ltr")


def test_nothing_is_fetched(lang: str, help_) -> None:
    page = help_.rendered(lang, "html")
    root = tree(page)
    assert not root.xpath("//link | //script | //iframe | //object | //embed | //base")
    for node in root.xpath("//*[@src or @srcset or @poster or @data]"):
        pytest.fail(html.tostring(node).decode()[:200])
    for reference in root.xpath("//svg//@href"):
        assert reference.startswith("#")
    style = "".join(root.xpath("//style/text()"))
    assert "@import" not in style
    assert all(url.startswith("data:font/") for url in re.findall(r'url\("?([^")]*)', style))
    assert re.findall(r"https?://", page) == []
    assert "default-src 'none'" in page


def test_one_h1_and_headings_in_order(lang: str, help_) -> None:
    levels = [int(node.tag[1]) for node in tree(help_.rendered(lang, "html")).xpath("//h1|//h2|//h3|//h4")]
    assert levels.count(1) == 1 and levels[0] == 1
    assert all(b - a <= 1 for a, b in zip(levels, levels[1:], strict=False))


def test_landmarks_and_skip_link(lang: str, help_) -> None:
    root = tree(help_.rendered(lang, "html"))
    for tag in ("header", "main", "footer"):
        assert len(root.xpath(f"//body/{tag}")) == 1
    target = root.xpath("//body/*[1][self::a]/@href")[0]
    assert root.get_element_by_id(target[1:]).tag == "main"


def test_every_drawing_says_its_alternative_text(lang: str, help_) -> None:
    brief = help_.sample().build(lang)
    wanted = [plain(item.alt) for item in brief.elements if isinstance(item, Figure)]
    drawings = tree(help_.rendered(lang, "html")).xpath("//svg")
    assert [node.get("aria-label") for node in drawings] == wanted
    assert {node.get("role") for node in drawings} == {"img"}
    assert not tree(help_.rendered(lang, "html")).xpath("//svg//style | //svg//metadata")


def test_ids_are_unique_and_references_resolve(lang: str, help_) -> None:
    root = tree(help_.rendered(lang, "html"))
    ids = root.xpath("//@id")
    assert len(ids) == len(set(ids))
    wanted = {r[1:] for r in root.xpath("//@href") if r.startswith("#")}
    wanted |= {name for names in root.xpath("//@aria-labelledby") for name in names.split()}
    wanted |= set(re.findall(r"url\(#([^)]+)\)", help_.rendered(lang, "html")))
    assert wanted <= set(ids)


def test_every_numeral_is_isolated_left_to_right(lang: str, help_) -> None:
    body = tree(help_.rendered(lang, "html")).xpath("//body")[0]
    for node in body.xpath(".//text()"):
        if DIGITS.search(node):
            parent = node.getparent() if node.is_text else node.getparent().getparent()
            assert parent.tag == "bdi" and parent.get("dir") == "ltr", node


def test_numerals_carry_the_address_of_their_entry(lang: str, help_) -> None:
    brief = help_.sample().build(lang)
    shown = {(n.get("data-ref"), n.text) for n in tree(help_.rendered(lang, "html")).xpath("//bdi[@data-ref]")}
    hidden = {plain(item.alt) for item in brief.elements if isinstance(item, Figure)}
    for _, line in lines(brief):
        for run in line:
            if run.source == "cell" and run.ref and plain(line) not in hidden and " " not in run.text:
                assert (run.ref, run.text) in shown
    assert all(n.get("data-source") for n in tree(help_.rendered(lang, "html")).xpath("//*[@data-ref]"))


def test_style_uses_logical_properties_only(lang: str, help_) -> None:
    style = "".join(tree(help_.rendered(lang, "html")).xpath("//style/text()"))
    style = re.sub(r'url\("data:[^"]*"\)', "", style)
    physical = r"(?:(?:margin|padding|border)-(?:left|right)|text-align:\s*(?:left|right)|float:|[;{]\s*(?:left|right):)"
    assert re.findall(physical, style) == []


def test_data_tables_fold_out_and_regions_can_be_scrolled_by_keyboard(lang: str, help_) -> None:
    root = tree(help_.rendered(lang, "html"))
    figures = root.xpath("//figure")
    assert figures and all(len(node.xpath(".//details//table")) == 1 for node in figures)
    for table in root.xpath("//table"):
        region = table.getparent()
        assert region.get("tabindex") == "0" and region.get("aria-label")
        assert table.xpath(".//thead//th[@scope='col']") and table.xpath(".//tbody//th[@scope='row']")


def test_hostile_labels_stay_text(lang: str, help_) -> None:
    page = help_.rendered(lang, "html", hostile=True)
    root = tree(page)
    assert not root.xpath("//b | //script | //*[@onclick]")
    assert len(root.xpath("//style")) == 1
    places = root.xpath("//h1 | //h2 | //h3 | //figcaption | //p | //dt | //dd | //th | //td | //title")
    said = [" ".join("".join(node.itertext()).split()) for node in places]
    assert sum(help_.HOSTILE in text for text in said) >= 20


def test_same_document_same_page(lang: str, help_) -> None:
    assert to_html(help_.sample().build(lang)) == help_.rendered(lang, "html")


def test_fonts_are_inside(lang: str, help_) -> None:
    faces = re.findall(r"@font-face", help_.rendered(lang, "html"))
    assert len(faces) == 2


def _luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return sum(w * p for w, p in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


@pytest.mark.parametrize("ground", ["paper", "pale", "amber", "grey"])
@pytest.mark.parametrize("text", ["ink", "muted", "deep", "warm"])
def test_contrast_of_text_on_every_ground(text: str, ground: str) -> None:
    light, dark = sorted((_luminance(PALETTE[text]), _luminance(PALETTE[ground])), reverse=True)
    assert (light + 0.05) / (dark + 0.05) >= 4.5


def test_a_drawing_cannot_bring_a_script_or_reach_out() -> None:
    svg = (
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        'width="10" height="5" onload="alert(1)"><script>alert(1)</script><style>*{color:red}</style>'
        '<foreignObject><b/></foreignObject><image href="https://example.org/x.png"/>'
        '<defs><path id="p" d="M0 0"/></defs><use xlink:href="#p"/>'
        '<rect style="fill:url(https://example.org/#a)" clip-path="url(#p)"/></svg>'
    )
    out = inline_svg(svg, prefix="f", label='a "b" <c>')
    for wrong in ("script", "onload", "example.org", "foreignObject", "<style"):
        assert wrong not in out
    assert 'id="f-p"' in out and 'href="#f-p"' in out and "url(#f-p)" in out
    assert 'viewBox="0 0 10 5"' in out and "&lt;c" in out


def test_a_broken_drawing_is_named() -> None:
    with pytest.raises(BriefError, match="figure-9"):
        inline_svg("<svg", prefix="figure-9", label="")
    with pytest.raises(BriefError, match="not an <svg>"):
        inline_svg("<html/>", prefix="x", label="")


def test_an_unknown_element_is_an_error(help_) -> None:
    brief = replace(help_.sample().build("en"), elements=((Run("x"),),))
    with pytest.raises(BriefError, match="no element of type"):
        to_html(brief)


def test_a_narrow_drawing_stands_beside_the_wide_one_for_phones(help_) -> None:
    brief = help_.sample().build("ar")
    figure = next(item for item in brief.elements if isinstance(item, Figure))
    both = replace(figure, narrow=help_.sample().art("ar", width=82.0))
    root = tree(to_html(replace(brief, elements=(both,))))
    assert len(root.xpath("//figure//svg")) == 2
    assert len(root.xpath("//*[contains(@class, 'wide')]/following-sibling::*[contains(@class, 'narrow')]")) == 1
    assert len(root.xpath("//@id")) == len(set(root.xpath("//@id")))
