"""A study known by its replicate weights: no PSUs, no strata, and a brief all the same."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest

import masar_research as mr
from masar_research import replicates
from masar_research.briefs.header import survey_facts
from masar_research.briefs.runner import build

NUMBER = 30
PLAIN = "design: {weights: weight, strata: stratum, psu: psu, lonely_psu: raise, clustered: true}"


@pytest.fixture
def replicated(own_tiny):
    """The tiny project, its files with bootstrap weights instead of strata and PSUs."""
    from tiny_project import frame

    surveys = own_tiny / "data" / "surveys"
    for wave in (2024, 2026):
        rows = frame(wave)
        made = mr.Survey(rows, weights="weight", strata="stratum", psu="psu").with_replicates(
            replicates.RaoWu(NUMBER), rng=np.random.default_rng(wave)
        )
        weights = made.design.replicates.weights
        for r in range(NUMBER):
            rows[f"bsw{r + 1}"] = weights.rows(made.design, r)
        rows.drop(columns=["stratum", "psu"]).to_csv(surveys / f"tiny_{wave}.csv", index=False)
    card = (surveys / "tiny.yml").read_text(encoding="utf-8")
    said = 'design: {weights: weight, replicates: {type: Bootstrap, columns: "bsw*", across_waves: independent}}'
    lines = [line for line in card.replace(PLAIN, said).splitlines() if not line.startswith(("  stratum:", "  psu:"))]
    assert said in lines
    (surveys / "tiny.yml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return own_tiny


def test_a_brief_of_replicate_weights_is_built_and_says_so(replicated, cells_here):
    report = build("tiny", survey="tiny", date="2026-06-01", out=replicated / "reports").path
    english, arabic = ((report / f"tiny.{lang}.html").read_text(encoding="utf-8") for lang in ("en", "ar"))
    assert f"{NUMBER} bootstrap replicate weights" in plain(english) and "أوزان مكررة" in plain(arabic)
    assert "sampling units in" not in plain(english) and "Sampling units:" not in plain(english)
    assert "عدد وحدات المعاينة" not in plain(arabic) and "وحدات المعاينة:" not in plain(arabic)
    ledger = json.loads(next(report.rglob("ledger.json")).read_text(encoding="utf-8"))
    designs = [entry["design"] for entry in json_entries(ledger) if "design" in entry]
    assert designs and all(design["replicates"] == "Bootstrap" for design in designs)


def plain(page: str) -> str:
    return re.sub("<[^>]+>", "", page)


def json_entries(node):
    if isinstance(node, dict):
        yield node
        for value in node.values():
            yield from json_entries(value)
    elif isinstance(node, list):
        for value in node:
            yield from json_entries(value)


def test_the_header_knows_replicates_and_no_units(replicated):
    survey = mr.load("tiny", wave=2026)
    facts = survey_facts(survey)
    assert facts["psus"] is None and facts["strata"] is None
    assert facts["replicates"] == NUMBER and facts["df"] == survey.design.df == NUMBER - 1
    row = survey.proportion("works").frame.iloc[0]
    assert row["df"] == NUMBER - 1
