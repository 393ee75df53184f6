"""The parts of a survey card: what each field may hold, and what must agree inside it."""

from __future__ import annotations

import datetime as dt
import unicodedata
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from typing_extensions import TypedDict

from masar_research.codebook import Text
from masar_research.errors import DataError
from masar_research.expressions import parse
from masar_research.loading.code_ranges import check_keys

LONGEST_LABEL, LONGEST_QUESTION = 300, 1500
LONGEST_WORD, LONGEST_WORD_OF_A_LABEL = 120, 40
_BLANKS = "\t\n\r\x0b\x0c\x85\u2028\u2029"
# Marks that turn the reading direction of whatever follows; the pages set their own.
_TURNS = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff"
_CLEANED = str.maketrans({**dict.fromkeys(_BLANKS, " "), **dict.fromkeys(_TURNS)})


def _printable(text: str) -> str:
    """A text that a page can carry: no control characters, no marks that reverse what follows."""
    clean = text.translate(_CLEANED).strip()
    odd = sorted({f"U+{ord(letter):04X}" for letter in clean if unicodedata.category(letter) == "Cc"})
    if odd:
        raise ValueError(f"the text holds control characters ({', '.join(odd)}). Take them out")
    if not clean:
        raise ValueError("the text is empty. Fill it in")
    _fits(clean, None, LONGEST_WORD)
    return clean


def _fits(text: str, most: int | None, word: int) -> None:
    if most is not None and len(text) > most:
        raise ValueError(f"the text is {len(text):,} characters long; at most {most:,} fit there. Shorten it")
    longest = max(text.split(), key=len)
    if len(longest) > word:
        raise ValueError(
            f"the text has a word of {len(longest):,} letters ({longest[:20]}…); at most {word} fit there. Shorten it"
        )


def _fitting(most: int, word: int) -> AfterValidator:
    def check(words: Text) -> Text:
        for text in words.values():
            _fits(text, most, word)
        return words

    return AfterValidator(check)


Printed = Annotated[str, AfterValidator(_printable)]


class _Both(TypedDict):
    en: Annotated[Printed, Field(min_length=1)]
    ar: Annotated[Printed, Field(min_length=1)]


_Both.__pydantic_config__ = ConfigDict(extra="forbid", str_strip_whitespace=True)

Bilingual = Annotated[_Both, AfterValidator(Text.of)]
Label = Annotated[Bilingual, _fitting(LONGEST_LABEL, LONGEST_WORD_OF_A_LABEL)]
Question = Annotated[Bilingual, _fitting(LONGEST_QUESTION, LONGEST_WORD)]


def _code(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError("a code must be a number, or text in quotes")
    return str(value) if isinstance(value, str) else float(value)


def _wave(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise ValueError('a wave must be a year such as 2026 or a name in quotes such as "2026a"')
    return str(value) if isinstance(value, str) else int(value)


def _expression(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"an expression in quotes was expected, found {value!r}")
    try:
        return parse(value).text
    except DataError as error:
        raise ValueError(f"{error.what} {error.remedy}") from None


Code = Annotated[float | str, BeforeValidator(_code)]
WaveCode = Annotated[int | str, BeforeValidator(_wave)]
Condition = Annotated[str, BeforeValidator(_expression)]
Recode = Annotated[dict[Code, Code], AfterValidator(check_keys)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
Kind = Literal["refused", "dont_know", "not_applicable", "not_asked", "missing"]
Missing = Annotated[dict[Code, Kind], AfterValidator(check_keys)]
Level = Literal["nominal", "ordinal", "numeric", "text", "date"]


class Fault(ValueError):
    """What is wrong inside a card, in both languages; the reader of cards adds file, line and field."""

    def __init__(self, en: str, ar: str) -> None:
        self.en, self.ar = en, ar
        super().__init__(en)


class Part(BaseModel):
    """Common manners of every part of a card: immutable, unknown keys refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True, str_strip_whitespace=True)


class Population(Part):
    """To whom the study's figures refer."""

    en: Printed
    ar: Printed
    nationality: Literal["all_residents", "jordanians", "refugees", "not_documented"]
    age_min: int = Field(ge=0, le=120)
    age_max: int | None = Field(default=None, ge=0, le=120)
    excluded: tuple[Bilingual, ...] = ()

    @property
    def text(self) -> Text:
        """The description in both languages."""
        return Text(en=self.en, ar=self.ar)


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


DecimalSign = Literal[".", ",", "text"]
Decided = Literal["same", "split"]


class Wave(Part):
    """One round of the study."""

    file: str
    checksum: str | None = Field(default=None, pattern=r"^sha256-content:[0-9a-f]{64}$")
    fieldwork: Fieldwork
    form: str | FormSheets | tuple[str | FormSheets, ...] | None = None
    decide: dict[str, Decided] = Field(default_factory=dict)
    decimal: DecimalSign | dict[str, DecimalSign] | None = None
    sheet: str | None = None
    repeat: str | None = None
    keep_personal: tuple[str, ...] = ()
    label: Label | None = None


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
        if any(b <= a for a, b in zip(self.starts, self.starts[1:])) or (
            self.end is not None and self.end < edges[-2]
        ):
            raise ValueError(
                f"starts must rise and end (the last value included) must not lie below them, found {edges}"
            )
        return self


class Combined(Part):
    """Columns of the file made into one: their product, or their joint values as text."""

    columns: tuple[str, ...] = Field(min_length=1)
    by: Literal["product", "cross"] = "cross"
    divide: float = Field(default=1.0, gt=0)

    @model_validator(mode="after")
    def _agrees(self) -> Combined:
        if self.by == "cross" and self.divide != 1:
            raise ValueError("divide: belongs to by: product")
        return self


class PerWave(Part):
    """What differs in one wave; ``break:`` says why earlier waves are no longer comparable with this one."""

    from_: str | None = Field(default=None, alias="from")
    recode: Recode | None = None
    reverse: bool | None = None
    missing: Missing | None = None
    not_asked: Literal[True] | None = None
    question: Question | None = None
    break_: Bilingual | None = Field(default=None, alias="break")

    @model_validator(mode="after")
    def _agrees(self) -> PerWave:
        if self.recode is not None and self.reverse:
            raise ValueError("give either recode: or reverse: true, one of the two")
        if self.not_asked and self.break_ is not None:
            raise ValueError("a wave that did not ask has no break; write it at the wave that asks again")
        return self


class VariableCard(Part):
    """A harmonised variable: from a column, from cases, or in bands."""

    from_: str | None = Field(default=None, alias="from")
    cases: tuple[Case, ...] | None = None
    bands: Bands | None = None
    compute: Condition | None = None
    combine: Combined | None = None
    label: Label
    question: Question | None = None
    note: Bilingual | None = None
    unit: Label | None = None
    level: Level | None = None
    codes: dict[Code, Label] = {}
    recode: Recode | None = None
    reverse: bool = False
    missing: Missing = {}
    missing_labels: dict[Code, Label] = {}
    universe: Condition | None = None
    needs: tuple[Name, ...] = ()
    waves: dict[WaveCode, PerWave] = {}
    guess: str | None = None

    @model_validator(mode="after")
    def _one_origin(self) -> VariableCard:
        origins = [
            name
            for name, value in (
                ("from", self.from_),
                ("cases", self.cases),
                ("bands", self.bands),
                ("compute", self.compute),
                ("combine", self.combine),
            )
            if value is not None
        ]
        if len(origins) != 1 and not (not origins and self.waves):
            raise ValueError(
                "give exactly one of from:, cases:, bands:, compute: or combine:"
                + (f", found {', '.join(origins)}" if origins else "")
            )
        derived = bool(origins) and origins[0] != "from"
        if derived and (self.recode is not None or self.reverse or self.missing or self.waves):
            raise ValueError(
                f"recode:, reverse:, missing: and waves: belong to a variable that is read with from:, not to {origins[0]}:"
            )
        if self.cases is not None:
            if not self.cases:
                raise ValueError("cases: is empty")
            if any(case.otherwise for case in self.cases[:-1]):
                raise ValueError("otherwise: must be the last of the cases")
            if self.codes:
                self._known([case.code for case in self.cases if case.code is not None], "cases:")
        if self.bands is not None and set(self.codes) != {
            float(k + 1) for k in range(len(self.bands.starts))
        }:
            raise ValueError(
                f"bands: makes codes 1 to {len(self.bands.starts)}; label exactly those under codes:"
            )
        if self.needs and not derived:
            raise ValueError("needs: belongs to a derived variable (cases:, bands:, compute: or combine:)")
        for recode in (self.recode, *(wave.recode for wave in self.waves.values())):
            if recode and self.codes:
                self._known(list(recode.values()), "recode:")
        if self.reverse and self.recode is not None:
            raise ValueError("give either recode: or reverse: true, one of the two")
        if self.reverse or any(wave.reverse for wave in self.waves.values()):
            _mirrored(self.codes)
        if self.level in ("nominal", "ordinal") and not self.codes:
            raise ValueError(f"level {self.level} needs its codes: with labels")
        return self

    def _known(self, targets: list, where: str) -> None:
        unknown = [code for code in targets if code not in self.codes]
        if unknown:
            raise ValueError(
                f"{where} gives {', '.join(_show(code) for code in dict.fromkeys(unknown))}, which codes: "
                "does not label. Add the label or correct the code"
            )

    def mapping(self, wave: int | str) -> dict[Code, Code] | None:
        """Raw code or range → harmonised code in a wave; None where codes stay as they are."""
        own = self.waves.get(wave)
        if own is not None and own.recode is not None:
            return own.recode
        turned = self.reverse if own is None or own.reverse is None else own.reverse
        if turned:
            return _mirrored(self.codes)
        return None if own is not None and own.reverse is False and self.reverse else self.recode

    def gone(self, wave: int | str) -> dict[Code, Kind]:
        """Raw code or range → kind of missing value in a wave."""
        own = self.waves.get(wave)
        return {**self.missing, **((own.missing or {}) if own is not None else {})}

    def names(self, universe: bool = True) -> tuple[str, ...]:
        """The names a variable is made of, those of its universe only if asked for."""
        texts = [case.when for case in self.cases or () if case.when]
        texts += [text for text in (self.compute, self.universe if universe else None) if text]
        used = [name for text in texts for name in sorted(parse(text).names)]
        return tuple(dict.fromkeys([*([self.bands.of] if self.bands else []), *used, *self.needs]))

    @property
    def scale(self) -> str:
        """The level of measurement, given or implied."""
        return self.level or ("nominal" if self.codes else "numeric")


def _mirrored(codes: dict[Code, Label]) -> dict[Code, Code]:
    """Each code of a scale → the one that lies as far from the other end."""
    numbers = [code for code in codes if not isinstance(code, str)]
    ends = (min(numbers) + max(numbers)) if numbers else 0.0
    turned = {ends - code: code for code in numbers}
    if len(numbers) < len(codes) or not numbers or set(turned) != set(numbers):
        raise ValueError(
            "reverse: needs codes: whose numbers lie evenly about their middle, such as 1 to 5; "
            "write the recode: out instead"
        )
    return turned


def _show(code: float | str) -> str:
    return f"{code:g}" if isinstance(code, float) else repr(code)


class SetCard(Part):
    """A question with several answers, kept in several variables of the card."""

    label: Label
    variables: tuple[Name, ...] = Field(min_length=2)
    counted: Code | None = 1.0


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
