"""HTML previews of blocks for JupyterLab: working pictures of the office, before the gate."""

from __future__ import annotations

import html
import string
from collections.abc import Mapping
from typing import Any

from masar_research.briefs.blocks import (
    Block,
    BoxBlock,
    EstimatesBlock,
    EvidenceBlock,
    FigureBlock,
    FixedBlock,
    Header,
    HeadingBlock,
    MessageBlock,
    ParagraphBlock,
    SourcesBlock,
    TableBlock,
    TitleBlock,
)
from masar_research.briefs.handles import Handle
from masar_research.briefs.refs import CellRef, DateRef, FactRef, VersionRef
from masar_research.briefs.words import Change, Choice, Gap, Level, Text

Sets = Mapping[str, Handle]
_STYLE = (
    "font-family:system-ui,sans-serif;border-inline-start:3px solid #2a6f97;padding:.4em .9em;"
    "margin:.3em 0;max-width:62em"
)


def preview(block: Block, sets: Sets) -> str:
    """Both languages of a block, figures rounded and not yet judged by the release gate."""
    match block:
        case Header():
            body = _pair(f"{block.study} · {block.parameters}", block.geography.ar)
        case EstimatesBlock():
            body = f"<b>{html.escape(block.id)}</b> {html.escape(block.estimator)}" + _rows(block)
        case TitleBlock():
            body = _pair(*_both(block.title, sets), size="1.3em")
        case MessageBlock():
            body = _pair(*_both(block.sentence, sets))
        case ParagraphBlock() | BoxBlock():
            body = "".join(_pair(*_both(sentence, sets)) for sentence in block.sentences)
        case HeadingBlock():
            body = _pair(*_both(block.text, sets), size="1.15em")
        case FigureBlock():
            body = f"<i>{block.drawing}: {html.escape(block.id)}, {len(block.rows)} rows</i>" + _pair(
                *_both(block.title, sets)
            )
        case TableBlock():
            body = f"<i>table: {html.escape(block.id)}, {len(block.rows)} rows</i>" + _pair(
                *_both(block.caption, sets)
            )
        case SourcesBlock():
            body = "<br>".join(html.escape(f"{wave}: {text}") for wave, text in block.checksums.items())
        case EvidenceBlock():
            body = f"<i>strength of evidence, from {html.escape(block.start)}</i>"
        case FixedBlock():
            body = f"<i>{html.escape(block.passage)}</i>"
        case _:
            body = html.escape(type(block).__name__)
    return f'<div style="{_STYLE}">{body}</div>'


def _pair(en: str, ar: str, size: str = "1em") -> str:
    return (
        f'<div dir="ltr" lang="en" style="font-size:{size}">{html.escape(en)}</div>'
        f'<div dir="rtl" lang="ar" style="font-size:{size}">{html.escape(ar)}</div>'
    )


def _rows(block: EstimatesBlock) -> str:
    lines = []
    for row in block.rows[:40]:
        key = ", ".join(f"{name}={value}" for name, value in row.key.items()) or row.variable
        cells = (row.estimate, row.conf_low, row.conf_high)
        figures = "".join(f"<td>{_figure(value, block.unit)}</td>" for value in cells)
        lines.append(f"<tr><td>{html.escape(key)}</td>{figures}<td>{row.n}</td></tr>")
    more = f"<caption>{len(block.rows)} rows</caption>" if len(block.rows) > 40 else ""
    head = "<tr><th></th><th>estimate</th><th>low</th><th>high</th><th>n</th></tr>"
    return f"<table>{more}{head}{''.join(lines)}</table>"


def _figure(value: float | None, unit: str) -> str:
    if value is None:
        return "–"
    return f"{value:.1%}" if unit == "share" else f"{value:+.3f}" if unit == "points" else f"{value:,.2f}"


def _both(sentence: Any, sets: Sets) -> tuple[str, str]:
    match sentence:
        case Text():
            return _fill(sentence.en, sentence, "en", sets), _fill(sentence.ar, sentence, "ar", sets)
        case Choice():
            ways = (sentence.rising, sentence.falling, sentence.flat)
            pairs = [_both(way, sets) for way in ways]
            return " / ".join(en for en, _ in pairs), " / ".join(ar for _, ar in pairs)
        case Level() | Gap() | Change():
            return f"[{sentence.rule}] {sentence.subject.en}", f"[{sentence.rule}] {sentence.subject.ar}"
    return "", ""


def _fill(template: str, text: Text, lang: str, sets: Sets) -> str:
    parts = []
    for words, name, _, _ in string.Formatter().parse(template):
        parts.append(words)
        if name:
            parts.append(_value(text.values[name], lang, sets))
    return "".join(parts)


def _value(ref: Any, lang: str, sets: Sets) -> str:
    match ref:
        case CellRef() if ref.set in sets:
            block = sets[ref.set].block
            return _figure(block.rows[ref.row].estimate, block.unit)
        case FactRef():
            return ref.id
        case DateRef():
            return ref.start
        case VersionRef():
            return ref.text
    return str(getattr(ref, lang, getattr(ref, "value", ref)))
