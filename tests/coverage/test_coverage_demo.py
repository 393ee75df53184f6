"""Do the brief's own intervals hold the truth of the demonstration population?

The synthetic population of `data/demo` is sampled again and again as the committed waves were:
blocks, households, one person each, non-response, and the card's own weighting (non-response
classes, raking, trimming). Each sample answers with the figures of the women's brief. A test fails
when the 99 % Monte-Carlo range of the coverage lies wholly outside 93–97 %.

Blocks are drawn without replacement and estimated as if with replacement, which errs on the safe
side; figures with fewer than 30 effective interviews behind them are left to the release gate.
"""

from __future__ import annotations

import json
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import masar_research as mr
from masar_research import weighting
from masar_research.loading.cards import read_card

ROOT = Path(__file__).resolve().parents[2]
DEMO = ROOT / "data" / "demo"
WOMEN = "jordanian == 1 and sex == 2"
HEADLINES = [
    ("in_labour_force", "jordanian == 1", ("sex",)), ("employed", "jordanian == 1", ("sex",)),
    ("unemployed", "jordanian == 1", ("sex",)), ("in_labour_force", None, ("sex",)),
    ("in_labour_force", WOMEN, ("region",)), ("in_labour_force", WOMEN, ("age_labour",)),
]  # fmt: skip


@cache
def generator():
    if str(DEMO) not in sys.path:
        sys.path.insert(0, str(DEMO))
    import generator

    return generator


@cache
def declared() -> mr.Survey:
    return mr.load("masar_demo")


@cache
def labour(wave: int) -> dict:
    return json.loads((DEMO / "truths.json").read_text(encoding="utf-8"))["waves"][str(wave)]["labour"]


def truth(wave: int, variable: str, base: str | None, column: str, code: int) -> float:
    """The population's own rate: by sex, or among women by another column."""
    people = labour(wave)["jordanians" if base else "all_residents"]
    rate = {"in_labour_force": "participation", "employed": "employment", "unemployed": "unemployment"}
    if column == "sex":
        return people[str(code)]["all"]["all"][rate[variable]]
    return people["2"][column][str(code)][rate[variable]]


def survey_of(frame: pd.DataFrame) -> mr.Survey:
    card = read_card(ROOT / "data" / "surveys" / "masar_demo.yml")
    made = mr.Survey(
        frame, weights="base_weight", strata="stratum", psu="psu", wave="wave",
        codebook=declared().codebook, card=card,
    )  # fmt: skip
    return weighting.from_card(made)


def headline_misses(seed: int) -> dict[str, tuple[float, float, float, float]]:
    """Estimate, interval and truth of each headline figure of one sample."""
    frame = generator().draw_sample(generator().the_population(), 2026, np.random.default_rng(seed))
    survey = survey_of(frame)
    answers = {}
    for variable, base, by in HEADLINES:
        part = survey.where(base) if base else survey
        estimates = part.proportion(variable, by=list(by))
        for _, row in estimates.frame.iterrows():
            name = f"{variable} | {base or 'all residents'} | {'.'.join(str(row[b]) for b in by)}"
            true = truth(2026, variable, base, by[0], row[by[0]])
            answers[name] = (row["estimate"], row["conf_low"], row["conf_high"], true)
        if by == ("sex",) and base:
            gap = estimates.contrast("2 - 1").frame.iloc[0]
            true = truth(2026, variable, base, "sex", 2) - truth(2026, variable, base, "sex", 1)
            answers[f"gap in {variable}"] = (gap["estimate"], gap["conf_low"], gap["conf_high"], true)
    return answers


def change_misses(seed: int) -> dict[str, tuple[float, float, float, float]]:
    """The change 2024 to 2026 of women's rates, half the blocks shared."""
    study = generator().draw_study(generator().the_population(), np.random.default_rng(seed))
    pooled = pd.concat([study[2024], study[2026]], ignore_index=True)
    survey = survey_of(pooled)
    answers = {}
    for variable in ("in_labour_force", "employed"):
        rates = survey.where(WOMEN).proportion(variable, by="wave")
        change = rates.contrast("2026 - 2024").frame.iloc[0]
        true = [truth(wave, variable, WOMEN, "sex", 2) for wave in (2024, 2026)]
        answers[f"change in {variable}"] = (
            change["estimate"], change["conf_low"], change["conf_high"], true[1] - true[0]
        )  # fmt: skip
    return answers


def coverage(draw, samples: int, report) -> dict[str, float]:
    held: dict[str, list[bool]] = {}
    errors: dict[str, list[float]] = {}
    for seed in range(samples):
        for name, (estimate, low, high, true) in draw(seed).items():
            held.setdefault(name, []).append(low <= true <= high)
            errors.setdefault(name, []).append(estimate - true)
    found = {}
    for name, hits in held.items():
        share = float(np.mean(hits))
        spread = np.sqrt(max(share * (1 - share), 0.95 * 0.05) / samples)
        found[name] = share
        report(f"{name}: covers {share:.3f} (Monte-Carlo error {spread:.3f}), bias {np.mean(errors[name]):+.4f}")
    return found


def check(found: dict[str, float], samples: int) -> None:
    for name, share in found.items():
        error = stats.norm.ppf(0.995) * np.sqrt(max(share * (1 - share), 0.95 * 0.05) / samples)
        # With-replacement variance of blocks drawn without replacement may only err upwards.
        assert share + error >= 0.93, f"{name} covers {share:.3f} of {samples} samples"


def test_the_briefs_intervals_cover_in_a_few_samples(record_property):
    found = coverage(headline_misses, 60, lambda line: record_property("coverage", line))
    check(found, 60)


@pytest.mark.full
def test_the_briefs_intervals_cover_in_500_samples(record_property):
    found = coverage(headline_misses, 500, print)
    check(found, 500)


@pytest.mark.full
def test_changes_between_waves_cover_in_500_samples():
    found = coverage(change_misses, 500, print)
    check(found, 500)
