"""The ``geography`` parameter of a brief: the country, a region or a governorate."""

from __future__ import annotations

from dataclasses import dataclass

from masar_research import places
from masar_research.briefs.refs import LabelRef


@dataclass(frozen=True, slots=True)
class Geography:
    """A place: its code, its names, and the condition that selects its rows (None for all)."""

    code: str
    label: LabelRef
    expression: str | None


def geography(code: str) -> Geography:
    """The place that `code` names (`places.geography`).

    Raises
    ------
    ParameterError
        An unknown place, with all there are.
    """
    place = places.geography(code)
    label = LabelRef(en=place.names["en"], ar=place.names["ar"], source=f"geography {place.code}")
    return Geography(place.code, label, place.where)
