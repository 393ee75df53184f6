"""`SmallAreas`: model-based estimates that say what they are, beside the direct ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from masar_research.engine.distributions import t_quantile
from masar_research.estimates import Estimates, assemble
from masar_research.places.small_areas_data import Covariates, Direct

if TYPE_CHECKING:
    import geopandas as gpd

    from masar_research.present import Art


TELLING = 0.9
OF = {
    "proportion": "نسبة", "mean": "متوسط", "ratio": "نسبة بين مجموعين", "total": "مجموع", "count": "عدد",
    "mean_of_shares": "متوسط حصص", "quantile": "مئين",
}  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class SmallAreas(Estimates):
    """Estimates of areas that a model made; every table, chart and map says so.

    Attributes
    ----------
    frame : DataFrame, k rows
        As in `Estimates`: ``std_error`` is the root of the mean squared error; ``n`` the interviews
        of the area that took part, 0 where the estimate is synthetic.
    vcov : ndarray (k, k)
        Mean squared errors, and mean products of the errors of two areas.
    kind : str
        ``"model_based_proportion"`` or ``"model_based"``; ``note["model_of"]`` says of what.
    areas : DataFrame, k rows
        ``direct, direct_std_error, sampling_variance`` (as used, on the scale of the model),
        ``shrinkage`` (weight of the area's own answers), ``synthetic, source`` (``model`` or
        ``synthetic``).
        Where its own answers weigh nine tenths or more, a share is withheld for confidentiality as
        the direct one would be.
    coefficients : DataFrame, p rows
        ``term, label_en, label_ar, estimate, std_error, conf_low, conf_high``, on the scale of the model.
    direct : Estimates
        The direct estimates it started from.
    """

    areas: pd.DataFrame = field(default_factory=pd.DataFrame)
    coefficients: pd.DataFrame = field(default_factory=pd.DataFrame)
    direct: Estimates | None = None

    def __repr__(self) -> str:
        return f"<{len(self)} model-based estimates ({self.note['model_of']['en']}) by {', '.join(self.by)}>"

    def side_by_side(self, lang: str = "en", profile: str = "nchs", shapes: gpd.GeoDataFrame | None = None) -> Art:
        """Maps on one scale, direct and model-based, with how uncertain every figure is.

        Each goes through the release gate by itself: a direct estimate too unreliable to be shown is
        hatched beside the model-based one that may be. Twelve governorates carry their names, figures
        and intervals; districts are coloured, and two more maps beneath show half of each interval.

        Parameters
        ----------
        lang : {"ar", "en"}
        profile : str
        shapes : GeoDataFrame, optional
            ``code, en, ar, governorate, geometry`` as from `places.districts`. Left out, the installed
            boundaries (governorates: else tiles). Areas are found by code, or by their Arabic label.

        Raises
        ------
        EstimationError, DataError
            No shares, no shapes of these areas installed, areas that have no shape (named).

        Examples
        --------
        >>> rates.small_area(known, on="governorate").side_by_side("ar")     # doctest: +SKIP
        """
        from masar_research.places.small_areas_maps import side_by_side

        return side_by_side(self, lang, profile, shapes)

    def compared(self, lang: str = "en", profile: str = "nchs") -> Art:
        """Direct and model-based estimates of every area on one scale, with their intervals.

        Examples
        --------
        >>> rates.small_area(known, on="governorate").compared("en")     # doctest: +SKIP
        """
        from masar_research.places.small_areas_maps import compared

        return compared(self, lang, profile)


def finished(
    estimates: Estimates, direct: Direct, known: Covariates, fit: Any, *, sampled: np.ndarray,
    estimate: np.ndarray, errors: np.ndarray, low: np.ndarray, high: np.ndarray, df: float,
    psi: np.ndarray, synthetic: np.ndarray, note: Mapping[str, Any],
) -> SmallAreas:  # fmt: skip
    """The result of the area-level models."""
    first = estimates.frame.iloc[direct.rows[0]]
    head = pd.DataFrame({known.on: known.codes})
    head[known.on] = head[known.on].infer_objects()
    for name in ("variable", "category"):
        if name in estimates.frame.columns:
            head[name] = first[name]
    n = np.where(sampled, np.nan_to_num(known.spread(direct.n)), 0.0)
    own = known.spread(direct.estimate)
    count, classes = known.spread(direct.count), None
    if direct.kind == "proportion":
        classes = np.where(sampled & (fit.shrinkage >= TELLING), count, np.nan)
    table = pd.DataFrame({
        known.on: head[known.on], "direct": own, "direct_std_error": np.sqrt(known.spread(direct.variance)),
        "sampling_variance": psi, "shrinkage": fit.shrinkage, "synthetic": synthetic,
        "source": np.where(sampled, "model", "synthetic"),
    })  # fmt: skip
    coef, spread = known.back @ fit.coef, known.back @ fit.coef_cov @ known.back.T
    return result(
        head, estimate, errors, low, high, df=df, n=n, of=direct.kind, note=note, areas=table,
        coefficients=told(known.terms, coef, spread, df, estimates.level), direct=estimates,
        by=(known.on,), codebook=estimates.codebook, level=estimates.level, classes=classes,
    )  # fmt: skip


def told(terms: tuple[str, ...], coef: np.ndarray, cov: np.ndarray, df: float, level: float) -> pd.DataFrame:
    """Coefficients with their intervals; the constant first."""
    error = np.sqrt(np.diag(cov))
    reach = t_quantile(0.5 + level / 2, np.array([df]))[0] * error
    return pd.DataFrame({
        "term": ("Intercept", *terms), "label_en": ("Constant", *terms), "label_ar": ("الثابت", *terms), "estimate": coef, "std_error": error, "conf_low": coef - reach, "conf_high": coef + reach,
    })  # fmt: skip


def result(
    head: pd.DataFrame, estimate: np.ndarray, errors: np.ndarray, low: np.ndarray, high: np.ndarray, *,
    df: float, n: np.ndarray, of: str, note: Mapping[str, Any], areas: pd.DataFrame,
    coefficients: pd.DataFrame, direct: Estimates | None, by: tuple[str, ...], codebook: Any, level: float,
    classes: np.ndarray | None = None,
) -> SmallAreas:  # fmt: skip
    """Model-based figures as `SmallAreas`, judged by the release gate."""
    spread = np.diag(errors)
    share = of == "proportion"
    with np.errstate(divide="ignore", invalid="ignore"):
        n_eff = estimate * (1 - estimate) / spread if share else np.full(len(estimate), np.nan)
    statistics = {
        "estimate": estimate, "std_error": np.sqrt(spread), "conf_low": np.minimum(low, estimate),
        "conf_high": np.maximum(high, estimate), "df": np.full(len(estimate), df), "n": n.astype(int),
        "n_eff": n_eff, "deff": np.full(len(estimate), np.nan),
    }  # fmt: skip
    if classes is not None:
        statistics["count"] = classes
    made = assemble(
        head, statistics, errors, kind="model_based_proportion" if share else "model_based", by=by,
        note={**note, "model_of": {"en": of, "ar": OF[of]}}, codebook=codebook, level=level,
    )  # fmt: skip
    return SmallAreas(
        frame=made.frame, vcov=made.vcov, kind=made.kind, by=made.by, note=made.note, codebook=codebook,
        level=level, areas=areas, coefficients=coefficients, direct=direct,
    )  # fmt: skip
