"""``load``: a study's card and files become a `Survey`."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from masar_research.codebook import Category, Codebook, ResponseSet, Variable
from masar_research.errors import DataError
from masar_research.loading.cards import FormSheets, SurveyCard, read_card
from masar_research.loading.harmonise import Harmonised, card_error, describe, harmonise
from masar_research.loading.kinds import RESERVED, Column
from masar_research.loading.places_of_files import find_card, find_file
from masar_research.loading.raw import Raw
from masar_research.loading.readers import read
from masar_research.loading.related import rows_of
from masar_research.loading.replicate_columns import with_replicates
from masar_research.loading.resolve import resolve
from masar_research.loading.undecided import told
from masar_research.loading.yaml_lines import read_yaml

if TYPE_CHECKING:
    from masar_research.survey import Survey


def load(card: str | Path | SurveyCard, wave: int | str | None = None, *, cache: bool = True) -> Survey:
    """Load a study in its harmonised variables, under its design, with its base weights.

    Parameters
    ----------
    card : str, Path or SurveyCard
        A card's path, a study's name (looked up in ``data/surveys/``), or a card already read.
    wave : int or str, optional
        One wave; without it all waves pooled, with strata and PSU ids common to the waves.
    cache : bool
        Whether files already read may come from the cache.

    Returns
    -------
    Survey
        With ``.card``, ``.codebook``, ``.checksum`` and a variable ``wave``. The card's weighting steps are
        not applied.

    Raises
    ------
    CardError
        If the card does not validate or does not fit the file; the message names the line.
    DataError
        If a file is absent, damaged or not the one of the card's checksum.
    DesignError
        If weights, strata or PSUs cannot be right.

    Examples
    --------
    >>> survey = load("masar_demo", wave=2026)                       # doctest: +SKIP
    >>> survey.proportion("in_labour_force", by="sex").frame         # doctest: +SKIP
    """
    from masar_research.survey import Survey

    card = card if isinstance(card, SurveyCard) else read_card(find_card(card))
    _no_draft(card)
    waves = _waves(card, wave)
    raws = {each: read_wave(card, each, cache=cache) for each in waves}
    cards = {each: resolve(card, each, raws[each]) for each in waves}
    parts = {each: harmonise(raws[each], cards[each], each) for each in waves}
    card = _alike(cards)
    frame, codebook = pool(card, parts)
    design = card.design
    for name in _roles(card):
        frame[name] = _blanked(frame[name], codebook.missing_codes(name))
    checksums = [raws[each].checksum for each in waves]
    checksum = checksums[0] if len(checksums) == 1 else _joined(checksums)
    if design.replicates is not None:
        frame, kind = with_replicates(card, frame, raws)
        return Survey(
            frame, weights=design.weights, replicates=kind, codebook=codebook, card=card, checksum=checksum
        )
    if len(waves) > 1:
        frame = _unit_ids(frame, card)
    stages = list(design.psu) if isinstance(design.psu, tuple) else design.psu
    fpc = list(design.fpc) if isinstance(design.fpc, tuple) else design.fpc
    return Survey(
        frame,
        weights=design.weights,
        strata=design.strata,
        psu=stages,
        fpc=fpc,
        lonely_psu=design.lonely_psu,
        collapse=design.collapse,
        codebook=codebook,
        wave="wave" if len(waves) > 1 else None,
        card=card,
        checksum=checksum,
    )


def recode_report(
    card: str | Path | SurveyCard, wave: int | str | None = None, *, cache: bool = True
) -> pd.DataFrame:
    """What became what: every value of every column, its code after, and how many rows.

    Parameters
    ----------
    card, wave, cache
        As for :func:`load`.

    Returns
    -------
    pandas.DataFrame
        Columns wave, variable, source, before, after, meaning, n.
    """
    card = card if isinstance(card, SurveyCard) else read_card(find_card(card))
    reports = []
    for each in _waves(card, wave):
        raw = read_wave(card, each, cache=cache)
        report = harmonise(raw, resolve(card, each, raw), each).report
        report.insert(0, "wave", each)
        reports.append(report)
    return pd.concat(reports, ignore_index=True)


def _form(form: str | FormSheets, origin: Path) -> Path | tuple[Path, Path]:
    """The form's file, or those of its two sheets."""
    if isinstance(form, FormSheets):
        return find_file(form.survey, origin), find_file(form.choices, origin)
    return find_file(form, origin)


def read_wave(card: SurveyCard, wave: int | str, *, cache: bool = True) -> Raw:
    """The file of one wave as it is, its checksum compared with the card's.

    Raises
    ------
    DataError
        If the file is absent or its content is not the one the card declares.
    """
    facts, origin = card.waves[wave], card.path or Path()
    form = None
    if isinstance(facts.form, tuple):
        form = [_form(each, origin) for each in facts.form]
    elif facts.form is not None:
        form = _form(facts.form, origin)
    path = find_file(facts.file, origin)
    raw = read(
        path, form=form, sheet=facts.sheet, personal=facts.keep_personal, cache=cache, decimal=facts.decimal, decide=facts.decide
    )
    if facts.repeat is not None:
        raw = rows_of(raw, facts.repeat)
    if facts.checksum is not None and facts.checksum != raw.checksum:
        raise card_error(
            card,
            ["waves", wave, "checksum"],
            f"the content of {path.name} is not the one declared: declared {facts.checksum}, found {raw.checksum}.",
            "It is another edition of the file, or it was changed: fetch the edition the card was written for, or look the card over "
            "against the new file and write its checksum there.",
            f"محتوى الملف \u2066{path.name}\u2069 غير المعلن في البطاقة: المعلن \u2066{facts.checksum}\u2069 والموجود \u2066{raw.checksum}\u2069. هو إصدار آخر أو ملف غُيّر: أحضر الإصدار الذي كُتبت له البطاقة، أو راجع البطاقة على الملف الجديد واكتب بصمته.",
        )
    return raw


def pool(card: SurveyCard, parts: dict[int | str, Harmonised]) -> tuple[pd.DataFrame, Codebook]:
    """Waves one under the other with a variable ``wave``, and the codebook of all.

    Parameters
    ----------
    card : SurveyCard
    parts : dict
        Wave → its harmonised data.

    Returns
    -------
    frame, codebook
    """
    text = any(isinstance(wave, str) for wave in card.waves)
    parts = {wave: part for wave, part in zip(parts, _reconciled(list(parts.values()), list(card.variables)))}
    frames = []
    for wave, part in parts.items():
        frames.append(part.frame.assign(wave=str(wave) if text else float(wave)))
    frame = pd.concat(frames, ignore_index=True)
    variables = [
        describe(name, facts, [part.columns[name] for part in parts.values()])
        for name, facts in card.variables.items()
    ]
    labels = {wave: facts.label or {"en": str(wave), "ar": str(wave)} for wave, facts in card.waves.items()}
    waves = tuple(Category(str(wave) if text else float(wave), labels[wave]) for wave in parts)
    variables.append(Variable("wave", {"en": "Survey wave", "ar": "جولة المسح"}, level="ordinal", categories=waves))
    sets = [ResponseSet(name, s.label, s.variables, s.counted) for name, s in card.sets.items()]
    return frame, Codebook(variables, sets)


def _reconciled(parts: list[Harmonised], names: list[str]) -> list[Harmonised]:
    """Codes that are missing in one wave and an answer (or another kind) in another get a code of their own."""
    frames, columns = [part.frame.copy() for part in parts], [dict(part.columns) for part in parts]
    for name in names:
        mine = [part[name] for part in columns]
        for code in {code for column in mine for code in column.kinds if not isinstance(code, str)}:
            kinds = {column.kinds[code] for column in mine if code in column.kinds}
            answered = any(
                code not in column.kinds and column.values.dtype.kind == "f" and (column.values == code).any()
                for column in mine
            )
            if len(kinds) == 1 and not answered:
                continue
            for k, column in enumerate(mine):
                if code in column.kinds:
                    kind = column.kinds[code]
                    values = np.where(column.values == code, RESERVED[kind], column.values)
                    rest = {c: v for c, v in column.kinds.items() if c != code}
                    mine[k] = Column(values, {**rest, RESERVED[kind]: kind}, column.source)
                    columns[k][name], frames[k][name] = mine[k], values
    return [Harmonised(frame, column, part.report) for frame, column, part in zip(frames, columns, parts)]


def _no_draft(card: SurveyCard) -> None:
    if not card.draft:
        return
    open_points = told(read_yaml(card.path)) if card.path is not None and card.path.is_file() else ""
    raise card_error(
        card,
        ["draft"],
        "the card is a draft" + (f"; open are:\n{open_points}" if open_points else "."),
        "Decide each, delete the guess: lines, then delete draft: true.",
        "البطاقة مسودة. احسم كل قرار مفتوح واحذف أسطر guess: ثم احذف draft: true.",
    )


def _waves(card: SurveyCard, wave: int | str | None) -> list[int | str]:
    if wave is None:
        return list(card.waves)
    for known in card.waves:
        if str(known) == str(wave):
            return [known]
    waves = ", ".join(map(str, card.waves))
    raise DataError(
        f"The study {card.study} has no wave {wave!r}.",
        remedy=f"Its waves are: {waves}.",
        ar=f"ليس في الدراسة {card.study} جولة {wave}. الجولات المتاحة: {waves}.",
    )


def _alike(cards: dict[int | str, SurveyCard]) -> SurveyCard:
    """The card of all waves: what a preset found in one wave's file it must find in the others."""
    first, *others = cards.values()
    for wave, other in zip(list(cards)[1:], others, strict=True):
        if set(other.variables) != set(first.variables):
            differ = sorted(set(other.variables) ^ set(first.variables))
            raise card_error(
                first, ["design", "preset"],
                f"the files of wave {next(iter(cards))} and of wave {wave} do not hold the same design: "
                f"{', '.join(differ)} in one of them only.",
                "Load the waves one by one with wave=, or leave the role out, for example psu: null.",
                f"ملف الجولة {next(iter(cards))} وملف الجولة {wave} لا يحملان التصميم نفسه: \u2066{', '.join(differ)}\u2069 في أحدهما فقط. حمّل كل جولة وحدها بالمعامل wave=، أو اترك الدور مثل psu: null.",
            )  # fmt: skip
    return first


def _unit_ids(frame: pd.DataFrame, card: SurveyCard) -> pd.DataFrame:
    """PSU ids of pooled waves: text where a wave has text, with the wave before them where they are not shared."""
    psu = card.design.psu
    name = psu if isinstance(psu, str) or psu is None else psu[0]
    frame = frame.copy(deep=False)
    for each in dict.fromkeys((name, card.design.strata)):
        if each is not None and frame[each].dtype.kind == "O":
            frame[each] = frame[each].map(_id, na_action="ignore")
    if name is not None and not card.design.shared_psus:
        ids = frame["wave"].map(_id) + ": " + frame[name].map(_id, na_action="ignore").astype(object)
        frame[name] = ids.where(frame[name].notna(), None)
    return frame


def _id(value: object) -> str:
    return f"{value:.15g}" if isinstance(value, float | int) else str(value)


def _roles(card: SurveyCard) -> list[str]:
    design = card.design
    names = [design.weights]
    for value in (design.strata, design.psu, design.fpc, design.collapse):
        names += [value] if isinstance(value, str) else list(value or ())
    return list(dict.fromkeys(names))


def _blanked(column: pd.Series, codes: frozenset) -> pd.Series:
    """A design column with its missing codes blank: a code such as 99 must not pass for a weight or a unit."""
    return column.mask(column.isin(list(codes))) if codes else column


def _joined(checksums: list[str]) -> str:
    return f"sha256-content:{hashlib.sha256(' '.join(checksums).encode()).hexdigest()}"
