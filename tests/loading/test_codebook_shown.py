"""The codebook on the screen: both languages, ranges that do not turn round, what is many is folded."""

from masar_research.codebook import Category, Codebook, MissingRange, ResponseSet, Variable
from masar_research.codebook.wording import counted

AGE = Variable(
    "age_group", {"en": "Age group", "ar": "الفئة العمرية"}, {"en": "How old?", "ar": "كم عمرك؟"}, "ordinal",
    (Category(1, {"en": "18–29", "ar": "18–29"}), Category(9, {"ar": "رفض"}, "refused")), universe="sex == 1",
    missing_ranges=(MissingRange(90, float("inf"), "not_asked"),),
)  # fmt: skip


def test_one_language_runs_its_own_way():
    arabic = Codebook([AGE]).show("ar")._repr_html_()
    assert '<div class="masar-book" lang="ar" dir="rtl">' in arabic and "Age group" not in arabic
    assert "\u206618–29\u2069" in arabic  # else it is read 29–18
    assert "90..highest" in arabic and "لم يُسأل" in arabic and "فئات مرتبة" in arabic
    english = Codebook([AGE]).show("en")._repr_html_()
    assert "الفئة" not in english and "رفض" in english  # a word of the other language before none


def test_many_codes_fold_and_many_variables_are_counted():
    wide = Variable("g", {"en": "G"}, level="nominal", categories=tuple(Category(k, {"en": f"c{k}"}) for k in range(30)))
    book = Codebook([wide, *(Variable(f"v{k}", {}) for k in range(300))], [ResponseSet("s", {"en": "S"}, ("v1", "v2"))])
    page = book._repr_html_()
    assert "<summary>+ 22</summary>" in page and "and 101 more" in page and page.count('class="row"') == 200
    assert "Several answers" in page and "<script" not in page


def test_a_terminal_shows_either_language():
    text = repr(Codebook([AGE]).show("ar"))
    assert "الفئة العمرية" in text and "فئات مرتبة" in text and "sex == 1" in text
    assert "Age group" in Codebook([AGE]).text() and "… and 2 more" in Codebook(
        [Variable(f"v{k}", {}) for k in range(3)]
    ).text(most=1)


def test_variables_are_counted_in_words_that_agree():
    assert [counted(n, "ar") for n in (1, 2, 3, 11, 100, 103)] == [
        "متغير واحد", "متغيران", "3 متغيرات", "11 متغيراً", "100 متغير", "103 متغيرات",
    ]  # fmt: skip
