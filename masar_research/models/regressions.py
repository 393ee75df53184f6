"""Regressions by the name a researcher calls them; each is :func:`masar_research.models.glm`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from masar_research.models.fitting import Collinear, Penalty, glm

if TYPE_CHECKING:
    from masar_research.models.model import SurveyModel
    from masar_research.survey import Survey

Reference = Mapping[str, Any] | None


def linear(
    survey: Survey, formula: str, reference: Reference = None, level: float = 0.95, *,
    collinear: Collinear = "raise",
) -> SurveyModel:  # fmt: skip
    """Survey-weighted linear regression.

    Parameters
    ----------
    survey, formula, reference, level, collinear
        As for :func:`masar_research.models.glm`.

    Examples
    --------
    >>> import pandas as pd, masar_research as mr
    >>> frame = pd.DataFrame({"w": [1.0, 2.0] * 10, "psu": list(range(10)) * 2,
    ...                       "pay": range(20), "region": ["north"] * 10 + ["south"] * 10})
    >>> survey = mr.Survey(frame, weights="w", psu="psu")
    >>> survey.linear("pay ~ region").frame["estimate"].round(9).tolist()
    [4.666666667, 10.0]
    """
    return glm(survey, formula, "gaussian", reference, level, collinear=collinear)


def logit(
    survey: Survey, formula: str, reference: Reference = None, level: float = 0.95, *,
    penalty: Penalty | None = None, collinear: Collinear = "raise",
) -> SurveyModel:  # fmt: skip
    """Survey-weighted logistic regression; ``frame`` holds odds ratios too.

    Parameters
    ----------
    survey, formula, reference, level, collinear
        As for :func:`masar_research.models.glm`; the outcome is coded 0/1.
    penalty : "firth", optional
        Finite estimates also where a group holds one outcome only.

    Raises
    ------
    ModelError
        An outcome that is not 0/1 or does not vary, collinear terms, separation, a formula that
        cannot be read.

    Examples
    --------
    >>> import pandas as pd, masar_research as mr
    >>> frame = pd.DataFrame({"w": [1.0, 2.0] * 10, "psu": list(range(10)) * 2,
    ...                       "employed": [0, 1, 1, 0, 1] * 4, "region": ["north", "south"] * 10})
    >>> survey = mr.Survey(frame, weights="w", psu="psu")
    >>> survey.logit("employed ~ region").frame["odds_ratio"].round(6).tolist()
    [1.5, 1.0]
    """
    return glm(survey, formula, "binomial", reference, level, penalty=penalty, collinear=collinear)


def probit(
    survey: Survey, formula: str, reference: Reference = None, level: float = 0.95, *,
    collinear: Collinear = "raise",
) -> SurveyModel:  # fmt: skip
    """Survey-weighted probit regression.

    Parameters
    ----------
    survey, formula, reference, level, collinear
        As for :func:`masar_research.models.glm`; the outcome is coded 0/1.

    Examples
    --------
    >>> import pandas as pd, masar_research as mr
    >>> frame = pd.DataFrame({"w": [1.0] * 20, "psu": list(range(10)) * 2,
    ...                       "employed": [0, 1, 1, 0] * 5, "age": range(20)})
    >>> model = mr.Survey(frame, weights="w", psu="psu").probit("employed ~ age")
    >>> model.family, len(model.frame)
    ('probit', 2)
    """
    return glm(survey, formula, "probit", reference, level, collinear=collinear)


def cloglog(
    survey: Survey, formula: str, reference: Reference = None, level: float = 0.95, *,
    collinear: Collinear = "raise",
) -> SurveyModel:  # fmt: skip
    """Survey-weighted regression of a 0/1 outcome with the complementary log-log link.

    Parameters
    ----------
    survey, formula, reference, level, collinear
        As for :func:`masar_research.models.glm`.

    Examples
    --------
    >>> import pandas as pd, masar_research as mr
    >>> frame = pd.DataFrame({"w": [1.0] * 20, "psu": list(range(10)) * 2,
    ...                       "left": [0, 1, 0, 0] * 5, "age": range(20)})
    >>> mr.Survey(frame, weights="w", psu="psu").cloglog("left ~ age").family
    'cloglog'
    """
    return glm(survey, formula, "cloglog", reference, level, collinear=collinear)


def poisson(
    survey: Survey, formula: str, reference: Reference = None, level: float = 0.95, *,
    exposure: str | None = None, collinear: Collinear = "raise",
) -> SurveyModel:  # fmt: skip
    """Survey-weighted Poisson regression; ``frame`` holds rate ratios too.

    Parameters
    ----------
    survey, formula, reference, level, collinear
        As for :func:`masar_research.models.glm`; the outcome is zero or more.
    exposure : str, optional
        Variable whose logarithm is an offset: rates per unit of it.

    Examples
    --------
    >>> import pandas as pd, masar_research as mr
    >>> frame = pd.DataFrame({"w": [1.0] * 20, "psu": list(range(10)) * 2, "visits": [0, 1, 2, 1] * 5,
    ...                       "years": [1.0, 2.0] * 10, "region": ["north"] * 10 + ["south"] * 10})
    >>> survey = mr.Survey(frame, weights="w", psu="psu")
    >>> survey.poisson("visits ~ region", exposure="years").frame["rate_ratio"].round(4).tolist()
    [0.6, 1.2222]
    """
    return glm(survey, formula, "poisson", reference, level, exposure=exposure, collinear=collinear)


def negative_binomial(
    survey: Survey, formula: str, reference: Reference = None, level: float = 0.95, *,
    exposure: str | None = None, collinear: Collinear = "raise",
) -> SurveyModel:  # fmt: skip
    """Survey-weighted negative binomial regression; ``note["dispersion"]`` holds α = 1/θ.

    Parameters
    ----------
    survey, formula, reference, level, exposure, collinear
        As for :func:`poisson`. Counts that vary no more than Poisson counts are refused.

    Examples
    --------
    >>> import pandas as pd, masar_research as mr
    >>> frame = pd.DataFrame({"w": [1.0, 2.0] * 20, "psu": list(range(20)) * 2,
    ...                       "visits": [0, 1, 9, 0, 3, 0, 0, 12] * 5, "age": list(range(20, 60))})
    >>> model = mr.Survey(frame, weights="w", psu="psu").negative_binomial("visits ~ age")
    >>> bool(model.note["dispersion"]["alpha"] > 1)
    True
    """
    return glm(survey, formula, "negative_binomial", reference, level, exposure=exposure,
               collinear=collinear)


def gamma(
    survey: Survey, formula: str, reference: Reference = None, level: float = 0.95, *,
    link: str = "log", exposure: str | None = None, collinear: Collinear = "raise",
) -> SurveyModel:  # fmt: skip
    """Survey-weighted gamma regression of a positive outcome, such as income or costs.

    Parameters
    ----------
    survey, formula, reference, level, collinear
        As for :func:`masar_research.models.glm`; the outcome is above zero.
    link : {"log", "inverse", "identity"}
    exposure : str, optional
        With the log link, as for :func:`poisson`.

    Examples
    --------
    >>> import pandas as pd, masar_research as mr
    >>> frame = pd.DataFrame({"w": [1.0] * 20, "psu": list(range(10)) * 2, "pay": [2.0, 6.0] * 10,
    ...                       "region": ["north", "south"] * 10})
    >>> survey = mr.Survey(frame, weights="w", psu="psu")
    >>> survey.gamma("pay ~ region").frame["mean_ratio"].round(6).tolist()
    [2.0, 3.0]
    """
    return glm(survey, formula, "gamma", reference, level, link=link, exposure=exposure,
               collinear=collinear)
