"""Frame, roster, interview record, and who the respondent is."""

from __future__ import annotations

import numpy as np

from ..models import Asked, scale, yes
from ..geography import GOVERNORATES
from .spec import LISTS, Item

LISTS["governorate"] = tuple((g.code, g.en, g.ar) for g in GOVERNORATES)
LISTS["stratum"] = tuple(
    row for g in GOVERNORATES for row in (
        ((g.code * 10, f"{g.en}, urban and rural", f"{g.ar}، حضر وريف"),) if g.merged else
        ((g.code * 10 + 1, f"{g.en}, urban", f"{g.ar}، حضر"), (g.code * 10 + 2, f"{g.en}, rural", f"{g.ar}، ريف"))))
LISTS["status"] = (
    (1, "Completed", "مكتملة"), (2, "Broken off after the labour section", "انقطعت بعد قسم العمل"),
    (3, "Household refused", "رفضت الأسرة"), (4, "Selected person refused", "رفض الشخص المختار"),
    (5, "No contact after three visits", "تعذّر الاتصال بعد ثلاث زيارات"),
    (6, "Selected person absent or unable", "الشخص المختار غائب أو غير قادر"))
LISTS["nationality"] = (
    (1, "Jordanian", "أردني"), (2, "Syrian", "سوري"),
    (3, "Palestinian without a national number", "فلسطيني (دون رقم وطني)"), (4, "Egyptian", "مصري"),
    (5, "Other nationality", "جنسية أخرى"))
LISTS["education"] = (
    (1, "Illiterate", "أمي"), (2, "Below secondary", "أقل من ثانوي"), (3, "Secondary", "ثانوي"),
    (4, "Intermediate diploma", "دبلوم متوسط"), (5, "Bachelor's degree or higher", "بكالوريوس فأعلى"))
LISTS["marital"] = ((1, "Never married", "أعزب"), (2, "Married", "متزوج"), (3, "Divorced or separated", "مطلق أو منفصل"),
                    (4, "Widowed", "أرمل"))
LISTS["wealth5"] = ((1, "Poorest fifth", "الخُمس الأفقر"), (2, "Second fifth", "الخُمس الثاني"), (3, "Middle fifth", "الخُمس الأوسط"),
                    (4, "Fourth fifth", "الخُمس الرابع"), (5, "Richest fifth", "الخُمس الأغنى"))


def _column(name):
    def answer(a: Asked) -> np.ndarray:
        return getattr(a, name).astype(np.float32)
    return answer


def _attends(a: Asked) -> np.ndarray:
    return np.where(a.studies, 1, 2).astype(np.float32)


def _record(name, en, ar, answers="integer", ask_en="", ask_ar="", **more) -> Item:
    return Item(name, "cover", en, ar, ask_en, ask_ar, answers, None, **more)


RECORD = (
    _record("form_no", "Questionnaire number", "رقم الاستبانة"),
    _record("wave", "Survey wave (year)", "جولة المسح (السنة)"),
    _record("governorate", "Governorate", "المحافظة", "governorate"),
    _record("urban", "Urban or rural", "حضر أو ريف", "urban"),
    _record("stratum", "Sampling stratum", "طبقة المعاينة", "stratum"),
    _record("psu", "Block number (primary sampling unit)", "رقم البلوك (وحدة المعاينة الأولية)"),
    _record("household_no", "Household number in the block sample", "رقم الأسرة في عينة البلوك"),
    _record("listed", "Occupied households listed in the block", "عدد الأسر المأهولة في حصر البلوك"),
    _record("household_adults", "Household members 15 and over (from the listing)", "أفراد الأسرة 15 سنة فأكثر (من الحصر)"),
    _record("base_weight", "Base weight: inverse selection probability over all stages",
            "وزن التصميم: مقلوب احتمال الاختيار في جميع المراحل", "decimal"),
    _record("status", "Result of the visit", "نتيجة الزيارة", "status"),
    _record("visits", "Number of visits", "عدد الزيارات"),
    _record("interviewer", "Interviewer number", "رقم الباحث الميداني"),
    _record("interviewer_sex", "Sex of the interviewer", "جنس الباحث الميداني", "sex"),
    _record("interview_date", "Date of the last visit", "تاريخ الزيارة الأخيرة", "date"),
    _record("interview_start", "Start of the interview", "بداية المقابلة", "datetime"),
    _record("interview_end", "End of the interview", "نهاية المقابلة", "datetime"),
    _record("duration", "Length of the interview in minutes", "مدة المقابلة بالدقائق", "decimal"),
    Item("sel_sex", "roster", "Sex of the selected person", "جنس الشخص المختار",
         "Is the selected person male or female?", "هل الشخص المختار ذكر أم أنثى؟", "sex", None),
    Item("sel_age", "roster", "Age of the selected person", "عمر الشخص المختار",
         "How old is the selected person, in completed years?", "كم عمر الشخص المختار بالسنوات الكاملة؟", "integer", None,
         limits=(15, 110)),
    Item("household_young", "roster", "Household members under 15", "أفراد الأسرة دون 15 سنة",
         "How many members of this household are under 15?", "كم عدد أفراد هذه الأسرة دون 15 سنة؟", "integer", None,
         limits=(0, 20)),
)

DEMOGRAPHY = (
    Item("q_nationality", "person", "Nationality", "الجنسية", "What is your nationality?", "ما هي جنسيتك؟", "nationality",
         _column("nationality"), keep=True),
    Item("q_education", "person", "Highest level of education completed", "أعلى مؤهل تعليمي",
         "What is the highest level of education you have completed?", "ما هو أعلى مستوى تعليمي أتممته؟", "education",
         _column("education"), keep=True),
    Item("q_attending", "person", "Attending school, university or training in the last 4 weeks",
         "يلتحق بالتعليم أو التدريب خلال آخر 4 أسابيع",
         "Have you attended school, college, university or a training course in the last four weeks?",
         "هل كنت ملتحقاً بمدرسة أو كلية أو جامعة أو دورة تدريبية خلال الأسابيع الأربعة الماضية؟", "yes_no", _attends,
         indicators=("YO01",), keep=True),
    Item("q_marital", "person", "Marital status", "الحالة الزواجية", "What is your marital status?", "ما هي حالتك الزواجية؟",
         "marital", _column("marital"), keep=True),
)

_FUNCTIONS = (
    ("see", "seeing, even with glasses", "الرؤية حتى مع استخدام النظارات", 0.022, 0.35),
    ("hear", "hearing, even with a hearing aid", "السمع حتى مع استخدام معين سمعي", 0.012, 0.45),
    ("walk", "walking or climbing steps", "المشي أو صعود الدرج", 0.034, 0.55),
    ("remember", "remembering or concentrating", "التذكر أو التركيز", 0.014, 0.35),
    ("care", "self-care, such as washing all over or dressing", "العناية بالنفس مثل الاستحمام أو ارتداء الملابس", 0.008, 0.45),
    ("communicate", "communicating, for example understanding or being understood",
     "التواصل مع الآخرين مثل فهمهم أو أن يفهموك", 0.007, 0.25),
)
DISABILITY = tuple(
    Item(f"ws_{key}", "person", f"Difficulty {en}", f"صعوبة في {ar}", f"Do you have difficulty {en}?", f"هل لديك صعوبة في {ar}؟",
         "difficulty", scale((0.9 - 3 * hard, 0.1 + 2 * hard, 0.85 * hard, 0.15 * hard), trait="wellbeing", load=-0.30, age=age,
                             place=0.12), dont_know=0.002, refused=0.002)
    for key, en, ar, hard, age in _FUNCTIONS)

_ASSETS = (
    ("computer", "a desktop or laptop computer or tablet", "حاسوب مكتبي أو محمول أو لوحي", 0.424, 0.55, 0.10, ("F221",)),
    ("car", "a private car", "سيارة خاصة", 0.50, 0.60, 0.02, ()),
    ("washer", "an automatic washing machine", "غسالة أوتوماتيك", 0.58, 0.65, 0.04, ()),
    ("conditioner", "an air conditioner", "مكيّف هواء", 0.36, 0.55, 0.06, ()),
    ("solar", "a solar water heater", "سخان شمسي", 0.17, 0.40, 0.05, ()),
    ("dishwasher", "a dishwasher", "جلاية صحون", 0.07, 0.65, 0.03, ()),
    ("heating", "central heating", "تدفئة مركزية", 0.06, 0.60, 0.00, ()),
    ("fixed", "fixed internet at home", "إنترنت ثابت في المنزل", 0.52, 0.50, 0.10, ()),
)
ASSETS = tuple(
    Item(f"as_{key}", "household", f"Household owns {en}", f"تملك الأسرة {ar}", f"Does this household own {en} in working order?",
         f"هل تملك هذه الأسرة {ar} بحالة صالحة للاستخدام؟", "yes_no", yes(share, wealth=weight, place=0.15, drift=drift, shared=True),
         dont_know=0.002)
    for key, en, ar, share, weight, drift, _ in _ASSETS)

WEALTH = (
    Item("wealth_score", "household", "Wealth score: first principal component of the assets",
         "درجة الثروة: المكوّن الرئيسي الأول للممتلكات", "", "", "decimal", None),
    Item("wealth5", "household", "Wealth fifth of the wave, weighted", "خُمس الثروة في الجولة، مرجَّح", "", "", "wealth5", None),
)
