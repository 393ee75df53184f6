"""Coefficients, ratios or average effects of one model or several around the line of no difference."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from masar_research.errors import ParameterError
from masar_research.present import numbers, theme
from masar_research.present.art import Art
from masar_research.present.canvas import Canvas, house_settings, line_height, measure
from masar_research.present.charts import parts
from masar_research.present.charts.rows import Effect
from masar_research.present.charts.words import say
from masar_research.present.direction import Lang
from masar_research.present.scale import ticks

Unit = Literal["points", "number", "ratio"]

_HEADING = 6.6
_SPACE = 2.0
_ROW = 5.6
_SUBROW = 4.3
_FOOT = 5.2
_GREY = "#7d8a89"
#: Colour and marker of each series; they differ in lightness and in shape.
LOOKS = (
    (theme.TEAL, "o"), (theme.ACCENT, "s"), ("#75589a", "^"), ("#8a6100", "D"), (theme.INK, "v"),
    ("#2f8f8a", "P"),
)  # fmt: skip
_LEAST, _MOST = 1e-4, 1e4


@dataclass(frozen=True, slots=True)
class CoefficientRow:
    """A term with its estimate in each series; None where a series does not hold it.

    An `Effect` without an estimate marks the reference category.
    """

    label: str
    effects: tuple[Effect | None, ...]


@dataclass(frozen=True, slots=True)
class CoefficientPanel:
    """Rows of one variable under its name; no heading for a numeric one."""

    heading: str
    rows: tuple[CoefficientRow, ...]


@dataclass(frozen=True, slots=True)
class _Plan:
    unit: Unit
    axis: parts.Axis
    marks: tuple[float, ...]
    lines: dict[str, list[str]]
    words: float
    digits: int | None

    def at(self, value: float) -> float:
        if self.unit == "ratio":
            value = math.log(min(max(value, _LEAST), _MOST))
        return self.axis.at(min(max(value, self.axis.low), self.axis.high))

    @property
    def none(self) -> float:
        return self.at(1.0 if self.unit == "ratio" else 0.0)


def coefficients(
    panels: Sequence[CoefficientPanel], series: Sequence[str], lang: Lang, *, unit: Unit, measured: str,
    width: float = theme.FULL_WIDTH, digits: int | None = None, alt: str = "",
) -> Art:  # fmt: skip
    """Draw estimates with their intervals, grouped by variable, one mark per series in each row.

    Parameters
    ----------
    panels : sequence of CoefficientPanel
    series : sequence of str
        Names of the models, in the order of the effects of a row; one or as many as `LOOKS`.
    lang : {"ar", "en"}
        Arabic is mirrored: larger values stand further left.
    unit : {"points", "number", "ratio"}
        Differences of fractions; plain numbers; ratios, on a logarithmic axis around 1.
    measured : str
        What is drawn ("Odds ratio").
    width : float
        Millimetres.
    digits : int, optional
        Decimals of the figures; by default one for points, two otherwise, more for small intervals.
    alt : str
        Kept with the drawing.

    Returns
    -------
    Art

    Raises
    ------
    ParameterError
        No row, too many series, a row without as many effects, a ratio that is not positive.

    Notes
    -----
    With one series, estimates whose interval holds no difference are grey. With several, colour and
    shape tell the series apart, and the interval says it alone. Ratios beyond 1/10,000 and 10,000 are
    drawn at the edge.
    """
    return replace(draw(panels, series, lang, unit=unit, measured=measured, width=width, digits=digits).finish(),
                   alt=alt)


@house_settings()
def draw(
    panels: Sequence[CoefficientPanel], series: Sequence[str], lang: Lang, *, unit: Unit, measured: str,
    width: float, digits: int | None,
) -> Canvas:  # fmt: skip
    """The sheet of `coefficients`."""
    panels = [panel for panel in panels if panel.rows]
    _check(panels, series, unit)
    plan = _plan(panels, lang, unit, width, digits)
    scratch = Canvas(1, 1, lang)
    head = parts.key_height(parts.key_lines(width, lang, _key(scratch, panels, series, measured, unit)))
    spans, y = [], head
    for panel in panels:
        top = y + (_HEADING if panel.heading else 0)
        y = top + sum(_height(row, plan) for row in panel.rows)
        spans.append((top, y))
        y += _SPACE
    canvas = Canvas(width, y - _SPACE + _FOOT, lang)
    parts.draw_key(canvas, parts.key_lines(width, lang, _key(canvas, panels, series, measured, unit)), 0)
    _ticks(canvas, plan, spans)
    canvas.line((plan.none, head), (plan.none, spans[-1][1]), colour=theme.INK, weight=0.9, layer=2)
    for panel, (top, _) in zip(panels, spans, strict=True):
        if panel.heading:
            parts.heading(canvas, panel.heading, 0, width, top - _HEADING)
        y = top
        for index, row in enumerate(panel.rows):
            if index:
                canvas.line((0, y), (width, y), colour=theme.FAINT, layer=1)
            tall = _height(row, plan)
            _row(canvas, row, plan, y, tall)
            y += tall
    return canvas


def _row(canvas: Canvas, row: CoefficientRow, plan: _Plan, top: float, tall: float) -> None:
    middle = top + tall / 2
    parts.row_label(canvas, plan.lines[row.label], middle)
    held = [(k, effect) for k, effect in enumerate(row.effects) if effect is not None]
    drawn = [(k, effect) for k, effect in held if effect.estimate is not None]
    if not drawn:
        words = say("not_shown" if any(e.status == "suppress" for _, e in held) else "reference", canvas.lang)
        canvas.text(plan.words, middle, words, size=theme.SMALL, colour=theme.MUTED, backed=True)
        return
    digits = _decimals(row, plan.unit) if plan.digits is None else plan.digits
    start = middle - (len(drawn) - 1) / 2 * _SUBROW
    for place, (k, effect) in enumerate(drawn):
        _mark(canvas, effect, plan, start + place * _SUBROW, k, digits, alone=len(row.effects) == 1)


def _mark(
    canvas: Canvas, effect: Effect, plan: _Plan, y: float, series: int, digits: int, *, alone: bool
) -> None:  # fmt: skip
    colour, marker = LOOKS[series]
    settled = _settled(effect, plan.unit)
    if alone and not settled:
        colour = _GREY
    assert effect.estimate is not None
    low = effect.estimate if effect.low is None else effect.low
    high = effect.estimate if effect.high is None else effect.high
    if high > low:
        canvas.line((plan.at(low), y), (plan.at(high), y), colour=theme.tint(colour, 0.55), weight=1.7,
                    cap="round", layer=4)
    canvas.dot(plan.at(effect.estimate), y, marker, colour, hollow=effect.status == "flag",
               size=5.6 if alone else 4.8)
    below = effect.estimate < (1.0 if plan.unit == "ratio" else 0.0)
    edge = min(plan.at(low), plan.at(effect.estimate) - 1.0) if below else (
        max(plan.at(high), plan.at(effect.estimate) + 1.0))
    canvas.text(
        edge - parts.GAP if below else edge + parts.GAP, y, _figure(effect.estimate, canvas.lang, plan, digits),
        size=theme.SMALL, weight=theme.SEMIBOLD if settled else theme.REGULAR,
        colour=theme.MUTED if colour == _GREY else colour, anchor="end" if below else "start", backed=True,
    )  # fmt: skip


def _settled(effect: Effect, unit: Unit) -> bool:
    """Whether the interval leaves no difference out."""
    if effect.low is None or effect.high is None:
        return False
    none = 1.0 if unit == "ratio" else 0.0
    return effect.low > none or effect.high < none


def _figure(value: float, lang: Lang, plan: _Plan, digits: int) -> str:
    if plan.unit == "points":
        return numbers.signed_points(value, lang, digits)
    return numbers.number(value, lang, digits)


def _plan(panels: Sequence[CoefficientPanel], lang: Lang, unit: Unit, width: float, digits: int | None) -> _Plan:
    rows = [row for panel in panels for row in panel.rows]
    shown = [e for row in rows for e in row.effects if e is not None and e.estimate is not None]
    lines, room = parts.wrapped_labels((row.label for row in rows), 0.36 * width, lang)
    lows = [e.estimate if e.low is None else e.low for e in shown]
    highs = [e.estimate if e.high is None else e.high for e in shown]
    if unit == "ratio":
        lows = [math.log(min(max(v, _LEAST), _MOST)) for v in lows]
        highs = [math.log(min(max(v, _LEAST), _MOST)) for v in highs]
    low, high = min([0.0, *lows]), max([0.0, *highs])
    span = max(high - low, {"points": 0.02, "number": 1e-9, "ratio": 0.2}[unit]) or 1.0
    low, high = min(low, -0.08 * span), max(high, 0.08 * span)
    plan = _Plan(unit, parts.Axis(low, high, 0.0, 1.0), (), lines, room + 4.0, digits)
    figures = [_figure(e.estimate, lang, plan, _decimals(row, unit) if digits is None else digits)
               for row in rows for e in row.effects if e is not None and e.estimate is not None]
    reserve = max((measure(text, lang, theme.SMALL, theme.SEMIBOLD) for text in figures), default=8.0)
    reserve += parts.GAP + 1.2
    axis = parts.Axis(low, high, room + 4.0 + reserve, width - reserve)
    marks = _ratio_marks(low, high) if unit == "ratio" else tuple(
        m for m in ticks(low, high, 6 if width > 120 else 4) if low - 1e-12 <= m <= high + 1e-12)
    return replace(plan, axis=axis, marks=marks)


def _decimals(row: CoefficientRow, unit: Unit) -> int:
    """Decimals that the intervals of a row warrant: two figures of half their width."""
    scale = 100.0 if unit == "points" else 1.0
    widths = [(e.high - e.low) * scale for e in row.effects if e is not None and e.low is not None and e.high is not None and e.high > e.low]
    least = {"points": 1, "number": 2, "ratio": 2}[unit]
    return least if not widths else min(5, max(least, 1 - math.floor(math.log10(min(widths) / 4))))


def _ratio_marks(low: float, high: float) -> tuple[float, ...]:
    """Round ratios within the axis, about six of them, 1 among them."""
    for steps in ((1, 1.2, 1.5, 2, 3, 5, 7), (1, 1.5, 2, 3, 5), (1, 2, 5), (1, 3), (1,)):
        found = sorted(s * 10.0**k for k in range(-5, 5) for s in steps)
        inside = tuple(v for v in found if low - 1e-9 <= math.log(v) <= high + 1e-9)
        if len(inside) <= 8:
            return inside
    return tuple(10.0**k for k in range(-4, 5, 2) if low <= math.log(10.0**k) <= high)


def _ticks(canvas: Canvas, plan: _Plan, spans: Sequence[tuple[float, float]]) -> None:
    if plan.unit != "ratio":
        if len(plan.marks) > 1:
            parts.axis_ticks(canvas, plan.axis, plan.marks, spans, plan.unit)
        return
    used: list[tuple[float, float]] = []
    for value in sorted(plan.marks, key=lambda v: abs(math.log(v))):
        x = plan.at(value)
        for top, bottom in spans:
            canvas.line((x, top), (x, bottom), colour=theme.FAINT, weight=0.6, layer=1)
        digits = max(0, -math.floor(math.log10(value) + 1e-9)) + (0 if value == round(value, max(
            0, -math.floor(math.log10(value) + 1e-9))) else 1)
        words = numbers.number(value, canvas.lang, digits)
        wide = measure(words, canvas.lang, theme.SMALL) + 2.5
        if all(abs(x - other) > (wide + own) / 2 for other, own in used):
            used.append((x, wide))
            canvas.text(x, spans[-1][1] + 2.4, words, size=theme.SMALL, colour=theme.MUTED, anchor="middle",
                        is_scale=True)


def _height(row: CoefficientRow, plan: _Plan) -> float:
    count = sum(1 for e in row.effects if e is not None and e.estimate is not None)
    words = len(plan.lines[row.label]) * line_height(theme.TEXT) + 1.4
    return max(_ROW, words, 1.3 + max(1, count) * _SUBROW if count > 1 else 0.0)


def _key(
    canvas: Canvas, panels: Sequence[CoefficientPanel], series: Sequence[str], measured: str, unit: Unit
) -> list[parts.KeyItem]:
    shown = [e for panel in panels for row in panel.rows for e in row.effects if e is not None and e.estimate is not None]
    items = [parts.note_item(measured)]
    if len(series) > 1:
        items += [_series_item(canvas, name, k) for k, name in enumerate(series)]
    items.append(parts.interval_item(canvas, theme.TEAL if len(series) == 1 else theme.MUTED))
    if len(series) == 1 and any(not _settled(e, unit) for e in shown):
        items.append(parts.KeyItem(words=say("unsettled", canvas.lang), colour=theme.MUTED, width=2.6,
                                   draw=lambda x, y: canvas.dot(x + 1.3, y, "o", _GREY)))
    if any(e.status == "flag" for e in shown):
        items.append(parts.caution_item(canvas))
    return items


def _series_item(canvas: Canvas, name: str, series: int) -> parts.KeyItem:
    colour, marker = LOOKS[series]
    return parts.KeyItem(words=name, colour=colour, width=2.6, bold=True,
                         draw=lambda x, y: canvas.dot(x + 1.3, y, marker, colour, size=4.8))


def _check(panels: Sequence[CoefficientPanel], series: Sequence[str], unit: Unit) -> None:
    rows = [row for panel in panels for row in panel.rows]
    if not rows:
        raise ParameterError("A chart needs at least one row; found none.", remedy="Pass panels with rows.")
    if not 1 <= len(series) <= len(LOOKS):
        raise ParameterError(f"{len(series)} series in one chart; it can tell {len(LOOKS)} apart.",
                             remedy="Draw fewer models, or several charts.",
                             ar=f"لا يميّز الرسم أكثر من {len(LOOKS)} نماذج؛ ارسم عدداً أقل أو أكثر من رسم.")
    for row in rows:
        if len(row.effects) != len(series):
            raise ParameterError(f"{row.label!r} has {len(row.effects)} effects for {len(series)} series.",
                                 remedy="Give each row one per series, None where there is none.")
        if unit == "ratio" and any(e is not None and e.estimate is not None and e.estimate <= 0 for e in row.effects):
            raise ParameterError(f"{row.label!r} has a ratio that is not positive.",
                                 remedy="Pass exp of a coefficient.")
