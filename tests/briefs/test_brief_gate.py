"""All cells of a brief go through the gate together, linked as the survey links them."""

from __future__ import annotations

from pathlib import Path

import pytest

from masar_research.briefs import gate, linking
from masar_research.briefs.blocks import EstimatesBlock, Header
from masar_research.errors import BriefError
from masar_research.release import Register


def changed(blocks, name, **fields):
    """The blocks with some fields of one set replaced."""
    return tuple(
        block.model_copy(update=fields) if isinstance(block, EstimatesBlock) and block.id == name else block
        for block in blocks
    )


def rows_with(block: EstimatesBlock, where: dict, **fields):
    return tuple(
        row.model_copy(update=fields) if where.items() <= row.key.items() else row for row in block.rows
    )


def find(blocks, name) -> EstimatesBlock:
    return next(block for block in blocks if isinstance(block, EstimatesBlock) and block.id == name)


def test_every_registered_row_is_decided(tiny_blocks) -> None:
    gated = gate.decide(tiny_blocks)
    assert len(gated.cells) == sum(len(b.rows) for b in tiny_blocks if isinstance(b, EstimatesBlock))


def test_three_interviews_are_confidential_and_take_a_neighbour_with_them(tiny_blocks) -> None:
    cells = {cell.address: cell for cell in gate.decide(tiny_blocks).cells.values()}
    assert cells["place[place=4]"].reason == "disclosure"
    hidden = [a for a, cell in cells.items() if cell.hidden]
    assert sorted(hidden) == ["place[place=3]", "place[place=4]"]
    assert cells["place[place=3]"].reason == "complementary"


def test_totals_and_parts_are_linked_by_base_and_domain(tiny_blocks) -> None:
    tables = {(t.total, t.parts) for t in gate.decide(tiny_blocks).tables}
    assert ("whole[]", ("work[sex=1]", "work[sex=2]")) in tables
    assert any(total == "whole[]" and len(parts) == 4 for total, parts in tables)


def test_another_statistic_is_not_linked(tiny_blocks) -> None:
    place = find(tiny_blocks, "place")
    blocks = changed(tiny_blocks, "place", rows=tuple(r.model_copy(update={"counted": None, "variable": "reads"}) for r in place.rows))
    assert not any(len(t.parts) == 4 for t in gate.decide(blocks).tables)


def test_parts_are_found_in_whatever_set_they_stand(tiny_blocks) -> None:
    """All women by sex in one set, women by place in another: the camp is still protected."""
    place = find(tiny_blocks, "place")
    women = place.model_copy(update={"note": place.note | {"base": "(sex == 2)"}})
    blocks = tuple(women if block is place else block for block in tiny_blocks)
    gated = gate.decide(blocks)
    assert any(total == "work[sex=2]" and len(parts) == 4 for total, parts in ((t.total, t.parts) for t in gated.tables))
    cells = {cell.address: cell for cell in gated.cells.values()}
    assert cells["place[place=4]"].reason == "disclosure"
    assert [a for a, c in cells.items() if c.reason == "complementary"] == ["place[place=3]"]


def test_two_of_participation_employment_and_unemployment_give_the_third(tiny_blocks) -> None:
    """1 − employment / participation is the unemployment rate, and it rests on three people."""
    work = find(tiny_blocks, "work")

    def about(name: str, estimate: float, **fields) -> EstimatesBlock:
        row = work.rows[1].model_copy(update={"counted": None, "variable": name, "estimate": estimate, **fields})
        return work.model_copy(update={"id": name, "rows": (row,)})

    trio = (
        about("in_labour_force", 0.40, n=280, count=112),
        about("employed", 0.39, n=280, count=109),
        about("unemployed", 0.025, n=112, count=3),
    )
    cells = {cell.address: cell for cell in gate.decide((*tiny_blocks, *trio)).cells.values()}
    assert cells["unemployed[sex=2]"].reason == "disclosure"
    hidden = [name for name in ("in_labour_force", "employed") if cells[f"{name}[sex=2]"].hidden]
    assert hidden == ["employed"] and cells["employed[sex=2]"].reason == "complementary"
    steady = (*trio[:2], about("unemployed", 0.25, n=112, count=28, conf_low=0.18, conf_high=0.34, std_error=0.04))
    assert not any(cell.hidden for cell in gate.decide((*tiny_blocks, *steady)).cells.values() if cell.block in steady)


def test_a_base_that_repeats_the_indicators_universe_is_the_same_domain(tiny_blocks) -> None:
    work = find(tiny_blocks, "work")

    def about(name: str, base: str | None) -> EstimatesBlock:
        row = work.rows[1].model_copy(update={"counted": None, "variable": name})
        return work.model_copy(update={"id": name, "rows": (row,), "note": work.note | {"base": base}})

    blocks = (
        about("in_labour_force", "(age >= 15)"), about("employed", "(age >= 15)"),
        about("unemployed", "(age >= 15 and in_labour_force == 1)"),
    )
    tables = {(t.total, t.parts) for t in gate.decide((*tiny_blocks, *blocks)).tables}
    assert ("in_labour_force[sex=2]", ("employed[sex=2]", "unemployed[sex=2]")) in tables


def test_a_domain_is_the_same_quantity_however_it_was_asked(tiny_blocks) -> None:
    """by='sex' and where('sex == 2') name one figure."""
    work = find(tiny_blocks, "work")
    women = work.model_copy(
        update={
            "id": "women", "by": (), "note": work.note | {"base": "(sex == 2)"},
            "rows": tuple(row.model_copy(update={"key": {}}) for row in work.rows if row.key["sex"] == 2),
        }
    )  # fmt: skip
    cells = gate.decide((*tiny_blocks, women)).cells
    assert cells["women", 0].same_as == cells["work", 1].same_as


@pytest.mark.parametrize(
    ("base", "equal", "rest"),
    [
        ("(sex == 2 and age >= 15)", {"sex": "2"}, "age >= 15"),
        ("(sex == 2) and (jordanian == 1)", {"sex": "2", "jordanian": "1"}, ""),
        ("(sex == 2 or age >= 15)", {}, "sex == 2 or age >= 15"),
        ("(not sex == 2)", {}, "not sex == 2"),
        (None, {}, ""),
    ],
)
def test_bases_are_read_into_equalities_and_the_rest(tiny_blocks, base, equal, rest) -> None:
    whole = find(tiny_blocks, "whole")
    block = whole.model_copy(update={"note": whole.note | {"base": base}})
    found, left = linking.conditions(block, block.rows[0])
    assert {k: v for k, v in found.items() if k != "wave"} == equal and left == rest


def test_governorates_are_parts_of_their_region(tiny_blocks) -> None:
    whole = find(tiny_blocks, "whole")
    row = whole.rows[0]
    regions = whole.model_copy(
        update={"id": "regions", "by": ("region",), "rows": tuple(row.model_copy(update={"counted": None, "key": {"region": r}}) for r in (1, 2))}
    )
    places = whole.model_copy(
        update={"id": "places", "by": ("governorate",),
                "rows": tuple(row.model_copy(update={"counted": None, "key": {"governorate": g}}) for g in (11, 12, 21, 22, 23))}
    )  # fmt: skip
    tables = {(t.total, t.parts) for t in gate.decide((*tiny_blocks, regions, places)).tables}
    assert ("regions[region=1]", ("places[governorate=11]", "places[governorate=12]")) in tables
    assert any(total == "whole[]" and len(parts) == 5 for total, parts in tables)


def test_a_difference_is_shown_only_with_both_sides(tiny_blocks) -> None:
    work = find(tiny_blocks, "work")
    few = changed(tiny_blocks, "work", rows=rows_with(work, {"sex": 2}, n=20, n_eff=20.0))
    gated = gate.decide(few)
    cells = {cell.address: cell for cell in gated.cells.values()}
    assert cells["work[sex=2]"].hidden
    assert cells["gap[contrast=2 - 1]"].reason == "sides"


def test_the_smallest_class_counts_for_confidentiality(tiny_blocks) -> None:
    work = find(tiny_blocks, "work")
    rare = changed(tiny_blocks, "work", rows=rows_with(work, {"sex": 2}, count=2, n=287))
    cells = {cell.address: cell for cell in gate.decide(rare).cells.values()}
    assert cells["work[sex=2]"].reason == "disclosure"


def test_what_another_brief_has_withheld_stays_withheld(tiny_blocks, tmp_path: Path) -> None:
    first = gate.decide(tiny_blocks)
    register = Register().after(first.decisions, first.tables)
    register.write(tmp_path / "other.json")
    register.write(tmp_path / "own.json")
    read = gate.read_registers(tmp_path, except_for="own")
    assert read.hidden == register.hidden and read.shown == register.shown
    assert gate.read_registers(tmp_path / "nowhere", except_for="own").shown == frozenset()
    again = gate.decide(tiny_blocks, read)
    before = {c.address: c.hidden for c in first.cells.values()}
    assert {c.address: c.hidden for c in again.cells.values()} == before


def test_rebuilding_a_brief_gives_the_same_decisions(tiny_blocks, tmp_path: Path) -> None:
    first = gate.decide(tiny_blocks)
    Register().after(first.decisions, first.tables).write(tmp_path / "own.json")
    again = gate.decide(tiny_blocks, gate.read_registers(tmp_path, except_for="own"))
    assert first.decisions["reason"].tolist() == again.decisions["reason"].tolist()


def test_approvals_are_named_and_complete(tmp_path: Path) -> None:
    path = tmp_path / "approvals.yml"
    assert gate.read_approvals(path, "tiny") == ()
    path.write_text("- {brief: tiny, cell: 'work[sex=2]', who: A. Reviewer, why: seen}\n", encoding="utf-8")
    assert gate.read_approvals(path, "tiny")[0].address == "work[sex=2]"
    assert gate.read_approvals(path, "other") == ()
    path.write_text("- {brief: tiny, cell: 'work[sex=2]'}\n", encoding="utf-8")
    with pytest.raises(BriefError, match="Entry 1"):
        gate.read_approvals(path, "tiny")


def test_a_brief_without_estimates_is_refused(tiny_blocks) -> None:
    only = [block for block in tiny_blocks if isinstance(block, Header)]
    with pytest.raises(BriefError, match="no estimates"):
        gate.decide(only)
