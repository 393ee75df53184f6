"""Cards parsed once: a JSON copy of the YAML tree, keyed on the card's bytes.

A YAML parser that keeps line numbers takes seconds for a large card; the copy is read instead
as long as the card is right. Where it is wrong the file itself is parsed, to name the line.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
import tempfile
from pathlib import Path
from typing import Any

from masar_research.loading.cache import allowed
from masar_research.loading.places_of_files import home


def fetch(content: bytes) -> Any:
    """The tree of a card with these bytes, or None where there is no copy."""
    if not allowed(True):
        return None
    try:
        return _unpack(json.loads(_place(content).read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError, IndexError):
        return None


def store(content: bytes, tree: Any) -> None:
    """Keep a copy; a cache that cannot be written is no error."""
    if not allowed(True):
        return
    path = _place(content)
    try:
        text = json.dumps(_pack(tree), ensure_ascii=False)
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".part")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(temporary, path)
    except (OSError, TypeError):
        return


def _place(content: bytes) -> Path:
    return home() / ".cache" / "cards" / f"{hashlib.sha256(b'tree 1 ' + content).hexdigest()}.json"


def _pack(node: Any) -> Any:
    """Mappings and lists with their kind: JSON alone would turn number keys into text."""
    if isinstance(node, dict):
        return {"m": [[_pack(key), _pack(value)] for key, value in node.items()]}
    if isinstance(node, list):
        return [_pack(value) for value in node]
    if isinstance(node, dt.datetime):
        return {"t": node.isoformat()}
    if isinstance(node, dt.date):
        return {"d": node.isoformat()}
    if node is None or isinstance(node, bool | int | float | str):
        return node
    raise TypeError(f"{type(node).__name__} has no place in a card's copy")


def _unpack(node: Any) -> Any:
    if isinstance(node, list):
        return [_unpack(value) for value in node]
    if not isinstance(node, dict):
        return node
    (kind, value), = node.items()
    if kind == "m":
        return {_unpack(key): _unpack(each) for key, each in value}
    return (dt.datetime if kind == "t" else dt.date).fromisoformat(value)
