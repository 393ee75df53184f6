"""Scale scores of respondents from declared items: `survey.scale`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np

from masar_research.codebook import Variable
from masar_research.errors import EstimationError

if TYPE_CHECKING:
    from masar_research.survey import Survey


def scale(
    survey: Survey, items: Sequence[str], name: str, *, label: Mapping[str, str],
    reverse: Sequence[str] = (), min_items: int | None = None,
    how: Literal["mean", "sum"] = "mean",
) -> Survey:  # fmt: skip
    """The survey with a scale score, the mean or sum of its items.

    Parameters
    ----------
    survey : Survey
    items : sequence of str
        Two or more numeric items; their codes are taken as distances.
    name : str
        Name of the new variable.
    label : mapping
        ``{"en": ..., "ar": ...}``, both needed.
    reverse : sequence of str
        Items turned around, ``lowest + highest − answer``, over the codes the codebook declares
        (those observed without one). Nothing else is ever turned around.
    min_items : int, optional
        Answered items a score needs; all by default.
    how : {"mean", "sum"}
        A sum with unanswered items is the mean of the answered ones times the number of items.

    Returns
    -------
    Survey
        Rows with fewer answers have no score. The variable's note says how it was made.

    Raises
    ------
    EstimationError
        Fewer than two items, doubled ones, a constant item, a label without Arabic or English, a
        name that is taken.

    Examples
    --------
    >>> import pandas as pd, masar_research as mr
    >>> frame = pd.DataFrame({"w": [1.0, 1.0, 2.0], "a": [1, 2, 4], "b": [4, 3, 1]})
    >>> words = {"en": "Trust", "ar": "الثقة"}
    >>> mr.Survey(frame, weights="w").scale(["a", "b"], "trust", label=words, reverse=["b"]).values("trust").tolist()
    [1.0, 2.0, 4.0]
    """
    values = oriented(survey, items, reverse)
    least = len(items) if min_items is None else min_items
    if isinstance(least, bool) or not isinstance(least, int) or not 1 <= least <= len(items):
        raise EstimationError(
            f"min_items={min_items!r} is not a number of items from 1 to {len(items)}.",
            remedy="Name the least number of answered items a score needs.",
            ar="أقل عدد من البنود المجاب عنها عدد صحيح بين 1 وعدد البنود.",
        )
    if how not in ("mean", "sum"):
        raise EstimationError(
            f"how={how!r} is not a scale score.", remedy="Use 'mean' or 'sum'.",
            ar="درجة المقياس متوسط (mean) أو مجموع (sum).",
        )  # fmt: skip
    if name in survey.frame.columns:
        raise EstimationError(
            f"The survey already has {name!r}.", remedy="Choose another name.",
            ar=f"في المسح متغيّر باسم «{name}»؛ اختر اسماً آخر.",
        )  # fmt: skip
    if not all(label.get(lang) for lang in ("en", "ar")):
        raise EstimationError(
            "The scale needs a label in both languages.",
            remedy='Give label={"en": ..., "ar": ...}.', ar="يلزم اسم للمقياس بالعربية والإنجليزية.",
        )  # fmt: skip
    y = np.column_stack(values)
    answered = np.isfinite(y).sum(axis=1)
    score = np.where(answered >= least, np.nansum(y, axis=1) / np.maximum(answered, 1), np.nan)
    score = score * len(items) if how == "sum" else score
    kind = {"mean": ("Mean", "متوسط"), "sum": ("Sum", "مجموع")}[how]
    note = {
        "en": f"{kind[0]} of {', '.join(items)}; turned around: {', '.join(reverse) or 'none'}; "
        f"answers needed: {least} of {len(items)}.",
        "ar": f"{kind[1]} البنود: {'، '.join(items)}؛ البنود المعكوسة: {'، '.join(reverse) or 'لا شيء'}؛ "
        f"أقل عدد من الإجابات: {least} من {len(items)}.",
    }
    return survey.with_columns({name: score}, Variable(name, dict(label), source=tuple(items), note=note))


def oriented(survey: Survey, items: Sequence[str], reverse: Sequence[str]) -> list[np.ndarray]:
    """Items as floats (n,), declared ones turned around; raises on items no scale can hold."""
    if isinstance(items, str) or len(items) < 2 or len(set(items)) < len(items):
        raise EstimationError(
            f"A scale needs two or more different items; found {items!r}.",
            remedy='Name each item once: ["trust_1", "trust_2"].',
            ar="يتطلب المقياس بندين مختلفين على الأقل، ويُذكر كل بند مرة واحدة.",
        )
    if isinstance(reverse, str) or set(reverse) - set(items):
        raise EstimationError(
            f"reverse={reverse!r} names what is not an item.",
            remedy="List items of the scale in reverse=.", ar="يجب أن تكون البنود المعكوسة من بنود المقياس.",
        )  # fmt: skip
    out = []
    inside = survey.design.weights > 0
    inside = inside if survey.mask is None else inside & survey.mask
    for item in items:
        value = survey.values(item)
        seen = np.unique(value[inside & np.isfinite(value)])
        if len(seen) < 2:
            raise EstimationError(
                f"{item!r} has {'one answer only' if len(seen) else 'no answers'}: it measures no difference.",
                remedy="Leave it out of the scale, or check whom it was asked of.",
                ar=f"البند «{item}» بلا إجابات أو بإجابة واحدة لا تتغير؛ استبعده أو تحقق ممن سُئل عنه.",
            )
        if item in reverse:
            declared = survey.codebook[item].valid if item in survey.codebook else ()
            codes = [float(c.code) for c in declared if not isinstance(c.code, str)]
            value = min([*codes, seen[0]]) + max([*codes, seen[-1]]) - value
        out.append(value)
    return out
