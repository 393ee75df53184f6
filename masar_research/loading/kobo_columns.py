"""Which column of an export belongs to which question or option, whatever program and settings wrote its header."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import pandas as pd

from masar_research.codebook import Text
from masar_research.loading.xlsform import Choice, Question

_ODD = re.compile("[^0-9A-Za-z_\u0620-\u064a]+")
_FLAGS = frozenset(("1", "1.0", "true", "yes", "0", "0.0", "false", "no", "", "na", "nan"))


@dataclass(slots=True)
class Columns:
    """The columns of an export by the questions they answer.

    Attributes
    ----------
    found : dict
        Question (its name in the frame) → columns that hold its answer, one per version of the form.
    options : dict
        Question → option → its 0/1 column.
    outside : dict
        Question → codes that have a column but no place in the choice list.
    rest : list of str
        Columns that belong to no question.
    by_words : int
        How many columns were found by labels and not by names.
    """

    found: dict[str, list[str]] = field(default_factory=dict)
    options: dict[str, dict[str, str]] = field(default_factory=dict)
    outside: dict[str, list[str]] = field(default_factory=dict)
    rest: list[str] = field(default_factory=list)
    by_words: int = 0


def key(text: str) -> str:
    """A header as it is compared: lower case, every run of separators a point."""
    return re.sub(r"[^0-9a-z_\u0600-\u06ff]+", ".", str(text).strip().lower())


def final_names(questions: Iterable[Question]) -> dict[tuple[str, ...], str]:
    """Path → name in the frame: the bare name, or the whole path joined by ``__`` where two questions share it."""
    questions = list(questions)
    bare = [question.name for question in questions]
    return {q.path: q.name if bare.count(q.name) == 1 else "__".join(q.path) for q in questions}


def option_names(question: Question, name: str) -> dict[str, str]:
    """Option → its column in the frame; two options that would share a name are numbered."""
    out: dict[str, str] = {}
    for choice in question.choices if question.kind in ("select_multiple", "rank") else ():
        piece = _ODD.sub("_", choice.name)
        base = column = f"{name}__{piece}"
        k = 2
        while column in out.values():
            column, k = f"{base}_{k}", k + 1
        out[choice.name] = column
    return out


def belonging(frame: pd.DataFrame, questions: list[Question], names: dict) -> Columns:
    """Every column of an export under its question.

    Met are names with and without groups, joined by ``/ . : -`` (KoBo, ODK Central, R), labels in either
    language with and without the groups' labels (KoBo's label exports), options as ``q/code``, ``q.code``,
    ``q/Label``, ``Question/Label`` and, where the column holds 0 and 1 only, SurveyCTO's ``q_code``.

    Parameters
    ----------
    frame : pandas.DataFrame
    questions : list of Question
    names : dict
        As `final_names` gives it.
    """
    by_name, by_words = _question_keys(questions, names)
    options, weak = _option_keys(questions, names)
    prefixes = [
        (key(spelling) + ".", len(spelling) + 1, names[q.path])
        for q in questions
        if q.kind == "select_multiple"
        for spelling in _spellings(q, names)
    ]
    out = Columns()
    for column in map(str, frame.columns):
        known = key(column)
        if known in by_name:
            out.found.setdefault(names[by_name[known].path], []).append(column)
            continue
        owner = options.get(known)
        if owner is None and known in by_words:
            out.found.setdefault(names[by_words[known].path], []).append(column)
            out.by_words += 1
            continue
        if owner is None and known in weak and holds_flags(frame[column]):
            owner = weak[known]
        if owner is not None and owner[1] not in out.options.get(owner[0], {}):
            out.options.setdefault(owner[0], {})[owner[1]] = column
            continue
        stray = next(((length, name) for prefix, length, name in prefixes if known.startswith(prefix)), None)
        if stray is not None and (code := column[stray[0] :].strip()) and "/" not in code and holds_flags(frame[column]):
            out.options.setdefault(stray[1], {})[code] = column
            out.outside.setdefault(stray[1], []).append(code)
            continue
        out.rest.append(column)
    return out


def undecidable(table: pd.DataFrame, questions: list[Question]) -> frozenset[str]:
    """Columns whose points and commas are not looked at: all but those of questions that ask for a number."""
    names = final_names(questions)
    kinds = {names[q.path]: q.kind for q in questions}
    found = belonging(table, questions, names).found
    numbers = {c for name, columns in found.items() if kinds[name] in ("integer", "decimal", "range") for c in columns}
    return frozenset(map(str, table.columns)) - numbers


def with_outside(question: Question, codes: Iterable[str]) -> Question:
    """The question with options its list has not, labelled with their codes."""
    known = {choice.name for choice in question.choices}
    more = tuple(Choice(code, Text()) for code in dict.fromkeys(codes) if code not in known)
    return replace(question, choices=(*question.choices, *more)) if more else question


def holds_flags(column: pd.Series) -> bool:
    """Whether a column holds nothing but 0/1, TRUE/FALSE, yes/no and blanks, and something at all."""
    values = {str(value).strip().lower() for value in column.dropna().unique()}
    return bool(values - {"", "na", "nan"}) and values <= _FLAGS


def _spellings(question: Question, names: dict) -> list[str]:
    paths = [question.path, *question.also]
    whole = ["/".join(path) for path in paths]
    return list(dict.fromkeys([*whole, question.name] if names[question.path] == question.name else whole))


def _wordings(question: Question) -> list[str]:
    out = []
    for lang, words in question.label.items():
        above = [title.get(lang) for title in question.titles]
        out.append(words)
        if above and all(above):
            out.append("/".join([*above, words]))
    return out


def _question_keys(questions: list[Question], names: dict) -> tuple[dict[str, Question], dict[str, Question]]:
    by_name: dict[str, Question] = {}
    worded: dict[str, list[Question]] = {}
    for question in questions:
        for spelling in _spellings(question, names):
            by_name.setdefault(key(spelling), question)
        for words in _wordings(question):
            owners = worded.setdefault(key(words), [])
            if question not in owners:
                owners.append(question)
    return by_name, {k: owners[0] for k, owners in worded.items() if len(owners) == 1 and len(k) > 3}


def _option_keys(questions: list[Question], names: dict) -> tuple[dict, dict]:
    """Header → (question, code): sure ones, and those that hold only where the column is of flags."""
    sure: dict[str, tuple[str, str]] = {}
    weak: dict[str, list[tuple[str, str]]] = {}
    level = min((len(q.repeat) for q in questions), default=0)
    for question in questions:
        if question.kind != "select_multiple":
            continue
        name, spelled = names[question.path], _spellings(question, names)
        for choice in question.choices:
            owner = (name, choice.name)
            for spelling in spelled:
                sure.setdefault(key(f"{spelling}/{choice.name}"), owner)
            labels = [f"{above}/{words}" for above in (*spelled, *_wordings(question)) for words in choice.label.values()]
            labels += [f"{words}/{choice.name}" for words in _wordings(question)]
            # numbered columns of repeat groups written side by side look the same
            joined = [f"{s}_{choice.name}" for s in spelled] if len(question.repeat) == level else []
            joined += [f"{s}_{_ODD.sub('_', choice.name)}" for s in spelled] if joined else []
            for spelling in (*labels, *joined):
                owners = weak.setdefault(key(spelling), [])
                if owner not in owners:
                    owners.append(owner)
    return sure, {k: owners[0] for k, owners in weak.items() if len(owners) == 1}
