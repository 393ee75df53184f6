"""Identifiers of text tables whose digits all end in nought (silent error 30)."""

import pandas as pd
import pytest

from masar_research.loading import read
from masar_research.loading.numbers import as_numbers


@pytest.mark.parametrize("texts", [["101.010", "102.020"], ["101.010"], ["122.10", "123.20"]])
def test_ids_that_all_end_in_nought_stay_text(texts):
    answer = as_numbers(pd.Series(texts, dtype="str"))
    assert answer.values is None and answer.why == "trailing zeros"


@pytest.mark.parametrize("texts, values", [(["10.00", "12.50"], [10, 12.5]), (["1.0", "2.0"], [1, 2]), (["3.00"], [3])])
def test_amounts_with_fixed_decimals_are_numbers(texts, values):
    assert as_numbers(pd.Series(texts, dtype="str")).values.tolist() == values


def test_the_id_of_a_file_is_read_as_written(tmp_path, monkeypatch):
    monkeypatch.setenv("MASAR_NO_CACHE", "1")
    (tmp_path / "a.csv").write_text("psu,x\n101.010,1\n101.020,2\n")
    raw = read(tmp_path / "a.csv")
    assert raw.frame["psu"].tolist() == ["101.010", "101.020"] and raw.frame["x"].tolist() == [1, 2]
    assert [note.kind for note in raw.notes] == ["kept_as_text"]
