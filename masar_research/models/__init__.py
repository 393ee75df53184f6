"""Survey regression: logistic and other generalised linear models, average marginal effects."""

from masar_research.models.fitting import glm, logit
from masar_research.models.model import SurveyModel

__all__ = ["SurveyModel", "glm", "logit"]
