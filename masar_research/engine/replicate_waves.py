"""Replicates of pooled waves that share PSUs: one draw per PSU of the frame, used in all its waves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from masar_research.engine.design import Aggregate, Design
from masar_research.engine.encode import Codes
from masar_research.engine.groups import dense, first_value
from masar_research.engine.replicate_weights import UnitFactors

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Shared:
    """PSUs of several waves as units of one frame.

    Parameters
    ----------
    base : ndarray (n_psus,)
        PSU of the frame that each PSU of a wave is.
    stratum : ndarray (n_psus,)
        Stratum in its wave.
    group : ndarray (n_base,)
        Strata of the waves joined where they share PSUs.
    number : ndarray (n_groups,)
        PSUs of the frame in each group.
    size, left : ndarray (n_strata,)
        PSUs of each wave's stratum, and the share 1 − f that its population leaves.
    active : ndarray of bool (n_strata,)
        Whether the stratum contributes to the variance.
    """

    base: Codes
    stratum: Codes
    group: Codes
    number: Floats
    size: Floats
    left: Floats
    active: NDArray[np.bool_]

    @classmethod
    def of(cls, base: Codes, stratum: Codes, size: Floats, left: Floats, active: NDArray[np.bool_]) -> Shared:
        """The frame of PSUs whose base codes (n_psus,) repeat over waves."""
        from scipy.sparse import coo_array
        from scipy.sparse.csgraph import connected_components

        n_base = int(base.max()) + 1
        nodes = n_base + len(size)
        graph = coo_array((np.ones(len(base)), (base, n_base + stratum)), shape=(nodes, nodes))
        group = dense(connected_components(graph, directed=False)[1][:n_base].astype(np.intp))
        return cls(base, stratum, group, np.bincount(group).astype(float), size, left, active)

    @property
    def of_stratum(self) -> Codes:
        """(n_strata,) group of each stratum."""
        return first_value(self.group[self.base], self.stratum, len(self.size))

    @property
    def whole(self) -> NDArray[np.bool_]:
        """(n_strata,) whether a stratum has every PSU of its group and the population of the others."""
        of = self.of_stratum
        most = np.zeros(len(self.number))
        np.maximum.at(most, of, self.left)
        return (self.size == self.number[of]) & np.isclose(self.left, most[of], rtol=1e-9)

    @property
    def countable(self) -> bool:
        """Whether strata with a finite population are whole; otherwise one factor does not serve two waves."""
        finite = np.zeros(len(self.number), dtype=bool)
        np.logical_or.at(finite, self.of_stratum, self.active & (self.left < 1))
        return bool(self.whole[finite[self.of_stratum]].all())


@dataclass(frozen=True, slots=True, eq=False)
class SharedJackknife:
    """Each PSU of the frame left out of all its waves at once.

    In wave a, with PSU i of stratum h out, a unit's factor is ``1 − q_h ([unit is i] − 1 / n_h)``;
    q_h = n_h / (n_h − 1) is the ordinary jackknife. Nothing of the size PSUs × replicates is formed.

    Parameters
    ----------
    base, stratum : ndarray (n_units,)
    size, slope : ndarray (n_strata,)
        n_h and q_h (0 for a stratum that does not contribute).
    kept : ndarray (R,)
        The PSUs of the frame that are left out in turn.
    """

    base: Codes
    stratum: Codes
    size: Floats
    slope: Floats
    kept: Codes

    @property
    def number(self) -> int:
        return len(self.kept)

    @property
    def n_units(self) -> int:
        return len(self.base)

    def expand(self, totals: Floats) -> Floats:
        """Unit totals (n_units, m) → totals under each replicate (R, m)."""
        of_stratum = np.zeros((len(self.size), totals.shape[1]))
        np.add.at(of_stratum, self.stratum, totals)
        moved = totals - (of_stratum / self.size[:, None])[self.stratum]
        moved *= self.slope[self.stratum][:, None]
        out = np.zeros((int(self.base.max()) + 1, totals.shape[1]))
        np.add.at(out, self.base, moved)
        return of_stratum.sum(axis=0) - out[self.kept]

    def sums(self, cells: Any) -> tuple[Floats, ...]:
        return tuple(self.expand(part) for part in cells.sums)

    def linear(self, design: Design, aggregate: Aggregate) -> Floats:
        return self.expand(aggregate(design.unit, design.n_units, np.ones(design.n_rows)))

    def block(self, replicates: slice) -> Floats:
        """(k, n_units) factors of some replicates."""
        out = self.kept[replicates]
        place = np.full(int(self.base.max()) + 1, -1, dtype=np.intp)
        place[out] = np.arange(len(out))
        at = place[self.base]
        gone = np.flatnonzero(at >= 0)
        raised = np.zeros((len(out), len(self.size)))
        raised[at[gone], self.stratum[gone]] = (self.slope / self.size)[self.stratum[gone]]
        factor = 1 + raised[:, self.stratum]
        factor[at[gone], gone] -= self.slope[self.stratum[gone]]
        return factor

    def rows(self, design: Design, replicate: int) -> Floats:
        return design.weights * self.block(slice(replicate, replicate + 1))[0][design.unit]

    def degrees(self, design: Design, rows: Any) -> None:
        return None


def jackknife(shared: Shared) -> tuple[SharedJackknife, Floats]:
    """Replicates and their rscales κ_g, one per group of strata joined by shared PSUs.

    ``κ_g = max (1 − f_h)(n_h − 1) / n_h`` over its strata and ``q_h² = (1 − f_h) n_h / (n_h − 1) / κ_g``,
    so that for a total every wave has the linearised variance and two waves the covariance
    ``Σ_i √… (t_ai − t̄_a)(t_bi − t̄_b)`` over the PSUs they share, means over each wave's own PSUs.
    """
    of, on = shared.of_stratum, shared.active
    spread = np.where(on, shared.left * shared.size / np.maximum(shared.size - 1, 1), 0.0)
    kappa = np.zeros(len(shared.number))
    np.maximum.at(kappa, of[on], (shared.left * (shared.size - 1) / shared.size)[on])
    slope = np.where(on, np.sqrt(spread / np.where(on, kappa[of], 1.0)), 0.0)
    used = np.zeros(len(shared.group), dtype=bool)
    used[shared.base[on[shared.stratum]]] = True
    kept = np.flatnonzero(used)
    return (
        SharedJackknife(shared.base, shared.stratum, shared.size, slope, kept),
        kappa[shared.group[kept]],
    )


def rao_wu(
    shared: Shared, counts: Floats, number: int
) -> tuple[UnitFactors, float, Mapping[str, Any]]:
    """Rao–Wu factors from draws of the frame's PSUs, U_g − 1 of the U_g of each group.

    A PSU drawn e_i times gets, in wave a, ``1 + ε s_h (e_i − ē_h)`` with ē_h the mean over the PSUs of
    its stratum in that wave and ``s_h² = (1 − f_h) n_h / (n_h − 1) · U_g / (U_g − 1)``; where all waves
    hold the same PSUs this is ``1 − λ + λ e_i n / (n − 1)``. Were a factor negative, all deviations are
    damped by one ε < 1 and the scale is divided by ε² (Beaumont and Patak 2012).

    Parameters
    ----------
    shared : Shared
    counts : ndarray (R, n_base)
        Times each PSU of the frame is drawn.
    number : int
        R.

    Returns
    -------
    factors, scale, facts

    References
    ----------
    Beaumont and Patak (2012), *International Statistical Review* 80, 127–148; Roberts, Kovačević,
    Mantel and Phillips (2001), *Proc. Statistics Canada Symposium* (coordinated bootstrap).
    """
    from scipy.sparse import csr_array

    union = shared.number[shared.of_stratum]
    on = shared.active
    s = np.where(
        on,
        np.sqrt(shared.left * shared.size / np.maximum(shared.size - 1, 1) * union / np.maximum(union - 1, 1)),
        0.0,
    )
    drawn = counts[:, shared.base]
    n_units = len(shared.base)
    member = csr_array(
        (1 / shared.size[shared.stratum], (np.arange(n_units), shared.stratum)),
        shape=(n_units, len(shared.size)),
    )
    drawn -= (drawn @ member)[:, shared.stratum]
    drawn *= s[shared.stratum]
    low = float(drawn.min(initial=0.0))
    damping = 1.0 if low >= -1 - 1e-12 else -1 / low
    drawn *= damping
    drawn += 1
    facts = {} if damping == 1 else {"damped": damping}
    return UnitFactors(drawn), 1 / (damping**2 * (number - 1)), facts
