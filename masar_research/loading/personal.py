"""Personal data set aside at loading: found by form type, name, wording and content, loaded only when asked for."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from masar_research.codebook import Codebook, Variable
from masar_research.errors import DataError
from masar_research.loading.numbers import western
from masar_research.loading.personal_content import (
    answers_of,
    digits_of,
    in_numbers,
    in_text,
    is_open,
    position_pair,
    yes_or_no,
)
from masar_research.loading.personal_patterns import KINDS, by_label, by_name, of_place, of_staff
from masar_research.loading.raw import Note

FORM_KINDS = {
    **dict.fromkeys(("geopoint", "geotrace", "geoshape", "start-geopoint", "background-geopoint"), "coordinates"),
    **dict.fromkeys(("image", "audio", "video", "file", "background-audio", "audit", "text_audit"), "media"),
    **dict.fromkeys(("barcode", "deviceid", "simserial", "subscriberid", "username"), "device"),
    "phonenumber": "phone",
    "email": "email",
}
_SAID = 40


@dataclass(frozen=True, slots=True)
class Finding:
    """A column that identifies somebody: its name in the frame and in the file, and the kind of data."""

    column: str
    source: str
    kind: str

    def asked_for(self, wanted: Collection[str]) -> bool:
        last = self.source.replace(".", "/").replace(":", "/").rsplit("/", 1)[-1]
        return bool({self.column, self.source, last, self.kind} & set(wanted))


def find(
    frame: pd.DataFrame, codebook: Codebook, *, coded: Collection[str] = (), open_questions: Collection[str] = ()
) -> list[Finding]:
    """The columns of a frame that identify somebody, whatever file they came from.

    Parameters
    ----------
    frame : pandas.DataFrame, shape (n, k)
    codebook : Codebook
    coded : collection of str
        Columns a form knows to hold codes: they are never taken for personal.
    open_questions : collection of str
        Columns a form knows to hold open text.

    Returns
    -------
    list of Finding
        In the order of the columns. Dates, and columns whose values have value labels, are never among them.
    """
    found: dict[str, str] = {}
    numbers: list[tuple[str, np.ndarray]] = []
    for name in map(str, frame.columns):
        column, variable = frame[name], codebook.get(name)
        if name in coded or column.dtype.kind == "M" or _labelled(column, variable):
            continue
        words = tuple(dict.fromkeys((*variable.label.values(), *(variable.question or {}).values()))) if variable else ()
        said = next((kind for kind in map(by_label, words) if kind), None)
        source = variable.source[0] if variable and variable.source else name
        named = by_name(source) or by_name(name) or said
        if column.dtype.kind in "fiub":
            values = column.to_numpy("float64")
            kind = _numeric(named, values)
            numbers.append((name, values))
        else:
            kind = _textual(named, name, words, answers_of(column), name in open_questions)
        if kind:
            found[name] = kind
    for (one, a), (two, b) in zip(numbers, numbers[1:]):
        pair = {codebook[n].label.get("en", n).casefold() if n in codebook else n for n in (one, two)}
        if any("weight" in text for text in (*pair, one.casefold(), two.casefold())):
            continue
        if position_pair(a, b) or position_pair(b, a):
            found.setdefault(one, "coordinates")
            found.setdefault(two, "coordinates")
    return [
        Finding(name, codebook[name].source[0] if name in codebook and codebook[name].source else name, found[name])
        for name in map(str, frame.columns)
        if name in found
    ]


def _labelled(column: pd.Series, variable: Variable | None) -> bool:
    if variable is None or not variable.valid:
        return False
    codes = [category.code for category in variable.categories]
    if column.dtype.kind == "f" and len(codes) <= 40:
        values = column.to_numpy()
        n = len(values) - np.count_nonzero(np.isnan(values))
        among = sum(np.count_nonzero(values == code) for code in codes if not isinstance(code, str))
        return not n or among >= 0.9 * n
    present = column.dropna()
    return present.empty or float(present.isin(codes).mean()) >= 0.9


def _numeric(named: str | None, values: np.ndarray) -> str | None:
    finite = values[np.isfinite(values)]
    if not len(finite):
        return None
    if named in ("phone", "national_number") and np.mean(np.abs(finite) >= 1e5) >= 0.5:
        return named
    if named == "coordinates" and np.abs(finite).max() <= 10_000 and (finite != np.floor(finite)).any():
        return named
    if named == "device" and np.mean(finite >= 1e5) >= 0.5:
        return named
    return in_numbers(values)


def _textual(
    named: str | None, name: str, words: tuple[str, ...], texts: list[str], open_question: bool
) -> str | None:
    if not texts:
        return named if named in ("device", "media", "coordinates") else None
    held = in_text(texts)
    if held not in (None, "open_text"):
        return held
    if named == "phone" and not yes_or_no(texts) and digits_of(texts, 6):
        return named
    if named == "national_number" and digits_of(texts, 5):
        return named
    if named in ("name", "address", "device", "media", "email", "coordinates", "open_text") and not yes_or_no(texts):
        return named
    if of_staff(name, words) and np.mean([len(text.split()) >= 2 and not any(map(str.isdigit, text)) for text in texts]) > 0.5:
        return "name"
    if held or (not open_question and of_place(name, words)):
        return held
    return "open_text" if is_open(texts, asked_as_text=open_question) else None


def withdraw(
    frame: pd.DataFrame, codebook: Codebook, findings: Iterable[Finding], wanted: Collection[str]
) -> tuple[pd.DataFrame, Codebook, list[Note]]:
    """The frame and codebook without personal columns, except those asked for by name.

    Parameters
    ----------
    frame, codebook
    findings : iterable of Finding
    wanted : collection of str
        Column names (as in the frame or in the file) or kinds of personal data.

    Returns
    -------
    frame, codebook, notes
    """
    findings = list(findings)
    kept = [finding for finding in findings if finding.asked_for(wanted)]
    gone = [finding for finding in findings if not finding.asked_for(wanted)]
    aside = {finding.column for finding in gone}
    notes = [aside_note(gone)] if gone else []
    if kept:
        shown = ", ".join(finding.column for finding in kept)
        notes.append(
            Note(
                "personal_kept",
                f"Personal columns loaded because they were asked for by name: {shown}. No copy of this reading is kept.",
                f"أعمدة شخصية حُمّلت لأنها طُلبت بالاسم: {shown}. لا تُحفظ نسخة من هذه القراءة.",
                tuple(finding.column for finding in kept),
            )
        )
    if aside:
        frame = frame[[name for name in frame.columns if str(name) not in aside]]
        codebook = codebook.only(name for name in codebook if name not in aside)
    return frame, codebook, notes


def aside_note(gone: list[Finding]) -> Note:
    """What was set aside, of which kind, and how to ask for it."""
    groups: dict[str, list[Finding]] = {}
    for finding in gone:
        groups.setdefault(finding.kind, []).append(finding)

    def shown(lang: int, comma: str) -> str:
        parts = []
        for kind, members in groups.items():
            names = [member.column for member in members[:_SAID]]
            more = f"{comma}… (+{len(members) - _SAID})" if len(members) > _SAID else ""
            parts.append(f"{KINDS[kind][lang]}: {comma.join(names)}{more}")
        return "; ".join(parts) if lang == 0 else "؛ ".join(parts)

    first = gone[0].column
    return Note(
        "set_aside",
        f"Personal columns set aside, not loaded ({len(gone)}). {shown(0, ', ')}. To load one, ask for it by name: "
        f'read(path, personal=["{first}"]), or keep_personal: [{first}] for the wave in the survey card.',
        f"أعمدة شخصية نُحّيت جانباً ولم تُحمّل ({len(gone)}). {shown(1, '، ')}. لتحميل أحدها اطلبه بالاسم: "
        f'read(path, personal=["{first}"])، أو keep_personal: [{first}] للجولة في بطاقة المسح.',
        tuple(finding.source for finding in gone),
    )


def check_wanted(wanted: Collection[str], notes: Iterable[Note], columns: Collection[str]) -> None:
    """An error where a name asked for is neither a personal column, a kind, nor a column at all.

    Raises
    ------
    DataError
    """
    known = {western(name) for note in notes if note.kind in ("set_aside", "personal_kept") for name in note.columns}
    unknown = [
        name
        for name in wanted
        if name not in KINDS and name not in columns and not any(name in (k, k.rsplit("/", 1)[-1]) for k in known)
    ]
    if unknown:
        raise DataError(
            f"personal= names {', '.join(map(repr, unknown))}, which the file has not.",
            remedy=f"Set aside here: {', '.join(sorted(known)) or 'nothing'}; kinds: {', '.join(KINDS)}.",
            ar=f"personal= يسمّي {'، '.join(unknown)} وليس في الملف. المنحّى هنا: {'، '.join(sorted(known)) or 'لا شيء'}.",
        )


def looks_like_export(frame: pd.DataFrame) -> bool:
    """Whether a table is a KoBo, ODK or SurveyCTO export, by the columns only they write."""
    names = {str(name).casefold() for name in frame.columns}
    marks = {
        "_uuid", "x_uuid", "_submission_time", "meta/instanceid", "meta.instanceid", "meta-instanceid", "instanceid",
        "formdef_version", "submitterid",
    }  # fmt: skip
    return bool(names & marks)


def form_note() -> Note:
    """That an export was read without its form."""
    return Note(
        "no_form",
        "This looks like a KoBo, ODK or SurveyCTO export; read it with form= for labels, codes and conditions.",
        "يبدو هذا تصديراً من KoBo أو ODK أو SurveyCTO؛ اقرأه مع form= لتحصل على الأوصاف والرموز والشروط.",
    )
