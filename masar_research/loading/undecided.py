"""What a drafted card leaves to a person: texts to be written, guesses to be confirmed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from masar_research.loading.yaml_lines import Lines

TODO = "TODO"


def undecided(tree: Any, where: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], str]]:
    """The address and the words of everything in a card that waits for a decision.

    Parameters
    ----------
    tree : mapping, list or scalar
        A card as its YAML gives it.
    where : tuple
        The address of that tree.

    Yields
    ------
    address, words
        A text that begins with ``TODO``, or the reason of a ``guess:``.

    Examples
    --------
    >>> list(undecided({"title": {"en": "TODO title"}, "variables": {"sex": {"guess": "by its label"}}}))
    [(('title', 'en'), 'TODO title'), (('variables', 'sex', 'guess'), 'by its label')]
    """
    if isinstance(tree, dict):
        for key, value in tree.items():
            if key == "guess" and len(where) == 2 and where[0] == "variables":
                yield (*where, key), str(value)
            else:
                yield from undecided(value, (*where, key))
    elif isinstance(tree, list):
        for number, value in enumerate(tree):
            yield from undecided(value, (*where, number))
    elif isinstance(tree, str) and tree.startswith(TODO):
        yield where, tree


def told(lines: Lines, most: int = 12) -> str:
    """The open decisions of a card as lines of text, each with its place in the file; empty when there are none."""
    found = list(undecided(lines.tree))
    rows = [
        f"line {lines.line(where)}, {'.'.join(map(str, where))}: {words}" for where, words in found[:most]
    ]
    rest = [f"… and {len(found) - most} more."] if len(found) > most else []
    return "\n".join([*rows, *rest])
