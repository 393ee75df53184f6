"""Which columns of a file may be variables of the standard frame: guesses, for a person to confirm."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from masar_research.codebook import Codebook, Variable
from masar_research.codebook.words import fold
from masar_research.loading.raw import guess_kind
from masar_research.loading.standard_frame import standard_frame


@dataclass(frozen=True, slots=True)
class Guess:
    """A column taken for a variable of the frame, or for a part of the design.

    Attributes
    ----------
    column : str
    name : str
        Of the frame, or ``base_weight``, ``stratum``, ``psu``.
    recode : mapping
        Raw code → code of the frame, as far as labels tell; empty for numbers and dates.
    unplaced : tuple
        Answers whose labels tell nothing.
    why : str
    """

    column: str
    name: str
    recode: Mapping[float | str, float]
    unplaced: tuple[float | str, ...]
    why: str


# Searched in name and labels, letters folded as for matching.
_NAMED = {
    "sex": r"\b(sex|gender)\b|\bالجنس\b|\bجنس\b",
    "age": r"\b(age|ages|العمر|عمرك|عمر)\b",
    "nationality": r"nationalit|\bالجنسيه\b|\bجنسيه\b",
    "governorate": r"governorate|\bgov\b|المحافظه",
    "region": r"\bregion\b|الاقليم",
    "urban": r"\burban|rural|place of residence|\bحضر|مكان الاقامه",
    "education": r"educat|المستوي التعليمي|التعليم|المؤهل",
    "marital": r"marital|marriage status|الحاله (الاجتماعيه|الزواجيه)",
    "wealth5": r"wealth (index|quintile)|خمس الثروه",
    "interview_date": r"\b(interview|assessment|survey|today|start)\b.*|تاريخ المقابله",
}
_DESIGN = {
    "base_weight": r"weight|\bwt\b|\bpw\b|الوزن|\bوزن\b",
    "stratum": r"\bstrat(um|a)\b|الطبقه",
    "psu": r"\bpsu\b|\bcluster\b|primary sampling|variance unit|وحده المعاينه|العنقود",
}
_OTHERS = r"\bhead\b|\bhoh\b|spouse|husband|wife|partner|\bchild|mother|father|\bfirst\b|member|\bرب\b|زوج|طفل"
_PERSON = ("sex", "age", "nationality", "education")  # those of somebody else are no guess
# Words of labels → code of the frame; the first that fits.
_WORDS = {
    "education": (
        (r"illiterate|no (formal )?education|cannot read|\bnone\b|امي|دون تعليم", 1),
        (r"below|less than|incomplete|primary|elementary|basic|prepar|اقل من|ابتدائي|اعدادي|اساسي", 2),
        (r"high school", 3),
        (r"diploma|associate|دبلوم", 4),
        (r"bachelor|\bba\b|master|\bma\b|ph\.?d|doctor|university|higher|بكالوريوس|ماجستير|دكتوراه|جامع", 5),
        (r"secondary|ثانوي", 3),
    ),
    "marital": (
        (r"divorc|separated|no longer|مطلق|منفصل", 3), (r"widow|ارمل", 4),
        (r"single|never|bachelor|engaged|اعزب|عزبا|خاطب", 1), (r"married|living (with|together)|متزوج", 2),
    ),
    "urban": ((r"urban|city|حضر|مدينه", 1), (r"rural|village|ريف|قريه", 2)),
    "nationality": ((r"jordan|اردني", 1), (r"syria|سوري", 2), (r"palestin|فلسطيني", 3), (r"egypt|مصري", 4), (r"other|اخري", 5)),
    "sex": ((r"\bfemale\b|\bwomen?\b|انثي|امراه", 2), (r"\bmale\b|\bmen?\b|ذكر|رجل", 1)),
    "wealth5": ((r"poorest|lowest|الافقر", 1), (r"poorer|second|الثاني", 2), (r"middle|third|الاوسط", 3), (r"richest|highest|الاغني", 5), (r"richer|fourth|الرابع", 4)),
}  # fmt: skip


def guesses(frame: pd.DataFrame, book: Codebook) -> dict[str, Guess]:
    """Column → what it may be; each name of the frame once, at its most likely column.

    Parameters
    ----------
    frame : pandas.DataFrame, shape (n, k)
    book : Codebook

    Returns
    -------
    dict of str to Guess
        Nothing here is certain: labels may lie, and only a person knows the questionnaire.
    """
    best: dict[str, tuple[float, Guess]] = {}
    for name in frame.columns:
        variable = book.get(name) or Variable(str(name), {})
        words = fold(" ".join([str(name).replace("_", " "), *variable.label.values()]))
        for target, pattern in {**_NAMED, **_DESIGN}.items():
            if not re.search(pattern, words) or (target in _PERSON and re.search(_OTHERS, words)):
                continue
            found = _guess(target, str(name), variable, frame[name])
            if found is None:
                continue
            score = 2.0 * (fold(str(name)) == target) - len(words) / 500
            score += len(found.recode) / max(1, len(found.recode) + len(found.unplaced))
            if target not in best or score > best[target][0]:
                best[target] = (score, found)
    taken: dict[str, Guess] = {}
    for _, found in sorted(best.values(), key=lambda pair: -pair[0]):
        taken.setdefault(found.column, found)
    return taken


def _guess(target: str, name: str, variable: Variable, column: pd.Series) -> Guess | None:
    told = next((text for text in variable.label.values()), "")
    why = f"by its name {name}" + (f" and label: {told}" if told else "")
    answers = [c for c in variable.valid if guess_kind(" ".join(c.label.values())) == "missing"]
    if target in ("age", "base_weight"):
        if column.dtype.kind not in "fiu" or len(answers) > 3:
            return None
        values = column.dropna().to_numpy(float)
        values = values[~np.isin(values, [c.code for c in variable.categories if not isinstance(c.code, str)])]
        if not len(values) or values.min() < 0:
            return None
        if target == "age" and not (10 <= np.median(values) <= 90 and values.max() <= 120 and (values % 1 == 0).all()):
            return None
        return Guess(name, target, {}, (), why)
    if target in ("stratum", "psu"):
        return Guess(name, target, {}, (), why) if 1 < column.nunique() < len(column) else None
    if target == "interview_date":
        return Guess(name, target, {}, (), why) if column.dtype.kind == "M" else None
    known = standard_frame()[target]
    placed: dict[float | str, float] = {}
    for category in answers:
        place = known.place(category.label)
        text = fold(" ".join(category.label.values()))
        if place is None:
            place = next((float(code) for words, code in _WORDS.get(target, ()) if re.search(words, text)), None)
        if place is not None:
            placed[category.code] = place
    unplaced = tuple(c.code for c in answers if c.code not in placed)
    if len(set(placed.values())) < 2 or len(placed) < len(answers) / 2:
        return None
    return Guess(name, target, placed, unplaced, why)
