"""Rows 14, 20, 25 and 29 of the silent errors over everything a survey answers, with nothing replaced."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import masar_research as mr
from masar_research import replicates
from masar_research.engine import replicate_making

DATA = pd.read_csv(Path(__file__).parents[1] / "oracles" / "jordan_like.csv")
TESTS = Path(__file__).parents[1]


def plain(frame: pd.DataFrame = DATA) -> mr.Survey:
    return mr.Survey(frame, weights="weight", strata="stratum", psu="psu")


#: Standard errors are proportional to the root of the scale; a median's goes through an interval.
ESTIMATORS = {
    "variance": lambda s: s.variance("income"),
    "correlation": lambda s: s.correlation("income", "hours"),
    "table": lambda s: s.percent_table("education", "sex"),
    "standardised rate": lambda s: s.standardise("employed", "sex", {1: 0.5, 2: 0.5}),
    "gini": lambda s: s.gini("income"),
    "quintile ratio": lambda s: s.quintile_ratio("income"),
    "poverty": lambda s: s.fgt("income", line=200),
    "share by region": lambda s: s.proportion("employed", by="region"),
    "gap of regions": lambda s: s.mean("income", by="region").contrast("2 - 1"),
    "odds ratio": lambda s: s.proportion("employed", by="sex").odds_ratio(2, 1),
    "regression": lambda s: s.glm("income ~ C(sex) + age"),
    "logistic regression": lambda s: s.logit("employed ~ C(sex) + age"),
    "average effect": lambda s: s.logit("employed ~ C(sex) + age").margins("sex"),
}


@pytest.fixture(scope="module")
def bootstrapped() -> pd.DataFrame:
    made = plain().with_replicates(replicates.RaoWu(30), rng=np.random.default_rng(1))
    weights = {f"rw{r}": made.design.replicates.weights.rows(made.design, r) for r in range(30)}
    return pd.concat([DATA, pd.DataFrame(weights)], axis=1)


@pytest.mark.parametrize("name", ESTIMATORS)
def test_silent_error_14_the_producers_scale_reaches_what_is_computed_again(bootstrapped, name):
    def error(**scale) -> np.ndarray:
        kind = replicates.Bootstrap("rw*", **scale)
        found = ESTIMATORS[name](mr.Survey(bootstrapped, weights="weight", replicates=kind))
        return np.sqrt(np.diag(found.vcov))

    own = error()
    assert np.all(own > 0)
    times = np.sqrt(0.5 / replicates.Bootstrap("rw*").own_scale(30))
    np.testing.assert_allclose(error(scale=0.5), own * times, rtol=1e-9)
    one = error(scale=1.0, rscales=[1.0, 1.0] + [0.0] * 28)
    assert not np.allclose(one, own, rtol=1e-3)


def test_silent_error_14_a_median_feels_the_producers_scale(bootstrapped):
    found = [
        mr.Survey(bootstrapped, weights="weight", replicates=replicates.Bootstrap("rw*", scale=scale))
        .median("income").frame.iloc[0] for scale in (1 / 30, 4 / 30)
    ]  # fmt: skip
    widths = [row["conf_high"] - row["conf_low"] for row in found]
    assert widths[1] > 1.5 * widths[0]


def test_silent_error_20_effects_are_averaged_over_the_rows_that_were_fitted():
    """A third lacks `hours`; without them women's effects would be averaged over other people."""
    lost = DATA["age"] > 52
    data = DATA.assign(hours=np.where(lost, np.nan, DATA["hours"] / 10), works=(DATA["age"] % 3 == 0) * 1.0)
    data["works"] = np.where(np.random.default_rng(0).random(len(data)) < 0.3, 1 - data["works"], data["works"])
    model = plain(data).logit("works ~ C(sex) + age + hours")
    effect = model.margins("sex").frame["estimate"][0]
    coef = dict(zip(model.frame["term"], model.frame["estimate"], strict=True))
    (sex,) = (value for term, value in coef.items() if term.startswith("C(sex)"))
    eta = coef["Intercept"] + coef["age"] * data["age"] + coef["hours"] * data["hours"].fillna(0)
    gap = 1 / (1 + np.exp(-eta - sex)) - 1 / (1 + np.exp(-eta))
    fitted = np.average(gap[~lost], weights=data["weight"][~lost])
    everybody = np.average(gap, weights=data["weight"])
    assert effect == pytest.approx(fitted, rel=1e-9)
    assert abs(everybody - fitted) > 1e-3 * abs(fitted)


def test_silent_error_29_every_statistic_uses_how_often_a_unit_was_drawn():
    """A bootstrap replicate is the answer of a sample in which a unit drawn twice stands twice."""
    made = plain().with_replicates(replicates.RaoWu(4), rng=np.random.default_rng(29))
    held = made.design.replicates
    asks = {
        "mean": lambda s: s.mean("income"), "median": lambda s: s.median("income"),
        "gini": lambda s: s.gini("income"), "correlation": lambda s: s.correlation("income", "hours"),
        "slope": lambda s: s.glm("income ~ age"), "share": lambda s: s.proportion("employed"),
    }  # fmt: skip
    size = DATA.groupby("stratum")["psu"].transform("nunique").to_numpy()
    for name, ask in asks.items():
        answers = []
        for r in range(4):
            factor = held.weights.rows(made.design, r) / DATA["weight"].to_numpy()
            times = np.rint(factor * (size - 1) / size).astype(int)
            np.testing.assert_allclose(times * size / (size - 1), factor, rtol=1e-12)
            assert times.max() >= 2
            drawn = DATA.loc[DATA.index.repeat(times)].reset_index(drop=True)
            drawn["weight"] *= np.repeat(size / (size - 1), times)
            drawn["unit"] = np.arange(len(drawn))
            again = mr.Survey(drawn, weights="weight", psu="unit")
            answers.append(ask(again).frame["estimate"].to_numpy()[-1])
        found = ask(made)
        if name == "median":  # its interval goes through the share below it
            continue
        expected = held.scales @ (np.array(answers) - np.mean(answers)) ** 2
        assert found.vcov[-1, -1] == pytest.approx(expected, rel=1e-9), name


def test_silent_error_29_the_draws_are_those_of_a_sample_with_replacement():
    made = replicate_making.rao_wu(plain().design, 3000, np.random.default_rng(7))
    factors = made.weights.factors
    stratum = DATA.groupby(["stratum", "psu"], sort=False).size().reset_index()["stratum"]
    for name in stratum.unique()[:6]:
        inside = np.flatnonzero(stratum == name)
        n = len(inside)
        times = factors[:, inside] * (n - 1) / n
        assert np.all(np.rint(times).sum(axis=1) == n - 1)
        # Binomial counts: their variance is (n − 1)(1/n)(1 − 1/n), which a 0/1 factor would halve.
        expected = (n - 1) / n * (1 - 1 / n)
        assert times.var(axis=0).mean() == pytest.approx(expected, rel=0.1)


# --- row 25: nothing stands in for a library ---------------------------------------------------


def test_silent_error_25_no_test_puts_a_stand_in_where_a_library_is():
    """No mock, and nothing written into a third-party module: readers and writers are the real ones."""
    stand_in = re.compile(
        r"^\s*(?:from\s+unittest\s+import\s+mock|(?:from|import)\s+(?:unittest\.|pytest_)?mock)\b|\bMagicMock\b|sys\.modules\[[\"'](?!masar_research)|"
        r"setattr\(\s*[\"']?(?:pyreadstat|openpyxl|typst|docx|pypdf|pyarrow|duckdb|pandas|numpy)\b",
        re.M,
    )  # fmt: skip
    found = {
        path.name: stand_in.findall(path.read_text(encoding="utf-8"))
        for path in TESTS.rglob("*.py") if path.name != Path(__file__).name
    }  # fmt: skip
    assert {name: hits for name, hits in found.items() if hits} == {}
    for line in ("import mock", "from unittest import mock", "x = MagicMock()", 'sys.modules["typst"] = fake', "m.setattr(openpyxl, 'x', 1)"):
        assert stand_in.search(line), line


def test_silent_error_25_statistical_files_meet_the_real_reader_and_writer(tmp_path):
    import pyreadstat

    frame = pd.DataFrame({"sex": [1.0, 2.0, 9.0], "age": [31.0, np.nan, 64.0], "name": ["أمل", "سعيد", ""]})
    labels = {"sex": {1.0: "ذكر", 2.0: "أنثى", 9.0: "رفض"}}
    for suffix, write in (
        (".sav", lambda p: pyreadstat.write_sav(
            frame, p, variable_value_labels=labels, missing_ranges={"sex": [9]}, column_labels=["الجنس", "العمر", "الاسم"])),
        (".dta", lambda p: pyreadstat.write_dta(
            frame, p, variable_value_labels={"sex": {int(k): v for k, v in labels["sex"].items()}},
            column_labels=["الجنس", "العمر", "الاسم"])),
    ):  # fmt: skip
        path = tmp_path / f"real{suffix}"
        write(str(path))
        raw = mr.read(path)
        assert raw.frame["sex"].tolist() == [1, 2, 9] and np.isnan(raw.frame["age"][1])
        assert {c.code: next(iter(c.label.values())) for c in raw.codebook["sex"].categories} == labels["sex"]
        if suffix == ".sav":
            assert 9 in raw.codebook.missing_codes("sex")


def test_silent_error_25_workbooks_and_columns_meet_the_real_reader_and_writer(tmp_path):
    import openpyxl

    book = openpyxl.Workbook()
    for line in (["id", "governorate", "y"], ["122.10", "عجلون", 3.5], ["122.1", "جرش", None]):
        book.active.append(line)
    book.save(tmp_path / "real.xlsx")
    raw = mr.read(tmp_path / "real.xlsx")
    assert raw.frame["id"].tolist() == ["122.10", "122.1"]
    assert raw.frame["governorate"].tolist() == ["عجلون", "جرش"] and np.isnan(raw.frame["y"][1])
    raw.frame.to_parquet(tmp_path / "real.parquet")
    again = mr.read(tmp_path / "real.parquet")
    assert again.frame["id"].tolist() == ["122.10", "122.1"]


def test_silent_error_25_pages_meet_the_real_typesetter():
    import typst

    page = typst.compile(b'#set text(lang: "ar")\n= \xd9\x85\xd8\xb3\xd8\xa7\xd8\xb1\n21.4')
    assert page.startswith(b"%PDF") and len(page) > 1000
    assert "typst" in sys.modules and not hasattr(typst, "__wrapped__")
