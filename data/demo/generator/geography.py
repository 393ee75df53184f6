"""Governorates, strata, blocks and the number of blocks a wave samples."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .facts import FACTS

HOUSEHOLDS = 632_000
MEAN_BLOCK = 80
BLOCKS_PER_WAVE = 300
ALLOCATION_POWER = 0.7
MERGE_BELOW_RURAL = 0.06
MINIMUM_SAMPLED = 4
MULTIPLE = 10


@dataclass(frozen=True, slots=True)
class Governorate:
    """One governorate: its code, names, the fact that gives its size, and its rural share (assumed)."""

    code: int
    en: str
    ar: str
    fact: str
    rural: float

    @property
    def region(self) -> int:
        return self.code // 10

    @property
    def merged(self) -> bool:
        return self.rural < MERGE_BELOW_RURAL


GOVERNORATES = (
    Governorate(11, "Amman", "العاصمة", "F058", 0.03),
    Governorate(12, "Balqa", "البلقاء", "F060", 0.22),
    Governorate(13, "Zarqa", "الزرقاء", "F068", 0.05),
    Governorate(14, "Madaba", "مادبا", "F065", 0.24),
    Governorate(21, "Irbid", "إربد", "F061", 0.15),
    Governorate(22, "Mafraq", "المفرق", "F066", 0.45),
    Governorate(23, "Jarash", "جرش", "F062", 0.32),
    Governorate(24, "Ajlun", "عجلون", "F057", 0.20),
    Governorate(31, "Karak", "الكرك", "F063", 0.46),
    Governorate(32, "Tafiela", "الطفيلة", "F067", 0.22),
    Governorate(33, "Ma'an", "معان", "F064", 0.38),
    Governorate(34, "Aqaba", "العقبة", "F059", 0.14),
)


@dataclass(frozen=True, slots=True)
class Stratum:
    """A sampling stratum.

    ``code`` is governorate × 10 + 1 urban, 2 rural, or 0 where both are one stratum;
    ``rural_blocks`` of its ``blocks`` are rural; a wave samples ``sampled`` of them;
    ``scaled_up`` says that the stratum holds more blocks than its share of the population asks.
    """

    code: int
    governorate: int
    blocks: int
    rural_blocks: int
    sampled: int
    scaled_up: bool


def _largest_remainder(shares: np.ndarray, total: int) -> np.ndarray:
    exact = shares / shares.sum() * total
    whole = np.floor(exact).astype(int)
    order = np.argsort(-(exact - whole), kind="stable")
    whole[order[: total - whole.sum()]] += 1
    return whole


def _pairs(size: np.ndarray) -> np.ndarray:
    """Pairs of blocks by governorate: power allocation above the minimum two strata of four need."""
    least = np.array([1 if g.merged else 2 for g in GOVERNORATES]) * (MINIMUM_SAMPLED // 2)
    fixed = np.zeros(size.size, bool)
    while True:
        pairs = least.copy()
        pairs[~fixed] = _largest_remainder(size[~fixed] ** ALLOCATION_POWER, BLOCKS_PER_WAVE // 2 - least[fixed].sum())
        short = ~fixed & (pairs < least)
        if not short.any():
            return pairs
        fixed |= short


def strata() -> tuple[Stratum, ...]:
    """All strata with their blocks and their share of the sample.

    Allocation: the governorates share 300 blocks in proportion to (population) ** 0.7
    (power allocation), in pairs so that exactly half can be kept for the next wave; within a
    governorate in proportion to households, at least four blocks in each stratum.
    """
    size = np.array([FACTS[g.fact] for g in GOVERNORATES])
    pairs = _pairs(size)
    blocks = size / size.sum() * HOUSEHOLDS / MEAN_BLOCK
    rows: list[Stratum] = []
    for g, n_pairs, n_blocks in zip(GOVERNORATES, pairs, blocks, strict=True):
        if g.merged:
            total = round(n_blocks)
            rows.append(_stratum(g.code * 10, g.code, total, round(total * g.rural), 2 * n_pairs))
            continue
        least = MINIMUM_SAMPLED // 2
        rural_pairs = max(least, round(n_pairs * g.rural))
        urban_pairs = max(least, n_pairs - rural_pairs)
        rows.append(_stratum(g.code * 10 + 1, g.code, round(n_blocks * (1 - g.rural)), 0, 2 * urban_pairs))
        rural = round(n_blocks * g.rural)
        row = _stratum(g.code * 10 + 2, g.code, rural, rural, 2 * rural_pairs)
        rows.append(Stratum(row.code, row.governorate, row.blocks, row.blocks, row.sampled, row.scaled_up))
    return tuple(rows)


def _stratum(code: int, governorate: int, blocks: int, rural: int, sampled: int) -> Stratum:
    need = MULTIPLE * int(sampled)
    return Stratum(code, governorate, max(blocks, need), rural, int(sampled), blocks < need)


# Assumed: how much more (or less) often a nationality lives in a governorate than by chance.
_SEED_MIX = {
    11: (1.0, 0.8, 1.2, 1.2, 2.0), 12: (1.0, 0.6, 0.8, 1.3, 0.4), 13: (1.0, 0.8, 1.6, 0.7, 0.4),
    14: (1.0, 0.5, 0.5, 1.2, 0.4), 21: (1.0, 1.3, 0.6, 0.6, 0.3), 22: (1.0, 2.6, 0.2, 0.8, 0.3),
    23: (1.0, 0.7, 1.3, 0.6, 0.2), 24: (1.0, 0.5, 0.1, 0.4, 0.1), 31: (1.0, 0.4, 0.1, 0.9, 0.3),
    32: (1.0, 0.2, 0.05, 0.4, 0.2), 33: (1.0, 0.5, 0.05, 0.7, 0.3), 34: (1.0, 0.3, 0.4, 1.6, 0.8),
}


def nationality_mix() -> np.ndarray:
    """Share of persons by governorate (12 rows) and nationality group (5 columns), summing to one.

    Iterative proportional fitting of an assumed pattern to three sets of published figures:
    governorate sizes (F057-F068), nationality groups (F027-F039), Amman's share of Jordanians
    and of non-Jordanians (F040, F041).
    """
    size = np.array([FACTS[g.fact] for g in GOVERNORATES])
    size = size / size.sum()
    other = FACTS["F036"] + FACTS["F037"] + FACTS["F038"] + FACTS["F039"]
    groups = np.array([FACTS["F028"], FACTS["F033"], FACTS["F035"], FACTS["F034"], other])
    groups = groups / groups.sum()
    mix = np.array([_SEED_MIX[g.code] for g in GOVERNORATES]) * size[:, None] * groups[None, :]
    for _ in range(200):
        mix *= (size / mix.sum(axis=1))[:, None]
        mix *= (groups / mix.sum(axis=0))[None, :]
        amman = np.array([FACTS["F040"] / 100, *[FACTS["F041"] / 100] * 4])
        now = np.array([mix[0, 0] / mix[:, 0].sum(), *[mix[0, 1:].sum() / mix[:, 1:].sum()] * 4])
        mix[0] *= amman / now
    return mix / mix.sum()
