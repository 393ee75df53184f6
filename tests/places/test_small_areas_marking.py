"""A model-based figure says so wherever it is shown, and goes through the release gate."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import masar_research as mr
from masar_research import briefs, gating, release
from masar_research.briefs import authoring, blocks, gate
from masar_research.briefs.compose import compose
from masar_research.briefs.document import Figure, Messages, Table, lines, plain
from masar_research.briefs.emit import Collected
from masar_research.estimates import Estimates
from masar_research.places.small_areas_result import SmallAreas
from masar_research.present import numbers

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "briefs"))
from small_area_samples import known, survey  # noqa: E402
from tiny_project import make_project  # noqa: E402

WORDS = {"en": "odel-based estimate", "ar": "قائم على نموذج"}
SAID = {"en": ("odel-based estimate",), "ar": ("قائم على نموذج", "قائمة على نموذج")}


@pytest.fixture(scope="module")
def rates() -> Estimates:
    return survey(g24=0).proportion("works", by="governorate")


@pytest.fixture(scope="module")
def found(rates: Estimates) -> SmallAreas:
    return rates.small_area(known(), on="governorate", terms=["south"])


@pytest.fixture(autouse=True)
def no_boundaries(tmp_path, monkeypatch) -> None:
    (tmp_path / "none").mkdir()
    monkeypatch.setenv("MASAR_BOUNDARIES", str(tmp_path / "none"))


@pytest.mark.parametrize("lang", ["en", "ar"])
def test_every_row_of_a_table_and_its_foot_say_so(found: SmallAreas, lang: str) -> None:
    table = found.table(lang)
    shown = table.frame[table.frame.iloc[:, 1] != "*"]
    assert len(shown) > 9 and shown.iloc[:, -1].str.contains(WORDS[lang]).all()
    assert any(any(word in note for word in SAID[lang]) for note in table.notes)
    assert WORDS[lang] in found._repr_html_()
    assert any("Model-based" in line or "نموذج" in line for line in found.note.lines(lang))


@pytest.mark.parametrize("lang", ["en", "ar"])
def test_so_does_every_drawing(found: SmallAreas, lang: str) -> None:
    drawings = (found.map, found.side_by_side) if lang == "en" else (found.plot, found.compared)
    for draw in drawings:
        drawn = " ".join(draw(lang).texts)
        assert any(word in drawn for word in ("odel-based estimate", *SAID["ar"])), drawn


@pytest.mark.parametrize("lang", ["en", "ar"])
def test_a_direct_estimate_is_not_called_model_based(rates: Estimates, lang: str) -> None:
    assert not any(word in str(rates.table(lang)) for word in SAID[lang])


def test_a_contrast_carries_the_mark(found: SmallAreas) -> None:
    gap = found.contrast("11 - 21")
    assert gating.decisions(gap)["note_code"].tolist() == ["model_based"]
    assert "Model-based estimate" in str(gap.table("en"))


def test_what_the_gate_hid_of_the_direct_ones_the_model_may_show(rates: Estimates, found: SmallAreas) -> None:
    direct = gating.decisions(rates)["status"].to_numpy()
    model = gating.decisions(found)
    weak = np.flatnonzero(direct == "suppress")
    assert len(weak) >= 4
    assert (model["status"].iloc[weak] == "flag").any()
    assert (model.loc[model["status"] != "suppress", "note_code"].isin(release.MODEL_BASED)).all()
    row = found.frame["governorate"].tolist().index(24)
    assert found.frame["n"].iloc[row] == 0 and model["note_code"].iloc[row] in ("model_based_synthetic", "")


def test_its_own_error_hides_it() -> None:
    cells = pd.DataFrame({
        "kind": "model_based_proportion", "estimate": [0.4, 0.4, 0.4, 0.03], "std_error": [0.02, 0.055, 0.08, 0.02],
        "n": [40, 40, 40, 40], "n_eff": np.nan, "df": 10.0,
    })  # fmt: skip
    judged = release.assess(cells)
    assert judged["status"].tolist() == ["flag", "flag", "suppress", "suppress"]
    assert judged["note_code"].tolist() == ["model_based", "model_based_caution", "", ""]
    assert judged["reason"].tolist() == ["", "", "width", "relative_width"]
    means = cells.assign(kind="model_based", estimate=10.0, std_error=[1.0, 2.0, 3.4, 0.5])
    assert release.assess(means)["reason"].tolist() == ["", "", "rse", ""]
    assert release.assess(means)["note_code"].tolist() == ["model_based", "model_based_caution", "", "model_based"]
    strict = release.assess(cells, "strict_ngo")
    assert strict["status"].tolist() == ["flag", "suppress", "suppress", "suppress"]
    for profile in release.PROFILES:
        assert set(release.assess(cells, profile)["status"]) <= {"flag", "suppress"}


def test_confidentiality_holds_for_it_too(found: SmallAreas) -> None:
    cells = found.frame.assign(kind=found.kind, address=[str(i) for i in range(len(found))], n=3)
    assert set(release.decide(cells)["reason"]) == {"disclosure"}


def test_where_own_answers_weigh_nine_tenths_the_count_of_a_class_is_kept() -> None:
    frame = survey(per_psu=60).frame
    hit = frame.index[frame["governorate"] == 11]
    frame.loc[hit, "works"] = 0.0
    frame.loc[hit[::1200], "works"] = 1.0
    direct = mr.Survey(frame, weights="w", strata="governorate", psu="psu").proportion("works", by="governorate")
    assert direct.frame["count"].iloc[0] == 3
    found = direct.small_area(known(), on="governorate", terms=[])
    assert found.areas["shrinkage"].iloc[0] > 0.9
    assert gating.decisions(found)["reason"].iloc[0] == "disclosure"


# --- a brief ----------------------------------------------------------------------------

CELLS = """\
base = Text(en="Adults", ar="البالغون")
set_ = brief.estimates("areas", found, base=base)
gap = brief.estimates("gap", found.contrast("21 - 11"), of=set_, base=base)
rate = Phrase(en="the share at work", ar="نسبة العاملين", gender="f")
irbid, amman = Phrase(en="people in Irbid", ar="سكان إربد", gender="m"), Phrase(en="people in Amman", ar="سكان عمّان", gender="m")
brief.title(Text(en="Work differs between places", ar="يختلف العمل بين الأماكن"), kicker=Text(en="Evidence brief", ar="موجز أدلة"))
brief.message(Text(en="In Irbid, {w} work.", ar="يعمل {w} من سكان إربد.", values={"w": set_.cell(governorate=21)}),
              figure=set_.cell(governorate=21))
brief.paragraph(Level(cell=set_.cell(governorate=11), subject=rate, among=amman),
                Gap(test=gap.cell(), first=set_.cell(governorate=21), second=set_.cell(governorate=11), subject=rate,
                    first_label=irbid, second_label=amman))
brief.map("places", set_, base=base, title=Text(en="Work by governorate", ar="العمل حسب المحافظة"))
brief.chart("dots", kind="dots", base=base, rows=[set_.rows("governorate")], title=Text(en="Work", ar="العمل"))
brief.table("most", caption=Text(en="Who works", ar="من يعمل"), columns=[Text(en="Place", ar="المكان"), Text(en="Share", ar="النسبة")],
            rows=[[set_.label(c, "governorate"), c] for c in set_.cells()])
brief.evidence(set_.cell(governorate=11), start="probability_survey")
brief.method(); brief.lacks(); brief.disclosure(); brief.cite()
"""


@pytest.fixture(scope="module")
def composed(found: SmallAreas, tmp_path_factory):
    home = make_project(tmp_path_factory.mktemp("small"), Path(__file__).resolve().parents[2])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MASAR_HOME", str(home))
        patch.setenv("MASAR_NO_CACHE", "1")
        kept = Collected()
        brief = authoring.open_brief("tiny", survey="tiny", wave=2026, emit=kept)
        names = {name: getattr(briefs, name) for name in briefs.__all__} | {"brief": brief, "found": found}
        exec(CELLS, names)
        written = tuple(blocks.with_sources([blocks.load(blocks.dump(block)) for block in kept.blocks]))
        return compose(written, gate.decide(written), date="2026-06-01")


@pytest.mark.parametrize("lang", ["en", "ar"])
def test_no_page_of_a_brief_prints_one_without_saying_so(composed, found: SmallAreas, lang: str) -> None:
    document = composed.documents[lang]
    message = next(element for element in document.elements if isinstance(element, Messages))
    assert WORDS[lang] in plain(message.lines[0]) and plain(message.lines[0]).count("(") == 1
    for element in document.elements:
        if isinstance(element, Figure):
            notes = " ".join(plain(line) for line in element.notes)
            assert WORDS[lang] in notes
            assert any(word in " ".join(element.art.texts) for word in ("odel-based estimate", *SAID["ar"]))
            assert WORDS[lang] in " ".join(plain(line) for line in element.data.notes)
        if isinstance(element, Table):
            assert WORDS[lang] in " ".join(plain(line) for line in element.notes)
    shown = {
        numbers.percent(value, lang) for value, status in zip(found.frame["estimate"], found.frame["reliability"], strict=True)
        if status != "suppress"
    }  # fmt: skip
    running = [plain(line) for where, line in lines(document) if any(value in plain(line) for value in shown)]
    sentences = [text for text in running if len(text.split()) > 4]
    assert len(sentences) >= 3
    assert all(WORDS[lang] in text for text in sentences if "confidence" in text or "فترة الثقة" in text)


def test_the_national_gate_links_no_direct_figure_with_it(composed) -> None:
    entries = composed.ledger.public()["entries"]
    told = [e for e in entries if str(e.get("cell", "")).startswith("areas[")]
    assert told and all(e["decision"]["status"] in ("flag", "suppress") for e in told)
