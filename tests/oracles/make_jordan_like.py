"""Write jordan_like.csv: a small invented sample with the shape of a Jordanian household survey.

24 strata (12 governorates × urban/rural), PSU labels that start again in every stratum, households
within PSUs, population counts of both stages, weights, skips and refusals. Every value is
invented. Run:  python tests/oracles/make_jordan_like.py
"""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
GOVERNORATES = (11, 12, 13, 14, 21, 22, 23, 24, 31, 32, 33, 34)
SMALL = ("24-2", "34-2")  # strata that keep a single PSU in the "lonely" design


def rows() -> list[dict[str, object]]:
    """The sample as rows."""
    rng = np.random.default_rng(20261)
    out: list[dict[str, object]] = []
    for governorate in GOVERNORATES:
        for urban in (1, 2):
            stratum = f"{governorate}-{urban}"
            n_psu = int(rng.integers(3, 7))
            psu_population = n_psu * int(rng.integers(3, 12))
            level = rng.normal(0, 0.35)
            for psu in range(1, n_psu + 1):
                households = int(rng.integers(4, 9))
                household_population = households * int(rng.integers(2, 20))
                shift = rng.normal(0, 0.5)
                for household in range(1, households + 1):
                    sex = int(rng.integers(1, 3))
                    age = int(rng.integers(15, 80))
                    odds = level + shift + (0.9 if sex == 1 else -1.1) - 0.02 * (age - 40)
                    working = int(rng.random() < 1 / (1 + np.exp(-odds)))
                    weight = (
                        psu_population
                        / n_psu
                        * household_population
                        / households
                        * rng.uniform(0.8, 1.4)
                    )
                    income = np.round(
                        np.exp(5.6 + 0.4 * level + 0.3 * shift + rng.normal(0, 0.6)), 2
                    )
                    out.append({
                        "stratum": stratum, "governorate": governorate, "urban": urban,
                        "region": governorate // 10, "psu": psu, "household": household,
                        "keep_lonely": int(stratum not in SMALL or psu == 1),
                        "fpc1": psu_population, "fpc2": household_population, "weight": round(weight, 6),
                        "sex": sex, "age": age, "education": int(rng.integers(1, 6)),
                        "employed": "" if rng.random() < 0.06 else working,
                        "income": "" if rng.random() < 0.08 else income,
                        "hours": round(float(rng.uniform(5, 60)), 1) if working else 0.0,
                    })  # fmt: skip
    return out


if __name__ == "__main__":
    sample = rows()
    with open(HERE / "jordan_like.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(sample[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(sample)
