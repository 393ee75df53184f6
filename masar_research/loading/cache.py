"""Files read once: a Parquet copy keyed on the source's bytes, never on its name or date."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Collection
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from masar_research.codebook import from_plain, to_plain
from masar_research.loading.assembling import frame_of
from masar_research.loading.fingerprints import content, write_whole
from masar_research.loading.places_of_files import home
from masar_research.loading.raw import Note, Raw

READER = "5"
# Columns read at once, and rows of a group: what is unpacked beside the frame stays small.
SLICE, ROWS = 25, 1 << 22


def key_of(paths: list[Path], *options: str | None) -> str:
    """The cache key of some source files and the options they are read with."""
    digest = hashlib.sha256(f"reader {READER} pandas {pd.__version__}".encode())
    for path in paths:
        digest.update(path.suffix.lower().encode() + b"\x00" + bytes.fromhex(content(path)))
    for option in options:
        digest.update(b"\x01" + str(option).encode())
    return digest.hexdigest()


def allowed(cache: bool) -> bool:
    """Whether the cache may be used: the argument, unless ``MASAR_NO_CACHE`` is set."""
    return cache and os.environ.get("MASAR_NO_CACHE", "") in ("", "0")


def fetch(key: str, columns: Collection[str] | None = None) -> Raw | None:
    """A copy under that key, or None where there is none or it is damaged.

    With `columns` only these are read; codebook, notes and checksum are those of the whole.
    """
    path = _place(key)
    try:
        with pq.ParquetFile(path) as file:
            facts = json.loads(file.schema_arrow.metadata[b"masar"])
            kinds = [(name, kind) for name, kind in facts["columns"] if columns is None or name in columns]
            places = {name: f"c{k}" for k, (name, _) in enumerate(facts["columns"])}
            frame = _frame(file, kinds, places)
        return Raw(
            frame,
            from_plain(facts["codebook"]),
            tuple(Note(n["kind"], n["en"], n["ar"], tuple(n["columns"])) for n in facts["notes"]),
            facts["checksum"],
        )
    except (OSError, pa.ArrowException, KeyError, TypeError, ValueError):
        return None


def _frame(file: pq.ParquetFile, kinds: list[tuple[str, str]], places: dict[str, str]) -> pd.DataFrame:
    """The columns, numbers slice by slice into one block that the frame keeps."""
    numbers = [name for name, kind in kinds if kind == "n"]
    rows = file.metadata.num_rows
    block = np.empty((len(numbers), rows))
    for low in range(0, len(numbers), SLICE):
        table = file.read(columns=[places[name] for name in numbers[low : low + SLICE]])
        for k, name in enumerate(numbers[low : low + SLICE], low):
            at = 0
            for chunk in table.column(places[name]).chunks:
                block[k, at : at + len(chunk)] = chunk.to_numpy(zero_copy_only=False)
                at += len(chunk)
    others = {}
    rest = [(name, kind) for name, kind in kinds if kind != "n"]
    if rest:
        table = file.read(columns=[places[name] for name, _ in rest])
        for name, kind in rest:
            series = table.column(places[name]).to_pandas()
            others[name] = series.astype({"d": "datetime64[us]", "t": "str"}[kind])
    return frame_of([name for name, _ in kinds], block, others)


def store(key: str, raw: Raw) -> None:
    """Keep a copy; a cache that cannot be written is no error."""
    kinds = [
        (str(name), {"f": "n", "M": "d"}.get(raw.frame[name].dtype.kind, "t")) for name in raw.frame.columns
    ]
    facts = {
        "columns": kinds,
        "checksum": raw.checksum,
        "codebook": to_plain(raw.codebook),
        "notes": [{"kind": n.kind, "en": n.en, "ar": n.ar, "columns": n.columns} for n in raw.notes],
    }
    arrays = [
        pa.array(raw.frame[name].to_numpy()) if kind == "n" else pa.array(raw.frame[name], from_pandas=True)
        for name, kind in kinds
    ]
    table = pa.table(arrays, names=[f"c{k}" for k in range(len(arrays))])
    table = table.replace_schema_metadata({"masar": json.dumps(facts, ensure_ascii=False)})
    write_whole(
        _place(key),
        lambda place: pq.write_table(table, place, compression="lz4", row_group_size=ROWS, write_statistics=False),
    )


def _place(key: str) -> Path:
    return home() / ".cache" / "read" / f"{key}.parquet"
