"""Writes two_phase.csv: an invented two-phase sample, villages examined after a household survey.

Run from this folder:  python make_two_phase.py
"""

from __future__ import annotations

import csv

import numpy as np

rng = np.random.default_rng(284)
VILLAGES = {1: 60, 2: 44}  # in the population of each region; 20 are drawn in both
rows = []
person = 0
for region, there in VILLAGES.items():
    for village in range(1, 21):
        there_persons = int(rng.integers(30, 70))
        kind = int(rng.random() < 0.5) + 1
        level = rng.normal(0, 1)
        for _ in range(int(rng.integers(12, 22))):
            person += 1
            sex = int(rng.integers(1, 3))
            x = round(float(rng.gamma(4, 5)), 2)
            screen = int(rng.choice([1, 2, 3], p=[0.6, 0.3, 0.1]))
            y = round(10 + 2 * level + 0.4 * x + 3 * screen + float(rng.normal(0, 4)), 3)
            z = int(rng.random() < 1 / (1 + np.exp(2.2 - 0.8 * screen - 0.2 * sex)))
            rows.append([person, region, village, 100 * region + village, kind, there, there_persons, sex, x,
                         screen, y, z])  # fmt: skip
screen = np.array([row[9] for row in rows])
village = np.array([row[3] for row in rows])
kind = np.array([row[4] for row in rows])
sampled = np.zeros(len(rows), dtype=int)
for value, share in ((1, 0.25), (2, 0.5), (3, 1.0)):
    members = np.flatnonzero(screen == value)
    sampled[rng.choice(members, round(share * len(members)), replace=False)] = 1
drawn = []
for value in (1, 2):
    members = np.unique(village[kind == value])
    drawn += rng.choice(members, round(0.6 * len(members)), replace=False).tolist()
one = np.unique(village)
alone = np.where(screen == 3, 3, np.where(np.arange(len(rows)) < 10, 9, 1))
lonely = np.zeros(len(rows), dtype=int)
lonely[[2, *rng.choice(np.flatnonzero(alone == 1), 80, replace=False)]] = 1
lonely[rng.choice(np.flatnonzero(alone == 3), 20, replace=False)] = 1
head = ["person", "region", "village", "village_id", "kind", "villages", "persons", "sex", "x", "screen", "y",
        "z", "sampled", "drawn", "alone", "lonely", "fpc_person", "fpc_region"]  # fmt: skip
with open("two_phase.csv", "w", encoding="utf-8", newline="") as file:
    out = csv.writer(file)
    out.writerow(head)
    for i, row in enumerate(rows):
        region_people = 9000 if row[1] == 1 else 2400
        out.writerow([*row, sampled[i], int(village[i] in drawn), alone[i], lonely[i], 20000, region_people])
