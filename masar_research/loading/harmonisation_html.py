"""The report of a harmonisation as a page, in Arabic or English."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from html import escape
from typing import TYPE_CHECKING

import pandas as pd

from masar_research.codebook.wording import KIND_WORDS, code_text, known_language
from masar_research.errors import ParameterError
from masar_research.present import fonts, theme

if TYPE_CHECKING:
    from masar_research.loading.harmonisation import Harmonisation

_WORDS = {
    "title": ("What became what", "ما الذي صار إليه كل رمز"),
    "rows": ("Rows of the study", "سجلات الدراسة"),
    "errors": ("Errors", "أخطاء"), "no_errors": ("Every value has a place and every count adds up.", "لكل قيمة مكان، والأعداد كلها متطابقة."),
    "remarks": ("To be looked at", "للمراجعة"), "frame": ("Standard frame", "الإطار الموحّد"),
    "indicators": ("Indicators", "المؤشرات"), "breaks": ("Breaks in series", "انقطاع السلاسل"),
    "codes": ("Codes", "الرموز"), "label": ("Label", "الوصف"), "variable": ("Variable", "المتغيّر"), "wave": ("Wave", "الجولة"),
    "source": ("Column of the file", "عمود الملف"), "raw": ("In the file", "في الملف"),
    "after": ("Harmonised", "بعد التوحيد"), "n": ("Rows", "السجلات"), "status": ("Status", "الحال"),
    "reason": ("Why", "السبب"), "what": ("What", "الملاحظة"), "answered": ("Answered", "المجيبون"),
    "has": ("has", "متوفر"), "partly": ("in some waves", "في بعض الجولات"), "lacks": ("lacks", "غير متوفر"),
}  # fmt: skip
_STYLE = f"""
.masar-harmony{{font-family:"Masar Sans",system-ui,sans-serif;color:{theme.INK};line-height:1.6;max-width:70em;margin-inline:auto;text-align:start}}
.masar-harmony table{{border-collapse:collapse;width:100%;font-size:.92em;margin-block:.3em 1.2em}}
.masar-harmony th,.masar-harmony td{{text-align:start;vertical-align:top;padding:.25em .6em;border-block-end:1px solid {theme.FAINT};overflow-wrap:anywhere}}
.masar-harmony thead th{{border-block-end:1.5px solid {theme.INK};font-weight:600}}
.masar-harmony td.n{{font-variant-numeric:tabular-nums;white-space:nowrap}}
.masar-harmony code{{font-family:ui-monospace,Consolas,monospace;color:{theme.TEAL};font-size:.95em}}
.masar-harmony .gone{{color:{theme.MUTED}}}
.masar-harmony h2{{font-size:1.15em;margin-block:1.4em .2em}} .masar-harmony h3{{font-size:1em;margin-block:1em 0}}
"""


def page(report: Harmonisation, lang: str) -> str:
    """A whole page; the same report gives the same bytes."""
    body = fragment(report, lang, styled=False)
    title = f"{escape(report.title[known_language(lang)])} – {_say('title', lang)}"
    direction = "rtl" if lang == "ar" else "ltr"
    faces = fonts.css_font_faces([body, title], "ar" if lang == "ar" else "en")
    return (
        f'<!doctype html>\n<html lang="{lang}" dir="{direction}"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width"><title>{title}</title>'
        f"<style>{faces}{_STYLE}</style></head><body>{body}</body></html>\n"
    )


def fragment(report: Harmonisation, lang: str, styled: bool = True) -> str:
    """One ``<div>``, for a notebook or a page."""
    known_language(lang)
    rows = "، " if lang == "ar" else ", "
    counts = rows.join(f"{_bdi(wave)}: {_bdi(f'{n:,}')}" for wave, n in report.rows.items())
    parts = [
        f"<h1>{escape(report.title[lang])}</h1>",
        f"<p>{_say('title', lang)}. {_say('rows', lang)}: {counts}</p>",
        _remarks(report, lang),
        _coverage("frame", report.frame, lang),
        _coverage("indicators", report.indicators, lang) if report.indicators is not None else "",
        _breaks(report, lang),
        f"<h2>{_say('codes', lang)}</h2>",
        *(_variable(report, name, lang) for name in report.labels),
    ]
    style = f"<style>{_STYLE}</style>" if styled else ""
    direction = "rtl" if lang == "ar" else "ltr"
    return f'{style}<div class="masar-harmony" lang="{lang}" dir="{direction}">{"".join(parts)}</div>'


def codes_table(codes: pd.DataFrame, lang: str | None) -> str:
    """Raw codes, labels and counts beside what they became; both languages where `lang` is None."""
    if lang is None:
        return "".join(
            f'<style>{_STYLE}</style><div class="masar-harmony" lang="{one}" dir="{"rtl" if one == "ar" else "ltr"}">{codes_table(codes, one)}</div>'
            for one in ("en", "ar")
        )
    if lang not in ("en", "ar"):
        raise ParameterError(f"The language {lang!r} is not known.", remedy='Use "en" or "ar".')
    other = "en" if lang == "ar" else "ar"
    rows = []
    for line in codes.to_dict("records"):
        before = _bare(line["raw"], line[f"raw_{lang}"] or line[f"raw_{other}"])
        code = line["code"]
        shown = "" if code is None or code != code or code == "(value)" else f"<code>{_bdi(code_text(code))}</code> "
        label = line[f"label_{lang}"] or line[f"label_{other}"]
        kind = KIND_WORDS[line["meaning"]][lang] if line["meaning"] and code == code and code is not None else ""
        tail = f" <span class='gone'>({escape(kind)})</span>" if kind and kind.casefold() != label.casefold() else ""
        blank = line["raw"] == before or not line["raw"]
        raw = "" if blank and before.startswith("(") else f"<code>{_bdi(line['raw'])}</code> "
        rows.append((
            _bdi(line["wave"]), f"<code>{_bdi(line['source'])}</code>", f"{raw}{_text(before) if before != line['raw'] or not raw else ''}",
            f"{shown}{_text(label)}{tail}", _bdi(f"{line['n']:,}"),
        ))  # fmt: skip
    return _table(("wave", "source", "raw", "after", "n"), rows, lang)


def _variable(report: Harmonisation, name: str, lang: str) -> str:
    mine = report.codes[report.codes["variable"] == name]
    return f"<h3>{_text(report.labels[name][lang])} <code>{_bdi(name)}</code></h3>{codes_table(mine, lang)}"


def _remarks(report: Harmonisation, lang: str) -> str:
    def told(remarks: Iterable) -> str:
        rows = [
            (f"<code>{_bdi(r.variable)}</code>", _bdi(r.wave), escape(r.words[lang]), _text(r.detail[lang]), _bdi(f"{r.n:,}") if r.n else "")
            for r in remarks
        ]
        return _table(("variable", "wave", "what", "reason", "n"), rows, lang)

    errors, others = report.errors, [r for r in report.remarks if not r.is_error]
    out = f"<h2>{_say('errors', lang)}</h2>{told(errors)}" if errors else f"<p>{_say('no_errors', lang)}</p>"
    return out + (f"<h2>{_say('remarks', lang)}</h2>{told(others)}" if others else "")


def _coverage(name: str, table: pd.DataFrame, lang: str) -> str:
    counted = ("answered",) if "answered" in table else ()
    rows = [
        (_text(line[f"label_{lang}"]), f"<code>{_bdi(line['name'])}</code>", _say(line["status"], lang),
         *(_bdi(f"{line[each]:,}") if line[each] else "" for each in counted), _text(line[f"reason_{lang}"]))
        for line in table.to_dict("records")
    ]  # fmt: skip
    return f"<h2>{_say(name, lang)}</h2>{_table(('label', 'variable', 'status', *counted, 'reason'), rows, lang)}"


def _breaks(report: Harmonisation, lang: str) -> str:
    rows = [
        (f"<code>{_bdi(line['variable'])}</code>", _bdi(line["wave"]), _text(line[f"reason_{lang}"]))
        for line in report.breaks.to_dict("records")
    ]
    return f"<h2>{_say('breaks', lang)}</h2>{_table(('variable', 'wave', 'reason'), rows, lang)}" if rows else ""


def _table(heads: Iterable[str], rows: Iterable[tuple[str, ...]], lang: str) -> str:
    head = "".join(f'<th scope="col">{_say(each, lang)}</th>' for each in heads)
    cell: Callable[[str], str] = "<td>{}</td>".format
    body = "".join(f"<tr>{''.join(map(cell, row))}</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _bare(code: str, label: str) -> str:
    """A label without the code it begins with (``"-9. Refused"``), which stands beside it."""
    rest = label.removeprefix(code).lstrip(".:-) ") if code and label.startswith(code) else ""
    return rest or label


def _say(word: str, lang: str) -> str:
    return _WORDS[word][lang == "ar"]


def _bdi(value: object) -> str:
    return f'<bdi dir="ltr">{escape(str(value))}</bdi>'


def _text(text: str) -> str:
    return f'<bdi dir="auto">{escape(text)}</bdi>' if text else ""
