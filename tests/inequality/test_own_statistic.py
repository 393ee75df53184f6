"""A researcher's own statistic: with its influence, without one, and wrong ones refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import masar_research as mr
from masar_research import replicates
from masar_research.engine.calibration import rake
from masar_research.errors import EstimationError

STATISTICS = ("estimate", "std_error", "conf_low", "conf_high", "df", "n")


def frame_of(n: int = 400, seed: int = 8) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    psu = rng.integers(0, 30, n)
    frame = pd.DataFrame(
        {
            "w": rng.uniform(1, 5, n), "h": psu % 5, "p": psu, "hh": np.arange(n) // 2,
            "sex": rng.integers(1, 3, n) * 1.0, "region": rng.integers(0, 3, n) * 1.0,
            "f1": 6.0 + psu % 5 * 2, "y": np.exp(rng.normal(3, 0.6, n) + rng.normal(0, 0.3, 30)[psu]),
        }
    )  # fmt: skip
    frame["x"] = frame["y"] * rng.uniform(0.5, 1.5, n)
    frame.loc[:5, "y"] = np.nan
    return frame


def surveys() -> dict[str, mr.Survey]:
    plain = mr.Survey(frame_of(), weights="w", strata="h", psu="p")
    stages = mr.Survey(
        frame_of().assign(f1=40.0, f2=60.0), weights="w", strata="h", psu=["p", "hh"],
        fpc=["f1", "f2"],
    )  # fmt: skip
    region, sex = (plain.values(name).astype(int) for name in ("region", "sex"))
    made = rake(plain.design.weights, [(region, np.array([500.0, 400, 300])),
                                       (sex - 1, np.array([650.0, 550]))])  # fmt: skip
    return {
        "plain": plain, "stages": stages,
        "raked": plain.with_weights(made.weights, made.calibration, "raked"),
    }  # fmt: skip


SURVEYS = surveys()


def mean(w, y):
    return np.average(y, weights=w)


def mean_influence(w, y):
    return (y - mean(w, y)) / w.sum()


def share(w, y, x):
    return np.sum(w * y) / np.sum(w * x)


def correlation(w, y, x):
    y, x = y - np.average(y, weights=w), x - np.average(x, weights=w)
    return np.sum(w * x * y) / np.sqrt(np.sum(w * x * x) * np.sum(w * y * y))


def median(w, y):
    order = np.argsort(y)
    below = np.cumsum(w[order])
    return y[order][np.searchsorted(below, 0.5 * below[-1])]


@pytest.mark.parametrize("kind", list(SURVEYS))
@pytest.mark.parametrize("influence", [mean_influence, None], ids=["influence", "numerical"])
def test_an_own_mean_is_the_mean(kind, influence):
    survey = SURVEYS[kind]
    own = survey.statistic(mean, "y", by="sex", influence=influence)
    reference = survey.mean("y", by="sex")
    for column in STATISTICS:
        np.testing.assert_allclose(own.frame[column], reference.frame[column], rtol=1e-7)
    np.testing.assert_allclose(own.vcov, reference.vcov, rtol=1e-6, atol=1e-9)
    assert own.note["missing"] == reference.note["missing"] == 6
    difference = own.contrast("1 - 2").frame["std_error"].iloc[0]
    assert difference == pytest.approx(reference.contrast("1 - 2").frame["std_error"].iloc[0], rel=1e-6)


@pytest.mark.parametrize("kind", list(SURVEYS))
def test_an_own_ratio_in_a_subpopulation_is_the_ratio(kind):
    survey = SURVEYS[kind].where("region != 2")
    own = survey.statistic(share, ["y", "x"])
    reference = survey.ratio("y", "x")
    for column in STATISTICS:
        np.testing.assert_allclose(own.frame[column], reference.frame[column], rtol=1e-7)


def test_a_statistic_nobody_wrote_an_influence_for_against_a_jackknife():
    survey = SURVEYS["plain"]
    own = survey.statistic(correlation, ["y", "x"]).frame.iloc[0]
    frame = survey.frame.dropna(subset="y")
    w, y, x, p, h = (frame[c].to_numpy() for c in ("w", "y", "x", "p", "h"))
    full, variance = correlation(w, y, x), 0.0
    for stratum in range(5):
        units = np.unique(p[h == stratum])
        m = len(units)
        for unit in units:
            f = np.where(p == unit, 0, np.where(h == stratum, m / (m - 1), 1))
            variance += (m - 1) / m * (correlation(w * f, y, x) - full) ** 2
    assert own["estimate"] == pytest.approx(full)
    assert own["std_error"] == pytest.approx(np.sqrt(variance), rel=0.1)


def test_a_wrong_influence_is_refused():
    def forgot_to_centre(w, y):
        return y / w.sum()

    with pytest.raises(EstimationError, match="contradicts"):
        SURVEYS["plain"].statistic(mean, "y", influence=forgot_to_centre)


def test_steps_are_refused_without_an_influence():
    with pytest.raises(EstimationError, match="smoothly"):
        SURVEYS["plain"].statistic(median, "y")


def test_steps_between_tied_values_are_refused_too():
    """A median of whole numbers stays where it is when one unit's weights change."""
    frame = frame_of().assign(age=np.random.default_rng(1).integers(18, 60, 400) * 1.0)
    survey = mr.Survey(frame, weights="w", strata="h", psu="p")
    with pytest.raises(EstimationError, match="smoothly"):
        survey.statistic(median, "age")


def test_smooth_statistics_pass_also_where_nothing_varies():
    frame = frame_of().assign(y=5.0)
    row = mr.Survey(frame, weights="w", strata="h", psu="p").statistic(mean, "y").frame.iloc[0]
    assert row["estimate"] == 5 and row["std_error"] == pytest.approx(0, abs=1e-9)
    few = frame_of().head(14)
    small = mr.Survey(few, weights="w", lonely_psu="centre", strata="h", psu="p")
    for function, names in ((mean, "x"), (share, ["x", "w"]), (correlation, ["x", "w"])):
        assert small.statistic(function, names).frame["estimate"].notna().all()


def test_an_influence_of_another_length_and_an_array_for_a_number_are_refused():
    with pytest.raises(EstimationError, match="influence of shape"):
        SURVEYS["plain"].statistic(mean, "y", influence=lambda w, y: np.zeros(3), check=False)
    with pytest.raises(EstimationError, match="one number"):
        SURVEYS["plain"].statistic(lambda w, y: y, "y")


def test_it_is_named_after_its_function_and_says_where_its_influence_comes_from():
    found = SURVEYS["plain"].statistic(share, ["y", "x"])
    assert found.frame["variable"].tolist() == ["share"]
    assert "numerical" in found.note["influence"]
    assert found.note["columns"] == ["y", "x"]


def test_a_domain_without_rows_is_nan_and_harms_no_other():
    frame = frame_of()
    frame.loc[frame["sex"] == 2, "y"] = np.nan
    survey = mr.Survey(frame, weights="w", strata="h", psu="p")
    for influence in (mean_influence, None):
        rows = survey.statistic(mean, "y", by="sex", influence=influence).frame.set_index("sex")
        assert np.isnan(rows.loc[2, "estimate"]) and rows.loc[1, "std_error"] > 0


@pytest.mark.parametrize("influence", [mean_influence, None], ids=["influence", "none"])
def test_under_replicate_weights_the_statistic_is_made_again(influence):
    survey = SURVEYS["plain"].with_replicates(replicates.JKn())
    own = survey.statistic(mean, "y", by="sex", influence=influence)
    reference = survey.mean("y", by="sex")
    np.testing.assert_allclose(own.frame["std_error"], reference.frame["std_error"], rtol=1e-9)
    assert "replicate" in own.note["influence"]


def test_inequality_under_a_jackknife_is_near_its_linearisation():
    plain = SURVEYS["plain"]
    jackknife = plain.with_replicates(replicates.JKn())
    for call in (
        lambda s: s.gini("y", by="sex"), lambda s: s.quintile_ratio("y"),
        lambda s: s.fgt("y", "0.5*mean", alpha=1), lambda s: s.lorenz("y", shares=[0.3, 0.7]),
    ):  # fmt: skip
        linear, replicate = call(plain).frame, call(jackknife).frame
        np.testing.assert_allclose(replicate["estimate"], linear["estimate"], rtol=1e-12)
        np.testing.assert_allclose(replicate["std_error"], linear["std_error"], rtol=0.12)
        assert (replicate["std_error"] != linear["std_error"]).all()
