"""The survey card: what a study is, declared once in YAML and checked before anything is read."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator
from typing_extensions import TypedDict

from masar_research.codebook import Text
from masar_research.errors import CardError, DataError
from masar_research.expressions import parse
from masar_research.loading.yaml_lines import Lines, did_you_mean, read_yaml


class _Both(TypedDict):
    en: Annotated[str, Field(min_length=1)]
    ar: Annotated[str, Field(min_length=1)]


_Both.__pydantic_config__ = ConfigDict(extra="forbid", str_strip_whitespace=True)

Bilingual = Annotated[_Both, AfterValidator(Text.of)]


def _code(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError("a code must be a number, or text in quotes")
    return str(value) if isinstance(value, str) else float(value)


def _wave(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise ValueError("a wave must be a year such as 2026 or a name in quotes such as \"2026a\"")
    return str(value) if isinstance(value, str) else int(value)


def _expression(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f'an expression in quotes was expected, found {value!r}')
    try:
        return parse(value).text
    except DataError as error:
        raise ValueError(f"{error.what} {error.remedy}") from None


Code = Annotated[float | str, BeforeValidator(_code)]
WaveCode = Annotated[int | str, BeforeValidator(_wave)]
Condition = Annotated[str, BeforeValidator(_expression)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
Kind = Literal["refused", "dont_know", "not_applicable", "not_asked", "missing"]
Level = Literal["nominal", "ordinal", "numeric", "text", "date"]


class Part(BaseModel):
    """Common manners of every part of a card: immutable, unknown keys refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True, str_strip_whitespace=True)


class Population(Part):
    """To whom the study's figures refer."""

    en: str
    ar: str
    nationality: Literal["all_residents", "jordanians", "refugees", "not_documented"]
    age_min: int = Field(ge=0, le=120)
    age_max: int | None = Field(default=None, ge=0, le=120)
    excluded: tuple[Bilingual, ...] = ()

    @property
    def text(self) -> Text:
        """The description in both languages."""
        return Text(en=self.en, ar=self.ar)


class DesignCard(Part):
    """The sampling design, by names of harmonised variables."""

    weights: Name
    strata: Name | None = None
    psu: Name | tuple[Name, ...] | None = None
    fpc: Name | tuple[Name, ...] | None = None
    lonely_psu: Literal["raise", "centre", "scale", "certainty", "remove", "collapse"] = "raise"
    clustered: bool = True
    note: Bilingual | None = None

    @model_validator(mode="after")
    def _agrees(self) -> DesignCard:
        if self.clustered and self.psu is None:
            raise ValueError("psu is missing. Name the PSU variable, or write clustered: false with a note that "
                             "standard errors ignore clustering")
        if not self.clustered and self.psu is not None:
            raise ValueError("clustered is false but psu is given. Keep one of the two")
        if not self.clustered and self.note is None:
            raise ValueError("clustered: false needs a note, in English and Arabic, saying that standard errors "
                             "ignore clustering")
        return self


class Fieldwork(Part):
    """First and last day of interviewing, or what is known of them in words."""

    start: dt.date | None = None
    end: dt.date | None = None
    note: Bilingual | None = None

    @model_validator(mode="after")
    def _ordered(self) -> Fieldwork:
        if self.start and self.end and self.start > self.end:
            raise ValueError(f"fieldwork ends ({self.end}) before it starts ({self.start})")
        if not self.start and not self.end and self.note is None:
            raise ValueError("give start and end, or a note in English and Arabic saying what is known")
        return self


class FormSheets(Part):
    """An XLSForm whose sheets were saved as separate CSV files."""

    survey: str
    choices: str


class Wave(Part):
    """One round of the study."""

    file: str
    checksum: str | None = Field(default=None, pattern=r"^sha256-content:[0-9a-f]{64}$")
    fieldwork: Fieldwork
    form: str | FormSheets | None = None
    sheet: str | None = None
    label: Bilingual | None = None


class Case(Part):
    """One step of a derived variable: the first condition that holds gives the code."""

    code: Code | None = None
    missing: Kind | None = None
    when: Condition | None = None
    otherwise: Literal[True] | None = None

    @model_validator(mode="after")
    def _one_of_each(self) -> Case:
        if (self.code is None) == (self.missing is None):
            raise ValueError("give either code: or missing:, one of the two")
        if (self.when is None) == (self.otherwise is None):
            raise ValueError("give either when: or otherwise: true, one of the two")
        return self


class Bands(Part):
    """Bands of a number: code k for starts[k-1] <= x < starts[k]; outside all bands is not applicable."""

    of: Name
    starts: tuple[float, ...] = Field(min_length=1)
    end: float | None = None

    @model_validator(mode="after")
    def _rising(self) -> Bands:
        edges = [*self.starts, *([] if self.end is None else [self.end])]
        if any(b <= a for a, b in zip(self.starts, self.starts[1:])) or (self.end is not None and self.end < edges[-2]):
            raise ValueError(f"starts must rise and end (the last value included) must not lie below them, found {edges}")
        return self


class PerWave(Part):
    """What differs in one wave."""

    from_: str | None = Field(default=None, alias="from")
    recode: dict[Code, Code] | None = None
    missing: dict[Code, Kind] | None = None
    not_asked: Literal[True] | None = None


class VariableCard(Part):
    """A harmonised variable: from a column, from cases, or in bands."""

    from_: str | None = Field(default=None, alias="from")
    cases: tuple[Case, ...] | None = None
    bands: Bands | None = None
    compute: Condition | None = None
    label: Bilingual
    question: Bilingual | None = None
    note: Bilingual | None = None
    unit: Bilingual | None = None
    level: Level | None = None
    codes: dict[Code, Bilingual] = {}
    recode: dict[Code, Code] | None = None
    missing: dict[Code, Kind] = {}
    missing_labels: dict[Code, Bilingual] = {}
    universe: Condition | None = None
    needs: tuple[Name, ...] = ()
    waves: dict[WaveCode, PerWave] = {}

    @model_validator(mode="after")
    def _one_origin(self) -> VariableCard:
        origins = [name for name, value in (("from", self.from_), ("cases", self.cases), ("bands", self.bands),
                                            ("compute", self.compute)) if value is not None]
        if len(origins) != 1 and not (not origins and self.waves):
            raise ValueError("give exactly one of from:, cases:, bands: or compute:"
                             + (f", found {', '.join(origins)}" if origins else ""))
        derived = bool(origins) and origins[0] != "from"
        if derived and (self.recode is not None or self.missing or self.waves):
            raise ValueError(f"recode:, missing: and waves: belong to a variable that is read with from:, not to {origins[0]}:")
        if self.cases is not None:
            if not self.cases:
                raise ValueError("cases: is empty")
            if any(case.otherwise for case in self.cases[:-1]):
                raise ValueError("otherwise: must be the last of the cases")
            if self.codes:
                self._known([case.code for case in self.cases if case.code is not None], "cases:")
        if self.bands is not None and set(self.codes) != {float(k + 1) for k in range(len(self.bands.starts))}:
            raise ValueError(f"bands: makes codes 1 to {len(self.bands.starts)}; label exactly those under codes:")
        if self.needs and not derived:
            raise ValueError("needs: belongs to a derived variable (cases:, bands: or compute:)")
        for recode in (self.recode, *(wave.recode for wave in self.waves.values())):
            if recode and self.codes:
                self._known(list(recode.values()), "recode:")
        if self.level in ("nominal", "ordinal") and not self.codes:
            raise ValueError(f"level {self.level} needs its codes: with labels")
        return self

    def _known(self, targets: list, where: str) -> None:
        unknown = [code for code in targets if code not in self.codes]
        if unknown:
            raise ValueError(f"{where} gives {', '.join(_show(code) for code in dict.fromkeys(unknown))}, which codes: "
                             "does not label. Add the label or correct the code")

    @property
    def scale(self) -> str:
        """The level of measurement, given or implied."""
        return self.level or ("nominal" if self.codes else "numeric")


def _show(code: float | str) -> str:
    return f"{code:g}" if isinstance(code, float) else repr(code)


class Margin(Part):
    """Population totals or shares over the cells of some variables."""

    variables: tuple[Name, ...] = Field(min_length=1)
    file: str | None = None
    key: str | None = None
    targets: dict[str | float, float] | None = None
    source: Bilingual | None = None

    @model_validator(mode="after")
    def _one(self) -> Margin:
        if (self.file is None) == (self.targets is None):
            raise ValueError("give either file: (with key:) or targets:, one of the two")
        return self


class NonresponseStep(Part):
    """Weights of respondents raised within cells to carry the non-respondents."""

    step: Literal["nonresponse"]
    responded: Condition
    eligible: Condition | None = None
    cells: tuple[Name, ...] = Field(min_length=1)


class RakeStep(Part):
    """Raking to several margins."""

    step: Literal["rake"]
    margins: tuple[Margin, ...] = Field(min_length=1)


class PoststratifyStep(Part):
    """Post-stratification to one full table."""

    step: Literal["poststratify"]
    margin: Margin


class TrimStep(Part):
    """Weights cut at a bound; the rule may use median, mean, iqr and n."""

    step: Literal["trim"]
    upper: str | float | None = None
    lower: str | float | None = None

    @model_validator(mode="after")
    def _any(self) -> TrimStep:
        if self.upper is None and self.lower is None:
            raise ValueError("give upper: or lower:")
        return self


Step = Annotated[NonresponseStep | RakeStep | PoststratifyStep | TrimStep, Field(discriminator="step")]


class Disclosure(Part):
    """The eleven items of the AAPOR Transparency Initiative (Code III.A, April 2021), in both languages.

    Dates, sizes and weighting may be left out where a brief computes them.
    """

    strategy: Bilingual
    sponsor: Bilingual
    tools: Bilingual
    population: Bilingual
    sample: Bilingual
    mode: Bilingual
    dates: Bilingual | None = None
    sizes: Bilingual | None = None
    weighting: Bilingual | None = None
    processing: Bilingual
    limitations: Bilingual


class Lack(Part):
    """An indicator, variable or breakdown the study cannot give, and why."""

    indicator: str | None = None
    variable: str | None = None
    reason: Bilingual

    @model_validator(mode="after")
    def _one(self) -> Lack:
        if (self.indicator is None) == (self.variable is None):
            raise ValueError("give either indicator: or variable:, one of the two")
        return self


class SurveyCard(Part):
    """A study: its population, design, waves, variables and what must be disclosed about it.

    Read one with :func:`read_card`. Fields are described in ``docs/survey_cards.md``.
    """

    study: Name
    title: Bilingual
    synthetic: bool = False
    notice: Bilingual | None = None
    citation: Bilingual | None = None
    population: Population
    design: DesignCard
    waves: dict[WaveCode, Wave] = Field(min_length=1)
    select: Condition | None = None
    variables: dict[Name, VariableCard] = Field(min_length=1)
    weighting: tuple[Step, ...] = ()
    disclosure: Disclosure
    lacks: tuple[Lack, ...] = ()
    path: Path | None = Field(default=None, exclude=True, repr=False)

    @model_validator(mode="after")
    def _agrees(self) -> SurveyCard:
        if self.synthetic and self.notice is None:
            raise ValueError("a synthetic study needs a notice: in English and Arabic that says so")
        return self


def read_card(path: str | Path) -> SurveyCard:
    """Read and check a survey card.

    Parameters
    ----------
    path : str or Path
        A YAML file; see ``docs/survey_cards.md``.

    Returns
    -------
    SurveyCard
        Frozen; ``.path`` is where it was read.

    Raises
    ------
    CardError
        Naming file, line, field, what was expected, what was found and what to do; all faults at once.
    """
    lines = read_yaml(Path(path))
    try:
        card = SurveyCard.model_validate(_plain(lines.tree))
    except ValidationError as error:
        raise _explain(lines, error) from None
    _cross_check(card, lines)
    return card.model_copy(update={"path": Path(path)})


def _plain(node: Any) -> Any:
    if isinstance(node, dict):
        return {_scalar(key): _plain(value) for key, value in node.items()}
    if isinstance(node, list):
        return [_plain(value) for value in node]
    return _scalar(node)


def _scalar(value: Any) -> Any:
    for kind in (bool, int, float, str):
        if isinstance(value, kind):
            return value if type(value) is kind else kind(value)
    return value


def _cross_check(card: SurveyCard, lines: Lines) -> None:
    names = card.variables
    design = card.design
    for field in ("weights", "strata", "psu", "fpc"):
        value = getattr(design, field)
        for name in (value,) if isinstance(value, str) else value or ():
            if name not in names:
                raise lines.error(["design", field], f"{name!r} is not among the card's variables.",
                                  f"Name a variable of this card. {did_you_mean(name, names)}")
    if "wave" in names:
        raise lines.error(["variables", "wave"], "the variable wave is made by loading itself.",
                          "Leave it out or rename it.")
    for name, variable in names.items():
        for wave in variable.waves:
            if wave not in card.waves:
                raise lines.error(["variables", name, "waves", wave], f"{wave!r} is not a wave of this card.",
                                  did_you_mean(str(wave), card.waves))


def _explain(lines: Lines, error: ValidationError) -> CardError:
    faults = set()
    for fault in error.errors(include_url=False):
        where = [step for step in fault["loc"] if not _internal(step, lines, fault["loc"])]
        what, remedy = _say(fault, where, lines)
        faults.add((lines.line(where), ".".join(str(step) for step in where) or "the card", what, remedy))
    ordered = sorted(faults)
    if len(ordered) == 1:
        line, field, what, remedy = ordered[0]
        return CardError(f"{lines.path.name}, line {line}, {field}: {what}", remedy=remedy)
    shown = [f"{lines.path.name}, line {line}, {field}: {what} → {remedy}" for line, field, what, remedy in ordered[:12]]
    more = [f"… and {len(ordered) - 12} more."] if len(ordered) > 12 else []
    return CardError("\n".join([f"{len(ordered)} places in the card do not fit.", *shown, *more]),
                     remedy="Correct each as it says, then read the card again.")


_STEPS = {"nonresponse", "rake", "poststratify", "trim"}


def _internal(step: str | int, lines: Lines, loc: tuple) -> bool:
    """Pydantic puts names of union members and '[key]' into addresses; they are not in the file."""
    if not isinstance(step, str):
        return False
    return (step == "[key]" or step.startswith(("function-", "tuple[", "dict[", "constrained-", "_Both", "FormSheets",
                                                "literal[")) or (step in _STEPS and loc[0] == "weighting")
            or (step in ("str", "float", "int") and step == loc[-1] and lines.node(loc[:-1]) is not None))


def _keys_at(where: list, fault: dict) -> list[str]:
    """The fields allowed where an unknown key was found."""
    model: Any = SurveyCard
    special = {"waves": Wave, "variables": VariableCard, "cases": Case, "margins": Margin, "excluded": None}
    for step in where[:-1]:
        if model is None:
            return ["en", "ar"]
        fields = {(info.alias or name): info for name, info in getattr(model, "model_fields", {}).items()}
        if isinstance(step, int):
            continue
        if step in fields:
            if step == "waves" and model is VariableCard:
                model = PerWave
            elif step in special:
                model = special[step]
            elif step == "weighting":
                kinds = {"nonresponse": NonresponseStep, "rake": RakeStep, "poststratify": PoststratifyStep, "trim": TrimStep}
                model = next((kinds[s] for s in fault["loc"] if s in kinds), RakeStep)
            else:
                model = {"population": Population, "design": DesignCard, "disclosure": Disclosure, "lacks": Lack,
                         "fieldwork": Fieldwork, "bands": Bands, "margin": Margin, "form": FormSheets}.get(step)
    if model is None:
        return ["en", "ar"]
    return [info.alias or name for name, info in model.model_fields.items() if name != "path"]


def _say(fault: dict, where: list, lines: Lines) -> tuple[str, str]:
    found, kind = fault.get("input"), fault["type"]
    last = str(where[-1]) if where else ""
    shown = _brief(found)
    match kind:
        case "extra_forbidden":
            return f"the key {last!r} is not known here.", did_you_mean(last, _keys_at(where, fault))
        case "missing" if last in ("en", "ar"):
            language = "English" if last == "en" else "Arabic"
            return f"the {language} text ({last}:) is missing.", "Give every text in English (en) and Arabic (ar)."
        case "missing":
            return "it is required and missing.", f"Add {last}: there (see docs/survey_cards.md)."
        case "literal_error" | "union_tag_invalid":
            expected = fault.get("ctx", {}).get("expected") or fault.get("ctx", {}).get("expected_tags")
            return f"one of {expected} was expected, found {shown}.", did_you_mean(str(found), str(expected).replace("'", "").replace(" or ", ", ").split(", ")) if not isinstance(found, dict) else "Correct step:."
        case "union_tag_not_found":
            return "a step needs its name.", "Write step: nonresponse, rake, poststratify or trim."
        case "string_pattern_mismatch" if last == "checksum":
            return f"a content checksum (sha256-content: and 64 hexadecimal digits) was expected, found {shown}.", \
                "Copy it from loading.read(file).checksum."
        case "string_pattern_mismatch":
            return f"a name of Latin letters, digits and _ was expected, found {shown}.", "Rename it."
        case "value_error":
            what = str(fault["ctx"]["error"])
            return what if what.endswith((".", "?")) else f"{what}.", "Correct that field (see docs/survey_cards.md)."
        case "too_short" | "string_too_short":
            return "it is empty.", "Fill it in."
        case "dict_type" | "model_type" | "typed_dict_type" | "model_attributes_type":
            return f"a mapping was expected, found {shown}.", "Write fields beneath it, or {en: ..., ar: ...} for a text."
        case "tuple_type" | "list_type":
            return f"a list was expected, found {shown}.", "Write it as a list: [a, b] or lines that begin with -."
        case _:
            return f"{fault['msg'][0].lower()}{fault['msg'][1:]}, found {shown}.", "Correct that field (see docs/survey_cards.md)."


def _brief(value: Any) -> str:
    text = repr(dict(value)) if isinstance(value, dict) else repr(value)
    return text if len(text) <= 80 else text[:77] + "..."
