"""The synthetic demonstration survey: a finite population and samples drawn from it.

Everything here is invented. Published facts set the level of the totals (see ``facts.py``);
no record describes a person, household or place that exists.

The two calls a test needs:

>>> from generator import draw_sample, population          # doctest: +SKIP
>>> pop = population(2026)                                  # doctest: +SKIP
>>> frame = draw_sample(pop, 2026, np.random.default_rng(1))  # doctest: +SKIP
"""

from .population import Population, WaveView, population, the_population
from .sampling import Plan, draw_plan, draw_sample, draw_study

__all__ = [
    "Plan",
    "Population",
    "WaveView",
    "draw_plan",
    "draw_sample",
    "draw_study",
    "population",
    "the_population",
]
