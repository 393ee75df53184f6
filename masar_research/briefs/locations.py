"""Where the project's folders are."""

from __future__ import annotations

import os
from pathlib import Path

from masar_research.errors import ParameterError


def root() -> Path:
    """The project: ``MASAR_PROJECT``, or the nearest folder upwards that holds ``data/surveys``."""
    named = os.environ.get("MASAR_PROJECT")
    if named:
        return Path(named).resolve()
    here = Path.cwd().resolve()
    package = Path(__file__).resolve().parents[2]
    for folder in (here, *here.parents, package):
        if (folder / "data" / "surveys").is_dir():
            return folder
    raise ParameterError(
        f"No project was found above {here}: no folder there holds data/surveys.",
        remedy="Run from inside the project, or set MASAR_PROJECT to its folder.",
    )


def cards() -> dict[str, Path]:
    """Study name → survey card."""
    return {path.stem: path for path in sorted((root() / "data" / "surveys").glob("*.yml"))}


def notebook(name: str) -> Path:
    """The notebook of a brief."""
    return root() / "notebooks" / "briefs" / f"{name}.ipynb"


def reports() -> Path:
    return root() / "reports"


def office(out: Path) -> Path:
    """Working files of the office: executed notebooks and full precision, never published."""
    return out / ".office"
