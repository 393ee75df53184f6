"""The peers' own virtual environment, from a hashed lock, apart from the project's."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
VENV = HERE / ".venv"
LOCK = HERE / "requirements.lock"
STAMP = VENV / ".stamp"


def peers_python() -> Path | None:
    """The interpreter that holds svy and samplics, installing them if need be; None if that fails."""
    python = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    stamp = hashlib.sha256(LOCK.read_bytes()).hexdigest() + sys.version.split()[0]
    if python.exists() and STAMP.exists() and STAMP.read_text(encoding="utf-8") == stamp:
        return python
    print("bench: installing svy and samplics into benchmarks/.venv (once) …", flush=True)
    import venv

    venv.EnvBuilder(with_pip=True, clear=VENV.exists()).create(VENV)
    uv = shutil.which("uv")
    install = [uv, "pip", "install", "--python", str(python), "--quiet"] if uv else [
        str(python), "-m", "pip", "install", "--disable-pip-version-check", "--quiet",
    ]  # fmt: skip
    done = subprocess.run([*install, "--require-hashes", "-r", str(LOCK)], cwd=HERE)
    if done.returncode:
        print(
            "bench: svy and samplics could not be installed (is there a network?); going on without them.",
            flush=True,
        )
        return None
    STAMP.write_text(stamp, encoding="utf-8")
    return python


def r_with_survey() -> str | None:
    """Rscript, if it is installed with the survey and jsonlite packages."""
    rscript = shutil.which("Rscript")
    if rscript is None:
        return None
    probe = (
        'if (!all(c("survey", "jsonlite") %in% rownames(installed.packages()))) quit(status = 1)'
    )
    return (
        rscript
        if subprocess.run([rscript, "-e", probe], capture_output=True).returncode == 0
        else None
    )
