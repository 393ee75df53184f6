"""Tests of terms, of nested models and of contrasts of coefficients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from masar_research.engine import contrasts, intervals, quadratic_forms
from masar_research.errors import ModelError
from masar_research.models.matrix import names_in
from masar_research.present import tables
from masar_research.statistics.results import TestResult

if TYPE_CHECKING:
    from masar_research.models.model import SurveyModel

Method = Literal["wald", "lrt", "working_wald"]
Names = str | Sequence[str]

_METHODS = {
    "wald": {"en": "Wald test of terms", "ar": "اختبار والد للحدود"},
    "lrt": {"en": "Working likelihood-ratio test (Rao–Scott)", "ar": "اختبار نسبة الإمكان العاملة (راو–سكوت)"},
    "working_wald": {"en": "Working Wald test (Rao–Scott)", "ar": "اختبار والد العامل (راو–سكوت)"},
}


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class CoefficientContrasts:
    """Linear combinations of coefficients.

    Attributes
    ----------
    frame : pandas.DataFrame, k rows
        ``contrast, estimate, std_error, conf_low, conf_high, statistic, df, p_value``, on the scale
        of the link; ``ratio, ratio_low, ratio_high`` where exp of a coefficient is a ratio.
    vcov : (k, k) array
    joint : TestResult
        That all of them are zero.
    """

    frame: pd.DataFrame
    vcov: np.ndarray
    joint: TestResult

    def __repr__(self) -> str:
        rows, columns = self._cells("en")
        return tables.plain_text(rows, columns, notes=(self.joint.told("en"),))

    def _repr_html_(self) -> str:
        out = []
        for lang in ("en", "ar"):
            rows, columns = self._cells(lang)
            out.append(tables.estimates_html(rows, columns, lang, notes=(self.joint.told(lang),)))
        return "".join(out)

    def _cells(self, lang: str) -> tuple[list[list[str]], list[tables.Column]]:
        ratio = "ratio" in self.frame
        heads = {
            "en": ("Contrast", "Estimate", "Standard error", "Interval", "Ratio", "p"),
            "ar": ("المقارنة", "التقدير", "الخطأ المعياري", "فترة الثقة", "النسبة", "القيمة الاحتمالية"),
        }[lang]
        rows = [
            [str(row["contrast"]), f"{row['estimate']:.3f}", f"{row['std_error']:.3f}",
             f"{row['conf_low']:.3f} – {row['conf_high']:.3f}", f"{row['ratio']:.2f}" if ratio else "",
             "< 0.001" if row["p_value"] < 0.001 else f"{row['p_value']:.3f}"]
            for row in self.frame.to_dict("records")
        ]  # fmt: skip
        kept = [k for k in range(6) if ratio or k != 4]
        return [[row[k] for k in kept] for row in rows], [tables.Column(heads[k], k > 0) for k in kept]


def term_test(model: SurveyModel, terms: Names, method: Method = "wald") -> TestResult:
    """Test that all coefficients of some terms are zero.

    Wald: ``F = β'V⁻¹β / q`` on q and the model's degrees of freedom, V the design-based covariance.
    Working likelihood ratio: twice the gain in weighted log-likelihood, weights scaled to the number
    of fitted rows, referred to ``Σ λ_j χ²_1`` over an independent χ² of the design's degrees of
    freedom, λ the eigenvalues of ``V0⁻¹V`` and V0 the inverse information's block. The working Wald
    test refers ``β'V0⁻¹β`` to the same distribution.

    Parameters
    ----------
    model : SurveyModel
    terms : str or list of str
        As in the formula, ``"C(education)"`` or ``"sex:education"``, or a variable's name.
    method : {"wald", "lrt", "working_wald"}

    Returns
    -------
    TestResult

    Raises
    ------
    ModelError
        A term the model does not have; a likelihood ratio of a penalised fit.

    References
    ----------
    Rao and Scott (1984), Ann. Statist. 12; Lumley and Scott (2014), Scand. J. Statist. 41.

    Examples
    --------
    >>> import pandas as pd, masar_research as mr
    >>> frame = pd.DataFrame({"w": [1.0, 2.0] * 30, "psu": list(range(20)) * 3, "age": range(60),
    ...                       "works": ([0, 1, 1, 0, 1, 1, 1] * 9)[:60], "area": list("aabbc") * 12})
    >>> model = mr.Survey(frame, weights="w", psu="psu").logit("works ~ area + age")
    >>> model.test("area").figures(), model.test("area", method="lrt").symbol
    ('F(2, 16) = 0.845', 'X²')
    """
    if method not in _METHODS:
        raise ModelError(f"method={method!r} is not known.", remedy="Use 'wald', 'lrt' or 'working_wald'.")
    wanted = (terms,) if isinstance(terms, str) else tuple(terms)
    found = [matching(model, term) for term in wanted]
    index = sorted({j for _, columns in found for j in columns})
    names = " + ".join(term for term, _ in found)
    if not index:
        raise ModelError(f"{names} has no column in the model: all were dropped as collinear.",
                         remedy="Test other terms.")
    subject = {"en": f"{names} in {model.formula}", "ar": f"\u2066{names}\u2069 في \u2066{model.formula}\u2069"}
    if method == "wald":
        chosen = np.eye(len(model.frame))[index]
        tested = contrasts.linear(chosen, model.frame["estimate"], model.vcov, model.df)
        joint = contrasts.joint(tested, model.df, adjusted=False)
        return TestResult(joint.f, joint.df_num, joint.df_den, joint.p, "F", _METHODS[method], subject,
                          "term", model.fit.n_used, model.level, {**model.note, "terms": names})
    naive = naive_covariance(model)[np.ix_(index, index)]
    vcov = model.vcov[np.ix_(index, index)]
    if method == "lrt":
        kept = np.setdiff1d(np.arange(len(model.frame)), index)
        statistic = _gain(model, _log_likelihood_of(model, model.matrix.X[:, kept]))
    else:
        beta = model.fit.coef[index]
        statistic = float(beta @ np.linalg.solve(naive, beta))
    return _weighted(model, statistic, naive, vcov, _METHODS[method], subject, {"terms": names})


def term_tests(model: SurveyModel) -> pd.DataFrame:
    """Wald test of every term of the formula.

    Parameters
    ----------
    model : SurveyModel

    Returns
    -------
    pandas.DataFrame
        ``term, statistic, df_num, df_den, p_value``.

    Examples
    --------
    >>> model.term_tests()                                               # doctest: +SKIP
    """
    rows = []
    for term, columns in model.matrix.terms.items():
        if term == "1" or not columns:
            continue
        found = term_test(model, term)
        rows.append((term, found.statistic, found.df_num, found.df_den, found.p_value))
    return pd.DataFrame(rows, columns=["term", "statistic", "df_num", "df_den", "p_value"])


def likelihood_ratio(smaller: SurveyModel, larger: SurveyModel) -> TestResult:
    """Working likelihood-ratio test (Rao–Scott) of two nested models of the same rows.

    Parameters
    ----------
    smaller, larger : SurveyModel
        Every column of the smaller one must be a combination of the larger one's.

    Returns
    -------
    TestResult
        As :func:`term_test` gives it for what the larger model has more.

    Raises
    ------
    ModelError
        Models of different rows, weights, outcomes, families or offsets; models that are not nested.

    Examples
    --------
    >>> import pandas as pd, masar_research as mr
    >>> frame = pd.DataFrame({"w": [1.0, 2.0] * 30, "psu": list(range(20)) * 3, "age": range(60),
    ...                       "works": ([0, 1, 1, 0, 1, 1, 1] * 9)[:60], "area": list("aabbc") * 12})
    >>> survey = mr.Survey(frame, weights="w", psu="psu")
    >>> small, large = survey.logit("works ~ age"), survey.logit("works ~ age + area")
    >>> bool(abs(small.compare(large).p_value - large.test("area", method="lrt").p_value) < 1e-9)
    True
    """
    if len(smaller.frame) > len(larger.frame):
        smaller, larger = larger, smaller
    comparable(smaller, larger)
    turn, added = _nesting(smaller, larger)
    inverse = np.linalg.inv(turn)
    naive = (inverse @ naive_covariance(larger) @ inverse.T)[-added:, -added:]
    vcov = (inverse @ larger.vcov @ inverse.T)[-added:, -added:]
    statistic = _gain(larger, smaller.fit.log_likelihood)
    subject = {"en": f"{smaller.formula} in {larger.formula}",
               "ar": f"\u2066{smaller.formula}\u2069 ضمن \u2066{larger.formula}\u2069"}
    return _weighted(larger, statistic, naive, vcov, _METHODS["lrt"], subject, {})


def contrast(
    model: SurveyModel, combinations: Mapping[str, Mapping[str, float]]
) -> CoefficientContrasts:
    """Linear combinations of coefficients with t tests, and the F test that all are zero.

    Parameters
    ----------
    model : SurveyModel
    combinations : mapping
        Name → mapping of term (a row of ``frame``) to coefficient:
        ``{"ten years": {"age": 10}}``.

    Returns
    -------
    CoefficientContrasts

    Examples
    --------
    >>> import pandas as pd, masar_research as mr
    >>> frame = pd.DataFrame({"w": [1.0, 2.0] * 30, "psu": list(range(20)) * 3, "age": range(60),
    ...                       "works": ([0, 1, 1, 0, 1, 1, 1] * 9)[:60], "area": list("aabbc") * 12})
    >>> model = mr.Survey(frame, weights="w", psu="psu").logit("works ~ area + age")
    >>> ten = model.contrast({"ten years": {"age": 10}}).frame.iloc[0]
    >>> bool(abs(ten["estimate"] - 10 * model.frame["estimate"].iloc[-1]) < 1e-12)
    True
    """
    terms = list(model.frame["term"])
    if not combinations:
        raise ModelError("No contrast was named.", remedy="Write for instance {'ten years': {'age': 10}}.")
    chosen = np.zeros((len(combinations), len(terms)))
    for row, (name, parts) in enumerate(combinations.items()):
        for term, coefficient in parts.items():
            if term not in terms:
                raise ModelError(f"{term!r} in the contrast {name!r} is no coefficient of the model.",
                                 remedy=f"Its coefficients are {', '.join(terms)}.",
                                 ar=f"الحد \u2066{term}\u2069 ليس من معاملات النموذج؛ راجع العمود term في الجدول.")
            chosen[row, terms.index(term)] = coefficient
    tested = contrasts.linear(chosen, model.fit.coef, model.vcov, model.df)
    low, high = intervals.wald(tested.estimate, tested.std_error, tested.df, model.level)
    frame = pd.DataFrame({
        "contrast": list(combinations), "estimate": tested.estimate, "std_error": tested.std_error,
        "conf_low": low, "conf_high": high, "statistic": tested.t, "df": model.df, "p_value": tested.p,
    })  # fmt: skip
    if model.note["link"] in ("log", "logit"):
        frame = frame.assign(ratio=np.exp(tested.estimate), ratio_low=np.exp(low), ratio_high=np.exp(high))
    joint = contrasts.joint(tested, model.df, adjusted=False)
    words = " · ".join(map(str, combinations))
    result = TestResult(
        joint.f, joint.df_num, joint.df_den, joint.p, "F",
        {"en": "Wald test of contrasts", "ar": "اختبار والد للمقارنات"},
        {"en": words, "ar": words}, "joint", model.fit.n_used, model.level, dict(model.note),
    )  # fmt: skip
    return CoefficientContrasts(frame, tested.vcov, result)


def matching(model: SurveyModel, wanted: str) -> tuple[str, tuple[int, ...]]:
    """The term of a model's formula that a word means, and its columns.

    Parameters
    ----------
    model : SurveyModel
    wanted : str
        As written in the formula, with or without ``C()`` and in any order of factors; or a variable
        that stands in one term by itself (``"age"`` for ``bs(age, df=4)``).
    """
    terms = model.matrix.terms
    key = _key(wanted)
    for term, columns in terms.items():
        if _key(term) == key:
            return term, columns
    alone = [term for term in terms if ":" not in term and term != "1" and names_in(term) == {wanted}]
    if len(alone) == 1:
        return alone[0], terms[alone[0]]
    raise ModelError(
        f"{wanted!r} is not a term of {model.formula!r}.",
        remedy=f"Its terms are {', '.join(term for term in terms if term != '1')}.",
        ar=f"\u2066{wanted}\u2069 ليس حداً من حدود النموذج \u2066{model.formula}\u2069.",
    )


def _key(term: str) -> frozenset[str]:
    factors = (factor.strip().replace(" ", "") for factor in term.split(":"))
    return frozenset(f[2:-1] if f.startswith("C(") and f.endswith(")") else f for f in factors)


def naive_covariance(model: SurveyModel) -> np.ndarray:
    """Inverse information with weights that sum to the number of fitted rows."""
    return model.fit.bread * (model.fit.weights.sum() / model.fit.n_used)


def _gain(model: SurveyModel, smaller: float) -> float:
    """Twice the gain in log-likelihood, with weights that sum to the number of fitted rows."""
    return 2 * (model.fit.log_likelihood - smaller) * model.fit.n_used / float(model.fit.weights.sum())


def _log_likelihood_of(model: SurveyModel, X: np.ndarray) -> float:
    """The weighted log-likelihood of other columns on the same rows."""
    from masar_research.models.fitting import fit_columns

    if model.fit.penalty is not None:
        raise ModelError(
            "A penalised fit has no likelihood ratio: its likelihood holds the penalty.",
            remedy="Use method='wald'.",
            ar="لا نسبة إمكان لنموذج معاقَب؛ استعمل method='wald'.",
        )
    return fit_columns(model, X).log_likelihood


def _weighted(
    model: SurveyModel, statistic: float, naive: np.ndarray, vcov: np.ndarray,
    method: Mapping[str, str], subject: Mapping[str, str], more: Mapping[str, Any],
) -> TestResult:  # fmt: skip
    root = np.linalg.cholesky((naive + naive.T) / 2)
    inner = np.linalg.solve(root, np.linalg.solve(root, vcov).T)
    effects = np.sort(np.linalg.eigvalsh((inner + inner.T) / 2))[::-1]
    p = np.nan
    if model.df > 0 and np.isfinite(statistic) and effects[0] > 0:
        p = quadratic_forms.tail(statistic, np.maximum(effects, 0.0), model.df, "integration")
    note = {**model.note, **more, "generalised_design_effects": tuple(float(e) for e in effects)}
    return TestResult(statistic, float(effects.size), float(model.df), p, "X²", method, subject,
                      "term", model.fit.n_used, model.level, note)


def comparable(smaller: SurveyModel, larger: SurveyModel) -> None:
    """Refuse two models whose likelihoods are of different data."""
    for model in (smaller, larger):
        if model.fit.penalty is not None:
            _log_likelihood_of(model, model.matrix.X)
    for what, ar in (("outcome", "المتغير التابع"), ("family", "العائلة"), ("link", "دالة الربط"),
                     ("offset", "المقدار الثابت")):
        one, other = smaller.note[what], larger.note[what]
        if one != other:
            raise ModelError(
                f"The models have different {what}s, {one!r} and {other!r}: their likelihoods cannot be compared.",
                remedy=f"Fit both with the same {what}.",
                ar=f"النموذجان مختلفان في {ar}، فلا تُقارن إمكانيتاهما.",
            )
    one, other = smaller.fit.used, larger.fit.used
    if one.size != other.size or not np.array_equal(one, other):
        only = [int(np.count_nonzero(a & ~b)) if a.size == b.size else int(a.sum()) for a, b in ((one, other), (other, one))]
        lost = {**smaller.note["missing_by_variable"], **larger.note["missing_by_variable"]}
        known = " and ".join(f"not missing({name})" for name in lost)
        raise ModelError(
            f"The models were fitted on different rows: {only[0]:,} only in the smaller, {only[1]:,} only in "
            "the larger; a likelihood ratio of different people tests nothing.",
            remedy=f"Fit both on the same rows{f', survey.where({known!r})' if known else ''}, or use "
            "larger.test(term), which needs one fit only.",
            ar="قُدِّر النموذجان على سجلات مختلفة، ومقارنة إمكانيتيهما لا معنى لها؛ قدّرهما على السجلات نفسها "
            "أو استعمل \u2066larger.test(term)\u2069.",
        )
    if not np.array_equal(smaller.fit.weights, larger.fit.weights):
        raise ModelError("The models were fitted with different weights.",
                         remedy="Fit both to the same survey.",
                         ar="قُدِّر النموذجان بأوزان مختلفة؛ قدّرهما للمسح نفسه.")


def _nesting(smaller: SurveyModel, larger: SurveyModel) -> tuple[np.ndarray, int]:
    """(p, p) basis whose last columns are what the larger model has more, and their number."""
    small, large = smaller.matrix.X, larger.matrix.X
    scale = np.sqrt(np.einsum("ij,ij->j", large, large))
    gram = (large / scale).T @ (large / scale)
    inside = np.linalg.solve(gram, (large / scale).T @ small) / scale[:, None]
    gap = np.abs(small - large @ inside).max(axis=0, initial=0.0)
    outside = [name for name, g, size in zip(smaller.matrix.names, gap, np.abs(small).max(axis=0), strict=True)
               if g > 1e-6 * max(size, 1e-300)]
    added = large.shape[1] - small.shape[1]
    if outside or not added:
        raise ModelError(
            f"The models are not nested: {', '.join(outside) or 'they have the same number of coefficients'}.",
            remedy="The smaller model's terms must all be in the larger one, which must have more.",
            ar="النموذجان غير متداخلين: يجب أن تكون حدود الأصغر كلها في الأكبر وأن يزيد الأكبر عليها.",
        )
    whole, _ = np.linalg.qr(inside, mode="complete")
    return np.column_stack([inside, whole[:, small.shape[1]:]]), added
