"""All cells of a brief before the release gate, at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pandas as pd

from masar_research import release
from masar_research.briefs import counting
from masar_research.briefs.blocks import Block, EstimatesBlock, Header, Row
from masar_research.briefs.linking import linked, quantity
from masar_research.briefs.refs import CellRef
from masar_research.errors import BriefError


@dataclass(frozen=True, slots=True)
class Cell:
    """A registered row with what the gate said of it.

    Attributes
    ----------
    ref : CellRef
    block : EstimatesBlock
    row : Row
    address : str
        Its name in the brief: ``participation[sex=2]``.
    same_as : str
        Names the population quantity with its study and wave; equal in every brief.
    status : {"show", "flag", "suppress"}
    reason, note : str
        Codes of `release.words`; empty where there is none.
    """

    ref: CellRef
    block: EstimatesBlock
    row: Row
    address: str
    same_as: str
    status: str
    reason: str
    note: str

    @property
    def hidden(self) -> bool:
        return self.status == "suppress"


@dataclass(frozen=True, slots=True)
class Gated:
    """Every cell of a brief after the gate, with what the register must remember."""

    cells: Mapping[tuple[str, int], Cell]
    decisions: pd.DataFrame
    tables: tuple[release.Table, ...]

    def __getitem__(self, ref: CellRef) -> Cell:
        return self.cells[ref.set, ref.row]


def decide(
    blocks: Sequence[Block],
    register: release.Register | None = None,
    approved: Iterable[release.Approval] = (),
) -> Gated:
    """Put every registered row of a brief through the release gate.

    Parameters
    ----------
    blocks : sequence of Block
        All blocks of the brief; the header names the profile.
    register : release.Register, optional
        Earlier releases of other briefs.
    approved : iterable of release.Approval
        Named releases of cells under review, by address (``participation[sex=2]``).
    """
    header = next(block for block in blocks if isinstance(block, Header))
    sets = [block for block in blocks if isinstance(block, EstimatesBlock)]
    if not sets:
        raise BriefError(
            "The brief registers no estimates, so there is nothing to show.",
            remedy="Register them in the notebook: brief.estimates(name, ...).",
        )
    places = [(block, number) for block in sets for number in range(len(block.rows))]
    identified = {(b.id, number): _identity(header, b, b.rows[number]) for b, number in places}
    addresses = {(b.id, number): address(b, number) for b, number in places}
    by_name = tuple(linked(sets, addresses))
    counted = {addresses[b.id, number]: counting.read(b.rows[number]) for b, number in places}
    alike = counting.alike(by_name, counted)
    marks = {
        (b.id, number): "-".join((header.study, *b.rows[number].counted))
        for b, number in places
        if b.rows[number].counted and counted[addresses[b.id, number]] not in alike
    }  # fmt: skip
    register = register or release.Register()
    own = [(mark, identified[place]) for place, mark in marks.items()]
    keys = counting.one_key([*own, *sorted(register.counted)])
    register = register.renamed(keys)
    identified = {place: keys.get(key, key) for place, key in identified.items()}
    frame = pd.DataFrame([_record(b, number, identified, addresses) for b, number in places])
    names = {addresses[place]: key for place, key in identified.items()}
    found = dict.fromkeys([*by_name, *counting.sums(sets, addresses, alike)])
    tables = tuple(table for table in found if _apart(table, names))
    profile = str(header.parameters["profile"])
    decisions = release.decide(frame, profile, tables=tables, register=register, approved=approved)
    decisions = decisions.assign(counted=[marks.get((b.id, number), "") for b, number in places])
    answers = decisions.set_index("address")
    cells = {}
    for block, number in places:
        answer = answers.loc[addresses[block.id, number]]
        cells[block.id, number] = Cell(
            ref=CellRef(set=block.id, row=number, key=block.rows[number].key),
            block=block, row=block.rows[number], address=addresses[block.id, number],
            same_as=identified[block.id, number], status=answer["status"],
            reason=answer["reason"], note=answer["note_code"],
        )  # fmt: skip
    return Gated(MappingProxyType(cells), decisions, tables)


def _apart(table: release.Table, names: Mapping[str, str]) -> bool:
    """Whether the figures of a group are different ones; a total that is its one part says nothing."""
    keys = [names[each] for each in (*table.parts, table.total) if each is not None]
    return len(set(keys)) == len(keys)


def address(block: EstimatesBlock, number: int) -> str:
    """The name of a cell inside its brief: ``participation[sex=2]``."""
    row = block.rows[number]
    parts = dict(row.key)
    if len({other.variable for other in block.rows}) > 1:
        parts["variable"] = row.variable
    if len({other.category for other in block.rows}) > 1:
        parts["category"] = row.category
    return f"{block.id}[{', '.join(f'{name}={value}' for name, value in parts.items())}]"


def _record(
    block: EstimatesBlock,
    number: int,
    identified: Mapping[tuple[str, int], str],
    addresses: Mapping[tuple[str, int], str],
) -> dict[str, Any]:
    row = block.rows[number]
    nan = float("nan")

    def known(value: float | None) -> float:
        return nan if value is None else float(value)

    smallest = None if row.count is None or row.n is None else min(row.count, row.n - row.count)
    return {
        "address": addresses[block.id, number],
        "same_as": identified[block.id, number],
        "kind": block.kind,
        "estimate": known(row.estimate),
        "std_error": known(row.std_error),
        "n": known(row.n),
        "n_eff": known(row.n_eff),
        "df": known(row.df),
        "count_min": known(smallest),
        "sides": tuple(addresses[side.set, side.row] for side in row.sides),
        "sensitive": block.sensitive,
    }


def _identity(header: Header, block: EstimatesBlock, row: Row) -> str:
    """The population quantity of a row, equal in every brief of the study."""
    what, cell = quantity(block, row)
    domain = ",".join(f"{name}={value}" for name, value in sorted(cell))
    return "|".join((
        header.study, what.kind, what.variable, what.category, domain, what.rest, what.other,
        what.formula, what.denominator,
    ))  # fmt: skip


# --- what the office keeps -------------------------------------------------------------


def read_registers(folder: Path, except_for: str) -> release.Register:
    """All earlier releases but those of the brief that is being built again."""
    merged = release.Register()
    for path in sorted(folder.glob("*.json")):
        if path.stem == except_for:
            continue
        one = release.Register.read(path)
        merged = release.Register(
            merged.shown | one.shown,
            MappingProxyType({**merged.hidden, **one.hidden}),
            tuple(dict.fromkeys((*merged.tables, *one.tables))),
            merged.counted | one.counted,
        )
    return merged


def read_approvals(path: Path, brief: str) -> tuple[release.Approval, ...]:
    """Named releases of cells under review: a YAML list of brief, cell, who, why."""
    if not path.exists():
        return ()
    from ruamel.yaml import YAML

    entries = YAML(typ="safe").load(path.read_text(encoding="utf-8")) or []
    found = []
    for number, item in enumerate(entries):
        if not isinstance(item, dict) or set(item) != {"brief", "cell", "who", "why"}:
            raise BriefError(
                f"Entry {number + 1} of {path.name} does not have exactly brief, cell, who and why.",
                remedy="Write {brief: …, cell: 'participation[sex=2]', who: …, why: …}.",
            )
        if item["brief"] == brief:
            found.append(release.Approval(item["cell"], item["who"], item["why"]))
    return tuple(found)
