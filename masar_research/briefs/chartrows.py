"""Single rows of charts and cells of tables, as an author writes them."""

from __future__ import annotations

from masar_research.briefs.blocks import ChartRow, Shown
from masar_research.briefs.refs import CellRef, LabelRef
from masar_research.briefs.words import Text, read_spec


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
    if spec:
        read_spec(spec)
    return Shown(cell=cell, spec=spec)
