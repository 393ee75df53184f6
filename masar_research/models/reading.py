"""What a model says, effect by effect, in sentences: `model.reading`, `model.say`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
import pandas as pd

from masar_research import gating
from masar_research.errors import ModelError
from masar_research.models import reading_words as named
from masar_research.models.comparison_parts import CONSTANT, code_of, key_of
from masar_research.present import associations, pieces
from masar_research.present.direction import Lang
from masar_research.present.pieces import Phrase, Piece, Sentence
from masar_research.present.tables import FACE
from masar_research.showing import check_language

_BINARY = ("binomial", "probit", "cloglog")
_CATEGORICAL = ("ordinal", "multinomial")
#: Ratios that a sentence may use for coefficients on a log scale: family → (head of the subject, name).
_RATIOS = {
    "poisson": ("mean", Phrase("rate ratio", "نسبة المعدلات", "f")),
    "negative_binomial": ("mean", Phrase("rate ratio", "نسبة المعدلات", "f")),
    "gamma": ("mean", Phrase("ratio of means", "نسبة المتوسطات", "f")),
    "gaussian (log link)": ("mean", Phrase("ratio of means", "نسبة المتوسطات", "f")),
    "cox": ("hazard", Phrase("hazard ratio", "نسبة الخطر", "f")),
}
_FEW = 30
_TOO_FEW = {
    "en": "Too few interviews stand behind a comparison with {group} to show it.",
    "ar": "المقابلات أقل من أن تُعرض المقارنة مع {group}.",
}
_VARIES = {
    "en": "This is an average over the people interviewed: in the model the difference varies with {others}.",
    "ar": "هذا متوسط على من شملهم النموذج، إذ يتغيّر الفارق فيه بحسب {others}.",
}
_CAUSE = {
    "en": "These are associations between answers, not effects of one on another.",
    "ar": "هذه ارتباطات بين الإجابات ولا تعني السببية.",
}
_INSTRUMENTS = {
    "en": "It rests on the instruments being valid, which no figure can show.",
    "ar": "يقوم ذلك على صلاحية الأدوات، ولا رقم يثبتها.",
}


@dataclass(frozen=True, slots=True)
class Said:
    """A sentence about one effect.

    Attributes
    ----------
    variable : str or None
        The predictor; None for a remark on the whole.
    category : code or None
        Its level.
    within : tuple of (str, code), optional
        The group it is said of, or the level of the outcome.
    pieces : tuple of Piece
        Without a full stop; numbers have slots.
    """

    variable: str | None
    category: Any
    within: tuple[tuple[str, Any], ...]
    pieces: Sentence


@dataclass(frozen=True, slots=True, repr=False)
class Reading:
    """Sentences about a model in one language.

    Attributes
    ----------
    said : tuple of Said
    lang : {"ar", "en"}
    """

    said: tuple[Said, ...]
    lang: Lang

    @property
    def texts(self) -> tuple[str, ...]:
        """Each sentence with its full stop, numbers isolated in Arabic."""
        return tuple(pieces.shown(_stopped(one.pieces), self.lang) for one in self.said)

    def __str__(self) -> str:
        return "\n".join(self.texts)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        direction = "rtl" if self.lang == "ar" else "ltr"
        lines = "".join(f"<p style='margin:.3em 0;text-align:start'>{escape(text)}</p>" for text in self.texts)
        return (f"<div class='masar-reading' lang='{self.lang}' dir='{direction}' style='font-family:{FACE};max-width:46em;"
                f"line-height:1.6;text-align:start'>{lines}</div>")


@dataclass(frozen=True, slots=True)
class _Effect:
    """One effect as plain values."""

    variable: str
    category: Any
    reference: Any
    value: float
    low: float
    high: float
    measure: associations.Measure
    subject: Phrase
    unit: Phrase | None = None
    name: Phrase | None = None
    within: tuple[str, Any] | None = None
    level: tuple[str, Any] | None = None
    few: int | None = None


def reading(model: Any, lang: str = "en", words: named.Words | None = None) -> Reading:
    """Every effect of a model in words, holding the other predictors equal.

    Parameters
    ----------
    model : a fitted model
    lang : {"ar", "en"}
    words : mapping, optional
        Better names than the codebook's: variable → `Phrase`, ``(variable, code)`` → `Phrase` for a
        group, the outcome → `Phrase` for what differs ("the employment rate", «معدل التشغيل»).

    Returns
    -------
    Reading
        For 0/1 and categorical outcomes average marginal effects in percentage points; for means
        their differences in the outcome's unit; ratios for counts and hazards. Where an interval
        holds no difference: "the data do not settle whether …". Interactions are read as an average
        and within each category of the other predictor. Nothing is said to be a cause.

    Raises
    ------
    ModelError
        A model without effects that can be read; a predictor in an interaction or a transformation of
        a Cox, quantile or two-stage model, which have no average effects.

    Examples
    --------
    >>> model = survey.logit("employed ~ C(sex) + age")             # doctest: +SKIP
    >>> print(model.reading("en"))                                  # doctest: +SKIP
    """
    return _read(model, None, lang, words)


def say(model: Any, term: str, lang: str = "en", words: named.Words | None = None) -> Reading:
    """One predictor, or one term, of a model in words; see :func:`reading`.

    Parameters
    ----------
    model : a fitted model
    term : str
        A predictor ("sex"), or a term of ``model.frame`` ("C(sex)[T.2]").
    lang, words
        As for :func:`reading`.

    Raises
    ------
    ModelError
        No such predictor or term; the constant.

    Examples
    --------
    >>> model.say("sex", "ar")                                      # doctest: +SKIP
    """
    return _read(model, term, lang, words)


def _read(model: Any, term: str | None, lang: str, words: named.Words | None) -> Reading:
    check_language(lang)
    known = _predictors(model)
    chosen, code = known, None
    if term is not None:
        key = ((term, None),) if term in known else key_of(term)
        if key == CONSTANT or any(name not in known for name, _ in key) or not _has(model, term, known):
            raise ModelError(
                f"{term!r} is no predictor or term of {model.formula!r} that can be read.",
                remedy=f"Name one of {', '.join(known)}, or a term of model.frame other than the constant.",
                ar=f"لا يوجد في النموذج متغيّر أو حد باسم \u2066{term}\u2069؛ استعمل أحد الأسماء: \u2066{', '.join(known)}\u2069.",
            )
        chosen, code = [key[0][0]], key[0][1] if len(key) == 1 else None
    said: list[Said] = []
    for name in chosen:
        said += list(_of_variable(model, name, code, lang, words or {}))
    closing = _CAUSE[lang].rstrip(".")
    if model.family == "two-stage":
        said.append(Said(None, None, (), (Piece(_INSTRUMENTS[lang].rstrip(".")),)))
    return Reading((*said, Said(None, None, (), (Piece(closing),))), lang)


def _predictors(model: Any) -> list[str]:
    matrix = getattr(model, "matrix", None)
    if matrix is None or not hasattr(matrix, "data") or model.family == "loglinear":
        raise ModelError(
            f"A {type(model).__name__} has no effects of predictors to put in words.",
            remedy="Read a regression; for a MAIHDA use its own .reading(lang).",
            ar="لا آثار لمتغيّرات مفسّرة تُقرأ في هذا النموذج.",
        )
    named_in = {name for term in _terms(model) for name in term}
    return [name for name in matrix.data.columns if name in named_in]


def _has(model: Any, term: str, known: Sequence[str]) -> bool:
    frame = model.frame
    column = frame["predictor"] if "predictor" in frame else frame["term"]
    return term in known or term in set(column) | set(frame["term"])


def _terms(model: Any) -> list[tuple[str, ...]]:
    """The predictors of each coefficient's term."""
    frame = model.frame
    if "part" in frame:
        frame = frame[frame["part"] == "coefficient"]
    out = []
    for text in frame["predictor"] if "predictor" in frame else frame["term"]:
        names: list[str] = []
        for piece, _ in key_of(text):
            names += [n for n in model.matrix.data.columns if n == piece or _inside(n, piece)]
        out.append(tuple(names))
    return out


def _inside(name: str, piece: str) -> bool:
    from masar_research.models.matrix import names_in

    try:
        return name in names_in(piece.partition("[")[0])
    except SyntaxError:
        return False


def _of_variable(model: Any, name: str, code: str | None, lang: Lang, words: named.Words) -> Iterator[Said]:
    book = model.survey.codebook
    others = [other for other in _predictors(model) if other != name]
    crossed = list(dict.fromkeys(n for names in _terms(model) if name in names for n in names if n != name))
    for effect in _effects(model, name, words, crossed):
        if code is not None and code_of(effect.category) != code:
            continue
        place = tuple(one for one in (effect.within, effect.level) if one is not None)
        group = None if effect.category is None else named.group_of(book, name, effect.category, words)
        if effect.few is not None and effect.few < gating.LEAST:
            assert group is not None
            told = _TOO_FEW[lang].rstrip(".").split("{group}")
            yield Said(name, effect.category, place,
                       pieces.tidy([Piece(told[0]), associations.label(group, lang), Piece(told[1])]))
            continue
        contrast = associations.Contrast(step=named.step_of(book, name, words)) if group is None else (
            associations.Contrast(group, named.group_of(book, name, effect.reference, words)))
        within = None if effect.within is None else named.group_of(book, *effect.within, words)
        held = [named.name_of(book, other, words) for other in others
                if effect.within is None or other != effect.within[0]]
        yield Said(name, effect.category, place, associations.association(
            effect.subject, contrast, effect.value, effect.low, effect.high, lang, measure=effect.measure,
            held=held, confidence=model.level, unit=effect.unit, name=effect.name, within=within,
            caution=effect.few is not None and effect.few < _FEW,
        ))  # fmt: skip
    if crossed:
        told = _VARIES[lang].rstrip(".").split("{others}")
        varied = associations.joined([named.name_of(book, other, words) for other in crossed], lang)
        yield Said(name, None, (), pieces.tidy([Piece(told[0]), *varied, Piece(told[1])]))


def _effects(model: Any, name: str, words: named.Words, crossed: Sequence[str]) -> Iterator[_Effect]:
    base = model.family.split(" ")[0]
    ratio = _RATIOS.get(model.family)
    if hasattr(model, "margins") and (ratio is None or crossed or not _plain(model, name)):
        yield from _averages(model, name, words, None)
        for other in crossed:
            if isinstance(model.matrix.data[other].dtype, pd.CategoricalDtype) and base not in _CATEGORICAL:
                yield from _averages(model, name, words, other)
        return
    if crossed or not _plain(model, name):
        raise ModelError(
            f"{name} stands in an interaction or a transformation, and a {model.family} model has no average "
            "effects: no one sentence is true of it.",
            remedy="Read model.frame, or fit the model within groups.",
            ar=f"المتغيّر {named.label_of(model.survey.codebook, name)['ar']} داخل في تفاعل أو تحويل، ولا متوسط أثر لهذا "
            "النموذج؛ اقرأ جدول المعاملات أو قدّر النموذج داخل كل فئة.",
        )
    yield from _coefficients(model, name, words, ratio)


def _plain(model: Any, name: str) -> bool:
    """Whether every coefficient of a predictor is one of its levels, or its own slope."""
    column = "predictor" if "predictor" in model.frame else "term"
    for text in model.frame[column]:
        for piece, _ in key_of(text):
            if piece != name and _inside(name, piece):
                return False
    return True


def _averages(model: Any, name: str, words: named.Words, over: str | None) -> Iterator[_Effect]:
    book, outcome = model.survey.codebook, model.note["outcome"]
    base = model.family.split(" ")[0]
    effects = model.margins(name, over=over)
    reference = effects.note.get("reference")
    for row in effects.frame.to_dict("records"):
        category = None if pd.isna(row["category"]) else row["category"]
        level = (outcome, row[outcome]) if base in _CATEGORICAL else None
        unit, measure = None, "points"
        if level is not None:
            subject = named.share_of(book, outcome, row[outcome], words)
        elif base in _BINARY:
            subject = named.share_of(book, outcome, 1, words)
        else:
            subject, unit, measure = named.amount_of(book, outcome, words), named.unit_of(book, outcome), "number"
        within = None if over is None else (over, row[over])
        yield _Effect(
            name, category, reference, row["estimate"], row["conf_low"], row["conf_high"], measure, subject, unit,
            None, within, level, None if category is None else _count(model, name, (category, reference), within),
        )  # fmt: skip


def _coefficients(
    model: Any, name: str, words: named.Words, ratio: tuple[str, Phrase] | None
) -> Iterator[_Effect]:
    book, outcome = model.survey.codebook, model.note["outcome"]
    column = "predictor" if "predictor" in model.frame else "term"
    reference = model.note["references"].get(name)
    for row in model.frame.to_dict("records"):
        key = key_of(row[column])
        if len(key) != 1 or key[0][0] != name:
            continue
        code = key[0][1]
        category = None if code is None else next(
            (c for c in model.matrix.data[name].cat.categories if code_of(c) == code), code)
        ends = [row["estimate"], row["conf_low"], row["conf_high"]]
        if ratio is not None:
            ends = [float(np.exp(end)) for end in ends]
            head = "rate" if ratio[0] == "mean" and model.note.get("offset") else ratio[0]
            subject, unit = named.amount_of(book, outcome, words, head), None
        else:
            tau = row.get("tau")
            kind = "mean" if tau is None else "quantile"
            subject, unit = named.amount_of(book, outcome, words, kind, tau), named.unit_of(book, outcome)
        yield _Effect(
            name, category, reference, *ends, "number" if ratio is None else "ratio", subject, unit,
            None if ratio is None else ratio[1], None, None if row.get("tau") is None else ("tau", row["tau"]),
            None if category is None else _count(model, name, (category, reference), None),
        )  # fmt: skip


def _count(model: Any, name: str, codes: Sequence[Any], within: tuple[str, Any] | None) -> int:
    """The fewest fitted rows of the groups compared."""
    data = model.matrix.data
    column = data[name].to_numpy()
    rows = np.ones(len(data), bool)
    if within is not None:
        rows = data[within[0]].to_numpy() == within[1]
    return int(min(np.count_nonzero(rows & (column == code)) for code in codes))


def _stopped(sentence: Sentence) -> Sentence:
    return (*sentence, Piece("."))
