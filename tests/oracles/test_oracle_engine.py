"""The engine against R's survey package on an invented sample (engine.R wrote engine.json).

Tolerance 1e-8 relative: both sides are double-precision closed forms; the JSON carries 15 digits.
"""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from masar_research import engine
from masar_research.engine import contrasts, intervals

HERE = Path(__file__).parent
REFERENCE = json.loads((HERE / "engine.json").read_text(encoding="utf-8"))
RULES = {
    "fail": "raise",
    "remove": "remove",
    "certainty": "certainty",
    "adjust": "centre",
    "average": "scale",
}
TOLERANCE = 1e-8


def sample() -> dict[str, np.ndarray]:
    with open(HERE / "jordan_like.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    text = {name: np.array([row[name] for row in rows]) for name in rows[0]}
    return {
        name: values if name == "stratum" else np.where(values == "", "nan", values).astype(float)
        for name, values in text.items()
    }


DATA = sample()


def design(kind: str, rule: str = "fail") -> tuple[engine.Design, dict[str, np.ndarray]]:
    data = DATA
    if kind == "lonely":
        keep = data["keep_lonely"] == 1
        data = {name: values[keep] for name, values in data.items()}
    options = {
        "wr": {"strata": data["stratum"], "psu": data["psu"]},
        "fpc1": {"strata": data["stratum"], "psu": data["psu"], "fpc": data["fpc1"]},
        "two_stage": {
            "strata": data["stratum"],
            "psu": [data["psu"], data["household"]],
            "fpc": [data["fpc1"], data["fpc2"]],
        },
        "unclustered": {"strata": data["stratum"]},
        "srs": {},
        "lonely": {"strata": data["stratum"], "psu": data["psu"]},
    }[kind]
    return engine.declare(data["weight"], lonely_psu=RULES[rule], **options), data


def mask_of(data: dict[str, np.ndarray], domain: str) -> np.ndarray | None:
    return {
        "all": None,
        "region1": data["region"] == 1,
        "region2": data["region"] == 2,
        "region3": data["region"] == 3,
        "women": data["sex"] == 2,
        "women24": (data["sex"] == 2) & (data["governorate"] == 24),
    }[domain]


def estimate(
    statistic: str, declared: engine.Design, data: dict[str, np.ndarray], mask
) -> engine.Linearized:
    if statistic == "share_education":
        return engine.proportion(declared, (data["education"] - 1).astype(int), 5, mask=mask)
    if statistic == "count":
        return engine.count(declared, mask=mask)
    if statistic == "ratio_income_hours":
        return engine.ratio(declared, data["income"], data["hours"], mask=mask)
    what, name = statistic.split("_")
    return getattr(engine, what)(declared, data[name], mask=mask)


@pytest.mark.parametrize(
    "cell",
    REFERENCE["cells"],
    ids=lambda c: f"{c['design']}-{c['rule']}-{c['domain']}-{c['statistic']}",
)
def test_estimates_standard_errors_deff_and_df_agree_with_r(cell):
    declared, data = design(cell["design"], cell["rule"])
    result = estimate(cell["statistic"], declared, data, mask_of(data, cell["domain"]))
    variance = np.diag(engine.covariance(declared, result.totals))
    np.testing.assert_allclose(result.estimate, np.atleast_1d(cell["estimate"]), rtol=TOLERANCE)
    np.testing.assert_allclose(np.sqrt(variance), np.atleast_1d(cell["std_error"]), rtol=TOLERANCE)
    assert set(result.df.tolist()) == {cell["df"]}
    assert set(result.n.tolist()) == {cell["n"]}
    if cell["deff"]:
        np.testing.assert_allclose(
            variance / result.srs_variance, np.atleast_1d(cell["deff"]), rtol=TOLERANCE
        )


def test_deff_of_a_total_agrees_with_r():
    declared, data = design("wr")
    result = engine.total(declared, data["income"])
    deff = engine.covariance(declared, result.totals)[0, 0] / result.srs_variance[0]
    np.testing.assert_allclose(deff, REFERENCE["total_deff"], rtol=TOLERANCE)


@pytest.mark.parametrize("kind", ["wr", "two_stage"])
def test_gaps_between_domains_are_rs_regression_coefficients(kind):
    declared, data = design(kind)
    regions = engine.mean(
        declared, data["income"], domain=(data["region"] - 1).astype(int), n_domains=3
    )
    gaps = contrasts.linear(
        [[-1, 1, 0], [-1, 0, 1]],
        regions.estimate,
        engine.covariance(declared, regions.totals),
        declared.df,
    )
    np.testing.assert_allclose(gaps.estimate, REFERENCE["gaps"][kind]["estimate"], rtol=TOLERANCE)
    np.testing.assert_allclose(gaps.vcov, REFERENCE["gaps"][kind]["vcov"], rtol=TOLERANCE)
    if kind == "wr":
        test = contrasts.joint(gaps, declared.df)
        chisq = test.f * declared.df * test.df_num / test.df_den
        np.testing.assert_allclose(chisq, REFERENCE["joint_chisq"], rtol=TOLERANCE)


def test_covariance_of_shares_agrees_with_r():
    declared, data = design("wr")
    shares = estimate("share_education", declared, data, None)
    np.testing.assert_allclose(
        engine.covariance(declared, shares.totals), REFERENCE["shares_vcov"], rtol=1e-7, atol=1e-14
    )


def test_delta_method_agrees_with_r():
    declared, data = design("wr")
    share = engine.mean(declared, data["employed"])
    vcov = engine.covariance(declared, share.totals)
    reference = REFERENCE["log_odds"]
    exact = contrasts.delta(
        lambda b: np.log(b / (1 - b)),
        share.estimate,
        vcov,
        declared.df,
        grad=lambda b: 1 / (b * (1 - b)),
    )
    numeric = contrasts.delta(lambda b: np.log(b / (1 - b)), share.estimate, vcov, declared.df)
    for result in (exact, numeric):
        np.testing.assert_allclose(result.estimate, reference["estimate"], rtol=TOLERANCE)
        np.testing.assert_allclose(result.std_error, reference["std_error"], rtol=TOLERANCE)


@pytest.mark.parametrize(
    "row", REFERENCE["intervals"], ids=lambda r: f"{r['domain']}-{r['method']}"
)
def test_intervals_of_a_share_agree_with_r(row):
    declared, data = design("wr")
    share = engine.mean(declared, data["employed"], mask=mask_of(data, row["domain"]))
    error = np.sqrt(np.diag(engine.covariance(declared, share.totals)))
    if row["method"] == "logit":
        low, high = intervals.logit(share.estimate, error, share.df, 0.95)
    elif row["method"] == "beta":
        low, high, _ = intervals.korn_graubard(
            share.estimate, error, share.n, share.df, 0.95, cap=False
        )
    else:
        low, high = intervals.wald(share.estimate, error, share.df, 0.95)
    # R finds the logit interval through an iterated regression, converged to about 1e-9.
    np.testing.assert_allclose([low[0], high[0]], row["interval"], rtol=1e-7)
