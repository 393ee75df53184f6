"""Answers where the question did not apply, and blanks where it did."""

from __future__ import annotations

import numpy as np

from masar_research.codebook import Text
from masar_research.expressions import is_missing
from masar_research.quality.findings import Checked, Desk, skipped
from masar_research.quality.material import Material

GRAVE = 0.05


def broken_off(answered: np.ndarray, asked: np.ndarray) -> np.ndarray:
    """Cells after the last answer of a row: an interview that ended, not a question passed over.

    Parameters
    ----------
    answered, asked : ndarray of bool, shape (n, k)
        In the order of the questionnaire.

    Returns
    -------
    ndarray of bool, shape (n, k)

    Examples
    --------
    >>> broken_off(np.array([[True, False, True, False]]), np.ones((1, 4), bool)).tolist()
    [[False, False, False, True]]
    """
    later = np.cumsum(answered[:, ::-1], axis=1)[:, ::-1] > 0
    return asked & ~later


def check_skips(material: Material) -> Checked:
    """Violations of universes: from the form's conditions, or from the card."""
    names = _questions(material)
    if not names:
        return skipped("skips", "No condition says to whom a question applies (give the form, or universe: in the card).",
                       "لا شرط يبيّن على من تنطبق الأسئلة (زوّد الاستمارة أو universe: في البطاقة).")  # fmt: skip
    desk = Desk("skips", material.rows)
    n = len(material.frame)
    applies, answered = np.zeros((n, len(names)), bool), np.zeros((n, len(names)), bool)
    wrong = np.zeros((n, len(names)), bool)
    for j, name in enumerate(names):
        value, known = material.asked(name)
        answered[:, j] = material.answered(name)
        applies[:, j] = value & known & material.interviewed
        wrong[:, j] = known & ~value & answered[:, j]
    # What an interview ended with is judged on every item, those without a condition too.
    ended = _ended(material, names)
    left_out = applies & ~answered & ~ended
    for kind, masks in ((True, wrong), (False, left_out)):
        alike: dict[bytes, list[int]] = {}
        for j in np.flatnonzero(masks.any(axis=0)):
            alike.setdefault(masks[:, j].tobytes(), []).append(int(j))
        for columns in alike.values():
            _one(desk, material, [names[j] for j in columns], kind, masks[:, columns[0]], applies[:, columns[0]])
    rows = int((applies & ~answered & ended).any(axis=1).sum())
    desk.figures |= {"conditions": len(names), "answered_not_asked": int(wrong.sum()), "asked_not_answered": int(left_out.sum()),
                     "broken_off": rows}  # fmt: skip
    desk.say(
        f"{len(names)} conditions were checked: {int(wrong.sum()):,} answers where the question did not apply, {int(left_out.sum()):,} blanks where it did.",
        f"فُحصت شروط عددها {len(names)}: إجابات حيث لا ينطبق السؤال {int(wrong.sum()):,}، وخانات فارغة حيث ينطبق {int(left_out.sum()):,}.",
    )
    if rows:
        desk.say(
            f"{rows:,} interviews end before the last question; their later questions are not counted as skipped.",
            f"مقابلات انتهت قبل آخر سؤال: {rows:,}؛ ولم تُحسب أسئلتها اللاحقة متروكة.",
        )
    return desk.done()


def _questions(material: Material) -> list[str]:
    """Items with a universe that can be computed; of a multi-select its options stand for one another."""
    out, parents = [], set()
    for name in material.frame.columns:
        variable = material.codebook.get(str(name))
        if variable is None or not variable.universe or (str(name) not in material.items and variable.level != "text"):
            continue
        parent = str(name).rsplit("__", 1)[0]
        if parent in parents or material.asked(str(name)) is None:
            continue
        if variable.level == "text" and variable.categories == () and f"{name}__" in "\n".join(map(str, material.frame.columns)):
            parents.add(str(name))
        out.append(str(name))
    return out


def _ended(material: Material, names: list[str]) -> np.ndarray:
    order = [str(name) for name in material.frame.columns if str(name) in set(material.items) | set(names)]
    there = np.column_stack([~is_missing(material.frame[name].to_numpy()) for name in order])
    after = broken_off(there, np.ones_like(there))
    place = {name: j for j, name in enumerate(order)}
    ended = after[:, [place[name] for name in names]]
    # One blank at the very end is a question passed over; an interview broke off where a tenth is left.
    tail = after.sum(axis=1) >= max(3, 0.1 * len(order))
    return ended & tail[:, None]


def _one(desk: Desk, material: Material, names: list[str], wrong: bool, mask: np.ndarray, applies: np.ndarray) -> None:
    """One finding for all columns in which the same rows are concerned (the options of a multi-select, a section)."""
    name = names[0]
    rule = material.codebook[name].universe or ""
    rule = rule if len(rule) <= 90 else rule[:87] + "..."
    n, more = int(mask.sum()), len(names) - 1
    who = {"en": f"{name} and {more} more" if more else name, "ar": f"{name} ومعه {more} أخرى" if more else name}
    if wrong:
        share = n / max(int(material.answered(name).sum()), 1)
        desk.find(
            "answered_not_asked", "error" if share > GRAVE else "warning",
            Text(en=f"{who['en']}: {n:,} answers ({share:.1%}) where the question did not apply ({rule}).",
                 ar=f"{who['ar']}: إجابات حيث لا ينطبق السؤال {n:,} ({share:.1%}) ({rule})."),
            Text(en="Correct the filter or the answer it hangs on; do not delete before you know which is wrong.",
                 ar="صحّح شرط الانتقال أو الإجابة التي يعتمد عليها، ولا تحذف قبل أن تعرف أيهما الخطأ."), at=mask, variable=name,
        )  # fmt: skip
    else:
        share = n / max(int(applies.sum()), 1)
        desk.find(
            "asked_not_answered", "warning" if share > GRAVE else "note",
            Text(en=f"{who['en']}: {n:,} blanks ({share:.1%}) where the question applied ({rule}).",
                 ar=f"{who['ar']}: خانات فارغة حيث ينطبق السؤال {n:,} ({share:.1%}) ({rule})."),
            Text(en="Make the question required, with codes for refused and don't know.",
                 ar="اجعل السؤال إلزامياً مع رمزين للرفض وعدم المعرفة."), at=mask, variable=name,
        )  # fmt: skip
