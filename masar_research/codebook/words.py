"""Words in one or two languages, and how they are matched whatever their spelling."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from masar_research.errors import DataError

LANGUAGES = ("en", "ar")


@dataclass(frozen=True, slots=True, repr=False)
class Text(Mapping[str, str]):
    """Words in one or two languages; a mapping of the languages it has.

    Parameters
    ----------
    en, ar : str, optional

    Examples
    --------
    >>> Text(en="Male", ar="ذكر")["ar"]
    'ذكر'
    >>> "ar" in Text(en="Male")
    False
    """

    en: str | None = None
    ar: str | None = None

    @classmethod
    def of(cls, words: Mapping[str, str] | None) -> Text:
        """From any mapping of languages."""
        words = words or {}
        unknown = set(words) - set(LANGUAGES)
        if unknown:
            raise DataError(
                f"Words in {sorted(unknown)} were found; English (en) and Arabic (ar) are known.",
                remedy="Give the words under en and ar.",
            )
        return cls(en=words.get("en"), ar=words.get("ar"))

    def __getitem__(self, lang: str) -> str:
        if lang in LANGUAGES and getattr(self, lang) is not None:
            return getattr(self, lang)
        raise KeyError(lang)

    def __iter__(self) -> Iterator[str]:
        return (lang for lang in LANGUAGES if getattr(self, lang) is not None)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __repr__(self) -> str:
        return f"Text({', '.join(f'{lang}={self[lang]!r}' for lang in self)})"


_FOLD = str.maketrans(
    {
        **dict.fromkeys("أإآٱ", "ا"),
        **dict.fromkeys("ىئی", "ي"),
        **dict.fromkeys("گک", "ك"),
        **dict.fromkeys("هةۀەہ", "ه"),
        "ؤ": "و",
        "ء": None,
        "ـ": None,
        "’": "'",
        **dict.fromkeys(map(chr, (0x061C, *range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2066, 0x206A), 0xFEFF))),
    }
)


def fold(text: str) -> str:
    """Letters as they are matched, never as they are shown: the one folding of the project.

    Case, alefs and hamza seats, ة/ه, ى/ي, the lone hamza, Persian forms of ك and ي, joined letters (ﻻ),
    diacritics of both scripts, tatweel, direction marks, Arabic-Indic and Persian digits and white space.

    Examples
    --------
    >>> fold("إربــد") == fold("اربد"), fold("Élève  ٢"), fold("الطفيلة") == fold("الطفيله")
    (True, 'eleve 2', True)
    """
    text = str(text)
    if text.isascii():
        return " ".join(text.casefold().split())
    text = unicodedata.normalize("NFKC", text).casefold().translate(_FOLD)
    text = "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c))
    return " ".join("".join(_digit(c) for c in text.translate(_FOLD)).split())


def _digit(letter: str) -> str:
    return str(unicodedata.digit(letter)) if letter.isdigit() and not letter.isascii() else letter
