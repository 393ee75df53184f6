"""Ways survey software has been silently wrong, one test each; numbers as in the project's list."""

from __future__ import annotations

import numpy as np
import pytest

from masar_research import engine
from masar_research.engine import intervals
from masar_research.errors import DesignError


def std_error(design, result):
    return np.sqrt(np.diag(engine.covariance(design, result.totals)))


@pytest.fixture
def survey():
    rng = np.random.default_rng(7)
    n = 240
    stratum = np.repeat(np.arange(4), 60)
    psu = np.tile(np.repeat(np.arange(5), 12), 4)  # labels start again in every stratum
    y = rng.normal(50, 10, n) + rng.normal(0, 6, 20)[stratum * 5 + psu]
    return {"w": rng.uniform(1, 4, n), "stratum": stratum, "psu": psu, "y": y, "rng": rng}


def test_silent_error_01_missing_outcomes_dropped_instead_of_zero_weighted(survey):
    """A skip pattern removes a whole PSU; the standard error stays that of the domain."""
    asked = ~((survey["stratum"] == 1) & (survey["psu"] == 2))
    y = np.where(asked, survey["y"], np.nan)
    design = engine.declare(survey["w"], strata=survey["stratum"], psu=survey["psu"])
    skipped, domain = engine.mean(design, y), engine.mean(design, survey["y"], mask=asked)
    assert skipped.estimate[0] == domain.estimate[0]
    assert std_error(design, skipped)[0] == pytest.approx(std_error(design, domain)[0], rel=1e-14)
    assert skipped.df.tolist() == domain.df.tolist() == [15]
    assert skipped.n_missing.tolist() == [12]
    rows = {k: survey[k][asked] for k in ("w", "stratum", "psu", "y")}
    dropped = engine.declare(rows["w"], strata=rows["stratum"], psu=rows["psu"])
    assert std_error(dropped, engine.mean(dropped, rows["y"]))[0] != pytest.approx(
        std_error(design, skipped)[0], rel=1e-3
    )


def test_silent_error_04_second_stage_fpc_grouped_by_repeated_labels(survey):
    """Labels 1..k in every stratum and every PSU give what unique labels give."""
    stratum, psu = survey["stratum"], survey["psu"]
    household = np.tile(np.repeat(np.arange(6), 2), 20)
    fpc = [np.full(240, 9), np.full(240, 15)]
    repeated = engine.declare(survey["w"], strata=stratum, psu=[psu, household], fpc=fpc)
    unique_psu = stratum * 100 + psu
    unique = engine.declare(
        survey["w"], strata=stratum, psu=[unique_psu, unique_psu * 100 + household], fpc=fpc
    )
    a, b = engine.mean(repeated, survey["y"]), engine.mean(unique, survey["y"])
    assert repeated.n_units == unique.n_units == 120
    assert std_error(repeated, a)[0] == std_error(unique, b)[0]
    # n = 6 of 15 within a PSU: the second-stage fraction is 6/15, not 120/15 or 24/15
    assert repeated.structure.stages[1].factor[0] == pytest.approx(5 / 9 * (1 - 6 / 15) * 6 / 5)


def test_silent_error_05_domain_df_taken_from_the_full_design(survey):
    """What `by` gives is what a mask gives, degrees of freedom included."""
    design = engine.declare(survey["w"], strata=survey["stratum"], psu=survey["psu"])
    domain = (survey["stratum"] == 3).astype(int) + 2 * (
        (survey["psu"] < 2) & (survey["stratum"] == 0)
    )
    by = engine.mean(design, survey["y"], domain=domain, n_domains=3)
    for d in range(3):
        alone = engine.mean(design, survey["y"], mask=domain == d)
        assert by.df[d] == alone.df[0]
        assert by.estimate[d] == pytest.approx(alone.estimate[0], rel=1e-14)
        assert std_error(design, by)[d] == pytest.approx(std_error(design, alone)[0], rel=1e-12)
    assert by.df.tolist() == [10, 4, 1]
    assert design.df == 16


def test_silent_error_06_deff_counts_zero_weight_rows(survey):
    """Rows of weight zero and rows with a missing outcome leave the reference variance alone."""
    y = survey["y"].copy()
    y[::7] = np.nan
    seen = ~np.isnan(y)
    design = engine.declare(survey["w"], strata=survey["stratum"], psu=survey["psu"])
    padded = engine.declare(
        np.concatenate([survey["w"], np.zeros(50)]), strata=np.concatenate([survey["stratum"], np.zeros(50, int)]),
        psu=np.concatenate([survey["psu"], np.zeros(50, int)]),
    )  # fmt: skip
    a = engine.mean(design, y)
    b = engine.mean(padded, np.concatenate([y, np.full(50, 1e6)]))
    w, v = survey["w"][seen], y[seen]
    centre = np.average(v, weights=w)
    by_hand = np.average((v - centre) ** 2, weights=w) / (seen.sum() - 1)
    assert a.n[0] == b.n[0] == seen.sum()
    assert a.srs_variance[0] == pytest.approx(by_hand, rel=1e-12)
    assert b.srs_variance[0] == pytest.approx(by_hand, rel=1e-12)


def test_silent_error_07_percents_use_the_same_centred_variance_as_proportions(survey):
    design = engine.declare(survey["w"], strata=survey["stratum"], psu=survey["psu"])
    code = (survey["y"] > 55).astype(int)
    share, percent = engine.proportion(design, code, 2), engine.mean(design, 100.0 * code)
    assert std_error(design, share)[1] * 100 == pytest.approx(
        std_error(design, percent)[0], rel=1e-12
    )
    assert std_error(design, share)[0] == pytest.approx(std_error(design, share)[1], rel=1e-12)


def test_silent_error_08_t_quantiles_not_normal_ones(survey):
    """At 6 degrees of freedom the half-width is 2.4469 standard errors."""
    low, high = intervals.wald([0.0], [1.0], [6], 0.95)
    assert (high[0] - low[0]) / 2 == pytest.approx(2.446911851, rel=1e-9)


def test_silent_error_10_strata_with_one_psu_raise_and_are_named(survey):
    keep = (survey["stratum"] != 2) | (survey["psu"] == 0)
    with pytest.raises(DesignError, match="1 hold one: 2") as raised:
        engine.declare(survey["w"][keep], strata=survey["stratum"][keep], psu=survey["psu"][keep])
    assert "lonely_psu" in raised.value.remedy


def test_silent_error_13_declaring_strata_never_switches_the_estimator(survey):
    """Strata change the standard error only; one stratum declared is no stratum declared."""
    plain = engine.declare(survey["w"], psu=survey["stratum"] * 5 + survey["psu"])
    one = engine.declare(
        survey["w"], psu=survey["stratum"] * 5 + survey["psu"], strata=np.zeros(240)
    )
    several = engine.declare(survey["w"], strata=survey["stratum"], psu=survey["psu"])
    results = [engine.mean(design, survey["y"]) for design in (plain, one, several)]
    assert results[0].estimate[0] == results[1].estimate[0]
    assert std_error(plain, results[0])[0] == std_error(one, results[1])[0]
    assert results[2].estimate[0] == pytest.approx(results[0].estimate[0], rel=1e-14)


def test_silent_error_15_the_reference_of_deff_is_sampling_with_replacement():
    """R's figure for deff="replace"; the other reference would give 1.0101 for the first."""
    y = [15.0, 143, 21, 51, 337, 50, 274, 145, 15, 86]
    equal = engine.declare(np.full(10, 100.0))
    mean = engine.mean(equal, y)
    assert engine.covariance(equal, mean.totals)[0, 0] / mean.srs_variance[0] == pytest.approx(
        1.0, rel=1e-12
    )
    unequal = engine.declare([20, 200, 11, 25, 550, 30, 250, 100, 10, 55])
    mean, total = engine.mean(unequal, y), engine.total(unequal, y)
    assert mean.estimate[0] == pytest.approx(243.914, abs=5e-4)
    assert std_error(unequal, mean)[0] == pytest.approx(48.752, abs=5e-4)
    assert std_error(unequal, mean)[0] ** 2 / mean.srs_variance[0] == pytest.approx(
        1.9741, abs=5e-5
    )
    assert std_error(unequal, total)[0] == pytest.approx(184965, abs=0.5)
    assert std_error(unequal, total)[0] ** 2 / total.srs_variance[0] == pytest.approx(
        18.157, abs=5e-4
    )


@pytest.mark.parametrize(
    "change",
    [
        {"strata": None},
        {"psu": None},
        {"fpc": np.full(240, 20)},
        {"wave": np.tile(np.repeat([1, 1, 2, 2, 2], 12), 4)},
    ],
    ids=lambda c: next(iter(c)),
)
def test_silent_error_18_no_argument_is_accepted_and_ignored(survey, change):
    given = {"strata": survey["stratum"], "psu": survey["psu"], **change}
    plain = engine.declare(survey["w"], strata=survey["stratum"], psu=survey["psu"])
    other = engine.declare(survey["w"], **given)
    a, b = (std_error(design, engine.mean(design, survey["y"]))[0] for design in (plain, other))
    assert a != pytest.approx(b, rel=1e-3)


def test_silent_error_30_ids_stay_text(survey):
    """ "122.1" and "122.10" are two clusters; read as numbers they would merge."""
    labels = np.array(["122.1", "122.10", "122.2", "122.20"])
    psu = np.repeat(labels, 60)
    text = engine.declare(survey["w"], psu=psu)
    numbers = engine.declare(survey["w"], psu=psu.astype(float))
    assert (text.n_units, numbers.n_units) == (4, 2)
