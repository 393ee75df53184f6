"""Tests of association and of fit for tables of weighted shares (Rao–Scott, Wald)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from masar_research.engine.design import Design
from masar_research.engine.linearized import count, proportion
from masar_research.engine.quadratic_forms import tail
from masar_research.engine.variance import covariance
from masar_research.errors import EstimationError

Floats = NDArray[np.float64]
Statistic = Literal[
    "F", "chisq", "wald", "adjusted_wald", "lincom", "saddlepoint", "working"
]
STATISTICS: tuple[Statistic, ...] = (
    "F", "chisq", "wald", "adjusted_wald", "lincom", "saddlepoint", "working",
)  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """Shares and totals of an r × c table, with what tests need.

    Parameters
    ----------
    shares, totals : ndarray (r, c)
        Shares of all cells, summing to 1; weighted totals.
    shares_vcov, totals_vcov : ndarray (r·c, r·c)
        Their covariance, cells row by row.
    cases : ndarray of int (r, c)
        Interviews of positive weight.
    df : int
        PSUs minus strata with an answer in the table.
    """

    shares: Floats
    totals: Floats
    shares_vcov: Floats
    totals_vcov: Floats
    cases: NDArray[np.intp]
    df: int

    @property
    def n(self) -> int:
        return int(self.cases.sum())


@dataclass(frozen=True, slots=True, eq=False)
class Tested:
    """Outcome of a test.

    Parameters
    ----------
    statistic, df_num, df_den, p : float
        `df_den` is infinite where the reference is a χ².
    pearson : float
        Pearson's X² of the weighted shares at n interviews (NaN for Wald tests).
    eigenvalues : ndarray (q,)
        Generalised design effects; empty for Wald tests.
    """

    statistic: float
    df_num: float
    df_den: float
    p: float
    pearson: float
    eigenvalues: Floats


def table(
    design: Design, row: ArrayLike, n_rows: int, column: ArrayLike, n_columns: int,
    *, mask: NDArray[np.bool_] | None = None,
) -> Table:  # fmt: skip
    """Weighted two-way table with the design-based covariance of its cells.

    Parameters
    ----------
    design : Design
    row, column : array_like of int (n,)
        Codes 0 … levels − 1; −1 is missing, and leaves the row of data out of the table.
    mask : ndarray of bool (n,), optional
        Subpopulation.
    """
    rows, columns = np.asarray(row), np.asarray(column)
    cell = np.where((rows >= 0) & (columns >= 0), rows * n_columns + columns, -1)
    m = n_rows * n_columns
    part = proportion(design, cell, m, mask=mask)
    whole = count(design, domain=cell, n_domains=m, mask=mask)
    inside = (cell >= 0) & (design.weights > 0)
    if mask is not None:
        inside &= mask
    shape = (n_rows, n_columns)
    return Table(
        shares=part.estimate.reshape(shape), totals=whole.estimate.reshape(shape),
        shares_vcov=covariance(design, part.totals), totals_vcov=covariance(design, whole.totals),
        cases=np.bincount(cell[inside], minlength=m).reshape(shape), df=int(part.df[0]),
    )  # fmt: skip


def association(of: Table, statistic: Statistic = "F") -> Tested:
    """Test that rows and columns of a table are independent.

    With ``p`` the weighted shares, ``X² = n Σ (p − p_r p_c)² / (p_r p_c)``, ``V`` their covariance,
    ``C`` a basis of the interactions and
    ``Δ = (C' D⁻¹ C / n)⁻¹ C' D⁻¹ V D⁻¹ C``, ``D = diag(p)``, λ the eigenvalues of Δ:

    - ``"F"`` (second order): ``X² / Σλ`` on ``d = (Σλ)² / Σλ²`` and ``d · df``;
    - ``"chisq"`` (first order): ``X² / mean(λ)`` against χ² with (r − 1)(c − 1);
      the statistic reported is X²;
    - ``"lincom"``, ``"saddlepoint"``: X² against ``Σ λ χ²_1`` over ``χ²/(d · df)``;
    - ``"wald"``, ``"adjusted_wald"``: ``Y' V_Y⁻¹ Y`` of the departures
      ``Y = N̂_rc − N̂_r N̂_c / N̂``, divided by q on (q, df), or times ``(df − q + 1)/(df q)`` on
      (q, df − q + 1);
    - ``"working"``: ``n θ' (C' D⁻¹ C)⁻¹ θ`` of the log-linear interactions ``θ = C' log p`` under
      a working multinomial model, against ``Σ λ χ²_1`` over ``χ²_df/df`` (saddlepoint).

    Raises
    ------
    EstimationError
        Fewer than two rows or columns with answers; no degrees of freedom; a Wald covariance
        of less than full rank; a working test of a table with an empty cell.

    References
    ----------
    Rao and Scott (1984), *Annals of Statistics* 12, 46–60; Thomas and Rao (1987), *JASA* 82,
    630–636; Koch, Freeman and Freeman (1975), *International Statistical Review* 43, 59–78.
    """
    r, c = of.shares.shape
    if min(r, c) < 2:
        raise EstimationError(
            f"Expected at least two rows and two columns with answers; found {r} × {c}.",
            remedy="Choose variables that vary within this population.",
        )
    if of.df <= 0:
        raise EstimationError(
            "Expected more PSUs than strata among the answers; found no degrees of freedom.",
            remedy="Use a larger subpopulation, or collapse strata in the design.",
        )
    if statistic in ("wald", "adjusted_wald"):
        return _wald(of, adjusted=statistic == "adjusted_wald")
    if statistic == "working":
        return _working(of)
    expected = np.outer(of.shares.sum(axis=1), of.shares.sum(axis=0))
    pearson = of.n * float(((of.shares - expected) ** 2 / expected).sum())
    effects = _effects(of)
    eigenvalues = np.linalg.eigvalsh(effects)[::-1]
    trace = float(np.diag(effects).sum())
    d = trace**2 / float((effects**2).sum())
    q = float(len(effects))
    if statistic == "F":
        value, freedom = pearson / trace, d * of.df
        p = float(stats.f.sf(value, d, freedom))
        return Tested(value, d, freedom, p, pearson, eigenvalues)
    if statistic == "chisq":
        p = float(stats.chi2.sf(pearson / (trace / q), q))
        return Tested(pearson, q, np.inf, p, pearson, eigenvalues)
    method = "integration" if statistic == "lincom" else "saddlepoint"
    p = tail(pearson, eigenvalues, d * of.df, method)
    return Tested(pearson, q, d * of.df, p, pearson, eigenvalues)


def fit(of: Table, expected: ArrayLike, statistic: Literal["chisq", "F"] = "chisq") -> Tested:
    """Test that the shares of a one-row table equal given ones.

    ``X² = Σ (N̂_j − π_j N̂)² / (π_j N̂)`` on weighted totals; λ are the eigenvalues of the
    covariance of ``(N̂_j − π_j N̂) / √(π_j N̂)``. Reported: ``X² / scale`` with Satterthwaite's
    ``scale = Σλ²/Σλ`` against χ² with ``d = (Σλ)²/Σλ²`` (R's svygofchisq), or with ``"F"``
    ``X² / Σλ`` on d and d · df.

    Parameters
    ----------
    expected : array_like (c,)
        Shares π > 0; they are divided by their sum.
    """
    pi = np.asarray(expected, dtype=float)
    pi = pi / pi.sum()
    totals = of.totals.ravel()
    whole = float(totals.sum())
    root = np.sqrt(pi * whole)
    gap = totals - pi * whole
    x2 = float((gap**2 / (pi * whole)).sum())
    slopes = (np.eye(len(pi)) - pi[:, None]) / root[:, None]
    slopes -= (gap / (2 * whole * root))[:, None]
    spread = _sandwich(slopes, of.totals_vcov)
    eigenvalues = np.linalg.eigvalsh(spread)
    first, second = float(np.diag(spread).sum()), float((spread**2).sum())
    scale, d = second / first, first**2 / second
    pearson = x2 * of.n / whole
    if statistic == "chisq":
        return Tested(
            x2 / scale, d, np.inf, float(stats.chi2.sf(x2 / scale, d)), pearson, eigenvalues
        )
    value = x2 / (scale * d)
    return Tested(
        value, d, d * of.df, float(stats.f.sf(value, d, d * of.df)), pearson, eigenvalues
    )


def _interactions(r: int, c: int) -> Floats:
    """(r·c, (r−1)(c−1)) contrasts orthogonal to rows and columns."""
    return np.kron(_helmert(r), _helmert(c))


def _helmert(k: int) -> Floats:
    out = np.zeros((k, k - 1))
    for j in range(1, k):
        out[:j, j - 1] = 1.0
        out[j, j - 1] = -j
    return out / np.sqrt((out**2).sum(axis=0))


def _effects(of: Table) -> Floats:
    """``L⁻¹ A L⁻ᵀ`` with Δ's eigenvalues, for ``C'D⁻¹C / n = L L'`` and ``A = C'D⁻¹VD⁻¹C``.

    Without BLAS or LAPACK, so that trace and sum of squares do not depend on the number of threads.
    """
    share = of.shares.ravel()
    inverse = np.divide(1.0, share, out=np.zeros_like(share), where=share > 0)
    basis = _interactions(*of.shares.shape)
    weighted = inverse[:, None] * basis
    lower = _cholesky(np.einsum("ki,kj->ij", basis, weighted) / of.n)
    if lower is None:
        raise EstimationError(
            f"The table has {int((share <= 0).sum())} empty cells: too few combinations occur "
            "for a test of association.",
            remedy="Merge categories that hardly occur.",
        )
    observed = _sandwich(weighted.T, of.shares_vcov)
    effects = _forward(lower, _forward(lower, observed).T)
    if not np.diag(effects).sum() > 0:
        raise EstimationError(
            "The cells of the table have no sampling variance, so there is nothing to test against.",
            remedy="Check the design: strata, PSUs and population counts.",
        )
    return (effects + effects.T) / 2


def _sandwich(outer: Floats, inner: Floats) -> Floats:
    return np.einsum("kb,lb->kl", np.einsum("ka,ab->kb", outer, inner), outer)


def _cholesky(matrix: Floats) -> Floats | None:
    """Lower factor; None where the matrix is not positive definite to 1e-11 of its diagonal."""
    rest, lower = matrix.copy(), np.zeros_like(matrix)
    for j in range(len(matrix)):
        if not rest[j, j] > 1e-11 * matrix[j, j]:
            return None
        column = rest[j:, j] / np.sqrt(rest[j, j])
        lower[j:, j] = column
        rest[j:, j:] -= np.multiply.outer(column, column)
    return lower


def _forward(lower: Floats, right: Floats) -> Floats:
    """``L⁻¹ B``."""
    out = right.copy()
    for j in range(len(lower)):
        out[j] /= lower[j, j]
        out[j + 1 :] -= np.multiply.outer(lower[j + 1 :, j], out[j])
    return out


def _wald(of: Table, adjusted: bool) -> Tested:
    r, c = of.totals.shape
    rows, columns = of.totals.sum(axis=1), of.totals.sum(axis=0)
    whole = float(of.totals.sum())
    departure = of.totals - np.outer(rows, columns) / whole
    in_row = np.kron(np.eye(r), np.ones((1, c)))
    in_column = np.kron(np.ones((1, r)), np.eye(c))
    slopes = np.eye(r * c)
    slopes -= np.einsum("ki,ij->kj", np.kron(np.eye(r), columns[:, None]), in_row) / whole
    slopes -= np.einsum("ki,ij->kj", np.kron(rows[:, None], np.eye(c)), in_column) / whole
    slopes += np.outer(rows, columns).ravel()[:, None] / whole**2
    use = np.arange(r * c).reshape(r, c)[1:, 1:].ravel()
    spread = _sandwich(slopes[use], of.totals_vcov)
    q, value = len(use), departure.ravel()[use]
    lower = _cholesky(spread)
    if lower is None or q > of.df:
        raise EstimationError(
            f"A Wald test of this table needs the covariance of {q} departures, and {of.df} degrees "
            "of freedom do not give it.",
            remedy='Use statistic="F", or merge categories.',
        )
    wald = float((_forward(lower, value) ** 2).sum())
    none = np.array([])
    if not adjusted:
        return Tested(
            wald / q, float(q), float(of.df), float(stats.f.sf(wald / q, q, of.df)), np.nan, none
        )
    freedom = of.df - q + 1
    if freedom <= 0:
        raise EstimationError(
            f"An adjusted Wald test of {q} departures needs more than {q - 1} degrees of freedom; "
            f"found {of.df}.",
            remedy='Use statistic="F", or merge categories.',
        )
    scaled = wald * freedom / (q * of.df)
    return Tested(
        scaled, float(q), float(freedom), float(stats.f.sf(scaled, q, freedom)), np.nan, none
    )


def _working(of: Table) -> Tested:
    share = of.shares.ravel()
    if (share <= 0).any():
        raise EstimationError(
            f"The working test takes logarithms of the shares; {int((share <= 0).sum())} cells are empty.",
            remedy='Use statistic="F", or merge categories.',
        )
    basis = _interactions(*of.shares.shape)
    interaction = (basis * np.log(share)[:, None]).sum(axis=0)
    effects = _effects(of)
    lower = _cholesky(np.einsum("ki,kj->ij", basis, basis / share[:, None]) / of.n)
    value = float((_forward(lower, interaction) ** 2).sum())
    eigenvalues = np.linalg.eigvalsh(effects)[::-1]
    p = tail(value, eigenvalues, float(of.df), "saddlepoint")
    return Tested(value, float(len(eigenvalues)), float(of.df), p, np.nan, eigenvalues)
