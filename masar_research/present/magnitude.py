"""Orders of magnitude in words, said only when the interval supports them."""

from __future__ import annotations

from masar_research.errors import ParameterError
from masar_research.present.direction import Lang
from masar_research.present.pieces import Piece, Sentence

FRACTIONS: tuple[tuple[float, str, str, str], ...] = (
    (1 / 10, "a tenth", "عُشر", "العُشر"),
    (1 / 5, "a fifth", "خُمس", "الخُمس"),
    (1 / 4, "a quarter", "ربع", "الربع"),
    (1 / 3, "a third", "ثلث", "الثلث"),
    (2 / 5, "two fifths", "خُمسي", "الخُمسين"),
    (1 / 2, "half", "نصف", "النصف"),
    (3 / 5, "three fifths", "ثلاثة أخماس", "ثلاثة أخماس"),
    (2 / 3, "two thirds", "ثلثي", "الثلثين"),
    (3 / 4, "three quarters", "ثلاثة أرباع", "ثلاثة أرباع"),
    (4 / 5, "four fifths", "أربعة أخماس", "أربعة أخماس"),
    (9 / 10, "nine tenths", "تسعة أعشار", "تسعة أعشار"),
)
NEAR = 0.02
WIDEST = 0.10
REACH = 0.06


def magnitude(value: float, low: float, high: float, lang: Lang, *, slot: str = "value") -> Sentence | None:
    """A fraction in words for a share, or None when the interval does not support one.

    «نحو ربع» needs the named fraction within two points of the estimate, inside the interval,
    the only named fraction inside it, and an interval no wider than ten points. «أقل من
    الثلث» and «أكثر من النصف» need the whole interval on that side of the fraction and the
    estimate within six points of it.

    Parameters
    ----------
    value, low, high : float
        Estimate and interval as fractions.
    lang : {"ar", "en"}
    slot : str
        Slot of the piece, since the words say the number.

    Raises
    ------
    ParameterError
        If the interval does not hold the estimate.

    Examples
    --------
    >>> magnitude(0.24, 0.21, 0.27, "ar")[0].text
    'نحو ربع'
    >>> magnitude(0.31, 0.29, 0.325, "en")[0].text
    'less than a third'
    >>> magnitude(0.24, 0.15, 0.33, "en") is None
    True
    """
    if not low <= value <= high:
        raise ParameterError(
            f"An interval holds its estimate; found {low} ≤ {value} ≤ {high} untrue.",
            remedy="Pass estimate, lower and upper end as fractions.",
        )
    column = 2 if lang == "ar" else 1
    inside = [row for row in FRACTIONS if low <= row[0] <= high]
    if len(inside) == 1 and abs(inside[0][0] - value) <= NEAR and high - low <= WIDEST:
        about = "نحو" if lang == "ar" else "about"
        return (Piece(f"{about} {inside[0][column]}", slot),)
    above = [row for row in FRACTIONS if row[0] > high and row[0] - value <= REACH]
    below = [row for row in FRACTIONS if row[0] < low and value - row[0] <= REACH]
    definite = 3 if lang == "ar" else 1
    if above and (not below or above[0][0] - value <= value - below[-1][0]):
        less = "أقل من" if lang == "ar" else "less than"
        return (Piece(f"{less} {above[0][definite]}", slot),)
    if below:
        more = "أكثر من" if lang == "ar" else "more than"
        return (Piece(f"{more} {below[-1][definite]}", slot),)
    return None


def out_of_ten(value: float, low: float, high: float, lang: Lang, *, slot: str = "value") -> Sentence | None:
    """«نحو 3 من كل 10», "about 3 in 10", when the whole interval rounds to that number.

    Returns None when the interval reaches beyond half a tenth on either side, or the number
    would be 0 or 10. The ten is a slot of its own, ``ten``.

    Examples
    --------
    >>> "".join(piece.text for piece in out_of_ten(0.31, 0.27, 0.34, "en"))
    'about 3 in 10'
    """
    tenths = int(value * 10 + 0.5)
    if not 1 <= tenths <= 9 or low < (tenths - 0.5) / 10 or high > (tenths + 0.5) / 10:
        return None
    words = ("نحو ", " من كل ") if lang == "ar" else ("about ", " in ")
    return (Piece(words[0]), Piece(str(tenths), slot), Piece(words[1]), Piece("10", "ten"))
