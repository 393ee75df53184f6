"""Average marginal effects in percentage points around a zero line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from masar_research.errors import ParameterError
from masar_research.present import theme
from masar_research.present.art import Art
from masar_research.present.canvas import Canvas, house_settings, line_height, measure, wrap
from masar_research.present.charts import parts
from masar_research.present.charts.rows import Effect, EffectPanel
from masar_research.present.charts.words import say
from masar_research.present.direction import Lang
from masar_research.present.scale import ticks

_HEADING = 6.6
_SPACE = 2.0
_ROW = 5.6
_FOOT = 5.2
_SIDES = 5.6


@dataclass(frozen=True, slots=True)
class _Plan:
    axis: parts.Axis
    marks: tuple[float, ...]
    lines: dict[str, list[str]]
    words: float


def effects(
    panels: Sequence[EffectPanel], lang: Lang, *, less: str, more: str,
    width: float = theme.FULL_WIDTH, digits: int = 1,
) -> Art:  # fmt: skip
    """Draw differences in percentage points with their intervals, grouped by variable.

    Parameters
    ----------
    panels : sequence of EffectPanel
        Estimates are differences of fractions; a row without an estimate is the reference
        category.
    lang : {"ar", "en"}
        Arabic is mirrored: positive effects point to the left.
    less, more : str
        What the two sides mean ("less likely to be employed").
    width : float
        Millimetres.
    digits : int

    Returns
    -------
    Art

    Raises
    ------
    ParameterError
        If there is no row.

    Notes
    -----
    Effects whose interval includes zero are grey, whatever their size. The figure stands on
    the far side of the whisker from zero, with its sign.
    """
    return draw(panels, lang, less=less, more=more, width=width, digits=digits).finish()


@house_settings()
def draw(
    panels: Sequence[EffectPanel], lang: Lang, *, less: str, more: str, width: float, digits: int
) -> Canvas:
    """The sheet of `effects`."""
    panels = [panel for panel in panels if panel.effects]
    plan = _plan(panels, lang, width, digits)
    spans, y = [], 0.0
    scratch = Canvas(1, 1, lang)
    head = parts.key_height(parts.key_lines(width, lang, _key(scratch, panels)))
    zero = plan.axis.at(0.0)
    sides = _side_lines(plan, width, lang, less, more)
    above = head + max(len(lines) for lines in sides) * line_height(theme.SMALL) + 1.6
    y = above
    for panel in panels:
        top = y + (_HEADING if panel.heading else 0)
        y = top + sum(_row_height(effect, plan) for effect in panel.effects)
        spans.append((top, y))
        y += _SPACE
    canvas = Canvas(width, y - _SPACE + _FOOT, lang)
    parts.draw_key(canvas, parts.key_lines(width, lang, _key(canvas, panels)), 0)
    for lines, anchor, x in zip(sides, ("start", "end"), (plan.words, width), strict=True):
        for i, words in enumerate(lines):
            canvas.text(
                x, head + 2.0 + i * line_height(theme.SMALL), words, size=theme.SMALL,
                colour=theme.MUTED, anchor=anchor,
            )  # fmt: skip
    parts.axis_ticks(canvas, plan.axis, plan.marks, spans, "points")
    canvas.line((zero, above), (zero, spans[-1][1]), colour=theme.INK, weight=0.9, layer=2)
    for panel, (top, _) in zip(panels, spans, strict=True):
        if panel.heading:
            parts.heading(canvas, panel.heading, 0, width, top - _HEADING)
        y = top
        for index, effect in enumerate(panel.effects):
            if index:
                canvas.line((0, y), (width, y), colour=theme.FAINT, layer=1)
            tall = _row_height(effect, plan)
            _row(canvas, effect, plan, y + tall / 2, digits)
            y += tall
    return canvas


def _row(canvas: Canvas, effect: Effect, plan: _Plan, y: float, digits: int) -> None:
    parts.row_label(canvas, plan.lines[effect.label], y)
    zero = plan.axis.at(0.0)
    if effect.estimate is None:
        words = say("not_shown" if effect.status == "suppress" else "reference", canvas.lang)
        canvas.text(plan.words, y, words, size=theme.SMALL, colour=theme.MUTED, backed=True)
        return
    axis = plan.axis
    colour = theme.TEAL if effect.detectable else "#7d8a89"
    low = effect.estimate if effect.low is None else effect.low
    high = effect.estimate if effect.high is None else effect.high
    if high > low:
        canvas.line(
            (axis.at(low), y), (axis.at(high), y), colour=theme.tint(colour, 0.55), weight=1.7,
            cap="round", layer=4,
        )  # fmt: skip
    canvas.dot(axis.at(effect.estimate), y, "o", colour, hollow=effect.status == "flag")
    words = parts.figure_text(effect.estimate, canvas.lang, "points", digits)
    left = effect.estimate < 0
    edge = min(axis.at(low), axis.at(effect.estimate) - 1.0) if left else max(axis.at(high), axis.at(effect.estimate) + 1.0)
    canvas.text(
        edge - parts.GAP if left else edge + parts.GAP, y, words, size=theme.SMALL,
        weight=theme.SEMIBOLD if effect.detectable else theme.REGULAR,
        colour=theme.TEAL if effect.detectable else theme.MUTED, anchor="end" if left else "start",
        backed=True,
    )  # fmt: skip


def _plan(panels: Sequence[EffectPanel], lang: Lang, width: float, digits: int) -> _Plan:
    rows = [effect for panel in panels for effect in panel.effects]
    shown = [effect for effect in rows if effect.estimate is not None]
    if not rows:
        raise ParameterError("A chart needs at least one row; found none.", remedy="Pass panels with effects.")
    lines, room = parts.wrapped_labels((effect.label for effect in rows), 0.40 * width, lang)
    low = min([0.0, *[effect.estimate if effect.low is None else effect.low for effect in shown]])
    high = max([0.0, *[effect.estimate if effect.high is None else effect.high for effect in shown]])
    span = max(high - low, 0.02)
    low, high = min(low, -0.12 * span), max(high, 0.12 * span)
    figures = [parts.figure_text(effect.estimate, lang, "points", digits) for effect in shown]
    reserve = max((measure(text, lang, theme.SMALL, theme.SEMIBOLD) for text in figures), default=8.0)
    reserve += parts.GAP + 1.2
    axis = parts.Axis(low, high, room + 4.0 + reserve, width - reserve)
    marks = ticks(low, high, 6 if width > 120 else 4)
    inside = tuple(m for m in marks if low - 1e-9 <= m <= high + 1e-9)
    return _Plan(axis, inside, lines, room + 4.0)


def _side_lines(plan: _Plan, width: float, lang: Lang, less: str, more: str) -> tuple[list[str], list[str]]:
    arrows = ("←", "→") if lang == "en" else ("→", "←")
    words = f"{arrows[0]}\u00a0{less}", f"{more}\u00a0{arrows[1]}"
    room = width - plan.words - 4.0
    widths = [measure(side, lang, theme.SMALL) for side in words]
    if sum(widths) <= room:
        return [words[0]], [words[1]]
    return wrap(words[0], room / 2, lang, theme.SMALL), wrap(words[1], room / 2, lang, theme.SMALL)


def _row_height(effect: Effect, plan: _Plan) -> float:
    return max(_ROW, len(plan.lines[effect.label]) * line_height(theme.TEXT) + 1.4)


def _key(canvas: Canvas, panels: Sequence[EffectPanel]) -> list[parts.KeyItem]:
    rows = [effect for panel in panels for effect in panel.effects]
    items = [parts.note_item(say("points", canvas.lang))]
    items.append(parts.interval_item(canvas, theme.TEAL))
    if any(effect.estimate is not None and not effect.detectable for effect in rows):
        items.append(
            parts.KeyItem(
                words=say("undetectable", canvas.lang), colour=theme.MUTED, width=2.6,
                draw=lambda x, y: canvas.dot(x + 1.3, y, "o", "#7d8a89"),
            )
        )  # fmt: skip
    if any(effect.status == "flag" for effect in rows):
        items.append(parts.caution_item(canvas))
    return items
