"""Sentences by rule, in Arabic and English, from plain values.

Every function returns a tuple of `Piece`; a number has a slot, so that a caller can attach
where it came from. The rules of agreement and the choice of verbs are in ``docs/arabic.md``.
Fractions are passed as fractions (0.145), differences of fractions as fractions (−0.02).
Sentences end without a full stop unless they say otherwise, so that they can be joined.
"""

from __future__ import annotations

from typing import Literal

from masar_research.errors import ParameterError
from masar_research.present import numbers
from masar_research.present.direction import Lang
from masar_research.present.numbers import Unit, Value
from masar_research.present.pieces import Phrase, Piece, Sentence, capitalised, tidy

Strength = Literal["high", "moderate", "low", "very_low"]

CAUTION = {"ar": "يُقرأ بحذر", "en": "interpret with caution"}
NO_CHANGE = {
    "ar": "لم يتغيّر بصورة يمكن رصدها إحصائياً",
    "en": "no statistically detectable change",
}
NO_DIFFERENCE = {
    "ar": "لا يوجد فرق يمكن رصده إحصائياً",
    "en": "no statistically detectable difference",
}
NOT_SHOWN = {
    "ar": "غير معروض",
    "en": "not shown",
}
STRENGTH = {
    "high": Phrase("high", "مرتفعة", "f"),
    "moderate": Phrase("moderate", "متوسطة", "f"),
    "low": Phrase("low", "منخفضة", "f"),
    "very_low": Phrase("very low", "منخفضة جداً", "f"),
}

_OF = {"level": ("", ""), "change": (" للتغيّر", " of the change"), "gap": (" للفارق", " of the gap")}


def level(
    subject: Phrase, value: Value, lang: Lang, *, low: Value | None = None,
    high: Value | None = None, n: int | None = None, confidence: float = 0.95,
    among: Phrase | None = None, caution: bool = False, unit: Unit = "percent", digits: int = 1,
) -> Sentence:  # fmt: skip
    """The house sentence of a level.

    «بلغ معدل المشاركة الاقتصادية 14.5% لدى النساء (فترة الثقة 95%: من 14.0% إلى 15.1%؛
    ن = 1,823)»

    Parameters
    ----------
    subject : Phrase
        The indicator; its gender chooses بلغ or بلغت, its number was or were.
    value, low, high : float
        Fractions when `unit` is percent. The bracket with the interval appears when both
        ends are given.
    lang : {"ar", "en"}
    n : int, optional
        Interviews; shown in the bracket.
    confidence : float
        Level of the interval.
    among : Phrase, optional
        The group: «لدى النساء», "among women".
    caution : bool
        Adds «يُقرأ بحذر» / "interpret with caution" to the bracket.
    unit, digits
        As in `numbers.interval`.

    Returns
    -------
    Sentence
        Slots ``value, confidence, low, high, n``.

    Examples
    --------
    >>> from masar_research.present.pieces import flat
    >>> rate = Phrase("the participation rate", "معدل المشاركة", "m")
    >>> flat(level(rate, 0.145, "en", low=0.14, high=0.151, n=1823))
    'The participation rate was 14.5% (95% confidence interval: from 14.0% to 15.1%; n = 1,823)'
    """
    shown = Piece(_value(value, lang, unit, digits), "value")
    bracket = _bracket(lang, low, high, n, confidence, caution, unit, digits)
    if lang == "ar":
        group = [Piece(f" لدى {among.ar}")] if among else []
        return tidy([Piece(f"{_reached(subject)} "), subject.piece(lang), Piece(" "), shown, *group, *bracket])
    group = [Piece(f" among {among.en}")] if among else []
    be = "were" if subject.number == "plural" else "was"
    return tidy(capitalised((subject.piece(lang), *group, Piece(f" {be} "), shown, *bracket)))


def change(
    subject: Phrase, difference: Value, lang: Lang, *, detectable: bool, since: Phrase,
    before: Value | None = None, after: Value | None = None, low: Value | None = None,
    high: Value | None = None, confidence: float = 0.95, caution: bool = False, digits: int = 1,
) -> Sentence:  # fmt: skip
    """A change of a rate between two waves, the verb chosen by its test.

    «ارتفع معدل المشاركة بمقدار 2.1 نقطة مئوية منذ عام 2024 (من 14.5% إلى 16.6%)»; without a
    detectable change «لم يتغيّر معدل المشاركة بصورة يمكن رصدها إحصائياً منذ عام 2024».

    Parameters
    ----------
    subject : Phrase
    difference : float
        After minus before, as a difference of fractions; always shown in percentage points.
    lang : {"ar", "en"}
    detectable : bool
        Whether the test of the difference rejects no change.
    since : Phrase
        The earlier year (`pieces.year`), shown after «منذ عام» / "since".
    before, after : float, optional
        Both levels as fractions, for the bracket.
    low, high : float, optional
        Interval of the difference (after minus before), for the bracket. With a detectable
        fall it is shown for the size of the fall: lower end first, without minus signs.
    caution : bool

    Returns
    -------
    Sentence
        Slots ``change, since, before, after, confidence, low, high``. Without a detectable
        change the size is not put in words; its levels and interval stand in the bracket.

    Raises
    ------
    ParameterError
        If a detectable change has the size zero.

    Examples
    --------
    >>> from masar_research.present.pieces import flat, year
    >>> rate = Phrase("the participation rate", "معدل المشاركة", "m")
    >>> flat(change(rate, 0.021, "en", detectable=True, since=year(2024, "since")))
    'The participation rate rose by 2.1 percentage points since 2024'
    """
    if detectable and float(difference) == 0:
        raise ParameterError(
            "A change of zero was marked as detectable.",
            remedy="Pass detectable=False, or check the difference.",
        )
    start = Piece(since.text(lang), since.slot or "since")
    rose = float(difference) > 0
    ends = _outward(low, high, flip=detectable and not rose)
    inside = _change_bracket(lang, before, after, *ends, confidence, caution, digits)
    size = Piece(_size(difference, lang, digits), "change")
    feminine = subject.gender == "f"
    if lang == "ar":
        if detectable:
            verb = ("ارتفع" if rose else "انخفض") + ("ت" if feminine else "")
            middle = [Piece(" بمقدار "), size]
        else:
            verb = "لم تتغيّر" if feminine else "لم يتغيّر"
            middle = [Piece(" بصورة يمكن رصدها إحصائياً")]
        return tidy([Piece(f"{verb} "), subject.piece(lang), *middle, Piece(" منذ عام "), start, *inside])
    if detectable:
        verb = [Piece(f" {'rose' if rose else 'fell'} by "), size]
    else:
        verb = [Piece(f" showed {NO_CHANGE['en']}")]
    return tidy(capitalised((subject.piece(lang), *verb, Piece(" since "), start, *inside)))


def gap(
    subject: Phrase, first: Phrase, second: Phrase, first_value: Value, second_value: Value,
    difference: Value, lang: Lang, *, detectable: bool, low: Value | None = None,
    high: Value | None = None, confidence: float = 0.95, caution: bool = False, digits: int = 1,
) -> Sentence:  # fmt: skip
    """Two groups side by side with the gap between them.

    «بلغ معدل المشاركة 14.5% لدى النساء مقابل 60.7% لدى الرجال، بفارق 46.2 نقطة مئوية»

    Parameters
    ----------
    subject, first, second : Phrase
        The indicator and the two groups as they stand after «لدى» / "among".
    first_value, second_value : float
        Fractions.
    difference : float
        First minus second; its size is shown, in percentage points. Passed rather than
        computed, since a difference of rounded values is not the rounded difference.
    detectable : bool
    low, high : float, optional
        Interval of the difference (first minus second); shown for the size of the gap, so
        both ends change sign when the difference is negative.

    Returns
    -------
    Sentence
        Slots ``first, second, gap, confidence, low, high``; no ``gap`` when it is not
        detectable.

    Examples
    --------
    >>> from masar_research.present.pieces import flat
    >>> rate = Phrase("the participation rate", "معدل المشاركة", "m")
    >>> women, men = Phrase("women", "النساء"), Phrase("men", "الرجال")
    >>> flat(gap(rate, women, men, 0.145, 0.607, -0.462, "ar", detectable=True))
    'بلغ معدل المشاركة 14.5% لدى النساء مقابل 60.7% لدى الرجال، بفارق 46.2 نقطة مئوية'
    """
    one = Piece(_value(first_value, lang, "percent", digits), "first")
    two = Piece(_value(second_value, lang, "percent", digits), "second")
    size = Piece(_size(difference, lang, digits), "gap")
    ends = _outward(low, high, flip=float(difference) < 0)
    bracket = _bracket(lang, *ends, None, confidence, caution, "points", digits, "gap")
    if lang == "ar":
        head = [
            Piece(f"{_reached(subject)} "), subject.piece(lang), Piece(" "), one,
            Piece(f" لدى {first.ar} مقابل "), two, Piece(f" لدى {second.ar}، "),
        ]  # fmt: skip
        tail = [Piece("بفارق "), size] if detectable else [Piece(f"و{NO_DIFFERENCE['ar']} بينهما")]
        return tidy([*head, *tail, *bracket])
    be = "were" if subject.number == "plural" else "was"
    begin = (
        subject.piece(lang), Piece(f" {be} "), one, Piece(f" among {first.en}, compared with "),
        two, Piece(f" among {second.en}"),
    )  # fmt: skip
    tail = [Piece(": a gap of "), size] if detectable else [Piece(f", {NO_DIFFERENCE['en']}")]
    return tidy(capitalised((*begin, *tail, *bracket)))


def comparison(
    value: Value, lang: Lang, *, to: Phrase, kind: Literal["against", "compared", "then"],
    subject: Phrase | None = None, unit: Unit = "percent", digits: int = 1,
) -> Sentence:  # fmt: skip
    """A clause that sets a second value beside the first.

    ``against``: «مقابل 60.7% لدى الرجال»; ``compared``: «مقارنة بـ 14.0% في عام 2024» (`to` is
    a year); ``then``: «، مقارنة بعام 2024 حيث بلغ آنذاك 14.0%», which needs `subject` for its
    gender. Slots ``compared, year``.

    Raises
    ------
    ParameterError
        If ``then`` is asked without `subject`.
    """
    shown = Piece(_value(value, lang, unit, digits), "compared")
    there = Piece(to.text(lang), to.slot)
    if kind == "against":
        words = (" مقابل ", " لدى ") if lang == "ar" else (", against ", " among ")
        return tidy([Piece(words[0]), shown, Piece(words[1]), there])
    there = Piece(to.text(lang), to.slot or "year")
    if kind == "compared":
        words = (" مقارنة بـ ", " في عام ") if lang == "ar" else (", compared with ", " in ")
        return tidy([Piece(words[0]), shown, Piece(words[1]), there])
    if subject is None:
        raise ParameterError(
            "The clause «حيث بلغ آنذاك» agrees with its subject, which was not given.",
            remedy="Pass subject=Phrase(...).",
        )
    if lang == "ar":
        return tidy([Piece("، مقارنة بعام "), there, Piece(f" حيث {_reached(subject)} آنذاك "), shown])
    return tidy([Piece(", compared with "), there, Piece(", when it was "), shown])


def strength(grade: Strength, lang: Lang) -> Sentence:
    """«قوة الدليل: متوسطة», "Strength of evidence: moderate"."""
    head = "قوة الدليل: " if lang == "ar" else "Strength of evidence: "
    return (Piece(head + _grade(grade).text(lang)),)


def stem(grade: Strength, subject: Phrase, lang: Lang) -> Sentence:
    """How a claim about an effect begins, so that its verb cannot say more than the evidence.

    «يؤدي البرنامج إلى رفع» · «من المرجّح أن يؤدي البرنامج إلى رفع» · «قد يؤدي البرنامج إلى
    رفع» · «الدليل غير كافٍ للحكم على أثر البرنامج في»; the outcome follows.

    Examples
    --------
    >>> stem("low", Phrase("the programme", "البرنامج"), "en")[0].text
    'The programme may increase'
    """
    _grade(grade)
    if lang == "ar":
        verb = "تؤدي" if subject.gender == "f" else "يؤدي"
        words = {
            "high": f"{verb} {subject.ar} إلى رفع",
            "moderate": f"من المرجّح أن {verb} {subject.ar} إلى رفع",
            "low": f"قد {verb} {subject.ar} إلى رفع",
            "very_low": f"الدليل غير كافٍ للحكم على أثر {subject.ar} في",
        }
        return (Piece(words[grade]),)
    verb = "increase" if subject.number == "plural" else "increases"
    words = {
        "high": f"{subject.en} {verb}",
        "moderate": f"{subject.en} probably {verb}",
        "low": f"{subject.en} may increase",
        "very_low": f"we are very uncertain whether {subject.en} {verb}",
    }
    return capitalised((Piece(words[grade]),))


def _outward(low: Value | None, high: Value | None, *, flip: bool) -> tuple[Value | None, Value | None]:
    if flip and low is not None and high is not None:
        return -float(high), -float(low)
    return low, high


def _grade(grade: Strength) -> Phrase:
    if grade not in STRENGTH:
        raise ParameterError(
            f"{grade!r} is not a strength of evidence.",
            remedy=f"Use one of {', '.join(STRENGTH)}.",
        )
    return STRENGTH[grade]


def _reached(subject: Phrase) -> str:
    return "بلغت" if subject.gender == "f" else "بلغ"


def _value(value: Value, lang: Lang, unit: Unit, digits: int) -> str:
    if unit == "percent":
        return numbers.percent(value, lang, digits)
    if unit == "points":
        return numbers.points(value, lang, digits)
    return numbers.number(value, lang, digits)


def _size(difference: Value, lang: Lang, digits: int) -> str:
    size = abs(float(difference))
    while size > 0 and digits < 4 and numbers.rounded(size * 100, digits) == 0:
        digits += 1
    return numbers.points(size, lang, digits, case="oblique")


def _interval(
    lang: Lang, low: Value, high: Value, confidence: float, unit: Unit, digits: int, of: str = "level"
) -> list[Piece]:
    first, second, noun = numbers.interval_parts(low, high, lang, unit, digits=digits)
    share = Piece(numbers.percent(confidence, lang, 0), "confidence")
    tail = Piece(f" {noun}" if noun else "")
    if lang == "ar":
        return [
            Piece("فترة الثقة "), share, Piece(f"{_OF[of][0]}: من "), Piece(first, "low"),
            Piece(" إلى "), Piece(second, "high"), tail,
        ]  # fmt: skip
    return [
        share, Piece(f" confidence interval{_OF[of][1]}: from "), Piece(first, "low"),
        Piece(" to "), Piece(second, "high"), tail,
    ]  # fmt: skip


def _join(lang: Lang, parts: list[list[Piece]]) -> list[Piece]:
    parts = [part for part in parts if part]
    if not parts:
        return []
    out = [Piece(" (")]
    for index, part in enumerate(parts):
        if index:
            out.append(Piece("؛ " if lang == "ar" else "; "))
        out.extend(part)
    return [*out, Piece(")")]


def _bracket(
    lang: Lang, low: Value | None, high: Value | None, n: int | None, confidence: float,
    caution: bool, unit: Unit, digits: int, of: str = "level",
) -> list[Piece]:  # fmt: skip
    both = low is not None and high is not None
    limits = _interval(lang, low, high, confidence, unit, digits, of) if both else []
    base = [Piece("ن = " if lang == "ar" else "n = "), Piece(numbers.number(n, lang), "n")] if n is not None else []
    return _join(lang, [limits, base, [Piece(CAUTION[lang])] if caution else []])


def _change_bracket(
    lang: Lang, before: Value | None, after: Value | None, low: Value | None,
    high: Value | None, confidence: float, caution: bool, digits: int,
) -> list[Piece]:  # fmt: skip
    levels: list[Piece] = []
    if before is not None and after is not None:
        words = ("من ", " إلى ") if lang == "ar" else ("from ", " to ")
        levels = [
            Piece(words[0]), Piece(numbers.percent(before, lang, digits), "before"),
            Piece(words[1]), Piece(numbers.percent(after, lang, digits), "after"),
        ]  # fmt: skip
    both = low is not None and high is not None
    limits = _interval(lang, low, high, confidence, "points", digits, "change") if both else []
    return _join(lang, [levels, limits, [Piece(CAUTION[lang])] if caution else []])
