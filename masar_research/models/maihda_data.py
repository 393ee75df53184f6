"""What MAIHDA is fitted to: strata of crossed groups, their sums under every replicate, main effects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from masar_research.engine import cells
from masar_research.engine.multilevel import Strata
from masar_research.errors import ModelError
from masar_research.models.fitting import refuse_negative
from masar_research.replicates import RaoWu

if TYPE_CHECKING:
    from masar_research.survey import Survey

_LEVELS = 15


@dataclass(frozen=True, slots=True)
class Sums:
    """Sums by stratum under the full weights (first) and those of each replicate."""

    weight: np.ndarray
    ones: np.ndarray
    squares: np.ndarray
    people: np.ndarray

    def scaled(self, X: np.ndarray, linear: bool) -> Strata:
        """Weights scaled to sum to the people of each stratum."""
        factor = np.divide(self.people, self.weight, out=np.zeros_like(self.weight),
                           where=self.weight > 0)  # fmt: skip
        return Strata(X, self.people, factor * self.ones, factor * self.squares if linear else None)


def checked(survey: Survey, outcome: str, strata: Sequence[str]) -> tuple[str, ...]:
    names = (strata,) if isinstance(strata, str) else tuple(strata)
    if len(set(names)) < 2 or len(set(names)) < len(names) or outcome in names:
        raise ModelError(
            f"Intersections need two or more different variables, none of them the outcome; found {list(names)}.",
            remedy='Name them in a list, for instance ["sex", "education3", "region"].',
            ar="يلزم متغيّران مختلفان أو أكثر لتكوين التقاطعات، وليس المتغيّر التابع منها؛ اذكرها في قائمة.",
        )
    for name in names:
        levels = len(survey.coded(name).levels)
        if levels > _LEVELS:
            raise ModelError(
                f"{name} has {levels} codes; strata need at most {_LEVELS} of each variable.",
                remedy="Group it first (for instance age in bands) and cross the groups.",
                ar=f"للمتغيّر {name} رموز كثيرة ({levels})؛ اجمعها في فئات أولاً ثم قاطع الفئات.",
            )
    return names


def complete(survey: Survey, y: np.ndarray, coded: Sequence[Any]) -> np.ndarray:
    used = np.isfinite(y) & (survey.design.weights > 0)
    for part in coded:
        used &= part.codes >= 0
    if survey.mask is not None:
        used &= survey.mask
    if not used.any():
        raise ModelError(
            "No row has a weight, the outcome and all the groups.",
            remedy="Check whom these questions were asked of.",
            ar="لا يوجد سجل فيه وزن والمتغيّر التابع وجميع المجموعات.",
        )
    return used


def lost(survey: Survey, used: np.ndarray) -> int:
    everybody = survey.design.weights > 0
    if survey.mask is not None:
        everybody = everybody & survey.mask
    return int(everybody.sum() - used.sum())


def crossed(
    coded: Sequence[Any], names: Sequence[str], used: np.ndarray, survey: Survey
) -> tuple[np.ndarray, pd.DataFrame]:
    """(n,) stratum of each row, −1 outside, and the codes of the strata with somebody."""
    code = np.zeros(used.size, np.intp)
    for part in coded:
        code = code * len(part.levels) + part.codes
    code = np.where(used, code, -1)
    present = np.unique(code[used])
    for name, part in zip(names, coded, strict=True):
        if len(np.unique(part.codes[used])) < 2:
            raise ModelError(
                f"{name} has one category among the fitted rows: it crosses nothing.",
                remedy="Leave it out, or take a population in which it varies.",
                ar=f"للمتغيّر {name} فئة واحدة في السجلات؛ احذفه من التقاطعات.",
            )
    keys = pd.MultiIndex.from_product([part.levels for part in coded], names=list(names))
    place = np.full(len(keys) + 1, -1)
    place[present] = np.arange(present.size)
    return place[code], keys[present].to_frame(index=False)


def replicated(survey: Survey, number: int, seed: int) -> tuple[Any, dict[str, Any]]:
    """A design with replicates: the survey's own, or made for the whole survey."""
    if survey.design.replicates is not None:
        return survey.design, dict(survey.design.replicates.facts)
    whole = copy(survey)
    whole._mask = None
    made = whole.with_replicates(RaoWu(number), rng=np.random.default_rng(seed)).design
    return made, {**made.replicates.facts, "seed": seed}


def sums_of(design: Any, y: np.ndarray, stratum: np.ndarray, count: int) -> Sums:
    """Sums by stratum, (1 + R, J) each; a row counts in a replicate as often as its weight grew."""
    weights = design.weights
    once = np.divide(1.0, weights, out=np.zeros_like(weights), where=weights > 0)
    rows, (filled,) = cells.select(design, (y,), domain=stratum, n_domains=count, mask=None)
    centre = float(np.average(filled, weights=rows.weights))
    offset = filled - centre
    gathered = cells.gather(design, rows, (None, offset, offset**2, once))
    again = design.replicates.weights.sums(gathered)
    whole = [part.sum(axis=0, keepdims=True) for part in gathered.sums]
    weight, ones, squares, people = (np.vstack(pair) for pair in zip(whole, again, strict=True))
    refuse_negative(weight)
    refuse_negative(people)
    ones = ones + centre * weight
    squares = squares + 2 * centre * ones - centre**2 * weight
    return Sums(weight, ones, squares, people)


def refuse_separated(sums: Sums, keys: pd.DataFrame, outcome: str) -> None:
    """Refuse a category whose main effect would be infinite."""
    for name in keys.columns:
        for level, rows in keys.groupby(name).indices.items():
            share = sums.ones[0, rows].sum() / sums.weight[0, rows].sum()
            if not 1e-12 < share < 1 - 1e-12:
                raise ModelError(
                    f"All people with {name} = {level} have the same {outcome}: its effect runs off to infinity.",
                    remedy="Merge that category with another, or leave the variable out of the strata.",
                    ar=f"لجميع أفراد الفئة {level} من {name} القيمة نفسها للمتغيّر {outcome}، فيتجه أثرها إلى "
                    "اللانهاية؛ ادمجها مع فئة أخرى أو احذف المتغيّر.",
                )


@dataclass(frozen=True, slots=True)
class Encoding:
    """Main effects as the table of coefficients names them."""

    names: tuple[str, ...]
    references: Mapping[str, Any]
    data: pd.DataFrame
    absent: Mapping[str, tuple[Any, ...]]
    missing: Mapping[str, int]
    lost: int = 0

    def constant(self) -> Encoding:
        """The null model's: no predictor."""
        return Encoding(("Intercept",), {}, self.data, {}, {})


def main_effects(
    keys: pd.DataFrame, coded: Sequence[Any], names: Sequence[str]
) -> tuple[np.ndarray, Encoding]:
    columns, labels, references, absent, data = [np.ones(len(keys))], ["Intercept"], {}, {}, {}
    for name, part in zip(names, coded, strict=True):
        present = [level for level in part.levels if (keys[name] == level).any()]
        references[name] = present[0]
        gone = tuple(level for level in part.levels if level not in present)
        if gone:
            absent[name] = gone
        data[name] = pd.Categorical(keys[name], categories=present)
        for level in present[1:]:
            columns.append((keys[name] == level).to_numpy(float))
            labels.append(f"C({name})[T.{level}]")
    return np.column_stack(columns), Encoding(tuple(labels), references, pd.DataFrame(data), absent, {})
