"""Rendered pages read back: every numeral on them must stand in the ledger.

The check does not trust the writers: it opens the HTML, PDF and DOCX files as a reader
would, takes every numeral in any digits, and resolves it against what the ledger says is
displayed in that language. A numeral may also not stand on a page more often than the
document puts it there.
"""

from __future__ import annotations

import io
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from masar_research.briefs.document import Document, Figure, Lang, Messages, lines, plain
from masar_research.errors import BriefError
from masar_research.present import lint

_PAGE = {
    "en": re.compile(r"Page\s+(\d+)\s+of\s+(\d+)"),
    "ar": re.compile(r"صفحة\s+(\d+)\s+من\s+(\d+)"),
}
_CONTROL = re.compile("[\u200e\u200f\u061c\u2066-\u2069\u202a-\u202e]")


@dataclass(frozen=True, slots=True)
class Stray:
    """A numeral no ledger entry accounts for."""

    numeral: str
    place: str
    file: str
    around: str


def numerals_allowed(tokens: Iterable[str]) -> set[str]:
    """The numerals of displayed texts, in Western digits."""
    return {lint.western(numeral) for text in tokens for numeral in _numerals(text)}


def _numerals(text: str) -> list[str]:
    """Numerals of a text, signs apart: writers may set a sign in a piece of its own."""
    return [numeral.lstrip("+−-") for numeral in lint.numerals(_CONTROL.sub("", text))]


def strays(
    texts: Iterable[tuple[str, str]], allowed: set[str], file: str
) -> list[Stray]:
    """Numerals in ``(place, text)`` pairs that are not among `allowed`."""
    found = []
    for place, text in texts:
        clean = _CONTROL.sub("", text)
        for numeral in _numerals(clean):
            if lint.western(numeral) not in allowed:
                at = clean.find(numeral)
                found.append(Stray(numeral, place, file, clean[max(0, at - 40) : at + 40].strip()))
    return found


def check(
    files: Mapping[tuple[Lang, str], bytes],
    documents: Mapping[Lang, Document],
    tokens: Mapping[Lang, Sequence[str]],
) -> int:
    """Check all rendered files of a brief, and the strings drawn in its charts.

    Parameters
    ----------
    files : mapping
        ``(language, "html" | "pdf" | "docx")`` → content.
    documents : mapping
        Language → the composed brief.
    tokens : mapping
        Language → displayed texts of the ledger.

    Returns
    -------
    int
        How many numerals were resolved.

    Raises
    ------
    BriefError
        At the first file with an untraceable numeral: numeral, place and file.
    """
    count = 0
    for (lang, kind), content in files.items():
        document = documents[lang]
        texts = list(read(content, kind, lang))
        count += check_texts(texts, document, tokens[lang], f"{document.name}.{lang}.{kind}", kind)
    for lang, document in documents.items():
        count += check_art(document, tokens[lang])
    return count


def check_texts(
    texts: Sequence[tuple[str, str]], document: Document, tokens: Sequence[str], file: str, kind: str
) -> int:
    """Check the text of one file; see `check`."""
    allowed = numerals_allowed(tokens) | numerals_allowed([document.date])
    found = strays(texts, allowed, file)
    if found:
        raise _untraceable(found)
    if kind in ("html", "docx"):
        _not_too_often(texts, document, file)
    _number_words(document, tokens)
    return sum(len(_numerals(text)) for _, text in texts)


def check_art(document: Document, tokens: Sequence[str]) -> int:
    """Check the strings drawn in charts; those that only mark the scale are no estimates."""
    allowed = numerals_allowed(tokens)
    count = 0
    for element in document.elements:
        if isinstance(element, Figure):
            scale = Counter(getattr(element.art, "scale", ()))
            drawn = list((Counter(element.art.texts) - scale).elements())
            texts = [(f"figure {element.id}", text) for text in drawn]
            found = strays(texts, allowed, f"chart {element.id} ({document.lang})")
            if found:
                raise _untraceable(found)
            count += sum(len(_numerals(text)) for text in drawn)
    return count


def _untraceable(found: Sequence[Stray]) -> BriefError:
    first = found[0]
    return BriefError(
        f"The number {first.numeral!r} at {first.place} of {first.file} is not in the ledger: …{first.around}…"
        + (f" ({len(found) - 1} more.)" if len(found) > 1 else ""),
        remedy="Let it come from a cell, fact, parameter, date, question or label; nothing was published.",
        ar=f"الرقم {first.numeral} في الملف {first.file} غير مدوّن في السجل؛ لم يُنشر شيء.",
    )


def _not_too_often(texts: Sequence[tuple[str, str]], document: Document, file: str) -> None:
    """A numeral stands at most as often as the document puts it, the running head and foot aside."""
    written: Counter[str] = Counter()
    for place, line in lines(document):
        times = 12 if place in ("kicker", "title", "subtitle", "notice", "footer") else 2
        for numeral in _numerals(plain(line)):
            written[lint.western(numeral)] += times
    written.update({lint.western(numeral): 12 for numeral in _numerals(document.date)})
    read_back = Counter(lint.western(numeral) for _, text in texts for numeral in _numerals(text))
    for numeral, times in read_back.items():
        if times > written[numeral]:
            raise BriefError(
                f"The number {numeral!r} stands {times} times in {file}; the brief puts it there at most "
                f"{written[numeral]} times.",
                remedy="Report this: a writer printed a number the document does not hold.",
            )


def _number_words(document: Document, tokens: Sequence[str]) -> None:
    """Number words in the title and the key messages must be displayed texts of the ledger."""
    said = " ".join(tokens)
    findings = [("title", document.title)]
    for element in document.elements:
        if isinstance(element, Messages):
            findings += [("message", line) for line in element.lines]
        if isinstance(element, Figure):
            findings.append((f"title of {element.id}", element.title))
    for place, line in findings:
        own = "".join(run.text if run.source == "words" and run.ref is None else " … " for run in line)
        for word in lint.number_words(own, document.lang):
            if word not in said:
                raise BriefError(
                    f"The {place} of the {document.lang} brief says the number {word!r} in words: {plain(line)!r}.",
                    remedy="Refer to a cell, e.g. {x:magnitude}, so that the words follow the data.",
                )


# --- reading ---------------------------------------------------------------------------


def read(content: bytes, kind: str, lang: Lang) -> Iterator[tuple[str, str]]:
    """``(place, text)`` pairs of a rendered file, page numbers left out."""
    readers = {"html": _html, "pdf": _pdf, "docx": _docx}
    for place, text in readers[kind](content):
        yield place, _PAGE[lang].sub(" ", _CONTROL.sub("", text))


def _html(content: bytes) -> Iterator[tuple[str, str]]:
    from lxml import html

    tree = html.fromstring(content.decode("utf-8"))
    for node in tree.xpath("//script | //style | //template"):
        node.drop_tree()
    for node in tree.xpath("//svg//*[not(self::title or self::desc or self::text or self::tspan)]"):
        node.text = None
    blocks = "//title | //p | //li | //h1 | //h2 | //h3 | //h4 | //td | //th | //figcaption | //caption | //dt | //dd"
    seen: set[Any] = set()
    for node in tree.xpath(blocks):
        if not any(parent in seen for parent in node.iterancestors()):
            seen.add(node)
            yield node.tag, " ".join("".join(node.itertext()).split())
    for node in list(seen):
        if node.getparent() is not None:
            node.drop_tree()
    yield "page", " ".join(" ".join(tree.itertext()).split())
    for node in tree.xpath("//*[@alt or @aria-label or @title]"):
        for name in ("alt", "aria-label", "title"):
            if node.get(name):
                yield f"{node.tag} {name}", node.get(name)


def _pdf(content: bytes) -> Iterator[tuple[str, str]]:
    import pypdfium2

    document = pypdfium2.PdfDocument(content)
    try:
        for number, page in enumerate(document, start=1):
            yield f"page {number}", page.get_textpage().get_text_bounded()
    finally:
        document.close()


def _docx(content: bytes) -> Iterator[tuple[str, str]]:
    import docx
    from docx.oxml.ns import qn

    document = docx.Document(io.BytesIO(content))
    parts = [("page", document.element.body)]
    for number, section in enumerate(document.sections, start=1):
        for name in ("header", "footer", "first_page_header", "first_page_footer"):
            parts.append((f"{name} {number}", getattr(section, name)._element))
    for place, part in parts:
        for paragraph in part.iter(qn("w:p")):
            text = "".join(_docx_text(paragraph, qn))
            if text.strip():
                yield place, text
        for described in part.iter(qn("wp:docPr")):
            for name in ("descr", "title"):
                if described.get(name):
                    yield f"{place} picture", described.get(name)


def _docx_text(paragraph: Any, qn: Any) -> Iterator[str]:
    """The text of a paragraph without the cached results of its fields (page numbers)."""
    inside = False
    for node in paragraph.iter(qn("w:t"), qn("w:fldChar"), qn("w:tab"), qn("w:br")):
        if node.tag == qn("w:fldChar"):
            inside = node.get(qn("w:fldCharType")) in ("begin", "separate")
        elif any(parent.tag == qn("w:fldSimple") for parent in node.iterancestors()) or inside:
            continue
        elif node.tag == qn("w:t"):
            yield node.text or ""
        else:
            yield " "


def read_file(path: Path, lang: Lang) -> list[tuple[str, str]]:
    """The text of a file on disk."""
    return list(read(path.read_bytes(), path.suffix.lstrip("."), lang))


