"""A harmonised variable that is derived: by cases, in bands, by arithmetic; and who it applies to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from masar_research.expressions import is_missing
from masar_research.loading.cards import VariableCard
from masar_research.loading.kinds import RESERVED, Column
from masar_research.loading.raw import NOT_APPLICABLE, NOT_ASKED

if TYPE_CHECKING:
    from masar_research.loading.harmonise import Work


def by_cases(work: Work, name: str, card: VariableCard) -> Column:
    """The first condition that holds gives the code; an unknown one before it makes the answer missing."""
    n = len(work.frame)
    text = any(isinstance(case.code, str) for case in card.cases)
    values = np.full(n, None, object) if text else np.full(n, np.nan)
    kinds: dict = {}
    free, unsure = np.ones(n, bool), np.zeros(n, bool)
    names: list[str] = []
    for case in card.cases:
        if case.otherwise:
            hit = free & ~unsure
        else:
            out, used = work.evaluate(name, "cases", case.when, condition=True)
            names += [each for each in used if each not in names]
            unsure |= free & ~out.known
            hit = free & out.known & out.value & ~unsure
        free &= ~hit
        after = case.code if case.missing is None else RESERVED[case.missing]
        if case.missing is not None:
            if text:
                after = None
            else:
                kinds[after] = case.missing
        values[hit] = after
        work.say(name, "cases", case.when or "otherwise", after, case.missing or "", int(hit.sum()))
    left = unsure & free
    return work.fill(
        name, Column(values, kinds, tuple(names)), left, names, "(a condition is unknown)", free & ~left
    )


def by_bands(work: Work, name: str, card: VariableCard) -> Column:
    """Code k for starts[k-1] <= x < starts[k]; outside every band is not applicable."""
    of = card.bands.of
    column = work.look(of)
    if column.values.dtype.kind != "f":
        raise work.error(name, "bands", f"{of!r} is not numeric.", "Name a numeric variable under of:.", f"المتغير \u2066{of}\u2069 ليس عدديًّا. سمِّ متغيرًا عدديًّا تحت of:.")
    gone = is_missing(column.values) | np.isin(
        column.values, [c for c in column.kinds if not isinstance(c, str)]
    )
    band = np.searchsorted(np.asarray(card.bands.starts), column.values, side="right").astype(float)
    outside = (band == 0) | ((column.values > card.bands.end) if card.bands.end is not None else False)
    values = np.where(gone, np.nan, np.where(outside, NOT_APPLICABLE, band))
    kinds = {NOT_APPLICABLE: "not_applicable"} if (outside & ~gone).any() else {}
    for code in sorted(set(values[~np.isnan(values)])):
        work.say(name, of, "(band)", code, kinds.get(code, ""), int((values == code).sum()))
    return work.fill(name, Column(values, kinds, (of,)), gone, [of], "(unknown)")


def by_compute(work: Work, name: str, card: VariableCard) -> Column:
    """Arithmetic on other variables; unknown where an input is."""
    out, used = work.evaluate(name, "compute", card.compute, condition=False)
    values = np.where(out.known, out.value.astype(float), np.nan)
    values = np.broadcast_to(values, (len(work.frame),)).copy()
    work.say(name, "compute", card.compute, "(number)", "", int((~np.isnan(values)).sum()))
    return work.fill(name, Column(values, {}, tuple(used)), np.isnan(values), used, "(unknown)")


def by_combine(work: Work, name: str, card: VariableCard) -> Column:
    """Columns of the file multiplied, or their joint values; blank where one of them holds no answer."""
    combine = card.combine
    n = len(work.frame)
    parts, gone = [], np.zeros(n, bool)
    for each in combine.columns:
        if each not in work.frame.columns:
            raise work.no_column(name, "combine", each)
        values = work.frame[each].to_numpy()
        kinds = work.codebook.missing_kinds(each)
        gone |= is_missing(values)
        for code in kinds:
            if isinstance(code, str) == (values.dtype.kind == "O"):
                gone |= np.asarray(values == code, bool)
        parts.append(values)
    if combine.by == "product":
        if any(part.dtype.kind not in "fiu" for part in parts):
            raise work.error(name, "combine", "by: product needs columns of numbers.", "Name numeric columns.", "يحتاج by: product إلى أعمدة من الأعداد. سمِّ أعمدة عددية.")
        values = np.where(gone, np.nan, np.prod(np.column_stack(parts), axis=1) / combine.divide)
    elif len(parts) == 1 and parts[0].dtype.kind in "fiu":
        values = np.where(gone, np.nan, parts[0].astype(float))
    else:
        words = [[_as_text(value) for value in part] for part in parts]
        values = np.array([" × ".join(row) for row in zip(*words, strict=True)], object)
        values[gone] = None
    work.say(name, " × ".join(combine.columns), "(combined)", "(value)", "", int((~gone).sum()))
    return Column(values, {}, combine.columns)


def _as_text(value: object) -> str:
    return f"{value:.15g}" if isinstance(value, float) else str(value)


def needing(work: Work, name: str, card: VariableCard, column: Column) -> Column:
    """Missing wherever a needed variable is."""
    gone = np.zeros(len(work.frame), bool)
    for each in card.needs:
        gone |= work.absent(each)
    return work.fill(name, column, gone, list(card.needs), "(one of needs: is missing)")


def within(work: Work, name: str, card: VariableCard, column: Column) -> Column:
    """Not applicable outside the universe, missing where the universe is unknown."""
    out, used = work.evaluate(name, "universe", card.universe, condition=True)
    outside, unsure = out.known & ~out.value, ~out.known
    if not column.kinds or NOT_ASKED not in column.kinds:
        answered = int((outside & ~is_missing(column.values)).sum())
        work.say(
            name,
            "universe",
            f"not ({card.universe})",
            NOT_APPLICABLE,
            "not_applicable",
            int(outside.sum()),
        )
        if answered and card.from_:
            work.say(
                name,
                "universe",
                "(answers outside the universe)",
                NOT_APPLICABLE,
                "not_applicable",
                answered,
            )
    column = work.fill(name, column, unsure, used, "(the universe is unknown)")
    return work.put(column, outside & ~(column.values == NOT_ASKED), "not_applicable")
