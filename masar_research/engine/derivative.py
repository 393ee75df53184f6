"""A statistic without an influence function: its derivative by the weights of each unit.

The unit totals that the variance needs are derivatives of the estimate by a factor on all
weights of a unit (the infinitesimal jackknife); central differences give them for any function
that is smooth in the weights. Calibrated weights ask for the derivative in further directions,
which come the same way. With replicates the statistic itself is computed in each.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from masar_research.engine.cells import Rows, gather, outcome, select
from masar_research.engine.design import Design
from masar_research.engine.functional import domain_rows, replicated
from masar_research.engine.influences import Linearized, finish
from masar_research.errors import EstimationError

Floats = NDArray[np.float64]
Statistic = Callable[..., float]
"""``(weights (r,), *columns (r,)) -> estimate``."""

STEP = 1e-3
_WIDE = 0.5
_CHECKED = 20


def differentiate(
    design: Design, columns: Sequence[ArrayLike], statistic: Statistic, *,
    domain: ArrayLike | None = None, n_domains: int = 1, mask: NDArray[np.bool_] | None = None,
) -> Linearized:  # fmt: skip
    """An estimate per domain and its unit totals, from the estimating function alone.

    ``t_u = (θ(w + h w 1_u) − θ(w − h w 1_u)) / 2h`` with h = 0.001 for every unit u: two
    evaluations per unit and domain.

    Parameters
    ----------
    design, columns, domain, n_domains, mask
        As in :func:`masar_research.engine.functional.functional`.
    statistic : callable
        ``statistic(weights, *columns)`` for the rows of one domain; smooth in the weights.

    Returns
    -------
    Linearized
        m = n_domains. ``srs_variance`` is NaN: rows have no influence of their own here.

    Raises
    ------
    EstimationError
        If the estimate moves in steps, as quantiles do: small and large changes of the weights
        of the heaviest units then disagree.

    References
    ----------
    Efron (1982), *The Jackknife, the Bootstrap and Other Resampling Plans*, ch. 6; Deville (1999).

    Examples
    --------
    >>> from masar_research.engine import covariance, declare
    >>> design = declare([10, 10, 20, 20], strata=[1, 1, 2, 2])
    >>> mean = differentiate(design, [[1.0, 2.0, 3.0, 4.0]], lambda w, y: np.average(y, weights=w))
    >>> round(float(covariance(design, mean.totals)[0, 0] ** 0.5), 6)
    0.372678
    """
    given = tuple(outcome(design, column, "columns") for column in columns)
    rows, filled = select(design, given, domain=domain, n_domains=n_domains, mask=mask)
    places = domain_rows(rows)
    estimate = np.full(n_domains, np.nan)
    for cell, inside in enumerate(places):
        if len(inside):
            estimate[cell] = _value(statistic, rows.weights[inside], filled, inside)

    def derivatives(codes: NDArray[np.integer], n_codes: int, factor: Floats) -> Floats:
        out = np.zeros((n_codes, n_domains))
        for cell, inside in enumerate(places):
            if not np.isfinite(estimate[cell]):
                continue
            weights, part = rows.weights[inside], tuple(column[inside] for column in filled)
            here, push = codes[inside], factor[inside]
            order = np.argsort(here, kind="stable")
            found, starts = np.unique(here[order], return_index=True)
            groups = np.split(order, starts[1:])
            for code, group in zip(found, groups, strict=True):
                if code >= 0:
                    out[code, cell] = _along(statistic, weights, part, group, push[group], STEP)
        return out

    if design.replicates is not None:
        totals = replicated(design, rows, filled, statistic, estimate)
        return _counted(design, rows, estimate, totals)
    ones = np.ones(design.n_rows)
    totals = derivatives(design.unit, design.n_units, ones)
    for cell, inside in enumerate(places):
        if np.isfinite(estimate[cell]):
            part = tuple(column[inside] for column in filled)
            _require_smooth(statistic, rows.weights[inside], part, design.unit[inside], totals[:, cell])
    if design.calibration is not None:
        totals = design.calibration.residualise(totals, derivatives)
    return _counted(design, rows, estimate, totals)


def _counted(design: Design, rows: Rows, estimate: Floats, totals: Floats) -> Linearized:
    totals = np.where(np.isnan(estimate), np.nan, totals)
    cells = gather(design, rows, (None,))
    empty = np.full(rows.n_domains, np.nan)
    weight = cells.sums[0].sum(axis=0)
    counted = finish(design, rows, cells, estimate, weight, empty, lambda sums: sums[0])
    return replace(counted, totals=totals)


def matches(
    design: Design, columns: Sequence[ArrayLike], statistic: Statistic,
    influence: Callable[..., ArrayLike], *,
    domain: ArrayLike | None = None, n_domains: int = 1, mask: NDArray[np.bool_] | None = None,
) -> None:  # fmt: skip
    """Check a stated influence against the derivative by the weights of the heaviest units.

    Raises
    ------
    EstimationError
        If they differ by more than 0.1 % of the largest, naming both.
    """
    given = tuple(outcome(design, column, "columns") for column in columns)
    rows, filled = select(design, given, domain=domain, n_domains=n_domains, mask=mask)
    for inside in domain_rows(rows):
        if not len(inside):
            continue
        weights, part = rows.weights[inside], tuple(column[inside] for column in filled)
        unit = design.unit[inside]
        pull = weights * np.asarray(influence(weights, *part), dtype=float)
        heaviest = _heaviest(unit, weights)
        stated = np.array([pull[unit == u].sum() for u in heaviest])
        groups = [np.flatnonzero(unit == u) for u in heaviest]
        found = np.array([
            _along(statistic, weights, part, group, np.ones(len(group)), STEP) for group in groups
        ])  # fmt: skip
        gap = np.abs(stated - found)
        allowed = 1e-3 * np.abs(found).max() + 1e-9 * np.abs(statistic(weights, *part))
        if not (gap <= allowed).all():
            worst = int(np.nanargmax(np.where(np.isnan(gap), np.inf, gap)))
            raise EstimationError(
                "The influence function contradicts the estimate: for one sampling unit its total "
                f"is {stated[worst]:.6g}, while the estimate responds to the unit's weights with "
                f"{found[worst]:.6g}.",
                remedy="Correct the influence (the derivative of the estimate by the weight of a "
                "row), leave it out to have it taken numerically, or pass check=False for a "
                "statistic with steps.",
                ar="دالة التأثير لا توافق استجابة التقدير للأوزان.",
            )


def _heaviest(unit: NDArray[np.intp], weights: Floats) -> NDArray[np.intp]:
    """Up to twenty units that carry most weight in a domain."""
    units, codes = np.unique(unit, return_inverse=True)
    return units[np.argsort(-np.bincount(codes, weights), kind="stable")[:_CHECKED]]


def _value(
    statistic: Statistic, weights: Floats, columns: tuple[Floats, ...], inside: NDArray[np.intp]
) -> float:
    value = np.asarray(statistic(weights, *(column[inside] for column in columns)))
    if value.shape not in ((), (1,)):
        raise EstimationError(
            f"Expected one number from the statistic; found an array of shape {value.shape}.",
            remedy="Return a single estimate; domains are formed by by=.",
        )
    return float(value.reshape(()))


def _along(
    statistic: Statistic, weights: Floats, columns: tuple[Floats, ...], group: NDArray[np.intp],
    push: Floats, step: float,
) -> float:  # fmt: skip
    """Derivative of the estimate when the weights of some rows move by w × push."""
    scale = np.abs(push).max()
    if scale == 0:
        return 0.0
    moved = weights.copy()
    change = step / scale * push * weights[group]
    moved[group] = weights[group] + change
    up = float(statistic(moved, *columns))
    moved[group] = weights[group] - change
    down = float(statistic(moved, *columns))
    return (up - down) / (2 * step) * scale


def _require_smooth(
    statistic: Statistic, weights: Floats, columns: tuple[Floats, ...],
    unit: NDArray[np.intp], totals: Floats,
) -> None:  # fmt: skip
    """Refuse a statistic whose response to small and to large changes of weight differ.

    Moved are each of the heaviest units, and the rows above each quartile of each column.
    """
    heaviest = _heaviest(unit, weights)
    units = [np.flatnonzero(unit == u) for u in heaviest]
    parts = [
        np.flatnonzero(column > np.quantile(column, p))
        for column in columns for p in (0.25, 0.5, 0.75)
    ]  # fmt: skip
    parts = [part for part in parts if len(part)]

    def along(groups: list[NDArray[np.intp]], step: float) -> Floats:
        ones = (np.ones(len(group)) for group in groups)
        return np.array([
            _along(statistic, weights, columns, group, push, step)
            for group, push in zip(groups, ones, strict=True)
        ])  # fmt: skip

    pairs = ((totals[heaviest], along(units, _WIDE)), (along(parts, STEP), along(parts, _WIDE / 2)))
    for small, large in pairs:
        gap, size = np.sqrt(np.sum((large - small) ** 2)), np.sqrt(np.sum(large**2))
        if gap <= 0.25 * size + 1e-9 * np.abs(statistic(weights, *columns)):
            continue
        raise EstimationError(
            "The statistic does not respond smoothly to the weights: small and large changes "
            "of weight disagree.",
            remedy="Give its influence function (influence=...); quantiles and statistics built "
            "on an estimated line need one.",
            ar="الإحصاءة لا تستجيب للأوزان استجابة متصلة؛ زوّد دالة التأثير الخاصة بها.",
        )
