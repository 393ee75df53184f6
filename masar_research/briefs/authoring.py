"""The verbs of a brief notebook: each emits one block.

Examples
--------
In a notebook that papermill executes (parameters in a cell tagged ``parameters``)::

    from masar_research import briefs
    from masar_research.briefs import Change, Choice, Gap, Level, Phrase, Text, row, show

    brief = briefs.open_brief("women_empowerment", survey=survey, wave=wave,
                              geography=geography, profile=profile)
    jordanians = brief.survey.where("jordanian == 1 and age >= 15")
    age = brief.parameter("age_min")                       # from the survey card
    base = Text(en="Jordanians aged {age} and over", ar="الأردنيون بعمر {age} سنة فأكثر",
                values={"age": age})
    rate = jordanians.proportion("in_labour_force", by="sex")
    lfp = brief.estimates("participation", rate, indicator="WE01", base=base, question="employment")
    gap = brief.estimates("gap", rate.contrast("2 - 1"), of=lfp, base=base)

    brief.title(Text(en="…", ar="…"), kicker=Text(en="Evidence brief", ar="موجز أدلة"))
    brief.message(Text(en="Only {women} of women take part in the economy",
                       ar="تشارك {women} من النساء فقط في النشاط الاقتصادي",
                       values={"women": lfp.cell(sex=2)}), figure=lfp.cell(sex=2))
    brief.chart("by_sex", kind="dots", rows=lfp.rows("sex"), base=base, n=None,
                title=Text(en="Women take part far less than men",
                           ar="مشاركة النساء أقل بكثير من مشاركة الرجال"))
    brief.method(); brief.disclosure(); brief.lacks(); brief.cite()
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any, Literal

import numpy as np

from masar_research.briefs import facts as published
from masar_research.briefs.blocks import (
    Block,
    BoxBlock,
    ChartRow,
    EstimatesBlock,
    EvidenceBlock,
    FigureBlock,
    FixedBlock,
    Header,
    HeadingBlock,
    MessageBlock,
    ParagraphBlock,
    Row,
    Shown,
    SourcesBlock,
    TableBlock,
    TitleBlock,
    Tone,
    number_or_none,
)
from masar_research.briefs.emit import Emit, display
from masar_research.briefs.handles import Handle, code_label
from masar_research.briefs.header import Opened, opened
from masar_research.briefs.refs import (
    CellRef,
    DateRef,
    FactRef,
    LabelRef,
    ParameterRef,
    QuestionRef,
    Scalar,
    SurveyRef,
)
from masar_research.briefs.words import Change, Choice, Gap, Level, Sentence, Text
from masar_research.codebook import Codebook
from masar_research.errors import BriefError
from masar_research.estimates import STATISTICS, Estimates
from masar_research.survey import Survey

AnySentence = Text | Level | Gap | Change | Choice
_NOT_KEYS = frozenset(STATISTICS) | {"statistic", "p_value", "n_missing", "count", "kind", "transform"}


def open_brief(
    name: str,
    *,
    survey: str,
    wave: int | str | None = None,
    geography: str = "JO",
    profile: str = "nchs",
    emit: Emit = display,
) -> Brief:
    """Open a brief on a study: loads the survey and emits the header block.

    Parameters
    ----------
    name : str
        The brief's name in the catalogue.
    survey : str
        A study with a card in ``data/surveys``.
    wave : int, optional
        A wave of its card; the latest without one.
    geography : str
        ``JO``, a region or a governorate (`masar_research.places`).
    profile : str
        Reliability profile of the release gate.
    emit : callable
        Where blocks go; the default shows them as notebook outputs.

    Raises
    ------
    ParameterError
        An unknown study, wave, geography or profile, with what is allowed.
    """
    return Brief(name, opened(survey, wave, geography, profile), emit)


class Brief:
    """A brief being written. Made by `open_brief`."""

    def __init__(self, name: str, opened: Opened, emit: Emit) -> None:
        self.name = name
        self._opened = opened
        self._emit_to = emit
        self._sets: dict[str, Handle] = {}
        self._ids: set[str] = set()
        self._emit(Header(brief=name, **opened.header))

    # --- what the study offers ---------------------------------------------------------

    @property
    def survey(self) -> Survey:
        """The wave of the brief, weighted as its card says, restricted to the geography."""
        return self._opened.survey

    @cached_property
    def pooled(self) -> Survey:
        """All waves of the study in one survey, for changes between waves."""
        survey, checksums = self._opened.pool()
        self._emit(SourcesBlock(brief=self.name, checksums=checksums))
        return survey

    @property
    def card(self) -> Any:
        """The survey card."""
        return self._opened.card

    @property
    def wave(self) -> int | str:
        return self._opened.wave

    @property
    def waves(self) -> tuple[int | str, ...]:
        """All waves of the study, oldest first."""
        return self._opened.waves

    @property
    def previous_wave(self) -> int | str | None:
        """The wave before the brief's own, or None."""
        place = self.waves.index(self.wave)
        return self.waves[place - 1] if place else None

    @property
    def codebook(self) -> Codebook:
        return self._opened.survey.codebook

    def has(self, *variables: str) -> bool:
        """Whether the study holds all these variables with at least one answer."""
        return all(
            name in self.survey.frame.columns
            and (name not in self.codebook or bool(np.isfinite(self.survey.values(name)).any()))
            for name in variables
        )

    # --- references --------------------------------------------------------------------

    def parameter(self, name: str) -> ParameterRef:
        """A parameter of the brief, or a constant of the survey card by dotted path.

        ``brief.parameter("wave")``, ``brief.parameter("age_min")``,
        ``brief.parameter("population.age_min")``.
        """
        value, source = self._opened.constant(name)
        return ParameterRef(name=name, value=value, source=source)

    def constant(self, name: str, value: int | float, *, source: str) -> ParameterRef:
        """A constant of a definition (an age limit, a threshold) with the place it comes from.

        Never for a finding: those are cells. The source is printed in the ledger.
        """
        if not source.strip():
            raise BriefError(
                f"The constant {name!r} = {value!r} names no source.",
                remedy="Say where the definition stands, e.g. source='ILO, 19th ICLS'.",
            )
        return ParameterRef(name=name, value=value, source=source)

    def fact(self, fact_id: str) -> FactRef:
        """A published fact of ``data/reference/jordan_facts.csv`` that names its population."""
        return FactRef(id=published.fact(fact_id).id)

    def survey_fact(self, name: str) -> SurveyRef:
        """A number computed when the survey was loaded, e.g. ``"interviews"`` or ``"psus"``."""
        numbers = self._opened.header["facts"]
        if numbers.get(name) is None:
            known = sorted(key for key, value in numbers.items() if value is not None)
            raise BriefError(f"The survey has no fact {name!r}.", remedy=f"Use one of {known}.")
        return SurveyRef(name=name, value=numbers[name])

    def label(self, variable: str, code: Scalar = None) -> LabelRef:
        """The label of a variable, or of one of its codes, from the codebook."""
        if code is not None:
            return code_label(self.codebook, variable, code)
        return LabelRef(
            en=self.codebook.label(variable, "en"),
            ar=self.codebook.label(variable, "ar"),
            source=variable,
        )

    def place(self) -> LabelRef:
        """The name of the brief's geography."""
        return self._opened.header["geography"]

    def question(self, variable: str) -> QuestionRef:
        """The wording of a question in both languages."""
        return QuestionRef(
            en=self.codebook.question(variable, "en"),
            ar=self.codebook.question(variable, "ar"),
            source=variable,
        )

    def fieldwork(self, wave: int | str | None = None) -> DateRef:
        """The fieldwork period of a wave."""
        wanted = self.wave if wave is None else wave
        for facts in self._opened.header["waves"]:
            if facts.wave == wanted and facts.start:
                return DateRef(start=facts.start, end=facts.end, source=f"fieldwork {wanted}")
        raise BriefError(
            f"The survey card gives no first day of fieldwork for wave {wanted!r}.",
            remedy=f"Use one of {list(self.waves)}, and give fieldwork: start: in the card.",
        )

    # --- numbers -----------------------------------------------------------------------

    def estimates(
        self,
        name: str,
        estimates: Estimates,
        *,
        base: Text,
        indicator: str | None = None,
        question: str | QuestionRef | None = None,
        link: str | None = None,
        of: Handle | None = None,
        unit: Literal["share", "points", "number"] | None = None,
        sensitive: bool = False,
    ) -> Handle:
        """Register estimates: only registered rows can be shown anywhere in the brief.

        Parameters
        ----------
        name : str
            Its name in this brief.
        estimates : Estimates
        base : Text
            To whom the figures refer, in words.
        indicator : str, optional
            Its id in the registry.
        question : str or QuestionRef, optional
            Variable whose wording stands under charts.
        link : str, optional
            Family of tables with the same base and statistic (``"participation"``): inside it
            the gate finds totals and their parts for complementary suppression. By default
            the statistic, variable and base themselves.
        of : Handle, optional
            For a difference: the set it was formed from by `.contrast()`; it is released
            only if both sides are.
        unit : {"share", "points", "number"}, optional
            How it reads; known for proportions, their differences and marginal effects.
        sensitive : bool
            A sensitive item: shares of zero or everybody are not disclosed.

        Returns
        -------
        Handle
        """
        self._new(name)
        frame = estimates.frame
        keys = [column for column in frame.columns if column not in _NOT_KEYS | {"variable", "category"}]
        sides = _sides(name, estimates, of)
        kind = str(estimates.kind)
        statistic = frame["variable"].iloc[0] if "variable" in frame.columns and len(frame) else ""
        block = EstimatesBlock(
            brief=self.name,
            id=name,
            kind=kind,
            estimator=_estimator(estimates),
            by=tuple(estimates.by),
            unit=unit or _unit(estimates),
            level=estimates.level,
            indicator=indicator,
            base=base,
            question=self.question(question) if isinstance(question, str) else question,
            link=link or f"{kind}:{statistic}:{estimates.note.get('base')}",
            waves=self._waves_of(estimates),
            sensitive=sensitive,
            rows=tuple(
                _row(record, keys, sides[number]) for number, record in enumerate(frame.to_dict("records"))
            ),
            note=_plain(dict(estimates.note)),
            vcov={"rows": len(frame), "trace": number_or_none(np.nansum(np.diag(estimates.vcov)))},
        )
        self._emit(block)
        self._sets[name] = Handle(block=block, codebook=estimates.codebook)
        return self._sets[name]

    def _waves_of(self, estimates: Estimates) -> tuple[int, ...]:
        if "wave" in estimates.frame.columns:
            return tuple(dict.fromkeys(_scalar(wave) for wave in estimates.frame["wave"]))
        return (self.wave,)

    # --- words -------------------------------------------------------------------------

    def title(
        self,
        title: AnySentence,
        *,
        kicker: Text,
        subtitle: Text | None = None,
        keywords: Sequence[Text] = (),
    ) -> None:
        """The finding as title (at most 14 words), the series line, and the line beneath.

        Without `subtitle` the survey, wave, population and geography stand there.
        """
        self._known(title, subtitle)
        self._emit(
            TitleBlock(brief=self.name, title=title, kicker=kicker, subtitle=subtitle, keywords=tuple(keywords))
        )

    def message(self, sentence: AnySentence, *, figure: CellRef, spec: str = "") -> None:
        """One key message: one sentence with one number; `figure` is that number, set large."""
        self._known(sentence, figure)
        self._emit(MessageBlock(brief=self.name, sentence=sentence, figure=figure, spec=spec))

    def paragraph(
        self, *sentences: AnySentence, style: Literal["body", "lead", "small"] = "body"
    ) -> None:
        """Sentences set as one paragraph."""
        self._known(*sentences)
        self._emit(ParagraphBlock(brief=self.name, sentences=sentences, style=style))

    def heading(self, text: Text, level: Literal[1, 2] = 1) -> None:
        """A section heading."""
        self._known(text)
        self._emit(HeadingBlock(brief=self.name, text=text, level=level))

    # --- pictures and tables -----------------------------------------------------------

    def chart(
        self,
        name: str,
        *,
        kind: Literal["dots", "effects", "changes", "trend"],
        rows: Iterable[ChartRow | Sequence[ChartRow]],
        title: AnySentence,
        base: Text,
        n: CellRef | None = None,
        question: str | QuestionRef | None = None,
        alt: Text | None = None,
        notes: Sequence[AnySentence] = (),
        width: Literal["full", "half"] = "full",
        columns: Literal[1, 2] = 1,
        order: Literal["given", "value"] = "given",
        reference: ChartRow | None = None,
        sides: tuple[Text, Text] | None = None,
    ) -> None:
        """A chart: dots with whiskers, effects of a model, changes between waves, or a trend.

        Parameters
        ----------
        rows : iterable of ChartRow, or of lists of them
            From `Handle.rows`, or single ones from `row`. Suppressed rows keep their label
            and lose their value.
        title : sentence
            What the picture shows, as a sentence.
        base, question :
            Stand under the chart; `n` is a cell whose n is added to the base.
        columns : {1, 2}
            Columns the groups of rows flow into.
        order : {"given", "value"}
            ``"value"`` sorts the rows of a group, largest first.
        reference : ChartRow, optional
            A value all rows are read against, drawn as a dashed line with its label.
        sides : (Text, Text), optional
            For effects: what less and more mean ("less likely to be employed").
        """
        if kind == "effects" and sides is None:
            raise BriefError(
                f"The chart of effects {name!r} does not say what its two sides mean.",
                remedy="Pass sides=(Text(en='less likely …', ar=…), Text(en='more likely …', ar=…)).",
            )
        flat: list[ChartRow] = []
        for entry in rows:
            flat.extend([entry] if isinstance(entry, ChartRow) else entry)
        self._figure(
            name, kind, flat, title, base, n, question, alt, notes, width,
            columns=columns, order=order, reference=reference, sides=sides,
        )  # fmt: skip

    def map(
        self,
        name: str,
        handle: Handle,
        *,
        title: AnySentence,
        base: Text,
        column: Literal["governorate", "region"] = "governorate",
        where: Mapping[str, Scalar] | None = None,
        n: CellRef | None = None,
        question: str | QuestionRef | None = None,
        alt: Text | None = None,
        notes: Sequence[AnySentence] = (),
        width: Literal["full", "half"] = "full",
    ) -> None:
        """A map of governorates, coloured by their own cell or that of their region.

        Boundaries the user installed are used where found, otherwise the tile grid. With
        ``column="region"`` every governorate of a region takes the region's value.
        """
        rows = handle.rows(column, where=where)
        places = tuple(str(int(float(entry.cell.key[column]))) for entry in rows)
        self._figure(
            name, "map", rows, title, base, n, question, alt, notes, width,
            places=tuple(f"{column}:{place}" for place in places),
        )  # fmt: skip

    def _figure(
        self,
        name: str,
        drawing: str,
        rows: list[ChartRow],
        title: AnySentence,
        base: Text,
        n: CellRef | None,
        question: str | QuestionRef | None,
        alt: Text | None,
        notes: Sequence[AnySentence],
        width: str,
        *,
        places: tuple[str, ...] = (),
        columns: Literal[1, 2] = 1,
        order: Literal["given", "value"] = "given",
        reference: ChartRow | None = None,
        sides: tuple[Text, Text] | None = None,
    ) -> None:
        self._new(name)
        if not rows:
            raise BriefError(f"The figure {name!r} has no rows.", remedy="Pass handle.rows(...).")
        drawn = [*rows, *([reference] if reference else [])]
        refs = [ref for entry in drawn for ref in (entry.cell, entry.before, entry.after)]
        self._known(title, base, alt, n, *notes, *refs, *(sides or ()))
        self._emit(
            FigureBlock(
                brief=self.name, id=name, drawing=drawing, rows=tuple(rows), title=title, base=base,
                n=n, question=self.question(question) if isinstance(question, str) else question,
                alt=alt, notes=tuple(notes), width=width, places=places, columns=columns,
                order=order, reference=reference, sides=sides,
            )  # fmt: skip
        )

    def table(
        self,
        name: str,
        *,
        columns: Sequence[Text],
        rows: Sequence[Sequence[Shown | CellRef | LabelRef | Text]],
        caption: AnySentence,
        notes: Sequence[AnySentence] = (),
    ) -> None:
        """A small table; a cell is a label, a text, a `CellRef` or ``show(cell, "ci")``."""
        self._new(name)
        laid = []
        for number, entries in enumerate(rows):
            if len(entries) != len(columns):
                raise BriefError(
                    f"Row {number} of table {name!r} has {len(entries)} cells, its head has {len(columns)}.",
                    remedy="Give every row one cell per column.",
                )
            laid.append(tuple(Shown(cell=entry) if isinstance(entry, CellRef) else entry for entry in entries))
        self._known(caption, *notes, *(cell.cell for line in laid for cell in line if isinstance(cell, Shown)))
        self._emit(
            TableBlock(
                brief=self.name, id=name, caption=caption, columns=tuple(columns), rows=tuple(laid),
                notes=tuple(notes),
            )  # fmt: skip
        )

    # --- passages ----------------------------------------------------------------------

    def box(
        self,
        name: str,
        *,
        title: Text,
        sentences: Sequence[AnySentence],
        badge: Text | None = None,
        tone: Tone = "plain",
    ) -> None:
        """A framed passage."""
        self._new(name)
        self._known(title, badge, *sentences)
        self._emit(
            BoxBlock(
                brief=self.name, id=name, title=title, sentences=tuple(sentences), badge=badge, tone=tone
            )
        )

    def evidence(
        self,
        headline: CellRef,
        *,
        start: Literal["probability_survey", "rct", "did", "matched", "pre_post", "opt_in"],
        limitations: Mapping[str, Text] | None = None,
        threshold: float | None = None,
    ) -> None:
        """The strength of evidence, computed from declared inputs.

        Parameters
        ----------
        headline : CellRef
            The headline figure: its effective sample and interval are judged.
        start : str
            The design it starts from.
        limitations : mapping
            Serious limitations by domain (``risk_of_bias, inconsistency, indirectness,
            reporting, measurement``), each with its sentence.
        threshold : float, optional
            A decision threshold; an interval that crosses it is imprecise.
        """
        self._known(headline)
        self._emit(
            EvidenceBlock(
                brief=self.name, headline=headline, start=start,
                limitations=tuple((limitations or {}).items()), threshold=threshold,
            )  # fmt: skip
        )

    def method(self, *extra: AnySentence) -> None:
        """The method box, written from the survey card, design and weights; `extra` is added."""
        self._fixed("method", extra)

    def disclosure(self) -> None:
        """The disclosure items of AAPOR's Code; an empty immediate item fails the build."""
        self._fixed("disclosure", ())

    def lacks(self, *extra: AnySentence) -> None:
        """What the survey lacks and whom it leaves out."""
        self._fixed("lacks", extra)

    def cite(self) -> None:
        """How to cite, and the sources of the published facts used."""
        self._fixed("cite", ())

    def _fixed(self, passage: str, extra: Sequence[AnySentence]) -> None:
        self._known(*extra)
        self._emit(FixedBlock(brief=self.name, passage=passage, extra=tuple(extra)))

    # --- checks ------------------------------------------------------------------------

    def _emit(self, block: Block) -> None:
        self._emit_to(block, self._sets)

    def _new(self, name: str) -> None:
        if not name.isidentifier():
            raise BriefError(
                f"{name!r} cannot name a set, figure, table or box.",
                remedy="Use letters, digits and underscores, e.g. 'by_age'.",
            )
        if name in self._ids:
            raise BriefError(
                f"The name {name!r} is already used in this brief.",
                remedy="Give every set, figure, table and box a name of its own.",
            )
        self._ids.add(name)

    def _known(self, *parts: Sentence | CellRef | None) -> None:
        for ref in _cells(parts):
            if ref.set not in self._sets or ref.row >= len(self._sets[ref.set]):
                raise BriefError(
                    f"{ref!r} was not registered in this brief.",
                    remedy="Register the estimates first: brief.estimates(name, ...).cell(...).",
                )


def row(
    cell: CellRef | None,
    label: LabelRef | Text,
    *,
    group: LabelRef | Text | None = None,
    series: LabelRef | Text | None = None,
    series_code: str | None = None,
) -> ChartRow:
    """One chart row with its own label.

    `series_code` (``"sex:2"``) fixes the colour. Without a cell the row is the reference
    category of a model's variable.
    """
    return ChartRow(cell=cell, label=label, group=group, series=series, series_code=series_code)


def change_row(
    label: LabelRef | Text,
    *,
    before: CellRef,
    after: CellRef,
    difference: CellRef,
    group: LabelRef | Text | None = None,
    series: LabelRef | Text | None = None,
    series_code: str | None = None,
) -> ChartRow:
    """One row of a chart of changes: both levels and the difference with its own test."""
    return ChartRow(
        cell=difference, label=label, before=before, after=after, group=group, series=series,
        series_code=series_code,
    )  # fmt: skip


def show(cell: CellRef, spec: str = "") -> Shown:
    """A table cell: the same cell may be shown as ``percent``, ``ci``, ``n``, …"""
    from masar_research.briefs.words import read_spec

    if spec:
        read_spec(spec)
    return Shown(cell=cell, spec=spec)


def _cells(parts: Iterable[Any]) -> Iterable[CellRef]:
    for part in parts:
        if isinstance(part, CellRef):
            yield part
        elif isinstance(part, Text):
            yield from _cells([*part.values.values(), part.otherwise])
        elif isinstance(part, Level | Gap | Change | Choice):
            yield from _cells(getattr(part, name) for name in type(part).model_fields)


def _sides(name: str, estimates: Estimates, of: Handle | None) -> list[tuple[CellRef, ...]]:
    if estimates.kind != "difference":
        return [()] * len(estimates.frame)
    rows = estimates.note.get("sides")
    if of is None or rows is None:
        raise BriefError(
            f"The difference {name!r} does not say what it is the difference of.",
            remedy="Form it with registered.contrast(...) and pass of=<handle of those estimates>.",
        )
    cells = of.cells()
    if max(max(side) for side in rows) >= len(cells):
        raise BriefError(
            f"The difference {name!r} was not formed from {of.block.id!r}: it has too few rows.",
            remedy="Pass the handle of the very estimates whose .contrast() was called.",
        )
    return [tuple(cells[index] for index in side) for side in rows]


def _unit(estimates: Estimates) -> Literal["share", "points", "number"]:
    kind = estimates.kind
    if kind == "proportion":
        return "share"
    if kind == "ame" or (kind == "difference" and estimates.note.get("of") == "proportion"):
        return "points"
    return "number"


def _estimator(estimates: Estimates) -> str:
    if estimates.kind == "difference":
        return f"difference of {estimates.note.get('of', 'estimates')}s: {estimates.note.get('contrast', '')}"
    return str(estimates.kind)


def _row(record: Mapping[str, Any], keys: Sequence[str], sides: tuple[CellRef, ...]) -> Row:
    def value(name: str) -> float | None:
        return number_or_none(record.get(name))

    count, n = value("count"), value("n")
    return Row(
        key={str(name): _scalar(record[name]) for name in keys},
        variable=str(record.get("variable", "")),
        category=_scalar(record.get("category")),
        n=None if n is None else int(n),
        count=None if count is None else int(count),
        sides=sides,
        **{
            name: value(name)
            for name in (
                "estimate", "std_error", "conf_low", "conf_high", "df", "n_eff", "deff", "cv", "p_value",
            )  # fmt: skip
        },
    )


def _scalar(value: Any) -> Scalar:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, int | float | str) else str(value)


def _plain(value: Any) -> Any:
    match value:
        case Mapping():
            return {str(name): _plain(inner) for name, inner in value.items()}
        case list() | tuple() | set() | frozenset():
            return [_plain(inner) for inner in value]
        case np.ndarray():
            return _plain(value.tolist())
        case bool() | str() | None:
            return value
        case int() | np.integer():
            return int(value)
        case float() | np.floating():
            return number_or_none(value)
    return str(value)
