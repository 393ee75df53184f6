"""Drafts of cards: what the file says, guesses marked, nothing loaded before a person has decided."""

import os

import numpy as np
import pandas as pd
import pyreadstat
import pytest
from typer.testing import CliRunner

from masar_research.cli import app
from masar_research.errors import CardError, DataError
from masar_research.loading import draft, harmonisation_report, load, read_card
from masar_research.loading.undecided import undecided
from masar_research.loading.yaml_lines import read_yaml


@pytest.fixture(autouse=True)
def alone(monkeypatch):
    monkeypatch.setenv("MASAR_NO_CACHE", "1")
    monkeypatch.delenv("MASAR_REAL_DATA", raising=False)


@pytest.fixture
def sav(tmp_path):
    n = 60
    frame = pd.DataFrame({
        "wt": np.linspace(0.5, 2, n), "block": np.repeat(np.arange(6.0), 10), "Q 1": np.tile([1.0, 2.0], n // 2),
        "q2": np.tile([18.0, 45.0, 99.0], n // 3), "q3": np.tile([1.0, 2.0, 3.0, 4.0, 5.0, 9.0], n // 6),
        "q4": np.tile([1.0, 2.0, 8.0], n // 3), "hoh": np.tile([1.0, 2.0], n // 2), "empty": np.nan,
        "wave": 1.0, "note": ["text"] * n,
    }).rename(columns={"Q 1": "Q1"})  # fmt: skip
    labels = {
        "wt": "Weight", "block": "Primary sampling unit", "Q1": "الجنس", "q2": "Age of respondent",
        "q3": "Level of education", "q4": "A very long question " * 14, "hoh": "Sex of the head of household",
    }  # fmt: skip
    values = {
        "Q1": {1: "ذكر", 2: "أنثى"}, "q2": {99: "Refused"}, "hoh": {1: "Male", 2: "Female"},
        "q3": {1: "Illiterate", 2: "Primary", 3: "High school", 4: "Bachelor", 5: "Something else", 9: "Don't know"},
        "q4": {1: "1. Yes", 2: "2. No", 8: "8. Refused"},
    }  # fmt: skip
    path = tmp_path / "survey_2025.sav"
    pyreadstat.write_sav(frame, path, column_labels=labels, variable_value_labels=values)
    return path


def test_a_draft_passes_the_schema_and_marks_what_it_guessed(sav, tmp_path):
    card = draft(sav, tmp_path / "cards" / "s.yml")
    names = card.variables
    assert card.draft and list(card.waves) == [2025] and card.waves[2025].file == "../survey_2025.sav"
    assert {n for n, v in names.items() if v.guess} >= {"sex", "age", "education", "base_weight", "psu"}
    assert names["sex"].from_ == "Q1" and names["sex"].recode == {1: 1, 2: 2}
    assert names["age"].missing == {99: "refused"} and names["age_adult"].bands.of == "age"
    assert names["education"].recode == {1: 1, 2: 2, 3: 3, 4: 5} and names["education"].missing == {9: "dont_know"}
    assert "hoh" in names and names["hoh"].guess is None and "wave_asked" in names and "empty" not in names
    assert names["q4"].codes[1]["en"] == "Yes" and len(names["q4"].label["en"]) < 200 < len(names["q4"].question["en"])
    assert names["hoh"].label["ar"].startswith("TODO") and names["Q1" if "Q1" in names else "sex"].label["ar"] == "الجنس"
    assert card.design.psu == "psu" and card.design.strata is None


def test_a_draft_is_reported_but_not_loaded(sav, tmp_path):
    path = tmp_path / "s.yml"
    card = draft(sav, path, columns=["wt", "block", "Q1", "q2"])
    with pytest.raises(CardError, match="the card is a draft") as caught:
        load(card)
    assert "line" in caught.value.what and "guess" in caught.value.what and caught.value.ar
    assert harmonisation_report(card).rows == {2025: 60}
    # taking draft: true out does not help while anything is open
    path.write_text(path.read_text(encoding="utf-8").replace("draft: true\n", ""), encoding="utf-8")
    with pytest.raises(CardError, match="decisions are open"):
        read_card(path)


def test_a_person_decides_and_the_card_loads(sav, tmp_path):
    path = tmp_path / "s.yml"
    draft(sav, path, columns=["wt", "block", "Q1", "q2"])
    lines = path.read_text(encoding="utf-8").replace("TODO ", "").replace("draft: true\n", "").splitlines()
    path.write_text("\n".join(line for line in lines if not line.strip().startswith("guess:")), encoding="utf-8")
    survey = load(path)
    assert survey.frame["sex"].value_counts().to_dict() == {1.0: 30, 2.0: 30} and survey.design.n_units == 6
    assert np.isnan(survey.values("age")).sum() == 20


def test_an_education_that_is_not_placed_stops_until_it_is(sav, tmp_path):
    card = draft(sav, tmp_path / "s.yml")
    assert "without a place: 5 Something else" in (tmp_path / "s.yml").read_text(encoding="utf-8")
    with pytest.raises(CardError, match=r"5 \(Something else\) in 10 rows"):
        harmonisation_report(card)


def test_without_weights_every_row_counts_once_and_that_is_a_guess_too(tmp_path):
    pd.DataFrame({"a": [1, 2, 3], "b": ["x", "y", "z"]}).to_csv(tmp_path / "plain.csv", index=False)
    card = draft(tmp_path / "plain.csv", tmp_path / "s.yml")
    assert card.variables["base_weight"].guess == "no column of weights was found" and not card.design.clustered
    assert list(card.waves) == ["first"]


def test_a_preset_takes_the_design_over(tmp_path):
    frame = pd.DataFrame({"mv005": [1e6, 2e6], "mv021": [1.0, 2.0], "mv022": [1.0, 1.0], "mv012": [20.0, 30.0]})
    pyreadstat.write_dta(frame, tmp_path / "men.dta", column_labels=["men's sample weight", "psu", "stratum", "current age"])
    card = draft(tmp_path / "men.dta", tmp_path / "s.yml", preset="dhs")
    assert card.design.preset == "dhs" and "base_weight" not in card.variables and card.variables["age"].from_ == "mv012"
    with pytest.raises(CardError, match="is not a preset"):
        draft(tmp_path / "men.dta", tmp_path / "t.yml", preset="dsh")


def test_what_is_there_is_not_overwritten_and_a_wrong_column_is_named(sav, tmp_path):
    draft(sav, tmp_path / "s.yml", columns=["q*"])
    with pytest.raises(CardError, match=r"There is a card s\.yml already"):
        draft(sav, tmp_path / "s.yml")
    with pytest.raises(DataError, match="no column 'zz"):
        draft(sav, tmp_path / "t.yml", columns=["zz*"])


def test_hostile_names_and_labels_make_a_card_that_can_be_read(tmp_path):
    nasty = {'x: {y}': [1, 2], '"quoted"': [3, 4], "# hash": [5, 6], "عمود": [7, 8], "1st": [9, 1], "wave": [1, 1]}
    pd.DataFrame(nasty).to_csv(tmp_path / "n.csv", index=False)
    card = draft(tmp_path / "n.csv", tmp_path / "s.yml")
    assert {v.from_ for v in card.variables.values()} >= set(nasty)
    assert list(harmonisation_report(card).rows.values()) == [2]


def test_the_command_line(sav, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run = CliRunner()
    made = run.invoke(app, ["card", "new", str(sav), "--columns", "Q1", "--columns", "q2"])
    path = tmp_path / "data" / "surveys" / "survey_2025.yml"
    assert made.exit_code == 0 and path.is_file() and "decisions open" in made.output
    open_points = len(list(undecided(read_yaml(path).tree)))
    checked = run.invoke(app, ["card", "check", str(path)])
    assert checked.exit_code == 1 and f"{open_points} decisions open" in checked.output
    told = run.invoke(app, ["card", "report", str(path), "--out", "pages"])
    assert told.exit_code == 0, told.output
    assert sorted(os.listdir("pages")) == ["survey_2025.ar.html", "survey_2025.en.html"]
