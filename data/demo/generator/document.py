"""The tables of ``docs/demo_survey.md``: facts, strata, indicators, assumptions."""

from __future__ import annotations

import csv
from pathlib import Path

from .facts import ASSUMPTIONS, FACTS
from .geography import GOVERNORATES, strata
from .questionnaire import ITEMS

START, END = "<!-- {name}: written by data/demo/generate.py -->", "<!-- end of {name} -->"


_REFERENCE = Path(__file__).parents[2] / "reference" / "facts.csv"


def _facts() -> str:
    with _REFERENCE.open(encoding="utf-8-sig", newline="") as handle:
        table = {row["fact_id"]: row for row in csv.DictReader(handle)}
    rows = ["| fact | figure | place | period | value | source |", "| --- | --- | --- | --- | --- | --- |"]
    for key in sorted(FACTS):
        row = table[key]
        rows.append(f"| {key} | {row['indicator']} | {row['geography']} | {row['period']} | {row['value']} {row['unit']} | {row['source']} |")
    return "\n".join(rows)


def _strata() -> str:
    names = {g.code: g.en for g in GOVERNORATES}
    rows = ["| stratum | governorate | part | blocks in the population | sampled in a wave | scaled up |", "| --- | --- | --- | --- | --- | --- |"]
    for s in strata():
        part = {0: "urban and rural", 1: "urban", 2: "rural"}[s.code % 10]
        rows.append(f"| {s.code} | {names[s.governorate]} | {part} | {s.blocks:,} | {s.sampled} | {'yes' if s.scaled_up else ''} |")
    return "\n".join(rows)


def _indicators() -> str:
    served: dict[str, list[str]] = {}
    for item in ITEMS:
        for indicator in item.indicators:
            served.setdefault(indicator, []).append(f"`{item.name}`")
    rows = ["| indicator | questions |", "| --- | --- |"]
    return "\n".join(rows + [f"| {key} | {', '.join(names)} |" for key, names in sorted(served.items())])


def _assumptions() -> str:
    return "\n".join(f"* **{a.key}** – {a.text}" for a in ASSUMPTIONS)


TABLES = {"facts": _facts, "strata": _strata, "indicators": _indicators, "assumptions": _assumptions}


def refresh(text: str) -> str:
    """The page with its tables written anew."""
    for name, table in TABLES.items():
        start, end = START.format(name=name), END.format(name=name)
        head, _, rest = text.partition(start)
        _, found, tail = rest.partition(end)
        if not found:
            raise ValueError(f"the page has no part between {start!r} and {end!r}")
        text = f"{head}{start}\n{table()}\n{end}{tail}"
    return text


def refresh_page(path: Path) -> None:
    """Rewrite the tables of the page in place."""
    path.write_text(refresh(path.read_text(encoding="utf-8")), encoding="utf-8")
