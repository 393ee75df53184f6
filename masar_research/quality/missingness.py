"""What was not answered: don't know, refused, blank, by item and by interviewer, apart from not asked."""

from __future__ import annotations

import numpy as np
from scipy import stats

from masar_research.codebook import Text
from masar_research.quality.findings import Checked, Desk, skipped
from masar_research.quality.interviewers import (
    FALSE_SHARE, FEWEST_ENUMERATORS, FEWEST_INTERVIEWS, calibrated, deviations, false_discoveries, names_of,
)  # fmt: skip
from masar_research.quality.material import Material

MUCH = 0.20
FEWEST_ASKED = 30
SHOWN = ("dont_know", "refused", "blank")


def check_missingness(material: Material) -> Checked:
    """Shares of don't know, refused and blank among those asked, by item and by interviewer."""
    names = [name for name in material.items if name not in material.roles.named().values()]
    if not names:
        return skipped("missingness", "No column holds closed or numeric answers.", "لا عمود فيه إجابات مغلقة أو رقمية.")
    desk = Desk("missingness", material.rows)
    n = len(material.frame)
    lost, asked_total = np.zeros(n), np.zeros(n)
    table = []
    for name in names:
        row, gone, asked = _item(material, name)
        if row["asked"] == 0:
            continue
        table.append(row)
        lost += gone
        asked_total += asked
        missing = row["dont_know"] + row["refused"] + row["blank"]
        if missing > MUCH and row["asked"] >= FEWEST_ASKED:
            desk.find(
                "much_missing", "warning" if missing > 2 * MUCH else "note",
                Text(en=f"{name}: {missing:.0%} of {row['asked']:,} asked gave no answer (don't know {row['dont_know']:.0%}, refused {row['refused']:.0%}, blank {row['blank']:.0%}).",
                     ar=f"{name}: نسبة من لم يجيبوا {missing:.0%} من {row['asked']:,} سُئلوا (لا أعرف {row['dont_know']:.0%}، رفض {row['refused']:.0%}، فارغ {row['blank']:.0%})."),
                Text(en="Report it beside the estimate; test how the estimate moves if those silent differ.",
                     ar="اذكرها بجانب التقدير، واختبر كيف يتغير لو اختلف غير المجيبين."),
                variable=name, at=gone,
            )  # fmt: skip
    desk.figures["items"] = table
    whole = lost.sum() / max(asked_total.sum(), 1)
    desk.figures["overall"] = float(whole)
    desk.say(
        f"{whole:.1%} of the answers asked for are missing, over {len(table)} items; questions that did not apply are not counted.",
        f"الإجابات المفقودة مما طُلب {whole:.1%} على {len(table)} سؤالاً؛ ولا تُحسب الأسئلة التي لا تنطبق.",
    )
    _by_interviewer(desk, material, lost, asked_total)
    return desk.done()


def _item(material: Material, name: str) -> tuple[dict, np.ndarray, np.ndarray]:
    values, kinds = material.frame[name].to_numpy(), material.kinds(name)

    def of(*wanted: str) -> np.ndarray:
        codes = [code for code, kind in kinds.items() if kind in wanted]
        return np.isin(values, codes) if codes else np.zeros(values.size, bool)

    there = material.answered(name)
    universe = material.asked(name)
    rule = material.codebook[name].universe if name in material.codebook else None
    if universe is not None:
        applies = material.finished & universe[0] & universe[1]
    elif rule or _structural(material, there):
        applies = material.finished & there  # not asked and left blank cannot be told apart
    else:
        applies = material.finished & ~of("not_asked", "not_applicable")
    asked = max(int(applies.sum()), 1)
    dont_know, refused = applies & of("dont_know"), applies & of("refused")
    blank = applies & (~there | of("missing"))
    row = {"item": name, "asked": int(applies.sum()), "dont_know": float(dont_know.sum() / asked),
           "refused": float(refused.sum() / asked), "blank": float(blank.sum() / asked)}  # fmt: skip
    return row, dont_know | refused | blank, applies


def _structural(material: Material, there: np.ndarray) -> bool:
    """Without a universe, a column half empty is taken for a question behind a filter."""
    return bool((there & material.finished).sum() < 0.5 * material.finished.sum())


def _by_interviewer(desk: Desk, material: Material, lost: np.ndarray, asked: np.ndarray) -> None:
    groups = material.groups("enumerator")
    if groups is None:
        return
    who, values = groups
    use = material.finished & (who >= 0) & (asked > 0)
    if len(np.unique(who[use])) < FEWEST_ENUMERATORS:
        return
    k, names = len(values), names_of(values)
    share = lost[use] / asked[use]
    held = np.bincount(who[use], minlength=k)
    means = np.bincount(who[use], share, minlength=k) / np.maximum(held, 1)
    desk.figures["enumerators"] = [
        {"enumerator": names[e], "n": int(held[e]), "missing": float(means[e])} for e in range(k) if held[e]
    ]
    area = material.groups("area")
    where = np.zeros(use.sum(), int) if area is None else area[0][use] + 1
    one = deviations(share, who[use], where, k)
    z = calibrated(np.where(one.n >= FEWEST_INTERVIEWS, one.z, np.nan))
    stands = false_discoveries(2 * stats.norm.sf(np.abs(z)), FALSE_SHARE) & (one.step > 0.5)
    overall = float(share.mean())
    for e in np.flatnonzero(stands):
        desk.find(
            "interviewer_missing", "warning",
            Text(en=f"Interviewer {names[e]}: {means[e]:.1%} of the answers are missing, {overall:.1%} over all.",
                 ar=f"الباحث رقم {names[e]}: نسبة الإجابات المفقودة {means[e]:.1%}، وفي المجموع {overall:.1%}."),
            Text(en="Listen in: are questions read out, and answers waited for?", ar="رافق الباحث: هل تُقرأ الأسئلة وتُنتظر الإجابات؟"),
            at=material.finished & (who == e),
        )  # fmt: skip
