"""Models beyond the generalised linear ones on files that nobody here made."""

import os
from pathlib import Path

import numpy as np
import pytest

import masar_research as mr

REAL = os.environ.get("MASAR_REAL_DATA")
SURVEYS = Path(__file__).parents[2] / "data" / "surveys"
pytestmark = pytest.mark.skipif(not REAL, reason="MASAR_REAL_DATA is not set: ANES, Arab Barometer, DHS men")


def test_trust_in_the_american_government():
    anes = mr.load(SURVEYS / "anes_2020.yml")
    model = anes.ordinal("trust_government ~ C(party) + age")
    shares = anes.where("age > 0").proportion("trust_government")
    averages = model.predictions()
    assert len(averages.frame) == len(model.note["levels"]) == 5
    np.testing.assert_allclose(averages.frame["estimate"].sum(), 1.0)
    np.testing.assert_allclose(averages.frame["estimate"], shares.frame["estimate"], atol=0.02)
    assert model.proportional_odds().p_value < 0.05
    assert (np.diff(model.frame["estimate"][model.frame["part"] == "threshold"]) > 0).all()


def test_jordan_in_the_arab_barometer():
    jordan = mr.load(SURVEYS / "arab_barometer_3_jordan.yml")
    trust = jordan.ordinal("trust_government ~ C(sex) + age + C(urban)", link="probit")
    assert trust.frame["std_error"].gt(0).all() and trust.frame["label_ar"].str.len().gt(0).all()
    assert (np.diff(trust.frame["estimate"][trust.frame["part"] == "threshold"]) > 0).all()
    work = jordan.multinomial("employment ~ C(sex) + age")
    gap = work.margins("sex").frame
    assert abs(gap["estimate"].sum()) < 1e-10 and gap["p_value"].min() < 1e-10
    test = jordan.loglinear("~ sex * trust_police").test("independence")
    table = jordan.chi_square("sex", "trust_police")
    assert test.frame["p_value"].iloc[1] == pytest.approx(table.p_value, rel=0.05)
    middle = jordan.quantile_regression("age ~ 1").frame
    assert middle["estimate"].iloc[0] == pytest.approx(jordan.median("age").frame["estimate"].iloc[0], abs=1)
    stage = jordan.two_stage("age ~ voted + C(sex) | internet_use + C(sex)")
    assert stage.first_stage["effective_f"].iloc[0] > 0


def test_age_at_first_marriage_of_men_in_the_model_survey():
    path = next(Path(REAL).rglob("ZZMR61FL.DTA"))
    frame = mr.read(path).frame
    frame.columns = [name.lower() for name in frame.columns]
    married = frame["mv511"].notna()
    men = frame.assign(weight=frame["mv005"] / 1e6, time=frame["mv511"].where(married, frame["mv012"]),
                       married=married.astype(float))
    survey = mr.Survey(men, weights="weight", strata="mv022", psu="mv021", lonely_psu="centre")
    model = survey.cox("Surv(time, married) ~ mv133 + C(mv025)")
    assert model.note["events"] == int(married[model.predictors.used].sum()) > 1000
    years = model.frame.set_index("term").loc["mv133"]
    assert years["hazard_high"] < 1
    curve = model.survival(times=[18, 25, 35]).frame
    assert curve["survival"].is_monotonic_decreasing and (curve["conf_low"] < curve["survival"]).all()
