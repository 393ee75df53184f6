"""A brief of a study whose design is a preset: what was found in the file reaches the header."""

from __future__ import annotations

import pandas as pd
import pytest

from masar_research.briefs.header import opened

PLAIN = "design: {weights: weight, strata: stratum, psu: psu, lonely_psu: raise, clustered: true}"


@pytest.fixture
def with_preset(own_tiny):
    """The tiny project with its design read by a preset from columns of other names."""

    def make(preset: str, **names: str):
        surveys = own_tiny / "data" / "surveys"
        for wave in (2024, 2026):
            path = surveys / f"tiny_{wave}.csv"
            rows = pd.read_csv(path).rename(columns=names)
            rows.drop(columns=[c for c in ("stratum", "psu") if c not in names.values()], errors="ignore").to_csv(
                path, index=False
            )
        card = (surveys / "tiny.yml").read_text(encoding="utf-8").replace(PLAIN, f"design: {{preset: {preset}}}")
        kept = [line for line in card.splitlines() if not line.startswith(("  weight:", "  stratum:", "  psu:"))]
        (surveys / "tiny.yml").write_text("\n".join(kept) + "\n", encoding="utf-8")
        return opened("tiny", 2026, "JO", "nchs")

    return make


def test_units_and_strata_found_by_the_preset_are_counted(with_preset):
    header = with_preset("mics", weight="wmweight", stratum="stratum", psu="HH1").header
    assert header["facts"]["psus"] == 40 and header["facts"]["strata"] == 4
    assert header["clustered"] and header["lonely_psu"] == "centre" and header["replicates"] is None


def test_a_file_without_units_says_so_in_both_languages(with_preset):
    study = with_preset("arab_barometer", weight="wt")
    note = study.header["card"]["design.note"]
    assert not study.header["clustered"]
    assert "ignore clustering" in note.en and "العنقدة" in note.ar
    pooled, _ = study.pool()
    assert len(pooled) == 1200
