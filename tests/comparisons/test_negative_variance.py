"""A change whose estimated variance is below zero: no standard error, said in both languages."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import masar_research as mr


@pytest.fixture
def survey() -> mr.Survey:
    """Two waves of four PSUs that share two, and all that differs between PSUs is these two."""
    rows = [
        (wave, p, {2: -10.0, 3: 10.0}.get(p, 0.0) + 0.1 * p + (wave - 2024))
        for wave, psus in ((2024, range(4)), (2026, range(2, 6)))
        for p in psus
    ]
    frame = pd.DataFrame(rows, columns=["wave", "p", "y"]).assign(w=1.0)
    return mr.Survey(frame, weights="w", psu="p", wave="wave")


def test_a_negative_variance_of_a_change_is_no_standard_error_and_is_said(survey):
    change = survey.mean("y", by="wave").contrast("2026 - 2024")
    row = change.frame.iloc[0]
    assert row["estimate"] == pytest.approx(2.2)
    assert np.isnan(row[["std_error", "conf_low", "conf_high", "p_value"]].astype(float)).all()
    assert any("below zero" in line for line in change.note.lines("en"))
    assert any("دون الصفر" in line for line in change.note.lines("ar"))


def test_replicates_give_it_a_standard_error_and_say_nothing(survey):
    change = survey.with_replicates(mr.replicates.JKn()).mean("y", by="wave").contrast("2026 - 2024")
    assert change.frame["std_error"].iloc[0] > 0
    assert "negative_variance" not in change.note


def test_an_ordinary_change_says_nothing(survey):
    apart = mr.Survey(survey.frame, weights="w", psu="p", strata="wave")
    change = apart.mean("y", by="wave").contrast("2026 - 2024")
    assert change.frame["std_error"].iloc[0] > 0
    assert "negative_variance" not in change.note
