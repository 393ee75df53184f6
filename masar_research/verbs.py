"""The verbs that `Survey` and `Estimates` lend from the floors above, in one table.

A row names the verb, the module that holds it and whether it is a property. The module is
imported when the verb is first called, so `import masar_research` stays light and no lower
floor depends on a higher one; completion and `help` see every verb.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from types import MethodType
from typing import Any


@dataclass(frozen=True, slots=True)
class Verb:
    """One lent verb.

    Attributes
    ----------
    name : str
        As it is called on the object.
    home : str
        ``module:function``; the function takes the object first.
    doc : str
        One line for completion; the function's own docstring says the rest.
    is_property : bool
        Whether it is read without parentheses.
    """

    name: str
    home: str
    doc: str
    is_property: bool = False


SURVEY: tuple[Verb, ...] = (
    Verb("weighting", "masar_research.weighting:weighting", "Weighting steps as data.", True),
    Verb("check", "masar_research.quality:check", "Checks before analysis."),
    Verb("logit", "masar_research.models:logit", "Survey-weighted logistic regression."),
    Verb(
        "with_replicates", "masar_research.weighting.replicates:with_replicates",
        "Replicate weights made from the design.",
    ),  # fmt: skip
    Verb(
        "calibrate_second_phase", "masar_research.weighting.phase_two:calibrate_second_phase",
        "Second-phase weights calibrated to the first.",
    ),  # fmt: skip
    Verb(
        "first_phase", "masar_research.statistics.two_phase:first_phase",
        "The whole first phase of a two-phase sample.",
    ),
    Verb(
        "phase_variances", "masar_research.statistics.two_phase:phase_variances",
        "Variance due to either phase.",
    ),
    Verb("glm", "masar_research.models:glm", "Survey-weighted generalised linear model."),
    Verb("chi_square", "masar_research.statistics.association:chi_square", "Rao–Scott test."),
    Verb(
        "goodness_of_fit", "masar_research.statistics.association:goodness_of_fit",
        "Test of given shares.",
    ),
    Verb("t_test", "masar_research.statistics.groups:t_test", "t test of two groups."),
    Verb("rank_test", "masar_research.statistics.groups:rank_test", "Rank test of groups."),
    Verb("gini", "masar_research.statistics.inequality:gini", "Gini coefficients."),
    Verb("lorenz", "masar_research.statistics.inequality:lorenz", "Points of the Lorenz curve."),
    Verb("quintile_ratio", "masar_research.statistics.inequality:quintile_ratio", "S80/S20."),
    Verb("fgt", "masar_research.statistics.poverty:fgt", "Poverty rate, gap and severity."),
    Verb("alkire_foster", "masar_research.statistics.poverty:alkire_foster", "H, A and M0."),
    Verb("pay_gap", "masar_research.statistics.poverty:pay_gap", "Unadjusted pay gap."),
    Verb("statistic", "masar_research.statistics.own:statistic", "A statistic of one's own."),
    Verb("as_r_script", "masar_research.statistics.rscript:as_r_script", "Repeat an estimate in R."),
    Verb("quantile", "masar_research.statistics.quantiles:quantile", "Weighted quantiles."),
    Verb("median", "masar_research.statistics.quantiles:median", "Weighted medians."),
    Verb("variance", "masar_research.statistics.moments:variance", "Population variances."),
    Verb("covariance", "masar_research.statistics.moments:covariance", "Covariance of a pair."),
    Verb("correlation", "masar_research.statistics.moments:correlation", "Correlation of a pair."),
    Verb(
        "percent_table", "masar_research.statistics.percent_tables:percent_table",
        "Two variables crossed.",
    ),
    Verb(
        "multi_response", "masar_research.statistics.multi_response:multi_response",
        "Options of a question with several answers.",
    ),
    Verb(
        "standardise", "masar_research.statistics.standardised:standardise",
        "Directly standardised rates.",
    ),
    Verb(
        "source_of", "masar_research.loading.tracing:source_of",
        "Columns and raw codes behind a variable.",
    ),
    Verb("raw_rows", "masar_research.loading.tracing:raw_rows", "Raw codes of every row."),
    Verb(
        "harmonisation", "masar_research.indicators.coverage:harmonisation",
        "What became what; what the survey has and lacks.",
    ),
    Verb(
        "diagnostics", "masar_research.statistics.diagnostics:diagnostics",
        "Design effects, effective n, clustering.",
    ),
    Verb(
        "apply_codebook", "masar_research.loading.codebook_apply:apply_codebook",
        "The survey as an edited codebook workbook says.",
    ),  # fmt: skip
    Verb(
        "codebook_html", "masar_research.loading.codebook_page:codebook_html",
        "A codebook with frequencies, in one HTML file.",
    ),  # fmt: skip
    Verb(
        "codebook_ddi", "masar_research.loading.codebook_ddi:codebook_ddi",
        "The codebook as DDI-Codebook 2.5 XML.",
    ),  # fmt: skip
    Verb("ordinal", "masar_research.models.ordinal:ordinal", "Survey-weighted ordinal regression."),
    Verb(
        "multinomial", "masar_research.models.multinomial:multinomial",
        "Survey-weighted multinomial logistic regression.",
    ),  # fmt: skip
    Verb("cox", "masar_research.models.cox:cox", "Survey-weighted Cox regression."),
    Verb("loglinear", "masar_research.models.loglinear:loglinear", "Log-linear model of a table."),
    Verb("two_stage", "masar_research.models.two_stage:two_stage", "Two-stage least squares."),
    Verb(
        "quantile_regression", "masar_research.models.quantile_regression:quantile_regression",
        "Survey-weighted quantile regression.",
    ),  # fmt: skip
    Verb("linear", "masar_research.models:linear", "Survey-weighted linear regression."),
    Verb("probit", "masar_research.models:probit", "Survey-weighted probit regression."),
    Verb("cloglog", "masar_research.models:cloglog", "Complementary log-log regression."),
    Verb("poisson", "masar_research.models:poisson", "Survey-weighted Poisson regression."),
    Verb(
        "negative_binomial", "masar_research.models:negative_binomial",
        "Survey-weighted negative binomial regression.",
    ),  # fmt: skip
    Verb("gamma", "masar_research.models:gamma", "Survey-weighted gamma regression."),
    Verb(
        "small_area_unit", "masar_research.places.small_areas_unit:small_area_unit",
        "Model-based means of areas (Battese–Harter–Fuller).",
    ),  # fmt: skip
    Verb("maihda", "masar_research.models.maihda:maihda", "Intersections: multilevel models."),
    Verb("oaxaca", "masar_research.models.decomposition:oaxaca", "A gap in two parts."),
    Verb(
        "oaxaca_threefold", "masar_research.models.decomposition:oaxaca_threefold",
        "A gap in three parts.",
    ),
    Verb(
        "rif_oaxaca", "masar_research.models.decomposition:rif_oaxaca",
        "A gap of quantiles, variances or Gini coefficients in two parts.",
    ),  # fmt: skip
    Verb(
        "kitagawa", "masar_research.models.decomposition:kitagawa",
        "A difference of rates: composition and rates.",
    ),  # fmt: skip
    Verb(
        "concentration", "masar_research.statistics.concentration:concentration",
        "Concentration indices.",
    ),
    Verb("reach", "masar_research.statistics.concentration:reach", "Reach-equity ratios."),
    Verb("agreement", "masar_research.measurement.agreement:agreement", "Krippendorff's alpha of coders."),
    Verb(
        "discernment", "masar_research.measurement.discernment:discernment",
        "Telling true headlines from false ones: d′ and c.",
    ),  # fmt: skip
    Verb("wealth_index", "masar_research.measurement.wealth:wealth_index", "Wealth index from assets."),
    Verb("dif", "masar_research.measurement.dif:dif", "Items that work differently in groups."),
    Verb("impute", "masar_research.imputation.impute:impute", "Multiple imputation that knows the design."),
    Verb("scale", "masar_research.measurement.scales:scale", "Scale scores from declared items."),
    Verb(
        "reliability", "masar_research.measurement.reliability:reliability",
        "Cronbach's alpha and item analysis.",
    ),  # fmt: skip
    Verb(
        "polychoric", "masar_research.measurement.polychoric:polychoric",
        "Correlations of what lies behind ordered answers.",
    ),  # fmt: skip
    Verb("factors", "masar_research.measurement.factors:factors", "Exploratory factor analysis."),
    Verb(
        "confirmatory", "masar_research.measurement.confirmatory:confirmatory",
        "Confirmatory factor analysis.",
    ),  # fmt: skip
    Verb(
        "invariance", "masar_research.measurement.invariance:invariance",
        "Whether a scale means the same in every group or wave.",
    ),  # fmt: skip
)

#: What a survey on files lends from modules that read it in passes.
STREAMED: tuple[Verb, ...] = (
    Verb("weighting", "masar_research.streaming.raking:weighting", "Weighting steps as data.", True),
    Verb("logit", "masar_research.streaming.regression:logit", "Survey-weighted logistic regression."),
    Verb(
        "glm", "masar_research.streaming.regression:glm",
        "Survey-weighted generalised linear model.",
    ),
)

ESTIMATES: tuple[Verb, ...] = (
    Verb("map", "masar_research.places:map_estimates", "Map of governorates or regions."),
    Verb("pairwise", "masar_research.statistics.pairs:pairwise", "All differences, adjusted p."),
    Verb("ratio", "masar_research.statistics.smooth:ratio", "Ratio of two rows."),
    Verb("odds_ratio", "masar_research.statistics.smooth:odds_ratio", "Odds ratio of two shares."),
    Verb("transform", "masar_research.statistics.smooth:transform", "Smooth function of rows."),
    Verb("equivalence", "masar_research.statistics.equivalence:equivalence", "Two one-sided tests."),
    Verb("trend", "masar_research.statistics.trend:trend", "Trend and equality over waves."),
    Verb("joint", "masar_research.statistics.trend:joint", "Joint Wald test of contrasts."),
    Verb(
        "small_area", "masar_research.places.small_areas:small_area",
        "Model-based estimates for areas (Fay–Herriot).",
    ),
)


class Lent:
    """Descriptor that resolves one `Verb` at its first use."""

    def __init__(self, verb: Verb) -> None:
        self.verb = verb
        self.__doc__ = f"{verb.doc} See `{verb.home.replace(':', '.')}`."

    def __get__(self, instance: Any, owner: type) -> Any:
        module, _, name = self.verb.home.partition(":")
        if instance is None:
            return self if self.verb.is_property else getattr(import_module(module), name)
        function = getattr(import_module(module), name)
        return function(instance) if self.verb.is_property else MethodType(function, instance)


def lend(owner: type, verbs: tuple[Verb, ...]) -> None:
    """Put the verbs of a table on a class."""
    for verb in verbs:
        setattr(owner, verb.name, Lent(verb))
