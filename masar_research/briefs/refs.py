"""What a placeholder may refer to: the only ways a number can enter a brief.

A reference is plain data (it travels in the notebook as JSON) and says *where* a value
stands, never the value as text: the words and figures are made after the release gate.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from masar_research.errors import BriefError, MasarError

Scalar = int | float | str | None


class Model(BaseModel):
    """Base of everything stored in a block: frozen, and no unknown field passes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def __init__(self, **fields: Any) -> None:
        try:
            super().__init__(**fields)
        except ValidationError as error:
            raise _plainly(type(self).__name__, error) from None


def _plainly(name: str, error: ValidationError) -> MasarError:
    first = error.errors()[0]
    cause = first.get("ctx", {}).get("error")
    if isinstance(cause, MasarError):
        return cause
    where = ".".join(str(part) for part in first["loc"])
    return BriefError(
        f"{name}: {where}: {first['msg']} (found {first.get('input')!r}).",
        remedy=f"See help({name}) for its fields.",
    )


class CellRef(Model):
    """One row of a registered set of estimates.

    Attributes
    ----------
    set : str
        Name given to `Brief.estimates`.
    row : int
        Row of its frame.
    key : dict
        Domain codes of that row, for people and error messages.
    """

    kind: Literal["cell"] = "cell"
    set: str
    row: int
    key: dict[str, Scalar] = {}

    def __hash__(self) -> int:
        return hash((self.set, self.row))

    def __repr__(self) -> str:
        inside = ", ".join(f"{name}={value}" for name, value in self.key.items())
        return f"{self.set}[{inside}]"


class FactRef(Model):
    """A published fact of ``data/reference`` by its id; its source is cited with it."""

    kind: Literal["fact"] = "fact"
    id: str


class ParameterRef(Model):
    """A parameter of the brief, or a constant of a definition with the place it comes from."""

    kind: Literal["parameter"] = "parameter"
    name: str
    value: int | float | str
    source: str


class SurveyRef(Model):
    """A plain fact of the survey computed when it was loaded: interviews, PSUs, weights."""

    kind: Literal["survey"] = "survey"
    name: str
    value: int | float


class GateRef(Model):
    """How the release gate answered registered sets: a count of their figures, or why some are withheld, in words.

    Attributes
    ----------
    sets : tuple of str
        Names given to `Brief.estimates`.
    told : {"computed", "shown", "withheld", "reasons"}
    """

    kind: Literal["gate"] = "gate"
    sets: tuple[str, ...]
    told: Literal["computed", "shown", "withheld", "reasons"]


class LabelRef(Model):
    """A label of the codebook or a text of the survey card, in both languages."""

    kind: Literal["label"] = "label"
    en: str
    ar: str
    source: str


class QuestionRef(Model):
    """The wording of a question, in both languages."""

    kind: Literal["question"] = "question"
    en: str
    ar: str
    source: str


class DateRef(Model):
    """A day, ISO 8601; ``end`` makes it a period."""

    kind: Literal["date"] = "date"
    start: str
    end: str | None = None
    source: str


class VersionRef(Model):
    """The version of the code that made the brief."""

    kind: Literal["version"] = "version"
    text: str


Ref = Annotated[
    CellRef
    | FactRef
    | ParameterRef
    | SurveyRef
    | GateRef
    | LabelRef
    | QuestionRef
    | DateRef
    | VersionRef,
    Field(discriminator="kind"),
]


def identity(ref: Any) -> str:
    """One string per value, the same in both languages: the ledger's key."""
    match ref:
        case CellRef():
            return f"cell:{ref.set}:{ref.row}"
        case FactRef():
            return f"fact:{ref.id}"
        case ParameterRef() | SurveyRef():
            return f"{ref.kind}:{ref.name}"
        case GateRef():
            return f"gate:{'+'.join(ref.sets)}:{ref.told}"
        case LabelRef() | QuestionRef():
            return f"{ref.kind}:{ref.source}:{ref.en}"
        case DateRef():
            return f"date:{ref.start}:{ref.end or ''}"
        case VersionRef():
            return "version"
    raise TypeError(f"not a reference: {ref!r}")
