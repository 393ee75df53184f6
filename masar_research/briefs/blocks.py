"""Blocks: what the cells of a brief notebook emit, as versioned JSON.

A block holds references and rules, never finished text. It travels in the executed notebook
under `MIME`, beside an HTML preview for JupyterLab; `collect` reads the blocks back.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter, ValidationError

from masar_research.briefs.refs import CellRef, LabelRef, Model, QuestionRef, Ref, Scalar
from masar_research.briefs.words import Sentence, Text
from masar_research.errors import BriefError

MIME = "application/vnd.masar.block+json"
VERSION = 1

Label = Annotated[LabelRef | Text, Field(union_mode="left_to_right")]
Tone = Literal["plain", "warning", "evidence"]


class Block(Model):
    """Common to all blocks: format version and the name of the brief."""

    version: Literal[1] = VERSION
    brief: str


class WaveFacts(Model):
    """One wave of the study as loaded or declared."""

    wave: int | str
    start: str | None = None
    end: str | None = None
    note: LabelRef | None = None
    label: LabelRef | None = None
    checksum: str | None = None
    file: str


class Header(Block):
    """First block: the parameters, the survey and everything the fixed passages need.

    `card` is the survey card's bilingual text by dotted path; `facts` are the numbers
    computed when the survey was loaded (interviews, PSUs, strata, weights); `replicates` is the
    type of replicate weights that stand for PSUs and strata, whose numbers are then unknown.
    """

    type: Literal["header"] = "header"
    parameters: dict[str, Scalar]
    study: str
    synthetic: bool
    clustered: bool
    probability: bool
    lonely_psu: str
    replicates: str | None = None
    waves: tuple[WaveFacts, ...]
    card: dict[str, LabelRef]
    facts: dict[str, float | None]
    interviewed: tuple[str, str] | None = None
    geography: LabelRef
    weighting: tuple[LabelRef, ...] = ()
    lacks: tuple[tuple[str, LabelRef], ...] = ()
    disclosure: dict[str, LabelRef] = {}


class SourcesBlock(Block):
    """Checksums of further waves, read when the waves are pooled; wave → checksum."""

    type: Literal["sources"] = "sources"
    checksums: dict[str, str]


class Row(Model):
    """One row of registered estimates: domain codes and statistics at full precision.

    `counted` marks the interviews of a share's base and class (`masar_research.briefs.counting`).
    """

    key: dict[str, Scalar]
    variable: str
    category: Scalar = None
    estimate: float | None
    std_error: float | None = None
    conf_low: float | None = None
    conf_high: float | None = None
    df: float | None = None
    n: int | None = None
    n_eff: float | None = None
    deff: float | None = None
    cv: float | None = None
    p_value: float | None = None
    count: int | None = None
    counted: tuple[str, str] | None = None
    sides: tuple[CellRef, ...] = ()


class EstimatesBlock(Block):
    """A registered set of estimates: every row, and what it is.

    `unit` says how it reads: a share (shown as percent), points, or a plain number.
    """

    type: Literal["estimates"] = "estimates"
    id: str
    kind: str
    estimator: str
    by: tuple[str, ...]
    unit: Literal["share", "points", "number"]
    level: float
    indicator: str | None = None
    base: Text
    question: QuestionRef | None = None
    waves: tuple[int | str, ...] = ()
    sensitive: bool = False
    rows: tuple[Row, ...]
    note: dict[str, Any] = {}
    vcov: dict[str, Any] = {}


class TitleBlock(Block):
    """The finding as title, the series line above it and the line beneath."""

    type: Literal["title"] = "title"
    title: Sentence
    kicker: Text
    subtitle: Text | None = None
    keywords: tuple[Text, ...] = ()


class MessageBlock(Block):
    """One key message: one sentence with one number, the number set large."""

    type: Literal["message"] = "message"
    sentence: Sentence
    figure: CellRef
    spec: str = ""


class ParagraphBlock(Block):
    """Running text: sentences set one after another."""

    type: Literal["paragraph"] = "paragraph"
    sentences: tuple[Sentence, ...]
    style: Literal["body", "lead", "small"] = "body"


class HeadingBlock(Block):
    """A section heading."""

    type: Literal["heading"] = "heading"
    text: Text
    level: Literal[1, 2] = 1


class ChartRow(Model):
    """A row of a chart: a cell, its label, the group it stands under, its series (colour).

    For a change, `cell` is the difference and `before`, `after` its two levels. A row without
    a cell is the reference category of a model.
    """

    cell: CellRef | None
    label: Label
    before: CellRef | None = None
    after: CellRef | None = None
    group: Label | None = None
    series: Label | None = None
    series_code: str | None = None


class FigureBlock(Block):
    """A chart or map; drawn after the gate, one per language."""

    type: Literal["figure"] = "figure"
    id: str
    drawing: Literal["dots", "effects", "changes", "trend", "map"]
    rows: tuple[ChartRow, ...]
    title: Sentence
    base: Text
    n: CellRef | None = None
    question: QuestionRef | None = None
    alt: Text | None = None
    notes: tuple[Sentence, ...] = ()
    width: Literal["full", "half"] = "full"
    places: tuple[str, ...] = ()
    columns: Literal[1, 2] = 1
    order: Literal["given", "value"] = "given"
    reference: ChartRow | None = None
    sides: tuple[Text, Text] | None = None


class Shown(Model):
    """A table cell: a cell of the estimates and how to show it."""

    cell: CellRef
    spec: str = ""


class TableBlock(Block):
    """A table; its first column heads the rows."""

    type: Literal["table"] = "table"
    id: str
    caption: Sentence
    columns: tuple[Text, ...]
    rows: tuple[tuple[Shown | LabelRef | Text, ...], ...]
    notes: tuple[Sentence, ...] = ()


class BoxBlock(Block):
    """A framed passage."""

    type: Literal["box"] = "box"
    id: str
    title: Text
    sentences: tuple[Sentence, ...]
    badge: Text | None = None
    tone: Tone = "plain"


class EvidenceBlock(Block):
    """Declared inputs of the strength of evidence; the label is computed from them."""

    type: Literal["evidence"] = "evidence"
    headline: CellRef
    start: Literal["probability_survey", "rct", "did", "matched", "pre_post", "opt_in"]
    limitations: tuple[tuple[str, Text], ...] = ()
    threshold: float | None = None


class FixedBlock(Block):
    """A passage the house writes from the header: method, disclosure, lacks, cite."""

    type: Literal["fixed"] = "fixed"
    passage: Literal["method", "disclosure", "lacks", "cite", "excluded"]
    extra: tuple[Sentence, ...] = ()


AnyBlock = Annotated[
    Header
    | SourcesBlock
    | EstimatesBlock
    | TitleBlock
    | MessageBlock
    | ParagraphBlock
    | HeadingBlock
    | FigureBlock
    | TableBlock
    | BoxBlock
    | EvidenceBlock
    | FixedBlock,
    Field(discriminator="type"),
]
_ADAPTER: TypeAdapter[Any] = TypeAdapter(AnyBlock)


def dump(block: Block) -> dict[str, Any]:
    """The block as JSON values; NaN and infinities are refused here, never written."""
    data = block.model_dump(mode="json")
    try:
        json.dumps(data, allow_nan=False)
    except ValueError:
        raise BriefError(
            f"A block of type {data['type']!r} holds a value that is not a number or is infinite.",
            remedy="Leave the row out, or find out why the estimate does not exist.",
        ) from None
    return data


def load(data: Mapping[str, Any]) -> Block:
    """A block from its JSON; a version or field this code does not know is an error."""
    version = data.get("version")
    if version != VERSION:
        raise BriefError(
            f"The notebook holds a block of format version {version!r}; this code reads {VERSION}.",
            remedy="Execute the notebook again with this version: masar brief build NAME.",
        )
    try:
        return _ADAPTER.validate_python(dict(data))
    except ValidationError as error:
        first = error.errors()[0]
        raise BriefError(
            f"A block of type {data.get('type')!r} is not valid: {first['msg']} at {list(first['loc'])}.",
            remedy="Emit blocks through masar_research.briefs.open_brief only.",
        ) from error


def collect(notebook: Mapping[str, Any]) -> list[Block]:
    """All blocks of an executed notebook, in order."""
    found = []
    for cell in notebook["cells"]:
        for output in cell.get("outputs", ()):
            data = output.get("data", {}).get(MIME)
            if data is not None:
                found.append(load(data))
    if not found or not isinstance(found[0], Header):
        raise BriefError(
            "The executed notebook holds no brief: its first block must be the header.",
            remedy="Open it with brief = briefs.open_brief(...) and call its verbs in the cells that follow.",
        )
    return with_sources(found)


def with_sources(blocks: Sequence[Block]) -> list[Block]:
    """The blocks with the checksums of all waves that were read in the header."""
    checksums: dict[str, str] = {}
    for block in blocks:
        if isinstance(block, SourcesBlock):
            checksums |= block.checksums
    out: list[Block] = []
    for block in blocks:
        if isinstance(block, Header) and checksums:
            waves = tuple(
                wave.model_copy(update={"checksum": checksums.get(str(wave.wave), wave.checksum)})
                for wave in block.waves
            )
            block = block.model_copy(update={"waves": waves})
        if not isinstance(block, SourcesBlock):
            out.append(block)
    return out


def number_or_none(value: Any) -> float | None:
    """A float for JSON: NaN and infinities become null."""
    if value is None:
        return None
    value = float(value)
    return value if math.isfinite(value) else None
