"""Distributions and links of generalised linear models."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import xlogy
from statsmodels.genmod.families import links

from masar_research.errors import ModelError

Floats = NDArray[np.float64]
Name = Literal["binomial", "probit", "cloglog", "poisson", "gaussian", "gamma"]

#: Links of each distribution, its default first.
LINKS: dict[str, tuple[str, ...]] = {
    "binomial": ("logit", "probit", "cloglog", "cauchit", "log"),
    "gaussian": ("identity", "log", "inverse"),
    "poisson": ("log", "sqrt", "identity"),
    "gamma": ("log", "inverse", "identity"),
    "negative_binomial": ("log",),
}
_SHORT = {"probit": ("binomial", "probit"), "cloglog": ("binomial", "cloglog")}
_CANONICAL = {("binomial", "logit"), ("gaussian", "identity"), ("poisson", "log"), ("gamma", "inverse")}
_LINK = {
    "logit": links.Logit(), "probit": links.Probit(), "cloglog": links.CLogLog(), "cauchit": links.Cauchy(),
    "log": links.Log(), "identity": links.Identity(), "inverse": links.InversePower(), "sqrt": links.Sqrt(),
}  # fmt: skip
_TINY = np.finfo(float).eps


@dataclass(frozen=True, slots=True)
class Kind:
    """A distribution with its link.

    Parameters
    ----------
    name : str
        "gaussian", "binomial", "poisson", "gamma" or "negative_binomial".
    link : str
    theta : float, optional
        Of the negative binomial, whose variance is μ + μ²/θ.
    """

    name: str
    link: str
    theta: float | None = None

    @property
    def label(self) -> str:
        """One word where the link is the usual one: "probit", "poisson", "gamma (inverse link)"."""
        if self.name == "binomial" and self.link in ("probit", "cloglog"):
            return self.link
        return self.name if self.link == LINKS[self.name][0] else f"{self.name} ({self.link} link)"

    @property
    def canonical(self) -> bool:
        """Whether the expected information is the observed one."""
        return (self.name, self.link) in _CANONICAL

    @property
    def linear(self) -> bool:
        """Whether the fit is a linear least-squares problem."""
        return self.name == "gaussian" and self.link == "identity"

    def mean(self, eta: Floats) -> Floats:
        """μ at a linear predictor."""
        if self.link == "identity":
            return eta
        return np.exp(eta) if self.link == "log" else _LINK[self.link].inverse(eta)

    def slope(self, eta: Floats, mu: Floats) -> Floats:
        """dμ/dη."""
        if self.link == "identity":
            return np.ones_like(eta)
        if self.link == "log":
            return mu
        return mu * (1.0 - mu) if self.link == "logit" else _LINK[self.link].inverse_deriv(eta)

    def bend(self, eta: Floats) -> Floats:
        """d²μ/dη²."""
        return _LINK[self.link].inverse_deriv2(eta)

    def linked(self, mu: Floats) -> Floats:
        """η at a mean."""
        with np.errstate(all="ignore"):
            return _LINK[self.link](mu)

    def variance(self, mu: Floats) -> Floats:
        """Variance of the outcome up to a constant."""
        if self.name == "binomial":
            return mu * (1.0 - mu)
        if self.name == "gaussian":
            return np.ones_like(mu)
        if self.name == "poisson":
            return mu
        return mu * mu if self.name == "gamma" else mu + mu * mu / self.theta

    def deviance(self, y: Floats, mu: Floats) -> Floats:
        """(n,) unit deviances, 2 (ℓ(y; y) − ℓ(y; μ)); NaN where μ is outside its range."""
        with np.errstate(all="ignore"):
            if self.name == "gaussian":
                return (y - mu) ** 2
            if self.name == "binomial":
                if self.link != "log":
                    mu = np.clip(mu, _TINY, 1 - _TINY)
                found = -2.0 * (xlogy(y, mu) - xlogy(y, y) + xlogy(1 - y, 1 - mu) - xlogy(1 - y, 1 - y))
                return np.where((mu > 0) & (mu < 1), found, np.nan)
            if self.name == "poisson":
                found = 2.0 * (xlogy(y, y) - xlogy(y, mu) - (y - mu))
            elif self.name == "gamma":
                found = 2.0 * ((y - mu) / mu - np.log(y / mu))
            else:
                size = float(self.theta or np.nan)
                found = 2.0 * (xlogy(y, y) - xlogy(y, mu) - (y + size) * np.log((y + size) / (mu + size)))
            return np.where(mu > 0, found, np.nan)

    def begin(self, y: Floats) -> Floats:
        """Linked, shrunken outcome to start from, as R's glm starts."""
        if self.name == "binomial":
            return 4.0 * ((y + 0.5) / 2.0 - 0.5) if self.link != "log" else np.log((y + 0.5) / 2.0)
        if self.name == "poisson":
            return self.linked(y + 0.1)
        return self.linked(y + (y == 0) / 6.0 if self.name == "negative_binomial" else y)


Family = Name | Kind
LOGIT = Kind("binomial", "logit")
IDENTITY = Kind("gaussian", "identity")
_KINDS = {
    "binomial": LOGIT, "gaussian": IDENTITY, "probit": Kind("binomial", "probit"),
    "cloglog": Kind("binomial", "cloglog"), "poisson": Kind("poisson", "log"), "gamma": Kind("gamma", "log"),
}  # fmt: skip


def kind_of(family: Family) -> Kind:
    """The distribution and link that a word stands for.

    Examples
    --------
    >>> kind_of("probit")
    Kind(name='binomial', link='probit', theta=None)
    """
    return family if isinstance(family, Kind) else _KINDS[family]


def named(family: str, link: str | None = None) -> Kind:
    """A distribution and link by name, checked.

    Parameters
    ----------
    family : str
        A key of `LINKS`, or "probit" or "cloglog" for a binomial outcome with that link.
    link : str, optional
        The first of `LINKS` by default.

    Raises
    ------
    ModelError
        An unknown family, or a link it does not have.

    Examples
    --------
    >>> named("gamma", "inverse").label
    'gamma (inverse link)'
    """
    short = _SHORT.get(family)
    name = short[0] if short else family
    if name not in LINKS:
        raise ModelError(f"family={family!r} is not known.",
                         remedy=f"Use one of {', '.join((*LINKS, *_SHORT))}.",
                         ar=f"عائلة التوزيع \u2066{family!r}\u2069 غير معروفة؛ استعمل إحدى: \u2066{', '.join((*LINKS, *_SHORT))}\u2069.")
    wanted = link or (short[1] if short else LINKS[name][0])
    if wanted not in LINKS[name] or (short and wanted != short[1]):
        allowed = short[1:] if short else LINKS[name]
        raise ModelError(f"link={link!r} is not offered for family={family!r}.",
                         remedy=f"Use one of {', '.join(allowed)}.",
                         ar=f"دالة الربط \u2066{link!r}\u2069 غير متاحة لهذه العائلة؛ المتاح: \u2066{', '.join(allowed)}\u2069.")
    return Kind(name, wanted)
