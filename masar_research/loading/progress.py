"""A bar on the screen for what takes longer than two seconds, in a terminal or a notebook only."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

AFTER = 2.0


def watched() -> bool:
    """Whether somebody looks on: standard error is a terminal, or this is a notebook."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    if shell is not None and type(shell).__name__ == "ZMQInteractiveShell":
        return True
    try:
        return sys.stderr.isatty()
    except (AttributeError, ValueError):
        return False


@contextmanager
def told(name: str) -> Iterator[Callable[[float], None] | None]:
    """Show that a file is being read, from two seconds on, until the block ends.

    Parameters
    ----------
    name : str
        The file's name.

    Yields
    ------
    callable or None
        To be called, from any thread, with the share (0 to 1) that is done; None where nobody looks on, and
        then nothing is written.
    """
    if not watched():
        yield None
        return
    bar = _Bar(name)
    timer = threading.Timer(AFTER, bar.show)
    timer.daemon = True
    timer.start()
    try:
        yield bar.move
    finally:
        timer.cancel()
        bar.close()


class _Bar:
    def __init__(self, name: str) -> None:
        self.name, self.share, self.shown, self.over = name, 0.0, None, False
        self.lock = threading.Lock()

    def show(self) -> None:
        from rich.console import Console
        from rich.markup import escape
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

        with self.lock:
            if self.over:
                return
            words = TextColumn("[bold]{task.description}")
            self.shown = Progress(words, BarColumn(), TimeElapsedColumn(), console=Console(stderr=True), transient=True)
            name = escape(self.name)
            self.task = self.shown.add_task(f"Reading · قراءة  {name}", total=1.0 if self.share else None)
            self.shown.start()
            self.shown.update(self.task, completed=self.share)

    def move(self, share: float) -> None:
        with self.lock:
            self.share = share
            if self.shown is not None:
                self.shown.update(self.task, total=1.0, completed=share)

    def close(self) -> None:
        with self.lock:
            self.over = True
            if self.shown is not None:
                self.shown.stop()
