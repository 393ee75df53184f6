"""What a report of weights is made of: balance on targets and beyond, groups with extreme weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from masar_research.engine.auxiliary import cell_sums
from masar_research.weighting.ground import Applied

if TYPE_CHECKING:
    from masar_research.survey import Survey

#: Fewest people of a group that the report names.
FEWEST = 5
_EXTREME = 0.02
_SOME = ("education", "marital", "region", "urban", "nationality", "disability", "sex", "age_labour", "wealth5")


def label(survey: Survey, name: str, code: Any, lang: str) -> str:
    """Words for a code in a language, in the other one where it has none, else the code."""
    if name in survey.codebook:
        for category in survey.codebook[name].categories:
            if category.code == code and category.label:
                return category.label.get(lang) or next(iter(category.label.values()))
    return f"{code:g}" if isinstance(code, float) else str(code)


def title(survey: Survey, name: str, lang: str) -> str:
    """Words for a variable in a language, in the other one where it has none, else its name."""
    words = survey.codebook[name].label if name in survey.codebook else {}
    return words.get(lang) or next(iter(words.values()), name)


def _keys(survey: Survey, log: Applied, name: str) -> tuple[tuple[str, ...], list[tuple]] | None:
    """Variables and codes of the targets of a margin, in their order."""
    step = log.step
    specs = [*getattr(step, "margins", ()), *getattr(step, "shares", ())]
    specs += [step.margin] if hasattr(step, "margin") else []
    spec = next((one for one in specs if getattr(one, "name", None) == name), None)
    if spec is None:
        return None
    wave = survey.roles["wave"] or "wave"
    keys = [key for key, _ in spec.targets]
    if wave in spec.variables and wave in survey.frame.columns:
        present = set(survey.coded(wave).levels)
        keys = [key for key in keys if key[spec.variables.index(wave)] in present]
    return spec.variables, keys


def balance(survey: Survey, logs: Sequence[Applied], final: np.ndarray) -> pd.DataFrame:
    """Shares of every margin's categories beside their targets; see `Report.balance`."""
    rows: list[dict[str, Any]] = []
    first = logs[0].before if logs else final
    for log in logs:
        for margin in log.facts.get("margins", ()):
            k = margin.targets.size
            start = np.where(log.after > 0, first, 0.0)
            sums = [cell_sums(margin.codes, w, k) for w in (log.before, log.after, final, start)]
            shares = [part / part.sum() for part in (*sums, margin.targets)]
            found = _keys(survey, log, margin.name)
            for i, (b, a, f, s, t) in enumerate(zip(*shares, strict=True)):
                scale = np.sqrt(max(t * (1.0 - t), 1e-12))
                words = {"en": margin.label(i), "ar": margin.label(i)}
                name = {"en": margin.name, "ar": margin.name}
                if found is not None and found[1]:
                    names, keys = found
                    wave = "" if len(keys) == k else f" ({_wave(margin.label(i))})"
                    told = [j for j, n in enumerate(names) if len(survey.coded(n).levels) > 1] or [0]
                    for lang in ("en", "ar"):
                        key = keys[i % len(keys)]
                        words[lang] = " × ".join(label(survey, names[j], key[j], lang) for j in told) + wave
                        name[lang] = " × ".join(title(survey, names[j], lang) for j in told)
                rows.append({
                    "margin": margin.name, "category": margin.label(i), "before": b, "after_step": a, "final": f,
                    "target": t, "gap": f - t, "std_before": (s - t) / scale, "std_final": (f - t) / scale,
                    "margin_en": name["en"], "margin_ar": name["ar"], "label_en": words["en"], "label_ar": words["ar"],
                })  # fmt: skip
    columns = ["margin", "category", "before", "after_step", "final", "target", "gap", "std_before", "std_final",
               "margin_en", "margin_ar", "label_en", "label_ar"]  # fmt: skip
    return pd.DataFrame(rows, columns=columns)


def _wave(text: str) -> str:
    return text.rsplit("(", 1)[-1].rstrip(")")


def further_names(survey: Survey, logs: Sequence[Applied]) -> tuple[str, ...]:
    """Standard variables of the codebook that are in no margin, up to four."""
    used = {name for log in logs for m in log.facts.get("margins", ()) for name in m.name.split(" × ")}
    return tuple(n for n in _SOME if n in survey.codebook and n in survey.frame.columns and n not in used)[:4]


def further(survey: Survey, names: Sequence[str], before: np.ndarray, final: np.ndarray) -> pd.DataFrame:
    """How far the weighting moved shares that have no target; see `Report.further`."""
    rows = []
    for name in names:
        coded = survey.coded(name)
        use = (coded.codes >= 0) & (final > 0)
        k = len(coded.levels)
        codes = np.where(use, coded.codes, -1)
        counts = cell_sums(codes, use.astype(float), k)
        shares = [part / max(part.sum(), 1e-300) for part in (cell_sums(codes, w * use, k) for w in (before, final))]
        for j, level in enumerate(coded.levels):
            if counts[j] >= FEWEST:
                b, f = shares[0][j], shares[1][j]
                rows.append({
                    "variable": name, "category": level, "n": int(counts[j]), "before": b, "final": f,
                    "moved": (f - b) / np.sqrt(max(b * (1.0 - b), 1e-12)),
                    **{f"label_{lang}": f"{title(survey, name, lang)}: {label(survey, name, level, lang)}" for lang in ("en", "ar")},
                })  # fmt: skip
    columns = ["variable", "category", "n", "before", "final", "moved", "label_en", "label_ar"]
    return pd.DataFrame(rows, columns=columns)


def extremes(survey: Survey, names: Sequence[str], final: np.ndarray) -> pd.DataFrame:
    """Groups among which the largest two in a hundred weights are most common; see `Report.extremes`."""
    columns = ["n", "n_extreme", "share", "share_extreme", "times", "mean_weight", "label_en", "label_ar"]
    positive = final > 0
    bound = np.quantile(final[positive], 1.0 - _EXTREME)
    top = positive & (final >= bound)
    if final[positive].max() <= 1.0001 * np.median(final[positive]) or top.sum() > 0.25 * positive.sum():
        return pd.DataFrame(columns=columns)
    coded = {name: survey.coded(name) for name in names}
    groups = [((name, k),) for name in names for k in range(len(coded[name].levels))]
    groups += [(a, b) for i, (a,) in enumerate(groups) for (b,) in groups[i + 1 :] if a[0] != b[0]]
    rows = []
    for group in groups:
        inside = positive.copy()
        for name, k in group:
            inside &= coded[name].codes == k
        hit = int((inside & top).sum())
        if hit < FEWEST:
            continue
        share, among = inside.sum() / positive.sum(), hit / top.sum()
        if among / share < 1.5:
            continue
        words = {lang: " × ".join(label(survey, n, coded[n].levels[k], lang) for n, k in group) for lang in ("en", "ar")}
        rows.append({
            "n": int(inside.sum()), "n_extreme": hit, "share": share, "share_extreme": among, "times": among / share,
            "mean_weight": final[inside].mean() / final[positive].mean(), "label_en": words["en"], "label_ar": words["ar"],
        })  # fmt: skip
    found = pd.DataFrame(rows, columns=columns)
    return found.sort_values(["share_extreme", "times"], ascending=False, ignore_index=True).head(8)


def effects(survey: Survey, names: Sequence[str], before: np.ndarray, final: np.ndarray) -> pd.DataFrame:
    """Indicators unweighted, under the first and under the final weights, with interval."""
    rows = []
    for name in names:
        y = survey.values(name)
        use = np.isfinite(y) & (final > 0)
        if not use.any() or not before[use].any():
            continue
        binary = set(np.unique(y[use])) <= {0.0, 1.0}
        row = (survey.proportion(name) if binary else survey.mean(name)).frame.iloc[0]
        rows.append({
            "variable": name, "n": int(use.sum()), "unweighted": float(y[use].mean()),
            "before": float(np.average(y[use], weights=before[use])),
            "final": float(np.average(y[use], weights=final[use])), "share": binary,
            "conf_low": float(row["conf_low"]), "conf_high": float(row["conf_high"]),
            "label_en": title(survey, name, "en"), "label_ar": title(survey, name, "ar"),
        })  # fmt: skip
    columns = ["variable", "n", "unweighted", "before", "final", "share", "conf_low", "conf_high", "label_en", "label_ar"]
    return pd.DataFrame(rows, columns=columns)
