"""Several versions of one form as one: the union of their questions and choices, and where they contradict each other."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from masar_research.codebook import Text, fold
from masar_research.errors import DataError
from masar_research.loading.raw import Note
from masar_research.loading.xlsform import Choice, Form, Question

_NUMBERS = ("integer", "decimal", "range")
_SILENT = ("calculate", "hidden")
WAYS = ("same", "split")


@dataclass(frozen=True, slots=True)
class Split:
    """Answers of older versions kept apart: the question, the versions, and the name their answers get."""

    question: str
    versions: tuple[str, ...]
    name: str


@dataclass(frozen=True, slots=True)
class _Clash:
    question: str
    en: str
    ar: str


def merged(forms: list[Form], decide: Mapping[str, str]) -> tuple[Form, tuple[Split, ...]]:
    """One form out of several versions, the oldest first; the last one's wording counts.

    Questions are the same where they have the same name, wherever they stand. Codes of choice lists are united;
    a label that went to a code of its own is reported; a code that means something else, or a question of
    another type, is a contradiction somebody has to decide.

    Parameters
    ----------
    forms : list of Form
    decide : mapping
        Question → ``"same"`` (the last version's words hold for all answers) or ``"split"`` (answers of older
        versions go to columns of their own, ``question__version``).

    Returns
    -------
    form, splits

    Raises
    ------
    DataError
        If versions contradict each other and nothing was decided, or a decision names what needs none.
    """
    whole, splits = forms[0], []
    open_clashes: list[_Clash] = []
    used: set[str] = set()
    notes = [note for form in forms for note in form.notes]
    for k, newer in enumerate(forms[1:], 1):
        taken = {(split.question, version) for split in splits for version in split.versions}
        whole, more, clashes, parted = _joined(whole, newer, forms[:k], decide, taken)
        notes += more
        used |= {clash.question for clash in clashes}
        open_clashes += [clash for clash in clashes if clash.question not in decide]
        splits += parted
    if open_clashes:
        raise _undecided(open_clashes)
    _check(decide, used, whole)
    if len(forms) > 1:
        notes += _union_note(forms)
    return replace(whole, notes=tuple(dict.fromkeys(notes))), tuple(splits)


def _joined(
    whole: Form, newer: Form, earlier: list[Form], decide: Mapping[str, str], taken: set[tuple[str, str]]
) -> tuple[Form, list[Note], list[_Clash], list[Split]]:
    before, after, older = _named(whole), _named(newer), earlier[-1]
    notes: list[Note] = []
    clashes: list[_Clash] = []
    splits: list[Split] = []
    out: list[Question] = []
    moved, conditions = [], []
    for key, new in after.items():
        old = before.get(key)
        if old is None:
            out.append(new)
            continue
        found = _clashes(old, new, older, newer)
        if old.repeat != new.repeat:
            raise DataError(
                f"{new.name} stands in a repeat group in one version of the form and not in another ({older.source}, {newer.source}).",
                remedy="Read the data of each version with its own form.",
                ar=f"السؤال {new.name} في مجموعة متكررة في نسخة من الاستمارة دون أخرى؛ اقرأ بيانات كل نسخة باستمارتها.",
            )
        clashes += found
        if found and decide.get(new.name) == "split":
            versions = _versions(new.name, earlier, taken)
            name = f"{old.name}__{re.sub(r'[^0-9A-Za-z_]+', '_', versions[-1])}"
            splits.append(Split(new.name, versions, name))
            out.append(replace(old, name=name, path=(*old.path[:-1], name)))
            out.append(new)
            continue
        if old.path != new.path:
            moved.append(new.name)
        if old.relevant != new.relevant:
            conditions.append(new.name)
        notes += _renumbered(old, new)
        out.append(_one(old, new))
    for at, (key, old) in enumerate(before.items()):
        if key not in after:
            known = [k for k in list(before)[:at] if k in after]
            place = next((i for i, q in enumerate(out) if known and _key(q, after) == known[-1]), len(out) - 1) + 1
            out.insert(place if known else 0, old)
    notes += _told(moved, conditions)
    return replace(newer, questions=tuple(out)), notes, clashes, splits


def _versions(question: str, earlier: list[Form], taken: set[tuple[str, str]]) -> tuple[str, ...]:
    """The versions that meant by a question what the last of the earlier forms means."""
    forms = [form for form in earlier if any(q.name == question for q in form.questions)]
    for form in forms:
        if form.version is None:
            raise DataError(
                f"{question} cannot be split: the form {form.source} does not say which version it is.",
                remedy="Write the version, as it stands in the data, into the column version of the sheet settings.",
                ar=f"لا يمكن فصل {question}: لا تذكر الاستمارة {form.source} نسختها؛ اكتبها كما ترد في البيانات في "
                "عمود version من ورقة settings.",
            )
    return tuple(form.version for form in forms if (question, form.version) not in taken)


def _named(form: Form) -> dict[tuple[str, ...], Question]:
    """Questions by name, or by path where two share a name."""
    bare = [question.name for question in form.questions]
    return {(q.name,) if bare.count(q.name) == 1 else q.path: q for q in form.questions}


def _key(question: Question, known: Mapping) -> tuple[str, ...]:
    return (question.name,) if (question.name,) in known else question.path


def _one(old: Question, new: Question) -> Question:
    """A question of two versions: the newer words, choices of both, every place it has stood."""
    kind = old.kind if new.kind in _SILENT else new.kind
    if {old.kind, new.kind} <= set(_NUMBERS):
        kind = "decimal" if "decimal" in (old.kind, new.kind) else new.kind
    known = {choice.name: choice for choice in old.choices}
    mine = [Choice(c.name, _words(known[c.name].label, c.label) if c.name in known else c.label) for c in new.choices]
    listed = {choice.name for choice in new.choices}
    choices = (*mine, *(choice for choice in old.choices if choice.name not in listed))
    also = dict.fromkeys((*new.also, *old.also, *([old.path] if old.path != new.path else [])))
    return replace(
        new, kind=kind, choices=choices, label=_words(old.label, new.label), hint=_words(old.hint, new.hint), also=tuple(also)
    )


def _words(old: Text, new: Text) -> Text:
    return Text.of({**old, **new})


def _alike(one: Text, two: Text) -> bool:
    shared = set(one) & set(two)
    return not shared or any(_bare(one[lang]) == _bare(two[lang]) for lang in shared)


def _bare(text: str) -> str:
    return re.sub(r"[^\w]+", " ", fold(text)).strip()


def _clashes(old: Question, new: Question, older: Form, newer: Form) -> list[_Clash]:
    kinds = {old.kind, new.kind}
    if len(kinds) > 1 and not kinds <= set(_NUMBERS) and not kinds & set(_SILENT):
        return [
            _Clash(
                new.name,
                f"{new.name} is {old.kind} in {older.source} and {new.kind} in {newer.source}",
                f"نوع {new.name} هو {old.kind} في {older.source} و{new.kind} في {newer.source}",
            )
        ]
    known = {choice.name: choice.label for choice in old.choices}
    return [
        _Clash(
            new.name,
            f"code {c.name} of {new.name} is {_said(known[c.name])} in {older.source} and {_said(c.label)} in {newer.source}",
            f"الرمز {c.name} في {new.name} هو {_said(known[c.name], 'ar')} في {older.source} و{_said(c.label, 'ar')} في {newer.source}",
        )
        for c in new.choices
        if c.name in known and not _alike(known[c.name], c.label)
    ]


def _said(label: Text, lang: str = "en") -> str:
    words = label.get(lang) or next(iter(label.values()), "?")
    return f"«{words}»"


def _renumbered(old: Question, new: Question) -> list[Note]:
    before, after = ({c.name: c.label for c in q.choices} for q in (old, new))
    pairs = [
        (code, other, after[other])
        for code, label in before.items()
        if code not in after
        for other in after
        if other not in before and label and after[other] and set(label) & set(after[other]) and _alike(label, after[other])
    ]
    if not pairs:
        return []
    en = "; ".join(f"{_said(label)} was {one}, is {two}" for one, two, label in pairs[:8])
    ar = "؛ ".join(f"{_said(label, 'ar')} كان {one} وصار {two}" for one, two, label in pairs[:8])
    return [
        Note(
            "choices_moved",
            f"{new.name}: choices that got another code between versions: {en}. Both codes stay; recode them in the card.",
            f"{new.name}: خيارات تغيّر رمزها بين النسخ: {ar}. بقي الرمزان؛ وحّدهما في بطاقة المسح.",
            (new.name,),
        )
    ]


def _told(moved: list[str], conditions: list[str]) -> list[Note]:
    notes = []
    if moved:
        notes.append(
            Note(
                "questions_moved", f"Questions that stand in another group in a newer version: {', '.join(moved[:12])}.",
                f"أسئلة انتقلت إلى مجموعة أخرى في نسخة أحدث: {'، '.join(moved[:12])}.", tuple(moved),
            )  # fmt: skip
        )
    if conditions:
        notes.append(
            Note(
                "conditions_differ",
                f"Questions asked under another condition in an older version; the newest holds here: {', '.join(conditions[:12])}.",
                f"أسئلة اختلف شرطها في نسخة أقدم، والمعتمد هنا شرط الأحدث: {'، '.join(conditions[:12])}.",
                tuple(conditions),
            )
        )
    return notes


def _union_note(forms: list[Form]) -> list[Note]:
    names = [set(_named(form)) for form in forms]
    partly = sorted({"/".join(key) for key in set.union(*names) - set.intersection(*names)})
    shown = ", ".join(partly[:12]) + (", …" if len(partly) > 12 else "") if partly else "—"
    return [
        Note(
            "versions_union",
            f"{len(forms)} versions of the form were read as one; not in all of them: {shown}.",
            f"قُرئت {len(forms)} من نسخ الاستمارة واحدةً؛ ما ليس في جميعها: {shown}.",
            tuple(partly),
        )
    ]


def _undecided(clashes: list[_Clash]) -> DataError:
    first = clashes[0].question
    more = f" (and {len(clashes) - 6} more)" if len(clashes) > 6 else ""
    return DataError(
        f"The versions of the form contradict each other: {'; '.join(c.en for c in clashes[:6])}{more}.",
        remedy=f'Decide each: decide={{"{first}": "same"}} where only the wording changed, or "split" to keep the answers of '
        "older versions in columns of their own.",
        ar=f"تتعارض نسخ الاستمارة: {'؛ '.join(c.ar for c in clashes[:6])}. قرّر في كل منها: "
        f'decide={{"{first}": "same"}} إن تغيّرت الصياغة فقط، أو "split" لإبقاء إجابات النسخ الأقدم في أعمدة مستقلة.',
    )


def _check(decide: Mapping[str, str], used: set[str], whole: Form) -> None:
    for name, way in decide.items():
        if way not in WAYS:
            raise DataError(
                f"decide= says {way!r} for {name}.", remedy='Say "same" or "split".',
                ar=f"القيمة {way} في decide غير معروفة؛ استعمل same أو split.",
            )  # fmt: skip
        if name not in used:
            what = "has nothing to decide" if any(q.name == name for q in whole.questions) else "is no question of the forms"
            raise DataError(
                f"decide= names {name!r}, which {what}.",
                remedy=f"To be decided: {', '.join(sorted(used)) or 'nothing'}.",
                ar=f"يسمّي decide السؤال {name} ولا خلاف فيه. ما يحتاج إلى قرار: {'، '.join(sorted(used)) or 'لا شيء'}.",
            )
