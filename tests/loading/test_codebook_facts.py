"""Ranges, sets of answers and levels: from SPSS files, forms and cards, and what the survey does with them."""

import dataclasses
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pyreadstat
import pytest
from masar_research import Survey
from masar_research.codebook import Category, Codebook, MissingRange, ResponseSet, Variable, from_plain, to_plain
from masar_research.errors import CardError, DataError, EstimationError
from masar_research.loading import load, read, read_card
from masar_research.loading.codebook_facts import borne_out


def with_sets(path, lines):
    """Add a multiple-response record (extension 7, subtype 7) before the end of an SPSS dictionary."""
    data, text = path.read_bytes(), "".join(f"{line}\n" for line in lines).encode()
    end = data.index(b"\xe7\x03\x00\x00\x00\x00\x00\x00")
    head = b"".join(number.to_bytes(4, "little") for number in (7, 7, 1, len(text)))
    path.write_bytes(data[:end] + head + text + data[end:])


@pytest.fixture
def sav(tmp_path):
    frame = pd.DataFrame(
        {
            "age": [18.0, 44, 97, 998, 61], "scale": [0.0, 3, 10, 7, 10], "sex": [1.0, 2, 2, 1, 9],
            "rank": [1.0, 2, 3, 2, 1], "a": [1.0, 0, 1, 0, 1], "b": [0.0, 0, 1, 1, 1],
            "first": [1.0, 2, 1, 2, 1], "second": [2.0, np.nan, 2, 1, np.nan], "code": ["x", "y", "x", "y", "y"],
        }
    )  # fmt: skip
    path = tmp_path / "facts.sav"
    labels = {
        "age": {97: "97 and over", 998: "Don't know"}, "scale": {0: "None", 10: "All"}, "sex": {1: "Male", 2: "Female", 9: "Refused"},
        "rank": {1: "Low", 3: "High"}, "code": {"x": "Ex", "y": "Why"},
    }  # fmt: skip
    pyreadstat.write_sav(
        frame, path, variable_value_labels=labels, variable_measure={"rank": "ordinal"},
        missing_ranges={"age": [{"lo": 990, "hi": 999}], "sex": [9]},
    )  # fmt: skip
    with_sets(path, ["$uses=D1 1 4 Uses a b", "$heard=C 5 Heard first second", "$gone=D1 1 4 Gone a nowhere"])
    return read(path, cache=False)


def test_ranges_levels_and_sets_of_an_spss_file(sav):
    book = sav.codebook
    assert book["age"].missing_ranges == (MissingRange(990, 999, "dont_know"),)
    assert book.missing_kinds("age") == {998.0: "dont_know"} and not book["sex"].missing_ranges
    levels = {name: book[name].level for name in book}
    assert levels["age"] == levels["scale"] == "numeric"
    assert levels["sex"] == levels["code"] == "nominal" and levels["rank"] == "ordinal"
    assert dict(book.sets) == {
        "uses": ResponseSet("uses", {"en": "Uses"}, ("a", "b"), 1.0),
        "heard": ResponseSet("heard", {"en": "Heard"}, ("first", "second"), None),
    }


def test_open_ends_of_ranges(tmp_path):
    path = tmp_path / "open.sav"
    pyreadstat.write_sav(pd.DataFrame({"x": [-5.0, 1.0]}), path, missing_ranges={"x": [{"lo": -1e308 * 1.79, "hi": 0}]})
    (span,) = read(path, cache=False).codebook["x"].missing_ranges
    assert span.low == -math.inf and span.high == 0


def test_the_cache_keeps_everything(sav, tmp_path, monkeypatch):
    from masar_research.loading import cache

    monkeypatch.setattr(cache, "home", lambda: tmp_path)
    cache.store("key", sav)
    again = cache.fetch("key")
    assert again.codebook == sav.codebook and again.codebook.sets == sav.codebook.sets
    assert again.codebook["age"].missing_ranges == sav.codebook["age"].missing_ranges


def test_plain_values_hold_everything():
    book = Codebook(
        [
            Variable("a", {"en": "A"}, missing_ranges=(MissingRange(-math.inf, -1, "refused"),), personal=True),
            Variable("b", {"ar": "ب"}, categories=(Category("x", {}), Category(1, {"en": "One"}, "missing"))),
        ],
        sets=[ResponseSet("s", {"en": "S"}, ("a", "b"), "x")],
    )
    import json

    again = from_plain(json.loads(json.dumps(to_plain(book))))
    assert again == book and again["a"].personal and again.sets == book.sets


def test_a_survey_takes_codes_of_a_range_for_missing():
    frame = pd.DataFrame({"w": 1.0, "income": [100.0, 300, 99998, 99997]})
    book = Codebook([Variable("income", {"en": "Income"}, missing_ranges=(MissingRange(99990, 99999, "refused"),))])
    survey = Survey(frame, weights="w", codebook=book)
    assert survey.mean("income").frame["estimate"].item() == 200
    assert survey.where("missing(income, 'refused')").mask.tolist() == [False, False, True, True]
    assert book.missing_codes("income") == frozenset()  # the codebook given is as it was


def test_a_declared_set_is_estimated_by_name():
    frame = pd.DataFrame({"w": 1.0, "p": [1.0, 1, 0, 1], "t": [0.0, 1, 1, 1], "x": [1.0, 2, 1, 2]})
    book = Codebook([Variable(name, {"en": name}) for name in "ptx"])
    several = ResponseSet("water", {"en": "Water"}, ("p", "t"))
    survey = Survey(frame, weights="w", codebook=book.with_sets(several))
    assert survey.multi_response("water").frame["variable"].tolist() == ["p", "t"]
    coded = Survey(frame, weights="w", codebook=book.with_sets(dataclasses.replace(several, counted=None)))
    with pytest.raises(EstimationError, match="answers as codes"):
        coded.multi_response("water")


def test_sets_follow_the_codebook():
    book = Codebook([Variable(name, {"en": name}) for name in "abc"], [ResponseSet("s", {"en": "S"}, ("a", "b"))])
    assert list(book.ordered("c").sets) == ["s"] and list(book.ordered("c")) == ["c", "a", "b"]
    assert not book.only(["a", "c"]).sets and book.search("a").sets == {}
    assert book.add(Variable("d", {})).sets == book.sets
    assert book != Codebook(book.values())
    for wrong, words in (
        (lambda: book.with_sets(ResponseSet("t", {}, ("a", "z"))), "z"),
        (lambda: ResponseSet("t", {}, ("a", "a")), "two or more"),
        (lambda: MissingRange(2, 1), "holds nothing"),
        (lambda: MissingRange(1, 2, "lost"), "lost"),
    ):
        with pytest.raises(DataError, match=words):
            wrong()


def test_levels_are_borne_out_by_all_rows():
    labelled = (Category(1, {"en": "One"}), Category(2, {"en": "Two"}))
    book = Codebook([Variable("x", {"en": "X"}, level="nominal", categories=labelled)])
    many = np.tile([1.0, 2.0], 3000)
    assert borne_out(book, pd.DataFrame({"x": many})) == book
    many[-1] = 3
    assert borne_out(book, pd.DataFrame({"x": many}))["x"].level == "numeric"


def test_a_card_declares_sets(tmp_path):
    card = Path("data/surveys/masar_demo.yml").resolve()
    names = [name for name, v in read_card(card).variables.items() if set(v.codes) == {0.0, 1.0}][:2]
    text = card.read_text(encoding="utf-8").replace("../demo/", f"{card.parent.parent}/demo/")
    sets = "sets: {both: {label: {en: Both, ar: كلاهما}, variables: [%s]}}\n"
    (tmp_path / "card.yml").write_text(text + sets % ", ".join(names), encoding="utf-8")
    survey = load(tmp_path / "card.yml", wave=2026)
    assert survey.codebook.sets == {"both": ResponseSet("both", {"en": "Both", "ar": "كلاهما"}, tuple(names))}
    (tmp_path / "card.yml").write_text(text + sets % f"{names[0]}, nowhere", encoding="utf-8")
    with pytest.raises(CardError, match="nowhere"):
        load(tmp_path / "card.yml", wave=2026)


@pytest.mark.parametrize("text, kept", [("العمل", ["q1"]), ("عَمَل", ["q1"]), ("work hours", ["q1"]), ("اربد", ["q2"])])
def test_search_folds_letters(text, kept):
    book = Codebook(
        [
            Variable("q1", {"en": "Hours of work", "ar": "ساعات العمـل"}),
            Variable("q2", {"en": "Place"}, level="nominal", categories=(Category(21, {"ar": "إربد"}, "refused"),)),
        ]
    )
    assert list(book.search(text)) == kept
    assert list(book.search(level="nominal")) == list(book.search(missing="refused")) == ["q2"]
    for wrong in ({"level": "interval"}, {"missing": "lost"}):
        with pytest.raises(DataError):
            book.search(**wrong)


def test_select_multiple_questions_become_sets():
    raw = read("data/demo/masar_demo_2026_kobo.xlsx", form="data/demo/masar_demo_xlsform.xlsx", cache=False)
    several = raw.codebook.sets["civic"]
    assert several.counted == 1 and {"en", "ar"} == set(several.label)
    assert several.variables[:2] == ("civic__1", "civic__2") and set(several.variables) <= set(raw.frame.columns)
