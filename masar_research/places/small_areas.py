"""`Estimates.small_area`: direct estimates by area and a model for areas with few interviews."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd

from masar_research.engine import small_area as area_level
from masar_research.engine import small_area_benchmark, small_area_scales
from masar_research.engine.small_area import Method
from masar_research.engine.small_area_benchmark import Rule
from masar_research.engine.small_area_scales import Scale
from masar_research.errors import EstimationError
from masar_research.estimates import Estimates
from masar_research.places import small_areas_words as words
from masar_research.places.small_areas_data import Covariates, Direct, chosen, in_shares, matched
from masar_research.places.small_areas_models import fitted
from masar_research.places.small_areas_neighbours import Neighbours
from masar_research.places.small_areas_result import SmallAreas, finished
from masar_research.places.small_areas_wholes import TOTALS, wholes_of

Variances = Literal["smoothed", "direct"]
REPLICATES = 500
FEW_UNITS = 12


def small_area(
    estimates: Estimates, covariates: pd.DataFrame, on: str, *, terms: Sequence[str] | None = None,
    category: float | str | None = None, method: Method = "reml", transform: Scale = "identity",
    variances: Variances = "smoothed", neighbours: Neighbours | None = None,
    within: str | None = None, benchmark: Rule | None = None, shares: str | None = None,
    national: Estimates | float | None = None,
    rng: np.random.Generator | None = None, replicates: int | None = None,
) -> SmallAreas:  # fmt: skip
    """Model-based estimates for areas by the Fay–Herriot model.

    ``y_i = x_i'β + v_i + e_i``: the direct estimate of an area is drawn towards what areas like it
    have, the more the fewer its interviews, ``θ̂_i = γ_i y_i + (1 − γ_i) x_i'β̂``.

    Parameters
    ----------
    estimates : Estimates
        Shares, means, ratios or totals, one row per area, with their design-based variances.
    covariates : DataFrame, k rows
        One row per area: the column `on` and numbers known for every area from elsewhere. Areas
        without a direct estimate get a synthetic one, and are marked.
    on : str
        The column of areas, in both.
    terms : sequence of str, optional
        The columns used; every column but `on` and `shares` if left out. ``[]`` fits a mean only.
    category : code, optional
        Which category of a share; needed where there are several.
    method : {"reml", "ml", "li_lahiri", "yoshimori_lahiri"}
        REML and ML that give a variance of zero are answered by the adjusted likelihood of
        Yoshimori and Lahiri; the note says so.
    transform : {"identity", "log", "logit", "arcsine"}
        Scale of the model; figures come back by their expectation, not by the bare inverse.
    variances : {"smoothed", "direct"}
        Sampling variances from a generalised variance function of n, or as estimated. Variances of
        zero, and those a single unit cannot give, are always smoothed ones.
    neighbours : mapping, DataFrame or GeoDataFrame, optional
        Makes area effects follow a simultaneous autoregression: area → its neighbours, a square
        table of zeros and ones, or shapes (`contiguity`). Thirty areas at least.
    within : str, optional
        Column of `covariates` with the larger area each area lies in (the governorate of a district).
        The model gets an effect of the larger area, so that areas without interviews learn from it,
        and the benchmark is met in each larger area. Five larger areas with direct estimates at least.
    benchmark : {"ratio", "difference"}, optional
        Brings the weighted sum of the areas to the whole.
    shares : str, optional
        Column of `covariates` with the population the figure counts, by area; with `benchmark`.
    national : Estimates of one row, or float, optional
        The whole to be met; by default the sum of the direct estimates under `shares`. With `within`:
        estimates by that column. A larger area without a direct estimate is left as the model has it.
    rng : numpy.random.Generator, optional
        Mean squared errors by parametric bootstrap instead.
    replicates : int, optional
        Of the bootstrap; 500.

    Returns
    -------
    SmallAreas
        kind ``"model_based_proportion"`` or ``"model_based"``; ``std_error`` is the root of the mean
        squared error, ``n`` the interviews of the area (0: synthetic); intervals with the variances
        of the model integrated out of their likelihood.

    Raises
    ------
    EstimationError
        Areas that do not match, twice or without covariates (named), collinear or too many
        covariates, no positive variance, a share outside 0–1, fewer than thirty areas with
        neighbours, fewer than five larger areas.

    Notes
    -----
    Sources: Fay and Herriot (1979); Prasad and Rao (1990); Datta and Lahiri (2000); Rao and Molina
    (2015), ch. 6. An area with fewer than five interviews takes no part in the fit and gets a
    synthetic estimate, so that its few answers cannot be worked out. Direct estimates of different
    areas are taken as independent. What is assumed stands in ``docs/methods/small_areas.md``.

    Examples
    --------
    >>> import numpy as np, pandas as pd, masar_research as mr
    >>> rng = np.random.default_rng(1)
    >>> area = np.repeat(np.arange(12), 40)
    >>> frame = pd.DataFrame({"w": 1.0, "area": area, "psu": np.arange(480) // 8,
    ...                       "y": 3 + 0.1 * area + rng.normal(size=480)})
    >>> direct = mr.Survey(frame, weights="w", psu="psu").mean("y", by="area")
    >>> known = pd.DataFrame({"area": range(13), "x": range(13)})
    >>> found = direct.small_area(known, on="area")
    >>> found.kind, len(found), int(found.frame["n"].iloc[-1])
    ('model_based', 13, 0)
    """
    _check(method, transform, variances, benchmark, shares, national, neighbours, within, rng, replicates)
    direct = chosen(estimates, on, category)
    if benchmark and direct.kind not in TOTALS:
        _needs_shares(shares)
    known = matched(direct, covariates, on, terms, shares, within)
    y, psi, facts = _scaled(direct, known, transform, variances)
    sampled = np.isfinite(y)
    _enough(known, sampled)
    model = fitted(known, y, psi, sampled, method, neighbours, within)
    fit = model.fit
    facts |= words.of_fit(model, known.codes[~sampled], int(sampled.sum()), direct.few)
    wholes, left = None, ()
    if benchmark:
        wholes, left = wholes_of(direct, known, sampled, national, benchmark, within)
    before = small_area_scales.expected(fit.estimate, model.inner, transform)
    if wholes is not None:
        facts |= words.of_benchmark(wholes.rule, before @ wholes.shares, wholes.whole, left, within)
    drawn = None
    if rng is not None:
        number = replicates or REPLICATES
        facts |= words.of_bootstrap(number)
        drawn = small_area_benchmark.bootstrap(
            fit, known.design, psi, sampled, method=method, scale=transform, wholes=wholes, replicates=number, rng=rng
        )
    elif transform != "identity":
        facts |= words.BY_SLOPE
    errors = drawn.errors if drawn else model.errors(transform)
    estimate, stretch = before, np.ones(len(y))
    if wholes is not None:
        estimate = wholes.brought(before, wholes.whole)
        if drawn:
            stretch = np.sqrt(np.diag(errors) / drawn.before)
        else:
            slopes = (
                small_area_scales.slope(fit.estimate, model.inner, transform),
                small_area_scales.slope(y[sampled], np.zeros(int(sampled.sum())), transform),
            )
            after = small_area_benchmark.errors_after(errors, fit.matrix, model.v, model.g, before, wholes, slopes)
            stretch, errors = np.sqrt(np.diag(after) / np.diag(errors)), after
    share = direct.kind == "proportion"
    if share:
        estimate = in_shares(estimate, known.codes)
    df = float(sampled.sum() - known.design.shape[1])
    low, high = model.ends(estimates.level, df, transform, (before, estimate), stretch)
    if share:
        low, high = np.clip(low, 0, 1), np.clip(high, 0, 1)
    return finished(
        estimates, direct, known, fit, sampled=sampled, estimate=estimate, errors=errors, low=low,
        high=high, df=df, psi=psi, note={**estimates.note, **facts, "transform": words.SCALES[transform]},
        synthetic=small_area_scales.expected(fit.synthetic, np.full(len(y), fit.variance), transform),
    )  # fmt: skip


def _check(
    method: str, transform: str, variances: str, benchmark: str | None, shares: str | None,
    national: object, neighbours: object, within: object, rng: object, replicates: int | None,
) -> None:  # fmt: skip
    offered: Mapping[str, tuple[object, tuple[Any, ...]]] = {
        "method": (method, area_level.METHODS), "transform": (transform, small_area_scales.SCALES),
        "variances": (variances, get_args(Variances)),
        "benchmark": (benchmark, (None, *small_area_benchmark.RULES)),
    }  # fmt: skip
    for name, (given, allowed) in offered.items():
        if given not in allowed:
            raise EstimationError(
                f"{name}={given!r} is not known.",
                remedy=f"Use one of {', '.join(str(each) for each in allowed)}.",
                ar=f"القيمة «{given}» غير معروفة للخيار {name}؛ استعمل إحدى القيم: {'، '.join(map(str, allowed))}.",
            )
    if not benchmark and (shares or national is not None):
        raise EstimationError(
            "shares= and national= are for a benchmark, and none was asked for.",
            remedy="Pass benchmark='ratio' or 'difference', or leave them out.",
            ar="الخياران shares= و national= للمواءمة فقط، ولم تُطلب مواءمة.",
        )
    if rng is not None and not isinstance(rng, np.random.Generator):
        raise EstimationError(
            f"rng= takes a numpy Generator; found {type(rng).__name__}.",
            remedy="Pass rng=np.random.default_rng(seed), and report the seed.",
            ar="يلزم مولّد أعداد عشوائية: rng=np.random.default_rng(seed).",
        )
    if replicates is not None and (rng is None or replicates < 50):
        raise EstimationError(
            f"replicates={replicates} is for the bootstrap, which needs rng= and fifty replicates at least.",
            remedy="Pass rng=np.random.default_rng(seed) and replicates of 200 or more.",
            ar="عدد التكرارات للمعاينة المكررة فقط، وتحتاج إلى rng= وإلى 50 تكراراً على الأقل.",
        )
    if within is not None and (neighbours is not None or rng is not None or method != "reml"):
        raise EstimationError(
            "The model of areas within larger ones is fitted by REML, without neighbours and without bootstrap.",
            remedy="Leave neighbours=, rng= and method= out, or leave within= out.",
            ar="نموذج المناطق داخل مناطق أكبر متاح بطريقة REML فقط، دون neighbours= ودون rng=.",
        )
    if neighbours is None:
        return
    if transform != "identity" or rng is not None or method not in ("reml", "ml"):
        raise EstimationError(
            "The model with neighbours is fitted on the figures themselves, by REML or ML, with errors by formula.",
            remedy="Leave transform=, rng= and adjusted methods out, or leave neighbours= out.",
            ar="النموذج المكاني متاح على الأرقام نفسها وبطريقتي REML و ML فقط.",
        )


def _needs_shares(shares: str | None) -> None:
    if not shares:
        raise EstimationError(
            "benchmark= needs to know how much each area counts.",
            remedy="Name in shares= the column of covariates with the population of each area the figure is about.",
            ar="تحتاج المواءمة مع الرقم الوطني إلى حصة كل منطقة؛ سمِّ عمود السكان في shares=.",
        )


def _scaled(
    direct: Direct, known: Covariates, transform: Scale, variances: Variances
) -> tuple[np.ndarray, np.ndarray, dict[str, Any]]:
    """Direct estimates and sampling variances on the scale, (k,), and what was done to them."""
    y, own = small_area_scales.forward(known.spread(direct.estimate), known.spread(direct.variance), transform)
    n = known.spread(direct.n)
    known_variance = np.where(own > 0, own, np.nan)
    df = known.spread(direct.df)
    smooth = small_area_scales.smooth(known_variance, np.nan_to_num(n), df)
    if smooth is None:
        raise EstimationError(
            "None of the direct estimates has a sampling variance above zero, so the model cannot tell noise from "
            "difference.",
            remedy="Estimate with the design (strata, PSUs) in the survey, or by larger areas.",
            ar="لا يوجد لأي تقدير مباشر تباين معاينة أكبر من الصفر، فلا يمكن تقدير النموذج. تحقق من تصميم المسح أو "
            "استعمل مناطق أكبر.",
        )
    usable = np.isfinite(y) & np.isfinite(smooth.variance) & np.isfinite(n)
    psi = smooth.variance
    if variances == "direct":
        psi = np.where(np.isfinite(known_variance), known_variance, smooth.variance)
    replaced = known.codes[usable & ~np.isfinite(known_variance)]
    facts = words.of_variances(variances, smooth, replaced)
    if variances == "direct" and np.nanmedian(df[usable]) < FEW_UNITS:
        facts |= words.FEW_UNITS
    return np.where(usable, y, np.nan), np.where(usable, psi, np.nan), facts


def _enough(known: Covariates, sampled: np.ndarray) -> None:
    m, p = int(sampled.sum()), known.design.shape[1]
    if m < p + 3:
        raise EstimationError(
            f"{m} areas have a usable direct estimate; a model with {p} coefficients needs {p + 3} at least.",
            remedy="Use fewer covariates (terms=[...]), or smaller areas.",
            ar=f"عدد المناطق ذات التقدير المباشر {m}، ويحتاج نموذج بعدد {p} من المعاملات إلى {p + 3} على الأقل. "
            "قلّل المتغيرات المساعدة.",
        )
    known.check_rank(sampled)
