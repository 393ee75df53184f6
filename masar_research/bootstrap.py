"""Set-up on a bare Python: the virtual environment from the lock file, and the tasks of `make`.

Standard library only, and readable by any Python from 3.6 on, which then says which one is needed
(so no future imports here, in ``__init__`` and in ``__main__``): this module runs before anything is
installed, so that ``python -m masar_research briefs`` does on Windows what ``make briefs``
does elsewhere.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
LOCK = ROOT / "requirements.lock"
STAMP = VENV / ".masar-stamp"
SUPPORTED = ((3, 11), (3, 13))
TASKS = {
    "setup": "install everything into .venv from the lock file",
    "briefs": "build every brief, Arabic and English, into reports/",
    "test": "run the tests (ten minutes at most)",
    "test-full": "run the long tests: simulations, browser, kill, scale (an hour at most)",
    "lab": "open JupyterLab on the first notebook",
    "bench": "time us against svy, samplics and R survey",
    "verify": "rebuild each published number from its source file and compare",
    "clean": "remove built reports and caches (the environment stays)",
}


def say(text: str) -> None:
    """One line; letters that the terminal cannot show are replaced rather than fatal."""
    line = f"masar: {text}"
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    print(line.encode(encoding, "replace").decode(encoding), flush=True)


def venv_python() -> Path:
    return VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def fail(en: str, ar: str) -> None:
    say(en)
    say(ar)
    raise SystemExit(1)


def stamp_text() -> str:
    digest = hashlib.sha256()
    for path in (LOCK, ROOT / "pyproject.toml"):
        digest.update(path.read_bytes())
    return json.dumps({"lock": digest.hexdigest(), "at": str(ROOT)})


def is_ready() -> bool:
    return (
        venv_python().exists()
        and STAMP.exists()
        and STAMP.read_text(encoding="utf-8") == stamp_text()
    )


def ensure() -> Path:
    """The environment's Python, after installing what the lock file lists if that is needed."""
    if not LOCK.exists():
        fail(
            f"{LOCK.name} is not there; restore it from the repository: git checkout {LOCK.name}",
            f"الملف {LOCK.name} غير موجود؛ استعده من المستودع بالأمر: git checkout {LOCK.name}",
        )
    if in_own_environment():
        return Path(sys.executable)
    if is_ready():
        return venv_python()
    check_python()
    try:
        if not is_usable():
            say(f"creating a virtual environment in {VENV.name}/ with Python {sys.version.split()[0]} …")
            make_venv()
        install()
        STAMP.write_text(stamp_text(), encoding="utf-8")
    except (OSError, subprocess.CalledProcessError) as error:
        fail(
            f"the environment in {VENV.name}/ could not be made ({error}); check that the folder can be written and "
            "the disk has room, then run the same command again.",
            f"تعذّر إنشاء البيئة في {VENV.name}/؛ تأكد من صلاحية الكتابة ومن مساحة القرص ثم أعد الأمر نفسه.",
        )
    say("set-up is complete; from here on everything works offline.")
    return venv_python()


def in_own_environment() -> bool:
    """Inside .venv already, or in the conda environment that environment.yml describes."""
    if Path(sys.prefix).resolve() == VENV.resolve():
        return is_ready()
    return os.environ.get("CONDA_DEFAULT_ENV") == "masar_research" and bool(
        os.environ.get("CONDA_PREFIX")
    )


def check_python() -> None:
    low, high = SUPPORTED
    if not low <= sys.version_info[:2] <= high:
        fail(
            f"this is Python {sys.version.split()[0]}; Python 3.11, 3.12 or 3.13 is needed. "
            "Install one, e.g.: sudo apt install python3.11 python3.11-venv, and run: make PYTHON=python3.11 briefs",
            f"هذه نسخة بايثون {sys.version.split()[0]}، ويلزم 3.11 أو 3.12 أو 3.13. ثبّت إحداها، مثلاً: "
            "sudo apt install python3.11 python3.11-venv ثم: make PYTHON=python3.11 briefs",
        )
    try:
        import ensurepip  # noqa: F401
        import venv  # noqa: F401
    except ImportError:
        package = f"python{sys.version_info[0]}.{sys.version_info[1]}-venv"
        fail(
            f"Python's venv module is missing; install it, e.g.: sudo apt install {package}",
            f"وحدة venv غير متوفرة؛ ثبّتها مثلاً بالأمر: sudo apt install {package}",
        )


def is_usable() -> bool:
    """Whether .venv is whole and of a Python the lock serves: an interrupted creation leaves one without pip."""
    if not venv_python().exists():
        return False
    test = f"import pip, sys; sys.exit(not {SUPPORTED[0]} <= sys.version_info[:2] <= {SUPPORTED[1]})"
    command = [str(venv_python()), "-c", test]
    return subprocess.run(command, stderr=subprocess.DEVNULL).returncode == 0


def make_venv() -> None:
    import venv

    venv.EnvBuilder(with_pip=True, clear=VENV.exists()).create(VENV)


def install() -> None:
    python = str(venv_python())
    uv = shutil.which("uv")
    pip = [uv, "pip", "install", "--python", python, "--quiet"] if uv else [
        python, "-m", "pip", "install", "--disable-pip-version-check", "--quiet", "--progress-bar", "off",
    ]  # fmt: skip
    count = LOCK.read_text(encoding="utf-8").count("==")
    minutes = "about half a minute" if uv else "two to three minutes"
    say(f"installing {count} locked packages ({minutes}, once) …")
    environment = {**os.environ, "UV_COMPILE_BYTECODE": "1"}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    run([*pip, "--require-hashes", "-r", str(LOCK)], environment)
    say("installing masar_research itself …")
    run([*pip, "--no-deps", "--no-build-isolation", "-e", str(ROOT)], environment)
    quiet_lab()


def run(command: list, environment: dict) -> None:
    if subprocess.run(command, cwd=ROOT, env=environment).returncode:
        fail(
            "the installation did not finish; see the message above (is there a network?), then run the same command again.",
            "لم يكتمل التثبيت؛ راجع الرسالة أعلاه (هل توجد شبكة؟) ثم أعد الأمر نفسه.",
        )


def quiet_lab() -> None:
    """JupyterLab asks for no news and no updates: the workbench works offline."""
    settings = VENV / "share" / "jupyter" / "lab" / "settings"
    settings.mkdir(parents=True, exist_ok=True)
    overrides = {
        "@jupyterlab/apputils-extension:notification": {
            "checkForUpdates": False, "doNotDisturbMode": True, "fetchNews": "false",
        }
    }  # fmt: skip
    (settings / "overrides.json").write_text(json.dumps(overrides, indent=2), encoding="utf-8")


def child_environment() -> dict:
    environment = {**os.environ, "JUPYTER_PREFER_ENV_PATH": "1", "PYTHONUTF8": "1"}
    environment.setdefault("OPENBLAS_NUM_THREADS", "2")
    return environment


def pytest_command(python: str, *extra: str) -> list:
    return [python, "-m", "pytest", "tests", "-n", "2", "--dist", "loadscope", *extra]


def perform(task: str, rest: list) -> int:
    """Run a task of `make` in the environment; the exit status is the task's own."""
    if task == "clean":
        return clean()
    python = str(ensure())
    commands = {
        "setup": None,
        "briefs": [python, "-m", "masar_research.cli", "briefs", *rest],
        "verify": [python, "-m", "masar_research.cli", "verify", *rest],
        "bench": [python, "-m", "benchmarks.run", *rest],
        "lab": [python, "-m", "jupyter", "lab", "notebooks/explore/00_start.ipynb", *rest],
        "test": pytest_command(python, "notebooks", "--nbval-lax", "-m", "not full", *rest),
        "test-full": pytest_command(python, "-m", "full", *rest),
    }
    command = commands.get(task, [python, "-m", "masar_research.cli", task, *rest])
    if command is None:
        say("ready. Type `make` to see what it can do.")
        return 0
    return subprocess.run(command, cwd=ROOT, env=child_environment()).returncode


def clean() -> int:
    for path in sorted((ROOT / "reports").iterdir()) if (ROOT / "reports").exists() else []:
        if path.name == "README.md":
            continue
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    shutil.rmtree(ROOT / ".cache", ignore_errors=True)
    say("built reports and caches are gone; the environment in .venv/ stays.")
    return 0


def usage() -> None:
    print("masar_research: from a survey file to a bilingual evidence brief\n")
    for name, what in TASKS.items():
        print(f"  {name:<10} {what}")
    print("\nOther commands go to `masar` (brief, load, check, surveys); try: masar --help")
