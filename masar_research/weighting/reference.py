"""Published population margins of ``data/reference/margins.yml``, with whom and when they count."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

import pandas as pd
from ruamel.yaml import YAML

from masar_research.codebook import Text
from masar_research.errors import WeightingError
from masar_research.weighting.targets import MarginSpec, margin, read_file
from masar_research.weighting.universe import NATIONALITIES, About, Universe

_UNVERIFIED = "recalled, unverified"


def margins(
    variables: str | Sequence[str], *, population: str = "all_residents", year: int | None = None
) -> MarginSpec:
    """A published margin, ready for ``rake``, ``poststratify`` and ``calibrate``.

    Parameters
    ----------
    variables : str or sequence of str
        Variable, or the crossing of several.
    population : {"all_residents", "jordanians", "refugees"}
    year : int, optional
        By default the latest.

    Returns
    -------
    MarginSpec
        Targets by code with source, date, universe and the ids of its facts in ``about``. Shares
        where the source gives shares: pass ``total="current"`` then, and `as_shares` for others
        beside it.

    Raises
    ------
    WeightingError
        If it is not published: says what is, and what is known to be missing.

    Examples
    --------
    >>> found = margins("governorate", population="all_residents", year=2024)
    >>> found.sum, found.about.universe.words("en")
    (11492070.0, 'all residents, all ages')
    """
    names = (variables,) if isinstance(variables, str) else tuple(variables)
    held = _held()
    fitting = [
        (entry["year"], key) for key, entry in held["margins"].items()
        if tuple(entry["variables"]) == names and entry["population"] == population
        and year in (None, entry["year"])
    ]  # fmt: skip
    if fitting:
        return by_key(max(fitting)[1])
    shown = " × ".join(names)
    when = "" if year is None else f", {year}"
    who = NATIONALITIES.get(population, Text(en=population, ar=population))
    others = "; ".join(f"{key} ({Text.of(e['date'])['en']})" for key, e in held["margins"].items()
                       if set(e["variables"]) & set(names)) or ", ".join(held["margins"])  # fmt: skip
    lacking = _lacking(names)
    raise WeightingError(
        f"No published margin of {shown} for {who['en']}{when} is held."
        + "".join(f" Not published: {text['en']}." for _, text in lacking),
        remedy=f"Held are: {others}. Rake to those of single variables, or add a published table with its source "
        "to data/reference/.",
        ar=f"لا يوجد توزيع منشور لـ\u2066{shown}\u2069 ({who['ar']})."
        + "".join(f" غير منشور: {text['ar']}." for _, text in lacking)
        + " استعمل التوزيعات المنشورة لكل متغيّر على حدة، أو أضف جدولًا منشورًا مع مصدره إلى data/reference.",
    )


def by_key(key: str) -> MarginSpec:
    """A margin by its name in ``data/reference/margins.yml``, as cards write it (``reference: …``).

    Parameters
    ----------
    key : str

    Examples
    --------
    >>> by_key("sex_residents_2025").about.date["en"]
    'end of 2025'
    """
    held = _held()["margins"]
    if key not in held:
        raise WeightingError(
            f"There is no reference margin {key!r}.", remedy=f"Use one of {', '.join(held)}.",
            ar=f"لا يوجد توزيع مرجعي باسم \u2066{key}\u2069؛ استعمل أحد الأسماء المذكورة أعلاه.",
        )  # fmt: skip
    entry, facts = held[key], _facts()
    used = [fact for cell in entry["targets"].values() for fact in _ids(cell)]
    targets = tuple(((code,), _value(cell, facts, key)) for code, cell in entry["targets"].items())
    sources = dict.fromkeys(facts[fact]["source"] for fact in used)
    names = tuple(entry["variables"])
    about = About(
        Universe(entry["population"], entry["age_min"], entry.get("age_max"),
                 tuple(Text.of(words) for words in entry.get("excluded", ()))),
        key, Text.of(entry["date"]), Text.of(entry["coverage"]),
        Text.of(entry["note"]) if "note" in entry else None, tuple(dict.fromkeys(used)),
        lacking=_lacking(names),
    )  # fmt: skip
    said = f"{'; '.join(sources)} ({about.date['en']}; {', '.join(about.facts)})"
    spec = MarginSpec(names, targets, said, about)
    if "total" in entry and abs(spec.sum - _value(entry["total"], facts, key)) > 0.5:
        raise WeightingError(
            f"The cells of {key} sum to {spec.sum:,.0f}, its total is {_value(entry['total'], facts, key):,.0f}.",
            remedy="Correct the ids in data/reference/margins.yml.",
            ar=f"مجموع خلايا \u2066{key}\u2069 لا يساوي مجموعه المنشور؛ صحّح data/reference/margins.yml.",
        )
    return spec


def published() -> pd.DataFrame:
    """The margins that are held: key, variables, population, ages, year, date, coverage, source."""
    rows: list[dict[str, Any]] = []
    for key, entry in _held()["margins"].items():
        spec = by_key(key)
        assert spec.about is not None
        rows.append({
            "key": key, "variables": spec.name, "population": entry["population"],
            "ages_en": spec.about.universe.words("en"), "ages_ar": spec.about.universe.words("ar"),
            "year": entry["year"], "date_en": entry["date"]["en"], "date_ar": entry["date"]["ar"],
            "coverage_en": entry["coverage"]["en"], "coverage_ar": entry["coverage"]["ar"],
            "sum": spec.sum, "source": spec.source, "facts": ", ".join(spec.about.facts),
        })  # fmt: skip
    return pd.DataFrame(rows)


def unpublished() -> pd.DataFrame:
    """What is often needed and was found in no source: variables, population, why in both languages."""
    return pd.DataFrame([
        {"variables": " × ".join(entry["variables"]), "population": entry["population"],
         "age_min": entry["age_min"], "reason_en": entry["reason"]["en"], "reason_ar": entry["reason"]["ar"]}
        for entry in _held()["unpublished"]
    ])  # fmt: skip


def _lacking(names: Sequence[str]) -> tuple[tuple[Universe, Text], ...]:
    found = [entry for entry in _held()["unpublished"] if set(entry["variables"]) & set(names)]
    exact = [entry for entry in found if set(entry["variables"]) == set(names)]
    return tuple((Universe(entry["population"], entry["age_min"]), Text.of(entry["reason"]))
                 for entry in exact or found)  # fmt: skip


def _ids(cell: Any) -> list[str]:
    return [cell] if isinstance(cell, str) else [*cell["sum"], *cell.get("less", ())]


def _value(cell: Any, facts: Mapping[str, Mapping[str, str]], key: str) -> float:
    def one(fact: str) -> float:
        row = facts.get(fact)
        if row is None or row["status"] == _UNVERIFIED:
            raise WeightingError(
                f"{key} rests on {fact}, which is {'not in facts.csv' if row is None else row['status']}.",
                remedy="Margins rest on published facts only: give one with its source.",
                ar=f"يستند \u2066{key}\u2069 إلى رقم غير منشور أو غير متحقق منه (\u2066{fact}\u2069).",
            )
        return float(row["value"]) / (100.0 if row["unit"] == "%" else 1.0)

    if isinstance(cell, str):
        return one(cell)
    return sum(map(one, cell["sum"])) - sum(map(one, cell.get("less", ())))


@lru_cache(maxsize=1)
def _held() -> Mapping[str, Any]:
    from masar_research.places import reference

    return YAML(typ="safe", pure=True).load(reference("margins.yml").read_text(encoding="utf-8"))


@lru_cache(maxsize=1)
def _facts() -> Mapping[str, Mapping[str, str]]:
    from masar_research.places import reference

    with reference("facts.csv").open(encoding="utf-8", newline="") as handle:
        return {row["fact_id"]: row for row in csv.DictReader(handle)}


def card_margin(given: Any, card: Any) -> MarginSpec:
    """The margin that a card's weighting step describes: by ``reference:``, ``file:`` or ``targets:``.

    Parameters
    ----------
    given : loading.card_parts.Margin
    card : SurveyCard
        Files of targets are looked for beside it.
    """
    if given.reference is None:
        targets = given.targets
        if targets is None:
            targets = read_file(card.path.parent / given.file, given.key)
        whom = given.population
        about = None if whom is None else About(
            Universe(whom.nationality, whom.age_min, whom.age_max, whom.excluded),
            coverage=whom.text, accepted=given.accept,
        )  # fmt: skip
        spec = margin(given.variables, targets, None if given.source is None else given.source.get("en"), about)
        return spec.as_shares() if given.shares else spec
    spec = by_key(given.reference)
    if set(spec.variables) != set(given.variables):
        raise WeightingError(
            f"The card weights {' × '.join(given.variables)} to {given.reference}, a margin of {spec.name}.",
            remedy=f"Write variables: [{', '.join(spec.variables)}].",
            ar=f"متغيّرات البطاقة ليست متغيّرات التوزيع المرجعي \u2066{given.reference}\u2069.",
        )
    if given.accept is not None:
        assert spec.about is not None
        spec = replace(spec, about=replace(spec.about, accepted=given.accept))
    return spec.as_shares() if given.shares else spec
