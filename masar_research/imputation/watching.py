"""A bar for long imputations, where somebody looks on."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from masar_research.loading.progress import AFTER, watched


@contextmanager
def counted(total: int) -> Iterator[Callable[[], None]]:
    """Yield what is to be called after each of `total` rounds; from two seconds on it writes a line."""
    begun, done, wrote = time.monotonic(), 0, False
    looked_at = watched()

    def step() -> None:
        nonlocal done, wrote
        done += 1
        if looked_at and time.monotonic() - begun > AFTER:
            wrote = True
            sys.stderr.write(f"\rImputing · تعويض القيم المفقودة  {done / total:.0%}")
            sys.stderr.flush()

    try:
        yield step
    finally:
        if wrote:
            sys.stderr.write("\r" + " " * 60 + "\r")
            sys.stderr.flush()
