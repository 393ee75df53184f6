"""Residuals, influence and their charts, as verbs of ordinal, multinomial and Cox models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from masar_research.models.diagnostics import Influence, Leaving, Residuals
    from masar_research.models.row_residuals import ColumnResiduals
    from masar_research.present.art import Art


class Inspected:
    """Verbs that look at what a model leaves over and at what holds it."""

    __slots__ = ()

    def residuals(self, kind: str | None = None) -> Residuals | ColumnResiduals:
        """Residuals; see :func:`masar_research.models.row_residuals.residuals`."""
        from masar_research.models.row_residuals import residuals

        return residuals(self, kind)  # type: ignore[arg-type]

    def influence(self, leaving: Leaving = "one_step") -> Influence:
        """Of persons and PSUs; see :func:`masar_research.models.unit_influence.influence`."""
        from masar_research.models.unit_influence import influence

        return influence(self, leaving)  # type: ignore[arg-type]

    def plot_residuals(self, lang: str = "en", kind: str = "binned", of: Any = None) -> Art:
        """See :func:`masar_research.models.row_charts.plot_residuals`."""
        from masar_research.models.row_charts import plot_residuals

        return plot_residuals(self, lang, kind, of)  # type: ignore[arg-type]

    def plot_influence(self, lang: str = "en") -> Art:
        """See :func:`masar_research.models.diagnostic_charts.plot_influence`."""
        from masar_research.models.diagnostic_charts import plot_influence

        return plot_influence(self, lang)
