"""The few words the writers add themselves, in both languages."""

from __future__ import annotations

from types import MappingProxyType

LABELS = MappingProxyType(
    {
        "en": MappingProxyType(
            {
                "skip": "Skip to the findings",
                "messages": "Key messages",
                "data": "The figures behind this chart",
                "base": "Base",
                "question": "Question",
                "notice": "Notice",
                "page": ("Page ", " of ", ""),
                "other": "اقرأ هذا الموجز بالعربية",
                "scroll": "Table, scrolls sideways",
            }
        ),
        "ar": MappingProxyType(
            {
                "skip": "الانتقال إلى النتائج",
                "messages": "الرسائل الرئيسة",
                "data": "الأرقام الواردة في هذا الشكل",
                "base": "القاعدة",
                "question": "السؤال",
                "notice": "تنبيه",
                "page": ("صفحة ", " من ", ""),
                "other": "Read this brief in English",
                "scroll": "جدول يُمرَّر جانبياً",
            }
        ),
    }
)
