"""Writers: one `Document` → HTML, PDF or DOCX; and nbconvert exporters that do it from a notebook.

The three take the same model and share what must not differ: which numerals are isolated
(`segments`), which words the writer adds (`labels`), which colours it uses (`style`).
"""

from __future__ import annotations

from importlib import import_module

_HOMES = {
    "BriefDOCXExporter": "nbconvert",
    "BriefHTMLExporter": "nbconvert",
    "BriefPDFExporter": "nbconvert",
    "to_docx": "docx",
    "to_html": "html",
    "to_pdf": "pdf",
}

__all__ = [
    "BriefDOCXExporter",
    "BriefHTMLExporter",
    "BriefPDFExporter",
    "to_docx",
    "to_html",
    "to_pdf",
]


def __getattr__(name: str) -> object:
    if name in _HOMES:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
