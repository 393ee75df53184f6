"""``load``: where files and cards are found, checksums, designs that cannot be right."""

import numpy as np
import pandas as pd
import pyreadstat
import pytest

from masar_research.errors import CardError, DataError, DesignError
from masar_research.loading import load, read, read_card
from masar_research.loading.places_of_files import find_card, find_file, home

T = "{en: A, ar: ب}"
CARD = f"""\
study: small
title: {T}
population: {{en: Adults, ar: بالغون, nationality: all_residents, age_min: 15}}
design: {{weights: w, strata: h, psu: psu}}
waves:
  2024: {{file: ../raw/small_2024.sav, fieldwork: {{start: 2024-03-01, end: 2024-04-01}}}}
  2026: {{file: ../raw/small_2026.sav, fieldwork: {{start: 2026-03-01, end: 2026-04-01}}}}
variables:
  w: {{from: w, level: numeric, label: {T}}}
  h: {{from: h, level: numeric, label: {T}}}
  psu: {{from: p, level: numeric, label: {T}}}
  y: {{from: y, label: {T}, codes: {{1: {T}, 0: {T}}}}}
weighting: [{{step: trim, upper: "median + 6*iqr"}}]
disclosure: {{strategy: {T}, sponsor: {T}, tools: {T}, population: {T}, sample: {T}, mode: {T}, processing: {T}, limitations: {T}}}
"""


def frame(seed, n=80):
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "w": rng.uniform(1, 3, n),
            "h": np.repeat([1.0, 2.0], n // 2),
            "p": np.repeat(np.arange(n / 10), 10),
            "y": rng.integers(0, 2, n).astype(float),
        }
    )


def save(path, data):
    path.parent.mkdir(parents=True, exist_ok=True)
    pyreadstat.write_sav(data, str(path))
    return path


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.setenv("MASAR_HOME", str(tmp_path))
    monkeypatch.setenv("MASAR_NO_CACHE", "1")
    monkeypatch.delenv("MASAR_REAL_DATA", raising=False)
    folder = tmp_path / "data" / "surveys"
    folder.mkdir(parents=True)
    (folder / "small.yml").write_text(CARD, encoding="utf-8")
    for year in (2024, 2026):
        save(tmp_path / "data" / "raw" / f"small_{year}.sav", frame(year))
    return tmp_path


def change(project, before, after):
    path = project / "data" / "surveys" / "small.yml"
    text = path.read_text(encoding="utf-8")
    assert before in text
    path.write_text(text.replace(before, after), encoding="utf-8")


def test_by_name_by_path_and_by_card(project):
    path = project / "data" / "surveys" / "small.yml"
    surveys = [
        load("small", wave=2026),
        load(path, wave=2026),
        load(str(path), wave=2026),
        load("data/surveys/small.yml", wave=2026),
        load(read_card(path), wave=2026),
    ]
    assert all(survey.frame.equals(surveys[0].frame) for survey in surveys)
    assert (
        surveys[0].card.study == "small"
        and surveys[0].checksum == read(project / "data" / "raw" / "small_2026.sav").checksum
    )


def test_the_design_is_the_cards_and_weighting_steps_are_left_alone(project):
    survey = load("small", wave=2026)
    assert survey.design.n_units == 8 and survey.design.n_strata == 2 and survey.design.df == 6
    assert np.array_equal(survey.design.weights, frame(2026)["w"]) and survey.history == ()


def test_pooled_waves_share_units(project):
    survey = load("small")
    assert len(survey.frame) == 160
    means = survey.mean("y", by="wave").frame
    for k, year in enumerate((2024, 2026)):
        assert means["estimate"].iloc[k] == pytest.approx(
            np.average(frame(year)["y"], weights=frame(year)["w"])
        )
    vcov = survey.mean("y", by="wave").vcov
    assert vcov[0, 1] != 0


def test_files_are_found_beside_the_card_then_real_data_then_raw(project, monkeypatch):
    card = project / "data" / "surveys" / "small.yml"
    change(project, "../raw/small_2026.sav", "small_2026.sav")
    assert find_file("small_2026.sav", card) == project / "data" / "raw" / "small_2026.sav"
    real = save(project / "elsewhere" / "deep" / "small_2026.sav", frame(1))
    monkeypatch.setenv("MASAR_REAL_DATA", str(project / "elsewhere"))
    assert find_file("small_2026.sav", card) == real
    beside = save(card.parent / "small_2026.sav", frame(2))
    assert find_file("small_2026.sav", card) == beside
    beside.unlink()
    save(project / "elsewhere" / "other" / "small_2026.sav", frame(3))
    with pytest.raises(DataError, match="several places"):
        load("small", wave=2026)


def test_an_absent_file_says_where_to_put_it(project):
    (project / "data" / "raw" / "small_2026.sav").unlink()
    with pytest.raises(DataError, match=r"small_2026\.sav") as caught:
        load("small", wave=2026)
    assert "data/raw/" in caught.value.remedy and "MASAR_REAL_DATA" in caught.value.remedy and caught.value.ar
    assert len(load("small", wave=2024).frame) == 80


def test_a_corrupt_file_is_an_error_not_a_survey(project):
    path = project / "data" / "raw" / "small_2026.sav"
    path.write_bytes(path.read_bytes()[:700])
    with pytest.raises(DataError, match="small_2026"):
        load("small", wave=2026)


def test_the_checksum_is_compared(project):
    path = project / "data" / "raw" / "small_2026.sav"
    good = read(path).checksum
    change(project, "small_2026.sav,", f'small_2026.sav, checksum: "{good}",')
    assert load("small", wave=2026).checksum == good
    changed = frame(2026)
    changed.loc[3, "y"] = 1 - changed.loc[3, "y"]
    save(path, changed)
    with pytest.raises(CardError, match="not the one declared") as caught:
        load("small", wave=2026)
    assert "line" in str(caught.value) and good in str(caught.value)


def test_unknown_studies_offer_near_names(project):
    with pytest.raises(CardError) as caught:
        load("smal")
    assert "small" in caught.value.remedy
    with pytest.raises(CardError, match="gone.yml"):
        load("data/surveys/gone.yml")
    assert find_card("small").name == "small.yml" and home() == project


@pytest.mark.parametrize(
    "fault, word",
    [
        (lambda f: f.assign(w=f["w"].where(f.index != 4)), "weight"),
        (lambda f: f.assign(w=f["w"].where(f.index != 4, -1.0)), "negative"),
        (lambda f: f.assign(w=0.0), "zero"),
        (lambda f: f.assign(h=f["h"].where(f.index != 4)), "strat"),
        (lambda f: f.assign(p=f["p"].where(f.index != 4)), "psu|unit"),
        (lambda f: f.assign(h=f["h"].where(f["p"] != 0, 3.0)), "strat"),
    ],
)
def test_designs_that_cannot_be_right(project, fault, word):
    save(project / "data" / "raw" / "small_2026.sav", fault(frame(2026)))
    with pytest.raises(DesignError, match=rf"(?i){word}") as caught:
        load("small", wave=2026)
    assert caught.value.remedy


def test_unclustered_studies_say_so(project):
    change(
        project,
        "design: {weights: w, strata: h, psu: psu}",
        f"design: {{weights: w, clustered: false, note: {T}}}",
    )
    survey = load("small", wave=2026)
    assert (
        survey.design.n_units == 80
        and survey.card.design.clustered is False
        and survey.card.design.note["ar"] == "ب"
    )


def test_cache_on_and_off_give_one_survey(project, monkeypatch):
    bare = load("small", wave=2026)
    monkeypatch.delenv("MASAR_NO_CACHE")
    load("small", wave=2026)
    assert (project / ".cache").is_dir()
    kept, off = load("small", wave=2026), load("small", wave=2026, cache=False)
    assert kept.frame.equals(bare.frame) and off.frame.equals(bare.frame) and kept.codebook == bare.codebook


def test_a_kobo_export_and_its_sav_twin_make_one_survey(project):
    """The same answers by two roads: codes, missing kinds and estimates agree."""
    import openpyxl

    data = frame(2026).round({"w": 3})
    save(project / "data" / "raw" / "small_2026.sav", data)
    book = openpyxl.Workbook()
    book.active.append(["g/w", "g/h", "g/p", "g/y"])
    for row in data.itertuples(index=False):
        book.active.append([row.w, int(row.h), int(row.p), int(row.y)])
    book.save(project / "data" / "raw" / "small.xlsx")
    form = openpyxl.Workbook()
    form.active.title = "survey"
    for row in [
        ["type", "name", "label::English (en)", "label::Arabic (ar)"],
        ["begin_group", "g", "G", "ج"],
        ["decimal", "w", "W", "و"],
        ["integer", "h", "H", "ط"],
        ["integer", "p", "P", "ع"],
        ["select_one yn", "y", "Y", "س"],
        ["end_group", None, None, None],
    ]:
        form.active.append(row)
    choices = form.create_sheet("choices")
    for row in [
        ["list_name", "name", "label::English (en)", "label::Arabic (ar)"],
        ["yn", 1, "Yes", "نعم"],
        ["yn", 0, "No", "لا"],
    ]:
        choices.append(row)
    form.save(project / "data" / "raw" / "form.xlsx")
    twin = load("small", wave=2026)
    change(project, "../raw/small_2026.sav,", "small.xlsx, form: form.xlsx,")
    survey = load("small", wave=2026)
    pd.testing.assert_frame_equal(survey.frame, twin.frame, check_exact=True)
    assert survey.mean("y").frame.equals(twin.mean("y").frame)


def test_one_wave_of_a_study_with_population_counts(project):
    """A wave by itself has its correction, and pooled waves of one frame theirs."""
    for year in (2024, 2026):
        data = frame(year).assign(blocks=8.0)
        save(project / "data" / "raw" / f"small_{year}.sav", data)
    change(project, "psu: psu}", "psu: psu, fpc: blocks}")
    change(project, "  y: {", f"  blocks: {{from: blocks, level: numeric, label: {T}}}\n  y: {{")
    one = load("small", wave=2026)
    assert one.design.describe()["fpc"]
    full = load(read_card(project / "data" / "surveys" / "small.yml"), wave=2024).mean("y").frame["std_error"][0]
    change(project, ", fpc: blocks", "")
    assert full == pytest.approx(load("small", wave=2024).mean("y").frame["std_error"][0] * np.sqrt(0.5), rel=1e-12)
    change(project, "psu: psu}", "psu: psu, fpc: blocks}")
    pooled = load("small").mean("y", by="wave")
    assert pooled.frame["std_error"].iloc[0] == pytest.approx(full, rel=1e-12)
    assert pooled.vcov[0, 1] != 0


def test_lonely_strata_merge_as_the_card_says(project):
    """Stratum 3 holds one PSU; `part` puts it with stratum 1."""
    data = frame(2026)
    data["h"] = data["h"].where(data["p"] != 0, 3.0)
    data["part"] = np.where(data["h"] == 2, 2.0, 1.0)
    save(project / "data" / "raw" / "small_2026.sav", data)
    change(project, "psu: psu}", "psu: psu, lonely_psu: collapse}")
    with pytest.raises(CardError, match="belong together"):
        load("small", wave=2026)
    change(project, "lonely_psu: collapse}", "lonely_psu: collapse, collapse: part}")
    with pytest.raises(CardError, match="part"):
        load("small", wave=2026)
    change(project, "  y: {", f"  part: {{from: part, level: numeric, label: {T}}}\n  y: {{")
    merged = load("small", wave=2026)
    assert (merged.design.n_strata, merged.design.df) == (2, 6)
    save(project / "data" / "raw" / "small_2026.sav", frame(2026))
    change(project, ", lonely_psu: collapse, collapse: part", "")
    change(project, f"  part: {{from: part, level: numeric, label: {T}}}\n", "")
    plain = load("small", wave=2026).mean("y").frame["std_error"][0]
    assert merged.mean("y").frame["std_error"][0] == plain
