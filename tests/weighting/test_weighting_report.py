"""The report of weights: balance, extreme weights, indicators, conflicts; both languages; what it never shows."""

import numpy as np
import pandas as pd
import pytest

import masar_research as mr
from masar_research.codebook import Category, Codebook, Variable
from masar_research.errors import WeightingError
from masar_research.present.charts.weights import Distance, histogram, love

BOOK = Codebook([
    Variable("sex", {"en": "Sex", "ar": "الجنس"}, level="nominal",
             categories=(Category(1, {"en": "Male", "ar": "ذكر"}), Category(2, {"en": "Female", "ar": "أنثى"}))),
    Variable("region", {"en": "Region", "ar": "الإقليم"}, level="nominal",
             categories=tuple(Category(k, {"en": en, "ar": ar}) for k, en, ar in
                              ((1, "Middle", "الوسط"), (2, "North", "الشمال"), (3, "South", "الجنوب")))),
    Variable("education", {"en": "Education <b>", "ar": "التعليم"}, level="ordinal",
             categories=(Category(1, {"en": "Low", "ar": "متدنٍ"}), Category(2, {"en": "High", "ar": "مرتفع"}),
                         Category(3, {"en": "Rare", "ar": "نادر"}))),
    Variable("works", {"en": "Works", "ar": "يعمل"}, level="nominal",
             categories=(Category(0, {"en": "No", "ar": "لا"}), Category(1, {"en": "Yes", "ar": "نعم"}))),
])  # fmt: skip


def made(seed=3, n=900):
    rng = np.random.default_rng(seed)
    psu = np.repeat(np.arange(n // 10), 10)
    frame = pd.DataFrame({
        "w": rng.uniform(2, 4, n), "psu": psu, "stratum": psu // 9, "sex": rng.integers(1, 3, n).astype(float),
        "region": 1.0 + psu % 3, "education": 1.0 + (rng.random(n) < 0.4),
    })  # fmt: skip
    frame.loc[:2, "education"] = 3.0
    # A few women of the South are far under-sampled.
    south = (frame["region"] == 3) & (frame["sex"] == 2)
    frame.loc[south & (rng.random(n) < 0.12), "w"] *= 12
    frame["works"] = (rng.random(n) < 0.7 - 0.3 * (frame["sex"] == 2)).astype(float)
    return mr.Survey(frame, weights="w", strata="stratum", psu="psu", codebook=BOOK)


def weighted(survey=None):
    return (survey or made()).weighting.rake({"sex": {1: 2000, 2: 2400}, "region": {1: 1800, 2: 1300, 3: 1300}}).apply()


def test_standardised_differences_are_those_of_their_formula():
    done = weighted()
    report = done.weighting.report()
    row = report.balance.query("margin == 'sex' and target > 0.5").iloc[0]
    first, sex = report.weights[0], done.values("sex")
    share, target = first[sex == 2].sum() / first.sum(), 2400 / 4400
    assert row["std_before"] == pytest.approx((share - target) / np.sqrt(target * (1 - target)))
    assert abs(report.balance["std_final"]).max() < 1e-8 < abs(report.balance["std_before"]).max()
    assert (row["label_en"], row["label_ar"], row["margin_ar"]) == ("Female", "أنثى", "الجنس")


def test_indicators_carry_the_interval_of_the_final_weights():
    done = weighted()
    row = done.weighting.report(["works"]).indicators.iloc[0]
    told = done.proportion("works").frame.iloc[0]
    assert row["final"] == pytest.approx(told["estimate"])
    assert (row["conf_low"], row["conf_high"]) == (told["conf_low"], told["conf_high"])
    assert row["unweighted"] == pytest.approx(done.values("works").mean())
    assert row["before"] == pytest.approx(made().proportion("works").frame["estimate"].iloc[0])


def test_extreme_weights_are_told_by_groups_of_at_least_five():
    done = weighted()
    report = done.weighting.report()
    assert len(report.extremes) and (report.extremes["n_extreme"] >= 5).all()
    top = report.extremes.iloc[0]
    assert "South" in top["label_en"] or "Female" in top["label_en"]
    final = done.design.weights
    most = final >= np.quantile(final, 0.98)
    both = (done.values("sex") == 2) & (done.values("region") == 3)
    row = report.extremes.query("label_en == 'Female × South'").iloc[0]
    assert row["n_extreme"] == (most & both).sum() and row["n"] == both.sum()
    assert row["times"] == pytest.approx((most & both).sum() / most.sum() / both.mean())
    assert not report.extremes["label_en"].str.contains("Rare").any()
    # Three people with the largest weights of all are nobody's business.
    survey = made()
    frame = survey.frame.assign(w=np.where(survey.frame["education"] == 3, 500.0, 3.0))
    frame["w"] += np.linspace(0, 1e-6, len(frame))
    few = mr.Survey(frame, weights="w", strata="stratum", psu="psu", codebook=BOOK)
    told = few.weighting.rake({"sex": {1: 0.5, 2: 0.5}}, total="current").apply().weighting.report(further=["education"])
    assert "Rare" not in told.html("en") and "نادر" not in told.html("ar")


def test_shares_without_target_tell_how_far_they_moved():
    done = weighted()
    report = done.weighting.report(further=["education"])
    row = report.further.iloc[0]
    low, first, final = done.values("education") == 1, report.weights[0], report.weights[1]
    b, f = first[low].sum() / first.sum(), final[low].sum() / final.sum()
    assert row["moved"] == pytest.approx((f - b) / np.sqrt(b * (1 - b)))


def test_the_page_holds_both_languages_and_nothing_from_elsewhere(tmp_path):
    report = weighted().weighting.report()
    page = report.to_html(tmp_path / "weights.html").read_text(encoding="utf-8")
    for words in ("How the weights were made", "كيف حُسبت الأوزان", "Whose weights are extreme", "لمن الأوزان المتطرفة",
                  'dir="rtl"', 'dir="ltr"', "<svg", "فترة الثقة"):  # fmt: skip
        assert words in page
    for alien in ("<script", "src=", "<b>", "@import"):
        assert alien not in page
    arabic = report.to_html(tmp_path / "ar.html", "ar").read_text(encoding="utf-8")
    assert 'lang="ar" dir="rtl"' in arabic and "How the weights" not in arabic
    assert report._repr_html_().count("<section") == 2
    assert "ضبط تكراري" in str(report) and "Raking to 2 margins" in str(report)
    with pytest.raises(WeightingError, match="language 'fr'"):
        report.to_html(tmp_path / "x.html", "fr")


def test_targets_that_cannot_be_met_are_reported_not_raised():
    frame = pd.DataFrame({"w": np.ones(60), "a": np.repeat([1.0, 2.0], 30), "b": np.repeat([1.0, 2.0], 30)})
    survey = mr.Survey(frame, weights="w")
    steps = survey.weighting.rake({"a": {1: 40, 2: 20}, "b": {1: 20, 2: 40}})
    report = steps.report()
    assert report.conflict is not None and not report.steps
    for lang, words in (("en", "cannot be met together"), ("ar", "لا يمكن تحقيقها معًا")):
        page = report.html(lang)
        assert words in page and "a = 1" in page
        assert all(f"{way.n_eff:,.0f}" in page for way in report.conflict.ways)
        assert report.conflict.words(lang) in report.text(lang)
    met = survey.weighting.rake({"a": {1: 40, 2: 20}}).report()
    assert met.conflict is None and len(met.steps) == 1


def test_sources_cautions_and_accepted_differences_are_printed():
    from types import SimpleNamespace

    survey = made()
    out = mr.Survey(survey.frame, weights="w", codebook=BOOK)
    gone = {"en": "collective housing", "ar": "المساكن الجماعية"}
    out.card = SimpleNamespace(population=SimpleNamespace(nationality="all_residents", age_min=0, age_max=None, excluded=(gone,)))
    spec = mr.margins("sex").accepting(en="few persons", ar="أشخاص قلائل")
    report = out.weighting.rake(spec, total="current").report(indicators=[])
    assert "F005" in report.text("en") and "accepted: few persons" in report.text("en")
    assert "أشخاص قلائل" in report.html("ar") and "حصص مقرّبة" in report.html("ar")


def test_pictures_are_mirrored_in_arabic_and_refuse_what_they_cannot_draw():
    rows = [Distance("نساء", 0.3, 0.0), Distance("رجال", 0.2, 0.01)]
    assert "قبل الترجيح" in love(rows, "ar").texts and love(rows, "ar").svg != love(rows, "en").svg
    assert love(rows, "ar", width=82.0).width == 82.0
    with pytest.raises(ValueError, match="at least one row"):
        love([], "en")
    with pytest.raises(ValueError, match="one limit more"):
        histogram([0, 1], [0.5, 0.5], [0.5, 0.5], "en")


def test_every_step_has_a_name_in_both_languages():
    from masar_research.weighting import calibrating, report_page, step_base, step_eligibility, step_propensity, steps

    homes = (steps, calibrating, step_base, step_eligibility, step_propensity)
    kinds = {name for home in homes for name, kind in vars(home).items()
             if isinstance(kind, type) and hasattr(kind, "run") and name != "Step"}  # fmt: skip
    assert len(kinds) >= 10 and kinds <= set(report_page._STEPS)
