"""Effects in sentences: figures, caution, agreement, numerals, interactions, refusals."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import masar_research as mr
from masar_research.codebook import Category, Codebook, Variable
from masar_research.errors import EstimationError, ModelError, ParameterError
from masar_research.present import lint
from masar_research.present.associations import Contrast, association
from masar_research.present.direction import bare
from masar_research.present.pieces import Phrase, flat

SHARE = Phrase("the share employed", "نسبة المشتغلين", "f")
MEAN = Phrase("the mean wage", "متوسط الأجر", "m")
MEN, WOMEN = Phrase("men", "الرجال"), Phrase("women", "النساء")
PAIR = Contrast(WOMEN, MEN)


def _variable(name, en, ar, codes=None, unit=None):
    categories = tuple(Category(code, {"en": e, "ar": a}) for code, (e, a) in (codes or {}).items())
    return Variable(name, {"en": en, "ar": ar}, None, "nominal" if codes else "numeric", categories, None, unit,
                    (name,), None)


BOOK = Codebook([
    _variable("sex", "Sex", "الجنس", {1: ("Male", "ذكر"), 2: ("Female", "أنثى")}),
    _variable("school", "Education, three groups", "التعليم في ثلاث فئات",
              {1: ("Primary", "أساسي"), 2: ("Secondary", "ثانوي"), 3: ("Degree", "جامعي")}),
    _variable("works", "Employed", "مشتغل", {0: ("Not employed", "غير مشتغل"), 1: ("Employed", "مشتغل")}),
    _variable("voted", "Voted", "اقترع", {0: ("No", "لا"), 1: ("Yes", "نعم")}),
    _variable("age", "Age of the person", "عمر الشخص"),
    _variable("noise", "Shoe size", "مقاس الحذاء"),
    _variable("pay", "Monthly pay", "الأجر الشهري", unit={"en": "dinars", "ar": "دينار"}),
    _variable("trips", "Trips in 7 days", "عدد الرحلات في 7 أيام"),
    _variable("mood", "Mood", "المزاج", {1: ("Low", "منخفض"), 2: ("Middling", "متوسط"), 3: ("High", "مرتفع")}),
])


@pytest.fixture(scope="module")
def survey():
    rng = np.random.default_rng(5)
    n = 900
    frame = pd.DataFrame({
        "w": rng.uniform(1, 3, n), "psu": np.repeat(np.arange(90), 10),
        "sex": rng.integers(1, 3, n).astype(float), "school": rng.integers(1, 4, n).astype(float),
        "age": rng.uniform(18, 65, n).round(), "noise": rng.normal(40, 3, n),
    })
    women = frame["sex"] == 2
    frame["works"] = (rng.uniform(size=n) < 1 / (1 + np.exp(-(0.8 - 1.9 * women)))).astype(float)
    frame["voted"] = (rng.uniform(size=n) < 0.5).astype(float)
    frame["pay"] = 300 - 60 * women + 2 * frame["age"] + rng.normal(0, 40, n)
    frame["trips"] = rng.poisson(np.exp(0.5 + 0.6 * women))
    frame["mood"] = np.clip(np.round(2 + 0.6 * women + rng.normal(0, 0.8, n)), 1, 3)
    frame["found"] = 1.0
    frame["months"] = np.ceil(rng.exponential(np.where(women, 5, 15)))
    return mr.Survey(frame, weights="w", psu="psu", codebook=BOOK)


def _models(survey):
    return [
        survey.logit("works ~ C(sex) + age + noise + C(school)"), survey.logit("works ~ C(sex) * C(school)"),
        survey.logit("voted ~ C(sex)"), survey.linear("pay ~ C(sex) + age"), survey.poisson("trips ~ C(sex) + age"),
        survey.ordinal("mood ~ C(sex)"), survey.multinomial("mood ~ C(sex) + age"),
        survey.cox("Surv(months, found) ~ C(sex) + age"), survey.quantile_regression("pay ~ age", tau=[0.25, 0.5]),
        survey.two_stage("pay ~ works + age | voted + trips + age"), survey.probit("works ~ bs(age, df=3)"),
        survey.gamma("pay ~ C(sex)"), survey.logit("works ~ C(sex) * age"),
    ]  # fmt: skip


@pytest.fixture(scope="module")
def fitted(survey):
    return _models(survey)


@pytest.mark.parametrize("lang", ["en", "ar"])
def test_no_numeral_and_no_number_word_stands_outside_a_slot(fitted, lang):
    for model in fitted:
        for said in model.reading(lang).said:
            words = "§".join(piece.text for piece in said.pieces if piece.slot is None)
            assert lint.numerals(words) == [], (model.formula, words)
            assert lint.number_words(words, lang) == [], (model.formula, words)
            assert lint.percent_after_change(flat(said.pieces), lang) == []
            slots = [piece.slot for piece in said.pieces if piece.slot not in (None, "label")]
            assert len(slots) == len(set(slots))


@pytest.mark.parametrize("lang", ["en", "ar"])
def test_nothing_is_said_to_be_a_cause(fitted, lang):
    causal = {"en": r"\b(?:causes?d?|leads? to|because|due to|results? in|raises?|reduces?|impact|increases?)\b",
              "ar": "يؤدي|تؤدي|بسبب|يسبب|تسبب|نتيجة|أثّر|يرفع|يخفض"}
    for model in fitted:
        text = "\n".join(flat(said.pieces) for said in model.reading(lang).said)
        assert not re.search(causal[lang], text), text
        assert ("associations" in text) if lang == "en" else ("لا تعني السببية" in text)


def test_arabic_figures_are_isolated_in_the_text(fitted):
    for text in fitted[0].reading("ar").texts:
        assert re.findall(r"\d", re.sub("\u2066[^\u2069]*\u2069", "", text)) == []
    page = fitted[0].reading("ar")._repr_html_()
    assert "dir='rtl'" in page and "lang='ar'" in page


def test_the_figure_is_the_average_marginal_effect(fitted):
    model = fitted[0]
    own = model.margins("sex").frame.iloc[0]
    said = model.say("sex", "en").said[0]
    slots = {piece.slot: piece.text for piece in said.pieces if piece.slot}
    assert slots["value"] == f"{abs(own['estimate']) * 100:.1f} percentage points"
    assert slots["low"] == f"{-own['conf_high'] * 100:.1f}" and slots["high"] == f"{-own['conf_low'] * 100:.1f}"
    assert slots["confidence"] == "95%"
    text = flat(said.pieces)
    assert text.startswith("Holding age, shoe size and “Education, three groups” equal, the share of “Employed” is")
    assert "lower among women than among men" in text


def test_an_interval_with_zero_is_not_settled(fitted):
    model = fitted[0]
    noise = model.margins("noise").frame.iloc[0]
    assert noise["conf_low"] < 0 < noise["conf_high"]
    for lang, words in (("en", "the data do not settle whether"), ("ar", "لا تحسم البيانات")):
        said = model.say("noise", lang).said[0]
        assert words in flat(said.pieces)
        assert "value" not in {piece.slot for piece in said.pieces}
        assert not re.search("higher|lower|أعلى|أدنى", flat(said.pieces))


def test_means_carry_the_unit_and_ratios_their_name(fitted):
    pay = flat(fitted[3].say("sex", "en").said[0].pieces)
    assert re.search(r"the mean of “Monthly pay” is [\d.]+ dinars lower among women than among men", pay)
    assert "دينار" in flat(fitted[3].say("sex", "ar").said[0].pieces)
    row = fitted[4].frame.iloc[1]
    said = {piece.slot: piece.text for piece in fitted[4].say("sex", "en").said[0].pieces if piece.slot}
    assert said["ratio"] == f"{row['rate_ratio']:.2f}"
    assert said["value"] == f"{(row['rate_ratio'] - 1) * 100:.0f}%"
    assert "rate ratio" in flat(fitted[4].say("sex", "en").said[0].pieces)
    assert "نسبة الخطر" in flat(fitted[7].say("sex", "ar").said[0].pieces)
    assert "the median of" in str(fitted[8].reading("en"))
    assert "instruments" in str(fitted[9].reading("en"))


def test_every_level_of_a_categorical_outcome_is_read(fitted):
    said = [s for s in fitted[6].reading("en").said if s.variable == "sex"]
    assert [s.within[0] for s in said] == [("mood", 1), ("mood", 2), ("mood", 3)]
    assert [re.search("“(.*?)”", flat(s.pieces)).group(1) for s in said] == ["Low", "Middling", "High"]


def test_interactions_are_read_within_the_other_predictor(fitted):
    model = fitted[1]
    within = [s for s in model.say("sex", "en").said if s.within]
    over = model.margins("sex", over="school").frame
    assert [s.within[0][1] for s in within] == over["school"].tolist()
    for said, (_, row) in zip(within, over.iterrows(), strict=True):
        low = next(piece.text for piece in said.pieces if piece.slot == "low")
        ends = {f"{row['conf_low'] * 100:.1f}".replace("-", "−"), f"{-row['conf_high'] * 100:.1f}".replace("-", "−")}
        assert low in ends
        assert flat(said.pieces).startswith("Among those in the group")
    assert "varies with “Education, three groups”" in str(model.say("sex", "en"))
    assert "varies with age" in str(fitted[12].say("sex", "en"))


def test_interactions_without_average_effects_are_refused(survey):
    for model in (survey.cox("Surv(months, found) ~ C(sex) * age"), survey.quantile_regression("pay ~ log(age)")):
        with pytest.raises(ModelError, match="no one sentence") as caught:
            model.reading("en")
        assert caught.value.ar
    with pytest.raises(ModelError, match="no effects of predictors"):
        survey.loglinear("~ sex + school").reading("ar")


def test_terms_are_named_by_variable_or_coefficient(fitted):
    model = fitted[0]
    assert len(model.say("school", "en").said) == 3
    one = model.say("C(school)[T.3]", "en").said
    assert len(one) == 2 and one[0].category == 3 and "Degree" in flat(one[0].pieces)
    for wrong in ("Intercept", "C(school)[T.9]", "colour", "C(sex)[T.1]"):
        with pytest.raises(ModelError, match="no predictor or term"):
            model.say(wrong, "en")
    with pytest.raises(EstimationError):
        model.reading("fr")


def test_names_of_ones_own_stand_in_the_sentence(fitted):
    words = {"works": Phrase("the employment rate", "معدل التشغيل", "m"), ("sex", 2): Phrase("mothers", "الأمهات"),
             "school": Phrase("schooling", "التعليم")}
    text = str(fitted[0].say("sex", "ar", words))
    assert "معدل التشغيل أدنى" in text and "لدى الأمهات منه لدى الرجال" in text and "والتعليم" in text
    assert "the employment rate is" in str(fitted[0].say("sex", "en", words))


def test_a_handful_of_people_is_not_read(survey):
    frame = survey.frame.copy()
    frame["rare"] = 1.0
    frame.loc[frame.index[:3], "rare"] = 2.0
    frame.loc[frame.index[20:40], "rare"] = 3.0
    made = mr.Survey(frame, weights="w", psu="psu", codebook=BOOK)
    said = made.linear("pay ~ C(rare)").reading("en").said
    assert "Too few interviews" in flat(said[0].pieces) and all(p.slot in (None, "label") for p in said[0].pieces)
    assert "interpret with caution" in flat(said[1].pieces)


def test_arabic_points_agree_with_their_number():
    for value, words in ((0.02, "نقطتين مئويتين"), (0.03, "3 نقاط مئوية"), (0.11, "11 نقطة مئوية"), (0.01, "نقطة مئوية واحدة"),
                         (0.0304, "3 نقاط مئوية"), (0.123, "12.3 نقطة مئوية")):
        text = flat(association(SHARE, PAIR, value, value - 0.005, value + 0.005, "ar"))
        assert f"أعلى بمقدار {words} لدى النساء منها لدى الرجال" in text
    male = flat(association(MEAN, PAIR, -5.0, -7.0, -3.0, "ar", measure="number"))
    assert "أدنى بمقدار 5.0 لدى النساء منه لدى الرجال" in male and "من 3.0 إلى 7.0" in male
    assert "يختلف" in flat(association(MEAN, PAIR, 0.0, -1.0, 1.0, "ar", measure="number"))
    assert "تختلف" in flat(association(SHARE, PAIR, 0.0, -1.0, 1.0, "ar"))


def test_small_numbers_keep_their_figures():
    text = flat(association(SHARE, PAIR, 0.00004, 0.00001, 0.00007, "en"))
    assert "0.004 percentage points higher" in text and "from 0.001 to 0.007" in text
    text = flat(association(MEAN, PAIR, 0.016, 0.004, 0.028, "en", measure="number"))
    assert "0.016 higher" in text and "from 0.004 to 0.028" in text


@given(
    value=st.floats(-0.9, 0.9), below=st.floats(1e-4, 0.3), above=st.floats(1e-4, 0.3),
    lang=st.sampled_from(["en", "ar"]), step=st.booleans(),
)  # fmt: skip
def test_what_is_claimed_follows_the_interval(value, below, above, lang, step):
    low, high = value - below, value + above
    contrast = Contrast(step=Phrase("each further year", "كل سنة إضافية")) if step else PAIR
    text = flat(association(SHARE, contrast, value, low, high, lang, held=[Phrase("age", "العمر")]))
    up, down = (("higher", "lower") if lang == "en" else ("أعلى", "أدنى"))
    assert (up in text) == (low > 0) and (down in text) == (high < 0)
    assert ("settle" in text or "تحسم" in text) == (low <= 0 <= high)
    numerals = [lint.western(number) for number in lint.numerals(text.split("(")[1])]
    ends = [float(number.replace(",", "")) for number in numerals[-2:]]
    wanted = [-high, -low] if high < 0 else [low, high]
    assert ends == pytest.approx([100 * end for end in wanted], abs=0.051)


def test_values_that_hold_no_sentence_are_refused():
    with pytest.raises(ParameterError, match="interval"):
        association(SHARE, PAIR, 0.5, 0.6, 0.7, "en")
    with pytest.raises(ParameterError, match="above zero"):
        association(SHARE, PAIR, 0.5, -0.6, 0.7, "en", measure="ratio")
    with pytest.raises(ParameterError, match="two groups"):
        association(SHARE, Contrast(MEN), 0.5, 0.4, 0.7, "en")
    with pytest.raises(ParameterError, match="two groups"):
        association(SHARE, Contrast(MEN, WOMEN, MEN), 0.5, 0.4, 0.7, "en")


def test_reading_shows_itself(fitted):
    found = fitted[2].reading("en")
    assert repr(found) == str(found) == "\n".join(found.texts)
    assert "“Voted”" in str(found) and all(text.endswith(".") for text in found.texts)
    assert bare(str(fitted[2].reading("ar"))).count("«اقترع»") == 1
