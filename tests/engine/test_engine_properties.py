"""What must not change an answer, on designs drawn at random."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from masar_research import engine

SETTINGS = settings(max_examples=40, deadline=None, derandomize=True, database=None)


@st.composite
def surveys(draw):
    """A stratified clustered sample with skips, zero weights and three domains."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    strata, psu = [], []
    for h in range(draw(st.integers(1, 4))):
        for k in range(draw(st.integers(2, 4))):
            rows = draw(st.integers(1, 5))
            strata += [h] * rows
            psu += [k] * rows
    n = len(strata)
    weights = rng.uniform(0.5, 20, n) * (rng.random(n) > 0.1)
    if not weights.any():
        weights[0] = 1.0
    y = np.where(rng.random(n) < 0.15, np.nan, rng.normal(100, 25, n))
    x = rng.uniform(1, 3, n)
    domain = rng.integers(-1, 3, n)
    return {
        "w": weights,
        "strata": np.array(strata),
        "psu": np.array(psu),
        "y": y,
        "x": x,
        "domain": domain,
    }


def answers(s, *, labels=lambda a: a, **changes):
    """Every estimator by domain: estimates, covariance, n and df, in one vector."""
    s = {**s, **changes}
    design = engine.declare(s["w"], strata=labels(s["strata"]), psu=labels(s["psu"]))
    options = {"domain": s["domain"], "n_domains": 3}
    level = np.where(np.isnan(s["y"]), -1, (np.nan_to_num(s["y"]) > 100).astype(int))
    results = engine.stack(
        engine.mean(design, s["y"], **options), engine.total(design, s["y"], **options),
        engine.ratio(design, s["y"], s["x"], **options), engine.count(design, **options),
        engine.proportion(design, level, 2, **options),
    )  # fmt: skip
    vcov = engine.covariance(design, results.totals)
    return results, np.concatenate([results.estimate, vcov.ravel(), results.n, results.df])


def same(a, b, rtol=1e-9):
    scale = np.nanmax(np.abs(a[np.isfinite(a)]), initial=1.0)
    np.testing.assert_allclose(a, b, rtol=rtol, atol=1e-13 * scale)


@SETTINGS
@given(surveys(), st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_nothing(survey, random):
    order = list(range(len(survey["w"])))
    random.shuffle(order)
    same(answers(survey)[1], answers({k: v[order] for k, v in survey.items()})[1])


@SETTINGS
@given(surveys())
def test_the_names_of_strata_and_psus_change_nothing(survey):
    renamed = lambda codes: np.array([f"ب{97 - c}·{c}" for c in codes], dtype=object)  # noqa: E731
    same(answers(survey)[1], answers(survey, labels=renamed)[1])


@SETTINGS
@given(surveys(), st.floats(0.01, 1000))
def test_the_scale_of_weights_changes_totals_only(survey, scale):
    a, b = answers(survey)[0], answers(survey, w=survey["w"] * scale)[0]
    means = [*range(3), *range(6, 9), *range(12, 18)]
    np.testing.assert_allclose(a.estimate[means], b.estimate[means], rtol=1e-9)
    np.testing.assert_allclose(a.totals[:, means], b.totals[:, means], rtol=1e-7, atol=1e-9)
    totals = [*range(3, 6), *range(9, 12)]
    np.testing.assert_allclose(a.estimate[totals] * scale, b.estimate[totals], rtol=1e-9)


@SETTINGS
@given(surveys())
def test_splitting_rows_of_a_psu_changes_nothing_but_n(survey):
    """Each row as two rows of half the weight in the same PSU."""
    twice = {k: np.concatenate([v, v]) for k, v in survey.items()}
    twice["w"] = twice["w"] / 2
    a, b = answers(survey)[0], answers(twice)[0]
    np.testing.assert_allclose(a.estimate, b.estimate, rtol=1e-9)
    np.testing.assert_allclose(a.totals, b.totals, rtol=1e-8, atol=1e-9)
    assert (a.n * 2 == b.n).all()
    assert (a.df == b.df).all()


@SETTINGS
@given(surveys())
def test_doubled_data_with_the_same_psus_doubles_totals_only(survey):
    twice = {k: np.concatenate([v, v]) for k, v in survey.items()}
    a, b = answers(survey), answers(twice)
    m = len(a[0].estimate)
    means = [*range(3), *range(6, 9), *range(12, 18)]
    np.testing.assert_allclose(a[0].estimate[means], b[0].estimate[means], rtol=1e-9)
    va, vb = (x[1][m : m + m * m].reshape(m, m)[np.ix_(means, means)] for x in (a, b))
    np.testing.assert_allclose(
        va, vb, rtol=1e-6, atol=1e-10 * max(np.nanmax(np.abs(va), initial=0), 1e-9)
    )


@SETTINGS
@given(surveys())
def test_the_covariance_is_symmetric_and_has_no_negative_direction(survey):
    result, vector = answers(survey)
    m = len(result.estimate)
    vcov = vector[m : m + m * m].reshape(m, m)
    known = np.isfinite(np.diag(vcov))
    vcov = vcov[np.ix_(known, known)]
    np.testing.assert_allclose(vcov, vcov.T, rtol=1e-12, atol=1e-12)
    if len(vcov):
        scale = np.sqrt(np.maximum(np.diag(vcov), 1e-300))
        assert np.linalg.eigvalsh(vcov / np.outer(scale, scale)).min() > -1e-6 * len(vcov)


@SETTINGS
@given(surveys())
def test_a_callers_arrays_are_never_changed(survey):
    before = {k: v.copy() for k, v in survey.items()}
    answers(survey)
    for name, values in survey.items():
        np.testing.assert_array_equal(values, before[name])


PROGRAM = """
import hashlib
import numpy as np
from masar_research import engine
rng = np.random.default_rng(5)
n = 60_000
stratum = np.array([f"s{i}" for i in range(40)], dtype=object)[rng.integers(0, 40, n)]
psu = np.array([f"p{i}" for i in range(25)], dtype=object)[rng.integers(0, 25, n)]
y = np.where(rng.random(n) < 0.1, np.nan, rng.normal(50, 9, n))
design = engine.declare(rng.uniform(1, 3, n), strata=stratum, psu=psu)
domain = rng.integers(0, 60, n)
r = engine.stack(engine.mean(design, y), engine.mean(design, y, domain=domain, n_domains=60))
v = engine.covariance(design, r.totals)
print(hashlib.sha256(r.estimate.tobytes() + v.tobytes() + r.srs_variance.tobytes()).hexdigest())
"""


def test_silent_error_11_bit_identical_across_hash_seeds_and_thread_counts():
    digests = set()
    for seed, threads in (("0", "1"), ("1", "2"), ("77", "4")):
        environment = {
            **os.environ, "PYTHONHASHSEED": seed, "OPENBLAS_NUM_THREADS": threads,
            "OMP_NUM_THREADS": threads, "MKL_NUM_THREADS": threads,
        }  # fmt: skip
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        digests.add(done.stdout.strip())
    assert len(digests) == 1
    assert len(next(iter(digests))) == hashlib.sha256().digest_size * 2


def test_silent_error_12_no_answer_is_remembered_by_object_identity():
    """Change the data in place, estimate again: the new answer, as if the array were new."""
    y = np.arange(10.0)
    design = engine.declare(np.ones(10))
    assert engine.mean(design, y).estimate[0] == 4.5
    y += 1
    assert engine.mean(design, y).estimate[0] == 5.5
