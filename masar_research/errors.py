"""Errors that name what was expected, what was found and what to do about it."""

from __future__ import annotations


class MasarError(ValueError):
    """An error a user can act on.

    Parameters
    ----------
    what : str
        What was expected and what was found, in English.
    remedy : str
        What to do, as an instruction.
    ar : str, optional
        The same message in Arabic, printed beneath the English.

    Examples
    --------
    >>> raise MasarError("3 weights are negative (rows 4, 9, 12).",
    ...                  remedy="Correct them in the source file or drop the rows there.")
    Traceback (most recent call last):
    masar_research.errors.MasarError: 3 weights are negative (rows 4, 9, 12).
    What to do: Correct them in the source file or drop the rows there.
    """

    def __init__(self, what: str, *, remedy: str, ar: str | None = None) -> None:
        self.what = what
        self.remedy = remedy
        self.ar = ar
        lines = [what, f"What to do: {remedy}"]
        if ar:
            lines.append(ar)
        super().__init__("\n".join(lines))


class DataError(MasarError):
    """A file, column, label or expression that is not what it should be."""


class CardError(MasarError):
    """A survey card that does not validate."""


class DesignError(MasarError):
    """A sampling design that cannot be right: weights, strata, PSUs, population counts."""


class EstimationError(MasarError):
    """An estimate that cannot be computed from these data."""


class WeightingError(MasarError):
    """A weighting step that cannot be carried out."""


class ModelError(MasarError):
    """A model that cannot be fitted or read as asked."""


class ParameterError(MasarError):
    """A brief's parameter that is unknown, mistyped or out of range."""


class ReleaseError(MasarError):
    """A figure that may not leave the office as asked."""


class BriefError(MasarError):
    """A brief that cannot be built: missing translation, untraceable number, broken block."""
