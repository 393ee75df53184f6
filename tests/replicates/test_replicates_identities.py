"""What must hold between replicates and the linearised variance, and between types."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given as holds_for
from hypothesis import settings
from hypothesis import strategies as st

import masar_research as mr
from masar_research import engine, replicates
from masar_research.engine import replicate_making as making
from masar_research.engine.derivative import differentiate
from masar_research.engine.hadamard import hadamard


def sample(seed: int = 1, strata: int = 6, take: int = 4, rows: int = 5) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    n = strata * take * rows
    stratum = np.repeat(np.arange(strata), take * rows)
    psu = np.tile(np.repeat(np.arange(take), rows), strata)
    effect = rng.normal(0, 1, (strata, take))[stratum, psu]
    return pd.DataFrame({
        "h": stratum, "p": psu, "w": rng.uniform(1, 3, n), "y": 20 + effect + rng.normal(0, 2, n),
        "x": rng.uniform(5, 9, n), "d": rng.integers(1, 4, n), "sex": rng.integers(1, 3, n),
        "yes": (rng.random(n) < 0.4).astype(float), "N": 40.0 + stratum,
    })  # fmt: skip


def survey(frame: pd.DataFrame, fpc: bool = False) -> mr.Survey:
    return mr.Survey(frame, weights="w", strata="h", psu="p", fpc="N" if fpc else None)


PAIRED = sample(2, strata=13, take=2)
LINEAR = {
    "JKn": (sample(), replicates.JKn(), None), "BRR": (PAIRED, replicates.BRR(), None),
    "Fay": (PAIRED, replicates.Fay(rho=0.3), None), "BRR with fay": (PAIRED, replicates.BRR(fay=0.5), None),
    "JK2": (PAIRED, replicates.JK2(), 7),
}  # fmt: skip


@pytest.mark.parametrize("name", LINEAR)
def test_for_totals_the_replicate_variance_is_the_linearised(name):
    frame, kind, seed = LINEAR[name]
    plain = survey(frame)
    made = plain.with_replicates(kind, *([np.random.default_rng(seed)] if seed else []))
    for ask in (lambda s: s.total(["y", "x"], by="d"), lambda s: s.count(by="sex")):
        assert ask(made).frame["std_error"].to_numpy() == pytest.approx(
            ask(plain).frame["std_error"].to_numpy(), rel=1e-9
        )
        # JK2 keeps the variances of linear statistics and, stratum by stratum, their products.
        assert ask(made).vcov == pytest.approx(ask(plain).vcov, rel=1e-7, abs=1e-6)


def test_with_population_corrections_the_jackknife_is_the_linearised():
    plain = survey(sample(), fpc=True)
    made = plain.with_replicates(replicates.JKn())
    assert made.total("y", by="d").vcov == pytest.approx(plain.total("y", by="d").vcov, rel=1e-8)


@pytest.mark.parametrize("fpc", [False, True])
def test_rao_wu_is_the_linearised_on_average(fpc):
    plain = survey(sample(), fpc)
    made = plain.with_replicates(replicates.RaoWu(20_000), rng=np.random.default_rng(4))
    ratio = made.total("y").frame["std_error"] / plain.total("y").frame["std_error"]
    assert ratio[0] == pytest.approx(1, abs=4 * np.sqrt(1 / 40_000))
    factors = made.design.replicates.weights.factors
    assert factors.min() >= 0
    assert factors.mean(axis=0) == pytest.approx(1, abs=0.05)


def test_the_ordinary_bootstrap_is_corrected_for_its_shortfall():
    plain = survey(sample())
    made = plain.with_replicates(replicates.Bootstrap(number=20_000), rng=np.random.default_rng(4))
    ratio = made.total("y").frame["std_error"] / plain.total("y").frame["std_error"]
    assert ratio[0] == pytest.approx(1, abs=4 * np.sqrt(1 / 40_000))
    assert made.mean("y").note["design"]["replicates"]["correction"] == pytest.approx(4 / 3)


def test_successive_differences_of_a_total_by_hand():
    frame = sample(5, strata=3, take=6, rows=2)
    made = survey(frame).with_replicates(replicates.SuccessiveDifference(mse=True))
    totals = (frame["w"] * frame["y"]).groupby([frame["h"], frame["p"]]).sum().to_numpy().reshape(3, 6)
    by_hand = 0.5 * ((totals - np.roll(totals, -1, axis=1)) ** 2).sum()
    assert made.total("y").frame["std_error"][0] ** 2 == pytest.approx(by_hand, rel=1e-10)


@pytest.mark.parametrize("statistic", ["mean", "ratio", "proportion", "contrast"])
def test_smooth_statistics_are_close_to_the_linearised(statistic):
    ask = {
        "mean": lambda s: s.mean("y", by="d"), "ratio": lambda s: s.ratio("y", "x"),
        "proportion": lambda s: s.proportion("d"),
        "contrast": lambda s: s.mean("y", by="d").contrast("1 - 2"),
    }[statistic]  # fmt: skip
    plain = survey(sample(8, strata=20, take=6, rows=10))
    made = plain.with_replicates(replicates.JKn())
    assert ask(made).frame["estimate"].to_numpy() == pytest.approx(ask(plain).frame["estimate"].to_numpy())
    assert ask(made).frame["std_error"].to_numpy() == pytest.approx(
        ask(plain).frame["std_error"].to_numpy(), rel=0.02
    )


def test_the_jackknife_in_closed_form_is_the_jackknife_written_out():
    frame = sample(3)
    made = survey(frame).with_replicates(replicates.JKn())
    found = made.design.replicates
    rows = [found.weights.rows(made.design, r) for r in range(found.number)]
    given = mr.Survey(
        frame.assign(**{f"jk{r}": w for r, w in enumerate(rows)}), weights="w",
        replicates=replicates.JKn("jk*", rscales=[3 / 4] * len(rows)),
    )  # fmt: skip
    for ask in (lambda s: s.mean("y", by="d"), lambda s: s.proportion("d", by="sex"),
                lambda s: s.ratio("y", "x", by="d")):  # fmt: skip
        assert ask(made).vcov == pytest.approx(ask(given).vcov, rel=1e-8, abs=1e-16)
    assert given.design.df == made.design.df == 18


def test_factors_and_weights_say_the_same():
    frame = sample(3)
    factor = np.random.default_rng(1).uniform(0.5, 1.5, (30, len(frame)))
    one = mr.Survey(frame.assign(**{f"r{i}": f for i, f in enumerate(factor)}), weights="w",
                    replicates=replicates.Bootstrap("r*", combined=False))  # fmt: skip
    two = mr.Survey(frame.assign(**{f"r{i}": f * frame["w"] for i, f in enumerate(factor)}),
                    weights="w", replicates=replicates.Bootstrap("r*"))  # fmt: skip
    assert one.mean("y", by="d").vcov == pytest.approx(two.mean("y", by="d").vcov, rel=1e-9)
    assert one.design.df == two.design.df == 29


STEPS = {
    "poststratify": lambda w: w.poststratify({"sex": {1: 150.0, 2: 160.0}}),
    "rake": lambda w: w.rake({"sex": {1: 150.0, 2: 160.0}, "d": {1: 100.0, 2: 100.0, 3: 110.0}}),
    "nonresponse, rake": lambda w: w.nonresponse("answered == 1", ["sex"]).rake(
        {"sex": {1: 150.0, 2: 160.0}, "d": {1: 100.0, 2: 100.0, 3: 110.0}}
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", ["JKn", "RaoWu"])
@pytest.mark.parametrize("name", STEPS)
def test_steps_kept_as_factors_per_cell_are_the_steps_taken_row_by_row(name, kind):
    """The same steps followed by one that forces row weights and changes none of them."""
    frame = sample(9).assign(answered=np.tile([1, 1, 1, 0, 1], 24))
    weighted = STEPS[name](survey(frame).weighting).apply()

    def make(s: mr.Survey) -> mr.Survey:
        if kind == "JKn":
            return s.with_replicates(replicates.JKn())
        return s.with_replicates(replicates.RaoWu(60), rng=np.random.default_rng(2))

    factored = make(weighted)
    by_row = make(weighted.weighting.trim(upper=1e9).apply())
    assert "cells" in factored.design.replicates.facts["kept_as"]
    assert "every row" in by_row.design.replicates.facts["kept_as"]
    for ask in (lambda s: s.mean("y", by="d"), lambda s: s.total("y"), lambda s: s.proportion("yes", by="sex"),
                lambda s: s.logit("yes ~ x + C(sex)")):  # fmt: skip
        one, two = ask(factored).frame, ask(by_row).frame
        for column in ("estimate", "std_error", "df"):
            assert one[column].to_numpy() == pytest.approx(two[column].to_numpy(), rel=1e-7)


def test_replicates_after_raking_are_close_to_the_residual_linearised():
    frame = sample(12, strata=20, take=6, rows=10)
    raked = survey(frame).weighting.rake(
        {"sex": {1: 1200.0, 2: 1250.0}, "d": {1: 800.0, 2: 800.0, 3: 850.0}}
    ).apply()
    made = raked.with_replicates(replicates.JKn())
    ask = lambda s: s.total(["y", "yes"]).frame["std_error"].to_numpy()  # noqa: E731
    assert ask(made) == pytest.approx(ask(raked), rel=0.02)
    ignored = mr.Survey(frame.assign(w=raked.design.weights), weights="w", strata="h", psu="p")
    assert ask(ignored)[0] > 2 * ask(made)[0]


@holds_for(st.integers(1, 150))
@settings(max_examples=30, deadline=None)
def test_hadamard_matrices_are_orthogonal_and_balanced(at_least):
    H = hadamard(at_least)
    order = len(H)
    assert at_least <= order <= max(2 * at_least, 4)
    assert np.array_equal(H @ H.T, order * np.eye(order))
    assert np.all(H[:, 0] == 1) and np.all(H[:, 1:].sum(axis=0) == 0)


@holds_for(st.integers(0, 2**32 - 1), st.permutations(list(range(24))))
@settings(max_examples=15, deadline=None)
def test_row_order_does_not_matter(seed, order):
    frame = sample(seed % 50, rows=1)
    moved = frame.iloc[order].reset_index(drop=True)
    for kind, rng in ((replicates.JKn(), None), (replicates.RaoWu(40), seed)):
        ask = lambda f: survey(f).with_replicates(  # noqa: E731
            kind, *([np.random.default_rng(rng)] if rng is not None else [])
        ).mean("y").frame["std_error"][0]  # fmt: skip
        assert ask(moved) == pytest.approx(ask(frame), rel=1e-9)


def test_the_same_seed_gives_the_same_bits():
    frame = sample()
    one, two = (
        survey(frame).with_replicates(replicates.RaoWu(100), rng=np.random.default_rng(6)).mean("y", by="d")
        for _ in range(2)
    )
    assert np.array_equal(one.vcov, two.vcov)


def test_certainty_strata_are_left_as_they_are():
    frame = pd.concat([sample(), sample(2, strata=1, take=1).assign(h=99)], ignore_index=True)
    plain = mr.Survey(frame, weights="w", strata="h", psu="p", lonely_psu="certainty")
    for kind, rng in ((replicates.JKn(), None), (replicates.RaoWu(50), 3)):
        made = plain.with_replicates(kind, *([np.random.default_rng(rng)] if rng else []))
        last = made.design.replicates.weights.rows(made.design, 0)[-5:]
        assert np.array_equal(last, frame["w"].to_numpy()[-5:])
    jack = plain.with_replicates(replicates.JKn())
    assert jack.total("y").vcov == pytest.approx(plain.total("y").vcov, rel=1e-9)


def test_first_order_replicates_of_an_influence_are_those_of_the_total():
    frame = sample()
    design = survey(frame).with_replicates(replicates.JKn()).design
    direct = engine.total(design, frame["y"].to_numpy())
    through = engine.linearize(design, direct.estimate, frame["y"].to_numpy())
    assert engine.covariance(design, through.totals) == pytest.approx(
        engine.covariance(design, direct.totals), rel=1e-12
    )


def test_a_statistic_without_influence_is_computed_in_every_replicate():
    frame = sample().assign(y=lambda f: f["y"].where(f["x"] > 5.3))
    for design in (
        survey(frame).with_replicates(replicates.RaoWu(30), rng=np.random.default_rng(1)).design,
        survey(frame).with_replicates(replicates.JKn(mse=True)).design,
    ):
        cells = {"domain": frame["d"].to_numpy() - 1, "n_domains": 3}
        own = differentiate(design, [frame["y"]], lambda w, y: np.average(y, weights=w), **cells)
        mean = engine.mean(design, frame["y"], **cells)
        assert engine.covariance(design, own.totals) == pytest.approx(
            engine.covariance(design, mean.totals), rel=1e-9
        )


def test_half_samples_of_many_strata_are_balanced():
    design = survey(sample(1, strata=24, take=2)).design
    made = making.balanced(design, 0.0)
    assert made.weights.number == 28
    assert set(np.unique(made.weights.factors)) == {0.0, 2.0}
    assert np.all(made.weights.factors.sum(axis=0) == 28)
