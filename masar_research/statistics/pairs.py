"""All differences within a column, with p-values adjusted for their number."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations
from types import MappingProxyType
from typing import Any

import numpy as np

from masar_research import showing
from masar_research.engine import multiplicity
from masar_research.errors import EstimationError
from masar_research.estimates import Estimates, contrast_head

_WORDS = {
    "holm": {
        "en": "p adjusted by Holm's method for {m} comparisons",
        "ar": "القيم الاحتمالية معدَّلة بطريقة هولم، وعدد المقارنات {m}",
    },
    "bh": {
        "en": "p adjusted by the Benjamini–Hochberg method for {m} comparisons",
        "ar": "القيم الاحتمالية معدَّلة بطريقة بنجاميني وهوخبرغ، وعدد المقارنات {m}",
    },
    "none": {
        "en": "p not adjusted for {m} comparisons",
        "ar": "القيم الاحتمالية غير معدَّلة لتعدد المقارنات، وعددها {m}",
    },
}


def pairwise(estimates: Estimates, over: str | None = None, adjust: str = "holm") -> Estimates:
    """Every difference between two codes of a column, with the full covariance.

    Parameters
    ----------
    estimates : Estimates
    over : str, optional
        The domain column compared; needed when there are several. Differences are formed within
        each cell of the remaining columns, the later code minus the earlier.
    adjust : {"holm", "bh", "none"}
        All rows of the answer are one family of comparisons.

    Returns
    -------
    Estimates
        kind ``"difference"``; ``p_value`` of each comparison alone and ``p_adjusted``. Intervals
        are those of each comparison alone.

    Raises
    ------
    EstimationError
        Fewer than two codes; an unknown adjustment.

    Examples
    --------
    >>> import pandas as pd, masar_research as mr
    >>> frame = pd.DataFrame({"w": [1.0, 2.0] * 30, "p": range(60), "sex": [1, 1, 2] * 20,
    ...                       "works": [1, 1, 0, 1, 0, 1] * 10, "wave": [2024] * 30 + [2026] * 30})
    >>> survey = mr.Survey(frame, weights="w", psu="p")
    >>> pairs = survey.proportion("works", by=["sex", "wave"]).pairwise(over="sex")
    >>> pairs.frame[["contrast", "wave", "estimate"]].round(2).values.tolist()
    [['2 - 1', 2024, -0.17], ['2 - 1', 2026, -0.17]]
    """
    over = estimates._over(over)
    codes = estimates._codes(over)
    if len(codes) < 2:
        raise EstimationError(
            f"Expected two codes of {over!r} or more to compare; found {codes}.",
            remedy="Estimate by a column with several codes.",
        )
    rows, labels, names = [], [], []
    keys = kept(estimates, over)
    for key, at in cells(estimates, over):
        for first, second in combinations([code for code in codes if code in at], 2):
            row = np.zeros(len(estimates))
            row[at[second]], row[at[first]] = 1.0, -1.0
            rows.append(row)
            labels.append(key)
            names.append(f"{second} - {first}")
    head = contrast_head(names, labels, keys)
    by = tuple(name for name in keys if name in estimates.by)
    out = estimates._combined(np.vstack(rows), head, by=by, what=f"all pairs of {over}")
    adjusted = multiplicity.adjust(out.frame["p_value"].to_numpy(float), adjust)
    count = int(np.isfinite(adjusted).sum())
    reading = {lang: (text.format(m=count),) for lang, text in _WORDS[adjust].items()}
    note = {
        **out.note, "adjust": adjust, "comparisons": count, "reading": reading,
        "contrast_labels": contrast_labels(estimates, over, codes),
    }  # fmt: skip
    return replace(
        out, frame=out.frame.assign(p_adjusted=adjusted), note=MappingProxyType(note)
    )


def kept(estimates: Estimates, over: str) -> list[str]:
    """The columns besides `over` that tell rows apart."""
    named = [name for name in (*estimates.by, "variable", "category") if name != over]
    return [name for name in named if name in estimates.frame.columns]


def cells(estimates: Estimates, over: str) -> Iterator[tuple[Any, dict[Any, int]]]:
    """Each cell of the remaining columns: its key, and the row number of every code of `over`."""
    yield from estimates._cells(over, kept(estimates, over))


def code_label(estimates: Estimates, over: str, code: Any, lang: str) -> str:
    """The label of a code of a domain column; the code itself where there is none."""
    return showing.label(estimates, over, code, lang)


def contrast_labels(
    estimates: Estimates, over: str, codes: list[Any]
) -> dict[str, dict[str, str]]:
    """The labels of each pair, for tables: ``{"2 - 1": {"en": "Women − Men", "ar": …}}``."""
    return {
        f"{second} - {first}": {
            lang: " − ".join(code_label(estimates, over, code, lang) for code in (second, first))
            for lang in ("en", "ar")
        }
        for first, second in combinations(codes, 2)
    }
