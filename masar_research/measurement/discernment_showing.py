"""Discernment for reading: table, chart and sentences that tell sensitivity and bias apart."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from masar_research import gating, release, showing
from masar_research.errors import ReleaseError
from masar_research.estimates import Estimates
from masar_research.present import fmt, numbers
from masar_research.showing import Shown, check_language

if TYPE_CHECKING:
    from masar_research.measurement.discernment import Discernment
    from masar_research.present import Art

SCORES = {
    "d_prime": {"en": "Sensitivity d′", "ar": "الحساسية \u2066d′\u2069"},
    "criterion": {"en": "Bias c", "ar": "الانحياز c"},
    "difference": {"en": "Rating of true minus false", "ar": "تقييم الصحيح ناقص الكاذب"},
    "area": {"en": "True rated above false", "ar": "تقييم الصحيح أعلى من الكاذب"},
    "hit_rate": {"en": "True judged true", "ar": "الصحيح المصدَّق"},
    "false_alarm_rate": {"en": "False judged true", "ar": "الكاذب المصدَّق"},
    "pooled_d_prime": {"en": "Sensitivity d′ of pooled rates", "ar": "الحساسية \u2066d′\u2069 من النسب المجمّعة"},
    "pooled_criterion": {"en": "Bias c of pooled rates", "ar": "الانحياز c من النسب المجمّعة"},
}
UNEQUAL = {
    "en": "Respondents answered from {} to {} headlines; scores from fewer are pulled further towards zero by the "
    "correction, so compare groups that answered alike, or the pooled d′.",
    "ar": "أجاب المستجيبون عن عدد من العناوين يتراوح بين \u2066{}\u2069 و\u2066{}\u2069؛ والتصحيح يقرّب الدرجات المبنية "
    "على عدد أقل من الصفر، فقارنوا بين فئات أجابت عن أعداد متقاربة أو استعملوا \u2066d′\u2069 من النسب المجمّعة.",
}
_SHARES = ("area", "hit_rate", "false_alarm_rate")
_COLUMNS = ("d_prime", "criterion", "difference", "hit_rate", "false_alarm_rate")
_EVERYBODY = {"en": "Everybody", "ar": "الجميع"}
_SENSITIVE = {
    "above": ("tells true headlines from false ones better than chance", "التمييز بين العناوين الصحيحة والكاذبة أفضل من الصدفة"),
    "unsure": ("cannot be said to tell true headlines from false ones better than chance",
               "لا يمكن القول إن التمييز بين العناوين الصحيحة والكاذبة أفضل من الصدفة"),
    "below": ("takes false headlines for true more often than chance", "تصديق الكاذب أكثر من الصحيح، دون مستوى الصدفة"),
}  # fmt: skip
_BIASED = {
    "above": ("leans towards calling headlines false, whatever they are", "ميل إلى تكذيب العناوين أياً كانت"),
    "unsure": ("shows no detectable leaning to believe or to doubt", "لا ميل يمكن رصده إلى التصديق أو التكذيب"),
    "below": ("leans towards calling headlines true, whatever they are", "ميل إلى تصديق العناوين أياً كانت"),
}
_APART = {
    (True, False): (
        "They differ in telling true from false; no difference in the readiness to believe can be detected. The gap is one of skill.",
        "الفرق في القدرة على التمييز بين الصحيح والكاذب، ولا يمكن رصد فرق في الميل إلى التصديق؛ فالفجوة فجوة مهارة.",
    ),
    (False, True): (
        "They differ in the readiness to believe; no difference in telling true from false can be detected. Believing less "
        "is not discerning better.",
        "الفرق في الميل إلى التصديق، ولا يمكن رصد فرق في القدرة على التمييز؛ فقلة التصديق ليست تمييزاً أفضل.",
    ),
    (True, True): (
        "They differ both in telling true from false and in the readiness to believe; shares judged true mix the two.",
        "الفرق في القدرة على التمييز وفي الميل إلى التصديق معاً، ونسب التصديق وحدها تخلط بينهما.",
    ),
    (False, False): (
        "No difference can be detected, either in telling true from false or in the readiness to believe; that does not "
        "show there is none.",
        "لا يمكن رصد فرق لا في القدرة على التمييز ولا في الميل إلى التصديق، ولا يعني ذلك عدم وجوده.",
    ),
}  # fmt: skip
_ONE = (
    "The mean of respondents' scores and the pooled rates do not say the same of one of the two measures, which is "
    "then taken as not detected: few headlines per person pull individual scores towards zero.",
    "لا يتفق متوسط درجات المستجيبين والنسب المجمّعة في أحد المقياسين، فعُدّ الفرق فيه غير مرصود؛ فقلة العناوين لكل شخص "
    "تقرّب الدرجات الفردية من الصفر.",
)


def groups(found: Estimates) -> Iterator[tuple[tuple[Any, ...], dict[str, int]]]:
    """Every domain with the row number of each score in it."""
    frame = found.frame
    names = [*found.by, *(["contrast"] if "contrast" in frame.columns else [])]
    cells: dict[tuple[Any, ...], dict[str, int]] = {}
    columns = [frame[name].tolist() for name in names]
    for at, variable in enumerate(frame["variable"]):
        cells.setdefault(tuple(column[at] for column in columns), {})[variable] = at
    yield from cells.items()


def _name(found: Estimates, key: tuple[Any, ...], lang: str) -> str:
    if not found.by:
        return _EVERYBODY[lang]
    return " · ".join(showing.label(found, name, code, lang) for name, code in zip(found.by, key, strict=True))


def _side(row: pd.Series) -> str:
    return "above" if row["conf_low"] > 0 else "below" if row["conf_high"] < 0 else "unsure"


def _span(row: pd.Series, lang: str) -> str:
    value, low, high = (fmt.num(row[c], lang, 2) for c in ("estimate", "conf_low", "conf_high"))
    return f"{value} (فترة الثقة من {low} إلى {high})" if lang == "ar" else f"{value} (interval {low} to {high})"


def reading(found: Discernment, lang: str) -> tuple[str, ...]:
    """Sensitivity and bias of every group that may be shown; what the two are not."""
    check_language(lang)
    side, estimates = int(lang == "ar"), found.estimates
    judged, frame, out = gating.decisions(estimates), estimates.frame, []
    for key, at in groups(estimates):
        rows = frame.iloc[at["d_prime"]], frame.iloc[at["criterion"]]
        hidden = [judged["status"].iloc[at[score]] == "suppress" for score in ("d_prime", "criterion")]
        if any(hidden) or not all(np.isfinite(row["conf_low"]) for row in rows):
            continue
        skill, lean = _SENSITIVE[_side(rows[0])][side], _BIASED[_side(rows[1])][side]
        name = _name(estimates, key, lang)
        out.append((
            f"{name}: {skill}, d′ = {_span(rows[0], lang)}; {lean}, c = {_span(rows[1], lang)}.",
            f"{name}: {skill}، \u2066d′\u2069 = {_span(rows[0], lang)}؛ و{lean}، c = {_span(rows[1], lang)}.",
        )[side])  # fmt: skip
    out.append((
        "d′ says how well true and false are told apart (0 is guessing), c how ready people are to call anything false.",
        "يقيس \u2066d′\u2069 القدرة على التمييز بين الصحيح والكاذب (\u20660\u2069 تخمين)، ويقيس c الميل إلى تكذيب كل شيء.",
    )[side])  # fmt: skip
    return tuple(out)


def told_apart(found: Estimates) -> Estimates:
    """Differences between groups with the sentence on what differs."""
    words: dict[str, list[str]] = {"en": [], "ar": []}
    judged = gating.decisions(found)["status"].to_numpy()
    for key, at in groups(found):
        if any(judged[at[score]] == "suppress" for score in ("d_prime", "criterion")):
            continue
        sides = [(_side(found.frame.iloc[at[score]]), _side(found.frame.iloc[at[f"pooled_{score}"]]))
                 for score in ("d_prime", "criterion")]  # fmt: skip
        which = tuple(own == pooled != "unsure" for own, pooled in sides)
        for side, lang in enumerate(("en", "ar")):
            parts = [showing.label(found, name, code, lang) for name, code in zip(found.by, key, strict=False)]
            where = f"{' · '.join(parts)}: " if parts else ""
            told = where + _APART[which][side]
            words[lang].append(f"{told} {_ONE[side]}" if any(own != pooled for own, pooled in sides) else told)
    return replace(found, note={**found.note, "reading": {lang: tuple(told) for lang, told in words.items()}})


def table(found: Discernment, lang: str, profile: str) -> Shown:
    """A row per group, a column per score; a score that may not be shown is ``*``."""
    check_language(lang)
    estimates = found.estimates
    judged = gating.decisions(estimates, profile)
    ar = lang == "ar"
    first = " · ".join(showing.title_of(estimates, name, lang) for name in estimates.by) or ("الفئة" if ar else "Group")
    heads = [first, *(SCORES[score][lang] for score in _COLUMNS), "ن" if ar else "n", "ملاحظة" if ar else "Note"]
    rows = []
    for key, at in groups(estimates):
        cells, reasons = [], []
        for score in _COLUMNS:
            row, decision = estimates.frame.iloc[at[score]], judged.iloc[at[score]]
            hidden = decision["status"] == "suppress"
            cells.append("*" if hidden else _cell(score, row, lang))
            code = decision["reason"] if hidden else decision["note_code"]
            reasons += [release.words(code, lang)] if code else []
        n = int(estimates.frame.iloc[at["d_prime"]]["n"])
        shown = "*" if n < gating.LEAST else numbers.number(n, lang)
        rows.append((_name(estimates, key, lang), *cells, shown, " · ".join(dict.fromkeys(reasons))))
    note = found.note
    told = [*reading(found, lang)[-1:], *showing.notes(estimates, lang)]
    missing = (
        ("respondents not shown any headline", "لم يُعرض عليه أي عنوان", note["shown_none"]),
        ("respondents with too few answers", "إجاباته أقل من الحد الأدنى", note["too_few_answers"]),
        ("headlines not shown to those asked others", "عناوين لم تُعرض على من عُرض عليه غيرها", note["items_not_shown"]),
        ("answers not given", "إجابات لم تُعطَ", note["items_without_answer"]),
    )
    told += [f"{text[ar]}: {numbers.number(text[2], lang)}" for text in missing if text[2]]
    return Shown(pd.DataFrame(rows, columns=heads), lang, frozenset(heads[1:-1]), (" · ".join(told),))


def _cell(score: str, row: pd.Series, lang: str) -> str:
    if not np.isfinite(row["estimate"]):
        return "–"
    if score in _SHARES:
        return numbers.percent(row["estimate"], lang)
    value = numbers.number(row["estimate"], lang, 2)
    if not np.isfinite(row["conf_low"]):
        return value
    low, high = (numbers.number(row[end], lang, 2) for end in ("conf_low", "conf_high"))
    return f"{value} ({low} – {high})"


def plot(found: Discernment, lang: str, profile: str) -> Art:
    """Sensitivity by bias of every group that may be shown."""
    check_language(lang)
    from masar_research.present.charts.plane import Place, plane

    estimates, frame = found.estimates, found.estimates.frame
    status = gating.decisions(estimates, profile)["status"].to_numpy()
    places, hidden = [], []
    for key, at in groups(estimates):
        pair = at["criterion"], at["d_prime"]
        name = _name(estimates, key, lang)
        known = all(np.isfinite(frame["conf_low"].iloc[row]) for row in pair)
        if not known or any(status[row] == "suppress" for row in pair):
            hidden.append(name)
            continue
        ends = [tuple(float(frame[c].iloc[row]) for c in ("conf_low", "estimate", "conf_high")) for row in pair]
        places.append(Place(name, ends[0], ends[1], flagged=any(status[row] == "flag" for row in pair)))
    if not places:
        raise ReleaseError("No group may be shown, so there is nothing to draw.",
                           remedy="Use larger groups, or .frame in the office.",
                           ar="لا فئة يجوز عرضها، فلا شيء يُرسم؛ استعمل فئات أكبر.")  # fmt: skip
    across = {"en": ("Bias c", "readier to believe", "readier to doubt"),
              "ar": ("الانحياز c", "ميل إلى التصديق", "ميل إلى التكذيب")}[lang]  # fmt: skip
    up = {"en": "Sensitivity d' (0: guessing)", "ar": "الحساسية \u2066d'\u2069 (0: تخمين)"}[lang]
    return plane(places, lang, across=across, up=up, hidden=hidden)
