"""Eigenvalues in falling order beside those of chance; never mirrored."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from masar_research.errors import ParameterError
from masar_research.present import theme
from masar_research.present.art import Art
from masar_research.present.canvas import Canvas, house_settings, measure
from masar_research.present.charts import parts
from masar_research.present.charts.curves import draw_key
from masar_research.present.direction import Lang
from masar_research.present.scale import ticks

_WORDS = {
    "seen": {"en": "Eigenvalues of the items", "ar": "الجذور الكامنة للبنود"},
    "chance": {"en": "Unrelated items, 95th percentile", "ar": "بنود لا رابط بينها، المئين 95"},
    "across": {"en": "Factor", "ar": "العامل"},
}
_SEEN, _CHANCE = (theme.TEAL, "o"), (theme.ACCENT, "s")


def scree(
    values: Sequence[float], chance: Sequence[float], lang: Lang, *, width: float = 110.0, height: float = 62.0
) -> Art:
    """Draw both lines over the number of the factor, from left to right in both languages.

    Parameters
    ----------
    values, chance : sequence of float, equally long
        Largest first.
    lang : {"ar", "en"}
    width, height : float
        Millimetres.

    Raises
    ------
    ParameterError
        Fewer than two values, or lines of different lengths.
    """
    if len(values) < 2 or len(values) != len(chance):
        raise ParameterError(f"A scree needs two lines of equal length; found {len(values)} and {len(chance)}.",
                             remedy="Give an eigenvalue of each kind per item.",
                             ar="يلزم للرسم خطان متساويا الطول، لكل بند قيمة في كل منهما.")  # fmt: skip
    return _draw(values, chance, lang, width, height).finish()


@house_settings()
def _draw(values: Sequence[float], chance: Sequence[float], lang: Lang, width: float, height: float) -> Canvas:
    scratch = Canvas(1, 1, lang)
    lines = parts.key_lines(width, lang, _key(scratch, lang))
    top = parts.key_height(lines)
    canvas = Canvas(width, top + height, lang, mirror=False)
    draw_key(canvas, parts.key_lines(width, lang, _key(canvas, lang)))
    marks = ticks(0.0, max(*values, *chance), 5)
    step = marks[1] - marks[0]
    side = max(measure(parts.tick_text(v, step, lang, "number"), lang, theme.SMALL) for v in marks) + 3.0
    vertical = parts.Axis(0.0, max(marks[-1], *values, *chance), top + height - 11.0, top + 2.0)
    level = parts.Axis(1.0, float(len(values)), side + 3.0, width - 4.0)
    for value in marks:
        y = vertical.at(value)
        canvas.line((side, y), (width, y), colour=theme.LINE if value == 0 else theme.FAINT, layer=1)
        canvas.text(side - 1.6, y, parts.tick_text(value, step, lang, "number"), size=theme.SMALL, colour=theme.MUTED,
                    anchor="end", is_scale=True)  # fmt: skip
    every = 1 + len(values) // 25
    for k in range(1, len(values) + 1, every):
        canvas.text(level.at(k), vertical.start + 3.0, parts.tick_text(k, 1.0, lang, "number"), size=theme.SMALL,
                    colour=theme.MUTED, anchor="middle", is_scale=True)  # fmt: skip
    canvas.text((level.start + level.end) / 2, vertical.start + 7.4, _WORDS["across"][lang], size=theme.SMALL,
                colour=theme.MUTED, anchor="middle")  # fmt: skip
    for of, (colour, marker), dashed in ((chance, _CHANCE, True), (values, _SEEN, False)):
        points = [(level.at(k + 1), vertical.at(v)) for k, v in enumerate(of)]
        for start, end in pairwise(points):
            canvas.line(start, end, colour=colour, weight=1.4, dashed=dashed, layer=4)
        for x, y in points:
            canvas.dot(x, y, marker, colour, size=4.2)
    return canvas


def _key(canvas: Canvas, lang: Lang) -> list[parts.KeyItem]:
    def item(name: str, colour: str, marker: str) -> parts.KeyItem:
        return parts.KeyItem(words=_WORDS[name][lang], colour=colour, width=2.6, bold=True,
                             draw=lambda x, y: canvas.dot(x + 1.3, y, marker, colour))  # fmt: skip

    return [item("seen", *_SEEN), item("chance", *_CHANCE)]

