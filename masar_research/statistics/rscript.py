"""An estimate as R code with its data, so that a partner can repeat it elsewhere."""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from masar_research.engine.two_phase import refuse
from masar_research.errors import DataError, DesignError, EstimationError
from masar_research.estimates import Estimates

if TYPE_CHECKING:
    from masar_research.survey import Survey

KINDS = ("mean", "total", "proportion", "ratio", "count")
_LONELY = {"raise": "fail", "centre": "adjust", "scale": "average", "certainty": "certainty",
           "remove": "remove"}  # fmt: skip
_CALL = re.compile(r"[A-Za-z_.][\w.]*(?=\s*\()")
_WORD = re.compile(r"\bC\(\s*([A-Za-z_]\w*)\s*\)|[A-Za-z_]\w*")

_HEAD = """\
# Repeats estimates of masar_research {version} with R's survey package.
# Run from this folder:  Rscript estimate.R
# data.csv holds rows about persons: keep it as you keep the survey's own file.
# يحوي الملف data.csv بيانات أفراد: يُحفظ كما يُحفظ ملف المسح نفسه.
suppressMessages(library(survey))
options(survey.lonely.psu = "{lonely}")
data <- read.csv("data.csv", fileEncoding = "UTF-8")
data$one <- 1
design <- svydesign({ids}, strata = {strata}, weights = ~{weight}, fpc = {fpc}, data = data, nest = TRUE)
"""
_CALIBRATED = """\
# The weights were calibrated: the variance is that of what the auxiliaries leave unexplained.
auxiliaries <- as.matrix(read.csv("calibration.csv"))[data$calibration_cell, , drop = FALSE]
auxiliaries[is.na(auxiliaries)] <- 0
g <- ifelse(data$weight_before > 0, data$weight / data$weight_before, 0)
calibration <- list(qr = qr(auxiliaries * sqrt(data$weight_before)),
                    w = g * sqrt(data$weight_before), stage = 0, index = NULL)
class(calibration) <- c("greg_calibration", "gen_raking")
design$postStrata <- list(calibration)
design$prob <- 1 / data$weight
"""
_SHOW = """\
among <- function(rows) design[which(rows), , drop = FALSE]
show <- function(label, answer) {
  cat(sprintf("%s\\t%.15g\\t%.15g\\n", label, coef(answer), as.vector(SE(answer))), sep = "")
}
cat("what\\testimate\\tstd_error\\n")
"""


def as_r_script(survey: Survey, result: Any, folder: str | Path) -> Path:
    """Write R code and data that repeat an estimate with R's ``survey``.

    Parameters
    ----------
    survey : Survey
        The survey `result` was estimated from.
    result : Estimates or SurveyModel
        Means, totals, shares, ratios or counts; or a logistic model whose formula holds
        variables, ``C(variable)``, ``+``, ``*`` and ``:`` only.
    folder : path
        Made if absent. Receives ``estimate.R``, ``data.csv`` (weights, renumbered strata and
        PSUs, and the columns used; every row of the design, for its standard error) and, for
        calibrated weights, ``calibration.csv``.

    Returns
    -------
    Path
        The script. It prints one line per estimate: what, estimate, standard error.

    Raises
    ------
    DataError
        If a column used is text.
    DesignError
        For what R's survey cannot repeat: waves with common PSUs, collapsed strata, more than
        one calibration step, non-response classes.
    EstimationError
        If `result` belongs to another survey or is of another kind.

    Warns
    -----
    UserWarning
        Always: the folder holds data about persons.
    """
    model = None if isinstance(result, Estimates) else result
    if model is not None and getattr(model, "family", None) != "binomial":
        raise EstimationError(
            f"R code is written for {', '.join(KINDS)} and logistic models, not for "
            f"{getattr(model, 'family', type(model).__name__)}.",
            remedy="Pass an Estimates or the answer of survey.logit(...).",
        )
    if model is None and result.kind not in KINDS:
        raise EstimationError(
            f"R code is written for {', '.join(KINDS)} and logistic models, not for {result.kind!r}.",
            remedy="Pass the estimates before they were compared or transformed.",
        )
    if model is None and "made_by" in result.note:
        raise EstimationError(
            f"R code is written for survey.mean, .proportion and their like, not for "
            f"survey.{result.note['made_by']}.",
            remedy="Pass the means or shares the figures are made of.",
        )
    facts = survey.facts()
    if any(result.note.get(name) != facts[name] for name in ("weights", "base", "checksum", "steps")):
        raise EstimationError(
            "These results were made from another survey, subpopulation or weights.",
            remedy="Call as_r_script on the very survey they were estimated from.",
        )
    columns, script = _design(survey)
    if model is None:
        names, lines = _estimate_lines(survey, result)
    else:
        names, lines = _model_lines(model)
        columns["fitted_row"] = model.matrix.used.astype(int)
    for name in names:
        columns[name] = _column(survey, name)
    columns["in_base"] = 1 if survey.mask is None else survey.mask.astype(int)
    out = Path(folder)
    out.mkdir(parents=True, exist_ok=True)
    pd.DataFrame(columns).to_csv(out / "data.csv", index=False, encoding="utf-8")
    _write_calibration(survey, out)
    path = out / "estimate.R"
    path.write_text(script + _SHOW + "\n".join(lines) + "\n", encoding="utf-8", newline="\n")
    warnings.warn(
        f"{out / 'data.csv'} holds rows about persons; keep and share it as the survey's own file. "
        "· يحوي الملف بيانات أفراد فيُحفظ كما يُحفظ ملف المسح.",
        UserWarning,
        stacklevel=2,
    )
    return path


def _design(survey: Survey) -> tuple[dict[str, Any], str]:
    """Columns of the design under plain names, and the head of the script."""
    from masar_research import __version__

    described, structure = survey.design.describe(), survey.design.structure
    if survey.design.replicates is not None:
        raise DesignError("R code is written for designs by strata and PSUs, not for replicate weights.",
                          remedy="Estimate from the survey as declared.")  # fmt: skip
    refuse(survey.design, "Scripts for R", "نصوص R")
    if structure.overlaps:
        raise DesignError("Waves that share PSUs carry covariance that R's svydesign does not know.",
                          remedy="Load one wave, or estimate each wave by itself.")  # fmt: skip
    if described["lonely_psu"] not in _LONELY:
        raise DesignError("R's survey does not collapse strata.",
                          remedy="Merge the strata in the data, and declare those.")  # fmt: skip
    steps = _steps(survey)
    columns: dict[str, Any] = {"weight": survey.design.weights}
    if steps:
        columns["weight_before"] = steps[0].before
        columns["calibration_cell"] = steps[0].basis.cells + 1
    roles, frame = survey.roles, survey.frame
    wave = [roles["wave"]] if roles["wave"] else []
    strata = [*wave, roles["strata"]] if roles["strata"] else wave
    if strata:
        columns["stratum"] = _renumbered(frame, strata)
    stages = []
    for level, name in enumerate(roles["psu"], 1):
        stages.append(f"psu{level}")
        columns[stages[-1]] = _renumbered(frame, [name])
    fractions = []
    for level, name in enumerate(roles["fpc"], 1):
        fractions.append(f"fpc{level}")
        columns[fractions[-1]] = survey.values(name)
    head = _HEAD.format(
        version=__version__, lonely=_LONELY[described["lonely_psu"]],
        ids=f"~{' + '.join(stages) or '1'}", strata="~stratum" if strata else "NULL",
        weight="weight_before" if steps else "weight",
        fpc=f"~{' + '.join(fractions)}" if fractions else "NULL",
    )  # fmt: skip
    return columns, head + (_CALIBRATED if steps else "")


def _steps(survey: Survey) -> tuple[Any, ...]:
    bound = survey.design.calibration
    if bound is None:
        return ()
    steps = bound.calibration.steps
    changed = not np.array_equal(steps[-1].after, survey.design.weights)
    if len(steps) > 1 or changed or steps[0].sampled or steps[0].basis.matrix is not None:
        kinds = ", ".join([step.kind for step in steps] + ["a later change"] * changed)
        raise DesignError(
            f"R's survey has no counterpart for these weighting steps together: {kinds}.",
            remedy="Weights with one calibration to population counts can be repeated there.",
        )
    return steps


def _write_calibration(survey: Survey, out: Path) -> None:
    for step in _steps(survey):
        basis = step.basis
        table = np.eye(basis.n_cells) if basis.table is None else basis.table
        frame = pd.DataFrame(table, columns=[f"x{i + 1}" for i in range(table.shape[1])])
        frame.to_csv(out / "calibration.csv", index=False)


def _renumbered(frame: pd.DataFrame, names: Sequence[str]) -> np.ndarray:
    """1, 2, … in place of labels, which may say where a person lives."""
    return frame.groupby(list(names), sort=True, dropna=False).ngroup().to_numpy() + 1


def _column(survey: Survey, name: str) -> np.ndarray:
    book = survey.codebook
    if (name in book and book[name].level == "text") or survey.frame[name].dtype.kind in "OUS":
        raise DataError(
            f"Variable {name!r} is text, which may tell who a person is, and is not written out.",
            remedy="Derive a coded variable from it in the survey card and use that.",
            ar=f"المتغيّر «{name}» نصّي وقد يكشف هوية الأشخاص فلا يُكتب.",
        )
    return survey.values(name)


def _name(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z][\w.]*", name) else f"`{name}`"


def _estimate_lines(survey: Survey, result: Estimates) -> tuple[list[str], list[str]]:
    variables = [] if result.kind == "count" else list(dict.fromkeys(result.frame["variable"]))
    below = [result.note["denominator"]] if result.kind == "ratio" else []
    lines = []
    for _, row in result.frame.iterrows():
        if row["n"] == 0:
            continue
        rows = ["in_base == 1"]
        rows += [f"{_name(name)} %in% {row[name]:g}" for name in result.by]
        rows += [f"!is.na({_name(name)})" for name in (*below, *variables) if name in (row["variable"], *below)]
        label = " ".join(f"{name}={row[name]:g}" for name in result.by)
        part = f"with(data, among({' & '.join(rows)}))"
        call, what = _call(result.kind, row, below)
        label = f"{label} {what}".strip()
        lines.append(f'show("{label}", {call.format(part=part)})')
    return list(dict.fromkeys([*result.by, *variables, *below])), lines


def _call(kind: str, row: pd.Series, below: list[str]) -> tuple[str, str]:
    name = _name(str(row["variable"]))
    if kind == "count":
        return "svytotal(~one, {part}, na.rm = TRUE)", "persons"
    if kind == "ratio":
        return f"svyratio(~{name}, ~{_name(below[0])}, {{part}}, na.rm = TRUE)", f"{row['variable']}/{below[0]}"
    if kind == "proportion":
        code = f"{row['category']:g}"
        return f"svymean(~I(as.numeric({name} == {code})), {{part}}, na.rm = TRUE)", f"{row['variable']}={code}"
    verb = "svymean" if kind == "mean" else "svytotal"
    return f"{verb}(~{name}, {{part}}, na.rm = TRUE)", str(row["variable"])


def _model_lines(model: Any) -> tuple[list[str], list[str]]:
    """The formula in R's words: categorical predictors as factors, reference first."""
    others = sorted(set(_CALL.findall(model.formula)) - {"C"})
    if others:
        raise EstimationError(
            f"The formula uses {', '.join(others)}, which R may define otherwise.",
            remedy="Put the transformed variable into the survey with with_columns(...) first.",
        )
    levels = {
        str(name): list(model.matrix.data[name].cat.categories)
        for name in model.matrix.data.columns
        if isinstance(model.matrix.data[name].dtype, pd.CategoricalDtype)
    }
    names: list[str] = []

    def translated(match: re.Match[str]) -> str:
        name = match[1] or match[0]
        names.append(name)
        if name not in levels:
            return _name(name)
        codes = ", ".join(f"{code:g}" for code in levels[name])
        return f"factor({_name(name)}, levels = c({codes}))"

    formula = _WORD.sub(translated, model.formula)
    lines = [
        f"model <- svyglm({formula}, with(data, among(fitted_row == 1)), family = quasibinomial(),",
        "                control = glm.control(epsilon = 1e-14, maxit = 100))",
        "show(names(coef(model)), model)",
    ]
    return list(dict.fromkeys(names)), lines
