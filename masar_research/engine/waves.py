"""PSUs kept from wave to wave: which pairs of units share their place in the sample."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from masar_research.engine.encode import Codes, listing, name
from masar_research.engine.groups import Groups, dense, first_value
from masar_research.errors import DesignError

# Population counts of a stratum in two waves are one frame if they agree to this.
_ONE_FRAME = 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class Overlap:
    """PSUs common to two waves, in base strata with at least two of them.

    Parameters
    ----------
    first, second : ndarray (k,)
        Unit of the earlier and of the later wave.
    strata : Groups
        The k pairs by base stratum; pairs are ordered by stratum.
    factor : ndarray (n_strata,)
        ``m / (m − 1) (1 − n_a n_b / (m N))`` with m common PSUs, n_a and n_b sampled in the two
        waves, of N in the population (infinity: with replacement).
    """

    first: Codes
    second: Codes
    strata: Groups
    factor: NDArray[np.float64]


def overlapping(
    wave: Codes, stratum: Codes, psu: Codes, group: Codes | None, labels: tuple[Any, ...],
    size: NDArray[np.float64], population: NDArray[np.float64], named: Callable[[int], str],
) -> tuple[tuple[Overlap, ...], dict[str, int], int]:  # fmt: skip
    """Pairs of units of two waves that are the same PSU; arguments per unit, shape (n_units,).

    `size` and `population` are those of the unit's stratum in its wave; `named` gives the name of a
    base stratum.
    """
    overlaps, common, single = [], {}, 0
    for a in range(len(labels)):
        for b in range(a + 1, len(labels)):
            first, second = np.flatnonzero(wave == a), np.flatnonzero(wave == b)
            shared, i, j = np.intersect1d(psu[first], psu[second], return_indices=True)
            first, second = first[i], second[j]
            common[f"{name(labels[a])}–{name(labels[b])}"] = len(shared)
            where = stratum[first]
            _one_frame(population[first], population[second], where, labels[a], labels[b], named)
            if group is not None and len(where):
                lonely = (np.bincount(where) == 1)[where]
                cell = group[first]
                touched = np.bincount(cell, lonely) > 0
                where = np.where(touched[cell], cell, stratum.max() + 1 + where)
            if len(where):
                several = np.bincount(where)[where] >= 2
                single += int(np.sum(~several))
                first, second, where = first[several], second[several], where[several]
            if len(where):
                order = np.argsort(where, kind="stable")
                first, second, where = first[order], second[order], dense(where[order])
                factor = _factor(where, stratum[first], size[first], size[second], population[first])
                overlaps.append(Overlap(first, second, Groups.of(where), factor))
    return tuple(overlaps), common, single


def _factor(
    where: Codes, stratum: Codes, first: NDArray[np.float64], second: NDArray[np.float64],
    population: NDArray[np.float64],
) -> NDArray[np.float64]:  # fmt: skip
    """(n_groups,) of the pairs (k,): what `Overlap.factor` says, base strata of a group taken together."""
    common = np.bincount(where).astype(float)
    base = dense(stratum)
    n_base = int(base.max()) + 1
    of_base = first_value(where, base, n_base)
    n_a, n_b, total = (
        np.bincount(of_base, first_value(values, base, n_base), len(common))
        for values in (first, second, population)
    )
    return common / (common - 1) * (1 - n_a * n_b / (common * total))


def _one_frame(
    first: NDArray[np.float64], second: NDArray[np.float64], stratum: Codes, a: object, b: object,
    named: Callable[[int], str],
) -> None:  # fmt: skip
    """Waves that share PSUs were drawn from one population of PSUs, or their covariance is unknown."""
    finite = np.isfinite(first) | np.isfinite(second)
    differ = finite & ~np.isclose(first, second, rtol=_ONE_FRAME)
    if differ.any():
        found = [named(i) for i in np.unique(stratum[differ]).tolist()]
        raise DesignError(
            f"Waves {name(a)} and {name(b)} share PSUs in strata for which fpc says different "
            f"populations: {listing(found)}. The covariance between them is known for one frame.",
            remedy="Give the count of PSUs in the common frame as fpc of both waves, or leave fpc= out "
            "(slightly conservative).",
            ar=f"تشترك الجولتان {name(a)} و{name(b)} في وحدات معاينة من طبقات يختلف فيها عدد الوحدات في المجتمع: "
            f"{listing(found)}. أعطِ عدد وحدات الإطار المشترك للجولتين، أو اترك fpc.",
        )


def linked(stratum: Codes, n_strata: int, overlaps: tuple[Overlap, ...]) -> Codes:
    """(n_strata,) component of each variance stratum, waves joined where they share PSUs."""
    if not overlaps:
        return np.arange(n_strata, dtype=np.intp)
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    i = np.concatenate([stratum[o.first] for o in overlaps])
    j = np.concatenate([stratum[o.second] for o in overlaps])
    graph = coo_array((np.ones(len(i)), (i, j)), shape=(n_strata, n_strata))
    return connected_components(graph, directed=False)[1].astype(np.intp)
