"""Generated surveys of governorates for the tests of small-area models."""

from __future__ import annotations

import numpy as np
import pandas as pd

import masar_research as mr
from masar_research import places
from masar_research.codebook import Category, Codebook, Variable

SIZES = {11: 60, 12: 20, 13: 30, 14: 5, 21: 40, 22: 16, 23: 6, 24: 4, 31: 12, 32: 4, 33: 5, 34: 6}


def words(en: str, ar: str) -> dict[str, str]:
    return {"en": en, "ar": ar}


def codebook() -> Codebook:
    governorates = tuple(Category(g.code, words(g.en, g.ar)) for g in places.governorates())
    return Codebook().add(
        Variable("governorate", words("Governorate", "المحافظة"), None, "nominal", governorates, None, None, ("q1",), None),
        Variable(
            "works", words("In work", "يعمل"), None, "nominal",
            (Category(0, words("No", "لا")), Category(1, words("Yes", "نعم"))), None, None, ("q2",), None,
        ),
    )  # fmt: skip


def survey(seed: int = 5, per_psu: int = 10, **sizes: int) -> mr.Survey:
    """PSUs by governorate (`g24=0` leaves one out); everything alike within a stratum."""
    rng = np.random.default_rng(seed)
    units = {code: sizes.get(f"g{code}", n) for code, n in SIZES.items()}
    code = np.repeat([c for c, n in units.items() for _ in range(n)], per_psu)
    n = len(code)
    level = 0.42 + 0.06 * np.sin(code) + 0.05 * (code > 30)
    frame = pd.DataFrame({
        "w": rng.uniform(1, 2, n), "psu": np.repeat(np.arange(n // per_psu), per_psu),
        "governorate": code.astype(float), "works": (rng.uniform(size=n) < level).astype(float),
        "pay": 300 + 400 * level + 60 * rng.normal(size=n), "age": rng.uniform(18, 70, n),
    })  # fmt: skip
    return mr.Survey(frame, weights="w", strata="governorate", psu="psu", codebook=codebook())


def known() -> pd.DataFrame:
    """What a register would say of the twelve governorates."""
    codes = [g.code for g in places.governorates()]
    return pd.DataFrame({
        "governorate": codes, "south": [float(c > 30) for c in codes],
        "persons": [float(SIZES[c] * 1000) for c in codes],
    })  # fmt: skip
