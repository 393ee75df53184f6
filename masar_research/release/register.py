"""What earlier releases have made known, so that a new one does not expose what they hid."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

import pandas as pd

from masar_research.errors import ReleaseError
from masar_research.release.linked import Table

DISCLOSURE = ("disclosure", "sensitive", "earlier", "complementary")


@dataclass(frozen=True, slots=True)
class Register:
    """The office's register of released figures.

    Keys are those of ``same_as``: they name a population quantity with its survey and wave, so
    figures of different waves never meet. It holds no values.

    Attributes
    ----------
    shown : frozenset of str
        Figures that have been published.
    hidden : mapping of str to str
        Figures withheld for disclosure, with the reason.
    tables : tuple of Table
        The groups that link them, in keys.
    counted : frozenset of (str, str)
        Marks of what figures count, with their keys: figures of one mark are one.
    """

    shown: frozenset[str] = frozenset()
    hidden: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    tables: tuple[Table, ...] = ()
    counted: frozenset[tuple[str, str]] = frozenset()

    def renamed(self, keys: Mapping[str, str]) -> Register:
        """The same register in other keys; unknown ones stay."""
        tables = []
        for table in self.tables:
            named = [keys.get(key, key) for key in (*table.parts, table.total) if key is not None]
            if len(set(named)) == len(named):
                tables.append(table.renamed(keys))
        hidden: dict[str, str] = {}
        for key, reason in self.hidden.items():
            name = keys.get(key, key)
            if hidden.get(name, "complementary") == "complementary":
                hidden[name] = reason
        return Register(
            frozenset(keys.get(key, key) for key in self.shown), MappingProxyType(hidden),
            tuple(dict.fromkeys(tables)),
            frozenset((mark, keys.get(key, key)) for mark, key in self.counted),
        )  # fmt: skip

    def after(self, decisions: pd.DataFrame, tables: Iterable[Table] = ()) -> Register:
        """The register once `decisions` (from `decide`, made with `tables`) are published."""
        keys = dict(zip(decisions["address"], decisions["same_as"], strict=True))
        out = decisions["status"] != "suppress"
        shown = self.shown | set(decisions.loc[out, "same_as"])
        withheld = decisions[decisions["reason"].isin(DISCLOSURE)]
        hidden = {**self.hidden, **dict(zip(withheld["same_as"], withheld["reason"], strict=True))}
        groups = [*self.tables, *(t.renamed(keys) for t in tables)]
        marks = decisions["counted"] if "counted" in decisions.columns else [""] * len(decisions)
        counted = {(mark, key) for mark, key in zip(marks, decisions["same_as"], strict=True) if mark}
        return Register(
            frozenset(shown), MappingProxyType(hidden), tuple(dict.fromkeys(groups)),
            self.counted | counted,
        )  # fmt: skip

    def write(self, path: Path | str) -> None:
        """Write as JSON, whole or not at all."""
        path = Path(path)
        record = {
            "version": 1,
            "shown": sorted(self.shown),
            "hidden": dict(sorted(self.hidden.items())),
            "tables": [[table.total, list(table.parts)] for table in self.tables],
            "counted": sorted([mark, key] for mark, key in self.counted),
        }
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(path.name + ".part")
        draft.write_text(json.dumps(record, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
        os.replace(draft, path)

    @classmethod
    def read(cls, path: Path | str) -> Register:
        """Read what `write` wrote; a file that does not exist is an empty register."""
        path = Path(path)
        if not path.exists():
            return cls()
        try:
            record = json.loads(path.read_text(encoding="utf-8"))
            tables = tuple(Table(total, tuple(parts)) for total, parts in record["tables"])
            hidden = MappingProxyType(dict(record["hidden"]))
            counted = frozenset((mark, key) for mark, key in record.get("counted", ()))
            return cls(frozenset(record["shown"]), hidden, tables, counted)
        except (ValueError, KeyError, TypeError) as error:
            raise ReleaseError(
                f"The register of earlier releases {path.name} cannot be read: {error}.",
                remedy="Restore it from the office's copy; without it earlier releases would "
                "not be protected.",
                ar="تعذّرت قراءة سجل الإصدارات السابقة.",
            ) from error

