"""The history of weights in a file: written with what it stood on, read back, taken again and compared."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from masar_research import expressions
from masar_research.codebook import Text
from masar_research.errors import WeightingError
from masar_research.models import formula as formulas
from masar_research.survey import Survey
from masar_research.weighting.builder import Weighting
from masar_research.weighting.ground import Applied, Step
from masar_research.weighting.step_data import as_data, from_data
from masar_research.weighting.steps import Base

# Weights taken again on another machine may differ in the last digits.
_SAME = 1e-9
_CONDITIONS = ("responded", "eligible", "ineligible", "unknown", "expression", "multiplicity")
_NAMES = ("cells", "within", "by", "categories")
_ONE = ("household", "panel", "group")


def write_steps(survey: Survey, path: str | Path) -> Path:
    """Write the weighting steps of a survey's history to a YAML file.

    Parameters
    ----------
    survey : Survey
    path : str or Path

    Returns
    -------
    Path

    Raises
    ------
    WeightingError
        No steps, or weights that something else than a step has changed in between.

    Notes
    -----
    Under ``weighting:`` stand the steps, under ``written:`` fingerprints of each field, of the variables and
    weights the steps started from, and the sum of the weights after every step. `read_steps` refuses a file
    whose steps were changed since and names them; `replay` also compares data and weights. A file without
    ``written:`` is read as it stands.
    """
    logs = [log for log in survey.history if isinstance(log, Applied)]
    if not logs:
        raise WeightingError("No weighting step has been applied to this survey.",
                             remedy="Apply steps first: survey.weighting.rake(…).apply().",
                             ar="لم تُطبَّق أي خطوة ترجيح على هذا المسح.")
    if isinstance(survey, Survey):
        _unbroken(survey, logs)
    steps = [as_data(log.step) for log in logs]
    path = Path(path)
    with path.open("w", encoding="utf-8") as handle:
        yaml = YAML()
        yaml.default_flow_style = False
        yaml.dump({"weighting": steps, "written": _written(survey, logs, steps)}, handle)
    return path


def read_steps(source: str | Path | Iterable[Any]) -> tuple[Step, ...]:
    """Steps from a YAML file, from plain data, or from the history of another survey.

    Parameters
    ----------
    source : str, Path or iterable

    Raises
    ------
    WeightingError
        A file that cannot be read, or whose steps are not those that were written: it says which field of
        which step differs.
    """
    if isinstance(source, str | Path):
        source, written = _load(Path(source))
        if written is not None:
            _refuse_changed(source, written)
    return tuple(item.step if isinstance(item, Applied) else from_data(item) for item in source)


def replay(survey: Survey, path: str | Path) -> Survey:
    """Take the steps of a written history again, on the data they were written for.

    Parameters
    ----------
    survey : Survey
        With the weights the history started from.
    path : str or Path
        Of `write_steps`. For other data (the next wave) use ``survey.weighting.replay(path).apply()``.

    Returns
    -------
    Survey
        The same weights as those written: after each step to nine digits of their sum and sum of squares,
        and to the last bit on the same machine.

    Raises
    ------
    WeightingError
        The file's steps were changed since they were written; a variable or the starting weights differ from
        those written; or a step gives other weights: each names what differs.
    """
    source, written = _load(Path(path))
    if written is None or "rows" not in written:
        raise WeightingError(
            f"{Path(path).name} does not say on which data its steps were taken.",
            remedy="Use survey.weighting.replay(path).apply(), which takes the steps on any data.",
            ar="لا يذكر الملف البيانات التي طُبّقت عليها خطواته؛ استعمل survey.weighting.replay(path).apply().",
        )
    _refuse_changed(source, written)
    steps = tuple(from_data(item) for item in source)
    _refuse_other_data(survey, steps, written)
    done = Weighting(survey, steps).apply()
    for k, (log, mark) in enumerate(zip(done.history[-len(steps):], written["steps"], strict=True), 1):
        found = _mark(log.after)
        if found["weights"] != mark["weights"] and not np.allclose(
            [found["sum"], found["squares"]], [mark["sum"], mark["squares"]], rtol=_SAME, atol=0
        ):
            raise WeightingError(
                f"Step {k} ({mark['step']}) gives weights with a sum of {found['sum']:,.10g} and a sum of squares of "
                f"{found['squares']:,.10g}; written are {mark['sum']:,.10g} and {mark['squares']:,.10g}.",
                remedy="The program's versions may differ; weight anew and write the history again.",
                ar=f"تعطي الخطوة \u2066{k} ({mark['step']})\u2069 أوزانًا غير المكتوبة؛ أعد الترجيح واكتب السجل من جديد.",
            )
    return done


def used(step: Any) -> tuple[str, ...]:
    """Variables whose values a step reads, each once.

    Examples
    --------
    >>> from masar_research.weighting.steps import Nonresponse
    >>> used(Nonresponse("status == 1", ("region",)))
    ('status', 'region')
    """
    texts = [getattr(step, name, None) for name in _CONDITIONS]
    for stage in getattr(step, "stages", ()):
        texts += [stage.probability, stage.selected, stage.total]
    names = [name for text in texts if text for name in sorted(expressions.parse(text).names)]
    names += [stage.unit for stage in getattr(step, "stages", ()) if stage.unit is not None]
    for field in _NAMES:
        names += getattr(step, field, ())
    if getattr(step, "on", None):
        names += formulas.parse(f"_ ~ {step.on}").names
    names += [getattr(step, field) for field in _ONE if getattr(step, field, None) is not None]
    for spec in (*getattr(step, "margins", ()), *getattr(step, "shares", ()), *_one_margin(step)):
        names += spec.variables
    for item in (*getattr(step, "numbers", ()), *getattr(step, "means", ())):
        names.append(item if isinstance(item, str) else item[0])
    return tuple(dict.fromkeys(names))


def _one_margin(step: Any) -> tuple[Any, ...]:
    return (step.margin,) if hasattr(step, "margin") else ()


def _unbroken(survey: Survey, logs: list[Applied]) -> None:
    ends = [*(log.before for log in logs[1:]), survey.design.weights]
    restarts = [*(isinstance(log.step, Base) or hasattr(log.step, "stages") for log in logs[1:]), False]
    for k, (log, after, anew) in enumerate(zip(logs, ends, restarts, strict=True), 1):
        if not anew and not np.array_equal(log.after, after):
            raise WeightingError(
                f"The weights were changed after step {k} by something that is no weighting step, so the steps "
                "alone do not give them.",
                remedy="Take the change as a step (base, normalise, trim …), or write the weights as a column.",
                ar=f"تغيّرت الأوزان بعد الخطوة \u2066{k}\u2069 بغير خطوات الترجيح، فلا تكفي الخطوات المكتوبة لاستعادتها.",
            )


def _written(survey: Any, logs: list[Applied], steps: list[dict[str, Any]]) -> dict[str, Any]:
    marks = [{"step": data["step"], "fields": _fields(data)} for data in steps]
    if not isinstance(survey, Survey):
        return {"steps": marks}
    return {
        "data": survey.checksum, "rows": len(survey), "before": _mark(logs[0].before)["weights"],
        "variables": {name: _of_column(survey.frame[name]) for name in _all_used(survey, [log.step for log in logs])},
        "steps": [mark | _mark(log.after) for mark, log in zip(marks, logs, strict=True)],
    }  # fmt: skip


def _all_used(survey: Survey, steps: Iterable[Any]) -> list[str]:
    names = dict.fromkeys(name for step in steps for name in used(step))
    if survey.roles["wave"] is not None:
        names[survey.roles["wave"]] = None
    return list(names)


def _load(path: Path) -> tuple[list[Any], dict[str, Any] | None]:
    try:
        found = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, YAMLError) as error:
        raise WeightingError(f"The weighting steps in {path.name} cannot be read: {error}",
                             remedy="Give a file that write_steps() wrote.",
                             ar=f"تعذّرت قراءة خطوات الترجيح من \u2066{path.name}\u2069.") from error
    steps = found.get("weighting") if isinstance(found, Mapping) else found
    if not isinstance(steps, list):
        raise WeightingError("The file holds no list of weighting steps.",
                             remedy="Put them under weighting:, as write_steps() does.",
                             ar="لا قائمة لخطوات الترجيح في الملف تحت weighting:.")
    written = found.get("written") if isinstance(found, Mapping) else None
    if written is not None and not (isinstance(written, Mapping) and isinstance(written.get("steps"), list)
                                    and all(isinstance(mark, Mapping) and isinstance(mark.get("fields"), Mapping)
                                            for mark in written["steps"])):  # fmt: skip
        raise WeightingError(f"written: in {path.name} is damaged.",
                             remedy="Write the history again, or delete written: to take the steps as they stand.",
                             ar="القسم written: تالف؛ اكتب السجل من جديد أو احذف هذا القسم.")
    return steps, None if written is None else dict(written)


def _refuse_changed(steps: list[Any], written: Mapping[str, Any]) -> None:
    differ: list[Text] = []
    marks = written["steps"]
    if len(steps) != len(marks):
        differ.append(Text(en=f"{len(marks)} steps were written, {len(steps)} are there",
                           ar=f"كُتبت \u2066{len(marks)}\u2069 خطوات وفي الملف \u2066{len(steps)}\u2069"))
    for k, (data, mark) in enumerate(zip(steps, marks, strict=False), 1):
        name = data.get("step") if isinstance(data, Mapping) else data
        if name != mark.get("step"):
            differ.append(Text(en=f"step {k} was {mark.get('step')}, now {name}",
                               ar=f"كانت الخطوة \u2066{k}\u2069 ‏\u2066{mark.get('step')}\u2069 وصارت \u2066{name}\u2069"))
            continue
        now = _fields(data)
        changed = [field for field in dict.fromkeys([*mark["fields"], *now]) if mark["fields"].get(field) != now.get(field)]
        if changed:
            said = ", ".join(changed)
            differ.append(Text(en=f"step {k} ({name}): {said}", ar=f"الخطوة \u2066{k} ({name}): {said}\u2069"))
    if differ:
        raise WeightingError(
            "The weighting steps are not those that were written; changed: " + "; ".join(d["en"] for d in differ) + ".",
            remedy="Restore the file; or, if the change is meant, delete written: and take the steps as new ones.",
            ar="خطوات الترجيح في الملف ليست المكتوبة أصلًا؛ تغيّر: " + "؛ ".join(d["ar"] for d in differ)
            + ". أعد الملف كما كان، أو احذف written: إن كان التغيير مقصودًا.",
        )


def _refuse_other_data(survey: Survey, steps: tuple[Step, ...], written: Mapping[str, Any]) -> None:
    differ = []
    if len(survey) != written["rows"]:
        differ.append(Text(en=f"{len(survey):,} rows instead of {written['rows']:,}",
                           ar=f"\u2066{len(survey):,}\u2069 سجلًا بدل \u2066{written['rows']:,}\u2069"))
    else:
        names = _all_used(survey, steps)
        lost = [name for name in names if name not in survey.frame.columns]
        moved = [name for name in names if name not in lost
                 and _of_column(survey.frame[name]) != written["variables"].get(name)]  # fmt: skip
        if lost:
            differ.append(Text(en=f"no {', '.join(lost)}", ar=f"لا يوجد \u2066{', '.join(lost)}\u2069"))
        if moved:
            differ.append(Text(en=f"other values of {', '.join(moved)}", ar=f"قيم أخرى في \u2066{', '.join(moved)}\u2069"))
        starts = isinstance(steps[0], Base) or hasattr(steps[0], "stages")
        if not starts and _mark(survey.design.weights)["weights"] != written["before"]:
            differ.append(Text(en="other starting weights", ar="أوزان ابتدائية أخرى"))
    if differ:
        raise WeightingError(
            "The survey is not the one the weighting steps were written for: "
            + "; ".join(d["en"] for d in differ) + ".",
            remedy="Load the survey as it was then; for other data take survey.weighting.replay(path).apply().",
            ar="المسح ليس الذي كُتبت له خطوات الترجيح: " + "؛ ".join(d["ar"] for d in differ)
            + ". حمّل المسح كما كان، أو استعمل survey.weighting.replay(path).apply() لبيانات أخرى.",
        )


def _fields(data: Mapping[str, Any]) -> dict[str, str]:
    """Field → fingerprint; margins one by one, so that a message can name the one that changed."""
    out = {}
    for name, value in data.items():
        if name in ("margins", "shares") and isinstance(value, list):
            for each in value:
                variables = each.get("variables", []) if isinstance(each, Mapping) else []
                out[f"{name} {' × '.join(map(str, variables))}".strip()] = _print_of(each)
        elif name != "step":
            out[str(name)] = _print_of(value)
    return out


def _print_of(value: Any) -> str:
    return _digest(json.dumps(value, sort_keys=True, ensure_ascii=True, default=str).encode())


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]


def _of_column(column: pd.Series) -> str:
    if pd.api.types.is_numeric_dtype(column.dtype):
        column = column.astype(float) + 0.0
    return _digest(pd.util.hash_pandas_object(column, index=False).to_numpy().tobytes())


def _mark(weights: np.ndarray) -> dict[str, Any]:
    content = np.ascontiguousarray(weights, dtype="<f8")
    return {"sum": float(content.sum()), "squares": float(content @ content), "weights": _digest(content.tobytes())}
