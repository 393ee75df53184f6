"""Gaps between two groups, or changes between two waves, taken apart into what goes with what."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
from scipy import stats

from masar_research.engine import decomposition as engine
from masar_research.engine import intervals
from masar_research.engine.functional import functional
from masar_research.engine.variance import covariance
from masar_research.errors import ModelError
from masar_research.estimates import Estimates
from masar_research.models import decomposition_showing as showing
from masar_research.models.coefficients import DUMMY
from masar_research.models.fitting import check_level
from masar_research.models.formula import build, level_place, parse
from masar_research.models.matrix import names_in

if TYPE_CHECKING:
    from masar_research.models.matrix import Matrix
    from masar_research.present import Art
    from masar_research.survey import Survey

Statistic = Literal["quantile", "variance", "gini"]
# A group in which more than this share has no outcome is one that selection may have shaped.
SELECTED = 0.05


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Decomposition:
    """A gap and its parts.

    Attributes
    ----------
    frame : pandas.DataFrame
        ``part, variable, label_en, label_ar, estimate, std_error, conf_low, conf_high, statistic,
        df, p_value, share``: the groups' levels, the difference, its parts, and each part by
        variable (``variable`` empty in totals). ``share`` is the part of the difference.
    vcov : (m, m) array
    sides : Estimates
        The groups' direct estimates, by which the release gate judges the whole.
    note : mapping
        Groups, reference, base, rows, missing outcomes by group, a warning about selection.
    """

    survey: Survey
    outcome: str
    group: str
    frame: pd.DataFrame
    vcov: np.ndarray
    sides: Estimates
    note: Mapping[str, Any]
    level: float

    def part(self, name: str, variable: str = "") -> pd.Series:
        """One row: ``part("explained")``, ``part("explained", "education3")``."""
        frame = self.frame
        rows = frame[(frame["part"] == name) & (frame["variable"] == variable)]
        if rows.empty:
            raise ModelError(
                f"There is no part {name!r} of {variable or 'all variables'!r}.",
                remedy=f"Parts are {', '.join(dict.fromkeys(frame['part']))}; "
                f"variables {', '.join(v for v in dict.fromkeys(frame['variable']) if v)}.",
                ar="لا يوجد جزء بهذا الاسم؛ الأجزاء والمتغيرات مذكورة في الجدول.",
            )
        return rows.iloc[0]

    def table(self, lang: str = "en") -> Any:
        """The parts in one language, behind the release gate."""
        return showing.table(self, lang)

    def plot(self, lang: str = "en") -> Art:
        """The parts by variable with their intervals."""
        return showing.plot(self, lang)

    def reading(self, lang: str = "en") -> tuple[str, ...]:
        """What the parts say, in sentences; nothing is called a cause."""
        return showing.reading(self, lang)

    def __repr__(self) -> str:
        return repr(self.table("en"))

    def _repr_html_(self) -> str:
        return "".join(self.table(lang)._repr_html_() for lang in ("en", "ar"))


def oaxaca(
    survey: Survey,
    formula: str,
    group: str,
    compare: Sequence[Any] | None = None,
    reference: engine.Reference = "pooled",
    family: Literal["gaussian", "binomial"] = "gaussian",
    detail: Literal["yun", "fairlie"] = "yun",
    level: float = 0.95,
) -> Decomposition:
    """Oaxaca–Blinder decomposition in two parts; Fairlie's and Yun's for 0/1 outcomes.

    ``ȳ₁ − ȳ₂ = (x̄₁ − x̄₂)'β* + x̄₁'(β₁ − β*) + x̄₂'(β* − β₂)``: explained by the predictors, and not.
    Coefficients of categorical predictors are normalised, so no part depends on their reference.
    With ``group="wave"`` the parts are composition and behaviour.

    Parameters
    ----------
    survey : Survey
        With its subpopulation, if any.
    formula : str
        Outcome and predictors (not the group): main effects and transformations.
    group : str
        Variable that holds the groups.
    compare : pair, optional
        Codes or labels: the difference is the first less the second. Needed unless the variable
        has two codes.
    reference : {"pooled", "first", "second", "average"}
        β*: of everybody with the group among the predictors, of a group, or their average.
    family : {"gaussian", "binomial"}
        Binomial fits logits and compares mean predicted probabilities.
    detail : {"yun", "fairlie"}
        With ``family="binomial"``, how the explained part is told by variable: Yun's weights, or
        Fairlie's switching of values, one variable after the other in their order.
    level : float

    Returns
    -------
    Decomposition
        Standard errors by the influence of every row on every part (predictors are random); with
        replicates everything is made again in each.

    Raises
    ------
    ModelError
        Groups that are not two, a level that one group does not have, interactions, collinear
        predictors, separation.

    References
    ----------
    Jann (2008), *Stata Journal* 8; Yun (2004, 2005); Fairlie (2005).

    Examples
    --------
    >>> gap = survey.oaxaca("income ~ age + C(education3)", group="sex", compare=(1, 2))  # doctest: +SKIP
    >>> gap.frame[["part", "variable", "estimate", "conf_low", "conf_high"]]        # doctest: +SKIP
    """
    if reference not in engine.REFERENCES:
        raise ModelError(f"reference={reference!r} is not one of {', '.join(engine.REFERENCES)}.",
                         remedy='Use "pooled" where neither group is the norm.',
                         ar="مرجع غير معروف؛ استعمل pooled إن لم تكن إحدى المجموعتين هي المعيار.")  # fmt: skip
    if detail == "fairlie" and family != "binomial":
        raise ModelError('detail="fairlie" belongs to a 0/1 outcome.', remedy='Add family="binomial".',
                         ar='تفصيل فيرلي للمتغيرات الثنائية؛ أضف family="binomial".')  # fmt: skip
    asked = _ask(survey, formula, group, compare, level, binary=family == "binomial")
    link: engine.Link = "logit" if family == "binomial" else "identity"

    def answer(w: np.ndarray, y: np.ndarray, first: np.ndarray, *X: np.ndarray) -> Any:
        parts = engine.two_fold(w, y, first, np.column_stack(X), asked.plan, reference, link, detail == "fairlie")
        return parts.value, parts.influence

    method = {"gaussian": "Oaxaca–Blinder", "binomial": "Yun" if detail == "yun" else "Fairlie"}[family]
    return _decomposed(asked, answer, ("explained", "unexplained"), {
        "method": method, "reference_coefficients": reference, "family": family,
    })  # fmt: skip


def oaxaca_threefold(
    survey: Survey, formula: str, group: str, compare: Sequence[Any] | None = None, level: float = 0.95
) -> Decomposition:
    """Oaxaca–Blinder decomposition in three parts: endowments, coefficients, interaction.

    ``(x̄₁ − x̄₂)'β₂ + x̄₂'(β₁ − β₂) + (x̄₁ − x̄₂)'(β₁ − β₂)``, from the second group's point of view.

    Parameters
    ----------
    survey, formula, group, compare, level
        As for :func:`oaxaca`.

    Examples
    --------
    >>> survey.oaxaca_threefold("income ~ age", group="sex", compare=(1, 2)).reading()  # doctest: +SKIP
    """
    asked = _ask(survey, formula, group, compare, level)

    def answer(w: np.ndarray, y: np.ndarray, first: np.ndarray, *X: np.ndarray) -> Any:
        parts = engine.three_fold(w, y, first, np.column_stack(X), asked.plan)
        return parts.value, parts.influence

    return _decomposed(asked, answer, ("endowments", "coefficients", "interaction"),
                       {"method": "Oaxaca–Blinder, three parts", "family": "gaussian"})  # fmt: skip


def rif_oaxaca(
    survey: Survey, formula: str, group: str, of: Statistic, compare: Sequence[Any] | None = None,
    quantile: float = 0.5, reference: engine.Reference = "pooled", level: float = 0.95,
) -> Decomposition:  # fmt: skip
    """Decomposition of a difference of quantiles, variances or Gini coefficients.

    Oaxaca–Blinder on the recentred influence function of the statistic within each group.

    Parameters
    ----------
    survey, formula, group, compare, reference, level
        As for :func:`oaxaca`.
    of : {"quantile", "variance", "gini"}
    quantile : float
        With ``of="quantile"``.

    Notes
    -----
    Linearised errors of the parts take the quantile, density, mean or Gini inside the recentred
    influence function as given, those of the two levels and their difference do not need to;
    replicates make all of it again.

    References
    ----------
    Firpo, Fortin and Lemieux (2018), *Econometrics* 6(2), 28.

    Examples
    --------
    >>> survey.rif_oaxaca("income ~ age", "sex", of="quantile", quantile=0.9)     # doctest: +SKIP
    """
    if of not in ("quantile", "variance", "gini") or not 0 < quantile < 1:
        raise ModelError(f"of={of!r}, quantile={quantile!r}: no statistic of a distribution.",
                         remedy='Use of="quantile" with a quantile between 0 and 1, "variance" or "gini".',
                         ar="إحصاءة غير معروفة؛ استعمل quantile بين 0 و1 أو variance أو gini.")  # fmt: skip
    asked = _ask(survey, formula, group, compare, level)

    def answer(w: np.ndarray, y: np.ndarray, first: np.ndarray, *X: np.ndarray) -> Any:
        z = engine.recentred(w, y, first, of, quantile)
        parts = engine.two_fold(w, z, first, np.column_stack(X), asked.plan, reference)
        return parts.value, parts.influence

    what = f"quantile {quantile:g}" if of == "quantile" else of
    return _decomposed(asked, answer, ("explained", "unexplained"), {
        "method": "RIF", "statistic": what, "reference_coefficients": reference, "family": "gaussian",
    })  # fmt: skip


def kitagawa(
    survey: Survey, outcome: str, group: str, composition: Sequence[str] | str,
    compare: Sequence[Any] | None = None, level: float = 0.95,
) -> Decomposition:  # fmt: skip
    """Kitagawa's decomposition of a difference of rates into composition and rates.

    ``Σ (p₁ − p₂)(r₁ + r₂)/2 + Σ (r₁ − r₂)(p₁ + p₂)/2`` over the cells that `composition` crosses.

    Parameters
    ----------
    survey, group, compare, level
        As for :func:`oaxaca`.
    outcome : str
        A 0/1 variable, or any number whose means are compared.
    composition : str or list of str
        Categorical variables whose cells the groups are compared in.

    Raises
    ------
    ModelError
        A cell without rows of one group, named.

    Examples
    --------
    >>> survey.kitagawa("employed", group="wave", composition=["age_group"], compare=(2026, 2022))  # doctest: +SKIP
    """
    check_level(level)
    names = (composition,) if isinstance(composition, str) else tuple(composition)
    if not names or group in names or outcome in names:
        raise ModelError("composition names the variables that the two groups are compared in, not the group.",
                         remedy='For instance composition=["age_group", "education3"].',
                         ar="المتغيرات المذكورة في composition هي ما تُقارَن المجموعتان ضمنه، وليست المجموعة نفسها.")  # fmt: skip
    sides = _sides(survey, group, compare)
    y = survey.values(outcome)
    coded = [survey.coded(name) for name in names]
    used = sides.used & np.isfinite(y)
    cell = np.zeros(len(y), np.intp)
    for part in coded:
        used &= part.codes >= 0
        cell = cell * len(part.levels) + part.codes
    present = np.unique(cell[used])
    keys = pd.MultiIndex.from_product([part.levels for part in coded], names=list(names))[present]
    place = np.full(int(np.prod([len(part.levels) for part in coded])) + 1, -1)
    place[present] = np.arange(present.size)
    cell = np.where(used, place[np.where(used, cell, -1)], 0)
    for side, code in enumerate(sides.codes):
        held = np.bincount(cell[used & (sides.first == 1 - side)], minlength=len(keys))
        if (held == 0).any():
            gone = keys[int(np.flatnonzero(held == 0)[0])]
            raise ModelError(
                f"{group} {code} has nobody with {dict(zip(names, gone, strict=True))}.",
                remedy="Merge that category with a neighbour, or leave a variable out.",
                ar=f"لا أحد في المجموعة {code} من {group} في إحدى الفئات؛ ادمجها مع فئة مجاورة أو احذف متغيّراً.",
            )

    def answer(w: np.ndarray, y: np.ndarray, first: np.ndarray, cell: np.ndarray) -> Any:
        parts = engine.rates_and_composition(w, y, first, cell.astype(int), len(keys))
        return parts.value, parts.influence

    labels = [showing.cell_label(survey, names, key) for key in keys]
    words = [" × ".join(f"{name} {code:g}" if isinstance(code, float) else f"{name} {code}"
                        for name, code in zip(names, key, strict=True)) for key in keys]  # fmt: skip
    asked = _Asked(survey, outcome, sides, y, used, [cell.astype(float)], words, labels, None, level, constant=False)
    return _decomposed(asked, answer, ("composition", "rates"), {"method": "Kitagawa", "family": "gaussian"})


@dataclass(frozen=True, slots=True, eq=False)
class _Sides:
    """The two groups: whom they hold, and which row is of the first."""

    group: str
    codes: tuple[Any, Any]
    first: np.ndarray
    used: np.ndarray


@dataclass(frozen=True, slots=True, eq=False)
class _Asked:
    """What a decomposition is of."""

    survey: Survey
    outcome: str
    sides: _Sides
    y: np.ndarray
    used: np.ndarray
    columns: Sequence[np.ndarray]
    variables: Sequence[str]
    labels: Sequence[Mapping[str, str]]
    plan: engine.Layout | None
    level: float
    constant: bool = True


def _sides(survey: Survey, group: str, compare: Sequence[Any] | None) -> _Sides:
    coded = survey.coded(group)
    if compare is None:
        if len(coded.levels) != 2:
            raise ModelError(
                f"{group} has {len(coded.levels)} codes: which two are compared?",
                remedy=f"Write compare=(first, second) with two of {list(coded.levels)}.",
                ar=f"للمتغيّر {group} أكثر من رمزين؛ اذكر الاثنين المقارنين في compare.",
            )
        compare = coded.levels
    if len(compare) != 2:
        raise ModelError(f"compare={list(compare)!r} does not name two groups.",
                         remedy="Give two codes or labels.", ar="اذكر رمزين أو تسميتين في compare.")  # fmt: skip
    places = [level_place(survey, group, wanted, coded.levels) for wanted in compare]
    if places[0] == places[1]:
        raise ModelError(f"compare names {compare[0]!r} twice.", remedy="Give two different groups.",
                         ar="اذكر مجموعتين مختلفتين في compare.")  # fmt: skip
    used = np.isin(coded.codes, places) & (survey.design.weights > 0)
    if survey.mask is not None:
        used &= survey.mask
    codes = coded.levels[places[0]], coded.levels[places[1]]
    return _Sides(group, codes, (coded.codes == places[0]).astype(float), used)


def _ask(
    survey: Survey, formula: str, group: str, compare: Sequence[Any] | None, level: float,
    binary: bool = False,
) -> _Asked:  # fmt: skip
    check_level(level)
    parsed = parse(formula)
    if parsed.offset or group in parsed.names or group == parsed.outcome:
        raise ModelError(f"{formula!r}: the group {group!r} and offsets stay out of the formula.",
                         remedy="Name the outcome and the predictors only.",
                         ar="اذكر في الصيغة المتغيّر التابع والمتغيرات المفسرة فقط، دون متغيّر المجموعة.")  # fmt: skip
    sides = _sides(survey, group, compare)
    both = copy(survey)
    both._mask = sides.used
    matrix = build(both, parsed, {})
    if any(":" in term for term in matrix.terms):
        raise ModelError("A decomposition by variable takes main effects; found an interaction.",
                         remedy="Leave interactions out, or derive one variable that crosses the two.",
                         ar="التفصيل بحسب المتغيرات لا يقبل التفاعلات؛ احذفها أو اشتق متغيّراً واحداً منهما.")  # fmt: skip
    if "Intercept" not in matrix.names:
        raise ModelError("A decomposition needs the constant.", remedy="Leave out '- 1' or '0 +'.",
                         ar="يلزم الحد الثابت في الصيغة.")  # fmt: skip
    if binary and not np.isin(matrix.y[matrix.used], (0.0, 1.0)).all():
        raise ModelError(f"{parsed.outcome} is not coded 0/1.", remedy='Leave out family="binomial".',
                         ar="المتغيّر التابع ليس مرمّزاً 0/1.")  # fmt: skip
    _refuse_one_sided(matrix, sides)
    terms = {term: columns for term, columns in matrix.terms.items() if term != "1" and columns}
    owners: dict[str, list[int]] = {}
    for term, columns in terms.items():
        names = [name for name in parsed.names if name in names_in(term)]
        owners.setdefault(names[0] if len(names) == 1 else term, []).extend(columns)
    categorical = [
        owner in matrix.references and all(DUMMY.match(matrix.names[j]) for j in columns)
        for owner, columns in owners.items()
    ]
    plan = engine.layout(matrix.X.shape[1], matrix.names.index("Intercept"), list(owners.values()), categorical)
    labels = [showing.variable_label(survey, name) for name in owners]
    return _Asked(survey, parsed.outcome, sides, matrix.y, matrix.used, list(matrix.X.T), list(owners),
                  labels, plan, level)  # fmt: skip


def _refuse_one_sided(matrix: Matrix, sides: _Sides) -> None:
    """Refuse a level of a predictor that only one group has."""
    first = sides.first[matrix.used] == 1
    for name in matrix.references:
        counts = pd.crosstab(matrix.data[name], first)
        if counts.shape[1] < 2:
            code = sides.codes[1] if counts.columns[0] else sides.codes[0]
            raise ModelError(f"{sides.group} {code} has no complete row.",
                             remedy="Compare groups that answered these questions.",
                             ar=f"لا سجل مكتمل في المجموعة {code}.")  # fmt: skip
        lonely = counts.index[(counts == 0).any(axis=1)]
        if len(lonely):
            raise ModelError(
                f"{name} {lonely[0]} stands in one of the two groups only.",
                remedy="Merge that level with another, or leave the variable out: nobody can be compared there.",
                ar=f"المستوى {lonely[0]} من {name} في إحدى المجموعتين فقط؛ ادمجه مع غيره أو احذف المتغيّر.",
            )


def _decomposed(
    asked: _Asked, answer: Callable[..., Any], parts: Sequence[str], facts: Mapping[str, Any]
) -> Decomposition:
    survey, sides = asked.survey, asked.sides
    told = len(asked.variables) + (1 if asked.constant else 0)
    size = 3 + len(parts) * (1 + told)
    found = functional(
        survey.design, [np.where(asked.used, asked.y, 0.0), sides.first, *asked.columns], answer,
        size=size, mask=asked.used,
    )  # fmt: skip
    vcov = covariance(survey.design, found.totals)
    std_error = np.sqrt(np.maximum(np.diag(vcov), 0.0))
    df = np.full(size, float(found.df[0]) if found.df[0] > 0 else np.nan)
    low, high = intervals.wald(found.estimate, std_error, df, asked.level)
    with np.errstate(divide="ignore", invalid="ignore"):
        statistic = found.estimate / std_error
        share = np.where(np.arange(size) > 2, found.estimate / found.estimate[2], np.nan)
    wave = sides.group == "wave"
    heads = [("first", ""), ("second", ""), ("difference", ""), *((part, "") for part in parts)]
    variables = [*asked.variables, *(["constant"] if asked.constant else [])]
    heads += [(part, variable) for part in parts for variable in variables]
    labels = [showing.part_label(survey, sides, part, wave) for part, _ in heads[: 3 + len(parts)]]
    words = [*asked.labels, *([showing.CONSTANT] if asked.constant else [])]
    labels += words * len(parts)
    frame = pd.DataFrame({
        "part": [part for part, _ in heads], "variable": [variable for _, variable in heads],
        "label_en": [label["en"] for label in labels], "label_ar": [label["ar"] for label in labels],
        "estimate": found.estimate, "std_error": std_error, "conf_low": low, "conf_high": high,
        "statistic": statistic, "df": df, "p_value": 2 * stats.t.sf(np.abs(statistic), df),
        "share": share,
    })  # fmt: skip
    # The constant explains nothing: its means are the same in both groups.
    told_nothing = (frame["variable"] == "constant") & frame["part"].isin(["explained", "endowments", "interaction"])
    kept = np.flatnonzero(~told_nothing)
    frame, vcov = frame.iloc[kept].reset_index(drop=True), vcov[np.ix_(kept, kept)]
    without, warning = _missing(asked)
    note = {
        **survey.facts(), **facts, "outcome": asked.outcome, "group": sides.group, "compared": sides.codes,
        "rows": int(asked.used.sum()), "missing_by_group": without, "df": float(found.df[0]),
        "level": asked.level,
    }  # fmt: skip
    if warning:
        note["warning"] = warning
    both = copy(survey)
    both._mask = asked.used
    binary = bool(np.isin(asked.y[asked.used], (0.0, 1.0)).all())
    direct = (both.proportion if binary else both.mean)(asked.outcome, by=sides.group, level=asked.level)
    return Decomposition(survey, asked.outcome, sides.group, frame, vcov, direct, note, asked.level)


def _missing(asked: _Asked) -> tuple[dict[Any, float], dict[str, str] | None]:
    """Weighted share of each group without outcome or predictors, and what it warns of."""
    weights, sides = asked.survey.design.weights, asked.sides
    gone = {}
    for side, code in enumerate(sides.codes):
        rows = sides.used & (sides.first == 1 - side)
        gone[code] = float(weights[rows & ~asked.used].sum() / weights[rows].sum())
    if max(gone.values()) <= SELECTED:
        return gone, None
    return gone, showing.selection(asked.survey, sides.group, gone)
