"""Exploratory factors: R's factanal and GPArotation, planted factors, chance, bad input."""

import json
from itertools import permutations, product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import masar_research as mr
from masar_research.engine.factoring import extract, most_factors, parallel, rotate, smoothed
from masar_research.errors import EstimationError, ParameterError
from masar_research.present.charts.scree import scree

HERE = Path(__file__).parent / "oracles"
R = json.loads((HERE / "factoring.json").read_text(encoding="utf-8"))
DATA = pd.read_csv(HERE / "factor_model.csv")
ITEMS = [f"y{k}" for k in range(1, 7)]


def survey(frame=DATA, **more):
    return mr.Survey(frame, **({"weights": "w", "psu": "psu"} | more))


def apart(ours, theirs):
    """Largest difference, whatever the order and signs of the factors."""
    theirs = np.asarray(theirs)
    k = theirs.shape[1]
    return min(np.abs(ours - theirs[:, list(order)] * signs).max()
               for order in permutations(range(k)) for signs in product((1, -1), repeat=k))  # fmt: skip


def test_extraction_is_that_of_factanal():
    matrix = np.array(R["cor"])
    two = extract(matrix, 2)
    assert two.unique == pytest.approx(R["unique"], abs=1e-7)
    assert two.loss == pytest.approx(R["loss"][0], abs=1e-10)
    assert extract(matrix, 1).loadings.ravel() == pytest.approx(R["one"], abs=1e-7)
    found = survey().factors(ITEMS, 2, rotation="none")
    assert found.frame["unique"].to_numpy() == pytest.approx(R["unique"], abs=1e-7)
    assert found.eigenvalues["eigenvalue"].to_numpy() == pytest.approx(R["eigen"], abs=1e-10)


@pytest.mark.parametrize(("rotation", "phi"), [("varimax", None), ("oblimin", "phi"), ("promax", "promax_phi")])
def test_rotations_are_those_of_r_and_keep_the_common_part(rotation, phi):
    raw = extract(np.array(R["cor"]), 2)
    turned = rotate(raw, rotation)
    assert apart(turned.loadings, R[rotation]) < 1e-6
    assert turned.correlations[0, 1] == pytest.approx(0 if phi is None else R[phi][0][1], abs=1e-6)
    np.testing.assert_allclose(turned.loadings @ turned.correlations @ turned.loadings.T, raw.loadings @ raw.loadings.T, atol=1e-10)
    assert (turned.loadings.sum(axis=0) > 0).all()


def planted(rng, n=1500, answers=None):
    a, b = rng.normal(size=(2, n))
    b = 0.4 * a + np.sqrt(1 - 0.16) * b
    y = {f"q{j}": 0.75 * (a if j < 4 else b) + np.sqrt(1 - 0.75**2) * rng.normal(size=n) for j in range(8)}
    frame = pd.DataFrame(y)
    if answers is not None:
        frame = frame.apply(lambda column: np.digitize(column, answers).astype(float))
    return frame.assign(w=rng.uniform(0.5, 2, n), psu=np.arange(n) // 15)


def test_planted_factors_are_found_in_number_and_pattern():
    found = survey(planted(np.random.default_rng(2))).factors([f"q{j}" for j in range(8)])
    assert found.suggested == 2
    own = found.loadings.argmax(axis=1)
    assert len(set(own[:4])) == 1 and len(set(own[4:])) == 1 and own[0] != own[4]
    np.testing.assert_allclose(found.loadings.max(axis=1), 0.75, atol=0.1)
    assert found.correlations[0, 1] == pytest.approx(0.4, abs=0.1)
    assert found.explained.sum() == pytest.approx(found.frame["communality"].mean(), rel=1e-6)


def test_polychoric_correlations_undo_coarse_answers():
    frame = planted(np.random.default_rng(5), n=4000, answers=[0.8])
    items = [f"q{j}" for j in range(8)]
    coarse = survey(frame).factors(items, 2)
    behind = survey(frame).factors(items, 2, correlations="polychoric")
    assert coarse.loadings.max(axis=1).mean() < 0.65
    assert behind.loadings.max(axis=1).mean() == pytest.approx(0.75, abs=0.05)


def test_unrelated_items_suggest_nothing_and_clusters_count():
    rng = np.random.default_rng(9)
    noise = pd.DataFrame(rng.normal(size=(600, 6)), columns=ITEMS).assign(w=1.0, psu=np.arange(600) // 10)
    found = survey(noise).factors(ITEMS)
    assert found.suggested == 0 and "chance" in found.reading("en")[0] and "المصادفة" in found.reading("ar")[0]
    noise[ITEMS] += rng.normal(size=(60, 6)).repeat(10, axis=0)
    clustered = survey(noise).factors(ITEMS)
    assert clustered.note["effective_rows"] < 300
    assert clustered.suggested <= survey(noise, psu=None).factors(ITEMS).suggested


def test_parallel_analysis_repeats_and_falls_with_rows():
    few, many = (parallel(6, n, np.random.default_rng(3)) for n in (100, 2000))
    assert few[0] > many[0] > 1 > many[-1] > few[-1]
    np.testing.assert_array_equal(few, parallel(6, 100, np.random.default_rng(3)))
    rng = np.random.default_rng(1)
    brute = [np.linalg.eigvalsh(np.corrcoef(rng.normal(size=(100, 6)).T))[::-1] for _ in range(500)]
    np.testing.assert_allclose(few, np.quantile(brute, 0.95, axis=0), atol=0.04)


def test_smoothing():
    bad = np.array([[1, 0.9, -0.9], [0.9, 1, 0.9], [-0.9, 0.9, 1.0]])
    fixed, was = smoothed(bad)
    assert was and np.linalg.eigvalsh(fixed)[0] > 0
    np.testing.assert_allclose(np.diag(fixed), 1)
    assert smoothed(np.eye(3)) == (pytest.approx(np.eye(3)), False)
    assert [most_factors(p) for p in (2, 3, 4, 5, 6, 9)] == [0, 1, 1, 2, 3, 5]


@pytest.mark.parametrize("ask", [
    lambda s: s.factors(ITEMS, 4),
    lambda s: s.factors(ITEMS, 0),
    lambda s: s.factors(ITEMS[:2]),
    lambda s: s.factors(ITEMS, rotation="equamax"),
    lambda s: s.factors(ITEMS, correlations="spearman"),
    lambda s: s.factors([*ITEMS, "total"]),
    lambda s: s.factors([*ITEMS, "flat"]),
    lambda s: s.where("group == 1 and psu < 6").factors(ITEMS),
    lambda s: s.factors([*ITEMS[:3], "yes", "same"], correlations="polychoric"),
])  # fmt: skip
def test_bad_input_is_refused_in_both_languages(ask):
    yes = (DATA["y1"] > 0) * 1
    frame = DATA.assign(total=DATA[ITEMS].sum(axis=1), flat=1, yes=yes, same=yes)
    with pytest.raises(EstimationError) as caught:
        ask(survey(frame))
    assert caught.value.ar and caught.value.remedy


def test_tables_speak_both_languages_and_labels_are_escaped():
    found = survey().factors(ITEMS, 2, reverse=["y3"])
    html = found._repr_html_()
    assert "turned around" in html and "معكوس" in html and "Factor 2" in html and "العامل 2" in html
    for lang in ("en", "ar"):
        assert found.plot(lang) is not None
    with pytest.raises(ParameterError):
        scree([1.0], [1.0], "en")
