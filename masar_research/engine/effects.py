"""What a design costs a mean: design effects, misspecification effect, clustering."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from masar_research.engine import linearized, variance
from masar_research.engine.design import Design
from masar_research.errors import EstimationError

Floats = NDArray[np.float64]
Reference = Literal["with_replacement", "without_replacement"]
REFERENCES: tuple[Reference, ...] = ("with_replacement", "without_replacement")


@dataclass(frozen=True, slots=True, eq=False)
class DesignEffects:
    """Design diagnostics of a mean in m domains; each array (m,).

    Parameters
    ----------
    estimate, std_error, cv : ndarray
        The weighted mean, its design-based standard error and ``SE / |mean|``.
    n, df : ndarray of int
        Observations and degrees of freedom.
    psus : ndarray
        PSUs with an observation; NaN for given replicate weights, whose PSUs nobody knows.
    deff, deft : ndarray
        Variance over that of a simple random sample of n, and its root.
    n_eff : ndarray
        ``n / deff``.
    deff_weights : ndarray
        ``n Σw² / (Σw)²``: what unequal weights alone cost if they are unrelated to the outcome.
    meff : ndarray
        Variance over what an analyst would report who ignores weights, strata and PSUs.
    icc : ndarray
        Intraclass correlation of the outcome by PSU; NaN without at least two observations in
        some PSU, or without PSUs.
    rows_per_psu : ndarray
        ``n / psus``.
    """

    estimate: Floats
    std_error: Floats
    cv: Floats
    n: NDArray[np.intp]
    df: NDArray[np.intp]
    psus: Floats
    deff: Floats
    deft: Floats
    n_eff: Floats
    deff_weights: Floats
    meff: Floats
    icc: Floats
    rows_per_psu: Floats


def diagnose(
    design: Design, y: ArrayLike, *, reference: Reference, domain: ArrayLike | None = None,
    n_domains: int = 1, mask: NDArray[np.bool_] | None = None,
) -> DesignEffects:  # fmt: skip
    """Design effects, misspecification effect and intraclass correlation of a mean by domain.

    Parameters
    ----------
    design : Design
    y : array_like (n,)
        Outcome; NaN is missing.
    reference : {"with_replacement", "without_replacement"}
        The simple random sample that deff compares with: ``s²/n``, or ``(1 − n/N̂) s²/n`` with
        ``N̂ = Σ_d w``; ``s² = n/(n − 1) Σ_d w (y − ȳ)² / Σ_d w``. R's ``deff = "replace"`` and
        ``deff = TRUE``.
    domain, n_domains, mask
        As in :func:`masar_research.engine.linearized.mean`.

    Raises
    ------
    EstimationError
        Unknown reference; or, without replacement, weights that add to no more than the number
        of observations, so that there is no population to sample from.

    Notes
    -----
    ``icc = (MSB − MSW) / (MSB + (m₀ − 1) MSW)`` from the one-way analysis of variance of the
    unweighted outcomes by PSU, ``m₀ = (n − Σ m_i² / n) / (k − 1)``. Between-stratum differences
    count as between-PSU differences.

    References
    ----------
    Kish (1965), *Survey Sampling*, sections 5.4 and 8.2; Skinner, Holt and Smith (1989),
    *Analysis of Complex Surveys*, section 2.4; Donner and Koval (1980), *Biometrics* 36.

    Examples
    --------
    >>> from masar_research.engine import declare
    >>> found = diagnose(declare([1.0, 1.0, 1.0, 1.0], psu=[1, 1, 2, 2]), [1.0, 1.0, 3.0, 3.0],
    ...                  reference="with_replacement")
    >>> round(float(found.deff[0]), 6), float(found.icc[0])
    (3.0, 1.0)
    """
    if reference not in REFERENCES:
        raise EstimationError(
            f"reference={reference!r} is not a reference for design effects.",
            remedy=f"Choose one of {', '.join(REFERENCES)}.",
        )
    cells = {"domain": domain, "n_domains": n_domains, "mask": mask}
    values = np.asarray(y, dtype=float)
    found = linearized.mean(design, values, **cells)
    spread = np.diag(variance.covariance(design, found.totals))
    known = (found.n > 1) & (found.df > 0) & (spread >= 0)
    spread = np.where(known, spread, np.nan)
    simple = found.srs_variance
    with np.errstate(invalid="ignore", divide="ignore"):
        if reference == "without_replacement":
            simple = simple * (1 - _fraction(found))
        std_error = np.sqrt(spread)
        deff = np.where(simple > 0, spread / simple, np.nan)
        flat = np.where(np.isnan(values), np.nan, 1.0)
        squared = linearized.mean(design, flat * design.weights, **cells).estimate
        naive, icc, psus = _unweighted(design, values, domain, n_domains, mask)
        return DesignEffects(
            estimate=found.estimate, std_error=std_error,
            cv=np.where(found.estimate != 0, std_error / np.abs(found.estimate), np.nan),
            n=found.n, df=found.df, psus=psus, deff=deff, deft=np.sqrt(deff),
            n_eff=np.where(deff > 0, found.n / deff, np.nan),
            deff_weights=found.n * squared / found.sum_weights,
            meff=np.where(naive > 0, spread / naive, np.nan), icc=icc,
            rows_per_psu=found.n / np.where(psus > 0, psus, np.nan),
        )  # fmt: skip


def _fraction(found: linearized.Linearized) -> Floats:
    short = (found.n > 0) & (found.sum_weights <= found.n)
    if short.any():
        raise EstimationError(
            f"The weights add to {found.sum_weights[short][0]:g} for {found.n[short][0]} observations: "
            "without replacement there is no larger population to compare with.",
            remedy='Use weights that add to the population, or reference="with_replacement".',
        )
    return found.n / found.sum_weights


def _unweighted(
    design: Design, values: Floats, domain: ArrayLike | None, n_domains: int,
    mask: NDArray[np.bool_] | None,
) -> tuple[Floats, Floats, Floats]:  # fmt: skip
    """(m,) unweighted s²/n, the intraclass correlation by PSU, and the number of PSUs."""
    counted = (design.weights > 0) & ~np.isnan(values)
    if mask is not None:
        counted &= mask
    cell = np.zeros(design.n_rows, dtype=np.intp) if domain is None else np.asarray(domain)
    counted &= cell >= 0
    y, cell = values[counted], cell[counted]
    psu = design.structure.psus.codes[design.unit[counted]]
    n_psus = int(design.structure.psus.codes.max()) + 1
    pair = cell * n_psus + psu
    held, group = np.unique(pair, return_inverse=True)
    inside = held // n_psus
    n = np.bincount(cell, minlength=n_domains).astype(float)
    size = np.bincount(group, minlength=len(held)).astype(float)
    centre = np.bincount(cell, y, n_domains) / n
    middle = np.bincount(group, y, len(held)) / size
    within = np.bincount(cell, (y - middle[group]) ** 2, n_domains)
    between = np.bincount(inside, size * (middle - centre[inside]) ** 2, n_domains)
    k = np.bincount(inside, minlength=n_domains).astype(float)
    m0 = (n - np.bincount(inside, size**2, n_domains) / n) / (k - 1)
    msb, msw = between / (k - 1), within / (n - k)
    icc = np.where((k > 1) & (n > k), (msb - msw) / (msb + (m0 - 1) * msw), np.nan)
    if design.replicates is not None and design.n_units == 1:
        k = np.full(n_domains, np.nan)
    return np.where(n > 1, (within + between) / (n - 1) / n, np.nan), icc, k
