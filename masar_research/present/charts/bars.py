"""Stacked bars of a whole: how each group divides among a few states."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from masar_research.errors import ParameterError
from masar_research.present import theme
from masar_research.present.art import Art
from masar_research.present.canvas import Canvas, house_settings, line_height, measure, wrap
from masar_research.present.charts import parts
from masar_research.present.charts.placing import side_by_side
from masar_research.present.charts.rows import Part
from masar_research.present.charts.words import say
from masar_research.present.direction import Lang

_ROW = 8.4
_BAR = 5.2
_FILLS = (theme.TEAL, "#d99a2b", "#d5dddc", "#7aa4a4")


@dataclass(frozen=True, slots=True)
class Stack:
    """A group and its parts, in the order of the categories; their values add up to one."""

    label: str
    parts: tuple[Part, ...]


def bars(
    stacks: Sequence[Stack], categories: Sequence[str], lang: Lang, *,
    width: float = theme.FULL_WIDTH, digits: int = 1,
) -> Art:  # fmt: skip
    """Draw shares of a whole as bars of equal length.

    Parameters
    ----------
    stacks : sequence of Stack
    categories : sequence of str
        Two to four, the same for every bar (employed, unemployed, outside the labour force).
    lang : {"ar", "en"}
        Arabic bars start from the right.
    width : float
        Millimetres.
    digits : int

    Returns
    -------
    Art

    Raises
    ------
    ParameterError
        If parts are missing or do not add up to one, or there are too many categories.

    Notes
    -----
    Lengths give a hidden part away, so a bar of which any part is suppressed is not drawn at
    all. Figures that do not fit in their part stand above it.
    """
    return draw(stacks, categories, lang, width=width, digits=digits).finish()


@house_settings()
def draw(
    stacks: Sequence[Stack], categories: Sequence[str], lang: Lang, *, width: float, digits: int
) -> Canvas:
    """The sheet of `bars`."""
    _check(stacks, categories)
    room = min(max(measure(stack.label, lang) for stack in stacks), 0.4 * width)
    lines = {stack.label: wrap(stack.label, room, lang) for stack in stacks}
    room = max(measure(line, lang) for wrapped in lines.values() for line in wrapped)
    axis = parts.Axis(0.0, 1.0, room + 4.0, width - 0.5)
    items = [
        parts.KeyItem(
            words=words, colour=theme.INK, width=4.0,
            draw=lambda x, y, fill=fill: canvas.box(x, y - 1.4, 4.0, 2.8, fill=fill),
        )
        for words, fill in zip(categories, _FILLS, strict=False)
    ]  # fmt: skip
    key = parts.key_lines(width, lang, items)
    top = parts.key_height(key) + 0.5
    lifted = [_lifted(stack, axis, lang, digits) for stack in stacks]
    heights = [
        max(_ROW, len(lines[stack.label]) * line_height(theme.TEXT) + 1.4) + (3.4 if above else 0.0)
        for stack, above in zip(stacks, lifted, strict=True)
    ]
    canvas = Canvas(width, top + sum(heights), lang)
    parts.draw_key(canvas, key, 0)
    y = top
    for stack, above, tall in zip(stacks, lifted, heights, strict=True):
        middle = y + tall / 2 + (1.7 if above else 0.0)
        wrapped = lines[stack.label]
        parts.row_label(canvas, wrapped, middle)
        _bar(canvas, stack, axis, middle, above, digits)
        y += tall
    return canvas


def _bar(canvas: Canvas, stack: Stack, axis: parts.Axis, y: float, above: frozenset[int], digits: int) -> None:
    if any(part.value is None for part in stack.parts):
        canvas.box(axis.start, y - _BAR / 2, axis.end - axis.start, _BAR, fill="#f3f5f5", hatched=True)
        canvas.text(axis.start + 1.6, y, say("not_shown", canvas.lang), size=theme.SMALL, colour=theme.MUTED, backed=True)
        return
    begin = 0.0
    lifted: list[tuple[float, float, str]] = []
    for index, (part, fill) in enumerate(zip(stack.parts, _FILLS, strict=False)):
        value = part.value or 0.0
        start, end = axis.at(begin), axis.at(begin + value)
        canvas.box(start, y - _BAR / 2, end - start, _BAR, fill=fill, edge=theme.PAPER)
        words = _figure(part, canvas.lang, digits)
        if index in above:
            wide = measure(words, canvas.lang, theme.SMALL, theme.SEMIBOLD)
            lifted.append(((start + end) / 2, wide, words))
        else:
            canvas.text(
                (start + end) / 2, y, words, size=theme.SMALL, weight=theme.SEMIBOLD, anchor="middle",
                colour=theme.readable_on(fill),
            )  # fmt: skip
        begin += value
    places = side_by_side([(at, wide) for at, wide, _ in lifted], axis.start, axis.end, 1.6)
    for place, (_, _, words) in zip(places, lifted, strict=True):
        canvas.text(
            place, y - _BAR / 2 - 1.9, words, size=theme.SMALL, weight=theme.SEMIBOLD, anchor="middle"
        )


def _figure(part: Part, lang: Lang, digits: int) -> str:
    text = parts.figure_text(part.value or 0.0, lang, "percent", digits)
    return f"({text})" if part.status == "flag" else text


def _lifted(stack: Stack, axis: parts.Axis, lang: Lang, digits: int) -> frozenset[int]:
    if any(part.value is None for part in stack.parts):
        return frozenset()
    scale = axis.end - axis.start
    return frozenset(
        index
        for index, part in enumerate(stack.parts)
        if measure(_figure(part, lang, digits), lang, theme.SMALL, theme.SEMIBOLD) + 1.6 > (part.value or 0.0) * scale
    )


def _check(stacks: Sequence[Stack], categories: Sequence[str]) -> None:
    if not stacks or not 2 <= len(categories) <= len(_FILLS):
        raise ParameterError(
            f"Stacked bars need bars and 2 to {len(_FILLS)} categories; found {len(stacks)} and {len(categories)}.",
            remedy="Merge small categories, or use dots().",
        )
    for stack in stacks:
        if len(stack.parts) != len(categories):
            raise ParameterError(
                f"{stack.label!r} has {len(stack.parts)} parts for {len(categories)} categories.",
                remedy="Give one part per category, suppressed ones without a value.",
            )
        values = [part.value for part in stack.parts if part.value is not None]
        if len(values) == len(stack.parts) and abs(sum(values) - 1.0) > 1e-6:
            raise ParameterError(
                f"The parts of {stack.label!r} add up to {sum(values):.6f}, not one.",
                remedy="Pass shares of the same whole.",
            )
