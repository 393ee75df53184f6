"""The design of a survey in R's words, with the columns it needs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from masar_research.engine.two_phase import refuse
from masar_research.errors import DesignError

if TYPE_CHECKING:
    from masar_research.survey import Survey

_LONELY = {"raise": "fail", "centre": "adjust", "scale": "average", "certainty": "certainty",
           "remove": "remove"}  # fmt: skip
# Numbers in replicates.csv; about 150 MB of text.
_MOST_REPLICATE_WEIGHTS = 10_000_000

_HEAD = """\
# Repeats estimates of masar_research {version} with R's survey package.
# Run from this folder:  Rscript estimate.R
# data.csv holds rows about persons: keep it as you keep the survey's own file.
# يحوي الملف data.csv بيانات أفراد: يُحفظ كما يُحفظ ملف المسح نفسه.
suppressMessages(library(survey))
data <- read.csv("data.csv", fileEncoding = "UTF-8")
data$one <- 1
"""
_TAYLOR = """\
options(survey.lonely.psu = "{lonely}")
design <- svydesign({ids}, strata = {strata}, weights = ~{weight}, fpc = {fpc}, data = data, nest = TRUE)
"""
_REPLICATED = """\
repeated <- as.matrix(read.csv("replicates.csv"))
design <- svrepdesign(weights = ~weight, repweights = repeated, combined.weights = TRUE, type = "other",
                      scale = 1, rscales = c({rscales}), mse = {mse}, data = data)
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


def written(survey: Survey) -> tuple[dict[str, Any], str]:
    """Columns of the design under plain names, and the head of the script."""
    from masar_research import __version__

    head = _HEAD.format(version=__version__)
    columns: dict[str, Any] = {"weight": survey.design.weights}
    if survey.design.replicates is not None:
        return columns, head + _replicated(survey)
    described, structure = survey.design.describe(), survey.design.structure
    refuse(survey.design, "Scripts for R", "نصوص R")
    if structure.overlaps:
        raise DesignError("Waves that share PSUs carry covariance that R's svydesign does not know.",
                          remedy="Load one wave, or estimate each wave by itself.")  # fmt: skip
    if described["lonely_psu"] not in _LONELY:
        raise DesignError("R's survey does not collapse strata.",
                          remedy="Merge the strata in the data, and declare those.")  # fmt: skip
    steps = _steps(survey)
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
    head += _TAYLOR.format(
        lonely=_LONELY[described["lonely_psu"]],
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


def _replicated(survey: Survey) -> str:
    made = survey.design.replicates
    assert made is not None
    size = made.number * survey.design.n_rows
    if size > _MOST_REPLICATE_WEIGHTS:
        raise DesignError(
            f"{made.number:,} replicate weights of {survey.design.n_rows:,} rows are {size:,} numbers, "
            f"more than the {_MOST_REPLICATE_WEIGHTS:,} that are written out as text.",
            remedy="Make fewer replicates, or estimate from the survey as declared.",
        )
    rscales = ", ".join(f"{scale:.17g}" for scale in made.scales)
    return _REPLICATED.format(rscales=rscales, mse="TRUE" if made.mse else "FALSE")


def write_beside(survey: Survey, out: Path) -> None:
    """Write what the script reads besides ``data.csv``: replicate weights, or auxiliaries."""
    made = survey.design.replicates
    if made is not None:
        weights = {f"r{r + 1}": made.weights.rows(survey.design, r) for r in range(made.number)}
        pd.DataFrame(weights).to_csv(out / "replicates.csv", index=False)
        return
    for step in _steps(survey):
        basis = step.basis
        table = np.eye(basis.n_cells) if basis.table is None else basis.table
        frame = pd.DataFrame(table, columns=[f"x{i + 1}" for i in range(table.shape[1])])
        frame.to_csv(out / "calibration.csv", index=False)


def _renumbered(frame: pd.DataFrame, names: Sequence[str]) -> np.ndarray:
    """1, 2, … in place of labels, which may say where a person lives."""
    return frame.groupby(list(names), sort=True, dropna=False).ngroup().to_numpy() + 1


