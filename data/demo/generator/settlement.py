"""Blocks filled with households: how many, of whom, and next to whom."""

from __future__ import annotations

import numpy as np

from . import households
from .ageing import evolve
from .facts import NATIONALITIES, SEED
from .geography import GOVERNORATES, MEAN_BLOCK, nationality_mix, strata
from .population import Population


def _households_by_stratum(rng: np.random.Generator, mean_size: np.ndarray) -> list[np.ndarray]:
    """Number of households by nationality for each stratum, filling its blocks."""
    mix = nationality_mix() / mean_size[None, :]
    row = {g.code: k for k, g in enumerate(GOVERNORATES)}
    counts = []
    for s in strata():
        share = mix[row[s.governorate]] / mix[row[s.governorate]].sum()
        total = s.blocks * MEAN_BLOCK
        exact = share * total
        whole = np.floor(exact).astype(int)
        whole[np.argsort(-(exact - whole), kind="stable")[: total - whole.sum()]] += 1
        counts.append(whole)
    return counts


def build(rng: np.random.Generator) -> Population:
    """Make the population from nothing but a generator of random numbers."""
    sizes = np.empty(5)
    for k, group in enumerate(NATIONALITIES):
        probe = households.simulate(np.random.default_rng([SEED, group]), group, 40_000)
        sizes[k] = (probe.young.sum() + (probe.age >= 15).sum()) / 40_000
    by_stratum = _households_by_stratum(rng, sizes)
    pools = [households.simulate(rng, group, int(sum(c[k] for c in by_stratum)))
             for k, group in enumerate(NATIONALITIES)]

    nationality, source, stratum_block = [], [], []
    used = np.zeros(5, int)
    block_stratum, block_governorate, block_urban, block_houses = [], [], [], []
    first_block = 0
    for s, counts in zip(strata(), by_stratum, strict=True):
        nat = np.repeat(np.array(NATIONALITIES, np.int8), counts)
        src = np.concatenate([np.arange(used[k], used[k] + counts[k]) for k in range(5)])
        used += counts
        weights = np.clip(rng.gamma(18, 1 / 18, s.blocks), 0.5, 1.75)
        edges = np.round(np.cumsum(weights) / weights.sum() * nat.size).astype(int)
        houses = np.diff(np.r_[0, edges])
        block_houses.append(houses)
        block_stratum += [s.code] * s.blocks
        block_governorate += [s.governorate] * s.blocks
        urban = np.ones(s.blocks, np.int8)
        urban[rng.permutation(s.blocks)[: s.rural_blocks]] = 2
        block_urban.append(urban)
        nationality.append(nat)
        source.append(src)
        stratum_block.append((first_block, s.blocks))
        first_block += s.blocks

    # Households that resemble each other live together: sorted by a score that mixes wealth,
    # nationality and chance, then cut into blocks whose order is shuffled.
    nat_all, src_all, block_all, wealth_all = [], [], [], []
    for (start, n_blocks), nat, src, houses in zip(stratum_block, nationality, source, block_houses, strict=True):
        wealth = rng.standard_normal(nat.size) + np.take([0, .12, -.55, -.30, -.60, .35], nat)
        score = 0.50 * wealth + np.take([0, 0, -.55, -.45, -.25, .35], nat) + 0.95 * rng.standard_normal(nat.size)
        order = np.argsort(score, kind="stable")
        blocks = np.repeat(rng.permutation(n_blocks), houses[rng.permutation(n_blocks)])
        nat_all.append(nat[order])
        src_all.append(src[order])
        wealth_all.append(wealth[order])
        block_all.append(start + blocks)
    nat = np.concatenate(nat_all)
    src = np.concatenate(src_all)
    wealth = np.concatenate(wealth_all)
    block = np.concatenate(block_all)
    order = np.argsort(block, kind="stable")
    nat, src, wealth, block = nat[order], src[order], wealth[order], block[order].astype(np.int32)
    n_blocks = first_block
    block_start = np.searchsorted(block, np.arange(n_blocks + 1))
    listed = np.diff(block_start)
    size = np.maximum(20, np.round(listed * np.exp(rng.normal(0, 0.10, n_blocks)))).astype(np.int32)

    members = _gather(pools, nat, src)
    governorate = np.array(block_governorate, np.int8)
    return evolve(rng, members, dict(
        block_stratum=np.array(block_stratum, np.int16), block_governorate=governorate,
        block_urban=np.concatenate(block_urban), block_size=size, block_start=block_start.astype(np.int32),
        house_block=block, house_nationality=nat, house_wealth=wealth.astype(np.float32)))


def _gather(pools, nat, src) -> dict[str, np.ndarray]:
    """Members of the pools in the order of the households, with their counts."""
    n_persons = np.zeros(nat.size, np.int64)
    starts = []
    for k, pool in enumerate(pools):
        start = np.searchsorted(pool.household, np.arange(pool.young.shape[0] + 1))
        starts.append(start)
        mine = nat == k + 1
        n_persons[mine] = np.diff(start)[src[mine]]
    house_start = np.r_[0, np.cumsum(n_persons)]
    out = {name: np.empty(house_start[-1], np.int8) for name in ("sex", "age", "marital", "role", "marriage_age")}
    young = np.empty((nat.size, 15), np.int8)
    fertile = np.empty(nat.size)
    for k, pool in enumerate(pools):
        mine = np.flatnonzero(nat == k + 1)
        counts = n_persons[mine]
        inside = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        to = np.repeat(house_start[mine], counts) + inside
        frm = np.repeat(starts[k][src[mine]], counts) + inside
        for name, target in out.items():
            target[to] = getattr(pool, name)[frm]
        young[mine] = pool.young[src[mine]]
        fertile[mine] = pool.fertile[src[mine]]
    return out | {"house_start": house_start.astype(np.int32), "young": young, "fertile": fertile}
