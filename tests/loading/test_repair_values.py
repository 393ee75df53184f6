"""Answers whose letters were mixed up come back one by one; what was never mixed up never changes."""

import pandas as pd
import pyreadstat
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from masar_research.loading import read
from masar_research.loading.repair import plausibility, unmixed
from masar_research.loading.repair_values import repaired

HOLES = {byte: chr(byte) for byte in (0x81, 0x8D, 0x8F, 0x90, 0x9D)}
WAYS = [("utf-8", "cp1252"), ("utf-8", "cp1256"), ("cp1256", "cp1252")]
ARABIC = (
    "الجنس|أنثى|ذكر|نعم|لا|لا أعرف|رفض الإجابة|محافظة العاصمة|إربد|الزرقاء|المفرق|جرش|عجلون|البلقاء|مادبا|الكرك|الطفيلة|معان|العقبة|"
    "غير ذلك، حدد|بكالوريوس فأعلى|دبلوم متوسط|أقل من ثانوي|متزوج/ة|مطلق/ة|أرمل/ة|عاطل عن العمل|خارج القوى العاملة|ربة منزل|طالب|"
    "مياه الصرف الصحي|شبكة عامة|حفظ الطعام|ظروف العمل|طلب وظيفة|انقطاع الكهرباء ليلاً|آخر: اذكره|جيد جداً|سيئ|مؤسسة إغاثة|شيء من الثقة|"
    "عامل نجارة|لم أستلم أي مساعدة منذ 3 أشهر (أيلول)|هل لديك عمل؟|100 دينار"
).split("|")
FRENCH = ["déjà vu", "élève", "Où êtes-vous né ?", "créée", "Réponse donnée", "Forêt (chêne)", "L’été", "Noël — œuvre", "ÉLÈVE ÂGÉE", "Ça va"]
ENGLISH = ["Don't know", "Refused", "50 €", "naïve café", "5° North", "“quoted” – text…", "Øresund", "Bachelor’s degree", "£3 ½", "É", "ÀÉ", "Łódź", "São Paulo"]


def mixed(text, written, read_as):
    holes = HOLES if read_as == "cp1252" else {}
    return "".join(holes.get(byte) or bytes([byte]).decode(read_as) for byte in text.encode(written))


@pytest.mark.parametrize(("written", "read_as"), WAYS)
@pytest.mark.parametrize("text", ARABIC)
def test_planted_arabic_comes_back(text, written, read_as):
    assert unmixed(mixed(text, written, read_as)) == text


@pytest.mark.parametrize("read_as", ["cp1252", "cp1256"])
@pytest.mark.parametrize("text", FRENCH)
def test_planted_french_comes_back(text, read_as):
    assert unmixed(mixed(text, "utf-8", read_as)) == text


@pytest.mark.parametrize("text", [t for t in ARABIC if len(t) > 3])
def test_mixed_up_twice_comes_back(text):
    assert unmixed(mixed(mixed(text, "utf-8", "cp1252"), "utf-8", "cp1252")) == text


@pytest.mark.parametrize("text", [*ARABIC, *FRENCH, *ENGLISH])
def test_what_was_never_mixed_stays(text):
    assert unmixed(text) == text


WORD = st.text(st.sampled_from("ابتثجحخدذرزسشصضطظعغفقكلمنهويأإآؤئءىة"), min_size=1, max_size=9)
LATIN = st.text(st.sampled_from("abcdefghijklmnopqrstuvwxyzéèêëàâçîïôûùœæ"), min_size=1, max_size=9)
MARKS = st.sampled_from(["، ", "؟ ", "؛ ", ". ", " ", " - ", ": ", " 12 ", " 3.5 ", "/", " (", ") ", "’", " … "])


@settings(max_examples=400, deadline=None)
@given(st.lists(st.tuples(st.one_of(WORD, LATIN, LATIN.map(str.capitalize)), MARKS), max_size=8))
def test_clean_arabic_english_and_french_never_change(pieces):
    text = "".join(word + mark for word, mark in pieces)
    assert unmixed(text) == text
    assert unmixed(text.strip()) == text.strip()


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(ARABIC), min_size=1, max_size=5), st.sampled_from(WAYS))
def test_phrases_come_back(parts, way):
    text = "؛ ".join(parts)
    assert unmixed(mixed(text, *way)) == text
    assert plausibility(text) > plausibility(mixed(text, *way))


def test_one_value_among_clean_ones_is_turned_and_noted(tmp_path, monkeypatch):
    monkeypatch.setenv("MASAR_NO_CACHE", "1")
    values = ["إربد", mixed("إربد", *WAYS[0]), mixed("الزرقاء", *WAYS[1]), mixed("جرش", *WAYS[2]), "Élan", None]
    frame = pd.DataFrame({"town": values, "n": range(6)})
    right = ["إربد", "إربد", "الزرقاء", "جرش", "Élan"]
    frame.to_csv(tmp_path / "a.csv", index=False)
    frame.to_excel(tmp_path / "a.xlsx", index=False)
    frame.to_parquet(tmp_path / "a.parquet")
    for kind in ("csv", "xlsx", "parquet"):
        raw = read(tmp_path / f"a.{kind}")
        assert raw.frame["town"].tolist()[:5] == right, kind
        note = next(note for note in raw.notes if note.kind == "values_repaired")
        assert note.columns == ("town",) and "town (3)" in note.en and "town (3)" in note.ar
    assert frame["town"].tolist()[:5] == values[:5]


def test_text_codes_of_a_statistics_file_keep_their_labels(tmp_path, monkeypatch):
    monkeypatch.setenv("MASAR_NO_CACHE", "1")
    wrong = mixed("ذكر", *WAYS[0])
    pyreadstat.write_sav(
        pd.DataFrame({"a": [wrong, "F", wrong]}), str(tmp_path / "a.sav"), variable_value_labels={"a": {wrong: "Male", "F": "Female"}}
    )
    raw = read(tmp_path / "a.sav")
    assert raw.frame["a"].tolist() == ["ذكر", "F", "ذكر"] and raw.codebook.category("a", "ذكر", "en") == "Male"


def test_a_clean_frame_is_given_back_itself():
    frame = pd.DataFrame({"a": ["نعم", "لا"], "b": [1.0, 2.0]})
    same, turned, notes = repaired(frame)
    assert same is frame and not turned and not notes


def test_mixed_up_headers_of_a_table(tmp_path, monkeypatch):
    monkeypatch.setenv("MASAR_NO_CACHE", "1")
    (tmp_path / "a.csv").write_text(f"{mixed('المحافظة', *WAYS[0])},n\n1,2\n", encoding="utf-8")
    raw = read(tmp_path / "a.csv")
    assert list(raw.frame.columns) == ["المحافظة", "n"]
    assert "labels_repaired" in [note.kind for note in raw.notes]
