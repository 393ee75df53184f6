"""Is a figure steady enough to be shown? One answer per cell, by the rule of its kind."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from masar_research.errors import ReleaseError
from masar_research.release.profiles import Profile
from masar_research.release.profiles import profile as find_profile
from masar_research.release.rules import Numbers, judge, korn_graubard

NEEDED = ("kind", "estimate", "std_error", "n", "n_eff", "df")
REVIEW = frozenset({"review_df", "review_extreme"})


@dataclass(frozen=True, slots=True)
class Approval:
    """A named person's decision to release a figure under review.

    Attributes
    ----------
    address : str
        The cell's address.
    who, why : str
        Printed in the office's ledger; neither may be empty.
    """

    address: str
    who: str
    why: str

    def __post_init__(self) -> None:
        for name in ("address", "who", "why"):
            if not getattr(self, name).strip():
                raise ReleaseError(
                    f"An approval has an empty {name!r}.",
                    remedy="Say which cell is released, who answers for it, and why.",
                    ar="الموافقة على النشر تحتاج إلى عنوان الخلية واسم المسؤول والسبب.",
                )


def assess(
    cells: pd.DataFrame,
    profile: str | Profile = "nchs",
    approved: Iterable[Approval] = (),
) -> pd.DataFrame:
    """Judge each cell's reliability by the profile's rule for its kind.

    Parameters
    ----------
    cells : DataFrame, m rows
        Columns ``kind, estimate, std_error, n, n_eff, df``; proportions as fractions;
        optionally ``count_min`` (smallest unweighted class count) and ``address``.
    profile : str or Profile
        ``nchs`` (default), ``statcan``, ``dhs``, ``strict_ngo``.
    approved : iterable of Approval
        Releases of cells under review (matched by ``address``, or by the index without one).

    Returns
    -------
    DataFrame
        The same index: ``status`` (show, flag, suppress), ``reason`` (code, empty when shown),
        ``note_code`` (code of the footnote, or empty), ``kg_low``, ``kg_high`` (Korn–Graubard
        95 % limits of proportions, NaN elsewhere).

    Notes
    -----
    What the standards call *review* is suppressed unless a named person approved it. A cell
    without degrees of freedom has no interval and is suppressed under every profile.
    Differences are never judged by their own error: here they carry ``sides_unknown``, and
    `decide` replaces that by the answer for their sides.

    Examples
    --------
    >>> cell = pd.DataFrame({"kind": ["proportion"], "estimate": [0.2], "std_error": [0.02],
    ...                      "n": [800], "n_eff": [400.0], "df": [60]})
    >>> assess(cell)["status"].tolist()
    ['show']
    """
    chosen = find_profile(profile)
    _require(cells)
    reasons, notes = np.full(len(cells), "sides_unknown", object), np.full(len(cells), "", object)
    low, high = np.full(len(cells), np.nan), np.full(len(cells), np.nan)
    kinds = cells["kind"].to_numpy(object)
    for kind in dict.fromkeys(kinds):
        rows = np.flatnonzero(kinds == kind)
        verdict = _verdict(chosen, _numbers(cells.iloc[rows], kind))
        reasons[rows], notes[rows], low[rows], high[rows] = verdict
    names = cells["address"] if "address" in cells.columns else cells.index
    released = {approval.address for approval in approved}
    may = np.array([reason in REVIEW for reason in reasons], dtype=bool)
    let_out = may & np.array([str(name) in released for name in names], dtype=bool)
    reasons[let_out] = ""
    notes[let_out] = "approved"
    statuses = _statuses(reasons, notes)
    notes[statuses == "suppress"] = ""
    return pd.DataFrame(
        {"status": statuses, "reason": reasons, "note_code": notes, "kg_low": low, "kg_high": high},
        index=cells.index,
    )


def status(
    kind: str, statistics: Mapping[str, np.ndarray], profile: str | Profile = "nchs"
) -> np.ndarray:
    """The ``status`` column of `assess` for cells of one kind, from arrays.

    Parameters
    ----------
    kind : str
    statistics : mapping of (m,) arrays
        ``estimate, std_error, n, n_eff, df``.
    profile : str or Profile

    Returns
    -------
    ndarray of str (m,)

    Examples
    --------
    >>> cell = {"estimate": [0.2], "std_error": [0.02], "n": [800], "n_eff": [400.0], "df": [60]}
    >>> status("proportion", {name: np.array(value, float) for name, value in cell.items()}).tolist()
    ['show']
    """
    named = {name: np.asarray(statistics[name], dtype=float) for name in NEEDED if name != "kind"}
    unknown = np.full(len(named["n"]), np.nan)
    numbers = Numbers(kind=kind, count=unknown, **named)
    reasons, notes, _, _ = _verdict(find_profile(profile), numbers)
    return _statuses(reasons, notes)


def _verdict(
    chosen: Profile, numbers: Numbers
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Reason and note codes, and the Korn–Graubard limits, of cells of one kind."""
    size = len(numbers.n)
    low, high = np.full(size, np.nan), np.full(size, np.nan)
    rule = chosen.rule(numbers.kind)
    if rule is None:
        return np.full(size, "sides_unknown", object), np.full(size, "", object), low, high
    if numbers.kind == "proportion":
        low, high, _ = korn_graubard(numbers)
    reasons, notes = judge(rule, numbers, low, high, numbers.kind in chosen.zero_means_none)
    return reasons, notes, low, high


def _statuses(reasons: np.ndarray, notes: np.ndarray) -> np.ndarray:
    return np.where(reasons != "", "suppress", np.where(notes != "", "flag", "show")).astype(object)


def _require(cells: pd.DataFrame) -> None:
    lacking = [name for name in NEEDED if name not in cells.columns]
    if lacking:
        raise ReleaseError(
            f"The release gate needs the columns {', '.join(NEEDED)}; {', '.join(lacking)} "
            "is not there.",
            remedy="Pass the frame of an Estimates, with its kind as a column.",
        )


def _numbers(part: pd.DataFrame, kind: str) -> Numbers:
    def column(name: str) -> np.ndarray:
        return pd.to_numeric(part[name], errors="coerce").to_numpy(dtype=float)

    count = column("count_min") if "count_min" in part.columns else np.full(len(part), np.nan)
    named = {name: column(name) for name in NEEDED if name != "kind"}
    return Numbers(kind=kind, count=count, **named)
