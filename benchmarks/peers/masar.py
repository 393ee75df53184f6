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


run("masar_research", mr.__version__, {
    "mean": lambda: lambda: table(SURVEY.mean("income")),
    "mean by 24 domains": lambda: lambda: table(SURVEY.mean("income", by="domain")),
    "raking, 4 margins": lambda: rake,
    "logistic, 12 predictors": lambda: lambda: table(SURVEY.logit(FORMULA)),
})  # fmt: skip
