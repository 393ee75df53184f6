"""Two waves of each category with the change between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from masar_research.errors import ParameterError
from masar_research.present import numbers, theme
from masar_research.present.art import Art
from masar_research.present.canvas import Canvas, house_settings, line_height, measure
from masar_research.present.charts import parts
from masar_research.present.charts.rows import Change
from masar_research.present.charts.words import say
from masar_research.present.direction import Lang
from masar_research.present.scale import ticks

_ROW = 9.4
_HEAD = 5.4
_FOOT = 5.2


@dataclass(frozen=True, slots=True)
class _Plan:
    axis: parts.Axis
    marks: tuple[float, ...]
    lines: dict[str, list[str]]
    column: float


def change(
    rows: Sequence[Change], lang: Lang, *, before: str, after: str,
    width: float = theme.FULL_WIDTH, digits: int = 1,
) -> Art:  # fmt: skip
    """Draw the level of each row at two waves and, beside it, the change with its interval.

    Parameters
    ----------
    rows : sequence of Change
        In the order shown.
    lang : {"ar", "en"}
        Arabic is mirrored, as for any chart whose axis is a quantity.
    before, after : str
        Names of the waves ("2024", "2026").
    width : float
        Millimetres.
    digits : int

    Returns
    -------
    Art

    Raises
    ------
    ParameterError
        If there are no rows.

    Notes
    -----
    Each row has two lines: the earlier wave above in a lighter tone, the later below. The
    column beside them says the change in points and its interval, or that none is detectable;
    a change whose either side is suppressed is not given.
    """
    return draw(rows, lang, before=before, after=after, width=width, digits=digits).finish()


@house_settings()
def draw(
    rows: Sequence[Change], lang: Lang, *, before: str, after: str, width: float, digits: int
) -> Canvas:
    """The sheet of `change`."""
    if not rows:
        raise ParameterError("A chart needs at least one row; found none.", remedy="Pass rows.")
    plan = _plan(rows, lang, width, digits)
    scratch = Canvas(1, 1, lang)
    key = parts.key_lines(width, lang, _key(scratch, rows, before, after))
    top = parts.key_height(key) + _HEAD
    heights = [max(_ROW, len(plan.lines[row.label]) * line_height(theme.TEXT) + 1.6) for row in rows]
    canvas = Canvas(width, top + sum(heights) + _FOOT, lang)
    parts.draw_key(canvas, parts.key_lines(width, lang, _key(canvas, rows, before, after)), 0)
    canvas.text(
        plan.column, top - 2.6, say("change", lang), size=theme.SMALL, weight=theme.SEMIBOLD
    )
    canvas.line((0, top), (width, top), colour=theme.LINE, weight=0.8)
    parts.axis_ticks(canvas, plan.axis, plan.marks, [(top, top + sum(heights))], "percent")
    y = top
    for index, (row, tall) in enumerate(zip(rows, heights, strict=True)):
        if index:
            canvas.line((0, y), (width, y), colour=theme.FAINT, layer=1)
        _row(canvas, row, plan, y + tall / 2, digits)
        y += tall
    return canvas


def _row(canvas: Canvas, row: Change, plan: _Plan, middle: float, digits: int) -> None:
    parts.row_label(canvas, plan.lines[row.label], middle)
    look = theme.group(row.after.group)
    for mark, y, colour in (
        (row.before, middle - 1.9, theme.tint(look.colour, 0.5)), (row.after, middle + 1.9, look.colour)
    ):  # fmt: skip
        if not mark.shown:
            canvas.text(
                plan.axis.start + 1.2, y, say("not_shown_short", canvas.lang), size=theme.SMALL,
                colour=theme.MUTED, backed=True,
            )  # fmt: skip
            continue
        parts.whisker(canvas, plan.axis, mark, y, colour=colour)
        assert mark.value is not None
        late = mark is row.after
        canvas.text(
            max(plan.axis.at(mark.span[1]), plan.axis.at(mark.value) + 1.0) + parts.GAP, y,
            parts.figure_text(mark.value, canvas.lang, "percent", digits), size=theme.SMALL,
            weight=theme.SEMIBOLD if late else theme.REGULAR,
            colour=look.colour if late else theme.MUTED, backed=True,
        )  # fmt: skip
    verdict = _verdict(row, canvas.lang, digits)
    for i, (words, weight, colour) in enumerate(verdict):
        y = middle + (i - (len(verdict) - 1) / 2) * 3.8
        canvas.text(plan.column, y, words, size=theme.SMALL, weight=weight, colour=colour)


def _verdict(row: Change, lang: Lang, digits: int) -> list[tuple[str, int, str]]:
    if row.difference is None:
        return [(say("not_shown_short", lang), theme.REGULAR, theme.MUTED)]
    size = numbers.signed_points(row.difference, lang, digits)
    span = ""
    if row.low is not None and row.high is not None:
        ends = [numbers.signed_points(end, lang, digits) for end in (row.low, row.high)]
        span = f"({ends[0]} {say('to', lang)} {ends[1]})"
    if row.detectable:
        lines = [(size, theme.SEMIBOLD, theme.INK), (span, theme.REGULAR, theme.MUTED)]
    else:
        lines = [(say("no_change", lang), theme.REGULAR, theme.MUTED)]
        lines.append((f"{size} {span}".strip(), theme.REGULAR, theme.MUTED))
    return [line for line in lines if line[0]]


def _plan(rows: Sequence[Change], lang: Lang, width: float, digits: int) -> _Plan:
    lines, room = parts.wrapped_labels((row.label for row in rows), 0.32 * width, lang)
    verdicts = [text for row in rows for text in _verdict(row, lang, digits)]
    side = max(measure(words, lang, theme.SMALL, weight) for words, weight, _ in verdicts)
    side = max(side, measure(say("change", lang), lang, theme.SMALL, theme.SEMIBOLD))
    shown = [mark for row in rows for mark in (row.before, row.after) if mark.shown]
    high = max([end for mark in shown for end in mark.span], default=1.0)
    figures = [parts.figure_text(mark.value, lang, "percent", digits) for mark in shown if mark.value is not None]
    reserve = max((measure(text, lang, theme.SMALL, theme.SEMIBOLD) for text in figures), default=8.0)
    column = width - side - 0.5
    axis = parts.Axis(0.0, max(high, 0.02), room + 4.0, column - reserve - parts.GAP - 4.0)
    marks = ticks(0.0, axis.high, 5 if width > 120 else 3)
    return _Plan(axis, tuple(m for m in marks if m <= axis.high + 1e-9), lines, column)


def _key(canvas: Canvas, rows: Sequence[Change], before: str, after: str) -> list[parts.KeyItem]:
    looks = {row.after.group for row in rows}
    look = theme.group(looks.pop()) if len(looks) == 1 else theme.group("all")
    marker = look.marker

    def item(words: str, colour: str) -> parts.KeyItem:
        return parts.KeyItem(
            words=words, colour=theme.INK, width=2.6, bold=True,
            draw=lambda x, y: canvas.dot(x + 1.3, y, marker, colour),
        )  # fmt: skip

    items = [item(before, theme.tint(look.colour, 0.5)), item(after, look.colour), parts.interval_item(canvas)]
    if any(mark.status == "flag" for row in rows for mark in (row.before, row.after)):
        items.append(parts.caution_item(canvas, marker))
    return items
