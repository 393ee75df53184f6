"""The standard socio-demographic frame: one vocabulary of names and codes for every survey."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

from ruamel.yaml import YAML

from masar_research.codebook import Text
from masar_research.codebook.words import fold


@dataclass(frozen=True, slots=True)
class FrameVariable:
    """A variable of the frame.

    Attributes
    ----------
    name : str
    label : Text
    level : {"nominal", "ordinal", "numeric", "date"}
    codes : mapping
        Code → label; the only codes a variable of this name has. Empty for numbers and dates.
    bands : mapping or None
        How it is made of another variable of the frame: ``of``, ``starts``, ``end``.
    isced : mapping
        Code → levels of ISCED 2011 it stands for; empty for other variables.
    """

    name: str
    label: Text
    level: str
    codes: Mapping[float, Text]
    bands: Mapping[str, Any] | None
    isced: Mapping[float, tuple[int, ...]]

    def place(self, label: Mapping[str, str]) -> float | None:
        """The code whose label has the same words in one of the languages.

        Examples
        --------
        >>> standard_frame()["sex"].place({"en": "FEMALE"})
        2.0
        """
        wanted = {fold(text) for text in label.values() if text}
        return next(
            (code for code, words in self.codes.items() if wanted & {fold(text) for text in words.values()}), None
        )


@lru_cache(maxsize=1)
def standard_frame() -> Mapping[str, FrameVariable]:
    """The frame, by name, in the order of its file.

    Returns
    -------
    mapping of str to FrameVariable

    Examples
    --------
    >>> standard_frame()["education"].codes[5]["ar"], standard_frame()["education"].isced[5]
    ('بكالوريوس فأعلى', (6, 7, 8))
    """
    tree = YAML(typ="safe").load(files(__package__).joinpath("standard_frame.yml").read_text(encoding="utf-8"))
    return MappingProxyType({
        name: FrameVariable(
            name,
            Text.of(facts["label"]),
            facts.get("level", "nominal"),
            MappingProxyType({float(code): Text.of(words) for code, words in facts.get("codes", {}).items()}),
            facts.get("bands"),
            MappingProxyType({float(code): tuple(levels) for code, levels in facts.get("isced", {}).items()}),
        )
        for name, facts in tree.items()
    })  # fmt: skip


def strange_codes(name: str, codes: Mapping[float | str, Mapping[str, str]]) -> Iterator[str]:
    """What is wrong with the codes a card gives a variable of the frame; nothing for other names.

    Parameters
    ----------
    name : str
    codes : mapping
        Code → label, as in the card.

    Examples
    --------
    >>> list(strange_codes("sex", {1: {"en": "Female"}}))
    ["code 1 is labelled 'Female', which is code 2 of the frame"]
    """
    known = standard_frame().get(name)
    if known is None or not known.codes:
        return
    for code, label in codes.items():
        if isinstance(code, str) or code not in known.codes:
            shown = ", ".join(f"{each:g} {words['en']}" for each, words in known.codes.items())
            yield f"code {code if isinstance(code, str) else format(code, 'g')} is not in the frame ({shown})"
            continue
        place = known.place(label)
        same = known.codes[code]
        if place is not None and place != code and not {fold(t) for t in label.values()} & {fold(t) for t in same.values()}:
            words = next(iter(label.values()))
            yield f"code {code:g} is labelled {words!r}, which is code {place:g} of the frame"
