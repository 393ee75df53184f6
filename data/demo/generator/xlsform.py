"""The questionnaire as an XLSForm in English and Arabic."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path

from openpyxl import Workbook

from .conditions import xlsform
from .questionnaire import GROUPS, ITEMS, LISTS, SILENT_LABELS, Item

EN, AR = "label::English (en)", "label::Arabic (ar)"
HINT_EN, HINT_AR = "hint::English (en)", "hint::Arabic (ar)"
SAY_EN, SAY_AR = "constraint_message::English (en)", "constraint_message::Arabic (ar)"
COLUMNS = ("type", "name", EN, AR, HINT_EN, HINT_AR, "required", "relevant", "constraint", SAY_EN, SAY_AR, "read_only")
META = {"interview_date": "today", "interview_start": "start", "interview_end": "end"}
COMPUTED_LATER = ("duration", "wealth_score", "wealth5")
PREFILLED = ("form_no", "wave", "governorate", "urban", "stratum", "psu", "household_no", "listed", "household_adults", "base_weight", "interviewer",
             "interviewer_sex")
GROUP_ASKED = {"cover": "", "roster": "${status} != 3 and ${status} != 5"}
INTERVIEW = "${status} = 1 or ${status} = 2"
_NONE = 0


def form_items(wave: int) -> list[Item]:
    """Questions that stand in the form of a wave."""
    return [item for item in ITEMS if item.name not in COMPUTED_LATER and wave in item.waves]


def list_name(item: Item) -> str:
    """The answer list with the item's own don't-know and refusal codes."""
    letters = "".join(kind[0] for _, kind in item.silent)
    return item.answers + (f"_{letters}" if letters else "")


def _type(item: Item) -> str:
    if item.name in META:
        return META[item.name]
    if item.numeric:
        return item.answers
    return f"{'select_multiple' if item.several else 'select_one'} {list_name(item)}"


def _row(item: Item) -> dict[str, str]:
    row = {"type": _type(item), "name": item.name, EN: item.ask_en or item.en, AR: item.ask_ar or item.ar}
    if item.name in META:
        return row | {EN: "", AR: ""}
    row[HINT_EN], row[HINT_AR] = item.en, item.ar
    row["required"] = "yes"
    if item.name in PREFILLED:
        row |= {"read_only": "yes", HINT_EN: "From the sample file", HINT_AR: "من ملف العينة"}
    if item.asked_if:
        row["relevant"] = xlsform(item.asked_if)
    if item.limits:
        low, high = item.limits
        allowed = "".join(f" or . = {code:g}" for code, _ in item.silent)
        row["constraint"] = f"(. >= {low:g} and . <= {high:g}){allowed}"
        row[SAY_EN], row[SAY_AR] = f"Between {low:g} and {high:g}", f"بين {low:g} و{high:g}"
        if item.silent:
            row[HINT_EN] += "; " + ", ".join(f"{code:g} = {SILENT_LABELS[kind][0]}" for code, kind in item.silent)
            row[HINT_AR] += "؛ " + "، ".join(f"{code:g} = {SILENT_LABELS[kind][1]}" for code, kind in item.silent)
    if item.several and any(code == _NONE for code, _, _ in LISTS[item.answers]):
        row["constraint"] = f"not(selected(., '{_NONE}')) or count-selected(.) = 1"
        row[SAY_EN], row[SAY_AR] = "“None” excludes every other answer", "«لا شيء» تستبعد أي إجابة أخرى"
    return row


def survey_rows(wave: int) -> list[dict[str, str]]:
    """Rows of the survey sheet."""
    items = form_items(wave)
    rows = [_row(item) for item in items if item.name in META]
    for group, members in groupby([item for item in items if item.name not in META], key=lambda item: item.group):
        en, ar = GROUPS[group]
        rows.append({"type": "begin_group", "name": f"g_{group}", EN: en, AR: ar, "relevant": GROUP_ASKED.get(group, INTERVIEW)})
        if group == "cover":
            rows.append({"type": "note", "name": "synthetic_note", EN: "SYNTHETIC demonstration form and data: no real person, household or place.",
                         AR: "استمارة وبيانات مصطنعة لأغراض العرض: لا تتعلق بأي شخص أو أسرة أو مكان حقيقي."})
        if group == "roster":
            rows.append({"type": "geopoint", "name": "location", EN: "Position of the dwelling (left empty in the demonstration)",
                         AR: "موقع المسكن (تُرك فارغاً في ملف العرض)"})
        rows += [_row(item) for item in members]
        rows.append({"type": "end_group", "name": f"g_{group}"})
    return rows


def choice_rows(wave: int) -> list[tuple[str, int, str, str]]:
    """Rows of the choices sheet: list, code, English, Arabic."""
    rows, seen = [], set()
    for item in form_items(wave):
        if item.numeric or item.name in META or list_name(item) in seen:
            continue
        name = list_name(item)
        seen.add(name)
        rows += [(name, code, en, ar) for code, en, ar in LISTS[item.answers]]
        rows += [(name, int(code), *SILENT_LABELS[kind]) for code, kind in item.silent]
    return rows


def write_xlsform(path: Path, wave: int) -> None:
    """Write survey, choices and settings."""
    book = Workbook()
    sheet = book.active
    sheet.title = "survey"
    sheet.append(list(COLUMNS))
    for row in survey_rows(wave):
        sheet.append([row.get(column, "") or None for column in COLUMNS])
    choices = book.create_sheet("choices")
    choices.append(["list_name", "name", EN, AR])
    for row in choice_rows(wave):
        choices.append(list(row))
    settings = book.create_sheet("settings")
    settings.append(["form_title", "form_id", "version", "default_language"])
    settings.append([f"Masar demonstration survey {wave} (SYNTHETIC) – مسح مسار التجريبي (بيانات مصطنعة)", "masar_demo", f"{wave}", "Arabic (ar)"])
    book.save(path)


