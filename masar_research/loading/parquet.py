"""Parquet files: any program's tables, and our own with their codebook inside."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from masar_research.codebook import Codebook, from_plain, to_plain
from masar_research.errors import DataError
from masar_research.loading.raw import Note, Raw, content_checksum

KEY = b"masar_codebook"
FORM = 1


def write_parquet(raw: Raw, path: str | Path) -> Path:
    """Write a reading as a Parquet file that carries its codebook; `read` gives both back, with the same checksum.

    Other programs see an ordinary table. Text, numbers and dates keep their types, missing codes stay codes.

    Parameters
    ----------
    raw : Raw
        As `read` gives it. Repeat groups are tables of their own; write each with `rows_of`.
    path : str or Path
        Ends in ``.parquet``.

    Returns
    -------
    Path

    Raises
    ------
    DataError
        If the name does not end in ``.parquet`` or the place cannot be written.

    Examples
    --------
    >>> write_parquet(read("export.xlsx", form="form.xlsx"), "export.parquet")      # doctest: +SKIP
    """
    path = Path(path)
    if path.suffix.lower() != ".parquet":
        raise DataError(
            f"{path.name} does not end in .parquet.", remedy="Give the file a name ending in .parquet.",
            ar="يجب أن ينتهي اسم الملف بالامتداد ‎.parquet‎.",
        )  # fmt: skip
    frame = raw.frame
    arrays = [pa.array(frame[name], from_pandas=frame[name].dtype.kind != "f") for name in frame.columns]
    facts = {"form": FORM, "codebook": to_plain(raw.codebook), "checksum": raw.checksum}
    table = pa.table(arrays, names=[str(name) for name in frame.columns])
    table = table.replace_schema_metadata({KEY: json.dumps(facts, ensure_ascii=False).encode()})
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".part")
        os.close(handle)
        try:
            pq.write_table(table, temporary, compression="zstd")
            os.replace(temporary, path)
        finally:
            Path(temporary).unlink(missing_ok=True)
    except OSError as error:
        raise DataError(
            f"{path} cannot be written ({error.strerror or error}).", remedy="Check the folder and its permissions.",
            ar=f"تعذّرت كتابة الملف {path.name}؛ تحقق من المجلد وصلاحية الكتابة.",
        ) from None  # fmt: skip
    return path


def read_parquet(path: Path) -> tuple[pd.DataFrame, Codebook | None, list[Note]]:
    """A Parquet file as a frame, with its codebook where it carries one of ours.

    Raises
    ------
    DataError
        If it is damaged, or holds two columns of one name.
    """
    try:
        table = pq.read_table(path)
        table.validate(full=True)
        facts = (table.schema.metadata or {}).get(KEY)
        if len(set(table.column_names)) < len(table.column_names):
            raise pa.ArrowInvalid("two columns have one name")
        frame = table.replace_schema_metadata(None).to_pandas()
    except (pa.ArrowException, OSError, ValueError) as error:
        raise DataError(
            f"{path.name} is not a readable Parquet file ({_line(error)}).",
            remedy="Check that the copy is complete or write it again.",
            ar=f"تعذّرت قراءة ملف Parquet {path.name}؛ تأكد من اكتمال النسخة أو اكتبه من جديد.",
        ) from None
    if facts is None:
        return frame, None, []
    book, notes = _book(facts, frame)
    return frame, book, notes


def _book(facts: bytes, frame: pd.DataFrame) -> tuple[Codebook | None, list[Note]]:
    try:
        plain = json.loads(facts)
        book = from_plain(plain["codebook"])
        whole = plain["form"] == FORM and list(book) == [str(name) for name in frame.columns]
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError):
        whole = False
    if not whole:
        return None, [
            Note(
                "codebook_unread",
                "The codebook inside the file does not fit its columns; the file was read as a plain table.",
                "دليل المتغيرات داخل الملف لا يطابق أعمدته؛ قُرئ الملف جدولاً عادياً.",
            )
        ]
    typed = frame.astype({name: "str" for name in frame.columns if frame[name].dtype.kind not in "fM"})
    if plain.get("checksum") != content_checksum(typed, book):
        return book, [
            Note(
                "content_changed",
                "The values or labels of the file are not the ones it was written with; another program changed them.",
                "قيم الملف أو أوصافه ليست التي كُتب بها؛ غيّرها برنامج آخر.",
            )
        ]
    return book, []


def _line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
