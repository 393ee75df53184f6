"""`survey.quantile` and `survey.median`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from masar_research.engine import quantiles
from masar_research.errors import EstimationError
from masar_research.estimates import Estimates
from masar_research.estimating import _wrap
from masar_research.statistics.limits import with_limits
from masar_research.survey import Names, Survey


def quantile(
    survey: Survey,
    variables: Names,
    probs: Sequence[float] | float = (0.5,),
    by: Names | None = None,
    level: float = 0.95,
    rule: str = "school",
    interval: str = "woodruff",
) -> Estimates:
    """Weighted quantiles by domain with Woodruff intervals.

    The share at or below the quantile is a mean with a design-based interval; its limits are
    turned back into values by the same rule that made the quantile.

    Parameters
    ----------
    variables : str or list of str
        Numeric variables.
    probs : float or sequence of float
        Shares between 0 and 1, both excluded.
    by : str or list of str, optional
    level : float
    rule : {"school", "math", "hf1", "hf2", "hf4", "hf5", "hf6", "hf7", "hf8", "hf9"}
        ``math`` (``hf1``): the smallest value with at least that share at or below it;
        ``school`` (``hf2``): the middle of two values where the share is met exactly; the others
        interpolate as Hyndman and Fan's types.
    interval : {"woodruff", "xlogit", "beta", "arcsine"}
        The interval of the share; ``woodruff`` takes t on its own scale, the others stay
        within 0 and 1 and so exist further into the tails.

    Returns
    -------
    Estimates
        kind ``"quantile"``, one row per domain, variable and share (column ``prob``). With
        several shares ``prob`` is a domain column: ``.contrast("0.9 - 0.1", over="prob")`` has a
        standard error. ``std_error`` is the interval's width over 2 t, so it depends on `level`
        a little. A limit is missing where the share's limit lies outside 0 and 1 or the sample
        ends at the quantile; the standard error is then missing too.

    Raises
    ------
    EstimationError
        Unknown rule or interval, a share that is not between 0 and 1, or one given twice.

    References
    ----------
    Woodruff (1952), *JASA* 47; Francisco and Fuller (1991), *Annals of Statistics* 19.

    Examples
    --------
    >>> import pandas as pd, masar_research as mr
    >>> frame = pd.DataFrame({"w": 1.0, "income": range(1, 101)})
    >>> found = mr.Survey(frame, weights="w").quantile("income", probs=(0.25, 0.5))
    >>> found.frame[["prob", "estimate"]].values.tolist()
    [[0.25, 25.5], [0.5, 50.5]]
    """
    shares = distinct_shares(probs)
    asked = survey._answer(variables, by, level)
    domains = asked.columns.domains(asked.by)
    cells = asked.cells(domains)
    heads, found = [], []
    for name in asked.variables:
        values = asked.columns.values(name)
        ties = rule not in quantiles.STEPS
        ordered = quantiles.order(asked.design, values, **cells, ties=ties)
        for p in shares:
            found.append(
                quantiles.quantile(
                    asked.design, values, ordered, p, rule=rule, interval=interval, level=level,
                    **cells,
                )
            )  # fmt: skip
            heads.append(domains.keys.assign(variable=name, prob=p))
    if len(shares) > 1:
        asked = replace(asked, by=(*asked.by, "prob"))
    results = [part.result for part in found]
    missing = sum(int(part.n_missing.sum()) for part in results[:: len(shares)])
    estimates = _wrap(asked, "quantile", heads, results, missing, "wald")
    return with_limits(
        estimates,
        np.concatenate([part.low for part in found]),
        np.concatenate([part.high for part in found]),
        interval=f"{interval}, inverted by the rule of the point", rule=rule,
        std_error="width of the interval over 2 t",
    )  # fmt: skip


def distinct_shares(probs: Sequence[float] | float) -> tuple[float, ...]:
    """The shares asked for, each once."""
    shares = tuple(float(p) for p in np.atleast_1d(np.asarray(probs, dtype=float)))
    if not shares or len(set(shares)) < len(shares):
        raise EstimationError(
            f"Expected different shares between 0 and 1; found {list(shares)}.",
            remedy="Give each once, for instance probs=(0.25, 0.5, 0.75).",
        )
    return shares


def median(
    survey: Survey,
    variables: Names,
    by: Names | None = None,
    level: float = 0.95,
    rule: str = "school",
    interval: str = "woodruff",
) -> Estimates:
    """Weighted medians by domain: `quantile` at one half; see there for the parameters.

    Examples
    --------
    >>> import pandas as pd, masar_research as mr
    >>> frame = pd.DataFrame({"w": [1.0, 1.0, 2.0, 2.0], "sex": [1, 2, 1, 2],
    ...                       "works": [1, 0, 1, 1], "pay": [3.0, 2.0, 6.0, 4.0]})
    >>> survey = mr.Survey(frame, weights="w")
    >>> survey.median("pay").frame["estimate"].tolist()
    [4.0]
    """
    return quantile(survey, variables, (0.5,), by, level, rule, interval)
