"""The part of a survey card that says how dispositions are to be read."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from masar_research.loading.card_parts import Bilingual, Code, Name, Part

Disposition = Literal["I", "P", "R", "NC", "O", "UH", "UO", "NE"]


class OutcomesCard(Part):
    """AAPOR dispositions of a variable's codes, and the response rate the study quotes.

    ``substitution`` says whether units that gave no interview could be replaced; ``e`` is the eligible share
    of cases of unknown eligibility, with its basis, and is estimated from the known cases without it.
    """

    variable: Name
    codes: dict[Code, Disposition] = Field(min_length=1)
    rate: Literal["RR1", "RR2", "RR3", "RR4", "RR5", "RR6"]
    substitution: bool
    e: float | None = Field(default=None, ge=0, le=1)
    e_basis: Bilingual | None = None

    @model_validator(mode="after")
    def _basis(self) -> OutcomesCard:
        if self.e is not None and self.e_basis is None:
            raise ValueError("e is given without e_basis, the way it was found, in English and Arabic")
        return self
