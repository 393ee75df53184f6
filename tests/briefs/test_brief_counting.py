"""One quantity under two names, and groups that add up, are found by the interviews they count."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

import masar_research as mr
from masar_research.briefs import counting, gate
from masar_research.briefs.blocks import EstimatesBlock, Header, Row, dump, load
from masar_research.briefs.registering import rows_of
from masar_research.briefs.words import Text
from masar_research.codebook import Category, Codebook, Variable
from masar_research.release import Register

BASE = Text(en="everybody", ar="الجميع")


def variable(name: str, *codes: float) -> Variable:
    def said(code: object = "") -> dict[str, str]:
        return {"en": f"{name} {code}", "ar": f"{name} {code}"}

    return Variable(name, said(), level="nominal", categories=tuple(Category(c, said(c)) for c in codes))


@pytest.fixture(scope="module")
def survey():
    """Employment in two codings, ages in two groupings; three people over sixty are unemployed."""
    rng = np.random.default_rng(7)
    n = 1500
    frame = pd.DataFrame({"employment": rng.choice([1.0, 2.0, 3.0], n, p=[0.4, 0.2, 0.4])})
    frame["fine"] = rng.choice([1.0, 2.0, 3.0, 4.0], n)
    few = np.flatnonzero((frame["fine"] == 4) & (frame["employment"] == 2))
    frame.loc[few[3:], "employment"] = 3.0
    frame["coarse"] = frame["fine"].map({1: 1.0, 2: 1.0, 3: 2.0, 4: 2.0})
    frame["other_fine"] = frame["fine"].map({1: 7.0, 2: 8.0, 3: 9.0, 4: 6.0})
    frame["employed"] = (frame["employment"] == 1).astype(float)
    frame["seeking"] = (frame["employment"] == 2).astype(float)
    frame["active"] = (frame["employment"] < 3).astype(float)
    frame["sex"] = rng.choice([1.0, 2.0], n)
    frame["w"] = rng.uniform(0.5, 2.0, n)
    book = Codebook([
        variable("employment", 1.0, 2.0, 3.0), variable("fine", 1.0, 2.0, 3.0, 4.0),
        variable("coarse", 1.0, 2.0), variable("other_fine", 6.0, 7.0, 8.0, 9.0),
    ])  # fmt: skip
    return mr.Survey(frame, weights="w", codebook=book)


def header(tiny_blocks) -> Header:
    return next(block for block in tiny_blocks if isinstance(block, Header))


@pytest.fixture
def register_sets(survey, tiny_blocks):
    """Named estimates of the survey as a brief registers them, through JSON and back."""

    def made(**named) -> list:
        blocks = [header(tiny_blocks)]
        for name, estimates in named.items():
            rows = counting.marked(rows_of(name, estimates, None), estimates, [(survey, 2026)])
            block = EstimatesBlock(
                brief="tiny", id=name, kind="proportion", estimator="proportion", by=estimates.by, unit="share",
                level=0.95, base=BASE, waves=(2026,), rows=rows, note={"base": estimates.note["base"]},
            )  # fmt: skip
            blocks.append(load(json.loads(json.dumps(dump(block)))))
        return blocks

    return made


def cells_of(blocks, register=None) -> dict:
    return {cell.address: cell for cell in gate.decide(blocks, register).cells.values()}


def test_every_share_that_counts_somebody_is_marked(survey) -> None:
    shares = survey.where("sex == 2").proportion("employment", by="fine")
    rows = counting.marked(rows_of("a", shares, None), shares, [(survey, 2026)])
    assert all((row.counted is not None) == bool(row.count) for row in rows)
    means = survey.mean("employed")
    assert all(row.counted is None for row in counting.marked(rows_of("m", means, None), means, [(survey, 2026)]))


def test_a_binary_variable_and_a_category_of_another_are_one_figure(survey, register_sets) -> None:
    cells = cells_of(register_sets(
        named=survey.proportion("employed", by="fine"), coded=survey.proportion("employment", by="fine"),
    ))  # fmt: skip
    for age in (1, 2, 3, 4):
        assert cells[f"named[fine={age}]"].same_as == cells[f"coded[fine={age}, category=1]"].same_as
    assert cells["named[fine=1]"].same_as != cells["named[fine=2]"].same_as


def test_what_is_withheld_under_one_name_cannot_be_read_under_another(survey, register_sets) -> None:
    """The planted leak: three people seek work among the oldest, asked for three times."""
    cells = cells_of(register_sets(
        seeking=survey.proportion("seeking", by="fine"),
        coded=survey.proportion("employment", by="fine"),
        renamed=survey.proportion("employment", by="other_fine"),
        bare=survey.where("fine == 4").proportion("seeking"),
    ))  # fmt: skip
    assert cells["seeking[fine=4]"].reason == "disclosure"
    assert cells["coded[fine=4, category=2]"].hidden
    # Another coding of age, and the domain written as a condition.
    assert cells["renamed[other_fine=6, category=2]"].hidden
    assert cells["bare[]"].hidden
    # Hiding one category is not enough: all add up to everybody, under either name.
    for name, key in (("coded", "fine=4"), ("renamed", "other_fine=6")):
        assert sum(cells[f"{name}[{key}, category={k}]"].hidden for k in (1, 2, 3)) >= 2


def test_participation_less_employment_does_not_give_the_few_who_seek_work(survey, register_sets) -> None:
    """Active and employed are no categories of one variable and have no ``made_of`` here."""
    cells = cells_of(register_sets(
        active=survey.proportion("active", by="fine"), employed=survey.proportion("employed", by="fine"),
        seeking=survey.proportion("seeking", by="fine"),
    ))  # fmt: skip
    assert cells["seeking[fine=4]"].reason == "disclosure"
    assert cells["active[fine=4]"].hidden or cells["employed[fine=4]"].hidden
    assert not cells["active[fine=1]"].hidden and not cells["employed[fine=1]"].hidden


def test_a_coarse_age_group_less_the_finer_one_does_not_give_the_other(survey, register_sets) -> None:
    cells = cells_of(register_sets(
        fine=survey.proportion("seeking", by="fine"), coarse=survey.proportion("seeking", by="coarse"),
    ))  # fmt: skip
    assert cells["fine[fine=4]"].reason == "disclosure"
    assert cells["fine[fine=3]"].hidden or cells["coarse[coarse=2]"].hidden
    assert not cells["fine[fine=1]"].hidden and not cells["coarse[coarse=1]"].hidden


def test_nested_ages_written_as_conditions_are_parts_too(survey, register_sets) -> None:
    """Everybody, and everybody but the oldest: the difference is the oldest."""
    cells = cells_of(register_sets(
        every=survey.where("fine >= 1").proportion("seeking"),
        younger=survey.where("fine <= 3").proportion("seeking"),
        oldest=survey.where("fine > 3").proportion("seeking"),
    ))  # fmt: skip
    assert cells["oldest[]"].reason == "disclosure"
    assert cells["every[]"].hidden or cells["younger[]"].hidden


def test_a_brief_learns_of_a_figure_another_brief_withheld_under_another_name(survey, register_sets) -> None:
    first = gate.decide(register_sets(seeking=survey.where("fine == 4").proportion("seeking")))
    register = Register().after(first.decisions, first.tables)
    blocks = register_sets(coded=survey.proportion("employment", by="other_fine"))
    cells = cells_of(blocks, register)
    assert cells["coded[other_fine=6, category=2]"].reason in ("disclosure", "earlier")
    # Shown before, under another name: what follows from it is known to the gate.
    shown = gate.decide(register_sets(active=survey.where("fine == 4").proportion("active"),
                                      employed=survey.where("fine == 4").proportion("employed")))  # fmt: skip
    register = Register().after(shown.decisions, shown.tables)
    one = register_sets(renamed=survey.proportion("employed", by="other_fine"))
    key = cells_of(one, register)["renamed[other_fine=6]"].same_as
    assert key in register.renamed({}).shown


def test_figures_equal_by_chance_stay_two_since_seeing_both_tells_of_nobody_between(survey, register_sets) -> None:
    """Nobody in a group seeks work: its labour force and its employed are the same people."""
    cells_in = register_sets(
        in_labour_force=survey.where("employment != 2 and fine == 4").proportion("active"),
        employed=survey.where("employment != 2 and fine == 4").proportion("employed"),
        unemployed=survey.where("employment != 2 and fine == 4").proportion("seeking"),
    )
    named = [
        block if not isinstance(block, EstimatesBlock)
        else block.model_copy(update={"rows": tuple(
            row.model_copy(update={"variable": block.id}) for row in block.rows)})
        for block in cells_in
    ]  # fmt: skip
    cells = cells_of(named)
    assert cells["in_labour_force[]"].row.counted == cells["employed[]"].row.counted
    assert cells["in_labour_force[]"].same_as != cells["employed[]"].same_as
    assert cells["unemployed[]"].reason == "disclosure"
    assert cells["in_labour_force[]"].hidden or cells["employed[]"].hidden


def test_the_register_keeps_the_marks(tmp_path, survey, register_sets) -> None:
    first = gate.decide(register_sets(employed=survey.proportion("employed", by="sex")))
    register = Register().after(first.decisions, first.tables)
    register.write(tmp_path / "register.json")
    assert Register.read(tmp_path / "register.json") == register and len(register.counted) == 2


def test_a_row_that_the_survey_does_not_give_again_stays_unmarked(survey) -> None:
    shares = survey.proportion("employed")
    row = rows_of("a", shares, None)[0]
    other = row.model_copy(update={"n": row.n + 1})
    assert counting.marked([row], shares, [(survey, 2026)])[0].counted
    assert counting.marked([other], shares, [(survey, 2026)])[0].counted is None
    strange = Row(**{**row.model_dump(), "variable": "not_there"})
    assert counting.marked([strange], shares, [(survey, 2026)])[0].counted is None


def test_a_wave_is_marked_alike_alone_and_among_others(survey) -> None:
    alone = survey.frame.drop(columns="w")
    pooled = pd.concat([alone.assign(wave=2024.0, employed=1.0), alone.assign(wave=2026.0)], ignore_index=True)
    pooled["w"] = np.tile(survey.frame["w"], 2)
    both = mr.Survey(pooled, weights="w")
    rate, trend = survey.proportion("employed"), both.proportion("employed", by="wave")
    one = counting.marked(rows_of("a", rate, None), rate, [(survey, 2026)])
    two = counting.marked(rows_of("b", trend, None), trend, [(survey, 2026), (both, 2026)])
    assert two[1].counted == one[0].counted and two[0].counted != one[0].counted
