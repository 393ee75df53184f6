"""Words follow the tests and the gate; both languages say the same; every value has an address."""

from __future__ import annotations

import json

import pytest

from masar_research import release
from masar_research.briefs import gate
from masar_research.briefs.blocks import EstimatesBlock, Header, MessageBlock, ParagraphBlock, TitleBlock
from masar_research.briefs.compose import compose, rules
from masar_research.briefs.compose.data import safe
from masar_research.briefs.document import Document, Figure, Messages, Run, lines, plain
from masar_research.briefs.refs import CellRef, GateRef
from masar_research.briefs.words import Choice, Text
from masar_research.errors import BriefError
from masar_research.present import lint


def with_row(blocks, name, number, **fields):
    out = []
    for block in blocks:
        if isinstance(block, EstimatesBlock) and block.id == name:
            rows = list(block.rows)
            rows[number] = rows[number].model_copy(update=fields)
            block = block.model_copy(update={"rows": tuple(rows)})
        out.append(block)
    return tuple(out)


def composed(blocks):
    return compose(blocks, gate.decide(blocks), date="2026-06-01")


def all_text(document: Document) -> str:
    return "\n".join(plain(line) for _, line in lines(document))


@pytest.mark.parametrize(
    ("estimate", "p", "en", "ar"),
    [
        (-0.31, 1e-9, "Women work less than men", "تعمل النساء أقل من الرجال"),
        (0.31, 1e-9, "Women work more than men", "تعمل النساء أكثر من الرجال"),
        (-0.31, 0.051, "Women and men work alike", "يعمل الرجال والنساء على السواء"),
        (0.31, 0.049, "Women work more than men", "تعمل النساء أكثر من الرجال"),
    ],
)
def test_the_verb_follows_the_difference_cells_own_p_value(tiny, tiny_blocks, estimate, p, en, ar) -> None:
    choice = next(block for block in tiny_blocks if isinstance(block, TitleBlock))
    blocks = with_row(tiny_blocks, "gap", 0, estimate=estimate, p_value=p, conf_low=estimate - 0.1, conf_high=estimate + 0.1)
    blocks = tuple(b for b in blocks if not isinstance(b, ParagraphBlock))
    assert isinstance(choice.title, Choice)
    documents = composed(blocks).documents
    assert plain(documents["en"].title) == en
    assert plain(documents["ar"].title) == ar


def test_the_title_has_words_for_a_suppressed_gap(tiny, tiny_blocks) -> None:
    blocks = with_row(tiny_blocks, "work", 1, n=20, n_eff=20.0)
    documents = composed(blocks).documents
    assert plain(documents["en"].title) == "The gap cannot be shown"
    assert plain(documents["ar"].title) == "لا يمكن عرض الفجوة"


def test_a_sentence_on_a_suppressed_cell_says_why_and_shows_no_number(tiny_composed) -> None:
    for document in tiny_composed.documents.values():
        messages = next(element for element in document.elements if isinstance(element, Messages))
        assert plain(messages.figures[1]) == "*"
        assert not lint.numerals(plain(messages.lines[1]))
    english = next(e for e in tiny_composed.documents["en"].elements if isinstance(e, Messages))
    assert "Suppressed for confidentiality" in plain(english.lines[1])


def test_otherwise_replaces_a_sentence_that_cannot_be_said(tiny, tiny_blocks) -> None:
    fallback = Text(en="The camp is too small to show.", ar="المضرب صغير لا يمكن عرضه.")
    blocks = tuple(
        block.model_copy(update={"sentence": block.sentence.model_copy(update={"otherwise": fallback})})
        if isinstance(block, MessageBlock) and block.figure.set == "place" else block
        for block in tiny_blocks
    )  # fmt: skip
    documents = composed(blocks).documents
    assert "The camp is too small to show." in all_text(documents["en"])
    assert "المضرب صغير لا يمكن عرضه." in all_text(documents["ar"])


def test_the_gate_is_counted_and_its_reasons_said_in_both_languages(tiny, tiny_blocks) -> None:
    def told(name):
        return GateRef(sets=("work", "place"), told=name)

    sentence = Text(
        en="Of {all} figures {shown} are shown and {hidden} not. {why}.", ar="من أصل {all} يُعرض {shown} ولا يُعرض {hidden}. {why}.",
        values={"all": told("computed"), "shown": told("shown"), "hidden": told("withheld"), "why": told("reasons")},
    )  # fmt: skip
    blocks = (*tiny_blocks, ParagraphBlock(brief=tiny_blocks[0].brief, sentences=(sentence,)))
    found = composed(blocks)
    cells = [cell for (name, _), cell in gate.decide(blocks).cells.items() if name in ("work", "place")]
    hidden = [cell for cell in cells if cell.hidden]
    assert 0 < len(hidden) < len(cells)
    for lang, words in (("en", "Of {} figures {} are shown and {} not. "), ("ar", "من أصل {} يُعرض {} ولا يُعرض {}. ")):
        said = words.format(len(cells), len(cells) - len(hidden), len(hidden)) + release.together([c.reason for c in hidden], lang) + "."
        assert said in all_text(found.documents[lang])
    assert {entry.kind for entry in found.ledger} >= {"gate"}


def suppressed_values(blocks) -> set[str]:
    """Every way the suppressed estimates could be written."""
    gated = gate.decide(blocks)
    found = set()
    for cell in gated.cells.values():
        if cell.hidden:
            for value in (cell.row.estimate, cell.row.conf_low, cell.row.conf_high):
                if value is not None:
                    found |= {f"{value * 100:.1f}", f"{value * 100:.2f}", repr(value)}
    return found


def test_a_suppressed_cell_is_nowhere_in_documents_charts_data_or_public_ledger(tiny_composed, tiny_blocks) -> None:
    shown = set(tiny_composed.ledger.tokens("en")) | set(tiny_composed.ledger.tokens("ar"))
    secret = {value for value in suppressed_values(tiny_blocks) if not any(value in token for token in shown)}
    assert len(secret) >= 6
    places = {lang: all_text(document) for lang, document in tiny_composed.documents.items()}
    for lang, document in tiny_composed.documents.items():
        art = next(element.art for element in document.elements if isinstance(element, Figure))
        places[f"chart {lang}"] = " ".join(art.texts)
        places[f"svg {lang}"] = " ".join(part for part in art.svg.split(">") if "<text" in part)
    places["csv"] = tiny_composed.data[0].text
    places["ledger"] = json.dumps(tiny_composed.ledger.public(), ensure_ascii=False)
    for where, text in places.items():
        assert not [value for value in secret if value in text], where
    office = json.dumps(tiny_composed.ledger.office())
    assert any(value in office for value in secret)


def test_the_public_ledger_gives_a_suppressed_cell_its_reason_only(tiny_composed) -> None:
    entries = [e for e in tiny_composed.ledger.public()["entries"] if e.get("cell") == "place[place=4]"]
    assert entries and entries[0]["decision"]["reason"] == "disclosure"
    assert set(entries[0]["displayed"]["en"].values()) == {"*"}
    assert not {"estimate", "n", "std_error", "conf_low"} & set(entries[0])
    assert set(entries[0]["decision"]["words"]) == {"en", "ar"}


def test_every_entry_has_an_address_places_and_an_origin(tiny_composed) -> None:
    public = tiny_composed.ledger.public()
    addresses = [entry["address"] for entry in public["entries"]]
    assert addresses == [f"L{number:03d}" for number in range(1, len(addresses) + 1)]
    for entry in public["entries"]:
        assert entry["displayed"] and entry["places"], entry
        if entry["kind"] == "cell":
            assert {"estimator", "variable", "domain", "base", "design", "data", "decision"} <= set(entry)
            assert all(sum.startswith("sha256-content:") for sum in entry["data"].values()), entry
        else:
            assert entry.get("source")


def test_both_languages_show_the_same_numbers(tiny_composed) -> None:
    for entry in tiny_composed.ledger.public()["entries"]:
        if entry["kind"] in ("cell", "fact", "parameter", "survey"):
            shown = entry["displayed"]
            assert set(shown) == {"en", "ar"}, entry["key"]
            for way in set(shown["en"]) & set(shown["ar"]):
                assert lint.numerals(shown["en"][way]) == lint.numerals(shown["ar"][way]), entry["key"]


def test_every_numeral_run_has_a_ledger_address(tiny_composed) -> None:
    addresses = {entry["address"] for entry in tiny_composed.ledger.public()["entries"]}
    for document in tiny_composed.documents.values():
        for place, line in lines(document):
            for run in line:
                if lint.numerals(run.text):
                    assert run.source != "words" and run.ref in addresses, (place, run)


def test_a_numeral_in_plain_words_is_refused(tiny_composed) -> None:
    from dataclasses import replace

    document = tiny_composed.documents["en"]
    with pytest.raises(BriefError, match="has no origin"):
        rules.check(replace(document, subtitle=(Run("About 14 women"),)))
    with pytest.raises(BriefError, match="words; a finding"):
        rules.check(replace(document, title=(Run("word " * 15),)))
    fell = (Run("Unemployment fell "), Run("0.9%", "cell", "L001"))
    with pytest.raises(BriefError, match="percentage points"):
        rules.check(replace(document, subtitle=fell))


def test_a_key_message_holds_one_figure(tiny, tiny_blocks) -> None:
    first = next(b for b in tiny_blocks if isinstance(b, MessageBlock))
    women, men = CellRef(set="work", row=1, key={}), CellRef(set="work", row=0, key={})
    two = Text(en="{a} against {b}", ar="{a} مقابل {b}", values={"a": women, "b": men})
    blocks = tuple(b.model_copy(update={"sentence": two}) if b is first else b for b in tiny_blocks)
    with pytest.raises(BriefError, match="2 figures"):
        composed(blocks)


def test_a_gap_rule_needs_the_right_sides(tiny, tiny_blocks) -> None:
    blocks = []
    for block in tiny_blocks:
        if isinstance(block, ParagraphBlock):
            gap = block.sentences[1]
            block = block.model_copy(update={"sentences": (gap.model_copy(update={"first": gap.second, "second": gap.first}),)})
        blocks.append(block)
    with pytest.raises(BriefError, match="is not"):
        composed(tuple(blocks))


def test_a_brief_has_exactly_one_title(tiny, tiny_blocks) -> None:
    none = tuple(block for block in tiny_blocks if not isinstance(block, TitleBlock))
    with pytest.raises(BriefError, match="0 titles"):
        composed(none)


def test_composing_twice_gives_the_same_ledger(tiny, tiny_blocks) -> None:
    first, second = composed(tiny_blocks), composed(tiny_blocks)
    assert first.ledger.public() == second.ledger.public()


def test_formulas_are_neutralised_in_csv() -> None:
    for text in ("=cmd()", "+1", "-1", "@x", "\t=x", " =x", "|x"):
        assert safe(text).startswith("'")
    assert safe("Women") == "Women"


def test_hostile_labels_of_an_ungrouped_chart_are_neutral_in_its_csv(tiny, tiny_blocks) -> None:
    blocks = []
    for block in tiny_blocks:
        if block.type == "figure":
            rows = tuple(row.model_copy(update={"group": None}) for row in block.rows)
            block = block.model_copy(update={"rows": rows})
        blocks.append(block)
    text = composed(tuple(blocks)).data[0].text
    assert "\n'=cmd()," in text and "\n=cmd()" not in text


def test_the_header_is_what_the_ledger_says_the_brief_was_made_from(tiny_composed, tiny_blocks) -> None:
    header = next(block for block in tiny_blocks if isinstance(block, Header))
    public = tiny_composed.ledger.public()
    assert public["parameters"] == header.parameters
    assert public["code"]["tree"] and public["made"] == "2026-06-01" and public["synthetic"]
