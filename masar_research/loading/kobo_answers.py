"""The answers to one question of a form as columns of codes, numbers, dates and text, with their codebook entries."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from masar_research.codebook import Category, ResponseSet, Text, Variable, fold
from masar_research.errors import DataError
from masar_research.loading.dates import to_dates
from masar_research.loading.kobo_columns import option_names
from masar_research.loading.numbers import masked
from masar_research.loading.personal import FORM_KINDS, Finding
from masar_research.loading.raw import Note, clean, words_of
from masar_research.loading.tables import typed_column
from masar_research.loading.xlsform import Question

_TRUE, _FALSE = frozenset(("1", "1.0", "true", "yes")), frozenset(("0", "0.0", "false", "no"))
_ABSENT = ("NA", "N/A", "null", "NaN")
_BETWEEN = re.compile(r"[\s,;|،؛]+")


@dataclass(slots=True)
class Work:
    """What is built up while one export is read."""

    frame: pd.DataFrame
    columns: dict[str, pd.Series] = field(default_factory=dict)
    variables: dict[str, Variable] = field(default_factory=dict)
    sets: list[ResponseSet] = field(default_factory=list)
    aside: list[Finding] = field(default_factory=list)
    strange: dict[str, list[str]] = field(default_factory=dict)
    notes: list[Note] = field(default_factory=list)

    def put(self, column: pd.Series, variable: Variable) -> None:
        self.columns[variable.name] = column
        self.variables[variable.name] = variable


def plain_codes(column: pd.Series) -> pd.Series:
    """Cells as codes are written: 1 for 1.0, true for True, no blanks around; blank is missing."""

    def text(value: object) -> str:
        if isinstance(value, bool | np.bool_):
            return str(value).lower()
        if isinstance(value, float) and value.is_integer():
            return str(int(value))
        return str(value).strip()

    out = column.map(text, na_action="ignore").astype("str")
    return out.mask(out == "")


def take(work: Work, question: Question, name: str, column: pd.Series | None, options: dict[str, str]) -> None:
    """Put the answers to one question into the work.

    Parameters
    ----------
    work : Work
    question : Question
    name : str
        Its name in the frame.
    column : pandas.Series or None
        The answer as exported; None where only option columns are there.
    options : dict
        Option → its column in the export.
    """
    label = question.label or words_of(name)
    if question.kind in FORM_KINDS and column is not None:
        work.aside.append(Finding(name, str(column.name), FORM_KINDS[question.kind]))
    if question.kind == "select_multiple":
        _multiple(work, question, name, label, column, options)
    elif column is None:
        return
    elif question.kind == "select_one" and question.choices:
        _single(work, question, name, label, column)
    elif question.kind == "rank":
        _ranked(work, question, name, label, column)
    elif question.kind in ("date", "datetime", "today", "start", "end"):
        _date(work, question, name, label, column)
    else:
        _open(work, question, name, label, column)


def entry(question: Question, name: str, label: Text, level: str, column: object, categories: tuple = ()) -> Variable:
    """The codebook entry of a column: wording, hint and source of its question."""
    return Variable(name, label, question.label or None, level, categories, source=(str(column),), note=_hint(question))


def _hint(question: Question) -> Text | None:
    lead = {"en": "Hint", "ar": "إرشاد"}
    return Text.of({lang: f"{lead[lang]}: {words}" for lang, words in question.hint.items()}) or None


def _date(work: Work, question: Question, name: str, label: Text, column: pd.Series) -> None:
    try:
        typed = column if column.dtype.kind == "M" else typed_column(column)[0].rename(name)
        work.put(pd.Series(to_dates(typed), index=column.index), entry(question, name, label, "date", column.name))
    except DataError:
        work.put(column.astype("str"), entry(question, name, label, "text", column.name))
        work.notes.append(
            Note(
                "dates",
                f"{name} holds values that are no dates; it was kept as text.",
                f"في {name} قيم ليست تواريخ؛ أُبقي نصاً.",
                (name,),
            )
        )


def _open(work: Work, question: Question, name: str, label: Text, column: pd.Series) -> None:
    if question.kind == "text":
        values = column.map(lambda v: clean(v), na_action="ignore").astype("str")
        values = values.mask(values == "")
    else:
        values = typed_column(column, ids=question.kind not in ("decimal", "range"))[0]
    level = {"f": "numeric", "M": "date"}.get(values.dtype.kind, "text")
    work.put(values, entry(question, name, label, level, column.name))


def _owners(question: Question) -> dict[str, str | None]:
    """Folded label → its code; None where two codes share the label."""
    out: dict[str, str | None] = {}
    for choice in question.choices:
        for words in choice.label.values():
            folded = fold(words)
            out[folded] = choice.name if out.get(folded, choice.name) == choice.name else None
    return out


def _shared(work: Work, name: str, words: list[str]) -> None:
    shown = "; ".join(words[:5])
    ar = "؛ ".join(words[:5])
    work.notes.append(
        Note(
            "labels_shared",
            f"{name} holds labels that several codes of its list share, so no code was given to them: {shown}. "
            "Export with XML names and values.",
            f"في {name} أوصاف تشترك فيها عدة رموز من قائمته، فلم يُعطَ لها رمز: {ar}. صدّر بأسماء XML وقيمها.",
            (name,),
        )
    )


def _single(work: Work, question: Question, name: str, label: Text, column: pd.Series) -> None:
    codes = [choice.name for choice in question.choices]
    values = plain_codes(column)
    unknown = [value for value in values.dropna().unique() if value not in codes]
    if unknown:
        by_label = _owners(question)
        owner = {value: by_label.get(fold(value)) for value in unknown}
        rename = {value: code for value, code in owner.items() if code is not None}
        gone = [value for value in unknown if value in _ABSENT]
        shared = [value for value in unknown if owner[value] is None and fold(value) in by_label]
        if shared:
            _shared(work, name, shared)
        if rename or gone:
            values = values.map(lambda v: rename.get(v, v), na_action="ignore").astype("str").mask(values.isin(gone))
        unknown = [value for value in unknown if value not in rename and value not in gone]
    if unknown:
        work.strange[name] = unknown
    number = {code: _number(code) for code in (*codes, *unknown)}
    numeric = bool(number) and all(v is not None for v in number.values()) and len(set(number.values())) == len(number)
    if numeric:
        values = values.map(lambda v: number[v], na_action="ignore").astype("float64")
    categories = tuple(
        Category(number[c.name] if numeric else c.name, c.label or words_of(c.name)) for c in question.choices
    )
    work.put(values, entry(question, name, label, "nominal", column.name, categories))


def _number(code: str) -> float | None:
    return float(code) if re.fullmatch(r"-?(?:0|[1-9]\d{0,14})", code) else None


def answers_of(question: Question, column: pd.Series) -> pd.Series:
    """Several answers as codes joined by blanks, where they were exported as labels turned back into codes.

    A row whose labels can be read in more than one way, or not at all, stays as exported.
    """
    texts = plain_codes(column)
    codes = {choice.name for choice in question.choices}
    odd = [value for value in texts.dropna().unique() if not set(value.split()) <= codes]
    owners = {words: code for words, code in _owners(question).items() if code is not None and words}
    back = {value: found for value in odd if (found := _taken_apart(fold(value), owners)) is not None}
    return texts.map(lambda v: back.get(v, v), na_action="ignore").astype("str") if back else texts


def _taken_apart(text: str, owners: dict[str, str]) -> str | None:
    """Codes of labels joined by blanks or commas; None where there is no reading or more than one."""
    readings: dict[int, list[tuple[str, ...]]] = {0: [()]}
    for start in range(len(text)):
        for label, code in owners.items() if start in readings else ():
            end = start + len(label)
            between = _BETWEEN.match(text, end)
            if text.startswith(label, start) and (end == len(text) or between):
                at = end if end == len(text) else between.end()
                mine = [(*before, code) for before in readings[start]]
                readings[at] = list(dict.fromkeys(readings.get(at, []) + mine))[:2]
    whole = readings.get(len(text), [])
    return " ".join(whole[0]) if len(whole) == 1 and whole[0] else None


def outside_of(question: Question, column: pd.Series) -> list[str]:
    """Codes in the answers that the list has not, where they look like codes and are few."""
    codes = {choice.name for choice in question.choices}
    pieces = {piece for value in answers_of(question, column).dropna().unique() for piece in value.split()}
    unknown = sorted(pieces - codes - {"NA"})
    safe = all(re.fullmatch(r"[0-9A-Za-z_.-]{1,30}", code) and not re.search(r"\d{7}", code) for code in unknown)
    return unknown if safe and len(unknown) <= max(5, len(codes)) else []


def _multiple(
    work: Work, question: Question, name: str, label: Text, parent: pd.Series | None, options: dict[str, str]
) -> None:
    answered = None
    if parent is not None:
        texts = answers_of(question, parent)
        answered = texts.map(lambda v: frozenset(v.split()), na_action="ignore")
        listed = {choice.name for choice in question.choices}
        unknown = sorted({piece for pieces in answered.dropna().unique() for piece in pieces} - listed - {"NA"})
        if unknown:
            work.strange[name] = [*work.strange.get(name, []), *unknown]
        work.put(texts, entry(question, name, label, "text", parent.name))
    made = []
    columns = option_names(question, name)
    for choice in question.choices:
        column = columns[choice.name]
        if choice.name in options:
            values = _flags(work.frame[options[choice.name]], options[choice.name])
            source = options[choice.name]
        elif answered is not None:
            values = answered.map(
                lambda pieces, code=choice.name: float(code in pieces), na_action="ignore"
            ).astype("float64")
            source = str(parent.name)
        else:
            continue
        yes = (Category(0, {"en": "No", "ar": "لا"}), Category(1, {"en": "Yes", "ar": "نعم"}))
        variable = entry(question, column, _both(label, choice.label, choice.name, column), "nominal", source, yes)
        # the hint stands with the answer as recorded, where there is one
        work.put(values, variable if parent is None else replace(variable, note=None))
        made.append(column)
    if len(set(made)) > 1:
        work.sets.append(ResponseSet(name, label, tuple(dict.fromkeys(made))))


def _both(label: Text, option: Text, code: str, column: str) -> Text:
    """Question and option in one label; an option without words goes by its code."""
    if not option:
        return Text.of({lang: f"{words}: {code}" for lang, words in label.items()}) or words_of(column)
    return Text.of({k: f"{label[k]}: {option[k]}" for k in ("en", "ar") if k in label and k in option}) or words_of(column)


def _flags(column: pd.Series, name: str) -> pd.Series:
    texts = plain_codes(column).str.lower()
    texts = texts.mask(texts.isin(["na", "nan"]))
    strange = sorted(set(texts.dropna().unique()) - _TRUE - _FALSE)
    if strange:
        raise DataError(
            f"The multi-select column {name!r} holds other values than 0/1 or TRUE/FALSE, of the form {', '.join(dict.fromkeys(map(masked, strange[:5])))}.",
            remedy="Export multi-selects as separate 0/1 columns.",
            ar=f"في عمود الخيار {name} قيم غير 0 و1؛ صدّر الأسئلة متعددة الإجابات أعمدةً منفصلة بقيم 0 و1.",
        )
    return texts.map(lambda v: float(v in _TRUE), na_action="ignore").astype("float64")


def _ranked(work: Work, question: Question, name: str, label: Text, column: pd.Series) -> None:
    """A ranking: the order as recorded, and the place of each option, 1 for the first."""
    texts = answers_of(question, column)
    work.put(texts, entry(question, name, label, "text", column.name))
    orders = texts.map(lambda v: {code: k + 1.0 for k, code in enumerate(v.split())}, na_action="ignore")
    for code, target in option_names(question, name).items():
        words = next(choice.label for choice in question.choices if choice.name == code)
        values = orders.map(lambda places, code=code: places.get(code, np.nan), na_action="ignore").astype("float64")
        work.put(values, entry(question, target, _both(label, words, code, target), "ordinal", column.name))
