"""A confirmatory factor model for reading: sentences, table, chart."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from masar_research.present import fmt, numbers
from masar_research.showing import Shown, check_language

if TYPE_CHECKING:
    from masar_research.engine.factor_fit import Fit
    from masar_research.measurement.confirmatory import Confirmatory
    from masar_research.present import Art

#: Standardised loadings below this say little of the factor.
WEAK = 0.4
_HEADS = {
    "en": ("Factor", "Item", "Loading", "Interval", "Explained"),
    "ar": ("العامل", "البند", "التشبّع", "فترة الثقة", "المفسَّر"),
}


def p_text(p: float, lang: str) -> str:
    """A p-value, isolated in Arabic."""
    if not np.isfinite(p):
        return "–"
    text = "< 0.001" if p < 0.001 else f"{p:.3f}"
    return f"\u2066{text}\u2069" if lang == "ar" else text


def interval(low: float, high: float, lang: str) -> str:
    """An interval of two plain numbers, the lower first in both directions."""
    if not (np.isfinite(low) and np.isfinite(high)):
        return "–"
    text = f"{numbers.number(low, lang, 2)}\u00a0–\u00a0{numbers.number(high, lang, 2)}"
    return f"\u2066{text}\u2069" if lang == "ar" else text


def between(low: float, high: float, lang: str) -> str:
    """An interval in words."""
    if not (np.isfinite(low) and np.isfinite(high)):
        return "–"
    first, last = (fmt.num(end, lang, 2) for end in (low, high))
    return f"من {first} إلى {last}" if lang == "ar" else f"{first} to {last}"


def fit_line(fit: Fit, lang: str) -> str:
    """χ², CFI, RMSEA and SRMR in a line."""
    if not fit.df:
        return ("عدد المعالم مساوٍ لعدد العزوم، فلا يُختبر النموذج." if lang == "ar"
                else "As many parameters as moments: the fit cannot be tested.")  # fmt: skip
    parts = [f"χ² = {fit.chi2_scaled:.1f}", f"df = {fit.df}", f"p {'< 0.001' if fit.p < 0.001 else f'= {fit.p:.3f}'}",
             f"CFI = {fit.cfi:.3f}", f"TLI = {fit.tli:.3f}", f"RMSEA = {fit.rmsea:.3f}", f"SRMR = {fit.srmr:.3f}"]  # fmt: skip
    line = ", ".join(parts)
    return f"\u2066{line}\u2069" if lang == "ar" else line


def reading(found: Confirmatory, lang: str) -> tuple[str, ...]:
    """Fit, improper and weak items, reliability."""
    check_language(lang)
    ar, fit = lang == "ar", found.fit
    out = []
    if fit.df:
        good, poor = fit.cfi >= 0.95 and fit.rmsea <= 0.06, fit.cfi < 0.90 or fit.rmsea > 0.08
        verdict = (("لا يطابق النموذج إجابات الناس مطابقة كافية، فلا يُبنى عليه مقياس قبل مراجعته.",
                    "يطابق النموذج إجابات الناس مطابقة مقبولة.", "يطابق النموذج إجابات الناس مطابقة جيدة.") if ar else
                   ("The model does not fit the answers well enough: build no scale on it before it is revised.",
                    "The model fits the answers acceptably.", "The model fits the answers well."))  # fmt: skip
        out.append(verdict[0 if poor else 2 if good else 1])
    out.append(fit_line(fit, lang))
    if found.note["improper"]:
        named = _joined([found.labels[name][lang] for name in found.note["improper"]], lang)
        out.append(f"تباين الخطأ سالب في: {named}؛ فالنموذج غير ملائم لهذه البنود." if ar
                   else f"Negative error variance: {named}; the model is improper for it.")  # fmt: skip
    loadings = found.frame[found.frame["kind"] == "loading"]
    weak = loadings.loc[loadings["standardised"] < WEAK, "item"]
    if len(weak):
        named = _joined([found.labels[name][lang] for name in weak], lang)
        below = fmt.num(WEAK, lang, 1)
        out.append(f"بنود ضعيفة الصلة بعاملها (تشبّعها دون {below}): {named}." if ar
                   else f"Weakly related to their factor (loading below {below}): {named}.")  # fmt: skip
    for row in found.frame[found.frame["kind"] == "omega"].to_dict("records"):
        name, value = found.labels[row["factor"]][lang], fmt.num(row["estimate"], lang, 2)
        ends = between(row["conf_low"], row["conf_high"], lang)
        out.append(f"ثبات «{name}» (أوميغا): {value}، وفترة الثقة {ends}." if ar
                   else f"Reliability of {name} (omega): {value} ({ends}).")  # fmt: skip
    for row in found.frame[found.frame["kind"] == "factor_correlation"].to_dict("records"):
        first, second = (found.labels[row[key]][lang] for key in ("factor", "other"))
        value, ends = fmt.num(row["estimate"], lang, 2), between(row["conf_low"], row["conf_high"], lang)
        out.append(f"الارتباط بين «{first}» و«{second}»: {value}، وفترة الثقة {ends}." if ar
                   else f"Correlation of {first} and {second}: {value} ({ends}).")  # fmt: skip
    return tuple(out)


def _joined(names: list[str], lang: str) -> str:
    return "، ".join(f"«{name}»" for name in names) if lang == "ar" else ", ".join(f"“{name}”" for name in names)


def _ends(row: dict[str, float], level: float) -> tuple[float, float]:
    """Interval of a standardised figure."""
    from scipy import stats

    wide = stats.t.ppf((1 + level) / 2, row["df"]) * row["standardised_se"] if row["df"] > 0 else np.nan
    return row["standardised"] - wide, row["standardised"] + wide


def table(found: Confirmatory, lang: str) -> Shown:
    """A row per item and factor, standardised."""
    check_language(lang)
    rows, last, heads = [], None, _HEADS[lang]
    for row in found.frame[found.frame["kind"] == "loading"].to_dict("records"):
        turned = {"en": " (turned around)", "ar": " (معكوس)"}[lang] if row["item"] in found.note["reversed"] else ""
        factor = found.labels[row["factor"]][lang] if row["factor"] != last else ""
        last = row["factor"]
        rows.append((factor, found.labels[row["item"]][lang] + turned, numbers.number(row["standardised"], lang, 2),
                     interval(*_ends(row, found.note["level"]), lang), numbers.percent(row["standardised"] ** 2, lang, 0)))  # fmt: skip
    base, lost = numbers.number(found.note["rows"], lang), numbers.number(found.note["rows_without_all_answers"], lang)
    told = [*reading(found, lang), f"من أجابوا عن كل البنود: {base}، ومن لم يجيبوا عن كلها: {lost}." if lang == "ar" else
            f"Answered every item: {base}; not every item: {lost}."]  # fmt: skip
    return Shown(pd.DataFrame(rows, columns=list(heads)), lang, frozenset(heads[2:]), (" ".join(told),))


def plot(found: Confirmatory, lang: str) -> Art:
    """Standardised loadings by factor."""
    check_language(lang)
    from masar_research.present.charts.coefficients import CoefficientPanel, CoefficientRow, coefficients
    from masar_research.present.charts.rows import Effect

    panels = []
    loadings = found.frame[found.frame["kind"] == "loading"]
    for factor in dict.fromkeys(loadings["factor"]):
        rows = []
        for row in loadings[loadings["factor"] == factor].to_dict("records"):
            label = found.labels[row["item"]][lang]
            rows.append(CoefficientRow(label, (Effect(label, row["standardised"], *_ends(row, found.note["level"])),)))
        panels.append(CoefficientPanel(found.labels[factor][lang], tuple(rows)))
    measured = {"en": "Standardised loading", "ar": "التشبّع المعياري"}[lang]
    return coefficients(panels, [measured], lang, unit="number", measured=measured, digits=2)
