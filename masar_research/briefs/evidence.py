"""Strength of evidence, computed from declared inputs (GRADE-like; reporting standards 3.6)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from masar_research.errors import BriefError

Level = Literal["high", "moderate", "low", "very_low"]
LEVELS: tuple[Level, ...] = ("high", "moderate", "low", "very_low")
START: Mapping[str, Level] = {
    "probability_survey": "high",
    "rct": "high",
    "did": "moderate",
    "matched": "low",
    "pre_post": "very_low",
    "opt_in": "very_low",
}
DOMAINS = ("risk_of_bias", "inconsistency", "indirectness", "reporting", "measurement")
WORDS: Mapping[str, tuple[str, str]] = {
    "high": ("High", "قوي"),
    "moderate": ("Moderate", "متوسط"),
    "low": ("Low", "ضعيف"),
    "very_low": ("Very low", "ضعيف جداً"),
}
MEANING: Mapping[str, tuple[str, str]] = {
    "high": (
        "The figures can be used as they stand, with their intervals.",
        "يمكن استعمال الأرقام كما هي مع فترات الثقة.",
    ),
    "moderate": (
        "The picture is probably right; details may change.",
        "من المرجح أن تكون الصورة صحيحة، وقد تتغير التفاصيل.",
    ),
    "low": (
        "The picture may be right; decide with other sources beside it.",
        "قد تكون الصورة صحيحة؛ يُستعان بمصادر أخرى قبل القرار.",
    ),
    "very_low": (
        "The evidence does not suffice for a judgement.",
        "الدليل غير كافٍ للحكم.",
    ),
}
REASONS: Mapping[str, tuple[str, str]] = {
    "imprecision": (
        "the interval crosses the decision threshold",
        "فترة الثقة تتجاوز حدّ القرار",
    ),
    "small": (
        "the effective sample behind the headline is small",
        "العينة الفعلية للرقم الرئيسي صغيرة",
    ),
    "suppressed": (
        "the headline figure itself cannot be shown",
        "الرقم الرئيسي نفسه لا يمكن عرضه",
    ),
    "synthetic": (
        "the data are synthetic and describe nobody",
        "البيانات مصطنعة ولا تصف أحداً",
    ),
    "no_clustering": (
        "the file names no sampling units, so its errors ignore clustering",
        "لا يحدد الملف وحدات المعاينة، فالأخطاء لا تحتسب أثر العنقدة",
    ),
}
SMALL = 100.0


@dataclass(frozen=True, slots=True)
class Strength:
    """The label, and why it is not higher: codes of `REASONS` or declared domains."""

    level: Level
    reasons: tuple[str, ...]


def strength(
    start: str,
    *,
    hidden: bool,
    n_eff: float | None,
    low: float | None = None,
    high: float | None = None,
    threshold: float | None = None,
    clustered: bool = True,
    synthetic: bool = False,
    limitations: Sequence[str] = (),
) -> Strength:
    """The strength of evidence of a headline figure.

    Parameters
    ----------
    start : str
        Design: ``probability_survey`` and ``rct`` start high, ``did`` moderate, ``matched``
        low, ``pre_post`` and ``opt_in`` very low.
    hidden : bool
        The headline is suppressed: very low.
    n_eff : float or None
        Effective sample of the headline; below 100: at most low.
    low, high, threshold : float, optional
        An interval that crosses the threshold costs one level (imprecision).
    clustered : bool
        False when the design's clusters are unknown: one level, unless a risk of bias is
        declared anyway.
    synthetic : bool
        Invented data are evidence of nothing: very low.
    limitations : sequence of str
        Declared serious limitations, one level each; `DOMAINS` only.

    Examples
    --------
    >>> strength("probability_survey", hidden=False, n_eff=900.0).level
    'high'
    >>> strength("probability_survey", hidden=False, n_eff=900.0, clustered=False).level
    'moderate'
    """
    if start not in START:
        raise BriefError(f"{start!r} is not a design.", remedy=f"Use one of {sorted(START)}.")
    unknown = [name for name in limitations if name not in DOMAINS]
    if unknown:
        raise BriefError(
            f"{unknown[0]!r} is not a domain of limitation.", remedy=f"Use one of {list(DOMAINS)}."
        )
    reasons = list(dict.fromkeys(limitations))
    crossed = threshold is not None and low is not None and high is not None and low < threshold < high
    if crossed:
        reasons.append("imprecision")
    if not clustered and "risk_of_bias" not in reasons:
        reasons.append("no_clustering")
    place = LEVELS.index(START[start]) + len(reasons)
    if n_eff is None or n_eff < SMALL:
        reasons.append("small")
        place = max(place, LEVELS.index("low"))
    for holds, reason in ((hidden, "suppressed"), (synthetic, "synthetic")):
        if holds:
            reasons.append(reason)
            place = len(LEVELS) - 1
    return Strength(LEVELS[min(place, len(LEVELS) - 1)], tuple(reasons))
