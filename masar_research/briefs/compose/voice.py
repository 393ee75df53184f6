"""One language of a brief: references become runs of text, each entered in the ledger."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from typing import Any

from masar_research.briefs import facts as published
from masar_research.briefs.blocks import Header
from masar_research.briefs.compose import shown
from masar_research.briefs.compose.describe import cell_entry
from masar_research.briefs.document import Lang, Line, Run, Source
from masar_research.briefs.gate import Cell, Gated
from masar_research.briefs.ledger import Entry, Ledger
from masar_research.briefs.refs import (
    CellRef,
    DateRef,
    FactRef,
    GateRef,
    LabelRef,
    ParameterRef,
    QuestionRef,
    SurveyRef,
    VersionRef,
    identity,
)
from masar_research.briefs.words import read_spec
from masar_research.errors import BriefError
from masar_research.present import numbers
from masar_research.release import together
from masar_research.release import words as release_words

MARK = "*"
_NUMBER = re.compile(r"[+−±-]?\d(?:[\d.,٫٬]*\d)?(?:\s?[%٪])?(?:–\d(?:[\d.,]*\d)?%?)?")


@dataclass(frozen=True, slots=True)
class Voice:
    """What is needed to say a reference in one language.

    Attributes
    ----------
    lang : {"en", "ar"}
    header : Header
    gated : Gated
        Every cell after the release gate.
    ledger : Ledger
        Where what is said is entered.
    """

    lang: Lang
    header: Header
    gated: Gated
    ledger: Ledger

    # --- cells -------------------------------------------------------------------------

    def cell(self, ref: CellRef) -> Cell:
        return self.gated[ref]

    def hidden(self, ref: CellRef) -> bool:
        return self.gated[ref].hidden

    def reason(self, ref: CellRef) -> str:
        """Why a cell is suppressed, in words without digits."""
        return release_words(self.gated[ref].reason, self.lang)

    def entry(self, ref: Any) -> Entry:
        """The ledger's entry of a reference."""
        if isinstance(ref, CellRef):
            cell = self.gated[ref]
            return self.ledger.enter(identity(ref), "cell", *cell_entry(cell, self.header))
        return self.ledger.enter(identity(ref), ref.kind, _described(ref))

    def text(self, ref: CellRef, spec: str, place: str) -> str:
        """A cell as a bare string (for charts); the mark when it is suppressed."""
        return "".join(run.text for run in self.runs(ref, spec, place))

    # --- any reference -----------------------------------------------------------------

    def runs(self, ref: Any, spec: str, place: str, strong: bool = False) -> Line:
        """A reference as runs: the numerals apart from the words around them."""
        entry = self.entry(ref)
        match ref:
            case CellRef():
                return self._cell(ref, spec, entry, place, strong)
            case LabelRef():
                return (self._whole(getattr(ref, self.lang), "label", "label", entry, place, strong),)
            case QuestionRef():
                return (self._whole(getattr(ref, self.lang), "question", "question", entry, place, strong),)
            case VersionRef():
                return (self._whole(ref.text, "version", "version", entry, place, strong),)
            case ParameterRef():
                return self._parameter(ref, spec, entry, place, strong)
            case SurveyRef():
                way, text = shown.plain(ref.value, spec or "number", self.lang)
                return self._split(text, way, "fact", entry, place, strong)
            case GateRef():
                return self._gate(ref, entry, place, strong)
            case FactRef():
                return self._fact(ref, spec, entry, place, strong)
            case DateRef():
                way, text = _date(ref, spec, self.lang)
                return self._split(text, way, "date", entry, place, strong)
        raise TypeError(f"not a reference: {ref!r}")

    def known(self, ref: Any, way: str, text: str, place: str) -> Line:
        """A reference whose text a sentence rule has already made."""
        source: Source = "cell" if isinstance(ref, CellRef) else "date" if isinstance(ref, DateRef) else "parameter"
        return self._split(text, way, source, self.entry(ref), place, strong=False)

    def _cell(self, ref: CellRef, spec: str, entry: Entry, place: str, strong: bool) -> Line:
        cell = self.gated[ref]
        way = shown.way(spec, cell.block.unit)
        if cell.hidden:
            self.ledger.show(entry, self.lang, way, MARK, place)
            return (Run(MARK, "cell", entry.address, strong),)
        text = shown.cell(cell, spec, self.lang)
        return self._split(text, way, "cell", entry, place, strong)

    def _parameter(self, ref: ParameterRef, spec: str, entry: Entry, place: str, strong: bool) -> Line:
        if isinstance(ref.value, str):
            return (self._whole(ref.value, "value", "parameter", entry, place, strong),)
        way, text = shown.plain(ref.value, spec or ("year" if ref.name == "wave" else "number"), self.lang)
        return self._split(text, way, "parameter", entry, place, strong)

    def _gate(self, ref: GateRef, entry: Entry, place: str, strong: bool) -> Line:
        cells = [cell for (name, _), cell in self.gated.cells.items() if name in ref.sets]
        hidden = [cell for cell in cells if cell.hidden]
        if ref.told == "reasons":
            words = together([cell.reason for cell in hidden], self.lang)
            self.ledger.show(entry, self.lang, "words", words, place)
            return (Run(words, "words", entry.address, strong),)
        count = {"computed": len(cells), "shown": len(cells) - len(hidden), "withheld": len(hidden)}[ref.told]
        way, text = shown.plain(count, "number", self.lang)
        return self._split(text, way, "fact", entry, place, strong)

    def _fact(self, ref: FactRef, spec: str, entry: Entry, place: str, strong: bool) -> Line:
        fact = published.fact(ref.id)
        if read_spec(spec)[0] == "year" if spec else False:
            return (self._whole(fact.period, "period", "fact", entry, place, strong),)
        if fact.unit == "%":
            way, text = shown.plain(fact.value / 100, "percent", self.lang)
        else:
            way, text = shown.plain(fact.value, spec or "number", self.lang)
        return self._split(text, way, "fact", entry, place, strong)

    # --- runs --------------------------------------------------------------------------

    def _whole(self, text: str, way: str, source: Source, entry: Entry, place: str, strong: bool) -> Run:
        self.ledger.show(entry, self.lang, way, text, place)
        return Run(text, source, entry.address, strong)

    def _split(self, text: str, way: str, source: Source, entry: Entry, place: str, strong: bool) -> Line:
        """Numerals as runs of their own; the words between them stay words with the address."""
        self.ledger.show(entry, self.lang, way, text, place)
        runs, end = [], 0
        for found in _NUMBER.finditer(text):
            if found.start() > end:
                runs.append(Run(text[end : found.start()], "words", entry.address, strong))
            runs.append(Run(found.group(), source, entry.address, strong))
            end = found.end()
        if end < len(text):
            runs.append(Run(text[end:], "words", entry.address, strong))
        return tuple(runs)


def _described(ref: Any) -> dict[str, Any]:
    match ref:
        case ParameterRef():
            return {"name": ref.name, "value": ref.value, "source": ref.source}
        case SurveyRef():
            return {"name": ref.name, "source": "computed from the survey when it was loaded"}
        case GateRef():
            return {"sets": list(ref.sets), "source": "the release gate"}
        case LabelRef() | QuestionRef() | DateRef():
            return {"source": ref.source}
        case VersionRef():
            return {"source": "the code that made the brief"}
        case FactRef():
            fact = published.fact(ref.id)
            return {
                "fact": fact.id, "indicator": fact.indicator, "geography": fact.geography,
                "population": fact.population, "period": fact.period, "source": fact.source,
                "url": fact.url,
            }  # fmt: skip
    raise TypeError(f"not a reference: {ref!r}")


def _date(ref: DateRef, spec: str, lang: Lang) -> tuple[str, str]:
    first = dt.date.fromisoformat(ref.start)
    last = dt.date.fromisoformat(ref.end) if ref.end else first
    name = read_spec(spec)[0] if spec else "date"
    match name:
        case "year":
            return "year", numbers.year_range(first.year, last.year)
        case "month":
            return "month", numbers.month(first, lang)
        case "date":
            return "date", numbers.date_range(first, last, lang) if ref.end else numbers.date(first, lang)
    raise BriefError(f"A date cannot be shown as {name!r}.", remedy="Use date, month or year.")
