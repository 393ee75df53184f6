"""One look for every chart, table and page: colours, shapes, sizes.

Each group keeps its colour and its shape in every brief. Colours that can stand in one chart
differ in lightness as well as in hue, so that they part under every common colour blindness
and in grey print; shapes say the same once more.
"""

from __future__ import annotations

from dataclasses import dataclass

from masar_research.errors import ParameterError
from masar_research.present.direction import Lang

INK = "#16302f"
TEAL = "#0e5a5a"
ACCENT = "#c2542d"
OCHRE = "#b8860b"
MUTED = "#5f6e6d"
LINE = "#c9d2d1"
FAINT = "#e9eeed"
PAPER = "#ffffff"
WASH = "#f4f7f6"
HATCH = "#9aa5a4"
SEQUENTIAL = ("#dcebe8", "#a3cbc5", "#62a8a2", "#1f6f6d", "#0b4343")

FULL_WIDTH = 170.0
HALF_WIDTH = 82.0
PNG_DPI = 220
SMALLEST = 7.5
SMALL = 7.5
TEXT = 8.5
HEAD = 8.5
REGULAR, SEMIBOLD = 400, 600


@dataclass(frozen=True, slots=True)
class Group:
    """How a group looks, and what it is called in a key.

    Attributes
    ----------
    colour : str
        Marker, whisker and label; at least 4.5:1 on white.
    marker : str
        matplotlib's marker code.
    en, ar : str
    """

    colour: str
    marker: str
    en: str
    ar: str

    def label(self, lang: Lang) -> str:
        """The name in one language."""
        return self.ar if lang == "ar" else self.en


GROUPS = {
    "all": Group(INK, "D", "All", "الجميع"),
    "women": Group(ACCENT, "o", "Women", "النساء"),
    "men": Group(TEAL, "s", "Men", "الرجال"),
    "youth": Group("#8a6100", "^", "Youth", "الشباب"),
    "jordanians": Group(TEAL, "o", "Jordanians", "الأردنيون"),
    "all_residents": Group("#75589a", "D", "All residents", "جميع المقيمين"),
    "middle": Group("#0e5a5a", "o", "Middle", "إقليم الوسط"),
    "north": Group("#8a6100", "s", "North", "إقليم الشمال"),
    "south": Group("#7d3c98", "^", "South", "إقليم الجنوب"),
    "urban": Group("#0e5a5a", "o", "Urban", "الحضر"),
    "rural": Group("#8a6100", "s", "Rural", "الريف"),
    "plain": Group(TEAL, "o", "", ""),
}


def group(key: str) -> Group:
    """The look of a group.

    Raises
    ------
    ParameterError
        If the group has no colour of its own yet.

    Examples
    --------
    >>> group("women").ar
    'النساء'
    """
    if key not in GROUPS:
        raise ParameterError(
            f"{key!r} is not a group with a colour of its own: {', '.join(GROUPS)}.",
            remedy="Use one of those, or 'plain' for rows that are not compared by colour.",
        )
    return GROUPS[key]


def tint(colour: str, share: float) -> str:
    """A colour mixed with white; `share` of the colour stays."""
    parts = [int(colour[i : i + 2], 16) for i in (1, 3, 5)]
    return "#" + "".join(f"{round(255 + (part - 255) * share):02x}" for part in parts)


def luminance(colour: str) -> float:
    """Relative luminance of a colour, 0 (black) to 1 (white), as WCAG 2 defines it."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """Contrast ratio of two colours, 1 to 21 (WCAG 2)."""
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def readable_on(fill: str) -> str:
    """Ink or paper, whichever stands out more on `fill`."""
    return max((INK, PAPER), key=lambda colour: contrast(colour, fill))
