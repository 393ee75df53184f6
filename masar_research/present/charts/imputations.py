"""Charts of imputations: chains round by round, and answers beside imputed ones."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from masar_research.errors import ParameterError
from masar_research.present import numbers, theme
from masar_research.present.art import Art
from masar_research.present.canvas import Canvas, house_settings, measure, wrap
from masar_research.present.charts import parts
from masar_research.present.direction import Lang
from masar_research.present.scale import ticks

_ROW = 9.6
_IMPUTED = "#d99a2b"


def chains(
    traces: Sequence[np.ndarray], lang: Lang, *, title: str, rounds: str, width: float = theme.FULL_WIDTH,
    height: float = 62.0, digits: int | None = None,
) -> Art:  # fmt: skip
    """A line per chain over the rounds.

    Parameters
    ----------
    traces : sequence of (iterations,) float arrays
        Of one length, two at least.
    lang : {"ar", "en"}
        Time is never mirrored.
    title, rounds : str
        What is drawn; the words of the horizontal axis.
    width, height : float
        Millimetres.
    digits : int, optional
        Decimals of the vertical scale; as its steps need by default.

    Raises
    ------
    ParameterError
        Fewer than two rounds, or nothing to draw.
    """
    lines = np.array(traces, float)
    if lines.ndim != 2 or lines.shape[1] < 2 or not np.isfinite(lines).any():
        raise ParameterError("A trace needs at least two rounds with imputed values.",
                             remedy="Impute with iterations of two or more.",
                             ar="يلزم لرسم المسار جولتان على الأقل فيهما قيم معوَّضة.")  # fmt: skip
    return _chains(lines, lang, title, rounds, width, height, digits).finish()


@house_settings()
def _chains(
    lines: np.ndarray, lang: Lang, title: str, rounds: str, width: float, height: float, digits: int | None
) -> Canvas:
    canvas = Canvas(width, height, lang, mirror=False)
    low, high = float(np.nanmin(lines)), float(np.nanmax(lines))
    if high == low:
        low, high = low - 0.5, high + 0.5
    marks = ticks(low, high)
    step = marks[1] - marks[0] if len(marks) > 1 else 1.0
    fine = max(0, -int(np.floor(np.log10(step) + 1e-9))) if digits is None else digits
    said = [numbers.number(v, lang, fine) for v in marks]
    side = max(measure(text, lang, theme.SMALL) for text in said) + 3.0
    up = parts.Axis(min(low, marks[0]), max(high, marks[-1]), height - 12.0, 9.0)
    count = lines.shape[1]
    across = parts.Axis(1, count, side, width - 4.0)
    # Text runs with its language; the plot itself never mirrors.
    canvas.text(0 if lang == "en" else width, 3.0, title, weight=theme.SEMIBOLD,
                anchor="start" if lang == "en" else "end")  # fmt: skip
    for value, text in zip(marks, said, strict=True):
        y = up.at(value)
        canvas.line((side, y), (width - 4.0, y))
        canvas.text(side - 2.0, y, text, size=theme.SMALL, colour=theme.MUTED, anchor="end", is_scale=True)
    every = max(1, round(count / 10))
    for i in range(1, count + 1):
        if i == 1 or i % every == 0:
            canvas.text(across.at(i), height - 8.0, numbers.number(i, lang), size=theme.SMALL,
                        colour=theme.MUTED, anchor="middle", is_scale=True)  # fmt: skip
    canvas.text((side + width - 4.0) / 2, height - 3.0, rounds, size=theme.SMALL, colour=theme.MUTED, anchor="middle")
    shades = (theme.TEAL, "#d99a2b", "#75589a", "#8a6100", "#7aa4a4")
    for k, line in enumerate(lines):
        for i in range(count - 1):
            if np.isfinite(line[i : i + 2]).all():
                canvas.line((across.at(i + 1), up.at(line[i])), (across.at(i + 2), up.at(line[i + 1])),
                            colour=shades[k % len(shades)], weight=1.1, cap="round", layer=3)  # fmt: skip
    return canvas


def beside(
    rows: Sequence[tuple[str, float | None, float | None]], lang: Lang, *, names: tuple[str, str], title: str,
    width: float = theme.FULL_WIDTH,
) -> Art:  # fmt: skip
    """Shares among the answers and among the imputed, a pair of bars per class.

    Parameters
    ----------
    rows : sequence of (label, answered, imputed)
        Fractions; None for one that may not be shown.
    lang : {"ar", "en"}
        Arabic bars start from the right.
    names : (answered, imputed)
        Words of the key.
    title : str
    width : float
        Millimetres.
    """
    if not rows:
        raise ParameterError("A chart needs at least one class.", remedy="Pass rows that may be shown.")
    return _beside(rows, lang, names, title, width).finish()


@house_settings()
def _beside(
    rows: Sequence[tuple[str, float | None, float | None]], lang: Lang, names: tuple[str, str], title: str, width: float,
) -> Canvas:  # fmt: skip
    labels = [wrap(label, 0.4 * width, lang) for label, _, _ in rows]
    tall = [max(_ROW, 4.2 * len(lines) + 2.0) for lines in labels]
    head = wrap(title, width, lang, theme.TEXT, theme.SEMIBOLD)
    top = 5.0 * len(head) + 8.0
    canvas = Canvas(width, top + sum(tall) + 2.0, lang)
    for i, line in enumerate(head):
        canvas.text(0, 3.0 + 5.0 * i, line, weight=theme.SEMIBOLD)
    x = 0.0
    for words, colour in zip(names, (theme.TEAL, _IMPUTED), strict=True):
        canvas.box(x, top - 6.4, 4.0, 2.6, fill=colour)
        canvas.text(x + 5.5, top - 5.0, words, size=theme.SMALL, colour=theme.MUTED)
        x += 5.5 + measure(words, lang, theme.SMALL) + 7.0
    start = max(measure(line, lang) for lines in labels for line in lines) + 4.0
    most = max([v for _, *pair in rows for v in pair if v is not None], default=1.0) or 1.0
    room = width - start - 16.0
    y = top
    for (_, *pair), lines, height in zip(rows, labels, tall, strict=True):
        for i, line in enumerate(lines):
            canvas.text(0, y + height / 2 + 4.2 * (i - (len(lines) - 1) / 2), line)
        for place, (value, colour) in enumerate(zip(pair, (theme.TEAL, _IMPUTED), strict=True)):
            at = y + height / 2 + (-3.8 if place == 0 else 0.2)
            if value is None:
                canvas.text(start, at + 1.8, "*", size=theme.SMALL, colour=theme.MUTED)
                continue
            long = room * value / most
            canvas.box(start, at, max(long, 0.2), 3.4, fill=colour)
            canvas.text(start + long + 1.5, at + 1.8, numbers.percent(value, lang, 1), size=theme.SMALL)
        y += height
    return canvas
