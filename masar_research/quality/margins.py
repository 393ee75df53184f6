"""The sample before weighting beside published margins."""

from __future__ import annotations

from typing import Any

import numpy as np

from masar_research.codebook import Text
from masar_research.quality.findings import Checked, Desk, skipped
from masar_research.quality.material import Material, Target

FAR_POINTS, FAR_DISSIMILARITY = 0.05, 0.10


def check_margins(material: Material) -> Checked:
    """Shares of interviews (under base weights where there are any) against targets, with what is far off.

    Targets are those given, the card's and, for a survey of Jordan, the published ones that count its own people; of the
    others it is said why they are not compared.
    """
    if not material.targets and not material.unfit:
        return skipped("margins", "No published margins were given (weighting: in the survey card, or targets=).",
                       "لم تُحدَّد توزيعات منشورة للمقارنة (weighting: في بطاقة المسح، أو targets=).")  # fmt: skip
    desk = Desk("margins", material.rows)
    weight = material.role("weight")
    weighted = weight is not None and weight.dtype.kind == "f"
    base = np.nan_to_num(weight) if weighted else np.ones(len(material.frame))
    if material.targets:
        desk.say(
            f"Interviews {'under base weights' if weighted else 'unweighted'}, before any adjustment, beside published margins.",
            f"المقابلات {'بأوزان التصميم' if weighted else 'دون ترجيح'} قبل أي تعديل، بجانب التوزيعات المنشورة.",
        )
    for _, why in material.unfit:
        desk.say(f"Not compared. {why['en']}", f"لم يُقارن: {why['ar']}")
    desk.figures["not_compared"] = [{"margin": key, "why": dict(why)} for key, why in material.unfit]
    tables = []
    for target in material.targets:
        absent = [name for name in target.variables if name not in material.frame.columns]
        if absent:
            desk.say(f"{', '.join(absent)}: not in the file, margin left out.", f"{', '.join(absent)}: ليس في الملف، فاستُبعد هذا التوزيع.")
            continue
        tables.append(_one(desk, material, target, np.where(material.finished, base, 0.0)))
    desk.figures["margins"] = tables
    return desk.done()


def compare(columns: list[np.ndarray], weights: np.ndarray, target: Target) -> tuple[list[dict[str, Any]], float, float]:
    """Sample and target share of each cell, index of dissimilarity, share of weight outside all cells.

    Parameters
    ----------
    columns : list of ndarray, shape (n,)
        One per variable of the target.
    weights : ndarray, shape (n,)
    target : Target

    Returns
    -------
    cells : list of dict
        ``cell``, ``n``, ``sample``, ``target``, ``gap`` (sample − target, fractions).
    dissimilarity : float
        Half the sum of absolute gaps: the share of interviews in the wrong cell.
    outside : float
    """
    whole = sum(target.cells.values())
    masks = [np.logical_and.reduce([column == code for column, code in zip(columns, key, strict=True)]) for key in target.cells]
    sums = np.array([weights[mask].sum() for mask in masks])
    total = max(sums.sum(), 1e-300)
    cells = [
        {"cell": list(key), "n": int((mask & (weights > 0)).sum()), "sample": float(s / total), "target": float(value / whole),
         "gap": float(s / total - value / whole)}
        for (key, value), mask, s in zip(target.cells.items(), masks, sums, strict=True)
    ]  # fmt: skip
    outside = 1 - sums.sum() / weights.sum() if weights.sum() > 0 else 0.0
    return cells, 0.5 * sum(abs(cell["gap"]) for cell in cells), float(max(outside, 0.0))


def _one(desk: Desk, material: Material, target: Target, weights: np.ndarray) -> dict[str, Any]:
    cells, dissimilarity, outside = compare([material.frame[name].to_numpy() for name in target.variables], weights, target)
    name = " × ".join(target.variables)
    worst = max(cells, key=lambda cell: abs(cell["gap"]))
    where = {lang: _words(material, target, worst["cell"], lang) for lang in ("en", "ar")}
    if dissimilarity > FAR_DISSIMILARITY or abs(worst["gap"]) > FAR_POINTS:
        desk.find(
            "far_from_margin", "warning",
            Text(en=f"{name}: {dissimilarity:.1%} of the interviews would have to change cell to match; furthest {where['en']}: sample {worst['sample']:.1%}, published {worst['target']:.1%}.",
                 ar=f"{name}: نسبة المقابلات التي يلزم نقلها لتطابق التوزيع {dissimilarity:.1%}؛ وأبعدها {where['ar']}: في العينة {worst['sample']:.1%} وفي المنشور {worst['target']:.1%}."),
            Text(en="Weight to this margin, and say in the report whom the fieldwork reached less.",
                 ar="رجّح على هذا التوزيع، واذكر في التقرير من كان وصول العمل الميداني إليهم أقل."),
            variable=target.variables[0], count=worst["n"],
        )  # fmt: skip
    empty = [cell for cell in cells if cell["n"] == 0 and cell["target"] > 0]
    if empty:
        desk.find(
            "empty_cell", "error",
            Text(en=f"{name}: {len(empty)} published cells have no interview.", ar=f"{name}: فئات منشورة بلا مقابلات: {len(empty)}."),
            Text(en="Merge cells before weighting, or weight to a coarser margin.", ar="ادمج الفئات قبل الترجيح أو رجّح على توزيع أقل تفصيلاً."),
            variable=target.variables[0], count=len(empty),
        )  # fmt: skip
    if outside > 0.001:
        desk.find(
            "outside_margin", "warning",
            Text(en=f"{name}: {outside:.1%} of the interviews stand in no published cell.", ar=f"{name}: نسبة المقابلات التي لا تقع في أي فئة منشورة {outside:.1%}."),
            Text(en="Check codes, ages and nationality against the population the margin covers.",
                 ar="طابق الرموز والأعمار والجنسية مع السكان الذين يشملهم التوزيع."), variable=target.variables[0], count=0,
        )  # fmt: skip
    if target.coverage:
        desk.say(target.coverage["en"], target.coverage["ar"])
    for cell in cells:
        cell["label"] = {lang: _words(material, target, cell["cell"], lang) for lang in ("en", "ar")}
    return {"variables": list(target.variables), "dissimilarity": dissimilarity, "outside": outside, "cells": cells,
            "label": {lang: _names(material, target, lang) for lang in ("en", "ar")}, "source": dict(target.source or {})}  # fmt: skip


def _names(material: Material, target: Target, lang: str) -> str:
    labels = [(material.codebook[name].label or {}).get(lang) if name in material.codebook else None for name in target.variables]
    return " × ".join(label or name for label, name in zip(labels, target.variables, strict=True))


def _words(material: Material, target: Target, cell: list, lang: str) -> str:
    out = []
    for name, code in zip(target.variables, cell, strict=True):
        variable = material.codebook.get(name)
        label = next((c.label.get(lang) for c in (variable.categories if variable else ()) if c.code == code), None)
        out.append(label or f"{name} {code:g}" if not isinstance(code, str) else label or code)
    return ("، " if lang == "ar" else ", ").join(out)
