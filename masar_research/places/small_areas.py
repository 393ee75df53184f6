"""`Estimates.small_area`: direct estimates by area and a model for areas with few interviews."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd

from masar_research.engine import small_area as area_level
from masar_research.engine import small_area_benchmark, small_area_scales, small_area_spatial
from masar_research.engine.distributions import t_quantile
from masar_research.engine.small_area import Method
from masar_research.engine.small_area_benchmark import Rule
from masar_research.engine.small_area_scales import Scale
from masar_research.errors import EstimationError
from masar_research.estimates import Estimates
from masar_research.places import small_areas_words as words
from masar_research.places.small_areas_data import Covariates, Direct, chosen, in_shares, matched
from masar_research.places.small_areas_neighbours import Neighbours, weights_of
from masar_research.places.small_areas_result import SmallAreas, finished

Variances = Literal["smoothed", "direct"]
LEAST_FOR_SPACE = 30
REPLICATES = 500
TOTALS = ("total", "count")


def small_area(
    estimates: Estimates, covariates: pd.DataFrame, on: str, *, terms: Sequence[str] | None = None,
    category: float | str | None = None, method: Method = "reml", transform: Scale = "identity",
    variances: Variances = "smoothed", neighbours: Neighbours | None = None,
    benchmark: Rule | None = None, shares: str | None = None, national: Estimates | float | None = None,
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
        Scale of the model; figures come back by their expectation, not by the bare inverse. Other
        scales than the identity need `rng`.
    variances : {"smoothed", "direct"}
        Sampling variances from a generalised variance function of n, or as estimated. Variances of
        zero, and those a single unit cannot give, are always smoothed ones.
    neighbours : mapping, DataFrame or GeoDataFrame, optional
        Makes area effects follow a simultaneous autoregression: area → its neighbours, a square
        table of zeros and ones, or shapes (`contiguity`). Thirty areas at least.
    benchmark : {"ratio", "difference"}, optional
        Brings the weighted sum of the areas to the whole.
    shares : str, optional
        Column of `covariates` with the population the figure counts, by area; with `benchmark`.
    national : Estimates of one row, or float, optional
        The whole to be met; by default the sum of the direct estimates under `shares`.
    rng : numpy.random.Generator, optional
        Mean squared errors by parametric bootstrap instead of the formula.
    replicates : int, optional
        Of the bootstrap; 500.

    Returns
    -------
    SmallAreas
        kind ``"model_based_proportion"`` or ``"model_based"``; ``std_error`` is the root of the mean
        squared error, ``n`` the interviews of the area (0: synthetic), intervals by t with as many
        degrees of freedom as areas in the fit less coefficients.

    Raises
    ------
    EstimationError
        Areas that do not match, twice or without covariates (named), collinear or too many
        covariates, no positive variance, a share outside 0–1, fewer than thirty areas with
        neighbours, a scale without `rng`.

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
    _check(method, transform, variances, benchmark, shares, national, neighbours, rng, replicates)
    direct = chosen(estimates, on, category)
    if benchmark and direct.kind not in TOTALS:
        _needs_shares(shares)
    known = matched(direct, covariates, on, terms, shares)
    y, psi, facts = _scaled(direct, known, transform, variances)
    sampled = np.isfinite(y)
    _enough(known, sampled)
    x = known.design
    if neighbours is None:
        fit: Any = area_level.fit(y, x, psi, method)
        v, g = np.diag(fit.variance + psi[sampled]), (np.eye(len(y)) * fit.variance)[:, sampled]
    else:
        fit, v, g = _spatial(known, y, psi, sampled, neighbours, method)
    facts |= words.of_fit(fit, known.codes[~sampled], int(sampled.sum()), direct.few)
    whole, held, inside = _whole(direct, known, sampled, national) if benchmark else (None, None, None)
    errors = fit.mse_matrix
    inner = fit.variance * (1 - fit.shrinkage) if neighbours is None else fit.g1
    estimate = small_area_scales.expected(fit.estimate, inner, transform)
    before = estimate
    if benchmark and whole is not None and held is not None and inside is not None:
        facts |= words.of_benchmark(benchmark, float(estimate @ held), whole)
        if transform == "identity":
            brought = small_area_benchmark.benchmark(fit, v, g, held, inside, whole, benchmark)
            estimate, errors = brought.estimate, brought.mse_matrix
        else:
            estimate = small_area_benchmark.brought(estimate, held, whole, benchmark)
    on_scale = fit.mse
    if rng is not None:
        number = replicates or REPLICATES
        facts |= words.of_bootstrap(number)
        errors, on_scale = small_area_benchmark.bootstrap(
            fit, x, psi, sampled, method=method, scale=transform, shares=held, held=inside,
            rule=benchmark, replicates=number, rng=rng,
        )  # fmt: skip
    df = float(sampled.sum() - x.shape[1])
    reach = t_quantile(0.5 + estimates.level / 2, np.array([df]))[0]
    if transform == "identity":
        half = reach * np.sqrt(np.diag(errors))
        low, high = estimate - half, estimate + half
    else:
        ends = [fit.estimate + sign * reach * np.sqrt(on_scale) for sign in (-1, 1)]
        low, high = (_moved(small_area_scales.back(end, transform), before, estimate, benchmark) for end in ends)
    if direct.kind == "proportion":
        estimate, low, high = in_shares(estimate, known.codes), np.clip(low, 0, 1), np.clip(high, 0, 1)
    return finished(
        estimates, direct, known, fit, sampled=sampled, estimate=estimate, errors=errors, low=low,
        high=high, df=df, psi=psi, note={**estimates.note, **facts, "transform": words.SCALES[transform]},
        synthetic=small_area_scales.expected(fit.synthetic, np.full(len(y), fit.variance), transform),
    )  # fmt: skip


def _moved(end: np.ndarray, before: np.ndarray, after: np.ndarray, rule: Rule | None) -> np.ndarray:
    """An end of the interval, moved with its estimate."""
    if rule == "ratio":
        return end * after / before
    return end + (after - before)


def _check(
    method: str, transform: str, variances: str, benchmark: str | None, shares: str | None,
    national: object, neighbours: object, rng: object, replicates: int | None,
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
    if transform != "identity" and rng is None:
        raise EstimationError(
            f"On the scale {transform!r} the mean squared error is found by drawing lots, and rng= is missing.",
            remedy="Pass rng=np.random.default_rng(seed), and report the seed.",
            ar="على هذا المقياس يُحسب متوسط مربع الخطأ بالمحاكاة؛ مرّر rng=np.random.default_rng(seed).",
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
    smooth = small_area_scales.smooth(known_variance, np.nan_to_num(n))
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


def _spatial(
    known: Covariates, y: np.ndarray, psi: np.ndarray, sampled: np.ndarray, neighbours: Neighbours, method: Method
) -> tuple[Any, np.ndarray, np.ndarray]:
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
    return fit, fit.effects + np.diag(psi), fit.effects


def _whole(
    direct: Direct, known: Covariates, sampled: np.ndarray, national: Estimates | float | None
) -> tuple[float, np.ndarray, np.ndarray]:
    """The whole to be met, the share of each area in it, and those of the areas with a direct estimate."""
    held = np.ones(len(sampled))
    inside = held[sampled]
    if direct.kind not in TOTALS and known.shares is not None:
        held = known.shares / known.shares.sum()
        inside = held[sampled] / held[sampled].sum()
    if national is None:
        return float(known.spread(direct.estimate)[sampled] @ inside), held, inside
    if isinstance(national, Estimates):
        if len(national) != 1 or national.kind != direct.kind:
            raise EstimationError(
                f"national= is one estimate of kind {direct.kind!r}; found {len(national)} rows of kind "
                f"{national.kind!r}.",
                remedy="Pass the same estimate without by=.",
                ar="يلزم في national= تقدير وطني واحد من النوع نفسه: أعد التقدير دون by=.",
            )
        return float(national.frame["estimate"].iloc[0]), held, inside
    return float(national), held, inside
