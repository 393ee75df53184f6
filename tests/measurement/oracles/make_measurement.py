"""Writes measurement.csv: invented households and answers in 40 clusters, for measurement.R."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

rng = np.random.default_rng(20261124)
n = 800
psu = np.repeat(np.arange(40), 20)
stratum = psu // 10
wealth = rng.normal(size=40)[psu] * 0.6 + rng.normal(size=n)
ability = rng.normal(size=40)[psu] * 0.4 + rng.normal(size=n)
group = rng.integers(1, 3, n)
frame = pd.DataFrame({
    "w": rng.choice([0.7, 1.0, 2.4, 4.0], n), "stratum": stratum, "psu": psu, "group": group,
    "area": 1 + (psu % 3 == 0), "size": rng.integers(1, 9, n),
})  # fmt: skip
for j, cut in enumerate((-0.8, -0.2, 0.3, 0.9, 1.4), 1):
    frame[f"a{j}"] = (0.8 * wealth + rng.normal(size=n) > cut).astype(int)
frame["rooms"] = np.clip(np.round(2 + 0.7 * wealth + rng.normal(size=n)), 1, 6).astype(int)
for j, cut in enumerate((-0.9, -0.3, 0.0, 0.4, 0.8), 1):
    shift = 0.7 * (group == 2) if j == 3 else 0.0
    slope = np.where(group == 2, 0.5, 1.4) if j == 5 else 1.0
    frame[f"i{j}"] = (slope * ability + shift + rng.logistic(size=n) > cut).astype(int)
for j in (1, 2):
    frame[f"o{j}"] = np.digitize(ability + 0.5 * (group == 2) * (j == 2) + rng.logistic(size=n), [-1.2, 0.0, 1.3]) + 1
frame.to_csv(Path(__file__).with_name("measurement.csv"), index=False)
