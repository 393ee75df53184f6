"""News, trust, doubt, checking, headlines, skills."""

from __future__ import annotations

import numpy as np

from ..models import Asked, Model, knows, scale, score, several, yes
from .governance import trust
from .spec import LISTS, Item

_SOURCES = ((1, "Television", "التلفزيون"), (2, "News sites", "المواقع الإخبارية"), (3, "Facebook", "فيسبوك"), (4, "WhatsApp or Telegram", "واتساب أو تلغرام"),
            (5, "TikTok, Instagram or YouTube", "تيك توك أو إنستغرام أو يوتيوب"), (6, "Radio", "الإذاعة"), (7, "People I know", "الأهل والمعارف"))
LISTS["main_source"] = (*_SOURCES, (8, "Does not follow the news", "لا يتابع الأخبار"))
LISTS["week_sources"] = (*_SOURCES, (0, "None", "لا شيء"))
LISTS["avoid4"] = ((1, "Often", "غالباً"), (2, "Sometimes", "أحياناً"), (3, "Occasionally", "نادراً"), (4, "Never", "أبداً"))
LISTS["seen5"] = ((1, "Daily or almost", "يومياً أو شبه يومي"), (2, "Weekly", "أسبوعياً"), (3, "A few times in the month", "بضع مرات في الشهر"),
                  (4, "Once", "مرة واحدة"), (5, "Never", "أبداً"))
LISTS["accuracy4"] = ((1, "Not at all accurate", "غير دقيق إطلاقاً"), (2, "Not very accurate", "غير دقيق"), (3, "Somewhat accurate", "دقيق إلى حد ما"),
                      (4, "Very accurate", "دقيق جداً"))
LISTS["real_fake"] = ((1, "Real", "حقيقي"), (2, "Fake", "مزيف"))
LISTS["known3"] = ((1, "Heard of it and used it in 12 months", "سمع بها واستخدمها خلال 12 شهراً"), (2, "Heard of it only", "سمع بها فقط"), (3, "Has not heard of it", "لم يسمع بها"))
LISTS["skills"] = (
    (1, "Copied or moved text or files", "نسخ أو نقل نصوصاً أو ملفات"), (2, "Sent a message or e-mail with an attachment", "أرسل رسالة أو بريداً إلكترونياً مع مرفق"),
    (3, "Used formulas in a spreadsheet", "استخدم معادلات في جدول إلكتروني"), (4, "Made a presentation, picture or video", "أعدّ عرضاً أو صورة أو مقطع فيديو"),
    (5, "Installed software or an application", "ثبّت برنامجاً أو تطبيقاً"), (6, "Changed privacy or security settings", "غيّر إعدادات الخصوصية أو الأمان"),
    (7, "Checked the reliability of information found online", "تحقق من موثوقية معلومات وجدها على الإنترنت"), (8, "Found goods, services or public information online", "بحث عن سلع أو خدمات أو معلومات عامة"),
    (9, "Used an online service of the government", "استخدم خدمة حكومية إلكترونية"), (10, "Wrote code", "كتب برنامجاً بلغة برمجة"), (0, "None of these", "لا شيء مما سبق"))

_NET = "internet == 1"
_SOCIAL = "internet == 1 and social_media == 1"
NET_USE = {2022: 0.905, 2024: 0.945, 2026: 0.957}  # F217 (2023) and F216 (2024), persons 5 and over; 2022, 2026 assumed


def _internet(a: Asked) -> np.ndarray:
    return yes(NET_USE[a.view.wave], trait="digital", load=0.45, age=-0.22, edu=0.10, woman=-0.08)(a)


def _main(a: Asked) -> np.ndarray:
    z = score(a, "digital", 0.35, 0.0, -0.30, 0.06, 0.0, -0.05, 0.0, 0.15)
    z = (z - z.mean()) / z.std() + 0.12 * (a.view.wave - 2024) / 2
    u = a.rng.random(a.rows.size)
    old = np.select([u < 0.62, u < 0.70, u < 0.88], [1, 6, 7], 8)
    middle = np.select([u < 0.46, u < 0.62, u < 0.78, u < 0.90], [3, 2, 4, 1], 8)
    young = np.select([u < 0.42, u < 0.72, u < 0.84, u < 0.90], [5, 3, 2, 4], 8)
    return np.where(z < -0.65, old, np.where(z < 0.55, middle, young)).astype(np.float32)


def headline(true: bool, level: float) -> Model:
    """Accuracy rating 1–4: skill moves true items up and false ones down, credulity moves both up."""

    def answer(a: Asked) -> np.ndarray:
        push = 0.42 * a.trait("skill") * (1 if true else -1)
        credulous = 0.30 * a.trait("trust") - 0.10 * a.trait("norms")
        z = level + push + credulous + 0.78 * a.rng.standard_normal(a.rows.size) + 0.10 * a.blocks
        return (1 + np.searchsorted([-0.85, 0.0, 0.95], z)).astype(np.float32)

    return answer


def binary(true: bool, level: float) -> Model:
    """Real (1) or fake (2) from the same dispositions."""

    def answer(a: Asked) -> np.ndarray:
        z = level + 0.45 * a.trait("skill") * (1 if true else -1) + 0.25 * a.trait("trust") + 0.80 * a.rng.standard_normal(a.rows.size)
        return np.where(z > 0, 1, 2).astype(np.float32)

    return answer


HEADLINES = (  # (true?, English, Arabic, level)
    (True, "Jordan has twelve governorates.", "في الأردن اثنتا عشرة محافظة.", 1.10),
    (False, "A new law cancels all school examinations from next week.", "قانون جديد يلغي جميع الامتحانات المدرسية اعتباراً من الأسبوع القادم.", -0.55),
    (True, "Statistics: fewer than one woman in four of working age is in the labour force.", "إحصاءات: أقل من امرأة واحدة من كل أربع في سن العمل ضمن قوة العمل.", 0.45),
    (False, "Drinking hot water with lemon cures diabetes in ten days.", "شرب الماء الساخن مع الليمون يشفي من السكري خلال عشرة أيام.", -0.25),
    (True, "Some seats in parliament are reserved for women.", "بعض المقاعد في مجلس النواب مخصصة للنساء.", 0.85),
    (False, "The bank pays every citizen who forwards this message fifty dinars.", "البنك يدفع خمسين ديناراً لكل مواطن يعيد إرسال هذه الرسالة.", -0.70),
    (True, "Most households in the country have a smartphone.", "معظم الأسر في البلاد لديها هاتف ذكي.", 1.05),
    (False, "Mobile phone masts were switched off because they spread influenza.", "أُوقفت أبراج الهواتف لأنها تنشر الإنفلونزا.", -0.35),
    (True, "The average household has fewer than six members.", "متوسط حجم الأسرة أقل من ستة أفراد.", 0.50),
    (False, "Scientists confirm that the sea at Aqaba will dry up this summer.", "علماء يؤكدون أن بحر العقبة سيجف هذا الصيف.", -0.60),
)
SHORT_TEST = (
    (True, "Ministry publishes the timetable of the secondary certificate examinations.", "الوزارة تنشر برنامج امتحانات الثانوية العامة.", 0.65),
    (False, "Secret list names shops that sell plastic rice.", "قائمة سرية بأسماء محلات تبيع أرزاً بلاستيكياً.", -0.15),
    (True, "Municipality announces the hours of water distribution for the summer.", "البلدية تعلن ساعات توزيع المياه خلال الصيف.", 0.60),
    (False, "One spice found in every kitchen makes vaccines unnecessary.", "نوع من التوابل في كل مطبخ يغني عن اللقاحات.", -0.30),
    (True, "Statistics office reports fewer unemployed than a year ago.", "دائرة الإحصاءات تعلن انخفاض عدد المتعطلين عن العام الماضي.", 0.20),
    (False, "Hidden camera proves that clouds are made by aircraft.", "كاميرا خفية تثبت أن الغيوم تصنعها الطائرات.", -0.45),
    (True, "University opens a programme in renewable energy.", "جامعة تفتتح تخصصاً في الطاقة المتجددة.", 0.55),
    (False, "Free petrol for drivers whose plate ends in seven.", "بنزين مجاني للسائقين الذين تنتهي لوحاتهم بالرقم سبعة.", -0.65),
)

_W = dict(trait="digital", load=0.30)
WEEK = several({1: dict(share=0.56, age=0.18, place=0.15), 2: dict(share=0.36, edu=0.15, **_W), 3: dict(share=0.55, age=-0.05, **_W), 4: dict(share=0.43, **_W),
                5: dict(share=0.45, age=-0.28, drift=0.15, **_W), 6: dict(share=0.19, age=0.15, woman=-0.20), 7: dict(share=0.40, edu=-0.05)}, none=0)
SKILLS = several({1: dict(share=0.46, edu=0.22, age=-0.15, **_W), 2: dict(share=0.50, edu=0.22, age=-0.15, **_W), 3: dict(share=0.16, edu=0.35, age=-0.10, **_W),
                  4: dict(share=0.25, edu=0.25, age=-0.18, **_W), 5: dict(share=0.41, edu=0.12, age=-0.18, woman=-0.12, **_W), 6: dict(share=0.33, edu=0.15, age=-0.18, **_W),
                  7: dict(share=0.30, edu=0.22, trait="skill", load=0.40), 8: dict(share=0.52, edu=0.15, age=-0.12, **_W), 9: dict(share=0.31, edu=0.20, drift=0.15, **_W),
                  10: dict(share=0.04, edu=0.22, age=-0.12, woman=-0.10, **_W)}, none=0)

N, V, H, D = "news", "checking", "headlines", "digital"
OUTLETS = tuple(
    trust(key, en, ar, shares, unknown, ("MI05",), N, "")
    for key, en, ar, shares, unknown in (
        ("statetv", "state television", "التلفزيون الرسمي", (0.22, 0.38, 0.24, 0.16), 0.03),
        ("private", "private news sites and channels", "المواقع والقنوات الإخبارية الخاصة", (0.10, 0.37, 0.34, 0.19), 0.04),
        ("press", "newspapers", "الصحف", (0.08, 0.249, 0.38, 0.291), 0.06),  # F249: 32.9
        ("social", "social media", "وسائل التواصل الاجتماعي", (0.06, 0.24, 0.39, 0.31), 0.03),
    ))
VERIFY = tuple(
    Item(f"check_{key}", V, f"When in doubt: {en}", f"عند الشك: {ar}", f"When you see news you doubt, how often do you {en}?", f"عندما ترى خبراً تشك فيه، كم مرة {ar}؟", "often5",
         scale(shares, trait="skill", load=0.50, edu=0.10, age=-0.05), "internet == 1 and doubted == 1", dont_know=0.008, refused=0.002, indicators=("MI08", "MI15"))
    for key, en, ar, shares in (
        ("source", "look who published it", "تنظر إلى الجهة التي نشرته", (0.18, 0.20, 0.27, 0.22, 0.13)),
        ("date", "look at its date", "تنظر إلى تاريخه", (0.25, 0.22, 0.25, 0.18, 0.10)),
        ("other", "look for it in other outlets", "تبحث عنه في وسائل إعلام أخرى", (0.20, 0.20, 0.27, 0.22, 0.11)),
        ("image", "search for the picture", "تبحث عن أصل الصورة", (0.52, 0.22, 0.15, 0.08, 0.03)),
        ("checker", "look at a fact-checking site", "ترجع إلى منصة تحقق", (0.63, 0.18, 0.12, 0.05, 0.02)),
        ("expert", "ask someone who knows", "تسأل شخصاً مختصاً", (0.30, 0.22, 0.26, 0.15, 0.07)),
    ))
RATED = tuple(
    Item(f"headline_{k}", H, f"Accuracy: {en}", f"الدقة: {ar}", f"To the best of your knowledge, how accurate is this headline: {en}",
         f"حسب معرفتك، ما مدى دقة هذا العنوان: {ar}", "accuracy4", headline(true, level), _NET, dont_know=0.035, refused=0.004, indicators=("MI10", "MI11"))
    for k, (true, en, ar, level) in enumerate(HEADLINES, start=1))
TESTED = tuple(
    Item(f"test_{k}", H, f"Real or fake: {en}", f"حقيقي أم مزيف: {ar}", f"Is this headline real or fake: {en}", f"هل هذا العنوان حقيقي أم مزيف: {ar}", "real_fake",
         binary(true, level), _NET, dont_know=0.02, refused=0.004, waves=(2024, 2026), indicators=("MI12",))
    for k, (true, en, ar, level) in enumerate(SHORT_TEST, start=1))
MIL = tuple(
    Item(f"mil_{key}", D, f"Knows: {en}", f"المعرفة: {ar}", f"True or false: {en}", f"صحيح أم خطأ: {ar}", "right_wrong",
         knows(right, share - 0.08, 0.13, trait="skill", load=0.45, edu=0.15), "", says_unknown=True, refused=0.003, indicators=("MI15",))
    for key, en, ar, right, share in (
        ("advert", "A post marked “sponsored” has been paid for.", "المنشور الذي يحمل كلمة «مموّل» مدفوع الثمن.", 1, 0.72),
        ("feed", "Everybody sees the same posts in the same order on social media.", "يرى جميع الناس المنشورات نفسها بالترتيب نفسه على وسائل التواصل.", 2, 0.58),
        ("opinion", "An opinion article and a news report are the same thing.", "مقال الرأي والخبر شيء واحد.", 2, 0.63),
        ("edited", "A picture can be changed so that it shows what never happened.", "يمكن تعديل صورة بحيث تُظهر ما لم يحدث.", 1, 0.84),
        ("top", "The first result of a search is always the most reliable.", "أول نتيجة في محرك البحث هي الأكثر موثوقية دائماً.", 2, 0.49),
        ("licence", "Any picture found online may be used freely.", "يجوز استخدام أي صورة من الإنترنت بحرية.", 2, 0.52),
    ))
CHECKERS = tuple(
    Item(f"know_{key}", V, f"Knows the fact-checker {en}", f"معرفة منصة {ar}", f"Have you heard of {en}, and used it in the past 12 months?", f"هل سمعت بمنصة {ar}، وهل استخدمتها خلال آخر 12 شهراً؟",
         "known3", scale(shares, trait="skill", load=-0.40, edu=-0.12), _NET, dont_know=0.004, indicators=("MI16",))
    for key, en, ar, shares in (("akeed", "AKEED", "أكيد", (0.04, 0.13, 0.83)), ("misbar", "Misbar", "مسبار", (0.03, 0.10, 0.87)),
                                ("fatabyyano", "Fatabyyano", "فتبينوا", (0.05, 0.16, 0.79))))

ITEMS = (
    Item("internet", D, "Used the internet in the last 3 months", "استخدم الإنترنت خلال آخر 3 أشهر", "Have you used the internet in the last three months?",
         "هل استخدمت الإنترنت خلال الأشهر الثلاثة الماضية؟", "yes_no", _internet, dont_know=0.001, indicators=("MI14",), keep=True),
    Item("social_media", D, "Uses social media", "يستخدم وسائل التواصل الاجتماعي", "Do you use social media?", "هل تستخدم وسائل التواصل الاجتماعي؟", "yes_no",
         yes(0.93, trait="digital", load=0.40, age=-0.12), _NET, indicators=("MI09",), keep=True),
    Item("skill", D, "Digital activities in the last 3 months", "أنشطة رقمية خلال آخر 3 أشهر", "In the last three months, have you done any of the following?",
         "خلال الأشهر الثلاثة الماضية، هل قمت بأي مما يلي؟", "skills", SKILLS, _NET, dont_know=0.004, several=True, indicators=("MI13", "MI15")),
    *MIL,
    Item("main_source", N, "Main source of news", "المصدر الرئيسي للأخبار", "Which is your MAIN source of news?", "ما هو مصدرك الرئيسي للأخبار؟", "main_source", _main,
         dont_know=0.004, refused=0.002, indicators=("MI01",), keep=True),
    Item("news_week", N, "Source of news in the last week", "مصدر الأخبار خلال الأسبوع الماضي", "Which of these have you used in the last week as a source of news?",
         "أي مما يلي استخدمته خلال الأسبوع الماضي كمصدر للأخبار؟", "week_sources", WEEK, dont_know=0.003, several=True, indicators=("MI02",)),
    Item("avoids", N, "Actively avoids the news", "يتجنب الأخبار", "Do you find yourself actively trying to avoid news these days?", "هل تجد نفسك تحاول تجنب الأخبار هذه الأيام؟", "avoid4",
         scale((0.14, 0.27, 0.26, 0.33), trait="wellbeing", load=0.25, woman=-0.20), "main_source in [1, 2, 3, 4, 5, 6, 7]", dont_know=0.006, refused=0.002, indicators=("MI03",)),
    Item("trust_news", N, "Most news can be trusted most of the time", "يمكن الثقة بمعظم الأخبار معظم الوقت", "I think you can trust most news most of the time.",
         "أعتقد أنه يمكن الثقة بمعظم الأخبار معظم الوقت.", "agree5", scale((0.14, 0.27, 0.26, 0.26, 0.07), trait="trust", load=0.45), dont_know=0.01, refused=0.004,
         indicators=("MI04",)),
    *OUTLETS,
    Item("seen_false", V, "Came across false or misleading news", "صادف أخباراً زائفة أو مضللة",
         "In the last month, how often did you come across news you believed was false or misleading?", "خلال الشهر الماضي، كم مرة صادفت أخباراً تعتقد أنها زائفة أو مضللة؟", "seen5",
         scale((0.27, 0.30, 0.20, 0.09, 0.14), trait="skill", load=-0.35, edu=-0.08), _NET, dont_know=0.025, refused=0.002, indicators=("MI06",)),
    Item("concern", V, "Concerned about what is real and what is fake online", "قلق بشأن ما هو حقيقي وما هو زائف على الإنترنت",
         "Thinking about online news, I am concerned about what is real and what is fake on the internet.", "عند التفكير في الأخبار على الإنترنت، يقلقني التمييز بين ما هو حقيقي وما هو زائف.",
         "agree5", scale((0.06, 0.14, 0.22, 0.36, 0.22), trait="skill", load=0.25, age=0.05), _NET, dont_know=0.012, refused=0.002, indicators=("MI07",)),
    Item("doubted", V, "Saw news of doubtful truth in 3 months", "رأى خبراً مشكوكاً في صحته خلال 3 أشهر", "In the last three months, have you seen news whose truth you doubted?",
         "خلال الأشهر الثلاثة الماضية، هل رأيت خبراً شككت في صحته؟", "yes_no", yes(0.71, trait="skill", load=0.35, edu=0.10), _NET, dont_know=0.02, indicators=("MI08",), keep=True),
    *VERIFY,
    Item("shared", V, "Shared news without checking it in 30 days", "شارك أخباراً دون تحقق خلال 30 يوماً", "In the last month, did you forward or share news without checking it?",
         "خلال الشهر الماضي، هل أعدت إرسال أخبار أو شاركتها دون التحقق منها؟", "yes_no", yes(0.29, trait="skill", load=-0.35, age=0.04), _SOCIAL, dont_know=0.01, refused=0.012,
         indicators=("MI09",)),
    *CHECKERS, *RATED, *TESTED,
)
