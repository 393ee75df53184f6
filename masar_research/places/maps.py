"""`Estimates.map`: shares by governorate or region on the user's boundaries or the tile grid."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from masar_research import gating, release
from masar_research.errors import EstimationError
from masar_research.places.geometry import boundaries, regions_of, tile_grid
from masar_research.present import Art, charts
from masar_research.present.charts import Mark

if TYPE_CHECKING:
    from masar_research.estimates import Estimates

SHARES = ("proportion", "mean_of_shares", "model_based_proportion")


def map_estimates(estimates: Estimates, lang: str = "en", profile: str = "nchs") -> Art:
    """Draw shares by place, gated.

    Parameters
    ----------
    estimates : Estimates
        Shares with one row per ``governorate`` or ``region``, and no other domain.
    lang : {"ar", "en"}
    profile : str
        Reliability profile; what it hides is hatched, what it flags stands in brackets.

    Returns
    -------
    Art
        On the installed boundaries (`boundaries`), else on `tile_grid`; with the borders of
        the regions over a map of governorates. Never mirrored.

    Raises
    ------
    EstimationError
        Unless there is exactly one row per place and the rows are shares.

    Examples
    --------
    >>> survey.proportion("employed", by="region").map("ar")    # doctest: +SKIP
    """
    column = _column(estimates)
    shapes = boundaries()
    shapes = tile_grid() if shapes is None else shapes
    outlines = regions_of(shapes)
    if column == "region":
        shapes, outlines = outlines, None
    judged = gating.decisions(estimates, profile)
    marks = {int(code): Mark(None, status="suppress") for code in shapes["code"]}
    told = zip(judged["status"], judged["note_code"], strict=True)
    for row, decision in zip(estimates.frame.itertuples(index=False), told, strict=True):
        code = int(getattr(row, column))
        if code not in marks:
            raise EstimationError(
                f"{code} is not a {column} of Jordan.",
                remedy="Map the variable to the codes of data/reference/governorates.csv in the card.",
            )
        status, modelled = release.drawn(*decision)
        if status != "suppress":
            marks[code] = Mark(float(row.estimate), *ends(row), status, modelled=modelled)
    return charts.areas(shapes, marks, lang, outlines=outlines)


def ends(row: Any) -> tuple[float | None, float | None]:
    """The ends of a row's interval, None where it has none."""
    low, high = row.conf_low, row.conf_high
    return (None, None) if pd.isna(low) or pd.isna(high) else (float(low), float(high))


def _column(estimates: Estimates) -> str:
    frame = estimates.frame
    named = [name for name in estimates.by if name in ("governorate", "region")]
    if len(named) != 1 or frame[named[0]].duplicated().any():
        raise EstimationError(
            f"A map shows one figure per place; these rows run over {list(estimates.by)} "
            f"({len(frame)} rows).",
            remedy="Estimate one share by='governorate' or by='region'; narrow it with .where().",
            ar="تعرض الخريطة رقماً واحداً لكل مكان.",
        )
    if estimates.kind not in SHARES:
        raise EstimationError(
            f"A map shows shares; these are of kind {estimates.kind!r}.",
            remedy="Use .proportion(...), or .table() and .plot() for other figures.",
        )
    return named[0]
