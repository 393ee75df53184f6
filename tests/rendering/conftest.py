"""Fixtures of the writers' tests: the sample brief and a hostile one, each rendered once."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import unicodedata
from dataclasses import replace
from functools import cache
from pathlib import Path
from shutil import which
from types import ModuleType

import pytest

from masar_research.briefs.document import (
    Box,
    Document,
    Figure,
    Heading,
    Items,
    Line,
    Messages,
    Paragraph,
    Run,
    Table,
    plain,
)
from masar_research.briefs.exporters import to_docx, to_html, to_pdf

CONTROLS = re.compile("[\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069]")
OPTIONAL = re.compile("[\u064b-\u0652\u0670\u0640]")
HOSTILE = '#set page(fill: red) $x^2$ *bold* _it_ @ref <b onclick="alert(1)">&amp;</b> </style>{{7*7}} \\u{41}'


def load(name: str) -> ModuleType:
    path = Path(__file__).with_name(f"{name}.py")
    spec = importlib.util.spec_from_file_location(f"rendering_{name}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@cache
def sample() -> ModuleType:
    return load("sample")


@cache
def rendered(lang: str, kind: str, hostile: bool = False) -> str | bytes:
    brief = hostile_brief(lang) if hostile else sample().build(lang)
    return {"html": to_html, "pdf": to_pdf, "docx": to_docx}[kind](brief)


@cache
def hostile_brief(lang: str) -> Document:
    """The sample with one hostile label in every place a text can stand."""
    brief = sample().build(lang)
    bad = (Run(HOSTILE, "label"),)
    art = sample().art(lang)
    table = sample().affected(lang)
    return replace(
        brief,
        title=bad, subtitle=bad, kicker=bad, footer=bad, notice=bad,
        elements=(
            Messages((bad,), (bad,)),
            Paragraph(bad), Paragraph(bad, "lead"), Paragraph(bad, "small"),
            Heading(bad), Heading(bad, 2),
            Figure('x"><script>', bad, art, bad, bad, bad, replace(table, id="d", caption=bad), (bad,)),
            replace(table, caption=bad, rows=((bad,) * 4,), notes=(bad,)),
            Box("b", bad, (bad,), bad, "warning"),
            Items("i", bad, ((bad, bad),)),
        ),
    )  # fmt: skip


def expected(document: Document) -> list[str]:
    """Lines printed in PDF and DOCX in reading order: no alternative text, no data of charts."""
    out: list[Line] = [document.kicker, document.title, document.subtitle, document.notice]
    for item in document.elements:
        match item:
            case Paragraph() | Heading():
                out.append(item.line)
            case Messages():
                for pair in zip(item.figures, item.lines, strict=True):
                    out.extend(pair)
            case Figure():
                out += [item.title, item.base, *filter(None, [item.question]), *item.notes]
            case Table():
                out.append(item.caption)
                out += [column.head for column in item.columns]
                out += [cell for row in item.rows for cell in row]
                out += item.notes
            case Box():
                out += [item.title, *filter(None, [item.badge]), *item.lines]
            case Items():
                out.append(item.title)
                out += [line for pair in item.items for line in pair]
    return [plain(line) for line in out]


def normal(text: str) -> str:
    """NFC, without isolates and direction marks; a space that does not break is a space."""
    return unicodedata.normalize("NFC", CONTROLS.sub("", text)).replace("\u00a0", " ")


def pdf_text(pdf: bytes, *options: str) -> str:
    """What poppler's pdftotext reads."""
    if which("pdftotext") is None:
        pytest.skip("pdftotext (poppler-utils) is not installed")
    done = subprocess.run(
        ["pdftotext", "-enc", "UTF-8", *options, "-", "-"], input=pdf, capture_output=True, check=True
    )
    return done.stdout.decode()


@pytest.fixture(params=["en", "ar"])
def lang(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="session")
def help_() -> ModuleType:
    """This module, for the tests beside it."""
    import sys

    return sys.modules[__name__]
