"""How closely a brief is set, and which drawings move to the head of the next page.

A drawing is never parted from its caption, nor the first one of a section from its heading and
the sentence between them; one that does not fit leaves a hole at the foot of a page. Where text
follows that can fill the hole, a further drawing of a section may float to the head of the next
page instead. If the brief still takes more pages than a brief may, it is set more closely.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import typst

from masar_research.present import fonts

MOST_PAGES = 4
FOOT = 275.0
HOLE = 38.0
_FLOATING = ("figure", "pair", "table")
_FILLING = ("paragraph", "heading", "table", "box", "items")


@dataclass(frozen=True, slots=True)
class Density:
    """How closely a page is set: factors on text, drawings and the gaps between them."""

    text: float = 1.0
    drawing: float = 1.0
    space: float = 1.0


DENSITIES = (
    Density(),
    Density(0.97, 0.94, 0.85),
    Density(0.95, 0.89, 0.75),
    Density(0.93, 0.84, 0.65),
    Density(0.91, 0.80, 0.60),
)
# Pages one step saves on a brief of four, roughly; further steps are passed over.
SAVED = 0.28
_OPENING = re.compile(r"<svg\b[^>]*>")


@dataclass(frozen=True, slots=True)
class Spot:
    """Where an element stands: pages, and the height in millimetres of its last line."""

    first: int
    last: int
    end: float


def led(elements: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The elements, with a mark on each paragraph that leads from a heading to a drawing.

    Such a paragraph stays on the page of the drawing, as the heading stays with it. Two
    paragraphs are text of their own: they may end a page.

    Examples
    --------
    >>> kinds = ("heading", "paragraph", "figure", "paragraph", "figure")
    >>> [item.get("leads") for item in led([{"type": kind} for kind in kinds])]
    [None, True, None, False, None]
    """
    kinds = ["", *(item["type"] for item in elements), ""]
    return [
        {**item, "leads": before == "heading" and after in _FLOATING}
        if item["type"] == "paragraph" else dict(item)
        for before, item, after in zip(kinds, elements, kinds[2:], strict=False)
    ]  # fmt: skip


def fitted(data: Mapping[str, Any], timestamp: int) -> bytes:
    """The PDF in the loosest setting that takes at most `MOST_PAGES`.

    Parameters
    ----------
    data : mapping
        What ``brief.typ`` reads; its elements carry an ``index``.
    timestamp : int
        Creation date, seconds since 1970.

    Returns
    -------
    bytes
        If no setting is close enough, the closest.

    Raises
    ------
    RuntimeError
        What typst refuses, a drawing that is not SVG among it.
    """
    document = json.dumps(data, ensure_ascii=False)
    empty = json.dumps({**data, "elements": [_blank(item) for item in data["elements"]]})
    with as_file(files(__package__).joinpath("brief.typ")) as template:
        setting, _ = _chosen(template, empty, data["elements"])
        return typst.compile(
            template,
            **_common({**setting, "document": document}),
            pdf_standards=["ua-1"],
            timestamp=timestamp,
        )


def _chosen(
    template: Path, document: str, elements: Sequence[Mapping[str, Any]]
) -> tuple[dict[str, str], float]:
    """The loosest setting that keeps to `MOST_PAGES`: first with every drawing in its place."""
    setting, pages = {}, math.inf
    for hole in (math.inf, HOLE):
        step = 0
        while step < len(DENSITIES):
            setting, pages = _floated(template, document, elements, DENSITIES[step], hole)
            if pages <= MOST_PAGES:
                return setting, pages
            over = round((pages - MOST_PAGES) / SAVED)
            last = len(DENSITIES) - 1
            step = step + 1 if step == last else min(step + max(1, over), last)
    return setting, pages


def _blank(item: Any) -> Any:
    """The element with its drawings emptied: their size is all that a layout needs."""
    if "figures" in item and item["type"] == "pair":
        return {**item, "figures": [_blank(figure) for figure in item["figures"]]}
    if "svg" not in item:
        return item
    opening = _OPENING.search(item["svg"])
    return {**item, "svg": f"{opening[0]}</svg>"} if opening else item


def _common(setting: dict[str, str]) -> dict[str, Any]:
    return {"font_paths": _fonts(), "ignore_system_fonts": True, "sys_inputs": setting}


def _floated(
    template: Path,
    document: str,
    elements: Sequence[Mapping[str, Any]],
    density: Density,
    hole: float,
) -> tuple[dict[str, str], float]:
    """The setting with drawings that leave more than `hole` floating, and how many pages it takes, the last as a fraction."""
    floats: list[int] = []
    while True:
        setting = {
            "document": document,
            "density": json.dumps({**asdict(density), "floats": floats}),
        }
        spots, pages = _spots(template, setting)
        found = next(
            (
                index
                for index in range(2, len(elements) - 1)
                if index not in floats
                and elements[index]["type"] in _FLOATING
                and elements[index + 1]["type"] in _FILLING
                and not _opened(elements[index - 1])
                and _hole(spots, index, floats) > hole
            ),
            None,
        )
        if found is None:
            return setting, pages
        floats.append(found)


def _opened(before: Mapping[str, Any]) -> bool:
    """Whether what stands before a drawing is its section's heading, or leads from there."""
    return before["type"] == "heading" or bool(before.get("leads"))


def _spots(template: Path, setting: dict[str, str]) -> tuple[dict[int, Spot], float]:
    """Where the elements stand, by index, and how many pages they take."""
    marks = json.loads(typst.query(template, "<spot>", field="value", **_common(setting)))
    first: dict[int, int] = {}
    spots: dict[int, Spot] = {}
    for index, side, page, height in marks:
        if side == "start":
            first[index] = page
        else:
            spots[index] = Spot(first[index], page, height)
    pages = max((spot.last - 1 + spot.end / FOOT for spot in spots.values()), default=1.0)
    return spots, pages


def _hole(spots: Mapping[int, Spot], index: int, floats: Sequence[int]) -> float:
    """Millimetres left empty on the page before the one an element stands on."""
    before = next((i for i in range(index - 1, -1, -1) if i in spots and i not in floats), None)
    if before is None or index not in spots or spots[index].first <= spots[before].last:
        return 0.0
    return FOOT - spots[before].end


@lru_cache(maxsize=1)
def _fonts() -> typst.Fonts:
    return typst.Fonts(
        include_system_fonts=False,
        include_embedded_fonts=False,
        font_paths=[str(folder) for folder in fonts.directories()],
    )
