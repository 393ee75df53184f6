"""Which figures of a brief tell of each other: totals and parts, and indicators made of others."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from masar_research import indicators, release
from masar_research.briefs.blocks import EstimatesBlock, Row
from masar_research.briefs.refs import Scalar

_EQUALITY = re.compile(r"^\s*(\w+)\s*==\s*(-?\d+(?:\.\d+)?)\s*$")

Cell = frozenset[tuple[str, str]]
Members = Mapping[Cell, str]


@dataclass(frozen=True, slots=True)
class Statistic:
    """What a row measures, whatever its domain; figures of one statistic can add up.

    `rest` is the part of the base that is no equality; `other` the keys that are no domain
    (a contrast, a level of a predictor).
    """

    kind: str
    variable: str
    category: str
    rest: str
    other: str
    formula: str
    denominator: str


def quantity(block: EstimatesBlock, row: Row) -> tuple[Statistic, Cell]:
    """The statistic of a row and the equalities that define its population."""
    equal, rest = conditions(block, row)
    other = {name: value for name, value in row.key.items() if name not in block.by}
    statistic = Statistic(
        kind=block.estimator, variable=row.variable, category=code(row.category), rest=rest,
        other=",".join(f"{name}={value}" for name, value in sorted(other.items())),
        formula=str(block.note.get("formula", "")),
        denominator=str(block.note.get("denominator", "")),
    )  # fmt: skip
    return statistic, frozenset(equal.items())


def conditions(block: EstimatesBlock, row: Row) -> tuple[dict[str, str], str]:
    """Equalities that define the row's population (base and domain), and the rest of the base."""
    equal = {name: code(value) for name, value in row.key.items() if name in block.by}
    based, rest = _equalities(str(block.note.get("base") or ""))
    for name, value in based.items():
        equal.setdefault(name, value)
    if "wave" not in equal and len(block.waves) == 1:
        equal["wave"] = code(block.waves[0])
    return equal, " and ".join(sorted(rest))


def _equalities(expression: str) -> tuple[dict[str, str], list[str]]:
    equal: dict[str, str] = {}
    rest = []
    for part in _conjuncts(expression):
        match = _EQUALITY.match(part)
        if match:
            equal.setdefault(match[1], code(float(match[2])))
        elif part:
            rest.append(part)
    return equal, rest


def _conjuncts(base: str) -> list[str]:
    """The parts of a conjunction; a part that holds ``or`` or ``not`` stays whole."""
    parts = []
    for piece in re.split(r"\)\s+and\s+\(", base.removeprefix("(").removesuffix(")")):
        splits = [piece] if re.search(r"\b(or|not|in)\b|[()]", piece) else re.split(r"\s+and\s+", piece)
        parts.extend(" ".join(part.split()) for part in splits)
    return parts


def code(value: Scalar) -> str:
    """A code as it stands in keys: 2.0 and 2 are one."""
    return f"{value:g}" if isinstance(value, int | float) else str(value)


def linked(
    sets: Sequence[EstimatesBlock], addresses: Mapping[tuple[str, int], str]
) -> Iterable[release.Table]:
    """Every group of figures from which one can be worked out when the others are known.

    Totals and their parts are found by what the rows are, never by how the author filed them:
    a group of women under one heading and all women under another are linked.

    Parameters
    ----------
    sets : sequence of EstimatesBlock
    addresses : mapping
        (set, row) → address.
    """
    families: dict[Statistic, dict[Cell, str]] = defaultdict(dict)
    for block in sets:
        if block.kind == "difference":
            continue
        for number, row in enumerate(block.rows):
            statistic, cell = quantity(block, row)
            families[statistic].setdefault(cell, addresses[block.id, number])
        yield from _whole_shares(block, addresses)
    for members in families.values():
        yield from _totals(members)
    yield from _made_of(families)


def _whole_shares(
    block: EstimatesBlock, addresses: Mapping[tuple[str, int], str]
) -> Iterable[release.Table]:
    """All categories of one variable in one domain add up to everybody."""
    if block.kind != "proportion":
        return
    groups: dict[tuple[Any, ...], list[str]] = defaultdict(list)
    for number, row in enumerate(block.rows):
        groups[row.variable, *row.key.items()].append(addresses[block.id, number])
    for parts in groups.values():
        if len(parts) > 1:
            yield release.Table(None, tuple(parts))


def _totals(members: Members) -> Iterable[release.Table]:
    """A cell and the cells that split its population by further variables."""
    names = {cell: frozenset(name for name, _ in cell) for cell in members}
    for total in members:
        splits: dict[frozenset[str], list[Cell]] = defaultdict(list)
        for part in members:
            if total < part:
                splits[names[part]].append(part)
        for parts in splits.values():
            if len(parts) > 1:
                yield release.Table(members[total], tuple(members[part] for part in parts))
        yield from _governorates(total, members)


def _governorates(region: Cell, members: Members) -> Iterable[release.Table]:
    """A region and its governorates: the first digit of a governorate's code is its region."""
    number = dict(region).get("region")
    if number is None:
        return
    others = region - {("region", number)}
    parts = [
        address
        for cell, address in members.items()
        if (own := dict(cell).get("governorate"))
        and own.startswith(number)
        and cell - {("governorate", own)} == others
    ]
    if len(parts) > 1:
        yield release.Table(members[region], tuple(parts))


def _made_of(families: Mapping[Statistic, Members]) -> Iterable[release.Table]:
    """Indicators of which any two give the third: participation, employment, unemployment.

    A rate on a narrower base counts as the part it stands for: with participation and
    employment known, so is the unemployment rate.
    """
    shares = {
        (found.variable, found.rest): members
        for found, members in families.items()
        if found.kind == "proportion" and found.category == "1"
    }
    for whole in indicators.registry().values():
        for (variable, rest), totals in shares.items():
            if variable != getattr(whole, "variable", None) or not whole.made_of:
                continue
            parts = [indicators.registry().ready(name) for name in whole.made_of]
            held = [_within(shares.get((part.variable, rest), {}), part.universe) for part in parts]
            for cell, address in totals.items():
                found = tuple(members[cell] for members in held if cell in members)
                if len(found) == len(parts):
                    yield release.Table(address, found)


def _within(members: Members, universe: str) -> Members:
    """The cells without the conditions an indicator's own universe sets."""
    own = frozenset(_equalities(universe)[0].items())
    return {cell - own: address for cell, address in members.items()}
