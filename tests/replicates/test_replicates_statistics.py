"""Every statistic answers with replicates: given and made alike, and close to the linearised."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import masar_research as mr
from masar_research import replicates

DATA = pd.read_csv(Path(__file__).parent.parent / "oracles" / "jordan_like.csv")


@pytest.fixture(scope="module")
def surveys() -> tuple[mr.Survey, mr.Survey, mr.Survey]:
    """Linearised, JKn made, and the same JKn weights given."""
    plain = mr.Survey(DATA, weights="weight", strata="stratum", psu="psu")
    made = plain.with_replicates(replicates.JKn())
    held = made.design.replicates
    columns = {f"jk_{r}": held.weights.rows(made.design, r) for r in range(held.number)}
    frame = pd.concat([DATA, pd.DataFrame(columns)], axis=1)
    kind = replicates.JKn("jk_*", rscales=tuple(held.scales))
    return plain, made, mr.Survey(frame, weights="weight", replicates=kind)


ASK = {
    "median": lambda s: s.median("income"),
    "quantile": lambda s: s.quantile("income", [0.25, 0.9]),
    "variance": lambda s: s.variance("income"),
    "correlation": lambda s: s.correlation("income", "hours"),
    "gini": lambda s: s.gini("income"),
    "lorenz": lambda s: s.lorenz("income"),
    "quintile ratio": lambda s: s.quintile_ratio("income"),
    "poverty": lambda s: s.fgt("income", line=300),
    "percent table": lambda s: s.percent_table("education", "sex"),
    "standardised rate": lambda s: s.standardise("employed", "sex", {1: 0.5, 2: 0.5}),
    "marginal effect": lambda s: s.logit("employed ~ C(sex) + age").margins("sex"),
}


@pytest.mark.parametrize("name", ASK)
def test_statistics_with_replicates(surveys, name):
    plain, made, given = (ASK[name](survey).frame for survey in surveys)
    # Within a domain the rank of given weights and PSUs minus strata are different rules.
    for column in ("estimate", "std_error", *(() if name == "percent table" else ("df",))):
        assert given[column].to_numpy(float) == pytest.approx(
            made[column].to_numpy(float), rel=1e-8, nan_ok=True
        )
    assert made["estimate"].to_numpy() == pytest.approx(plain["estimate"].to_numpy(), nan_ok=True)
    assert made["std_error"].to_numpy() == pytest.approx(
        plain["std_error"].to_numpy(), rel=0.05, nan_ok=True
    )
    assert np.isfinite(made["std_error"]).any()


@pytest.mark.parametrize("statistic", ["F", "chisq"])
def test_tests_with_replicates(surveys, statistic):
    plain, made, given = (
        survey.chi_square("education", "sex", statistic=statistic) for survey in surveys
    )
    assert given.p_value == pytest.approx(made.p_value, rel=1e-8)
    assert made.p_value == pytest.approx(plain.p_value, rel=0.05)
