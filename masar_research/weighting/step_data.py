"""Weighting steps as plain data, and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, fields
from typing import Any

import numpy as np

from masar_research.codebook import Text
from masar_research.errors import WeightingError
from masar_research.weighting import steps as kinds
from masar_research.weighting.calibrating import Balance, Calibrate, Entropy
from masar_research.weighting.ground import Step
from masar_research.weighting.step_base import BaseStages, Stage
from masar_research.weighting.step_eligibility import Eligibility
from masar_research.weighting.step_propensity import Attrition, Propensity
from masar_research.weighting.targets import MarginSpec, margin
from masar_research.weighting.universe import About, Universe

KINDS: dict[str, type] = {
    "base": kinds.Base, "base_stages": BaseStages, "eligibility": Eligibility,
    "nonresponse": kinds.Nonresponse, "propensity": Propensity, "attrition": Attrition,
    "poststratify": kinds.Poststratify, "rake": kinds.Rake, "calibrate": Calibrate, "entropy": Entropy,
    "balance": Balance, "trim": kinds.Trim,
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


def _plain(value: Any) -> Any:
    if isinstance(value, MarginSpec):
        rows = [{**dict(zip(value.variables, codes, strict=True)), "total": total}
                for codes, total in value.targets]
        return {"variables": list(value.variables), "targets": rows,
                **({"source": value.source} if value.source else {}),
                **({"about": _about(value.about)} if value.about is not None else {})}  # fmt: skip
    if isinstance(value, Stage):
        return {f.name: getattr(value, f.name) for f in fields(value) if getattr(value, f.name) is not None}
    if isinstance(value, frozenset):
        return sorted(value)
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    return value.item() if isinstance(value, np.generic) else value


def _read(name: str, value: Any) -> Any:
    try:
        if name == "margin":
            about = value.get("about")
            return margin(value["variables"], value["targets"], value.get("source"),
                          None if about is None else _read_about(about))  # fmt: skip
        if name in ("margins", "shares"):
            return tuple(_read("margin", each) for each in value)
        if name == "stages":
            return tuple(Stage(**each) for each in value)
        if name == "factors":
            return tuple((wave, float(factor)) for wave, factor in value)
        if name == "numbers" and value and not isinstance(value[0], str) or name in ("tolerance", "cost"):
            return tuple((str(variable), float(number)) for variable, number in value)
        if name == "means":
            return tuple((str(variable), float(mean), None if deviation is None else float(deviation))
                         for variable, mean, deviation in value)  # fmt: skip
        if name == "of_household":
            return frozenset(value)
        if name == "covariance":
            return None if value is None else tuple(tuple(map(float, row)) for row in value)
        if name in ("bounds", "limits"):
            low, high = map(float, value)
            return low, high
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        if isinstance(error, WeightingError):
            raise
        raise WeightingError(
            f"{name} of a written weighting step cannot be read: {value!r}.",
            remedy="Write the steps with write_steps(), or see docs/methods/weighting.md for the form.",
            ar=f"تعذّرت قراءة الحقل \u2066{name}\u2069 من خطوة ترجيح مكتوبة.",
        ) from error
    return tuple(value) if isinstance(value, list) else value


_WORDS = ("date", "coverage", "note", "accepted")


def _about(about: About) -> dict[str, Any]:
    out: dict[str, Any] = {"universe": _universe(about.universe)}
    out |= {name: getattr(about, name) for name in ("key",) if getattr(about, name) is not None}
    out |= {name: dict(getattr(about, name)) for name in _WORDS if getattr(about, name) is not None}
    if about.facts:
        out["facts"] = list(about.facts)
    if about.lacking:
        out["lacking"] = [{"universe": _universe(whom), "reason": dict(why)} for whom, why in about.lacking]
    return out


def _universe(whom: Universe) -> dict[str, Any]:
    return {"nationality": whom.nationality, "age_min": whom.age_min,
            **({"age_max": whom.age_max} if whom.age_max is not None else {}),
            **({"excluded": [dict(words) for words in whom.excluded]} if whom.excluded else {})}  # fmt: skip


def _read_about(given: Mapping[str, Any]) -> About:
    return About(
        _read_universe(given["universe"]), given.get("key"),
        **{name: Text.of(given[name]) for name in _WORDS if name in given},
        facts=tuple(given.get("facts", ())),
        lacking=tuple((_read_universe(one["universe"]), Text.of(one["reason"])) for one in given.get("lacking", ())),
    )  # fmt: skip


def _read_universe(given: Mapping[str, Any]) -> Universe:
    return Universe(given["nationality"], given["age_min"], given.get("age_max"),
                    tuple(Text.of(words) for words in given.get("excluded", ())))  # fmt: skip
