"""What a brief's study offers its author: the survey, and references to everything but cells."""

from __future__ import annotations

from functools import cached_property
from typing import Any, Literal

import numpy as np

from masar_research.briefs import facts as published
from masar_research.briefs.blocks import Block, SourcesBlock
from masar_research.briefs.handles import code_label
from masar_research.briefs.header import Opened
from masar_research.briefs.refs import (
    DateRef,
    FactRef,
    LabelRef,
    ParameterRef,
    QuestionRef,
    Scalar,
    SurveyRef,
)
from masar_research.codebook import Codebook
from masar_research.errors import BriefError
from masar_research.present.nouns import feminine
from masar_research.survey import Survey


LEVEL = 0.95


class Study:
    """The study side of a `Brief`: the survey and the references that are no estimates."""

    name: str
    _opened: Opened

    def _emit(self, block: Block) -> None:
        raise NotImplementedError

    # --- what the study offers ---------------------------------------------------------

    @property
    def survey(self) -> Survey:
        """The wave of the brief, weighted as its card says, restricted to the geography."""
        return self._opened.survey

    @cached_property
    def pooled(self) -> Survey:
        """All waves of the study in one survey, for changes between waves."""
        survey, checksums = self._opened.pool()
        self._emit(SourcesBlock(brief=self.name, checksums=checksums))
        return survey

    @property
    def card(self) -> Any:
        """The survey card."""
        return self._opened.card

    @property
    def wave(self) -> int | str:
        return self._opened.wave

    @property
    def waves(self) -> tuple[int | str, ...]:
        """All waves of the study, oldest first."""
        return self._opened.waves

    @property
    def previous_wave(self) -> int | str | None:
        """The wave before the brief's own, or None."""
        place = self.waves.index(self.wave)
        return self.waves[place - 1] if place else None

    @property
    def codebook(self) -> Codebook:
        return self._opened.survey.codebook

    def has(self, *variables: str) -> bool:
        """Whether the study holds all these variables with at least one answer."""
        return all(
            name in self.survey.frame.columns
            and (name not in self.codebook or bool(np.isfinite(self.survey.values(name)).any()))
            for name in variables
        )

    def definition(self, variable: str) -> LabelRef | None:
        """The note of a variable: how it was derived, and from what it differs."""
        note = self.codebook[variable].note
        return LabelRef(en=note["en"], ar=note["ar"], source=f"note of {variable}") if note else None

    # --- references --------------------------------------------------------------------

    def parameter(self, name: str) -> ParameterRef:
        """A parameter of the brief, or a constant of the survey card by dotted path.

        ``brief.parameter("wave")``, ``brief.parameter("age_min")``,
        ``brief.parameter("population.age_min")``.
        """
        value, source = self._opened.constant(name)
        return ParameterRef(name=name, value=value, source=source)

    def constant(self, name: str, value: int | float, *, source: str) -> ParameterRef:
        """A constant of a definition (an age limit, a threshold) with the place it comes from.

        Never for a finding: those are cells. The source is printed in the ledger.
        """
        if not source.strip():
            raise BriefError(
                f"The constant {name!r} = {value!r} names no source.",
                remedy="Say where the definition stands, e.g. source='ILO, 19th ICLS'.",
            )
        return ParameterRef(name=name, value=value, source=source)

    def fact(self, fact_id: str) -> FactRef:
        """A published fact of ``data/reference/jordan_facts.csv`` that names its population."""
        return FactRef(id=published.fact(fact_id).id)

    def survey_fact(self, name: str) -> SurveyRef:
        """A number computed when the survey was loaded, e.g. ``"interviews"`` or ``"psus"``."""
        numbers = self._opened.header["facts"]
        if numbers.get(name) is None:
            known = sorted(key for key, value in numbers.items() if value is not None)
            raise BriefError(f"The survey has no fact {name!r}.", remedy=f"Use one of {known}.")
        return SurveyRef(name=name, value=numbers[name])

    def label(self, variable: str, code: Scalar = None, *, gender: Literal["m", "f"] = "m") -> LabelRef:
        """The label of a variable, or of one of its codes, from the codebook.

        With ``gender="f"`` the Arabic of a code agrees with women: «أرملة» for «أرمل».
        """
        if code is not None:
            found = code_label(self.codebook, variable, code)
            if gender == "m":
                return found
            return LabelRef(en=found.en, ar=feminine(found.ar), source=f"{found.source} (of women)")
        return LabelRef(
            en=self.codebook.label(variable, "en"),
            ar=self.codebook.label(variable, "ar"),
            source=variable,
        )

    @property
    def study_title(self) -> LabelRef:
        """The title of the study, from its card."""
        return self._opened.header["card"]["title"]

    def wave_label(self) -> LabelRef | ParameterRef:
        """The brief's wave as its card names it."""
        for facts in self._opened.header["waves"]:
            if facts.wave == self.wave and facts.label is not None:
                return facts.label
        return self.parameter("wave")

    def level(self) -> ParameterRef:
        """The confidence level of the intervals."""
        return ParameterRef(
            name=f"confidence level {LEVEL:g}", value=LEVEL, source="confidence level of the intervals"
        )

    def place(self) -> LabelRef:
        """The name of the brief's geography."""
        return self._opened.header["geography"]

    def question(self, variable: str) -> QuestionRef:
        """The wording of a question in both languages."""
        return QuestionRef(
            en=self.codebook.question(variable, "en"),
            ar=self.codebook.question(variable, "ar"),
            source=variable,
        )

    def fieldwork(self, wave: int | str | None = None) -> DateRef:
        """The fieldwork period of a wave."""
        wanted = self.wave if wave is None else wave
        for facts in self._opened.header["waves"]:
            if facts.wave == wanted and facts.start:
                return DateRef(start=facts.start, end=facts.end, source=f"fieldwork {wanted}")
        raise BriefError(
            f"The survey card gives no first day of fieldwork for wave {wanted!r}.",
            remedy=f"Use one of {list(self.waves)}, and give fieldwork: start: in the card.",
        )
