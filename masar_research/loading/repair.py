"""Single labels and answers whose letters were mixed up on the way: «Ø§Ù„Ø¬Ù†Ø³», «ط§ظ„ط¬ظ†ط³» and «ÇáÌäÓ» are «الجنس»."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from masar_research.loading.raw import has_arabic

_HOLES = {byte: chr(byte) for byte in (0x81, 0x8D, 0x8F, 0x90, 0x9D)}


def _table(encoding: str) -> dict[int, str]:
    # cp1252 leaves five bytes without a letter; programs pass them through
    return {byte: _HOLES.get(byte) or bytes([byte]).decode(encoding) for byte in range(256)} if encoding == "cp1252" else {
        byte: bytes([byte]).decode(encoding) for byte in range(256)
    }  # fmt: skip


_WEST, _ARAB = _table("cp1252"), _table("cp1256")
_BYTES = {name: {letter: byte for byte, letter in table.items()} for name, table in (("cp1252", _WEST), ("cp1256", _ARAB))}
_LEADS = (0xC2, 0xC3, 0xC5, 0xD8, 0xD9, 0xDA, 0xDB)


def _class(letters: object) -> str:
    return "[" + "".join(sorted(re.escape(letter) for letter in letters)) + "]"


_TAILS = range(0x80, 0xC0)
# Latin letters whose byte is an Arabic letter in cp1256; the French ones are not among them
_TURNED = {_WEST[b] for b in range(0xC0, 0x100) if has_arabic(_ARAB[b]) and _WEST[b].isalpha()}
# Letters cp1256 has for Persian and Urdu only
_FOREIGN = frozenset("پٹچژڈگکڑںھہے")
_FRENCH = frozenset("àâæçéèêëîïôœùûüÿÀÂÆÇÉÈÊËÎÏÔŒÙÛÜŸ")
SIGNS = "|".join(
    (
        _class(_WEST[b] for b in _LEADS) + _class(_WEST[b] for b in _TAILS),
        _class(_ARAB[b] for b in _LEADS) + _class(_ARAB[b] for b in _TAILS),
        _class(_TURNED) + "{2}",
    )
)
_SIGN = re.compile(SIGNS)
# Words of two letters common enough to be taken for Arabic where cp1256 was read as cp1252
_SHORT = frozenset("لا من في عن ما لم لن أو أب أم أخ قد هل كل حي دم هو هي أن إن لو يد سن جد عم خط حق حج بر غاز".split())
_WORD = re.compile(r"[^\W\d_]+")


def unmixed(text: str) -> str:
    """The text as it was written, where turning it back is certain; else the text itself.

    Tried are UTF-8 once read as cp1252 or as cp1256, and cp1256 once read as cp1252, each up to twice. A
    reading is taken only if every letter has a byte, the bytes are strict in the encoding they are read in,
    Arabic or accented words come out that are of one script each, and `plausibility` rises. Clean Arabic,
    English or French never meets all of these.

    Examples
    --------
    >>> unmixed("Ø§Ù„Ø¬Ù†Ø³"), unmixed("ط§ظ„ط¬ظ†ط³"), unmixed("ÇáÌäÓ"), unmixed("dÃ©jÃ\\xa0 vu")
    ('الجنس', 'الجنس', 'الجنس', 'déjà vu')
    >>> unmixed("Øresund"), unmixed("الجنس"), unmixed("Réponse donnée")
    ('Øresund', 'الجنس', 'Réponse donnée')
    """
    for _ in range(2):
        better = _once(text)
        if better == text:
            return text
        text = better
    return text


def _once(text: str) -> str:
    if not _SIGN.search(text):
        return text
    if not has_arabic(text) and (sure := _from_utf8(text)) is not None:
        return sure
    found = [other for way in _WAYS if (other := _read(text, *way)) is not None and _whole(other, *way)]
    best = max(found, key=plausibility, default=text)
    return best if plausibility(best) > plausibility(text) else text


def _from_utf8(text: str) -> str | None:
    """Arabic whose UTF-8 was read as cp1252, once or twice: strict bytes that give Arabic are no accident."""
    for _ in range(2):
        better = _read(text, "cp1252", "utf-8")
        if better is None or has_arabic(better):
            return better
        text = better
    return None


_WAYS = (("cp1252", "utf-8"), ("cp1256", "utf-8"), ("cp1252", "cp1256"))


def _read(text: str, written: str, meant: str) -> str | None:
    codes = _BYTES[written]
    try:
        found = bytes(codes[letter] for letter in text).decode(meant)
    except (KeyError, UnicodeDecodeError):
        return None
    return None if found == text or (meant == "cp1256" and has_arabic(text)) else found


def _whole(found: str, written: str, meant: str) -> bool:
    """Whether what came out is words of one script each, and long enough to be no accident."""
    words = _WORD.findall(found)
    if not has_arabic(found):
        # one step back of two: French, or letters still to be turned once more
        return meant == "utf-8" and bool(words)
    arabic = [word for word in words if has_arabic(word)]
    if any(not all(map(has_arabic, word)) for word in arabic):
        return False
    if meant == "cp1256":
        return any(len(word) > 2 or word in _SHORT for word in arabic)
    return any(len(word) > 1 for word in arabic)


@lru_cache(maxsize=4096)
def plausibility(text: str) -> float:
    """How much a text looks like something a person wrote, from minus five upward; a mean over its letters.

    Arabic and plain Latin letters count one, accented letters of French a little less, other accented
    letters a half; signs inside words, capitals after small accented letters, letters cp1256 has for other
    languages, words of two scripts, a final form (ة ى) inside a word and an excess of ط and ظ count against.
    """
    score, count = 0.0, 0
    for before, letter, after in zip(" " + text, text, text[1:] + " ", strict=False):
        if letter.isspace() or letter.isdecimal():
            continue
        count += 1
        score += _letter(before, letter, after)
    for word in _WORD.findall(text):
        if len({has_arabic(letter) for letter in word}) > 1:
            score -= len(word)
        emphatic = sum(letter in "طظ" for letter in word)
        if emphatic >= 2 and emphatic * 3 >= len(word):
            score -= 2.0 * emphatic
    return score / count if count else 0.0


def _letter(before: str, letter: str, after: str) -> float:
    inside = before.isalpha() or after.isalpha()
    if not letter.isalpha():
        if unicodedata.category(letter) in ("Cc", "Co", "Cn") or letter == "\ufffd":
            return -5.0
        odd = "\x80" <= letter <= "\xbf" or letter in "€‚ƒ„…†‡ˆ‰‹•™›"
        return -2.0 if odd and inside else 0.5
    if has_arabic(letter):
        if letter in _FOREIGN:
            return 0.0
        return -0.5 if letter in "ةى" and after.isalpha() and has_arabic(after) else 1.0
    if letter.isascii():
        return 1.0
    accented = 0.9 if letter in _FRENCH else 0.5 if letter in "äöüßáíóúñãõåøÅÄÖÜÁÍÓÚÑ" else 0.3
    if before.isalpha() and not before.isascii() and letter not in _FRENCH:
        accented -= 1.0
    return accented - (1.0 if letter.isupper() and before.islower() else 0.0)
