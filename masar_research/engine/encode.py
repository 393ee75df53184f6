"""Labels of any kind to dense integer codes, in an order that never depends on hashing."""

from __future__ import annotations

from numbers import Number
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from masar_research.errors import DesignError

Codes = NDArray[np.intp]

# A table of codes replaces a sort when whole-number labels span no more than this many values.
_SPAN = 4_000_000


def encode(
    labels: ArrayLike, what: str, n_rows: int, rows: ArrayLike | None = None
) -> tuple[Codes, tuple[Any, ...]]:
    """Give each distinct label a code 0, 1, … in sorted order.

    Labels are compared as they are: the text "122.10" is not the number 122.1, and the text "1"
    is not the number 1 (numbers sort before text).

    Parameters
    ----------
    labels : array_like, shape (n_rows,)
        Numbers, text or a mixture. Missing values (None, NaN, NaT) are refused.
    what : str
        What the labels are, for the message ("strata").
    n_rows : int
        Expected length.
    rows : array_like, shape (n_rows,), optional
        Names of the rows for messages; by default their positions, counted from 0.

    Returns
    -------
    codes : ndarray of intp, shape (n_rows,)
    levels : tuple
        The label of each code.

    Raises
    ------
    DesignError
        If the length differs or a label is missing.

    Examples
    --------
    >>> codes, levels = encode(["b", "a", "b"], "strata", 3)
    >>> codes.tolist(), levels
    ([1, 0, 1], ('a', 'b'))
    """
    values = np.asarray(labels)
    if values.ndim != 1 or len(values) != n_rows:
        raise DesignError(
            f"Expected one label per row for {what}: {n_rows} rows, found an array of shape {values.shape}.",
            remedy=f"Pass {what} as one column of the same frame as the weights.",
        )
    if values.dtype.kind in "iub":
        return _whole(values.astype(np.int64, copy=False))
    if values.dtype.kind == "f":
        _refuse_missing(np.isnan(values), what, rows)
        if (
            n_rows
            and np.all(np.isfinite(values))
            and np.all(values == np.rint(values))
            and np.abs(values).max() < 2**53
        ):
            codes, levels = _whole(values.astype(np.int64))
            return codes, levels
        levels, codes = np.unique(values, return_inverse=True)
        return codes.astype(np.intp, copy=False), tuple(levels.tolist())
    if values.dtype.kind in "US":
        levels, codes = np.unique(values, return_inverse=True)
        return codes.astype(np.intp, copy=False), tuple(levels.tolist())
    if values.dtype.kind in "mM":
        _refuse_missing(np.isnat(values), what, rows)
        levels, codes = np.unique(values, return_inverse=True)
        return codes.astype(np.intp, copy=False), tuple(levels.tolist())
    return _objects(values, what, rows)


def combine(*parts: Codes) -> tuple[Codes, tuple[Codes, ...]]:
    """Code the combinations of several codes that occur, sorted by the first, then the second, …

    Returns
    -------
    codes : ndarray of intp, shape (n,)
    levels : tuple of ndarray, each of shape (n_combinations,)
        The code of each part in each combination.
    """
    codes, levels = _dense(parts[0].astype(np.int64))
    chosen = [levels.astype(np.intp)]
    for part in parts[1:]:
        width = int(part.max(initial=0)) + 1
        codes, joint = _dense(codes.astype(np.int64) * width + part)
        chosen = [level[joint // width] for level in chosen] + [(joint % width).astype(np.intp)]
    return codes, tuple(chosen)


def name(label: object) -> str:
    """A label as a person would write it: 3.0 is "3", text stays text."""
    if isinstance(label, float) and label.is_integer():
        return str(int(label))
    return str(label)


def listing(labels: list[str], most: int = 8) -> str:
    """The first labels of a list, with the number of those left out."""
    shown = ", ".join(labels[:most])
    return shown if len(labels) <= most else f"{shown} and {len(labels) - most} more"


def row_names(where: NDArray[np.bool_], rows: ArrayLike | None) -> str:
    """The rows at which a condition holds, for a message."""
    positions = np.flatnonzero(where)
    names = positions if rows is None else np.asarray(rows)[positions]
    return listing([name(x) for x in names[:8].tolist()] + [""] * max(0, len(names) - 8))


def _dense(values: NDArray[np.int64]) -> tuple[Codes, NDArray[np.int64]]:
    """Dense codes and sorted levels of whole numbers, without a sort where the span is small."""
    if len(values) == 0:
        return values.astype(np.intp), values
    low = int(values.min())
    span = int(values.max()) - low + 1
    if span <= max(_SPAN, 2 * len(values)):
        shifted = values - low
        seen = np.bincount(shifted, minlength=span) > 0
        levels = np.flatnonzero(seen)
        table = np.cumsum(seen, dtype=np.intp) - 1
        return table[shifted], levels.astype(np.int64) + low
    levels, codes = np.unique(values, return_inverse=True)
    return codes.astype(np.intp, copy=False), levels


def _whole(values: NDArray[np.int64]) -> tuple[Codes, tuple[Any, ...]]:
    codes, levels = _dense(values)
    return codes, tuple(levels.tolist())


def _objects(
    values: NDArray[Any], what: str, rows: ArrayLike | None
) -> tuple[Codes, tuple[Any, ...]]:
    seen: dict[object, int] = {}
    listed = values.tolist()
    found = np.fromiter(
        (seen.setdefault(x, len(seen)) for x in listed), dtype=np.intp, count=len(listed)
    )
    missing = np.array([_is_missing(x) for x in seen], dtype=bool)
    if missing.any():
        _refuse_missing(missing[found], what, rows)
    labels = list(seen)
    order = sorted(range(len(labels)), key=lambda i: _sort_key(labels[i]))
    rank = np.empty(len(labels), dtype=np.intp)
    rank[order] = np.arange(len(labels))
    return rank[found], tuple(labels[i] for i in order)


def _is_missing(label: object) -> bool:
    return label is None or type(label).__name__ in ("NAType", "NaTType") or bool(label != label)


def _sort_key(label: object) -> tuple[int, float, str]:
    if isinstance(label, Number) and not isinstance(label, complex):
        return (0, float(label), "")  # type: ignore[arg-type]
    return (1, 0.0, str(label))


def _refuse_missing(missing: NDArray[np.bool_], what: str, rows: ArrayLike | None) -> None:
    if missing.any():
        raise DesignError(
            f"Expected a label in every row for {what}; {int(missing.sum())} are missing "
            f"(rows {row_names(missing, rows)}).",
            remedy=f"Complete {what} in the source file; a row whose place in the sample is unknown "
            "cannot be used.",
        )
