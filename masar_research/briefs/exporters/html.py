"""A brief as one HTML file that needs no network: style, fonts and drawings are inside it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from html import escape
from importlib.resources import files

from masar_research.briefs.document import (
    Box,
    Document,
    Element,
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
from masar_research.briefs.exporters.grouping import paired
from masar_research.briefs.exporters.labels import LABELS
from masar_research.briefs.exporters.segments import Segment, bound, clean, segments
from masar_research.briefs.exporters.style import PALETTE
from masar_research.briefs.exporters.svg import inline_svg
from masar_research.errors import BriefError
from masar_research.present.fonts import css_font_faces

_POLICY = (
    "default-src 'none'; img-src data:; font-src data:; style-src 'unsafe-inline'; "
    "base-uri 'none'; form-action 'none'"
)
_REPERTOIRE = frozenset(
    chr(code)
    for first, last in ((0x20, 0x7E), (0x60C, 0x60C), (0x61B, 0x61F), (0x621, 0x652), (0x660, 0x66C))
    for code in range(first, last + 1)
) | set("\u00a0\u00ab\u00b1\u00b7\u00bb\u00d7\u2013\u2014\u2018\u2019\u201c\u201d\u2022\u2026\u2212\u2264\u2265")


def to_html(document: Document) -> str:
    """Set a brief as a web page in a single file.

    Parameters
    ----------
    document : Document
        A brief in one language.

    Returns
    -------
    str
        HTML with everything inside; the same text for the same document. Each numeral stands
        in ``<bdi dir="ltr">`` with the ``data-source`` and ``data-ref`` of its run.

    Raises
    ------
    BriefError
        If a drawing is not SVG or an element is unknown.

    Examples
    --------
    >>> from masar_research.briefs.document import Document, Run
    >>> text = (Run("Half of <all> women"),)
    >>> brief = Document("demo", "en", text, text, text, None, text, (), "2026-03-01")
    >>> "<title>Half of &lt;all&gt; women</title>" in to_html(brief)
    True
    """
    page = _Page(document)
    words = LABELS[document.lang]
    style = f"{_fonts(document)}\n{_variables()}\n{_css()}"
    notice = (
        f'<p class="notice" role="note">{page.line(document.notice)}</p>' if document.notice else ""
    )
    return "\n".join(
        part
        for part in (
            "<!doctype html>",
            f'<html lang="{document.lang}" dir="{document.direction}">',
            "<head>",
            '<meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{escape(clean(plain(document.title)))}</title>",
            _meta("description", clean(plain(document.subtitle))),
            _meta("author", document.meta.get("author", "masar_research")),
            _meta("keywords", ", ".join(document.keywords)),
            _meta("date", document.date),
            f"<style>\n{style}\n</style>",
            "</head>",
            "<body>",
            f'<a class="skip" href="#main">{escape(words["skip"])}</a>',
            '<header class="masthead">',
            f'<p class="kicker">{page.line(document.kicker)}</p>',
            f"<h1>{page.line(document.title)}</h1>",
            f'<p class="subtitle">{page.line(document.subtitle)}</p>',
            _other_language(document),
            "</header>",
            '<main id="main" tabindex="-1">',
            notice,
            *(page.element(item) for item in paired(document.elements)),
            "</main>",
            '<footer class="foot">',
            f"<p>{page.line(document.footer)}</p>",
            notice.replace(' role="note"', ""),
            "</footer>",
            "</body>",
            "</html>",
            "",
        )
        if part or part == ""
    )


def _meta(name: str, content: str) -> str:
    return f'<meta name="{name}" content="{escape(content)}">'


@lru_cache(maxsize=1)
def _css() -> str:
    return files(__package__).joinpath("brief.css").read_text(encoding="utf-8")


def _variables() -> str:
    pairs = "".join(f"--{name}:{value};" for name, value in PALETTE.items())
    return f":root{{{pairs}}}"


def _fonts(document: Document) -> str:
    """The faces with one repertoire for all briefs, so that it is cut out once a process."""
    said = {character for _, line in lines(document) for character in clean(plain(line))}
    return css_font_faces(["".join(sorted(_REPERTOIRE | said))], document.lang)


def _other_language(document: Document) -> str:
    if not document.other_lang:
        return ""
    other, direction = ("en", "ltr") if document.lang == "ar" else ("ar", "rtl")
    words = escape(LABELS[document.lang]["other"])
    return (
        f'<p class="other"><a href="{escape(document.other_lang)}.html" lang="{other}" '
        f'hreflang="{other}" dir="{direction}">{words}</a></p>'
    )


class _Page:
    """Writes the elements of one document."""

    def __init__(self, document: Document) -> None:
        self.lang = document.lang
        self.words = LABELS[document.lang]
        self._taken: set[str] = set()

    def id(self, name: str) -> str:
        """An id no other element of the page has."""
        stem = re.sub(r"[^\w-]", "-", name)
        found, number = stem, 2
        while found in self._taken:
            found, number = f"{stem}-{number}", number + 1
        self._taken.add(found)
        return found

    def line(self, line: Line) -> str:
        return "".join(self._segment(segment) for segment in segments(line, self.lang))

    def _segment(self, segment: Segment) -> str:
        run = segment.run
        text = escape(segment.text)
        address = f' data-ref="{escape(run.ref)}"' if run.ref else ""
        if segment.direction:
            kind = ' class="n"' if segment.numeral else ""
            origin = f' data-source="{run.source}"' if run.source != "words" else ""
            text = f'<bdi dir="{segment.direction}"{kind}{origin}{address}>{text}</bdi>'
        elif run.ref and text.strip():
            text = f'<span data-source="{run.source}"{address}>{text}</span>'
        return f"<strong>{text}</strong>" if run.strong and segment.text.strip() else text

    def element(self, item: Element | tuple[Figure, Figure]) -> str:
        match item:
            case (Figure(), Figure()):
                return f'<div class="pair">{"".join(self.figure(figure) for figure in item)}</div>'
            case Paragraph():
                kind = "" if item.style == "body" else f' class="{item.style}"'
                return f"<p{kind}>{self.line(item.line)}</p>"
            case Heading():
                tag = f"h{item.level + 1}"
                return f"<{tag}>{self.line(item.line)}</{tag}>"
            case Messages():
                return self.messages(item)
            case Figure():
                return self.figure(item)
            case Table():
                return f'<div class="table">{self.table(item)}</div>'
            case Box():
                return self.box(item)
            case Items():
                return self.items(item)
        raise BriefError(
            f"The writers know no element of type {type(item).__name__}.",
            remedy="Use the elements of masar_research.briefs.document.",
        )

    def messages(self, item: Messages) -> str:
        cards = "".join(
            f'<li><p class="figure">{self.line(figure)}</p><p>{self.line(line)}</p></li>'
            for figure, line in zip(item.figures, item.lines, strict=True)
        )
        label = escape(self.words["messages"])
        return f'<section class="messages" aria-label="{label}"><ul role="list">{cards}</ul></section>'

    def figure(self, item: Figure) -> str:
        name = self.id(f"figure-{item.id}")
        alt = clean(plain(item.alt))
        drawing = self._scroll(
            inline_svg(item.art.svg, prefix=name, label=alt), plain(item.title), "art wide"
        )
        if item.narrow is not None:
            small_svg = inline_svg(item.narrow.svg, prefix=f"{name}-n", label=alt)
            drawing += f'<div class="art narrow">{small_svg}</div>'
        question = f'<p class="question">{self.line(item.question)}</p>' if item.question else ""
        below = f'<p class="base">{self.line(item.base)}</p>{question}{self.notes(item.notes)}'
        return (
            f'<figure id="{name}" class="{item.width}">'
            f"<figcaption>{self.line(item.title)}</figcaption>{drawing}{below}"
            f'<details><summary>{escape(self.words["data"])}</summary>{self.table(item.data)}</details>'
            "</figure>"
        )

    def notes(self, notes: Sequence[Line]) -> str:
        """The notes beneath a drawing or table, in one paragraph."""
        said = " ".join(f"<span>{self.line(bound(line))}</span>" for line in notes)
        return f'<p class="note">{said}</p>' if notes else ""

    def _scroll(self, body: str, label: str, kind: str) -> str:
        """A region that scrolls by itself on a narrow screen, reachable by keyboard."""
        return (
            f'<div class="scroll {kind}" role="group" tabindex="0" '
            f'aria-label="{escape(clean(label))}">{body}</div>'
        )

    def table(self, item: Table) -> str:
        kinds = [' class="num"' if column.numeric else "" for column in item.columns]
        head = "".join(
            f'<th scope="col"{kind}>{self.line(column.head)}</th>'
            for kind, column in zip(kinds, item.columns, strict=True)
        )
        body = "".join(f"<tr>{self._row(row, kinds, item.head_column)}</tr>" for row in item.rows)
        name = self.id(f"table-{item.id}")
        caption = f'<p class="caption" id="{name}-caption">{self.line(item.caption)}</p>'
        table = (
            f'<table id="{name}" aria-labelledby="{name}-caption">'
            f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
        )
        region = self._scroll(table, f"{plain(item.caption)}: {self.words['scroll']}", "rows")
        return caption + region + self.notes(item.notes)

    def _row(self, row: Iterable[Line], kinds: list[str], head_column: bool) -> str:
        cells = []
        for index, (cell, kind) in enumerate(zip(row, kinds, strict=True)):
            tag, scope = ("th", ' scope="row"') if head_column and index == 0 else ("td", "")
            cells.append(f"<{tag}{scope}{kind}>{self.line(cell)}</{tag}>")
        return "".join(cells)

    def box(self, item: Box) -> str:
        name = self.id(f"box-{item.id}")
        badge = f' <span class="badge">{self.line(item.badge)}</span>' if item.badge else ""
        body = "".join(f"<p>{self.line(line)}</p>" for line in item.lines)
        if len(item.lines) > 4:
            body = f'<div class="many">{body}</div>'
        return (
            f'<section class="box {item.tone}" id="{name}" aria-labelledby="{name}-title">'
            f'<h2 id="{name}-title">{self.line(item.title)}{badge}</h2>{body}</section>'
        )

    def items(self, item: Items) -> str:
        name = self.id(f"items-{item.id}")
        rows = "".join(
            f"<div><dt>{self.line(term)}</dt><dd>{self.line(text)}</dd></div>"
            for term, text in item.items
        )
        return (
            f'<section class="items" id="{name}" aria-labelledby="{name}-title">'
            f'<h2 id="{name}-title">{self.line(item.title)}</h2><dl>{rows}</dl></section>'
        )
