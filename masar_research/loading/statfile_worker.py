"""Run as a program: reads files of statistics packages for another process, which survives if this one does not.

It imports nothing of the project. Each line of its input is a request, each line of its output the answer;
numbers go through files. A large SPSS file is cut by rows: this process forks for all but the first share,
and each share is read in a few pieces, so that memory stays small and what is done can be told.
See :mod:`masar_research.loading.statfile_process`.
"""

from __future__ import annotations

import json
import os
import signal
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


# A zlib file is unpacked from its beginning for every piece.
PIECES = {".sav": 4, ".zsav": 2}
GRACE = 30.0


def read(request: dict[str, Any]) -> dict[str, Any]:
    """What a file says about itself, and its values as parts in files under ``request["out"]``."""
    suffix = request["suffix"]
    options: dict[str, Any] = {"disable_datetime_conversion": True}
    if request.get("usecols"):
        options["usecols"] = request["usecols"]
    if suffix in _ENCODED:
        options["encoding"] = request.get("encoding")
    if suffix in _MISSING:
        options["user_missing"] = True
    if request.get("catalog"):
        options["catalog_file"] = request["catalog"]
    if request.get("metadataonly"):
        return facts(READERS[suffix](request["path"], metadataonly=True, **options)[1])
    shares = cut(request, options)
    if len(shares) < 2:
        return gather([share(request, options, 0, shares[0])])
    return gather(together(request, options, shares))


def cut(request: dict[str, Any], options: dict[str, Any]) -> list[list[tuple[int, int]]]:
    """Offsets and lengths of pieces, by process; one piece of no given length where a file is not cut."""
    suffix, processes = request["suffix"], request["processes"]
    whole = [[(0, 0)]]
    if suffix not in PIECES or os.path.getsize(request["path"]) < request["least_bytes"]:
        return whole
    meta = READERS[suffix](request["path"], metadataonly=True, **options)[1]
    rows, width = meta.number_rows or 0, len(meta.column_names)
    if rows < 1000 or rows * width < request["least_cells"]:
        return whole
    if not hasattr(os, "fork"):
        processes = 1
    each = PIECES[suffix]
    edges = [rows * k // (processes * each) for k in range(processes * each + 1)]
    pieces = [(low, high - low) for low, high in zip(edges, edges[1:], strict=False)]
    with open(f"{request['out']}.rows", "w") as file:
        file.write(str(rows))
    return [pieces[k * each : (k + 1) * each] for k in range(processes)]


def share(
    request: dict[str, Any], options: dict[str, Any], process: int, pieces: list[tuple[int, int]]
) -> list[dict[str, Any]]:
    """The parts of one process, one after the other."""
    return [part(request, options, f"{process}.{k}", *piece) for k, piece in enumerate(pieces)]


def part(request: dict[str, Any], options: dict[str, Any], name: str, low: int, many: int) -> dict[str, Any]:
    """Some rows: written to a file of their own; what stands in it as the answer."""
    rows = {"row_offset": low, "row_limit": many} if many else {}
    frame, meta = READERS[request["suffix"]](request["path"], **options, **rows)
    answer, place = facts(meta), f"{request['out']}.{name}"
    with open(place, "wb") as file:
        answer["columns"] = [
            [column, *write(frame[column].to_numpy(), answer["types"].get(column) == "string", file)]
            for column in frame.columns
        ]
    answer |= {"n": len(frame), "file": place}
    with open(f"{place}.done", "w") as file:
        file.write(str(len(frame)))
    return answer


def together(
    request: dict[str, Any], options: dict[str, Any], shares: list[list[tuple[int, int]]]
) -> list[list[dict[str, Any]]]:
    """Shares read side by side, the first by this process, the others by forks of it."""
    children = {}
    for process, pieces in enumerate(shares[1:], 1):
        pid = os.fork()
        if not pid:
            # no fork outlives the time the file may take, even if its parent is gone
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.setitimer(signal.ITIMER_REAL, request["seconds"] + GRACE)
            code = 1
            try:
                answer = attempt(lambda: share(request, options, process, pieces))
                with open(f"{request['out']}.{process}.json", "w") as file:
                    json.dump(answer, file)
                code = 0
            finally:
                os._exit(code)
        children[process] = pid
    answers = [attempt(lambda: share(request, options, 0, shares[0]))]
    for process, pid in children.items():
        if "error" in answers[0]:
            os.kill(pid, signal.SIGKILL)
        if os.waitpid(pid, 0)[1]:
            answers.append({"error": ["crash", "the library that reads such files broke down on it"]})
            continue
        with open(f"{request['out']}.{process}.json") as file:
            answers.append(json.load(file))
    for answer in answers:
        if "error" in answer:
            raise Refused(*answer["error"])
    return [answer["value"] for answer in answers]


class Refused(Exception):
    """An error of a share, with the name of its kind."""


def attempt(action: Any) -> dict[str, Any]:
    """``{"value": …}``, or ``{"error": [kind, reason]}``."""
    try:
        return {"value": action()}
    except Refused as error:
        return {"error": list(error.args)}
    except MemoryError:
        return {"error": ["MemoryError", "it asks for more memory than a file of its size can need"]}
    except Exception as error:
        return {"error": [type(error).__name__, str(error) or "no reason given"]}


def gather(shares: list[list[dict[str, Any]]]) -> dict[str, Any]:
    """One answer: the facts of the first part, and of every part its columns, rows, letters and file."""
    parts = [each for pieces in shares for each in pieces]
    answer = {key: value for key, value in parts[0].items() if key not in ("columns", "n", "file")}
    return answer | {"parts": [{key: each[key] for key in ("columns", "n", "file", "tags")} for each in parts]}


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
        answer = attempt(lambda: read(request))
        answer = answer.get("value", answer)
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
