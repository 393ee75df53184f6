"""Models side by side as one HTML table that reads in either direction."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from masar_research.models import comparison_words as words
from masar_research.present import theme
from masar_research.present.direction import Lang, bare, embed
from masar_research.present.tables import FACE

if TYPE_CHECKING:
    from masar_research.models.comparison import ModelTable

_CELL = "padding-block:.25em;padding-inline:.4em .9em"


def html(table: ModelTable, lang: Lang) -> str:
    """A ``<div>`` with its own style: no script, nothing fetched, no global rule.

    Parameters
    ----------
    table : ModelTable
    lang : {"ar", "en"}
        Arabic runs from the right; figures keep their order in cells of their own.

    Returns
    -------
    str
        Every label is escaped. A narrow screen scrolls the table sideways under its first column.
    """
    direction = "rtl" if lang == "ar" else "ltr"
    body = "".join(_line(table, line, lang) for line in table.lines)
    facts = "".join(_fact(table, name, texts, first=k == 0)
                    for k, (name, texts) in enumerate(table.fact_rows(lang)))
    notes = "".join(
        f'<p style="margin:.35em 0 0;color:{theme.MUTED};font-size:.86em;text-align:start">{escape(embed(note, lang))}</p>'
        for note in table.notes(lang)
    )
    return (
        f'<div lang="{lang}" dir="{direction}" class="masar-models" style="font-family:{FACE};color:{theme.INK};'
        f'text-align:start;max-width:100%;line-height:1.5;margin-block:.4em 1.2em">'
        f'<div style="overflow-x:auto;max-width:100%"><table dir="{direction}" style="border-collapse:collapse;'
        f'margin:0;font-size:.92em;direction:{direction}">'
        f'<caption style="caption-side:top;text-align:start;font-weight:600;padding:0 0 .4em">'
        f"{escape(words.TITLE[lang])}</caption>"
        f"<thead>{_heads(table, lang)}</thead><tbody>{body}{facts}</tbody></table></div>{notes}</div>"
    )


def _heads(table: ModelTable, lang: Lang) -> str:
    style = f"{_CELL};text-align:right;font-weight:600;vertical-align:bottom;min-width:6.5em"
    several = any(column.equation is not None for column in table.columns)
    first = 3 if several else 2
    rule = f"border-bottom:1.5px solid {theme.INK}"
    over = f"{_CELL};text-align:center;font-weight:600;border-bottom:1px solid {theme.LINE}"
    names = "".join(
        f'<th scope="colgroup" colspan="{span}" style="{over if span > 1 else style}"><bdi>{escape(bare(table.names[model][lang]))}</bdi></th>'
        for model, span in spans(table)
    )
    rows = [f'<th rowspan="{first}" scope="col" style="{_CELL};{_pinned()};text-align:start;vertical-align:bottom;{rule}">'
            f"{escape(words.TERM[lang])}</th>{names}"]
    if several:
        rows.append("".join(
            f'<th scope="col" style="{style};font-weight:500"><bdi>'
            f"{'' if column.equation is None else escape(bare(column.equation[lang]))}</bdi></th>"
            for column in table.columns))
    rows.append("".join(
        f'<th scope="col" style="{style};font-weight:400;color:{theme.MUTED};font-size:.88em;{rule}">{escape(scale)}</th>'
        for scale in table.scales(lang)))
    return "".join(f"<tr>{row}</tr>" for row in rows)


def spans(table: ModelTable) -> list[tuple[int, int]]:
    """Each model with the columns it takes."""
    counts = [0] * len(table.names)
    for column in table.columns:
        counts[column.model] += 1
    return list(enumerate(counts))


def _line(table: ModelTable, line, lang: Lang) -> str:
    label = escape(embed(line.label[lang], lang))
    if line.key is None:
        rest = f'<td colspan="{len(table.columns)}" style="border-top:1px solid {theme.LINE}"></td>'
        return (f'<tr><th scope="rowgroup" style="{_CELL};{_pinned()};text-align:start;font-weight:600;'
                f'border-top:1px solid {theme.LINE}">{label}</th>{rest}</tr>')
    rule = "" if line.inside else f";border-top:1px solid {theme.LINE}"
    indent = ";padding-inline-start:1.4em;font-weight:400" if line.inside else ";font-weight:600"
    cells = "".join(_cell(*table.cell(line, column, lang), rule, line.key, column) for column in table.columns)
    return f'<tr><th scope="row" style="{_CELL};{_pinned()};text-align:start{indent}{rule}">{label}</th>{cells}</tr>'


def _cell(estimate: str, beneath: str, rule: str, key, column) -> str:
    style = f"{_CELL};text-align:right;vertical-align:top;white-space:nowrap;font-variant-numeric:tabular-nums{rule}"
    if not estimate:
        return f'<td style="{style}"></td>'
    if column.entries[key].reference:
        return f'<td style="{style};color:{theme.MUTED}">{escape(estimate)}</td>'
    return (f'<td style="{style}"><bdi dir="ltr">{escape(estimate)}</bdi><br>'
            f'<bdi dir="ltr" style="color:{theme.MUTED};font-size:.88em">{escape(beneath)}</bdi></td>')


def _fact(table: ModelTable, name: str, texts: list[str], *, first: bool) -> str:
    rule = f";border-top:1.5px solid {theme.INK}" if first else ""
    style = f"{_CELL};text-align:right;vertical-align:top;font-size:.9em{rule}"
    cells = "".join(f'<td colspan="{span}" style="{style}"><bdi>{escape(bare(texts[model]))}</bdi></td>'
                    for model, span in spans(table))
    return (f'<tr><th scope="row" style="{_CELL};{_pinned()};text-align:start;font-weight:400;font-size:.9em;'
            f'color:{theme.MUTED}{rule}">{escape(name)}</th>{cells}</tr>')


def _pinned() -> str:
    """The first column stays while the others scroll."""
    return f"position:sticky;inset-inline-start:0;background:{theme.PAPER};min-width:min(15em,36vw)"
