"""True values of the finite population: what an unbiased sample of everybody would find."""

from __future__ import annotations

import numpy as np

from .population import WaveView
from .questionnaire import Item

BASES = {"jordanians": lambda v: v.jordanian == 1, "all_residents": lambda v: np.ones(v.rows.size, bool)}
DOMAINS = ("age_labour", "education", "region", "governorate", "urban", "marital")
LABOUR = ("participation", "unemployment", "employment")


def _labour(view: WaveView, rows: np.ndarray) -> dict[str, float | int | None]:
    status = view.employment[rows]
    force, jobless, working = int((status < 3).sum()), int((status == 2).sum()), int((status == 1).sum())
    n = int(rows.sum())
    return {
        "persons": n, "labour_force": force, "unemployed": jobless, "employed": working,
        "participation": force / n if n else None, "unemployment": jobless / force if force else None,
        "employment": working / n if n else None,
    }


def labour_truths(view: WaveView) -> dict:
    """Participation, unemployment and employment by base, sex and domain.

    ``[base][sex][domain][code]`` with sex ``"both"``, ``"1"``, ``"2"`` and domain ``"all"`` with code
    ``"all"``, or one of age_labour, education, region, governorate, urban, marital; shares are fractions.
    """
    out: dict = {}
    for base, chosen in BASES.items():
        inside = chosen(view)
        out[base] = {}
        for sex in ("both", "1", "2"):
            of_sex = inside if sex == "both" else inside & (view.sex == int(sex))
            tables = {"all": {"all": _labour(view, of_sex)}}
            for domain in DOMAINS:
                codes = getattr(view, domain)
                tables[domain] = {str(int(code)): _labour(view, of_sex & (codes == code)) for code in np.unique(codes[of_sex])}
            out[base][sex] = tables
    return out


def item_truth(view: WaveView, item: Item, rows: np.ndarray, values: np.ndarray) -> dict:
    """Share of each answer (or the mean of a number) among those asked, nationally and by sex and base."""
    groups = {"all_residents": np.ones(rows.size, bool), "jordanians": view.jordanian[rows] == 1,
              "men": view.sex[rows] == 1, "women": view.sex[rows] == 2}
    out: dict = {"asked": int(rows.size)}
    for name, inside in groups.items():
        chosen = values[inside]
        if not chosen.shape[0]:
            continue
        if item.several:
            out[name] = {column: float(share) for column, share in zip(item.columns(), chosen.mean(axis=0, dtype=float), strict=True)}
        elif item.numeric:
            out[name] = {"mean": float(chosen.mean(dtype=float))}
        else:
            codes, counts = np.unique(chosen, return_counts=True)
            out[name] = {str(int(code)): count / chosen.shape[0] for code, count in zip(codes, counts.tolist(), strict=True)}
    return out
