"""A KoBo, ODK or SurveyCTO export read with its XLSForm: names, codes, multi-selects, personal data set aside."""

from __future__ import annotations

import re

import pandas as pd

from masar_research.codebook import Codebook, Variable
from masar_research.errors import DataError
from masar_research.loading.kobo_answers import Work, outside_of, take
from masar_research.loading.kobo_columns import Columns, belonging, final_names, with_outside
from masar_research.loading.kobo_conditions import universes
from masar_research.loading.personal import FORM_KINDS, find, withdraw
from masar_research.loading.raw import Note, words_of
from masar_research.loading.tables import typed_column
from masar_research.loading.xlsform import Form, Question


def apply_form(frame: pd.DataFrame, form: Form, where: str, wanted: tuple[str, ...] = ()) -> tuple[pd.DataFrame, Codebook, list[Note]]:
    """Columns named and coded as the form says.

    Group prefixes go (a name that two groups share keeps them, joined by ``__``); a multi-select becomes one
    0/1 column per option, ``question__option``, beside the answer as recorded; labels go back to codes;
    conditions become universes; names, telephone numbers, positions, device identifiers and media are set
    aside and never returned.

    Parameters
    ----------
    frame : pandas.DataFrame
        The export, text or cells.
    form : Form
    where : str
        The file's name, for messages.
    wanted : tuple of str
        Personal columns asked for.

    Returns
    -------
    frame, codebook, notes

    Raises
    ------
    DataError
        If no column of the export belongs to a question of the form.
    """
    questions = list(form.questions)
    names = final_names(questions)
    work = Work(frame, notes=list(form.notes))
    columns = belonging(frame, questions, names)
    if not columns.found and not columns.options:
        raise DataError(
            f"No column of {where} belongs to a question of the form.",
            remedy="Check that data and form are of one project, and export with XML names as headers. "
            f"Columns: {', '.join(map(str, frame.columns[:6]))}; questions: {', '.join(q.name for q in questions[:6])}.",
            ar=f"لا يعود أي عمود في {where} إلى سؤال من الاستمارة. تأكد أن البيانات والاستمارة من مشروع واحد، "
            "وصدّر بأسماء XML عناوينَ للأعمدة.",
        )
    _by_words(work, columns)
    for at, question in enumerate(questions):
        name = names[question.path]
        held = columns.found.get(name, [])
        for second in held[1:]:
            _together(work, held[0], second, name)
        column = work.frame[held[0]] if held else None
        if question.kind == "select_multiple":
            codes = columns.outside.get(name, [])
            if codes:
                work.strange[name] = list(codes)
            if column is not None and question.choices:
                more = outside_of(with_outside(question, codes), column)
                if more:
                    work.strange[name] = [*work.strange.get(name, []), *more]
                codes = [*codes, *more]
            question = questions[at] = with_outside(question, codes)
        take(work, question, name, column, columns.options.get(name, {}))
    for column in columns.rest:
        _system(work, column)
    aside = {finding.column for finding in work.aside}
    absent = tuple(
        names[q.path]
        for q in questions
        if not q.repeated
        and names[q.path] not in work.variables
        and names[q.path] not in aside
        and q.kind not in FORM_KINDS
        and names[q.path] not in columns.options
    )
    _report(work, absent)
    _set_aside(work, questions, names, wanted)
    universes(work, questions, names)
    return pd.DataFrame(work.columns, index=frame.index), Codebook(work.variables.values(), work.sets), work.notes


def _set_aside(work: Work, questions: list[Question], names: dict, wanted: tuple[str, ...]) -> None:
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


def _together(work: Work, first: str, second: str, name: str) -> None:
    """One column of two that versions of a form left for one question."""
    one, two = work.frame[first], work.frame[second]
    both = one.notna() & two.notna() & (one.astype("str") != two.astype("str"))
    work.frame = work.frame.assign(**{first: one.where(one.notna(), two)})
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


def _by_words(work: Work, columns: Columns) -> None:
    if columns.by_words:
        work.notes.append(
            Note(
                "label_headers",
                f"{columns.by_words} columns were found by the questions' labels; their answers were turned back into "
                "codes. An export with XML names and values is surer.",
                f"عُرف {columns.by_words} من الأعمدة بأوصاف الأسئلة، وأُعيدت إجاباتها إلى رموزها. "
                "التصدير بأسماء XML وقيمها أوثق.",
            )
        )


def _system(work: Work, column: str) -> None:
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


def _report(work: Work, absent: tuple[str, ...]) -> None:
    for name, codes in work.strange.items():
        short = [code for code in codes if re.fullmatch(r"[^\s@]{1,20}", code) and not re.search(r"\d{7}", code)]
        shown = ", ".join(short[:10]) + (f" (+{len(codes) - len(short[:10])})" if len(codes) > len(short[:10]) else "")
        work.notes.append(
            Note(
                "not_in_list",
                f"{name} holds codes its choice list has not: {shown}.",
                f"في {name} رموز ليست في قائمة خياراته: {shown.replace(', ', '، ')}.",
                (name,),
            )
        )
    if absent:
        shown = ", ".join(absent[:10]) + (", …" if len(absent) > 10 else "")
        work.notes.append(
            Note(
                "not_in_data",
                f"{len(absent)} questions of the form are not in the data: {shown}.",
                f"{len(absent)} من أسئلة الاستمارة ليست في البيانات: {shown.replace(', ', '، ')}.",
                absent,
            )
        )
