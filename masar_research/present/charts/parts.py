"""What several charts share: keys, axes, whiskers, number text."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from masar_research.present import numbers, theme
from masar_research.present.canvas import Canvas, line_height, measure, wrap
from masar_research.present.charts.rows import Mark
from masar_research.present.charts.words import say
from masar_research.present.direction import Lang
from masar_research.present.numbers import Unit

GAP = 1.6
KEY_HEIGHT = 6.4
MODELLED = "D"


@dataclass(frozen=True, slots=True)
class Axis:
    """A linear scale on the sheet: values `low … high` over `start … end` millimetres."""

    low: float
    high: float
    start: float
    end: float

    def at(self, value: float) -> float:
        """Where a value stands."""
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)


def figure_text(value: float, lang: Lang, unit: Unit, digits: int) -> str:
    """A value as it is written beside its mark."""
    if unit == "percent":
        return numbers.percent(value, lang, digits)
    if unit == "points":
        return numbers.signed_points(value, lang, digits)
    return numbers.number(value, lang, digits)


def tick_text(value: float, step: float, lang: Lang, unit: Unit) -> str:
    """A tick with as many decimals as its step needs."""
    size = step * (1 if unit == "number" else 100)
    digits = next(d for d in range(7) if abs(round(size, d) - size) < 1e-9 * max(1, size))
    return figure_text(value, lang, unit, digits)


def axis_ticks(
    canvas: Canvas, axis: Axis, marks: Sequence[float], spans: Sequence[tuple[float, float]],
    unit: Unit,
) -> None:  # fmt: skip
    """Light lines over `spans` (top, bottom), figures beneath the last; those that would touch
    are left out."""
    step = marks[1] - marks[0]
    labels = [tick_text(value, step, canvas.lang, unit) for value in marks]
    widest = max(measure(label, canvas.lang, theme.SMALL) for label in labels)
    apart = abs(axis.at(marks[1]) - axis.at(marks[0]))
    every = 1
    while apart * every < widest + 2.5:
        every += 1
    offset = next((i for i, value in enumerate(marks) if value == 0), 0) % every
    for index, (value, label) in enumerate(zip(marks, labels, strict=True)):
        x = axis.at(value)
        for top, bottom in spans:
            canvas.line((x, top), (x, bottom), colour=theme.FAINT, weight=0.6, layer=1)
        if index % every == offset:
            canvas.text(
                x, spans[-1][1] + 2.4, label, size=theme.SMALL, colour=theme.MUTED, anchor="middle",
                is_scale=True,
            )  # fmt: skip


def heading(canvas: Canvas, words: str, start: float, width: float, top: float) -> None:
    """A heading with its rule, 6.6 mm in all."""
    canvas.text(start, top + 2.8, words, size=theme.HEAD, weight=theme.SEMIBOLD)
    canvas.line((start, top + 5.7), (start + width, top + 5.7), colour=theme.LINE, weight=0.8)


def whisker(canvas: Canvas, axis: Axis, mark: Mark, y: float, *, colour: str | None = None) -> None:
    """Interval and point of a shown mark."""
    look = theme.group(mark.group)
    colour = colour or look.colour
    low, high = mark.span
    if high > low:
        canvas.line(
            (axis.at(low), y), (axis.at(high), y), colour=theme.tint(colour, 0.55), weight=1.7,
            cap="round", layer=4,
        )  # fmt: skip
    assert mark.value is not None
    marker = MODELLED if mark.modelled else look.marker
    canvas.dot(axis.at(mark.value), y, marker, colour, hollow=mark.status == "flag")


@dataclass(frozen=True, slots=True)
class KeyItem:
    """An entry of a key: a sign drawn at (x, y) of `width` millimetres, and its words."""

    words: str
    colour: str
    width: float
    draw: Callable[[float, float], None]
    bold: bool = False


def group_item(canvas: Canvas, key: str) -> KeyItem:
    """The marker and name of a group."""
    look = theme.group(key)
    return KeyItem(
        words=look.label(canvas.lang), colour=look.colour, width=2.6, bold=True,
        draw=lambda x, y: canvas.dot(x + 1.3, y, look.marker, look.colour),
    )  # fmt: skip


def interval_item(canvas: Canvas, colour: str = theme.MUTED) -> KeyItem:
    """The whisker and what it is."""
    return KeyItem(
        words=say("interval", canvas.lang), colour=theme.MUTED, width=6.0,
        draw=lambda x, y: canvas.line(
            (x + 0.3, y), (x + 5.7, y), colour=theme.tint(colour, 0.55), weight=1.7, cap="round", layer=4
        ),
    )  # fmt: skip


def caution_item(canvas: Canvas, marker: str = "o") -> KeyItem:
    """The hollow marker and what it asks for."""
    return KeyItem(
        words=say("caution", canvas.lang), colour=theme.MUTED, width=2.6,
        draw=lambda x, y: canvas.dot(x + 1.3, y, marker, theme.MUTED, hollow=True),
    )  # fmt: skip


def modelled_item(canvas: Canvas) -> KeyItem:
    """The diamond of figures that a model made."""
    return KeyItem(
        words=say("modelled", canvas.lang), colour=theme.INK, width=2.6,
        draw=lambda x, y: canvas.dot(x + 1.3, y, MODELLED, theme.INK),
    )  # fmt: skip


def note_item(words: str) -> KeyItem:
    """Words in a key without a sign: the unit."""
    return KeyItem(words=words, colour=theme.INK, width=-1.2, draw=lambda x, y: None, bold=True)


def wrapped_labels(labels: Iterable[str], share: float, lang: Lang) -> tuple[dict[str, list[str]], float]:
    """Labels of rows wrapped into at most `share` millimetres, and the room the widest line takes."""
    labels = list(labels)
    room = min(max(measure(label, lang, theme.TEXT) for label in labels), share)
    lines = {label: wrap(label, room, lang, theme.TEXT) for label in labels}
    return lines, max(measure(line, lang, theme.TEXT) for wrapped in lines.values() for line in wrapped)


def row_label(canvas: Canvas, lines: Sequence[str], middle: float) -> None:
    """A row's label where reading starts, its lines around the row's middle."""
    for i, words in enumerate(lines):
        canvas.text(0, middle + (i - (len(lines) - 1) / 2) * line_height(theme.TEXT), words)


def key_lines(canvas_width: float, lang: Lang, items: Sequence[KeyItem]) -> list[list[KeyItem]]:
    """Entries of a key spread over lines of the sheet's width."""
    lines: list[list[KeyItem]] = []
    used = 0.0
    for item in items:
        width = item_width(item, lang)
        if lines and used + 5 + width <= canvas_width:
            lines[-1].append(item)
            used += 5 + width
        else:
            lines.append([item])
            used = width
    return lines


def item_width(item: KeyItem, lang: Lang) -> float:
    """Millimetres of a key entry."""
    weight = theme.SEMIBOLD if item.bold else theme.REGULAR
    return item.width + 1.2 + measure(item.words, lang, theme.SMALL, weight)


def draw_key(canvas: Canvas, lines: Sequence[Sequence[KeyItem]], top: float) -> None:
    """The key, from the start of reading."""
    for number, line in enumerate(lines):
        x, y = 0.0, top + 2.4 + number * 4.4
        for item in line:
            item.draw(x, y)
            canvas.text(
                x + item.width + 1.2, y, item.words, size=theme.SMALL, colour=item.colour,
                weight=theme.SEMIBOLD if item.bold else theme.REGULAR,
            )  # fmt: skip
            x += item_width(item, canvas.lang) + 5


def key_height(lines: Sequence[Sequence[KeyItem]]) -> float:
    """Millimetres the key takes, with the space beneath."""
    return len(lines) * 4.4 + 1.8 if lines else 0.0
