"""The gate: all cells of a brief at once, in the order reliability → disclosure → what follows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd

from masar_research.errors import ReleaseError
from masar_research.release.linked import System, Table
from masar_research.release.profiles import DIFFERENCES, Profile
from masar_research.release.protect import Figures, protect
from masar_research.release.register import DISCLOSURE, Register
from masar_research.release.reliability import REVIEW, Approval, assess
from masar_research.release.wording import MODEL_BASED

LEAST_CASES = 5
CARRIED = ("caution", "chart_only", "approved", "model_based_caution", "model_based")


def decide(
    cells: pd.DataFrame,
    profile: str | Profile = "nchs",
    tables: Iterable[Table | tuple[str | None, Sequence[str]]] = (),
    register: Register | None = None,
    approved: Iterable[Approval] = (),
) -> pd.DataFrame:
    """Decide which cells of a brief may be shown.

    Parameters
    ----------
    cells : DataFrame, m rows
        ``address`` (unique), ``kind, estimate, std_error, n, n_eff, df``; optionally
        ``same_as`` (key of the population quantity; default the address), ``count_min``
        (smallest unweighted class count, NaN where there are no classes), ``count``
        (unweighted count behind the figure, where it is published beside it), ``sides``
        (tuple of two or more addresses, for differences), ``sensitive`` (bool).
    profile : str or Profile
    tables : iterable of Table or (total, parts)
        Linked groups, in addresses; total None where the reader knows it (100 %).
    register : Register, optional
        Earlier releases, in ``same_as`` keys.
    approved : iterable of Approval
        Named releases of cells under review. An approval covers every cell of the same
        figure; disclosure can not be approved away.

    Returns
    -------
    DataFrame
        The same index: ``address, same_as, status, reason, note_code, kg_low, kg_high, sides``.

    Raises
    ------
    ReleaseError
        Addresses that are not unique; an approval that names no cell or one that is not under
        review; a hidden figure that cannot be protected because what would reveal it has been
        published before.

    Notes
    -----
    1. Reliability by the profile (`assess`).
    2. Fewer than five interviews in the base or in a class, and 0 % or 100 % of a sensitive
       item, are suppressed for confidentiality.
    3. A figure hidden in one cell is hidden in every cell with the same ``same_as``.
    4. Complementary suppression, for disclosure only: while the shown figures give a protected
       one away (`linked.derivations`), the smallest shown figure among those that do is
       hidden, parts before totals.
    5. A difference is shown iff all its sides are.

    Examples
    --------
    >>> cell = pd.DataFrame({"address": ["a"], "kind": ["proportion"], "estimate": [0.2],
    ...                      "std_error": [0.02], "n": [800], "n_eff": [400.0], "df": [60]})
    >>> decide(cell)["status"].tolist()
    ['show']
    """
    register = register or Register()
    cells = _prepared(cells)
    groups = [t if isinstance(t, Table) else Table(t[0], tuple(t[1])) for t in tables]
    keys = dict(zip(cells["address"], cells["same_as"], strict=True))
    approvals = _approvals(cells, approved)
    judged = assess(cells, profile, approvals)
    _check_approvals(cells, profile, approvals)
    differences = cells["kind"].isin(DIFFERENCES).to_numpy()
    own = _own_reasons(cells, judged, differences, register)

    figures = Figures({}, {})
    for key, reason, n in zip(cells["same_as"], own, cells["n"], strict=True):
        figures.reason[key] = _stronger(figures.reason.get(key, ""), reason)
        figures.size[key] = min(figures.size.get(key, np.inf), float(n))
    sides = _sides(cells, differences, keys)
    cells = cells.assign(sides=[sides.get(address, ()) for address in cells["address"]])
    system = System.of([*(t.renamed(keys) for t in groups), *register.tables])
    protect(figures, system, register, _counts(cells), sides, keys)

    reasons = np.array([figures.reason[key] for key in cells["same_as"]], dtype=object)
    notes = judged["note_code"].to_numpy(object, copy=True)
    notes[differences] = _difference_notes(cells, notes, differences)
    notes[reasons != ""] = ""
    status = np.where(reasons != "", "suppress", np.where(notes != "", "flag", "show"))
    return pd.DataFrame(
        {
            "address": cells["address"], "same_as": cells["same_as"], "status": status,
            "reason": reasons, "note_code": notes, "kg_low": judged["kg_low"],
            "kg_high": judged["kg_high"], "sides": cells["sides"],
        },
        index=cells.index,
    )  # fmt: skip


def _prepared(cells: pd.DataFrame) -> pd.DataFrame:
    if "address" not in cells.columns:
        raise ReleaseError(
            "The release gate needs an address for every cell.",
            remedy="Add a column 'address' with a name of its own for each cell.",
        )
    address = cells["address"].astype(str)
    twice = sorted(set(address[address.duplicated()]))
    if twice:
        raise ReleaseError(
            f"{len(twice)} cell addresses stand more than once: {', '.join(twice[:5])}.",
            remedy="Give each cell its own address; mark equal figures with 'same_as'.",
        )
    same = cells["same_as"] if "same_as" in cells.columns else address
    same = same.where(same.notna() & (same != ""), address)
    return cells.assign(address=address, same_as=same.astype(str))


def _approvals(cells: pd.DataFrame, approved: Iterable[Approval]) -> list[Approval]:
    """Each approval for every cell of the figure it names."""
    keys = dict(zip(cells["address"], cells["same_as"], strict=True))
    twins = cells.groupby("same_as")["address"].agg(list)
    spread = []
    for approval in approved:
        if approval.address not in keys:
            raise ReleaseError(
                f"{approval.who} approved {approval.address!r}, which is no cell of this brief.",
                remedy="Take the address from the ledger of the last build.",
            )
        spread += [
            Approval(address, approval.who, approval.why)
            for address in twins[keys[approval.address]]
        ]
    return spread


def _check_approvals(
    cells: pd.DataFrame, profile: str | Profile, approvals: list[Approval]
) -> None:
    if not approvals:
        return
    before = assess(cells, profile)["reason"].to_numpy(object)
    reason = dict(zip(cells["address"], before, strict=True))
    idle = [a for a in approvals if reason[a.address] not in REVIEW]
    if idle:
        found = reason[idle[0].address] or "shown anyway"
        raise ReleaseError(
            f"{idle[0].who} approved {idle[0].address!r}, which is not under review ({found}).",
            remedy="Only figures under review may be released by name; take this approval out.",
            ar="لا يجوز النشر بموافقة اسمية إلا لما هو قيد المراجعة.",
        )


def _own_reasons(
    cells: pd.DataFrame, judged: pd.DataFrame, differences: np.ndarray, register: Register
) -> np.ndarray:
    """Each cell's own reason, before twins, links and sides are looked at."""
    reasons = judged["reason"].to_numpy(object, copy=True)
    steady = np.isfinite(cells["estimate"].to_numpy(float)) & (cells["df"].to_numpy(float) > 0)
    reasons[differences] = np.where(steady[differences], "", "no_df")
    estimate, n = cells["estimate"].to_numpy(float), cells["n"].to_numpy(float)
    few = (n > 0) & (n < LEAST_CASES)
    if "count_min" in cells.columns:
        few |= (n > 0) & (pd.to_numeric(cells["count_min"]).to_numpy(float) < LEAST_CASES)
    reasons[~differences & few] = "disclosure"
    if "sensitive" in cells.columns:
        bare = cells["kind"].eq("proportion").to_numpy() & ((estimate <= 0) | (estimate >= 1))
        exposed = cells["sensitive"].fillna(False).astype(bool).to_numpy() & bare & (n > 0)
        reasons[exposed] = "sensitive"
    for row, key in enumerate(cells["same_as"]):
        if key in register.hidden and reasons[row] not in DISCLOSURE:
            reasons[row] = "earlier"
    return reasons


def _stronger(first: str, second: str) -> str:
    """Disclosure before reliability, any reason before none, the earlier cell's otherwise."""
    rank = {code: place for place, code in enumerate(DISCLOSURE)}
    if first in rank or second in rank:
        return min((first, second), key=lambda code: rank.get(code, len(rank)))
    return first or second


def _sides(
    cells: pd.DataFrame, differences: np.ndarray, keys: Mapping[str, str]
) -> dict[str, tuple[str, ...]]:
    """Address of each difference → addresses of its sides; () where a side is unknown."""
    given = cells["sides"] if "sides" in cells.columns else pd.Series([()] * len(cells))
    found = {}
    for address, sides, wanted in zip(cells["address"], given, differences, strict=True):
        if wanted:
            sides = tuple(sides) if isinstance(sides, tuple | list) else ()
            found[address] = sides if len(sides) > 1 and all(s in keys for s in sides) else ()
    return found


def _counts(cells: pd.DataFrame) -> dict[str, float]:
    if "count" not in cells.columns:
        return {}
    counted = cells[pd.to_numeric(cells["count"], errors="coerce").notna()]
    return {key: float(count) for key, count in zip(counted["same_as"], counted["count"], strict=True)}


# A difference is of two areas, so it does not speak of the interviews of one.
_OF_DIFFERENCES = {"model_based_synthetic": "model_based_caution"}


def _difference_notes(cells: pd.DataFrame, notes: np.ndarray, differences: np.ndarray) -> np.ndarray:
    """A difference of figures read with caution is read with caution."""
    note = dict(zip(cells["address"], notes, strict=True))
    found = []
    for sides in cells.loc[differences, "sides"]:
        held = {_OF_DIFFERENCES.get(note.get(side, ""), note.get(side, "")) for side in sides}
        if held & MODEL_BASED:
            careful = held & {"caution", "chart_only", "approved", "model_based_caution"}
            found.append("model_based_caution" if careful else "model_based")
            continue
        found.append(next((code for code in CARRIED if code in held), ""))
    return np.array(found, dtype=object)
