"""Direct and model-based estimates side by side, each behind the release gate."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd

from masar_research import gating, release, showing
from masar_research.errors import EstimationError
from masar_research.places.districts import districts, matched, outlines_of
from masar_research.places.gazetteer import governorates
from masar_research.places.geometry import boundaries, regions_of, tile_grid
from masar_research.places.maps import ends
from masar_research.present import Art, charts
from masar_research.present.charts import Mark, Panel, Row
from masar_research.present.direction import Lang

if TYPE_CHECKING:
    import geopandas as gpd

    from masar_research.estimates import Estimates
    from masar_research.places.small_areas_result import SmallAreas

HEADS = {
    "direct": {"en": "Direct estimates from the interviews", "ar": "تقديرات مباشرة من المقابلات"},
    "model": {"en": "Model-based estimates", "ar": "تقديرات قائمة على نموذج إحصائي"},
}  # fmt: skip
_NAMES = {
    "direct": {"en": "direct", "ar": "مباشر"},
    "model": {"en": "model-based", "ar": "قائم على نموذج"},
}  # fmt: skip


def side_by_side(areas: SmallAreas, lang: str, profile: str, shapes: gpd.GeoDataFrame | None) -> Art:
    """Two maps on one scale; see `SmallAreas.side_by_side`."""
    showing.check_language(lang)
    language: Lang = "ar" if lang == "ar" else "en"
    direct = _direct(areas)
    if areas.kind != "model_based_proportion":
        raise EstimationError(
            f"The maps show shares; these are {areas.kind} of {areas.note['model_of']['en']}.",
            remedy="Use .compared(lang) for other figures.",
            ar="الخريطتان للنسب؛ استعمل compared لغير ذلك.",
        )
    marks = [(HEADS[name][language], _marks(table, areas, profile)) for name, table in (("direct", direct), ("model", areas))]
    if areas.by == ("governorate",) and shapes is None:
        drawn = boundaries()
        drawn = tile_grid() if drawn is None else drawn
        _governorates(areas)
        panels = [(head, _on(drawn, {int(code): mark for code, mark in found.items()})) for head, found in marks]
        return charts.area_pairs(drawn, (panels[0], panels[1]), language, outlines=regions_of(drawn))
    drawn = districts() if shapes is None else shapes
    if drawn is None:
        raise EstimationError(
            f"The maps by {areas.by[0]!r} need the shapes of these areas, and no file of districts is installed.",
            remedy="Put a boundary file with one row per district into data/boundaries/ (or name it in MASAR_DISTRICTS), "
            "pass shapes=places.districts(path), or use .compared(lang).",
            ar="تحتاج الخريطة إلى ملف حدود الألوية: ضعه في data/boundaries/ أو مرّر shapes=، أو استعمل compared.",
        )
    place = matched(drawn, {code: showing.label(areas, areas.by[0], code, "ar") for code in areas.frame[areas.by[0]]})
    panels = [(head, _on(drawn, {place[code]: mark for code, mark in found.items()})) for head, found in marks]
    return charts.area_fields(drawn, (panels[0], panels[1]), language, outlines=outlines_of(drawn))


def _governorates(areas: SmallAreas) -> None:
    known = {place.code for place in governorates()}
    for code in areas.frame["governorate"]:
        if code not in known:
            raise EstimationError(
                f"{code} is not a governorate of Jordan.",
                remedy="Map the variable to the codes of data/reference/governorates.csv in the card.",
                ar=f"«{code}» ليس رمز محافظة أردنية.",
            )


def _on(shapes: gpd.GeoDataFrame, marks: Mapping[Any, Mark]) -> dict[Any, Mark]:
    """A mark for every shape; hidden where there is no figure."""
    return {code: marks.get(code, Mark(None, status="suppress")) for code in shapes["code"]}


def compared(areas: SmallAreas, lang: str, profile: str) -> Art:
    """A dot chart with two rows for each area; see `SmallAreas.compared`."""
    showing.check_language(lang)
    language = "ar" if lang == "ar" else "en"
    on = areas.by[0]
    kinds = [("direct", _marks(_direct(areas), areas, profile)), ("model", _marks(areas, areas, profile))]
    panels = []
    for code in areas.frame[on]:
        rows = [
            Row(_NAMES[name][language], (marks[code],)) for name, marks in kinds if code in marks
        ]
        panels.append(Panel(showing.label(areas, on, code, lang), tuple(rows)))
    unit = showing.unit_of(areas)
    return charts.dots(
        panels, language, columns=2, unit="percent" if unit == "percent" else "number",
        digits=1 if unit == "percent" else 2, from_zero=bool((areas.frame["estimate"] >= 0).all()),
    )  # fmt: skip


def _direct(areas: SmallAreas) -> Estimates:
    if areas.direct is None:
        raise EstimationError(
            "A model of persons has no table of direct estimates beside it.",
            remedy="Use .plot() or .map(); estimate the direct means with survey.mean(..., by=...).",
            ar="لا تقديرات مباشرة مرافقة لنموذج الأفراد؛ استعمل plot أو map.",
        )
    return areas.direct


def _marks(table: Estimates, areas: SmallAreas, profile: str) -> Mapping[Any, Mark]:
    """Every area as a mark, after the gate."""
    on = areas.by[0]
    judged = gating.decisions(table, profile)
    frame = table.frame
    keep = pd.Series(True, index=frame.index)
    if "category" in areas.frame.columns and "category" in frame.columns:
        keep = frame["category"] == areas.frame["category"].iloc[0]
    found: dict[Any, Mark] = {}
    for (_, row), (_, decision) in zip(frame[keep].iterrows(), judged[keep.to_numpy()].iterrows(), strict=True):
        status, modelled = release.drawn(decision["status"], decision["note_code"])
        if status == "suppress":
            found[row[on]] = Mark(None, status="suppress")
        else:
            found[row[on]] = Mark(float(row["estimate"]), *ends(row), status, modelled=modelled)
    return found
