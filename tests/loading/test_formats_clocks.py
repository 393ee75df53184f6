"""Dates and times of SPSS, Stata and SAS, each from its own beginning."""

import numpy as np
import pandas as pd
import pyreadstat
import pytest

from masar_research.loading import read
from masar_research.loading.clocks import moments


@pytest.mark.parametrize(
    "system, form, number, shown",
    [
        ("spss", "EDATE10", 13744944000.0, "2018-05-06T00:00:00"),
        ("spss", "DATETIME20", 13744944000.0 + 36610, "2018-05-06T10:10:10"),
        ("stata", "%td", 21310.0, "2018-05-06T00:00:00"),
        ("stata", "%-tdD_m_Y", 21310.0, "2018-05-06T00:00:00"),
        ("stata", "%d", -1.0, "1959-12-31T00:00:00"),
        ("stata", "%tc", 21310 * 86400e3 + 36610e3, "2018-05-06T10:10:10"),
        ("stata", "%tm", 700.0, "2018-05-01T00:00:00"),
        ("stata", "%tq", -1.0, "1959-10-01T00:00:00"),
        ("stata", "%th", 117.0, "2018-07-01T00:00:00"),
        ("stata", "%tw", 53.0, "1961-01-08T00:00:00"),
        ("sas", "YYMMDD10.", 21310.0, "2018-05-06T00:00:00"),
        ("sas", "DATE9", 21310.0, "2018-05-06T00:00:00"),
        ("sas", "DATETIME20.", 21310 * 86400.0, "2018-05-06T00:00:00"),
    ],
)
def test_dates_of_each_system(system, form, number, shown):
    found = moments(np.array([number, np.nan]), system, form)
    assert found.dtype == "datetime64[us]" and np.isnat(found[1])
    assert str(found[0].astype("datetime64[s]")) == shown


@pytest.mark.parametrize("form, number", [("TIME8", 83410.0), ("DTIME10", 83410.0)])
def test_times_are_text(form, number):
    assert moments(np.array([number, 0.5, np.nan, 100 * 3600.0]), "spss", form).tolist() == [
        "23:10:10", "00:00:00.500000", None, "100:00:00",
    ]  # fmt: skip


@pytest.mark.parametrize("system, form", [("spss", "F8.2"), ("stata", "%9.0g"), ("stata", "%ty"), ("sas", "BEST12.")])
def test_numbers_are_no_dates(system, form):
    assert moments(np.array([1.0]), system, form) is None


@pytest.mark.parametrize("system, form", [("spss", "DATE11"), ("stata", "%td"), ("stata", "%tm"), ("sas", "DATE9.")])
def test_a_number_no_calendar_reaches_is_missing(system, form):
    assert np.isnat(moments(np.array([1e300, -1e300, np.inf, np.nan]), system, form)).all()


@pytest.mark.parametrize("version", [8, 10, 12, 13, 14, 15])
def test_every_stata_version_that_is_written_is_read(tmp_path, monkeypatch, version):
    monkeypatch.setenv("MASAR_NO_CACHE", "1")
    frame = pd.DataFrame({"q": [1.0, 2.0], "day": pd.to_datetime(["2026-03-01", None]), "t": ["a", "b"]})
    pyreadstat.write_dta(frame, str(tmp_path / "a.dta"), version=version, variable_value_labels={"q": {1: "Yes", 2: "No"}})
    raw = read(tmp_path / "a.dta")
    assert raw.frame["q"].tolist() == [1, 2] and raw.frame["t"].tolist() == ["a", "b"]
    assert str(raw.frame["day"][0])[:10] == "2026-03-01" and raw.frame["day"].isna().tolist() == [False, True]
    assert raw.codebook["day"].level == "date"
    assert raw.codebook.category("q", 1.0, "en") == "Yes"


@pytest.mark.parametrize("version", [114, 117, 118, 119])
def test_stata_files_of_another_writer_with_long_texts(tmp_path, monkeypatch, version):
    monkeypatch.setenv("MASAR_NO_CACHE", "1")
    long = "x" * 3000 if version > 114 else "x" * 200
    options = {} if version == 114 else {"convert_strl": ["t"]}
    pd.DataFrame({"q": [1.0, 2.0], "t": [long, "b"]}).to_stata(
        tmp_path / "a.dta", version=version, write_index=False, **options
    )
    raw = read(tmp_path / "a.dta")
    assert raw.frame["q"].tolist() == [1, 2] and raw.frame["t"].tolist() == [long, "b"]
