"""YAML read so that an error can name the line it is on."""

from __future__ import annotations

import datetime as dt
import difflib
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.constructor import DuplicateKeyError
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from masar_research.errors import CardError


class Lines:
    """A YAML document with the line of every key and item.

    Parameters
    ----------
    path : Path
        The file; named in every message.
    tree : mapping
        As ruamel.yaml's round-trip loader gives it.
    """

    __slots__ = ("path", "tree")

    def __init__(self, path: Path, tree: Any) -> None:
        self.path, self.tree = path, tree

    def line(self, where: Iterable[str | int]) -> int:
        """The line (from 1) of the deepest part of the address that stands in the file."""
        node, line = self.tree, 1
        for step in where:
            if not hasattr(node, "lc"):
                break
            if isinstance(node, dict):
                keys = {str(key): key for key in node}
                if str(step) not in keys:
                    continue
                step = keys[str(step)]
                line = node.lc.key(step)[0] + 1
                node = node[step]
            elif isinstance(node, list) and isinstance(step, int) and step < len(node):
                line = node.lc.item(step)[0] + 1
                node = node[step]
        return line

    def node(self, where: Iterable[str | int]) -> Any:
        """What stands at an address, or None."""
        node = self.tree
        for step in where:
            if isinstance(node, dict):
                keys = {str(key): key for key in node}
                node = node.get(keys.get(str(step)))
            elif isinstance(node, list) and isinstance(step, int) and step < len(node):
                node = node[step]
            else:
                return None
        return node

    def error(self, where: Iterable[str | int], what: str, remedy: str, ar: str | None = None) -> CardError:
        """An error that names file, line and field; ``ar`` says in Arabic what is wrong and what to do."""
        where = list(where)
        field = ".".join(str(step) for step in where) or "the document"
        line = self.line(where)
        return CardError(f"{self.path.name}, line {line}, {field}: {what}", remedy=remedy, ar=at_line(self.path, line, field, ar))


def at_line(path: Path, line: int, field: str = "", what: str | None = None) -> str:
    """Where a card is wrong, and what, in Arabic."""
    place = f"، الحقل {field}" if field else ""
    said = what or "ما كُتب هنا لا يصح أو لا يوافق الملف. صحّحه كما هو مذكور أعلاه."
    return f"{path.name}، السطر {line}{place}: {said}"


def read_yaml(path: Path) -> Lines:
    """Read one YAML mapping.

    Parameters
    ----------
    path : Path

    Returns
    -------
    Lines

    Raises
    ------
    CardError
        If the file is absent, is no YAML, holds a key twice, or is not a mapping.
    """
    path = Path(path)
    if not path.is_file():
        raise CardError(
            f"There is no file {path}.",
            remedy="Check the path, or list data/surveys/.",
            ar=f"الملف {path.name} غير موجود. تحقق من المسار، أو انظر ما في data/surveys/.",
        )
    yaml = YAML(typ="rt")
    yaml.allow_duplicate_keys = False
    try:
        tree = yaml.load(path.read_text(encoding="utf-8-sig"))
    except UnicodeDecodeError:
        raise CardError(
            f"{path.name} is not UTF-8 text.",
            remedy="Save it as UTF-8.",
            ar=f"الملف {path.name} ليس نصاً بترميز UTF-8؛ احفظه بهذا الترميز.",
        ) from None
    except DuplicateKeyError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise CardError(
            f"{path.name}, line {line}: {_first(error.problem)}.",
            remedy="Keep one of the two.",
            ar=at_line(path, line),
        ) from None
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        raise CardError(
            f"{path.name}, line {line}: {_first(error.problem or error.context)}.",
            remedy="Correct the YAML there: indentation in spaces, text with : or # in quotes.",
            ar=at_line(path, line),
        ) from None
    except YAMLError as error:
        raise CardError(
            f"{path.name} is not YAML: {_first(str(error))}.", remedy="Correct the YAML."
        ) from None
    except ValueError as error:
        # the YAML library builds dates without saying where they stand
        line = _line_of_no_day(path)
        raise CardError(
            f"{path.name}, line {line}: a date that is none ({_first(str(error))}).",
            remedy="Write dates as year-month-day, for example 2026-03-01.",
            ar=at_line(path, line),
        ) from None
    if not isinstance(tree, dict):
        raise CardError(
            f"{path.name} should be a mapping of names to values, found {type(tree).__name__}.",
            remedy="Begin with a name and a colon; a survey card begins with study: (docs/survey_cards.md).",
        )
    return Lines(path, tree)


def _line_of_no_day(path: Path) -> int:
    for number, line in enumerate(path.read_text(encoding="utf-8-sig").splitlines(), start=1):
        for year, month, day in re.findall(r"\b(\d{4})-(\d{1,2})-(\d{1,2})\b", line):
            try:
                dt.date(int(year), int(month), int(day))
            except ValueError:
                return number
    return 1


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """``Did you mean …?`` with near matches, or the known words."""
    known = [str(name) for name in known]
    by_case = {name.casefold(): name for name in known}
    near = difflib.get_close_matches(str(word).casefold(), by_case, n=4, cutoff=0.6)
    if near:
        return f"Did you mean {', '.join(by_case[name] for name in near)}?"
    return f"Known: {', '.join(known[:25])}{', …' if len(known) > 25 else ''}."


def _first(message: str | None) -> str:
    return (message or "cannot be read").strip().splitlines()[0].rstrip(".")
