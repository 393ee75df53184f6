"""The quality report as one page that needs nothing from outside."""

from __future__ import annotations

import re
from html import escape
from typing import TYPE_CHECKING, Any

from masar_research.errors import ParameterError
from masar_research.present import theme
from masar_research.present.fonts import css_font_faces
from masar_research.quality import drawings
from masar_research.quality.findings import SEVERITIES, Checked, Finding

if TYPE_CHECKING:
    from masar_research.quality.running import Quality

TITLES = {
    "reading": ("Reading the file", "قراءة الملف"),
    "duplicates": ("Duplicates and near-duplicates", "المقابلات المكررة وشبه المكررة"),
    "durations": ("Length and time of interviews", "مدة المقابلات ووقتها"),
    "straightlining": ("One answer down a grid", "إجابة واحدة لكل أسئلة المصفوفة"),
    "interviewers": ("Interviewers", "الباحثون الميدانيون"),
    "skips": ("Questions that applied and did not", "شروط الانتقال بين الأسئلة"),
    "ranges": ("Values that cannot be", "قيم خارج المدى"),
    "missingness": ("Missing answers", "الإجابات المفقودة"),
    "positions": ("Positions", "مواقع المقابلات"),
    "sampling": ("Clusters and weights", "العناقيد والأوزان"),
    "margins": ("Beside published margins", "مقارنة بالتوزيعات المنشورة"),
    "outcomes": ("Response and cooperation", "الاستجابة والتعاون"),
}
WORDS = {
    "en": {
        "title": "Quality report", "error": "Error", "warning": "Warning", "note": "Note", "errors": "errors", "warnings": "warnings",
        "notes": "notes", "rows": "Rows", "interviews": "Interviews", "complete": "Complete", "items": "Items", "do": "What to do",
        "cases": "Rows of the file", "more": "and {} more", "nothing": "Nothing to report.", "skipped": "Not checked", "first": "What to look at first",
        "all_well": "No error and no warning.", "rate": "Rate", "value": "Value", "weighted": "With base weights", 
        "items_of": "Items", "identical": "One answer", "expected": "By chance", "grid": "Grid", "n": "Interviews", "sample": "Sample", "published": "Published",
        "gap": "Difference, points", "moved": "Interviews in the wrong cell", "source": "Source",
        "roles": "Columns recognised", "minutes": "Median minutes by interviewer", "missing": "Missing answers by interviewer",
        "other": "more findings", "length": "Length of interviews in minutes", "strip": "Missing answers by item, in the order of the questionnaire",
        "foot": "An error cannot be right; a warning is probably not right; a note is worth knowing. Findings start an inquiry, they prove nothing about a person. "
                "No name, answer or position of a respondent stands in this report.",
    },
    "ar": {
        "title": "تقرير الجودة", "error": "خطأ", "warning": "تحذير", "note": "ملاحظة", "errors": "أخطاء", "warnings": "تحذيرات",
        "notes": "ملاحظات", "rows": "السجلات", "interviews": "المقابلات", "complete": "المكتملة", "items": "الأسئلة", "do": "ما العمل",
        "cases": "أرقام السجلات في الملف", "more": "و{} غيرها", "nothing": "لا شيء يُذكر.", "skipped": "لم يُفحص", "first": "ما ينبغي النظر فيه أولاً",
        "all_well": "لا أخطاء ولا تحذيرات.", "rate": "المعدل", "value": "القيمة", "weighted": "بأوزان التصميم", 
        "items_of": "الأسئلة", "identical": "إجابة واحدة", "expected": "بالمصادفة", "grid": "المصفوفة", "n": "المقابلات", "sample": "العينة", "published": "المنشور",
        "gap": "الفرق بالنقاط", "moved": "المقابلات الواقعة في غير فئتها", "source": "المصدر",
        "roles": "الأعمدة التي تُعرّف إليها", "minutes": "وسيط المدة بالدقائق بحسب الباحث", "missing": "الإجابات المفقودة بحسب الباحث",
        "other": "نتيجة أخرى", "length": "مدة المقابلات بالدقائق", "strip": "الإجابات المفقودة بحسب السؤال، بترتيب الاستبانة",
        "foot": "الخطأ لا يمكن أن يكون صحيحاً، والتحذير غير صحيح على الأرجح، والملاحظة مما يحسن العلم به. والنتائج تبدأ تحققاً ولا تثبت شيئاً على أحد. "
                "ولا يرد في هذا التقرير اسم مستجيب ولا إجابته ولا موقعه.",
    },
}  # fmt: skip
MOST_SHOWN, MOST_ROWS, MOST_CELLS = 12, 12, 14
_WORD = r"[A-Za-z0-9_+−<>=!×-][A-Za-z0-9_.,:%/+−–=<>!;×'…\[\]-]*"
_FOREIGN = re.compile(rf"\((?:[^()\u0600-\u06ff]*(?:\([^()\u0600-\u06ff]*\)[^()\u0600-\u06ff]*)*)\)|{_WORD}(?:(?<![.,:;])\s+{_WORD})*")
_CSS = """*,*::before,*::after{box-sizing:border-box}html{background:#fff;color:%(INK)s;font-family:"Masar Sans",sans-serif;line-height:1.6;-webkit-text-size-adjust:100%%}
html:lang(ar){line-height:1.8}body{margin:0;overflow-wrap:anywhere}body::before{content:"";display:block;block-size:.75rem;background:%(TEAL)s}
header,main,footer{max-inline-size:54rem;margin-inline:auto;padding-inline:clamp(1rem,4vw,2.5rem)}h1{font-size:clamp(1.5rem,4.6vw,2.3rem);line-height:1.3;margin:1.6rem 0 .2rem}
h2{color:%(TEAL)s;font-size:1.3rem;line-height:1.4;margin:2.4rem 0 .5rem;border-block-start:1px solid %(LINE)s;padding-block-start:1rem}
p{margin:.5rem 0}.muted{color:%(MUTED)s;font-size:.9rem}.notice{background:#fdf3e0;border-inline-start:.3rem solid %(ACCENT)s;padding:.5rem .9rem;font-weight:600}
.counts{display:grid;grid-template-columns:repeat(auto-fit,minmax(6.4rem,1fr));gap:.6rem;margin:1rem 0;padding:0;list-style:none}
.counts li{background:%(WASH)s;padding:.5rem .8rem;border-block-start:.2rem solid %(TEAL)s}.counts b{display:block;font-size:1.7rem;line-height:1.3;font-weight:600}
.counts .error,.counts .warning{border-color:%(ACCENT)s}.f{border-inline-start:.3rem solid %(MUTED)s;background:%(WASH)s;padding:.55rem .9rem;margin:.7rem 0}
.f.error{border-color:#8f1d14;background:#fbecea}.f.warning{border-color:%(ACCENT)s;background:#fdf3ee}.f p{margin:.15rem 0}.tag{font-weight:600;margin-inline-end:.5em}
.error .tag{color:#8f1d14}.warning .tag{color:#9a3f1d}.f .do{font-size:.92rem}.f details,.f .do{color:#40514f}summary{cursor:pointer;font-size:.88rem}
figure{margin:1.2rem 0}figcaption{font-weight:600;font-size:.95rem;margin-block-end:.3rem}.scroll{overflow-x:auto}svg{display:block;inline-size:100%%;block-size:auto;max-inline-size:36rem;min-inline-size:26rem;font-family:inherit}
table{border-collapse:collapse;font-size:.9rem;margin:.6rem 0}th,td{text-align:start;padding:.3rem .7rem;border-block-end:1px solid %(LINE)s;font-weight:400;overflow-wrap:normal}thead th{font-weight:600;vertical-align:bottom;color:%(TEAL)s;border-block-end:2px solid %(TEAL)s}
td.n{white-space:nowrap}tbody th{min-inline-size:5.5rem}@media (max-width:30rem){th,td{padding-inline:.35rem;font-size:.86rem}}bdi{unicode-bidi:isolate;display:inline-block;max-inline-size:100%%}footer{margin-block:3rem 2rem;color:%(MUTED)s;font-size:.88rem}a{color:%(TEAL)s}ul.first{padding-inline-start:1.2rem}"""


def page(quality: Quality, lang: str) -> str:
    """The whole report in one language.

    Parameters
    ----------
    quality : Quality
    lang : {"en", "ar"}

    Returns
    -------
    str
        HTML with its fonts and drawings inside; no script, nothing fetched.
    """
    if lang not in WORDS:
        raise ParameterError(f"The language {lang!r} is not known.", remedy='Use "en" or "ar".')
    words, facts = WORDS[lang], quality.facts
    title = facts["title"].get(lang) or facts["title"].get("en") or ""
    body = [f"<header><h1>{words['title']}</h1><p>{_mixed(title, lang)}</p>"]
    if facts["notice"]:
        body.append(f'<p class="notice">{_mixed(facts["notice"].get(lang, ""), lang)}</p>')
    body.append(_counts(quality, lang) + "</header><main>")
    body.append(_first(quality, lang))
    body += [_section(each, lang) for each in quality.checks]
    roles = ", ".join(f"{role}: {column}" for role, column in facts["roles"].items())
    body.append(f'<p class="muted">{words["roles"]}: <bdi dir="ltr">{escape(roles)}</bdi></p></main>')
    checksum = f'<p><bdi dir="ltr">{escape(str(facts["checksum"])[:40])}</bdi></p>' if facts["checksum"] else ""
    body.append(f"<footer><p>{words['foot']}</p>{checksum}</footer>")
    text = "".join(body)
    style = _CSS % {name: getattr(theme, name) for name in ("INK", "TEAL", "ACCENT", "MUTED", "LINE", "WASH")}
    fonts = css_font_faces([re.sub(r"<[^>]+>", "", text)], lang)
    return (
        f'<!DOCTYPE html><html lang="{lang}" dir="{"rtl" if lang == "ar" else "ltr"}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; font-src data:\">"
        f"<title>{words['title']}: {escape(title)}</title><style>{fonts}{style}</style></head><body>{text}</body></html>\n"
    )


def fragment(quality: Quality) -> str:
    """The findings as a table for JupyterLab, both languages side by side."""
    rows = "".join(
        f'<tr><td>{WORDS["en"][f.severity]} · {WORDS["ar"][f.severity]}</td><td style="text-align:left">{escape(f.what["en"])}</td>'
        f'<td dir="rtl" lang="ar" style="text-align:right">{_mixed(f.what["ar"], "ar")}</td></tr>'
        for f in quality.findings[:60]
    )
    return f"<p>{escape(repr(quality))}</p><table><tbody>{rows}</tbody></table>"


def _mixed(text: str, lang: str) -> str:
    """Escaped words; in Arabic every run of figures or Latin letters is isolated, left to right.

    What stands in brackets without an Arabic letter is one run with them, a condition with its own brackets too; a colon, comma or
    full stop ends a run, so that a count after it is not drawn on the wrong side.
    """
    if lang != "ar":
        return escape(text, quote=False)
    out, at = [], 0
    for match in _FOREIGN.finditer(text):
        piece = match[0] if match[0].startswith("(") else match[0].rstrip(".,:;")
        out += [escape(text[at : match.start()], quote=False), f'<bdi dir="ltr">{escape(piece, quote=False)}</bdi>']
        at = match.start() + len(piece)
    return "".join(out) + escape(text[at:], quote=False)


def _counts(quality: Quality, lang: str) -> str:
    words, facts = WORDS[lang], quality.facts
    cells = [(severity, quality.count(severity), words[severity + "s"]) for severity in SEVERITIES]
    cells += [("", facts[name], words[name]) for name in ("rows", "interviews", "complete", "items")]
    return '<ul class="counts">' + "".join(
        f'<li class="{kind if number else ""}"><b><bdi>{number:,}</bdi></b>{word}</li>' for kind, number, word in cells
    ) + "</ul>"  # fmt: skip


def _first(quality: Quality, lang: str) -> str:
    grave = [f for f in quality.findings if f.severity != "note"][:6]
    words = WORDS[lang]
    if not grave:
        return f"<p>{words['all_well']}</p>"
    lines = "".join(
        f'<li><a href="#{f.check}">{TITLES[f.check][lang == "ar"]}</a>: {_mixed(f.what[lang], lang)}</li>' for f in grave
    )
    return f'<h2>{words["first"]}</h2><ul class="first">{lines}</ul>'


def _section(each: Checked, lang: str) -> str:
    words = WORDS[lang]
    parts = [f'<section id="{each.name}"><h2>{TITLES[each.name][lang == "ar"]}</h2>']
    if each.skipped:
        return parts[0] + f'<p class="muted">{words["skipped"]}: {_mixed(each.skipped[lang], lang)}</p></section>'
    parts += [f"<p>{_mixed(fact[lang], lang)}</p>" for fact in each.facts]
    parts.append(_pictures(each, lang))
    parts += [_finding(f, lang) for f in each.findings[:MOST_SHOWN]]
    rest = each.findings[MOST_SHOWN:]
    if rest:
        parts.append(
            f'<details><summary><bdi dir="ltr">{len(rest)}</bdi> {words["other"]}</summary>{"".join(_finding(f, lang) for f in rest[:150])}</details>'
        )
    if not each.findings:
        parts.append(f'<p class="muted">{words["nothing"]}</p>')
    return "".join(parts) + "</section>"


def _finding(f: Finding, lang: str) -> str:
    words, rows = WORDS[lang], ""
    if f.cases:
        shown = ", ".join(map(str, f.cases[:MOST_ROWS]))
        more = words["more"].format(f'<bdi dir="ltr">{f.count - MOST_ROWS:,}</bdi>') if f.count > MOST_ROWS else ""
        rows = f'<details><summary>{words["cases"]}</summary><p><bdi dir="ltr">{shown}</bdi> {more}</p></details>'
    return (
        f'<div class="f {f.severity}"><p><span class="tag">{words[f.severity]}</span>{_mixed(f.what[lang], lang)}</p>'
        f'<p class="do">{words["do"]}: {_mixed(f.remedy[lang], lang)}</p>{rows}</div>'
    )


def _pictures(each: Checked, lang: str) -> str:
    figures, words, out = each.figures, WORDS[lang], []
    if each.name == "durations" and len(figures.get("minutes", ())) >= 10:
        out.append(_figure(words["length"], drawings.histogram(figures["minutes"], figures["median"], lang)))
    if each.name == "missingness" and figures.get("items"):
        out.append(_figure(words["strip"], drawings.strip(figures["items"], lang)))
        if len(figures.get("enumerators", ())) >= 4:
            out.append(_figure(words["missing"], drawings.dots(figures["enumerators"], "missing", words["missing"], lang, percent=True)))
    if each.name == "interviewers" and sum(row["median_minutes"] is not None for row in figures.get("enumerators", ())) >= 4:
        out.append(_figure(words["minutes"], drawings.dots(figures["enumerators"], "median_minutes", words["minutes"], lang)))
    if each.name == "straightlining":
        head = [words["grid"], words["items_of"], words["identical"], words["expected"]]
        rows = [[f"{r['first']} … {r['last']}", str(r["items"]), f"{r['identical']:.1%}", f"{r['expected']:.1%}"] for r in figures.get("grids", ())]
        out.append(_table(head, rows))
    if each.name == "margins":
        out += [_margin(table, lang) for table in figures.get("margins", ())]
    if each.name == "outcomes":
        out.append(_rates(figures, lang))
    return "".join(out)


def _rates(figures: Any, lang: str) -> str:
    words, weighted = WORDS[lang], figures.get("rates_weighted")
    head = [words["rate"], words["value"]] + ([words["weighted"]] if weighted else [])
    rows = []
    for name, value in figures["rates"].items():
        shown = ["–" if x is None or x != x else f"{x:.4f}" for x in (value, *([weighted[name]] if weighted else []))]
        rows.append([name, *shown])
    return _table(head, rows)


def _margin(table: Any, lang: str) -> str:
    """One margin: every cell's share in the sample beside the published one, in the order of its codes."""
    words, cells = WORDS[lang], table["cells"]
    head = [_mixed(table["label"][lang], lang), words["n"], words["sample"], words["published"], words["gap"]]
    rows = [
        [_mixed(cell["label"][lang], lang), f"{cell['n']:,}", f"{cell['sample']:.1%}", f"{cell['target']:.1%}", f"{100 * cell['gap']:+.1f}".replace("-", "−")]
        for cell in cells
    ]
    said = f"{words['moved']}: {table['dissimilarity']:.1%}"
    source = table["source"].get(lang)
    below = f'<p class="muted">{_mixed(said, lang)}</p>' + (f'<p class="muted">{words["source"]}: {_mixed(source, lang)}</p>' if source else "")
    shown = _table(head, rows, words_first=True) + below
    if len(rows) <= MOST_CELLS:
        return shown
    return f'<details><summary>{head[0]}: {_mixed(said, lang)}</summary>{shown}</details>'


def _figure(caption: str, svg: str) -> str:
    return f'<figure><figcaption>{caption}</figcaption><div class="scroll" tabindex="0">{svg}</div></figure>'


def _table(head: list[str], rows: list[list[str]], words_first: bool = False) -> str:
    """A table that scrolls by itself on a narrow screen; `head` and a first column of words come escaped, figures run left to right."""
    top = "".join(f'<th scope="col">{cell}</th>' for cell in head)

    def cell(place: int, text: str) -> str:
        if words_first and place == 0:
            return f'<th scope="row">{text}</th>'
        return f'<td class="n"><bdi dir="ltr">{escape(text)}</bdi></td>'

    body = "".join("<tr>" + "".join(cell(*each) for each in enumerate(row)) + "</tr>" for row in rows)
    return f'<div class="scroll" tabindex="0"><table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>' if rows else ""
