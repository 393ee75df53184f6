"""Words in one or two languages, and how they are matched whatever their spelling."""

from __future__ import annotations

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
        "أ": "ا",
        "إ": "ا",
        "آ": "ا",
        "ٱ": "ا",
        "ى": "ي",
        "ئ": "ي",
        "ؤ": "و",
        "ة": "ه",
        "ـ": None,
        **{chr(mark): None for mark in (*range(0x064B, 0x0653), 0x0670, 0x200E, 0x200F, 0x061C)},
        **{chr(0x0660 + d): str(d) for d in range(10)},
        **{chr(0x06F0 + d): str(d) for d in range(10)},
    }
)


def fold(text: str) -> str:
    """Letters as they are matched, never as they are shown: case, hamza seats, ة/ه, ى/ي, diacritics,
    tatweel, digits and white space.

    Examples
    --------
    >>> fold("إربــد") == fold("اربد")
    True
    """
    return " ".join(str(text).translate(_FOLD).casefold().split())
