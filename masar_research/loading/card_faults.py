"""What is wrong in a card, said by file, line, field and remedy in both languages."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel, ValidationError

from masar_research.errors import CardError
from masar_research.loading import card_weighting
from masar_research.loading.card_design import DesignCard, ReplicatesCard
from masar_research.loading.card_outcomes import OutcomesCard
from masar_research.loading.card_parts import (
    Bands,
    Case,
    Combined,
    Disclosure,
    Fault,
    Fieldwork,
    FormSheets,
    Lack,
    PerWave,
    Population,
    VariableCard,
    Wave,
)
from masar_research.loading.yaml_lines import Lines, at_line, did_you_mean

_MOST = 12
_STEPS = card_weighting.STEPS
_MODELS: dict[str, type[BaseModel]] = {
    "population": Population, "design": DesignCard, "replicates": ReplicatesCard, "combine": Combined,
    "disclosure": Disclosure, "outcomes": OutcomesCard, "lacks": Lack, "fieldwork": Fieldwork, "bands": Bands,
    "form": FormSheets, "waves": Wave, "variables": VariableCard, "cases": Case, **card_weighting.PARTS,
}  # fmt: skip
_UNIONS = ("function-", "tuple[", "dict[", "constrained-", "_Both", "FormSheets", "literal[", "lax-or-strict", "json-or-python")
_ORDER = {
    "greater_than": ("gt", "greater than", "أكبر من"), "greater_than_equal": ("ge", "at least", "لا يقل عن"),
    "less_than": ("lt", "less than", "أصغر من"), "less_than_equal": ("le", "at most", "لا يزيد على"),
}  # fmt: skip
_SEE = "Correct that field (see docs/survey_cards.md)."
_SEE_AR = "صحّح هذا الحقل (انظر docs/survey_cards.md)."


def explain(lines: Lines, error: ValidationError, card: type[BaseModel]) -> CardError:
    """The error that names every place of a card that does not fit.

    Parameters
    ----------
    lines : Lines
    error : ValidationError
    card : type
        The model of the whole card.
    """
    faults, found = set(), error.errors(include_url=False)
    for fault in found:
        if fault["type"] == "too_short" and any(_beneath(other["loc"], fault["loc"]) for other in found):
            continue  # its items are there; they have faults of their own
        where = [step for step in fault["loc"] if not _internal(step, lines, fault["loc"])]
        faults.add((lines.line(where), ".".join(str(step) for step in where) or "the card",
                    *_say(fault, where, lines, card)))  # fmt: skip
    ordered = sorted(faults, key=lambda one: (one[0], one[1], one[2]))
    if len(ordered) == 1:
        line, field, what, remedy, ar = ordered[0]
        return CardError(f"{lines.path.name}, line {line}, {field}: {what}", remedy=remedy,
                         ar=at_line(lines.path, line, field, ar))  # fmt: skip
    shown = [f"{lines.path.name}, line {line}, {field}: {what} → {remedy}"
             for line, field, what, remedy, _ in ordered[:_MOST]]  # fmt: skip
    more = [f"… and {len(ordered) - _MOST} more."] if len(ordered) > _MOST else []
    return CardError(
        "\n".join([f"{len(ordered)} places in the card do not fit.", *shown, *more]),
        remedy="Correct each as it says, then read the card again.",
        ar="\n".join(at_line(lines.path, line, field, ar) for line, field, _, _, ar in ordered[:_MOST]),
    )


def _beneath(inner: tuple, outer: tuple) -> bool:
    return len(inner) > len(outer) and inner[: len(outer)] == outer


def _internal(step: str | int, lines: Lines, loc: tuple) -> bool:
    """Pydantic puts names of union members and '[key]' into addresses; they are not in the file."""
    if not isinstance(step, str):
        return False
    return (
        step == "[key]"
        or step.startswith(_UNIONS)
        or (step in _STEPS and loc[0] == "weighting")
        or (step in ("str", "float", "int", "bool") and step == loc[-1] and lines.node(loc[:-1]) is not None)
    )


def _keys_at(where: list, fault: dict, card: type[BaseModel]) -> list[str]:
    """The fields allowed where an unknown key was found."""
    model: type[BaseModel] | None = card
    for step in where[:-1]:
        if model is None:
            return ["en", "ar"]
        fields = {(info.alias or name): info for name, info in model.model_fields.items()}
        if isinstance(step, int) or step not in fields:
            continue
        if step == "weighting":
            model = next((_STEPS[s] for s in fault["loc"] if s in _STEPS), card_weighting.RakeStep)
        elif step == "waves" and model is VariableCard:
            model = PerWave
        else:
            model = _MODELS.get(step)
    if model is None:
        return ["en", "ar"]
    return [info.alias or name for name, info in model.model_fields.items() if name != "path"]


def _say(fault: dict, where: list, lines: Lines, card: type[BaseModel]) -> tuple[str, str, str]:
    """What is wrong, the remedy, and both in Arabic."""
    found, kind = fault.get("input"), fault["type"]
    last = str(where[-1]) if where else ""
    shown = _brief(found)
    match kind:
        case "extra_forbidden":
            known = _keys_at(where, fault, card)
            return (f"the key {last!r} is not known here.", did_you_mean(last, known),
                    f"المفتاح {_apart(last)} غير معروف هنا. {_near(last, known)}")  # fmt: skip
        case "missing" if last in ("en", "ar"):
            language, arabic = ("English", "الإنجليزي") if last == "en" else ("Arabic", "العربي")
            return (f"the {language} text ({last}:) is missing.", "Give every text in English (en) and Arabic (ar).",
                    f"النص {arabic} ({last}:) ناقص. اكتب كل نص بالإنجليزية (en) والعربية (ar).")  # fmt: skip
        case "missing":
            return ("it is required and missing.", f"Add {last}: there (see docs/survey_cards.md).",
                    f"هذا الحقل مطلوب وغير موجود. أضف {_apart(last + ':')}.")  # fmt: skip
        case "literal_error" | "union_tag_invalid":
            choices = _choices(fault)
            if isinstance(found, dict):
                found = found.get("step", found)
                shown = _brief(found)
            return (f"one of {', '.join(choices)} was expected, found {shown}.", did_you_mean(str(found), choices),
                    f"القيمة {_apart(shown)} غير مقبولة. {_near(str(found), choices)}")  # fmt: skip
        case "union_tag_not_found":
            named = ", ".join(_STEPS)
            return ("a step needs its name.", f"Write step: and one of {named}.",
                    f"الخطوة بلا اسم. اكتب step: ثم واحدة من: {_apart(named)}.")  # fmt: skip
        case "string_pattern_mismatch" if last == "checksum":
            return (f"a content checksum (sha256-content: and 64 hexadecimal digits) was expected, found {shown}.",
                    "Copy it from loading.read(file).checksum.",
                    "يُنتظر هنا رمز تحقق المحتوى (sha256-content: ثم 64 خانة). انسخه من loading.read(file).checksum.")  # fmt: skip
        case "string_pattern_mismatch":
            return (f"a name of Latin letters, digits and _ was expected, found {shown}.", "Rename it.",
                    f"يُنتظر اسم من حروف لاتينية وأرقام و_ والموجود {_apart(shown)}. غيّر الاسم.")  # fmt: skip
        case "value_error":
            problem = fault["ctx"]["error"]
            what = str(problem)
            what = what if what.endswith((".", "?")) else f"{what}."
            ar = f"{problem.ar}. {_SEE_AR}" if isinstance(problem, Fault) else None
            return what, _SEE, ar or f"ما كُتب هنا لا يصح: {_apart(what)} {_SEE_AR}"
        case "too_short" | "string_too_short":
            return "it is empty.", "Fill it in.", "هذا الحقل فارغ. املأه."
        case "dict_type" | "model_type" | "typed_dict_type" | "model_attributes_type":
            return (f"a mapping was expected, found {shown}.",
                    "Write fields beneath it, or {en: ..., ar: ...} for a text.",
                    f"تُنتظر هنا حقول والموجود {_apart(shown)}. اكتب الحقول تحته، أو {{en: …, ar: …}} إن كان نصًا.")  # fmt: skip
        case "tuple_type" | "list_type":
            return (f"a list was expected, found {shown}.", "Write it as a list: [a, b] or lines that begin with -.",
                    f"تُنتظر هنا قائمة والموجود {_apart(shown)}. اكتبها [a, b] أو أسطرًا تبدأ بـ -.")  # fmt: skip
        case "greater_than" | "greater_than_equal" | "less_than" | "less_than_equal":
            name, words, arabic = _ORDER[kind]
            bound = fault["ctx"][name]
            return (f"input should be {words} {bound:g}, found {shown}.", f"Give a number {words} {bound:g}.",
                    f"يُنتظر عدد {arabic} {_apart(f'{bound:g}')} والموجود {_apart(shown)}. صحّحه.")  # fmt: skip
        case "float_type" | "float_parsing" | "int_type" | "int_parsing" | "finite_number" | "int_from_float":
            return (f"a number was expected, found {shown}.", "Write a number, without quotes or thousands separators.",
                    f"يُنتظر هنا عدد والموجود {_apart(shown)}. اكتب عددًا بلا علامات اقتباس ولا فواصل آلاف.")  # fmt: skip
        case _:
            return (f"{fault['msg'][0].lower()}{fault['msg'][1:]}, found {shown}.", _SEE,
                    f"القيمة {_apart(shown)} لا تصح هنا. {_SEE_AR}")  # fmt: skip


def _choices(fault: dict) -> list[str]:
    context = fault.get("ctx", {})
    expected = context.get("expected") or context.get("expected_tags")
    return str(expected).replace("'", "").replace(" or ", ", ").split(", ")


def _near(word: str, known: Iterable[str]) -> str:
    """`did_you_mean` in Arabic."""
    said = did_you_mean(word, known)
    if said.startswith("Did you mean "):
        return f"هل تقصد {_apart(said.removeprefix('Did you mean ').removesuffix('?'))}؟"
    return f"المعروف: {_apart(said.removeprefix('Known: ').removesuffix('.'))}."


def _apart(text: str) -> str:
    """Latin words inside an Arabic sentence."""
    return f"\u2066{text}\u2069"


def _brief(value: Any) -> str:
    text = repr(dict(value)) if isinstance(value, dict) else repr(value)
    return text if len(text) <= 80 else text[:77] + "..."
