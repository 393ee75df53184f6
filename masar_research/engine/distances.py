"""Distances between weights before and after calibration, by their factor g = F(x'λ)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from masar_research.errors import WeightingError

METHODS = ("linear", "raking", "logit")
# exp() of more than this has no use as a weight and soon no value.
_MOST = 300.0


@dataclass(frozen=True, slots=True, eq=False)
class Distance:
    """A calibration distance of Deville and Särndal.

    ``linear`` F(u) = 1 + u; ``raking`` F(u) = exp(u); both cut at the bounds where there are any
    (truncated). ``logit``, with A = (U − L) / ((1 − L)(U − 1)),
    F(u) = (L (U − 1) + U (1 − L) exp(Au)) / (U − 1 + (1 − L) exp(Au)).

    Parameters
    ----------
    method : {"linear", "raking", "logit"}
    low, high : float or (n,) float array
        Bounds L < 1 < U of g for ``logit``; L < U otherwise. −inf and inf: none.

    References
    ----------
    Deville and Särndal (1992), JASA 87, 376–382, cases 1, 2, 6 and 7.

    Examples
    --------
    >>> Distance("logit", 0.5, 2.0).factor(np.array([-50.0, 0.0, 50.0])).round(6).tolist()
    [0.5, 1.0, 2.0]
    """

    method: str
    low: float | np.ndarray = -np.inf
    high: float | np.ndarray = np.inf

    def __post_init__(self) -> None:
        low, high = np.asarray(self.low, dtype=float), np.asarray(self.high, dtype=float)
        if self.method not in METHODS:
            raise WeightingError(f"method={self.method!r} is not a distance of calibration.",
                                 remedy=f"Choose one of {', '.join(METHODS)}.",
                                 ar="طريقة المعايرة غير معروفة؛ اختر إحدى الطرق المذكورة أعلاه.")
        if np.isnan(low).any() or np.isnan(high).any() or (low >= high).any():
            raise WeightingError(f"The bounds ({self.low}, {self.high}) leave no room.",
                                 remedy="Give the lower bound first: bounds=(0.5, 2.5).",
                                 ar="حدّا المعامل غير صالحين؛ اكتب الأدنى أولاً.")
        if self.method == "logit" and not (
            np.isfinite(low).all() and np.isfinite(high).all() and (low < 1).all() and (high > 1).all()
        ):
            raise WeightingError(
                f"The logit distance needs finite bounds on both sides of 1; found ({self.low}, {self.high}).",
                remedy="Give bounds=(0.4, 3.0), say: the weights may shrink to 0.4 and grow to 3 times.",
                ar="تحتاج المسافة اللوجستية إلى حدّين منتهيين حول الواحد.",
            )

    @property
    def bounded(self) -> bool:
        """True if g is kept inside finite bounds on a side."""
        return bool(np.isfinite(self.low).any() or np.isfinite(self.high).any())

    def factor(self, u: np.ndarray) -> np.ndarray:
        """(n,) g = F(u)."""
        if self.method == "logit":
            return self.low + (self.high - self.low) * self._share(u)
        g = 1.0 + u if self.method == "linear" else np.exp(np.minimum(u, _MOST))
        return np.clip(g, self.low, self.high) if self.bounded else g

    def slope(self, u: np.ndarray) -> np.ndarray:
        """(n,) F'(u); 0 where a bound cuts."""
        if self.method == "logit":
            share = self._share(u)
            return (self.high - self.low) * self._rate() * share * (1.0 - share)
        if self.method == "linear":
            g, out = 1.0 + u, np.ones_like(u)
        else:
            out = g = np.exp(np.minimum(u, _MOST))
        return np.where((g > self.low) & (g < self.high), out, 0.0) if self.bounded else out

    def integral(self, u: np.ndarray) -> np.ndarray:
        """(n,) ∫_0^u F, the convex function whose sum calibration minimises."""
        if self.method == "logit":
            a, width = self._rate(), self.high - self.low
            grown = np.logaddexp(np.log(self.high - 1.0), np.log(1.0 - self.low) + a * u)
            return self.low * u + width / a * (grown - np.log(width))
        if self.method == "linear":
            at = lambda v: v + 0.5 * v * v  # noqa: E731
            ends = (self.low - 1.0, self.high - 1.0)
        else:
            at = lambda v: np.exp(np.minimum(v, _MOST)) - 1.0  # noqa: E731
            with np.errstate(divide="ignore"):
                ends = tuple(np.log(np.maximum(edge, 0.0)) for edge in (self.low, self.high))
        if not self.bounded:
            return at(u)
        inside = np.clip(u, *ends)
        beyond = u - inside
        return at(inside) + np.where(beyond == 0, 0.0, beyond * self.factor(u))

    def _rate(self) -> float | np.ndarray:
        return (self.high - self.low) / ((1.0 - self.low) * (self.high - 1.0))

    def _share(self, u: np.ndarray) -> np.ndarray:
        """(F − L) / (U − L), without overflow."""
        odds = np.log(1.0 - self.low) - np.log(self.high - 1.0) + self._rate() * u
        with np.errstate(over="ignore"):
            return 1.0 / (1.0 + np.exp(-odds))
