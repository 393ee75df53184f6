"""masar_research, through the calls a user makes on a declared survey."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
from timing import folder, run

import masar_research as mr

FRAME = pd.read_parquet(folder() / "data.parquet")
TARGETS = {
    name: {int(code): value for code, value in levels.items()}
    for name, levels in json.loads((folder() / "margins.json").read_text(encoding="utf-8")).items()
}
SURVEY = mr.Survey(FRAME, weights="weight", strata="stratum", psu="psu")
INCOME = FRAME["income"].to_numpy()
TEN = [f"x{k}" for k in range(1, 11)]
FORMULA = "employed ~ " + " + ".join(f"x{k}" for k in range(1, 13))


def table(result) -> dict:
    return {
        "estimate": result.frame["estimate"].tolist(),
        "std_error": result.frame["std_error"].tolist(),
    }


def rake() -> dict:
    weights = SURVEY.weighting.rake(TARGETS).apply().design.weights
    return {
        "estimate": [float(np.average(INCOME, weights=weights))],
        "weights_sum": float(weights.sum()),
    }


def linear(targets: dict) -> dict:
    weights = SURVEY.weighting.calibrate(targets, method="linear").apply().design.weights
    return {
        "estimate": [float(np.average(INCOME, weights=weights))],
        "weights_sum": float(weights.sum()),
    }


def raked_replicates():
    raked = SURVEY.weighting.rake(TARGETS).apply()

    def task() -> dict:
        raked.with_replicates(mr.replicates.RaoWu(500), rng=np.random.default_rng(2026))
        return {}

    return task


def encode() -> dict:
    """What a first call does once: a survey declared, a domain and an outcome coded."""
    survey = mr.Survey(FRAME, weights="weight", strata="stratum", psu="psu")
    survey.coded("domain"), survey.coded("education")
    return {}


def replicates() -> dict:
    made = SURVEY.with_replicates(mr.replicates.RaoWu(500), rng=np.random.default_rng(2026))
    return {"estimate": made.mean("income", by="domain").frame["estimate"].tolist()}


def median() -> dict:
    found = SURVEY.median("income", by="domain", rule="math")
    return {"estimate": found.frame["estimate"].tolist()}


run("masar_research", mr.__version__, {
    "declaring and encoding": lambda: encode,
    "mean": lambda: lambda: table(SURVEY.mean("income")),
    "mean by 24 domains": lambda: lambda: table(SURVEY.mean("income", by="domain")),
    "proportion, 5 levels, 24 domains": lambda: lambda: table(SURVEY.proportion("education", by="domain")),
    "ten means at once": lambda: lambda: table(SURVEY.mean(TEN)),
    "ten means by 24 domains": lambda: lambda: table(SURVEY.mean(TEN, by="domain")),
    "median by 24 domains": lambda: median,
    "500 Rao–Wu replicates, mean by 24": lambda: replicates,
    "raking, 4 margins": lambda: rake,
    "linear calibration, 4 margins": lambda: lambda: linear(TARGETS),
    "linear calibration, margins and a number": lambda: lambda: linear({**TARGETS, "x1": 0.0}),
    "500 Rao–Wu replicates, raked": raked_replicates,
    "logistic, 12 predictors": lambda: lambda: table(SURVEY.logit(FORMULA)),
})  # fmt: skip
