"""An XLSForm: questions, choices, groups and conditions, in English and Arabic."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from masar_research.codebook import Text
from masar_research.errors import DataError
from masar_research.loading.raw import Note, clean, has_arabic
from masar_research.loading.tables import read_excel, read_text_table
from masar_research.loading.xlsform_files import itemsets, listed_file, rows_of_file

_COLUMN = re.compile(r"^\s*(label|hint|guidance_hint|media)\s*(?:::?\s*(.+?))?\s*$", re.IGNORECASE)
_ARABIC_NAMES = ("arab", "عرب", "عامي", "فصح")
# ISO 639-3: standard, North and South Levantine, Egyptian, Iraqi, Gulf, Najdi, Hijazi, Sudanese, Yemeni, Libyan, Moroccan …
_ARABIC_CODES = frozenset("ar ara arb apc ajp arz acm afb ars acw apd ayn acq ayl ary aeb arq avl".split())
_WANTED = frozenset("ar ara arb".split())
_ENGLISH_NAMES = ("engl", "إنجليز", "انجليز", "انكليز", "إنكليز")


@dataclass(frozen=True, slots=True)
class Choice:
    """One answer of a list: the code as written and its label."""

    name: str
    label: Text


@dataclass(frozen=True, slots=True)
class Question:
    """One row of the survey sheet that records an answer.

    Attributes
    ----------
    name : str
    path : tuple of str
        The groups around it, then its name.
    kind : str
        ``select_one``, ``select_multiple``, ``integer``, ``text`` …
    label : Text
    choices : tuple of Choice
    relevant : tuple of str
        The conditions of its groups and its own, in XLSForm's language.
    repeated : bool
        Whether it stands in a repeat group, whose answers export to a sheet of their own.
    repeat : tuple of str
        The names of the repeat groups around it, outermost first.
    hint : Text
        What the interviewer is told beside the question; guidance where there is no hint.
    titles : tuple of Text
        The labels of the groups around it, as many as there are names in `path` before its own.
    also : tuple of paths
        Where it stands in other versions of the form.
    """

    name: str
    path: tuple[str, ...]
    kind: str
    label: Text
    choices: tuple[Choice, ...]
    relevant: tuple[str, ...]
    repeated: bool
    repeat: tuple[str, ...] = ()
    hint: Text = Text()
    titles: tuple[Text, ...] = ()
    also: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Form:
    """A whole form: its questions in order, what was odd about it, its file and the version it calls itself."""

    questions: tuple[Question, ...]
    notes: tuple[Note, ...]
    source: str = ""
    version: str | None = None


def read_form(form: Path | tuple[Path, Path]) -> Form:
    """Read an XLSForm.

    Parameters
    ----------
    form : Path or (Path, Path)
        A workbook with the sheets ``survey`` and ``choices``, or these two as CSV files.

    Returns
    -------
    Form

    Raises
    ------
    DataError
        If a sheet or one of its columns ``type``, ``name``, ``list_name`` is not there, or groups do not close.
    """
    if isinstance(form, tuple):
        survey, choices = (_rows(read_text_table(path)[0]) for path in form)
        default, where, external, folder, version = None, form[0].name, None, form[0].parent, None
    else:
        where = form.name
        survey = _rows(read_excel(form, _sheet(form, "survey"))[0])
        choices = _rows(read_excel(form, "choices")[0]) if _has(form, "choices") else []
        settings = _rows(read_excel(form, "settings")[0]) if _has(form, "settings") else []
        default = next((row.get("default_language") for row in settings if row.get("default_language")), None)
        external = _rows(read_excel(form, "external_choices")[0]) if _has(form, "external_choices") else None
        folder = form.parent
        version = next((row["version"] for row in settings if row.get("version")), None)
    _require(survey, ("type", "name"), "survey", where)
    if choices:
        _require(choices, ("list_name", "name"), "choices", where)
    notes: list[Note] = []
    choices = choices + _outside(survey, external, folder, notes)
    lists = _lists(choices, default, notes)
    return Form(tuple(_questions(survey, lists, default, where)), tuple(notes), where, version)


def _outside(survey: list[dict[str, str]], external: list | None, folder: Path, notes: list[Note]) -> list[dict[str, str]]:
    """Rows of the lists the form keeps in files of their own."""
    out, named = [], {}
    for row in survey:
        if name := listed_file(row.get("type", "")):
            named.setdefault(name, row.get("parameters", ""))
    for name, parameters in named.items():
        rows, note = rows_of_file(name, parameters, folder, _rows)
        out += rows
        notes.append(note)
    if any("external" in row.get("type", "").lower() for row in survey):
        rows, more = itemsets(folder, external, _rows)
        out += rows
        notes += more
    return out


def _has(form: Path, sheet: str) -> bool:
    try:
        _sheet(form, sheet)
    except DataError:
        return False
    return True


def _sheet(form: Path, sheet: str) -> str:
    try:
        read_excel(form, sheet)
    except DataError as error:
        if "no sheet" not in error.what:
            raise
        raise DataError(
            f"{form.name} is not an XLSForm: it has no sheet {sheet!r}.", remedy=error.remedy
        ) from None
    return sheet


def _rows(frame: pd.DataFrame) -> list[dict[str, str]]:
    names = {
        name: clean(name)
        if _COLUMN.match(clean(name))
        else re.sub(r"\W+", "_", clean(name).lower()).replace("relevance", "relevant")
        for name in frame.columns
    }
    return [
        {names[key]: _cell(value) for key, value in row.items() if not _blank(value)}
        for row in frame.to_dict("records")
    ]


def _blank(value: object) -> bool:
    return value is None or value != value or not str(value).strip()


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()


def _require(rows: list[dict], columns: tuple[str, ...], sheet: str, where: str) -> None:
    found = {key for row in rows for key in row}
    absent = [column for column in columns if column not in found]
    if absent:
        raise DataError(
            f"The {sheet} sheet of {where} has no column {' and no column '.join(absent)}.",
            remedy=f"An XLSForm's {sheet} sheet needs {', '.join(columns)}; found: {', '.join(sorted(found)[:12])}.",
        )


def language_of(name: str) -> str | None:
    """``"ar"``, ``"en"`` or None from ``Arabic (ar)``, ``English``, ``العربية``, ``ar-JO``, ``Levantine (apc)`` …

    Examples
    --------
    >>> [language_of(name) for name in ("Arabic (ar-JO)", "العربية", "EN", "Levantine (apc)", "French (fr)")]
    ['ar', 'ar', 'en', 'ar', None]
    """
    code = _tag(name)
    folded = name.casefold()
    if code in _ARABIC_CODES or any(mark in folded for mark in _ARABIC_NAMES):
        return "ar"
    if code in ("en", "eng") or any(mark in folded for mark in _ENGLISH_NAMES):
        return "en"
    return None


def _tag(name: str) -> str:
    tags = re.findall(r"\(\s*([A-Za-z]{2,3})(?:[-_][A-Za-z]+)?\s*\)", name)
    return (tags[-1] if tags else re.split(r"[-_]", name.strip())[0]).strip().casefold()


def _label(row: dict[str, str], default: str | None, part: str = "label") -> Text:
    """The words of a row in both languages; where several columns are Arabic the standard one goes first."""
    found: dict[str, tuple[int, str]] = {}
    for key, value in row.items():
        match = _COLUMN.match(key)
        if not match or match[1].lower() != part or not (words := clean(value)):
            continue
        if match[2]:
            lang, rank = language_of(match[2]), 0 if _tag(match[2]) in _WANTED or _tag(match[2]) not in _ARABIC_CODES else 1
        else:
            lang, rank = language_of(default or "") or ("ar" if has_arabic(words) else "en"), 2
        if lang and (lang not in found or rank < found[lang][0]):
            found[lang] = (rank, words)
    return Text.of({lang: words for lang, (_, words) in found.items()})


def _lists(
    rows: list[dict[str, str]], default: str | None, notes: list[Note]
) -> dict[str, tuple[Choice, ...]]:
    lists: dict[str, dict[str, Text]] = {}
    twice: list[str] = []
    for row in rows:
        if "list_name" not in row or "name" not in row:
            continue
        known, label = lists.setdefault(row["list_name"], {}), _label(row, default)
        if row["name"] in known and known[row["name"]] != label:
            twice.append(f"{row['list_name']}: {row['name']}")
            old = known[row["name"]]
            label = Text.of(
                {
                    lang: " / ".join(dict.fromkeys(t[lang] for t in (old, label) if lang in t))
                    for lang in {*old, *label}
                }
            )
        known[row["name"]] = label
    if twice:
        shown = ", ".join(twice[:10])
        notes.append(
            Note(
                "choice_twice",
                f"Codes that stand twice in a choice list carry both labels: {shown}.",
                f"رموز مكررة في قائمة خيارات تحمل الوصفين معاً: {shown.replace(', ', '، ')}.",
                tuple(twice),
            )
        )
    return {
        name: tuple(Choice(code, label) for code, label in codes.items()) for name, codes in lists.items()
    }


@dataclass(frozen=True, slots=True)
class _Group:
    """An open group: its row, its kind (``group``, ``repeat``, ``score``, ``rank``, ``kobomatrix``) and label."""

    name: str
    kind: str
    relevant: str | None
    label: Text
    items: str | None = None


_OPENS = ("group", "repeat", "score", "rank", "kobomatrix")
_ITEMS = {"score": "kobo_score_choices", "rank": "kobo_rank_items", "kobomatrix": "kobo_matrix_list"}


def _questions(rows: list[dict[str, str]], lists: dict, default: str | None, where: str) -> list[Question]:
    groups: list[_Group] = []
    out: list[Question] = []
    cells: list[Question] = []
    for row in rows:
        kind = re.sub(r"\s+", " ", row.get("type", "")).strip()
        low = kind.casefold().replace("_", " ")
        name = row.get("name") or row.get("_autoname", "")
        opens = low.removeprefix("begin ") if low.startswith("begin ") else None
        if opens in _OPENS:
            items = row.get(_ITEMS.get(opens, ""))
            if opens in _ITEMS and items not in lists:
                raise _no_list(name, items or "", lists, where)
            groups.append(_Group(name, opens, row.get("relevant"), _label(row, default), items))
        elif low.startswith("end ") and low[4:] in (*_OPENS, "matrix"):
            if not groups:
                raise DataError(
                    f"The survey sheet of {where} closes a group that was not opened (row type {kind!r}).",
                    remedy="Balance begin_group and end_group in the form.",
                    ar=f"تُغلق ورقة survey في {where} مجموعة لم تُفتح؛ وازن بين begin_group وend_group.",
                )
            closed = groups.pop()
            if closed.kind == "kobomatrix":
                out += _matrix(cells, closed, lists[closed.items])
                cells = []
        elif low and name and low != "note":
            inner = groups[-1] if groups else None
            if low in ("score  row", "rank  level") and inner is not None and inner.items:
                kind = f"select_one {inner.items}"
            each = _one(row, name, kind, groups, lists, default, where)
            if inner is not None and inner.kind == "kobomatrix":
                cells.append(each)
                continue
            out.append(each)
            if re.search(r"(?i)or[ _]other$", kind):
                out.append(_other(each))
    if groups:
        raise DataError(
            f"The survey sheet of {where} does not close the group {groups[-1].name!r}.",
            remedy="Balance begin_group and end_group in the form.",
            ar=f"لا تُغلق ورقة survey في {where} المجموعة {groups[-1].name}؛ وازن بين begin_group وend_group.",
        )
    return out


def _one(
    row: dict[str, str], name: str, kind: str, groups: list[_Group], lists: dict, default: str | None, where: str
) -> Question:
    base, choices = _choices(kind, lists, row, where)
    named = [group for group in groups if group.name]
    repeats = tuple(group.name for group in groups if group.kind == "repeat")
    return Question(
        name,
        (*(group.name for group in named), name),
        base,
        _label(row, default),
        choices,
        tuple(text for text in (*(group.relevant for group in groups), row.get("relevant")) if text),
        bool(repeats),
        repeats,
        _label(row, default, "hint") or _label(row, default, "guidance_hint"),
        tuple(group.label for group in named),
    )


def _matrix(columns: list[Question], group: _Group, items: tuple[Choice, ...]) -> list[Question]:
    """KoBo's question matrix: one question per item and column, ``matrix_item_column`` in the group ``matrix_item``."""
    own = {column.name for column in columns}
    out = []
    for item in items:
        inner = f"{group.name}_{item.name}"

        def of_item(match: re.Match, inner: str = inner) -> str:
            return f"${{{inner}_{match[1]}}}" if match[1] in own else match[0]

        for column in columns:
            name = f"{inner}_{column.name}"
            label = {}
            for lang, words in column.label.items():
                above = " — ".join(text[lang] for text in (group.label, item.label) if lang in text)
                label[lang] = f"{above}: {words}" if above else words
            out.append(
                replace(
                    column,
                    name=name,
                    path=(*column.path[:-2], inner, name),
                    label=Text.of(label),
                    relevant=tuple(re.sub(r"\$\{(\w+)\}", of_item, text) for text in column.relevant),
                    titles=(*column.titles[:-1], item.label),
                )
            )
    return out


_OTHER = Text(en="Other", ar="أخرى")


def _other(question: Question) -> Question:
    """The text question that ``or_other`` adds after a choice."""
    name = f"{question.name}_other"
    label = Text.of({lang: f"{words} — {_OTHER[lang]}" for lang, words in question.label.items()})
    asked = (*question.relevant, f"selected(${{{question.name}}}, 'other')")
    return Question(name, (*question.path[:-1], name), "text", label, (), asked, question.repeated, question.repeat)


def _no_list(name: str, listed: str, lists: dict, where: str) -> DataError:
    return DataError(
        f"Question {name!r} of {where} uses the choice list {listed!r}, which the choices sheet has not.",
        remedy=f"Lists there: {', '.join(list(lists)[:15]) or 'none'}.",
        ar=f"يستعمل السؤال {name} في {where} قائمة الخيارات {listed} وليست في ورقة choices.",
    )


def _choices(kind: str, lists: dict, row: dict[str, str], where: str) -> tuple[str, tuple[Choice, ...]]:
    words = re.sub(r"(?i)^(select)[ _](one|multiple)", r"\1_\2", kind)
    if " " not in words and row.get("select_from_list_name"):
        words = f"{words} {row['select_from_list_name']}"
    base = re.split(r"[ _](?:from[ _]file|external)|\s", words, maxsplit=1)[0].lower()
    if base not in ("select_one", "select_multiple", "rank"):
        return kind.split()[0].lower(), ()
    if (outside := listed_file(kind)) is not None:
        return base, lists.get(outside, ())
    if external := re.match(r"(?i)^select_(?:one|multiple)[ _]external\s+(\S+)", words):
        return base, lists.get(external[1], ())
    listed = re.match(r"(?i)^(?:select_one|select_multiple|rank)(?:[ _]from)?\s+(\S+)(?:\s+(or[ _]other))?$", words)
    if not listed or listed[1][0] == "$":
        return base, ()  # the list is made of earlier answers
    if listed[1] not in lists:
        raise _no_list(row.get("name", ""), listed[1], lists, where)
    found = lists[listed[1]]
    if listed[2] and all(choice.name != "other" for choice in found):
        found = (*found, Choice("other", _OTHER))
    return base, found
