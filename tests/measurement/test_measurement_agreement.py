"""Krippendorff's alpha: published figures, identities, the design's standard error, words."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import masar_research as mr
from masar_research import measurement
from masar_research.engine import agreement as engine
from masar_research.errors import DataError, EstimationError

# Krippendorff (2011), "Computing Krippendorff's alpha-reliability", section C: four observers, twelve units.
TEXT = """1 2 3 3 2 1 4 1 2 . . .
1 2 3 3 2 2 4 1 2 5 . 3
. 3 3 3 2 3 4 2 2 5 1 .
1 2 3 3 2 4 4 1 2 5 1 ."""
SHEET = pd.DataFrame(
    {f"coder_{name}": [np.nan if x == "." else float(x) for x in line.split()]
     for name, line in zip("abcd", TEXT.splitlines(), strict=True)}
)  # fmt: skip
PUBLISHED = {"nominal": 0.743, "ordinal": 0.815, "interval": 0.849, "ratio": 0.797}


@pytest.mark.parametrize("scale", PUBLISHED)
def test_published_figures(scale):
    found = measurement.coder_agreement(SHEET, scale=scale, draws=0)
    assert round(found.alpha, 3) == PUBLISHED[scale]
    assert found.note["pairable_codings"] == 40 and found.note["units_coded_once"] == 1


def test_published_coincidences():
    # The same page: the matrix of its nominal example.
    met = measurement.coder_agreement(SHEET, draws=0).coincidences
    np.testing.assert_allclose(met.to_numpy().sum(axis=0), [9, 13, 10, 5, 3])
    np.testing.assert_allclose(np.diag(met), [7, 10, 8, 4, 3])
    np.testing.assert_allclose(met.loc[1.0, 2.0], 4 / 3)


def test_binary_two_coders_as_published():
    # Krippendorff (2011), section A: two observers, ten units, binary: alpha 0.095.
    sheet = pd.DataFrame({"a": [0, 1, 0, 0, 0, 0, 0, 0, 1, 0], "b": [1, 1, 1, 0, 0, 1, 0, 0, 0, 0]})
    found = measurement.coder_agreement(sheet, draws=0)
    assert round(found.alpha, 3) == 0.095
    # With two codes, each against the other is the whole.
    own = found.frame.query("part == 'category'")["estimate"]
    np.testing.assert_allclose(own, found.alpha)


def brute(codes: np.ndarray, values: np.ndarray, scale: str) -> float:
    """Observed and expected disagreement by going through every pair of codings."""
    units = [row[~np.isnan(row)] for row in codes]
    units = [row for row in units if len(row) > 1]
    all_ = np.concatenate(units)

    def d2(a: float, b: float) -> float:
        if scale == "nominal":
            return float(a != b)
        if scale == "interval":
            return (a - b) ** 2
        if scale == "ratio":
            return 0.0 if a == b else ((a - b) / (a + b)) ** 2
        low, high = min(a, b), max(a, b)
        inside = sum(np.sum(all_ == g) for g in values if low <= g <= high)
        return float(inside - (np.sum(all_ == a) + np.sum(all_ == b)) / 2) ** 2

    seen = sum(d2(a, b) / (len(row) - 1) for row in units for i, a in enumerate(row) for j, b in enumerate(row) if i != j)
    due = sum(d2(a, b) for i, a in enumerate(all_) for j, b in enumerate(all_) if i != j)
    n = len(all_)
    return 1 - (seen / n) / (due / (n * (n - 1)))


@pytest.mark.parametrize("scale", engine.SCALES)
def test_every_pair_gone_through(scale):
    rng = np.random.default_rng(5)
    codes = rng.integers(0, 4, (25, 3)).astype(float)
    codes[:, 1] = np.where(rng.random(25) < 0.6, codes[:, 0], codes[:, 1])
    codes[rng.random(codes.shape) < 0.2] = np.nan
    found = measurement.coder_agreement(pd.DataFrame(codes, columns=list("abc")), scale=scale, draws=0)
    assert found.alpha == pytest.approx(brute(codes, np.arange(4.0), scale), rel=1e-12)


@pytest.mark.parametrize("scale", engine.SCALES)
def test_derivative_is_that_of_the_statistic(scale):
    codes = np.where(SHEET.isna(), -1, SHEET.to_numpy() - 1).astype(np.intp)
    counted = engine.count(codes, np.arange(1.0, 6.0), scale)
    weights = np.random.default_rng(3).uniform(0.5, 3, len(counted.units))
    value, slope = engine.derivative(counted, weights)
    assert value == pytest.approx(engine.alpha(counted, weights), abs=1e-14)
    step = 1e-6
    for u in range(len(weights)):
        move = np.eye(len(weights))[u] * step
        numeric = (engine.alpha(counted, weights + move) - engine.alpha(counted, weights - move)) / (2 * step)
        assert slope[u] == pytest.approx(numeric, abs=1e-8)
    assert weights @ slope == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize("scale", engine.SCALES)
def test_equal_weights_are_no_weights_and_their_unit_is_nothing(scale):
    sheet = SHEET.assign(one=1.0, ten=10.0)
    names = list(SHEET.columns)
    plain = measurement.coder_agreement(SHEET, scale=scale, draws=0).alpha
    for weights in ("one", "ten"):
        found = mr.Survey(sheet, weights=weights).agreement(names, scale)
        assert found.frame["estimate"].iloc[0] == pytest.approx(plain, rel=1e-12)
        assert found.frame["n_missing"].iloc[0] == 1 and found.frame["n"].iloc[0] == 11


def test_standard_error_is_that_of_replicates():
    rng = np.random.default_rng(8)
    sheet = two_coders(rng, 30, 4)
    survey = mr.Survey(sheet, weights="w", psu="outlet")
    linear = survey.agreement(["a", "b"], "ordinal").frame.iloc[0]
    made = survey.with_replicates(mr.replicates.JKn()).agreement(["a", "b"], "ordinal").frame.iloc[0]
    assert made["estimate"] == pytest.approx(linear["estimate"], rel=1e-12)
    assert made["std_error"] == pytest.approx(linear["std_error"], rel=0.05)


def test_groups_and_subpopulations_agree():
    sheet = two_coders(np.random.default_rng(9), 40, 4)
    sheet["kind"] = sheet["outlet"] % 2
    survey = mr.Survey(sheet, weights="w", psu="outlet")
    grouped = survey.agreement(["a", "b"], by="kind").frame
    for code in (0, 1):
        alone = survey.where(f"kind == {code}").agreement(["a", "b"]).frame.iloc[0]
        assert grouped.loc[grouped["kind"] == code, "estimate"].iloc[0] == pytest.approx(alone["estimate"])
        assert grouped.loc[grouped["kind"] == code, "std_error"].iloc[0] == pytest.approx(alone["std_error"])


def two_coders(rng: np.random.Generator, outlets: int, stories: int) -> pd.DataFrame:
    """Stories of outlets, some of which are harder to code."""
    outlet = np.repeat(np.arange(outlets), stories)
    hard = rng.beta(2, 6, outlets)[outlet]
    truth = rng.integers(1, 4, len(outlet))
    codes = [np.where(rng.random(len(outlet)) < hard, rng.integers(1, 4, len(outlet)), truth) for _ in range(2)]
    return pd.DataFrame({"w": rng.choice([1.0, 3.0], len(outlet)), "outlet": outlet, "a": codes[0], "b": codes[1]})


def covered(repetitions: int) -> tuple[float, float]:
    rng = np.random.default_rng(20)
    population = two_coders(rng, 5_000, 4)
    names = ["a", "b"]
    codes = population[names].to_numpy(int) - 1
    truth = engine.alpha(engine.count(codes, np.arange(1.0, 4.0), "nominal"))
    by_outlet = population.groupby("outlet").indices
    inside = drawn = 0
    for _ in range(repetitions):
        rows = np.concatenate([by_outlet[o] for o in rng.choice(5_000, 80, replace=False)])
        sample = population.iloc[rows].assign(w=1.0)
        row = mr.Survey(sample, weights="w", psu="outlet").agreement(names).frame.iloc[0]
        inside += row["conf_low"] <= truth <= row["conf_high"]
        flat = population.iloc[rng.choice(len(population), 150, replace=False)]
        found = measurement.coder_agreement(flat, names, draws=200, rng=rng).frame.iloc[0]
        drawn += found["conf_low"] <= truth <= found["conf_high"]
    return inside / repetitions, drawn / repetitions


def test_intervals_cover():
    for share in covered(40):
        assert 0.85 <= share <= 1.0


@pytest.mark.full
def test_intervals_cover_at_length():
    design, resampled = covered(1500)
    assert 0.93 <= design <= 0.97
    assert 0.92 <= resampled <= 0.97


def test_cohen_and_fleiss_of_textbooks():
    # Cohen (1960): 2 × 2 counts 45, 15, 25, 15 give kappa 0.1304; Fleiss (1971), table of 10 subjects and
    # 14 raters as printed in Wikipedia: 0.210.
    cells = [(0, 0)] * 45 + [(0, 1)] * 15 + [(1, 0)] * 25 + [(1, 1)] * 15
    assert engine.cohen(np.array(cells)) == pytest.approx(0.1304347826)
    table = np.array([
        [0, 0, 0, 0, 14], [0, 2, 6, 4, 2], [0, 0, 3, 5, 6], [0, 3, 9, 2, 0], [2, 2, 8, 1, 1],
        [7, 7, 0, 0, 0], [3, 2, 6, 3, 0], [2, 5, 3, 2, 2], [6, 5, 2, 1, 0], [0, 2, 2, 3, 7],
    ])  # fmt: skip
    codes = np.array([np.repeat(np.arange(5), row) for row in table])
    assert round(engine.fleiss(engine.count(codes, np.arange(5.0), "nominal")), 3) == 0.210


def test_a_careless_coder_is_found():
    rng = np.random.default_rng(4)
    truth = rng.integers(1, 4, 80)
    sheet = pd.DataFrame({"good": truth, "better": truth, "careless": rng.integers(1, 4, 80)})
    found = measurement.coder_agreement(sheet, draws=0)
    without = found.frame.query("part == 'without'").set_index("name")["estimate"]
    assert without["careless"] == pytest.approx(1.0) and without.drop("careless").max() < 0.3
    assert found.verdict == "unreliable"
    assert found.pairs.set_index(["first", "second"]).loc[("good", "better"), "kappa"] == pytest.approx(1.0)


def test_words_in_both_languages():
    found = measurement.coder_agreement(SHEET, scale="interval", draws=300)
    assert found.verdict == "reliable"
    assert "0.849" in found.reading("en")[0] and "\u20660.849\u2069" in found.reading("ar")[0]
    assert "lies under 0.667" in " ".join(found.reading("en"))
    assert "ألفا" in found._repr_html_() and "All coders" in found._repr_html_()
    for lang in ("en", "ar"):
        assert found.plot(lang).png[:4] == b"\x89PNG"
    told = mr.Survey(SHEET.assign(w=1.0), weights="w").agreement(list(SHEET.columns))
    assert "tentative" in str(told.table("en")) and "أولية" in str(told.table("ar"))


def test_the_same_draws_twice_and_others_with_another_generator():
    first = measurement.coder_agreement(SHEET, draws=200)
    again = measurement.coder_agreement(SHEET, draws=200)
    other = measurement.coder_agreement(SHEET, draws=200, rng=np.random.default_rng(7))
    pd.testing.assert_frame_equal(first.frame, again.frame)
    assert first.note["generator"] == "numpy.random.default_rng(0)" and other.note["generator"] == "given"
    assert first.frame["conf_low"].iloc[0] != other.frame["conf_low"].iloc[0]


def test_no_variation_is_no_agreement():
    found = measurement.coder_agreement(pd.DataFrame({"a": [1, 1, 1], "b": [1, 1, 1]}), draws=100)
    assert np.isnan(found.alpha) and found.verdict == "undefined"
    assert found.note["draws_without_variation"] == 100
    assert "cannot be judged" in found.reading("en")[0]


@pytest.mark.parametrize(("call", "words"), [
    (lambda: measurement.coder_agreement(SHEET, ["coder_a"]), "two coders"),
    (lambda: measurement.coder_agreement(SHEET, ["coder_a", "nobody"]), "nobody"),
    (lambda: measurement.coder_agreement(SHEET, scale="metric"), "scale of measurement"),
    (lambda: measurement.coder_agreement(SHEET - 3, scale="ratio"), "below zero"),
    (lambda: measurement.coder_agreement(SHEET, draws=5), "no interval"),
    (lambda: measurement.coder_agreement(SHEET, level=95), "confidence level"),
    (lambda: measurement.coder_agreement([1, 2]), "column per coder"),
    (lambda: measurement.coder_agreement(pd.DataFrame({"a": ["x", "y"], "b": ["x", "x"]}), scale="ordinal"), "text"),
    (lambda: measurement.coder_agreement(pd.DataFrame({"a": [1, None], "b": [None, 1]})), "No unit"),
    (lambda: mr.Survey(SHEET.assign(w=1.0), weights="w").agreement("coder_a"), "two coders"),
    (lambda: measurement.coding_sheet(pd.DataFrame({"u": [1, 1], "c": [1, 1], "v": [1, 2]}), "u", "c", "v"), "repeat"),
    (lambda: measurement.coding_sheet(pd.DataFrame({"u": [1]}), "u", "c", "v"), "no column"),
])  # fmt: skip
def test_bad_input_says_what_to_do_in_both_languages(call, words):
    with pytest.raises((DataError, EstimationError), match=words) as raised:
        call()
    assert raised.value.remedy and any("\u0600" < letter < "\u06ff" for letter in raised.value.ar)


def test_words_may_be_codes():
    sheet = pd.DataFrame({"a": ["for", "against", "for", "for"], "b": ["for", "against", "against", "for"]})
    labels = {"for": {"en": "In favour", "ar": "مؤيد"}}
    found = measurement.coder_agreement(sheet, labels=labels, draws=0)
    assert found.alpha == pytest.approx(0.5333333333)
    assert "مؤيد" in found.frame["label_ar"].tolist()
