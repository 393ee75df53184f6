"""Plain rows that charts are drawn from.

A suppressed figure arrives without its value: a row that still carries one is refused, so a
position, a scale or a tooltip cannot give it away.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from masar_research.errors import ReleaseError

Status = Literal["show", "flag", "suppress"]


@dataclass(frozen=True, slots=True)
class Mark:
    """One estimate of one group.

    Attributes
    ----------
    value, low, high : float or None
        Fractions for percentages. All None when `status` is "suppress".
    status : {"show", "flag", "suppress"}
        As the release gate decided; "flag" is drawn hollow.
    group : str
        Key of `theme.GROUPS`.
    modelled : bool
        Whether a model made the figure: the drawing says so.
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    status: Status = "show"
    group: str = "plain"
    modelled: bool = False

    def __post_init__(self) -> None:
        check(self.status, self.value, self.low, self.high)

    @property
    def shown(self) -> bool:
        """Whether there is a figure to draw."""
        return self.status != "suppress"

    @property
    def span(self) -> tuple[float, float]:
        """The interval, or the value twice where there is none."""
        assert self.value is not None
        return (
            self.value if self.low is None else self.low,
            self.value if self.high is None else self.high,
        )


@dataclass(frozen=True, slots=True)
class Row:
    """A category with the marks of its groups, in the order they are drawn."""

    label: str
    marks: tuple[Mark, ...]


@dataclass(frozen=True, slots=True)
class Panel:
    """Rows under a heading ("By age")."""

    heading: str
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Reference:
    """A value all rows are read against (the national figure), with its words."""

    value: float
    label: str


@dataclass(frozen=True, slots=True)
class Effect:
    """An average marginal effect as a difference of fractions, or the reference category.

    `estimate` None with status "show" marks the reference category.
    """

    label: str
    estimate: float | None
    low: float | None = None
    high: float | None = None
    status: Status = "show"

    def __post_init__(self) -> None:
        check(self.status, self.estimate, self.low, self.high, empty=True)

    @property
    def detectable(self) -> bool:
        """Whether the interval leaves zero out."""
        if self.low is None or self.high is None:
            return False
        return self.low > 0 or self.high < 0


@dataclass(frozen=True, slots=True)
class EffectPanel:
    """Effects of one variable."""

    heading: str
    effects: tuple[Effect, ...]


@dataclass(frozen=True, slots=True)
class Change:
    """A category at two waves with the difference between them (after minus before).

    `detectable` is the verdict of the test; `status` that of the gate on the difference, whose
    numbers are None when it is suppressed.
    """

    label: str
    before: Mark
    after: Mark
    difference: float | None
    low: float | None
    high: float | None
    detectable: bool
    status: Status = "show"

    def __post_init__(self) -> None:
        check(self.status, self.difference, self.low, self.high)


@dataclass(frozen=True, slots=True)
class Point:
    """One wave of a series; `broken` when it may not be compared with the wave before."""

    year: int
    mark: Mark
    broken: bool = False


@dataclass(frozen=True, slots=True)
class Series:
    """A group over the waves, oldest first."""

    label: str
    group: str
    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class Part:
    """A share of a whole, for stacked bars; `text` is what is written in it."""

    value: float | None
    status: Status = "show"

    def __post_init__(self) -> None:
        check(self.status, self.value, None, None)


def check(
    status: str, value: float | None, low: float | None, high: float | None, *, empty: bool = False
) -> None:
    """Refuse a suppressed figure with a value, a shown one without, an interval that does not hold it."""
    if status not in ("show", "flag", "suppress"):
        raise ReleaseError(
            f"{status!r} is not a decision of the release gate.",
            remedy="Use 'show', 'flag' or 'suppress'.",
        )
    if status == "suppress":
        if any(number is not None for number in (value, low, high)):
            raise ReleaseError(
                "A suppressed figure reached a chart with its value.",
                remedy="Pass value, low and high as None when the gate suppresses the cell.",
            )
        return
    if value is None:
        if empty:
            return
        raise ReleaseError(
            "A figure to be shown reached a chart without a value.",
            remedy="Pass its value, or status='suppress'.",
        )
    numbers = [number for number in (low, value, high) if number is not None]
    if not all(math.isfinite(number) for number in numbers) or numbers != sorted(numbers):
        raise ReleaseError(
            f"An interval holds its estimate; found {low} ≤ {value} ≤ {high} untrue.",
            remedy="Pass finite numbers, the lower end first.",
        )
