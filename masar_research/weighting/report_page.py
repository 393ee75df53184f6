"""The report of weights as words, as tables and as a page, in one language at a time."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from masar_research.present import theme
from masar_research.present.charts.weights import Distance, histogram, love
from masar_research.present.fonts import css_font_faces
from masar_research.present.tables import FACE, Column, estimates_html

if TYPE_CHECKING:
    from masar_research.weighting.report import Report

_MEASURES = {
    "n": ("Rows with weight", "سجلات لها وزن", "{:,.0f}"),
    "sum": ("Sum of weights", "مجموع الأوزان", "{:,.0f}"),
    "min": ("Smallest", "الأصغر", "{:,.3f}"),
    "median": ("Median", "الوسيط", "{:,.3f}"),
    "max": ("Largest", "الأكبر", "{:,.3f}"),
    "cv": ("Coefficient of variation", "معامل الاختلاف", "{:.3f}"),
    "deff": ("Design effect of weighting (Kish)", "أثر التصميم الناتج عن الترجيح (كيش)", "{:.3f}"),
    "n_eff": ("Effective sample size", "حجم العينة الفعّال", "{:,.0f}"),
    "trimmed_share": ("Share of weights trimmed", "نسبة الأوزان المقلَّمة", "{:.1%}"),
}
_STEPS = {
    "Before": ("Before", "قبل الترجيح"), "Base": ("Base weights", "الأوزان الأساسية"),
    "Nonresponse": ("Non-response", "عدم الاستجابة"), "Rake": ("Raking", "الضبط التكراري"),
    "Poststratify": ("Post-stratification", "الترجيح البعدي"), "Trim": ("Trimming", "تقليم الأوزان"),
    "Normalise": ("Normalising", "توحيد المتوسط"), "Calibrate": ("Calibration", "المعايرة"),
    "BaseStages": ("Base weights by stage", "الأوزان الأساسية حسب المراحل"), "Eligibility": ("Eligibility", "الأهلية"),
    "Propensity": ("Response propensity", "احتمال الاستجابة"), "Attrition": ("Panel attrition", "التسرّب بين الجولات"),
    "Combine": ("Combining waves", "جمع الجولات"),
    "Entropy": ("Entropy balancing", "الموازنة بالإنتروبيا"), "Balance": ("Balancing of groups", "موازنة المجموعات"),
}  # fmt: skip
_HEADS = {
    "title": ("How the weights were made", "كيف حُسبت الأوزان"),
    "steps": ("The steps", "الخطوات"), "stages": ("What each step cost", "كلفة كل خطوة"),
    "shape": ("How the weights are distributed", "توزيع الأوزان"),
    "extreme": ("Whose weights are extreme", "لمن الأوزان المتطرفة"),
    "love": ("Distance from the targets", "البعد عن الأهداف"),
    "balance": ("Balance on every margin", "التوازن على كل توزيع هامشي"),
    "further": ("Shares without a target", "حصص لا أهداف لها"),
    "effects": ("Effect on indicators", "أثر الترجيح على المؤشرات"),
    "conflict": ("Targets that cannot be met together", "أهداف لا يمكن تحقيقها معًا"),
}
_COLUMNS = {
    "step": ("Step", "الخطوة"), "group": ("Group", "الفئة"), "n": ("Interviews", "المقابلات"),
    "extreme": ("With an extreme weight", "ذات الوزن المتطرف"), "times": ("Times its share", "أضعاف حصتها"),
    "mean": ("Mean weight (all = 1)", "متوسط الوزن (الجميع = 1)"), "category": ("Category", "الفئة"),
    "before": ("Before", "قبل"), "final": ("After", "بعد"), "target": ("Target", "الهدف"),
    "std_before": ("Std. difference before", "الفرق المعياري قبل"), "std_final": ("after", "بعد"),
    "moved": ("Moved (std.)", "التحرك (معياري)"), "indicator": ("Indicator", "المؤشر"),
    "unweighted": ("Unweighted", "دون ترجيح"), "interval": ("95% interval", "فترة الثقة 95%"),
    "asked": ("Asked", "المطلوب"), "nearest": ("Nearest possible", "أقرب ممكن"),
    "way": ("What gives way", "ما الذي يُعدَّل"), "n_eff": ("Effective n", "حجم العينة الفعّال"),
}  # fmt: skip
_ROWS = 24
_TAGS = re.compile(r"<style>.*?</style>|<[^>]+>", re.DOTALL)
_RANGE = re.compile(r"(\d[\d.,]*%?–\d[\d.,]*%?)")
_COST = ("n", "deff", "n_eff", "cv", "trimmed_share")
_SIZE = ("sum", "min", "median", "max")
_STYLE = f""".masar-weights{{font-family:{FACE};color:{theme.INK};line-height:1.55;max-width:52rem;margin-inline:auto;text-align:start}}
.masar-weights h1{{font-size:1.5rem;margin:.2em 0}}.masar-weights h2{{font-size:1.1rem;margin:1.6em 0 .4em;color:{theme.TEAL}}}
.masar-weights svg{{max-width:100%;height:auto;display:block}}.masar-weights .small{{display:none}}
.masar-weights .warn{{border-inline-start:4px solid {theme.ACCENT};background:{theme.WASH};padding:.6em .9em}}
.masar-weights li{{overflow-wrap:anywhere}}
@media(max-width:34rem){{.masar-weights .big{{display:none}}.masar-weights .small{{display:block}}
.masar-weights table{{font-size:.8em!important}}.masar-weights td:first-child,.masar-weights th:first-child{{min-width:7.5rem}}}}"""


def _at(pair: tuple[str, ...], lang: str) -> str:
    return pair[lang == "ar"]


def _step(name: str, lang: str) -> str:
    return _at(_STEPS.get(name, (name, name)), lang)


def text(report: Report, lang: str) -> str:
    """The report in words, a line a fact."""
    lines = [f"{i}. {log.text[lang]}" for i, log in enumerate(report.steps, 1)]
    first, last = report.frame.iloc[0], report.frame.iloc[-1]
    for name in ("deff", "n_eff", "cv", "min", "max", "trimmed_share"):
        en, ar, shape = _MEASURES[name]
        before, after = shape.format(first[name]), shape.format(last[name])
        lines.append(f"{en}: {before} before, {after} after." if lang == "en"
                     else f"{ar}: قبل \u2066{before}\u2069، بعد \u2066{after}\u2069.")  # fmt: skip
    if len(report.balance):
        worst = report.balance.loc[report.balance["gap"].abs().idxmax()]
        gap = f"{100 * abs(worst['gap']):.2f}"
        where = f"{worst['margin_' + lang]}: {worst['label_' + lang]}"
        lines.append(f"Largest remaining distance from a target: {gap} percentage points ({where})."
                     if lang == "en" else f"أكبر بُعد متبقٍّ عن هدف: \u2066{gap}\u2069 نقطة مئوية ({where}).")  # fmt: skip
    for row in report.extremes.head(3).to_dict("records"):
        lines.append(
            f"{row['label_en']}: {row['n_extreme']:,} of {row['n']:,} interviews have one of the largest weights, "
            f"{row['times']:.1f} times their share."
            if lang == "en" else
            f"{row['label_ar']}: لـ\u2066{row['n_extreme']:,}\u2069 من \u2066{row['n']:,}\u2069 مقابلة وزن من أكبر الأوزان، "
            f"أي \u2066{row['times']:.1f}\u2069 أضعاف حصتها."
        )  # fmt: skip
    if lang == "ar":
        lines = [_RANGE.sub("\u2066\\1\u2069", line) for line in lines]
    lines += _accepted(report, lang)
    if report.conflict is not None:
        lines += [report.conflict.words(lang), report.conflict.remedy(lang)]
    return "\n".join(lines)


def _accepted(report: Report, lang: str) -> list[str]:
    """Sources, cautions and accepted differences of the margins that say whom they count."""
    lines = []
    for log in report.steps:
        specs = [*getattr(log.step, "margins", ()), *([log.step.margin] if hasattr(log.step, "margin") else [])]
        for spec in specs:
            about = getattr(spec, "about", None)
            if about is None:
                continue
            lines.append((f"{spec.name}: {about.universe.words('en')}. Source: {spec.source}." if lang == "en" else
                          f"\u2066{spec.name}\u2069: {about.universe.words('ar')}. المصدر: \u2066{spec.source}\u2069."))
            lines += [words[lang] for words in (about.note,) if words is not None]
            if about.accepted is not None:
                lines.append(f"Other coverage was accepted: {about.accepted['en']}." if lang == "en"
                             else f"قُبل اختلاف التغطية: {about.accepted['ar']}.")  # fmt: skip
    return lines


def section(report: Report, lang: str) -> str:
    """Everything in one language."""
    parts = [f"<h1>{escape(_at(_HEADS['title'], lang))}</h1>"]
    if report.conflict is not None:
        parts += [_h("conflict", lang), _conflict(report, lang)]
    if report.steps:
        items = "".join(f"<li>{escape(log.text[lang])}</li>" for log in report.steps)
        parts += [_h("steps", lang), f"<ol>{items}</ol>"]
        parts += [f"<p>{escape(line)}</p>" for line in _accepted(report, lang)]
    parts += [_h("stages", lang), _stages(report, lang)]
    parts += [_h("shape", lang), _picture(lambda width: _histogram(report, lang, width), _at(_HEADS["shape"], lang))]
    if len(report.extremes):
        parts += [_h("extreme", lang), _table(
            ("group", "n", "extreme", "times", "mean"),
            [(r["label_" + lang], f"{r['n']:,}", f"{r['n_extreme']:,}", f"{r['times']:.1f}", f"{r['mean_weight']:.2f}")
             for r in report.extremes.to_dict("records")], lang,
            [("The largest two in a hundred weights; groups of at least five such interviews.",
              "أكبر وزنين من كل مئة؛ ولا تُذكر إلا فئات فيها خمس مقابلات على الأقل.")[lang == "ar"]])]  # fmt: skip
    if len(report.balance):
        parts += [_h("love", lang), _picture(lambda width: _love(report, lang, width), _at(_HEADS["love"], lang))]
        parts.append(_h("balance", lang))
        for _, rows in report.balance.groupby("margin", sort=False):
            parts.append(_table(
                ("category", "before", "final", "target", "std_before", "std_final"),
                [(r["label_" + lang], *(f"{r[k]:.1%}" for k in ("before", "final", "target")),
                  f"{r['std_before']:.3f}", f"{_clean(r['std_final']):.3f}") for r in rows.to_dict("records")],
                lang, title=str(rows["margin_" + lang].iloc[0])))  # fmt: skip
    if len(report.further):
        parts += [_h("further", lang), _table(
            ("category", "n", "before", "final", "moved"),
            [(r["label_" + lang], f"{r['n']:,}", f"{r['before']:.1%}", f"{r['final']:.1%}", f"{_clean(r['moved']):.3f}")
             for r in report.further.to_dict("records")], lang)]  # fmt: skip
    if len(report.indicators):
        parts += [_h("effects", lang), _table(
            ("indicator", "n", "unweighted", "before", "final", "interval"),
            [_indicator(r, lang) for r in report.indicators.to_dict("records")], lang)]  # fmt: skip
    direction = "rtl" if lang == "ar" else "ltr"
    return f'<section lang="{lang}" dir="{direction}" class="masar-weights">{"".join(parts)}</section>'


def fragment(report: Report, langs: Sequence[str]) -> str:
    """The languages one after the other, with their style."""
    return f"<div><style>{_STYLE}</style>{'<hr>'.join(section(report, lang) for lang in langs)}</div>"


def page(report: Report, langs: Sequence[str]) -> str:
    """A whole page; no script, nothing fetched."""
    title = " · ".join(_at(_HEADS["title"], lang) for lang in langs)
    direction = "rtl" if langs[0] == "ar" else "ltr"
    body = fragment(report, langs)
    fonts = css_font_faces([_TAGS.sub("", body)], "ar" if "ar" in langs else "en")
    return (f'<!doctype html><html lang="{langs[0]}" dir="{direction}"><head><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width,initial-scale=1">'
            f"<title>{escape(title)}</title><style>{fonts}.masar-weights,.masar-weights :is(div,table,p){{font-family:'Masar Sans',{FACE}!important}}</style></head>"
            f'<body style="margin:1rem">{body}</body></html>')


def _h(key: str, lang: str) -> str:
    return f"<h2>{escape(_at(_HEADS[key], lang))}</h2>"


def _clean(value: float) -> float:
    return 0.0 if abs(value) < 5e-4 else value


def _table(keys: Sequence[str], rows: Sequence[Sequence[str]], lang: str, notes: Sequence[str] = (), title: str = "") -> str:
    columns = [Column(_at(_COLUMNS[key], lang), numeric=i > 0) for i, key in enumerate(keys)]
    return _ranges(estimates_html(rows, columns, lang, title=title, notes=notes), lang)  # type: ignore[arg-type]


def _ranges(html: str, lang: str) -> str:
    """Ranges such as 15–24 keep their order in right-to-left cells, and stay on one line."""
    if lang == "en":
        return html
    return _RANGE.sub(r'<bdi dir="ltr" style="white-space:nowrap">\1</bdi>', html)


def _stages(report: Report, lang: str) -> str:
    out = ""
    for names in (_COST, _SIZE):
        columns = [Column(_at(_COLUMNS["step"], lang)), *(Column(_at(_MEASURES[m], lang), numeric=True) for m in names)]
        rows = [[_step(row["step"], lang), *(_MEASURES[m][2].format(row[m]) for m in names)]
                for row in report.frame.to_dict("records")]  # fmt: skip
        out += estimates_html(rows, columns, lang)  # type: ignore[arg-type]
    return out


def _indicator(row: dict[str, Any], lang: str) -> tuple[str, ...]:
    shape = "{:.1%}" if row["share"] else "{:,.2f}"
    low, high = shape.format(row["conf_low"]), shape.format(row["conf_high"])
    return (row["label_" + lang], f"{row['n']:,}", *(shape.format(row[k]) for k in ("unweighted", "before", "final")),
            f"{low.removesuffix('%')}–{high}")


def _conflict(report: Report, lang: str) -> str:
    found = report.conflict
    assert found is not None
    sets = " · ".join(" = ".join(filter(None, pair)) for pair in found.conflicting)
    near = [(" = ".join(filter(None, (t.variable, t.level))), f"{t.target:,.6g}", f"{t.nearest:,.6g}") for t in found.nearest]
    ways = [(way.variable, _n_eff(way.n_eff)) for way in found.ways]
    tolerance = ("a tolerance of {} on every target", "هامش سماح {} لكل هدف")
    ways += [(_at(tolerance, lang).format(f"{t:.2%}"), _n_eff(n)) for t, n in found.path]
    before = (f"Effective n before: {found.n_eff_before:,.0f}." if lang == "en"
              else f"حجم العينة الفعّال قبل ذلك: {found.n_eff_before:,.0f}.")  # fmt: skip
    return (f'<p class="warn"><bdi dir="ltr">{escape(sets)}</bdi></p>'
            + _table(("category", "asked", "nearest"), near, lang)
            + _table(("way", "n_eff"), ways, lang, [before, found.remedy(lang)]))


def _n_eff(value: float | None) -> str:
    return "–" if value is None else f"{value:,.0f}"


def _picture(draw: Any, alt: str) -> str:
    return "".join(
        f'<div class="{kind}" role="img" aria-label="{escape(alt)}">{_inline(draw(width).svg)}</div>'
        for kind, width in (("big", theme.FULL_WIDTH), ("small", theme.HALF_WIDTH))
    )


def _inline(svg: str) -> str:
    return svg[svg.index("<svg"):]


def _histogram(report: Report, lang: str, width: float) -> Any:
    before, after = (w[w > 0] / w[w > 0].mean() for w in report.weights)
    top = max(2.0, float(np.ceil(2.0 * max(np.quantile(before, 0.995), np.quantile(after, 0.995))) / 2.0))
    edges = np.linspace(0.0, top, 25)
    shares = [np.histogram(np.minimum(w, top), edges)[0] / w.size for w in (before, after)]
    return histogram(edges.tolist(), shares[0].tolist(), shares[1].tolist(), lang, width=width)  # type: ignore[arg-type]


def _love(report: Report, lang: str, width: float) -> Any:
    worst = report.balance.assign(size=report.balance[["std_before", "std_final"]].abs().max(axis=1))
    kept = worst.nlargest(_ROWS, "size").sort_values("size", ascending=False)
    return love([Distance(r["label_" + lang], abs(r["std_before"]), abs(r["std_final"])) for r in kept.to_dict("records")],
                lang, width=width)  # type: ignore[arg-type]
