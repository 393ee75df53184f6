"""One wave as a KoBo export: group paths in the headers, select-multiples in 0/1 columns, KoBo's own columns."""

from __future__ import annotations

import re
import uuid
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from openpyxl import Workbook
from openpyxl.utils import get_column_letter

from .facts import SEED
from .questionnaire import LISTS, Item
from .xlsform import META, form_items

ZONE = "+03:00"
EMPTY_POSITION = ("location", "_location_latitude", "_location_longitude", "_location_altitude", "_location_precision")


def kobo_table(frame: pd.DataFrame, wave: int) -> tuple[list[str], list[np.ndarray]]:
    """Headers and columns of the export.

    Parameters
    ----------
    frame : pandas.DataFrame
        A wave's file as :meth:`generator.fieldwork.SampleFile.frame` gives it.
    wave : int
    """
    heads: list[str] = []
    columns: list[np.ndarray] = []

    def put(head: str, column: np.ndarray) -> None:
        heads.append(head)
        columns.append(column)

    items = form_items(wave)
    for item in items:
        if item.name in META:
            put(item.name, _stamp(frame[item.name], date=item.answers == "date"))
    for item in items:
        if item.name in META:
            continue
        path = f"g_{item.group}/{item.name}"
        if item.name == "sel_sex":
            for name in EMPTY_POSITION:
                put(f"g_roster/{name}", np.full(len(frame), None, object))
        if item.several:
            put(path, _joined(frame, item))
            for code, _, _ in LISTS[item.answers]:
                put(f"{path}/{code}", _cells(frame[f"{item.name}_{code}"]))
        else:
            put(path, _cells(frame[item.name]))
    _own(frame, wave, put)
    return heads, columns


def _own(frame: pd.DataFrame, wave: int, put: Callable[[str, np.ndarray], None]) -> None:
    """KoBo's own columns."""
    rng = np.random.default_rng([SEED, wave, 13])
    ids = [str(uuid.UUID(bytes=rng.bytes(16), version=4)) for _ in range(len(frame))]
    sent = pd.to_datetime(frame["interview_date"]) + pd.to_timedelta(20 * 60 + rng.integers(0, 180, len(frame)), unit="min")
    put("_id", np.arange(1, len(frame) + 1, dtype=object) + wave * 100_000)
    put("_uuid", np.array(ids, object))
    put("_submission_time", sent.dt.strftime("%Y-%m-%dT%H:%M:%S").to_numpy(object))
    put("_validation_status", np.full(len(frame), None, object))
    put("_notes", np.full(len(frame), None, object))
    put("_status", np.full(len(frame), "submitted_via_web", object))
    put("_submitted_by", np.full(len(frame), "demonstration", object))
    put("__version__", np.full(len(frame), f"masar_demo_{wave}", object))
    put("_tags", np.full(len(frame), None, object))
    put("_index", np.arange(1, len(frame) + 1, dtype=object))


def _stamp(column: pd.Series, *, date: bool) -> np.ndarray:
    stamps = pd.to_datetime(column)
    text = stamps.dt.strftime("%Y-%m-%d" if date else "%Y-%m-%dT%H:%M:%S.000") + ("" if date else ZONE)
    return text.where(stamps.notna(), None).to_numpy(object)


def _cells(column: pd.Series) -> np.ndarray:
    values = column.to_numpy(float)
    out = np.array([int(v) if v == int(v) else v for v in np.nan_to_num(values)], object)
    out[np.isnan(values)] = None
    return out


def _joined(frame: pd.DataFrame, item: Item) -> np.ndarray:
    codes = [code for code, _, _ in LISTS[item.answers]]
    table = frame[[f"{item.name}_{code}" for code in codes]].to_numpy(float)
    return np.array([None if np.isnan(row[0]) else " ".join(str(c) for c, v in zip(codes, row, strict=True) if v) for row in table], object)


def write_kobo(frame: pd.DataFrame, path: Path, wave: int) -> None:
    """Write the export as one sheet named after the form."""
    heads, columns = kobo_table(frame, wave)
    book = Workbook(write_only=True)
    sheet = book.create_sheet("masar_demo")
    sheet.append(heads)
    for row in zip(*columns, strict=True):
        sheet.append(row)
    book.save(path)
    _state_size(path, f"A1:{get_column_letter(len(heads))}{len(frame) + 1}")


def _state_size(path: Path, cells: str) -> None:
    """Write the sheet's extent into the file: without it a reader must parse the whole sheet to open it."""
    with zipfile.ZipFile(path) as before:
        parts = {info.filename: before.read(info) for info in before.infolist()}
    for name, part in parts.items():
        if re.fullmatch(r"xl/worksheets/sheet\d+\.xml", name) and b"<dimension" not in part[:2000]:
            place = re.search(rb"<(?:sheetViews|sheetFormatPr|cols|sheetData)[ />]", part).start()
            parts[name] = part[:place] + f'<dimension ref="{cells}"/>'.encode() + part[place:]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as after:
        for name, part in parts.items():
            after.writestr(name, part)
