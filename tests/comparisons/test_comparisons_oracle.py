"""Comparisons and tests against R's survey package (comparisons.R wrote comparisons.json).

Tolerance 1e-8 relative: closed forms on both sides. Saddlepoint tails: 1e-6, because R solves for the
saddlepoint to 1e-8 only.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import masar_research as mr
from masar_research.engine import quadratic_forms

HERE = Path(__file__).parent
ANSWERS = json.loads((HERE / "comparisons.json").read_text(encoding="utf-8"))["answers"]
TOLERANCE = 1e-8
NAMES = {
    "F": "F", "Chisq": "chisq", "Wald": "wald", "adjWald": "adjusted_wald",
    "saddlepoint": "saddlepoint",
}  # fmt: skip


def flat(value: object) -> float:
    return float(np.ravel(np.asarray(value, dtype=float))[0])


def close(mine: object, theirs: object, tolerance: float = TOLERANCE) -> None:
    np.testing.assert_allclose(
        np.ravel(mine), np.ravel(np.asarray(theirs, dtype=float)), rtol=tolerance, atol=1e-14
    )


@cache
def survey(kind: str, domain: str) -> mr.Survey:
    data = pd.read_csv(HERE.parent / "oracles" / "jordan_like.csv")
    data["older"] = (data["age"] >= 40).astype(int)
    base = {"weights": "weight", "strata": "stratum", "psu": "psu"}
    if kind == "two_stage":
        base |= {"psu": ["psu", "household"], "fpc": ["fpc1", "fpc2"]}
    elif kind == "unclustered":
        del base["psu"]
    elif kind == "lonely":
        data = data[data["keep_lonely"] == 1]
        base |= {"lonely_psu": "centre"}
    made = mr.Survey(data, **base)
    if kind == "calibrated":
        made = made.weighting.rake(
            {"region": {1: 8000, 2: 7000, 3: 5000}, "sex": {1: 11000, 2: 9000}}
        ).apply()
    where = {"women": "sex == 2", "older": "older == 1"}
    return made if domain == "all" else made.where(where[domain])


def cases(what: str) -> list[object]:
    rows = [answer for answer in ANSWERS if answer["what"] == what]
    return [
        pytest.param(
            a, id="-".join(str(a[k]) for k in ("design", "domain", "row", "y", "statistic", "test") if k in a)
        )
        for a in rows
    ]


@pytest.mark.parametrize("r", cases("association"))
def test_association_is_svychisq(r):
    tested = survey(r["design"], r["domain"]).chi_square(
        r["row"], r["column"], statistic=NAMES[r["statistic"]]
    )
    kind, nu, degf = r["statistic"], r["nu"], r["degf"]
    value = flat(r["value"])
    assert tested.n == r["n"] and tested.note["df"] == degf
    if kind == "Chisq":
        # R scales X² to all rows of the design, those outside a calibrated domain included.
        close(tested.statistic, value * r["n"] / r["rows"])
        close(tested.df_num, r["parameter"])
        close(tested.p_value, flat(r["p"]))
    elif kind == "saddlepoint":
        close(tested.statistic, value * r["n"] / r["rows"])
        if nu == degf:
            # R repeats the denominator's χ² floor(d · df) times; ours takes d · df as it is.
            roots = np.array(tested.note["deff"])
            terms = np.append(roots, -tested.statistic / tested.df_den)
            times = np.append(np.ones(len(roots)), np.floor(tested.df_den))
            close(quadratic_forms._lugannani_rice(terms, times), flat(r["p"]), 1e-6)
            assert abs(tested.p_value - flat(r["p"])) < 0.005
    else:
        if kind == "adjWald":
            q = r["parameter"][0]
            value *= nu / (nu - q + 1) * (degf - q + 1) / degf
        close(tested.statistic, value)
        close(tested.df_num, r["parameter"][0])
        if nu == degf:
            close(tested.df_den, r["parameter"][1])
            close(tested.p_value, flat(r["p"]))
        else:
            # A domain of a calibrated design: R counts the PSUs of the whole sample.
            close(tested.p_value, stats.f.sf(value, tested.df_num, tested.df_den))


@pytest.mark.parametrize("r", cases("t_test"))
def test_t_test_is_svyttest(r):
    tested = survey(r["design"], r["domain"]).t_test(r["y"], by=r["by"])
    close(tested.statistic, r["value"])
    close(tested.df_den, r["df"])
    close(tested.p_value, r["p"])
    row = tested.difference.frame.iloc[0]
    close(row["estimate"], r["estimate"])
    close([row["conf_low"], row["conf_high"]], r["interval"])


@pytest.mark.parametrize("r", cases("rank"))
def test_rank_test_is_svyranktest(r):
    tested = survey(r["design"], r["domain"]).rank_test(r["y"], r["by"], test=r["test"])
    close(tested.statistic, r["value"])
    close(tested.df_den, r["df"])
    close(tested.p_value, r["p"])
    if "ndf" in r:
        close(tested.df_num, r["ndf"])
    else:
        close(list(tested.note["differences"].values()), r["estimate"])


@pytest.mark.parametrize("r", cases("fit"))
def test_goodness_of_fit_is_svygofchisq(r):
    shares = dict(zip(range(1, 6), (0.25, 0.2, 0.2, 0.2, 0.15), strict=True))
    tested = survey(r["design"], r["domain"]).goodness_of_fit("education", shares=shares)
    close(tested.statistic, r["x2"] / r["scale"])
    close(tested.df_num, r["df"])
    close(tested.p_value, r["p"])


@pytest.mark.parametrize("r", cases("contrasts"))
def test_contrasts_are_svycontrast(r):
    means = survey(r["design"], r["domain"]).mean("income", by="region")
    pairs = means.pairwise(adjust="none").frame
    close(pairs["estimate"], r["pairs"])
    close(pairs["std_error"], r["pairs_se"])
    ratio = means.ratio(2, 1).frame.iloc[0]
    close([ratio["estimate"], ratio["std_error"]], r["ratio"])
    log_ratio = means.transform(lambda a, b: np.log(a / b), {"a": 3, "b": 1}).frame.iloc[0]
    close([log_ratio["estimate"], log_ratio["std_error"]], r["logratio"])
    slope = means.trend(over="region").slope.frame.iloc[0]
    close([slope["estimate"], slope["std_error"]], r["slope"])
    plain = means.joint(["2 - 1", "3 - 1"], adjusted=False)
    close(plain.statistic * 2, r["wald"])
    adjusted = means.trend(over="region").equality[0]
    df = adjusted.note["df"]
    if r["design"] in ("wr", "unclustered", "lonely"):
        assert df == r["degf"]
    else:
        assert means.frame["df"].max() == df <= r["degf"]
    close(adjusted.statistic, r["wald"] * (df - 1) / (2 * df))
    close([adjusted.df_num, adjusted.df_den], [2, df - 1])


@pytest.mark.parametrize("r", cases("odds"))
def test_odds_ratio_is_svycontrast(r):
    row = survey(r["design"], r["domain"]).proportion("employed", by="sex").odds_ratio(2, 1).frame.iloc[0]
    close([row["estimate"], row["std_error"]], r["odds"])


@pytest.mark.parametrize("r", cases("replicate_association"))
def test_association_with_replicate_weights_is_svychisq(r):
    made = survey("wr", "all").with_replicates(mr.replicates.JKn())
    tested = made.chi_square(r["row"], r["column"], statistic=NAMES[r["statistic"]])
    close(tested.statistic, r["value"])
    close(tested.p_value, r["p"])
    close(tested.df_num, np.ravel(r["parameter"])[0])


def test_t_test_with_replicate_weights_is_svyttest():
    (r,) = (a for a in ANSWERS if a["what"] == "replicate_t")
    tested = survey("wr", "all").with_replicates(mr.replicates.JKn()).t_test("income", by="sex")
    close([tested.statistic, tested.df_den, tested.p_value], [r["value"], r["df"], r["p"]])


def test_joint_is_regTermTest():
    (r,) = (a for a in ANSWERS if a["what"] == "joint")
    tested = survey("wr", "all").mean("income", by="region").joint(["2 - 1", "3 - 1"], adjusted=False)
    close(tested.statistic, r["f"])
    close(stats.f.sf(tested.statistic, 2, r["ddf"]), r["p"])


def test_working_is_the_working_wald_test_of_the_saturated_logit():
    (r,) = (a for a in ANSWERS if a["what"] == "working")
    tested = survey("wr", "all").chi_square("education", "employed", statistic="working")
    close(tested.statistic, r["value"], 1e-7)
    close(np.sort(tested.note["deff"]), np.sort(r["lambda"]), 1e-7)
    close(tested.p_value, r["p"], 1e-6)


@pytest.mark.parametrize("r", [a for a in ANSWERS if a["what"] == "tail"])
def test_tails_are_pFsum(r):
    weights = np.atleast_1d(r["a"])
    mine = quadratic_forms.tail(r["x"], weights, r["ddf"], "saddlepoint")
    close(mine, r["saddlepoint"], 1e-6)
    close(quadratic_forms.tail(r["x"], weights, r["ddf"], "satterthwaite"), r["satterthwaite"])
    exact = quadratic_forms.tail(r["x"], weights, r["ddf"], "integration")
    assert abs(exact - mine) < 0.1 * max(exact, 0.02)  # the error of a saddlepoint here
