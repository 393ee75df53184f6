"""From a file's own columns to the harmonised variables of a card, with a record of what became what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from masar_research.codebook import Category, Codebook, Text, Variable
from masar_research.errors import CardError, DataError
from masar_research.expressions import evaluate, is_missing, parse, truth
from masar_research.loading.cards import SurveyCard, VariableCard
from masar_research.loading.dates import to_dates
from masar_research.loading.numbers import as_numbers
from masar_research.loading.raw import NOT_APPLICABLE, NOT_ASKED, Raw
from masar_research.loading.yaml_lines import did_you_mean, read_yaml

RESERVED = {"not_applicable": NOT_APPLICABLE, "not_asked": NOT_ASKED, "refused": -9993.0, "dont_know": -9994.0, "missing": -9995.0}
WORDS = {"refused": Text("Refused", "رفض الإجابة"), "dont_know": Text("Don't know", "لا أعرف"),
         "not_applicable": Text("Not applicable", "لا ينطبق"), "not_asked": Text("Not asked in this wave", "لم يُسأل في هذه الجولة"),
         "missing": Text("No answer", "لا إجابة")}
_SKIPPED = ("not_asked", "not_applicable")


@dataclass(frozen=True, slots=True)
class Column:
    """A harmonised column: ``values`` (n,), the kinds of its missing codes, where it came from."""

    values: np.ndarray
    kinds: Mapping[float | str, str]
    source: tuple[str, ...]


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


def card_error(card: SurveyCard, where: list, what: str, remedy: str) -> CardError:
    """An error about a card, with its line where the card came from a file."""
    if card.path is not None and card.path.is_file():
        return read_yaml(card.path).error(where, what, remedy)
    return CardError(f"{card.study}, {'.'.join(map(str, where))}: {what}", remedy=remedy)


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
    work = _Work(_selected(raw, card), raw.codebook, card, wave)
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
    gone = tuple(Category(code, card.missing_labels.get(code, WORDS[kind]), kind)
                 for code, kind in sorted(kinds.items(), key=lambda pair: (isinstance(pair[0], str), pair[0])))
    sources = tuple(dict.fromkeys(source for column in columns for source in column.source))
    return Variable(name, card.label, card.question, card.scale, valid + gone, card.universe, card.unit, sources, card.note)


def _selected(raw: Raw, card: SurveyCard) -> pd.DataFrame:
    if card.select is None:
        return raw.frame
    names = parse(card.select).names
    for name in sorted(names - set(raw.frame.columns)):
        raise card_error(card, ["select"], f"the file has no column {name!r}; select: reads the columns of the file.",
                         did_you_mean(name, raw.frame.columns))
    try:
        rows = truth(card.select, {name: raw.frame[name].to_numpy() for name in names}, raw.codebook.missing_kinds)
    except DataError as error:
        raise card_error(card, ["select"], error.what, error.remedy) from None
    if not rows.any():
        raise card_error(card, ["select"], f"no row of the file satisfies {card.select!r}.", "Check the codes in the file.")
    return raw.frame[rows].reset_index(drop=True)


@dataclass(slots=True)
class _Work:
    frame: pd.DataFrame
    codebook: Codebook
    card: SurveyCard
    wave: int | str
    done: dict[str, Column] = field(default_factory=dict)
    open: list[str] = field(default_factory=list)
    report: list[tuple] = field(default_factory=list)

    def error(self, name: str, part: str | None, what: str, remedy: str) -> CardError:
        where = ["variables", name] + ([part] if part else [])
        return card_error(self.card, where, what, remedy)

    def column(self, name: str) -> Column:
        if name in self.done:
            return self.done[name]
        if name in self.open:
            raise self.error(name, None, f"it is defined by way of itself: {' → '.join([*self.open[self.open.index(name):], name])}.",
                             "Break the circle; read one of them from the file.")
        self.open.append(name)
        card = self.card.variables[name]
        if card.cases is not None:
            column = self.cases(name, card)
        elif card.bands is not None:
            column = self.bands(name, card)
        elif card.compute is not None:
            column = self.compute(name, card)
        else:
            column = self.read(name, card)
        if card.needs:
            column = self.needs(name, card, column)
        if card.universe is not None:
            column = self.within(name, card, column)
        self.open.pop()
        self.done[name] = column
        return column

    # names in expressions: harmonised variables first, then the file's own columns

    def look(self, name: str) -> Column:
        own = bool(self.open) and name == self.open[-1] and name in self.frame.columns
        if name in self.card.variables and not own:
            return self.column(name)
        if name in self.frame.columns:
            return Column(self.frame[name].to_numpy(), self.codebook.missing_kinds(name), (name,))
        user = self.open[-1]
        raise self.error(user, None, f"it uses {name!r}, which is neither a variable of the card nor a column of the file.",
                         did_you_mean(name, [*self.card.variables, *self.frame.columns]))

    def values(self, name: str) -> np.ndarray:
        return self.look(name).values

    def kinds(self, name: str) -> Mapping:
        return self.look(name).kinds

    # origins

    def read(self, name: str, card: VariableCard) -> Column:
        n = len(self.frame)
        own = card.waves.get(self.wave)
        source = (own.from_ if own and own.from_ else None) or card.from_
        if (own and own.not_asked) or source is None:
            self.say(name, "", "", "", "not_asked", n)
            text = card.scale in ("text", "date") or any(isinstance(code, str) for code in card.codes)
            blank = np.full(n, np.datetime64("NaT", "us")) if card.scale == "date" else np.full(n, None, object)
            return Column(blank if text else np.full(n, NOT_ASKED), {} if text else {NOT_ASKED: "not_asked"}, ())
        part = "from" if not (own and own.from_) else "waves"
        if source not in self.frame.columns:
            raise self.error(name, part, f"the file of wave {self.wave} has no column {source!r}.",
                             did_you_mean(source, self.frame.columns))
        raw = self.frame[source]
        if card.scale == "date":
            return Column(self.dates(name, raw), {}, (source,))
        if card.scale == "text" and not card.codes:
            values = raw.astype("str") if raw.dtype.kind not in "fiu" else raw.map(lambda v: f"{v:.15g}", na_action="ignore").astype("str")
            self.say(name, source, "(text)", "(text)", "", int(values.notna().sum()))
            return Column(values.to_numpy(), {}, (source,))
        recode = (own.recode if own and own.recode is not None else None) or card.recode
        gone = dict(card.missing) | dict(own.missing or {} if own else {})
        return self.recoded(name, card, self.alike(name, card, raw, recode, gone), source, recode, gone)

    def dates(self, name: str, raw: pd.Series) -> np.ndarray:
        try:
            values = to_dates(raw)
        except DataError as error:
            raise self.error(name, "from", error.what, error.remedy) from None
        self.say(name, str(raw.name), "(date)", "(date)", "", int((~np.isnat(values)).sum()))
        return values

    def alike(self, name: str, card: VariableCard, raw: pd.Series, recode: Mapping | None, gone: Mapping) -> pd.Series:
        """The column with codes of the type the card's keys have."""
        keys = [*(recode if recode is not None else card.codes), *gone]
        numeric_keys = all(not isinstance(key, str) for key in keys)
        if raw.dtype.kind == "M":
            raise self.error(name, "from", f"the column {raw.name!r} holds dates.", "Write level: date.")
        if raw.dtype.kind == "f":
            if keys and not numeric_keys:
                shown = next(key for key in keys if isinstance(key, str))
                raise self.error(name, "from", f"the column {raw.name!r} holds numbers, the card's code {shown!r} is text.",
                                 "Write number codes without quotes.")
            return raw
        if recode is not None and not numeric_keys:
            return raw
        if recode is None and card.codes and any(isinstance(key, str) for key in card.codes):
            return raw
        answer = as_numbers(raw, ids=False)
        if answer.values is None and answer.why == "empty":
            return pd.Series(np.full(len(raw), np.nan), name=raw.name)
        if answer.values is None:
            if keys and not numeric_keys:
                return raw
            numbers = pd.to_numeric(raw, errors="coerce")
            strange = sorted(raw[numbers.isna() & raw.notna()].unique())[:5]
            raise self.error(name, "from", f"the column {raw.name!r} holds text such as {', '.join(map(repr, strange))}; numbers were expected.",
                             "Give recode: with the text in quotes, or write level: text.")
        return pd.Series(answer.values, name=raw.name)

    def recoded(self, name: str, card: VariableCard, raw: pd.Series, source: str, recode: Mapping | None, gone: Mapping) -> Column:
        declared = self.codebook.missing_kinds(source)
        targets = set(card.codes) if recode is None else set(recode.values())
        text_out = raw.dtype.kind != "f" if recode is None else any(isinstance(code, str) for code in targets)
        self.no_clash(name, recode, gone, targets)
        # a code the file declares missing stays missing unless the card gives it a meaning of its own
        open_kinds = {code: kind for code, kind in declared.items()
                      if code not in targets and (recode is None or code not in recode)} | dict(gone)

        def place(before: float | str, kind: str) -> float | str | None:
            if isinstance(before, str) == text_out and before not in targets:
                return before
            return None if text_out else RESERVED[kind]

        blank = int(raw.isna().sum())
        if blank:
            self.say(name, source, "(blank)", "(blank)", "missing", blank)
        if recode is None and (not card.codes or card.scale == "numeric") and not text_out:
            values = raw.to_numpy("float64", copy=True)
            for code, kind in open_kinds.items():
                found = int((values == code).sum())
                if found:
                    self.say(name, source, code, code, kind, found)
            self.say(name, source, "(number)", "(number)", "", int((~np.isin(values, list(open_kinds)) & ~np.isnan(values)).sum()))
            present = set(values) & set(open_kinds)
            return Column(values, {code: kind for code, kind in open_kinds.items() if code in gone or code in present}, (source,))
        codes, uniques = pd.factorize(raw)
        counts = np.bincount(codes[codes >= 0], minlength=len(uniques))
        table = np.full(len(uniques) + 1, None if text_out else np.nan, dtype=object if text_out else float)
        kinds = {after: kind for before, kind in gone.items() if (after := place(before, kind)) is not None}
        stray: list = []
        for k, before in enumerate(uniques):
            before = before if isinstance(before, str) else float(before)
            kind = open_kinds.get(before)
            if kind is not None:
                after = place(before, kind)
                if after is not None:
                    kinds[after] = kind
            elif recode is not None and before in recode:
                after = recode[before]
            elif recode is None and before in card.codes:
                after = before
            else:
                stray.append((before, int(counts[k])))
                continue
            table[k] = after
            self.say(name, source, before, "(blank)" if after is None else after, kind or "", int(counts[k]))
        if stray:
            self.refuse_stray(name, source, stray, recode is not None)
        return Column(table[codes], kinds, (source,))

    def no_clash(self, name: str, recode: Mapping | None, gone: Mapping, targets: set) -> None:
        both = sorted(map(str, set(recode or ()) & set(gone)))
        if both:
            raise self.error(name, "missing", f"the code {', '.join(both)} stands under recode: and under missing:.", "Keep one of the two.")
        clash = sorted(str(code) for code in gone if code in targets and (recode is None or code not in recode))
        if clash and recode is None:
            raise self.error(name, "missing", f"the code {', '.join(clash)} is a labelled answer and missing at once.", "Keep one of the two.")

    def refuse_stray(self, name: str, source: str, stray: list, recoding: bool) -> None:
        def label(code):
            for category in self.codebook[source].categories if source in self.codebook else ():
                if category.code == code and category.label:
                    return f" ({next(iter(category.label.values()))})"
            return ""

        shown = ", ".join(f"{code if isinstance(code, str) else format(code, 'g')}{label(code)} in {n} rows" for code, n in stray[:8])
        more = f" and {len(stray) - 8} more" if len(stray) > 8 else ""
        field_name = "recode" if recoding else "codes"
        raise self.error(name, field_name, f"values of {source!r} in wave {self.wave} have no place: {shown}{more}.",
                         f"Add each under {field_name}: as an answer, or under missing: with its kind.")

    def cases(self, name: str, card: VariableCard) -> Column:
        n = len(self.frame)
        text = any(isinstance(case.code, str) for case in card.cases)
        values = np.full(n, None, object) if text else np.full(n, np.nan)
        kinds: dict = {}
        free, unsure = np.ones(n, bool), np.zeros(n, bool)
        names: list[str] = []
        for k, case in enumerate(card.cases, 1):
            if case.otherwise:
                hit = free & ~unsure
            else:
                out, used = self.evaluate(name, "cases", case.when, condition=True)
                names += [each for each in used if each not in names]
                unsure |= free & ~out.known
                hit = free & out.known & out.value & ~unsure
            free &= ~hit
            after = case.code if case.missing is None else RESERVED[case.missing]
            if case.missing is not None:
                if text:
                    after = None
                else:
                    kinds[after] = case.missing
            values[hit] = after
            self.say(name, "cases", case.when or "otherwise", after, case.missing or "", int(hit.sum()))
        left = unsure & free
        return self.fill(name, Column(values, kinds, tuple(names)), left, names, "(a condition is unknown)", free & ~left)

    def bands(self, name: str, card: VariableCard) -> Column:
        of = card.bands.of
        column = self.look(of)
        if column.values.dtype.kind != "f":
            raise self.error(name, "bands", f"{of!r} is not numeric.", "Name a numeric variable under of:.")
        gone = is_missing(column.values) | np.isin(column.values, [c for c in column.kinds if not isinstance(c, str)])
        band = np.searchsorted(np.asarray(card.bands.starts), column.values, side="right").astype(float)
        outside = (band == 0) | ((column.values > card.bands.end) if card.bands.end is not None else False)
        values = np.where(gone, np.nan, np.where(outside, NOT_APPLICABLE, band))
        kinds = {NOT_APPLICABLE: "not_applicable"} if (outside & ~gone).any() else {}
        for code in sorted(set(values[~np.isnan(values)])):
            self.say(name, of, "(band)", code, kinds.get(code, ""), int((values == code).sum()))
        return self.fill(name, Column(values, kinds, (of,)), gone, [of], "(unknown)")

    def compute(self, name: str, card: VariableCard) -> Column:
        out, used = self.evaluate(name, "compute", card.compute, condition=False)
        values = np.where(out.known, out.value.astype(float), np.nan)
        values = np.broadcast_to(values, (len(self.frame),)).copy()
        self.say(name, "compute", card.compute, "(number)", "", int((~np.isnan(values)).sum()))
        return self.fill(name, Column(values, {}, tuple(used)), np.isnan(values), used, "(unknown)")

    # what holds for every origin

    def needs(self, name: str, card: VariableCard, column: Column) -> Column:
        gone = np.zeros(len(self.frame), bool)
        for each in card.needs:
            gone |= self.absent(each)
        return self.fill(name, column, gone, list(card.needs), "(one of needs: is missing)")

    def within(self, name: str, card: VariableCard, column: Column) -> Column:
        out, used = self.evaluate(name, "universe", card.universe, condition=True)
        outside, unsure = out.known & ~out.value, ~out.known
        if not column.kinds or NOT_ASKED not in column.kinds:
            answered = int((outside & ~is_missing(column.values)).sum())
            self.say(name, "universe", f"not ({card.universe})", NOT_APPLICABLE, "not_applicable", int(outside.sum()))
            if answered and card.from_:
                self.say(name, "universe", "(answers outside the universe)", NOT_APPLICABLE, "not_applicable", answered)
        column = self.fill(name, column, unsure, used, "(the universe is unknown)")
        return self.put(column, outside & ~(column.values == NOT_ASKED), "not_applicable")

    def evaluate(self, name: str, part: str, text: str, *, condition: bool):
        try:
            expression = parse(text)
            out = evaluate(expression, self.values, self.kinds)
        except CardError:
            raise
        except DataError as error:
            raise self.error(name, part, error.what, error.remedy) from None
        if condition and out.value.dtype != bool:
            raise self.error(name, part, f"{text!r} gives a number, not yes or no.", "Compare it, for example with == 1.")
        if not condition and out.value.dtype.kind not in "fb":
            raise self.error(name, part, f"{text!r} does not give a number.", "Use arithmetic on numeric variables.")
        return out, sorted(expression.names)

    def absent(self, name: str) -> np.ndarray:
        column = self.look(name)
        out = is_missing(column.values)
        for code in column.kinds:
            if isinstance(code, str) == (column.values.dtype.kind == "O"):
                out = out | np.asarray(column.values == code, bool)
        return out

    def fill(self, name: str, column: Column, rows: np.ndarray, names: list[str], why: str, unplaced: np.ndarray | None = None) -> Column:
        """Rows without an answer: not asked or not applicable where every missing input is, else missing."""
        if unplaced is not None and unplaced.any():
            self.say(name, "cases", "(no case fits)", "(blank)", "missing", int(unplaced.sum()))
        if not rows.any():
            return column
        real, skipped = np.zeros(len(rows), bool), {kind: np.zeros(len(rows), bool) for kind in _SKIPPED}
        for each in names:
            source = self.look(each)
            gone = self.absent(each)
            for kind in _SKIPPED:
                for code in (code for code, k in source.kinds.items() if k == kind):
                    at = np.asarray(source.values == code, bool)
                    skipped[kind] |= at
                    gone = gone & ~at
            real |= gone
        for kind in _SKIPPED:
            at = rows & ~real & skipped[kind]
            if at.any():
                self.say(name, "", why, RESERVED[kind], kind, int(at.sum()))
                column = self.put(column, at, kind)
                rows = rows & ~at
        if rows.any():
            values = column.values.copy()
            values[rows] = None if values.dtype.kind == "O" else (np.datetime64("NaT") if values.dtype.kind == "M" else np.nan)
            self.say(name, "", why, "(blank)", "missing", int(rows.sum()))
            column = Column(values, column.kinds, column.source)
        return column

    def put(self, column: Column, rows: np.ndarray, kind: str) -> Column:
        if not rows.any():
            return column
        values = column.values.copy()
        if values.dtype.kind != "f":
            values[rows] = None if values.dtype.kind == "O" else np.datetime64("NaT")
            return Column(values, column.kinds, column.source)
        values[rows] = RESERVED[kind]
        return Column(values, {**column.kinds, RESERVED[kind]: kind}, column.source)

    def say(self, name: str, source: str, before: object, after: object, meaning: str, n: int) -> None:
        self.report.append((name, source, before, after, meaning, n))
