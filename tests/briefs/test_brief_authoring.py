"""The authoring verbs: named cells, registered estimates only, errors that say what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from masar_research.briefs import Text, authoring, row, show
from masar_research.briefs.blocks import EstimatesBlock, FigureBlock, Header, collect, dump
from masar_research.briefs.emit import Collected
from masar_research.briefs.preview import preview
from masar_research.errors import BriefError, ParameterError

BASE = Text(en="Adults", ar="البالغون")
TITLE = Text(en="A finding", ar="نتيجة")


@pytest.fixture
def opened(tiny: Path) -> tuple[authoring.Brief, Collected]:
    kept = Collected()
    return authoring.open_brief("tiny", survey="tiny", wave=2026, emit=kept), kept


@pytest.fixture
def work(opened):
    brief, _ = opened
    return brief.estimates("work", brief.survey.proportion("works", by="sex"), base=BASE, question="works")


def test_the_header_carries_the_survey_and_its_parameters(opened) -> None:
    header = opened[1].blocks[0]
    assert isinstance(header, Header)
    assert header.parameters == {"survey": "tiny", "wave": 2026, "geography": "JO", "profile": "nchs"}
    assert header.facts["interviews"] == 600 and header.facts["psus"] == 40
    assert header.synthetic and header.card["notice"].ar
    assert {wave.wave for wave in header.waves} == {2024, 2026}
    assert next(wave for wave in header.waves if wave.wave == 2026).checksum.startswith("sha256-content:")


def test_cells_are_found_by_their_codes(work) -> None:
    assert work.cell(sex=2).key["sex"] == 2
    assert [cell.key["sex"] for cell in work.cells()] == [1, 2]
    assert work.label(work.cell(sex=2), "sex").ar == "نساء"


def test_a_wrong_key_names_the_nearest_ones(work) -> None:
    with pytest.raises(BriefError) as error:
        work.cell(sex=3)
    assert "work[sex=1" in str(error.value) and "work[sex=2" in str(error.value)
    with pytest.raises(BriefError, match="'sex'"):
        work.cell(sexe=2)
    with pytest.raises(BriefError, match="2 rows"):
        work.cell()


def test_a_difference_says_what_it_is_the_difference_of(opened, work) -> None:
    brief, _ = opened
    rate = brief.survey.proportion("works", by="sex")
    with pytest.raises(BriefError, match="does not say what it is the difference of"):
        brief.estimates("gap", rate.contrast("2 - 1"), base=BASE)
    gap = brief.estimates("gap_of", rate.contrast("2 - 1"), base=BASE, of=work)
    assert {side.key["sex"] for side in gap.block.rows[0].sides} == {1, 2}
    assert gap.block.unit == "points" and gap.block.rows[0].p_value is not None


def test_only_registered_cells_can_be_shown(opened, work) -> None:
    brief, _ = opened
    elsewhere = work.cell(sex=2).model_copy(update={"set": "elsewhere"})
    with pytest.raises(BriefError, match="not registered"):
        brief.message(Text(en="{x} work", ar="تعمل {x}", values={"x": elsewhere}), figure=work.cell(sex=2))
    with pytest.raises(BriefError, match="not registered"):
        brief.chart("c", kind="dots", rows=[row(elsewhere, TITLE)], title=TITLE, base=BASE)


def test_names_are_used_once_and_are_plain(opened, work) -> None:
    brief, _ = opened
    with pytest.raises(BriefError, match="already used"):
        brief.chart("work", kind="dots", rows=work.rows("sex"), title=TITLE, base=BASE)
    with pytest.raises(BriefError, match="cannot name"):
        brief.chart("../work", kind="dots", rows=work.rows("sex"), title=TITLE, base=BASE)


def test_tables_have_as_many_cells_as_columns(opened, work) -> None:
    brief, _ = opened
    with pytest.raises(BriefError, match="Row 0"):
        brief.table("t", columns=[TITLE], rows=[[TITLE, show(work.cell(sex=2))]], caption=TITLE)
    with pytest.raises(BriefError, match="not a way to show"):
        show(work.cell(sex=2), "per cent")


def test_charts_without_rows_or_sides_are_refused(opened, work) -> None:
    brief, _ = opened
    with pytest.raises(BriefError, match="no rows"):
        brief.chart("empty", kind="dots", rows=[], title=TITLE, base=BASE)
    with pytest.raises(BriefError, match="two sides"):
        brief.chart("effects", kind="effects", rows=work.rows("sex"), title=TITLE, base=BASE)


def test_constants_name_their_source_and_the_card_is_asked_by_path(opened) -> None:
    brief, _ = opened
    assert brief.parameter("age_min").value == 15
    assert brief.parameter("population.age_min").source.startswith("survey card")
    assert brief.parameter("wave").value == 2026
    with pytest.raises(BriefError, match="names no source"):
        brief.constant("limit", 30, source=" ")
    with pytest.raises(BriefError, match="neither"):
        brief.parameter("nowhere")


def test_unknown_facts_and_facts_without_a_population_are_refused(opened) -> None:
    brief, _ = opened
    with pytest.raises(BriefError, match="no published fact"):
        brief.fact("F999999")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"survey": "tiiny"}, "no card"),
        ({"survey": "tiny", "wave": 1999}, "wave"),
        ({"survey": "tiny", "geography": "Atlantis"}, "Atlantis"),
    ],
)
def test_opening_on_something_unknown_says_what_there_is(tiny: Path, given: dict, message: str) -> None:
    with pytest.raises(ParameterError, match=message) as error:
        authoring.open_brief("tiny", emit=Collected(), **given)
    assert error.value.remedy


def test_every_block_has_a_preview_with_escaped_labels(tiny_blocks, opened) -> None:
    handles = {
        block.id: type("H", (), {"block": block})() for block in tiny_blocks if isinstance(block, EstimatesBlock)
    }
    for block in tiny_blocks:
        shown = preview(block, handles)
        assert shown.startswith("<div") and "<script>" not in shown


def test_blocks_come_back_from_a_notebook_in_order(tiny_blocks) -> None:
    from masar_research.briefs.blocks import MIME

    cells = [{"cell_type": "code", "outputs": [{"data": {MIME: dump(block)}}]} for block in tiny_blocks]
    assert tuple(collect({"cells": cells})) == tiny_blocks
    with pytest.raises(BriefError, match="no brief"):
        collect({"cells": []})


def test_chart_rows_keep_labels_of_both_languages(tiny_blocks) -> None:
    figure = next(block for block in tiny_blocks if isinstance(block, FigureBlock))
    assert {entry.label.ar for entry in figure.rows} >= {"نساء", "رجال", "كفر"}
