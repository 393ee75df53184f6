"""Decompositions for reading: table, chart and sentences in both languages, behind the release gate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from masar_research import gating
from masar_research.errors import ReleaseError
from masar_research.present import fmt, numbers
from masar_research.showing import Shown, check_language

if TYPE_CHECKING:
    from masar_research.models.decomposition import Decomposition
    from masar_research.present import Art
    from masar_research.survey import Survey

CONSTANT = {"en": "Constant", "ar": "الثابت"}
_PARTS = {
    "difference": {"en": "Difference", "ar": "الفرق"},
    "explained": {"en": "Explained by the characteristics", "ar": "تفسره الخصائص"},
    "unexplained": {"en": "Not explained", "ar": "لا تفسره الخصائص"},
    "endowments": {"en": "Endowments", "ar": "اختلاف الخصائص"},
    "coefficients": {"en": "Coefficients", "ar": "اختلاف المعاملات"},
    "interaction": {"en": "Interaction", "ar": "التفاعل بينهما"},
    "composition": {"en": "Composition", "ar": "تركيب المجموعة"},
    "rates": {"en": "Rates", "ar": "المعدلات داخل الفئات"},
}
_WAVES = {
    "explained": {"en": "Composition", "ar": "تغيّر التركيب"},
    "unexplained": {"en": "Behaviour", "ar": "تغيّر السلوك"},
}
_HEADS = {
    "en": ("Part", "Estimate", "Interval", "Share of the difference"),
    "ar": ("الجزء", "التقدير", "فترة الثقة", "الحصة من الفرق"),
}


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


def cell_label(survey: Survey, names: Sequence[str], key: Sequence[Any]) -> dict[str, str]:
    """A cell of several variables in both languages."""
    parts = [code_label(survey, name, code) for name, code in zip(names, key, strict=True)]
    return {lang: " · ".join(part[lang] for part in parts) for lang in ("en", "ar")}


def part_label(survey: Survey, sides: Any, part: str, wave: bool) -> Mapping[str, str]:
    """A part, or a group's own level, in both languages."""
    if part in ("first", "second"):
        return code_label(survey, sides.group, sides.codes[part == "second"])
    return _WAVES[part] if wave and part in _WAVES else _PARTS[part]


def selection(survey: Survey, group: str, gone: Mapping[Any, float]) -> dict[str, str]:
    """That those without an outcome are left out, and what it may do."""
    out = {}
    for lang in ("en", "ar"):
        shares = ("، " if lang == "ar" else ", ").join(
            f"{code_label(survey, group, code)[lang]} {fmt.pct(share, lang)}" for code, share in gone.items()
        )
        out[lang] = {
            "en": f"People without an answer are left out ({shares}). If who has one differs between the groups, as "
            "with pay, which only the employed have, selection is part of every figure here.",
            "ar": f"استُبعد من لا إجابة له ({shares}). فإن اختلف من لهم إجابة بين المجموعتين، كالأجر الذي لا يكون إلا "
            "للعاملين، كان للاختيار أثر في كل رقم هنا.",
        }[lang]  # fmt: skip
    return out


def hidden(found: Decomposition) -> bool:
    """Whether the gate withholds a side, and with it everything made of it."""
    compared = found.sides.frame[found.group].isin(found.note["compared"])
    return bool((gating.decisions(found.sides)["status"][compared.to_numpy()] == "suppress").any())


def _is_share(found: Decomposition) -> bool:
    return found.sides.kind == "proportion" and "statistic" not in found.note


def _figure(found: Decomposition, part: str, value: float, lang: str) -> str:
    if not np.isfinite(value):
        return "–"
    if not _is_share(found):
        return numbers.number(value, lang, _digits(found))
    if part in ("first", "second"):
        return numbers.percent(value, lang)
    return numbers.signed_points(value, lang)


def _digits(found: Decomposition) -> int:
    """Decimal places of a figure that is no share: the same in the whole table, by the larger level."""
    largest = found.frame["estimate"].iloc[:2].abs().max()
    return 1 if largest >= 10 else 2 if largest >= 1 else 3


def table(found: Decomposition, lang: str) -> Shown:
    """Levels, difference, parts, and each part by variable."""
    check_language(lang)
    withheld, rows = hidden(found), []
    for row in found.frame.to_dict("records"):
        name = row[f"label_{lang}"]
        if row["variable"]:
            name = f"{_part(found, row['part'])[lang]}: {name}"
        figures = [_figure(found, row["part"], row[c], lang) for c in ("estimate", "conf_low", "conf_high")]
        known = np.isfinite(row["conf_low"])
        share = numbers.percent(row["share"], lang, 0) if np.isfinite(row["share"]) else ""
        cells = (figures[0], f"{figures[1]} – {figures[2]}" if known else "–", share)
        rows.append((name, *(("*",) * 3 if withheld else cells)))
    notes = [] if withheld else list(reading(found, lang))
    if "warning" in found.note and withheld:
        notes.append(found.note["warning"][lang])
    return Shown(pd.DataFrame(rows, columns=list(_HEADS[lang])), lang, frozenset(_HEADS[lang][1:]),
                 (" ".join(notes),))  # fmt: skip


def _part(found: Decomposition, part: str) -> Mapping[str, str]:
    return _WAVES[part] if found.group == "wave" and part in _WAVES else _PARTS[part]


def reading(found: Decomposition, lang: str) -> tuple[str, ...]:
    """The difference, its parts, what they are not."""
    check_language(lang)
    if hidden(found):
        return ({"en": "A group's figure is not shown, so its parts are not either.",
                 "ar": "رقم إحدى المجموعتين غير معروض، ولذلك لا تُعرض أجزاء الفرق."}[lang],)  # fmt: skip
    frame = found.frame.set_index(["part", "variable"])

    def told(part: str) -> str:
        row = frame.loc[(part, "")]
        value, low, high = (_amount(found, row[c], lang) for c in ("estimate", "conf_low", "conf_high"))
        return {"en": f"{value} (interval {low} to {high})", "ar": f"{value} (فترة الثقة من {low} إلى {high})"}[lang]

    first, second = (frame.loc[(side, ""), f"label_{lang}"] for side in ("first", "second"))
    unit = {True: {"en": " percentage points", "ar": " نقطة مئوية"}, False: {"en": "", "ar": ""}}[_is_share(found)][lang]
    out = [{
        "en": f"{first} less {second}: {told('difference')}{unit}.",
        "ar": f"الفرق بين «{first}» و«{second}»: {told('difference')}{unit}.",
    }[lang]]  # fmt: skip
    for part in dict.fromkeys(found.frame["part"].iloc[3:]):
        row = frame.loc[(part, "")]
        name = _part(found, part)[lang]
        unsure = not (row["conf_low"] > 0 or row["conf_high"] < 0)
        out.append({
            "en": f"{name}: {told(part)}{', which cannot be told from none' if unsure else ''}.",
            "ar": f"{name}: {told(part)}{'، ولا يمكن تمييزه عن الصفر' if unsure else ''}.",
        }[lang])  # fmt: skip
    out.append({
        "en": "The parts describe; what the characteristics do not explain is not by itself discrimination, and what "
        "they do explain may itself be unequal.",
        "ar": "هذه الأجزاء وصفية؛ فما لا تفسره الخصائص ليس وحده تمييزاً، وما تفسره قد يكون هو نفسه غير متكافئ.",
    }[lang])  # fmt: skip
    if "warning" in found.note:
        out.append(found.note["warning"][lang])
    return tuple(out)


def _amount(found: Decomposition, value: float, lang: str) -> str:
    if _is_share(found):
        return fmt.num(100 * value, lang, 1)
    return fmt.num(value, lang, _digits(found))


def plot(found: Decomposition, lang: str) -> Art:
    """Each part by variable, differences of shares in points."""
    check_language(lang)
    from masar_research.present import charts

    if hidden(found):
        raise ReleaseError("A group's figure may not be shown, so its parts may not be drawn.",
                           remedy="Use .frame in the office, or larger groups.",
                           ar="رقم إحدى المجموعتين غير معروض، فلا تُرسم أجزاء الفرق.")  # fmt: skip
    first, second = (found.frame[f"label_{lang}"].iloc[k] for k in (0, 1))
    more = {"en": f"in favour of {first}", "ar": f"لصالح «{first}»"}[lang]
    less = {"en": f"in favour of {second}", "ar": f"لصالح «{second}»"}[lang]
    panels = []
    for part in dict.fromkeys(found.frame["part"].iloc[3:]):
        rows = found.frame[found.frame["part"] == part]
        detail = rows[rows["variable"] != ""]
        whole = rows[rows["variable"] == ""].assign(**{f"label_{lang}": {"en": "All together", "ar": "المجموع"}[lang]})
        panels.append((_part(found, part)[lang], pd.concat([whole, detail])))
    if _is_share(found):
        return charts.effects([
            charts.EffectPanel(head, tuple(
                charts.Effect(row[f"label_{lang}"], row["estimate"], *_ends(row)) for row in part.to_dict("records")
            )) for head, part in panels
        ], lang, less=less, more=more)  # fmt: skip
    return charts.dots([
        charts.Panel(head, tuple(
            charts.Row(row[f"label_{lang}"], (charts.Mark(row["estimate"], *_ends(row)),))
            for row in part.to_dict("records")
        )) for head, part in panels
    ], lang, unit="number", digits=_digits(found))  # fmt: skip


def _ends(row: Mapping[str, Any]) -> tuple[float | None, float | None]:
    low, high = row["conf_low"], row["conf_high"]
    if not (np.isfinite(low) and np.isfinite(high)):
        return None, None
    return float(min(low, row["estimate"])), float(max(high, row["estimate"]))
