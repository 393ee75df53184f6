"""MAIHDA for reading: the summary and its sentences, behind the release gate."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from masar_research import gating
from masar_research.estimates import Estimates, assemble
from masar_research.present import fmt, numbers
from masar_research.showing import Shown, check_language, label

if TYPE_CHECKING:
    from masar_research.models.maihda import MAIHDA

STATISTICS: Mapping[str, tuple[str, str]] = {
    "variance_null": ("Variance between strata, null model", "التباين بين الطبقات، النموذج الخالي"),
    "variance_adjusted": (
        "Variance between strata beyond main effects", "التباين بين الطبقات بعد الآثار الرئيسية"),
    "vpc_null": ("Share of variance between strata (VPC), null model",
                 "حصة التباين بين الطبقات (VPC)، النموذج الخالي"),
    "vpc_adjusted": ("Share of variance between strata (VPC), adjusted model",
                     "حصة التباين بين الطبقات (VPC)، النموذج المعدَّل"),
    "pcv": ("Proportional change in variance (PCV)", "التغيّر النسبي في التباين (PCV)"),
    "auc_strata": ("Area under the curve (AUC), strata", "المساحة تحت المنحنى (AUC)، الطبقات"),
    "auc_additive": ("Area under the curve (AUC), main effects alone",
                     "المساحة تحت المنحنى (AUC)، الآثار الرئيسية وحدها"),
    "auc_adjusted": ("Area under the curve (AUC), main effects and strata",
                     "المساحة تحت المنحنى (AUC)، الآثار الرئيسية والطبقات"),
}  # fmt: skip
_SHARES = ("vpc_null", "vpc_adjusted", "pcv")


def as_estimates(
    direct: Estimates, strata: pd.DataFrame, vcov: np.ndarray, df: int, note: Mapping[str, Any]
) -> Estimates:
    """The shrunken strata as model-based estimates, with the interviews of the direct ones."""
    share = direct.kind == "proportion"
    frame, point = direct.frame, strata["shrunken"].to_numpy()
    spread = np.diag(vcov)
    statistics = {
        "estimate": point, "std_error": np.sqrt(spread), "conf_low": strata["shrunken_low"],
        "conf_high": strata["shrunken_high"], "df": np.full(len(frame), df),
        "n": frame["n"].to_numpy(), "deff": np.full(len(frame), np.nan),
        "n_eff": np.where(spread > 0, point * (1 - point) / spread, frame["n"]) if share
        else frame["n_eff"].to_numpy(),
    }  # fmt: skip
    if "count" in frame.columns:
        statistics["count"] = frame["count"].to_numpy()
    keys = [*direct.by, "variable", *(["category"] if "category" in frame.columns else [])]
    facts = {**note, "interval": "Wald, t, with what shrinking leaves out",
             "made_by": "maihda: multilevel model, adjusted"}  # fmt: skip
    kind = "model_based_proportion" if share else "model_based"
    return assemble(frame[keys], statistics, vcov, kind=kind, by=direct.by, note=facts,
                    codebook=direct.codebook, level=direct.level)  # fmt: skip


def table(found: MAIHDA, lang: str) -> Shown:
    """The summary with intervals; a variance too near zero has none, and says so."""
    check_language(lang)
    heads = {"en": ("Statistic", "Estimate", "Interval", "Note"),
             "ar": ("المقياس", "التقدير", "فترة الثقة", "ملاحظة")}[lang]  # fmt: skip
    near = {"en": "too near zero for an interval", "ar": "أقرب إلى الصفر من أن تُذكر له فترة"}[lang]
    rows = []
    for row in found.summary.to_dict("records"):
        figures = [_figure(row["statistic"], row[c], lang) for c in ("estimate", "conf_low", "conf_high")]
        known = np.isfinite(row["conf_low"])
        rows.append((row[f"label_{lang}"], figures[0], f"{figures[1]} – {figures[2]}" if known else "–",
                     near if row["near_zero"] else ""))  # fmt: skip
    return Shown(pd.DataFrame(rows, columns=list(heads)), lang, frozenset(heads[1:3]),
                 (" ".join(reading(found, lang)),))  # fmt: skip


def _figure(name: str, value: float, lang: str) -> str:
    if not np.isfinite(value):
        return "–"
    return numbers.percent(value, lang) if name in _SHARES else numbers.number(value, lang, 3)


def reading(found: MAIHDA, lang: str) -> tuple[str, ...]:
    """Sentences in one language; nothing is called a cause."""
    check_language(lang)
    value = found.summary.set_index("statistic")
    note, out = found.note, []
    vpc, pcv = value.loc["vpc_null"], value.loc["pcv"]
    groups, rows = fmt.num(note["strata"], lang), fmt.num(note["rows"], lang)
    if vpc["near_zero"]:
        out.append({
            "en": f"Between the {groups} groups of people that the variables cross ({rows} interviews) the variance "
            "cannot be told from zero, so no interval is given for its share.",
            "ar": f"لا يمكن تمييز التباين بين الفئات المتقاطعة ({groups} فئة، {rows} مقابلة) عن الصفر، ولذلك لا تُذكر "
            "لحصته فترة ثقة.",
        }[lang])  # fmt: skip
    else:
        share = fmt.pct(vpc["estimate"], lang)
        span = fmt.span(vpc["conf_low"], vpc["conf_high"], lang)
        out.append({
            "en": f"{share} of the variance (interval {span}) lies between the {groups} groups of people that the "
            f"variables cross ({rows} interviews).",
            "ar": f"تقع {share} من التباين (فترة الثقة {span}) بين الفئات المتقاطعة ({groups} فئة، {rows} مقابلة).",
        }[lang])  # fmt: skip
    if np.isfinite(pcv["estimate"]):
        if pcv["estimate"] >= 0:
            share = fmt.pct(pcv["estimate"], lang)
            out.append({
                "en": f"The sum of the groups' effects describes {share} of it (PCV); this describes a model and is "
                "not a cause.",
                "ar": f"يصف حاصل جمع آثار المجموعات {share} منه (PCV)، وهذا وصف للنموذج وليس سبباً.",
            }[lang])  # fmt: skip
        else:
            out.append({
                "en": "The variance is not smaller once the groups' effects are added (negative PCV), which by "
                "itself proves nothing.",
                "ar": "لم يصغر التباين بعد إضافة آثار المجموعات (PCV سالب)، وهذا وحده لا يثبت شيئاً.",
            }[lang])  # fmt: skip
    if "auc_strata" in value.index:
        area = fmt.pct(value.loc["auc_strata", "estimate"], lang, 0)
        out.append({
            "en": f"Knowing only the group, one would rank a person with the outcome above one without it in {area} "
            "of pairs (50% is chance).",
            "ar": f"بمعرفة الفئة وحدها يُرتَّب من لديه الصفة قبل من ليست لديه في {area} من الأزواج "
            f"({fmt.pct(0.5, lang, 0)} هي المصادفة).",
        }[lang])  # fmt: skip
    out += _outstanding(found, lang)
    few, least = fmt.num(note["below_ten"], lang), fmt.num(note["smallest"], lang)
    out.append({
        "en": f"The smallest group has {least} interviews; groups with fewer than ten: {few}.",
        "ar": f"أصغر فئة فيها {least} من المقابلات؛ وعدد الفئات التي تقل عن عشر مقابلات: {few}.",
    }[lang])  # fmt: skip
    return tuple(out)


def _outstanding(found: MAIHDA, lang: str) -> list[str]:
    """Strata whose own effect leaves out zero and whose figure may be shown, the strongest first."""
    judged = gating.decisions(found.shrunken)
    strata = found.strata
    outside = beyond(strata) & (judged["status"] != "suppress").to_numpy()
    if not outside.any():
        return [{
            "en": "No group that may be shown departs from the sum of its groups' effects by more than its interval.",
            "ar": "لا تخرج أي فئة يجوز عرضها عن حاصل جمع آثار مجموعاتها بأكثر من فترة ثقتها.",
        }[lang]]  # fmt: skip
    order = np.argsort(-np.abs(strata["interactive"].to_numpy()))
    out = []
    for place in [k for k in order if outside[k]][:3]:
        row = strata.iloc[place]
        name = name_of(found, row, lang)
        if found.family == "binomial":
            model, sum_of = fmt.pct(row["shrunken"], lang), fmt.pct(row["additive"], lang)
        else:
            model, sum_of = fmt.num(row["shrunken"], lang, 2), fmt.num(row["additive"], lang, 2)
        out.append({
            "en": f"In the group «{name}» the gaps of its groups do not simply add up: the model-based estimate is "
            f"{model}, their sum {sum_of}.",
            "ar": f"ضمن الفئة «{name}» لا تُجمع فجوات مجموعاتها جمعاً بسيطاً: التقدير القائم على النموذج {model}، وحاصل "
            f"جمعها {sum_of}.",
        }[lang])  # fmt: skip
    return out


def beyond(strata: Any) -> Any:
    """Whether the interval of the stratum's own effect leaves out zero."""
    return (strata["interactive_low"] > 0) | (strata["interactive_high"] < 0)


def name_of(found: MAIHDA, row: Any, lang: str) -> str:
    return " · ".join(label(found.direct, name, row[name], lang) for name in found.by)
