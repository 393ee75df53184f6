"""Bad input, tried as a user would: each gives a clear error in two languages, naming what and the remedy.

Most cases run the command in this process, with the notebook's cells executed here instead of
in a kernel; everything before and after that is what a user runs. Never a traceback, never a
half-written report.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from bad_input import ARABIC, assert_nothing_half_written, assert_told, build, command
from tiny_project import CARD, NUMBERS, OPEN, TAIL, WORDS, notebook

import masar_research as mr
from masar_research.briefs import catalogue, runner
from masar_research.errors import MasarError

REPOSITORY = Path(__file__).resolve().parents[2]


# --- files -----------------------------------------------------------------------------

SAV = (REPOSITORY / "data" / "demo" / "masar_demo_2026.sav").read_bytes()
FILES: dict[str, tuple[str, bytes | None, tuple[str, ...]]] = {
    "missing": ("none.sav", None, ("There is no file", "none.sav")),
    "cut in the middle": ("cut.sav", SAV[: len(SAV) // 2], ("cut.sav cannot be read as SAV", "complete")),
    "cut in its header": ("cut.sav", SAV[:100], ("cut.sav cannot be read as SAV",)),
    "garbled": ("bad.sav", SAV[:400] + bytes(range(256)) * 20, ("bad.sav cannot be read as SAV",)),
    "text named .sav": ("text.sav", b"a,b\n1,2\n", ("text.sav cannot be read as SAV",)),
    "nothing in it": ("empty.sav", b"", ("empty.sav is empty (0 bytes)",)),
    "a web page": ("page.sav", b"<!DOCTYPE html><html>404</html>", ("is a web page", "Fetch the data file")),
    "a workbook named .sav": ("book.sav", b"PK\x03\x04" + b"x" * 60, ("a zip or Excel file", "Rename it")),
    "a pointer of Git LFS": ("lfs.sav", b"version https://git-lfs.github.com/spec/v1\n", ("Git LFS pointer",)),
    "no kind of file": ("a.doc", b"x", ("files ending in .doc are not known", ".sav")),
    "bytes in a csv": ("a.csv", bytes(range(256)), ("holds binary data",)),
    "ragged csv": ("a.csv", b"a,b\n1,2\n1,2,3\n", ("fields where the header has 2", "quotes")),
    "blank csv": ("a.csv", b"\n\n", ("a.csv is empty",)),
    "broken workbook": ("a.xlsx", b"PK\x03\x04" + b"x" * 60, ("not a readable Excel workbook",)),
    "broken parquet": ("a.parquet", b"PAR1" + b"x" * 60, ("not a readable Parquet file",)),
}


@pytest.mark.parametrize("verb", ["load", "check"])
@pytest.mark.parametrize("name", FILES)
def test_a_damaged_file_is_named_with_its_remedy(tmp_path: Path, name: str, verb: str) -> None:
    file, content, words = FILES[name]
    if content is not None:
        (tmp_path / file).write_bytes(content)
    assert_told(command(verb, tmp_path / file), *words)


def test_wrong_encoding_is_read_as_what_it_is(tmp_path: Path) -> None:
    path = tmp_path / "old.csv"
    path.write_bytes("المحافظة,عدد\nعمّان,2\n".encode("cp1256"))
    raw = mr.read(path, cache=False)
    assert list(raw.frame.columns) == ["المحافظة", "عدد"] and raw.frame.iloc[0, 0] == "عمّان"
    assert any("cp1256" in note.en and ARABIC.search(note.ar) for note in raw.notes)


# --- the survey card -------------------------------------------------------------------


def card(old: str, new: str) -> Callable[[Path], None]:
    def change(home: Path) -> None:
        assert old in CARD
        (home / "data" / "surveys" / "tiny.yml").write_text(CARD.replace(old, new, 1), encoding="utf-8")

    return change


def card_is(content: bytes) -> Callable[[Path], None]:
    return lambda home: (home / "data" / "surveys" / "tiny.yml").write_bytes(content) and None


CARDS: dict[str, tuple[Callable[[Path], None], tuple[str, ...]]] = {
    "a column that is not there": (card("from: works", "from: worked"), ("no column 'worked'", "Did you mean works?")),
    "a variable that is not there": (card("weights: weight", "weights: wieght"), ("line 7", "wieght", "Did you mean weight?")),
    "a key mistyped": (card("population:", "populaton:"), ("'populaton' is not known", "Did you mean population?")),
    "a key mistyped deep down": (card('label: {en: "Works"', 'lable: {en: "Works"'), ("lable", "Did you mean label?")),
    "a key given twice": (card("study: tiny", "study: tiny\nstudy: two"), ("line 2", "duplicate key", "Keep one")),
    "a number that is none": (card("age_min: 15", "age_min: fifteen"), ("population.age_min", "a number was expected", "fifteen")),
    "a rule that is none": (card("lonely_psu: raise", "lonely_psu: rais"), ("design.lonely_psu", "Did you mean raise?")),
    "broken YAML": (card("study: tiny", "study: [tiny"), ("line 2", "Correct the YAML")),
    "a tab": (card("study: tiny", "study: tiny\n\tx: 1"), ("line 2", "Correct the YAML")),
    "a day that is none": (card("2024-03-01", "2024-13-01"), ("line 9", "a date that is none", "2026-03-01")),
    "days in the wrong order": (card("start: 2024-03-01", "start: 2024-03-30"), ("ends (2024-03-20) before it starts",)),
    "no Arabic": (card('label: {en: "Works", ar: "يعمل"}', 'label: {en: "Works"}'), ("the Arabic text (ar:) is missing",)),
    "a file not in place": (card("tiny_2026.csv", "tiny_2027.csv"), ("tiny_2027.csv", "data/raw/", "MASAR_REAL_DATA")),
    "another file's checksum": (
        card("file: tiny_2026.csv", f'file: tiny_2026.csv, checksum: "sha256-content:{"0" * 64}"'),
        ("not the one declared", "fetch the edition"),
    ),
    "nobody selected": (card("variables:\n", 'select: "place == 9"\nvariables:\n'), ("no row of the file satisfies",)),
    "a program in an expression": (
        card("variables:\n", "select: \"__import__('os').system('x')\"\nvariables:\n"), ("not part of the language",)
    ),
    "a code without a label": (card('3: {en: "Hamlet", ar: "كفر"}', '5: {en: "X", ar: "س"}'), ("have no place: 3 in", "Add each")),
    "letters of another encoding": (card_is(CARD.encode("cp1256")), ("is not UTF-8 text", "Save it as UTF-8")),
    "nothing": (card_is(b"\n"), ("should be a mapping", "study:")),
    "a list": (card_is(b"- tiny\n"), ("should be a mapping",)),
    "bytes": (card_is(b"\x00\x01\x02"), ("is not YAML",)),
}  # fmt: skip


@pytest.mark.parametrize("name", CARDS)
def test_a_wrong_card_stops_the_brief_with_its_line(own_tiny: Path, cells_here: SimpleNamespace, name: str) -> None:
    change, words = CARDS[name]
    change(own_tiny)
    assert_told(build(), *words)
    assert_nothing_half_written(own_tiny)


# --- weights and design ----------------------------------------------------------------


def one(column: str, value: object) -> Callable[[pd.DataFrame], pd.DataFrame]:
    """The fourth row holds something else."""
    return lambda data: data.assign(**{column: data[column].astype(object).where(data.index != 3, value)})


DATA: dict[str, tuple[Callable[[pd.DataFrame], pd.DataFrame], tuple[str, ...]]] = {
    "a negative weight": (one("weight", -1), ("1 are negative", "rows 3", "Correct them in the source file")),
    "a missing weight": (one("weight", None), ("1 are missing", "rows 3", "weight 0")),
    "an infinite weight": (one("weight", "inf"), ("weight", "numbers were expected", "Correct these values")),
    "a weight too large for a number": (one("weight", "1e400"), ("weight", "Correct")),
    "no weight above zero": (lambda d: d.assign(weight=0), ("all 600 are zero", "which column")),
    "a word among the weights": (one("weight", "heavy"), ("text in 1 of 600 rows", "xxxxx", "numbers were expected", "Correct these values")),
    "words for weights": (lambda d: d.assign(weight="heavy"), ("'heavy'", "numbers were expected")),
    "a stratum with one PSU": (
        lambda d: d.assign(stratum=d.stratum.where(d.psu != 3, 99)), ("1 hold one: 99", "lonely_psu", "collapse")
    ),
    "no stratum": (one("stratum", None), ("strata; 1 are missing", "source file")),
    "no PSU": (one("psu", None), ("psu; 1 are missing", "source file")),
    "no rows": (lambda d: d.iloc[:0], ("found none", "read completely")),
    "a code nobody declared": (one("works", 7), ("have no place: 7 in 1 rows", "codes:")),
    "a word among codes": (one("works", "yes"), ("text in 1 of 600 rows", "numbers were expected")),
}  # fmt: skip


@pytest.mark.parametrize("name", DATA)
def test_data_that_cannot_be_right_stop_the_brief(own_tiny: Path, cells_here: SimpleNamespace, name: str) -> None:
    spoil, words = DATA[name]
    path = own_tiny / "data" / "surveys" / "tiny_2026.csv"
    spoil(pd.read_csv(path)).to_csv(path, index=False)
    assert_told(build(), *words)
    assert_nothing_half_written(own_tiny)


NEXT = "disclosure:\n"
MARGINS: dict[str, tuple[str, tuple[str, ...]]] = {
    "a category without target": ("{1: 30000}", ("without target: 2 (Women)", "Add their targets")),
    "a target without data": ("{1: 30000, 2: 30000, 3: 10}", ("without data: 3", "merge")),
    "a target of zero": ("{1: 0, 2: 60000}", ("must be positive", "1 (Men)")),
    "a negative target": ("{1: -5, 2: 60000}", ("must be positive", "1 (Men)")),
    "an infinite target": ("{1: .inf, 2: 60000}", ("targets", "a number was expected", "inf")),
    "a target that is none": ("{1: .nan, 2: 60000}", ("targets", "a number was expected", "nan")),
    "a target in words": ("{1: many, 2: 60000}", ("targets", "a number was expected", "many")),
    "shares": ("{1: 0.5, 2: 0.5}", ("look like shares", "total=")),
    "shares that are none": ("{1: 0.5, 2: 0.6}", ("look like shares",)),
    "percentages": ("{1: 48, 2: 52}", ("look like percentages",)),
}


@pytest.mark.parametrize("name", MARGINS)
def test_a_margin_that_does_not_fit_stops_the_brief(own_tiny: Path, cells_here: SimpleNamespace, name: str) -> None:
    targets, words = MARGINS[name]
    step = f"weighting: [{{step: rake, margins: [{{variables: [sex], targets: {targets}}}]}}]\n"
    card(NEXT, step + NEXT)(own_tiny)
    assert_told(build(), *words)
    assert_nothing_half_written(own_tiny)


def test_margins_that_disagree_and_a_file_of_targets_that_is_not_there(own_tiny: Path, cells_here: SimpleNamespace) -> None:
    two = "{variables: [sex], targets: {1: 30000, 2: 30000}}, {variables: [works], targets: {0: 700, 1: 300}}"
    card(NEXT, f"weighting: [{{step: rake, margins: [{two}]}}]\n{NEXT}")(own_tiny)
    assert_told(build(), "disagree: sex 60,000, works 1,000", "Scale all margins")
    card(NEXT, f"weighting: [{{step: rake, margins: [{{variables: [sex], file: none.yml}}]}}]\n{NEXT}")(own_tiny)
    assert_told(build(), "none.yml")
    assert_nothing_half_written(own_tiny)


# --- parameters and commands -----------------------------------------------------------

PARAMETERS: dict[str, tuple[list[str], tuple[str, ...]]] = {
    "brief": (["tin", "--survey", "tiny"], ("no brief 'tin'", "Did you mean 'tiny'?")),
    "brief by a path": (["../tiny", "--survey", "tiny"], ("no brief",)),
    "survey": (["tiny", "--survey", "tinny"], ("survey='tinny'", "Did you mean tiny?")),
    "wave in letters": (["tiny", "--survey", "tiny", "--wave", "abc"], ("wave='abc'", "[2024, 2026]")),
    "wave as truth": (["tiny", "--survey", "tiny", "--wave", "True"], ("wave='True'", "[2024, 2026]")),
    "half a wave": (["tiny", "--survey", "tiny", "--wave", "2026.5"], ("2026.5", "Did you mean 2026?")),
    "no such wave": (["tiny", "--survey", "tiny", "--wave", "1999"], ("wave=1999", "[2024, 2026]")),
    "geography": (["tiny", "--survey", "tiny", "--geography", "Narnia"], ("geography='Narnia'", "11 Amman")),
    "no geography": (["tiny", "--survey", "tiny", "--geography", ""], ("geography=''", "place code")),
    "profile": (["tiny", "--survey", "tiny", "--profile", "nhcs"], ("profile='nhcs'", "Did you mean nchs?")),
    "day": (["tiny", "--survey", "tiny", "--date", "yesterday"], ("date='yesterday' is not a day", "2026-06-01")),
}


@pytest.mark.parametrize("name", PARAMETERS)
def test_an_unknown_or_mistyped_parameter_is_told_before_anything_runs(
    own_tiny: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(runner, "execute", lambda *_: pytest.fail("the notebook was executed"))
    words, told = PARAMETERS[name]
    assert_told(command("brief", "build", *words), *told)
    assert not (own_tiny / "reports").exists()


@pytest.mark.parametrize("wave", [True, 2026.5, [2026], {}, float("nan"), b"2026"])
def test_a_wave_of_another_type_is_refused(tiny: Path, wave: object) -> None:
    with pytest.raises(MasarError, match="wrong type") as error:
        catalogue.check(catalogue.entry("tiny"), {"survey": "tiny", "wave": wave})
    assert "2024, 2026" in error.value.remedy and ARABIC.search(error.value.ar)


def test_a_parameter_that_is_none_is_refused(tiny: Path) -> None:
    with pytest.raises(MasarError, match="no parameter 'wavee'") as error:
        runner.build("tiny", survey="tiny", wavee=2026)
    assert "Did you mean 'wave'?" in error.value.remedy


@pytest.mark.parametrize("words", [["breif"], ["brief", "build", "tiny"], ["brief", "build", "tiny", "--profil", "nchs"]])
def test_a_command_typed_wrongly_is_answered_in_both_languages(words: list[str]) -> None:
    assert_told(command(*words), "Error", status=2)


def test_a_wrong_catalogue_is_named(own_tiny: Path) -> None:
    path = own_tiny / "notebooks" / "briefs" / "catalogue.yml"
    for content, words in (
        ("tiny: [", "line 1"), ("- tiny", "mapping"), ("tiny: x", "The entry 'tiny'"),
        ("tiny: {title: {en: a, ar: b}, studies: 5}", "The entry 'tiny'"),
        ("tiny: {title: {en: a, ar: b}, parameters: {wave: year}}", "The entry 'tiny'"),
    ):  # fmt: skip
        path.write_text(content, encoding="utf-8")
        for verb in (["brief", "list"], ["briefs"]):
            assert_told(command(*verb), "catalogue.yml", words)


# --- the notebook ----------------------------------------------------------------------


def test_an_empty_domain_in_the_notebook(own_tiny: Path, cells_here: SimpleNamespace) -> None:
    cells_here.cells = ("brief.survey.where('sex == 9')",)
    assert_told(build(), "Nobody in the survey satisfies 'sex == 9'", "Check the codes")
    assert_nothing_half_written(own_tiny)


def test_a_place_with_nobody_in_it(own_tiny: Path, cells_here: SimpleNamespace) -> None:
    """The tiny study has no governorates; one with them and nobody there is told alike."""
    assert_told(build("--geography", "11"), "governorate")
    code = (
        'governorate: {from: place, label: {en: "G", ar: "م"}, recode: {1: 12, 2: 13, 3: 21, 4: 22}, codes: {'
        "12: {en: Balqa, ar: البلقاء}, 13: {en: Zarqa, ar: الزرقاء}, 21: {en: Irbid, ar: إربد}, 22: {en: Mafraq, ar: المفرق}}}"
    )
    card("  weight: {from", f"  {code}\n  weight: {{from")(own_tiny)
    assert_told(build("--geography", "11"), "Nobody in the survey satisfies 'governorate == 11'")
    assert_nothing_half_written(own_tiny)


def test_a_number_typed_by_hand(own_tiny: Path, cells_here: SimpleNamespace) -> None:
    words = WORDS.replace("Among women, {w} work", "Among women, {w} work, or 26.5%")
    assert words != WORDS
    cells_here.cells = (NUMBERS, words, TAIL)
    assert_told(build(), "typed by hand", "26.5")
    assert_nothing_half_written(own_tiny)


def test_a_defect_is_told_without_a_traceback(own_tiny: Path, cells_here: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    cells_here.cells = ("1 / 0",)
    answer = build()
    assert answer.exit_code == 1 and "Traceback" not in answer.output
    assert "ZeroDivisionError" in answer.output and "MASAR_TRACE=1" in answer.output and ARABIC.search(answer.output)
    assert_nothing_half_written(own_tiny)
    monkeypatch.setenv("MASAR_TRACE", "1")
    assert isinstance(build().exception, ZeroDivisionError)


def test_a_notebook_that_is_none_is_named(own_tiny: Path) -> None:
    path = own_tiny / "notebooks" / "briefs" / "tiny.ipynb"
    path.write_text('{"cells": [', encoding="utf-8")
    assert_told(build(), "tiny.ipynb is not a notebook that can be read", "JupyterLab")
    path.unlink()
    assert_told(build(), "tiny.ipynb is not in notebooks/briefs", "Restore it")
    assert_nothing_half_written(own_tiny)


def test_an_error_of_a_cell_keeps_its_remedy_and_its_arabic() -> None:
    from masar_research.briefs.execute import _of_cell

    inner = MasarError("3 weights are negative.", remedy="Correct them.", ar="أوزان سالبة.")
    told = _of_cell(Path("a.ipynb"), SimpleNamespace(cell_index=4, ename="DesignError", evalue=str(inner)))
    assert told.what == "Cell 4 of a.ipynb failed: DesignError: 3 weights are negative."
    assert told.remedy.startswith("Correct them.") and told.ar.startswith("أوزان سالبة.")
    other = _of_cell(Path("a.ipynb"), SimpleNamespace(cell_index=4, ename="KeyError", evalue="'x'"))
    assert "KeyError: 'x'" in other.what and "Correct what the message names" in other.remedy


@pytest.mark.full
def test_a_cell_that_raises_in_a_kernel_leaves_its_notebook_aside(own_tiny: Path) -> None:
    import nbformat

    path = own_tiny / "notebooks" / "briefs" / "tiny.ipynb"
    nbformat.write(notebook(OPEN.format(name="tiny"), "weights = [1]\nweights[3]"), path)
    assert_told(build(), "Cell 3 of tiny.ipynb failed: IndexError", "kept aside")
    assert_nothing_half_written(own_tiny)
    kept = json.loads((own_tiny / "reports" / ".office" / "errors" / "tiny-tiny-2026.error.ipynb").read_text(encoding="utf-8"))
    assert any(output.get("ename") == "IndexError" for cell in kept["cells"] for output in cell.get("outputs", ()))


# --- the Python API ---------------------------------------------------------------------


def with_columns() -> mr.Survey:
    """The tiny study of 2026 with predictors that no model can use."""
    data = mr.load("tiny", wave=2026, cache=False).frame
    x = np.random.default_rng(1).normal(size=len(data))
    more = {
        "x": x, "twice": 2 * x, "known": data["works"], "level": 1.0, "word": "a", "blank": np.nan,
        "endless": np.where(np.arange(len(data)) == 3, np.inf, x), "three": data["works"] * 2 + 1,
        "row": np.arange(len(data), dtype=float),
    }  # fmt: skip
    return mr.Survey(data.assign(**more), weights="weight", strata="stratum", psu="psu")


CALLS: dict[str, tuple[Callable[[mr.Survey], object], str, str]] = {
    "separation": (lambda s: s.logit("works ~ known"), "Separation", "Merge"),
    "collinear predictors": (lambda s: s.logit("works ~ x + twice"), "twice duplicates x", "Leave"),
    "a constant": (lambda s: s.logit("works ~ level"), "level duplicates Intercept", "Leave"),
    "a factor of one level": (lambda s: s.logit("works ~ C(word)"), "'a' on every fitted row", "Leave it out"),
    "an infinite predictor": (lambda s: s.logit("works ~ endless"), "1 infinite values", "Correct"),
    "a predictor nobody answered": (lambda s: s.logit("works ~ blank"), "No row has a weight", "blank is missing on 600"),
    "an outcome that is no yes or no": (lambda s: s.logit("three ~ x"), "needs 0 and 1", "Use a variable"),
    "more coefficients than rows": (lambda s: s.logit("works ~ C(row)"), "600 coefficients", "fewer terms"),
    "a formula in parts": (lambda s: s.logit("works ~ x | sex"), "has parts", "one outcome"),
    "a program in a formula": (lambda s: s.logit("works ~ np.log(x)"), "not allowed", "Use variables"),
    "an unknown variable": (lambda s: s.mean("sexx"), "no variable 'sexx'", "search"),
    "text averaged": (lambda s: s.mean("word"), "'word'", "by="),
    "infinity averaged": (lambda s: s.mean("endless"), "1 are infinite", "Correct"),
    "no variable at all": (lambda s: s.proportion([]), "No variable was named", "Name"),
    "nobody answered": (lambda s: s.proportion("blank"), "Nobody in the survey answered 'blank'", "asked"),
    "by a question nobody answered": (lambda s: s.mean("x", by="blank"), "nobody in the survey answered", "asked"),
    "by a variable twice": (lambda s: s.mean("x", by=["sex", "sex"]), "names sex twice", "once"),
    "an empty domain": (lambda s: s.where("sex == 1").where("sex == 2"), "Nobody in the survey satisfies", "codes"),
    "a level that is none": (lambda s: s.mean("x", level=95), "level=95", "0.95"),
    "an unknown contrast": (lambda s: s.mean("x", by="sex").contrast("2 - 9"), "9 is not a code", "Use one"),
    "an unknown language": (lambda s: s.mean("x").table("fr"), "lang='fr'", '"ar"'),
    "an unknown wave": (lambda s: mr.load("tiny", wave=2026.5), "no wave 2026.5", "2024, 2026"),
    "truth for a wave": (lambda s: mr.load("tiny", wave=True), "no wave True", "2024, 2026"),
    "an unknown study": (lambda s: mr.load("tinny"), "'tinny'", "Did you mean tiny?"),
    "words for weights": (lambda s: mr.Survey(s.frame, weights="word"), "expected numbers, found 'a'", "Correct"),
    "complex weights": (lambda s: mr.Survey(s.frame.assign(c=1j), weights="c"), "expected numbers", "Correct"),
    "no such weights": (lambda s: mr.Survey(s.frame, weights="wait"), "weights='wait'", "search"),
    "negative weights": (lambda s: mr.Survey(s.frame.assign(w=-s.frame["weight"]), weights="w"), "600 are negative", "weight 0"),
    "no frame": (lambda s: mr.Survey([1], weights="w"), "DataFrame, found list", "masar_research.load"),
    "words for a population": (
        lambda s: mr.Survey(s.frame, weights="weight", strata="stratum", psu="psu", fpc="word"), "numbers as fpc", "count"
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CALLS)
def test_a_call_that_cannot_be_answered_names_what_and_the_remedy(tiny: Path, name: str) -> None:
    call, what, remedy = CALLS[name]
    with pytest.raises(MasarError) as error:
        call(with_columns())
    assert what in error.value.what, error.value.what
    assert remedy in error.value.remedy, error.value.remedy
    assert ARABIC.search(error.value.ar) and error.value.ar in str(error.value)


# --- other briefs are built all the same ------------------------------------------------


def test_one_bad_study_does_not_stop_the_others(own_tiny: Path, cells_here: SimpleNamespace) -> None:
    surveys = own_tiny / "data" / "surveys"
    (surveys / "worse.yml").write_text(CARD.replace("study: tiny", "study: [worse"), encoding="utf-8")
    (surveys / "away.yml").write_text(
        CARD.replace("study: tiny", "study: away").replace("tiny_2026.csv", "away.csv"), encoding="utf-8"
    )
    path = own_tiny / "notebooks" / "briefs" / "catalogue.yml"
    path.write_text("tiny: {title: {en: T, ar: ص}, studies: [worse, away, tiny]}\n", encoding="utf-8")
    answer = command("briefs")
    assert_told(answer, "worse.yml, line 2", "away: left out, its data file is not in place")
    assert (own_tiny / "reports" / "tiny-tiny-2026" / "tiny.ar.pdf").exists()
    index = (own_tiny / "reports" / "index.html").read_text(encoding="utf-8")
    assert "tiny-tiny-2026/tiny.en.html" in index and "The last build failed" in index and "فشل آخر إعداد" in index
    listed = command("surveys")
    assert_told(listed, "Tiny survey", "the card cannot be read")


def test_nothing_to_build_says_so(own_tiny: Path) -> None:
    (own_tiny / "notebooks" / "briefs" / "catalogue.yml").write_text(
        "tiny: {title: {en: T, ar: ص}, studies: []}\n", encoding="utf-8"
    )
    answer = command("briefs")
    assert answer.exit_code == 1 and "No brief" in answer.output and ARABIC.search(answer.output)


# --- labels ----------------------------------------------------------------------------

HOSTILE = "<script>alert(1)</script> =cmd()!A0 #set page(width: 1pt) $x^2$ {{7*7}} {% raw %} *b* @ref <lab> [c] \\ // &amp;"


def test_labels_stay_labels_in_every_format(own_tiny: Path, cells_here: SimpleNamespace) -> None:
    """Labels, title, question and sponsor that are programs for each format there is."""
    from lxml import html

    from masar_research.briefs import pages

    text = json.dumps(HOSTILE)[1:-1]
    changed = (
        CARD.replace('"Hamlet", ar: "كفر"', f'"{text}", ar: "كفر {text}"')
        .replace('"Town <script>alert(7)</script>"', f'"=Town {text}"')
        .replace('"Tiny survey", ar: "مسح صغير"', f'"{text}", ar: "مسح {text}"')
        .replace('"No sponsor", ar: "لا راعي"', f'"{text}", ar: "{text} راعٍ"')
        .replace('"Did you work', f'"{text} \\u202e\\u2067Did you work')
    )
    (own_tiny / "data" / "surveys" / "tiny.yml").write_text(changed, encoding="utf-8")
    answer = build()
    assert answer.exit_code == 0, answer.output
    report = own_tiny / "reports" / "tiny-tiny-2026"
    for lang in ("en", "ar"):
        tree = html.fromstring((report / f"tiny.{lang}.html").read_text(encoding="utf-8"))
        assert not [node for node in tree.iter("script", "lab") if "alert" in node.text_content()]
        assert HOSTILE in " ".join(tree.text_content().split())
        for kind in ("pdf", "docx"):
            shown = "".join(text for _, text in pages.read_file(report / f"tiny.{lang}.{kind}", lang))
            # in an Arabic line, the marks of a Latin text are set from right to left
            whole = ("<script>", "#set", "{{7*7}}", "&amp;", "@ref") if lang == "en" else ()
            for piece in (*whole, "alert", "width", "raw", "ref", "lab"):
                assert piece in shown, (lang, kind, piece)
    for page in [*report.glob("*.html"), own_tiny / "reports" / "index.html"]:
        source = page.read_text(encoding="utf-8")
        assert "<script>alert" not in source and "\u202e" not in source
    for table in (report / "data").glob("*.csv"):
        fields = pd.read_csv(table, dtype=str).fillna("").to_numpy().ravel()
        assert not [field for field in fields if re.match(r"[=@+]", field)]


LABELS = {
    "5,000 letters": ("L" * 5000, ("has a word of 5,000 letters", "at most")),
    "5,000 letters in words": ("word " * 1000, ("4,999 characters long", "at most 300")),
    "a control character": ("a\\x07b", ("control characters (U+0007)", "Take them out")),
    "a null": ("a\\0b", ("control characters (U+0000)",)),
    "half a letter": ("a\\ud800", ("unicode",)),
    "nothing but turns": ("\\u202e\\u2066", ("the text is empty",)),
    "blanks": ("  ", ("the text is empty",)),
}


@pytest.mark.parametrize("name", LABELS)
def test_a_label_no_page_can_carry_is_refused_with_its_line(own_tiny: Path, cells_here: SimpleNamespace, name: str) -> None:
    label, words = LABELS[name]
    card('"Hamlet"', f'"{label}"')(own_tiny)
    assert_told(build(), "tiny.yml, line 19, variables.place.codes.3", *words)
    assert_nothing_half_written(own_tiny)


def test_a_letter_without_a_glyph_is_named(own_tiny: Path, cells_here: SimpleNamespace) -> None:
    card('"Hamlet"', '"Hamlet \\U0001F9D1"')(own_tiny)
    assert_told(build(), "U+1F9D1", "Arabic or Latin script")
    assert_nothing_half_written(own_tiny)
