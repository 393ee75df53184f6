"""Work, search, working conditions and pay (ILO, 19th conference of labour statisticians)."""

from __future__ import annotations

import numpy as np

from ..models import Asked, scale, score, yes
from .spec import LISTS, Item

LISTS["why_not"] = (
    (1, "Studying", "الدراسة"), (2, "Housework or care of children or others", "أعباء المنزل أو رعاية الأطفال أو الآخرين"),
    (3, "Believes there is no suitable work", "الاعتقاد بعدم توفر عمل مناسب"), (4, "Family does not approve", "عدم موافقة الأسرة"),
    (5, "Retired or too old", "متقاعد أو كبير في السن"), (6, "Illness or disability", "المرض أو الإعاقة"),
    (7, "Does not need to work", "لا حاجة للعمل"), (8, "Other reason", "سبب آخر"))
LISTS["work_status"] = ((1, "Employee", "مستخدم بأجر"), (2, "Employer", "صاحب عمل"), (3, "Own-account worker", "يعمل لحسابه"),
                        (4, "Contributing family worker", "يعمل لدى الأسرة دون أجر"))
LISTS["sector"] = ((1, "Government or public", "القطاع العام"), (2, "Private", "القطاع الخاص"),
                   (3, "Household, NGO or international body", "أسرة أو منظمة غير حكومية أو دولية"))
LISTS["contract"] = ((1, "Written, without time limit", "عقد مكتوب غير محدد المدة"), (2, "Written, for a limited time", "عقد مكتوب محدد المدة"),
                     (3, "Oral agreement", "اتفاق شفوي"))
LISTS["occupation"] = (
    (1, "Managers", "المديرون"), (2, "Professionals", "المتخصصون"), (3, "Technicians and associate professionals", "الفنيون ومساعدو المتخصصين"),
    (4, "Clerical support workers", "الكتبة"), (5, "Service and sales workers", "العاملون في الخدمات والبيع"),
    (6, "Skilled agricultural workers", "العمال المهرة في الزراعة"), (7, "Craft and related trades workers", "العاملون في الحرف"),
    (8, "Plant and machine operators", "مشغلو الآلات والمصانع"), (9, "Elementary occupations", "المهن الأولية"))
LISTS["satisfied4"] = ((1, "Very satisfied", "راضٍ جداً"), (2, "Satisfied", "راضٍ"), (3, "Dissatisfied", "غير راضٍ"),
                       (4, "Very dissatisfied", "غير راضٍ إطلاقاً"))

NOT_WORKING = "worked == 2 and absent == 2"
WORKING = "(worked == 1 or absent == 1)"
EMPLOYEE = f"{WORKING} and work_status == 1"


def _worked(a: Asked) -> np.ndarray:
    return np.where((a.employment == 1) & (a.rng.random(a.rows.size) < 0.965), 1, 2).astype(np.float32)


def _absent(a: Asked) -> np.ndarray:
    return np.where(a.employment == 1, 1, 2).astype(np.float32)


def _starts(a: Asked) -> np.ndarray:
    u = a.rng.random(a.rows.size)
    return np.where(np.where(a.employment == 2, u < 0.035, u < 0.0015), 1, 2).astype(np.float32)


def _looked(a: Asked) -> np.ndarray:
    soon = a.earlier("starts") == 1
    seeking = np.where(a.employment == 2, ~soon, a.rng.random(a.rows.size) < 0.006)
    return np.where(seeking, 1, 2).astype(np.float32)


def _wants(a: Asked) -> np.ndarray:
    z = score(a, "efficacy", 0.25, 0.05, -0.30, 0.22, 0.0, 0.0, 0.0, 0.25)
    z = np.where((a.age < 55) & ~a.studies, z, z - 1.3)
    return np.where(z > 0.62, 1, 2).astype(np.float32)


def _available(a: Asked) -> np.ndarray:
    u = a.rng.random(a.rows.size)
    touched = (a.earlier("looked") == 1) | (a.earlier("starts") == 1)
    can = np.where(a.employment == 2, True, np.where(touched, False, u < 0.42))
    return np.where(can, 1, 2).astype(np.float32)


def _reason(a: Asked) -> np.ndarray:
    u = a.rng.random((4, a.rows.size))
    home = (a.sex == 2) & (u[0] < np.where(a.marital == 2, 0.66, 0.30))
    other = np.select([u[1] < 0.28, u[1] < 0.40, u[1] < 0.52, u[1] < 0.80], [3, 6, 7, 5], 8)
    other = np.where((other == 5) & (a.age < 42), 3, other)
    other = np.where((a.sex == 2) & (u[2] < 0.07), 4, other)
    other = np.where((a.age >= 60) & (u[3] < 0.75), 5, other)
    return np.where(a.studies, 1, np.where(home, 2, other)).astype(np.float32)


def _kind(a: Asked) -> np.ndarray:
    u = a.rng.random(a.rows.size)
    employee = np.where(a.sex == 2, 0.93, 0.83) - 0.05 * (a.age >= 45)
    return np.select([u < employee, u < employee + 0.035, u < 0.985], [1, 2, 3], 4).astype(np.float32)


def _sector(a: Asked) -> np.ndarray:
    jordanian = a.jordanian == 1
    z = score(a, None, 0, 0.30, 0.06, 0.16, 0.0, 0.30, 0.0, 0.25) + np.where(a.region == 3, 0.35, 0.0)
    public = jordanian & (z > 0.35) & (a.earlier("work_status") == 1)
    third = ~public & (a.rng.random(a.rows.size) < np.where(a.sex == 2, 0.08, 0.02))
    return np.select([public, third], [1, 3], 2).astype(np.float32)


def _social(a: Asked) -> np.ndarray:
    public = a.earlier("sector") == 1
    z = score(a, None, 0, 0.20, 0.0, 0.30, 0.15, -0.10, 0.75, 0.25)
    return np.where(public | (z > 0.35), 1, 2).astype(np.float32)


def _contract(a: Asked) -> np.ndarray:
    covered = a.earlier("social_security") == 1
    u = a.rng.random(a.rows.size)
    return np.where(covered, np.where(u < 0.62, 1, np.where(u < 0.92, 2, 3)),
                    np.where(u < 0.08, 1, np.where(u < 0.22, 2, 3))).astype(np.float32)


def _occupation(a: Asked) -> np.ndarray:
    z = score(a, "skill", 0.25, 0.0, 0.02, 0.75, 0.15, -0.05, 0.0, 0.15)
    men = np.searchsorted([-1.35, -0.75, -0.25, 0.15, 0.85, 1.15, 1.45, 2.75], z)
    women = np.searchsorted([-1.25, -1.05, -0.85, -0.80, 0.05, 0.45, 0.85, 3.25], z)
    table_men = np.array([9, 8, 7, 6, 5, 4, 3, 2, 1])
    return table_men[np.where(a.sex == 2, women, men)].astype(np.float32)


def _hours(a: Asked) -> np.ndarray:
    public = a.earlier("sector") == 1
    mean = np.where(public, 38.0, np.where(a.sex == 2, 42.0, 48.0))
    hours = mean + 6.5 * a.rng.standard_normal(a.rows.size)
    part = a.rng.random(a.rows.size) < np.where(a.sex == 2, 0.13, 0.06)
    hours = np.where(part, 10 + 18 * a.rng.random(a.rows.size), hours)
    return np.clip(np.round(hours), 2, 84).astype(np.float32)


def _more(a: Asked) -> np.ndarray:
    short = a.earlier("hours") < 35
    return np.where(a.rng.random(a.rows.size) < np.where(short, 0.24, 0.06), 1, 2).astype(np.float32)


_PAY = np.array([0, 860, 520, 480, 430, 380, 310, 400, 395, 335.0])


def _wage(a: Asked) -> np.ndarray:
    base = np.log(_PAY[a.earlier("occupation").astype(int)])
    base = base + 0.06 * (a.education - 3) * (a.education > 3) + 0.010 * np.clip(a.age - 20, 0, 30)
    base = base - 0.20 * (a.sex == 2) - 0.16 * (a.jordanian == 0) + 0.06 * (a.earlier("sector") == 1)
    base = base + 0.90 * np.log(a.earlier("hours") / 44) + 0.02 * (a.view.wave - 2024)
    wage = np.exp(base + 0.10 * a.blocks + 0.27 * a.rng.standard_normal(a.rows.size))
    return np.maximum(40, np.round(wage / 5) * 5).astype(np.float32)


G = "labour"
ITEMS = (
    Item("worked", G, "Worked at least one hour in the last 7 days", "عمل ساعة واحدة على الأقل خلال آخر 7 أيام",
         "In the last seven days, did you do any work for pay, profit or family business, even for one hour?",
         "خلال الأيام السبعة الماضية، هل قمت بأي عمل مقابل أجر أو ربح أو في عمل للأسرة، ولو لساعة واحدة؟", "yes_no", _worked,
         indicators=("WE01", "WE02"), keep=True),
    Item("absent", G, "Has a job but was temporarily absent", "لديه عمل وكان متغيباً عنه مؤقتاً",
         "Did you have a job or business from which you were temporarily absent and to which you will return?",
         "هل كان لديك عمل أو مشروع تغيبت عنه مؤقتاً وستعود إليه؟", "yes_no", _absent, "worked == 2", indicators=("WE01", "WE02"),
         keep=True),
    Item("starts", G, "Has found a job that begins within three months", "وجد عملاً يبدأ خلال ثلاثة أشهر",
         "Have you found a job that will begin within the next three months?", "هل وجدت عملاً سيبدأ خلال الأشهر الثلاثة القادمة؟",
         "yes_no", _starts, NOT_WORKING, indicators=("WE01", "WE02"), keep=True),
    Item("looked", G, "Looked for work in the last 4 weeks", "بحث عن عمل خلال آخر 4 أسابيع",
         "In the last four weeks, did you look for work or try to start a business?",
         "خلال الأسابيع الأربعة الماضية، هل بحثت عن عمل أو حاولت البدء بمشروع خاص؟", "yes_no", _looked, NOT_WORKING,
         indicators=("WE01", "WE02"), keep=True),
    Item("wants_work", G, "Would have wanted to work", "كان يرغب في العمل", "Would you have wanted to work in the last seven days?",
         "هل كنت ترغب في العمل خلال الأيام السبعة الماضية؟", "yes_no", _wants, f"{NOT_WORKING} and looked == 2 and starts == 2",
         dont_know=0.004, refused=0.002, indicators=("WE03",), keep=True),
    Item("available", G, "Could start work within two weeks", "يستطيع بدء العمل خلال أسبوعين",
         "If a job had been offered to you, could you have started within two weeks?",
         "لو عُرض عليك عمل، هل كان بإمكانك البدء به خلال أسبوعين؟", "yes_no", _available,
         f"{NOT_WORKING} and (looked == 1 or starts == 1 or wants_work == 1)", dont_know=0.003, indicators=("WE01", "WE02", "WE03"),
         keep=True),
    Item("why_not", G, "Main reason for not looking for work", "السبب الرئيسي لعدم البحث عن عمل",
         "What is the main reason you did not look for work?", "ما هو السبب الرئيسي لعدم بحثك عن عمل؟", "why_not", _reason,
         f"{NOT_WORKING} and looked == 2 and starts == 2", dont_know=0.006, refused=0.008, indicators=("WE03",)),
    Item("work_status", G, "Status in employment", "الحالة العملية", "In your main job, are you an employee, an employer, …?",
         "في عملك الرئيسي، هل أنت مستخدم بأجر أم صاحب عمل أم ...؟", "work_status", _kind, WORKING, refused=0.004,
         indicators=("WE04",), keep=True),
    Item("sector", G, "Sector of the main job", "قطاع العمل الرئيسي", "Is your main job in government, the private sector or elsewhere?",
         "هل عملك الرئيسي في القطاع العام أم الخاص أم غير ذلك؟", "sector", _sector, WORKING, dont_know=0.003, refused=0.004,
         indicators=("WE04", "WE05"), keep=True),
    Item("occupation", G, "Occupation (ISCO-08 major group)", "المهنة (المجموعة الرئيسية ISCO-08)",
         "What is your occupation in your main job?", "ما هي مهنتك في عملك الرئيسي؟", "occupation", _occupation, WORKING,
         refused=0.006, indicators=("WE05", "WE06"), keep=True),
    Item("social_security", G, "Employer pays social security", "يدفع صاحب العمل اشتراك الضمان الاجتماعي",
         "Does your employer pay social-security contributions for you?", "هل يدفع صاحب العمل عنك اشتراكات الضمان الاجتماعي؟",
         "yes_no", _social, EMPLOYEE, dont_know=0.018, refused=0.010, indicators=("WE04",), keep=True),
    Item("registered", G, "Business is registered", "المنشأة مسجلة", "Is the business registered with the Ministry of Industry and Trade or the chamber?",
         "هل المنشأة مسجلة لدى وزارة الصناعة والتجارة أو الغرفة؟", "yes_no", yes(0.48, edu=0.20, wealth=0.20, rural=-0.15),
         f"{WORKING} and work_status in [2, 3]", dont_know=0.02, refused=0.03, indicators=("WE04",)),
    Item("contract", G, "Kind of contract", "نوع العقد", "What kind of contract or agreement do you have?", "ما نوع العقد أو الاتفاق في عملك؟",
         "contract", _contract, EMPLOYEE, dont_know=0.008, refused=0.012, indicators=("YO04",), keep=True),
    Item("hours", G, "Usual weekly hours in all jobs", "ساعات العمل الأسبوعية المعتادة", "How many hours do you usually work in a week?",
         "كم ساعة تعمل في الأسبوع عادةً؟", "integer", _hours, WORKING, dont_know=0.012, refused=0.004, limits=(1, 97),
         indicators=("WE03", "WE05"), keep=True),
    Item("more_hours", G, "Would work more hours if offered", "يرغب في العمل ساعات أكثر", "Would you have worked more hours if they had been offered?",
         "هل كنت ستعمل ساعات أكثر لو عُرضت عليك؟", "yes_no", _more, WORKING, dont_know=0.006, indicators=("WE03",)),
    Item("wage", G, "Take-home wage last month, JD", "صافي الأجر في الشهر الماضي بالدينار",
         "What was your take-home wage last month, in dinars?", "كم بلغ صافي أجرك في الشهر الماضي بالدينار؟", "integer", _wage, EMPLOYEE,
         dont_know=0.02, refused=0.13, silent_codes=(99998, 99999), limits=(0, 20000), indicators=("WE05",)),
    Item("job_satisfaction", G, "Satisfaction with the main job", "الرضا عن العمل الرئيسي", "Overall, how satisfied are you with your main job?",
         "بشكل عام، ما مدى رضاك عن عملك الرئيسي؟", "satisfied4",
         scale((0.22, 0.50, 0.20, 0.08), trait="wellbeing", load=-0.40, wealth=-0.10), WORKING, dont_know=0.006, refused=0.004,
         indicators=("YO04",)),
)
