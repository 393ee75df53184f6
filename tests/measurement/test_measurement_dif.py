"""Differential item functioning: R, brute force, planted differences, false alarms, words."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import masar_research as mr
from masar_research.codebook import Category, Codebook, Variable
from masar_research.engine import item_functioning as engine
from masar_research.errors import EstimationError, MasarError, ReleaseError

HERE = Path(__file__).with_name("oracles")
R = json.loads((HERE / "measurement.json").read_text(encoding="utf-8"))
DATA = pd.read_csv(HERE / "measurement.csv")
ITEMS = [f"i{j}" for j in range(1, 6)]


@pytest.fixture(scope="module")
def survey():
    return mr.Survey(DATA, weights="w", strata="stratum", psu="psu")


@pytest.fixture(scope="module")
def found(survey):
    return survey.dif(ITEMS, "group", purify=False)


@pytest.mark.parametrize("item", ITEMS)
def test_against_r(found, item):
    row, effect = found.frame.set_index("item").loc[item], found.effects.set_index("item").loc[item]
    r = R["dif"][item]
    close = {"rel": 1e-9, "abs": 1e-12}
    assert row["p_uniform"] == pytest.approx(r["p_uniform"], **close)
    assert row["p_nonuniform"] == pytest.approx(r["p_cross"], **close)
    assert row["p_both"] == pytest.approx(r["p_both"], **close) and row["statistic"] == pytest.approx(r["F_both"], **close)
    assert (row["df_num"], row["df_den"]) == (2, r["df_both"])
    assert [row["r2_match"], row["r2_uniform"], row["r2_both"]] == pytest.approx(r["nagelkerke"], **close)
    assert effect["log_odds"] == pytest.approx(r["uniform"], **close)
    assert effect["log_odds_se"] == pytest.approx(r["uniform_se"], **close)
    assert effect["effect"] == pytest.approx(r["effect"], **close)
    assert effect["mh_odds_ratio"] == pytest.approx(r["mh_weighted"], rel=1e-12)
    assert effect["mh_delta"] == pytest.approx(-2.35 * np.log(r["mh_weighted"]), rel=1e-12)
    from scipy.stats import t

    reach = t.ppf(0.975, found.frame["df_den"].iloc[0] + 1)
    error = (effect["mh_high"] - effect["mh_low"]) / 2 / reach / 2.35
    assert error == pytest.approx(r["mh_log_se_jackknife"], rel=0.03)


def test_unweighted_mantel_haenszel_is_that_of_r():
    for item in ITEMS:
        score = DATA[[other for other in ITEMS if other != item]].sum(axis=1).to_numpy()
        value, _ = engine.mantel_haenszel(DATA[item].to_numpy(), (DATA["group"] == 2).to_numpy(), score, np.ones(len(DATA)))
        # R's table has the wrong answers of the first group in its corner: the same odds ratio.
        assert np.exp(value) == pytest.approx(R["dif"][item]["mh_plain"], rel=1e-12)


def test_influence_is_the_derivative():
    rng = np.random.default_rng(0)
    y, focal, level, w = rng.integers(0, 2, 40), rng.random(40) < 0.5, rng.integers(0, 3, 40), rng.uniform(0.5, 2, 40)
    _, slope = engine.mantel_haenszel(y, focal, level, w)
    for k in range(40):
        move = np.eye(40)[k] * 1e-6
        ends = [engine.mantel_haenszel(y, focal, level, w + sign * move)[0] for sign in (1, -1)]
        assert slope[k] == pytest.approx((ends[0] - ends[1]) / 2e-6, abs=1e-7)
    assert slope @ w == pytest.approx(0, abs=1e-12)


def test_items_of_several_answers_against_r(survey):
    # svyolr maximises with optim: its own precision is about 1e-4.
    found = survey.dif([*ITEMS, "o1", "o2"], "group", purify=False)
    row = found.effects.set_index("item").loc["o2"]
    assert row["log_odds"] == pytest.approx(R["ordinal"]["uniform"], rel=1e-3)
    assert row["log_odds_se"] == pytest.approx(R["ordinal"]["se"], rel=1e-3)
    assert found.frame.set_index("item").loc["o2", "kind"] == "ordinal" and row["ets"] == "–"


def test_planted_differences_are_found_and_named(found):
    # i3 was made easier for the second group, i5 steeper for the first (see make_measurement.py).
    assert found.flagged == ("i3", "i5")
    shape = found.frame.set_index("item")["form"]
    assert shape["i3"] == "uniform" and shape["i5"] == "nonuniform"
    words = " ".join(found.reading("en"))
    assert "i3" in words and "higher" in words and "changes with the score" in words
    assert "أسهل" in " ".join(found.reading("ar"))


def test_the_consequence_is_the_difference_with_and_without(found):
    rows = found.impact.frame.set_index("variable")
    kept = [item for item in ITEMS if item not in found.flagged]
    for name, items in (("dif_score_all", ITEMS), ("dif_score_kept", kept)):
        means = [np.average(100 * DATA[items].mean(axis=1)[DATA["group"] == g], weights=DATA["w"][DATA["group"] == g]) for g in (1, 2)]
        assert rows.loc[name, "estimate"] == pytest.approx(means[1] - means[0])
        assert rows.loc[name, "std_error"] > 0


def battery(rng: np.random.Generator, n: int, shift: float = 0.0, items: int = 8) -> pd.DataFrame:
    able, sex = rng.normal(size=n), rng.integers(1, 3, n)
    cuts = np.linspace(-1, 1, items)
    made = {f"q{j}": (1.5 * able + shift * (j == 0) * (sex == 2) + rng.logistic(size=n) > cuts[j]).astype(float) for j in range(items)}
    return pd.DataFrame(made).assign(sex=sex, w=1.0)


def test_purifying_takes_the_item_out_of_the_match():
    frame = battery(np.random.default_rng(4), 1500, shift=1.5)
    items = [f"q{j}" for j in range(8)]
    survey = mr.Survey(frame, weights="w")
    pure, plain = survey.dif(items, "sex"), survey.dif(items, "sex", purify=False)
    assert pure.flagged == ("q0",) and pure.note["left_out_of_match"] == ["q0"] and pure.note["settled"]
    effects = [one.effects.query("item != 'q0'")["effect"].mean() for one in (pure, plain)]
    assert abs(effects[0]) < abs(effects[1])  # the planted item no longer makes others look harder
    alone = survey.dif(items[1:], "sex", purify=False).effects.set_index("item")["effect"]
    np.testing.assert_allclose(pure.effects.set_index("item").loc[items[1:], "effect"], alone, rtol=1e-10)


def test_who_is_the_reference_only_turns_the_sign():
    frame = battery(np.random.default_rng(5), 800, shift=0.8)
    survey, items = mr.Survey(frame, weights="w"), [f"q{j}" for j in range(8)]
    one, other = (survey.dif(items, "sex", reference=code, purify=False) for code in (1, 2))
    np.testing.assert_allclose(one.frame["p_both"], other.frame["p_both"], rtol=1e-7)
    np.testing.assert_allclose(one.effects["mh_delta"], -other.effects["mh_delta"], rtol=1e-9)
    np.testing.assert_allclose(one.effects["effect"], -other.effects["effect"], rtol=1e-7, atol=1e-9)


def false_alarms(repetitions: int, n: int = 400) -> float:
    rng, flagged = np.random.default_rng(6), 0
    for _ in range(repetitions):
        frame = battery(rng, n, items=6)
        found = mr.Survey(frame, weights="w").dif([f"q{j}" for j in range(6)], "sex", purify=False, adjust="none", match="total")
        flagged += int((found.frame["p_both"] < 0.05).sum())
    return flagged / (6 * repetitions)


def test_clean_items_are_seldom_called_different():
    assert false_alarms(6) <= 0.2


@pytest.mark.full
def test_clean_items_are_called_different_as_often_as_the_level_says():
    assert 0.03 <= false_alarms(150) <= 0.07


def effects_cover(repetitions: int) -> float:
    rng, inside = np.random.default_rng(7), 0
    whole = battery(rng, 200_000, shift=0.7, items=6)
    items = [f"q{j}" for j in range(6)]
    truth = mr.Survey(whole, weights="w").dif(items, "sex", purify=False).effects["effect"].iloc[0]
    for _ in range(repetitions):
        sample = whole.iloc[rng.choice(len(whole), 500, replace=False)]
        row = mr.Survey(sample, weights="w").dif(items, "sex", purify=False).effects.iloc[0]
        inside += row["conf_low"] <= truth <= row["conf_high"]
    return inside / repetitions


@pytest.mark.full
def test_intervals_of_effects_cover():
    assert 0.92 <= effects_cover(200) <= 0.99


def test_replicates_fit_every_model_again(survey, found):
    made = survey.with_replicates(mr.replicates.JKn()).dif(ITEMS[:4], "group", purify=False)
    plain = survey.dif(ITEMS[:4], "group", purify=False)
    np.testing.assert_allclose(made.effects["effect"], plain.effects["effect"], rtol=1e-7, atol=1e-10)
    np.testing.assert_allclose(made.effects["std_error"], plain.effects["std_error"], rtol=0.1)


def test_on_the_demonstration_survey():
    demo = mr.load("data/surveys/masar_demo.yml", wave=2026)
    items = [f"test_{j}" for j in range(1, 9)]
    found = demo.dif(items, "sex", right={item: [1] if int(item[-1]) % 2 else [2] for item in items})
    assert found.note["rows"] + found.note["rows_without_all_answers"] == 4800
    assert not found.flagged and "can rest on these items" in found.reading("en")[0]
    for lang in ("en", "ar"):
        assert found.plot(lang).png[:4] == b"\x89PNG"
    assert "أنثى" in str(found.table("ar")) and "Female" in found._repr_html_()


def test_a_group_that_may_not_be_shown_hides_everything():
    frame = battery(np.random.default_rng(8), 300)
    frame["sex"] = np.where(np.arange(300) < 26, 2, 1)
    found = mr.Survey(frame, weights="w").dif([f"q{j}" for j in range(8)], "sex", purify=False)
    shown = found.table("en").frame
    assert (shown.iloc[:, 2:] == "*").all(axis=None) and "not shown" in found.reading("en")[0]
    with pytest.raises(ReleaseError):
        found.plot("ar")


@pytest.mark.parametrize(("arguments", "words"), [
    (dict(items=["q0", "q1"], group="sex"), "three items"),
    (dict(items=["q0", "q1", "q1"], group="sex"), "three items"),
    (dict(items=["q0", "q1", "one"], group="sex"), "1 different answers"),
    (dict(items=["q0", "q1", "q2"], group="one"), "one group"),
    (dict(items=["q0", "q1", "q2"], group="sex", reference=9), "no group"),
    (dict(items=["q0", "q1", "q2"], group="sex", match="latent"), "match on"),
    (dict(items=["q0", "q1", "q2"], group="sex", level=95), "confidence level"),
])  # fmt: skip
def test_bad_input_says_what_to_do_in_both_languages(arguments, words):
    frame = battery(np.random.default_rng(9), 60).assign(one=1.0)
    with pytest.raises(EstimationError, match=words) as raised:
        mr.Survey(frame, weights="w").dif(**arguments)
    assert raised.value.remedy and any("\u0600" < letter < "\u06ff" for letter in raised.value.ar)


def test_a_model_without_finite_estimates_names_its_item():
    frame = battery(np.random.default_rng(10), 200)
    frame["q0"] = (frame["sex"] == 2).astype(float)
    with pytest.raises(MasarError, match="Item 'q0'.*\n.*[Ll]eave the item out"):
        mr.Survey(frame, weights="w").dif([f"q{j}" for j in range(8)], "sex")


def test_classes():
    assert [engine.size_class(x) for x in (0.034, 0.036, 0.071)] == ["A", "B", "C"]
    assert [engine.ets_class(1.6, error, 1.96) for error in (0.2, 0.4, 0.9)] == ["C", "B", "A"]
    assert engine.ets_class(np.nan, 0.1, 2.0) == "–" and engine.ets_class(1.2, 0.9, 2.0) == "A"


def test_an_unreliable_match_is_not_taken_for_single_items():
    # Groups far apart in ability, four noisy items without any DIF: matching on three of them leaves the gap.
    rng = np.random.default_rng(11)
    sex = rng.integers(1, 3, 3000)
    able = rng.normal(size=3000) + 1.5 * (sex == 2)
    frame = pd.DataFrame({f"q{j}": (able + rng.logistic(size=3000) > 0.5 + j / 4) * 1.0 for j in range(4)}).assign(sex=sex, w=1.0)
    found = mr.Survey(frame, weights="w").dif([f"q{j}" for j in range(4)], "sex", purify=False)
    assert len(found.flagged) >= 2 and (found.effects["effect"] > 0).all()
    for lang, words in (("en", "Conclude nothing about single items"), ("ar", "لا يُستنتج شيء عن بنود بعينها")):
        assert len(found.reading(lang)) == 1 and words in found.reading(lang)[0]


def test_of_several_groups_the_one_that_differs_most_is_named():
    rng = np.random.default_rng(12)
    frame = battery(rng, 2400, items=8)
    frame["area"] = rng.integers(1, 4, len(frame))
    frame["q3"] = np.where(frame["area"] == 3, np.maximum(frame["q3"], rng.random(2400) < 0.6), frame["q3"]).astype(float)
    found = mr.Survey(frame, weights="w").dif([f"q{j}" for j in range(8)], "area")
    assert found.flagged == ("q3",) and len(found.effects) == 16
    assert found.reading("en")[0].startswith("“q3”: the difference between 3 and 1")
    assert len(found.impact) == 4


def test_the_direction_of_ordered_answers_is_said():
    codes = tuple(Category(k, {"en": f"Answer {k}", "ar": f"الإجابة {k}"}) for k in range(1, 5))
    book = Codebook([Variable(name, {"en": name, "ar": name}, level="ordinal", categories=codes) for name in ("o1", "o2")])
    strong = DATA.assign(o2=np.clip(DATA["o2"] + (DATA["group"] == 2), 1, 4))
    found = mr.Survey(strong, weights="w", psu="psu", codebook=book).dif(["o1", "o2", "i1", "i2", "i4"], "group", purify=False)
    assert "o2" in found.flagged
    assert "highest is “Answer 4”" in " ".join(found.reading("en")) and "الإجابة 4" in " ".join(found.reading("ar"))


REAL = os.environ.get("MASAR_REAL_DATA")


@pytest.mark.skipif(REAL is None or not (Path(REAL) / "arab_barometer_3").exists(), reason="needs the Arab Barometer, wave III")
def test_trust_in_institutions_of_the_arab_barometer():
    jordan = mr.load("data/surveys/arab_barometer_3_jordan.yml")
    items = ["trust_government", "trust_parliament", "trust_police", "trust_army", "trust_civil_society"]
    found = jordan.dif(items, "sex")
    assert (found.note["rows"], found.note["rows_without_all_answers"]) == (1688, 107)
    # The same question put to one item by the models themselves.
    rest = sum(jordan.values(item) for item in items if item != "trust_parliament")
    held = jordan.with_columns({"rest": np.where(np.isfinite(rest), rest, np.nan)})
    model = held.ordinal("trust_parliament ~ rest + C(sex)").frame
    assert found.effects.set_index("item").loc["trust_parliament", "log_odds"] == pytest.approx(model["estimate"].iloc[1], rel=1e-6)
