"""Labels whose UTF-8 bytes were read as Western European letters, one by one."""

import pandas as pd
import pyreadstat
import pytest
from hypothesis import given
from hypothesis import strategies as st

from masar_research.loading import read
from masar_research.loading.repair import unmixed

HOLES = {byte: chr(byte) for byte in (0x81, 0x8D, 0x8F, 0x90, 0x9D)}


def mixed(text):
    return "".join(HOLES.get(byte) or bytes([byte]).decode("cp1252") for byte in text.encode())


@given(st.text(alphabet=[chr(c) for c in range(0x0621, 0x064B)] + list(" 12?؟،"), min_size=1).filter(lambda t: any(c.isalpha() for c in t)))
def test_arabic_comes_back_exactly_and_only_once(text):
    assert unmixed(mixed(text)) == text and unmixed(text) == text


@pytest.mark.parametrize("text", ["Øresund", "Réponse donnée", "ÙÚ", "50 €", "ذكر", "", "Ø", "Ø§ et é"])
def test_what_was_never_mixed_is_left(text):
    assert unmixed(text) == text


def test_one_mixed_label_in_a_file_is_repaired_and_noted(tmp_path, monkeypatch):
    monkeypatch.setenv("MASAR_NO_CACHE", "1")
    pyreadstat.write_sav(
        pd.DataFrame({"a": [1.0, 2.0], "b": [1.0, 1.0]}), str(tmp_path / "a.sav"),
        column_labels={"a": mixed("الجنس"), "b": "A much longer label in plain English, so that the file is not taken for one of another encoding"},
        variable_value_labels={"a": {1.0: "ذكر", 2.0: mixed("أنثى")}},
    )  # fmt: skip
    raw = read(tmp_path / "a.sav")
    assert raw.codebook.label("a", "ar") == "الجنس" and raw.codebook.category("a", 2.0, "ar") == "أنثى"
    assert [(note.kind, note.columns) for note in raw.notes] == [("labels_repaired", ("a",))]
