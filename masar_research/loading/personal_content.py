"""What answers themselves give away: telephone and national numbers, addresses, positions, open text."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

import numpy as np
import pandas as pd

from masar_research.loading.numbers import western

_DIALLED = (
    r"(?:\+|00)\d{10,14}|(?:\+|00)?962[\s-]?0?7[789]\d{7}|07[789]\d{7}|07[3-9]\d{8}|05[0-9]\d{7}"
    r"|01[0125]\d{8}|09[3-9]\d{7}|0[2356]\d{7}"
)
_PHONE = re.compile(rf"^(?:{_DIALLED}|7[789]\d{{7}}|9627[789]\d{{7}}|9647\d{{9}})$")
_IN_TEXT = re.compile(
    r"(?<![\w.+-])(?:(?:\+|00)962\s?7[789]|07[789])[\d\s-]{7,9}(?![\w-])|(?<![\w.-])(?:\+|00)\d{10,14}(?![\w-])"
    r"|[\w.+-]{1,64}@[\w-]{1,64}\.[a-z]{2,}"
)
_EMAIL = re.compile(r"^[\w.+-]+@[\w-]+(?:\.[\w-]+)+$")
_POINT = re.compile(r"^\s*-?\d{1,2}\.\d{3,}[\s,;]+-?\d{1,3}\.\d{3,}(?:[\s,;]+-?\d+(?:\.\d+)?){0,2}\s*(?:;|$)")
_MEDIA = re.compile(r"\.(?:jpe?g|png|gif|heic|mp3|mp4|m4a|amr|wav|3gpp?|ogg|pdf)$", re.IGNORECASE)
_WORD = re.compile(r"[^\W\d_]{2,}")
_YES_NO = frozenset("yes no true false y n نعم لا".split())
# South, north, west, east in degrees: Jordan, Palestine, Lebanon, Syria, Iraq, Egypt.
_BOXES = (
    (29.0, 33.5, 34.8, 39.4), (31.2, 32.6, 34.1, 35.7), (33.0, 34.8, 35.0, 36.7), (32.2, 37.4, 35.6, 42.5),
    (29.0, 37.5, 38.7, 48.7), (21.9, 31.8, 24.6, 37.0),
)  # fmt: skip
_MOST, _LONGEST = 20_000, 2_000


def answers_of(column: pd.Series) -> list[str]:
    """The answers of a text column, digits Western, no more than twenty thousand, each of two thousand letters."""
    first = column.dropna().head(_MOST)
    codes, distinct = pd.factorize(first)
    tidy = [western(str(value)[:_LONGEST]).strip() for value in distinct]
    return [text for code in codes.tolist() if (text := tidy[code])]


def in_text(texts: list[str]) -> str | None:
    """The kind of personal data text answers are, whatever the column is called; open text is not judged here."""
    if not texts:
        return None
    counts = Counter(texts)
    stripped = {text: re.sub(r"[\s().-]", "", text) for text in counts}
    bare = [stripped[text] for text in texts]
    enough = len(texts) * 0.6
    if sum(n for text, n in counts.items() if _EMAIL.match(text)) >= enough:
        return "email"
    if sum(n for text, n in counts.items() if _POINT.match(text)) >= enough:
        return "coordinates"
    if sum(n for text, n in counts.items() if _MEDIA.search(text)) >= enough:
        return "media"
    if sum(n for text, n in counts.items() if _PHONE.match(stripped[text])) >= enough and _differ(bare):
        return "phone"
    if _national(bare):
        return "national_number"
    return "open_text" if any(map(gives_away, counts)) else None


def gives_away(text: str) -> bool:
    """Whether a telephone number or an e-mail address stands inside a text."""
    return _IN_TEXT.search(western(text)) is not None


def in_numbers(values: np.ndarray) -> str | None:
    """``"phone"`` or ``"national_number"`` where nearly all numbers have that form; weights and codes have not."""
    values = values[np.isfinite(values)][:_MOST]
    if len(values) < 5 or (values != np.floor(values)).any() or values.min() < 0 or values.max() >= 1e15:
        return None
    texts = [str(int(value)) for value in values if value >= 1e7]
    if len(texts) < 0.9 * len(values):
        return None
    if sum(map(bool, map(_PHONE.match, texts))) >= 0.9 * len(texts) and _differ(texts):
        return "phone"
    return "national_number" if _national(texts) else None


def _national(texts: list[str]) -> bool:
    """Ten digits that begin with 9 (born before 2000) or 2: where none begins with 9 they are some other number."""
    if len(texts) < 5 or not _differ(texts):
        return False
    fits = [text for text in texts if re.fullmatch(r"[92]\d{9}", text)]
    return len(fits) >= 0.9 * len(texts) and sum(text[0] == "9" for text in fits) >= 0.2 * len(fits)


def _differ(texts: list[str]) -> bool:
    return len(texts) < 5 or len(set(texts)) >= 0.7 * len(texts)


def digits_of(texts: list[str], least: int) -> bool:
    """Whether a good part of the answers holds that many digits."""
    return sum(sum(map(str.isdigit, text)) >= least for text in texts) >= max(1, 0.3 * len(texts))


def position_pair(one: np.ndarray, two: np.ndarray) -> bool:
    """Whether two numeric columns are latitude and longitude of places in one country of the region."""
    both = np.isfinite(one) & np.isfinite(two) & (one != 0)
    a, b = one[both][:_MOST], two[both][:_MOST]
    if len(a) < 5 or np.unique(a).size < 3:
        return False
    within = any(
        (a > south).all() and (a < north).all() and (b > west).all() and (b < east).all()
        for south, north, west, east in _BOXES
    )
    return within and _fine(a) and _fine(b)


def like_position(values: np.ndarray) -> bool:
    """Whether a column of numbers may be one half of positions in the region: degrees with many decimals."""
    part = values[np.isfinite(values) & (values != 0)][:_MOST]
    if len(part) < 5:
        return False
    within = any(((part > low) & (part < high)).mean() > 0.5 for low, high in ((21.9, 37.5), (24.6, 48.7)))
    return within and _fine(part)


def _fine(values: np.ndarray) -> bool:
    return float(np.mean(np.abs(values * 1e3 - np.round(values * 1e3)) > 1e-6)) >= 0.8


def is_open(texts: list[str], *, asked_as_text: bool = False) -> bool:
    """Whether text answers are people's own words, not codes, categories or identifiers.

    Parameters
    ----------
    texts : list of str
        Non-blank answers.
    asked_as_text : bool
        Whether a form says the question is an open one: in doubt the answers are then taken as open.
    """
    n, distinct = len(texts), len(set(texts))
    if not n or {text.casefold() for text in texts} <= _YES_NO:
        return False
    times = Counter(texts)
    share = np.fromiter(times.values(), float) / n

    def part(fits: Iterable[bool]) -> float:
        return float(share @ np.fromiter(fits, float))

    words = [[piece for piece in text.split() if _WORD.search(piece)] for text in times]
    letters = part(sum(map(str.isalpha, text)) >= 0.5 * len(text) for text in times)
    few = n >= 20 and distinct <= 60 and distinct * 5 <= n
    if few and part(len(found) <= 4 for found in words) > 0.9:
        return False
    counts: Counter[str] = Counter()
    for found, often in zip(words, times.values(), strict=True):
        for word in found:
            counts[word] += often
    codes = all(re.fullmatch("[a-z0-9_]+", word) for word in counts)
    if codes and len(counts) <= 60 and n >= 20 and sum(counts.values()) >= 8 * len(counts):
        return False  # a few words over and over: options of a multi-select
    if asked_as_text:
        return letters >= 0.3 or part(" " in text for text in times) >= 0.5
    wordy = part(len(found) >= 2 for found in words)
    long = part(len(found) >= 4 for found in words)
    if long >= 0.3 and distinct >= 3 and distinct > 0.3 * n:
        return True
    if wordy >= 0.5 and distinct >= 10 and distinct > 0.5 * n:
        return True
    single = part(re.fullmatch(r"[^\W\d_]+(?:[\s'-][^\W\d_]+)*", text) is not None for text in times)
    return single >= 0.9 and distinct >= 30 and distinct > 0.3 * n


def yes_or_no(texts: list[str]) -> bool:
    """Whether all answers are yes or no."""
    return {text.casefold() for text in texts} <= _YES_NO
