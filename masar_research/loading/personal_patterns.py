"""Words by which columns that identify somebody are known: names of columns, labels, places."""

from __future__ import annotations

import re

from masar_research.codebook import fold

KINDS: dict[str, tuple[str, str]] = {
    "name": ("name", "اسم"),
    "phone": ("telephone", "هاتف"),
    "national_number": ("national or document number", "رقم وطني أو رقم وثيقة"),
    "email": ("e-mail", "بريد إلكتروني"),
    "address": ("address", "عنوان"),
    "coordinates": ("position", "موقع جغرافي"),
    "device": ("device or account", "جهاز أو حساب"),
    "media": ("recording or picture", "تسجيل أو صورة"),
    "open_text": ("open text", "نص حر"),
}

_WHO = (
    r"full|first|last|family|middle|sur|nick|maiden|resp(?:ondent)?|head|hoh|hh|father|mother|husband|wife|spouse|child"
    r"|member|person|participant|beneficiary|caregiver|informant|enumerator|interviewer|supervisor|contact|your"
)
_NAMES = {
    "name": re.compile(
        rf"(?:^|_)(?:(?:{_WHO})_?names?|names?(?:_of)?_(?:the_)?(?:{_WHO})|name)(?:_?(?:ar|en|arabic|english|\d+))?$"
    ),
    "phone": re.compile(
        r"(?:^|_)(?:(?:tele)?phone|mobile|cell(?:phone)?|tel|whatsapp|phonenumber|devicephonenum)"
        r"(?:_?(?:no|nb|num|number|id|\d+))*$"
    ),
    "national_number": re.compile(
        r"(?:^|_)(?:national_?(?:id|no|nb|num(?:ber)?)|nid|passport(?:_?(?:no|num(?:ber)?))?|civil_?(?:id|no)"
        r"|unhcr_?(?:id|no|num(?:ber)?|case)|id_?card(?:_?(?:no|num(?:ber)?))?|ration_?card)(?:_?\d+)?$"
    ),
    "email": re.compile(r"(?:^|_)e_?mail(?:_?(?:address|\d+))?$"),
    "address": re.compile(r"(?:^|_)(?:(?:home|street|house|full|hh)_?)?address(?:_?\d+)?$"),
    "coordinates": re.compile(
        r"(?:^|_)(?:gps|latitude|longitude|lat|lon|long|lng|geolocation|geopoint|coordinates?"
        r"|(?:gps|location|point|position)_?(?:altitude|precision|accuracy)|[xy]_?coord(?:inate)?|gps_?[xy])(?:_?\d+)?$"
    ),
    "device": re.compile(
        r"(?:^|_)(?:device_?id|imei|sim_?serial|sim_?id|subscriber_?id|username|ip_?(?:address|addr)|mac_?address"
        r"|submitted_?by|submitter_?(?:id|name))$"
    ),
    "media": re.compile(r"^_?(?:attachments|text_?audit|audio_?audit|audit)$"),
    "open_text": re.compile(r"^_?notes$"),
}
# Position columns that exports add to a question's name; `precision` alone may be anything.
_POSITION = re.compile(r"[_./:-](?:latitude|longitude|altitude|precision|accuracy)$", re.IGNORECASE)

_LABELS = {
    "name": (
        r"\b(?:full|first|last|family|middle|sur|nick) ?names?\b|\bnames? of (?:the |your )?(?:respondent|head|hoh|interviewer"
        r"|enumerator|supervisor|child|mother|father|husband|wife|spouse|household member|member|person|participant"
        r"|caregiver|informant|beneficiary|contact)|\b(?:respondent|member|head|child|mother|father|husband|wife"
        r"|interviewer|enumerator|supervisor|participant|person)(?:['’]s)? name\b|\byour name\b|^name$|^names?\b ?:?$",
        r"^(?:ال)?اسم$|\bالاسم (?:ال)?(?:كامل|اول|ثاني|ثلاثي|رباعي|اخير)|\bاسم(?:ا)? (?:ال)?(?:مستجيب|مستجوب|مبحوث|شخص|فرد"
        r"|افراد|رب |ربه|اب\b|ام\b|زوج|طفل|اطفال|عائله|باحث|عداد|مشرف|مدلي|مقدم|معيل|مشارك|مستفيد)|\bاسمك|\bما (?:هو )?اسم"
        r"|^الاسم\b",
    ),
    "phone": (
        r"\b(?:phone|mobile|cell|telephone|whats ?app|contact) ?(?:phone )?(?:no\b|num(?:ber)?s?\b|#)|^(?:tele)?phone$|^mobile$",
        r"(?:رقم|ارقام) (?:ال)?(?:هاتف|هواتف|موبايل|جوال|تلفون|تليفون|محمول|خلوي|نقال|واتس|تواصل)|\bهاتفك|^(?:ال)?(?:هاتف|موبايل|جوال|تلفون|خلوي)$",
    ),
    "national_number": (
        r"\bnational (?:id|identity|identification|no\b|num(?:ber)?)|\b(?:id|identity) (?:card )?(?:no\b|num(?:ber)?)|\bpassport"
        r"|\bcivil (?:id|registration)|\bunhcr (?:id|no\b|number|case|file)|\b(?:security|service|ration) card (?:no\b|num)",
        r"(?:ال)?(?:رقم|ارقام) (?:ال)?(?:وطني|هويه|قومي|جواز|شخصي|قيد|مدني|بطاقه|وثيقه|مفوضيه)",
    ),
    "email": (r"\be-?mail\b", r"بريد (?:ال)?(?:ك?)?الكتروني|\b(?:ال)?ايميل"),
    "address": (
        r"^(?:(?:home|street|full|current|permanent|house|household|respondent(?:['’]s)?|your|exact) )*address\b|\bstreet name\b",
        r"^(?:ال)?عنوان(?: |$)|\bعنوان (?:ال)?(?:سكن|منزل|بيت|مستجيب|اسره|اقامه|عائله)|\bاسم (?:ال)?شارع|رقم (?:ال)?(?:بنايه|عماره|شقه)",
    ),
    "coordinates": (
        r"\bgps\b|\b(?:latitude|longitude|coordinates?|geo ?(?:point|location))\b",
        r"احداثي|خط (?:ال)?(?:عرض|طول)|(?:ال)?موقع (?:ال)?جغرافي",
    ),
    "device": (r"\bdevice id\b|\bimei\b|\bip address\b", r"\bمعرف الجهاز|رقم الجهاز"),
}
_LABELS_RE = {kind: re.compile("|".join(parts)) for kind, parts in _LABELS.items()}
_STAFF = re.compile(
    r"\b(?:enumerator|interviewer|supervisor|surveyor|data collector)\b|\b(?:ال)?(?:باحث|عداد|مشرف|جامع البيانات)"
)
# «Name of the governorate» is a place, not a person.
_PLACE = re.compile(
    r"\b(?:governorates?|provinces?|districts?|sub-?districts?|regions?|villages?|cit(?:y|ies)|towns?|areas?|neighbou?rhoods?"
    r"|camps?|countr(?:y|ies)|count(?:y|ies)|localit(?:y|ies)|municipalit(?:y|ies)|blocks?|clusters?|schools?|facilit(?:y|ies)|health cent(?:er|re)s?"
    r"|organi[sz]ations?|compan(?:y|ies)|institutions?|programs?|programmes?|products?|crops?|languages?|survey|file|stratum|sites?)\b"
    r"|(?:محافظ|لوا\b|قضا\b|منطق|قري|مدين|بلدي|مخيم|\bحي\b|الحي\b|دول|بلد|تجمع|ناحي|مدرس|مركز|مستشف|منظم|شرك|مؤسس|موسس|برنامج|عنقود|طبق|موقع ال)"
)


def by_name(column: str) -> str | None:
    """The kind of personal data a column's name announces, or None.

    Examples
    --------
    >>> by_name("person/full_name"), by_name("_where_latitude"), by_name("own_mobile_yn")
    ('name', 'coordinates', None)
    """
    text = re.sub(r"^X(?=[_.])", "", column.strip())
    if _POSITION.search(text):
        return "coordinates"
    last = re.split(r"[/.:]", text)[-1]
    last = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", last)
    last = re.sub(r"[\s-]+", "_", last).lower().rstrip("_")
    for kind, pattern in _NAMES.items():
        if pattern.search(last):
            return None if kind == "name" and _PLACE.search(re.sub(r"_", " ", text.lower())) else kind
    return by_label(last.replace("_", " ")) if re.search(r"[\u0621-\u064a]", last) else None


def by_label(words: str) -> str | None:
    """The kind of personal data a label or question asks for, or None.

    Examples
    --------
    >>> by_label("الرقم الوطني"), by_label("Name of the governorate"), by_label("ما رقم الهاتف؟")
    ('national_number', None, 'phone')
    """
    text = fold(words).strip(" :؟?*.")
    if len(text) > 300:
        return None
    for kind, pattern in _LABELS_RE.items():
        if pattern.search(text):
            return None if kind == "name" and _PLACE.search(text) else kind
    return None


def of_place(column: str, words: tuple[str, ...]) -> bool:
    """Whether a column holds names of places or institutions, by its name or its words."""
    return any(_PLACE.search(fold(text.replace("_", " "))) and len(text) <= 80 for text in (column, *words))


def of_staff(column: str, words: tuple[str, ...]) -> bool:
    """Whether a column tells of interviewers, by its name or its words."""
    return any(_STAFF.search(fold(text.replace("_", " "))) for text in (column, *words))
