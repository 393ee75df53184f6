"""PSUs kept from wave to wave: which pairs of units share their place in the sample."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from masar_research.engine.encode import Codes, name
from masar_research.engine.groups import Groups, dense


@dataclass(frozen=True, slots=True, eq=False)
class Overlap:
    """PSUs common to two waves, in base strata with at least two of them.

    Parameters
    ----------
    first, second : ndarray (k,)
        Unit of the earlier and of the later wave.
    strata : Groups
        The k pairs by base stratum; pairs are ordered by stratum.
    """

    first: Codes
    second: Codes
    strata: Groups


def overlapping(
    wave: Codes, stratum: Codes, psu: Codes, group: Codes | None, labels: tuple[Any, ...]
) -> tuple[tuple[Overlap, ...], dict[str, int], int]:
    """Pairs of units of two waves that are the same PSU; arguments per unit, shape (n_units,)."""
    overlaps, common, single = [], {}, 0
    for a in range(len(labels)):
        for b in range(a + 1, len(labels)):
            first, second = np.flatnonzero(wave == a), np.flatnonzero(wave == b)
            shared, i, j = np.intersect1d(psu[first], psu[second], return_indices=True)
            first, second = first[i], second[j]
            common[f"{name(labels[a])}–{name(labels[b])}"] = len(shared)
            where = stratum[first]
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
                overlaps.append(
                    Overlap(first[order], second[order], Groups.of(dense(where[order])))
                )
    return tuple(overlaps), common, single


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
