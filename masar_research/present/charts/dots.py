"""Dot and whisker by category, one group or several, with the figure beside each mark."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal

from masar_research.errors import ParameterError
from masar_research.present import theme
from masar_research.present.art import Art
from masar_research.present.canvas import Canvas, house_settings, line_height, measure, wrap
from masar_research.present.charts import parts
from masar_research.present.charts.rows import Mark, Panel, Reference, Row
from masar_research.present.charts.words import say
from masar_research.present.direction import Lang
from masar_research.present.numbers import Unit
from masar_research.present.scale import ticks

_HEADING = 6.6
_SPACE = 2.2
_ONE = 5.6
_EACH = 3.5
_BETWEEN = 8.0
_FOOT = 5.2


@dataclass(frozen=True, slots=True)
class _Plan:
    label: float
    axis: parts.Axis
    marks: tuple[float, ...]
    lines: dict[str, list[str]]
    lang: Lang
    unit: Unit
    digits: int


def dots(
    panels: Sequence[Panel], lang: Lang, *, width: float = theme.FULL_WIDTH, columns: int = 1,
    unit: Unit = "percent", digits: int = 1, reference: Reference | None = None,
    order: Literal["given", "value"] = "given", from_zero: bool = True,
) -> Art:  # fmt: skip
    """Draw estimates with their intervals, grouped under headings.

    Parameters
    ----------
    panels : sequence of Panel
        One per breakdown ("By sex", "By age"); all share one scale. An empty heading is left
        out.
    lang : {"ar", "en"}
        Arabic is mirrored: categories on the right, values growing to the left.
    width : float
        Millimetres, `theme.FULL_WIDTH` or `theme.HALF_WIDTH`.
    columns : int
        Panels flow into so many columns of about equal height.
    unit, digits
        How the figures are written; percent takes fractions.
    reference : Reference, optional
        A dashed line through all panels with its words above.
    order : {"given", "value"}
        ``"value"`` sorts the rows of each panel by their first shown mark, largest first;
        rows not shown come last. Ordered categories (age, education) keep ``"given"``.
    from_zero : bool
        Whether the scale begins at zero, or just below the lowest shown interval.

    Returns
    -------
    Art

    Raises
    ------
    ParameterError
        If there is nothing to draw.

    Notes
    -----
    A suppressed mark is drawn as words at the start of the scale, in the same place for every
    row, and takes no part in the scale or the order. A flagged mark is hollow, one
    that a model made a diamond.

    Examples
    --------
    >>> art = dots([Panel("By sex", (Row("Women", (Mark(0.145, 0.13, 0.16, group="women"),)),
    ...                              Row("Men", (Mark(0.607, 0.59, 0.63, group="men"),))))], "en")
    >>> "14.5%" in art.texts, art.scale[:2]
    (True, ('0%', '20%'))
    """
    return draw(
        panels, lang, width=width, columns=columns, unit=unit, digits=digits, reference=reference,
        order=order, from_zero=from_zero,
    ).finish()  # fmt: skip


@house_settings()
def draw(
    panels: Sequence[Panel], lang: Lang, *, width: float, columns: int, unit: Unit, digits: int,
    reference: Reference | None, order: Literal["given", "value"], from_zero: bool,
) -> Canvas:  # fmt: skip
    """The sheet of `dots`."""
    panels = [_ordered(panel, order) for panel in panels if panel.rows]
    if not panels:
        raise ParameterError("A chart needs at least one row; found none.", remedy="Pass panels with rows.")
    column_width = (width - _BETWEEN * (columns - 1)) / columns
    plan = _plan(panels, lang, column_width, unit, digits, reference, from_zero)
    spread = _spread([_height(panel, plan) for panel in panels], columns)
    scratch = Canvas(1, 1, lang)
    key = parts.key_lines(width, lang, _key(scratch, panels))
    head = parts.key_height(key) + (5.0 if reference else 0.0)
    tallest = max(sum(_height(panels[i], plan) for i in chosen) - _SPACE for chosen in spread)
    canvas = Canvas(width, head + tallest + _FOOT, lang)
    parts.draw_key(canvas, parts.key_lines(width, lang, _key(canvas, panels)), 0)
    for number, chosen in enumerate(spread):
        start = number * (column_width + _BETWEEN)
        _column(canvas, [panels[i] for i in chosen], plan, start, column_width, head, reference)
    return canvas


def _column(
    canvas: Canvas, panels: list[Panel], plan: _Plan, start: float, width: float, top: float,
    reference: Reference | None,
) -> None:  # fmt: skip
    axis = replace(plan.axis, start=plan.axis.start + start, end=plan.axis.end + start)
    height = sum(_height(panel, plan) for panel in panels) - _SPACE
    parts.axis_ticks(canvas, axis, plan.marks, _spans(panels, plan, top), plan.unit)
    if axis.low < 0 < axis.high:
        canvas.line((axis.at(0.0), top), (axis.at(0.0), top + height), colour=theme.INK, weight=0.9)
    if reference:
        x = axis.at(reference.value)
        canvas.line((x, top - 1.2), (x, top + height), colour=theme.MUTED, weight=0.8, dashed=True)
        figure = parts.figure_text(reference.value, canvas.lang, plan.unit, plan.digits)
        words = f"{reference.label} {figure}"
        half = measure(words, canvas.lang, theme.SMALL) / 2
        middle = min(max(x, start + half), start + width - half)
        canvas.text(middle, top - 3.2, words, size=theme.SMALL, colour=theme.MUTED, anchor="middle")
    y = top
    for panel in panels:
        if panel.heading:
            parts.heading(canvas, panel.heading, start, width, y)
            y += _HEADING
        for index, row in enumerate(panel.rows):
            if index:
                canvas.line((start, y), (start + width, y), colour=theme.FAINT, weight=0.6, layer=1)
            tall = _row_height(row, plan)
            _row(canvas, row, plan, axis, start, y, tall)
            y += tall
        y += _SPACE


def _row(
    canvas: Canvas, row: Row, plan: _Plan, axis: parts.Axis, start: float, top: float, tall: float
) -> None:
    middle = top + tall / 2
    lines = plan.lines[row.label]
    step = line_height(theme.TEXT)
    for i, words in enumerate(lines):
        canvas.text(start, middle + (i - (len(lines) - 1) / 2) * step, words)
    if not any(mark.shown for mark in row.marks):
        canvas.text(
            axis.start + 1.2, middle, say("not_shown", canvas.lang), size=theme.SMALL,
            colour=theme.MUTED, backed=True,
        )  # fmt: skip
        return
    apart = 0.0 if _fits_one_line(row, plan) else _EACH
    for i, mark in enumerate(row.marks):
        y = middle + (i - (len(row.marks) - 1) / 2) * apart
        if not mark.shown:
            canvas.text(
                axis.start + 1.2, y, _hidden(mark, plan), size=theme.SMALL, colour=theme.MUTED, backed=True
            )
            continue
        parts.whisker(canvas, axis, mark, y)
        canvas.text(
            _figure_at(mark, axis), y, _figure(mark, plan), size=theme.SMALL, weight=theme.SEMIBOLD,
            colour=theme.group(mark.group).colour, backed=True,
        )  # fmt: skip


def _figure(mark: Mark, plan: _Plan) -> str:
    assert mark.value is not None
    return parts.figure_text(mark.value, plan.lang, plan.unit, plan.digits)


def _figure_at(mark: Mark, axis: parts.Axis) -> float:
    assert mark.value is not None
    return max(axis.at(mark.span[1]), axis.at(mark.value) + 1.0) + parts.GAP


def _hidden(mark: Mark, plan: _Plan) -> str:
    return f"{theme.group(mark.group).label(plan.lang)}: {say('not_shown_short', plan.lang)}"


def _fits_one_line(row: Row, plan: _Plan) -> bool:
    if len(row.marks) == 1 or not any(mark.shown for mark in row.marks):
        return True
    taken = []
    for mark in row.marks:
        if mark.shown:
            begin = min(plan.axis.at(mark.span[0]), plan.axis.at(mark.value or 0) - 1.2)
            words, weight, at = _figure(mark, plan), theme.SEMIBOLD, _figure_at(mark, plan.axis)
        else:
            words, weight, at = _hidden(mark, plan), theme.REGULAR, plan.axis.start + 1.2
            begin = at
        taken.append((begin, at + measure(words, plan.lang, theme.SMALL, weight)))
    taken.sort()
    return all(after[0] > before[1] + 2.0 for before, after in pairwise(taken))


def _plan(
    panels: Sequence[Panel], lang: Lang, width: float, unit: Unit, digits: int,
    reference: Reference | None, from_zero: bool,
) -> _Plan:  # fmt: skip
    labels = [row.label for panel in panels for row in panel.rows]
    widest = max(measure(label, lang, theme.TEXT) for label in labels)
    room = min(widest, 0.40 * width)
    lines = {label: wrap(label, room, lang, theme.TEXT) for label in labels}
    room = max(measure(line, lang, theme.TEXT) for wrapped in lines.values() for line in wrapped)
    shown = [mark for panel in panels for row in panel.rows for mark in row.marks if mark.shown]
    ends = [end for mark in shown for end in mark.span] + ([reference.value] if reference else [])
    high = max(ends, default=1.0)
    low = min([0.0, *ends]) if from_zero else min(ends, default=0.0)
    high = max(high, low + 0.02)
    marks = ticks(low, high, 6 if width > 120 else 4)
    figures = [parts.figure_text(mark.value, lang, unit, digits) for mark in shown if mark.value is not None]
    reserve = max((measure(text, lang, theme.SMALL, theme.SEMIBOLD) for text in figures), default=8.0)
    axis = parts.Axis(marks[0], high, room + 4.0, width - reserve - parts.GAP - 1.2)
    return _Plan(room, axis, tuple(m for m in marks if m <= high + 1e-9), lines, lang, unit, digits)


def _row_height(row: Row, plan: _Plan) -> float:
    marks = _ONE if _fits_one_line(row, plan) else _EACH * len(row.marks) + 1.9
    return max(marks, len(plan.lines[row.label]) * line_height(theme.TEXT) + 1.4)


def _spans(panels: Sequence[Panel], plan: _Plan, top: float) -> list[tuple[float, float]]:
    spans = []
    for panel in panels:
        tall = _height(panel, plan)
        spans.append((top + (_HEADING if panel.heading else 0), top + tall - _SPACE))
        top += tall
    return spans


def _height(panel: Panel, plan: _Plan) -> float:
    head = _HEADING if panel.heading else 0
    return head + sum(_row_height(row, plan) for row in panel.rows) + _SPACE


def _spread(heights: list[float], columns: int) -> list[list[int]]:
    """Panels in order over columns so that the tallest column is as low as can be."""
    count = len(heights)
    columns = min(columns, count)
    best: dict[tuple[int, int], tuple[float, list[list[int]]]] = {(0, 0): (0.0, [])}
    for used in range(1, columns + 1):
        for end in range(used, count + 1):
            options = []
            for begin in range(used - 1, end):
                if (begin, used - 1) in best:
                    tallest, layout = best[(begin, used - 1)]
                    options.append((max(tallest, sum(heights[begin:end])), [*layout, list(range(begin, end))]))
            best[(end, used)] = min(options, key=lambda option: option[0])
    return best[(count, columns)][1]


def _ordered(panel: Panel, order: Literal["given", "value"]) -> Panel:
    if order == "given":
        return panel

    def rank(row: Row) -> tuple[bool, float]:
        value = next((mark.value for mark in row.marks if mark.shown), None)
        return (value is None, -(value or 0.0))

    return Panel(panel.heading, tuple(sorted(panel.rows, key=rank)))


def _key(canvas: Canvas, panels: Sequence[Panel]) -> list[parts.KeyItem]:
    marks = [mark for panel in panels for row in panel.rows for mark in row.marks]
    several = any(len(row.marks) > 1 for panel in panels for row in panel.rows)
    items = []
    if several:
        items = [parts.group_item(canvas, key) for key in dict.fromkeys(mark.group for mark in marks)]
    if any(mark.shown and mark.low is not None for mark in marks):
        items.append(parts.interval_item(canvas))
    if any(mark.status == "flag" for mark in marks):
        items.append(parts.caution_item(canvas))
    if any(mark.shown and mark.modelled for mark in marks):
        items.append(parts.modelled_item(canvas))
    return items
