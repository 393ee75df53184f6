"""`survey.multi_response`: a question with several answers, as shares of people or of answers."""

from __future__ import annotations

from typing import Literal

import numpy as np

from masar_research.engine import linearized
from masar_research.errors import EstimationError
from masar_research.estimates import Estimates
from masar_research.estimating import _cases, check_interval, _wrap
from masar_research.survey import Names, Survey

SEPARATORS = ("/", ".", "_")
Of = Literal["respondents", "responses"]


def multi_response(
    survey: Survey,
    options: Names,
    by: Names | None = None,
    of: Of = "respondents",
    level: float = 0.95,
    interval: str = "logit",
) -> Estimates:
    """Shares of the options of a question that allows several answers.

    Parameters
    ----------
    options : str or list of str
        The 0/1 variables of the options; or, as one string, a set of the codebook
        (``survey.codebook.sets``) or else their common prefix: the columns named prefix +
        ``/``, ``.`` or ``_`` + option, the first separator that occurs.
    by : str or list of str, optional
    of : {"respondents", "responses"}
        Shares of the people asked (they add to more than one where people give several
        answers), or of the answers given (they add to one).
    level, interval
        As in ``survey.proportion``.

    Returns
    -------
    Estimates
        kind ``"proportion"``, one row per domain and option; one covariance over all. Somebody
        with an answer to at least one option was asked, and an option left blank was not
        chosen; somebody with none is missing, and counted once in ``note["missing"]``. ``n`` is
        those asked (``"responses"``: those of them who chose at least one), ``count`` those who
        chose the option.

    Raises
    ------
    EstimationError
        Fewer than two options, an option that is not coded 0/1, or an unknown `of`.

    Notes
    -----
    ``of="responses"``: ``Σ w x_k / Σ w Σ_j x_j``, a ratio with influence
    ``(x_k − R Σ_j x_j) / Σ w Σ_j x_j``.

    Examples
    --------
    >>> import pandas as pd, masar_research as mr
    >>> frame = pd.DataFrame({"w": 1.0, "water/pipe": [1, 1, 0, 1], "water/tank": [0, 1, 1, 1]})
    >>> survey = mr.Survey(frame, weights="w")
    >>> survey.multi_response("water").frame["estimate"].tolist()
    [0.75, 0.75]
    >>> survey.multi_response("water", of="responses").frame["estimate"].tolist()
    [0.5, 0.5]
    """
    if of not in ("respondents", "responses"):
        raise EstimationError(
            f"of={of!r} is not a base for shares of several answers.",
            remedy='Choose "respondents" or "responses".',
        )
    check_interval(interval)
    names = _options(survey, options)
    facts = {"made_by": "multi_response", "base_of_shares": of, "options": names}
    asked = survey._answer(names, by, level, extra=facts)
    domains = asked.columns.domains(asked.by)
    chosen = np.column_stack([_indicator(survey, name) for name in names])
    answered = ~np.isnan(chosen).all(axis=1)
    chosen = np.where(answered[:, None], np.nan_to_num(chosen), np.nan)
    given = chosen.sum(axis=1)
    given = np.where(given == 0, np.nan, given)
    heads, parts, counts = [], [], []
    for place, name in enumerate(names):
        values = chosen[:, place]
        if of == "responses":
            part = linearized.ratio(asked.design, values, given, **asked.cells(domains))
        else:
            part = linearized.mean(asked.design, values, **asked.cells(domains))
        parts.append(part)
        heads.append(domains.keys.assign(variable=name, category=1))
        counts.append(_cases(asked, domains, np.where(values == 1, 0, -1), 1))
    missing = int(parts[0].n_missing.sum())
    if of == "responses":
        nobody = linearized.mean(asked.design, chosen[:, 0], **asked.cells(domains))
        missing = int(nobody.n_missing.sum())
    return _wrap(asked, "proportion", heads, parts, missing, interval, np.concatenate(counts))


def _options(survey: Survey, options: Names) -> tuple[str, ...]:
    if not isinstance(options, str):
        names = tuple(options)
    elif options in survey.codebook.sets:
        names = _of_set(survey, options)
    else:
        columns = [str(name) for name in survey.frame.columns]
        found = ([c for c in columns if c.startswith(options + mark)] for mark in SEPARATORS)
        names = next((tuple(part) for part in found if part), ())
    if len(names) < 2 or len(set(names)) < len(names):
        raise EstimationError(
            f"Expected two or more different options; found {list(names)} for {options!r}.",
            remedy="Give the list of 0/1 variables, or the prefix they share before '/', '.' or '_'.",
        )
    return names


def _of_set(survey: Survey, name: str) -> tuple[str, ...]:
    """The variables of a set of the codebook that counts ones."""
    several = survey.codebook.sets[name]
    if several.counted != 1:
        counted = "first, second, … answers as codes" if several.counted is None else f"{several.counted!r} as chosen"
        raise EstimationError(
            f"The set {name!r} holds {counted}; 0/1 variables were expected.",
            remedy="Recode its variables to 1 for chosen and 0 for not chosen.",
            ar=f"متغيرات المجموعة «{name}» ليست 0/1؛ أعد ترميزها: 1 للمختار و0 لغيره.",
        )
    return several.variables


def _indicator(survey: Survey, name: str) -> np.ndarray:
    values = survey.values(name)
    other = ~np.isnan(values) & (values != 0) & (values != 1)
    if other.any():
        raise EstimationError(
            f"Option {name!r} holds {values[other][0]:g}; expected 1 for chosen and 0 for not chosen.",
            remedy="Recode the option in the survey card, or declare the code missing.",
        )
    return values
