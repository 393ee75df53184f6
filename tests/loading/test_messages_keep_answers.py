"""No message quotes what a respondent wrote: the form of an answer is enough to find it."""

import pandas as pd
import pytest

from masar_research.errors import DataError, MasarError
from masar_research.loading.cards import read_card
from masar_research.loading.dates import to_dates
from masar_research.loading.harmonise import harmonise
from masar_research.loading.kobo_answers import _flags
from masar_research.loading.numbers import masked
from masar_research.loading.readers import read

SECRETS = ("سلمى الخطيب", "0795551234", "Salma Khatib", "9871234567")


@pytest.mark.parametrize("secret", SECRETS)
def test_a_value_that_is_no_date_is_not_quoted(secret):
    with pytest.raises(DataError, match="no date") as error:
        to_dates(pd.Series(["2026-03-01", secret], name="day"))
    assert secret not in str(error.value) and masked(secret) in str(error.value) and error.value.ar


def test_numbers_that_are_no_dates_are_not_quoted():
    with pytest.raises(DataError, match="no dates") as error:
        to_dates(pd.Series([795551234.0, 45_000.0], name="day"))
    assert "795551234" not in str(error.value).replace(",", "") and "7.955" not in str(error.value)


@pytest.mark.parametrize("secret", SECRETS)
def test_words_in_a_multi_select_are_not_quoted(secret):
    with pytest.raises(DataError, match="0/1") as error:
        _flags(pd.Series(["1", "0", secret]), "uses/a")
    assert secret.casefold() not in str(error.value).casefold()


def test_text_among_numbers_is_quoted_only_where_many_gave_it(tmp_path):
    rows = ["12", "13", *["refused"] * 6, "سلمى الخطيب", "Salma Khatib"]
    pd.DataFrame({"age": rows}).to_csv(tmp_path / "a.csv", index=False)
    words = "{en: A, ar: أ}"
    (tmp_path / "a.yml").write_text(
        f"""
study: small
title: {words}
synthetic: true
notice: {words}
population: {{en: All, ar: الجميع, nationality: all_residents, age_min: 15, excluded: []}}
design: {{weights: w, lonely_psu: raise, clustered: false, note: {words}}}
waves:
  2026: {{file: a.csv, fieldwork: {{start: 2026-03-01, end: 2026-04-15}}}}
variables:
  w: {{from: age, label: {words}, level: numeric}}
disclosure: {{strategy: {words}, sponsor: {words}, tools: {words}, population: {words}, sample: {words},
  mode: {words}, processing: {words}, limitations: {words}}}
""",
        encoding="utf-8",
    )
    card = read_card(tmp_path / "a.yml")
    with pytest.raises(MasarError, match="numbers were expected") as error:
        harmonise(read(tmp_path / "a.csv", cache=False, personal=["age"]), card, 2026)
    said = str(error.value)
    assert "'refused'" in said and "Salma" not in said and "سلمى" not in said and "xxxxx xxxxxx" in said
