"""What a share counts: which interviews are its base, and which of them its class.

Two figures are one when they count the same interviews, whatever their variables are called
(``employed`` and the first category of ``employment``); a figure is the sum of others when its
interviews are theirs put together (an age group and the finer ones within it). Each interview
has a random number of 64 bits that follows from its wave and place; a set of interviews is
known by the sum of theirs, so that sets which add up have marks which add up.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations

import numpy as np

from masar_research import release
from masar_research.briefs.blocks import EstimatesBlock, Row
from masar_research.errors import MasarError
from masar_research.estimates import Estimates
from masar_research.survey import Survey

MOST_PARTS = 12
_MASK = (1 << 64) - 1
_MIX = (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB)

Mark = tuple[int, int]
"""Sums over the base and over the class."""


def marked(
    rows: Sequence[Row], estimates: Estimates, surveys: Iterable[tuple[Survey, object]]
) -> tuple[Row, ...]:
    """The rows of a set of shares, each with the mark of the interviews it counts.

    Parameters
    ----------
    rows : sequence of Row
    estimates : Estimates
    surveys : iterable of (Survey, wave)
        Where they may come from; a row is marked only if n and count are found again there.
        The wave names that of a survey without a column ``wave``.

    Returns
    -------
    tuple of Row
        Unmarked where the figure is no share, counts nobody, or rests on variables that the
        surveys do not hold.
    """
    if estimates.kind != "proportion":
        return tuple(rows)
    out = list(rows)
    for survey, wave in surveys:
        try:
            found = _Interviews(survey, wave, estimates.note.get("base"))
            out = [row if row.counted else found.mark(row, estimates.by) for row in out]
        except MasarError:
            continue
    return tuple(out)


class _Interviews:
    """The interviews of a survey that satisfy a base, with their random numbers."""

    def __init__(self, survey: Survey, wave: object, base: str | None) -> None:
        self._survey = survey
        self._inside = np.asarray(survey.design.weights) > 0
        if base:
            self._inside = self._inside & survey.truth(str(base))
        self._numbers = _numbers(survey, wave)

    def mark(self, row: Row, by: Sequence[str]) -> Row:
        inside = self._inside
        for name in by:
            inside = inside & self._at(name, row.key[name])
        coded = self._survey.coded(row.variable)
        inside = inside & (coded.codes >= 0)
        chosen = inside & self._at(row.variable, row.category)
        if (int(inside.sum()), int(chosen.sum())) != (row.n, row.count) or not row.count:
            return row
        sums = (int(self._numbers[rows].sum(dtype=np.uint64)) for rows in (inside, chosen))
        return row.model_copy(update={"counted": tuple(f"{each:016x}" for each in sums)})

    def _at(self, name: str, code: object) -> np.ndarray:
        coded = self._survey.coded(name)
        place = [number for number, level in enumerate(coded.levels) if level == code]
        return np.isin(coded.codes, place)


def _numbers(survey: Survey, wave: object) -> np.ndarray:
    """(n,) uint64: an interview's number follows from its wave and its place among that wave's."""
    frame = survey.frame
    waves = frame["wave"].to_numpy() if "wave" in frame.columns else np.full(len(frame), wave)
    numbers = np.zeros(len(frame), dtype=np.uint64)
    for each in dict.fromkeys(waves.tolist()):
        rows = np.flatnonzero(waves == each)
        name = f"{each:g}" if isinstance(each, int | float) else str(each)
        start = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big")
        numbers[rows] = _mixed(np.arange(rows.size, dtype=np.uint64), start)
    return numbers


def _mixed(places: np.ndarray, start: int) -> np.ndarray:
    """SplitMix64 of Steele, Lea and Flood (2014) from a start of its own."""
    z = places * np.uint64(_MIX[0]) + np.uint64(start)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(_MIX[1])
    z = (z ^ (z >> np.uint64(27))) * np.uint64(_MIX[2])
    return z ^ (z >> np.uint64(31))


def read(row: Row) -> Mark | None:
    """The mark of a row."""
    return None if row.counted is None else (int(row.counted[0], 16), int(row.counted[1], 16))


def one_key(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Key → the one key of all that share a mark with it, directly or through others.

    Parameters
    ----------
    pairs : iterable of (mark, key)

    Examples
    --------
    >>> one_key([("m1", "employed"), ("m1", "employment=1"), ("m2", "sex")])
    {'employed': 'employed', 'employment=1': 'employed', 'sex': 'sex'}
    """
    leader: dict[str, str] = {}

    def find(name: str) -> str:
        leader.setdefault(name, name)
        while leader[name] != name:
            leader[name] = leader[leader[name]]
            name = leader[name]
        return name

    keys = []
    for mark, key in pairs:
        keys.append(key)
        first, second = find(f"mark {mark}"), find(f"key {key}")
        leader[max(first, second)] = min(first, second)
    return {key: find(f"key {key}").removeprefix("key ") for key in keys}


def alike(
    tables: Iterable[release.Table], counted: Mapping[str, Mark | None]
) -> frozenset[Mark]:
    """Marks that a total and its part, or two parts, have in common.

    Such figures differ by what they mean and are equal by chance: where nobody seeks work, the
    labour force is the employed. Taking them for one would tell the audit what a reader learns
    only from seeing both, so they stay two.

    Parameters
    ----------
    tables : iterable of Table
        The groups found by what the figures are called, in addresses.
    counted : mapping
        Address → mark.
    """
    found = set()
    for table in tables:
        own = [counted.get(each) for each in (*table.parts, table.total) if each is not None]
        known = [mark for mark in own if mark is not None]
        found |= {mark for mark in known if known.count(mark) > 1}
    return frozenset(found)


def sums(
    sets: Sequence[EstimatesBlock],
    addresses: Mapping[tuple[str, int], str],
    without: frozenset[Mark] = frozenset(),
) -> Iterator[release.Table]:
    """Every figure that counts what others count together: pairs anywhere, more within one set.

    Added up are classes of one base (employed and unemployed are the labour force) and groups
    without overlap (finer ages make up a coarser one).

    Parameters
    ----------
    sets : sequence of EstimatesBlock
    addresses : mapping
        (set, row) → address.
    without : frozenset of Mark
        Marks left out (`alike`).
    """
    named: dict[Mark, str] = {}
    families: dict[tuple[object, ...], list[Mark]] = defaultdict(list)
    for block in sets:
        for number, row in enumerate(block.rows):
            mark = read(row)
            if mark is None or mark in without:
                continue
            named.setdefault(mark, addresses[block.id, number])
            domain = tuple(sorted(row.key.items()))
            families[block.id, row.variable, domain].append(mark)
            for name in block.by:
                rest = tuple(item for item in domain if item[0] != name)
                families[block.id, row.variable, row.category, name, rest].append(mark)
    for parts in _candidates(list(named), list(families.values())):
        bases = {base for base, _ in parts}
        together = sum(chosen for _, chosen in parts) & _MASK
        one_base = len(bases) == 1
        base = next(iter(bases)) if one_base else sum(base for base, _ in parts) & _MASK
        total = named.get((base, together))
        addressed = tuple(named[part] for part in parts)
        if total is not None and total not in addressed:
            yield release.Table(total, addressed)
        elif one_base and together == base:
            yield release.Table(None, addressed)


def _candidates(marks: Sequence[Mark], families: Sequence[Sequence[Mark]]) -> Iterator[tuple[Mark, ...]]:
    yield from _pairs(marks)
    for family in families:
        parts = list(dict.fromkeys(family))
        if 2 < len(parts) <= MOST_PARTS:
            for size in range(3, len(parts) + 1):
                yield from combinations(parts, size)


def _pairs(marks: Sequence[Mark]) -> Iterator[tuple[Mark, ...]]:
    """Pairs that may add up to something: compared in arrays, since there are many."""
    if len(marks) < 2:
        return
    base, chosen = (np.array([mark[side] for mark in marks], dtype=np.uint64) for side in (0, 1))
    for first in range(len(marks) - 1):
        later = slice(first + 1, None)
        same = base[later] == base[first]
        joined = chosen[later] + chosen[first]
        hits = np.isin(joined, chosen) | (same & (joined == base[first]))
        for offset in np.flatnonzero(hits):
            yield marks[first], marks[first + 1 + int(offset)]
