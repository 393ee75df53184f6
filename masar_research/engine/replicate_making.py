"""Replicates made from a declared design: factors per PSU, and the scales that go with them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from masar_research.engine.design import Design
from masar_research.engine.hadamard import hadamard
from masar_research.engine import replicate_waves as waves
from masar_research.engine.groups import first_value
from masar_research.engine.replicate_weights import Jackknife, UnitFactors
from masar_research.engine.two_phase import refuse
from masar_research.errors import DesignError

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]

_SHARED = {"waves": "one draw per PSU, in all its waves"}

# Strata may differ by this share in n_h / (n_h − 1) before one correction no longer serves all.
_UNEQUAL = 0.02


@dataclass(frozen=True, slots=True, eq=False)
class Made:
    """Replicates and how their squared deviations are scaled.

    Parameters
    ----------
    weights : Jackknife, SharedJackknife or UnitFactors
        Over the units of the design.
    scale : float
    rscales : ndarray (R,) or None
    facts : mapping
    """

    weights: Jackknife | waves.SharedJackknife | UnitFactors
    scale: float
    rscales: Floats | None
    facts: Mapping[str, Any]


@dataclass(frozen=True, slots=True, eq=False)
class _Sample:
    """PSUs of a design: ``psu`` of each unit; stratum of each PSU; per stratum its size, the
    share (1 − f) that the population correction leaves, and whether it contributes. Where waves
    share PSUs they are those of the frame; `partial` where waves share some of a stratum only."""

    psu: Codes
    stratum: Codes
    size: Floats
    left: Floats
    active: NDArray[np.bool_]
    partial: waves.Shared | None = None

    @property
    def n_psus(self) -> int:
        return len(self.stratum)


def jackknife(design: Design, stratified: bool) -> Made:
    """JK1 (one stratum) or JKn: each PSU left out in turn.

    ``V = Σ_h (1 − f_h) (n_h − 1) / n_h Σ_j (θ_(hj) − θ̄)²``; for a total this is the linearised
    variance.

    References
    ----------
    Wolter (2007), section 4.5; Rust and Rao (1996), *Stat. Methods in Medical Research* 5.
    """
    sample = _sample(design, "JKn" if stratified else "JK1", partial=stratified)
    if sample.partial is not None:
        shared, rscales = waves.jackknife(sample.partial)
        return Made(shared, 1.0, rscales, {"rscales": "(1 − f_h) (n_h − 1) / n_h", **_SHARED})
    if not stratified and len(sample.size) > 1:
        raise DesignError(
            f"JK1 is for a sample of one stratum; this design has {len(sample.size)}.",
            remedy="Use mr.replicates.JKn(), which leaves out one PSU of a stratum at a time.",
        )
    kept = np.flatnonzero(sample.active[sample.stratum])
    of = sample.stratum[kept]
    share = sample.left[of] * (sample.size[of] - 1) / sample.size[of]
    weights = Jackknife(sample.psu, sample.stratum, sample.size[sample.stratum], kept)
    facts = _shared_facts(design)
    if not stratified:
        return Made(weights, float(share[0]), None, facts)
    return Made(weights, 1.0, share, {"rscales": "(1 − f_h) (n_h − 1) / n_h", **facts})


def paired_jackknife(design: Design, rng: np.random.Generator) -> Made:
    """JK2: in each stratum of two, one PSU chosen by lot counts double and the other not at all.

    ``V = Σ_h (1 − f_h) (θ_h − θ)²``.
    """
    sample = _sample(design, "JK2")
    pairs = _pairs(sample, "JK2")
    first = rng.integers(0, 2, len(pairs))
    factors = np.ones((len(pairs), sample.n_psus))
    each = np.arange(len(pairs))
    factors[each, pairs[each, first]] = 2.0
    factors[each, pairs[each, 1 - first]] = 0.0
    rscales = sample.left[np.flatnonzero(sample.active)]
    facts = {"rscales": "1 − f_h", **_shared_facts(design)}
    return Made(UnitFactors(factors[:, sample.psu]), 1.0, rscales, facts)


def balanced(design: Design, fay: float) -> Made:
    """BRR and Fay's method: half of the PSUs raised to 2 − ρ, the other half lowered to ρ.

    Strata of two PSUs; the halves are the signs of a Hadamard matrix of order R > H without its
    constant column, so that every PSU is in half of the replicates and all strata are orthogonal:
    for a total the variance is the linearised one.
    ``V = 1 / (R (1 − ρ)²) Σ_r (θ_r − θ̄)²``.

    References
    ----------
    McCarthy (1966); Judkins (1990), *J. Official Statistics* 6, 223–239.
    """
    sample = _sample(design, "BRR")
    _no_fpc(sample, "BRR")
    pairs = _pairs(sample, "BRR")
    signs = hadamard(len(pairs) + 1)[:, 1 : len(pairs) + 1]
    factors = np.ones((len(signs), sample.n_psus))
    factors[:, pairs[:, 0]] = 1 + (1 - fay) * signs
    factors[:, pairs[:, 1]] = 1 - (1 - fay) * signs
    scale = 1 / (len(signs) * (1 - fay) ** 2)
    facts = {"fay": fay, **_shared_facts(design)}
    return Made(UnitFactors(factors[:, sample.psu]), scale, None, facts)


def rao_wu(design: Design, number: int, rng: np.random.Generator) -> Made:
    """Rao–Wu rescaled bootstrap, n_h − 1 PSUs drawn with replacement of the n_h of a stratum.

    PSU j drawn t_j times gets the factor ``1 − λ_h + λ_h t_j n_h / (n_h − 1)``, λ_h = √(1 − f_h).
    ``V = 1 / (R − 1) Σ_r (θ_r − θ̄)²``.

    References
    ----------
    Rao and Wu (1988), JASA 83, 231–241; Rao, Wu and Yue (1992), *Survey Methodology* 18.
    """
    sample = _sample(design, "RaoWu", partial=True)
    said = {"resampled": "n_h − 1 of n_h", **_shared_facts(design)}
    counts = _draws(sample, (sample.size - 1).astype(np.intp), number, rng)
    if sample.partial is not None:
        weights, scale, facts = waves.rao_wu(sample.partial, counts, number)
        return Made(weights, scale, None, {**said, **facts})
    lam, size = np.sqrt(sample.left)[sample.stratum], sample.size[sample.stratum]
    on = sample.active[sample.stratum]
    slope = np.where(on, lam * size / np.maximum(size - 1, 1), 0.0)
    counts *= slope
    counts += np.where(on, 1 - lam, 1.0)
    return Made(_by_unit(counts, sample.psu), 1 / (number - 1), None, said)


def bootstrap(design: Design, number: int, rng: np.random.Generator) -> Made:
    """The ordinary bootstrap: n_h PSUs with replacement of the n_h of a stratum.

    Its variance is too small by (n_h − 1) / n_h; one correction is right only where strata are
    of about one size, and others are refused.
    ``V = n / (n − 1) / (R − 1) Σ_r (θ_r − θ̄)²``, n the harmonic mean of the n_h.

    References
    ----------
    Efron (1982), ch. 8; R's `bootweights`.
    """
    sample = _sample(design, "Bootstrap")
    _no_fpc(sample, "Bootstrap")
    size = sample.size[sample.active]
    short = size / (size - 1)
    if short.max() > (1 + _UNEQUAL) * short.min():
        raise DesignError(
            f"Strata of {int(size.min())} to {int(size.max())} PSUs need different corrections of "
            "the ordinary bootstrap, whose variance is too small by (n_h − 1) / n_h.",
            remedy="Use mr.replicates.RaoWu(), which is right stratum by stratum.",
        )
    counts = _draws(sample, sample.size.astype(np.intp), number, rng)
    counts[:, ~sample.active[sample.stratum]] = 1.0
    harmonic = 1 / np.mean(1 / size)
    scale = harmonic / (harmonic - 1) / (number - 1)
    facts = {
        "resampled": "n_h of n_h", "correction": harmonic / (harmonic - 1), **_shared_facts(design)
    }  # fmt: skip
    return Made(_by_unit(counts, sample.psu), scale, None, facts)


def successive_difference(design: Design) -> Made:
    """Successive difference replicates: neighbours in the sampling order move against each other.

    PSU i of the systematic sample, in the order of its label within strata, gets
    ``1 + 2^(−3/2) (a_ir − a_(i+1)r)`` with a_i the rows of a Hadamard matrix of order R ≥ n + 1,
    the last PSU of a stratum being followed by its first. For a total
    ``V = 4 / R Σ_r (θ_r − θ)² = ½ Σ_h Σ_i (t_i − t_(i+1))²``.

    References
    ----------
    Fay and Train (1995), *Proc. Government Statistics Section, ASA*; Ash (2014), *Survey
    Methodology* 40, 47–59.
    """
    sample = _sample(design, "SuccessiveDifference")
    _no_fpc(sample, "SuccessiveDifference")
    signs = hadamard(sample.n_psus + 1)[:, 1 : sample.n_psus + 1]
    order = np.argsort(sample.stratum, kind="stable")
    following = np.empty(sample.n_psus, dtype=np.intp)
    for members in np.split(order, np.flatnonzero(np.diff(sample.stratum[order])) + 1):
        following[members] = np.roll(members, -1)
    factors = 1 + 2**-1.5 * (signs - signs[:, following])
    facts = {"order": "PSU labels within strata", **_shared_facts(design)}
    return Made(UnitFactors(factors[:, sample.psu]), 4 / len(signs), None, facts)


def _shared_facts(design: Design) -> dict[str, Any]:
    """That waves share draws, where they share PSUs."""
    base = design.structure.df_psus
    return _SHARED if len(base.start) < len(base.codes) else {}


def _sample(design: Design, kind: str, *, partial: bool = False) -> _Sample:
    structure = design.structure
    refuse(design, f"{kind} replicates", "الأوزان المكررة")
    if design.replicates is not None:
        raise DesignError(
            "This design has replicates already.", remedy="Make replicates once, of the declared design."
        )
    if len(structure.stages) > 1:
        raise DesignError(
            f"{kind} replicates leave out whole PSUs: the finite populations of lower stages of "
            "this design would be lost, and its variance be too small.",
            remedy="Declare the PSUs without fpc (sampling with replacement).",
        )
    stage = structure.stages[0]
    if not stage.centred.all() or (structure.facts["lonely_psu"] == "scale"
                                   and structure.facts["lonely_strata"]):
        raise DesignError(
            f"Strata with one PSU under lonely_psu={structure.facts['lonely_psu']!r} have no "
            f"{kind} replicates ({int((stage.size == 1).sum())} strata).",
            remedy='Merge strata with lonely_psu="collapse", or use "certainty" where the PSU was '
            "sure to be sampled.",
        )
    left = np.where(stage.size > 1, stage.factor * (stage.size - 1) / stage.size, 0.0)
    active = (stage.factor > 0) & (stage.size > 1)
    if not active.any():
        raise DesignError(
            "No stratum has two PSUs that vary.", remedy="Check strata=, psu= and fpc= of the design."
        )
    base, stratum = structure.df_psus.codes, stage.parents.codes
    if int(base.max()) + 1 == len(base):
        return _Sample(stage.units.codes, stratum, stage.size, left, active)
    return _of_frame(waves.Shared.of(base, stratum, stage.size, left, active), kind, partial)


def _of_frame(shared: waves.Shared, kind: str, partial: bool) -> _Sample:
    """PSUs of the frame, drawn once for all their waves."""
    of, number = shared.of_stratum, shared.number
    if shared.whole.all():
        active = np.zeros(len(number), dtype=bool)
        active[of] = shared.active
        return _Sample(shared.base, shared.group, number, first_value(shared.left, of, len(number)), active)
    if not partial:
        raise DesignError(
            f"Waves share some PSUs of a stratum and not others; {kind} has no replicates for both.",
            remedy="Use mr.replicates.JKn() or RaoWu(), which carry the covariance of the PSUs kept.",
            ar="تشترك الجولات في بعض وحدات الطبقة دون غيرها؛ استعمل JKn أو RaoWu.",
        )
    if not shared.countable:
        raise DesignError(
            f"Waves share some PSUs of a stratum with a finite population; {kind} replicates would carry a "
            "wrong covariance between them.",
            remedy="Leave fpc= out (slightly conservative), or keep the linearised variance.",
            ar="تشترك الجولات في بعض وحدات طبقة ذات مجتمع محدود؛ اترك fpc أو أبقِ على التباين الخطي.",
        )
    drawn = np.zeros(len(number), dtype=bool)
    np.logical_or.at(drawn, of, shared.active)
    ones = np.ones(len(number))
    return _Sample(shared.base, shared.group, number, ones, drawn & (number > 1), shared)


def _pairs(sample: _Sample, kind: str) -> Codes:
    """(H, 2) the PSUs of each contributing stratum."""
    wrong = sample.active & (sample.size != 2)
    if wrong.any():
        raise DesignError(
            f"{kind} needs two PSUs in every stratum; {int(wrong.sum())} of "
            f"{int(sample.active.sum())} hold {int(sample.size[wrong].min())} to "
            f"{int(sample.size[wrong].max())}.",
            remedy="Use mr.replicates.JKn() or mr.replicates.RaoWu(), which take any number.",
        )
    kept = np.flatnonzero(sample.active[sample.stratum])
    return kept[np.argsort(sample.stratum[kept], kind="stable")].reshape(-1, 2)


def _no_fpc(sample: _Sample, kind: str) -> None:
    if np.any(sample.left[sample.active] < 1):
        raise DesignError(
            f"{kind} replicates cannot carry finite population corrections.",
            remedy="Use mr.replicates.JKn() or RaoWu(), or declare the design without fpc=.",
        )


def _draws(sample: _Sample, take: Codes, number: int, rng: np.random.Generator) -> Floats:
    """(R, n_psus) times each PSU is drawn, `take` (n_strata,) draws in each contributing stratum."""
    order = np.argsort(sample.stratum, kind="stable")
    begin = np.concatenate([[0], np.cumsum(sample.size).astype(np.intp)[:-1]])
    place = np.repeat(np.arange(len(take)), np.where(sample.active, take, 0))
    counts = np.empty((number, sample.n_psus))
    back = np.empty_like(order)
    back[order] = np.arange(len(order))
    most = max(1, 500_000 // max(len(place), 1))
    for first in range(0, number, most):
        rows = min(most, number - first)
        pick = rng.random((rows, len(place)))
        pick *= sample.size[place]
        chosen = pick.astype(np.intp)
        chosen += begin[place] + np.arange(rows)[:, None] * sample.n_psus
        found = np.bincount(chosen.ravel(), minlength=rows * sample.n_psus)
        counts[first : first + rows] = found.reshape(rows, -1)[:, back]
    return counts


def _by_unit(factors: Floats, psu: Codes) -> UnitFactors:
    same = len(psu) == factors.shape[1] and np.array_equal(psu, np.arange(len(psu)))
    return UnitFactors(factors if same else factors[:, psu])
