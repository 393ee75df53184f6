"""The indicator registry: what each indicator is, whom it counts, how the engine computes it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from masar_research.errors import DataError, MasarError
from masar_research.expressions import parse
from masar_research.loading.yaml_lines import Lines, did_you_mean, read_yaml
from masar_research.places import reference

NAME = r"^[A-Za-z_][A-Za-z0-9_]*$"


def _expression(text: str) -> str:
    try:
        return parse(text).text
    except DataError as error:
        raise ValueError(f"{error.what} {error.remedy}") from None


Name = Annotated[str, Field(pattern=NAME)]
Condition = Annotated[str, AfterValidator(_expression)]
Words = Annotated[str, Field(min_length=1)]


class Part(BaseModel):
    """Common manners: immutable, unknown fields refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


class Bilingual(Part):
    """Words in both languages; a mapping of the two."""

    en: Words
    ar: Words

    def __getitem__(self, lang: str) -> str:
        return {"en": self.en, "ar": self.ar}[lang]


class English(Part):
    """A question as the definition words it, in English."""

    en: Words


class Definition(Part):
    """Numerator and denominator as the source defines them."""

    numerator: Words
    denominator: Words


class Base(Part):
    """A population the indicator may be reported for; `where` None is everybody in the universe."""

    where: Condition | None
    text: Bilingual


class Item(Part):
    """One item of a mean of shares: the share of `positive` codes, `exclude` outside the base."""

    var: Name
    positive: tuple[float, ...] = Field(min_length=1)
    exclude: tuple[float, ...] = ()

    @model_validator(mode="after")
    def _apart(self) -> Item:
        if both := set(self.positive) & set(self.exclude):
            raise ValueError(f"the codes {sorted(both)} of {self.var} are both positive and excluded")
        return self


class Goal(Part):
    """A baseline or target: a value in the indicator's unit, with its wave or date."""

    value: float
    wave: int | str | None = None
    date: str | None = None


class Record(Part):
    """What every indicator has."""

    id: Annotated[str, Field(pattern=r"^(WE|YO|MI|GO|ME)\d{2}[a-z]?$")]
    name: Bilingual
    gender: Literal["m", "f"]
    theme: Literal["women", "youth", "media", "governance", "monitoring"]
    definition: Definition
    source: Words
    version: Annotated[str, Field(pattern=r"^\d+\.\d+\.\d+$")]


class Defined(Record):
    """An indicator whose definition stands, without engine fields yet."""

    status: Literal["defined"]
    question: English
    disaggregation: str
    notes: str = ""


class Indicator(Record):
    """An indicator the engine can compute on the harmonised frame.

    Attributes
    ----------
    unit : {"percent", "mean", "ratio"}
        How a value reads; shares are fractions in the engine and per cent on the page.
    direction : {"up", "down", "none"}
        Which way is better.
    kind : {"proportion", "mean", "ratio", "mean_of_shares"}
    variable : str or None
        Of a proportion (share of `positive` codes, 1 by default) or mean.
    numerator, denominator : str or None
        Variables of a ratio of totals.
    items : tuple of Item
        Of a mean of shares.
    rests_on : tuple of str
        Indicators whose questions this one uses: a survey that lacks one lacks this too.
    made_of : tuple of str
        Indicators that together make up this one: any of the group can be worked out from the
        others, so the release gate protects them together.
    universe : str
        Expression that says who counts.
    base_text : Bilingual
        The universe in words; `bases` narrows it by nationality.
    gender : {"m", "f"}
        Of the Arabic head noun of `name`.
    """

    status: Literal["ready"]
    unit: Literal["percent", "mean", "ratio"]
    direction: Literal["up", "down", "none"]
    kind: Literal["proportion", "mean", "ratio", "mean_of_shares"]
    variable: Name | None = None
    positive: tuple[float, ...] = (1.0,)
    numerator: Name | None = None
    denominator: Name | None = None
    items: tuple[Item, ...] = ()
    rests_on: tuple[str, ...] = ()
    made_of: tuple[str, ...] = ()
    universe: Condition
    base_text: Bilingual
    bases: Mapping[Name, Base] = Field(default_factory=dict)
    disaggregate: tuple[Name, ...]
    required_disaggregation: tuple[Name, ...] = ()
    question: Bilingual
    baseline: Goal | None = None
    target: Goal | None = None
    comparability: Bilingual | None = None
    policy_links: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _whole(self) -> Indicator:
        needed = {
            "proportion": ("variable",), "mean": ("variable",),
            "ratio": ("numerator", "denominator"), "mean_of_shares": ("items",),
        }  # fmt: skip
        fields = ("variable", "numerator", "denominator", "items")
        lacking = [name for name in needed[self.kind] if not getattr(self, name)]
        idle = [name for name in fields if getattr(self, name) and name not in needed[self.kind]]
        if "positive" in self.model_fields_set and self.kind != "proportion":
            idle.append("positive")
        if lacking:
            raise ValueError(f"kind {self.kind} needs {' and '.join(lacking)}")
        if idle:
            raise ValueError(f"kind {self.kind} makes no use of {' and '.join(idle)}")
        if stray := sorted(set(self.required_disaggregation) - set(self.disaggregate)):
            raise ValueError(f"required_disaggregation names {', '.join(stray)}, which disaggregate lacks")
        return self

    @property
    def variables(self) -> frozenset[str]:
        """The variables the value itself is made of; the universe's come besides."""
        single = {name for name in (self.variable, self.numerator, self.denominator) if name}
        return frozenset(single | {item.var for item in self.items})

    @property
    def needs(self) -> frozenset[str]:
        """Every variable a survey must carry."""
        return self.variables | parse(self.universe).names


class Registry(Mapping[str, Indicator | Defined]):
    """The records by id, in the order of the file."""

    def __init__(self, records: Mapping[str, Indicator | Defined]) -> None:
        self._records = MappingProxyType(dict(records))

    def __getitem__(self, indicator: str) -> Indicator | Defined:
        if indicator not in self._records:
            raise DataError(
                f"The registry has no indicator {indicator!r}.",
                remedy=did_you_mean(indicator, self._records),
                ar=f"لا يوجد في السجل مؤشر باسم «{indicator}».",
            )
        return self._records[indicator]

    def __contains__(self, indicator: object) -> bool:
        return indicator in self._records

    def __iter__(self) -> Iterator[str]:
        return iter(self._records)

    def __len__(self) -> int:
        return len(self._records)

    def ready(self, indicator: str) -> Indicator:
        """The indicator of that id, if the engine can compute it."""
        record = self[indicator]
        if isinstance(record, Defined):
            raise DataError(
                f"{indicator} ({record.name.en}) is defined but has no engine fields yet.",
                remedy="Give its record kind, variables, universe, base and both wordings in "
                "data/reference/indicators.yml, and set status: ready.",
                ar=f"المؤشر «{record.name.ar}» معرَّف ولم تُستكمل حقوله الحسابية بعد.",
            )
        return record


def registry() -> Registry:
    """The project's registry, ``data/reference/indicators.yml``."""
    path = reference("indicators.yml")
    return _cached(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=2)
def _cached(path: Path, stamp: int) -> Registry:
    return read(path)


def read(path: Path | str) -> Registry:
    """Read and check a registry file.

    Parameters
    ----------
    path : Path
        YAML with ``version: 1`` and ``indicators:``, a list of records.

    Raises
    ------
    DataError
        Naming file, line and field of every fault, what was found and what to do.
    """
    path = Path(path)
    try:
        lines = read_yaml(path)
    except MasarError as error:
        raise DataError(error.what, remedy="Correct the registry there.") from error
    tree = lines.tree
    if tree.get("version") != 1 or not isinstance(tree.get("indicators"), list):
        raise DataError(
            f"{path.name} should hold 'version: 1' and a list 'indicators:'.",
            remedy="Begin the file as data/reference/indicators.yml begins.",
        )
    records: dict[str, Indicator | Defined] = {}
    faults: list[tuple[int, str]] = []
    for place, node in enumerate(tree["indicators"]):
        where = ["indicators", place]
        kinds = {"ready": Indicator, "defined": Defined}
        status = node.get("status") if isinstance(node, dict) else None
        if status not in kinds:
            faults.append((lines.line(where), f"status: found {status!r}; write ready or defined"))
            continue
        try:
            record = kinds[status].model_validate(_plain(node))
        except ValidationError as error:
            faults += [_fault(lines, where, kinds[status], one) for one in error.errors(include_url=False)]
            continue
        if record.id in records:
            faults.append((lines.line([*where, "id"]), f"id: {record.id} stands twice; keep one"))
        records[record.id] = record
    for place, record in enumerate(records.values()):
        for field in ("rests_on", "made_of"):
            for other in getattr(record, field, ()):
                if other not in records:
                    said = f"{field}: there is no indicator {other}; {did_you_mean(other, records)}"
                    faults.append((lines.line(["indicators", place, field]), f"{record.id}, {said}"))
    if faults:
        shown = [f"{path.name}, line {line}, {what}" for line, what in sorted(set(faults))[:12]]
        raise DataError(
            f"{len(faults)} places in the registry do not fit.\n" + "\n".join(shown),
            remedy="Correct each as it says.",
        )
    return Registry(records)


def _fault(lines: Lines, where: list[Any], model: type[Record], fault: Mapping[str, Any]) -> tuple[int, str]:
    path = [step for step in fault["loc"] if step != "[key]"]
    field = ".".join(str(step) for step in path) or "record"
    line = lines.line([*where, *path])
    found = repr(fault.get("input"))
    found = found if len(found) <= 60 else found[:57] + "…"
    if fault["type"] == "missing":
        return line, f"{field}: is missing; add it"
    if fault["type"] == "extra_forbidden":
        return line, f"{field}: is not a field here; {did_you_mean(str(path[-1]), model.model_fields)}"
    message = fault["msg"].removeprefix("Value error, ")
    return line, f"{field}: {message} (found {found})" if path else f"record: {message}"


def _plain(node: Any) -> Any:
    """ruamel's round-trip scalars and containers as plain Python."""
    if isinstance(node, dict):
        return {_plain(key): _plain(value) for key, value in node.items()}
    if isinstance(node, list):
        return [_plain(value) for value in node]
    for kind in (bool, int, float, str):
        if isinstance(node, kind):
            return node if type(node) is kind else kind(node)
    return node
