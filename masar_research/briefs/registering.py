"""Estimates as plain rows of a block: keys, statistics, sides, unit."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np

from masar_research.briefs.blocks import Row, number_or_none
from masar_research.briefs.handles import Handle
from masar_research.briefs.refs import CellRef, Scalar
from masar_research.errors import BriefError
from masar_research.estimates import STATISTICS, Estimates

_NOT_KEYS = frozenset(STATISTICS) | {
    "statistic", "p_value", "n_missing", "count", "kind", "transform", "variable", "category",
    "p_adjusted", "p_equivalence", "inner_low", "inner_high", "verdict",
}  # fmt: skip


def rows_of(name: str, estimates: Estimates, of: Handle | None) -> tuple[Row, ...]:
    """The rows of a set, each difference with the cells it was formed from."""
    frame = estimates.frame
    keys = [column for column in frame.columns if column not in _NOT_KEYS]
    sides = sides_of(name, estimates, of)
    return tuple(row_of(record, keys, sides[number]) for number, record in enumerate(frame.to_dict("records")))


def sides_of(name: str, estimates: Estimates, of: Handle | None) -> list[tuple[CellRef, ...]]:
    if estimates.kind != "difference":
        return [()] * len(estimates.frame)
    rows = estimates.note.get("sides")
    if of is None or rows is None:
        raise BriefError(
            f"The difference {name!r} does not say what it is the difference of.",
            remedy="Form it with registered.contrast(...) and pass of=<handle of those estimates>.",
        )
    cells = of.cells()
    if max(max(side) for side in rows) >= len(cells):
        raise BriefError(
            f"The difference {name!r} was not formed from {of.block.id!r}: it has too few rows.",
            remedy="Pass the handle of the very estimates whose .contrast() was called.",
        )
    return [tuple(cells[index] for index in side) for side in rows]


def unit_of(estimates: Estimates) -> Literal["share", "points", "number"]:
    kind = estimates.kind
    if kind in ("proportion", "model_based_proportion"):
        return "share"
    shares = estimates.note.get("of") in ("proportion", "model_based_proportion")
    if kind == "ame" or (kind == "difference" and shares):
        return "points"
    return "number"


def estimator_of(estimates: Estimates) -> str:
    if estimates.kind == "difference":
        return f"difference of {estimates.note.get('of', 'estimates')}s: {estimates.note.get('contrast', '')}"
    return str(estimates.kind)


def row_of(record: Mapping[str, Any], keys: Sequence[str], sides: tuple[CellRef, ...]) -> Row:
    def value(name: str) -> float | None:
        return number_or_none(record.get(name))

    count, n = value("count"), value("n")
    return Row(
        key={str(name): scalar(record[name]) for name in keys},
        variable=str(record.get("variable", "")),
        category=scalar(record.get("category")),
        n=None if n is None else int(n),
        count=None if count is None else int(count),
        sides=sides,
        **{
            name: value(name)
            for name in (
                "estimate", "std_error", "conf_low", "conf_high", "df", "n_eff", "deff", "cv", "p_value",
            )  # fmt: skip
        },
    )


def scalar(value: Any) -> Scalar:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, int | float | str) else str(value)


def plain(value: Any) -> Any:
    match value:
        case Mapping():
            return {str(name): plain(inner) for name, inner in value.items()}
        case list() | tuple() | set() | frozenset():
            return [plain(inner) for inner in value]
        case np.ndarray():
            return plain(value.tolist())
        case bool() | str() | None:
            return value
        case int() | np.integer():
            return int(value)
        case float() | np.floating():
            return number_or_none(value)
    return str(value)
