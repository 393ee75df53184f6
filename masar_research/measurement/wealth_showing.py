"""A wealth index for reading: loadings and ownership by group, chart, sentences in both languages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from masar_research import gating, release
from masar_research.present import fmt, numbers
from masar_research.showing import Shown, check_language

if TYPE_CHECKING:
    from masar_research.measurement.wealth import WealthIndex
    from masar_research.present import Art
    from masar_research.survey import Survey

COMMON = {"en": "All households", "ar": "جميع الأسر"}
SCORE = {"en": "Wealth score: first principal component of the assets", "ar": "درجة الثروة: المكوّن الرئيسي الأول للممتلكات"}
GROUP = {"en": "Group of wealth", "ar": "فئة الثروة"}
_FIFTHS = (
    ("Poorest fifth", "الخُمس الأفقر"), ("Second fifth", "الخُمس الثاني"), ("Middle fifth", "الخُمس الأوسط"),
    ("Fourth fifth", "الخُمس الرابع"), ("Richest fifth", "الخُمس الأغنى"),
)  # fmt: skip
_HEADS = {
    "en": ("Asset", "Loading"),
    "ar": ("الممتلكات", "التشبّع"),
}


def group_label(number: int, groups: int) -> dict[str, str]:
    """A group of wealth in both languages: fifths by name, others by number from the poorest."""
    if groups == 5:
        return dict(zip(("en", "ar"), _FIFTHS[number - 1], strict=True))
    return {"en": f"Group {number} of {groups} from the poorest", "ar": f"الفئة \u2066{number}\u2069 من \u2066{groups}\u2069 بدءاً بالأفقر"}


def variable_label(survey: Survey, name: str) -> dict[str, str]:
    """A variable in both languages; its name where the codebook has none."""
    words = survey.codebook[name].label if name in survey.codebook else {}
    return {lang: words.get(lang) or name for lang in ("en", "ar")}


def code_label(survey: Survey, name: str, code: Any) -> dict[str, str]:
    """A code in both languages."""
    words: Mapping[str, str] = {}
    if name in survey.codebook:
        words = next((c.label for c in survey.codebook[name].categories if c.code == code), {})
    plain = f"{code:g}" if isinstance(code, float) else str(code)
    return {lang: words.get(lang) or plain for lang in ("en", "ar")}


def joined(first: Mapping[str, str], second: Mapping[str, str]) -> dict[str, str]:
    """Two labels with a colon."""
    return {lang: f"{first[lang]}: {second[lang]}" for lang in ("en", "ar")}


def _cells(found: WealthIndex) -> pd.DataFrame:
    """Ownership by indicator and group, with the gate's decision."""
    frame = found.coherence.frame
    judged = gating.decisions(found.coherence)
    return frame.assign(status=judged["status"].to_numpy(), reason=judged["reason"].to_numpy())


def falling(found: WealthIndex) -> list[str]:
    """Two-answer assets owned less by a richer group than by a poorer one beyond their intervals."""
    out = []
    for name, part in _cells(found).groupby("variable", sort=False):
        part = part.sort_values(found.group)
        row = found.frame[(found.frame["part"] == "common") & (found.frame["indicator"] == name)]
        if row.empty or (found.frame["asset"] == row["asset"].iloc[0]).sum() > found.frame["part"].nunique():
            continue
        low, high = part["conf_low"].to_numpy(), part["conf_high"].to_numpy()
        if part["status"].ne("suppress").all() and np.any(high[1:] < low[:-1]):
            out.append(str(name))
    return out


def reading(found: WealthIndex, lang: str) -> tuple[str, ...]:
    """What the component holds, what loads against it, what does not rise, ties."""
    check_language(lang)
    ar = lang == "ar"
    share = fmt.pct(found.shares["common"], lang)
    out = [(f"يحمل المكوّن الأول {share} من تباين المؤشرات." if ar
            else f"The first component holds {share} of the indicators' variance.")]  # fmt: skip
    labels = found.frame.drop_duplicates("indicator").set_index("indicator")[f"label_{lang}"]
    common = found.frame[found.frame["part"] == "common"]
    single = common.groupby("asset")["indicator"].transform("size") == 1
    against = common[single & (common["loading"] < 0) & common["category"].notna()]
    if len(against):
        named = ("؛ " if ar else "; ").join(against[f"label_{lang}"])
        out.append(f"ممتلكات تنقص مع ارتفاع الدرجة: {named}. راجعوا صلاحيتها مؤشراً للثروة." if ar
                   else f"Owned less as the score rises: {named}. Consider whether they say anything of wealth.")  # fmt: skip
    down = [labels[name] for name in falling(found)]
    if down:
        named = ("؛ " if ar else "; ").join(down)
        out.append(f"لا ترتفع نسبة التملّك من فئة إلى التي تليها في: {named}." if ar
                   else f"Ownership falls from one group to the next for: {named}.")  # fmt: skip
    elif not len(against):
        out.append("ترتفع نسبة التملّك من الأفقر إلى الأغنى، أو لا تنخفض بما يمكن رصده." if ar
                   else "Ownership rises from the poorest to the richest, or falls nowhere detectably.")  # fmt: skip
    tie = found.note["largest_tie"]
    if tie > 0.05:
        shares = found.note["shares_of_groups"]
        least, most = (fmt.pct(x, lang) for x in (min(shares), max(shares)))
        out.append(f"يشترك {fmt.pct(tie, lang)} في درجة واحدة، ولذلك تتراوح أحجام الفئات بين {least} و{most}." if ar
                   else f"{fmt.pct(tie, lang)} share one score, so the groups hold from {least} to {most}.")  # fmt: skip
    out.append("الدرجة نسبية: ترتّب الأسر ولا تقيس دخلاً ولا إنفاقاً." if ar
               else "The score is relative: it ranks households and measures neither income nor spending.")  # fmt: skip
    return tuple(out)


def table(found: WealthIndex, lang: str) -> Shown:
    """A row per indicator: loadings of the whole and of each area, then ownership by group."""
    check_language(lang)
    cells = _cells(found).set_index(["variable", found.group])
    book = found.survey.codebook
    groups = [(c.code, c.label[lang]) for c in book[found.group].categories]
    parts = list(dict.fromkeys(found.frame["part"]))
    first = found.frame[found.frame["part"] == "common"]
    heads = [_HEADS[lang][0]]
    for part in parts:
        words = found.frame.loc[found.frame["part"] == part, f"part_{lang}"].iloc[0]
        heads.append(_HEADS[lang][1] if len(parts) == 1 else f"{_HEADS[lang][1]}: {words}")
    heads += [name for _, name in groups]
    rows, reasons = [], set()
    for row in first.to_dict("records"):
        values = [row[f"label_{lang}"]]
        for part in parts:
            here = found.frame[(found.frame["part"] == part) & (found.frame["indicator"] == row["indicator"])]
            values.append(numbers.number(here["loading"].iloc[0], lang, 2) if len(here) else "–")
        for code, _ in groups:
            if (row["indicator"], code) not in cells.index:
                values.append("–")
                continue
            cell = cells.loc[(row["indicator"], code)]
            hidden = cell["status"] == "suppress"
            reasons |= {cell["reason"]} if hidden else set()
            values.append("*" if hidden else numbers.percent(cell["estimate"], lang))
        rows.append(tuple(values))
    told = [*reading(found, lang), *(f"* {release.words(code, lang)}" for code in sorted(reasons) if code)]
    return Shown(pd.DataFrame(rows, columns=heads), lang, frozenset(heads[1:]), (" ".join(told),))


def plot(found: WealthIndex, lang: str) -> Art:
    """Ownership in the poorest, middle and richest group, a panel each."""
    check_language(lang)
    from masar_research.present import charts

    cells = _cells(found)
    labels = found.frame.drop_duplicates("indicator").set_index("indicator")[f"label_{lang}"]
    categories = found.survey.codebook[found.group].categories
    chosen = [categories[at] for at in sorted({0, len(categories) // 2, len(categories) - 1})]
    panels = []
    for category in chosen:
        rows = []
        for row in cells[cells[found.group] == category.code].to_dict("records"):
            hidden = row["status"] == "suppress"
            known = np.isfinite(row["conf_low"]) and not hidden
            mark = charts.Mark(
                None if hidden else row["estimate"], row["conf_low"] if known else None,
                row["conf_high"] if known else None, row["status"],
            )  # fmt: skip
            rows.append(charts.Row(labels[row["variable"]], (mark,)))
        panels.append(charts.Panel(category.label[lang], tuple(rows)))
    return charts.dots(panels, lang)
