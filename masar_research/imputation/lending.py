"""The verbs of completed surveys, each answered over all imputations."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from masar_research.errors import MasarError, ModelError
from masar_research.estimates import Estimates
from masar_research.imputation.combining import PooledModel, combine

if TYPE_CHECKING:
    from masar_research.survey import Survey

Names = str | Sequence[str]


class Completed:
    """What imputations of one survey can be asked; `surveys` gives them one after the other."""

    __slots__ = ()

    def surveys(self) -> Iterator[Survey]:
        """The completed surveys, made one at a time."""
        raise NotImplementedError

    def _facts(self) -> dict[str, Any]:
        raise NotImplementedError

    def _stale(self) -> dict[str, str]:
        return {}

    def estimate(self, statistic: Callable[[Survey], Any]) -> Any:
        """Any estimate or model of the package, pooled by Rubin's rules.

        Parameters
        ----------
        statistic : callable
            Survey → Estimates or model: ``lambda s: s.median("wage", by="sex")``. Contrasts taken
            inside are pooled as contrasts.

        Returns
        -------
        Estimates or PooledModel
            With ``fmi``, ``riv`` (relative increase of the variance) and ``efficiency``; their covariance is
            Rubin's total.

        Raises
        ------
        ModelError
            A result without covariance (p values are not averaged); rows that differ between
            imputations; a derived variable that could not be made again.
        """
        try:
            return combine([statistic(survey) for survey in self.surveys()], self._facts())
        except MasarError as error:
            for name, source in self._stale().items():
                if f"{name!r}" in error.what:
                    raise ModelError(
                        f"{name!r} follows from {source!r}, which was imputed, and the survey card does not say how "
                        "in a way that can be repeated.",
                        remedy=f"Give derived={{{name!r}: 'expression'}} to impute.",
                        ar=f"«{name}» مشتق من متغيّر عُوِّض ولا يمكن إعادة اشتقاقه من البطاقة؛ أعطِ تعبيره في derived.",
                    ) from error
            raise

    def mean(self, variables: Names, by: Names | None = None, level: float = 0.95) -> Estimates:
        """Pooled `Survey.mean`."""
        return self.estimate(lambda s: s.mean(variables, by=by, level=level))

    def proportion(self, variables: Names, by: Names | None = None, level: float = 0.95) -> Estimates:
        """Pooled `Survey.proportion`: averaged as shares, interval by the logit of the pooled share."""
        return self.estimate(lambda s: s.proportion(variables, by=by, level=level))

    def total(self, variables: Names, by: Names | None = None, level: float = 0.95) -> Estimates:
        """Pooled `Survey.total`."""
        return self.estimate(lambda s: s.total(variables, by=by, level=level))

    def ratio(self, numerator: str, denominator: str, by: Names | None = None, level: float = 0.95) -> Estimates:
        """Pooled `Survey.ratio`."""
        return self.estimate(lambda s: s.ratio(numerator, denominator, by=by, level=level))

    def count(self, by: Names | None = None, level: float = 0.95) -> Estimates:
        """Pooled `Survey.count`."""
        return self.estimate(lambda s: s.count(by=by, level=level))

    def median(self, variables: Names, by: Names | None = None, level: float = 0.95) -> Estimates:
        """Pooled `Survey.median`."""
        return self.estimate(lambda s: s.median(variables, by=by, level=level))

    def linear(self, formula: str) -> PooledModel:
        """Pooled linear regression."""
        return self.estimate(lambda s: s.linear(formula))

    def logit(self, formula: str) -> PooledModel:
        """Pooled logistic regression."""
        return self.estimate(lambda s: s.logit(formula))

    def glm(self, formula: str, family: str = "binomial") -> PooledModel:
        """Pooled generalised linear model."""
        return self.estimate(lambda s: s.glm(formula, family))
