"""Imputations that a producer made: several surveys, or one file with a column of implicates."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pandas as pd

from masar_research.errors import ModelError
from masar_research.imputation.lending import Completed

if TYPE_CHECKING:
    from masar_research.survey import Survey


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Implicates(Completed):
    """Completed surveys as delivered.

    Attributes
    ----------
    given : tuple of Survey
    base : tuple of str
    """

    given: tuple[Survey, ...]
    base: tuple[str, ...] = ()

    @property
    def m(self) -> int:
        """Imputations."""
        return len(self.given)

    def where(self, expression: str) -> Implicates:
        """The subpopulation, asked of every implicate."""
        return replace(self, base=(*self.base, expression))

    def surveys(self) -> Iterator[Survey]:
        for survey in self.given:
            for text in self.base:
                survey = survey.where(text)
            yield survey

    def _facts(self) -> dict[str, Any]:
        return {"made_by": "the producer", "m": self.m}

    def __repr__(self) -> str:
        return f"<{self.m} implicates of {self.given[0]!r}>"


def from_surveys(surveys: Sequence[Survey]) -> Implicates:
    """Completed surveys of a producer, to be pooled.

    Parameters
    ----------
    surveys : sequence of Survey
        At least two, of the same rows.

    Raises
    ------
    ModelError
        Fewer than two, or of different numbers of rows.
    """
    given = tuple(surveys)
    if len(given) < 2 or len({len(each) for each in given}) > 1:
        raise ModelError(
            f"{len(given)} surveys of {sorted({len(each) for each in given})} rows are no imputations of one survey.",
            remedy="Give at least two completed surveys of the same rows.",
            ar="يلزم مسحان مكتملان على الأقل للصفوف نفسها.",
        )
    return Implicates(given)


def from_implicates(
    frame: pd.DataFrame, implicate: str, declare: Callable[[pd.DataFrame], Survey]
) -> Implicates:
    """One file that holds every row once per implicate.

    Parameters
    ----------
    frame : pandas.DataFrame
    implicate : str
        The column that numbers the implicates.
    declare : callable
        Frame of one implicate → Survey.

    Raises
    ------
    ModelError
        No such column, blanks in it, or implicates of different numbers of rows.

    Examples
    --------
    >>> import pandas as pd, masar_research as mr
    >>> frame = pd.DataFrame({"imp": [1, 1, 2, 2], "w": 1.0, "y": [1.0, 2.0, 1.0, 4.0]})
    >>> given = from_implicates(frame, "imp", lambda one: mr.Survey(one, weights="w"))
    >>> given.mean("y").frame["estimate"].tolist()
    [2.0]
    """
    if implicate not in frame.columns or frame[implicate].isna().any():
        raise ModelError(
            f"The frame has no column {implicate!r} that numbers every row's implicate.",
            remedy="Name the column that does.", ar="لا يوجد عمود كامل يرقّم التعويضات؛ سمِّه.",
        )
    parts = [part.reset_index(drop=True) for _, part in frame.groupby(implicate, sort=True)]
    return from_surveys([declare(part) for part in parts])
