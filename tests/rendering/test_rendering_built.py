"""The pages of the really built brief, not only those of the sample: they come out of the PDF as they went in."""

from __future__ import annotations

import json
import re
from difflib import SequenceMatcher
from pathlib import Path

import pytest

from masar_research.briefs import blocks, gate, runner
from masar_research.briefs.compose import compose
from masar_research.briefs.document import Document, Figure, Heading, plain
from masar_research.briefs.exporters.grouping import paired

pytestmark = pytest.mark.full
NAME, DATE = "women_empowerment", "2026-11-23"


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Document]]:
    """The built report, and the documents its pages were written from."""
    out = tmp_path_factory.mktemp("reports")
    built = runner.build(NAME, survey="masar_demo", out=out, date=DATE)
    executed = json.loads((out / ".office" / built.slug / "executed.ipynb").read_text(encoding="utf-8"))
    found = blocks.collect(executed)
    return built.path, dict(compose(found, gate.decide(found), date=DATE).documents)


def words(texts: list[str], help_) -> list[str]:
    return [word for text in texts for word in help_.OPTIONAL.sub("", help_.normal(text)).split()]


def test_words_come_out_of_the_built_pdf_in_order(lang: str, report, help_) -> None:
    path, documents = report
    wanted = words(help_.expected(documents[lang]), help_)
    text = help_.pdf_text((path / f"{NAME}.{lang}.pdf").read_bytes())
    found = help_.normal(re.sub(r"(\w)-\n(\w)", r"\1-\2", text)).split()
    matching = SequenceMatcher(None, wanted, found, autojunk=False).get_matching_blocks()
    assert len(wanted) > 900
    assert sum(block.size for block in matching) / len(wanted) >= 0.98


def test_no_heading_of_the_built_pdf_is_parted_from_its_drawing(lang: str, report, help_) -> None:
    path, documents = report
    text = help_.pdf_text((path / f"{NAME}.{lang}.pdf").read_bytes())
    pages = [" ".join(words([page], help_)) for page in text.split("\f")[:-1]]
    assert len(pages) <= 4
    elements = [item[0] if isinstance(item, tuple) else item for item in paired(documents[lang].elements)]

    def pages_of(line) -> set[int]:
        key = " ".join(words([plain(line)], help_)[:5])
        return {number for number, page in enumerate(pages) if key in page}

    checked = 0
    for first, second, third in zip(elements, elements[1:], elements[2:], strict=False):
        drawing = next((item for item in (second, third) if isinstance(item, Figure)), None)
        if isinstance(first, Heading) and drawing is not None and not isinstance(second, Heading):
            assert pages_of(first.line) & pages_of(drawing.title), plain(first.line)
            checked += 1
    assert checked >= 3
