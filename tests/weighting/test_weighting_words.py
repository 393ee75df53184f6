"""The history of weights names variables in Arabic by their labels."""

from __future__ import annotations

import pandas as pd

import masar_research as mr
from masar_research.codebook import Codebook, Text, Variable


def test_the_arabic_history_names_variables_by_their_labels():
    frame = pd.DataFrame({"w": [1.0] * 8, "sex": [1.0, 2] * 4, "zone": [1.0] * 4 + [2.0] * 4, "came": [1.0, 1, 1, 0] * 2})
    book = Codebook([
        Variable(name="sex", label=Text(en="Sex", ar="الجنس")), Variable(name="zone", label=Text(en="Zone")),
    ])  # fmt: skip
    survey = mr.Survey(frame, weights="w", codebook=book)
    by_sex = survey.weighting.nonresponse(responded="came == 1", cells=["sex"]).apply().history
    assert "«الجنس»" in by_sex.text("ar") and "sex" not in by_sex.text("ar") and "classes of sex" in by_sex.text("en")
    # one variable without an Arabic label: the crossing keeps its names, set apart
    crossed = survey.weighting.nonresponse(responded="came == 1", cells=["zone", "sex"]).apply().history
    assert "\u2066zone × sex\u2069" in crossed.text("ar")
