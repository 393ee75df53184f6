"""Pictures of weights: how they are distributed, and how far shares stand from their targets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from masar_research.errors import ParameterError
from masar_research.present import theme
from masar_research.present.art import Art
from masar_research.present.canvas import Canvas, house_settings, line_height, measure, wrap
from masar_research.present.charts import parts
from masar_research.present.direction import Lang
from masar_research.present.scale import ticks

_BEFORE, _AFTER = "#8a6100", theme.TEAL
_ROW = 5.0
_FOOT = 6.0
_WORDS = {
    "before": {"en": "before weighting", "ar": "قبل الترجيح"},
    "after": {"en": "after weighting", "ar": "بعد الترجيح"},
    "distance": {"en": "standardised difference from the target", "ar": "الفرق المعياري عن الهدف"},
    "limit": {"en": "dashed: 0.1", "ar": "الخط المتقطع: 0.1"},
    "weight": {"en": "weight, mean = 1", "ar": "الوزن، والمتوسط = 1"},
    "share": {"en": "share of interviews", "ar": "نسبة المقابلات"},
}


@dataclass(frozen=True, slots=True)
class Distance:
    """A category and its absolute standardised difference before and after weighting."""

    label: str
    before: float
    after: float


@house_settings()
def love(rows: Sequence[Distance], lang: Lang, *, width: float = theme.FULL_WIDTH) -> Art:
    """Draw a love plot: distance from the target of every category, before and after.

    Parameters
    ----------
    rows : sequence of Distance
        In the order they are drawn.
    lang : {"ar", "en"}
        Arabic is mirrored.
    width : float
        Millimetres.

    Examples
    --------
    >>> "0.1" in " ".join(love([Distance("Women", 0.21, 0.0)], "en").texts)
    True
    """
    if not rows:
        raise ParameterError("A chart needs at least one row; found none.", remedy="Pass rows.")
    room = min(max(measure(row.label, lang, theme.TEXT) for row in rows), 0.42 * width)
    lines = [wrap(row.label, room, lang, theme.TEXT) for row in rows]
    tall = [max(_ROW, len(each) * line_height(theme.TEXT) + 1.2) for each in lines]
    high = max(0.12, *(max(row.before, row.after) for row in rows))
    marks = ticks(0.0, high, 5 if width > 120 else 3)
    axis = parts.Axis(0.0, max(marks[-1], high), room + 5.0, width - 3.0)
    scratch = Canvas(1, 1, lang)
    head = parts.key_height(parts.key_lines(width, lang, _key(scratch, lang)))
    bottom = head + sum(tall)
    canvas = Canvas(width, bottom + _FOOT, lang)
    parts.draw_key(canvas, parts.key_lines(width, lang, _key(canvas, lang)), 0)
    parts.axis_ticks(canvas, axis, marks, [(head, bottom)], "number")
    canvas.line((axis.at(0.0), head), (axis.at(0.0), bottom), colour=theme.INK, weight=0.9)
    canvas.line((axis.at(0.1), head), (axis.at(0.1), bottom), colour=theme.MUTED, weight=0.8, dashed=True)
    y = head
    for row, words, height in zip(rows, lines, tall, strict=True):
        middle = y + height / 2
        parts.row_label(canvas, words, middle)
        canvas.line((axis.at(row.before), middle), (axis.at(row.after), middle), colour=theme.LINE, weight=1.2)
        canvas.dot(axis.at(row.before), middle, "s", _BEFORE, hollow=True, size=4.8)
        canvas.dot(axis.at(row.after), middle, "o", _AFTER, size=4.8)
        y += height
    return canvas.finish()


@house_settings()
def histogram(
    edges: Sequence[float], before: Sequence[float], after: Sequence[float], lang: Lang, *,
    width: float = theme.FULL_WIDTH,
) -> Art:  # fmt: skip
    """Draw how weights are distributed: bars after weighting, outline before.

    Parameters
    ----------
    edges : (k+1,) numbers
        Limits of the classes, in units of the mean weight.
    before, after : (k,) fractions
        Share of interviews in each class.
    lang, width
        As in `love`.

    Examples
    --------
    >>> "40%" in histogram([0, 1, 2], [0.5, 0.5], [0.62, 0.38], "en").scale
    True
    """
    if len(edges) != len(before) + 1 or len(before) != len(after) or not len(before):
        raise ParameterError(
            f"A histogram of {len(before)} and {len(after)} classes has {len(edges)} limits.",
            remedy="Give one limit more than there are classes.",
        )
    height = 42.0
    levels = ticks(0.0, max(*before, *after), 4)
    scratch = Canvas(1, 1, lang)
    head = parts.key_height(parts.key_lines(width, lang, _shape_key(scratch, lang)))
    canvas = Canvas(width, head + height + _FOOT, lang)
    parts.draw_key(canvas, parts.key_lines(width, lang, _shape_key(canvas, lang)), 0)
    step = levels[1] - levels[0]
    labels = [parts.tick_text(level, step, lang, "percent") for level in levels]
    left = max(measure(label, lang, theme.SMALL) for label in labels) + 2.5
    axis = parts.Axis(edges[0], edges[-1], left, width - 3.0)
    base = head + height

    def up(share: float) -> float:
        return base - share / levels[-1] * (height - 3.0)

    for level, label in zip(levels, labels, strict=True):
        canvas.line((left, up(level)), (width - 3.0, up(level)), colour=theme.FAINT, layer=0)
        canvas.text(left - 1.5, up(level), label, size=theme.SMALL, colour=theme.MUTED, anchor="end", is_scale=True)
    for low, high, share in zip(edges, edges[1:], after, strict=False):
        canvas.box(axis.at(low) + 0.15, up(share), axis.at(high) - axis.at(low) - 0.3, base - up(share),
                   fill=theme.tint(_AFTER, 0.55))  # fmt: skip
    last = 0.0
    for low, high, share in zip(edges, edges[1:], before, strict=False):
        canvas.line((axis.at(low), up(last)), (axis.at(low), up(share)), colour=_BEFORE, weight=1.3, layer=3)
        canvas.line((axis.at(low), up(share)), (axis.at(high), up(share)), colour=_BEFORE, weight=1.3, layer=3)
        last = share
    canvas.line((axis.at(edges[-1]), up(last)), (axis.at(edges[-1]), base), colour=_BEFORE, weight=1.3, layer=3)
    canvas.line((left, base), (width - 3.0, base), colour=theme.INK, weight=0.9)
    marks = [mark for mark in ticks(edges[0], edges[-1], 8 if width > 120 else 4) if mark <= edges[-1] + 1e-9]
    step = marks[1] - marks[0]
    for mark in marks:
        canvas.text(axis.at(mark), base + 2.6, parts.tick_text(mark, step, lang, "number"), size=theme.SMALL,
                    colour=theme.MUTED, anchor="middle", is_scale=True)  # fmt: skip
    return canvas.finish()


def _key(canvas: Canvas, lang: Lang) -> list[parts.KeyItem]:
    def item(word: str, marker: str, colour: str, hollow: bool) -> parts.KeyItem:
        return parts.KeyItem(_WORDS[word][lang], colour, 2.6,
                             lambda x, y: canvas.dot(x + 1.3, y, marker, colour, hollow=hollow))  # fmt: skip

    return [parts.note_item(_WORDS["distance"][lang]), item("before", "s", _BEFORE, True),
            item("after", "o", _AFTER, False), parts.note_item(_WORDS["limit"][lang])]  # fmt: skip


def _shape_key(canvas: Canvas, lang: Lang) -> list[parts.KeyItem]:
    return [
        parts.note_item(f"{_WORDS['share'][lang]} / {_WORDS['weight'][lang]}"),
        parts.KeyItem(_WORDS["before"][lang], _BEFORE, 4.0,
                      lambda x, y: canvas.line((x, y), (x + 4.0, y), colour=_BEFORE, weight=1.3)),
        parts.KeyItem(_WORDS["after"][lang], _AFTER, 4.0,
                      lambda x, y: canvas.box(x, y - 1.3, 4.0, 2.6, fill=theme.tint(_AFTER, 0.55))),
    ]  # fmt: skip
