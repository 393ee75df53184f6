"""House rules every composed page obeys, whatever its template says."""

from __future__ import annotations

from masar_research.briefs.document import Document, Figure, Lang, Line, lines, plain
from masar_research.errors import BriefError
from masar_research.present import lint

TITLE_WORDS = 14


def check(document: Document) -> None:
    """Refuse an untraced numeral, a rate that "fell 0.9 %", an over-long title, an empty line.

    Raises
    ------
    BriefError
        Naming the language, the place and the words.
    """
    title = plain(document.title)
    if len(title.split()) > TITLE_WORDS:
        raise BriefError(
            f"The {document.lang} title has {len(title.split())} words; a finding takes at most {TITLE_WORDS}: {title!r}.",
            remedy="Shorten it to the finding.",
        )
    for place, line in lines(document):
        for run in line:
            found = lint.numerals(run.text) if run.source == "words" else []
            if found:
                raise BriefError(
                    f"The number {found[0]!r} at {place} of the {document.lang} brief has no origin: {run.text!r}.",
                    remedy="Refer to a cell, fact, parameter, date, question or label instead.",
                    ar=f"الرقم {found[0]} بلا مصدر في {place}.",
                )
        wrong = lint.percent_after_change(_own_words(line), document.lang)
        if wrong:
            raise BriefError(
                f"A change of a rate is in percentage points, not percent ({place}, {document.lang}): {wrong[0]!r}.",
                remedy="Show the change with {x:points} or {x:size}.",
                ar="التغير في معدل يُذكر بالنقاط المئوية لا بالنسبة المئوية.",
            )
    for element in document.elements:
        if isinstance(element, Figure) and not plain(element.alt).strip():
            raise BriefError(
                f"The figure {element.id!r} has no alternative text in {document.lang!r}.",
                remedy="Pass alt=Text(en=..., ar=...).",
            )


def _own_words(line: Line) -> str:
    """The line without texts that are quoted from elsewhere."""
    return "".join(run.text if run.source not in ("label", "question") else " … " for run in line)


def one_number(sentence: Line, lang: Lang) -> None:
    """A key message holds one figure of the survey, so that it is remembered."""
    shown = [run.text for run in sentence if run.source == "cell"]
    if len(shown) > 1:
        raise BriefError(
            f"A key message holds {len(shown)} figures ({', '.join(shown)}): {plain(sentence)!r} ({lang}).",
            remedy="Keep one figure per message; Level(..., interval=False) and Change(..., levels=False) do so.",
        )
