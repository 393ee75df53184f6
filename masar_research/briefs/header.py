"""Opening a brief: the study loaded, its parameters checked, and the header's content."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from masar_research.briefs import locations
from masar_research.briefs.blocks import WaveFacts
from masar_research.briefs.geography import Geography, geography as find_geography
from masar_research.briefs.refs import LabelRef
from masar_research.briefs.steps import step_words
from masar_research.errors import BriefError, ParameterError
from masar_research.loading import load, read_wave
from masar_research.loading.cards import read_card
from masar_research.survey import Survey
from masar_research.weighting import from_card
from masar_research.weighting.measures import summary


@dataclass(frozen=True, slots=True)
class Opened:
    """A study ready for a brief: the weighted survey, and the fields of its header block."""

    survey: Survey
    card: Any
    wave: int | str
    waves: tuple[int | str, ...]
    geography: Geography
    header: dict[str, Any]
    pool: Callable[[], tuple[Survey, dict[str, str]]]

    def constant(self, name: str) -> tuple[int | float | str, str]:
        """A parameter of the brief or a number of the card, with where it comes from."""
        parameters = self.header["parameters"]
        if name in parameters:
            return parameters[name], f"parameter {name}"
        path = name if "." in name else f"population.{name}"
        value: Any = self.card
        for part in path.split("."):
            value = getattr(value, part, None)
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            raise BriefError(
                f"{name!r} is neither a parameter of the brief nor a constant of the survey card.",
                remedy=f"Use one of {sorted(parameters)}, 'age_min', or a dotted path into the card.",
            )
        return value, f"survey card: {path}"


def opened(study: str, wave: int | str | None, place: str, profile: str) -> Opened:
    """Load a study for a brief; see `authoring.open_brief`."""
    cards = locations.cards()
    if study not in cards:
        raise ParameterError(
            f"survey={study!r} has no card in data/surveys.",
            remedy=f"Use one of {sorted(cards)}, or write a card for it (docs/survey_cards.md).",
            ar=f"لا توجد بطاقة مسح باسم «{study}» في data/surveys.",
        )
    card = read_card(cards[study])
    waves = tuple(card.waves)
    chosen = waves[-1] if wave is None else wave
    if chosen not in waves:
        raise ParameterError(
            f"wave={wave!r} is not a wave of {study}.",
            remedy=f"Use one of {list(waves)}.",
            ar="هذه الجولة غير موجودة في بطاقة المسح.",
        )
    where = find_geography(place)
    whole = weighted(load(card, wave=chosen, cache=use_cache()))
    header = header_fields(
        whole, card, chosen, where,
        {"survey": study, "wave": chosen, "geography": where.code, "profile": profile},
    )  # fmt: skip

    def pool() -> tuple[Survey, dict[str, str]]:
        survey = _within(weighted(load(card, cache=use_cache())), where)
        return survey, {str(each): read_wave(card, each, cache=use_cache()).checksum for each in waves}

    return Opened(_within(whole, where), card, chosen, waves, where, header, pool)


def use_cache() -> bool:
    """Whether files may come from the cache; a verification sets ``MASAR_NO_CACHE``."""
    return not os.environ.get("MASAR_NO_CACHE")


def weighted(survey: Survey) -> Survey:
    """The survey with the weighting steps of its card taken."""
    return from_card(survey)


def _within(survey: Survey, where: Geography) -> Survey:
    return survey.where(where.expression) if where.expression else survey


def header_fields(
    survey: Survey, card: Any, wave: int | str, where: Geography, parameters: dict[str, Any]
) -> dict[str, Any]:
    """Everything the fixed passages need, as plain values."""
    facts = survey_facts(survey)
    # A preset finds PSUs, strata and note in the file: the survey's card knows them, the one read may not.
    card = survey.card
    made = survey.design.replicates
    return {
        "parameters": parameters,
        "study": card.study,
        "synthetic": card.synthetic,
        "clustered": card.design.clustered,
        "probability": bool(getattr(card, "probability", True)),
        "lonely_psu": card.design.lonely_psu,
        "replicates": None if made is None else made.facts["kind"],
        "waves": tuple(_wave(card, code, survey if code == wave else None) for code in card.waves),
        "card": _card_texts(card),
        "facts": facts,
        "interviewed": interview_dates(survey),
        "geography": where.label,
        "weighting": tuple(step_words(step, survey.codebook) for step in card.weighting),
        "lacks": tuple(
            (lack.indicator or lack.variable, _label(lack.reason, f"lacks.{number}"))
            for number, lack in enumerate(card.lacks)
        ),
        "disclosure": {
            name: _label(text, f"disclosure.{name}")
            for name in type(card.disclosure).model_fields
            if (text := getattr(card.disclosure, name)) is not None
        },
    }


def survey_facts(survey: Survey) -> dict[str, float | None]:
    """Interviews, PSUs, strata and the spread of the weights, on rows with a positive weight.

    Under given replicate weights PSUs and strata are unknown (None), and the degrees of freedom are
    those of the replicates.

    ``weight_deff`` is Kish's ``n Σw² / (Σw)²``; ``weight_cv`` the coefficient of variation;
    minimum and maximum are relative to the mean weight.
    """
    design = survey.design
    held = summary(design.weights)
    psus, strata = design.structure.counts(design.unit_rows[:, None] > 0)
    known = design.structure.facts["psus"] is not None
    made = design.replicates
    return {
        "rows": float(len(survey)),
        "interviews": float(held["n"]),
        "psus": float(psus[0]) if known else None,
        "strata": float(strata[0]) if known else None,
        "replicates": None if made is None else float(made.number),
        "df": float(design.df),
        "weight_deff": held["deff"],
        "weight_cv": held["cv"],
        "weight_min": held["min"] / held["mean"],
        "weight_max": held["max"] / held["mean"],
        "n_eff_weights": held["n_eff"],
    }


def interview_dates(survey: Survey) -> tuple[str, str] | None:
    """First and last day of interviewing in the data, or None when it holds no dates."""
    if "interview_date" not in survey.frame.columns:
        return None
    raw = survey.frame["interview_date"][np.asarray(survey.design.weights, float) > 0]
    days = pd.to_datetime(raw, errors="coerce").dropna()
    if days.empty:
        return None
    return days.min().date().isoformat(), days.max().date().isoformat()


def _wave(card: Any, code: int | str, survey: Survey | None) -> WaveFacts:
    wave = card.waves[code]
    fieldwork = wave.fieldwork
    return WaveFacts(
        wave=code,
        start=fieldwork.start.isoformat() if fieldwork.start else None,
        end=fieldwork.end.isoformat() if fieldwork.end else None,
        note=_label(fieldwork.note, f"waves.{code}.fieldwork") if fieldwork.note else None,
        label=_label(wave.label, f"waves.{code}.label") if wave.label else None,
        checksum=survey.checksum if survey is not None else None,
        file=wave.file.replace("\\", "/").rsplit("/", 1)[-1],
    )


def _card_texts(card: Any) -> dict[str, LabelRef]:
    texts = {"title": card.title, "population": card.population.text}
    for name in ("notice", "citation"):
        if getattr(card, name, None):
            texts[name] = getattr(card, name)
    if card.design.note:
        texts["design.note"] = card.design.note
    for number, excluded in enumerate(card.population.excluded):
        texts[f"population.excluded.{number}"] = excluded
    return {name: _label(text, name) for name, text in texts.items()}


def _label(text: Any, path: str) -> LabelRef:
    return LabelRef(en=text["en"], ar=text["ar"], source=f"survey card: {path}")
