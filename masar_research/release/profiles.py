"""Reliability profiles as data: which rule judges which kind of figure, with which limits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from masar_research.errors import ReleaseError


@dataclass(frozen=True, slots=True)
class ProportionWidths:
    """NCHS Series 2 No. 175: sample sizes and Korn–Graubard widths.

    `always`: an interval at most this wide is shown whatever its relative width; `never`: one
    at least this wide is hidden; in between the width relative to p decides (`relative`), and
    the width relative to 1−p decides whether the complement is footnoted (`complement`).
    Fewer than `min_df` degrees of freedom, and 0 % or 100 %, call for review.
    """

    min_n: float = 30
    min_n_eff: float = 30
    always: float = 0.05
    never: float = 0.30
    relative: float = 1.30
    complement: float = 1.30
    min_df: float = 8


@dataclass(frozen=True, slots=True)
class RelativeWidth:
    """NCHS Series 2 No. 200: rates and counts, by the relative width of the log-t interval."""

    min_n: float = 10
    relative: float = 1.60
    min_df: float = 8


@dataclass(frozen=True, slots=True)
class Sturdy:
    """House rule for means, medians, indices, scores and marginal effects.

    `max_rse` counts only where the figure's zero means "none" (see `Profile.zero_means_none`).
    """

    min_n: float = 30
    min_n_eff: float = 30
    min_df: float = 8
    max_rse: float = 0.30


@dataclass(frozen=True, slots=True)
class Variation:
    """Statistics Canada: the coefficient of variation, flagged from `caution`, hidden above `limit`."""

    min_n: float = 10
    caution: float = 0.166
    limit: float = 0.333


@dataclass(frozen=True, slots=True)
class Cases:
    """DHS: unweighted cases only; hidden below `hide`, in parentheses below `caution`."""

    hide: float = 25
    caution: float = 50


@dataclass(frozen=True, slots=True)
class HalfWidth:
    """Strict rule for headline text; between `chart_n` and `min_n` a chart may show it hollow."""

    min_n: float = 50
    min_n_eff: float = 30
    max_half: float = 0.10
    chart_n: float = 25


@dataclass(frozen=True, slots=True)
class ModelBased:
    """House rule for model-based figures: their own error decides, not the interviews of the area.

    Shares by the width of the t interval as under `ProportionWidths` (`always`, `never`, `relative`),
    read with caution from `caution_width`; other figures by the relative root mean squared error,
    hidden above `max_rse`, read with caution from `caution`. All of them are marked.
    """

    always: float = 0.05
    never: float = 0.30
    relative: float = 1.30
    caution_width: float = 0.20
    max_rse: float = 0.333
    caution: float = 0.166


Rule = ProportionWidths | RelativeWidth | Sturdy | Variation | Cases | HalfWidth | ModelBased

PROPORTIONS = frozenset({"proportion"})
RATES = frozenset({"ratio", "rate", "total", "count"})
AMOUNTS = frozenset({
    "mean", "median", "mean_of_shares", "index", "score", "quantile", "variance", "covariance",
    "correlation",
})  # fmt: skip
EFFECTS = frozenset({"ame", "margin", "odds_ratio"})
DIFFERENCES = frozenset({"difference", "gap", "change"})
MODELLED = frozenset({"model_based_proportion", "model_based"})
KINDS = PROPORTIONS | RATES | AMOUNTS | EFFECTS | DIFFERENCES | MODELLED


@dataclass(frozen=True, slots=True)
class Profile:
    """A reliability profile.

    Attributes
    ----------
    name : str
    title : mapping
        ``{"en": ..., "ar": ...}``.
    proportion, rate, amount, effect : Rule
        The rule for each family of kinds. Differences have none: they follow their sides.
    zero_means_none : frozenset of str
        The kinds whose relative standard error is judged.
    source : str
    modelled : ModelBased
        The rule for figures of a model for small areas or small groups.
    """

    name: str
    title: Mapping[str, str]
    proportion: Rule
    rate: Rule
    amount: Rule
    effect: Rule
    source: str
    zero_means_none: frozenset[str] = frozenset({"mean", "median", "mean_of_shares", "quantile"})
    modelled: ModelBased = ModelBased()

    def rule(self, kind: str) -> Rule | None:
        """The rule for a kind of figure; None for differences, which follow their sides."""
        if kind in PROPORTIONS:
            return self.proportion
        if kind in RATES:
            return self.rate
        if kind in AMOUNTS:
            return self.amount
        if kind in EFFECTS:
            return self.effect
        if kind in MODELLED:
            return self.modelled
        if kind in DIFFERENCES:
            return None
        raise ReleaseError(
            f"The release gate knows no kind of figure called {kind!r}.",
            remedy=f"Use one of {', '.join(sorted(KINDS))}.",
        )


def _profile(
    name: str, en: str, ar: str, source: str, *rules: Rule, modelled: ModelBased = ModelBased()
) -> Profile:
    return Profile(name, MappingProxyType({"en": en, "ar": ar}), *rules, source, modelled=modelled)


PROFILES: Mapping[str, Profile] = MappingProxyType({
    "nchs": _profile(
        "nchs",
        "NCHS presentation standards",
        "معايير عرض البيانات للمركز الوطني للإحصاءات الصحية (NCHS)",
        "Parker et al. 2017, NCHS Vital and Health Statistics Series 2 No. 175 (proportions); "
        "Series 2 No. 200, 2023 (rates and counts); house rule for the rest",
        ProportionWidths(), RelativeWidth(), Sturdy(), Sturdy(),
    ),
    "statcan": _profile(
        "statcan",
        "Statistics Canada coefficient-of-variation rule",
        "قاعدة معامل الاختلاف لهيئة الإحصاء الكندية",
        "Statistics Canada release guidelines: CV 16.5 % and 33.3 %, at least 10 observations",
        Variation(), Variation(), Variation(), Sturdy(),
    ),
    "dhs": _profile(
        "dhs",
        "DHS rule on unweighted cases",
        "قاعدة المسوح الديموغرافية والصحية لعدد الحالات غير المرجَّحة",
        "Guide to DHS Statistics: fewer than 25 cases hidden, 25–49 in parentheses",
        Cases(), Cases(), Cases(), Cases(),
    ),
    "strict_ngo": _profile(
        "strict_ngo",
        "Strict rule for headline text",
        "القاعدة المشددة لنصوص العناوين",
        "House rule for the media edition: n ≥ 50, effective n ≥ 30, half-width ≤ 10 points",
        HalfWidth(), RelativeWidth(min_n=50), Sturdy(min_n=50), Sturdy(min_n=50),
        modelled=ModelBased(never=0.20, caution_width=0.10, max_rse=0.30),
    ),
})  # fmt: skip


def profile(name: str | Profile) -> Profile:
    """The profile of that name.

    Raises
    ------
    ReleaseError
        If there is none; the message lists those there are.

    Examples
    --------
    >>> profile("nchs").proportion.min_n
    30
    """
    if isinstance(name, Profile):
        return name
    if name not in PROFILES:
        raise ReleaseError(
            f"There is no reliability profile {name!r}.",
            remedy=f"Use one of {', '.join(PROFILES)}.",
            ar=f"لا يوجد ملف موثوقية باسم «{name}».",
        )
    return PROFILES[name]
