"""Generated survey data: 200 strata, 2,000 PSUs, 24 domains, four margins, a dozen predictors."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

STRATA, PSUS, DOMAINS, PREDICTORS = 200, 2_000, 24, 12
MARGINS = {"governorate": 12, "sex": 2, "age_group": 6, "education": 5}


def generate(rows: int, seed: int = 20260101) -> dict[str, np.ndarray]:
    """Columns of a survey of `rows` persons; the same seed gives the same numbers everywhere."""
    rng = np.random.default_rng([seed, rows])
    psu = rng.permutation(np.arange(rows) % PSUS)
    block = rng.normal(0, 0.4, PSUS)[psu]
    columns: dict[str, np.ndarray] = {
        "weight": rng.uniform(50, 500, rows),
        "stratum": psu // (PSUS // STRATA) + 1,
        "psu": psu + 1,
        "domain": rng.integers(1, DOMAINS + 1, rows),
        "income": np.exp(5.8 + 0.5 * block + rng.normal(0, 0.6, rows)),
    }
    for name, levels in MARGINS.items():
        columns[name] = rng.choice(levels, rows, p=_shares(levels, 1.3)) + 1
    logit = -0.6 + block
    for k in range(1, PREDICTORS + 1):
        x = rng.normal(0, 1, rows) if k <= 6 else rng.integers(0, 2, rows).astype(float)
        columns[f"x{k}"] = x
        logit = logit + (-1) ** k * 0.1 * k / 2 * x
    columns["employed"] = (rng.random(rows) < 1 / (1 + np.exp(-logit))).astype(float)
    return columns


def targets(columns: dict[str, np.ndarray]) -> dict[str, dict[str, float]]:
    """Population totals for raking: the sampled weight spread in other shares than the sample's."""
    total = float(columns["weight"].sum())
    return {
        name: {str(k + 1): float(share * total) for k, share in enumerate(_shares(levels, 1.15))}
        for name, levels in MARGINS.items()
    }


def write(rows: int, folder: Path, for_r: bool) -> Path:
    """Write ``data.parquet`` and ``margins.json`` (and raw doubles for R) and return their folder."""
    place = folder / str(rows)
    place.mkdir(parents=True, exist_ok=True)
    columns = generate(rows)
    pq.write_table(pa.table(columns), place / "data.parquet")
    (place / "margins.json").write_text(json.dumps(targets(columns)), encoding="utf-8")
    if for_r:
        for name, values in columns.items():
            values.astype("<f8").tofile(place / f"{name}.f64")
        (place / "columns.txt").write_text("\n".join(columns), encoding="utf-8")
    return place


def _shares(levels: int, steepness: float) -> np.ndarray:
    weights = steepness ** -np.arange(levels, dtype=float)
    return weights / weights.sum()
