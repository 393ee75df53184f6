"""Contact, efficacy, trust, services, corruption, expression and discrimination. Asked of 18 and over."""

from __future__ import annotations

import numpy as np

from ..models import Asked, group, scale, several, yes
from .spec import LISTS, Item

LISTS["officials"] = ((1, "Member of parliament", "نائب في البرلمان"), (2, "Municipality", "البلدية"), (3, "Ministry or government department", "وزارة أو دائرة حكومية"),
                      (0, "None", "لا أحد"))
LISTS["people_trust"] = ((1, "Most people can be trusted", "يمكن الثقة بمعظم الناس"), (2, "One needs to be very careful", "يجب توخي الحذر الشديد"))
LISTS["grounds"] = ((1, "Sex", "الجنس"), (2, "Age", "العمر"), (3, "Nationality or origin", "الجنسية أو الأصل"), (4, "Disability or health", "الإعاقة أو الحالة الصحية"),
                    (5, "Income or social position", "الدخل أو المكانة الاجتماعية"), (6, "Place of residence", "مكان السكن"), (7, "Political opinion", "الرأي السياسي"),
                    (0, "None", "لا شيء مما سبق"))
ADULT = "sel_age >= 18"


def trust(key: str, en: str, ar: str, shares: tuple[float, ...], unknown: float, indicators: tuple[str, ...], group_name: str, asked_if: str) -> Item:
    """Trust in an institution or outlet on the four-point scale of the Arab Barometer."""
    return Item(f"trust_{key}", group_name, f"Trust: {en}", f"الثقة ب{ar}", f"How much trust do you have in {en}?", f"ما مدى ثقتك ب{ar}؟", "trust4",
                scale(shares, trait="trust", load=-0.60, age=-0.03, edu=0.05, place=0.24), asked_if, dont_know=unknown, refused=0.012,
                indicators=indicators)


I, S, K, R = "institutions", "services", "integrity", "society"
INSTITUTIONS = tuple(
    trust(key, en, ar, shares, unknown, ("GO05", "YO11"), I, ADULT)
    for key, en, ar, shares, unknown in (
        ("government", "the government", "الحكومة", (0.15, 0.35, 0.28, 0.22), 0.02),            # F251: 50
        ("parliament", "the parliament", "مجلس النواب", (0.04, 0.17, 0.30, 0.49), 0.03),        # F250: 21.0
        ("courts", "the courts and the judiciary", "القضاء والمحاكم", (0.345, 0.39, 0.17, 0.095), 0.03),  # F247: 73.5
        ("municipality", "your municipality", "البلدية", (0.10, 0.34, 0.31, 0.25), 0.03),
        ("police", "the police and public security", "الأمن العام", (0.45, 0.37, 0.12, 0.06), 0.01),    # F246: 82.0
        ("parties", "political parties", "الأحزاب السياسية", (0.02, 0.12, 0.29, 0.57), 0.07),
        ("army", "the armed forces", "القوات المسلحة", (0.70, 0.203, 0.06, 0.037), 0.01),       # F245: 90.3
    ))
_SERVICES = (("health", "public health care", "الرعاية الصحية العامة", 0.58, (0.16, 0.44, 0.26, 0.14)),
             ("school", "public schools", "المدارس الحكومية", 0.40, (0.13, 0.45, 0.28, 0.14)),
             ("office", "government offices for identity papers and permits", "الدوائر الحكومية لإصدار الوثائق والتصاريح", 0.47, (0.22, 0.50, 0.19, 0.09)))
_ATTRIBUTES = (("access", "easy to reach", "سهلة الوصول", 0.05), ("cost", "affordable", "كلفتها مقبولة", 0.0), ("quality", "of good quality", "جيدة النوعية", -0.15),
               ("equal", "treating everybody equally", "تعامل الجميع بالتساوي", -0.10), ("courtesy", "staffed by courteous people", "العاملون فيها محترمون", 0.10))


def _service(key: str, en: str, ar: str, used: float, shares: tuple[float, ...]) -> tuple[Item, ...]:
    asked_if = f"{ADULT} and use_{key} == 1"
    use = Item(f"use_{key}", S, f"Used {en} in 12 months", f"استخدم {ar} خلال 12 شهراً", f"In the past 12 months, have you or your children used {en}?",
               f"خلال آخر 12 شهراً، هل استخدمت أنت أو أطفالك {ar}؟", "yes_no", yes(used, wealth=-0.10, woman=0.05), ADULT, dont_know=0.002,
               indicators=("GO06",), keep=True)
    overall = Item(f"sat_{key}", S, f"Satisfaction with {en}", f"الرضا عن {ar}", f"Thinking of your last experience, how satisfied were you with {en}?",
                   f"بالنظر إلى آخر تجربة لك، ما مدى رضاك عن {ar}؟", "satisfied4", scale(shares, trait="trust", load=-0.42, place=0.28), asked_if,
                   dont_know=0.006, refused=0.003, indicators=("GO06",))
    parts = tuple(
        Item(f"sat_{key}_{short}", S, f"{en[0].upper()}{en[1:]}: {words}", f"{ar}: {arabic}", f"Were they {words}?" if key != "health" else f"Was it {words}?",
             f"في آخر تجربة لك مع {ar}، {'هل كان العاملون فيها محترمين' if short == 'courtesy' else f'هل كانت {arabic}'}؟", "yes_no", yes(min(0.95, shares[0] + shares[1] + 0.05 + more), trait="trust", load=0.35, place=0.25), asked_if,
             dont_know=0.01, refused=0.002, indicators=("GO06",))
        for short, words, arabic, more in _ATTRIBUTES)
    return (use, *parts, overall)


SERVICES = tuple(item for service in _SERVICES for item in _service(*service))


def _bribe(a: Asked) -> np.ndarray:
    return yes(0.052, trait="trust", load=-0.30, woman=-0.35, wealth=0.05, place=0.25)(a)


CONTACT = (
    Item("contacted", I, "Contacted in the last 12 months", "تواصل خلال آخر 12 شهراً مع", "In the past 12 months, have you contacted any of these?",
         "خلال آخر 12 شهراً، هل تواصلت مع أي ممن يلي؟", "officials",
         several({1: dict(share=0.085, trait="engagement", load=0.45, woman=-0.30, rural=0.20), 2: dict(share=0.12, trait="engagement", load=0.40, woman=-0.35, rural=0.15),
                  3: dict(share=0.13, trait="engagement", load=0.35, woman=-0.20, edu=0.06)}, none=0), ADULT, refused=0.004, several=True, indicators=("GO02",)),
    Item("meeting", I, "Attended a public or community meeting in 12 months", "حضر اجتماعاً عاماً أو مجتمعياً خلال 12 شهراً",
         "In the past 12 months, have you attended a public or community meeting?", "خلال آخر 12 شهراً، هل حضرت اجتماعاً عاماً أو مجتمعياً؟", "yes_no",
         yes(0.14, trait="engagement", load=0.50, woman=-0.30, rural=0.15), ADULT, dont_know=0.002, refused=0.004, indicators=("GO03",)),
    Item("say", I, "The political system allows people to have a say", "يتيح النظام السياسي للناس إبداء الرأي في عمل الحكومة",
         "How much would you say the political system in Jordan allows people like you to have a say in what the government does?",
         "إلى أي مدى برأيك يتيح النظام السياسي في الأردن لأشخاص مثلك إبداء الرأي فيما تقوم به الحكومة؟", "much5",
         scale((0.29, 0.27, 0.28, 0.11, 0.05), trait="trust", load=0.50, place=0.22), ADULT, dont_know=0.06, refused=0.02, indicators=("GO04",)),
    Item("influence", I, "The political system allows people to influence politics", "يتيح النظام السياسي للناس التأثير في السياسة",
         "And how much would you say it allows people like you to have an influence on politics?", "وإلى أي مدى يتيح لأشخاص مثلك التأثير في السياسة؟", "much5",
         scale((0.34, 0.29, 0.24, 0.09, 0.04), trait="trust", load=0.50, place=0.22), ADULT, dont_know=0.07, refused=0.02, indicators=("GO04",)),
)
INTEGRITY = (
    Item("corruption", K, "Corruption within state institutions", "الفساد في مؤسسات الدولة", "To what extent is there corruption within the state institutions?",
         "إلى أي مدى يوجد فساد في مؤسسات الدولة؟", "extent4", scale((0.53, 0.33, 0.09, 0.05), trait="trust", load=0.50), ADULT, dont_know=0.045, refused=0.02,
         indicators=("GO07",)),
    Item("official", K, "Had to do with a public official in 12 months", "تعامل مع موظف عام خلال 12 شهراً",
         "In the past 12 months, have you had at least one contact with a public official?", "خلال آخر 12 شهراً، هل تعاملت مرة على الأقل مع موظف عام؟", "yes_no",
         yes(0.56, woman=-0.25, edu=0.08, place=0.22), ADULT, dont_know=0.003, refused=0.003, indicators=("GO08",), keep=True),
    Item("bribe", K, "Paid a bribe or was asked for one", "دفع رشوة أو طُلبت منه", "Did you pay a bribe to a public official, or were you asked for one?",
         "هل دفعت رشوة لموظف عام أو طُلبت منك رشوة؟", "yes_no", _bribe, f"{ADULT} and official == 1", dont_know=0.01, refused=0.045, indicators=("GO08",)),
    Item("expression", K, "Freedom to express opinions is guaranteed", "حرية التعبير عن الرأي مضمونة", "To what extent is the freedom to express opinions guaranteed?",
         "إلى أي مدى حرية التعبير عن الرأي مضمونة؟", "extent4", scale((0.16, 0.30, 0.31, 0.23), trait="trust", load=-0.45, edu=0.06, drift=0.03), ADULT,
         dont_know=0.03, refused=0.03, indicators=("GO09",)),
)
SOCIETY = (
    Item("quota", R, "Supports reserved seats for women", "يؤيد المقاعد المخصصة للنساء (الكوتا)", "Seats should be reserved for women in parliament.",
         "ينبغي تخصيص مقاعد للنساء في مجلس النواب.", "agree5", scale((0.09, 0.14, 0.19, 0.38, 0.20), trait="norms", load=0.45, woman=0.20), ADULT, dont_know=0.03,
         refused=0.008, indicators=("GO10",)),
    Item("woman_leader", R, "Accepts a woman as prime minister", "يقبل بامرأة رئيسة للوزراء", "A woman can be prime minister.", "يمكن للمرأة أن تكون رئيسة للوزراء.", "agree5",
         scale((0.19, 0.23, 0.16, 0.28, 0.14), trait="norms", load=0.60, woman=0.25), ADULT, dont_know=0.025, refused=0.008, indicators=("GO10",)),
    Item("people", R, "Most people can be trusted", "يمكن الثقة بمعظم الناس",
         "Generally speaking, would you say that most people can be trusted, or that one needs to be very careful?",
         "بشكل عام، هل تعتقد أنه يمكن الثقة بمعظم الناس أم أنه يجب توخي الحذر الشديد؟", "people_trust",
         group({2: 0.78, 1: 0.22}, trait="trust", load=0.30, age=0.05), dont_know=0.015, refused=0.004, indicators=("GO11",)),  # F252
    Item("discriminated", R, "Felt discriminated against in 12 months because of", "شعر بالتمييز خلال 12 شهراً بسبب",
         "In the past 12 months, have you personally felt discriminated against or harassed because of any of these?",
         "خلال آخر 12 شهراً، هل شعرت شخصياً بالتمييز أو المضايقة بسبب أي مما يلي؟", "grounds",
         several({1: dict(share=0.038, woman=0.60), 2: dict(share=0.025, age=-0.05), 3: dict(share=0.05, jordanian=-0.75), 4: dict(share=0.015, age=0.10),
                  5: dict(share=0.075, wealth=-0.35), 6: dict(share=0.03, rural=0.20), 7: dict(share=0.015, woman=-0.20)}, none=0), ADULT, dont_know=0.01,
         refused=0.015, several=True, indicators=("GO12",)),
)
ITEMS = (*CONTACT, *INSTITUTIONS, *SERVICES, *INTEGRITY, *SOCIETY)
