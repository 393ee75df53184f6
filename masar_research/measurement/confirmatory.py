"""Whether items measure the factors they were written for: `survey.confirmatory`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from masar_research.engine import intervals
from masar_research.engine.factor_fit import Fit, assess
from masar_research.engine.factor_model import Fitted, fit, places
from masar_research.engine.factor_scales import omegas, slopes, standardised
from masar_research.measurement import factor_showing as shows
from masar_research.measurement.factor_data import Battery, Factors, Labels, battery, pairs
from masar_research.note import Note

if TYPE_CHECKING:
    from masar_research.present import Art
    from masar_research.showing import Shown
    from masar_research.survey import Survey


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Confirmatory:
    """A confirmatory factor model.

    Attributes
    ----------
    frame : DataFrame
        A row per parameter: ``kind`` ("loading", "factor_correlation", "intercept", "residual",
        "residual_covariance", "omega"), ``factor``, ``item``, ``other``, ``estimate, std_error,
        conf_low, conf_high, df``, ``standardised`` and ``standardised_se``.
    fit : Fit
        ``chi2, df, scaling, chi2_scaled, p, cfi, tli, rmsea, srmr``.
    vcov : ndarray
        Of the parameters, in the order of the frame (omega apart).
    labels : mapping
        Items and factors in both languages.
    note : Note
    """

    frame: pd.DataFrame
    fit: Fit
    vcov: np.ndarray
    labels: Mapping[str, Mapping[str, str]]
    note: Mapping[str, Any]

    def reading(self, lang: str = "en") -> tuple[str, ...]:
        """Sentences: whether the model fits, weak items, reliability."""
        return shows.reading(self, lang)

    def table(self, lang: str = "en") -> Shown:
        """Standardised loadings with their intervals, by factor."""
        return shows.table(self, lang)

    def plot(self, lang: str = "en") -> Art:
        """Standardised loadings with their intervals."""
        return shows.plot(self, lang)

    def __repr__(self) -> str:
        return str(self.table("en"))

    def _repr_html_(self) -> str:
        return "".join(self.table(lang)._repr_html_() for lang in ("en", "ar"))


def confirmatory(
    survey: Survey, factors: Factors, *, labels: Labels | None = None, reverse: Sequence[str] = (),
    residuals: Sequence[tuple[str, str]] = (), level: float = 0.95,
) -> Confirmatory:  # fmt: skip
    """Confirmatory factor analysis by pseudo-maximum likelihood.

    Parameters
    ----------
    survey : Survey
        With its subpopulation, if any; complete rows only, the others are counted.
    factors : mapping
        Factor → its items. Factors have variance 1 and are free to correlate.
    labels : mapping, optional
        Factor → ``{"en": ..., "ar": ...}``.
    reverse : sequence of str
        Items turned around, as in `scale`.
    residuals : sequence of pairs of str
        Items whose errors may go together.
    level : float
        Of the t intervals.

    Returns
    -------
    Confirmatory

    Raises
    ------
    EstimationError
        A model that is not identified, a constant item, fewer than thirty complete rows.

    References
    ----------
    Skinner, Holt and Smith (1989), chapter 3; Oberski (2014), *Journal of Statistical Software* 57(1).

    Examples
    --------
    >>> import numpy as np, pandas as pd, masar_research as mr
    >>> rng = np.random.default_rng(1)
    >>> common = rng.normal(size=2000)
    >>> frame = pd.DataFrame({f"q{j}": common + rng.normal(size=2000) for j in range(4)}).assign(w=1.0)
    >>> found = mr.Survey(frame, weights="w").confirmatory({"trust": ["q0", "q1", "q2", "q3"]})
    >>> found.frame.query("kind == 'omega'")["estimate"].round(1).tolist()
    [0.8]
    """
    of = battery(survey, factors, labels or {}, reverse)
    own = pairs(of, residuals)
    found = fit(places(of.factors, len(of.names), 1, residuals=own), of.moments)
    vcov = found.pull @ of.rows @ found.pull.T
    note = {
        **{key: survey._answer(list(of.names), None, level).note[key] for key in ("weights", "base", "design")},
        "items": list(of.names), "reversed": list(reverse), "rows": int(of.used.sum()),
        "rows_without_all_answers": of.n_missing, "level": level, "df": of.df,
        "improper": _improper(found, of), "std_error": "exact second derivatives, design covariance of moments",
        "fit": "robust to the design and to answers that are not normal",
    }  # fmt: skip
    frame, order = _frame(found, vcov, of, own, level)
    return Confirmatory(frame, assess(found, of.spread, of.df), vcov[np.ix_(order, order)], of.labels, Note(note))


def _improper(found: Fitted, of: Battery) -> list[str]:
    """Items with a negative error variance (Heywood cases)."""
    own = np.diag(found.places.residual[0])
    return [name for name, value in zip(of.names, found.theta[own], strict=True) if value < 0]


def _frame(
    found: Fitted, vcov: np.ndarray, of: Battery, own: Sequence[tuple[int, int]], level: float
) -> tuple[pd.DataFrame, list[int]]:
    at, theta = found.places, found.theta
    rows, order = [], []

    def add(kind: str, number: int, factor: str = "", item: str = "", other: str = "") -> None:
        rows.append({"kind": kind, "factor": factor, "item": item, "other": other})
        order.append(int(number))

    for j, factor in enumerate(of.factor_names):
        for i in of.factors[j]:
            add("loading", at.loading[0, i, j], factor, of.names[i])
    for a in range(len(of.factors)):
        for b in range(a):
            add("factor_correlation", at.factor[0, a, b], of.factor_names[b], other=of.factor_names[a])
    for i, name in enumerate(of.names):
        add("intercept", at.intercept[0, i], item=name)
    for i, name in enumerate(of.names):
        add("residual", at.residual[0, i, i], item=name)
    for a, b in own:
        add("residual_covariance", at.residual[0, max(a, b), min(a, b)], item=of.names[a], other=of.names[b])
    of_theta = {"plain": (theta, np.diag(vcov))}
    turn = slopes(lambda t: standardised(at, t), theta)
    of_theta["standard"] = (standardised(at, theta), np.einsum("ij,jk,ik->i", turn, vcov, turn))
    whole = slopes(lambda t: omegas(at, t), theta)
    value, spread = omegas(at, theta), np.einsum("ij,jk,ik->i", whole, vcov, whole)
    rows += [{"kind": "omega", "factor": factor, "item": "", "other": ""} for factor in of.factor_names]
    estimate = np.append(of_theta["plain"][0][order], value)
    error = np.sqrt(np.maximum(np.append(of_theta["plain"][1][order], spread), 0))
    error = error if of.df > 0 else np.full_like(error, np.nan)
    low, high = intervals.wald(estimate, error, np.full(len(error), of.df if of.df > 0 else np.nan), level)
    frame = pd.DataFrame(rows).assign(estimate=estimate, std_error=error, conf_low=low, conf_high=high, df=of.df)
    frame["standardised"] = np.append(of_theta["standard"][0][order], value)
    frame["standardised_se"] = np.sqrt(np.maximum(np.append(of_theta["standard"][1][order], spread), 0))
    return frame, order
