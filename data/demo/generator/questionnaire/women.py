"""Decisions, assets, finance, care, norms, agency, movement and rights."""

from __future__ import annotations

import numpy as np

from ..models import Asked, group, knows, scale, score, yes
from .spec import LISTS, Item

LISTS["who_decides"] = ((1, "Respondent alone", "المستجيبة وحدها"), (2, "Husband alone", "الزوج وحده"),
                        (3, "Respondent and husband together", "المستجيبة والزوج معاً"), (4, "Someone else", "شخص آخر"))
LISTS["ownership"] = ((1, "Alone", "منفرداً"), (2, "Jointly", "مشتركاً"), (3, "Alone and jointly", "منفرداً ومشتركاً"),
                      (4, "Does not own", "لا يملك"))
LISTS["movement"] = ((1, "Can go alone, without asking", "تستطيع الذهاب وحدها دون استئذان"),
                     (2, "Can go alone after asking", "تستطيع الذهاب وحدها بعد الاستئذان"),
                     (3, "Only with someone", "برفقة شخص آخر فقط"), (4, "Cannot go", "لا تستطيع الذهاب"))

_MARRIED = "sel_sex == 2 and q_marital == 2 and sel_age <= 49"
_ADULT = "sel_age >= 18"
_MODULE = "sel_age <= 49 and alone == 1"


def _marriage_age(a: Asked) -> np.ndarray:
    return np.clip(a.marriage_age, 13, 60).astype(np.float32)


def _care(share_doing: float, hours: float, men: float, young: float = 0.0, housewife: float = 0.0, elder: bool = False):
    """Hours yesterday in half hours: nothing for some, a skewed amount for the rest (assumed)."""

    def answer(a: Asked) -> np.ndarray:
        woman = a.sex == 2
        wife = woman & (a.marital >= 2)
        z = score(a, "norms", 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.20)
        does = np.where(woman, share_doing, share_doing * men) * np.where(woman & ~wife, 0.75, 1.0)
        if young:
            does = np.where(a.small > 0, np.minimum(0.97, does * 3.2), does * young)
        if elder:
            does = does * np.where(a.age >= 30, 1.3, 0.7)
        level = np.where(woman, hours, hours * 0.42) * np.where(wife, 1.15, 0.7)
        level = level * np.where(woman & (a.employment != 1), 1.0 + housewife, 1.0)
        amount = level * np.exp(0.42 * z - 0.09)
        out = np.where(a.rng.random(a.rows.size) < does, np.maximum(0.5, np.round(amount * 2) / 2), 0.0)
        return np.minimum(out, 14).astype(np.float32)

    return answer


G = "family"
DECISIONS = tuple(
    Item(f"dec_{key}", G, f"Who decides about {en}", f"صاحب القرار في {ar}", f"Who usually makes decisions about {en}?",
         f"من يتخذ القرار عادةً بشأن {ar}؟", "who_decides", group(shares, trait="norms", load=0.35, edu=0.08, age=0.06, place=0.22),
         _MARRIED, refused=0.006, indicators=("WE07",))
    for key, en, ar, shares in (
        ("health", "your own health care", "رعايتك الصحية", {4: 0.012, 2: 0.085, 3: 0.63, 1: 0.273}),
        ("purchases", "major household purchases", "المشتريات المنزلية الكبيرة", {4: 0.020, 2: 0.185, 3: 0.705, 1: 0.09}),
        ("visits", "visits to your family or relatives", "زيارة أهلك أو أقاربك", {4: 0.012, 2: 0.098, 3: 0.73, 1: 0.16}),
    ))
MARRIAGE = Item("marriage_age", G, "Age at first marriage", "العمر عند الزواج الأول", "How old were you when you first got married?",
                "كم كان عمرك عند زواجك الأول؟", "integer", _marriage_age, "q_marital in [2, 3, 4]", dont_know=0.012, limits=(10, 90),
                indicators=("WE15",))
ALONE = Item("alone", G, "Nobody else within hearing", "لا يوجد من يسمع المقابلة",
             "INTERVIEWER: is the respondent alone, with nobody else within hearing?", "للباحث: هل المستجيب بمفرده ولا يسمعه أحد آخر؟",
             "yes_no", yes(0.74, woman=-0.35, age=0.05), "sel_age <= 49", keep=True)
BEATING = tuple(
    Item(f"beat_{key}", G, f"Beating justified if the wife {en}", f"ضرب الزوجة مبرر إذا {ar}",
         f"In your opinion, is a husband justified in hitting or beating his wife if she {en}?", f"برأيك، هل يحق للزوج ضرب زوجته إذا {ar}؟",
         "yes_no", yes(share, trait="norms", load=-0.55, edu=-0.12, wealth=-0.08, drift=-0.06, place=0.20), _MODULE, dont_know=0.012,
         refused=0.012, indicators=("WE08",))
    for key, en, ar, share in (
        ("out", "goes out without telling him", "خرجت من البيت دون إخباره", 0.115),
        ("children", "neglects the children", "أهملت الأطفال", 0.135),
        ("argues", "argues with him", "جادلته", 0.065),
        ("insults", "insults him", "أهانته", 0.21),
        ("food", "burns the food", "أحرقت الطعام", 0.015),
    ))

F = "assets"
OWNERSHIP = (
    Item("own_house", F, "Owns a house or flat", "ملكية منزل أو شقة", "Do you own this or any other house or flat, alone or jointly with someone else?",
         "هل تملك هذا المنزل أو أي منزل أو شقة أخرى، منفرداً أو بالاشتراك مع غيرك؟", "ownership",
         group({4: 0.72, 2: 0.085, 3: 0.01, 1: 0.185}, woman=-1.00, age=0.28, wealth=0.20, edu=0.04, jordanian=0.75), _ADULT, refused=0.008,
         indicators=("WE09",), keep=True),
    Item("deed", F, "Name is on the title deed", "الاسم مسجل في سند التسجيل", "Is your name on the title deed?", "هل اسمك مسجل في سند التسجيل (الطابو)؟", "yes_no",
         yes(0.82, edu=0.10, woman=-0.05), f"{_ADULT} and own_house in [1, 2, 3]", dont_know=0.03, refused=0.01, indicators=("WE09",)),
    Item("own_land", F, "Owns land", "ملكية أرض", "Do you own any land, alone or jointly?", "هل تملك أي أرض، منفرداً أو بالاشتراك مع غيرك؟", "ownership",
         group({4: 0.855, 2: 0.06, 3: 0.007, 1: 0.078}, woman=-0.80, age=0.22, wealth=0.15, rural=0.25, jordanian=0.70), _ADULT, refused=0.01,
         indicators=("WE09",)),
    Item("phone", F, "Owns a mobile phone", "ملكية هاتف محمول", "Do you own a mobile phone for your personal use?", "هل تملك هاتفاً محمولاً لاستخدامك الشخصي؟",
         "yes_no", yes(0.945, trait="digital", load=0.35, woman=-0.22, age=-0.02, wealth=0.12), indicators=("WE11",)),
    Item("account", F, "Has an account at a bank or other institution", "لديه حساب في بنك أو مؤسسة مالية",
         "Do you, by yourself or together with someone else, have an account at a bank or another financial institution?",
         "هل لديك، وحدك أو مع شخص آخر، حساب في بنك أو أي مؤسسة مالية أخرى؟", "yes_no",
         scale((0.57, 0.43), codes=(2, 1), trait="digital", load=0.15, woman=-0.75, edu=0.28, wealth=0.20, age=0.03, jordanian=0.45, drift=0.06),
         dont_know=0.003, refused=0.008, indicators=("WE12",)),
    Item("wallet", F, "Used a mobile wallet in 12 months", "استخدم محفظة إلكترونية خلال 12 شهراً",
         "In the past 12 months, have you personally used a mobile wallet?", "خلال آخر 12 شهراً، هل استخدمت شخصياً محفظة إلكترونية؟", "yes_no",
         yes(0.19, trait="digital", load=0.40, woman=-0.30, edu=0.12, age=-0.08, drift=0.22), dont_know=0.006, indicators=("WE12",)),
    Item("saved", F, "Saved at a financial institution in 12 months", "ادخر في مؤسسة مالية خلال 12 شهراً",
         "In the past 12 months, have you saved money at a bank or another financial institution?",
         "خلال آخر 12 شهراً، هل ادخرت مالاً في بنك أو مؤسسة مالية أخرى؟", "yes_no", yes(0.075, woman=-0.30, edu=0.22, wealth=0.30),
         dont_know=0.003, refused=0.02, indicators=("WE13",)),
    Item("borrowed", F, "Borrowed from a financial institution in 12 months", "اقترض من مؤسسة مالية خلال 12 شهراً",
         "In the past 12 months, have you borrowed from a bank, microfinance or another financial institution?",
         "خلال آخر 12 شهراً، هل اقترضت من بنك أو مؤسسة تمويل صغير أو مؤسسة مالية أخرى؟", "yes_no",
         yes(0.13, woman=-0.28, edu=0.12, age=0.05, jordanian=0.35), dont_know=0.003, refused=0.02, indicators=("WE13",)),
)

T = "care"
CARE = tuple(
    Item(f"hours_{key}", T, f"Hours yesterday on {en}", f"ساعات الأمس في {ar}", f"How many hours did you spend yesterday on {en}?",
         f"كم ساعة قضيت أمس في {ar}؟", "decimal", model, limits=(0, 24), indicators=("WE16",))
    for key, en, ar, model in (
        ("cooking", "cooking and washing up", "إعداد الطعام وغسل الأطباق", _care(0.88, 1.7, 0.16, housewife=0.28)),
        ("cleaning", "cleaning, laundry and shopping for the household", "التنظيف والغسيل والتسوق للأسرة", _care(0.85, 1.5, 0.36, housewife=0.24)),
        ("children", "caring for children of the household", "رعاية أطفال الأسرة", _care(0.30, 2.1, 0.52, young=0.55, housewife=0.20)),
        ("others", "caring for older, ill or disabled members", "رعاية كبار السن أو المرضى أو ذوي الإعاقة", _care(0.09, 1.4, 0.50, elder=True)),
    ))

N = "norms"
NORMS = tuple(
    Item(f"norm_{key}", N, en, ar, f"To what extent do you agree or disagree: {en}", f"إلى أي مدى توافق أو لا توافق: {ar}", "agree4",
         scale(shares, trait="norms", load=load, woman=0.12, edu=0.06, drift=0.05 if load > 0 else -0.05, place=0.18), _ADULT, dont_know=0.015,
         refused=0.008, indicators=("WE18",))
    for key, en, ar, shares, load in (
        ("leaders", "In general, men are better political leaders than women.", "بشكل عام، الرجال أفضل من النساء كقادة سياسيين.",
         (0.33, 0.37, 0.22, 0.08), 0.62),
        ("final", "Husbands should have the final say in all decisions of the family.", "ينبغي أن تكون للزوج الكلمة الأخيرة في جميع القرارات المتعلقة بالأسرة.",
         (0.26, 0.35, 0.28, 0.11), 0.65),
        ("university", "University education is more important for boys than for girls.", "التعليم الجامعي أهم للأولاد منه للبنات.",
         (0.08, 0.14, 0.44, 0.34), 0.55),
        ("jobs", "When jobs are scarce, men should have more right to a job than women.", "عندما تكون فرص العمل شحيحة، للرجال حق أكبر من النساء في العمل.",
         (0.38, 0.34, 0.20, 0.08), 0.58),
        ("work", "A married woman may work outside the home if she wishes.", "يمكن للمرأة المتزوجة أن تعمل خارج المنزل إذا رغبت في ذلك.",
         (0.32, 0.43, 0.17, 0.08), -0.58),
    ))

E = "agency"
EFFICACY = tuple(
    Item(f"able_{k}", E, en, ar, f"How far do you agree: {en}", f"إلى أي مدى توافق: {ar}", "agree5",
         scale(shares, trait="efficacy", load=0.68, wealth=0.05, edu=0.04, woman=-0.04, place=0.12), dont_know=0.006, refused=0.004, indicators=("WE19",))
    for k, (en, ar, shares) in enumerate((
        ("I will be able to achieve most of the goals I set for myself.", "سأتمكن من تحقيق معظم الأهداف التي أضعها لنفسي.", (0.03, 0.11, 0.20, 0.46, 0.20)),
        ("When facing difficult tasks, I am certain I will accomplish them.", "عندما أواجه مهام صعبة، أنا واثق من أنني سأنجزها.", (0.02, 0.10, 0.20, 0.48, 0.20)),
        ("In general, I think I can obtain outcomes that matter to me.", "بشكل عام، أعتقد أنني أستطيع الحصول على النتائج المهمة بالنسبة لي.", (0.03, 0.12, 0.22, 0.46, 0.17)),
        ("I believe I can succeed at almost anything I set my mind to.", "أعتقد أنني أستطيع النجاح في أي شيء تقريباً أعقد العزم عليه.", (0.03, 0.12, 0.20, 0.44, 0.21)),
        ("I will be able to overcome many challenges.", "سأتمكن من التغلب على تحديات كثيرة.", (0.02, 0.09, 0.19, 0.49, 0.21)),
        ("I am confident I can perform well on many different tasks.", "أنا واثق من قدرتي على الأداء الجيد في مهام مختلفة كثيرة.", (0.02, 0.10, 0.20, 0.47, 0.21)),
        ("Compared with other people, I can do most tasks very well.", "مقارنةً بالآخرين، أستطيع القيام بمعظم المهام بشكل جيد جداً.", (0.03, 0.12, 0.26, 0.42, 0.17)),
        ("Even when things are tough, I can perform quite well.", "حتى عندما تكون الأمور صعبة، أستطيع الأداء بشكل جيد.", (0.03, 0.13, 0.23, 0.44, 0.17)),
    ), start=1))
MOVEMENT = tuple(
    Item(f"go_{key}", E, f"Going alone to {en}", f"الذهاب وحدها إلى {ar}", f"Can you go alone to {en}?", f"هل تستطيعين الذهاب وحدك إلى {ar}؟", "movement",
         scale(shares, trait="norms", load=-0.40, age=-0.12, edu=-0.10, rural=0.25, place=0.24), "sel_sex == 2", refused=0.003,
         indicators=("WE20",))
    for key, en, ar, shares in (
        ("market", "the market", "السوق", (0.42, 0.33, 0.19, 0.06)),
        ("clinic", "a health centre or clinic", "المركز الصحي أو العيادة", (0.43, 0.32, 0.20, 0.05)),
        ("relatives", "relatives or friends outside the neighbourhood", "الأقارب أو الصديقات خارج الحي", (0.34, 0.36, 0.23, 0.07)),
        ("training", "a training centre or a public meeting", "مركز تدريب أو لقاء عام", (0.30, 0.32, 0.25, 0.13)),
    ))

RIGHTS_KEY = {"right_maternity": 1, "right_dismissal": 2, "right_marriage": 1, "right_pay": 1, "right_account": 2}
RIGHTS = tuple(
    Item(name, "rights", en, ar, f"True, false, or do you not know: {en}", f"صحيح أم خطأ أم لا تعرف: {ar}", "right_wrong",
         knows(RIGHTS_KEY[name], share, unknown, trait="skill", load=0.30, edu=0.12), _ADULT, says_unknown=True, refused=0.003,
         indicators=("WE22",))
    for name, en, ar, share, unknown in (
        ("right_maternity", "The labour law gives a working woman ten weeks of paid maternity leave.",
         "يمنح قانون العمل المرأة العاملة إجازة أمومة مدفوعة الأجر مدتها عشرة أسابيع.", 0.58, 0.21),
        ("right_dismissal", "An employer may dismiss a woman because she is in the sixth month of pregnancy.",
         "يجوز لصاحب العمل إنهاء خدمة المرأة لأنها في الشهر السادس من الحمل.", 0.52, 0.22),
        ("right_marriage", "The legal age of marriage is 18, with exceptions decided by a court.",
         "السن القانوني للزواج هو 18 سنة مع استثناءات تقررها المحكمة.", 0.72, 0.11),
        ("right_pay", "The labour law forbids paying women less than men for work of equal value.",
         "يحظر قانون العمل دفع أجر للمرأة أقل من الرجل عن العمل ذي القيمة المتساوية.", 0.49, 0.24),
        ("right_account", "A wife needs her husband's written consent to open a bank account.",
         "تحتاج الزوجة إلى موافقة خطية من زوجها لفتح حساب بنكي.", 0.55, 0.18),
    ))

ITEMS = (*DECISIONS, MARRIAGE, ALONE, *BEATING, *OWNERSHIP, *CARE, *NORMS, *EFFICACY, *MOVEMENT, *RIGHTS)
