"""Confirmatory factors and invariance: lavaan, derivatives, clusters, planted bias, bad input."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import masar_research as mr
from masar_research.engine.factor_fit import difference
from masar_research.engine.factor_model import fit, moments, omega, places
from masar_research.engine.factor_scales import omegas, slopes, standardised
from masar_research.errors import EstimationError

HERE = Path(__file__).parent / "oracles"
R = json.loads((HERE / "factor_model.json").read_text(encoding="utf-8"))
DATA = pd.read_csv(HERE / "factor_model.csv")
ITEMS = [f"y{k}" for k in range(1, 7)]
FACTORS = {"a": ITEMS[:3], "b": ITEMS[3:]}
N = len(DATA)


def survey(frame=DATA, **more):
    return mr.Survey(frame.assign(one=1.0), **({"weights": "one"} | more))


def rows(found):
    """Figures of ours by lavaan's (lhs, op, rhs)."""
    out = {}
    for row in found.frame.to_dict("records"):
        key = {
            "loading": (row["factor"], "=~", row["item"]), "intercept": (row["item"], "~1", ""),
            "residual": (row["item"], "~~", row["item"]), "factor_correlation": (row["factor"], "~~", row["other"]),
        }.get(row["kind"])  # fmt: skip
        out[key] = row
    return out


@pytest.mark.parametrize(("case", "design", "units"), [
    ("plain", {}, None), ("weighted", {"weights": "w", "psu": "psu"}, "kept"),
])  # fmt: skip
def test_estimates_and_errors_are_those_of_lavaan(case, design, units):
    """MLR with observed information; without clusters lavaan leaves n / (n − 1) out."""
    ours = rows(survey(**design).confirmatory(FACTORS))
    factor = 1.0 if units else np.sqrt(N / (N - 1))
    checked = 0
    for row in R[case]:
        key = (row["lhs"], row["op"], row["rhs"])
        if key not in ours:
            continue
        assert ours[key]["estimate"] == pytest.approx(row["est"], abs=1e-6)
        assert ours[key]["std_error"] == pytest.approx(row["se"] * factor, rel=1e-6)
        assert ours[key]["standardised"] == pytest.approx(row["std.all"], abs=1e-6)
        checked += 1
    assert checked == 19


def same_fit(ours, theirs):
    """Ours counts n / (n − 1) in the covariance of moments, lavaan does not."""
    bigger = N / (N - 1)
    assert ours["chi2"] == pytest.approx(theirs["chisq"], rel=1e-7)
    assert ours["df"] == theirs["df"]
    assert ours["scaling"] == pytest.approx(theirs["chisq.scaling.factor"] * bigger, rel=2e-6)
    assert ours["srmr"] == pytest.approx(theirs["srmr"], abs=1e-6)
    for name in ("cfi", "tli", "rmsea"):
        assert ours[name] == pytest.approx(theirs[f"{name}.robust"], abs=5e-4)


def test_fit_and_levels_are_those_of_lavaan():
    one = survey().confirmatory(FACTORS).fit
    same_fit({name: getattr(one, name) for name in one.__slots__}, R["fit"])
    found = survey().invariance(FACTORS, "group")
    for row in found.frame.to_dict("records"):
        same_fit(row, R["levels"][row["level"]])
    for row, (chi2, df) in zip(found.frame.to_dict("records")[1:], R["steps"], strict=True):
        assert row["step_df"] == df
        assert row["step_chi2"] == pytest.approx(chi2, rel=5e-3)


def test_omega_is_that_of_lavaan_and_of_the_scale():
    value = survey().reliability(ITEMS, also=["omega"]).frame.set_index("variable").loc["omega"]
    assert value["estimate"] == pytest.approx(R["omega"], abs=1e-6)
    alone = survey(psu="psu").confirmatory({"f": ITEMS}).frame.query("kind == 'omega'").iloc[0]
    inside = survey(psu="psu").reliability(ITEMS, also=["omega"]).frame.set_index("variable").loc["omega"]
    assert inside["std_error"] == pytest.approx(alone["std_error"], rel=1e-8)


def test_influence_is_the_derivative_by_weights_even_of_a_wrong_model():
    y, group = DATA[ITEMS].to_numpy(float), DATA["group"].to_numpy() - 1
    weights = DATA["w"].to_numpy(float)
    at = places([(0, 1, 2), (3, 4, 5)], 6, 2, "scalar")

    def theta(w):
        return fit(at, moments(w, y, group, 2)).theta

    of = moments(weights, y, group, 2)
    found = fit(at, of)
    from masar_research.engine.factor_model import row_moments

    size = 6 + 21 + 1
    for row in (3, 500):
        step = np.zeros(N)
        step[row] = 1e-4
        slope = (theta(weights + step) - theta(weights - step)) / 2e-4
        g = group[row]
        ours = found.pull[:, g * size : (g + 1) * size] @ row_moments(y[[row]], of, g)[0]
        np.testing.assert_allclose(ours, slope, rtol=1e-5, atol=1e-8)
    _, influence = omega(weights, *y.T)
    step = np.zeros(N)
    step[7] = 1e-4
    slope = (omega(weights + step, *y.T)[0] - omega(weights - step, *y.T)[0]) / 2e-4
    assert influence[7] == pytest.approx(slope, rel=1e-6)


def test_identities():
    """A saturated model gives the moments back; nested levels lose freedom and never gain fit."""
    y = DATA[ITEMS[:3]].to_numpy(float)
    of = moments(np.ones(N), y, np.zeros(N, int), 1)
    found = fit(places([(0, 1, 2)], 3, 1), of)
    assert found.df == 0 and found.loss == pytest.approx(0, abs=1e-12)
    frame = survey(weights="w", psu="psu").invariance(FACTORS, "group").frame
    assert (frame["chi2"].diff().dropna() >= -1e-9).all() and frame["df"].is_monotonic_increasing
    turned = slopes(lambda t: omegas(found.places, t), found.theta)
    assert turned.shape == (1, found.places.size)
    scaled = moments(np.full(N, 5.0), y * 3 + 2, np.zeros(N, int), 1)
    again = fit(places([(0, 1, 2)], 3, 1), scaled)
    loading = found.places.loading[0, :, 0]
    np.testing.assert_allclose(standardised(again.places, again.theta)[loading],
                               standardised(found.places, found.theta)[loading], rtol=1e-8)  # fmt: skip


def test_a_subpopulation_is_its_rows_with_the_design_of_all():
    part = survey(weights="w", psu="psu").where("group == 2").confirmatory(FACTORS)
    cut = survey(DATA[DATA["group"] == 2], weights="w", psu="psu").confirmatory(FACTORS)
    np.testing.assert_allclose(part.frame["estimate"], cut.frame["estimate"], rtol=1e-8)
    np.testing.assert_allclose(part.frame["std_error"], cut.frame["std_error"], rtol=0.02)


def test_replicates_agree_with_linearisation():
    linear = survey(weights="w", psu="psu")
    jack = linear.with_replicates(mr.replicates.JKn())
    ours, theirs = linear.confirmatory(FACTORS).frame, jack.confirmatory(FACTORS).frame
    np.testing.assert_allclose(theirs["std_error"], ours["std_error"], rtol=0.05)


def planted(rng, n=4000, shift=0.0, weak=1.0, mean=0.3):
    psu = np.repeat(np.arange(n // 20), 20)
    sex = rng.integers(1, 3, n)
    common = np.sqrt(0.15) * rng.normal(size=n // 20)[psu] + np.sqrt(0.85) * rng.normal(size=n) + mean * (sex == 2)
    y = {f"q{j}": 0.8 * common + rng.normal(size=n) * 0.7 for j in range(5)}
    y["q3"] = y["q3"] + shift * (sex == 2)
    y["q4"] = np.where(sex == 2, weak, 1.0) * 0.8 * common + rng.normal(size=n) * 0.7
    return pd.DataFrame(y).round(1).assign(sex=sex, psu=psu, w=rng.uniform(0.5, 2, n))


def measured(frame, **more):
    return mr.Survey(frame, weights="w", psu="psu").invariance({"t": [f"q{j}" for j in range(5)]}, "sex", **more)


def test_planted_bias_is_found_named_and_its_consequence_told():
    rng = np.random.default_rng(4)
    clean = measured(planted(rng))
    assert clean.holds == "strict" and len(clean.items) == 0
    assert clean.means["estimate"].iloc[0] == pytest.approx(0.3, abs=0.1)
    shifted = measured(planted(rng, shift=0.6))
    assert shifted.holds == "metric" and shifted.items["item"].iloc[0] == "q3" and shifted.means.empty
    assert "means may not" in shifted.reading("en")[0] and "متوسطاته" in shifted.reading("ar")[0]
    assert "q3" in shifted.reading("ar")[1]
    loose = measured(planted(rng, shift=0.6), free=["q3"])
    assert loose.holds == "strict" and loose.means["estimate"].iloc[0] == pytest.approx(0.3, abs=0.1)
    assert "partial" in " ".join(loose.reading("en")) and "جزئي" in " ".join(loose.reading("ar"))
    crooked = measured(planted(rng, weak=0.2))
    assert crooked.holds == "configural" and crooked.items["item"].iloc[0] == "q4"


def test_waves_with_common_units_carry_covariance():
    """The same units twice: the error of the change is smaller than between strangers."""
    rng = np.random.default_rng(6)
    frame = planted(rng, mean=0.0).drop(columns="sex")
    shift = rng.normal(size=200, scale=0.5)[frame["psu"]]
    later = planted(rng, mean=0.0).drop(columns="sex")
    for j in range(5):
        frame[f"q{j}"] += shift
        later[f"q{j}"] += shift
    both = pd.concat([frame.assign(wave=1), later.assign(wave=2)], ignore_index=True)
    factors = {"t": [f"q{j}" for j in range(5)]}
    tied = mr.Survey(both, weights="w", psu="psu", wave="wave").invariance(factors, "wave").means
    apart = mr.Survey(both.assign(psu=both["psu"] + 1000 * both["wave"]), weights="w", psu="psu", wave="wave")
    assert tied["std_error"].iloc[0] < 0.8 * apart.invariance(factors, "wave").means["std_error"].iloc[0]


@pytest.mark.parametrize("ask", [
    lambda s: s.confirmatory({}),
    lambda s: s.confirmatory({"a": "y1"}),
    lambda s: s.confirmatory({"a": ["y1", "y2"]}),
    lambda s: s.confirmatory({"a": ["y1", "y1", "y2"]}),
    lambda s: s.confirmatory({"a": ["y1", "y2", "k"]}),
    lambda s: s.confirmatory({"a": ["y1", "y2", "copy"]}),
    lambda s: s.confirmatory({"a": ITEMS}, labels={"z": {"en": "Z", "ar": "ز"}}),
    lambda s: s.confirmatory({"a": ITEMS}, residuals=[("y1", "y1")]),
    lambda s: s.confirmatory({"a": ITEMS, "b": ITEMS}),
    lambda s: s.where("few == 1").confirmatory({"a": ITEMS}),
    lambda s: s.invariance(FACTORS, "k"),
    lambda s: s.invariance(FACTORS, "few"),
    lambda s: s.invariance(FACTORS, "group", reference=9),
    lambda s: s.invariance(FACTORS, "group", free=["y1", "y2"]),
    lambda s: s.invariance(FACTORS, "group", free=["none"]),
    lambda s: s.reliability(ITEMS[:2], also=["omega"]),
])  # fmt: skip
def test_bad_input_is_refused_in_both_languages(ask):
    frame = DATA.assign(k=1, copy=DATA["y1"] + DATA["y2"], few=(np.arange(N) < 20) * 1)
    with pytest.raises(EstimationError) as caught:
        ask(survey(frame))
    assert caught.value.ar and caught.value.remedy


def test_hostile_labels_are_escaped_and_tables_speak_both_languages():
    labels = {"a": {"en": "<script>x</script>", "ar": "<b>عامل</b>"}}
    found = survey().confirmatory(FACTORS, labels=labels)
    html = found._repr_html_()
    assert "<script>" not in html and "<b>عامل" not in html
    assert "Loading" in html and "التشبّع" in html
    assert "omega" in " ".join(found.reading("en")) and "أوميغا" in " ".join(found.reading("ar"))
    for lang in ("en", "ar"):
        assert found.plot(lang) is not None and survey().invariance(FACTORS, "group").plot(lang) is not None


def test_a_negative_scale_of_a_step_gives_no_test():
    from dataclasses import replace

    one = survey().confirmatory(FACTORS).fit
    loose = replace(one, df=one.df - 1, scaling=3 * one.scaling)
    value, df, p = difference(one, loose, 50)
    assert np.isnan(value) and df == 1 and np.isnan(p)


@pytest.mark.parametrize("runs", [60, pytest.param(600, marks=pytest.mark.full)])
def test_intervals_of_loadings_omega_and_means_cover_under_clusters(runs):
    rng = np.random.default_rng(12)
    loading, hits = 0.8 / np.sqrt(0.64 + 0.49), np.zeros(3)
    true_omega = (5 * 0.8) ** 2 / ((5 * 0.8) ** 2 + 5 * 0.49)
    for _ in range(runs):
        frame = planted(rng, n=1200)
        base = mr.Survey(frame, weights="w", psu="psu")
        means = base.invariance({"t": [f"q{j}" for j in range(5)]}, "sex").means
        if means.empty:
            hits[2] += 0.95
        else:
            hits[2] += means["conf_low"].iloc[0] <= 0.3 <= means["conf_high"].iloc[0]
        part = base.where("sex == 1").confirmatory({"t": [f"q{j}" for j in range(5)]}).frame
        row = part[part["kind"] == "omega"].iloc[0]
        hits[1] += row["conf_low"] <= true_omega <= row["conf_high"]
        row = part[part["kind"] == "loading"].iloc[0]
        hits[0] += abs(row["standardised"] - loading) <= 1.99 * row["standardised_se"]
    error = np.sqrt(0.95 * 0.05 / runs)
    assert ((hits / runs >= 0.93 - 2.58 * error) & (hits / runs <= 0.97 + 2.58 * error)).all(), hits / runs
