"""A fitted model as columns of a table: its terms as keys that models have in common."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from masar_research.codebook import Codebook
from masar_research.errors import ModelError
from masar_research.models import comparison_words as words
from masar_research.models.coefficients import DUMMY
from masar_research.models.predictors import level_words

#: A term: pieces (variable or expression, code or None); the same in every model.
Key = tuple[tuple[str, str | None], ...]

CONSTANT: Key = (("1", None),)
THRESHOLD = "|"
_CATEGORICAL = ("ordinal", "multinomial")


@dataclass(frozen=True, slots=True)
class Entry:
    """A figure of a table.

    Attributes
    ----------
    estimate, std_error, low, high, p_value : float
        NaN where there is none.
    reference : bool
        Whether it is the level the others are compared with.
    """

    estimate: float
    std_error: float
    low: float
    high: float
    p_value: float
    reference: bool = False


@dataclass(frozen=True, slots=True)
class Column:
    """One equation of one model.

    Attributes
    ----------
    model : int
        Place of the model among those compared.
    equation : mapping or None
        Words of the level, quantile or part, where a model has several.
    scale : str
        Key of ``comparison_words.SCALES``.
    entries : mapping of Key to Entry
    labels : mapping of Key to mapping
        Words of terms that are no single variable.
    """

    model: int
    equation: words.Words | None
    scale: str
    entries: Mapping[Key, Entry]
    labels: Mapping[Key, words.Words]


def key_of(term: str) -> Key:
    """The pieces of a term: ``C(sex)[T.2.0]:age`` is ``(("sex", "2"), ("age", None))``.

    Examples
    --------
    >>> key_of("C(sex)[T.2.0]:age"), key_of("Intercept")
    ((('sex', '2'), ('age', None)), (('1', None),))
    """
    if term == "Intercept":
        return CONSTANT
    out = []
    for piece in re.split(r":(?![^\[]*\])", term):
        match = DUMMY.match(piece)
        out.append((match.group(1), code_of(match.group(2))) if match else (piece, None))
    return tuple(out)


def code_of(code: Any) -> str:
    """A code as text, the same for 2, 2.0 and "2.0"."""
    try:
        return f"{float(code):g}"
    except (TypeError, ValueError):
        return str(code)


def columns_of(model: Any, place: int, effects: str) -> tuple[list[Column], list[str]]:
    """The columns of one model, and keys of ``comparison_words.WARNINGS`` that hold for it.

    Parameters
    ----------
    model : a fitted model
    place : int
    effects : {"coefficients", "ratios", "ame"}
    """
    if effects == "ame":
        if hasattr(model, "margins"):
            return list(_averages(model, place)), []
        return _coefficients(model, place, False)[0], ["without_ame"]
    return _coefficients(model, place, effects == "ratios")


def _coefficients(model: Any, place: int, ratios: bool) -> tuple[list[Column], list[str]]:
    columns, warned = [], []
    for equation, frame in _equations(model):
        ratio = next((name for name in words.LOGARITHMS if name in frame and frame[name].notna().any()), None)
        scale = "coefficient" if ratio is None else words.LOGARITHMS[ratio]
        if ratios and ratio is None:
            warned = ["kept"]
        entries, labels = {}, {}
        for row in frame.to_dict("records"):
            threshold = row.get("part") == "threshold"
            key = ((THRESHOLD, row["term"]),) if threshold else key_of(row.get("predictor") or row["term"])
            entry = Entry(*(float(row[c]) for c in ("estimate", "std_error", "conf_low", "conf_high", "p_value")))
            entries[key] = _exponentiated(entry) if ratios and ratio and not threshold else entry
            labels[key] = {lang: _own(str(row[f"label_{lang}"]), equation is not None)
                           for lang in ("en", "ar")}
        entries |= _references(model, entries, 1.0 if ratios and ratio else 0.0)
        columns.append(Column(place, equation, ratio if ratios and ratio else scale, entries, labels))
    return columns, warned


def _exponentiated(entry: Entry) -> Entry:
    with np.errstate(over="ignore"):
        value, low, high = (float(np.exp(x)) for x in (entry.estimate, entry.low, entry.high))
    return Entry(value, value * entry.std_error, low, high, entry.p_value)


def _own(label: str, prefixed: bool) -> str:
    """A label without the equation that stands before it."""
    return label.partition(" — ")[2] or label if prefixed else label


def _equations(model: Any) -> Iterator[tuple[words.Words | None, pd.DataFrame]]:
    if hasattr(model, "adjusted") and hasattr(model, "null"):
        yield {"en": "Null", "ar": "دون متغيّرات"}, model.null
        yield {"en": "Adjusted", "ar": "المعدَّل"}, model.adjusted
        return
    frame = model.frame
    if "outcome" in frame and "predictor" in frame:
        for code, part in frame.groupby("outcome", sort=False):
            yield {lang: level_words(model.survey, model.note["outcome"], code, lang)
                   for lang in ("en", "ar")}, part
    elif "tau" in frame and frame["tau"].nunique() > 1:
        for tau, part in frame.groupby("tau", sort=False):
            yield {"en": f"Quantile {tau:g}", "ar": f"المئين {tau:g}"}, part
    else:
        yield None, frame


def _references(model: Any, entries: Mapping[Key, Entry], value: float) -> dict[Key, Entry]:
    """The reference level of each categorical predictor that has levels of its own."""
    nan = math.nan
    single = {key[0] for key in entries if len(key) == 1}
    out = {}
    for name, code in model.note["references"].items():
        piece = (name, code_of(code))
        if piece not in single and any(v == name and c is not None for v, c in single):
            out[(piece,)] = Entry(value, nan, nan, nan, nan, True)
    return out


def _averages(model: Any, place: int) -> Iterator[Column]:
    """Average marginal effects, a column per level of a categorical outcome."""
    share = model.family.split(" ")[0] in ("binomial", "probit", "cloglog", *_CATEGORICAL)
    found: dict[Any, dict[Key, Entry]] = {}
    for name in model.matrix.data.columns:
        effects = model.margins(name)
        for row in effects.frame.to_dict("records"):
            level = row[effects.by[-1]] if effects.by else None
            missing = row["category"] is None or row["category"] != row["category"]
            key = ((name, None if missing else code_of(row["category"])),)
            found.setdefault(level, {})[key] = Entry(
                *(float(row[c]) for c in ("estimate", "std_error", "conf_low", "conf_high", "p_value")))
        if effects.note.get("reference") is not None:
            for entries in found.values():
                nan = math.nan
                entries[((name, code_of(effects.note["reference"])),)] = Entry(0.0, nan, nan, nan, nan, True)
    for level, entries in found.items():
        equation = None if level is None else {
            lang: level_words(model.survey, model.note["outcome"], level, lang) for lang in ("en", "ar")}
        yield Column(place, equation, "points" if share else "ame", entries, {})


@dataclass(frozen=True, slots=True)
class Line:
    """A row of the body.

    Attributes
    ----------
    key : Key or None
        None for a heading.
    label : mapping
    inside : bool
        Whether it stands under a heading.
    """

    key: Key | None
    label: words.Words
    inside: bool = False


def lines_of(columns: list[Column], books: list[Codebook]) -> list[Line]:
    """The rows in order: variables as the formulas name them, their levels as the codebook does,
    then interactions, thresholds and the constant."""
    keys = list(dict.fromkeys(key for column in columns for key in column.entries))
    labels = {key: text for column in reversed(columns) for key, text in column.labels.items()}
    variables = dict.fromkeys(key[0][0] for key in keys if len(key) == 1 and key != CONSTANT
                              and key[0][0] != THRESHOLD)
    out: list[Line] = []
    for name in variables:
        own = [key for key in keys if len(key) == 1 and key[0][0] == name]
        book = next((b for b in books if name in b), None)
        if any(key[0][1] is not None for key in own):
            out.append(Line(None, variable_words(book, name)))
            order = [] if book is None else [code_of(c.code) for c in book[name].categories]
            own.sort(key=lambda k: order.index(k[0][1]) if k[0][1] in order else len(order))
            out += [Line(key, level_label(book, name, key[0][1]), True) for key in own]
        else:
            out += [Line(key, _said(labels.get(key), variable_words(book, name))) for key in own]
    crossed: dict[tuple[str, ...], list[Key]] = {}
    for key in keys:
        if len(key) > 1:
            crossed.setdefault(tuple(name for name, _ in key), []).append(key)
    for names, own in crossed.items():
        heads = [variable_words(next((b for b in books if name in b), None), name) for name in names]
        out.append(Line(None, {lang: " × ".join(head[lang] for head in heads) for lang in ("en", "ar")}))
        out += [Line(key, _crossed(key, books), True) for key in own]
    cuts = [key for key in keys if key[0][0] == THRESHOLD]
    if cuts:
        out.append(Line(None, words.THRESHOLDS))
        out += [Line(key, _said(labels.get(key), {"en": str(key[0][1]), "ar": ""}), True) for key in cuts]
    if CONSTANT in keys:
        out.append(Line(CONSTANT, words.CONSTANT))
    return out


def _crossed(key: Key, books: list[Codebook]) -> words.Words:
    """The levels of an interaction; a numeric predictor by its name."""
    found = []
    for name, code in key:
        book = next((b for b in books if name in b), None)
        found.append(variable_words(book, name) if code is None else level_label(book, name, code))
    return {lang: " × ".join(part[lang] for part in found) for lang in ("en", "ar")}


def _said(label: words.Words | None, fallback: words.Words) -> words.Words:
    made = {lang: (label or {}).get(lang) or fallback.get(lang, "") for lang in ("en", "ar")}
    return made | {"ar": made["ar"] or f"\u2066{made['en']}\u2069"}


def variable_words(book: Codebook | None, name: str) -> words.Words:
    """A variable's label in both languages; its name where the codebook has none."""
    known = {} if book is None else book[name].label
    return {"en": known.get("en") or name, "ar": known.get("ar") or f"\u2066{name}\u2069"}


def level_label(book: Codebook | None, name: str, code: str | None) -> words.Words:
    """A level's label in both languages; its code where the codebook has none."""
    known: Mapping[str, str] = {}
    if book is not None:
        known = next((c.label for c in book[name].categories if code_of(c.code) == code), {})
    return {"en": known.get("en") or str(code), "ar": known.get("ar") or f"\u2066{code}\u2069"}


def check(model: Any) -> None:
    """Refuse what is no fitted model of this package."""
    if not hasattr(model, "note") or not (hasattr(model, "frame") or hasattr(model, "adjusted")):
        raise ModelError(
            f"{type(model).__name__} is not a fitted model.",
            remedy="Pass results of survey.logit, survey.glm, survey.cox and the like.",
            ar="مرّر نماذج مقدَّرة مثل نتائج survey.logit وsurvey.glm وsurvey.cox.",
        )
