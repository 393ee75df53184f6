"""A reading written as Parquet comes back whole: codes, labels, missing kinds, ranges, sets, notes of change."""

import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from masar_research.codebook import Category, Codebook, MissingRange, ResponseSet, Variable
from masar_research.errors import DataError
from masar_research.loading import read, write_parquet
from masar_research.loading.raw import make_raw


@pytest.fixture(autouse=True)
def no_cache(monkeypatch):
    monkeypatch.setenv("MASAR_NO_CACHE", "1")


def study():
    frame = pd.DataFrame(
        {
            "sex": [1.0, 2.0, 99.0, np.nan], "size": [4.0, -7.0, 2.0, 1.0], "سكن": pd.Series(["ملك", "إيجار", None, "ملك"], dtype="str"),
            "when": pd.to_datetime(["2026-03-01", None, "2026-03-02", "2026-03-03"]).astype("datetime64[us]"), "a": [0.0, 1, 0, 1], "b": [1.0, 1, 0, 0],
        }
    )  # fmt: skip
    yes = (Category(0, {"en": "No", "ar": "لا"}), Category(1, {"en": "Yes", "ar": "نعم"}))
    book = Codebook(
        [
            Variable("sex", {"en": "Sex", "ar": "الجنس"}, {"ar": "ما جنسك؟"}, "nominal",
                     (Category(1, {"ar": "ذكر"}), Category(2, {"en": "Female"}), Category(99, {"en": "Refused"}, "refused")), note={"en": "Hint: x"}),
            Variable("size", {"en": "Size"}, universe="sex == 1", unit={"en": "persons"}, missing_ranges=(MissingRange(-np.inf, -1, "dont_know"),)),
            Variable("سكن", {"ar": "السكن"}, level="nominal", categories=(Category("ملك", {"ar": "ملك"}), Category("إيجار", {"en": "Rent"}))),
            Variable("when", {"en": "When"}, level="date"), Variable("a", {"en": "A"}, level="nominal", categories=yes),
            Variable("b", {"en": "B"}, level="nominal", categories=yes),
        ],
        [ResponseSet("ab", {"en": "AB"}, ("a", "b"))],
    )  # fmt: skip
    return make_raw(frame, book, [])


def test_everything_comes_back(tmp_path):
    raw = study()
    back = read(write_parquet(raw, tmp_path / "a.parquet"))
    assert back.frame.equals(raw.frame) and (back.frame.dtypes == raw.frame.dtypes).all()
    assert back.codebook == raw.codebook and back.checksum == raw.checksum and not back.notes
    assert dict(back.codebook.sets) == dict(raw.codebook.sets)
    assert write_parquet(back, tmp_path / "b.parquet").read_bytes() == (tmp_path / "a.parquet").read_bytes()


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.floats(allow_infinity=False) | st.none(), min_size=0, max_size=6),
    st.dictionaries(st.sampled_from([1.0, 2.0, -5.5, 0.0]), st.text("اب تeé\"'\\", min_size=1, max_size=6), max_size=3),
)
def test_any_numbers_and_labels_come_back(tmp_path, values, labels):
    frame = pd.DataFrame({"x": np.array([np.nan if v is None else v for v in values], dtype=float)})
    book = Codebook([Variable("x", {"en": "X"}, level="nominal", categories=tuple(Category(c, {"ar": t}) for c, t in labels.items()))])
    raw = make_raw(frame, book, [])
    back = read(write_parquet(raw, tmp_path / "p.parquet"))
    assert back.checksum == raw.checksum and back.codebook == book


def test_another_program_sees_a_plain_table_and_a_change_is_noticed(tmp_path):
    path = write_parquet(study(), tmp_path / "a.parquet")
    frame = pd.read_parquet(path)
    assert frame["sex"].tolist()[:3] == [1, 2, 99] and frame["سكن"].tolist()[0] == "ملك"
    table = pq.read_table(path)
    changed = table.set_column(0, "sex", pa.array([2.0, 2.0, 99.0, None]))
    pq.write_table(changed, path)
    raw = read(path)
    assert [note.kind for note in raw.notes] == ["content_changed"] and raw.codebook.label("sex", "ar") == "الجنس"


@pytest.mark.parametrize("facts", [b"{", b"[]", b'{"form": 1}', b'{"form": 1, "codebook": {"variables": [], "sets": []}}', b'{"form": 1, "codebook": 7}'])
def test_a_spoiled_codebook_is_left_aside_and_said(tmp_path, facts):
    path = write_parquet(study(), tmp_path / "a.parquet")
    pq.write_table(pq.read_table(path).replace_schema_metadata({b"masar_codebook": facts}), path)
    raw = read(path)
    assert "codebook_unread" in [note.kind for note in raw.notes] and raw.frame["size"].tolist() == [4, -7, 2, 1]


def test_personal_columns_of_such_a_file_are_still_set_aside(tmp_path):
    raw = study()
    frame = raw.frame.assign(phone=pd.Series(["0791234567", "0781234567", "0771234567", "0791112223"], dtype="str"))
    book = raw.codebook.add(Variable("phone", {"en": "Phone"}, level="text"))
    path = write_parquet(make_raw(frame, book, []), tmp_path / "a.parquet")
    assert "phone" not in read(path).frame


def test_bad_names_and_places(tmp_path):
    with pytest.raises(DataError, match="does not end in .parquet"):
        write_parquet(study(), tmp_path / "a.csv")
    with pytest.raises(DataError, match="cannot be written"):
        write_parquet(study(), tmp_path / "none" / "a.parquet")
    json.loads(pq.read_schema(write_parquet(study(), tmp_path / "a.parquet")).metadata[b"masar_codebook"])
