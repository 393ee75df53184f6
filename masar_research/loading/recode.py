"""A harmonised variable that is read from a column: recoded, its missing codes named, nothing left over."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from masar_research.errors import DataError
from masar_research.loading.cards import VariableCard
from masar_research.loading.code_ranges import span_of, spread
from masar_research.loading.dates import to_dates
from masar_research.loading.kinds import RESERVED, Column
from masar_research.loading.numbers import as_numbers, masked
from masar_research.loading.raw import NOT_ASKED

if TYPE_CHECKING:
    from masar_research.loading.harmonise import Work

MANY = 5


def read_column(work: Work, name: str, card: VariableCard) -> Column:
    """A column as its card says, or not asked where the wave has none.

    Raises
    ------
    CardError
        If the file has no such column, its values are of another type than the card's codes, or a
        value is neither an answer nor declared missing.
    """
    n = len(work.frame)
    own = card.waves.get(work.wave)
    source = (own.from_ if own and own.from_ else None) or card.from_
    if (own and own.not_asked) or source is None:
        work.say(name, "", "", "", "not_asked", n)
        text = card.scale in ("text", "date") or any(isinstance(code, str) for code in card.codes)
        blank = np.full(n, np.datetime64("NaT", "us")) if card.scale == "date" else np.full(n, None, object)
        return Column(blank if text else np.full(n, NOT_ASKED), {} if text else {NOT_ASKED: "not_asked"}, ())
    part = "from" if not (own and own.from_) else "waves"
    if source not in work.frame.columns:
        raise work.no_column(name, part, source)
    raw = work.frame[source]
    if card.scale == "date":
        return Column(_dates(work, name, raw), {}, (source,))
    if card.scale == "text" and not card.codes:
        values = (
            raw.astype("str")
            if raw.dtype.kind not in "fiu"
            else raw.map(lambda v: f"{v:.15g}", na_action="ignore").astype("str")
        )
        work.say(name, source, "(text)", "(text)", "", int(values.notna().sum()))
        return Column(values.to_numpy(), {}, (source,))
    recode, gone = card.mapping(work.wave), card.gone(work.wave)
    alike = _alike(work, name, card, raw, recode, gone)
    return _recoded(work, name, card, alike, source, recode, gone)


def _dates(work: Work, name: str, raw: pd.Series) -> np.ndarray:
    try:
        values = to_dates(raw)
    except DataError as error:
        raise work.error(name, "from", error.what, error.remedy, error.ar) from None
    work.say(name, str(raw.name), "(date)", "(date)", "", int((~np.isnat(values)).sum()))
    return values


def _alike(
    work: Work, name: str, card: VariableCard, raw: pd.Series, recode: Mapping | None, gone: Mapping
) -> pd.Series:
    """The column with codes of the type the card's keys have."""
    keys = [*(recode if recode is not None else card.codes), *gone]
    numeric_keys = all(not isinstance(key, str) or span_of(key) for key in keys)
    if raw.dtype.kind == "M":
        raise work.error(name, "from", f"the column {raw.name!r} holds dates.", "Write level: date.", f"يحمل العمود \u2066{raw.name}\u2069 تواريخ. اكتب level: date.")
    if raw.dtype.kind == "f":
        if keys and not numeric_keys:
            shown = next(key for key in keys if isinstance(key, str) and not span_of(key))
            raise work.error(
                name,
                "from",
                f"the column {raw.name!r} holds numbers, the card's code {shown!r} is text.",
                "Write number codes without quotes.",
                f"يحمل العمود \u2066{raw.name}\u2069 أعدادًا، والرمز \u2066{shown}\u2069 في البطاقة نصّ. اكتب رموز الأعداد بلا علامات اقتباس.",
            )
        return raw
    if recode is not None and not numeric_keys:
        return raw
    if recode is None and card.codes and any(isinstance(key, str) for key in card.codes):
        return raw
    answer = as_numbers(raw, ids=False)
    if answer.values is None and answer.why == "empty":
        return pd.Series(np.full(len(raw), np.nan), name=raw.name)
    if answer.values is None:
        if keys and not numeric_keys:
            return raw
        numbers = pd.to_numeric(raw, errors="coerce")
        times = raw[~np.isfinite(numbers) & raw.notna()].value_counts()
        # an answer of a few is theirs, one of many is a code
        strange = [repr(text) if n >= MANY else masked(text) for text, n in times.head(5).items()]
        shown = ", ".join(dict.fromkeys(strange))
        raise work.error(
            name,
            "from",
            f"the column {raw.name!r} holds text in {int(times.sum())} of {len(raw)} rows, such as "
            f"{shown}; numbers were expected.",
            "Correct these values in the file (a decimal point, no unit); for codes give recode: with the text in "
            "quotes, or write level: text.",
            f"يحمل العمود \u2066{raw.name}\u2069 نصًّا في {int(times.sum())} من أصل {len(raw)} من الصفوف (مثل \u2066{shown}\u2069)، والمنتظر "
            "أعداد. صحّح هذه القيم في الملف (نقطة عشرية وبلا وحدة)؛ وللرموز اكتب recode: والنص بين علامتي اقتباس، أو "
            "اكتب level: text.",
        )
    return pd.Series(answer.values, name=raw.name)


def _recoded(
    work: Work,
    name: str,
    card: VariableCard,
    raw: pd.Series,
    source: str,
    recode: Mapping | None,
    gone: Mapping,
) -> Column:
    declared = work.codebook.missing_kinds(source)
    targets = set(card.codes) if recode is None else set(recode.values())
    if recode is not None:
        # a range is about answers: a code declared missing needs a key of its own to become one
        recode = {k: v for k, v in spread(recode, raw).items() if k in recode or k not in declared}
    gone = spread(gone, raw)
    text_out = raw.dtype.kind != "f" if recode is None else any(isinstance(code, str) for code in targets)
    _no_clash(work, name, recode, gone, targets)
    # a code the file declares missing stays missing unless the card gives it a meaning of its own
    open_kinds = {
        code: kind
        for code, kind in declared.items()
        if code not in targets and (recode is None or code not in recode)
    } | dict(gone)

    def place(before: float | str, kind: str) -> float | str | None:
        if isinstance(before, str) == text_out and before not in targets:
            return before
        return None if text_out else RESERVED[kind]

    blank = int(raw.isna().sum())
    if blank:
        work.say(name, source, "(blank)", "(blank)", "missing", blank)
    if recode is None and (not card.codes or card.scale == "numeric") and not text_out:
        values = raw.to_numpy("float64", copy=True)
        for code, kind in open_kinds.items():
            found = int((values == code).sum())
            if found:
                work.say(name, source, code, code, kind, found)
        work.say(
            name,
            source,
            "(number)",
            "(number)",
            "",
            int((~np.isin(values, list(open_kinds)) & ~np.isnan(values)).sum()),
        )
        present = set(values) & set(open_kinds)
        return Column(
            values,
            {code: kind for code, kind in open_kinds.items() if code in gone or code in present},
            (source,),
        )
    codes, uniques = pd.factorize(raw)
    counts = np.bincount(codes[codes >= 0], minlength=len(uniques))
    table = np.full(len(uniques) + 1, None if text_out else np.nan, dtype=object if text_out else float)
    kinds = {after: kind for before, kind in gone.items() if (after := place(before, kind)) is not None}
    stray: list = []
    for k, before in enumerate(uniques):
        before = before if isinstance(before, str) else float(before)
        kind = open_kinds.get(before)
        if kind is not None:
            after = place(before, kind)
            if after is not None:
                kinds[after] = kind
        elif recode is not None and before in recode:
            after = recode[before]
        elif recode is None and before in card.codes:
            after = before
        else:
            stray.append((before, int(counts[k])))
            continue
        table[k] = after
        work.say(name, source, before, "(blank)" if after is None else after, kind or "", int(counts[k]))
    if stray:
        _refuse_stray(work, name, source, stray, recode is not None)
    return Column(table[codes], kinds, (source,))


def _no_clash(work: Work, name: str, recode: Mapping | None, gone: Mapping, targets: set) -> None:
    both = sorted(map(str, set(recode or ()) & set(gone)))
    if both:
        raise work.error(
            name,
            "missing",
            f"the code {', '.join(both)} stands under recode: and under missing:.",
            "Keep one of the two.",
            f"يرد الرمز \u2066{', '.join(both)}\u2069 تحت recode: وتحت missing: معًا. أبقِ أحدهما.",
        )
    clash = sorted(str(code) for code in gone if code in targets and (recode is None or code not in recode))
    if clash and recode is None:
        raise work.error(
            name,
            "missing",
            f"the code {', '.join(clash)} is a labelled answer and missing at once.",
            "Keep one of the two.",
            f"الرمز \u2066{', '.join(clash)}\u2069 جواب له تسمية ومفقود في آن واحد. أبقِ أحد الأمرين.",
        )


def _refuse_stray(work: Work, name: str, source: str, stray: list, recoding: bool) -> None:
    def label(code):
        for category in work.codebook[source].categories if source in work.codebook else ():
            if category.code == code and category.label:
                return f" ({next(iter(category.label.values()))})"
        return ""

    shown = ", ".join(
        f"{code if isinstance(code, str) else format(code, 'g')}{label(code)} in {n} rows"
        for code, n in stray[:8]
    )
    more = f" and {len(stray) - 8} more" if len(stray) > 8 else ""
    field_name = "recode" if recoding else "codes"
    raise work.error(
        name,
        field_name,
        f"values of {source!r} in wave {work.wave} have no place: {shown}{more}.",
        f"Add each under {field_name}: as an answer, or under missing: with its kind.",
        f"في العمود \u2066{source}\u2069 من الجولة {work.wave} قيم لا موضع لها: \u2066{', '.join(f'{code} ({n})' for code, n in stray[:8])}\u2069 (عدد الصفوف بين قوسين). أضف كلًّا منها تحت {field_name}: جوابًا، أو تحت missing: مع نوع الفقد.",
    )
