"""`survey.codebook_html`: one self-contained page with weighted frequencies, in Arabic and English."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from masar_research.codebook import LEVELS, ResponseSet, fold
from masar_research.codebook.wording import HEADINGS, KIND_WORDS, LEVEL_WORDS, code_text, counted, known_language, span_text
from masar_research.loading.codebook_counts import Cell, Counts, all_counts
from masar_research.present import fonts, numbers
from masar_research.present.direction import Lang, embed
from masar_research.release import LEAST_CASES

if TYPE_CHECKING:
    from masar_research.survey import Survey

_W: dict[str, dict[Lang, str]] = {
    "codebook": {"en": "Codebook", "ar": "دليل الترميز"},
    "search": {"en": "Search names, labels, questions, categories", "ar": "ابحث في الأسماء والأوصاف والأسئلة والفئات"},
    "all": {"en": "all levels", "ar": "كل المستويات"},
    "other": {"en": "العربية", "ar": "English"},
    "n": {"en": "Interviews", "ar": "المقابلات"},
    "share": {"en": "Weighted %", "ar": "النسبة المرجّحة"},
    "code": {"en": "Code", "ar": "الرمز"},
    "label": {"en": "Label", "ar": "الوصف"},
    "valid": {"en": "Answers", "ar": "الإجابات"},
    "absent": {"en": "Without an answer", "ar": "بلا إجابة"},
    "weight": {"en": "weight", "ar": "وزن"},
    "design": {"en": "sample design", "ar": "تصميم العينة"},
    "distinct": {"en": "Different values", "ar": "القيم المختلفة"},
    "personal": {"en": "Personal: its values are not shown.", "ar": "بيانات شخصية لا تُعرض قيمها."},
    "count": {"en": "Values are not listed.", "ar": "لا تُسرد القيم."},
    "mean": {"en": "Mean", "ar": "المتوسط"},
    "sd": {"en": "Standard deviation", "ar": "الانحراف المعياري"},
    "p25": {"en": "Lower quartile", "ar": "الربيع الأدنى"},
    "p50": {"en": "Median", "ar": "الوسيط"},
    "p75": {"en": "Upper quartile", "ar": "الربيع الأعلى"},
    "source": {"en": "Made from", "ar": "مصدره"},
    "note": {"en": "Note", "ar": "ملاحظة"},
    "withheld": {"en": "withheld", "ar": "محجوب"},
    "none": {"en": "Nothing matches.", "ar": "لا شيء يطابق البحث."},
    "base": {
        "en": f"Percentages are weighted shares of the answers. Codes with fewer than {LEAST_CASES} interviews are withheld, and "
        "another with them where the rest would give them away.",
        "ar": f"النسب مرجّحة ومحسوبة من الإجابات. تُحجب الرموز التي يقل عدد مقابلاتها عن {LEAST_CASES}، ومعها رمز آخر متى كان "
        "الباقي يكشفها.",
    },
    "interviews": {"en": "interviews", "ar": "مقابلة"},
}  # fmt: skip

_SCRIPT = """
const map={'أ':'ا','إ':'ا','آ':'ا','ٱ':'ا','ى':'ي','ئ':'ي','ی':'ي','ؤ':'و','ة':'ه','ۀ':'ه','ە':'ه','ہ':'ه','گ':'ك','ک':'ك','ء':'','’':"'"};
const fold=t=>t.normalize('NFKC').toLowerCase().replace(/[\\u0640\\u061c\\u200b-\\u200f\\u202a-\\u202e\\u2066-\\u2069\\ufeff]/g,'')
 .replace(/[أإآٱىئیؤةۀەہگکء’]/g,c=>map[c]).normalize('NFD').replace(/\\p{Mn}/gu,'')
 .replace(/[\\u0660-\\u0669]/g,c=>c.charCodeAt(0)-0x660).replace(/[\\u06f0-\\u06f9]/g,c=>c.charCodeAt(0)-0x6f0);
document.querySelectorAll('main').forEach(m=>{const q=m.querySelector('input'),l=m.querySelector('select'),none=m.querySelector('.none'),
 items=[...m.querySelectorAll('article')];const run=()=>{const w=fold(q.value).split(/\\s+/).filter(Boolean);let n=0;
 items.forEach(a=>{const ok=(!l.value||a.dataset.level===l.value)&&w.every(x=>a.dataset.words.includes(x));a.hidden=!ok;n+=ok});none.hidden=n>0};
 q.addEventListener('input',run);l.addEventListener('change',run)});
const show=g=>{document.querySelectorAll('main').forEach(m=>m.hidden=m.lang!==g);document.documentElement.lang=g;
 document.documentElement.dir=g==='ar'?'rtl':'ltr'};
document.querySelectorAll('button[data-to]').forEach(b=>b.addEventListener('click',()=>{const from=b.closest('main'),q=from.querySelector('input').value;
 show(b.dataset.to);const to=document.querySelector('main[lang='+b.dataset.to+']');to.querySelector('input').value=q;
 to.querySelector('input').dispatchEvent(new Event('input'))}));
"""


def codebook_html(survey: Survey, path: str | Path, lang: Lang | None = None) -> Path:
    """Write the survey's codebook with frequencies as one HTML file that needs nothing else.

    Parameters
    ----------
    survey : Survey
        A subpopulation gives the frequencies of its members.
    path : str or Path
    lang : {"en", "ar"}, optional
        One language; both without it, Arabic first, with a switch.

    Returns
    -------
    Path

    Notes
    -----
    Personal variables and open text are listed without values. What is withheld is said at
    `codebook_counts.all_counts`. A word missing in one language stands in the other.

    Examples
    --------
    >>> survey.codebook_html("codebook.html")              # doctest: +SKIP
    >>> survey.codebook_html("codebook.html", lang="ar")   # doctest: +SKIP
    """
    path = Path(path)
    path.write_text(page(survey, lang), encoding="utf-8")
    return path


def page(survey: Survey, lang: Lang | None = None) -> str:
    """The page of `codebook_html` as text."""
    langs: tuple[Lang, ...] = ("ar", "en") if lang is None else (known_language(lang),)
    counts = list(all_counts(survey))
    sets = {name: each for each in survey.codebook.sets.values() for name in each.variables}
    bodies = [_main(survey, counts, sets, one, langs, hidden=place > 0) for place, one in enumerate(langs)]
    style = files("masar_research.loading").joinpath("codebook_page.css").read_text(encoding="utf-8")
    faces = fonts.css_font_faces(bodies, langs[0])
    family = "IBM Plex Sans Arabic"
    style = style.replace('"Masar Sans",', "" if f'"{family}"' in faces else '"Masar Sans",')
    first = langs[0]
    return (
        f'<!DOCTYPE html><html lang="{first}" dir="{_dir(first)}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(_title(survey, first))}</title><style>{faces}\n{style}</style></head>"
        f"<body>{''.join(bodies)}<script>{_SCRIPT}</script></body></html>"
    )


def _dir(lang: Lang) -> str:
    return "rtl" if lang == "ar" else "ltr"


def _title(survey: Survey, lang: Lang) -> str:
    study = f" · {survey.card.title[lang]}" if survey.card else ""
    return _W["codebook"][lang] + study


def _main(
    survey: Survey, counts: list[Counts], sets: dict[str, ResponseSet], lang: Lang, langs: tuple[Lang, ...], hidden: bool
) -> str:
    rows = len(survey) if survey.mask is None else int(survey.mask.sum())
    notice = survey.card.notice if survey.card else None
    told = f'<p class="quiet">{escape(notice[lang])}</p>' if notice else ""
    base = f'<p class="quiet"><bdi dir="ltr">{escape(" and ".join(survey.base))}</bdi></p>' if survey.base else ""
    other: Lang = "en" if lang == "ar" else "ar"
    switch = f'<button type="button" data-to="{other}" lang="{other}">{_W["other"][lang]}</button>' if len(langs) > 1 else ""
    levels = "".join(f'<option value="{level}">{LEVEL_WORDS[level][lang]}</option>' for level in LEVELS)
    articles = "".join(_article(each, sets.get(each.variable.name), lang) for each in counts)
    return (
        f'<main lang="{lang}" dir="{_dir(lang)}"{" hidden" if hidden else ""}><header><h1>{escape(_title(survey, lang))}</h1>'
        f'{switch}</header><p class="quiet">{counted(len(counts), lang)} · {numbers.number(rows, lang)} {_W["interviews"][lang]}</p>'
        f'{told}{base}<p class="quiet">{_W["base"][lang]}</p><div class="tools"><input type="search" aria-label="{_W["search"][lang]}" '
        f'placeholder="{_W["search"][lang]}"><select aria-label="{HEADINGS["level"][lang]}"><option value="">{_W["all"][lang]}</option>'
        f'{levels}</select></div>{articles}<p class="none" hidden>{_W["none"][lang]}</p></main>'
    )


def _article(each: Counts, several: ResponseSet | None, lang: Lang) -> str:
    variable = each.variable
    tags = [LEVEL_WORDS[variable.level][lang]]
    tags += [_W["weight"][lang]] * each.is_weight + [_W["design"][lang]] * (each.shown == "design")
    tag = "".join(f'<span class="tag">{escape(text)}</span>' for text in tags)
    words = [variable.name, *variable.label.values(), *(variable.question or {}).values()]
    if each.shown != "personal":
        words += [text for category in variable.categories for text in category.label.values()]
    label = _text(variable.label, lang) or f'<code dir="ltr">{escape(variable.name)}</code>'
    facts = "".join(f"<dt>{name}</dt><dd>{value}</dd>" for name, value in _facts(each, several, lang))
    return (
        f'<article data-level="{variable.level}" data-words="{escape(fold(" ".join(words)))}"><h2>{label}</h2>'
        f'<div><code dir="ltr">{escape(variable.name)}</code> {tag}</div><dl>{facts}</dl>{_table(each, lang)}</article>'
    )


def _text(words, lang: Lang) -> str:
    """Words in one language, in the other where they are absent, escaped and set in their own direction."""
    if not words:
        return ""
    one = lang if lang in words else next(iter(words))
    return f'<span lang="{one}" dir="{_dir(one)}">{escape(embed(words[one], one))}</span>'


def _facts(each: Counts, several: ResponseSet | None, lang: Lang) -> Iterator[tuple[str, str]]:
    variable = each.variable
    if variable.question and _text(variable.question, lang) != _text(variable.label, lang):
        yield HEADINGS["question"][lang], _text(variable.question, lang)
    if variable.universe:
        yield HEADINGS["universe"][lang], f'<code dir="ltr">{escape(variable.universe)}</code>'
    if variable.unit:
        yield HEADINGS["unit"][lang], _text(variable.unit, lang)
    if several is not None:
        yield HEADINGS["sets"][lang], _text(several.label, lang) or escape(several.name)
    if variable.source and variable.source != (variable.name,):
        sources = ", ".join(variable.source[:12]) + (", …" if len(variable.source) > 12 else "")
        yield _W["source"][lang], f'<code dir="ltr">{escape(sources)}</code>'
    if variable.missing_ranges:
        spans = (f'<code dir="ltr">{span_text(s.low, s.high)}</code> {KIND_WORDS[s.missing][lang]}' for s in variable.missing_ranges)
        yield HEADINGS["ranges"][lang], "<br>".join(spans)
    if variable.note:
        yield _W["note"][lang], _text(variable.note, lang)
    yield _W["valid"][lang], _figure(each.valid, lang)
    if each.absent:
        yield _W["absent"][lang], _figure(each.absent, lang)
    for name, value in each.stats:
        digits = 0 if value == int(value) else 2
        yield _W[name][lang], f'<bdi dir="ltr">{numbers.number(value, lang, digits)}</bdi>'
    if each.shown in ("personal", "count"):
        yield HEADINGS["codes"][lang], _W[each.shown][lang]


def _figure(count: int, lang: Lang) -> str:
    """A count; fewer than five is said so where it is not nought."""
    return f'<bdi dir="ltr">{f"&lt;{LEAST_CASES}" if 0 < count < LEAST_CASES else numbers.number(count, lang)}</bdi>'


def _table(each: Counts, lang: Lang) -> str:
    if not each.cells:
        return ""
    head = (
        f'<th>{_W["code"][lang]}</th><th>{_W["label"][lang]}</th><th class="fig">{_W["n"][lang]}</th>'
        f'<th class="fig">{_W["share"][lang]}</th>'
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(_row(cell, lang) for cell in each.cells)}</tbody></table>"


def _row(cell: Cell, lang: Lang) -> str:
    category = cell.category
    label = _text(category.label, lang)
    if category.missing and category.code != "":
        kind = KIND_WORDS[category.missing][lang]
        label = f'{label} <span class="quiet">({kind})</span>' if label and kind not in label else label or kind
    bar = "" if cell.share is None else f'<span class="bar" style="width:{100 * cell.share:.1f}%"></span>'
    n = _W["withheld"][lang] if cell.n is None else f'<bdi dir="ltr">{numbers.number(cell.n, lang)}</bdi>'
    share = "" if cell.share is None else f'<bdi dir="ltr">{numbers.percent(cell.share, lang)}</bdi>'
    gone = ' class="gone"' if category.missing else ""
    return (
        f'<tr{gone}><td class="code"><code dir="ltr">{escape(code_text(category.code))}</code></td><td>{label}{bar}</td>'
        f'<td class="fig">{n}</td><td class="fig">{share}</td></tr>'
    )
