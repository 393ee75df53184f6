"""What the checks look at: the frame, its codebook, the roles of columns, who was interviewed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
import pandas as pd

from masar_research.codebook import Codebook, Text, Variable
from masar_research.errors import MasarError
from masar_research.expressions import evaluate, is_missing, parse
from masar_research.loading.personal_patterns import by_name
from masar_research.loading.raw import Note, guess_kind
from masar_research.quality.outcomes import Outcomes
from masar_research.quality.roles import Roles

KINDS = ("dont_know", "refused", "not_applicable", "not_asked", "missing")
DIFFERENT_NUMBERS = 20


@dataclass(frozen=True, slots=True, eq=False)
class Positions:
    """Where interviews were held; stays in memory and is never printed.

    Attributes
    ----------
    latitude, longitude, accuracy : ndarray of float, shape (n,)
        Degrees, degrees, metres; NaN where not recorded.
    """

    latitude: np.ndarray
    longitude: np.ndarray
    accuracy: np.ndarray


@dataclass(frozen=True, slots=True, eq=False)
class Target:
    """A published distribution to compare the sample with before weighting.

    Attributes
    ----------
    variables : tuple of str
    cells : mapping
        One code per variable → share or total.
    source : Text or None
    coverage : Text or None
        What it counts that the survey leaves out, or the other way round.
    """

    variables: tuple[str, ...]
    cells: Mapping[tuple, float]
    source: Text | None = None
    coverage: Text | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Material:
    """Everything the checks read; they change nothing.

    Attributes
    ----------
    frame : pandas.DataFrame, n rows
        Without personal columns.
    codebook : Codebook
    roles : Roles
    items : tuple of str
        Columns that hold answers, in the order of the questionnaire.
    interviewed : ndarray of bool, shape (n,)
        Rows that hold an interview, complete or broken off.
    finished : ndarray of bool, shape (n,)
        Rows that hold a complete interview.
    rows : ndarray of int, shape (n,)
        Row number in the file, from 1.
    constraints : mapping
        Item → condition its answers must meet, in the language of expressions.
    fieldwork : (date or None, date or None)
    ages : (float, float)
        Youngest and oldest age that can be in the population.
    positions : Positions or None
    country : str or None
        ISO code, for the test of positions.
    outcomes : Outcomes or None
    targets : tuple of Target
    unfit : tuple of (str, Text)
        Published margins of the survey's variables that count other people: name, and why.
    notes : tuple of Note
        What reading the file noticed.
    title, notice : Text or None
    checksum : str or None
    """

    frame: pd.DataFrame
    codebook: Codebook
    roles: Roles
    items: tuple[str, ...]
    interviewed: np.ndarray
    finished: np.ndarray
    rows: np.ndarray
    constraints: Mapping[str, str] = field(default_factory=dict)
    fieldwork: tuple[dt.date | None, dt.date | None] = (None, None)
    ages: tuple[float, float] = (0.0, 115.0)
    positions: Positions | None = None
    country: str | None = None
    outcomes: Outcomes | None = None
    targets: tuple[Target, ...] = ()
    unfit: tuple[tuple[str, Text], ...] = ()
    notes: tuple[Note, ...] = ()
    title: Text | None = None
    notice: Text | None = None
    checksum: str | None = None

    def role(self, name: str) -> np.ndarray | None:
        """A role's column as an array, None where the file has none."""
        column = getattr(self.roles, name)
        return None if column is None else self.frame[column].to_numpy()

    def groups(self, name: str) -> tuple[np.ndarray, list] | None:
        """A role's column as codes 0 … k−1 (−1 where empty) and its values in order."""
        column = getattr(self.roles, name)
        if column is None:
            return None
        codes, values = pd.factorize(self.frame[column], sort=False)
        values = list(values)
        try:
            order = sorted(range(len(values)), key=lambda k: values[k])
        except TypeError:
            order = sorted(range(len(values)), key=lambda k: str(values[k]))
        place = np.full(len(values) + 1, -1)
        place[order] = np.arange(len(values))
        return place[codes], [values[k] for k in order]

    def kinds(self, name: str) -> dict[float | str, str]:
        """Code → kind of a missing value: declared, or plain from the label of the code."""
        variable = self.codebook.get(name)
        out = missing_kinds(variable)
        spans = () if variable is None else variable.missing_ranges
        if spans and self.frame[name].dtype.kind == "f":
            for code in self.frame[name].dropna().unique():
                kind = next((span.missing for span in spans if code in span), None)
                if kind is not None:
                    out.setdefault(float(code), kind)
        return out

    def answered(self, name: str) -> np.ndarray:
        """Where a value stands that is not blank, "not asked" or "not applicable"; (n,) bool."""
        values = self.frame[name].to_numpy()
        out = ~is_missing(values)
        skip = [code for code, kind in self.kinds(name).items() if kind in ("not_asked", "not_applicable")]
        return out & ~np.isin(values, skip) if skip and values.dtype.kind != "M" else out

    def substantive(self, name: str) -> np.ndarray:
        """Where a value stands that is an answer, not a kind of missing; (n,) bool."""
        values = self.frame[name].to_numpy()
        gone = list(self.kinds(name))
        out = ~is_missing(values)
        return out & ~np.isin(values, gone) if gone and values.dtype.kind != "M" else out

    def asked(self, name: str) -> tuple[np.ndarray, np.ndarray] | None:
        """Whether the question applied, and whether that is known: two (n,) bool arrays.

        None where the universe is absent or cannot be computed from the columns at hand.
        """
        variable = self.codebook.get(name)
        if variable is None or not variable.universe:
            return None
        return self.holds(variable.universe)

    def holds(self, condition: str) -> tuple[np.ndarray, np.ndarray] | None:
        """Truth and knowledge of a condition over the rows; None where a column is absent."""
        if any(name not in self.frame.columns for name in _parsed(condition).names):
            return None
        try:
            out = evaluate(condition, lambda name: self.frame[name].to_numpy(), self.codebook.missing_kinds)
        except MasarError:
            return None
        n = len(self.frame)
        return np.broadcast_to(out.value, n).astype(bool), np.broadcast_to(out.known, n)

    def label(self, name: str, lang: str) -> str:
        """The label in a language, the other language or the name where there is none."""
        variable = self.codebook.get(name)
        words = variable.label if variable is not None else {}
        return words.get(lang) or words.get("en" if lang == "ar" else "ar") or name


@lru_cache(maxsize=4096)
def _parsed(condition: str):
    return parse(condition)


def missing_kinds(variable: Variable | None) -> dict[float | str, str]:
    """Code → kind of missing value, declared or read from the label ("Don't know", «رفض الإجابة»).

    Examples
    --------
    >>> from masar_research.codebook import Category
    >>> missing_kinds(Variable("q", {"en": "Q"}, categories=(Category(98, {"en": "Don't know"}),)))
    {98.0: 'dont_know'}
    """
    out = {}
    for category in () if variable is None else variable.categories:
        kind = category.missing
        if kind is None:
            guesses = {guess_kind(words) for words in category.label.values()} - {"missing"}
            kind = min(guesses, default=None)
        if kind is not None:
            out[category.code] = kind
    return out


def answer_items(frame: pd.DataFrame, codebook: Codebook, roles: Roles, derived: frozenset[str] = frozenset()) -> tuple[str, ...]:
    """Columns that hold answers of respondents: not design, metadata, personal, derived or free text.

    Parameters
    ----------
    frame : pandas.DataFrame
    codebook : Codebook
    roles : Roles
    derived : frozenset of str
        Made from other columns.
    """
    taken = {column for role, column in roles.named().items() if role != "age"} | derived
    out = []
    for name in map(str, frame.columns):
        if name in taken or name == "wave" or name.startswith(("_", "X_")) or by_name(name) is not None:
            continue
        variable, column = codebook.get(name), frame[name]
        if column.dtype.kind == "M" or column.isna().all():
            continue
        closed = variable is not None and bool(variable.categories)
        if closed or column.dtype.kind in "fiub":
            out.append(name)
    return tuple(out)


def who_answered(frame: pd.DataFrame, items: tuple[str, ...]) -> np.ndarray:
    """Rows that hold an interview: at least a fifth of the answers that the fullest tenth of rows has.

    Parameters
    ----------
    frame : pandas.DataFrame, n rows
    items : tuple of str

    Returns
    -------
    ndarray of bool, shape (n,)
    """
    if not items:
        return np.ones(len(frame), bool)
    count = frame[list(items)].notna().to_numpy().sum(axis=1)
    return count >= 0.2 * np.quantile(count, 0.9)


def coded(frame: pd.DataFrame, names: list[str]) -> np.ndarray:
    """Values as small codes, 0 where blank; (n, k) uint16, equal where the values are equal."""
    out = np.zeros((len(frame), len(names)), dtype=np.uint16)
    for j, name in enumerate(names):
        codes, _ = pd.factorize(frame[name])
        out[:, j] = (codes + 1) % 65536
    return out
