"""Poverty measures and pay gaps by hand and by identity."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import masar_research as mr
from masar_research.engine import covariance, declare, mean, transform
from masar_research.engine import poverty as measures
from masar_research.engine.functional import functional
from masar_research.errors import EstimationError


def frame_of(n: int = 400, seed: int = 5) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    psu = rng.integers(0, 30, n)
    sex = rng.integers(1, 3, n)
    return pd.DataFrame(
        {
            "w": rng.uniform(1, 5, n), "h": psu % 5, "p": psu, "sex": sex * 1.0,
            "wave": rng.integers(0, 2, n) * 2.0 + 2024,
            "income": np.exp(rng.normal(5, 0.6, n) + 0.2 * (sex == 1)),
            "a": (rng.random(n) < 0.3) * 1.0, "b": (rng.random(n) < 0.4) * 1.0,
            "c": (rng.random(n) < 0.2) * 1.0,
        }
    )  # fmt: skip


@pytest.fixture
def survey() -> mr.Survey:
    return mr.Survey(frame_of(), weights="w", strata="h", psu="p")


def same(left: pd.Series, right: pd.Series, columns=("estimate", "std_error", "n", "df")) -> None:
    for column in columns:
        assert left[column] == pytest.approx(right[column], rel=1e-10), column


def test_the_rate_is_the_proportion_below_the_line(survey):
    poor = survey.with_columns({"poor": (survey.values("income") < 120).astype(float)})
    share = poor.proportion("poor", by="sex").frame
    rate = survey.fgt("income", 120, by="sex").frame
    columns = ("estimate", "std_error", "conf_low", "conf_high", "n", "df", "n_eff", "deff", "count")
    for i in (0, 1):
        same(rate.iloc[i], share.iloc[i], columns)


def test_foster_greer_thorbecke_by_hand():
    # Line 10; gaps 0.5, 0.2 of four persons; the one at the line is not poor.
    frame = pd.DataFrame({"w": [1.0] * 4, "y": [5.0, 8.0, 10.0, 20.0]})
    survey = mr.Survey(frame, weights="w")
    values = [survey.fgt("y", 10, alpha=a).frame["estimate"].iloc[0] for a in (0, 1, 2)]
    assert values == pytest.approx([0.5, 0.7 / 4, 0.29 / 4])


def test_a_line_in_a_column_and_a_fixed_line_agree(survey):
    with_line = survey.with_columns({"z": np.full(len(survey), 120.0)})
    for alpha in (0, 1, 2):
        same(with_line.fgt("income", "z", alpha=alpha).frame.iloc[0],
             survey.fgt("income", 120, alpha=alpha).frame.iloc[0])  # fmt: skip


@pytest.mark.parametrize("line", ["0.6*median", "0.5*mean"])
@pytest.mark.parametrize("alpha", [0, 1, 2])
def test_a_relative_line_is_scale_free_and_its_sampling_error_counts(survey, line, alpha):
    doubled = survey.with_columns({"income": 2 * survey.values("income")})
    found = survey.fgt("income", line, alpha=alpha)
    same(found.frame.iloc[0], doubled.fgt("income", line, alpha=alpha).frame.iloc[0])
    fixed = survey.fgt("income", found.note["line"]["value"][""], alpha=alpha).frame.iloc[0]
    assert found.frame["estimate"].iloc[0] == pytest.approx(fixed["estimate"], rel=1e-12)
    assert found.frame["std_error"].iloc[0] != pytest.approx(fixed["std_error"], rel=1e-3)


def test_a_line_relative_to_the_mean_is_differentiated_exactly():
    """Gap below half the mean, one PSU's weights perturbed: its influence total to 1e-6."""
    frame = frame_of()
    y, w = frame["income"].to_numpy(), frame["w"].to_numpy()
    women = (frame["sex"] == 2).to_numpy()
    design = declare(w, strata=frame["h"].to_numpy(), psu=frame["p"].to_numpy())

    def gap(weights: np.ndarray) -> float:
        line = 0.5 * np.average(y, weights=weights)
        return np.average(np.where(y < line, 1 - y / line, 0)[women], weights=weights[women])

    middle = mean(design, y)
    line = transform(middle, 0.5 * middle.estimate, [[0.5]])
    result = measures.fgt_relative(
        design, y, 1, line, None, domain=None, n_domains=1, mask=women
    )
    totals = result.totals[:, 0]
    for unit in range(design.n_units):
        inside = design.unit == unit
        up, down = (gap(w * (1 + s * 1e-5 * inside)) for s in (1, -1))
        assert abs((up - down) / 2e-5 - totals[unit]) < 1e-6 * np.abs(totals).max()


def test_the_line_is_that_of_everybody_or_of_each_wave(survey):
    everyone = survey.fgt("income", "0.6*median")
    women = survey.where("sex == 2").fgt("income", "0.6*median")
    assert women.note["line"]["value"] == everyone.note["line"]["value"]
    by_wave = survey.fgt("income", "0.6*median", by="wave", line_by="wave")
    for wave in (2024, 2026):
        alone = survey.where(f"wave == {wave}")
        line = by_wave.note["line"]["value"][str(wave)]
        fixed = alone.fgt("income", line).frame["estimate"].iloc[0]
        assert by_wave.rows(wave=wave)["estimate"].iloc[0] == pytest.approx(fixed, rel=1e-12)
    assert len(set(by_wave.note["line"]["value"].values())) == 2


def test_the_error_of_a_median_is_near_its_replication():
    """Kernel linearisation of the median against a bootstrap of PSUs within strata."""
    frame = frame_of(2000, seed=9)
    y, w, psu, stratum = (frame[c].to_numpy() for c in ("income", "w", "p", "h"))
    design = declare(w, strata=stratum, psu=psu)
    result = functional(design, [y], lambda w, y: measures.quantile(w, y, 0.5))
    linear = float(np.sqrt(covariance(design, result.totals)[0, 0]))
    rng = np.random.default_rng(1)
    values = []
    for _ in range(300):
        factor = np.zeros(30)
        for h in range(5):
            units = np.arange(h, 30, 5)
            m = len(units)
            factor[units] = np.bincount(rng.integers(0, m, m - 1), minlength=m) * m / (m - 1)
        values.append(measures.quantile((w * factor[psu])[factor[psu] > 0], y[factor[psu] > 0], 0.5)[0])
    assert linear == pytest.approx(np.std(values), rel=0.2)


def test_one_indicator_is_a_proportion(survey):
    found = survey.alkire_foster(["a"], cutoff=1, by="sex")
    share = survey.proportion("a", by="sex").frame
    for name in ("H", "M0"):
        for i, (_, row) in enumerate(found.rows(variable=name).iterrows()):
            same(row, share.iloc[i])
    assert (found.rows(variable="A")["estimate"] == 1).all()


def test_adjusted_headcount_is_incidence_times_intensity(survey):
    found = survey.alkire_foster(["a", "b", "c"], {"a": 2, "b": 1, "c": 1}, cutoff=0.5)
    h, a, m0 = found.frame["estimate"]
    assert m0 == pytest.approx(h * a, rel=1e-12)
    score = 0.5 * survey.values("a") + 0.25 * survey.values("b") + 0.25 * survey.values("c")
    poor = score >= 0.5
    w = survey.design.weights
    assert h == pytest.approx(np.average(poor, weights=w))
    # The error of the product from the covariance of its factors (delta method).
    slopes = np.array([a, h])
    assert found.vcov[2, 2] == pytest.approx(slopes @ found.vcov[:2, :2] @ slopes, rel=1e-9)


def test_union_and_thirds(survey):
    union = survey.alkire_foster(["a", "b", "c"], cutoff=0.01).frame["estimate"].iloc[0]
    w = survey.design.weights
    some = survey.values("a") + survey.values("b") + survey.values("c")
    assert union == pytest.approx(np.average(some > 0, weights=w))
    third = survey.alkire_foster(["a", "b", "c"], cutoff=1 / 3).frame["estimate"].iloc[0]
    two = survey.alkire_foster(["a", "b", "c"], cutoff=2 / 3).frame["estimate"].iloc[0]
    assert third == pytest.approx(union) and two == pytest.approx(np.average(some >= 2, weights=w))


def test_a_missing_indicator_is_zero_weighted_and_counted():
    frame = frame_of()
    frame.loc[:6, "b"] = np.nan
    survey = mr.Survey(frame, weights="w", strata="h", psu="p")
    found = survey.alkire_foster(["a", "b"], cutoff=0.5)
    assert found.note["missing"] == 7
    assert found.frame["n"].tolist() == [393] * 3


def test_the_gap_of_means_is_a_ratio(survey):
    men, women = (survey.where(f"sex == {code}").mean("income").frame["estimate"].iloc[0] for code in (1, 2))
    found = survey.pay_gap("income")
    assert found.rows(measure="mean")["estimate"].iloc[0] == pytest.approx((men - women) / men)
    reverse = survey.pay_gap("income", reference=2).rows(measure="mean")["estimate"].iloc[0]
    assert reverse == pytest.approx((women - men) / women)


def test_equal_pay_is_no_gap_and_the_gap_ignores_the_currency():
    frame = frame_of()
    twice = pd.concat([frame.assign(sex=1.0), frame.assign(sex=2.0)], ignore_index=True)
    survey = mr.Survey(twice, weights="w", strata="h", psu="p")
    found = survey.pay_gap("income").frame
    assert found["estimate"].to_numpy() == pytest.approx([0, 0], abs=1e-12)
    assert found["std_error"].to_numpy() == pytest.approx([0, 0], abs=1e-12)


def test_the_gap_warns_of_selection_in_both_languages(survey):
    warning = survey.pay_gap("income").note["warning"]
    assert "Only people with pay" in warning["en"] and "العاملين بأجر" in warning["ar"]


def test_a_domain_with_one_sex_has_no_gap_and_harms_no_other():
    frame = frame_of()
    frame.loc[(frame["wave"] == 2024) & (frame["sex"] == 2), "income"] = np.nan
    survey = mr.Survey(frame, weights="w", strata="h", psu="p")
    found = survey.pay_gap("income", within="wave").frame
    lost = found[found["wave"] == 2024]
    assert lost["estimate"].isna().all() and lost["std_error"].isna().all()
    assert found[found["wave"] == 2026]["std_error"].notna().all()


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda s: s.fgt("income", 0), "positive"),
        (lambda s: s.fgt("income", "0.6 x median"), "nor a variable"),
        (lambda s: s.fgt("income", 100, alpha=3), "alpha"),
        (lambda s: s.fgt("income", 100, line_by="wave"), "relative"),
        (lambda s: s.alkire_foster(["a"], cutoff=0), "cutoff"),
        (lambda s: s.alkire_foster(["a", "b"], {"a": 1}), "one weight"),
        (lambda s: s.alkire_foster(["sex"], cutoff=1), "1 \\(deprived\\)"),
        (lambda s: s.pay_gap("income", by="h"), "two categories"),
        (lambda s: s.pay_gap("income", reference=7), "two categories"),
    ],
)
def test_errors_name_the_remedy(survey, call, words):
    with pytest.raises(EstimationError, match=words) as caught:
        call(survey)
    assert caught.value.remedy
