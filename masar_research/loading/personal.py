"""Columns that identify people, households or devices: found by type, name and wording, set aside."""

from __future__ import annotations

import re

import pandas as pd

from masar_research.loading.raw import Note
from masar_research.loading.xlsform import Question

PERSONAL_KINDS = frozenset(
    (
        "geopoint",
        "geotrace",
        "geoshape",
        "image",
        "audio",
        "video",
        "file",
        "barcode",
        "deviceid",
        "phonenumber",
        "simserial",
        "subscriberid",
        "username",
        "email",
        "background-audio",
        "background-geopoint",
        "start-geopoint",
        "audit",
    )
)
_OPEN_KINDS = frozenset(("text", "calculate", "hidden", "integer", "decimal", "acknowledge"))
_PERSONAL_NAME = re.compile(
    r"(?:^|_)(?:(?:full|first|last|family|middle|resp(?:ondent)?|head|hoh|father|mother|enumerator|interviewer)_?name|name"
    r"|(?:tele)?phone|mobile|cell|tel|whatsapp|e_?mail|national_?(?:id|no|num(?:ber)?)|passport|address|gps|latitude|longitude"
    r"|lat|lon|lng|device_?id|imei|simserial|sim_?serial|subscriber_?id|phonenumber|username)"
    r"(?:_?(?:no|nb|num|number|id|\d+))?$",
    re.IGNORECASE,
)
_PERSONAL_NUMBER = re.compile(
    r"(?:^|_)(?:(?:tele)?phone|mobile|whatsapp|national_?(?:id|no|num(?:ber)?)|nid)(?:_?(?:no|num|number))?$",
    re.IGNORECASE,
)
_PERSONAL_LABEL = re.compile(
    r"phone number|mobile number|full name|your name|name of (?:the )?respondent|national (?:id|number)"
    r"|رقم (?:ال)?هاتف|رقم (?:ال)?موبايل|الرقم الوطني|(?:ال)?اسم (?:الكامل|الثلاثي|الرباعي|المستجيب)|ما اسمك",
    re.IGNORECASE,
)
_SYSTEM_PERSONAL = re.compile(
    r"^_?(?:submitted_by|geolocation|attachments|notes|gps)$|_(?:latitude|longitude|altitude|precision)$"
    r"|[._/](?:latitude|longitude|altitude|accuracy)$|^(?:deviceid|device_id|subscriberid|simserial|phonenumber|username|email|imei)$",
    re.IGNORECASE,
)


def is_personal(question: Question) -> bool:
    """Whether an answer identifies a person, a household or a device, by type, name and wording."""
    if question.kind in PERSONAL_KINDS:
        return True
    if question.kind not in _OPEN_KINDS:
        return False
    if question.kind in ("integer", "decimal"):
        return bool(_PERSONAL_NUMBER.search(question.name))
    return bool(
        _PERSONAL_NAME.search(question.name)
        or any(_PERSONAL_LABEL.search(words) for words in question.label.values())
    )


def names_a_person(column: str) -> bool:
    """Whether a column's name alone says that it identifies somebody."""
    last = re.split(r"[/.]", column)[-1]
    return bool(_SYSTEM_PERSONAL.search(column) or _PERSONAL_NAME.search(last))


def looks_like_export(frame: pd.DataFrame) -> bool:
    """Whether a table is a KoBo or ODK export, by the columns only they write."""
    names = {str(name).casefold() for name in frame.columns}
    return bool(
        names
        & {
            "_uuid",
            "_submission_time",
            "meta/instanceid",
            "meta.instanceid",
            "meta-instanceid",
            "instanceid",
            "x_uuid",
        }
    )


def without_personal(frame: pd.DataFrame) -> tuple[pd.DataFrame, list[Note]]:
    """An export read without its form, minus the columns whose names say that they are personal."""

    aside = [str(name) for name in frame.columns if names_a_person(str(name))]
    notes = [
        Note(
            "no_form",
            "This looks like a KoBo or ODK export; read it with form= for labels, codes and conditions.",
            "يبدو هذا تصديراً من KoBo أو ODK؛ اقرأه مع form= لتحصل على الأوصاف والرموز والشروط.",
        )
    ]
    if aside:
        notes.append(aside_note(aside))
    return frame.drop(columns=aside), notes


def aside_note(aside: list[str]) -> Note:
    shown = ", ".join(aside)
    return Note(
        "set_aside",
        f"Personal columns set aside, not loaded: {shown}.",
        f"أعمدة شخصية نُحّيت جانباً ولم تُحمّل: {shown}.",
        tuple(aside),
    )
