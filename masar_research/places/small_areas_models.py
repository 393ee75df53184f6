"""The three area-level models behind one face: plain, with neighbours, within larger areas."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from masar_research.engine import small_area, small_area_integrated, small_area_nested, small_area_scales, small_area_spatial
from masar_research.engine.distributions import t_quantile
from masar_research.engine.small_area import Method
from masar_research.engine.small_area_integrated import Mixture
from masar_research.engine.small_area_scales import Scale
from masar_research.errors import EstimationError
from masar_research.places.small_areas_data import Covariates
from masar_research.places.small_areas_neighbours import Neighbours, weights_of

LEAST_FOR_SPACE = 30
LEAST_GROUPS = 5


@dataclass(frozen=True, slots=True)
class Model:
    """A fitted model over k areas, m of them with a direct estimate.

    Attributes
    ----------
    fit : AreaFit, SpatialFit or NestedFit
    v, g : ndarray (m, m), (k, m)
        ``Var(y)`` and ``Cov(θ, y)`` on the scale.
    inner : ndarray (k,)
        Variance of an area's value on the scale when coefficients and variances are known.
    mixture : Mixture or None
        With the variances integrated out; none for the model with neighbours.
    """

    fit: Any
    v: np.ndarray
    g: np.ndarray
    inner: np.ndarray
    mixture: Mixture | None

    def errors(self, scale: Scale) -> np.ndarray:
        """Mean squared errors of figures, (k, k): by formula, brought from the scale by the slopes."""
        slope = small_area_scales.slope(self.fit.estimate, self.inner, scale)
        return self.fit.mse_matrix * np.outer(slope, slope)

    def ends(
        self, level: float, df: float, scale: Scale, moved: tuple[np.ndarray, np.ndarray], stretch: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Ends of the intervals, (k,) each.

        They are found on the scale, moved as the benchmark moved the figure (from, to), and reach as
        much further as its error grew by it (`stretch`).
        """
        before, after = (small_area_scales.forward(each, np.ones_like(each), scale)[0] for each in moved)
        shift = np.where(np.isfinite(before) & np.isfinite(after), after - before, 0.0)
        middle = self.fit.estimate
        if self.mixture is None:
            half = t_quantile(0.5 + level / 2, np.array([df]))[0] * np.sqrt(self.fit.mse)
            ends = (middle - half, middle + half)
        else:
            ends = (self.mixture.quantile(0.5 - level / 2), self.mixture.quantile(0.5 + level / 2))
        low, high = (small_area_scales.back(middle + shift + (end - middle) * stretch, scale) for end in ends)
        return low, high


def fitted(
    known: Covariates, y: np.ndarray, psi: np.ndarray, sampled: np.ndarray, method: Method,
    neighbours: Neighbours | None, within: str | None,
) -> Model:  # fmt: skip
    """The model asked for."""
    if neighbours is not None:
        return _spatial(known, y, psi, sampled, neighbours, method)
    if known.group is not None:
        return _nested(known, y, psi, sampled, str(within))
    fit = small_area.fit(y, known.design, psi, method)
    v, g = np.diag(fit.variance + psi[sampled]), (np.eye(len(y)) * fit.variance)[:, sampled]
    mixture = small_area_integrated.integrated(y, known.design, psi)
    return Model(fit, v, g, fit.variance * (1 - fit.shrinkage), mixture)


def _nested(known: Covariates, y: np.ndarray, psi: np.ndarray, sampled: np.ndarray, within: str) -> Model:
    assert known.group is not None
    groups = len(np.unique(known.group[sampled]))
    if groups < LEAST_GROUPS:
        raise EstimationError(
            f"{groups} larger areas ({within!r}) hold a direct estimate; their differences can be learnt from {LEAST_GROUPS} on.",
            remedy="Leave within= out; use columns of 0 and 1 for the larger areas as covariates.",
            ar=f"عدد المناطق الأكبر ({within}) التي فيها تقدير مباشر {groups}، ويلزم {LEAST_GROUPS} على الأقل؛ استعمل "
            "النموذج دون within=.",
        )
    fit = small_area_nested.fit(y, known.design, psi, known.group)
    mixture = small_area_nested.integrated(y, known.design, psi, known.group)
    return Model(fit, fit.v, fit.g, fit.g1, mixture)


def _spatial(
    known: Covariates, y: np.ndarray, psi: np.ndarray, sampled: np.ndarray, neighbours: Neighbours, method: Method
) -> Model:
    if len(y) < LEAST_FOR_SPACE:
        raise EstimationError(
            f"A spatial model of {len(y)} areas: below {LEAST_FOR_SPACE} the correlation between neighbours cannot be "
            "told from chance, and its error makes the estimates worse.",
            remedy="Leave neighbours= out; use the region or distances as covariates.",
            ar=f"النموذج المكاني يحتاج إلى {LEAST_FOR_SPACE} منطقة على الأقل، والمتاح {len(y)}؛ فدون ذلك لا يُميَّز "
            "الارتباط بين المتجاورات عن الصدفة. استعمل النموذج دون neighbours=.",
        )
    if not sampled.all():
        lacking = known.listed(~sampled)
        raise EstimationError(
            f"The spatial model needs a direct estimate in every area; {lacking} have none.",
            remedy="Leave neighbours= out, or leave those areas out of covariates.",
            ar=f"يحتاج النموذج المكاني إلى تقدير مباشر في كل منطقة، وهذه بلا تقدير: {lacking}.",
        )
    w = weights_of(neighbours, known.codes)
    fit = small_area_spatial.fit(y, known.design, psi, w, "ml" if method == "ml" else "reml")
    if fit is None:
        raise EstimationError(
            "The likelihood of the spatial model is greatest at its edge (no differences between areas, or a "
            "correlation of one), so it says nothing of neighbours.",
            remedy="Leave neighbours= out.",
            ar="تبلغ الأرجحية أقصاها عند حدّ النموذج المكاني، فلا يفيد هنا؛ استعمل النموذج دون neighbours=.",
        )
    return Model(fit, fit.effects + np.diag(psi), fit.effects, fit.g1, None)
