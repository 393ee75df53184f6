"""Groups in which an outcome is too rare or too common for a regression to say anything."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from masar_research.errors import ModelError

if TYPE_CHECKING:
    from masar_research.survey import Survey


def thin_groups(
    survey: Survey, outcome: str, variables: Sequence[str], *, least: int = 5
) -> tuple[tuple[str, float], ...]:
    """Categories with fewer than `least` interviews of either outcome.

    Such a category has a coefficient of plus or minus infinity, or nearly so. Leaving its rows
    out may thin another one, so the count is repeated until no further category is found.

    Parameters
    ----------
    survey : Survey
        Its subpopulation is the population of the model.
    outcome : str
        Variable coded 0 and 1.
    variables : sequence of str
        Categorical variables; rows that miss one of them do not count.
    least : int
        Unweighted interviews that either outcome must have.

    Returns
    -------
    tuple of (variable, code)
        In the order found.

    Raises
    ------
    ModelError
        The outcome is not coded 0 and 1.

    Examples
    --------
    >>> thin_groups(women, "in_labour_force", ["age_labour"])     # doctest: +SKIP
    (('age_labour', 4.0),)
    """
    y, columns, used = _answered(survey, outcome, variables)
    if not set(np.unique(y[used])) <= {0.0, 1.0}:
        raise ModelError(
            f"{outcome} holds {np.unique(y[used])[:6].tolist()}; thin groups are counted for 0 and 1.",
            remedy="Use a variable coded 1 (yes) and 0 (no).",
            ar="يحتاج العدّ إلى متغير مرمّز بصفر وواحد.",
        )
    found: list[tuple[str, float]] = []
    while True:
        thin = [
            (name, float(code))
            for name, codes in columns.items()
            for code in np.unique(codes[used])
            if min(np.count_nonzero(y[used & (codes == code)] == value) for value in (0, 1)) < least
        ]
        if not thin:
            return tuple(found)
        found += thin
        for name, code in thin:
            used &= columns[name] != code


def sturdy_terms(
    survey: Survey, outcome: str, variables: Sequence[str], *, least: int = 5
) -> tuple[tuple[str, ...], tuple[tuple[str, float], ...]]:
    """The variables that keep two groups once thin ones are left out, and the groups left out.

    A variable with fewer than two groups left is dropped and takes no rows with it; the last one
    first, so the order is that of importance. Thin groups are then counted again.

    Parameters
    ----------
    survey, outcome, variables, least
        As for :func:`thin_groups`.

    Returns
    -------
    kept : tuple of str
        Empty where no variable can enter a model.
    left_out : tuple of (variable, code)
        Of the variables kept.

    Examples
    --------
    >>> sturdy_terms(women, "in_labour_force", ["age_labour", "urban"])     # doctest: +SKIP
    (('age_labour',), (('age_labour', 4.0),))
    """
    kept = tuple(variables)
    while kept:
        thin = thin_groups(survey, outcome, kept, least=least)
        _, columns, used = _answered(survey, outcome, kept)
        short = [
            name for name in kept
            if sum((name, float(code)) not in thin for code in np.unique(columns[name][used])) < 2
        ]  # fmt: skip
        if not short:
            return kept, thin
        kept = tuple(name for name in kept if name != short[-1])
    return (), ()


def _answered(
    survey: Survey, outcome: str, variables: Sequence[str]
) -> tuple[np.ndarray, dict[str, np.ndarray], np.ndarray]:
    """Outcome, variables, and the rows of the subpopulation that answer them all with a weight."""
    y = survey.values(outcome)
    columns = {name: survey.values(name) for name in variables}
    used = np.isfinite(y) & (survey.design.weights > 0)
    for codes in columns.values():
        used &= np.isfinite(codes)
    return y, columns, used if survey.mask is None else used & survey.mask
