"""How well a factor model fits, under the design's covariance of the moments."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from masar_research.engine.factor_model import Fitted, Moments, implied
from masar_research.engine.quadratic_forms import tail

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Fit:
    """Indices of fit; NaN where the model leaves no degree of freedom.

    ``chi2 = n F``, ``scaling`` its mean under the model over ``df``, ``chi2_scaled`` their ratio,
    ``p`` the tail of the weighted sum of χ² over the design's degrees of freedom; ``cfi``, ``tli``
    and ``rmsea`` robust, ``srmr`` with the means where there are
    several groups.
    """

    chi2: float
    df: int
    scaling: float
    chi2_scaled: float
    p: float
    cfi: float
    tli: float
    rmsea: float
    srmr: float


def assess(found: Fitted, spread: Floats, degrees: float) -> Fit:
    """Fit of a model.

    Parameters
    ----------
    found : Fitted
    spread : ndarray (M, M)
        The design's covariance of the moments, group by group (means, then vech S).
    degrees : float
        Degrees of freedom of that covariance.

    References
    ----------
    Satorra and Bentler (1994); Brosseau-Liard and Savalei (2014), *Multivariate Behavioral
    Research* 49, 460–470.
    """
    n, groups = float(found.moments.n.sum()), len(found.moments.n)
    weights = _weights(found.within, found.slopes, spread)
    base_df, base_loss, base_trace = _baseline(found.moments, spread)
    srmr = _srmr(found)
    if found.df == 0:
        return Fit(n * found.loss, 0, np.nan, np.nan, np.nan, np.nan, np.nan, np.nan, srmr)
    trace = float(weights.sum())
    excess, base = max(found.loss - trace, 0.0), max(base_loss - base_trace, found.loss - trace, 0.0)
    positive = weights[weights > weights.max(initial=0.0) * 1e-10]
    p = tail(found.loss, positive, degrees, "satterthwaite") if degrees > 0 and len(positive) else np.nan
    scaling = n * trace / found.df
    tli = np.nan
    if base_loss > base_trace:
        tli = 1 - (found.loss - trace) / found.df / ((base_loss - base_trace) / base_df)
    return Fit(
        n * found.loss, found.df, scaling, n * found.loss / scaling, p, 1 - excess / base if base > 0 else 1.0,
        tli, float(np.sqrt(groups * excess / found.df)), srmr,
    )  # fmt: skip


def difference(strict: Fit, loose: Fit, degrees: float) -> tuple[float, int, float]:
    """Scaled difference χ², its degrees of freedom, and p by F; NaN where its scale is not positive.

    References
    ----------
    Satorra and Bentler (2001), *Psychometrika* 66, 507–514.
    """
    df = strict.df - loose.df
    more = 0.0 if loose.df == 0 else loose.df * loose.scaling
    scale = (strict.df * strict.scaling - more) / df if df else np.nan
    if not scale > 0:
        return np.nan, df, np.nan
    value = max((strict.chi2 - loose.chi2) / scale, 0.0)
    return value, df, float(stats.f.sf(value / df, df, degrees)) if degrees > 0 else np.nan


def _weights(within: Floats, slopes: Floats, spread: Floats) -> Floats:
    """Eigenvalues of U V, ``U = W − W Δ (Δ' W Δ)⁻¹ Δ' W``."""
    pulled = within @ slopes
    rest = within - pulled @ np.linalg.solve(slopes.T @ pulled, pulled.T)
    values, vectors = np.linalg.eigh(spread)
    root = vectors * np.sqrt(np.maximum(values, 0.0))
    return np.maximum(np.linalg.eigvalsh(root.T @ rest @ root), 0.0)


def _baseline(of: Moments, spread: Floats) -> tuple[int, float, float]:
    """df, minimum and trace of the model of unrelated items."""
    p, total, trace = of.mean.shape[1], 0.0, 0.0
    low = np.tril_indices(p)
    off = low[0] != low[1]
    size = p + len(low[0])
    for g, share in enumerate(of.share):
        variance = np.diag(of.covariance[g])
        total += share * float(np.log(variance).sum() - np.linalg.slogdet(of.covariance[g])[1])
        own = np.diag(spread)[g * size + p : (g + 1) * size][off]
        trace += share * float(np.sum(own / (variance[low[0][off]] * variance[low[1][off]])))
    return int(off.sum()) * len(of.weight), total, trace


def _srmr(found: Fitted) -> float:
    of, value = found.moments, 0.0
    low = np.tril_indices(of.mean.shape[1])
    for g, share in enumerate(of.n / of.n.sum()):
        mu, sigma = implied(found.places, found.theta, g)
        scale = np.sqrt(np.diag(of.covariance[g]))
        rest = ((of.covariance[g] - sigma) / np.outer(scale, scale))[low]
        gaps = (of.mean[g] - mu) / scale if len(of.n) > 1 else np.empty(0)
        value += share * float(np.sqrt((np.sum(rest**2) + np.sum(gaps**2)) / (len(rest) + len(gaps))))
    return value
