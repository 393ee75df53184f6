"""A sheet measured in millimetres on which charts are drawn, mirrored for Arabic.

Positions count from the upper corner where reading begins: the left one in English, the right
one when the sheet is mirrored. Text is placed by reading direction (start, middle, end), so a
chart is laid out once for both.
"""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from typing import Literal

import matplotlib
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import PathPatch, Polygon, Rectangle
from matplotlib.path import Path
from matplotlib.text import Text
from matplotlib.textpath import text_to_path

from masar_research.errors import ParameterError
from masar_research.present import fonts, theme
from masar_research.present.art import Art
from masar_research.present.direction import Lang, bare, embed

MM = 25.4
Anchor = Literal["start", "middle", "end"]
_DPI = 144
_SETTINGS = {
    "svg.fonttype": "path", "svg.hashsalt": "masar", "svg.id": None, "hatch.linewidth": 0.6,
    "path.simplify": False, "text.hinting": "none", "text.parse_math": False,
}  # fmt: skip
_RISE, _RISE_ARABIC = 0.34, 0.27
_ARABIC = re.compile("[\u0621-\u064a]")
_SETTLED: ContextVar[bool] = ContextVar("house_settings", default=False)
_ID = re.compile(r'(\bid=")([^"]+)(")')
_REFERENCE = re.compile(r'(url\(#|href="#)([^")]+)')
_METADATA = re.compile(r"\s*<metadata>.*?</metadata>", re.DOTALL)


@contextmanager
def house_settings() -> Iterator[None]:
    """matplotlib's own defaults and ours for the time of a drawing; the caller's come back."""
    if _SETTLED.get():
        yield
        return
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_SETTINGS)
        token = _SETTLED.set(True)
        try:
            yield
        finally:
            _SETTLED.reset(token)


class Canvas:
    """The sheet. One per chart, drawn on under `house_settings`; `finish` makes it an `Art`.

    Parameters
    ----------
    width, height : float
        Millimetres.
    lang : {"ar", "en"}
    mirror : bool, optional
        Count from the right. By default as the language reads; maps and time never mirror.
    """

    def __init__(self, width: float, height: float, lang: Lang, *, mirror: bool | None = None) -> None:
        self.width, self.height, self.lang = width, height, lang
        self.mirror = lang == "ar" if mirror is None else mirror
        self.figure = Figure(figsize=(width / MM, height / MM), dpi=_DPI, facecolor=theme.PAPER)
        self.axes = self.figure.add_axes((0, 0, 1, 1))
        self.axes.set_xlim(0, width)
        self.axes.set_ylim(height, 0)
        self.axes.axis("off")
        self.texts: list[str] = []
        self.scale: list[str] = []
        self.drawn: list[Text] = []

    def x(self, x: float) -> float:
        """From reading order to the sheet."""
        return self.width - x if self.mirror else x

    def text(
        self, x: float, y: float, words: str, *, size: float = theme.TEXT, weight: int = theme.REGULAR,
        colour: str = theme.INK, anchor: Anchor = "start", is_scale: bool = False,
        backed: bool = False,
    ) -> None:  # fmt: skip
        """Words with the middle of their letters at `y`; `backed` clears the lines behind them."""
        _fit_to_read(words, size)
        _known(words)
        if backed:
            wide, tall = measure(words, self.lang, size, weight) + 1.0, size / 72 * MM
            left = x - {"start": 0.5, "middle": wide / 2, "end": wide - 0.5}[anchor]
            self.box(left, y - tall * 0.55, wide, tall * 1.1, fill=theme.PAPER, layer=3)
        sides = {"start": "left", "end": "right", "middle": "center"}
        if self.mirror:
            sides |= {"start": "right", "end": "left"}
        rise = _RISE_ARABIC if _ARABIC.search(words) else _RISE
        artist = self.axes.text(
            self.x(x), y + rise * size / 72 * MM, embed(words, self.lang),
            fontproperties=fonts.properties(size, weight), color=colour, ha=sides[anchor],
            va="baseline", parse_math=False, zorder=6,
        )  # fmt: skip
        self.drawn.append(artist)
        self.texts.append(bare(words))
        if is_scale:
            self.scale.append(bare(words))

    def line(
        self, start: tuple[float, float], end: tuple[float, float], *, colour: str = theme.LINE,
        weight: float = 0.6, dashed: bool = False, cap: Literal["butt", "round"] = "butt",
        layer: int = 2,
    ) -> None:  # fmt: skip
        """A straight stroke; `weight` in points."""
        self.axes.add_line(
            Line2D(
                [self.x(start[0]), self.x(end[0])], [start[1], end[1]], color=colour, lw=weight,
                ls=(0, (3, 2)) if dashed else "-", solid_capstyle=cap, zorder=layer,
            )  # fmt: skip
        )

    def dot(
        self, x: float, y: float, marker: str, colour: str, *, hollow: bool = False, size: float = 5.6
    ) -> None:
        """A marker; hollow ones ask for caution."""
        scale = {"s": 0.9, "D": 0.85, "^": 1.1, "v": 1.1}.get(marker, 1.0)
        self.axes.add_line(
            Line2D(
                [self.x(x)], [y], marker=marker, ls="", ms=size * scale, mec=colour,
                mfc=theme.PAPER if hollow else colour, mew=1.3 if hollow else 0.6, zorder=5,
            )  # fmt: skip
        )

    def box(
        self, x: float, y: float, width: float, height: float, *, fill: str, edge: str | None = None,
        hatched: bool = False, layer: int = 1,
    ) -> None:  # fmt: skip
        """A rectangle whose corner nearest the start of reading is (x, y)."""
        left = self.x(x) - (width if self.mirror else 0)
        self.axes.add_patch(
            Rectangle(
                (left, y), width, height, facecolor=fill, edgecolor=edge or "none", linewidth=0.6,
                hatch="//////" if hatched else None, hatchcolor=theme.LINE, zorder=layer,
            )  # fmt: skip
        )

    def outline(
        self, rings: Sequence[np.ndarray], *, fill: str, edge: str, weight: float = 0.6,
        hatched: bool = False, layer: int = 1,
    ) -> None:  # fmt: skip
        """A shape of rings (k, 2) in sheet millimetres; holes wind the other way. Not mirrored."""
        vertices = np.concatenate(rings)
        codes = np.concatenate([_ring_codes(len(ring)) for ring in rings])
        self.axes.add_patch(
            PathPatch(
                Path(vertices, codes), facecolor=fill, edgecolor=edge, linewidth=weight,
                hatch="//////" if hatched else None, hatchcolor=theme.LINE, joinstyle="round",
                zorder=layer,
            )  # fmt: skip
        )

    def band(self, upper: np.ndarray, lower: np.ndarray, colour: str) -> None:
        """The area between two lines, points (k, 2) in sheet millimetres. Not mirrored."""
        self.axes.add_patch(
            Polygon(np.vstack([upper, lower[::-1]]), closed=True, facecolor=colour, edgecolor="none", zorder=1)
        )

    @house_settings()
    def boxes(self) -> list[tuple[str, tuple[float, float, float, float]]]:
        """Each text with its box on the sheet: left, top, right, bottom in millimetres."""
        renderer = FigureCanvasAgg(self.figure).get_renderer()
        out = []
        for artist in self.drawn:
            extent = artist.get_window_extent(renderer)
            left, right = extent.x0 / _DPI * MM, extent.x1 / _DPI * MM
            top, bottom = self.height - extent.y1 / _DPI * MM, self.height - extent.y0 / _DPI * MM
            out.append((bare(artist.get_text()), (left, top, right, bottom)))
        return out

    @house_settings()
    def finish(self) -> Art:
        """The drawing as SVG and PNG; the same sheet gives the same bytes."""
        svg, png = io.StringIO(), io.BytesIO()
        self.figure.savefig(svg, format="svg", metadata={"Date": None, "Creator": None})
        self.figure.savefig(png, format="png", dpi=theme.PNG_DPI, metadata={"Software": None})
        return Art(
            svg=_own_ids(svg.getvalue()), png=png.getvalue(), texts=tuple(self.texts),
            width=self.width, height=self.height, scale=tuple(self.scale),
        )  # fmt: skip


@lru_cache(maxsize=4096)
@house_settings()
def measure(words: str, lang: Lang, size: float = theme.TEXT, weight: int = theme.REGULAR) -> float:
    """Width of a line of words in millimetres.

    Raises
    ------
    ParameterError
        If the font has no glyph for one of the characters.
    """
    _known(words)
    width, _, _ = text_to_path.get_text_width_height_descent(
        embed(words, lang), fonts.properties(size, weight), ismath=False
    )
    return float(width / 72 * MM)


def wrap(
    words: str, width: float, lang: Lang, size: float = theme.TEXT, weight: int = theme.REGULAR
) -> list[str]:
    """Words broken at spaces into lines no wider than `width`; a wider word is broken where it must."""
    lines: list[str] = []
    for word in (piece for whole in words.split(" ") for piece in _pieces(whole, width, lang, size, weight)):
        if lines and measure(f"{lines[-1]} {word}", lang, size, weight) <= width:
            lines[-1] = f"{lines[-1]} {word}"
        else:
            lines.append(word)
    return lines or [""]


def _pieces(word: str, width: float, lang: Lang, size: float, weight: int) -> list[str]:
    pieces = []
    while len(word) > 1 and measure(word, lang, size, weight) > width:
        fits = max(1, int(len(word) * width / measure(word, lang, size, weight)))
        while fits > 1 and measure(word[:fits], lang, size, weight) > width:
            fits -= 1
        pieces.append(word[:fits])
        word = word[fits:]
    return [*pieces, word]


def line_height(size: float) -> float:
    """Distance of two lines of text in millimetres."""
    return size * 1.42 / 72 * MM


def _ring_codes(length: int) -> np.ndarray:
    codes = np.full(length, Path.LINETO, dtype=np.uint8)
    codes[0], codes[-1] = Path.MOVETO, Path.CLOSEPOLY
    return codes


def _fit_to_read(words: str, size: float) -> None:
    if size < theme.SMALLEST:
        raise ParameterError(
            f"{words!r} would be set at {size} points; nothing is set below {theme.SMALLEST}.",
            remedy="Give the chart more room or shorten its labels.",
        )


def _known(words: str) -> None:
    unknown = fonts.missing([words])
    if unknown:
        listed = ", ".join(f"{c!r} (U+{ord(c):04X})" for c in sorted(unknown))
        raise ParameterError(
            f"The chart's font has no glyph for {listed}.",
            remedy="Write the label with letters of Arabic or Latin script.",
        )


def _own_ids(svg: str) -> str:
    svg = _METADATA.sub("", svg)
    mark = "m" + hashlib.sha256(svg.encode()).hexdigest()[:8] + "-"
    svg = _ID.sub(lambda m: f"{m[1]}{mark}{m[2]}{m[3]}", svg)
    return _REFERENCE.sub(lambda m: f"{m[1]}{mark}{m[2]}", svg)
