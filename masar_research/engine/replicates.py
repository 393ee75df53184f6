"""Variance from replicate weights: every estimate again under each replicate's weights.

Replicates are kept as factors per sampling unit where they can be, and as the producer's columns
otherwise; sums under all of them are formed cell by cell, never as one array of rows × replicates.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from masar_research.engine.cells import Cells, Rows
from masar_research.engine.design import Aggregate, Design
from masar_research.errors import DesignError

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]

Statistic = Callable[[tuple[Floats, ...]], Floats]
"""Sums of weight × value, one (k, n_cells) array per value → k rows of m estimates (k, m)."""


class ReplicateWeights(Protocol):
    """R sets of weights over the rows of a design."""

    @property
    def number(self) -> int:
        """R."""
        ...

    def sums(self, cells: Cells) -> tuple[Floats, ...]:
        """Σ w_r value by replicate and cell, (R, n_cells) for each value of `cells`."""
        ...

    def linear(self, design: Design, aggregate: Aggregate) -> Floats:
        """(R, m) Σ w_r × influence, from sums of factor × weight × influence by code."""
        ...

    def rows(self, design: Design, replicate: int) -> Floats:
        """(n,) weights of one replicate."""
        ...

    def degrees(self, design: Design, rows: Rows) -> NDArray[np.intp] | None:
        """(n_domains,) degrees of freedom by domain; None: those of the design's PSUs."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Replicates:
    """How a design's variance comes from replicates.

    ``V = Σ_r c_r (θ_r − θ̄)(θ_r − θ̄)'``, with c_r = scale × rscale_r and θ̄ the mean of the
    replicate estimates with c_r > 0, or the estimate itself under `mse`.

    Parameters
    ----------
    weights : ReplicateWeights
    scales : ndarray (R,)
        c_r.
    mse : bool
    df : int
        Degrees of freedom of the whole sample.
    facts : mapping
        Plain facts for the method note.
    """

    weights: ReplicateWeights
    scales: Floats
    mse: bool
    df: int
    facts: Mapping[str, Any]

    @property
    def number(self) -> int:
        """R."""
        return self.weights.number

    def deviations(self, theta: Floats, full: Floats) -> Floats:
        """√c_r (θ_r − centre), whose cross-products are the covariance.

        Parameters
        ----------
        theta : ndarray (R, m)
            Replicate estimates. An estimate that does not exist in some replicate gets no
            variance: its column is NaN.
        full : ndarray (m,)
            The estimates under the design's own weights.

        Returns
        -------
        ndarray (R, m)
        """
        centre = full if self.mse else theta[self.scales > 0].mean(axis=0)
        with np.errstate(invalid="ignore"):
            return (theta - centre) * np.sqrt(self.scales)[:, None]

    def of_statistic(self, cells: Cells, statistic: Statistic) -> Floats:
        """(R, m) deviations of estimates that are functions of sums by cell."""
        with np.errstate(invalid="ignore", divide="ignore"):
            theta = statistic(self.weights.sums(cells))
            full = statistic(tuple(part.sum(axis=0, keepdims=True) for part in cells.sums))[0]
        return self.deviations(theta, full)

    def degrees(
        self, design: Design, rows: Rows, df: NDArray[np.intp], repeats: int
    ) -> NDArray[np.intp]:
        """(m,) degrees of freedom by domain; `df` (m,) are PSUs minus strata."""
        own = self.weights.degrees(design, rows)
        if own is None:
            return np.minimum(df, self.number - 1)
        return np.repeat(own, repeats)

    def degrees_among(self, design: Design, used: NDArray[np.bool_]) -> int:
        """Degrees of freedom among the rows marked."""
        weights = np.where(used, design.weights, 0.0)
        counted = used & (design.weights > 0)
        n = np.array([np.count_nonzero(counted)])
        rows = Rows(weights, None, 1, n, np.zeros(1, np.intp), np.zeros(1), bool(counted.all()))
        present = np.bincount(design.unit[counted], minlength=design.n_units)[:, None] > 0
        return int(self.degrees(design, rows, design.structure.degrees_of_freedom(present), 1)[0])

    def of_influence(self, design: Design, aggregate: Aggregate) -> Floats:
        """(R, m) deviations to first order, of estimates known by their influence."""
        theta = self.weights.linear(design, aggregate)
        full = aggregate(np.zeros(design.n_rows, dtype=np.intp), 1, np.ones(design.n_rows))[0]
        return self.deviations(theta, full)


def attach(
    design: Design,
    weights: ReplicateWeights,
    *,
    scale: float,
    rscales: ArrayLike | None,
    mse: bool,
    df: int,
    facts: Mapping[str, Any],
) -> Design:
    """A design whose variance comes from replicates.

    Parameters
    ----------
    design : Design
        Without replicates; its calibration, if any, must already be in the replicate weights.
    weights : ReplicateWeights
    scale : float
    rscales : array_like (R,), optional
        Ones by default.
    mse : bool
        Centre on the estimate rather than on the mean of the replicate estimates.
    df : int
    facts : mapping

    Raises
    ------
    DesignError
        Scales that are negative, missing, all zero or of another number than the replicates.
    """
    number = weights.number
    if number < 2:
        raise DesignError(
            f"Expected at least two replicates; found {number}.",
            remedy="Name all the replicate weights, for instance by a pattern like 'brrwt*'.",
        )
    each = np.ones(number) if rscales is None else np.asarray(rscales, dtype=float)
    if each.shape != (number,):
        raise DesignError(
            f"Expected {number} rscales, one per replicate; found shape {each.shape}.",
            remedy="Give the producer's rscales in the order of the replicate columns.",
        )
    scales = scale * each
    if not (np.isfinite(scales).all() and (scales >= 0).all() and (scales > 0).any()):
        raise DesignError(
            "Expected replicate scales of zero or more, not all zero; found some that are not.",
            remedy="Take scale and rscales from the producer's documentation.",
        )
    said = {**facts, "statistics_by_influence": "replicates of their linear approximation"}
    found = Replicates(weights, scales, mse, df, said)
    return replace(design, replicates=found, calibration=None)
