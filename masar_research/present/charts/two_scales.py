"""Two numeric scales: points with whiskers, a line, shaded cells, a line to compare with.

Numbers run from left to right and upwards in both languages; the words are those of the language.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from masar_research.errors import ParameterError
from masar_research.present import theme
from masar_research.present.art import Art
from masar_research.present.canvas import Canvas, house_settings, line_height, measure, wrap
from masar_research.present.charts import parts
from masar_research.present.charts.placing import Rectangle, first_free
from masar_research.present.direction import Lang
from masar_research.present.numbers import Unit
from masar_research.present.scale import ticks

Reference = Literal["zero", "diagonal"]


@dataclass(frozen=True, slots=True)
class Spot:
    """A point; `low … high` its whisker, `label` words beside it, `strong` in the accent."""

    x: float
    y: float
    low: float | None = None
    high: float | None = None
    label: str = ""
    strong: bool = False


@dataclass(frozen=True, slots=True)
class Cell:
    """A shaded rectangle; `share` 0 … 1 of the darkest."""

    left: float
    right: float
    low: float
    high: float
    share: float


@dataclass(frozen=True, slots=True)
class Drawn:
    """What stands on the two scales.

    Attributes
    ----------
    across, upward : str
        What each scale shows.
    spots, cells : tuple
    line : tuple of (x, y)
        Joined.
    reference : {"zero", "diagonal"} or float, optional
        A level of the upward scale, or equality of both.
    keys : tuple of (sign, words)
        sign "spot", "strong", "whisker", "line", "reference" or "cells".
    unit, upward_unit : {"number", "percent", "points"}
        Of each scale; percent and points take fractions.
    """

    across: str
    upward: str
    spots: tuple[Spot, ...] = ()
    cells: tuple[Cell, ...] = ()
    line: tuple[tuple[float, float], ...] = ()
    reference: Reference | float | None = None
    keys: tuple[tuple[str, str], ...] = ()
    unit: Unit = "number"
    upward_unit: Unit = "number"


def two_scales(drawn: Drawn, lang: Lang, *, width: float = 120.0, height: float = 84.0) -> Art:
    """Draw it.

    Parameters
    ----------
    drawn : Drawn
    lang : {"ar", "en"}
        Never mirrored.
    width, height : float
        Millimetres.

    Raises
    ------
    ParameterError
        Nothing to draw, or a point without a finite place.
    """
    if not (drawn.spots or drawn.cells or drawn.line):
        raise ParameterError("Nothing to draw.", remedy="Give points, cells or a line.",
                             ar="لا شيء يُرسم؛ أعطِ نقاطاً أو خطاً.")
    return _draw(drawn, lang, width, height).finish()


@house_settings()
def _draw(drawn: Drawn, lang: Lang, width: float, height: float) -> Canvas:
    canvas = Canvas(width, height, lang, mirror=False)
    xs, ys = _extent(drawn)
    across_marks, up_marks = ticks(*xs, 6), ticks(*ys, 6)
    title = wrap(drawn.upward, width, lang, theme.SMALL, theme.SEMIBOLD)
    top = _keys(canvas, drawn) + len(title) * line_height(theme.SMALL) + 2.4
    foot = wrap(drawn.across, width, lang, theme.SMALL, theme.SEMIBOLD)
    bottom = height - 6.4 - len(foot) * line_height(theme.SMALL)
    step = up_marks[1] - up_marks[0]
    labels = [parts.tick_text(v, step, lang, drawn.upward_unit) for v in up_marks]
    side = max(measure(text, lang, theme.SMALL) for text in labels) + 3.0
    across = parts.Axis(across_marks[0], across_marks[-1], side, width - 4.0)
    up = parts.Axis(up_marks[0], up_marks[-1], bottom, top)
    edge, anchor = (width, "end") if lang == "ar" else (0.0, "start")
    for i, words in enumerate(title):
        canvas.text(edge, top - 3.0 - (len(title) - 1 - i) * line_height(theme.SMALL), words,
                    size=theme.SMALL, weight=theme.SEMIBOLD, anchor=anchor)
    for value, text in zip(up_marks, labels, strict=True):
        canvas.line((side, up.at(value)), (across.end, up.at(value)), colour=theme.FAINT, layer=0)
        canvas.text(side - 2.0, up.at(value), text, size=theme.SMALL, colour=theme.MUTED, anchor="end", is_scale=True)
    parts.axis_ticks(canvas, across, across_marks, [(top, bottom)], drawn.unit)
    for i, words in enumerate(foot):
        canvas.text((side + across.end) / 2, bottom + 6.6 + i * line_height(theme.SMALL), words,
                    size=theme.SMALL, weight=theme.SEMIBOLD, anchor="middle")
    for cell in drawn.cells:
        left, right = across.at(cell.left), across.at(cell.right)
        canvas.box(left, up.at(cell.high), right - left, up.at(cell.low) - up.at(cell.high),
                   fill=theme.tint(theme.TEAL, 0.08 + 0.72 * cell.share))
    _reference(canvas, drawn.reference, across, up)
    for one, other in zip(drawn.line, drawn.line[1:], strict=False):
        canvas.line((across.at(one[0]), up.at(one[1])), (across.at(other[0]), up.at(other[1])),
                    colour=theme.ACCENT, weight=1.8, cap="round", layer=4)
    for spot in drawn.spots:
        colour = theme.ACCENT if spot.strong else theme.TEAL
        if spot.low is not None and spot.high is not None:
            canvas.line((across.at(spot.x), up.at(spot.low)), (across.at(spot.x), up.at(spot.high)),
                        colour=theme.tint(colour, 0.55), weight=1.5, cap="round", layer=4)
        canvas.dot(across.at(spot.x), up.at(spot.y), "o", colour, size=4.2)
    _labels(canvas, drawn.spots, across, up)
    return canvas


def _extent(drawn: Drawn) -> tuple[tuple[float, float], tuple[float, float]]:
    xs = [s.x for s in drawn.spots] + [x for c in drawn.cells for x in (c.left, c.right)] + [x for x, _ in drawn.line]
    ys = [y for s in drawn.spots for y in (s.y, s.low, s.high) if y is not None]
    ys += [y for c in drawn.cells for y in (c.low, c.high)] + [y for _, y in drawn.line]
    if drawn.reference == "diagonal":
        xs = ys = xs + ys
    elif drawn.reference is not None:
        ys.append(0.0 if drawn.reference == "zero" else float(drawn.reference))
    if not np.isfinite([*xs, *ys]).all():
        raise ParameterError("A point has no finite place.", remedy="Leave missing points out.",
                             ar="لإحدى النقاط قيمة مفقودة؛ احذفها.")
    return _span(xs), _span(ys)


def _span(values: Sequence[float]) -> tuple[float, float]:
    low, high = min(values), max(values)
    return low, high if high > low else low + 1


def _reference(canvas: Canvas, reference: Reference | float | None, across: parts.Axis, up: parts.Axis) -> None:
    if reference is None:
        return
    if reference == "diagonal":
        low, high = max(across.low, up.low), min(across.high, up.high)
        ends = (across.at(low), up.at(low)), (across.at(high), up.at(high))
    else:
        y = up.at(0.0 if reference == "zero" else float(reference))
        ends = (across.start, y), (across.end, y)
    canvas.line(*ends, colour=theme.INK, weight=0.9, dashed=True, layer=3)


def _labels(canvas: Canvas, spots: Sequence[Spot], across: parts.Axis, up: parts.Axis) -> None:
    taken: list[Rectangle] = [
        (across.at(s.x) - 1.0, up.at(s.y) - 1.0, across.at(s.x) + 1.0, up.at(s.y) + 1.0) for s in spots
    ]
    texts: list[Rectangle] = []
    for spot in spots:
        if not spot.label:
            continue
        x, y, wide = across.at(spot.x), up.at(spot.y), measure(spot.label, canvas.lang, theme.SMALL)
        places = [(x + 1.8, y), (x - 1.8 - wide, y), (x - wide / 2, y - 3.0), (x - wide / 2, y + 3.0)]
        places += [(x + 1.8, y + d) for d in (-3.2, 3.2, -6.4, 6.4)]
        frames = [(a, b - 1.6, a + wide, b + 1.6) for a, b in places]
        inside = [f for f in frames if f[0] >= across.start and f[2] <= canvas.width
                  and up.end - 2 <= f[1] and f[3] <= up.start + 1]
        if not inside:
            continue
        chosen = inside[first_free(inside, taken, texts)]
        texts.append(chosen)
        canvas.text((chosen[0] + chosen[2]) / 2, (chosen[1] + chosen[3]) / 2, spot.label, size=theme.SMALL,
                    colour=theme.ACCENT if spot.strong else theme.INK, anchor="middle")


def _keys(canvas: Canvas, drawn: Drawn) -> float:
    """Draw the key from the start of reading; its height."""
    def sign(kind: str, x: float, y: float) -> None:
        if kind in ("spot", "strong"):
            canvas.dot(x + 2.5, y, "o", theme.ACCENT if kind == "strong" else theme.TEAL, size=4.2)
        elif kind == "cells":
            canvas.box(x, y - 1.3, 5.0, 2.6, fill=theme.tint(theme.TEAL, 0.5))
        elif kind == "whisker":
            canvas.line((x + 2.5, y - 1.7), (x + 2.5, y + 1.7), colour=theme.tint(theme.TEAL, 0.55), weight=1.5)
        else:
            canvas.line((x, y), (x + 5.0, y), colour=theme.ACCENT if kind == "line" else theme.INK,
                        weight=1.8 if kind == "line" else 0.9, dashed=kind == "reference")

    items = [parts.KeyItem(words, theme.MUTED, 5.0, lambda x, y, kind=kind: sign(kind, x, y))
             for kind, words in drawn.keys]
    lines = parts.key_lines(canvas.width, canvas.lang, items)
    arabic = canvas.lang == "ar"
    for number, line in enumerate(lines):
        y, x = 2.4 + number * 4.4, canvas.width if arabic else 0.0
        for item in line:
            width, shift = parts.item_width(item, canvas.lang), item.width + 1.2
            item.draw(x - item.width if arabic else x, y)
            canvas.text(x - shift if arabic else x + shift, y, item.words, size=theme.SMALL,
                        colour=item.colour, anchor="end" if arabic else "start")
            x += -(width + 5) if arabic else width + 5
    return parts.key_height(lines) + (1.0 if lines else 0.0)
