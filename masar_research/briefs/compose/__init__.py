"""Blocks and the gate's decisions → one `Document` per language, and the ledger."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from masar_research.briefs.blocks import (
    Block,
    BoxBlock,
    EstimatesBlock,
    EvidenceBlock,
    FigureBlock,
    FixedBlock,
    Header,
    HeadingBlock,
    MessageBlock,
    ParagraphBlock,
    TableBlock,
    TitleBlock,
)
from masar_research.briefs.codeversion import code_version
from masar_research.briefs.compose import figures, passages, rules, tables
from masar_research.briefs.compose.data import DataFile
from masar_research.briefs.compose.saying import paragraph, say
from masar_research.briefs.compose.voice import Voice
from masar_research.briefs.document import (
    Box,
    Document,
    Element,
    Heading,
    Lang,
    Line,
    Messages,
    Paragraph,
    lines,
    plain,
)
from masar_research.briefs.gate import Gated
from masar_research.briefs.ledger import Ledger
from masar_research.briefs.refs import FactRef, LabelRef, ParameterRef, VersionRef
from masar_research.briefs.words import Text
from masar_research.errors import BriefError

OTHER: Mapping[Lang, Lang] = {"ar": "en", "en": "ar"}


@dataclass(frozen=True, slots=True)
class Composed:
    """A brief after the gate, in words.

    Attributes
    ----------
    documents : mapping
        Language → Document.
    ledger : Ledger
    data : tuple of DataFile
        The figures' data, gated, for ``data/<figure>.csv``.
    disclosure : mapping
        Language → the disclosure items, heading → text.
    """

    documents: Mapping[Lang, Document]
    ledger: Ledger
    data: tuple[DataFile, ...]
    disclosure: Mapping[Lang, Mapping[str, str]]


def compose(
    blocks: Sequence[Block], gated: Gated, *, date: str, langs: Sequence[Lang] = ("en", "ar")
) -> Composed:
    """Put a brief into words.

    Parameters
    ----------
    blocks : sequence of Block
        As collected from the executed notebook.
    gated : Gated
        Decisions on all its cells.
    date : str
        Day of the build, ISO 8601.
    langs : sequence
        Both are always composed, so that the ledger is the same; only these are returned.

    Raises
    ------
    BriefError
        A missing title, an untraceable number, a sentence that breaks a house rule.
    """
    header = next(block for block in blocks if isinstance(block, Header))
    version = code_version()
    ledger = Ledger(_head(header, date, version))
    documents: dict[Lang, Document] = {}
    disclosed: dict[Lang, Mapping[str, str]] = {}
    data: tuple[DataFile, ...] = ()
    for lang in ("en", "ar"):
        voice = Voice(lang, header, gated, ledger)
        document = _document(voice, blocks, date, version["version"])
        rules.check(document)
        for place, line in lines(document):
            ledger.say(lang, place, plain(line))
        documents[lang] = document
        disclosed[lang] = _disclosed(document)
    figure_blocks = [block for block in blocks if isinstance(block, FigureBlock)]
    data = tuple(DataFile.of(block, gated, documents) for block in figure_blocks)
    return Composed({lang: documents[lang] for lang in langs}, ledger, data, disclosed)


def _head(header: Header, date: str, version: Mapping[str, str]) -> dict[str, Any]:
    used = [wave for wave in header.waves if wave.checksum]
    return {
        "brief": header.brief,
        "parameters": dict(header.parameters),
        "study": header.study,
        "study_title": {"en": header.card["title"].en, "ar": header.card["title"].ar},
        "synthetic": header.synthetic,
        "sources": [
            {"wave": wave.wave, "file": wave.file, "checksum": wave.checksum} for wave in used
        ],
        "made": date,
        "code": dict(version),
    }


def _document(voice: Voice, blocks: Sequence[Block], date: str, version: str) -> Document:
    header = voice.header
    titles = [block for block in blocks if isinstance(block, TitleBlock)]
    if len(titles) != 1:
        raise BriefError(
            f"The brief has {len(titles)} titles; it needs one.",
            remedy="Call brief.title(...) once in the notebook.",
        )
    head = titles[0]
    title = say(voice, head.title, "title")
    whole = passages.Whole(blocks, _facts_used(blocks), title, version, date)
    notice = voice.runs(header.card["notice"], "", "notice") if "notice" in header.card else None
    keywords = tuple(plain(say(voice, text, "keywords")) for text in head.keywords)
    return Document(
        name=header.brief,
        lang=voice.lang,
        kicker=say(voice, head.kicker, "kicker"),
        title=title,
        subtitle=say(voice, head.subtitle or _subtitle(header), "subtitle"),
        notice=notice,
        footer=say(voice, _footer(header, version), "footer"),
        elements=tuple(_elements(voice, blocks, whole)),
        date=date,
        keywords=keywords,
        other_lang=f"{header.brief}.{OTHER[voice.lang]}",
        meta={"study": header.study, "version": version},
    )


def _subtitle(header: Header) -> Text:
    wave = header.parameters["wave"]
    label = next((facts.label for facts in header.waves if facts.wave == wave), None)
    return Text(
        en="{study}, {wave} · {population} · {place}",
        ar="{study}، {wave} · {population} · {place}",
        values={
            "study": header.card["title"],
            "wave": label or ParameterRef(name="wave", value=wave or "", source="parameter wave"),
            "population": header.card["population"],
            "place": header.geography,
        },
    )


def _footer(header: Header, version: str) -> Text:
    return Text(
        en="{study} · {version}",
        ar="{study} · {version}",
        values={"study": header.card["title"], "version": VersionRef(text=f"masar_research {version}")},
    )


def _elements(voice: Voice, blocks: Sequence[Block], whole: passages.Whole) -> Iterator[Element]:
    messages: list[MessageBlock] = []
    for index, block in enumerate(blocks):
        if isinstance(block, MessageBlock):
            messages.append(block)
            following = blocks[index + 1 :]
            rest = next((one for one in following if not isinstance(one, EstimatesBlock)), None)
            if not isinstance(rest, MessageBlock):
                yield _messages(voice, messages)
                messages = []
            continue
        element = _element(voice, block, whole, f"block {index}")
        if element is not None:
            yield element


def _element(voice: Voice, block: Block, whole: passages.Whole, place: str) -> Element | None:
    match block:
        case ParagraphBlock():
            return Paragraph(paragraph(voice, block.sentences, place), block.style)
        case HeadingBlock():
            return Heading(say(voice, block.text, place), block.level)
        case FigureBlock():
            return figures.figure(voice, block)
        case TableBlock():
            return tables.table(voice, block)
        case BoxBlock():
            return _box(voice, block)
        case EvidenceBlock():
            return passages.strength_box(voice, block)
        case FixedBlock():
            return passages.passage(voice, block, whole)
    return None


def _messages(voice: Voice, blocks: Sequence[MessageBlock]) -> Messages:
    place = "messages"
    figures_set: list[Line] = []
    sentences: list[Line] = []
    for block in blocks:
        sentence = paragraph(voice, [block.sentence], place)
        rules.one_number(sentence, voice.lang)
        figures_set.append(voice.runs(block.figure, block.spec, place, strong=True))
        sentences.append(sentence)
    return Messages(tuple(figures_set), tuple(sentences))


def _box(voice: Voice, block: BoxBlock) -> Box:
    place = f"box:{block.id}"
    return Box(
        block.id,
        say(voice, block.title, place),
        tuple(paragraph(voice, [sentence], place) for sentence in block.sentences),
        badge=say(voice, block.badge, place) if block.badge else None,
        tone=block.tone,
    )


def _facts_used(blocks: Sequence[Block]) -> tuple[str, ...]:
    found: dict[str, None] = {}

    def walk(value: Any) -> None:
        match value:
            case FactRef():
                found.setdefault(value.id)
            case LabelRef():
                return
            case dict():
                for inner in value.values():
                    walk(inner)
            case list() | tuple():
                for inner in value:
                    walk(inner)
            case _ if hasattr(type(value), "model_fields"):
                for name in type(value).model_fields:
                    walk(getattr(value, name))

    for block in blocks:
        if not isinstance(block, Header | EstimatesBlock):
            walk(block)
    return tuple(found)


def _disclosed(document: Document) -> Mapping[str, str]:
    for element in document.elements:
        if getattr(element, "id", None) == "disclosure":
            return {plain(term): plain(text) for term, text in element.items}  # type: ignore[union-attr]
    return {}
