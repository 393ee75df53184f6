"""Where the pieces of a file are worked on: here, one after the other, or on a Dask cluster.

Both add up in one order, a binary tree over the pieces, so that results are the same to the last
bit whatever the number of workers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from masar_research.streaming.progress import shown

if TYPE_CHECKING:
    from distributed import Client, Future

Partial = Callable[[Any], Any]
Merge = Callable[[Any, Any], Any]


class Executor(Protocol):
    """Works on pieces and merges what they give."""

    def reduce(self, pieces: Sequence[Any], partial: Partial, merge: Merge, what: str) -> Any:
        """``merge`` of ``partial(piece)`` over all pieces, in their order; `what` for the progress."""
        ...


@dataclass(frozen=True, slots=True)
class Serial:
    """One piece after the other in this process; at most log₂ of the pieces' states are held."""

    def reduce(self, pieces: Sequence[Any], partial: Partial, merge: Merge, what: str) -> Any:
        waiting: list[tuple[int, Any]] = []
        with shown(what, len(pieces)) as advance:
            for piece in pieces:
                state, size = partial(piece), 1
                while waiting and waiting[-1][0] == size:
                    state, size = merge(waiting.pop()[1], state), 2 * size
                waiting.append((size, state))
                advance()
        state = waiting.pop()[1]
        while waiting:
            state = merge(waiting.pop()[1], state)
        return state


@dataclass(frozen=True, slots=True, eq=False)
class Dask:
    """One task per piece on the workers of a client, merged by a tree of tasks.

    Parameters
    ----------
    client : distributed.Client
        Whose workers see the files under the same paths.
    """

    client: Client

    def reduce(self, pieces: Sequence[Any], partial: Partial, merge: Merge, what: str) -> Any:
        from distributed import as_completed

        shared = self.client.scatter(_Work(partial, merge), broadcast=True, hash=False)
        leaves: list[Future] = [
            self.client.submit(_piece, shared, piece, pure=False) for piece in pieces
        ]
        level = leaves
        while len(level) > 1:
            pairs = [
                self.client.submit(_pair, shared, a, b, pure=False)
                for a, b in zip(level[::2], level[1::2], strict=False)
            ]
            level = pairs + level[len(level) - len(level) % 2 :]
        with shown(what, len(pieces)) as advance:
            for _ in as_completed(leaves):
                advance()
        return level[0].result()


@dataclass(frozen=True, slots=True, eq=False)
class _Work:
    partial: Partial
    merge: Merge


def _piece(work: _Work, piece: Any) -> Any:
    return work.partial(piece)


def _pair(work: _Work, first: Any, second: Any) -> Any:
    return work.merge(first, second)
