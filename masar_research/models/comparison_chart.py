"""The chart of a table of models: estimates and intervals side by side."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from masar_research.errors import ModelError
from masar_research.models import comparison_words as words
from masar_research.models.comparison_parts import CONSTANT, THRESHOLD, Entry
from masar_research.present.art import Art
from masar_research.present.charts.coefficients import CoefficientPanel, CoefficientRow, coefficients
from masar_research.present.charts.rows import Effect
from masar_research.present.direction import Lang

if TYPE_CHECKING:
    from masar_research.models.comparison import ModelTable

_NAMED = 12


def plot(table: ModelTable, lang: Lang) -> Art:
    """Draw a table of models; the constant and thresholds are left out.

    Parameters
    ----------
    table : ModelTable
    lang : {"ar", "en"}
        Arabic is mirrored.

    Returns
    -------
    Art
        With an alternative text that names the estimates.

    Raises
    ------
    ModelError
        Columns on different scales, which no axis fits; nothing but a constant.
    """
    scales = {column.scale for column in table.columns}
    if len(scales) > 1:
        told = ", ".join(words.SCALES[scale]["en"] for scale in sorted(scales))
        arabic = "، ".join(words.SCALES[scale]["ar"] for scale in sorted(scales))
        raise ModelError(
            f"The columns are on different scales ({told}); one axis would mislead.",
            remedy='Compare models of one kind, or ask for effects="ame".',
            ar=f"الأعمدة على مقاييس مختلفة ({arabic}) فلا يجمعها محور واحد؛ قارن نماذج من نوع واحد.",
        )
    scale = scales.pop()
    panels: list[CoefficientPanel] = []
    rows: list[CoefficientRow] = []
    heading = ""
    for line in table.lines:
        if not line.inside:
            _close(panels, heading, rows)
            heading, rows = "", []
        if line.key is None:
            heading = line.label[lang]
        elif line.key != CONSTANT and line.key[0][0] != THRESHOLD:
            rows.append(CoefficientRow(line.label[lang], tuple(
                _effect(line.label[lang], column.entries.get(line.key)) for column in table.columns)))
    _close(panels, heading, rows)
    if not panels:
        raise ModelError("The models hold a constant only: there is nothing to draw.",
                         remedy="Draw models with predictors.",
                         ar="ليس في النماذج إلا الثابت، فلا شيء يُرسم.")
    unit = "points" if scale == "points" else "ratio" if scale in words.RATIOS else "number"
    series = [table.head(column, lang) for column in table.columns]
    return coefficients(panels, series, lang, unit=unit, measured=words.SCALES[scale][lang],
                        alt=_alt(table, scale, lang))


def _close(panels: list[CoefficientPanel], heading: str, rows: list[CoefficientRow]) -> None:
    if rows:
        panels.append(CoefficientPanel(heading, tuple(rows)))


def _effect(label: str, entry: Entry | None) -> Effect | None:
    if entry is None or not (entry.reference or math.isfinite(entry.estimate)):
        return None
    if entry.reference:
        return Effect(label, None)
    known = math.isfinite(entry.low) and math.isfinite(entry.high)
    return Effect(label, entry.estimate, entry.low if known else None, entry.high if known else None)


def _alt(table: ModelTable, scale: str, lang: Lang) -> str:
    """Every estimate with its interval, the first dozen rows in full."""
    said, heading, more = [], "", 0
    for line in table.lines:
        if line.key is None:
            heading = line.label[lang]
            continue
        if line.key == CONSTANT or line.key[0][0] == THRESHOLD:
            continue
        name = f"{heading}: {line.label[lang]}" if line.inside else line.label[lang]
        found = [(column, column.entries.get(line.key)) for column in table.columns]
        shown = [(column, *table.cell(line, column, lang)) for column, entry in found
                 if entry is not None and not entry.reference]
        if not shown:
            continue
        if len(said) == _NAMED:
            more += 1
            continue
        several = len(table.columns) > 1
        said.append(f"{name}: " + ("، " if lang == "ar" else ", ").join(
            f"{table.head(column, lang) + ' ' if several else ''}{one} {two}" for column, one, two in shown))
    head = ("رسم معاملات: " if lang == "ar" else "Coefficient plot: ") + words.SCALES[scale][lang]
    rest = [] if not more else [f"و{more} غيرها" if lang == "ar" else f"and {more} more"]
    return f"{head}. " + ("؛ " if lang == "ar" else "; ").join([*said, *rest]) + "."
