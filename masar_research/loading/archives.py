"""Zip files: the CSV files of an ODK Central export, or the one data file somebody packed."""

from __future__ import annotations

import struct
import tempfile
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from masar_research.errors import DataError
from masar_research.loading.kobo_guard import LARGEST, RATIO
from masar_research.loading.raw import Note

MEMBERS = 200_000
_SMALL = 100 << 20
_TEXT = (".csv", ".tsv", ".txt")
_CHUNK = 1 << 20


@contextmanager
def unpacked(path: Path, member: str | None, kinds: Sequence[str]) -> Iterator[tuple[Path, list[Note]]]:
    """The data file of a zip, unpacked with its companions into a private folder that is deleted afterwards.

    The main file of an ODK Central export is the one whose name begins all the others (``Form.csv`` beside
    ``Form-member.csv``); pictures and recordings are not unpacked.

    Parameters
    ----------
    path : Path
    member : str or None
        The file inside to read, where there are several of equal rank.
    kinds : sequence of str
        Endings of files that can be read.

    Yields
    ------
    path, notes

    Raises
    ------
    DataError
        If the zip is damaged or locked, holds no data file or several of equal rank, holds names that lead
        out of the folder, or unpacks beyond measure.
    """
    with tempfile.TemporaryDirectory(prefix="masar_") as folder:
        main, others = _taken_out(path, member, kinds, Path(folder))
        yield main, [_note(path, main.name, others)]


def _taken_out(path: Path, member: str | None, kinds: Sequence[str], folder: Path) -> tuple[Path, list[str]]:
    """The main file and what lies beside it, unpacked; the names of the other data files."""
    try:
        with zipfile.ZipFile(path) as archive:
            parts = _data(path, archive, kinds)
            main = PurePosixPath(_main(path, parts, member))
            text = main.suffix.lower() in _TEXT
            for name in parts if text else [str(main)]:
                if PurePosixPath(name).parent == main.parent:
                    _unpack(archive, parts[name], folder / PurePosixPath(name).name, path)
            return folder / main.name, [PurePosixPath(name).name for name in parts if name != str(main)]
    except DataError:
        raise
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, RuntimeError, OSError, struct.error, ValueError) as error:
        raise DataError(
            f"{path.name} is not a readable zip file ({str(error).strip().rstrip('.') or type(error).__name__}).",
            remedy="Check that the copy is complete, or unpack it yourself and read the file inside.",
            ar=f"تعذّر فك الملف {path.name}؛ تأكد من اكتمال النسخة أو فكّه بنفسك واقرأ الملف الذي فيه.",
        ) from None


def _data(path: Path, archive: zipfile.ZipFile, kinds: Sequence[str]) -> dict[str, zipfile.ZipInfo]:
    members = archive.infolist()
    names = [member.filename for member in members]
    if "[Content_Types].xml" in names:
        raise DataError(
            f"{path.name} is a workbook, not a zip of files.", remedy="Rename it to end in .xlsx.",
            ar=f"الملف {path.name} مصنّف Excel؛ غيّر امتداده إلى ‎.xlsx‎.",
        )  # fmt: skip
    hostile = [name for name in names if "\\" in name or ":" in name or name.startswith("/") or ".." in PurePosixPath(name).parts]
    if hostile or len(members) > MEMBERS:
        what = f"names that lead out of it ({hostile[0]!r})" if hostile else f"{len(members):,} files"
        raise DataError(
            f"{path.name} holds {what}; it was not unpacked.", remedy="Ask the sender for the files themselves.",
            ar=f"في الملف {path.name} أسماء أو أعداد لا تكون في ملفات البيانات؛ لم يُفك. اطلب الملفات نفسها من المرسل.",
        )  # fmt: skip
    parts = {
        member.filename: member
        for member in members
        if not member.is_dir()
        and PurePosixPath(member.filename).suffix.lower() in kinds
        and not any(piece.startswith((".", "__MACOSX")) for piece in PurePosixPath(member.filename).parts)
    }
    if not parts:
        raise DataError(
            f"{path.name} holds no data file.",
            remedy=f"Looked for: {', '.join(kinds)}; found: {', '.join(names[:8]) or 'nothing'}.",
            ar=f"لا ملف بيانات في {path.name}.",
        )
    if any(part.flag_bits & 1 for part in parts.values()):
        raise DataError(
            f"{path.name} is locked with a password.", remedy="Unpack it with its password and read the file inside.",
            ar=f"الملف {path.name} مقفل بكلمة مرور؛ فكّه بها ثم اقرأ الملف الذي فيه.",
        )  # fmt: skip
    size = sum(part.file_size for part in parts.values())
    if size > LARGEST or (size > _SMALL and size > RATIO * max(path.stat().st_size, 1)):
        raise DataError(
            f"{path.name} unpacks to {size / 1e6:,.0f} MB of data from {path.stat().st_size / 1e6:,.1f} MB.",
            remedy="An export does not do that. Ask the sender for the CSV files themselves.",
            ar=f"الملف {path.name} يتضخم عند فكه على نحو لا تفعله ملفات البيانات؛ اطلب ملفات CSV نفسها.",
        )
    return parts


def _main(path: Path, parts: dict[str, zipfile.ZipInfo], member: str | None) -> str:
    if member is not None:
        found = [name for name in parts if member in (name, PurePosixPath(name).name)]
        if len(found) == 1:
            return found[0]
        raise DataError(
            f"{path.name} holds {'no file' if not found else 'several files'} {member!r}.",
            remedy=f"Name one of: {', '.join(list(parts)[:12])}.",
            ar=f"ليس في {path.name} ملف واحد باسم {member}. الملفات: {'، '.join(list(parts)[:12])}.",
        )
    if len(parts) == 1:
        return next(iter(parts))
    texts = [PurePosixPath(name) for name in parts if PurePosixPath(name).suffix.lower() in _TEXT]
    chief = [
        each
        for each in texts
        if len(texts) > 1
        and all(other == each or (other.parent == each.parent and other.stem.startswith(f"{each.stem}-")) for other in texts)
    ]
    if len(chief) == 1 and len(texts) == len(parts):
        return str(chief[0])
    raise DataError(
        f"{path.name} holds several data files: {', '.join(list(parts)[:12])}.",
        remedy=f"Name the one to read: read(path, sheet={PurePosixPath(next(iter(parts))).name!r}).",
        ar=f"في {path.name} عدة ملفات بيانات؛ سمِّ المراد بـ sheet=، ومنها: {'، '.join(list(parts)[:12])}.",
    )


def _unpack(archive: zipfile.ZipFile, part: zipfile.ZipInfo, to: Path, path: Path) -> None:
    """Copy one member, never more bytes than it declares."""
    left = part.file_size
    with archive.open(part) as source, to.open("wb") as target:
        while chunk := source.read(_CHUNK):
            left -= len(chunk)
            if left < 0:
                raise DataError(
                    f"{part.filename} in {path.name} is larger than it says.", remedy="Ask the sender for the file itself.",
                    ar=f"الملف {part.filename} في {path.name} أكبر مما يعلن؛ اطلبه من المرسل غير مضغوط.",
                )  # fmt: skip
            target.write(chunk)


def _note(path: Path, main: str, others: list[str]) -> Note:
    more_en = f"; beside it lie {', '.join(others[:8])}{', …' if len(others) > 8 else ''}" if others else ""
    more_ar = f"؛ وبجانبه {'، '.join(others[:8])}{'، …' if len(others) > 8 else ''}" if others else ""
    return Note("unpacked", f"{main} was read out of {path.name}{more_en}.", f"قُرئ {main} من داخل {path.name}{more_ar}.")
