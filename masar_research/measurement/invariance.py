"""Whether a scale means the same in every group or wave: `survey.invariance`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from masar_research.engine import intervals
from masar_research.engine.factor_fit import Fit, assess, difference
from masar_research.engine.factor_model import LEVELS, Fitted, Level, fit, places
from masar_research.engine.factor_scales import slopes, standardised
from masar_research.errors import EstimationError
from masar_research.measurement import invariance_showing as shows
from masar_research.measurement.factor_data import Battery, Factors, Labels, battery, pairs
from masar_research.note import Note

if TYPE_CHECKING:
    from masar_research.present import Art
    from masar_research.showing import Shown
    from masar_research.survey import Survey

#: A model fits from this robust CFI up and this robust RMSEA down.
FITS = (0.90, 0.08)
#: What a step may cost in CFI and in RMSEA (Chen 2007).
STEP = (0.010, 0.015)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Invariance:
    """Measurement invariance of a scale between groups.

    Attributes
    ----------
    frame : DataFrame
        A row per level (configural, metric, scalar, strict): the fit (as `Fit`) and, against the
        level before, ``step_chi2, step_df, step_p, step_cfi, step_rmsea, step_srmr``; ``holds``.
    items : DataFrame
        At the first level that fails: ``item`` and the ``cfi`` and ``gain`` with that item left
        free. Empty where none fails or the first one does.
    means : DataFrame
        ``group, factor, estimate`` (mean less that of the reference group, in standard deviations
        of its factor), ``std_error, conf_low, conf_high``, from the scalar model. Empty where it
        does not hold.
    loadings : DataFrame
        Standardised loadings by group, nothing held equal.
    levels : tuple
        Codes of the groups, the reference first.
    group : str
    survey : Survey
    labels : mapping
        Items and factors in both languages.
    note : Note
    """

    frame: pd.DataFrame
    items: pd.DataFrame
    means: pd.DataFrame
    loadings: pd.DataFrame
    levels: tuple[Any, ...]
    group: str
    survey: Survey
    labels: Mapping[str, Mapping[str, str]]
    note: Mapping[str, Any]

    @property
    def holds(self) -> str:
        """The last level that holds, ``"none"`` where not even the factors are the same."""
        held = self.frame.loc[self.frame["holds"], "level"].tolist()
        return held[-1] if held else "none"

    def reading(self, lang: str = "en") -> tuple[str, ...]:
        """Sentences: what holds, what may therefore be compared, which items stand in the way."""
        return shows.reading(self, lang)

    def table(self, lang: str = "en") -> Shown:
        """The four levels with their fit and what each step costs."""
        return shows.table(self, lang)

    def plot(self, lang: str = "en") -> Art:
        """Standardised loadings of every group."""
        return shows.plot(self, lang)

    def __repr__(self) -> str:
        return str(self.table("en"))

    def _repr_html_(self) -> str:
        return "".join(self.table(lang)._repr_html_() for lang in ("en", "ar"))


def invariance(
    survey: Survey, factors: Factors, group: str, *, labels: Labels | None = None, reverse: Sequence[str] = (),
    free: Sequence[str] = (), residuals: Sequence[tuple[str, str]] = (), reference: Any = None, level: float = 0.95,
) -> Invariance:  # fmt: skip
    """Measurement invariance between groups or waves, and what may be compared.

    Four nested factor models of all groups together: the same items and factors (configural),
    equal loadings (metric), equal intercepts (scalar), equal error variances (strict). The first
    holds with a robust CFI of 0.90 or more and RMSEA of 0.08 or less; each further one where it
    costs no more than 0.010 of CFI and 0.015 of RMSEA, and those before it hold.

    Parameters
    ----------
    survey : Survey
        With its subpopulation, if any; complete rows only.
    factors : mapping
        Factor → its items.
    group : str
        Groups, or the wave; PSUs common to waves carry their covariance.
    labels : mapping, optional
        Factor → ``{"en": ..., "ar": ...}``.
    reverse : sequence of str
        Items turned around, as in `scale`.
    free : sequence of str
        Items held equal nowhere (partial invariance); two of each factor must stay equal.
    residuals : sequence of pairs of str
    reference : code, optional
        The group means are compared with; by default the first.
    level : float

    Returns
    -------
    Invariance

    Raises
    ------
    EstimationError
        One group, a group of fewer than thirty complete rows, too many free items, a model that
        is not identified or does not settle.

    References
    ----------
    Vandenberg and Lance (2000), *Organizational Research Methods* 3, 4–70; Chen (2007),
    *Structural Equation Modeling* 14, 464–504; Byrne, Shavelson and Muthén (1989).

    Examples
    --------
    >>> import numpy as np, pandas as pd, masar_research as mr
    >>> rng = np.random.default_rng(1)
    >>> sex, common = rng.integers(1, 3, 3000), rng.normal(size=3000)
    >>> frame = pd.DataFrame({f"q{j}": common + (j == 1) * (sex == 2) + rng.normal(size=3000) for j in range(4)})
    >>> found = mr.Survey(frame.assign(sex=sex, w=1.0), weights="w").invariance({"t": ["q0", "q1", "q2", "q3"]}, "sex")
    >>> found.holds, found.items["item"].iloc[0]
    ('metric', 'q1')
    """
    of = battery(survey, factors, labels or {}, reverse, group, reference)
    own, loose = pairs(of, residuals), _free(of, free)
    fits = {one: _fit(of, one, loose, own) for one in LEVELS}
    frame = _steps(fits, of.df)
    broken = next((row["level"] for row in frame.to_dict("records") if not row["holds"]), None)
    items = pd.DataFrame(columns=["item", "cfi", "gain"])
    if broken not in (None, "configural"):
        items = _items(of, broken, loose, own, fits[broken][1].cfi)
    means = pd.DataFrame(columns=["group", "factor", "estimate", "std_error", "conf_low", "conf_high"])
    if bool(frame.set_index("level").loc["scalar", "holds"]):
        means = _means(of, fits["scalar"][0], level)
    asked = survey._answer(list(of.names), group, level)
    note = {
        **{key: asked.note[key] for key in ("weights", "base", "design")}, "items": list(of.names),
        "reversed": list(reverse), "free": list(free), "groups": list(of.levels),
        "rows_by_group": [int(n) for n in of.moments.n], "rows": int(of.used.sum()),
        "rows_without_all_answers": of.n_missing, "level": level, "df": of.df,
        "rule": f"CFI ≥ {FITS[0]}, RMSEA ≤ {FITS[1]}; steps of {STEP[0]} in CFI and {STEP[1]} in RMSEA",
    }  # fmt: skip
    return Invariance(frame, items, means, _loadings(of, fits["configural"][0], level), of.levels, group, survey,
                      of.labels, Note(note))  # fmt: skip


def _free(of: Battery, free: Sequence[str]) -> list[int]:
    unknown = set(free) - set(of.names)
    if isinstance(free, str) or unknown:
        raise EstimationError(f"free={free!r} names what is no item.", remedy="List items of the model in free=.",
                              ar="البنود المحرَّرة يجب أن تكون من بنود النموذج.")  # fmt: skip
    loose = [of.names.index(name) for name in free]
    short = [n for n, items in zip(of.factor_names, of.factors, strict=True) if len(set(items) - set(loose)) < 2]
    if loose and short:
        raise EstimationError(
            f"{short[0]!r} keeps fewer than two items equal: nothing ties its groups together.",
            remedy="Free fewer of its items.", ar=f"يجب أن يبقى في العامل «{short[0]}» بندان متساويان على الأقل؛ حرّر بنوداً أقل.",
        )  # fmt: skip
    return loose


def _fit(of: Battery, level: Level, free: Sequence[int], own: Sequence[tuple[int, int]]) -> tuple[Fitted, Fit]:
    at = places(of.factors, len(of.names), len(of.levels), level, free=free, residuals=own)
    found = fit(at, of.moments)
    return found, assess(found, of.spread, of.df)


def _steps(fits: Mapping[Level, tuple[Fitted, Fit]], degrees: float) -> pd.DataFrame:
    rows, before, held = [], None, True
    for level in LEVELS:
        one = fits[level][1]
        row: dict[str, Any] = {"level": level, **asdict(one)}
        if before is None:
            # A saturated model cannot fail.
            held = one.df == 0 or (one.cfi >= FITS[0] and one.rmsea <= FITS[1])
            row |= dict.fromkeys(("step_chi2", "step_df", "step_p", "step_cfi", "step_rmsea", "step_srmr"), np.nan)
        else:
            cfi, rmsea = (before.cfi, before.rmsea) if before.df else (1.0, 0.0)
            chi2, df, p = difference(one, before, degrees)
            row |= {"step_chi2": chi2, "step_df": df, "step_p": p, "step_cfi": one.cfi - cfi,
                    "step_rmsea": one.rmsea - rmsea, "step_srmr": one.srmr - before.srmr}  # fmt: skip
            held = held and row["step_cfi"] >= -STEP[0] and row["step_rmsea"] <= STEP[1]
        rows.append(row | {"holds": bool(held)})
        before = one
    return pd.DataFrame(rows)


def _items(
    of: Battery, level: Level, free: Sequence[int], own: Sequence[tuple[int, int]], cfi: float
) -> pd.DataFrame:
    """How much better the level fits with one item more left free, best first."""
    rows = []
    for i, name in enumerate(of.names):
        loose = [*free, i]
        enough = all(len(set(items) - set(loose)) >= 2 for items in of.factors)
        if i in free or not enough:
            continue
        one = _fit(of, level, loose, own)[1]
        rows.append({"item": name, "cfi": one.cfi, "gain": one.cfi - cfi})
    frame = pd.DataFrame(rows, columns=["item", "cfi", "gain"])
    return frame.sort_values("gain", ascending=False, kind="stable", ignore_index=True)


def _means(of: Battery, found: Fitted, level: float) -> pd.DataFrame:
    vcov, rows = found.pull @ of.rows @ found.pull.T, []
    for g in range(1, len(of.levels)):
        for j, factor in enumerate(of.factor_names):
            at = int(found.places.mean[g, j])
            rows.append({"group": of.levels[g], "factor": factor, "estimate": found.theta[at],
                         "std_error": np.sqrt(max(vcov[at, at], 0.0))})  # fmt: skip
    frame = pd.DataFrame(rows)
    low, high = intervals.wald(frame["estimate"].to_numpy(), frame["std_error"].to_numpy(),
                               np.full(len(frame), of.df if of.df > 0 else np.nan), level)  # fmt: skip
    return frame.assign(conf_low=low, conf_high=high)


def _loadings(of: Battery, found: Fitted, level: float) -> pd.DataFrame:
    vcov, rows = found.pull @ of.rows @ found.pull.T, []
    for g, code in enumerate(of.levels):
        turn = slopes(lambda t, g=g: standardised(found.places, t, g), found.theta)
        value = standardised(found.places, found.theta, g)
        spread = np.einsum("ij,jk,ik->i", turn, vcov, turn)
        for j, factor in enumerate(of.factor_names):
            for i in of.factors[j]:
                at = int(found.places.loading[g, i, j])
                rows.append({"group": code, "factor": factor, "item": of.names[i], "estimate": value[at],
                             "std_error": np.sqrt(max(spread[at], 0.0))})  # fmt: skip
    frame = pd.DataFrame(rows)
    low, high = intervals.wald(frame["estimate"].to_numpy(), frame["std_error"].to_numpy(),
                               np.full(len(frame), of.df if of.df > 0 else np.nan), level)  # fmt: skip
    return frame.assign(conf_low=low, conf_high=high)
