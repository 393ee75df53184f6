"""Weighting steps as a survey card writes them: one model per step, the fields those of the builder's verbs."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from masar_research.expressions import parse
from masar_research.loading.card_parts import (
    Bilingual,
    Code,
    Condition,
    Fault,
    Name,
    Part,
    Population,
    WaveCode,
)

Named = Iterator[tuple[list[str | int], str]]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
Whole = Positive | Literal["current"]
Iterations = Annotated[int, Field(ge=1)]

_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")
# A name that is neither a function nor the keyword of an argument.
_VARIABLE = re.compile(r"(?<![\w.])([A-Za-z_]\w*)(?!\s*\(|\w|\s*=[^=])")


def _targets(value: Any) -> Any:
    """Totals by code, nested once per variable, or rows with the variables and ``total`` or ``share``."""

    def number(found: Any, at: str) -> None:
        if isinstance(found, bool) or not isinstance(found, int | float) or not math.isfinite(found):
            raise Fault(f"the target of {at} is {found!r}, and a number was expected",
                        f"هدف \u2066{at}\u2069 ليس عددًا")

    def walk(found: Any, at: str) -> None:
        if isinstance(found, dict) and found:
            for key, inner in found.items():
                walk(inner, f"{at} {key}".strip())
        else:
            number(found, at or "targets:")

    if isinstance(value, list | tuple) and value:
        for row in value:
            if not isinstance(row, dict) or not {"total", "share", "target"} & set(row):
                raise Fault("a row of targets needs the variables and total: or share:",
                            "يحتاج كل سطر من الأهداف إلى المتغيّرات وإلى total: أو share:")
            number(next(row[k] for k in ("total", "share", "target") if k in row), str(dict(row)))
        return tuple(dict(row) for row in value)
    if not isinstance(value, dict) or not value:
        raise Fault("targets: needs totals by code, {1: 5.9e6, 2: 5.2e6}", "يلزم مجموع لكل رمز: {1: 5.9e6, 2: 5.2e6}")
    walk(value, "")
    return value


class Margin(Part):
    """Population totals over the cells of some variables: from a file, written here, or a reference margin.

    `population` says whom they count, and a margin that counts others than the study covers is refused;
    `accept` says why other exclusions are accepted.
    """

    variables: tuple[Name, ...] = Field(min_length=1)
    file: str | None = None
    key: str | None = None
    targets: Annotated[Any, BeforeValidator(_targets)] = None
    source: Bilingual | None = None
    reference: str | None = None
    shares: bool = False
    population: Population | None = None
    accept: Bilingual | None = None

    @model_validator(mode="after")
    def _one(self) -> Margin:
        if sum(given is not None for given in (self.file, self.targets, self.reference)) != 1:
            raise Fault("give one of file: (with key:), targets: or reference:",
                        "اكتب واحدًا من file: (مع key:) أو targets: أو reference:")
        if self.reference is not None and (self.source or self.population):
            raise Fault("a reference: brings its own source: and population:. Leave these out",
                        "يأتي التوزيع المرجعي reference: بمصدره وسكانه؛ احذف source: وpopulation:")
        if self.accept is not None and self.reference is None and self.population is None:
            raise Fault("accept: belongs to a margin with reference: or population:",
                        "accept: يخص توزيعًا له reference: أو population:")
        return self


def _margins(field: str, margins: tuple[Margin, ...]) -> Named:
    for j, margin in enumerate(margins):
        yield from (([field, j, "variables"], name) for name in margin.variables)


def _no_twins(field: str, margins: tuple[Margin, ...]) -> None:
    seen = [frozenset(margin.variables) for margin in margins]
    twice = next((m for k, m in enumerate(margins) if seen[k] in seen[:k]), None)
    if twice is not None:
        said = " × ".join(twice.variables)
        raise Fault(f"{field}: gives {said} twice. Keep one of the two", f"تكرر \u2066{said}\u2069 في {field}:؛ أبقِ واحدًا")


class StepPart(Part):
    """What the steps have in common."""

    def names(self) -> Named:
        """Variables of the card that the step uses, with the field each stands in."""
        for field in ("responded", "eligible", "ineligible", "unknown", "expression", "multiplicity"):
            text = getattr(self, field, None)
            yield from (([field], name) for name in (sorted(parse(text).names) if text else ()))
        for field in ("cells", "within", "by", "categories"):
            yield from (([field], name) for name in getattr(self, field, ()))
        formula = getattr(self, "on", None)
        if formula:
            yield from ((["on"], name) for name in dict.fromkeys(_VARIABLE.findall(_QUOTED.sub("", formula))))
        for field in ("panel", "group", "household"):
            if getattr(self, field, None) is not None:
                yield [field], getattr(self, field)
        for field in ("numbers", "household_numbers", "means"):
            yield from (([field], name) for name in getattr(self, field, ()))
        for field in ("margins", "household_margins", "shares"):
            yield from _margins(field, getattr(self, field, ()))


class StageCard(Part):
    """A stage of selection: a probability, or how many were selected out of how many."""

    probability: Condition | None = None
    selected: Condition | None = None
    total: Condition | None = None
    unit: Name | None = None

    @model_validator(mode="after")
    def _one(self) -> StageCard:
        counts = self.selected is not None and self.total is not None
        if counts == (self.probability is not None) or (self.selected is None) != (self.total is None):
            raise Fault("a stage needs probability:, or both selected: and total:",
                        "تحتاج المرحلة إلى probability: أو إلى selected: وtotal: معًا")
        return self


def _stage(value: Any) -> Any:
    if isinstance(value, str):
        return {"probability": value}
    if isinstance(value, list | tuple) and len(value) == 2:
        return {"selected": value[0], "total": value[1]}
    return value


class BaseStep(StepPart):
    """Weights from columns, or from the selection probabilities of several stages."""

    step: Literal["base"]
    expression: Condition | None = None
    stages: tuple[Annotated[StageCard, BeforeValidator(_stage)], ...] = ()
    multiplicity: Condition | None = None

    @model_validator(mode="after")
    def _one(self) -> BaseStep:
        if (self.expression is None) == (not self.stages):
            raise Fault("give expression: or stages:, one of the two", "اكتب expression: أو stages:، أحدهما فقط")
        if self.multiplicity is not None and not self.stages:
            raise Fault("multiplicity: belongs to stages:. Divide in the expression",
                        "multiplicity: تخص stages:؛ اقسم داخل العبارة")
        return self

    def names(self) -> Named:
        """As in every step, and those of the stages."""
        yield from StepPart.names(self)
        for j, stage in enumerate(self.stages):
            for text in (stage.probability, stage.selected, stage.total):
                yield from ((["stages", j], name) for name in (sorted(parse(text).names) if text else ()))
            if stage.unit is not None:
                yield ["stages", j], stage.unit


class EligibilityStep(StepPart):
    """Weight of cases of unknown eligibility carried by known ones of the same cell."""

    step: Literal["eligibility"]
    eligible: Condition
    ineligible: Condition
    unknown: Condition
    cells: tuple[Name, ...] = Field(min_length=1)
    share: float | None = Field(default=None, ge=0, le=1)


class NonresponseStep(StepPart):
    """Weights of respondents raised within cells to carry the non-respondents."""

    step: Literal["nonresponse"]
    responded: Condition
    eligible: Condition | None = None
    cells: tuple[Name, ...] = Field(min_length=1)
    min_cell: int = Field(default=0, ge=0)
    max_factor: float | None = Field(default=None, gt=1)
    within: tuple[Name, ...] = ()

    @model_validator(mode="after")
    def _merges(self) -> NonresponseStep:
        if self.within and not self.min_cell and self.max_factor is None:
            raise Fault("within: says which classes may be merged, and none are. Give min_cell: or max_factor:",
                        "within: تحدد أي الفئات تُدمج ولا دمج هنا؛ أعطِ min_cell: أو max_factor:")
        return self


class PropensityStep(StepPart):
    """Weights of respondents raised by a logistic model of responding."""

    step: Literal["propensity"]
    responded: Condition
    on: str = Field(min_length=1)
    classes: int | None = Field(default=None, ge=2)
    weighted: bool = True
    eligible: Condition | None = None


class AttritionStep(StepPart):
    """Weight of panel members who were lost carried to those who answered again."""

    step: Literal["attrition"]
    responded: Condition
    cells: tuple[Name, ...] = ()
    on: str | None = None
    panel: Name | None = None

    @model_validator(mode="after")
    def _one(self) -> AttritionStep:
        if bool(self.cells) == (self.on is not None):
            raise Fault("give cells: (classes) or on: (a model), one of the two",
                        "اكتب cells: (فئات) أو on: (نموذج)، أحدهما فقط")
        return self


class RakeStep(StepPart):
    """Raking to several margins."""

    step: Literal["rake"]
    margins: tuple[Margin, ...] = Field(min_length=1)
    total: Whole | None = None
    max_iter: Iterations = 200
    tol: Positive = 1e-10

    @model_validator(mode="after")
    def _once(self) -> RakeStep:
        _no_twins("margins", self.margins)
        return self


class PoststratifyStep(StepPart):
    """Post-stratification to one full table."""

    step: Literal["poststratify"]
    margin: Margin
    total: Whole | None = None

    def names(self) -> Named:
        """The variables of the table."""
        yield from ((["margin", "variables"], name) for name in self.margin.variables)


class EstimatesCard(Part):
    """Targets that another survey estimates, by its card; their errors enter the variance."""

    card: str
    wave: WaveCode | None = None
    weighted: bool = True
    where: Condition | None = None
    counts: tuple[tuple[Name, ...], ...] = ()
    totals: tuple[Name, ...] = ()

    @model_validator(mode="after")
    def _any(self) -> EstimatesCard:
        if not self.counts and not self.totals:
            raise Fault("give counts: (lists of variables) or totals: (variables)",
                        "اكتب counts: (قوائم متغيّرات) أو totals: (متغيّرات)")
        return self


class CalibrateStep(StepPart):
    """Calibration to categorical and numeric totals, of persons and households, firmly or softly."""

    step: Literal["calibrate"]
    margins: tuple[Margin, ...] = ()
    numbers: dict[Name, Finite] = {}
    estimates: EstimatesCard | None = None
    method: Literal["raking", "linear", "logit"] = "raking"
    bounds: tuple[float, float] | None = None
    limits: tuple[float, float] | None = None
    population: Positive | None = None
    household: Name | None = None
    household_margins: tuple[Margin, ...] = ()
    household_numbers: dict[Name, Finite] = {}
    tolerance: Positive | dict[str, Positive] | None = None
    cost: Positive | dict[str, Positive] | None = None
    covariance: tuple[tuple[Finite, ...], ...] | None = None
    total: Whole | None = None
    max_iter: Iterations = 100
    tol: Positive = 1e-10

    @model_validator(mode="after")
    def _agrees(self) -> CalibrateStep:
        of_household = self.household_margins or self.household_numbers
        own = self.margins or self.numbers
        if not own and self.estimates is None and self.population is None and not of_household:
            raise Fault("calibration has no targets. Give margins:, numbers:, population: or estimates:",
                        "لا أهداف للمعايرة؛ اكتب margins: أو numbers: أو population: أو estimates:")
        if self.estimates is not None and (own or of_household or self.covariance is not None):
            raise Fault("estimates: bring all targets of the step with their errors. Put other targets into a step of their own",
                        "estimates: تأتي بأهداف الخطوة كلها مع أخطائها؛ ضع الأهداف الأخرى في خطوة مستقلة")
        if of_household and self.household is None:
            raise Fault("targets of households need household:, the variable whose values are households",
                        "أهداف الأسر تحتاج إلى household: متغيّر رمز الأسرة")
        if self.covariance is not None and of_household:
            raise Fault("targets with a covariance cannot be joined by targets of households. Use two steps",
                        "لا تُجمع أهداف ذات تغاير مع أهداف الأسر؛ اجعلها خطوتين")
        for name, pair in (("bounds", self.bounds), ("limits", self.limits)):
            if pair is not None and not pair[0] < pair[1]:
                raise Fault(f"{name}: {list(pair)} leave no room. Give the lower one first",
                            f"الحدّان {name}: لا يتركان مجالًا؛ اكتب الأدنى أولًا")
        if self.method == "logit" and (
            self.bounds is None or not all(map(math.isfinite, self.bounds)) or not self.bounds[0] < 1 < self.bounds[1]
        ):
            raise Fault("method: logit needs finite bounds: on both sides of 1, such as [0.4, 3]",
                        "الطريقة logit تحتاج إلى bounds: حدّين منتهيين حول 1، مثل [0.4, 3]")
        _no_twins("margins", (*self.margins, *self.household_margins))
        return self


class EntropyStep(StepPart):
    """Weights nearest to these that have given means and shares; their sum stays."""

    step: Literal["entropy"]
    shares: tuple[Margin, ...] = ()
    means: dict[Name, Finite | tuple[Finite, Positive]] = {}
    max_iter: Iterations = 100
    tol: Positive = 1e-10

    @model_validator(mode="after")
    def _any(self) -> EntropyStep:
        if not self.shares and not self.means:
            raise Fault("give means: {age: 38.5} or shares: (margins)", "اكتب means: {age: 38.5} أو shares:")
        _no_twins("shares", self.shares)
        return self


class BalanceStep(StepPart):
    """Every group given the shares and moments of a reference group."""

    step: Literal["balance"]
    group: Name
    reference: Code
    categories: tuple[Name, ...] = ()
    numbers: tuple[Name, ...] = ()
    moments: Literal[1, 2, 3] = 1
    max_iter: Iterations = 100
    tol: Positive = 1e-10

    @model_validator(mode="after")
    def _any(self) -> BalanceStep:
        if not self.categories and not self.numbers:
            raise Fault("give categories: or numbers: to balance", "اكتب categories: أو numbers: لما يُوازَن")
        return self


class TrimStep(StepPart):
    """Weights brought back to a bound; rules in ``median, mean, iqr, n, rms, potter`` and percentiles."""

    step: Literal["trim"]
    upper: str | float | None = None
    lower: str | float | None = None
    redistribute: bool | Literal["equal"] = True
    within: tuple[Name, ...] = ()
    max_deff: float | None = Field(default=None, gt=1)
    margins: tuple[Margin, ...] = ()
    total: Whole | None = None

    @model_validator(mode="after")
    def _any(self) -> TrimStep:
        if self.upper is None and self.lower is None and self.max_deff is None:
            raise Fault("give upper: or lower:, or max_deff:", "اكتب upper: أو lower: أو max_deff:")
        for both, what, ar in (
            (self.max_deff is not None and self.upper is not None, "upper: and max_deff: both set the upper bound",
             "upper: وmax_deff: كلاهما يحدد الحد الأعلى"),
            (self.within and self.redistribute is False, "within: keeps sums and redistribute: false lets them go",
             "within: تحفظ المجاميع وredistribute: false تتركها"),
            (self.margins and self.within, "margins: and within: both keep sums", "margins: وwithin: كلتاهما تحفظ المجاميع"),
            (self.margins and self.redistribute is not True, "margins: say where the weight goes, so redistribute: has no part",
             "margins: تحدد أين يذهب الوزن فلا مكان لـ redistribute:"),
            (self.total is not None and not self.margins, "total: belongs to margins:", "total: تخص margins:"),
        ):  # fmt: skip
            if both:
                raise Fault(f"{what}. Leave one of the two out", f"{ar}؛ احذف إحداهما")
        _no_twins("margins", self.margins)
        return self


class NormaliseStep(StepPart):
    """Weights scaled to mean 1, or to a sum."""

    step: Literal["normalise"]
    total: float | None = Field(default=None, gt=0)
    by: tuple[Name, ...] = ()


class CombineStep(StepPart):
    """Waves combined into one sample for pooled estimates; without factors by effective sample size."""

    step: Literal["combine"]
    factors: dict[WaveCode, Annotated[float, Field(ge=0)]] = {}

    @model_validator(mode="after")
    def _whole(self) -> CombineStep:
        if self.factors and abs(sum(self.factors.values()) - 1) > 1e-9:
            raise Fault(f"the factors sum to {sum(self.factors.values()):.6g}; they must sum to 1",
                        "مجموع المعاملات ليس 1")
        return self


Step = Annotated[
    BaseStep | EligibilityStep | NonresponseStep | PropensityStep | AttritionStep | RakeStep | PoststratifyStep
    | CalibrateStep | EntropyStep | BalanceStep | TrimStep | NormaliseStep | CombineStep,
    Field(discriminator="step"),
]  # fmt: skip

STEPS: dict[str, type[StepPart]] = {
    "base": BaseStep, "eligibility": EligibilityStep, "nonresponse": NonresponseStep, "propensity": PropensityStep,
    "attrition": AttritionStep, "rake": RakeStep, "poststratify": PoststratifyStep, "calibrate": CalibrateStep,
    "entropy": EntropyStep, "balance": BalanceStep, "trim": TrimStep, "normalise": NormaliseStep, "combine": CombineStep,
}  # fmt: skip
PARTS = {"margins": Margin, "margin": Margin, "shares": Margin, "household_margins": Margin, "stages": StageCard,
         "estimates": EstimatesCard}  # fmt: skip
