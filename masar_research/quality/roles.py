"""Which column is the interviewer, the start, the cluster: given, or recognised by its name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace

from masar_research.errors import ParameterError

_NAMES = {
    "enumerator": r"(?:enumerator|interviewer|surveyor|data_?collector|enum)(?:_?(?:id|no|nb|num|number|code))?",
    "start": r"(?:interview_|int_)?start(?:_?(?:time|date|datetime))?|starttime",
    "end": r"(?:interview_|int_)?end(?:_?(?:time|date|datetime))?|endtime",
    "duration": r"(?:interview_)?(?:duration|length)(?:_?(?:min|minutes))?",
    "date": r"interview_date|date_(?:of_)?interview|date_assessment|today|survey_date",
    "psu": r"psu(?:_?id)?|cluster(?:_?(?:id|no|number))?|block(?:_?(?:id|no|number))?|enumeration_area|ea(?:_?id)?|v021|mv021",
    "strata": r"strat(?:a|um)(?:_?id)?|v02[23]|mv02[23]",
    "weight": r"(?:base_|sampling_|survey_|final_)?(?:weights?|wt|wgt)|pw|nweight|m?v005",
    "status": r"status|disposition|result|outcome|interview_(?:status|result)",
    "area": r"governorate|gov|muhafaza|region|province|district|state|neighbou?rhood",
    "key": r"(?:[x_]_?)?uuid|meta_instanceid|instanceid",
    "id": r"form_no|questionnaire_?(?:no|number|id)|case_?id|resp(?:ondent)?_?id|hh_?id|household_?id|interview_?id|_id|x_id",
    "age": r"age|sel_age|age_respondent(?:_r)?|respondent_age|resp_age",
    "submitted": r"(?:[x_]_?)?submission_?time",
}
_PATTERNS = {role: re.compile(rf"(?:{pattern})\Z", re.IGNORECASE) for role, pattern in _NAMES.items()}


@dataclass(frozen=True, slots=True)
class Roles:
    """Columns by what they are for; None where the file has none.

    Attributes
    ----------
    enumerator, start, end, duration, date, psu, strata, weight, status, area, key, id, age, submitted : str or None
        ``duration`` in minutes; ``key`` is the identifier the collection server gave (UUID), ``id`` the
        number of the questionnaire; ``area`` the smallest part of the country in which interviewers are
        compared.
    """

    enumerator: str | None = None
    start: str | None = None
    end: str | None = None
    duration: str | None = None
    date: str | None = None
    psu: str | None = None
    strata: str | None = None
    weight: str | None = None
    status: str | None = None
    area: str | None = None
    key: str | None = None
    id: str | None = None
    age: str | None = None
    submitted: str | None = None

    def named(self) -> dict[str, str]:
        """The roles that have a column."""
        return {each.name: getattr(self, each.name) for each in fields(self) if getattr(self, each.name)}


def recognise(columns: Iterable[str], given: Mapping[str, str | None] | None = None) -> Roles:
    """Roles by the names of columns, and those given.

    Parameters
    ----------
    columns : iterable of str
    given : mapping, optional
        Role → column, or None for a role the file must not be searched for.

    Raises
    ------
    ParameterError
        If a role or a column is not known.

    Examples
    --------
    >>> recognise(["enumerator_num", "start", "q1"]).named()
    {'enumerator': 'enumerator_num', 'start': 'start'}
    """
    names, given = list(columns), dict(given or {})
    for role, column in given.items():
        if role not in _PATTERNS:
            raise ParameterError(f"{role!r} is not a role.", remedy=f"Roles are {', '.join(_PATTERNS)}.")
        if column is not None and column not in names:
            raise ParameterError(
                f"There is no column {column!r} for the role {role!r}.",
                remedy=f"Columns are {', '.join(names[:12])}{', …' if len(names) > 12 else ''}.",
            )
    found = {
        role: next((name for name in names if pattern.match(re.split(r"[/.]", name)[-1])), None)
        for role, pattern in _PATTERNS.items()
    }
    return replace(Roles(**found), **given)
