"""Survey regression: logistic and other generalised linear models, average marginal effects."""

from masar_research.models.fitting import glm, logit
from masar_research.models.model import SurveyModel
from masar_research.models.thin import sturdy_terms, thin_groups

__all__ = ["SurveyModel", "glm", "logit", "sturdy_terms", "thin_groups"]
