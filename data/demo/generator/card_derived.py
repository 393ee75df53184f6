"""Variables the card derives for the indicators beyond work: women, youth, media, governance."""

from __future__ import annotations

import json
import re

from .questionnaire import ITEMS
from .questionnaire.media import HEADLINES
from .questionnaire.women import RIGHTS_KEY


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)


def _both(en: str, ar: str) -> str:
    return f"{{en: {_text(en)}, ar: {_text(ar)}}}"


_ASKED = {column: item for item in ITEMS if item.ask_en for column in item.columns()}
_RESTS_ON: dict[str, list[str]] = {"employment": ["worked", "looked", "available"], "attending": ["q_attending"]}


def _question(name: str, rule: str) -> str:
    """Wording of the questions a rule rests on: at most four, then an ellipsis."""
    columns: list[str] = []
    for word in re.findall(r"[a-z_][a-z0-9_]*", rule):
        columns += [word] if word in _ASKED else _RESTS_ON.get(word, [])
    _RESTS_ON[name] = list(dict.fromkeys(columns))
    items = list(dict.fromkeys(_ASKED[column] for column in columns))
    more = " / …" if len(items) > 4 else ""
    return (f"    question: {_both(' / '.join(i.ask_en for i in items[:4]) + more, ' / '.join(i.ask_ar for i in items[:4]) + more)}")


def _yes(name: str, when: str, en: str, ar: str, universe: str = "", before: str = "") -> str:
    """A 0/1 variable; ``before`` is a case that comes first."""
    first = f"{before}, " if before else ""
    lines = [f"  {name}:", f'    cases: [{first}{{code: 1, when: {_text(when)}}}, {{code: 0, otherwise: true}}]', f"    label: {_both(en, ar)}"]
    lines.append(_question(name, f"{when} {before}"))
    if universe:
        lines.append(f"    universe: {_text(universe)}")
    lines.append('    codes: {0: {en: "No", ar: "لا"}, 1: {en: "Yes", ar: "نعم"}}')
    return "\n".join(lines)


def _sum(name: str, rule: str, en: str, ar: str, unit_en: str, unit_ar: str, universe: str = "") -> str:
    lines = [f"  {name}:", f"    compute: {_text(rule)}", f"    label: {_both(en, ar)}", f"    unit: {_both(unit_en, unit_ar)}", _question(name, rule)]
    if universe:
        lines.append(f"    universe: {_text(universe)}")
    lines.append(f"    note: {_both('Only where every item was answered.', 'فقط حيث أُجيب عن جميع البنود.')}")
    return "\n".join(lines)


def _mean_of(names: list[str]) -> str:
    return f"({' + '.join(names)}) / {len(names)}"


_true = [f"headline_{k}" for k, h in enumerate(HEADLINES, start=1) if h[0]]
_false = [f"headline_{k}" for k, h in enumerate(HEADLINES, start=1) if not h[0]]
_rights = {f"knows_{name.removeprefix('right_')}": (name, key) for name, key in RIGHTS_KEY.items()}
_points = ("points from 0 to 100", "نقطة من 0 إلى 100")

MORE = "\n".join((
    _yes("decides_all", "dec_health in [1, 3] and dec_purchases in [1, 3] and dec_visits in [1, 3]", "Takes part in all three household decisions",
         "تشارك في القرارات الأسرية الثلاثة", "sex == 2 and marital == 2 and age <= 49"),
    _yes("justifies_beating", "beat_out == 1 or beat_children == 1 or beat_argues == 1 or beat_insults == 1 or beat_food == 1",
         "Justifies wife-beating for at least one reason", "الموافقة على مبرر واحد على الأقل لضرب الزوجة", "age <= 49 and alone == 1"),
    _yes("owns_house", "own_house in [1, 2, 3]", "Owns a house or flat, alone or jointly", "يملك منزلاً أو شقة، منفرداً أو مشتركاً", "age >= 18"),
    _yes("owns_land", "own_land in [1, 2, 3]", "Owns land, alone or jointly", "يملك أرضاً، منفرداً أو مشتركاً", "age >= 18"),
    _yes("has_account", "account == 1 or wallet == 1", "Has an account or used a mobile wallet", "لديه حساب مالي أو استخدم محفظة إلكترونية"),
    _yes("married_before_18", "marriage_age < 18", "First married before 18", "تزوجت قبل سن 18", "sex == 2 and age >= 20 and age <= 24",
         '{code: 0, when: "marital == 1"}'),
    _yes("married_before_15", "marriage_age < 15", "First married before 15", "تزوجت قبل سن 15", "sex == 2 and age >= 20 and age <= 24",
         '{code: 0, when: "marital == 1"}'),
    _sum("unpaid_hours", "hours_cooking + hours_cleaning + hours_children + hours_others", "Hours of unpaid domestic and care work yesterday",
         "ساعات العمل المنزلي والرعاية غير المدفوعة أمس", "hours", "ساعة"),
    _sum("norms_index", "((norm_leaders - 1) + (norm_final - 1) + (norm_university - 1) + (norm_jobs - 1) + (4 - norm_work)) / 15 * 100",
         "Gender-norms index (100 = egalitarian)", "مؤشر المعايير الاجتماعية المساندة للمساواة (100 = مساندة تامة)", *_points, "age >= 18"),
    _sum("efficacy_score", " + ".join(f"able_{k}" for k in range(1, 9)), "Self-efficacy score, 8 to 40", "درجة الفاعلية الذاتية من 8 إلى 40", "points", "نقطة"),
    _yes("efficacious", "efficacy_score >= 32", "Adequate self-efficacy (32 or more)", "فاعلية ذاتية كافية (32 فأكثر)"),
    _yes("moves_freely", "go_market in [1, 2] and go_clinic in [1, 2] and go_relatives in [1, 2] and go_training in [1, 2]",
         "Can go alone to all four places", "تستطيع الذهاب وحدها إلى الأماكن الأربعة", "sex == 2"),
    *(_yes(name, f"{source} == {key}", f"Correct answer: {name.removeprefix('knows_')}", f"إجابة صحيحة: {source}", "age >= 18",
           f'{{code: 0, when: "missing({source}, \\"dont_know\\")"}}'.replace('\\"', "'")) for name, (source, key) in _rights.items()),
    _sum("rights_score", f"({' + '.join(_rights)}) / {len(_rights)} * 100", "Legal-rights score: share of correct answers",
         "مؤشر المعرفة بالحقوق القانونية: نسبة الإجابات الصحيحة", *_points, "age >= 18"),
    _yes("neet", "employment != 1 and attending == 2", "Neither in employment nor in education or training", "خارج العمل والتعليم والتدريب", "age <= 29"),
    _yes("unemployed_of_all", "employment == 2", "Unemployed, of the whole population", "متعطل، من مجموع السكان"),
    """  transition:
    cases:
      - {code: 1, when: "employment == 1 and attending == 2 and ((work_status == 1 and contract == 1) or job_satisfaction in [1, 2])"}
      - {code: 2, when: "employment in [1, 2] or (wants_work == 1 and attending == 2)"}
      - {code: 3, otherwise: true}
    universe: "age <= 29"
    label: {en: "Transition from school to work", ar: "مرحلة الانتقال من الدراسة إلى العمل"}
    question: {en: "What kind of contract or agreement do you have? / Overall, how satisfied are you with your main job? / Have you attended school, college, university or a training course in the last four weeks?", ar: "ما نوع العقد أو الاتفاق في عملك؟ / بشكل عام، ما مدى رضاك عن عملك الرئيسي؟ / هل كنت ملتحقاً بمدرسة أو كلية أو جامعة أو دورة تدريبية خلال الأسابيع الأربعة الماضية؟"}
    codes: {1: {en: "Settled in work", ar: "مستقر في العمل"}, 2: {en: "In transition", ar: "في مرحلة الانتقال"}, 3: {en: "Not started", ar: "لم يبدأ"}}""",
    _sum("civic_count", " + ".join(f"civic_{k}" for k in range(1, 8)), "Number of civic activities in 12 months", "عدد الأنشطة المدنية خلال 12 شهراً", "activities", "نشاط"),
    _yes("civic_any", "civic_count >= 1", "At least one civic activity", "نشاط مدني واحد على الأقل"),
    _yes("volunteered", "volunteer_org == 1 or volunteer_direct == 1", "Volunteered in 4 weeks", "تطوع خلال 4 أسابيع"),
    _yes("voted", "vote == 1", "Voted (own statement; citizens of voting age on election day)", "اقترع (إفادة ذاتية؛ المواطنون في سن الاقتراع يوم الانتخاب)",
         "age >= 18 and nationality == 1", '{missing: not_applicable, when: "vote == 3"}'),
    _yes("early_business", "starting == 1 or (owner_manager == 1 and business_months <= 42)", "Early-stage entrepreneurial activity", "النشاط الريادي المبكر",
         "age >= 18 and age <= 64"),
    _yes("thriving", "ladder_now >= 7 and ladder_future >= 8", "Thriving (ladder 7 or more today, 8 or more in five years)", "مزدهر (7 فأكثر اليوم و8 فأكثر بعد خمس سنوات)"),
    _sum("checking_index", f"({_mean_of(['check_source', 'check_date', 'check_other', 'check_image', 'check_checker', 'check_expert'])} - 1) / 4 * 100",
         "Verification index", "مؤشر سلوك التحقق", *_points, "internet == 1 and doubted == 1"),
    _sum("discernment", f"{_mean_of(_true)} - {_mean_of(_false)}", "Truth discernment: rating of true minus false headlines",
         "القدرة على التمييز: متوسط تقييم العناوين الصحيحة ناقص الكاذبة", "points of the 4-point scale", "نقطة على سلّم من 4", "internet == 1"),
    _yes("skills_all_areas", "(skill_7 == 1 or skill_8 == 1) and skill_2 == 1 and (skill_1 == 1 or skill_3 == 1 or skill_4 == 1) and skill_6 == 1 and (skill_5 == 1 or skill_9 == 1 or skill_10 == 1)",
         "Skills in all five digital areas", "مهارات في المجالات الرقمية الخمسة", "internet == 1"),
    _yes("contacted_any", "contacted_0 == 0", "Contacted an official in 12 months", "تواصل مع مسؤول خلال 12 شهراً", "age >= 18"),
    _yes("can_say", "say in [3, 4, 5]", "System allows a say: some, a lot or a great deal", "يتيح النظام إبداء الرأي: إلى حد ما أو كثيراً أو كثيراً جداً", "age >= 18"),
    _yes("can_influence", "influence in [3, 4, 5]", "System allows influence: some, a lot or a great deal", "يتيح النظام التأثير: إلى حد ما أو كثيراً أو كثيراً جداً", "age >= 18"),
    _sum("trust_index", "(28 - (trust_government + trust_parliament + trust_courts + trust_municipality + trust_police + trust_parties + trust_army)) / 21 * 100",
         "Institutional-trust index", "مؤشر الثقة بالمؤسسات", *_points, "age >= 18"),
    _yes("discriminated_any", "discriminated_0 == 0", "Felt discriminated against in 12 months", "شعر بالتمييز خلال 12 شهراً", "age >= 18"),
)) + "\n"
