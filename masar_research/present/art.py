"""A finished drawing."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, repr=False)
class Art:
    """A drawing: one SVG with text as paths, one PNG, the strings drawn in it.

    Attributes
    ----------
    svg : str
        Stand-alone SVG; its ids are its own, so that several can stand in one page.
    png : bytes
        The same at `theme.PNG_DPI`.
    texts : tuple of str
        Every string drawn, in logical order, without directional controls.
    width, height : float
        Millimetres on the page.
    scale : tuple of str
        Those of `texts` that only mark the scale (axis ticks, class limits): they are no
        estimates and have no entry in a ledger.
    alt : str
        What the drawing shows, in words, for those who do not see it; empty where its page says so.
    """

    svg: str
    png: bytes
    texts: tuple[str, ...]
    width: float
    height: float
    scale: tuple[str, ...] = ()
    alt: str = ""

    def __repr__(self) -> str:
        return f"<drawing, {self.width:.0f} × {self.height:.0f} mm{': ' if self.alt else ''}{self.alt}>"

    def _repr_png_(self) -> bytes:
        return self.png
