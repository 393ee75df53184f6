"""Estimates from files are those of `Survey` on the same rows, over statistic × by × where × design."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import masar_research as mr
from masar_research import replicates

sys.path.insert(0, str(Path(__file__).parent))
from streaming_files import N, rows, same, write  # noqa: E402

STATISTICS = {
    "mean": lambda s, by: s.mean(["y", "x"], by=by),
    "total": lambda s, by: s.total("y", by=by, level=0.9),
    "ratio": lambda s, by: s.ratio("y", "x", by=by),
    "count": lambda s, by: s.count(by=by),
    "proportion": lambda s, by: s.proportion(["b", "k"], by=by),
    "beta": lambda s, by: s.proportion("k", by=by, interval="beta"),
    "median": lambda s, by: s.median("y", by=by),
    "quantiles": lambda s, by: s.quantile(["age", "y"], (0.1, 0.5), by=by, rule="hf6", interval="beta"),
}  # fmt: skip
PLAIN = {"weights": "w", "strata": "h", "psu": "p"}
DESIGNS = {
    "strata and psu": PLAIN,
    "fpc": PLAIN | {"fpc": "f1"},
    "two stages": PLAIN | {"psu": ["p", "hh"], "fpc": ["f1", "f2"]},
    "second stage without fpc": PLAIN | {"psu": ["p", "hh"]},
    "waves": PLAIN | {"wave": "wave"},
    "rows are units": {"weights": "w", "strata": "h"},
    "nothing but weights": {"weights": "w"},
    "given JK1": {"weights": "w", "replicates": replicates.JK1("rw*")},
    "given BRR, mse": {
        "weights": "w", "replicates": replicates.BRR([f"rw{r:02d}" for r in range(8)], fay=0.3, mse=True),
    },
}  # fmt: skip
MADE = {
    "Rao–Wu": (replicates.RaoWu(30), 3),
    "Bootstrap": (replicates.Bootstrap(number=20), 4),
    "JKn": (replicates.JKn(), None),
    "SDR": (replicates.SuccessiveDifference(), None),
}
WHERE = (None, "x > 2 and age < 60")


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    return rows()


@pytest.fixture(scope="module")
def place(frame, tmp_path_factory) -> Path:
    return write(frame, tmp_path_factory.mktemp("parts"))


@pytest.fixture(scope="module")
def pair(frame, place):
    """(in memory, in files) by design, declared once."""
    made: dict = {}

    def declared(name: str):
        if name not in made:
            made[name] = mr.Survey(frame, **DESIGNS[name]), mr.scan(place, **DESIGNS[name], block_rows=211)
        return made[name]

    return declared


@pytest.mark.parametrize("where", WHERE)
@pytest.mark.parametrize("by", [None, "g", ["k", "region"]], ids=["all", "g", "k-region"])
@pytest.mark.parametrize("statistic", list(STATISTICS))
def test_every_statistic_by_domain_and_subpopulation(pair, statistic, by, where):
    memory, files = pair("strata and psu")
    if where:
        memory, files = memory.where(where), files.where(where)
    same(STATISTICS[statistic](memory, by), STATISTICS[statistic](files, by))


@pytest.mark.parametrize("statistic", ["mean", "total", "ratio", "proportion", "median"])
@pytest.mark.parametrize("design", list(DESIGNS)[1:])
def test_every_design(pair, design, statistic):
    memory, files = (survey.where("x > 1.5") for survey in pair(design))
    same(STATISTICS[statistic](memory, "g"), STATISTICS[statistic](files, "g"))


@pytest.mark.parametrize("kind", list(MADE))
def test_replicates_made(pair, kind):
    made, seed = MADE[kind]
    memory, files = (
        survey.with_replicates(made, **({} if seed is None else {"rng": np.random.default_rng(seed)}))
        for survey in pair("strata and psu")
    )
    for statistic in ("mean", "proportion", "ratio", "median"):
        same(STATISTICS[statistic](memory, "g"), STATISTICS[statistic](files, "g"))


@pytest.mark.parametrize(
    "rule", [{"lonely_psu": "centre"}, {"lonely_psu": "scale"}, {"lonely_psu": "certainty"},
             {"lonely_psu": "remove"}, {"lonely_psu": "collapse", "collapse": "region"}],
    ids=lambda rule: rule["lonely_psu"],
)  # fmt: skip
def test_lonely_psus(frame, tmp_path, rule):
    lonely = frame[(frame["h"] != 3) | (frame["p"] == 2)].reset_index(drop=True)
    files = write(lonely, tmp_path)
    same(
        mr.Survey(lonely, **PLAIN, **rule).mean("y", by="k"),
        mr.scan(files, **PLAIN, **rule, block_rows=150).mean("y", by="k"),
    )


def test_comparisons_work_on_estimates_from_files(pair):
    memory, files = (survey.mean("y", by="k") for survey in pair("strata and psu"))
    same(memory.contrast("a - b"), files.contrast("a - b"))
    same(memory.ratio("a", "b"), files.ratio("a", "b"))
    assert files.pairwise().frame["p_value"].tolist() == pytest.approx(
        memory.pairwise().frame["p_value"].tolist(), rel=1e-9
    )


def test_a_codebook_says_what_is_missing(frame, tmp_path):
    from masar_research.codebook import Category, Codebook, Variable

    def answer(code: float, en: str, missing: str | None = None) -> Category:
        return Category(code, {"en": en, "ar": en}, missing)

    book = Codebook([
        Variable("g", {"en": "G", "ar": "ج"}, categories=(answer(4, "d"), answer(2, "b"), answer(3, "c", "refused"))),
        Variable("age", {"en": "Age", "ar": "العمر"}, categories=(answer(77, "?", "dont_know"),)),
    ])  # fmt: skip
    memory = mr.Survey(frame, **PLAIN, codebook=book)
    files = mr.scan(write(frame, tmp_path), **PLAIN, codebook=book, block_rows=100)
    for one in ("mean", "median"):
        same(getattr(memory, one)("age", by="g"), getattr(files, one)("age", by="g"))
    same(memory.where("g != 2").proportion("g"), files.where("g != 2").proportion("g"))


def test_directories_can_name_a_column(frame, tmp_path):
    for wave, part in frame.groupby("wave"):
        folder = tmp_path / f"wave={wave}"
        folder.mkdir()
        part.drop(columns="wave").to_parquet(folder / "rows.parquet", index=False)
    ordered = frame.sort_values("wave", kind="stable").reset_index(drop=True)
    memory, files = mr.Survey(ordered, **PLAIN, wave="wave"), mr.scan(tmp_path, **PLAIN, wave="wave")
    same(memory.mean("y", by="wave"), files.mean("y", by="wave"))
    same(memory.mean("y", by="wave").contrast("2 - 1"), files.mean("y", by="wave").contrast("2 - 1"))


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    parts=st.integers(1, 4), group_rows=st.integers(3, 90), block_rows=st.integers(1, 200),
)  # fmt: skip
def test_the_cut_of_the_files_changes_nothing(frame, tmp_path_factory, parts, group_rows, block_rows):
    some = frame.iloc[::15].reset_index(drop=True)
    files = write(some, tmp_path_factory.mktemp("cut"), parts, group_rows)
    memory, streamed = mr.Survey(some, **PLAIN), mr.scan(files, **PLAIN, block_rows=block_rows)
    same(memory.ratio("y", "x", by="region"), streamed.ratio("y", "x", by="region"))
    same(memory.median("y"), streamed.median("y"))


def test_squares_keep_their_digits_far_from_zero(frame, tmp_path):
    far = frame.assign(y=frame["y"] + 1e8, x=frame["x"] + 1e8)
    memory, files = mr.Survey(far, **PLAIN), mr.scan(write(far, tmp_path), **PLAIN, block_rows=100)
    for one in (lambda s: s.mean("y"), lambda s: s.ratio("y", "x")):
        assert one(files).frame["deff"].iloc[0] == pytest.approx(one(memory).frame["deff"].iloc[0], rel=1e-6)


@pytest.mark.parametrize("rule", ["school", "hf4", "hf7", "hf9"])
def test_quantiles_that_need_the_edges_drawn_closer(pair, rule, monkeypatch):
    from masar_research.streaming import ordering, quantiles

    monkeypatch.setattr(quantiles.Search, "__init__", _small(quantiles.Search.__init__))
    monkeypatch.setattr(ordering, "EDGES", 5)
    memory, files = pair("strata and psu")
    for name in ("y", "age"):
        same(
            memory.quantile(name, (0.02, 0.5, 0.97), by="g", rule=rule),
            files.quantile(name, (0.02, 0.5, 0.97), by="g", rule=rule),
        )


def _small(init):
    def made(self, *arguments, **named):
        init(self, *arguments, **named | {"most": 8})

    return made


def test_ten_variables_take_one_pass(pair):
    _, files = pair("strata and psu")
    passes = []

    class Counting:
        def reduce(self, pieces, partial, merge, what):
            passes.append(what)
            return files.source.executor.reduce(pieces, partial, merge, what)

    from dataclasses import replace

    watched = files._derive(source=replace(files.source, executor=Counting()))
    watched.mean(["y", "x", "age", "b"])
    assert passes == ["Means"]


def test_rows_are_read_once_per_pass_and_all_of_them(pair):
    _, files = pair("strata and psu")
    pieces = files.source.files.pieces
    assert sum(piece.n_rows for piece in pieces) == N == len(files)
    assert [piece.first_row for piece in pieces] == np.cumsum(
        [0] + [piece.n_rows for piece in pieces[:-1]]
    ).tolist()


def test_progress_is_shown_on_a_terminal_only(pair, monkeypatch, capsys):
    import io

    _, files = pair("strata and psu")
    files.mean("y")
    assert capsys.readouterr() == ("", "")

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    files.mean("y")
    assert "Means" in screen.getvalue()


def test_a_survey_on_files_and_its_notes_read_in_both_languages(pair):
    _, files = pair("strata and psu")
    some = files.where("x < 2 and k != '<b>'")
    shown = some._repr_html_()
    assert f"{N:,}" in shown and "الملفات" in shown and "&lt;b&gt;" in shown and "<b>" not in shown
    assert "1,501 rows in 6 files, 40 PSUs" in repr(files)
    note = some.mean("y").note
    assert any("6, in blocks of at most 211 rows" in line for line in note.lines("en"))
    assert any("مقروء من" in line and "211" in line for line in note.lines("ar"))
