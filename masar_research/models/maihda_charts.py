"""Charts of a MAIHDA, behind the release gate."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from masar_research import gating, release
from masar_research.models.maihda_showing import beyond, name_of
from masar_research.present import charts
from masar_research.present.charts.intersections import Intersection, intersections
from masar_research.showing import check_language

if TYPE_CHECKING:
    from masar_research.models.maihda import MAIHDA
    from masar_research.present import Art


def plot(found: MAIHDA, lang: str, most: int) -> Art:
    """Every stratum with its direct, area-level and multilevel estimate, the additive one as a bar."""
    check_language(lang)
    model, direct = gating.decisions(found.shrunken), gating.decisions(found.direct)
    share = found.family == "binomial"
    rows = []
    for place, row in enumerate(found.strata.to_dict("records")):
        status, _ = release.drawn(model["status"].iloc[place], model["note_code"].iloc[place])
        shown = status != "suppress"
        area = _mark(row, "area_level", status) if shown and np.isfinite(row["area_level"]) else None
        rows.append(Intersection(
            name_of(found, row, lang), _mark(row, "direct", direct["status"].iloc[place]),
            _mark(row, "shrunken", status), area, row["additive"] if shown else None,
            bool(shown and beyond(row)),
        ))  # fmt: skip
    return intersections(rows, lang, unit="percent" if share else "number",
                         digits=1 if share else 2, most=most)  # fmt: skip


def plot_interaction(found: MAIHDA, lang: str, most: int) -> Art:
    """Total minus additive estimate of each stratum: points for a share, units of the outcome else."""
    check_language(lang)
    judged = gating.decisions(found.shrunken)
    strata, share = found.strata, found.family == "binomial"
    ends = {}
    for part in ("interactive", "interactive_low", "interactive_high"):
        ends[part] = _moved(strata["additive"].to_numpy(), strata[part].to_numpy()) if share else (
            strata[part].to_numpy())  # fmt: skip
    order = sorted(range(len(strata)), key=lambda k: -ends["interactive"][k])
    shown = [k for k in order if judged["status"].iloc[k] != "suppress"]
    if len(shown) > most:
        shown = [*shown[: (most + 1) // 2], *shown[-(most // 2):]]
    words = {"en": ("below the sum of its groups", "above the sum of its groups"),
             "ar": ("دون حاصل جمع مجموعاته", "فوق حاصل جمع مجموعاته")}[lang]  # fmt: skip
    if not share:
        marks = [charts.Row(name_of(found, strata.iloc[k], lang), (charts.Mark(
            ends["interactive"][k], ends["interactive_low"][k], ends["interactive_high"][k],
            modelled=True),)) for k in shown]  # fmt: skip
        return charts.dots([charts.Panel("", tuple(marks))], lang, unit="number", digits=2)
    effects = tuple(
        charts.Effect(name_of(found, strata.iloc[k], lang), ends["interactive"][k],
                      ends["interactive_low"][k], ends["interactive_high"][k])
        for k in shown
    )  # fmt: skip
    return charts.effects([charts.EffectPanel("", effects)], lang, less=words[0], more=words[1])


def _moved(base: np.ndarray, effect: np.ndarray) -> np.ndarray:
    """Change of a share when its log odds move."""
    odds = base / (1 - base) * np.exp(effect)
    return odds / (1 + odds) - base


def _mark(row: Mapping[str, Any], name: str, status: str) -> charts.Mark:
    if status == "suppress" or not np.isfinite(row[name]):
        return charts.Mark(None, None, None, "suppress")
    ends = sorted((row[name], row[f"{name}_low"], row[f"{name}_high"]))
    known = np.isfinite(ends).all()
    return charts.Mark(row[name], ends[0] if known else None, ends[2] if known else None, status,
                       modelled=name != "direct")  # fmt: skip
