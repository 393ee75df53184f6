"""Files nobody in this project made. They are found through MASAR_REAL_DATA; without it these tests skip."""

import os
from pathlib import Path

import numpy as np
import pytest

from masar_research.expressions import parse
from masar_research.loading import load, read, recode_report

REAL = Path(os.environ["MASAR_REAL_DATA"]) if os.environ.get("MASAR_REAL_DATA") else None


def real(*parts):
    path = REAL.joinpath(*parts) if REAL else None
    if path is None or not path.exists():
        pytest.skip(f"{'/'.join(parts)} needs MASAR_REAL_DATA")
    return path


@pytest.fixture(autouse=True)
def no_cache(monkeypatch):
    monkeypatch.setenv("MASAR_NO_CACHE", "1")


@pytest.fixture(scope="module")
def jordan():
    real("arab_barometer_3", "ABIII_English.sav")
    return load("arab_barometer_3_jordan", cache=False)


def test_arab_barometer_counts_of_q303(jordan):
    counts = jordan.frame["elections_fair"].value_counts().to_dict()
    assert counts == {1.0: 172, 2.0: 359, 3.0: 240, 4.0: 786, 8.0: 235, 9.0: 3} and len(jordan.frame) == 1795
    assert jordan.codebook.missing_kinds("elections_fair")[8.0] == "dont_know"
    assert np.isfinite(jordan.values("elections_fair")).sum() == 172 + 359 + 240 + 786


def test_arab_barometer_traps(jordan):
    """8 and 9 are answers in some variables and refusals in others; 0 is Missing only where the card says so."""
    assert jordan.codebook.missing_codes("governorate") == frozenset()
    assert set(jordan.frame["governorate"]) == {11, 12, 13, 14, 21, 22, 23, 24, 31, 32, 33, 34}
    assert (jordan.frame["education"] == 0).sum() == 1 and np.isnan(jordan.values("education")).sum() == 1
    assert np.nanmin(jordan.values("age")) == 18 and not np.isnan(jordan.values("age")).any()
    assert jordan.values("base_weight").sum() == pytest.approx(1795, abs=1e-3)
    assert jordan.card.design.clustered is False and jordan.design.n_units == 1795


def test_arab_barometer_work_adds_up(jordan):
    employment = jordan.frame["employment"].value_counts(dropna=False).to_dict()
    assert (
        employment[1.0] == 711
        and employment[2.0] == 160
        and sum(n for code, n in employment.items() if code == code) == 1793
    )
    assert np.isfinite(jordan.values("unemployed")).sum() == 711 + 160
    report = recode_report("arab_barometer_3_jordan", cache=False)
    for name in ("sex", "education", "marital", "emigrate", "elections_fair", "trust_army"):
        assert report[report.variable == name].n.sum() == 1795


def test_arab_barometer_words_are_whole_and_bilingual(jordan):
    for name, variable in jordan.codebook.items():
        assert variable.label["en"] and variable.label["ar"], name
        for words in (variable.label, variable.question or {}):
            assert all(len(text) != 80 for text in words.values()), name


def test_kobo_iraq_with_its_form():
    form = (real("kobo_iraq", "cleaningtools_survey.csv"), real("kobo_iraq", "cleaningtools_choices.csv"))
    raw = read(real("kobo_iraq", "cleaningtools_raw_data.csv"), form=form)
    assert len(raw.frame) == 632 and raw.frame["start"].dtype == "datetime64[us]"
    assert raw.codebook.category("gender_hoh", "male", "ar") == "ذكر"
    assert set(raw.frame["primary_livelihood__savings"].dropna()) == {0.0, 1.0}
    split = [name for name in raw.frame.columns if name.startswith("primary_livelihood__")]
    chosen = raw.frame["primary_livelihood"].dropna().str.split().map(len)
    assert (raw.frame.loc[chosen.index, split].sum(axis=1) == chosen).all()
    assert not {"deviceid"} & set(raw.frame.columns) and any(note.kind == "set_aside" for note in raw.notes)
    for variable in raw.codebook.values():
        if variable.universe:
            assert parse(variable.universe).names <= set(raw.frame.columns), variable.name


def test_dhs_model_file():
    raw = read(real("dhs_model", "ZZMR61FL.DTA"))
    assert raw.frame.shape == (3621, 526) and {kind.kind for kind in raw.frame.dtypes} <= {"f", "O"}
    assert raw.frame["mv005"].notna().all() and raw.codebook.label("mv021", "en")
    assert isinstance(raw.codebook["mv013"].categories[0].code, float)


def test_anes_negative_codes_stay_codes():
    raw = read(real("anes2020", "anes_2020_stata_example.dta"))
    assert raw.frame.shape == (7453, 44) and (raw.frame.select_dtypes("float") < 0).any().any()


@pytest.mark.parametrize(
    "name",
    [
        "sample.sav",
        "sample.zsav",
        "sample.por",
        "sample.dta",
        "sample_large.sav",
        "hebrews.sav",
        "tegulu.sav",
        "missing_char.sav",
        "missing_test.sav",
        "missing_test.dta",
        "ordered_category.sav",
        "sample_missing.sav",
        "simple_alltypes.sav",
        "test_width.sav",
    ],
)
def test_spss_oddities_are_read(name):
    raw = read(real("spss_oddities", name))
    assert len(raw.frame) and {dtype.kind for dtype in raw.frame.dtypes} <= {"f", "O", "M"}
    assert list(raw.codebook) == list(raw.frame.columns)


def test_one_sample_in_three_formats_is_one_content():
    assert (
        len(
            {
                read(real("spss_oddities", name)).checksum
                for name in ("sample.sav", "sample.zsav", "sample.dta")
            }
        )
        == 1
    )


def test_missing_ranges_of_spss():
    book = read(real("spss_oddities", "sample_missing.sav")).codebook
    assert book.missing_codes("mynum") == {-1.0, 2500.0} and book.missing_codes("myord") == {-1.0, -2.0, -3.0}
    assert (
        read(real("spss_oddities", "simple_alltypes.sav")).codebook.missing_kinds("z")[999.0]
        == "not_applicable"
    )


def test_r_survey_identifiers_stay_text():
    raw = read(real("r_survey", "apiclus1.csv"))
    assert raw.frame["cds"].str.startswith("0").any() and raw.frame["api00"].dtype == float
