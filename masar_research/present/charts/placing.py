"""Labels moved apart."""

from __future__ import annotations

from collections.abc import Sequence


def apart(
    places: Sequence[float], distance: float, *, low: float | None = None, high: float | None = None
) -> list[float]:
    """Ascending places moved as little as possible so that neighbours keep their distance.

    `high` is the most the last may be and `low` the least the first may be; the others follow,
    and where there is no room for both, `low` holds.

    Examples
    --------
    >>> apart([1.0, 1.0, 9.0], 4.0)
    [-1.0, 3.0, 9.0]
    """
    groups = [[place] for place in places]
    centres = list(places)
    index = 1
    while index < len(groups):
        before, here = groups[index - 1], groups[index]
        needed = (len(before) + len(here)) / 2 * distance
        if centres[index] - centres[index - 1] < needed - 1e-9:
            merged = before + here
            groups[index - 1 : index + 1] = [merged]
            centres[index - 1 : index + 1] = [sum(merged) / len(merged)]
            index = max(1, index - 1)
        else:
            index += 1
    out = []
    for group, centre in zip(groups, centres, strict=True):
        out += [centre + (i - (len(group) - 1) / 2) * distance for i in range(len(group))]
    if high is not None:
        for index in range(len(out) - 1, -1, -1):
            out[index] = min(out[index], high if index == len(out) - 1 else out[index + 1] - distance)
    if low is not None:
        for index in range(len(out)):
            out[index] = max(out[index], low if index == 0 else out[index - 1] + distance)
    return out


def side_by_side(
    labels: Sequence[tuple[float, float]], start: float, end: float, gap: float
) -> list[float]:
    """Centres for labels (wanted centre, width), in order, between `start` and `end`.

    Each is moved towards the end as far as it must to stay clear of the one before, then back
    from the end.

    Examples
    --------
    >>> side_by_side([(1.0, 4.0), (3.0, 4.0)], 0.0, 20.0, 1.0)
    [2.0, 7.0]
    """
    out: list[float] = []
    edge = start - gap
    for centre, width in labels:
        out.append(max(centre, edge + gap + width / 2))
        edge = out[-1] + width / 2
    edge = end + gap
    for index in range(len(out) - 1, -1, -1):
        width = labels[index][1]
        out[index] = min(out[index], edge - gap - width / 2)
        edge = out[index] - width / 2
    return out


Rectangle = tuple[float, float, float, float]


def first_free(wanted: Sequence[Rectangle], taken: Sequence[Rectangle], texts: Sequence[Rectangle]) -> int:
    """Index of the first of `wanted` (left, top, right, bottom) clear of everything.

    Where none is, the one that covers least of `taken` among those clear of all `texts`; where
    none is clear of the texts either, the one that covers least of both.
    """
    best, least = 0, float("inf")
    for index, candidate in enumerate(wanted):
        cost = sum(_shared(candidate, other) for other in taken)
        cost += 1e6 * sum(_shared(candidate, other) for other in texts)
        if cost == 0:
            return index
        if cost < least:
            best, least = index, cost
    return best


def _shared(one: Rectangle, other: Rectangle) -> float:
    across = min(one[2], other[2]) - max(one[0], other[0])
    down = min(one[3], other[3]) - max(one[1], other[1])
    return across * down if across > 0 and down > 0 else 0.0
