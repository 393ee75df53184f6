"""Where the project's folders are."""

from __future__ import annotations

from pathlib import Path

from masar_research.loading.places_of_files import home


def root() -> Path:
    """The project's folder (``MASAR_HOME`` names another one)."""
    return home()


def cards() -> dict[str, Path]:
    """Study name → survey card."""
    folder = root() / "data" / "surveys"
    return {path.stem: path for path in sorted([*folder.glob("*.yml"), *folder.glob("*.yaml")])}


def notebook(name: str) -> Path:
    """The notebook of a brief."""
    return root() / "notebooks" / "briefs" / f"{name}.ipynb"


def reports() -> Path:
    """Where reports go unless told otherwise."""
    return root() / "reports"


def office(out: Path) -> Path:
    """Working files of the office: executed notebooks and full precision, never published."""
    return out / ".office"
