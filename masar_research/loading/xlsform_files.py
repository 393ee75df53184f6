"""Choice lists kept outside a form: a CSV file beside it, ``itemsets.csv`` or the sheet ``external_choices``."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path, PurePosixPath, PureWindowsPath

import pandas as pd

from masar_research.errors import DataError
from masar_research.loading.raw import Note
from masar_research.loading.tables import read_text_table

Rows = list[dict[str, str]]
MOST = 200_000


def listed_file(kind: str) -> str | None:
    """The file a question's type names: ``cities.csv`` of ``select_one_from_file cities.csv``.

    Examples
    --------
    >>> listed_file("select_one from file cities.csv"), listed_file("select_one yn")
    ('cities.csv', None)
    """
    match = re.match(r"(?i)^(?:select[ _](?:one|multiple)|rank)[ _]from[ _]file\s+(\S.*)$", kind.strip())
    return match[1].strip() if match else None


def rows_of_file(name: str, parameters: str, folder: Path, tidy: Callable[[pd.DataFrame], Rows]) -> tuple[Rows, Note]:
    """The choices of a file beside the form, as rows of a choices sheet.

    Parameters
    ----------
    name : str
        As the form writes it.
    parameters : str
        The question's parameters; ``value=`` and ``label=`` name other columns than ``name`` and ``label``.
    folder : Path
        Where the form lies.
    tidy : callable
        A table as rows of column name → text.

    Returns
    -------
    rows, note
        No rows where the file is not there, is no CSV, or is named by a path; the note says so.
    """
    plain = PurePosixPath(name).name == name == PureWindowsPath(name).name
    path = folder / name
    if not plain or path.suffix.lower() != ".csv" or not path.is_file():
        return [], _absent(name)
    told = dict(re.findall(r"(value|label)\s*=\s*(\S+)", parameters))
    rows = tidy(_small(read_text_table(path)[0], path))
    code = re.sub(r"\W+", "_", told.get("value", "name").lower())
    words = re.sub(r"\W+", "_", told["label"].lower()) if "label" in told else None
    if not any(code in row for row in rows):
        raise DataError(
            f"The choice file {name} has no column {told.get('value', 'name')!r}.",
            remedy="Name the column of codes 'name', or say parameters: value=… in the form. "
            f"Found: {', '.join(sorted({k for row in rows for k in row})[:10])}.",
            ar=f"ليس في ملف الخيارات {name} عمود للرموز باسم {told.get('value', 'name')}؛ سمّه name أو اذكره في parameters.",
        )
    out = []
    for row in rows:
        if code not in row:
            continue
        labels = {k: v for k, v in row.items() if k.lower().startswith("label")}
        if words in row:
            labels["label"] = row[words]
        out.append({"list_name": name, "name": row[code], **labels})
    return out, _taken(name, len(out))


def itemsets(folder: Path, sheet: Rows | None, tidy: Callable[[pd.DataFrame], Rows]) -> tuple[Rows, list[Note]]:
    """The lists of ``select_one_external``: the sheet ``external_choices``, else ``itemsets.csv`` beside the form."""
    if sheet is not None:
        return [row for row in sheet if "list_name" in row and "name" in row], []
    path = folder / "itemsets.csv"
    if not path.is_file():
        return [], [_absent("itemsets.csv")]
    rows = [row for row in tidy(_small(read_text_table(path)[0], path)) if "list_name" in row and "name" in row]
    return rows, [_taken("itemsets.csv", len(rows))]


def _small(table: pd.DataFrame, path: Path) -> pd.DataFrame:
    if len(table) > MOST:
        raise DataError(
            f"The choice file {path.name} holds {len(table):,} rows; at most {MOST:,} are read.",
            remedy="Leave only the choices the form shows.",
            ar=f"في ملف الخيارات {path.name} عدد من الصفوف يتجاوز الحد {MOST:,}؛ أبقِ الخيارات التي تعرضها الاستمارة.",
        )
    return table


def _taken(name: str, count: int) -> Note:
    return Note(
        "choices_file", f"{count:,} choices were read from {name} beside the form.",
        f"قُرئ {count:,} من الخيارات من الملف {name} المجاور للاستمارة.",
    )  # fmt: skip


def _absent(name: str) -> Note:
    return Note(
        "choices_absent",
        f"The choice list {name} is not a CSV file beside the form; its codes stay without labels.",
        f"قائمة الخيارات {name} ليست ملف CSV بجانب الاستمارة؛ تبقى رموزها بلا أوصاف.",
    )
