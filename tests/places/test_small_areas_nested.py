"""Areas within larger areas: against metafor, by identities and brute force, and the benchmark in each."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import masar_research as mr
from masar_research.engine import small_area, small_area_nested
from masar_research.errors import EstimationError
from masar_research.estimates import Estimates

KNOWN = json.loads((Path(__file__).parent / "oracles" / "small_areas_nested.json").read_text())


def test_it_is_metafor_s() -> None:
    data = {name: np.asarray(values, float) for name, values in KNOWN["data"].items()}
    y = data["y"].copy()
    y[np.array(KNOWN["out"]) - 1] = np.nan
    x = np.column_stack([np.ones(len(y)), data["x"]])
    found = small_area_nested.fit(y, x, data["psi"], data["group"].astype(int) - 1)
    for name in ("between", "variance", "coef", "estimate", "effects", "g1", "g2", "g3", "mse"):
        np.testing.assert_allclose(getattr(found, name), KNOWN[name], rtol=5e-6, atol=1e-8, err_msg=name)
    np.testing.assert_allclose(np.sqrt(np.diag(found.coef_cov)), KNOWN["coef_se"], rtol=1e-6)


def generated(k: int = 40, groups: int = 10, between: float = 0.5, within: float = 0.3, seed: int = 1):
    rng = np.random.default_rng(seed)
    group = np.concatenate([np.arange(groups), rng.integers(0, groups, k - groups)])
    x = np.column_stack([np.ones(k), rng.normal(size=k)])
    psi = rng.uniform(0.05, 0.5, k)
    theta = x @ [1.0, 0.5] + between**0.5 * rng.normal(size=groups)[group] + within**0.5 * rng.normal(size=k)
    return theta + np.sqrt(psi) * rng.normal(size=k), x, psi, group, theta


def test_the_estimate_is_linear_in_the_direct_ones_and_reaches_the_unsampled_through_their_group() -> None:
    y, x, psi, group, _ = generated()
    y[[3, 15, 22]] = np.nan
    found = small_area_nested.fit(y, x, psi, group)
    held = np.isfinite(y)
    np.testing.assert_allclose(found.matrix @ y[held], found.estimate, rtol=1e-10)
    np.testing.assert_allclose(found.matrix @ x[held], x, atol=1e-10)
    out = [3, 15, 22]
    np.testing.assert_allclose(found.estimate[out], x[out] @ found.coef + found.effects[group[out]], rtol=1e-10)
    assert (found.shrinkage[out] == 0).all() and np.abs(found.effects[group[out]]).min() > 0


def test_without_differences_between_groups_it_is_the_plain_model() -> None:
    for seed in range(60):
        y, x, psi, group, _ = generated(between=0.0, within=0.5, seed=seed)
        found = small_area_nested.fit(y, x, psi, group)
        if found.between == 0:
            break
    plain = small_area.fit(y, x, psi)
    assert found.between == 0
    assert found.variance == pytest.approx(plain.variance, rel=1e-9)
    np.testing.assert_allclose(found.estimate, plain.estimate, rtol=1e-9)
    np.testing.assert_allclose(found.loglik, plain.loglik, rtol=1e-9)


def test_the_maximum_is_one_by_brute_force() -> None:
    y, x, psi, group, _ = generated(seed=3)
    found = small_area_nested.fit(y, x, psi, group)

    def restricted(between: float, within: float) -> float:
        v = between * (group[:, None] == group) + np.diag(within + psi)
        inverse = np.linalg.inv(v)
        a = x.T @ inverse @ x
        rest = y - x @ np.linalg.solve(a, x.T @ inverse @ y)
        return -0.5 * float(
            np.linalg.slogdet(v)[1] + np.linalg.slogdet(a)[1] + rest @ inverse @ rest + (len(y) - 2) * np.log(2 * np.pi)
        )

    best = restricted(found.between, found.variance)
    assert best == pytest.approx(found.loglik, rel=1e-10)
    for a in (0.97, 1.0, 1.03):
        for b in (0.97, 1.0, 1.03):
            assert restricted(found.between * a, found.variance * b) <= best + 1e-12


def test_no_difference_within_groups_is_answered_by_the_adjusted_likelihood() -> None:
    _, x, psi, group, _ = generated(seed=8)
    rng = np.random.default_rng(2)
    y = x @ [1.0, 0.5] + rng.normal(size=10)[group] + 0.05 * np.sqrt(psi) * rng.normal(size=len(x))
    found = small_area_nested.fit(y, x, psi, group)
    assert found.adjusted and found.variance > 0 and (found.mse > 0).all()


def coverage(samples: int, unsampled: int, between: float, within: float, groups: int = 12, k: int = 51) -> tuple:
    """Coverage of intervals in sampled and unsampled areas, and estimated over true mean squared error."""
    rng = np.random.default_rng(12)
    group = np.concatenate([np.arange(groups), rng.integers(0, groups, k - groups)])
    inside, off, mse = [], [], []
    out = np.arange(k) >= k - unsampled
    for _ in range(samples):
        x = np.column_stack([np.ones(k), rng.normal(size=k)])
        psi = rng.uniform(0.3, 2.0, k)
        theta = x @ [1.0, 0.5] + between**0.5 * rng.normal(size=groups)[group] + within**0.5 * rng.normal(size=k)
        y = np.where(out, np.nan, theta + np.sqrt(psi) * rng.normal(size=k))
        found = small_area_nested.fit(y, x, psi, group)
        mixture = small_area_nested.integrated(y, x, psi, group)
        inside.append((mixture.quantile(0.025) <= theta) & (theta <= mixture.quantile(0.975)))
        off.append((found.estimate - theta) ** 2)
        mse.append(found.mse)
    held = np.array(inside)
    return held[:, ~out].mean(), held[:, out].mean(), np.mean(mse) / np.mean(off)


def test_intervals_of_districts_hold_in_a_few_samples() -> None:
    sampled, unsampled, ratio = coverage(15, 6, 0.5, 0.5, groups=8, k=30)
    assert 0.9 < sampled and 0.85 < unsampled and 0.7 < ratio < 1.5


@pytest.mark.full
@pytest.mark.parametrize(("between", "within"), [(0.5, 0.5), (1.0, 0.1), (0.1, 1.0)])
def test_intervals_of_districts_hold(between: float, within: float) -> None:
    # Seen: 95.0–97.1 % with interviews, 95.3–99.2 % without; error 1.02–1.21 of the true one.
    sampled, unsampled, ratio = coverage(500, 8, between, within)
    assert 0.94 < sampled < 0.985
    assert 0.94 < unsampled <= 1.0
    assert 0.9 < ratio < 1.35


# --- by the verb ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def people() -> mr.Survey:
    """Thirty-six districts in nine governorates; two districts and all of governorate 8 without interviews."""
    rng = np.random.default_rng(4)
    district = np.repeat(np.arange(36), 5 * 8)
    governorate = district // 4
    level = 0.5 + 0.12 * np.sin(governorate) + 0.05 * np.cos(3 * district)
    frame = pd.DataFrame({
        "w": rng.uniform(1, 2, len(district)), "psu": np.arange(len(district)) // 8, "district": district,
        "governorate": governorate, "works": (rng.uniform(size=len(district)) < level).astype(float),
    })  # fmt: skip
    frame = frame[~frame["district"].isin([2, 17]) & (frame["governorate"] != 8)].reset_index(drop=True)
    return mr.Survey(frame, weights="w", strata="governorate", psu="psu")


def table() -> pd.DataFrame:
    return pd.DataFrame({
        "district": range(36), "governorate": np.arange(36) // 4, "x": np.cos(3 * np.arange(36)),
        "persons": 1000.0 + 100 * np.arange(36),
    })  # fmt: skip


def summed(frame: pd.DataFrame) -> pd.Series:
    """Mean by governorate, weighted by persons."""
    rows = frame.dropna(subset="estimate").merge(table(), on="district")
    return rows.groupby("governorate")[["estimate", "persons"]].apply(
        lambda part: np.average(part["estimate"], weights=part["persons"])
    )


def with_row(national: Estimates) -> Estimates:
    """The governorates with a row for the one nobody was asked in."""
    lacking = national.frame.iloc[:1].assign(governorate=8, estimate=np.nan, std_error=np.nan)
    frame = pd.concat([national.frame, lacking], ignore_index=True)
    vcov = np.full((len(frame), len(frame)), np.nan)
    vcov[:-1, :-1] = national.vcov
    return replace(national, frame=frame, vcov=vcov)


@pytest.mark.parametrize("rule", ["ratio", "difference"])
@pytest.mark.parametrize("scale", ["identity", "logit", "arcsine"])
def test_districts_add_up_to_their_governorates(people: mr.Survey, rule: str, scale: str) -> None:
    national = people.proportion("works", by="governorate")
    direct = people.proportion("works", by="district")
    asked = {
        "covariates": table(), "on": "district", "terms": ["x"], "within": "governorate", "benchmark": rule,
        "shares": "persons", "transform": scale,
    }  # fmt: skip
    found = direct.small_area(**asked)
    np.testing.assert_allclose(summed(found.frame).drop(8), summed(direct.frame), rtol=1e-10)
    given = direct.small_area(**asked, national=with_row(national))
    np.testing.assert_allclose(summed(given.frame).drop(8), national.frame["estimate"], rtol=1e-10)
    assert "none for 8" in found.note["benchmark"]["en"] and "8" in found.note["benchmark"]["ar"]
    lone = found.frame[found.frame["district"].isin([2, 17]) | (found.frame["district"] >= 32)]
    assert len(lone) == 6 and (lone["n"] == 0).all() and len(found) == 36
    assert (found.frame["conf_low"] < found.frame["estimate"]).all()
    assert (found.frame["estimate"] < found.frame["conf_high"]).all()
    assert found.note["between_variance"] > 0 and "larger areas" in found.note["model"]["en"]


def test_a_district_without_interviews_is_nearer_its_governorate(people: mr.Survey) -> None:
    direct = people.proportion("works", by="district")
    nested = direct.small_area(table(), on="district", terms=["x"], within="governorate")
    plain = direct.small_area(table(), on="district", terms=["x"])
    level = {d: 0.5 + 0.12 * np.sin(d // 4) + 0.05 * np.cos(3 * d) for d in range(36)}

    def off(found: Estimates) -> float:
        lone = found.frame[found.frame["district"].isin([2, 17])]
        return float(np.mean((lone["estimate"] - lone["district"].map(level)) ** 2))

    assert off(nested) < off(plain)
    assert (nested.areas.loc[nested.areas["district"].isin([2, 17]), "source"] == "synthetic").all()
    assert "no interview of this area itself" in str(nested)


def test_what_the_wholes_may_not_be(people: mr.Survey) -> None:
    direct = people.proportion("works", by="district")
    asked = {"on": "district", "terms": ["x"], "within": "governorate", "benchmark": "ratio", "shares": "persons"}
    for national, said in (
        (people.proportion("works"), "estimates of kind 'proportion' by 'governorate'"),
        (0.5, "estimates of kind 'proportion' by 'governorate'"),
        (people.proportion("works", by="governorate"), "no row for 8"),
        (people.mean("works", by="governorate"), "estimates of kind"),
    ):
        with pytest.raises(EstimationError, match=said) as caught:
            direct.small_area(table(), national=national, **asked)
        assert caught.value.ar != EstimationError.general


@pytest.mark.parametrize("rule", ["ratio", "difference"])
def test_totals_are_met_too(people: mr.Survey, rule: str) -> None:
    direct = people.total("works", by="district")
    found = direct.small_area(table(), on="district", terms=["persons"], benchmark=rule, national=20_000.0)
    assert found.frame["estimate"].sum() == pytest.approx(20_000.0, rel=1e-12)
