"""samplics (PyPI)."""

from __future__ import annotations

import json
from importlib.metadata import version

import numpy as np
import pandas as pd
from samplics.estimation import TaylorEstimator
from samplics.regression import SurveyGLM
from samplics.utils.types import ModelType, PopParam
from samplics.weighting import SampleWeight
from timing import folder, run

FRAME = pd.read_parquet(folder() / "data.parquet")
TARGETS = {
    name: {int(code): value for code, value in levels.items()}
    for name, levels in json.loads((folder() / "margins.json").read_text(encoding="utf-8")).items()
}
DESIGN = {"samp_weight": FRAME["weight"], "stratum": FRAME["stratum"], "psu": FRAME["psu"]}


def values(found) -> list[float]:
    if isinstance(found, dict):
        return [float(found[key]) for key in sorted(found)]
    return [float(found)]


def mean(domain: bool) -> dict:
    estimator = TaylorEstimator(PopParam.mean)
    extra = {"domain": FRAME["domain"]} if domain else {}
    estimator.estimate(y=FRAME["income"], **DESIGN, **extra)
    return {"estimate": values(estimator.point_est), "std_error": values(estimator.stderror)}


def rake() -> dict:
    weights = SampleWeight().rake(
        samp_weight=FRAME["weight"],
        margins={name: FRAME[name] for name in TARGETS},
        control=TARGETS,
    )
    return {
        "estimate": [float(np.average(FRAME["income"], weights=weights))],
        "weights_sum": float(np.sum(weights)),
    }


def logistic() -> dict:
    model = SurveyGLM(ModelType.LOGISTIC)
    model.estimate(
        y=FRAME["employed"],
        x=FRAME[[f"x{k}" for k in range(1, 13)]].to_numpy(),
        add_intercept=True,
        **DESIGN,
    )
    beta = model.beta["point_est"] if isinstance(model.beta, dict) else model.beta
    error = (
        model.beta["stderror"] if isinstance(model.beta, dict) else np.sqrt(np.diag(model.cov_beta))
    )
    return {
        "estimate": np.asarray(beta, float).ravel().tolist(),
        "std_error": np.asarray(error, float).ravel().tolist(),
    }


def proportion() -> dict:
    estimator = TaylorEstimator(PopParam.prop)
    estimator.estimate(y=FRAME["education"], domain=FRAME["domain"], **DESIGN)
    nested = lambda found: [float(found[d][k]) for d in sorted(found) for k in sorted(found[d])]  # noqa: E731
    return {"estimate": nested(estimator.point_est), "std_error": nested(estimator.stderror)}


run("samplics", version("samplics"), {
    "mean": lambda: lambda: mean(False),
    "raking, 4 margins": lambda: rake,
    "logistic, 12 predictors": lambda: logistic,
    "mean by 24 domains": lambda: lambda: mean(True),
    "proportion, 5 levels, 24 domains": lambda: proportion,
})  # fmt: skip
