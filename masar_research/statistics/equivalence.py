"""Is a difference small enough not to matter? Two one-sided tests per difference."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType

import numpy as np

from masar_research.engine.equivalence import tost
from masar_research.errors import EstimationError
from masar_research.estimates import Estimates

_SAYS = {
    "equivalent": (
        "any difference is too small to matter, within the bounds declared",
        "أي فرق يقع ضمن الحدود المعلنة، فهو أصغر من أن يكون ذا أهمية",
    ),
    "negligible": (
        "a difference can be detected, but it is too small to matter, within the bounds declared",
        "يوجد فرق يمكن رصده إحصائياً، لكنه ضمن الحدود المعلنة، فهو أصغر من أن يكون ذا أهمية",
    ),
    "different": (
        "a difference can be detected, and it is not shown to be too small to matter",
        "يوجد فرق يمكن رصده إحصائياً، ولم يثبت أنه ضمن الحدود المعلنة",
    ),
    "undecided": (
        "no difference that can be detected, and none shown to be too small to matter: "
        "the data do not decide",
        "لا يوجد فرق يمكن رصده إحصائياً، ولم يثبت أنه ضمن الحدود المعلنة: البيانات لا تحسم المسألة",
    ),
    "unknown": ("the test cannot be made with these data", "لا يمكن إجراء الاختبار على هذه البيانات"),
    "withheld": ("not shown", "محجوب"),
}  # fmt: skip


def equivalence(estimates: Estimates, low: float, high: float) -> Estimates:
    """Two one-sided tests that each difference lies between two bounds.

    A difference that cannot be detected is not thereby small; this test can show that it is.

    Parameters
    ----------
    estimates : Estimates
        Differences: the answer of ``.contrast()`` or ``.pairwise()``.
    low, high : float
        The largest fall and rise that would not matter, declared before looking; fractions for
        shares (0.03 is three points).

    Returns
    -------
    Estimates
        The same rows with ``p_equivalence``; ``inner_low``, ``inner_high``, the interval of level
        ``1 − 2α`` (90 % for 95 %) that lies within the bounds when equivalence is shown; and
        ``verdict``: ``equivalent``, ``negligible`` (detected, yet within the bounds),
        ``different``, ``undecided`` or ``unknown``. ``note["reading"]`` says it in words.

    Raises
    ------
    EstimationError
        If the rows are not differences, or the bounds are not in order.

    Examples
    --------
    >>> import pandas as pd, masar_research as mr
    >>> frame = pd.DataFrame({"w": [1.0, 2.0] * 30, "p": range(60), "sex": [1, 1, 2] * 20,
    ...                       "works": [1, 1, 0, 1, 0, 1] * 10, "wave": [2024] * 30 + [2026] * 30})
    >>> survey = mr.Survey(frame, weights="w", psu="p")
    >>> gap = survey.proportion("works", by="sex").contrast("2 - 1")
    >>> gap.equivalence(-0.5, 0.5).frame["verdict"].tolist()
    ['equivalent']
    """
    if estimates.kind != "difference":
        raise EstimationError(
            f"Equivalence is tested for differences; these rows are of kind {estimates.kind!r}.",
            remedy="Form them first: .contrast(...) or .pairwise(...), then .equivalence(low, high).",
        )
    frame = estimates.frame
    alpha = 1 - estimates.level
    found = tost(frame["estimate"], frame["std_error"], frame["df"], low, high, alpha)
    detected = frame["p_value"].to_numpy(float) < alpha
    inside = found.p < alpha
    verdict = np.select(
        [np.isnan(found.p), inside & detected, inside, detected],
        ["unknown", "negligible", "equivalent", "different"],
        "undecided",
    )
    said = np.where(frame["reliability"] == "suppress", "withheld", verdict)
    note = {
        **estimates.note, "bounds": (low, high), "alpha": alpha,
        "reading": {lang: _sentences(said, side) for side, lang in enumerate(("en", "ar"))},
    }  # fmt: skip
    frame = frame.assign(
        p_equivalence=found.p, inner_low=found.inner_low, inner_high=found.inner_high,
        verdict=verdict,
    )  # fmt: skip
    return replace(estimates, frame=frame, note=MappingProxyType(note))


def _sentences(said: np.ndarray, side: int) -> tuple[str, ...]:
    """One sentence per verdict, with the numbers of its rows where there are several."""
    out = []
    for word in dict.fromkeys(said.tolist()):
        text = _SAYS[word][side]
        rows = [str(int(number) + 1) for number in np.flatnonzero(said == word)]
        noun = (("Row", "السطر"), ("Rows", "الأسطر"))[len(rows) > 1][side]
        head = "" if len(said) == 1 else f"{noun} {', '.join(rows)}: "
        sentence = head + text if head else text[0].upper() + text[1:]
        out.append(f"{sentence}.")
    return tuple(out)
