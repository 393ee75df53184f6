"""Pictures of an imputation: chains, and answers beside imputed values. No single person is drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from masar_research.present import numbers
from masar_research.present.charts import imputations
from masar_research.showing import check_language

if TYPE_CHECKING:
    from masar_research.imputation.imputed import Imputed
    from masar_research.present import Art

_FEWEST, _CLASSES = 5, 10
_WORDS = {
    "mean": ("mean of the imputed values, one line per imputation", "متوسط القيم المعوَّضة، خط لكل تعويض"),
    "rounds": ("round", "الجولة"),
    "answered": ("answered", "المُجاب عنه"),
    "imputed": ("imputed", "المعوَّض"),
    "shares": ("shares of persons, unweighted", "نسب الأفراد دون ترجيح"),
}


def say(key: str, lang: str) -> str:
    """Words of these pictures."""
    return _WORDS[key][lang == "ar"]


def label(imputed: Imputed, variable: str, lang: str) -> str:
    """The variable's label; its name where that language is absent."""
    book = imputed.plan.survey.codebook
    return book[variable].label.get(lang, variable) if variable in book else variable


def trace(imputed: Imputed, variable: str, lang: str) -> Art:
    """See `Imputed.plot_trace`."""
    check_language(lang)
    imputed.values(variable)
    at = imputed.variables.index(variable)
    return imputations.chains(
        list(imputed.means[:, :, at]), lang, title=f"{label(imputed, variable, lang)}: {say('mean', lang)}",
        rounds=say("rounds", lang))  # fmt: skip


def beside(imputed: Imputed, variable: str, lang: str) -> Art:
    """See `Imputed.plot`."""
    check_language(lang)
    answered, drawn = imputed.values(variable)
    found = classes(imputed, variable, answered, drawn, lang)
    one = _shares([a for _, a, _ in found], 1)
    two = _shares([b for _, _, b in found], imputed.m)
    rows = list(zip([name for name, _, _ in found], one, two, strict=True))
    return imputations.beside(rows, lang, names=(say("answered", lang), say("imputed", lang)),
                              title=f"{label(imputed, variable, lang)}: {say('shares', lang)}")


def classes(
    imputed: Imputed, variable: str, answered: np.ndarray, drawn: np.ndarray, lang: str
) -> list[tuple[str, int, int]]:
    """Name, answers and imputed values (over all imputations) of every category, or class of a number."""
    codes = np.unique(np.concatenate([answered, drawn]))
    book = imputed.plan.survey.codebook
    if codes.size <= 12:
        names = {c.code: c.label.get(lang) for c in book[variable].categories} if variable in book else {}
        return [(names.get(c) or f"{c:g}", int((answered == c).sum()), int((drawn == c).sum())) for c in codes]
    edges = np.unique(np.quantile(answered, np.linspace(0, 1, _CLASSES + 1)[1:-1]))
    digits = 0 if np.ptp(answered) >= 20 else 2
    told = [numbers.number(edge, lang, digits) for edge in edges]
    under, over = {"en": ("under {}", "{} and over"), "ar": ("أقل من {}", "{} فأكثر")}[lang]
    names = [under.format(told[0]), *[f"\u2066{a}–{b}\u2069" for a, b in zip(told, told[1:])], over.format(told[-1])]
    one, two = (np.bincount(np.searchsorted(edges, v, side="right"), minlength=edges.size + 1) for v in (answered, drawn))
    return [(name, int(a), int(b)) for name, a, b in zip(names, one, two, strict=True)]


def _shares(counts: list[int], m: int) -> list[float | None]:
    """None where fewer than five persons, but somebody, stand behind one; a second with a lone one."""
    total = sum(counts)
    if not total:
        return [None] * len(counts)
    few = [0 < count / m < _FEWEST for count in counts]
    if sum(few) == 1:
        others = [k for k, hidden in enumerate(few) if not hidden and counts[k]]
        if others:
            few[min(others, key=lambda k: counts[k])] = True
    return [None if hidden else count / total for hidden, count in zip(few, counts, strict=True)]
