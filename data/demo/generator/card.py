"""The survey card, written from the questionnaire so that card, form and files cannot disagree."""

from __future__ import annotations

import json

from .card_text import DERIVED, FRONT, LACKS, STATEMENT
from .card_derived import MORE
from .conditions import rename
from .facts import WAVES
from .fieldwork import FIELDWORK
from .questionnaire import ITEMS, LISTS, Item

RENAMED = {"sel_sex": "sex", "sel_age": "age", "q_nationality": "nationality", "q_education": "education", "q_marital": "marital",
           "q_attending": "attending"}
_NOT_IN_CARD = {"wave"}
_ORDINAL = {"education", "wealth5", "agree4", "agree5", "trust4", "extent4", "much5", "often5", "difficulty", "satisfied4",
            "ladder", "interest", "party", "future", "avoid4", "seen5", "accuracy4", "known3", "movement"}
_YES_NO = {0: ("No", "لا"), 1: ("Yes", "نعم")}


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)


def _both(en: str, ar: str) -> str:
    return f"{{en: {_text(en)}, ar: {_text(ar)}}}"


def _variable(name: str, fields: list[str]) -> list[str]:
    return [f"  {name}:", *[f"    {line}" for line in fields]]


def _item(item: Item, column: str, name: str) -> list[str]:
    en, ar = item.en, item.ar
    codes = {}
    if item.several:
        code = int(column.rsplit("_", 1)[1])
        option = next((e, a) for c, e, a in LISTS[item.answers] if c == code)
        en, ar = f"{en}: {option[0]}", f"{ar}: {option[1]}"
        codes = _YES_NO
    elif not item.numeric and item.answers not in ("date", "datetime"):
        codes = {code: (e, a) for code, e, a in LISTS[item.answers]}
    lines = [f"from: {column}", f"label: {_both(en, ar)}"]
    if item.ask_en:
        lines.append(f"question: {_both(item.ask_en, item.ask_ar)}")
    if item.answers in ("date", "datetime"):
        lines.append("level: date")
    elif item.answers in _ORDINAL and not item.several:
        lines.append("level: ordinal")
    if codes:
        lines.append("codes: {" + ", ".join(f"{c}: {_both(*words)}" for c, words in codes.items()) + "}")
    if item.silent:
        lines.append("missing: {" + ", ".join(f"{code:g}: {kind}" for code, kind in item.silent) + "}")
    if item.asked_if:
        lines.append(f"universe: {_text(rename(item.asked_if, RENAMED))}")
    absent = [wave for wave in WAVES if wave not in item.waves]
    if absent:
        lines.append("waves: {" + ", ".join(f"{wave}: {{not_asked: true}}" for wave in absent) + "}")
    return _variable(name, lines)


def card_yaml(checksums: dict[int, str]) -> str:
    """The text of ``data/surveys/masar_demo.yml``.

    Parameters
    ----------
    checksums : dict
        Wave → content checksum of its SPSS file, as :func:`masar_research.loading.read` gives it.
    """
    lines = [FRONT.rstrip(), "", "waves:"]
    for wave in WAVES:
        first, last = FIELDWORK[wave]
        lines += [f"  {wave}:", f"    file: ../demo/masar_demo_{wave}.sav"]
        if wave in checksums:
            lines.append(f"    checksum: {_text(checksums[wave])}")
        lines.append(f"    fieldwork: {{start: {first.isoformat()}, end: {last.isoformat()}}}")
        lines.append(f"    label: {_both(str(wave), str(wave))}")
    lines += ["", "variables:"]
    for item in ITEMS:
        for column in item.columns():
            if column not in _NOT_IN_CARD:
                lines += _item(item, column, RENAMED.get(column, column))
    lines += [DERIVED.strip("\n"), MORE.strip("\n"), "", STATEMENT.strip("\n"), "", LACKS.strip("\n"), ""]
    return "\n".join(lines)
