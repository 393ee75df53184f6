"""How `Estimates` shows itself to a researcher: labelled, gated, in either language."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from masar_research import gating, release
from masar_research.errors import EstimationError
from masar_research.present import numbers, tables

if TYPE_CHECKING:
    from masar_research.estimates import Estimates
    from masar_research.present import Art

WORDS = {
    "variable": ("Variable", "المتغيّر"), "category": ("Category", "الفئة"),
    "contrast": ("Contrast", "المقارنة"), "prob": ("Share below", "النسبة دونه"),
    "other": ("With", "مع"), "estimate": ("Estimate", "التقدير"),
    "interval": ("Interval", "فترة الثقة"), "std_error": ("Standard error", "الخطأ المعياري"),
    "n": ("n", "ن"), "p_value": ("p", "القيمة الاحتمالية"), "note": ("Note", "ملاحظة"),
    "level": ("Level", "المستوى"), "share": ("Poorest share", "حصة الأفقر"),
    "wave": ("Wave", "الجولة"), "reference": ("Reference", "الفئة المرجعية"),
    "p_adjusted": ("Adjusted p", "القيمة الاحتمالية المعدَّلة"),
    "suppressed": ("* not shown", "* محجوب"),
}  # fmt: skip
GROUPS = {
    ("sex", 1): "men", ("sex", 2): "women", ("region", 1): "middle", ("region", 2): "north",
    ("region", 3): "south", ("urban", 1): "urban", ("urban", 2): "rural",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Shown:
    """A table for reading: suppressed figures are ``*`` with the reason.

    Attributes
    ----------
    frame : pandas.DataFrame
        Labels and formatted figures.
    lang : {"ar", "en"}
    """

    frame: pd.DataFrame = field(repr=False)
    lang: str
    numeric: frozenset[str] = frozenset()
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return tables.plain_text(
            [[str(value) for value in row] for row in self.frame.itertuples(index=False)],
            [tables.Column(str(c), c in self.numeric) for c in self.frame.columns], notes=self.notes,
        )  # fmt: skip

    def _repr_html_(self) -> str:
        kept = [c for c in self.frame.columns if (self.frame[c] != "").any() or self.frame.empty]
        columns = [tables.Column(str(c), c in self.numeric) for c in kept]
        rows = [[str(value) for value in row] for row in self.frame[kept].itertuples(index=False)]
        return tables.estimates_html(rows, columns, self.lang, notes=self.notes)


def check_language(lang: str) -> None:
    """Raise unless it is one of the two languages."""
    if lang not in ("ar", "en"):
        raise EstimationError(
            f"lang={lang!r} is not a language of the workbench.",
            remedy='Use "ar" or "en".',
            ar=f"اللغة «{lang}» غير متاحة؛ استعمل ar أو en.",
        )


def word(name: str, lang: str) -> str:
    return WORDS[name][lang == "ar"]


def formatted(estimates: Estimates, value: float, lang: str) -> str:
    """A figure as its kind is read: a percentage, points, a whole number, or two decimals."""
    if not np.isfinite(value):
        return "–"
    unit = unit_of(estimates)
    if unit == "percent":
        return numbers.percent(value, lang)
    if unit == "points":
        return numbers.signed_points(value, lang)
    kind = estimates.note["model_of"]["en"] if estimates.kind == "model_based" else estimates.kind
    digits = {"count": 0, "total": 0, "index": 3}.get(str(kind), 2)
    return numbers.number(value, lang, digits)


def unit_of(estimates: Estimates) -> str:
    """``percent``, ``points`` or ``number``."""
    if estimates.kind in ("proportion", "model_based_proportion"):
        return "percent"
    share = estimates.note.get("of") in ("proportion", "model_based_proportion") or estimates.note.get("family") == "binomial"
    if estimates.kind == "ame" or (estimates.kind == "difference" and share):
        return "points"
    return "number"


def label(estimates: Estimates, column: str, code: Any, lang: str) -> str:
    """The label of a code; the code itself where the codebook has none."""
    book = estimates.codebook
    if column == "contrast":
        return estimates.note.get("contrast_labels", {}).get(code, {}).get(lang) or str(code)
    if column in ("variable", "other"):
        words = book[code].label if code in book else {}
        return words.get(lang) or str(code)
    variable = column
    if variable in book:
        for category in book[variable].categories:
            if category.code == code:
                return category.label.get(lang) or str(code)
    return str(code)


def title_of(estimates: Estimates, column: str, lang: str) -> str:
    if column in estimates.codebook:
        return estimates.codebook[column].label.get(lang) or column
    return word(column, lang) if column in WORDS else column


def row_label(estimates: Estimates, row: Any, columns: list[str], lang: str) -> str:
    parts = []
    for column in columns:
        if column == "category":
            parts.append(label(estimates, row["variable"], row["category"], lang))
        else:
            parts.append(label(estimates, column, row[column], lang))
    return " · ".join(parts)


def keys(estimates: Estimates) -> list[str]:
    """The columns that tell rows apart."""
    frame = estimates.frame
    statistics = {
        "estimate", "std_error", "conf_low", "conf_high", "df", "n", "n_eff", "deff", "cv",
        "reliability", "n_missing", "count", "statistic", "p_value", "p_adjusted", "p_equivalence",
        "inner_low", "inner_high", "verdict", "fmi", "riv", "efficiency", "within", "between",
    }  # fmt: skip
    named = [c for c in frame.columns if c not in statistics]
    told = {*estimates.by, "contrast"}
    return [c for c in named if c in told or frame[c].nunique(dropna=False) > 1] or named[:1]


def table(estimates: Estimates, lang: str, profile: str) -> Shown:
    """The rows with labels in one language, gated by a profile."""
    check_language(lang)
    judged = gating.decisions(estimates, profile)
    named = keys(estimates)
    out: dict[str, list[str]] = {title_of(estimates, c, lang): [] for c in named}
    heads = [word(name, lang) for name in ("estimate", "interval", "n")]
    tested = "p_value" in estimates.frame.columns and estimates.kind == "difference"
    tested_column = "p_adjusted" if "p_adjusted" in estimates.frame.columns else "p_value"
    if tested:
        heads.append(word(tested_column, lang))
    heads.append(word("note", lang))
    out.update({head: [] for head in heads})
    for (_, row), (_, decision) in zip(estimates.frame.iterrows(), judged.iterrows(), strict=True):
        for column in named:
            name = title_of(estimates, column, lang)
            out[name].append(row_label(estimates, row, [column], lang))
        hidden = decision["status"] == "suppress"
        few = hidden and row["n"] < gating.LEAST
        values = ["*", "*", "*" if few else numbers.number(row["n"], lang)]
        if not hidden:
            low, high = (formatted(estimates, row[c], lang) for c in ("conf_low", "conf_high"))
            values = [formatted(estimates, row["estimate"], lang), f"{low} – {high}", values[2]]
        if tested:
            values.append("*" if hidden else _p(row[tested_column]))
        code = decision["reason"] if hidden else decision["note_code"]
        values.append(release.words(code, lang) if code else "")
        for head, value in zip(heads, values, strict=True):
            out[head].append(value)
    numeric = frozenset(heads[:-1])
    return Shown(pd.DataFrame(out), lang, numeric, notes(estimates, lang))


def notes(estimates: Estimates, lang: str) -> tuple[str, ...]:
    """What a reader of the table must know: the interval, the base, the answers missing."""
    note, found = estimates.note, []
    percent = numbers.percent(estimates.level, lang, 0)
    found.append(f"فترة الثقة {percent}" if lang == "ar" else f"{percent} confidence interval")
    if note.get("base"):
        found.append(f"الأساس: {note['base']}" if lang == "ar" else f"Base: {note['base']}")
    if note.get("missing"):
        count = numbers.number(note["missing"], lang)
        found.append(f"دون إجابة: {count}" if lang == "ar" else f"No answer or not asked: {count}")
    if note.get("outside"):
        count = numbers.number(note["outside"], lang)
        found.append(f"خارج الفئات المعروضة: {count}" if lang == "ar" else f"In none of the groups: {count}")
    if isinstance(note.get("warning"), Mapping):
        found.append(note["warning"][lang])
    if unit_of(estimates) == "points":
        found.append("بالنقاط المئوية" if lang == "ar" else "In percentage points")
    found += note.get("reading", {}).get(lang, ())
    return (" · ".join(found),)


def _p(value: float) -> str:
    if not np.isfinite(value):
        return "–"
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def plot(estimates: Estimates, lang: str, profile: str) -> Art:
    """Dots with whiskers; the last domain column of two or three codes sets the colour."""
    check_language(lang)
    from masar_research.present import charts
    from masar_research.present.charts import Mark, Panel, Row

    frame = estimates.frame
    if frame.empty:
        raise EstimationError("There are no rows to draw.", remedy="Estimate something first.")
    judged = gating.decisions(estimates, profile)
    named = keys(estimates)
    series = next(
        (c for c in reversed(named) if len(named) > 1 and 2 <= frame[c].nunique() <= 3), None
    )
    rest = [c for c in named if c != series]
    rows: dict[str, list[charts.Mark]] = {}
    for (_, row), (_, decision) in zip(frame.iterrows(), judged.iterrows(), strict=True):
        status, modelled = release.drawn(decision["status"], decision["note_code"])
        colour = GROUPS.get((series, row[series]), "plain") if series else "plain"
        named_row = row_label(estimates, row, rest, lang)
        if series and colour == "plain":
            named_row = row_label(estimates, row, [*rest, series], lang)
        hidden = status == "suppress"
        low, high = _ends(row)
        mark = Mark(
            None if hidden else float(row["estimate"]), None if hidden else low,
            None if hidden else high, status, colour, modelled,
        )  # fmt: skip
        rows.setdefault(named_row, []).append(mark)
    panel = Panel("", tuple(Row(name, tuple(marks)) for name, marks in rows.items()))
    signed = unit_of(estimates) == "points"
    return charts.dots(
        [panel], lang, unit=unit_of(estimates), digits=1 if unit_of(estimates) != "number" else 2,
        from_zero=not signed and bool((frame["estimate"] >= 0).all()),
    )  # fmt: skip


def _ends(row: Any) -> tuple[float | None, float | None]:
    low, high = float(row["conf_low"]), float(row["conf_high"])
    if not (np.isfinite(low) and np.isfinite(high)):
        return None, None
    return min(low, float(row["estimate"])), max(high, float(row["estimate"]))


def both(estimates: Estimates) -> str:
    """English and Arabic tables one above the other."""
    return "".join(table(estimates, lang, "nchs")._repr_html_() for lang in ("en", "ar"))
