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

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

import numpy as np

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
    Shown,
    TableBlock,
    TitleBlock,
    Tone,
    number_or_none,
)
from masar_research.briefs.counting import marked
from masar_research.briefs.emit import Emit, display
from masar_research.briefs.handles import Handle
from masar_research.briefs.header import Opened, opened
from masar_research.briefs.refs import CellRef, LabelRef, QuestionRef, Scalar
from masar_research.briefs.registering import estimator_of, plain, rows_of, scalar, unit_of
from masar_research.briefs.study import Study
from masar_research.briefs.words import Change, Choice, Gap, Level, Sentence, Text
from masar_research.errors import BriefError
from masar_research.estimates import Estimates
from masar_research.survey import Survey

AnySentence = Text | Level | Gap | Change | Choice


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


class Brief(Study):
    """A brief being written. Made by `open_brief`."""

    def __init__(self, name: str, opened: Opened, emit: Emit) -> None:
        self.name = name
        self._opened = opened
        self._emit_to = emit
        self._sets: dict[str, Handle] = {}
        self._ids: set[str] = set()
        self._emit(Header(brief=name, **opened.header))

    # --- numbers -----------------------------------------------------------------------

    def estimates(
        self,
        name: str,
        estimates: Estimates,
        *,
        base: Text,
        indicator: str | None = None,
        question: str | QuestionRef | None = None,
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
        kind = str(estimates.kind)
        block = EstimatesBlock(
            brief=self.name,
            id=name,
            kind=kind,
            estimator=estimator_of(estimates),
            by=tuple(estimates.by),
            unit=unit or unit_of(estimates),
            level=estimates.level,
            indicator=indicator,
            base=base,
            question=self.question(question) if isinstance(question, str) else question,
            waves=self._waves_of(estimates),
            sensitive=sensitive,
            rows=marked(rows_of(name, estimates, of), estimates, self._read()),
            note=plain(dict(estimates.note)),
            vcov={"rows": len(frame), "trace": number_or_none(np.nansum(np.diag(estimates.vcov)))},
        )
        self._emit(block)
        self._sets[name] = Handle(block=block, codebook=estimates.codebook)
        return self._sets[name]

    def _read(self) -> list[tuple[Survey, Scalar]]:
        """The surveys of this brief that have been read: the wave's and, if used, the pooled one."""
        pooled = vars(self).get("pooled")
        found = [self.survey, *([] if pooled is None else [pooled])]
        return [(survey, self.wave) for survey in found]

    def _waves_of(self, estimates: Estimates) -> tuple[int, ...]:
        if "wave" in estimates.frame.columns:
            return tuple(dict.fromkeys(scalar(wave) for wave in estimates.frame["wave"]))
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


def _cells(parts: Iterable[Any]) -> Iterable[CellRef]:
    for part in parts:
        if isinstance(part, CellRef):
            yield part
        elif isinstance(part, Text):
            yield from _cells([*part.values.values(), *part.needs, part.otherwise])
        elif isinstance(part, Level | Gap | Change | Choice):
            yield from _cells(getattr(part, name) for name in type(part).model_fields)
