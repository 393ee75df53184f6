"""Who borders on whom, as weights that sum to one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd

from masar_research.errors import EstimationError
from masar_research.places.small_areas_data import names

Neighbours = Mapping[object, Iterable[object]] | pd.DataFrame


def contiguity(shapes: pd.DataFrame, code: str = "code") -> dict[object, tuple[object, ...]]:
    """Areas that share a border or a corner.

    Parameters
    ----------
    shapes : GeoDataFrame
        One polygon per area.
    code : str
        The column that names it.

    Returns
    -------
    dict
        Area → its neighbours, in the order of the table.

    Examples
    --------
    >>> from masar_research import places
    >>> contiguity(places.tile_grid())[34]
    (32, 33)
    """
    codes = shapes[code].tolist()
    left, right = shapes.geometry.sindex.query(shapes.geometry, predicate="intersects")
    found: dict[object, list[int]] = {each: [] for each in codes}
    for one, other in zip(left.tolist(), right.tolist(), strict=True):
        if one != other:
            found[codes[one]].append(other)
    return {area: tuple(codes[at] for at in sorted(near)) for area, near in found.items()}


def weights_of(neighbours: Neighbours, codes: np.ndarray) -> np.ndarray:
    """(k, k) weights of the neighbours of every area, rows summing to one (zero for an island).

    Raises
    ------
    EstimationError
        An area that is not there, one that is its own neighbour, or no neighbours at all.
    """
    if isinstance(neighbours, pd.DataFrame):
        neighbours = _listed(neighbours)
    place = {code: at for at, code in enumerate(codes)}
    lacking = [code for code in codes if code not in neighbours]
    if lacking:
        raise EstimationError(
            f"neighbours= does not name {names(lacking)}.",
            remedy="Give every area its neighbours; an island has an empty list.",
            ar=f"لا تُذكر هذه المناطق في neighbours=: {names(lacking)}.",
        )
    w = np.zeros((len(codes), len(codes)))
    for code in codes:
        for other in neighbours[code]:
            if other not in place or other == code:
                raise EstimationError(
                    f"{other!r} cannot be a neighbour of {code!r}: it is {'the area itself' if other == code else 'no area of the model'}.",
                    remedy="Name other areas of the covariates only.",
                    ar=f"«{other}» لا يصح جاراً للمنطقة «{code}».",
                )
            w[place[code], place[other]] = 1.0
    total = w.sum(axis=1, keepdims=True)
    if not total.any():
        raise EstimationError(
            "No area has a neighbour.",
            remedy="Pass neighbours=contiguity(shapes), or leave neighbours= out.",
            ar="لا توجد لأي منطقة مناطق مجاورة.",
        )
    return w / np.where(total > 0, total, 1.0)


def _listed(table: pd.DataFrame) -> Mapping[object, Iterable[object]]:
    if "geometry" in table.columns:
        return contiguity(table)
    if list(table.index) != list(table.columns):
        raise EstimationError(
            "A table of neighbours has the same areas as rows and columns, in the same order.",
            remedy="Pass DataFrame(matrix, index=codes, columns=codes), or a mapping area → neighbours.",
            ar="جدول الجوار يلزم أن تتطابق صفوفه وأعمدته.",
        )
    return {row: [column for column in table.columns if table.at[row, column]] for row in table.index}
