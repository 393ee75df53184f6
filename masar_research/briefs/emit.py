"""Where blocks go: a notebook output with a preview, or a list for tests."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from masar_research.briefs.blocks import MIME, Block, dump
from masar_research.briefs.handles import Handle
from masar_research.briefs.preview import preview

Emit = Callable[[Block, Mapping[str, Handle]], None]


def display(block: Block, sets: Mapping[str, Handle]) -> None:
    """Show the block in the notebook: JSON under its MIME type, HTML for JupyterLab."""
    from IPython.display import display as show

    show({MIME: dump(block), "text/html": preview(block, sets)}, raw=True)


class Collected:
    """An emitter that keeps the blocks: ``Collected().blocks``."""

    def __init__(self) -> None:
        self.blocks: list[Block] = []

    def __call__(self, block: Block, sets: Mapping[str, Handle]) -> None:
        self.blocks.append(block)
