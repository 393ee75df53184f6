"""What is a number and what is an identifier; dates as the field writes them."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from masar_research.errors import DataError
from masar_research.loading.dates import to_dates
from masar_research.loading.numbers import as_numbers


def numbers(*texts, **options):
    return as_numbers(pd.Series(list(texts), dtype="str"), **options)


@pytest.mark.parametrize(
    "texts, why",
    [
        (("122.1", "122.10", "122.9"), "trailing zeros"),
        (("122.9", "122.10"), "trailing zeros"),
        (("007", "12"), "leading zeros"),
        (("1234567890123456", "1"), "more than 15 digits"),
        (("12E4", "3"), "codes that look like exponents"),
        (("1", "1.50"), "trailing zeros"),
        (("a", "1"), "text"),
        (("", "NA"), "empty"),
        (("1,234", "2"), "text"),
        (("1-2", "3"), "text"),
    ],
)
def test_digits_that_would_be_lost_keep_a_column_text(texts, why):
    answer = numbers(*texts)
    assert answer.values is None and answer.why == why


@pytest.mark.parametrize(
    "texts, expected",
    [
        (("1.50", "2.25"), [1.5, 2.25]),
        (("5.0", "2.25"), [5, 2.25]),
        (("1", "2", "NA", None), [1, 2, np.nan, np.nan]),
        (("1e-05", "2.5"), [1e-5, 2.5]),
        (("٣", "١٢٫٥"), [3, 12.5]),
        (("۷", "8"), [7, 8]),
        (("-5", " 3. ", "+2"), [-5, 3, 2]),
        (("0", "0.5"), [0, 0.5]),
    ],
)
def test_measurements_become_numbers(texts, expected):
    assert np.array_equal(numbers(*texts).values, expected, equal_nan=True)


def test_the_caller_may_say_that_they_are_measurements():
    assert numbers("1.5", "1.50", ids=False).values.tolist() == [1.5, 1.5]
    assert numbers("x", ids=False).values is None


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False, width=64), min_size=1, max_size=30))
def test_what_python_writes_comes_back_exactly(values):
    answer = numbers(*[repr(value) for value in values])
    if answer.values is not None:
        assert answer.values.tolist() == values
    else:
        assert answer.why == "more than 15 digits"


@given(st.lists(st.from_regex(r"[0-9]{1,4}(\.[0-9]{1,3})?", fullmatch=True), min_size=1, max_size=20))
def test_distinct_identifiers_never_merge(texts):
    answer = numbers(*texts)
    if answer.values is not None:
        assert len(set(answer.values)) == len({text.removesuffix(".0") for text in texts})


@pytest.mark.parametrize(
    "texts, expected",
    [
        (["2026-03-31T10:20:30.000+03:00"], "2026-03-31T10:20:30"),
        (["2026-03-31"], "2026-03-31"),
        (["Oct 14, 2016 12:31:00 PM"], "2016-10-14T12:31:00"),
        (["31/3/2026"], "2026-03-31"),
        (["3/31/2026"], "2026-03-31"),
        (["٣١/٣/٢٠٢٦"], "2026-03-31"),
        (["4/3/2026 09:05"], "2026-03-04T09:05"),
    ],
)
def test_dates_as_written(texts, expected):
    assert to_dates(pd.Series(texts, dtype="str"))[0] == np.datetime64(expected)


def test_excel_serials_and_their_limits():
    assert to_dates(pd.Series([44363.0, np.nan])).astype("datetime64[D]").astype(str).tolist() == [
        "2021-06-16",
        "NaT",
    ]
    with pytest.raises(DataError, match="no dates"):
        to_dates(pd.Series([1e9], name="d"))
    with pytest.raises(DataError, match="no dates"):
        to_dates(pd.Series([44363.0], name="d"), serials=False)


def test_mixed_or_impossible_dates_are_errors():
    with pytest.raises(DataError, match="day/month"):
        to_dates(pd.Series(["31/3/2026", "3/31/2026"], name="d"))
    with pytest.raises(DataError, match="xxxxxxxxx"):
        to_dates(pd.Series(["yesterday"], name="d"))
    with pytest.raises(DataError, match="00/0/0000"):
        to_dates(pd.Series(["30/2/2026"], name="d"))
