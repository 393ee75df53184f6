"""Lines cut by direction: nothing lost, every numeral isolated."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from masar_research.briefs.document import Run
from masar_research.briefs.exporters.segments import clean, segments

TEXT = st.text(
    st.sampled_from("ابتثجمنوي،؛؟ً abcXYZ_ 0123456789٠٣٥.,%–−-+±()[]/:=<>$#\u202e\u2067\x00\n")
)


def pieces(text: str, lang: str, source: str = "words") -> list[tuple[str, str | None]]:
    return [(s.text, s.direction) for s in segments((Run(text, source),), lang)]


@settings(max_examples=300, deadline=None)
@given(st.lists(TEXT, max_size=4), st.sampled_from(["ar", "en"]))
def test_segments_join_to_the_cleaned_line(texts: list[str], lang: str) -> None:
    line = tuple(Run(text) for text in texts)
    assert "".join(s.text for s in segments(line, lang)) == "".join(clean(t) for t in texts)


@settings(max_examples=300, deadline=None)
@given(TEXT)
def test_every_digit_in_arabic_stands_in_a_left_to_right_piece(text: str) -> None:
    for segment in segments((Run(text),), "ar"):
        if segment.direction is None:
            assert not re.search(r"[0-9٠-٩]", segment.text)


@settings(max_examples=200, deadline=None)
@given(TEXT)
def test_no_foreign_embedding_or_control_survives(text: str) -> None:
    assert not re.search("[\u202a-\u202e\u2066-\u2069\x00-\x1f]", clean(text))


@pytest.mark.parametrize(
    ("text", "token"),
    [
        ("بلغت 21.4% هذا العام", "21.4%"),
        ("انخفضت -0.6 نقطة", "-0.6"),
        ("بهامش ±2.5 نقطة", "±2.5"),
        ("بين 2019–2023 فقط", "2019–2023"),
        ("فئة 15–24 سنة", "15–24"),
        ("سنة فأكثر 60+", "60+"),
        ("بلغ 1,638,351 نسمة", "1,638,351"),
        ("القيمة <0.001 إذن", "<0.001"),
        ("من 14.0%–15.1% فقط", "14.0%–15.1%"),
        ("بلغت ٢١٫٤٪ هنا", "٢١٫٤٪"),
        ("من −14.9 إلى", "−14.9"),
    ],
)
def test_a_number_is_one_left_to_right_piece(text: str, token: str) -> None:
    assert (token, "ltr") in pieces(text, "ar")


def test_an_interval_in_brackets_is_one_piece_in_either_language() -> None:
    for lang in ("ar", "en"):
        assert pieces(" [14.0, 15.1] ", lang, "cell") == [(" ", None), ("[14.0, 15.1]", "ltr"), (" ", None)]


def test_latin_words_in_arabic_are_isolated_and_their_full_stop_is_not() -> None:
    assert pieces("وفق AAPOR RR3.", "ar") == [("وفق ", None), ("AAPOR RR3", "ltr"), (".", None)]


def test_arabic_in_english_is_isolated() -> None:
    assert ("ذكر", "rtl") in pieces("ذكر", "en", "label")


def test_dates_with_month_names_keep_the_direction_of_their_language() -> None:
    assert pieces("كانون الثاني/يناير 2026", "ar", "date") == [
        ("كانون الثاني/يناير ", None),
        ("2026", "ltr"),
    ]
