"""The registry file and its schema; errors name the line and the remedy."""

from __future__ import annotations

from pathlib import Path

import pytest

from masar_research import indicators
from masar_research.errors import DataError
from masar_research.places import reference

WRITTEN = reference("indicators.yml").read_text(encoding="utf-8")


def test_every_definition_is_carried_and_the_labour_indicators_are_ready() -> None:
    known = indicators.registry()
    families = {prefix: sum(name.startswith(prefix) for name in known) for prefix in ("WE", "YO", "MI", "GO", "ME")}
    assert families == {"WE": 23, "YO": 18, "MI": 17, "GO": 12, "ME": 17}
    ready = [name for name, record in known.items() if isinstance(record, indicators.Indicator)]
    assert ready == ["WE01", "WE01b", "WE02", "YO02", "GO04"]


def test_ready_records_speak_both_languages_and_their_arabic_nouns_agree() -> None:
    feminine = ("نسبة", "فجوة", "حصة", "درجة")
    for name in ("WE01", "WE01b", "WE02", "YO02", "GO04"):
        record = indicators.registry().ready(name)
        assert record.name["ar"] and record.question["ar"] and record.base_text["ar"]
        assert record.gender == ("f" if record.name["ar"].startswith(feminine) else "m")
        assert record.bases["jordanians"].where == "jordanian == 1"
        assert record.bases["all_residents"].where is None
        assert record.source and record.comparability


def test_the_variables_an_indicator_needs() -> None:
    known = indicators.registry()
    assert known.ready("WE02").needs == {"unemployed", "age", "in_labour_force"}
    assert known.ready("GO04").variables == {"eff_say", "eff_infl"}


def test_only_ready_indicators_can_be_computed() -> None:
    with pytest.raises(DataError, match="status: ready") as caught:
        indicators.registry().ready("WE05")
    assert "فجوة الأجور" in str(caught.value)
    with pytest.raises(DataError, match="no indicator 'XX01'"):
        indicators.registry()["XX01"]
    assert "WE01" in indicators.registry() and "XX01" not in indicators.registry()


def broken(tmp_path: Path, old: str, new: str) -> tuple[str, int]:
    """The message for the registry with one thing changed, and the line it was changed on."""
    assert WRITTEN.count(old) >= 1
    at = WRITTEN[: WRITTEN.index(old)].count("\n") + 1
    path = tmp_path / "indicators.yml"
    path.write_text(WRITTEN.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(DataError) as caught:
        indicators.read(path)
    return str(caught.value), at


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("kind: proportion", "kind: share", "kind:"),
        ('universe: "age >= 15"', 'universe: "age => 15"', "universe:"),
        ('universe: "age >= 15"', 'universe: "__import__(1)"', "universe:"),
        ("direction: up", "direktion: up", "Did you mean direction"),
        ("gender: m", "gender: n", "gender:"),
        ("- id: WE02", "- id: WE2", "id:"),
        ("- id: WE02", "- id: WE01", "WE01 stands twice"),
        ("  status: ready", "  status: done", "write ready or defined"),
        ("{var: eff_say, positive: [3, 4, 5], exclude: [98, 99]}",
         "{var: eff_say, positive: [3, 4, 98], exclude: [98, 99]}", "both positive and excluded"),
        ("version: 1.0.0", "version: one", "version:"),
        ("rests_on: [WE01]", "rests_on: [WE99]", "there is no indicator WE99"),
    ],
)  # fmt: skip
def test_a_fault_is_named_with_its_line(tmp_path: Path, old: str, new: str, said: str) -> None:
    message, line = broken(tmp_path, old, new)
    assert said in message
    assert any(f"line {near}," in message for near in (line, line - 1)), message


def test_missing_and_superfluous_fields_of_a_kind(tmp_path: Path) -> None:
    message, _ = broken(tmp_path, "  variable: in_labour_force\n", "")
    assert "kind proportion needs variable" in message
    message, _ = broken(tmp_path, "  variable: in_labour_force\n", "  variable: in_labour_force\n  numerator: employed\n")
    assert "makes no use of numerator" in message
    message, _ = broken(tmp_path, "required_disaggregation: [sex, age_labour]", "required_disaggregation: [sex, shoe_size]")
    assert "shoe_size" in message


def test_a_missing_arabic_text_is_a_fault(tmp_path: Path) -> None:
    message, _ = broken(tmp_path, ', ar: "السكان 15 سنة فأكثر"}', "}")
    assert "base_text.ar: is missing; add it" in message


def test_several_faults_come_together(tmp_path: Path) -> None:
    path = tmp_path / "indicators.yml"
    path.write_text(WRITTEN.replace("gender: m", "gender: x"), encoding="utf-8")
    with pytest.raises(DataError, match="places in the registry do not fit") as caught:
        indicators.read(path)
    assert str(caught.value).count("gender:") > 5


def test_files_that_are_no_registry(tmp_path: Path) -> None:
    path = tmp_path / "indicators.yml"
    for text in ("indicators: []\n", "version: 1\nindicators: {}\n", "- a\n- b\n", "version: 1\n  x: [\n"):
        path.write_text(text, encoding="utf-8")
        with pytest.raises(DataError):
            indicators.read(path)
