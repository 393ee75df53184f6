"""A wealth index from what households own: `survey.wealth_index`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from masar_research.codebook import Category, Variable
from masar_research.engine import principal
from masar_research.engine.polychoric import expected_scores
from masar_research.errors import EstimationError
from masar_research.estimates import Estimates
from masar_research.measurement import wealth_showing as shows
from masar_research.measurement.polychoric import MOST, matrix
from masar_research.note import Note

if TYPE_CHECKING:
    from masar_research.present import Art
    from masar_research.showing import Shown
    from masar_research.survey import Survey

Missing = Literal["mean", "none", "left_out"]
Correlations = Literal["pearson", "polychoric"]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class WealthIndex:
    """A wealth index and how it came about.

    Attributes
    ----------
    frame : pandas.DataFrame
        A row per indicator and part ("common", then one per area): ``part, part_en, part_ar,
        indicator, asset, category, label_en, label_ar, mean, sd, loading, effect`` (change of the
        score when the indicator goes up by one), ``missing`` (weighted share).
    coherence : Estimates
        Weighted share owning each indicator, by group of wealth.
    survey : Survey
        With the variables ``<name>_score`` and ``<name><groups>``; never printed.
    name, group : str
        Prefix, and the variable of groups.
    shares : mapping
        Part → share of the indicators' variance in its first component.
    note : Note
        Every choice: missing values, weights of the groups, sign, indicators left out, anchoring.
    """

    frame: pd.DataFrame
    coherence: Estimates
    survey: Survey
    name: str
    group: str
    shares: Mapping[str, float]
    note: Mapping[str, Any]

    def reading(self, lang: str = "en") -> tuple[str, ...]:
        """Sentences in one language: what the component holds, what does not rise with it."""
        return shows.reading(self, lang)

    def table(self, lang: str = "en") -> Shown:
        """Loadings, and the share owning each asset in every group of wealth, behind the gate."""
        return shows.table(self, lang)

    def plot(self, lang: str = "en") -> Art:
        """Share owning each asset in the poorest, middle and richest group."""
        return shows.plot(self, lang)

    def __repr__(self) -> str:
        return str(self.table("en"))

    def _repr_html_(self) -> str:
        return "".join(self.table(lang)._repr_html_() for lang in ("en", "ar"))


@dataclass(frozen=True, slots=True, eq=False)
class _Indicators:
    """X (n, p) and what its columns are."""

    X: np.ndarray
    rows: list[dict[str, Any]]
    owned: np.ndarray
    constant: tuple[str, ...]


def wealth_index(
    survey: Survey, assets: Sequence[str], numeric: Sequence[str] = (), *, area: str | None = None,
    members: str | None = None, missing: Missing = "mean", owned: Mapping[str, float] | None = None,
    correlations: Correlations = "pearson", groups: int = 5, name: str = "wealth_index", level: float = 0.95,
) -> WealthIndex:  # fmt: skip
    """Weighted principal component of assets, as the Demographic and Health Surveys build theirs.

    Indicators are standardised with the survey's weights; the score is their first principal
    component, ``Σ loading (x − x̄) / (sd √λ₁)``. With `area`, a score is made within each area too,
    and put on the scale of the common one by regressing the common score on it there.

    Parameters
    ----------
    survey : Survey
        Households, or people with their household's assets; with its subpopulation, if any.
    assets : sequence of str
        Variables with two answers (owned or not) or more (floor, water, toilet): a variable of
        more gives an indicator for each answer.
    numeric : sequence of str
        Variables taken as numbers (rooms per person, livestock).
    area : str, optional
        Urban and rural, or any other variable within which assets mean different things.
    members : str, optional
        Household members: groups then hold equal numbers of people. Where rows are people drawn
        with their own weights, leave it out.
    missing : {"mean", "none", "left_out"}
        A missing answer counts as the average of the others, as not owned, or leaves the row
        without a score. Rows with no answer at all have none under any of these.
    owned : mapping, optional
        Variable of two answers → the code that means owned; otherwise 1.
    correlations : {"pearson", "polychoric"}
        The second takes an asset of more than two answers as one ordered variable, its codes from
        worst to best or the other way, and numbers of up to twelve values likewise: the component
        is of polychoric correlations, and an answer counts by the mean of what lies behind it.
    groups : int
        5 for fifths.
    name : str
        Prefix of the variables made.
    level : float

    Returns
    -------
    WealthIndex

    Raises
    ------
    EstimationError
        Fewer than two indicators that vary, no asset of two answers to fix the sign, an answer that
        cannot be told as owned, more groups than scores, names that are taken, a polychoric correlation of ±1,
        an ordered variable of more than twelve answers.

    References
    ----------
    Filmer and Pritchett (2001), *Demography* 38; Rutstein and Johnson (2004), *The DHS Wealth
    Index*; Rutstein (2015), *Steps to constructing the new DHS Wealth Index*; Kolenikov and
    Angeles (2009), *Review of Income and Wealth* 55.

    Examples
    --------
    >>> import numpy as np, pandas as pd, masar_research as mr
    >>> rng = np.random.default_rng(1)
    >>> rich = rng.normal(size=300)
    >>> frame = pd.DataFrame({f"asset_{j}": (rich + rng.normal(size=300) > j / 2).astype(float) for j in range(6)})
    >>> found = mr.Survey(frame.assign(w=1.0), weights="w").wealth_index([f"asset_{j}" for j in range(6)])
    >>> bool((found.frame["loading"] > 0).all()), found.survey.frame["wealth_index5"].nunique()
    (True, 5)
    """
    _check(survey, assets, numeric, missing, groups, name, correlations)
    inside = survey.design.weights > 0
    if survey.mask is not None:
        inside &= survey.mask
    weights = np.where(inside, survey.design.weights, 0.0)
    made = _indicators(survey, assets, numeric, inside, weights, owned or {}, missing, correlations == "polychoric")
    ranked = correlations == "polychoric"
    answered = inside & ~np.isnan(made.X).all(axis=1)
    if missing == "left_out":
        answered &= ~np.isnan(made.X).any(axis=1)
    score = np.full(len(survey), np.nan)
    rows, shares, anchors = [], {}, {}
    whole, kept = _part(made, answered, weights, ranked)
    score[answered] = whole.score
    rows += _rows(made, kept, whole, weights, answered, "common", shows.COMMON)
    shares["common"] = whole.share
    if area is not None:
        common, score = score, np.full(len(survey), np.nan)
        coded = survey.coded(area)
        for at, code in enumerate(coded.levels):
            here = answered & (coded.codes == at)
            if not here.any():
                continue
            own, kept = _part(made, here, weights, ranked)
            start, slope = principal.anchor(own.score, common[here], weights[here])
            score[here] = start + slope * own.score
            words = shows.code_label(survey, area, code)
            part = f"{area}={code}"
            rows += _rows(made, kept, own, weights, here, part, words)
            shares[part] = own.share
            anchors[part] = {"intercept": start, "slope": slope}
    mass = weights if members is None else weights * _members(survey, members, np.isfinite(score))
    codes, cuts = principal.fractions(score, np.where(np.isfinite(score), mass, 0.0), groups)
    found = np.unique(codes[codes > 0])
    if len(found) < groups:
        raise EstimationError(
            f"Only {len(found)} of {groups} groups can be told apart: too many households share a score.",
            remedy="Name more assets, or ask for fewer groups.",
            ar="درجات كثير من الأسر متساوية فلا يمكن تكوين هذا العدد من الفئات؛ أضف ممتلكات أو قلّل عدد الفئات.",
        )
    group = f"{name}{groups}"
    scored = survey.with_columns(
        {f"{name}_score": score, group: np.where(codes > 0, codes, np.nan).astype(float)}
        | {row["indicator"]: made.X[:, at] for at, row in enumerate(made.rows)},
        Variable(f"{name}_score", shows.SCORE, source=(*assets, *numeric)),
        Variable(group, shows.GROUP, level="ordinal", source=(f"{name}_score",),
                 categories=tuple(Category(k, shows.group_label(k, groups)) for k in range(1, groups + 1))),
        *(Variable(row["indicator"], {"en": row["label_en"], "ar": row["label_ar"]}, source=(row["asset"],))
          for row in made.rows),
    )  # fmt: skip
    told = [row["indicator"] for row in made.rows if row["share"]]
    told_note = {
        "mean": "counted as the average", "none": "counted as not owned", "left_out": "rows left out",
    }[missing]  # fmt: skip
    coherence = scored.proportion(told, by=group, level=level) if told else scored.mean(
        [row["indicator"] for row in made.rows], by=group, level=level)  # fmt: skip
    shares_of = np.bincount(codes[codes > 0], mass[codes > 0], groups + 1)[1:] / mass[codes > 0].sum()
    note = {
        "method": "weighted principal component of polychoric correlations" if ranked
        else "weighted principal component of standardised indicators", "indicators": len(made.rows),
        "answers_missing": told_note, "sign": "assets owned count upwards, by the sum of their loadings",
        "constant_indicators": made.constant, "rows_scored": int(np.isfinite(score).sum()),
        "rows_without_score": int((inside & ~np.isfinite(score)).sum()),
        "groups_of": "households or rows" if members is None else f"weights × {members}",
        "shares_of_groups": [float(s) for s in shares_of], "cut_points": [float(c) for c in cuts],
        "distinct_scores": int(np.unique(score[np.isfinite(score)].round(9)).size),
        "largest_tie": float(_tie(score, mass)), "first_component": dict(shares),
        **({"area": area, "anchoring": anchors} if area else {}), "level": level,
        "weights": survey.weights_name, "base": survey.facts()["base"],
    }  # fmt: skip
    frame = pd.DataFrame(rows)
    return WealthIndex(frame, coherence, scored, name, group, shares, Note(note))


def _check(
    survey: Survey, assets: Sequence[str], numeric: Sequence[str], missing: str, groups: int, name: str,
    correlations: str,
) -> None:
    names = [assets] if isinstance(assets, str) else [*assets, *numeric]
    twice = sorted({one for one in names if names.count(one) > 1})
    if isinstance(assets, str) or len(names) < 2 or twice:
        raise EstimationError(
            f"A wealth index needs a list of two assets or more, each named once{': ' + twice[0] if twice else ''}.",
            remedy='Name their variables: ["as_car", "as_computer", …].',
            ar="يلزم مؤشر الثروة قائمة من متغيّرين على الأقل من الممتلكات، يُذكر كل منها مرة واحدة.",
        )
    if missing not in ("mean", "none", "left_out"):
        raise EstimationError(
            f"missing={missing!r} is not a way to take missing answers.",
            remedy="Use 'mean', 'none' or 'left_out'.",
            ar="حدّد معالجة الإجابات المفقودة: mean أو none أو left_out.",
        )
    if correlations not in ("pearson", "polychoric"):
        raise EstimationError(f"correlations={correlations!r} is neither 'pearson' nor 'polychoric'.", remedy="Use one of these.",
                              ar="نوع الارتباط غير معروف؛ استعمل pearson أو polychoric.")  # fmt: skip
    if isinstance(groups, bool) or not isinstance(groups, int) or not 2 <= groups <= 20:
        raise EstimationError(f"groups={groups!r} is not a number of groups from 2 to 20.", remedy="Use 5 for fifths.",
                              ar="عدد الفئات عدد صحيح من 2 إلى 20؛ استعمل 5 للأخماس.")  # fmt: skip
    taken = [made for made in (f"{name}_score", f"{name}{groups}") if made in survey.frame.columns]
    if taken:
        raise EstimationError(f"The survey already has {taken[0]!r}.", remedy="Choose another prefix with name=.",
                              ar=f"في المسح متغيّر باسم «{taken[0]}»؛ اختر بادئة أخرى بالوسيط name=.")  # fmt: skip


def _indicators(
    survey: Survey, assets: Sequence[str], numeric: Sequence[str], inside: np.ndarray, weights: np.ndarray,
    owned: Mapping[str, float], missing: str, ranked: bool,
) -> _Indicators:  # fmt: skip
    columns, rows, toward = [], [], []
    for asset in assets:
        coded = survey.coded(asset)
        used = [at for at in range(len(coded.levels)) if (inside & (coded.codes == at)).any()]
        label = shows.variable_label(survey, asset)
        if len(coded.levels) <= 2:
            code = owned.get(asset, 1)
            if code not in coded.levels:
                raise EstimationError(
                    f"Which answer of {asset!r} means owned? It has {[f'{c}' for c in coded.levels]}.",
                    remedy=f"Say it: owned={{{asset!r}: code}}.",
                    ar=f"أي إجابة من «{asset}» تعني التملّك؟ اذكرها في owned=.",
                )
            wanted, direction = [(code, coded.levels.index(code), label)], 1.0
        elif ranked:
            _few(asset, len(used))
            columns.append(survey.values(asset).astype(float))
            toward.append(0.0)
            rows.append({"indicator": f"{asset}_rank", "asset": asset, "category": None, "share": False,
                         "label_en": label["en"], "label_ar": label["ar"]})  # fmt: skip
            continue
        else:
            wanted = [(coded.levels[at], at, shows.joined(label, shows.code_label(survey, asset, coded.levels[at])))
                      for at in used]  # fmt: skip
            direction = 0.0
        for code, at, words in wanted:
            column = np.where(coded.codes < 0, np.nan, (coded.codes == at).astype(float))
            if missing == "none":
                column = np.where(np.isnan(column), 0.0, column)
            columns.append(column)
            toward.append(direction)
            rows.append({"indicator": f"{asset}_is_{code}", "asset": asset, "category": code, "share": True,
                         "label_en": words["en"], "label_ar": words["ar"]})  # fmt: skip
    for asset in numeric:
        label = shows.variable_label(survey, asset)
        columns.append(survey.values(asset).astype(float))
        if ranked:
            _few(asset, len(np.unique(columns[-1][inside & np.isfinite(columns[-1])])))
        toward.append(0.0)
        rows.append({"indicator": f"{asset}_amount", "asset": asset, "category": None, "share": False,
                     "label_en": label["en"], "label_ar": label["ar"]})  # fmt: skip
    if not any(toward):
        raise EstimationError(
            "No asset has two answers, owned or not, so which end of the score is richer cannot be told.",
            remedy="Name at least one such asset.",
            ar="لا يوجد بين الممتلكات ما له إجابتان (يملك أو لا يملك)، فلا يُعرف أي طرفي الدرجة هو الأغنى؛ أضف واحداً على الأقل.",
        )
    X = np.column_stack(columns)
    varies = [len(np.unique(c[inside & np.isfinite(c)])) > 1 for c in columns]
    constant = tuple(row["indicator"] for row, v in zip(rows, varies, strict=True) if not v)
    kept = np.flatnonzero(varies)
    return _Indicators(X[:, kept], [rows[k] for k in kept], np.array(toward)[kept], constant)


def _few(name: str, answers: int) -> None:
    if answers > MOST:
        raise EstimationError(
            f"{name!r} has {answers} answers; polychoric correlations take {MOST} at most.",
            remedy="Group its values, or use correlations='pearson'.",
            ar=f"للمتغيّر «{name}» {answers} إجابة، والحد \u2066{MOST}\u2069؛ اجمع قيمه في فئات أو استعمل \u2066correlations='pearson'\u2069.",
        )


def _part(made: _Indicators, here: np.ndarray, weights: np.ndarray, ranked: bool) -> tuple[principal.Component, np.ndarray]:
    """The component among some rows, of the indicators that vary there."""
    X = made.X[here]
    kept = np.flatnonzero([len(np.unique(c[np.isfinite(c)])) > 1 for c in X.T])
    X, w = X[:, kept], weights[here]
    if not ranked:
        return principal.component(X, w, made.owned[kept]), kept
    behind = np.column_stack([expected_scores(w, column) for column in X.T])
    names = [made.rows[k]["indicator"] for k in kept]
    found = principal.component(behind, w, made.owned[kept], correlation=matrix(X, w, names))
    # What lies behind has mean 0 and variance 1; answers are not stretched to it.
    score = np.nan_to_num(behind) @ found.loading / np.sqrt(found.eigenvalues[0])
    return replace(found, mean=np.zeros(len(kept)), sd=np.ones(len(kept)), score=score), kept


def _rows(
    made: _Indicators, kept: np.ndarray, found: principal.Component, weights: np.ndarray, here: np.ndarray,
    part: str, words: Mapping[str, str],
) -> list[dict[str, Any]]:  # fmt: skip
    w = weights[here]
    out = []
    for at, j in enumerate(kept):
        row = {key: value for key, value in made.rows[j].items() if key != "share"}
        gaps = float(w[np.isnan(made.X[here, j])].sum() / w.sum())
        effect = found.loading[at] / found.sd[at] / np.sqrt(found.eigenvalues[0])
        out.append({"part": part, "part_en": words["en"], "part_ar": words["ar"], **row, "mean": found.mean[at],
                    "sd": found.sd[at], "loading": found.loading[at], "effect": effect, "missing": gaps})  # fmt: skip
    return out


def _members(survey: Survey, name: str, needed: np.ndarray) -> np.ndarray:
    size = survey.values(name)
    wrong = needed & ~(size > 0)
    if wrong.any():
        raise EstimationError(
            f"{int(wrong.sum())} rows with a score have no positive number in {name!r}.",
            remedy="Correct the number of household members, or leave members= out.",
            ar=f"في {int(wrong.sum())} من السجلات عدد أفراد الأسرة «{name}» مفقود أو غير موجب؛ صحّحه أو احذف members=.",
        )
    return np.where(needed, size, 0.0)


def _tie(score: np.ndarray, mass: np.ndarray) -> float:
    """Largest share of the weight on one score."""
    known = np.isfinite(score)
    _, place = np.unique(score[known].round(9), return_inverse=True)
    return float(np.bincount(place, mass[known]).max() / mass[known].sum())
