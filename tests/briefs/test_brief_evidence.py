"""Strength of evidence and disclosure are computed from what is declared."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import masar_research as mr
from masar_research.briefs import disclosure, gate
from masar_research.briefs.blocks import EstimatesBlock, EvidenceBlock, FigureBlock, Header, MessageBlock
from masar_research.briefs.compose.passages import Whole, headline_deff
from masar_research.briefs.document import Box, Items, plain
from masar_research.briefs.evidence import DOMAINS, LEVELS, START, strength
from masar_research.briefs.header import survey_facts
from masar_research.briefs.refs import CellRef
from masar_research.errors import BriefError

FIRM = {"hidden": False, "n_eff": 900.0}


@pytest.mark.parametrize(
    ("start", "given", "level"),
    [
        ("probability_survey", {}, "high"),
        ("rct", {}, "high"),
        ("did", {}, "moderate"),
        ("matched", {}, "low"),
        ("pre_post", {}, "very_low"),
        ("opt_in", {}, "very_low"),
        ("probability_survey", {"limitations": ["measurement"]}, "moderate"),
        ("probability_survey", {"limitations": ["measurement", "reporting"]}, "low"),
        ("probability_survey", {"n_eff": 99.0}, "low"),
        ("probability_survey", {"n_eff": None}, "low"),
        ("probability_survey", {"hidden": True}, "very_low"),
        ("probability_survey", {"clustered": False}, "moderate"),
        ("probability_survey", {"clustered": False, "limitations": ["risk_of_bias"]}, "moderate"),
        ("probability_survey", {"low": 0.1, "high": 0.2, "threshold": 0.15}, "moderate"),
        ("probability_survey", {"low": 0.1, "high": 0.2, "threshold": 0.25}, "high"),
    ],
)
def test_the_label_follows_the_rules(start: str, given: dict, level: str) -> None:
    found = strength(start, **(FIRM | given))
    assert found.level == level
    assert bool(found.reasons) == (level != START[start] or bool(given.get("n_eff", 1) is None))


@given(st.sampled_from(sorted(START)), st.lists(st.sampled_from(DOMAINS), unique=True), st.booleans())
def test_a_limitation_never_raises_the_label(start: str, limitations: list[str], clustered: bool) -> None:
    bare = strength(start, **FIRM).level
    judged = strength(start, limitations=limitations, clustered=clustered, **FIRM).level
    assert LEVELS.index(judged) >= LEVELS.index(bare)
    more = strength(start, limitations=DOMAINS, clustered=clustered, **FIRM).level
    assert LEVELS.index(more) >= LEVELS.index(judged)


def test_unknown_designs_and_domains_are_refused() -> None:
    with pytest.raises(BriefError, match="not a design"):
        strength("guess", **FIRM)
    with pytest.raises(BriefError, match="not a domain"):
        strength("rct", limitations=["weather"], **FIRM)


def test_the_margin_of_error_is_the_textbook_one() -> None:
    assert math.isclose(disclosure.margin_of_error(1000, 1.0, 1e9), 1.96 * math.sqrt(0.25 / 1000), rel_tol=1e-4)
    assert math.isclose(
        disclosure.margin_of_error(1000, 2.0, 60) / disclosure.margin_of_error(1000, 1.0, 60), math.sqrt(2)
    )


def parts(blocks):
    header = next(block for block in blocks if isinstance(block, Header))
    sets = [block for block in blocks if isinstance(block, EstimatesBlock)]
    return header, sets, [block for block in blocks if isinstance(block, FigureBlock)]


def test_eleven_items_are_filled_and_ordered(tiny_blocks) -> None:
    found = disclosure.items(*parts(tiny_blocks), None, False)
    assert [item.name for item in found] == [name for name, *_ in disclosure.ITEMS] and len(found) == 11
    assert all(item.parts and item.en and item.ar for item in found)


@pytest.mark.parametrize("name", ["strategy", "sponsor", "tools", "sample", "mode", "processing", "limitations"])
def test_an_empty_item_stops_the_brief(tiny_blocks, name: str) -> None:
    header, sets, figures = parts(tiny_blocks)
    less = {key: text for key, text in header.disclosure.items() if key != name}
    with pytest.raises(BriefError, match=name):
        disclosure.items(header.model_copy(update={"disclosure": less}), sets, figures, None, False)
    blank = header.disclosure | {name: header.disclosure[name].model_copy(update={"ar": " "})}
    with pytest.raises(BriefError, match=name):
        disclosure.items(header.model_copy(update={"disclosure": blank}), sets, figures, None, False)


def test_short_limitations_stop_the_brief(tiny_blocks) -> None:
    header, sets, figures = parts(tiny_blocks)
    short = header.disclosure | {"limitations": header.disclosure["sponsor"]}
    with pytest.raises(BriefError, match="words in"):
        disclosure.items(header.model_copy(update={"disclosure": short}), sets, figures, None, False)


def test_no_margin_of_error_without_a_random_sample(tiny_blocks) -> None:
    header, sets, figures = parts(tiny_blocks)

    def sizes(opt_in, deff=2.0, **update) -> str:
        found = disclosure.items(header.model_copy(update=update), sets, figures, deff, opt_in)
        item = next(item for item in found if item.name == "sizes")
        return " ".join(part.en for part in item.parts)

    assert "Margin of error" in sizes(False)
    for refused in (sizes(True), sizes(False, probability=False)):
        assert "Margin of error" not in refused and "not drawn at random" in refused
    assert "design effect {deff} included" in sizes(False)
    assert "weights only" in sizes(False, clustered=False)
    assert "weights only" in sizes(False, deff=None)


def test_the_margin_of_error_has_the_design_effect_of_a_share_not_of_the_weights(tiny_composed, tiny_blocks) -> None:
    items = next(e for e in tiny_composed.documents["en"].elements if isinstance(e, Items) and e.id == "disclosure")
    work = next(block for block in tiny_blocks if isinstance(block, EstimatesBlock) and block.id == "work")
    assert f"design effect {work.rows[1].deff:.2f} included" in " ".join(plain(text) for _, text in items.items)


def test_a_difference_has_no_design_effect_so_the_headline_of_the_evidence_gives_it(tiny_blocks) -> None:
    gated = gate.decide(tiny_blocks)

    class Voice:
        """What the passage asks of a voice: cells of the gate."""

        def cell(self, ref):
            return gated[ref]

        def hidden(self, ref) -> bool:
            return gated[ref].hidden

    def refer(name: str, row: int = 0) -> CellRef:
        return CellRef(set=name, row=row)

    def deff(figure: CellRef, headline: CellRef) -> float | None:
        first = next(block for block in tiny_blocks if isinstance(block, MessageBlock))
        held = (
            first.model_copy(update={"figure": figure}),
            EvidenceBlock(brief="tiny", headline=headline, start="probability_survey"),
        )
        whole = Whole(blocks=held, facts_used=(), title=(), version="", date="2026-06-01")
        return headline_deff(Voice(), whole)

    rows = {block.id: block.rows for block in tiny_blocks if isinstance(block, EstimatesBlock)}
    assert deff(refer("gap"), refer("work", 1)) == rows["work"][1].deff
    assert deff(refer("work", 0), refer("work", 1)) == rows["work"][0].deff
    assert deff(refer("place", 3), refer("gap")) is None  # withheld, and a difference



def test_the_pages_carry_both(tiny_composed) -> None:
    for document in tiny_composed.documents.values():
        items = next(e for e in document.elements if isinstance(e, Items) and e.id == "disclosure")
        assert len(items.items) == 11
        badge = next(e for e in document.elements if isinstance(e, Box) and e.id == "evidence").badge
        assert plain(badge) in ("Very low", "ضعيف جداً")
        assert ".." not in " ".join(plain(text) for _, text in items.items)


def test_synthetic_data_are_evidence_of_nothing():
    found = strength("probability_survey", hidden=False, n_eff=900.0, synthetic=True)
    assert found.level == "very_low" and found.reasons == ("synthetic",)


def test_units_without_weight_are_not_counted_among_those_sampled() -> None:
    """PSUs − strata is the degrees of freedom printed beside them, whatever rows carry no weight."""
    frame = pd.DataFrame({"w": [1.0, 2, 3, 2, 1, 1, 0, 0], "h": [1, 1, 1, 1, 2, 2, 2, 2], "p": [1, 1, 2, 2, 3, 4, 5, 5]})
    facts = survey_facts(mr.Survey(frame, weights="w", strata="h", psu="p"))
    assert (facts["psus"], facts["strata"], facts["df"]) == (4, 2, 2)
    assert (facts["rows"], facts["interviews"]) == (8, 6)
    assert facts["weight_deff"] == pytest.approx(6 * 20 / 10**2)
    assert facts["weight_cv"] == pytest.approx(np.std(frame["w"][:6]) / np.mean(frame["w"][:6]))
    assert facts["n_eff_weights"] == pytest.approx(5.0)
