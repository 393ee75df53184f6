"""Quantiles of a file: exact, with the intervals of the engine, in a few passes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from masar_research import columns as cells
from masar_research import estimating
from masar_research.engine import quantiles as engine
from masar_research.estimates import Estimates
from masar_research.statistics.limits import with_limits
from masar_research.statistics.quantiles import distinct_shares
from masar_research.streaming import moments
from masar_research.streaming.moments import Asked
from masar_research.streaming.ordering import (
    Bins,
    BinPass,
    Kept,
    KeepPass,
    SamplePass,
    around,
    between,
)
from masar_research.streaming.source import Source

if TYPE_CHECKING:
    from masar_research.streaming.survey import Names, StreamedSurvey

Floats = NDArray[np.float64]

# Rows kept in one reading, and bins into which a full one is split.
MOST_ROWS = 2_000_000
_SPLIT = 512
# Pieces of the file in the first look.
_LOOKS = 4


@dataclass(slots=True, eq=False)
class Search:
    """Finds values by their share of the weight, reading the file when it has to.

    Parameters
    ----------
    source : Source
    name : str
    by : tuple of str
    rule : str
    most : int
        Rows kept in one reading.
    """

    source: Source
    name: str
    by: tuple[str, ...]
    rule: str
    most: int = MOST_ROWS
    edges: tuple[Floats, ...] = ()
    bins: Bins | None = None
    kept: Kept | None = None
    held: NDArray[np.bool_] | None = None

    def look(self) -> Bins:
        """Counts between edges drawn from a few pieces of the file."""
        if self.bins is None:
            pieces = self.source.files.pieces
            step = max(1, len(pieces) // _LOOKS)
            few = replace(self.source, files=replace(self.source.files, pieces=pieces[::step]))
            sample = few.run(SamplePass(self.name, self.by), "Quantiles: first look")
            self.edges = (around(sample),)
            self._count()
        assert self.bins is not None
        return self.bins

    def _count(self) -> None:
        asked = BinPass(self.name, self.by, self.edges)
        self.bins = self.source.run(asked, "Quantiles: counting")

    def flat(self) -> NDArray[np.bool_]:
        """(n_domains,) whether everybody has the same value."""
        bins = self.look()
        return bins.low.min(axis=1) == bins.high.max(axis=1)

    def invert(self, shares: Sequence[Floats]) -> list[Floats]:
        """Values at shares of the weight, (n_domains,) for each (n_domains,) of `shares`."""
        wanted = np.stack(shares)
        while True:
            bins = self.look()
            target = self._targets(bins, wanted)
            domain = np.broadcast_to(np.arange(wanted.shape[1]), wanted.shape)
            mixed = np.zeros(bins.n.shape, dtype=bool)
            found = target >= 0
            mixed[domain[found], target[found]] = True
            mixed &= bins.low < bins.high
            if bins.n[mixed].sum() <= self.most:
                break
            self._split(bins, mixed)
        self._keep(bins, mixed)
        out = np.full(wanted.shape, np.nan)
        for k, d in np.argwhere(found):
            out[k, d] = self._among(bins, int(d), int(target[k, d]), float(wanted[k, d]))
        return list(out)

    def _keep(self, bins: Bins, mixed: NDArray[np.bool_]) -> None:
        """Read the values of some bins, unless they are here already."""
        if not mixed.any() or (self.held is not None and not np.any(mixed & ~self.held)):
            return
        within = float(bins.low[mixed].min()), float(bins.high[mixed].max())
        keep = KeepPass(self.name, self.by, self.edges, mixed, within)
        self.kept = self.source.run(keep, "Quantiles: keeping")
        self.held = mixed

    def _targets(self, bins: Bins, wanted: Floats) -> NDArray[np.intp]:
        """(k, n_domains) the bin in which each share falls; −1 where there is none."""
        out = np.full(wanted.shape, -1, dtype=np.intp)
        for d in range(wanted.shape[1]):
            held = np.flatnonzero(bins.n[d])
            known = np.flatnonzero(~np.isnan(wanted[:, d]))
            if len(held) < 2:
                out[known, d] = held[0] if len(held) else -1
                continue
            through = np.cumsum(bins.weight[d])[held]
            last = float(bins.last[d, held[-1]])
            place = engine.place(through, bins.last[d, held], self.rule, float(through[-1]), last)
            for k in known:
                at = np.searchsorted(place, wanted[k, d] - engine.EQUAL)
                out[k, d] = held[min(int(at), len(held) - 1)]
        return out

    def _split(self, bins: Bins, mixed: NDArray[np.bool_]) -> None:
        """Draw the edges closer in the bins that hold too many rows."""
        full = mixed & (bins.n > self.most // max(int(mixed.sum()), 1))
        number = max(2, _SPLIT // max(int(full.sum(axis=1).max()), 1))
        edges = [self.edges[d if len(self.edges) > 1 else 0] for d in range(len(bins.n))]
        more = [
            [between(bins.low[d, b], bins.high[d, b], number) for b in np.flatnonzero(full[d])]
            for d in range(len(bins.n))
        ]
        drawn = [np.unique(np.concatenate([e, *m])) for e, m in zip(edges, more, strict=True)]
        longest = max(map(len, drawn))
        self.edges = tuple(
            np.concatenate([e, np.full(longest - len(e), np.inf)]) for e in drawn
        )
        self.held = None
        self._count()

    def _among(self, bins: Bins, d: int, b: int, share: float) -> float:
        """The value at a share in domain d, which falls in bin b."""
        held = np.flatnonzero(bins.n[d])
        through = np.cumsum(bins.weight[d])
        place = int(np.searchsorted(held, b))
        rows: list[tuple[float, float, float]] = []
        if place > 0:
            before = held[place - 1]
            rows.append((bins.high[d, before], bins.last[d, before], through[before]))
        start = through[held[place - 1]] if place > 0 else 0.0
        if bins.low[d, b] == bins.high[d, b]:
            value = bins.low[d, b]
            rows.append((value, bins.first[d, b], start + bins.first[d, b]))
            if bins.n[d, b] > 1:
                rows.append((value, bins.last[d, b], through[b]))
        else:
            kept = self.kept
            assert kept is not None
            cell = d * bins.n.shape[1] + b
            some = slice(*np.searchsorted(kept.cell, [cell, cell + 1]))
            ends = start + np.cumsum(kept.weight[some])
            begin = ends - kept.weight[some]
            for value, first, last, n, low, high in zip(
                kept.value[some], kept.first[some], kept.last[some], kept.n[some], begin, ends,
                strict=True,
            ):  # fmt: skip
                rows.append((value, first, low + first if n > 1 else high))
                if n > 1:
                    rows.append((value, last, high))
        if place + 1 < len(held):
            after = held[place + 1]
            rows.append((bins.low[d, after], bins.first[d, after], through[b] + bins.first[d, after]))
        values, weights, cumulated = (np.array(column) for column in zip(*rows, strict=True))
        whole, last = float(through[-1]), float(bins.last[d, held[-1]])
        return engine.among(values, weights, cumulated, share, self.rule, whole, last)


def quantile(
    survey: StreamedSurvey,
    variables: Names,
    probs: Sequence[float] | float = (0.5,),
    by: Names | None = None,
    level: float = 0.95,
    rule: str = "school",
    interval: str = "woodruff",
) -> Estimates:
    """As `masar_research.statistics.quantiles.quantile`, from a file."""
    shares = distinct_shares(probs)
    engine.check_rule(rule)
    for p in shares:
        engine.check(p, interval)
    asked = survey._answer(variables, by, level)
    levels = survey._levels(asked.by)
    domains = cells.keys(asked.by, [levels[name] for name in asked.by])
    heads, found, missing, outside = [], [], 0, 0
    for name in asked.variables:
        search = Search(survey.source, name, asked.by, rule)
        points = search.invert([np.full(len(domains), p) for p in shares])
        wanted = [Asked("share", (name,), tuple(map(float, point))) for point in points]
        below, outside = survey._moments(wanted, asked.by, "Quantiles: shares")
        results = [moments.finish(survey.design, a, m) for a, m in zip(wanted, below, strict=True)]
        errors, limits = zip(
            *(engine.share_limits(survey.design, share, interval, level) for share in results),
            strict=True,
        )
        ends = search.invert([side for pair in limits for side in pair])
        for k, p in enumerate(shares):
            found.append(
                engine.finish(
                    results[k], points[k], errors[k], ends[2 * k], ends[2 * k + 1], search.flat(),
                    level,
                )
            )  # fmt: skip
            heads.append(domains.assign(variable=name, prob=p))
        missing += int(below[0].n_missing.sum())
    if len(shares) > 1:
        asked = replace(asked, by=(*asked.by, "prob"))
    estimates = estimating._wrap(
        asked, "quantile", heads, [part.result for part in found], missing, "wald", outside=outside
    )
    return with_limits(
        estimates,
        np.concatenate([part.low for part in found]),
        np.concatenate([part.high for part in found]),
        interval=f"{interval}, inverted by the rule of the point", rule=rule,
        std_error="width of the interval over 2 t",
    )  # fmt: skip
