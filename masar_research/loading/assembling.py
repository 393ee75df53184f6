"""A frame around one block of numbers that is not copied again."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

# pandas keeps each inserted column apart, and complains from a hundred on.
FEW = 90


def frame_of(names: Sequence[str], numbers: np.ndarray, others: Mapping[str, pd.Series]) -> pd.DataFrame:
    """A frame of numbers and other columns.

    Parameters
    ----------
    names : sequence of str
        All columns in their order.
    numbers : ndarray of float64, shape (k, n)
        The columns that are not in `others`, in the order of `names`, one a row; the frame keeps this memory.
    others : mapping of Series
        The columns of text and dates.

    Returns
    -------
    pandas.DataFrame, shape (n, k + len(others))

    Examples
    --------
    >>> frame_of(["a", "t"], np.array([[1.0, 2.0]]), {"t": pd.Series(["x", "y"])}).to_dict("list")
    {'a': [1.0, 2.0], 't': ['x', 'y']}
    """
    plain = [name for name in names if name not in others]
    frame = pd.DataFrame(numbers.T, columns=pd.Index(plain, dtype="str"), copy=False)
    if len(others) > FEW:
        return pd.concat([frame, pd.DataFrame(dict(others))], axis=1)[list(names)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", pd.errors.PerformanceWarning)
        for place, name in enumerate(names):
            if name in others:
                frame.insert(place, name, others[name])
    return frame
