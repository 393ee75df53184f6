"""`Imputed`: m completed surveys, of which only the imputed cells are kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from masar_research.engine.imputation import r_hat
from masar_research.errors import ModelError
from masar_research.imputation import passive
from masar_research.imputation.lending import Completed

if TYPE_CHECKING:
    from masar_research.imputation.chain import Chain
    from masar_research.imputation.plan import Plan
    from masar_research.imputation.sensitivity import Sensitivity
    from masar_research.present import Art
    from masar_research.survey import Survey


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Imputed(Completed):
    """A survey with its missing answers imputed m times.

    Attributes
    ----------
    plan : Plan
    cells : mapping of str to (m, q) float array
        Imputed values of the open cells of each variable.
    means, spreads : (m, iterations, variables) float arrays
        Of the imputed values, round by round.
    flags : mapping
        Variable → what was out of the ordinary.
    undecided : mapping
        Variable → most cells left alone because whether the question applies stayed unknown.
    base : tuple of str
        Conditions of the subpopulation, asked of every completed survey.
    delta : mapping
        The departure under which it was imputed; empty for none.
    """

    plan: Plan
    cells: Mapping[str, np.ndarray]
    means: np.ndarray
    spreads: np.ndarray
    flags: Mapping[str, tuple[str, ...]]
    undecided: Mapping[str, int]
    base: tuple[str, ...] = ()
    departure: Mapping[str, str] | None = None

    @classmethod
    def of(cls, plan: Plan, chains: Sequence[Chain], departure: Mapping[str, str]) -> Imputed:
        """From the chains of a plan."""
        cells = {t.name: np.array([c.cells[t.name] for c in chains]) for t in plan.targets}
        flags: dict[str, set[str]] = {}
        undecided: dict[str, int] = {}
        for c in chains:
            for name, told in c.flags.items():
                flags.setdefault(name, set()).update(told)
            for name, count in c.undecided.items():
                undecided[name] = max(undecided.get(name, 0), count)
        return cls(plan, cells, np.array([c.means for c in chains]), np.array([c.spreads for c in chains]),
                   {k: tuple(sorted(v)) for k, v in flags.items()}, {k: v for k, v in undecided.items() if v},
                   (), departure or None)

    @property
    def m(self) -> int:
        """Imputations."""
        return len(self.plan.seeds)

    @property
    def variables(self) -> tuple[str, ...]:
        """What was imputed, in the order of the chain."""
        return tuple(t.name for t in self.plan.targets)

    def where(self, expression: str) -> Imputed:
        """The subpopulation, asked of every completed survey anew: imputed members come and go."""
        return replace(self, base=(*self.base, expression))

    def completed(self, number: int) -> Survey:
        """The completed survey of one imputation, 1 to m; derived variables made again."""
        if not 1 <= number <= self.m:
            raise ModelError(f"Imputation {number} does not exist.", remedy=f"Ask for 1 to {self.m}.",
                             ar=f"لا يوجد تعويض بهذا الرقم؛ الأرقام من 1 إلى {self.m}.")
        plan = self.plan
        survey = plan.survey
        frame = survey.frame
        columns: dict[str, np.ndarray] = {}
        touched = np.zeros(len(frame), bool)
        for t in plan.targets:
            values = frame[t.name].to_numpy().astype(float)
            at = plan.rows[t.open]
            values[at] = self.cells[t.name][number - 1]
            columns[t.name] = values
            touched[at] = True
        at = np.flatnonzero(touched)
        missing = survey.codebook.missing_kinds

        def look(name: str) -> np.ndarray:
            return (columns[name] if name in columns else frame[name].to_numpy())[at]

        for name, recipe in plan.recipes.items():
            outside = next((c for c, kind in missing(name).items() if kind == "not_applicable"), float("nan"))
            values = frame[name].to_numpy().astype(float).copy() if name in frame else np.full(len(frame), np.nan)
            if name not in frame:
                everyone = np.arange(len(frame))
                values = passive.made(recipe, lambda n: columns.get(n, frame[n].to_numpy() if n in frame else None),
                                      missing, len(everyone), float(outside))
            else:
                values[at] = passive.made(recipe, look, missing, at.size, float(outside))
            columns[name] = values
        done = survey.with_columns(columns)
        if plan.stale:
            done = without(done, tuple(plan.stale))
        for text in self.base:
            done = done.where(text)
        return done

    def surveys(self) -> Iterator[Survey]:
        return (self.completed(number) for number in range(1, self.m + 1))

    def _facts(self) -> dict[str, Any]:
        facts = {k: v for k, v in self.plan.facts.items() if v not in (None, (), 0)}
        facts["variables"] = {t.name: t.method for t in self.plan.targets}
        if self.flags:
            facts["flags"] = dict(self.flags)
        if self.departure:
            facts["delta"] = dict(self.departure)
        return facts

    def _stale(self) -> dict[str, str]:
        return dict(self.plan.stale)

    def summary(self) -> pd.DataFrame:
        """One row per variable: what was missing by kind, what was imputed, what was left, R̂.

        Columns ``variable, method, answered, refused, dont_know, missing, blank, not_applicable,
        not_asked, imputed`` (mean over imputations), ``imputed_share`` (of answered and imputed), ``left,
        r_hat_mean, r_hat_sd, flags``.
        """
        rows = []
        for j, t in enumerate(self.plan.targets):
            inside = self._inside(t.name)
            answered = int(t.answered.sum())
            imputed = float(inside.sum(axis=1).mean()) if inside.size else 0.0
            rows.append({
                "variable": t.name, "method": t.method, "answered": answered,
                **{kind: t.counts.get(kind, 0) for kind in
                   ("refused", "dont_know", "missing", "blank", "not_applicable", "not_asked")},
                "imputed": imputed, "imputed_share": imputed / (answered + imputed),
                "left": self.undecided.get(t.name, 0),
                "r_hat_mean": r_hat(self.means[:, :, j]), "r_hat_sd": r_hat(self.spreads[:, :, j]),
                "flags": ", ".join(self.flags.get(t.name, ())),
            })  # fmt: skip
        return pd.DataFrame(rows)

    def _inside(self, name: str) -> np.ndarray:
        """(m, q) bool of the open cells that hold an imputed answer."""
        t = next(each for each in self.plan.targets if each.name == name)
        codes = [c for c in self.plan.survey.codebook.missing_codes(name) if not isinstance(c, str)]
        return ~np.isnan(self.cells[name]) & ~np.isin(self.cells[name], [*codes, t.outside])

    def values(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """Answers as given, and imputed ones of all imputations in one array, without order."""
        t = next((each for each in self.plan.targets if each.name == name), None)
        if t is None:
            raise ModelError(f"{name!r} was not imputed.", remedy=f"Use one of {', '.join(self.variables)}.",
                             ar=f"لم يُعوَّض المتغيّر «{name}»؛ استعمل أحد المتغيرات المذكورة أعلاه.")
        return np.sort(t.start[t.answered]), np.sort(self.cells[name][self._inside(name)])

    def plot_trace(self, variable: str, lang: str = "en") -> Art:
        """Mean of the imputed values, round by round, a line per chain."""
        from masar_research.imputation.drawing import trace

        return trace(self, variable, lang)

    def plot(self, variable: str, lang: str = "en") -> Art:
        """What was answered beside what was imputed: shares of categories or of classes."""
        from masar_research.imputation.drawing import beside

        return beside(self, variable, lang)

    def report(self) -> str:
        """HTML page of the summary and every picture, in both languages."""
        from masar_research.imputation.showing import report

        return report(self)

    def delta(
        self, variable: str, amounts: Sequence[float], statistic: Callable[[Survey], Any], *,
        scale: str = "shift", where: str | None = None, category: float | None = None,
    ) -> Sensitivity:  # fmt: skip
        """What if those who did not answer differ? See :func:`masar_research.imputation.sensitivity.delta`."""
        from masar_research.imputation.sensitivity import delta

        return delta(self, variable, amounts, statistic, scale=scale, where=where, category=category)

    def __repr__(self) -> str:
        base = f" where {' and '.join(self.base)}" if self.base else ""
        return f"<{self.m} imputations of {', '.join(self.variables)}: {self.plan.survey!r}{base}>"

    def _repr_html_(self) -> str:
        from masar_research.imputation.showing import page

        return page(self)


def without(survey: Survey, names: tuple[str, ...]) -> Survey:
    """The survey without columns that no longer hold what they say."""
    from masar_research.codebook import Codebook
    from masar_research.columns import Columns

    kept = survey.frame.drop(columns=[n for n in names if n in survey.frame])
    derived = survey._derive()
    book = survey.codebook
    derived._columns = Columns(kept, Codebook([v for n, v in book.items() if n not in names]))
    return derived
