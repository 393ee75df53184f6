"""A notebook executed once by papermill, in a fresh kernel of this very Python."""

from __future__ import annotations

import logging
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from masar_research.briefs import locations
from masar_research.errors import REMEDY, BriefError, MasarError

Progress = Callable[[str, int, int], None]
_SOCKET_PATH_LIMIT = 100
_COMPLAINTS = "kernel.log"


def quiet(stage: str, done: int, total: int) -> None:
    """A progress callback that says nothing."""


def execute(
    notebook: Path, output: Path, parameters: Mapping[str, Any], progress: Progress = quiet
) -> Mapping[str, Any]:
    """Execute `notebook` with `parameters` into `output`.

    Returns
    -------
    NotebookNode
        The executed notebook.

    Raises
    ------
    BriefError
        The notebook is missing, does not declare the parameters, or a cell failed; in the
        last case `output` holds the notebook with the error.
    """
    import papermill
    from papermill.exceptions import PapermillExecutionError

    if not notebook.exists():
        raise BriefError(
            f"The notebook {notebook.name} is not in notebooks/briefs.",
            remedy="Restore it from the repository, or correct the brief's name.",
        )
    total = _declared(notebook, parameters)

    def started(cell: Any, cell_index: int, **_: Any) -> None:
        progress("execute", cell_index, total)

    with _surroundings() as runtime:
        try:
            return papermill.execute_notebook(
                str(notebook),
                str(output),
                parameters=dict(parameters),
                kernel_name="python3",
                cwd=str(locations.root()),
                progress_bar=False,
                log_output=False,
                request_save_on_cell_execute=False,
                on_cell_start=started,
                kernel_manager_class=_manager(runtime),
            )
        except PapermillExecutionError as error:
            raise _of_cell(notebook, error) from error
        except MasarError:
            raise
        except Exception as error:
            raise BriefError(
                f"{notebook.name} could not be executed: {type(error).__name__}: {error}{_last_words(runtime)}",
                remedy="Check that the notebook opens in JupyterLab and that ipykernel is installed.",
                ar=f"تعذّر تنفيذ الدفتر {notebook.name}؛ تأكد من أنه يُفتح في JupyterLab ومن تثبيت ipykernel.",
            ) from error


def _of_cell(notebook: Path, error: Any) -> BriefError:
    """The error of a cell; one of ours keeps its remedy and its Arabic."""
    what, told, rest = error.evalue.strip().partition(f"\n{REMEDY}")
    remedy, _, arabic = rest.partition("\n")
    kept = "The notebook with the error was kept aside."
    return BriefError(
        f"Cell {error.cell_index} of {notebook.name} failed: {error.ename}: {_first_lines(what)}",
        remedy=f"{remedy} {kept}" if told else f"Correct what the message names. {kept}",
        ar=f"{arabic} فشل تنفيذ الدفتر؛ حُفظت نسخة منه مع الخطأ.".strip(),
    )


def _first_lines(text: str) -> str:
    return "\n".join(text.strip().splitlines()[:6])


def _declared(notebook: Path, parameters: Mapping[str, Any]) -> int:
    """The number of cells, once the notebook is known to declare the parameters."""
    import nbformat
    import papermill

    try:
        cells = len(nbformat.read(notebook, as_version=4).cells)
        declared = set(papermill.inspect_notebook(str(notebook)))
    except Exception as error:
        raise BriefError(
            f"{notebook.name} is not a notebook that can be read: {_first_lines(str(error))}",
            remedy="Open it in JupyterLab, or restore it from the repository.",
            ar=f"تعذّرت قراءة الدفتر {notebook.name}؛ افتحه في JupyterLab أو استعده من المستودع.",
        ) from error
    if declared != set(parameters):
        raise BriefError(
            f"The cell tagged 'parameters' of {notebook.name} declares {sorted(declared)}; "
            f"the catalogue says {sorted(parameters)}.",
            remedy="Make the two agree.",
        )
    return cells


@contextmanager
def _surroundings() -> Iterator[Path]:
    """Environment of an execution and a folder for its kernel; all as before afterwards."""
    runtime = Path(tempfile.mkdtemp(prefix="masar-"))
    package_home = str(Path(__file__).resolve().parents[2])
    paths = [package_home, *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    wanted = {
        "JUPYTER_PREFER_ENV_PATH": "1",
        "JUPYTER_RUNTIME_DIR": str(runtime),
        "PYTHONPATH": os.pathsep.join(dict.fromkeys(paths)),
        "MASAR_HOME": str(locations.root()),
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
    }
    before = {name: os.environ.get(name) for name in wanted}
    level = logging.getLogger("papermill").level
    logging.getLogger("papermill").setLevel(logging.ERROR)
    os.environ.update(wanted)
    try:
        yield runtime
    finally:
        logging.getLogger("papermill").setLevel(level)
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        shutil.rmtree(runtime, ignore_errors=True)


def _manager(runtime: Path) -> type:
    """A kernel whose sockets and complaints lie in a folder of its own.

    Sockets in files where they exist, so that builds at once cannot collide on a port; named here,
    since the names jupyter_client gives by default lie in the working folder and are shared.
    """
    from jupyter_client.manager import AsyncKernelManager

    sockets = runtime / "kernel"
    in_files = sys.platform != "win32" and len(os.fsencode(f"{sockets}-99")) <= _SOCKET_PATH_LIMIT
    place: dict[str, Any] = {"transport": "ipc", "ip": str(sockets)} if in_files else {}

    class Kernel(AsyncKernelManager):
        def __init__(self, **fields: Any) -> None:
            super().__init__(**place, **{**fields, "connection_file": str(runtime / "kernel.json")})

        async def _async_launch_kernel(self, kernel_cmd: list[str], **fields: Any) -> None:
            with (runtime / _COMPLAINTS).open("ab") as log:
                await super()._async_launch_kernel(kernel_cmd, **{**fields, "stderr": log})

    return Kernel


def _last_words(runtime: Path) -> str:
    """The last line a kernel left that could not go on."""
    log = runtime / _COMPLAINTS
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines() if log.exists() else []
    return f" ({lines[-1]})" if lines else ""
