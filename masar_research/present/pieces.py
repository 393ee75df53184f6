"""What a sentence is made of: words, and numbers that know which slot they fill."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from masar_research.present.direction import Lang, embed


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of a sentence.

    Attributes
    ----------
    text : str
        In logical order, without directional controls.
    slot : str or None
        Name of the number it shows (``"value"``, ``"low"``, ``"change"`` …), also where the
        number is a word («نقطتان مئويتان», "about a quarter"); None for words.
    """

    text: str
    slot: str | None = None


Sentence = tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class Phrase:
    """A noun phrase in both languages.

    Attributes
    ----------
    en, ar : str
        As inside a sentence, without article changes: "women's participation rate".
    gender : {"m", "f"}
        Of the Arabic head noun: معدل m, نسبة f.
    number : {"singular", "plural"}
        Of the English head noun, for was/were.
    slot : str or None
        Set when the phrase is itself a figure on the page (a year, a parameter).
    """

    en: str
    ar: str
    gender: Literal["m", "f"] = "m"
    number: Literal["singular", "plural"] = "singular"
    slot: str | None = None

    def text(self, lang: Lang) -> str:
        """The phrase in one language."""
        return self.ar if lang == "ar" else self.en

    def piece(self, lang: Lang) -> Piece:
        """The phrase as a piece of a sentence."""
        return Piece(self.text(lang), self.slot)


def year(value: int, slot: str = "year") -> Phrase:
    """A year as a phrase whose numeral has a slot."""
    return Phrase(en=str(value), ar=str(value), slot=slot)


def flat(pieces: Iterable[Piece]) -> str:
    """The sentence as one string in logical order, without directional controls."""
    return "".join(piece.text for piece in pieces)


def shown(pieces: Iterable[Piece], lang: Lang) -> str:
    """The sentence as one string whose numbers are isolated in Arabic."""
    return embed(flat(pieces), lang)


def capitalised(pieces: Sentence) -> Sentence:
    """The sentence with its first letter as a capital (English)."""
    if not pieces or not pieces[0].text:
        return pieces
    first = pieces[0]
    return (Piece(first.text[0].upper() + first.text[1:], first.slot), *pieces[1:])


def tidy(pieces: Iterable[Piece]) -> Sentence:
    """Neighbouring words joined, empty pieces dropped."""
    out: list[Piece] = []
    for piece in pieces:
        if not piece.text:
            continue
        if out and out[-1].slot is None and piece.slot is None:
            out[-1] = Piece(out[-1].text + piece.text)
        else:
            out.append(piece)
    return tuple(out)
