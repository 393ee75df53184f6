"""What a question is, and the answer lists shared by questions."""

from __future__ import annotations

from dataclasses import dataclass

from ..models import Model


@dataclass(frozen=True, slots=True)
class Item:
    """One question.

    Attributes
    ----------
    name : str
        Column in the SPSS file and question name in the form.
    group : str
        Section of the form.
    en, ar, ask_en, ask_ar : str
        Label and wording in both languages.
    answers : str
        Name of an answer list, or ``"integer"``, ``"decimal"``.
    model : callable or None
        How the population answers; None for what the frame, the roster or the interviewer records.
    asked_if : str
        Condition over earlier questions; empty = asked of everybody.
    dont_know, refused : float
        Base rates of no answer.
    several : bool
        Several answers allowed.
    limits : tuple of float, optional
        Lowest and highest number accepted.
    waves : tuple of int
        Waves in which it was asked.
    indicators : tuple of str
        Indicators it serves.
    keep : bool
        Later questions depend on the answer.
    """

    name: str
    group: str
    en: str
    ar: str
    ask_en: str
    ask_ar: str
    answers: str
    model: Model | None
    asked_if: str = ""
    dont_know: float = 0.0
    refused: float = 0.0
    silent_codes: tuple[float, float] = (98, 99)
    says_unknown: bool = False
    several: bool = False
    limits: tuple[float, float] | None = None
    waves: tuple[int, ...] = (2022, 2024, 2026)
    indicators: tuple[str, ...] = ()
    keep: bool = False

    @property
    def numeric(self) -> bool:
        return self.answers in ("integer", "decimal")

    @property
    def silent(self) -> tuple[tuple[float, str], ...]:
        """Codes of no answer and their kinds."""
        if self.several:
            return ()
        unknown, refused = self.silent_codes
        return (*(((unknown, "dont_know"),) if self.dont_know or self.says_unknown else ()),
                *(((refused, "refused"),) if self.refused else ()))

    def columns(self) -> list[str]:
        """Columns of the SPSS file: one, or one per answer where several are allowed."""
        if not self.several:
            return [self.name]
        return [f"{self.name}_{code}" for code, _, _ in LISTS[self.answers]]


Choices = tuple[tuple[int, str, str], ...]

SILENT_LABELS = {"dont_know": ("Don't know", "لا أعرف"), "refused": ("Refused", "رفض الإجابة")}

LISTS: dict[str, Choices] = {
    "yes_no": ((1, "Yes", "نعم"), (2, "No", "لا")),
    "sex": ((1, "Male", "ذكر"), (2, "Female", "أنثى")),
    "urban": ((1, "Urban", "حضر"), (2, "Rural", "ريف")),
    "agree4": ((1, "Strongly agree", "أوافق بشدة"), (2, "Agree", "أوافق"), (3, "Disagree", "لا أوافق"),
               (4, "Strongly disagree", "لا أوافق بشدة")),
    "agree5": ((1, "Strongly disagree", "لا أوافق بشدة"), (2, "Disagree", "لا أوافق"),
               (3, "Neither agree nor disagree", "محايد"), (4, "Agree", "أوافق"), (5, "Strongly agree", "أوافق بشدة")),
    "trust4": ((1, "A great deal", "ثقة كبيرة"), (2, "Quite a lot", "ثقة متوسطة"), (3, "Not very much", "ثقة قليلة"),
               (4, "None at all", "لا أثق إطلاقاً")),
    "extent4": ((1, "To a large extent", "إلى حد كبير"), (2, "To a medium extent", "إلى حد متوسط"),
                (3, "To a small extent", "إلى حد قليل"), (4, "Not at all", "لا على الإطلاق")),
    "much5": ((1, "Not at all", "لا على الإطلاق"), (2, "Very little", "قليلاً جداً"), (3, "Some", "إلى حد ما"),
              (4, "A lot", "كثيراً"), (5, "A great deal", "كثيراً جداً")),
    "often5": ((1, "Never", "أبداً"), (2, "Rarely", "نادراً"), (3, "Sometimes", "أحياناً"), (4, "Often", "غالباً"),
               (5, "Always", "دائماً")),
    "difficulty": ((1, "No difficulty", "لا توجد صعوبة"), (2, "Some difficulty", "بعض الصعوبة"),
                   (3, "A lot of difficulty", "صعوبة كبيرة"), (4, "Cannot do it at all", "لا أستطيع إطلاقاً")),
    "right_wrong": ((1, "True", "صحيح"), (2, "False", "خطأ")),
}
