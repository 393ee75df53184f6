"""Calibration as weighting steps: to any totals, by any distance; entropy balancing of groups."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from masar_research.codebook import Text
from masar_research.engine.auxiliary import Calibrated, Calibration
from masar_research.engine.balancing import balance
from masar_research.engine.calibrating import Numbers, Softness, calibrate
from masar_research.engine.distances import Distance
from masar_research.errors import WeightingError
from masar_research.weighting.ground import Ground, Taken
from masar_research.weighting.matching import calibration_facts, matched_margin, of_current, of_sample
from masar_research.weighting.targets import MarginSpec

POPULATION = "population"
_WORDS = {"linear": "خطية", "raking": "ضبط تكراري", "logit": "لوجستية"}


@dataclass(frozen=True, slots=True)
class Calibrate:
    """Calibration to categorical and numeric totals together.

    Attributes
    ----------
    margins : tuple of MarginSpec
    numbers : tuple of (variable, total)
        Totals of numeric variables.
    method : {"linear", "raking", "logit"}
    bounds : (float, float)
        Of the factor g.
    limits : (float, float)
        Of the weights themselves.
    population : float or None
        Total number of persons, as a target of its own.
    household : str or None
        Variable whose values are households: one weight for all members.
    of_household : frozenset of str
        Names of the targets that count households.
    tolerance, cost : tuple of (name, value)
        Soft targets: relative tolerance, or cost, by name of the target.
    covariance : tuple of tuples, or None
        Of the targets, in the order of margins and numbers, where they are estimates.
    total : float, "current" or None
        The categorical targets are shares of it.
    max_iter, tol
        See :func:`masar_research.engine.calibrating.calibrate`.
    """

    margins: tuple[MarginSpec, ...] = ()
    numbers: tuple[tuple[str, float], ...] = ()
    method: str = "raking"
    bounds: tuple[float, float] = (-np.inf, np.inf)
    limits: tuple[float, float] = (0.0, np.inf)
    population: float | None = None
    household: str | None = None
    of_household: frozenset[str] = frozenset()
    tolerance: tuple[tuple[str, float], ...] = ()
    cost: tuple[tuple[str, float], ...] = ()
    covariance: tuple[tuple[float, ...], ...] | None = None
    total: float | str | None = None
    max_iter: int = 100
    tol: float = 1e-10

    def cell_variables(self) -> tuple[str, ...] | None:
        """Variables within whose cells all rows get one factor; None where there are none such."""
        if self.numbers or self.household is not None or self.limits != (0.0, np.inf):
            return None
        return tuple(dict.fromkeys(name for spec in self.margins for name in spec.variables))

    def moved(self, offset: np.ndarray) -> Calibrate:
        """The same step towards targets moved by ``offset``, in the order of `covariance`."""
        place, margins = 0, []
        for spec in self.margins:
            ends = place + len(spec.targets)
            margins.append(replace(spec, targets=tuple(
                (key, value + float(by)) for (key, value), by
                in zip(spec.targets, offset[place:ends], strict=True))))  # fmt: skip
            place = ends
        numbers = tuple((name, value + float(by)) for (name, value), by
                        in zip(self.numbers, offset[place:], strict=True))  # fmt: skip
        return replace(self, margins=tuple(margins), numbers=numbers)

    def run(self, ground: Ground) -> Taken:
        """Match the targets and calibrate."""
        matched = [matched_margin(ground, spec, self.total) for spec in self.margins]
        numbers = self._numbers(ground)
        units = None
        if self.household is not None:
            units = ground.survey.coded(self.household).codes
        done = calibrate(
            ground.weights, matched, numbers, distance=self._distance(ground),
            softness=self._softness(matched, numbers), spread=self._spread(matched, ground),
            units=units, once=self._once(matched, ground), max_iter=self.max_iter, tol=self.tol,
        )  # fmt: skip
        done = of_current(done, ground, matched, self.total, 0 if numbers is None else numbers.totals.size)
        facts = calibration_facts(done, ground, self.margins, matched)
        facts["method"] = self.method
        if numbers is not None and units is None:
            facts["numbers"] = tuple(
                (name, float(total), float(ground.weights @ x), float(done.weights @ x))
                for name, total, x in zip(numbers.names, numbers.totals, numbers.matrix.T, strict=True)
            )
        return Taken(done.weights, done.calibration, self._text(done, facts), facts)

    def _text(self, done: Calibrated, facts: Mapping[str, Any]) -> Text:
        names = "; ".join([spec.name for spec in self.margins] + [name for name, _ in self.numbers]
                          + ([POPULATION] if self.population is not None else []))  # fmt: skip
        extra = ([f"factors within {self.bounds[0]:g} and {self.bounds[1]:g}"]
                 if np.isfinite(self.bounds).any() else [])  # fmt: skip
        if self.household is not None:
            extra.append(f"one weight per {self.household}")
        if self.tolerance or self.cost:
            extra.append("soft targets: " + ", ".join(name for name, _ in (*self.tolerance, *self.cost)))
        if self.covariance is not None:
            extra.append("targets are estimates with their own errors")
        said = "".join(f"; {words}" for words in extra)
        count = len(self.margins) + len(self.numbers) + (self.population is not None)
        return Text(
            en=f"Calibration ({self.method}) to {names}: {done.iterations} steps, largest gap "
            f"{done.max_gap:.1e}; factors {facts['smallest_factor']:.2f} to {facts['largest_factor']:.2f}{said}.",
            ar=f"معايرة ({_WORDS[self.method]}) على \u2066{count}\u2069 من الأهداف (\u2066{names}\u2069)؛ المعاملات من "
            f"\u2066{facts['smallest_factor']:.2f}\u2069 إلى \u2066{facts['largest_factor']:.2f}\u2069.",
        )

    def _distance(self, ground: Ground) -> Distance:
        low, high = self.bounds
        if self.limits == (0.0, np.inf):
            return Distance(self.method, low, high)
        base = np.where(ground.weights > 0, ground.weights, 1.0)
        return Distance(self.method, np.maximum(low, self.limits[0] / base),
                        np.minimum(high, self.limits[1] / base))  # fmt: skip

    def _numbers(self, ground: Ground) -> Numbers | None:
        given = [(name, ground.survey.values(name), value) for name, value in self.numbers]
        if self.population is not None:
            given.append((POPULATION, np.ones(ground.weights.size), float(self.population)))
        if not given:
            return None
        if ground.waves is None:
            return Numbers(np.column_stack([x for _, x, _ in given]),
                           np.array([value for *_, value in given]), tuple(name for name, *_ in given))
        codes, waves, _ = ground.waves
        columns = [(np.where(codes == k, x, 0.0), value, f"{name} ({wave})")
                   for name, x, value in given for k, wave in enumerate(waves)]  # fmt: skip
        return Numbers(np.column_stack([x for x, *_ in columns]), np.array([v for _, v, _ in columns]),
                       tuple(name for *_, name in columns))

    def _names(self, matched: Sequence[Any], ground_waves: int) -> list[str]:
        """Name of the target each of the engine's totals belongs to."""
        names = [m.name for m in matched for _ in range(m.targets.size)]
        for name, _ in (*self.numbers, *([(POPULATION, 0.0)] if self.population is not None else [])):
            names += [name] * ground_waves
        return names

    def _softness(self, matched: Sequence[Any], numbers: Numbers | None) -> Softness | None:
        if not (self.tolerance or self.cost):
            return None
        values = np.concatenate([m.targets for m in matched]
                                + ([] if numbers is None else [numbers.totals]))  # fmt: skip
        count = len(self.numbers) + (self.population is not None)
        waves = 1 if numbers is None else numbers.totals.size // count
        names = self._names(matched, waves)
        tolerance, cost = dict(self.tolerance), dict(self.cost)
        return Softness(
            np.array([tolerance.get(name, 0.0) for name in names]) * np.abs(values),
            np.array([cost.get(name, np.inf) for name in names]),
        )

    def _once(self, matched: Sequence[Any], ground: Ground) -> tuple[bool, ...]:
        if self.household is None:
            return ()
        waves = 1 if ground.waves is None else len(ground.waves[1])
        return (*(m.name in self.of_household for m in matched),
                *(name in self.of_household for name, _ in self.numbers for _ in range(waves)),
                *(False for _ in range(waves if self.population is not None else 0)))

    def _spread(self, matched: Sequence[Any], ground: Ground) -> np.ndarray | None:
        """(p, q) root of the covariance of the engine's totals."""
        if self.covariance is None:
            return None
        root = self.root()
        waves = 1 if ground.waves is None else len(ground.waves[1])
        parts, place = [], 0
        for spec, made in zip(self.margins, matched, strict=True):
            part = root[place : place + len(spec.targets)]
            if made.targets.size % len(part):
                raise WeightingError(
                    f"Some targets of {spec.name} were set aside, so their covariance does not fit.",
                    remedy="Give targets of the waves in the data only.",
                )
            parts.append(np.tile(part, (made.targets.size // len(part), 1)))
            place += len(spec.targets)
        parts += [np.tile(row, (waves, 1)) for row in root[place:]]
        if self.population is not None:
            parts.append(np.zeros((waves, root.shape[1])))
        scale = float(self.total) if isinstance(self.total, int | float) else 1.0
        margins = sum(m.targets.size for m in matched)
        out = np.vstack(parts)
        out[:margins] *= scale
        return out

    def root(self) -> np.ndarray:
        """(p, q) L with L L' the covariance of the targets as given."""
        values, vectors = np.linalg.eigh(np.array(self.covariance))
        kept = values > 1e-12 * max(float(values.max(initial=0.0)), 0.0)
        return vectors[:, kept] * np.sqrt(values[kept])


@dataclass(frozen=True, slots=True)
class Entropy:
    """Weights nearest in Kullback–Leibler distance with given means and shares; their sum stays.

    Attributes
    ----------
    shares : tuple of MarginSpec
    means : tuple of (variable, mean, standard deviation or None)
    max_iter, tol
    """

    shares: tuple[MarginSpec, ...]
    means: tuple[tuple[str, float, float | None], ...]
    max_iter: int = 100
    tol: float = 1e-10

    def run(self, ground: Ground) -> Taken:
        """Fix the moments in every wave."""
        matched = [matched_margin(ground, spec, "current") for spec in self.shares]
        columns, totals, names = [], [], []
        for part in ground.parts():
            size = float(ground.weights[part].sum())
            columns.append(part.astype(float))
            totals.append(size)
            names.append("sum of weights")
            for name, mean, deviation in self.means:
                apart = np.where(part, ground.survey.values(name) - mean, 0.0)
                columns.append(apart)
                totals.append(0.0)
                names.append(f"mean of {name}")
                if deviation is not None:
                    columns.append(np.where(part, apart**2 - deviation**2, 0.0))
                    totals.append(0.0)
                    names.append(f"standard deviation of {name}")
        numbers = Numbers(np.column_stack(columns), np.array(totals), tuple(names))
        done = calibrate(ground.weights, matched, numbers, distance=Distance("raking"),
                         max_iter=self.max_iter, tol=self.tol)  # fmt: skip
        # Of the totals after those of the shares only the sum of weights, by part, is not nought.
        waves = np.zeros((1 if ground.waves is None else len(ground.waves[1]), len(totals)))
        places = [k for k, name in enumerate(names) if name == "sum of weights"]
        waves[self._present(ground), places] = 1.0
        done = of_sample(done, ground, [(margin.targets, True) for margin in matched], waves)
        facts = calibration_facts(done, ground, self.shares, matched)
        said = "; ".join([spec.name for spec in self.shares] + [name for name, *_ in self.means])
        return Taken(done.weights, done.calibration, Text(
            en=f"Entropy balancing to means and shares of {said}: factors {facts['smallest_factor']:.2f} to "
            f"{facts['largest_factor']:.2f}; the sum of weights stays.",
            ar=f"موازنة بالإنتروبيا على متوسطات وحصص \u2066{said}\u2069؛ المعاملات من "
            f"\u2066{facts['smallest_factor']:.2f}\u2069 إلى \u2066{facts['largest_factor']:.2f}\u2069، ومجموع الأوزان ثابت.",
        ), facts)  # fmt: skip


    @staticmethod
    def _present(ground: Ground) -> np.ndarray:
        """Waves that `Ground.parts` yields."""
        if ground.waves is None:
            return np.array([0])
        return np.unique(ground.waves[0][ground.weights > 0])


@dataclass(frozen=True, slots=True)
class Balance:
    """Every group reweighted to the moments of a reference group.

    Attributes
    ----------
    group : str
    reference : float or str
        Code of the group that keeps its weights.
    categories, numbers : tuple of str
    moments : int
        Powers of the numbers that are balanced: 1 means, 2 variances too, 3 skewness too.
    max_iter, tol
    """

    group: str
    reference: float | str
    categories: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()
    moments: int = 1
    max_iter: int = 100
    tol: float = 1e-10

    def run(self, ground: Ground) -> Taken:
        """Balance every other group, in every wave."""
        survey = ground.survey
        coded = survey.coded(self.group)
        levels = list(coded.levels)
        if self.reference not in levels:
            raise WeightingError(f"{self.group} has no code {self.reference!r}.",
                                 remedy=f"Its codes are: {', '.join(map(str, levels))}.",
                                 ar=f"لا يوجد الرمز {self.reference} في {self.group}.")
        names, columns = [], []
        for name in self.categories:
            each = survey.coded(name)
            lost = ground.count((each.codes < 0) & (ground.weights > 0))
            if lost:
                raise WeightingError(
                    f"{name}: {lost} rows with a weight have no value.",
                    remedy="Impute the variable or code a category for the missing.",
                    ar=f"قيم مفقودة في متغير الموازنة: {name} ({lost}).",
                )
            for k, level in enumerate(each.levels):
                columns.append(np.where(each.codes < 0, np.nan, each.codes == k))
                names.append(f"{name} = {level}")
        chain: Calibration | None = None
        weights = ground.weights
        smallest, largest, balanced = np.inf, 0.0, 0
        for part in ground.parts():
            reference = part & (coded.codes == levels.index(self.reference))
            powers = [self._powers(survey.values(name), reference, weights) for name in self.numbers]
            labels = [name if k == 1 else f"{name}^{k}" for name in self.numbers
                      for k in range(1, self.moments + 1)]  # fmt: skip
            matrix = np.column_stack([*columns, *(column for power in powers for column in power)])
            for k, level in enumerate(levels):
                group = part & (coded.codes == k)
                if level == self.reference or not group.any():
                    continue
                done = balance(weights, group, reference, matrix, (*names, *labels),
                               max_iter=self.max_iter, tol=self.tol)  # fmt: skip
                chain = done.calibration if chain is None else chain.then(done.calibration)
                weights = done.weights
                g = done.g[group]
                smallest, largest, balanced = min(smallest, g.min()), max(largest, g.max()), balanced + 1
        facts = {"groups": balanced, "smallest_factor": float(smallest), "largest_factor": float(largest)}
        said = "; ".join((*self.categories, *self.numbers))
        return Taken(weights, chain, Text(
            en=f"Entropy balancing of {balanced} groups of {self.group} to group {self.reference} on {said} "
            f"({self.moments} moments of numbers): factors {smallest:.2f} to {largest:.2f}.",
            ar=f"موازنة بالإنتروبيا: جُعلت \u2066{balanced}\u2069 من مجموعات \u2066{self.group}\u2069 مماثلة للمجموعة "
            f"\u2066{self.reference}\u2069 في \u2066{said}\u2069؛ المعاملات من \u2066{smallest:.2f}\u2069 إلى "
            f"\u2066{largest:.2f}\u2069.",
        ), facts)  # fmt: skip

    def _powers(self, x: np.ndarray, reference: np.ndarray, weights: np.ndarray) -> list[np.ndarray]:
        """Powers about a fixed origin near the reference, so that higher ones keep their digits."""
        known = reference & np.isfinite(x)
        origin = float(np.round(np.average(x[known], weights=weights[known]))) if known.any() else 0.0
        return [(x - origin) ** k for k in range(1, self.moments + 1)]
