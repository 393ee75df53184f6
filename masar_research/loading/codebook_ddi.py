"""`survey.codebook_ddi`: study, file and variables as DDI-Codebook 2.5 XML."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from lxml import etree

from masar_research.codebook.wording import KIND_WORDS, code_text
from masar_research.loading.codebook_counts import Counts, all_counts
from masar_research.release import LEAST_CASES

if TYPE_CHECKING:
    from masar_research.loading.card_parts import Wave
    from masar_research.survey import Survey

NAMESPACE = "ddi:codebook:2_5"
SCHEMA = "http://www.ddialliance.org/Specification/DDI-Codebook/2.5/XMLSchema/codebook.xsd"
LANG = "{http://www.w3.org/XML/1998/namespace}lang"
_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
# a number may be an amount, a scale or an identifier: its nature is left open
_NATURE = ("nominal", "ordinal")
_STATS = {"mean": "mean", "sd": "stdev", "p50": "medn"}


def codebook_ddi(survey: Survey, path: str | Path) -> Path:
    """Write the survey's codebook as DDI-Codebook 2.5.

    Parameters
    ----------
    survey : Survey
    path : str or Path

    Returns
    -------
    Path

    Notes
    -----
    Labels and questions stand in English and Arabic under ``xml:lang``; kinds of missing values
    are ``catgry[@missing="Y"]`` with ``missType``, ranges ``invalrng``; a question with several
    answers is a ``varGrp[@type="multipleResp"]``, the weight ``var[@wgt="wgt"]``. Frequencies are
    withheld as on the HTML page; personal variables and open text have no values.

    Examples
    --------
    >>> survey.codebook_ddi("codebook.xml")     # doctest: +SKIP
    """
    path = Path(path)
    path.write_bytes(to_xml(survey))
    return path


def to_xml(survey: Survey) -> bytes:
    """The document as UTF-8 XML."""
    xsi = "http://www.w3.org/2001/XMLSchema-instance"
    root = etree.Element(f"{{{NAMESPACE}}}codeBook", nsmap={None: NAMESPACE, "xsi": xsi}, version="2.5")
    root.set(f"{{{xsi}}}schemaLocation", f"{NAMESPACE} {SCHEMA}")
    counts = list(all_counts(survey))
    _study(root, survey)
    _file(root, survey, len(counts))
    data = _add(root, "dataDscr")
    ids = {each.variable.name: f"V{place}" for place, each in enumerate(counts, 1)}
    for place, several in enumerate(survey.codebook.sets.values(), 1):
        members = " ".join(ids[name] for name in several.variables if name in ids)
        group = _add(data, "varGrp", ID=f"VG{place}", type="multipleResp", name=several.name, var=members)
        _words(group, "labl", several.label)
    weight = next((ids[each.variable.name] for each in counts if each.is_weight), None)
    for each in counts:
        _variable(data, each, ids[each.variable.name], weight)
    return etree.tostring(root, encoding="utf-8", xml_declaration=True, pretty_print=True)


def _add(parent: etree._Element, tag: str, text: str | None = None, **attributes: str) -> etree._Element:
    out = etree.SubElement(parent, f"{{{NAMESPACE}}}{tag}")
    for name, value in attributes.items():
        out.set(name.replace("_", "-"), _ILLEGAL.sub("\ufffd", value))
    if text is not None:
        out.text = _ILLEGAL.sub("\ufffd", text)
    return out


def _words(parent: etree._Element, tag: str, words: Mapping[str, str] | None) -> None:
    for lang, text in (words or {}).items():
        _add(parent, tag, text).set(LANG, lang)


def _study(root: etree._Element, survey: Survey) -> None:
    card, study = survey.card, _add(root, "stdyDscr")
    citation = _add(study, "citation")
    titles = _add(citation, "titlStmt")
    title = dict(card.title) if card else {"en": "Survey", "ar": "مسح"}
    _add(titles, "titl", title["en"]).set(LANG, "en")
    _add(titles, "parTitl", title["ar"]).set(LANG, "ar")
    if card:
        _add(titles, "IDNo", card.study)
        info = _add(study, "stdyInfo")
        _words(info, "abstract", card.notice)
        summary = _add(info, "sumDscr")
        for wave in _waves(survey):
            for event in ("start", "end"):
                day = getattr(wave.fieldwork, event)
                if day is not None:
                    _add(summary, "collDate", day.isoformat(), date=day.isoformat(), event=event)
        for lang in ("en", "ar"):
            _add(summary, "universe", getattr(card.population, lang)).set(LANG, lang)
        method = _add(study, "method")
        collected = _add(method, "dataColl")
        _words(collected, "sampProc", card.disclosure.sample)
        _words(collected, "collMode", card.disclosure.mode)


def _waves(survey: Survey) -> list[Wave]:
    """The waves of the card that stand in the survey."""
    waves = survey.card.waves
    if "wave" not in survey.frame.columns:
        return list(waves.values())
    held = {f"{each:g}" if isinstance(each, float) else str(each) for each in survey.frame["wave"].unique()}
    return [facts for key, facts in waves.items() if str(key) in held]


def _file(root: etree._Element, survey: Survey, variables: int) -> None:
    text = _add(_add(root, "fileDscr", ID="F1"), "fileTxt")
    if survey.card:
        _add(text, "fileName", survey.card.study)
    size = _add(text, "dimensns")
    rows = len(survey) if survey.mask is None else int(survey.mask.sum())
    _add(size, "caseQnty", str(rows))
    _add(size, "varQnty", str(variables))


def _variable(data: etree._Element, each: Counts, identity: str, weight: str | None) -> None:
    # children in the order of the schema's varType
    variable = each.variable
    facts = {"ID": identity, "name": variable.name, "files": "F1"}
    facts |= {"wgt": "wgt"} if each.is_weight else {"wgt-var": weight} if weight and each.cells else {}
    facts["intrvl"] = "contin" if variable.level == "numeric" else "discrete"
    facts |= {"nature": variable.level} if variable.level in _NATURE else {}
    out = _add(data, "var", **facts)
    if variable.unit:
        out.set("measUnit", next(iter(variable.unit.values())))
    _words(out, "labl", variable.label)
    if each.shown == "personal":
        _add(out, "security", "Personal: values are not published. شخصي: لا تُنشر قيمه.")
    for lang, text in (variable.question or {}).items():
        _add(_add(out, "qstn"), "qstnLit", text).set(LANG, lang)
    for span in variable.missing_ranges:
        ends = {name: code_text(end) for name, end in (("min", span.low), ("max", span.high)) if abs(end) < float("inf")}
        whole = all(abs(end) == float("inf") or float(end).is_integer() for end in (span.low, span.high))
        _add(_add(out, "invalrng"), "range", **({} if whole else {"UNITS": "REAL"}), **ends)
    if variable.universe:
        _add(out, "universe", variable.universe)
    for kind, count in (("vald", each.valid), ("invd", each.absent)):
        if not 0 < count < LEAST_CASES:
            _add(out, "sumStat", str(count), type=kind)
    for name, value in each.stats:
        if name in _STATS:
            _add(out, "sumStat", f"{value:.6g}", type=_STATS[name], wgtd="wgtd")
    _categories(out, each)
    if variable.source and variable.source != (variable.name,):
        _add(_add(out, "derivation"), "drvdesc", ", ".join(variable.source))
    kind = "character" if variable.level == "text" else "numeric"
    _add(out, "varFormat", type=kind, category="date" if variable.level == "date" else "other")
    _words(out, "notes", variable.note)


def _categories(out: etree._Element, each: Counts) -> None:
    counted = {cell.category.code: cell for cell in each.cells}
    shown = [cell.category for cell in each.cells]
    if each.shown in ("personal", "design", "count"):
        shown = [category for category in shown if category.missing]
    else:
        shown = [c for c in each.variable.categories if c.code not in counted] + shown
    for category in shown:
        if category.missing and category.code == "":
            continue
        facts = {"missing": "Y", "missType": category.missing} if category.missing else {}
        entry = _add(out, "catgry", **facts)
        _add(entry, "catValu", code_text(category.code))
        _words(entry, "labl", category.label or (KIND_WORDS[category.missing] if category.missing else None))
        cell = counted.get(category.code)
        if cell is not None and cell.n is not None:
            _add(entry, "catStat", str(cell.n), type="freq")
            if cell.share is not None:
                _add(entry, "catStat", f"{100 * cell.share:.4f}", type="percent", wgtd="wgtd")
