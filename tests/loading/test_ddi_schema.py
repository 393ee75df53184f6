"""The DDI file beside the schema's own text: order, how often, required attributes, lists of values, references.

The table below was written from codebook.xsd of DDI-Codebook 2.5 (ddi:codebook:2_5, DDI Alliance, 17 January 2012): the
sequence of each element this project writes, with ``?`` for at most once, ``*`` for any number, ``+`` for at least one,
``1`` for exactly one; and the attributes it writes with their type, ``!`` where required.
"""

import copy
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from lxml import etree
from masar_research import Survey, load
from masar_research.codebook import Category, Codebook, MissingRange, ResponseSet, Variable
from masar_research.loading.codebook_ddi import NAMESPACE, to_xml

XML = "{http://www.w3.org/XML/1998/namespace}"
ORDER = {
    "codeBook": "docDscr* stdyDscr+ fileDscr* dataDscr* otherMat*",
    "stdyDscr": "citation+ studyAuthorization* stdyInfo* studyDevelopment* method* dataAccs* othrStdyMat* notes*",
    "citation": "titlStmt1 rspStmt? prodStmt? distStmt? serStmt* verStmt* biblCit? holdings* notes*",
    "titlStmt": "titl1 subTitl* altTitl* parTitl* IDNo*",
    "stdyInfo": "studyBudget* subject* abstract* sumDscr* qualityStatement? notes* exPostEvaluation*",
    "sumDscr": "timePrd* collDate* nation* geogCover* geogUnit* geoBndBox? boundPoly? anlyUnit* universe* dataKind*",
    "method": "dataColl* notes* anlyInfo? stdyClas? dataProcessing* codingInstructions*",
    "dataColl": "timeMeth* dataCollector* collectorTraining* frequenc* sampProc* sampleFrame* targetSampleSize* deviat* collMode* "
    "resInstru* instrumentDevelopment* sources? collSitu* actMin* ConOps* weight* cleanOps*",
    "fileDscr": "fileTxt* locMap? notes*",
    "fileTxt": "fileName? fileCitation? fileCont? fileStrc? dimensns? fileType? format? filePlac? dataChck* ProcStat? dataMsng? "
    "software* verStmt?",
    "dimensns": "caseQnty* varQnty* logRecL* recPrCas* recNumTot*",
    "dataDscr": "varGrp* nCubeGrp* var* nCube* notes*",
    "varGrp": "labl* txt* concept* defntn? universe? notes*",
    "var": "location* labl* imputation? security? embargo? respUnit? anlysUnit? qstn* valrng* invalrng* undocCod* universe* TotlResp? "
    "sumStat* txt* stdCatgry* catgryGrp* catgry* codInstr* verStmt* concept* derivation? varFormat? geoMap* catLevel* notes*",
    "invalrng": "range* key? notes*",
    "catgry": "catValu? labl* txt* catStat* mrow?",
    "derivation": "drvdesc? drvcmd?",
}  # fmt: skip
# text, with marks of phrase and form that this project does not write
PLAIN = "titl parTitl IDNo abstract collDate universe sampProc collMode fileName caseQnty varQnty labl security qstnLit sumStat catValu " \
    "catStat drvdesc varFormat notes".split()  # fmt: skip
CHOICE = {"qstn": "preQTxt qstnLit postQTxt forward backward ivuInstr".split(), "range": []}
TEXT, ID, REFS, NMTOKEN = "text", "id", "refs", "nmtoken"
GLOBAL = {"ID": ID, f"{XML}lang": r"[a-z]{2,3}", "source": r"archive|producer"}
ATTRIBUTES = {
    "codeBook": {"version": r"2\.5", "codeBookAgency": NMTOKEN},
    "collDate": {"date": TEXT, "event": r"start|end|single", "cycle": TEXT},
    "IDNo": {"agency": TEXT, "level": r"study|file|project"},
    "universe": {"level": TEXT, "clusion": r"I|E"},
    "varGrp": {
        "type": r"section|multipleResp|grid|display|repetition|subject|version|iteration|analysis|pragmatic|record|file|randomized|other",
        "name": TEXT, "var": REFS, "varGrp": REFS,
    },
    "var": {
        "name!": TEXT, "wgt": r"wgt|not-wgt", "wgt-var": REFS, "files": REFS, "intrvl": r"contin|discrete", "measUnit": TEXT,
        "nature": r"nominal|ordinal|interval|ratio|percent|other",
    },
    "range": {"UNITS": r"INT|REAL", "min": TEXT, "max": TEXT, "minExclusive": TEXT, "maxExclusive": TEXT},
    "sumStat": {"type!": r"mean|medn|mode|vald|invd|min|max|stdev|other", "wgtd": r"wgtd|not-wgtd", "wgt-var": REFS},
    "catgry": {"missing": r"Y|N", "missType": TEXT},
    "catStat": {"type": r"freq|percent|crosstab|other", "wgtd": r"wgtd|not-wgtd", "wgt-var": REFS},
    "varFormat": {"type": r"character|numeric", "category": r"date|time|currency|other", "schema": r"SAS|SPSS|IBM|ANSI|ISO|XML-Data|other"},
}  # fmt: skip


def faults(root):
    """What the schema would refuse, as sentences; empty for a valid document."""
    out, ids = [], [each.get("ID") for each in root.iter() if each.get("ID") is not None]
    out += [f"ID {each} twice" for each in set(ids) if ids.count(each) > 1]
    out += [f"ID {each} is no name" for each in ids if not re.fullmatch(r"[A-Za-z_][\w.-]*", each)]
    if root.tag != f"{{{NAMESPACE}}}codeBook":
        out.append("no codeBook at the root")
    for element in root.iter(f"{{{NAMESPACE}}}*"):
        name = etree.QName(element).localname
        children = [etree.QName(child).localname for child in element]
        if name in ORDER:
            particles = ORDER[name].split()
            pattern = "".join(f"(?:{re.escape(p[:-1])} ){'' if p[-1] == '1' else p[-1]}" for p in particles)
            if not re.fullmatch(pattern, "".join(f"{child} " for child in children)):
                out.append(f"{name}: {children}")
            if (element.text or "").strip() or any((child.tail or "").strip() for child in element):
                out.append(f"{name}: text between its elements")
        elif name in CHOICE:
            out += [f"{name}: {child}" for child in children if child not in CHOICE[name]]
        elif name not in PLAIN or children:
            out.append(f"{name} is not in the table, or has children {children}")
        if name == "invalrng" and not children:
            out.append("invalrng: needs a range")
        allowed = GLOBAL | {key.rstrip("!"): kind for key, kind in ATTRIBUTES.get(name, {}).items()}
        out += [f"{name}: {key[:-1]} is required" for key in ATTRIBUTES.get(name, {}) if key[-1] == "!" and key[:-1] not in element.attrib]
        for key, value in element.attrib.items():
            if key.startswith("{http://www.w3.org/2001/XMLSchema-instance}"):
                continue
            kind = allowed.get(key)
            if kind is None:
                out.append(f"{name}: attribute {key}")
            elif kind == REFS and (not value.split() or not set(value.split()) <= set(ids)):
                out.append(f"{name}: {key}={value} names no ID")
            elif kind not in (TEXT, ID, REFS, NMTOKEN) and not re.fullmatch(kind, value):
                out.append(f"{name}: {key}={value}")
    return out


@pytest.fixture(scope="module")
def demo():
    card = Path(__file__).parents[2] / "data" / "surveys" / "masar_demo.yml"
    return etree.fromstring(to_xml(load(card, wave=2026)))


@pytest.fixture(scope="module")
def small():
    """Every kind of entry at once: ranges, dates, text, a unit, kinds of missing, Arabic only, no codebook entry at all."""
    n = 40
    frame = pd.DataFrame({
        "w": np.linspace(1, 2, n), "rate": np.tile([0.5, 1.25, 97.5, 99.0], n // 4), "sex": np.tile([1.0, 2.0], n // 2),
        "day": pd.date_range("2026-01-01", periods=n), "why": ["free"] * n, "left": np.arange(n) * 1.0,
    })  # fmt: skip
    book = Codebook([
        Variable("rate", {"ar": "المعدل"}, missing_ranges=(MissingRange(97.5, 98), MissingRange(99, np.inf, "refused")), unit={"ar": "سنة"}),
        Variable("sex", {"en": "Sex", "ar": "الجنس"}, {"en": "Sex?", "ar": "ما الجنس؟"}, "nominal",
                 (Category(1, {"en": "Male"}), Category(2, {"ar": "أنثى"}), Category(9, {}, "dont_know")), universe="rate > 0", source=("q1", "q2")),
        Variable("day", {"en": "Day"}, level="date"), Variable("why", {"en": "Why"}, level="text", note={"en": "As said."}),
    ], [ResponseSet("both", {"en": "Both", "ar": "كلاهما"}, ("sex", "rate"))])  # fmt: skip
    return etree.fromstring(to_xml(Survey(frame, weights="w", codebook=book)))


def test_the_demo_survey_follows_the_schema(demo):
    assert faults(demo) == []
    assert len(demo.findall(f".//{{{NAMESPACE}}}var")) > 250


def test_every_kind_of_entry_follows_the_schema(small):
    assert faults(small) == []
    spans = {each.get("min"): each for each in small.iter(f"{{{NAMESPACE}}}range")}
    assert small.find(f".//{{{NAMESPACE}}}varGrp").get("type") == "multipleResp"
    assert spans["97.5"].get("UNITS") == "REAL" and "UNITS" not in spans["99"].attrib and "max" not in spans["99"].attrib


def test_only_the_waves_of_the_file_are_dated(demo):
    dates = [each.get("date") for each in demo.iter(f"{{{NAMESPACE}}}collDate")]
    assert len(dates) == 2 and all(each.startswith("2026") for each in dates)


def test_the_table_finds_what_is_out_of_order_missing_or_unknown(small):
    spoilt = copy.deepcopy(small)
    var = next(each for each in spoilt.iter(f"{{{NAMESPACE}}}var") if each.get("name") == "sex")
    var.append(var[0])
    assert any(each.startswith("var: [") for each in faults(spoilt))
    spoilt = copy.deepcopy(small)
    next(spoilt.iter(f"{{{NAMESPACE}}}sumStat")).attrib.pop("type")
    assert "sumStat: type is required" in faults(spoilt)
    for name, key, value in (("var", "nature", "numeric"), ("var", "files", "F9"), ("catgry", "code", "1"), ("codeBook", "version", "2.6")):
        spoilt = copy.deepcopy(small)
        next(spoilt.iter(f"{{{NAMESPACE}}}{name}")).set(key, value)
        assert len(faults(spoilt)) == 1
    spoilt = copy.deepcopy(small)
    title = spoilt.find(f".//{{{NAMESPACE}}}titl")
    title.getparent().remove(title)
    assert len(faults(spoilt)) == 1
