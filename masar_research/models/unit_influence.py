"""What persons and sampling units do to the coefficients of ordinal, multinomial and Cox models."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import numpy as np

from masar_research.engine import cox, cox_residuals, multinomial, ordinal, outcome_residuals
from masar_research.engine.influential import Deletions
from masar_research.errors import ModelError
from masar_research.models.diagnostics import Influence, Leaving, Units, check_leaving, collected, psus_of

if TYPE_CHECKING:
    from masar_research.models.cox import CoxModel
    from masar_research.models.multinomial import MultinomialModel
    from masar_research.models.ordinal import OrdinalModel

    Likelihood = OrdinalModel | MultinomialModel | CoxModel


def influence(model: Likelihood, leaving: Leaving = "one_step") -> Influence:
    """Leverages, DFBETAS, Cook-like distances, and coefficients without each PSU.

    Persons: ``Δ_i = V s_i``, V the inverse information and s_i the weighted score (R's weighted
    ``dfbeta``). PSUs, one step: ordinal and multinomial ``(I − I_g)⁻¹ Σ_g s``, a full Newton step
    without the unit; Cox ``V Σ_g s``, the sum of its persons' dfbeta, for leaving rows out changes
    the risk sets of the others too.

    Parameters
    ----------
    model : OrdinalModel, MultinomialModel or CoxModel
    leaving : {"one_step", "refit"}
        Coefficients without a PSU: after one step, or of the model fitted again.

    Returns
    -------
    Influence
        Terms are those of ``model.frame``, thresholds included; leverages add to their number.

    Raises
    ------
    ModelError
        An unknown way of leaving out.

    References
    ----------
    Cain and Lange (1984), *Biometrics* 40; Lesaffre and Albert (1989), *Applied Statistics* 38;
    Pregibon (1981), *Ann. Statist.* 9.

    Examples
    --------
    >>> import numpy as np, pandas as pd, masar_research as mr
    >>> rng = np.random.default_rng(5)
    >>> frame = pd.DataFrame({"w": rng.uniform(1, 2, 300), "age": rng.uniform(2, 6, 300),
    ...                       "psu": np.arange(300) // 15, "work": rng.integers(1, 4, 300)})
    >>> found = mr.Survey(frame, weights="w", psu="psu").multinomial("work ~ age").influence()
    >>> len(found.psus), round(float(found.leverage.sum()), 6)
    (20, 4.0)
    """
    check_leaving(leaving)
    fit, units = model.fit, psus_of(model)
    m = len(units.labels)
    leverage = _leverages(model)
    inside = units.codes >= 0
    own = np.bincount(units.codes[inside], leverage[inside], m)
    change = _again(model, units) if leaving == "refit" else _one_step(model, units)
    return collected(model, leverage, fit.influence, units, Deletions(change, own), exact=leaving == "refit")


def _leverages(model: Likelihood) -> np.ndarray:
    if model.family == "cox":
        return cox_residuals.leverages(model.fit, cast("CoxModel", model).sets)
    kept = cast("OrdinalModel", model)
    n_levels = len(kept.outcome.levels)
    if model.family == "multinomial":
        return outcome_residuals.multinomial_leverages(model.fit, model.matrix.X, n_levels)
    return outcome_residuals.ordinal_leverages(model.fit, model.matrix.X, kept.outcome.codes, n_levels, kept.link)


def _one_step(model: Likelihood, units: Units) -> np.ndarray:
    fit, codes, m = model.fit, units.codes, len(units.labels)
    if model.family == "cox":
        return outcome_residuals.group_scores(fit.scores, codes, m) @ fit.bread
    kept = cast("OrdinalModel", model)
    n_levels, X = len(kept.outcome.levels), model.matrix.X
    if model.family == "multinomial":
        own = outcome_residuals.multinomial_informations(fit, X, n_levels, codes, m)
    else:
        own = outcome_residuals.ordinal_informations(fit, X, kept.outcome.codes, n_levels, kept.link, codes, m)
    out = outcome_residuals.group_changes(fit, own, codes)
    out[_emptying(kept.outcome.codes, codes, n_levels, m)] = np.nan
    return out


def _emptying(levels: np.ndarray, codes: np.ndarray, n_levels: int, m: int) -> np.ndarray:
    """(m,) whether a unit holds every row of some level: without it a parameter is infinite."""
    inside = codes >= 0
    table = np.zeros((m, n_levels))
    np.add.at(table, (codes[inside], levels[inside]), 1)
    return (table == np.bincount(levels[inside], minlength=n_levels)).any(axis=1)


def _again(model: Likelihood, units: Units) -> np.ndarray:
    """Coefficients less those fitted without each unit; NaN where there are no finite ones."""
    out = np.full((len(units.labels), model.fit.coef.size), np.nan)
    for g in range(len(out)):
        weights = np.where(units.codes == g, 0.0, model.fit.weights)
        try:
            out[g] = model.fit.coef - _fitted(model, weights)
        except ModelError:
            continue
    return out


def _fitted(model: Likelihood, weights: np.ndarray) -> np.ndarray:
    X, start, names = model.matrix.X, model.fit.coef, model.predictors.names
    if model.family == "cox":
        of = cast("CoxModel", model)
        kept = of.durations
        return cox.fit(X, kept.time, kept.event, weights, entry=kept.entry, strata=kept.strata,
                       mask=model.fit.used, ties=of.ties, names=names, start=start)[0].coef
    shown = cast("OrdinalModel", model)
    codes, n_levels = shown.outcome.codes, len(shown.outcome.levels)
    if model.family == "multinomial":
        return multinomial.fit(X, codes, weights, n_levels, mask=model.fit.used, names=names, start=start).coef
    return ordinal.fit(X, codes, weights, n_levels, link=shown.link, mask=model.fit.used, names=names, start=start).coef
