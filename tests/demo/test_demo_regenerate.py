"""Made again, the files have the same content."""

from __future__ import annotations

import json

import numpy as np
import pytest

WAVES = (2022, 2024, 2026)


def test_the_committed_samples_are_those_the_program_draws(pop, raw):
    from generator.build import the_draw

    for wave in WAVES:
        drawn = the_draw(pop, wave).sort_values(["governorate", "psu"], kind="stable")
        frame = raw[wave].frame
        for name, column in (("psu", "psu"), ("status", "status"), ("sex", "sel_sex"), ("age", "sel_age")):
            got = drawn[name].to_numpy(float)
            known = np.isin(drawn["status"], (1, 2, 4, 6)) if name in ("sex", "age") else np.ones(len(drawn), bool)
            assert np.array_equal(got[known], frame[column].to_numpy(float)[known]), (wave, name)
        assert np.allclose(drawn["base_weight"], frame["base_weight"], atol=1e-6)


def test_true_labour_values_are_those_of_the_population(pop, truths):
    from generator.population import view
    from generator.truths import labour_truths

    made = labour_truths(view(pop, 2026))
    stored = truths["2026"]["labour"]
    for base in made:
        for sex in made[base]:
            for domain, cells in made[base][sex].items():
                for code, values in cells.items():
                    assert stored[base][sex][domain][code] == pytest.approx(values, rel=1e-9), (base, sex, domain, code)


@pytest.mark.full
def test_everything_made_again_has_the_same_content(tmp_path, demo, raw, monkeypatch):
    from generator.build import make_all
    from generator.population import the_population
    from masar_research.loading import read

    monkeypatch.setenv("MASAR_CACHE", str(tmp_path / "cache"))  # the population too is built anew
    the_population.cache_clear()
    try:
        make_all(tmp_path, tmp_path, lambda text: None)
    finally:
        the_population.cache_clear()
    for wave in WAVES:
        assert read(tmp_path / f"masar_demo_{wave}.sav").checksum == raw[wave].checksum
    form = {"form": demo / "masar_demo_xlsform.xlsx"}
    assert (read(tmp_path / "masar_demo_2026_kobo.xlsx", **form).checksum == read(demo / "masar_demo_2026_kobo.xlsx", **form).checksum)
    for name in ("margins.yml", "masar_demo.yml"):
        there = demo / name if name == "margins.yml" else demo.parent / "surveys" / name
        assert (tmp_path / name).read_text(encoding="utf-8") == there.read_text(encoding="utf-8")
    assert json.loads((tmp_path / "truths.json").read_text()) == json.loads((demo / "truths.json").read_text())
