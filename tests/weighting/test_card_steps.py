"""Every step of the builder can stand in a card: the same weights to the last bit, faults named in both languages."""

import copy
import re

import numpy as np
import pandas as pd
import pytest
from pydantic import TypeAdapter
from ruamel.yaml import YAML

import masar_research as mr
from masar_research.briefs.steps import step_words
from masar_research.errors import CardError, MasarError, WeightingError
from masar_research.loading.card_weighting import STEPS, Step
from masar_research.weighting import from_card
from masar_research.weighting.card_steps import card_steps

NAMES = ("w", "psu", "stratum", "home", "person", "status", "sex", "kind", "income", "p1", "took", "listed", "coast")
LABELS = {"sex": {1: "Male", 2: "Female"}, "kind": {1: "A", 2: "B", 3: "C"}, "status": {1: "Done", 2: "Refused", 3: "Not found", 4: "Out"},
          "coast": {0: "No", 1: "Yes"}}  # fmt: skip


def people(n=480, seed=4):
    rng = np.random.default_rng(seed)
    psu = np.repeat(np.arange(n // 8), 8)
    home = np.arange(n) // 2
    kind = rng.integers(1, 4, n).astype(float)
    return pd.DataFrame({
        "w": rng.uniform(2, 6, psu.max() + 1)[psu], "psu": psu + 1.0, "stratum": psu // 10 + 1.0, "home": home + 1.0, "person": np.arange(n) + 1.0,
        "status": rng.choice([1.0, 2.0, 3.0, 4.0], n, p=[0.7, 0.15, 0.1, 0.05]), "sex": rng.integers(1, 3, n).astype(float),
        "kind": kind, "income": rng.lognormal(5, 0.5, n).round(2), "p1": 0.01 + 0.001 * (psu % 7), "took": 4.0,
        "listed": 40.0 + psu % 5, "coast": (kind == 3).astype(float)})  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("cards")
    people().to_csv(place / "people.csv", index=False)
    later = people(seed=5)
    later.to_csv(place / "later.csv", index=False)
    yaml = YAML()
    yaml.dump({"sex": {1: 900.0, 2: 1020.0}}, (place / "margins.yml").open("w"))
    return place


def both(words):
    return {"en": words, "ar": f"نص {words}"}


def card(folder, steps, name="study", waves=1, **more):
    variables = {}
    for each in NAMES:
        variables[each] = {"from": each, "label": both(each)}
        if each in LABELS:
            variables[each]["codes"] = {code: both(label) for code, label in LABELS[each].items()}
    fields = ("strategy", "sponsor", "tools", "population", "sample", "mode", "dates", "sizes", "weighting", "processing", "limitations")
    made = {
        "study": "small", "title": both("small"),
        "population": {**both("people"), "nationality": "all_residents", "age_min": 15},
        "design": {"weights": "w", "strata": "stratum", "psu": "psu"},
        "waves": {2024 + 2 * k: {"file": ("people.csv", "later.csv")[k], "fieldwork": {"note": both("March")}} for k in range(waves)},
        "variables": variables, "weighting": copy.deepcopy(steps), "disclosure": {field: both(field) for field in fields}, **more,
    }  # fmt: skip
    path = folder / f"{name}.yml"
    with path.open("w", encoding="utf-8") as handle:
        YAML().dump(made, handle)
    return path


SEX, KIND = {1: 940.0, 2: 980.0}, {1: 640.0, 2: 600.0, 3: 680.0}
SAY = {"eligible": "status in [1, 2]", "ineligible": "status == 4", "unknown": "status == 3"}
CROSS = {1: {1: 0.2, 2: 0.15, 3: 0.15}, 2: {1: 0.15, 2: 0.2, 3: 0.15}}
MARGINS = [{"variables": ["sex"], "targets": SEX}, {"variables": ["kind"], "targets": KIND}]
# The step as a card writes it, and the same verb of the builder.
SAME = {
    "base": ({"expression": "w * 2"}, lambda b: b.base("w * 2")),
    "base by stages": ({"step": "base", "stages": ["p1", ["took", "listed"], {"probability": "4 / listed", "unit": "home"}], "multiplicity": "kind"},
                       lambda b: b.base(stages=["p1", ("took", "listed"), {"probability": "4 / listed", "unit": "home"}], multiplicity="kind")),
    "eligibility": ({**SAY, "cells": ["sex"], "share": 0.4}, lambda b: b.eligibility(**SAY, cells=["sex"], share=0.4)),
    "nonresponse": ({"responded": "status == 1", "eligible": "status != 4", "cells": ["kind", "sex"], "min_cell": 70, "within": ["kind"]},
                    lambda b: b.nonresponse("status == 1", ["kind", "sex"], 70, "status != 4", None, ["kind"])),
    "propensity": ({"responded": "status == 1", "on": "C(kind) + income", "eligible": "status != 4", "weighted": False},
                   lambda b: b.propensity("status == 1", "C(kind) + income", eligible="status != 4", weighted=False)),
    "attrition": ({"responded": "status == 1", "on": "C(sex)"}, lambda b: b.attrition("status == 1", on="C(sex)")),
    "rake": ({"margins": MARGINS, "max_iter": 50, "tol": 1e-9}, lambda b: b.rake({"sex": SEX, "kind": KIND}, None, 50, 1e-9)),
    "poststratify": ({"margin": {"variables": ["sex", "kind"], "targets": CROSS}, "total": "current"},
                     lambda b: b.poststratify({("sex", "kind"): CROSS}, "current")),
    "calibrate": ({"margins": MARGINS, "numbers": {"income": 330000.0}, "method": "logit", "bounds": [0.3, 3.0]},
                  lambda b: b.calibrate({"sex": SEX, "kind": KIND, "income": 330000.0}, "logit", bounds=(0.3, 3.0))),
    "calibrate softly": ({"step": "calibrate", "margins": MARGINS, "numbers": {"income": 420000}, "tolerance": {"income": 0.01}, "cost": {"kind": 50},
                          "limits": [1, 30]},
                         lambda b: b.calibrate({"sex": SEX, "kind": KIND, "income": 420000}, tolerance={"income": 0.01}, cost={"kind": 50}, limits=(1, 30))),
    "calibrate homes": ({"step": "calibrate", "margins": MARGINS, "household": "home", "household_numbers": {"listed": 40000.0}, "method": "linear"},
                        lambda b: b.calibrate({"sex": SEX, "kind": KIND}, "linear", household="home", household_targets={"listed": 40000.0})),
    "calibrate covariance": ({"step": "calibrate", "margins": [MARGINS[0]], "covariance": [[90.0, -20.0], [-20.0, 80.0]], "population": 1920.0},
                             lambda b: b.calibrate({"sex": SEX}, covariance=[[90.0, -20.0], [-20.0, 80.0]], population=1920.0)),
    "entropy": ({"shares": [{"variables": ["sex"], "targets": {1: 0.49, 2: 0.51}}], "means": {"income": [170.0, 90.0]}},
                lambda b: b.entropy({"sex": {1: 0.49, 2: 0.51}, "income": (170.0, 90.0)})),
    "balance": ({"group": "sex", "reference": 1, "categories": ["kind"], "numbers": ["income"], "moments": 2},
                lambda b: b.balance("sex", 1, "kind", "income", 2)),
    "trim": ({"upper": "p95", "lower": 1, "within": ["sex"], "redistribute": "equal"}, lambda b: b.trim("p95", 1, "equal", "sex")),
    "trim to margins": ({"step": "trim", "upper": "1.4*mean", "margins": MARGINS}, lambda b: b.trim("1.4*mean", targets={"sex": SEX, "kind": KIND})),
    "trim by deff": ({"step": "trim", "max_deff": 1.05}, lambda b: b.trim(max_deff=1.05)),
    "normalise": ({"total": 500, "by": ["sex"]}, lambda b: b.normalise(500, "sex")),
}  # fmt: skip


def as_step(name):
    written, call = SAME[name]
    return {"step": name, **written} if "step" not in written else written, call


@pytest.mark.parametrize("name", SAME)
def test_a_card_and_the_builder_give_the_same_bits(folder, name):
    step, call = as_step(name)
    survey = mr.load(card(folder, [step], "one"), cache=False)
    by_hand = call(survey.weighting)
    assert card_steps(survey) == by_hand.steps
    done = from_card(survey)
    np.testing.assert_array_equal(done.design.weights, by_hand.apply().design.weights)
    assert done.mean("income").frame["std_error"].iloc[0] == by_hand.apply().mean("income").frame["std_error"].iloc[0]
    words = step_words(survey.card.weighting[0], survey.codebook)
    assert words.en and re.search("[؀-ۿ]", words.ar)


def test_every_step_of_the_card_is_tried_above():
    assert {as_step(name)[0]["step"] for name in SAME} | {"combine"} == set(STEPS)


def test_many_steps_and_waves(folder):
    chain = [as_step(name)[0] for name in ("eligibility", "rake", "trim")] + [{"step": "combine", "factors": {2024: 0.4, 2026: 0.6}}]
    survey = mr.load(card(folder, chain, "waves", waves=2), cache=False)
    by_hand = (survey.weighting.eligibility(**SAY, cells=["sex"], share=0.4).rake({"sex": SEX, "kind": KIND}, None, 50, 1e-9)
               .trim("p95", 1, "equal", "sex").combine({2024: 0.4, 2026: 0.6}).apply())  # fmt: skip
    np.testing.assert_array_equal(from_card(survey).design.weights, by_hand.design.weights)


def test_targets_that_another_survey_estimates(folder):
    card(folder, [{"step": "rake", "margins": [MARGINS[0]]}], "other")
    given = {"card": "other.yml", "counts": [["sex"], ["kind"]], "totals": ["income"]}
    survey = mr.load(card(folder, [{"step": "calibrate", "method": "linear", "estimates": given}], "mine", waves=2), wave=2026, cache=False)
    other = from_card(mr.load(folder / "other.yml", cache=False))
    targets = [other.count(by="sex"), other.count(by="kind"), other.total("income")]
    by_hand = survey.weighting.calibrate(targets, "linear", source=other)
    assert card_steps(survey) == by_hand.steps and by_hand.steps[0].covariance is not None
    done = from_card(survey)
    np.testing.assert_array_equal(done.design.weights, by_hand.apply().design.weights)
    np.testing.assert_allclose(done.total("income").frame["std_error"], other.total("income").frame["std_error"], rtol=1e-8)
    own = {"card": "mine.yml", "wave": 2024, "counts": [["sex"]]}
    again = card(folder, [{"step": "calibrate", "estimates": own}], "mine", waves=2)
    with pytest.raises(WeightingError, match="from itself") as caught:
        from_card(mr.load(again, wave=2026, cache=False))
    assert "نفسها" in caught.value.ar
    base = card(folder, [{"step": "calibrate", "estimates": {**own, "weighted": False}}], "mine", waves=2)
    done = from_card(mr.load(base, wave=2026, cache=False))
    np.testing.assert_allclose(done.count(by="sex").frame["estimate"], mr.load(base, wave=2024).count(by="sex").frame["estimate"])


WRONG = {
    "unknown step": ({"step": "rakes"}, "step", "Did you mean rake", "هل تقصد"),
    "no step": ({"margins": MARGINS}, "weighting", "needs its name", "بلا اسم"),
    "unknown field": ({"step": "calibrate", "margins": MARGINS, "bound": [0.2, 3]}, "bound", "Did you mean bounds", "هل تقصد"),
    "no method": ({"step": "calibrate", "margins": MARGINS, "method": "linar"}, "method", "Did you mean linear", "غير مقبولة"),
    "nothing to meet": ({"step": "calibrate", "method": "linear"}, "calibrate", "no targets", "لا أهداف"),
    "logit alone": ({"step": "calibrate", "margins": MARGINS, "method": "logit"}, "calibrate", "both sides of 1", "حدّين"),
    "crossed bounds": ({"step": "calibrate", "margins": MARGINS, "bounds": [3, 0.2]}, "calibrate", "no room", "الأدنى"),
    "homes of nobody": ({"step": "calibrate", "margins": MARGINS, "household_numbers": {"listed": 9}}, "calibrate", "need household", "الأسر"),
    "targets of two kinds": ({"step": "calibrate", "margins": MARGINS, "estimates": {"card": "o.yml", "totals": ["income"]}}, "calibrate", "all targets", "مستقلة"),
    "estimates of nothing": ({"step": "calibrate", "estimates": {"card": "o.yml"}}, "estimates", "counts:", "counts"),
    "key of estimates": ({"step": "calibrate", "estimates": {"card": "o.yml", "total": ["income"], "counts": [["sex"]]}}, "total", "Did you mean totals", "هل تقصد"),
    "word for a number": ({"step": "calibrate", "numbers": {"income": "many"}}, "income", "number was expected", "عدد"),
    "a target in words": ({"step": "rake", "margins": [{"variables": ["sex"], "targets": {1: "a", 2: 3}}]}, "targets", "is 'a'", "ليس عددًا"),
    "margin twice": ({"step": "rake", "margins": [MARGINS[0], MARGINS[0]]}, "rake", "twice", "تكرر"),
    "no iterations": ({"step": "rake", "margins": MARGINS, "max_iter": 0}, "max_iter", "at least 1", "لا يقل عن"),
    "stage half said": ({"step": "base", "stages": [{"selected": "took"}]}, "stages", "both selected: and total:", "معًا"),
    "stage unknown": ({"step": "base", "stages": ["p9"]}, "stages", "'p9' is not among", "ليس من متغيّرات"),
    "base twice": ({"step": "base", "expression": "w", "stages": ["p1"]}, "base", "one of the two", "أحدهما"),
    "formula": ({"step": "propensity", "responded": "status == 1", "on": "C(kindd) + log(income)"}, "on", "'kindd'", "ليس من متغيّرات"),
    "panel": ({"step": "attrition", "responded": "status == 1", "cells": ["sex"], "panel": "pid"}, "panel", "'pid'", "ليس من متغيّرات"),
    "two ways lost": ({"step": "attrition", "responded": "status == 1", "cells": ["sex"], "on": "sex"}, "attrition", "one of the two", "أحدهما"),
    "means of nothing": ({"step": "entropy"}, "entropy", "means:", "means"),
    "mean of no variable": ({"step": "entropy", "means": {"incom": 3.0}}, "means", "Did you mean income", "ليس من متغيّرات"),
    "four moments": ({"step": "balance", "group": "sex", "reference": 1, "numbers": ["income"], "moments": 4}, "moments", "1, 2, 3", "غير مقبولة"),
    "bound twice": ({"step": "trim", "upper": 3, "max_deff": 1.2}, "trim", "Leave one of the two out", "احذف إحداهما"),
    "factors": ({"step": "combine", "factors": {2024: 0.4, 2026: 0.7}}, "combine", "sum to 1", "ليس 1"),
    "classes that do not merge": ({"step": "nonresponse", "responded": "status == 1", "cells": ["sex"], "within": ["sex"]}, "nonresponse", "min_cell", "min_cell"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_a_fault_names_file_line_field_and_remedy_in_both_languages(folder, name):
    step, field, words, arabic = WRONG[name]
    path = card(folder, [{"step": "normalise"}, step], "wrong")
    with pytest.raises(CardError) as caught:
        mr.load(path, cache=False)
    message, ar = str(caught.value), caught.value.ar
    line = re.search(r"wrong\.yml, line (\d+), weighting\.1(\S*):", message)
    assert line is not None and words in message and caught.value.remedy
    assert arabic in ar and f"السطر {line.group(1)}" in ar and "wrong.yml" in ar
    lines = path.read_text(encoding="utf-8").splitlines()
    first = next(k for k, text in enumerate(lines, 1) if text.strip() == "- step: normalise")
    assert first < int(line.group(1)) <= first + 24
    if line.group(2):
        assert field in line.group(2) or field in lines[int(line.group(1)) - 1]
    assert ar.count("\u2066") == ar.count("\u2069")


def test_what_only_the_data_can_tell_is_refused_when_the_step_is_taken(folder):
    survey = mr.load(card(folder, [{"step": "combine"}], "alone"), cache=False)
    with pytest.raises(MasarError, match="one wave only"):
        from_card(survey)
    lost = mr.load(card(folder, [{"step": "rake", "margins": [{"variables": ["sex"], "file": "none.yml", "key": "sex"}]}], "lost"), cache=False)
    with pytest.raises(WeightingError, match=r"none\.yml was not found"):
        from_card(lost)


def test_targets_may_be_rows():
    rows = [{"sex": 1, "kind": 1, "total": 4.0}, {"sex": 2, "kind": 1, "total": 6.0}]
    step = TypeAdapter(Step).validate_python({"step": "poststratify", "margin": {"variables": ["sex", "kind"], "targets": rows}})
    assert step.margin.targets == tuple(rows)
