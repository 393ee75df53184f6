"""The same answer down a whole grid of questions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from masar_research.codebook import Text
from masar_research.quality.findings import Checked, Desk, skipped
from masar_research.quality.material import Material

FEWEST_ITEMS, FEWEST_CODES = 4, 4
MANY_ITEMS = 12
EXCESS = 0.10


@dataclass(frozen=True, slots=True)
class Uniformity:
    """How uniform the answers to one grid are.

    Attributes
    ----------
    used : ndarray of bool, shape (n,)
        Rows that answered every item of the grid.
    identical : ndarray of bool, shape (n,)
    longest : ndarray of int, shape (n,)
        Longest run of one answer (longstring), 0 where not used.
    spread : ndarray of float, shape (n,)
        Standard deviation of the row's answers (intra-individual response variability), NaN where not used.
    expected : float
        Share of identical rows if items were independent, :math:`\\sum_c\\prod_j p_{jc}`.
    """

    used: np.ndarray
    identical: np.ndarray
    longest: np.ndarray
    spread: np.ndarray
    expected: float


def uniformity(answers: np.ndarray) -> Uniformity:
    """Identical answers, longest run and spread of each row of a grid.

    Parameters
    ----------
    answers : ndarray of float, shape (n, k)
        Codes, NaN where there is no answer.

    References
    ----------
    Meade, A. and Craig, S. (2012), Identifying careless responses in survey data, Psychological Methods 17,
    437–455 (longstring); Dunn, A. et al. (2018), Journal of Business and Psychology 33, 105–121 (IRV).

    Examples
    --------
    >>> u = uniformity(np.array([[3., 3, 3, 3], [1, 1, 2, 2], [1, np.nan, 2, 3]]))
    >>> u.identical.tolist(), u.longest.tolist()
    ([True, False, False], [4, 2, 0])
    """
    used = ~np.isnan(answers).any(axis=1)
    same = answers[:, 1:] == answers[:, :-1]
    run = np.ones(answers.shape[0], int)
    longest = run.copy()
    for j in range(same.shape[1]):
        run = np.where(same[:, j], run + 1, 1)
        longest = np.maximum(longest, run)
    spread = np.full(answers.shape[0], np.nan)
    spread[used] = answers[used].std(axis=1)
    full = answers[used]
    expected = float(sum(np.prod((full == code).mean(axis=0)) for code in np.unique(full))) if full.size else 0.0
    return Uniformity(used, used & same.all(axis=1), np.where(used, longest, 0), spread, expected)


def grids(material: Material) -> list[list[str]]:
    """Items that stand next to each other with one scale of at least four answers and one universe."""
    out: list[list[str]] = []
    signature = None
    for name in material.items:
        variable = material.codebook.get(name)
        gone = material.kinds(name)
        codes = () if variable is None else tuple(c.code for c in variable.categories if c.code not in gone)
        fits = len(codes) >= FEWEST_CODES and all(isinstance(code, float) for code in codes)
        mine = (codes, tuple(str(dict(c.label)) for c in variable.categories), variable.universe) if fits else None
        if mine is not None and mine == signature:
            out[-1].append(name)
        elif mine is not None:
            out.append([name])
        signature = mine
    return [names for names in out if len(names) >= FEWEST_ITEMS]


def check_straightlining(material: Material) -> Checked:
    """Respondents who gave one answer to every item of their grids."""
    found = grids(material)
    if not found:
        return skipped(
            "straightlining", f"No grid was found: {FEWEST_ITEMS} neighbouring items with one scale of {FEWEST_CODES} answers or more.",
            f"لا توجد مصفوفة أسئلة: يلزم {FEWEST_ITEMS} أسئلة متجاورة بسلّم إجابة واحد من {FEWEST_CODES} درجات فأكثر.",
        )  # fmt: skip
    desk = Desk("straightlining", material.rows)
    n = len(material.frame)
    answered, straight = np.zeros(n, int), np.zeros(n, int)
    table = []
    for names in found:
        answers = np.column_stack(
            [np.where(material.substantive(name) & material.finished, material.frame[name].to_numpy(float), np.nan) for name in names]
        )
        one = uniformity(answers)
        answered += np.where(one.used, len(names), 0)
        straight += np.where(one.identical, len(names), 0)
        if not one.used.any():
            continue
        share = float(one.identical.sum() / one.used.sum())
        table.append({
            "first": names[0], "last": names[-1], "items": len(names), "n": int(one.used.sum()), "identical": share,
            "expected": one.expected, "longest_median": float(np.median(one.longest[one.used])),
            "spread_median": float(np.nanmedian(one.spread)),
        })  # fmt: skip
    desk.figures["grids"] = table
    desk.say(
        f"{len(table)} grids were looked at ({sum(row['items'] for row in table)} items).",
        f"فُحصت مصفوفات عددها {len(table)} (أسئلتها {sum(row['items'] for row in table)}).",
    )
    for row in table:
        if row["identical"] > max(0.25, 2 * row["expected"] + EXCESS) and row["items"] >= 5:
            desk.find(
                "uniform_grid", "note",
                Text(en=f"{row['first']} to {row['last']}: {row['identical']:.0%} of respondents gave one answer to all {row['items']} items.",
                     ar=f"{row['first']} إلى {row['last']}: نسبة من أعطوا إجابة واحدة للأسئلة كلها ({row['items']}) {row['identical']:.0%}."),
                Text(en="Ask whether the items are read one by one; turn some of them round next time.",
                     ar="اسأل هل تُقرأ الأسئلة سؤالاً سؤالاً، واعكس صياغة بعضها في المرة القادمة."),
                variable=row["first"], count=round(row["identical"] * row["n"]),
            )  # fmt: skip
    flagged = (answered >= MANY_ITEMS) & (straight == answered)
    desk.figures["everywhere"] = int(flagged.sum())
    if flagged.any():
        share = flagged.sum() / max(int((answered >= MANY_ITEMS).sum()), 1)
        desk.find(
            "straight_everywhere", "warning",
            Text(en=f"{int(flagged.sum()):,} respondents ({share:.1%}) gave one answer throughout each of their grids ({MANY_ITEMS} items or more).",
                 ar=f"مستجيبون أعطوا إجابة واحدة في كل مصفوفة أجابوا عنها ({MANY_ITEMS} سؤالاً فأكثر): {int(flagged.sum()):,} ({share:.1%})."),
            Text(en="Look at their length and interviewer; repeat the estimates without them.",
                 ar="انظر في مدد مقابلاتهم وباحثيها، وأعد التقديرات بدونهم للمقارنة."), at=flagged,
        )  # fmt: skip
    return desk.done()
