"""Workbooks looked at before they are opened: how large they become, and what their XML declares."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path

from masar_research.errors import DataError

LARGEST, RATIO, PARTS = 4 << 30, 400, 20_000
_SMALL = 100 << 20


def check_workbook(path: Path) -> None:
    """Refuse a workbook that grows beyond measure when unpacked, or whose XML declares entities.

    Parameters
    ----------
    path : Path

    Raises
    ------
    DataError
        If the parts unpack to more than 4 GB, to more than 400 times the file's size (over 100 MB), are
        more than 20,000, or one declares a document type (no spreadsheet program writes one). A damaged
        archive is left for the reader to name.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            parts = archive.infolist()
            size = sum(part.file_size for part in parts)
            packed = max(path.stat().st_size, 1)
            if size > LARGEST or (size > _SMALL and size > RATIO * packed) or len(parts) > PARTS:
                raise DataError(
                    f"{path.name} unpacks to {size / 1e6:,.0f} MB in {len(parts):,} parts from {packed / 1e6:,.1f} MB.",
                    remedy="A workbook of data does not do that. Ask for it as CSV.",
                    ar=f"الملف {path.name} يتضخم عند فكه على نحو لا تفعله ملفات البيانات؛ اطلبه بصيغة CSV.",
                )
            for part in parts:
                if part.filename.endswith((".xml", ".rels")):
                    with archive.open(part) as stream:
                        head = stream.read(4096)
                    if b"<!DOCTYPE" in head or b"<!ENTITY" in head:
                        raise DataError(
                            f"{path.name} declares XML entities in {part.filename}; it was not opened.",
                            remedy="No spreadsheet program writes that. Save it again as .xlsx from a program you trust.",
                            ar=f"يعرّف الملف {path.name} كيانات XML؛ لم يُفتح. احفظه من جديد بصيغة xlsx.",
                        )
    except DataError:
        raise
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, OSError, EOFError, ValueError):
        return
