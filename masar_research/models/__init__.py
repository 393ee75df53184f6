"""Survey regression: generalised linear models, tests, average marginal effects, diagnostics."""

from masar_research.models.comparison import ModelTable, compare_models
from masar_research.models.fitting import glm
from masar_research.models.model import SurveyModel
from masar_research.models.regressions import (
    cloglog,
    gamma,
    linear,
    logit,
    negative_binomial,
    poisson,
    probit,
)
from masar_research.models.thin import sturdy_terms, thin_groups

__all__ = [
    "ModelTable", "SurveyModel", "cloglog", "compare_models", "gamma", "glm", "linear", "logit",
    "negative_binomial", "poisson",
    "probit", "sturdy_terms", "thin_groups",
]  # fmt: skip
