"""Sentences of a brief as lines: templates filled, rules spoken, what is hidden said so."""

from __future__ import annotations

import re
import string
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from masar_research.briefs.compose import shown
from masar_research.briefs.compose.voice import Voice
from masar_research.briefs.document import Line, Run
from masar_research.briefs.refs import CellRef, LabelRef, ParameterRef, QuestionRef
from masar_research.briefs.words import Change, Choice, Gap, Level, Phrase, Text
from masar_research.errors import BriefError
from masar_research.present import sentences
from masar_research.present.pieces import Phrase as Spoken
from masar_research.present.pieces import Piece
from masar_research.release import MODEL_BASED
from masar_research.release import words as release_words

ENDS = (".", "؟", "?", "!", ":", "…")
_HIDDEN = {
    "en": ("This figure cannot be shown. ", "."),
    "ar": ("لا يمكن عرض هذا الرقم. ", "."),
}
SinglePlaces = Mapping[str, tuple[Any, str]]


def say(voice: Voice, sentence: Any, place: str) -> Line:
    """A sentence in the voice's language.

    A sentence that refers to a suppressed cell gives way to its `otherwise`, or to "This
    figure cannot be shown" with the reason. One with a model-based figure says so at its end.
    """
    return _marked(voice, sentence, _said(voice, sentence, place))


def _said(voice: Voice, sentence: Any, place: str) -> Line:
    match sentence:
        case LabelRef() | QuestionRef():
            return voice.runs(sentence, "", place)
        case Text():
            return _text(voice, sentence, place)
        case Choice():
            return _choice(voice, sentence, place)
        case Level():
            return _level(voice, sentence, place)
        case Gap():
            return _gap(voice, sentence, place)
        case Change():
            return _change(voice, sentence, place)
    raise TypeError(f"not a sentence: {sentence!r}")


def paragraph(voice: Voice, several: Iterable[Any], place: str) -> Line:
    """Sentences one after another, each ended with a full stop."""
    line: list[Run] = []
    for sentence in several:
        said = say(voice, sentence, place)
        if line:
            line.append(Run(" "))
        line.extend(ended(said))
    return tuple(line)


def ended(line: Line) -> Line:
    """The line with a full stop, unless it has an end of its own."""
    if not line or line[-1].text.rstrip().endswith(ENDS):
        return line
    return (*line, Run("."))


def unended(line: Line) -> Line:
    """The line without its full stop, to stand inside another sentence."""
    if not line or not line[-1].text.endswith("."):
        return line
    return (*line[:-1], replace(line[-1], text=line[-1].text.removesuffix(".")))


def detectable(voice: Voice, test: CellRef, alpha: float) -> int:
    """The sign of a difference whose own test rejects zero; 0 when it does not.

    Raises
    ------
    BriefError
        The cell is not a difference and carries no p-value.
    """
    row = voice.cell(test).row
    if row.p_value is None or row.estimate is None:
        raise BriefError(
            f"{voice.cell(test).address} has no test, so no verb can be chosen by it.",
            remedy="Use a difference made by .contrast(), which carries its p-value.",
        )
    if row.p_value >= alpha:
        return 0
    return 1 if row.estimate > 0 else -1


def _marked(voice: Voice, sentence: Any, line: Line) -> Line:
    """The line with "(model-based estimate)" where it shows a figure that a model made."""
    shown = {run.ref for run in line if run.source == "cell"}
    speaks = {
        voice.cell(ref).note
        for ref in cells_of(sentence)
        if not voice.hidden(ref) and (not shown or voice.entry(ref).address in shown)
    }
    notes = sorted(speaks & MODEL_BASED)
    text = "".join(run.text for run in line).lower()
    if not notes or ("نموذج" if voice.lang == "ar" else "model-based") in text:
        return line
    words = release_words(notes[0] if len(notes) == 1 else "model_based", voice.lang)
    words = words if voice.lang == "ar" else words[0].lower() + words[1:]
    inner = unended(line)
    return (*inner, Run(f" ({words})"), *((Run("."),) if inner != line else ()))


def cells_of(sentence: Any) -> Iterator[CellRef]:
    """Every cell a sentence refers to, its alternatives for hidden cells left out."""
    match sentence:
        case CellRef():
            yield sentence
        case Text():
            for ref in (*sentence.values.values(), *sentence.needs):
                yield from cells_of(ref)
        case Level() | Gap() | Change() | Choice():
            for name in type(sentence).model_fields:
                if name not in ("otherwise", "suppressed"):
                    yield from cells_of(getattr(sentence, name))


# --- templates -------------------------------------------------------------------------


def _text(voice: Voice, text: Text, place: str) -> Line:
    cells = [*(ref for ref in text.values.values() if isinstance(ref, CellRef)), *text.needs]
    if any(voice.hidden(ref) for ref in cells):
        return _otherwise(voice, text.otherwise, cells, place)
    line: list[Run] = []
    for words, name, spec, _ in string.Formatter().parse(getattr(text, voice.lang)):
        if words:
            line.append(Run(words))
        if name:
            line.extend(voice.runs(text.values[name], spec or "", place))
    return tuple(line)


def _otherwise(voice: Voice, otherwise: Text | None, cells: Iterable[CellRef], place: str) -> Line:
    hidden = [ref for ref in cells if voice.hidden(ref)]
    for ref in hidden:
        voice.runs(ref, "", place)
    if otherwise is not None:
        return _text(voice, otherwise, place)
    before, after = _HIDDEN[voice.lang]
    address = voice.entry(hidden[0]).address
    return (Run(before), Run(voice.reason(hidden[0]), "words", address), Run(after))


def _choice(voice: Voice, choice: Choice, place: str) -> Line:
    if voice.hidden(choice.test):
        return _text(voice, choice.suppressed, place)
    chosen = {1: choice.rising, -1: choice.falling, 0: choice.flat}
    return _text(voice, chosen[detectable(voice, choice.test, choice.alpha)], place)


# --- rules -----------------------------------------------------------------------------


def _level(voice: Voice, rule: Level, place: str) -> Line:
    if voice.hidden(rule.cell):
        return _otherwise(voice, rule.otherwise, [rule.cell], place)
    cell = voice.cell(rule.cell)
    row, unit = cell.row, shown.INTERVAL_UNITS[cell.block.unit]
    pieces = sentences.level(
        _spoken(rule.subject), row.estimate, voice.lang,
        low=row.conf_low if rule.interval else None,
        high=row.conf_high if rule.interval else None,
        n=row.n if rule.n else None,
        confidence=cell.block.level,
        among=_spoken(rule.among) if rule.among else None,
        caution=cell.note in ("caution", "approved"),
        unit=unit,
    )  # fmt: skip
    slots = {
        "value": (rule.cell, shown.way("", cell.block.unit)),
        "low": (rule.cell, "interval low"),
        "high": (rule.cell, "interval high"),
        "n": (rule.cell, "n"),
        "confidence": (_confidence(cell.block.level), "percent"),
    }
    return _spell(voice, pieces, slots, place)


def _gap(voice: Voice, rule: Gap, place: str) -> Line:
    cells = [rule.test, rule.first, rule.second]
    if any(voice.hidden(ref) for ref in cells):
        return _otherwise(voice, rule.otherwise, cells, place)
    _sides(voice, rule.test, (rule.first, rule.second))
    test = voice.cell(rule.test)
    pieces = sentences.gap(
        _spoken(rule.subject), _spoken(rule.first_label), _spoken(rule.second_label),
        voice.cell(rule.first).row.estimate, voice.cell(rule.second).row.estimate,
        test.row.estimate, voice.lang,
        detectable=detectable(voice, rule.test, rule.alpha) != 0,
        low=test.row.conf_low if rule.interval else None,
        high=test.row.conf_high if rule.interval else None,
        confidence=test.block.level,
        caution=test.note in ("caution", "approved"),
    )  # fmt: skip
    slots = {
        "first": (rule.first, "percent"),
        "second": (rule.second, "percent"),
        "gap": (rule.test, "size,oblique"),
        "low": (rule.test, "size low"),
        "high": (rule.test, "size high"),
        "confidence": (_confidence(test.block.level), "percent"),
    }
    return _spell(voice, pieces, slots, place)


def _change(voice: Voice, rule: Change, place: str) -> Line:
    cells = [rule.test, rule.now, rule.before]
    if any(voice.hidden(ref) for ref in cells):
        return _otherwise(voice, rule.otherwise, cells, place)
    _sides(voice, rule.test, (rule.now, rule.before))
    test = voice.cell(rule.test)
    earlier = _year(rule.since)
    since = "".join(run.text for run in voice.runs(earlier, "year", place))
    pieces = sentences.change(
        _spoken(rule.subject), test.row.estimate, voice.lang,
        detectable=detectable(voice, rule.test, rule.alpha) != 0,
        since=Spoken(en=since, ar=since, slot="since"),
        before=voice.cell(rule.before).row.estimate if rule.levels else None,
        after=voice.cell(rule.now).row.estimate if rule.levels else None,
        low=test.row.conf_low if rule.interval else None,
        high=test.row.conf_high if rule.interval else None,
        confidence=test.block.level,
        caution=test.note in ("caution", "approved"),
    )  # fmt: skip
    slots = {
        "change": (rule.test, "size,oblique"),
        "since": (earlier, "year"),
        "before": (rule.before, "percent"),
        "after": (rule.now, "percent"),
        "low": (rule.test, "interval low"),
        "high": (rule.test, "interval high"),
        "confidence": (_confidence(test.block.level), "percent"),
    }
    return _spell(voice, pieces, slots, place)


def _sides(voice: Voice, test: CellRef, wanted: tuple[CellRef, CellRef]) -> None:
    cell = voice.cell(test)
    sides = {(side.set, side.row) for side in cell.row.sides}
    first, second = (voice.cell(ref).row.estimate for ref in wanted)
    right_sides = sides == {(ref.set, ref.row) for ref in wanted}
    difference = cell.row.estimate
    agrees = None not in (first, second, difference) and abs((first - second) - difference) < 1e-9
    if not right_sides or not agrees:
        raise BriefError(
            f"{cell.address} is not {wanted[0]!r} minus {wanted[1]!r}.",
            remedy="Give the two sides of that very contrast, in its order.",
        )


def _year(since: Any) -> Any:
    """A wave's label as its year, since «منذ عام» / "since" stands before it."""
    if isinstance(since, LabelRef) and (found := re.fullmatch(r"wave=(\d{4})", since.source)):
        return wave_ref(int(found[1]))
    return since


def wave_ref(wave: int | str) -> ParameterRef:
    """A wave as a reference."""
    return ParameterRef(name=f"wave {wave}", value=wave, source="survey card: waves")


def _confidence(level: float) -> ParameterRef:
    return ParameterRef(name=f"confidence level {level:g}", value=level, source="confidence level of the intervals")


def _spoken(phrase: Phrase) -> Spoken:
    return Spoken(en=phrase.en, ar=phrase.ar, gender=phrase.gender, number=phrase.number)


def _spell(voice: Voice, pieces: Iterable[Piece], slots: SinglePlaces, place: str) -> Line:
    return tuple(run for piece in pieces for run in _runs(voice, piece, slots, place))


def _runs(voice: Voice, piece: Piece, slots: SinglePlaces, place: str) -> Iterator[Run]:
    if piece.slot is None:
        yield Run(piece.text)
        return
    ref, way = slots[piece.slot]
    yield from voice.known(ref, way, piece.text, place)
