"""Everything the demonstration survey consists of, made in one pass per wave."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from .answers import Answers
from .card import card_yaml
from .facts import SEED, WAVES
from .fieldwork import SampleFile
from .indicators import NEEDED, indicator_truths
from .kobo import write_kobo
from .margins import margins, margins_yaml
from .population import Population, the_population, view
from .sampling import Plan, draw_plan, draw_sample
from .spss import write_spss
from .truths import item_truth, labour_truths
from .xlsform import write_xlsform

KOBO_WAVE = 2026
NOTE = ("SYNTHETIC: true values of the invented population from which the demonstration samples are drawn. "
        "They are not figures about Jordan. Shares are fractions; answers are those everybody would give if all answered.")


def the_plan(pop: Population) -> Plan:
    """The blocks of the committed samples."""
    return draw_plan(pop, np.random.default_rng([SEED, 1]))


def the_draw(pop: Population, wave: int) -> pd.DataFrame:
    """The committed sample of a wave, before answers."""
    return draw_sample(pop, wave, np.random.default_rng([SEED, 2, wave]), plan=the_plan(pop))


def wave_file(pop: Population, wave: int) -> tuple[pd.DataFrame, dict, dict]:
    """A wave's file, its truths and its margins.

    Returns
    -------
    frame : pandas.DataFrame
        One row per sampled household, columns in the order of the questionnaire.
    truths : dict
        ``labour``, ``items`` and ``indicators`` (see ``truths.py`` and ``indicators.py``).
    margins : dict
    """
    seen = view(pop, wave)
    sample = SampleFile(pop, the_draw(pop, wave), wave)
    position = np.searchsorted(seen.rows, sample.person)
    answers = Answers(seen, NEEDED)
    items = {}
    for item, rows, values in answers.run():
        sample.add(item, position, rows, values)
        items[item.name] = item_truth(seen, item, rows, values)
    truths = {"labour": labour_truths(seen), "indicators": indicator_truths(seen, answers, items), "items": items}
    return sample.frame(), truths, margins(seen)


def make_all(demo: Path, card: Path, say: Callable[[str], None]) -> dict[str, int]:
    """Write files, margins, truths and the card.

    Parameters
    ----------
    demo, card : Path
        Folders for the data and for the survey card.
    say : callable
        Told what is happening.

    Returns
    -------
    dict
        Rows by wave.
    """
    say("population: blocks, households, persons (or read from the cache)")
    pop = the_population()
    say(f"population ready: {pop.sex.size:,} persons, {pop.house_block.size:,} households, {pop.block_size.size:,} blocks")
    all_truths: dict = {"note": NOTE, "seed": SEED, "waves": {}}
    all_margins, rows, checksums = {}, {}, {}
    for wave in WAVES:
        frame, truths, totals = wave_file(pop, wave)
        path = demo / f"masar_demo_{wave}.sav"
        _keep_or_replace(path, lambda new, frame=frame: write_spss(frame, new), _checksum)
        all_truths["waves"][str(wave)] = truths
        all_margins[wave] = totals
        rows[str(wave)] = len(frame)
        checksums[wave] = _checksum(path)
        say(f"wave {wave}: {len(frame):,} sampled, {int((frame['status'] == 1).sum()):,} completed, {frame.shape[1]} columns, "
            f"{path.stat().st_size / 1e6:.2f} MB")
        if wave == KOBO_WAVE:
            _keep_or_replace(demo / f"masar_demo_{wave}_kobo.xlsx", lambda new, frame=frame, wave=wave: write_kobo(frame, new, wave), _sheets)
            _keep_or_replace(demo / "masar_demo_xlsform.xlsx", lambda new, wave=wave: write_xlsform(new, wave), _sheets)
            say("KoBo export and XLSForm written")
    (demo / "margins.yml").write_text(margins_yaml(all_margins), encoding="utf-8")
    (demo / "truths.json").write_text(_compact(all_truths), encoding="utf-8")
    (card / "masar_demo.yml").write_text(card_yaml(checksums), encoding="utf-8")
    say("margins.yml, truths.json and the survey card written")
    return rows


def _keep_or_replace(path: Path, write: Callable[[Path], None], content: Callable[[Path], object]) -> None:
    """Write beside the file and put it in its place only where the content differs: writers stamp files."""
    new = path.with_name(f"new_{path.name}")
    write(new)
    if path.exists() and content(path) == content(new):
        new.unlink()
    else:
        new.replace(path)


def _checksum(path: Path) -> str:
    from masar_research.loading import read

    return read(path, cache=False).checksum


def _sheets(path: Path) -> dict[str, int]:
    """Checksums of the parts of a workbook that hold its content."""
    with zipfile.ZipFile(path) as book:
        return {info.filename: info.CRC for info in book.infolist() if not info.filename.startswith("docProps/")}


def _compact(tree: dict) -> str:
    """JSON with one line per innermost object and numbers to ten significant digits."""

    def render(node, depth: int) -> str:
        if isinstance(node, dict) and any(isinstance(v, dict) for v in node.values()):
            pad = " " * (depth + 1)
            body = ",\n".join(f"{pad}{json.dumps(str(k))}: {render(v, depth + 1)}" for k, v in node.items())
            return "{\n" + body + "\n" + " " * depth + "}"
        return json.dumps(_round(node), ensure_ascii=False)

    return render(tree, 0) + "\n"


def _round(node):
    if isinstance(node, dict):
        return {str(k): _round(v) for k, v in node.items()}
    return float(f"{node:.10g}") if isinstance(node, float) else node
