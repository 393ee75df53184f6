"""A first draft of a survey card from a data file: what the file says, guesses marked, the rest left to a person."""

from __future__ import annotations

import fnmatch
import json
import os
import re
from collections.abc import Sequence
from pathlib import Path

from masar_research.codebook import Category, Codebook, Variable
from masar_research.errors import CardError, DataError
from masar_research.expressions import parse
from masar_research.loading.cards import SurveyCard, read_card
from masar_research.loading.guessing import Guess, guesses
from masar_research.loading.presets import all_presets
from masar_research.loading.raw import Raw, guess_kind
from masar_research.loading.readers import read
from masar_research.loading.standard_frame import standard_frame
from masar_research.loading.undecided import TODO
from masar_research.loading.yaml_lines import did_you_mean

_HEAD = """\
# A draft: loading refuses it until every text that begins with TODO is written, every guess: line is confirmed or
# corrected and deleted, and draft: true is deleted. `masar card check` lists what is open.
# مسودة: يرفض التحميل هذه البطاقة إلى أن يُكتب كل نص يبدأ بكلمة TODO، ويُؤكَّد كل تخمين (guess) أو يُصحَّح ويُحذف سطره،
# ثم يُحذف السطر draft: true. يعرض الأمر masar card check ما بقي.
"""
_DISCLOSURE = ("strategy", "sponsor", "tools", "population", "sample", "mode", "processing", "limitations")
_FIT, _WORD = 200, 39


def draft(
    file: str | Path, path: str | Path, *, preset: str | None = None, columns: Sequence[str] | None = None,
    form: str | Path | None = None,
) -> SurveyCard:  # fmt: skip
    """Write the draft of a card and read it back.

    Parameters
    ----------
    file : str or Path
        A data file of any kind that can be read.
    path : str or Path
        The card to write; an existing file is never overwritten.
    preset : str, optional
        A design of `masar_research.presets`; without it weights, strata and units are guessed.
    columns : sequence of str, optional
        Names or patterns (``"mv0*"``) of the columns wanted; by default all that hold anything.
    form : str or Path, optional
        The XLSForm of a KoBo or ODK export.

    Returns
    -------
    SurveyCard
        With ``draft`` true: it can be read and reported on, and not be loaded.

    Raises
    ------
    CardError
        If the card exists, or there is no such preset.
    DataError
        If the file cannot be read or has no such columns.

    Examples
    --------
    >>> draft("survey.sav", "data/surveys/survey.yml").variables.keys()    # doctest: +SKIP
    """
    file, path = Path(file), Path(path)
    if path.exists():
        raise CardError(
            f"There is a card {path.name} already.", remedy="Give another name, or delete it first.",
            ar=f"البطاقة {path.name} موجودة؛ اختر اسماً آخر أو احذفها أولاً.",
        )  # fmt: skip
    if preset is not None and preset not in all_presets():
        raise CardError(f"{preset!r} is not a preset.", remedy=did_you_mean(preset, all_presets()))
    raw = read(file, form=Path(form) if form is not None else None)
    text = written(raw, file, path, preset, columns, form)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return read_card(path)


def written(
    raw: Raw, file: Path, path: Path, preset: str | None, columns: Sequence[str] | None, form: str | Path | None
) -> str:
    """The text of the draft."""
    names, blank = _wanted(raw, columns)
    found = guesses(raw.frame[names], raw.codebook)
    if preset is not None:
        found = {c: g for c, g in found.items() if g.name not in ("base_weight", "stratum", "psu")}
    own = _names(names, found, raw.codebook)
    roles = {guess.name for guess in found.values()}
    place = os.path.relpath(file.resolve(), path.resolve().parent)
    year = re.search(r"(?:19|20)\d\d", file.stem)
    out = [
        _HEAD.rstrip("\n"),
        f"study: {_safe(path.stem)}",
        "draft: true",
        f"title: {_todo('title of the study', 'عنوان الدراسة')}",
        f"population: {{en: {_q(f'{TODO} who was interviewed')}, ar: {_q(f'{TODO} من شملهم المسح')}, nationality: not_documented, age_min: 15}}",
        *_design(preset, roles),
        "waves:",
        f"  {year.group() if year else _q('first')}:",
        f"    file: {_q(Path(place).as_posix())}",
        f"    checksum: {_q(raw.checksum)}",
        *([f"    form: {_q(Path(os.path.relpath(Path(form).resolve(), path.resolve().parent)).as_posix())}"] if form else []),
        f"    fieldwork: {{note: {_todo('first and last day of interviewing', 'أول يوم في العمل الميداني وآخره')}}}",
        *(f"# {line}" for line in _remarks(raw, blank)),
        "variables:",
    ]
    if preset is None and "base_weight" not in roles:
        out += [
            "  base_weight:",
            "    cases: [{code: 1, otherwise: true}]",
            "    level: numeric",
            '    label: {en: "Every row counts once", ar: "لكل سجل وزن واحد"}',
            '    guess: "no column of weights was found"',
        ]
    for column in names:
        out += _variable(raw, column, own, found.get(column))
    for name in ("age_labour", "age_adult"):
        if "age" in roles and name not in own.values():
            out += _bands(name)
    out += ["disclosure:", *(f"  {item}: {_todo(item, item)}" for item in _DISCLOSURE)]
    return "\n".join(out) + "\n"


def _wanted(raw: Raw, columns: Sequence[str] | None) -> tuple[list[str], list[str]]:
    personal = {name for name, variable in raw.codebook.items() if variable.personal}
    names = [str(name) for name in raw.frame.columns if name not in personal]
    if columns is not None:
        patterns = [columns] if isinstance(columns, str) else list(columns)
        for pattern in patterns:
            if not fnmatch.filter(names, pattern):
                raise DataError(f"The file has no column {pattern!r}.", remedy=did_you_mean(pattern, names))
        names = [name for name in names if any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)]
    blank = [name for name in names if raw.frame[name].isna().all()]
    return [name for name in names if name not in set(blank)], blank


def _names(columns: list[str], found: dict[str, Guess], book: Codebook) -> dict[str, str]:
    """Column → a name of its own: that of the guess, or the column's, never by chance one of the frame."""
    taken = {guess.name for guess in found.values()} | {"wave"}
    out = {}
    for column in columns:
        if column in found:
            out[column] = found[column].name
            continue
        name = _safe(column)
        while name in taken or name in standard_frame():
            name = f"{name}_asked" if not name.endswith("_asked") else f"{name}2"
        taken.add(name)
        out[column] = name
    return out


def _safe(text: str) -> str:
    name = re.sub(r"\W+", "_", text, flags=re.ASCII).strip("_")
    return name if name and not name[0].isdigit() else f"v_{name}" if name else "v"


def _design(preset: str | None, roles: set[str]) -> list[str]:
    if preset is not None:
        return [f"design: {{preset: {preset}}}"]
    facts = ["weights: base_weight"] + [f"{role}: {name}" for role, name in (("strata", "stratum"), ("psu", "psu")) if name in roles]
    if "psu" not in roles:
        facts.append("clustered: false")
    note = _todo("how the sample was drawn", "كيف سُحبت العينة")
    return [f"design: {{{', '.join(facts)}, note: {note}}}"]


def _remarks(raw: Raw, blank: list[str]) -> list[str]:
    out = [" ".join(f"{note.kind}: {note.en}".split())[:240] for note in raw.notes]
    if blank:
        out.append(f"blank throughout, left out ({len(blank)}): {', '.join(blank[:12])}{' …' if len(blank) > 12 else ''}")
    return out


def _variable(raw: Raw, column: str, own: dict[str, str], guess: Guess | None) -> list[str]:
    variable = raw.codebook.get(column) or Variable(column, {})
    values = raw.frame[column]
    known = standard_frame().get(guess.name) if guess else None
    suspects = {c.code: kind for c in variable.valid if (kind := guess_kind(" ".join(c.label.values()))) != "missing"}
    answers = [c for c in variable.valid if c.code not in suspects]
    codes = [] if variable.level in ("numeric", "text", "date") else answers
    out = [f"  {own[column]}:", f"    from: {_q(column)}"]
    label, question = _label(variable, column)
    if known is not None and known.codes and guess is not None:
        out.append(f"    recode: {{{', '.join(f'{_code(a)}: {_code(b)}' for a, b in guess.recode.items())}}}")
        lost = [c for c in answers if c.code in guess.unplaced]
        if lost:
            out.append(f"    # without a place: {'; '.join(f'{_code(c.code)} {_first(c)}' for c in lost)}"[:400])
        held = set(guess.recode.values())
        out.append(f"    codes: {{{', '.join(f'{_code(code)}: {_pair(dict(words))}' for code, words in known.codes.items() if code in held)}}}")
        level = known.level
    else:
        level = variable.level if variable.level != "nominal" or codes else "numeric"
        if values.dtype.kind == "M":
            level = "date"
        elif values.dtype.kind not in "fiu" and not codes:
            level = "text"
        if codes:
            out.append("    codes:")
            out += [f"      {_code(c.code)}: {_pair(_bare(c), str(c.code))}" for c in codes]
    out.append(f"    level: {level}")
    out.append(f"    label: {label}")
    if question:
        out.append(f"    question: {question}")
    if suspects and level not in ("text", "date"):
        out.append(f"    missing: {{{', '.join(f'{_code(code)}: {kind}' for code, kind in suspects.items())}}}")
    universe = _universe(variable, own)
    if universe:
        out.append(universe)
    reasons = ([guess.why] if guess else []) + (
        [f"missing codes by their labels: {', '.join(_code(c) for c in suspects)}"] if suspects and level not in ("text", "date") else []
    )
    if reasons:
        out.append(f"    guess: {_q('; '.join(reasons)[:300])}")
    return out


def _universe(variable: Variable, own: dict[str, str]) -> str | None:
    """The form's condition, where it speaks of variables that keep their names and codes."""
    if not variable.universe:
        return None
    try:
        names = parse(variable.universe).names
    except DataError:
        return None
    if all(own.get(name) == name for name in names):
        return f"    universe: {_q(variable.universe)}"
    return f"    # asked of: {' '.join(variable.universe.split())}"


def _bands(name: str) -> list[str]:
    known = standard_frame()[name]
    bands = known.bands or {}
    return [
        f"  {name}:",
        f"    bands: {{of: {bands['of']}, starts: {bands['starts']}}}",
        f"    level: {known.level}",
        f"    label: {_pair(dict(known.label))}",
        f"    codes: {{{', '.join(f'{_code(code)}: {_pair(dict(words))}' for code, words in known.codes.items())}}}",
    ]


def _label(variable: Variable, column: str) -> tuple[str, str | None]:
    """Label and, where the label is too long for a page, the question."""
    words = dict(variable.label)
    question = dict(variable.question or {})
    if any(len(text) > _FIT for text in words.values()):
        question = question or words
    asked = _pair({lang: text[:1400] for lang, text in question.items()}, fit=1400) if question else None
    return _pair({lang: _short(text) for lang, text in words.items()}, column), asked


def _short(text: str, fit: int = _FIT) -> str:
    cut = text if len(text) <= fit else f"{text[: fit - 20].rsplit(' ', 1)[0]} …"
    return " ".join(word if len(word) <= _WORD else f"{word[: _WORD - 1]}…" for word in cut.split())


def _pair(words: dict[str, str], name: str = "", fit: int = _FIT) -> str:
    """Both languages; what is absent is left to a person."""
    english, arabic = (_short(words.get(lang, ""), fit) for lang in ("en", "ar"))
    hint = english or arabic or _short(name)
    return f"{{en: {_q(english or f'{TODO} {hint}')}, ar: {_q(arabic or f'{TODO} {hint}')}}}"


def _todo(english: str, arabic: str) -> str:
    return f"{{en: {_q(f'{TODO} {english}')}, ar: {_q(f'{TODO} {arabic}')}}}"


def _first(category: Category) -> str:
    return next(iter(category.label.values()), "")


def _bare(category: Category) -> dict[str, str]:
    """The label of a code without the code in front of it (``"1. Yes"``)."""
    front = re.escape(_code(category.code).strip('"'))
    return {lang: re.sub(rf"^{front}\s*[.:)\-]\s*(?=\S)", "", text) for lang, text in category.label.items()}


def _code(code: float | str) -> str:
    return _q(code) if isinstance(code, str) else f"{code:.15g}"


def _q(text: str) -> str:
    """A text in double quotes, as YAML and JSON both read it."""
    return json.dumps(" ".join(str(text).split()), ensure_ascii=False)
