"""A written history gives the same weights again; a changed file, other data or other weights are refused by name."""

import numpy as np
import pytest

import masar_research as mr
from masar_research.errors import WeightingError
from masar_research.weighting import read_steps, replay, write_steps
from masar_research.weighting.step_data import as_data, from_data
from masar_research.weighting.targets import MarginSpec
from masar_research.weighting.universe import About, Universe
from masar_research.weighting.written import used
from masar_research.codebook import Text

SEX, KIND = {1: 940.0, 2: 980.0}, {1: 640.0, 2: 600.0, 3: 680.0}


def frame(seed=4, n=480):
    rng = np.random.default_rng(seed)
    import pandas as pd

    psu = np.repeat(np.arange(n // 8), 8)
    return pd.DataFrame({
        "w": rng.uniform(2, 6, psu.max() + 1)[psu], "psu": psu + 1.0, "stratum": psu // 10 + 1.0, "home": np.arange(n) // 2 + 1.0,
        "status": rng.choice([1.0, 2.0], n, p=[0.8, 0.2]), "sex": rng.integers(1, 3, n).astype(float), "area": rng.choice(["east", "west"], n),
        "kind": rng.integers(1, 4, n).astype(float), "income": rng.lognormal(5, 0.5, n), "p1": 0.01 + 0.001 * (psu % 7)})  # fmt: skip


def made(data=None):
    return mr.Survey(frame() if data is None else data, weights="w", strata="stratum", psu="psu")


def other_counts():
    return made(frame(8)).count(by="sex")


WAYS = {
    "linear": lambda b: b.calibrate({"sex": SEX, "kind": KIND, "income": 330000.123456789}, "linear"),
    "logit": lambda b: b.calibrate({"sex": SEX, "area": {"east": 900, "west": 1020}}, "logit", bounds=(0.3, 3.0)),
    "soft": lambda b: b.calibrate({"sex": SEX, "kind": KIND, "income": 400000}, tolerance={"income": 0.01}, cost={"kind": 50.0}, limits=(1, 30)),
    "homes": lambda b: b.calibrate({"sex": SEX}, household="home", household_targets={"p1": 11.3}, population=1920.0),
    "estimates": lambda b: b.calibrate(other_counts(), "linear"),
    "entropy": lambda b: b.entropy({"sex": {1: 0.49, 2: 0.51}, "income": (170.0, 90.0), "p1": 0.013}),
    "balance": lambda b: b.balance("sex", 1, "kind", "income", 2),
    "many": lambda b: (b.base(stages=["p1"]).propensity("status == 1", "C(kind) + income").poststratify({"area": {"east": 0.5, "west": 0.5}}, "current")
                       .calibrate({"sex": SEX, "kind": KIND}).trim("p95", targets={"sex": SEX}).normalise(by="sex").entropy({"sex": {1: 0.5, 2: 0.5}})),
}  # fmt: skip


@pytest.mark.parametrize("name", WAYS)
def test_a_written_history_gives_the_same_bits_again(tmp_path, name):
    done = WAYS[name](made().weighting).apply()
    path = write_steps(done, tmp_path / "steps.yml")
    steps = tuple(log.step for log in done.history)
    assert read_steps(path) == steps
    again = replay(made(), path)
    np.testing.assert_array_equal(again.design.weights, done.design.weights)
    assert again.mean("income").frame.equals(done.mean("income").frame)
    by_verb = made(frame(5)).weighting.replay(path)
    assert by_verb.steps == steps
    assert write_steps(again, tmp_path / "again.yml").read_bytes() == path.read_bytes()


def change(path, before, after):
    text = path.read_text(encoding="utf-8")
    assert text.count(before) >= 1, before
    path.write_text(text.replace(before, after, 1), encoding="utf-8")


CHANGES = {
    "a target": ("total: 640.0", "total: 641.0", "step 1 (calibrate): margins kind"),
    "a method": ("method: linear", "method: raking", "step 1 (calibrate): method"),
    "a number": ("- 330000.0", "- 330000.1", "step 1 (calibrate): numbers"),
    "a bound added": ("  method: linear", "  method: linear\n  bounds: [0.2, 9]", "step 1 (calibrate): bounds"),
    "a step left out": ("- step: normalise\n  total: 500.0\n", "", "2 steps were written, 1 are there"),
    "another step": ("step: normalise\n  total: 500.0", "step: trim\n  upper: 500.0", "step 2 was normalise, now trim"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_changed_file_is_refused_with_what_differs(tmp_path, name):
    before, after, words = CHANGES[name]
    done = made().weighting.calibrate({"sex": SEX, "kind": KIND, "income": 330000.0}, "linear").normalise(500.0).apply()
    path = write_steps(done, tmp_path / "steps.yml")
    change(path, before, after)
    for call in (lambda: read_steps(path), lambda: replay(made(), path), lambda: made().weighting.replay(path)):
        with pytest.raises(WeightingError) as caught:
            call()
        assert words in str(caught.value) and "written" in caught.value.remedy and "تغيّر" in caught.value.ar
    kept = path.read_text(encoding="utf-8").partition("written:")[0]
    path.write_text(kept, encoding="utf-8")
    assert len(read_steps(path)) in (1, 2)
    with pytest.raises(WeightingError, match="on which data"):
        replay(made(), path)


def test_other_data_are_refused_by_variable(tmp_path):
    done = made().weighting.nonresponse("status == 1", ["kind"]).calibrate({"sex": SEX, "income": 330000.0}, "linear").apply()
    path = write_steps(done, tmp_path / "steps.yml")

    def refuses(words, data):
        with pytest.raises(WeightingError, match=words) as caught:
            replay(made(data), path)
        assert "المسح ليس" in caught.value.ar

    other = frame()
    other.loc[3, "income"] += 1e-9
    refuses("other values of income\\.", other)
    other.loc[5, "sex"] = 3.0 - other.loc[5, "sex"]
    other.loc[6, "kind"] = other.loc[6, "kind"] % 3 + 1.0
    refuses("other values of kind, sex, income", other)
    refuses("no income", frame().drop(columns="income"))
    refuses("472 rows instead of 480", frame().iloc[8:].reset_index(drop=True))
    refuses("other starting weights", frame().assign(w=frame()["w"] * 1.5))
    unread = frame().assign(area="north")
    np.testing.assert_array_equal(replay(made(unread), path).design.weights, done.design.weights)


def test_weights_that_differ_are_refused_by_step(tmp_path):
    done = made().weighting.calibrate({"sex": SEX}).normalise(500.0).apply()
    path = write_steps(done, tmp_path / "steps.yml")
    text = path.read_text(encoding="utf-8")
    sums = [line for line in text.splitlines() if line.strip().startswith("sum: ")]
    marks = [line for line in text.splitlines() if line.strip().startswith("weights: ")]
    close = text.replace(marks[1], "    weights: 0000000000000000")
    path.write_text(close, encoding="utf-8")
    np.testing.assert_array_equal(replay(made(), path).design.weights, done.design.weights)
    path.write_text(close.replace(sums[1], "    sum: 501.0"), encoding="utf-8")
    with pytest.raises(WeightingError, match=r"Step 2 \(normalise\) gives weights with a sum of 500") as caught:
        replay(made(), path)
    assert "الخطوة" in caught.value.ar
    path.write_text(text.replace("fields:", "field:"), encoding="utf-8")
    with pytest.raises(WeightingError, match="damaged"):
        read_steps(path)


def test_weights_set_by_hand_are_not_written_as_if_the_steps_gave_them(tmp_path):
    done = made().weighting.calibrate({"sex": SEX}).apply()
    by_hand = done.with_weights(done.design.weights * 2, None, "doubled")
    with pytest.raises(WeightingError, match="changed after step 1"):
        write_steps(by_hand, tmp_path / "steps.yml")
    with pytest.raises(WeightingError, match="changed after step 1"):
        write_steps(by_hand.weighting.normalise().apply(), tmp_path / "steps.yml")
    write_steps(by_hand.weighting.base("w").apply(), tmp_path / "steps.yml")


def test_whom_a_margin_counts_is_written_with_it():
    about = About(Universe("jordanians", 15, 60, (Text(en="camps", ar="المخيمات"),)), "key", Text(en="2015", ar="2015"), Text(en="all", ar="الجميع"),
                  facts=("F001",), accepted=Text(en="why", ar="لماذا"), lacking=((Universe("all_residents"), Text(en="no", ar="لا")),))  # fmt: skip
    spec = MarginSpec(("sex",), (((1,), 0.1 + 0.2), ((2,), 1e22)), "somewhere", about)
    step = made().weighting.rake(spec).steps[0]
    assert from_data(as_data(step)) == step


def test_variables_that_steps_read():
    reads = {name: set().union(*(used(step) for step in way(made().weighting).steps)) for name, way in WAYS.items()}
    assert reads["homes"] == {"sex", "home", "p1"} and reads["balance"] == {"sex", "kind", "income"}
    assert reads["many"] == {"p1", "status", "kind", "income", "area", "sex"} and reads["entropy"] == {"sex", "income", "p1"}


def test_a_form_that_cannot_be_read_is_refused():
    for field, value in (("numbers", [["income", "many"]]), ("covariance", [["a"]]), ("bounds", [1]), ("margins", [{"variables": ["sex"]}])):
        with pytest.raises(WeightingError, match="cannot be read") as caught:
            from_data({"step": "calibrate", field: value})
        assert "تعذّرت" in caught.value.ar
