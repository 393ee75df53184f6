"""Sentences that read an effect of a model: what goes with what, all else equal; never a cause.

Built as those of :mod:`masar_research.present.sentences`: plain values in, pieces out, every
number in a slot. Where the interval holds no difference the sentence says that the data do not
settle the matter, and neither side is named first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from masar_research.errors import ParameterError
from masar_research.present import lint, numbers
from masar_research.present.direction import Lang
from masar_research.present.pieces import Phrase, Piece, Sentence, capitalised, tidy
from masar_research.present.sentences import CAUTION

Measure = Literal["points", "number", "ratio"]

_MOST = 5
_AND = {"en": " and ", "ar": " و"}


@dataclass(frozen=True, slots=True)
class Contrast:
    """What is compared.

    Attributes
    ----------
    first, second : Phrase
        Two groups as they stand after "among" / «لدى»; or
    step : Phrase or None
        a step of a numeric predictor ("one further year of age"), the groups then unused.
    """

    first: Phrase | None = None
    second: Phrase | None = None
    step: Phrase | None = None


def association(
    subject: Phrase, contrast: Contrast, value: float, low: float, high: float, lang: Lang, *,
    measure: Measure = "points", held: Sequence[Phrase] = (), confidence: float = 0.95,
    unit: Phrase | None = None, name: Phrase | None = None, within: Phrase | None = None,
    caution: bool = False, digits: int | None = None,
) -> Sentence:  # fmt: skip
    """An adjusted difference or ratio of two groups, or along a numeric predictor.

    «بعد ضبط أثر العمر والإقليم، نسبة المشتغلين أعلى بمقدار 12.3 نقطة مئوية لدى الرجال منها لدى
    النساء (فترة الثقة 95%: من 10.1 إلى 14.5 نقطة مئوية)»

    Parameters
    ----------
    subject : Phrase
        What differs; its Arabic gender chooses «منها» or «منه».
    contrast : Contrast
    value, low, high : float
        A difference of fractions ("points"), a difference in units of the outcome ("number"), or a
        ratio above zero ("ratio").
    lang : {"ar", "en"}
    measure : {"points", "number", "ratio"}
    held : sequence of Phrase
        Predictors held equal.
    confidence : float
    unit : Phrase, optional
        Of a "number".
    name : Phrase, optional
        Of a "ratio": odds ratio, rate ratio.
    within : Phrase, optional
        The group in which the two are compared.
    caution : bool
        Adds «يُقرأ بحذر» / "interpret with caution" to the bracket.
    digits : int, optional
        Decimals; by default as many as the size and the interval need, from one.

    Returns
    -------
    Sentence
        Slots ``value`` (``ratio`` too for ratios), ``confidence, low, high``; without a detectable
        difference no ``value``. Labels that hold numerals have the slot ``label``.

    Raises
    ------
    ParameterError
        An interval that does not hold its value, a ratio that is not positive.

    Examples
    --------
    >>> from masar_research.present.pieces import flat
    >>> share, men, women = Phrase("the share employed", "نسبة المشتغلين", "f"), Phrase("men", "الرجال"), Phrase(
    ...     "women", "النساء")
    >>> flat(association(share, Contrast(men, women), 0.4, 0.367, 0.433, "en", held=[Phrase("age", "العمر")]))
    'Holding age equal, the share employed is 40 percentage points higher among men than among women (95% confidence interval: from 36.7 to 43.3 percentage points)'
    >>> flat(association(share, Contrast(men, women), 0.01, -0.01, 0.03, "ar"))
    'لا تحسم البيانات ما إذا كانت نسبة المشتغلين تختلف بين الرجال والنساء (فترة الثقة 95% للفارق: من −1.0 إلى 3.0 نقاط مئوية)'
    """
    _check(contrast, value, low, high, measure)
    none = 1.0 if measure == "ratio" else 0.0
    settled = low > none or high < none
    start = [*_within(within, lang), *_holding(held, lang)]
    tail = _interval(value, low, high, settled, lang, measure, confidence, unit, name, digits)
    if caution:
        tail = [*tail[:-1], Piece(("؛ " if lang == "ar" else "; ") + CAUTION[lang] + ")")]
    if not settled:
        return _finish([*start, *_unsettled(subject, contrast, lang), *tail], lang)
    above = value > none
    size = _size(value, low, high, lang, measure, unit, digits)
    if contrast.step is not None:
        return _finish([*start, *_along(subject, contrast.step, size, above, lang, measure), *tail], lang)
    return _finish([*start, *_between(subject, contrast, size, above, lang, measure), *tail], lang)


def joined(phrases: Sequence[Phrase], lang: Lang) -> list[Piece]:
    """Phrases in a row: "age, sex and region", «العمر والجنس والإقليم»."""
    out: list[Piece] = []
    for place, phrase in enumerate(phrases):
        if place:
            last = place == len(phrases) - 1
            out.append(Piece(_AND[lang] if last or lang == "ar" else ", "))
        out.append(label(phrase, lang))
    return out


def label(phrase: Phrase, lang: Lang) -> Piece:
    """A phrase; one that holds a numeral or the word of one has a slot."""
    text = phrase.text(lang)
    numbered = lint.numerals(text) or lint.number_words(text, lang)
    return Piece(text, phrase.slot or ("label" if numbered else None))


def _holding(held: Sequence[Phrase], lang: Lang) -> list[Piece]:
    if not held:
        return []
    if lang == "ar":
        return [Piece("بعد ضبط أثر "), *joined(held, lang), Piece("، ")]
    return [Piece("holding "), *joined(held, lang), Piece(" equal, ")]


def _within(within: Phrase | None, lang: Lang) -> list[Piece]:
    if within is None:
        return []
    return [Piece("لدى " if lang == "ar" else "among "), label(within, lang), Piece("، " if lang == "ar" else ", ")]


def _between(
    subject: Phrase, contrast: Contrast, size: list[Piece], above: bool, lang: Lang, measure: Measure
) -> list[Piece]:
    assert contrast.first is not None and contrast.second is not None
    one, two = label(contrast.first, lang), label(contrast.second, lang)
    if lang == "ar":
        by = "بنسبة " if measure == "ratio" else "بمقدار "
        than = "منها" if subject.gender == "f" else "منه"
        return [label(subject, lang), Piece(f" {'أعلى' if above else 'أدنى'} {by}"), *size, Piece(" لدى "), one,
                Piece(f" {than} لدى "), two]
    be = "are" if subject.number == "plural" else "is"
    return [label(subject, lang), Piece(f" {be} "), *size, Piece(f" {'higher' if above else 'lower'} among "), one,
            Piece(" than among "), two]


def _along(
    subject: Phrase, step: Phrase, size: list[Piece], above: bool, lang: Lang, measure: Measure
) -> list[Piece]:
    if lang == "ar":
        by = "بنسبة " if measure == "ratio" else "بمقدار "
        be = "تكون" if subject.gender == "f" else "يكون"
        return [Piece("مع "), label(step, lang), Piece(f" {be} "), label(subject, lang),
                Piece(f" {'أعلى' if above else 'أدنى'} {by}"), *size, Piece(" في المتوسط")]
    be = "are" if subject.number == "plural" else "is"
    return [Piece("with "), label(step, lang), Piece(" "), label(subject, lang), Piece(f" {be} on average "), *size,
            Piece(" higher" if above else " lower")]


def _unsettled(subject: Phrase, contrast: Contrast, lang: Lang) -> list[Piece]:
    if lang == "ar":
        feminine = subject.gender == "f"
        was, differs = ("كانت", "تختلف") if feminine else ("كان", "يختلف")
        head = [Piece(f"لا تحسم البيانات ما إذا {was} "), label(subject, lang), Piece(f" {differs} ")]
        if contrast.step is not None:
            return [*head, Piece("مع "), label(contrast.step, lang)]
        assert contrast.first is not None and contrast.second is not None
        return [*head, Piece("بين "), label(contrast.first, lang), Piece(" و"), label(contrast.second, lang)]
    verb = "differ" if subject.number == "plural" else "differs"
    head = [Piece("the data do not settle whether "), label(subject, lang), Piece(f" {verb} ")]
    if contrast.step is not None:
        return [*head, Piece("with "), label(contrast.step, lang)]
    assert contrast.first is not None and contrast.second is not None
    return [*head, Piece("between "), label(contrast.first, lang), Piece(" and "), label(contrast.second, lang)]


def _size(
    value: float, low: float, high: float, lang: Lang, measure: Measure, unit: Phrase | None, digits: int | None
) -> list[Piece]:
    if measure == "ratio":
        moved = abs(value - 1)
        return [Piece(numbers.percent(moved, lang, _decimals(moved * 100, digits, 0 if moved >= 0.1 else 1)), "value")]
    if measure == "points":
        size = abs(value)
        return [Piece(numbers.points(size, lang, _decimals(size * 100, digits, 1), case="oblique"), "value")]
    shown = Piece(numbers.number(abs(value), lang, _width_decimals([value, low, high], digits)), "value")
    return [shown] if unit is None else [shown, Piece(" "), label(unit, lang)]


def _interval(
    value: float, low: float, high: float, settled: bool, lang: Lang, measure: Measure, confidence: float,
    unit: Phrase | None, name: Phrase | None, digits: int | None,
) -> list[Piece]:  # fmt: skip
    share = Piece(numbers.percent(confidence, lang, 0), "confidence")
    told = [value, low, high] if settled else [low, high]
    if measure == "ratio":
        places = _width_decimals([value, low, high], 2 if digits is None else digits)
        ends = [numbers.number(end, lang, places) for end in (low, high)]
        word = label(name or Phrase("ratio", "النسبة", "f"), lang)
        before = [word, Piece(" "), Piece(numbers.number(value, lang, places), "ratio"),
                  Piece("؛ " if lang == "ar" else "; ")]
        noun = ""
    else:
        before = []
        ends = [low, high]
        if settled and value < 0:
            ends = [-high, -low]
        if measure == "points":
            places = _width_decimals([end * 100 for end in told], digits)
            one, two, noun = numbers.interval_parts(*ends, lang, "points", digits=places)
            ends = [one, two]
        else:
            places = _width_decimals(told, digits)
            ends = [numbers.number(end, lang, places) for end in ends]
            noun = "" if unit is None else unit.text(lang)
    after = [] if not noun else [Piece(" "), label(Phrase(noun, noun), lang)]
    of = "" if settled or measure == "ratio" else (" للفارق" if lang == "ar" else " of the difference")
    if lang == "ar":
        return [Piece(" ("), *before, Piece("فترة الثقة "), share, Piece(f"{of}: من "), Piece(ends[0], "low"),
                Piece(" إلى "), Piece(ends[1], "high"), *after, Piece(")")]
    return [Piece(" ("), *before, share, Piece(f" confidence interval{of}: from "), Piece(ends[0], "low"),
            Piece(" to "), Piece(ends[1], "high"), *after, Piece(")")]


def _decimals(size: float, digits: int | None, least: int) -> int:
    """Decimals that leave something of the size."""
    places = least if digits is None else digits
    while size > 0 and places < _MOST and numbers.rounded(size, places) == 0:
        places += 1
    return places


def _width_decimals(values: Sequence[float], digits: int | None) -> int:
    """Decimals that tell values apart, and from nothing."""
    places = 1 if digits is None else digits
    known = set(values)

    def lost(places: int) -> bool:
        shown = [numbers.rounded(end, places) for end in known]
        return len(set(shown)) < len(known) or any(end and not seen for end, seen in zip(known, shown, strict=True))

    while places < _MOST and lost(places):
        places += 1
    return places


def _check(contrast: Contrast, value: float, low: float, high: float, measure: str) -> None:
    if not low <= value <= high:
        raise ParameterError(f"An interval holds its estimate; found {low} ≤ {value} ≤ {high} untrue.",
                             remedy="Pass finite numbers, the lower end first.")
    if measure == "ratio" and not low >= 0:
        raise ParameterError(f"A ratio is above zero; found {low}.", remedy="Pass exp of a coefficient.")
    if (contrast.step is None) == (contrast.first is None or contrast.second is None):
        raise ParameterError("A contrast is of two groups, or along one predictor.",
                             remedy="Pass first= and second=, or step=.")


def _finish(pieces: list[Piece], lang: Lang) -> Sentence:
    return tidy(pieces if lang == "ar" else capitalised(tidy(pieces)))
