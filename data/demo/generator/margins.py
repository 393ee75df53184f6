"""Population totals of the synthetic population, for weighting."""

from __future__ import annotations

import numpy as np

from .population import WaveView

HEADER = """\
# SYNTHETIC. Totals of persons 15 and over of the demonstration population, not of Jordan:
# the population is about a quarter of the size and its small strata are scaled up.
# مصطنع: مجاميع سكان العرض (15 سنة فأكثر)، وليست مجاميع سكان الأردن.
# Made by data/demo/generate.py. Nested by wave, then by the codes of the variables named in the key.
synthetic: true
"""
KEYS = {
    "governorate": ("governorate",),
    "sex_age_labour": ("sex", "age_labour"),
    "nationality": ("nationality",),
    "urban": ("urban",),
}


def margins(view: WaveView) -> dict[str, dict]:
    """Totals of a wave by the codes of each margin, nested where a margin has two variables."""
    out: dict[str, dict] = {}
    for key, names in KEYS.items():
        codes = np.stack([getattr(view, name).astype(int) for name in names])
        cells, counts = np.unique(codes, axis=1, return_counts=True)
        table: dict = {}
        for cell, count in zip(cells.T, counts, strict=True):
            place = table
            for code in cell[:-1]:
                place = place.setdefault(int(code), {})
            place[int(cell[-1])] = int(count)
        out[key] = table
    return out


def margins_yaml(by_wave: dict[int, dict[str, dict]]) -> str:
    """The text of ``margins.yml``."""
    lines = [HEADER]
    for key in KEYS:
        lines.append(f"{key}:")
        for wave, tables in by_wave.items():
            lines.append(f"  {wave}:")
            for code, value in tables[key].items():
                if isinstance(value, dict):
                    inner = ", ".join(f"{k}: {v}" for k, v in value.items())
                    lines.append(f"    {code}: {{{inner}}}")
                else:
                    lines.append(f"    {code}: {value}")
    return "\n".join(lines) + "\n"
