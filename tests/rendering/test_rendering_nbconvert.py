"""nbconvert finds the exporters and refuses notebooks that hold no brief."""

from __future__ import annotations

from importlib.metadata import entry_points
from types import SimpleNamespace

import nbformat
import pytest
from traitlets import TraitError

from masar_research.briefs import blocks, compose, gate
from masar_research.briefs.exporters import (
    BriefDOCXExporter,
    BriefHTMLExporter,
    BriefPDFExporter,
)
from masar_research.errors import BriefError

KINDS = {
    "masar_html": (BriefHTMLExporter, ".html", b"<!doctype html>"),
    "masar_pdf": (BriefPDFExporter, ".pdf", b"%PDF-"),
    "masar_docx": (BriefDOCXExporter, ".docx", b"PK"),
}


@pytest.mark.parametrize("exporter", [BriefHTMLExporter, BriefPDFExporter, BriefDOCXExporter])
def test_a_notebook_without_blocks_is_refused(exporter) -> None:
    with pytest.raises(BriefError, match="holds no brief"):
        exporter().from_notebook_node(nbformat.v4.new_notebook())


def test_an_unknown_language_is_refused() -> None:
    with pytest.raises(TraitError):
        BriefHTMLExporter(lang="fr")


@pytest.mark.parametrize("name", KINDS)
def test_blocks_pass_the_gate_before_they_are_written(name: str, help_, monkeypatch, tmp_path) -> None:
    """The exporter hands the gate's answer to compose, and compose's document to its writer."""
    exporter, extension, magic = KINDS[name]
    steps = []
    header = SimpleNamespace(brief="b", parameters={})
    brief = help_.sample().build("ar")
    monkeypatch.setattr(blocks, "collect", lambda nb: [header])
    monkeypatch.setattr(gate, "decide", lambda found, register, approvals: steps.append("gate") or "gated")

    def composed(found, gated, *, date, langs):
        steps.append((gated, date, langs))
        return SimpleNamespace(documents={"ar": brief})

    monkeypatch.setattr(compose, "compose", composed)
    made = exporter(lang="ar", date="2026-03-01", reports=str(tmp_path))
    output, resources = made.from_notebook_node(nbformat.v4.new_notebook())
    assert steps == ["gate", ("gated", "2026-03-01", ("ar",))]
    data = output.encode() if isinstance(output, str) else output
    assert data.startswith(magic)
    assert made.file_extension == resources["output_extension"] == extension


def test_entry_points_name_the_exporters() -> None:
    found = {point.name: point.value for point in entry_points(group="nbconvert.exporters")}
    if not set(KINDS) <= set(found):
        pytest.skip("masar_research is not installed in this environment")
    for name, (exporter, _, _) in KINDS.items():
        assert found[name] == f"masar_research.briefs.exporters:{exporter.__name__}"
