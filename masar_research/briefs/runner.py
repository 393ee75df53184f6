"""Building briefs: parameters checked, notebook executed once, pages written and checked."""

from __future__ import annotations

import datetime as dt
import json
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from masar_research.briefs import blocks as block_store
from masar_research.briefs import catalogue, gate, ledger, locations, pages, publish, site
from masar_research.briefs.compose import Composed, compose
from masar_research.briefs.document import Lang
from masar_research.briefs.execute import Progress, execute, quiet
from masar_research.errors import BriefError, MasarError, ParameterError, from_outside
from masar_research.release import Register

LANGS: tuple[Lang, ...] = ("ar", "en")
FORMATS = ("html", "pdf", "docx")


@dataclass(frozen=True, slots=True)
class Built:
    """A finished report.

    Attributes
    ----------
    slug : str
        Its folder's name: brief, study, wave and, where not the usual ones, place and profile.
    path : Path
    entries : int
        Values in its ledger.
    hidden : int
        Suppressed cells.
    numerals : int
        Numerals read back from its pages and resolved.
    seconds : float
    """

    slug: str
    path: Path
    entries: int
    hidden: int
    numerals: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one brief: a report, or the error that stopped it."""

    name: str
    parameters: Mapping[str, Any]
    built: Built | None
    error: MasarError | None


def slug(name: str, parameters: Mapping[str, Any]) -> str:
    """Folder name of a report.

    Examples
    --------
    >>> slug("women", {"survey": "demo", "wave": 2026, "geography": "JO", "profile": "nchs"})
    'women-demo-2026'
    """
    parts = [name, str(parameters.get("survey", "")), str(parameters.get("wave", ""))]
    for key, usual in (("geography", "JO"), ("profile", "nchs")):
        if parameters.get(key, usual) != usual:
            parts.append(str(parameters[key]))
    return "-".join(part for part in parts if part)


def build(
    name: str,
    *,
    out: Path | str | None = None,
    langs: Sequence[Lang] = LANGS,
    formats: Sequence[str] = FORMATS,
    date: str | None = None,
    progress: Progress = quiet,
    **parameters: Any,
) -> Built:
    """Build one brief.

    Parameters
    ----------
    name : str
        A brief of the catalogue.
    out : path, optional
        Folder of reports; the project's ``reports`` by default.
    langs, formats : sequence
        What is written; the notebook is executed once whatever is asked.
    date : str, optional
        Day of the build, ISO 8601; today by default.
    progress : callable
        Told ``(stage, done, total)``.
    **parameters
        The brief's own, checked against its declaration.

    Returns
    -------
    Built

    Raises
    ------
    ParameterError, BriefError
        Nothing is written to the report's folder; an earlier report stays as it was.
    """
    began = time.monotonic()
    brief = catalogue.entry(name)
    checked = catalogue.check(brief, parameters)
    _day(date)
    _known(langs, LANGS, "language")
    _known(formats, FORMATS, "format")
    home = Path(out) if out is not None else locations.reports()
    folder = slug(name, checked)
    with publish.workplace(home, folder) as work:
        composed, gated, register = _computed(brief, checked, home, folder, work, date, progress)
        report = work / "report"
        progress("write", 0, len(langs) * len(formats))
        files = _render(composed, langs, formats, progress)
        progress("check", 0, 1)
        count = pages.check(files, composed.documents, {lang: composed.ledger.tokens(lang) for lang in composed.documents})
        _write_report(report, files, composed)
        gated_register = Register().after(gated.decisions, gated.tables)
        with publish.turn(home):
            _keep_in_office(home, folder, work, composed, register, gated)
            target = publish.publish(report, home, folder)
            gated_register.write(locations.office(home) / "register" / f"{folder}.json")
            _error_notebook(home, folder).unlink(missing_ok=True)
    hidden = sum(cell.hidden for cell in gated.cells.values())
    return Built(folder, target, len(composed.ledger), hidden, count, time.monotonic() - began)


def recompute(
    name: str,
    parameters: Mapping[str, Any],
    *,
    out: Path,
    date: str,
    register: Register | None = None,
    progress: Progress = quiet,
) -> ledger.Ledger:
    """The ledger of a brief computed again from the source file; nothing is written to `out`."""
    brief = catalogue.entry(name)
    checked = catalogue.check(brief, parameters)
    with publish.workplace(out, slug(name, checked)) as work:
        composed, _, _ = _computed(
            brief, checked, out, slug(name, checked), work, date, progress, register=register
        )
    return composed.ledger


def build_many(
    wanted: Sequence[tuple[str, Mapping[str, Any]]],
    *,
    out: Path | str | None = None,
    date: str | None = None,
    progress: Callable[[str], Progress] = lambda name: quiet,
) -> list[Outcome]:
    """Build several briefs; one that fails does not stop the others. The index is written last."""
    home = Path(out) if out is not None else locations.reports()
    publish.clear_leftovers(home)
    outcomes = []
    for name, parameters in wanted:
        try:
            built = build(name, out=home, date=date, progress=progress(name), **parameters)
            outcomes.append(Outcome(name, parameters, built, None))
        except Exception as error:
            outcomes.append(Outcome(name, parameters, None, from_outside(error)))
    site.write_index(home, {_failed_slug(o): o.error for o in outcomes if o.error})
    return outcomes


def _failed_slug(outcome: Outcome) -> str:
    """Where the report would stand; the parameters as given when they cannot be completed."""
    try:
        return slug(outcome.name, catalogue.check(catalogue.entry(outcome.name), outcome.parameters))
    except MasarError:
        return slug(outcome.name, outcome.parameters)


def _day(date: str | None) -> None:
    try:
        dt.date.fromisoformat(date or "2000-01-01")
    except (TypeError, ValueError):
        raise ParameterError(
            f"date={date!r} is not a day.",
            remedy="Write year, month and day, e.g. 2026-06-01, or leave it out for today.",
            ar=f"«{date}» ليس تاريخاً؛ اكتب السنة والشهر واليوم، مثل 2026-06-01، أو اتركه لتاريخ اليوم.",
        ) from None


def _known(asked: Sequence[str], there: Sequence[str], what: str) -> None:
    wrong = [one for one in asked if one not in there]
    if wrong or not asked:
        raise BriefError(f"{wrong or 'no'} {what} cannot be written.", remedy=f"Use {list(there)}.")


def _computed(
    brief: catalogue.Entry,
    checked: Mapping[str, Any],
    home: Path,
    folder: str,
    work: Path,
    date: str | None,
    progress: Progress,
    register: Register | None = None,
) -> tuple[Composed, gate.Gated, Register]:
    """Execute, gate and compose."""
    executed = work / "executed.ipynb"
    try:
        notebook = execute(brief.notebook, executed, checked, progress)
    except BriefError:
        if executed.exists():
            kept = _error_notebook(home, folder)
            kept.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(executed, kept)
        raise
    progress("gate", 0, 1)
    found = block_store.collect(notebook)
    if register is None:
        register = gate.read_registers(locations.office(home) / "register", except_for=folder)
    approvals = gate.read_approvals(locations.root() / "data" / "reference" / "approvals.yml", brief.name)
    gated = gate.decide(found, register, approvals)
    progress("compose", 0, 1)
    composed = compose(found, gated, date=date or dt.date.today().isoformat())
    return composed, gated, register


def _error_notebook(home: Path, folder: str) -> Path:
    return locations.office(home) / "errors" / f"{folder}.error.ipynb"


def _render(
    composed: Composed, langs: Sequence[Lang], formats: Sequence[str], progress: Progress
) -> dict[tuple[Lang, str], bytes]:
    from masar_research.briefs.exporters.docx import to_docx
    from masar_research.briefs.exporters.html import to_html
    from masar_research.briefs.exporters.pdf import to_pdf

    writers: Mapping[str, Callable[[Any], bytes]] = {
        "html": lambda document: to_html(document).encode("utf-8"),
        "pdf": to_pdf,
        "docx": to_docx,
    }
    files: dict[tuple[Lang, str], bytes] = {}
    for lang in langs:
        for kind in formats:
            files[lang, kind] = writers[kind](composed.documents[lang])
            progress("write", len(files), len(langs) * len(formats))
    return files


def _write_report(
    report: Path, files: Mapping[tuple[Lang, str], bytes], composed: Composed
) -> None:
    report.mkdir()
    for (lang, kind), content in files.items():
        name = composed.documents[lang].name
        (report / f"{name}.{lang}.{kind}").write_bytes(content)
    data = report / "data"
    data.mkdir()
    for table in composed.data:
        (data / f"{table.name}.csv").write_text(table.text, encoding="utf-8-sig", newline="")
    ledger.write(composed.ledger.public(), report / "ledger.json")
    if any(composed.disclosure.values()):
        text = json.dumps(composed.disclosure, ensure_ascii=False, indent=1)
        (report / "disclosure.json").write_text(text + "\n", encoding="utf-8")


def _keep_in_office(
    home: Path, folder: str, work: Path, composed: Composed, register: Register, gated: gate.Gated
) -> None:
    kept = locations.office(home) / folder
    kept.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(work / "executed.ipynb", kept / "executed.ipynb")
    ledger.write(composed.ledger.office(), kept / "ledger.office.json")
    register.write(kept / "register.before.json")
    gated.decisions.assign(sides=gated.decisions["sides"].map(list)).to_json(
        kept / "decisions.json", orient="records", force_ascii=False, indent=1
    )
