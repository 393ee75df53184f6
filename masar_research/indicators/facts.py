"""Published facts, with their sources; a benchmark must say whom it counts."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType

from masar_research.errors import DataError
from masar_research.places import reference

BASES: Mapping[str, Mapping[str, str]] = MappingProxyType({
    "all_residents": MappingProxyType({"en": "all residents", "ar": "جميع المقيمين"}),
    "jordanians": MappingProxyType({"en": "Jordanians", "ar": "الأردنيون"}),
    "non_jordanians": MappingProxyType({"en": "non-Jordanians", "ar": "غير الأردنيين"}),
})  # fmt: skip
VERIFIED = "found"


@dataclass(frozen=True, slots=True)
class Fact:
    """A published figure.

    Attributes
    ----------
    id, topic, indicator, geography, population, period, unit : str
        As in ``data/reference/facts.csv``; `population` says age or group, where stated.
    nationality_base : str or None
        ``all_residents``, ``jordanians``, ``non_jordanians``; None where the source is silent.
    value : float or None
        None where the source gives no single number; `value_text` is what it gives.
    status : str
        ``found``, ``derived`` (computed from published figures) or ``recalled, unverified``.
    source, source_url, note : str
    """

    id: str
    topic: str
    indicator: str
    geography: str
    population: str
    nationality_base: str | None
    period: str
    value: float | None
    value_text: str
    unit: str
    status: str
    source: str
    source_url: str
    note: str

    @property
    def citable(self) -> bool:
        """Whether it has a source that can be looked up."""
        return self.status != "recalled, unverified" and bool(self.source_url)

    def base(self, lang: str) -> str | None:
        """The nationality base in words, or None where the source is silent."""
        return None if self.nationality_base is None else BASES[self.nationality_base][lang]


def facts() -> Mapping[str, Fact]:
    """Every fact of ``data/reference/facts.csv`` by id."""
    path = reference("facts.csv")
    return _read(path, path.stat().st_mtime_ns)


def get(fact_id: str) -> Fact:
    """The fact of that id; only facts with a source that can be looked up are cited.

    Raises
    ------
    DataError
        No such fact, or one that was recalled and never verified.

    Examples
    --------
    >>> get("F027").value
    9531712.0
    """
    known = facts()
    if fact_id not in known:
        raise DataError(
            f"There is no published fact {fact_id!r}.",
            remedy="Use an id of data/reference/facts.csv, for instance F027.",
            ar=f"لا توجد حقيقة منشورة بالرقم «{fact_id}».",
        )
    fact = known[fact_id]
    if not fact.citable:
        raise DataError(
            f"The fact {fact_id} ({fact.indicator}, {fact.geography}, {fact.period}) is {fact.status} "
            "and may not be cited.",
            remedy="Find its source, enter the address in data/reference/facts.csv and set status to found.",
            ar="حقيقة غير موثّقة المصدر لا يجوز الاستشهاد بها.",
        )
    return fact


def benchmark(fact_id: str) -> Fact:
    """A fact to set beside an estimate of this project.

    Raises
    ------
    DataError
        Unless the fact was found in its source, is a single number, and its source names the
        nationality base: unemployment among Jordanians and among all residents differ by five
        points.

    Examples
    --------
    >>> benchmark("F254").base("en")
    'Jordanians'
    """
    fact = get(fact_id)
    said = f"The fact {fact_id} ({fact.indicator}, {fact.period})"
    if fact.status != VERIFIED:
        raise DataError(
            f"{said} is {fact.status}, not found in a source.",
            remedy="Use a figure as its source prints it.",
            ar="لا تُستعمل للمقارنة إلا الأرقام الواردة في مصدرها.",
        )
    if fact.nationality_base is None:
        raise DataError(
            f"{said} does not say whether it counts Jordanians or all residents.",
            remedy="Use a fact whose source names its nationality base, or look the base up in the "
            "source and enter it in the column nationality_base of data/reference/facts.csv.",
            ar="لا يذكر مصدر هذه الحقيقة أهي للأردنيين أم لجميع المقيمين، فلا تُستعمل للمقارنة.",
        )
    if fact.value is None:
        raise DataError(
            f"{said} is {fact.value_text!r}, not a single number.",
            remedy="Use a fact with one number.",
        )
    return fact


@lru_cache(maxsize=2)
def _read(path: Path, stamp: int) -> Mapping[str, Fact]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    found: dict[str, Fact] = {}
    for line, row in enumerate(rows, start=2):
        base = row["nationality_base"] or None
        if base is not None and base not in BASES:
            raise DataError(
                f"facts.csv, line {line}: nationality_base {base!r} is not known.",
                remedy=f"Use {', '.join(BASES)}, or leave it blank.",
            )
        if row["fact_id"] in found:
            raise DataError(
                f"facts.csv, line {line}: {row['fact_id']} stands twice.",
                remedy="Give each fact its own id.",
            )
        found[row["fact_id"]] = Fact(
            id=row["fact_id"], topic=row["topic"], indicator=row["indicator"],
            geography=row["geography"], population=row["population"], nationality_base=base,
            period=row["period"], value=_number(row["value"]), value_text=row["value"],
            unit=row["unit"], status=row["status"], source=row["source"],
            source_url=row["source_url"], note=row["note"],
        )  # fmt: skip
    return MappingProxyType(found)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
