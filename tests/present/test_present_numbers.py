"""Numbers, counted nouns and dates, against the CLDR and against themselves."""

import datetime as dt
from decimal import Decimal

import pytest
from babel import Locale
from hypothesis import given
from hypothesis import strategies as st

from masar_research.errors import ParameterError
from masar_research.present import direction, fmt, lint, numbers
from masar_research.present.nouns import NOUNS, PERSON, POINT

LANGS = st.sampled_from(["ar", "en"])
FINITE = st.floats(min_value=-1e9, max_value=1e9, allow_nan=False)


def test_pct_oracle_code_points():
    assert [hex(ord(c)) for c in fmt.pct(0.214, "ar")] == [
        "0x2066", "0x32", "0x31", "0x2e", "0x34", "0x25", "0x2069",
    ]  # fmt: skip
    assert "\u066b" not in fmt.pct(0.214, "ar")
    assert fmt.pct(0.214, "en") == "21.4%"


def test_plural_oracle_six_forms():
    shown = [numbers.counted(n, POINT, "ar", digits=1) for n in (1, 2, 3, 11, 100, 0.6)]
    assert shown == [
        "نقطة مئوية واحدة", "نقطتان مئويتان", "3 نقاط مئوية", "11 نقطة مئوية",
        "100 نقطة مئوية", "0.6 نقطة مئوية",
    ]  # fmt: skip
    assert len(set(shown)) == 6
    assert numbers.counted(2, POINT, "ar", case="oblique") == "نقطتين مئويتين"


@pytest.mark.parametrize(
    ("n", "shown"),
    [
        (0, "0 شخص"), (1, "شخص واحد"), (2, "شخصان"), (3, "3 أشخاص"), (10, "10 أشخاص"),
        (11, "11 شخصاً"), (99, "99 شخصاً"), (100, "100 شخص"), (102, "102 شخص"),
        (103, "103 أشخاص"), (111, "111 شخصاً"), (1000, "1,000 شخص"), (3605, "3,605 أشخاص"),
    ],
)  # fmt: skip
def test_persons(n, shown):
    assert numbers.counted(n, PERSON, "ar") == shown


def test_points_are_differences_of_fractions():
    assert numbers.points(0.03, "ar") == "3 نقاط مئوية"
    assert numbers.points(-0.03, "en") == "−3 percentage points"
    assert numbers.points(0.01, "en") == "1 percentage point"
    assert numbers.signed_points(0.0004, "ar") == "0.0"
    assert numbers.signed_points(-0.0004, "ar") == "0.0"


@pytest.mark.parametrize(
    ("x", "digits", "shown"),
    [(0.2145, 1, "21.5%"), (0.2135, 1, "21.4%"), (0.005, 0, "1%"), (-0.0005, 1, "−0.1%"), (1, 1, "100.0%")],
)
def test_half_up_on_the_shortest_decimal(x, digits, shown):
    assert numbers.percent(x, "en", digits) == shown


@given(FINITE, st.integers(0, 3), LANGS)
def test_number_reads_back_within_half_a_unit(x, digits, lang):
    shown = numbers.number(x, lang, digits)
    (numeral,) = lint.numerals(shown)
    assert numeral == shown
    back = lint.amount(numeral)
    assert abs(back - Decimal(repr(x))) <= Decimal(1).scaleb(-digits) / 2
    assert not set(shown) - set("0123456789.,−")


@given(FINITE, st.integers(0, 3))
def test_arabic_indic_says_the_same_number(x, digits):
    arab = numbers.number(x, "ar", digits, system="arab")
    assert lint.amount(arab) == lint.amount(numbers.number(x, "ar", digits))
    assert not set(arab) & set("0123456789.,")


@given(st.integers(0, 10**7), st.sampled_from(NOUNS))
def test_counted_form_follows_the_cldr(n, noun):
    shown = numbers.counted(n, noun, "ar")
    category = Locale("ar").plural_form(n)
    expected = {
        "zero": f"{n:,} {noun.other}", "one": noun.one, "two": noun.two,
        "few": f"{n:,} {noun.few}", "many": f"{n:,} {noun.many}", "other": f"{n:,} {noun.other}",
    }[category]  # fmt: skip
    assert shown == expected


@given(st.floats(-1, 1, allow_nan=False))
def test_points_carry_the_value_in_digits_or_in_words(x):
    shown = numbers.points(x, "ar")
    size = numbers.rounded(Decimal(repr(x)) * 100, 1)
    found = lint.numerals(shown)
    if size in (1, 2):
        assert not found and lint.number_words(shown, "ar")
    else:
        assert [lint.amount(numeral) for numeral in found] == [size]


@given(FINITE, FINITE, LANGS, st.sampled_from(["percent", "points", "number"]))
def test_interval_keeps_both_ends_in_order(a, b, lang, unit):
    low, high = min(a, b), max(a, b)
    ends = [lint.amount(numeral) for numeral in lint.numerals(numbers.interval(low, high, lang, unit))]
    assert len(ends) == 2 and ends[0] <= ends[1]


def test_interval_words():
    assert numbers.interval(0.14, 0.151, "ar") == "من 14.0% إلى 15.1%"
    assert numbers.interval(0.006, 0.03, "ar", "points") == "من 0.6 إلى 3.0 نقاط مئوية"
    with pytest.raises(ParameterError, match="lower end first"):
        numbers.interval(0.2, 0.1, "en")


@pytest.mark.parametrize("x", [float("nan"), float("inf"), -float("inf")])
def test_what_is_not_a_number_is_not_shown(x):
    with pytest.raises(ParameterError, match="finite"):
        numbers.percent(x, "ar")


def test_arabic_digits_in_english_are_refused():
    with pytest.raises(ParameterError, match="English"):
        numbers.number(3, "en", system="arab")


def test_dates():
    assert numbers.month(dt.date(2026, 1, 5), "ar") == "كانون الثاني/يناير 2026"
    assert numbers.date(dt.date(2026, 8, 5), "ar") == "5 آب/أغسطس 2026"
    assert numbers.date(dt.date(2026, 8, 5), "en") == "5 August 2026"
    assert (
        numbers.date_range(dt.date(2026, 3, 1), dt.date(2026, 4, 15), "ar")
        == "من 1 آذار/مارس إلى 15 نيسان/أبريل 2026"
    )
    assert numbers.date_range(dt.date(2025, 12, 1), dt.date(2026, 1, 2), "en") == "1 December 2025 to 2 January 2026"
    assert numbers.year_range(2022, 2026) == "2022–2026"
    with pytest.raises(ParameterError):
        numbers.date_range(dt.date(2026, 3, 2), dt.date(2026, 3, 1), "en")


@pytest.mark.parametrize("locale", ["C", "ar_EG.UTF-8", "ar_JO.UTF-8", "fa_IR.UTF-8"])
def test_machine_locale_changes_nothing(monkeypatch, locale):
    for name in ("LANG", "LC_ALL", "LC_NUMERIC", "LANGUAGE"):
        monkeypatch.setenv(name, locale)
    assert numbers.percent(0.214, "ar") == "21.4%"
    assert numbers.number(1638351.5, "ar", 1) == "1,638,351.5"


def test_ages():
    assert numbers.age_from(15, "ar") == "15 سنة فأكثر"
    assert numbers.age_from(15, "en") == "aged 15 and over"
    assert numbers.age_range(15, 24, "ar") == "15–24 سنة"


def test_embed_isolates_each_token_once():
    text = "بلغ −0.6% و[14.0, 15.1] و15–24 و±2.5 و2019–2023"
    once = direction.embed(text, "ar")
    assert direction.embed(once, "ar") == once
    assert direction.bare(once) == text
    inside = [part.split(direction.PDI)[0] for part in once.split(direction.LRI)[1:]]
    assert inside == ["−0.6%", "[14.0, 15.1]", "15–24", "±2.5", "2019–2023"]


def test_embed_turns_a_latin_start():
    assert direction.embed("WE05 معدل", "ar").startswith("\u200f")
    assert direction.embed("15–24", "ar") == "\u206615–24\u2069"


@given(st.text(alphabet="ابتم 0123456789.,%–−-()[]AB", max_size=40))
def test_embed_changes_no_visible_character(text):
    assert direction.bare(direction.embed(text, "ar")) == text


def test_a_number_in_powers_of_ten_keeps_its_order_in_arabic():
    from masar_research.present.direction import embed

    assert embed("بصيغة 3e+05، و1.5E-3", "ar") == "بصيغة \u20663e+05\u2069، و\u20661.5E-3\u2069"
