"""One door for files: ``read(path)`` gives a frame of codes and its codebook, whatever wrote the file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd

from masar_research.codebook import Codebook
from masar_research.errors import DataError
from masar_research.loading import cache as copies
from masar_research.loading.kobo import apply_form
from masar_research.loading.kobo_repeats import read_repeats
from masar_research.loading.personal import check_wanted, find, form_note, looks_like_export, withdraw
from masar_research.loading.raw import Note, Raw, make_raw
from masar_research.loading.tables import plain_codebook, read_excel, read_parquet, read_text_table, typed
from masar_research.loading.xlsform import read_form

TEXT, EXCEL, PARQUET = (".csv", ".tsv", ".txt"), (".xlsx", ".xlsm", ".xls"), (".parquet",)
STATISTICAL = (".sav", ".zsav", ".por", ".dta", ".sas7bdat", ".xpt")
KNOWN = (*STATISTICAL, *TEXT, *EXCEL, *PARQUET)
FormPath = str | Path | tuple[str | Path, str | Path]


def read(
    path: str | Path,
    *,
    form: FormPath | None = None,
    sheet: str | None = None,
    personal: Sequence[str] = (),
    cache: bool = True,
) -> Raw:
    """Read a data file as it is, with what the file itself says about it.

    Parameters
    ----------
    path : str or Path
        ``.sav .zsav .por .dta .sas7bdat .xpt .csv .tsv .xlsx .parquet``.
    form : str, Path or (survey, choices), optional
        The XLSForm of a KoBo or ODK export (a workbook, or its two sheets as CSV): labels in English and
        Arabic, multi-selects as 0/1 columns, conditions as universes, personal columns set aside.
    sheet : str, optional
        Sheet of a workbook; the first without it.
    personal : sequence of str
        Columns that identify people, to be loaded all the same: their names, or a kind (``name phone
        national_number email address coordinates device media open_text``). Without it they are set aside
        and named in the notes. Such a reading is never cached.
    cache : bool
        Keep and use a Parquet copy under ``.cache/read`` keyed on the file's bytes. The environment
        variable ``MASAR_NO_CACHE=1`` turns it off.

    Returns
    -------
    Raw
        ``frame`` (codes as float64, text as str, dates as datetime64[us]; declared missing codes stay in),
        ``codebook``, ``notes``, ``checksum``.

    Raises
    ------
    DataError
        If the file is absent, damaged, of an unknown kind, or not what its extension says.

    Examples
    --------
    >>> raw = read("data/demo/masar_demo_2026.sav")      # doctest: +SKIP
    >>> raw.codebook.search("age")                       # doctest: +SKIP
    """
    path = Path(path)
    forms = _forms(form)
    _exists(path)
    for each in forms:
        _exists(each)
    suffix = path.suffix.lower()
    if suffix not in KNOWN:
        raise DataError(
            f"{path.name}: files ending in {suffix or '(nothing)'} are not known.",
            remedy=f"Known: {', '.join(KNOWN)}.",
        )
    if sheet is not None and suffix not in EXCEL:
        raise DataError(
            f"sheet={sheet!r} was given, but {path.name} is not a workbook.", remedy="Leave sheet out."
        )
    if forms and suffix not in (*EXCEL, *TEXT):
        raise DataError(
            f"A form was given, but {path.name} is not a KoBo or ODK export.",
            remedy="Use the form with the .xlsx or .csv export.",
        )
    _sniff(path, suffix)
    wanted = (personal,) if isinstance(personal, str) else tuple(personal)
    if wanted or not copies.allowed(cache):
        raw = _read(path, suffix, forms, sheet, wanted)
        check_wanted(wanted, raw.notes, raw.frame.columns)
        return raw
    key = copies.key_of([path, *forms], sheet)
    raw = copies.fetch(key)
    if raw is None:
        raw = _read(path, suffix, forms, sheet, ())
        # a copy holds one table, and knows nothing of files beside it
        if not raw.related and all(note.kind != "repeats_absent" for note in raw.notes):
            copies.store(key, raw)
    return raw


def _read(path: Path, suffix: str, forms: tuple[Path, ...], sheet: str | None, wanted: tuple[str, ...]) -> Raw:
    if suffix in STATISTICAL:
        from masar_research.loading.statfiles import read_statfile

        frame, codebook, notes = read_statfile(path)
        return _settled(frame, codebook, notes, wanted)
    if suffix in PARQUET:
        table, notes = read_parquet(path), []
    elif suffix in EXCEL:
        table, notes = read_excel(path, sheet)
    else:
        table, notes = read_text_table(path)
    if forms:
        form = read_form(forms[0] if len(forms) == 1 else (forms[0], forms[1]))
        frame, codebook, more = apply_form(table, form, path.name, wanted)
        raw = make_raw(_plain(frame), codebook, [*notes, *more])
        if sheet is not None or not any(question.repeat for question in form.questions):
            return raw
        tables, more = read_repeats(path, form, table.reset_index(drop=True), (raw.frame, codebook), wanted)
        notes = [note for note in raw.notes if note.kind != "sheets" or not tables]
        return replace(raw, related=tables, notes=(*notes, *more))
    if looks_like_export(table):
        notes = [*notes, form_note()]
    frame, more = typed(table)
    return _settled(frame, plain_codebook(frame), [*notes, *more], wanted)


def _settled(frame: pd.DataFrame, codebook: Codebook, notes: list[Note], wanted: tuple[str, ...]) -> Raw:
    """What was read without the columns that identify somebody."""
    frame, codebook, more = withdraw(frame, codebook, find(frame, codebook), wanted)
    return make_raw(_plain(frame), codebook, [*notes, *more])


def _plain(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.reset_index(drop=True).copy()


def _forms(form: FormPath | None) -> tuple[Path, ...]:
    if form is None:
        return ()
    if isinstance(form, tuple):
        if len(form) != 2:
            raise DataError(
                f"form= was given {len(form)} files.",
                remedy="Give one workbook, or the survey and the choices sheet.",
            )
        return tuple(Path(each) for each in form)
    return (Path(form),)


def _exists(path: Path) -> None:
    if path.is_dir():
        raise DataError(f"{path} is a folder.", remedy="Name a file in it.")
    if not path.is_file():
        near = (
            sorted(p.name for p in path.parent.glob("*") if p.suffix.lower() in KNOWN)
            if path.parent.is_dir()
            else []
        )
        raise DataError(
            f"There is no file {path}.",
            remedy=f"In that folder are: {', '.join(near[:10])}." if near else "Check the path.",
            ar=f"الملف {path.name} غير موجود.",
        )


_MAGIC = (
    (b"$FL2", (".sav",), "an SPSS .sav file"),
    (b"$FL3", (".zsav", ".sav"), "a compressed SPSS .zsav file"),
    (b"PK\x03\x04", (".xlsx", ".xlsm"), "a zip or Excel file"),
    (b"PAR1", (".parquet",), "a Parquet file"),
    (b"<stata_dta>", (".dta",), "a Stata file"),
    (b"\xd0\xcf\x11\xe0", (".xls",), "an old Office file"),
    (b"version https://git-lfs", (), "a Git LFS pointer, not the data"),
    (b"<!DOCTYPE", (), "a web page"),
    (b"<!doctype", (), "a web page"),
    (b"<html", (), "a web page"),
    (b"%PDF", (), "a PDF"),
)


def _sniff(path: Path, suffix: str) -> None:
    with path.open("rb") as file:
        head = file.read(64)
    if not head:
        raise DataError(
            f"{path.name} is empty (0 bytes).",
            remedy="Copy or download it again.",
            ar=f"الملف {path.name} فارغ.",
        )
    for magic, kinds, what in _MAGIC:
        if head.startswith(magic) and suffix not in kinds:
            remedy = f"Rename it to end in {kinds[0]}." if kinds else "Fetch the data file itself."
            raise DataError(
                f"{path.name} is {what}, not what its name says.",
                remedy=remedy,
                ar=f"محتوى الملف {path.name} ليس من النوع الذي يدل عليه اسمه؛ صحّح امتداده أو أحضر ملف البيانات نفسه.",
            )
