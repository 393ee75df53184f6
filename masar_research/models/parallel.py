"""Whether the coefficients of an ordinal model are the same at every threshold."""

from __future__ import annotations

import html
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy import stats

from masar_research.engine import glm
from masar_research.engine.ordinal import Link
from masar_research.errors import ModelError
from masar_research.models.inference import infer
from masar_research.models.predictors import Levels, Predictors, code_text

if TYPE_CHECKING:
    from masar_research.survey import Survey

_WORDS = {
    "differs": {
        "en": "The coefficients differ between thresholds (p {p}): report the binary models of the "
        "thresholds, or a multinomial model, beside this one.",
        "ar": "تختلف المعاملات بين العتبات (\u2066p {p}\u2069): اعرض مع هذا النموذج نماذج ثنائية عند كل عتبة "
        "أو نموذجاً متعدد الفئات.",
    },
    "holds": {
        "en": "No sign that the coefficients differ between thresholds (p {p}); a small sample may hide it.",
        "ar": "لا دليل على اختلاف المعاملات بين العتبات (\u2066p {p}\u2069)، وقد تخفيه العينة الصغيرة.",
    },
}


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class SlopesTest:
    """Wald tests that coefficients are the same at every threshold.

    Attributes
    ----------
    frame : pandas.DataFrame
        ``term, statistic, df_num, df_den, p_value``: all terms first, then each.
    by_threshold : pandas.DataFrame
        Coefficients of the binary models, one column per threshold (``"1|2"``), signs as in the
        ordinal model.
    reading : mapping
        A cautious sentence in both languages.
    note : mapping
    """

    frame: pd.DataFrame
    by_threshold: pd.DataFrame
    reading: Mapping[str, str]
    note: Mapping[str, Any]

    @property
    def p_value(self) -> float:
        """Of the test of all terms."""
        return float(self.frame["p_value"].iloc[0])

    def __repr__(self) -> str:
        return f"{self.frame.to_string(index=False)}\n{self.reading['en']}"

    def _repr_html_(self) -> str:
        table = self.frame.to_html(index=False, float_format=lambda value: f"{value:.4g}")
        return (f"{table}<p>{html.escape(self.reading['en'])}</p>"
                f"<p dir='rtl' lang='ar'>{html.escape(self.reading['ar'])}</p>")


def parallel_slopes(
    survey: Survey, made: Predictors, outcome: Levels, link: Link
) -> SlopesTest:
    """Brant's test with the covariance of the design.

    A binary model of Y > k is fitted at each of the K − 1 thresholds to the same rows; with b
    their stacked coefficients and V their joint design-based covariance, ``W = (Lb)'(LVL')⁻¹ Lb``
    for the contrasts L of every threshold with the first. ``W (d − q + 1) / (d q)`` is referred
    to F(q, d − q + 1), d the PSUs minus strata with fitted rows.

    Parameters
    ----------
    survey : Survey
    made : Predictors
    outcome : Levels
        K ≥ 3 levels.
    link : {"logit", "probit"}

    Raises
    ------
    ModelError
        A threshold at which the binary model has no estimate; too few degrees of freedom.

    References
    ----------
    Brant (1990), *Biometrics* 46, 1171–1178; Korn and Graubard (1990), *Am. Statistician* 44,
    270–276 (adjusted Wald).
    """
    n_levels, p = len(outcome.levels), len(made.names)
    X = np.column_stack([np.ones(len(outcome.codes)), made.X])
    used = made.used & (outcome.codes >= 0)
    family: glm.Family = "binomial" if link == "logit" else "probit"
    cuts = [f"{code_text(a)}|{code_text(b)}"
            for a, b in zip(outcome.levels[:-1], outcome.levels[1:], strict=True)]

    def fits(weights: np.ndarray) -> list[glm.GLMFit]:
        found = []
        for k in range(n_levels - 1):
            try:
                found.append(glm.fit(X, (outcome.codes > k).astype(float), weights, family=family,
                                     mask=used, names=["Intercept", *made.names]))
            except ModelError as error:
                raise ModelError(f"At the threshold {cuts[k]}: {error.what}", remedy=error.remedy,
                                 ar=error.ar) from error
        return found

    def slopes(of: list[glm.GLMFit]) -> np.ndarray:
        return np.concatenate([one.coef[1:] for one in of])

    whole = fits(survey.design.weights)
    influence = np.hstack([(one.score[:, None] * X) @ one.bread[:, 1:] for one in whole])
    found = infer(survey, slopes(whole), influence, used, lambda w: slopes(fits(w)), spent=0)
    coef = slopes(whole).reshape(n_levels - 1, p)
    difference = np.kron(np.hstack([-np.ones((n_levels - 2, 1)), np.eye(n_levels - 2)]), np.eye(p))
    gap, spread = difference @ coef.ravel(), difference @ found.vcov @ difference.T
    terms = _columns(made)
    rows = [("all", _wald(gap, spread, np.arange(gap.size), found.df))]
    if len(terms) > 1:
        for term, places in terms.items():
            at = (np.arange(n_levels - 2)[:, None] * p + np.array(places)[None, :]).ravel()
            rows.append((term, _wald(gap, spread, at, found.df)))
    frame = pd.DataFrame([{"term": term, **test} for term, test in rows])
    value = float(frame["p_value"].iloc[0])
    words = _WORDS["differs" if value < 0.05 else "holds"]
    shown = "< 0.001" if value < 0.001 else f"= {value:.3f}"
    return SlopesTest(
        frame, pd.DataFrame(coef.T, index=list(made.names), columns=cuts),
        {lang: text.format(p=shown) for lang, text in words.items()},
        {"test": "Brant's with the design's covariance, adjusted Wald", "link": link,
         "rows": int(used.sum()), "df": found.df},
    )  # fmt: skip


def _wald(gap: np.ndarray, spread: np.ndarray, at: np.ndarray, df: int) -> dict[str, float]:
    q = at.size
    freedom = df - q + 1
    part = spread[np.ix_(at, at)]
    if freedom <= 0 or np.linalg.matrix_rank(part, hermitian=True) < q:
        raise ModelError(
            f"A test of {q} differences between thresholds needs more than the {df} degrees of freedom "
            "of this design.",
            remedy="Use fewer terms, or merge levels of the outcome.",
            ar="درجات الحرية في تصميم العينة لا تكفي لهذا الاختبار؛ قلّل المتغيّرات أو ادمج فئات المتغيّر التابع.",
        )
    value = float(gap[at] @ np.linalg.solve(part, gap[at])) * freedom / (df * q)
    return {"statistic": value, "df_num": q, "df_den": freedom,
            "p_value": float(stats.f.sf(value, q, freedom))}


def _columns(made: Predictors) -> dict[str, list[int]]:
    """Term of the formula → places of its columns among the predictors."""
    places = {name: j for j, name in enumerate(made.names)}
    found = {}
    for row in made.matrix.spec.structure:
        own = [places[name] for name in row.columns if name in places]
        if own:
            found[str(row.term)] = own
    return found
