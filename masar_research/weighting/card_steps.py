"""The weighting steps that a survey's card declares, made into those of the builder and taken."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from masar_research.errors import WeightingError
from masar_research.estimates import Estimates
from masar_research.weighting.builder import Weighting, weighting
from masar_research.weighting.ground import Step
from masar_research.weighting.reference import card_margin
from masar_research.weighting.targets import MarginSpec, code_of

if TYPE_CHECKING:
    from masar_research.survey import Survey


def from_card(survey: Survey) -> Survey:
    """Apply the weighting steps the survey's card declares; none declared changes nothing.

    Parameters
    ----------
    survey : Survey
        Loaded from a card; files of targets are looked for beside it.

    Returns
    -------
    Survey
        With the weights, to the last bit, that the same verbs of ``survey.weighting`` give.

    Raises
    ------
    WeightingError
        No card, a missing file of targets, or a step that cannot be taken.
    """
    return _taken(survey, ())


def card_steps(survey: Survey) -> tuple[Step, ...]:
    """The steps that the survey's card declares, not yet taken."""
    return _steps(survey, ())


def _taken(survey: Survey, behind: tuple[Path, ...]) -> Survey:
    steps = _steps(survey, behind)
    return Weighting(survey, steps).apply() if steps else survey


def _steps(survey: Survey, behind: tuple[Path, ...]) -> tuple[Step, ...]:
    card = survey.card
    if card is None:
        raise WeightingError("This survey was not loaded from a card.",
                             remedy="Build the steps with survey.weighting instead.",
                             ar="لم يُحمَّل هذا المسح ببطاقة؛ ابنِ الخطوات بـ survey.weighting.")
    builder = weighting(survey)
    for step in card.weighting:
        builder = _add(builder, step, card, behind)
    return builder.steps


def _add(builder: Weighting, step: Any, card: Any, behind: tuple[Path, ...]) -> Weighting:
    """The builder with one more verb; the arguments are those of the card."""
    match step.step:
        case "base":
            return builder.base(step.expression, [s.model_dump(exclude_none=True) for s in step.stages] or None,
                                step.multiplicity)
        case "eligibility":
            return builder.eligibility(step.eligible, step.ineligible, step.unknown, step.cells, step.share)
        case "nonresponse":
            return builder.nonresponse(step.responded, step.cells, step.min_cell, step.eligible, step.max_factor,
                                       step.within)
        case "propensity":
            return builder.propensity(step.responded, step.on, step.classes, step.weighted, step.eligible)
        case "attrition":
            return builder.attrition(step.responded, step.cells, step.on, step.panel)
        case "rake":
            return builder.rake(_specs(step.margins, card), step.total, step.max_iter, step.tol)
        case "poststratify":
            return builder.poststratify(card_margin(step.margin, card), step.total)
        case "calibrate":
            return _calibrate(builder, step, card, behind)
        case "entropy":
            return builder.entropy({**_by_names(step.shares, card), **step.means}, step.max_iter, step.tol)
        case "balance":
            return builder.balance(step.group, code_of(step.reference), step.categories, step.numbers, step.moments,
                                   step.max_iter, step.tol)
        case "trim":
            margins = _specs(step.margins, card) or None
            return builder.trim(step.upper, step.lower, step.redistribute, step.within, step.max_deff, margins, step.total)
        case "normalise":
            return builder.normalise(step.total, step.by)
        case "combine":
            return builder.combine(step.factors)
    raise WeightingError(f"The card's step {step.step!r} is no weighting step.",
                         remedy="See the steps in docs/survey_cards.md.", ar="خطوة ترجيح غير معروفة في البطاقة.")


def _calibrate(builder: Weighting, step: Any, card: Any, behind: tuple[Path, ...]) -> Weighting:
    targets: Any = {**_by_names(step.margins, card), **step.numbers}
    source = None
    if step.estimates is not None:
        targets, source = estimated(step.estimates, card, behind)
    return builder.calibrate(
        targets, step.method, step.bounds, step.limits, step.population, step.household,
        {**_by_names(step.household_margins, card), **step.household_numbers} or None,
        step.tolerance, step.cost, step.covariance, source, step.total, step.max_iter, step.tol,
    )  # fmt: skip


def estimated(given: Any, card: Any, behind: tuple[Path, ...] = ()) -> tuple[list[Estimates], Survey]:
    """Counts and totals of another survey as its card describes it, and that survey.

    Parameters
    ----------
    given : loading.card_weighting.EstimatesCard
    card : SurveyCard
        The other card's path is looked for beside it, then as by ``load``.
    behind : tuple of Path
        Cards whose weighting waits for this one; meeting one of them again is an error.
    """
    from masar_research.loading import load

    here = None if card.path is None else Path(card.path)
    beside = None if here is None else here.parent / given.card
    other = load(beside if beside is not None and beside.is_file() else given.card, given.wave)
    chain = (*behind, *(() if here is None else (here.resolve(),)))
    if given.weighted:
        if other.card.path is not None and Path(other.card.path).resolve() in chain:
            raise WeightingError(
                f"The card {Path(other.card.path).name} takes targets from itself: its weights would need those "
                "targets first.",
                remedy="Name another survey's card, or write weighted: false for its base weights.",
                ar="تأخذ البطاقة أهدافها من نفسها؛ سمِّ بطاقة مسح آخر، أو اكتب weighted: false.",
            )
        other = _taken(other, chain)
    if given.where is not None:
        other = other.where(given.where)
    tables = [other.count(by=list(names)) for names in given.counts]
    if given.totals:
        tables.append(other.total(list(given.totals)))
    return tables, other


def _specs(margins: Sequence[Any], card: Any) -> tuple[MarginSpec, ...]:
    return tuple(card_margin(given, card) for given in margins)


def _by_names(margins: Sequence[Any], card: Any) -> dict[Any, MarginSpec]:
    return {spec.variables: spec for spec in _specs(margins, card)}
