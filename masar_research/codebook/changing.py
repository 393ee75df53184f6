"""What an edited workbook changes in a codebook: checked, listed, and undone where asked."""

from __future__ import annotations

import keyword
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from masar_research.codebook.book import Codebook
from masar_research.codebook.cells import from_cell
from masar_research.codebook.entries import LEVELS, Category, MissingRange, ResponseSet, Variable
from masar_research.codebook.reading import Row, Sheets
from masar_research.codebook.wording import code_text, span_text
from masar_research.codebook.words import Text
from masar_research.errors import DataError
from masar_research.expressions import KINDS, parse

Code = float | str
FIELDS = ("label", "question", "unit", "note")
_WORD = re.compile(r"'[^']*'|\"[^\"]*\"|[^\W\d]\w*")
_SPAN = re.compile(r"^(lowest|-?[\d.]+(?:e[+-]?\d+)?)\s*\.\.\s*(highest|-?[\d.]+(?:e[+-]?\d+)?)\s*(\w*)$")


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that became another.

    Attributes
    ----------
    wave, variable : str
        The variable under its old name.
    what : str
        ``name, code, label_en, missing, level, order …``
    code : float, str or None
        The old code a change is about.
    before, after : str
    n : int or None
        Rows of the data it touches; None where there are no data or none are touched.
    """

    wave: str
    variable: str
    what: str
    code: Code | None
    before: str
    after: str
    n: int | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """What one wave becomes: its codebook, old name → new, and old name → old code → new."""

    codebook: Codebook
    renames: Mapping[str, str]
    recodes: Mapping[str, Mapping[Code, Code]]
    changes: tuple[Change, ...]


def plan(wave: str, book: Codebook, sheets: Sheets) -> Plan:
    """Check the rows of one wave and make its codebook.

    Raises
    ------
    DataError
        With the row: a variable, level, kind, range or name that cannot be, two variables of one
        name, codes that clash, or a universe that recoding would change in silence.
    """
    variables = _by_name(wave, book, sheets.variables)
    codes: dict[str, list[Row]] = {}
    for row in _of(wave, sheets.codes):
        codes.setdefault(_known(book, row), []).append(row)
    changes: list[Change] = []
    recodes: dict[str, dict[Code, Code]] = {}
    made: dict[str, Variable] = {}
    for name, variable in book.items():
        row = variables.get(name)
        edited = _fields(wave, variable, row, changes) if row else variable
        made[name], mapping = _categories(wave, edited, codes.get(name, []), changes)
        if mapping:
            recodes[name] = mapping
    renames = _renames(wave, book, variables, changes)
    order = _order(wave, book, variables, changes)
    final = []
    for name in order:
        universe = _universe(made[name], book[name], variables.get(name), renames, recodes, set(book))
        source = made[name].source or ((name,) if name in renames or name in recodes else ())
        final.append(replace(made[name], name=renames.get(name, name), universe=universe, source=source))
    sets = _sets(wave, book, sheets.sets, renames, recodes, changes)
    return Plan(Codebook(final, sets), renames, recodes, tuple(changes))


def _of(wave: str, rows: Sequence[Row]) -> list[Row]:
    return [row for row in rows if from_cell(row.values.get("wave")) == wave]


def _wrong(row: Row, what: str, remedy: str, ar: str) -> DataError:
    return DataError(f"{row.where}: {what}", remedy=remedy, ar=f"{row.where}: {ar}")


def _known(book: Codebook, row: Row) -> str:
    name = from_cell(row.values.get("variable"))
    if name not in book:
        raise _wrong(
            row, f"there is no variable {name!r}.", "Give the new name under new_name and leave the grey column as it was.",
            f"لا يوجد متغير باسم «{name}»؛ اكتب الاسم الجديد في عموده واترك العمود الرمادي كما كان.",
        )  # fmt: skip
    return name


def _by_name(wave: str, book: Codebook, rows: Sequence[Row]) -> dict[str, Row]:
    out: dict[str, Row] = {}
    for row in _of(wave, rows):
        name = _known(book, row)
        if name in out:
            raise _wrong(
                row, f"variable {name!r} stands in {out[name].where} too.", "Delete one of the two rows.",
                f"المتغير «{name}» مكرر؛ احذف أحد الصفين.",
            )  # fmt: skip
        out[name] = row
    return out


def _said(row: Row, key: str, before: str) -> str:
    """What a row says under a key; what was before where the sheet has no such column."""
    return from_cell(row.values[key]) if key in row.values else before


def _fields(wave: str, variable: Variable, row: Row, changes: list[Change]) -> Variable:
    new: dict[str, Any] = {}
    for field in FIELDS:
        words = getattr(variable, field)
        new |= {field: said} if (said := _words(wave, variable.name, field, words, row, None, changes)) is not None else {}

    def changed(key: str, before: str) -> str | None:
        after = _said(row, key, before)
        if after == before:
            return None
        changes.append(Change(wave, variable.name, key, None, before, after))
        return after

    level = changed("level", variable.level)
    if level is not None:
        if level not in LEVELS:
            raise _wrong(
                row, f"the level {level!r} is not known.", f"Use one of {', '.join(LEVELS)}.",
                f"مستوى القياس «{level}» غير معروف.",
            )  # fmt: skip
        new["level"] = level
    ranges = changed("missing_ranges", ranges_text(variable.missing_ranges))
    if ranges is not None:
        new["missing_ranges"] = _ranges(row, ranges)
    personal = changed("personal", "yes" if variable.personal else "")
    if personal is not None:
        if personal.casefold() not in ("yes", "no", "", "نعم", "لا"):
            raise _wrong(row, f"personal is {personal!r}.", "Write yes, or leave it empty.", "اكتب yes أو اترك الخانة فارغة.")
        new["personal"] = personal.casefold() in ("yes", "نعم")
    universe = changed("universe", variable.universe or "")
    if universe is not None:
        new["universe"] = universe or None
    return replace(variable, **new) if new else variable


def _words(
    wave: str, name: str, field: str, words: Mapping[str, str] | None, row: Row, code: Code | None, changes: list[Change]
) -> Text | None:
    """The words a row gives to a field, or None where it leaves them as they were."""
    out, differs = dict(words or {}), False
    for lang in ("en", "ar"):
        before = (words or {}).get(lang) or ""
        after = _said(row, f"{field}_{lang}", before)
        if after != before:
            differs = True
            changes.append(Change(wave, name, f"{field}_{lang}", code, before, after))
            out.pop(lang, None)
            out |= {lang: after} if after else {}
    return Text.of(out) if differs else None


def ranges_text(spans: Sequence[MissingRange]) -> str:
    """Ranges as the sheet has them."""
    return "; ".join(f"{span_text(s.low, s.high)} {s.missing}" for s in spans)


def _ranges(row: Row, text: str) -> tuple[MissingRange, ...]:
    out = []
    for part in re.split("[;؛]", text):
        if not part.strip():
            continue
        found = _SPAN.match(part.strip())
        kind = (found[3] or "missing") if found else ""
        if not found or kind not in KINDS:
            raise _wrong(
                row, f"{part.strip()!r} is not a range of missing codes.", "Write it like 97..99 refused; lowest..-1 missing.",
                f"«{part.strip()}» ليس مدى لقيم مفقودة؛ اكتبه مثل ‎97..99 refused‎.",
            )  # fmt: skip
        low = -float("inf") if found[1] == "lowest" else float(found[1])
        high = float("inf") if found[2] == "highest" else float(found[2])
        out.append(MissingRange(low, high, kind))
    return tuple(out)


# --- codes ---------------------------------------------------------------------------------


def _categories(
    wave: str, variable: Variable, rows: list[Row], changes: list[Change]
) -> tuple[Variable, dict[Code, Code]]:
    """The variable with edited categories, and old code → new where any differ."""
    old = {category.code: category for category in variable.categories}
    text = any(isinstance(code, str) for code in old) or (not old and variable.level == "text")
    given: dict[Code, tuple[Row, Category, Code, float]] = {}
    for row in rows:
        code = _code(row, row.values.get("code"), old, text)
        if code in given:
            raise _wrong(
                row, f"code {code_text(code)} of {variable.name} stands in {given[code][0].where} too.",
                "Delete one of the two rows.", f"الرمز {code_text(code)} للمتغير «{variable.name}» مكرر؛ احذف أحد الصفين.",
            )  # fmt: skip
        category, place = old.get(code), float(list(old).index(code) + 1) if code in old else float("inf")
        if category is None:
            category = Category(code, {})
            changes.append(Change(wave, variable.name, "new code", code, "", code_text(code)))
        label = _words(wave, variable.name, "label", category.label, row, code, changes)
        kind = _said(row, "missing", category.missing or "")
        if kind and kind not in KINDS:
            raise _wrong(
                row, f"{kind!r} is not a kind of missing value.", f"Use one of {', '.join(KINDS)}, or leave it empty.",
                f"«{kind}» ليس نوعاً معروفاً للقيم المفقودة.",
            )  # fmt: skip
        if kind != (category.missing or ""):
            changes.append(Change(wave, variable.name, "missing", code, category.missing or "", kind))
        wanted = row.values.get("new_code")
        after = code if from_cell(wanted) == "" else _code(row, wanted, {}, isinstance(code, str))
        if after != code:
            changes.append(Change(wave, variable.name, "code", code, code_text(code), code_text(after)))
        at = _place(row, place)
        if code in old and at != place:
            changes.append(Change(wave, variable.name, "order", code, f"{place:g}", f"{at:g}"))
        given[code] = (row, replace(category, label=label if label is not None else category.label, missing=kind or None), after, at)
    for place, (code, category) in enumerate(old.items(), 1):
        given.setdefault(code, (Row("", {}), category, code, float(place)))
    return _merged(variable, given)


def _code(row: Row, value: Any, known: Mapping[Code, Category], text: bool) -> Code:
    """A cell as a code: of the variable's own type, whatever a spreadsheet made of it."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        as_text = from_cell(value)
        return as_text if text and (not known or float(value) not in known) else float(value)
    told = from_cell(value)
    if text or told in known:
        return told
    try:
        return float(told)
    except ValueError:
        raise _wrong(
            row, f"{told!r} is not a number, as the codes of this variable are.", "Give a number.",
            f"«{told}» ليس رقماً، ورموز هذا المتغير أرقام.",
        ) from None  # fmt: skip


def _place(row: Row, before: float) -> float:
    value = row.values.get("order")
    if value is None or value == "":
        return before
    try:
        return float(value)
    except (TypeError, ValueError):
        raise _wrong(row, f"the order {value!r} is not a number.", "Give a number.", "الترتيب ليس رقماً.") from None


def _merged(
    variable: Variable, given: Mapping[Code, tuple[Row, Category, Code, float]]
) -> tuple[Variable, dict[Code, Code]]:
    out: dict[Code, tuple[Code, Category]] = {}
    for code, (row, category, after, _) in sorted(given.items(), key=lambda item: item[1][3]):
        if after in out:
            first, other = out[after]
            if (dict(other.label), other.missing) != (dict(category.label), category.missing):
                raise DataError(
                    f"Codes {code_text(first)} and {code_text(code)} of {variable.name} both become {code_text(after)}, "
                    f"but their labels or kinds differ ({row.where or given[first][0].where}).",
                    remedy="Give both rows the same labels and kind to merge them, or one of them another code.",
                    ar=f"يصبح الرمزان {code_text(first)} و{code_text(code)} للمتغير «{variable.name}» رمزاً واحداً هو "
                    f"{code_text(after)} مع اختلاف وصفيهما أو نوعيهما. وحّد الوصف والنوع لدمجهما، أو اختر رمزاً آخر لأحدهما.",
                )
        else:
            out[after] = (code, replace(category, code=after))
    categories = tuple(category for _, category in out.values())
    mapping = {code: after for code, (_, _, after, _) in given.items()}
    moved = any(code != after for code, after in mapping.items())
    changed = replace(variable, categories=categories) if categories != variable.categories else variable
    return changed, mapping if moved else {}


# --- names, order, universes, sets ---------------------------------------------------------


def _renames(wave: str, book: Codebook, rows: Mapping[str, Row], changes: list[Change]) -> dict[str, str]:
    renames: dict[str, str] = {}
    for name, row in rows.items():
        new = from_cell(row.values.get("new_name"))
        if not new or new == name:
            continue
        if not new.isidentifier() or keyword.iskeyword(new) or new in ("missing", "between"):
            raise _wrong(
                row, f"{new!r} cannot be the name of a variable.",
                "Use letters, digits and _, not beginning with a digit; words of the language of conditions are taken.",
                f"لا يصلح «{new}» اسماً لمتغير؛ استعمل حروفاً وأرقاماً والعلامة _ ولا تبدأ برقم.",
            )  # fmt: skip
        renames[name] = new
        changes.append(Change(wave, name, "name", None, name, new))
    final: dict[str, str] = {}
    for name in book:
        new = renames.get(name, name)
        if new in final:
            raise DataError(
                f"Variables {final[new]} and {name} would both be called {new}.",
                remedy="Give one of them another new name.",
                ar=f"سيحمل المتغيران «{final[new]}» و«{name}» الاسم نفسه «{new}»؛ اختر اسماً آخر لأحدهما.",
            )
        final[new] = name
    return renames


def _order(wave: str, book: Codebook, rows: Mapping[str, Row], changes: list[Change]) -> list[str]:
    places = {}
    for before, name in enumerate(book, 1):
        places[name] = _place(rows[name], float(before)) if name in rows else float(before)
        if places[name] != before:
            changes.append(Change(wave, name, "order", None, f"{before}", f"{places[name]:g}"))
    return sorted(book, key=places.__getitem__)


def _universe(
    variable: Variable, before: Variable, row: Row | None, renames: Mapping[str, str],
    recodes: Mapping[str, Mapping[Code, Code]], names: set[str],
) -> str | None:  # fmt: skip
    text = variable.universe
    if text is None:
        return None
    where = row or Row(variable.name, {})
    if text != before.universe:
        try:
            unknown = parse(text).names - {renames.get(name, name) for name in names}
        except DataError as error:
            raise _wrong(where, error.what, error.remedy, "شرط «يُسأل عنه» لا يُقرأ؛ صحّحه.") from None
        if unknown:
            raise _wrong(
                where, f"asked of {text!r} names {', '.join(sorted(unknown))}, which is no variable.",
                "Use the new names of variables.", "في شرط «يُسأل عنه» اسم ليس لمتغير؛ استعمل الأسماء الجديدة.",
            )  # fmt: skip
        return text
    used = [word for word in _WORD.findall(text) if word in recodes]
    if used:
        raise _wrong(
            where, f"{variable.name} is asked of {text!r}, and {used[0]} gets other codes.",
            "Write the condition anew under universe, in new names and codes.",
            f"شرط «يُسأل عنه» للمتغير «{variable.name}» يذكر «{used[0]}» الذي تتغير رموزه؛ أعد كتابة الشرط بالأسماء والرموز الجديدة.",
        )  # fmt: skip
    return _WORD.sub(lambda word: renames.get(word[0], word[0]), text)


def _sets(
    wave: str, book: Codebook, rows: Sequence[Row], renames: Mapping[str, str],
    recodes: Mapping[str, Mapping[Code, Code]], changes: list[Change],
) -> list[ResponseSet]:  # fmt: skip
    by_name = {from_cell(row.values.get("set")): row for row in _of(wave, rows)}
    out = []
    for name, each in book.sets.items():
        label = _words(wave, name, "label", each.label, by_name[name], None, changes) if name in by_name else None
        counted = {recodes.get(v, {}).get(each.counted, each.counted) for v in each.variables}
        if len(counted) > 1:
            raise DataError(
                f"The variables of the set {name} would count different codes as chosen: {sorted(map(str, counted))}.",
                remedy="Recode all variables of the set alike.",
                ar=f"متغيرات المجموعة «{name}» ستختلف في الرمز المحسوب؛ أعد ترميزها كلها بالطريقة نفسها.",
            )
        out.append(
            replace(
                each, label=label if label is not None else each.label, counted=counted.pop(),
                variables=tuple(renames.get(v, v) for v in each.variables),
            )  # fmt: skip
        )
    return out
