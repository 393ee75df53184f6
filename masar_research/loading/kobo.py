"""A KoBo or ODK export read with its XLSForm: names, codes, multi-selects, personal data set aside."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from masar_research.codebook import Category, Codebook, ResponseSet, Text, Variable, fold
from masar_research.errors import DataError
from masar_research.expressions import is_missing, truth
from masar_research.loading.dates import to_dates
from masar_research.loading.personal import FORM_KINDS, Finding, find, withdraw
from masar_research.loading.raw import Note, clean, words_of
from masar_research.loading.tables import typed_column
from masar_research.loading.xlsform import Form, Question
from masar_research.loading.xlsform_relevance import Answer, universe

_ODD = re.compile("[^0-9A-Za-z_\u0620-\u064a]+")
_TRUE, _FALSE = frozenset(("1", "1.0", "true", "yes")), frozenset(("0", "0.0", "false", "no"))


@dataclass(slots=True)
class _Work:
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


def apply_form(frame: pd.DataFrame, form: Form, where: str, wanted: tuple[str, ...] = ()) -> tuple[pd.DataFrame, Codebook, list[Note]]:
    """Columns named and coded as the form says.

    Group prefixes go (a name that two groups share keeps them, joined by ``__``); a multi-select becomes one
    0/1 column per option, ``question__option``, beside the answer as recorded; conditions become universes;
    names, telephone numbers, positions, device identifiers and media are set aside and never returned.

    Parameters
    ----------
    frame : pandas.DataFrame
        The export, text or cells.
    form : Form
    where : str
        The file's name, for messages.

    Returns
    -------
    frame, codebook, notes

    Raises
    ------
    DataError
        If no column of the export belongs to a question of the form.
    """
    questions = list(form.questions)
    names = _final_names(questions)
    by_key = _keys(questions, names)
    work = _Work(frame, notes=list(form.notes))
    found: dict[str, str] = {}
    options: dict[str, dict[str, str]] = {}
    rest: list[str] = []
    option_keys = {
        _key(f"{spelling}/{choice.name}"): (question, choice.name)
        for question in questions
        if question.kind == "select_multiple"
        for spelling in _spellings(question, names)
        for choice in question.choices
    }
    for column in map(str, frame.columns):
        key = _key(column)
        if key in by_key:
            owner = names[by_key[key].path]
            if owner in found:
                frame = _together(work, frame, found[owner], column, owner)
            else:
                found[owner] = column
        elif key in option_keys:
            question, choice = option_keys[key]
            options.setdefault(names[question.path], {}).setdefault(choice, column)
        else:
            rest.append(column)
    if not found and not options:
        raise DataError(
            f"No column of {where} belongs to a question of the form.",
            remedy="Check that data and form are of one project, and export with XML names as headers. "
            f"Columns: {', '.join(map(str, frame.columns[:6]))}; questions: {', '.join(q.name for q in questions[:6])}.",
        )
    for question in questions:
        _question(work, question, names[question.path], found, options.get(names[question.path], {}))
    for column in rest:
        _system(work, column)
    absent = tuple(
        names[q.path]
        for q in questions
        if not q.repeated
        and names[q.path] not in work.variables
        and names[q.path] not in {f.column for f in work.aside}
        and q.kind not in FORM_KINDS
        and names[q.path] not in options
    )
    _report(work, absent)
    _set_aside(work, questions, names, wanted)
    _universes(work, questions, names)
    return pd.DataFrame(work.columns, index=frame.index), Codebook(work.variables.values(), work.sets), work.notes


def _set_aside(work: _Work, questions: list[Question], names: dict, wanted: tuple[str, ...]) -> None:
    """Leave out what identifies somebody, by the form's types and by name, wording and content."""
    selects = {names[q.path] for q in questions if q.kind.startswith(("select", "rank"))}
    coded = {name for name in work.columns if name in selects or name.partition("__")[0] in selects}
    opened = {names[q.path] for q in questions if q.kind == "text"}
    frame, codebook = pd.DataFrame(work.columns), Codebook(work.variables.values())
    typed = {finding.column: finding for finding in work.aside}
    findings = [f for f in find(frame, codebook, coded=coded, open_questions=opened) if f.column not in typed]
    left, _, notes = withdraw(frame, codebook, [*typed.values(), *findings], wanted)
    work.notes += notes
    for name in [name for name in work.columns if name not in left.columns]:
        del work.columns[name], work.variables[name]


def _together(work: _Work, frame: pd.DataFrame, first: str, second: str, name: str) -> pd.DataFrame:
    """One column of two that versions of a form left for one question."""
    one, two = frame[first], frame[second]
    both = one.notna() & two.notna() & (one.astype("str") != two.astype("str"))
    work.frame = frame.assign(**{first: one.where(one.notna(), two)})
    en, ar = f"{first}, {second}", f"{first}، {second}"
    differ = int(both.sum())
    work.notes.append(
        Note(
            "versions",
            f"{name} stands in two columns ({en}) that were joined; in {differ} rows they differ and the first counts.",
            f"يرد {name} في عمودين ({ar}) ضُمّا معاً؛ يختلفان في {differ} من الصفوف فيُعتمد الأول.",
            (name,),
        )
    )
    return work.frame


def _key(text: str) -> str:
    return re.sub(r"[^0-9a-z_\u0600-\u06ff]+", ".", str(text).strip().lower())


def _final_names(questions: list[Question]) -> dict[tuple[str, ...], str]:
    bare = [question.name for question in questions]
    return {q.path: q.name if bare.count(q.name) == 1 else "__".join(q.path) for q in questions}


def _spellings(question: Question, names: dict) -> list[str]:
    whole = "/".join(question.path)
    return [whole, question.name] if names[question.path] == question.name else [whole]


def _keys(questions: list[Question], names: dict) -> dict[str, Question]:
    out: dict[str, Question] = {}
    for question in questions:
        for spelling in _spellings(question, names):
            out.setdefault(_key(spelling), question)
    labels: dict[str, list[Question]] = {}
    for question in questions:
        for words in question.label.values():
            labels.setdefault(_key(words), []).append(question)
    for key, owners in labels.items():
        if len(owners) == 1 and len(key) > 3:
            out.setdefault(key, owners[0])
    return out


def _question(
    work: _Work, question: Question, name: str, found: dict[str, str], options: dict[str, str]
) -> None:
    label = question.label or words_of(name)
    if question.kind in FORM_KINDS and name in found:
        work.aside.append(Finding(name, found[name], FORM_KINDS[question.kind]))
    column = work.frame[found[name]] if name in found else None
    if question.kind == "select_multiple":
        _multiple(work, question, name, label, column, options)
    elif column is None:
        return
    elif question.kind == "select_one" and question.choices:
        values, variable = _single(work, question, name, label, column)
        work.put(values, variable)
    elif question.kind == "rank":
        _ranked(work, question, name, label, column)
    elif question.kind in ("date", "datetime", "today", "start", "end"):
        try:
            work.put(
                pd.Series(
                    to_dates(column if column.dtype.kind == "M" else typed_column(column)[0].rename(name)),
                    index=column.index,
                ),
                Variable(name, label, question.label or None, "date", source=(found[name],)),
            )
        except DataError:
            work.put(
                column.astype("str"),
                Variable(name, label, question.label or None, "text", source=(found[name],)),
            )
            work.notes.append(
                Note(
                    "dates",
                    f"{name} holds values that are no dates; it was kept as text.",
                    f"في {name} قيم ليست تواريخ؛ أُبقي نصاً.",
                    (name,),
                )
            )
    else:
        values = (
            column.map(lambda v: clean(v), na_action="ignore").astype("str")
            if question.kind == "text"
            else typed_column(column)[0]
        )
        if question.kind == "text":
            values = values.mask(values == "")
        level = {"f": "numeric", "M": "date"}.get(values.dtype.kind, "text")
        work.put(values, Variable(name, label, question.label or None, level, source=(found[name],)))


def _plain_codes(column: pd.Series) -> pd.Series:
    def text(value: object) -> str:
        if isinstance(value, bool | np.bool_):
            return str(value).lower()
        if isinstance(value, float) and value.is_integer():
            return str(int(value))
        return str(value).strip()

    return column.map(text, na_action="ignore").astype("str")


def _single(
    work: _Work, question: Question, name: str, label: Text, column: pd.Series
) -> tuple[pd.Series, Variable]:
    codes = [choice.name for choice in question.choices]
    values = _plain_codes(column)
    values = values.mask(values == "")
    by_label = {
        fold(words): choice.name for choice in reversed(question.choices) for words in choice.label.values()
    }
    unknown = [value for value in values.dropna().unique() if value not in codes]
    if unknown:
        rename = {value: by_label[fold(value)] for value in unknown if fold(value) in by_label}
        gone = [value for value in unknown if value in ("NA", "N/A", "null", "NaN")]
        if rename or gone:
            values = (
                values.map(lambda v: rename.get(v, v), na_action="ignore")
                .astype("str")
                .mask(values.isin(gone))
            )
        unknown = [value for value in unknown if value not in rename and value not in gone]
    if unknown:
        work.strange[name] = unknown
    number = {code: _number(code) for code in (*codes, *unknown)}
    numeric = (
        bool(number)
        and all(value is not None for value in number.values())
        and len(set(number.values())) == len(number)
    )
    if numeric:
        values = values.map(lambda v: number[v], na_action="ignore").astype("float64")
    categories = tuple(
        Category(number[c.name] if numeric else c.name, c.label or words_of(c.name)) for c in question.choices
    )
    return values, Variable(
        name, label, question.label or None, "nominal", categories, source=(str(column.name),)
    )


def _number(code: str) -> float | None:
    return float(code) if re.fullmatch(r"-?(?:0|[1-9]\d{0,14})", code) else None


def _multiple(
    work: _Work, question: Question, name: str, label: Text, parent: pd.Series | None, options: dict[str, str]
) -> None:
    answered = None
    if parent is not None:
        texts = _plain_codes(parent)
        texts = texts.mask(texts == "")
        answered = texts.map(lambda v: frozenset(v.split()), na_action="ignore")
        codes = {choice.name for choice in question.choices}
        unknown = sorted(
            {piece for pieces in answered.dropna().unique() for piece in pieces} - codes - {"NA"}
        )
        if unknown:
            work.strange[name] = unknown
        work.put(texts, Variable(name, label, question.label or None, "text", source=(str(parent.name),)))
    made = []
    columns = _options(question, name)
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
        words = Text.of(
            {
                lang: f"{label[lang]}: {choice.label[lang]}"
                for lang in ("en", "ar")
                if lang in label and lang in choice.label
            }
        )
        work.put(
            values,
            Variable(
                column,
                words or words_of(column),
                question.label or None,
                "nominal",
                (Category(0, {"en": "No", "ar": "لا"}), Category(1, {"en": "Yes", "ar": "نعم"})),
                source=(source,),
            ),
        )
        made.append(column)
    if len(set(made)) > 1:
        work.sets.append(ResponseSet(name, label, tuple(dict.fromkeys(made))))


def _ranked(work: _Work, question: Question, name: str, label: Text, column: pd.Series) -> None:
    """A ranking: the order as recorded, and the place of each option, 1 for the first."""
    texts = _plain_codes(column)
    texts = texts.mask(texts == "")
    work.put(texts, Variable(name, label, question.label or None, "text", source=(str(column.name),)))
    orders = texts.map(lambda v: {code: k + 1.0 for k, code in enumerate(v.split())}, na_action="ignore")
    for code, target in _options(question, name).items():
        words = next(choice.label for choice in question.choices if choice.name == code)
        both = {lang: f"{label[lang]}: {words[lang]}" for lang in ("en", "ar") if lang in label and lang in words}
        values = orders.map(lambda places, code=code: places.get(code, np.nan), na_action="ignore").astype("float64")
        work.put(
            values,
            Variable(target, Text.of(both) or words_of(target), question.label or None, "ordinal", source=(str(column.name),)),
        )


def _options(question: Question, name: str) -> dict[str, str]:
    """Option → its column; two options that would share a name are numbered."""
    out: dict[str, str] = {}
    for choice in question.choices if question.kind in ("select_multiple", "rank") else ():
        piece = _ODD.sub("_", choice.name)
        base = column = f"{name}__{piece}"
        k = 2
        while column in out.values():
            column, k = f"{base}_{k}", k + 1
        out[choice.name] = column
    return out


def _flags(column: pd.Series, name: str) -> pd.Series:
    texts = _plain_codes(column).str.lower()
    texts = texts.mask(texts.isin(["", "na", "nan"]))
    strange = sorted(set(texts.dropna().unique()) - _TRUE - _FALSE)
    if strange:
        raise DataError(
            f"The multi-select column {name!r} holds {', '.join(strange[:5])}; 0/1 or TRUE/FALSE was expected.",
            remedy="Export multi-selects as separate 0/1 columns.",
        )
    return texts.map(lambda v: float(v in _TRUE), na_action="ignore").astype("float64")


def _system(work: _Work, column: str) -> None:
    """A column the form does not name: export metadata, or left over from another version of the form."""
    values, _ = typed_column(work.frame[column])
    name = re.sub(r"\W+", "__", column)
    while name in work.columns:
        name += "_"
    work.put(
        values,
        Variable(
            name,
            words_of(column),
            level={"f": "numeric", "M": "date"}.get(values.dtype.kind, "text"),
            source=(column,),
        ),
    )


def _report(work: _Work, absent: tuple[str, ...]) -> None:
    for name, codes in work.strange.items():
        short = [code for code in codes if re.fullmatch(r"[^\s@]{1,20}", code) and not re.search(r"\d{7}", code)]
        shown = ", ".join(short[:10]) + (f" (+{len(codes) - len(short[:10])})" if len(codes) > len(short[:10]) else "")
        work.notes.append(
            Note(
                "not_in_list",
                f"{name} holds codes its choice list has not: {shown}.",
                f"في {name} رموز ليست في قائمة خياراته: {shown}.",
                (name,),
            )
        )
    if absent:
        shown = ", ".join(absent[:10]) + (", …" if len(absent) > 10 else "")
        work.notes.append(
            Note(
                "not_in_data",
                f"{len(absent)} questions of the form are not in the data: {shown}.",
                f"{len(absent)} من أسئلة الاستمارة ليست في البيانات: {shown}.",
                absent,
            )
        )


def _universes(work: _Work, questions: list[Question], names: dict) -> None:
    answers = _answers(work, questions, names)
    lost: list[str] = []
    for question in questions:
        name = names[question.path]
        mine = [n for n in (name, *_options(question, name).values()) if n in work.variables]
        if not question.relevant or not mine:
            continue
        asked = universe(question.relevant, answers)
        for each in mine:
            work.variables[each] = replace(work.variables[each], universe=asked.text)
        if asked.why is not None:
            lost.append(name)
            words = " and ".join(question.relevant)
            for each in mine:
                note = {"en": f"Asked where, in the form's words: {words}", "ar": f"يُسأل بحسب شرط الاستمارة: {words}"}
                work.variables[each] = replace(work.variables[each], note=note)
    if lost:
        shown = ", ".join(lost[:10]) + (", …" if len(lost) > 10 else "")
        work.notes.append(
            Note(
                "relevance",
                f"Conditions of the form kept as text, for they could not be turned into a universe: {shown}.",
                f"شروط في الاستمارة أُبقيت نصاً لتعذّر تحويلها إلى نطاق سؤال: {shown}.",
                tuple(lost),
            )
        )
    _skips(work, questions, names)


def _answers(work: _Work, questions: list[Question], names: dict) -> dict[str, Answer]:
    """Where conditions find the answers; a name two groups share is nobody's."""
    kinds = {"f": "number", "M": "date"}
    out: dict[str, Answer] = {}
    twice = {q.name for q in questions if sum(other.name == q.name for other in questions) > 1}
    for question in questions:
        name = names[question.path]
        if question.name in twice:
            continue
        column = name if name in work.columns else None
        if question.kind == "select_multiple":
            options = {c: n for c, n in _options(question, name).items() if n in work.columns}
            if options or column:
                out[question.name] = Answer(column, "multiple", options)
        elif column is not None:
            codes = tuple(choice.name for choice in question.choices)
            out[question.name] = Answer(column, kinds.get(work.columns[name].dtype.kind, "text"), codes=codes)
    return out


def _skips(work: _Work, questions: list[Question], names: dict) -> None:
    """A note of answers that stand where the form does not ask."""
    columns = {name: column.to_numpy() for name, column in work.columns.items()}
    broken = []
    for question in questions:
        name = names[question.path]
        if name not in work.variables or work.variables[name].universe is None:
            continue
        asked = truth(work.variables[name].universe, columns)
        count = int((~is_missing(columns[name]) & ~asked).sum())
        if count:
            broken.append((name, count))
    if broken:
        shown = ", ".join(f"{name} ({count})" for name, count in broken[:10]) + (", …" if len(broken) > 10 else "")
        work.notes.append(
            Note(
                "skips",
                f"Answers where the form does not ask, by question: {shown}.",
                f"إجابات حيث لا تسأل الاستمارة، بحسب السؤال: {shown}.",
                tuple(name for name, _ in broken),
            )
        )
