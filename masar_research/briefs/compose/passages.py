"""The passages the house writes itself: method, strength of evidence, disclosure, lacks, cite."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from masar_research.briefs import disclosure, evidence
from masar_research.briefs import facts as published
from masar_research.briefs.blocks import (
    Block,
    EstimatesBlock,
    EvidenceBlock,
    FigureBlock,
    FixedBlock,
    Header,
    MessageBlock,
)
from masar_research.briefs.compose.saying import ended, paragraph, say, unended
from masar_research.briefs.compose.voice import Voice
from masar_research.briefs.document import Box, Element, Items, Line, Run
from masar_research.briefs.refs import (
    DateRef,
    FactRef,
    LabelRef,
    ParameterRef,
    SurveyRef,
    VersionRef,
)
from masar_research.briefs.words import Text


@dataclass(frozen=True, slots=True)
class Whole:
    """What a passage may need of the whole brief."""

    blocks: Sequence[Block]
    facts_used: tuple[str, ...]
    title: Line
    version: str
    date: str

    def of(self, kind: type) -> list[Any]:
        return [block for block in self.blocks if isinstance(block, kind)]


def passage(voice: Voice, block: FixedBlock, whole: Whole) -> Element:
    """The element of a fixed passage."""
    writers = {"method": _method, "disclosure": _disclosure, "lacks": _lacks, "cite": _cite, "excluded": _lacks}
    return writers[block.passage](voice, block, whole)


def _title(voice: Voice, en: str, ar: str) -> Line:
    return say(voice, Text(en=en, ar=ar), "title")


# --- method ----------------------------------------------------------------------------


def _method(voice: Voice, block: FixedBlock, whole: Whole) -> Box:
    header, place = voice.header, "box:method"
    texts: list[Any] = [_source_sentence(header)]
    if header.clustered:
        texts.append(_sample_sentence(header))
    elif "design.note" in header.card:
        texts.append(header.card["design.note"])
    if header.weighting:
        texts.append(disclosure.steps_sentence(header.weighting))
    level = next((one.level for one in whole.of(EstimatesBlock)), 0.95)
    allowed = ("", "")
    if header.replicates is not None:
        allowed = (" and the sample design", " وتصميم العينة")
    elif header.clustered:
        allowed = (", strata and sampling units", " والطبقات ووحدات المعاينة")
    texts.append(
        Text(
            en="Intervals have a confidence level of {level:percent} and allow for weights"
            + allowed[0]
            + "; an asterisk or the words “not shown” mark a figure that is too unreliable or too revealing to be shown",
            ar="فترات الثقة بمستوى {level:percent} وتراعي الأوزان"
            + allowed[1]
            + "؛ وتدل النجمة أو عبارة «غير معروض» على رقم لا يُعرض لأنه غير موثوق أو حفاظاً على السرية",
            values={
                "level": ParameterRef(
                    name=f"confidence level {level:g}", value=level, source="confidence level of the intervals"
                )
            },
        )
    )
    return Box("method", _title(voice, "Method", "المنهجية"), (paragraph(voice, (*texts, *block.extra), place),))


def _source_sentence(header: Header) -> Text:
    values: dict[str, Any] = {
        "title": header.card["title"],
        "population": header.card["population"],
        "n": SurveyRef(name="interviews", value=header.facts["interviews"] or 0),
    }
    wave = next(wave for wave in header.waves if wave.wave == header.parameters["wave"])
    when_en = when_ar = ""
    if wave.start:
        values["period"] = DateRef(start=wave.start, end=wave.end, source="survey card: fieldwork")
        when_en, when_ar = ". Fieldwork: {period}", ". العمل الميداني: {period}"
    elif wave.note:
        values["period"] = wave.note
        when_en, when_ar = ". {period}", ". {period}"
    return Text(
        en="{title}: {n} interviews. Population: {population}" + when_en,
        ar="{title}: عدد المقابلات {n}. المجتمع: {population}" + when_ar,
        values=values,
    )


def _sample_sentence(header: Header) -> Text:
    if header.replicates is not None:
        return disclosure.replicates_sentence(header)
    return Text(
        en="The sample has {psus} sampling units in {strata} strata",
        ar="عدد وحدات المعاينة {psus} وعدد الطبقات {strata}",
        values={
            "psus": SurveyRef(name="psus", value=header.facts["psus"] or 0),
            "strata": SurveyRef(name="strata", value=header.facts["strata"] or 0),
        },
    )


# --- what is lacking -------------------------------------------------------------------


def _lacks(voice: Voice, block: FixedBlock, whole: Whole) -> Element:
    header, place = voice.header, "box:lacks"
    lines: list[Line] = []
    excluded = [text for name, text in header.card.items() if name.startswith("population.excluded.")]
    if excluded:
        lines.append(_listed(voice, "Not covered: ", "غير مشمول: ", excluded, place))
    lines.extend(ended(say(voice, reason, place)) for reason in _relevant(header, whole))
    lines.extend(paragraph(voice, [sentence], place) for sentence in block.extra)
    hidden = sum(cell.hidden for cell in voice.gated.cells.values())
    if hidden:
        count = SurveyRef(name="suppressed figures", value=hidden)
        total = SurveyRef(name="computed figures", value=len(voice.gated.cells))
        text = Text(
            en="Of {total} figures computed, {hidden} are not shown: too few interviews, too wide an interval, or "
            "confidentiality",
            ar="حُسب {total} رقماً، ولا يُعرض منها {hidden}: لقلة المقابلات أو اتساع فترة الثقة أو حفاظاً على السرية",
            values={"total": total, "hidden": count},
        )
        lines.append(paragraph(voice, [text], place))
    if not lines:
        lines.append(
            say(voice, Text(en="All planned figures could be shown.", ar="أمكن عرض جميع الأرقام المقررة."), place)
        )
    return Box("lacks", _title(voice, "What this survey cannot say", "ما لا يستطيع هذا المسح قوله"), tuple(lines))


def _relevant(header: Header, whole: Whole) -> list[LabelRef]:
    """What the survey lacks of this brief's theme: the indicators whose id begins like its own."""
    themes = {_theme(block.indicator) for block in whole.of(EstimatesBlock) if block.indicator}
    wanted = [
        reason for name, reason in header.lacks
        if not themes or not _theme(name) or _theme(name) in themes
    ]  # fmt: skip
    return list({(reason.en, reason.ar): reason for reason in wanted}.values())


def _theme(indicator: str) -> str:
    """``WE`` of ``WE05``; empty for a variable's name."""
    found = re.fullmatch(r"([A-Z]+)\d+", indicator)
    return found[1] if found else ""


def _listed(voice: Voice, en: str, ar: str, labels: Iterable[LabelRef], place: str) -> Line:
    line: list[Run] = [Run(ar if voice.lang == "ar" else en)]
    joint = "؛ " if voice.lang == "ar" else "; "
    for number, label in enumerate(labels):
        if number:
            line.append(Run(joint))
        line.extend(voice.runs(label, "", place))
    line.append(Run("."))
    return tuple(line)


# --- disclosure ------------------------------------------------------------------------


def headline_deff(voice: Voice, whole: Whole) -> float | None:
    """Design effect of the first share among the headline figures that may be shown."""
    figures = [
        *(message.figure for message in whole.of(MessageBlock)[:1]),
        *(one.headline for one in whole.of(EvidenceBlock)),
    ]
    shares = (voice.cell(ref) for ref in figures if not voice.hidden(ref))
    return next((cell.row.deff for cell in shares if cell.block.kind == "proportion"), None)


def _disclosure(voice: Voice, block: FixedBlock, whole: Whole) -> Items:
    opt_in = any(one.start == "opt_in" for one in whole.of(EvidenceBlock))
    found = disclosure.items(
        voice.header, whole.of(EstimatesBlock), whole.of(FigureBlock), headline_deff(voice, whole), opt_in,
    )  # fmt: skip
    place = "items:disclosure"
    return Items(
        "disclosure",
        _title(voice, "Disclosure", "بيان الإفصاح"),
        tuple(
            ((Run(item.ar if voice.lang == "ar" else item.en),), paragraph(voice, item.parts, place))
            for item in found
        ),
    )


# --- strength of evidence --------------------------------------------------------------


def strength_box(voice: Voice, block: EvidenceBlock) -> Box:
    """The computed label as a badge, what it means, and why it is not higher."""
    cell = voice.cell(block.headline)
    row = cell.row
    found = evidence.strength(
        block.start, hidden=cell.hidden, n_eff=row.n_eff, low=row.conf_low, high=row.conf_high,
        threshold=block.threshold, clustered=voice.header.clustered, synthetic=voice.header.synthetic,
        limitations=[name for name, _ in block.limitations],
    )  # fmt: skip
    declared: Mapping[str, Text] = dict(block.limitations)
    place = "box:evidence"
    reasons = [
        declared[name] if name in declared else _pair(evidence.REASONS[name]) for name in found.reasons
    ]
    parts: list[Any] = [_pair(evidence.MEANING[found.level])]
    lines = [paragraph(voice, parts, place)]
    if reasons:
        lead = Text(en="It is not rated higher because", ar="ولم تُقيَّم بدرجة أعلى للأسباب الآتية")
        joined: list[Run] = [*say(voice, lead, place), Run(": ")]
        for number, reason in enumerate(reasons):
            if number:
                joined.append(Run("؛ " if voice.lang == "ar" else "; "))
            joined.extend(unended(say(voice, reason, place)))
        joined.append(Run("."))
        lines.append(tuple(joined))
    badge = say(voice, _pair(evidence.WORDS[found.level]), place)
    return Box(
        "evidence", _title(voice, "Strength of evidence", "قوة الدليل"), tuple(lines), badge=badge, tone="evidence"
    )


def _pair(words: tuple[str, str]) -> Text:
    return Text(en=words[0], ar=words[1])


# --- how to cite -----------------------------------------------------------------------


def _cite(voice: Voice, block: FixedBlock, whole: Whole) -> Items:
    header, place = voice.header, "items:cite"
    made = DateRef(start=whole.date, source="day the brief was built")
    version = VersionRef(text=f"masar_research {whole.version}")
    brief_line: list[Run] = [Run(run.text, run.source, run.ref) for run in whole.title]
    brief_line = [*ended(tuple(brief_line)), Run(" ")]
    brief_line.extend(
        say(
            voice,
            Text(
                en="Evidence brief, {made}. Computed with {version}.",
                ar="موجز أدلة، {made}. حُسب بواسطة {version}.",
                values={"made": made, "version": version},
            ),
            place,
        )
    )
    data = header.card.get("citation") or header.card["title"]
    wave = next(wave for wave in header.waves if wave.wave == header.parameters["wave"])
    data_line: list[Run] = [*say(voice, data, place)]
    if wave.checksum:
        short = wave.checksum.split(":")[-1][:12]
        data_line = [*ended(tuple(data_line)), Run(" ")]
        data_line.extend(
            say(
                voice,
                Text(
                    en="Checksum of the data: {sum}", ar="بصمة البيانات: {sum}",
                    values={"sum": ParameterRef(name="checksum", value=short, source="data file")},
                ),
                place,
            )
        )  # fmt: skip
    items = [
        (_title(voice, "This brief", "هذا الموجز"), tuple(brief_line)),
        (_title(voice, "Data", "البيانات"), tuple(data_line)),
    ]
    items += [(_fact_title(voice), _fact(voice, fact, place)) for fact in whole.facts_used]
    items.append(
        (
            _title(voice, "Every number", "كل رقم"),
            say(
                voice,
                Text(
                    en="The origin of every number stands in ledger.json beside this brief; "
                    "the command masar verify computes all of them again.",
                    ar="أصل كل رقم مدوّن في الملف ledger.json المرفق بهذا الموجز؛ ويعيد الأمر masar verify حسابها كلها.",
                ),
                place,
            ),
        )
    )
    return Items("cite", _title(voice, "How to cite, and sources", "الاستشهاد والمصادر"), tuple(items))


def _fact_title(voice: Voice) -> Line:
    return _title(voice, "Published figure", "رقم منشور")


def _fact(voice: Voice, fact_id: str, place: str) -> Line:
    fact = published.fact(fact_id)
    ref = FactRef(id=fact_id)
    words = ". ".join(part for part in (fact.indicator, fact.population, fact.period, fact.source) if part)
    label = LabelRef(en=words, ar=words, source=f"published fact {fact_id}")
    return (*voice.runs(ref, "", place), Run(": "), *voice.runs(label, "", place))


