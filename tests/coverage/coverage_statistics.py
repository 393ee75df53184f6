"""The statistics whose intervals are tried: the truth in a population, the answer from a sample."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

import numpy as np

from coverage_populations import Columns
from masar_research import engine
from masar_research.engine import (
    Design,
    Linearized,
    contrasts,
    inequality,
    intervals,
    moments,
    poverty,
    quantiles,
    standardised,
)
from masar_research.engine.functional import functional
from masar_research.estimating import _interval as share_interval

Kind = Literal[
    "mean", "total", "ratio", "contrast", "share", "quantile", "moment", "inequality", "poverty"
]
Found = Linearized | quantiles.Quantile
Limits = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]
"""Estimate, standard error, low and high, each (k,)."""

STANDARD = np.array([0.4, 0.35, 0.25])
LINE = 180.0


@dataclass(frozen=True, slots=True, eq=False)
class Statistic:
    """One statistic, k numbers.

    Parameters
    ----------
    name : str
    kind : str
        Means, totals, ratios and contrasts are never excepted where there are 30 or more degrees
        of freedom.
    truth : callable
        Columns of the population → number or (k,).
    answer : callable
        ``(design, columns of the sample) -> Linearized or Quantile``.
    interval : str
        Method of a share, "wald", or "log" (Wald on the logarithm, as ``Estimates.ratio``).
    contrast : tuple of float, optional
        The answer's estimates are combined with these coefficients.
    """

    name: str
    kind: Kind
    truth: Callable[[Columns], Any]
    answer: Callable[[Design, Columns], Found]
    interval: str = "wald"
    contrast: tuple[float, ...] | None = None


def limits(
    statistic: Statistic, design: Design, sample: Columns, answered: dict[Any, Any]
) -> Limits:
    """What the package says about one sample, at 95 %; `answered` keeps answers for reuse."""
    if statistic.answer not in answered:
        found = statistic.answer(design, sample)
        linear = found.result if isinstance(found, quantiles.Quantile) else found
        answered[statistic.answer] = found, linear, engine.covariance(design, linear.totals)
    found, linear, vcov = answered[statistic.answer]
    if statistic.contrast is not None:
        made = contrasts.linear(statistic.contrast, linear.estimate, vcov, linear.df.min())
        low, high = intervals.wald(made.estimate, made.std_error, made.df, 0.95)
        return made.estimate, made.std_error, low, high
    error = np.sqrt(np.diag(vcov))
    if isinstance(found, quantiles.Quantile):
        low, high = found.low, found.high
    elif statistic.interval == "log":
        reach = np.exp(intervals.t_quantile(linear.df, 0.95) * error / linear.estimate)
        low, high = linear.estimate / reach, linear.estimate * reach
    else:
        low, high = share_interval(statistic.interval, linear.estimate, error, linear, 0.95)
    return linear.estimate, error, low, high


@cache
def by(column: str, n: int, of: str = "y") -> Callable[[Design, Columns], Linearized]:
    return lambda d, s: engine.mean(d, s[of], domain=s[column], n_domains=n)


def in_groups(p: Columns, of: str, column: str, n: int) -> np.ndarray:
    return np.array([p[of][p[column] == k].mean() for k in range(n)])


def quantile_of(column: str, share: float, interval: str = "woodruff", women: bool = False):
    def answer(d: Design, s: Columns) -> quantiles.Quantile:
        mask = s["sex"] == 1 if women else None
        ordered = quantiles.order(d, s[column], mask=mask, ties=False)
        return quantiles.quantile(
            d, s[column], ordered, share, rule="school", interval=interval, level=0.95, mask=mask
        )

    return answer


def unequal_incomes(w: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Gini and S80/S20 at once: the two share their rows and their replicates."""
    (g, of_g), (s, of_s) = inequality.gini(w, y), inequality.share_ratio(w, y, 0.2, 0.2)
    return np.array([g, s]), np.stack([of_g, of_s], axis=1)


def true_gini(p: Columns) -> np.ndarray:
    y = np.sort(p["income"])
    n = len(y)
    gini = 2 * np.sum(np.arange(1, n + 1) * y) / (n * y.sum()) - (n + 1) / n
    return np.array([gini, (1 - true_lorenz(p, 0.8)) / true_lorenz(p, 0.2)])


def true_lorenz(p: Columns, share: float) -> float:
    """Where the share is no whole number of persons, the person at the border is split."""
    y = np.sort(p["income"])
    held = np.concatenate([[0], np.cumsum(y)]) / y.sum()
    return float(np.interp(share, np.arange(len(y) + 1) / len(y), held))


def below_60_of_median(d: Design, s: Columns) -> Linearized:
    y = s["income"]
    middle = functional(d, [y], lambda w, y: poverty.quantile(w, y, 0.5))
    line = engine.transform(middle, 0.6 * middle.estimate, [[0.6]])
    return poverty.fgt_relative(d, y, 0, line, None, domain=None, n_domains=1, mask=None)


def below_half_of_mean(d: Design, s: Columns) -> Linearized:
    centre = engine.mean(d, s["income"])
    line = engine.transform(centre, 0.5 * centre.estimate, [[0.5]])
    return poverty.fgt_relative(d, s["income"], 1, line, None, domain=None, n_domains=1, mask=None)


def women_over_men(d: Design, s: Columns) -> Linearized:
    sides = engine.mean(d, s["y"], domain=s["sex"], n_domains=2)
    men, women = sides.estimate
    return engine.transform(sides, [women / men], [[-women / men**2, 1 / men]])


def cells_of_table(d: Design, s: Columns) -> Linearized:
    return engine.proportion(d, s["sex"] * 2 + s["common"].astype(int), 4)


def rows_of_table(d: Design, s: Columns) -> Linearized:
    return engine.proportion(d, s["common"].astype(int), 2, domain=s["age"], n_domains=3)


def true_rows(p: Columns) -> np.ndarray:
    ones = in_groups(p, "common", "age", 3)
    return np.stack([1 - ones, ones], axis=1).ravel()


def near_a_tenth(d: Design, s: Columns) -> Linearized:
    return engine.mean(d, s["rare"])


METHODS = ("logit", "wilson", "arcsine", "likelihood", "beta")

STATISTICS: tuple[Statistic, ...] = (
    Statistic("mean", "mean", lambda p: p["y"].mean(), lambda d, s: engine.mean(d, s["y"])),
    Statistic("total", "total", lambda p: p["y"].sum(), lambda d, s: engine.total(d, s["y"])),
    Statistic("ratio", "ratio", lambda p: p["y"].sum() / p["x"].sum(), lambda d, s: engine.ratio(d, s["y"], s["x"])),
    *(
        Statistic(f"share near 0.1, {method}", "share", lambda p: p["rare"].mean(),
                  near_a_tenth, method)
        for method in METHODS
    ),
    Statistic("share near 0.4, logit", "share", lambda p: p["common"].mean(),
              lambda d, s: engine.mean(d, s["common"]), "logit"),
    Statistic("median", "quantile", lambda p: np.median(p["y"]), quantile_of("y", 0.5)),
    Statistic("median, log odds", "quantile", lambda p: np.median(p["y"]), quantile_of("y", 0.5, "xlogit")),
    Statistic("median income of women", "quantile", lambda p: np.median(p["income"][p["sex"] == 1]),
              quantile_of("income", 0.5, women=True)),
    Statistic("ninth decile of income", "quantile", lambda p: np.quantile(p["income"], 0.9),
              quantile_of("income", 0.9)),
    Statistic("ninth decile of income, log odds", "quantile", lambda p: np.quantile(p["income"], 0.9),
              quantile_of("income", 0.9, "xlogit")),
    Statistic("mean by region", "mean", lambda p: in_groups(p, "y", "region", 4), by("region", 4)),
    Statistic("mean in a small domain", "mean", lambda p: p["y"][p["small"] == 1].mean(),
              lambda d, s: engine.mean(d, s["y"], mask=s["small"] == 1)),
    Statistic("share in a small domain, logit", "share", lambda p: p["common"][p["small"] == 1].mean(),
              lambda d, s: engine.mean(d, s["common"], mask=s["small"] == 1), "logit"),
    Statistic("total of women", "total", lambda p: p["y"][p["sex"] == 1].sum(),
              lambda d, s: engine.total(d, s["y"], mask=s["sex"] == 1)),
    Statistic("count by age", "total", lambda p: np.bincount(p["age"]),
              lambda d, s: engine.count(d, domain=s["age"], n_domains=3)),
    Statistic("ratio by sex", "ratio",
              lambda p: in_groups(p, "y", "sex", 2) / in_groups(p, "x", "sex", 2),
              lambda d, s: engine.ratio(d, s["y"], s["x"], domain=s["sex"], n_domains=2)),
    Statistic("gap between the sexes", "contrast", lambda p: np.diff(in_groups(p, "y", "sex", 2)),
              by("sex", 2), contrast=(-1, 1)),
    Statistic("gap in shares between the sexes", "contrast",
              lambda p: np.diff(in_groups(p, "common", "sex", 2)), by("sex", 2, "common"), contrast=(-1, 1)),
    Statistic("gap between two regions", "contrast",
              lambda p: np.diff(in_groups(p, "y", "region", 4)[[0, 3]]), by("region", 4), contrast=(-1, 0, 0, 1)),
    Statistic("women's mean over men's", "contrast",
              lambda p: in_groups(p, "y", "sex", 2)[1] / in_groups(p, "y", "sex", 2)[0], women_over_men, "log"),
    Statistic("variance", "moment", lambda p: p["y"].var(ddof=1),
              lambda d, s: moments.covariance(d, s["y"], s["y"])),
    Statistic("correlation", "moment", lambda p: np.corrcoef(p["y"], p["hours"])[0, 1],
              lambda d, s: moments.correlation(d, s["y"], s["hours"])),
    Statistic("rows of a table", "share", true_rows, rows_of_table, "logit"),
    Statistic("cells of a table", "share",
              lambda p: np.bincount(p["sex"] * 2 + p["common"].astype(int)) / len(p["sex"]),
              cells_of_table, "logit"),
    Statistic("standardised rate", "mean", lambda p: STANDARD @ in_groups(p, "common", "age", 3),
              lambda d, s: standardised.standardise(d, s["common"], s["age"], STANDARD)[0]),
    Statistic("poverty rate, fixed line", "share", lambda p: (p["income"] < LINE).mean(),
              lambda d, s: engine.mean(d, poverty.shortfall(s["income"], LINE, 0)), "logit"),
    Statistic("poverty gap, fixed line", "poverty", lambda p: poverty.shortfall(p["income"], LINE, 1).mean(),
              lambda d, s: engine.mean(d, poverty.shortfall(s["income"], LINE, 1))),
    Statistic("rate below 0.6 median", "poverty",
              lambda p: (p["income"] < 0.6 * np.median(p["income"])).mean(), below_60_of_median),
    Statistic("Gini and S80/S20", "inequality", true_gini,
              lambda d, s: functional(d, [s["income"]], unequal_incomes, size=2)),
)  # fmt: skip

DEPRIVATIONS = np.array([0.5, 0.25, 0.25])


def alkire_foster(d: Design, s: Columns) -> Linearized:
    return poverty.alkire_foster(
        d, s["deprived"], DEPRIVATIONS, 0.5, domain=None, n_domains=1, mask=None
    )


def true_alkire_foster(p: Columns) -> np.ndarray:
    score = p["deprived"] @ DEPRIVATIONS
    poor = score >= 0.5
    return np.array([poor.mean(), score[poor].mean(), (score * poor).mean()])


def median_gap(d: Design, s: Columns) -> Linearized:
    medians = functional(
        d, [s["income"]], lambda w, y: poverty.quantile(w, y, 0.5), domain=s["sex"], n_domains=2
    )
    return poverty.relative_gap(medians, 0)


def between_deciles(d: Design, s: Columns) -> Linearized:
    ordered = quantiles.order(d, s["income"], ties=False)
    return engine.stack(*(
        quantiles.quantile(d, s["income"], ordered, p, rule="school", interval="woodruff", level=0.95).result
        for p in (0.1, 0.9)
    ))  # fmt: skip


MORE: tuple[Statistic, ...] = (
    Statistic("first quartile", "quantile", lambda p: np.quantile(p["y"], 0.25), quantile_of("y", 0.25)),
    Statistic("ninth decile less first", "quantile",
              lambda p: np.diff(np.quantile(p["income"], [0.1, 0.9])), between_deciles, contrast=(-1, 1)),
    Statistic("poverty severity, fixed line", "poverty", lambda p: poverty.shortfall(p["income"], LINE, 2).mean(),
              lambda d, s: engine.mean(d, poverty.shortfall(s["income"], LINE, 2))),
    Statistic("Alkire–Foster H, A and M0", "poverty", true_alkire_foster, alkire_foster),
    Statistic("gap below half the mean", "poverty",
              lambda p: poverty.shortfall(p["income"], 0.5 * p["income"].mean(), 1).mean(), below_half_of_mean),
    Statistic("Lorenz curve at 0.4 and 0.9", "inequality",
              lambda p: np.array([true_lorenz(p, 0.4), true_lorenz(p, 0.9)]),
              lambda d, s: functional(d, [s["income"]], lambda w, y: inequality.lorenz(w, y, np.array([0.4, 0.9])), size=2)),
    Statistic("gap of means", "contrast",
              lambda p: 1 - in_groups(p, "income", "sex", 2)[1] / in_groups(p, "income", "sex", 2)[0],
              lambda d, s: poverty.relative_gap(engine.mean(d, s["income"], domain=s["sex"], n_domains=2), 0)),
    Statistic("gap of medians", "quantile",
              lambda p: 1 - np.median(p["income"][p["sex"] == 1]) / np.median(p["income"][p["sex"] == 0]), median_gap),
)  # fmt: skip
"""Tried in one design, linearised."""


LINEARISED_ONLY = (
    *(f"share near 0.1, {method}" for method in METHODS if method != "logit"),
    "median, log odds", "ninth decile of income", "ninth decile of income, log odds", "cells of a table", "poverty gap, fixed line",
)  # fmt: skip
"""Differ from others only in the interval or the column: replicates have nothing to add."""

@cache
def across(column: str, share: float | None = None) -> Callable[[Design, Columns], Linearized]:
    """The mean (or a quantile) of a column in each of two waves."""

    def answer(d: Design, s: Columns) -> Linearized:
        waves = {"domain": s["wave"], "n_domains": 2}
        if share is None:
            return engine.mean(d, s[column], **waves)
        ordered = quantiles.order(d, s[column], ties=False, **waves)
        return quantiles.quantile(
            d, s[column], ordered, share, rule="school", interval="woodruff", level=0.95, **waves
        ).result

    return answer


def in_waves(d: Design, s: Columns, of: Callable[..., Linearized], *columns: str) -> Linearized:
    return of(d, *(s[c] for c in columns), domain=s["wave"], n_domains=2)


def later_over_earlier(d: Design, s: Columns) -> Linearized:
    both = across("pooled")(d, s)
    first, second = both.estimate
    return engine.transform(both, [second / first], [[-second / first**2, 1 / first]])


CHANGES: tuple[Statistic, ...] = (
    Statistic("mean by wave", "mean", lambda p: np.array([p["y"].mean(), p["y_later"].mean()]), across("pooled")),
    Statistic("change in the mean", "contrast", lambda p: p["y_later"].mean() - p["y"].mean(),
              across("pooled"), contrast=(-1, 1)),
    Statistic("relative change in the mean", "contrast", lambda p: p["y_later"].mean() / p["y"].mean(),
              later_over_earlier, "log"),
    Statistic("change in the total", "contrast", lambda p: p["y_later"].sum() - p["y"].sum(),
              lambda d, s: in_waves(d, s, engine.total, "pooled"), contrast=(-1, 1)),
    Statistic("change in the ratio", "contrast", lambda p: (p["y_later"].sum() - p["y"].sum()) / p["x"].sum(),
              lambda d, s: in_waves(d, s, engine.ratio, "pooled", "x"), contrast=(-1, 1)),
    Statistic("change in a share", "contrast", lambda p: 0.0, across("common"), contrast=(-1, 1)),
    Statistic("change in the median", "quantile", lambda p: np.median(p["y_later"]) - np.median(p["y"]),
              across("pooled", 0.5), contrast=(-1, 1)),
    Statistic("change among women in two regions", "contrast",
              lambda p: women_of_the_north(p, "y_later") - women_of_the_north(p, "y"),
              lambda d, s: engine.mean(d, s["pooled"], domain=s["wave"], n_domains=2,
                                       mask=(s["sex"] == 1) & (s["region"] > 1)), contrast=(-1, 1)),
)  # fmt: skip


def women_of_the_north(p: Columns, column: str) -> float:
    return p[column][(p["sex"] == 1) & (p["region"] > 1)].mean()
