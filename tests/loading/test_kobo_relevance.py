"""A universe is true of exactly the rows for which the form asks: against a row-by-row reading of XPath."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from masar_research.expressions import truth
from masar_research.loading import read
from masar_research.loading.xlsform_relevance import Answer, universe

ANSWERS = {
    "a": Answer("a", "number"),
    "n": Answer("n", "number"),
    "b": Answer("b", "text", codes=("x", "y", "2")),
    "m": Answer("m", "multiple", {"x": "m__x", "y": "m__y"}),
}
BLANK = float("nan")


def number(value):
    try:
        return float(value)
    except ValueError:
        return BLANK


LEAVES = [
    ("${a} = 1", lambda r: number(r["a"]) == 1), ("${a} != '1'", lambda r: number(r["a"]) != 1), ("${a} < 3", lambda r: number(r["a"]) < 3),
    ("2 <= ${a}", lambda r: 2 <= number(r["a"])), ("${b} = 'x'", lambda r: r["b"] == "x"), ("${b} != 'x'", lambda r: r["b"] != "x"),
    ("${b} = ''", lambda r: r["b"] == ""), ("${b} = 2", lambda r: number(r["b"]) == 2), ("${b} < 3", lambda r: number(r["b"]) < 3),
    ("selected(${m}, 'x')", lambda r: "x" in r["m"].split()), ("selected(${b}, 'y')", lambda r: r["b"] == "y"),
    ("count-selected(${m}) < 2", lambda r: len(r["m"].split()) < 2), ("count-selected(${m}) >= 1", lambda r: len(r["m"].split()) >= 1),
    ("${a} = ${n}", lambda r: r["a"] == r["n"]), ("${a} + ${n} > 3", lambda r: number(r["a"]) + number(r["n"]) > 3),
    ("${a} < ${n}", lambda r: number(r["a"]) < number(r["n"])), ("string-length(${b}) > 0", lambda r: r["b"] != ""),
    ("if(${a} = 1, 1, 0) = 1", lambda r: number(r["a"]) == 1), ("true()", lambda r: True),
]  # fmt: skip
conditions = st.recursive(
    st.sampled_from(LEAVES),
    lambda inner: st.one_of(
        inner.map(lambda c: (f"not({c[0]})", lambda r: not c[1](r))),
        st.tuples(inner, inner).map(lambda p: (f"({p[0][0]}) and ({p[1][0]})", lambda r: p[0][1](r) and p[1][1](r))),
        st.tuples(inner, inner).map(lambda p: (f"({p[0][0]} or {p[1][0]})", lambda r: p[0][1](r) or p[1][1](r))),
    ),
    max_leaves=6,
)
ROWS = [
    {"a": a, "n": n, "b": b, "m": m}
    for a in ("", "1", "2", "5") for n in ("", "1", "3") for b in ("", "x", "y", "2") for m in ("", "x", "x y")
]  # fmt: skip
COLUMNS = {
    "a": np.array([number(r["a"]) for r in ROWS]),
    "n": np.array([number(r["n"]) for r in ROWS]),
    "b": np.array([r["b"] or None for r in ROWS], dtype=object),
    "m": np.array([r["m"] or None for r in ROWS], dtype=object),
    "m__x": np.array([float("x" in r["m"].split()) if r["m"] else BLANK for r in ROWS]),
    "m__y": np.array([float("y" in r["m"].split()) if r["m"] else BLANK for r in ROWS]),
}


@settings(max_examples=250, deadline=None)
@given(conditions)
def test_the_universe_is_true_where_the_form_asks(condition):
    text, asks = condition
    expected = [bool(asks(row)) for row in ROWS]
    asked = universe([text], ANSWERS)
    if asked.text is not None:
        assert truth(asked.text, COLUMNS).tolist() == expected, (text, asked.text)
    elif asked.why is None:
        assert all(expected)
    else:
        assert asked.why == "it never holds" and not any(expected)


@pytest.mark.parametrize(
    "text", ["regex(${b}, 'x')", "${a} > today()", "${gone} = 1", "selected(${m}, 'gone')", "pulldata('f','x','y',${a}) = 1", "${a} mod 2 = 0"]
)
def test_what_has_no_counterpart_gives_a_reason(text):
    asked = universe([text], ANSWERS)
    assert asked.text is None and asked.why


def test_kobo_iraq_counts_and_skips(monkeypatch):
    monkeypatch.setenv("MASAR_NO_CACHE", "1")
    folder = Path(os.environ.get("MASAR_REAL_DATA", "")) / "kobo_iraq"
    if not os.environ.get("MASAR_REAL_DATA") or not folder.is_dir():
        pytest.skip("kobo_iraq needs MASAR_REAL_DATA")
    form = (folder / "cleaningtools_survey.csv", folder / "cleaningtools_choices.csv")
    raw = read(folder / "cleaningtools_raw_data.csv", form=form)
    plain = pd.read_csv(folder / "cleaningtools_raw_data.csv", dtype=str, keep_default_na=False)
    assert len(plain) == 632 and plain.shape[1] == 348 and len(raw.frame) == 632
    checked = 0
    for column in plain.columns:
        question, _, option = column.partition(".")
        name = f"{question}__{option}"
        if option and name in raw.frame.columns:
            assert (raw.frame[name] == 1).sum() == (plain[column] == "TRUE").sum(), name
            assert raw.frame[name].isna().sum() == (plain[column] == "").sum(), name
            checked += 1
    assert checked > 150
    conditions = [variable for variable in raw.codebook.values() if variable.universe]
    assert len(conditions) > 150 and not any(note.kind in ("relevance", "skips") for note in raw.notes)
    aside = next(note for note in raw.notes if note.kind == "set_aside")
    assert {"deviceid", "X_submitted_by", "shelter_occupation_other"} <= set(aside.columns) and "neighbourhood" in raw.frame
    assert all("ar" in raw.codebook[name].label for name in ("gender_hoh", "water_sources__piped", "leaks"))
