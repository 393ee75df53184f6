"""Pictures of the report: lengths, missing answers, interviewers; plain SVG, time and order mirrored for Arabic."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import numpy as np

from masar_research.present import theme

WIDE, FONT = 480, 13


def histogram(minutes: Sequence[float], median: float, lang: str) -> str:
    """Lengths of interviews in minutes, the third of the median and the median marked."""
    values = np.asarray(minutes, float)
    top = float(np.quantile(values, 0.995)) or 1.0
    counts, edges = np.histogram(np.minimum(values, top), bins=36, range=(0, top))
    height, foot, left, right = 150, 34, 8, WIDE - 8
    at = _scale(0, top, left, right, lang)
    peak = max(int(counts.max()), 1)
    parts = []
    for count, low, high in zip(counts, edges[:-1], edges[1:], strict=True):
        a, b = sorted((at(low), at(high)))
        tall = 118 * count / peak
        colour = theme.ACCENT if high <= median / 3 else theme.TEAL
        parts.append(f'<rect x="{a + 0.7:.1f}" y="{height - tall:.1f}" width="{b - a - 1.4:.1f}" height="{tall:.1f}" fill="{colour}"/>')
    if (values > top).any():
        tall = 118 * int(counts[-1]) / peak
        parts.append(_text(at(top), height - tall - 5, f"{edges[-2]:.0f}+", lang, "end", ltr=True))
    words = {"en": ("a third of the median", "median"), "ar": ("ثلث الوسيط", "الوسيط")}[lang]
    for value, word, y in ((median / 3, words[0], 12), (median, words[1], 26)):
        x = at(value)
        parts.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{y + 4}" y2="{height}" stroke="{theme.INK}" stroke-dasharray="3 3"/>')
        parts.append(_text(x, y, f"{word}: {value:.0f}", lang, "middle"))
    parts.append(f'<line x1="{left}" x2="{right}" y1="{height}" y2="{height}" stroke="{theme.INK}"/>')
    for tick in _ticks(top):
        parts.append(_text(at(tick), height + 16, f"{tick:g}", lang, "middle"))
    label = {"en": "Length of interviews in minutes", "ar": "مدة المقابلات بالدقائق"}[lang]
    return _svg(height + foot, parts, label)


def strip(items: Sequence[Mapping[str, Any]], lang: str) -> str:
    """A heat strip: every item in the order of the questionnaire; don't know, refused, blank one beneath the other."""
    rows = {"en": (("dont_know", "Don't know"), ("refused", "Refused"), ("blank", "Blank")),
            "ar": (("dont_know", "لا أعرف"), ("refused", "رفض"), ("blank", "فارغ"))}[lang]  # fmt: skip
    left, right, tall = 84, WIDE - 4, 26
    wide = (right - left) / max(len(items), 1)
    parts = []
    for r, (kind, word) in enumerate(rows):
        y = 6 + r * (tall + 6)
        parts.append(_text(_side(4, lang), y + tall / 2 + 4, word, lang, "start"))
        for k, item in enumerate(items):
            x = left + k * wide
            x = x if lang == "en" else WIDE - x - wide
            parts.append(
                f'<rect x="{x:.2f}" y="{y}" width="{wide + 0.15:.2f}" height="{tall}" fill="{_heat(item[kind])}">'
                f"<title>{escape(str(item['item']))}: {item[kind]:.0%}</title></rect>"
            )
    y = 6 + 3 * (tall + 6) + 6
    steps = (0.0, 0.01, 0.05, 0.1, 0.2)
    names = ("< 1%", "1–5%", "5–10%", "10–20%", "> 20%")
    for k, (share, name) in enumerate(zip(steps, names, strict=True)):
        x = _side(left + k * 78, lang, 14)
        parts.append(f'<rect x="{x}" y="{y}" width="14" height="14" fill="{_heat(share + 1e-9)}" stroke="{theme.LINE}"/>')
        parts.append(_text(_side(left + k * 78 + 20, lang), y + 12, name, lang, "start", ltr=True))
    label = {"en": "Missing answers by item, in the order of the questionnaire", "ar": "الإجابات المفقودة بحسب السؤال، بترتيب الاستبانة"}[lang]
    return _svg(y + 20, parts, label)


def dots(rows: Sequence[Mapping[str, Any]], value: str, label: str, lang: str, percent: bool = False) -> str:
    """One dot per interviewer on a common scale, sorted; the middle half shaded, outliers named."""
    rows = sorted((row for row in rows if row.get(value) is not None), key=lambda row: row[value])
    numbers = np.array([row[value] for row in rows], float)
    low, high = 0.0, float(numbers.max()) * 1.06 or 1.0
    if numbers.min() > 0.5 * numbers.max():
        low = float(np.floor(0.9 * numbers.min()))
    quarter, middle, three = np.quantile(numbers, [0.25, 0.5, 0.75])
    step, top = 9, 20
    height = top + step * len(rows)
    at = _scale(low, high, 44, WIDE - 44, lang)
    a, b = sorted((at(quarter), at(three)))
    parts = [f'<rect x="{a:.1f}" y="{top - 8}" width="{b - a:.1f}" height="{height - top + 8}" fill="{theme.FAINT}"/>',
             f'<line x1="{at(middle):.1f}" x2="{at(middle):.1f}" y1="{top - 8}" y2="{height}" stroke="{theme.MUTED}"/>']  # fmt: skip
    far = (numbers < quarter - 2 * (three - quarter)) | (numbers > three + 2 * (three - quarter))
    for k, (row, odd) in enumerate(zip(rows, far, strict=True)):
        y, x = top + k * step, at(row[value])
        colour = theme.ACCENT if odd else theme.TEAL
        parts.append(f'<circle cx="{x:.1f}" cy="{y}" r="3.6" fill="{colour}"><title>{escape(row["enumerator"])}: {_number(row[value], percent)}</title></circle>')
        if odd:
            near_end = row[value] > 0.85 * high
            parts.append(_text(x + (8 if (lang == "en") != near_end else -8), y + 4, row["enumerator"], lang, "end" if near_end else "start", ltr=True, flip=lang == "ar"))
    parts.append(f'<line x1="44" x2="{WIDE - 44}" y1="{height}" y2="{height}" stroke="{theme.INK}"/>')
    for tick in _ticks(high * (100 if percent else 1), low):
        parts.append(_text(at(tick / (100 if percent else 1)), height + 16, f"{tick:g}{'%' if percent else ''}", lang, "middle", ltr=True))
    return _svg(height + 24, parts, label)


def _number(value: float, percent: bool) -> str:
    return f"{value:.1%}" if percent else f"{value:.0f}"


def _scale(low: float, high: float, left: float, right: float, lang: str):
    def at(value: float) -> float:
        x = left + (min(max(value, low), high) - low) / (high - low) * (right - left)
        return x if lang == "en" else WIDE - x

    return at


def _side(x: float, lang: str, wide: float = 0) -> float:
    return x if lang == "en" else WIDE - x - wide


def _ticks(top: float, low: float = 0.0) -> list[float]:
    steps = [step * 10**k for k in range(-2, 5) for step in (1, 2, 5)]
    step = next((s for s in steps if (top - low) / s <= 6), top)
    return [round(step * k, 6) for k in range(int(top / step) + 1) if step * k >= low]


def _heat(share: float) -> str:
    limits = (0.01, 0.05, 0.10, 0.20)
    return (theme.FAINT, *theme.SEQUENTIAL[1:])[sum(share >= limit for limit in limits)]


def _text(x: float, y: float, words: str, lang: str, anchor: str, ltr: bool = False, flip: bool = False) -> str:
    if flip or (lang == "ar" and ltr and anchor != "middle"):
        anchor = {"start": "end", "end": "start"}[anchor]
    direction = "ltr" if ltr or lang == "en" else "rtl"
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" direction="{direction}" font-size="{FONT}" fill="{theme.INK}">{escape(words)}</text>'


def _svg(height: float, parts: list[str], label: str) -> str:
    return (
        f'<svg viewBox="0 0 {WIDE} {height:.0f}" role="img" aria-label="{escape(label, quote=True)}" '
        f'xmlns="http://www.w3.org/2000/svg">{"".join(parts)}</svg>'
    )
