"""Replicate weights named in a survey card: one wave, and waves pooled."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import masar_research as mr
from masar_research import replicates
from masar_research.errors import CardError

CARD = """\
study: replicated
title: {{en: "Generated", ar: "مولّد"}}
population: {{en: "Adults", ar: "البالغون", nationality: all_residents, age_min: 15}}
design: {{weights: weight, {design}}}
waves:
{waves}
variables:
  weight: {{from: w, label: {{en: "Weight", ar: "الوزن"}}}}
  y: {{from: y, label: {{en: "Outcome", ar: "النتيجة"}}}}
{more}
disclosure:
"""
CARD += "".join(
    f'  {item}: {{{{en: "None", ar: "لا شيء"}}}}\n'
    for item in ("strategy", "sponsor", "tools", "population", "sample", "mode", "processing", "limitations")
)
N = 8


def people(seed: int, factors: bool = False, number: int = N) -> pd.DataFrame:
    """Eight PSUs of five rows, with their JK1 replicate weights rw1 … rw8 (or factors)."""
    rng = np.random.default_rng(seed)
    psu = np.repeat(np.arange(N), 5)
    frame = pd.DataFrame({"w": rng.uniform(1, 3, len(psu)), "y": rng.normal(0, 2, N)[psu] + rng.normal(9, 1, len(psu))})
    left = {r: np.where(psu == r, 0.0, N / (N - 1)) for r in range(number)}
    return frame.assign(**{f"rw{r + 1}": f if factors else frame["w"] * f for r, f in left.items()}, psu=psu)


@pytest.fixture
def load(tmp_path):
    def make(design: str, *frames: pd.DataFrame, more: str = "", extra: str = "", wave=None) -> mr.Survey:
        lines = []
        for k, frame in enumerate(frames):
            frame.to_csv(tmp_path / f"wave_{k}.csv", index=False)
            lines.append(f"  {2020 + k}: {{file: wave_{k}.csv, fieldwork: {{start: {2020 + k}-01-01}}}}")
        text = CARD.format(design=design, waves="\n".join(lines), more=more) + extra
        path = tmp_path / "replicated.yml"
        path.write_text(text, encoding="utf-8")
        return mr.load(path, wave=wave, cache=False)

    return make


def se(survey: mr.Survey) -> float:
    return float(survey.mean("y").frame["std_error"].iloc[0])


def test_one_wave_is_the_survey_given_its_replicates(load):
    frame = people(1)
    survey = load('replicates: {type: JK1, columns: "rw*"}', frame)
    by_hand = mr.Survey(frame, weights="w", replicates=replicates.JK1("rw*"))
    found, expected = survey.mean("y").frame.iloc[0], by_hand.mean("y").frame.iloc[0]
    for column in ("estimate", "std_error", "df"):
        assert found[column] == pytest.approx(expected[column], rel=1e-12)
    facts = survey.design.describe()
    assert facts["psus"] is None and facts["strata"] is None and facts["df"] == N - 1
    note = survey.mean("y").note
    assert "  Primary sampling units: not known" in note.lines("en")
    assert "  وحدات المعاينة الأولية: غير معروف" in note.lines("ar")


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("{type: BRR, columns: 'rw*', fay: 0.3}", replicates.BRR("rw*", fay=0.3)),
        ("{type: Fay, columns: 'rw*', rho: 0.4, mse: true}", replicates.Fay("rw*", rho=0.4, mse=True)),
        ("{type: JK2, columns: 'rw*', mse: false}", replicates.JK2("rw*", mse=False)),
        ("{type: JKn, columns: 'rw*', rscales: [1, 1, 1, 1, 2, 2, 2, 2]}",
         replicates.JKn("rw*", rscales=[1, 1, 1, 1, 2, 2, 2, 2])),
        ("{type: Bootstrap, columns: [rw1, rw2, rw3], average: 2}",
         replicates.Bootstrap(("rw1", "rw2", "rw3"), average=2)),
        ("{type: SuccessiveDifference, columns: 'rw?', scale: 0.05}",
         replicates.SuccessiveDifference("rw?", scale=0.05)),
    ],
)  # fmt: skip
def test_every_type_and_parameter_of_the_card_reaches_the_variance(load, said, kind):
    frame = people(2)
    by_hand = mr.Survey(frame, weights="w", replicates=kind)
    assert se(load(f"replicates: {said}", frame)) == pytest.approx(se(by_hand), rel=1e-12)
    plain = mr.Survey(frame, weights="w", replicates=replicates.JK1("rw*"))
    assert se(by_hand) != pytest.approx(se(plain), rel=1e-3)


def test_factors_multiply_the_weights(load):
    survey = load('replicates: {type: JK1, columns: "rw*", combined: false}', people(3, factors=True))
    assert se(survey) == pytest.approx(se(load('replicates: {type: JK1, columns: "rw*"}', people(3))), rel=1e-12)


def test_independent_waves_add_their_variances(load):
    first, second = people(4), people(5)
    survey = load('replicates: {type: JK1, columns: "rw*", mse: true, across_waves: independent}', first, second)
    estimates = survey.mean("y", by="wave")
    for k, frame in enumerate((first, second)):
        alone = mr.Survey(frame, weights="w", replicates=replicates.JK1("rw*", mse=True))
        assert estimates.vcov[k, k] == pytest.approx(se(alone) ** 2, rel=1e-12)
    assert estimates.vcov[0, 1] == pytest.approx(0, abs=1e-15)
    change = estimates.contrast("2021 - 2020").frame.iloc[0]
    assert change["std_error"] == pytest.approx(np.sqrt(np.trace(estimates.vcov)), rel=1e-12)
    assert survey.design.df == 2 * (N - 1)


def test_independent_waves_may_have_different_numbers_of_replicates_and_be_factors(load):
    first, second = people(4, factors=True), people(5, factors=True)
    said = 'replicates: {type: Bootstrap, columns: "rw*", combined: false, mse: true, across_waves: independent}'
    estimates = load(said, first, second.drop(columns=["rw7", "rw8"])).mean("y", by="wave")
    for k, (frame, number) in enumerate(((first, 8), (second, 6))):
        kind = replicates.Bootstrap([f"rw{r + 1}" for r in range(number)], combined=False, mse=True)
        alone = mr.Survey(frame, weights="w", replicates=kind)
        assert estimates.vcov[k, k] == pytest.approx(se(alone) ** 2, rel=1e-12)


def test_common_replicates_carry_the_covariance_of_the_units_they_leave_out(load):
    """The same PSUs in both waves: the replicates are those of the clustered design that ignores waves."""
    first, second = people(6), people(7)
    second["y"] = second["y"] + np.repeat(np.linspace(-3, 3, N), 5)
    first["y"] = first["y"] + np.repeat(np.linspace(-3, 3, N), 5)
    survey = load('replicates: {type: JK1, columns: "rw*", across_waves: common}', first, second)
    both = pd.concat([first.assign(wave=2020.0), second.assign(wave=2021.0)], ignore_index=True)
    made = mr.Survey(both, weights="w", psu="psu").with_replicates(replicates.JK1())
    found, expected = survey.mean("y", by="wave"), made.mean("y", by="wave")
    np.testing.assert_allclose(found.vcov, expected.vcov, rtol=1e-10)
    assert found.vcov[0, 1] > 0


RAKE = (
    "weighting: [{step: rake, margins: [{variables: [sex], targets: {1: 0.5, 2: 0.5}}]}]\n"
)


@pytest.mark.parametrize(
    ("design", "waves", "extra", "says"),
    [
        ("strata: y, replicates: {type: JK1, columns: 'rw*'}", 1, "", "replicates: and strata: stand together"),
        ("psu: y, lonely_psu: centre, replicates: {type: JK1, columns: 'rw*'}", 1, "", "psu, lonely_psu"),
        ("replicates: {type: JK1, columns: 'rw*', fay: 0.5}", 1, "", "JK1 has no fay"),
        ("replicates: {type: JKn, columns: 'rw*'}", 1, "", "need rscales"),
        ("replicates: {type: BRR, columns: 'rw*', fay: 1.5}", 1, "", "at least 0 and below 1"),
        ("replicates: {type: JK, columns: 'rw*'}", 1, "", "'JK'"),
        ("replicates: {columns: 'rw*'}", 1, "", "required and missing"),
        ("replicates: {type: JK1, columns: 'none*'}", 1, "", "No column matches 'none"),
        ("replicates: {type: JK1, columns: [y, rw1]}", 1, "", "y is a variable of the card"),
        ("replicates: {type: JK1, columns: 'rw*'}", 2, "", "does not say how their replicates belong together"),
        ("replicates: {type: JK1, columns: 'rw*', across_waves: common}", 1, "", "there is one wave only"),
        ("replicates: {type: JK1, columns: 'rw*', mse: true, nr: 3}", 1, "", "'nr' is not known here"),
        ("replicates: {type: JK1, columns: 'rw*'}", 1, RAKE, "the replicates would leave the steps out"),
    ],
)
def test_what_a_card_cannot_say_of_replicates_names_the_remedy(load, design, waves, extra, says):
    with pytest.raises(CardError, match=says) as error:
        load(design, *(people(k) for k in range(waves)), extra=extra)
    assert error.value.remedy and error.value.ar


def test_common_replicates_must_be_the_same_columns(load):
    with pytest.raises(CardError, match=r"differ in 2020 \(8\), 2021 \(6\)"):
        load('replicates: {type: JK1, columns: "rw*", across_waves: common}', people(1), people(2, number=6))
