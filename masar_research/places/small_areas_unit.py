"""`Survey.small_area_unit`: a model of persons, read off at the population means of every area."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from masar_research.engine import small_area_unit as unit_level
from masar_research.engine.small_area_unit import Method
from masar_research.errors import EstimationError
from masar_research.places import small_areas_words as words
from masar_research.places.small_areas_data import checked, in_shares, names, numbers, standardised
from masar_research.places.small_areas_result import SmallAreas, result, told

if TYPE_CHECKING:
    from masar_research.survey import Survey

LEAST_AREAS = 4


def small_area_unit(
    survey: Survey, variable: str, covariates: Sequence[str], on: str, population: pd.DataFrame, *,
    weighted: bool = True, method: Method = "reml", size: str | None = None, level: float = 0.95,
) -> SmallAreas:  # fmt: skip
    """Model-based means of areas from a nested error model of persons.

    ``y_ij = x_ij'β + v_i + e_ij``; the mean of area i is ``X̄_i'β + v_i``, with X̄_i the known means
    of the covariates over its whole population (Battese, Harter and Fuller 1988).

    Parameters
    ----------
    survey : Survey
        Its subpopulation is the population of interest.
    variable : str
        What is averaged. A 0/1 variable gives shares.
    covariates : sequence of str
        Variables of the survey that are numbers; ``[]`` for none.
    on : str
        The variable of areas, and the column of `population` that names them.
    population : DataFrame, k rows
        One row per area: `on` and the population mean of every covariate under its own name. Areas
        nobody was interviewed in get a synthetic estimate.
    weighted : bool
        The pseudo-EBLUP of You and Rao (2002), which uses the survey weights and comes to the
        direct estimate as interviews grow; otherwise the EBLUP without weights.
    method : {"reml", "ml"}
    size : str, optional
        Column of `population` with the number of persons of each area: those interviewed are then
        known and only the others predicted. Not with weights.
    level : float

    Returns
    -------
    SmallAreas
        kind ``"model_based"``, or ``"model_based_proportion"`` for a 0/1 variable.

    Raises
    ------
    EstimationError
        Areas of the survey that `population` lacks, twice or without a mean (named), covariates
        that are made of each other, fewer than four areas with interviews.

    Notes
    -----
    Mean squared errors as in `engine.small_area_unit.fit`; intervals with the variance between areas
    integrated out of its likelihood; degrees of freedom: areas with interviews less one. Clusters within areas are not modelled: where persons
    of one block are alike, the errors are too small; the area-level model takes the design in.

    Examples
    --------
    >>> import numpy as np, pandas as pd, masar_research as mr
    >>> rng = np.random.default_rng(1)
    >>> area = np.repeat(np.arange(10), 12)
    >>> age = rng.uniform(20, 60, 120)
    >>> frame = pd.DataFrame({"w": 1.0, "area": area, "age": age,
    ...                       "pay": 5 + 0.1 * age + 0.3 * area + rng.normal(size=120)})
    >>> known = pd.DataFrame({"area": range(11), "age": 40.0})
    >>> found = mr.Survey(frame, weights="w").small_area_unit("pay", ["age"], "area", known)
    >>> found.kind, len(found)
    ('model_based', 11)
    """
    if method not in ("reml", "ml"):
        raise EstimationError(
            f"method={method!r} is not known.",
            remedy="Use 'reml' or 'ml'.",
            ar=f"الطريقة «{method}» غير معروفة؛ استعمل reml أو ml.",
        )
    if weighted and size is not None:
        raise EstimationError(
            "size= is for the estimate without weights; the pseudo-EBLUP predicts the mean of the whole area.",
            remedy="Leave size= out, or pass weighted=False.",
            ar="الخيار size= للتقدير غير المرجّح فقط؛ احذفه أو مرّر weighted=False.",
        )
    named = (variable, *covariates)
    if len(set(named)) != len(named):
        raise EstimationError(
            f"A variable is named twice: {', '.join(named)}.",
            remedy="Name the outcome once, and every covariate once.",
            ar="تكرر متغيّر؛ اذكر كل متغيّر مرة واحدة.",
        )
    table = checked(population, on)
    codes = table[on].to_numpy(object)
    values = np.column_stack([survey.values(name) for name in named])
    inside, place, outside = _placed(survey, on, codes)
    known = np.isfinite(values).all(axis=1)
    used = inside & known
    rows, area = values[used], place[used]
    means = numbers(table, tuple(covariates), codes)
    m = len(np.unique(area))
    if m < LEAST_AREAS or len(rows) < m + len(covariates) + 1:
        raise EstimationError(
            f"{len(rows)} interviews in {m} areas are too few for this model.",
            remedy=f"It needs {LEAST_AREAS} areas with interviews, and more interviews than areas and covariates together.",
            ar=f"عدد المقابلات {len(rows)} في {m} من المناطق لا يكفي لهذا النموذج.",
        )
    centre, spread = rows[:, 1:].mean(axis=0), rows[:, 1:].std(axis=0)
    x, back = standardised(rows[:, 1:], centre, spread)
    targets, _ = standardised(means, centre, spread)
    _independent(x, covariates)
    sizes = _sizes(table, size, codes, area) if size is not None else None
    weights = survey.design.weights[used] if weighted else None
    fit = unit_level.fit(rows[:, 0], x, area, targets, method=method, weights=weights, size=sizes)
    n = np.bincount(area, minlength=len(codes)).astype(float)
    df = float(m - 1)
    known_of = unit_level.integrated(rows[:, 0], x, area, targets, weights=weights, size=sizes)
    estimate, low, high = fit.estimate, known_of.quantile(0.5 - level / 2), known_of.quantile(0.5 + level / 2)
    share = set(np.unique(rows[:, 0])) <= {0.0, 1.0}
    if share:
        estimate, low, high = in_shares(estimate, codes), np.clip(low, 0, 1), np.clip(high, 0, 1)
    note: dict[str, Any] = {
        **words.of_model("pseudo" if weighted else "unit", method), "weights": survey.weights_name if weighted else None,
        "base": " and ".join(survey.base) or None, "level": level, "df": "areas in the fit minus one",
        "missing": int(np.count_nonzero(inside & ~known)), "outside": outside, "areas": m,
        "synthetic_areas": tuple(codes[n == 0]), "area_variance": fit.between, "within_variance": fit.within,
        "checksum": survey.checksum,
    }  # fmt: skip
    if fit.adjusted:
        note["adjusted"] = words.ADJUSTED
    head = pd.DataFrame({on: codes}).infer_objects().assign(variable=variable)
    if share:
        head["category"] = 1
    areas = pd.DataFrame({
        on: head[on], "shrinkage": fit.shrinkage, "synthetic": fit.synthetic,
        "source": np.where(n > 0, "model", "synthetic"),
    })  # fmt: skip
    return result(
        head, estimate, fit.mse_matrix, low, high, df=df, n=n, of="proportion" if share else "mean", note=note,
        areas=areas, coefficients=told(covariates, back @ fit.coef, back @ fit.coef_cov @ back.T, df, level),
        direct=None, by=(on,), codebook=survey.codebook, level=level,
    )  # fmt: skip


def _placed(survey: Survey, on: str, codes: np.ndarray) -> tuple[np.ndarray, np.ndarray, int]:
    """Rows with a weight in the subpopulation and an area, their area's row in `codes`, rows without area."""
    coded = survey.coded(on)
    at = {code: row for row, code in enumerate(codes)}
    place = np.array([at.get(level, -2) for level in coded.levels] + [-1])[coded.codes]
    counted = survey.design.weights > 0
    if survey.mask is not None:
        counted = counted & survey.mask
    lost = [level for index, level in enumerate(coded.levels) if level not in at and (counted & (coded.codes == index)).any()]
    if lost:
        raise EstimationError(
            f"{len(lost)} areas of the survey have no row in the population: {names(lost)}; it has {names(codes)}.",
            remedy="Add their rows with the same codes, or leave the areas out with .where().",
            ar=f"مناطق في المسح ليس لها صف في جدول السكان: {names(lost)}؛ أضف صفوفها بالرموز نفسها.",
        )
    return counted & (place >= 0), place, int(np.count_nonzero(counted & (place < 0)))


def _independent(x: np.ndarray, covariates: Sequence[str]) -> None:
    for column in range(1, x.shape[1]):
        before, own = x[:, :column], x[:, column]
        rest = own - before @ np.linalg.lstsq(before, own, rcond=None)[0]
        if rest @ rest <= 1e-9 * len(own):
            raise EstimationError(
                f"The covariate {covariates[column - 1]!r} does not vary, or is made of those before it.",
                remedy="Leave it out.",
                ar=f"المتغير المساعد «{covariates[column - 1]}» ثابت أو مشتق مما قبله؛ احذفه.",
            )


def _sizes(table: pd.DataFrame, size: str, codes: np.ndarray, area: np.ndarray) -> np.ndarray:
    sizes = numbers(table, (size,), codes)[:, 0]
    n = np.bincount(area, minlength=len(codes))
    short = (sizes < n) | (sizes <= 0)
    if short.any():
        raise EstimationError(
            f"{names(codes[short])} have fewer persons than interviews (column {size!r}).",
            remedy="Give the number of persons of each area.",
            ar=f"عدد السكان أقل من عدد المقابلات في: {names(codes[short])}.",
        )
    return sizes
