"""One engine for every indicator: from a registry record and a survey to `Estimates`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np
import pandas as pd

from masar_research.codebook import Variable
from masar_research.engine import contrasts, intervals
from masar_research.errors import DataError
from masar_research.estimates import Estimates, assemble
from masar_research.indicators.registry import Defined, Indicator, Registry, registry
from masar_research.survey import Survey

Names = str | Sequence[str]


@dataclass(frozen=True, slots=True)
class Lacking:
    """An indicator a survey cannot give, with the reason in both languages."""

    indicator: str
    reason: Mapping[str, str]


def compute(
    survey: Survey,
    indicator: str | Indicator,
    by: Names | None = None,
    base: str | None = None,
    level: float = 0.95,
) -> Estimates:
    """Estimate an indicator of the registry.

    Parameters
    ----------
    survey : Survey
        On the harmonised frame; a subpopulation stays a subpopulation.
    indicator : str or Indicator
        Its id, or a record.
    by : str or list of str, optional
    base : str, optional
        One of the record's ``bases`` (``jordanians``, ``all_residents``); without it the
        survey's people within the universe.
    level : float

    Returns
    -------
    Estimates
        Kind ``proportion``, ``mean``, ``ratio`` or ``mean_of_shares``; shares as fractions.
        ``note`` adds ``indicator``, ``indicator_version``, ``universe`` and ``nationality_base``.

    Raises
    ------
    DataError
        Unknown or merely defined indicator, unknown base, or variables the survey lacks.
    EstimationError
        Nobody in the universe.

    Notes
    -----
    A mean of shares is ``(p₁ + … + p_k) / k``, each share on its own denominator; with V the
    joint covariance of the shares its variance is ``1ᵀV1 / k²``. df and n are the smallest
    among the items, n_eff too.

    Examples
    --------
    >>> from masar_research import load                                    # doctest: +SKIP
    >>> compute(load("masar_demo", wave=2026), "WE02", by="sex", base="jordanians")  # doctest: +SKIP
    """
    record = indicator if isinstance(indicator, Indicator) else registry().ready(indicator)
    missing = _missing(survey, record)
    if missing:
        raise DataError(
            f"{record.id} ({record.name.en}) needs {', '.join(missing)}, which this survey has no "
            "answers for.",
            remedy="Map the variable in the survey card, or leave the indicator out "
            "(indicators.available says which a survey can give).",
            ar=f"لا يتضمن هذا المسح ما يلزم لحساب «{record.name.ar}».",
        )
    people = survey.where(record.universe)
    where = _base(record, base)
    if where is not None:
        people = people.where(where)
    domains = [by] if isinstance(by, str) else list(by or ())
    match record.kind:
        case "proportion":
            found = _proportion(people, record, domains, level)
        case "mean":
            found = people.mean(record.variable, by=domains, level=level)
        case "ratio":
            found = people.ratio(record.numerator, record.denominator, by=domains, level=level)
        case "mean_of_shares":
            found = _mean_of_shares(people, record, domains, level)
    note = {
        **found.note, "indicator": record.id, "indicator_version": record.version,
        "universe": record.universe, "nationality_base": base,
    }  # fmt: skip
    return replace(found, note=MappingProxyType(note))


def available(
    survey: Survey, records: Registry | None = None
) -> tuple[tuple[str, ...], tuple[Lacking, ...]]:
    """Which indicators a survey can give, and which not, with the reasons.

    Parameters
    ----------
    survey : Survey
    records : Registry, optional
        Default: the project's.

    Returns
    -------
    ids : tuple of str
        Indicators the engine can compute from this survey.
    lacking : tuple of Lacking
        The other computable ones, and whatever the survey card says it lacks; the card's own
        reason comes first, and holds for indicators that rest on the same questions.
        Indicators that are only defined are left out.
    """
    records = records or registry()
    said = {
        lack.indicator: lack.reason for lack in getattr(survey.card, "lacks", ()) if lack.indicator
    }
    ids, lacking = [], []
    for name, record in records.items():
        if isinstance(record, Defined):
            if name in said:
                lacking.append(Lacking(name, said[name]))
            continue
        if reasons := [said[one] for one in (name, *record.rests_on) if one in said]:
            lacking.append(Lacking(name, reasons[0]))
        elif missing := _missing(survey, record):
            lacking.append(Lacking(name, _reason(missing)))
        elif not survey.truth(record.universe).any():
            lacking.append(Lacking(name, _nobody(record)))
        else:
            ids.append(name)
    return tuple(ids), tuple(lacking)


def _reason(missing: list[str]) -> Mapping[str, str]:
    names = ", ".join(missing)
    return MappingProxyType({
        "en": f"The survey has no answers for {names}.",
        "ar": f"لا يتضمن المسح إجابات عن {names}.",
    })  # fmt: skip


def _nobody(record: Indicator) -> Mapping[str, str]:
    return MappingProxyType({
        "en": f"Nobody in the survey belongs to the base: {record.base_text.en}.",
        "ar": f"لا يوجد في المسح من ينتمي إلى قاعدة الاحتساب: {record.base_text.ar}.",
    })  # fmt: skip


def _missing(survey: Survey, record: Indicator) -> list[str]:
    """Variables the survey lacks or holds without a single answer."""
    columns = survey.frame.columns
    return [
        name for name in sorted(record.needs)
        if name not in columns or not np.isfinite(survey.values(name)).any()
    ]  # fmt: skip


def _base(record: Indicator, base: str | None) -> str | None:
    if base is None:
        return None
    if base not in record.bases:
        raise DataError(
            f"{record.id} has no base {base!r}.",
            remedy=f"Use one of {', '.join(record.bases) or 'none'}, or leave base out.",
        )
    return record.bases[base].where


def _proportion(people: Survey, record: Indicator, by: list[str], level: float) -> Estimates:
    if set(people.coded(record.variable).levels) <= {0, 1} and record.positive == (1.0,):
        return people.proportion(record.variable, by=by, level=level)
    values = people.values(record.variable)
    share = np.where(np.isfinite(values), np.isin(values, record.positive), np.nan)
    name = _free_name(people, record.variable)
    found = people.with_columns({name: share}, _share(name, record)).proportion(name, by=by, level=level)
    return replace(found, frame=found.frame.assign(variable=record.variable))


def _share(name: str, record: Indicator) -> Variable:
    return Variable(name, label={"en": record.name.en, "ar": record.name.ar}, level="nominal")


def _free_name(survey: Survey, stem: str) -> str:
    name = f"share_of_{stem}"
    while name in survey.frame.columns:
        name += "_"
    return name


def _mean_of_shares(people: Survey, record: Indicator, by: list[str], level: float) -> Estimates:
    columns, variables = {}, []
    for item in record.items:
        values = people.values(item.var)
        answered = np.isfinite(values) & ~np.isin(values, item.exclude)
        name = _free_name(people, item.var)
        columns[name] = np.where(answered, np.isin(values, item.positive), np.nan)
        variables.append(_share(name, record))
    shares = people.with_columns(columns, *variables).mean(list(columns), by=by, level=level)
    count = len(record.items)
    cells = len(shares.frame) // count
    mixing = np.tile(np.eye(cells), count) / count
    return _combine(shares, mixing, record, by, level)


def _combine(
    shares: Estimates, mixing: np.ndarray, record: Indicator, by: list[str], level: float
) -> Estimates:
    """Rows mixed linearly (rows run item-major): estimate, covariance, the weakest df and n."""
    frame, cells = shares.frame, mixing.shape[0]

    def least(column: str) -> np.ndarray:
        return frame[column].to_numpy(float).reshape(-1, cells).min(axis=0)

    df = least("df")
    made = contrasts.linear(mixing, frame["estimate"], shares.vcov, df)
    error = np.where(df > 0, made.std_error, np.nan)
    low, high = intervals.wald(made.estimate, error, df, level)
    statistics = {
        "estimate": made.estimate, "std_error": error, "conf_low": low, "conf_high": high,
        "df": df, "n": least("n"), "n_eff": least("n_eff"), "deff": np.full(cells, np.nan),
    }  # fmt: skip
    head = frame[by].iloc[:cells].reset_index(drop=True) if by else pd.DataFrame(index=range(cells))
    note = {**shares.note, "items": tuple(item.var for item in record.items), "interval": "Wald, t"}
    totals = None if shares.totals is None else shares.totals @ mixing.T
    return assemble(
        head.assign(variable=record.id), statistics, made.vcov, kind="mean_of_shares", by=by,
        note=note, codebook=shares.codebook, level=level, totals=totals,
    )  # fmt: skip

