"""The report of a harmonisation: what became what, what does not add up, what the survey has and lacks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd

from masar_research.codebook import Category, Codebook, Text
from masar_research.errors import CardError
from masar_research.loading.cards import SurveyCard, read_card
from masar_research.loading.code_ranges import spread
from masar_research.loading.harmonise import Harmonised, harmonise
from masar_research.loading.load import pool, read_wave
from masar_research.loading.places_of_files import find_card
from masar_research.loading.raw import Raw, guess_kind
from masar_research.loading.resolve import resolve
from masar_research.loading.standard_frame import standard_frame
from masar_research.loading.progress import told
from masar_research.loading.tracing import Became, crossed_rows, raw_columns, with_rows

_KIND = {
    "count": Text("The counts do not add up", "الأعداد لا تتطابق"),
    "unmapped": Text("Answers without a code", "إجابات بلا رمز"),
    "kept": Text("Looks like no answer and is kept as one", "يبدو أنه ليس إجابة واحتُسب إجابة"),
    "outside": Text("Answers of people who were not to be asked", "إجابات ممن لا يشملهم السؤال"),
    "unused": Text("Labelled in the file, in no row and without a place", "مسمّى في الملف ولا يرد في أي سجل ولا مكان له"),
    "nobody": Text("A code nobody has", "رمز ليس لأحد"),
}
_ERRORS = ("count", "unmapped")


@dataclass(frozen=True, slots=True)
class Remark:
    """Something about one variable in one wave.

    Attributes
    ----------
    kind : {"count", "unmapped", "kept", "outside", "unused", "nobody"}
    variable : str
    wave : int or str
    detail : Text
        Codes, labels and counts.
    n : int
        Rows concerned.
    """

    kind: str
    variable: str
    wave: int | str
    detail: Text
    n: int

    @property
    def is_error(self) -> bool:
        """Whether figures made from the variable may be wrong."""
        return self.kind in _ERRORS

    @property
    def words(self) -> Text:
        """The kind in both languages."""
        return _KIND[self.kind]


@dataclass(frozen=True, slots=True)
class Harmonisation:
    """What a card makes of its files.

    Attributes
    ----------
    study : str
    title : Text
    rows : mapping
        Wave → rows of the study.
    codes : pandas.DataFrame
        variable, wave, source, raw, raw_en, raw_ar, code, label_en, label_ar, meaning, n.
    remarks : tuple of Remark
        Errors first.
    frame : pandas.DataFrame
        The standard frame: name, label_en, label_ar, status (``has``, ``partly``, ``lacks``), reason_en,
        reason_ar, answered (rows with an answer).
    breaks : pandas.DataFrame
        variable, wave, reason_en, reason_ar: where a series is not comparable with earlier waves.
    labels : mapping
        Variable → label in both languages.
    indicators : pandas.DataFrame or None
        The same columns as `frame` for indicators, where they were looked up.
    """

    study: str
    title: Text
    rows: Mapping[int | str, int]
    codes: pd.DataFrame
    remarks: tuple[Remark, ...]
    frame: pd.DataFrame
    breaks: pd.DataFrame
    labels: Mapping[str, Text]
    indicators: pd.DataFrame | None = field(default=None)

    @property
    def errors(self) -> tuple[Remark, ...]:
        """The remarks that are errors."""
        return tuple(remark for remark in self.remarks if remark.is_error)

    def with_indicators(self, indicators: pd.DataFrame) -> Harmonisation:
        """The same report with what is known of indicators."""
        return replace(self, indicators=indicators)

    def raise_errors(self) -> Harmonisation:
        """The report itself; CardError that names every error where there are some."""
        if not self.errors:
            return self
        shown = [f"{e.variable}, wave {e.wave}: {e.words['en'].lower()}: {e.detail['en']}" for e in self.errors[:12]]
        arabic = [f"{e.variable}، الجولة {e.wave}: {e.words['ar']}: {e.detail['ar']}" for e in self.errors[:12]]
        raise CardError(
            "\n".join([f"The harmonisation of {self.study} does not hold in {len(self.errors)} places.", *shown]),
            remedy="Give each value a place in the card: under recode:, cases: or missing:.",
            ar="\n".join(arabic),
        )

    def to_html(self, lang: str, path: str | Path | None = None) -> str:
        """A page in one language, Arabic from right to left; fonts embedded, nothing fetched.

        Parameters
        ----------
        lang : {"en", "ar"}
        path : str or Path, optional
            Where to write it.
        """
        from masar_research.loading.harmonisation_html import page

        text = page(self, lang)
        if path is not None:
            Path(path).write_text(text, encoding="utf-8")
        return text

    def _repr_html_(self) -> str:
        from masar_research.loading.harmonisation_html import fragment

        return fragment(self, "en") + fragment(self, "ar")

    def __repr__(self) -> str:
        has = int((self.frame["status"] != "lacks").sum())
        return (
            f"<harmonisation of {self.study}: {self.codes['variable'].nunique()} variables, "
            f"{has} of {len(self.frame)} of the standard frame, {len(self.errors)} errors>"
        )


def harmonisation_report(card: str | Path | SurveyCard, wave: int | str | None = None, *, cache: bool = True) -> Harmonisation:
    """The report of what a card makes of its files.

    Parameters
    ----------
    card : str, Path or SurveyCard
        A draft is reported too.
    wave : int or str, optional
        One wave; without it all.
    cache : bool
        Whether files already read may come from the cache.

    Returns
    -------
    Harmonisation

    Raises
    ------
    CardError
        If the card does not fit the file (a value without a place is refused while reading).

    Examples
    --------
    >>> harmonisation_report("masar_demo").errors    # doctest: +SKIP
    ()
    """
    card = card if isinstance(card, SurveyCard) else read_card(find_card(card))
    waves = [each for each in card.waves if wave is None or str(each) == str(wave)]
    raws = {each: read_wave(card, each, cache=cache) for each in waves}
    cards = {each: resolve(card, each, raws[each]) for each in waves}
    parts = {each: harmonise(raws[each], cards[each], each) for each in waves}
    whole = cards[waves[0]]
    frame, book = pool(whole, parts)
    files = {each: with_rows(cards[each], raws[each]) for each in waves}
    starts = np.cumsum([0, *(len(part.frame) for part in parts.values())])
    reports = {each: _by_variable(part.report) for each, part in parts.items()}
    lines: list[tuple] = []
    remarks: list[Remark] = []
    with told(card.study) as done:
        for place, name in enumerate(whole.variables):
            column = frame[name].to_numpy()
            for k, each in enumerate(waves):
                values = column[starts[k] : starts[k + 1]]
                names = raw_columns(cards[each], each, name, files[each].columns)
                table = crossed_rows(each, names, files[each], raws[each].codebook, values, name, book)
                lines += [(name, *line) for line in table]
                report = reports[each].get(name, [])
                remarks += _remarks(cards[each], each, name, raws[each], files[each], parts[each], report, table, book)
            if done is not None:
                done((place + 1) / len(whole.variables))
    order = {kind: place for place, kind in enumerate(_KIND)}
    codes = pd.DataFrame(lines, columns=["variable", *Became._fields])
    return Harmonisation(
        card.study,
        Text.of(card.title),
        {each: len(files[each]) for each in waves},
        codes,
        tuple(sorted(remarks, key=lambda remark: order[remark.kind])),
        _coverage(card, frame, book, waves),
        _breaks(whole),
        {name: Text.of(variable.label) for name, variable in whole.variables.items()},
    )


def _remarks(
    card: SurveyCard, wave: int | str, name: str, raw: Raw, rows: pd.DataFrame, part: Harmonised,
    report: list[tuple], table: list[Became], book: Codebook,
) -> Iterable[Remark]:  # fmt: skip
    def remark(kind: str, en: str, ar: str, n: int) -> Remark:
        return Remark(kind, name, wave, Text(en, ar), n)

    total = sum(line.n for line in table)
    if total != len(rows):
        yield remark("count", f"{total:,} of {len(rows):,} rows", f"{total:,} من {len(rows):,} سجل", len(rows) - total)
    facts = card.variables[name]
    own = facts.waves.get(wave)
    column = (own.from_ if own is not None else None) or facts.from_
    if column is not None and not (own is not None and own.not_asked):
        yield from _counts(remark, [line for line in report if line.source == column], rows[column])
        yield from _labels(remark, card, wave, name, raw, rows, table)
    lost = sum(line.n for line in report if line.before == "(no case fits)")
    if lost and facts.universe is not None:
        # people outside the universe fit no case and need none
        lost = min(lost, _unplaced(card, name, raw, rows, part))
    if lost:
        yield remark("unmapped", f"no case fits {lost:,} rows whose answers are known", f"لا تنطبق أي حالة على {lost:,} سجل معلوم الإجابات", lost)
    outside = sum(line.n for line in report if line.before == "(answers outside the universe)")
    if outside:
        yield remark("outside", f"{outside:,} rows became not applicable", f"{outside:,} سجل عُدّ لا ينطبق", outside)
    held = {line.code for line in table}
    for category in book[name].valid:
        if category.code not in held and "(value)" not in held and facts.codes and len(table):
            if not (own is not None and own.not_asked):
                code = category.code if isinstance(category.code, str) else f"{category.code:g}"
                yield remark(
                    "nobody", f"{code} {category.label.get('en', '')}", f"{code} {category.label.get('ar', '')}", 0
                )


def _by_variable(report: pd.DataFrame) -> dict[str, list[tuple]]:
    """The lines of a report of recoding, by variable."""
    out: dict[str, list[tuple]] = {}
    for line in report.itertuples(index=False):
        out.setdefault(line.variable, []).append(line)
    return out


def _unplaced(card: SurveyCard, name: str, raw: Raw, rows: pd.DataFrame, part: Harmonised) -> int:
    """Rows that stay blank though everything the variable is made of is answered."""
    blank = part.frame[name].isna().to_numpy()
    for each in card.variables[name].names(universe=False):
        if each in part.columns and each != name:
            column, gone = part.frame[each], part.columns[each].kinds
        else:
            column, gone = rows[each], raw.codebook.missing_codes(each)
        blank = blank & (column.notna() & ~column.isin(list(gone))).to_numpy()
    return int(blank.sum())


def _counts(remark, report: list[tuple], column: pd.Series) -> Iterable[Remark]:
    """What the recoding counted against a count of the file's own values."""
    counted = column.value_counts().to_dict()
    for line in report:
        before, n = line.before, line.n
        if before in counted and counted[before] != n and not (isinstance(before, str) and before.startswith("(")):
            yield remark(
                "count",
                f"{before} stands in {counted[before]:,} rows of the file and was recoded in {n:,}",
                f"يرد الرمز {before} في {counted[before]:,} سجل من الملف وحُوّل في {n:,}",
                abs(counted[before] - n),
            )
    recoded = sum(line.n for line in report)
    if report and recoded != len(column) and not any(line.before in ("(text)", "(date)") for line in report):
        yield remark(
            "count", f"{recoded:,} of {len(column):,} rows were recoded", f"حُوّل {recoded:,} من {len(column):,} سجل",
            abs(len(column) - recoded),
        )  # fmt: skip


def _labels(
    remark, card: SurveyCard, wave: int | str, name: str, raw: Raw, rows: pd.DataFrame, table: list[Became]
) -> Iterable[Remark]:
    facts = card.variables[name]
    for line in table:
        if line.meaning == "" and line.raw_en + line.raw_ar and guess_kind(f"{line.raw_en} {line.raw_ar}") != "missing":
            shown = f"{line.raw} {line.raw_en}".strip(), f"{line.raw} {line.raw_ar or line.raw_en}".strip()
            yield remark("kept", *shown, line.n)
    column = (facts.waves[wave].from_ if wave in facts.waves else None) or facts.from_
    variable = raw.codebook.get(column)
    if variable is None or not facts.codes:
        return
    placed = {*(facts.mapping(wave) or facts.codes), *facts.gone(wave)}
    codes = pd.Series([c.code for c in variable.categories if not isinstance(c.code, str)], dtype=float)
    placed |= set(spread({key: 0 for key in placed}, codes))
    held = set(rows[column].dropna().unique())
    unused = [c for c in variable.valid if c.code not in placed and c.code not in held]
    if unused:
        yield remark("unused", _listed(unused, "en"), _listed(unused, "ar"), 0)


def _listed(categories: list[Category], lang: str, most: int = 6) -> str:
    """Codes and labels, the first few."""
    mark, other = ("، ", "en") if lang == "ar" else (", ", "ar")
    shown = [
        f"{c.code if isinstance(c.code, str) else format(c.code, 'g')} {c.label.get(lang) or c.label.get(other, '')}".strip()
        for c in categories[:most]
    ]
    rest = len(categories) - most
    return mark.join(shown) + (f"{mark}… (+{rest})" if rest > 0 else "")


def _coverage(card: SurveyCard, frame: pd.DataFrame, book: Codebook, waves: list) -> pd.DataFrame:
    said = {lack.variable: lack.reason for lack in card.lacks if lack.variable}
    rows = []
    for name, known in standard_frame().items():
        status, reason, answered = "lacks", said.get(name), 0
        if name in frame.columns:
            column = frame[name]
            held = column.notna() & ~column.isin(list(book.missing_codes(name)))
            answered = int(held.sum())
            key = frame["wave"].map(str) if frame["wave"].dtype.kind == "O" else frame["wave"]
            without = [wave for wave in waves if not held[key == (wave if key.dtype.kind == "f" else str(wave))].any()]
            if not without:
                status = "has"
            elif len(without) < len(waves):
                status, some = "partly", ", ".join(map(str, without))
                reason = reason or Text(f"No answers in {some}.", f"لا إجابات في {some}.")
            else:
                reason = reason or Text("The file holds no answers.", "لا يتضمن الملف إجابات.")
        elif reason is None and known.bands is not None and known.bands["of"] in frame.columns:
            reason = Text(f"The card makes no bands of {known.bands['of']}.", f"لا تُنشئ البطاقة فئات من {known.bands['of']}.")
        reason = reason or (Text("", "") if status == "has" else Text("The card maps nothing to it.", "لا تُرجع البطاقة إليه أي متغيّر."))
        rows.append((name, known.label["en"], known.label["ar"], status, reason["en"], reason["ar"], answered))
    return pd.DataFrame(rows, columns=["name", "label_en", "label_ar", "status", "reason_en", "reason_ar", "answered"])


def _breaks(card: SurveyCard) -> pd.DataFrame:
    rows = [
        (name, wave, reason["en"], reason["ar"])
        for name in card.variables
        for wave, reason in card.breaks([name]).items()
    ]
    return pd.DataFrame(rows, columns=["variable", "wave", "reason_en", "reason_ar"])
