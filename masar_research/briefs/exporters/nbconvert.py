"""``jupyter nbconvert --to masar_html|masar_pdf|masar_docx``: an executed brief notebook as pages.

The exporters take the blocks of the notebook, never its cells: prompts, code and warnings
cannot reach a page, and nothing passes that the release gate has not seen. ``masar brief
build`` does the same with more: the ledger beside the pages, and the pages read back.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

from nbconvert.exporters.exporter import Exporter
from traitlets import Enum, Unicode
from traitlets.config import Config

from masar_research.briefs.document import Document
from masar_research.briefs.exporters.docx import to_docx
from masar_research.briefs.exporters.html import to_html
from masar_research.briefs.exporters.pdf import to_pdf


class BriefExporter(Exporter):
    """What the three exporters share.

    Attributes
    ----------
    lang : {"en", "ar"}
        ``--BriefExporter.lang=ar``.
    date : str
        Day of the build, ISO 8601; today if empty.
    reports : str
        Folder whose office holds the register of earlier releases; the project's if empty.
    """

    lang = Enum(("en", "ar"), default_value="en", help="Language of the pages.").tag(config=True)
    date = Unicode("", help="Day of the build (YYYY-MM-DD); today if empty.").tag(config=True)
    reports = Unicode("", help="Folder of the reports; the project's if empty.").tag(config=True)
    export_from_notebook = None

    def document(self, nb: Any) -> Document:
        """The notebook's blocks after the release gate, in words."""
        from masar_research.briefs import blocks, gate, locations
        from masar_research.briefs.compose import compose
        from masar_research.briefs.runner import slug

        found = blocks.collect(nb)
        header = found[0]
        out = Path(self.reports) if self.reports else locations.reports()
        register = gate.read_registers(
            locations.office(out) / "register",
            except_for=slug(header.brief, header.parameters),
        )
        approvals = gate.read_approvals(
            locations.root() / "data" / "reference" / "approvals.yml", header.brief
        )
        date = self.date or dt.date.today().isoformat()
        gated = gate.decide(found, register, approvals)
        return compose(found, gated, date=date, langs=(self.lang,)).documents[self.lang]

    def from_notebook_node(
        self, nb: Any, resources: dict[str, Any] | None = None, **kwargs: Any
    ) -> tuple[str | bytes, dict[str, Any]]:
        """Pages and nbconvert's resources.

        Raises
        ------
        BriefError
            The notebook holds no blocks, or the brief breaks a rule of the house.
        """
        _, resources = super().from_notebook_node(nb, resources, **kwargs)
        return self.write(self.document(nb)), resources

    def write(self, document: Document) -> str | bytes:
        """The document in this exporter's format."""
        raise NotImplementedError

    @property
    def default_config(self) -> Config:
        """No preprocessor: outputs are data here."""
        return Config({"Exporter": {"default_preprocessors": []}})


class BriefHTMLExporter(BriefExporter):
    """A single HTML file."""

    file_extension = ".html"
    output_mimetype = "text/html"
    export_from_notebook = "Masar brief (HTML)"

    def write(self, document: Document) -> str:
        return to_html(document)


class BriefPDFExporter(BriefExporter):
    """A PDF/UA-1 file."""

    file_extension = ".pdf"
    output_mimetype = "application/pdf"
    export_from_notebook = "Masar brief (PDF)"

    def write(self, document: Document) -> bytes:
        return to_pdf(document)


class BriefDOCXExporter(BriefExporter):
    """A Word file."""

    file_extension = ".docx"
    output_mimetype = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
    export_from_notebook = "Masar brief (Word)"

    def write(self, document: Document) -> bytes:
        return to_docx(document)
