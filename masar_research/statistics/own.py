"""A researcher's own statistic, with the survey's standard errors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from masar_research.engine.derivative import differentiate, matches
from masar_research.engine.functional import functional
from masar_research.errors import EstimationError
from masar_research.estimating import _wrap

if TYPE_CHECKING:
    from masar_research.estimates import Estimates
    from masar_research.survey import Survey

Names = str | Sequence[str]
Function = Callable[..., float]
Influence = Callable[..., np.ndarray]


def statistic(
    survey: Survey, function: Function, variables: Names, by: Names | None = None,
    influence: Influence | None = None, level: float = 0.95, check: bool = True,
) -> Estimates:  # fmt: skip
    """A statistic of one's own, by domain and in subpopulations.

    Parameters
    ----------
    survey : Survey
    function : callable
        ``function(weights, *columns) -> float``: the estimate from the rows of one domain, each
        argument (r,). Rows where any of `variables` is missing, or the weight is zero, are not
        handed over; missing ones are counted.
    variables : str or list of str
        The columns `function` takes, in that order.
    by : str or list of str, optional
    influence : callable, optional
        ``influence(weights, *columns) -> (r,)``: the derivative of the estimate by the weight
        of each row. Without it the derivative by the weights of every sampling unit is taken
        numerically, two evaluations of `function` per unit: right for every function that is
        smooth in the weights, slow for many units, refused for steps such as quantiles.
    level : float
    check : bool
        Compare `influence` with the numerical derivative on the heaviest units. Set False for
        statistics with steps, whose influence is that of the smoothed population.

    Returns
    -------
    Estimates
        kind ``"index"``; ``variable`` is the name of `function`.

    Raises
    ------
    EstimationError
        An influence that contradicts the function, of another length, or a function that is
        not smooth and comes without influence.

    References
    ----------
    Deville (1999), *Survey Methodology* 25, 193–203.

    Examples
    --------
    >>> import numpy as np, pandas as pd, masar_research as mr
    >>> def geometric_mean(w, y):
    ...     return np.exp(np.average(np.log(y), weights=w))
    >>> frame = pd.DataFrame({"w": [1.0, 1.0, 1.0], "wage": [1.0, 10.0, 100.0]})
    >>> survey = mr.Survey(frame, weights="w")
    >>> round(float(survey.statistic(geometric_mean, "wage").frame["estimate"].iloc[0]), 6)
    10.0
    """
    names = (variables,) if isinstance(variables, str) else tuple(variables)
    if not names:
        raise EstimationError("A statistic needs at least one variable.",
                              remedy="Name the columns the function takes.")  # fmt: skip
    label = getattr(function, "__name__", type(function).__name__)
    how = "numerical derivative by the weights of every unit" if influence is None else "given"
    if survey.design.replicates is not None:
        how = "not needed: the function under every replicate's weights"
    note = {"statistic": label, "columns": list(names), "influence": how}
    asked = survey._answer(names, by, level, extra=note)
    domains = asked.columns.domains(asked.by)
    columns = [asked.columns.values(name) for name in names]
    cells = asked.cells(domains)
    if influence is None:
        result = differentiate(asked.design, columns, function, **cells)
    else:
        def answer(weights: np.ndarray, *rows: np.ndarray) -> tuple[float, np.ndarray]:
            return function(weights, *rows), influence(weights, *rows)

        result = functional(asked.design, columns, answer, **cells)
        if check:
            matches(asked.design, columns, function, influence, **cells)
    head = domains.keys.assign(variable=label)
    return _wrap(asked, "index", [head], [result], int(result.n_missing.sum()), "wald")
