"""What every statistic says of itself: each choice, in both languages, whichever the verb."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import masar_research as mr
from masar_research import verbs
from masar_research.errors import DesignError, EstimationError
from masar_research.note import Note
from masar_research.statistics.results import TestResult
from masar_research.streaming.survey import StreamedSurvey

TREE = Path(__file__).resolve().parents[2]
ARABIC = re.compile("[\u0600-\u06ff]")


def geometric_mean(weights, y):
    return np.exp(np.average(np.log(y + 1), weights=weights))


ESTIMATED = {
    "mean": lambda s: s.mean(["income", "hours"], by="governorate"),
    "total": lambda s: s.total("income", by=["region", "sex"]),
    "count": lambda s: s.count(by="governorate"),
    "ratio": lambda s: s.ratio("income", "hours", by="region"),
    "proportion": lambda s: s.proportion("education", by="governorate"),
    "quantile": lambda s: s.quantile("income", (0.1, 0.5), by="region"),
    "median": lambda s: s.median("income"),
    "variance": lambda s: s.variance("income", by="region"),
    "covariance": lambda s: s.covariance("income", "hours"),
    "correlation": lambda s: s.correlation("income", "hours", by="sex"),
    "percent_table": lambda s: s.percent_table("education", "sex"),
    "multi_response": lambda s: s.multi_response("k"),
    "standardise": lambda s: s.standardise("employed", "region", {1: 5, 2: 3, 3: 2}, by="sex"),
    "concentration": lambda s: s.concentration("hours", "income", by="region"),
    "reach": lambda s: s.reach("employed", "region"),
    "gini": lambda s: s.gini("income", by="region"),
    "lorenz": lambda s: s.lorenz("income"),
    "quintile_ratio": lambda s: s.quintile_ratio("income"),
    "fgt": lambda s: s.fgt("income", line=200, by="region"),
    "alkire_foster": lambda s: s.alkire_foster(["poor", "idle"], cutoff=0.5),
    "pay_gap": lambda s: s.pay_gap("income", "sex"),
    "statistic": lambda s: s.statistic(geometric_mean, "income"),
    "contrast": lambda s: s.mean("income", by="sex").contrast("2 - 1"),
    "pairwise": lambda s: s.mean("income", by="region").pairwise(),
    "ratio of rows": lambda s: s.mean("income", by="sex").ratio(2, 1),
    "odds_ratio": lambda s: s.proportion("employed", by="sex").odds_ratio(2, 1),
    "equivalence": lambda s: s.mean("income", by="sex").contrast("2 - 1").equivalence(-30, 30),
    "trend": lambda s: s.mean("income", by="region").trend(over="region").slope,
}
TESTED = {
    "chi_square": lambda s: s.chi_square("governorate", "old"),
    "chi_square by Wald": lambda s: s.chi_square("region", "sex", statistic="wald"),
    "goodness_of_fit": lambda s: s.goodness_of_fit("region", {1: 2, 2: 1, 3: 1}),
    "t_test": lambda s: s.t_test("income", by="sex"),
    "t_test of one": lambda s: s.t_test("income", null=300.0),
    "rank_test": lambda s: s.rank_test("income", "sex"),
    "joint": lambda s: s.mean("income", by="region").joint(["2 - 1", "3 - 1"]),
}
# Verbs that give no estimate: weights, other surveys, files; models and phases speak elsewhere.
OTHERWISE = frozenset((
    "weighting", "check", "with_replicates", "calibrate_second_phase", "first_phase", "phase_variances",
    "as_r_script", "source_of", "raw_rows", "harmonisation", "apply_codebook", "codebook_html",
    "codebook_ddi",
))  # fmt: skip


@pytest.fixture(scope="module")
def survey():
    d = pd.read_csv(TREE / "tests/oracles/jordan_like.csv")
    d["old"] = d["age"] // 15
    d["k/a"], d["k/b"] = (d["age"] > 40) * 1, (d["hours"] > 20) * 1
    d["poor"], d["idle"] = (d["income"] < 200) * 1, (d["hours"] < 10) * 1
    whole = mr.Survey(d, weights="weight", strata="stratum", psu="psu", lonely_psu="centre")
    return whole.where("age >= 20")


def test_every_verb_of_the_statistics_is_among_those_asked():
    asked = {name.split()[0] for name in (*ESTIMATED, *TESTED)} | {"diagnostics"}
    lent = {
        verb.name for verb in verbs.SURVEY if verb.home.startswith("masar_research.statistics")
    }
    assert lent - OTHERWISE <= asked
    assert not OTHERWISE & asked


def said_in_both(note):
    """The lines of a note in English and Arabic, every fact with a name of its own."""
    english, arabic = note.lines("en"), note.lines("ar")
    assert len(english) == len(arabic) >= len(note) > 0
    for line in arabic:
        assert ARABIC.search(line.partition(":")[0]), line
    return english, arabic


def says_the_design(note):
    assert note["weights"] == "weight"
    assert "age >= 20" in note["base"]
    assert note["design"]["lonely_psu"] == "centre"
    assert note["design"]["strata"] == 24


@pytest.mark.parametrize("verb", ESTIMATED)
def test_an_estimate_says_interval_df_base_missing_weights_and_lonely_rule(survey, verb):
    note = ESTIMATED[verb](survey).note
    assert isinstance(note, Note)
    says_the_design(note)
    assert note["interval"] and isinstance(note["interval"], str)
    assert "PSUs minus strata" in str(note["df"])
    assert 0 < note["level"] < 1
    assert isinstance(note["missing"], int)
    english, arabic = said_in_both(note)
    assert any(line.startswith("Base: (age >= 20)") for line in english)
    assert any("حول الصفر" in line for line in arabic)


@pytest.mark.parametrize("verb", TESTED)
def test_a_test_says_its_rule_of_df_base_missing_weights_and_reads_in_arabic(survey, verb):
    found = TESTED[verb](survey)
    assert isinstance(found, TestResult)
    assert isinstance(found.note, Note)
    says_the_design(found.note)
    assert "PSUs minus strata" in found.note["df_rule"]["en"]
    assert found.note["df"] > 0
    assert found.note["level"] == found.level
    assert isinstance(found.note["missing"], int)
    said_in_both(found.note)
    told = found.told("ar")
    assert ARABIC.search(told[0])
    assert f"\u2066{found.figures()}, p" in told
    assert told.endswith(found.reading("ar"))


def test_missing_answers_are_the_number_of_them(survey):
    answers = np.isnan(survey.values("income")) & survey.mask
    expected = int(answers.sum())
    assert expected > 0
    for verb in ("mean", "gini", "median"):
        one = {"mean": survey.mean, "gini": survey.gini, "median": survey.median}[verb]("income")
        assert one.note["missing"] == expected
    assert survey.t_test("income", null=1.0).note["missing"] == expected
    assert survey.diagnostics("income").note["missing"] == expected


def test_diagnostics_say_what_they_compare_with(survey):
    note = survey.diagnostics("income").note
    says_the_design(note)
    assert note["deff"] and note["reference"] == "with_replacement"
    said_in_both(note)


def test_a_second_phase_on_files_is_refused_with_what_to_do(tmp_path):
    frame = pd.DataFrame({"w": 1.0, "psu": [1, 2, 3, 4], "y": [1.0, 2.0, 3.0, 4.0], "exam": [1, 0, 1, 1]})
    frame.to_parquet(tmp_path / "file.parquet")
    phase = mr.phases.Stratified("exam")
    with pytest.raises(DesignError, match="second phase is not offered") as refused:
        mr.scan(tmp_path / "file.parquet", weights="w", psu="psu", second_phase=phase)
    assert "mr.Survey(pandas.read_parquet(" in refused.value.remedy
    assert "second_phase=" in refused.value.remedy
    assert "المرحلة الثانية غير متاحة" in refused.value.ar and "second_phase=" in refused.value.ar
    streamed = mr.scan(tmp_path / "file.parquet", weights="w", psu="psu")
    assert isinstance(streamed, StreamedSurvey)
    for verb in ("first_phase", "phase_variances", "calibrate_second_phase"):
        with pytest.raises(EstimationError, match=f"{verb} is not offered on files") as refused:
            getattr(streamed, verb)
        assert "mr.Survey(" in refused.value.remedy and verb in refused.value.ar


def test_with_replicates_a_test_counts_theirs():
    d = pd.read_csv(TREE / "tests/oracles/jordan_like.csv")
    whole = mr.Survey(d, weights="weight", strata="stratum", psu="psu")
    made = whole.with_replicates(mr.replicates.JKn())
    note = made.t_test("income", by="sex").note
    assert "replicate weights" in note["df_rule"]["en"] and "المكررة" in note["df_rule"]["ar"]
    said_in_both(note)
