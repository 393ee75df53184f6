"""A design from replicate weights as a producer delivers them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from masar_research.engine.design import Design, declare
from masar_research.engine.encode import listing
from masar_research.engine.groups import Groups
from masar_research.engine.replicate_rank import full_rank
from masar_research.engine.replicate_weights import RowWeights
from masar_research.engine.replicates import attach
from masar_research.engine.structure import Structure
from masar_research.errors import DesignError

# Weights and factors differ by the mean weight; replicates by less than this.
_ALIKE = 5.0


def given(
    weights: ArrayLike,
    columns: Sequence[NDArray[Any]],
    *,
    names: Sequence[str],
    kind: str,
    scale: float,
    rscales: ArrayLike | None = None,
    mse: bool = False,
    combined: bool = True,
    facts: Mapping[str, Any] | None = None,
) -> Design:
    """Declare a sample by its replicate weights.

    Parameters
    ----------
    weights : array_like (n,)
        The weights that give the estimates.
    columns : sequence of R ndarrays (n,)
        Replicate weights; read where they stand, never gathered in one array.
    names : sequence of str
        Their names, for messages.
    kind : str
        The type, for the note.
    scale, rscales, mse
        ``V = scale Σ_r rscale_r (θ_r − θ̄)²``, θ̄ the mean of the replicate estimates or, under
        `mse`, the estimate.
    combined : bool
        Whether the columns are weights; otherwise factors of `weights`.
    facts : mapping, optional
        Further facts for the note.

    Returns
    -------
    Design
        Its degrees of freedom are the rank of the replicate weights − 1.

    Raises
    ------
    DesignError
        Replicate weights that are missing or infinite, all zero, positive where the weight is
        zero, or of another size than `combined` says.

    References
    ----------
    Wolter (2007), *Introduction to Variance Estimation*, ch. 3–5; R's `svrepdesign`.

    Examples
    --------
    >>> import numpy as np
    >>> from masar_research.engine import covariance, mean
    >>> w = np.ones(3)
    >>> columns = [np.where(np.arange(3) == r, 0.0, 1.5) for r in range(3)]
    >>> design = given(w, columns, names=["r1", "r2", "r3"], kind="JK1", scale=2 / 3)
    >>> float(covariance(design, mean(design, [1.0, 2.0, 6.0]).totals)[0, 0])   # s² / n
    2.333333333333333
    """
    plain = _without_structure(declare(weights, lonely_psu="certainty"))
    out = plain.weights == 0
    sums = np.empty(len(columns))
    negative = 0
    for position, (name, column) in enumerate(zip(names, columns, strict=True)):
        values = _checked(name, column, plain.n_rows)
        if combined and np.any(values[out]):
            raise DesignError(
                f"{name} is not zero on {int(np.sum(values[out] != 0))} rows whose weight is zero.",
                remedy="Check that the weight and its replicates belong together.",
            )
        negative += int(np.sum(values < 0))
        sums[position] = values.sum() if combined else (values * plain.weights).sum()
    if len(columns):
        check_size(float(plain.weights.sum()), sums, combined)
    rank = full_rank(columns, plain.weights, combined)
    said = given_facts(kind, len(columns), scale, rscales, mse, negative)
    return attach(
        plain, RowWeights(tuple(columns), combined, rank), scale=scale, rscales=rscales, mse=mse,
        df=rank - 1, facts=said | dict(facts or {}),
    )  # fmt: skip


def given_facts(
    kind: str, number: int, scale: float, rscales: ArrayLike | None, mse: bool, negative: int
) -> dict[str, Any]:
    """What the note says of given replicate weights."""
    return {
        "kind": kind, "number": number, "scale": scale,
        "rscales": "1" if rscales is None else "the producer's",
        "centre": "estimate (mse)" if mse else "mean of the replicates",
        "df": "rank of the replicate weights − 1",
        **({"negative_weights": negative} if negative else {}),
    }  # fmt: skip


def _checked(name: str, column: NDArray[Any], n_rows: int) -> NDArray[np.float64]:
    try:
        values = np.asarray(column, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise DesignError(
            f"The replicate weights {name} are not numbers.",
            remedy="Check the pattern: it may match another column.",
        ) from error
    if values.shape != (n_rows,):
        raise DesignError(
            f"Expected {n_rows} replicate weights in {name}; found shape {values.shape}.",
            remedy="Pass the replicate weights of the survey's own rows.",
        )
    if not np.isfinite(values.sum()):
        rows = np.flatnonzero(~np.isfinite(values))
        raise DesignError(
            f"{name} is missing or infinite on {len(rows)} rows "
            f"({listing([str(r) for r in rows[:9]])}).",
            remedy="Complete the replicate weights in the source file; 0 is a row left out.",
        )
    if not values.any():
        raise DesignError(
            f"{name} is zero on every row.", remedy="Check which columns hold the replicate weights."
        )
    return values


def check_size(total: float, sums: NDArray[np.float64], combined: bool) -> None:
    """Complete weights sum to about what the weights sum to; factors of them do not."""
    middle = float(np.median(sums)) / total
    if 1 / _ALIKE < middle < _ALIKE:
        return
    if combined:
        raise DesignError(
            f"The replicate weights sum to {middle:.3g} times the weights: they look like factors.",
            remedy="Pass combined=False if they multiply the weights.",
        )
    raise DesignError(
        f"Multiplied by the weights, the replicates sum to {middle:.3g} times the weights: they "
        "look like complete weights.",
        remedy="Leave combined at True if they are weights themselves.",
    )


def _without_structure(design: Design) -> Design:
    """One unit, one stratum: replicate weights do not say which rows were sampled together."""
    n = design.n_rows
    unit = np.zeros(n, dtype=np.intp)
    unit.flags.writeable = False
    structure = one_unit(unit)
    return replace(
        design, structure=structure, unit_weights=np.array([design.weights.sum()]),
        unit_rows=np.array([np.count_nonzero(design.weights)]),
    )  # fmt: skip


def one_unit(unit: NDArray[np.intp]) -> Structure:
    """The structure of a sample of which nobody knows the units; `unit` (n,) is 0 for every row."""
    one = Groups.of(np.zeros(1, dtype=np.intp))
    facts = {
        "strata": None, "strata_declared": False, "psus": None, "clustered": True, "stages": 0,
        "units": None, "fpc": False, "lonely_psu": "raise", "lonely_strata": (),
    }  # fmt: skip
    return Structure(
        unit=unit, n_units=1, n_strata=1, unit_sizes=np.array([len(unit)]), stages=(), psus=one,
        df_psus=one, df_strata=one, overlaps=(), facts=facts,
    )  # fmt: skip
