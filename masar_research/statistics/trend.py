"""Trend over waves, and joint tests that several contrasts are zero."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import numpy as np

from masar_research import contrast_text, showing
from masar_research.engine import contrasts
from masar_research.errors import EstimationError
from masar_research.estimates import Estimates, contrast_head
from masar_research.statistics.pairs import cells, kept
from masar_research.statistics.results import Finding, TestResult, df_rule

_WALD = (
    "Adjusted Wald test that all differences are zero",
    "اختبار والد المعدَّل لانعدام جميع الفروق",
)
_PLAIN = ("Wald test that all differences are zero", "اختبار والد لانعدام جميع الفروق")


@dataclass(frozen=True, slots=True, eq=False)
class Trend:
    """Linear trend of each series, and the test that its waves are equal.

    Attributes
    ----------
    slope : Estimates
        One row per series: change per unit of score (per year where waves are years), with the
        covariance that PSUs shared by the waves carry.
    equality : tuple of TestResult
        One joint Wald test per series, in the order of the rows of `slope`.
    """

    slope: Estimates
    equality: tuple[TestResult, ...]

    def __repr__(self) -> str:
        return f"<trend of {len(self.slope)} series: {'; '.join(map(repr, self.equality))}>"

    def __str__(self) -> str:
        tests = [f"{test.subject['en']}: {test.told()}" for test in self.equality]
        return "\n".join([str(self.slope), *tests])

    def _repr_html_(self) -> str:
        return self.slope._repr_html_() + "".join(test._repr_html_() for test in self.equality)


def trend(
    estimates: Estimates, over: str = "wave", scores: Mapping[Any, float] | None = None,
    level: float = 0.95, df: float | None = None, across_breaks: bool = False,
) -> Trend:  # fmt: skip
    """Linear trend over waves and joint test that the waves are equal.

    The slope is ``Σ (s − s̄) θ / Σ (s − s̄)²`` over the waves, each counting once; its variance is
    ``L V L'`` with the covariance between waves.

    Parameters
    ----------
    over : str
        The column of waves.
    scores : mapping, optional
        Code of each wave → its place in time; by default the codes themselves (years).
    level : float
        The readings speak of a change when ``p < 1 − level``.
    df : float, optional
        Degrees of freedom of the joint tests; by default as in :func:`joint`.
    across_breaks : bool
        Whether waves are compared between which the survey card says that wording or codes changed.

    Returns
    -------
    Trend

    Raises
    ------
    EstimationError
        A break in the series within these waves, fewer than two waves, codes that are no numbers without scores, or equal scores.

    Examples
    --------
    >>> import pandas as pd, masar_research as mr
    >>> frame = pd.DataFrame({"w": [1.0, 2.0] * 30, "p": range(60), "sex": [1, 1, 2] * 20,
    ...                       "works": [1, 1, 0, 1, 0, 1] * 10, "wave": [2024] * 30 + [2026] * 30})
    >>> survey = mr.Survey(frame, weights="w", psu="p")
    >>> survey.proportion("works", by="wave").trend().equality[0].reading("en")
    'No change over time that can be detected statistically; that does not show there is none.'
    """
    over = estimates._over(over)
    codes = estimates._codes(over)
    if over == "wave" and not across_breaks:
        _unbroken(estimates, codes)
    place = _scores(over, codes, scores)
    deviations = np.array([place[code] for code in codes]) - np.mean([place[c] for c in codes])
    along = dict(zip(codes, deviations / (deviations**2).sum(), strict=True))
    waves = (estimates.note.get("design") or {}).get("waves") or ()
    finding: Finding = "trend" if over == "wave" or set(codes) <= set(waves) else "joint"
    slopes, labels, tests = [], [], []
    keys = kept(estimates, over)
    size = len(estimates)
    for key, at in cells(estimates, over):
        if set(at) != set(codes):
            raise EstimationError(
                f"The series {key} has rows for {list(at)} only, of {codes}.",
                remedy="Estimate by every wave at once.",
            )
        row = np.zeros(size)
        steps = np.zeros((len(codes) - 1, size))
        for code in codes:
            row[at[code]] = along[code]
        for number, code in enumerate(codes[1:]):
            steps[number, at[code]], steps[number, at[codes[0]]] = 1.0, -1.0
        slopes.append(row)
        labels.append(key)
        title = _title(estimates, dict(zip(keys, key, strict=True)), over)
        tests.append(_tested(estimates, steps, title, finding, True, level, df))
    head = contrast_head([f"trend over {over}"] * len(labels), labels, keys)
    by = tuple(name for name in keys if name in estimates.by)
    slope = estimates._combined(np.vstack(slopes), head, by=by, what=f"linear trend over {over}")
    labels_of = {
        "en": f"change per unit of {_name(estimates, over, 'en')}",
        "ar": f"التغيّر لكل وحدة من {_name(estimates, over, 'ar')}",
    }
    note = {
        **slope.note, "scores": dict(place), "per": f"one unit of {over}",
        "contrast_labels": {f"trend over {over}": labels_of},
    }  # fmt: skip
    return Trend(replace(slope, note=MappingProxyType(note)), tuple(tests))


def _unbroken(estimates: Estimates, codes: Sequence[Any]) -> None:
    """Refuse a trend over waves of which a later one is not comparable with the first."""
    breaks = estimates.note.get("breaks") or {}
    within = {wave: reason for wave, reason in breaks.items() if wave in codes and wave != codes[0]}
    if within:
        wave, reason = next(iter(within.items()))
        raise EstimationError(
            f"The series breaks at wave {wave}: {reason['en']}",
            remedy="Compare waves after the break with .contrast(), or state the break and pass across_breaks=True.",
            ar=f"تنقطع السلسلة عند الجولة {wave}: {reason['ar']}",
        )


def _name(estimates: Estimates, column: str, lang: str) -> str:
    if column == "wave" and column not in estimates.codebook:
        return {"en": "wave", "ar": "الجولة"}[lang]
    return showing.title_of(estimates, column, lang)


def _title(estimates: Estimates, row: Mapping[str, Any], over: str) -> dict[str, str]:
    """The series in words of both languages."""
    frame = estimates.frame
    named = [c for c in row if c == "variable" or frame[c].nunique(dropna=False) > 1]
    joined = {"en": "by", "ar": "بحسب"}
    return {
        lang: f"{showing.row_label(estimates, row, named, lang)} {word} {_name(estimates, over, lang)}"
        for lang, word in joined.items()
    }


def joint(
    estimates: Estimates, expressions: Sequence[str], over: str | None = None,
    adjusted: bool = True, level: float = 0.95, df: float | None = None,
) -> TestResult:  # fmt: skip
    """Wald F test that several contrasts are all zero.

    ``W = δ' V⁻ δ`` of rank q; adjusted ``(df − q + 1)/(df q) W`` on (q, df − q + 1), or ``W / q`` on
    (q, df) as R's ``regTermTest``.

    Parameters
    ----------
    expressions : sequence of str
        Contrasts as for ``.contrast()``; each is formed in every cell of the remaining columns,
        and all of them are tested together.
    over : str, optional
    adjusted : bool
        Korn and Graubard's adjustment for few PSUs.
    level : float
        The reading speaks of a difference when ``p < 1 − level``.
    df : float, optional
        Degrees of freedom. By default those of the rows used taken together, or a lower bound of
        them: the sum over rows that share no sampling unit, the largest where they do, or where
        that cannot be told (several stages, calibrated weights, pooled waves).

    Examples
    --------
    >>> import pandas as pd, masar_research as mr
    >>> frame = pd.DataFrame({"w": [1.0, 2.0] * 30, "p": range(60), "sex": [1, 1, 2] * 20,
    ...                       "works": [1, 1, 0, 1, 0, 1] * 10, "wave": [2024] * 30 + [2026] * 30})
    >>> survey = mr.Survey(frame, weights="w", psu="p")
    >>> rate = survey.proportion("works", by=["sex", "wave"])
    >>> rate.joint(["2 - 1"], over="sex").figures()
    'F(2, 55) = 1.073'
    """
    if isinstance(expressions, str) or not expressions:
        raise EstimationError(
            "Expected a list of contrasts.", remedy='Pass ["12 - 11", "13 - 11"], for instance.'
        )
    over = estimates._over(over)
    codes = estimates._codes(over)
    rows = []
    for expression in expressions:
        wanted: dict[Any, float] = {}
        for term, coefficient in contrast_text.parse(expression).items():
            code = estimates._match(over, term, codes)
            wanted[code] = wanted.get(code, 0.0) + coefficient
        for key, at in cells(estimates, over):
            row = np.zeros(len(estimates))
            for code, coefficient in wanted.items():
                if code not in at:
                    raise EstimationError(
                        f"The cell {key} has no row for {over} {code!r}.",
                        remedy="Estimate again with this code in the data.",
                    )
                row[at[code]] = coefficient
            rows.append(row)
    text = "; ".join(expressions)
    subject = {"en": text, "ar": text}
    return _tested(estimates, np.vstack(rows), subject, "joint", adjusted, level, df)


def _tested(
    estimates: Estimates, matrix: np.ndarray, subject: Mapping[str, str], finding: Finding,
    adjusted: bool, level: float, df: float | None,
) -> TestResult:  # fmt: skip
    frame = estimates.frame.reset_index(drop=True)
    used = (matrix != 0).any(axis=0)
    if df is None:
        df = _together(estimates, np.flatnonzero(used))
    lost = used & frame["std_error"].isna().to_numpy()
    theta = np.where(lost, np.nan, frame["estimate"].to_numpy(float))
    formed = contrasts.linear(matrix, theta, estimates.vcov, df)
    found = contrasts.joint(formed, df, adjusted=adjusted)
    method = _WALD if adjusted else _PLAIN
    part = frame.loc[used]
    n = int(part.groupby(list(estimates.by), dropna=False)["n"].max().sum())
    note = {
        **estimates.note, "df": df, "df_rule": df_rule(estimates.note, False), "rank": found.df_num, "contrasts": len(matrix),
        "differences": tuple(formed.estimate.tolist()),
    }  # fmt: skip
    return TestResult(
        statistic=found.f, df_num=found.df_num, df_den=found.df_den, p_value=found.p, symbol="F",
        method=MappingProxyType({"en": method[0], "ar": method[1]}),
        subject=MappingProxyType(dict(subject)), finding=finding, n=n, level=level,
        note=MappingProxyType(note),
    )  # fmt: skip


def _together(estimates: Estimates, rows: np.ndarray) -> float:
    """Degrees of freedom of several rows together: PSUs minus strata of their union, or less."""
    df = estimates.frame["df"].to_numpy(float)[rows]
    design = estimates.note.get("design") or {}
    plain = design.get("stages", 1) <= 1 and not design.get("waves") and not design.get("calibrated")
    if estimates.totals is None or not plain or np.isnan(df).any():
        return float(df.max())
    reached = estimates.totals[:, rows] != 0
    taken, together = np.zeros(len(reached), dtype=bool), 0.0
    for row in np.argsort(-df, kind="stable"):
        if not (taken & reached[:, row]).any():
            taken |= reached[:, row]
            together += df[row]
    return min(together, float(design.get("df", np.inf)))


def _scores(
    over: str, codes: list[Any], scores: Mapping[Any, float] | None
) -> dict[Any, float]:
    if len(codes) < 2:
        raise EstimationError(
            f"Expected two codes of {over!r} or more for a trend; found {codes}.",
            remedy="Pool the waves: load the study without wave=, and estimate by='wave'.",
        )
    try:
        place = {code: float(scores[code] if scores is not None else code) for code in codes}
    except (KeyError, TypeError, ValueError) as error:
        raise EstimationError(
            f"A trend needs a number for each code of {over!r}; found {codes} and scores {scores}.",
            remedy="Pass scores={code: number, ...} for every code.",
        ) from error
    if len(set(place.values())) < 2 or not np.isfinite(list(place.values())).all():
        raise EstimationError(
            f"Expected different finite scores; found {place}.",
            remedy="Give each wave its place in time, for instance its year.",
        )
    return place
