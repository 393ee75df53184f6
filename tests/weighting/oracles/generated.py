"""Writes generated.csv: an invented Jordan-like sample that R and the tests both read.

Run: python tests/weighting/oracles/generated.py
"""

from pathlib import Path

import numpy as np
import pandas as pd

HERE = Path(__file__).parent


def sample(seed: int = 2026) -> pd.DataFrame:
    """18 strata (governorate × urban), 4–6 PSUs each with labels 1..k reused, about 8 persons."""
    rng = np.random.default_rng(seed)
    governorates = [11, 12, 13, 14, 21, 22, 23, 24, 31, 32, 33, 34]
    share = np.array([42, 5, 14, 2, 19, 6, 3, 2, 3, 1, 2, 2.0])
    rows = []
    for position, governorate in enumerate(governorates):
        for urban in (1, 2) if governorate % 2 else (1,):
            stratum = governorate * 10 + urban
            for psu in range(1, 5 + int(rng.integers(0, 2))):
                effect = rng.normal(0, 0.5)
                base = 40 * share[position] / 8 * rng.uniform(0.7, 1.4)
                for _ in range(int(rng.integers(6, 11))):
                    sex = int(rng.integers(1, 3))
                    age = int(rng.integers(15, 75))
                    education = int(rng.choice([1, 2, 3, 4, 5], p=[0.08, 0.37, 0.25, 0.12, 0.18]))
                    eta = (0.9 - 1.9 * (sex == 2) + 0.25 * (education - 3)
                           + 0.35 * (sex == 2) * (education >= 4)
                           - 0.03 * abs(age - 38) + effect)
                    employed = float(rng.random() < 1 / (1 + np.exp(-eta)))
                    income = 200 + 60 * education - 40 * (sex == 2) + rng.normal(0, 90)
                    children = float(rng.poisson(np.exp(0.2 + 0.01 * age - 0.1 * education)))
                    rows.append((stratum, psu, governorate, urban, round(base, 4), sex, age,
                                 education, employed, round(income, 2), children))
    frame = pd.DataFrame(rows, columns=["stratum", "psu", "governorate", "urban", "weight", "sex",
                                        "age", "education", "employed", "income", "children"])
    status = np.where(rng.random(len(frame)) < 0.7 + 0.12 * (frame["sex"] == 2), 1, 2)
    frame["status"] = status
    frame["education"] = frame["education"].astype(float)
    frame.loc[rng.random(len(frame)) < 0.03, "education"] = np.nan
    frame.loc[rng.random(len(frame)) < 0.04, "employed"] = np.nan
    return frame


if __name__ == "__main__":
    sample().to_csv(HERE / "generated.csv", index=False)
