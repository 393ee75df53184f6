"""A small HTML table that reads in both directions, for JupyterLab."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from masar_research.errors import ParameterError
from masar_research.present import theme
from masar_research.present.direction import Lang, bare

FACE = "IBM Plex Sans Arabic,Segoe UI,Tahoma,system-ui,sans-serif"


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its head, and whether its cells are figures (set left to right, aligned)."""

    head: str
    numeric: bool = False


def estimates_html(
    rows: Sequence[Sequence[str]], columns: Sequence[Column], lang: Lang, *, title: str = "",
    notes: Sequence[str] = (), flagged: frozenset[tuple[int, int]] = frozenset(),
) -> str:  # fmt: skip
    """Rows of finished text as a table for reading.

    Parameters
    ----------
    rows : sequence of sequence of str
        Figures already formatted; every text is escaped here.
    columns : sequence of Column
        One for each cell of a row. The first column heads its row.
    lang : {"ar", "en"}
        Arabic runs from the right; figures stay left to right in cells of their own.
    title : str
        Caption.
    notes : sequence of str
        Lines beneath.
    flagged : frozenset of (row, column)
        Cells in a quieter colour: suppressed or to be read with caution.

    Returns
    -------
    str
        One ``<div>`` with its own style; no script, nothing fetched, no global rule.

    Raises
    ------
    ParameterError
        If a row has more or fewer cells than there are columns.

    Examples
    --------
    >>> html = estimates_html([["نساء", "14.5%"]], [Column("الجنس"), Column("النسبة", numeric=True)], "ar")
    >>> 'dir="rtl"' in html, '<bdi dir="ltr">14.5%</bdi>' in html
    (True, True)
    """
    for index, row in enumerate(rows):
        if len(row) != len(columns):
            raise ParameterError(
                f"Row {index} has {len(row)} cells for {len(columns)} columns.",
                remedy="Give each row one text per column, empty where there is nothing.",
            )
    direction = "rtl" if lang == "ar" else "ltr"
    head = "".join(
        f'<th scope="col" style="{_cell_style(column)};border-bottom:1.5px solid {theme.INK};'
        f'font-weight:600;vertical-align:bottom">{escape(column.head)}</th>'
        for column in columns
    )
    body = "".join(
        "<tr>" + "".join(_cell(text, columns[j], j == 0, (i, j) in flagged) for j, text in enumerate(row)) + "</tr>"
        for i, row in enumerate(rows)
    )
    caption = (
        f'<caption style="caption-side:top;text-align:start;font-weight:600;color:{theme.INK};'
        f'padding:0 0 .4em">{escape(title)}</caption>'
        if title
        else ""
    )
    beneath = "".join(
        f'<p style="margin:.35em 0 0;color:{theme.MUTED};font-size:.86em;text-align:start">{escape(note)}</p>'
        for note in notes
    )
    return (
        f'<div lang="{lang}" dir="{direction}" class="masar-table" style="font-family:{FACE};'
        f'color:{theme.INK};text-align:start;max-width:60em;line-height:1.5;margin-block:.4em 1em;'
        f'overflow-x:auto">'
        f'<table dir="{direction}" style="border-collapse:collapse;margin:0;font-size:.95em;'
        f'direction:{direction}">{caption}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'
        f"{beneath}</div>"
    )


def plain_text(
    rows: Sequence[Sequence[str]], columns: Sequence[Column], *, notes: Sequence[str] = ()
) -> str:
    """Rows of finished text as an aligned table for a terminal.

    Parameters
    ----------
    rows, columns, notes
        As in :func:`estimates_html`; figures are set to the right, columns without any text
        are left out.

    Examples
    --------
    >>> print(plain_text([["Women", "14.5%"]], [Column("Sex"), Column("Share", numeric=True)]))
    Sex    Share
    ─────  ─────
    Women  14.5%
    """
    kept = [j for j in range(len(columns)) if any(row[j] for row in rows)]
    cells = [[columns[j].head for j in kept], *([bare(row[j]) for j in kept] for row in rows)]
    widths = [max(map(_width, column)) for column in zip(*cells, strict=True)]

    def line(texts: Sequence[str]) -> str:
        parts = []
        for j, text, width in zip(kept, texts, widths, strict=True):
            space = " " * (width - _width(text))
            parts.append(space + text if columns[j].numeric else text + space)
        return "  ".join(parts).rstrip()

    rule = "  ".join("─" * width for width in widths)
    return "\n".join([line(cells[0]), rule, *map(line, cells[1:]), *notes])


def _width(text: str) -> int:
    """Columns of a terminal: marks that sit on another letter and invisible ones take none."""
    return sum(unicodedata.category(letter) not in ("Mn", "Cf") for letter in text)


def _cell_style(column: Column) -> str:
    # Figures end at the right in both directions, so that units stand under units.
    align = "right" if column.numeric else "start"
    return f"text-align:{align};padding-block:.3em;padding-inline:.4em .9em"


def _cell(text: str, column: Column, heads: bool, quiet: bool) -> str:
    inside = escape(bare(text))
    if column.numeric:
        inside = f'<bdi dir="ltr">{inside}</bdi>'
    style = f"{_cell_style(column)};border-bottom:1px solid {theme.FAINT}"
    if column.numeric:
        style += ";font-variant-numeric:tabular-nums;white-space:nowrap"
    if quiet:
        style += f";color:{theme.MUTED}"
    if heads and not column.numeric:
        return f'<th scope="row" style="{style};font-weight:400">{inside}</th>'
    return f'<td style="{style}">{inside}</td>'
