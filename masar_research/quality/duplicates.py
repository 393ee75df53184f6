"""Interviews that repeat another: identifiers, whole rows, and answers that agree almost everywhere."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from masar_research.codebook import Text
from masar_research.quality.findings import Checked, Desk
from masar_research.quality.material import Material, coded

THRESHOLD = 0.85
FEWEST_ITEMS = 40
FEWEST_SHARED = 30
NEAR_CONSTANT = 0.95
_FIRST, _BLOCK = 40, 256


@dataclass(frozen=True, slots=True)
class Pairs:
    """Pairs of rows that agree.

    Attributes
    ----------
    first, second : ndarray of int, shape (p,)
        Positions, ``first < second``.
    share : ndarray of float, shape (p,)
        Share of equal answers among the items that at least one of the two answered.
    """

    first: np.ndarray
    second: np.ndarray
    share: np.ndarray


def near_duplicates(answers: np.ndarray, threshold: float = THRESHOLD) -> Pairs:
    r"""All pairs of rows whose percent match reaches the threshold; exact, no sampling.

    .. math:: m_{ij} = \frac{\#\{v: x_{iv}=x_{jv}\neq\text{blank}\}}{\#\{v: x_{iv}\neq\text{blank or }x_{jv}\neq\text{blank}\}}

    A pair that differs in more than :math:`(1-t)K` of :math:`K` items cannot reach :math:`t`, so pairs are
    dropped as soon as the most telling items say so; the rest is counted in full.

    Parameters
    ----------
    answers : ndarray of int, shape (n, k)
        Codes, 0 where blank.
    threshold : float
        0.85 after Kuriakose and Robbins.

    Returns
    -------
    Pairs

    References
    ----------
    Kuriakose, N. and Robbins, M. (2016), Don't get duped: fraud through duplication in public opinion surveys,
    Statistical Journal of the IAOS 32, 283–291.

    Examples
    --------
    >>> rows = np.array([[1, 2, 3, 1, 2, 1, 3], [1, 2, 3, 1, 2, 1, 2], [3, 1, 1, 2, 0, 2, 1]])
    >>> pairs = near_duplicates(rows)
    >>> pairs.first.tolist(), pairs.second.tolist(), pairs.share.round(3).tolist()
    ([0], [1], [0.857])
    """
    n, k = answers.shape
    empty = Pairs(np.empty(0, int), np.empty(0, int), np.empty(0))
    if n < 2 or k == 0:
        return empty
    allowed = int(np.floor((1 - threshold) * k + 1e-9))
    telling = np.argsort([_modal_share(answers[:, j]) for j in range(k)], kind="stable")
    ordered = np.ascontiguousarray(answers[:, telling].T)
    small = ordered.astype(np.uint8) if ordered.max(initial=0) < 256 else ordered
    dense = min(k, _FIRST + allowed)
    found: list[tuple[np.ndarray, np.ndarray]] = []
    for start in range(0, n - 1, _BLOCK):
        stop = min(start + _BLOCK, n)
        differ = np.zeros((stop - start, n - start), dtype=np.uint16)
        for j in range(min(dense, _FIRST)):
            differ += small[j, start:stop, None] != small[j, None, start:]
        left, right = np.nonzero(differ <= allowed)
        keep = right > left
        left, right = left[keep] + start, right[keep] + start
        count = differ[left - start, right - start].astype(np.int64)
        for low in range(_FIRST, k, _FIRST):
            if left.size == 0:
                break
            for j in range(low, min(low + _FIRST, k)):
                count += small[j, left] != small[j, right]
            keep = count <= allowed
            left, right, count = left[keep], right[keep], count[keep]
        if left.size:
            found.append((left, right))
    if not found:
        return empty
    first, second = (np.concatenate(side) for side in zip(*found, strict=True))
    share, shared = _shares(answers, first, second)
    keep = (share >= threshold - 1e-12) & (shared >= min(FEWEST_SHARED, k))
    return Pairs(first[keep], second[keep], share[keep])


def _modal_share(column: np.ndarray) -> float:
    return float(np.bincount(column).max() / column.size)


def _shares(answers: np.ndarray, first: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    share, shared = np.empty(first.size), np.empty(first.size, int)
    for low in range(0, first.size, 20_000):
        a, b = answers[first[low : low + 20_000]], answers[second[low : low + 20_000]]
        either = ((a > 0) | (b > 0)).sum(axis=1)
        share[low : low + 20_000] = ((a == b) & (a > 0)).sum(axis=1) / np.maximum(either, 1)
        shared[low : low + 20_000] = either
    return share, shared


def check_duplicates(material: Material) -> Checked:
    """Repeated identifiers, repeated rows, and pairs of interviews with at least 85 % equal answers."""
    desk = Desk("duplicates", material.rows)
    for role, severity in (("key", "error"), ("id", "error")):
        _identifiers(desk, material, role, severity)
    repeated = _repeated(material)
    if repeated.any():
        desk.find(
            "repeated_row", "error",
            Text(en=f"{int(repeated.sum()):,} rows repeat another row exactly.",
                 ar=f"سجلات تكرر سجلاً آخر تكراراً تاماً: {int(repeated.sum()):,}."),
            Text(en="Find out whether it was submitted or merged twice; keep one.",
                 ar="تحقق هل أُرسل السجل أو دُمج مرتين، وأبقِ نسخة واحدة."), at=repeated,
        )  # fmt: skip
    _near(desk, material, repeated)
    return desk.done()


def _identifiers(desk: Desk, material: Material, role: str, severity: str) -> None:
    column = getattr(material.roles, role)
    if column is None:
        return
    values = material.frame[column]
    wave = material.frame["wave"] if "wave" in material.frame.columns else 0
    twice = pd.DataFrame({"v": values, "w": wave}).duplicated(keep=False).to_numpy() & values.notna().to_numpy()
    blank = int(values.isna().sum())
    if twice.any():
        desk.find(
            f"repeated_{role}", severity,
            Text(en=f"{column}: {int(twice.sum()):,} rows share their identifier with another row.",
                 ar=f"{column}: سجلات لها معرّف سجل آخر نفسه، وعددها {int(twice.sum()):,}."),
            Text(en="Merge or delete submissions sent twice; number different interviews anew.",
                 ar="ادمج الإرساليات المكررة أو احذفها، وأعط المقابلات المختلفة أرقاماً مختلفة."), at=twice, variable=column,
        )  # fmt: skip
    if blank:
        desk.find(
            f"blank_{role}", "warning",
            Text(en=f"{column}: {blank:,} rows have no identifier.", ar=f"{column}: سجلات بلا معرّف: {blank:,}."),
            Text(en="Give each interview its number before files are merged.", ar="أعط كل مقابلة رقمها قبل دمج الملفات."),
            at=values.isna().to_numpy(), variable=column,
        )  # fmt: skip


def _repeated(material: Material) -> np.ndarray:
    """Later copies: the whole row where nothing tells submissions apart, else all answers and times."""
    skip = {material.roles.key, material.roles.id, material.roles.submitted, "_index", "X_index", "_id", "X_id"}
    names = [name for name in material.frame.columns if name not in skip]
    some = material.frame[names].notna().any(axis=1).to_numpy()
    return material.frame.duplicated(subset=names).to_numpy() & some if names else np.zeros(len(some), bool)


def _near(desk: Desk, material: Material, repeated: np.ndarray) -> None:
    where = np.flatnonzero(material.finished & ~repeated)
    names = [name for name in _questions(material) if _telling(material, name, where)]
    desk.figures["items_compared"] = len(names)
    if len(names) < FEWEST_ITEMS:
        desk.say(
            f"Near-duplicates were not looked for: {len(names)} items vary enough, {FEWEST_ITEMS} are needed for a percent match that tells.",
            f"لم يُبحث عن المقابلات شبه المكررة: عدد الأسئلة المتباينة بما يكفي {len(names)}، ويلزم {FEWEST_ITEMS} ليكون للتطابق دلالة.",
        )
        return
    answers = coded(material.frame.iloc[where], names)
    for j, name in enumerate(names):
        answers[~material.answered(name)[where], j] = 0
    pairs = near_duplicates(answers)
    first, second = where[pairs.first], where[pairs.second]
    rows = np.unique(np.concatenate([first, second]))
    desk.figures |= {"near_pairs": int(first.size), "near_rows": int(rows.size), "threshold": THRESHOLD}
    desk.say(
        f"{where.size:,} interviews were compared pair by pair on {len(names)} items; {first.size:,} pairs agree in at least {THRESHOLD:.0%} of their answers.",
        f"قورنت المقابلات ({where.size:,}) زوجاً زوجاً على أسئلة عددها {len(names)}؛ والأزواج المتفقة في {THRESHOLD:.0%} من الإجابات فأكثر عددها {first.size:,}.",
    )
    if not rows.size:
        return
    share = rows.size / where.size
    same = _together(material, first, second)
    grave = "warning" if same["enumerator"] or same["psu"] or share > 0.05 else "note"
    desk.figures |= {f"near_same_{role}": count for role, count in same.items()}
    desk.find(
        "near_duplicate", grave,
        Text(en=f"{rows.size:,} interviews ({share:.1%}) agree with another in at least {THRESHOLD:.0%} of {len(names)} answers; "
                f"of {first.size:,} pairs, {same['enumerator']:,} are of one interviewer and {same['psu']:,} of one cluster.",
             ar=f"مقابلات تتفق مع غيرها في {THRESHOLD:.0%} فأكثر من الإجابات ({len(names)} سؤالاً): {rows.size:,} ({share:.1%})؛ "
                f"ومن أزواجها البالغة {first.size:,} يعود {same['enumerator']:,} إلى باحث واحد و{same['psu']:,} إلى عنقود واحد."),
        Text(en="Listen to recordings or call back, pairs of one interviewer first. Many alike items or alike people give "
                "honest matches too: the threshold starts an inquiry, it proves nothing.",
             ar="استمع إلى التسجيلات أو أعد الاتصال، وابدأ بأزواج الباحث الواحد. وقد تتشابه إجابات صادقة حين تتشابه الأسئلة أو "
                "الناس: فهذا الحد يبدأ التحقق ولا يثبت شيئاً."), at=rows,
    )  # fmt: skip


def _questions(material: Material) -> list[str]:
    """Items, a multi-select as the one question it is: its many unticked options would agree by themselves."""
    columns = set(map(str, material.frame.columns))
    parents = [name.rsplit("__", 1)[0] if "__" in name else name for name in material.items]
    return list(dict.fromkeys(p if p in columns else name for p, name in zip(parents, material.items, strict=True)))


def _telling(material: Material, name: str, where: np.ndarray) -> bool:
    counts = material.frame[name].iloc[where].value_counts(dropna=False).to_numpy()
    return counts.size > 1 and counts[0] / max(where.size, 1) < NEAR_CONSTANT


def _together(material: Material, first: np.ndarray, second: np.ndarray) -> dict[str, int]:
    out = {}
    for role in ("enumerator", "psu"):
        groups = material.groups(role)
        out[role] = 0 if groups is None else int(((groups[0][first] == groups[0][second]) & (groups[0][first] >= 0)).sum())
    return out
