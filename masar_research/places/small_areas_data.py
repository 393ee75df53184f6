"""Direct estimates and covariates of areas, matched and checked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from masar_research import gating
from masar_research.errors import EstimationError
from masar_research.estimates import Estimates

KINDS = ("proportion", "mean", "ratio", "total", "count", "mean_of_shares", "quantile")
_INDEPENDENT = 1e-9


@dataclass(frozen=True, slots=True)
class Direct:
    """Direct estimates, (r,) each, of the areas in `codes`; NaN below five interviews.

    Attributes
    ----------
    kind : str
    rows : ndarray (r,)
        Their rows in the estimates.
    codes : ndarray (r,)
    estimate, variance, n, df : ndarray (r,)
    count : ndarray (r,)
        Interviews in the class, NaN where there are no classes.
    few : tuple
        Areas left out of the fit for having one to four interviews.
    category : code or None
        Which category of a share.
    """

    kind: str
    rows: np.ndarray
    codes: np.ndarray
    estimate: np.ndarray
    variance: np.ndarray
    n: np.ndarray
    df: np.ndarray
    count: np.ndarray
    few: tuple[object, ...]
    category: float | str | None


@dataclass(frozen=True, slots=True)
class Covariates:
    """What is known of all k areas.

    Attributes
    ----------
    on : str
    codes : ndarray (k,)
    terms : tuple of str
    design : ndarray (k, p)
        The constant and the terms, centred and divided by their spread.
    back : ndarray (p, p)
        From coefficients of `design` to those of the terms as given.
    shares : ndarray (k,) or None
    place : ndarray (k,) of int
        Row of the direct estimates, or −1.
    group : ndarray (k,) of int, or None
        Row of `groups` each area lies in.
    groups : tuple
        Codes of the larger areas.
    """

    on: str
    codes: np.ndarray
    terms: tuple[str, ...]
    design: np.ndarray
    back: np.ndarray
    shares: np.ndarray | None
    place: np.ndarray
    group: np.ndarray | None
    groups: tuple[object, ...]

    def spread(self, values: np.ndarray) -> np.ndarray:
        """(r,) of the direct estimates as (k,), NaN where an area has none."""
        return np.where(self.place >= 0, values[np.maximum(self.place, 0)], np.nan)

    def listed(self, which: np.ndarray) -> str:
        return names(self.codes[which])

    def check_rank(self, sampled: np.ndarray) -> None:
        """Raise where a covariate is made of others over the areas of the fit."""
        used = self.design[sampled]
        for column in range(1, used.shape[1]):
            before, own = used[:, :column], used[:, column]
            rest = own - before @ np.linalg.lstsq(before, own, rcond=None)[0]
            if rest @ rest <= _INDEPENDENT * (own @ own) or not own.any():
                name = self.terms[column - 1]
                raise EstimationError(
                    f"The covariate {name!r} does not vary over the areas with a direct estimate, or is made of those "
                    "before it.",
                    remedy=f"Leave it out: terms={[term for term in self.terms if term != name]}.",
                    ar=f"المتغير المساعد «{name}» ثابت أو مشتق من المتغيرات التي قبله؛ احذفه من terms=.",
                )


def names(codes: Sequence[object] | np.ndarray, most: int = 8) -> str:
    """Areas in a row, cut after eight."""
    listed = [str(code) for code in codes]
    return ", ".join(listed[:most]) + (f" … ({len(listed)})" if len(listed) > most else "")


def chosen(estimates: Estimates, on: str, category: float | str | None) -> Direct:
    """One direct estimate per area out of a table of estimates."""
    if estimates.kind not in KINDS:
        raise EstimationError(
            f"Small-area models start from direct estimates of levels; these are of kind {estimates.kind!r}.",
            remedy=f"Use one of {', '.join(KINDS)}.",
            ar="تبدأ نماذج المناطق الصغيرة من تقديرات مباشرة للمستويات (نسب أو متوسطات أو مجاميع).",
        )
    frame = estimates.frame
    if on not in estimates.by:
        raise EstimationError(
            f"on={on!r} is not a domain column of these estimates: {list(estimates.by)}.",
            remedy=f"Estimate by={on!r}, or name the column the estimates are by.",
            ar=f"العمود «{on}» ليس من أعمدة التصنيف في هذه التقديرات؛ أعد التقدير مع by={on}.",
        )
    keep = np.ones(len(frame), dtype=bool)
    if category is not None:
        column = frame["category"] if "category" in frame.columns else pd.Series([None] * len(frame))
        keep = (column == category).to_numpy()
        if not keep.any():
            raise EstimationError(
                f"category={category!r} is not a category of these estimates: {sorted(set(column.astype(str)))}.",
                remedy="Name a category by its code.",
                ar=f"الفئة «{category}» ليست بين فئات هذه التقديرات.",
            )
    rows = np.flatnonzero(keep)
    codes = frame[on].to_numpy(object)[rows]
    if len(set(codes)) != len(codes):
        raise EstimationError(
            f"One direct estimate per area is needed; {names(sorted({c for c in codes if list(codes).count(c) > 1}, key=str))} "
            f"stand more than once ({len(codes)} rows over {len(set(codes))} areas).",
            remedy="Estimate one variable by the area alone; choose one category with category=.",
            ar="يلزم تقدير واحد لكل منطقة، وبعض المناطق مكررة؛ قدّر متغيراً واحداً بحسب المنطقة وحدها، واختر فئة واحدة.",
        )
    variance = np.diag(estimates.vcov)[rows].astype(float)
    below = variance < 0
    if below.any():
        raise EstimationError(
            f"The sampling variance is below zero in {names(codes[below])}.",
            remedy="Use replicates (mr.replicates.JKn or RaoWu), which never give such a variance.",
            ar=f"تباين المعاينة سالب في: {names(codes[below])}؛ استعمل الأوزان المكررة (JKn أو RaoWu).",
        )
    n = frame["n"].to_numpy(float)[rows]
    estimate = frame["estimate"].to_numpy(float)[rows]
    error = frame["std_error"].to_numpy(float)[rows]
    enough = n >= gating.LEAST
    few = tuple(codes[(n > 0) & ~enough])
    count = frame["count"].to_numpy(float)[rows] if "count" in frame.columns else np.full(len(rows), np.nan)
    return Direct(
        kind=str(estimates.kind), rows=rows, codes=codes, estimate=np.where(enough, estimate, np.nan),
        variance=np.where(np.isfinite(error), variance, np.nan), n=np.where(enough, n, np.nan), df=frame["df"].to_numpy(float)[rows], count=count, few=few,
        category=category,
    )  # fmt: skip


def matched(
    direct: Direct, covariates: pd.DataFrame, on: str, terms: Sequence[str] | None, shares: str | None,
    within: str | None = None,
) -> Covariates:  # fmt: skip
    """Covariates of every area, beside the direct estimates."""
    table = checked(covariates, on)
    first = {code: row for row, code in enumerate(direct.codes)}
    order = sorted(range(len(table)), key=lambda row: (first.get(table[on].iloc[row], len(first)), row))
    table = table.iloc[order]
    codes = table[on].to_numpy(object)
    lost = [code for code in direct.codes if code not in set(codes)]
    if len(lost) == len(direct.codes):
        raise EstimationError(
            f"None of the areas of the estimates ({names(direct.codes)}) is in the column {on!r} of the covariates "
            f"({names(codes)}).",
            remedy="Give both the same codes: numbers as numbers, names spelt alike; masar_research.places.match turns "
            "names of governorates into codes.",
            ar=f"لا تتطابق رموز المناطق في التقديرات ({names(direct.codes)}) مع العمود «{on}» في المتغيرات المساعدة "
            f"({names(codes)})؛ وحّد الرموز.",
        )
    if lost:
        raise EstimationError(
            f"{len(lost)} areas of the estimates have no row of covariates: {names(lost)}.",
            remedy="Add their rows, or leave the areas out with .where() before estimating.",
            ar=f"لا توجد متغيرات مساعدة لهذه المناطق: {names(lost)}؛ أضف صفوفها.",
        )
    used = tuple(name for name in table.columns if name not in (on, shares, within)) if terms is None else tuple(terms)
    held = None
    if shares is not None:
        held = numbers(table, (shares,), codes)[:, 0]
        if (held <= 0).any():
            raise EstimationError(
                f"The shares of {names(codes[held <= 0])} are not above zero.",
                remedy=f"Correct the column {shares!r}: persons of each area the figure is about.",
                ar=f"حصص هذه المناطق ليست أكبر من الصفر: {names(codes[held <= 0])}.",
            )
    design, back = standardised(numbers(table, used, codes))
    at = {code: row for row, code in enumerate(direct.codes)}
    place = np.array([at.get(code, -1) for code in codes])
    group, groups = (None, ()) if within is None else _grouped(table, within, codes)
    return Covariates(on, codes, used, design, back, held, place, group, groups)


def _grouped(table: pd.DataFrame, within: str, codes: np.ndarray) -> tuple[np.ndarray, tuple[object, ...]]:
    """The larger area of each area, and their codes in the order they first appear."""
    if within not in table.columns:
        raise EstimationError(
            f"within={within!r} is no column of the covariates: {list(table.columns)}.",
            remedy="Name the column that says in which larger area (governorate) each area lies.",
            ar=f"لا يوجد العمود «{within}» في جدول المناطق؛ سمِّ العمود الذي يبيّن المحافظة التي تقع فيها كل منطقة.",
        )
    lacking = table[within].isna().to_numpy()
    if lacking.any():
        raise EstimationError(
            f"The column {within!r} does not say where {names(codes[lacking])} lie.",
            remedy="Fill in the larger area of every area.",
            ar=f"لا يبيّن العمود «{within}» موقع هذه المناطق: {names(codes[lacking])}.",
        )
    group, found = pd.factorize(table[within])
    return group, tuple(found.tolist())


def checked(covariates: pd.DataFrame, on: str) -> pd.DataFrame:
    """The table of areas, one row each."""
    if not isinstance(covariates, pd.DataFrame) or on not in covariates.columns:
        found = list(covariates.columns) if isinstance(covariates, pd.DataFrame) else type(covariates).__name__
        raise EstimationError(
            f"The covariates need a column {on!r} that names the area; found {found}.",
            remedy=f"Pass a DataFrame with one row per area and the column {on!r}.",
            ar=f"يلزم جدول فيه صف لكل منطقة وعمود باسم «{on}».",
        )
    column = covariates[on]
    if column.isna().any():
        raise EstimationError(
            f"{int(column.isna().sum())} rows of the covariates do not say their area (column {on!r}).",
            remedy="Fill in the area, or leave the rows out.",
            ar=f"صفوف في المتغيرات المساعدة بلا رمز منطقة في العمود «{on}».",
        )
    twice = column[column.duplicated()].unique()
    if len(twice):
        raise EstimationError(
            f"{len(twice)} areas stand more than once in the covariates: {names(twice)}.",
            remedy="Keep one row per area.",
            ar=f"مناطق مكررة في جدول المتغيرات المساعدة: {names(twice)}؛ أبقِ صفاً واحداً لكل منطقة.",
        )
    return covariates


def numbers(table: pd.DataFrame, wanted: Sequence[str], codes: np.ndarray) -> np.ndarray:
    """(k, t) of columns that are numbers without gaps."""
    lacking = [name for name in wanted if name not in table.columns]
    if lacking:
        raise EstimationError(
            f"The covariates have no column {', '.join(map(repr, lacking))}: {list(table.columns)}.",
            remedy="Name columns of the table of areas.",
            ar=f"لا توجد في جدول المناطق هذه الأعمدة: {'، '.join(lacking)}.",
        )
    columns = []
    for name in wanted:
        if not pd.api.types.is_numeric_dtype(table[name].dtype):
            raise EstimationError(
                f"The covariate {name!r} is not a number.",
                remedy="Leave it out with terms=[...], or turn categories into columns of 0 and 1.",
                ar=f"المتغير المساعد «{name}» ليس رقمياً؛ احذفه أو حوّل فئاته إلى أعمدة 0 و1.",
            )
        values = table[name].to_numpy(float, na_value=np.nan)
        gaps = ~np.isfinite(values)
        if gaps.any():
            raise EstimationError(
                f"The covariate {name!r} is missing for {names(codes[gaps])}.",
                remedy="Fill it in from its source, or leave the covariate or those areas out.",
                ar=f"المتغير المساعد «{name}» غير معروف في: {names(codes[gaps])}؛ أكمله من مصدره أو احذفه.",
            )
        columns.append(values)
    return np.column_stack(columns) if columns else np.empty((len(table), 0))


def standardised(values: np.ndarray, centre: np.ndarray | None = None, spread: np.ndarray | None = None) -> tuple[
    np.ndarray, np.ndarray
]:  # fmt: skip
    """The constant and columns centred and divided by their spread, and the way back for coefficients."""
    centre = values.mean(axis=0) if centre is None else centre
    spread = values.std(axis=0) if spread is None else spread
    spread = np.where(spread > 0, spread, 1.0)
    design = np.column_stack([np.ones(len(values)), (values - centre) / spread])
    back = np.diag(np.concatenate([[1.0], 1 / spread]))
    back[0, 1:] = -centre / spread
    return design, back


def in_shares(estimate: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Shares, refused outside 0–1."""
    outside = (estimate < 0) | (estimate > 1)
    if outside.any():
        raise EstimationError(
            f"The model puts the share of {names(codes[outside])} outside 0–1.",
            remedy="Model shares on transform='arcsine' or 'logit', or use covariates that reach less far.",
            ar=f"يعطي النموذج نسبة خارج الصفر والواحد في: {names(codes[outside])}؛ استعمل transform='arcsine' أو 'logit'.",
        )
    return estimate
