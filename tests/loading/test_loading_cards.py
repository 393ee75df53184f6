"""Survey cards: every fault names file, line, field and remedy."""

from pathlib import Path

import pytest

from masar_research.errors import CardError
from masar_research.loading import read_card

GOOD = """\
study: small
title: {en: Small, ar: صغير}
population: {en: Adults, ar: بالغون, nationality: all_residents, age_min: 15}
design: {weights: w, strata: stratum, psu: psu}
waves:
  2026:
    file: small.csv
    fieldwork: {start: 2026-03-01, end: 2026-04-15}
variables:
  w: {from: w, label: {en: Weight, ar: وزن}}
  psu: {from: psu, level: text, label: {en: PSU, ar: وحدة}}
  stratum: {from: stratum, label: {en: Stratum, ar: طبقة}}
  sex:
    from: q_sex
    label: {en: Sex, ar: الجنس}
    codes: {1: {en: Male, ar: ذكر}, 2: {en: Female, ar: أنثى}}
    missing: {9: refused}
  adult:
    cases:
      - {code: 1, when: "age >= 18"}
      - {code: 0, otherwise: true}
    label: {en: Adult, ar: بالغ}
    codes: {1: {en: "Yes", ar: نعم}, 0: {en: "No", ar: لا}}
  age: {from: age, label: {en: Age, ar: العمر}}
  age2: {bands: {of: age, starts: [15, 25]}, label: {en: Age, ar: العمر}, codes: {1: {en: a, ar: أ}, 2: {en: b, ar: ب}}}
weighting:
  - {step: nonresponse, responded: "sex == 1", cells: [sex]}
  - {step: rake, margins: [{variables: [sex], targets: {1: 0.5, 2: 0.5}}]}
  - {step: trim, upper: "median + 6*iqr"}
disclosure:
  strategy: &t {en: Text, ar: نص}
  sponsor: *t
  tools: *t
  population: *t
  sample: *t
  mode: *t
  processing: *t
  limitations: *t
lacks: [{indicator: WE05, reason: {en: Not asked, ar: لم يُسأل}}]
"""


def card(tmp_path, *changes, text=GOOD):
    for before, after in changes:
        assert before in text, before
        text = text.replace(before, after, 1)
    path = tmp_path / "small.yml"
    path.write_text(text, encoding="utf-8")
    return read_card(path)


def line_of(fragment, *changes, text=GOOD):
    for before, after in changes:
        text = text.replace(before, after, 1)
    return next(k for k, line in enumerate(text.splitlines(), 1) if fragment in line)


def test_a_good_card_is_read_frozen_and_bilingual(tmp_path):
    read = card(tmp_path)
    assert read.title["ar"] == "صغير" and read.title.en == "Small" and read.path.name == "small.yml"
    assert read.waves[2026].fieldwork.start.isoformat() == "2026-03-01"
    assert read.variables["sex"].missing == {9.0: "refused"} and set(read.variables["sex"].codes) == {
        1.0,
        2.0,
    }
    assert (
        read.population.text["en"] == "Adults"
        and read.variables["w"].scale == "numeric"
        and read.variables["sex"].scale == "nominal"
    )
    assert [step.step for step in read.weighting] == ["nonresponse", "rake", "trim"]
    with pytest.raises(Exception, match="frozen"):
        read.study = "other"


FAULTS = [
    ("unknown key", [("from: q_sex", "form: q_sex")], "form: q_sex", ["form", "Did you mean from?"]),
    (
        "unknown key at the top",
        [("study: small", "study: small\ntitel: x")],
        "titel",
        ["titel", "Did you mean title?"],
    ),
    (
        "missing Arabic",
        [("label: {en: Sex, ar: الجنس}", "label: {en: Sex}")],
        "label: {en: Sex}",
        ["Arabic", "ar"],
    ),
    (
        "empty Arabic",
        [("label: {en: Sex, ar: الجنس}", "label: {en: Sex, ar: ''}")],
        "label: {en: Sex",
        ["empty"],
    ),
    (
        "text where a mapping belongs",
        [("title: {en: Small, ar: صغير}", "title: Small")],
        "title: Small",
        ["mapping", "'Small'"],
    ),
    (
        "unknown kind",
        [("missing: {9: refused}", "missing: {9: refusd}")],
        "refusd",
        ["refusd", "Did you mean refused?"],
    ),
    ("bad expression", [('when: "age >= 18"', 'when: "age = 18"')], "age = 18", ["age = 18", "=="]),
    ("code without label", [("code: 0, otherwise", "code: 5, otherwise")], "adult:", ["5", "label"]),
    (
        "two origins",
        [("from: q_sex", "from: q_sex\n    compute: age * 2")],
        "sex:",
        ["exactly one", "from, compute"],
    ),
    ("no origin", [("    from: q_sex\n", "")], "sex:", ["exactly one"]),
    (
        "otherwise first",
        [
            (
                '      - {code: 1, when: "age >= 18"}\n      - {code: 0, otherwise: true}',
                '      - {code: 0, otherwise: true}\n      - {code: 1, when: "age >= 18"}',
            )
        ],
        "adult:",
        ["last"],
    ),
    ("case without condition", [("code: 0, otherwise: true", "code: 0")], "{code: 0}", ["when", "otherwise"]),
    ("falling bands", [("starts: [15, 25]", "starts: [25, 15]")], "age2", ["rise"]),
    ("bands without labels", [("2: {en: b, ar: ب}", "3: {en: b, ar: ب}")], "age2", ["1 to 2"]),
    ("design names no variable", [("psu: psu}", "psu: pssu}")], "design:", ["pssu", "psu"]),
    ("no psu", [(", psu: psu}", "}")], "design:", ["clustered: false"]),
    ("unclustered without a note", [(", psu: psu}", ", clustered: false}")], "design:", ["note"]),
    ("unclustered with psu", [("psu: psu}", "psu: psu, clustered: false}")], "design:", ["Keep one"]),
    ("wrong lonely rule", [("psu: psu}", "psu: psu, lonely_psu: average}")], "design:", ["average", "raise"]),
    ("fieldwork backwards", [("start: 2026-03-01", "start: 2026-05-01")], "fieldwork", ["before it starts"]),
    ("no date", [("start: 2026-03-01", "start: soon")], "fieldwork", ["date", "soon"]),
    (
        "bad checksum",
        [("file: small.csv", "file: small.csv\n    checksum: sha256:1")],
        "checksum",
        ["64 hexadecimal"],
    ),
    ("unknown step", [("step: trim", "step: trimm")], "trimm", ["trim"]),
    ("step without name", [("{step: trim, upper", "{upper")], "{upper", ["step:"]),
    ("margin without targets", [(", targets: {1: 0.5, 2: 0.5}", "")], "rake", ["file:", "targets:"]),
    ("missing disclosure", [("  mode: *t\n", "")], "disclosure:", ["required", "mode"]),
    ("lacks nothing", [("indicator: WE05, ", "")], "lacks:", ["indicator:", "variable:"]),
    ("nationality guessed", [("all_residents", "everyone")], "population:", ["everyone", "jordanians"]),
    (
        "synthetic without notice",
        [("study: small", "study: small\nsynthetic: true")],
        "study: small",
        ["notice"],
    ),
    ("name with a blank", [("  sex:\n", "  my sex:\n")], "my sex", ["letters"]),
    (
        "own wave variable",
        [("  age: {from", "  wave: {from: age, label: {en: a, ar: ب}}\n  age: {from")],
        "wave: {from",
        ["wave", "rename"],
    ),
    (
        "wave that is not there",
        [("    missing: {9: refused}", "    missing: {9: refused}\n    waves: {2024: {from: q7}}")],
        "waves: {2024",
        ["2024", "2026"],
    ),
    (
        "recode without label",
        [("    missing: {9: refused}", "    recode: {1: 1, 2: 3}")],
        "sex:",
        ["3", "label"],
    ),
    (
        "nominal without codes",
        [("from: age, label", "from: age, level: nominal, label")],
        "  age: ",
        ["codes"],
    ),
    (
        "weighting cell that is no variable",
        [("cells: [sex]", "cells: [gender]")],
        "cells: [gender]",
        ["gender"],
    ),
    (
        "weighting condition on no variable",
        [('responded: "sex == 1"', 'responded: "status == 1"')],
        "nonresponse",
        ["status"],
    ),
    (
        "margin of no variable",
        [("variables: [sex]", "variables: [sx]")],
        "rake",
        ["'sx'", "Did you mean sex?"],
    ),
    (
        "universe of a raw column",
        [("    missing: {9: refused}", '    universe: "q_age > 1"')],
        "universe:",
        ["q_age", "harmonised"],
    ),
    ("needs on a read variable", [("    missing: {9: refused}", "    needs: [age]")], "sex:", ["derived"]),
]


@pytest.mark.parametrize(
    "changes, fragment, words", [fault[1:] for fault in FAULTS], ids=[fault[0] for fault in FAULTS]
)
def test_a_fault_names_line_and_remedy(tmp_path, changes, fragment, words):
    with pytest.raises(CardError) as caught:
        card(tmp_path, *changes)
    message = str(caught.value)
    assert "small.yml" in message and f"line {line_of(fragment, *changes)}" in message, message
    for word in words:
        assert word in message, message
    assert caught.value.remedy and caught.value.__cause__ is None


def test_all_faults_come_at_once(tmp_path):
    with pytest.raises(CardError) as caught:
        card(
            tmp_path,
            ("all_residents", "everyone"),
            ("from: q_sex", "form: q_sex"),
            ("start: 2026-03-01", "start: soon"),
        )
    assert all(word in str(caught.value) for word in ("everyone", "form", "soon"))


@pytest.mark.parametrize(
    "text, word",
    [
        ("study: a\nstudy: b\n", "line 2"),
        ("title: {en: a\nx: [", "line"),
        ("- a\n", "mapping"),
        ("", "mapping"),
        ("study: a\n  b: c\n", "line 2"),
        ("a: !!python/object:os.system x\n", "small.yml"),
    ],
)
def test_what_is_no_yaml_mapping(tmp_path, text, word):
    with pytest.raises(CardError, match=word):
        card(tmp_path, text=text)


def test_missing_and_foreign_files(tmp_path):
    with pytest.raises(CardError, match="no file"):
        read_card(tmp_path / "gone.yml")
    (tmp_path / "a.yml").write_bytes("study: é".encode("cp1252"))
    with pytest.raises(CardError, match="UTF-8"):
        read_card(tmp_path / "a.yml")


@pytest.mark.parametrize(
    "path", sorted((Path(__file__).parents[2] / "data" / "surveys").glob("*.yml")), ids=lambda path: path.stem
)
def test_the_cards_of_the_project_validate_and_speak_arabic(path):
    read = read_card(path)
    assert read.study == path.stem
    for name, variable in read.variables.items():
        assert (
            any("\u0600" <= letter <= "\u06ff" for letter in variable.label["ar"])
            or variable.label["ar"].isascii()
        ), name


def test_a_card_changed_on_disk_is_read_again(tmp_path):
    first = card(tmp_path)
    assert read_card(first.path) is first
    assert card(tmp_path, ("en: Small", "en: Large")).title["en"] == "Large"
