"""Files read once: a Parquet copy keyed on the source's bytes, never on its name or date."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from masar_research.codebook import from_plain, to_plain
from masar_research.loading.places_of_files import home
from masar_research.loading.raw import Note, Raw

READER = "4"


def key_of(paths: list[Path], *options: str | None) -> str:
    """The cache key of some source files and the options they are read with."""
    digest = hashlib.sha256(f"reader {READER} pandas {pd.__version__}".encode())
    for path in paths:
        digest.update(path.suffix.lower().encode() + b"\x00")
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    for option in options:
        digest.update(b"\x01" + str(option).encode())
    return digest.hexdigest()


def allowed(cache: bool) -> bool:
    """Whether the cache may be used: the argument, unless ``MASAR_NO_CACHE`` is set."""
    return cache and os.environ.get("MASAR_NO_CACHE", "") in ("", "0")


def fetch(key: str) -> Raw | None:
    """A copy under that key, or None where there is none or it is damaged."""
    path = _place(key)
    try:
        table = pq.read_table(path)
        facts = json.loads(table.schema.metadata[b"masar"])
        columns = {}
        for name, kind in facts["columns"]:
            series = table.column(len(columns)).to_pandas()
            columns[name] = series.astype({"n": "float64", "d": "datetime64[us]", "t": "str"}[kind])
        frame = pd.DataFrame(columns, index=pd.RangeIndex(table.num_rows))
        return Raw(
            frame,
            from_plain(facts["codebook"]),
            tuple(Note(n["kind"], n["en"], n["ar"], tuple(n["columns"])) for n in facts["notes"]),
            facts["checksum"],
        )
    except (OSError, pa.ArrowException, KeyError, TypeError, ValueError):
        return None


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
    arrays = [pa.array(raw.frame[name], from_pandas=True) for name in raw.frame.columns]
    table = pa.table(arrays, names=[f"c{k}" for k in range(len(arrays))])
    table = table.replace_schema_metadata({"masar": json.dumps(facts, ensure_ascii=False)})
    path = _place(key)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".part")
        os.close(handle)
        try:
            pq.write_table(table, temporary, compression="zstd")
            os.replace(temporary, path)
        finally:
            Path(temporary).unlink(missing_ok=True)
    except OSError:
        return


def _place(key: str) -> Path:
    return home() / ".cache" / "read" / f"{key}.parquet"
