"""What every regression lends for showing itself: a chart, sentences, an adapter."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from masar_research.models.comparison import Effects
    from masar_research.models.reading import Reading
    from masar_research.models.reading_words import Words
    from masar_research.present.art import Art
    from masar_research.present.direction import Lang


class Presented:
    """Verbs of a fitted model that need nothing but its results."""

    __slots__ = ()

    def plot(self, lang: Lang = "en", effects: Effects = "coefficients") -> Art:
        """Coefficients, ratios or average marginal effects with their intervals.

        Parameters
        ----------
        lang : {"ar", "en"}
        effects : {"coefficients", "ratios", "ame"}
            As of :func:`masar_research.models.comparison.compare_models`, which draws several models.
        """
        from masar_research.models.comparison import compare_models

        return compare_models(self, effects=effects).plot(lang)

    def reading(self, lang: Lang = "en", words: Words | None = None) -> Reading:
        """Every effect in a sentence; see :func:`masar_research.models.reading.reading`."""
        from masar_research.models.reading import reading

        return reading(self, lang, words)

    def say(self, term: str, lang: Lang = "en", words: Words | None = None) -> Reading:
        """One effect in a sentence; see :func:`masar_research.models.reading.say`."""
        from masar_research.models.reading import say

        return say(self, term, lang, words)

    def for_marginaleffects(self, columns: Sequence[str] = ()) -> Any:
        """For the package of that name; see :func:`masar_research.models.adapter.for_marginaleffects`."""
        from masar_research.models.adapter import for_marginaleffects

        return for_marginaleffects(self, columns)
