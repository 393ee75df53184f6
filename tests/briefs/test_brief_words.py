"""Templates: no number typed by hand, nothing in one language only, every value by reference."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from masar_research.briefs.blocks import ParagraphBlock, dump, load
from masar_research.briefs.refs import CellRef, LabelRef, ParameterRef
from masar_research.briefs.words import Change, Choice, Gap, Level, Phrase, Text, placeholders, read_spec
from masar_research.errors import BriefError

CELL = CellRef(set="work", row=0, key={"sex": 2})


@pytest.mark.parametrize(
    ("en", "ar", "found"),
    [
        ("Only 14% of women work", "تعمل قلة", "14"),
        ("Few women work", "تعمل ١٤٪ من النساء", "١٤"),
        ("Few women work", "تعمل ۱۴ من النساء", "۱۴"),
        ("About two thirds of women work", "تعمل كثيرات", "two"),
        ("Some women work", "يعمل نصف النساء", "نصف"),
        ("Some women work", "بفارق نقطتين مئويتين", "نقطتين"),
        ("Women ½", "نساء", "½"),
        ("Women in m²", "نساء", "²"),
    ],
)
def test_a_number_typed_by_hand_is_refused_in_every_script(en: str, ar: str, found: str) -> None:
    with pytest.raises(BriefError) as error:
        Text(en=en, ar=ar)
    assert found in str(error.value)
    assert error.value.remedy


@pytest.mark.parametrize(("en", "ar", "lang"), [("Women", "", "Arabic"), ("", "نساء", "English"), ("Women", "  ", "Arabic")])
def test_a_missing_language_is_an_error_that_names_it(en: str, ar: str, lang: str) -> None:
    with pytest.raises(BriefError, match=lang):
        Text(en=en, ar=ar)


@pytest.mark.parametrize("value", [14, 0.14, "14%", True])
def test_a_bare_value_is_not_a_reference(value: object) -> None:
    with pytest.raises(BriefError, match="only by reference"):
        Text(en="{x} of women", ar="{x} من النساء", values={"x": value})


def test_placeholders_must_be_bound_and_bound_values_used() -> None:
    with pytest.raises(BriefError, match="no value was given"):
        Text(en="{x} work", ar="تعمل {x}")
    with pytest.raises(BriefError, match="not used"):
        Text(en="Women work", ar="تعمل النساء", values={"x": CELL})
    with pytest.raises(BriefError, match="not a way to show"):
        Text(en="{x:percentage} work", ar="تعمل {x}", values={"x": CELL})
    with pytest.raises(BriefError, match="plain name"):
        Text(en="{x.y} work", ar="تعمل {x.y}", values={"x": CELL})
    with pytest.raises(BriefError, match="brace"):
        Text(en="{x work", ar="تعمل", values={"x": CELL})


def test_a_digit_inside_a_placeholder_is_a_precision_not_a_number() -> None:
    text = Text(en="{x:percent.0} work", ar="تعمل {x:points.2,oblique}", values={"x": CELL})
    assert placeholders(text.en) == [("x", "percent.0")]
    assert read_spec("points.2,oblique") == ("points", 2, "oblique")


def test_phrases_are_held_to_the_same_rule() -> None:
    with pytest.raises(BriefError, match="15"):
        Phrase(en="women 15 and over", ar="النساء", gender="f")
    with pytest.raises(BriefError):
        Phrase(en="women", ar="النساء", gender="x")


@given(st.text(alphabet="0123456789٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹²½Ⅷ①", min_size=1, max_size=3), st.booleans())
@settings(max_examples=60, deadline=None)
def test_no_digit_of_any_script_passes(digits: str, arabic: bool) -> None:
    words = {"en": "women work", "ar": "تعمل النساء"}
    words["ar" if arabic else "en"] += f" {digits}"
    with pytest.raises(BriefError):
        Text(**words)


def test_sentences_survive_json_unchanged() -> None:
    text = Text(en="{x} work", ar="تعمل {x}", values={"x": CELL}, otherwise=Text(en="Not shown", ar="غير معروض"))
    plain = Text(en="a finding", ar="نتيجة")
    rate = Phrase(en="the rate", ar="المعدل", gender="m")
    women = Phrase(en="women", ar="النساء", gender="f")
    since = ParameterRef(name="wave", value=2024, source="card")
    block = ParagraphBlock(
        brief="b",
        sentences=(
            text,
            Choice(test=CELL, rising=plain, falling=plain, flat=plain, suppressed=plain),
            Level(cell=CELL, subject=rate, among=women),
            Gap(test=CELL, first=CELL, second=CELL, subject=rate, first_label=women, second_label=women),
            Change(test=CELL, now=CELL, before=CELL, subject=rate, since=since),
        ),
    )
    assert load(dump(block)) == block


def test_blocks_refuse_unknown_fields_versions_and_not_a_numbers() -> None:
    block = ParagraphBlock(brief="b", sentences=(Text(en="a", ar="ا"),))
    data = dump(block)
    with pytest.raises(BriefError, match="version 2"):
        load(data | {"version": 2})
    with pytest.raises(BriefError, match="not valid"):
        load(data | {"surprise": 1})
    bad = ParagraphBlock(
        brief="b",
        sentences=(Text(en="{x}", ar="{x}", values={"x": ParameterRef(name="x", value=float("nan"), source="s")}),),
    )
    with pytest.raises(BriefError, match="not a number"):
        dump(bad)


def test_labels_and_questions_may_hold_numbers_since_they_are_quoted() -> None:
    label = LabelRef(en="15–24", ar="15–24", source="age=1")
    assert Text(en="Aged {a}", ar="بعمر {a}", values={"a": label}).values["a"] == label
