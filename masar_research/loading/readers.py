"""One door for files: ``read(path)`` gives a frame of codes and its codebook, whatever wrote the file."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import pandas as pd

from masar_research.codebook import Codebook
from masar_research.errors import DataError
from masar_research.loading import cache as copies
from masar_research.loading.archives import unpacked
from masar_research.loading.decimals import Decimal, settle
from masar_research.loading.exports import FormFiles, read_export, whole_form
from masar_research.loading.fingerprints import LARGE, changing, known, settled, stamp
from masar_research.loading.kobo_columns import undecidable
from masar_research.loading.parquet import read_parquet
from masar_research.loading.part import names_asked, only, read_part
from masar_research.loading.personal import check_wanted, find, form_note, looks_like_export, withdraw
from masar_research.loading.progress import told
from masar_research.loading.raw import Note, Raw, make_raw
from masar_research.loading.repair_values import codes_repaired, repaired
from masar_research.loading.statfile_process import make_ready
from masar_research.loading.statfiles import read_statfile
from masar_research.loading.tables import plain_codebook, read_excel, text_table, typed

TEXT, EXCEL, PARQUET = (".csv", ".tsv", ".txt"), (".xlsx", ".xlsm", ".xls"), (".parquet",)
STATISTICAL = (".sav", ".zsav", ".por", ".dta", ".sas7bdat", ".xpt")
FILES = (*STATISTICAL, *TEXT, *EXCEL, *PARQUET)
KNOWN = (*FILES, ".zip")
OneForm = str | Path | tuple[str | Path, str | Path]
FormPath = OneForm | list[OneForm]
# Notes of readings that hang on files beside the one that was named
_BESIDE = ("repeats_absent", "choices_file", "choices_absent")


@dataclass(frozen=True, slots=True)
class _Asked:
    """How a file is to be read: its forms, its sheet, personal columns wanted, decimal signs, decisions on versions."""

    forms: tuple[FormFiles, ...]
    sheet: str | None
    wanted: tuple[str, ...]
    decimal: Decimal
    decide: Mapping[str, str]

    @property
    def key(self) -> str | None:
        plain = sorted(self.decimal.items()) if isinstance(self.decimal, Mapping) else self.decimal
        return None if plain is None and not self.decide and len(self.forms) < 2 else repr((plain, sorted(self.decide.items()), len(self.forms)))


def read(
    path: str | Path,
    *,
    form: FormPath | None = None,
    sheet: str | None = None,
    personal: Sequence[str] = (),
    cache: bool = True,
    decimal: Decimal = None,
    decide: Mapping[str, Literal["same", "split"]] | None = None,
    columns: Sequence[str] | None = None,
) -> Raw:
    """Read a data file as it is, with what the file itself says about it.

    Parameters
    ----------
    path : str or Path
        ``.sav .zsav .por .dta .sas7bdat .xpt .csv .tsv .xlsx .parquet``, or a ``.zip`` with one of them or with
        the CSV files of an ODK Central export.
    form : str, Path, (survey, choices) or list of these, optional
        The XLSForm of a KoBo, ODK or SurveyCTO export (a workbook, or its two sheets as CSV): labels in English
        and Arabic, multi-selects as 0/1 columns, conditions as universes, personal columns set aside. A list
        holds the versions of one form, the oldest first.
    sheet : str, optional
        Sheet of a workbook, the first without it; or the file to read in a zip that holds several.
    personal : sequence of str
        Columns that identify people, to be loaded all the same: their names, or a kind (``name phone
        national_number email address coordinates device media open_text``). Without it they are set aside
        and named in the notes. Such a reading is never cached.
    cache : bool
        Keep and use a Parquet copy under ``.cache/read`` keyed on the file's content. The environment
        variable ``MASAR_NO_CACHE=1`` turns it off.
    decimal : {".", ",", "text"} or mapping, optional
        The decimal sign of numbers written in text, or column → sign. Needed only where nothing in the file
        tells whether 1,234 is a thousand and more; ``"text"`` leaves a column as it is.
    decide : mapping, optional
        Question → ``"same"`` or ``"split"``, for questions that versions of the form contradict each other in:
        the newest words hold for all, or answers of older versions go to ``question__version``.
    columns : sequence of str, optional
        Only these columns, in this order: from a copy or a statistics file the others are not read. The
        checksum is then that of these columns. A file that is not yet copied is not copied by such a reading.

    Returns
    -------
    Raw
        ``frame`` (codes as float64, text as str, dates as datetime64[us]; declared missing codes stay in),
        ``codebook``, ``notes``, ``checksum``.

    Raises
    ------
    DataError
        If the file is absent, damaged, of an unknown kind, or not what its extension says; if its numbers or
        the versions of its form need a decision.

    Examples
    --------
    >>> raw = read("data/demo/masar_demo_2026.sav")      # doctest: +SKIP
    >>> raw.codebook.search("age")                       # doctest: +SKIP
    """
    path = Path(path)
    forms = _forms(form)
    files = [each for one in forms for each in (one if isinstance(one, tuple) else (one,))]
    _exists(path)
    for each in files:
        _exists(each)
    suffix = path.suffix.lower()
    if suffix not in KNOWN:
        raise DataError(
            f"{path.name}: files ending in {suffix or '(nothing)'} are not known.",
            remedy=_ELSEWHERE.get(suffix, f"Known: {', '.join(KNOWN)}."),
            ar=f"لا تُعرف الملفات المنتهية بـ {suffix or '(لا شيء)'}. المعروف: {'، '.join(KNOWN)}.",
        )
    if sheet is not None and suffix not in (*EXCEL, ".zip"):
        raise DataError(
            f"sheet={sheet!r} was given, but {path.name} is not a workbook.", remedy="Leave sheet out.",
            ar=f"أُعطيت sheet={sheet} والملف {path.name} ليس مصنّف جداول؛ احذفها.",
        )  # fmt: skip
    if forms and suffix not in (*EXCEL, *TEXT, ".zip"):
        raise DataError(
            f"A form was given, but {path.name} is not a KoBo or ODK export.",
            remedy="Use the form with the .xlsx, .csv or .zip export.",
            ar=f"أُعطيت استمارة والملف {path.name} ليس تصديراً من KoBo أو ODK؛ استعملها مع ملف ‎.xlsx‎ أو ‎.csv‎ أو ‎.zip‎.",
        )
    if decide and len(forms) < 2:
        raise DataError(
            "decide= was given, but there is only one form.", remedy="Leave it out, or give the versions: form=[oldest, …, newest].",
            ar="أُعطيت decide= وليست هناك إلا استمارة واحدة؛ احذفها أو أعط النسخ كلها.",
        )  # fmt: skip
    _sniff(path, suffix)
    wanted = (personal,) if isinstance(personal, str) else tuple(personal)
    asked = _Asked(forms, sheet, wanted, decimal, dict(decide or {}))
    names = names_asked(columns)
    if wanted or not copies.allowed(cache):
        raw = _shown(path, asked, names)
        check_wanted(wanted, raw.notes, raw.frame.columns)
        return raw if names is None else only(raw, names, path)
    before, now = stamp([path, *files]), time.time_ns()
    if suffix in STATISTICAL and before[0][0] >= LARGE and known(path) is None:
        make_ready()
    extra = [] if asked.key is None else [asked.key]
    key = copies.key_of([path, *files], sheet, *extra)
    raw = copies.fetch(key, names)
    if raw is None:
        raw = _shown(path, asked, names)
        # the key is of the bytes before the reading: they must be those that were read
        if stamp([path, *files]) != before or not settled(before, now):
            if copies.key_of([path, *files], sheet, *extra) != key:
                raise changing(path)
        # a copy holds one table, and knows nothing of files beside it
        whole = names is None or suffix not in STATISTICAL
        if whole and not raw.related and all(note.kind not in _BESIDE for note in raw.notes):
            copies.store(key, raw)
    return raw if names is None else only(raw, names, path)


def _shown(path: Path, asked: _Asked, names: tuple[str, ...] | None) -> Raw:
    with told(path.name) as done:
        return _read(path, asked, names, done)


def _read(
    path: Path,
    asked: _Asked,
    names: tuple[str, ...] | None = None,
    done: Callable[[float], None] | None = None,
) -> Raw:
    suffix = path.suffix.lower()
    if suffix == ".zip":
        member = asked.sheet if asked.sheet is not None and asked.sheet.lower().endswith(FILES) else None
        with unpacked(path, member, FILES) as (inner, notes):
            _sniff(inner, inner.suffix.lower())
            inside = replace(asked, sheet=None) if member is not None else asked
            raw = _read(inner, inside, None, done)
            return replace(raw, notes=(*notes, *raw.notes))
    if suffix in STATISTICAL:
        _no_decimal(asked, path)
        frame, codebook, notes = read_statfile(path, done=done) if names is None else read_part(path, names, done)
        return _settled(frame, codebook, notes, asked.wanted)
    book, semicolons = None, False
    if suffix in PARQUET:
        table, book, notes = read_parquet(path)
    elif suffix in EXCEL:
        table, notes = read_excel(path, asked.sheet)
    else:
        text = text_table(path)
        table, notes, semicolons = text.frame, text.notes, text.separator == ";"
    if book is not None:
        _no_decimal(asked, path)
        frame, more = table.astype({n: "str" for n in table.columns if table[n].dtype.kind not in "fM"}), []
        return _settled(frame, book, [*notes, *more], asked.wanted)
    table, _, more = repaired(table)
    notes = [*notes, *more]
    if asked.forms:
        form, splits = whole_form(asked.forms, asked.decide)
        table, more = settle(table, asked.decimal, semicolons=semicolons, exempt=undecidable(table, list(form.questions)))
        return read_export(path, table, [*notes, *more], form, splits, asked.sheet, asked.wanted, asked.decimal)
    if looks_like_export(table):
        notes = [*notes, form_note()]
    table, more = settle(table, asked.decimal, semicolons=semicolons)
    frame, kept = typed(table)
    return _settled(frame, plain_codebook(frame), [*notes, *more, *kept], asked.wanted)


def _no_decimal(asked: _Asked, path: Path) -> None:
    if asked.decimal is not None:
        raise DataError(
            f"decimal= was given, but the numbers of {path.name} are numbers already.", remedy="Leave it out.",
            ar=f"أُعطيت decimal= وأعداد الملف {path.name} أعداد أصلاً؛ احذفها.",
        )  # fmt: skip


def _settled(frame: pd.DataFrame, codebook: Codebook, notes: list[Note], wanted: tuple[str, ...]) -> Raw:
    """What was read without the columns that identify somebody."""
    frame, turned, mended = repaired(frame)
    codebook = codes_repaired(codebook, turned)
    frame, codebook, more = withdraw(frame, codebook, find(frame, codebook), wanted)
    notes = [*notes, *mended]
    return make_raw(_plain(frame), codebook, [*notes, *more])


def _plain(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.reset_index(drop=True)


def _forms(form: FormPath | None) -> tuple[FormFiles, ...]:
    if form is None:
        return ()
    if isinstance(form, list):
        if not form:
            raise DataError(
                "form= was given an empty list.", remedy="Give the versions of the form, the oldest first, or leave it out.",
                ar="أُعطيت form= قائمة فارغة؛ أعط نسخ الاستمارة من الأقدم إلى الأحدث أو احذفها.",
            )  # fmt: skip
        return tuple(each for one in form for each in _forms(one))
    if isinstance(form, tuple):
        if len(form) != 2:
            raise DataError(
                f"form= was given {len(form)} files.",
                remedy="Give one workbook, or the survey and the choices sheet; versions of a form go into a list.",
                ar="أعط مصنّفاً واحداً، أو ورقتي survey وchoices؛ ونسخ الاستمارة تُعطى في قائمة.",
            )
        return ((Path(form[0]), Path(form[1])),)
    return (Path(form),)


_ELSEWHERE = {
    ".ods": "Save it as .xlsx and read that.",
    ".xlsb": "Save it as .xlsx and read that.",
    ".rds": "Write it from R with haven::write_sav or arrow::write_parquet and read that.",
    ".rdata": "Write it from R with haven::write_sav or arrow::write_parquet and read that.",
    ".7z": "Unpack it and read the file inside.",
    ".rar": "Unpack it and read the file inside.",
    ".gz": "Unpack it and read the file inside.",
    ".json": "Export it as CSV or Excel with XML names as headers.",
}


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
    (b"PK\x03\x04", (".xlsx", ".xlsm", ".zip"), "a zip or Excel file"),
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
