"""The grid: statistic × design × lonely-PSU rule × domain, each cell against R's survey package.

grid_designs.json declares the designs, for both sides; grid.R wrote grid.json (an invented sample) and
grid_real.json (R's own data sets; tested where MASAR_REAL_DATA names the folder that holds them).

Tolerance: 1e-8 relative; a covariance is compared on the scale of its largest entry. Exceptions:

- ``interval logit`` and binomial or Poisson regression: 1e-7, iterated models on both sides.
- ``correlation``: 1e-7, R differences moments centred near zero.
- ``saddlepoint``: R repeats the denominator's χ² floor(d · df) times where ours takes d · df as it is
  (compared with the floor, to 1e-6: R solves to 1e-8 of its own scale), and falls back on
  Satterthwaite near the mean.
- ``interval likelihood``: 1e-3, R's profile is a spline, and it divides the deviance by Pearson's
  dispersion n/(n − 1): the standard error is stretched to compare.
- ``interval logit`` and ``likelihood`` with replicates: R takes the replicates of the log odds, here the
  error of the share is carried over: not compared.
- ``interval asin``: a limit beyond the end of the angle is 0 or 1 here, R folds it back.
- a share of 0 or 1: R's intervals have no width or do not exist; ours is Korn and Graubard's.
- no degrees of freedom: R prints a standard error, a survey here does not; the variance is compared.
- a replicate without anybody in a domain: R drops the replicate, here there is no standard error.
- ``interval beta``: R lets the effective sample exceed the sample; compared without our cap.
- quantiles: R 4.1 gives the second smallest value for shares below the smallest one's, and an interval
  without width at the largest; it meets a share "exactly" or not by rounding error; its interpolating
  rules take tied values in the order of the file (ours by weight): not compared there
  (test_statistics_quantiles.py has them).
- p and df of tests in domains under "average" and of calibrated designs: R must keep the rows outside
  the domain there and counts their PSUs; the JSON leaves them out.
- ``lincom`` needs an R package that the pinned R lacks: closed forms in tests/comparisons.
- Gini and its kin: tests/inequality/oracles. Two-stage and unequal probability variances of
  Horvitz–Thompson or Brewer (R's ``pps=``) are not offered: election_pps is compared as drawn with
  replacement.
"""

from __future__ import annotations

import json
import os
import warnings
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import masar_research as mr
from masar_research.engine import intervals, quadratic_forms

HERE = Path(__file__).parent
REAL = Path(os.environ.get("MASAR_REAL_DATA", "/nonexistent")) / "r_survey"
SPEC = json.loads((HERE / "grid_designs.json").read_text(encoding="utf-8"))
GIVEN = json.loads((HERE.parent / "replicates" / "replicates.json").read_text(encoding="utf-8"))
GRID = {
    group: json.loads((HERE / name).read_text(encoding="utf-8"))["cells"]
    for group, name in (("generated", "grid.json"), ("real", "grid_real.json"))
}
RULES = {"fail": "raise", "remove": "remove", "certainty": "certainty", "adjust": "centre", "average": "scale"}
TOLERANCE = 1e-8


# --- data and designs --------------------------------------------------------------------------


def kin_of(one: dict) -> dict:
    return SPEC["kin"][one.get("kin", "jordan")]


@cache
def data(group: str, name: str) -> pd.DataFrame:
    """The file with the columns of the grid's roles: y, x, b, c, g and the weight w."""
    one = SPEC[group][name]
    frame = pd.read_csv((HERE if group == "generated" else REAL) / one["file"])
    frame.columns = [column.replace(".", "_") for column in frame.columns]
    if "stratum" in frame:
        frame["unit"] = frame["stratum"] + " " + frame["psu"].astype(str)
    if one.get("rows") == "pairs":
        frame = frame.iloc[np.array(GIVEN["pairs"]["row"]) - 1]
    elif "rows" in one:
        frame = frame.query(one["rows"], engine="python")
    frame = frame.reset_index(drop=True)
    roles = {role: frame.eval(kin_of(one)[role], engine="python") for role in "yxbcg"}
    roles["w"] = frame.eval(one["weights"], engine="python")
    return frame.assign(**{role: values.astype(float) for role, values in roles.items()})


def replicated(frame: pd.DataFrame, kind: dict) -> mr.Survey:
    if "half" in kind:
        table = 2.0 * np.array(kind["half"], dtype=float).T
    else:
        given = GIVEN["boot_factors"] if kind["factors"] == "boot" else GIVEN["pairs"][kind["factors"]]
        table = np.array(given, dtype=float)[pd.factorize(frame["unit"])[0]]
    columns = pd.DataFrame(table, columns=[f"rep_{r}" for r in range(table.shape[1])])
    types = {"BRR": mr.replicates.BRR, "Fay": mr.replicates.Fay, "bootstrap": mr.replicates.Bootstrap}
    extra = {"rho": kind["rho"]} if "rho" in kind else {}
    declared = types[kind["type"]]("rep_*", combined=False, **extra)
    return mr.Survey(pd.concat([frame, columns], axis=1), weights="w", replicates=declared)


@cache
def whole(group: str, name: str, rule: str) -> mr.Survey:
    one, frame = SPEC[group][name], data(group, name)
    kind = one.get("replicates", {})
    if "type" in kind:
        return replicated(frame, kind)
    made = mr.Survey(
        frame, weights="w", strata=one.get("strata"), psu=one.get("psu"), fpc=one.get("fpc"),
        lonely_psu=RULES[rule],
    )  # fmt: skip
    for variable, counts in one.get("margin", {}).items():
        targets = {int(code): float(count) for code, count in counts.items()}
        made = made.weighting.poststratify({variable: targets}).apply()
    if "made" in kind:
        made = made.with_replicates(getattr(mr.replicates, kind["made"])(mse=kind.get("mse", False)))
    return made


@cache
def survey(group: str, name: str, rule: str, domain: str) -> mr.Survey:
    chosen = whole(group, name, rule)
    if domain == "all":
        return chosen
    return chosen.where(kin_of(SPEC[group][name])["domains"][domain].replace("&", "and"))


def inside(s: mr.Survey, *names: str) -> np.ndarray:
    """Rows of the domain with an answer to every variable."""
    known = s.design.weights > 0
    if s.mask is not None:
        known = known & s.mask
    return known & ~np.any([np.isnan(s.values(name)) for name in names], axis=0)


def present(s: mr.Survey, name: str, *others: str) -> list[float]:
    return np.unique(s.values(name)[inside(s, name, *others)]).tolist()


# --- comparing ---------------------------------------------------------------------------------


def near(found, expected, rel: float = TOLERANCE) -> None:
    expected = np.atleast_1d(np.asarray(expected, dtype=float))
    np.testing.assert_allclose(np.ravel(found), expected, rtol=rel, atol=1e-13)


def near_vcov(vcov: np.ndarray, expected, rel: float = TOLERANCE) -> None:
    """Lower triangle by rows, as R's upper triangle by columns; errors within `rel` each."""
    lower = vcov[np.tril_indices(len(vcov))]
    expected = np.asarray(expected, dtype=float)
    np.testing.assert_allclose(lower, expected, rtol=2 * rel, atol=2 * rel * np.abs(expected).max())
    diagonal = np.cumsum(np.arange(1, len(vcov) + 1)) - 1
    scale = np.abs(expected).max()
    np.testing.assert_allclose(
        np.sqrt(np.abs(np.diag(vcov))), np.sqrt(np.abs(expected[diagonal])), rtol=rel,
        atol=1e-9 * np.sqrt(scale),
    )  # fmt: skip


def row(estimates) -> pd.Series:
    assert len(estimates.frame) == 1
    return estimates.frame.iloc[0]


def estimate_and_error(estimates, expected: dict, rel: float = TOLERANCE) -> None:
    found = row(estimates)
    near(found["estimate"], expected["estimate"], rel)
    error = found["std_error"]
    if expected["std_error"] is None:
        assert np.isnan(error)
        return
    if found["df"] == 0:
        assert np.isnan(error)
        error = np.sqrt(estimates.vcov[0, 0])
    if expected["std_error"] < 1e-12 * abs(found["estimate"]):
        assert error < 1e-12 * abs(found["estimate"])  # a count fixed by post-stratification
    else:
        near(error, expected["std_error"], rel)


def table(estimates, keep: np.ndarray, expected: dict, rel: float = TOLERANCE) -> None:
    places = np.flatnonzero(keep)
    near(estimates.frame["estimate"].to_numpy()[places], expected["estimate"], rel)
    vcov = estimates.vcov[np.ix_(places, places)]
    if np.isnan(vcov).any():
        vanishing = np.isnan(np.diag(vcov))  # somebody's cell is empty in a replicate
        assert vanishing.any() and np.isnan(vcov[vanishing]).all()
        return
    near_vcov(vcov, expected["vcov"], rel)


# --- statistics --------------------------------------------------------------------------------


def mean(s, expected):
    estimate_and_error(s.mean("y"), expected)
    found = row(s.mean("y"))
    assert found["n"] == expected["n"]
    assert found["df"] == expected.get("df", found["df"])
    if found["df"] > 0:
        near(found["cv"], expected["cv"])


def share(s, expected):
    found = s.proportion("c")
    there = np.isin(found.frame["category"], present(s, "c"))
    table(found, there if len(expected["estimate"]) < len(there) else there | True, expected)


def mean_by(s, expected):
    found = s.mean("y", by="c")
    table(found, np.isin(found.frame["c"], present(s, "c", "y")), expected)


def quantile(s, expected, p, rule, kind):
    names = {"mean": "woodruff", "xlogit": "xlogit", "beta": "beta", "asin": "arcsine"}
    rows = inside(s, "y")
    values, weights = s.values("y")[rows], s.design.weights[rows]
    smallest, largest = values.min(), values.max()
    order = np.argsort(values, kind="stable")
    below = np.cumsum(weights[order]) / weights.sum()
    found = row(s.quantile("y", float(p), rule=rule, interval=names[kind]))
    if not rule.startswith("hf") and np.abs(below - float(p)).min() < 1e-12:
        at = np.abs(below - float(p)).argmin()
        assert {found["estimate"], expected["estimate"]} <= {
            values[order][at], values[order][at + 1], values[order][at : at + 2].mean()
        }  # fmt: skip
        return
    near(found["estimate"], expected["estimate"])
    if None in expected["interval"] or expected["std_error"] is None:
        assert np.isnan(found["std_error"])
    elif expected["std_error"] == 0:
        assert found["std_error"] == 0 or np.isnan(found["std_error"])  # a share without variance
    elif found["conf_low"] > smallest and not (found["conf_high"] == largest and kind == "asin"):
        near([found["conf_low"], found["conf_high"]], expected["interval"])
        near(found["std_error"], expected["std_error"])


def interval(s, expected, method):
    names = {"logit": "logit", "xlogit": "xlogit", "asin": "arcsine", "mean": "wald"}
    if method in names:
        found = row(s.proportion("b", interval=names[method]))
        limits = np.array([found["conf_low"], found["conf_high"]])
        compared = (limits > 0) & (limits < 1) if method == "asin" else np.array([True, True])
        theirs = np.array(expected["interval"])[compared]
        near(limits[compared], theirs, 1e-7 if method == "logit" else TOLERANCE)
        near(found["estimate"], expected["estimate"], 1e-7 if method == "logit" else TOLERANCE)
        return
    found = row(s.proportion("b"))
    p, error, n, df = (np.array([found[name]]) for name in ("estimate", "std_error", "n", "df"))
    if method == "beta":
        low, high, _ = intervals.korn_graubard(p, error, n, df, 0.95, cap=False)
        near([low, high], expected["interval"])
    else:
        limits = intervals.likelihood(p, error * np.sqrt(n / (n - 1)), df, 0.95)
        np.testing.assert_allclose(np.ravel(limits), expected["interval"], rtol=1e-3, atol=2e-4)


def cells(s, expected):
    found = s.percent_table("c", "g", "cell")
    both = np.isin(found.frame["c"], present(s, "c", "g"))
    both &= np.isin(found.frame["category"], present(s, "g", "c"))
    table(found, both if len(expected["estimate"]) < len(both) else both | True, expected)
    shares = found.frame["estimate"].to_numpy()
    near(shares if len(shares) == len(expected["table"]) else shares[both], expected["table"])


def standardise(s, expected):
    codes = np.unique(s.values("c"))
    standard = dict(zip(codes, np.linspace(40, 10, len(codes)), strict=True))
    estimate_and_error(s.standardise("y", "c", standard), expected)


def chisq(s, expected, statistic):
    names = {"F": "F", "Chisq": "chisq", "Wald": "wald", "adjWald": "adjusted_wald"}
    found = s.chi_square("c", "g", statistic=names.get(statistic, statistic))
    if found.symbol == "X²":  # ours is stated as Pearson's own
        near(found.note["pearson"], expected["statistic"])
    elif statistic == "Chisq":
        near(found.note["pearson"], expected["statistic"])
    else:
        near(found.statistic, expected["statistic"])
    if expected.get("p") is None:
        return
    if statistic in ("F", "Wald", "adjWald"):
        near([found.df_num, found.df_den], expected["parameter"])
    if statistic == "Chisq":
        near(found.df_num, expected["parameter"])
    if statistic != "saddlepoint":
        near(found.p_value, expected["p"], 1e-7)
        return
    roots = np.array(found.note["deff"])
    pearson, df = found.note["pearson"], found.df_den
    terms = np.append(roots, -pearson / df)
    possible = [
        quadratic_forms._lugannani_rice(terms, np.append(np.ones(len(roots)), times))
        for times in {np.floor(df), np.floor(df - 1e-6)}
    ]
    possible.append(stats.f.sf(pearson / roots.sum(), roots.sum() ** 2 / (roots**2).sum(), df))
    assert min(abs(p - expected["p"]) for p in possible) < 1e-6
    assert abs(found.p_value - expected["p"]) < 0.01


def goodness_of_fit(s, expected):
    levels = present(s, "c")
    found = s.goodness_of_fit("c", shares={code: k + 1.0 for k, code in enumerate(levels)})
    near(found.statistic, expected["statistic"])
    near(found.df_num, expected["df"])
    near(found.p_value, expected["p"], 1e-7)


def t_test(s, expected):
    found = s.t_test("y", by="g")
    near([found.statistic, found.df_den], [expected["statistic"], expected["df"]])
    near(found.p_value, expected["p"], 1e-7)
    difference = row(found.difference)
    near(difference["estimate"], expected["estimate"])
    near([difference["conf_low"], difference["conf_high"]], expected["interval"])


def rank(s, expected, test):
    found = s.rank_test("y", "c" if test == "kruskal" else "g", test=test)
    near(found.p_value, expected["p"], 1e-7)
    if "df" not in expected:  # two groups: R gives a t test, and grid.R its df over t
        near(found.df_den / found.statistic, expected["statistic"])
        return
    near(found.statistic, expected["statistic"])
    near(found.df_den, expected["df"])
    if "estimate" in expected:
        near(list(found.note["differences"].values()), expected["estimate"])


def glm(s, expected, family):
    # Rows with every role known, as R fitted them: the outcome not in the model counts too.
    known = s.where("not missing(y) and not missing(b) and not missing(x)")
    found = known.glm("b ~ y" if family == "binomial" else "y ~ x + C(g)", family=family)
    terms, rel = found.frame["term"].tolist(), 1e-8 if family == "gaussian" else 1e-7
    # R's order: the constant, the covariate, the group.
    places = sorted(range(len(terms)), key=lambda i: (terms[i] != "Intercept", terms[i].startswith("C(")))
    near(found.frame["estimate"].to_numpy()[places], expected["estimate"], rel)
    lower = np.tril_indices(len(places))
    errors = np.sqrt(np.diag(found.vcov))[places]
    scale = np.outer(errors, errors)[lower]
    mine, theirs = found.vcov[np.ix_(places, places)][lower], np.asarray(expected["vcov"])
    np.testing.assert_allclose(mine / scale, theirs / scale, rtol=0, atol=2 * rel)


def deff(reference):
    def compare(s, expected):
        near(s.diagnostics("y", reference=reference).frame["deff"], expected["deff"])
        if reference == "with_replacement":
            near(row(s.mean("y"))["deff"], expected["deff"])

    return compare


def simple(answer, rel: float = TOLERANCE):
    return lambda s, expected: estimate_and_error(answer(s), expected, rel)


STATISTICS = {
    "mean": mean,
    "total": simple(lambda s: s.total("y")),
    "count": simple(lambda s: s.count()),
    "ratio": simple(lambda s: s.ratio("y", "x")),
    "share": share,
    "mean_by": mean_by,
    "variance": simple(lambda s: s.variance("y")),
    "covariance": simple(lambda s: s.covariance("y", "x")),
    "correlation": simple(lambda s: s.correlation("y", "x"), 1e-7),
    "quantile": quantile,
    "interval": interval,
    "deff_replace": deff("with_replacement"),
    "deff_true": deff("without_replacement"),
    "cells": cells,
    "standardise": standardise,
    "contrast_linear": simple(lambda s: s.mean("y", by="g").contrast("2 - 1")),
    "contrast_ratio": simple(lambda s: s.mean("y", by="g").ratio(2, 1)),
    "contrast_log": simple(
        lambda s: s.mean("y", by="g").transform(lambda a, b: np.log(a / b), {"a": 2, "b": 1})
    ),
    "odds_ratio": simple(lambda s: s.proportion("b", by="g").odds_ratio(2, 1)),
    "chisq": chisq,
    "goodness_of_fit": goodness_of_fit,
    "t_test": t_test,
    "rank": rank,
    "glm": glm,
}


#: Run by default; the other domains by make test-full.
DEFAULT = ("all", "thin")


def cases(group: str) -> list:
    """One test for each kind of statistic in each cell of design, rule and domain."""
    return [
        pytest.param(
            group, cell["design"], cell["rule"], cell["domain"], kind,
            id="-".join((cell["design"], cell["rule"], cell["domain"], kind)),
            marks=() if cell["domain"] in DEFAULT else pytest.mark.full,
        )
        for cell in GRID[group]
        for kind in dict.fromkeys(name.split(" ")[0] for name in cell["statistics"])
    ]  # fmt: skip


def compare(group: str, design: str, rule: str, domain: str, kind: str) -> None:
    (cell,) = (c for c in GRID[group] if (c["design"], c["rule"], c["domain"]) == (design, rule, domain))
    chosen = survey(group, design, rule, domain)
    for name, expected in cell["statistics"].items():
        statistic, *options = name.split(" ")
        if statistic != kind or (design, name) in R_DOES_NOT_CONVERGE:
            continue
        if "replicates" in SPEC[group][design] and name in ("interval logit", "interval likelihood"):
            continue
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", UserWarning)
                STATISTICS[statistic](chosen, expected, *options)
        except AssertionError as error:
            error.add_note(f"in {name!r}")
            raise


R_DOES_NOT_CONVERGE = {("election", "glm binomial")}


@pytest.mark.parametrize(("group", "design", "rule", "domain", "kind"), cases("generated"))
def test_generated_sample(group, design, rule, domain, kind):
    compare(group, design, rule, domain, kind)


@pytest.mark.skipif(not REAL.is_dir(), reason="MASAR_REAL_DATA/r_survey is not here")
@pytest.mark.parametrize(("group", "design", "rule", "domain", "kind"), cases("real"))
def test_real_files(group, design, rule, domain, kind):
    compare(group, design, rule, domain, kind)


MAIN = {"mean", "total", "count", "ratio", "share", "mean_by", "variance", "covariance", "quantile", "interval"}
MORE = {"cells", "chisq", "goodness_of_fit", "t_test", "glm"}
LINEAR = {
    "correlation", "deff_replace", "deff_true", "contrast_linear", "contrast_ratio", "contrast_log", "odds_ratio",
}  # fmt: skip


def test_the_grid_is_whole():
    """Every declared design, rule and domain is there, with every kind of statistic it can have."""
    for group, found in GRID.items():
        seen = {
            (cell["design"], cell["rule"], cell["domain"]): {name.split(" ")[0] for name in cell["statistics"]}
            for cell in found
        }
        for design, one in SPEC[group].items():
            kin = kin_of(one)
            expected = set(MAIN) if kin.get("few") else MAIN | MORE
            if "replicates" in one:
                expected -= {"glm"}  # tests/replicates has them
            elif not kin.get("few"):
                expected |= LINEAR
            for rule in one.get("rules", ["fail"]):
                plain = expected if "replicates" in one or kin.get("few") or rule == "average" or "margin" in one else (
                    expected | {"standardise", "rank"}
                )  # fmt: skip
                assert plain <= seen[design, rule, "all"], (design, rule, plain - seen[design, rule, "all"])
                for domain in kin["domains"]:
                    assert {"mean", "total", "count", "ratio"} <= seen[design, rule, domain]
    assert set(STATISTICS) == set().union(*seen.values())
    assert sum(len(cell["statistics"]) for found in GRID.values() for cell in found) > 4500


def test_no_stored_figure_stands_row_by_row():
    """grid_real.json holds estimates of R's data sets, never a column of them."""
    longest = max(
        len(np.atleast_1d(value))
        for cell in GRID["real"] for answer in cell["statistics"].values() for value in answer.values()
    )  # fmt: skip
    assert longest <= 36  # the covariance of the eight cells of a table
