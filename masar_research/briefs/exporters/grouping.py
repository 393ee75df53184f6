"""Which elements stand side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from masar_research.briefs.document import Element, Figure


def paired(elements: Sequence[Element]) -> Iterator[Element | tuple[Figure, Figure]]:
    """The elements in order, two half-width figures in a row put together.

    Examples
    --------
    >>> list(paired(()))
    []
    """
    waiting: Figure | None = None
    for item in elements:
        half = isinstance(item, Figure) and item.width == "half"
        if waiting is not None and half:
            yield waiting, item
            waiting = None
            continue
        if waiting is not None:
            yield waiting
        waiting = item if half else None
        if not half:
            yield item
    if waiting is not None:
        yield waiting
