"""Items that work differently in groups of equal ability: `survey.dif`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
from scipy import stats

from masar_research.codebook import Variable
from masar_research.engine import item_functioning as engine
from masar_research.engine.linearized import linearize
from masar_research.engine.multiplicity import Adjustment, adjust as adjusted
from masar_research.engine.ordinal import probabilities
from masar_research.engine.variance import covariance
from masar_research.errors import EstimationError, ModelError
from masar_research.estimates import Estimates
from masar_research.measurement import dif_showing as shows
from masar_research.measurement.wealth_showing import code_label, variable_label
from masar_research.note import Note

if TYPE_CHECKING:
    from masar_research.present import Art
    from masar_research.showing import Shown
    from masar_research.survey import Survey

_ROUNDS = 10
Match = Literal["rest", "total"]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class DIF:
    """Differential item functioning of a battery.

    Attributes
    ----------
    frame : pandas.DataFrame
        A row per item: ``item, label_en, label_ar, kind, n, p_uniform, p_nonuniform, p_both,
        p_adjusted, statistic, df_num, df_den, r2_match, r2_uniform, r2_both, r2_change,
        class_jodoin_gierl, class_zumbo_thomas, top_en, top_ar`` (the highest answer), ``form``
        ("none", "uniform", "nonuniform"), ``flagged``.
    effects : pandas.DataFrame
        A row per item and focal group: ``effect`` (difference of the expected answer at equal
        scores, as a fraction of the item's range), ``std_error, conf_low, conf_high``, the
        coefficient behind it (``log_odds, log_odds_se``); for items of
        two answers ``mh_odds_ratio, mh_delta, mh_low, mh_high, ets``.
    curves : pandas.DataFrame
        Expected answer by matching score, item and group, from the model with both effects.
    impact : Estimates
        Difference of the mean score (0–100) between each focal group and the reference, with all
        items (``score_all``) and, where some are flagged, without these (``score_kept``).
    levels : Estimates
        Mean scores by group, behind whose release the whole result stands.
    survey : Survey
        With ``dif_score_all`` and ``dif_score_kept``.
    group : str
    note : Note
    """

    frame: pd.DataFrame
    effects: pd.DataFrame
    curves: pd.DataFrame
    impact: Estimates
    levels: Estimates
    survey: Survey
    group: str
    note: Mapping[str, Any]

    @property
    def flagged(self) -> tuple[str, ...]:
        """Items that work differently: detectable and not negligible."""
        return tuple(self.frame.loc[self.frame["flagged"], "item"])

    def reading(self, lang: str = "en") -> tuple[str, ...]:
        """Sentences in one language: which items, for whom, and what becomes of comparisons."""
        return shows.reading(self, lang)

    def table(self, lang: str = "en") -> Shown:
        """Items with their effects in points, tests and classes, behind the gate."""
        return shows.table(self, lang)

    def plot(self, lang: str = "en", items: Sequence[str] | None = None) -> Art:
        """Expected answer by score in each group; by default of the flagged items, else the strongest."""
        return shows.plot(self, lang, items)

    def __repr__(self) -> str:
        return str(self.table("en"))

    def _repr_html_(self) -> str:
        return "".join(self.table(lang)._repr_html_() for lang in ("en", "ar"))


@dataclass(frozen=True, slots=True, eq=False)
class _Battery:
    """Answers (n, k) from 0 up, NaN on rows outside; tops (k,) and the codes they stand for; group
    codes (n,), −1 outside."""

    names: tuple[str, ...]
    group: str
    answers: np.ndarray
    tops: np.ndarray
    highest: tuple[float, ...]
    groups: np.ndarray
    levels: tuple[Any, ...]
    used: np.ndarray


def dif(
    survey: Survey, items: Sequence[str], group: str, *, right: Mapping[str, Sequence[float]] | None = None,
    reference: float | str | None = None, match: Match = "rest", purify: bool = True,
    adjust: Adjustment = "holm", level: float = 0.95,
) -> DIF:  # fmt: skip
    """Whether items are answered differently by people of equal score in different groups.

    Each item is regressed (logit; ordered logit for more than two answers) on the matching score,
    the group, and their product: the group is uniform, the product non-uniform DIF. Wald tests by
    the design, the change of Nagelkerke's R² for size, weighted Mantel–Haenszel beside.

    Parameters
    ----------
    survey : Survey
        With its subpopulation, if any.
    items : sequence of str
        Three or more, all in the same direction (higher is more).
    group : str
    right : mapping, optional
        Item → its right answers; the item then counts 1 (right) or 0.
    reference : code, optional
        The group others are compared with; by default its first.
    match : {"rest", "total"}
        Match on the other items, or on all of them.
    purify : bool
        Take flagged items out of the matching score of the others, until the flags settle; not where
        more than half of the items would leave it.
    adjust : {"holm", "bh", "none"}
        Of the p-values of the joint tests, for the number of items.
    level : float
        Confidence level; an item is flagged where its adjusted p is below 1 − level and its size
        is not negligible (R² change or Mantel–Haenszel of class B or C).

    Returns
    -------
    DIF

    Raises
    ------
    EstimationError, ModelError
        Fewer than three items, an item that does not vary or has too many answers, one group, a
        reference that is none, a model without finite estimates (named by its item).

    References
    ----------
    Swaminathan and Rogers (1990), *J. Educational Measurement* 27; Zumbo (1999); Jodoin and Gierl
    (2001), *Applied Measurement in Education* 14; Holland and Thayer (1988).

    Examples
    --------
    >>> import numpy as np, pandas as pd, masar_research as mr
    >>> rng = np.random.default_rng(2)
    >>> able, sex = rng.normal(size=2000), rng.integers(1, 3, 2000)
    >>> frame = pd.DataFrame({f"q{j}": (able + (j == 1) * (sex == 2) + rng.logistic(size=2000) > 0) * 1.0
    ...                       for j in range(6)}).assign(sex=sex, w=1.0)
    >>> mr.Survey(frame, weights="w").dif([f"q{j}" for j in range(6)], "sex").flagged
    ('q1',)
    """
    names = _names(items, match, level)
    battery = _battery(survey, names, group, right or {}, reference)
    out: frozenset[int] = frozenset()
    seen: list[frozenset[int]] = []
    for rounds in range(1, _ROUNDS + 1):
        found = [_item(survey, battery, k, out, match, level) for k in range(len(names))]
        p = adjusted([one["p_both"] for one, _, _ in found], adjust)
        flags = frozenset(k for k, (one, effects, _) in enumerate(found) if _strong(one, effects, p[k], level))
        if not purify or flags == out or 2 * len(flags) > len(names) or flags in seen:
            break
        seen.append(flags)
        out = flags
    rows = []
    for k, (one, _, _) in enumerate(found):
        label, top = variable_label(survey, names[k]), code_label(survey, names[k], battery.highest[k])
        shape = "none"
        if p[k] < 1 - level:
            shape = "nonuniform" if one["p_nonuniform"] < 1 - level else "uniform"
        rows.append({"item": names[k], "label_en": label["en"], "label_ar": label["ar"], **one,
                     "top_en": top["en"], "top_ar": top["ar"], "p_adjusted": p[k], "form": shape, "flagged": k in flags})  # fmt: skip
    scored, levels, impact = _impact(survey, battery, flags, group, level)
    note = {
        **{key: levels.note[key] for key in ("weights", "base", "design")}, "items": list(names), "group": group,
        "reference": battery.levels[0], "match": match, "purified": purify, "rounds": rounds,
        "settled": not purify or flags == out, "left_out_of_match": [names[k] for k in sorted(out)],
        "adjust": adjust, "rows": int(battery.used.sum()), "rows_without_all_answers": _lost(survey, battery),
        "level": level, "test": "Wald F of the design, as R's regTermTest",
        "std_error": "of effects: delta method at the fitted scores",
    }  # fmt: skip
    effects = pd.DataFrame([{"item": names[k], **row} for k, (_, part, _) in enumerate(found) for row in part])
    curves = pd.DataFrame([{"item": names[k], **row} for k, (_, _, part) in enumerate(found) for row in part])
    return DIF(pd.DataFrame(rows), effects, curves, impact, levels, scored, group, Note(note))


def _names(items: Sequence[str], match: str, level: float) -> tuple[str, ...]:
    if isinstance(items, str) or len(items) < 3 or len(set(items)) < len(items):
        raise EstimationError("A battery needs three items or more, each named once.",
                              remedy='Name their variables: ["item_1", "item_2", "item_3"].',
                              ar="تحتاج المجموعة إلى ثلاثة بنود على الأقل، يُذكر كل منها مرة واحدة.")  # fmt: skip
    if match not in ("rest", "total"):
        raise EstimationError(f"match={match!r} is not a score to match on.", remedy="Use 'rest' or 'total'.",
                              ar="درجة المطابقة غير معروفة؛ استعمل rest أو total.")  # fmt: skip
    if not 0 < level < 1:
        raise EstimationError(f"level={level!r} is not a confidence level.", remedy="Give a fraction, for instance 0.95.",
                              ar="مستوى الثقة كسر بين 0 و1، مثل 0.95.")  # fmt: skip
    return tuple(items)


def _battery(
    survey: Survey, names: tuple[str, ...], group: str, right: Mapping[str, Sequence[float]], reference: Any
) -> _Battery:
    coded = survey.coded(group)
    inside = survey.design.weights > 0
    if survey.mask is not None:
        inside &= survey.mask
    columns, tops, highest = [], [], []
    for name in names:
        value = survey.values(name).copy()
        if name in right:
            yes = [float(code) for code in np.atleast_1d(np.asarray(right[name], float))]
            value = np.where(np.isnan(value), np.nan, np.isin(value, yes).astype(float))
        columns.append(value)
    answered = inside & (coded.codes >= 0) & ~np.isnan(np.column_stack(columns)).any(axis=1)
    for at, (name, value) in enumerate(zip(names, columns, strict=True)):
        codes = np.unique(value[answered])
        if not 2 <= len(codes) <= 12:
            raise EstimationError(
                f"Item {name!r} has {len(codes)} different answers among the {int(answered.sum())} rows that have "
                "every answer; 2 to 12 are expected.",
                remedy="Check its universe and coding; an item nobody varies on tells nothing.",
                ar=f"عدد الإجابات المختلفة للبند «{name}» {len(codes)}، والمتوقع من 2 إلى 12؛ راجع ترميزه وممن سُئلوا عنه.",
            )
        columns[at] = np.where(answered, np.searchsorted(codes, np.where(answered, value, codes[0])), np.nan)
        tops.append(len(codes) - 1)
        highest.append(float(codes[-1]))
    present = [k for k in range(len(coded.levels)) if (answered & (coded.codes == k)).any()]
    levels = [coded.levels[k] for k in present]
    if len(levels) < 2:
        raise EstimationError(f"{group!r} has one group among the rows with every answer.", remedy="Name a variable of two groups or more.",
                              ar=f"في «{group}» فئة واحدة فقط بين من أجابوا عن كل البنود؛ يلزم فئتان على الأقل.")  # fmt: skip
    first = levels[0] if reference is None else reference
    if first not in levels:
        raise EstimationError(f"reference={reference!r} is no group of {group!r}: {levels}.", remedy="Use one of these codes.",
                              ar=f"الفئة المرجعية ليست من فئات «{group}».")  # fmt: skip
    order = [first, *(one for one in levels if one != first)]
    place = {coded.levels[k]: k for k in present}
    groups = np.full(len(survey), -1)
    for at, one in enumerate(order):
        groups[answered & (coded.codes == place[one])] = at
    return _Battery(names, group, np.column_stack(columns), np.array(tops, float), tuple(highest),
                    groups, tuple(order), answered)  # fmt: skip


def _lost(survey: Survey, battery: _Battery) -> int:
    inside = survey.design.weights > 0
    if survey.mask is not None:
        inside &= survey.mask
    return int((inside & ~battery.used).sum())


def _item(
    survey: Survey, battery: _Battery, k: int, out: frozenset[int], match: str, level: float
) -> tuple[dict[str, Any], list[dict[str, Any]], list[dict[str, Any]]]:
    """Tests, effects by focal group, and curves of one item."""
    others = [j for j in range(len(battery.names)) if j not in out and j != k]
    own = [k] if match == "total" else []
    score = battery.answers[:, [*others, *own]].sum(axis=1)
    used, focal = battery.used, len(battery.levels) - 1
    if len(np.unique(score[used])) < 2:
        raise EstimationError(f"Item {battery.names[k]!r}: the matching score does not vary.", remedy="Use more items, or purify=False.",
                              ar=f"درجة المطابقة للبند «{battery.names[k]}» لا تتغيّر؛ استعمل بنوداً أكثر أو purify=False.")  # fmt: skip
    y = battery.answers[:, k]
    columns = {"dif_y": y, "dif_match": score}
    for g in range(1, focal + 1):
        here = np.where(used, (battery.groups == g).astype(float), np.nan)
        columns |= {f"dif_g{g}": here, f"dif_x{g}": here * score}
    held = survey.with_columns(columns)
    uniform = [f"dif_g{g}" for g in range(1, focal + 1)]
    cross = [f"dif_x{g}" for g in range(1, focal + 1)]
    try:
        fits = [_fit(held, ["dif_match", *terms], level, battery.tops[k]) for terms in ([], uniform, [*uniform, *cross])]
    except ModelError as error:
        raise ModelError(
            f"Item {battery.names[k]!r}: {error.what}",
            remedy="Leave the item out, or merge small groups and rare answers.",
            ar=f"تعذّر تقدير نموذج البند «{battery.names[k]}»؛ استبعده، أو ادمج المجموعات الصغيرة والإجابات النادرة.",
        ) from error
    w = np.where(used, survey.design.weights, 0.0)
    shares = np.bincount(y[used].astype(int), w[used])
    null = float(shares @ np.log(shares / shares.sum()))
    r2 = [engine.nagelkerke(null, model.fit.log_likelihood, w.sum()) for model in fits]
    tests = [_wald(fits[1], uniform), _wald(fits[2], cross), _wald(fits[2], [*uniform, *cross])]
    change = r2[2] - r2[0]
    one = {
        "kind": "binary" if battery.tops[k] == 1 else "ordinal", "n": int(used.sum()), "p_uniform": tests[0][3],
        "p_nonuniform": tests[1][3], "p_both": tests[2][3], "statistic": tests[2][0], "df_num": tests[2][1],
        "df_den": tests[2][2], "r2_match": r2[0], "r2_uniform": r2[1], "r2_both": r2[2], "r2_change": change,
        "class_jodoin_gierl": engine.size_class(change), "class_zumbo_thomas": engine.size_class(change, (0.13, 0.26)),
    }  # fmt: skip
    effects = [_effect(survey, battery, k, g, score, fits[1], level) for g in range(1, focal + 1)]
    return one, effects, _curves(battery, k, score, fits[2])


def _fit(held: Survey, terms: Sequence[str], level: float, top: float) -> Any:
    formula = f"dif_y ~ {' + '.join(terms)}"
    return held.logit(formula, level=level) if top == 1 else held.ordinal(formula, level=level)


def _places(model: Any, terms: Sequence[str]) -> list[int]:
    names = model.frame["term"].tolist()
    return [names.index(term) for term in terms]


def _wald(model: Any, terms: Sequence[str]) -> tuple[float, int, int, float]:
    """F = b' V⁻¹ b / q with q and the model's degrees of freedom."""
    at = _places(model, terms)
    b, V = model.frame["estimate"].to_numpy()[at], model.vcov[np.ix_(at, at)]
    q, df = len(at), int(model.df)
    value = float(b @ np.linalg.pinv(V, hermitian=True) @ b) / q
    return value, q, df, float(stats.f.sf(value, q, df)) if df > 0 else float("nan")


def _expected(model: Any, coef: np.ndarray, X: np.ndarray, top: float) -> np.ndarray:
    """(r,) expected answer as a fraction of the range; the columns of X as the terms of the model."""
    if top == 1:
        return 1 / (1 + np.exp(-(coef[0] + X @ coef[1:])))
    p = probabilities(coef, X, int(top) + 1, "logit")
    return p @ np.arange(top + 1) / top


def _effect(
    survey: Survey, battery: _Battery, k: int, g: int, score: np.ndarray, model: Any, level: float
) -> dict[str, Any]:
    """Average difference of the expected answer between a focal group and the reference, at equal scores."""
    rows, top, focal = np.flatnonzero(battery.used), battery.tops[k], len(battery.levels) - 1
    values, place = np.unique(score[rows], return_inverse=True)
    mass = np.bincount(place, survey.design.weights[rows])
    X = np.zeros((len(values), 1 + focal))
    X[:, 0] = values
    there = X.copy()
    there[:, g] = 1.0

    def difference(coef: np.ndarray) -> float:
        return float(mass @ (_expected(model, coef, there, top) - _expected(model, coef, X, top)) / mass.sum())

    coef, V = np.asarray(model.fit.coef, float), np.asarray(model.vcov)
    steps = 1e-5 * np.maximum(np.sqrt(np.diag(V)), 1e-8)
    slope = np.array([(difference(coef + e) - difference(coef - e)) / (2 * s) for e, s in zip(np.diag(steps), steps, strict=True)])
    value, spread = difference(coef), float(np.sqrt(max(slope @ V @ slope, 0.0)))
    reach = float(stats.t.ppf((1 + level) / 2, model.df)) if model.df > 0 else float("nan")
    words = code_label(survey, battery.group, battery.levels[g])
    at = _places(model, [f"dif_g{g}"])[0]
    out = {"group": battery.levels[g], "group_en": words["en"], "group_ar": words["ar"], "effect": value,
           "log_odds": float(model.frame["estimate"].iloc[at]), "log_odds_se": float(np.sqrt(V[at, at])),
           "std_error": spread, "conf_low": value - reach * spread, "conf_high": value + reach * spread}  # fmt: skip
    return out | _mantel_haenszel(survey, battery, k, g, score, reach)


def _mantel_haenszel(
    survey: Survey, battery: _Battery, k: int, g: int, score: np.ndarray, reach: float
) -> dict[str, Any]:
    """Odds ratio, ETS delta with the design's interval and class, of an item of two answers."""
    names = ("mh_odds_ratio", "mh_delta", "mh_low", "mh_high")
    if battery.tops[k] != 1:
        return dict.fromkeys(names, np.nan) | {"ets": "–"}
    rows = np.flatnonzero(battery.used & np.isin(battery.groups, (0, g)))
    _, place = np.unique(score[rows], return_inverse=True)
    log_odds, own = engine.mantel_haenszel(
        battery.answers[rows, k].astype(int), battery.groups[rows] == g, place, survey.design.weights[rows]
    )
    if not np.isfinite(log_odds):
        return dict.fromkeys(names, np.nan) | {"ets": "–"}
    influence = np.full((len(survey), 1), np.nan)
    influence[rows, 0] = own
    spread = np.sqrt(covariance(survey.design, linearize(survey.design, [log_odds], influence).totals)[0, 0])
    delta, error = engine.DELTA * log_odds, abs(engine.DELTA) * float(spread)
    ends = (delta - reach * error, delta + reach * error)
    return dict(zip(names, (float(np.exp(log_odds)), delta, *ends), strict=True)) | {
        "ets": engine.ets_class(delta, error, reach)}  # fmt: skip


def _strong(one: Mapping[str, Any], effects: Sequence[Mapping[str, Any]], p: float, level: float) -> bool:
    """Detectable after the adjustment, and of class B or C by either measure."""
    large = one["class_jodoin_gierl"] != "A" or any(row["ets"] in ("B", "C") for row in effects)
    return bool(p < 1 - level and large)


def _curves(battery: _Battery, k: int, score: np.ndarray, model: Any) -> list[dict[str, Any]]:
    """Expected answer over the scores seen in each group."""
    focal, out = len(battery.levels) - 1, []
    for g in range(focal + 1):
        values = np.unique(score[battery.groups == g])
        X = np.zeros((len(values), 1 + 2 * focal))
        X[:, 0] = values
        if g:
            X[:, g], X[:, focal + g] = 1.0, values
        expected = _expected(model, np.asarray(model.fit.coef, float), X, battery.tops[k])
        out += [{"group": battery.levels[g], "score": float(v), "expected": float(e)} for v, e in zip(values, expected, strict=True)]
    return out


def _impact(
    survey: Survey, battery: _Battery, flags: frozenset[int], group: str, level: float
) -> tuple[Survey, Estimates, Estimates]:
    """Mean scores from 0 to 100 by group, with all items and without the flagged, and their differences."""
    parts = {"dif_score_all": list(range(len(battery.names)))}
    kept = [k for k in range(len(battery.names)) if k not in flags]
    if flags and kept:
        parts["dif_score_kept"] = kept
    columns = {
        name: 100 * battery.answers[:, at].sum(axis=1) / battery.tops[at].sum() for name, at in parts.items()
    }
    scored = survey.with_columns(columns, *(Variable(name, shows.SCORES[name], source=battery.names) for name in columns))
    levels = scored.mean(list(columns), by=group, level=level)
    first = battery.levels[0]
    matrix, heads = [], {"contrast": [], "variable": []}
    for name in columns:
        for code in battery.levels[1:]:
            row = np.zeros(len(levels))
            frame = levels.frame
            row[np.flatnonzero((frame["variable"] == name) & (frame[group] == code))] = 1
            row[np.flatnonzero((frame["variable"] == name) & (frame[group] == first))] = -1
            matrix.append(row)
            heads["contrast"].append(f"{code} - {first}")
            heads["variable"].append(name)
    impact = levels._combined(np.vstack(matrix), heads, by=(), what="focal groups against the reference")
    return scored, levels, impact
