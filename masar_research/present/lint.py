"""Find what a page says in numbers: numerals in any digits, number words, "fell 0.9%".

The checks err towards finding too much: a figure that slips through is a figure nobody can
trace, while a word found for nothing is put right in a minute.
"""

from __future__ import annotations

import re
from decimal import Decimal

from masar_research.present.direction import Lang, bare, unmarked

_DIGIT = r"\d"
_FRACTIONS = "½⅓⅔¼¾⅕⅖⅗⅘⅙⅚⅛⅜⅝⅞⅐⅑⅒"
_SUPERSCRIPT = "⁰¹²³⁴⁵⁶⁷⁸⁹₀₁₂₃₄₅₆₇₈₉"
_NUMERAL = re.compile(
    rf"(?:(?:^|(?<=[\s(\[«»\"'،,؛;:=/]))-|−|\+)?{_DIGIT}+(?:[.,٫٬]{_DIGIT}+)*[{_FRACTIONS}]?"
    rf"|[{_FRACTIONS}]|[{_SUPERSCRIPT}]+"
)
_WESTERN = {ord(c): str(i % 10) for i, c in enumerate("٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹")}
_WESTERN |= {ord("٫"): ".", ord("٬"): ",", ord("−"): "-"}


def numerals(text: str) -> list[str]:
    """Every numeral as it stands: Western, Arabic-Indic and Persian digits, ½, superscripts.

    A sign belongs to the numeral when it is U+2212, a plus, or a hyphen that begins a word;
    the dash of a range does not. Percent signs do not belong to it. Directional controls are
    ignored.

    Examples
    --------
    >>> numerals("من 14.0% إلى ١٥٫١٪، ن = 1,823 (15–24 سنة)، −0.6")
    ['14.0', '١٥٫١', '1,823', '15', '24', '−0.6']
    """
    return _NUMERAL.findall(bare(text))


def western(numeral: str) -> str:
    """A numeral in Western digits, point, comma and hyphen-minus.

    Examples
    --------
    >>> western("−١٬٦٣٨٫٥"), western("۲۰۲۶")
    ('-1,638.5', '2026')
    """
    return numeral.translate(_WESTERN)


def amount(numeral: str) -> Decimal | None:
    """The value of a numeral, thousands separators dropped; None for ½ and the like.

    Examples
    --------
    >>> amount("١٬٨٢٣"), amount("+3.2")
    (Decimal('1823'), Decimal('3.2'))
    """
    try:
        return Decimal(western(numeral).replace(",", ""))
    except ArithmeticError:
        return None


_EN_WORDS = (
    "zero|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen"
    "|sixteen|seventeen|eighteen|nineteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety"
    "|hundreds?|thousands?|millions?|billions?|dozens?|half|halves|quarters?|thirds"
    "|fourths|fifths|sixths|sevenths|eighths|ninths|tenths|twice|thrice|double[sd]?|triple[sd]?"
    "|quadruple[sd]?|tenfold|twofold|threefold|halved|doubling|halving"
)
_EN_COUNTED = "in|out|of|third|quarter|half|fifth|tenth|percent|percentage|per|hundred|thousand|million|point"
_EN = re.compile(
    rf"\b(?:(?:{_EN_WORDS})|one(?=[ -](?:{_EN_COUNTED})\b)"
    r"|(?:a|one)[ -](?:third|fourth|fifth|sixth|seventh|eighth|ninth|tenth)"
    rf"|(?:about|around|nearly|almost|roughly|approximately|some)(?= (?:\d|(?:a |one )?(?:{_EN_WORDS}|third|fifth|tenth)\b)))\b",
    re.IGNORECASE,
)

_AR_STEMS = (
    "واحدة|واحد|اثنان|اثنين|اثنتان|اثنتين|ثلاثة|ثلاث|أربعة|أربع|خمسة|خمس|ستة|ست|سبعة|سبع"
    "|ثمانية|ثماني|ثمان|تسعة|تسع|عشرة|عشر|عشرون|عشرين|ثلاثون|ثلاثين|أربعون|أربعين|خمسون|خمسين"
    "|ستون|ستين|سبعون|سبعين|ثمانون|ثمانين|تسعون|تسعين|مئة|مائة|مئتان|مئتين|مائتان|مائتين"
    "|مئات|ثلاثمئة|أربعمئة|خمسمئة|ستمئة|سبعمئة|ثمانمئة|تسعمئة|ألف|ألفان|ألفين|آلاف|ألوف"
    "|مليون|مليونان|مليونين|ملايين|مليار|مليارات|صفر|بضع|بضعة"
    "|نصف|نصفا|أنصاف|ثلث|ثلثا|ثلثي|ثلثان|ثلثين|أثلاث|ربع|ربعا|ربعي|أرباع|خمسا|خمسي|أخماس"
    "|سدس|أسداس|سبعا|أسباع|ثمن|أثمان|تسعا|أتساع|أعشار|ضعفا|ضعفي|ضعفان|ضعفين|أضعاف"
    "|نقطتان|نقطتين|شخصان|شخصين|مقابلتان|مقابلتين|مستجيبان|امرأتان|امرأتين|رجلان"
    "|رجلين|سنتان|سنتين|عامان|عامين|شهران|شهرين|مرتان|مرتين|محافظتان|محافظتين|أسرتان|أسرتين"
    "|فئتان|فئتين|طبقتان|طبقتين|عنقودان|عنقودين|رقمان|رقمين|إقليمان|إقليمين|جولتان|جولتين"
)
_AR_APPROXIMATE = "نحو|حوالي|قرابة|زهاء|ما يقارب|ما يقرب من"
_AR_PREFIX = "(?:[وف])?(?:لل|[بلك]?ال|[بلك])?"
_LETTER = "[\u0621-\u064a]"
_AR = re.compile(
    rf"(?<!{_LETTER})(?:{_AR_PREFIX}(?:{_AR_STEMS})"
    rf"|(?:[وف])?(?:{_AR_APPROXIMATE})(?=\s+(?:\d|(?:ال)?(?:{_AR_STEMS})(?!{_LETTER}))))(?!{_LETTER})"
)
# «ضعف» is weakness unless it is compared with; «مستجيبين» is plural unless nothing else will do.
_AR_OF = "ما|عدد|نسبة|معدل|متوسط|قيمة|حصة|مستوى|مثل|مثيل|نظير"
_AR_TWICE = re.compile(
    rf"(?<!{_LETTER})(?:"
    rf"(?:بلغت|بلغ|تبلغ|يبلغ|تعادل|يعادل|تساوي|يساوي|تمثل|يمثل|تشكل|يشكل|نحو|حوالي|قرابة)\s+(?P<after>ضعف)"
    rf"|(?P<before>[وفب]?ضعف)(?=\s+(?:{_AR_OF}){_LETTER}*(?!{_LETTER}))"
    rf"|(?:إلى|بمقدار|بنسبة|بواقع)\s+(?P<whole>الضعف)"
    rf"|(?P<pair>[وفبلك]?(?:ال)?مستجيبين)(?=\s+(?:فقط|لا غير)(?!{_LETTER}))"
    rf")(?!{_LETTER})"
)
_AR_NOT_NUMBERS = re.compile(rf"(?<!{_LETTER})(?:بالمئة|بالمائة|في المئة|في المائة)(?!{_LETTER})")


def number_words(text: str, lang: Lang) -> list[str]:
    """Words that say a number: «نصف», «ثلاثة أرباع», «نقطتان», "two thirds", "twice".

    Words of approximation («نحو», "about") are found when a number follows. «بالمئة» after a
    numeral is a unit and is not found, nor is a dual noun outside the list. Marks are ignored.
    «ضعف» and «مستجيبين», which also mean weakness and respondents, are found where the words
    beside them make them a number («ضعف عدد …», «مستجيبين فقط»).

    Examples
    --------
    >>> number_words("نحو ربع النساء", "ar"), number_words("About two thirds of women", "en")
    (['نحو', 'ربع'], ['About', 'two', 'thirds'])
    """
    if lang == "ar":
        plain = _AR_NOT_NUMBERS.sub(" ", unmarked(bare(text)))
        found = [(match.start(), match[0]) for match in _AR.finditer(plain)]
        found += [(m.start(m.lastgroup), m[m.lastgroup]) for m in _AR_TWICE.finditer(plain)]
        return [word for _, word in sorted(found)]
    return _EN.findall(bare(text))


_EN_CHANGE = (
    r"(?:rose|risen|rise[sn]?|rising|increas\w*|grew|grow[ns]?|growing|growth|gain\w*|climb\w*"
    r"|fell|fall(?:s|en|ing)?|drop\w*|declin\w*|decreas\w*|reduc\w*|went (?:up|down)|up|down)"
)
_AR_CHANGE = (
    "(?:ارتفع|ارتفعت|يرتفع|ترتفع|ارتفاع|انخفض|انخفضت|ينخفض|تنخفض|انخفاض|زاد|زادت|يزيد|تزيد|ازداد"
    "|ازدادت|زيادة|تراجع|تراجعت|يتراجع|تتراجع|هبط|هبطت|هبوط|نما|نمت|نمو|صعد|صعدت|صعود|قفز|قفزت"
    "|تغير|تغيرت|يتغير|تتغير|قل|قلت|نقص|نقصت|نقصان|تحسن|تحسنت)"
)
_NUMBER = r"[+\-−±]?\d+(?:[.,٫٬]\d+)*"
_PERCENT = r"(?:\s?[%٪]|\s+(?:percent|per cent|بالمئة|بالمائة|في المئة|في المائة)(?!\w))"
_SHARE = re.compile(rf"(?P<before>[\w\s]*?)(?:[%٪](?P<flipped>{_NUMBER})|(?P<plain>{_NUMBER}){_PERCENT})")
_CHANGE = {
    "en": re.compile(rf"\b{_EN_CHANGE}\b", re.IGNORECASE),
    "ar": re.compile(rf"(?<!{_LETTER})(?:[وف])?(?:[بلك]?ال|لل|[بلك])?{_AR_CHANGE}(?:ا)?(?!{_LETTER})"),
}
_LEVEL_WORDS = {
    "en": re.compile(r"\b(?:to|from|at|and|against|with|was|were|is|reached|reaching|between|than)\s*$", re.IGNORECASE),
    "ar": re.compile(
        r"(?:إلى|الى|من|عند|عن|مقابل|لتبلغ|ليبلغ|لتصل|ليصل|بلغ|بلغت|بين|كان|كانت|بـ?واقع عند|و)\s*$"
    ),
}
_BRACKETS = re.compile(r"\([^()]*\)|\[[^\[\]]*\]")
_CLAUSE = re.compile(r"[؛;،!?؟:\n]|\.(?!\d)|,(?!\d)")


def percent_after_change(text: str, lang: Lang) -> list[str]:
    """Clauses that state the change of a rate in percent instead of percentage points.

    «انخفض معدل البطالة 0.9%» and "rose by 2%" are found; levels («ارتفع من 14% إلى 16%»,
    "fell to 12%") and anything in brackets are not.

    Examples
    --------
    >>> percent_after_change("انخفض معدل البطالة 0.9%", "ar")
    ['انخفض معدل البطالة 0.9%']
    >>> percent_after_change("ارتفع المعدل من 14% إلى 16%", "ar")
    []
    """
    cleaned = bare(text)
    if lang == "ar":
        cleaned = unmarked(cleaned)
    cleaned = _BRACKETS.sub(" ", cleaned)
    found = []
    for clause in _CLAUSE.split(cleaned):
        verb = _CHANGE[lang].search(clause)
        if not verb:
            continue
        rest = clause[verb.end() :]
        for share in _SHARE.finditer(rest):
            if not _LEVEL_WORDS[lang].search(share["before"]):
                found.append(clause.strip())
                break
    return found
