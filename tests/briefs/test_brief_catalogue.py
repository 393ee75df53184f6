"""Parameters are checked before papermill sees them."""

from __future__ import annotations

from pathlib import Path

import pytest

from masar_research.briefs import catalogue
from masar_research.briefs.runner import build, slug
from masar_research.errors import BriefError, ParameterError


def test_defaults_are_filled_in(tiny: Path) -> None:
    brief = catalogue.entry("tiny")
    assert catalogue.check(brief, {"survey": "tiny"}) == {
        "survey": "tiny", "wave": 2026, "geography": "JO", "profile": "nchs",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"survey": "tiny", "waves": 2026}, "Did you mean 'wave'"),
        ({"survey": "tiny", "wave": "2026"}, "2026"),
        ({"survey": "tiny", "wave": 2026.0}, "wrong type"),
        ({"survey": "tiny", "wave": True}, "wrong type"),
        ({"survey": "tiny", "wave": 2025}, "Did you mean"),
        ({"survey": 7}, "wrong type"),
        ({"survey": "tinny"}, "Did you mean tiny"),
        ({}, "survey"),
        ({"survey": "tiny", "geography": "Atlantis"}, "Atlantis"),
        ({"survey": "tiny", "geography": 11}, "wrong type"),
        ({"survey": "tiny", "profile": "nhcs"}, "Did you mean nchs"),
    ],
)
def test_an_unknown_or_mistyped_parameter_is_an_error(tiny: Path, given: dict, message: str) -> None:
    with pytest.raises(ParameterError, match=message) as error:
        catalogue.check(catalogue.entry("tiny"), given)
    assert error.value.remedy and error.value.ar


def test_a_wrong_parameter_stops_before_anything_is_executed(tiny: Path, tmp_path: Path) -> None:
    with pytest.raises(ParameterError):
        build("tiny", survey="tiny", wav=2026, out=tmp_path / "reports")
    assert not (tmp_path / "reports").exists()


def test_unknown_briefs_name_the_nearest(tiny: Path) -> None:
    with pytest.raises(ParameterError, match="Did you mean 'tiny'"):
        catalogue.entry("tinny")


def test_an_ill_written_entry_is_refused(own_tiny: Path) -> None:
    path = own_tiny / "notebooks" / "briefs" / "catalogue.yml"
    path.write_text("tiny: {title: {en: Tiny}}\n", encoding="utf-8")
    with pytest.raises(BriefError, match="catalogue.yml"):
        catalogue.entries()


def test_the_notebook_must_declare_the_same_parameters(own_tiny: Path, tmp_path: Path) -> None:
    path = own_tiny / "notebooks" / "briefs" / "tiny.ipynb"
    path.write_text(path.read_text(encoding="utf-8").replace("profile = ", "prophile = "), encoding="utf-8")
    with pytest.raises(BriefError, match="prophile"):
        build("tiny", survey="tiny", out=tmp_path / "reports")


def test_slugs_name_what_differs_from_the_usual() -> None:
    usual = {"survey": "demo", "wave": 2026, "geography": "JO", "profile": "nchs"}
    assert slug("women", usual) == "women-demo-2026"
    assert slug("women", usual | {"geography": "R1", "profile": "dhs"}) == "women-demo-2026-R1-dhs"


def test_what_is_built_usually_needs_its_file(own_tiny: Path) -> None:
    assert ("tiny", {"survey": "tiny"}) in [(b.name, p) for b, p in catalogue.usual_builds()]
    (own_tiny / "data" / "surveys" / "tiny_2026.csv").unlink()
    assert catalogue.usual_builds() == []
