"""The codebook: codes of their own type, two languages, kinds of missing, escaped when shown."""

import dataclasses
import pickle

import pytest

from masar_research.codebook import Category, Codebook, Text, Variable, fold
from masar_research.errors import DataError

SEX = Variable(
    "sex",
    {"en": "Sex", "ar": "الجنس"},
    {"en": "Sex of respondent"},
    "nominal",
    (
        Category(1, {"en": "Male", "ar": "ذكر"}),
        Category(2, {"en": "Female", "ar": "أنثى"}),
        Category(98, {"en": "Don't know"}, "dont_know"),
        Category(99, {"en": "Refused"}, "refused"),
    ),
)
TOWN = Variable(
    "town",
    {"en": "Town"},
    level="nominal",
    categories=(Category("1", {"en": "Text one"}), Category(1, {"en": "Number one"})),
)
BOOK = Codebook([SEX, TOWN])


def test_words_in_both_languages():
    assert BOOK.label("sex", "ar") == "الجنس"
    assert BOOK.category("sex", 2, "ar") == "أنثى"
    assert BOOK.question("sex", "en") == "Sex of respondent"


@pytest.mark.parametrize(
    "call, names",
    [
        (lambda: BOOK.label("town", "ar"), ["'town'", "Arabic"]),
        (lambda: BOOK.question("sex", "ar"), ["'sex'", "Arabic"]),
        (lambda: BOOK.question("town", "en"), ["'town'"]),
        (lambda: BOOK.category("sex", 98, "ar"), ["98", "Arabic"]),
        (lambda: BOOK.category("sex", 7, "en"), ["7", "'sex'"]),
        (lambda: BOOK.label("sxe", "en"), ["'sxe'", "sex"]),
        (lambda: BOOK.label("sex", "fr"), ["'fr'"]),
    ],
)
def test_what_is_absent_is_named_never_invented(call, names):
    with pytest.raises(DataError) as caught:
        call()
    for name in names:
        assert name in str(caught.value)


def test_number_and_text_codes_do_not_meet():
    assert BOOK.category("town", "1", "en") == "Text one"
    assert BOOK.category("town", 1, "en") == "Number one"
    with pytest.raises(DataError):
        BOOK.category("sex", "1", "en")


def test_missing_codes_and_kinds():
    assert BOOK.missing_codes("sex") == {98.0, 99.0}
    assert BOOK.missing_kinds("sex") == {98.0: "dont_know", 99.0: "refused"}
    assert BOOK.missing_codes("nowhere") == frozenset()
    assert [category.code for category in SEX.valid] == [1.0, 2.0]


def test_immutable_and_additions_are_new():
    more = BOOK.add(Variable("age", {"en": "Age"}), dataclasses.replace(SEX, label={"en": "Gender"}))
    assert list(more) == ["sex", "town", "age"] and more.label("sex", "en") == "Gender"
    assert "age" not in BOOK and BOOK.label("sex", "en") == "Sex"
    with pytest.raises(dataclasses.FrozenInstanceError):
        SEX.level = "numeric"
    with pytest.raises(TypeError):
        BOOK["sex"] = SEX


def test_equal_codebooks_hash_alike_and_survive_pickling():
    again = pickle.loads(pickle.dumps(BOOK))
    assert again == BOOK and hash(again) == hash(BOOK)
    assert again.missing_codes("sex") == BOOK.missing_codes("sex")


def test_search_does_not_mind_spelling():
    book = Codebook(
        [
            Variable(
                "gov",
                {"en": "Governorate", "ar": "المُحافظة"},
                categories=(Category(21, {"en": "Irbid", "ar": "إربد"}),),
            ),
            Variable("x", {"en": "Other"}),
        ]
    )
    for text in ("اربد", "المحافظه", "GOVERN", "irbid"):
        assert list(book.search(text)) == ["gov"]
    assert len(book.search("zzz")) == 0


@pytest.mark.parametrize(
    "label", ["<script>alert(1)</script>", '=HYPERLINK("http://x","y")', "a & b <b>", '" onload="x']
)
def test_a_label_is_shown_as_text(label):
    book = Codebook(
        [
            Variable(
                "v",
                {"en": label, "ar": label},
                {"en": label},
                "nominal",
                (Category("<i>", {"en": label, "ar": label}),),
                universe="a < 1",
            )
        ]
    )
    page = book._repr_html_()
    assert "<script" not in page and "<b>" not in page and 'onload="x' not in page and "<i>" not in page
    assert book.label("v", "en") == label
    import html

    assert html.escape(label) in page and "a &lt; 1" in page


def test_faults_are_refused():
    with pytest.raises(DataError, match="more than once"):
        Variable("v", {"en": "V"}, categories=(Category(1, {"en": "a"}), Category(1.0, {"en": "b"})))
    with pytest.raises(DataError, match="lost"):
        Category(1, {"en": "a"}, "lost")
    with pytest.raises(DataError, match="level"):
        Variable("v", {"en": "V"}, level="interval")
    with pytest.raises(DataError, match="number or text"):
        Category(True, {"en": "a"})
    with pytest.raises(DataError, match="twice"):
        Codebook([SEX, SEX])
    with pytest.raises(DataError, match="fr"):
        Text.of({"fr": "Sexe"})


def test_text_is_a_mapping():
    assert dict(Text(ar="نعم")) == {"ar": "نعم"} and Text(en="Yes").get("ar") is None
    assert len(Text()) == 0 and not Text()
    assert fold("إربــد ") == fold("اربد") and fold("٢٠٢٦") == "2026"
