"""The release gate over one table of estimates: what its table, chart and map may show."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from masar_research import release

if TYPE_CHECKING:
    from masar_research.estimates import Estimates

LEAST = release.LEAST_CASES


def decisions(estimates: Estimates, profile: str = "nchs") -> pd.DataFrame:
    """Status and reason of every row: reliability, then confidentiality within the table.

    Parameters
    ----------
    estimates : Estimates, m rows
    profile : str

    Returns
    -------
    DataFrame (m,)
        ``status``, ``reason`` and ``note_code`` as `release.decide` gives them. A class with
        fewer than five interviews is withheld, and another category of the same domain with
        it where the shares that add up to 100 % would give it away. A difference follows its
        sides.

    Notes
    -----
    Only what stands in the table is seen: what other tables and earlier releases give away is
    judged over a whole brief (`masar_research.briefs.gate`).

    Examples
    --------
    >>> decisions(survey.proportion("status", by="region"))["status"]     # doctest: +SKIP
    """
    frame = estimates.frame
    if estimates.kind == "difference":
        return _of_difference(estimates, profile)
    cells = frame.assign(
        kind=estimates.kind, address=[str(row) for row in range(len(frame))], count_min=smallest(frame)
    )
    return release.decide(cells, profile, tables=_whole(estimates))


def smallest(frame: pd.DataFrame) -> np.ndarray:
    """(m,) interviews in the smaller of the class counted and the rest of its base; NaN without classes."""
    if "count" not in frame.columns:
        return np.full(len(frame), np.nan)
    count, n = (pd.to_numeric(frame[name]).to_numpy(float) for name in ("count", "n"))
    return np.minimum(count, n - count)


def withheld(estimates: Estimates) -> np.ndarray:
    """(m,) bool: rows withheld for confidentiality, whatever their reliability."""
    rows = np.zeros(len(estimates), dtype=bool)
    if estimates.kind == "difference":
        rows[list(estimates.note.get("withheld", ()))] = True
        return rows
    n = estimates.frame["n"].to_numpy(float)
    least = np.fmin(n, smallest(estimates.frame))
    if not ((n > 0) & (least < LEAST)).any():
        return rows
    return decisions(estimates)["reason"].isin(("disclosure", "complementary")).to_numpy()


def _of_difference(estimates: Estimates, profile: str) -> pd.DataFrame:
    judged = release.assess(estimates.frame.assign(kind=estimates.kind), profile=profile)
    weak = estimates.frame["reliability"].to_numpy(object)
    judged["status"] = np.where(withheld(estimates), "suppress", weak)
    judged["reason"] = np.where(judged["status"] == "suppress", "sides", "")
    if str(estimates.note.get("of", "")).startswith("model_based"):
        judged["note_code"] = np.where(judged["status"] == "suppress", "", "model_based")
    return judged


def _whole(estimates: Estimates) -> Iterator[release.Table]:
    """All categories of one variable in one domain: together they are everybody."""
    if estimates.kind != "proportion":
        return
    groups: dict[tuple[Any, ...], list[str]] = defaultdict(list)
    columns = [estimates.frame[name].tolist() for name in ("variable", *estimates.by)]
    for row, key in enumerate(zip(*columns, strict=True)):
        groups[key].append(str(row))
    for parts in groups.values():
        if len(parts) > 1:
            yield release.Table(None, tuple(parts))
