"""The briefs there are, and their typed parameters, checked before anything is executed.

A brief is a notebook in ``notebooks/briefs`` with an entry here, or in the project's own
``notebooks/briefs/catalogue.yml``::

    my_brief:
      title: {en: "…", ar: "…"}
      parameters: {survey: study, wave: wave, geography: geography, profile: profile}
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from masar_research.briefs import locations
from masar_research.briefs.geography import geography as find_geography
from masar_research.errors import BriefError, CardError, DataError, ParameterError
from masar_research.loading.cards import SurveyCard, read_card
from masar_research.loading.places_of_files import find_file
from masar_research.loading.yaml_lines import read_yaml
from masar_research.release import PROFILES

Kind = Literal["study", "wave", "geography", "profile"]
KINDS: tuple[Kind, ...] = ("study", "wave", "geography", "profile")
DEFAULTS: Mapping[Kind, Any] = {"geography": "JO", "profile": "nchs", "wave": None}
USUAL: Mapping[str, Kind] = {
    "survey": "study", "wave": "wave", "geography": "geography", "profile": "profile",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Entry:
    """A brief of the catalogue.

    Attributes
    ----------
    name : str
        Also the notebook's name.
    title : mapping
        Its theme, en and ar (the finding comes from the data).
    parameters : mapping
        Parameter name → kind.
    studies : tuple of str
        Studies it is built for when nothing else is asked; those whose file is there.
    """

    name: str
    title: Mapping[str, str]
    parameters: Mapping[str, Kind]
    studies: tuple[str, ...]

    @property
    def notebook(self) -> Path:
        return locations.notebook(self.name)


BUILT_IN = (
    Entry(
        "women_empowerment",
        {"en": "Women's economic participation", "ar": "المشاركة الاقتصادية للمرأة"},
        USUAL,
        ("masar_demo", "arab_barometer_3_jordan"),
    ),
)


def entries() -> dict[str, Entry]:
    """All briefs: the built-in ones whose notebook is there, and the project's own."""
    found = {entry.name: entry for entry in BUILT_IN if entry.notebook.exists()}
    found.update(_own(locations.root() / "notebooks" / "briefs" / "catalogue.yml"))
    return found


def entry(name: str) -> Entry:
    """One brief by name."""
    known = entries()
    if name in known:
        return known[name]
    near = difflib.get_close_matches(str(name), known, n=2)
    raise ParameterError(
        f"There is no brief {name!r}.",
        remedy=f"Did you mean {near[0]!r}?" if near else f"The briefs are {sorted(known)}.",
        ar=f"لا يوجد موجز باسم «{name}».",
    )


def _own(path: Path) -> dict[str, Entry]:
    if not path.exists():
        return {}
    found = {}
    try:
        listed = read_yaml(path).tree
    except CardError as error:
        raise BriefError(error.what, remedy=error.remedy) from error
    for name, fields in listed.items():
        if not _right(fields):
            raise BriefError(
                f"The entry {name!r} of {path.name} is not right: {fields!r}.",
                remedy=f"Give title: {{en:, ar:}}, parameters: of the kinds {list(KINDS)}, and studies: [...] if wanted.",
                ar=f"المدخل «{name}» في {path.name} غير صحيح: يلزم عنوان بالعربية والإنجليزية ومعلمات من الأنواع المعروفة.",
            )
        kinds = dict(fields.get("parameters") or USUAL)
        found[name] = Entry(name, dict(fields["title"]), kinds, tuple(fields.get("studies") or ()))
    return found


def _right(fields: Any) -> bool:
    if not isinstance(fields, dict) or set(fields) - {"title", "parameters", "studies"}:
        return False
    title, kinds, studies = fields.get("title"), fields.get("parameters") or {}, fields.get("studies") or []
    return (
        isinstance(title, dict) and set(title) == {"en", "ar"} and all(isinstance(text, str) for text in title.values())
        and isinstance(kinds, dict) and all(kind in KINDS for kind in kinds.values())
        and isinstance(studies, list) and all(isinstance(study, str) for study in studies)
    )  # fmt: skip


def check(brief: Entry, given: Mapping[str, Any]) -> dict[str, Any]:
    """The brief's parameters, complete and of the right type.

    Raises
    ------
    ParameterError
        An unknown or mistyped parameter, study, wave, place or profile, with what is allowed.
    """
    unknown = [name for name in given if name not in brief.parameters]
    if unknown:
        near = difflib.get_close_matches(unknown[0], brief.parameters, n=1)
        raise ParameterError(
            f"{brief.name} has no parameter {unknown[0]!r}.",
            remedy=(f"Did you mean {near[0]!r}? " if near else "")
            + f"Its parameters are {list(brief.parameters)}.",
            ar=f"لا معلمة باسم «{unknown[0]}» لهذا الموجز.",
        )
    values: dict[str, Any] = {}
    card: SurveyCard | None = None
    for name, kind in sorted(brief.parameters.items(), key=lambda item: KINDS.index(item[1])):
        value = given.get(name, DEFAULTS.get(kind))
        match kind:
            case "study":
                card = _study(name, value)
                values[name] = card.study
            case "wave":
                values[name] = _wave(name, value, card)
            case "geography":
                values[name] = find_geography(_text(name, value, "a place code such as 'JO'")).code
            case "profile":
                values[name] = _one_of(name, _text(name, value, "a profile"), sorted(PROFILES))
    return {name: values[name] for name in brief.parameters}


def _study(name: str, value: Any) -> SurveyCard:
    cards = locations.cards()
    return read_card(cards[_one_of(name, _text(name, value, "a study with a card"), sorted(cards))])


def _wave(name: str, value: Any, card: SurveyCard | None) -> int | str:
    if card is None:
        raise BriefError(f"{name!r} is a wave, but the brief has no study.", remedy="Declare survey: study too.")
    waves = list(card.waves)
    if value is None:
        return waves[-1]
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise _mistyped(name, value, f"one of {waves}")
    return _one_of(name, value, waves)


def _text(name: str, value: Any, wanted: str) -> str:
    if not isinstance(value, str) or not value:
        raise _mistyped(name, value, wanted)
    return value


def _mistyped(name: str, value: Any, wanted: str) -> ParameterError:
    return ParameterError(
        f"{name}={value!r} is of the wrong type ({type(value).__name__}).",
        remedy=f"Give {wanted}.",
        ar=f"نوع المعلمة «{name}» غير صحيح.",
    )


def _one_of(name: str, value: Any, allowed: list[Any]) -> Any:
    for option in allowed:
        if type(option) is type(value) and option == value:
            return option
    near = difflib.get_close_matches(str(value), [str(option) for option in allowed], n=1)
    raise ParameterError(
        f"{name}={value!r} is not one of {allowed}.",
        remedy=f"Did you mean {near[0]}?" if near else "Use one of those.",
        ar=f"القيمة «{value}» للمعلمة «{name}» غير متاحة.",
    )


def usual_builds() -> list[tuple[Entry, dict[str, Any]]]:
    """What ``masar briefs`` builds: every brief for every study of its list whose file is there."""
    return [pair for pair in _listed() if _file_there(pair[1]["survey"])]


def builds_left_out() -> list[tuple[Entry, dict[str, Any]]]:
    """What ``masar briefs`` leaves out because the file of the study is not in place."""
    return [pair for pair in _listed() if not _file_there(pair[1]["survey"])]


def _listed() -> list[tuple[Entry, dict[str, Any]]]:
    cards = locations.cards()
    return [
        (brief, {"survey": study})
        for brief in entries().values()
        for study in brief.studies
        if study in cards
    ]


def _file_there(study: str) -> bool:
    """Whether the study can be tried; a card that does not validate is, so that its error is told."""
    try:
        return file_present(read_card(locations.cards()[study]))
    except CardError:
        return True


def file_present(card: SurveyCard, wave: int | str | None = None) -> bool:
    """Whether the file of a wave (the latest by default) is where it can be found."""
    code = list(card.waves)[-1] if wave is None else wave
    try:
        find_file(card.waves[code].file, card.path)
    except DataError:
        return False
    return True
