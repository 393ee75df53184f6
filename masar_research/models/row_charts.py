"""Charts of the residuals of ordinal, multinomial and Cox models. No single person is drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import numpy as np

from masar_research.errors import ModelError
from masar_research.models.diagnostic_charts import binned, say, shaded
from masar_research.models.formula import level_place
from masar_research.models.predictors import level_words
from masar_research.models.reading_words import label_of, quoted
from masar_research.models.row_residuals import (
    ColumnResiduals,
    Residuals,
    labels_of,
    linear_predictor,
    probabilities,
    residuals,
)
from masar_research.present.charts.two_scales import Drawn, two_scales
from masar_research.showing import check_language

if TYPE_CHECKING:
    from masar_research.models.cox import CoxModel
    from masar_research.models.multinomial import MultinomialModel
    from masar_research.models.ordinal import OrdinalModel
    from masar_research.present.art import Art

    Likelihood = OrdinalModel | MultinomialModel | CoxModel

PLOTS_OF = {"ordinal": ("binned", "calibration"), "multinomial": ("binned", "calibration"), "cox": ("binned", "time")}


def plot_residuals(model: Likelihood, lang: str = "en", kind: str = "binned", of: Any = None) -> Art:
    """Draw the residuals of an ordinal, multinomial or Cox model.

    Parameters
    ----------
    model : OrdinalModel, MultinomialModel or CoxModel
    lang : {"en", "ar"}
    kind : {"binned", "calibration", "time"}
        "binned": weighted means by groups of like predictions with design-based intervals, of
        probability-scale residuals (ordinal, without `of`), of observed less predicted share of the level
        `of`, or of martingale residuals (Cox). "calibration" (ordinal, multinomial): observed against
        predicted share of the level `of`. "time" (Cox): scaled Schoenfeld residuals of the term `of`
        against time as shaded cells with a weighted smoother; a level line is a constant ratio.
    of : code or label of a level, or a term, optional
        A Cox model of one coefficient needs none.

    Returns
    -------
    Art

    Raises
    ------
    ModelError
        Unknown kind; `of` missing, unknown or of no use; too few rows for two groups.

    Examples
    --------
    >>> model.plot_residuals("ar", kind="time", of="age")            # doctest: +SKIP
    """
    check_language(lang)
    family = model.family.split(" ")[0]
    plots = PLOTS_OF[family]
    if kind not in plots:
        raise ModelError(f"kind={kind!r} is no plot of residuals of this model.", remedy=f"Use one of {', '.join(plots)}.",
                         ar=f"نوع الرسم غير معروف لهذا النموذج؛ الأنواع: \u2066{', '.join(plots)}\u2069.")
    if family == "cox":
        shown = cast("CoxModel", model)
        return two_scales(_over_time(shown, lang, of) if kind == "time" else _martingale(shown, lang, of), lang)
    answered = cast("OrdinalModel", model)
    if of is None and family == "ordinal" and kind == "binned":
        values = cast(Residuals, residuals(model)).values
        drawn = binned(model, linear_predictor(answered), values, lang, across=say("linear", lang),
                       upward=say("probability_scale", lang))
        return two_scales(drawn, lang)
    return two_scales(_of_level(answered, lang, kind == "calibration", of), lang)


def _of_level(model: OrdinalModel | MultinomialModel, lang: str, calibration: bool, of: Any) -> Drawn:
    outcome = model.outcome
    if of is None:
        known = ", ".join(map(str, outcome.levels))
        raise ModelError("A chart of shares is of one level of the outcome.", remedy=f"Give of=, one of {known}.",
                         ar=f"يخص هذا الرسم فئة واحدة من المتغير التابع؛ حدّدها بالوسيط of: \u2066{known}\u2069.")
    place = level_place(model.survey, outcome.name, of, outcome.levels)
    share = probabilities(model)[:, place]
    seen = np.where(model.fit.used, outcome.codes == place, np.nan).astype(float)
    name = quoted(level_words(model.survey, outcome.name, outcome.levels[place], lang), lang)
    upward = say("observed" if calibration else "points", lang)
    return binned(model, share, seen if calibration else seen - share, lang, calibration=calibration, share=True,
                  across=f"{say('probability', lang)}: {name}", upward=f"{upward}: {name}")


def _martingale(model: CoxModel, lang: str, of: Any) -> Drawn:
    if of is not None:
        raise ModelError("Martingale residuals are of the whole model.", remedy="Leave of= out, or ask for kind='time'.",
                         ar="بواقي مارتنغيل للنموذج كله؛ احذف الوسيط of أو اطلب kind='time'.")
    values = cast(Residuals, residuals(model)).values
    return binned(model, linear_predictor(model), values, lang, across=say("linear", lang), upward=say("martingale", lang))


def _over_time(model: CoxModel, lang: str, of: Any) -> Drawn:
    words = labels_of(model)
    if of is None and len(words) == 1:
        of = next(iter(words))
    if of not in words:
        raise ModelError(f"of={of!r} is no term of {model.formula!r}.", remedy=f"Give of=, one of {', '.join(words)}.",
                         ar=f"حدّد بالوسيط of حداً من حدود النموذج: \u2066{', '.join(words)}\u2069.")
    found = cast(ColumnResiduals, residuals(model, "scaled_schoenfeld"))
    place = found.columns.index(of)
    rows = np.isfinite(found.values[:, place])
    drawn = shaded(
        model.durations.time[rows], found.values[rows, place], found.weights[rows], lang,
        across=f"{say('time', lang)}: {label_of(model.survey.codebook, model.note['time'])[lang]}",
        upward=f"{say('schoenfeld', lang)}: {words[of][lang == 'ar']}",
        reference=(float(model.fit.coef[place]), say("constant", lang)),
    )  # fmt: skip
    return drawn
