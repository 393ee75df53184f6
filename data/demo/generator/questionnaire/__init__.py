"""The questionnaire in both languages, in the order of the interview."""

from . import governance, labour, media, roster, women, youth
from .spec import LISTS, SILENT_LABELS, Item

GROUPS: dict[str, tuple[str, str]] = {
    "cover": ("Cover sheet", "صفحة الغلاف"),
    "roster": ("Household roster", "سجل الأسرة"),
    "person": ("The respondent", "بيانات المستجيب"),
    "household": ("Household goods", "ممتلكات الأسرة"),
    "labour": ("Work", "العمل"),
    "family": ("Family and decisions", "الأسرة واتخاذ القرار"),
    "assets": ("Property and finance", "الملكية والخدمات المالية"),
    "care": ("Unpaid work yesterday", "العمل غير المدفوع أمس"),
    "norms": ("Women and men", "المرأة والرجل"),
    "agency": ("Confidence and movement", "الثقة بالنفس والتنقل"),
    "rights": ("Legal rights", "الحقوق القانونية"),
    "civic": ("Civic life", "الحياة المدنية"),
    "politics": ("Elections and politics", "الانتخابات والسياسة"),
    "migration": ("Migration", "الهجرة"),
    "enterprise": ("Enterprise", "ريادة الأعمال"),
    "outlook": ("Life and outlook", "الحياة والتوقعات"),
    "digital": ("Internet and skills", "الإنترنت والمهارات"),
    "news": ("News", "الأخبار"),
    "checking": ("Doubt and checking", "الشك والتحقق"),
    "headlines": ("Headlines", "العناوين"),
    "institutions": ("Institutions", "المؤسسات"),
    "services": ("Public services", "الخدمات العامة"),
    "integrity": ("Integrity and expression", "النزاهة والتعبير"),
    "society": ("Society", "المجتمع"),
}

ITEMS: tuple[Item, ...] = (
    *roster.RECORD, *roster.DEMOGRAPHY, *roster.DISABILITY, *roster.ASSETS, *roster.WEALTH, *labour.ITEMS,
    *women.ITEMS, *youth.ITEMS, *media.ITEMS, *governance.ITEMS,
)
FRAME_GROUPS = ("cover", "roster")
BEFORE_BREAK_OFF = ("person", "household", "labour")

__all__ = ["BEFORE_BREAK_OFF", "FRAME_GROUPS", "GROUPS", "ITEMS", "LISTS", "SILENT_LABELS", "Item"]
