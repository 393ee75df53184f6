"""Finite populations of blocks in strata, and how samples are drawn from them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

Columns = dict[str, np.ndarray]


@dataclass(frozen=True, slots=True, eq=False)
class Population:
    """Persons sorted by block, blocks by stratum; every stratum has as many blocks.

    Parameters
    ----------
    strata, blocks : int
        Strata, and blocks in each.
    size, start : ndarray of int (strata × blocks,)
        Persons of each block, and the first of them.
    columns : dict of ndarray (n,)
        ``y`` and ``x`` amounts, ``y_later`` in the next wave, ``hours`` tied to y, ``income``
        skewed, ``rare`` (near 0.1) and ``common`` (near 0.4) 0/1, ``sex`` 0/1, ``age`` 0–2,
        ``region`` 0–3 (groups of strata), ``small`` (six in a hundred persons),
        ``deprived`` (n, 3) 0/1.
    """

    strata: int
    blocks: int
    size: np.ndarray
    start: np.ndarray
    columns: Columns


def populate(seed: int, strata: int, blocks: int, sizes: tuple[int, int]) -> Population:
    """Outcomes share a part within strata and a part within blocks; sizes are uniform."""
    rng = np.random.default_rng(seed)
    size = rng.integers(sizes[0], sizes[1] + 1, strata * blocks)
    block = np.repeat(np.arange(strata * blocks), size)
    stratum, n = block // blocks, len(block)
    level, effect = rng.normal(0, 1, strata)[stratum], rng.normal(0, 1, strata * blocks)[block]
    sex, age = rng.integers(0, 2, n), rng.integers(0, 3, n)
    y = 50 + 4 * level + 3 * effect + 3 * sex + rng.gamma(2, 5, n)

    def zero_one(mean: float) -> np.ndarray:
        odds = np.log(mean / (1 - mean)) + 0.3 * level + 0.4 * effect - 0.4 * (sex - 0.5) + 0.3 * (age - 1)
        return (rng.random(n) < 1 / (1 + np.exp(-odds))).astype(float)

    columns = {
        "y": y,
        "x": 10 + 0.5 * y + rng.normal(0, 5, n),
        "y_later": 52 + 4 * level + 3 * effect + 2 * sex + rng.gamma(2, 5, n),
        "hours": 30 + 0.4 * y + rng.normal(0, 5, n),
        "income": np.exp(5.5 + 0.25 * level + 0.2 * effect - 0.15 * sex + rng.normal(0, 0.5, n)),
        "rare": zero_one(0.09), "common": zero_one(0.4), "sex": sex, "age": age,
        "region": stratum * 4 // strata, "small": (rng.random(n) < 0.06).astype(int),
        "deprived": (rng.random((n, 3)) < 1 / (1 + np.exp(1 + 0.4 * (level + effect)[:, None]))).astype(float),
    }  # fmt: skip
    return Population(strata, blocks, size, np.concatenate([[0], np.cumsum(size)[:-1]]), columns)


def by_size(people: Population, rng: np.random.Generator, take: int) -> np.ndarray:
    """(strata, take) blocks, with replacement and in proportion to their persons."""
    edges = np.cumsum(people.size.reshape(people.strata, people.blocks), axis=1)
    lots = rng.random((people.strata, take)) * edges[:, -1:]
    picks = (lots[:, :, None] >= edges[:, None, :]).sum(axis=2)
    return picks + np.arange(people.strata)[:, None] * people.blocks


def at_equal_chance(people: Population, rng: np.random.Generator, take: int) -> np.ndarray:
    """(strata, take) blocks, with replacement and with equal chance."""
    picks = rng.integers(0, people.blocks, (people.strata, take))
    return picks + np.arange(people.strata)[:, None] * people.blocks


def without_replacement(people: Population, rng: np.random.Generator, take: int) -> np.ndarray:
    """(strata, take) different blocks with equal chance."""
    keys = rng.random((people.strata, people.blocks))
    picks = np.argpartition(keys, take, axis=1)[:, :take]
    return picks + np.arange(people.strata)[:, None] * people.blocks


def persons(
    people: Population, rng: np.random.Generator, blocks: np.ndarray, take: int
) -> np.ndarray:
    """(blocks × take,) persons, `take` different ones of each block with equal chance."""
    size = people.size[blocks]
    keys = rng.random((len(blocks), size.max()))
    keys[np.arange(size.max()) >= size[:, None]] = 2.0
    chosen = np.argsort(keys, axis=1)[:, :take]
    return (people.start[blocks][:, None] + chosen).ravel()
