"""Variance of two-phase samples, from totals per unit that both phases can see.

A double sum over pairs of rows has one entry per pair; here every one of them is a sum of squares
of group totals, because the entries depend only on which units and strata two rows share.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from masar_research.engine.encode import Codes, combine
from masar_research.engine.groups import Groups
from masar_research.engine.structure import Stage, Structure
from masar_research.errors import DesignError, EstimationError, WeightingError

Floats = NDArray[np.float64]
Method = Literal["difference", "full", "approx"]
METHODS: tuple[Method, ...] = ("difference", "full", "approx")

# A difference of sums of squares below this share of them is rounding error.
_ROUNDING = 1e-13


@dataclass(frozen=True, slots=True, eq=False)
class Squares:
    """``Σ_G c_G s_G s_G'`` over the totals s_G of groups of rows.

    Parameters
    ----------
    groups : Groups
    coefficients : ndarray (n_groups,)
    """

    groups: Groups
    coefficients: Floats

    def of(self, values: Floats) -> Floats:
        """(n, m) → (m, m)."""
        sums = self.groups.sums(values)
        return np.einsum("ki,kj->ij", sums * self.coefficients[:, None], sums)

    def size(self, values: Floats) -> Floats:
        """(m,) ``Σ_G |c_G| s_G²``: what the rounding errors of the sum are relative to."""
        return np.einsum("ki,k->i", self.groups.sums(values) ** 2, np.abs(self.coefficients))


@dataclass(frozen=True, slots=True, eq=False)
class Predictor:
    """Totals of the whole first phase, predicted from the second by the means of its strata.

    Parameters
    ----------
    cell : Groups
        Units of the design → cells (second-phase strata).
    first_unit : Groups
        Units of the design → units of the first phase that they belong to.
    seen : ndarray (n_seen,)
        Which units of the first phase those are.
    weights : sparse array (n_first_units, n_cells)
        First-phase weight of each unit of the first phase in each cell.
    """

    cell: Groups
    first_unit: Groups
    seen: Codes
    weights: sparse.csr_array

    def of(self, totals: Floats, unit_weights: Floats) -> tuple[Floats, Floats]:
        """(n_first_units, m) predicted and corrected totals, and the (n_units, m) corrections."""
        mass = self.cell.sums(unit_weights[:, None])
        means = np.divide(self.cell.sums(totals), mass, out=np.zeros((len(mass), totals.shape[1])),
                          where=mass > 0)  # fmt: skip
        left = totals - unit_weights[:, None] * means[self.cell.codes]
        whole = self.weights @ means
        whole[self.seen] += self.first_unit.sums(left)
        return whole, left


@dataclass(frozen=True, slots=True, eq=False)
class Phases:
    """What a two-phase sample adds to a design, over its units.

    Parameters
    ----------
    first, second : tuple of Stage
        Stages of either phase over the units of the design; those of the first keep their size
        n in the whole first phase, also where some of its units have no row in the second.
    crossed : tuple of Squares
        The part of the first phase's variance that the second phase has added to its estimate
        (methods "difference" and "full").
    predictor : Predictor or None
        Method "difference".
    shares : ndarray (n_first,) or None
        Second-phase probability of each first-phase unit (method "approx").
    sampled : ndarray of bool (n,)
        Rows of the second phase.
    method : {"difference", "full", "approx"}
    alone : Any
        The design of the first phase by itself.
    """

    first: tuple[Stage, ...]
    second: tuple[Stage, ...]
    crossed: tuple[Squares, ...]
    predictor: Predictor | None
    shares: Floats | None
    sampled: NDArray[np.bool_]
    method: Method
    alone: Any

    def parts(self, totals: Floats, unit_weights: Floats) -> tuple[Floats, Floats]:
        """Covariance due to the first and to the second phase; their sum is the covariance.

        Write ``Q(t) = Σ_stages Σ_h c_h [Σ_i t_hi t_hi' − (Σ_i t_hi)(Σ_i t_hi)' / n_h]`` with
        ``c_h = a_h (1 − f_h) n_h / (n_h − 1)`` for the variance estimator of either phase, over the
        totals t of weight × influence under the two-phase weights. Both are quadratic forms in the
        rows, ``Q_p(t) = Σ_kl D_p,kl t_k t_l'``. Then

        - "full": ``V_1 = Q_1(t) − Q_12(t)``, ``V_2 = Q_2(t)``, with ``D_12,kl = D_1,kl D_2,kl``. As
          ``1 − D_2,kl = π_k π_l / π_kl`` for second-phase probabilities π, V_1 is the unbiased
          estimate, from the second phase, of the variance estimate that the whole first phase
          would have given.
        - "difference": the same for what the means ū_c of the second-phase strata c leave over,
          ``V_1 = Q_1(z) − Q_12(e)``, with e = t − w ū_c and z the totals of the first phase,
          w_1 ū_c summed over all its rows plus e over those of the second. Same expectation but for
          terms of order 1 / n, and far steadier where first-phase units are clusters: the number
          of second-phase rows that happen to fall in each no longer counts.
        - "approx": ``V_1 = Σ_g c_g Σ_i p_i (t_i − t̄_g / p_i)(t_i − t̄_g / p_i)'``, with p_i the
          second-phase probability of first-phase unit i and t̄_g = Σ_i t_i / n_g; V_2 the same.

        Parameters
        ----------
        totals : ndarray (n_units, m) or (2 n_units, m)
            In the second form the first half enters V_1 and the second V_2: the residuals of a
            calibration of the second phase to the first.
        unit_weights : ndarray (n_units,)
            Sum of weights per unit of the design.

        Returns
        -------
        first, second : ndarray (m, m)

        References
        ----------
        Särndal, Swensson and Wretman (1992), result 9.3.1 and (9.3.7); R's ``twophase``.
        """
        n_units = len(unit_weights)
        if totals.ndim != 2 or totals.shape[0] not in (n_units, 2 * n_units):
            raise EstimationError(
                f"Expected totals of shape ({n_units}, m), one row per sampling unit; "
                f"found {totals.shape}.",
                remedy="Pass the totals of an estimate made with this design or a reweighting of it.",
            )
        upper, lower = totals[:n_units], totals[-n_units:]
        size = (totals.shape[1],) * 2
        if self.shares is not None:
            one = _thinned(self.first[0], self.shares, upper)
        else:
            stages, whole = self.first, upper
            if self.predictor is not None:
                stages = self.alone.structure.stages
                whole, upper = self.predictor.of(upper, unit_weights)
            one = sum((within(stage, whole) for stage in stages), np.zeros(size))
            one = one - sum((part.of(upper) for part in self.crossed), np.zeros(size))
            scale = np.sqrt(sum((part.size(upper) for part in self.crossed), np.zeros(size[0])))
            one[np.abs(one) <= _ROUNDING * scale[:, None] * scale] = 0.0
        two = sum((within(stage, lower) for stage in self.second), np.zeros(size))
        return one, two

    def check(self, weights: Floats, *, calibrated: bool) -> None:
        """Raise where new weights (n,) cannot be those of this sample."""
        outside = int(np.count_nonzero(weights[~self.sampled]))
        if outside:
            raise DesignError(
                f"{outside} rows that are not in the second phase would get a weight.",
                remedy="Weights of a two-phase sample belong to the rows of its second phase; "
                "others are 0.",
                ar="لا وزن للسجلات التي لم تدخل المرحلة الثانية من العينة.",
            )
        if calibrated and self.method == "approx":
            raise DesignError(
                "method='approx' knows no calibrated weights.",
                remedy="Declare the second phase with method='full'.",
                ar="الطريقة approx لا تعرف الأوزان المعايرة؛ أعلن المرحلة الثانية بالطريقة full.",
            )


@dataclass(frozen=True, slots=True, eq=False)
class PhasedStructure(Structure):
    """Units that both phases can see; degrees of freedom from the phase that has fewer.

    Parameters
    ----------
    beside_psus, beside_strata : Groups
        Units → PSUs and strata of the first phase (`df_psus` and `df_strata` are the second's).
    first_psu : ndarray (n_psus_seen,)
        First-phase PSU of each of the PSUs with a row in the second phase.
    n_first_psus : int
        PSUs of the whole first phase.
    """

    beside_psus: Groups
    beside_strata: Groups
    first_psu: Codes
    n_first_psus: int

    def psu_sums(self, values: NDArray[Any]) -> NDArray[Any]:
        """(n_units, m) → (n_first_psus, m), zero for PSUs without a row in the second phase."""
        out = np.zeros((self.n_first_psus, values.shape[1]), dtype=values.dtype)
        out[self.first_psu] = self.psus.sums(values)
        return out

    def counts(self, present: NDArray[np.bool_]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """PSUs and strata of whichever phase leaves the fewer degrees of freedom.

        Parameters
        ----------
        present : ndarray of bool (n_units, m)

        Returns
        -------
        psus, strata : ndarray of int (m,)
        """
        first, second = (
            [groups.sums(present).sum(axis=0).astype(np.intp) for groups in pair]
            for pair in ((self.beside_psus, self.beside_strata), (self.df_psus, self.df_strata))
        )
        fewer = first[0] - first[1] < second[0] - second[1]
        return np.where(fewer, first[0], second[0]), np.where(fewer, first[1], second[1])


@dataclass(frozen=True, slots=True, eq=False)
class PhaseTwoCalibration:
    """Second-phase weights calibrated to totals of the first phase.

    The second phase contributes the variance of what the auxiliaries leave over; the first
    phase that of the whole influence, because the totals are themselves estimates.

    Parameters
    ----------
    calibration : Calibration
        Of `masar_research.engine.auxiliary`.
    """

    calibration: Any

    def bind(self, unit: Codes, n_units: int) -> BoundPhaseTwo:
        """Sum what the variance needs over the units of a design."""
        return BoundPhaseTwo(self, self.calibration.bind(unit, n_units))

    def then(self, later: object) -> PhaseTwoCalibration:
        """No later calibration is known to the variance."""
        raise WeightingError(
            "These weights are calibrated to the first phase; the variance of a further calibration on "
            "top of it is not known here.",
            remedy="Calibrate the two-phase sample once: to the first phase, or to population totals.",
            ar="عُويرت أوزان هذا المسح على المرحلة الأولى، ولا تُضاف إليها معايرة أخرى.",
        )


@dataclass(frozen=True, slots=True, eq=False)
class BoundPhaseTwo:
    """A `PhaseTwoCalibration` bound to the units of a design."""

    calibration: PhaseTwoCalibration
    bound: Any

    def residualise(self, totals: Floats, aggregate: Any) -> Floats:
        """(n_units, m) → (2 n_units, m): the totals, and below them their residuals."""
        return np.concatenate([totals, self.bound.residualise(totals, aggregate)])


def within(stage: Stage, totals: Floats) -> Floats:
    """Σ_h c_h Σ_i (t_hi − t̄_h)(t_hi − t̄_h)' of one stage, units that are not there counting as zero."""
    values = stage.units.sums(totals)
    means = _means(stage, values)
    root = np.sqrt(stage.factor)
    deviations = (values - means[stage.parents.codes]) * root[stage.parents.codes, None]
    absent = stage.size - np.bincount(stage.parents.codes, minlength=len(stage.size))
    rest = means * (root * np.sqrt(absent))[:, None]
    return _cross(deviations) + _cross(rest)


def _means(stage: Stage, values: Floats) -> Floats:
    means = stage.parents.sums(values) / stage.size[:, None]
    means[~stage.centred] = 0.0
    return means


def _thinned(stage: Stage, shares: Floats, totals: Floats) -> Floats:
    values = stage.units.sums(totals)
    means = _means(stage, values)
    root = np.sqrt(stage.factor[stage.parents.codes] / shares)[:, None]
    return _cross((values * shares[:, None] - means[stage.parents.codes]) * root)


def _cross(values: Floats) -> Floats:
    """values' values, in an order of summation that is the same on any machine load."""
    return np.einsum("ki,kj->ij", values, values)


def cross(first: tuple[Stage, ...], second: tuple[Stage, ...]) -> tuple[Squares, ...]:
    """Σ_kl D_1,kl D_2,kl t_k t_l' as sums of squares.

    ``D = Σ_stages c (same unit − same stratum / n)`` for either phase, and two rows that share a
    group of the first and a group of the second share the crossing of both.
    """
    out = []
    for one in first:
        for two in second:
            for left, a in _forms(one):
                for right, b in _forms(two):
                    codes, (i, j) = combine(left, right)
                    both = a[i] * b[j]
                    if np.any(both != 0):
                        out.append(Squares(Groups.of(codes), both))
    return tuple(out)


def _forms(stage: Stage) -> tuple[tuple[Codes, Floats], tuple[Codes, Floats]]:
    """The groups of a stage's form with their coefficients: its units, and its strata."""
    unit, parent = stage.units.codes, stage.parents.codes
    strata = np.where(stage.centred, -stage.factor / stage.size, 0.0)
    return (unit, stage.factor[parent]), (parent[unit], strata)


def poisson(unit: Codes, probability: Floats) -> Stage:
    """Units drawn independently of each other: ``Q(t) = Σ_i (1 − π_i) t_i t_i'``."""
    n = len(probability)
    return Stage(
        Groups.of(unit), Groups.of(np.arange(n, dtype=np.intp)), np.ones(n), 1 - probability,
        np.zeros(n, dtype=bool),
    )  # fmt: skip


def onto(stage: Stage, unit: Codes) -> Stage:
    """A stage over other units, given the old unit of each (some old ones may be gone)."""
    kept, unit = np.unique(stage.units.codes[unit], return_inverse=True)
    parents, parent = np.unique(stage.parents.codes[kept], return_inverse=True)
    return Stage(
        Groups.of(unit.astype(np.intp)), Groups.of(parent.astype(np.intp)), stage.size[parents],
        stage.factor[parents], stage.centred[parents],
    )  # fmt: skip


def refuse(design: Any, what: str, ar: str) -> None:
    """Raise where a design of two phases cannot be used."""
    if design.phases is not None:
        raise DesignError(
            f"{what} are not available for two-phase samples.",
            remedy="Use survey.first_phase() for what the whole first phase knows; with both phases "
            "standard errors are linearised.",
            ar=f"{ar} غير متاحة للعينات ذات المرحلتين؛ استخدم survey.first_phase() للمرحلة الأولى وحدها.",
        )


def share_of_first(first: Stage, probability: Floats) -> Floats:
    """(n_first,) second-phase probability of each first-phase unit, for the method "approx".

    Parameters
    ----------
    first : Stage
        Over the units of the design.
    probability : ndarray (n_units,)
        Second-phase probability of each unit of the design.
    """
    if len(first.units.start) < len(probability):
        raise DesignError(
            "method='approx' takes first-phase units into the second phase whole; here some hold "
            "several units of the second phase.",
            remedy="Use method='full', which knows any nesting.",
            ar="الطريقة approx تشترط أن تدخل وحدات المرحلة الأولى كاملةً في الثانية؛ استخدم full.",
        )
    out = np.empty(len(probability))
    out[first.units.codes] = probability
    return out


__all__ = [
    "METHODS", "Method", "PhaseTwoCalibration", "PhasedStructure", "Phases", "Predictor", "Squares",
    "cross", "onto", "poisson", "refuse", "share_of_first", "within",
]  # fmt: skip
