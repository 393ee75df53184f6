"""The questionnaire in both languages, in the order of the interview."""

from . import labour, roster
from .spec import LISTS, Item

GROUPS: dict[str, tuple[str, str]] = {
    "cover": ("Cover sheet", "صفحة الغلاف"),
    "roster": ("Household roster", "سجل الأسرة"),
    "person": ("The respondent", "بيانات المستجيب"),
    "household": ("Household goods", "ممتلكات الأسرة"),
    "labour": ("Work", "العمل"),
}

ITEMS: tuple[Item, ...] = (
    *roster.RECORD, *roster.DEMOGRAPHY, *roster.DISABILITY, *roster.ASSETS, *roster.WEALTH, *labour.ITEMS,
)
FRAME_GROUPS = ("cover", "roster")
BEFORE_BREAK_OFF = ("person", "household", "labour")

__all__ = ["BEFORE_BREAK_OFF", "FRAME_GROUPS", "GROUPS", "ITEMS", "LISTS", "Item"]
