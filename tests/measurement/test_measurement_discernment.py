"""Discernment: textbook figures, identities, sensitivity told from bias, what is missing, words."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

import masar_research as mr
from masar_research.codebook import Category, Codebook, Variable
from masar_research.engine import detection
from masar_research.errors import EstimationError

TRUE, FALSE = [f"t{i}" for i in range(1, 7)], [f"f{i}" for i in range(1, 7)]


def people(rng: np.random.Generator, n: int, d: np.ndarray, c: np.ndarray, items: int = 6) -> pd.DataFrame:
    """Respondents of sensitivity d and bias c who judge `items` headlines of each kind."""
    true = rng.random((n, items)) < norm.cdf(d / 2 - c)[:, None]
    false = rng.random((n, items)) < norm.cdf(-d / 2 - c)[:, None]
    made = np.hstack([true, false]).astype(float)
    names = [f"{k}{i}" for k in "tf" for i in range(1, items + 1)]
    return pd.DataFrame(made, columns=names)


def clustered(rng: np.random.Generator, clusters: int, size: int = 8) -> pd.DataFrame:
    psu = np.repeat(np.arange(clusters), size)
    d = 1.0 + 0.4 * rng.standard_normal(clusters)[psu]
    return people(rng, len(psu), d, np.full(len(psu), 0.2)).assign(psu=psu, w=rng.choice([1.0, 3.0], len(psu)))


def test_textbook_figures():
    # 16 of 20 hits, 6 of 20 false alarms with the log-linear correction: 1.2888 and −0.1472.
    d, c = detection.detect(*(np.array([x]) for x in (16.0, 20.0, 6.0, 20.0)))
    assert (round(float(d[0]), 4), round(float(c[0]), 4)) == (1.2888, -0.1472)


def test_uncorrected_figures_of_stanislaw_and_todorov():
    # Stanislaw and Todorov (1999), table 2 example: H = 20/25, F = 10/25: d′ = 1.09, c = −0.29.
    one = np.ones(1)
    value, _ = detection.pooled(one, 20 * one, 25 * one, 10 * one, 25 * one)
    assert np.round(value, 2).tolist() == [1.09, -0.29]


def test_who_says_the_same_to_everything_has_no_sensitivity():
    frame = pd.DataFrame(np.vstack([np.ones(12), np.zeros(12)]), columns=[*TRUE, *FALSE]).assign(w=1.0)
    found = mr.Survey(frame, weights="w").discernment(TRUE, FALSE, [1]).survey
    np.testing.assert_allclose(found.values("discernment_d_prime"), 0.0, atol=1e-12)
    bias = found.values("discernment_criterion")
    assert bias[0] < 0 < bias[1] and bias[0] == pytest.approx(-bias[1])
    np.testing.assert_allclose(found.values("discernment_area"), 0.5)


def test_swapping_true_and_false_turns_sensitivity_only():
    frame = people(np.random.default_rng(1), 60, np.full(60, 1.0), np.full(60, 0.3)).assign(w=1.0)
    survey = mr.Survey(frame, weights="w")
    there, back = (survey.discernment(a, b, [1]).frame.set_index("variable")["estimate"]
                   for a, b in ((TRUE, FALSE), (FALSE, TRUE)))  # fmt: skip
    for score in ("d_prime", "difference", "pooled_d_prime"):
        assert there[score] == pytest.approx(-back[score])
    for score in ("criterion", "pooled_criterion"):
        assert there[score] == pytest.approx(back[score])
    assert there["area"] == pytest.approx(1 - back["area"])


def test_ratings_either_way_up():
    rng = np.random.default_rng(2)
    ratings = pd.DataFrame(rng.integers(1, 5, (80, 12)).astype(float), columns=[*TRUE, *FALSE])
    up = mr.Survey(ratings.assign(w=1.0), weights="w").discernment(TRUE, FALSE, [3, 4])
    down = mr.Survey((5 - ratings).assign(w=1.0), weights="w").discernment(TRUE, FALSE, [1, 2])
    np.testing.assert_allclose(up.frame["estimate"], down.frame["estimate"])
    by_hand = ratings[TRUE].mean(axis=1) - ratings[FALSE].mean(axis=1)
    np.testing.assert_allclose(up.survey.values("discernment_difference"), by_hand)
    pairs = [np.mean([(a > b) + 0.5 * (a == b) for a in row[:6] for b in row[6:]]) for row in ratings.to_numpy()]
    np.testing.assert_allclose(up.survey.values("discernment_area"), pairs)


def test_means_are_those_of_the_variables_with_the_survey_s_errors():
    survey = mr.Survey(clustered(np.random.default_rng(3), 30), weights="w", psu="psu")
    found = survey.discernment(TRUE, FALSE, [1])
    direct = found.survey.mean(["discernment_d_prime", "discernment_criterion"]).frame
    np.testing.assert_allclose(found.frame["estimate"][:2], direct["estimate"])
    np.testing.assert_allclose(found.frame["std_error"][:2], direct["std_error"])


def test_pooled_figures_are_transformed_ratios():
    frame = clustered(np.random.default_rng(4), 25)
    survey = mr.Survey(frame, weights="w", psu="psu")
    found = survey.discernment(TRUE, FALSE, [1])
    w = frame["w"].to_numpy()
    rates = [np.average(frame[side].mean(axis=1), weights=w) for side in (TRUE, FALSE)]
    row = found.frame.set_index("variable").loc["pooled_d_prime"]
    assert row["estimate"] == pytest.approx(norm.ppf(rates[0]) - norm.ppf(rates[1]))
    made = survey.with_replicates(mr.replicates.JKn()).discernment(TRUE, FALSE, [1])
    again = made.frame.set_index("variable").loc["pooled_d_prime"]
    assert again["estimate"] == pytest.approx(row["estimate"]) and again["std_error"] == pytest.approx(row["std_error"], rel=0.05)


def test_skill_and_readiness_to_believe_are_told_apart():
    rng = np.random.default_rng(5)
    group = np.repeat([1, 2, 3], 400)
    d, c = np.array([0.6, 1.6, 0.6])[group - 1], np.array([0.0, 0.0, 0.8])[group - 1]
    frame = people(rng, 1200, d, c).assign(w=1.0, group=group)
    found = mr.Survey(frame, weights="w").discernment(TRUE, FALSE, [1], by="group")
    for expression, en, ar in (("2 - 1", "one of skill", "فجوة مهارة"), ("3 - 1", "not discerning better", "ليست تمييزاً أفضل"),
                               ("2 - 3", "differ both", "معاً")):  # fmt: skip
        words = found.contrast(expression).note["reading"]
        assert en in words["en"][0] and ar in words["ar"][0]
    rates = found.frame.query("variable == 'false_alarm_rate'").set_index("group")["estimate"]
    assert rates[3] < rates[1]  # believing less lowers false alarms without any skill


def book(items: list[str]) -> Codebook:
    codes = (Category(1, {"en": "Real", "ar": "حقيقي"}), Category(2, {"en": "Fake", "ar": "مزيف"}),
             Category(8, {"en": "Don't know", "ar": "لا أعرف"}, "dont_know"),
             Category(7, {"en": "Not asked", "ar": "لم يُسأل"}, "not_asked"))  # fmt: skip
    return Codebook([Variable(name, {"en": name, "ar": f"العنوان {name}"}, level="nominal", categories=codes) for name in items])


def test_what_was_not_shown_is_not_what_was_not_answered():
    items = ["t1", "t2", "t3", "f1", "f2", "f3"]
    rows = [[1, 1, 7, 2, 2, 7], [7, 1, 1, 7, 2, 1], [1, 8, 7, 8, 2, 7], [np.nan] * 6, [7] * 6]
    frame = pd.DataFrame(rows, columns=items).assign(w=1.0)
    survey = mr.Survey(frame, weights="w", codebook=book(items))
    left = survey.discernment(items[:3], items[3:], [1], least=1)
    note = left.note
    assert note["respondents_scored"] == 3 and note["shown_none"] == 2 and note["too_few_answers"] == 0
    assert note["items_without_answer"] == 2 and note["items_not_shown"] == 6
    assert "2 to 4" in note["warning"]["en"]
    d = left.survey.values("discernment_d_prime")
    assert d[0] == pytest.approx(2 * norm.ppf(2.5 / 3)) and d[2] == pytest.approx(2 * norm.ppf(1.5 / 2))
    counted = survey.discernment(items[:3], items[3:], [1], least=1, unsure="not_true").survey
    assert counted.values("discernment_d_prime")[2] == pytest.approx(0 - norm.ppf(0.5 / 3))
    np.testing.assert_allclose(counted.values("discernment_area")[2], 1.0)
    few = survey.discernment(items[:3], items[3:], [1], least=2)
    assert few.note["too_few_answers"] == 1 and few.frame["n"].iloc[0] == 2


def test_subpopulations_keep_the_design():
    frame = clustered(np.random.default_rng(6), 30)
    frame["sex"] = np.arange(len(frame)) % 2
    survey = mr.Survey(frame, weights="w", psu="psu")
    grouped = survey.discernment(TRUE, FALSE, [1], by="sex").frame
    alone = survey.where("sex == 1").discernment(TRUE, FALSE, [1]).frame
    kept = grouped[grouped["sex"] == 1]
    np.testing.assert_allclose(kept["estimate"], alone["estimate"])
    np.testing.assert_allclose(kept["std_error"], alone["std_error"])


def covered(repetitions: int) -> dict[str, float]:
    rng = np.random.default_rng(30)
    population = clustered(rng, 4_000)
    names = ["d_prime", "criterion", "pooled_d_prime", "pooled_criterion"]
    whole = mr.Survey(population.assign(w=1.0), weights="w").discernment(TRUE, FALSE, [1])
    truth = whole.frame.set_index("variable")["estimate"]
    inside = dict.fromkeys(names, 0)
    for _ in range(repetitions):
        drawn = rng.choice(4_000, 30, replace=False)
        rows = (drawn[:, None] * 8 + np.arange(8)).ravel()
        sample = population.iloc[rows].assign(w=1.0)
        found = mr.Survey(sample, weights="w", psu="psu").discernment(TRUE, FALSE, [1]).frame.set_index("variable")
        for name in names:
            inside[name] += found.loc[name, "conf_low"] <= truth[name] <= found.loc[name, "conf_high"]
    return {name: count / repetitions for name, count in inside.items()}


def test_intervals_cover():
    assert min(covered(40).values()) >= 0.85


@pytest.mark.full
def test_intervals_cover_at_length():
    for name, share in covered(1000).items():
        assert 0.92 <= share <= 0.97, name


@pytest.fixture(scope="module")
def demo():
    return mr.load("data/surveys/masar_demo.yml", wave=2026)


def test_on_the_demonstration_survey(demo):
    true, false = ([f"headline_{i}" for i in range(first, 11, 2)] for first in (1, 2))
    found = demo.discernment(true, false, [3, 4], by="education", name="sdt")
    # The card's own score is there where every headline was rated, and is then the same.
    ours, card = found.survey.values("sdt_difference"), demo.values("discernment")
    both = np.isfinite(card)
    assert both.sum() > 1500
    np.testing.assert_allclose(ours[both], card[both], atol=1e-12)
    told = found.frame.query("variable == 'd_prime'")["estimate"].to_numpy()
    assert (np.diff(told) > 0).all()
    for lang in ("en", "ar"):
        art = found.plot(lang)
        assert art.png[:4] == b"\x89PNG" and len(art.texts) > 8
        assert len(found.reading(lang)) == 6
    assert "\u2066d′\u2069" in str(found.table("ar")) and "<table" in found._repr_html_()


def test_small_groups_are_not_shown(demo):
    few = demo.where("governorate == 34 and education == 4")
    found = few.discernment(["test_1", "test_3", "test_5", "test_7"], ["test_2", "test_4", "test_6", "test_8"], [1],
                            by="age_labour")  # fmt: skip
    assert "*" in str(found.table("en")) and len(found.reading("en")) == 1


@pytest.mark.parametrize(("arguments", "words"), [
    (dict(true="t1", false=["f1"], judged_true=[1]), "list of headlines"),
    (dict(true=["t1"], false=[], judged_true=[1]), "list of headlines"),
    (dict(true=["t1"], false=["t1"], judged_true=[1]), "named twice"),
    (dict(true=["t1"], false=["f1"], judged_true=[5]), "judged_true"),
    (dict(true=["t1"], false=["f1"], judged_true=[0, 1]), "judged_true"),
    (dict(true=["t1"], false=["f1"], judged_true=[1], unsure="ignore"), "do not know"),
    (dict(true=["t1"], false=["f1"], judged_true=[1], least=0), "number of headlines"),
    (dict(true=["t1"], false=["rated"], judged_true=[1]), "judged_true|other answers"),
    (dict(true=["t1"], false=["f1"], judged_true=[1], name="taken"), "already has"),
])  # fmt: skip
def test_bad_input_says_what_to_do_in_both_languages(arguments, words):
    frame = people(np.random.default_rng(7), 10, np.ones(10), np.zeros(10)).assign(w=1.0, rated=range(10), taken_d_prime=0.0)
    with pytest.raises(EstimationError, match=words) as raised:
        mr.Survey(frame, weights="w").discernment(**arguments)
    assert raised.value.remedy and any("\u0600" < letter < "\u06ff" for letter in raised.value.ar)
