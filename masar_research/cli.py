"""The command line: ``masar brief build``, ``briefs``, ``verify``, ``load``, ``check``, ``surveys``."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
import typer.core
from rich.console import Console
from rich.markup import escape
from rich.panel import Panel
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from masar_research.errors import MasarError, from_outside


class TwoLanguages(typer.core.TyperGroup):
    """A command typed wrongly is answered in Arabic too."""

    def main(self, *args: Any, **fields: Any) -> Any:
        for stream in (sys.stdout, sys.stderr):
            # a pipe on Windows, or LANG=C, cannot carry Arabic otherwise
            if (getattr(stream, "encoding", None) or "utf-8").lower().replace("-", "") != "utf8":
                stream.reconfigure(encoding="utf-8", errors="replace")
        try:
            return super().main(*args, **fields)
        except SystemExit as stop:
            if stop.code == USAGE:
                errors().print(
                    "الأمر أو أحد خياراته غير معروف أو ناقص. راجع السطر الإنجليزي أعلاه، أو أضف --help لعرض الخيارات.",
                    highlight=False,
                )
            raise


USAGE, INTERRUPTED = 2, 130
app = typer.Typer(
    cls=TwoLanguages, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False,
    help="From a survey file to a bilingual evidence brief.",
)  # fmt: skip
brief_app = typer.Typer(no_args_is_help=True, help="Build one brief, or see which there are.")
app.add_typer(brief_app, name="brief")
card_app = typer.Typer(no_args_is_help=True, help="Draft a survey card, see what is open in it, report what became what.")
app.add_typer(card_app, name="card")

STAGES = {
    "execute": "executing the notebook", "gate": "release gate", "compose": "words and charts",
    "write": "writing pages", "check": "checking every number",
}  # fmt: skip


def console() -> Console:
    """Standard output, found when it is needed so that tests can capture it."""
    return Console(soft_wrap=False)


def errors() -> Console:
    return Console(stderr=True)


def show_error(error: MasarError) -> None:
    """An error as a panel in two languages, without a traceback."""
    body = Text(error.what)
    body.append(f"\n→ {error.remedy}", style="bold")
    body.append(f"\n\n{error.ar}")
    errors().print(Panel(body, title=type(error).__name__, border_style="red", expand=False))


@contextmanager
def reported() -> Iterator[None]:
    """An error ends the command with status 1 and no traceback; ``MASAR_TRACE=1`` shows it."""
    try:
        yield
    except typer.Exit:
        raise
    except KeyboardInterrupt:
        # what was under way in the kernel's client is of no interest any more
        logging.getLogger("asyncio").setLevel(logging.CRITICAL)
        errors().print("Stopped; nothing half-written was published.\nتوقف العمل، ولم يُنشر شيء ناقص.", highlight=False)
        raise typer.Exit(INTERRUPTED) from None
    except Exception as error:
        if os.environ.get("MASAR_TRACE", "") not in ("", "0"):
            raise
        show_error(from_outside(error))
        raise typer.Exit(1) from None


def whole_number(value: str | None) -> int | str | None:
    """``2026`` is a number, ``2026a`` a name."""
    if value is None:
        return None
    return int(value) if value.isascii() and value.isdigit() else value


@contextmanager
def heard_interrupts() -> Iterator[Callable[[], None]]:
    """Ctrl-C is raised where it falls, and again at the next step if a library swallowed it.

    An interrupt that falls into a finaliser or a callback of the kernel's client is printed or
    dropped there, and the work would go on to the end.
    """
    heard: list[int] = []

    def hear(number: int, stack: Any) -> None:
        heard.append(number)
        raise KeyboardInterrupt

    def go_on() -> None:
        if heard:
            raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield go_on
        return
    before = signal.signal(signal.SIGINT, hear)
    try:
        yield go_on
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def progress_line(quiet: bool = False) -> Iterator[Callable[[str], Callable[[str, int, int], None]]]:
    """One line that says what is happening; plain lines where there is no terminal."""
    screen = console()
    with heard_interrupts() as go_on:
        yield from _tellers(screen, quiet, go_on)


def _tellers(
    screen: Console, quiet: bool, go_on: Callable[[], None]
) -> Iterator[Callable[[str], Callable[[str, int, int], None]]]:
    if quiet or not screen.is_terminal:
        said: set[tuple[str, str]] = set()

        def plainly(name: str) -> Callable[[str, int, int], None]:
            def tell(stage: str, done: int, total: int) -> None:
                go_on()
                if not quiet and (name, stage) not in said:
                    said.add((name, stage))
                    screen.print(f"{name}: {STAGES.get(stage, stage)} …", highlight=False)

            return tell

        yield plainly
        return
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=screen, transient=True) as bar:
        task = bar.add_task("", total=None)

        def named(name: str) -> Callable[[str, int, int], None]:
            def tell(stage: str, done: int, total: int) -> None:
                go_on()
                words = f"{escape(name)}: {STAGES.get(stage, stage)}"
                bar.update(task, description=words, completed=done, total=total or None)

            return tell

        yield named


@brief_app.command("build")
def brief_build(
    name: Annotated[str, typer.Argument(help="A brief of the catalogue, e.g. women_empowerment.")],
    survey: Annotated[str, typer.Option(help="A study with a card in data/surveys.")],
    wave: Annotated[str | None, typer.Option(help="A wave of the study; the latest by default.")] = None,
    geography: Annotated[str, typer.Option(help="JO, a region or a governorate.")] = "JO",
    profile: Annotated[str, typer.Option(help="Reliability profile of the release gate.")] = "nchs",
    out: Annotated[Path | None, typer.Option(help="Folder of reports.")] = None,
    date: Annotated[str | None, typer.Option(help="Day of the build, YYYY-MM-DD; today by default.")] = None,
) -> None:
    """Build one brief: Arabic and English, HTML, PDF and DOCX, with its ledger."""
    from masar_research.briefs import locations, site
    from masar_research.briefs.runner import build

    with reported():
        with progress_line() as tell:
            built = build(
                name, out=out, date=date, progress=tell(name), survey=survey,
                wave=whole_number(wave), geography=geography, profile=profile,
            )  # fmt: skip
        site.write_index(out or locations.reports())
    console().print(_built_line(built), highlight=False, soft_wrap=True)


@brief_app.command("list")
def brief_list() -> None:
    """The briefs there are, with their parameters."""
    from masar_research.briefs import catalogue

    with reported():
        table = Table("Brief", "Theme", "المجال", "Parameters")
        for entry in catalogue.entries().values():
            table.add_row(entry.name, entry.title["en"], entry.title["ar"], ", ".join(entry.parameters))
        console().print(table)


@app.command()
def briefs(
    out: Annotated[Path | None, typer.Option(help="Folder of reports.")] = None,
    date: Annotated[str | None, typer.Option(help="Day of the build, YYYY-MM-DD.")] = None,
) -> None:
    """Build every brief for every study whose file is there; one failing does not stop the others."""
    from masar_research.briefs import catalogue, locations
    from masar_research.briefs.runner import build_many

    with reported():
        wanted = [(entry.name, parameters) for entry, parameters in catalogue.usual_builds()]
        home = out or locations.reports()
        with progress_line() as tell:
            outcomes = build_many(wanted, out=home, date=date, progress=tell)
        if not wanted:
            console().print("No brief has both its notebook and the file of a study; see: masar surveys")
            console().print("لا يوجد موجز له دفتره وملف دراسته معاً؛ انظر: masar surveys")
            raise typer.Exit(1)
    table = Table("Brief", "Study", "Result", "Traced", "Suppressed", "Seconds")
    for outcome in outcomes:
        if outcome.built:
            built = outcome.built
            row = ["built", str(built.entries), str(built.hidden), f"{built.seconds:.1f}"]
        else:
            row = ["[red]failed[/red]", "", "", ""]
        table.add_row(outcome.name, str(outcome.parameters.get("survey", "")), *row)
    console().print(table)
    for brief, left in catalogue.builds_left_out():
        told = f"{brief.name}, {left['survey']}: left out, its data file is not in place · لم يُعدّ لأن ملف بياناته غير موجود"
        console().print(told, highlight=False, style="dim")
    for outcome in outcomes:
        if outcome.error:
            show_error(outcome.error)
    console().print(f"Open {home / 'index.html'}", highlight=False)
    if any(outcome.error for outcome in outcomes):
        raise typer.Exit(1)


@app.command()
def verify(
    report: Annotated[Path | None, typer.Argument(help="Folder of a report; all of them by default.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder of reports.")] = None,
) -> None:
    """Compute every number of a report again from its source file and compare."""
    from masar_research.briefs import locations
    from masar_research.briefs.verify import reports_in
    from masar_research.briefs.verify import verify as check

    screen = console()
    home = out or locations.reports()
    folders = [report] if report else reports_in(home)
    if not folders:
        screen.print("There is no report to verify; build one first: masar briefs")
        screen.print("لا يوجد تقرير للتحقق منه؛ أعدّ واحداً أولاً بالأمر: masar briefs")
        raise typer.Exit(1)
    good = True
    for folder in folders:
        try:
            with reported():
                result = check(folder)
        except typer.Exit:
            good = False
            continue
        colour = "green" if result.ok else "red"
        screen.print(Text(result.text("en"), style=colour))
        screen.print(Text(result.text("ar"), style=colour))
        for note in result.notes:
            screen.print(Text(note, style="dim"))
        good = good and result.ok
    if not good:
        raise typer.Exit(1)


@app.command()
def surveys() -> None:
    """The studies there are: waves, and whether their files are in place."""
    from masar_research.briefs import catalogue, locations
    from masar_research.loading import read_card

    with reported():
        table, damaged = Table("Study", "Title", "العنوان", "Waves", "Files"), []
        for name, path in locations.cards().items():
            try:
                card = read_card(path)
            except MasarError as error:
                damaged.append(error)
                table.add_row(name, "", "", "", "[red]the card cannot be read[/red]")
                continue
            there = [str(wave) for wave in card.waves if catalogue.file_present(card, wave)]
            files = "all there" if len(there) == len(card.waves) else f"{', '.join(there) or 'none'} there"
            waves = ", ".join(map(str, card.waves))
            table.add_row(name, escape(card.title["en"]), escape(card.title["ar"]), waves, files)
        console().print(table)
    for error in damaged:
        show_error(error)
    if damaged:
        raise typer.Exit(1)


@card_app.command("new")
def card_new(
    file: Annotated[Path, typer.Argument(help="The data file.")],
    out: Annotated[Path | None, typer.Option(help="The card to write; default data/surveys/<file>.yml.")] = None,
    preset: Annotated[str | None, typer.Option(help="A design: dhs, mics, arab_barometer, …")] = None,
    columns: Annotated[list[str] | None, typer.Option(help="Columns wanted, or patterns; may be repeated.")] = None,
    form: Annotated[Path | None, typer.Option(help="The XLSForm of a KoBo or ODK export.")] = None,
) -> None:
    """Draft a card from a data file: labels, codes, and guesses to be confirmed."""
    from masar_research.loading.drafting import draft
    from masar_research.loading.undecided import undecided
    from masar_research.loading.yaml_lines import read_yaml

    with reported():
        path = out or Path("data/surveys") / f"{file.stem.lower()}.yml"
        card = draft(file, path, preset=preset, columns=columns, form=form)
        table = Table("Guess / تخمين", "Column", "Why")
        for name, variable in card.variables.items():
            if variable.guess:
                table.add_row(escape(name), escape(variable.from_ or ""), escape(variable.guess))
        console().print(table)
        left = sum(1 for _ in undecided(read_yaml(path).tree))
        console().print(f"{path}: {len(card.variables)} variables, {left} decisions open.", highlight=False)
        console().print(f"كُتبت مسودة البطاقة؛ بقي {left} من القرارات.", highlight=False)


@card_app.command("check")
def card_check(card: Annotated[Path, typer.Argument(help="The card.")]) -> None:
    """Read a card and list the decisions open in it; status 1 when there are any."""
    from masar_research.loading import read_card
    from masar_research.loading.undecided import told, undecided
    from masar_research.loading.yaml_lines import read_yaml

    with reported():
        draft = read_card(card).draft
        lines = read_yaml(card)
        left = sum(1 for _ in undecided(lines.tree))
    if left:
        console().print(escape(told(lines, most=40)), highlight=False)
    if not left and not draft:
        console().print(f"{card.name}: nothing is open. · لا شيء ينتظر قراراً.", highlight=False)
        return
    rest = "" if left else " Delete draft: true."
    console().print(f"{card.name}: {left} decisions open.{rest} · قرارات مفتوحة: {left}", highlight=False)
    raise typer.Exit(1)


@card_app.command("report")
def card_report(
    card: Annotated[str, typer.Argument(help="A card's path or a study's name.")],
    out: Annotated[Path, typer.Option(help="Folder of the two pages.")] = Path("reports/harmonisation"),
    wave: Annotated[str | None, typer.Option(help="One wave.")] = None,
) -> None:
    """Write what became what as a page in each language; status 1 when something does not add up."""
    from masar_research.indicators.coverage import coverage
    from masar_research.loading import load as load_study
    from masar_research.loading import read_card
    from masar_research.loading.harmonisation import harmonisation_report
    from masar_research.loading.places_of_files import find_card

    with reported():
        found = read_card(find_card(card))
        report = harmonisation_report(found, whole_number(wave))
        if not found.draft:
            report = report.with_indicators(coverage(load_study(found, wave=whole_number(wave))))
        out.mkdir(parents=True, exist_ok=True)
        for lang in ("en", "ar"):
            report.to_html(lang, out / f"{report.study}.{lang}.html")
        console().print(f"{report!r} → {out}", highlight=False)
        report.raise_errors()


@app.command()
def load(
    file: Annotated[Path, typer.Argument(help="A data file, or a survey card (.yml).")],
    wave: Annotated[str | None, typer.Option(help="With a card: one wave.")] = None,
) -> None:
    """Read a file and say what is in it: rows, variables, labels."""
    with reported():
        if file.suffix in (".yml", ".yaml"):
            from masar_research.loading import load as load_study

            survey = load_study(file, wave=whole_number(wave))
            console().print(repr(survey), highlight=False)
            _facts_table(survey.design.describe())
            _codebook_table(survey.codebook)
            return
        from masar_research.loading import read

        raw = read(file)
        console().print(f"{file.name}: {len(raw.frame):,} rows, {len(raw.frame.columns)} variables", highlight=False)
        console().print(f"checksum {raw.checksum}", highlight=False)
        _codebook_table(raw.codebook)


@app.command()
def codebook(
    survey: Annotated[str, typer.Argument(help="A study with a card, a card's path, or a data file (.xlsx only).")],
    out: Annotated[Path, typer.Option(help="File to write: .html, .xlsx or .xml (DDI-Codebook 2.5).")],
    wave: Annotated[str | None, typer.Option(help="With a study: one wave; all of them by default.")] = None,
    lang: Annotated[str | None, typer.Option(help="en or ar; a page holds both by default.")] = None,
) -> None:
    """Write the codebook: a page with frequencies, a workbook to edit, or DDI for an archive."""
    with reported():
        told = _write_codebook(survey, out, whole_number(wave), lang)
    console().print(f"{told} → {out}", highlight=False)


def _write_codebook(survey: str, out: Path, wave: int | str | None, lang: str | None) -> str:
    from masar_research.codebook.wording import counted, known_language
    from masar_research.errors import DataError
    from masar_research.loading import load as load_study
    from masar_research.loading import read
    from masar_research.loading.readers import KNOWN

    if lang is not None:
        known_language(lang)
    kind, raw = out.suffix.lower(), Path(survey).suffix.lower() in KNOWN
    if kind not in ((".xlsx",) if raw else (".html", ".xlsx", ".xml")):
        raise DataError(
            f"A codebook is not written to {out.name} from {survey}.",
            remedy="Frequencies need the weights of a survey card: give a card for .html and .xml, "
            "or write a data file's codebook to .xlsx.",
            ar="لا يُكتب دليل الترميز بهذه الصيغة من هذا المصدر. صفحة ‎.html‎ وملف ‎.xml‎ يحتاجان إلى بطاقة مسح، أما ملف البيانات "
            "فيُكتب دليله بصيغة ‎.xlsx‎.",
        )
    if raw:
        book = read(survey).codebook
        book.to_excel(out, lang or "en")
    else:
        held = load_study(survey, wave=wave)
        book = held.codebook
        if kind == ".xlsx":
            book.to_excel(out, lang or "en")
        elif kind == ".xml":
            held.codebook_ddi(out)
        else:
            held.codebook_html(out, lang=lang)
    return f"{counted(len(book), 'en')} · {counted(len(book), 'ar')}"


@app.command()
def check(
    file: Annotated[Path, typer.Argument(help="A data file, a survey card (.yml) or a study's name.")],
    form: Annotated[list[Path] | None, typer.Option(help="The XLSForm; twice for its two sheets as CSV.")] = None,
    wave: Annotated[str | None, typer.Option(help="With a card: one wave; every wave without it.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for the report: HTML in both languages and JSON.")] = None,
    role: Annotated[list[str] | None, typer.Option(help="What a column is for: enumerator=team_no.")] = None,
    country: Annotated[str | None, typer.Option(help="JO, IQ, LB, PS, SY: positions must lie in it.")] = None,
) -> None:
    """Look a survey over before analysis; status 1 when something cannot be right."""
    with reported():
        wrong = 0
        for name, quality in _checked(file, form or [], whole_number(wave), role or [], country):
            _quality_table(quality)
            wrong += quality.count("error")
            if out is not None:
                for path in quality.write(out, name):
                    console().print(str(path), highlight=False)
    if wrong:
        raise typer.Exit(1)


def _checked(file: Path, form: list[Path], wave: Any, role: list[str], country: str | None) -> Iterator[tuple[str, Any]]:
    """One report for a file, one for each wave of a card, with the name of its files."""
    from masar_research.errors import ParameterError
    from masar_research.loading.cards import SurveyCard
    from masar_research.quality import check as look_over
    from masar_research.quality.sources import read_source

    odd = [each for each in role if "=" not in each]
    if odd:
        raise ParameterError(f"{odd[0]!r} is no role.", remedy="Write --role enumerator=team_no.")
    roles = {key: column or None for key, _, column in (each.partition("=") for each in role)}
    found = read_source(file)
    if isinstance(found, SurveyCard):
        for each in [wave] if wave is not None else list(found.waves):
            yield f"quality_{each}", look_over(file, wave=each, roles=roles, country=country)
        return
    forms = None if not form else form[0] if len(form) == 1 else tuple(form)
    yield "quality", look_over(file, form=forms, wave=wave, roles=roles, country=country)


def _quality_table(quality: Any) -> None:
    console().print(repr(quality), highlight=False)
    grave = [finding for finding in quality.findings if finding.severity != "note"]
    if not grave:
        console().print("Nothing wrong was found.", highlight=False)
        return
    table = Table("", "What was found", "ما وُجد")
    for finding in grave:
        table.add_row(finding.severity, escape(finding.what["en"]), escape(finding.what["ar"]))
    console().print(table)


def _facts_table(facts: dict[str, Any]) -> None:
    table = Table(show_header=False)
    for name, value in facts.items():
        table.add_row(escape(str(name).replace("_", " ")), escape(str(value)))
    console().print(table)


def _codebook_table(codebook: Any, most: int = 60) -> None:
    table = Table("Variable", "Label", "الوصف", "Level", "Codes")
    for number, variable in enumerate(codebook.values()):
        if number == most:
            table.caption = f"{len(codebook) - most} more variables"
            break
        label = variable.label
        table.add_row(
            escape(variable.name), escape(label.get("en", "")), escape(label.get("ar", "")), variable.level,
            str(len(variable.categories) or ""),
        )  # fmt: skip
    console().print(table)


def _built_line(built: Any) -> str:
    return (
        f"{built.slug}: {built.entries} values traced, {built.hidden} suppressed, {built.numerals} numerals on the "
        f"pages resolved, {built.seconds:.1f} s → {built.path}"
    )


if __name__ == "__main__":
    app()
