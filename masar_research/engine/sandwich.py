"""Unit totals of estimates that solve weighted equations: Binder's sandwich, or refits.

A model hands over its weighted influence row by row; strata, stages, population counts, lonely
units, calibration, two phases and waves are then those of the one variance engine. Under
replicate weights the model is fitted again in each of them.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from masar_research.engine.auxiliary import row_sums
from masar_research.engine.design import Design
from masar_research.engine.margins import unit_totals
from masar_research.errors import MasarError, ModelError

Refit = Callable[[np.ndarray], np.ndarray]
"""(n,) weights → (q,) estimates."""


def influence_totals(design: Design, influence: np.ndarray) -> np.ndarray:
    """Unit totals of rows of weight × influence.

    Parameters
    ----------
    design : Design
    influence : (n, q) float array
        Weight × influence of each row on q estimates; 0 outside the fitted rows.

    Returns
    -------
    (n_units, q) float array
        Residualised where the weights are calibrated; with R replicates (R, q), their deviations
        to first order.

    Examples
    --------
    >>> from masar_research.engine import covariance, declare
    >>> design = declare([1.0, 1.0, 2.0])
    >>> pulled = np.array([[-0.5], [0.0], [0.5]])
    >>> covariance(design, influence_totals(design, pulled)).round(3)
    array([[0.75]])
    """
    return unit_totals(design, lambda codes, k, factor: row_sums(codes, factor, influence, k))


def replicate_estimates(design: Design, refit: Refit) -> np.ndarray:
    """(R, q) estimates under the weights of every replicate.

    Parameters
    ----------
    design : Design
        With replicates.
    refit : callable
        (n,) weights → (q,) estimates.

    Raises
    ------
    ModelError
        Replicate weights below zero, or a replicate in which there is no estimate: it is named.
    """
    replicates = design.replicates
    found = []
    for r in range(replicates.number):
        weights = replicates.weights.rows(design, r)
        if (weights < 0).any():
            raise ModelError(
                "Some replicate weights are negative; no likelihood can be fitted with them.",
                remedy="Estimate means, totals and ratios with them, or ask the producer for others.",
                ar="بعض الأوزان المكررة سالبة فلا يُقدَّر بها نموذج؛ اطلب من المنتِج أوزاناً أخرى.",
            )
        try:
            found.append(refit(weights))
        except MasarError as error:
            raise ModelError(f"In replicate {r + 1}: {error.what}", remedy=error.remedy,
                             ar=error.ar) from error
    return np.array(found)


def fitted_degrees(design: Design, used: np.ndarray) -> int:
    """Degrees of freedom of the design among fitted rows: PSUs minus strata that hold one.

    Parameters
    ----------
    design : Design
    used : (n,) bool array
    """
    if design.replicates is not None:
        return design.replicates.degrees_among(design, used)
    rows = np.bincount(design.unit[used], minlength=design.n_units)
    return int(design.structure.degrees_of_freedom(rows[:, None] > 0)[0])
