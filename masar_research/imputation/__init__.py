"""Multiple imputation that knows the design, and what follows from it."""

from __future__ import annotations

from masar_research.imputation.given import Implicates, from_implicates, from_surveys
from masar_research.imputation.imputed import Imputed
from masar_research.imputation.impute import impute

__all__ = ["Implicates", "Imputed", "from_implicates", "from_surveys", "impute"]
