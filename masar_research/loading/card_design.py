"""The design of a survey card: named variables, a preset, or replicate weights."""

from __future__ import annotations

from dataclasses import fields
from typing import Literal

from pydantic import model_validator

from masar_research import replicates
from masar_research.errors import DesignError
from masar_research.loading.card_parts import Bilingual, Name, Part


class ReplicatesCard(Part):
    """Replicate weights the producer delivers, by columns of the file."""

    type: Literal["BRR", "Fay", "JK1", "JKn", "JK2", "SuccessiveDifference", "Bootstrap"]
    columns: str | tuple[str, ...]
    mse: bool | None = None
    scale: float | None = None
    rscales: tuple[float, ...] | None = None
    combined: bool | None = None
    fay: float | None = None
    rho: float | None = None
    average: int | None = None
    across_waves: Literal["common", "independent"] | None = None

    @model_validator(mode="after")
    def _agrees(self) -> ReplicatesCard:
        self.of(self.columns)
        return self

    def of(self, columns: str | tuple[str, ...]) -> replicates.Given:
        """The type with what the card says of it, over these columns."""
        kind = getattr(replicates, self.type)
        given = {
            name: value
            for name in ("mse", "scale", "rscales", "combined", "fay", "rho", "average")
            if (value := getattr(self, name)) is not None
        }
        held = {field.name for field in fields(kind)}
        wrong = [name for name in given if name not in held]
        if wrong:
            raise ValueError(f"{self.type} has no {', '.join(wrong)}: that belongs to another type of replicates")
        try:
            return kind(columns=columns, **given)
        except DesignError as error:
            raise ValueError(f"{error.what} {error.remedy}") from None


class DesignCard(Part):
    """The sampling design, by names of harmonised variables, by a preset, or by replicate weights."""

    preset: Name | None = None
    variant: Name | None = None
    weights: Name | None = None
    strata: Name | None = None
    psu: Name | tuple[Name, ...] | None = None
    fpc: Name | tuple[Name, ...] | None = None
    lonely_psu: Literal["raise", "centre", "scale", "certainty", "remove", "collapse"] = "raise"
    collapse: Name | None = None
    clustered: bool = True
    shared_psus: bool = True
    replicates: ReplicatesCard | None = None
    note: Bilingual | None = None

    @property
    def unresolved(self) -> bool:
        """Whether a preset is still to be looked up in a file."""
        return self.preset is not None and self.weights is None

    @model_validator(mode="after")
    def _agrees(self) -> DesignCard:
        if self.preset is None and self.variant is not None:
            raise ValueError("variant: belongs to a preset. Name the preset:, or leave variant: out")
        if self.preset is None and self.weights is None:
            raise ValueError("weights is missing. Name the variable of weights, or a preset:")
        if (self.lonely_psu == "collapse") != (self.collapse is not None):
            raise ValueError(
                "lonely_psu: collapse and collapse: belong together. Name the variable whose values say "
                "which strata merge, or choose another rule"
            )
        if not self.clustered and self.psu is not None:
            raise ValueError("clustered is false but psu is given. Keep one of the two")
        if self.replicates is not None:
            self._only_replicates()
        elif self.preset is None:
            self._clusters_said()
        return self

    def _only_replicates(self) -> None:
        others = [
            name
            for name in ("preset", "strata", "psu", "fpc", "collapse", "lonely_psu", "clustered", "shared_psus")
            if name in self.model_fields_set
        ]
        if others:
            raise ValueError(
                f"replicates: and {', '.join(others)}: stand together; replicate weights already hold strata, "
                "units and their corrections. Keep weights: and replicates:, or leave replicates: out"
            )

    def _clusters_said(self) -> None:
        if self.clustered and self.psu is None:
            raise ValueError(
                "psu is missing. Name the PSU variable, or write clustered: false with a note that "
                "standard errors ignore clustering"
            )
        if not self.clustered and self.note is None:
            raise ValueError(
                "clustered: false needs a note, in English and Arabic, saying that standard errors "
                "ignore clustering"
            )
