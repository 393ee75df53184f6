"""A card whose design is a preset, looked up in a file: which columns hold weight, strata and units."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from masar_research.loading.card_design import DesignCard
from masar_research.loading.card_parts import Combined, VariableCard
from masar_research.loading.cards import SurveyCard
from masar_research.loading.harmonise import card_error, selected
from masar_research.loading.presets import ROLES, Candidate, Variant, all_presets, told
from masar_research.loading.raw import Raw

MADE = {"weights": "design_weight", "strata": "design_stratum", "psu": "design_psu"}
_LABELS = {
    "weights": {"en": "Weight", "ar": "الوزن"},
    "strata": {"en": "Stratum", "ar": "الطبقة"},
    "psu": {"en": "Primary sampling unit", "ar": "وحدة المعاينة الأولية"},
}
_UNCLUSTERED = {
    "en": "The file names no primary sampling units, so standard errors and intervals ignore clustering and are "
    "probably too small.",
    "ar": "لا يسمّي الملف وحدات المعاينة الأولية، ولذلك تتجاهل الأخطاء المعيارية وفترات الثقة أثر العنقدة، "
    "ويُرجَّح أنها أصغر مما ينبغي.",
}
_UNSTRATIFIED = {"en": " Nor does it name strata.", "ar": " ولا يسمّي الطبقات."}


@dataclass(frozen=True, slots=True)
class _File:
    """A file's columns as a preset looks at them: without regard to case, blank columns left out."""

    frame: pd.DataFrame

    def find(self, name: str) -> str | None:
        if name in self.frame.columns:
            return name
        near = [c for c in self.frame.columns if isinstance(c, str) and c.casefold() == name.casefold()]
        return near[0] if len(near) == 1 else None

    def filled(self, columns: Candidate) -> tuple[str, ...] | None:
        """The file's own names of the columns, if it has them all and none is blank throughout."""
        found = [self.find(name) for name in columns]
        if any(name is None or self.frame[name].isna().all() for name in found):
            return None
        return tuple(name for name in found if name is not None)

    def varies(self, columns: Sequence[str]) -> bool:
        return any(self.frame[name].nunique() > 1 for name in columns)


def resolve(card: SurveyCard, wave: int | str, raw: Raw) -> SurveyCard:
    """The card with its preset replaced by variables of its own, read from a wave's file.

    Roles the card names itself (``weights:``, ``strata:``, ``psu:``) stay as named; a role
    written as ``null`` is left out.

    Parameters
    ----------
    card : SurveyCard
    wave : int or str
    raw : Raw
        The file of that wave.

    Returns
    -------
    SurveyCard
        With the variables ``design_weight``, ``design_stratum`` and ``design_psu`` as far as the
        file holds them; unchanged where the card has no preset.

    Raises
    ------
    CardError
        If several variants fit or none does, or a column the preset needs is not in the file; the
        message says which names were tried.
    """
    design = card.design
    if design.preset is None:
        return card
    file = _File(selected(raw, card))
    preset = all_presets()[design.preset]
    kind = design.variant or _recognised(card, wave, file)
    variant = preset.variants[kind]
    above = next((found for name in variant.within if (found := file.filled((name,)))), ())
    above = above if above and file.varies(above) else ()
    roles: dict[str, object] = {}
    variables = {}
    for role in ROLES:
        said = getattr(design, role)
        if said is not None or role in design.model_fields_set:
            roles[role] = said
            continue
        found = _columns(card, wave, file, variant, kind, role)
        if role == "strata":
            found = (*above, *found)
        if not found:
            continue
        name = roles[role] = MADE[role]
        if name in card.variables:
            raise card_error(
                card, ["variables", name], f"the preset {design.preset} makes a variable {name} itself.",
                f"Rename it, or say {role}: {name} under design:.",
                f"ينشئ النموذج الجاهز \u2066{design.preset}\u2069 المتغير \u2066{name}\u2069 بنفسه. غيّر اسمه أو اكتب \u2066{role}: {name}\u2069 تحت design:.",
            )  # fmt: skip
        variables[name] = _variable(role, found, variant, f"{design.preset}/{kind}", file)
    return card.model_copy(
        update={
            "variables": {**card.variables, **variables},
            "design": _design(design, kind, preset.lonely_psu, variant, roles),
        }
    )


def _recognised(card: SurveyCard, wave: int | str, file: _File) -> str:
    """The variant whose columns the file has; the one known by most columns wins."""
    variants = all_presets()[card.design.preset or ""].variants
    free = {name: v for name, v in variants.items() if not v.asked}
    fits = {name: len(v.when) for name, v in free.items() if all(file.find(c) for c in v.when)}
    best = [name for name, count in fits.items() if count == max(fits.values())]
    if len(best) == 1:
        return best[0]
    if best:
        what = f"the file of wave {wave} fits several kinds of the preset {card.design.preset}: {', '.join(best)}."
        remedy = f"Say which under design:, for example variant: {best[0]}."
        ar = (
            f"يلائم ملف الجولة {wave} أكثر من شكل من النموذج الجاهز \u2066{card.design.preset}\u2069: "
            f"\u2066{', '.join(best)}\u2069. اختر أحدها تحت design:، مثل \u2066variant: {best[0]}\u2069."
        )
    else:
        tried = "; ".join(f"{' and '.join(v.when)} ({name})" for name, v in free.items())
        what = (
            f"the file of wave {wave} holds no weight the preset {card.design.preset} knows; tried {tried}."
        )
        remedy = "Choose another preset, or name the variables with weights:, strata: and psu:."
        ar = (
            f"ليس في ملف الجولة {wave} وزن يعرفه النموذج الجاهز \u2066{card.design.preset}\u2069. اختر نموذجًا آخر أو "
            "سمِّ المتغيّرات بالحقول weights: وstrata: وpsu:."
        )
    raise card_error(card, ["design", "preset"], what, remedy, ar)


def _columns(
    card: SurveyCard, wave: int | str, file: _File, variant: Variant, kind: str, role: str
) -> tuple[str, ...]:
    candidates: tuple[Candidate, ...] = getattr(variant, role)
    found = [columns for each in candidates if (columns := file.filled(each))]
    if role == "strata":
        # A column of one value is no stratification where another one says more.
        found = [columns for columns in found if file.varies(columns)] or found
    if found:
        return found[0]
    if role in variant.required:
        raise card_error(
            card,
            ["design", "preset"],
            f"the preset {card.design.preset} ({kind}) looks for {role} in {told(candidates)}; "
            f"the file of wave {wave} has none of them filled in.",
            f"Name a variable of this card with {role}: under design:, or leave it out with {role}: null.",
            f"يبحث النموذج الجاهز \u2066{card.design.preset}\u2069 عن \u2066{role}\u2069 في أعمدة لا يوجد منها عمود مملوء في ملف الجولة {wave}. سمِّ متغيرًا من البطاقة تحت design: أو اكتب \u2066{role}: null\u2069.",
        )
    return ()


def _variable(role: str, columns: tuple[str, ...], variant: Variant, preset: str, file: _File) -> VariableCard:
    product = role == "weights"
    how = {"en": " × ".join(columns), "ar": " × ".join(columns)}
    if product and variant.divide != 1:
        how = {"en": f"{how['en']} / {variant.divide:,.0f}", "ar": f"{how['ar']} / {variant.divide:,.0f}"}
    text = not product and (len(columns) > 1 or file.frame[columns[0]].dtype.kind not in "fiu")
    return VariableCard(
        combine=Combined(columns=columns, by="product", divide=variant.divide)
        if product
        else Combined(columns=columns),
        label=_LABELS[role],
        level="text" if text else "numeric",
        note={
            "en": f"Read from {how['en']} by the preset {preset}.",
            "ar": f"قُرئ من {how['ar']} بحسب القالب {preset}.",
        },
    )


def _design(
    design: DesignCard, kind: str, lonely: str, variant: Variant, roles: dict[str, object]
) -> DesignCard:
    said = design.model_fields_set
    psu, strata = roles.get("psu"), roles.get("strata")
    note = design.note
    if psu is None and note is None:
        note = {
            lang: _UNCLUSTERED[lang] + ("" if strata else _UNSTRATIFIED[lang]) for lang in ("en", "ar")
        }
    facts = {name: getattr(design, name) for name in ("preset", "fpc", "collapse")}
    return DesignCard(
        **facts, variant=kind, weights=roles["weights"], strata=strata, psu=psu, note=note,
        clustered=psu is not None,
        lonely_psu=design.lonely_psu if "lonely_psu" in said else lonely,
        shared_psus=design.shared_psus if "shared_psus" in said else variant.shared_psus,
    )  # fmt: skip
