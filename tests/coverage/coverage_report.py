"""The tables of a coverage run, as they stand in docs/methods/coverage.md.

``python tests/coverage/coverage_report.py`` simulates every design 4,000 times and puts its tables
on that page; with a number of samples and names of designs (``1000 pairs``) it prints them.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from datetime import date
from pathlib import Path

from coverage_designs import TRIALS
from coverage_judge import CONSERVATIVE, EXCEPTIONS, Cell, bounds, results, wrong

PAGE = Path(__file__).resolve().parents[2] / "docs" / "methods" / "coverage.md"
MARK = "<!-- What follows is written by tests/coverage/coverage_report.py. -->"
Simulated = Mapping[tuple[str, int], Mapping[tuple[str, str], list[Cell]]]


def tables(simulated: Simulated) -> str:
    """One table per design: a row per statistic, a column per way to the variance."""
    return "\n\n".join(
        _table(design, samples, found) for (design, samples), found in simulated.items()
    )


def _table(design: str, samples: int, found: Mapping[tuple[str, str], list[Cell]]) -> str:
    trial = TRIALS[design]
    methods = list(trial.tried)
    names = list(dict.fromkeys(statistic for _, statistic in found))
    lines = [
        f"### {design}",
        f"{trial.words}; {trial.df} degrees of freedom; {samples:,} samples.",
        "",
        f"| statistic | {' | '.join(methods)} | asked |",
        f"| --- |{' --- |' * (len(methods) + 1)}",
    ]
    for name in names:
        shown = [_shown(found.get((method, name))) for method in methods]
        low, high = bounds(design, name)
        asked = f"≥ {low:.0%}" if high == 1 else f"{low:.0%}–{high:.0%}"
        lines.append(f"| {name} | {' | '.join(shown)} | {asked} |")
    return "\n".join(lines)


def _shown(cells: list[Cell] | None) -> str:
    """Coverage ± its Monte Carlo error in percent, and (standard error over spread); of several
    numbers the one farthest from 95 %, with how many there are."""
    if cells is None:
        return ""
    worst = max(cells, key=lambda cell: abs(cell.coverage - 0.95))
    of = f" of {len(cells)}" if len(cells) > 1 else ""
    return f"{100 * worst.coverage:.1f} ± {100 * worst.error:.1f}{of} ({worst.spread:.2f})"


def listed() -> str:
    """The exceptions and the intervals that are conservative by construction."""
    lines = []
    for title, entries in (("Exceptions", EXCEPTIONS), ("Lower bound only", CONSERVATIVE)):
        lines += [f"### {title}", "| statistics | designs | reason |", "| --- | --- | --- |"]
        for entry in entries:
            designs = "all" if entry.designs == ("*",) else ", ".join(entry.designs)
            lines.append(f"| {'; '.join(entry.statistics)} | {designs} | {entry.reason} |")
        lines.append("")
    return "\n".join(lines)


def put(page: Path, simulated: Simulated) -> None:
    """Replace what follows the marker of the page."""
    before = page.read_text(encoding="utf-8").partition(MARK)[0]
    when = f"Simulated on {date.today()}."
    text = "\n\n".join([before + MARK, when, listed(), tables(simulated)])
    page.write_text(text + "\n", encoding="utf-8")


def main(arguments: list[str]) -> None:
    samples = int(arguments[0]) if arguments else max(trial.full for trial in TRIALS.values())
    done = {}
    for name in arguments[1:] or TRIALS:
        number = min(samples, TRIALS[name].full)
        done[name, number] = results(name, number)
        for line in wrong(cell for cells in done[name, number].values() for cell in cells):
            print(f"WRONG {line}", file=sys.stderr)
    if arguments:
        print(f"{listed()}\n{tables(done)}")
    else:
        put(PAGE, done)


if __name__ == "__main__":
    main(sys.argv[1:])
