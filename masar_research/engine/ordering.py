"""Values in order with their cumulated weights: of all rows, or of those near a wanted share.

A sort of all rows grows faster than their number. Where only the value at a share of the weight
is wanted, `Selection` brackets it from a sample of the rows, adds up what lies below the bracket
and sorts what lies within. A bracket that missed the share is opened: the answer never depends
on the sample.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]

# Shares of the total weight nearer than this are equal: sums of weights carry rounding errors.
EQUAL = 1e-11
# Rows from which values are selected instead of sorted.
SELECT_FROM = 65_536

_BLOCK = 65_536
# One row in so many is sampled, and at least so many rows.
_SAMPLE_STEP, _SAMPLE_ROWS = 32, 32_768
# Half the width of a bracket in standard errors of the sample's share.
_HALF_WIDTH = 4.0


@dataclass(frozen=True, slots=True, eq=False)
class Ordered:
    """The observed values of each domain in ascending order, with their cumulated weights.

    Parameters
    ----------
    values : ndarray (k,)
        Values of the k rows that count, by domain, ascending within it.
    weights : ndarray (k,)
        Their weights.
    cumulated : ndarray (k,)
        Weights summed within the domain up to and including the row, those of rows that were
        left out below included.
    start : ndarray of int (n_domains + 1,)
        First position of each domain; the last entry is k.
    """

    values: Floats
    weights: Floats
    cumulated: Floats
    start: Codes

    def near(self, shares: Floats) -> tuple[Ordered, Floats]:
        """The rows that surround each share, here all of them, and the weight of each domain."""
        return self, self.whole

    @property
    def whole(self) -> Floats:
        """(n_domains,) weight of each domain; 0 where it has no row."""
        last = self.start[1:] - 1
        held = last >= self.start[:-1]
        return np.where(held, self.cumulated[np.where(held, last, 0)] if held.any() else 0.0, 0.0)

    def flat(self) -> NDArray[np.bool_]:
        """Domains in which everybody has the same value."""
        first, last = self.start[:-1], self.start[1:] - 1
        held = last >= first
        if not held.any():
            return held
        return held & (self.values[np.where(held, first, 0)] == self.values[np.where(held, last, 0)])


@dataclass(frozen=True, slots=True, eq=False)
class Selection:
    """Rows that are sorted only near the shares that are asked for.

    Parameters
    ----------
    values, weights : ndarray (k,)
        The rows that count, in any order.
    codes : ndarray of int (k,) or None
        Domain of each; None with a single one.
    whole : ndarray (n_domains,)
        Weight of each domain.
    sample : Ordered
        Every so manieth row, in order.
    """

    values: Floats
    weights: Floats
    codes: Codes | None
    whole: Floats
    sample: Ordered

    def near(self, shares: Floats) -> tuple[Ordered, Floats]:
        """The rows that surround each share (n_domains,), and the weight of each domain.

        They hold the row at which the share is reached and, where it is reached exactly, the
        next; a domain whose share is NaN has none.
        """
        wanted = ~np.isnan(shares) & (self.whole > 0)
        low, high = self._bracket(shares)
        low[~wanted], high[~wanted] = np.inf, -np.inf
        found, below = self._within(low, high)
        top = below.copy()
        held = np.diff(found.start) > 0
        top[held] = found.cumulated[found.start[1:][held] - 1]
        with np.errstate(invalid="ignore"):
            short = (below >= (shares - 2 * EQUAL) * self.whole) & (low > -np.inf)
            beyond = (top <= (shares + 2 * EQUAL) * self.whole) & (high < np.inf)
        if not np.any(wanted & (short | beyond)):
            return found, self.whole
        low[wanted & short], high[wanted & beyond] = -np.inf, np.inf
        return self._within(low, high)[0], self.whole

    def flat(self) -> NDArray[np.bool_]:
        """Domains in which everybody has the same value."""
        seen, out = self.sample, self.whole > 0
        alike = seen.flat() | (np.diff(seen.start) == 0)
        for domain in np.flatnonzero(out):
            if alike[domain]:
                own = self.values if self.codes is None else self.values[self.codes == domain]
                alike[domain] = bool(np.all(own == own[0]))
        return out & alike

    def _bracket(self, shares: Floats) -> tuple[Floats, Floats]:
        """Values of the sample a few standard errors below and above each share."""
        low, high = np.full(len(shares), -np.inf), np.full(len(shares), np.inf)
        for domain, share in enumerate(shares):
            part = slice(self.sample.start[domain], self.sample.start[domain + 1])
            if part.stop == part.start or np.isnan(share):
                continue
            cumulated, weights = self.sample.cumulated[part], self.sample.weights[part]
            whole = cumulated[-1]
            rows = whole**2 / np.sum(weights**2)
            half = _HALF_WIDTH * np.sqrt(max(share * (1 - share), 1 / rows) / rows) + 2 / rows
            first = int(np.searchsorted(cumulated, (share - half) * whole))
            last = int(np.searchsorted(cumulated, (share + half) * whole))
            if share - half > 0:
                low[domain] = self.sample.values[part][min(first, len(weights) - 1)]
            if share + half < 1 and last < len(weights):
                high[domain] = self.sample.values[part][last]
        return low, high

    def _within(self, low: Floats, high: Floats) -> tuple[Ordered, Floats]:
        """Rows from `low` to `high` of their domain, in order, and the weight below them."""
        n_domains = len(low)
        below = np.zeros(n_domains)
        kept = []
        for begin in range(0, len(self.values), _BLOCK):
            rows = slice(begin, begin + _BLOCK)
            values, weights = self.values[rows], self.weights[rows]
            if self.codes is None:
                under = values < low[0]
                below += np.sum(weights, where=under)
                inside = values <= high[0]
            else:
                codes = self.codes[rows]
                under = values < low.take(codes)
                below += np.bincount(codes, weights * under, n_domains)
                inside = values <= high.take(codes)
            inside &= ~under
            kept.append(np.flatnonzero(inside) + begin)
        place = np.concatenate(kept)
        codes = None if self.codes is None else self.codes[place]
        counts = _counts(codes, n_domains, len(place))
        found = arrange(self.values[place], self.weights[place], codes, counts, ties=False, base=below)
        return found, below


def select(values: Floats, weights: Floats, codes: Codes | None, n_domains: int) -> Selection:
    """Rows ready for selection.

    Parameters
    ----------
    values, weights : ndarray (k,)
    codes : ndarray of int (k,) or None
    n_domains : int
    """
    step = max(1, min(_SAMPLE_STEP, len(values) // _SAMPLE_ROWS))
    some = slice(None, None, step)
    own = None if codes is None else codes[some]
    counts = _counts(own, n_domains, len(values[some]))
    sample = arrange(values[some], weights[some], own, counts, ties=False)
    whole = np.array([weights.sum()]) if codes is None else np.bincount(codes, weights, n_domains)
    return Selection(values, weights, codes, whole, sample)


def arrange(
    values: Floats, weights: Floats, codes: Codes | None, counts: Codes, *, ties: bool,
    base: Floats | None = None,
) -> Ordered:  # fmt: skip
    """Rows in order of domain and value.

    Parameters
    ----------
    values, weights : ndarray (k,)
    codes : ndarray of int (k,) or None
        Domain of each row.
    counts : ndarray of int (n_domains,)
        Rows of each domain.
    ties : bool
        Put the weights of equal values in ascending order.
    base : ndarray (n_domains,), optional
        Weight of each domain that lies below its first row.
    """
    if codes is not None:
        # Domain first: the sorts of single domains stay in the processor's cache.
        narrow = codes.astype(np.int16 if len(counts) < 2**15 else np.int64)
        place = np.argsort(narrow, kind="stable")
        values, weights = values[place], weights[place]
    start = np.concatenate([[0], np.cumsum(counts)]).astype(np.intp)
    out = Ordered(np.empty_like(values), np.empty_like(weights), np.empty_like(weights), start)
    for domain, (first, last) in enumerate(zip(start[:-1], start[1:], strict=True)):
        part = slice(first, last)
        place = np.argsort(values[part])
        np.take(values[part], place, out=out.values[part])
        np.take(weights[part], place, out=out.weights[part])
        if ties:
            _order_ties(out.values[part], out.weights[part])
        np.cumsum(out.weights[part], out=out.cumulated[part])
        if base is not None:
            out.cumulated[part] += base[domain]
    return out


def _order_ties(values: Floats, weights: Floats) -> None:
    """Put the weights of equal values in ascending order, in place."""
    tied = values[1:] == values[:-1]
    if tied.any() and np.any(weights[1:][tied] != weights[:-1][tied]):
        run = np.concatenate([[0], np.cumsum(~tied)])
        weights[:] = weights[np.lexsort((weights, run))]


def _counts(codes: Codes | None, n_domains: int, n: int) -> Codes:
    return np.array([n]) if codes is None else np.bincount(codes, minlength=n_domains)
