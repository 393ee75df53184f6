"""`survey.diagnostics`: what the design costs, against a named reference."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import pandas as pd

from masar_research.codebook import Codebook
from masar_research.engine import effects
from masar_research.engine.effects import Reference
from masar_research.note import Note
from masar_research.present import numbers
from masar_research.showing import Shown, check_language, word
from masar_research.survey import Names, Survey

_AGAINST = {
    "with_replacement": (
        "simple random sampling with replacement of the same n",
        "العينة العشوائية البسيطة مع الإرجاع من الحجم نفسه",
    ),
    "without_replacement": (
        "simple random sampling without replacement of the same n",
        "العينة العشوائية البسيطة دون إرجاع من الحجم نفسه",
    ),
}
# Column → its head in both languages, and digits.
_TOLD: dict[str, tuple[str, str, int]] = {
    "estimate": ("Estimate", "التقدير", 3), "std_error": ("Standard error", "الخطأ المعياري", 4),
    "cv": ("cv", "معامل الاختلاف", 3), "n": ("n", "ن", 0), "df": ("df", "درجات الحرية", 0),
    "psus": ("PSUs", "وحدات المعاينة", 0), "deff": ("deff", "أثر التصميم", 2),
    "deft": ("deft", "جذر أثر التصميم", 2), "n_eff": ("Effective n", "ن الفعّالة", 0),
    "deff_weights": ("deff of weights", "أثر الأوزان", 2),
    "meff": ("meff", "أثر سوء التوصيف", 2), "icc": ("ICC", "الارتباط داخل الوحدة", 3),
    "rows_per_psu": ("Rows per PSU", "سجلات لكل وحدة", 1),
}  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Diagnostics:
    """Design diagnostics, one row per domain and variable.

    Attributes
    ----------
    frame : pandas.DataFrame
        Domain columns, ``variable``, then ``estimate, std_error, cv, n, df, psus, deff, deft,
        n_eff, deff_weights, meff, icc, rows_per_psu``.
    note : mapping
        Weights, base, design, and what ``deff`` is against.
    """

    frame: pd.DataFrame
    note: Mapping[str, Any]

    codebook: Codebook

    def table(self, lang: str = "en") -> Shown:
        """A table for reading, in Arabic or English."""
        check_language(lang)
        side = int(lang == "ar")
        named = [c for c in self.frame.columns if c not in _TOLD]
        columns: dict[str, list[str]] = {}
        for name in named:
            columns[_title(self.codebook, name, lang)] = [
                _label(self.codebook, name, code, lang) for code in self.frame[name]
            ]
        for name, (*heads, digits) in _TOLD.items():
            columns[heads[side]] = [
                "–" if not np.isfinite(value) else numbers.number(value, lang, digits)
                for value in self.frame[name].to_numpy(float)
            ]
        against = _AGAINST[self.note["reference"]][side]
        said = f"أثر التصميم نسبةً إلى {against}" if side else f"Design effects against {against}"
        numeric = frozenset(heads[side] for heads in _TOLD.values())
        return Shown(pd.DataFrame(columns), lang, numeric, (said,))

    def __repr__(self) -> str:
        return repr(self.table("en"))

    def _repr_html_(self) -> str:
        return "".join(self.table(lang)._repr_html_() for lang in ("en", "ar"))


def _title(book: Codebook, name: str, lang: str) -> str:
    if name in book:
        return book[name].label.get(lang) or name
    return word(name, lang) if name == "variable" else name


def _label(book: Codebook, name: str, code: Any, lang: str) -> str:
    if name == "variable":
        return (book[code].label.get(lang) or code) if code in book else str(code)
    for category in book[name].categories if name in book else ():
        if category.code == code:
            return category.label.get(lang) or str(code)
    return str(code)


def diagnostics(
    survey: Survey,
    variables: Names,
    by: Names | None = None,
    reference: Reference = "with_replacement",
) -> Diagnostics:
    """Design effect, effective n, misspecification effect, clustering and cv of means.

    Parameters
    ----------
    variables : str or list of str
        Numeric or 0/1.
    by : str or list of str, optional
    reference : {"with_replacement", "without_replacement"}
        The simple random sample that deff compares with (R's ``deff="replace"`` and
        ``deff=TRUE``); without replacement the weights must add to the population.

    Returns
    -------
    Diagnostics
        ``deff`` and its root ``deft``; ``n_eff = n / deff``; ``deff_weights`` from unequal
        weights alone (Kish); ``meff``, variance over what ignoring weights, strata and PSUs
        would report; ``icc``, the intraclass correlation by PSU; ``rows_per_psu``; ``cv``.

    Raises
    ------
    EstimationError
        Unknown reference; without replacement, weights that add to no more than n.

    References
    ----------
    Kish (1965), *Survey Sampling*; Skinner, Holt and Smith (1989), *Analysis of Complex Surveys*.

    Examples
    --------
    >>> import pandas as pd, masar_research as mr
    >>> frame = pd.DataFrame({"w": 1.0, "psu": [1, 1, 2, 2], "y": [1.0, 1.0, 3.0, 3.0]})
    >>> found = mr.Survey(frame, weights="w", psu="psu").diagnostics("y")
    >>> found.frame[["deff", "icc"]].round(6).values.tolist()
    [[3.0, 1.0]]
    """
    asked = survey._answer(variables, by, 0.95)
    domains = asked.columns.domains(asked.by)
    tables, missing = [], 0
    counted = asked.design.weights > 0
    if asked.mask is not None:
        counted = counted & asked.mask
    for name in asked.variables:
        missing += int(np.count_nonzero(np.isnan(asked.columns.values(name)) & counted))
        found = effects.diagnose(
            asked.design, asked.columns.values(name), reference=reference, **asked.cells(domains)
        )
        columns = {field.name: np.asarray(getattr(found, field.name)) for field in fields(found)}
        tables.append(domains.keys.assign(variable=name, **columns))
    facts = {"deff": _AGAINST[reference][0], "reference": reference, "missing": missing}
    note = Note({**asked.note, **facts})
    return Diagnostics(pd.concat(tables, ignore_index=True), note, asked.columns.codebook)
