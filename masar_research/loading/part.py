"""Some columns of a file: what they give is what the whole file would have given for them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd

from masar_research.codebook import Codebook
from masar_research.errors import DataError
from masar_research.loading.personal_content import like_position
from masar_research.loading.raw import Note, Raw, clean, content_checksum
from masar_research.loading.statfiles import describe, read_statfile
from masar_research.loading.yaml_lines import did_you_mean


def names_asked(columns: Sequence[str] | None) -> tuple[str, ...] | None:
    """The columns asked for, each once; None for all.

    Raises
    ------
    DataError
        If the list is empty.
    """
    if columns is None:
        return None
    names = tuple(dict.fromkeys((columns,) if isinstance(columns, str) else columns))
    if not names:
        raise DataError(
            "columns= is empty.", remedy="Name the columns to read, or leave it out to read all.",
            ar="columns= فارغة؛ سمِّ الأعمدة المطلوبة أو احذفها لقراءة الكل.",
        )  # fmt: skip
    return names


def read_part(
    path: Path, names: Sequence[str], done: Callable[[float], None] | None = None
) -> tuple[pd.DataFrame, Codebook, list[Note]]:
    """Columns of a statistics file without its others.

    Two numbers side by side may be a position. Where one of those asked for looks like half of one, its
    neighbours are read too, for the search for personal data; `only` takes them off again.

    Parameters
    ----------
    path : Path
    names : sequence of str
    done : callable, optional
        As in `statfile_process.values`.

    Returns
    -------
    frame, codebook, notes

    Raises
    ------
    DataError
        If the file has no such column, or cannot be read.
    """
    facts = describe(path)
    raw_names = {clean(name): name for name in facts["names"]}
    _unknown(path, [name for name in names if name not in raw_names], raw_names)
    frame, book, notes = read_statfile(path, columns=[raw_names[name] for name in names], done=done)
    halves = [n for n in frame.columns if frame[n].dtype.kind == "f" and like_position(frame[n].to_numpy())]
    if not halves:
        return frame, book, notes
    numbers = [name for name in facts["names"] if facts["types"].get(name) != "string"]
    wanted = {raw_names[name] for name in names}
    for name in halves:
        at = numbers.index(raw_names[name])
        for side in (reversed(numbers[:at]), numbers[at + 1 :]):
            for near in side:
                wanted.add(near)
                if not facts["value_labels"].get(near):
                    break
    return read_statfile(path, columns=[name for name in facts["names"] if name in wanted], done=done)


def only(raw: Raw, names: Sequence[str], path: Path) -> Raw:
    """A reading reduced to columns, with the checksum of what is left.

    Raises
    ------
    DataError
        If a column is not there, or was set aside because it identifies people.
    """
    present = {str(name) for name in raw.frame.columns}
    absent = [name for name in names if name not in present]
    aside = {column for note in raw.notes if note.kind == "set_aside" for column in note.columns}
    held = [name for name in absent if name in aside]
    if held:
        shown = ", ".join(held)
        raise DataError(
            f"{path.name}: {shown} may identify people and is not loaded unless asked for by name.",
            remedy=f"read(path, columns=…, personal={held!r}) loads it.",
            ar=f"{path.name}: قد يدل {shown} على أشخاص، فلا يُحمّل إلا إذا طُلب بالاسم في personal=.",
        )
    _unknown(path, absent, raw.codebook)
    frame = raw.frame[list(names)]
    book = raw.codebook.only(names).ordered(*names)
    kept = set(names)
    notes = tuple(note for note in raw.notes if not note.columns or kept & {clean(name) for name in note.columns})
    return replace(raw, frame=frame, codebook=book, notes=notes, checksum=content_checksum(frame, book))


def _unknown(path: Path, absent: Collection[str], known: Collection[str]) -> None:
    if absent:
        shown = ", ".join(map(repr, absent))
        raise DataError(
            f"{path.name} has no column {shown}.",
            remedy=did_you_mean(next(iter(absent)), known),
            ar=f"ليس في الملف {path.name} عمود باسم {'، '.join(absent)}.",
        )
