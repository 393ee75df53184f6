"""Tables of a brief, and the data tables behind its figures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from masar_research.briefs.blocks import FigureBlock, Shown, TableBlock
from masar_research.briefs.compose.saying import paragraph, say
from masar_research.briefs.compose.voice import MARK, Voice
from masar_research.briefs.document import Column, Line, Run, Table
from masar_research.briefs.refs import CellRef
from masar_research.briefs.words import Text
from masar_research.release import MODEL_BASED, together
from masar_research.release import words as release_words

_HEADS = {
    "group": ("Group", "الفئة"),
    "series": ("Among", "لدى"),
    "value": ("Estimate", "التقدير"),
    "interval": ("Confidence interval", "فترة الثقة"),
    "n": ("Interviews", "عدد المقابلات"),
}
_ALL = {
    "en": "Every figure here is a model-based estimate.", "ar": "كل رقم هنا تقدير قائم على نموذج إحصائي.",
}  # fmt: skip


def table(voice: Voice, block: TableBlock) -> Table:
    """An authored table."""
    place = f"table:{block.id}"
    heads = [
        Column(say(voice, head, place), numeric=any(isinstance(row[number], Shown) for row in block.rows))
        for number, head in enumerate(block.columns)
    ]
    rows = tuple(tuple(_cell(voice, entry, place) for entry in row) for row in block.rows)
    cells = [entry.cell for row in block.rows for entry in row if isinstance(entry, Shown)]
    notes = (
        *(paragraph(voice, [note], place) for note in block.notes),
        *gate_notes(voice, cells),
    )
    return Table(block.id, say(voice, block.caption, place), tuple(heads), rows, notes)


def _cell(voice: Voice, entry: Any, place: str) -> Line:
    if isinstance(entry, Shown):
        return voice.runs(entry.cell, entry.spec, place)
    return say(voice, entry, place)


def figure_data(voice: Voice, block: FigureBlock, caption: Line) -> Table:
    """The same figures as a table, in the order drawn."""
    place = f"data:{block.id}"
    grouped = any(row.group is not None for row in block.rows)
    several = any(row.series is not None for row in block.rows)
    names = ["group", *(["series"] if several else []), "value", "interval", "n"]
    columns = tuple(
        Column(say(voice, Text(en=_HEADS[name][0], ar=_HEADS[name][1]), place), numeric=name in ("value", "interval", "n"))
        for name in names
    )
    rows = []
    for row in block.rows:
        label: Line = say(voice, row.label, place)
        if grouped and row.group is not None:
            label = (*say(voice, row.group, place), Run(": "), *label)
        series = (say(voice, row.series, place) if row.series is not None else (),) if several else ()
        rows.append((label, *series, *_statistics(voice, row.cell, place)))
    return Table(block.id, caption, columns, tuple(rows), gate_notes(voice, [row.cell for row in block.rows if row.cell]))


def _statistics(voice: Voice, ref: CellRef | None, place: str) -> tuple[Line, Line, Line]:
    if ref is None:
        words = Text(en="reference", ar="فئة المقارنة")
        return say(voice, words, place), (), ()
    value = voice.runs(ref, "", place)
    if voice.hidden(ref):
        return value, (Run(MARK, "cell", voice.entry(ref).address),), (Run(MARK, "cell", voice.entry(ref).address),)
    row = voice.cell(ref).row
    interval = voice.runs(ref, "range", place) if row.conf_low is not None and row.conf_high is not None else ()
    n = voice.runs(ref, "n", place) if row.n is not None else ()
    return value, interval, n


def gate_notes(voice: Voice, cells: Sequence[CellRef], marked: bool = True) -> tuple[Line, ...]:
    """One line on what is not shown and why, one for each kind of care to be taken.

    A table marks what it hides with an asterisk; a drawing says so in words.
    """
    lines: list[Line] = []
    reasons = dict.fromkeys(voice.cell(ref).reason for ref in cells if voice.hidden(ref))
    if reasons:
        words = together([str(reason) for reason in reasons], voice.lang)
        lines.append((Run(f"{MARK} {words}." if marked else f"{words}."),))
    notes = dict.fromkeys(note for ref in cells if (note := voice.cell(ref).note) and not voice.hidden(ref))
    shown = [ref for ref in cells if not voice.hidden(ref)]
    if shown and all(voice.cell(ref).note in MODEL_BASED for ref in shown):
        lines.append((Run(_ALL[voice.lang]),))
        notes.pop("model_based", None)
    for note in notes:
        lines.append((Run(f"{release_words(note, voice.lang)}: "), *_noted(voice, cells, note), Run(".")))
    return tuple(lines)


def _noted(voice: Voice, cells: Sequence[CellRef], note: str) -> Line:
    """The values a note is about, so that the reader knows which."""
    line: list[Run] = []
    for ref in dict.fromkeys(cells):
        if voice.cell(ref).note == note and not voice.hidden(ref):
            if line:
                line.append(Run("، " if voice.lang == "ar" else ", "))
            line.extend(voice.runs(ref, "", "notes"))
    return tuple(line)


