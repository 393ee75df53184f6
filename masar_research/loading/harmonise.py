"""From a file's own columns to the harmonised variables of a card, with a record of what became what."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from masar_research.codebook import Category, Codebook, Variable
from masar_research.errors import CardError, DataError
from masar_research.expressions import Outcome, evaluate, is_missing, parse, truth
from masar_research.loading.cards import SurveyCard, VariableCard
from masar_research.loading.derive import by_bands, by_cases, by_combine, by_compute, needing, within
from masar_research.loading.kinds import RESERVED, SKIPPED, WORDS, Column
from masar_research.loading.raw import Raw
from masar_research.loading.recode import read_column
from masar_research.loading.yaml_lines import did_you_mean, read_yaml


@dataclass(frozen=True, slots=True)
class Harmonised:
    """One wave in harmonised variables.

    Attributes
    ----------
    frame : pandas.DataFrame
    columns : dict of Column
    report : pandas.DataFrame
        variable, source, before, after, meaning, n: what became what.
    """

    frame: pd.DataFrame
    columns: Mapping[str, Column]
    report: pd.DataFrame


def card_error(card: SurveyCard, where: list, what: str, remedy: str, ar: str | None = None) -> CardError:
    """An error about a card, with its line where the card came from a file."""
    if card.path is not None and card.path.is_file():
        return read_yaml(card.path).error(where, what, remedy, ar)
    return CardError(f"{card.study}, {'.'.join(map(str, where))}: {what}", remedy=remedy, ar=ar)


def set_aside(raw: Raw) -> frozenset[str]:
    """Names of the columns that identified somebody and were not loaded, with and without their groups."""
    names = [name for note in raw.notes if note.kind == "set_aside" for name in note.columns]
    return frozenset([*names, *(re.split(r"[/.:]", name)[-1] for name in names)])


def no_column(
    card: SurveyCard, wave: int | str | None, where: list, name: str, aside: frozenset[str], known: Iterable[str]
) -> CardError:
    """The error about a column a card names and the file does not give: absent, or set aside as personal."""
    en, ar = ("the wave", "الجولة") if wave is None else (f"wave {wave}", f"الجولة {wave}")
    if name in aside:
        return card_error(
            card, where,
            f"the column {name!r} of {en} identifies people and was set aside at loading.",
            f"If the study needs it, write keep_personal: [{name}] under {en} in waves:; otherwise leave it out.",
            f"العمود {name} في {ar} يدل على أشخاص فنُحّي عند التحميل. إن احتاجت إليه الدراسة فاكتب "
            f"keep_personal: [{name}] تحت {ar} في waves:، وإلا فاحذفه من البطاقة.",
        )  # fmt: skip
    return card_error(
        card, where, f"the file of {en} has no column {name!r}.", did_you_mean(name, known),
        f"ليس في ملف {ar} عمود باسم {name}.",
    )  # fmt: skip


def harmonise(raw: Raw, card: SurveyCard, wave: int | str) -> Harmonised:
    """Make a wave's harmonised variables from its file.

    Parameters
    ----------
    raw : Raw
        The file as read.
    card : SurveyCard
    wave : int or str
        A wave of the card.

    Returns
    -------
    Harmonised

    Raises
    ------
    CardError
        If the card names a column the file has not, leaves a value without a place, or goes in a circle.
    """
    work = Work(selected(raw, card), raw.codebook, card, wave, set_aside(raw))
    for name in card.variables:
        work.column(name)
    frame = pd.DataFrame({name: work.done[name].values for name in card.variables})
    report = pd.DataFrame(work.report, columns=["variable", "source", "before", "after", "meaning", "n"])
    return Harmonised(frame, {name: work.done[name] for name in card.variables}, report)


def describe(name: str, card: VariableCard, columns: list[Column]) -> Variable:
    """The codebook entry of a harmonised variable from its card and its columns in the waves loaded."""
    kinds: dict[float | str, str] = {}
    for column in columns:
        kinds.update(column.kinds)
    valid = tuple(Category(code, label) for code, label in card.codes.items() if code not in kinds)
    gone = tuple(
        Category(code, card.missing_labels.get(code, WORDS[kind]), kind)
        for code, kind in sorted(kinds.items(), key=lambda pair: (isinstance(pair[0], str), pair[0]))
    )
    sources = tuple(dict.fromkeys(source for column in columns for source in column.source))
    return Variable(
        name,
        card.label,
        card.question,
        card.scale,
        valid + gone,
        card.universe,
        card.unit,
        sources,
        card.note,
    )


def selected(raw: Raw, card: SurveyCard) -> pd.DataFrame:
    """The rows of a file that belong to the study, in its own columns."""
    if card.select is None:
        return raw.frame
    names = parse(card.select).names
    for name in sorted(names - set(raw.frame.columns)):
        if name in set_aside(raw):
            raise no_column(card, None, ["select"], name, set_aside(raw), raw.frame.columns)
        raise card_error(
            card,
            ["select"],
            f"the file has no column {name!r}; select: reads the columns of the file.",
            did_you_mean(name, raw.frame.columns),
            f"ليس في الملف عمود باسم \u2066{name}\u2069؛ يقرأ الحقل select: أعمدة الملف. صحّح الاسم.",
        )
    try:
        rows = truth(
            card.select, {name: raw.frame[name].to_numpy() for name in names}, raw.codebook.missing_kinds
        )
    except DataError as error:
        raise card_error(card, ["select"], error.what, error.remedy, error.ar) from None
    if not rows.any():
        raise card_error(
            card, ["select"], f"no row of the file satisfies {card.select!r}.", "Check the codes in the file.", f"لا صفّ في الملف يحقق الشرط \u2066{card.select}\u2069. راجع الرموز في الملف."
        )
    return raw.frame[rows].reset_index(drop=True)


@dataclass(slots=True)
class Work:
    """One wave while it is being harmonised: the file's columns, what is done, what is under way.

    Names in expressions mean a variable of the card first, then a column of the file; a variable that
    names itself means its column.
    """

    frame: pd.DataFrame
    codebook: Codebook
    card: SurveyCard
    wave: int | str
    aside: frozenset[str] = frozenset()
    done: dict[str, Column] = field(default_factory=dict)
    open: list[str] = field(default_factory=list)
    report: list[tuple] = field(default_factory=list)

    def error(self, name: str, part: str | None, what: str, remedy: str, ar: str | None) -> CardError:
        """An error that names the card, the line and the field."""
        where = ["variables", name] + ([part] if part else [])
        return card_error(self.card, where, what, remedy, ar)

    def no_column(self, name: str, part: str | None, column: str) -> CardError:
        """The error about a column of the file that a variable reads and that is not there."""
        where = ["variables", name] + ([part] if part else [])
        return no_column(self.card, self.wave, where, column, self.aside, self.frame.columns)

    def column(self, name: str) -> Column:
        """A variable of the card, made when first asked for."""
        if name in self.done:
            return self.done[name]
        if name in self.open:
            raise self.error(
                name,
                None,
                f"it is defined by way of itself: {' → '.join([*self.open[self.open.index(name) :], name])}.",
                "Break the circle; read one of them from the file.",
                f"يُعرَّف المتغير بنفسه: \u2066{' → '.join([*self.open[self.open.index(name) :], name])}\u2069. اقطع الدائرة واقرأ أحدها من الملف.",
            )
        self.open.append(name)
        card = self.card.variables[name]
        if card.cases is not None:
            column = by_cases(self, name, card)
        elif card.bands is not None:
            column = by_bands(self, name, card)
        elif card.compute is not None:
            column = by_compute(self, name, card)
        elif card.combine is not None:
            column = by_combine(self, name, card)
        else:
            column = read_column(self, name, card)
        if card.needs:
            column = needing(self, name, card, column)
        if card.universe is not None:
            column = within(self, name, card, column)
        self.open.pop()
        self.done[name] = column
        return column

    def look(self, name: str) -> Column:
        """What a name in an expression means."""
        own = bool(self.open) and name == self.open[-1] and name in self.frame.columns
        if name in self.card.variables and not own:
            return self.column(name)
        if name in self.frame.columns:
            return Column(self.frame[name].to_numpy(), self.codebook.missing_kinds(name), (name,))
        user = self.open[-1]
        if name in self.aside:
            raise self.no_column(user, None, name)
        raise self.error(
            user,
            None,
            f"it uses {name!r}, which is neither a variable of the card nor a column of the file.",
            did_you_mean(name, [*self.card.variables, *self.frame.columns]),
            f"يستعمل \u2066{name}\u2069، وليس من متغيّرات البطاقة ولا من أعمدة الملف. صحّح الاسم.",
        )

    def values(self, name: str) -> np.ndarray:
        return self.look(name).values

    def kinds(self, name: str) -> Mapping:
        return self.look(name).kinds

    def evaluate(self, name: str, part: str, text: str, *, condition: bool) -> tuple[Outcome, list[str]]:
        """An expression of the card's and the names it read."""
        try:
            expression = parse(text)
            out = evaluate(expression, self.values, self.kinds)
        except CardError:
            raise
        except DataError as error:
            raise self.error(name, part, error.what, error.remedy, error.ar) from None
        if condition and out.value.dtype != bool:
            raise self.error(
                name, part, f"{text!r} gives a number, not yes or no.", "Compare it, for example with == 1.", f"تعطي العبارة \u2066{text}\u2069 عددًا لا نعم أو لا. قارنها بقيمة، مثل \u2066== 1\u2069."
            )
        if not condition and out.value.dtype.kind not in "fb":
            raise self.error(
                name, part, f"{text!r} does not give a number.", "Use arithmetic on numeric variables.", f"لا تعطي العبارة \u2066{text}\u2069 عددًا. استعمل الحساب على متغيّرات عددية."
            )
        return out, sorted(expression.names)

    def absent(self, name: str) -> np.ndarray:
        """(n,) bool: where a name holds no answer, of whatever kind."""
        column = self.look(name)
        out = is_missing(column.values)
        for code in column.kinds:
            if isinstance(code, str) == (column.values.dtype.kind == "O"):
                out = out | np.asarray(column.values == code, bool)
        return out

    def fill(
        self,
        name: str,
        column: Column,
        rows: np.ndarray,
        names: list[str],
        why: str,
        unplaced: np.ndarray | None = None,
    ) -> Column:
        """Rows without an answer: not asked or not applicable where every missing input is, else missing."""
        if unplaced is not None and unplaced.any():
            self.say(name, "cases", "(no case fits)", "(blank)", "missing", int(unplaced.sum()))
        if not rows.any():
            return column
        real, skipped = np.zeros(len(rows), bool), {kind: np.zeros(len(rows), bool) for kind in SKIPPED}
        for each in names:
            source = self.look(each)
            gone = self.absent(each)
            for kind in SKIPPED:
                for code in (code for code, k in source.kinds.items() if k == kind):
                    at = np.asarray(source.values == code, bool)
                    skipped[kind] |= at
                    gone = gone & ~at
            real |= gone
        for kind in SKIPPED:
            at = rows & ~real & skipped[kind]
            if at.any():
                self.say(name, "", why, RESERVED[kind], kind, int(at.sum()))
                column = self.put(column, at, kind)
                rows = rows & ~at
        if rows.any():
            values = column.values.copy()
            values[rows] = (
                None
                if values.dtype.kind == "O"
                else (np.datetime64("NaT") if values.dtype.kind == "M" else np.nan)
            )
            self.say(name, "", why, "(blank)", "missing", int(rows.sum()))
            column = Column(values, column.kinds, column.source)
        return column

    def put(self, column: Column, rows: np.ndarray, kind: str) -> Column:
        """The column with these rows set to a kind of missing."""
        if not rows.any():
            return column
        values = column.values.copy()
        if values.dtype.kind != "f":
            values[rows] = None if values.dtype.kind == "O" else np.datetime64("NaT")
            return Column(values, column.kinds, column.source)
        values[rows] = RESERVED[kind]
        return Column(values, {**column.kinds, RESERVED[kind]: kind}, column.source)

    def say(self, name: str, source: str, before: object, after: object, meaning: str, n: int) -> None:
        """One line of the report."""
        self.report.append((name, source, before, after, meaning, n))
