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
TEN = [f"x{k}" for k in range(1, 11)]
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


def tables(results, order: str | None = None) -> dict:
    """Several results after one another."""
    found = [table(result, "est", "se", order) for result in results]
    return {key: [value for each in found for value in each[key]] for key in ("estimate", "std_error")}


def proportion() -> dict:
    frame = SAMPLE.estimation.prop("education", by="domain").to_polars()
    frame = frame.with_columns(pl.col("domain", "education").cast(pl.Float64)).sort("domain", "education")
    return {"estimate": frame["est"].to_list(), "std_error": frame["se"].to_list()}


def median() -> dict:
    return {"estimate": table(SAMPLE.estimation.median("income", by="domain"), "est", "se", "domain")["estimate"]}


def replicates() -> dict:
    made = SAMPLE.weighting.create_bs_wgts(500, kind="rao-wu", rstate=2026)
    found = made.estimation.mean("income", by="domain", method="replication")
    return {"estimate": table(found, "est", "se", "domain")["estimate"]}


run("svy", version("svy"), {
    "mean": lambda: lambda: table(SAMPLE.estimation.mean("income"), "est", "se"),
    "mean by 24 domains": lambda: lambda: table(SAMPLE.estimation.mean("income", by="domain"), "est", "se", "domain"),
    "proportion, 5 levels, 24 domains": lambda: proportion,
    "ten means at once": lambda: lambda: tables(SAMPLE.estimation.mean(TEN)),
    "ten means by 24 domains": lambda: lambda: tables(SAMPLE.estimation.mean(TEN, by="domain"), "domain"),
    "median by 24 domains": lambda: median,
    "raking, 4 margins": lambda: rake,
    "logistic, 12 predictors": lambda: logistic,
    "500 Rao–Wu replicates, mean by 24": lambda: replicates,
})  # fmt: skip
