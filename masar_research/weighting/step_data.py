"""Weighting steps as plain data and back: written to YAML, read, and taken again on another file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import MISSING, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from masar_research.errors import WeightingError
from masar_research.weighting import steps as kinds
from masar_research.weighting.ground import Applied, Step
from masar_research.weighting.step_base import BaseStages, Stage
from masar_research.weighting.step_eligibility import Eligibility
from masar_research.weighting.step_propensity import Attrition, Propensity
from masar_research.weighting.targets import MarginSpec, margin

if TYPE_CHECKING:
    from masar_research.survey import Survey

KINDS: dict[str, type] = {
    "base": kinds.Base, "base_stages": BaseStages, "eligibility": Eligibility,
    "nonresponse": kinds.Nonresponse, "propensity": Propensity, "attrition": Attrition,
    "poststratify": kinds.Poststratify, "rake": kinds.Rake, "trim": kinds.Trim,
    "normalise": kinds.Normalise, "combine": kinds.Combine,
}  # fmt: skip
_NAMES = {kind: name for name, kind in KINDS.items()}


def as_data(step: Any) -> dict[str, Any]:
    """A step as plain data: its name and whatever is not at its default.

    Parameters
    ----------
    step : Step

    Raises
    ------
    WeightingError
        A step of a kind that has no plain form.

    Examples
    --------
    >>> as_data(kinds.Trim(upper="3*mean"))
    {'step': 'trim', 'upper': '3*mean'}
    """
    name = _NAMES.get(type(step))
    if name is None:
        raise WeightingError(
            f"The step {type(step).__name__} has no plain form to be written in.",
            remedy=f"Written can be: {', '.join(KINDS)}. Take the other steps again in code.",
            ar="لا يمكن كتابة هذه الخطوة في ملف.",
        )
    out: dict[str, Any] = {"step": name}
    for field in fields(step):
        value = getattr(step, field.name)
        if field.default is MISSING or value != field.default:
            out[field.name] = _plain(value)
    return out


def from_data(given: Any) -> Step:
    """A step from its plain form; the reverse of :func:`as_data`.

    Raises
    ------
    WeightingError
        No or an unknown step, a field it does not have, or one it needs and lacks.

    Examples
    --------
    >>> from_data({"step": "normalise", "by": ["region"]})
    Normalise(total=None, by=('region',))
    """
    if not isinstance(given, Mapping) or given.get("step") not in KINDS:
        found = given.get("step") if isinstance(given, Mapping) else given
        raise WeightingError(f"{found!r} is no weighting step.", remedy=f"The steps are: {', '.join(KINDS)}.",
                             ar="خطوة ترجيح غير معروفة.")
    kind = KINDS[given["step"]]
    known = {field.name: field for field in fields(kind)}
    odd = sorted(set(given) - set(known) - {"step"})
    lacking = [name for name, field in known.items() if field.default is MISSING and name not in given]
    if odd or lacking:
        raise WeightingError(
            f"The step {given['step']!r} " + ("has no " + ", ".join(odd) if odd else "needs " + ", ".join(lacking))
            + ".", remedy=f"Its fields are: {', '.join(known)}.", ar="حقول خطوة الترجيح غير صحيحة.",
        )  # fmt: skip
    return kind(**{name: _read(name, value) for name, value in given.items() if name != "step"})


def write_steps(survey: Survey, path: str | Path) -> Path:
    """Write the weighting steps of a survey's history to a YAML file.

    Parameters
    ----------
    survey : Survey
    path : str or Path

    Returns
    -------
    Path
    """
    steps = [as_data(log.step) for log in survey.history if isinstance(log, Applied)]
    if not steps:
        raise WeightingError("No weighting step has been applied to this survey.",
                             remedy="Apply steps first: survey.weighting.rake(…).apply().")
    path = Path(path)
    with path.open("w", encoding="utf-8") as handle:
        yaml = YAML()
        yaml.default_flow_style = False
        yaml.dump({"weighting": steps}, handle)
    return path


def read_steps(source: str | Path | Iterable[Any]) -> tuple[Step, ...]:
    """Steps from a YAML file, from plain data, or from the history of another survey.

    Parameters
    ----------
    source : str, Path or iterable
    """
    if isinstance(source, str | Path):
        try:
            found = YAML(typ="safe", pure=True).load(Path(source).read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, YAMLError) as error:
            raise WeightingError(f"The weighting steps in {Path(source).name} cannot be read: {error}",
                                 remedy="Give a file that write_steps() wrote.") from error
        source = found.get("weighting") if isinstance(found, Mapping) else found
        if not isinstance(source, list):
            raise WeightingError("The file holds no list of weighting steps.",
                                 remedy="Put them under weighting:, as write_steps() does.")
    return tuple(item.step if isinstance(item, Applied) else from_data(item) for item in source)


def _plain(value: Any) -> Any:
    if isinstance(value, MarginSpec):
        rows = [{**dict(zip(value.variables, codes, strict=True)), "total": total}
                for codes, total in value.targets]
        return {"variables": list(value.variables), "targets": rows,
                **({"source": value.source} if value.source else {})}  # fmt: skip
    if isinstance(value, Stage):
        return {f.name: getattr(value, f.name) for f in fields(value) if getattr(value, f.name) is not None}
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    return value.item() if isinstance(value, np.generic) else value


def _read(name: str, value: Any) -> Any:
    if name == "margin":
        return margin(value["variables"], value["targets"], value.get("source"))
    if name == "margins":
        return tuple(_read("margin", each) for each in value)
    if name == "stages":
        return tuple(Stage(**each) for each in value)
    if name == "factors":
        return tuple((wave, float(factor)) for wave, factor in value)
    return tuple(value) if isinstance(value, list) else value
