"""The ledger: every value of a brief has an address, and the places where it stands.

Two files are written from one ledger. The public one holds displayed values only, and for a
suppressed cell the reason only; the office's holds estimate, interval and n at full
precision under the same addresses.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from masar_research.briefs.document import Lang
from masar_research.errors import BriefError
from masar_research.release import words as release_words

VERSION = 1
LANGS: tuple[Lang, ...] = ("en", "ar")
KEYS: Mapping[str, tuple[Mapping[str, type], Mapping[str, type]]] = {
    "masar-ledger": (
        {
            "brief": str, "parameters": dict, "study_title": dict, "synthetic": bool, "sources": list,
            "code": dict, "made": str, "sentences": dict, "entries": list,
        },
        {"address": str, "key": str, "kind": str, "displayed": dict},
    ),
    "masar-office-ledger": ({"entries": list}, {"address": str, "key": str}),
}  # fmt: skip
"""Format → what its head and each of its entries must hold."""


@dataclass(slots=True)
class Entry:
    """One value of the brief.

    Attributes
    ----------
    address : str
        ``L012``; the same in both languages and all formats.
    key : str
        What it is (`refs.identity`).
    kind : str
        cell, fact, parameter, survey, label, question, date, version.
    public : dict
        Estimator, variable, domain, base, design, decision: what outsiders may see.
    office : dict
        Full precision; empty for what has none.
    displayed : dict
        Language → way of showing → text.
    places : dict
        Language → where it stands.
    """

    address: str
    key: str
    kind: str
    public: dict[str, Any]
    office: dict[str, Any]
    displayed: dict[str, dict[str, str]] = field(default_factory=dict)
    places: dict[str, list[str]] = field(default_factory=dict)


class Ledger:
    """Addresses given in the order values are first shown.

    Parameters
    ----------
    head : mapping
        Brief, parameters, study, sources with checksums, code version, date.
    """

    def __init__(self, head: Mapping[str, Any]) -> None:
        self.head = dict(head)
        self._entries: dict[str, Entry] = {}
        self.sentences: dict[str, list[dict[str, str]]] = {lang: [] for lang in LANGS}

    def __iter__(self) -> Iterable[Entry]:
        return iter(self._entries.values())

    def __len__(self) -> int:
        return len(self._entries)

    def enter(
        self, key: str, kind: str, public: Mapping[str, Any], office: Mapping[str, Any] | None = None
    ) -> Entry:
        """The entry of a value, made when it is first asked for."""
        if key not in self._entries:
            address = f"L{len(self._entries) + 1:03d}"
            self._entries[key] = Entry(address, key, kind, dict(public), dict(office or {}))
        return self._entries[key]

    def show(self, entry: Entry, lang: Lang, way: str, text: str, place: str) -> None:
        """Record that a value is shown as `text` at `place`."""
        shown = entry.displayed.setdefault(lang, {})
        if shown.setdefault(way, text) != text:
            raise BriefError(
                f"{entry.key} is shown as {way} both as {shown[way]!r} and as {text!r}.",
                remedy="Report this: one way of showing must give one text.",
            )
        places = entry.places.setdefault(lang, [])
        if place not in places:
            places.append(place)

    def say(self, lang: Lang, place: str, text: str) -> None:
        """Record a line as it is printed, for comparing words after a rerun."""
        self.sentences[lang].append({"place": place, "text": text})

    def public(self) -> dict[str, Any]:
        """What is published beside the brief."""
        return {
            "format": "masar-ledger",
            "version": VERSION,
            **self.head,
            "sentences": self.sentences,
            "entries": [
                {
                    "address": entry.address,
                    "key": entry.key,
                    "kind": entry.kind,
                    **entry.public,
                    "displayed": entry.displayed,
                    "places": entry.places,
                }
                for entry in self._entries.values()
            ],
        }

    def office(self) -> dict[str, Any]:
        """Full precision, for the office only."""
        return {
            "format": "masar-office-ledger",
            "version": VERSION,
            **self.head,
            "entries": [
                {"address": entry.address, "key": entry.key, **entry.office}
                for entry in self._entries.values()
                if entry.office
            ],
        }

    def tokens(self, lang: Lang) -> list[str]:
        """Every displayed text of a language."""
        return [
            text for entry in self._entries.values() for text in entry.displayed.get(lang, {}).values()
        ]


def write(data: Mapping[str, Any], path: Path) -> None:
    """Write JSON, whole or not at all; NaN is refused."""
    draft = path.with_name(path.name + ".part")
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(data, ensure_ascii=False, indent=1, allow_nan=False)
    draft.write_text(text + "\n", encoding="utf-8")
    os.replace(draft, path)


def read(path: Path) -> dict[str, Any]:
    """A ledger file.

    Raises
    ------
    BriefError
        It is not there, or not a ledger of this version.
    """
    where = f"{path.parent.name}/{path.name}"
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        known = data["format"] in KEYS and data["version"] == VERSION
    except (FileNotFoundError, NotADirectoryError):
        raise BriefError(
            f"There is no ledger {where}.",
            remedy="Give the folder of a built report, e.g. reports/women_empowerment-masar_demo-2026; "
            "if its ledger was deleted, build the brief again.",
            ar=f"لا يوجد سجل أرقام {path.name} في {path.parent.name}. إن كان قد حُذف فأعدّ الموجز من جديد.",
        ) from None
    except (ValueError, KeyError, TypeError) as error:
        raise _no_ledger(where, str(error)) from error
    if not known:
        raise BriefError(
            f"{where} is a ledger of format {data.get('format')!r}, version {data.get('version')!r}.",
            remedy=f"This code reads version {VERSION}; use the code version named in the ledger.",
            ar=f"صيغة السجل {where} لا تقرؤها هذه النسخة؛ استعمل نسخة البرنامج المذكورة في السجل.",
        )
    head, entry = KEYS[data["format"]]
    absent = [name for name, kind in head.items() if not isinstance(data.get(name), kind)]
    if absent:
        raise _no_ledger(where, f"{', '.join(absent)} not as written")
    for number, one in enumerate(data["entries"], start=1):
        wrong = [n for n, kind in entry.items() if not isinstance(one, dict) or not isinstance(one.get(n), kind)]
        if wrong:
            raise _no_ledger(where, f"entry {number} has no {', '.join(wrong)}")
    return data


def _no_ledger(where: str, why: str) -> BriefError:
    return BriefError(
        f"{where} is not the ledger of a report: {why}.",
        remedy="It was changed or cut off after the report was built; build the brief again.",
        ar=f"الملف {where} ليس سجل أرقام كما كُتب؛ تغيّر أو بُتر بعد إعداد التقرير. أعدّ الموجز من جديد.",
    )


def decision(status: str, reason: str, note: str) -> dict[str, Any]:
    """A release decision with its words in both languages."""
    code = reason or note
    return {
        "status": status,
        "reason": reason,
        "note": note,
        "words": {lang: release_words(code, lang) for lang in LANGS} if code else {},
    }
