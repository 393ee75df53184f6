"""Agreement of coders for reading: tables, chart and sentences in both languages."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from masar_research.estimates import Estimates
from masar_research.present import fmt, numbers
from masar_research.showing import Shown, check_language

if TYPE_CHECKING:
    from masar_research.measurement.agreement import Agreement
    from masar_research.present import Art

ALL = ("All coders: Krippendorff's alpha", "جميع المرمّزين: ألفا كريبندورف")
WITHOUT = ("Without coder {}", "من دون المرمّز {}")
PERCENT = ("Share of pairs coded alike", "نسبة الأزواج المتطابقة الترميز")
FLEISS = ("Fleiss' kappa", "كابا فلايس")
_SCALES = {
    "nominal": ("codes without order", "رموز بلا ترتيب"), "ordinal": ("codes in order", "رموز مرتّبة"),
    "interval": ("numbers, by their distance", "أعداد بحسب المسافة بينها"),
    "ratio": ("numbers, by their ratio", "أعداد بحسب النسبة بينها"),
}  # fmt: skip
_VERDICTS = {
    "reliable": (
        "Agreement meets the customary standard (0.800): the codings can be relied upon.",
        "يبلغ الاتفاق المعيار المعتاد (\u20660.800\u2069)، فيمكن الاعتماد على الترميز.",
    ),
    "tentative": (
        "Agreement lies between 0.667 and 0.800: tentative conclusions only, and said to be so.",
        "يقع الاتفاق بين \u20660.667\u2069 و\u20660.800\u2069، فلا تُبنى عليه إلا استنتاجات أولية يُصرَّح بأنها كذلك.",
    ),
    "unreliable": (
        "Agreement is below 0.667: nothing should be concluded from these codings. Clarify the instructions, train "
        "the coders and code again.",
        "الاتفاق دون \u20660.667\u2069، فلا ينبغي استنتاج شيء من هذا الترميز. وضّحوا التعليمات ودرّبوا المرمّزين ثم "
        "أعيدوا الترميز.",
    ),
    "undefined": (
        "All codings are the same, so agreement beyond chance cannot be judged.",
        "جميع الرموز متماثلة، فلا يمكن الحكم على الاتفاق بما يتجاوز الصدفة.",
    ),
}
_LOW = (
    "The lower end of the interval ({}) lies under 0.667: more units coded twice would be needed to be sure.",
    "لكن الحد الأدنى للفترة ({}) دون \u20660.667\u2069، فيلزم ترميز وحدات أكثر مرتين للتأكد.",
)
_WEAK = ("Least agreement on: {}.", "أقل اتفاق على: {}.")
_HEADS = {
    "en": ("Agreement", "Estimate", "Interval", "Units", "Codings"),
    "ar": ("الاتفاق", "التقدير", "فترة الثقة", "الوحدات", "الترميزات"),
}
_PAIR_HEADS = {
    "en": ("Coders", "Units", "Coded alike", "Cohen's kappa", "Alpha"),
    "ar": ("المرمّزان", "الوحدات", "متطابق", "كابا كوهين", "ألفا"),
}


def reading(found: Agreement, lang: str) -> tuple[str, ...]:
    """Alpha with its interval, the verdict, the interval's lower end, the weakest category."""
    check_language(lang)
    side = int(lang == "ar")
    first = found.frame.iloc[0]
    out = []
    if np.isfinite(first["estimate"]):
        en = f"alpha = {_figure(first['estimate'], lang)}"
        ar = f"ألفا = {_figure(first['estimate'], lang)}"
        if np.isfinite(first["conf_low"]):
            low, high = (_figure(first[end], lang) for end in ("conf_low", "conf_high"))
            en += f" (interval {low} to {high})"
            ar += f" (فترة الثقة من {low} إلى {high})"
        units, coders = fmt.num(first["units"], lang), fmt.num(len(found.note["coders"]), lang)
        out.append((
            f"{en}, {_SCALES[found.scale][0]}; units coded by two or more: {units}; coders: {coders}.",
            f"{ar}، {_SCALES[found.scale][1]}؛ الوحدات المرمّزة من اثنين فأكثر: {units}؛ عدد المرمّزين: {coders}.",
        )[side])  # fmt: skip
    out.append(_VERDICTS[found.verdict][side])
    if found.verdict in ("reliable", "tentative") and first["conf_low"] < 0.667:
        out.append(_LOW[side].format(_figure(first["conf_low"], lang)))
    parts = found.frame[found.frame["part"] == "category"]
    if len(parts) > 2 and parts["estimate"].notna().any():
        weakest = parts.loc[parts["estimate"].idxmin()]
        if weakest["estimate"] < 0.8:
            out.append(_WEAK[side].format(f"«{weakest[f'label_{lang}']}» ({_figure(weakest['estimate'], lang)})"))
    return tuple(out)


def _figure(value: float, lang: str) -> str:
    return fmt.num(value, lang, 3) if np.isfinite(value) else "–"


def _plain(value: float, lang: str) -> str:
    return numbers.number(value, lang, 3) if np.isfinite(value) else "–"


def table(found: Agreement, lang: str) -> Shown:
    """One row per line of the frame."""
    check_language(lang)
    heads, rows = _HEADS[lang], []
    for row in found.frame.to_dict("records"):
        figure = _plain(row["estimate"], lang)
        if row["part"] == "percent":
            figure = numbers.percent(row["estimate"], lang)
        span = f"{_plain(row['conf_low'], lang)} – {_plain(row['conf_high'], lang)}"
        rows.append((row[f"label_{lang}"], figure, span if np.isfinite(row["conf_low"]) else "–",
                     numbers.number(row["units"], lang), numbers.number(row["codings"], lang)))  # fmt: skip
    told = (" ".join(reading(found, lang)),)
    return Shown(pd.DataFrame(rows, columns=list(heads)), lang, frozenset(heads[1:]), told)


def pair_table(found: Agreement, lang: str) -> Shown:
    """Coder by coder: units, share alike, Cohen's kappa, alpha."""
    check_language(lang)
    heads = _PAIR_HEADS[lang]
    rows = [
        (f"{row['first']} · {row['second']}", numbers.number(row["n"], lang), numbers.percent(row["same"], lang),
         _plain(row["kappa"], lang), _plain(row["alpha"], lang))
        for row in found.pairs.to_dict("records")
    ]  # fmt: skip
    return Shown(pd.DataFrame(rows, columns=list(heads)), lang, frozenset(heads[1:]))


def plot(found: Agreement, lang: str) -> Art:
    """Dots with intervals; the dashed line is the customary standard."""
    check_language(lang)
    from masar_research.present import charts

    rows = []
    for row in found.frame[found.frame["part"].isin(["alpha", "category"])].to_dict("records"):
        value, low, high = row["estimate"], row["conf_low"], row["conf_high"]
        if not np.isfinite(value):
            continue
        known = np.isfinite(low)
        mark = charts.Mark(value, min(low, value) if known else None, max(high, value) if known else None)
        rows.append(charts.Row(row[f"label_{lang}"], (mark,)))
    words = {"en": "customary standard", "ar": "المعيار المعتاد"}[lang]
    return charts.dots([charts.Panel("", tuple(rows))], lang, unit="number", digits=3,
                       reference=charts.Reference(0.8, words), from_zero=False)  # fmt: skip


def with_reading(found: Estimates) -> Estimates:
    """Design-based alphas with the verdict of the whole, or of the weakest group, in the note."""
    from masar_research.measurement.agreement import verdict

    estimate = found.frame["estimate"].to_numpy(float)
    known = estimate[np.isfinite(estimate)]
    which = verdict(float(known.min()) if known.size else np.nan)
    lead = {"en": "Of the group with least agreement: ", "ar": "في الفئة الأقل اتفاقاً: "}
    several = len(estimate) > 1
    words = {
        lang: ((lead[lang] if several else "") + _VERDICTS[which][lang == "ar"],) for lang in ("en", "ar")
    }  # fmt: skip
    return replace(found, note={**found.note, "reading": words})
