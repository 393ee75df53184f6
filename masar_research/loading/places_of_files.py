"""Where the project, its cards and its raw files are."""

from __future__ import annotations

import os
from pathlib import Path

from masar_research.errors import CardError, DataError
from masar_research.loading.yaml_lines import did_you_mean


def home() -> Path:
    """The project's folder: ``MASAR_HOME``, else the one that holds the package, else the current one."""
    named = os.environ.get("MASAR_HOME")
    if named:
        return Path(named)
    beside = Path(__file__).resolve().parents[2]
    return beside if (beside / "data").is_dir() else Path.cwd()


def find_card(card: str | Path) -> Path:
    """The path of a card from a path or a study's name.

    Raises
    ------
    CardError
        If there is none; near names are offered.
    """
    path = Path(card)
    if path.suffix.lower() in (".yml", ".yaml") or len(path.parts) > 1:
        for candidate in (path, home() / path):
            if candidate.is_file():
                return candidate
        raise CardError(
            f"There is no survey card {path}.",
            remedy="Check the path, or give a study's name from data/surveys/.",
        )
    folders = list(dict.fromkeys((home() / "data" / "surveys", Path.cwd() / "data" / "surveys")))
    for folder in folders:
        for suffix in (".yml", ".yaml"):
            if (folder / f"{card}{suffix}").is_file():
                return folder / f"{card}{suffix}"
    known = sorted({found.stem for folder in folders if folder.is_dir() for found in folder.glob("*.y*ml")})
    raise CardError(
        f"There is no study {str(card)!r} in data/surveys/.",
        remedy=did_you_mean(str(card), known) if known else "Write a card there (see docs/survey_cards.md).",
    )


def find_file(name: str, card: Path) -> Path:
    """A raw file named in a card.

    Looked for beside the card, under the folder of the environment variable ``MASAR_REAL_DATA`` (sub-folders
    by file name), then in ``data/raw/``.

    Raises
    ------
    DataError
        If it is in none of these places; it says where to put it.
    """
    beside = card.parent / name
    if beside.is_file():
        return beside
    bare = Path(name).name
    real = os.environ.get("MASAR_REAL_DATA")
    places = [*([Path(real)] if real else []), home() / "data" / "raw"]
    for place in places:
        if (place / name).is_file():
            return place / name
        found = sorted(place.rglob(bare)) if place.is_dir() else []
        found = [path for path in found if path.is_file()]
        if len(found) > 1:
            raise DataError(
                f"{bare} stands in several places under {place}: "
                f"{', '.join(str(path.relative_to(place)) for path in found[:5])}.",
                remedy="Keep one, or name its sub-folder in the card.",
            )
        if found:
            return found[0]
    raise DataError(
        f"The file {name} of {card.name} was not found: it is neither beside the card, "
        + (f"nor under MASAR_REAL_DATA ({real}), " if real else "")
        + "nor in data/raw/.",
        remedy=f"Put {bare} into data/raw/, or set MASAR_REAL_DATA to the folder that holds it.",
        ar=f"لم يُعثر على الملف {bare}. ضعه في data/raw/ أو عيّن MASAR_REAL_DATA إلى المجلد الذي يحويه.",
    )
