"""Published facts: sources, what may be cited, what may be a benchmark; the glossary."""

from __future__ import annotations

import csv
import re
from urllib.parse import urlsplit

import pytest

from masar_research.errors import DataError
from masar_research.indicators import facts
from masar_research.places import governorates, reference


def test_every_fact_has_a_source_address_or_is_marked_unverified() -> None:
    for fact in facts.facts().values():
        if fact.status == "recalled, unverified":
            assert not fact.source_url and not fact.citable
            continue
        address = urlsplit(fact.source_url)
        assert fact.status in ("found", "derived")
        assert address.scheme in ("http", "https") and "." in address.netloc, fact.id
        assert "..." not in fact.source_url and not re.search(r"\s", fact.source_url)
        assert fact.source


def test_ids_run_without_a_gap_and_values_are_there() -> None:
    known = facts.facts()
    assert list(known) == [f"F{i:03d}" for i in range(1, len(known) + 1)]
    assert all(fact.value_text and fact.unit and fact.period for fact in known.values())


def test_recalled_figures_are_kept_but_never_cited() -> None:
    recalled = {f.id for f in facts.facts().values() if f.status == "recalled, unverified"}
    assert recalled == {"F054", "F055", "F056", "F086"}
    for fact_id in recalled:
        with pytest.raises(DataError, match="may not be cited"):
            facts.get(fact_id)


def test_the_census_by_governorate_is_the_gazetteers_and_adds_up() -> None:
    known = facts.facts()
    by_name = {p.en: p for p in governorates()} | {"Jerash": governorates()[6], "Ajloun": governorates()[7], "Tafilah": governorates()[9]}
    found = {}
    for fact_id in [*(f"F{i:03d}" for i in range(42, 51)), "F054", "F055", "F056"]:
        place = by_name[known[fact_id].geography]
        found[place.code] = known[fact_id].value
        assert place.census2015 == known[fact_id].value
        assert place.census_status == known[fact_id].status
    assert sum(found.values()) == known["F027"].value == 9_531_712


def test_the_election_commissions_turnout() -> None:
    assert facts.get("F169").value == 32.25
    assert facts.get("F171").value + facts.get("F172").value == facts.get("F170").value


@pytest.mark.parametrize(
    ("fact_id", "said"),
    [("F107", "Jordanians or all residents"), ("F118", "Jordanians or all residents"),
     ("F054", "may not be cited"), ("F148", "derived"), ("F051", "not a single number"),
     ("F999", "no published fact")],
)  # fmt: skip
def test_what_may_not_be_a_benchmark(fact_id: str, said: str) -> None:
    with pytest.raises(DataError, match=said) as caught:
        facts.benchmark(fact_id)
    assert re.search("[\u0600-\u06ff]", str(caught.value)) or fact_id == "F051"


def test_benchmarks_name_their_nationality_base() -> None:
    jordanians, residents = facts.benchmark("F254"), facts.benchmark("F257")
    assert (jordanians.value, jordanians.nationality_base) == (21.4, "jordanians")
    assert (residents.value, residents.nationality_base) == (16.2, "all_residents")
    assert jordanians.period == residents.period
    assert jordanians.base("ar") == "الأردنيون" and residents.base("en") == "all residents"


def test_no_labour_rate_has_a_base_its_source_does_not_state() -> None:
    for fact in facts.facts().values():
        if fact.topic == "labour" and "F107" <= fact.id <= "F168" and fact.id != "F166":
            assert fact.nationality_base is None, fact.id


def test_a_base_that_is_not_known_is_refused(tmp_path, monkeypatch) -> None:
    folder = tmp_path / "data" / "reference"
    folder.mkdir(parents=True)
    text = reference("facts.csv").read_text(encoding="utf-8")
    (folder / "facts.csv").write_text(text.replace("all_residents", "everyone", 1), encoding="utf-8")
    monkeypatch.setenv("MASAR_HOME", str(tmp_path))
    with pytest.raises(DataError, match="line 2: nationality_base 'everyone'"):
        facts.facts()


def test_the_glossary_has_both_languages_and_a_known_status() -> None:
    with reference("glossary.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 131
    for row in rows:
        assert row["en"].isprintable() and re.search("[\u0600-\u06ff]", row["ar"]), row
        assert row["status"] in ("attested", "proposed", "plan")
    terms = {row["en"]: row["ar"] for row in rows}
    assert terms["suppressed (unreliable)"] == "محجوب لعدم كفاية الحالات"
    assert terms["refined participation rate"] == "معدل المشاركة الاقتصادية المنقح"
