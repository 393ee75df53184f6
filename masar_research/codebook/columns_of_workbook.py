"""The sheets of a codebook workbook: their names, columns, headings and what each column is for."""

from __future__ import annotations

from dataclasses import dataclass

from masar_research.codebook.words import Text

VERSION = 1
HIDDEN = "masar"


@dataclass(frozen=True, slots=True)
class Head:
    """A column: its key, its heading, its width in characters and whether a colleague may edit it."""

    key: str
    title: Text
    width: int
    editable: bool = True


_WAVE = Head("wave", Text("wave", "الجولة"), 10, False)
_NAME = Head("variable", Text("variable", "المتغير"), 22, False)
_LABELS = (
    Head("label_en", Text("label, English", "الوصف بالإنجليزية"), 34),
    Head("label_ar", Text("label, Arabic", "الوصف بالعربية"), 34),
)

VARIABLES = (
    _WAVE,
    _NAME,
    Head("new_name", Text("new name", "الاسم الجديد"), 20),
    Head("order", Text("order", "الترتيب"), 8),
    *_LABELS,
    Head("question_en", Text("question, English", "السؤال بالإنجليزية"), 36),
    Head("question_ar", Text("question, Arabic", "السؤال بالعربية"), 36),
    Head("level", Text("level", "مستوى القياس"), 12),
    Head("universe", Text("asked of", "يُسأل عنه"), 26),
    Head("missing_ranges", Text("missing ranges", "مدى القيم المفقودة"), 22),
    Head("unit_en", Text("unit, English", "الوحدة بالإنجليزية"), 14),
    Head("unit_ar", Text("unit, Arabic", "الوحدة بالعربية"), 14),
    Head("note_en", Text("note, English", "ملاحظة بالإنجليزية"), 26),
    Head("note_ar", Text("note, Arabic", "ملاحظة بالعربية"), 26),
    Head("personal", Text("personal", "شخصي"), 10),
)
CODES = (
    _WAVE,
    _NAME,
    Head("code", Text("code", "الرمز"), 12, False),
    Head("new_code", Text("new code", "الرمز الجديد"), 12),
    Head("order", Text("order", "الترتيب"), 8),
    *_LABELS,
    Head("missing", Text("kind of missing", "نوع القيمة المفقودة"), 18),
)
SETS = (
    _WAVE,
    Head("set", Text("set", "المجموعة"), 20, False),
    *_LABELS,
    Head("variables", Text("variables", "المتغيرات"), 50, False),
    Head("counted", Text("code counted", "الرمز المحسوب"), 14, False),
)
SHEETS = {
    "guide": Text("Read me", "اقرأني"),
    "variables": Text("Variables", "المتغيرات"),
    "codes": Text("Codes", "الرموز"),
    "sets": Text("Several answers", "إجابات متعددة"),
}
COLUMNS = {"variables": VARIABLES, "codes": CODES, "sets": SETS}

GUIDE = (
    Text(
        "This workbook holds a codebook. Edit the white columns, save it, and apply it to the survey it was made from.",
        "يضم هذا الملف دليل ترميز. عدّل الأعمدة البيضاء واحفظ الملف، ثم طبّقه على المسح الذي أُعدّ منه.",
    ),
    Text(
        "Grey columns say which row is meant. Do not change them; a row you delete leaves its variable or code as it was.",
        "الأعمدة الرمادية تحدد الصف المقصود فلا تغيّرها. وحذف صف يُبقي متغيره أو رمزه كما كان.",
    ),
    Text(
        "new name: leave empty to keep the name. Names hold letters, digits and _ and do not begin with a digit.",
        "الاسم الجديد: اتركه فارغاً لإبقاء الاسم. يتكون الاسم من حروف وأرقام والعلامة _ ولا يبدأ برقم.",
    ),
    Text(
        "new code: leave empty to keep the code. Two codes become one only if both rows carry the same labels and kind.",
        "الرمز الجديد: اتركه فارغاً لإبقاء الرمز. لا يُدمج رمزان إلا إذا تطابق وصفاهما ونوعاهما.",
    ),
    Text(
        "A new row under Codes, with variable and code filled in, gives a label to a code that has none.",
        "صف جديد في صفحة الرموز، يُملأ فيه المتغير والرمز، يضيف وصفاً لرمز لا وصف له.",
    ),
    Text(
        "level: nominal, ordinal, numeric, text or date.",
        "مستوى القياس: nominal (فئات) أو ordinal (فئات مرتبة) أو numeric (رقم) أو text (نص) أو date (تاريخ).",
    ),
    Text(
        "kind of missing: refused, dont_know, not_applicable, not_asked or missing; empty for an answer.",
        "نوع القيمة المفقودة: refused (رفض) أو dont_know (لا يعرف) أو not_applicable (لا ينطبق) أو not_asked (لم يُسأل) "
        "أو missing (لا إجابة)؛ واتركه فارغاً إذا كان الرمز إجابة.",
    ),
    Text(
        "missing ranges: for example 97..99 refused; lowest..-1 missing.",
        "مدى القيم المفقودة: مثل ‎97..99 refused; lowest..-1 missing‎.",
    ),
    Text(
        "Several waves: the same new name in several waves makes them one variable; give its codes the same new codes and labels.",
        "عند تعدد الجولات: الاسم الجديد نفسه في عدة جولات يجعلها متغيراً واحداً؛ فوحّد رموزه الجديدة وأوصافها.",
    ),
    Text(
        "An apostrophe before =, +, - or @ keeps a text from being run as a formula. Formulas are refused.",
        "الفاصلة العليا قبل = أو + أو - أو @ تمنع تنفيذ النص كمعادلة. ولا تُقبل المعادلات.",
    ),
)
