"""Differential item functioning for reading: table, curves, and what it does to comparisons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from masar_research import gating
from masar_research.errors import EstimationError, ReleaseError
from masar_research.measurement.wealth_showing import code_label
from masar_research.present import fmt, numbers
from masar_research.showing import Shown, check_language

if TYPE_CHECKING:
    from masar_research.measurement.dif import DIF
    from masar_research.present import Art

SCORES = {
    "dif_score_all": {"en": "Score of all items (0–100)", "ar": "درجة جميع البنود (\u20660–100\u2069)"},
    "dif_score_kept": {"en": "Score without the flagged items (0–100)", "ar": "الدرجة من دون البنود المؤشَّر عليها (\u20660–100\u2069)"},
}
_FORMS = {
    "none": ("none detected", "لا يُرصد"), "uniform": ("alike at every score", "متماثل عند كل الدرجات"),
    "nonuniform": ("changes with the score", "يتغيّر مع الدرجة"),
}  # fmt: skip
_HEADS = {
    "en": ("Item", "Group", "Effect, points", "Interval", "Difference", "Adjusted p", "R² change", "R² class", "ETS class", "Flag"),
    "ar": ("البند", "المجموعة", "الأثر بالنقاط", "فترة الثقة", "الفرق", "القيمة الاحتمالية المعدَّلة", "تغيّر R²", "فئة R²",
           "فئة ETS", "مؤشَّر"),
}  # fmt: skip


def hidden(found: DIF) -> bool:
    """Whether the gate withholds the score of a group, and with it everything made of it."""
    return bool((gating.decisions(found.levels)["status"] == "suppress").any())


def _reference(found: DIF, lang: str) -> str:
    return code_label(found.survey, found.group, found.note["reference"])[lang]


def reading(found: DIF, lang: str) -> tuple[str, ...]:
    """Each flagged item, for whom and by how much; what becomes of comparisons."""
    check_language(lang)
    ar = lang == "ar"
    if hidden(found):
        return ("رقم إحدى المجموعات غير معروض، ولذلك لا تُعرض بنودها." if ar
                else "A group's figure is not shown, so its items are not either.",)  # fmt: skip
    if found.flagged and _one_way(found):
        count = fmt.num(len(found.flagged), lang)
        return (f"تميل البنود كلها تقريباً إلى الجهة نفسها ({count} منها مؤشَّر عليه)، كما يحدث حين تختلف قدرة المجموعات وتكون درجة "
                "المطابقة قصيرة أو ضعيفة الثبات. فلا يُستنتج شيء عن بنود بعينها قبل توفر بنود أكثر أو مقياس آخر للمطابقة." if ar else
                f"Nearly all items point the same way ({count} flagged), as happens when the groups differ in ability and the score "
                "that matches them is short or unreliable. Conclude nothing about single items before there are more items, "
                "or another score to match on.",)  # fmt: skip
    out = [_sentence(found, item, lang) for item in found.frame[found.frame["flagged"]].to_dict("records")]
    if not out:
        out.append("لم يظهر بند يعمل على نحو مختلف بقدر يُعتد به، فيمكن أن تقوم المقارنة بين المجموعات على هذه البنود." if ar else
                   "No item was found to work differently to a degree that matters: comparisons between the groups can "
                   "rest on these items.")  # fmt: skip
        seen = found.frame.loc[found.frame["p_adjusted"] < 1 - found.note["level"], "item"]
        if len(seen):
            most = fmt.num(100 * found.effects.loc[found.effects["item"].isin(seen), "effect"].abs().max(), lang, 1)
            out.append(f"بنود يُرصد فيها فرق صغير بحسب التصنيف المعتاد: {fmt.num(len(seen), lang)}، وأكبره {most} نقطة مئوية." if ar
                       else f"Items with a detectable difference that the usual classes call negligible: {len(seen)}; the "
                       f"largest is {most} points.")  # fmt: skip
    else:
        out.append(_consequence(found, lang))
    return tuple(out)


def _sentence(found: DIF, item: Mapping[str, Any], lang: str) -> str:
    """One flagged item, for the focal group that differs most."""
    ar, name, first = lang == "ar", item[f"label_{lang}"], _reference(found, lang)
    rows = found.effects[found.effects["item"] == item["item"]]
    row = rows.loc[rows["effect"].abs().idxmax()]
    who = row[f"group_{lang}"]
    value, low, high = (fmt.num(100 * row[c], lang, 1) for c in ("effect", "conf_low", "conf_high"))
    if item["form"] == "nonuniform":
        return (f"«{name}»: يتغيّر الفرق بين «{who}» و«{first}» مع الدرجة؛ ومتوسطه {value} نقطة مئوية (من {low} إلى {high})." if ar else
                f"“{name}”: the difference between {who} and {first} changes with the score; on average it is {value} points "
                f"({low} to {high}).")  # fmt: skip
    size, easier = fmt.num(100 * abs(row["effect"]), lang, 1), row["effect"] > 0
    told = (f"«{name}»: عند تساوي الدرجات تكون إجابات «{who}» {'أعلى' if easier else 'أدنى'} من «{first}» بمقدار {size} نقطة مئوية "
            f"(الفرق من {low} إلى {high})." if ar else
            f"“{name}”: at equal scores, {who} answer {size} points {'higher' if easier else 'lower'} than {first} "
            f"(difference {low} to {high}).")  # fmt: skip
    if item["kind"] == "ordinal":
        told += (f" (الأعلى هو «{item['top_ar']}»)." if ar else f" (highest is “{item['top_en']}”).")
    elif row["conf_low"] > 0 or row["conf_high"] < 0:
        told += (f" البند {'أسهل' if easier else 'أصعب'} على «{who}»." if ar
                 else f" The item is {'easier' if easier else 'harder'} for {who}.")  # fmt: skip
    return told


def _one_way(found: DIF) -> bool:
    """Whether at least half of the items are detected and nine in ten of all effects have one sign."""
    detected = (found.frame["p_adjusted"] < 1 - found.note["level"]).mean()
    positive = (found.effects["effect"] > 0).mean()
    return bool(detected >= 0.5 and max(positive, 1 - positive) >= 0.9)


def _consequence(found: DIF, lang: str) -> str:
    ar, frame = lang == "ar", found.impact.frame
    parts = []
    for code in dict.fromkeys(frame["contrast"]):
        rows = frame[frame["contrast"] == code].set_index("variable")
        if "dif_score_kept" not in rows.index:
            continue
        who = code_label(found.survey, found.group, _code(found, code))[lang]
        told = [fmt.num(rows.loc[name, "estimate"], lang, 1) for name in ("dif_score_all", "dif_score_kept")]
        parts.append(f"«{who}»: {told[0]} بجميع البنود و{told[1]} من دونها" if ar
                     else f"{who}: {told[0]} with all items, {told[1]} without them")  # fmt: skip
    joined = ("؛ " if ar else "; ").join(parts)
    first = _reference(found, lang)
    if ar:
        return (f"المقارنة بين المجموعات بالدرجة الكلية تتأثر بهذه البنود، فاعرضوها من دونها أو راجعوا صياغتها. "
                f"الفرق عن «{first}» على مقياس من \u20660\u2069 إلى \u2066100\u2069: {joined}.")
    return ("Comparisons of the total score between the groups rest partly on these items: show them without, or reword "
            f"the items. Difference from {first} on a scale from 0 to 100: {joined}.")


def _code(found: DIF, contrast: str) -> Any:
    return next(code for code in dict.fromkeys(found.effects["group"]) if contrast.startswith(f"{code} - "))


def table(found: DIF, lang: str) -> Shown:
    """A row per item and focal group."""
    check_language(lang)
    heads, ar, closed, rows = _HEADS[lang], int(lang == "ar"), hidden(found), []
    for item in found.frame.to_dict("records"):
        for row in found.effects[found.effects["item"] == item["item"]].to_dict("records"):
            low, high = (numbers.number(100 * row[end], lang, 1) for end in ("conf_low", "conf_high"))
            p = item["p_adjusted"]
            cells = (
                numbers.number(100 * row["effect"], lang, 1), f"{low} – {high}", _FORMS[item["form"]][ar],
                "< 0.001" if p < 0.001 else f"{p:.3f}", numbers.number(item["r2_change"], lang, 3),
                item["class_jodoin_gierl"], row["ets"], ("yes", "نعم")[ar] if item["flagged"] else "",
            )  # fmt: skip
            rows.append((item[f"label_{lang}"], row[f"group_{lang}"], *(("*",) * 8 if closed else cells)))
    base = numbers.number(found.note["rows"], lang)
    lost = numbers.number(found.note["rows_without_all_answers"], lang)
    told = [*reading(found, lang),
            (f"بالمقارنة مع: {_reference(found, lang)} · من أجابوا عن كل البنود: {base}، ومن لم يجيبوا عن كلها: {lost}" if ar else
             f"Compared with: {_reference(found, lang)} · Answered every item: {base}, not every item: {lost}")]  # fmt: skip
    return Shown(pd.DataFrame(rows, columns=list(heads)), lang, frozenset({heads[2], heads[3], heads[5], heads[6]}),
                 (" ".join(told),))  # fmt: skip


def plot(found: DIF, lang: str, items: Sequence[str] | None) -> Art:
    """Curves of up to six items."""
    check_language(lang)
    from masar_research.present.charts.curves import Curve, CurvePanel, curves

    if hidden(found):
        raise ReleaseError("A group's figure may not be shown, so its curves may not be drawn.",
                           remedy="Use larger groups, or .curves in the office.",
                           ar="رقم إحدى المجموعات غير معروض، فلا تُرسم منحنياتها.")  # fmt: skip
    wanted = list(items) if items is not None else list(found.flagged)[:6]
    if not wanted:
        wanted = found.frame.sort_values("r2_change", ascending=False)["item"].tolist()[:2]
    unknown = [name for name in wanted if name not in set(found.frame["item"])]
    if unknown:
        raise EstimationError(f"{unknown[0]!r} is no item of this battery.", remedy="Name items of .frame.",
                              ar=f"«{unknown[0]}» ليس من بنود هذه المجموعة.")  # fmt: skip
    labels = found.frame.set_index("item")[f"label_{lang}"]
    panels = []
    for name in wanted:
        part = found.curves[found.curves["item"] == name]
        lines = []
        for code in dict.fromkeys(part["group"]):
            own = part[part["group"] == code]
            lines.append(Curve(code_label(found.survey, found.group, code)[lang],
                               tuple(own["score"]), tuple(np.clip(own["expected"], 0, 1))))  # fmt: skip
        panels.append(CurvePanel(labels[name], tuple(lines)))
    across = {"en": "Score on the other items", "ar": "الدرجة على البنود الأخرى"}
    if found.note["match"] == "total":
        across = {"en": "Score on all items", "ar": "الدرجة على جميع البنود"}
    up = {"en": "Expected answer, share of the range", "ar": "الإجابة المتوقعة، نسبة من المدى"}
    return curves(panels, lang, across=across[lang], up=up[lang])
