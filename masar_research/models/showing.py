"""How a fitted model shows itself in a notebook."""

from __future__ import annotations

import html
from collections.abc import Mapping
from typing import Any

import pandas as pd

from masar_research.codebook import Codebook
from masar_research.models.coefficients import DUMMY
from masar_research.present import numbers, tables, theme

#: Columns that hold exp(coefficient), with their heads.
_RATIOS = {
    "odds_ratio": ("Odds ratio", "نسبة الأرجحية"),
    "hazard_ratio": ("Hazard ratio", "نسبة الخطر"),
    "rate_ratio": ("Rate ratio", "نسبة المعدلات"),
    "mean_ratio": ("Ratio of means", "نسبة المتوسطات"),
    "risk_ratio": ("Risk ratio", "نسبة الاحتمالات"),
    "relative_risk": ("Relative risk ratio", "نسبة الخطر النسبي"),
}
_CELL = "padding-block:.25em;padding-inline:.4em .9em"
_PINNED = f"position:sticky;inset-inline-start:0;background:{theme.PAPER};min-width:min(16em,40vw);text-align:left"
_FACTS = f"margin:.1em 0;font-size:.88em;color:{theme.MUTED};overflow-wrap:anywhere"


def both(frame: pd.DataFrame, note: Mapping[str, Any], codebook: Codebook) -> str:
    """HTML table of coefficients with terms in both languages, and the facts of the fit.

    A narrow screen scrolls the table sideways, not the facts above it; the first column stays.
    """
    odds = _ratio(frame)
    heads = [("Term", "المتغير"), ("Estimate", "التقدير"), ("Standard error", "الخطأ المعياري"),
             ("Interval", "فترة الثقة"), ("p", "القيمة الاحتمالية")]
    if odds:
        heads.insert(4, _RATIOS[odds])
    head = "".join(
        f"<th scope='col' style='{_CELL};{_PINNED if k == 0 else 'text-align:right'};vertical-align:bottom;"
        f"border-bottom:1.5px solid {theme.INK}'>{en}<br><span dir='rtl' lang='ar'>{ar}</span></th>"
        for k, (en, ar) in enumerate(heads)
    )
    body = "".join(_row(row, odds) for row in with_references(frame, note, codebook).to_dict("records"))
    outcome = note["outcome"]
    words = codebook[outcome].label if outcome in codebook else {}
    title = " · ".join(f"<bdi>{html.escape(text)}</bdi>" for text in words.values()) or html.escape(
        outcome)
    lost = ", ".join(f"{name} {count:,}" for name, count in note["missing_by_variable"].items())
    lost = f"{note['missing']:,}" + (f" ({lost})" if lost else "")
    facts = (
        f"<code>{html.escape(note['formula'])}</code> · {note['rows']:,} rows · "
        f"{note['df']} df · missing: {html.escape(lost)}"
    )
    references = "; ".join(f"{name} = {code}" for name, code in note["references"].items())
    if references:
        facts += f" · reference: {html.escape(references)}"
    if note["base"]:
        facts += f" · base: {html.escape(note['base'])}"
    dropped = note.get("dropped")
    if dropped:
        facts += f" · dropped as collinear: {html.escape('; '.join(dropped.values()))}"
    told = f"<p style='{_FACTS}'>{facts}</p><p style='{_FACTS}' dir='rtl'>{_arabic(note)}</p>"
    caution = note.get("caution")
    if isinstance(caution, Mapping):
        told += "".join(f"<p style='{_FACTS}' dir='{direction}' lang='{lang}'>{html.escape(caution[lang])}</p>"
                        for lang, direction in (("en", "ltr"), ("ar", "rtl")) if lang in caution)
    return (f"<div style='font-family:{tables.FACE};color:{theme.INK};line-height:1.5;max-width:60em;"
            f"margin-block:.4em 1em'><p style='margin:0;font-weight:600'>{title}</p>{told}"
            f"<div style='overflow-x:auto'><table class='masar-model' style='border-collapse:collapse;font-size:.92em;"
            f"margin:.3em 0'><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div></div>")


def plain(frame: pd.DataFrame, note: Mapping[str, Any], codebook: Codebook) -> str:
    """Text table of coefficients for a terminal, in English, and the facts of the fit."""
    odds = _ratio(frame)
    heads = ["Estimate", "Standard error", "Interval", *([_RATIOS[odds][0]] if odds else []), "p"]
    rows = [[str(row["label_en"] or row["term"]), *_figures(row, odds)]
            for row in with_references(frame, note, codebook).to_dict("records")]
    facts = f"{note['formula']} · {note['rows']:,} rows · {note['df']} df · missing: {note['missing']:,}"
    if note["base"]:
        facts += f" · base: {note['base']}"
    columns = [tables.Column("Term"), *(tables.Column(head, numeric=True) for head in heads)]
    return tables.plain_text(rows, columns, notes=(facts,))


def _arabic(note: Mapping[str, Any]) -> str:
    """The facts of the fit in Arabic, every figure and name kept from left to right."""
    def apart(text: str) -> str:
        return f"<bdi dir='ltr'>{html.escape(text)}</bdi>"

    said = [f"السجلات: {apart(format(note['rows'], ','))}", f"درجات الحرية: {apart(str(note['df']))}",
            f"المفقود: {apart(format(note['missing'], ','))}"]
    references = "; ".join(f"{name} = {code}" for name, code in note["references"].items())
    if references:
        said.append(f"الفئات المرجعية: {apart(references)}")
    if note["base"]:
        said.append(f"الأساس: {apart(note['base'])}")
    if note.get("dropped"):
        said.append(f"أعمدة مكررة خطياً أُسقطت: {apart(', '.join(note['dropped']))}")
    return f"<span dir='rtl' lang='ar'>{' · '.join(said)}</span>"


def with_references(frame: pd.DataFrame, note: Mapping[str, Any], codebook: Codebook) -> pd.DataFrame:
    """The table of coefficients with a row for the reference of each categorical predictor.

    Parameters
    ----------
    frame : pandas.DataFrame
        With ``term, label_en, label_ar`` and figures.
    note : mapping
        ``references`` holds variable → code.
    codebook : Codebook

    Returns
    -------
    pandas.DataFrame
        Before the first level of a variable, its reference: figures missing, a ratio of 1, ``term``
        ``"C(sex)[1.0]"`` and a column ``reference`` that is True there.
    """
    rows: list[dict[str, Any]] = []
    previous = None
    ratio = _ratio(frame)
    levels = {row.group(1): set() for row in map(DUMMY.match, frame["term"]) if row}
    for match in map(DUMMY.match, frame["term"]):
        if match:
            levels[match.group(1)].add(match.group(2))
    for row in frame.to_dict("records"):
        match = DUMMY.match(row["term"])
        name = match.group(1) if match else None
        code = note["references"].get(name)
        if match and name != previous and name in note["references"] and str(code) not in levels[name]:
            head = row["term"][: row["term"].index("[")]
            blank = {column: float("nan") for column in frame.columns}
            kept = {column: row[column] for column in ("part", "outcome") if column in row}
            rows.append(blank | kept | {
                "term": f"{head}[{code}]", "reference": True, **_reference_words(codebook, name, code),
                **({ratio: 1.0} if ratio else {}),
            })  # fmt: skip
        rows.append(row | {"reference": False})
        previous = name
    return pd.DataFrame(rows, columns=[*frame.columns, "reference"])


def _reference_words(codebook: Codebook, name: str, code: Any) -> dict[str, str]:
    out = {}
    for lang, tail in (("en", "reference"), ("ar", "المرجع")):
        words = codebook[name].label.get(lang) if name in codebook else (name if lang == "en" else None)
        label = next((c.label.get(lang) for c in codebook[name].categories if c.code == code), None) if name in codebook else None
        out[f"label_{lang}"] = "" if words is None else f"{words}: {code if label is None else label} ({tail})"
    return out


def _ratio(frame: pd.DataFrame) -> str | None:
    """The column of exponentiated coefficients, if the model has one."""
    return next((name for name in _RATIOS if name in frame.columns), None)


def _figures(row: Mapping[str, Any], odds: str | None) -> list[str]:
    if row["reference"]:
        return ["0", "–", "–", *(["1.00"] if odds else []), "–"]
    cells = [f"{row['estimate']:.3f}", f"{row['std_error']:.3f}",
             f"{row['conf_low']:.3f} – {row['conf_high']:.3f}"]
    if odds:
        cells.append("–" if row[odds] != row[odds] else f"{row[odds]:.2f}")
    cells.append("< 0.001" if row["p_value"] < 0.001 else f"{row['p_value']:.3f}")
    return [cell.replace("-", numbers.MINUS) for cell in cells]


def _row(row: Mapping[str, Any], odds: str | None) -> str:
    labels = "".join(
        f"<div dir='{direction}' lang='{lang}' style='text-align:left'>{html.escape(row[f'label_{lang}'])}</div>"
        for lang, direction in (("en", "ltr"), ("ar", "rtl")) if row[f"label_{lang}"]
    )
    cells = _figures(row, odds)
    rule = f"border-bottom:1px solid {theme.FAINT}"
    quiet = f";color:{theme.MUTED}" if row["reference"] else ""
    return (f"<tr><th scope='row' style='{_CELL};{_PINNED};{rule};font-weight:400{quiet}' "
            f"title='{html.escape(row['term'], quote=True)}'>{labels}</th>"
            + "".join(f"<td style='{_CELL};text-align:right;white-space:nowrap;vertical-align:top;"
                      f"font-variant-numeric:tabular-nums;{rule}{quiet}'><bdi dir='ltr'>{html.escape(c)}</bdi></td>"
                      for c in cells) + "</tr>")
