"""Sentences: agreement, verbs chosen by the test, one slot per number, and the lint."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from masar_research.errors import ParameterError
from masar_research.present import lint, sentences
from masar_research.present.magnitude import FRACTIONS, magnitude, out_of_ten
from masar_research.present.pieces import Phrase, flat, shown, tidy, year

RATE = Phrase("the participation rate", "معدل المشاركة الاقتصادية", "m")
SHARE = Phrase("the share of women", "نسبة النساء", "f")
WOMEN, MEN = Phrase("women", "النساء"), Phrase("men", "الرجال")
LANGS = ["ar", "en"]


def test_level_house_sentence():
    assert flat(sentences.level(SHARE, 0.145, "ar", low=0.14, high=0.151, n=1823)) == (
        "بلغت نسبة النساء 14.5% (فترة الثقة 95%: من 14.0% إلى 15.1%؛ ن = 1,823)"
    )
    assert flat(sentences.level(RATE, 0.145, "ar", among=WOMEN, caution=True)) == (
        "بلغ معدل المشاركة الاقتصادية 14.5% لدى النساء (يُقرأ بحذر)"
    )


@pytest.mark.parametrize(
    ("subject", "difference", "detectable", "start"),
    [
        (RATE, 0.021, True, "ارتفع معدل"), (RATE, -0.021, True, "انخفض معدل"),
        (SHARE, 0.021, True, "ارتفعت نسبة"), (SHARE, -0.021, True, "انخفضت نسبة"),
        (RATE, 0.021, False, "لم يتغيّر معدل"), (SHARE, -0.021, False, "لم تتغيّر نسبة"),
    ],
)  # fmt: skip
def test_verb_agrees_and_follows_the_test(subject, difference, detectable, start):
    text = flat(sentences.change(subject, difference, "ar", detectable=detectable, since=year(2024)))
    assert text.startswith(start)
    assert ("بصورة يمكن رصدها إحصائياً" in text) is not detectable
    assert ("2.1" in text) is detectable


def test_change_dual_is_oblique_and_fall_shows_its_size():
    piece = {
        p.slot: p.text
        for p in sentences.change(
            RATE, -0.02, "ar", detectable=True, since=year(2024, "since"), before=0.165,
            after=0.145, low=-0.034, high=-0.006,
        )
    }  # fmt: skip
    assert piece["change"] == "نقطتين مئويتين"
    assert (piece["low"], piece["high"]) == ("0.6", "3.4")
    assert (piece["before"], piece["after"], piece["since"]) == ("16.5%", "14.5%", "2024")


def test_english_verbs():
    text = [
        flat(sentences.change(RATE, d, "en", detectable=t, since=year(2024)))
        for d, t in ((0.01, True), (-0.01, True), (0.01, False))
    ]
    assert text == [
        "The participation rate rose by 1 percentage point since 2024",
        "The participation rate fell by 1 percentage point since 2024",
        "The participation rate showed no statistically detectable change since 2024",
    ]


def test_a_small_detectable_change_is_never_shown_as_zero():
    found = [p.text for p in sentences.change(RATE, 0.0003, "en", detectable=True, since=year(2024)) if p.slot == "change"]
    assert found == ["0.03 percentage points"]


def test_gap():
    pieces = sentences.gap(RATE, WOMEN, MEN, 0.145, 0.607, -0.462, "en", detectable=True, low=-0.48, high=-0.44)
    assert flat(pieces) == (
        "The participation rate was 14.5% among women, compared with 60.7% among men: a gap of 46.2 "
        "percentage points (95% confidence interval of the gap: from 44.0 to 48.0 percentage points)"
    )
    none = flat(sentences.gap(RATE, WOMEN, MEN, 0.30, 0.31, -0.01, "ar", detectable=False))
    assert none.endswith("، ولا يوجد فرق يمكن رصده إحصائياً بينهما")


def test_comparison_agrees():
    then = sentences.comparison(0.14, "ar", to=year(2024), kind="then", subject=SHARE)
    assert flat(then) == "، مقارنة بعام 2024 حيث بلغت آنذاك 14.0%"
    assert flat(sentences.comparison(0.607, "ar", to=MEN, kind="against")) == " مقابل 60.7% لدى الرجال"
    with pytest.raises(ParameterError):
        sentences.comparison(0.14, "ar", to=year(2024), kind="then")


@pytest.mark.parametrize("lang", LANGS)
@given(
    value=st.floats(0, 1), half=st.floats(0.001, 0.1), n=st.integers(1, 10**6),
    detectable=st.booleans(), difference=st.floats(0.001, 0.5), fall=st.booleans(),
)  # fmt: skip
def test_every_numeral_stands_in_a_slot(lang, value, half, n, detectable, difference, fall):
    difference = -difference if fall else difference
    built = (
        sentences.level(RATE, value, lang, low=value - half, high=value + half, n=n),
        sentences.change(
            SHARE, difference, lang, detectable=detectable, since=year(2024), before=value,
            after=value, low=difference - half, high=difference + half,
        ),
        sentences.gap(
            RATE, WOMEN, MEN, value, value, difference, lang, detectable=detectable,
            low=difference - half, high=difference + half,
        ),
    )  # fmt: skip
    for sentence in built:
        for piece in sentence:
            if piece.slot is None:
                assert not lint.numerals(piece.text) and not lint.number_words(piece.text, lang)
        assert lint.percent_after_change(flat(sentence), lang) == []
        assert sentence == tidy(sentence)
        slots = [piece.slot for piece in sentence if piece.slot]
        assert len(slots) == len(set(slots))


def test_both_languages_show_the_same_values():
    made = [sentences.level(RATE, 0.145, lang, low=0.14, high=0.151, n=1823) for lang in LANGS]
    values = [{p.slot: p.text for p in pieces if p.slot} for pieces in made]
    assert values[0] == values[1]


def test_shown_isolates():
    assert "\u206614.5%\u2069" in shown(sentences.level(RATE, 0.145, "ar"), "ar")


@pytest.mark.parametrize("grade", ["high", "moderate", "low", "very_low"])
def test_stems(grade):
    feminine = Phrase("the training", "الدورة", "f")
    arabic = flat(sentences.stem(grade, feminine, "ar"))
    assert "الدورة" in arabic and "يؤدي" not in arabic
    english = flat(sentences.stem(grade, feminine, "en"))
    assert english[0].isupper()
    assert flat(sentences.strength(grade, "en")).startswith("Strength of evidence: ")


def test_unknown_grade_is_an_error():
    with pytest.raises(ParameterError, match="strength of evidence"):
        sentences.stem("strong", RATE, "en")


def test_magnitude_oracle():
    assert flat(magnitude(0.24, 0.21, 0.27, "ar")) == "نحو ربع"
    assert flat(magnitude(0.30, 0.28, 0.32, "ar")) == "أقل من الثلث"
    assert flat(magnitude(0.53, 0.51, 0.55, "en")) == "more than half"
    assert magnitude(0.24, 0.15, 0.33, "ar") is None


@given(st.floats(0.001, 0.999), st.floats(0.001, 0.2), st.floats(0.001, 0.2))
def test_magnitude_never_says_more_than_the_interval(value, down, up):
    low, high = max(0.0, value - down), min(1.0, value + up)
    said = magnitude(value, low, high, "en")
    if said is None:
        return
    text = flat(said)
    named = {row[1]: row[0] for row in FRACTIONS}
    if text.startswith("about "):
        inside = [f for f in named.values() if low <= f <= high]
        assert inside == [named[text.removeprefix("about ")]]
    elif text.startswith("less than "):
        assert high < named[text.removeprefix("less than ")]
    else:
        assert low > named[text.removeprefix("more than ")]
    assert lint.number_words(text, "en")
    assert lint.number_words(flat(magnitude(value, low, high, "ar")), "ar")


@given(st.floats(0, 1), st.floats(0, 0.1))
def test_out_of_ten_holds_for_the_whole_interval(value, half):
    said = out_of_ten(value, value - half, value + half, "ar")
    if said is not None:
        tenths = int(said[1].text)
        assert (tenths - 0.5) / 10 <= value - half and value + half <= (tenths + 0.5) / 10


# --- lint ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "انخفض معدل البطالة 0.9%", "انخفض معدل البطالة بمقدار 0.9%", "ارتفعت النسبة بنسبة ٢٪",
        "سجّل المعدل انخفاضاً قدره 0.9%", "بانخفاض مقداره 0.6 بالمئة", "وتراجعت البطالة %0.9",
        "انخفض معدل البطالة \u20660.9%\u2069 عن العام السابق",
    ],
)  # fmt: skip
def test_percent_after_change_is_rejected_in_arabic(text):
    assert lint.percent_after_change(text, "ar")


@pytest.mark.parametrize(
    "text",
    [
        "ارتفع المعدل من 14.0% إلى 16.1%", "انخفض المعدل بمقدار 0.9 نقطة مئوية",
        "ارتفع المعدل بمقدار 2.1 نقطة مئوية (فترة الثقة 95%: من 0.8 إلى 3.4 نقطة مئوية)",
        "بلغت النسبة 14.5%", "لم يتغيّر المعدل بصورة يمكن رصدها إحصائياً، وبلغ 14.5%",
    ],
)  # fmt: skip
def test_right_statements_pass_in_arabic(text):
    assert lint.percent_after_change(text, "ar") == []


@pytest.mark.parametrize("text", ["Unemployment fell 0.9%", "It rose by 2 percent", "an increase of 3%"])
def test_percent_after_change_is_rejected_in_english(text):
    assert lint.percent_after_change(text, "en")


@pytest.mark.parametrize("text", ["It rose from 14% to 16%", "It fell to 12%", "It fell by 0.9 percentage points"])
def test_right_statements_pass_in_english(text):
    assert lint.percent_after_change(text, "en") == []


def test_numerals_in_three_scripts():
    assert lint.numerals("1,823 ۱۸٫۵ ٣٫٢ ½ m² −0.6 -3 15-24 2026-03-01") == [
        "1,823", "۱۸٫۵", "٣٫٢", "½", "²", "−0.6", "-3", "15", "24", "2026", "03", "01",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "lang", "found"),
    [
        ("نحو ثلاثة أرباع النساء", "ar", ["نحو", "ثلاثة", "أرباع"]), ("والنصف الآخر", "ar", ["والنصف"]),
        ("بنقطتين مئويتين", "ar", ["بنقطتين"]), ("نصّف", "ar", ["نصف"]), ("بلغت 45 بالمئة", "ar", []),
        ("توجهت نحو العمل", "ar", []), ("معدل المشاركة المنقح", "ar", []), ("نقطة مئوية واحدة", "ar", ["واحدة"]),
        ("ضعف المشاركة", "ar", []), ("نقاط الضعف والقوة", "ar", []), ("ضعف الدليل", "ar", []),
        ("عدد المستجيبين", "ar", []), ("سرية المستجيبين", "ar", []), ("لقلة مستجيبين من الريف", "ar", []),
        ("تبلغ ضعف مشاركة النساء", "ar", ["ضعف"]), ("ضعف عدد النساء", "ar", ["ضعف"]), ("ارتفع إلى الضعف", "ar", ["الضعف"]),
        ("ضعفي المعدل وأضعافه", "ar", ["ضعفي"]), ("ثلاثة أضعاف", "ar", ["ثلاثة", "أضعاف"]),
        ("إجابات مستجيبين فقط", "ar", ["مستجيبين"]), ("نصف النساء وضعف ما كان", "ar", ["نصف", "وضعف"]),
        ("one in five women", "en", ["one", "five"]), ("a third of men", "en", ["a third"]),
        ("no one knows", "en", []), ("the third wave", "en", []), ("about the survey", "en", []),
        ("twice as high", "en", ["twice"]),
    ],
)  # fmt: skip
def test_number_words(text, lang, found):
    assert lint.number_words(text, lang) == found
