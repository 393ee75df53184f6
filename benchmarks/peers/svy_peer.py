"""svy (PyPI)."""

from __future__ import annotations

import json
from importlib.metadata import version

import numpy as np
import polars as pl
import svy
from timing import folder, run

DATA = pl.read_parquet(folder() / "data.parquet")
TARGETS = {
    name: {int(code): value for code, value in levels.items()}
    for name, levels in json.loads((folder() / "margins.json").read_text(encoding="utf-8")).items()
}
SAMPLE = svy.Sample(DATA, svy.Design(stratum="stratum", psu="psu", wgt="weight"))
INCOME = DATA["income"].to_numpy()


def table(result, estimate: str, error: str, order: str | None = None) -> dict:
    frame = result.to_polars()
    if order:
        frame = frame.with_columns(pl.col(order).cast(pl.Float64)).sort(order)
    return {"estimate": frame[estimate].to_list(), "std_error": frame[error].to_list()}


def rake() -> dict:
    raked = SAMPLE.weighting.rake(controls=TARGETS, wgt_name="raked")
    data = raked.data if isinstance(raked.data, pl.DataFrame) else raked.data.collect()
    weights = data["raked"].to_numpy()
    return {
        "estimate": [float(np.average(INCOME, weights=weights))],
        "weights_sum": float(weights.sum()),
    }


def logistic() -> dict:
    fitted = SAMPLE.glm.fit(y="employed", x=[f"x{k}" for k in range(1, 13)], family="binomial")
    return table(fitted, "estimate", "std_err")


run("svy", version("svy"), {
    "mean": lambda: lambda: table(SAMPLE.estimation.mean("income"), "est", "se"),
    "mean by 24 domains": lambda: lambda: table(SAMPLE.estimation.mean("income", by="domain"), "est", "se", "domain"),
    "raking, 4 margins": lambda: rake,
    "logistic, 12 predictors": lambda: logistic,
})  # fmt: skip
