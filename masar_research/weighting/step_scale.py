"""Weighting steps that scale: to a mean or a total, and waves combined into one sample."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from masar_research.codebook import Text
from masar_research.errors import WeightingError
from masar_research.weighting.ground import Ground, Taken
from masar_research.weighting.measures import per_copy


@dataclass(frozen=True, slots=True)
class Normalise:
    """Weights scaled to a mean or a total, in each wave and in each domain.

    Means and shares within a domain stay; totals lose their sense unless ``total`` is one.

    Attributes
    ----------
    total : float or None
        Sum of the weights of each wave and domain; None: mean 1.
    by : tuple of str
        Variables whose crossing forms the domains.
    """

    total: float | None = None
    by: tuple[str, ...] = ()

    def run(self, ground: Ground) -> Taken:
        """Divide by the mean positive weight, or bring to the total."""
        if self.total is not None and not self.total > 0:
            raise WeightingError(f"total={self.total!r} is not a sum of weights.",
                                 remedy="Give a positive number, or leave it out for mean 1.")
        weights, times = ground.weights.copy(), ground.copies()
        means = []
        for part in domains(ground, self.by):
            rows = float(times[part].sum())
            means.append(float(weights[part].sum()) / rows)
            weights[part] *= 1 / means[-1] if self.total is None else self.total / (means[-1] * rows)
        goal_en = "mean 1" if self.total is None else f"a sum of {self.total:,.10g}"
        over = f" in each cell of {' × '.join(self.by)}" if self.by else ""
        said = ("shares and means unchanged" if not self.by else "shares and means within a cell unchanged")
        end = ", totals are counts of interviews" if self.total is None else ""
        text = Text(
            en=f"Weights scaled to {goal_en}{over}: {said}{end}.",
            ar=("عُدّلت الأوزان ليصبح متوسطها \u20661\u2069" if self.total is None
                else f"عُدّلت الأوزان ليصبح مجموعها \u2066{self.total:,.10g}\u2069")
            + (f" في كل خلية من \u2066{' × '.join(self.by)}\u2069." if self.by else "."),
        )
        return Taken(weights, None, text, {"means": tuple(means)})


@dataclass(frozen=True, slots=True)
class Combine:
    """Waves combined into one sample for pooled estimates: w · λ of the wave, Σ λ = 1.

    The pooled total is Σ_t λ_t Ŷ_t. With factors in proportion to the effective sizes
    n_t / deff_t the variance of a mean that is alike in all waves is smallest (Kish design effect).

    Attributes
    ----------
    factors : tuple of (wave, float)
        λ of each wave; empty: by effective size.

    References
    ----------
    Korn and Graubard (1999), *Analysis of Health Surveys*, 8.1; O'Muircheartaigh and Pedlow (2002).
    """

    factors: tuple[tuple[Any, float], ...] = ()

    def run(self, ground: Ground) -> Taken:
        """Scale every wave to its share."""
        if ground.waves is None:
            raise WeightingError(
                "There is one wave only, so there is nothing to combine.",
                remedy="Load the study without wave=, or declare wave= in mr.Survey.",
                ar="في المسح جولة واحدة فقط، فلا شيء يُجمع.",
            )
        codes, names, _ = ground.waves
        positive, times = ground.weights > 0, ground.copies()
        each = [positive & (codes == k) for k in range(len(names))]
        shares = self._shares(ground, each, times)
        weights = ground.weights.copy()
        for rows, share in zip(each, shares, strict=True):
            weights[rows] *= share
        how = ("given", "معطاة") if self.factors else ("by effective sample size", "بحسب حجم العينة الفعّال")
        listed = ", ".join(f"{name} {share:.3f}" for name, share in zip(names, shares, strict=True))
        text = Text(
            en=f"Waves combined with factors {how[0]}: {listed}.",
            ar=f"جُمعت الجولات بمعاملات {how[1]}: \u2066{listed}\u2069.",
        )
        return Taken(weights, None, text, {"factors": dict(zip(names, map(float, shares), strict=True))})

    def _shares(self, ground: Ground, each: list[np.ndarray], times: np.ndarray) -> np.ndarray:
        names = ground.waves[1]
        if not self.factors:
            u = per_copy(ground.weights, times)
            n_eff = np.array([(times[rows] @ u[rows]) ** 2 / (times[rows] @ u[rows] ** 2)
                              if rows.any() else 0.0 for rows in each])  # fmt: skip
            return n_eff / n_eff.sum()
        given = {_same(wave): value for wave, value in self.factors}
        wanted = {_same(name) for name in names}
        if set(given) != wanted:
            raise WeightingError(
                f"The factors are given for {', '.join(sorted(given))}; the waves are "
                f"{', '.join(sorted(wanted))}.",
                remedy="Give one factor per wave.",
                ar="يلزم معامل لكل جولة.",
            )
        shares = np.array([given[_same(name)] for name in names], dtype=float)
        if (shares < 0).any() or abs(shares.sum() - 1) > 1e-9:
            raise WeightingError(
                f"The factors of the waves sum to {shares.sum():.6g}, or one is negative.",
                remedy="Give factors of zero or more that sum to 1.",
                ar="معاملات الجولات يجب ألا تكون سالبة وأن يكون مجموعها واحداً.",
            )
        return shares


def _same(wave: Any) -> str:
    """A wave's name whether it stands as 2026, 2026.0 or "2026"."""
    return f"{wave:g}" if isinstance(wave, int | float) else str(wave)


def domains(ground: Ground, by: tuple[str, ...]) -> list[np.ndarray]:
    """Row masks of positive weight, one per wave and occupied cell of ``by``.

    Raises
    ------
    WeightingError
        A row with weight that has no value of a variable of ``by``.
    """
    parts = ground.parts()
    for name in by:
        coded = ground.survey.coded(name)
        lost = (coded.codes < 0) & (ground.weights > 0)
        if lost.any():
            raise WeightingError(
                f"{name}: {ground.count(lost)} rows with weight have no value, so they belong to no class.",
                remedy="Use a variable that is known for everybody, or impute it.",
                ar=f"قيم مفقودة في المتغير {name}.",
            )
        parts = [part & (coded.codes == k) for part in parts for k in range(len(coded.levels))]
        parts = [part for part in parts if part.any()]
    return parts
