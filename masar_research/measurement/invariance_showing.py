"""Measurement invariance for reading: what holds, and what may be compared."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from masar_research.measurement.factor_showing import between, p_text
from masar_research.measurement.wealth_showing import code_label, variable_label
from masar_research.present import fmt, numbers
from masar_research.showing import Shown, check_language

if TYPE_CHECKING:
    from masar_research.measurement.invariance import Invariance
    from masar_research.present import Art

NAMES = {
    "configural": {"en": "Same items in the same factors (configural)", "ar": "البنود نفسها في العوامل نفسها (تكافؤ شكلي)"},
    "metric": {"en": "and equal loadings (metric)", "ar": "مع تساوي التشبّعات (تكافؤ متري)"},
    "scalar": {"en": "and equal intercepts (scalar)", "ar": "مع تساوي الثوابت (تكافؤ قياسي)"},
    "strict": {"en": "and equal error variances (strict)", "ar": "مع تساوي تباينات الخطأ (تكافؤ تام)"},
}
_CONSEQUENCES = {
    "none": {
        "en": "The items do not form the same factors in every group: compare neither means nor relations with other "
        "variables on this scale.",
        "ar": "لا تجتمع البنود في العوامل نفسها لدى كل المجموعات، فلا تُقارَن على هذا المقياس المتوسطات ولا العلاقات بمتغيّرات أخرى.",
    },
    "configural": {
        "en": "The same items belong together in every group, but not with the same strength: compare neither means nor "
        "relations with other variables between the groups.",
        "ar": "تجتمع البنود نفسها لدى كل المجموعات، لكن بقوة متفاوتة، فلا تُقارَن بينها المتوسطات ولا العلاقات بمتغيّرات أخرى.",
    },
    "metric": {
        "en": "Relations of the scale with other variables may be compared between the groups; its means may not: at the "
        "same level of what is measured, some items are answered differently.",
        "ar": "يجوز أن تُقارَن بين المجموعات علاقات المقياس بمتغيّرات أخرى، ولا يجوز أن تُقارَن متوسطاته، لأن بعض البنود تختلف إجاباتها "
        "عند المستوى نفسه مما يُقاس.",
    },
    "scalar": {
        "en": "Means of the factor may be compared between the groups, as may its relations. Spreads and correlations of the "
        "plain score may differ because its error does.",
        "ar": "يجوز أن تُقارَن بين المجموعات متوسطات العامل وعلاقاته. أما تشتت الدرجة المحسوبة وارتباطاتها فقد تختلف لاختلاف خطأ القياس.",
    },
    "strict": {
        "en": "Means and relations may be compared between the groups, of the factor and of the plain score alike.",
        "ar": "يجوز أن تُقارَن بين المجموعات المتوسطات والعلاقات، للعامل وللدرجة المحسوبة على السواء.",
    },
}
_HEADS = {
    "en": ("Equal between groups", "χ², scaled", "df", "CFI", "RMSEA", "SRMR", "Change in CFI", "Change in RMSEA",
           "p of the step", "Holds"),
    "ar": ("المتساوي بين المجموعات", "χ² المعدَّل", "درجات الحرية", "CFI", "RMSEA", "SRMR", "التغيّر في CFI", "التغيّر في RMSEA",
           "احتمال الخطوة", "متحقق"),
}  # fmt: skip


def reading(found: Invariance, lang: str) -> tuple[str, ...]:
    """What holds and its consequence, items in the way, differences of means."""
    check_language(lang)
    ar, holds = lang == "ar", found.holds
    out = [_CONSEQUENCES[holds][lang]]
    if found.note["free"]:
        named = _joined([found.labels[n][lang] for n in found.note["free"]], lang)
        out.append(f"التكافؤ جزئي: لم يُفرض التساوي على {named}، فلا تُقارَن درجة تضمها." if ar
                   else f"The invariance is partial: {named} was left free, so no plain score that holds it is compared.")  # fmt: skip
    if len(found.items):
        best = found.items.iloc[0]
        name, gain = found.labels[best["item"]][lang], fmt.num(best["gain"], lang, 3)
        out.append(f"أكثر البنود اختلافاً بين المجموعات: «{name}» (يرتفع CFI بمقدار {gain} إذا تُرك حراً)؛ راجعوا صياغته أو استعملوا "
                   "\u2066free=\u2069." if ar else
                   f"The item that differs most between the groups: “{name}” (CFI rises by {gain} with it left free); look at its "
                   "wording, or use free=.")  # fmt: skip
    first = code_label(found.survey, found.group, found.levels[0])[lang]
    for row in found.means.to_dict("records"):
        who, factor = code_label(found.survey, found.group, row["group"])[lang], found.labels[row["factor"]][lang]
        size, ends = fmt.num(abs(row["estimate"]), lang, 2), between(row["conf_low"], row["conf_high"], lang)
        more, seen = row["estimate"] > 0, row["conf_low"] > 0 or row["conf_high"] < 0
        if not seen:
            out.append(f"«{factor}»: لا يظهر فرق يُعتد به بين «{who}» و«{first}» (الفرق {ends} بالانحراف المعياري)." if ar
                       else f"{factor}: no clear difference between {who} and {first} ({ends} standard deviations).")  # fmt: skip
            continue
        out.append(f"«{factor}»: المتوسط لدى «{who}» {'أعلى' if more else 'أدنى'} منه لدى «{first}» بمقدار {size} انحراف معياري "
                   f"(الفرق {ends})." if ar else
                   f"{factor}: the mean of {who} is {size} standard deviations {'above' if more else 'below'} that of {first} "
                   f"({ends}).")  # fmt: skip
    return tuple(out)


def _joined(names: list[str], lang: str) -> str:
    return "، ".join(f"«{n}»" for n in names) if lang == "ar" else ", ".join(f"“{n}”" for n in names)


def table(found: Invariance, lang: str) -> Shown:
    """A row per level."""
    check_language(lang)
    heads, rows = _HEADS[lang], []

    def plain(value: float, digits: int = 3) -> str:
        return numbers.number(value, lang, digits) if np.isfinite(value) else "–"

    for row in found.frame.to_dict("records"):
        rows.append((
            NAMES[row["level"]][lang], plain(row["chi2_scaled"], 1), str(row["df"]), plain(row["cfi"]), plain(row["rmsea"]),
            plain(row["srmr"]), plain(row["step_cfi"]), plain(row["step_rmsea"]), p_text(row["step_p"], lang),
            {"en": ("no", "yes"), "ar": ("لا", "نعم")}[lang][row["holds"]],
        ))  # fmt: skip
    across = variable_label(found.survey, found.group)[lang]
    counts = [f"{code_label(found.survey, found.group, c)[lang]} {numbers.number(n, lang)}"
              for c, n in zip(found.levels, found.note["rows_by_group"], strict=True)]  # fmt: skip
    told = [*reading(found, lang),
            f"المجموعات: {across} ({'، '.join(counts)}). القاعدة: \u2066CFI ≥ 0.90\u2069 و\u2066RMSEA ≤ 0.08\u2069، ولكل خطوة "
            "نقصان في CFI لا يزيد على \u20660.010\u2069 وزيادة في RMSEA لا تتجاوز \u20660.015\u2069." if lang == "ar" else
            f"Groups: {across} ({', '.join(counts)}). Rule: CFI ≥ 0.90 and RMSEA ≤ 0.08; each step costs no more than 0.010 "
            "of CFI and 0.015 of RMSEA."]  # fmt: skip
    return Shown(pd.DataFrame(rows, columns=list(heads)), lang, frozenset(heads[1:-1]), (" ".join(told),))


def plot(found: Invariance, lang: str) -> Art:
    """Standardised loadings of up to six groups, item by item."""
    check_language(lang)
    from masar_research.present.charts.coefficients import LOOKS, CoefficientPanel, CoefficientRow, coefficients
    from masar_research.present.charts.rows import Effect

    groups, panels = found.levels[: len(LOOKS)], []
    names = [code_label(found.survey, found.group, code)[lang] for code in groups]
    for factor in dict.fromkeys(found.loadings["factor"]):
        part, rows = found.loadings[found.loadings["factor"] == factor], []
        for item in dict.fromkeys(part["item"]):
            own = part[part["item"] == item].set_index("group")
            marks = tuple(Effect(name, *own.loc[code, ["estimate", "conf_low", "conf_high"]].astype(float))
                          for code, name in zip(groups, names, strict=True))  # fmt: skip
            rows.append(CoefficientRow(found.labels[item][lang], marks))
        panels.append(CoefficientPanel(found.labels[factor][lang], tuple(rows)))
    measured = {"en": "Standardised loading", "ar": "التشبّع المعياري"}[lang]
    return coefficients(panels, names, lang, unit="number", measured=measured, digits=2)
