"""`survey.standardise`: rates of groups as if they had one and the same composition."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from masar_research.engine import standardised
from masar_research.errors import EstimationError
from masar_research.estimates import Estimates
from masar_research.estimating import _cases, check_interval, _wrap
from masar_research.statistics.limits import with_facts
from masar_research.survey import Names, Survey


def standardise(
    survey: Survey,
    variable: str,
    strata: Names,
    population: Mapping[Any, float],
    by: Names | None = None,
    level: float = 0.95,
    interval: str = "logit",
) -> Estimates:
    """Directly standardised means or rates by domain (age adjustment).

    ``θ_d = Σ_k π_k ȳ_dk``: the mean of each stratum within the domain, weighted by the
    stratum's share in a standard population instead of its share in the domain.

    Parameters
    ----------
    variable : str
        Numeric, or 0/1 for a rate.
    strata : str or list of str
        What is held constant, for instance ``"age_group"``.
    population : mapping
        Counts or shares of the standard population by code of `strata`; by tuples of codes
        where there are several. Matched by key, never by position; taken as known.
    by : str or list of str, optional
        The domains to be compared.
    level : float
    interval : str
        For a 0/1 variable, as in ``survey.proportion``; a mean has a t interval.

    Returns
    -------
    Estimates
        kind ``"proportion"`` for a 0/1 variable, else ``"mean"``; one row per domain, with df
        of the domain. A domain without anybody in some stratum has no estimate and is named in
        ``note["empty"]``; merge strata to compare it.

    Raises
    ------
    EstimationError
        A stratum of the survey that the standard population lacks, or the other way round;
        shares that are negative or all zero; every domain lacks a stratum.

    References
    ----------
    Korn and Graubard (1999), *Analysis of Health Surveys*, section 3.5; R survey,
    ``svystandardize``.

    Examples
    --------
    >>> import pandas as pd, masar_research as mr
    >>> frame = pd.DataFrame({"w": 1.0, "age": [1, 1, 1, 2], "y": [1.0, 3.0, 5.0, 9.0]})
    >>> found = mr.Survey(frame, weights="w").standardise("y", "age", {1: 500, 2: 500})
    >>> float(found.frame["estimate"].iloc[0])
    6.0
    """
    check_interval(interval)
    asked = survey._answer(variable, by, level, extra={"made_by": "standardise"})
    held = (strata,) if isinstance(strata, str) else tuple(strata)
    groups, domains = asked.columns.domains(held), asked.columns.domains(asked.by)
    keys = [key if len(held) > 1 else key[0] for key in groups.keys.itertuples(index=False, name=None)]
    shares = _shares(keys, population, held)
    values = asked.columns.values(variable)
    found, empty = standardised.standardise(
        asked.design, values, groups.codes, shares, **asked.cells(domains)
    )
    if np.all(np.isnan(found.estimate)):
        raise EstimationError(
            f"No domain has an answer in every stratum of {', '.join(held)}; "
            f"lacking: {_listed(domains.keys, empty, keys)}.",
            remedy="Merge strata, or compare larger domains.",
        )
    share = set(np.unique(values[~np.isnan(values)])) <= {0.0, 1.0}
    head = domains.keys.assign(variable=variable)
    cases = None
    if share:
        head = head.assign(category=1)
        cases = _cases(asked, domains, np.where(values == 1, 0, -1), 1)
    kind, missing = "proportion" if share else "mean", int(found.n_missing.sum())
    estimates = _wrap(
        asked, kind, [head], [found], missing, interval if share else "wald", cases
    )
    return with_facts(
        estimates, standardised_by=held,
        standard_population=MappingProxyType(dict(zip(keys, shares.tolist(), strict=True))),
        empty=_listed(domains.keys, empty, keys),
    )  # fmt: skip


def _shares(
    keys: list[Any], population: Mapping[Any, float], held: tuple[str, ...]
) -> np.ndarray:
    lacking = [key for key in keys if key not in population]
    unknown = [key for key in population if key not in keys]
    if lacking or unknown:
        raise EstimationError(
            f"The standard population does not fit {', '.join(held)}: "
            f"without a figure {lacking}, not in the survey {unknown}.",
            remedy="Give one count or share for each code of the strata, and no other.",
        )
    counts = np.array([population[key] for key in keys], dtype=float)
    if not (np.all(counts >= 0) and np.isfinite(counts).all() and counts.sum() > 0):
        raise EstimationError(
            f"Expected counts or shares of zero or more, not all zero; found {counts.tolist()}.",
            remedy="Correct the standard population.",
        )
    return counts / counts.sum()


def _listed(domains: Any, empty: np.ndarray, keys: list[Any]) -> tuple[str, ...]:
    """``"governorate=11: 4"`` for each domain and stratum without an answer."""
    names = [
        ", ".join(f"{name}={value}" for name, value in row.items()) or "everybody"
        for row in domains.to_dict("records")
    ]
    return tuple(f"{names[d]}: {keys[k]}" for d, k in np.argwhere(empty))
