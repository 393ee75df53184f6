"""Rubin's rules: several completed data sets as one answer, with its whole covariance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from masar_research.errors import EstimationError


@dataclass(frozen=True, slots=True, eq=False)
class Pooled:
    """Estimates over m imputations.

    Attributes
    ----------
    estimate : (k,) float array
        Mean over imputations, Q̄.
    vcov : (k, k) float array
        T = Ū + (1 + 1/m) B.
    within, between : (k, k) float arrays
        Ū, the mean covariance; B, the covariance of the estimates with divisor m − 1.
    df : (k,) float array
        Barnard and Rubin (1999), from `df_complete`.
    riv : (k,) float array
        Relative increase of the variance, r = (1 + 1/m) B / Ū.
    fmi : (k,) float array
        Fraction of missing information, (r + 2/(df + 3)) / (r + 1).
    efficiency : (k,) float array
        1 / (1 + fmi/m), against endlessly many imputations.
    m : int
    """

    estimate: np.ndarray
    vcov: np.ndarray
    within: np.ndarray
    between: np.ndarray
    df: np.ndarray
    riv: np.ndarray
    fmi: np.ndarray
    efficiency: np.ndarray
    m: int


@dataclass(frozen=True, slots=True)
class WaldD1:
    """Joint test over imputations: ``statistic`` on F(``df_num``, ``df_den``); ``riv`` the mean increase."""

    statistic: float
    df_num: int
    df_den: float
    p_value: float
    riv: float


def pool(estimates: np.ndarray, vcovs: np.ndarray, df_complete: np.ndarray) -> Pooled:
    """Rubin's rules with Barnard–Rubin degrees of freedom.

    Parameters
    ----------
    estimates : (m, k) float array
    vcovs : (m, k, k) float array
        Covariance of the estimates within each completed data set.
    df_complete : (k,) float array
        Degrees of freedom had nothing been missing: those of the design. Infinity for none.

    Returns
    -------
    Pooled
        An estimate that differs between imputations by rounding alone has B = 0: no information missing.

    Raises
    ------
    EstimationError
        Fewer than two imputations.

    References
    ----------
    Rubin (1987), Multiple Imputation for Nonresponse in Surveys; Barnard and Rubin (1999), Biometrika 86.

    Examples
    --------
    >>> found = pool(np.array([[1.0], [3.0]]), np.ones((2, 1, 1)), np.array([np.inf]))
    >>> found.estimate, found.vcov[0, 0]
    (array([2.]), np.float64(4.0))
    """
    estimates, vcovs = np.asarray(estimates, float), np.asarray(vcovs, float)
    m = len(estimates)
    if m < 2:
        raise EstimationError(
            f"{m} imputation cannot be pooled: its variance between imputations is unknown.",
            remedy="Give at least two imputations; twenty are a good number.",
            ar="لا يمكن تجميع تعويض واحد لأن التباين بين التعويضات غير معروف؛ أعطِ تعويضين على الأقل، والعشرون عدد مناسب.",
        )
    centre = estimates.mean(axis=0)
    rounding = np.ptp(estimates, axis=0) <= 4 * np.finfo(float).eps * np.abs(centre)
    away = np.where(rounding, 0.0, estimates - centre)
    between = away.T @ away / (m - 1)
    within = vcovs.mean(axis=0)
    vcov = within + (1 + 1 / m) * between
    own, among, total = np.diag(within), (1 + 1 / m) * np.diag(between), np.diag(vcov)
    with np.errstate(divide="ignore", invalid="ignore"):
        riv = np.where(among > 0, among / own, 0.0)
        share = np.where(total > 0, among / total, 0.0)
        old = np.where(share > 0, (m - 1) / share**2, np.inf)
        df = barnard_rubin(share, old, np.broadcast_to(np.asarray(df_complete, float), share.shape))
        fmi = np.where(np.isinf(riv), 1.0, (riv + 2 / (df + 3)) / (riv + 1))
    fmi = np.where(among > 0, fmi, 0.0)
    riv, df, fmi = (np.where(np.isnan(total), np.nan, each) for each in (riv, df, fmi))
    return Pooled(centre, vcov, within, between, df, riv, fmi, 1 / (1 + fmi / m), m)


def barnard_rubin(share: np.ndarray, old: np.ndarray, complete: np.ndarray) -> np.ndarray:
    """1 / (1/ν_m + 1/ν_obs), ν_obs = (ν + 1)/(ν + 3) · ν · (1 − λ), ν those of complete data."""
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(np.isinf(complete), 1.0, (complete + 1) / (complete + 3))
        observed = ratio * complete * (1 - share)
        observed = np.where(np.isinf(complete), np.inf, observed)
        return 1 / (1 / old + 1 / observed)


def wald_d1(pooled: Pooled, contrasts: np.ndarray, df_complete: float) -> WaldD1:
    """Are the combinations `contrasts` @ estimate all nought? Li, Raghunathan and Rubin's D1.

    D1 = q'(Ū_q)⁻¹q / (k (1 + r)), r = (1 + 1/m) tr(B_q Ū_q⁻¹)/k; denominator degrees of freedom of
    Reiter (2007), which know those of the complete data; of Li et al. (1991) where they have no limit,
    of Barnard and Rubin for one combination.

    Parameters
    ----------
    pooled : Pooled
    contrasts : (k, p) float array
        Of full row rank.
    df_complete : float

    References
    ----------
    Li, Raghunathan and Rubin (1991), JASA 86; Reiter (2007), Biometrika 94.
    """
    L = np.atleast_2d(np.asarray(contrasts, float))
    k, m = len(L), pooled.m
    within = L @ pooled.within @ L.T
    if np.linalg.matrix_rank(within) < k:
        raise EstimationError(
            "The combinations tested depend on each other.", remedy="Leave out those the others imply.",
            ar="التركيبات المختبرة يتبع بعضها بعضاً؛ احذف ما يُستنتج من غيره.",
        )
    between = L @ pooled.between @ L.T
    q = L @ pooled.estimate
    r = float((1 + 1 / m) * np.trace(np.linalg.solve(within, between)) / k)
    statistic = float(q @ np.linalg.solve(within, q) / (k * (1 + r)))
    df = _d1_df(r, k, m, float(df_complete))
    return WaldD1(statistic, k, df, float(stats.f.sf(statistic, k, df)), r)


def _d1_df(r: float, k: int, m: int, complete: float) -> float:
    t = k * (m - 1)
    if r <= 0:
        return complete
    if k == 1:
        share = r / (1 + r)
        return float(barnard_rubin(np.array(share), np.array((m - 1) / share**2), np.array(complete)))
    if t > 4 and np.isfinite(complete):
        a = r * t / (t - 2)
        star = (complete + 1) / (complete + 3) * complete
        c1, c2 = star - 2 * (1 + a), star - 4 * (1 + a)
        if c2 > 0:
            parts = (
                a**2 * c1 / ((1 + a) ** 2 * c2), 8 * a**2 * c1 / ((1 + a) * c2**2),
                4 * a**2 / ((1 + a) * c2), 4 * a**2 / (c2 * c1), 16 * a**2 * c1 / c2**3, 8 * a**2 / c2**2,
            )  # fmt: skip
            return 4 + 1 / (1 / c2 + sum(parts) / (t - 4))
    if t > 4:
        df = 4 + (t - 4) * (1 + (1 - 2 / t) / r) ** 2
    else:
        df = t * (1 + 1 / k) * (1 + 1 / r) ** 2 / 2
    return min(df, complete)


def r_hat(trace: np.ndarray) -> float:
    """Potential scale reduction of the second half of m chains, (m, iterations); NaN where nothing moves.

    Gelman and Rubin (1992): √(((L − 1)/L W + B/L) / W).
    """
    half = np.asarray(trace, float)[:, trace.shape[1] // 2 :]
    length = half.shape[1]
    if length < 2 or len(half) < 2:
        return float("nan")
    inside = half.var(axis=1, ddof=1).mean()
    if not inside > 0:
        return float("nan")
    return float(np.sqrt((length - 1) / length + half.mean(axis=1).var(ddof=1) / inside))
