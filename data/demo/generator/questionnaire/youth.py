"""Civic life, elections, migration, enterprise and outlook."""

from __future__ import annotations

import numpy as np

from ..models import Asked, scale, score, several, yes
from .spec import LISTS, Item

LISTS["civic"] = (
    (1, "Attended a meeting on a local issue", "حضر اجتماعاً حول قضية محلية"), (2, "Signed a petition on paper", "وقّع عريضة ورقية"),
    (3, "Active member of a club, association or group", "عضو نشط في نادٍ أو جمعية أو مجموعة"),
    (4, "Took part in a community project or campaign", "شارك في مشروع أو حملة مجتمعية"),
    (5, "Signed a petition online", "وقّع عريضة إلكترونية"), (6, "Posted or shared content on public affairs online", "نشر أو شارك محتوى عن الشأن العام عبر الإنترنت"),
    (7, "Contacted an official or the media online", "تواصل مع مسؤول أو وسيلة إعلام عبر الإنترنت"), (0, "None of these", "لا شيء مما سبق"))
LISTS["voted"] = ((1, "Voted", "اقترعت"), (2, "Did not vote", "لم أقترع"), (3, "Was not yet of voting age", "لم أكن قد بلغت سن الاقتراع"))
LISTS["interest"] = ((1, "Very interested", "مهتم جداً"), (2, "Somewhat interested", "مهتم إلى حد ما"), (3, "Little interested", "مهتم قليلاً"),
                     (4, "Not interested at all", "غير مهتم إطلاقاً"))
LISTS["party"] = ((1, "Is a member", "عضو في حزب"), (2, "Would consider joining", "قد يفكر في الانضمام"), (3, "Would not join", "لا ينوي الانضمام"))
LISTS["move"] = ((1, "Move permanently to another country", "الانتقال للعيش الدائم في بلد آخر"), (2, "Continue living in this country", "الاستمرار في العيش في هذا البلد"))
LISTS["move_reason"] = ((1, "Work or income", "العمل أو الدخل"), (2, "Study", "الدراسة"), (3, "Family", "أسباب عائلية"),
                        (4, "Freedom, rights or safety", "الحرية أو الحقوق أو الأمان"), (5, "Better services", "خدمات أفضل"), (6, "Other reason", "سبب آخر"))
LISTS["ladder"] = tuple((k, str(k), str(k)) for k in range(11))
LISTS["future"] = ((1, "Much worse", "أسوأ بكثير"), (2, "Worse", "أسوأ"), (3, "The same", "كما هو"), (4, "Better", "أفضل"), (5, "Much better", "أفضل بكثير"))

_POLITICAL = "sel_age >= 18"
_CITIZEN = "sel_age >= 18 and q_nationality == 1"
_VOTER_AGE = {2022: 20, 2024: 18, 2026: 20}  # of voting age on the election day before the wave, by completed years
_TURNOUT = {2022: 0.42, 2024: 0.45, 2026: 0.44}  # reported: about twelve points above F210 and F169
_PLACE = {11: -.62, 12: .18, 13: -.50, 14: .38, 21: .15, 22: .48, 23: .55, 24: .55, 31: .75, 32: .60, 33: .72, 34: .10}


def _vote(a: Asked) -> np.ndarray:
    place = np.zeros(35)
    place[list(_PLACE)] = list(_PLACE.values())
    z = score(a, "engagement", 0.35, -0.18, 0.07, -0.04, 0.0, 0.15, 0.0, 0.22) + place[a.governorate]
    old = a.age >= _VOTER_AGE[a.view.wave]
    bar = np.quantile(z[old], 1 - _TURNOUT[a.view.wave]) if old.any() else 0.0
    return np.where(~old, 3, np.where(z > bar, 1, 2)).astype(np.float32)


_BASE = dict(trait="engagement", load=0.55)
_CIVIC = several({
    1: dict(share=0.115, woman=-0.25, rural=0.15, **_BASE), 2: dict(share=0.035, edu=0.08, **_BASE),
    3: dict(share=0.075, woman=-0.10, edu=0.10, age=-0.05, **_BASE), 4: dict(share=0.105, edu=0.06, age=-0.08, **_BASE),
    5: dict(share=0.07, edu=0.12, age=-0.18, trait="engagement", load=0.50), 6: dict(share=0.21, edu=0.08, age=-0.22, drift=0.08, **_BASE),
    7: dict(share=0.05, edu=0.10, age=-0.08, **_BASE)}, none=0)

C, P, M, B, L = "civic", "politics", "migration", "enterprise", "outlook"
ITEMS = (
    Item("civic", C, "Civic activities in the last 12 months", "أنشطة مدنية خلال آخر 12 شهراً",
         "In the past 12 months, have you done any of the following?", "خلال آخر 12 شهراً، هل قمت بأي مما يلي؟", "civic", _CIVIC, dont_know=0.002,
         refused=0.006, several=True, indicators=("YO05",)),
    Item("volunteer_org", C, "Volunteered for an organisation in 4 weeks", "تطوع لدى مؤسسة خلال 4 أسابيع",
         "In the last four weeks, did you do any unpaid voluntary work for an organisation?", "خلال الأسابيع الأربعة الماضية، هل قمت بأي عمل تطوعي دون أجر لدى مؤسسة أو جمعية؟",
         "yes_no", yes(0.052, trait="engagement", load=0.45, edu=0.10, age=-0.10), dont_know=0.002, indicators=("YO06",)),
    Item("volunteer_direct", C, "Helped people outside the household in 4 weeks", "ساعد أشخاصاً من خارج الأسرة خلال 4 أسابيع",
         "In the last four weeks, did you give unpaid help directly to people outside your household?",
         "خلال الأسابيع الأربعة الماضية، هل قدّمت مساعدة دون أجر مباشرةً لأشخاص من خارج أسرتك؟", "yes_no",
         yes(0.135, trait="engagement", load=0.35, woman=-0.05), dont_know=0.002, indicators=("YO06",)),
    Item("vote", P, "Voted in the last parliamentary election", "اقترع في آخر انتخابات نيابية",
         "Did you vote in the last parliamentary election (waves 2024 and 2026: 10 September 2024; wave 2022: 10 November 2020)?",
         "هل اقترعت في آخر انتخابات نيابية (جولتا 2024 و2026: 10 أيلول 2024؛ جولة 2022: 10 تشرين الثاني 2020)؟", "voted", _vote, _CITIZEN,
         dont_know=0.004, refused=0.016, indicators=("YO07",)),
    Item("interest", P, "Interest in politics", "الاهتمام بالسياسة", "In general, how interested are you in politics?", "بشكل عام، ما مدى اهتمامك بالسياسة؟", "interest",
         scale((0.075, 0.245, 0.265, 0.415), trait="engagement", load=-0.50, woman=0.15, age=-0.04, edu=-0.08), _POLITICAL, dont_know=0.006,
         refused=0.012, indicators=("YO08",)),
    Item("understands", P, "Understands the important political issues", "يفهم القضايا السياسية المهمة",
         "I feel I understand the important political issues facing Jordan.", "أشعر أنني أفهم القضايا السياسية المهمة التي تواجه الأردن.", "agree5",
         scale((0.13, 0.25, 0.25, 0.28, 0.09), trait="engagement", load=0.45, edu=0.14, woman=-0.15), _POLITICAL, dont_know=0.03, refused=0.01,
         indicators=("YO09",)),
    Item("party", P, "Party membership or intention", "عضوية حزب أو نية الانضمام", "Are you a member of a political party, or would you consider joining one?",
         "هل أنت عضو في حزب سياسي، أو هل تفكر في الانضمام إلى حزب؟", "party",
         scale((0.014, 0.125, 0.861), trait="engagement", load=-0.50, woman=0.12, edu=-0.06, drift=-0.06), _CITIZEN, dont_know=0.012, refused=0.03,
         waves=(2024, 2026), indicators=("YO10",)),
    Item("move_ideal", M, "Would ideally move to another country", "يرغب مثالياً في الانتقال إلى بلد آخر",
         "Ideally, if you had the opportunity, would you like to move permanently to another country, or continue living in this country?",
         "لو أتيحت لك الفرصة، هل تفضل الانتقال للعيش الدائم في بلد آخر أم الاستمرار في العيش في هذا البلد؟", "move",
         scale((0.31, 0.69), trait="wellbeing", load=0.30, woman=0.35, age=0.28, edu=-0.05), dont_know=0.015, refused=0.006, indicators=("YO12",),
         keep=True),
    Item("move_plan", M, "Has made plans or preparations to move", "وضع خططاً أو استعد للانتقال", "Have you made concrete plans or preparations to move?",
         "هل وضعت خططاً ملموسة أو قمت باستعدادات للانتقال؟", "yes_no", yes(0.17, woman=-0.25, edu=0.10), "move_ideal == 1", refused=0.006,
         indicators=("YO12",)),
    Item("move_thought", M, "Has thought about emigrating", "فكّر في الهجرة", "Have you ever thought about emigrating from your country?", "هل فكّرت في الهجرة من بلدك؟", "yes_no",
         yes(0.42, trait="wellbeing", load=-0.30, woman=-0.30, age=-0.25, edu=0.06), dont_know=0.008, refused=0.006, indicators=("YO12",), keep=True),
    Item("move_reason", M, "Main reason for thinking of emigrating", "السبب الرئيسي للتفكير في الهجرة", "What is the main reason?", "ما هو السبب الرئيسي؟", "move_reason",
         scale((0.66, 0.10, 0.06, 0.08, 0.07, 0.03), woman=0.25), "move_thought == 1", dont_know=0.004, refused=0.004, indicators=("YO12",)),
    Item("starting", B, "Is trying to start a new business", "يحاول بدء مشروع جديد", "Are you, alone or with others, currently trying to start a new business?",
         "هل تحاول حالياً، وحدك أو مع آخرين، بدء مشروع جديد؟", "yes_no", yes(0.072, trait="efficacy", load=0.35, woman=-0.35, edu=0.06), "sel_age >= 18 and sel_age <= 64",
         dont_know=0.002, refused=0.004, indicators=("YO13",)),
    Item("owner_manager", B, "Owns and manages a business", "يملك مشروعاً ويديره", "Are you, alone or with others, the owner of a business you help manage?",
         "هل أنت، وحدك أو مع آخرين، مالك لمشروع تشارك في إدارته؟", "yes_no", yes(0.085, trait="efficacy", load=0.30, woman=-0.50, age=0.10, wealth=0.20),
         "sel_age >= 18 and sel_age <= 64", refused=0.006, indicators=("YO13",), keep=True),
    Item("business_months", B, "Months the business has paid wages or profits", "عدد أشهر دفع المشروع أجوراً أو أرباحاً",
         "For how many months has the business paid wages or profits?", "منذ كم شهراً يدفع المشروع أجوراً أو أرباحاً؟", "integer",
         lambda a: np.clip(np.round(a.rng.gamma(1.1, 42, a.rows.size)), 0, 480).astype(np.float32), "owner_manager == 1", dont_know=0.02, refused=0.01,
         silent_codes=(998, 999), limits=(0, 600), indicators=("YO13",)),
    Item("will_start", B, "Expects to start a business within 3 years", "يتوقع بدء مشروع خلال 3 سنوات", "Do you expect to start a new business within the next three years?",
         "هل تتوقع أن تبدأ مشروعاً جديداً خلال السنوات الثلاث القادمة؟", "yes_no", yes(0.21, trait="efficacy", load=0.40, woman=-0.25, age=-0.15, edu=0.05),
         "sel_age >= 18 and sel_age <= 64", dont_know=0.03, refused=0.004, indicators=("YO13",)),
    Item("ladder_now", L, "Ladder of life today, 0 to 10", "سلّم الحياة اليوم من 0 إلى 10",
         "Imagine a ladder with steps from 0 at the bottom, the worst possible life, to 10 at the top, the best possible life. On which step do you stand today?",
         "تخيّل سلّماً درجاته من 0 في الأسفل وتعني أسوأ حياة ممكنة إلى 10 في الأعلى وتعني أفضل حياة ممكنة. على أي درجة تقف اليوم؟", "ladder",
         scale((0.06, 0.05, 0.08, 0.12, 0.15, 0.22, 0.11, 0.10, 0.06, 0.03, 0.02), codes=tuple(range(11)), trait="wellbeing", load=0.60, wealth=0.12),
         dont_know=0.004, refused=0.002, indicators=("YO16",)),
    Item("ladder_future", L, "Ladder of life in five years, 0 to 10", "سلّم الحياة بعد خمس سنوات من 0 إلى 10", "On which step do you think you will stand in five years?",
         "على أي درجة تعتقد أنك ستقف بعد خمس سنوات من الآن؟", "ladder",
         scale((0.06, 0.03, 0.05, 0.08, 0.09, 0.17, 0.11, 0.14, 0.13, 0.08, 0.06), codes=tuple(range(11)), trait="wellbeing", load=0.55, age=-0.18),
         dont_know=0.05, refused=0.002, indicators=("YO16",)),
    Item("future", L, "Own situation in five years", "الوضع الشخصي بعد خمس سنوات", "In five years, do you expect your situation to be better, the same or worse?",
         "بعد خمس سنوات، هل تتوقع أن يكون وضعك أفضل أم كما هو أم أسوأ؟", "future",
         scale((0.09, 0.18, 0.29, 0.33, 0.11), trait="wellbeing", load=0.50, age=-0.15), dont_know=0.045, refused=0.002, indicators=("YO18",)),
)
