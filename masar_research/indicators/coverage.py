"""Which indicators a survey carries, beside the report of its harmonisation."""

from __future__ import annotations

import pandas as pd

from masar_research.errors import DataError
from masar_research.indicators.compute import available
from masar_research.indicators.registry import registry
from masar_research.loading.harmonisation import Harmonisation
from masar_research.loading.harmonisation import harmonisation_report
from masar_research.survey import Survey


def coverage(survey: Survey) -> pd.DataFrame:
    """The indicators of the registry a survey has and lacks, with the reasons.

    Parameters
    ----------
    survey : Survey

    Returns
    -------
    pandas.DataFrame
        name (the indicator's id), label_en, label_ar, status (``has``, ``lacks``), reason_en,
        reason_ar. Indicators that are only defined appear where the card says they are lacking.

    Examples
    --------
    >>> coverage(survey).query("status == 'lacks'")    # doctest: +SKIP
    """
    ids, lacking = available(survey)
    records = registry()
    rows = [(name, records[name].name["en"], records[name].name["ar"], "has", "", "") for name in ids]
    rows += [
        (one.indicator, records[one.indicator].name["en"], records[one.indicator].name["ar"], "lacks",
         one.reason["en"], one.reason["ar"])
        for one in lacking
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=["name", "label_en", "label_ar", "status", "reason_en", "reason_ar"])


def harmonisation(survey: Survey) -> Harmonisation:
    """The report of the survey's card, with the indicators it has and lacks.

    Parameters
    ----------
    survey : Survey
        As `masar_research.load` gives it; its files are read again (from the cache).

    Returns
    -------
    Harmonisation

    Raises
    ------
    DataError
        If the survey was not loaded from a card.

    Examples
    --------
    >>> survey.harmonisation().to_html("ar", "report.html")    # doctest: +SKIP
    """
    if survey.card is None:
        raise DataError(
            "The survey was not loaded from a card, so there is no record of what became what.",
            remedy="Load it with masar_research.load(card).",
            ar="لم يُحمَّل المسح من بطاقة، فلا سجل لما تحوّل إليه كل رمز. حمّله بالأمر masar_research.load.",
        )
    held = set(survey.frame["wave"].dropna().unique()) if "wave" in survey.frame else set()
    waves = [wave for wave in survey.card.waves if wave in held or str(wave) in held]
    one = waves[0] if len(waves) == 1 else None
    return harmonisation_report(survey.card, one).with_indicators(coverage(survey))
