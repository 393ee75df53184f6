"""Run as a program: reads files of statistics packages for another process, which survives if this one does not.

It imports nothing of the project. Each line of its input is a request, each line of its output the answer;
numbers go through a file. See :mod:`masar_research.loading.statfile_process`.
"""

from __future__ import annotations

import json
import os
import sys
import warnings
from typing import Any, BinaryIO

import numpy as np
import pyreadstat

READERS = {
    ".sav": pyreadstat.read_sav,
    ".zsav": pyreadstat.read_sav,
    ".por": pyreadstat.read_por,
    ".dta": pyreadstat.read_dta,
    ".sas7bdat": pyreadstat.read_sas7bdat,
    ".xpt": pyreadstat.read_xport,
}
_ENCODED, _MISSING = (".sav", ".zsav", ".dta", ".sas7bdat", ".xpt"), (".sav", ".zsav", ".dta", ".sas7bdat")


def read(request: dict[str, Any]) -> dict[str, Any]:
    """One file, or some rows and columns of it, as facts; its values go to ``request["out"]``."""
    suffix = request["suffix"]
    options: dict[str, Any] = {"disable_datetime_conversion": True}
    for key in ("usecols", "row_offset", "row_limit", "metadataonly"):
        if request.get(key):
            options[key] = request[key]
    if suffix in _ENCODED:
        options["encoding"] = request.get("encoding")
    if suffix in _MISSING:
        options["user_missing"] = True
    if request.get("catalog"):
        options["catalog_file"] = request["catalog"]
    frame, meta = READERS[suffix](request["path"], **options)
    answer = facts(meta)
    if not options.get("metadataonly"):
        with open(request["out"], "wb") as file:
            answer["columns"] = [
                [name, *write(frame[name].to_numpy(), answer["types"].get(name) == "string", file)]
                for name in frame.columns
            ]
        answer["n"] = len(frame)
    return answer


def write(values: np.ndarray, text: bool, file: BinaryIO) -> tuple[str, list[Any] | None]:
    """A column as doubles, or as 32-bit places in the list of its distinct values; −1 for none."""
    if not text:
        try:
            values.astype("<f8", copy=False).tofile(file)
            return "numbers", None
        except (TypeError, ValueError):  # letters of Stata's and SAS's missing values among the numbers
            pass
    places: dict[Any, int] = {}
    found = (-1 if v is None or v != v else places.setdefault(v, len(places)) for v in values.tolist())
    np.fromiter(found, "<i4", len(values)).tofile(file)
    return "values", [v if isinstance(v, str | int | float) else str(v) for v in places]


def facts(meta: Any) -> dict[str, Any]:
    """What a file says about its variables; codes as pairs, since keys of JSON are text."""
    return {
        "names": list(meta.column_names),
        "labels": {name: text for name, text in meta.column_names_to_labels.items() if text},
        "value_labels": {name: list(pairs.items()) for name, pairs in meta.variable_value_labels.items()},
        "ranges": meta.missing_ranges or {},
        "tags": {name: [str(tag) for tag in tags] for name, tags in (meta.missing_user_values or {}).items()},
        "measures": meta.variable_measure or {},
        "types": meta.readstat_variable_types or {},
        "formats": meta.original_variable_types or {},
        "sets": getattr(meta, "mr_sets", None) or {},
        "rows": meta.number_rows,
        "encoding": meta.file_encoding,
    }


def bound(more: int | None) -> None:
    """Let this process grow by so many bytes, where the system can say so."""
    try:
        import resource

        with open("/proc/self/statm") as file:
            now = int(file.read().split()[0]) * resource.getpagesize()
        limit = resource.RLIM_INFINITY if more is None else now + more
        resource.setrlimit(resource.RLIMIT_AS, (limit, resource.getrlimit(resource.RLIMIT_AS)[1]))
        resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    except (ImportError, OSError, ValueError):
        return


def main() -> None:
    """Answer requests until the input ends."""
    warnings.simplefilter("ignore")
    answers = os.fdopen(os.dup(1), "w", encoding="ascii")
    os.dup2(2, 1)  # what the C library prints is no answer
    for line in sys.stdin:
        request = json.loads(line)
        bound(request["memory"])
        try:
            answer = read(request)
        except MemoryError:
            answer = {"error": ["MemoryError", "it asks for more memory than a file of its size can need"]}
        except Exception as error:
            answer = {"error": [type(error).__name__, str(error) or "no reason given"]}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
