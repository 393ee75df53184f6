"""Types of replicate weights, as a researcher names them.

Each type holds only what belongs to it and knows its own scale. With `columns` it describes the
weights a producer delivers (``mr.Survey(..., replicates=mr.replicates.BRR("brrwt*"))``); without,
replicates to be made from a declared design (``survey.with_replicates(mr.replicates.JKn())``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from fnmatch import fnmatchcase
from typing import ClassVar

from masar_research.errors import DesignError

Columns = str | Sequence[str]


@dataclass(frozen=True, slots=True)
class _Type:
    """What every type has.

    Attributes
    ----------
    columns : str or list of str, optional
        Columns of given replicate weights: a pattern (``"brrwt*"``) or their names.
    mse : bool
        Squared deviations from the estimate rather than from the mean of the replicate
        estimates.
    scale : float, optional
        The producer's scale instead of the type's own; for given weights.
    rscales : sequence of float, optional
        The producer's scale of each replicate; for given weights.
    combined : bool
        False where the columns are factors that multiply the weights.
    """

    columns: Columns | None = None
    mse: bool = False
    scale: float | None = None
    rscales: Sequence[float] | None = None
    combined: bool = True

    #: What only given weights have.
    _GIVEN: ClassVar[tuple[str, ...]] = ("scale", "rscales", "combined")

    @property
    def kind(self) -> str:
        """The name of the type."""
        return type(self).__name__

    def own_scale(self, number: int) -> float:
        """The type's scale for a number of replicates."""
        raise NotImplementedError

    def scale_of(self, number: int) -> float:
        """The scale that is used: the producer's where one was given, else the type's own."""
        return self.own_scale(number) if self.scale is None else float(self.scale)

    def select(self, available: Sequence[str], weights: str) -> tuple[str, ...]:
        """The columns meant, in the order of the file (pattern) or of the list.

        Raises
        ------
        DesignError
            If none was named, none matches, one does not exist, or the weights are among them.
        """
        if self.columns is None:
            raise DesignError(
                f"{self.kind}() names no replicate weights.",
                remedy=f'Name the columns, e.g. {self.kind}("repwt*"); replicates are made from a '
                "declared design with survey.with_replicates().",
            )
        if isinstance(self.columns, str):
            found = tuple(c for c in available if isinstance(c, str) and fnmatchcase(c, self.columns))
            if not found:
                raise DesignError(
                    f"No column matches {self.columns!r}.",
                    remedy="Use * for the varying part and the case of the file: 'BRRWT*'.",
                )
        else:
            found = tuple(self.columns)
            absent = [name for name in found if name not in set(available)]
            if absent or len(set(found)) < len(found):
                raise DesignError(
                    f"Replicate columns that do not exist or stand twice: "
                    f"{', '.join(map(str, absent[:8])) or 'some stand twice'}.",
                    remedy="Name each replicate column of the data once.",
                )
        if weights in found:
            raise DesignError(
                f"The weights {weights!r} themselves are among the replicate weights.",
                remedy="Use a narrower pattern, or list the columns.",
            )
        return found

    def refuse_given(self) -> None:
        """Raise where a parameter of given weights stands in replicates to be made."""
        default = {f.name: f.default for f in fields(self)}
        wrong = [name for name in self._GIVEN if getattr(self, name) != default[name]]
        if self.columns is not None or wrong:
            held = wrong if self.columns is None else ["columns", *wrong]
            raise DesignError(
                f"{self.kind} with {', '.join(held)} describes weights a producer delivers; "
                "replicates that are made get theirs from the design.",
                remedy="Pass it as Survey(..., replicates=...), or leave these out.",
            )


def _share(fay: float) -> None:
    if not 0 <= fay < 1:
        raise DesignError(
            f"Fay's factor must be at least 0 and below 1; found {fay!r}.",
            remedy="Take it from the producer's documentation (0.3 and 0.5 are usual; 0 is BRR).",
        )


def _many(number: int) -> None:
    if isinstance(number, bool) or not isinstance(number, int) or number < 2:
        raise DesignError(
            f"Expected a number of replicates of two or more; found {number!r}.",
            remedy="500 are usual.",
        )


@dataclass(frozen=True, slots=True)
class BRR(_Type):
    """Balanced repeated replication: scale ``1 / (R (1 − fay)²)``.

    Attributes
    ----------
    fay : float
        Fay's factor; 0 for ordinary half-samples.

    Examples
    --------
    >>> BRR("brrwt*", fay=0.5, mse=True).scale_of(96)
    0.041666666666666664
    """

    fay: float = 0.0

    def __post_init__(self) -> None:
        _share(self.fay)

    def own_scale(self, number: int) -> float:
        return 1 / (number * (1 - self.fay) ** 2)


@dataclass(frozen=True, slots=True)
class Fay(_Type):
    """Fay's method, BRR with the factor ``rho`` that R names: scale ``1 / (R (1 − rho)²)``."""

    rho: float = 0.5

    def __post_init__(self) -> None:
        _share(self.rho)

    def own_scale(self, number: int) -> float:
        return 1 / (number * (1 - self.rho) ** 2)


@dataclass(frozen=True, slots=True)
class JK1(_Type):
    """Jackknife of an unstratified sample: scale ``(R − 1) / R``."""

    def own_scale(self, number: int) -> float:
        return (number - 1) / number


@dataclass(frozen=True, slots=True)
class JKn(_Type):
    """Stratified jackknife: scale 1, and for each replicate ``rscale = (n_h − 1) / n_h``.

    Given JKn weights need the producer's `rscales`: they are not (R − 1) / R.
    """

    def own_scale(self, number: int) -> float:
        return 1.0

    def __post_init__(self) -> None:
        if self.columns is not None and self.rscales is None:
            raise DesignError(
                "Given JKn weights need rscales, (n_h − 1) / n_h of the stratum of each replicate.",
                remedy="Take them from the producer's documentation; one global factor is wrong.",
            )


@dataclass(frozen=True, slots=True)
class JK2(_Type):
    """Paired jackknife, one replicate per stratum of two PSUs: scale 1.

    Centred on the estimate unless told otherwise: around the mean of H replicates the variance
    would lose about 1 / H.
    """

    mse: bool = True

    def own_scale(self, number: int) -> float:
        return 1.0


@dataclass(frozen=True, slots=True)
class SuccessiveDifference(_Type):
    """Successive difference replication (US Census Bureau): scale ``4 / R``."""

    def own_scale(self, number: int) -> float:
        return 4 / number


@dataclass(frozen=True, slots=True)
class Bootstrap(_Type):
    """Bootstrap weights: scale ``average / (R − 1)``.

    Attributes
    ----------
    number : int, optional
        Replicates to be made, 500 by default; given weights are counted.
    average : int
        How many bootstrap samples the producer averaged in each given replicate.
    """

    number: int | None = None
    average: int = 1

    _GIVEN: ClassVar[tuple[str, ...]] = ("scale", "rscales", "combined", "average")

    def __post_init__(self) -> None:
        if self.number is not None:
            _many(self.number)
            if self.columns is not None:
                raise DesignError(
                    "Given bootstrap weights are counted; number= is for replicates to be made.",
                    remedy="Leave number= out.",
                )
        if self.average < 1:
            raise DesignError(
                f"average={self.average!r} is not a number of bootstrap samples.",
                remedy="Take it from the producer's documentation; 1 where none were averaged.",
            )

    def own_scale(self, number: int) -> float:
        return self.average / (number - 1)


@dataclass(frozen=True, slots=True)
class RaoWu:
    """Rao–Wu rescaled bootstrap, to be made: n_h − 1 of the n_h PSUs, scale ``1 / (R − 1)``.

    Weights a producer made this way are ``Bootstrap("bsw*")``.

    Attributes
    ----------
    number : int
    mse : bool
    """

    number: int = 500
    mse: bool = False

    def __post_init__(self) -> None:
        _many(self.number)

    @property
    def kind(self) -> str:
        """The name of the type."""
        return "RaoWu"


Given = BRR | Fay | JK1 | JKn | JK2 | SuccessiveDifference | Bootstrap
Replicate = Given | RaoWu
