"""Two-stage least squares with weights, and what its instruments are worth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import optimize, stats

from masar_research.engine.newton import LikelihoodFit, refuse_duplicates
from masar_research.errors import ModelError

_ANGLES = 2001


@dataclass(frozen=True, slots=True, eq=False)
class Regression:
    """Weighted least squares of several outcomes on the same columns.

    Attributes
    ----------
    coef : (p, m) float array
    bread : (p, p) float array
        ``(X'WX)⁻¹``.
    residual : (n, m) float array
        0 outside the fitted rows.
    """

    coef: np.ndarray
    bread: np.ndarray
    residual: np.ndarray


def least_squares(X: np.ndarray, Y: np.ndarray, weights: np.ndarray) -> Regression:
    """Weighted least squares by an orthogonal decomposition.

    Parameters
    ----------
    X : (n, p) float array
    Y : (n, m) float array
    weights : (n,) float array
        0 outside the fitted rows.
    """
    root = np.sqrt(weights)[:, None]
    Q, R = np.linalg.qr(X * root)
    inverse = np.linalg.inv(R)
    coef = inverse @ (Q.T @ (Y * root))
    return Regression(coef, inverse @ inverse.T, np.where(root > 0, Y - X @ coef, 0.0))


def fit(
    X: np.ndarray, Z: np.ndarray, y: np.ndarray, weights: np.ndarray, *,
    names: Sequence[str] | None = None, instruments: Sequence[str] | None = None,
) -> LikelihoodFit:  # fmt: skip
    """Two-stage least squares, ``β = (X̂'WX)⁻¹ X̂'Wy`` with X̂ the regression of X on Z.

    Parameters
    ----------
    X : (n, p) float array
        Regressors, the constant among them.
    Z : (n, l) float array
        Exogenous regressors and excluded instruments, l ≥ p.
    y : (n,) float array
    weights : (n,) float array
        ≥ 0; 0 outside the fitted rows, whose X, Z and y must be finite all the same.
    names, instruments : sequence of str, optional
        Of the columns of X and Z.

    Returns
    -------
    LikelihoodFit
        `scores` are w x̂ (y − x'β), with the residual of the second equation at X itself;
        `log_likelihood` is minus half its weighted sum of squares.

    Raises
    ------
    ModelError
        Fewer instruments than regressors, collinear columns, instruments that say nothing.

    References
    ----------
    Wooldridge (2010), *Econometric Analysis of Cross Section and Panel Data*, ch. 5.

    Examples
    --------
    >>> z = np.array([0.0, 0.0, 1.0, 1.0])
    >>> x, y = np.array([1.0, 2.0, 2.0, 5.0]), np.array([1.0, 1.0, 4.0, 4.0])
    >>> one = np.ones(4)
    >>> fit(np.column_stack([one, x]), np.column_stack([one, z]), y, one).coef.round(6)
    array([-1.25,  1.5 ])
    """
    n, p = X.shape
    names = list(names) if names is not None else [f"column {j}" for j in range(p)]
    told = list(instruments) if instruments is not None else [f"instrument {j}" for j in range(Z.shape[1])]
    used = weights > 0
    if Z.shape[1] < p:
        raise ModelError(
            f"{Z.shape[1]} columns of instruments for {p} coefficients.",
            remedy="Give at least one instrument for each endogenous regressor, and repeat the others "
            "to the right of |.",
            ar="الأدوات أقل من معاملات النموذج؛ أعطِ أداة على الأقل لكل متغيّر داخلي وكرّر بقية المتغيّرات بعد |.",
        )
    if np.count_nonzero(used) <= Z.shape[1]:
        raise ModelError(
            f"{np.count_nonzero(used)} rows with a weight and no missing value are left for "
            f"{Z.shape[1]} instruments.",
            remedy="Check the missing values and the subpopulation, or use fewer terms.",
            ar="لا تكفي السجلات المكتملة لعدد الأدوات؛ راجع القيم المفقودة أو استخدم متغيّرات أقل.",
        )
    w = weights[used]
    refuse_duplicates(Z[used], w, told, constant=False)
    refuse_duplicates(X[used], w, names, constant=False)
    first = least_squares(Z, X, weights)
    fitted = X - first.residual
    gram = fitted[used].T @ (fitted[used] * w[:, None])
    whole = np.sqrt(np.einsum("ij,ij,i->j", X[used], X[used], w))
    values = np.linalg.eigvalsh(gram / np.outer(whole, whole))
    if values[0] < 1e-11:
        raise ModelError(
            "The instruments say nothing of the endogenous regressors beyond the other regressors.",
            remedy="Use instruments that are related to them (see the first stage).",
            ar="لا صلة للأدوات بالمتغيّرات الداخلية بعد ضبط بقية المتغيّرات؛ اختر أدوات ذات صلة.",
        )
    second = least_squares(fitted, y[:, None], weights)
    coef = second.coef[:, 0]
    residual = np.where(used, y - X @ coef, 0.0)
    scores = fitted * (weights * residual)[:, None]
    scores[~used] = 0.0
    return LikelihoodFit(coef, second.bread, scores, weights, used, -0.5 * float(weights @ residual**2), 1)


def effective_f(coef: np.ndarray, vcov: np.ndarray, gram: np.ndarray) -> float:
    """Effective first-stage F, ``π'Qπ / tr(VQ)``.

    Parameters
    ----------
    coef : (q,) float array
        Coefficients π of the excluded instruments in the first stage.
    vcov : (q, q) float array
        Their design-based covariance V.
    gram : (q, q) float array
        Cross-products Q of the excluded instruments, the other regressors taken out.

    References
    ----------
    Montiel Olea and Pflueger (2013), *J. Business & Econ. Statistics* 31, 358–369.
    """
    return float(coef @ gram @ coef / np.trace(vcov @ gram))


def anderson_rubin(
    reduced: np.ndarray, first: np.ndarray, vcov: np.ndarray, df: int, level: float
) -> tuple[tuple[float, float], ...]:
    """Values b of one endogenous regressor's coefficient that the instruments do not refute.

    ``(δ − bπ)'[V_δδ − b(V_δπ + V_πδ) + b²V_ππ]⁻¹(δ − bπ) / q ≤ F(q, df)``. The set has its
    coverage however weak the instruments are: it may be one interval, two half-lines, everything
    or nothing.

    Parameters
    ----------
    reduced, first : (q,) float arrays
        δ and π: coefficients of the excluded instruments for the outcome and the regressor.
    vcov : (2q, 2q) float array
        Their joint covariance.
    df : int
    level : float

    Returns
    -------
    tuple of (low, high)
        Ends may be infinite.

    References
    ----------
    Anderson and Rubin (1949), *Annals of Math. Statistics* 20, 46–63.
    """
    q = first.size
    limit = float(stats.f.ppf(level, q, df))
    scale = np.sqrt(np.trace(vcov[:q, :q]) / np.trace(vcov[q:, q:]))

    def excess(angle: np.ndarray) -> np.ndarray:
        # the direction (cos, sin) stands for b = scale · tan: both ends of the line are one point
        c, s = np.cos(angle)[..., None], scale * np.sin(angle)[..., None]
        gap = c * reduced - s * first
        c, s = c[..., None], s[..., None]
        mixed = c * s * (vcov[:q, q:] + vcov[q:, :q])
        spread = c * c * vcov[:q, :q] - mixed + s * s * vcov[q:, q:]
        return np.einsum("...i,...i->...", gap, np.linalg.solve(spread, gap[..., None])[..., 0]) / q - limit

    middle = float(np.arctan2(first @ reduced / scale, first @ first))
    angles = np.unique(np.append(np.linspace(-np.pi / 2, np.pi / 2, _ANGLES), middle))
    values = excess(angles)
    ends = [
        optimize.brentq(lambda a: float(excess(np.asarray(a))), angles[k], angles[k + 1], xtol=1e-14)
        for k in np.flatnonzero(values[:-1] * values[1:] < 0)
    ]
    edges = [angles[0], *ends, angles[-1]]
    found = []
    for low, high in zip(edges[:-1], edges[1:], strict=True):
        if excess(np.asarray((low + high) / 2)) <= 0:
            found.append((
                -np.inf if low == angles[0] else float(scale * np.tan(low)),
                np.inf if high == angles[-1] else float(scale * np.tan(high)),
            ))  # fmt: skip
    return tuple(found)
