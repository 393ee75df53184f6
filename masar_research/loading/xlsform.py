"""An XLSForm: questions, choices, groups and conditions, in English and Arabic."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from masar_research.codebook import Text
from masar_research.errors import DataError
from masar_research.expressions import parse
from masar_research.loading.raw import Note, clean, has_arabic
from masar_research.loading.tables import read_excel, read_text_table

_COLUMN = re.compile(r"^\s*(label|hint|media)\s*(?:::?\s*(.+?))?\s*$", re.IGNORECASE)
_ARABIC_NAMES = ("arab", "عرب")
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
    """

    name: str
    path: tuple[str, ...]
    kind: str
    label: Text
    choices: tuple[Choice, ...]
    relevant: tuple[str, ...]
    repeated: bool


@dataclass(frozen=True, slots=True)
class Form:
    """A whole form: its questions in order and what was odd about it."""

    questions: tuple[Question, ...]
    notes: tuple[Note, ...]


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
        default, where = None, form[0].name
    else:
        where = form.name
        survey = _rows(read_excel(form, _sheet(form, "survey"))[0])
        choices = _rows(read_excel(form, "choices")[0]) if _has(form, "choices") else []
        settings = _rows(read_excel(form, "settings")[0]) if _has(form, "settings") else []
        default = next((row.get("default_language") for row in settings if row.get("default_language")), None)
    _require(survey, ("type", "name"), "survey", where)
    if choices:
        _require(choices, ("list_name", "name"), "choices", where)
    notes: list[Note] = []
    lists = _lists(choices, default, notes)
    return Form(tuple(_questions(survey, lists, default, where)), tuple(notes))


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
        name: str(name).strip()
        if _COLUMN.match(str(name))
        else re.sub(r"\s+", "_", str(name).strip().lower())
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
    """``"ar"``, ``"en"`` or None from ``Arabic (ar)``, ``English``, ``العربية``, ``ar`` …"""
    tag = re.search(r"\(([A-Za-z]{2,3})(?:[-_][A-Za-z]+)?\)", name)
    code = (tag[1] if tag else name).strip().casefold()
    if code in ("ar", "ara") or any(mark in name.casefold() for mark in _ARABIC_NAMES):
        return "ar"
    if code in ("en", "eng") or any(mark in name.casefold() for mark in _ENGLISH_NAMES):
        return "en"
    return None


def _label(row: dict[str, str], default: str | None) -> Text:
    found: dict[str, str] = {}
    for key, value in row.items():
        match = _COLUMN.match(key)
        if not match or match[1].lower() != "label":
            continue
        lang = (
            language_of(match[2])
            if match[2]
            else (language_of(default or "") or ("ar" if has_arabic(value) else "en"))
        )
        if lang and clean(value):
            found.setdefault(lang, clean(value))
    return Text.of(found)


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
                f"رموز مكررة في قائمة خيارات تحمل الوصفين معاً: {shown}.",
                tuple(twice),
            )
        )
    return {
        name: tuple(Choice(code, label) for code, label in codes.items()) for name, codes in lists.items()
    }


def _questions(rows: list[dict[str, str]], lists: dict, default: str | None, where: str) -> list[Question]:
    groups: list[tuple[str, str, str | None]] = []
    out: list[Question] = []
    for row in rows:
        kind = re.sub(r"\s+", " ", row.get("type", "")).strip()
        low = kind.casefold().replace("_", " ")
        if low in ("begin group", "begin repeat"):
            groups.append((row.get("name", ""), low, row.get("relevant")))
        elif low in ("end group", "end repeat"):
            if not groups:
                raise DataError(
                    f"The survey sheet of {where} closes a group that was not opened (row type {kind!r}).",
                    remedy="Balance begin_group and end_group in the form.",
                )
            groups.pop()
        elif low and "name" in row and low != "note":
            base, choices = _choices(kind, lists, row, where)
            path = (*(name for name, _, _ in groups if name), row["name"])
            relevant = tuple(text for text in (*(text for _, _, text in groups), row.get("relevant")) if text)
            out.append(
                Question(
                    row["name"],
                    path,
                    base,
                    _label(row, default),
                    choices,
                    relevant,
                    any(opened == "begin repeat" for _, opened, _ in groups),
                )
            )
    if groups:
        raise DataError(
            f"The survey sheet of {where} does not close the group {groups[-1][0]!r}.",
            remedy="Balance begin_group and end_group in the form.",
        )
    return out


def _choices(kind: str, lists: dict, row: dict[str, str], where: str) -> tuple[str, tuple[Choice, ...]]:
    match = re.match(
        r"(?i)^(select[ _]one|select[ _]multiple|rank)(?:[ _]from)?[ _]+(\S+)(?:[ _]+or[ _]other)?$", kind
    )
    if not match or "from_file" in kind.lower():
        return kind.split()[0].lower(), ()
    base = match[1].lower().replace(" ", "_")
    if match[2] not in lists:
        raise DataError(
            f"Question {row['name']!r} of {where} uses the choice list {match[2]!r}, which the choices sheet has not.",
            remedy=f"Lists there: {', '.join(list(lists)[:15]) or 'none'}.",
        )
    return base, lists[match[2]]


_TOKEN = re.compile(
    r"""\s*(?:(?P<var>\$\{\s*(?P<name>[^}]+?)\s*\})|(?P<text>'[^']*'|"[^"]*")|(?P<number>\d+(?:\.\d+)?)"""
    r"""|(?P<op><=|>=|!=|==|=|<|>|\+|-|\*|\(|\)|,)|(?P<word>[A-Za-z_][\w-]*))"""
)


def universe(
    conditions: tuple[str, ...],
    names: dict[str, str],
    numeric: frozenset[str],
    multiple: dict[str, dict[str, str]],
) -> str | None:
    """XLSForm conditions as one expression of this project, or None where they say more than it can.

    Parameters
    ----------
    conditions : tuple of str
        All of which must hold.
    names : dict
        Question name in the form → column.
    numeric : frozenset of str
        Columns that hold numbers; quoted numbers compared with them lose the quotes.
    multiple : dict
        Column of a multi-select → option → its 0/1 column.
    """
    parts = []
    for text in conditions:
        translated = _translate(text, names, numeric, multiple)
        if translated is None:
            return None
        parts.append(translated)
    if not parts:
        return None
    whole = parts[0] if len(parts) == 1 else " and ".join(f"({part})" for part in dict.fromkeys(parts))
    try:
        return parse(whole).text
    except DataError:
        return None


def _translate(
    text: str, names: dict[str, str], numeric: frozenset[str], multiple: dict[str, dict[str, str]]
) -> str | None:
    tokens, at = [], 0
    text = text.strip().replace("’", "'").replace("‘", "'")
    while at < len(text):
        match = _TOKEN.match(text, at)
        if not match:
            return None
        at = match.end()
        if match["var"]:
            if match["name"] not in names:
                return None
            tokens.append(("var", names[match["name"]]))
        elif match["text"]:
            tokens.append(("text", match["text"][1:-1]))
        elif match["number"]:
            tokens.append(("number", match["number"]))
        elif match["op"]:
            tokens.append(("op", "==" if match["op"] == "=" else match["op"]))
        else:
            tokens.append(("word", match["word"].lower()))
        while at < len(text) and text[at].isspace():
            at += 1
    return _emit(tokens, numeric, multiple)


def _emit(
    tokens: list[tuple[str, str]], numeric: frozenset[str], multiple: dict[str, dict[str, str]]
) -> str | None:
    out, k = [], 0
    while k < len(tokens):
        kind, value = tokens[k]
        ahead = tokens[k + 1 : k + 6]
        if kind == "word" and value == "selected":
            if [t[0] for t in ahead[:5]] != ["op", "var", "op", "text", "op"]:
                return None
            column, option = ahead[1][1], ahead[3][1]
            if column in multiple:
                if option not in multiple[column]:
                    return None
                out.append(f"{multiple[column][option]} == 1")
            else:
                out.append(f"{column} == {_literal(option, column in numeric)}")
            k += 6
        elif (
            kind == "var"
            and len(ahead) >= 2
            and ahead[0] in (("op", "=="), ("op", "!="))
            and ahead[1] == ("text", "")
        ):
            out.append(f"missing({value})" if ahead[0][1] == "==" else f"not missing({value})")
            k += 3
        elif kind == "var" and value in multiple:
            return None
        elif (
            kind == "var"
            and len(ahead) >= 2
            and ahead[0][0] == "op"
            and ahead[0][1] in ("==", "!=", "<", "<=", ">", ">=")
            and ahead[1][0] in ("text", "number")
        ):
            plain = f"{value} {ahead[0][1]} {_literal(ahead[1][1], value in numeric)}"
            # a blank answer differs from every code in XLSForm; here it would be unknown
            out.append(f"(missing({value}) or {plain})" if ahead[0][1] == "!=" else plain)
            k += 3
        elif kind == "word":
            if value not in ("and", "or", "not", "div"):
                return None
            out.append("/" if value == "div" else value)
            k += 1
        elif kind == "text":
            return None
        else:
            out.append(value)
            k += 1
    return " ".join(out)


def _literal(value: str, numeric: bool) -> str:
    try:
        return f"{float(value):g}" if numeric else repr(value)
    except ValueError:
        return repr(value)
