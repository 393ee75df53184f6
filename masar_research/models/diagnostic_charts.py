"""Charts of residuals and influence. No single person is drawn: bins, cells, quantiles and PSUs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from masar_research.engine import linearized
from masar_research.engine.distributions import t_quantile
from masar_research.engine.sandwich import fitted_degrees
from masar_research.engine.variance import covariance
from masar_research.errors import ModelError
from masar_research.models.diagnostics import residuals, weighted_quantiles
from masar_research.models.fit_statistics import risk_groups
from masar_research.present.charts.two_scales import Cell, Drawn, Spot, two_scales
from masar_research.showing import check_language

if TYPE_CHECKING:
    from masar_research.models.model import SurveyModel
    from masar_research.present.art import Art

Plot = Literal["binned", "fitted", "qq", "calibration"]
PLOTS: tuple[Plot, ...] = ("binned", "fitted", "qq", "calibration")
_FEWEST, _MOST_BINS, _GRID, _LABELLED = 30, 20, 24, 5
_THIN = 5
_WORDS = {
    "fitted": ("Fitted mean", "المتوسط المقدّر"),
    "probability": ("Predicted probability", "الاحتمال المتوقع"),
    "observed": ("Observed share", "النسبة المشاهدة"),
    "mean_observed": ("Observed mean", "المتوسط المشاهد"),
    "residual": ("Mean residual (observed less fitted)", "متوسط البواقي (المشاهد ناقص المقدّر)"),
    "points": ("Mean residual (observed less predicted), percentage points",
               "متوسط البواقي (المشاهد ناقص المتوقع)، نقطة مئوية"),
    "linear": ("Linear predictor", "المتنبئ الخطي"),
    "pearson": ("Pearson residual", "باقي بيرسون"),
    "normal": ("Quantiles of the standard normal", "رتب التوزيع الطبيعي المعياري"),
    "quantile": ("Weighted quantiles of the residuals", "رتب البواقي المرجّحة"),
    "bin": ("group of persons with like predictions", "مجموعة أفراد متقاربة توقعاتهم"),
    "interval": ("its confidence interval, by the design", "فترة ثقتها بحسب التصميم"),
    "zero": ("no misfit", "لا اختلاف"),
    "equal": ("equality", "تساوٍ"),
    "smooth": ("weighted smoother", "منحنى ممهّد مرجّح"),
    "cells": ("weight of persons; cells of fewer than 5 left out", "أوزان الأفراد؛ حُذفت الخلايا التي تقل عن 5"),
    "leverage": ("Leverage of the sampling unit (sum over its persons)", "رافعة وحدة المعاينة (مجموع أفرادها)"),
    "cook": ("Distance of the coefficients without it", "مسافة المعاملات من دونها"),
    "psu": ("sampling unit", "وحدة معاينة"),
    "far": ("above the cut-off, with its code", "فوق الحد، مع رمزها"),
    "probability_scale": ("Mean probability-scale residual (above 0: answers higher than predicted)",
                          "متوسط بواقي مقياس الاحتمال (ما فوق الصفر: إجابات أعلى من المتوقع)"),
    "martingale": ("Mean martingale residual (events less those expected, per person)",
                   "متوسط بواقي مارتنغيل (الأحداث ناقص المتوقع منها، لكل فرد)"),
    "schoenfeld": ("Coefficient over time (scaled Schoenfeld residuals)", "المعامل عبر الزمن (بواقي شونفيلد المقيسة)"),
    "time": ("Time", "الزمن"),
    "constant": ("the model's coefficient", "معامل النموذج"),
    "cut": ("cut-off, 4 over the number of units", "الحد: 4 على عدد الوحدات"),
}


def plot_residuals(
    model: SurveyModel, lang: str = "en", kind: str = "binned", rng: np.random.Generator | None = None
) -> Art:
    """Draw the residuals of a model.

    Parameters
    ----------
    model : SurveyModel
    lang : {"en", "ar"}
    kind : {"binned", "fitted", "qq", "calibration"}
        Weighted mean residual by groups of fitted means, with design-based intervals; Pearson
        residuals against the linear predictor as shaded cells with a weighted local linear smoother;
        quantiles of quantile residuals against the normal; observed against predicted means of
        groups.
    rng : numpy.random.Generator, optional
        For the "qq" of an outcome with steps.

    Returns
    -------
    Art

    Raises
    ------
    ModelError
        Unknown kind; a generator where nothing is drawn at random; too few rows for three groups.

    References
    ----------
    Gelman and Hill (2007), ch. 5 (binned residuals); Dunn and Smyth (1996).

    Examples
    --------
    >>> model.plot_residuals("ar", kind="calibration")               # doctest: +SKIP
    """
    check_language(lang)
    if kind not in PLOTS:
        raise ModelError(f"kind={kind!r} is no plot of residuals.", remedy=f"Use one of {', '.join(PLOTS)}.",
                         ar=f"نوع الرسم غير معروف؛ الأنواع: \u2066{', '.join(PLOTS)}\u2069.")
    if rng is not None and kind != "qq":
        raise ModelError(f"The {kind} plot draws nothing at random.", remedy="Leave rng out.",
                         ar="لا سحب عشوائي في هذا الرسم؛ احذف rng.")
    if kind in ("binned", "calibration"):
        return two_scales(_grouped(model, lang, kind == "calibration"), lang)
    return two_scales(_cells(model, lang) if kind == "fitted" else _normal(model, lang, rng), lang)


def plot_influence(model: Any, lang: str = "en") -> Art:
    """Draw how far each sampling unit moves the coefficients, against its leverage.

    Parameters
    ----------
    model : a fitted model with ``influence()``
    lang : {"en", "ar"}

    Returns
    -------
    Art
        Units above 4/m carry their code, five at most.

    Raises
    ------
    ModelError
        A design without PSUs; a penalised fit.

    Examples
    --------
    >>> model.plot_influence("en")                                   # doctest: +SKIP
    """
    check_language(lang)
    found = model.influence()
    if found.psus.empty:
        raise ModelError("The design has no primary sampling units to draw.",
                         remedy="Look at model.influence().cook for persons; they are not drawn.",
                         ar="لا وحدات معاينة أولية في التصميم لتُرسم؛ لا يُرسم الأفراد.")
    cut = found.cutoffs["psu_cook"]
    keys = found.note["psu_columns"]
    spots = []
    for place, row in enumerate(found.psus.dropna(subset="cook").to_dict("records")):
        far = row["cook"] > cut
        label = f"{row[keys[-1]]:g}" if isinstance(row[keys[-1]], float) else str(row[keys[-1]])
        spots.append(Spot(row["leverage"], row["cook"], label=label if far and place < _LABELLED else "", strong=far))
    signs = [("spot", say("psu", lang)), ("reference", say("cut", lang))]
    if any(spot.strong for spot in spots):
        signs.insert(1, ("strong", say("far", lang)))
    return two_scales(Drawn(say("leverage", lang), say("cook", lang), tuple(spots), reference=cut, keys=tuple(signs)), lang)


def say(name: str, lang: str) -> str:
    """Words of a chart."""
    return _WORDS[name][lang == "ar"]


def groups_of(model: SurveyModel) -> np.ndarray:
    """(n,) group of each fitted row by its fitted mean, −1 outside: at least 30 rows on average, 20 at most."""
    return groups_by(model, model.fit.mu)


def groups_by(model: Any, predicted: np.ndarray) -> np.ndarray:
    """(n,) group of each fitted row by a prediction (n,), −1 outside: at least 30 rows on average, 20 at most."""
    fit = model.fit
    wanted = int(np.clip(fit.n_used // _FEWEST, 1, _MOST_BINS))
    place = risk_groups(predicted, fit.weights, fit.used, wanted)
    if place.max() < 1:
        raise ModelError(f"{fit.n_used} rows and their fitted means make no two groups to compare.",
                         remedy="Add predictors, or look at model.residuals().",
                         ar="لا تكفي السجلات أو القيم المقدّرة لتكوين مجموعتين؛ أضف متغيرات مفسرة.")
    return place


def _grouped(model: SurveyModel, lang: str, calibration: bool) -> Drawn:
    fit, y = model.fit, model.matrix.y
    share = model.family.split(" ")[0] in ("binomial", "probit", "cloglog")
    upward = say(
        ("observed" if share else "mean_observed") if calibration else ("points" if share else "residual"), lang
    )
    return binned(model, fit.mu, y if calibration else y - fit.mu, lang, calibration=calibration, share=share,
                  across=say("probability" if share else "fitted", lang), upward=upward)


def binned(
    model: Any, predicted: np.ndarray, values: np.ndarray, lang: str, *, across: str, upward: str,
    calibration: bool = False, share: bool = False,
) -> Drawn:  # fmt: skip
    """Weighted means of values by groups of like predictions, with design-based t intervals.

    Parameters
    ----------
    model : a fitted model
    predicted, values : (n,) float arrays
        NaN outside the fitted rows.
    lang : {"en", "ar"}
    across, upward : str
        What the scales show.
    calibration : bool
        Compare with equality instead of with 0.
    share : bool
        Predictions are probabilities.
    """
    fit, design = model.fit, model.survey.design
    place = groups_by(model, predicted)
    k = int(place.max()) + 1
    shown, known = np.where(fit.used, values, 0.0), np.where(fit.used, predicted, 0.0)
    means = linearized.mean(design, shown, domain=place, n_domains=k, mask=fit.used)
    middle = np.bincount(place[fit.used], (fit.weights * known)[fit.used], k) / means.sum_weights
    error = np.sqrt(np.maximum(np.diag(covariance(design, means.totals)), 0.0))
    df = fitted_degrees(design, fit.used)
    reach = float(t_quantile((1 + model.level) / 2, df)) * error if df > 0 else np.full(k, np.nan)
    low, high = means.estimate - reach, means.estimate + reach
    if calibration and share:
        low, high = np.clip(low, 0, 1), np.clip(high, 0, 1)
    spots = tuple(
        Spot(x, y_, lo if np.isfinite(lo) else None, hi if np.isfinite(hi) else None)
        for x, y_, lo, hi in zip(middle, means.estimate, low, high, strict=True)
    )
    keys = (("spot", say("bin", lang)), ("whisker", say("interval", lang)),
            ("reference", say("equal" if calibration else "zero", lang)))
    return Drawn(across, upward, spots, reference="diagonal" if calibration else "zero", keys=keys,
                 unit="percent" if share else "number",
                 upward_unit=("percent" if calibration else "points") if share else "number")


def _cells(model: SurveyModel, lang: str) -> Drawn:
    rows = model.fit.used
    return shaded(model.fit.eta[rows], residuals(model, "pearson").values[rows], model.fit.weights[rows], lang,
                  across=say("linear", lang), upward=say("pearson", lang), reference=("zero", say("zero", lang)))


def shaded(
    x: np.ndarray, y: np.ndarray, w: np.ndarray, lang: str, *, across: str, upward: str,
    reference: tuple[Literal["zero"] | float, str],
) -> Drawn:  # fmt: skip
    """Persons as shaded cells of at least five, with a weighted smoother.

    Parameters
    ----------
    x, y, w : (n,) float arrays
    lang : {"en", "ar"}
    across, upward : str
        What the scales show.
    reference : tuple
        A level line, and its words.
    """
    ends = weighted_quantiles(y, w, np.array([0.005, 0.995]))
    sides = np.linspace(x.min(), x.max() + 1e-9, _GRID + 1), np.linspace(*_stretched(*ends), _GRID + 1)
    count, _, _ = np.histogram2d(x, y, bins=sides)
    mass, _, _ = np.histogram2d(x, y, bins=sides, weights=w)
    mass = np.where(count >= _THIN, mass, 0.0)
    top = mass.max() or 1.0
    cells = tuple(
        Cell(sides[0][i], sides[0][i + 1], sides[1][j], sides[1][j + 1], float(np.sqrt(mass[i, j] / top)))
        for i, j in zip(*np.nonzero(mass), strict=True)
    )
    keys = (("cells", say("cells", lang)), ("line", say("smooth", lang)), ("reference", reference[1]))
    return Drawn(across, upward, cells=cells, line=smooth(x, y, w), reference=reference[0], keys=keys)


def _stretched(low: float, high: float) -> tuple[float, float]:
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def smooth(x: np.ndarray, y: np.ndarray, w: np.ndarray, points: int = 40) -> tuple[tuple[float, float], ...]:
    """Weighted local linear regression, Gaussian kernel, between the first and last weighted hundredth.

    The bandwidth is Silverman's, 1.06 s n_eff^(−1/5), n_eff = (Σw)² / Σw².
    """
    share = w / w.sum()
    middle = float(share @ x)
    width = 1.06 * float(np.sqrt(share @ (x - middle) ** 2)) * float(w.sum() ** 2 / (w @ w)) ** -0.2
    if not width > 0:
        return ()
    out = []
    for at in np.linspace(*weighted_quantiles(x, w, np.array([0.01, 0.99])), points):
        k = w * np.exp(-0.5 * ((x - at) / width) ** 2)
        d = x - at
        s0, s1, s2 = k.sum(), k @ d, k @ (d * d)
        below = s0 * s2 - s1 * s1
        out.append((float(at), float((s2 * (k @ y) - s1 * (k @ (d * y))) / below) if below > 1e-12 * s0 * s2
                    else float(k @ y / s0)))
    return tuple(out)


def _normal(model: SurveyModel, lang: str, rng: np.random.Generator | None) -> Drawn:
    from scipy.special import ndtri

    found = residuals(model, "quantile", rng)
    rows = model.fit.used
    step = 0.01 if rows.sum() >= 500 else 0.05
    levels = np.arange(step, 1 - step / 2, step)
    seen = weighted_quantiles(found.values[rows], found.weights[rows], levels)
    spots = tuple(Spot(float(a), float(b)) for a, b in zip(ndtri(levels), seen, strict=True))
    return Drawn(say("normal", lang), say("quantile", lang), spots, reference="diagonal",
                 keys=(("reference", say("equal", lang)),))
