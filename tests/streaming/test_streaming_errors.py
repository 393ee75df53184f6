"""What a file cannot be, and what cannot be asked of it: named, with what to do, in both languages."""

from __future__ import annotations

import pickle
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import masar_research as mr
from masar_research import replicates
from masar_research.errors import DataError, DesignError, EstimationError

sys.path.insert(0, str(Path(__file__).parent))
from streaming_files import rows, write  # noqa: E402

PLAIN = {"weights": "w", "strata": "h", "psu": "p"}


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    return rows()


@pytest.fixture(scope="module")
def survey(frame, tmp_path_factory):
    return mr.scan(write(frame, tmp_path_factory.mktemp("whole")), **PLAIN)


def _both(frame: pd.DataFrame, place: Path, **design):
    """The messages of the same declaration in memory and on files."""
    with pytest.raises(DesignError) as memory:
        mr.Survey(frame, **design)
    with pytest.raises(DesignError) as files:
        mr.scan(write(frame, place), **design, block_rows=120)
    return memory.value, files.value


@pytest.mark.parametrize(
    ("column", "value"), [("w", np.nan), ("w", -1.0), ("w", np.inf), ("h", np.nan), ("p", np.nan)]
)
def test_faults_of_weights_and_labels_are_those_of_a_survey_in_memory(frame, tmp_path, column, value):
    wrong = frame.copy()
    wrong[column] = wrong[column].astype(float)
    wrong.loc[[3, 700, 1400], column] = value
    memory, files = _both(wrong, tmp_path, **PLAIN)
    assert files.what == memory.what and "3, 700, 1400" in files.what
    assert files.remedy == memory.remedy


def test_lonely_strata_are_named(frame, tmp_path):
    lonely = frame[(frame["h"] != 3) | (frame["p"] == 2)].reset_index(drop=True)
    memory, files = _both(lonely, tmp_path, **PLAIN)
    assert str(files) == str(memory) and "3" in files.what


def test_a_population_smaller_than_its_sample(frame, tmp_path):
    memory, files = _both(frame.assign(f1=3.0), tmp_path, **PLAIN, fpc="f1")
    assert str(files) == str(memory)


@pytest.mark.parametrize(
    "design",
    [
        PLAIN | {"psu": "nobody"}, PLAIN | {"weights": "k"}, PLAIN | {"lonely_psu": "guess"},
        PLAIN | {"lonely_psu": "collapse"}, PLAIN | {"replicates": replicates.JK1("rw*")},
        {"weights": "w", "replicates": replicates.JK1("zz*")},
    ],
    ids=["column", "text", "rule", "collapse", "both", "pattern"],
)  # fmt: skip
def test_declarations_that_cannot_be(frame, survey, tmp_path, design):
    _both(frame, tmp_path, **design)


def test_all_weights_zero(frame, tmp_path):
    memory, files = _both(frame.assign(w=0.0), tmp_path, **PLAIN)
    assert str(files) == str(memory)


def test_files_that_are_not_there_or_not_alike(frame, tmp_path):
    with pytest.raises(DataError, match="no file or directory"):
        mr.scan(tmp_path / "nothing", **PLAIN)
    with pytest.raises(DataError, match=r"ending in \.parquet"):
        mr.scan(tmp_path, **PLAIN)
    frame.iloc[:0].to_parquet(tmp_path / "a.parquet")
    with pytest.raises(DataError, match="hold no rows"):
        mr.scan(tmp_path / "a.parquet", **PLAIN)
    frame.drop(columns="x").to_parquet(tmp_path / "b.parquet")
    with pytest.raises(DataError, match="different columns: x"):
        mr.scan(tmp_path, **PLAIN)
    frame.to_parquet(tmp_path / "a.parquet")
    frame.assign(g="two").to_parquet(tmp_path / "b.parquet")
    with pytest.raises(DataError, match="'g' holds numbers in some files and text"):
        mr.scan(tmp_path, **PLAIN)
    (tmp_path / "b.parquet").write_text("a,b\n1,2\n")
    with pytest.raises(DataError, match="cannot be read as Parquet"):
        mr.scan(tmp_path, **PLAIN)
    with pytest.raises(DataError, match="block_rows"):
        mr.scan(tmp_path / "a.parquet", **PLAIN, block_rows=0)


def test_questions_that_cannot_be_answered(survey):
    with pytest.raises(DataError, match="Did you mean 'age'|no variable 'agee'"):
        survey.mean("agee")
    with pytest.raises(DataError, match="no variable"):
        survey.where("nobody == 1")
    with pytest.raises(EstimationError, match="Nobody in the survey satisfies"):
        survey.where("age > 500").mean("y")
    with pytest.raises(DataError, match="twice"):
        survey.mean("y", by=["g", "g"])
    with pytest.raises(EstimationError, match="confidence level"):
        survey.mean("y", level=95)
    with pytest.raises(DataError, match="cannot be averaged"):
        survey.mean("k")
    with pytest.raises(DataError, match="too many values"):
        survey._derive(source=survey.source).source.levels(("y",), most=100)


@pytest.mark.parametrize("verb", ["gini", "chi_square", "variance", "standardise", "frame", "values"])
def test_what_is_not_offered_says_what_to_do_in_both_languages(survey, verb):
    with pytest.raises(EstimationError) as error:
        getattr(survey, verb)
    assert verb in error.value.what and "read_parquet" in error.value.remedy
    assert verb in error.value.ar and "غير متاح" in error.value.ar
    with pytest.raises(AttributeError):
        survey.no_such_verb  # noqa: B018


def test_replicates_belong_to_the_whole_survey(survey):
    with pytest.raises(DesignError, match="whole survey"):
        survey.where("age > 20").with_replicates(replicates.JKn())
    with pytest.raises(DesignError, match="already"):
        survey.with_replicates(replicates.JKn()).with_replicates(replicates.JKn())
    with pytest.raises(DesignError, match="rng"):
        survey.with_replicates(replicates.RaoWu(10))


def test_too_many_units_name_the_remedy(frame, tmp_path, monkeypatch):
    from masar_research.streaming import units

    monkeypatch.setattr(units, "MOST_UNITS", 30)
    with pytest.raises(DesignError, match="psu="):
        mr.scan(write(frame, tmp_path), weights="w", strata="h")


def test_weights_by_row_of_a_file_cannot_be_mistaken_for_data(survey):
    assert np.isnan(survey.design.weights).all() and (survey.design.unit == -1).all()
    assert survey.design.weights.strides == (0,)


def test_errors_come_back_whole_from_other_processes():
    for kind in (DataError, DesignError, EstimationError):
        error = pickle.loads(pickle.dumps(kind("w", remedy="r", ar="ع")))
        assert type(error) is kind and (error.what, error.remedy, error.ar) == ("w", "r", "ع")
