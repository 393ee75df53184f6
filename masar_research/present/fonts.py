"""The two typefaces of the house, taken from their packages; system fonts play no part.

IBM Plex Sans Arabic (Arabic and Latin) for charts and screens; Amiri for long text in PDF,
whose words come out of the file as they went in. Both under the Open Font License.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import fontpkg
from fontTools import subset
from fontTools.ttLib import TTFont
from matplotlib.font_manager import FontProperties

from masar_research.errors import ParameterError
from masar_research.present.direction import CONTROLS, Lang

SANS = "IBM Plex Sans Arabic"
NASKH = "Amiri"
_ALWAYS = "0123456789.,%+-−–—()[]:;·•«»“”‘’'\"/ \u00a0\u200c\u200d،؛؟…" + CONTROLS


@dataclass(frozen=True, slots=True)
class Face:
    """One file of a family, and the name and weight a page calls it by."""

    family: str
    weight: int
    css_family: str

    @property
    def path(self) -> Path:
        """The font file."""
        return font_path(self.family, self.weight)


SCREEN_FACES = (
    Face(SANS, 400, "Masar Sans"),
    Face(SANS, 600, "Masar Sans"),
)
READING_FACES = (
    Face(NASKH, 400, "Masar Naskh"),
    Face(NASKH, 700, "Masar Naskh"),
)


@lru_cache(maxsize=32)
def font_path(family: str = SANS, weight: int = 400) -> Path:
    """The file of a family in a weight.

    Raises
    ------
    ParameterError
        If the package that carries it is not installed or has no such weight.

    Examples
    --------
    >>> font_path("Amiri").name
    'Amiri-Regular.ttf'
    """
    try:
        return Path(fontpkg.path(family, weight))
    except fontpkg.FontpkgError as error:
        slug = family.lower().replace(" ", "-")
        raise ParameterError(
            f"The font {family!r} in weight {weight} is not installed.",
            remedy=f"Install the package fontpkg-{slug}; it is part of the project's lock file.",
        ) from error


@lru_cache(maxsize=64)
def properties(size: float, weight: int = 400, family: str = SANS) -> FontProperties:
    """What matplotlib needs to draw in one of our files, at `size` points."""
    return FontProperties(fname=str(font_path(family, weight)), size=size)


def directories() -> tuple[Path, ...]:
    """Folders that hold the font files, for typst's ``font_paths``."""
    return tuple(dict.fromkeys(font_path(family).parent for family in (NASKH, SANS)))


def missing(texts: Iterable[str], family: str = SANS, weight: int = 400) -> set[str]:
    """Characters of `texts` the font has no glyph for; spaces and controls do not count."""
    known = _characters(family, weight)
    wanted = set("".join(texts)) - set(CONTROLS) - set("\n\t\r \u200c\u200d")
    return {character for character in wanted if ord(character) not in known}


def css_font_faces(
    texts: Iterable[str], lang: Lang, faces: tuple[Face, ...] = SCREEN_FACES
) -> str:
    """``@font-face`` rules with only the glyphs these texts need, embedded as WOFF.

    Parameters
    ----------
    texts : iterable of str
        Everything the page says; digits and punctuation are always added.
    lang : {"ar", "en"}
        In English the page still gets Arabic glyphs for the Arabic words it holds.
    faces : tuple of Face

    Returns
    -------
    str
        CSS. The same texts give the same bytes. All shaping rules of the kept glyphs stay.

    Notes
    -----
    One file carries Arabic and Latin together: fonts split by script break words and figures
    apart in some renderers.
    """
    harakat = "".join(chr(code) for code in range(0x64B, 0x653)) if lang == "ar" else ""
    wanted = "".join(sorted(set("".join(texts)) | set(_ALWAYS) | set(harakat)))
    rules = []
    for face in faces:
        data = base64.b64encode(_subset(face.path, wanted)).decode("ascii")
        rules.append(
            f'@font-face{{font-family:"{face.css_family}";font-style:normal;'
            f"font-weight:{face.weight};font-display:block;"
            f'src:url("data:font/woff;base64,{data}") format("woff")}}'
        )
    return "\n".join(rules)


@lru_cache(maxsize=32)
def _subset(path: Path, characters: str) -> bytes:
    options = subset.Options()
    options.layout_features = ["*"]
    options.flavor = "woff"
    options.hinting = False
    options.desubroutinize = True
    options.notdef_outline = True
    options.recalc_timestamp = False
    options.drop_tables += ["meta"]
    font = TTFont(path, recalcTimestamp=False)
    subsetter = subset.Subsetter(options)
    subsetter.populate(text=characters)
    subsetter.subset(font)
    font.flavor = "woff"
    out = io.BytesIO()
    font.save(out, reorderTables=True)
    return out.getvalue()


@lru_cache(maxsize=8)
def _characters(family: str, weight: int) -> frozenset[int]:
    return frozenset(TTFont(font_path(family, weight), lazy=True).getBestCmap())
