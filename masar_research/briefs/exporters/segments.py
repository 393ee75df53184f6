"""Lines cut into pieces of one direction, so that a number never turns round in Arabic.

In a right-to-left paragraph ``-0.6`` is shown as ``0.6-`` and ``21.4%`` as ``%21.4``; a range
changes its ends. Each writer therefore isolates every numeral and every foreign stretch with
the means of its format; what has to be isolated is decided here, once.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from masar_research.briefs.document import Lang, Line, Run

Direction = Literal["ltr", "rtl"]

MANY = 4
_DIGITS = "0-9\u0660-\u0669\u06f0-\u06f9"
_ONE = (
    rf"(?:[+\-\u2212\u00b1<>~\u2248\u2264\u2265]\s?)*[{_DIGITS}]+"
    rf"(?:[.,:/\u066b\u066c][{_DIGITS}]+)*(?:\s?[%\u066a\u2030])?"
)
NUMERAL = re.compile(rf"{_ONE}(?:\s?[\-\u2013\u2212]\s?{_ONE})*\+?")
_CONTROLS = re.compile("[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\ufffe\uffff\ud800-\udfff]")
_EMBEDDINGS = re.compile("[\u202a-\u202e\u2066-\u2069]")
_LATIN = re.compile(
    "[A-Za-z\u00c0-\u024f](?:[^\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff]*[A-Za-z0-9\u00c0-\u024f/%+#])?"
)
_MARKED = re.compile("[*\u2020\u2021\u00a7\u2026] ")
_EDGES = re.compile(r"^([\s,.;:!?\u060c\u061b\u061f]*)(.*?)([\s,.;:!?\u060c\u061b\u061f]*)$", re.S)


@dataclass(frozen=True, slots=True)
class Segment:
    """A piece of a line.

    Attributes
    ----------
    text : str
        Logical order, without control characters and without bidirectional embeddings.
    direction : {"ltr", "rtl"} or None
        Direction to isolate the piece with; None lets it flow with its paragraph.
    numeral : bool
        The piece is a number, range or interval and must not be broken over two lines.
    run : Run
        The run it came from.
    """

    text: str
    direction: Direction | None
    numeral: bool
    run: Run


def clean(text: str) -> str:
    """Text without characters no page can show, and without foreign bidirectional embeddings.

    Whitespace collapses to single spaces as a browser would do it; joiners and direction
    marks stay. A label can therefore not reverse the text around it.

    Examples
    --------
    >>> clean("a\\x00b \\n c")
    'ab c'
    """
    text = _EMBEDDINGS.sub("", _CONTROLS.sub("", text))
    return re.sub(r"[ \t\r\n]+", " ", text)


def bound(note: Line) -> Line:
    """A note whose mark stays on the line of its first word.

    Examples
    --------
    >>> from masar_research.briefs.document import Run
    >>> bound((Run("* not shown"),))[0].text == "*\\u00a0not shown"
    True
    """
    if note and _MARKED.match(note[0].text):
        first = replace(note[0], text=note[0].text.replace(" ", "\u00a0", 1))
        return (first, *note[1:])
    return note


def joined(notes: Iterable[Line], gap: str) -> Line | None:
    """Notes as one line, a space and the gap between them; None if there are none.

    Examples
    --------
    >>> from masar_research.briefs.document import Run
    >>> "".join(run.text for run in joined(((Run("* a"),), (Run("b"),)), "\\u2003"))
    '*\\xa0a \\u2003b'
    """
    out: list[Run] = []
    for note in notes:
        out += [Run(f" {gap}"), *bound(note)] if out else bound(note)
    return tuple(out) or None


def together(texts: Sequence[Line]) -> Sequence[Line]:
    """Many short sentences as one paragraph, to save the rest of each line on paper."""
    line = joined(texts, "") if len(texts) > MANY else None
    return (line,) if line else texts


def segments(line: Line, lang: Lang) -> Iterator[Segment]:
    """Cut a line into pieces of one direction, in logical order.

    Parameters
    ----------
    line : Line
        Runs in logical order.
    lang : {"ar", "en"}
        Language of the paragraph; Arabic paragraphs run right to left.

    Yields
    ------
    Segment
        Their texts joined equal the cleaned runs joined.

    Examples
    --------
    >>> from masar_research.briefs.document import Run
    >>> [s.text for s in segments((Run("Ages 15\u201324 only"),), "en")]
    ['Ages ', '15\u201324', ' only']
    """
    for run in line:
        yield from _run_segments(run, lang)


def _pieces(text: str, base: Direction) -> Iterator[tuple[str, Direction | None]]:
    """Cut the Latin stretches out of Arabic text; other text stays whole."""
    start = 0
    for match in _LATIN.finditer(text) if base == "rtl" else ():
        begin, end = match.span()
        if text[begin:end].count("(") > text[begin:end].count(")") and text[end : end + 1] == ")":
            end += 1
        if begin > start:
            yield text[start:begin], None
        yield text[begin:end], "ltr"
        start = end
    if start < len(text):
        yield text[start:], None


def _run_segments(run: Run, lang: Lang) -> Iterator[Segment]:
    text = clean(run.text)
    base: Direction = "rtl" if lang == "ar" else "ltr"
    own = _direction(text, base)
    if own is None or (own == base and _has_letters(text)):
        for piece, direction in _pieces(text, base):
            if direction:
                yield Segment(piece, direction, False, run)
            else:
                yield from _numerals(piece, run)
        return
    lead, core, tail = _EDGES.match(text).groups()
    if lead:
        yield Segment(lead, None, False, run)
    if NUMERAL.fullmatch(core) or (not _has_letters(core) and len(core) <= 32):
        yield Segment(core, "ltr", True, run)
    else:
        yield Segment(core, own, False, run)
    if tail:
        yield Segment(tail, None, False, run)


def _numerals(text: str, run: Run) -> Iterator[Segment]:
    start = 0
    for match in NUMERAL.finditer(text):
        begin, end = match.span()
        if _inside_word(text, begin, end):
            continue
        if begin > start:
            yield Segment(text[start:begin], None, False, run)
        yield Segment(text[begin:end], "ltr", True, run)
        start = end
    if start < len(text):
        yield Segment(text[start:], None, False, run)


def _inside_word(text: str, begin: int, end: int) -> bool:
    """A digit glued to Latin letters ("q303", "v1.2") belongs to its word."""
    before = text[begin - 1] if begin else " "
    after = text[end] if end < len(text) else " "
    return any(c.isalpha() and unicodedata.bidirectional(c) == "L" for c in (before, after))


def _has_letters(text: str) -> bool:
    return any(unicodedata.bidirectional(c) in ("L", "R", "AL") for c in text)


def _direction(text: str, base: Direction) -> Direction | None:
    """Direction of the text by its letters; mixed text keeps the base, digits go left to right."""
    kinds = {unicodedata.bidirectional(c) for c in text}
    letters: set[Direction] = set()
    if kinds & {"R", "AL"}:
        letters.add("rtl")
    if "L" in kinds:
        letters.add("ltr")
    if letters:
        return base if base in letters else letters.pop()
    return "ltr" if kinds & {"EN", "AN"} else None
