"""`survey.diagnostics`: what the design costs, against a named reference."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd

from masar_research.engine import effects
from masar_research.engine.effects import Reference
from masar_research.survey import Names, Survey

_AGAINST = {
    "with_replacement": "simple random sampling with replacement of the same n",
    "without_replacement": "simple random sampling without replacement of the same n",
}


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Diagnostics:
    """Design diagnostics, one row per domain and variable.

    Attributes
    ----------
    frame : pandas.DataFrame
        Domain columns, ``variable``, then ``estimate, std_error, cv, n, df, psus, deff, deft,
        n_eff, deff_weights, meff, icc, rows_per_psu``.
    note : mapping
        Weights, base, design, and what ``deff`` is against.
    """

    frame: pd.DataFrame
    note: Mapping[str, Any]

    def __repr__(self) -> str:
        return f"deff against {self.note['deff']}\n{self.frame.round(4).to_string(index=False)}"

    def _repr_html_(self) -> str:
        return f"<p>deff against {self.note['deff']}</p>{self.frame.round(4).to_html(index=False)}"


def diagnostics(
    survey: Survey,
    variables: Names,
    by: Names | None = None,
    reference: Reference = "with_replacement",
) -> Diagnostics:
    """Design effect, effective n, misspecification effect, clustering and cv of means.

    Parameters
    ----------
    variables : str or list of str
        Numeric or 0/1.
    by : str or list of str, optional
    reference : {"with_replacement", "without_replacement"}
        The simple random sample that deff compares with (R's ``deff="replace"`` and
        ``deff=TRUE``); without replacement the weights must add to the population.

    Returns
    -------
    Diagnostics
        ``deff`` and its root ``deft``; ``n_eff = n / deff``; ``deff_weights`` from unequal
        weights alone (Kish); ``meff``, variance over what ignoring weights, strata and PSUs
        would report; ``icc``, the intraclass correlation by PSU; ``rows_per_psu``; ``cv``.

    Raises
    ------
    EstimationError
        Unknown reference; without replacement, weights that add to no more than n.

    References
    ----------
    Kish (1965), *Survey Sampling*; Skinner, Holt and Smith (1989), *Analysis of Complex Surveys*.

    Examples
    --------
    >>> import pandas as pd, masar_research as mr
    >>> frame = pd.DataFrame({"w": 1.0, "psu": [1, 1, 2, 2], "y": [1.0, 1.0, 3.0, 3.0]})
    >>> found = mr.Survey(frame, weights="w", psu="psu").diagnostics("y")
    >>> found.frame[["deff", "icc"]].round(6).values.tolist()
    [[3.0, 1.0]]
    """
    asked = survey._answer(variables, by, 0.95)
    domains = asked.columns.domains(asked.by)
    tables = []
    for name in asked.variables:
        found = effects.diagnose(
            asked.design, asked.columns.values(name), reference=reference, **asked.cells(domains)
        )
        columns = {field.name: np.asarray(getattr(found, field.name)) for field in fields(found)}
        tables.append(domains.keys.assign(variable=name, **columns))
    note = MappingProxyType({**asked.note, "deff": _AGAINST[reference]})
    return Diagnostics(pd.concat(tables, ignore_index=True), note)
