"""Strata that cross several groups: direct, shrunken and additive estimates of each on one line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from masar_research.errors import ParameterError
from masar_research.present import fmt, theme
from masar_research.present.art import Art
from masar_research.present.canvas import Canvas, house_settings, line_height, measure, wrap
from masar_research.present.charts import parts
from masar_research.present.charts.rows import Mark
from masar_research.present.charts.words import say
from masar_research.present.direction import Lang
from masar_research.present.numbers import Unit
from masar_research.present.scale import ticks

_ROW, _APART = 9.6, 2.7
_GAP, _FOOT = 6.0, 5.2
_PLAIN, _DIRECT, _AREA = theme.TEAL, theme.MUTED, theme.OCHRE
_WORDS = {
    "direct": {"en": "direct", "ar": "مباشر"},
    "area": {"en": "direct, shrunken by its own error", "ar": "مباشر مقلص بحسب خطئه"},
    "model": {"en": "multilevel model", "ar": "النموذج متعدد المستويات"},
    "beyond": {
        "en": "multilevel model, beyond the sum of the groups",
        "ar": "النموذج متعدد المستويات، خارج حاصل جمع المجموعات",
    },
    "additive": {"en": "bar: sum of the groups' effects", "ar": "الخط الرأسي: حاصل جمع آثار المجموعات"},
    "between": {"en": "groups between these, not drawn: {}", "ar": "فئات بينها غير مرسومة: {}"},
    "hidden": {
        "en": "Groups not shown, for too few interviews or too wide an interval: {}",
        "ar": "فئات غير معروضة لقلة المقابلات أو لاتساع فترة الثقة: {}",
    },
}


@dataclass(frozen=True, slots=True)
class Intersection:
    """One stratum.

    Attributes
    ----------
    label : str
    direct, model : Mark
        As the release gate decided on each.
    area : Mark, optional
        The direct estimate shrunken by its own variance.
    additive : float, optional
        What the groups' effects add up to; None where `model` is withheld.
    beyond : bool
        Whether the interval of the stratum's own effect leaves out zero.
    """

    label: str
    direct: Mark
    model: Mark
    area: Mark | None
    additive: float | None
    beyond: bool


@dataclass(frozen=True, slots=True)
class _Plan:
    axis: parts.Axis
    marks: tuple[float, ...]
    lines: dict[str, list[str]]
    unit: Unit
    digits: int


def intersections(
    rows: Sequence[Intersection], lang: Lang, *, unit: Unit = "percent", digits: int = 1,
    most: int = 30, width: float = theme.FULL_WIDTH,
) -> Art:  # fmt: skip
    """Draw strata ranked by the model's estimate.

    Parameters
    ----------
    rows : sequence of Intersection
    lang : {"ar", "en"}
        Arabic is mirrored.
    unit, digits
        How the figures are written; percent takes fractions.
    most : int
        Rows drawn at most: half from the top, half from the bottom. Rows of which nothing may be
        shown are counted beneath.
    width : float
        Millimetres.

    Raises
    ------
    ParameterError
        Without rows, or `most` below 2.
    """
    if not rows or most < 2:
        raise ParameterError("A chart needs at least one row, and most=2 or more.",
                             remedy="Pass strata, or a larger most.")  # fmt: skip
    seen = [row for row in rows if row.model.shown or row.direct.shown]
    ranked = sorted(seen, key=lambda row: (not row.model.shown, -(row.model.value or 0.0)))
    return _draw(ranked, len(rows) - len(seen), lang, unit, digits, most, width).finish()


@house_settings()
def _draw(
    ranked: Sequence[Intersection], hidden: int, lang: Lang, unit: Unit, digits: int, most: int,
    width: float,
) -> Canvas:  # fmt: skip
    left_out = max(0, len(ranked) - most)
    upper = ranked if not left_out else ranked[: (most + 1) // 2]
    lower = [] if not left_out else ranked[-(most // 2):]
    drawn = [*upper, *lower]
    plan = _plan(drawn, lang, unit, digits, width)
    scratch = Canvas(1, 1, lang)
    head = parts.key_height(parts.key_lines(width, lang, _key(scratch, drawn)))
    tall = sum(_height(row, plan) for row in drawn) + (_GAP if left_out else 0)
    canvas = Canvas(width, head + tall + _FOOT + (_GAP if hidden else 0), lang)
    parts.draw_key(canvas, parts.key_lines(width, lang, _key(canvas, drawn)), 0)
    if drawn:
        parts.axis_ticks(canvas, plan.axis, plan.marks, [(head, head + tall)], unit)
    if hidden:
        words = _WORDS["hidden"][lang].format(fmt.num(hidden, lang))
        canvas.text(0, head + tall + _FOOT + _GAP / 2, words, size=theme.SMALL, colour=theme.MUTED)
    y = head
    for number, row in enumerate(drawn):
        if left_out and number == len(upper):
            words = _WORDS["between"][lang].format(fmt.num(left_out, lang))
            canvas.text(width / 2, y + _GAP / 2, words, size=theme.SMALL, colour=theme.MUTED,
                        anchor="middle", backed=True)  # fmt: skip
            y += _GAP
        if number:
            canvas.line((0, y), (width, y), colour=theme.FAINT, weight=0.6, layer=1)
        _row(canvas, row, plan, y)
        y += _height(row, plan)
    return canvas


def _row(canvas: Canvas, row: Intersection, plan: _Plan, top: float) -> None:
    tall = _height(row, plan)
    middle, lines = top + tall / 2, plan.lines[row.label]
    parts.row_label(canvas, lines, middle)
    if row.additive is not None:
        x = plan.axis.at(row.additive)
        canvas.line((x, top + 1.2), (x, top + tall - 1.2), colour=theme.INK, weight=1.1, layer=3)
    colour = theme.ACCENT if row.beyond else _PLAIN
    for place, (mark, tone, marker) in enumerate(
        ((row.model, colour, "D"), (row.area, _AREA, "^"), (row.direct, _DIRECT, "o"))
    ):
        if mark is None:
            continue
        y = middle + (place - 1) * _APART
        if not mark.shown:
            name = _WORDS[("model", "area", "direct")[place]][canvas.lang]
            canvas.text(plan.axis.start + 1.2, y, f"{name}: {say('not_shown_short', canvas.lang)}",
                        size=theme.SMALL, colour=theme.MUTED, backed=True)  # fmt: skip
            continue
        _mark(canvas, plan.axis, mark, y, tone, marker)
        if place == 0:
            assert mark.value is not None
            edge = max(plan.axis.at(mark.span[1]), plan.axis.at(mark.value) + 1.0) + parts.GAP
            figure = parts.figure_text(mark.value, canvas.lang, plan.unit, plan.digits)
            canvas.text(edge, y, figure, size=theme.SMALL, weight=theme.SEMIBOLD, colour=tone, backed=True)


def _mark(canvas: Canvas, axis: parts.Axis, mark: Mark, y: float, colour: str, marker: str) -> None:
    low, high = mark.span
    if high > low:
        canvas.line((axis.at(low), y), (axis.at(high), y), colour=theme.tint(colour, 0.55),
                    weight=1.4, cap="round", layer=4)  # fmt: skip
    assert mark.value is not None
    canvas.dot(axis.at(mark.value), y, marker, colour, hollow=mark.status == "flag")


def _plan(
    rows: Sequence[Intersection], lang: Lang, unit: Unit, digits: int, width: float
) -> _Plan:
    labels = [row.label for row in rows]
    room = min(max((measure(label, lang, theme.TEXT) for label in labels), default=0.0), 0.42 * width)
    lines = {label: wrap(label, room, lang, theme.TEXT) for label in labels}
    room = max((measure(line, lang, theme.TEXT) for wrapped in lines.values() for line in wrapped), default=0.0)
    shown = [m for row in rows for m in (row.model, row.area, row.direct) if m is not None and m.shown]
    ends = [end for mark in shown for end in mark.span]
    ends += [row.additive for row in rows if row.additive is not None]
    low, high = min([0.0, *ends]), max(ends, default=1.0)
    high = max(high, low + 0.02)
    marks = ticks(low, high, 6 if width > 120 else 4)
    figures = [parts.figure_text(m.value, lang, unit, digits) for m in shown if m.value is not None]
    reserve = max((measure(text, lang, theme.SMALL, theme.SEMIBOLD) for text in figures), default=8.0)
    axis = parts.Axis(marks[0], high, room + 4.0, width - reserve - parts.GAP - 1.2)
    return _Plan(axis, tuple(m for m in marks if m <= high + 1e-9), lines, unit, digits)


def _height(row: Intersection, plan: _Plan) -> float:
    return max(_ROW, len(plan.lines[row.label]) * line_height(theme.TEXT) + 1.4)


def _key(canvas: Canvas, rows: Sequence[Intersection]) -> list[parts.KeyItem]:
    def item(name: str, colour: str, marker: str) -> parts.KeyItem:
        return parts.KeyItem(
            words=_WORDS[name][canvas.lang], colour=colour, width=2.6, bold=True,
            draw=lambda x, y: canvas.dot(x + 1.3, y, marker, colour),
        )  # fmt: skip

    items = []
    if any(row.model.shown and not row.beyond for row in rows):
        items.append(item("model", _PLAIN, "D"))
    if any(row.model.shown and row.beyond for row in rows):
        items.append(item("beyond", theme.ACCENT, "D"))
    if any(row.area is not None and row.area.shown for row in rows):
        items.append(item("area", _AREA, "^"))
    if any(row.direct.shown for row in rows):
        items.append(item("direct", _DIRECT, "o"))
    if any(row.additive is not None for row in rows):
        items.append(parts.KeyItem(
            words=_WORDS["additive"][canvas.lang], colour=theme.MUTED, width=1.6,
            draw=lambda x, y: canvas.line((x + 0.8, y - 1.6), (x + 0.8, y + 1.6), colour=theme.INK,
                                          weight=1.1),
        ))  # fmt: skip
    items.append(parts.interval_item(canvas))
    marks = [m for row in rows for m in (row.model, row.area, row.direct) if m is not None]
    if any(mark.status == "flag" for mark in marks):
        items.append(parts.caution_item(canvas))
    return items
