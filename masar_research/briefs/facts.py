"""Published facts a brief may cite, from ``data/reference/jordan_facts.csv``."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from masar_research.briefs import locations
from masar_research.errors import BriefError


@dataclass(frozen=True, slots=True)
class Fact:
    """A published figure with its population, period and source."""

    id: str
    indicator: str
    geography: str
    population: str
    period: str
    value: float
    unit: str
    source: str
    url: str


@lru_cache(maxsize=4)
def _table(path: Path, stamp: int) -> dict[str, dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return {row["fact_id"]: row for row in csv.DictReader(file)}


def fact(fact_id: str) -> Fact:
    """One fact; refused when unknown, not a plain number, or without its nationality base.

    Raises
    ------
    BriefError
        Two published figures of one indicator differ by five points with the nationality
        base: a benchmark that does not name its population may not be used.
    """
    path = locations.root() / "data" / "reference" / "jordan_facts.csv"
    if not path.exists():
        raise BriefError(
            "There is no data/reference/jordan_facts.csv, so no published fact can be cited.",
            remedy="Restore the file from the project's repository.",
        )
    row = _table(path, path.stat().st_mtime_ns).get(fact_id)
    if row is None:
        raise BriefError(
            f"There is no published fact {fact_id!r}.",
            remedy="Use an id of data/reference/jordan_facts.csv, e.g. 'F001'.",
        )
    if not row["population"].strip():
        raise BriefError(
            f"The published fact {fact_id} ({row['indicator']}, {row['period']}) does not say whom it counts.",
            remedy="Use a fact that names its nationality base, or add the base with its source to the file.",
            ar="الحقيقة المنشورة لا تذكر السكان الذين تشملهم؛ لا تُستعمل للمقارنة.",
        )
    try:
        value = float(row["value"])
    except ValueError:
        raise BriefError(
            f"The published fact {fact_id} has the value {row['value']!r}, which is not a plain number.",
            remedy="Cite a fact with a number, or correct the file from its source.",
        ) from None
    return Fact(
        id=fact_id, indicator=row["indicator"], geography=row["geography"],
        population=row["population"], period=row["period"], value=value, unit=row["unit"],
        source=row["source"], url=row["source_url"],
    )  # fmt: skip
