"""The conditions of a form as universes of the variables, and answers that stand where the form does not ask."""

from __future__ import annotations

from dataclasses import replace

from masar_research.expressions import is_missing, truth
from masar_research.loading.kobo_answers import Work
from masar_research.loading.kobo_columns import option_names
from masar_research.loading.raw import Note
from masar_research.loading.xlsform import Question
from masar_research.loading.xlsform_relevance import Answer, universe


def universes(work: Work, questions: list[Question], names: dict) -> None:
    """Give each variable the universe its conditions say, and note answers that stand outside it."""
    answers = _answers(work, questions, names)
    lost: list[str] = []
    for question in questions:
        name = names[question.path]
        mine = [n for n in (name, *option_names(question, name).values()) if n in work.variables]
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
                before = work.variables[each].note or {}
                both = {lang: f"{before[lang]} · {said}" if lang in before else said for lang, said in note.items()}
                work.variables[each] = replace(work.variables[each], note=both)
    if lost:
        shown = ", ".join(lost[:10]) + (", …" if len(lost) > 10 else "")
        work.notes.append(
            Note(
                "relevance",
                f"Conditions of the form kept as text, for they could not be turned into a universe: {shown}.",
                f"شروط في الاستمارة أُبقيت نصاً لتعذّر تحويلها إلى نطاق سؤال: {shown.replace(', ', '، ')}.",
                tuple(lost),
            )
        )
    _skips(work, questions, names)


def _answers(work: Work, questions: list[Question], names: dict) -> dict[str, Answer]:
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
            options = {c: n for c, n in option_names(question, name).items() if n in work.columns}
            if options or column:
                out[question.name] = Answer(column, "multiple", options)
        elif column is not None:
            codes = tuple(choice.name for choice in question.choices)
            out[question.name] = Answer(column, kinds.get(work.columns[name].dtype.kind, "text"), codes=codes)
    return out


def _skips(work: Work, questions: list[Question], names: dict) -> None:
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
                f"إجابات حيث لا تسأل الاستمارة، بحسب السؤال: {shown.replace(', ', '، ')}.",
                tuple(name for name, _ in broken),
            )
        )
