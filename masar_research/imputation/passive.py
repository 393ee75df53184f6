"""Derived variables made again from imputed ones, as the survey card or the caller says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from masar_research import expressions
from masar_research.errors import ModelError

if TYPE_CHECKING:
    from masar_research.survey import Survey

Look = Callable[[str], np.ndarray]


@dataclass(frozen=True, slots=True)
class Recipe:
    """How one variable follows from others.

    Attributes
    ----------
    name : str
    cases : tuple of (condition or None, code)
        The first condition that holds gives the code; None is "otherwise".
    compute : str or None
        Arithmetic, or a condition (1 where it holds, 0 where it does not), instead of cases.
    bands : (of, starts, end) or None
        Code k for starts[k−1] <= x < starts[k].
    universe : str or None
    needs : tuple of str
        Missing wherever one of these is.
    """

    name: str
    cases: tuple[tuple[str | None, float], ...] = ()
    compute: str | None = None
    bands: tuple[str, tuple[float, ...], float | None] | None = None
    universe: str | None = None
    needs: tuple[str, ...] = ()

    @property
    def sources(self) -> frozenset[str]:
        """Names it is made from, those of its universe among them."""
        texts = [when for when, _ in self.cases if when] + [t for t in (self.compute, self.universe) if t]
        names = {name for text in texts for name in expressions.parse(text).names} | set(self.needs)
        return frozenset(names | ({self.bands[0]} if self.bands else set()))


def of_card(survey: Survey, name: str) -> Recipe | None:
    """The recipe the survey's card declares; None where it has none that can be repeated here."""
    card = getattr(survey.card, "variables", {}).get(name) if survey.card is not None else None
    if card is None or card.waves or card.combine is not None:
        return None
    if any(case.missing is not None or isinstance(case.code, str) for case in card.cases or ()):
        return None
    if not (card.cases or card.compute or card.bands):
        return None
    cases = tuple((None if c.otherwise else c.when, float(c.code)) for c in card.cases or ())
    bands = (card.bands.of, tuple(card.bands.starts), card.bands.end) if card.bands else None
    recipe = Recipe(name, cases, card.compute, bands, card.universe, tuple(card.needs))
    return recipe if recipe.sources <= set(survey.frame.columns) else None


def followers(
    survey: Survey, targets: tuple[str, ...], given: Mapping[str, str]
) -> tuple[dict[str, Recipe], dict[str, str]]:
    """Variables made from imputed ones.

    Parameters
    ----------
    survey : Survey
    targets : tuple of str
    given : mapping
        Name → expression, the caller's.

    Returns
    -------
    recipes : dict
        In an order in which each follows its sources.
    stale : dict
        Those that cannot be made again → the imputed variable they came from.
    """
    unknown = set(given) & set(targets)
    if unknown:
        raise ModelError(
            f"{', '.join(sorted(unknown))}: imputed and derived at once.",
            remedy="Name a variable among variables or in derived, not in both.",
            ar="ورد المتغيّر ضمن المعوَّض وضمن المشتق معاً؛ اذكره في موضع واحد.",
        )
    recipes: dict[str, Recipe] = {}
    stale: dict[str, str] = {}
    moved = dict.fromkeys(targets, "")
    frame = set(survey.frame.columns)
    for name, text in given.items():
        absent = expressions.parse(text).names - frame - set(given)
        if absent:
            raise ModelError(
                f"derived[{name!r}] names {', '.join(sorted(absent))}, which the survey has not.",
                remedy="Use variables of the survey.",
                ar=f"تعبير المتغيّر المشتق «{name}» يذكر ما ليس في المسح.",
            )
    left = [name for name in (*given, *survey.codebook) if name not in targets]
    left = list(dict.fromkeys(left))
    changed = True
    while changed:
        changed = False
        for name in list(left):
            recipe = Recipe(name, compute=given[name]) if name in given else of_card(survey, name)
            sources = recipe.sources if recipe else _declared(survey, name, targets)
            from_ = [each for each in sources if each in moved or each in stale]
            if not from_:
                continue
            left.remove(name)
            changed = True
            old = next((each for each in from_ if each in stale), None)
            if recipe is None or old is not None:
                stale[name] = old or from_[0]
            else:
                recipes[name] = recipe
                moved[name] = ""
    return _sorted(recipes), stale


def _declared(survey: Survey, name: str, targets: tuple[str, ...]) -> frozenset[str]:
    """What a variable without a recipe was made from; of a question, targets read from the same column."""
    card = getattr(survey.card, "variables", {}).get(name) if survey.card is not None else None
    if card is None:
        return frozenset(survey.codebook[name].source) - {name} if survey.card is None else frozenset()
    if card.from_ is not None:
        cards = survey.card.variables
        return frozenset(t for t in targets if t in cards and cards[t].from_ == card.from_)
    recipe_names = set(survey.codebook[name].source) & set(survey.codebook)
    return frozenset(recipe_names - {name})


def _sorted(recipes: dict[str, Recipe]) -> dict[str, Recipe]:
    done: dict[str, Recipe] = {}
    left = dict(recipes)
    while left:
        ready = [name for name, each in left.items() if not (each.sources & (set(left) - {name}))]
        if not ready:
            raise ModelError(
                f"{', '.join(left)} are made from each other.", remedy="Derive one of them from the others only.",
                ar="متغيرات مشتقة يعتمد بعضها على بعض في دائرة؛ اشتق أحدها من غيره فقط.",
            )
        for name in ready:
            done[name] = left.pop(name)
    return done


def made(recipe: Recipe, look: Look, missing: Callable[[str], Any], n: int, outside: float) -> np.ndarray:
    """(n,) values of a recipe; NaN where unknown, `outside` where its universe excludes a person."""
    if recipe.cases:
        values, free, unsure = np.full(n, np.nan), np.ones(n, bool), np.zeros(n, bool)
        for when, code in recipe.cases:
            if when is None:
                hit = free & ~unsure
            else:
                out = expressions.evaluate(when, look, missing)
                known, true = (np.broadcast_to(each, (n,)) for each in (out.known, out.value))
                unsure |= free & ~known
                hit = free & known & true.astype(bool) & ~unsure
            values[hit] = code
            free &= ~hit
    elif recipe.bands:
        of, starts, end = recipe.bands
        x = np.array(look(of), float)
        gone = np.isnan(x) | np.isin(x, [c for c in missing(of) if not isinstance(c, str)])
        band = np.searchsorted(np.asarray(starts), x, side="right").astype(float)
        beyond = (band == 0) | ((x > end) if end is not None else False)
        values = np.where(gone, np.nan, np.where(beyond, outside, band))
    else:
        out = expressions.evaluate(recipe.compute, look, missing)
        values = np.where(out.known, np.asarray(out.value, float), np.nan)
        values = np.array(np.broadcast_to(values, (n,)))
    for name in recipe.needs:
        x = np.array(look(name), float)
        values[np.isnan(x) | np.isin(x, [c for c in missing(name) if not isinstance(c, str)])] = np.nan
    if recipe.universe:
        out = expressions.evaluate(recipe.universe, look, missing)
        known, true = (np.broadcast_to(each, (n,)) for each in (out.known, out.value))
        values = np.where(known & ~true.astype(bool), outside, np.where(known, values, np.nan))
    return values
