"""From a file, a survey card or a survey to what the checks look at."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from masar_research.codebook import Text
from masar_research.errors import DataError, MasarError
from masar_research.loading.load import load
from masar_research.loading.cards import SurveyCard, read_card
from masar_research.loading.places_of_files import find_card
from masar_research.loading.raw import Raw
from masar_research.loading.readers import FormPath, read
from masar_research.loading.tables import read_excel, read_text_table
from masar_research.loading.xlsform_relevance import Answer, universe
from masar_research.places import governorates
from masar_research.quality.material import Material, Positions, Target, answer_items, who_answered
from masar_research.quality.outcomes import Outcomes
from masar_research.quality.roles import Roles, recognise
from masar_research.weighting.reference import by_key, card_margin, published
from masar_research.weighting.targets import MarginSpec, margin
from masar_research.weighting.universe import difference

if TYPE_CHECKING:
    from masar_research.survey import Survey

CARDS = (".yml", ".yaml")


def from_file(
    path: Path, *, form: FormPath | None = None, roles: Mapping[str, str | None] | None = None,
    outcomes: Outcomes | None = None, targets: Sequence[Target] = (),
    fieldwork: tuple[dt.date | None, dt.date | None] = (None, None), country: str | None = None,
) -> Material:  # fmt: skip
    """The material of a raw file, with its form where it has one."""
    raw = read(path, form=form)
    found = recognise(map(str, raw.frame.columns), roles)
    return _material(
        raw.frame, raw, found, frozenset(), outcomes, tuple(targets), fieldwork, country,
        constraints={} if form is None else _constraints(form, raw),
        positions=_positions(path), title=Text(en=path.name, ar=path.name),
    )  # fmt: skip


def from_card(
    card: SurveyCard, wave: int | str, *, roles: Mapping[str, str | None] | None = None, country: str | None = None
) -> Material:
    """The material of one wave of a card: harmonised variables, declared design, margins and dispositions."""
    return from_survey(load(card, wave=wave), roles=roles, country=country)


def from_survey(
    survey: Survey, *, roles: Mapping[str, str | None] | None = None, outcomes: Outcomes | None = None,
    targets: Sequence[Target] = (), fieldwork: tuple[dt.date | None, dt.date | None] = (None, None),
    country: str | None = None,
) -> Material:  # fmt: skip
    """The material of a survey at hand."""
    card = survey.card
    given: dict[str, str | None] = {}
    for role, name in (("weight", "weights"), ("strata", "strata"), ("psu", "psu")):
        column = survey.roles.get(name)
        given[role] = column if isinstance(column, str) or not column else column[0]
    given = {role: column or None for role, column in given.items() if column or role != "psu"}
    found = recognise(survey.frame.columns, given | dict(roles or {}))
    derived, title, notice, ages, unfit = frozenset(), Text(en="Survey", ar="مسح"), None, (0.0, 115.0), ()
    if card is not None:
        derived = frozenset(name for name, facts in card.variables.items() if facts.from_ is None)
        title, notice = card.title, card.notice
        ages = (float(card.population.age_min), float(card.population.age_max or 115))
        waves = [facts for key, facts in card.waves.items() if _holds_wave(survey, key)]
        starts, ends = [w.fieldwork.start for w in waves], [w.fieldwork.end for w in waves]
        if not any(fieldwork):
            fieldwork = (min(starts) if all(starts) else None, max(ends) if all(ends) else None)
        targets = tuple(targets) or _card_targets(survey)
        published, unfit = _published(survey, {frozenset(each.variables) for each in targets})
        targets += published
        outcomes = outcomes or _card_outcomes(card)
    return _material(
        survey.frame, survey, found, derived, outcomes, tuple(targets), fieldwork, country, ages=ages, title=title, notice=notice,
        unfit=unfit,
    )  # fmt: skip


def read_source(source: str | Path) -> Path | SurveyCard:
    """A card's path or study name as a card, anything else as a path."""
    path = Path(source)
    if path.suffix in CARDS or (not path.suffix and not path.exists()):
        return read_card(find_card(source))
    return path


def _material(
    frame: pd.DataFrame, source: Raw | Survey, roles: Roles, derived: frozenset[str], outcomes: Outcomes | None,
    targets: tuple[Target, ...], fieldwork: tuple, country: str | None, *, constraints: Mapping[str, str] | None = None,
    positions: Positions | None = None, title: Mapping[str, str] | None = None, notice: Mapping[str, str] | None = None,
    ages: tuple[float, float] = (0.0, 115.0), unfit: tuple[tuple[str, Text], ...] = (),
) -> Material:  # fmt: skip
    frame = frame.reset_index(drop=True)
    if len(frame) == 0:
        raise DataError("The file holds no rows.", remedy="Check the export.", ar="الملف بلا سجلات.")
    items = answer_items(frame, source.codebook, roles, derived)
    interviewed = who_answered(frame, items)
    finished = interviewed
    if outcomes is not None:
        if outcomes.variable not in frame.columns:
            raise DataError(f"There is no column {outcomes.variable!r} of dispositions.", remedy="Correct variable: of the outcomes.")
        of = frame[outcomes.variable].map(outcomes.codes)
        interviewed, finished = of.isin(["I", "P"]).to_numpy(), (of == "I").to_numpy()
    return Material(
        frame=frame, codebook=source.codebook, roles=roles, items=items, interviewed=interviewed, finished=finished,
        rows=np.arange(1, len(frame) + 1), constraints=constraints or {}, fieldwork=fieldwork, ages=ages,
        positions=positions, country=country, outcomes=outcomes, targets=targets, unfit=unfit,
        notes=getattr(source, "notes", ()), title=Text.of(title), notice=Text.of(notice) if notice else None,
        checksum=source.checksum,
    )  # fmt: skip


def _holds_wave(survey: Survey, wave: int | str) -> bool:
    if "wave" not in survey.frame.columns:
        return True
    return str(wave) in {f"{each:g}" if isinstance(each, float) else str(each) for each in survey.frame["wave"].unique()}


def _card_outcomes(card: SurveyCard) -> Outcomes | None:
    given = card.outcomes
    if given is None:
        return None
    return Outcomes(given.variable, given.codes, given.rate, given.substitution, given.e, given.e_basis)


def _card_targets(survey: Survey) -> tuple[Target, ...]:
    """Margins of the card's weighting steps, the wave's own where they are given by wave."""
    card, out = survey.card, []
    for step in card.weighting:
        margins = getattr(step, "margins", None) or ([step.margin] if hasattr(step, "margin") else [])
        for given in margins:
            try:
                spec = card_margin(given, card)
                source = given.source or (None if spec.source is None else dict.fromkeys(("en", "ar"), spec.source))
                out.append(_target(spec, source, survey.frame))
            except MasarError:
                continue  # weighting itself names what is wrong with the file of targets
    return tuple(each for each in out if each.cells)


def _published(survey: Survey, given: set[frozenset[str]]) -> tuple[tuple[Target, ...], tuple[tuple[str, Text], ...]]:
    """Published margins of Jordan for a survey of its governorates: those of its own people, and why not the others.

    A margin the card already weights to is not compared twice. Where only excluded groups differ it is compared, and the
    difference stands beside it.
    """
    fitting: list[Target] = []
    unfit: list[tuple[str, Text]] = []
    if not _of_jordan(survey):
        return (), ()
    for key in published()["key"]:
        spec = by_key(key)
        if not set(spec.variables) <= set(survey.frame.columns) or frozenset(spec.variables) in given:
            continue
        found = difference(survey, key, spec.about)
        if found is not None and found.kind != "coverage":
            unfit.append((key, found.what))
        else:
            source = dict.fromkeys(("en", "ar"), spec.source) if spec.source else None
            fitting.append(replace(_target(spec, source, survey.frame), coverage=found.what if found else None))
    return tuple(fitting), tuple(unfit)


def _of_jordan(survey: Survey) -> bool:
    if "governorate" not in survey.codebook:
        return False
    codes = {category.code for category in survey.codebook["governorate"].categories if not category.missing}
    return bool(codes) and codes <= {float(each.code) for each in governorates()}


def _target(spec: MarginSpec, source: Mapping[str, str] | None, frame: pd.DataFrame) -> Target:
    cells = {tuple(float(c) if isinstance(c, int | float) else c for c in key): value for key, value in spec.targets}
    if "wave" in spec.variables and "wave" in frame.columns:
        waves = set(frame["wave"].unique())
        at = spec.variables.index("wave")
        cells = {key: value for key, value in cells.items() if key[at] in waves}
        if len(waves) == 1:
            cells = {key[:at] + key[at + 1 :]: value for key, value in cells.items()}
            return Target(spec.variables[:at] + spec.variables[at + 1 :], cells, Text.of(source) if source else None)
    return Target(spec.variables, cells, Text.of(source) if source else None)


def target(variables: str | Sequence[str], targets: Any, source: Mapping[str, str] | None = None) -> Target:
    """A published margin: shares or totals by code, nested for several variables.

    Examples
    --------
    >>> target("sex", {1: 0.52, 2: 0.48}).cells
    {(1.0,): 0.52, (2.0,): 0.48}
    """
    names = (variables,) if isinstance(variables, str) else tuple(variables)
    return _target(margin(names, targets), source, pd.DataFrame())


def _constraints(form: FormPath, raw: Raw) -> dict[str, str]:
    """The constraint column of the form's survey sheet, in the language of expressions; what it cannot say is left."""
    form = form[-1] if isinstance(form, list) else form
    sheet = read_text_table(Path(form[0]))[0] if isinstance(form, tuple) else read_excel(Path(form), "survey")[0]
    columns = {str(name).strip().lower(): name for name in sheet.columns}
    if "constraint" not in columns or "name" not in columns:
        return {}
    answers = {
        str(name): Answer(str(name), "number" if raw.frame[name].dtype.kind == "f" else "text") for name in raw.frame.columns
    }
    out = {}
    for name, rule in zip(sheet[columns["name"]], sheet[columns["constraint"]], strict=True):
        name = str(name).strip()
        if name not in raw.frame.columns or rule is None or rule != rule or not str(rule).strip():
            continue
        rule = universe([_with_name(str(rule), name)], answers).text
        if rule is not None:
            out[name] = rule
    return out


def _with_name(rule: str, name: str) -> str:
    """A constraint's lone point, XLSForm's word for the answer itself, as the question's name."""
    return re.sub(r"(?<![\w.])\.(?![\w.])", f"${{{name}}}", rule)


def _positions(path: Path) -> Positions | None:
    """Latitude, longitude and accuracy of a table's first position, read aside from the frame."""
    suffix = path.suffix.lower()
    if suffix in (".csv", ".tsv", ".txt"):
        table = read_text_table(path)[0]
    elif suffix in (".xlsx", ".xlsm", ".xls"):
        table = read_excel(path, None)[0]
    else:
        return None

    def column(*ends: str) -> np.ndarray | None:
        for name in table.columns:
            last = str(name).lower().replace(".", "/").rsplit("/", 1)[-1]
            if any(last == end or last.endswith(f"_{end}") for end in ends):
                return pd.to_numeric(table[name], errors="coerce").to_numpy(float)
        return None

    latitude, longitude, accuracy = column("latitude", "lat"), column("longitude", "lon", "lng"), column("precision", "accuracy")
    if latitude is None or longitude is None:
        return None
    return Positions(latitude, longitude, np.full(len(table), np.nan) if accuracy is None else accuracy)
