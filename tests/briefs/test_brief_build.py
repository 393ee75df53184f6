"""A brief built end to end in a kernel: whole or not at all, nothing suppressed anywhere, nothing untraced."""

from __future__ import annotations

import json
from pathlib import Path

import nbformat
import pytest
from tiny_project import NUMBERS, OPEN, TAIL, WORDS, notebook
from typer.testing import CliRunner

from masar_research.briefs import ledger, pages, publish, site
from masar_research.briefs.runner import build, build_many
from masar_research.cli import app
from masar_research.errors import BriefError

FILES = {f"tiny.{lang}.{kind}" for lang in ("ar", "en") for kind in ("html", "pdf", "docx")}


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_a_report_holds_six_pages_its_ledger_and_its_data(built_tiny: Path) -> None:
    found = contents(built_tiny)
    assert set(found) == FILES | {"ledger.json", "disclosure.json", "data/by_place.csv"}
    disclosed = json.loads(found["disclosure.json"])
    assert len(disclosed["en"]) == len(disclosed["ar"]) == 11 and all(disclosed["ar"].values())
    office = built_tiny.parent / ".office" / built_tiny.name
    assert {p.name for p in office.iterdir()} >= {"executed.ipynb", "ledger.office.json", "decisions.json"}
    assert not any((built_tiny.parent / ".office" / "building").iterdir())


def test_suppressed_values_are_in_no_file_of_the_report(built_tiny: Path) -> None:
    office = ledger.read(built_tiny.parent / ".office" / built_tiny.name / "ledger.office.json")
    public = ledger.read(built_tiny / "ledger.json")
    hidden = {e["address"] for e in public["entries"] if e.get("decision", {}).get("status") == "suppress"}
    assert hidden
    shown = {t for e in public["entries"] for ways in e["displayed"].values() for t in ways.values()}
    secret = set()
    for entry in office["entries"]:
        if entry["address"] in hidden:
            for name in ("estimate", "conf_low", "conf_high", "std_error"):
                if entry[name] is not None:
                    secret |= {f"{entry[name] * 100:.1f}%", repr(entry[name]), f"{entry[name]:.6f}"}
    secret = {value for value in secret if not any(value in text for text in shown)}
    assert len(secret) > 6
    for name, content in contents(built_tiny).items():
        if name.endswith((".html", ".pdf", ".docx")):
            lang = name.split(".")[1]
            text = " ".join(t for _, t in pages.read(content, name.split(".")[-1], lang))
        else:
            text = content.decode("utf-8-sig")
        assert not [value for value in secret if value in text], name
        assert "*" in text or name == "disclosure.json", name


def test_hostile_labels_stay_labels(built_tiny: Path) -> None:
    html = (built_tiny / "tiny.en.html").read_text(encoding="utf-8")
    assert "&lt;script&gt;alert(" in html and "<script>alert" not in html
    arabic = (built_tiny / "tiny.ar.html").read_text(encoding="utf-8")
    assert "<b>كبيرة" not in arabic and "كبيرة" in arabic


def test_the_public_folder_has_no_executed_notebook_and_no_office_file(built_tiny: Path) -> None:
    assert not [name for name in contents(built_tiny) if "office" in name or name.endswith(".ipynb")]


@pytest.mark.parametrize("kind", ["html", "pdf", "docx"])
def test_pages_read_back_hold_their_ledgers_numbers(built_tiny: Path, kind: str) -> None:
    public = ledger.read(built_tiny / "ledger.json")
    for lang in ("ar", "en"):
        tokens = [t for e in public["entries"] for t in e["displayed"].get(lang, {}).values()]
        texts = pages.read_file(built_tiny / f"tiny.{lang}.{kind}", lang)
        assert sum(len(text) for _, text in texts) > 800
        allowed = pages.numerals_allowed([*tokens, public["made"]])
        assert pages.strays(texts, allowed, kind) == []
        fewer = allowed - {"26.5"}
        assert "26.5" in allowed and pages.strays(texts, fewer, kind)


@pytest.mark.parametrize("planted", ["41.7", "٤١٫٧", "۴۱٫۷", "3"])
def test_a_number_planted_in_a_page_is_found_with_its_place(tiny_composed, planted: str) -> None:
    from masar_research.briefs.exporters.html import to_html

    page = to_html(tiny_composed.documents["en"])
    spoiled = page.replace("Evidence brief", f"Evidence brief of {planted} women", 1).encode()
    tokens = {lang: tiny_composed.ledger.tokens(lang) for lang in ("en", "ar")}
    documents = {"en": tiny_composed.documents["en"]}
    if planted in {"41.7", "٤١٫٧", "۴۱٫۷"}:
        tokens["en"] = [token for token in tokens["en"] if "41.7" not in token]
    assert pages.check({("en", "html"): page.encode()}, documents, {"en": tiny_composed.ledger.tokens("en")}) > 50
    with pytest.raises(BriefError) as error:
        pages.check({("en", "html"): spoiled}, documents, tokens)
    assert "tiny.en.html" in str(error.value)


def test_a_known_number_printed_too_often_is_found(tiny_composed) -> None:
    from masar_research.briefs.exporters.html import to_html

    page = to_html(tiny_composed.documents["en"])
    spoiled = page.replace("</main>", "<p>" + "26.5% " * 40 + "</p></main>").encode()
    assert spoiled != page.encode()
    with pytest.raises(BriefError, match="times"):
        pages.check({("en", "html"): spoiled}, {"en": tiny_composed.documents["en"]}, {"en": tiny_composed.ledger.tokens("en")})


def test_a_string_drawn_in_a_chart_is_checked_too(tiny_composed) -> None:
    from dataclasses import replace

    from masar_research.briefs.document import Figure

    document = tiny_composed.documents["en"]
    elements = tuple(
        replace(e, art=replace(e.art, texts=(*e.art.texts, "99.9%"))) if isinstance(e, Figure) else e
        for e in document.elements
    )
    assert pages.check_art(document, tiny_composed.ledger.tokens("en")) > 0
    with pytest.raises(BriefError, match=r"99\.9"):
        pages.check_art(replace(document, elements=elements), tiny_composed.ledger.tokens("en"))


def spoil(home: Path, old: str, new: str) -> None:
    words = WORDS.replace(old, new)
    assert words != WORDS
    path = home / "notebooks" / "briefs" / "tiny.ipynb"
    nbformat.write(notebook(OPEN.format(name="tiny"), NUMBERS, words, TAIL), path)


def test_failing_briefs_leave_the_earlier_report_and_do_not_stop_the_others(own_tiny: Path, built_tiny: Path) -> None:
    """A hand-typed number fails; the other brief's error notebook is kept; statuses say so."""
    import shutil

    reports = own_tiny / "reports"
    shutil.copytree(built_tiny, reports / built_tiny.name)
    before = contents(reports / built_tiny.name)
    spoil(own_tiny, "Among women, {w} work", "Among women, {w} work, or 26.5%")
    outcomes = build_many([("broken", {"survey": "tiny"}), ("tiny", {"survey": "tiny"})], out=reports)
    assert [outcome.built for outcome in outcomes] == [None, None]
    assert "sex == 9" in str(outcomes[0].error) and "typed by hand" in str(outcomes[1].error)
    assert contents(reports / built_tiny.name) == before
    kept = {path.name for path in (reports / ".office" / "errors").iterdir()}
    assert kept == {"broken.error.ipynb", "tiny.error.ipynb"} or all(name.endswith(".error.ipynb") for name in kept)
    assert len(kept) == 2
    assert not [p for p in reports.rglob("*") if "broken" in p.name and p.suffix in (".html", ".pdf")]
    index = (reports / "index.html").read_text(encoding="utf-8")
    assert "The last build failed" in index and "فشل آخر إعداد" in index and "earlier report still stands" in index


def test_the_command_prints_a_panel_and_ends_with_status_one(tiny: Path, tmp_path: Path) -> None:
    run = CliRunner()
    answer = run.invoke(app, ["brief", "build", "tiny", "--survey", "tiny", "--wave", "1999", "--out", str(tmp_path)])
    assert answer.exit_code == 1
    assert "ParameterError" in answer.output and "Traceback" not in answer.output
    assert "[2024, 2026]" in answer.output and "للمعلمة" in answer.output
    answer = run.invoke(app, ["brief", "build", "nothing", "--survey", "tiny"])
    assert answer.exit_code == 1 and "no brief" in answer.output


def test_the_command_line_lists_loads_and_checks(tiny: Path, tmp_path: Path) -> None:
    run = CliRunner()
    assert "Tiny survey" in run.invoke(app, ["surveys"]).output
    assert "broken" in run.invoke(app, ["brief", "list"]).output
    data = tiny / "data" / "surveys" / "tiny_2026.csv"
    loaded = run.invoke(app, ["load", str(data)])
    assert loaded.exit_code == 0 and "600 rows" in loaded.output and "works" in loaded.output
    card = run.invoke(app, ["load", str(tiny / "data" / "surveys" / "tiny.yml"), "--wave", "2026"])
    assert card.exit_code == 0 and "نساء" not in card.output and "الجنس" in card.output
    assert run.invoke(app, ["check", str(data)]).exit_code == 0
    missing = run.invoke(app, ["load", str(tmp_path / "nowhere.sav")])
    assert missing.exit_code == 1 and "Traceback" not in missing.output
    bad = tmp_path / "bad.csv"
    bad.write_text("a,b\n1,\n1,\n", encoding="utf-8")
    answer = run.invoke(app, ["check", str(bad)])
    assert answer.exit_code == 1 and "empty" in answer.output and "repeat" in answer.output


def test_the_index_links_everything_in_both_languages(built_tiny: Path) -> None:
    from lxml import html

    target = site.write_index(built_tiny.parent)
    tree = html.fromstring(target.read_text(encoding="utf-8"))
    links = {node.get("href") for node in tree.xpath("//a")}
    assert {f"{built_tiny.name}/{name}" for name in FILES} <= links
    assert f"{built_tiny.name}/ledger.json" in links and f"{built_tiny.name}/data/by_place.csv" in links
    assert all((target.parent / link).exists() for link in links)
    assert {node.get("dir") for node in tree.xpath("//div[@lang='ar']")} == {"rtl"}
    text = target.read_text(encoding="utf-8")
    assert "http" not in text and "viewport" in text and "Synthetic" in text


def test_numbers_of_arabic_titles_keep_their_order_in_the_index(tmp_path: Path, built_tiny: Path) -> None:
    import shutil

    shutil.copytree(built_tiny, tmp_path / "one")
    data = json.loads((tmp_path / "one" / "ledger.json").read_text(encoding="utf-8"))
    for line in data["sentences"]["ar"]:
        if line["place"] == "title":
            line["text"] = "مقابل 75.4% من الرجال"
    (tmp_path / "one" / "ledger.json").write_text(json.dumps(data), encoding="utf-8")
    assert "\u206675.4%\u2069" in site.write_index(tmp_path).read_text(encoding="utf-8")


def test_the_index_escapes_what_errors_quote(tmp_path: Path) -> None:
    error = BriefError("<script>alert(1)</script>", remedy="<img onerror=x>")
    text = site.write_index(tmp_path, {"<b>": error}).read_text(encoding="utf-8")
    assert "<script>" not in text and "<img" not in text and "<b>" not in text.replace("<b>Synth", "")


def test_a_report_is_replaced_as_a_whole(tmp_path: Path) -> None:
    for number in (1, 2):
        with publish.workplace(tmp_path, "one") as work:
            (work / "report").mkdir()
            (work / "report" / "a.txt").write_text(str(number))
            publish.publish(work / "report", tmp_path, "one")
    assert (tmp_path / "one" / "a.txt").read_text() == "2"
    assert not list((tmp_path / ".office" / "building").iterdir())
    assert not list((tmp_path / ".office" / "replaced").iterdir())


def test_a_replacement_cut_between_its_renames_is_put_back(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "a.txt").write_text("good")
    kept = tmp_path / ".office" / "replaced"
    kept.mkdir(parents=True)
    (tmp_path / "one").rename(kept / "one")
    publish.restore(tmp_path)
    assert (tmp_path / "one" / "a.txt").read_text() == "good"


def test_a_failure_while_working_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), publish.workplace(tmp_path, "one") as work:
        (work / "report").mkdir()
        raise RuntimeError
    assert not list((tmp_path / ".office" / "building").iterdir()) and not (tmp_path / "one").exists()


@pytest.mark.full
@pytest.mark.parametrize(
    ("stage", "later"),
    [
        ("executing", 0.0), ("executing", 1.5), ("release gate", 0.0), ("words and charts", 0.0),
        ("writing pages", 0.0), ("checking every number", 0.0), ("checking every number", 0.2),
    ],
)  # fmt: skip
def test_a_build_killed_at_any_moment_leaves_the_earlier_report_whole(
    own_tiny: Path, built_tiny: Path, stage: str, later: float
) -> None:
    """Killed when it says it is at a stage, so that the moments are the same on a busy machine."""
    import os
    import shutil
    import signal
    import subprocess
    import sys
    import time

    reports = own_tiny / "reports"
    shutil.copytree(built_tiny, reports / built_tiny.name)
    before = contents(reports / built_tiny.name)
    command = [sys.executable, "-m", "masar_research.cli", "brief", "build", "tiny", "--survey", "tiny", "--out", str(reports)]
    home = Path(__file__).resolve().parents[2]
    env = {**os.environ, "PYTHONPATH": str(home), "PYTHONUNBUFFERED": "1", "PYTHONUTF8": "1"}
    process = subprocess.Popen(command, env=env, cwd=home, start_new_session=True, text=True, encoding="utf-8",
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT)  # fmt: skip
    said = []
    for line in process.stdout or ():
        said.append(line)
        if stage in line:
            time.sleep(later)
            os.killpg(process.pid, signal.SIGKILL)
            break
    process.communicate()
    assert stage in said[-1], "".join(said)
    publish.restore(reports)
    found = contents(reports / built_tiny.name)
    assert set(found) == set(before)
    replaced = json.loads(found["ledger.json"])["made"] != "2026-06-01"
    assert replaced or found == before
    assert not replaced or stage == "checking every number"
    publish.clear_leftovers(reports)
    assert not any((reports / ".office" / "building").iterdir())
    if later:
        fresh = build("tiny", survey="tiny", out=reports, date="2026-06-02")
        assert set(contents(fresh.path)) == set(before)
