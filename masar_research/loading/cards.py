"""The survey card: what a study is, declared once in YAML and checked before anything is read."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError, model_validator

from masar_research.codebook import Text
from masar_research.errors import CardError
from masar_research.expressions import parse
from masar_research.loading import card_copies
from masar_research.loading.card_design import DesignCard, ReplicatesCard
from masar_research.loading.card_faults import explain
from masar_research.loading.card_parts import (
    Bilingual,
    Condition,
    Disclosure,
    FormSheets,
    Label,
    Lack,
    Name,
    Part,
    Population,
    SetCard,
    VariableCard,
    Wave,
    WaveCode,
)
from masar_research.loading.card_weighting import Step
from masar_research.loading.card_outcomes import OutcomesCard
from masar_research.loading.presets import all_presets
from masar_research.loading.standard_frame import strange_codes
from masar_research.loading.undecided import told, undecided
from masar_research.loading.yaml_lines import Lines, at_line, did_you_mean, read_yaml

__all__ = ["FormSheets", "SurveyCard", "VariableCard", "read_card"]

class SurveyCard(Part):
    """A study: its population, design, waves, variables and what must be disclosed about it.

    Read one with :func:`read_card`. Fields are described in ``docs/survey_cards.md``.
    """

    study: Name
    draft: bool = False
    title: Label
    synthetic: bool = False
    notice: Bilingual | None = None
    citation: Bilingual | None = None
    population: Population
    design: DesignCard
    waves: dict[WaveCode, Wave] = Field(min_length=1)
    select: Condition | None = None
    variables: dict[Name, VariableCard] = Field(min_length=1)
    sets: dict[Name, SetCard] = Field(default_factory=dict)
    weighting: tuple[Step, ...] = ()
    outcomes: OutcomesCard | None = None
    disclosure: Disclosure
    lacks: tuple[Lack, ...] = ()
    path: Path | None = Field(default=None, exclude=True, repr=False)

    @model_validator(mode="after")
    def _agrees(self) -> SurveyCard:
        if self.synthetic and self.notice is None:
            raise ValueError("a synthetic study needs a notice: in English and Arabic that says so")
        for name, several in self.sets.items():
            unknown = [each for each in several.variables if each not in self.variables]
            if unknown:
                raise ValueError(f"sets: {name} names {', '.join(unknown)}, which is no variable of the card")
        return self

    def breaks(self, names: Iterable[str]) -> dict[int | str, Text]:
        """Where the series of some variables break: wave → why earlier waves are not comparable with it.

        A variable made of others breaks where they do.

        Parameters
        ----------
        names : iterable of str
            Harmonised variables; others are passed over.
        """
        out: dict[int | str, Text] = {}
        for name in self.ingredients(names):
            for wave, own in self.variables[name].waves.items():
                if own.break_ is None:
                    continue
                told = out.get(wave)
                out[wave] = own.break_ if told is None else Text(*(f"{told[x]} {own.break_[x]}" for x in ("en", "ar")))
        return {wave: out[wave] for wave in self.waves if wave in out}

    def ingredients(self, names: Iterable[str]) -> list[str]:
        """These variables and every variable of the card they are made of, each once."""
        found: dict[str, None] = {}
        queue = list(names)
        while queue:
            name = queue.pop(0)
            if name in found or name not in self.variables:
                continue
            found[name] = None
            queue += self.variables[name].names(universe=False)
        return list(found)


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
    path = Path(path)
    return _checked(path, path.read_bytes() if path.is_file() else None)


@lru_cache(maxsize=16)
def _checked(path: Path, content: bytes | None) -> SurveyCard:
    """A card by its content: the same bytes are parsed once."""
    kept = None if content is None else card_copies.fetch(content)
    if kept is not None:
        try:
            card = SurveyCard.model_validate(kept)
            _cross_check(card, Lines(path, kept))
            return card.model_copy(update={"path": path})
        except (ValidationError, CardError):
            # Only the file itself knows the line.
            pass
    lines = read_yaml(path)
    tree = _plain(lines.tree)
    try:
        card = SurveyCard.model_validate(tree)
    except ValidationError as error:
        raise explain(lines, error, SurveyCard) from None
    _cross_check(card, lines)
    if content is not None:
        card_copies.store(content, tree)
    return card.model_copy(update={"path": path})


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
    for field in ("weights", "strata", "psu", "fpc", "collapse"):
        value = getattr(design, field)
        for name in (value,) if isinstance(value, str) else value or ():
            if name not in names:
                raise lines.error(
                    ["design", field],
                    f"{name!r} is not among the card's variables.",
                    f"Name a variable of this card. {did_you_mean(name, names)}",
                    f"\u2066{name}\u2069 ليس من متغيّرات البطاقة. سمِّ متغيرًا من متغيّراتها.",
                )
    _check_decided(card, lines)
    _check_preset(card, lines)
    _check_replicates(card, lines)
    if "wave" in names:
        raise lines.error(
            ["variables", "wave"],
            "the variable wave is made by loading itself.",
            "Leave it out or rename it.",
            "المتغير wave يُنشأ عند التحميل. احذفه أو غيّر اسمه.",
        )
    for k, step in enumerate(card.weighting):
        for where, name in step.names():
            if name not in names and name != "wave":
                near = did_you_mean(name, names)
                raise lines.error(
                    ["weighting", k, *where],
                    f"{name!r} is not among the card's variables.",
                    f"Weighting uses harmonised variables. {near}",
                    f"\u2066{name}\u2069 ليس من متغيّرات البطاقة؛ تستعمل خطوات الترجيح المتغيّرات الموحّدة.",
                )
    for name, variable in names.items():
        for strange in strange_codes(name, variable.codes):
            raise lines.error(
                ["variables", name, "codes"],
                f"{name} is a variable of the standard frame, and its {strange}.",
                "Recode to the frame's codes, or give the variable a name of its own (masar_research.loading.standard_frame()).",
                f"\u2066{name}\u2069 من متغيّرات الإطار المعياري، ورموزه في البطاقة غير رموز الإطار. أعد الترميز إلى رموزه أو سمِّ المتغير باسم آخر.",
            )
        for used in sorted(parse(variable.universe).names) if variable.universe else ():
            if used not in names:
                raise lines.error(
                    ["variables", name, "universe"],
                    f"{used!r} is not among the card's variables.",
                    f"A universe is asked of harmonised variables. {did_you_mean(used, names)}",
                    f"\u2066{used}\u2069 ليس من متغيّرات البطاقة؛ يُكتب universe: بالمتغيّرات الموحّدة.",
                )
        for wave in variable.waves:
            if wave not in card.waves:
                raise lines.error(
                    ["variables", name, "waves", wave],
                    f"{wave!r} is not a wave of this card.",
                    did_you_mean(str(wave), card.waves),
                    f"\u2066{wave}\u2069 ليست من جولات هذه البطاقة.",
                )


def _check_decided(card: SurveyCard, lines: Lines) -> None:
    if card.draft or next(undecided(lines.tree), None) is None:
        return
    first = next(undecided(lines.tree))[0]
    raise lines.error(
        first,
        f"decisions are open:\n{told(lines)}",
        "Write each text that begins with TODO, confirm or correct each guess and delete its guess: line.",
        "في البطاقة قرارات مفتوحة. اكتب كل نص يبدأ بكلمة TODO، وأكّد كل تخمين أو صحّحه ثم احذف سطر guess:.",
    )


def _check_preset(card: SurveyCard, lines: Lines) -> None:
    design = card.design
    if design.preset is None:
        return
    known = all_presets()
    if design.preset not in known:
        raise lines.error(
            ["design", "preset"],
            f"{design.preset!r} is not a preset.",
            f"{did_you_mean(design.preset, known)} masar_research.presets() lists them.",
            f"لا نموذج جاهزًا باسم \u2066{design.preset}\u2069. تعرض \u2066masar_research.presets()\u2069 المتاح منها.",
        )
    variants = known[design.preset].variants
    if design.variant is not None and design.variant not in variants:
        raise lines.error(
            ["design", "variant"],
            f"{design.variant!r} is not a variant of the preset {design.preset}.",
            did_you_mean(design.variant, variants),
            f"\u2066{design.variant}\u2069 ليس من أشكال النموذج الجاهز \u2066{design.preset}\u2069؛ المتاح: \u2066{', '.join(variants)}\u2069.",
        )


def _check_replicates(card: SurveyCard, lines: Lines) -> None:
    given = card.design.replicates
    if given is None:
        return
    if card.weighting:
        raise lines.error(
            ["weighting"],
            "weighting steps and given replicate weights stand together; the replicates would leave the steps out.",
            "Leave weighting: out, or describe the design by strata and psu and make replicates after weighting.",
            "خطوات الترجيح والأوزان المكررة المعطاة معًا؛ ولن تمرّ المكررات بالخطوات. احذف weighting: أو صف التصميم بالطبقات ووحدات المعاينة وأنشئ المكررات بعد الترجيح.",
        )
    if len(card.waves) > 1 and given.across_waves is None:
        raise lines.error(
            ["design", "replicates"],
            "the card has several waves and does not say how their replicates belong together.",
            "Write across_waves: common (replicate r leaves out the same units in every wave) "
            "or across_waves: independent.",
            "في البطاقة جولات عدة ولا تقول كيف ترتبط أوزانها المكررة. اكتب across_waves: common (المكرر نفسه يستبعد الوحدات نفسها في كل جولة) أو across_waves: independent.",
        )
    if len(card.waves) == 1 and given.across_waves is not None:
        raise lines.error(
            ["design", "replicates", "across_waves"], "there is one wave only.", "Leave across_waves: out.", "ليس في البطاقة إلا جولة واحدة. احذف across_waves:."
        )
