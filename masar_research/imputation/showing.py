"""The summary of an imputation, in both languages, on one page."""

from __future__ import annotations

import base64
import html
from typing import TYPE_CHECKING

import numpy as np

from masar_research.errors import MasarError
from masar_research.imputation.drawing import label

if TYPE_CHECKING:
    from masar_research.imputation.imputed import Imputed

_HEADS = {
    "variable": ("Variable", "المتغيّر"), "method": ("Method", "الطريقة"), "answered": ("Answered", "أُجيب عنه"),
    "refused": ("Refused", "رفض"), "dont_know": ("Don't know", "لا يعرف"), "missing": ("Missing", "مفقود"),
    "blank": ("Blank", "فراغ"), "not_applicable": ("Not applicable: left", "لا ينطبق: تُرك"),
    "not_asked": ("Not asked: left", "لم يُسأل: تُرك"), "imputed": ("Imputed (mean)", "المعوَّض (متوسط)"),
    "left": ("Unknown whether it applies: left", "لا يُعرف انطباقه: تُرك"), "r_hat": ("R̂ mean, sd", "R̂ للمتوسط والانحراف"),
}  # fmt: skip
_METHODS = {
    "norm": ("linear", "خطي"), "pmm": ("matching", "مطابقة"), "logit": ("logit", "لوجستي"),
    "ordered": ("ordered logit", "لوجستي ترتيبي"), "multinomial": ("multinomial", "متعدد الفئات"),
}
_FLAGS = {
    "separated": ("answers are told apart without error: the prior decides", "المفسّرات تفصل الإجابات تماماً: يحسم التوزيع القبلي"),
    "few_donors": ("few respondents to borrow from", "المجيبون الذين تُستعار إجاباتهم قليلون"),
    "few_answers": ("fewer answers than the model has columns", "الإجابات أقل من معاملات النموذج"),
}  # fmt: skip


def page(imputed: Imputed) -> str:
    """HTML of both languages; numbers of cells, never a person's record."""
    return ("<div class='masar-imputation' style='max-width:100%'>" + _one(imputed, "en") + _one(imputed, "ar") + "</div>")


def _one(imputed: Imputed, lang: str) -> str:
    ar = lang == "ar"
    facts, table = imputed.plan.facts, imputed.summary()
    title = f"{imputed.m} imputations after {facts['iterations']} rounds"
    if ar:
        title = f"عدد التعويضات: {imputed.m}، وعدد الجولات: {facts['iterations']}"
    head = "".join(f"<th style='text-align:start;padding:2px 6px'>{html.escape(words[ar])}</th>" for words in _HEADS.values())
    body = []
    for row in table.to_dict("records"):
        cells = [html.escape(label(imputed, row["variable"], lang)), _METHODS[row["method"]][ar]]
        cells += [f"{row[k]:,}" for k in ("answered", "refused", "dont_know", "missing", "blank", "not_applicable", "not_asked")]
        cells += [f"{row['imputed']:,.1f} ({row['imputed_share']:.1%})", f"{row['left']:,}",
                  ", ".join("–" if np.isnan(row[k]) else f"{row[k]:.2f}" for k in ("r_hat_mean", "r_hat_sd"))]
        body.append("<tr>" + "".join(f"<td style='padding:2px 6px'><bdi>{c}</bdi></td>" for c in cells) + "</tr>")
    lines = _lines(imputed, ar)
    items = "".join(f"<li>{line}</li>" for line in lines)
    return (f"<section dir='{'rtl' if ar else 'ltr'}' lang='{lang}' style='text-align:start'><b>{title}</b>"
            f"<div style='overflow-x:auto'><table><thead><tr>{head}</tr></thead><tbody>{''.join(body)}</tbody></table></div>"
            f"<ul>{items}</ul></section>")


def _lines(imputed: Imputed, ar: bool) -> list[str]:
    facts = imputed.plan.facts
    parts = {"strata": ("strata", "الطبقات"), "weight": ("weights", "الأوزان"), "psu": ("sampling units", "وحدات المعاينة")}
    held = [parts[k][ar] for k in parts if k in facts]
    lines = [("في كل نموذج من التصميم: " if ar else "Of the design, every model holds: ") + ("، " if ar else ", ").join(held or ["–"]) + "."]
    if facts["no_interview"]:
        n = f"<bdi>{facts['no_interview']:,}</bdi>"
        lines.append(f"سجلات بلا أي إجابة، لم تدخل: {n}." if ar else f"Rows without any answer, left out: {n}.")
    if facts["among"]:
        lines.append(("الشرط: " if ar else "Among: ") + f"<code dir='ltr'>{html.escape(facts['among'])}</code>")
    for name, told in imputed.flags.items():
        words = ("؛ " if ar else "; ").join(_FLAGS[each][ar] for each in told)
        lines.append(f"<bdi>{html.escape(label(imputed, name, 'ar' if ar else 'en'))}</bdi>: {words}.")
    if imputed.plan.recipes:
        names = ", ".join(imputed.plan.recipes)
        lines.append(("متغيرات أعيد اشتقاقها: " if ar else "Derived again: ") + f"<bdi>{html.escape(names)}</bdi>")
    if imputed.plan.stale:
        names = ", ".join(imputed.plan.stale)
        lines.append(("متغيرات لا يمكن إعادة اشتقاقها فحُذفت: " if ar else "Could not be derived again and were taken out: ")
                     + f"<bdi>{html.escape(names)}</bdi>")
    if imputed.departure:
        told = ", ".join(f"{k} {v}" for k, v in imputed.departure.items() if v)
        lines.append(("بإزاحة: " if ar else "Under a departure: ") + f"<bdi>{html.escape(told)}</bdi>")
    return lines


def report(imputed: Imputed) -> str:
    """The summary with its pictures, as a page of its own."""
    pictures = []
    for name in imputed.variables:
        for lang in ("en", "ar"):
            for draw in (imputed.plot, imputed.plot_trace):
                try:
                    art = draw(name, lang)
                except MasarError:
                    continue
                data = base64.b64encode(art.png).decode()
                words = html.escape(" · ".join(art.texts[:2]), quote=True)
                pictures.append(f"<img style='max-width:100%' alt='{words}' src='data:image/png;base64,{data}'>")
    return ("<!doctype html><html lang='en'><head><meta charset='utf-8'><meta name='viewport' "
            "content='width=device-width,initial-scale=1'><title>Imputation · التعويض</title>"
            "<style>body{font-family:sans-serif;margin:1rem}img{display:block;margin:1rem 0}</style></head><body>"
            + page(imputed) + "".join(pictures) + "</body></html>")
