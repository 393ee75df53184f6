"""Population targets as data, and their match with a survey by category code or label."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from ruamel.yaml import YAML

from masar_research.codebook import Text
from masar_research.engine.marginals import Margin, counted
from masar_research.errors import WeightingError
from masar_research.weighting.universe import About, refuse_other

if TYPE_CHECKING:
    from masar_research.survey import Survey

Code = float | int | str


@dataclass(frozen=True, slots=True)
class MarginSpec:
    """Targets over the categories of one variable, or over the cells of several.

    Attributes
    ----------
    variables : tuple of str
    targets : tuple of (codes, value)
        One code per variable (or its label, in either language), and the population total or
        share of that cell.
    source : str or None
        Where the targets come from.
    about : About or None
        Whom and when they count; a margin that says so is refused by a survey of others.
    """

    variables: tuple[str, ...]
    targets: tuple[tuple[tuple[Code, ...], float], ...]
    source: str | None = None
    about: About | None = None

    @property
    def name(self) -> str:
        """Variables joined, as messages and reports show the margin."""
        return " × ".join(self.variables)

    @property
    def sum(self) -> float:
        """Sum of the targets."""
        return float(sum(value for _, value in self.targets))

    def as_shares(self) -> MarginSpec:
        """The same margin with targets that sum to 1, for ``total=``.

        Examples
        --------
        >>> MarginSpec(("sex",), (((1,), 30.0), ((2,), 10.0))).as_shares().targets
        (((1,), 0.75), ((2,), 0.25))
        """
        whole = self.sum
        return replace(self, targets=tuple((key, value / whole) for key, value in self.targets))

    def accepting(self, en: str, ar: str) -> MarginSpec:
        """The same margin although it leaves out other groups than the survey does.

        Parameters
        ----------
        en, ar : str
            Why that is accepted; the report of the weights prints it. Nationality and ages must
            agree all the same.
        """
        if self.about is None:
            raise WeightingError(
                f"The margin {self.name} does not say whom it counts, so there is nothing to accept.",
                remedy="Leave accepting() out, or give about=.",
                ar=f"لا يذكر التوزيع \u2066{self.name}\u2069 من يعدّ، فلا شيء يُقبل.",
            )
        return replace(self, about=replace(self.about, accepted=Text(en=en, ar=ar)))


def read_margins(given: Any) -> tuple[MarginSpec, ...]:
    """Margins from what a user writes.

    Parameters
    ----------
    given : mapping, MarginSpec or sequence of MarginSpec
        Variable name, or tuple of names, → targets: a mapping code → value (nested for several
        variables, or keyed by tuples), a Series indexed by codes, or a MarginSpec.
    """
    if isinstance(given, MarginSpec):
        return (given,)
    if isinstance(given, Sequence) and given and all(isinstance(one, MarginSpec) for one in given):
        return tuple(given)
    if not isinstance(given, Mapping) or not given:
        raise WeightingError(
            f"Targets must be a mapping of variables to targets; found {type(given).__name__}.",
            remedy="Write {'governorate': {11: 4007526, 12: 491709, …}, …}.",
        )
    return tuple(
        margin((names,) if isinstance(names, str) else tuple(names), targets)
        for names, targets in given.items()
    )


def margin(
    variables: Sequence[str], targets: Any, source: str | None = None, about: About | None = None
) -> MarginSpec:
    """One margin from a mapping (flat, nested or by tuple), a Series, or rows of a table.

    Parameters
    ----------
    variables : sequence of str
    targets : mapping, pandas.Series or list of mappings
        A list holds rows with the variables and ``total`` or ``share``.
    source : str, optional
    about : About, optional
        Whom the targets count.
    """
    variables = tuple(variables)
    if isinstance(targets, MarginSpec):
        if targets.variables != variables:
            raise WeightingError(
                f"A margin of {targets.name} was given for {' × '.join(variables)}.",
                remedy=f"Give it under {targets.name}, or pass it by itself.",
                ar=f"أُعطي توزيع \u2066{targets.name}\u2069 لمتغيّر آخر (\u2066{' × '.join(variables)}\u2069).",
            )
        return targets
    if isinstance(targets, pd.Series):
        pairs = [(key if isinstance(key, tuple) else (key,), value)
                 for key, value in targets.items()]
    elif isinstance(targets, Mapping):
        pairs = list(_flatten(targets, ()))
    elif isinstance(targets, Sequence) and not isinstance(targets, str):
        pairs = [_row(row, variables) for row in targets]
    else:
        raise WeightingError(
            f"The targets of {' × '.join(variables)} are a {type(targets).__name__}.",
            remedy="Give a mapping code → total, a Series, or rows.",
        )
    codes = [tuple(code_of(code) for code in key) for key, _ in pairs]
    wrong = [key for key in codes if len(key) != len(variables)]
    if wrong:
        raise WeightingError(
            f"The targets of {' × '.join(variables)} need {len(variables)} codes per cell; "
            f"found {wrong[0]}.",
            remedy="Nest the mapping once per variable, in the order of the variables.",
        )
    if len(set(codes)) != len(codes):
        twice = next(key for key in codes if codes.count(key) > 1)
        raise WeightingError(f"The targets of {' × '.join(variables)} give {twice} twice.",
                             remedy="Give each cell one target.",
                             ar=f"للخلية نفسها هدفان في \u2066{' × '.join(variables)}\u2069؛ أعطِ كل خلية هدفًا واحدًا.")
    values = [_number(value, variables) for _, value in pairs]
    return MarginSpec(variables, tuple(zip(codes, values, strict=True)), source, about)


def read_file(path: Path, key: str | None) -> Any:
    """Targets from a YAML file (``key`` may be dotted) or a CSV table.

    Parameters
    ----------
    path : Path
    key : str or None
        Where in the file; for a CSV it must be None.
    """
    if not path.exists():
        raise WeightingError(f"The file of targets {path.name} was not found beside the card.",
                             remedy="Put it where the card says, or correct file:.",
                             ar=f"ملف الأهداف غير موجود: {path.name}")
    if path.suffix.lower() == ".csv":
        with path.open(encoding="utf-8-sig", newline="") as handle:
            return list(csv.DictReader(handle))
    found = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    for part in key.split(".") if key else ():
        if not isinstance(found, Mapping) or part not in {str(k) for k in found}:
            raise WeightingError(f"{path.name} has no key {key!r}.",
                                 remedy=f"Its keys are: {', '.join(map(str, found))}.")
        found = next(value for name, value in found.items() if str(name) == part)
    return found


def match(
    survey: Survey,
    spec: MarginSpec,
    weights: np.ndarray,
    scale: float | None,
    groups: tuple[np.ndarray, tuple[Code, ...], str] | None,
    interviews: np.ndarray | None = None,
) -> tuple[Margin, int]:
    """A margin of the engine: codes of the rows and targets, matched by code or label.

    Parameters
    ----------
    survey : Survey
    spec : MarginSpec
    weights : (n,) float array
        Only rows with weight must find a target.
    scale : float or None
        Multiplies the targets (shares become totals).
    groups : (codes (n,), values, name) or None
        Waves, each calibrated by itself, unless the margin names the wave variable. Of targets
        given by wave (the survey's wave variable, or ``wave``), those of waves that are not in
        the data are set aside.
    interviews : (n,) int array, optional
        Interviews that each row stands for; one by default.

    Returns
    -------
    Margin
    size : int
        Number of targets given, before they are repeated for each wave.
    """
    if spec.about is not None:
        refuse_other(survey, spec.name, spec.about)
    coded = [survey.coded(name) for name in spec.variables]
    targets = spec.targets
    wave = "wave" if groups is None else groups[2]
    if wave in spec.variables:
        place = spec.variables.index(wave)
        codes = coded[place].codes
        present = {coded[place].levels[k] for k in np.unique(codes[codes >= 0])}
        targets = tuple(item for item in targets if item[0][place] in present)
    cells = {}
    for key, value in targets:
        cell = tuple(
            _level(survey, name, code, c.levels)
            for name, code, c in zip(spec.variables, key, coded, strict=True)
        )
        if cell in cells:
            raise WeightingError(f"{spec.name}: two targets meet the same category {key}.",
                                 remedy="Give each category one target, by code or by label.",
                             ar=f"هدفان للفئة نفسها في \u2066{spec.name}\u2069؛ أعطِ كل فئة هدفًا واحدًا.")
        cells[cell] = value * (1.0 if scale is None else scale)
    shape = tuple(len(c.levels) + 1 for c in coded)
    lookup = np.full(shape, -2, dtype=np.int32)
    for index in range(len(shape)):
        lookup[(slice(None),) * index + (-1,)] = -1
    unknown = [key for cell, (key, _) in zip(cells, targets, strict=True) if None in cell]
    for position, cell in enumerate(cells):
        if None not in cell:
            lookup[cell] = position
    rows = lookup[tuple(c.codes for c in coded)]
    _refuse_untargeted(survey, spec, coded, rows, weights, interviews)
    if unknown:
        raise WeightingError(
            f"{spec.name}: with a target but without data: "
            + ", ".join(str(key[0] if len(key) == 1 else key) for key in unknown) + ".",
            remedy="Check the codes against survey.codebook, or merge the category with a "
            "neighbour in both data and targets.",
            ar=f"{spec.name}: أهداف لفئات غير موجودة في البيانات. تحقق من الرموز أو ادمج الفئة بغيرها.",
        )
    labels = tuple(_label(survey, spec.variables, key) for key, _ in targets)
    values = np.array(list(cells.values()), dtype=float)
    margin = _spread_over(spec, rows, values, labels, groups)
    return margin._replace(rows=interviews), len(values)


def _spread_over(spec, rows, values, labels, groups) -> Margin:
    if groups is None or groups[2] in spec.variables:
        return Margin(rows, values, spec.name, labels)
    codes, waves, _ = groups
    k = values.size
    crossed = np.where(rows >= 0, codes * k + rows, rows)
    names = tuple(f"{label} ({wave})" for wave in waves for label in labels)
    return Margin(crossed.astype(np.int32), np.tile(values, len(waves)), spec.name, names)


def _refuse_untargeted(survey, spec, coded, rows, weights, interviews) -> None:
    if rows.size and rows.min() > -2:
        return
    lost = np.flatnonzero((rows == -2) & (weights > 0))
    if not lost.size:
        return
    keys = {tuple(c.levels[c.codes[i]] for c in coded) for i in lost[:10_000]}
    shown = ", ".join(sorted(_label(survey, spec.variables, key) for key in keys)[:8])
    raise WeightingError(
        f"{spec.name}: in the data but without target: {shown} ({counted((rows == -2) & (weights > 0), interviews)} rows).",
        remedy="Add their targets, or recode these categories.",
        ar=f"فئات في البيانات بلا هدف في \u2066{spec.name}\u2069 (\u2066{shown}\u2069)؛ أضف أهدافها أو أعد ترميزها.",
    )


def _level(survey: Survey, name: str, code: Code, levels: tuple[Any, ...]) -> int | None:
    """Place of a code among the levels; a text may be a label or a number in quotes."""
    for place, level in enumerate(levels):
        if level == code and isinstance(level, str) == isinstance(code, str):
            return place
    if not isinstance(code, str):
        return None
    if name in survey.codebook:
        for category in survey.codebook[name].categories:
            if code in category.label.values():
                return _level(survey, name, category.code, levels)
    try:
        return _level(survey, name, float(code), levels)
    except ValueError:
        return None


def _label(survey: Survey, names: Sequence[str], key: Sequence[Code]) -> str:
    parts = []
    for name, code in zip(names, key, strict=True):
        words = None
        if name in survey.codebook:
            words = next((c.label for c in survey.codebook[name].categories if c.code == code),
                         None)
        label = next(iter(words.values()), None) if words else None
        parts.append(f"{code} ({label})" if label else str(code))
    return " × ".join(parts)


def _flatten(targets: Mapping[Any, Any], head: tuple[Code, ...]) -> Iterator[tuple[tuple, Any]]:
    for key, value in targets.items():
        codes = (*head, *key) if isinstance(key, tuple) else (*head, key)
        if isinstance(value, Mapping):
            yield from _flatten(value, codes)
        else:
            yield codes, value


def _row(row: Any, variables: tuple[str, ...]) -> tuple[tuple, Any]:
    value = next((row[name] for name in ("total", "share", "target") if name in row), None)
    absent = [name for name in variables if name not in row]
    if value is None or absent:
        raise WeightingError(
            f"A row of targets needs {', '.join(variables)} and total; found {list(row)}.",
            remedy="Give one column per variable and one named total or share.",
        )
    return tuple(row[name] for name in variables), value


def code_of(code: Any) -> Code:
    """A category's code as targets hold it: text, or a number that is whole where it can be."""
    if isinstance(code, np.generic):
        code = code.item()
    if isinstance(code, str):
        return code
    return int(code) if float(code).is_integer() else float(code)


def _number(value: Any, variables: Sequence[str]) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        raise WeightingError(f"The targets of {' × '.join(variables)} hold {value!r}.",
                             remedy="Targets must be numbers.",
                             ar=f"أهداف \u2066{' × '.join(variables)}\u2069 يجب أن تكون أرقامًا.") from None
