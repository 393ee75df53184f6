"""Charts and maps, drawn after the gate: a suppressed row arrives without any value."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from masar_research.briefs.blocks import ChartRow, FigureBlock
from masar_research.briefs.compose import maps, tables
from masar_research.briefs.compose.saying import detectable, paragraph, say, wave_ref
from masar_research.briefs.compose.voice import Voice
from masar_research.briefs.document import Art, Figure, Line, Run, plain
from masar_research.briefs.refs import CellRef
from masar_research.briefs.words import Text
from masar_research.errors import BriefError
from masar_research.present import art as drawn
from masar_research.present import charts, theme
from masar_research.present.charts import parts
from masar_research.release import MODEL_BASED

_GROUPS: Mapping[str, str] = {
    "sex:1": "men", "sex:2": "women", "region:1": "middle", "region:2": "north",
    "region:3": "south", "urban:1": "urban", "urban:2": "rural", "jordanian:1": "jordanians",
}  # fmt: skip
DIGITS = 1
_SIDES = (Text(en="less", ar="أقل"), Text(en="more", ar="أكثر"))
_UNITS = {"share": "percent", "points": "points", "number": "number"}


def figure(voice: Voice, block: FigureBlock) -> Figure:
    """A figure with everything that stays with it on the page."""
    place = f"figure:{block.id}"
    title = say(voice, block.title, place)
    data = tables.figure_data(voice, block, title)
    full = block.width == "full"
    return Figure(
        id=block.id,
        title=title,
        art=_art(voice, block, theme.FULL_WIDTH if full else theme.HALF_WIDTH, block.columns),
        alt=say(voice, block.alt, place) if block.alt else _alt(voice, block, title, place),
        base=_base(voice, block, place),
        question=_question(voice, block, place),
        data=data,
        notes=(*(paragraph(voice, [note], place) for note in block.notes), *_notes(voice, block)),
        width=block.width,
        narrow=_art(voice, block, theme.HALF_WIDTH, 1) if full else None,
    )


def _notes(voice: Voice, block: FigureBlock) -> tuple[Line, ...]:
    return tables.gate_notes(voice, [row.cell for row in block.rows if row.cell], marked=False)


def _question(voice: Voice, block: FigureBlock, place: str) -> Line | None:
    if block.question is None:
        return None
    lead = "السؤال: " if voice.lang == "ar" else "Question: "
    return (Run(lead), *voice.runs(block.question, "", place))


def _base(voice: Voice, block: FigureBlock, place: str) -> Line:
    lead = "قاعدة الاحتساب: " if voice.lang == "ar" else "Base: "
    base = (Run(lead), *say(voice, block.base, place))
    if block.n is None:
        return base
    label = "؛ ن = " if voice.lang == "ar" else "; n = "
    return (*base, Run(label), *voice.runs(block.n, "n", place))


def _alt(voice: Voice, block: FigureBlock, title: Line, place: str) -> Line:
    """What a screen reader says: the finding, then where the figures stand."""
    kinds = {
        "dots": Text(en="Dot chart with confidence intervals", ar="رسم نقطي مع فترات الثقة"),
        "effects": Text(en="Chart of average marginal effects", ar="رسم لمتوسط الآثار الحدية"),
        "changes": Text(en="Chart of changes between waves", ar="رسم للتغير بين الجولات"),
        "trend": Text(en="Line over the waves of the survey", ar="خط عبر جولات المسح"),
        "map": Text(en="Map of the governorates", ar="خريطة المحافظات"),
    }
    tail = Text(
        en="The figures stand in the table that goes with it.", ar="والأرقام في الجدول المرفق."
    )
    kind = say(voice, kinds[block.drawing], place)
    stop = () if plain(title).rstrip().endswith(".") else (Run("."),)
    return (*kind, Run(": "), *title, *stop, Run(" "), *say(voice, tail, place))


def _art(voice: Voice, block: FigureBlock, width: float, columns: int) -> Art:
    match block.drawing:
        case "dots":
            reference = _reference(voice, block)
            art = charts.dots(
                _panels(voice, block.rows), voice.lang, width=width, columns=columns,
                unit=_unit(voice, block), digits=DIGITS, reference=reference,
                order=block.order,
            )  # fmt: skip
        case "effects":
            less, more = block.sides or _SIDES
            art = charts.effects(
                _effects(voice, block.rows), voice.lang, width=width,
                less=label(voice, less, "chart"), more=label(voice, more, "chart"),
            )  # fmt: skip
        case "changes":
            before, after = _years(voice, block)
            art = charts.change(_changes(voice, block), voice.lang, before=before, after=after, width=width)
        case "trend":
            art = charts.trend(_series(voice, block.rows), voice.lang, width=width)
        case "map":
            art = maps.draw(voice, block, width)
    return _without_scale(art)


def _without_scale(art: drawn.Art) -> Art:
    """The drawing for the page; marks of the scale are no estimates and leave the list of strings."""
    texts = tuple((Counter(art.texts) - Counter(art.scale)).elements())
    return Art(art.svg, art.png, texts, art.width, art.height)


def _unit(voice: Voice, block: FigureBlock) -> str:
    units = {voice.cell(row.cell).block.unit for row in block.rows if row.cell}
    if len(units) != 1:
        raise BriefError(
            f"The figure {block.id!r} mixes {sorted(units)} on one scale.",
            remedy="Draw shares, differences and numbers in figures of their own.",
        )
    return _UNITS[units.pop()]


def label(voice: Voice, words: object, place: str) -> str:
    """A label as a bare string, entered in the ledger."""
    return plain(say(voice, words, place)) if words is not None else ""


def mark(voice: Voice, ref: CellRef, group: str) -> charts.Mark:
    """A cell as a mark; nothing of a suppressed one goes on."""
    cell = voice.cell(ref)
    if cell.hidden:
        return charts.Mark(None, None, None, "suppress", group)
    row = cell.row
    enter_drawn(voice, ref)
    careful = cell.note in ("caution", "chart_only", "approved", "model_based_caution")
    return charts.Mark(
        row.estimate, row.conf_low, row.conf_high, "flag" if careful else "show", group,
        cell.note in MODEL_BASED,
    )  # fmt: skip


def enter_drawn(voice: Voice, ref: CellRef) -> None:
    """Enter a cell in the ledger as charts write it: percent, signed points, plain number."""
    cell = voice.cell(ref)
    ends = {"drawn": cell.row.estimate}
    if cell.block.unit == "points":
        ends |= {"drawn low": cell.row.conf_low, "drawn high": cell.row.conf_high}
    for way, value in ends.items():
        if value is not None:
            text = parts.figure_text(value, voice.lang, _UNITS[cell.block.unit], DIGITS)
            voice.ledger.show(voice.entry(ref), voice.lang, way, text, "chart")


def _panels(voice: Voice, rows: Sequence[ChartRow]) -> list[charts.Panel]:
    """Neighbouring rows of one group under its heading; rows of one label on one line."""
    panels: list[tuple[str, dict[str, list[charts.Mark]]]] = []
    for row in rows:
        heading, name = label(voice, row.group, "chart"), label(voice, row.label, "chart")
        if not panels or panels[-1][0] != heading:
            panels.append((heading, {}))
        group = _GROUPS.get(row.series_code or "", "plain")
        panels[-1][1].setdefault(name, []).append(mark(voice, _cell(row), group))
    return [
        charts.Panel(heading, tuple(charts.Row(name, tuple(marks)) for name, marks in lines.items()))
        for heading, lines in panels
    ]


def _cell(row: ChartRow) -> CellRef:
    if row.cell is None:
        raise BriefError(
            f"The chart row {row.label!r} has no cell.",
            remedy="Only a chart of effects has rows without one, for reference categories.",
        )
    return row.cell


def _reference(voice: Voice, block: FigureBlock) -> charts.Reference | None:
    if block.reference is None:
        return None
    ref = _cell(block.reference)
    if voice.hidden(ref):
        return None
    enter_drawn(voice, ref)
    return charts.Reference(voice.cell(ref).row.estimate, label(voice, block.reference.label, "chart"))


def _effects(voice: Voice, rows: Sequence[ChartRow]) -> list[charts.EffectPanel]:
    panels: list[tuple[str, list[charts.Effect]]] = []
    for row in rows:
        heading, name = label(voice, row.group, "chart"), label(voice, row.label, "chart")
        if not panels or panels[-1][0] != heading:
            panels.append((heading, []))
        if row.cell is None:
            panels[-1][1].append(charts.Effect(name, None))
            continue
        found = mark(voice, row.cell, "plain")
        panels[-1][1].append(charts.Effect(name, found.value, found.low, found.high, found.status))
    return [charts.EffectPanel(heading, tuple(effects)) for heading, effects in panels]


def _changes(voice: Voice, block: FigureBlock) -> list[charts.Change]:
    found = []
    for row in block.rows:
        if row.before is None or row.after is None:
            raise BriefError(
                f"The figure {block.id!r} shows changes; its row {row.label!r} lacks a level.",
                remedy="Make its rows with change_row(label, before=, after=, difference=).",
            )
        test = _cell(row)
        group = _GROUPS.get(row.series_code or "", "plain")
        difference = mark(voice, test, group)
        shown = difference.status != "suppress"
        found.append(
            charts.Change(
                label(voice, row.label, "chart"), mark(voice, row.before, group), mark(voice, row.after, group),
                difference.value, difference.low, difference.high,
                shown and detectable(voice, test, 0.05) != 0, difference.status,
            )  # fmt: skip
        )
    return found


def _years(voice: Voice, block: FigureBlock) -> tuple[str, str]:
    first = block.rows[0]
    assert first.before is not None and first.after is not None
    return _wave_text(voice, first.before), _wave_text(voice, first.after)


def _wave_text(voice: Voice, ref: CellRef) -> str:
    """The wave of a cell as text, entered in the ledger as a parameter."""
    wave = _wave(voice, ref)
    return "".join(run.text for run in voice.runs(wave_ref(wave), "year" if isinstance(wave, int) else "", "chart"))


def _series(voice: Voice, rows: Sequence[ChartRow]) -> list[charts.Series]:
    series: dict[tuple[str, str], list[charts.Point]] = {}
    for row in rows:
        group = _GROUPS.get(row.series_code or "", "plain")
        name = label(voice, row.series if row.series is not None else row.label, "chart")
        _wave_text(voice, _cell(row))
        point = charts.Point(int(_wave(voice, _cell(row))), mark(voice, _cell(row), group))
        series.setdefault((name, group), []).append(point)
    return [
        charts.Series(name, group, tuple(sorted(points, key=lambda point: point.year)))
        for (name, group), points in series.items()
    ]


def _wave(voice: Voice, ref: CellRef) -> int | str:
    cell = voice.cell(ref)
    wave = cell.row.key.get("wave", cell.block.waves[0] if cell.block.waves else None)
    if wave is None:
        raise BriefError(
            f"{cell.address} does not say of which wave it is.", remedy="Estimate with by='wave'."
        )
    return wave  # type: ignore[return-value]
