"""The bare arithmetic in NumPy, on arrays already coded: the floor under any workbench."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
from timing import folder, run

FRAME = pd.read_parquet(folder() / "data.parquet")
TARGETS = json.loads((folder() / "margins.json").read_text(encoding="utf-8"))
W, Y = FRAME["weight"].to_numpy(), FRAME["income"].to_numpy()
UNIT, DOMAIN = FRAME["psu"].to_numpy() - 1, FRAME["domain"].to_numpy() - 1
STRATUM = np.arange(2000) // 10
UNIT_W = np.bincount(UNIT, W, 2000)
X = np.column_stack([np.ones(len(W)), *(FRAME[f"x{k}"].to_numpy() for k in range(1, 13))])
B = FRAME["employed"].to_numpy()


def variance(totals: np.ndarray) -> np.ndarray:
    means = np.add.reduceat(totals, np.arange(0, 2000, 10), axis=0) / 10
    deviations = totals - means[STRATUM]
    return 10 / 9 * (deviations**2).sum(axis=0)


def mean() -> dict:
    moment = np.bincount(UNIT, W * Y, 2000)
    estimate = moment.sum() / UNIT_W.sum()
    return {
        "estimate": [estimate],
        "std_error": np.sqrt(
            variance(((moment - estimate * UNIT_W) / UNIT_W.sum())[:, None])
        ).tolist(),
    }


def domains() -> dict:
    index = UNIT * 24 + DOMAIN
    weight = np.bincount(index, W, 48000).reshape(2000, 24)
    moment = np.bincount(index, W * Y, 48000).reshape(2000, 24)
    estimate = moment.sum(axis=0) / weight.sum(axis=0)
    error = np.sqrt(variance((moment - estimate * weight) / weight.sum(axis=0)))
    return {"estimate": estimate.tolist(), "std_error": error.tolist()}


def prepare_rake():
    codes = [FRAME[name].to_numpy() - 1 for name in TARGETS]
    goals = [np.array(list(levels.values())) for levels in TARGETS.values()]

    def rake() -> dict:
        shape = [len(goal) for goal in goals]
        cell = codes[0]
        for code, size in zip(codes[1:], shape[1:], strict=True):
            cell = cell * size + code
        table = np.bincount(cell, W, int(np.prod(shape))).reshape(shape)
        factor = np.ones(shape)
        for _ in range(100):
            gap = 0.0
            for axis, goal in enumerate(goals):
                others = tuple(a for a in range(4) if a != axis)
                step = goal / (table * factor).sum(axis=others)
                gap = max(gap, np.abs(step - 1).max())
                factor *= step.reshape([-1 if a == axis else 1 for a in range(4)])
            if gap < 1e-10:
                break
        weights = W * factor.ravel()[cell]
        return {
            "estimate": [float(np.average(Y, weights=weights))],
            "weights_sum": float(weights.sum()),
        }

    return rake


def logistic() -> dict:
    beta = np.zeros(13)
    for _ in range(25):
        mu = 1 / (1 + np.exp(-(X @ beta)))
        information = X.T @ (X * (W * mu * (1 - mu))[:, None])
        step = np.linalg.solve(information, X.T @ (W * (B - mu)))
        beta = beta + step
        if np.abs(step).max() < 1e-10:
            break
    bread = np.linalg.inv(information)
    residual = W * (B - mu)
    scores = np.column_stack([np.bincount(UNIT, residual * X[:, k], 2000) for k in range(13)])
    return {"estimate": beta.tolist(), "std_error": np.sqrt(variance(scores @ bread)).tolist()}


run("NumPy, bare arithmetic", np.__version__, {
    "mean": lambda: mean,
    "mean by 24 domains": lambda: domains,
    "raking, 4 margins": prepare_rake,
    "logistic, 12 predictors": lambda: logistic,
})  # fmt: skip
