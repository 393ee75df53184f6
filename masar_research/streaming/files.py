"""Parquet files as pieces of bounded size, read with the columns that are needed and no others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from masar_research.errors import DataError

Paths = str | Path | Sequence[str | Path]


@dataclass(frozen=True, slots=True)
class Piece:
    """Some row groups of one file.

    Parameters
    ----------
    path : str
    groups : tuple of int
        Row groups, in their order.
    first_row : int
        Position of the first row in all files together.
    n_rows : int
    fixed : tuple of (str, value)
        Columns that the file's directory names (``wave=2026/part.parquet``).
    """

    path: str
    groups: tuple[int, ...]
    first_row: int
    n_rows: int
    fixed: tuple[tuple[str, Any], ...]

    def frames(
        self, columns: Sequence[str], block_rows: int
    ) -> Iterator[tuple[int, pd.DataFrame]]:
        """Blocks of at most `block_rows` rows, with the position of the first row of each."""
        fixed = dict(self.fixed)
        stored = [name for name in columns if name not in fixed]
        row = self.first_row
        with pq.ParquetFile(self.path) as file:
            batches = file.iter_batches(block_rows, row_groups=list(self.groups), columns=stored)
            for table in _filled(batches, block_rows):
                frame = table.to_pandas(split_blocks=True)
                frame.index = pd.RangeIndex(len(frame))
                for name in columns:
                    if name in fixed:
                        frame[name] = fixed[name]
                yield row, frame
                row += len(frame)


def _filled(batches: Iterator[pa.RecordBatch], rows: int) -> Iterator[pa.Table]:
    """Batches joined while they stay within `rows`; row groups may be small."""
    held: list[pa.RecordBatch] = []
    size = 0
    for batch in batches:
        if held and size + batch.num_rows > rows:
            yield pa.Table.from_batches(held)
            held, size = [], 0
        held.append(batch)
        size += batch.num_rows
    if held:
        yield pa.Table.from_batches(held)


@dataclass(frozen=True, slots=True)
class Files:
    """What a directory of Parquet files holds.

    Parameters
    ----------
    pieces : tuple of Piece
        In the order of their paths; files without rows have none.
    names : tuple of str
        Columns, those the directories name included.
    n_rows : int
    n_files : int
    """

    pieces: tuple[Piece, ...]
    names: tuple[str, ...]
    n_rows: int
    n_files: int

    def require(self, name: str) -> None:
        """Raise unless the files hold a column."""
        if name not in self.names:
            near = get_close_matches(name, self.names, n=3)
            hint = f" Did you mean {', '.join(near)}?" if near else ""
            raise DataError(
                f"The survey has no variable {name!r}.{hint}",
                remedy=f"The files hold: {', '.join(self.names[:30])}.",
                ar=f"لا يوجد في المسح متغيّر باسم «{name}».",
            )


def find(path: Paths, block_rows: int) -> Files:
    """List the pieces of one Parquet file, a list of them, or a directory and all below it.

    Parameters
    ----------
    path : str, Path or sequence of them
    block_rows : int
        Row groups are put together up to this many rows; a larger row group is a piece by
        itself and read in several blocks.

    Raises
    ------
    DataError
        If nothing is there, a file is not Parquet, a column is absent from some file or has
        another kind there, or no file has rows.
    """
    paths = _paths(path)
    try:
        found = ds.dataset(paths, format="parquet", partitioning="hive")
        fragments = list(found.get_fragments())
        metas = [fragment.metadata for fragment in fragments]
        schemas = [fragment.physical_schema for fragment in fragments]
    except (pa.ArrowInvalid, OSError) as error:
        raise DataError(
            f"A file cannot be read as Parquet: {str(error).splitlines()[0]}",
            remedy="Name Parquet files only, or the directory that holds them.",
            ar="لا يمكن قراءة أحد الملفات على أنه Parquet؛ سمِّ ملفات Parquet أو المجلد الذي يحويها.",
        ) from error
    pieces: list[Piece] = []
    row, kinds = 0, {}
    names: tuple[str, ...] | None = None
    for fragment, meta, schema in zip(fragments, metas, schemas, strict=True):
        fixed = tuple(ds.get_partition_keys(fragment.partition_expression).items())
        here = (*(n for n in schema.names if n not in dict(fixed)), *(name for name, _ in fixed))
        names = here if names is None else names
        _same_columns(fragment.path, names, here)
        if meta.num_rows:
            _same_kinds(fragment.path, schema, kinds)
        groups: list[int] = []
        size = 0
        for group in range(meta.num_row_groups):
            rows = meta.row_group(group).num_rows
            if groups and size + rows > block_rows:
                pieces.append(Piece(fragment.path, tuple(groups), row, size, fixed))
                row, groups, size = row + size, [], 0
            groups.append(group)
            size += rows
        if size:
            pieces.append(Piece(fragment.path, tuple(groups), row, size, fixed))
            row += size
    if not pieces:
        raise DataError(
            f"The {len(paths)} Parquet file(s) hold no rows.",
            remedy="Check whether the files were written completely.",
            ar="لا صفوف في ملفات Parquet المذكورة؛ تحقق من اكتمال كتابتها.",
        )
    return Files(tuple(pieces), names or (), row, len(paths))


def _paths(path: Paths) -> list[str]:
    given = [path] if isinstance(path, str | Path) else list(path)
    out: list[str] = []
    for each in map(Path, given):
        if each.is_dir():
            out += [str(p) for p in sorted(each.rglob("*.parquet"))]
        elif each.is_file():
            out.append(str(each))
        else:
            raise DataError(
                f"There is no file or directory {str(each)!r}.",
                remedy="Check the path; on a cluster every worker must see it under the same name.",
                ar=f"لا يوجد ملف أو مجلد بهذا الاسم: «{each}».",
            )
    if not out:
        raise DataError(
            f"No file ending in .parquet lies in {', '.join(map(str, given)) or 'an empty list'}.",
            remedy="Write the data as Parquet first (frame.to_parquet), or name the files one by one.",
            ar="لا ملفات تنتهي بـ .parquet في المكان المذكور.",
        )
    return out


def _same_columns(path: str, expected: Sequence[str], found: Sequence[str]) -> None:
    absent = sorted(set(expected) ^ set(found))
    if absent:
        raise DataError(
            f"The files hold different columns: {', '.join(absent[:8])} "
            f"{'is' if len(absent) == 1 else 'are'} not in all of them (seen at {path}).",
            remedy="Write all files with the same columns; a variable nobody was asked is a column of blanks.",
            ar=f"الملفات لا تحوي الأعمدة نفسها: {'، '.join(absent[:8])}.",
        )


def _same_kinds(path: str, schema: pa.Schema, kinds: dict[str, str]) -> None:
    for field in schema:
        kind = _kind(field.type)
        if kind == "blank":
            continue
        if kinds.setdefault(field.name, kind) != kind:
            raise DataError(
                f"{field.name!r} holds {kinds[field.name]} in some files and {kind} in {path}.",
                remedy="Write the column with one type in all files.",
                ar=f"نوع العمود «{field.name}» يختلف بين الملفات؛ اكتبه بنوع واحد فيها كلها.",
            )


def _kind(kind: pa.DataType) -> str:
    if pa.types.is_dictionary(kind):
        return _kind(kind.value_type)
    if pa.types.is_null(kind):
        return "blank"
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return "numbers"
    if pa.types.is_boolean(kind):
        return "truth values"
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return "text"
    return str(kind)
