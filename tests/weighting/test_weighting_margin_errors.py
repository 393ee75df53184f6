"""What is wrong with margins is named with its remedy in both languages."""

import numpy as np
import pandas as pd
import pytest

import masar_research as mr
from masar_research.errors import WeightingError


def survey():
    frame = pd.DataFrame({"w": np.ones(12), "sex": [1.0, 2.0] * 6, "region": [1.0, 1.0, 2.0, 2.0, 3.0, 3.0] * 2})
    frame["part"] = np.where(frame.index < 3, np.nan, frame["sex"])
    return mr.Survey(frame, weights="w")


SEX, REGION = {1: 50, 2: 50}, {1: 40, 2: 30, 3: 30}
WRONG = {
    "empty cell of a crossing": ({("sex", "region"): {1: REGION, 2: REGION | {4: 10}}}, "without data", "Merge|merge", "ادمج"),
    "level only in the targets": ({"sex": SEX | {3: 5}}, "with a target but without data", "merge", "ادمج"),
    "level only in the data": ({"region": {1: 60, 2: 40}}, "without target: 3", "Add their targets", "أضف أهدافها"),
    "totals that disagree": ({"sex": SEX, "region": REGION | {3: 60}}, "disagree", "Scale all margins", "لسكان واحد"),
    "a zero target": ({"sex": {1: 0, 2: 100}}, "must be positive", "Leave categories without population", "احذف"),
    "a negative target": ({"sex": {1: -5, 2: 100}}, "must be positive", "correct them", "صحّحها"),
    "a missing target": ({"sex": {1: float("nan"), 2: 100}}, "must be positive", "correct them", "صحّحها"),
    "a target that is no number": ({"sex": {1: "many", 2: 100}}, "hold 'many'", "must be numbers", "أرقامًا"),
    "one category twice": ({"sex": {1: 50, "1": 20, 2: 50}}, "two targets", "one target", "هدفًا واحدًا"),
    "rows without a value": ({"part": SEX}, "no value", "Impute", "عوّضها"),
    "shares taken for totals": ({"sex": {1: 0.5, 2: 0.5}}, "look like shares", "total=", "total="),
}  # fmt: skip


@pytest.mark.parametrize("verb", ["rake", "calibrate"])
@pytest.mark.parametrize("name", WRONG)
def test_each_fault_names_its_remedy_in_both_languages(name, verb):
    targets, what, remedy, arabic = WRONG[name]
    with pytest.raises(WeightingError) as caught:
        getattr(survey().weighting, verb)(targets).apply()
    assert what in caught.value.what
    assert any(word in caught.value.remedy for word in remedy.split("|"))
    assert arabic in caught.value.ar and caught.value.ar != WeightingError.general
